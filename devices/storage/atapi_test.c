/*
 * atapi_test.c: the CD-ROM drive through its ports: packets by PIO and DMA, sense, media changes.
 */
#include "devices/storage/ide_test_bench.h"

#define SECTORS 1000u /* of 2048 bytes */

struct cd_bench {
    struct bench bench;
    struct image image;
};

static void open_cd(struct cd_bench *d)
{
    bench_open(&d->bench);
    image_make(&d->image, SECTORS * 2048);
    ide_attach_cdrom(d->bench.ide, 2, image_open(&d->image, true), NULL);
}

static void close_cd(struct cd_bench *d)
{
    bench_close(&d->bench);
    image_remove(&d->image);
}

static u16 byte_count(struct bench *b)
{
    return (u16)(in8(b, 0x174) | in8(b, 0x175) << 8);
}

/* Sends a packet; true: it has data, or has ended, well. */
static bool send(struct bench *b, const u8 *packet, u16 limit, bool dma)
{
    out8(b, 0x176, 0xa0);
    out8(b, 0x171, dma);
    out8(b, 0x174, (u8)limit);
    out8(b, 0x175, (u8)(limit >> 8));
    out8(b, 0x177, 0xa0);
    assert_int_equal(in8(b, 0x177) & 0x89, 0x08);
    assert_int_equal(in8(b, 0x172), 1); /* command, from the host */
    data_out(b, 0x170, packet, 12);
    settle(b);
    return !(in8(b, 0x376) & 1);
}

/* All data of a packet by PIO. Returns its length, or -1 on an error. */
static int run(struct bench *b, const u8 *packet, u8 *data, u16 limit)
{
    int length = 0;
    if (!send(b, packet, limit, false)) {
        return -1;
    }
    while (in8(b, 0x177) & 0x08) {
        assert_int_equal(in8(b, 0x172), 2); /* data, to the host */
        u16 n = byte_count(b);
        assert_true(n > 0 && n <= (limit ? limit : 0xfffe));
        data_in(b, 0x170, data + length, (n + 1u) & ~1u);
        length += n;
        settle(b);
    }
    assert_int_equal(in8(b, 0x172), 3);
    return in8(b, 0x177) & 1 ? -1 : length;
}

static u32 sense(struct bench *b)
{
    static const u8 packet[12] = {0x03, 0, 0, 0, 18};
    u8 data[64];
    assert_int_equal(run(b, packet, data, 0xffff), 18);
    return (u32)data[2] << 16 | data[12] << 8 | data[13];
}

static int run_simple(struct bench *b, u8 opcode)
{
    u8 packet[12] = {opcode}, data[64];
    return run(b, packet, data, 0xffff);
}

/* After power-on the first command meets the unit attention. */
static void make_ready(struct bench *b)
{
    assert_int_equal(run_simple(b, 0x00), -1);
    assert_int_equal(sense(b), 0x062900);
    assert_int_equal(run_simple(b, 0x00), 0);
}

static void signature_and_identify(void **state)
{
    struct cd_bench d;
    u8 id[512];
    (void)state;
    open_cd(&d);
    struct bench *b = &d.bench;
    assert_int_equal(byte_count(b), 0xeb14);
    out8(b, 0x174, 0);
    out8(b, 0x175, 0);
    out8(b, 0x177, 0xec);
    assert_int_equal(in8(b, 0x177), 0x51);
    assert_int_equal(in8(b, 0x171), 0x04);
    assert_int_equal(byte_count(b), 0xeb14);
    unsigned edges = b->irq[1].edges;
    out8(b, 0x177, 0xa1);
    assert_int_equal(in8(b, 0x177), 0x58);
    data_in(b, 0x170, id, 512);
    assert_int_equal(load16(id), 0x85c0);
    assert_memory_equal(id + 54, "IRGNISEDD DVR-MO", 16);
    assert_int_equal(in8(b, 0x177), 0x50);
    assert_int_equal(b->irq[1].edges, edges + 1);
    out8(b, 0x177, 0x08); /* DEVICE RESET: no interrupt */
    assert_int_equal(in8(b, 0x177), 0x00);
    assert_int_equal(byte_count(b), 0xeb14);
    assert_int_equal(b->irq[1].edges, edges + 1);
    close_cd(&d);
}

