/*
 * lapic.c: the local APIC of one processor, in xAPIC and x2APIC mode.
 *
 * Intel SDM Vol. 3A, chapter 10 (325384-077): registers 10.4, LVT 10.5, IPIs 10.6, priorities 10.8,
 * x2APIC 10.12.
 *
 * Version 14h with six local vector table entries (no CMCI). LINT0 of the bootstrap processor
 * starts unmasked as ExtINT, as firmware leaves it. With both an APIC vector and an ExtINT waiting,
 * the APIC's vector is taken first. The APIC ID is writable in xAPIC mode, as on P6. Not modelled:
 * bus arbitration (APR reads as PPR), focus processors, directed EOI, extended destination IDs. A
 * register is accessed by one aligned 32-bit access; others read parts and write nothing.
 */
#include "devices/irq/lapic_state.h"

#include <stdlib.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"

/* Register numbers: offset / 10h, and MSR index - 800h. SDM Vol. 3A table 10-1 */
enum {
    REG_ID = 0x02,
    REG_VERSION = 0x03,
    REG_TPR = 0x08,
    REG_APR = 0x09,
    REG_PPR = 0x0a,
    REG_EOI = 0x0b,
    REG_RRD = 0x0c,
    REG_LDR = 0x0d,
    REG_DFR = 0x0e,
    REG_SVR = 0x0f,
    REG_ISR = 0x10,
    REG_TMR = 0x18,
    REG_IRR = 0x20,
    REG_ESR = 0x28,
    REG_ICR_LOW = 0x30,
    REG_ICR_HIGH = 0x31,
    REG_LVT = 0x32, /* six entries */
    REG_INITIAL_COUNT = 0x38,
    REG_CURRENT_COUNT = 0x39,
    REG_DIVIDE = 0x3e,
    REG_SELF_IPI = 0x3f,
};

static const u32 lvt_writable[LVT_COUNT] = {
    [LVT_TIMER] = 0x700ff, [LVT_THERMAL] = 0x107ff, [LVT_PERFORMANCE] = 0x107ff,
    [LVT_LINT0] = 0x1a7ff, [LVT_LINT1] = 0x1a7ff,   [LVT_ERROR] = 0x100ff,
};

enum {
    ESR_SEND_ILLEGAL_VECTOR = 0x20,
    ESR_RECEIVE_ILLEGAL_VECTOR = 0x40,
    ESR_ILLEGAL_REGISTER = 0x80,
};

#define SVR_ENABLE       BIT(8)
#define SVR_WRITABLE     0x3ffu
#define ICR_WRITABLE     0xccfffu
#define ICR_LOGICAL      BIT(11)
#define ICR_ASSERT       BIT(14)
#define ICR_LEVEL        BIT(15)
#define X2_ICR_RESERVED  0xfff32000ull /* bit 12, once the delivery status, is ignored */
#define VERSION          (0x14u | (LVT_COUNT - 1) << 16)
#define BASE_BSP         BIT(8)
#define BASE_EXTD        BIT(10)
#define BASE_EN          BIT(11)
#define BASE_DEFAULT     0xfee00000ull
#define MSR_APIC_BASE    0x1bu
#define MSR_TSC_DEADLINE 0x6e0u
#define MSR_X2APIC       0x800u
#define FIRST_LEGAL      16 /* vectors 0..15 are illegal */
#define REGION_PRIORITY  1000

static bool hardware_enabled(const struct lapic *lapic)
{
    return lapic->base & BASE_EN;
}

static bool x2apic_mode(const struct lapic *lapic)
{
    return lapic->base & BASE_EXTD;
}

static bool software_enabled(const struct lapic *lapic)
{
    return lapic->svr & SVR_ENABLE;
}

/* Sets of 256 vectors. */

static void set_vector(u32 set[8], u8 vector, bool value)
{
    u32 mask = 1u << (vector & 31);
    set[vector >> 5] = (u32)merge_bits(set[vector >> 5], mask, value ? mask : 0);
}

static bool has_vector(const u32 set[8], u8 vector)
{
    return set[vector >> 5] >> (vector & 31) & 1;
}

static int highest_vector(const u32 set[8])
{
    for (int i = 7; i >= 0; i--) {
        if (set[i]) {
            return i * 32 + 31 - __builtin_clz(set[i]);
        }
    }
    return -1;
}

