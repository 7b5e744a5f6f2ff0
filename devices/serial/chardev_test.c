/*
 * chardev_test.c: backends on pipes, files and pseudo-terminals; the multiplexer's keys; the
 * terminal's mode.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "devices/serial/fake_host.h"

struct bed {
    struct clock *clock;
    struct loop *loop;
    char got[8192];
    size_t got_size, room;
    int writable, breaks, ins, outs, quits, saves;
    struct chardev *c;
};

static size_t bed_can_take(void *opaque)
{
    return ((struct bed *)opaque)->room;
}

static void bed_input(void *opaque, const u8 *data, size_t size)
{
    struct bed *bed = opaque;
    assert_true(size <= bed->room);
    assert_true(bed->got_size + size < sizeof bed->got);
    memcpy(bed->got + bed->got_size, data, size);
    bed->got_size += size;
    bed->got[bed->got_size] = 0;
    bed->room -= size;
}

static void bed_event(void *opaque, enum char_event event)
{
    struct bed *bed = opaque;
    bed->breaks += event == CHAR_BREAK;
    bed->ins += event == CHAR_FOCUS_IN;
    bed->outs += event == CHAR_FOCUS_OUT;
}

static void bed_writable(void *opaque)
{
    ((struct bed *)opaque)->writable++;
}

static void bed_attach(struct bed *bed, struct chardev *c)
{
    bed->c = c;
    chardev_attach(c, &(struct char_front){.can_take = bed_can_take,
                                           .input = bed_input,
                                           .event = bed_event,
                                           .writable = bed_writable,
                                           .opaque = bed});
}

static int setup(void **state)
{
    static struct bed bed;
    memset(&bed, 0, sizeof bed);
    bed.clock = clock_create();
    bed.loop = loop_create(bed.clock);
    *state = &bed;
    return 0;
}

static int teardown(void **state)
{
    struct bed *bed = *state;
    loop_destroy(bed->loop);
    clock_destroy(bed->clock);
    return 0;
}

static void dispatch_ms(struct bed *bed, int ms)
{
    i64 until = host_now() + ms * 1000000ll;
    for (i64 left = ms * 1000000ll; left > 0; left = until - host_now()) {
        loop_dispatch(bed->loop, true, left);
    }
}

static void expect_text(int fd, const char *text)
{
    char data[256];
    ssize_t n = read(fd, data, sizeof data - 1);
    data[n > 0 ? n : 0] = 0;
    assert_string_equal(data, text);
}

static void test_input_waits_for_the_front(void **state)
{
    struct bed *bed = *state;
    int in[2];
    assert_int_equal(pipe(in), 0);
    struct chardev *c = chardev_fds(bed->loop, in[0], -1, true);
    bed_attach(bed, c);
    assert_int_equal(write(in[1], "hello", 5), 5);
    dispatch_ms(bed, 5);
    assert_int_equal(bed->got_size, 0);
    bed->room = 2;
    chardev_accept(c);
    dispatch_ms(bed, 5);
    assert_string_equal(bed->got, "he");
    bed->room = 100;
    chardev_accept(c);
    dispatch_ms(bed, 5);
    assert_string_equal(bed->got, "hello");
    close(in[1]); /* the end of input is no event, and costs nothing */
    struct timespec before, after;
    dispatch_ms(bed, 2);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    dispatch_ms(bed, 50);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    assert_true((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 <
                10);
    assert_int_equal(chardev_write(c, "x", 1), 1); /* no output: swallowed */
    chardev_destroy(c);
}

static void test_output_is_gathered(void **state)
{
    struct bed *bed = *state;
    int out[2];
    assert_int_equal(pipe2(out, O_NONBLOCK), 0);
    struct chardev *c = chardev_fds(bed->loop, -1, out[1], true);
    bed_attach(bed, c);
    chardev_write(c, "par", 3);
    chardev_write(c, "t", 1);
    expect_text(out[0], "");
    dispatch_ms(bed, 10);
    expect_text(out[0], "part");
    chardev_write(c, "line\n", 5); /* a whole line goes at once */
    expect_text(out[0], "line\n");
    chardev_write(c, "last", 4);
    chardev_destroy(c); /* and so does the rest at the end */
    expect_text(out[0], "last");
    close(out[0]);
}

