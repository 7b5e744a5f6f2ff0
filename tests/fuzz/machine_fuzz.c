/*
 * machine_fuzz.c: nonsense for a whole PC. machine_fuzz [SEED [SECONDS [STEPS]]]
 *
 * Builds one PC after another, from SEED on (default 1), and lets the actors work on each for STEPS steps (default 20,000),
 * until SECONDS (default 5) are over. What happens depends on the seed alone: a failure says which seed, and `machine_fuzz SEED`
 * brings it back. Nothing may crash, assert, hang, leak or allocate without bound; one step may take no more than a few seconds.
 *
 * A minute under sanitizers:
 *   cmake -S . -B /tmp/asan -DRINGSIDE_SANITIZE=address,undefined && cmake --build /tmp/asan --target machine_fuzz
 *   /tmp/asan/tests/fuzz/machine_fuzz $RANDOM 60
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/fuzz/bench.h"

enum { STEP_SECONDS = 20, DEFAULT_STEPS = 20000 };

static struct fuzz *current; /* for the handler below only */
static u64          first_seed;

/* A step that never ends, or a crash: say where. Everything here is about to end anyway. */
static void report(int signal_number)
{
    char text[160];
    int  n = snprintf(text, sizeof text, "machine_fuzz: %s: seed %" PRIu64 ", step %" PRIu64 ", actor '%s'\n",
                      strsignal(signal_number), first_seed, current->steps, current->actor ? current->actor : "none");
    if (write(2, text, (size_t)n) < 0) {
        /* nowhere to say it */
    }
    signal(signal_number, SIG_DFL);
    raise(signal_number == SIGALRM ? SIGABRT : signal_number);
}

struct slowest {
    i64         ns;
    const char *actor;
    u64         seed, step;
};

static bool one_machine(u64 seed, u64 steps, i64 end, struct slowest *slowest)
{
    struct fuzz f;
    first_seed = seed;
    current    = &f;
    if (!bench_create(&f, seed, false, 0)) {
        return false;
    }
    while (f.steps < steps && host_now() < end) {
        i64 start = host_now();
        alarm(STEP_SECONDS);
        act(&f, false);
        i64 taken = host_now() - start;
        if (taken > slowest->ns) {
            *slowest = (struct slowest){taken, f.actor, seed, f.steps};
        }
    }
    alarm(STEP_SECONDS);
    bench_destroy(&f);
    alarm(0);
    return true;
}

int main(int argc, char **argv)
{
    u64            seed    = argc > 1 ? strtoull(argv[1], NULL, 0) : 1, machines = 0;
    double         seconds = argc > 2 ? atof(argv[2]) : 5;
    u64            steps   = argc > 3 ? strtoull(argv[3], NULL, 0) : DEFAULT_STEPS;
    i64            end     = host_now() + (i64)(seconds * (double)NS_PER_SECOND);
    struct slowest slowest = {0};
    struct rusage  usage;
    signal(SIGALRM, report);
    signal(SIGABRT, report);
    for (; host_now() < end; machines++) {
        if (!one_machine(seed + machines, steps, end, &slowest)) {
            return 1;
        }
    }
    getrusage(RUSAGE_SELF, &usage);
    printf("%" PRIu64 " machines; slowest step %.1f ms ('%s', seed %" PRIu64 ", step %" PRIu64 "); %ld MiB at most\n", machines,
           (double)slowest.ns / 1e6, slowest.actor, slowest.seed, slowest.step, usage.ru_maxrss >> 10);
    return 0;
}