/* Priorities: SDM Vol. 3A 10.8.3 */

static u32 processor_priority(const struct lapic *lapic)
{
    int in_service = highest_vector(lapic->isr);
    u32 service_class = in_service < 0 ? 0 : (u32)in_service & 0xf0;
    return (lapic->tpr & 0xf0) >= service_class ? lapic->tpr : service_class;
}

/* The vector that may interrupt the processor now, or -1. */
static int deliverable_vector(const struct lapic *lapic)
{
    int vector = highest_vector(lapic->irr);
    if (vector < 0 || !software_enabled(lapic)) {
        return -1;
    }
    return ((u32)vector & 0xf0) > (processor_priority(lapic) & 0xf0) ? vector : -1;
}

static unsigned lvt_delivery(u32 entry)
{
    return (unsigned)bits(entry, 10, 8);
}

static bool extint_pending(const struct lapic *lapic)
{
    if (lapic->extint) {
        return true;
    }
    for (unsigned pin = 0; pin < 2; pin++) {
        u32 entry = lapic->lvt[LVT_LINT0 + pin];
        if (lapic->lint_level[pin] && !(entry & LVT_MASKED) && lvt_delivery(entry) == APIC_EXTINT) {
            return true;
        }
    }
    return false;
}

static void update_intr(struct lapic *lapic)
{
    bool level;
    if (!hardware_enabled(lapic)) {
        level = lapic->lint_level[0]; /* the pin is INTR: SDM Vol. 3A 10.4.3 */
    } else {
        level = deliverable_vector(lapic) >= 0 || extint_pending(lapic);
    }
    irq_set(lapic->config.intr, level);
}

static void raise_error(struct lapic *lapic, u32 error);

/* Makes `vector` pending. */
static void request(struct lapic *lapic, u8 vector, bool level)
{
    if (vector < FIRST_LEGAL) {
        raise_error(lapic, ESR_RECEIVE_ILLEGAL_VECTOR);
        return;
    }
    if (!software_enabled(lapic)) {
        return;
    }
    set_vector(lapic->irr, vector, true);
    set_vector(lapic->tmr, vector, level);
    update_intr(lapic);
}

/* The error interrupt is not raised again for an error that is already noted: this also ends the
 * recursion of an error entry with an illegal vector. */
static void raise_error(struct lapic *lapic, u32 error)
{
    if (lapic->esr & error) {
        return;
    }
    lapic->esr |= error;
    if (!(lapic->lvt[LVT_ERROR] & LVT_MASKED)) {
        request(lapic, (u8)lapic->lvt[LVT_ERROR], false);
    }
}

static void reset_registers(struct lapic *lapic);

static void accept(void *opaque, const struct apic_message *message)
{
    struct lapic *lapic = opaque;
    switch (message->delivery) {
    case APIC_FIXED:
    case APIC_LOWEST:
        request(lapic, message->vector, message->level_triggered);
        break;
    case APIC_SMI:
        irq_pulse(lapic->config.smi);
        break;
    case APIC_NMI:
        irq_pulse(lapic->config.nmi);
        break;
    case APIC_INIT:
        lapic_init_reset(lapic);
        irq_pulse(lapic->config.init);
        break;
    case APIC_SIPI:
        if (lapic->config.sipi) {
            lapic->config.sipi(lapic->config.processor, message->vector);
        }
        break;
    case APIC_EXTINT:
        lapic->extint = true;
        update_intr(lapic);
        break;
    }
}

/* Logical destinations: SDM Vol. 3A 10.6.2.2 and, for x2APIC, 10.12.10.1 */
static bool matches_logical(const struct lapic *lapic, u32 dest)
{
    if (x2apic_mode(lapic)) {
        return dest >> 16 == lapic->ldr >> 16 && dest & lapic->ldr & 0xffff;
    }
    if (dest >= 0xff) {
        return dest == 0xff;
    }
    u32 own = lapic->ldr >> 24;
    if (lapic->dfr >> 28 == 0xf) { /* flat */
        return dest & own;
    }
    return dest >> 4 == own >> 4 && dest & own & 0xf;
}

