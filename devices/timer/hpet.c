/*
 * hpet.c: high-precision event timer: a 64-bit counter of 10 ns and three comparators, all able to
 * be periodic.
 *
 * IA-PC HPET Specification, revision 1.0a, October 2004.
 *
 * A comparator that is written with a value up to half the counter's range behind matches at once
 * (hardware: after the counter has wrapped): an emulated guest may be late in writing it. FSB
 * delivery is not offered.
 */
#include "devices/timer/hpet.h"

#include <stdlib.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"

enum {
    HPET_ID = 0x00,
    HPET_CONFIG = 0x10,
    HPET_STATUS = 0x20,
    HPET_COUNTER = 0xf0,
    HPET_TIMER = 0x100, /* + 20h * n */
    TN_CONFIG = 0x00,
    TN_COMPARATOR = 0x08,
    TN_FSB = 0x10,
};

#define PERIOD_FS ((u64)HPET_PERIOD_NS * 1000000)
/* COUNTER_CLK_PERIOD, vendor, legacy route capable, 64-bit, number of the last timer, revision */
#define CAPABILITIES                                                                               \
    (PERIOD_FS << 32 | 0x8086u << 16 | 1 << 15 | 1 << 13 | (HPET_TIMERS - 1) << 8 | 1)

#define ENABLE_CNF    BIT(0)
#define LEG_RT_CNF    BIT(1)
#define TN_INT_TYPE   BIT(1) /* level-triggered */
#define TN_INT_ENB    BIT(2)
#define TN_TYPE       BIT(3) /* periodic */
#define TN_PER_CAP    BIT(4)
#define TN_SIZE_CAP   BIT(5)
#define TN_VAL_SET    BIT(6)
#define TN_32MODE     BIT(8)
#define TN_ROUTE      (BIT(14) - BIT(9))
#define TN_WRITABLE   (TN_INT_TYPE | TN_INT_ENB | TN_TYPE | TN_VAL_SET | TN_32MODE | TN_ROUTE)
#define LONGEST_TICKS ((u64)1 << 58) /* longer waits (ninety years) never end */

static bool enabled(const struct hpet *hpet)
{
    return hpet->config & ENABLE_CNF;
}

static bool legacy(const struct hpet *hpet)
{
    return (hpet->config & (ENABLE_CNF | LEG_RT_CNF)) == (ENABLE_CNF | LEG_RT_CNF);
}

static u64 counter_at(const struct hpet *hpet, i64 now_ns)
{
    if (!enabled(hpet)) {
        return hpet->counter;
    }
    return hpet->counter + (u64)(now_ns - hpet->start_ns) / HPET_PERIOD_NS;
}

static u64 counter_now(const struct hpet *hpet)
{
    return counter_at(hpet, clock_now(hpet->clock));
}

static bool periodic(const struct hpet_timer *t)
{
    return t->config & TN_TYPE;
}

/* The counter and comparator bits that take part. */
static u64 width_mask(const struct hpet_timer *t)
{
    return t->config & TN_32MODE ? 0xffffffff : ~(u64)0;
}

static unsigned timer_index(const struct hpet_timer *t)
{
    return (unsigned)(t - t->hpet->timer);
}

/* Interrupts */

static struct irq *timer_wire(const struct hpet_timer *t)
{
    const struct hpet *hpet = t->hpet;
    unsigned index = timer_index(t);
    if (legacy(hpet) && index < 2) {
        return index == 0 ? hpet->irq0 : hpet->irq8;
    }
    unsigned route = (unsigned)bits(t->config, 13, 9);
    return hpet->route_mask >> route & 1 ? hpet->routes[route] : NULL;
}

/* Lets the timer's wire follow its status bit: level-triggered interrupts. */
static void update_level(struct hpet_timer *t)
{
    u64 status = t->hpet->status >> timer_index(t) & 1;
    if (t->config & TN_INT_TYPE) {
        irq_set(timer_wire(t), status && t->config & TN_INT_ENB && enabled(t->hpet));
    }
}

static void interrupt(struct hpet_timer *t)
{
    if (t->config & TN_INT_TYPE) {
        t->hpet->status |= BIT(timer_index(t));
        update_level(t);
    } else if (t->config & TN_INT_ENB) {
        irq_pulse(timer_wire(t));
    }
}

