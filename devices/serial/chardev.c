/*
 * chardev.c: see chardev.h: what is common, the backends on file descriptors, and the terminal's
 * raw mode.
 *
 * Output is gathered into lines (or a millisecond, or 256 bytes), since each write to a terminal
 * costs more than the guest's whole handling of the byte.
 */
#include "devices/serial/chardev.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <termios.h>
#include <unistd.h>

#include "cpu/base/mem.h"

enum {
    GATHER_BYTES = 256,       /* written at once when there are so many */
    LAG_BYTES = 4096,         /* more than these waiting: not writable */
    QUEUE_LIMIT = 1024 * 1024 /* and more than these are dropped */
};
#define GATHER_NS 1000000ull
#define STUCK_NS  NS_PER_SECOND
#define FINAL_MS  200

/* ---- common ---- */

void chardev_attach(struct chardev *c, const struct char_front *front)
{
    if (c) {
        c->front = front ? *front : (struct char_front){0};
        c->ops->accept(c);
    }
}

size_t chardev_write(struct chardev *c, const void *data, size_t size)
{
    return c ? c->ops->write(c, data, size) : size;
}

bool chardev_writable(struct chardev *c)
{
    return !c || c->ops->writable(c);
}

void chardev_accept(struct chardev *c)
{
    if (c) {
        c->ops->accept(c);
    }
}

void chardev_destroy(struct chardev *c)
{
    if (c) {
        c->ops->destroy(c);
    }
}

/* ---- null ---- */

static size_t null_write(struct chardev *c, const u8 *data, size_t size)
{
    (void)c, (void)data;
    return size;
}

static bool null_writable(struct chardev *c)
{
    (void)c;
    return true;
}

static void null_accept(struct chardev *c)
{
    (void)c;
}

static void null_destroy(struct chardev *c)
{
    free(c);
}

static const struct chardev_ops null_ops = {
    .write = null_write, .writable = null_writable, .accept = null_accept, .destroy = null_destroy};

static struct chardev *null_create(void)
{
    struct chardev *c = mem_zeroed(1, sizeof *c);
    c->ops = &null_ops;
    return c;
}

/* ---- file descriptors ---- */

struct fd_chardev {
    struct chardev base; /* first: container_of() leads back */
    struct loop *loop;
    int in, out, timer;
    int keep_open; /* the slave side of a pty, so that it never hangs up; -1 */
    bool own, terminal;
    bool at_end;  /* no more input will come */
    bool dead;    /* the reader of our output has gone */
    bool blocked; /* the host refused output; waiting for it to be ready */
    bool stuck;   /* and it has for STUCK_NS: drop */
    bool ticking; /* the timer is set */
    unsigned in_events, out_events;
    u8 *queue;
    size_t head, queued, capacity;
    char *path;
};

static const struct chardev_ops fd_ops;

static struct fd_chardev *fd_of(struct chardev *c)
{
    return container_of(c, struct fd_chardev, base);
}

static void fd_ready(void *opaque, unsigned events);

static size_t front_room(const struct chardev *c)
{
    return c->front.can_take ? c->front.can_take(c->front.opaque) : 0;
}

/* Watches exactly what there is to wait for. */
static void fd_update_watch(struct fd_chardev *f)
{
    unsigned in = !f->at_end && f->in >= 0 && front_room(&f->base) ? LOOP_READ : 0;
    unsigned out = f->blocked ? LOOP_WRITE : 0;
    if (f->in == f->out) {
        in |= out;
        out = in;
    }
    if (in != f->in_events && f->in >= 0) {
        loop_watch(f->loop, f->in, in, fd_ready, f);
    }
    if (f->in != f->out && out != f->out_events && f->out >= 0) {
        loop_watch(f->loop, f->out, out, fd_ready, f);
    }
    f->in_events = in;
    f->out_events = out;
}