static bool matches(void *opaque, const struct apic_message *message)
{
    const struct lapic *lapic = opaque;
    if (!hardware_enabled(lapic)) {
        return false;
    }
    if (message->dest == APIC_BROADCAST) {
        return true;
    }
    return message->logical ? matches_logical(lapic, message->dest) : message->dest == lapic->id;
}

static int priority(void *opaque)
{
    const struct lapic *lapic = opaque;
    return software_enabled(lapic) ? (int)processor_priority(lapic) : -1;
}

/* Local interrupts */

void lapic_local_vector(struct lapic *lapic, unsigned entry)
{
    u32 value = lapic->lvt[entry];
    if (value & LVT_MASKED) {
        return;
    }
    struct apic_message message = {
        .delivery = (u8)(entry == LVT_TIMER ? APIC_FIXED : lvt_delivery(value)),
        .vector = (u8)value,
        .assert = true,
    };
    /* a local entry may not start processors, and ExtINT is a level of its pin */
    if (message.delivery != APIC_SIPI && message.delivery != APIC_EXTINT &&
        message.delivery != APIC_LOWEST) {
        accept(lapic, &message);
    }
}

void lapic_local_interrupt(struct lapic *lapic, enum lapic_source source)
{
    if (!hardware_enabled(lapic)) {
        return;
    }
    lapic_local_vector(lapic, source == LAPIC_THERMAL ? LVT_THERMAL : LVT_PERFORMANCE);
    if (source == LAPIC_PERFORMANCE) {
        lapic->lvt[LVT_PERFORMANCE] |= LVT_MASKED; /* until software looks at the counters: SDM Vol. 3A 10.5.1 */
    }
}

/* LINT0 may be level-triggered, with fixed delivery only: SDM Vol. 3A 10.5.1 */
static bool is_level_lint(const struct lapic *lapic, unsigned pin)
{
    u32 entry = lapic->lvt[LVT_LINT0 + pin];
    return pin == 0 && entry & LVT_LEVEL && lvt_delivery(entry) == APIC_FIXED;
}

static void service_level_lint(struct lapic *lapic)
{
    u32 *entry = &lapic->lvt[LVT_LINT0];
    if (is_level_lint(lapic, 0) && lapic->lint_level[0] && software_enabled(lapic) &&
        !(*entry & (LVT_MASKED | LVT_REMOTE_IRR))) {
        *entry |= LVT_REMOTE_IRR;
        request(lapic, (u8)*entry, true);
    }
}

static void lint_set(void *opaque, int pin, bool level)
{
    struct lapic *lapic = opaque;
    bool rises = level && !lapic->lint_level[pin];
    lapic->lint_level[pin] = level;
    if (!hardware_enabled(lapic)) {
        if (pin == 1 && rises) {
            irq_pulse(lapic->config.nmi);
        }
    } else if (is_level_lint(lapic, (unsigned)pin)) {
        service_level_lint(lapic);
    } else if (rises) {
        lapic_local_vector(lapic, LVT_LINT0 + (unsigned)pin);
    }
    update_intr(lapic);
}

static void end_of_interrupt(struct lapic *lapic)
{
    int vector = highest_vector(lapic->isr);
    if (vector < 0) {
        return;
    }
    set_vector(lapic->isr, (u8)vector, false);
    if (has_vector(lapic->tmr, (u8)vector)) {
        u32 *lint0 = &lapic->lvt[LVT_LINT0];
        if (*lint0 & LVT_REMOTE_IRR && (u8)*lint0 == vector) {
            *lint0 &= ~(u32)LVT_REMOTE_IRR;
            service_level_lint(lapic);
        }
        apic_bus_eoi(lapic->bus, (u8)vector);
    }
    update_intr(lapic);
}

int lapic_acknowledge(struct lapic *lapic)
{
    struct lapic_config *config = &lapic->config;
    int vector = hardware_enabled(lapic) ? deliverable_vector(lapic) : -1;
    if (vector >= 0) {
        set_vector(lapic->irr, (u8)vector, false);
        set_vector(lapic->isr, (u8)vector, true);
        update_intr(lapic);
        return vector;
    }
    if (!hardware_enabled(lapic) || extint_pending(lapic)) {
        lapic->extint = false;
        vector = config->pic_acknowledge ? config->pic_acknowledge(config->pic) : -1;
        update_intr(lapic);
        return vector;
    }
    /* a request that TPR or PPR has come to hide: SDM Vol. 3A 10.9 */
    return highest_vector(lapic->irr) >= 0 ? (int)(lapic->svr & 0xff) : -1;
}

