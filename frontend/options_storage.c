/*
 * options_storage.c: disks, floppies, CD-ROMs, boot order, and files that are named without an
 * option.
 */
#include "frontend/options_parts.h"

#include <string.h>

static struct drive_spec *new_drive(struct parsing *p)
{
    if (p->drive_count == MACHINE_DRIVES) {
        error_set(p->err, "there are more than %d drives", MACHINE_DRIVES);
        return NULL;
    }
    struct drive_spec *d = &p->drives[p->drive_count++];
    *d = (struct drive_spec){.drive.interface = DRIVE_IDE};
    return d;
}

bool option_disk(struct parsing *p, const char *value, unsigned unit, bool cdrom)
{
    struct drive_spec *d = new_drive(p);
    if (!d) {
        return false;
    }
    d->has_index = true;
    d->drive.unit = unit;
    d->drive.cdrom = cdrom;
    d->drive.path = *value ? keep(p, value) : NULL;
    return *value || cdrom || error_set(p->err, "a hard disk needs an image file");
}

bool option_floppy(struct parsing *p, const char *value, unsigned unit)
{
    struct drive_spec *d = new_drive(p);
    if (!d) {
        return false;
    }
    d->has_index = true;
    d->drive.interface = DRIVE_FLOPPY;
    d->drive.unit = unit;
    d->drive.path = *value ? keep(p, value) : NULL;
    return true;
}

/* ---- -drive */

static const char *const drive_keys[] = {
    "file",   "if",       "index",    "bus",           "unit", "media",
    "format", "snapshot", "readonly", "read-only",     "id",   "serial",
    "cache",  "aio",      "discard",  "detect-zeroes", NULL};

static bool flag(struct keyvals *list, const char *key, bool *flag, struct error *err)
{
    const char *value = keyvals_get(list, key);
    return !value || parse_on_off(value, flag, err);
}

