/*
 * pc.c: the board of QEMU's `pc` machine, i440FX with PIIX3, wired like a schematic: what stands
 * where, and which wire leads where.
 *
 *   slot 0    82441FX host bridge          slot 1.0  PIIX3: ISA bridge    1.1  IDE    1.3  PIIX4
 * power management slot 2    standard VGA
 *
 *   ISA devices and PIRQs -> piix3 (wire OR) -> gsi -> 8259s -> LINT0 of the local APIC (virtual
 * wire) -> INTR
 *                                                   -> IOAPIC -> APIC bus -> local APIC
 */
#include "frontend/machine/machine.h"

#include <string.h>

#include "cpu/base/log.h"
#include "cpu/base/mem.h"
#include "cpu/fpu/check.h"
#include "cpu/op/op.h"
#include "devices/chipset/a20.h"
#include "devices/chipset/acpi_tables.h"
#include "devices/chipset/i440fx.h"
#include "devices/chipset/pc_firmware.h"
#include "devices/chipset/piix3.h"
#include "devices/chipset/piix4_pm.h"
#include "devices/chipset/port92.h"
#include "devices/chipset/smbios.h"
#include "devices/display/vga_pci.h"
#include "devices/input/i8042.h"
#include "devices/input/ps2kbd.h"
#include "devices/input/ps2mouse.h"
#include "devices/irq/gsi.h"
#include "devices/irq/lapic.h"
#include "devices/serial/debugcon.h"
#include "devices/serial/debugexit.h"
#include "devices/serial/parallel.h"
#include "devices/serial/testdev.h"
#include "devices/serial/uart16550.h"
#include "devices/storage/fdc.h"
#include "devices/storage/ide.h"
#include "devices/storage/piix3_ide.h"
#include "devices/timer/hpet.h"
#include "devices/timer/i8237.h"
#include "devices/timer/i8254.h"
#include "devices/timer/mc146818.h"
#include "frontend/machine/boot_kernel.h"
#include "frontend/machine/cmos.h"
#include "frontend/machine/counted.h"
#include "frontend/machine/firmware.h"
#include "frontend/machine/hypercall.h"
#include "frontend/machine/input.h"

#define TSC_HZ            1000000000ull
#define IOAPIC_BASE       0xfec00000u
#define HPET_BASE         0xfed00000u
#define BIOS_SIZE_MAX     (16u << 20)
#define VGA_BIOS_SIZE_MAX (256u << 10)
#define BIOS_LOW_WINDOW   0x20000u /* E0000h to FFFFFh shows the last 128 KiB */

enum { SLOT_BRIDGE = 1, SLOT_VGA = 2, FUNCTION_IDE = 1, FUNCTION_PM = 3 };

struct board {
    struct machine *machine;
    struct apic_bus apic_bus;
    struct gsi gsi;
    struct i8237 *dma;
    struct piix3 *piix3;
    struct a20 *a20;
    struct fw_cfg *fw_cfg;
    struct acpi_tables *acpi;
    struct ps2kbd *keyboard;
    struct ps2mouse *mouse;

    /* Wires that end at the processor or at the machine itself. */
    struct irq intr, nmi, smi, init, a20_out, reset, power_off, nmi_gate, ferr;
    struct irq *isa_ferr;

    struct region bios, coprocessor;
    struct mapping bios_high, bios_low, coprocessor_map;
};

/* ---- wires that end here */

static void set_intr(void *opaque, int line, bool level)
{
    (void)line;
    cpu_set_intr(((struct machine *)opaque)->cpu, level);
}

static void set_nmi(void *opaque, int line, bool level)
{
    (void)line;
    if (level) {
        cpu_raise_nmi(((struct machine *)opaque)->cpu);
    }
}

static void set_smi(void *opaque, int line, bool level)
{
    (void)line;
    if (level) {
        cpu_raise_smi(((struct machine *)opaque)->cpu);
    }
}

static void set_init(void *opaque, int line, bool level)
{
    (void)line;
    if (level) {
        cpu_raise_init(((struct machine *)opaque)->cpu);
    }
}

static void set_a20(void *opaque, int line, bool level)
{
    (void)line;
    cpu_set_a20(((struct machine *)opaque)->cpu, level);
}

