/*
 * sdl_input.c: the window's events: keys by their place on the keyboard, the mouse once it is
 * grabbed, and the keys that the window keeps for itself: letters with Ctrl and Alt.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cpu/base/mem.h"
#include "devices/input/ps2mouse.h"
#include "frontend/lab/lab.h"
#include "frontend/ui/lab_input.h"
#include "frontend/ui/sdl_window.h"

enum { SCREENSHOTS_MAX = 10000, PASTE_MAX = 4096 };

static void send(struct sdl_window *w, struct command_event event)
{
    feed_send(w->feed, &event);
}

static void send_text(struct sdl_window *w, enum command kind, const char *text)
{
    size_t length = strlen(text);
    length = length < PASTE_MAX ? length : PASTE_MAX;
    char *copy = mem_zeroed(length + 1, 1);
    memcpy(copy, text, length);
    send(w, (struct command_event){.kind = kind, .text = copy});
}

/* ---- keys of our own */

void window_set_grab(struct sdl_window *w, bool grabbed)
{
    if (grabbed == w->grabbed) {
        return;
    }
    w->grabbed = grabbed;
    w->redraw = true;
    w->sdl.SetRelativeMouseMode(grabbed ? SDL_TRUE : SDL_FALSE);
    w->sdl.SetWindowGrab(w->window, grabbed ? SDL_TRUE : SDL_FALSE);
    w->sdl.SetWindowKeyboardGrab(w->window, grabbed ? SDL_TRUE : SDL_FALSE);
    if (w->buttons) {
        w->buttons = 0;
        send(w, (struct command_event){.kind = COMMAND_MOUSE});
    }
}

static void key_grab(struct sdl_window *w)
{
    window_set_grab(w, !w->grabbed);
}