static bool drive_interface(struct drive_spec *d, const char *word, struct error *err)
{
    static const char *const words[] = {"ide", "floppy", "none", NULL};
    if (!word || !strcmp(word, "ide")) {
        return true;
    }
    if (!strcmp(word, "floppy")) {
        d->drive.interface = DRIVE_FLOPPY;
        return true;
    }
    if (!strcmp(word, "none")) {
        d->none = true;
        return true;
    }
    const char *near = nearest_word(word, words);
    return error_set(err, "-drive if=%s: this version has ide, floppy and none%s%s%s", word,
                     near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static bool drive_place(struct drive_spec *d, struct keyvals *list, struct error *err)
{
    const char *index = keyvals_get(list, "index"), *bus = keyvals_get(list, "bus"),
               *unit = keyvals_get(list, "unit");
    unsigned most = d->drive.interface == DRIVE_FLOPPY ? 1 : 3;
    u64 n = 0, b = 0;
    if (index) {
        if (!parse_number(index, most, &n, err)) {
            return false;
        }
    } else if (bus || unit) {
        if ((bus && !parse_number(bus, 1, &b, err)) || (unit && !parse_number(unit, 1, &n, err))) {
            return false;
        }
        n += d->drive.interface == DRIVE_FLOPPY ? 0 : 2 * b;
    } else {
        return true;
    }
    d->has_index = true;
    d->drive.unit = (unsigned)n;
    return true;
}

static bool drive_settings(struct parsing *p, struct drive_spec *d, struct keyvals *list)
{
    const char *media = keyvals_get(list, "media"), *format = keyvals_get(list, "format");
    const char *file = keyvals_get(list, "file"), *id = keyvals_get(list, "id"),
               *serial = keyvals_get(list, "serial");
    if (media && strcmp(media, "disk") && strcmp(media, "cdrom")) {
        return error_set(p->err, "-drive media=%s: it is disk or cdrom", media);
    }
    /* How the host caches is not ours to choose; the words are taken and change nothing. */
    keyvals_get(list, "cache");
    keyvals_get(list, "aio");
    keyvals_get(list, "discard");
    keyvals_get(list, "detect-zeroes");
    d->drive.cdrom = media && !strcmp(media, "cdrom");
    d->drive.path = file && *file ? keep(p, file) : NULL;
    d->drive.serial = serial ? keep(p, serial) : NULL;
    d->drive.options.format = format ? keep(p, format) : NULL;
    d->id = id ? keep(p, id) : NULL;
    d->drive.options.snapshot = p->snapshot;
    return flag(list, "snapshot", &d->drive.options.snapshot, p->err) &&
           flag(list, "readonly", &d->drive.options.read_only, p->err) &&
           flag(list, "read-only", &d->drive.options.read_only, p->err);
}

bool option_drive(struct parsing *p, const char *value)
{
    struct keyvals list;
    struct drive_spec *d = new_drive(p);
    if (!d || !keyvals_parse(&list, value, "file", p->err)) {
        return false;
    }
    bool ok = drive_interface(d, keyvals_get(&list, "if"), p->err) &&
              drive_place(d, &list, p->err) && drive_settings(p, d, &list) &&
              keyvals_end(&list, "-drive", drive_keys, p->err);
    keyvals_free(&list);
    if (ok && !d->drive.path && !d->drive.cdrom && d->drive.interface == DRIVE_IDE) {
        return error_set(p->err, "-drive %s: a hard disk needs file=", value);
    }
    return ok;
}

/* ---- -device ide-hd, ide-cd, floppy */

static struct drive_spec *find_drive(struct parsing *p, const char *id)
{
    for (unsigned i = 0; i < p->drive_count; i++) {
        if (p->drives[i].id && !strcmp(p->drives[i].id, id)) {
            return &p->drives[i];
        }
    }
    return NULL;
}

static bool device_place(struct parsing *p, struct drive_spec *d, struct keyvals *list)
{
    const char *bus = keyvals_get(list, "bus"), *unit = keyvals_get(list, "unit");
    u64 b = 0, n = 0;
    if (bus) {
        if ((strncmp(bus, "ide.", 4) && strncmp(bus, "floppy-bus.", 11)) ||
            !parse_number(strchr(bus, '.') + 1, 1, &b, p->err)) {
            return error_set(p->err, "-device: there is no bus %s; there are ide.0 and ide.1", bus);
        }
    }
    if (unit && !parse_number(unit, 1, &n, p->err)) {
        return false;
    }
    if (bus || unit) {
        d->has_index = true;
        d->drive.unit = (unsigned)(d->drive.interface == DRIVE_FLOPPY ? n : 2 * b + n);
    }
    return true;
}

bool device_drive(struct parsing *p, const char *driver, struct keyvals *list)
{
    const char *id = keyvals_get(list, "drive");
    const char *serial = keyvals_get(list, "serial");
    struct drive_spec *d = id ? find_drive(p, id) : NULL;
    keyvals_get(list, "id");
    if (!id && !strcmp(driver, "ide-cd")) {
        d = new_drive(p);
        if (!d) {
            return false;
        }
    } else if (!d || !d->none) {
        return error_set(p->err, "-device %s: drive=%s names no -drive with if=none before it",
                         driver, id ? id : "");
    }
    d->none = false;
    d->drive.interface = strcmp(driver, "floppy") ? DRIVE_IDE : DRIVE_FLOPPY;
    d->drive.cdrom = !strcmp(driver, "ide-cd");
    d->drive.serial = serial ? keep(p, serial) : d->drive.serial;
    return device_place(p, d, list);
}

/* ---- -boot */

static bool boot_letters(struct parsing *p, const char *letters, const char **order)
{
    if (letters[strspn(letters, "abcdnop")] || strlen(letters) > 8) {
        return error_set(
            p->err,
            "-boot %s: the order is made of a (floppy), c (disk), d (CD-ROM) and n (network)",
            letters);
    }
    *order = keep(p, letters);
    p->boot_given = true;
    return true;
}

bool option_boot(struct parsing *p, const char *value)
{
    static const char *const keys[] = {"order",  "once",           "menu",   "splash-time",
                                       "strict", "reboot-timeout", "splash", NULL};
    struct machine_config *c = &p->options->machine;
    struct keyvals list;
    if (!keyvals_parse(&list, value, "order", p->err)) {
        return false;
    }
    const char *order = keyvals_get(&list, "order"), *once = keyvals_get(&list, "once");
    const char *wait = keyvals_get(&list, "splash-time");
    bool strict = false;
    u64 ms = 0;
    bool ok = (!order || boot_letters(p, order, &c->boot_order)) &&
              (!once || boot_letters(p, once, &c->boot_once)) &&
              flag(&list, "menu", &c->boot_menu, p->err) &&
              flag(&list, "strict", &strict, p->err) &&
              (!wait || parse_number(wait, 0xffff, &ms, p->err)) &&
              keyvals_end(&list, "-boot", keys, p->err);
    c->boot_splash_ms = (u32)ms;
    keyvals_free(&list);
    return ok;
}

/* ---- files without an option */

static bool medium(struct parsing *p, const char *path)
{
    struct machine_config *c = &p->options->machine;
    enum image_kind kind;
    struct drive_spec *d;
    if (!block_probe_file(path, &kind, p->err)) {
        return false;
    }
    switch (kind) {
    case IMAGE_LINUX:
    case IMAGE_MULTIBOOT:
    case IMAGE_ELF:
        if (c->kernel) {
            return error_set(p->err, "%s is a second kernel", path);
        }
        c->kernel = path;
        return true;
    case IMAGE_CDROM:
        c->boot_order = p->boot_given ? c->boot_order : "dca";
        return option_disk(p, path, 2, true);
    case IMAGE_FLOPPY:
        c->boot_order = p->boot_given ? c->boot_order : "acd";
        return option_floppy(p, path, 0);
    case IMAGE_DISK:
        d = new_drive(p);
        c->boot_order = p->boot_given ? c->boot_order : "cda";
        if (d) {
            d->drive.path = path;
        }
        return d;
    case IMAGE_FOREIGN:
        return error_set(p->err,
                         "%s is in a format other than raw, which this version cannot read; "
                         "`qemu-img convert -O raw` makes it raw",
                         path);
    default:
        return error_set(
            p->err,
            "%s is neither a disk, a CD, a floppy nor a kernel; say -hda, -cdrom, -fda or -kernel",
            path);
    }
}

/* ---- places */

static const char *place_name(enum drive_interface interface, unsigned unit)
{
    static const char *const names[2][4] = {
        [DRIVE_IDE] = {"-hda", "-hdb", "-hdc (or -cdrom)", "-hdd"},
        [DRIVE_FLOPPY] = {"-fda", "-fdb", "", ""}};
    return names[interface][unit];
}

static bool place(struct parsing *p, struct drive_spec *d, unsigned unit, u8 taken[2])
{
    struct machine_config *c = &p->options->machine;
    if (taken[d->drive.interface] & 1u << unit) {
        return error_set(p->err, "there are two drives for %s",
                         place_name(d->drive.interface, unit));
    }
    taken[d->drive.interface] |= (u8)(1u << unit);
    d->placed = true;
    d->drive.unit = unit;
    d->drive.options.snapshot |= p->snapshot;
    c->drives[c->drive_count++] = d->drive;
    return true;
}

static unsigned first_free(const struct drive_spec *d, u8 taken)
{
    unsigned unit = d->drive.interface == DRIVE_IDE && d->drive.cdrom && !(taken & 1u << 2) ? 2 : 0;
    while (taken & 1u << unit) {
        unit++;
    }
    return unit;
}

bool place_drives(struct parsing *p)
{
    u8 taken[2] = {0};
    for (unsigned i = 0; i < p->media_count; i++) {
        if (!medium(p, p->media[i])) {
            return false;
        }
    }
    for (unsigned i = 0; i < p->drive_count; i++) {
        struct drive_spec *d = &p->drives[i];
        if (d->has_index && !d->none && !place(p, d, d->drive.unit, taken)) {
            return false;
        }
    }
    for (unsigned i = 0; i < p->drive_count; i++) {
        struct drive_spec *d = &p->drives[i];
        if (d->placed || d->none) {
            continue;
        }
        unsigned unit = first_free(d, taken[d->drive.interface]);
        if (unit >= (d->drive.interface == DRIVE_FLOPPY ? 2u : 4u)) {
            return error_set(p->err, "there are more drives than the controller has places");
        }
        if (!place(p, d, unit, taken)) {
            return false;
        }
    }
    struct machine_config *c = &p->options->machine;
    if (!p->no_defaults && !(taken[DRIVE_IDE] & 1u << 2)) {
        c->drives[c->drive_count++] =
            (struct drive_config){.interface = DRIVE_IDE, .unit = 2, .cdrom = true};
    }
    c->floppy_drive = !p->no_defaults;
    return true;
}
