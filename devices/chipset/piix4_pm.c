/*
 * piix4_pm.c: see piix4_pm.h.
 */
#include "devices/chipset/piix4_pm.h"

#include "cpu/base/mem.h"
#include "devices/chipset/smbus.h"

/* Configuration registers. */
enum {
    PMBA = 0x40,
    DEVACTB = 0x58,
    PMREGMISC = 0x80,
    SMBBA = 0x90,
    SMBHSTCFG = 0xd2,

    APMC_EN = 1 << 1,     /* bit 25 of DEVACTB: bit 1 of its byte 3 */
    PMIOSE = 1 << 0,      /* PMREGMISC: PM registers are decoded */
    SMB_HST_EN = 1 << 0,  /* SMBHSTCFG */
    SMB_INT_IRQ = 4 << 1, /* SMBHSTCFG: interrupt select, IRQ9 */
    SMB_INT = 7 << 1,

    PM_PORTS = 64,
};

/* Registers at PMBA, by dword. */
enum {
    PM1_STS_EN = 0x00,
    PM1_CNT = 0x04,
    PM_TMR = 0x08,
    GP_STS_EN = 0x0c,
    PCNTRL = 0x10,
    PLVL = 0x14,
    GLBEN = 0x20,
    GLBCTL = 0x28,
    DEVCTL = 0x2c,
    GPOREG = 0x34,

    TMR_STS = 1 << 0,
    GBL_STS = 1 << 5,
    PWRBTN_STS = 1 << 8,
    RTC_STS = 1 << 10,
    WAK_STS = 1 << 15,
    PM1_EVENTS = TMR_STS | GBL_STS | PWRBTN_STS | RTC_STS,
    PM1_CLEAR = PM1_EVENTS | 1 << 4 | WAK_STS,

    SCI_EN = 1 << 0,
    PM1_SAVED = 0x1c03, /* SUS_TYP, BM_RLD, SCI_EN */
    SUS_EN = 1 << 13,
    SUS_OFF = 0, /* SUS_TYP: S5 */

    BIOS_RLS = 1 << 1, /* GLBCTL: tells the other side, sets GBL_STS */
};

#define TMR_MASK 0xffffffu    /* the counter has 24 bits */
#define TMR_HALF (1ull << 23) /* TMR_STS is set when the top bit changes */

struct piix4_pm {
    struct device dev;
    struct pci_function pci;
    u16 pm1_status, pm1_enable, pm1_control;
    u16 gp_status, gp_enable;   /* at PMBA + 0Ch; storage */
    u16 gpe_status, gpe_enable; /* GPE0 at AFE0h */
    u32 plain[PM_PORTS / 4];    /* registers that only store */
    u64 overflow_tick;          /* the timer event that is due next or, past it, pending */
    u8 apmc, apms;
    bool rtc_level;
    struct smbus smbus;
    struct timer overflow;

    /* derived or host-side: not saved */
    struct piix4_pm_wires wires;
    struct clock *clock;
    struct region pm_region, gpe_region, apm_region;
    struct mapping pm_mapping, gpe_mapping, apm_mapping, smbus_mapping;
    struct irq rtc_input, smbus_input;
    bool smbus_level;
};

/* ---- timer and SCI ---- */

static u64 ticks(const struct piix4_pm *pm)
{
    return muldiv64((u64)clock_now(pm->clock), PM_TIMER_HZ, NS_PER_SECOND);
}

static u64 next_overflow(u64 tick)
{
    return (tick & ~(TMR_HALF - 1)) + TMR_HALF;
}

static u16 pm1_status(const struct piix4_pm *pm)
{
    return pm->pm1_status | (ticks(pm) >= pm->overflow_tick ? TMR_STS : 0);
}

static bool smbus_interrupts(const struct piix4_pm *pm)
{
    return pm->smbus_level && (pm->pci.config[SMBHSTCFG] & SMB_INT) == SMB_INT_IRQ;
}

static void update(struct piix4_pm *pm)
{
    u16 status = pm1_status(pm);
    bool event = (status & pm->pm1_enable & PM1_EVENTS) || (pm->gpe_status & pm->gpe_enable);

    irq_set(pm->wires.sci, (event && (pm->pm1_control & SCI_EN)) || smbus_interrupts(pm));
    if ((pm->pm1_enable & TMR_STS) && !(status & TMR_STS)) {
        u64 ns = muldiv64(pm->overflow_tick, NS_PER_SECOND, PM_TIMER_HZ) + 1;

        timer_set(&pm->overflow, (i64)ns);
    } else {
        timer_cancel(&pm->overflow);
    }
}

