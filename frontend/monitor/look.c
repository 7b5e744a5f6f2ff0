/*
 * look.c: the monitor's commands that print the lab's pages about the processor and its tables, and take in symbols.
 */
#include <string.h>

#include "frontend/lab/inspect.h"
#include "frontend/lab/symbols.h"
#include "frontend/monitor/info.h"
#include "frontend/words.h"

enum { COLUMNS = 80, PAGES_MAX = 32 };

static void list_pages(FILE *out)
{
    for (const struct inspect_page *p = inspect_pages; p->name; p++) {
        char words[48];
        snprintf(words, sizeof words, "inspect %s %s", p->name, p->argument ? p->argument : "");
        fprintf(out, "%-28s %s\n", words, p->title);
    }
}

static bool no_page(const char *name, struct error *err)
{
    const char *words[PAGES_MAX + 1];
    unsigned n = 0;
    for (; inspect_pages[n].name && n < PAGES_MAX; n++) {
        words[n] = inspect_pages[n].name;
    }
    words[n] = NULL;
    const char *near = nearest_word(name, words);
    return error_set(err, "there is no page %.40s%s%s; `inspect` lists them", name, near ? "; did you mean " : "",
                     near ? near : "");
}

void look_print(struct call *c, void (*write)(struct view *page, struct machine *machine))
{
    struct view page;
    view_init(&page, COLUMNS);
    write(&page, c->machine);
    view_print(&page, c->out);
    view_free(&page);
}

static bool run_inspect(struct call *c, struct error *err)
{
    u64 argument = 0;
    if (!c->count) {
        list_pages(c->out);
        return true;
    }
    const struct inspect_page *p = inspect_find(c->word[0]);
    if (!p) {
        return no_page(c->word[0], err);
    }
    const char *rest = c->rest + strlen(p->name);
    rest += strspn(rest, " \t");
    if (*rest && !p->write_at) {
        return error_set(err, "inspect %s takes nothing behind it", p->name);
    }
    if ((*rest && !call_number(c, rest, &argument, err)) ||
        (!*rest && !p->write && error_set(err, "usage: inspect %s %s", p->name, p->argument))) {
        return false;
    }
    if (*rest) {
        struct view page;
        view_init(&page, COLUMNS);
        p->write_at(&page, c->machine, argument);
        view_print(&page, c->out);
        view_free(&page);
    } else {
        look_print(c, p->write);
    }
    return true;
}

static bool run_symbols(struct call *c, struct error *err)
{
    u64 offset = 0;
    if (c->count > 1 && !call_number(c, c->word[1], &offset, err)) {
        return false;
    }
    if (c->count && !inspect_load_symbols(c->machine, c->word[0], offset, err)) {
        return false;
    }
    fprintf(c->out, "%zu symbols\n", symbols_count(c->machine->symbols));
    return true;
}

const struct command look_commands[] = {
    {"inspect", "[page [addr]]", "the processor and its tables, readable; without a word: which pages there are", 0, run_inspect},
    {"symbols", "[file [offset]]", "add the symbols of an ELF file or a System.map, as -symbols does", 0, run_symbols},
    {0},
};
