/*
 * i8254.c: 8254 programmable interval timer, with the PC's port 61h (speaker gate, refresh bit, NMI
 * status).
 *
 * Intel 8254 data sheet (231164-005), September 1993; port 61h: 82371SB (PIIX3) data sheet
 * (290550-002), 2.6.1.
 *
 * Counters are not stepped: each is kept as "held `period` at tick `start`", from which its value
 * and OUT follow at any time, exactly. A write reaches the counting element with the next tick.
 * After a reset the counters wait for a control word with OUT low (the data sheet leaves the state
 * open). In mode 2 the one-tick low pulse reaches the wire together with the rising edge that ends
 * it. Bit 4 of port 61h toggles with an assumed refresh period of 18 ticks, whatever counter 1
 * does.
 */
#include "devices/timer/i8254.h"

#include <stdlib.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"

enum { ACCESS_LATCH, ACCESS_LOW, ACCESS_HIGH, ACCESS_BOTH };
enum { CONTROL = 3, READ_BACK = 3 };

enum {
    PORT61_GATE2 = 0x01,
    PORT61_SPEAKER = 0x02,
    PORT61_SERR_OFF = 0x04,
    PORT61_IOCHK_OFF = 0x08,
    PORT61_REFRESH = 0x10,
    PORT61_OUT2 = 0x20,
    PORT61_IOCHK = 0x40,
    PORT61_SERR = 0x80,
};

enum { REFRESH_TICKS = 18 };
#define NEVER   INT64_MAX
#define LATE_NS 100000000 /* OUT edges later than this are no longer made up for */

/* Ticks and time */

static i64 tick_now(struct clock *clock)
{
    return (i64)muldiv64((u64)clock_now(clock), I8254_HZ, NS_PER_SECOND);
}

/* The first nanosecond of a tick. */
static i64 tick_ns(i64 tick)
{
    return (i64)(((u128)tick * NS_PER_SECOND + I8254_HZ - 1) / I8254_HZ);
}

/* The counting element as a function of time */

static i64 modulus(const struct i8254_counter *c)
{
    return c->bcd ? 10000 : 0x10000;
}

/* Modes 2 and 3 repeat; 6 and 7 of the control word are stored as these. */
static bool is_periodic(const struct i8254_counter *c)
{
    return c->mode == 2 || c->mode == 3;
}

static i64 high_ticks(const struct i8254_counter *c)
{
    return c->mode == 3 ? (c->period + 1) / 2 : (i64)c->period - 1;
}

/* The counter as it is at `tick`: a pending change of period has happened. */
static struct i8254_counter at_tick(const struct i8254_counter *counter, i64 tick)
{
    struct i8254_counter c = *counter;
    if (!c.switching || tick < c.switch_tick) {
        return c;
    }
    /* mode 3 changes at the end of a half: keep the half that begins */
    bool low_half = c.mode == 3 && (c.switch_tick - c.start) % c.period != 0;
    c.period = c.next;
    c.start = c.switch_tick - (low_half ? high_ticks(&c) : 0);
    c.switching = false;
    c.null_count = false;
    return c;
}

/* Ticks since CE was loaded; negative: not loaded yet. */
static i64 elapsed_at(const struct i8254_counter *c, i64 tick)
{
    return c->frozen ? c->elapsed : tick - c->start;
}

static bool out_at(const struct i8254_counter *counter, i64 tick)
{
    struct i8254_counter c = at_tick(counter, tick);
    if (!c.counting) {
        return c.mode != 0;
    }
    i64 elapsed = elapsed_at(&c, tick);
    switch (c.mode) {
    case 0:
        return !c.out_low_until_load && elapsed >= c.period;
    case 1:
        return elapsed < 0 || elapsed >= c.period;
    case 2:
    case 3:
        return !c.gate || elapsed < 0 || elapsed % c.period < high_ticks(&c);
    default:
        return elapsed != c.period;
    }
}

static bool null_count_at(const struct i8254_counter *counter, i64 tick)
{
    struct i8254_counter c = at_tick(counter, tick);
    return c.null_count || (c.counting && !c.frozen && tick < c.start);
}

static u16 to_bcd(u32 value)
{
    return (u16)(value / 1000 % 10 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 |
                 value % 10);
}

