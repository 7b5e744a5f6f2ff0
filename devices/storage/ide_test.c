/*
 * ide_test.c: channels, ATA disks and the bus master, through their ports.
 */
#include "devices/storage/ide_test_bench.h"
#include "devices/storage/piix3_ide.h"

#define SECTORS 4096u

struct disk_bench {
    struct bench bench;
    struct image image;
};

static void open_disk(struct disk_bench *d)
{
    bench_open(&d->bench);
    image_make(&d->image, SECTORS * 512);
    ide_attach_disk(d->bench.ide, 0, image_open(&d->image, false), NULL);
}

static void close_disk(struct disk_bench *d)
{
    bench_close(&d->bench);
    image_remove(&d->image);
}

static void absent_drives_read_as_zero(void **state)
{
    struct disk_bench d;
    (void)state;
    open_disk(&d);
    struct bench *b = &d.bench;
    assert_int_equal(in8(b, 0x177), 0);
    assert_int_equal(in8(b, 0x376), 0);
    out8(b, 0x1f6, 0xb0);
    out8(b, 0x1f2, 0x55);
    assert_int_equal(in8(b, 0x1f2), 0);
    assert_int_equal(in8(b, 0x1f7), 0);
    out8(b, 0x1f7, 0xec);
    settle(b);
    assert_int_equal(in8(b, 0x1f7), 0);
    assert_false(b->irq[0].level);
    out8(b, 0x1f6, 0xa0);
    assert_int_equal(in8(b, 0x1f7), 0x50);
    close_disk(&d);
}

static void soft_reset_gives_the_signature(void **state)
{
    struct disk_bench d;
    (void)state;
    open_disk(&d);
    struct bench *b = &d.bench;
    command28(b, 0x1f0, 0x20, 0xe0, 0x1234, 1);
    out8(b, 0x3f6, 0x04);
    assert_int_equal(in8(b, 0x1f7), 0x80);
    out8(b, 0x3f6, 0x00);
    settle(b);
    assert_int_equal(in8(b, 0x1f7), 0x50);
    assert_int_equal(in8(b, 0x1f1), 0x01);
    assert_int_equal(in8(b, 0x1f2), 0x01);
    assert_int_equal(in8(b, 0x1f3), 0x01);
    assert_int_equal(in8(b, 0x1f4), 0x00);
    assert_int_equal(in8(b, 0x1f5), 0x00);
    assert_false(b->irq[0].level);
    close_disk(&d);
}

static void identify_has_the_words(void **state)
{
    struct disk_bench d;
    u8 id[512], sum = 0;
    (void)state;
    open_disk(&d);
    struct bench *b = &d.bench;
    command28(b, 0x1f0, 0xec, 0xa0, 0, 0);
    assert_true(b->irq[0].level);
    assert_int_equal(in8(b, 0x3f6), 0x58);
    assert_true(b->irq[0].level); /* alternate status acknowledges nothing */
    assert_int_equal(in8(b, 0x1f7), 0x58);
    assert_false(b->irq[0].level);
    data_in(b, 0x1f0, id, 512);
    assert_int_equal(in8(b, 0x1f7), 0x50);
    assert_int_equal(b->irq[0].edges, 1);
    assert_memory_equal(id + 54, "IRGNISEDH RADDSI K", 18);
    assert_int_equal(load16(id + 2), 4); /* cylinders of 16 heads, 63 sectors */
    assert_int_equal(load16(id + 6), 16);
    assert_int_equal(load16(id + 12), 63);
    assert_int_equal(load32(id + 120), SECTORS);
    assert_int_equal(load64(id + 200), SECTORS);
    assert_int_equal(load16(id + 166) & 0x0400, 0x0400);
    for (int i = 0; i < 512; i++) {
        sum = (u8)(sum + id[i]);
    }
    assert_int_equal(sum, 0);
    close_disk(&d);
}

