/*
 * fdc_test.c: the floppy controller through its ports, with the 8237 and a memory.
 */
#include "devices/storage/fdc.h"

#include "devices/storage/storage_test.h"
#include "devices/timer/i8237.h"

struct bench {
    struct space *ports, *memory;
    struct clock *clock;
    struct region ram;
    struct mapping ram_map;
    struct wire irq;
    struct i8237 *dma;
    struct device *fdc;
    struct image image;
};

static void open_bench(struct bench *b, u64 size, bool read_only)
{
    struct error err = {""};
    memset(b, 0, sizeof *b);
    b->ports = space_create("ports", 16);
    b->memory = space_create("memory", 32);
    b->clock = clock_create();
    clock_set_counted(b->clock, true);
    clock_start(b->clock);
    assert_true(region_init_ram(&b->ram, "ram", 1 << 20));
    space_map(b->memory, &b->ram_map, &b->ram, 0, 0);
    wire_init(&b->irq);
    b->dma = i8237_create(b->ports, b->memory);
    struct fdc_dma wires = fdc_dma_8237(b->dma);
    b->fdc = fdc_create(b->ports, b->clock, &b->irq.irq, &wires);
    image_make(&b->image, size);
    assert_true(fdc_add_drive(b->fdc, 0, image_open(&b->image, read_only), &err));
}

static void close_bench(struct bench *b)
{
    device_destroy(b->fdc);
    device_destroy(&b->dma->dev);
    space_unmap(&b->ram_map);
    region_destroy(&b->ram);
    space_destroy(b->ports);
    space_destroy(b->memory);
    clock_destroy(b->clock);
    image_remove(&b->image);
}

static void out8(struct bench *b, u16 port, u8 value)
{
    space_write(b->ports, port, value, 1, false);
}

static u8 in8(struct bench *b, u16 port)
{
    return (u8)space_read(b->ports, port, 1, false);
}

static void settle(struct bench *b)
{
    for (int i = 0; i < 20000 && clock_next_deadline(b->clock) != CLOCK_NEVER; i++) {
        i64 left = clock_next_deadline(b->clock) - clock_now(b->clock);
        clock_advance(b->clock, left > 0 ? left : 0);
        clock_run_timers(b->clock);
    }
}

static void send(struct bench *b, const u8 *bytes, unsigned length)
{
    for (unsigned i = 0; i < length; i++) {
        assert_int_equal(in8(b, 0x3f4) & 0xc0, 0x80);
        out8(b, 0x3f5, bytes[i]);
    }
    settle(b);
}

/* Reads a result phase; returns its length. */
static unsigned receive(struct bench *b, u8 *bytes)
{
    unsigned n = 0;
    while ((in8(b, 0x3f4) & 0xd0) == 0xd0 && n < 16) {
        bytes[n++] = in8(b, 0x3f5);
    }
    return n;
}

#define SEND(b, ...) send(b, (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}))

/* Channel 2 in single mode. */
static void program_dma(struct bench *b, bool to_memory, u32 addr, u16 bytes)
{
    out8(b, 0x0a, 0x06);
    out8(b, 0x0c, 0);
    out8(b, 0x0b, to_memory ? 0x46 : 0x4a);
    out8(b, 0x04, (u8)addr);
    out8(b, 0x04, (u8)(addr >> 8));
    out8(b, 0x81, (u8)(addr >> 16));
    out8(b, 0x05, (u8)(bytes - 1));
    out8(b, 0x05, (u8)((bytes - 1) >> 8));
    out8(b, 0x0a, 0x02);
    out8(b, 0xd4, 0x00); /* the cascade */
    out8(b, 0xd6, 0xc0);
}

/* Out of reset, interrupts sensed, 500 kbit/s, recalibrated. */
static void make_ready(struct bench *b, u8 rate)
{
    u8 result[16];
    out8(b, 0x3f2, 0x1c);
    settle(b);
    assert_true(b->irq.level);
    for (u8 i = 0; i < 4; i++) {
        SEND(b, 0x08);
        assert_int_equal(receive(b, result), 2);
        assert_int_equal(result[0], 0xc0 | i);
    }
    assert_false(b->irq.level);
    out8(b, 0x3f7, rate);
    SEND(b, 0x03, 0xaf, 0x02);
    SEND(b, 0x07, 0x00);
    assert_true(b->irq.level);
    SEND(b, 0x08);
    assert_int_equal(receive(b, result), 2);
    assert_int_equal(result[0], 0x20);
    assert_int_equal(result[1], 0);
}

