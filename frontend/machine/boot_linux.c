/*
 * boot_linux.c: Linux kernels, by the 16-bit entry of the x86 boot protocol.
 *
 * Document: Linux, Documentation/arch/x86/boot.rst: protocol versions 2.00 to 2.15, and zImages
 * from before the header had a version. Not modelled: the 64-bit and EFI hand-over entries, which a
 * BIOS boot does not use.
 */
#include "frontend/machine/boot_image.h"

#include <stdlib.h>

#include "roms/boot/linuxboot.h"

/* Fields of the setup header, by their offset in the file. */
enum {
    SETUP_SECTS = 0x1f1,
    SYSSIZE = 0x1f4, /* in paragraphs; 32 bits from 2.04 on */
    VID_MODE = 0x1fa,
    BOOT_FLAG = 0x1fe,
    HEADER = 0x202, /* "HdrS" */
    VERSION = 0x206,
    TYPE_OF_LOADER = 0x210,
    LOADFLAGS = 0x211,
    RAMDISK_IMAGE = 0x218,
    RAMDISK_SIZE = 0x21c,
    HEAP_END_PTR = 0x224,
    CMD_LINE_PTR = 0x228,
    INITRD_ADDR_MAX = 0x22c,
    CMDLINE_SIZE = 0x238,
    SETUP_DATA = 0x250, /* the first of a list; from 2.09 on */
    PREF_ADDRESS = 0x258,
    INIT_SIZE = 0x260,
    HEADER_END = 0x264,

    /* Of kernels before 2.02, in the real-mode segment. */
    OLD_CL_MAGIC = 0x20,
    OLD_CL_OFFSET = 0x22,
    CL_MAGIC = 0xa33f,

    /* struct setup_data: next (8 bytes), type, length, data. */
    SETUP_DATA_TYPE = 8,
    SETUP_DATA_LENGTH = 12,
    SETUP_DATA_HEADER = 16,
    SETUP_RNG_SEED = 9, /* what a kernel starts its random numbers with; older ones pass over it */
    RNG_SEED_BYTES = 32,
    SEED_ROOM = 16 + SETUP_DATA_HEADER + RNG_SEED_BYTES,

    LOADED_HIGH = 1 << 0,
    CAN_USE_HEAP = 1 << 7,

    LOADER_UNKNOWN = 0xff, /* a boot loader without a number of its own */

    SECTOR = 512,
    DEFAULT_SECTS = 4,
    OLD_CMDLINE_MAX = 255,
    HEAP_MIN = 0x1000,

    REAL_HIGH = 0x10000, /* setup of kernels that may lie anywhere */
    CMDLINE_HIGH = 0x20000,
    REAL_OLD = 0x90000,    /* setup of kernels that must lie here */
    CMDLINE_END = 0x9a000, /* below what BIOSes keep at the end of low memory */
    SYSTEM_LOW = 0x10000,  /* zImage */
    SYSTEM_HIGH = 0x100000,

    ZIMAGE_MAX = REAL_OLD - SYSTEM_LOW,
    OLD_INITRD_MAX = 0x37ffffff, /* before 2.03 */
};

struct linux_image {
    u8 *setup; /* in the file */
    u64 setup_size, system_size;
    u16 version; /* 0: before the header had one */
    bool high;
    u64 real_addr, system_addr, cmdline_addr;
    u64 runtime_end; /* what the kernel overwrites before it looks at the ramdisk */
};

static u64 setup_bytes(const struct image *kernel)
{
    unsigned sectors = kernel->bytes[SETUP_SECTS];

    return (u64)(sectors ? sectors + 1 : DEFAULT_SECTS + 1) * SECTOR;
}

static bool has_header(const struct image *kernel)
{
    return kernel->size >= HEADER_END && !memcmp(kernel->bytes + HEADER, "HdrS", 4);
}

/* Before "HdrS": only the boot flag, and a size that fits the file, tell a zImage from a boot
 * sector. */
static bool is_old_zimage(const struct image *kernel)
{
    u64 setup = setup_bytes(kernel), system = (u64)load16(kernel->bytes + SYSSIZE) * 16;

    return kernel->size > setup && system > 0 && system <= ZIMAGE_MAX &&
           kernel->size - setup + 15 >= system && kernel->size - setup < system + SECTOR;
}

bool linux_recognise(const struct image *kernel)
{
    if (kernel->size < HEADER_END || load16(kernel->bytes + BOOT_FLAG) != 0xaa55) {
        return false;
    }
    return has_header(kernel) || is_old_zimage(kernel);
}

/* ---- reading the header ---- */

