/*
 * bench.c: see bench.h.
 */
#include "tests/fuzz/bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cpu/op/op.h"
#include "devices/display/vga.h"
#include "frontend/machine/firmware.h"

u64 odd_value(struct fuzz *f)
{
    switch (below(f, 8)) {
    case 0:
        return 0;
    case 1:
        return ~(u64)0;
    case 2:
        return BIT(below(f, 64));
    case 3:
        return BIT(below(f, 64)) - 1;
    case 4:
        return below(f, 256);
    case 5:
        return ~BIT(below(f, 64));
    default:
        return any64(f);
    }
}

paddr some_address(struct fuzz *f)
{
    u64 ram = f->m->ram.size;
    switch (below(f, 12)) {
    case 0:
        return ram - 1 - below(f, 4096);
    case 1:
        return 0xa0000 - 1 - below(f, 64);
    case 2:
        return 0xfffff000 + below(f, 0x2000);
    case 3:
        return 0xa0000 + below(f, 0x60000);
    case 4:
        return odd_value(f);
    default:
        return 0x1000 + below(f, 0x8f000) / 16 * 16 + (one_in(f, 8) ? below(f, 16) : 0);
    }
}

u32 pci_read(struct fuzz *f, unsigned devfn, unsigned reg)
{
    out(f, 0xcf8, 0x80000000u | devfn << 8 | (reg & 0xfc), 4);
    return in(f, 0xcfc, 4);
}

void pci_write(struct fuzz *f, unsigned devfn, unsigned reg, u64 value, unsigned size)
{
    out(f, 0xcf8, 0x80000000u | devfn << 8 | (reg & 0xfc), 4);
    out(f, 0xcfc + (reg & 3), value, size);
}

void pass_time(struct fuzz *f, i64 ns)
{
    clock_advance(f->m->clock, ns);
    loop_dispatch(f->m->loop, false, 0);
}

/* ---- machines */

static bool make_file(const char *path, off_t size)
{
    int  fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    bool ok = fd >= 0 && ftruncate(fd, size) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return ok;
}

static const struct {
    const char *name;
    off_t       size;
} files[] = {
    {"disk", 8 << 20}, {"large", (off_t)200 << 30}, {"cd", 3 << 20}, {"a", 1440 << 10}, {"b", 2880 << 10},
    {FIRMWARE_BIOS, 256 << 10}, {FIRMWARE_VGA_BIOS, 32 << 10},
};

static void file_path(const struct fuzz *f, const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", f->folder, name);
}

static bool make_files(struct fuzz *f)
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; /* where a flush costs nothing */
    snprintf(f->folder, sizeof f->folder, "%s/ringside-fuzz.XXXXXX", base);
    if (!mkdtemp(f->folder)) {
        return false;
    }
    bool ok = true;
    for (unsigned i = 0; i < ARRAY_LEN(files); i++) {
        char path[128];
        file_path(f, files[i].name, path, sizeof path);
        ok &= make_file(path, files[i].size);
    }
    return ok;
}

static void remove_files(struct fuzz *f)
{
    for (unsigned i = 0; i < ARRAY_LEN(files); i++) {
        char path[128];
        file_path(f, files[i].name, path, sizeof path);
        unlink(path);
    }
    rmdir(f->folder);
}

static void base_config(struct machine_config *c)
{
    *c = (struct machine_config){.ram_bytes = 16 << 20,
                                 .cpu = "qemu64",
                                 .vga = true,
                                 .graphic = true,
                                 .floppy_drive = true,
                                 .boot_order = "cad",
                                 .has_serial = {true, true, true, true},
                                 .has_parallel = true,
                                 .debug_exit = true,
                                 .debug_exit_port = 0x501,
                                 .debug_exit_size = 4,
                                 .test_device = true,
                                 .debug_ports = {{0xe9, NULL}, {0x402, NULL}},
                                 .debug_port_count = 2,
                                 .epoch = 1700000000};
}

static void vary_config(struct fuzz *f, struct machine_config *c)
{
    static const char *const models[] = {"qemu64", "max", "486", "pentium", "pentium3", "qemu32", "x86-64-v2", "386", "athlon", "core2duo", "Nehalem"};
    static const u64         ram[]    = {16 << 20, 2 << 20, 1 << 20, 64 << 20};
    c->cpu                            = PICK(f, models);
    c->ram_bytes                      = one_in(f, 16) ? (u64)5 << 30 : PICK(f, ram);
    c->vga                            = !one_in(f, 8);
    c->test_device                    = !one_in(f, 4);
    c->rtc_slew                       = one_in(f, 2);
    c->has_serial[2]                  = one_in(f, 2);
}

