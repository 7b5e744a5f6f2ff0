/*
 * options.c: see options.h. One table names every option; what QEMU has and this version has not is
 * named too, so that it is answered and never ignored.
 */
#include "frontend/lab/journal.h"
#include "frontend/options_parts.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cpu/base/log.h"
#include "cpu/base/mem.h"

#define RAM_DEFAULT (512ull << 20)
#define RAM_MIN     (2ull << 20)
#define RAM_MAX     (64ull << 30)

const char *keep(struct parsing *p, const char *text)
{
    struct options *o = p->options;
    char *copy = mem_check(strdup(text));
    o->strings = mem_resize(o->strings, (o->string_count + 1) * sizeof *o->strings);
    return o->strings[o->string_count++] = copy;
}

/* ---- single options */

static bool set_memory(struct parsing *p, const char *value)
{
    static const char *const keys[] = {"size", NULL};
    struct keyvals list;
    u64 bytes = 0;
    if (!keyvals_parse(&list, value, "size", p->err)) {
        return false;
    }
    const char *size = keyvals_get(&list, "size");
    bool ok =
        size ? parse_size(size, 1 << 20, &bytes, p->err) : error_set(p->err, "-m needs a size");
    ok = ok && keyvals_end(&list, "-m", keys, p->err);
    keyvals_free(&list);
    if (ok && (bytes < RAM_MIN || bytes > RAM_MAX)) {
        return error_set(p->err, "-m %s: this machine takes from %llu MiB to %llu GiB", value,
                         RAM_MIN >> 20, RAM_MAX >> 30);
    }
    p->options->machine.ram_bytes = bytes & PAGE_MASK;
    return ok;
}

static bool set_cpu(struct parsing *p, const char *value)
{
    struct cpu_features features;
    if (!strcmp(value, "help") || !strcmp(value, "?")) {
        const char *name, *description;
        for (unsigned i = 0; (name = cpu_model_list(i, &description)); i++) {
            printf("%-12s %s%s\n", name, description,
                   strcmp(name, cpu_model_default()) ? "" : " (default)");
        }
        printf("Behind the name: ,+feature ,-feature ,feature=on|off; ignore-msrs=on: model-specific\n"
               "registers that the processor lacks read 0 and take writes, without #GP; pmu=off: no performance\n"
               "counters.\n");
        p->done = true;
        return true;
    }
    p->options->machine.cpu = keep(p, value);
    return cpu_model_find(value, &features, p->err);
}

static bool set_smp(struct parsing *p, const char *value)
{
    static const char *const keys[] = {"cpus",    "sockets", "dies", "cores",
                                       "threads", "maxcpus", NULL};
    struct keyvals list;
    if (!keyvals_parse(&list, value, "cpus", p->err)) {
        return false;
    }
    bool ok = true;
    for (unsigned i = 0; ok && keys[i]; i++) {
        const char *text = keyvals_get(&list, keys[i]);
        u64 n = 1;
        ok = !text || parse_number(text, 1024, &n, p->err);
        if (ok && n != 1) {
            ok = error_set(p->err, "-smp %s: this version has one processor", value);
        }
    }
    ok = ok && keyvals_end(&list, "-smp", keys, p->err);
    keyvals_free(&list);
    return ok;
}

/* -accel tcg,... */
static bool set_tcg(struct parsing *p, const char *value)
{
    static const char *const keys[] = {"tb-size", "thread", "threshold", "profile", NULL};
    struct accel_config *accel = &p->options->machine.accel;
    struct keyvals list;
    u64 number;
    if (!keyvals_parse(&list, value, NULL, p->err)) {
        return false;
    }
    const char *size = keyvals_get(&list, "tb-size"), *thread = keyvals_get(&list, "thread");
    const char *threshold = keyvals_get(&list, "threshold");
    const char *profile = keyvals_get(&list, "profile");
    bool ok = true;
    if (size) {
        ok = parse_number(size, 1024, &number, p->err) &&
             (number || error_set(p->err, "-accel tcg,tb-size=0: say 1 to 1024 MiB"));
        accel->cache_bytes = ok ? (size_t)number << 20 : 0;
    }
    if (ok && threshold) {
        ok = parse_number(threshold, 60000, &number, p->err) &&
             (number || error_set(p->err, "-accel tcg,threshold=0: say 1 to 60000 executions"));
        accel->threshold = ok ? (unsigned)number : 0;
    }
    ok = ok && (!profile || parse_on_off(profile, &accel->profile, p->err));
    if (ok && thread && strcmp(thread, "single")) {
        ok = error_set(p->err, "-accel tcg,thread=%s: this version has thread=single only", thread);
    }
    ok = ok && keyvals_end(&list, "-accel tcg", keys, p->err);
    keyvals_free(&list);
    return ok;
}