static void release(struct hpet_timer *t)
{
    if (t->config & TN_INT_TYPE) {
        irq_set(timer_wire(t), false);
    }
}

/* Matches. A timer that nobody hears, since it neither interrupts nor sets its status bit, is not armed: guests leave periodic ones
 * running for ever with TN_INT_ENB clear. Its comparator moves on when somebody looks. */

static bool is_heard(const struct hpet_timer *t)
{
    return t->config & (TN_INT_ENB | TN_INT_TYPE);
}

/* The comparator of a periodic timer that is not heard, as it would be now. */
static void catch_up(struct hpet_timer *t)
{
    if (!enabled(t->hpet) || !periodic(t) || !t->period || is_heard(t)) {
        return;
    }
    u64 mask = width_mask(t), now = counter_now(t->hpet), ahead = (t->comparator - t->seen) & mask, passed = now - t->seen;
    ahead   = ahead > mask / 2 ? 0 : ahead;
    t->seen = now;
    if (passed >= ahead) {
        t->comparator = (t->comparator + ((passed - ahead) / t->period + 1) * t->period) & mask;
    }
}

static void catch_up_all(struct hpet *hpet)
{
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        catch_up(&hpet->timer[i]);
    }
}

/* Arms for the match that comes `ticks` after the counter's value `counter`. */
static void arm_after(struct hpet_timer *t, u64 counter, u64 ticks)
{
    struct hpet *hpet = t->hpet;
    u64 since_start = counter - hpet->counter + ticks;
    if (ticks > LONGEST_TICKS || since_start > LONGEST_TICKS) {
        timer_cancel(&t->timer);
    } else {
        timer_set(&t->timer, hpet->start_ns + (i64)(since_start * HPET_PERIOD_NS));
    }
}

/* The next match from now on. `late_too`: one that has just been missed counts. */
static void arm(struct hpet_timer *t, bool late_too)
{
    u64 mask = width_mask(t), now = counter_now(t->hpet);
    t->seen  = now;
    if (!enabled(t->hpet) || !is_heard(t)) {
        timer_cancel(&t->timer);
        return;
    }
    u64 ahead = (t->comparator - now) & mask;
    if (late_too && ahead > mask / 2) {
        ahead = 0;
    } else if (!late_too && ahead == 0) {
        ahead = mask; /* this match has been: the next one is a wrap away */
        ahead += mask != ~(u64)0;
    }
    arm_after(t, now, ahead);
}

/* Moves a periodic comparator beyond the counter. Late ticks are made up one by one if they are
 * few. */
static void advance(struct hpet_timer *t)
{
    enum { SHORTEST_TICKS = 2000, LATEST_TICKS = 10000000 }; /* 20 us, 100 ms: as periodic.h */
    u64 mask = width_mask(t);
    t->comparator = (t->comparator + t->period) & mask;
    u64 behind = (counter_now(t->hpet) - t->comparator) & mask;
    if (behind > mask / 2 || (t->period >= SHORTEST_TICKS && behind < LATEST_TICKS)) {
        return;
    }
    t->comparator = (t->comparator + (behind / t->period + 1) * t->period) & mask;
}

static void timer_fire(void *opaque)
{
    struct hpet_timer *t = opaque;
    if (!enabled(t->hpet)) {
        return;
    }
    if (periodic(t) && t->period) {
        advance(t);
        arm(t, true);
    } else {
        arm(t, false);
    }
    interrupt(t);
}

/* Registers */

static u64 timer_config(const struct hpet_timer *t)
{
    return (u64)t->hpet->route_mask << 32 | t->config | TN_PER_CAP | TN_SIZE_CAP;
}

static u64 read_timer(struct hpet_timer *t, u64 reg)
{
    switch (reg) {
    case TN_CONFIG:
        return timer_config(t);
    case TN_COMPARATOR:
        catch_up(t);
        return t->comparator;
    case TN_FSB:
        return t->fsb;
    }
    return 0;
}

static u64 read_register(struct hpet *hpet, u64 reg)
{
    if (reg >= HPET_TIMER && reg < HPET_TIMER + 0x20 * HPET_TIMERS) {
        return read_timer(&hpet->timer[(reg - HPET_TIMER) / 0x20], reg & 0x1f);
    }
    switch (reg) {
    case HPET_ID:
        return CAPABILITIES;
    case HPET_CONFIG:
        return hpet->config;
    case HPET_STATUS:
        return hpet->status;
    case HPET_COUNTER:
        return counter_now(hpet);
    }
    return 0;
}

