/*
 * fw_cfg_test.c: items and files through the data port and by DMA.
 */
#include "devices/chipset/fw_cfg.h"

#include "devices/chipset/chipset_test.h"

enum { RAM_SIZE = 1 << 20, CONTROL = 0x1000, BUFFER = 0x2000 };

struct config {
    struct board *board;
    struct fw_cfg *fw;
    unsigned prepared;
};

static struct config *config_create(void)
{
    struct config *t = mem_zeroed(1, sizeof *t);

    t->board = board_create(RAM_SIZE);
    board_map_ram(t->board);
    t->fw = fw_cfg_create(t->board->ports, t->board->memory);
    fw_cfg_add_u64(t->fw, FW_CFG_RAM_SIZE, 0x123456789);
    fw_cfg_add_string(t->fw, "etc/zebra", "stripes");
    fw_cfg_add_file(t->fw, "bootorder", "disk", 4);
    fw_cfg_add_writable(t->fw, "etc/note", 16);
    fw_cfg_add_u32(t->fw, FW_CFG_IRQ0_OVERRIDE, 1);
    return t;
}

static void config_destroy(struct config *t)
{
    device_destroy(fw_cfg_device(t->fw));
    board_destroy(t->board);
    free(t);
}

static int set_up(void **state)
{
    *state = config_create();
    return 0;
}

static int tear_down(void **state)
{
    config_destroy(*state);
    return 0;
}

static void read_bytes(struct board *b, u16 key, void *buffer, unsigned size)
{
    out(b, 0x510, key, 2);
    for (unsigned i = 0; i < size; i++) {
        ((u8 *)buffer)[i] = (u8)in(b, 0x511, 1);
    }
}

/* Returns the control word after the transfer. */
static u32 dma(struct board *b, u32 control, u32 length, u64 address)
{
    u8 *block = b->ram.host + CONTROL;

    store32(block, __builtin_bswap32(control));
    store32(block + 4, __builtin_bswap32(length));
    store64(block + 8, __builtin_bswap64(address));
    out(b, 0x514, 0, 4);
    out(b, 0x518, __builtin_bswap32(CONTROL), 4);
    return __builtin_bswap32(load32(block));
}

static void items(void **state)
{
    struct config *t = *state;
    u8 bytes[12];

    read_bytes(t->board, FW_CFG_SIGNATURE, bytes, 6);
    assert_memory_equal(bytes, "QEMU\0\0", 6);
    read_bytes(t->board, FW_CFG_ID, bytes, 4);
    assert_int_equal(load32(bytes), 3);
    read_bytes(t->board, FW_CFG_RAM_SIZE, bytes, 8);
    assert_int_equal(load64(bytes), 0x123456789);
    read_bytes(t->board, FW_CFG_IRQ0_OVERRIDE, bytes, 4);
    assert_int_equal(load32(bytes), 1);
    read_bytes(t->board, 0x4321, bytes, 4);
    assert_int_equal(load32(bytes), 0);
    fw_cfg_add_u64(t->fw, FW_CFG_RAM_SIZE, 5);
    read_bytes(t->board, FW_CFG_RAM_SIZE, bytes, 8);
    assert_int_equal(load64(bytes), 5);
}

static u16 file_key(struct board *b, const char *name, u32 *size)
{
    u8 entry[64];
    u32 count;

    read_bytes(b, FW_CFG_FILE_DIR, &count, 4);
    for (count = __builtin_bswap32(count); count; count--) {
        for (unsigned i = 0; i < sizeof entry; i++) {
            entry[i] = (u8)in(b, 0x511, 1);
        }
        if (!strcmp((char *)entry + 8, name)) {
            *size = __builtin_bswap32(load32(entry));
            return __builtin_bswap16(load16(entry + 4));
        }
    }
    return 0;
}

static void directory(void **state)
{
    struct config *t = *state;
    u8 bytes[4 + 3 * 64];
    u32 size;

    read_bytes(t->board, FW_CFG_FILE_DIR, bytes, sizeof bytes);
    assert_int_equal(load32(bytes), __builtin_bswap32(3));
    assert_string_equal((char *)bytes + 4 + 8, "bootorder");
    assert_string_equal((char *)bytes + 4 + 64 + 8, "etc/note");
    assert_string_equal((char *)bytes + 4 + 128 + 8, "etc/zebra");
    read_bytes(t->board, file_key(t->board, "etc/zebra", &size), bytes, 8);
    assert_int_equal(size, 8);
    assert_string_equal((char *)bytes, "stripes");
    fw_cfg_add_string(t->fw, "bootorder", "floppy");
    read_bytes(t->board, file_key(t->board, "bootorder", &size), bytes, 7);
    assert_int_equal(size, 7);
    assert_string_equal((char *)bytes, "floppy");
}