static void fd_set_timer(struct fd_chardev *f, u64 ns)
{
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(ns / NS_PER_SECOND),
                                           .tv_nsec = (long)(ns % NS_PER_SECOND)}};
    timerfd_settime(f->timer, 0, &when, NULL);
    f->ticking = ns != 0;
}

static void fd_tell_writable(struct fd_chardev *f)
{
    if (f->base.front.writable) {
        f->base.front.writable(f->base.front.opaque);
    }
}

/* The host will take nothing more, or nothing for now: what waits is dropped. */
static void fd_drop(struct fd_chardev *f)
{
    f->head = 0;
    f->queued = 0;
}

/* Writes as much as the host takes without blocking. */
static void fd_flush(struct fd_chardev *f)
{
    bool progress = false;
    while (f->queued && !f->dead) {
        ssize_t n = write(f->out, f->queue + f->head, f->queued);
        if (n > 0) {
            f->head += (size_t)n;
            f->queued -= (size_t)n;
            progress = true;
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n < 0 && errno == EAGAIN) {
            break;
        } else {
            f->dead = true;
            fd_drop(f);
        }
    }
    bool blocked = f->queued != 0;
    if (blocked && (progress || !f->blocked)) {
        fd_set_timer(f, STUCK_NS);
    } else if (!blocked && f->ticking) {
        fd_set_timer(f, 0);
    }
    f->blocked = blocked;
    f->stuck = f->stuck && blocked;
    f->head = blocked ? f->head : 0;
    fd_update_watch(f);
}

static void fd_append(struct fd_chardev *f, const u8 *data, size_t size)
{
    if (f->head + f->queued + size > f->capacity) {
        if (f->queued) {
            memmove(f->queue, f->queue + f->head, f->queued);
        }
        f->head = 0;
        if (f->queued + size > f->capacity) {
            f->capacity = f->capacity * 2 + size + GATHER_BYTES;
            f->queue = mem_resize(f->queue, f->capacity);
        }
    }
    memcpy(f->queue + f->head + f->queued, data, size);
    f->queued += size;
}

static size_t fd_write(struct chardev *c, const u8 *data, size_t size)
{
    struct fd_chardev *f = fd_of(c);
    if (f->dead || f->stuck || f->out < 0 || !size) {
        return size;
    }
    size_t room = QUEUE_LIMIT - f->queued;
    size_t taken = size < room ? size : room;
    fd_append(f, data, taken);
    if (f->blocked) {
        return taken;
    }
    if (f->queued >= GATHER_BYTES || memchr(data, '\n', taken)) {
        fd_flush(f);
    } else if (!f->ticking) {
        fd_set_timer(f, GATHER_NS);
    }
    return taken;
}

static bool fd_writable(struct chardev *c)
{
    struct fd_chardev *f = fd_of(c);
    return f->queued < LAG_BYTES;
}

static void fd_accept(struct chardev *c)
{
    fd_update_watch(fd_of(c));
}

