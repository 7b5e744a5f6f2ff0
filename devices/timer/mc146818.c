/*
 * mc146818.c: MC146818A real-time clock with 128 bytes of CMOS memory.
 *
 * Motorola MC146818A data sheet (ADI856R2), 1984; ports: 82371SB (PIIX3) data sheet
 * (290550-002), 2.5.7. The century is register 32h, as the ACPI FADT says.
 *
 * The time advances at the moment that ends the update cycle: UIP is set during the 244 us before
 * it, and register 0-9 change, UF and AF appear when it falls. Only the 32.768 kHz time base works.
 * Not modelled: daylight saving (DSE), the square-wave output, invalid times counting on in their
 * own way (they become the nearest date).
 */
#include "devices/timer/mc146818.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"

enum {
    RTC_SECONDS = 0,
    RTC_SECONDS_ALARM = 1,
    RTC_MINUTES = 2,
    RTC_MINUTES_ALARM = 3,
    RTC_HOURS = 4,
    RTC_HOURS_ALARM = 5,
    RTC_WEEKDAY = 6,
    RTC_DAY = 7,
    RTC_MONTH = 8,
    RTC_YEAR = 9,
    RTC_REG_A = 0x0a,
    RTC_REG_B = 0x0b,
    RTC_REG_C = 0x0c,
    RTC_REG_D = 0x0d,
    RTC_CENTURY = 0x32,
};

enum {
    REG_A_UIP = 0x80,
    REG_A_DV = 0x70,
    REG_A_RS = 0x0f,
    DV_RUNS_UP_TO = 0x20, /* 000b..010b are crystals, 11xb holds the divider in reset */
    REG_B_24H = 0x02,
    REG_B_DM = 0x04,
    REG_B_UIE = 0x10,
    REG_B_AIE = 0x20,
    REG_B_PIE = 0x40,
    REG_B_SET = 0x80,
    REG_C_UF = 0x10,
    REG_C_AF = 0x20,
    REG_C_PF = 0x40,
    REG_C_IRQF = 0x80,
    REG_D_VRT = 0x80,
    HOUR_PM = 0x80,
    ALARM_ANY = 0xc0, /* both bits set: don't care */
};

#define SECOND_NS       ((i64)NS_PER_SECOND)
#define UIP_NS          244000
#define SECONDS_PER_DAY 86400
#define MOST_LOST_TICKS 1000u
#define YEAR_ZERO       (-62167219200ll) /* 0000-01-01 */
#define YEAR_10000      253402300800ll

/* Dates: proleptic Gregorian, as days since 1970-01-01, counted from March so that a leap day ends
 * its year. */

struct date {
    int year, month, day; /* month 1..12 */
};

