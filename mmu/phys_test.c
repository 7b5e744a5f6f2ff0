/*
 * phys_test.c: what an access meets: priorities, PAM- and SMRAM-like splits, sizes, holes, dirty
 * and code pages.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/base/bits.h"
#include "mmu/phys.h"

/* A register file that writes its accesses down. */
struct probe {
    struct region region;
    char log[256];
    u8 bytes[64];
};

static u64 probe_read(void *opaque, u64 offset, unsigned size)
{
    struct probe *p = opaque;
    size_t used = strlen(p->log);
    assert_true(offset + size <= p->region.size);
    snprintf(p->log + used, sizeof p->log - used, "r%u@%x ", size, (unsigned)offset);
    return load_le(p->bytes + offset, size);
}

static void probe_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct probe *p = opaque;
    size_t used = strlen(p->log);
    assert_true(offset + size <= p->region.size);
    assert_true(size == 8 || value < BIT(size * 8));
    snprintf(p->log + used, sizeof p->log - used, "w%u@%x=%" PRIx64 " ", size, (unsigned)offset,
             value);
    store_le(p->bytes + offset, value, size);
}

static const struct region_ops ops_default = {.read = probe_read, .write = probe_write};
static const struct region_ops ops_byte = {.read = probe_read, .write = probe_write, .max_size = 1};
static const struct region_ops ops_dword = {
    .read = probe_read, .write = probe_write, .min_size = 4, .max_size = 4};
static const struct region_ops ops_wide = {.read = probe_read, .write = probe_write, .max_size = 8};

static void probe_init(struct probe *p, u64 size, const struct region_ops *ops)
{
    memset(p, 0, sizeof *p);
    region_init_io(&p->region, "probe", size, ops, p);
    for (unsigned i = 0; i < sizeof p->bytes; i++) {
        p->bytes[i] = (u8)(0x10 + i);
    }
}

static void expect_log(struct probe *p, const char *expected)
{
    assert_string_equal(p->log, expected);
    p->log[0] = 0;
}

static void test_sizes(void **state)
{
    (void)state;
    struct space *space = space_create("memory", 36);
    struct mapping m[4] = {0};
    struct probe p[4];
    const struct region_ops *ops[4] = {&ops_default, &ops_byte, &ops_dword, &ops_wide};
    for (unsigned i = 0; i < 4; i++) {
        probe_init(&p[i], 64, ops[i]);
        space_map(space, &m[i], &p[i].region, 0x1000 * i, 0);
    }
    assert_true(space_read(space, 0x8, 8, false) == 0x1f1e1d1c1b1a1918);
    expect_log(&p[0], "r4@8 r4@c ");
    assert_int_equal(space_read(space, 0x3, 4, false), 0x16151413);
    expect_log(&p[0], "r4@3 ");
    assert_int_equal(space_read(space, 0x1000, 4, false), 0x13121110);
    expect_log(&p[1], "r1@0 r1@1 r1@2 r1@3 ");
    assert_int_equal(space_read(space, 0x2005, 1, false), 0x15);
    expect_log(&p[2], "r4@4 ");
    assert_int_equal(space_read(space, 0x2003, 2, false), 0x1413);
    expect_log(&p[2], "r4@0 r4@4 ");
    assert_true(space_read(space, 0x2002, 8, false) == 0x1918171615141312);
    expect_log(&p[2], "r4@0 r4@4 r4@8 ");
    space_write(space, 0x2006, 0xabcd, 2, false); /* widened with zeroes */
    expect_log(&p[2], "w4@4=abcd0000 ");
    assert_true(space_read(space, 0x3008, 8, false) == 0x1f1e1d1c1b1a1918);
    expect_log(&p[3], "r8@8 ");
    space_write(space, 0x3000, 0x1122334455667788, 8, false);
    expect_log(&p[3], "w8@0=1122334455667788 ");
    space_write(space, 0x1000, 0xffff0201, 2, false); /* upper bits do not leak */
    expect_log(&p[1], "w1@0=1 w1@1=2 ");
    space_destroy(space);
}

