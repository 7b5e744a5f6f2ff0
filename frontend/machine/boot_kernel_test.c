/*
 * boot_kernel_test.c: synthetic kernels of every kind, and what the boot ROMs find in fw_cfg for
 * them.
 */
#include "frontend/machine/boot_kernel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"

enum { MIB = 1 << 20 };

struct setting {
    struct space *ports, *memory;
    struct fw_cfg *fw;
    struct error err;
    char kernel[64], initrd[64];
};

static void make_path(char *path)
{
    int fd;

    strcpy(path, "/tmp/ringside-boot-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
}

static int set_up(void **state)
{
    struct setting *t = mem_zeroed(1, sizeof *t);

    t->ports = space_create("ports", 16);
    t->memory = space_create("memory", 36);
    t->fw = fw_cfg_create(t->ports, t->memory);
    make_path(t->kernel);
    make_path(t->initrd);
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *t = *state;

    device_destroy(fw_cfg_device(t->fw));
    space_destroy(t->ports);
    space_destroy(t->memory);
    unlink(t->kernel);
    unlink(t->initrd);
    free(t);
    return 0;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static bool load(struct setting *t, const char *initrd, const char *append, u64 ram)
{
    struct boot_kernel args = {.kernel = t->kernel, .initrd = initrd, .append = append};

    t->err.text[0] = 0;
    return boot_kernel_load(&args, t->fw, ram, &t->err);
}

static void assert_refused(struct setting *t, const char *initrd, u64 ram, const char *why)
{
    assert_false(load(t, initrd, "", ram));
    if (!strstr(t->err.text, why)) {
        fail_msg("'%s' does not say '%s'", t->err.text, why);
    }
    assert_null(strchr(t->err.text, '\n'));
}

static u32 number(struct setting *t, u16 key)
{
    size_t size;
    u8 *bytes = fw_cfg_item(t->fw, key, &size);

    return bytes && size == 4 ? load32(bytes) : 0;
}

static const u8 *data(struct setting *t, u16 key, size_t size)
{
    size_t real;
    u8 *bytes = fw_cfg_item(t->fw, key, &real);

    assert_non_null(bytes);
    assert_int_equal(real, size);
    return bytes;
}

/* ---- Linux ---- */

/* A kernel of 4 setup sectors and `system` bytes. */
static u8 *linux_kernel(u16 version, u8 loadflags, u32 system)
{
    u8 *k = mem_zeroed(1, 5 * 512 + system);

    k[0x1f1] = 4;
    store32(k + 0x1f4, (system + 15) / 16);
    store16(k + 0x1fe, 0xaa55);
    if (version) {
        memcpy(k + 0x202, "HdrS", 4);
        store16(k + 0x206, version);
        k[0x211] = loadflags;
        store32(k + 0x22c, 0x7fffffff);
        store32(k + 0x238, 2047);
        store64(k + 0x258, 0x1000000);
        store32(k + 0x260, 0x800000);
    }
    memset(k + 5 * 512, 0xcc, system);
    return k;
}

static void put_linux(struct setting *t, u16 version, u8 loadflags, u32 system)
{
    u8 *k = linux_kernel(version, loadflags, system);

    write_file(t->kernel, k, 5 * 512 + system);
    free(k);
}

static void modern_linux(void **state)
{
    struct setting *t = *state;
    const u8 *setup;

    put_linux(t, 0x20f, 1, 100000);
    write_file(t->initrd, "ramdisk!", 8);
    assert_true(load(t, t->initrd, "root=/dev/sda vga=0x317", 256 * (u64)MIB));
    assert_int_equal(number(t, FW_CFG_SETUP_ADDR), 0x10000);
    assert_int_equal(number(t, FW_CFG_CMDLINE_ADDR), 0x20000);
    assert_int_equal(number(t, FW_CFG_KERNEL_ADDR), 0x100000);
    assert_int_equal(number(t, FW_CFG_KERNEL_SIZE), 100000);
    assert_int_equal(number(t, FW_CFG_INITRD_ADDR), 256 * MIB - 4096);
    assert_string_equal((const char *)data(t, FW_CFG_CMDLINE_DATA, 0x50), "root=/dev/sda vga=0x317");
    assert_memory_equal(data(t, FW_CFG_INITRD_DATA, 8), "ramdisk!", 8);
    assert_int_equal(data(t, FW_CFG_KERNEL_DATA, 100000)[99999], 0xcc);
    setup = data(t, FW_CFG_SETUP_DATA, 5 * 512);
    assert_int_equal(setup[0x210], 0xff);
    assert_int_equal(setup[0x211], 0x81);
    assert_int_equal(load16(setup + 0x1fa), 0x317);
    assert_int_equal(load32(setup + 0x218), 256 * MIB - 4096);
    assert_int_equal(load32(setup + 0x21c), 8);
    assert_int_equal(load16(setup + 0x224), 0xfe00);
    assert_int_equal(load32(setup + 0x228), 0x20000);
    assert_int_equal(load64(setup + 0x250), 0x20020); /* a seed */
    assert_int_equal(load32(data(t, FW_CFG_CMDLINE_DATA, 0x50) + 0x28), 9);
    assert_non_null(fw_cfg_file(t->fw, "genroms/kernelboot.bin", NULL));
}

static void initrd_limits(void **state)
{
    struct setting *t = *state;
    u8 *k = linux_kernel(0x203, 1, 1000);

    store32(k + 0x22c, 0x3ffffff);
    write_file(t->kernel, k, 5 * 512 + 1000);
    free(k);
    write_file(t->initrd, "ramdisk!", 8);
    assert_true(load(t, t->initrd, NULL, 256 * (u64)MIB));
    assert_int_equal(number(t, FW_CFG_INITRD_ADDR), 0x3fff000);
    put_linux(t, 0x202, 1, 1000);
    assert_true(load(t, t->initrd, NULL, 3ull << 30));
    assert_int_equal(number(t, FW_CFG_INITRD_ADDR), 0x37fff000);
    put_linux(t, 0x20f, 1, 1000);
    assert_true(load(t, t->initrd, NULL, 8ull << 30));
    assert_int_equal(number(t, FW_CFG_INITRD_ADDR), 0x7ffff000);
    put_linux(t, 0x20f, 1, MIB);
    assert_refused(t, t->initrd, 2 * MIB, "do not fit beside");
}

static void old_linux(void **state)
{
    struct setting *t = *state;
    const u8 *setup;

    put_linux(t, 0x201, 1, 20000); /* bzImage, command line the old way */
    assert_true(load(t, NULL, "hello", 16 * MIB));
    assert_int_equal(number(t, FW_CFG_SETUP_ADDR), 0x90000);
    assert_int_equal(number(t, FW_CFG_KERNEL_ADDR), 0x100000);
    setup = data(t, FW_CFG_SETUP_DATA, 5 * 512);
    assert_int_equal(load16(setup + 0x20), 0xa33f);
    assert_int_equal(0x90000 + load16(setup + 0x22), number(t, FW_CFG_CMDLINE_ADDR));
    assert_int_equal(load16(setup + 0x224), load16(setup + 0x22) - 0x200);
    put_linux(t, 0x200, 0, 20000); /* zImage */
    assert_true(load(t, NULL, NULL, 16 * MIB));
    assert_int_equal(number(t, FW_CFG_KERNEL_ADDR), 0x10000);
    put_linux(t, 0, 0, 20000); /* before HdrS */
    write_file(t->initrd, "ramdisk!", 8);
    assert_true(load(t, NULL, "vga=ask", 16 * MIB));
    setup = data(t, FW_CFG_SETUP_DATA, 5 * 512);
    assert_int_equal(load16(setup + 0x1fa), 0xfffd);
    assert_int_equal(setup[0x210], 0);
    assert_refused(t, t->initrd, 16 * MIB, "too old");
    put_linux(t, 0x200, 0, 0x81000);
    assert_refused(t, NULL, 16 * MIB, "below 640 KiB");
}

static void damaged_linux(void **state)
{
    struct setting *t = *state;
    u8 *k = linux_kernel(0x20f, 1, 100000);
    char line[3000];

    write_file(t->kernel, k, 2560);
    assert_refused(t, NULL, 64 * MIB, "truncated");
    write_file(t->kernel, k, 50000);
    assert_refused(t, NULL, 64 * MIB, "truncated");
    write_file(t->kernel, k, 2560 + 100000);
    assert_refused(t, "/nonexistent/initrd", 64 * MIB, "No such file");
    write_file(t->initrd, "", 0);
    assert_refused(t, t->initrd, 64 * MIB, "empty");
    assert_refused(t, "/tmp", 64 * MIB, "not a regular file");
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = 0;
    assert_false(load(t, NULL, line, 64 * MIB));
    assert_non_null(strstr(t->err.text, "at most 2047"));
    k[0x1f1] = 200;
    write_file(t->kernel, k, 2560 + 100000);
    assert_refused(t, NULL, 64 * MIB, "setup");
    assert_refused(t, NULL, 0x10000, "do not fit");
    free(k);
}

static void not_a_kernel(void **state)
{
    struct setting *t = *state;
    u8 sector[1024] = {0};

    store16(sector + 510, 0xaa55);
    write_file(t->kernel, sector, sizeof sector);
    assert_refused(t, NULL, 64 * MIB, "neither");
    assert_false(boot_kernel_recognise(t->kernel));
    write_file(t->kernel, "x", 1);
    assert_refused(t, NULL, 64 * MIB, "neither");
    unlink(t->kernel);
    assert_refused(t, NULL, 64 * MIB, "No such file");
}

/* ---- ELF, Multiboot, PVH ---- */

/* An ELF32 file: header, two program headers, then 4 KiB at file offset 4096 for address 1 MiB. */
static void make_elf(u8 elf[8192], bool note)
{
    u8 *p = elf + 52;

    memset(elf, 0, 8192);
    memcpy(elf, "\177ELF\1\1\1", 7);
    store16(elf + 16, 2);
    store16(elf + 18, 3);
    store32(elf + 24, 0xc0100010); /* entry, by virtual address */
    store32(elf + 28, 52);
    store16(elf + 42, 32);
    store16(elf + 44, note ? 2 : 1);
    store32(p, 1);
    store32(p + 4, 4096);
    store32(p + 8, 0xc0100000);
    store32(p + 12, 0x100000);
    store32(p + 16, 4096);
    store32(p + 20, 10000);
    memset(elf + 4096, 0xcc, 4096);
    p += 32;
    store32(p, 4);
    store32(p + 4, 512);
    store32(p + 16, 20);
    store32(elf + 512, 4);
    store32(elf + 516, 4);
    store32(elf + 520, 18);
    memcpy(elf + 524, "Xen", 4);
    store32(elf + 528, 0x100abc);
}

static void add_multiboot(u8 *at, u32 flags)
{
    store32(at, 0x1badb002);
    store32(at + 4, flags);
    store32(at + 8, 0u - 0x1badb002 - flags);
}

static void multiboot_elf(void **state)
{
    struct setting *t = *state;
    u8 elf[8192];
    char modules[300];
    const u8 *info, *image;
    size_t size;

    make_elf(elf, false);
    add_multiboot(elf + 4096 + 8, 3);
    write_file(t->kernel, elf, sizeof elf);
    write_file(t->initrd, "module", 6);
    snprintf(modules, sizeof modules, "%s one,,two,%s", t->initrd, t->initrd);
    assert_true(boot_kernel_recognise(t->kernel));
    assert_true(load(t, modules, "arg", 64 * MIB));
    assert_int_equal(number(t, FW_CFG_KERNEL_ADDR), 0x100000);
    assert_int_equal(number(t, FW_CFG_KERNEL_ENTRY), 0x100010);
    image = data(t, FW_CFG_KERNEL_DATA, 0x4006);
    assert_int_equal(image[4095], 0xcc);
    assert_int_equal(image[4096], 0);
    assert_memory_equal(image + 0x3000, "module", 6);
    assert_memory_equal(image + 0x4000, "module", 6);
    info = fw_cfg_item(t->fw, FW_CFG_INITRD_DATA, &size);
    assert_int_equal(number(t, FW_CFG_INITRD_ADDR), 0x8000);
    assert_int_equal(load32(info), 0x20c);
    assert_int_equal(load32(info + 20), 2);
    info += load32(info + 24) - 0x8000;
    assert_int_equal(load32(info), 0x103000);
    assert_int_equal(load32(info + 4), 0x103006);
    info = fw_cfg_item(t->fw, FW_CFG_INITRD_DATA, &size);
    snprintf(modules, sizeof modules, "%s one,two", t->initrd);
    assert_string_equal((const char *)info + load32(info + 120 + 8) - 0x8000, modules);
    snprintf(modules, sizeof modules, "%s arg", t->kernel);
    assert_string_equal((const char *)info + load32(info + 16) - 0x8000, modules);
}

static size_t pack(u8 *to, size_t room, const u8 *from, size_t size)
{
    z_stream z = {.next_in = (u8 *)from, .avail_in = (uInt)size, .next_out = to, .avail_out = (uInt)room};

    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return room - z.avail_out;
}

static void packed_by_gzip(void **state)
{
    struct setting *t = *state;
    u8 elf[8192], packed[32768], *zeros = mem_zeroed(1, 20 * MIB);
    size_t size;

    make_elf(elf, false);
    add_multiboot(elf + 4096 + 8, 3);
    size = pack(packed, sizeof packed, elf, sizeof elf);
    write_file(t->kernel, packed, size);
    assert_true(boot_kernel_recognise(t->kernel));
    assert_true(load(t, NULL, "arg", 64 * MIB));
    assert_int_equal(data(t, FW_CFG_KERNEL_DATA, 10000)[4095], 0xcc);
    write_file(t->kernel, packed, size - 20);
    assert_refused(t, NULL, 64 * MIB, "damaged");
    assert_false(boot_kernel_recognise(t->kernel));
    write_file(t->kernel, packed, pack(packed, sizeof packed, zeros, 20 * MIB));
    assert_refused(t, NULL, 64 * MIB, "neither");
    assert_refused(t, NULL, 16 * MIB, "does not fit into memory when unpacked");
    free(zeros);
}

static void multiboot_flat(void **state)
{
    struct setting *t = *state;
    u8 file[4096] = {0};

    add_multiboot(file + 64, 0x10003);
    store32(file + 64 + 12, 0x200040);
    store32(file + 64 + 16, 0x200000);
    store32(file + 64 + 20, 0);
    store32(file + 64 + 24, 0x202000);
    store32(file + 64 + 28, 0x200100);
    write_file(t->kernel, file, sizeof file);
    assert_true(load(t, NULL, NULL, 64 * MIB));
    assert_int_equal(number(t, FW_CFG_KERNEL_ADDR), 0x200000);
    assert_int_equal(number(t, FW_CFG_KERNEL_SIZE), 0x2000);
    assert_int_equal(number(t, FW_CFG_KERNEL_ENTRY), 0x200100);
    store32(file + 64 + 20, 0x210000);
    write_file(t->kernel, file, sizeof file);
    assert_refused(t, NULL, 64 * MIB, "truncated");
    store32(file + 64 + 12, 0x300000);
    write_file(t->kernel, file, sizeof file);
    assert_refused(t, NULL, 64 * MIB, "absurd");
    add_multiboot(file + 64, 0x10013);
    write_file(t->kernel, file, sizeof file);
    assert_refused(t, NULL, 64 * MIB, "features");
}

static void pvh(void **state)
{
    struct setting *t = *state;
    u8 elf[8192];
    const u8 *info;
    size_t size;

    make_elf(elf, true);
    write_file(t->kernel, elf, sizeof elf);
    write_file(t->initrd, "ramdisk!", 8);
    assert_true(boot_kernel_recognise(t->kernel));
    assert_true(load(t, t->initrd, "quiet", 64 * MIB));
    assert_int_equal(number(t, FW_CFG_KERNEL_ENTRY), 0x100abc);
    assert_int_equal(number(t, FW_CFG_KERNEL_SIZE), 10000);
    assert_int_equal(number(t, FW_CFG_INITRD_ADDR), 64 * MIB - 4096);
    info = fw_cfg_item(t->fw, FW_CFG_SETUP_DATA, &size);
    assert_int_equal(load32(info), 0x336ec578);
    assert_int_equal(load32(info + 12), 1);
    assert_int_equal(load64(info + 56 + 8), 8);
    assert_string_equal((const char *)info + load64(info + 24) - 0x8000, "quiet");
    make_elf(elf, false);
    write_file(t->kernel, elf, sizeof elf);
    assert_refused(t, NULL, 64 * MIB, "neither");
    make_elf(elf, true);
    store32(elf + 52 + 12, 0x10000000);
    write_file(t->kernel, elf, sizeof elf);
    assert_refused(t, NULL, 64 * MIB, "does not fit");
}

/* Any damage is refused with a line or taken, but never more than that. */
static void random_damage(void **state)
{
    struct setting *t = *state;
    u8 elf[8192];

    srand(7);
    write_file(t->initrd, "ramdisk!", 8);
    for (int round = 0; round < 3000; round++) {
        size_t size = (size_t)rand() % 8192 + 1;

        make_elf(elf, round & 1);
        if (round & 2) {
            add_multiboot(elf + 4096, round & 4 ? 0x10003 : 3);
        }
        if (round & 8) {
            memcpy(elf + 0x202, "HdrS", 4);
            store16(elf + 0x1fe, 0xaa55);
            store16(elf + 0x206, 0x20f);
        }
        for (int i = 0; i < 6; i++) {
            static const u16 places[] = {24, 28, 42, 44, 52, 512, 0x1f0, 0x200, 0x230, 0x258, 4096};

            elf[places[rand() % (int)ARRAY_LEN(places)] + rand() % 32] = (u8)rand();
        }
        write_file(t->kernel, elf, round & 16 ? size : 8192);
        if (!load(t, round & 32 ? t->initrd : NULL, "x", 32 * MIB)) {
            assert_true(t->err.text[0]);
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(modern_linux),   TEST(initrd_limits), TEST(old_linux),
        TEST(damaged_linux),  TEST(not_a_kernel),  TEST(multiboot_elf),
        TEST(multiboot_flat), TEST(pvh),           TEST(random_damage),
        TEST(packed_by_gzip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