static i64 days_from_date(struct date d)
{
    i64 year = d.month > 2 ? d.year : d.year - 1;
    i64 month = d.month > 2 ? d.month - 3 : d.month + 9;
    i64 era = (year >= 0 ? year : year - 399) / 400;
    i64 year_of_era = year - era * 400;
    i64 day_of_year = (153 * month + 2) / 5 + d.day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static struct date date_from_days(i64 days)
{
    i64 shifted = days + 719468;
    i64 era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    i64 day_of_era = shifted - era * 146097;
    i64 year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    i64 day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    i64 month = (5 * day_of_year + 2) / 153;
    struct date d = {
        .year = (int)(year_of_era + era * 400 + (month >= 10)),
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
    };
    return d;
}

static i64 floor_div(i64 a, i64 b)
{
    return a / b - (a % b < 0);
}

/* 1 (Sunday) .. 7 */
static u8 weekday(i64 days)
{
    return (u8)(((days + 4) % 7 + 7) % 7 + 1);
}

/* Register values <-> numbers, by the data mode in register B */

static u8 encode(const struct mc146818 *rtc, int value)
{
    if (rtc->cmos[RTC_REG_B] & REG_B_DM) {
        return (u8)value;
    }
    return (u8)(value / 10 % 10 << 4 | value % 10);
}

static int decode(const struct mc146818 *rtc, u8 value)
{
    if (rtc->cmos[RTC_REG_B] & REG_B_DM) {
        return value;
    }
    return (value >> 4) * 10 + (value & 15);
}

static u8 encode_hour(const struct mc146818 *rtc, int hour)
{
    if (rtc->cmos[RTC_REG_B] & REG_B_24H) {
        return encode(rtc, hour);
    }
    return encode(rtc, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOUR_PM : 0);
}

static int decode_hour(const struct mc146818 *rtc, u8 value)
{
    if (rtc->cmos[RTC_REG_B] & REG_B_24H) {
        return decode(rtc, value);
    }
    return decode(rtc, value & 0x7f) % 12 + (value & HOUR_PM ? 12 : 0);
}

/* Puts `seconds` into the time registers. */
static void show_time(struct mc146818 *rtc)
{
    i64 days = floor_div(rtc->seconds, SECONDS_PER_DAY);
    int second = (int)(rtc->seconds - days * SECONDS_PER_DAY);
    struct date d = date_from_days(days);
    rtc->cmos[RTC_SECONDS] = encode(rtc, second % 60);
    rtc->cmos[RTC_MINUTES] = encode(rtc, second / 60 % 60);
    rtc->cmos[RTC_HOURS] = encode_hour(rtc, second / 3600);
    rtc->cmos[RTC_WEEKDAY] = encode(rtc, (weekday(days) - 1 + rtc->weekday_shift) % 7 + 1);
    rtc->cmos[RTC_DAY] = encode(rtc, d.day);
    rtc->cmos[RTC_MONTH] = encode(rtc, d.month);
    rtc->cmos[RTC_YEAR] = encode(rtc, d.year % 100);
    rtc->cmos[RTC_CENTURY] = encode(rtc, d.year / 100);
}

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

/* Takes `seconds` from the time registers. */
static void take_time(struct mc146818 *rtc)
{
    struct date d = {
        .year = clamp(decode(rtc, rtc->cmos[RTC_CENTURY]), 0, 99) * 100 +
                clamp(decode(rtc, rtc->cmos[RTC_YEAR]), 0, 99),
        .month = clamp(decode(rtc, rtc->cmos[RTC_MONTH]), 1, 12),
        .day = clamp(decode(rtc, rtc->cmos[RTC_DAY]), 1, 31),
    };
    i64 days = days_from_date(d);
    int shown = clamp(decode(rtc, rtc->cmos[RTC_WEEKDAY]), 1, 7);
    rtc->weekday_shift = (u8)((shown - weekday(days) + 7) % 7);
    rtc->seconds = days * SECONDS_PER_DAY +
                   clamp(decode_hour(rtc, rtc->cmos[RTC_HOURS]), 0, 23) * 3600 +
                   clamp(decode(rtc, rtc->cmos[RTC_MINUTES]), 0, 59) * 60 +
                   clamp(decode(rtc, rtc->cmos[RTC_SECONDS]), 0, 59);
}

/* Interrupts */

static void update_irq(struct mc146818 *rtc)
{
    u8 *c = &rtc->cmos[RTC_REG_C];
    *c &= ~REG_C_IRQF;
    if (*c & rtc->cmos[RTC_REG_B] & (REG_C_PF | REG_C_AF | REG_C_UF)) {
        *c |= REG_C_IRQF;
    }
    irq_set(rtc->irq, *c & REG_C_IRQF);
}

/* Updates */

static bool divider_runs(const struct mc146818 *rtc)
{
    return (rtc->cmos[RTC_REG_A] & REG_A_DV) <= DV_RUNS_UP_TO;
}

static bool updates_run(const struct mc146818 *rtc)
{
    return divider_runs(rtc) && !(rtc->cmos[RTC_REG_B] & REG_B_SET);
}

static bool alarm_matches(const struct mc146818 *rtc, unsigned alarm, u8 value)
{
    return rtc->cmos[alarm] >= ALARM_ANY || rtc->cmos[alarm] == value;
}

static bool alarm_at(const struct mc146818 *rtc, i64 seconds)
{
    int second = (int)(seconds - floor_div(seconds, SECONDS_PER_DAY) * SECONDS_PER_DAY);
    return alarm_matches(rtc, RTC_SECONDS_ALARM, encode(rtc, second % 60)) &&
           alarm_matches(rtc, RTC_MINUTES_ALARM, encode(rtc, second / 60 % 60)) &&
           alarm_matches(rtc, RTC_HOURS_ALARM, encode_hour(rtc, second / 3600));
}

static bool alarm_within(const struct mc146818 *rtc, i64 first, i64 last)
{
    i64 end = last - first < SECONDS_PER_DAY ? last : first + SECONDS_PER_DAY - 1;
    for (i64 s = first; s <= end; s++) {
        if (alarm_at(rtc, s)) {
            return true;
        }
    }
    return false;
}

/* Makes the updates that are due. */
static void sync_time(struct mc146818 *rtc)
{
    i64 now = clock_now(rtc->clock);
    if (!divider_runs(rtc) || now < rtc->update_ns) {
        return;
    }
    i64 updates = (now - rtc->update_ns) / SECOND_NS + 1;
    rtc->update_ns += updates * SECOND_NS;
    if (!updates_run(rtc)) {
        return;
    }
    i64 before = rtc->seconds;
    rtc->seconds += updates;
    if (rtc->seconds >= YEAR_10000) {
        rtc->seconds = YEAR_ZERO; /* the century register overflows */
    }
    show_time(rtc);
    rtc->cmos[RTC_REG_C] |= REG_C_UF;
    if (alarm_within(rtc, before + 1, before + updates)) {
        rtc->cmos[RTC_REG_C] |= REG_C_AF;
    }
    update_irq(rtc);
}

static void arm_update(struct mc146818 *rtc)
{
    if (divider_runs(rtc)) {
        timer_set(&rtc->update_timer, rtc->update_ns);
    } else {
        timer_cancel(&rtc->update_timer);
    }
}

static void update_fire(void *opaque)
{
    struct mc146818 *rtc = opaque;
    sync_time(rtc);
    arm_update(rtc);
}

static bool update_in_progress(const struct mc146818 *rtc)
{
    return updates_run(rtc) && rtc->update_ns - clock_now(rtc->clock) <= UIP_NS;
}

/* The periodic interrupt */

/* In cycles of 32.768 kHz; 0: off. Rates 1 and 2 are those of 8 and 9 (data sheet, table 5). */
static u64 periodic_cycles(const struct mc146818 *rtc)
{
    unsigned rs = rtc->cmos[RTC_REG_A] & REG_A_RS;
    if (!rs || !divider_runs(rtc)) {
        return 0;
    }
    return (u64)1 << ((rs <= 2 ? rs + 7 : rs) - 1);
}

/* A cycle is 1953125/64 ns. */
static u64 cycles_since_reset(const struct mc146818 *rtc)
{
    i64 ns = clock_now(rtc->clock) - rtc->divider_ns;
    return ns > 0 ? muldiv64((u64)ns, 64, 1953125) : 0;
}

static i64 cycle_ns(const struct mc146818 *rtc, u64 cycle)
{
    return (i64)((u64)rtc->divider_ns + (u64)(((u128)cycle * 1953125 + 63) / 64));
}

/* Notes the periodic ticks that have passed. */
static void sync_periodic(struct mc146818 *rtc)
{
    u64 cycles = periodic_cycles(rtc);
    if (!cycles) {
        return;
    }
    u64 count = cycles_since_reset(rtc) / cycles;
    u64 passed = count > rtc->periodic_count ? count - rtc->periodic_count : 0;
    rtc->periodic_count = count;
    if (!passed) {
        return;
    }
    u64 lost = rtc->cmos[RTC_REG_C] & REG_C_PF ? passed : passed - 1;
    rtc->cmos[RTC_REG_C] |= REG_C_PF;
    if (rtc->slew && rtc->cmos[RTC_REG_B] & REG_B_PIE) {
        u64 owed = rtc->lost_ticks + lost;
        rtc->lost_ticks = (u32)(owed < MOST_LOST_TICKS ? owed : MOST_LOST_TICKS);
    }
    update_irq(rtc);
}

/* The timer runs only for the interrupt: PF itself is found when it is looked at. */
static void arm_periodic(struct mc146818 *rtc)
{
    u64 cycles = periodic_cycles(rtc);
    if (!cycles || !(rtc->cmos[RTC_REG_B] & REG_B_PIE)) {
        timer_cancel(&rtc->periodic_timer);
        return;
    }
    i64 next = cycle_ns(rtc, (rtc->periodic_count + 1) * cycles);
    if (rtc->lost_ticks && !(rtc->cmos[RTC_REG_C] & REG_C_PF)) {
        /* owed ticks come at up to four times the rate */
        i64 sooner = clock_now(rtc->clock) + (i64)(cycles * 1953125 / 64 / 4);
        next = sooner < next ? sooner : next;
    }
    timer_set(&rtc->periodic_timer, next);
}

static void periodic_fire(void *opaque)
{
    struct mc146818 *rtc = opaque;
    u64 before = rtc->periodic_count;
    sync_periodic(rtc);
    if (rtc->periodic_count == before && rtc->lost_ticks && !(rtc->cmos[RTC_REG_C] & REG_C_PF)) {
        rtc->lost_ticks--;
        rtc->cmos[RTC_REG_C] |= REG_C_PF;
        update_irq(rtc);
    }
    arm_periodic(rtc);
}

/* Restarts the count of ticks, in phase with the divider chain. */
static void restart_periodic(struct mc146818 *rtc)
{
    u64 cycles = periodic_cycles(rtc);
    rtc->periodic_count = cycles ? cycles_since_reset(rtc) / cycles : 0;
    rtc->lost_ticks = 0;
    arm_periodic(rtc);
}

/* Ports */

static void write_a(struct mc146818 *rtc, u8 value)
{
    bool ran = divider_runs(rtc);
    rtc->cmos[RTC_REG_A] = value & ~REG_A_UIP;
    if (!ran && divider_runs(rtc)) {
        /* the first update comes half a second after the reset is lifted: data sheet, DV */
        rtc->divider_ns = clock_now(rtc->clock);
        rtc->update_ns = rtc->divider_ns + SECOND_NS / 2;
    }
    arm_update(rtc);
    restart_periodic(rtc);
}

static void write_b(struct mc146818 *rtc, u8 value)
{
    u8 before = rtc->cmos[RTC_REG_B];
    if (value & REG_B_SET) {
        value &= ~REG_B_UIE; /* SET going high clears UIE: data sheet, register B */
    }
    rtc->cmos[RTC_REG_B] = value;
    if (!(value & REG_B_SET)) {
        if (before & REG_B_SET) {
            take_time(rtc);
        }
        show_time(rtc);
    }
    if ((before ^ value) & REG_B_PIE) {
        restart_periodic(rtc);
    }
    update_irq(rtc);
}

static bool is_time(u8 index)
{
    return (index <= RTC_YEAR && (index > RTC_HOURS_ALARM || !(index & 1))) || index == RTC_CENTURY;
}

static void sync(struct mc146818 *rtc)
{
    sync_time(rtc);
    sync_periodic(rtc);
}

static u8 read_c(struct mc146818 *rtc)
{
    u8 value = rtc->cmos[RTC_REG_C];
    rtc->cmos[RTC_REG_C] = 0;
    update_irq(rtc);
    if (value & REG_C_PF) { /* a poll must not put off the next owed tick */
        arm_periodic(rtc);
    }
    return value;
}

static u8 read_register(struct mc146818 *rtc, u8 index)
{
    sync(rtc);
    switch (index) {
    case RTC_REG_A:
        return rtc->cmos[RTC_REG_A] | (update_in_progress(rtc) ? REG_A_UIP : 0);
    case RTC_REG_C:
        return read_c(rtc);
    default:
        return rtc->cmos[index];
    }
}

static void write_register(struct mc146818 *rtc, u8 index, u8 value)
{
    sync(rtc);
    switch (index) {
    case RTC_REG_A:
        write_a(rtc, value);
        return;
    case RTC_REG_B:
        write_b(rtc, value);
        return;
    case RTC_REG_C:
    case RTC_REG_D: /* read-only */
        return;
    }
    rtc->cmos[index] = value;
    if (is_time(index) && !(rtc->cmos[RTC_REG_B] & REG_B_SET)) {
        take_time(rtc);
        rtc->cmos[index] = value;
    }
}

static u64 port_read(void *opaque, u64 offset, unsigned size)
{
    (void)size;
    struct mc146818 *rtc = opaque;
    return offset ? read_register(rtc, rtc->index & 0x7f) : 0xff; /* port 70h is write-only */
}

static void port_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)size;
    struct mc146818 *rtc = opaque;
    if (offset) {
        write_register(rtc, rtc->index & 0x7f, (u8)value);
    } else {
        rtc->index = value & 0x7f;
        rtc->nmi_masked = value >> 7 & 1;
    }
}