static void fd_read(struct fd_chardev *f)
{
    u8 data[512];
    size_t room = front_room(&f->base);
    if (!room || f->at_end) {
        return;
    }
    ssize_t n = read(f->in, data, room < sizeof data ? room : sizeof data);
    if (n > 0) {
        f->base.front.input(f->base.front.opaque, data, (size_t)n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        f->at_end = true;
    }
}

static void fd_ready(void *opaque, unsigned events)
{
    struct fd_chardev *f = opaque;
    bool was_lagging = !fd_writable(&f->base);
    if (f->blocked) {
        fd_flush(f); /* on LOOP_WRITE, and on a hang-up, which comes as LOOP_READ */
    }
    if (events & LOOP_READ) {
        fd_read(f);
    }
    fd_update_watch(f);
    if (was_lagging && fd_writable(&f->base)) {
        fd_tell_writable(f);
    }
}

static void fd_tick(void *opaque, unsigned events)
{
    (void)events;
    struct fd_chardev *f = opaque;
    u64 count;
    if (read(f->timer, &count, sizeof count) != sizeof count) {
        return; /* it was set again in the meantime */
    }
    f->ticking = false;
    if (f->blocked) {
        f->stuck = true;
        fd_drop(f);
        fd_tell_writable(f);
    } else {
        fd_flush(f);
    }
}

/* Gives the host a last chance to take what is queued. */
static void fd_finish(struct fd_chardev *f)
{
    i64 until = host_now() + FINAL_MS * 1000000ll;
    fd_flush(f);
    while (f->blocked && !f->stuck && host_now() < until) {
        struct pollfd p = {.fd = f->out, .events = POLLOUT};
        poll(&p, 1, 20);
        fd_flush(f);
    }
}

static void close_fd(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

static void fd_destroy(struct chardev *c)
{
    struct fd_chardev *f = fd_of(c);
    f->base.front = (struct char_front){0};
    fd_finish(f);
    f->at_end = true;
    f->blocked = false;
    fd_update_watch(f);
    loop_watch(f->loop, f->timer, 0, NULL, NULL);
    close_fd(f->timer);
    close_fd(f->keep_open);
    if (f->terminal && f->in == STDIN_FILENO) {
        chardev_restore_terminal();
    }
    if (f->own) {
        close_fd(f->in == STDIN_FILENO ? -1 : f->in);
        close_fd(f->out == f->in || f->out == STDOUT_FILENO ? -1 : f->out);
    }
    free(f->queue);
    free(f->path);
    free(f);
}

static const struct chardev_ops fd_ops = {
    .write = fd_write, .writable = fd_writable, .accept = fd_accept, .destroy = fd_destroy};

static void set_nonblocking(int fd)
{
    int flags = fd >= 0 ? fcntl(fd, F_GETFL) : -1;
    if (flags >= 0) {
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    }
}

struct chardev *chardev_fds(struct loop *loop, int in, int out, bool own)
{
    struct fd_chardev *f = mem_zeroed(1, sizeof *f);
    f->base.ops = &fd_ops;
    f->loop = loop;
    f->in = in;
    f->out = out;
    f->keep_open = -1;
    f->own = own;
    f->terminal = in >= 0 && isatty(in);
    f->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    loop_watch(loop, f->timer, LOOP_READ, fd_tick, f);
    signal(SIGPIPE, SIG_IGN); /* a reader that goes away is found by write() */
    return &f->base;
}

const char *chardev_path(const struct chardev *c)
{
    return c && c->ops == &fd_ops ? container_of(c, struct fd_chardev, base)->path : NULL;
}

bool chardev_is_terminal(const struct chardev *c)
{
    return c && c->ops == &fd_ops && container_of(c, struct fd_chardev, base)->terminal;
}

/* ---- the terminal's mode: the process has one, and signal handlers must find it ---- */

static struct {
    struct termios normal, raw;
    _Atomic bool changed; /* `raw` is in force */
    bool prepared;
} terminal;

void chardev_restore_terminal(void)
{
    if (atomic_exchange(&terminal.changed, false)) {
        tcsetattr(STDIN_FILENO, TCSANOW, &terminal.normal);
    }
}

static void set_raw(void)
{
    if (tcsetattr(STDIN_FILENO, TCSANOW, &terminal.raw) == 0) {
        atomic_store(&terminal.changed, true);
    }
}

/* Restores the terminal, then lets the signal do what it does by default. */
static void on_fatal_signal(int number)
{
    chardev_restore_terminal();
    signal(number, SIG_DFL);
    raise(number);
}

static void on_suspend(int number)
{
    int saved = errno;
    chardev_restore_terminal();
    raise(SIGSTOP);
    set_raw(); /* continued in the foreground */
    errno = saved;
    (void)number;
}

static void handle_by_default(int number, void (*handler)(int number))
{
    struct sigaction old, new = {.sa_handler = handler, .sa_flags = SA_RESTART};
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler == SIG_DFL) {
        sigaction(number, &new, NULL);
    }
}

static void prepare_terminal(bool signals)
{
    static const int fatal[] = {SIGHUP, SIGINT,  SIGQUIT, SIGILL, SIGABRT, SIGBUS,
                                SIGFPE, SIGSEGV, SIGTERM, SIGSYS, SIGXCPU, SIGXFSZ};
    terminal.raw = terminal.normal;
    terminal.raw.c_iflag &=
        (tcflag_t) ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    terminal.raw.c_lflag &= (tcflag_t) ~(ECHO | ECHONL | ICANON | IEXTEN);
    if (!signals) {
        terminal.raw.c_lflag &= (tcflag_t)~ISIG;
    }
    terminal.raw.c_cflag = (terminal.raw.c_cflag & (tcflag_t) ~(CSIZE | PARENB)) | CS8;
    terminal.raw.c_cc[VMIN] = 1;
    terminal.raw.c_cc[VTIME] = 0;
    if (!terminal.prepared) {
        terminal.prepared = true;
        atexit(chardev_restore_terminal);
        for (size_t i = 0; i < ARRAY_LEN(fatal); i++) {
            handle_by_default(fatal[i], on_fatal_signal);
        }
        handle_by_default(SIGTSTP, on_suspend);
    }
}

/*
 * A descriptor of our own for standard output, so that making it non-blocking does not make it so
 * for the shell and everybody else who shares it. Regular files never block, and must keep the
 * shared position.
 */
static int reopen_output(void)
{
    struct stat st;
    if (fstat(STDOUT_FILENO, &st) == 0 && (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode))) {
        int fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd >= 0) {
            return fd;
        }
        set_nonblocking(STDOUT_FILENO); /* no permission to open it anew, or a host without /proc */
    }
    return STDOUT_FILENO;
}

