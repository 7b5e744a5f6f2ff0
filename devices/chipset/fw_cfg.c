/*
 * fw_cfg.c: see fw_cfg.h.
 */
#include "devices/chipset/fw_cfg.h"

#include <assert.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"
#include "devices/chipset/pci.h"

enum {
    SELECTOR_PORT = 0x510,
    DMA_PORT = 0x514,

    ITEM_COUNT = FW_CFG_FILE_FIRST + FW_CFG_MAX_FILES,
    ARCH_LOCAL = 0x8000, /* items of the architecture: 8000h.. */
    ARCH_COUNT = 8,

    ID_TRADITIONAL = 1 << 0,
    ID_DMA = 1 << 1,

    DMA_ERROR = 1 << 0,
    DMA_READ = 1 << 1,
    DMA_SKIP = 1 << 2,
    DMA_SELECT = 1 << 3,
    DMA_WRITE = 1 << 4,

    DIRECTORY_ENTRY = 8 + FW_CFG_FILE_NAME_SIZE,
    NONE = 0xffff,
};

/* What a DMA port read gives: "QEMU CFG", big-endian. */
#define DMA_SIGNATURE 0x51454d5520434647ull

struct item {
    u8 *bytes;
    size_t size;
    bool writable; /* bytes lie in fw_cfg.writable */
    char name[FW_CFG_FILE_NAME_SIZE];
    void (*prepare)(void *opaque);
    void *opaque;
};

struct fw_cfg {
    struct device dev;
    u16 selected;
    u64 offset;
    u64 dma_address;
    u8 writable[FW_CFG_WRITABLE_BYTES];

    /* derived or host-side: not saved */
    struct item item[ITEM_COUNT + ARCH_COUNT];
    unsigned file_count;
    size_t writable_used;
    struct dma dma;
    struct region data_region, dma_region;
    struct mapping data_mapping, dma_mapping;
};

static struct item *item_of(struct fw_cfg *fw, u16 key)
{
    if (key < ITEM_COUNT) {
        return &fw->item[key];
    }
    if (key >= ARCH_LOCAL && key < ARCH_LOCAL + ARCH_COUNT) {
        return &fw->item[ITEM_COUNT + key - ARCH_LOCAL];
    }
    return NULL;
}

/* ---- what the guest does ---- */

static void select_item(struct fw_cfg *fw, u16 key)
{
    struct item *item = item_of(fw, key);

    fw->selected = item && item->bytes ? key : NONE;
    fw->offset = 0;
    if (item && item->prepare) {
        item->prepare(item->opaque);
    }
}

/* The selected item's bytes from the current offset on; none at its end. */
static u8 *rest_of_item(struct fw_cfg *fw, u64 *left)
{
    struct item *item = item_of(fw, fw->selected);

    *left = 0;
    if (!item || fw->offset >= item->size) {
        return NULL;
    }
    *left = item->size - fw->offset;
    return item->bytes + fw->offset;
}

static u8 next_byte(struct fw_cfg *fw)
{
    u64 left;
    u8 *bytes = rest_of_item(fw, &left);

    if (!left) {
        return 0;
    }
    fw->offset++;
    return *bytes;
}

static u64 min64(u64 a, u64 b)
{
    return a < b ? a : b;
}

static bool write_zeroes(struct fw_cfg *fw, paddr address, u64 length)
{
    static const u8 zeroes[4096];

    while (length) {
        u64 chunk = min64(length, sizeof zeroes);

        if (!dma_write(&fw->dma, address, zeroes, chunk)) {
            return false;
        }
        address += chunk;
        length -= chunk;
    }
    return true;
}

static bool dma_to_guest(struct fw_cfg *fw, paddr address, u64 length)
{
    u64 left;
    const u8 *bytes = rest_of_item(fw, &left);
    u64 chunk = min64(length, left);

    fw->offset += chunk;
    if (chunk && !dma_write(&fw->dma, address, bytes, chunk)) {
        return false;
    }
    return write_zeroes(fw, address + chunk, length - chunk);
}

static bool dma_from_guest(struct fw_cfg *fw, paddr address, u64 length)
{
    struct item *item = item_of(fw, fw->selected);
    u64 left;
    u8 *bytes = rest_of_item(fw, &left);

    if (!item || !item->writable || length > left) {
        return false;
    }
    fw->offset += length;
    return dma_read(&fw->dma, address, bytes, length);
}

static bool dma_execute(struct fw_cfg *fw, u32 control, u32 length, paddr address)
{
    u64 left;

    if (control & DMA_SELECT) {
        select_item(fw, (u16)(control >> 16));
    }
    if (control & DMA_READ) {
        return dma_to_guest(fw, address, length);
    }
    if (control & DMA_WRITE) {
        return dma_from_guest(fw, address, length);
    }
    if (control & DMA_SKIP) {
        rest_of_item(fw, &left);
        fw->offset += min64(length, left);
    }
    return true;
}