static void set_reset(void *opaque, int line, bool level)
{
    (void)line;
    if (level) {
        machine_request_reset(opaque);
    }
}

static void set_power_off(void *opaque, int line, bool level)
{
    struct machine *m = opaque;
    (void)line;
    if (level) {
        m->requests |= REQUEST_POWER_OFF;
        cpu_kick(m->cpu);
    }
}

/* NMI sources of port 61h, behind the mask of port 70h. */
static void set_nmi_gate(void *opaque, int line, bool level)
{
    struct machine *m = opaque;
    (void)line;
    level = level && !rtc_nmi_masked(m->rtc);
    if (m->lapic) {
        irq_set(lapic_lint(m->lapic, 1), level);
    } else {
        set_nmi(m, 0, level);
    }
}

static void set_ferr(void *opaque, int line, bool level)
{
    (void)line;
    irq_set(((struct machine *)opaque)->board->isa_ferr, level);
}

static void wire_up(struct machine *m, struct board *b)
{
    b->intr = (struct irq){set_intr, m, 0};
    b->nmi = (struct irq){set_nmi, m, 0};
    b->smi = (struct irq){set_smi, m, 0};
    b->init = (struct irq){set_init, m, 0};
    b->a20_out = (struct irq){set_a20, m, 0};
    b->reset = (struct irq){set_reset, m, 0};
    b->power_off = (struct irq){set_power_off, m, 0};
    b->nmi_gate = (struct irq){set_nmi_gate, m, 0};
    b->ferr = (struct irq){set_ferr, m, 0};
}

/* ---- the processor's bus */

static int bus_acknowledge(void *opaque)
{
    struct machine *m = opaque;
    return m->lapic ? lapic_acknowledge(m->lapic) : i8259_acknowledge(m->pic);
}

static bool bus_read_msr(void *opaque, u32 index, u64 *value)
{
    struct machine *m = opaque;
    return m->lapic && lapic_read_msr(m->lapic, index, value);
}

static bool bus_write_msr(void *opaque, u32 index, u64 value)
{
    struct machine *m = opaque;
    return m->lapic && lapic_write_msr(m->lapic, index, value);
}

static u8 bus_get_cr8(void *opaque)
{
    return (u8)lapic_get_cr8(((struct machine *)opaque)->lapic);
}

static void bus_set_cr8(void *opaque, u8 value)
{
    lapic_set_cr8(((struct machine *)opaque)->lapic, value);
}

static void bus_shutdown(void *opaque)
{
    log_at(LOG_CPU_RESET, "shutdown after a triple fault: reset");
    machine_request_reset(opaque);
}

static void bus_sync(void *opaque)
{
    struct machine *m = opaque;
    clock_run_timers(m->clock);
}

static i64 bus_now(void *opaque)
{
    return clock_now(((struct machine *)opaque)->clock);
}

static void bus_perf_interrupt(void *opaque)
{
    struct machine *m = opaque;
    if (m->lapic) {
        lapic_local_interrupt(m->lapic, LAPIC_PERFORMANCE);
    }
}

static void bus_perf_timer(void *opaque, i64 at_ns)
{
    struct machine *m = opaque;
    if (at_ns == CLOCK_NEVER) {
        timer_cancel(&m->perf_timer);
    } else {
        timer_set(&m->perf_timer, at_ns);
    }
}

static void perf_timer_fire(void *opaque)
{
    pmu_expired(((struct machine *)opaque)->cpu);
}

static bool create_cpu(struct machine *m, struct board *b, struct error *err)
{
    struct cpu_config c = {
        .memory = m->memory, .ports = m->ports, .ferr_irq = &b->ferr, .tsc_hz = TSC_HZ};
    c.model = cpu_model_find(m->config.cpu, &c.features, err);
    if (!c.model) {
        return false;
    }
    c.features.hypercalls = m->config.hypercalls;
    c.bus = (struct cpu_bus){
        .opaque = m, .acknowledge = bus_acknowledge, .shutdown = bus_shutdown, .now_ns = bus_now, .sync = bus_sync,
        .perf_interrupt = bus_perf_interrupt, .perf_timer = bus_perf_timer};
    timer_init(&m->perf_timer, m->clock, perf_timer_fire, m);
    if (feature_on(&c.features, FEATURE_APIC)) {
        c.bus.apic_read_msr = bus_read_msr;
        c.bus.apic_write_msr = bus_write_msr;
        c.bus.get_cr8 = bus_get_cr8;
        c.bus.set_cr8 = bus_set_cr8;
    }
    m->cpu = cpu_create(&c);
    memcpy(&m->cpu->rng, m->config.seed, sizeof m->cpu->rng);
    if (m->config.hypercalls) {
        hypercall_create(m);
    }
    return accel_attach(m->cpu, &m->config.accel, err);
}