static u16 count_at(const struct i8254_counter *counter, i64 tick)
{
    struct i8254_counter c = at_tick(counter, tick);
    i64 elapsed = elapsed_at(&c, tick);
    i64 count = c.period;
    if (c.counting && elapsed >= 0) {
        if (c.mode == 2) {
            count = c.period - elapsed % c.period;
        } else if (c.mode == 3) {
            /* counts by two from an even number, in each half: data sheet, mode 3 */
            i64 in_period = elapsed % c.period, high = high_ticks(&c);
            i64 in_half = in_period < high ? in_period : in_period - high;
            count = (c.period & ~1u) - 2 * in_half;
        } else {
            count = c.period - elapsed;
        }
    }
    count %= modulus(&c);
    if (count < 0) {
        count += modulus(&c);
    }
    return c.bcd ? to_bcd((u32)count) : (u16)count;
}

/* The next tick after `tick` at which the OUT wire is to be driven: data sheet, mode descriptions.
 */
static i64 next_edge(const struct i8254_counter *counter, i64 tick)
{
    struct i8254_counter c = at_tick(counter, tick);
    if (!c.counting || c.frozen || (is_periodic(&c) && !c.gate)) {
        return NEVER;
    }
    if (tick < c.start && c.mode == 1) {
        return c.start;
    }
    i64 from = tick > c.start ? tick : c.start;
    i64 elapsed = from - c.start;
    i64 edge = NEVER;
    if (c.mode == 2) {
        edge = c.period > 1 ? from + c.period - elapsed % c.period : NEVER;
    } else if (c.mode == 3) {
        i64 in_period = elapsed % c.period, high = high_ticks(&c);
        edge = c.period > 1 ? from + (in_period < high ? high : c.period) - in_period : NEVER;
    } else if (elapsed < c.period) {
        edge = c.start + c.period;
    } else if (c.mode >= 4 && elapsed == c.period) {
        edge = c.start + c.period + 1;
    }
    return c.switching && c.switch_tick < edge ? c.switch_tick : edge;
}

/* OUT wires */

static void arm(struct i8254_counter *c)
{
    if (!c->out || c->edge == NEVER || c->edge < 0) {
        timer_cancel(&c->timer);
    } else {
        timer_set(&c->timer, tick_ns(c->edge));
    }
}

static void out_fire(void *opaque)
{
    struct i8254_counter *c = opaque;
    *c = at_tick(c, c->edge);
    i64 now = tick_now(c->timer.clock);
    i64 tick = c->edge;
    if (tick == NEVER || tick < 0 || clock_now(c->timer.clock) - tick_ns(tick) > LATE_NS) {
        tick = now;
    }
    bool out = out_at(c, tick);
    if (out && c->mode == 2) {
        irq_set(c->out, false); /* the pulse that this edge ends */
    }
    irq_set(c->out, out);
    c->edge = next_edge(c, tick);
    arm(c);
}

/* After a change of the counter's state: OUT follows at once, and the next edge is found. */
static void reschedule(struct i8254_counter *c, i64 now)
{
    irq_set(c->out, out_at(c, now));
    c->edge = next_edge(c, now);
    arm(c);
}

/* Loading and gates */

static void load(struct i8254_counter *c, i64 tick)
{
    c->period = c->next;
    c->start = tick;
    c->counting = true;
    c->null_count = false;
    c->out_low_until_load = false;
    c->switching = false;
    c->frozen = false;
}

static void freeze(struct i8254_counter *c, i64 now)
{
    if (c->counting && !c->frozen) {
        c->elapsed = now > c->start ? now - c->start : 0;
        c->frozen = true;
    }
}

static void thaw(struct i8254_counter *c, i64 now)
{
    if (c->frozen) {
        c->start = now - c->elapsed;
        c->frozen = false;
    }
}

/* The end of the current period (mode 2) or half period (mode 3). */
static i64 period_end(const struct i8254_counter *c, i64 now)
{
    i64 elapsed = now - c->start;
    if (elapsed < 0) {
        return c->start;
    }
    i64 in_period = elapsed % c->period;
    if (c->mode == 3 && in_period < high_ticks(c)) {
        return now - in_period + high_ticks(c);
    }
    return now - in_period + c->period;
}