/* Registers */

static void write_lvt(struct lapic *lapic, unsigned entry, u32 value)
{
    enum timer_mode before = lapic_timer_mode(lapic);
    u32 writable = lvt_writable[entry];
    if (entry == LVT_TIMER && !lapic->config.has_tsc_deadline) {
        writable &= ~(u32)BIT(18);
    }
    lapic->lvt[entry] = (u32)merge_bits(lapic->lvt[entry], writable, value);
    if (!software_enabled(lapic)) {
        lapic->lvt[entry] |= LVT_MASKED; /* SDM Vol. 3A 10.4.7.2 */
    }
    if (entry == LVT_TIMER) {
        lapic_timer_mode_changed(lapic, before);
    } else if (entry == LVT_LINT0) {
        if (!is_level_lint(lapic, 0)) {
            lapic->lvt[entry] &= ~(u32)LVT_REMOTE_IRR;
        }
        service_level_lint(lapic);
    }
    update_intr(lapic);
}

static void write_svr(struct lapic *lapic, u32 value)
{
    lapic->svr = value & SVR_WRITABLE;
    if (!software_enabled(lapic)) {
        for (unsigned entry = 0; entry < LVT_COUNT; entry++) {
            lapic->lvt[entry] |= LVT_MASKED;
        }
    }
    update_intr(lapic);
}

/* SDM Vol. 3A 10.6.1 */
static void send_ipi(struct lapic *lapic)
{
    enum { NO_SHORTHAND, SELF, ALL, ALL_BUT_SELF };
    unsigned shorthand = (unsigned)bits(lapic->icr, 19, 18);
    struct apic_message message = {
        .dest = (u32)(lapic->icr >> 32),
        .logical = lapic->icr & ICR_LOGICAL,
        .delivery = (u8)bits(lapic->icr, 10, 8),
        .vector = (u8)lapic->icr,
        .assert = lapic->icr & ICR_ASSERT,
    };
    if (message.delivery == APIC_INIT && !message.assert && lapic->icr & ICR_LEVEL) {
        return; /* INIT level de-assert: only arbitration IDs, which we have not */
    }
    if (message.delivery == APIC_DELIVERY_RESERVED || message.delivery == APIC_EXTINT) {
        log_at(LOG_GUEST_ERROR, "lapic: IPI with delivery mode %u", message.delivery);
        return;
    }
    if (message.delivery <= APIC_LOWEST && message.vector < FIRST_LEGAL) {
        raise_error(lapic, ESR_SEND_ILLEGAL_VECTOR);
        return;
    }
    if (!x2apic_mode(lapic)) {
        message.dest >>= 24;
        if (message.dest == 0xff && !message.logical) {
            message.dest = APIC_BROADCAST;
        }
    }
    if (shorthand == SELF || shorthand == ALL) { /* fixed only: table 10-3 */
        if (message.delivery != APIC_FIXED) {
            log_at(LOG_GUEST_ERROR, "lapic: IPI to itself with delivery mode %u", message.delivery);
            return;
        }
    }
    if (shorthand == SELF) {
        accept(lapic, &message);
        return;
    }
    if (shorthand != NO_SHORTHAND) {
        message.dest = APIC_BROADCAST;
    }
    apic_bus_send_except(lapic->bus, &message, shorthand == ALL_BUT_SELF ? &lapic->agent : NULL);
}