/* ---- interrupt controllers */

static int pic_acknowledge(void *opaque)
{
    return i8259_acknowledge(opaque);
}

static void no_start_up(void *opaque, u8 vector)
{
    (void)opaque, (void)vector; /* the only processor is never waiting for it */
}

static u64 read_tsc(void *opaque)
{
    return cpu_tsc(((struct machine *)opaque)->cpu);
}

/* A processor without a local APIC takes the 8259s' INTR itself, and its board has no IOAPIC. */
static void create_interrupts(struct machine *m, struct board *b)
{
    const struct cpu_features *f = &m->cpu->features;
    if (!feature_on(f, FEATURE_APIC)) {
        m->pic = i8259_create(m->ports, &b->intr);
        machine_add(m, &m->pic->dev);
        gsi_init(&b->gsi, m->pic, NULL);
        return;
    }
    struct lapic_config c = {.bsp = true,
                             .has_x2apic = feature_on(f, FEATURE_X2APIC),
                             .has_tsc_deadline = feature_on(f, FEATURE_TSC_DEADLINE),
                             .phys_bits = m->cpu->paging.phys_bits,
                             .intr = &b->intr,
                             .nmi = &b->nmi,
                             .smi = &b->smi,
                             .init = &b->init,
                             .sipi = no_start_up,
                             .read_tsc = read_tsc,
                             .tsc_hz = TSC_HZ,
                             .processor = m,
                             .pic_acknowledge = pic_acknowledge};
    /* The 8259s drive a pin of the local APIC, which asks them back: they learn of each other in
     * two steps. */
    m->pic = i8259_create(m->ports, NULL);
    c.pic = m->pic;
    m->lapic = lapic_create(m->memory, m->clock, &b->apic_bus, &c);
    machine_add(m, lapic_device(m->lapic));
    machine_add(m, &m->pic->dev);
    m->pic->intr = lapic_lint(m->lapic, 0);
    m->ioapic = ioapic_create(m->memory, IOAPIC_BASE, &b->apic_bus);
    machine_add(m, &m->ioapic->dev);
    gsi_init(&b->gsi, m->pic, m->ioapic);
}

/* ---- chipset */

static void create_chipset(struct machine *m, struct board *b)
{
    struct piix3_wires isa = {.reset = &b->reset, .init = &b->reset};
    m->pci = pci_bus_create(m->memory, m->ports);
    machine_add(m, &m->pci->dev);
    machine_add(m, i440fx_device(i440fx_create(m->pci, &m->ram)));
    for (unsigned i = 0; i < 16; i++) {
        isa.isa[i] = &b->gsi.lines[i];
    }
    b->piix3 = piix3_create(m->pci, PCI_DEVFN(SLOT_BRIDGE, 0), &isa);
    machine_add(m, piix3_device(b->piix3));
    b->isa_ferr = piix3_irq(b->piix3, 13);

    struct piix4_pm_wires pm = {
        .sci = piix3_irq(b->piix3, 9), .smi = &b->smi, .power_off = &b->power_off};
    m->pm = piix4_pm_create(m->pci, PCI_DEVFN(SLOT_BRIDGE, FUNCTION_PM), m->clock, &pm);
    machine_add(m, piix4_pm_device(m->pm));

    b->a20 = a20_create(&b->a20_out);
    machine_add(m, a20_device(b->a20));
    machine_add(m, port92_create(m->ports, a20_input(b->a20, A20_PORT92), &b->reset));
    b->dma = i8237_create(m->ports, m->memory);
    machine_add(m, &b->dma->dev);
}