static void overflow_fired(void *opaque)
{
    update(opaque);
}

void piix4_pm_power_button(struct piix4_pm *pm)
{
    pm->pm1_status |= PWRBTN_STS;
    update(pm);
}

void piix4_pm_raise_gpe(struct piix4_pm *pm, unsigned bit)
{
    pm->gpe_status |= (u16)(1u << (bit & 15));
    update(pm);
}

static void rtc_event(void *opaque, int line, bool level)
{
    struct piix4_pm *pm = opaque;

    (void)line;
    if (level && !pm->rtc_level) {
        pm->pm1_status |= RTC_STS;
    }
    pm->rtc_level = level;
    update(pm);
}

static void smbus_event(void *opaque, int line, bool level)
{
    struct piix4_pm *pm = opaque;

    (void)line;
    pm->smbus_level = level;
    update(pm);
}

/* ---- registers at PMBA ---- */

static void write_pm1_status(struct piix4_pm *pm, u16 clear)
{
    if (clear & TMR_STS) {
        u64 now = ticks(pm);

        if (now >= pm->overflow_tick) {
            pm->overflow_tick = next_overflow(now);
        }
    }
    pm->pm1_status &= (u16) ~(clear & PM1_CLEAR);
}

static void write_pm1_control(struct piix4_pm *pm, u16 value)
{
    unsigned type = (unsigned)bits(value, 12, 10);

    pm->pm1_control = value & PM1_SAVED;
    if (!(value & SUS_EN)) {
        return;
    }
    if (type == SUS_OFF) {
        irq_pulse(pm->wires.power_off);
    } else {
        /* Wake at once: a guest that asks for what _Sx does not offer finds itself awake again. */
        log_at(LOG_UNIMP, "piix4_pm: sleep type %u is not supported", type);
        pm->pm1_status |= WAK_STS;
    }
}

static u32 pm_dword(struct piix4_pm *pm, unsigned reg)
{
    switch (reg) {
    case PM1_STS_EN:
        return pm1_status(pm) | (u32)pm->pm1_enable << 16;
    case PM1_CNT:
        return pm->pm1_control;
    case PM_TMR:
        return (u32)ticks(pm) & TMR_MASK;
    case GP_STS_EN:
        return pm->gp_status | (u32)pm->gp_enable << 16;
    default:
        return pm->plain[reg / 4];
    }
}

/* Writes the bits of `mask`. */
static void pm_write_dword(struct piix4_pm *pm, unsigned reg, u32 value, u32 mask)
{
    value &= mask;
    switch (reg) {
    case PM1_STS_EN:
        write_pm1_status(pm, (u16)value);
        pm->pm1_enable = (u16)merge_bits(pm->pm1_enable, mask >> 16 & PM1_EVENTS, value >> 16);
        break;
    case PM1_CNT:
        write_pm1_control(pm, (u16)merge_bits(pm->pm1_control, mask, value));
        break;
    case GP_STS_EN:
        pm->gp_enable = (u16)merge_bits(pm->gp_enable, mask >> 16, value >> 16);
        break;
    case GLBCTL:
        if (value & BIOS_RLS) {
            pm->pm1_status |= GBL_STS;
        }
        pm->plain[reg / 4] = (u32)merge_bits(pm->plain[reg / 4], mask, value & ~(u32)BIOS_RLS);
        break;
    case PCNTRL:
    case GLBEN:
    case DEVCTL:
    case GPOREG:
        pm->plain[reg / 4] = (u32)merge_bits(pm->plain[reg / 4], mask, value);
        break;
    default:
        break; /* the timer, GLBSTS, DEVSTS and GPIREG: no event behind them is modelled */
    }
    update(pm);
}

static u64 pm_read(void *opaque, u64 offset, unsigned size)
{
    struct piix4_pm *pm = opaque;
    unsigned reg = (unsigned)offset & ~3u, shift = 8 * (offset & 3);
    u64 value = pm_dword(pm, reg);

    if (shift + 8 * size > 32 && reg + 4 < PM_PORTS) {
        value |= (u64)pm_dword(pm, reg + 4) << 32;
    }
    return bits(value >> shift, 8 * size - 1, 0);
}

