/*
 * monitor.c: see monitor.h. Lines come in by the terminal's own pace; answers that the host does
 * not take at once wait in `out`, and no new line is read before they have gone.
 */
#include "frontend/monitor/monitor.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/base/mem.h"
#include "frontend/lab/inspect.h"
#include "frontend/lab/symbols.h"
#include "frontend/lab/stops.h"
#include "frontend/monitor/disas.h"
#include "frontend/monitor/line_editor.h"
#include "frontend/monitor/monitor_state.h"
#include "frontend/words.h"

#define PROMPT "(ringside) "

enum { COMMANDS_MAX = 96 };

struct monitor {
    struct machine *machine;
    struct chardev *chardev;
    struct line_editor editor;
    struct blob out; /* pos: what has gone */
    unsigned mouse_buttons;
    bool greeted, busy; /* busy: with a command, which says itself what there is to say */
    struct machine_listener listener;
};

/* ---- output */

static void flush(struct monitor *m)
{
    while (m->out.pos < m->out.size && chardev_writable(m->chardev)) {
        size_t left = m->out.size - m->out.pos, part = left < 4096 ? left : 4096;
        size_t taken = chardev_write(m->chardev, m->out.data + m->out.pos, part);
        m->out.pos += taken;
        if (taken < part) {
            break;
        }
    }
    if (m->out.pos == m->out.size) {
        m->out.pos = m->out.size = 0;
        chardev_accept(m->chardev); /* while there was something to say, can_take() said no */
    }
}

/* A raw terminal wants a carriage return before each line feed. */
static void put_text(struct monitor *m, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n') {
            blob_put(&m->out, "\r", 1);
        }
        blob_put(&m->out, text + i, 1);
    }
}

static void put_string(struct monitor *m, const char *text)
{
    put_text(m, text, strlen(text));
}

/* ---- commands */

/* `names` is "quit|q". */
static bool has_name(const char *names, const char *name, size_t length)
{
    while (*names) {
        size_t n = strcspn(names, "|");
        if (n == length && !strncmp(names, name, n)) {
            return true;
        }
        names += n;
        names += *names == '|';
    }
    return false;
}

static const struct command *find_in(const struct command *table, const char *name, size_t length)
{
    for (; table->name; table++) {
        if (has_name(table->name, name, length)) {
            return table;
        }
    }
    return NULL;
}

static void print_table(const struct command *table, const char *before, FILE *out)
{
    for (; table->name; table++) {
        char words[64];
        snprintf(words, sizeof words, "%s%s %s", before, table->name, table->arguments);
        fprintf(out, "%-28s %s\n", words, table->help);
    }
}

static bool run_help(struct call *call, struct error *err);
static bool run_info(struct call *call, struct error *err);

static const struct command own_commands[] = {
    {"help|?", "", "this", 0, run_help},
    {"info", "what", "look at something:", 0, run_info},
    {0},
};

static const struct command *const tables[] = {machine_commands, memory_commands, media_commands,
                                               control_commands, past_commands, look_commands, cross_commands, why_commands,
                                               own_commands};

static const struct command *find_command(const char *name, size_t length)
{
    const struct command *found = NULL;
    for (unsigned i = 0; !found && i < ARRAY_LEN(tables); i++) {
        found = find_in(tables[i], name, length);
    }
    return found;
}

/* The names of tables, for a suggestion; of "quit|q" the first. */
static void suggest(const struct command *const *list, unsigned count, const char *wrong,
                    struct error *err)
{
    char names[COMMANDS_MAX][24];
    const char *words[COMMANDS_MAX + 1];
    unsigned n = 0;
    for (unsigned i = 0; i < count; i++) {
        for (const struct command *c = list[i]; c->name && n < COMMANDS_MAX; c++, n++) {
            snprintf(names[n], sizeof names[n], "%.*s", (int)strcspn(c->name, "|"), c->name);
            words[n] = names[n];
        }
    }
    words[n] = NULL;
    const char *nearest = nearest_word(wrong, words);
    error_set(err, "there is no command %.40s%s%s; try help", wrong,
              nearest ? "; did you mean " : "", nearest ? nearest : "");
}