static void seek_to(struct bench *b, u8 cylinder)
{
    u8 result[16];
    SEND(b, 0x0f, 0x00, cylinder);
    assert_int_equal(in8(b, 0x3f4) & 0x0f, 1);
    SEND(b, 0x08);
    assert_int_equal(receive(b, result), 2);
    assert_int_equal(result[0], 0x20);
    assert_int_equal(result[1], cylinder);
    assert_int_equal(in8(b, 0x3f4) & 0x0f, 0);
}

static void identification(void **state)
{
    struct bench b;
    u8 result[16];
    (void)state;
    open_bench(&b, 1474560, false);
    assert_int_equal(in8(&b, 0x3f4), 0); /* held in reset */
    make_ready(&b, 0);
    SEND(&b, 0x10);
    assert_int_equal(receive(&b, result), 1);
    assert_int_equal(result[0], 0x90);
    SEND(&b, 0x18);
    assert_int_equal(receive(&b, result), 1);
    assert_int_equal(result[0], 0x41);
    SEND(&b, 0x13, 0x00, 0x17, 0x05);
    SEND(&b, 0x94);
    assert_int_equal(receive(&b, result), 1);
    assert_int_equal(result[0], 0x10);
    out8(&b, 0x3f4, 0x80); /* a reset leaves locked values alone */
    settle(&b);
    for (int i = 0; i < 4; i++) {
        SEND(&b, 0x08);
        receive(&b, result);
    }
    SEND(&b, 0x0e);
    assert_int_equal(receive(&b, result), 10);
    assert_int_equal(result[4], 0xaf);
    assert_int_equal(result[7], 0x80);
    assert_int_equal(result[8], 0x17);
    assert_int_equal(result[9], 0x05);
    SEND(&b, 0x08);
    assert_int_equal(receive(&b, result), 1); /* nothing to sense */
    assert_int_equal(result[0], 0x80);
    SEND(&b, 0x1f);
    assert_int_equal(receive(&b, result), 1);
    assert_int_equal(result[0], 0x80);
    SEND(&b, 0x8e, 0x00, 0xc0);
    assert_int_equal(receive(&b, result), 0);
    SEND(&b, 0x04, 0x04);
    assert_int_equal(receive(&b, result), 1);
    assert_int_equal(result[0], 0x3c);
    close_bench(&b);
}

static void reads_and_writes_by_dma(void **state)
{
    struct bench b;
    u8 result[16];
    (void)state;
    open_bench(&b, 1474560, false);
    assert_int_equal(fdc_drive_type(b.fdc, 0), FDC_1440K);
    make_ready(&b, 0);
    seek_to(&b, 3);
    /* both sides of cylinder 3 */
    program_dma(&b, true, 0x20000, 36 * 512);
    SEND(&b, 0xe6, 0x00, 3, 0, 1, 2, 18, 0x1b, 0xff);
    assert_true(b.irq.level);
    assert_int_equal(receive(&b, result), 7);
    assert_false(b.irq.level);
    assert_memory_equal(result, "\x04\0\0\x04\0\x01\x02", 4);
    for (u32 i = 0; i < 36; i++) {
        assert_int_equal(load32(b.ram.host + 0x20000 + i * 512), 3 * 36 + i);
    }
    /* terminal count in the middle: the ID of the next sector */
    program_dma(&b, true, 0x20000, 1024);
    SEND(&b, 0xe6, 0x04, 3, 1, 5, 2, 18, 0x1b, 0xff);
    assert_int_equal(receive(&b, result), 7);
    assert_memory_equal(result, "\x04\0\0\x03\x01\x07\x02", 7);
    assert_int_equal(load32(b.ram.host + 0x20000), 3 * 36 + 18 + 4);

    memset(b.ram.host + 0x30000, 0x77, 1024);
    program_dma(&b, false, 0x30000, 1024);
    SEND(&b, 0xc5, 0x00, 3, 0, 2, 2, 18, 0x1b, 0xff);
    assert_int_equal(receive(&b, result), 7);
    assert_memory_equal(result, "\0\0\0\x03\0\x04\x02", 7);
    program_dma(&b, true, 0x20000, 2048);
    SEND(&b, 0xe6, 0x00, 3, 0, 1, 2, 18, 0x1b, 0xff);
    receive(&b, result);
    assert_int_equal(load32(b.ram.host + 0x20000), 3 * 36);
    assert_int_equal(load32(b.ram.host + 0x20200), 0x77777777);
    assert_int_equal(load32(b.ram.host + 0x20400), 0x77777777);
    assert_int_equal(load32(b.ram.host + 0x20600), 3 * 36 + 3);
    assert_int_equal(fdc_activity(b.fdc, 0).bytes_written, 1024);
    close_bench(&b);
}