static void pio_reads_by_every_address(void **state)
{
    struct disk_bench d;
    u8 sector[512];
    (void)state;
    open_disk(&d);
    struct bench *b = &d.bench;

    command28(b, 0x1f0, 0x20, 0xe0, 1000, 2);
    assert_int_equal(in8(b, 0x3f6), 0x80); /* busy until the image has answered */
    settle(b);
    assert_int_equal(b->irq[0].edges, 1);
    for (u32 i = 0; i < 2; i++) {
        assert_int_equal(in8(b, 0x1f7), 0x58);
        data_in(b, 0x1f0, sector, 512);
        assert_int_equal(load32(sector), 1000 + i);
    }
    assert_int_equal(b->irq[0].edges, 2);
    assert_int_equal(in8(b, 0x1f7), 0x50);
    assert_int_equal(in8(b, 0x1f2), 0);
    assert_int_equal(in8(b, 0x1f3) | in8(b, 0x1f4) << 8, 1001);

    /* cylinder 1, head 2, sector 3 of 16 x 63 */
    command28(b, 0x1f0, 0x20, 0xa2, 1 << 8 | 3, 1);
    settle(b);
    data_in(b, 0x1f0, sector, 512);
    assert_int_equal(load32(sector), (1 * 16 + 2) * 63 + 2);

    command48(b, 0x1f0, 0x24, 0xe0, 2000, 300);
    settle(b);
    for (u32 i = 0; i < 300; i++) {
        data_in(b, 0x1f0, sector, 512);
        assert_int_equal(load32(sector), 2000 + i);
        settle(b);
    }
    assert_int_equal(in8(b, 0x1f7), 0x50);
    close_disk(&d);
}

static void a_new_translation_counts(void **state)
{
    struct disk_bench d;
    u8 sector[512];
    (void)state;
    open_disk(&d);
    struct bench *b = &d.bench;
    command28(b, 0x1f0, 0x91, 0xa7, 0, 32); /* 8 heads, 32 sectors */
    assert_int_equal(in8(b, 0x1f7), 0x50);
    command28(b, 0x1f0, 0x20, 0xa7, 2 << 8 | 32, 1);
    settle(b);
    data_in(b, 0x1f0, sector, 512);
    assert_int_equal(load32(sector), (2 * 8 + 7) * 32 + 31);
    command28(b, 0x1f0, 0x20, 0xa0, 33, 1); /* no such sector */
    settle(b);
    assert_int_equal(in8(b, 0x1f7), 0x51);
    assert_int_equal(in8(b, 0x1f1), 0x10);
    close_disk(&d);
}

static void multiple_moves_blocks(void **state)
{
    struct disk_bench d;
    u8 data[5 * 512];
    (void)state;
    open_disk(&d);
    struct bench *b = &d.bench;
    command28(b, 0x1f0, 0xc4, 0xe0, 0, 5); /* not set yet */
    assert_int_equal(in8(b, 0x1f7), 0x51);
    assert_int_equal(in8(b, 0x1f1), 0x04);
    command28(b, 0x1f0, 0xc6, 0xe0, 0, 3);
    assert_int_equal(in8(b, 0x1f7), 0x51);
    command28(b, 0x1f0, 0xc6, 0xe0, 0, 4);
    assert_int_equal(in8(b, 0x1f7), 0x50);
    unsigned edges = b->irq[0].edges;
    command28(b, 0x1f0, 0xc4, 0xe0, 70, 5);
    settle(b);
    assert_int_equal(b->irq[0].edges, edges + 1);
    in8(b, 0x1f7);
    data_in(b, 0x1f0, data, 4 * 512);
    assert_int_equal(b->irq[0].edges, edges + 2);
    data_in(b, 0x1f0, data + 4 * 512, 512);
    for (u32 i = 0; i < 5; i++) {
        assert_int_equal(load32(data + i * 512), 70 + i);
    }
    in8(b, 0x1f7);
    memset(data, 0xa5, sizeof data);
    edges = b->irq[0].edges;
    command28(b, 0x1f0, 0xc5, 0xe0, 80, 5);
    assert_int_equal(in8(b, 0x1f7), 0x58); /* no interrupt for the first block */
    data_out(b, 0x1f0, data, 4 * 512);
    assert_int_equal(b->irq[0].edges, edges + 1);
    in8(b, 0x1f7);
    data_out(b, 0x1f0, data, 512);
    settle(b);
    assert_int_equal(b->irq[0].edges, edges + 2);
    assert_int_equal(in8(b, 0x1f7), 0x50);
    close_disk(&d);
}