static bool run_help(struct call *c, struct error *err)
{
    (void)err;
    for (unsigned i = 0; i < ARRAY_LEN(tables); i++) {
        print_table(tables[i], "", c->out);
    }
    print_table(info_commands, "info ", c->out);
    return true;
}

/* ---- a line */

static size_t split(char *text, char *word[WORDS_MAX])
{
    size_t count = 0;
    char *save;
    for (char *w = strtok_r(text, " \t", &save); w && count < WORDS_MAX;
         w = strtok_r(NULL, " \t", &save)) {
        word[count++] = w;
    }
    return count;
}

/* `rest` follows the command's name. */
static bool run_command(struct monitor *m, const struct command *command, const char *format,
                        const char *rest, FILE *out, struct error *err)
{
    char words[LINE_MAX_BYTES];
    struct call c = {
        .monitor = m, .machine = m->machine, .out = out, .rest = rest, .format = format};
    snprintf(words, sizeof words, "%s", rest);
    c.count = (unsigned)split(words, c.word);
    if (c.count < command->least) {
        return error_set(err, "usage: %.*s %s", (int)strcspn(command->name, "|"), command->name,
                         command->arguments);
    }
    return command->run(&c, err);
}

static bool run_info(struct call *c, struct error *err)
{
    if (!c->count) {
        print_table(info_commands, "info ", c->out);
        return true;
    }
    const char *name = c->word[0];
    const struct command *what = find_in(info_commands, name, strlen(name));
    if (!what) {
        const struct command *const list[] = {info_commands};
        suggest(list, 1, name, err);
        return false;
    }
    return run_command(c->monitor, what, "", "", c->out, err);
}

static bool takes_format(const struct command *command)
{
    return command->arguments[0] == '/';
}

static bool execute(struct monitor *m, const char *line, FILE *out, struct error *err)
{
    char format[16] = "";
    line += strspn(line, " \t");
    size_t length = strcspn(line, " \t/");
    if (!*line) {
        return true;
    }
    const struct command *command = find_command(line, length);
    if (!command) {
        char name[48];
        snprintf(name, sizeof name, "%.*s", (int)(length < 40 ? length : 40), line);
        suggest(tables, ARRAY_LEN(tables), name, err);
        return false;
    }
    line += length;
    line += strspn(line, " \t");
    if (*line == '/' && takes_format(command)) {
        size_t n = strcspn(++line, " \t");
        if (n >= sizeof format) {
            return error_set(err, "the format is too long");
        }
        memcpy(format, line, n);
        format[n] = 0;
        line += n;
        line += strspn(line, " \t");
    }
    return run_command(m, command, format, line, out, err);
}

void monitor_execute(struct monitor *m, const char *line, FILE *out)
{
    struct error err;
    bool was_busy = m->busy;
    m->busy = true;
    if (!execute(m, line, out, &err)) {
        fprintf(out, "Error: %s\n", err.text);
    }
    m->busy = was_busy;
}

void monitor_where(struct monitor *m, FILE *out)
{
    struct cpu *cpu = m->machine->cpu;
    char why[256], text[DISAS_TEXT], name[SYMBOL_TEXT], target[SYMBOL_TEXT];
    vaddr la = cpu->code_base + cpu->ip;
    const struct stop_reason *reason = stops_reason(m->machine);
    if (reason->why == WHY_STOP || reason->why == WHY_RETURNED || (reason->why == WHY_STEP && reason->crossed)) {
        stops_print_reason(m->machine, why, sizeof why);
        fprintf(out, "%s; ", why);
    }
    la = cpu->long_mode ? la : (u32)la;
    unsigned length = disas_linear(cpu, la, cpu->ip, text);
    bool named = symbols_text(m->machine->symbols, la, name);
    bool leads = length && symbols_operand(m->machine->symbols, text, la + length, cpu->code_base, target);
    fprintf(out, "after %" PRIu64 " instructions, ring %u, %04x:%08" PRIx64 "%s%s%s: %s%s%s%s\n", cpu_icount(cpu), cpu->cpl,
            cpu->seg[SEG_CS].selector, cpu->ip, named ? " <" : "", name, named ? ">" : "", text, leads ? " <" : "",
            leads ? target : "", leads ? ">" : "");
}