static void reads_by_pio(void **state)
{
    struct cd_bench d;
    u8 *data = mem_zeroed(1, 200 * 2048);
    (void)state;
    open_cd(&d);
    struct bench *b = &d.bench;
    make_ready(b);
    const u8 read10[12] = {0x28, 0, 0, 0, 0, 17, 0, 0, 2};
    assert_int_equal(run(b, read10, data, 2048), 4096);
    assert_int_equal(load32(data), 17 * 4);
    assert_int_equal(load32(data + 2048), 18 * 4);
    const u8 read12[12] = {0xa8, 0, 0, 0, 1, 0, 0, 0, 0, 200};
    assert_int_equal(run(b, read12, data, 0), 200 * 2048);
    for (u32 i = 0; i < 800; i++) {
        assert_int_equal(load32(data + i * 512), 256 * 4 + i);
    }
    const u8 beyond[12] = {0x28, 0, 0, 0, 0x03, 0xe7, 0, 0, 2};
    assert_int_equal(run(b, beyond, data, 2048), -1);
    assert_int_equal(in8(b, 0x171) >> 4, 5);
    assert_int_equal(sense(b), 0x052100);
    close_cd(&d);
    free(data);
}

static void reads_by_dma(void **state)
{
    struct cd_bench d;
    (void)state;
    open_cd(&d);
    struct bench *b = &d.bench;
    make_ready(b);
    put_prd(b, 0, 0x20000, 0, false);
    put_prd(b, 1, 0x30000, 0, false);
    put_prd(b, 2, 0x40000, 4096, true);
    const u8 packet[12] = {0x28, 0, 0, 0, 0, 5, 0, 0, 66};
    assert_true(send(b, packet, 0xffff, true));
    bm_start(b, 1, true);
    settle(b);
    assert_int_equal(in8(b, BM_BASE + 8 + 2) & 7, 4);
    assert_int_equal(in8(b, 0x172), 3);
    assert_int_equal(in8(b, 0x177), 0x50);
    assert_int_equal(load32(b->ram.host + 0x20000), 20);
    assert_int_equal(load32(b->ram.host + 0x40000 + 2048), (5 + 65) * 4);
    close_cd(&d);
}

static void raw_sectors(void **state)
{
    struct cd_bench d;
    static u8 data[60 * 2352];
    (void)state;
    open_cd(&d);
    struct bench *b = &d.bench;
    make_ready(b);
    const u8 raw[12] = {0xbe, 0, 0, 0, 0, 10, 0, 0, 60, 0xf8};
    assert_int_equal(run(b, raw, data, 2352), 60 * 2352);
    for (u32 i = 0; i < 60; i++) {
        const u8 *sector = data + i * 2352;
        u32 frame = 10 + i + 150;
        assert_int_equal(sector[0], 0);
        assert_int_equal(sector[1], 0xff);
        assert_int_equal(sector[13] * 75 + sector[14], frame);
        assert_int_equal(sector[15], 1);
        assert_int_equal(load32(sector + 16), (10 + i) * 4);
    }
    const u8 user[12] = {0xbe, 0, 0, 0, 0, 10, 0, 0, 1, 0x10};
    assert_int_equal(run(b, user, data, 0xffff), 2048);
    const u8 header[12] = {0xbe, 0, 0, 0, 0, 10, 0, 0, 3, 0x20};
    assert_int_equal(run(b, header, data, 0xffff), 12);
    assert_int_equal(data[5] * 75 + data[6], 11 + 150);
    close_cd(&d);
}

static void what_is_on_the_disc(void **state)
{
    struct cd_bench d;
    u8 data[512];
    (void)state;
    open_cd(&d);
    struct bench *b = &d.bench;
    make_ready(b);
    const u8 capacity[12] = {0x25};
    assert_int_equal(run(b, capacity, data, 0xffff), 8);
    assert_memory_equal(data, "\0\0\x03\xe7\0\0\x08\0", 8);
    const u8 toc[12] = {0x43, 0x02, 0, 0, 0, 0, 0, 0, 100};
    assert_int_equal(run(b, toc, data, 0xffff), 20);
    assert_memory_equal(data, "\0\x12\1\1\0\x14\1\0\0\0\2\0\0\x14\xaa\0\0\0\x0f\x19", 20);
    const u8 lead_out[12] = {0x43, 0, 0, 0, 0, 0, 0xaa, 0, 12};
    assert_int_equal(run(b, lead_out, data, 0xffff), 12);
    assert_memory_equal(data + 8, "\0\0\x03\xe8", 4);
    const u8 session[12] = {0x43, 0, 1, 0, 0, 0, 0, 0, 12};
    assert_int_equal(run(b, session, data, 0xffff), 12);
    const u8 full[12] = {0x43, 0, 2, 0, 0, 0, 0, 1, 0};
    assert_int_equal(run(b, full, data, 0xffff), 48);
    const u8 information[12] = {0x51, 0, 0, 0, 0, 0, 0, 0, 34};
    assert_int_equal(run(b, information, data, 0xffff), 34);
    const u8 position[12] = {0x42, 0, 0x40, 1, 0, 0, 0, 0, 16};
    assert_int_equal(run(b, position, data, 0xffff), 16);
    const u8 seek[12] = {0x2b, 0, 0, 0, 0x03, 0xe8};
    assert_int_equal(run(b, seek, data, 0xffff), -1);
    close_cd(&d);
}

