/*
 * curses.c: see curses.h. What the terminal shows is remembered, so that only changed cells are
 * sent. The last line of the terminal is ours; a screen that is larger than the rest is shown
 * around its cursor. In place of the guest's screen there may be the lab's.
 */
#include "frontend/ui/curses.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "cpu/base/mem.h"
#include "devices/display/vga.h"
#include "devices/serial/chardev.h"
#include "frontend/lab/lab.h"
#include "frontend/lab/theme.h"
#include "frontend/machine/input.h"
#include "frontend/monitor/monitor.h"
#include "frontend/ui/lab_input.h"
#include "frontend/ui/status.h"
#include "frontend/ui/term_keys.h"
#include "frontend/text.h"

enum {
    FAST_MS = 33,
    SLOW_MS = 100,
    ESCAPE_MS = 50, /* an Escape that nothing follows for so long is one */
    SAMPLE_TICKS = 5,
    HOLD_MS = 5,
    LEADER = 1, /* Ctrl-A */
    ESC = 0x1b,
    ATTR_STATUS = 0x70,
    ATTR_SELECTED = 0x18, /* added to a style's: bright on blue */
    ATTR_NONE = 0x100, /* no cell has it */
    COLUMNS_MAX = 512,
    ROWS_MAX = 256,
};

struct shown_cell {
    u32 ch; /* Unicode; 0: the right half of the letter before it */
    u16 attr;
};

/* The terminal, for the monitor: its words go out while it has the screen. */
struct monitor_port {
    struct chardev base; /* first: container_of() leads back */
    struct curses_display *owner;
};

struct curses_display {
    struct display display;
    struct machine *machine;
    struct chardev *terminal;
    struct monitor_port port;
    struct monitor *monitor; /* made when it is first looked for */
    struct sampler sampler;
    int refresh, escape; /* timerfds */
    unsigned refresh_ms, ticks, quiet;

    struct term_keys keys;
    bool leader; /* Ctrl-A was the last key */
    bool in_monitor, help;
    bool in_lab;
    u8 letter[4]; /* of UTF-8, for the lab */
    unsigned letter_bytes;

    unsigned columns, rows; /* of the terminal */
    struct shown_cell frame[ROWS_MAX * COLUMNS_MAX],
        shown[ROWS_MAX * COLUMNS_MAX]; /* wanted; on the terminal */
    struct vga_text text;
    struct blob out;
    u16 attr;      /* of the pen */
    unsigned x, y; /* of the pen; x = ~0: unknown */
    bool blink;    /* attribute bit 7, of this frame */
    bool changed;
    unsigned wanted_x, wanted_y, cursor_x,
        cursor_y; /* of the cursor, as wanted and as shown; ~0: hidden */
};

/* ---- writing to the terminal */

static void put(struct curses_display *d, const char *text)
{
    blob_put(&d->out, text, strlen(text));
}

static void PRINTF_LIKE(2, 3) putf(struct curses_display *d, const char *format, ...)
{
    char text[96];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put(d, text);
}

static void send_out(struct curses_display *d)
{
    if (d->out.size) {
        chardev_write(d->terminal, d->out.data, d->out.size);
    }
    d->out.size = 0;
}

/* VGA counts colours blue, green, red; terminals red, green, blue. */
static unsigned color(unsigned vga)
{
    return (vga & 2) | (vga & 1) << 2 | (vga >> 2 & 1);
}

static void set_attr(struct curses_display *d, u16 attr)
{
    if (attr == d->attr) {
        return;
    }
    unsigned fore = attr & 15, back = attr >> 4 & 7;
    bool high = attr & 0x80;
    putf(d, "\033[0;%s%u;%um", high && d->blink ? "5;" : "", (fore & 8 ? 90 : 30) + color(fore & 7),
         (high && !d->blink ? 100 : 40) + color(back));
    d->attr = attr;
}

static void put_cell(struct curses_display *d, unsigned x, unsigned y, u32 ch, u16 attr)
{
    d->frame[(size_t)y * COLUMNS_MAX + x] = (struct shown_cell){ch, attr};
}

static void send_cell(struct curses_display *d, unsigned x, unsigned y,
                      const struct shown_cell *cell)
{
    char utf8[8];
    d->changed = true;
    if (!cell->ch) {
        return;
    }
    if (d->x != x || d->y != y) {
        putf(d, "\033[%u;%uH", y + 1, x + 1);
    }
    set_attr(d, cell->attr);
    rune_write(cell->ch, utf8);
    put(d, utf8);
    d->y = y;
    /* Terminals differ in what follows the last column, and in how wide some letters are. */
    d->x = x + 1 < d->columns && cell->ch < 0x80 ? x + 1 : ~0u;
}