static void write_count(struct i8254_counter *c, u32 written, i64 now)
{
    *c = at_tick(c, now);
    u32 value = written;
    if (c->bcd) {
        value = (written >> 12 & 15) * 1000 + (written >> 8 & 15) * 100 + (written >> 4 & 15) * 10 +
                (written & 15);
    }
    c->next = value ? value : (u32)modulus(c);
    c->next_valid = true;
    c->null_count = true;
    switch (c->mode) {
    case 0:
    case 4:
        load(c, now + 1);
        if (!c->gate) {
            freeze(c, now);
        }
        break;
    case 1:
    case 5: /* wait for a trigger */
        break;
    default:
        if (!c->counting) {
            load(c, now + 1); /* by the next clock, whatever the gate says: data sheet, modes 2 and 3 */
            if (!c->gate) {
                freeze(c, now);
            }
        } else if (c->gate) {
            c->switching = true;
            c->switch_tick = period_end(c, now);
        }
        break;
    }
    reschedule(c, now);
}

static void set_gate(struct i8254_counter *c, bool gate, i64 now)
{
    if (c->gate == gate) {
        return;
    }
    *c = at_tick(c, now);
    c->gate = gate;
    if (c->mode == 0 || c->mode == 4) {
        if (!gate) {
            freeze(c, now);
        } else if (!c->out_low_until_load) {
            thaw(c, now);
        }
    } else if (gate && c->next_valid) { /* a trigger, or the restart of a periodic mode */
        load(c, now + 1);
    } else if (!gate && is_periodic(c)) {
        freeze(c, now);
        c->switching = false;
    }
    reschedule(c, now);
}

/* Ports */

static void write_data(struct i8254_counter *c, u8 value, i64 now)
{
    switch (c->access) {
    case ACCESS_LOW:
        write_count(c, value, now);
        break;
    case ACCESS_HIGH:
        write_count(c, (u32)value << 8, now);
        break;
    default:
        if (c->high_byte_next_write) {
            c->high_byte_next_write = false;
            write_count(c, (u32)value << 8 | c->write_low, now);
            break;
        }
        c->write_low = value;
        c->high_byte_next_write = true;
        if (c->mode == 0) { /* the first byte stops the count, OUT goes low: data sheet, mode 0 */
            freeze(c, now);
            c->out_low_until_load = true;
            reschedule(c, now);
        }
        break;
    }
}

static u8 read_data(struct i8254_counter *c, i64 now)
{
    if (c->status_latched) {
        c->status_latched = false;
        return c->latched_status;
    }
    u16 count = c->count_latched ? c->latched_count : count_at(c, now);
    bool high = c->access == ACCESS_HIGH;
    bool last = true;
    if (c->access == ACCESS_BOTH) {
        high = c->high_byte_next_read;
        last = high;
        c->high_byte_next_read = !high;
    }
    if (last) {
        c->count_latched = false;
    }
    return (u8)(high ? count >> 8 : count);
}

static void latch_count(struct i8254_counter *c, i64 now)
{
    if (!c->count_latched) { /* a second latch command is ignored */
        c->count_latched = true;
        c->latched_count = count_at(c, now);
    }
}

static void latch_status(struct i8254_counter *c, i64 now)
{
    if (!c->status_latched) {
        c->status_latched = true;
        c->latched_status = (u8)(out_at(c, now) << 7 | null_count_at(c, now) << 6 | c->access << 4 |
                                 c->mode << 1 | c->bcd);
    }
}

static void set_mode(struct i8254_counter *c, u8 control, i64 now)
{
    static const u8 modes[8] = {0, 1, 2, 3, 4, 5, 2, 3};
    u16 count = count_at(c, now); /* CE stops where it is */
    c->period = count;
    if (c->bcd) {
        c->period = (count >> 12) * 1000u + (count >> 8 & 15) * 100u + (count >> 4 & 15) * 10u +
                    (count & 15u);
    }
    if (!c->period) {
        c->period = (u32)modulus(c);
    }
    c->access = control >> 4 & 3;
    c->mode = modes[control >> 1 & 7];
    c->bcd = control & 1;
    c->high_byte_next_write = c->high_byte_next_read = false;
    c->count_latched = c->status_latched = false;
    c->next_valid = false;
    c->null_count = true;
    c->counting = c->frozen = c->switching = false;
    c->out_low_until_load = c->mode == 0;
    c->start = c->elapsed = c->switch_tick = 0;
    reschedule(c, now);
}

static void write_control(struct i8254 *pit, u8 value, i64 now)
{
    unsigned which = value >> 6;
    if (which == READ_BACK) {
        for (unsigned i = 0; i < 3; i++) {
            if (value >> (i + 1) & 1) {
                if (!(value & 0x20)) {
                    latch_count(&pit->counter[i], now);
                }
                if (!(value & 0x10)) {
                    latch_status(&pit->counter[i], now);
                }
            }
        }
    } else if ((value >> 4 & 3) == ACCESS_LATCH) {
        latch_count(&pit->counter[which], now);
    } else {
        set_mode(&pit->counter[which], value, now);
    }
}