static bool set_accel(struct parsing *p, const char *value)
{
    static const char *const words[] = {"interp", "tcg", NULL};
    struct accel_config *accel = &p->options->machine.accel;
    if (!strcmp(value, "interp")) {
        accel->accel = ACCEL_INTERP;
        return true;
    }
    if (!strcmp(value, "help") || !strcmp(value, "?")) {
        puts("tcg          hot code is translated (default where this host has a translator)\n"
             "interp       everything is interpreted");
        p->done = true;
        return true;
    }
    if (!strncmp(value, "tcg", 3) && (!value[3] || value[3] == ',')) {
        accel->accel = ACCEL_TCG;
        return !value[3] || set_tcg(p, value + 4);
    }
    if (!strcmp(value, "kvm") || !strcmp(value, "hax") || !strcmp(value, "whpx") ||
        !strcmp(value, "hvf")) {
        return error_set(
            p->err,
            "-accel %s: Ringside runs guests in software only, with no help from the host's "
            "processor; say -accel interp",
            value);
    }
    const char *near = nearest_word(value, words);
    return error_set(p->err, "-accel %s: there is no such accelerator; did you mean %s?", value,
                     near ? near : "interp");
}

static bool refuse_kvm(struct parsing *p, const char *value)
{
    (void)value;
    return error_set(p->err, "-enable-kvm: Ringside runs guests in software only, with no help "
                             "from the host's processor; "
                             "leave it out");
}

static bool machine_type(struct parsing *p, const char *type)
{
    static const char *const words[] = {"pc", "pc-i440fx", NULL};
    if (!type || !strcmp(type, "pc") || !strncmp(type, "pc-i440fx", 9)) {
        return true;
    }
    if (!strcmp(type, "help") || !strcmp(type, "?")) {
        puts("pc           i440FX with PIIX3 (default)");
        p->done = true;
        return true;
    }
    const char *near = nearest_word(type, words);
    return error_set(p->err, "-machine %s: this version has the machine pc%s", type,
                     near ? "; did you mean that?" : " only");
}

/* Settings of QEMU's machine that are as we have them anyway. */
static bool machine_switch(struct parsing *p, struct keyvals *list, const char *key, bool ours)
{
    const char *text = keyvals_get(list, key);
    bool on = ours;
    if (text && strcmp(text, "auto") && !parse_on_off(text, &on, p->err)) {
        return false;
    }
    return on == ours || error_set(p->err, "-machine %s=%s: this version has it %s", key, text,
                                   ours ? "on" : "off");
}

static bool set_machine(struct parsing *p, const char *value)
{
    static const char *const keys[] = {"type",     "accel", "usb", "vmport",
                                       "hpet",     "acpi",  "smm", "kernel-irqchip",
                                       "graphics", NULL};
    struct keyvals list;
    if (!keyvals_parse(&list, value, "type", p->err)) {
        return false;
    }
    const char *accel = keyvals_get(&list, "accel");
    bool ok = machine_type(p, keyvals_get(&list, "type")) && (!accel || set_accel(p, accel)) &&
              machine_switch(p, &list, "usb", false) && machine_switch(p, &list, "vmport", false) &&
              machine_switch(p, &list, "hpet", true) && machine_switch(p, &list, "acpi", true) &&
              machine_switch(p, &list, "smm", true) &&
              machine_switch(p, &list, "kernel-irqchip", false) &&
              machine_switch(p, &list, "graphics", true) &&
              keyvals_end(&list, "-machine", keys, p->err);
    keyvals_free(&list);
    return ok;
}

