/*
 * sdl_library.h: SDL's functions, found in its shared library once a window is wanted: a machine
 * without one starts without SDL and the forty libraries behind it. Private to the window.
 */
#ifndef FRONTEND_UI_SDL_LIBRARY_H
#define FRONTEND_UI_SDL_LIBRARY_H

#include <SDL2/SDL.h>

#include "cpu/base/error.h"

/* Each function that the window calls, without its SDL_. */
#define SDL_FUNCTIONS(X)                                                                           \
    X(CreateRGBSurfaceWithFormat)                                                                  \
    X(CreateWindow)                                                                                \
    X(DestroyWindow)                                                                               \
    X(EnableScreenSaver)                                                                           \
    X(FreeSurface)                                                                                 \
    X(GetClipboardText)                                                                            \
    X(GetCurrentVideoDriver)                                                                       \
    X(GetDisplayUsableBounds)                                                                      \
    X(GetError)                                                                                    \
    X(GetModState)                                                                                 \
    X(GetTicks)                                                                                    \
    X(GetWindowDisplayIndex)                                                                       \
    X(GetWindowFlags)                                                                              \
    X(GetWindowPosition)                                                                           \
    X(GetWindowSurface)                                                                            \
    X(InitSubSystem)                                                                               \
    X(PollEvent)                                                                                   \
    X(PushEvent)                                                                                   \
    X(QuitSubSystem)                                                                               \
    X(RegisterEvents)                                                                              \
    X(SetHint)                                                                                     \
    X(SetRelativeMouseMode)                                                                        \
    X(SetWindowFullscreen)                                                                         \
    X(SetWindowGrab)                                                                               \
    X(SetWindowKeyboardGrab)                                                                       \
    X(SetWindowMinimumSize)                                                                        \
    X(SetWindowPosition)                                                                           \
    X(SetWindowSize)                                                                               \
    X(SetWindowTitle)                                                                              \
    X(StartTextInput)                                                                              \
    X(StopTextInput)                                                                               \
    X(TLSCleanup)                                                                                  \
    X(UpdateWindowSurfaceRects)                                                                    \
    X(UpperBlit) /* SDL_BlitSurface is a macro for it */                                           \
    X(WaitEventTimeout)                                                                            \
    X(free)

struct sdl_library {
#define X(name) __typeof__(&SDL_##name) name;
    SDL_FUNCTIONS(X)
#undef X
};

/* It stays loaded until the program ends. */
bool sdl_library_load(struct sdl_library *sdl, struct error *err);

#endif