static u32 read_register(struct lapic *lapic, unsigned reg)
{
    switch (reg) {
    case REG_ID:
        return x2apic_mode(lapic) ? lapic->id : lapic->id << 24;
    case REG_VERSION:
        return VERSION;
    case REG_TPR:
        return lapic->tpr;
    case REG_APR:
    case REG_PPR:
        return processor_priority(lapic);
    case REG_EOI:
    case REG_RRD:
        return 0;
    case REG_LDR:
        return lapic->ldr;
    case REG_DFR:
        return lapic->dfr;
    case REG_SVR:
        return lapic->svr;
    case REG_ISR ... REG_ISR + 7:
        return lapic->isr[reg - REG_ISR];
    case REG_TMR ... REG_TMR + 7:
        return lapic->tmr[reg - REG_TMR];
    case REG_IRR ... REG_IRR + 7:
        return lapic->irr[reg - REG_IRR];
    case REG_ESR:
        return lapic->esr_latched;
    case REG_ICR_LOW:
        return (u32)lapic->icr;
    case REG_ICR_HIGH:
        return (u32)(lapic->icr >> 32);
    case REG_LVT ... REG_LVT + LVT_COUNT - 1:
        return lapic->lvt[reg - REG_LVT];
    case REG_INITIAL_COUNT:
        return lapic->initial_count;
    case REG_CURRENT_COUNT:
        return lapic_timer_current(lapic);
    case REG_DIVIDE:
        return lapic->divide;
    }
    raise_error(lapic, ESR_ILLEGAL_REGISTER);
    return 0;
}

static void write_register(struct lapic *lapic, unsigned reg, u32 value)
{
    switch (reg) {
    case REG_ID:
        lapic->id = value >> 24;
        break;
    case REG_TPR:
        lapic->tpr = value & 0xff;
        update_intr(lapic);
        break;
    case REG_EOI:
        end_of_interrupt(lapic);
        break;
    case REG_LDR:
        lapic->ldr = value & 0xff000000;
        break;
    case REG_DFR:
        lapic->dfr = value | 0x0fffffff;
        break;
    case REG_SVR:
        write_svr(lapic, value);
        break;
    case REG_ESR:
        lapic->esr_latched = lapic->esr;
        lapic->esr = 0;
        break;
    case REG_ICR_LOW:
        lapic->icr = merge_bits(lapic->icr, 0xffffffff, value & ICR_WRITABLE);
        send_ipi(lapic);
        break;
    case REG_ICR_HIGH:
        lapic->icr = merge_bits(lapic->icr, 0xffffffffull << 32, (u64)(value & 0xff000000) << 32);
        break;
    case REG_LVT ... REG_LVT + LVT_COUNT - 1:
        write_lvt(lapic, reg - REG_LVT, value);
        break;
    case REG_INITIAL_COUNT:
        lapic_timer_write_initial(lapic, value);
        break;
    case REG_DIVIDE:
        lapic_timer_write_divide(lapic, value);
        break;
    case REG_VERSION:
    case REG_APR:
    case REG_PPR:
    case REG_RRD:
    case REG_ISR ... REG_ISR + 7:
    case REG_TMR ... REG_TMR + 7:
    case REG_IRR ... REG_IRR + 7:
    case REG_CURRENT_COUNT: /* read-only */
        break;
    default:
        raise_error(lapic, ESR_ILLEGAL_REGISTER);
        break;
    }
}

static u64 mmio_read(void *opaque, u64 offset, unsigned size)
{
    struct lapic *lapic = opaque;
    unsigned byte = offset & 0xf;
    if (byte + size > 4) {
        log_at(LOG_GUEST_ERROR, "lapic: read of %u bytes at %03x", size, (unsigned)offset);
        return 0;
    }
    return read_register(lapic, (unsigned)offset >> 4) >> (8 * byte) & (BIT(8 * size) - 1);
}

static void mmio_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct lapic *lapic = opaque;
    if (offset & 0xf || size != 4) {
        log_at(LOG_GUEST_ERROR, "lapic: write of %u bytes at %03x", size, (unsigned)offset);
        return;
    }
    write_register(lapic, (unsigned)offset >> 4, (u32)value);
}

static const struct region_ops lapic_ops = {
    .read = mmio_read, .write = mmio_write, .min_size = 1, .max_size = 4};

/* x2APIC: SDM Vol. 3A table 10-6 and 10.12.1.2 */

enum { X2_READ = 1, X2_WRITE = 2 };