static void test_accesses_across_regions(void **state)
{
    (void)state;
    struct space *space = space_create("memory", 36);
    struct region ram;
    struct mapping a = {0}, b = {0};
    struct probe p;
    assert_true(region_init_ram(&ram, "ram", 0x1fff)); /* rounded up */
    assert_int_equal(ram.size, 0x2000);
    probe_init(&p, 3, &ops_default);
    space_map(space, &a, &ram, 0, 0);
    space_map(space, &b, &p.region, 0x2000, 0);
    store32(ram.host + 0x1ffc, 0xddccbbaa);
    assert_true(space_read(space, 0x1ffe, 8, false) == 0xffffff121110ddcc);
    expect_log(&p, "r2@0 r1@2 ");
    space_write(space, 0x1ffd, 0x8877665544332211, 8, false);
    expect_log(&p, "w2@0=5544 w1@2=66 ");
    assert_int_equal(load32(ram.host + 0x1ffc), 0x332211aa);
    assert_true(space_read(space, 0xffc, 8, false) == 0);
    space_write(space, 0xffd, 0x8877665544332211, 8, false);
    assert_true(space_read(space, 0xffd, 8, false) == 0x8877665544332211);
    space_destroy(space);
    region_destroy(&ram);
}

static void test_holes_and_ends(void **state)
{
    (void)state;
    struct space *space = space_create("memory", 36);
    struct region ram;
    struct mapping m = {0};
    assert_true(region_init_ram(&ram, "ram", 0x4000));
    assert_int_equal(space_read(space, 0x1234, 4, false), 0xffffffff);
    space_write(space, 0x1234, 1, 4, false);
    space_map(space, &m, &ram, BIT(36) - 0x1000, 0); /* three quarters lie beyond the end */
    struct target t = space_find(space, BIT(36) - 8, false, false);
    assert_ptr_equal(t.region, &ram);
    assert_int_equal(t.offset, 0xff8);
    assert_int_equal(t.left, 8);
    assert_true(space_read(space, BIT(36) - 4, 8, false) == 0xffffffff00000000);
    assert_int_equal(space_read(space, ~(u64)0 - 1, 2, false), 0xffff);
    t = space_find(space, ~(u64)0, false, false);
    assert_null(t.region);
    assert_int_equal(t.left, 1);
    space_unmap(&m);
    space_map(space, &m, &ram, ~(u64)0 - 0x10, 0); /* a BAR outside of the space is not there */
    assert_null(space_find(space, BIT(36) - 1, false, false).region);
    space_unmap(&m);
    space_unmap(&m); /* again: nothing to do */
    space_destroy(space);
    region_destroy(&ram);
}

static void test_priorities(void **state)
{
    (void)state;
    struct space *space = space_create("memory", 32);
    struct region ram;
    struct mapping m = {0}, low = {0}, high = {0}, equal = {0};
    struct probe p, q, r;
    assert_true(region_init_ram(&ram, "ram", 0x10000));
    probe_init(&p, 64, &ops_default);
    probe_init(&q, 64, &ops_default);
    probe_init(&r, 64, &ops_default);
    space_map(space, &high, &p.region, 0x8020, 2);
    space_map(space, &m, &ram, 0, 0);
    space_map(space, &low, &q.region, 0x8000, 1);
    assert_ptr_equal(space_find(space, 0x8010, false, false).region, &q.region);
    assert_int_equal(space_find(space, 0x8010, false, false).left, 0x10);
    assert_ptr_equal(space_find(space, 0x8020, false, false).region, &p.region);
    assert_ptr_equal(space_find(space, 0x8060, false, false).region, &ram);
    assert_int_equal(space_find(space, 0x8060, false, false).offset, 0x8060);
    space_map(space, &equal, &r.region, 0x8000, 1); /* the later of equals wins */
    assert_ptr_equal(space_find(space, 0x8000, false, false).region, &r.region);
    space_unmap(&equal);
    assert_ptr_equal(space_find(space, 0x8000, false, false).region, &q.region);
    space_unmap(&high);
    assert_ptr_equal(space_find(space, 0x8020, false, false).region, &q.region);
    space_destroy(space);
    region_destroy(&ram);
}

