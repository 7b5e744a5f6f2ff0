/*
 * history_test.c: going back: a boot is at random moments, and at them again after it was elsewhere; nothing of its state
 * differs. What was written last, and which ring ran last, is found where stepping finds it.
 *
 * Called with a kernel's folder and a number of points, it does so many: the long run has 1,000.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cpu/base/bits.h"
#include "frontend/lab/history.h"
#include "frontend/lab/state.h"
#include "frontend/machine/counted.h"
#include "frontend/machine/input.h"

/* To user space. */
#define LINUX_INSNS 6200000000

static u64 seed = 1;

static u64 any(u64 below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 20) % below;
}

/* NULL: SeaBIOS without a disk. */
static struct machine *create(const char *folder, u64 limit)
{
    struct machine_config config = {.ram_bytes = 128 << 20, .cpu = "qemu64", .vga = true, .boot_order = "c", .counted = true,
                                    .epoch = 1700000000};
    static char kernel[512], initrd[512];
    struct error err;
    if (folder) {
        snprintf(kernel, sizeof kernel, "%s/vmlinuz", folder);
        snprintf(initrd, sizeof initrd, "%s/initrd", folder);
        config.kernel = kernel;
        config.initrd = initrd;
        config.append = "console=ttyS0";
        config.has_serial[0] = true;
    }
    struct machine *m = machine_create();
    if (!pc_build(m, &config, &err)) {
        fail_msg("%s", err.text);
    }
    history_create(m, limit);
    counted_open(m);
    return m;
}

static void destroy(struct machine *m)
{
    struct history *h = m->history;
    machine_dismantle(m);
    machine_destroy(m);
    history_destroy(h);
}

static void go(struct machine *m, u64 count)
{
    struct error err;
    if (!history_go(m->history, count, &err)) {
        fail_msg("%llu: %s", (unsigned long long)count, err.text);
    }
    assert_int_equal(cpu_icount(m->cpu), count);
}

static u64 at(struct machine *m, u64 count)
{
    go(m, count);
    return state_hash(m);
}

static void same_at_random_moments(struct machine *m, u64 end, unsigned points)
{
    i64 slowest = 0, sum = 0;
    if (cpu_icount(m->cpu) < end) {
        at(m, end / 2);
        input_key(m->input, KEY_A, true); /* something from outside, in the middle */
        input_key(m->input, KEY_A, false);
        at(m, end);
    }
    for (unsigned k = 0; k < points; k++) {
        u64 oldest = history_stats(m->history).oldest, from = oldest + any(end - oldest), n = 1 + any(1u << any(24));
        if (from + n > end) {
            continue;
        }
        u64 first = at(m, from), there = at(m, from + n);
        i64 start = host_now();
        go(m, from + n - 1);
        i64 took = host_now() - start;
        slowest = took > slowest ? took : slowest;
        sum += took;
        if (at(m, from) != first || at(m, from + n) != there) {
            fail_msg("from %llu, by %llu", (unsigned long long)from, (unsigned long long)n);
        }
    }
    struct history_stats s = history_stats(m->history);
    printf("%u points of %llu instructions; reverse-step %.1f ms on average, %.1f at most; %u checkpoints in "
           "%.1f MB of %.0f; %llu dropped\n",
           points, (unsigned long long)end, (double)sum / 1e6 / points, (double)slowest / 1e6, s.checkpoints, (double)s.bytes / 1e6,
           (double)s.limit / 1e6, (unsigned long long)s.dropped);
    assert_true(s.bytes <= s.limit + m->ram.size);
}

static void firmware_goes_back(void **state)
{
    (void)state;
    struct machine *m = create(NULL, HISTORY_BYTES);
    same_at_random_moments(m, 40000000, 6);
    destroy(m);
}

static void it_goes_back_with_little_memory(void **state)
{
    (void)state;
    struct machine *m = create(NULL, 1 << 20);
    at(m, 150000000);
    same_at_random_moments(m, 150000000, 4);
    destroy(m);
}

/* By one step at a time, from the checkpoint on. */
static void last_write_is_found(void **state)
{
    (void)state;
    struct machine *m = create(NULL, HISTORY_BYTES);
    struct error err;
    enum { TICKS = 0x46c, END = 30000000 }; /* the BIOS's count of timer interrupts */
    at(m, END);
    u32 now = load32(m->ram.host + TICKS);
    assert_true(now > 0);
    assert_true(history_last_write(m->history, TICKS, 4, NULL, NULL, &err));
    u64 before = cpu_icount(m->cpu);
    assert_true(before < END);
    assert_true(load32(m->ram.host + TICKS) == now - 1);
    at(m, before + 1);
    assert_int_equal(load32(m->ram.host + TICKS), now);
    at(m, END);
    assert_int_equal(load32(m->ram.host + TICKS), now);
    assert_false(history_last_write(m->history, (u64)4 << 30, 1, NULL, NULL, &err));
    destroy(m);
}

static const char *linux_folder(void)
{
    static char folder[512];
    const char *cache = getenv("XDG_CACHE_HOME");
    snprintf(folder, sizeof folder, "%s%s/ringside/linux-amd64/vmlinuz", cache ? cache : getenv("HOME"), cache ? "" : "/.cache");
    if (access(folder, R_OK)) {
        return NULL;
    }
    *strrchr(folder, '/') = 0;
    return folder;
}

static void linux_goes_back(void **state)
{
    (void)state;
    const char *folder = linux_folder();
    struct error err;
    if (!folder) {
        skip();
    }
    struct machine *m = create(folder, HISTORY_BYTES);
    same_at_random_moments(m, LINUX_INSNS, 5);
    for (unsigned n = 0; n < 3; n++) {
        u64 now = LINUX_INSNS - any(1000000);
        unsigned ring = n & 1 ? 0 : 3;
        at(m, now);
        if (!history_last_ring(m->history, ring, NULL, NULL, &err)) {
            fail_msg("ring %u: %s", ring, err.text);
        }
        u64 found = cpu_icount(m->cpu);
        assert_true(found < now && m->cpu->cpl == ring);
        for (u64 k = found + 1; k < now && k < found + 200; k++) { /* none later, as far as that is looked */
            go(m, k);
            assert_int_not_equal(m->cpu->cpl, ring);
        }
    }
    destroy(m);
}

int main(int argc, char **argv)
{
    if (argc == 4) {
        struct machine *m = create(argv[1], HISTORY_BYTES);
        same_at_random_moments(m, strtoull(argv[2], NULL, 0), (unsigned)strtoul(argv[3], NULL, 0));
        destroy(m);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(firmware_goes_back),
        cmocka_unit_test(it_goes_back_with_little_memory),
        cmocka_unit_test(last_write_is_found),
        cmocka_unit_test(linux_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