static u64 pit_read(void *opaque, u64 offset, unsigned size)
{
    (void)size;
    struct i8254 *pit = opaque;
    if (offset == CONTROL) {
        return 0xff; /* write-only */
    }
    return read_data(&pit->counter[offset], tick_now(pit->clock));
}

static void pit_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)size;
    struct i8254 *pit = opaque;
    i64 now = tick_now(pit->clock);
    if (offset == CONTROL) {
        write_control(pit, (u8)value, now);
    } else {
        write_data(&pit->counter[offset], (u8)value, now);
    }
}

static const struct region_ops pit_ops = {
    .read = pit_read, .write = pit_write, .min_size = 1, .max_size = 1};

static void update_nmi(struct i8254 *pit)
{
    u8 sources = pit->nmi_lines;
    sources &= ~(pit->port61 & PORT61_SERR_OFF ? PORT61_SERR : 0);
    sources &= ~(pit->port61 & PORT61_IOCHK_OFF ? PORT61_IOCHK : 0);
    /* a source stays noted until its disable bit clears it */
    u8 kept = pit->nmi_status;
    kept &= ~(pit->port61 & PORT61_SERR_OFF ? PORT61_SERR : 0);
    kept &= ~(pit->port61 & PORT61_IOCHK_OFF ? PORT61_IOCHK : 0);
    pit->nmi_status = kept | sources;
    irq_set(pit->nmi, pit->nmi_status);
}

static void nmi_line_set(void *opaque, int line, bool level)
{
    struct i8254 *pit = opaque;
    pit->nmi_lines = (u8)merge_bits(pit->nmi_lines, (u64)line, level ? (u64)line : 0);
    update_nmi(pit);
}

static u64 port_b_read(void *opaque, u64 offset, unsigned size)
{
    (void)offset;
    (void)size;
    struct i8254 *pit = opaque;
    i64 now = tick_now(pit->clock);
    u8 value = pit->port61 | pit->nmi_status;
    value |= now / REFRESH_TICKS & 1 ? PORT61_REFRESH : 0;
    value |= out_at(&pit->counter[2], now) ? PORT61_OUT2 : 0;
    return value;
}

static void port_b_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)offset;
    (void)size;
    struct i8254 *pit = opaque;
    pit->port61 = (u8)value & 0xf;
    set_gate(&pit->counter[2], value & PORT61_GATE2, tick_now(pit->clock));
    update_nmi(pit);
}

static const struct region_ops port_b_ops = {
    .read = port_b_read, .write = port_b_write, .min_size = 1, .max_size = 1};

unsigned i8254_speaker_hz(struct i8254 *pit)
{
    struct i8254_counter c = at_tick(&pit->counter[2], tick_now(pit->clock));
    if ((pit->port61 & (PORT61_GATE2 | PORT61_SPEAKER)) != (PORT61_GATE2 | PORT61_SPEAKER) ||
        !c.counting || !is_periodic(&c)) {
        return 0;
    }
    return (unsigned)(I8254_HZ / c.period);
}

/* The device */

static void i8254_reset(struct device *dev)
{
    struct i8254 *pit = container_of(dev, struct i8254, dev);
    for (unsigned i = 0; i < 3; i++) {
        struct i8254_counter *c = &pit->counter[i];
        timer_cancel(&c->timer);
        *c = (struct i8254_counter){
            .access = ACCESS_BOTH,
            .gate = i != 2,
            .null_count = true,
            .out_low_until_load = true,
            .period = 0x10000,
            .next = 0x10000,
            .edge = NEVER,
            .timer = c->timer,
            .out = c->out,
        };
        irq_set(c->out, false);
    }
    pit->port61 = 0;
    pit->nmi_status = 0;
    update_nmi(pit);
}

/* Bounds what a damaged snapshot could hold, so that no arithmetic above overflows. */
static void bound(struct i8254_counter *c)
{
    const i64 limit = (i64)1 << 50; /* ticks: thirty years */
    c->mode = c->mode > 5 ? 0 : c->mode;
    c->access = c->access & 3 ? c->access & 3 : ACCESS_BOTH;
    c->period = c->period - 1 < 0x10000 ? c->period : 0x10000;
    c->next = c->next - 1 < 0x10000 ? c->next : 0x10000;
    c->start %= limit;
    c->elapsed %= limit;
    c->switch_tick %= limit;
    if (c->edge != NEVER) {
        c->edge %= limit;
    }
}