static unsigned x2_access(unsigned reg)
{
    switch (reg) {
    case REG_ID:
    case REG_VERSION:
    case REG_PPR:
    case REG_LDR:
    case REG_ISR ... REG_ISR + 7:
    case REG_TMR ... REG_TMR + 7:
    case REG_IRR ... REG_IRR + 7:
    case REG_CURRENT_COUNT:
        return X2_READ;
    case REG_EOI:
    case REG_SELF_IPI:
        return X2_WRITE;
    case REG_TPR:
    case REG_SVR:
    case REG_ESR:
    case REG_ICR_LOW:
    case REG_LVT ... REG_LVT + LVT_COUNT - 1:
    case REG_INITIAL_COUNT:
    case REG_DIVIDE:
        return X2_READ | X2_WRITE;
    }
    return 0;
}

/* The bits that a WRMSR may set. */
static u64 x2_writable(const struct lapic *lapic, unsigned reg)
{
    switch (reg) {
    case REG_TPR:
    case REG_SELF_IPI:
        return 0xff;
    case REG_SVR:
        return SVR_WRITABLE;
    case REG_ICR_LOW:
        return ~X2_ICR_RESERVED;
    case REG_LVT:
        return lvt_writable[LVT_TIMER] & ~(lapic->config.has_tsc_deadline ? 0 : BIT(18));
    case REG_LVT + 1 ... REG_LVT + LVT_COUNT - 1:
        return lvt_writable[reg - REG_LVT] | BIT(12) | BIT(14); /* read-only: may be written back */
    case REG_INITIAL_COUNT:
        return 0xffffffff;
    case REG_DIVIDE:
        return 0xb;
    }
    return 0; /* EOI, ESR */
}

static bool x2_read(struct lapic *lapic, unsigned reg, u64 *value)
{
    if (!x2apic_mode(lapic) || !(x2_access(reg) & X2_READ)) {
        return false;
    }
    *value = reg == REG_ICR_LOW ? lapic->icr : read_register(lapic, reg);
    return true;
}

static bool x2_write(struct lapic *lapic, unsigned reg, u64 value)
{
    if (!x2apic_mode(lapic) || !(x2_access(reg) & X2_WRITE) || value & ~x2_writable(lapic, reg)) {
        return false;
    }
    if (reg == REG_ICR_LOW) {
        lapic->icr = value & ~(u64)BIT(12);
        send_ipi(lapic);
    } else if (reg == REG_SELF_IPI) {
        if (value < FIRST_LEGAL) {
            raise_error(lapic, ESR_SEND_ILLEGAL_VECTOR);
        } else {
            request(lapic, (u8)value, false);
        }
    } else {
        write_register(lapic, reg, (u32)value);
    }
    return true;
}

bool lapic_read_msr(struct lapic *lapic, u32 index, u64 *value)
{
    if (index == MSR_APIC_BASE) {
        *value = lapic->base;
        return true;
    }
    if (index == MSR_TSC_DEADLINE && lapic->config.has_tsc_deadline) {
        *value = lapic->tsc_deadline;
        return true;
    }
    return index >= MSR_X2APIC && x2_read(lapic, index - MSR_X2APIC, value);
}

bool lapic_write_msr(struct lapic *lapic, u32 index, u64 value)
{
    if (index == MSR_APIC_BASE) {
        return lapic_set_base(lapic, value);
    }
    if (index == MSR_TSC_DEADLINE && lapic->config.has_tsc_deadline) {
        lapic_timer_write_deadline(lapic, value);
        return true;
    }
    return index >= MSR_X2APIC && x2_write(lapic, index - MSR_X2APIC, value);
}

/* IA32_APIC_BASE: SDM Vol. 3A 10.4.4 and 10.12.5 */

static void map_registers(struct lapic *lapic)
{
    if (lapic->map.space) {
        space_unmap(&lapic->map);
    }
    if (hardware_enabled(lapic) && !x2apic_mode(lapic)) {
        space_map(lapic->memory, &lapic->map, &lapic->registers, lapic->base & PAGE_MASK,
                  REGION_PRIORITY);
    }
}

static void enter_x2apic(struct lapic *lapic)
{
    lapic->id = lapic->config.id;
    lapic->ldr = lapic->id >> 4 << 16 | 1u << (lapic->id & 0xf); /* SDM Vol. 3A 10.12.10.2 */
    lapic->icr &= 0xffffffff;
}

u64 lapic_get_base(const struct lapic *lapic)
{
    return lapic->base;
}

