/*
 * queries.c: the packets with names: q, Q and v. Debugging with GDB, E.4 (General Query Packets), E.2 (vCont); those with `qemu` in
 * their names are QEMU's (docs/system/gdb.rst).
 */
#include <inttypes.h>
#include <string.h>

#include "cpu/base/mem.h"
#include "frontend/gdb/stub_state.h"
#include "frontend/lab/history.h"
#include "frontend/monitor/monitor.h"

enum { COMMAND_MAX = 1000, SAID_MAX = 1 << 20, SAY_AT_ONCE = GDB_PACKET_MAX / 2 - 8 };

struct named {
    const char *name;
    gdb_command *run;
};

/* A name ends where it ends, or at one of :;, behind which its arguments begin. */
static void run_named(struct gdb *g, const char *at, const struct named *table, size_t count)
{
    size_t length = strcspn(at, ":;,");
    for (size_t k = 0; k < count; k++) {
        if (strlen(table[k].name) == length && !strncmp(table[k].name, at, length)) {
            table[k].run(g, at + length + (at[length] != 0));
        }
    }
}

/* ---- what both sides can do */

/* Whether `list`, separated by semicolons, has the word. */
static bool has_word(const char *list, const char *word)
{
    while (*list) {
        size_t length = strcspn(list, ";");
        if (length == strlen(word) && !strncmp(list, word, length)) {
            return true;
        }
        list += length + (list[length] == ';');
    }
    return false;
}

static void supported(struct gdb *g, const char *at)
{
    g->knows_swbreak = has_word(at, "swbreak+");
    g->knows_hwbreak = has_word(at, "hwbreak+");
    text_printf(&g->reply, "PacketSize=%x;qXfer:features:read+;vContSupported+;QStartNoAckMode+;swbreak+;hwbreak+;binary-upload+",
                GDB_PACKET_MAX);
    if (g->machine->history) {
        text_put(&g->reply, ";ReverseStep+;ReverseContinue+");
    }
}

static void start_no_ack(struct gdb *g, const char *at)
{
    (void)at;
    gdb_ok(g); /* still acknowledged */
    g->no_ack = true;
}

/* qXfer:features:read:target.xml:offset,length */
static void transfer(struct gdb *g, const char *at)
{
    static const char what[] = "features:read:target.xml:";
    u64 offset, length;
    if (strncmp(at, what, sizeof what - 1)) {
        return;
    }
    at += sizeof what - 1;
    if (!gdb_read_range(&at, &offset, &length)) {
        gdb_refuse_number(g, E_INVALID);
        return;
    }
    size_t size = g->description.size, from = offset < size ? (size_t)offset : size, part = size - from;
    u64 most = length < SAY_AT_ONCE ? length : SAY_AT_ONCE;
    part = part < most ? part : (size_t)most;
    text_put(&g->reply, from + part < size ? "m" : "l");
    blob_put(&g->reply, g->description.data + from, part);
}

/* ---- threads */

static void current_thread(struct gdb *g, const char *at)
{
    (void)at;
    text_put(&g->reply, "QC1");
}

static void first_threads(struct gdb *g, const char *at)
{
    (void)at;
    text_put(&g->reply, "m1");
}

static void more_threads(struct gdb *g, const char *at)
{
    (void)at;
    text_put(&g->reply, "l");
}

static void thread_text(struct gdb *g, const char *at)
{
    char text[64];
    const struct cpu *cpu = g->machine->cpu;
    (void)at;
    snprintf(text, sizeof text, "CPU 0, ring %u%s", cpu->cpl, cpu->activity == ACTIVITY_RUN ? "" : ", halted");
    hex_put(&g->reply, text, strlen(text));
}

static void was_attached(struct gdb *g, const char *at)
{
    (void)at;
    text_put(&g->reply, "1"); /* it was there before gdb */
}

/* ---- the monitor: its own words, and everything that a terminal's takes */

static void say(struct gdb *g, const char *text, size_t size)
{
    for (size_t part; size; text += part, size -= part) {
        part = size < SAY_AT_ONCE ? size : SAY_AT_ONCE;
        text_put(&g->reply, "O");
        hex_put(&g->reply, text, part);
        gdb_send_reply(g);
    }
}

static void show_look(const struct gdb *g, FILE *out)
{
    fprintf(out, "gdb memory %-9s addresses are %s (linear or physical)\n", g->physical ? "physical:" : "linear:",
            g->physical ? "physical" : "linear, by the page tables of now");
    fprintf(out, "gdb pc %-13s $pc, $sp and $bp are %s (offset or linear)\n", g->registers.linear ? "linear:" : "offset:",
            g->registers.linear ? "linear, with the base of CS or SS" : "offsets; the linear ones are $linear_pc and $linear_sp");
    fprintf(out, "description: %s (-gdb DEV,arch=i386 or arch=x86-64)\n", g->registers.wide ? "x86-64" : "i386");
}

