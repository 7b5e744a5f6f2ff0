/*
 * boot_elf.c: ELF executables as boot loaders see them: physical addresses of PT_LOAD segments,
 * entry, PVH note.
 *
 * Documents: System V ABI (ELF-32, ELF-64); Xen's public/elfnote.h (XEN_ELFNOTE_PHYS32_ENTRY).
 */
#include "frontend/machine/boot_image.h"

enum {
    EI_CLASS = 4,
    EI_DATA = 5,
    CLASS32 = 1,
    CLASS64 = 2,
    LITTLE = 1,
    EM_386 = 3,
    EM_X86_64 = 62,
    PT_LOAD = 1,
    PT_NOTE = 4,
    HEADER32 = 52,
    HEADER64 = 64,
    PHDR32 = 32,
    PHDR64 = 56,
    MAX_PHDRS = 64,
    NOTE_PHYS = 18, /* XEN_ELFNOTE_PHYS32_ENTRY */
    LOW_MEMORY = 0x100000,
};

struct segment {
    u32 type;
    u64 offset, vaddr, paddr, filesz, memsz;
};

bool elf_recognise(const struct image *f)
{
    return f->size >= HEADER64 && !memcmp(f->bytes, "\177ELF", 4) && f->bytes[EI_DATA] == LITTLE &&
           (f->bytes[EI_CLASS] == CLASS32 || f->bytes[EI_CLASS] == CLASS64);
}

static bool is_64(const struct image *f)
{
    return f->bytes[EI_CLASS] == CLASS64;
}

static unsigned segment_count(const struct image *f)
{
    return load16(f->bytes + (is_64(f) ? 56 : 44));
}

static u64 table_offset(const struct image *f)
{
    return is_64(f) ? load64(f->bytes + 32) : load32(f->bytes + 28);
}

static unsigned entry_size(const struct image *f)
{
    return load16(f->bytes + (is_64(f) ? 54 : 42));
}

/* The table has been checked to lie in the file. */
static struct segment segment_at(const struct image *f, unsigned index)
{
    const u8 *p = f->bytes + table_offset(f) + (u64)index * entry_size(f);

    if (is_64(f)) {
        return (struct segment){.type = load32(p),
                                .offset = load64(p + 8),
                                .vaddr = load64(p + 16),
                                .paddr = load64(p + 24),
                                .filesz = load64(p + 32),
                                .memsz = load64(p + 40)};
    }
    return (struct segment){.type = load32(p),
                            .offset = load32(p + 4),
                            .vaddr = load32(p + 8),
                            .paddr = load32(p + 12),
                            .filesz = load32(p + 16),
                            .memsz = load32(p + 20)};
}

static bool inside(const struct image *f, u64 offset, u64 size)
{
    return offset <= f->size && size <= f->size - offset;
}

static bool check_header(const struct image *f, struct error *err)
{
    unsigned machine = load16(f->bytes + 18), count = segment_count(f);

    if (machine != EM_386 && machine != EM_X86_64) {
        return error_set(err, "kernel '%s': an ELF file for another processor", f->path);
    }
    if (count == 0 || count > MAX_PHDRS || entry_size(f) < (is_64(f) ? PHDR64 : PHDR32)) {
        return error_set(err, "kernel '%s': a damaged ELF file (its program headers)", f->path);
    }
    if (!inside(f, table_offset(f), (u64)count * entry_size(f))) {
        return error_set(err, "kernel '%s': the file is truncated (within its program headers)",
                         f->path);
    }
    return true;
}

static bool check_segment(const struct image *f, const struct segment *s, struct error *err)
{
    if (!inside(f, s->offset, s->filesz)) {
        return error_set(err, "kernel '%s': the file is truncated (within a segment)", f->path);
    }
    if (s->filesz > s->memsz || s->paddr + s->memsz < s->paddr || s->paddr + s->memsz > BIT(32)) {
        return error_set(err, "kernel '%s': a damaged ELF file (a segment of absurd size)",
                         f->path);
    }
    if (s->paddr < LOW_MEMORY) {
        return error_set(err, "kernel '%s': wants to be loaded below 1 MiB, at 0x%llx", f->path,
                         (unsigned long long)s->paddr);
    }
    return true;
}

/* Notes: name size, descriptor size, type, then both, each padded to 4 bytes. */
static void scan_notes(const struct image *f, const struct segment *s, struct elf_image *elf)
{
    u64 at = s->offset, end = s->offset + s->filesz;

    if (!inside(f, s->offset, s->filesz)) {
        return;
    }
    while (end - at >= 12) {
        u64 name = load32(f->bytes + at), size = load32(f->bytes + at + 4);
        u32 type = load32(f->bytes + at + 8);
        u64 data = at + 12 + align_up(name, 4);

        if (data + align_up(size, 4) > end) {
            return;
        }
        if (type == NOTE_PHYS && name == 4 && !memcmp(f->bytes + at + 12, "Xen", 4) && size >= 4) {
            elf->pvh_entry = load32(f->bytes + data);
        }
        at = data + align_up(size, 4);
    }
}

static bool add_segment(const struct image *f, const struct segment *s, struct elf_image *elf,
                        struct error *err)
{
    u64 entry = is_64(f) ? load64(f->bytes + 24) : load32(f->bytes + 24);

    if (!check_segment(f, s, err)) {
        return false;
    }
    elf->low = s->paddr < elf->low ? s->paddr : elf->low;
    elf->high = s->paddr + s->memsz > elf->high ? s->paddr + s->memsz : elf->high;
    if (entry >= s->vaddr && entry - s->vaddr < s->memsz) {
        elf->entry = s->paddr + (entry - s->vaddr);
    }
    return true;
}

bool elf_parse(const struct image *f, struct elf_image *elf, struct error *err)
{
    *elf = (struct elf_image){.low = UINT64_MAX};
    if (!check_header(f, err)) {
        return false;
    }
    for (unsigned i = 0; i < segment_count(f); i++) {
        struct segment s = segment_at(f, i);

        if (s.type == PT_NOTE) {
            scan_notes(f, &s, elf);
        } else if (s.type == PT_LOAD && s.memsz && !add_segment(f, &s, elf, err)) {
            return false;
        }
    }
    if (elf->high == 0) {
        return error_set(err, "kernel '%s': an ELF file with nothing to load", f->path);
    }
    return true;
}

void elf_copy(const struct image *f, const struct elf_image *elf, u8 *to)
{
    for (unsigned i = 0; i < segment_count(f); i++) {
        struct segment s = segment_at(f, i);

        if (s.type == PT_LOAD && s.memsz) {
            memcpy(to + (s.paddr - elf->low), f->bytes + s.offset, s.filesz);
        }
    }
}