static void send_frame(struct curses_display *d)
{
    for (unsigned y = 0; y < d->rows; y++) {
        for (unsigned x = 0; x < d->columns; x++) {
            size_t at = (size_t)y * COLUMNS_MAX + x;
            if (d->frame[at].ch != d->shown[at].ch || d->frame[at].attr != d->shown[at].attr) {
                send_cell(d, x, y, &d->frame[at]);
                d->shown[at] = d->frame[at];
            }
        }
    }
}

/* A line of ASCII, filled up with blanks. */
static void put_line(struct curses_display *d, unsigned x, unsigned y, unsigned width, u16 attr,
                     const char *text)
{
    for (unsigned i = 0; i < width && x + i < d->columns; i++) {
        put_cell(d, x + i, y, *text ? (u8)*text : ' ', attr);
        text += *text != 0;
    }
}

static void forget_shown(struct curses_display *d)
{
    for (unsigned i = 0; i < ARRAY_LEN(d->shown); i++) {
        d->shown[i].attr = ATTR_NONE;
    }
    d->attr = ATTR_NONE;
    d->x = d->cursor_x = ~0u;
    put(d, "\033[0m\033[2J\033[?25l");
}

static void measure(struct curses_display *d)
{
    struct winsize size = {0};
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    unsigned columns = size.ws_col ? size.ws_col : 80, rows = size.ws_row ? size.ws_row : 25;
    columns = columns < COLUMNS_MAX ? columns : COLUMNS_MAX;
    rows = rows < ROWS_MAX ? rows : ROWS_MAX;
    if (columns != d->columns || rows != d->rows) {
        d->columns = columns;
        d->rows = rows;
        forget_shown(d);
    }
}

/* ---- a frame */

/* Where a window of `room` cells begins in a screen of `size`, so that it holds the cursor. */
static unsigned scroll(unsigned size, unsigned room, bool cursor, unsigned at)
{
    if (size <= room || !cursor || at < room) {
        return 0;
    }
    unsigned last = size - room, wanted = at - room + 1;
    return wanted < last ? wanted : last;
}

/* Wanted after the frame; ~0: hidden. */
static void want_cursor(struct curses_display *d, bool visible, unsigned x, unsigned y)
{
    d->wanted_x = visible ? x : ~0u;
    d->wanted_y = visible ? y : ~0u;
}

static void send_cursor(struct curses_display *d)
{
    if (!d->changed && d->wanted_x == d->cursor_x && d->wanted_y == d->cursor_y) {
        return;
    }
    if (d->wanted_x != ~0u) {
        putf(d, "\033[%u;%uH\033[?25h", d->wanted_y + 1, d->wanted_x + 1);
    } else {
        put(d, "\033[?25l");
    }
    d->x = ~0u;
    d->changed = true;
    d->cursor_x = d->wanted_x;
    d->cursor_y = d->wanted_y;
}

static void draw_text(struct curses_display *d, unsigned room)
{
    const struct vga_text *t = &d->text;
    unsigned left = scroll(t->columns, d->columns, t->cursor, t->cursor_x),
             top = scroll(t->rows, room, t->cursor, t->cursor_y);
    d->blink = t->blink;
    for (unsigned y = 0; y < room; y++) {
        for (unsigned x = 0; x < d->columns; x++) {
            if (y + top < t->rows && x + left < t->columns) {
                const struct vga_cell *c = &t->cell[(size_t)(y + top) * t->columns + x + left];
                put_cell(d, x, y, text_unicode(c->ch), c->attr);
            } else {
                put_cell(d, x, y, ' ', 0x07);
            }
        }
    }
    want_cursor(
        d, t->cursor && t->cursor_x - left < d->columns && t->cursor_y - top < room && !d->help,
        t->cursor_x - left, t->cursor_y - top);
}

static void draw_graphics(struct curses_display *d, unsigned room)
{
    char words[80];
    const struct surface *s = vga_surface(d->machine->vga);
    snprintf(words, sizeof words, "%ux%u graphics: a window would show it (-display sdl)", s->width,
             s->height);
    unsigned length = (unsigned)strlen(words),
             x = d->columns > length ? (d->columns - length) / 2 : 0;
    for (unsigned y = 0; y < room; y++) {
        put_line(d, 0, y, d->columns, 0x07, "");
    }
    put_line(d, x, room / 2, length, 0x0f, words);
    want_cursor(d, false, 0, 0);
}

