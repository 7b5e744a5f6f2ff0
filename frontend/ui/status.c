/*
 * status.c: see status.h.
 */
#include "frontend/ui/status.h"

#include <string.h>

#include "devices/storage/fdc.h"
#include "devices/storage/ide.h"
#include "frontend/monitor/registers.h"

const char *place_name(enum place place)
{
    static const char *const names[PLACE_COUNT] = {"ring 0 kernel", "ring 1",       "ring 2",
                                                   "ring 3 user",   "SMM firmware", "idle"};
    return names[place];
}

static enum place place_now(const struct machine *m)
{
    if (m->cpu_idle) {
        return PLACE_IDLE;
    }
    return m->cpu->in_smm ? PLACE_SMM : (enum place)(PLACE_RING0 + (m->cpu->cpl & 3));
}

/* Adds up what the drives of one lamp have done; false: there is none. */
static bool lamp_counts(const struct machine *m, enum lamp lamp, u64 *reads, u64 *writes)
{
    bool any = false;
    *reads = *writes = 0;
    unsigned units = lamp == LAMP_FLOPPY ? FDC_UNITS : IDE_UNITS;
    for (unsigned unit = 0; unit < units; unit++) {
        struct activity a;
        if (lamp == LAMP_FLOPPY) {
            if (!m->fdc || fdc_drive_type(m->fdc, unit) == FDC_NO_DRIVE) {
                continue;
            }
            a = fdc_activity(m->fdc, unit);
        } else {
            if (!m->ide ||
                !(lamp == LAMP_CD ? ide_is_cdrom(m->ide, unit) : ide_is_disk(m->ide, unit))) {
                continue;
            }
            a = ide_activity(m->ide, unit);
        }
        any = true;
        *reads += a.reads;
        *writes += a.writes;
    }
    return any;
}

static void take_lamps(struct sampler *s)
{
    for (enum lamp lamp = 0; lamp < LAMP_COUNT; lamp++) {
        u64 reads, writes;
        bool any = lamp_counts(s->machine, lamp, &reads, &writes);
        s->status.lamp[lamp] = !any                        ? LAMP_NONE
                               : writes != s->writes[lamp] ? LAMP_WRITE
                               : reads != s->reads[lamp]   ? LAMP_READ
                                                           : LAMP_OFF;
        s->reads[lamp] = reads;
        s->writes[lamp] = writes;
    }
}

static u32 take_mips(struct sampler *s)
{
    i64 now = host_now();
    u64 icount = s->machine->cpu->icount;
    i64 passed = now - s->at;
    u64 retired = icount - s->icount;
    s->at = now;
    s->icount = icount;
    return passed > 0 ? (u32)(retired * 1000 / (u64)passed) : 0;
}

/* The speed wavers from sample to sample; what is shown follows it slowly, and rests when the guest
 * does. */
static u32 smooth(u32 shown, u32 now)
{
    if (shown == 0 || now == 0) {
        return now;
    }
    return (shown * 3 + now + 2) / 4;
}

bool sampler_take(struct sampler *s)
{
    struct status before = s->status, *st = &s->status;
    st->place = place_now(s->machine);
    st->paused = s->machine->paused;
    st->mips = smooth(st->mips, take_mips(s));
    st->uncounted = s->machine->cpu->executor && !s->machine->cpu->counted;
    memset(st->mode, 0, sizeof st->mode);
    strncpy(st->mode, registers_mode(s->machine->cpu), sizeof st->mode - 1);
    if (!st->paused) {
        memmove(st->history, st->history + 1, STATUS_HISTORY - 1);
        st->history[STATUS_HISTORY - 1] = (u8)st->place;
    }
    take_lamps(s);
    return memcmp(&before, st, sizeof before) != 0;
}

void sampler_init(struct sampler *s, struct machine *machine)
{
    *s = (struct sampler){.machine = machine};
    s->at = host_now();
    s->icount = machine->cpu->icount;
    memset(s->status.history, PLACE_IDLE, STATUS_HISTORY);
    take_lamps(s);
}