static void pm_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct piix4_pm *pm = opaque;
    unsigned reg = (unsigned)offset & ~3u, shift = 8 * (offset & 3);
    u64 mask = bits(~0ull, 8 * size - 1, 0) << shift;

    value <<= shift;
    pm_write_dword(pm, reg, (u32)value, (u32)mask);
    if (mask >> 32 && reg + 4 < PM_PORTS) {
        pm_write_dword(pm, reg + 4, (u32)(value >> 32), (u32)(mask >> 32));
    }
}

static const struct region_ops pm_ops = {
    .read = pm_read, .write = pm_write, .min_size = 1, .max_size = 4};

/* ---- GPE0 and APM ---- */

static u64 gpe_read(void *opaque, u64 offset, unsigned size)
{
    struct piix4_pm *pm = opaque;
    u16 value = offset < 2 ? pm->gpe_status : pm->gpe_enable;

    (void)size;
    return value >> 8 * (offset & 1) & 0xff;
}

static void gpe_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct piix4_pm *pm = opaque;
    unsigned shift = 8 * (offset & 1);

    (void)size;
    if (offset < 2) {
        pm->gpe_status &= (u16) ~(value << shift);
    } else {
        pm->gpe_enable = (u16)merge_bits(pm->gpe_enable, 0xffull << shift, value << shift);
    }
    update(pm);
}

static const struct region_ops gpe_ops = {
    .read = gpe_read, .write = gpe_write, .min_size = 1, .max_size = 1};

static u64 apm_read(void *opaque, u64 offset, unsigned size)
{
    struct piix4_pm *pm = opaque;

    (void)size;
    return offset ? pm->apms : pm->apmc;
}

static void apm_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct piix4_pm *pm = opaque;

    (void)size;
    if (offset) {
        pm->apms = (u8)value;
        return;
    }
    pm->apmc = (u8)value;
    if (value == PIIX4_ACPI_ENABLE) {
        pm->pm1_control |= SCI_EN;
    } else if (value == PIIX4_ACPI_DISABLE) {
        pm->pm1_control &= (u16)~SCI_EN;
    }
    update(pm);
    if (pm->pci.config[DEVACTB + 3] & APMC_EN) {
        irq_pulse(pm->wires.smi);
    }
}

static const struct region_ops apm_ops = {
    .read = apm_read, .write = apm_write, .min_size = 1, .max_size = 1};

/* ---- mapping ---- */

u16 piix4_pm_base(const struct piix4_pm *pm)
{
    if (!(pm->pci.config[PMREGMISC] & PMIOSE)) {
        return 0;
    }
    return load16(pm->pci.config + PMBA) & 0xffc0;
}

static u16 smbus_base(const struct piix4_pm *pm)
{
    if (!(pm->pci.config[SMBHSTCFG] & SMB_HST_EN)) {
        return 0;
    }
    return load16(pm->pci.config + SMBBA) & 0xfff0;
}

static void remap(struct piix4_pm *pm, struct mapping *mapping, struct region *region, u16 base)
{
    if (mapping->space && mapping->base == base) {
        return;
    }
    space_unmap(mapping);
    if (base) {
        space_map(pm->pci.bus->ports, mapping, region, base, PRIORITY_PCI);
    }
}

static void config_written(struct pci_function *pci, unsigned offset, unsigned size)
{
    struct piix4_pm *pm = container_of(pci, struct piix4_pm, pci);

    (void)offset;
    (void)size;
    remap(pm, &pm->pm_mapping, &pm->pm_region, piix4_pm_base(pm));
    remap(pm, &pm->smbus_mapping, &pm->smbus.region, smbus_base(pm));
    update(pm);
}

/* ---- device ---- */

static void piix4_pm_reset(struct device *dev)
{
    struct piix4_pm *pm = container_of(dev, struct piix4_pm, dev);

    pm->pm1_status = pm->pm1_enable = pm->pm1_control = 0;
    pm->gp_status = pm->gp_enable = pm->gpe_status = pm->gpe_enable = 0;
    memset(pm->plain, 0, sizeof pm->plain);
    pm->overflow_tick = next_overflow(ticks(pm));
    pm->apmc = pm->apms = 0;
    pm->rtc_level = false;
    smbus_reset(&pm->smbus);
    pci_reset(&pm->pci);
}

static void piix4_pm_loaded(struct device *dev)
{
    struct piix4_pm *pm = container_of(dev, struct piix4_pm, dev);

    smbus_update(&pm->smbus);
    pci_loaded(&pm->pci);
}

