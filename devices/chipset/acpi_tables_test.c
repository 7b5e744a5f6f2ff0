/*
 * acpi_tables_test.c: runs the loader's script as firmware does, then walks and checks the tables.
 * Also SMBIOS and the other items of the pc.
 */
#include "devices/chipset/acpi_tables.h"

#include "devices/chipset/chipset_test.h"
#include "devices/chipset/pc_firmware.h"
#include "devices/chipset/smbios.h"

/* Where the simulated firmware puts its files. */
enum { RSDP_AT = 0x1000, TABLES_AT = 0x8000 };

struct machine {
    struct board *board;
    struct fw_cfg *fw;
    struct piix4_pm *pm;
    struct acpi_tables *tables;
    u8 memory[0x10000];
};

static const struct acpi_config config = {.cpus = 2,
                                          .ram_below_4g = 0x8000000,
                                          .hpet = true,
                                          .com = {true, false, false, false},
                                          .ps2 = true};

static int set_up(void **state)
{
    struct machine *m = mem_zeroed(1, sizeof *m);
    struct acpi_config c = config;

    m->board = board_create(1 << 20);
    m->fw = fw_cfg_create(m->board->ports, m->board->memory);
    m->pm = piix4_pm_create(m->board->bus, PCI_DEVFN(1, 3), m->board->clock,
                            &(struct piix4_pm_wires){0});
    c.pm = m->pm;
    m->tables = acpi_tables_create(m->fw, &c);
    *state = m;
    return 0;
}

static int tear_down(void **state)
{
    struct machine *m = *state;

    device_destroy(piix4_pm_device(m->pm));
    device_destroy(fw_cfg_device(m->fw));
    acpi_tables_destroy(m->tables);
    board_destroy(m->board);
    free(m);
    return 0;
}

/* Reads a file as the guest does. */
static size_t read_file(struct machine *m, const char *name, u8 *to, size_t room)
{
    size_t size;
    u8 entry[64];
    u32 count = 0;

    assert_non_null(fw_cfg_file(m->fw, name, &size));
    assert_true(size <= room);
    out(m->board, 0x510, FW_CFG_FILE_DIR, 2);
    for (unsigned i = 0; i < 4; i++) {
        count = count << 8 | in(m->board, 0x511, 1);
    }
    while (count--) {
        for (unsigned i = 0; i < sizeof entry; i++) {
            entry[i] = (u8)in(m->board, 0x511, 1);
        }
        if (!strcmp((char *)entry + 8, name)) {
            break;
        }
    }
    out(m->board, 0x510, (u32)entry[4] << 8 | entry[5], 2);
    for (size_t i = 0; i < size; i++) {
        to[i] = (u8)in(m->board, 0x511, 1);
    }
    return size;
}

static u8 *file_at(struct machine *m, const u8 *name)
{
    return m->memory + (strcmp((const char *)name, "etc/acpi/rsdp") ? TABLES_AT : RSDP_AT);
}

static void run_loader_entry(struct machine *m, const u8 *e)
{
    u8 *file = file_at(m, e + 4), sum = 0;
    u32 at;

    switch (load32(e)) {
    case 1:
        assert_int_equal((file - m->memory) % load32(e + 60), 0);
        read_file(m, (const char *)e + 4, file, 0x8000);
        break;
    case 2:
        at = load32(e + 116);
        assert_int_equal(e[120], 4);
        store32(file + at, load32(file + at) + (u32)(file_at(m, e + 60) - m->memory));
        break;
    case 3:
        for (u32 i = 0; i < load32(e + 68); i++) {
            sum += file[load32(e + 64) + i];
        }
        file[load32(e + 60)] -= sum;
        break;
    default:
        fail();
    }
}

static void run_loader(struct machine *m)
{
    u8 script[128 * 64];
    size_t size = read_file(m, "etc/table-loader", script, sizeof script);

    assert_int_equal(size % 128, 0);
    for (size_t i = 0; i < size; i += 128) {
        run_loader_entry(m, script + i);
    }
}

static u8 sum_of(const u8 *bytes, size_t size)
{
    u8 sum = 0;

    while (size--) {
        sum += *bytes++;
    }
    return sum;
}

static const u8 *find_table(struct machine *m, const char *signature)
{
    const u8 *rsdt = m->memory + load32(m->memory + RSDP_AT + 16);

    for (u32 i = 36; i < load32(rsdt + 4); i += 4) {
        const u8 *table = m->memory + load32(rsdt + i);

        assert_int_equal(sum_of(table, load32(table + 4)), 0);
        if (!memcmp(table, signature, 4)) {
            return table;
        }
    }
    return NULL;
}

