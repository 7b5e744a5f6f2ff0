/*
 * sdl_library.c: see sdl_library.h.
 */
#include "frontend/ui/sdl_library.h"

#include <dlfcn.h>
#include <string.h>

#include "cpu/base/types.h"

#define SONAME "libSDL2-2.0.so.0"

static const struct {
    const char *name;
    size_t offset; /* of the pointer in struct sdl_library */
} functions[] = {
#define X(name) {"SDL_" #name, offsetof(struct sdl_library, name)},
    SDL_FUNCTIONS(X)
#undef X
};

#ifdef __SANITIZE_ADDRESS__
/* libdbus, which SDL asks for the screen saver, leaves an allocation behind in every program. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libdbus-1.so";
}
#endif

bool sdl_library_load(struct sdl_library *sdl, struct error *err)
{
    void *library = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        return error_set(err,
                         "-display sdl: libSDL2 is not installed: apt-get install libsdl2-2.0-0, "
                         "or say -display curses or none (%s)",
                         dlerror());
    }
    for (unsigned i = 0; i < ARRAY_LEN(functions); i++) {
        void *function = dlsym(library, functions[i].name);
        if (!function) {
            dlclose(library);
            return error_set(err,
                             "-display sdl: " SONAME " is too old: it lacks %s; say -display "
                             "curses or none",
                             functions[i].name);
        }
        memcpy((char *)sdl + functions[i].offset, &function, sizeof function);
    }
    return true;
}