/* PAM: reads from ROM, writes to RAM; SMRAM: seen in SMM only. */
static void test_views(void **state)
{
    (void)state;
    struct space *space = space_create("memory", 32);
    struct region ram, rom;
    struct mapping m = {0}, pam = {0}, smram = {0};
    struct probe vga;
    struct mapping vga_map = {0};
    assert_true(region_init_ram(&ram, "ram", 0x100000));
    assert_true(region_init_rom(&rom, "rom", 0x10000));
    probe_init(&vga, 64, &ops_default);
    memset(rom.host, 0xee, rom.size);
    space_map(space, &m, &ram, 0, 0);
    space_map_part(space, &pam, &rom, 0x4000, 0x4000, 0xf4000, 1, MAP_READ | MAP_NORMAL | MAP_SMM);
    space_map(space, &vga_map, &vga.region, 0xa0000, 1);
    space_map_part(space, &smram, &ram, 0xa0000, 0x20000, 0xa0000, 2,
                   MAP_READ | MAP_WRITE | MAP_SMM);
    assert_int_equal(space_read(space, 0xf4000, 1, false), 0xee);
    space_write(space, 0xf4000, 0x11, 1, false);
    assert_int_equal(space_read(space, 0xf4000, 1, false), 0xee);
    assert_int_equal(ram.host[0xf4000], 0x11);
    assert_int_equal(space_find(space, 0xf4010, false, false).offset, 0x4010);
    assert_int_equal(space_read(space, 0xf8000, 1, false), 0);
    space_write(space, 0xa0000, 0x5a, 1, true);
    assert_int_equal(ram.host[0xa0000], 0x5a);
    assert_int_equal(space_read(space, 0xa0000, 1, true), 0x5a);
    assert_int_equal(space_read(space, 0xa0000, 1, false), 0x10);
    assert_ptr_equal(space_find(space, 0xa0000, true, false).region, &vga.region);
    assert_ptr_equal(space_find(space, 0xa0000, true, true).region, &ram);
    space_unmap(&pam);
    assert_int_equal(space_read(space, 0xf4000, 1, false), 0x11);
    space_map(space, &pam, &rom, 0xf0000, 1);
    space_write(space, 0xf0000, 0, 4, false); /* ROM without a writer */
    assert_int_equal(rom.host[0], 0xee);
    space_destroy(space);
    region_destroy(&ram);
    region_destroy(&rom);
}

static void test_ports(void **state)
{
    (void)state;
    struct space *ports = space_create("ports", 16);
    struct mapping a = {0}, b = {0};
    struct probe p, q;
    probe_init(&p, 2, &ops_byte);
    probe_init(&q, 1, &ops_byte);
    space_map(ports, &a, &p.region, 0x60, 0);
    space_map(ports, &b, &q.region, 0x61, 1);
    assert_int_equal(space_read(ports, 0x60, 4, false), 0xffff1010);
    expect_log(&p, "r1@0 ");
    expect_log(&q, "r1@0 ");
    space_unmap(&a);
    space_map(ports, &a, &p.region, 0xffff, 0); /* cut at the end */
    assert_int_equal(space_read(ports, 0xffff, 2, false), 0xff10);
    assert_int_equal(space_read(ports, 0xfffe, 4, false), 0xffff10ff);
    space_destroy(ports);
}

struct ear {
    struct space_listener listener;
    int changed, protect;
    u64 written;
    const u8 *host;
    u8 value_seen;
};

static void ear_changed(void *opaque)
{
    ((struct ear *)opaque)->changed++;
}

static void ear_protect(void *opaque)
{
    ((struct ear *)opaque)->protect++;
}