bool lapic_set_base(struct lapic *lapic, u64 value)
{
    u64 valid = BASE_BSP | BASE_EN | (lapic->config.has_x2apic ? BASE_EXTD : 0) |
                (BIT(lapic->config.phys_bits) - PAGE_SIZE);
    bool was_enabled = hardware_enabled(lapic), was_x2apic = x2apic_mode(lapic);
    bool enable = value & BASE_EN, x2apic = value & BASE_EXTD;
    /* x2APIC needs EN, is entered from xAPIC only and is left to "disabled" only */
    if (value & ~valid || (x2apic && !enable) || (x2apic && !was_enabled) ||
        (was_x2apic && enable && !x2apic)) {
        return false;
    }
    if (value == lapic->base) {
        return true;
    }
    lapic->base = value;
    if (!enable && was_enabled) {
        reset_registers(lapic);
    }
    if (x2apic && !was_x2apic) {
        enter_x2apic(lapic);
    }
    map_registers(lapic);
    update_intr(lapic);
    return true;
}

unsigned lapic_get_cr8(const struct lapic *lapic)
{
    return lapic->tpr >> 4;
}

void lapic_set_cr8(struct lapic *lapic, unsigned value)
{
    lapic->tpr = (value & 0xf) << 4;
    update_intr(lapic);
}

u32 lapic_id(const struct lapic *lapic)
{
    return lapic->config.id;
}

bool lapic_enabled(const struct lapic *lapic)
{
    return hardware_enabled(lapic);
}

struct device *lapic_device(struct lapic *lapic)
{
    return &lapic->dev;
}

struct irq *lapic_lint(struct lapic *lapic, unsigned pin)
{
    return &lapic->lint[pin];
}

/* The state after power-up, but for IA32_APIC_BASE and the levels of the pins. SDM Vol. 3A 10.4.7.1
 */
static void reset_registers(struct lapic *lapic)
{
    lapic_timer_reset(lapic);
    lapic->id = lapic->config.id & 0xff;
    lapic->tpr = 0;
    lapic->ldr = 0;
    lapic->dfr = 0xffffffff;
    lapic->svr = 0xff;
    lapic->esr = lapic->esr_latched = 0;
    lapic->icr = 0;
    lapic->extint = false;
    for (unsigned i = 0; i < 8; i++) {
        lapic->isr[i] = lapic->tmr[i] = lapic->irr[i] = 0;
    }
    for (unsigned entry = 0; entry < LVT_COUNT; entry++) {
        lapic->lvt[entry] = LVT_MASKED;
    }
    if (lapic->config.bsp) {
        lapic->lvt[LVT_LINT0] = APIC_EXTINT << 8;
    }
}

/* SDM Vol. 3A 10.4.7.3: as at power-up, but the ID and IA32_APIC_BASE stay. */
void lapic_init_reset(struct lapic *lapic)
{
    u32 id = lapic->id;
    reset_registers(lapic);
    lapic->id = id;
    if (x2apic_mode(lapic)) {
        enter_x2apic(lapic);
    }
    update_intr(lapic);
}

static void lapic_reset(struct device *dev)
{
    struct lapic *lapic = container_of(dev, struct lapic, dev);
    lapic->base = BASE_DEFAULT | BASE_EN | (lapic->config.bsp ? BASE_BSP : 0);
    reset_registers(lapic);
    map_registers(lapic);
    update_intr(lapic);
}

static void lapic_loaded(struct device *dev)
{
    struct lapic *lapic = container_of(dev, struct lapic, dev);
    lapic->base &= BIT(lapic->config.phys_bits) - 1;
    lapic_timer_loaded(lapic);
    map_registers(lapic);
    update_intr(lapic);
}

static void lapic_destroy(struct device *dev)
{
    struct lapic *lapic = container_of(dev, struct lapic, dev);
    timer_cancel(&lapic->timer);
    apic_bus_detach(lapic->bus, &lapic->agent);
    if (lapic->map.space) {
        space_unmap(&lapic->map);
    }
    region_destroy(&lapic->registers);
    free(lapic);
}

