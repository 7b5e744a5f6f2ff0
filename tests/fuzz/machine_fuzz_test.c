/*
 * machine_fuzz_test.c: a whole PC whose processor stands still: random accesses to every port and to every device's memory,
 * saved states that are loaded, also damaged ones, and resets. Nothing may crash, hang or allocate without bound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "devices/core/device_test.h"
#include "frontend/machine/input.h"
#include "frontend/machine/machine.h"

enum { DISK_BYTES = 1 << 20, BATCH = 2000 };

struct images {
    char disk[64], cd[64], floppy[64];
};

static void make_image(char *path, off_t size)
{
    strcpy(path, "/tmp/ringside-fuzz.XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size), 0);
    close(fd);
}

static struct machine *make(struct images *images)
{
    struct machine_config config = {.ram_bytes = 16 << 20,
                                    .cpu = "qemu64",
                                    .vga = true,
                                    .graphic = true,
                                    .boot_order = "cad",
                                    .has_serial = {true, true, true, true},
                                    .has_parallel = true,
                                    .debug_exit = true,
                                    .debug_exit_port = 0x501,
                                    .debug_exit_size = 2,
                                    .test_device = true,
                                    .debug_ports = {{0xe9, NULL}},
                                    .debug_port_count = 1};
    const struct block_options snapshot = {.format = "raw", .snapshot = true};
    make_image(images->disk, DISK_BYTES);
    make_image(images->cd, DISK_BYTES);
    make_image(images->floppy, 1440 * 1024);
    config.drives[0]   = (struct drive_config){.interface = DRIVE_IDE, .unit = 0, .path = images->disk, .options = snapshot};
    config.drives[1]   = (struct drive_config){
          .interface = DRIVE_IDE, .unit = 2, .cdrom = true, .path = images->cd, .options = snapshot};
    config.drives[2]   = (struct drive_config){.interface = DRIVE_FLOPPY, .path = images->floppy, .options = snapshot};
    config.drive_count = 3;
    struct machine *m  = machine_create();
    struct error    err;
    clock_set_counted(m->clock, true);
    clock_start(m->clock);
    if (!pc_build(m, &config, &err)) {
        fail_msg("%s", err.text);
    }
    return m;
}

static void unmake(struct machine *m, struct images *images)
{
    machine_dismantle(m);
    machine_destroy(m);
    unlink(images->disk);
    unlink(images->cd);
    unlink(images->floppy);
}

static void let_time_pass(struct machine *m, i64 ns)
{
    clock_advance(m->clock, ns);
    loop_dispatch(m->loop, false, 0);
}

/* What the guest could have done to get there does not matter: everything that can be mapped is mapped. */
static void map_functions(struct machine *m, u64 *seed)
{
    static const u8 functions[] = {0x00, 0x08, 0x09, 0x0b, 0x10};
    u8              devfn       = functions[test_random(seed) % sizeof functions];
    u32             at          = 0x80000000u | (u32)devfn << 8;
    u32             reg         = test_random(seed) & 0xfc;
    space_write(m->ports, 0xcf8, at | reg, 4, false);
    space_write(m->ports, 0xcfc + (test_random(seed) & 3), test_random(seed), 1, false);
    space_write(m->ports, 0xcf8, at | 4, 4, false);
    space_write(m->ports, 0xcfc, 7, 1, false);
}

static paddr device_address(u64 *seed)
{
    static const struct {
        paddr base;
        u32   size;
    } windows[] = {{0xa0000, 0x20000},     {0xc0000, 0x40000},    {0xfec00000, 0x1000}, {0xfed00000, 0x400},
                   {0xfee00000, 0x1000},   {0xff000000, 0x10000}, {0xfd000000, 0x1000000}, {0xfebf0000, 0x1000},
                   {0xfffc0000, 0x40000},  {0, 0x1000000}};
    unsigned i = test_random(seed) % ARRAY_LEN(windows);
    return windows[i].base + test_random(seed) % windows[i].size;
}