static void ear_written(void *opaque, const u8 *host, u64 size)
{
    struct ear *ear = opaque;
    ear->written += size;
    ear->host = host;
    ear->value_seen = *host;
}

static void test_listeners(void **state)
{
    (void)state;
    struct space *space = space_create("memory", 32);
    struct region ram;
    struct mapping m = {0}, n = {0};
    struct ear ear = {0};
    ear.listener = (struct space_listener){
        .changed = ear_changed, .protect = ear_protect, .written = ear_written, .opaque = &ear};
    space_listen(space, &ear.listener);
    assert_true(region_init_ram(&ram, "ram", 0x4000));
    space_map(space, &m, &ram, 0, 0);
    assert_int_equal(ear.changed, 1);
    space_begin(space);
    space_begin(space);
    space_map(space, &n, &ram, 0x10000, 0);
    space_unmap(&m);
    space_end(space);
    assert_int_equal(ear.changed, 1);
    space_end(space);
    assert_int_equal(ear.changed, 2);
    space_begin(space);
    space_end(space);
    assert_int_equal(ear.changed, 2);

    assert_true(region_take_dirty(&ram, 0x1000));
    assert_false(region_take_dirty(&ram, 0x1fff));
    assert_false(region_take_dirty(&ram, 0x4000)); /* outside */
    space_write(space, 0x11000, 1, 1, false);
    assert_true(region_take_dirty(&ram, 0x1000));
    assert_true(region_take_dirty(&ram, 0x2000));
    space_write(space, 0x11ffe, 1, 4, false); /* both pages */
    assert_true(region_take_dirty(&ram, 0x1000));
    assert_true(region_take_dirty(&ram, 0x2000));
    space_protect(space);
    assert_int_equal(ear.protect, 1);

    assert_int_equal(ear.written, 0);
    ram.pages[2].flags = PAGE_HAS_CODE;
    space_write(space, 0x12004, 0x99, 4, false);
    assert_int_equal(ear.written, 4);
    assert_ptr_equal(ear.host, ram.host + 0x2004);
    assert_int_equal(ear.value_seen, 0); /* told before the bytes change */
    space_write(space, 0x11ffe, 1, 4, false);
    assert_int_equal(ear.written, 6);
    space_written(space, &ram, 0, ~(u64)0); /* cut at the region's end */
    assert_int_equal(ear.written, 6 + 4096);
    space_written(space, &ram, ~(u64)0, 5);
    assert_int_equal(ear.written, 6 + 4096);
    space_destroy(space);
    region_destroy(&ram);
}

/* A slow model of the same rules, byte by byte, against random maps. */
enum { MODEL_SIZE = 0x4000, MODEL_MAPS = 12 };

static const struct mapping *model_find(const struct mapping *maps, const u32 *order, u64 addr,
                                        unsigned need)
{
    const struct mapping *best = NULL;
    u32 best_order = 0;
    for (unsigned i = 0; i < MODEL_MAPS; i++) {
        const struct mapping *m = &maps[i];
        if (!m->space || addr < m->base || addr - m->base >= m->size ||
            (m->access & need) != need) {
            continue;
        }
        if (!best || m->priority > best->priority ||
            (m->priority == best->priority && order[i] > best_order)) {
            best = m;
            best_order = order[i];
        }
    }
    return best;
}

static void check_model(struct space *space, const struct mapping *maps, const u32 *order)
{
    for (u64 addr = 0; addr < MODEL_SIZE + 0x100; addr += 0x80) {
        for (unsigned view = 0; view < 4; view++) {
            bool write = view & 1, smm = view & 2;
            unsigned need = (write ? MAP_WRITE : MAP_READ) | (smm ? MAP_SMM : MAP_NORMAL);
            const struct mapping *m = model_find(maps, order, addr, need);
            struct target t = space_find(space, addr, write, smm);
            assert_ptr_equal(t.region, m ? m->region : NULL);
            if (m) {
                assert_int_equal(t.offset, m->offset + (addr - m->base));
            }
            assert_true(t.left >= 0x80);
        }
    }
}