static struct chardev *stdio_create(struct loop *loop, bool signals)
{
    struct chardev *c = chardev_fds(loop, STDIN_FILENO, reopen_output(), true);
    if (chardev_is_terminal(c) && !terminal.changed &&
        tcgetattr(STDIN_FILENO, &terminal.normal) == 0) {
        prepare_terminal(signals);
        set_raw();
    }
    return c;
}

/* ---- opening ---- */

static struct chardev *file_create(struct loop *loop, const char *path, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC, 0666);
    if (fd < 0) {
        error_set(err, "file:%s: %s", path, strerror(errno));
        return NULL;
    }
    set_nonblocking(fd);
    struct chardev *c = chardev_fds(loop, -1, fd, true);
    fd_of(c)->path = mem_check(strdup(path));
    return c;
}

static struct chardev *pty_create(struct loop *loop, struct error *err)
{
    char name[64];
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) || unlockpt(master) || ptsname_r(master, name, sizeof name)) {
        error_set(err, "pty: %s", strerror(errno));
        close_fd(master);
        return NULL;
    }
    int slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios mode;
    if (slave >= 0 && tcgetattr(slave, &mode) == 0) {
        cfmakeraw(&mode);
        tcsetattr(slave, TCSANOW, &mode);
    }
    set_nonblocking(master);
    struct chardev *c = chardev_fds(loop, master, master, true);
    fd_of(c)->keep_open = slave;
    fd_of(c)->terminal = false; /* nothing of ours to restore */
    fd_of(c)->path = mem_check(strdup(name));
    return c;
}

struct chardev *chardev_open(struct loop *loop, const char *what, bool signals, struct error *err)
{
    if (!strcmp(what, "null") || !strcmp(what, "none")) {
        return null_create();
    }
    if (!strcmp(what, "stdio")) {
        return stdio_create(loop, signals);
    }
    if (!strcmp(what, "pty")) {
        return pty_create(loop, err);
    }
    if (!strncmp(what, "file:", 5) && what[5]) {
        return file_create(loop, what + 5, err);
    }
    error_set(err, "%s: no such character device; there are: stdio, file:PATH, pty, null, none",
              what);
    return NULL;
}