static void test_output_never_blocks(void **state)
{
    struct bed *bed = *state;
    int out[2];
    char line[1000], data[4096];
    memset(line, '.', sizeof line);
    line[sizeof line - 1] = '\n';
    assert_int_equal(pipe2(out, O_NONBLOCK), 0);
    struct chardev *c = chardev_fds(bed->loop, -1, out[1], true);
    bed_attach(bed, c);
    size_t total = 0;
    while (chardev_writable(c)) {
        total += chardev_write(c, line, sizeof line);
    }
    assert_true(total >= 65536);
    ssize_t n;
    while ((n = read(out[0], data, sizeof data)) > 0) {
        total -= (size_t)n;
    }
    dispatch_ms(bed, 5);
    assert_int_equal(bed->writable, 1);
    while ((n = read(out[0], data, sizeof data)) > 0) {
        total -= (size_t)n;
    }
    assert_int_equal(total, 0); /* nothing was lost */
    while (chardev_writable(c)) {
        chardev_write(c, line, sizeof line);
    }
    dispatch_ms(bed, 1100); /* nobody reads: after a second output is dropped */
    assert_int_equal(bed->writable, 2);
    assert_true(chardev_writable(c));
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(chardev_write(c, line, sizeof line), sizeof line);
    }
    while (read(out[0], data, sizeof data) > 0) {
    }
    dispatch_ms(bed, 5);
    chardev_write(c, "again\n", 6); /* until the reader is back */
    expect_text(out[0], "again\n");
    close(out[0]); /* and when the reader dies, everything is swallowed */
    chardev_write(c, "a\n", 2);
    chardev_write(c, "b\n", 2);
    assert_true(chardev_writable(c));
    chardev_destroy(c);
}

static void test_file(void **state)
{
    struct bed *bed = *state;
    struct error err;
    char path[] = "/tmp/ringside-chardev-XXXXXX", what[64];
    close(mkstemp(path));
    snprintf(what, sizeof what, "file:%s", path);
    struct chardev *c = chardev_open(bed->loop, what, false, &err);
    assert_non_null(c);
    assert_string_equal(chardev_path(c), path);
    chardev_write(c, "to a file", 9);
    chardev_destroy(c);
    int fd = open(path, O_RDONLY);
    expect_text(fd, "to a file");
    close(fd);
    unlink(path);
    assert_null(chardev_open(bed->loop, "file:/nonexistent/x", false, &err));
    assert_non_null(strstr(err.text, "No such file"));
    assert_null(chardev_open(bed->loop, "file:", false, &err));
    assert_null(chardev_open(bed->loop, "tcp::4444", false, &err));
    assert_non_null(strstr(err.text, "tcp::4444"));
    c = chardev_open(bed->loop, "null", false, &err);
    assert_int_equal(chardev_write(c, "x", 1), 1);
    assert_true(chardev_writable(c));
    chardev_destroy(c);
    chardev_attach(NULL, NULL);
    chardev_accept(NULL);
    assert_int_equal(chardev_write(NULL, "x", 1), 1);
    assert_true(chardev_writable(NULL));
    chardev_destroy(NULL);
}

static void test_pty(void **state)
{
    struct bed *bed = *state;
    struct error err;
    struct chardev *c = chardev_open(bed->loop, "pty", false, &err);
    assert_non_null(c);
    bed->room = 100;
    bed_attach(bed, c);
    dispatch_ms(bed, 5);
    for (int i = 0; i < 2; i++) { /* the reader may come and go */
        int fd = open(chardev_path(c), O_RDWR | O_NOCTTY);
        assert_true(fd >= 0);
        chardev_write(c, "out\n", 4);
        expect_text(fd, "out\n");
        assert_int_equal(write(fd, "in\r", 3), 3);
        for (int tries = 0; tries < 200 && bed->got_size < 3 * (i + 1u); tries++) {
            dispatch_ms(bed, 5); /* the kernel hands it over in its own time */
        }
        close(fd);
    }
    assert_string_equal(bed->got, "in\rin\r");
    chardev_destroy(c);
}

static void on_quit(void *opaque)
{
    ((struct bed *)opaque)->quits++;
}

static void on_save(void *opaque)
{
    ((struct bed *)opaque)->saves++;
}