/* struct { be32 control, length; be64 address; } at the address that the guest wrote; control
 * becomes 0, or the error bit. */
static void dma_start(struct fw_cfg *fw)
{
    u8 access[16];
    paddr where = fw->dma_address;
    bool good;
    u32 result;

    fw->dma_address = 0;
    if (!dma_read(&fw->dma, where, access, sizeof access)) {
        log_at(LOG_GUEST_ERROR, "fw_cfg: DMA control block at 0x%llx is not in RAM",
               (unsigned long long)where);
        return;
    }
    good = dma_execute(fw, __builtin_bswap32(load32(access)), __builtin_bswap32(load32(access + 4)),
                       __builtin_bswap64(load64(access + 8)));
    result = good ? 0 : __builtin_bswap32(DMA_ERROR);
    dma_write(&fw->dma, where, &result, sizeof result);
}

static u64 data_read(void *opaque, u64 offset, unsigned size)
{
    (void)size;
    return offset == 1 ? next_byte(opaque) : 0;
}

static void data_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    if (offset == 0 && size == 2) {
        select_item(opaque, (u16)value);
    }
}

static const struct region_ops data_ops = {
    .read = data_read, .write = data_write, .min_size = 1, .max_size = 2};

static u64 dma_port_read(void *opaque, u64 offset, unsigned size)
{
    u8 signature[8];

    (void)opaque;
    store64(signature, __builtin_bswap64(DMA_SIGNATURE));
    return load_le(signature + offset, size);
}

/* The address is written big-endian: its upper half at 514h, then its lower half at 518h, which
 * starts the DMA. */
static void dma_port_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct fw_cfg *fw = opaque;

    if (size != 4 || offset % 4) {
        return;
    }
    value = __builtin_bswap32((u32)value);
    if (offset == 0) {
        fw->dma_address = value << 32;
    } else {
        fw->dma_address |= value;
        dma_start(fw);
    }
}

static const struct region_ops dma_ops = {
    .read = dma_port_read, .write = dma_port_write, .min_size = 1, .max_size = 4};

/* ---- what the machine puts in ---- */

static void set_item(struct item *item, void *bytes, size_t size)
{
    if (!item->writable) {
        free(item->bytes);
    }
    item->bytes = bytes;
    item->size = size;
    item->writable = false;
}

static void *copy_of(const void *bytes, size_t size)
{
    void *copy = mem_zeroed(1, size ? size : 1);

    if (size) {
        memcpy(copy, bytes, size);
    }
    return copy;
}

void fw_cfg_add_owned(struct fw_cfg *fw, u16 key, void *bytes, size_t size)
{
    struct item *item = item_of(fw, key);

    assert(item);
    set_item(item, bytes, size);
}

void fw_cfg_add_bytes(struct fw_cfg *fw, u16 key, const void *bytes, size_t size)
{
    fw_cfg_add_owned(fw, key, copy_of(bytes, size), size);
}

void fw_cfg_add_u16(struct fw_cfg *fw, u16 key, u16 value)
{
    fw_cfg_add_bytes(fw, key, &value, sizeof value);
}

void fw_cfg_add_u32(struct fw_cfg *fw, u16 key, u32 value)
{
    fw_cfg_add_bytes(fw, key, &value, sizeof value);
}

void fw_cfg_add_u64(struct fw_cfg *fw, u16 key, u64 value)
{
    fw_cfg_add_bytes(fw, key, &value, sizeof value);
}

static struct item *find_file(struct fw_cfg *fw, const char *name)
{
    for (unsigned i = 0; i < fw->file_count; i++) {
        if (!strcmp(fw->item[FW_CFG_FILE_FIRST + i].name, name)) {
            return &fw->item[FW_CFG_FILE_FIRST + i];
        }
    }
    return NULL;
}

static void build_directory(struct fw_cfg *fw)
{
    size_t size = 4 + (size_t)fw->file_count * DIRECTORY_ENTRY;
    u8 *directory = mem_zeroed(1, size);

    store32(directory, __builtin_bswap32(fw->file_count));
    for (unsigned i = 0; i < fw->file_count; i++) {
        const struct item *file = &fw->item[FW_CFG_FILE_FIRST + i];
        u8 *entry = directory + 4 + i * DIRECTORY_ENTRY;

        store32(entry, __builtin_bswap32((u32)file->size));
        store16(entry + 4, __builtin_bswap16((u16)(FW_CFG_FILE_FIRST + i)));
        memcpy(entry + 8, file->name, FW_CFG_FILE_NAME_SIZE);
    }
    fw_cfg_add_owned(fw, FW_CFG_FILE_DIR, directory, size);
}