static void pio_writes_reach_the_image(void **state)
{
    struct disk_bench d;
    u8 sector[512];
    (void)state;
    open_disk(&d);
    struct bench *b = &d.bench;
    command48(b, 0x1f0, 0x34, 0xe0, 100, 600);
    for (u32 i = 0; i < 600; i++) {
        assert_int_equal(in8(b, 0x1f7), 0x58);
        memset(sector, 0xc0, sizeof sector);
        store32(sector, 0x10000 + i);
        for (unsigned at = 0; at < 512; at += 4) {
            space_write(b->ports, 0x1f0, load32(sector + at), 4, false);
        }
        settle(b);
    }
    assert_int_equal(in8(b, 0x1f7), 0x50);
    out8(b, 0x1f7, 0xe7);
    settle(b);
    assert_int_equal(in8(b, 0x1f7), 0x50);
    command28(b, 0x1f0, 0x20, 0xe0, 699, 2);
    settle(b);
    data_in(b, 0x1f0, sector, 512);
    assert_int_equal(load32(sector), 0x10000 + 599);
    data_in(b, 0x1f0, sector, 512);
    assert_int_equal(load32(sector), 700);
    struct activity activity = ide_activity(b->ide, 0);
    assert_int_equal(activity.bytes_written, 600 * 512);
    assert_true(activity.reads > 0);
    close_disk(&d);
}

static void the_end_of_the_disk_is_the_end(void **state)
{
    struct disk_bench d;
    (void)state;
    open_disk(&d);
    struct bench *b = &d.bench;
    command28(b, 0x1f0, 0x20, 0xe0, SECTORS - 1, 2);
    settle(b);
    assert_int_equal(in8(b, 0x1f7), 0x51);
    assert_int_equal(in8(b, 0x1f1), 0x10);
    command48(b, 0x1f0, 0x24, 0xe0, 0xffffffffffff, 0);
    settle(b);
    assert_int_equal(in8(b, 0x1f7), 0x51);
    command28(b, 0x1f0, 0x40, 0xe0, SECTORS - 4, 4);
    settle(b);
    assert_int_equal(in8(b, 0x1f7), 0x50);
    command28(b, 0x1f0, 0xf8, 0xe0, 0, 0);
    assert_int_equal(in8(b, 0x1f3) | in8(b, 0x1f4) << 8, SECTORS - 1);
    close_disk(&d);
}

static void dma_follows_descriptors(void **state)
{
    struct disk_bench d;
    (void)state;
    open_disk(&d);
    struct bench *b = &d.bench;
    /* 512 sectors: two buffers of the drive's; descriptors of 64K, of an odd part, of the rest */
    put_prd(b, 0, 0x20000, 0, false);
    put_prd(b, 1, 0x40000, 0x1002, false);
    put_prd(b, 2, 0x50000, (u16)(0x30000 - 0x1002), false);
    put_prd(b, 2, 0x50000, 0xeffe, false);
    put_prd(b, 3, 0x60000, 0, false);
    put_prd(b, 4, 0x70000, 0, true);
    command48(b, 0x1f0, 0x25, 0xe0, 7, 512);
    bm_start(b, 0, true);
    assert_int_equal(in8(b, BM_BASE + 2) & 7, 1);
    settle(b);
    assert_true(b->irq[0].level);
    assert_int_equal(in8(b, BM_BASE + 2) & 7, 4);
    out8(b, BM_BASE, 0);
    assert_int_equal(in8(b, 0x1f7), 0x50);
    assert_int_equal(load32(b->ram.host + 0x20000), 7);
    assert_int_equal(load32(b->ram.host + 0x20000 + 127 * 512), 7 + 127);
    assert_int_equal(load32(b->ram.host + 0x40000), 7 + 128);
    assert_int_equal(load32(b->ram.host + 0x50000 + 510), 7 + 128 + 9);
    assert_int_equal(load32(b->ram.host + 0x70000 + 127 * 512), 7 + 511);

    store32(b->ram.host + 0x20000, 0xabcdef);
    put_prd(b, 0, 0x20000, 512, true);
    bm_start(b, 0, false); /* before the command: it waits */
    command28(b, 0x1f0, 0xca, 0xe0, 9, 1);
    settle(b);
    assert_int_equal(in8(b, 0x1f7), 0x50);
    assert_int_equal(in8(b, BM_BASE + 2) & 7, 4);
    u8 sector[512];
    command28(b, 0x1f0, 0x20, 0xe0, 9, 1);
    settle(b);
    data_in(b, 0x1f0, sector, 512);
    assert_int_equal(load32(sector), 0xabcdef);
    close_disk(&d);
}