static void draw_lab(struct curses_display *d, unsigned room)
{
    bool changed;
    const struct view *v = lab_screen(lab_open(d->machine), d->columns, room, &changed);
    d->blink = false;
    for (unsigned y = 0; y < room; y++) {
        for (unsigned x = 0; x < d->columns; x++) {
            bool outside = x >= v->columns || y >= v->rows;
            struct cell c = outside ? (struct cell){' ', STYLE_TEXT} : v->cells[(size_t)y * v->columns + x];
            bool half = rune_cells(c.rune) == 2 && x + 1 == d->columns;
            u16 attr = theme_style(c.style)->attribute | (c.style & STYLE_SELECTED ? ATTR_SELECTED : 0);
            put_cell(d, x, y, half ? ' ' : c.rune, attr);
        }
    }
    want_cursor(d, false, 0, 0);
}

static void draw_help(struct curses_display *d, unsigned room)
{
    static const char *const lines[] = {"",
                                        "  Keys after Ctrl-A:",
                                        "    h       this help",
                                        "    x       end the emulator",
                                        "    r       the ring lab, and back",
                                        "    c       monitor, and back",
                                        "    d       send Ctrl-Alt-Delete",
                                        "    p       pause, or go on",
                                        "    Ctrl-A  send Ctrl-A itself",
                                        "",
                                        "  Alt with a key is Escape, then the key.",
                                        ""};
    enum { WIDTH = 44 };
    unsigned x = d->columns > WIDTH ? (d->columns - WIDTH) / 2 : 0;
    unsigned y = room > ARRAY_LEN(lines) ? (room - (unsigned)ARRAY_LEN(lines)) / 2 : 0;
    for (unsigned i = 0; i < ARRAY_LEN(lines) && y + i < room; i++) {
        put_line(d, x, y + i, WIDTH, 0x1f, lines[i]);
    }
}

static void draw_status(struct curses_display *d)
{
    char line[160], speed[24];
    const struct status *s = &d->sampler.status;
    if (s->uncounted) {
        snprintf(speed, sizeof speed, "- MIPS");
    } else {
        snprintf(speed, sizeof speed, "%u MIPS", s->mips);
    }
    snprintf(line, sizeof line, " Ctrl-A x: quit  r: %s  c: monitor  h: keys   %s, %s   %s", d->in_lab ? "guest" : "lab",
             place_name(s->place), s->mode, s->paused ? "PAUSED" : speed);
    put_line(d, 0, d->rows - 1, d->columns, ATTR_STATUS, line);
}

static void draw(struct curses_display *d)
{
    unsigned room = d->rows > 1 ? d->rows - 1 : 1;
    d->changed = false;
    if (d->ticks % SAMPLE_TICKS == 0) {
        sampler_take(&d->sampler);
        if (d->machine->vga) {
            vga_update(d->machine->vga); /* for its size in graphics modes */
        }
    }
    if (d->in_lab) {
        draw_lab(d, room);
    } else if (vga_text(d->machine->vga, &d->text)) {
        draw_text(d, room);
    } else {
        draw_graphics(d, room);
    }
    if (d->help) {
        draw_help(d, room);
    }
    if (d->rows > 1) {
        draw_status(d);
    }
    send_frame(d);
    send_cursor(d);
    send_out(d);
}

static void set_timer(int fd, unsigned ms, bool repeat)
{
    struct itimerspec when = {.it_value = {.tv_nsec = (long)ms * 1000000}};
    when.it_interval = repeat ? when.it_value : (struct timespec){0};
    timerfd_settime(fd, 0, &when, NULL);
}

static void set_rate(struct curses_display *d, unsigned ms)
{
    if (d->refresh_ms != ms) {
        d->refresh_ms = ms;
        set_timer(d->refresh, ms, true);
    }
}

static void refresh(void *opaque, unsigned events)
{
    struct curses_display *d = opaque;
    u64 expired;
    (void)events;
    if (read(d->refresh, &expired, sizeof expired) != sizeof expired || d->in_monitor ||
        !chardev_writable(d->terminal)) {
        return;
    }
    measure(d);
    draw(d);
    d->ticks++;
    d->quiet = d->changed ? 0 : d->quiet + 1;
    set_rate(d, d->quiet > NS_PER_SECOND / 1000000 / FAST_MS ? SLOW_MS : FAST_MS);
}

/* ---- the monitor */