static const struct field lapic_fields[] = {
    FIELD(struct lapic, base),
    FIELD(struct lapic, id),
    FIELD(struct lapic, tpr),
    FIELD(struct lapic, ldr),
    FIELD(struct lapic, dfr),
    FIELD(struct lapic, svr),
    FIELD_ARRAY(struct lapic, isr),
    FIELD_ARRAY(struct lapic, tmr),
    FIELD_ARRAY(struct lapic, irr),
    FIELD(struct lapic, esr),
    FIELD(struct lapic, esr_latched),
    FIELD(struct lapic, icr),
    FIELD_ARRAY(struct lapic, lvt),
    FIELD_ARRAY(struct lapic, lint_level),
    FIELD(struct lapic, extint),
    FIELD(struct lapic, initial_count),
    FIELD(struct lapic, divide),
    FIELD(struct lapic, counting),
    FIELD(struct lapic, count_start_ns),
    FIELD(struct lapic, tsc_deadline),
    FIELD_TIMER(struct lapic, timer),
    FIELD_END,
};
static const struct device_class lapic_class = {
    .name = "apic",
    .version = 1,
    .reset = lapic_reset,
    .destroy = lapic_destroy,
    .loaded = lapic_loaded,
    .fields = lapic_fields,
};

struct lapic *lapic_create(struct space *memory, struct clock *clock, struct apic_bus *bus,
                           const struct lapic_config *config)
{
    struct lapic *lapic = mem_zeroed(1, sizeof *lapic);
    lapic->dev.class = &lapic_class;
    lapic->config = *config;
    lapic->bus = bus;
    lapic->memory = memory;
    for (int pin = 0; pin < 2; pin++) {
        lapic->lint[pin] = (struct irq){lint_set, lapic, pin};
    }
    lapic->agent = (struct apic_agent){
        .matches = matches, .priority = priority, .accept = accept, .opaque = lapic};
    apic_bus_attach(bus, &lapic->agent);
    lapic_timer_create(lapic, clock);
    region_init_io(&lapic->registers, "lapic", PAGE_SIZE, &lapic_ops, lapic);
    lapic_reset(&lapic->dev);
    return lapic;
}

static void print_vectors(const char *name, const u32 set[8], FILE *out)
{
    fprintf(out, "  %s:", name);
    for (unsigned vector = 0; vector < 256; vector++) {
        if (has_vector(set, (u8)vector)) {
            fprintf(out, " %02x", vector);
        }
    }
    fputc('\n', out);
}

void lapic_print(struct lapic *lapic, FILE *out)
{
    static const char *const names[LVT_COUNT] = {"timer", "thermal", "perf",
                                                 "lint0", "lint1",   "error"};
    fprintf(out, "lapic %u: base=%llx %s id=%x tpr=%02x ppr=%02x svr=%03x ldr=%08x dfr=%08x\n",
            lapic->config.id, (unsigned long long)lapic->base,
            !hardware_enabled(lapic) ? "disabled"
            : x2apic_mode(lapic)     ? "x2apic"
                                     : "xapic",
            lapic->id, lapic->tpr, processor_priority(lapic), lapic->svr, lapic->ldr, lapic->dfr);
    for (unsigned entry = 0; entry < LVT_COUNT; entry++) {
        fprintf(out, "  %-7s %08x\n", names[entry], lapic->lvt[entry]);
    }
    fprintf(out, "  icr=%016llx esr=%02x count=%u/%u divide=%x deadline=%llx\n",
            (unsigned long long)lapic->icr, lapic->esr, lapic_timer_current(lapic), lapic->initial_count,
            lapic->divide, (unsigned long long)lapic->tsc_deadline);
    print_vectors("irr", lapic->irr, out);
    print_vectors("isr", lapic->isr, out);
    print_vectors("tmr", lapic->tmr, out);
}

void lapic_look(const struct lapic *lapic, struct lapic_look *look)
{
    *look = (struct lapic_look){.enabled = hardware_enabled(lapic),
                                .software = software_enabled(lapic),
                                .x2apic = x2apic_mode(lapic),
                                .base = lapic->base & PAGE_MASK,
                                .id = lapic->config.id,
                                .tpr = (u8)lapic->tpr,
                                .ppr = (u8)processor_priority(lapic)};
    memcpy(look->irr, lapic->irr, sizeof look->irr);
    memcpy(look->isr, lapic->isr, sizeof look->isr);
    memcpy(look->lvt, lapic->lvt, sizeof look->lvt);
}