static void one_access(struct machine *m, u64 *seed)
{
    u32           r     = test_random(seed);
    unsigned      size  = 1u << r % 4;
    bool          port  = r >> 4 & 1, write = r >> 5 & 1, smm = !(r >> 8 & 15);
    struct space *space = port ? m->ports : m->memory;
    paddr         addr  = device_address(seed);
    if (port) {
        size = size > 4 ? 4 : size;
        addr = r >> 6 & 3 ? test_random(seed) & 0x3ff : test_random(seed) & 0xffff;
    }
    if (write) {
        u64 value = (u64)test_random(seed) << 32 | test_random(seed);
        space_write(space, addr, r >> 12 & 3 ? value : 0, size, smm);
    } else {
        space_read(space, addr, size, smm);
    }
}

/* What the frontend does meanwhile. */
static void touch_frontend(struct machine *m, u64 *seed)
{
    if (test_random(seed) % 8 == 0) {
        input_key(m->input, 1 + test_random(seed) % (KEY_COUNT - 1), test_random(seed) & 1);
    }
    if (test_random(seed) % 8 == 0) {
        input_mouse(m->input, (int)(test_random(seed) % 600) - 300, (int)(test_random(seed) % 600) - 300, 1,
                    test_random(seed) & 31);
    }
}

static void batch(struct machine *m, u64 *seed)
{
    for (unsigned i = 0; i < BATCH; i++) {
        if (test_random(seed) % 64 == 0) {
            map_functions(m, seed);
        }
        one_access(m, seed);
        if (test_random(seed) % 16 == 0) {
            touch_frontend(m, seed);
            let_time_pass(m, test_random(seed) % 20000000);
        }
    }
    m->requests = 0;
}

static struct device *named(struct machine *m, const struct device *like, unsigned index)
{
    return m->devices[index]->class == like->class ? m->devices[index] : NULL;
}

static void random_accesses_do_no_harm(void **state)
{
    (void)state;
    struct images   images;
    struct machine *m       = make(&images);
    const char     *seconds = getenv("RINGSIDE_FUZZ_SECONDS");
    i64             end     = host_now() + (i64)((seconds ? atof(seconds) : 2) * (double)NS_PER_SECOND);
    u64             seed    = 1;
    while (host_now() < end) {
        batch(m, &seed);
        if (test_random(&seed) % 16 == 0) {
            for (unsigned i = 0; i < m->device_count; i++) {
                device_reset(m->devices[i]);
            }
        }
    }
    unmake(m, &images);
}

/* Every device of a machine that has been mistreated saves what it then loads; and after a reset equals a new one. */
static void states_are_saved_and_reset(void **state)
{
    (void)state;
    struct images   images[2];
    struct machine *a = make(&images[0]), *b = make(&images[1]);
    u64             seed = 2;
    for (unsigned round = 0; round < 10; round++) {
        batch(a, &seed);
        for (unsigned i = 0; i < a->device_count; i++) {
            struct device *twin = named(b, a->devices[i], i);
            assert_non_null(twin);
            expect_save_load_save(a->devices[i], twin);
        }
    }
    unmake(a, &images[0]);
    unmake(b, &images[1]);
}

/* A damaged state is refused or taken, but does no harm later. */
static void damaged_states_do_no_harm(void **state)
{
    (void)state;
    struct images   images;
    struct machine *m    = make(&images);
    u64             seed = 3;
    for (unsigned round = 0; round < 400; round++) {
        struct device *dev  = m->devices[test_random(&seed) % m->device_count];
        struct blob    blob = {0};
        struct error   err;
        device_save(dev, &blob);
        for (unsigned n = 0; n < 4; n++) {
            blob.data[test_random(&seed) % blob.size] ^= (u8)(1u << test_random(&seed) % 8);
        }
        if (test_random(&seed) % 4 == 0) {
            blob.size = test_random(&seed) % blob.size;
        }
        device_load(dev, &blob, &err);
        blob_free(&blob);
        for (unsigned i = 0; i < 50; i++) {
            one_access(m, &seed);
        }
        let_time_pass(m, test_random(&seed) % 20000000);
        m->requests = 0;
    }
    unmake(m, &images);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_accesses_do_no_harm),
        cmocka_unit_test(states_are_saved_and_reset),
        cmocka_unit_test(damaged_states_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