struct keeper {
    struct space_listener listener;
    unsigned calls;
    u64 offset, size;
    u8 before;
};

static void note_about(void *opaque, struct region *region, u64 offset, u64 size)
{
    struct keeper *k = opaque;
    k->calls++;
    k->offset = offset;
    k->size = size;
    k->before = region->host[offset];
}

static void test_keeping(void **state)
{
    (void)state;
    struct space *space = space_create("memory", 36);
    struct region ram;
    struct mapping map = {0};
    struct keeper k = {.listener = {.about = note_about, .opaque = &k}};
    assert_true(region_init_ram(&ram, "ram", 0x4000));
    space_map(space, &map, &ram, 0, 0);
    space_listen(space, &k.listener);
    space_write(space, 0x1008, 0x11, 1, false);
    assert_int_equal(k.calls, 0);
    ram.pages[1].flags |= PAGE_KEPT;
    space_write(space, 0x1008, 0x22, 1, false);
    assert_true(k.calls == 1 && k.offset == 0x1008 && k.size == 1 && k.before == 0x11); /* before it is written */
    space_write(space, 0x1008, 0x33, 1, false);
    assert_int_equal(k.calls, 1);
    ram.pages[2].flags |= PAGE_WATCHED;
    for (unsigned n = 0; n < 3; n++) {
        space_write(space, 0x2010, n, 4, false);
    }
    assert_true(k.calls == 4 && k.offset == 0x2010 && k.size == 4);
    ram.pages[1].flags |= PAGE_KEPT;
    ram.pages[2].flags = PAGE_KEPT;
    space_write(space, 0x1ffc, 0, 8, false); /* both */
    assert_true(k.calls == 6 && !ram.pages[1].flags && !ram.pages[2].flags);
    space_unmap(&map);
    region_destroy(&ram);
    space_destroy(space);
}

static void test_random_maps(void **state)
{
    (void)state;
    struct space *space = space_create("memory", 36);
    struct region regions[3];
    struct mapping maps[MODEL_MAPS] = {0};
    u32 order[MODEL_MAPS] = {0}, counter = 0;
    srand(2);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(region_init_ram(&regions[i], "ram", MODEL_SIZE));
    }
    for (int round = 0; round < 1000; round++) {
        unsigned i = (unsigned)rand() % MODEL_MAPS;
        space_unmap(&maps[i]);
        if (rand() % 4) {
            u64 offset = (u64)(rand() % 0x40) * 0x80, size = (u64)(rand() % 0x40) * 0x80;
            space_map_part(space, &maps[i], &regions[rand() % 3], offset, size,
                           (u64)(rand() % 0x80) * 0x80, rand() % 3, (unsigned)rand() % 16);
            order[i] = ++counter;
        }
        check_model(space, maps, order);
    }
    space_destroy(space);
    for (unsigned i = 0; i < 3; i++) {
        region_destroy(&regions[i]);
    }
}

static void test_print(void **state)
{
    (void)state;
    struct space *space = space_create("memory", 32);
    struct region ram;
    struct mapping m = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_true(region_init_ram(&ram, "pc.ram", 0x1000));
    space_map_part(space, &m, &ram, 0, 0x1000, 0xa0000, 1, MAP_READ | MAP_SMM);
    space_print(space, out);
    fclose(out);
    assert_string_equal(text, "address-space: memory\n  00000000000a0000-00000000000a0fff "
                              "(prio 1, ram): pc.ram [ read smm ]\n");
    free(text);
    space_destroy(space);
    region_destroy(&ram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),          cmocka_unit_test(test_accesses_across_regions),
        cmocka_unit_test(test_holes_and_ends), cmocka_unit_test(test_priorities),
        cmocka_unit_test(test_views),          cmocka_unit_test(test_ports),
        cmocka_unit_test(test_listeners), cmocka_unit_test(test_keeping),      cmocka_unit_test(test_random_maps),
        cmocka_unit_test(test_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