static void piix4_pm_destroy(struct device *dev)
{
    struct piix4_pm *pm = container_of(dev, struct piix4_pm, dev);

    timer_cancel(&pm->overflow);
    pci_function_fini(&pm->pci);
    space_unmap(&pm->pm_mapping);
    space_unmap(&pm->gpe_mapping);
    space_unmap(&pm->apm_mapping);
    space_unmap(&pm->smbus_mapping);
    smbus_fini(&pm->smbus);
    region_destroy(&pm->pm_region);
    region_destroy(&pm->gpe_region);
    region_destroy(&pm->apm_region);
    free(pm);
}

static const struct field piix4_pm_fields[] = {
    FIELD_STRUCT(struct piix4_pm, pci, pci_function_fields),
    FIELD(struct piix4_pm, pm1_status),
    FIELD(struct piix4_pm, pm1_enable),
    FIELD(struct piix4_pm, pm1_control),
    FIELD(struct piix4_pm, gp_status),
    FIELD(struct piix4_pm, gp_enable),
    FIELD(struct piix4_pm, gpe_status),
    FIELD(struct piix4_pm, gpe_enable),
    FIELD_ARRAY(struct piix4_pm, plain),
    FIELD(struct piix4_pm, overflow_tick),
    FIELD(struct piix4_pm, apmc),
    FIELD(struct piix4_pm, apms),
    FIELD(struct piix4_pm, rtc_level),
    FIELD_STRUCT(struct piix4_pm, smbus, smbus_fields),
    FIELD_TIMER(struct piix4_pm, overflow),
    FIELD_END,
};

static const struct device_class piix4_pm_class = {
    .name = "PIIX4_PM",
    .version = 1,
    .reset = piix4_pm_reset,
    .destroy = piix4_pm_destroy,
    .loaded = piix4_pm_loaded,
    .fields = piix4_pm_fields,
};

static void define_registers(struct pci_function *pci)
{
    pci_define16(pci, PCI_STATUS, 0x0280, 0);
    pci_define32(pci, PMBA, 1, 0xffc0);
    for (unsigned i = 0x44; i < PMREGMISC; i++) {
        pci_define8(pci, i, 0, 0xff);
    }
    pci_define8(pci, PMREGMISC, 0, PMIOSE);
    pci_define32(pci, SMBBA, 1, 0xfff0);
    pci_define8(pci, SMBHSTCFG, 0, 0x0f);
    pci_define8(pci, PCI_INTERRUPT_LINE, 9, 0xff);
}

static void map_ports(struct piix4_pm *pm)
{
    struct space *ports = pm->pci.bus->ports;

    region_init_io(&pm->pm_region, "piix4-pm", PM_PORTS, &pm_ops, pm);
    region_init_io(&pm->gpe_region, "acpi-gpe0", PIIX4_GPE0_SIZE, &gpe_ops, pm);
    region_init_io(&pm->apm_region, "apm", 2, &apm_ops, pm);
    space_map(ports, &pm->gpe_mapping, &pm->gpe_region, PIIX4_GPE0_PORT, PRIORITY_PCI);
    space_map(ports, &pm->apm_mapping, &pm->apm_region, PIIX4_APM_PORT, PRIORITY_PCI);
}

struct piix4_pm *piix4_pm_create(struct pci_bus *bus, u8 devfn, struct clock *clock,
                                 const struct piix4_pm_wires *wires)
{
    static const struct pci_id id = {.vendor = 0x8086,
                                     .device = 0x7113,
                                     .class_code = 0x068000,
                                     .revision = 3,
                                     .subsystem_vendor = 0x1af4,
                                     .subsystem = 0x1100,
                                     .interrupt_pin = 1};
    struct piix4_pm *pm = mem_zeroed(1, sizeof *pm);

    pm->dev.class = &piix4_pm_class;
    pm->clock = clock;
    pm->wires = *wires;
    pm->rtc_input = (struct irq){.set = rtc_event, .opaque = pm};
    pm->smbus_input = (struct irq){.set = smbus_event, .opaque = pm};
    timer_init(&pm->overflow, clock, overflow_fired, pm);
    pci_function_init(&pm->pci, bus, devfn, "PIIX4_PM", &id);
    define_registers(&pm->pci);
    pm->pci.config_written = config_written;
    map_ports(pm);
    smbus_init(&pm->smbus, &pm->smbus_input);
    device_reset(&pm->dev);
    return pm;
}

struct device *piix4_pm_device(struct piix4_pm *pm)
{
    return &pm->dev;
}

struct irq *piix4_pm_rtc_input(struct piix4_pm *pm)
{
    return &pm->rtc_input;
}