static void dma_tables_too_short_and_too_long(void **state)
{
    struct disk_bench d;
    (void)state;
    open_disk(&d);
    struct bench *b = &d.bench;
    put_prd(b, 0, 0x20000, 512, true);
    command28(b, 0x1f0, 0xc8, 0xe0, 0, 2);
    bm_start(b, 0, true);
    settle(b);
    assert_int_equal(in8(b, BM_BASE + 2) & 7, 0); /* not active, no interrupt */
    assert_int_equal(in8(b, 0x3f6), 0x58);
    out8(b, 0x3f6, 4);
    out8(b, 0x3f6, 0);
    put_prd(b, 0, 0x20000, 4096, true);
    command28(b, 0x1f0, 0xc8, 0xe0, 0, 2);
    bm_start(b, 0, true);
    settle(b);
    assert_int_equal(in8(b, BM_BASE + 2) & 7, 5); /* active: the table goes on */
    assert_int_equal(in8(b, 0x1f7), 0x50);
    out8(b, BM_BASE, 0);
    /* a table in no memory */
    command28(b, 0x1f0, 0xc8, 0xe0, 0, 1);
    space_write(b->ports, BM_BASE + 4, 0x80000000, 4, false);
    out8(b, BM_BASE + 2, 6);
    out8(b, BM_BASE, 9);
    settle(b);
    assert_int_equal(in8(b, BM_BASE + 2) & 7, 2);
    close_disk(&d);
}

static void interrupts_obey_nien_and_selection(void **state)
{
    struct disk_bench d;
    struct image other;
    (void)state;
    open_disk(&d);
    struct bench *b = &d.bench;
    image_make(&other, 64 * 512);
    ide_attach_disk(b->ide, 1, image_open(&other, false), "ABC");
    out8(b, 0x3f6, 0x02);
    command28(b, 0x1f0, 0xe5, 0xa0, 0, 0);
    assert_false(b->irq[0].level);
    out8(b, 0x3f6, 0x00);
    assert_true(b->irq[0].level);
    out8(b, 0x1f6, 0xb0); /* the other drive does not want one */
    assert_false(b->irq[0].level);
    out8(b, 0x1f6, 0xa0);
    assert_true(b->irq[0].level);
    assert_int_equal(in8(b, 0x1f7), 0x50);
    assert_int_equal(in8(b, 0x1f2), 0xff);
    assert_false(b->irq[0].level);
    bench_close(b);
    image_remove(&d.image);
    image_remove(&other);
}

static void features_power_smart_and_refusals(void **state)
{
    struct disk_bench d;
    u8 data[512];
    (void)state;
    open_disk(&d);
    struct bench *b = &d.bench;
    out8(b, 0x1f1, 0x03);
    command28(b, 0x1f0, 0xef, 0xa0, 0, 0x45);
    assert_int_equal(in8(b, 0x1f7), 0x50);
    command28(b, 0x1f0, 0xec, 0xa0, 0, 0);
    data_in(b, 0x1f0, data, 512);
    assert_int_equal(load16(data + 88 * 2), 0x203f);
    out8(b, 0x1f1, 0x82); /* write cache off */
    command28(b, 0x1f0, 0xef, 0xa0, 0, 0);
    settle(b);
    assert_int_equal(in8(b, 0x1f7), 0x50);
    command28(b, 0x1f0, 0xec, 0xa0, 0, 0);
    data_in(b, 0x1f0, data, 512);
    assert_int_equal(load16(data + 85 * 2) & 0x20, 0);
    out8(b, 0x1f1, 0xda);
    command28(b, 0x1f0, 0xb0, 0xa0, 0xc24f00, 0);
    assert_int_equal(in8(b, 0x1f7), 0x50);
    assert_int_equal(in8(b, 0x1f4) | in8(b, 0x1f5) << 8, 0xc24f);
    command28(b, 0x1f0, 0xe0, 0xa0, 0, 0);
    settle(b);
    command28(b, 0x1f0, 0xe5, 0xa0, 0, 0);
    assert_int_equal(in8(b, 0x1f2), 0x00);
    static const u8 refused[] = {0x00, 0x08, 0xa0, 0xa1, 0xf1, 0xf5, 0xf9};
    for (size_t i = 0; i < sizeof refused; i++) {
        command28(b, 0x1f0, refused[i], 0xa0, 0, 0);
        assert_int_equal(in8(b, 0x1f7), 0x51);
        assert_int_equal(in8(b, 0x1f1), 0x04);
    }
    out8(b, 0x1f7, 0x90);
    assert_true(b->irq[0].level);
    assert_int_equal(in8(b, 0x1f7), 0x50);
    assert_int_equal(in8(b, 0x1f1), 0x01);
    command28(b, 0x1f0, 0xe6, 0xa0, 0, 0); /* sleeps until reset */
    in8(b, 0x1f7);
    command28(b, 0x1f0, 0xec, 0xa0, 0, 0);
    assert_int_equal(in8(b, 0x1f7) & 0x08, 0);
    out8(b, 0x3f6, 4);
    out8(b, 0x3f6, 0);
    command28(b, 0x1f0, 0xec, 0xa0, 0, 0);
    assert_int_equal(in8(b, 0x1f7), 0x58);
    close_disk(&d);
}