static void key_full_screen(struct sdl_window *w)
{
    w->full_screen = !w->full_screen;
    w->redraw = true;
    w->sdl.SetWindowFullscreen(w->window, w->full_screen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
}

static void key_scaling(struct sdl_window *w)
{
    w->integer = !w->integer;
    window_message(w, "%s",
                   w->integer ? "Whole multiples of the picture: every dot is sharp"
                              : "The picture fills the window");
}

static void key_delete(struct sdl_window *w)
{
    send_text(w, COMMAND_CHORD, "ctrl-alt-delete");
}

static void key_paste(struct sdl_window *w)
{
    char *text = w->sdl.GetClipboardText();
    if (text && text[0]) {
        send_text(w, COMMAND_TYPE, text);
        window_message(w, "Typing %zu bytes%s", strnlen(text, PASTE_MAX),
                       strlen(text) > PASTE_MAX ? ", the rest is left out" : "");
    } else {
        window_message(w, "The clipboard holds no text");
    }
    w->sdl.free(text);
}

/* The first of ringside-1.png, ringside-2.png, ... that does not exist. */
static bool free_name(char name[32])
{
    for (unsigned i = 1; i < SCREENSHOTS_MAX; i++) {
        snprintf(name, 32, "ringside-%u.png", i);
        if (access(name, F_OK)) {
            return true;
        }
    }
    return false;
}

/* The guest's picture, dot for dot. */
static void key_screenshot(struct sdl_window *w)
{
    char name[32], dir[160];
    struct feed_news news;
    struct error err = {"there are too many of them"};
    w->redraw = true; /* the news is lost with this look */
    const struct surface *picture = feed_lock(w->feed, &news, &w->status);
    bool ok = free_name(name) && surface_write(picture, name, &err);
    feed_unlock(w->feed);
    if (ok) {
        window_message(w, "Screenshot: %s/%s", getcwd(dir, sizeof dir) ? dir : ".", name);
    } else {
        window_message(w, "No screenshot: %.200s", err.text);
    }
}

static void key_pause(struct sdl_window *w)
{
    send(w, (struct command_event){.kind = COMMAND_PAUSE});
}

static void key_reset(struct sdl_window *w)
{
    send(w, (struct command_event){.kind = COMMAND_RESET});
    window_message(w, "Reset");
}

static void key_power(struct sdl_window *w)
{
    send(w, (struct command_event){.kind = COMMAND_POWER_BUTTON});
    window_message(w, "Power button pressed");
}

static void key_help(struct sdl_window *w)
{
    w->help = !w->help;
    w->redraw = true;
}

static void key_lab(struct sdl_window *w)
{
    window_show_lab(w, w->lab_shown ? LAB_HIDDEN : w->lab_last ? w->lab_last : LAB_BOTH);
}

/* Beside the picture, or alone. */
static void key_layout(struct sdl_window *w)
{
    window_show_lab(w, w->lab_shown == LAB_BOTH ? LAB_ALONE : LAB_BOTH);
}

static void key_lab_keys(struct sdl_window *w)
{
    window_set_lab_keys(w, w->lab_shown && !w->lab_keys);
}

static void key_larger(struct sdl_window *w)
{
    window_zoom_lab(w, true);
}

static void key_smaller(struct sdl_window *w)
{
    window_zoom_lab(w, false);
}

static void key_quit(struct sdl_window *w)
{
    send(w, (struct command_event){.kind = COMMAND_QUIT});
}

static const struct {
    SDL_Scancode key;
    void (*act)(struct sdl_window *w);
} own_keys[] = {
    {SDL_SCANCODE_G, key_grab},    {SDL_SCANCODE_F, key_full_screen},
    {SDL_SCANCODE_I, key_scaling}, {SDL_SCANCODE_D, key_delete},
    {SDL_SCANCODE_V, key_paste},   {SDL_SCANCODE_S, key_screenshot},
    {SDL_SCANCODE_P, key_pause},   {SDL_SCANCODE_B, key_reset},
    {SDL_SCANCODE_O, key_power},   {SDL_SCANCODE_H, key_help},
    {SDL_SCANCODE_R, key_lab},     {SDL_SCANCODE_L, key_layout},
    {SDL_SCANCODE_K, key_lab_keys}, {SDL_SCANCODE_EQUALS, key_larger},
    {SDL_SCANCODE_KP_PLUS, key_larger}, {SDL_SCANCODE_MINUS, key_smaller},
    {SDL_SCANCODE_KP_MINUS, key_smaller}, {SDL_SCANCODE_Q, key_quit},
};

const char *const *window_help(void)
{
    static const char *const lines[] = {"Click into the picture to give the mouse to the guest.",
                                        "",
                                        "With Ctrl and Alt held:",
                                        "  G  free the mouse, or grab it",
                                        "  F  full screen",
                                        "  I  whole multiples, or fill the window",
                                        "  D  send Ctrl-Alt-Delete",
                                        "  V  type the clipboard's text",
                                        "  S  save a screenshot (PNG)",
                                        "  P  pause, or go on",
                                        "  O  press the power button",
                                        "  B  boot anew (reset)",
                                        "  Q  quit",
                                        "  R  the ring lab, or none",
                                        "  L  the lab beside the picture, or alone",
                                        "  K  keys to the lab, or to the guest",
                                        "  + and -  larger and smaller letters in the lab",
                                        "  H  close this help",
                                        NULL};
    return lines;
}

/* ---- keyboard */

static bool own_key(struct sdl_window *w, const SDL_KeyboardEvent *e)
{
    bool held = (e->keysym.mod & KMOD_CTRL) && (e->keysym.mod & KMOD_ALT);
    for (unsigned i = 0; held && i < ARRAY_LEN(own_keys); i++) {
        if (own_keys[i].key == e->keysym.scancode) {
            if (!e->repeat) {
                send(w, (struct command_event){.kind = COMMAND_RELEASE_ALL}); /* of Ctrl and Alt */
                own_keys[i].act(w);
            }
            return true;
        }
    }
    return false;
}

static void keyboard(struct sdl_window *w, const SDL_KeyboardEvent *e)
{
    bool down = e->state == SDL_PRESSED;
    if (down && own_key(w, e)) {
        return;
    }
    if (w->help && down && e->keysym.scancode == SDL_SCANCODE_ESCAPE) {
        key_help(w);
        return;
    }
    enum key key = key_by_usage((unsigned)e->keysym.scancode);
    if (w->lab_shown && w->lab_keys) {
        u32 special = lab_key_of(key, e->keysym.mod & KMOD_SHIFT);
        if (special && down) {
            send(w, (struct command_event){.kind = COMMAND_LAB_KEY, .lab_key = special});
        }
        return;
    }
    if (key && !e->repeat) {
        send(w, (struct command_event){.kind = COMMAND_KEY, .key = key, .down = down});
    }
}

/* ---- mouse */

static unsigned button_bit(Uint8 button)
{
    switch (button) {
    case SDL_BUTTON_LEFT:
        return PS2MOUSE_LEFT;
    case SDL_BUTTON_MIDDLE:
        return PS2MOUSE_MIDDLE;
    case SDL_BUTTON_RIGHT:
        return PS2MOUSE_RIGHT;
    case SDL_BUTTON_X1:
        return PS2MOUSE_SIDE;
    case SDL_BUTTON_X2:
        return PS2MOUSE_EXTRA;
    default:
        return 0;
    }
}

static bool in_lab(const struct sdl_window *w, int x, int y)
{
    const struct rect *a = &w->lab_area;
    return w->lab_shown && (u32)x - a->x < a->width && (u32)y - a->y < a->height;
}

static void mouse_button(struct sdl_window *w, const SDL_MouseButtonEvent *e)
{
    bool down = e->state == SDL_PRESSED;
    if (!w->grabbed) {
        if (down && e->button == SDL_BUTTON_LEFT) {
            bool lab = in_lab(w, e->x, e->y);
            window_set_lab_keys(w, lab);
            window_set_grab(w, !lab);
        }
        return; /* this click is ours, and so is its end */
    }
    unsigned before = w->buttons, bit = button_bit(e->button);
    w->buttons = down ? before | bit : before & ~bit;
    if (w->buttons != before) {
        send(w, (struct command_event){.kind = COMMAND_MOUSE, .buttons = w->buttons});
    }
}

static void mouse_motion(struct sdl_window *w, const SDL_MouseMotionEvent *e)
{
    if (w->grabbed && (e->xrel || e->yrel)) {
        send(w, (struct command_event){
                    .kind = COMMAND_MOUSE, .dx = e->xrel, .dy = e->yrel, .buttons = w->buttons});
    }
}

static void mouse_wheel(struct sdl_window *w, const SDL_MouseWheelEvent *e)
{
    enum { LINES = 3 };
    int dz = e->direction == SDL_MOUSEWHEEL_FLIPPED ? e->y : -e->y;
    for (int n = 0; !w->grabbed && w->lab_shown && dz && n < LINES; n++) {
        send(w, (struct command_event){.kind = COMMAND_LAB_KEY, .lab_key = dz > 0 ? LAB_DOWN : LAB_UP});
    }
    if (w->grabbed && dz) {
        send(w, (struct command_event){.kind = COMMAND_MOUSE, .dz = dz, .buttons = w->buttons});
    }
}

/* ---- the window itself */

static void window_changed(struct sdl_window *w, const SDL_WindowEvent *e)
{
    switch (e->event) {
    case SDL_WINDOWEVENT_FOCUS_LOST:
        window_set_grab(w, false);
        send(w, (struct command_event){.kind = COMMAND_RELEASE_ALL});
        break;
    case SDL_WINDOWEVENT_RESIZED:
        w->user_sized = true;
        w->redraw = true;
        break;
    case SDL_WINDOWEVENT_EXPOSED:
    case SDL_WINDOWEVENT_SIZE_CHANGED:
    case SDL_WINDOWEVENT_RESTORED:
        w->redraw = true;
        break;
    default:
        break;
    }
}

void window_event(struct sdl_window *w, const SDL_Event *e)
{
    switch (e->type) {
    case SDL_KEYDOWN:
    case SDL_KEYUP:
        keyboard(w, &e->key);
        break;
    case SDL_TEXTINPUT:
        window_lab_text(w, e->text.text);
        break;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
        mouse_button(w, &e->button);
        break;
    case SDL_MOUSEMOTION:
        mouse_motion(w, &e->motion);
        break;
    case SDL_MOUSEWHEEL:
        mouse_wheel(w, &e->wheel);
        break;
    case SDL_WINDOWEVENT:
        window_changed(w, &e->window);
        break;
    case SDL_QUIT: /* the window's close button */
        key_quit(w);
        break;
    default:
        break;
    }
}