static void dma_read_item(void **state)
{
    struct board *b = ((struct config *)*state)->board;
    u8 *buffer = b->ram.host + BUFFER;
    u32 size;
    u32 key = file_key(b, "etc/zebra", &size);

    assert_int_equal(in(b, 0x514, 4), 0x554d4551 & 0xffffffff);
    memset(buffer, 0x55, 32);
    assert_int_equal(dma(b, key << 16 | 8 | 2, 12, BUFFER), 0);
    assert_memory_equal(buffer, "stripes\0\0\0\0\0\x55", 13);
    assert_int_equal(dma(b, key << 16 | 8 | 4, 3, 0), 0);
    assert_int_equal(dma(b, 2, 4, BUFFER), 0);
    assert_memory_equal(buffer, "ipes", 4);
    assert_int_equal(in(b, 0x511, 1), 0);
    assert_int_equal(dma(b, key << 16 | 8 | 2, 8, RAM_SIZE - 4), 1); /* runs off RAM */
    assert_int_equal(dma(b, key << 16 | 8 | 2, 0xffffffff, BUFFER), 1);
    out(b, 0x518, 0xffffffff, 4); /* a control block outside RAM is ignored */
}

static void dma_write_file(void **state)
{
    struct board *b = ((struct config *)*state)->board;
    u32 size;
    u32 note = file_key(b, "etc/note", &size), zebra = file_key(b, "etc/zebra", &size);
    u8 bytes[16];

    memcpy(b->ram.host + BUFFER, "hello", 5);
    assert_int_equal(dma(b, zebra << 16 | 8 | 16, 5, BUFFER), 1);
    assert_int_equal(dma(b, note << 16 | 8 | 16, 17, BUFFER), 1);
    assert_int_equal(dma(b, note << 16 | 8 | 16, 5, BUFFER), 0);
    read_bytes(b, (u16)note, bytes, 6);
    assert_memory_equal(bytes, "hello", 6);
}

static void count_select(void *opaque)
{
    struct config *t = opaque;

    t->prepared++;
    fw_cfg_file(t->fw, "etc/zebra", NULL)[0] = 'S';
}

static void prepared_file(void **state)
{
    struct config *t = *state;
    u32 size;
    u8 bytes[8];

    fw_cfg_on_select(t->fw, "etc/zebra", count_select, t);
    read_bytes(t->board, file_key(t->board, "etc/zebra", &size), bytes, 8);
    assert_string_equal((char *)bytes, "Stripes");
    assert_int_equal(t->prepared, 1);
}

static void random_guest(void **state)
{
    struct board *b = ((struct config *)*state)->board;

    srand(5);
    for (int i = 0; i < 30000; i++) {
        unsigned size = 1u << rand() % 3;

        switch (rand() % 4) {
        case 0:
            out(b, 0x510, random32() & 0x8007f, 2);
            break;
        case 1:
            out(b, 0x510 + (unsigned)rand() % 12, random32(), size);
            break;
        case 2:
            in(b, 0x510 + (unsigned)rand() % 12, size);
            break;
        default:
            dma(b, random32() & 0x803f001f, random32() & 0xfffff, random32() & 0x1fffff);
        }
    }
}

static void state_of_device(void **state)
{
    struct config *t = *state, *fresh = config_create();

    random_guest(state);
    assert_saved_alike(fw_cfg_device(t->fw), fw_cfg_device(fresh->fw));
    config_destroy(fresh);
    fresh = config_create();
    device_reset(fw_cfg_device(t->fw));
    assert_same_state(fw_cfg_device(t->fw), fw_cfg_device(fresh->fw));
    config_destroy(fresh);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(items),         TEST(directory),    TEST(dma_read_item),   TEST(dma_write_file),
        TEST(prepared_file), TEST(random_guest), TEST(state_of_device),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
