/*
 * boot_state_test.c: the state of a machine in the middle of a boot, by SeaBIOS and by Linux, taken over by a second machine
 * built alike: everything saves what was loaded, and the second machine boots on to the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cpu/mem.h"
#include "devices/core/device_test.h"
#include "frontend/machine/machine.h"

enum { OUTPUT_MAX = 1 << 20 };

struct boot {
    struct machine *m;
    struct chardev *output;
    int             host_end;
    struct timer    limit;
    const char     *awaited; /* ends the run */
    bool            seen;
    size_t          size, from; /* of the text; where to look for what is awaited */
    char            text[OUTPUT_MAX];
};

static void take_output(void *opaque, unsigned events)
{
    struct boot *b = opaque;
    (void)events;
    ssize_t n = read(b->host_end, b->text + b->size, OUTPUT_MAX - 1 - b->size);
    b->size += n > 0 ? (size_t)n : 0;
    b->text[b->size] = 0;
    if (b->awaited && strstr(b->text + b->from, b->awaited)) {
        b->seen = true;
        machine_quit(b->m, 0);
    }
}

static void time_is_over(void *opaque)
{
    machine_quit(((struct boot *)opaque)->m, 0);
}

/* Linux from `folder` on COM1; NULL: SeaBIOS alone, which speaks through its debug port. */
static struct boot *boot_create(const char *folder)
{
    struct boot          *b      = calloc(1, sizeof *b);
    struct machine_config config = {.ram_bytes = 128 << 20, .cpu = "qemu64", .vga = true, .boot_order = "c", .floppy_drive = true};
    char                  kernel[512], initrd[512];
    struct error          err;
    int                   pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    b->m        = machine_create();
    b->output   = chardev_fds(b->m->loop, pair[0], pair[0], true);
    b->host_end = pair[1];
    loop_watch(b->m->loop, b->host_end, LOOP_READ, take_output, b);
    timer_init(&b->limit, b->m->clock, time_is_over, b);
    if (folder) {
        snprintf(kernel, sizeof kernel, "%s/vmlinuz", folder);
        snprintf(initrd, sizeof initrd, "%s/initrd", folder);
        config.kernel        = kernel;
        config.initrd        = initrd;
        config.append        = "console=ttyS0 ringside.poweroff";
        config.has_serial[0] = true;
        config.serial[0]     = b->output;
    } else {
        config.debug_port_count = 1;
        config.debug_ports[0]   = (struct debug_port){.port = 0x402, .chardev = b->output};
    }
    if (!pc_build(b->m, &config, &err)) {
        fail_msg("%s", err.text);
    }
    return b;
}

static void boot_destroy(struct boot *b)
{
    timer_cancel(&b->limit);
    loop_watch(b->m->loop, b->host_end, 0, NULL, NULL);
    machine_dismantle(b->m);
    chardev_destroy(b->output);
    machine_destroy(b->m);
    close(b->host_end);
    free(b);
}

/* Runs until `awaited` was said, or for so many guest milliseconds. */
static bool boot_run(struct boot *b, const char *awaited, i64 ms)
{
    b->awaited = awaited;
    b->from    = b->size;
    b->seen    = false;
    b->m->requests &= REQUEST_RESET;
    timer_set(&b->limit, clock_now(b->m->clock) + ms * 1000000);
    machine_run(b->m);
    timer_cancel(&b->limit);
    return b->seen;
}

static void save_all(struct machine *m, struct blob *blob)
{
    for (unsigned i = 0; i < m->device_count; i++) {
        device_save(m->devices[i], blob);
    }
    fields_save(cpu_fields, m->cpu, blob);
}

static void load_all(struct machine *m, struct blob *blob)
{
    struct error err;
    for (unsigned i = 0; i < m->device_count; i++) {
        if (!device_load(m->devices[i], blob, &err)) {
            fail_msg("%s", err.text);
        }
    }
    if (!fields_load(cpu_fields, m->cpu, blob, &err)) {
        fail_msg("%s", err.text);
    }
    cpu_update_mode(m->cpu);
}

/* Builds a machine that is where `a` is, and checks that it would save the same. */
static struct boot *take_over(struct boot *a, const char *folder)
{
    struct boot *b    = boot_create(folder);
    struct blob  first = {0}, second = {0};
    clock_set_counted(b->m->clock, true);
    clock_advance(b->m->clock, clock_now(a->m->clock));
    clock_set_counted(b->m->clock, false);
    memcpy(b->text, a->text, a->size + 1);
    b->size = a->size;
    memcpy(b->m->ram.host, a->m->ram.host, a->m->ram.size);
    save_all(a->m, &first);
    load_all(b->m, &first);
    for (unsigned i = 0; i < a->m->device_count; i++) {
        if (a->m->devices[i]->class->fields) {
            expect_same_state(a->m->devices[i], b->m->devices[i]);
        }
    }
    save_all(b->m, &second);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    blob_free(&first);
    blob_free(&second);
    return b;
}

static void seabios_goes_on_in_another_machine(void **state)
{
    (void)state;
    struct boot *a = boot_create(NULL);
    assert_true(boot_run(a, "SeaBIOS (version", 20000));
    for (unsigned n = 0; n < 6; n++) { /* wherever it happens to be */
        boot_run(a, NULL, 20);
        struct boot *b = take_over(a, NULL);
        boot_destroy(a);
        a = b;
    }
    if (!strstr(a->text, "No bootable device")) {
        assert_true(boot_run(a, "No bootable device", 60000));
    }
    boot_destroy(a);
}

static void linux_goes_on_in_another_machine(void **state)
{
    (void)state;
    char        folder[256];
    const char *cache = getenv("XDG_CACHE_HOME");
    snprintf(folder, sizeof folder, "%s%s/ringside/linux-amd64", cache ? cache : getenv("HOME"), cache ? "" : "/.cache");
    strcat(folder, "/vmlinuz");
    if (access(folder, R_OK) != 0) {
        skip();
    }
    *strrchr(folder, '/') = 0;
    struct boot *a        = boot_create(folder);
    assert_true(boot_run(a, "Linux version", 60000));
    boot_run(a, NULL, 500);
    machine_request_reset(a->m); /* and once more from the start */
    assert_true(boot_run(a, "Linux version", 60000));
    for (unsigned n = 0; n < 4; n++) {
        boot_run(a, NULL, 100);
        struct boot *b = take_over(a, folder);
        boot_destroy(a);
        a = b;
    }
    if (!strstr(a->text, "BOOT-OK")) {
        assert_true(boot_run(a, "BOOT-OK", 200000));
    }
    boot_destroy(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seabios_goes_on_in_another_machine),
        cmocka_unit_test(linux_goes_on_in_another_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