static bool parse(struct boot_job *job, struct linux_image *l)
{
    const struct image *k = &job->kernel;

    l->setup = k->bytes;
    l->setup_size = setup_bytes(k);
    l->version = has_header(k) ? load16(k->bytes + VERSION) : 0;
    if (k->size <= l->setup_size) {
        return error_set(job->err,
                         "kernel '%s': the file is truncated (its setup alone has %llu bytes)",
                         k->path, (unsigned long long)l->setup_size);
    }
    l->system_size = k->size - l->setup_size;
    l->high = l->version >= 0x200 && (k->bytes[LOADFLAGS] & LOADED_HIGH);
    if (l->version >= 0x204 && l->system_size + 15 < (u64)load32(k->bytes + SYSSIZE) * 16) {
        return error_set(
            job->err, "kernel '%s': the file is truncated (%llu of %llu bytes)", k->path,
            (unsigned long long)k->size,
            (unsigned long long)(l->setup_size + (u64)load32(k->bytes + SYSSIZE) * 16));
    }
    if (!l->high && l->system_size > ZIMAGE_MAX) {
        return error_set(
            job->err, "kernel '%s': too large to be loaded below 640 KiB, as it asks for", k->path);
    }
    return true;
}

/* ---- placing the parts ---- */

static u64 cmdline_limit(const struct linux_image *l)
{
    u32 limit = l->version >= 0x206 ? load32(l->setup + CMDLINE_SIZE) : OLD_CMDLINE_MAX;

    return limit < OLD_CMDLINE_MAX ? OLD_CMDLINE_MAX : limit;
}

static bool place(struct boot_job *job, struct linux_image *l, u64 cmdline_size)
{
    bool anywhere = l->high && l->version >= 0x202;

    l->real_addr = anywhere ? REAL_HIGH : REAL_OLD;
    l->cmdline_addr = anywhere ? CMDLINE_HIGH : align_down(CMDLINE_END - cmdline_size, 16);
    l->system_addr = l->high ? SYSTEM_HIGH : SYSTEM_LOW;
    if (l->setup_size + HEAP_MIN > l->cmdline_addr - l->real_addr) {
        return error_set(job->err, "kernel '%s': its setup of %llu bytes is too large",
                         job->kernel.path, (unsigned long long)l->setup_size);
    }
    l->runtime_end = l->system_addr + l->system_size;
    if (l->runtime_end > job->ram_below_4g) {
        return error_set(job->err, "kernel '%s': does not fit into %llu MiB of memory",
                         job->kernel.path, (unsigned long long)(job->ram_below_4g >> 20));
    }
    if (l->version >= 0x20a) {
        u64 end = load64(l->setup + PREF_ADDRESS) + load32(l->setup + INIT_SIZE);

        /* A kernel that cannot have its preferred place goes elsewhere: only believe what fits. */
        if (end > l->runtime_end && end < job->ram_below_4g) {
            l->runtime_end = end;
        }
    }
    return true;
}

/* ---- filling in what a boot loader fills in ---- */

/* The value of the last `vga=` word of the command line, as boot loaders read it. */
static bool video_mode(const char *cmdline, u16 *mode)
{
    bool found = false;

    for (const char *at = cmdline; (at = strstr(at, "vga=")); at += 4) {
        const char *value = at + 4;
        char *end;

        if (at != cmdline && at[-1] != ' ') {
            continue;
        }
        if (!strncmp(value, "normal", 6)) {
            *mode = 0xffff;
        } else if (!strncmp(value, "ext", 3)) {
            *mode = 0xfffe;
        } else if (!strncmp(value, "ask", 3)) {
            *mode = 0xfffd;
        } else {
            *mode = (u16)strtoul(value, &end, 0);
            if (end == value) {
                continue;
            }
        }
        found = true;
    }
    return found;
}

static void fill_header(const struct linux_image *l, const char *cmdline)
{
    u8 *setup = l->setup;
    u16 mode;

    if (video_mode(cmdline, &mode)) {
        store16(setup + VID_MODE, mode);
    }
    if (l->version >= 0x200) {
        setup[TYPE_OF_LOADER] = LOADER_UNKNOWN;
    }
    if (l->version >= 0x201) {
        u64 heap_end = l->cmdline_addr - l->real_addr - 0x200;

        setup[LOADFLAGS] |= CAN_USE_HEAP;
        store16(setup + HEAP_END_PTR, (u16)heap_end);
    }
    if (l->version >= 0x202) {
        store32(setup + CMD_LINE_PTR, (u32)l->cmdline_addr);
    } else {
        store16(setup + OLD_CL_MAGIC, CL_MAGIC);
        store16(setup + OLD_CL_OFFSET, (u16)(l->cmdline_addr - l->real_addr));
    }
}

