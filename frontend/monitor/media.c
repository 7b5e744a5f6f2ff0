/*
 * media.c: the monitor's commands about drives and what is in them: info block, eject, change.
 */
#include "devices/storage/fdc.h"
#include "devices/storage/ide.h"
#include "frontend/monitor/info.h"
#include "frontend/monitor/monitor_state.h"

#include <stdio.h>
#include <string.h>

typedef unsigned long long ull;

enum { PLACES = IDE_UNITS + FDC_UNITS };

struct place {
    bool there, floppy, cdrom;
    unsigned unit;
    char name[16]; /* QEMU's: ide1-cd0, floppy0 */
};

static struct place place_at(const struct machine *m, unsigned index)
{
    struct place p = {.floppy = index >= IDE_UNITS};
    p.unit = p.floppy ? index - IDE_UNITS : index;
    if (p.floppy) {
        p.there = m->fdc && fdc_drive_type(m->fdc, p.unit) != FDC_NO_DRIVE;
        snprintf(p.name, sizeof p.name, "floppy%u", p.unit & 1);
    } else {
        p.cdrom = m->ide && ide_is_cdrom(m->ide, p.unit);
        p.there = p.cdrom || (m->ide && ide_is_disk(m->ide, p.unit));
        snprintf(p.name, sizeof p.name, "ide%u-%s%u", p.unit >> 1 & 1, p.cdrom ? "cd" : "hd",
                 p.unit & 1);
    }
    return p;
}

static struct block *image_of(const struct machine *m, const struct place *p)
{
    return p->floppy ? fdc_image(m->fdc, p->unit) : ide_image(m->ide, p->unit);
}

bool info_block(struct call *c, struct error *err)
{
    (void)err;
    for (unsigned i = 0; i < PLACES; i++) {
        struct place p = place_at(c->machine, i);
        if (!p.there) {
            continue;
        }
        struct block *image = image_of(c->machine, &p);
        if (image) {
            fprintf(c->out, "%s: %s (raw%s), %llu bytes\n", p.name, block_name(image),
                    block_read_only(image) ? ", read-only" : "", (ull)block_size(image));
        } else {
            fprintf(c->out, "%s: empty\n", p.name);
        }
        struct activity a = p.floppy ? fdc_activity(c->machine->fdc, p.unit)
                                     : ide_activity(c->machine->ide, p.unit);
        fprintf(c->out, "    %llu reads (%llu bytes), %llu writes (%llu bytes)\n", (ull)a.reads,
                (ull)a.bytes_read, (ull)a.writes, (ull)a.bytes_written);
    }
    return true;
}

static bool find_removable(struct call *c, const char *name, struct place *p, struct error *err)
{
    for (unsigned i = 0; i < PLACES; i++) {
        *p = place_at(c->machine, i);
        if (p->there && !strcmp(p->name, name)) {
            return p->floppy || p->cdrom || error_set(err, "%s is a fixed disk", name);
        }
    }
    return error_set(err, "there is no drive %s; `info block` lists them", name);
}

static bool put_medium(struct call *c, const struct place *p, struct block *medium, bool force,
                       struct error *err)
{
    return p->floppy ? fdc_change_media(c->machine->fdc, p->unit, medium, err)
                     : ide_change_media(c->machine->ide, p->unit, medium, force, err);
}

static bool run_eject(struct call *c, struct error *err)
{
    bool force = !strcmp(c->word[0], "-f");
    struct place p;
    if (force && c->count < 2) {
        return error_set(err, "eject -f: which drive?");
    }
    return outside_is_free(c->machine, "eject", err) && find_removable(c, c->word[force], &p, err) &&
           put_medium(c, &p, NULL, force, err);
}

/* As the command line opened the last medium of that drive. */
static struct block_options options_for(const struct machine *m, const struct place *p)
{
    for (unsigned i = 0; i < m->config.drive_count; i++) {
        const struct drive_config *d = &m->config.drives[i];
        if ((d->interface == DRIVE_FLOPPY) == p->floppy && d->unit == p->unit) {
            return d->options;
        }
    }
    return (struct block_options){0};
}

static bool run_change(struct call *c, struct error *err)
{
    struct place p;
    if (!outside_is_free(c->machine, "change", err) || !find_removable(c, c->word[0], &p, err)) {
        return false;
    }
    struct block_options options = options_for(c->machine, &p);
    options.format = NULL;
    options.read_only |= p.cdrom;
    struct block *medium = block_open(c->word[1], &options, err);
    if (!medium) {
        return false;
    }
    if (!put_medium(c, &p, medium, false, err)) {
        block_close(medium);
        return false;
    }
    return true;
}

const struct command media_commands[] = {
    {"eject", "[-f] drive", "take the medium out (-f: even if the guest has locked the tray)", 1,
     run_eject},
    {"change", "drive file", "put another medium in", 2, run_change},
    {0},
};