static const struct region_ops rtc_ops = {
    .read = port_read, .write = port_write, .min_size = 1, .max_size = 1};

/* For the machine */

void rtc_set_cmos(struct mc146818 *rtc, u8 index, u8 value)
{
    if (index > RTC_REG_D && index < sizeof rtc->cmos && index != RTC_CENTURY) {
        rtc->cmos[index] = value;
    }
}

u8 rtc_get_cmos(struct mc146818 *rtc, u8 index)
{
    sync(rtc);
    return rtc->cmos[index & 0x7f];
}

void rtc_set_time(struct mc146818 *rtc, i64 unix_seconds)
{
    rtc->seconds = unix_seconds > YEAR_ZERO && unix_seconds < YEAR_10000 ? unix_seconds : 0;
    rtc->weekday_shift = 0;
    show_time(rtc);
}

bool rtc_nmi_masked(const struct mc146818 *rtc)
{
    return rtc->nmi_masked;
}

/* The battery keeps time, memory and rates: data sheet, RESET. */
static void mc146818_reset(struct device *dev)
{
    struct mc146818 *rtc = container_of(dev, struct mc146818, dev);
    sync(rtc);
    rtc->cmos[RTC_REG_B] &= ~(REG_B_PIE | REG_B_AIE | REG_B_UIE | 0x08);
    rtc->cmos[RTC_REG_C] = 0;
    rtc->index = 0;
    rtc->nmi_masked = false;
    update_irq(rtc);
    restart_periodic(rtc);
}

