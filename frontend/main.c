/*
 * main.c: from the command line to a running machine, and back.
 *
 * Exit status: 0 when the guest powers off or somebody quits, 1 when something is wrong with the
 * command line or the host, and what the guest says through isa-debug-exit.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cpu/base/log.h"
#include "frontend/backends.h"
#include "frontend/code_log.h"
#include "frontend/display.h"
#include "frontend/gdb/server.h"
#include "frontend/lab/crossings.h"
#include "frontend/lab/explain_file.h"
#include "frontend/lab/history.h"
#include "frontend/lab/inspect.h"
#include "frontend/lab/lab.h"
#include "frontend/lab/marks.h"
#include "frontend/lab/symbols.h"
#include "frontend/lab/tape.h"
#include "frontend/lesson/command.h"
#include "frontend/monitor/disas.h"
#include "frontend/monitor/monitor.h"
#include "frontend/options.h"
#include "frontend/report_command.h"

enum { EXIT_BAD = 1 };

static int complain(const struct error *err)
{
    fflush(stdout);
    fprintf(stderr, "ringside: %s\n", err->text);
    return EXIT_BAD;
}

/* ---- signals: a request to end is a descriptor of the loop, so images are flushed as at any other
 * end */

struct signals {
    struct machine *machine;
    int fd;
};

static void on_signal(void *opaque, unsigned events)
{
    struct signals *s = opaque;
    struct signalfd_siginfo info;
    (void)events;
    if (read(s->fd, &info, sizeof info) == sizeof info) {
        machine_quit(s->machine, 0);
    }
}

static void watch_signals(struct signals *s)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    s->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (s->fd >= 0) {
        loop_watch(s->machine->loop, s->fd, LOOP_READ, on_signal, s);
    }
}

static void forget_signals(struct signals *s)
{
    if (s->fd >= 0) {
        loop_watch(s->machine->loop, s->fd, 0, NULL, NULL);
        close(s->fd);
    }
}

/* ---- the program */

static bool open_log(const struct options *o, struct error *err)
{
    return (!o->log_file || log_open(o->log_file, err)) &&
           (!o->log_items || log_select(o->log_items, err));
}

/* Those of a kernel that has some come unasked. A recording says which symbols there were: without them it can be replayed, too. */
static bool load_symbols(struct machine *m, const struct options *o, struct error *err)
{
    if (!o->symbols_count && o->machine.kernel) {
        inspect_load_symbols(m, o->machine.kernel, 0, NULL);
    }
    for (unsigned n = 0; n < o->symbols_count; n++) {
        struct error why;
        if (!inspect_load_symbols(m, o->symbols[n].path, o->symbols[n].offset, &why)) {
            error_set(err, "-symbols %s", why.text);
            if (!o->replay) {
                return false;
            }
            complain(err);
        }
    }
    return true;
}

/* *gdb NULL: nobody asks for it. */
static bool open_gdb(struct machine *m, const struct options *o, struct backends *b, struct gdb_server **gdb, struct error *err)
{
    bool wanted = o->gdb && (gdb_server_is_socket(o->gdb) || backends_gdb(b));
    *gdb = wanted ? gdb_server_create(m, o->gdb, backends_gdb(b), &o->gdb_look, err) : NULL;
    return *gdb || !wanted;
}

static int run(struct machine *m, const struct options *o, struct backends *b,
               struct machine_config *config, struct tape *tape)
{
    struct error err;
    struct display *display;
    struct gdb_server *gdb = NULL;
    if (!pc_build(m, config, &err) || !tape_start(tape, m, &err) || !load_symbols(m, o, &err) ||
        !open_gdb(m, o, b, &gdb, &err) || !display_open(m, o, &display, &err)) {
        gdb_server_destroy(gdb, EXIT_BAD);
        return complain(&err);
    }
    struct explain_file *explained = o->explain ? explain_file_open(m, o->explain, &err) : NULL;
    if (o->explain && !explained) {
        gdb_server_destroy(gdb, EXIT_BAD);
        display_close(display);
        return complain(&err);
    }
    if (o->checkpoint_bytes) {
        history_create(m, o->checkpoint_bytes);
    }
    marks_create(m);
    if (o->crossings) {
        crossings_start(m, (size_t)o->crossings);
    }
    struct report *report = o->report.path ? report_open(m, &o->report, picture_png, &err) : NULL;
    if (o->report.path && !report) {
        gdb_server_destroy(gdb, EXIT_BAD);
        display_close(display);
        return complain(&err);
    }
    struct chardev *line = backends_monitor(b);
    struct monitor *monitor = line ? monitor_create(m, line) : NULL;
    m->cpu->bus.exception = disas_log_exception;
    m->paused = o->paused;
    struct signals signals = {.machine = m};
    watch_signals(&signals);
    int status = machine_run(m);
    bool written = explain_file_close(explained, &err);
    bool as_recorded = tape_end(tape, &err) && written;
    gdb_server_destroy(gdb, as_recorded ? status : EXIT_BAD);
    struct error trouble = err;
    bool reported = report_close(report, as_recorded ? NULL : trouble.text, &err);
    monitor_destroy(monitor);
    display_close(display);
    forget_signals(&signals);
    if (as_recorded) {
        return reported ? status : complain(&err);
    }
    if (!reported) {
        complain(&err);
    } else if (o->report.path) {
        error_set(&err, "%s; what it did until then is in %s", trouble.text, o->report.path);
        trouble = err;
    }
    return complain(&trouble);
}

static int start(const struct options *o)
{
    struct error err;
    struct machine_config config = o->machine;
    if ((!config.counted || o->record) && getrandom(config.seed, sizeof config.seed, 0) != sizeof config.seed) {
        error_set(&err, "the host gives no random numbers");
        return complain(&err);
    }
    struct code_log *log = code_log_create(o->perf_map, &err);
    if (!log) {
        return complain(&err);
    }
    struct tape *tape;
    if (!tape_open(o, &config, &tape, &err)) {
        code_log_destroy(log);
        return complain(&err);
    }
    config.accel.watch = code_log_watch(log);
    struct machine *m = machine_create();
    struct backends *b = backends_open(m, o, &config, &err);
    int status = b ? run(m, o, b, &config, tape) : complain(&err);
    struct history *history = m->history;
    struct symbols *symbols = m->symbols;
    lab_destroy(m->lab);
    crossings_destroy(m);
    explain_stop(m);
    marks_destroy(m);
    machine_dismantle(m);
    backends_close(b);
    machine_destroy(m);
    history_destroy(history);
    symbols_free(symbols);
    tape_free(tape);
    code_log_destroy(log);
    return status;
}

int main(int argc, char **argv)
{
    struct options options;
    struct error err;
    if (argc > 1 && !strcmp(argv[1], "lesson")) {
        return lesson_command(argc - 2, argv + 2);
    }
    bool report = argc > 1 && !strcmp(argv[1], "report");
    enum options_result result =
        report ? report_command_parse(&options, argc - 2, argv + 2, &err) : options_parse(&options, argc, argv, &err);
    int status = 0;
    if (result == OPTIONS_BAD || (result == OPTIONS_RUN && !open_log(&options, &err))) {
        status = complain(&err);
    } else if (result == OPTIONS_RUN) {
        status = start(&options);
    }
    options_free(&options);
    return status;
}