static bool set_vga(struct parsing *p, const char *value)
{
    static const char *const words[] = {"std", "none", NULL};
    if (!strcmp(value, "help")) {
        puts("none\nstd");
        p->done = true;
        return true;
    }
    for (unsigned i = 0; words[i]; i++) {
        if (!strcmp(value, words[i])) {
            p->vga_given = true;
            p->options->machine.vga = i == 0;
            return true;
        }
    }
    return error_set(p->err, "-vga %s: this version has std and none", value);
}

static bool set_display(struct parsing *p, const char *value)
{
    static const char *const words[] = {"sdl", "curses", "none", NULL};
    static const enum display_kind kinds[] = {DISPLAY_SDL, DISPLAY_CURSES, DISPLAY_NONE};
    struct keyvals list;
    if (!strcmp(value, "help")) {
        puts("none\ncurses\nsdl");
        p->done = true;
        return true;
    }
    if (!keyvals_parse(&list, value, "type", p->err)) {
        return false;
    }
    const char *type = keyvals_get(&list, "type"), *full = keyvals_get(&list, "full-screen");
    bool ok = !full || parse_on_off(full, &p->options->full_screen, p->err), found = false;
    for (unsigned i = 0; ok && type && words[i]; i++) {
        if (!strcmp(type, words[i])) {
            p->options->display = kinds[i];
            found = true;
        }
    }
    if (ok && !found) {
        const char *near = type ? nearest_word(type, words) : NULL;
        ok = error_set(p->err, "-display %s: this version has sdl, curses and none%s%s%s",
                       type ? type : "", near ? "; did you mean " : "", near ? near : "",
                       near ? "?" : "");
    }
    ok = ok && keyvals_end(&list, "-display", (const char *const[]){"full-screen", NULL}, p->err);
    keyvals_free(&list);
    return ok;
}

static bool set_curses(struct parsing *p, const char *value)
{
    (void)value;
    return set_display(p, "curses");
}

static bool set_sdl(struct parsing *p, const char *value)
{
    (void)value;
    return set_display(p, "sdl");
}

static bool set_nographic(struct parsing *p, const char *value)
{
    (void)value;
    p->options->nographic = true;
    p->options->display = DISPLAY_NONE;
    return true;
}

static bool set_full_screen(struct parsing *p, const char *value)
{
    (void)value;
    p->options->full_screen = true;
    return true;
}

static bool set_net(struct parsing *p, const char *value)
{
    return !strcmp(value, "none") ||
           error_set(p->err,
                     "a network card is not in this version: leave it out, or say -nic none");
}

static bool set_keyboard(struct parsing *p, const char *value)
{
    static const char *const words[] = {
        "ar", "bepo",  "cz",    "da",    "de",    "de-ch", "en-gb", "en-us", "es", "et", "fi", "fo",
        "fr", "fr-be", "fr-ca", "fr-ch", "hr",    "hu",    "is",    "it",    "ja", "lt", "lv", "mk",
        "nl", "no",    "pl",    "pt",    "pt-br", "ru",    "sl",    "sv",    "th", "tr", NULL};
    /* Keys are passed on by their place, so every layout works and the guest chooses it. */
    for (unsigned i = 0; words[i]; i++) {
        if (!strcmp(value, words[i])) {
            return true;
        }
    }
    const char *near = nearest_word(value, words);
    return error_set(p->err, "-k %s: there is no such keyboard layout; did you mean %s?", value,
                     near ? near : "en-us");
}

static bool set_usb(struct parsing *p, const char *value)
{
    (void)p, (void)value;
    fputs("ringside: -usb: this version has no USB controller; keyboard and mouse are on PS/2\n",
          stderr);
    return true;
}