/* Bounds what a damaged snapshot could hold, so that no arithmetic above overflows. */
static void mc146818_loaded(struct device *dev)
{
    struct mc146818 *rtc = container_of(dev, struct mc146818, dev);
    const i64 limit = CLOCK_NEVER / 4;
    if (rtc->seconds < YEAR_ZERO || rtc->seconds >= YEAR_10000) {
        rtc->seconds = 0;
    }
    rtc->weekday_shift %= 7;
    rtc->update_ns %= limit;
    rtc->divider_ns %= limit;
    rtc->periodic_count &= BIT(48) - 1;
    if (rtc->lost_ticks > MOST_LOST_TICKS) {
        rtc->lost_ticks = MOST_LOST_TICKS;
    }
    update_irq(rtc);
}

static void mc146818_destroy(struct device *dev)
{
    struct mc146818 *rtc = container_of(dev, struct mc146818, dev);
    timer_cancel(&rtc->update_timer);
    timer_cancel(&rtc->periodic_timer);
    space_unmap(&rtc->map);
    region_destroy(&rtc->ports);
    free(rtc);
}

static const struct field mc146818_fields[] = {
    FIELD_BYTES(struct mc146818, cmos),           FIELD(struct mc146818, index),
    FIELD(struct mc146818, nmi_masked),           FIELD(struct mc146818, seconds),
    FIELD(struct mc146818, weekday_shift),        FIELD(struct mc146818, update_ns),
    FIELD(struct mc146818, divider_ns),           FIELD(struct mc146818, periodic_count),
    FIELD(struct mc146818, lost_ticks),           FIELD_TIMER(struct mc146818, update_timer),
    FIELD_TIMER(struct mc146818, periodic_timer), FIELD_END,
};
static const struct device_class mc146818_class = {
    .name = "mc146818rtc",
    .version = 1,
    .reset = mc146818_reset,
    .destroy = mc146818_destroy,
    .loaded = mc146818_loaded,
    .fields = mc146818_fields,
};

