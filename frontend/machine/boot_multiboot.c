/*
 * boot_multiboot.c: Multiboot kernels with their modules.
 *
 * Document: Multiboot Specification 0.6.96. Image, modules and information structure are put
 * together here; the ROM adds the memory map. Not modelled: a wished video mode (the kernel gets
 * text), symbols, the drives structure.
 */
#include "frontend/machine/boot_image.h"

#include <stdlib.h>

#include "devices/core/device.h"
#include "roms/boot/multiboot.h"

enum {
    HEADER_MAGIC = 0x1badb002,
    SEARCH_BYTES = 8192,
    HEADER_SIZE = 12,
    ADDRESSES_END = 32,

    WANT_VIDEO = 1 << 2,
    WANT_UNKNOWN = 0xfff8, /* requirements that are not defined */
    HAVE_ADDRESSES = 1 << 16,

    INFO_CMDLINE = 1 << 2,
    INFO_MODS = 1 << 3,
    INFO_LOADER = 1 << 9,

    MBI_FLAGS = 0,
    MBI_CMDLINE = 16,
    MBI_MODS_COUNT = 20,
    MBI_MODS_ADDR = 24,
    MBI_LOADER = 64,
    MBI_SIZE = 120,

    MODULE_SIZE = 16,
    MAX_MODULES = 64,
    LOW_MEMORY = 0x100000,
};

struct multiboot {
    u64 load, end; /* physical; end is after the modules */
    u64 entry;
    u8 *bytes; /* what lies at `load` */
    u8 info[BOOT_INFO_MAX];
    u32 info_used;
    u32 modules;
};

bool multiboot_recognise(const struct image *kernel, size_t *header)
{
    for (size_t at = 0; at < SEARCH_BYTES && at + HEADER_SIZE <= kernel->size; at += 4) {
        const u8 *h = kernel->bytes + at;

        if (load32(h) == HEADER_MAGIC && (u32)(load32(h) + load32(h + 4) + load32(h + 8)) == 0) {
            *header = at;
            return true;
        }
    }
    return false;
}

/* Makes the image `size` bytes long, zeroed from its old end on. */
static bool grow(struct boot_job *job, struct multiboot *m, u64 size)
{
    u64 old = m->end - m->load;
    u8 *bytes;

    if (m->load + size > job->ram_below_4g - BOOT_FIRMWARE_RESERVE) {
        return error_set(job->err,
                         "kernel '%s': with its modules it does not fit into %llu MiB of memory",
                         job->kernel.path, (unsigned long long)(job->ram_below_4g >> 20));
    }
    bytes = realloc(m->bytes, size);
    if (!bytes) {
        return error_set(job->err, "kernel '%s': the host has no memory for it", job->kernel.path);
    }
    memset(bytes + old, 0, size - old);
    m->bytes = bytes;
    m->end = m->load + size;
    return true;
}

/* ---- the kernel itself ---- */

/* The header gives addresses, as for a.out and flat images. */
static bool load_flat(struct boot_job *job, struct multiboot *m, size_t header)
{
    const struct image *k = &job->kernel;
    const u8 *h = k->bytes + header;
    u64 header_addr, load, load_end, bss_end, offset, size;

    if (header + ADDRESSES_END > k->size) {
        return error_set(
            job->err, "kernel '%s': the file is truncated (within its Multiboot header)", k->path);
    }
    header_addr = load32(h + 12);
    load = load32(h + 16);
    load_end = load32(h + 20);
    bss_end = load32(h + 24);
    m->entry = load32(h + 28);
    if (load < LOW_MEMORY || header_addr < load || header_addr - load > header) {
        return error_set(job->err, "kernel '%s': its Multiboot header gives absurd addresses",
                         k->path);
    }
    offset = header - (header_addr - load);
    size = load_end ? load_end - load : k->size - offset;
    if (load_end && load_end < load) {
        return error_set(job->err, "kernel '%s': its Multiboot header gives absurd addresses",
                         k->path);
    }
    if (size > k->size - offset) {
        return error_set(job->err, "kernel '%s': the file is truncated (%llu of %llu bytes)",
                         k->path, (unsigned long long)k->size, (unsigned long long)(offset + size));
    }
    m->load = m->end = load;
    if (!grow(job, m, bss_end > load + size ? bss_end - load : size)) {
        return false;
    }
    memcpy(m->bytes, k->bytes + offset, size);
    return true;
}

static bool load_elf(struct boot_job *job, struct multiboot *m)
{
    struct elf_image elf;

    if (!elf_recognise(&job->kernel)) {
        return error_set(job->err,
                         "kernel '%s': a Multiboot kernel that is not ELF and gives no addresses",
                         job->kernel.path);
    }
    if (!elf_parse(&job->kernel, &elf, job->err)) {
        return false;
    }
    if (!elf.entry) {
        return error_set(job->err, "kernel '%s': its entry point lies in no segment",
                         job->kernel.path);
    }
    m->load = m->end = elf.low;
    m->entry = elf.entry;
    if (!grow(job, m, elf.high - elf.low)) {
        return false;
    }
    elf_copy(&job->kernel, &elf, m->bytes);
    return true;
}

static bool load_kernel(struct boot_job *job, struct multiboot *m, size_t header)
{
    u32 flags = load32(job->kernel.bytes + header + 4);

    if (flags & WANT_UNKNOWN) {
        return error_set(job->err,
                         "kernel '%s': requires Multiboot features (flags 0x%x) that do not exist",
                         job->kernel.path, flags);
    }
    if (flags & WANT_VIDEO) {
        log_at(LOG_UNIMP, "multiboot: a wished video mode is not set");
    }
    return flags & HAVE_ADDRESSES ? load_flat(job, m, header) : load_elf(job, m);
}