bool call_expression(struct call *c, const char **text, u64 *value, struct error *err)
{
    return inspect_expression(c->machine, text, value, err);
}

bool call_number(struct call *c, const char *word, u64 *value, struct error *err)
{
    return inspect_number(c->machine, word, value, err);
}

unsigned *monitor_mouse_buttons(struct monitor *m)
{
    return &m->mouse_buttons;
}

/* ---- the terminal */

static void put_where(struct monitor *m)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out) {
        monitor_where(m, out);
        fclose(out);
        put_text(m, text, size);
        free(text);
    }
}

/* Nobody asked now: the machine has come to a breakpoint. */
static void changed(void *opaque)
{
    struct monitor *m = opaque;
    if (m->greeted && !m->busy && m->machine->paused && stops_reason(m->machine)->why != WHY_NONE) {
        put_string(m, "\n");
        put_where(m);
        put_string(m, PROMPT);
        flush(m);
    }
}

static void run_line(struct monitor *m)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out) {
        monitor_execute(m, m->editor.line, out);
        fclose(out);
        put_text(m, text, size);
        free(text);
    }
}

void monitor_say(struct monitor *m, const char *format, ...)
{
    char line[200];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    put_string(m, line);
    flush(m);
}

static size_t can_take(void *opaque)
{
    const struct monitor *m = opaque;
    return m->out.size > m->out.pos ? 0 : 512;
}

static void input(void *opaque, const u8 *data, size_t size)
{
    struct monitor *m = opaque;
    for (size_t i = 0; i < size; i++) {
        if (line_editor_byte(&m->editor, data[i], &m->out)) {
            put_string(m, "\n");
            run_line(m);
            line_editor_next(&m->editor);
            put_string(m, PROMPT);
        }
    }
    flush(m);
}

static void writable(void *opaque)
{
    flush(opaque);
}

static void greet(struct monitor *m)
{
    if (!m->greeted) {
        put_string(m, "Ringside " RINGSIDE_VERSION " monitor: help lists the commands\n");
    }
    m->greeted = true;
    put_string(m, PROMPT);
    flush(m);
}

static void event(void *opaque, enum char_event what)
{
    struct monitor *m = opaque;
    if (what == CHAR_FOCUS_IN) {
        put_string(m, "\n");
        m->editor.length = 0;
        greet(m);
    } else if (what == CHAR_FOCUS_OUT) {
        put_string(m, "\n");
        flush(m);
    }
}

struct monitor *monitor_create(struct machine *machine, struct chardev *chardev)
{
    struct monitor *m = mem_zeroed(1, sizeof *m);
    m->machine = machine;
    m->chardev = chardev;
    m->listener = (struct machine_listener){.changed = changed, .opaque = m};
    machine_listen(machine, &m->listener);
    chardev_attach(chardev, &(struct char_front){.can_take = can_take,
                                                 .input = input,
                                                 .event = event,
                                                 .writable = writable,
                                                 .opaque = m});
    if (!chardev_is_shared(chardev)) {
        greet(m);
    }
    return m;
}

void monitor_destroy(struct monitor *m)
{
    if (m) {
        machine_forget(m->machine, &m->listener);
        chardev_attach(m->chardev, NULL);
        line_editor_free(&m->editor);
        blob_free(&m->out);
        free(m);
    }
}