static size_t port_write(struct chardev *c, const u8 *data, size_t size)
{
    struct curses_display *d = container_of(c, struct monitor_port, base)->owner;
    return d->in_monitor ? chardev_write(d->terminal, data, size) : size;
}

static bool port_writable(struct chardev *c)
{
    struct curses_display *d = container_of(c, struct monitor_port, base)->owner;
    return !d->in_monitor || chardev_writable(d->terminal);
}

static void port_accept(struct chardev *c)
{
    struct curses_display *d = container_of(c, struct monitor_port, base)->owner;
    if (d->in_monitor) {
        chardev_accept(d->terminal);
    }
}

static void port_destroy(struct chardev *c)
{
    c->front = (struct char_front){0}; /* the display owns the rest */
}

static const struct chardev_ops port_ops = {
    .write = port_write, .writable = port_writable, .accept = port_accept, .destroy = port_destroy};

static void enter_screen(struct curses_display *d)
{
    put(d, "\033[?1049h");
    forget_shown(d);
    send_out(d);
}

static void leave_screen(struct curses_display *d)
{
    put(d, "\033[0m\033[?25h\033[2J\033[H\033[?1049l");
    send_out(d);
}

static void toggle_monitor(struct curses_display *d)
{
    const struct char_front *front = &d->port.base.front;
    if (d->in_monitor) {
        front->event(front->opaque, CHAR_FOCUS_OUT);
        d->in_monitor = false;
        enter_screen(d);
    } else {
        leave_screen(d);
        d->in_monitor = true;
        if (d->monitor) {
            front->event(front->opaque, CHAR_FOCUS_IN);
        } else {
            d->monitor = monitor_create(d->machine, &d->port.base);
        }
    }
}

/* ---- keys */

static void press(struct curses_display *d, const struct keystroke *stroke)
{
    char name[64];
    keystroke_name(stroke, name);
    input_chord(d->machine->input, name, HOLD_MS, NULL);
}

/* A letter that is no control sequence. */
static void lab_letter(struct curses_display *d, u8 byte)
{
    static const u8 control[] = {LAB_BACKSPACE, LAB_TAB, LAB_ENTER};
    char text[sizeof d->letter + 1] = {0};
    if (byte < ' ' || byte == 0x7f) {
        u32 key = byte == 0x7f ? LAB_BACKSPACE : byte == '\n' ? LAB_ENTER : byte;
        d->letter_bytes = 0;
        if (memchr(control, (int)key, sizeof control)) {
            lab_key(lab_open(d->machine), key);
        }
        return;
    }
    if (byte < 0x80 || byte >= 0xc0) {
        d->letter_bytes = 0;
    }
    d->letter[d->letter_bytes++] = byte;
    memcpy(text, d->letter, d->letter_bytes);
    const char *at = text;
    u32 rune = rune_next(&at);
    bool whole = rune != 0xfffd || d->letter_bytes == sizeof d->letter;
    if (whole) {
        d->letter_bytes = 0;
        lab_key(lab_open(d->machine), rune);
    }
}

/* A whole keystroke goes to the guest or, in the lab, to that. */
static void stroke_done(struct curses_display *d, const struct keystroke *stroke)
{
    u32 key = lab_key_of(stroke->key, stroke->shift);
    if (!d->in_lab) {
        press(d, stroke);
    } else if (key) {
        lab_key(lab_open(d->machine), key);
    }
}

static void give(struct curses_display *d, u8 byte)
{
    struct keystroke stroke;
    const struct char_front *front = &d->port.base.front;
    if (d->in_monitor) {
        front->input(front->opaque, &byte, 1);
        return;
    }
    if (d->in_lab && byte != ESC && !term_keys_pending(&d->keys)) {
        lab_letter(d, byte);
        return;
    }
    if (term_keys_byte(&d->keys, byte, &stroke)) {
        stroke_done(d, &stroke);
    }
    set_timer(d->escape, term_keys_pending(&d->keys) ? ESCAPE_MS : 0, false);
}

static void toggle_pause(struct machine *m)
{
    if (m->paused) {
        machine_continue(m);
    } else {
        machine_pause(m);
    }
}

static void toggle_lab(struct curses_display *d)
{
    if (d->machine->vga) {
        d->in_lab = !d->in_lab;
    }
}

static void own_key(struct curses_display *d, u8 byte)
{
    bool help = d->help;
    d->help = false;
    switch (byte) {
    case 'x':
        machine_quit(d->machine, 0);
        break;
    case 'r':
        toggle_lab(d);
        break;
    case 'c':
        toggle_monitor(d);
        break;
    case 'd':
        input_chord(d->machine->input, "ctrl-alt-delete", 100, NULL);
        break;
    case 'p':
        toggle_pause(d->machine);
        break;
    case 'h':
    case '?':
        d->help = !help;
        break;
    case LEADER:
        give(d, LEADER);
        break;
    default:
        break;
    }
}