/* ---- the information structure ---- */

/* Reserves `size` zeroed bytes; returns their offset in info, 0 when there is no room. */
static u32 take_info(struct boot_job *job, struct multiboot *m, u64 size)
{
    u32 at = m->info_used;

    if (size > BOOT_INFO_MAX - at) {
        error_set(job->err, "kernel '%s': its command lines are too long", job->kernel.path);
        return 0;
    }
    m->info_used += (u32)size;
    return at;
}

/* Puts "first second" and stores its address at `pointer`. */
static bool put_text(struct boot_job *job, struct multiboot *m, u32 pointer, const char *first,
                     const char *second)
{
    size_t a = strlen(first), b = strlen(second);
    u32 at = take_info(job, m, a + b + 2);

    if (!at) {
        return false;
    }
    memcpy(m->info + at, first, a);
    if (b) {
        m->info[at + a] = ' ';
        memcpy(m->info + at + a + 1, second, b);
    }
    store32(m->info + pointer, BOOT_INFO_ADDR + at);
    return true;
}

/* ---- modules ---- */

/* Takes "path args" up to a comma from `list`, with ",," meaning one; returns what follows, NULL at
 * the end. */
static const char *next_module(const char *list, char *word)
{
    for (; *list; list++) {
        if (*list == ',') {
            if (list[1] != ',') {
                *word = 0;
                return list + 1;
            }
            list++;
        }
        *word++ = *list;
    }
    *word = 0;
    return NULL;
}

static bool load_module(struct boot_job *job, struct multiboot *m, char *text, u32 entry)
{
    size_t path_length = strcspn(text, " ");
    char separator = text[path_length];
    struct image file;
    u64 start;
    bool good;

    text[path_length] = 0;
    good = image_read(&file, text, "module", job->ram_below_4g, job->err);
    text[path_length] = separator;
    if (!good) {
        return false;
    }
    start = align_up(m->end, PAGE_SIZE);
    good = grow(job, m, start - m->load + file.size);
    if (good) {
        memcpy(m->bytes + (start - m->load), file.bytes, file.size);
        store32(m->info + entry, (u32)start);
        store32(m->info + entry + 4, (u32)(start + file.size));
        good = put_text(job, m, entry + 8, text, "");
    }
    image_free(&file);
    return good;
}

static u32 count_modules(const char *list, char *word)
{
    u32 count = 0;

    while (list) {
        list = next_module(list, word);
        count++;
    }
    return count;
}

static bool load_modules(struct boot_job *job, struct multiboot *m)
{
    const char *list = job->args->initrd;
    char *word;
    u32 entry;

    if (!list) {
        return true;
    }
    word = malloc(strlen(list) + 1);
    if (!word) {
        return error_set(job->err, "the host has no memory for the module list");
    }
    m->modules = count_modules(list, word);
    if (m->modules > MAX_MODULES) {
        free(word);
        return error_set(job->err, "-initrd names %u modules, the most is %u", m->modules,
                         MAX_MODULES);
    }
    entry = take_info(job, m, (u64)m->modules * MODULE_SIZE);
    store32(m->info + MBI_MODS_ADDR, BOOT_INFO_ADDR + entry);
    for (bool good = entry != 0; list; entry += MODULE_SIZE) {
        list = next_module(list, word);
        good = good && load_module(job, m, word, entry);
        if (!good) {
            free(word);
            return false;
        }
    }
    free(word);
    return true;
}

static bool build_info(struct boot_job *job, struct multiboot *m)
{
    const char *append = job->args->append ? job->args->append : "";

    m->info_used = MBI_SIZE;
    if (!load_modules(job, m) || !put_text(job, m, MBI_CMDLINE, job->kernel.path, append) ||
        !put_text(job, m, MBI_LOADER, "Ringside", "")) {
        return false;
    }
    store32(m->info + MBI_FLAGS, INFO_CMDLINE | INFO_MODS | INFO_LOADER);
    store32(m->info + MBI_MODS_COUNT, m->modules);
    return true;
}

static bool add_parts(struct boot_job *job, struct multiboot *m)
{
    u8 *info = malloc(m->info_used);

    if (!info) {
        return error_set(job->err, "kernel '%s': the host has no memory for it", job->kernel.path);
    }
    memcpy(info, m->info, m->info_used);
    boot_add_blob(job->fw, FW_CFG_INITRD_ADDR, FW_CFG_INITRD_SIZE, FW_CFG_INITRD_DATA,
                  BOOT_INFO_ADDR, info, m->info_used);
    boot_add_blob(job->fw, FW_CFG_KERNEL_ADDR, FW_CFG_KERNEL_SIZE, FW_CFG_KERNEL_DATA, m->load,
                  m->bytes, m->end - m->load);
    m->bytes = NULL;
    fw_cfg_add_u32(job->fw, FW_CFG_KERNEL_ENTRY, (u32)m->entry);
    boot_add_rom(job->fw, multiboot_rom, sizeof multiboot_rom);
    return true;
}

bool multiboot_load(struct boot_job *job, size_t header)
{
    struct multiboot m = {0};
    bool good = load_kernel(job, &m, header) && build_info(job, &m) && add_parts(job, &m);

    free(m.bytes);
    return good;
}