static void a_read_only_image_refuses_writes(void **state)
{
    struct bench b;
    struct image image;
    (void)state;
    bench_open(&b);
    image_make(&image, 64 * 512);
    ide_attach_disk(b.ide, 3, image_open(&image, true), NULL);
    command28(&b, 0x170, 0x30, 0xf0, 0, 1);
    assert_int_equal(in8(&b, 0x177), 0x51);
    assert_int_equal(in8(&b, 0x171), 0x04);
    assert_int_equal(b.irq[1].edges, 1);
    bench_close(&b);
    image_remove(&image);
}

static void trim_frees_ranges(void **state)
{
    struct disk_bench d;
    (void)state;
    open_disk(&d);
    struct bench *b = &d.bench;
    memset(b->ram.host + 0x20000, 0, 512);
    store64(b->ram.host + 0x20000, (u64)8 << 48 | 1024);
    store64(b->ram.host + 0x20008, (u64)0xffff << 48 | 0xffffffffffff); /* outside */
    put_prd(b, 0, 0x20000, 512, true);
    out8(b, 0x1f1, 0);
    out8(b, 0x1f1, 1);
    command48(b, 0x1f0, 0x06, 0xe0, 0, 1);
    bm_start(b, 0, false);
    settle(b);
    assert_int_equal(in8(b, 0x1f7), 0x50);
    close_disk(&d);
}

static void geometry_for_the_bios(void **state)
{
    struct disk_bench d;
    struct ide_geometry geometry;
    (void)state;
    open_disk(&d);
    assert_true(ide_geometry(d.bench.ide, 0, &geometry));
    assert_int_equal(geometry.cylinders, 4);
    assert_false(geometry.lba_translation);
    assert_false(ide_geometry(d.bench.ide, 1, &geometry));
    close_disk(&d);
}

static void the_pci_function_maps_the_bus_master(void **state)
{
    enum { DEVFN = PCI_DEVFN(1, 1), BAR4 = 0x20 };
    struct disk_bench d;
    (void)state;
    open_disk(&d);
    struct bench *b = &d.bench;
    struct pci_bus *bus = pci_bus_create(b->memory, b->ports);
    space_unmap(&b->bm_map);
    struct device *function = piix3_ide_create(bus, DEVFN, b->ide);
    assert_int_equal(pci_config_read(bus, DEVFN, 0, 4), 0x70108086);
    assert_int_equal(pci_config_read(bus, DEVFN, 8, 4), 0x01018000);
    pci_config_write(bus, DEVFN, BAR4, 0xffffffff, 4);
    assert_int_equal(pci_config_read(bus, DEVFN, BAR4, 4) & 0xffff, 0xfff1);
    pci_config_write(bus, DEVFN, BAR4, BM_BASE, 4);
    pci_config_write(bus, DEVFN, PCI_COMMAND, PCI_COMMAND_IO, 2);
    put_prd(b, 0, 0x20000, 512, true);
    command28(b, 0x1f0, 0xc8, 0xe0, 3, 1);
    bm_start(b, 0, true); /* not a bus master yet */
    settle(b);
    assert_int_equal(in8(b, BM_BASE + 2) & 7, 2);
    pci_config_write(bus, DEVFN, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MASTER, 2);
    out8(b, BM_BASE, 0);
    bm_start(b, 0, true);
    settle(b);
    assert_int_equal(in8(b, BM_BASE + 2) & 7, 4);
    assert_int_equal(load32(b->ram.host + 0x20000), 3);
    assert_saves(function);
    device_destroy(function);
    device_destroy(&bus->dev);
    close_disk(&d);
}