static void look(struct gdb *g, const char *line, FILE *out)
{
    char what[16] = "", how[16] = "";
    int words = sscanf(line, "gdb %15s %15s", what, how);
    bool memory = !strcmp(what, "memory") && (!strcmp(how, "linear") || !strcmp(how, "physical"));
    bool pc = !strcmp(what, "pc") && (!strcmp(how, "linear") || !strcmp(how, "offset"));
    if (memory) {
        g->physical = !strcmp(how, "physical");
    } else if (pc) {
        g->registers.linear = !strcmp(how, "linear");
        fprintf(out, "gdb still remembers the registers: maintenance flush register-cache\n");
    } else if (words > 0) {
        fprintf(out, "Error: gdb memory linear|physical, or gdb pc offset|linear\n");
    } else {
        show_look(g, out);
    }
}

/* "gdb", and what follows it. */
static bool is_own(const char *line)
{
    return !strncmp(line, "gdb", 3) && strchr(" \t", line[3]); /* or its end */
}

static void execute(struct gdb *g, const char *line, FILE *out)
{
    line += strspn(line, " \t");
    if (is_own(line)) {
        look(g, line, out);
        return;
    }
    monitor_execute(g->monitor, line, out);
    if (!strcmp(line, "help") || !strcmp(line, "?")) {
        fprintf(out, "%-28s %s\n", "gdb [memory|pc] [how]", "what gdb's addresses and its $pc are");
    }
}

static void command(struct gdb *g, const char *at)
{
    char line[COMMAND_MAX + 1] = "";
    size_t length = strlen(at) / 2, size = 0;
    char *text = NULL;
    FILE *out = length <= COMMAND_MAX && hex_bytes(&at, line, length) && !*at ? open_memstream(&text, &size) : NULL;
    if (!out) {
        gdb_refuse_number(g, E_INVALID);
        return;
    }
    g->in_command = true;
    execute(g, line, out);
    fclose(out);
    say(g, text, size < SAID_MAX ? size : SAID_MAX);
    free(text);
    g->in_command = false;
    gdb_ok(g);
}

/* ---- QEMU's */

static void qemu_supported(struct gdb *g, const char *at)
{
    (void)at;
    text_put(&g->reply, "sstepbits;sstep;PhyMemMode");
}

static void memory_mode(struct gdb *g, const char *at)
{
    (void)at;
    text_put(&g->reply, g->physical ? "1" : "0");
}

static void set_memory_mode(struct gdb *g, const char *at)
{
    g->physical = *at == '1';
    gdb_ok(g);
}

/* While it stands still, the guest's time does too: interrupts need not be kept away from single steps. */
static void step_bits(struct gdb *g, const char *at)
{
    (void)at;
    text_put(&g->reply, "ENABLE=1,NOIRQ=2,NOTIMER=4");
}

static void step_mode(struct gdb *g, const char *at)
{
    (void)at;
    text_put(&g->reply, "0x1");
}

void gdb_query(struct gdb *g, const char *at)
{
    static const struct named table[] = {
        {"Supported", supported},       {"Xfer", transfer},           {"C", current_thread},
        {"fThreadInfo", first_threads}, {"sThreadInfo", more_threads}, {"ThreadExtraInfo", thread_text},
        {"Attached", was_attached},     {"Rcmd", command},            {"qemu.Supported", qemu_supported},
        {"qemu.PhyMemMode", memory_mode}, {"qemu.sstepbits", step_bits}, {"qemu.sstep", step_mode},
    };
    run_named(g, at, table, ARRAY_LEN(table));
}

void gdb_set(struct gdb *g, const char *at)
{
    static const struct named table[] = {{"StartNoAckMode", start_no_ack}, {"qemu.PhyMemMode", set_memory_mode}};
    run_named(g, at, table, ARRAY_LEN(table));
}

static void which_actions(struct gdb *g, const char *at)
{
    (void)at;
    text_put(&g->reply, "vCont;c;C;s;S");
}

static void kill_process(struct gdb *g, const char *at)
{
    gdb_kill(g, at);
    g->silent = false;
    gdb_ok(g);
}

void gdb_verbose(struct gdb *g, const char *at)
{
    static const struct named table[] = {{"Cont?", which_actions}, {"Cont", gdb_actions}, {"Kill", kill_process}};
    run_named(g, at, table, ARRAY_LEN(table));
}