bool bench_create(struct fuzz *f, u64 seed, bool plain, i64 now)
{
    struct machine_config      c;
    struct error               err;
    const struct block_options raw = {.format = "raw"}, snapshot = {.format = "raw", .snapshot = true},
                               read_only = {.format = "raw", .read_only = true};
    char disk[128], large[128], cd[128], a[128], b[128];
    int  pair[2];

    *f = (struct fuzz){.seed = seed, .host_end = -1};
    if (!make_files(f) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0) {
        perror("scratch files");
        return false;
    }
    f->m = machine_create();
    clock_set_counted(f->m->clock, true);
    clock_start(f->m->clock);
    clock_advance(f->m->clock, now);
    base_config(&c);
    c.firmware_dirs[0] = f->folder;
    f->host_end        = pair[1];
    f->com1            = chardev_fds(f->m->loop, pair[0], pair[0], true);
    c.serial[0]        = f->com1;

    file_path(f, "disk", disk, sizeof disk);
    file_path(f, "large", large, sizeof large);
    file_path(f, "cd", cd, sizeof cd);
    file_path(f, "a", a, sizeof a);
    file_path(f, "b", b, sizeof b);
    const struct drive_config drives[] = {
        {.interface = DRIVE_IDE, .unit = 0, .path = disk, .options = raw},
        {.interface = DRIVE_IDE, .unit = 1, .path = large, .options = snapshot},
        {.interface = DRIVE_IDE, .unit = 2, .path = cd, .cdrom = true, .options = read_only},
        {.interface = DRIVE_IDE, .unit = 3, .cdrom = true},
        {.interface = DRIVE_FLOPPY, .unit = 0, .path = a, .options = raw},
        {.interface = DRIVE_FLOPPY, .unit = 1, .path = b, .options = read_only},
    };
    for (unsigned i = 0; i < ARRAY_LEN(drives); i++) {
        if (plain || !one_in(f, 8)) {
            c.drives[c.drive_count++] = drives[i];
        }
    }
    if (!plain) {
        vary_config(f, &c);
    }
    if (!pc_build(f->m, &c, &err)) {
        fprintf(stderr, "cannot build a PC: %s\n", err.text);
        return false;
    }
    bench_configure(f);
    return true;
}

void bench_destroy(struct fuzz *f)
{
    machine_dismantle(f->m);
    chardev_destroy(f->com1);
    machine_destroy(f->m);
    close(f->host_end);
    remove_files(f);
}

void bench_configure(struct fuzz *f)
{
    pci_write(f, DEVFN_IDE, 0x20, IDE_BASE | 1, 4);
    pci_write(f, DEVFN_IDE, 0x04, 5, 2);
    pci_write(f, DEVFN_IDE, 0x40, 0x80008000, 4); /* IDETIM: both channels decode */
    pci_write(f, DEVFN_PM, 0x40, PM_BASE | 1, 4);
    pci_write(f, DEVFN_PM, 0x80, 1, 1);
    pci_write(f, DEVFN_PM, 0x90, SMB_BASE | 1, 4);
    pci_write(f, DEVFN_PM, 0xd2, 9, 1);
    pci_write(f, DEVFN_PM, 0x04, 1, 2);
    pci_write(f, DEVFN_VGA, 0x10, VGA_FB, 4);
    pci_write(f, DEVFN_VGA, 0x18, VGA_MMIO, 4);
    pci_write(f, DEVFN_VGA, 0x04, 3, 2);
    for (unsigned reg = 0x59; reg <= 0x5f; reg++) {
        pci_write(f, DEVFN_HOST, reg, 0x33, 1);
    }
}

void bench_requests(struct fuzz *f)
{
    struct machine *m   = f->m;
    bool            due = m->requests & REQUEST_RESET && one_in(f, 4);
    m->requests         = 0;
    if (due) {
        for (unsigned i = 0; i < m->device_count; i++) {
            device_reset(m->devices[i]);
        }
        cpu_reset(m->cpu, false);
        pc_reset(m);
        bench_configure(f);
    }
}