static void write_timer_config(struct hpet_timer *t, u64 mask, u64 value)
{
    catch_up(t);
    release(t);
    t->config = merge_bits(t->config, mask & TN_WRITABLE, value);
    t->comparator &= width_mask(t);
    t->period &= width_mask(t);
    if (!(t->config & TN_INT_TYPE)) {
        t->hpet->status &= ~BIT(timer_index(t));
    }
    update_level(t);
    arm(t, false);
}

static void write_comparator(struct hpet_timer *t, u64 mask, u64 value)
{
    mask &= width_mask(t);
    if (periodic(t)) {
        t->period = merge_bits(t->period, mask, value);
    }
    if (!periodic(t) || t->config & TN_VAL_SET) {
        t->comparator = merge_bits(t->comparator, mask, value);
    }
    t->config &= ~TN_VAL_SET;
    arm(t, true);
}

static void write_timer(struct hpet_timer *t, u64 reg, u64 mask, u64 value)
{
    switch (reg) {
    case TN_CONFIG:
        write_timer_config(t, mask, value);
        break;
    case TN_COMPARATOR:
        write_comparator(t, mask, value);
        break;
    case TN_FSB:
        t->fsb = merge_bits(t->fsb, mask, value);
        break;
    }
}

static void pass_legacy_inputs(struct hpet *hpet)
{
    if (!legacy(hpet)) {
        irq_set(hpet->irq0, hpet->pit_level);
        irq_set(hpet->irq8, hpet->rtc_level);
    }
}

static void write_config(struct hpet *hpet, u64 value)
{
    u64 config = value & (ENABLE_CNF | LEG_RT_CNF);
    bool was_legacy = legacy(hpet);
    catch_up_all(hpet);
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        release(&hpet->timer[i]);
    }
    if (enabled(hpet) && !(config & ENABLE_CNF)) {
        hpet->counter = counter_now(hpet);
    } else if (!enabled(hpet)) {
        hpet->start_ns = clock_now(hpet->clock);
    }
    hpet->config = config;
    if (legacy(hpet) && !was_legacy) {
        irq_set(hpet->irq0, false);
        irq_set(hpet->irq8, false);
    } else if (was_legacy) {
        pass_legacy_inputs(hpet);
    }
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        update_level(&hpet->timer[i]);
        arm(&hpet->timer[i], false);
    }
}

static void write_counter(struct hpet *hpet, u64 mask, u64 value)
{
    if (enabled(hpet)) {
        log_at(LOG_GUEST_ERROR, "hpet: write to the running main counter");
    }
    catch_up_all(hpet);
    hpet->counter = merge_bits(counter_now(hpet), mask, value);
    hpet->start_ns = clock_now(hpet->clock);
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        arm(&hpet->timer[i], false);
    }
}

static void write_register(struct hpet *hpet, u64 reg, u64 mask, u64 value)
{
    if (reg >= HPET_TIMER && reg < HPET_TIMER + 0x20 * HPET_TIMERS) {
        write_timer(&hpet->timer[(reg - HPET_TIMER) / 0x20], reg & 0x1f, mask, value);
        return;
    }
    switch (reg) {
    case HPET_CONFIG:
        write_config(hpet, merge_bits(hpet->config, mask, value));
        break;
    case HPET_STATUS:
        hpet->status &= ~(value & mask);
        for (unsigned i = 0; i < HPET_TIMERS; i++) {
            update_level(&hpet->timer[i]);
        }
        break;
    case HPET_COUNTER:
        write_counter(hpet, mask, value);
        break;
    }
}

/* Accesses of 4 and 8 bytes; smaller ones read parts, and write them. */
static u64 size_mask(unsigned size)
{
    return size == 8 ? ~(u64)0 : BIT(8 * size) - 1;
}

static u64 hpet_read(void *opaque, u64 offset, unsigned size)
{
    return read_register(opaque, offset & ~(u64)7) >> (8 * (offset & 7)) & size_mask(size);
}

static void hpet_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    unsigned shift = 8 * (offset & 7);
    write_register(opaque, offset & ~(u64)7, size_mask(size) << shift, value << shift);
}

static const struct region_ops hpet_ops = {
    .read = hpet_read, .write = hpet_write, .min_size = 1, .max_size = 8};

/* Inputs */