static void what_the_drive_is(void **state)
{
    struct cd_bench d;
    u8 data[512];
    (void)state;
    open_cd(&d);
    struct bench *b = &d.bench;
    const u8 inquiry[12] = {0x12, 0, 0, 0, 36};
    assert_int_equal(run(b, inquiry, data, 0xffff), 36); /* before the unit attention */
    assert_int_equal(data[0], 5);
    assert_memory_equal(data + 8, "RINGSIDEDVD-ROM         1.0 ", 28);
    const u8 configuration[12] = {0x46, 0, 0, 0, 0, 0, 0, 1, 0};
    int length = run(b, configuration, data, 0xffff);
    assert_true(length > 8);
    assert_int_equal(data[2] << 8 | data[3], length - 4);
    assert_int_equal(data[7], 0x08);
    make_ready(b);
    const u8 capabilities[12] = {0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 100};
    assert_int_equal(run(b, capabilities, data, 0xffff), 28);
    assert_int_equal(data[1], 26);
    assert_int_equal(data[8], 0x2a);
    const u8 all[12] = {0x1a, 0, 0x3f, 0, 200};
    assert_int_equal(run(b, all, data, 0xffff), 4 + 8 + 16 + 12 + 20);
    const u8 none[12] = {0x5a, 0, 0x05, 0, 0, 0, 0, 0, 100};
    assert_int_equal(run(b, none, data, 0xffff), -1);
    assert_int_equal(sense(b), 0x052400);
    assert_int_equal(run_simple(b, 0xff), -1);
    assert_int_equal(sense(b), 0x052000);
    const u8 mechanism[12] = {0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8};
    assert_int_equal(run(b, mechanism, data, 0xffff), 8);
    const u8 odd[12] = {0x12, 0, 0, 0, 5};
    assert_int_equal(run(b, odd, data, 0xffff), 5);
    close_cd(&d);
}

static u8 media_event(struct bench *b, u8 *status)
{
    static const u8 packet[12] = {0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8};
    u8 data[16];
    assert_int_equal(run(b, packet, data, 0xffff), 8);
    assert_int_equal(data[2], 4);
    *status = data[5];
    return data[4];
}

static void media_changes(void **state)
{
    struct cd_bench d;
    struct image other;
    struct error err;
    u8 data[4096], status;
    (void)state;
    open_cd(&d);
    struct bench *b = &d.bench;
    make_ready(b);
    image_make(&other, 600 * 2048);
    assert_true(ide_change_media(b->ide, 2, image_open(&other, true), false, &err));
    assert_int_equal(media_event(b, &status), 2);
    assert_int_equal(status, 2);
    assert_int_equal(run_simple(b, 0x00), -1);
    assert_int_equal(sense(b), 0x023a00);
    assert_int_equal(run_simple(b, 0x00), -1);
    assert_int_equal(sense(b), 0x062800);
    assert_int_equal(run_simple(b, 0x00), 0);
    const u8 capacity[12] = {0x25};
    assert_int_equal(run(b, capacity, data, 0xffff), 8);
    assert_int_equal(data[2] << 8 | data[3], 599);

    const u8 lock[12] = {0x1e, 0, 0, 0, 1}, unlock[12] = {0x1e};
    const u8 eject[12] = {0x1b, 0, 0, 0, 2}, load[12] = {0x1b, 0, 0, 0, 3};
    assert_int_equal(run(b, lock, data, 0xffff), 0);
    assert_false(ide_change_media(b->ide, 2, NULL, false, &err));
    assert_int_equal(media_event(b, &status), 1);
    assert_int_equal(run(b, eject, data, 0xffff), -1);
    assert_int_equal(sense(b), 0x055302);
    assert_int_equal(run(b, unlock, data, 0xffff), 0);
    assert_int_equal(run(b, eject, data, 0xffff), 0);
    assert_int_equal(media_event(b, &status), 3);
    assert_int_equal(status, 1);
    assert_int_equal(run_simple(b, 0x00), -1);
    assert_int_equal(sense(b), 0x023a02);
    assert_int_equal(run(b, load, data, 0xffff), 0);
    assert_int_equal(run_simple(b, 0x00), -1);
    assert_int_equal(sense(b), 0x062800);
    assert_int_equal(run_simple(b, 0x00), 0);

    assert_true(ide_change_media(b->ide, 2, NULL, false, &err));
    assert_int_equal(run_simple(b, 0x00), -1);
    assert_int_equal(sense(b), 0x023a01);
    assert_false(ide_change_media(b->ide, 0, NULL, false, &err));
    bench_close(b);
    image_remove(&d.image);
    image_remove(&other);
}