static void test_mux(void **state)
{
    struct bed *bed = *state;
    struct bed monitor = {.room = 1000};
    struct fake_host host;
    struct mux_keys keys = {.quit = on_quit, .save = on_save, .opaque = bed};
    fake_init(&host);
    struct chardev_mux *mux = chardev_mux_create(&host.base, &keys);
    bed_attach(bed, chardev_mux_port(mux));
    bed_attach(&monitor, chardev_mux_port(mux));
    bed->room = 4;
    fake_type(&host, "abcdef"); /* two wait in the buffer */
    assert_string_equal(bed->got, "abcd");
    fake_type(&host, "\001x\001s\001b");
    assert_int_equal(bed->quits, 1);
    assert_int_equal(bed->saves, 1);
    assert_int_equal(bed->breaks, 1);
    fake_type(&host, "\001\001\001zg");
    fake_type(&host, "\001");
    fake_type(&host, "cinfo\r");
    assert_string_equal(monitor.got, "info\r");
    assert_int_equal(monitor.ins, 1);
    assert_int_equal(bed->outs, 1);
    bed->room = 1000;
    chardev_accept(bed->c);
    assert_string_equal(bed->got, "abcdef\001g");
    chardev_write(bed->c, "1", 1);
    chardev_write(monitor.c, "2", 1);
    assert_string_equal(host.out, "12");
    fake_type(&host, "\001h");
    assert_non_null(strstr(host.out, "end the emulator"));
    fake_type(&host, "\001c");
    assert_int_equal(bed->ins, 1);
    chardev_mux_focus(mux, monitor.c);
    assert_int_equal(monitor.ins, 2);
    host.base.front.writable(host.base.front.opaque);
    assert_int_equal(bed->writable + monitor.writable, 2);
    chardev_mux_destroy(mux);
    assert_true(host.destroyed);
}

/* Input from a pipe is not lost even when nobody takes it for long. */
static void test_mux_flow(void **state)
{
    struct bed *bed = *state;
    struct fake_host host;
    char text[6001];
    struct mux_keys keys = {.quit = on_quit, .opaque = bed};
    fake_init(&host);
    struct chardev_mux *mux = chardev_mux_create(&host.base, &keys);
    for (unsigned i = 0; i < 6000; i++) {
        text[i] = (char)('a' + i % 26);
    }
    text[6000] = 0;
    bed_attach(bed, chardev_mux_port(mux));
    fake_type(&host, text);
    assert_int_equal(host.in_size, 6000 - 4096);
    while (bed->got_size < 6000) {
        bed->room = 7;
        chardev_accept(bed->c);
    }
    assert_string_equal(bed->got, text);
    for (unsigned i = 0; i < 9; i++) {
        struct chardev *port = chardev_mux_port(mux);
        assert_true(i < 7 ? port != NULL : port == NULL);
    }
    chardev_mux_destroy(mux);
}

static bool is_raw(int fd)
{
    struct termios t;
    assert_int_equal(tcgetattr(fd, &t), 0);
    return !(t.c_lflag & ICANON) && !(t.c_lflag & ECHO);
}

/* The child of a terminal test: takes the slave as its terminal, opens stdio, and ends in the given
 * way. */
static void child(const char *slave, int how)
{
    struct error err;
    setsid();
    int fd = open(slave, O_RDWR);
    dup2(fd, 0);
    dup2(fd, 1);
    for (int i = 1; i < 32; i++) {
        signal(i, SIG_DFL); /* cmocka and the sanitizers have put theirs */
    }
    struct clock *clock = clock_create();
    struct loop *loop = loop_create(clock);
    struct chardev *c = chardev_open(loop, "stdio", false, &err);
    if (!is_raw(0) || !chardev_is_terminal(c)) {
        _exit(9);
    }
    chardev_write(c, "ready\n", 6);
    if (how == 0) {
        chardev_destroy(c);
        _exit(is_raw(0) ? 8 : 0);
    } else if (how == 1) {
        exit(0);
    } else {
        raise(how);
        _exit(7);
    }
}

static void run_child(int how)
{
    char name[64];
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    grantpt(master);
    unlockpt(master);
    assert_int_equal(ptsname_r(master, name, sizeof name), 0);
    int slave = open(name, O_RDWR | O_NOCTTY);
    pid_t pid = fork();
    if (pid == 0) {
        child(name, how);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (how < 2) {
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    } else {
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), how);
    }
    assert_false(is_raw(slave));
    char data[64];
    assert_true(read(master, data, sizeof data) > 0);
    assert_memory_equal(data, "ready", 5);
    close(slave);
    close(master);
}

static void test_terminal_is_restored(void **state)
{
    (void)state;
    run_child(0);
    run_child(1);
    run_child(SIGTERM);
    run_child(SIGSEGV);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(test_input_waits_for_the_front),
        T(test_output_is_gathered),
        T(test_output_never_blocks),
        T(test_file),
        T(test_pty),
        T(test_mux),
        T(test_mux_flow),
#undef T
        cmocka_unit_test(test_terminal_is_restored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