static void errors_of_transfers(void **state)
{
    struct bench b;
    u8 result[16];
    (void)state;
    open_bench(&b, 1474560, true);
    make_ready(&b, 0);
    program_dma(&b, true, 0x20000, 0x8000);
    SEND(&b, 0x46, 0x00, 0, 0, 17, 2, 18, 0x1b, 0xff); /* EOT before the terminal count */
    assert_int_equal(receive(&b, result), 7);
    assert_memory_equal(result, "\x40\x80\0\x01\0\x01\x02", 7);
    SEND(&b, 0x46, 0x00, 0, 0, 19, 2, 19, 0x1b, 0xff); /* no such sector */
    receive(&b, result);
    assert_memory_equal(result, "\x40\x04\0\0\0\x13\x02", 7);
    SEND(&b, 0x46, 0x00, 5, 0, 1, 2, 18, 0x1b, 0xff); /* another cylinder */
    receive(&b, result);
    assert_memory_equal(result, "\x40\x04\x10\x05\0\x01\x02", 7);
    SEND(&b, 0x45, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff); /* protected */
    receive(&b, result);
    assert_memory_equal(result, "\x40\x02\0\0\0\x01\x02", 7);
    out8(&b, 0x3f7, 2); /* 250 kbit/s */
    SEND(&b, 0x4a, 0x00);
    receive(&b, result);
    assert_int_equal(result[0], 0x40);
    assert_int_equal(result[1], 0x05);
    out8(&b, 0x3f7, 0);
    SEND(&b, 0x4a, 0x04);
    receive(&b, result);
    assert_memory_equal(result, "\x04\0\0\0\x01\x01\x02", 7);
    out8(&b, 0x0a, 0x06); /* a masked channel: overrun */
    SEND(&b, 0x46, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    receive(&b, result);
    assert_int_equal(result[0], 0x40);
    assert_int_equal(result[1], 0x10);
    SEND(&b, 0x46, 0x01, 0, 0, 1, 2, 18, 0x1b, 0xff); /* no drive 1 */
    receive(&b, result);
    assert_int_equal(result[0], 0x41);
    SEND(&b, 0x07, 0x01);
    SEND(&b, 0x08);
    assert_int_equal(receive(&b, result), 2);
    assert_int_equal(result[0], 0x71);
    close_bench(&b);
}

static void format_verify_scan_and_read_track(void **state)
{
    struct bench b;
    u8 result[16];
    (void)state;
    open_bench(&b, 737280, false);
    make_ready(&b, 2);
    seek_to(&b, 2);
    for (u8 i = 0; i < 9; i++) {
        memcpy(b.ram.host + 0x20000 + i * 4, ((const u8[]){2, 1, (u8)(i + 1), 2}), 4);
    }
    program_dma(&b, false, 0x20000, 36);
    SEND(&b, 0x4d, 0x04, 2, 9, 0x50, 0xf6);
    assert_int_equal(receive(&b, result), 7);
    assert_int_equal(result[0], 0x04);
    program_dma(&b, true, 0x30000, 10 * 512);
    SEND(&b, 0xc6, 0x00, 2, 0, 9, 2, 9, 0x1b, 0xff);
    receive(&b, result);
    assert_int_equal(load32(b.ram.host + 0x30000), 2 * 18 + 8);
    assert_int_equal(load32(b.ram.host + 0x30200), 0xf6f6f6f6);
    assert_int_equal(load32(b.ram.host + 0x30000 + 9 * 512), 0xf6f6f6f6);

    SEND(&b, 0x56, 0x00, 2, 0, 1, 2, 9, 0x1b, 0xff);
    receive(&b, result);
    assert_memory_equal(result, "\0\0\0\x03\0\x01\x02", 7);
    SEND(&b, 0xd6, 0x80, 2, 0, 8, 2, 9, 0x1b, 3); /* three sectors over the edge */
    receive(&b, result);
    assert_memory_equal(result, "\x04\0\0\x02\x01\x02\x02", 7);

    program_dma(&b, true, 0x30000, 3 * 512);
    SEND(&b, 0x42, 0x00, 2, 0, 1, 2, 9, 0x1b, 0xff);
    receive(&b, result);
    assert_int_equal(load32(b.ram.host + 0x30400), 2 * 18 + 2);

    memset(b.ram.host + 0x40000, 0xf6, 512);
    program_dma(&b, false, 0x40000, 512);
    SEND(&b, 0x51, 0x04, 2, 1, 4, 2, 9, 0x1b, 1);
    receive(&b, result);
    assert_memory_equal(result, "\x04\0\x08\x02\x01\x04\x02", 7);
    b.ram.host[0x40000] = 0xf5;
    program_dma(&b, false, 0x40000, 512);
    SEND(&b, 0x51, 0x04, 2, 1, 4, 2, 9, 0x1b, 1);
    receive(&b, result);
    assert_int_equal(result[2], 0x04);
    program_dma(&b, false, 0x40000, 512);
    SEND(&b, 0x5d, 0x04, 2, 1, 4, 2, 9, 0x1b, 1); /* high or equal: the disk has more */
    receive(&b, result);
    assert_int_equal(result[2], 0x00);
    close_bench(&b);
}

static void transfers_without_dma(void **state)
{
    struct bench b;
    u8 result[16], sector[512];
    (void)state;
    open_bench(&b, 1474560, false);
    make_ready(&b, 0);
    SEND(&b, 0x03, 0xaf, 0x03);
    SEND(&b, 0x46, 0x00, 0, 0, 18, 2, 18, 0x1b, 0xff);
    assert_int_equal(in8(&b, 0x3f4) & 0xf0, 0xf0);
    assert_true(b.irq.level);
    for (int i = 0; i < 512; i++) {
        assert_int_equal(in8(&b, 0x3f4) & 0xf0, 0xf0);
        sector[i] = in8(&b, 0x3f5);
    }
    settle(&b);
    assert_int_equal(load32(sector), 17);
    assert_int_equal(receive(&b, result), 7);
    assert_int_equal(result[1], 0x80);
    SEND(&b, 0x45, 0x00, 0, 0, 18, 2, 18, 0x1b, 0xff);
    for (int i = 0; i < 512; i++) {
        assert_int_equal(in8(&b, 0x3f4) & 0xf0, 0xb0);
        out8(&b, 0x3f5, 0x42);
    }
    settle(&b);
    assert_int_equal(receive(&b, result), 7);
    SEND(&b, 0x03, 0xaf, 0x02);
    program_dma(&b, true, 0x20000, 512);
    SEND(&b, 0x46, 0x00, 0, 0, 18, 2, 18, 0x1b, 0xff);
    receive(&b, result);
    assert_int_equal(load32(b.ram.host + 0x20000), 0x42424242);
    close_bench(&b);
}

static void the_change_line(void **state)
{
    struct bench b;
    struct image other;
    struct error err;
    u8 result[16];
    (void)state;
    open_bench(&b, 1474560, false);
    out8(&b, 0x3f2, 0x1c);
    assert_int_equal(in8(&b, 0x3f7) & 0x80, 0x80);
    out8(&b, 0x3f2, 0x00);
    make_ready(&b, 0);
    assert_int_equal(in8(&b, 0x3f7) & 0x80, 0);
    image_make(&other, 737280);
    assert_true(fdc_change_media(b.fdc, 0, image_open(&other, false), &err));
    assert_int_equal(in8(&b, 0x3f7) & 0x80, 0x80);
    seek_to(&b, 1);
    assert_int_equal(in8(&b, 0x3f7) & 0x80, 0);
    SEND(&b, 0x4a, 0x00);
    receive(&b, result);
    assert_int_equal(result[0], 0x40); /* that disk wants 250 kbit/s */
    assert_true(fdc_change_media(b.fdc, 0, NULL, &err));
    seek_to(&b, 0);
    assert_int_equal(in8(&b, 0x3f7) & 0x80, 0x80);
    image_remove(&other);
    image_make(&other, 2949120);
    struct block *large = image_open(&other, false);
    assert_false(fdc_change_media(b.fdc, 0, large, &err));
    assert_true(fdc_add_drive(b.fdc, 1, large, &err));
    assert_int_equal(fdc_drive_type(b.fdc, 1), FDC_2880K);
    close_bench(&b);
    image_remove(&other);
}

static void a_short_image_reads_as_zeroes(void **state)
{
    struct bench b;
    u8 result[16];
    (void)state;
    open_bench(&b, 5 * 512, false);
    assert_int_equal(fdc_drive_type(b.fdc, 0), FDC_1440K);
    make_ready(&b, 0);
    memset(b.ram.host + 0x20000, 0xff, 1024);
    program_dma(&b, true, 0x20000, 1024);
    SEND(&b, 0x46, 0x00, 0, 0, 5, 2, 18, 0x1b, 0xff);
    receive(&b, result);
    assert_int_equal(result[0], 0);
    assert_int_equal(load32(b.ram.host + 0x20000), 4);
    assert_int_equal(load32(b.ram.host + 0x20200), 0);
    close_bench(&b);
}

static void saves_and_resets(void **state)
{
    struct bench b, fresh;
    (void)state;
    open_bench(&b, 1474560, false);
    open_bench(&fresh, 1474560, false);
    make_ready(&b, 0);
    seek_to(&b, 4);
    assert_saves(b.fdc);
    program_dma(&b, true, 0x20000, 1024);
    static const u8 read[] = {0x46, 0x00, 4, 0, 1, 2, 18, 0x1b, 0xff};
    for (unsigned i = 0; i < sizeof read; i++) {
        out8(&b, 0x3f5, read[i]);
    }
    assert_saves(b.fdc);
    settle(&b);
    assert_saves(b.fdc);
    assert_int_equal(load32(b.ram.host + 0x20000), 4 * 36);
    device_reset(b.fdc);
    assert_same_state(b.fdc, fresh.fdc);
    close_bench(&b);
    close_bench(&fresh);
}

static void fuzz(struct bench *b, u64 seed, int accesses)
{
    static const u8 commands[] = {0x03, 0x04, 0x07, 0x08, 0x0f, 0x13, 0x12, 0x42, 0x45, 0x46, 0x4a,
                                  0x4d, 0x51, 0x56, 0x59, 0x5d, 0x8e, 0xc5, 0xe6, 0xcc, 0x8f, 0xcf};
    for (int i = 0; i < accesses; i++) {
        u32 pick = next_random(&seed) % 32;
        u8 value = next_random(&seed) % 3 ? (u8)(next_random(&seed) % 20) : (u8)next_random(&seed);
        if (pick < 3) {
            out8(b, (u16)(0x3f0 + next_random(&seed) % 8), value);
        } else if (pick < 8) {
            in8(b, (u16)(0x3f0 + next_random(&seed) % 8));
        } else if (pick < 10) {
            out8(b, 0x3f2, 0x1c);
        } else if (pick == 10) {
            program_dma(b, value & 1, 0x20000, (u16)next_random(&seed));
        } else if (pick < 16) {
            out8(b, 0x3f5, commands[next_random(&seed) % sizeof commands]);
        } else if (pick < 28) {
            out8(b, 0x3f5, value);
        } else {
            settle(b);
        }
    }
}

static void random_accesses_do_no_harm(void **state)
{
    struct bench b;
    (void)state;
    for (u64 seed = 1; seed <= 3; seed++) {
        open_bench(&b, seed == 1 ? 1474560 : seed == 2 ? 368640 : 163840, seed == 3);
        fuzz(&b, seed, 60000);
        assert_saves(b.fdc);
        close_bench(&b);
    }
}

static void damaged_states_do_no_harm(void **state)
{
    struct bench b;
    u64 seed = 5;
    (void)state;
    open_bench(&b, 1474560, false);
    make_ready(&b, 0);
    for (int i = 0; i < 2000; i++) {
        struct blob blob = {0};
        struct error err;
        device_save(b.fdc, &blob);
        for (int n = 0; n < 10; n++) {
            blob.data[next_random(&seed) % 900] ^= (u8)(1u << next_random(&seed) % 8);
        }
        if (device_load(b.fdc, &blob, &err)) {
            fuzz(&b, seed, 40);
        }
        blob_free(&blob);
    }
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identification),
        cmocka_unit_test(reads_and_writes_by_dma),
        cmocka_unit_test(errors_of_transfers),
        cmocka_unit_test(format_verify_scan_and_read_track),
        cmocka_unit_test(transfers_without_dma),
        cmocka_unit_test(the_change_line),
        cmocka_unit_test(a_short_image_reads_as_zeroes),
        cmocka_unit_test(saves_and_resets),
        cmocka_unit_test(random_accesses_do_no_harm),
        cmocka_unit_test(damaged_states_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