static void saves_at_every_point(void **state)
{
    struct disk_bench d;
    u8 sector[512];
    (void)state;
    open_disk(&d);
    struct bench *b = &d.bench;
    assert_saves(b->ide);
    command28(b, 0x1f0, 0x20, 0xe0, 5, 3);
    assert_saves(b->ide); /* busy */
    settle(b);
    data_in(b, 0x1f0, sector, 300);
    struct blob blob = {0};
    struct error err;
    device_save(b->ide, &blob);
    data_in(b, 0x1f0, sector, 512);
    device_reset(b->ide);
    assert_true(device_load(b->ide, &blob, &err));
    blob_free(&blob);
    data_in(b, 0x1f0, sector + 300, 212);
    data_in(b, 0x1f0, sector, 512);
    assert_int_equal(load32(sector), 6);
    close_disk(&d);
}

static void reset_equals_fresh(void **state)
{
    struct disk_bench d, fresh;
    (void)state;
    open_disk(&d);
    open_disk(&fresh);
    command28(&d.bench, 0x1f0, 0xc6, 0xe0, 0, 8);
    command28(&d.bench, 0x1f0, 0x20, 0xe0, 5, 3);
    bm_start(&d.bench, 0, true);
    settle(&d.bench);
    device_reset(d.bench.ide);
    assert_same_state(d.bench.ide, fresh.bench.ide);
    assert_false(d.bench.irq[0].level);
    close_disk(&d);
    close_disk(&fresh);
}

static void random_accesses_do_no_harm(void **state)
{
    struct disk_bench d;
    (void)state;
    for (u64 seed = 1; seed <= 4; seed++) {
        open_disk(&d);
        struct image other;
        image_make(&other, 300 * 512);
        ide_attach_disk(d.bench.ide, 2, image_open(&other, true), NULL);
        fuzz(&d.bench, seed, 50000);
        assert_saves(d.bench.ide);
        bench_close(&d.bench);
        image_remove(&d.image);
        image_remove(&other);
    }
}

/* Damaged saved states must not index outside the buffer. */
static void damaged_states_do_no_harm(void **state)
{
    struct disk_bench d;
    u64 seed = 99;
    (void)state;
    open_disk(&d);
    command28(&d.bench, 0x1f0, 0x20, 0xe0, 5, 3);
    settle(&d.bench);
    for (int i = 0; i < 200; i++) {
        struct blob blob = {0};
        struct error err;
        device_save(d.bench.ide, &blob);
        for (int n = 0; n < 20; n++) { /* the first drive's registers stand in the first kilobyte */
            blob.data[next_random(&seed) % 1000] ^= (u8)(1u << next_random(&seed) % 8);
        }
        if (device_load(d.bench.ide, &blob, &err)) {
            fuzz(&d.bench, seed, 50);
        }
        blob_free(&blob);
    }
    close_disk(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_drives_read_as_zero),
        cmocka_unit_test(soft_reset_gives_the_signature),
        cmocka_unit_test(identify_has_the_words),
        cmocka_unit_test(pio_reads_by_every_address),
        cmocka_unit_test(a_new_translation_counts),
        cmocka_unit_test(multiple_moves_blocks),
        cmocka_unit_test(pio_writes_reach_the_image),
        cmocka_unit_test(the_end_of_the_disk_is_the_end),
        cmocka_unit_test(dma_follows_descriptors),
        cmocka_unit_test(dma_tables_too_short_and_too_long),
        cmocka_unit_test(interrupts_obey_nien_and_selection),
        cmocka_unit_test(features_power_smart_and_refusals),
        cmocka_unit_test(a_read_only_image_refuses_writes),
        cmocka_unit_test(trim_frees_ranges),
        cmocka_unit_test(geometry_for_the_bios),
        cmocka_unit_test(the_pci_function_maps_the_bus_master),
        cmocka_unit_test(saves_at_every_point),
        cmocka_unit_test(reset_equals_fresh),
        cmocka_unit_test(random_accesses_do_no_harm),
        cmocka_unit_test(damaged_states_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
