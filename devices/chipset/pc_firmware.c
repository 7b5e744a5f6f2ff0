/*
 * pc_firmware.c: see pc_firmware.h.
 */
#include "devices/chipset/pc_firmware.h"

#include "cpu/base/bits.h"
#include "devices/chipset/i440fx.h"

enum { E820_RAM = 1, E820_RESERVED = 2, E820_ENTRY = 20 };

static void put_range(struct blob *b, u64 address, u64 size, u32 type)
{
    u8 entry[E820_ENTRY];

    store64(entry, address);
    store64(entry + 8, size);
    store32(entry + 16, type);
    blob_put(b, entry, sizeof entry);
}

static void add_memory_map(struct fw_cfg *fw, u64 ram_size)
{
    struct ram_layout layout = ram_layout(ram_size);
    struct blob b = {0};

    put_range(&b, 0xfeffc000, 0x4000,
              E820_RESERVED); /* as QEMU: kept for a hypervisor's task state */
    put_range(&b, 0, layout.below_4g, E820_RAM);
    if (layout.above_4g) {
        put_range(&b, BIT(32), layout.above_4g, E820_RAM);
    }
    fw_cfg_add_file(fw, "etc/e820", b.data, b.size);
    blob_free(&b);
}

void pc_firmware_add(struct fw_cfg *fw, const struct pc_firmware *c)
{
    /* Bit 7 says "supported"; S3 and S4 are not. The low bits of entries 3 and 4 are their SLP_TYP.
     */
    static const u8 system_states[6] = {0x80, 0, 0, 0x01, 0x02, 0x80};

    fw_cfg_add_u64(fw, FW_CFG_RAM_SIZE, c->ram_size);
    fw_cfg_add_u16(fw, FW_CFG_NOGRAPHIC, !c->graphic);
    fw_cfg_add_u16(fw, FW_CFG_NB_CPUS, (u16)c->cpus);
    fw_cfg_add_u16(fw, FW_CFG_MAX_CPUS, (u16)c->cpus);
    fw_cfg_add_u16(fw, FW_CFG_BOOT_MENU, c->boot_menu);
    fw_cfg_add_u64(fw, FW_CFG_NUMA, 0);
    fw_cfg_add_u32(fw, FW_CFG_IRQ0_OVERRIDE, 1);
    fw_cfg_add_file(fw, "etc/system-states", system_states, sizeof system_states);
    add_memory_map(fw, c->ram_size);
    if (c->boot_order) {
        fw_cfg_add_string(fw, "bootorder", c->boot_order);
    }
}