/* The item of a new file, at its place in the order of names. */
static struct item *insert_file(struct fw_cfg *fw, const char *name)
{
    struct item *files = &fw->item[FW_CFG_FILE_FIRST];
    unsigned at = 0;

    assert(fw->file_count < FW_CFG_MAX_FILES && strlen(name) < FW_CFG_FILE_NAME_SIZE);
    while (at < fw->file_count && strcmp(files[at].name, name) < 0) {
        at++;
    }
    memmove(&files[at + 1], &files[at], (fw->file_count - at) * sizeof *files);
    memset(&files[at], 0, sizeof *files);
    memcpy(files[at].name, name, strlen(name));
    fw->file_count++;
    return &files[at];
}

static struct item *add_file(struct fw_cfg *fw, const char *name, void *bytes, size_t size)
{
    struct item *file = find_file(fw, name);

    if (!file) {
        file = insert_file(fw, name);
    }
    set_item(file, bytes, size);
    build_directory(fw);
    return file;
}

void fw_cfg_add_file(struct fw_cfg *fw, const char *name, const void *bytes, size_t size)
{
    add_file(fw, name, copy_of(bytes, size), size);
}

void fw_cfg_add_string(struct fw_cfg *fw, const char *name, const char *text)
{
    fw_cfg_add_file(fw, name, text, strlen(text) + 1);
}

void fw_cfg_add_writable(struct fw_cfg *fw, const char *name, size_t size)
{
    assert(size <= sizeof fw->writable - fw->writable_used);
    add_file(fw, name, fw->writable + fw->writable_used, size)->writable = true;
    fw->writable_used += size;
}

void fw_cfg_on_select(struct fw_cfg *fw, const char *name, void (*prepare)(void *opaque),
                      void *opaque)
{
    struct item *file = find_file(fw, name);

    assert(file);
    file->prepare = prepare;
    file->opaque = opaque;
}

u8 *fw_cfg_file(struct fw_cfg *fw, const char *name, size_t *size)
{
    struct item *file = find_file(fw, name);

    if (size) {
        *size = file ? file->size : 0;
    }
    return file ? file->bytes : NULL;
}

u8 *fw_cfg_item(struct fw_cfg *fw, u16 key, size_t *size)
{
    struct item *item = item_of(fw, key);

    if (size) {
        *size = item ? item->size : 0;
    }
    return item ? item->bytes : NULL;
}

/* ---- device ---- */

static void fw_cfg_reset(struct device *dev)
{
    struct fw_cfg *fw = container_of(dev, struct fw_cfg, dev);

    fw->selected = FW_CFG_SIGNATURE;
    fw->offset = 0;
    fw->dma_address = 0;
    memset(fw->writable, 0, sizeof fw->writable);
}

static void fw_cfg_destroy(struct device *dev)
{
    struct fw_cfg *fw = container_of(dev, struct fw_cfg, dev);

    space_unmap(&fw->data_mapping);
    space_unmap(&fw->dma_mapping);
    region_destroy(&fw->data_region);
    region_destroy(&fw->dma_region);
    for (unsigned i = 0; i < ARRAY_LEN(fw->item); i++) {
        set_item(&fw->item[i], NULL, 0);
    }
    free(fw);
}

static const struct field fw_cfg_fields[] = {
    FIELD(struct fw_cfg, selected),
    FIELD(struct fw_cfg, offset),
    FIELD(struct fw_cfg, dma_address),
    FIELD_BYTES(struct fw_cfg, writable),
    FIELD_END,
};

static const struct device_class fw_cfg_class = {
    .name = "fw_cfg",
    .version = 1,
    .reset = fw_cfg_reset,
    .destroy = fw_cfg_destroy,
    .fields = fw_cfg_fields,
};

struct fw_cfg *fw_cfg_create(struct space *ports, struct space *memory)
{
    struct fw_cfg *fw = mem_zeroed(1, sizeof *fw);

    fw->dev.class = &fw_cfg_class;
    fw->dma = (struct dma){.memory = memory};
    fw_cfg_add_bytes(fw, FW_CFG_SIGNATURE, "QEMU", 4);
    fw_cfg_add_u32(fw, FW_CFG_ID, ID_TRADITIONAL | ID_DMA);
    build_directory(fw);
    region_init_io(&fw->data_region, "fw-cfg", 2, &data_ops, fw);
    region_init_io(&fw->dma_region, "fw-cfg-dma", 8, &dma_ops, fw);
    space_map(ports, &fw->data_mapping, &fw->data_region, SELECTOR_PORT, PRIORITY_PCI);
    space_map(ports, &fw->dma_mapping, &fw->dma_region, DMA_PORT, PRIORITY_PCI);
    device_reset(&fw->dev);
    return fw;
}

struct device *fw_cfg_device(struct fw_cfg *fw)
{
    return &fw->dev;
}