static void input(void *opaque, const u8 *data, size_t size)
{
    struct curses_display *d = opaque;
    for (size_t i = 0; i < size; i++) {
        if (d->leader) {
            d->leader = false;
            own_key(d, data[i]);
        } else if (data[i] == LEADER) {
            d->leader = true;
        } else {
            d->help = false;
            give(d, data[i]);
        }
    }
    d->quiet = 0;
    set_rate(d, FAST_MS);
}

static size_t can_take(void *opaque)
{
    const struct curses_display *d = opaque;
    const struct char_front *front = &d->port.base.front;
    return d->in_monitor ? front->can_take(front->opaque) : 64;
}

static void writable(void *opaque)
{
    const struct curses_display *d = opaque;
    const struct char_front *front = &d->port.base.front;
    if (d->in_monitor && front->writable) {
        front->writable(front->opaque);
    }
}

static void escape_over(void *opaque, unsigned events)
{
    struct curses_display *d = opaque;
    struct keystroke stroke;
    u64 expired;
    (void)events;
    if (read(d->escape, &expired, sizeof expired) == sizeof expired &&
        term_keys_flush(&d->keys, &stroke)) {
        stroke_done(d, &stroke);
    }
}

/* ---- beginning and end */

static bool names_terminal(const char *what)
{
    return what && (!strcmp(what, "stdio") || !strcmp(what, "mon:stdio"));
}

static bool terminal_in_use(const struct options *o)
{
    bool used = names_terminal(o->parallel) || names_terminal(o->monitor);
    for (unsigned i = 0; i < o->chardev_count; i++) {
        used |= names_terminal(o->chardevs[i].what);
    }
    for (unsigned i = 0; i < o->serial_count; i++) {
        used |= names_terminal(o->serial[i]);
    }
    for (unsigned i = 0; i < o->debug_port_count; i++) {
        used |= names_terminal(o->debug_ports[i].chardev);
    }
    return used;
}

static bool is_terminal(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

bool curses_usable(const struct options *options)
{
    return is_terminal() && !terminal_in_use(options);
}

/* Why it cannot be, or NULL. */
static const char *obstacle(const struct machine *m, const struct options *o)
{
    return !m->vga && !o->lab ? "-display curses needs a display adapter to show: leave out -vga none, or say -lab"
           : !is_terminal() ? "-display curses needs a terminal as standard input and output"
           : terminal_in_use(o)
               ? "-display curses and another option both want standard input and output"
               : NULL;
}

static void forget_timer(struct curses_display *d, int fd)
{
    loop_watch(d->machine->loop, fd, 0, NULL, NULL);
    close(fd);
}

static void curses_destroy(struct display *display)
{
    struct curses_display *d = container_of(display, struct curses_display, display);
    forget_timer(d, d->refresh);
    forget_timer(d, d->escape);
    if (!d->in_monitor) {
        leave_screen(d);
    }
    monitor_destroy(d->monitor);
    chardev_attach(d->terminal, NULL);
    chardev_destroy(d->terminal);
    blob_free(&d->out);
    free(d);
}

static int new_timer(struct curses_display *d, void (*ready)(void *opaque, unsigned events))
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    loop_watch(d->machine->loop, fd, LOOP_READ, ready, d);
    return fd;
}

struct display *curses_open(struct machine *m, const struct options *options, struct error *err)
{
    const char *why = obstacle(m, options);
    if (why) {
        error_set(err, "%s", why);
        return NULL;
    }
    struct chardev *terminal = chardev_open(m->loop, "stdio", false, err);
    if (!terminal) {
        return NULL;
    }
    struct curses_display *d = mem_zeroed(1, sizeof *d);
    d->display.destroy = curses_destroy;
    d->machine = m;
    d->terminal = terminal;
    d->port = (struct monitor_port){{.ops = &port_ops}, d};
    d->in_lab = options->lab || !m->vga;
    d->refresh = new_timer(d, refresh);
    d->escape = new_timer(d, escape_over);
    sampler_init(&d->sampler, m);
    enter_screen(d);
    chardev_attach(terminal,
                   &(struct char_front){
                       .can_take = can_take, .input = input, .writable = writable, .opaque = d});
    set_rate(d, FAST_MS);
    return &d->display;
}