/* Timer interrupts pass through the HPET, whose legacy replacement takes them over. */
static void create_timers(struct machine *m, struct board *b)
{
    struct hpet_config h = {.irq0 = piix3_irq(b->piix3, 0), .irq8 = piix3_irq(b->piix3, 8)};
    if (m->ioapic) {
        h.route_mask = 1u << 2;
        h.routes[2] = ioapic_share(m->ioapic, 2);
    }
    m->hpet = hpet_create(m->memory, HPET_BASE, m->clock, &h);
    machine_add(m, &m->hpet->dev);
    struct irq *out[3] = {&m->hpet->pit_in, NULL, NULL};
    m->pit = i8254_create(m->ports, m->clock, out, &b->nmi_gate);
    machine_add(m, &m->pit->dev);
    clock_set_epoch(m->clock, m->config.epoch);
    struct mc146818_config r = {.slew = m->config.rtc_slew};
    m->rtc = mc146818_create(m->ports, m->clock, &m->hpet->rtc_in, &r);
    machine_add(m, &m->rtc->dev);
}

/* IBM AT: a write to F0h clears the latch that holds the coprocessor's error. */
static void coprocessor_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)offset, (void)value, (void)size;
    x87_clear_ferr(((struct machine *)opaque)->cpu);
}

static u64 coprocessor_read(void *opaque, u64 offset, unsigned size)
{
    (void)opaque, (void)offset, (void)size;
    return 0xff;
}

static const struct region_ops coprocessor_ops = {
    .read = coprocessor_read, .write = coprocessor_write, .min_size = 1, .max_size = 1};

static bool create_display(struct machine *m, struct error *err)
{
    struct firmware_image rom;
    if (!m->config.vga) {
        return true;
    }
    if (!firmware_load(FIRMWARE_VGA_BIOS, m->config.firmware_dirs, VGA_BIOS_SIZE_MAX, &rom, err)) {
        return false;
    }
    struct device *vga =
        vga_pci_create(m->pci, PCI_DEVFN(SLOT_VGA, 0), m->clock, rom.bytes, rom.size, err);
    free(rom.bytes);
    if (!vga) {
        return false;
    }
    m->vga = vga_pci_vga(machine_add(m, vga));
    return true;
}

/* ---- ISA devices */

/* What a port has before it: in counted time, what stands between it and the host. */
static struct chardev *line(struct machine *m, unsigned unit, struct chardev *host)
{
    return m->config.counted ? m->line[unit] = line_create(m, unit, host) : host;
}