/* OUT's wires keep the level that was saved where they lead to: in mode 2 it is not out_at(). */
static void i8254_loaded(struct device *dev)
{
    struct i8254 *pit = container_of(dev, struct i8254, dev);
    for (unsigned i = 0; i < 3; i++) {
        bound(&pit->counter[i]);
    }
    update_nmi(pit);
}

static void i8254_destroy(struct device *dev)
{
    struct i8254 *pit = container_of(dev, struct i8254, dev);
    for (unsigned i = 0; i < 3; i++) {
        timer_cancel(&pit->counter[i].timer);
    }
    space_unmap(&pit->port_map);
    space_unmap(&pit->port_b_map);
    region_destroy(&pit->ports);
    region_destroy(&pit->port_b);
    free(pit);
}

static const struct field counter_fields[] = {
    FIELD(struct i8254_counter, mode),
    FIELD(struct i8254_counter, access),
    FIELD(struct i8254_counter, bcd),
    FIELD(struct i8254_counter, gate),
    FIELD(struct i8254_counter, high_byte_next_write),
    FIELD(struct i8254_counter, high_byte_next_read),
    FIELD(struct i8254_counter, write_low),
    FIELD(struct i8254_counter, count_latched),
    FIELD(struct i8254_counter, status_latched),
    FIELD(struct i8254_counter, latched_count),
    FIELD(struct i8254_counter, latched_status),
    FIELD(struct i8254_counter, next),
    FIELD(struct i8254_counter, next_valid),
    FIELD(struct i8254_counter, null_count),
    FIELD(struct i8254_counter, counting),
    FIELD(struct i8254_counter, frozen),
    FIELD(struct i8254_counter, out_low_until_load),
    FIELD(struct i8254_counter, period),
    FIELD(struct i8254_counter, start),
    FIELD(struct i8254_counter, elapsed),
    FIELD(struct i8254_counter, switching),
    FIELD(struct i8254_counter, switch_tick),
    FIELD(struct i8254_counter, edge),
    FIELD_TIMER(struct i8254_counter, timer),
    FIELD_END,
};
static const struct field i8254_fields[] = {
    FIELD_STRUCTS(struct i8254, counter, counter_fields),
    FIELD(struct i8254, port61),
    FIELD(struct i8254, nmi_status),
    FIELD(struct i8254, nmi_lines),
    FIELD_END,
};
static const struct device_class i8254_class = {
    .name = "isa-pit",
    .version = 1,
    .reset = i8254_reset,
    .destroy = i8254_destroy,
    .loaded = i8254_loaded,
    .fields = i8254_fields,
};

struct i8254 *i8254_create(struct space *ports, struct clock *clock, struct irq *const out[3],
                           struct irq *nmi)
{
    struct i8254 *pit = mem_zeroed(1, sizeof *pit);
    pit->dev.class = &i8254_class;
    pit->clock = clock;
    pit->nmi = nmi;
    pit->iochk = (struct irq){nmi_line_set, pit, PORT61_IOCHK};
    pit->serr = (struct irq){nmi_line_set, pit, PORT61_SERR};
    for (unsigned i = 0; i < 3; i++) {
        pit->counter[i].out = out[i];
        timer_init(&pit->counter[i].timer, clock, out_fire, &pit->counter[i]);
    }
    region_init_io(&pit->ports, "pit", 4, &pit_ops, pit);
    region_init_io(&pit->port_b, "port61", 1, &port_b_ops, pit);
    space_map(ports, &pit->port_map, &pit->ports, 0x40, 0);
    space_map(ports, &pit->port_b_map, &pit->port_b, 0x61, 0);
    i8254_reset(&pit->dev);
    return pit;
}

void i8254_print(struct i8254 *pit, FILE *out)
{
    i64 now = tick_now(pit->clock);
    for (unsigned i = 0; i < 3; i++) {
        struct i8254_counter c = at_tick(&pit->counter[i], now);
        fprintf(out, "pit%u: mode=%u access=%u bcd=%d count=%04x period=%u out=%d gate=%d%s\n", i,
                c.mode, c.access, c.bcd, count_at(&c, now), c.period, out_at(&c, now), c.gate,
                c.counting ? "" : " stopped");
    }
}