static void pit_in_set(void *opaque, int line, bool level)
{
    (void)line;
    struct hpet *hpet = opaque;
    hpet->pit_level = level;
    if (!legacy(hpet)) {
        irq_set(hpet->irq0, level);
    }
}

static void rtc_in_set(void *opaque, int line, bool level)
{
    (void)line;
    struct hpet *hpet = opaque;
    hpet->rtc_level = level;
    if (!legacy(hpet)) {
        irq_set(hpet->irq8, level);
    }
}

/* The device */

static void hpet_reset(struct device *dev)
{
    struct hpet *hpet = container_of(dev, struct hpet, dev);
    write_config(hpet, 0);
    hpet->status = 0;
    hpet->counter = 0;
    hpet->start_ns = 0;
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        struct hpet_timer *t = &hpet->timer[i];
        t->config = 0;
        t->comparator = ~(u64)0;
        t->period = 0;
        t->seen = 0;
        t->fsb = 0;
    }
}

/* Bounds what a damaged snapshot could hold; drives the wires. */
static void hpet_loaded(struct device *dev)
{
    struct hpet *hpet = container_of(dev, struct hpet, dev);
    hpet->config &= ENABLE_CNF | LEG_RT_CNF;
    hpet->start_ns %= CLOCK_NEVER / 4;
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        hpet->timer[i].config &= TN_WRITABLE;
        update_level(&hpet->timer[i]);
    }
    pass_legacy_inputs(hpet);
}

static void hpet_destroy(struct device *dev)
{
    struct hpet *hpet = container_of(dev, struct hpet, dev);
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        timer_cancel(&hpet->timer[i].timer);
    }
    space_unmap(&hpet->map);
    region_destroy(&hpet->registers);
    free(hpet);
}

static const struct field timer_fields[] = {
    FIELD(struct hpet_timer, config),      FIELD(struct hpet_timer, comparator),
    FIELD(struct hpet_timer, period),      FIELD(struct hpet_timer, seen),
    FIELD(struct hpet_timer, fsb),
    FIELD_TIMER(struct hpet_timer, timer), FIELD_END,
};
static const struct field hpet_fields[] = {
    FIELD(struct hpet, config),
    FIELD(struct hpet, status),
    FIELD(struct hpet, counter),
    FIELD(struct hpet, start_ns),
    FIELD(struct hpet, pit_level),
    FIELD(struct hpet, rtc_level),
    FIELD_STRUCTS(struct hpet, timer, timer_fields),
    FIELD_END,
};
static const struct device_class hpet_class = {
    .name = "hpet",
    .version = 1,
    .reset = hpet_reset,
    .destroy = hpet_destroy,
    .loaded = hpet_loaded,
    .fields = hpet_fields,
};

struct hpet *hpet_create(struct space *memory, paddr base, struct clock *clock,
                         const struct hpet_config *config)
{
    struct hpet *hpet = mem_zeroed(1, sizeof *hpet);
    hpet->dev.class = &hpet_class;
    hpet->clock = clock;
    hpet->irq0 = config->irq0;
    hpet->irq8 = config->irq8;
    hpet->route_mask = config->route_mask;
    for (unsigned i = 0; i < HPET_ROUTES; i++) {
        hpet->routes[i] = config->routes[i];
    }
    hpet->pit_in = (struct irq){pit_in_set, hpet, 0};
    hpet->rtc_in = (struct irq){rtc_in_set, hpet, 0};
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        hpet->timer[i].hpet = hpet;
        timer_init(&hpet->timer[i].timer, clock, timer_fire, &hpet->timer[i]);
    }
    region_init_io(&hpet->registers, "hpet", 0x400, &hpet_ops, hpet);
    space_map(memory, &hpet->map, &hpet->registers, base, 100);
    hpet_reset(&hpet->dev);
    return hpet;
}

void hpet_print(struct hpet *hpet, FILE *out)
{
    fprintf(out, "hpet: config=%llx status=%llx counter=%llx\n", (unsigned long long)hpet->config,
            (unsigned long long)hpet->status, (unsigned long long)counter_now(hpet));
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        const struct hpet_timer *t = &hpet->timer[i];
        fprintf(out, "  timer%u: config=%llx comparator=%llx period=%llx\n", i,
                (unsigned long long)timer_config(t), (unsigned long long)t->comparator,
                (unsigned long long)t->period);
    }
}