static void tables(void **state)
{
    struct machine *m = *state;
    const u8 *t;

    pci_config_write(m->board->bus, PCI_DEVFN(1, 3), 0x40, 0x601, 4);
    pci_config_write(m->board->bus, PCI_DEVFN(1, 3), 0x80, 1, 1);
    run_loader(m);
    assert_int_equal(sum_of(m->memory + RSDP_AT, 20), 0);
    assert_memory_equal(m->memory + RSDP_AT, "RSD PTR ", 8);
    t = m->memory + load32(m->memory + RSDP_AT + 16);
    assert_memory_equal(t, "RSDT", 4);
    assert_int_equal(sum_of(t, load32(t + 4)), 0);
    t = find_table(m, "FACP");
    assert_int_equal(load32(t + 4), 116);
    assert_memory_equal(m->memory + load32(t + 36), "FACS", 4);
    assert_int_equal(load32(t + 36) % 64, 0);
    assert_int_equal(load16(t + 46), 9);
    assert_int_equal(load32(t + 48), 0xb2);
    assert_int_equal(load32(t + 56), 0x600);
    assert_int_equal(load32(t + 64), 0x604);
    assert_int_equal(load32(t + 76), 0x608);
    assert_int_equal(load32(t + 80), 0xafe0);
    t = m->memory + load32(t + 40);
    assert_memory_equal(t, "DSDT", 4);
    assert_int_equal(sum_of(t, load32(t + 4)), 0);
    assert_non_null(find_table(m, "WAET"));
}

static void madt_and_hpet(void **state)
{
    struct machine *m = *state;
    const u8 *t, *end;
    unsigned count[5] = {0};

    run_loader(m);
    t = find_table(m, "APIC");
    assert_int_equal(load32(t + 36), 0xfee00000);
    end = t + load32(t + 4);
    for (const u8 *e = t + 44; e < end; e += e[1]) {
        assert_true(e[0] < 5 && e[1] >= 6);
        count[e[0]]++;
        if (e[0] == 2 && e[3] == 0) {
            assert_int_equal(load32(e + 4), 2);
        } else if (e[0] == 2) {
            assert_int_equal(load16(e + 8), 0xd);
        }
    }
    assert_int_equal(count[0], 2);
    assert_int_equal(count[1], 1);
    assert_int_equal(count[2], 5);
    assert_int_equal(count[4], 1);
    t = find_table(m, "HPET");
    assert_int_equal(load32(t + 4), 56);
    assert_int_equal(load64(t + 44), 0xfed00000);
}

static void hole(void **state)
{
    (void)state;
    assert_int_equal(pci_hole_start(128 << 20), 0x80000000);
    assert_int_equal(pci_hole_start(0xc0000000), 0xc0000000);
    assert_int_equal(pci_hole_start(0xd0000000), 0xe0000000);
}

static void smbios(void **state)
{
    struct machine *m = *state;
    u8 anchor[31], types[16] = {0};
    const u8 *at, *end;
    unsigned count = 0;

    smbios_add(m->fw,
               &(struct smbios_config){.ram_size = 5ull << 30, .cpus = 2, .processor = "test"});
    assert_int_equal(read_file(m, "etc/smbios/smbios-anchor", anchor, sizeof anchor), 31);
    assert_int_equal(sum_of(anchor, 31), 0);
    assert_int_equal(sum_of(anchor + 16, 15), 0);
    at = m->memory;
    end = at + read_file(m, "etc/smbios/smbios-tables", m->memory, sizeof m->memory);
    assert_int_equal(load16(anchor + 22), end - at);
    while (at < end) {
        static const u8 lengths[] = {0x18, 0x1b, 0, 0x16, 0x2a};

        if (at[0] < ARRAY_LEN(lengths)) {
            assert_int_equal(at[1], lengths[at[0]]);
        }
        types[count++ % 16] = at[0];
        at += at[1];
        while (at[0] || at[1]) {
            at++;
        }
        at += 2;
    }
    assert_ptr_equal(at, end);
    assert_int_equal(count, load16(anchor + 28));
    assert_memory_equal(types, ((u8[]){0, 1, 3, 4, 4, 16, 17, 19, 19, 32, 127}), 11);
}

static void items(void **state)
{
    struct machine *m = *state;
    u8 bytes[128];

    pc_firmware_add(
        m->fw, &(struct pc_firmware){
                   .ram_size = 4ull << 30, .cpus = 1, .graphic = true, .boot_order = "/rom@x"});
    assert_int_equal(read_file(m, "etc/e820", bytes, sizeof bytes), 60);
    assert_int_equal(load64(bytes + 28), 0xc0000000);
    assert_int_equal(load64(bytes + 40), 1ull << 32);
    assert_int_equal(load64(bytes + 48), 1ull << 30);
    assert_int_equal(read_file(m, "bootorder", bytes, sizeof bytes), 7);
    assert_int_equal(read_file(m, "etc/system-states", bytes, sizeof bytes), 6);
    assert_int_equal(bytes[3] & 0x80, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(tables), TEST(madt_and_hpet), TEST(hole), TEST(smbios), TEST(items),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