static bool parse_date(const char *text, i64 *epoch)
{
    struct tm tm = {0};
    if (sscanf(text, "%d-%d-%dT%d:%d:%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec) < 3) {
        return false;
    }
    struct tm given = {.tm_year = tm.tm_year - 1900,
                       .tm_mon = tm.tm_mon - 1,
                       .tm_mday = tm.tm_mday,
                       .tm_hour = tm.tm_hour,
                       .tm_min = tm.tm_min,
                       .tm_sec = tm.tm_sec};
    tm = given;
    *epoch = timegm(&tm);
    return tm.tm_mon == given.tm_mon && tm.tm_mday == given.tm_mday &&
           tm.tm_hour == given.tm_hour && tm.tm_min == given.tm_min;
}

static bool rtc_base(struct parsing *p, const char *base)
{
    i64 now = time(NULL), *epoch = &p->options->machine.epoch;
    if (!base || !strcmp(base, "utc")) {
        *epoch = now;
        return true;
    }
    if (!strcmp(base, "localtime")) {
        struct tm tm;
        time_t t = now;
        localtime_r(&t, &tm);
        *epoch = now + tm.tm_gmtoff;
        return true;
    }
    return parse_date(base, epoch) ||
           error_set(p->err,
                     "-rtc base=%s: it is utc, localtime or a date such as 2001-02-03T04:05:06",
                     base);
}

static bool set_rtc(struct parsing *p, const char *value)
{
    static const char *const keys[] = {"base", "clock", "driftfix", NULL};
    struct keyvals list;
    if (!keyvals_parse(&list, value, NULL, p->err)) {
        return false;
    }
    const char *clock = keyvals_get(&list, "clock"), *drift = keyvals_get(&list, "driftfix");
    const char *base = keyvals_get(&list, "base");
    bool ok = rtc_base(p, base);
    p->epoch_given = base;
    if (ok && clock && strcmp(clock, "host") && strcmp(clock, "rt") && strcmp(clock, "vm")) {
        ok = error_set(p->err, "-rtc clock=%s: it is host, rt or vm", clock);
    }
    if (ok && drift && strcmp(drift, "none") && strcmp(drift, "slew")) {
        ok = error_set(p->err, "-rtc driftfix=%s: it is none or slew", drift);
    }
    p->options->machine.rtc_slew = drift && !strcmp(drift, "slew");
    ok = ok && keyvals_end(&list, "-rtc", keys, p->err);
    keyvals_free(&list);
    return ok;
}

static bool set_uuid(struct parsing *p, const char *value)
{
    u8 *uuid = p->options->machine.uuid;
    unsigned byte, n = 0;
    for (const char *at = value; *at; at += 2) {
        if (*at == '-') {
            at--;
        } else if (n == 16 || sscanf(at, "%2x", &byte) != 1 || !at[1]) {
            n = 0;
            break;
        } else {
            uuid[n++] = (u8)byte;
        }
    }
    return n == 16 || error_set(p->err, "-uuid %s: that is no UUID", value);
}

static bool set_log(struct parsing *p, const char *value)
{
    if (!strcmp(value, "help") || !strcmp(value, "?")) {
#define X(name, word, help) printf("%-14s %s\n", word, help);
        LOG_ITEMS(X)
#undef X
        p->done = true;
        return true;
    }
    p->options->log_items = value;
    return true;
}

static bool add_firmware_dir(struct parsing *p, const char *value)
{
    const char **dirs = p->options->machine.firmware_dirs;
    for (unsigned i = 0; i + 1 < ARRAY_LEN(p->options->machine.firmware_dirs); i++) {
        if (!dirs[i]) {
            dirs[i] = value;
            return true;
        }
    }
    return error_set(p->err, "-L: too many directories");
}

static bool set_name(struct parsing *p, const char *value)
{
    static const char *const keys[] = {"guest", "process", "debug-threads", NULL};
    struct keyvals list;
    if (!keyvals_parse(&list, value, "guest", p->err)) {
        return false;
    }
    const char *name = keyvals_get(&list, "guest");
    keyvals_get(&list, "process");
    keyvals_get(&list, "debug-threads");
    p->options->name = name ? keep(p, name) : NULL;
    bool ok = keyvals_end(&list, "-name", keys, p->err);
    keyvals_free(&list);
    return ok;
}

static bool add_symbols(struct parsing *p, const char *value)
{
    static const char *const keys[] = {"file", "offset", NULL};
    struct options *o = p->options;
    struct keyvals list;
    u64 offset = 0;
    if (!keyvals_parse(&list, value, "file", p->err)) {
        return false;
    }
    const char *file = keyvals_get(&list, "file"), *text = keyvals_get(&list, "offset");
    bool ok = (!text || parse_number(text, ~(u64)0, &offset, p->err)) && keyvals_end(&list, "-symbols", keys, p->err) &&
              (file || error_set(p->err, "-symbols needs a file")) &&
              (o->symbols_count < OPTIONS_SYMBOLS || error_set(p->err, "-symbols: at most %d files", OPTIONS_SYMBOLS));
    if (ok) {
        o->symbols[o->symbols_count++] = (struct symbols_spec){keep(p, file), offset};
    }
    keyvals_free(&list);
    return ok;
}

#define TEXT_OPTION(function, member)                                                              \
    static bool function(struct parsing *p, const char *value)                                     \
    {                                                                                              \
        p->options->member = value;                                                                \
        return true;                                                                               \
    }
TEXT_OPTION(set_kernel, machine.kernel)
TEXT_OPTION(set_initrd, machine.initrd)
TEXT_OPTION(set_append, machine.append)
TEXT_OPTION(set_bios, machine.bios)
TEXT_OPTION(set_log_file, log_file)
TEXT_OPTION(set_record, record)
TEXT_OPTION(set_explain, explain)

#define SWITCH_OPTION(function, member)                                                            \
    static bool function(struct parsing *p, const char *value)                                     \
    {                                                                                              \
        (void)value;                                                                               \
        p->member = true;                                                                          \
        return true;                                                                               \
    }
SWITCH_OPTION(set_no_reboot, options->machine.no_reboot)
SWITCH_OPTION(set_no_shutdown, options->machine.no_shutdown)
SWITCH_OPTION(set_paused, options->paused)
SWITCH_OPTION(set_lab, options->lab)
SWITCH_OPTION(set_perf_map, options->perf_map)
SWITCH_OPTION(set_snapshot, snapshot)
SWITCH_OPTION(set_no_defaults, no_defaults)

#define DISK_OPTION(function, call)                                                                \
    static bool function(struct parsing *p, const char *value)                                     \
    {                                                                                              \
        return call;                                                                               \
    }
DISK_OPTION(set_hda, option_disk(p, value, 0, false))
DISK_OPTION(set_hdb, option_disk(p, value, 1, false))
DISK_OPTION(set_hdc, option_disk(p, value, 2, false))
DISK_OPTION(set_hdd, option_disk(p, value, 3, false))
DISK_OPTION(set_cdrom, option_disk(p, value, 2, true))
DISK_OPTION(set_fda, option_floppy(p, value, 0))
DISK_OPTION(set_fdb, option_floppy(p, value, 1))

static bool ignore(struct parsing *p, const char *value)
{
    (void)p, (void)value;
    return true;
}

static bool set_gdb(struct parsing *p, const char *value)
{
    (void)value;
    return option_gdb(p, "tcp::1234");
}

static bool show_version(struct parsing *p, const char *value)
{
    (void)value;
    puts("Ringside " RINGSIDE_VERSION);
    p->done = true;
    return true;
}

static bool show_help(struct parsing *p, const char *value);
static bool set_replay(struct parsing *p, const char *value);

/* ---- the table */

struct option {
    const char *word;
    const char *argument; /* NULL: it takes none */
    bool (*set)(struct parsing *p, const char *value);
    const char *help; /* NULL: not listed */
};

static const struct option options_table[] = {
    {"-m", "SIZE", set_memory, "memory, in MiB or with a suffix (default 512M)"},
    {"-cpu", "MODEL", set_cpu, "processor model, features, ignore-msrs=on; `help` lists models"},
    {"-smp", "1", set_smp, "number of processors: one in this version"},
    {"-M", "pc", set_machine, "machine type and its settings"},
    {"-machine", "pc", set_machine, "the same"},
    {"-accel", "interp|tcg[,tb-size=MIB][,threshold=N][,profile=on]", set_accel,
     "how the guest is executed; profile: count its instructions, for the monitor's info jit"},
    {"-enable-kvm", NULL, refuse_kvm, NULL},
    {"-hda", "FILE", set_hda, "first hard disk; -hdb, -hdc, -hdd: the others"},
    {"-hdb", "FILE", set_hdb, NULL},
    {"-hdc", "FILE", set_hdc, NULL},
    {"-hdd", "FILE", set_hdd, NULL},
    {"-cdrom", "FILE", set_cdrom, "CD-ROM image (in place of -hdc)"},
    {"-fda", "FILE", set_fda, "first floppy disk; -fdb: the second"},
    {"-fdb", "FILE", set_fdb, NULL},
    {"-drive", "file=F,...", option_drive,
     "a drive: if=ide|floppy|none,index=,media=disk|cdrom,format=raw,snapshot=,readonly=,id="},
    {"-snapshot", NULL, set_snapshot, "never write to disk images: changes are lost at the end"},
    {"-boot", "ORDER", option_boot,
     "a floppy, c disk, d CD-ROM; order=,once=,menu=on,splash-time=MS"},
    {"-kernel", "FILE", set_kernel, "boot this kernel: Linux, multiboot or PVH"},
    {"-initrd", "FILE", set_initrd, "its initial ramdisk, or multiboot modules"},
    {"-append", "TEXT", set_append, "its command line"},
    {"-vga", "std|none", set_vga, "display adapter"},
    {"-display", "KIND", set_display, "sdl, curses (in the terminal) or none"},
    {"-nographic", NULL, set_nographic,
     "no display; first serial port and monitor on the terminal"},
    {"-sdl", NULL, set_sdl, NULL},
    {"-curses", NULL, set_curses, NULL},
    {"-full-screen", NULL, set_full_screen, "start with the whole screen"},
    {"-k", "LAYOUT", set_keyboard, "accepted: keys are passed on by their place"},
    {"-serial", "DEV", option_serial,
     "stdio, mon:stdio, file:PATH, pty, null, none or chardev:ID; up to four times"},
    {"-parallel", "DEV", option_parallel, "the same for the parallel port"},
    {"-monitor", "DEV", option_monitor, "the same for the monitor"},
    {"-mon", "chardev=ID", option_mon, NULL},
    {"-chardev", "KIND,id=ID", option_chardev, "file (path=), stdio, null or pty; mux=on"},
    {"-debugcon", "DEV", option_debugcon,
     "a debug port (E9h, or -global isa-debugcon.iobase=PORT)"},
    {"-device", "NAME,...", option_device, "adds a device; `help` lists them"},
    {"-global", "DEVICE.SETTING=VALUE", option_global, "changes a device's setting"},
    {"-nodefaults", NULL, set_no_defaults, "only devices that are asked for"},
    {"-net", "none", set_net, "no network in this version"},
    {"-nic", "none", set_net, NULL},
    {"-usb", NULL, set_usb, NULL},
    {"-rtc", "base=B,...", set_rtc, "base=utc|localtime|DATE, driftfix=none|slew"},
    {"-clock", "host|counted[,shift=N][,sleep=on]", option_clock,
     "counted: each instruction takes 2^N ns of guest time, and a run repeats itself; sleep: as slow as the host when idle"},
    {"-icount", "N[,sleep=off]", option_icount, "QEMU's word for -clock counted,shift=N,sleep=on"},
    {"-checkpoints", "on|MIB", option_checkpoints,
     "keep the past in so much memory (256): the monitor's reverse-step, last-write and so on; disks are not written to"},
    {"-lab", NULL, set_lab, "open the ring lab: see, steer and step what the processor does, beside the guest's screen"},
    {"-explain", "FILE", set_explain,
     "explain every exception, into a file: .jsonl, .html, else text; - is standard output"},
    {"-record", "FILE", set_record, "write down what comes from outside, to be replayed; disks are not written to"},
    {"-replay", "FILE", set_replay,
     "do again what was recorded; words behind it may change -accel, -display, -serial, -monitor, -d"},
    {"-crossings", "on|N", option_crossings, "note crossings between rings from the start, the latest N (65536) with all details"},
    {"-report", "FILE[,from=M][,to=M][,rows=N]", option_report,
     "when the run ends, write what crossed the rings: .html, or the timeline as .svg or .png; M: a mark of the guest's or a moment"},
    {"-hypercalls", "on|off", option_hypercalls,
     "whether the guest may speak to the lab (roms/lab/ringside.h); on with -lab, -record, -crossings and -checkpoints"},
    {"-symbols", "FILE[,offset=N]", add_symbols,
     "names of addresses from an ELF file or a System.map, for the monitor and the lab; as often as wanted"},
    {"-name", "TEXT", set_name, "title of the window"},
    {"-uuid", "UUID", set_uuid, "the machine's identity"},
    {"-bios", "FILE", set_bios, "firmware other than SeaBIOS"},
    {"-L", "DIR", add_firmware_dir, "where to look for firmware first"},
    {"-S", NULL, set_paused, "start paused; the monitor's `cont` or gdb's goes on"},
    {"-s", NULL, set_gdb, "-gdb tcp::1234"},
    {"-gdb", "DEV[,arch=A][,pc=P]", option_gdb,
     "gdb may connect: tcp:[HOST]:PORT, unix:PATH, stdio, pty, chardev:ID; how it sees the processor: arch=i386|x86-64, "
     "pc=offset|linear"},
    {"-no-reboot", NULL, set_no_reboot, "quit instead of a reset"},
    {"-no-shutdown", NULL, set_no_shutdown, "stay, paused, at power-off"},
    {"-d", "ITEMS", set_log, "log these; `help` lists them"},
    {"-D", "FILE", set_log_file, "where the log goes"},
    {"-perfmap", NULL, set_perf_map, "write /tmp/perf-PID.map, so that perf can name translated code"},
    {"-no-user-config", NULL, ignore, NULL},
    {"-version", NULL, show_version, "print the version"},
    {"-help", NULL, show_help, "print this"},
    {"-h", NULL, show_help, NULL},
};

/* QEMU's words for what this version does not have. */
static const char *const missing[] = {
    "-netdev",     "-vnc",     "-spice",     "-loadvm",
    "-incoming",   "-soundhw", "-audiodev",  "-audio",      "-virtfs",      "-fsdev",
    "-tpmdev",     "-qmp",       "-daemonize",  "-pflash",      "-sd",
    "-mtdblock",   "-dtb",     "-smbios",    "-acpitable",  "-fw_cfg",      "-object",
    "-blockdev",   "-numa",    "-usbdevice", "-pidfile",    "-action",      "-watchdog-action",
    "-win2k-hack", "-no-acpi", "-no-hpet",   "-option-rom", "-plugin",      "-trace",
    "-runas",      "-chroot",  "-sandbox",   "-singlestep", "-semihosting", "-readconfig",
    "-msg",        "-compat",  NULL};

static bool show_help(struct parsing *p, const char *value)
{
    (void)value;
    puts("ringside [OPTION...] [FILE...]\n"
         "ringside lesson [NAME]   lessons about rings; without a name: which there are\n\n"
         "A PC in software. Each FILE is a hard disk, CD or floppy image, or a kernel: what it is, "
         "is found out.\n"
         "Options are QEMU's:\n");
    for (unsigned i = 0; i < ARRAY_LEN(options_table); i++) {
        const struct option *o = &options_table[i];
        char left[64];
        if (o->help) {
            snprintf(left, sizeof left, "%s %s", o->word, o->argument ? o->argument : "");
            printf("  %-24s %s\n", left, o->help);
        }
    }
    puts("\nExit status: 0 when the guest powers off, or on quit; 1 for a bad command line or a "
         "host that lacks something;\n"
         "with isa-debug-exit, the status that the guest chose: (value << 1 | 1) & 255.");
    p->done = true;
    return true;
}

static const struct option *find_option(const char *word)
{
    word += word[1] == '-' && word[2]; /* two dashes are as good as one */
    for (unsigned i = 0; i < ARRAY_LEN(options_table); i++) {
        if (!strcmp(options_table[i].word, word)) {
            return &options_table[i];
        }
    }
    return NULL;
}

static bool unknown_option(struct parsing *p, const char *word)
{
    const char *words[ARRAY_LEN(options_table) + 1];
    for (unsigned i = 0; missing[i]; i++) {
        if (!strcmp(missing[i], word + (word[1] == '-'))) {
            return error_set(p->err, "%s is not in this version", word);
        }
    }
    for (unsigned i = 0; i < ARRAY_LEN(options_table); i++) {
        words[i] = options_table[i].word;
    }
    words[ARRAY_LEN(options_table)] = NULL;
    const char *near = nearest_word(word + (word[1] == '-'), words);
    return near ? error_set(p->err, "%s: there is no such option; did you mean %s?", word, near)
                : error_set(p->err, "%s: there is no such option (-help lists them)", word);
}

static bool one_option(struct parsing *p, int argc, char **argv, int *at)
{
    const char *word = argv[(*at)++];
    if (word[0] != '-' || !word[1]) {
        if (p->media_count == MACHINE_DRIVES) {
            return error_set(p->err, "%s: there are too many files", word);
        }
        p->media[p->media_count++] = word;
        return true;
    }
    const struct option *option = find_option(word);
    if (!option) {
        return unknown_option(p, word);
    }
    if (!option->argument) {
        return option->set(p, NULL);
    }
    if (*at >= argc) {
        return error_set(p->err, "%s needs an argument: %s", word, option->argument);
    }
    const char *value = argv[(*at)++];
    if (option->set(p, value)) {
        return true;
    }
    if (p->err->text[0] == '`') { /* words.c says what is wrong, but not where */
        struct error what = *p->err;
        error_set(p->err, "%s %s: %s", word, value, what.text);
    }
    return false;
}

/* The words of a recording stand in the place of -replay. */
static bool set_replay(struct parsing *p, const char *value)
{
    char *argv[JOURNAL_TEXTS_MAX];
    int argc = 0;
    if (p->options->replay) {
        return error_set(p->err, "-replay: one at a time");
    }
    p->options->replay = value;
    struct journal_reader *r = journal_open(value, p->err);
    if (!r) {
        return false;
    }
    for (const char *word; argc < JOURNAL_TEXTS_MAX && (word = journal_text(r, "word", (unsigned)argc));) {
        argv[argc++] = (char *)(uintptr_t)keep(p, word);
    }
    journal_free(r);
    for (int at = 0; at < argc;) {
        if (!one_option(p, argc, argv, &at)) {
            return false;
        }
    }
    p->recorded_serials = p->options->serial_count;
    return true;
}

static bool check_recording(struct parsing *p)
{
    struct options *o = p->options;
    const char *what = o->record ? "-record" : o->replay ? "-replay" : o->checkpoint_bytes ? "-checkpoints" : NULL;
    if (o->record && o->replay) {
        return error_set(p->err, "-record and -replay: one of them");
    }
    if (what && p->clock_given && !o->machine.counted) {
        return error_set(p->err, "%s needs -clock counted, which it implies: leave -clock host out", what);
    }
    if (what && !p->clock_given) {
        o->machine.counted = o->machine.count_sleeps = true;
    }
    if (o->replay) {
        o->machine.count_sleeps = false;
    }
    p->snapshot |= what != NULL;
    if (!p->hypercalls_given) {
        o->machine.hypercalls = o->lab || o->record || o->crossings || o->checkpoint_bytes || o->report.path;
    }
    return true;
}

static bool check_whole(struct parsing *p)
{
    const struct machine_config *c = &p->options->machine;
    if (!c->kernel && (c->initrd || c->append)) {
        return error_set(p->err, "%s needs -kernel", c->initrd ? "-initrd" : "-append");
    }
    return true;
}

enum options_result options_parse(struct options *options, int argc, char **argv, struct error *err)
{
    struct parsing p = {.options = options, .err = err, .debug_port = 0xe9};
    *options = (struct options){
        .machine = {.ram_bytes = RAM_DEFAULT, .cpu = cpu_model_default(), .boot_order = "cad"}};
    rtc_base(&p, NULL);
    for (int at = 1; at < argc;) {
        if (!one_option(&p, argc, argv, &at)) {
            return OPTIONS_BAD;
        }
        if (p.done) {
            return OPTIONS_DONE;
        }
    }
    options->words = (const char *const *)argv + 1;
    options->word_count = (unsigned)argc - 1;
    if (!check_recording(&p)) {
        return OPTIONS_BAD;
    }
    if (options->machine.counted && !options->record && !p.epoch_given) {
        options->machine.epoch = COUNTED_EPOCH;
    }
    return place_drives(&p) && default_devices(&p) && check_whole(&p) ? OPTIONS_RUN : OPTIONS_BAD;
}

void options_free(struct options *options)
{
    while (options->string_count) {
        free(options->strings[--options->string_count]);
    }
    free(options->strings);
    options->strings = NULL;
}
