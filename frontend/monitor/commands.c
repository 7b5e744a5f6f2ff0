/*
 * commands.c: the monitor's commands that steer the machine: running, keys and mouse, the screen,
 * the log.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/base/log.h"
#include "cpu/op/op.h"
#include "devices/display/vga.h"
#include "frontend/machine/input.h"
#include "frontend/monitor/monitor_state.h"

enum { HOLD_MS = 100, HOLD_MAX_MS = 60000 };

static bool run_stop(struct call *c, struct error *err)
{
    (void)err;
    machine_pause(c->machine);
    return true;
}

static bool run_cont(struct call *c, struct error *err)
{
    (void)err;
    machine_continue(c->machine);
    return true;
}

static bool run_reset(struct call *c, struct error *err)
{
    (void)err;
    outside_reset(c->machine);
    return true;
}

static bool run_powerdown(struct call *c, struct error *err)
{
    (void)err;
    outside_power_button(c->machine);
    return true;
}

static bool run_quit(struct call *c, struct error *err)
{
    (void)err;
    machine_quit(c->machine, 0);
    return true;
}

static bool run_nmi(struct call *c, struct error *err)
{
    (void)err;
    outside_nmi(c->machine);
    return true;
}

/* mce [-b] cpu bank status mcgstatus addr misc. There is one processor, so -b (to all of them) changes nothing. */
static bool run_mce(struct call *c, struct error *err)
{
    enum { CPU, BANK, STATUS, MCG_STATUS, ADDRESS, MISC, COUNT };
    unsigned first = !strcmp(c->word[0], "-b");
    u64 value[COUNT];
    if (c->count != first + COUNT) {
        return error_set(err, "mce [-b] cpu bank status mcgstatus addr misc");
    }
    for (unsigned n = 0; n < COUNT; n++) {
        if (!call_number(c, c->word[first + n], &value[n], err)) {
            return false;
        }
    }
    if (value[CPU]) {
        return error_set(err, "there is only processor 0");
    }
    struct machine_check check = {.bank = value[BANK] < 256 ? (unsigned)value[BANK] : 256,
                                  .status = value[STATUS],
                                  .mcg_status = value[MCG_STATUS],
                                  .address = value[ADDRESS],
                                  .misc = value[MISC]};
    const char *why = machine_check_inject(c->machine->cpu, &check);
    return !why || error_set(err, "mce: %s", why);
}

/* ---- keyboard and mouse */

static bool run_sendkey(struct call *c, struct error *err)
{
    u64 hold = HOLD_MS;
    if (c->count > 1 && !call_number(c, c->word[1], &hold, err)) {
        return false;
    }
    return input_chord(c->machine->input, c->word[0],
                       hold < HOLD_MAX_MS ? (unsigned)hold : HOLD_MAX_MS, err);
}

static bool run_type(struct call *c, struct error *err)
{
    return input_type(c->machine->input, c->rest) ||
           error_set(err, "too many keys wait to be typed");
}

static bool small_number(struct call *c, unsigned word, int *value, struct error *err)
{
    u64 number = 0;
    if (word < c->count && !call_number(c, c->word[word], &number, err)) {
        return false;
    }
    i64 wanted = (i64)number;
    *value = (int)(wanted < -32768 ? -32768 : wanted > 32767 ? 32767 : wanted);
    return true;
}

static bool run_mouse_move(struct call *c, struct error *err)
{
    int dx, dy, dz;
    if (!small_number(c, 0, &dx, err) || !small_number(c, 1, &dy, err) ||
        !small_number(c, 2, &dz, err)) {
        return false;
    }
    input_mouse(c->machine->input, dx, dy, dz, *monitor_mouse_buttons(c->monitor));
    return true;
}

static bool run_mouse_button(struct call *c, struct error *err)
{
    u64 buttons;
    if (!call_number(c, c->word[0], &buttons, err)) {
        return false;
    }
    *monitor_mouse_buttons(c->monitor) = (unsigned)buttons & 31;
    input_mouse(c->machine->input, 0, 0, 0, (unsigned)buttons & 31);
    return true;
}

/* ---- the screen */

static bool write_as(const struct surface *s, const char *path, bool png, struct error *err)
{
    struct blob file = {0};
    if (png) {
        surface_to_png(s, &file);
    } else {
        surface_to_ppm(s, &file);
    }
    FILE *out = fopen(path, "wb");
    bool ok = out && fwrite(file.data, 1, file.size, out) == file.size;
    ok = (!out || !fclose(out)) && ok;
    blob_free(&file);
    return ok || error_set(err, "%s: %s", path, strerror(errno));
}

static bool run_screendump(struct call *c, struct error *err)
{
    if (!c->machine->vga) {
        return error_set(err, "there is no display adapter");
    }
    vga_update(c->machine->vga);
    const struct surface *s = vga_surface(c->machine->vga);
    bool flag = !strcmp(c->word[0], "-f"); /* QEMU's: screendump FILE -f png */
    if (flag && c->count < 3) {
        return error_set(err, "screendump -f png FILE");
    }
    const char *path = flag ? c->word[2] : c->word[0];
    const char *format = flag ? c->word[1] : c->count > 1 ? c->word[c->count - 1] : NULL;
    if (!format) {
        return surface_write(s, path, err);
    }
    if (strcmp(format, "png") && strcmp(format, "ppm")) {
        return error_set(err, "%s: pictures are png or ppm", format);
    }
    return write_as(s, path, !strcmp(format, "png"), err);
}

/* ---- the log */

static bool run_log(struct call *c, struct error *err)
{
    if (!strcmp(c->word[0], "none")) {
        log_mask = 0;
        return true;
    }
    return log_select(c->word[0], err);
}

static bool run_logfile(struct call *c, struct error *err)
{
    return log_open(c->word[0], err);
}

const struct command machine_commands[] = {
    {"stop|s", "", "pause the machine", 0, run_stop},
    {"cont|c", "", "let it go on", 0, run_cont},
    {"system_reset", "", "press the reset button", 0, run_reset},
    {"system_powerdown", "", "press the power button", 0, run_powerdown},
    {"quit|q", "", "end the emulator", 0, run_quit},
    {"nmi", "", "send a non-maskable interrupt", 0, run_nmi},
    {"mce", "[-b] cpu bank status mcgstatus addr misc", "log a machine check, and raise it if it is uncorrected", 6, run_mce},
    {"sendkey", "keys [ms]", "press keys together (ctrl-alt-delete) and hold them", 1, run_sendkey},
    {"type", "text", "type a text", 1, run_type},
    {"mouse_move", "dx dy [dz]", "move the mouse, turn its wheel", 2, run_mouse_move},
    {"mouse_button", "state", "hold buttons: 1 left, 2 right, 4 middle", 1, run_mouse_button},
    {"screendump", "file [png|ppm]", "save the picture", 1, run_screendump},
    {"log", "items", "what is logged, as -d takes it; none", 1, run_log},
    {"logfile", "file", "where the log goes", 1, run_logfile},
    {0},
};
