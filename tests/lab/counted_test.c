/*
 * counted_test.c: counted time is the same whatever executes: machines that interpret, that translate everything at once, and that
 * execute intermediate code, are stopped at the same counts, and nothing of their state differs. By hand:
 *
 *   counted_test FOLDER native|portable FROM TO STEP
 *
 * looks for the first step at which a boot of the kernel in FOLDER differs from when it is interpreted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/base/bits.h"
#include "frontend/lab/state.h"
#include "frontend/machine/counted.h"
#include "tcg/tcg.h"

enum executes { INTERPRETED, NATIVE, PORTABLE };

struct run {
    struct machine *m;
    struct tcg *tcg;
    struct outside_watch watch;
    u64 target;
};

static bool pass(void *opaque, const struct outside_event *event)
{
    (void)opaque;
    (void)event;
    return true;
}

static void moment(void *opaque)
{
    struct run *r = opaque;
    if (cpu_icount(r->m->cpu) >= r->target) {
        machine_quit(r->m, 0);
    }
}

static bool due(void *opaque)
{
    (void)opaque;
    return false;
}

static struct run *run_create(enum executes how, const char *folder)
{
    struct run *r = calloc(1, sizeof *r);
    struct machine_config config = {.ram_bytes = folder ? 128 << 20 : 16 << 20, .cpu = "qemu64", .vga = true, .boot_order = "c",
                                    .counted = true, .epoch = 1700000000};
    static char kernel[512], initrd[512];
    struct error err;
    config.accel = (struct accel_config){.accel = how == NATIVE ? ACCEL_TCG : ACCEL_INTERP, .threshold = folder ? 0 : 1};
    if (folder) {
        snprintf(kernel, sizeof kernel, "%s/vmlinuz", folder);
        snprintf(initrd, sizeof initrd, "%s/initrd", folder);
        config.kernel = kernel;
        config.initrd = initrd;
        config.append = "console=ttyS0 ringside.poweroff";
        config.has_serial[0] = true;
    }
    r->m = machine_create();
    if (!pc_build(r->m, &config, &err)) {
        fail_msg("%s", err.text);
    }
    r->watch = (struct outside_watch){.pass = pass, .moment = moment, .due = due, .opaque = r};
    r->m->outside = &r->watch;
    if (how == PORTABLE) {
        r->tcg = tcg_create(&backend_portable, true);
        r->m->cpu->executor = &r->tcg->executor;
    }
    return r;
}

static void run_destroy(struct run *r)
{
    if (r->tcg) {
        r->m->cpu->executor = NULL;
        tcg_destroy(r->tcg);
    }
    machine_dismantle(r->m);
    machine_destroy(r->m);
    free(r);
}

/* Executes until so many instructions are done. False: it ended by itself before. */
static bool run_to(struct run *r, u64 count)
{
    r->target = r->m->stop_at = count;
    r->m->requests = 0;
    machine_run(r->m);
    return cpu_icount(r->m->cpu) == count;
}

static void tell_difference(struct run *a, struct run *b)
{
    char path[256];
    for (unsigned k = 0; k < a->m->device_count; k++) {
        struct blob x = {0}, y = {0};
        device_save(a->m->devices[k], &x);
        device_save(b->m->devices[k], &y);
        if (x.size != y.size || memcmp(x.data, y.data, x.size)) {
            printf("  device %s\n", a->m->devices[k]->class->name);
        }
        blob_free(&x);
        blob_free(&y);
    }
    if (fields_differ(cpu_fields, a->m->cpu, b->m->cpu, path, sizeof path)) {
        printf("  processor: %s\n", path);
    }
    for (u64 at = 0, shown = 0; at < a->m->ram.size && shown < 8; at += 8) {
        if (memcmp(a->m->ram.host + at, b->m->ram.host + at, 8)) {
            printf("  RAM %llx: %016llx %016llx\n", (unsigned long long)at, (unsigned long long)load_le(a->m->ram.host + at, 8),
                   (unsigned long long)load_le(b->m->ram.host + at, 8));
            shown++;
        }
    }
    printf("  time %lld %lld, ip %llx %llx\n", (long long)clock_now(a->m->clock), (long long)clock_now(b->m->clock),
           (unsigned long long)a->m->cpu->ip, (unsigned long long)b->m->cpu->ip);
}

/* Compares every `step` instructions from `from` to `to`. Returns the first count at which they differ; 0: none. */
static u64 first_difference(const char *folder, enum executes how, u64 from, u64 to, u64 step)
{
    struct run *a = run_create(INTERPRETED, folder), *b = run_create(how, folder);
    u64 found = 0;
    for (u64 at = from; at <= to && !found; at += step) {
        bool goes_on = run_to(a, at);
        if (run_to(b, at) != goes_on || state_hash(a->m) != state_hash(b->m)) {
            printf("after %llu instructions:\n", (unsigned long long)at);
            tell_difference(a, b);
            found = at;
        }
        if (!goes_on) {
            break;
        }
    }
    run_destroy(a);
    run_destroy(b);
    return found;
}

static void translated_firmware_is_the_same(void **state)
{
    (void)state;
    assert_int_equal(first_difference(NULL, NATIVE, 100003, 8000000, 100003), 0);
}

static void firmware_by_intermediate_code_is_the_same(void **state)
{
    (void)state;
    assert_int_equal(first_difference(NULL, PORTABLE, 100003, 4000000, 100003), 0);
}

int main(int argc, char **argv)
{
    if (argc == 6) {
        u64 number[3];
        for (unsigned k = 0; k < 3; k++) {
            number[k] = strtoull(argv[3 + k], NULL, 0);
        }
        return first_difference(argv[1], strcmp(argv[2], "portable") ? NATIVE : PORTABLE, number[0], number[1], number[2]) != 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(translated_firmware_is_the_same),
        cmocka_unit_test(firmware_by_intermediate_code_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