struct mc146818 *mc146818_create(struct space *ports, struct clock *clock, struct irq *irq,
                                 const struct mc146818_config *config)
{
    struct mc146818 *rtc = mem_zeroed(1, sizeof *rtc);
    rtc->dev.class = &mc146818_class;
    rtc->clock = clock;
    rtc->irq = irq;
    rtc->slew = config->slew;
    timer_init(&rtc->update_timer, clock, update_fire, rtc);
    timer_init(&rtc->periodic_timer, clock, periodic_fire, rtc);
    region_init_io(&rtc->ports, "rtc", 2, &rtc_ops, rtc);
    space_map(ports, &rtc->map, &rtc->ports, 0x70, 0);
    rtc->cmos[RTC_REG_A] = 0x26; /* 32.768 kHz, 1024 Hz */
    rtc->cmos[RTC_REG_B] = REG_B_24H;
    rtc->cmos[RTC_REG_D] = REG_D_VRT;
    i64 now = clock_now(clock);
    rtc->divider_ns = now;
    rtc->update_ns = now + SECOND_NS - now % SECOND_NS;
    rtc_set_time(rtc, clock_epoch(clock) + now / SECOND_NS);
    mc146818_reset(&rtc->dev);
    arm_update(rtc);
    return rtc;
}

void rtc_print(struct mc146818 *rtc, FILE *out)
{
    sync(rtc);
    for (unsigned i = 0; i < sizeof rtc->cmos; i++) {
        fprintf(out, "%s%02x%s", i % 16 ? " " : "", rtc->cmos[i], i % 16 == 15 ? "\n" : "");
    }
}