static void create_serial_ports(struct machine *m, struct board *b)
{
    static const struct {
        u16 base;
        u8 irq;
    } com[MACHINE_SERIALS] = {{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};
    for (unsigned i = 0; i < MACHINE_SERIALS; i++) {
        if (m->config.has_serial[i]) {
            struct irq *irq = piix3_irq(b->piix3, com[i].irq);
            machine_add(m, uart16550_create(m->ports, com[i].base, m->clock, irq, line(m, i, m->config.serial[i])));
        }
    }
    if (m->config.has_parallel) {
        machine_add(m,
                    parallel_create(m->ports, 0x378, piix3_irq(b->piix3, 7), line(m, MACHINE_SERIALS, m->config.parallel)));
    }
}

static void create_input(struct machine *m, struct board *b)
{
    b->keyboard = ps2kbd_create(m->clock);
    machine_add(m, ps2kbd_device(b->keyboard));
    b->mouse = ps2mouse_create(m->clock);
    machine_add(m, ps2mouse_device(b->mouse));
    machine_add(m,
                i8042_create(m->ports, m->clock, ps2kbd_port(b->keyboard), ps2mouse_port(b->mouse),
                             piix3_irq(b->piix3, 1), piix3_irq(b->piix3, 12),
                             a20_input(b->a20, A20_KEYBOARD), &b->reset));
    m->input = input_create(m->clock, b->keyboard, b->mouse, m);
}

static void debug_exit(void *opaque, int status)
{
    machine_quit(opaque, status & 0xff);
}

static void create_debug_devices(struct machine *m, struct board *b)
{
    const struct machine_config *c = &m->config;
    for (unsigned i = 0; i < c->debug_port_count; i++) {
        machine_add(m,
                    debugcon_create(m->ports, c->debug_ports[i].port, line(m, MACHINE_SERIALS + 1 + i, c->debug_ports[i].chardev)));
    }
    if (c->debug_exit) {
        machine_add(
            m, debugexit_create(m->ports, c->debug_exit_port, c->debug_exit_size, debug_exit, m));
    }
    if (c->test_device) {
        struct irq *lines[TESTDEV_LINES];
        for (unsigned i = 0; i < TESTDEV_LINES; i++) {
            lines[i] = i < 16 ? piix3_irq(b->piix3, i) : &b->gsi.lines[i];
        }
        machine_add(m, testdev_create(m->ports, m->memory, lines));
    }
}

/* ---- storage */

static bool put_drive(struct machine *m, const struct drive_config *d, struct error *err)
{
    struct block_options options = d->options;
    struct block        *image   = NULL;
    options.read_only |= d->cdrom; /* several machines may share a disc */
    if (d->path) {
        image = block_open(d->path, &options, err);
        if (!image) {
            return false;
        }
    }
    if (d->interface == DRIVE_FLOPPY) {
        if (!fdc_add_drive(m->fdc, d->unit, image, err)) {
            block_close(image);
            return false;
        }
    } else if (d->cdrom) {
        ide_attach_cdrom(m->ide, d->unit, image, d->serial);
    } else {
        ide_attach_disk(m->ide, d->unit, image, d->serial);
    }
    return true;
}

static bool create_storage(struct machine *m, struct board *b, struct error *err)
{
    struct dma dma = {.memory = m->memory};
    m->ide = ide_create(m->ports, m->clock, &dma, piix3_irq(b->piix3, 14), piix3_irq(b->piix3, 15));
    machine_add(m, m->ide);
    machine_add(m, piix3_ide_create(m->pci, PCI_DEVFN(SLOT_BRIDGE, FUNCTION_IDE), m->ide));

    struct fdc_dma channel = fdc_dma_8237(b->dma);
    m->fdc = fdc_create(m->ports, m->clock, piix3_irq(b->piix3, 6), &channel);
    machine_add(m, m->fdc);

    bool has_a = false;
    for (unsigned i = 0; i < m->config.drive_count; i++) {
        const struct drive_config *d = &m->config.drives[i];
        has_a |= d->interface == DRIVE_FLOPPY && d->unit == 0;
        if (!put_drive(m, d, err)) {
            return false;
        }
    }
    return has_a || !m->config.floppy_drive || fdc_add_drive(m->fdc, 0, NULL, err);
}

/* ---- memory and firmware */

static bool create_ram(struct machine *m, struct error *err)
{
    if (!region_init_ram(&m->ram, "ram", m->config.ram_bytes)) {
        return error_set(err, "the host has no room for %llu MiB of guest memory",
                         (unsigned long long)(m->config.ram_bytes >> 20));
    }
    return true;
}

/* The image ends at 4 GiB; its last 128 KiB are also seen below 1 MiB, where PAM can put RAM over
 * them. */
static bool load_bios(struct machine *m, struct board *b, struct error *err)
{
    struct firmware_image image;
    const char *name = m->config.bios ? m->config.bios : FIRMWARE_BIOS;
    if (!firmware_load(name, m->config.firmware_dirs, BIOS_SIZE_MAX, &image, err)) {
        return false;
    }
    if (image.size % 0x10000) {
        free(image.bytes);
        return error_set(err, "%s is no BIOS: its size is not a multiple of 64 KiB", name);
    }
    if (!region_init_rom(&b->bios, "bios", image.size)) {
        free(image.bytes);
        return error_set(err, "the host has no memory for the BIOS");
    }
    memcpy(b->bios.host, image.bytes, image.size);
    free(image.bytes);
    u64 low = image.size < BIOS_LOW_WINDOW ? image.size : BIOS_LOW_WINDOW;
    space_map(m->memory, &b->bios_high, &b->bios, 0x100000000 - image.size, PRIORITY_PCI);
    space_map_part(m->memory, &b->bios_low, &b->bios, image.size - low, low, 0x100000 - low,
                   PRIORITY_PCI, MAP_ALL);
    return true;
}

static bool load_kernel(struct machine *m, struct board *b, struct error *err)
{
    const struct machine_config *c = &m->config;
    struct boot_kernel args = {.kernel = c->kernel, .initrd = c->initrd, .append = c->append};
    memcpy(args.seed, c->seed, sizeof args.seed);
    return !c->kernel || boot_kernel_load(&args, b->fw_cfg, c->ram_bytes, err);
}

static void describe_to_firmware(struct machine *m, struct board *b)
{
    const struct machine_config *c = &m->config;
    b->fw_cfg = fw_cfg_create(m->ports, m->memory);
    machine_add(m, fw_cfg_device(b->fw_cfg));
    struct pc_firmware firmware = {
        .ram_size = c->ram_bytes, .cpus = 1, .graphic = c->graphic, .boot_menu = c->boot_menu};
    firmware.boot_order = c->kernel ? BOOT_KERNEL_DEVICE : NULL;
    pc_firmware_add(b->fw_cfg, &firmware);
    if (c->boot_splash_ms) {
        u8 wait[2] = {(u8)c->boot_splash_ms, (u8)(c->boot_splash_ms >> 8)};
        fw_cfg_add_file(b->fw_cfg, "etc/boot-menu-wait", wait, sizeof wait);
    }
    if (!c->graphic && c->has_serial[0]) {
        static const u8 port[2] = {0xf8, 0x03};
        fw_cfg_add_file(b->fw_cfg, "etc/sercon-port", port,
                        sizeof port); /* SeaBIOS's screen on COM1 too */
    }
    fw_cfg_add_bytes(b->fw_cfg, FW_CFG_UUID, c->uuid, sizeof c->uuid);

    struct acpi_config acpi = {.cpus = 1,
                               .ram_below_4g = ram_layout(c->ram_bytes).below_4g,
                               .hpet = true,
                               .floppy = true,
                               .parallel = c->has_parallel,
                               .ps2 = true,
                               .pm = m->pm};
    memcpy(acpi.com, c->has_serial, sizeof acpi.com);
    b->acpi = acpi_tables_create(b->fw_cfg, &acpi);

    struct cpuid_result id = cpu_cpuid(m->cpu, 1, 0);
    struct smbios_config smbios = {.ram_size = c->ram_bytes,
                                   .cpus = 1,
                                   .processor = cpu_model_name(m->cpu->model),
                                   .cpu_eax = id.eax,
                                   .cpu_edx = id.edx};
    memcpy(smbios.uuid, c->uuid, sizeof smbios.uuid);
    smbios_add(b->fw_cfg, &smbios);
}

/* ---- the whole */

bool pc_build(struct machine *m, const struct machine_config *config, struct error *err)
{
    struct board *b = mem_zeroed(1, sizeof *b);
    m->config = *config;
    m->board = b;
    b->machine = m;
    wire_up(m, b);
    if (!create_ram(m, err) || !load_bios(m, b, err) || !create_cpu(m, b, err)) {
        return false;
    }
    create_interrupts(m, b);
    create_chipset(m, b);
    create_timers(m, b);
    region_init_io(&b->coprocessor, "coprocessor", 2, &coprocessor_ops, m);
    space_map(m->ports, &b->coprocessor_map, &b->coprocessor, 0xf0, 0);
    create_serial_ports(m, b);
    create_input(m, b);
    create_debug_devices(m, b);
    if (!create_display(m, err) || !create_storage(m, b, err)) {
        return false;
    }
    describe_to_firmware(m, b);
    if (!load_kernel(m, b, err)) {
        return false;
    }
    cmos_describe(m);
    cmos_set_boot_order(m, config->boot_once ? config->boot_once : config->boot_order);
    cpu_reset(m->cpu, false);
    if (config->counted) {
        counted_start(m);
    }
    return true;
}

void pc_reset(struct machine *m)
{
    input_reset(m->input);
    device_reset(&m->pic->dev); /* lines that rose while their drivers were reset are no requests */
    cmos_set_boot_order(m, m->config.boot_order);
}

void pc_destroy(struct machine *m)
{
    struct board *b = m->board;
    if (!b) {
        return;
    }
    hypercall_destroy(m);
    input_destroy(m->input);
    for (unsigned i = 0; i < MACHINE_LINES; i++) {
        chardev_destroy(m->line[i]);
        m->line[i] = NULL;
    }
    if (b->acpi) {
        acpi_tables_destroy(b->acpi);
    }
    space_unmap(&b->coprocessor_map);
    space_unmap(&b->bios_low);
    space_unmap(&b->bios_high);
    if (b->bios.host) {
        region_destroy(&b->bios);
    }
    free(b);
    m->board = NULL;
}