static bool load_initrd(struct boot_job *job, const struct linux_image *l)
{
    u64 max = l->version >= 0x203 ? load32(l->setup + INITRD_ADDR_MAX) : OLD_INITRD_MAX;
    u64 end = max + 1 < job->ram_below_4g ? max + 1 : job->ram_below_4g;
    struct image initrd;
    u64 at;

    if (!image_read(&initrd, job->args->initrd, "initrd", job->ram_below_4g, job->err)) {
        return false;
    }
    at = boot_place_high(initrd.size, end, l->runtime_end);
    if (!at || at < SYSTEM_HIGH) {
        error_set(job->err,
                  "initrd '%s': %llu bytes do not fit beside the kernel into %llu MiB of memory",
                  initrd.path, (unsigned long long)initrd.size,
                  (unsigned long long)(job->ram_below_4g >> 20));
        image_free(&initrd);
        return false;
    }
    store32(l->setup + RAMDISK_IMAGE, (u32)at);
    store32(l->setup + RAMDISK_SIZE, (u32)initrd.size);
    boot_add_blob(job->fw, FW_CFG_INITRD_ADDR, FW_CFG_INITRD_SIZE, FW_CFG_INITRD_DATA, at,
                  initrd.bytes, initrd.size);
    return true;
}

static u8 *copy_bytes(const void *bytes, size_t size)
{
    u8 *copy = malloc(size);

    if (copy) {
        memcpy(copy, bytes, size);
    }
    return copy;
}

/* The command line and, behind it, the seed: without one, and without RDRAND, programs that want
 * random numbers wait a second for the kernel to find some. `size`: of both. NULL: no memory. */
static u8 *cmdline_and_seed(const struct linux_image *l, const char *cmdline, const u8 *seed, size_t *size)
{
    size_t length = strlen(cmdline) + 1, at = align_up(length, 16);
    bool with_seed = l->version >= 0x209;
    u8 *bytes = calloc(1, length + SEED_ROOM);

    *size = length;
    if (bytes) {
        memcpy(bytes, cmdline, length);
    }
    if (bytes && with_seed) {
        memcpy(bytes + at + SETUP_DATA_HEADER, seed, RNG_SEED_BYTES);
        store64(bytes + at, load64(l->setup + SETUP_DATA));
        store32(bytes + at + SETUP_DATA_TYPE, SETUP_RNG_SEED);
        store32(bytes + at + SETUP_DATA_LENGTH, RNG_SEED_BYTES);
        store64(l->setup + SETUP_DATA, l->cmdline_addr + at);
        *size = at + SETUP_DATA_HEADER + RNG_SEED_BYTES;
    }
    return bytes;
}

static bool add_parts(struct boot_job *job, const struct linux_image *l, const char *cmdline)
{
    struct image *k = &job->kernel;
    size_t line_size;
    u8 *line = cmdline_and_seed(l, cmdline, job->args->seed, &line_size);
    u8 *setup = copy_bytes(k->bytes, l->setup_size);

    if (!setup || !line) {
        free(setup);
        free(line);
        return error_set(job->err, "kernel '%s': the host has no memory for it", k->path);
    }
    memmove(k->bytes, k->bytes + l->setup_size, l->system_size);
    boot_add_blob(job->fw, FW_CFG_SETUP_ADDR, FW_CFG_SETUP_SIZE, FW_CFG_SETUP_DATA, l->real_addr,
                  setup, l->setup_size);
    boot_add_blob(job->fw, FW_CFG_CMDLINE_ADDR, FW_CFG_CMDLINE_SIZE, FW_CFG_CMDLINE_DATA,
                  l->cmdline_addr, line, line_size);
    boot_add_blob(job->fw, FW_CFG_KERNEL_ADDR, FW_CFG_KERNEL_SIZE, FW_CFG_KERNEL_DATA,
                  l->system_addr, k->bytes, l->system_size);
    k->bytes = NULL;
    boot_add_rom(job->fw, linuxboot_rom, sizeof linuxboot_rom);
    return true;
}

bool linux_load(struct boot_job *job)
{
    const char *cmdline = job->args->append ? job->args->append : "";
    struct linux_image l = {0};

    if (!parse(job, &l)) {
        return false;
    }
    if (strlen(cmdline) > cmdline_limit(&l)) {
        return error_set(
            job->err,
            "kernel '%s': takes a command line of at most %llu characters, -append has %zu",
            job->kernel.path, (unsigned long long)cmdline_limit(&l), strlen(cmdline));
    }
    if (!place(job, &l, strlen(cmdline) + 1 + SEED_ROOM)) {
        return false;
    }
    fill_header(&l, cmdline);
    if (job->args->initrd) {
        if (l.version < 0x200) {
            return error_set(job->err, "kernel '%s': too old to take an initrd", job->kernel.path);
        }
        if (!load_initrd(job, &l)) {
            return false;
        }
    }
    return add_parts(job, &l, cmdline);
}