/* The disc goes away between two chunks of one READ. */
static void a_disc_leaves_during_a_read(void **state)
{
    struct cd_bench d;
    struct error err;
    static u8 data[64 * 2048];
    (void)state;
    open_cd(&d);
    struct bench *b = &d.bench;
    make_ready(b);
    const u8 packet[12] = {0x28, 0, 0, 0, 0, 0, 0, 0, 100};
    assert_true(send(b, packet, 2048, false));
    assert_true(ide_change_media(b->ide, 2, NULL, true, &err));
    for (int i = 0; i < 64; i++) {
        data_in(b, 0x170, data, 2048);
    }
    settle(b);
    assert_int_equal(in8(b, 0x177), 0x51);
    assert_int_equal(sense(b), 0x031100);
    close_cd(&d);
}

static void saves_and_resets(void **state)
{
    struct cd_bench d, fresh;
    u8 data[4096];
    (void)state;
    open_cd(&d);
    open_cd(&fresh);
    struct bench *b = &d.bench;
    make_ready(b);
    const u8 packet[12] = {0x28, 0, 0, 0, 0, 3, 0, 0, 2};
    assert_true(send(b, packet, 2048, false));
    assert_saves(b->ide);
    data_in(b, 0x170, data, 2048);
    assert_int_equal(load32(data), 12);
    assert_saves(b->ide);
    device_reset(b->ide);
    assert_same_state(b->ide, fresh.bench.ide);
    close_cd(&d);
    close_cd(&fresh);
}

/* Random packets, then random accesses. */
static void random_packets_do_no_harm(void **state)
{
    struct cd_bench d;
    u64 seed = 7;
    (void)state;
    open_cd(&d);
    struct bench *b = &d.bench;
    static const u8 opcodes[] = {0x00, 0x03, 0x12, 0x1a, 0x1b, 0x1e, 0x25, 0x28, 0x42,
                                 0x43, 0x46, 0x4a, 0x51, 0x5a, 0xa8, 0xbd, 0xbe};
    for (int i = 0; i < 20000; i++) {
        u8 packet[12];
        for (unsigned n = 0; n < 12; n++) {
            packet[n] = next_random(&seed) % 4 ? 0 : (u8)next_random(&seed);
        }
        packet[0] = opcodes[next_random(&seed) % sizeof opcodes];
        out8(b, 0x171, next_random(&seed) % 4 == 0);
        out8(b, 0x174, (u8)next_random(&seed));
        out8(b, 0x175, next_random(&seed) % 16);
        out8(b, 0x177, 0xa0);
        data_out(b, 0x170, packet, 12);
        settle(b);
        if (next_random(&seed) % 8 == 0) {
            bm_start(b, 1, true);
        }
        for (unsigned n = next_random(&seed) % 3000; n-- && in8(b, 0x177) & 8;) {
            in16(b, 0x170);
        }
        settle(b);
        if (in8(b, 0x376) & 0x88) {
            out8(b, 0x177, 0x08);
        }
    }
    fuzz(b, 11, 50000);
    assert_saves(b->ide);
    close_cd(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signature_and_identify), cmocka_unit_test(reads_by_pio),
        cmocka_unit_test(reads_by_dma),           cmocka_unit_test(raw_sectors),
        cmocka_unit_test(what_is_on_the_disc),    cmocka_unit_test(what_the_drive_is),
        cmocka_unit_test(media_changes),          cmocka_unit_test(a_disc_leaves_during_a_read),
        cmocka_unit_test(saves_and_resets),       cmocka_unit_test(random_packets_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
