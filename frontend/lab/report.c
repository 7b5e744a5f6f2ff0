/*
 * report.c: see report.h.
 */
#include "frontend/lab/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/base/mem.h"
#include "frontend/lab/explain.h"
#include "frontend/lab/inspect.h"
#include "frontend/lab/marks.h"
#include "frontend/lab/timeline.h"
#include "frontend/lab/view_svg.h"

/* Explanations in a report: the first of each rule, so many at most. */
enum { EXPLAINED_MAX = 40 };

enum form { FORM_HTML, FORM_SVG, FORM_PNG };

struct explained {
    enum rule rule;
    u64 count; /* of this rule */
    char *html;
};

struct report {
    struct machine *machine;
    struct report_spec spec;
    report_png *png;
    FILE *out; /* of a page; pictures are written at the end */
    struct hypercall_watch watch;
    bool begun, ended; /* its span, by the guest's marks */
    bool explains, missing_from, missing_to;
    struct explained explained[EXPLAINED_MAX];
    unsigned explained_count;
    u64 more; /* exceptions of other rules */
};

/* ---- gathering */

static void told(void *opaque, const struct explanation *e)
{
    struct report *r = opaque;
    unsigned n = 0;
    if (!r->begun || r->ended) {
        return;
    }
    while (n < r->explained_count && r->explained[n].rule != explanation_rule(e)) {
        n++;
    }
    if (n < r->explained_count) {
        r->explained[n].count++;
        return;
    }
    if (n == EXPLAINED_MAX) {
        r->more++;
        return;
    }
    struct explained *to = &r->explained[r->explained_count++];
    *to = (struct explained){.rule = explanation_rule(e), .count = 1};
    size_t size;
    FILE *out = open_memstream(&to->html, &size);
    if (out) {
        struct view page;
        view_init(&page, REPORT_COLUMNS);
        explain_page(&page, e);
        view_html(&page, out);
        view_free(&page);
        fclose(out);
    }
}

/* Spans between marks begin and end while the guest runs: what is kept is then of the span. */
static void heard(void *opaque, const struct hypercall *call)
{
    struct report *r = opaque;
    if (call->function != HYPERCALL_MARK_MOMENT && call->function != HYPERCALL_SNAPSHOT) {
        return;
    }
    if (!r->begun && r->spec.from && !strcmp(call->text, r->spec.from)) {
        crossings_start(r->machine, crossings_capacity(r->machine->crossings));
        r->begun = true;
    } else if (r->begun && !r->ended && r->spec.to && !strcmp(call->text, r->spec.to)) {
        crossings_stop(r->machine);
        r->ended = true;
    }
}

static bool is_number(const char *text)
{
    return text && *text && strspn(text, "0123456789") == strlen(text);
}

static enum form form_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && !strcmp(dot, ".svg") ? FORM_SVG : dot && !strcmp(dot, ".png") ? FORM_PNG : FORM_HTML;
}

static struct report *create(struct machine *m, const struct report_spec *spec, report_png *png, struct error *err)
{
    FILE *out = NULL;
    if (form_of(spec->path) == FORM_PNG) {
        if (!png) {
            error_set(err, "report %s: pictures are .svg here", spec->path);
            return NULL;
        }
    } else if (!(out = fopen(spec->path, "we"))) {
        error_set(err, "report %s: %s", spec->path, strerror(errno));
        return NULL;
    }
    struct report *r = mem_zeroed(1, sizeof *r);
    *r = (struct report){.machine = m, .spec = *spec, .png = png, .out = out};
    r->begun = !spec->from || is_number(spec->from);
    return r;
}

struct report *report_open(struct machine *m, const struct report_spec *spec, report_png *png, struct error *err)
{
    struct report *r = create(m, spec, png, err);
    if (!r) {
        return NULL;
    }
    if (!m->crossings) {
        crossings_start(m, 0);
    }
    r->watch = (struct hypercall_watch){.called = heard, .opaque = r};
    hypercall_listen(m, &r->watch);
    if (!m->explainer && form_of(spec->path) == FORM_HTML) {
        r->explains = true;
        explain_start(m);
        explain_tell(m, told, r);
    }
    return r;
}

/* ---- writing */

typedef void page_fn(struct view *page, struct machine *m);

static void put_page(FILE *out, struct machine *m, page_fn *write)
{
    struct view page;
    view_init(&page, REPORT_COLUMNS);
    write(&page, m);
    view_html(&page, out);
    view_free(&page);
}

static void put_heading(FILE *out, const char *id, const char *text)
{
    fprintf(out, "<h2 id=\"%s\">", id);
    view_escape(text, out);
    fputs("</h2>\n", out);
}

static void page_stats(struct view *page, struct machine *m)
{
    crossings_stats_page(page, m->crossings);
}

static void page_marks(struct view *page, struct machine *m)
{
    marks_page(page, m, MARKS_MAX);
}

static void put_head(const struct report *r, const char *trouble)
{
    FILE *out = r->out;
    const struct machine *m = r->machine;
    char number[TIMELINE_NUMBER], moment[TIMELINE_MOMENT];
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Rings crossed</title>\n<style>\n", out);
    view_html_style(out);
    fputs("body { max-width: 90em; margin: 1em auto; padding: 0 1em; font-family: sans-serif }\n"
          "svg, pre { max-width: 100%; overflow-x: auto }\nsvg { height: auto }\n"
          "summary { margin: 0.2em 0; cursor: pointer; font-family: monospace }\n"
          ".note { border-left: 0.4em solid #b00; padding-left: 0.6em }\n"
          "</style></head><body>\n<h1>Rings crossed</h1>\n",
          out);
    fputs("<p>", out);
    view_escape(r->spec.title ? r->spec.title : "A run of Ringside", out);
    fprintf(out, "; %" PRIu64 " MiB, processor ", m->config.ram_bytes >> 20);
    view_escape(m->config.cpu ? m->config.cpu : "", out);
    if (m->config.counted) {
        fprintf(out, "; %s instructions", timeline_number(cpu_icount(m->cpu), number));
    }
    fprintf(out, "; %s of guest time.</p>\n", timeline_moment(UNIT_NS, (u64)clock_now(m->clock), moment));
    if (trouble) {
        fputs("<p class=\"note\">The run did not end well: ", out);
        view_escape(trouble, out);
        fputs("</p>\n", out);
    }
}

static void put_span_notes(const struct report *r)
{
    const char *const names[] = {r->spec.from, r->spec.to};
    const bool missing[] = {r->missing_from, r->missing_to};
    for (unsigned k = 0; k < 2; k++) {
        if (missing[k]) {
            fputs("<p class=\"note\">The guest made no mark &ldquo;", r->out);
            view_escape(names[k], r->out);
            fputs(k ? "&rdquo;: this goes on to the end.</p>\n" : "&rdquo;: this is from the beginning.</p>\n", r->out);
        }
    }
}

static struct timeline_range range_of(const struct report *r)
{
    struct timeline_range range = timeline_all(r->machine->crossings);
    u64 from = is_number(r->spec.from) ? strtoull(r->spec.from, NULL, 10) : range.first;
    u64 to = is_number(r->spec.to) ? strtoull(r->spec.to, NULL, 10) : range.last;
    range.first = from > range.first && from < range.last ? from : range.first;
    range.last = to > range.first && to < range.last ? to : range.last;
    return range;
}

static void put_timeline(const struct report *r, FILE *out)
{
    struct timeline_range range = range_of(r);
    struct view page;
    view_init(&page, REPORT_COLUMNS);
    timeline_page(&page, r->machine->crossings, &range);
    view_svg(&page, "Which ring ran when", out);
    view_free(&page);
}

/* A line, which opens to show the whole. */
static void put_crossing(const struct report *r, const struct crossing_record *x)
{
    struct view page;
    char name[CROSSING_NAME], number[TIMELINE_MOMENT];
    enum crossings_unit unit = crossings_unit(r->machine->crossings);
    fputs("<details><summary>", r->out);
    fprintf(r->out, "%" PRIu64 " &middot; %s &middot; %s &middot; ", x->number,
            unit == UNIT_INSTRUCTIONS ? timeline_number(x->at[unit], number) : timeline_moment(unit, x->at[unit], number),
            crossing_name(&x->crossing, name));
    fprintf(r->out, "%s to %s", crossings_lane_name(crossings_lane_of(&x->crossing.from)),
            crossings_lane_name(crossings_lane_of(&x->crossing.to)));
    fputs("</summary>\n", r->out);
    view_init(&page, REPORT_COLUMNS);
    crossing_page(&page, x, r->machine->symbols);
    view_html(&page, r->out);
    view_free(&page);
    fputs("</details>\n", r->out);
}

static void put_firsts(const struct report *r)
{
    const struct crossing_record *x;
    put_heading(r->out, "first", "The first of each sort");
    for (unsigned n = 0; (x = crossings_first(r->machine->crossings, n)); n++) {
        put_crossing(r, x);
    }
}

static void put_list(const struct report *r)
{
    const struct crossings *c = r->machine->crossings;
    struct timeline_range range = range_of(r);
    u64 last = crossings_find(c, range.last), first = crossings_find(c, range.first), all = crossings_count(c);
    last = range.last >= crossings_latest(c) ? all : last;
    put_heading(r->out, "crossings", "Crossings");
    u64 shown = last > first ? last - first : 0;
    if (shown > r->spec.rows) {
        first = last - r->spec.rows;
        shown = r->spec.rows;
    }
    if (shown < all) {
        char a[TIMELINE_NUMBER], b[TIMELINE_NUMBER];
        fprintf(r->out, "<p class=\"note\">The last %s of %s: the list is cut. -from, -to and -rows choose others.</p>\n",
                timeline_number(shown, a), timeline_number(all, b));
    }
    for (u64 n = first; n < last; n++) {
        put_crossing(r, crossings_at(c, n));
    }
}

static void put_explained(const struct report *r)
{
    char number[TIMELINE_NUMBER];
    if (!r->explains) {
        return;
    }
    put_heading(r->out, "exceptions", "Exceptions, explained");
    if (!r->explained_count) {
        fputs("<p>There were none.</p>\n", r->out);
    }
    for (unsigned n = 0; n < r->explained_count; n++) {
        const struct explained *e = &r->explained[n];
        const struct rule_info *rule = &rule_table[e->rule];
        const char *vector = exception_name(rule->vector);
        fprintf(r->out, "<details><summary>%s &middot; %s &middot; ", vector ? vector : "", rule->name);
        view_escape(rule->sentence, r->out);
        fprintf(r->out, ": the first of %s</summary>\n", timeline_number(e->count, number));
        fputs(e->html ? e->html : "", r->out);
        fputs("</details>\n", r->out);
    }
    if (r->more) {
        fprintf(r->out, "<p class=\"note\">%s exceptions of other rules are not explained here.</p>\n",
                timeline_number(r->more, number));
    }
}

static void put_state(const struct report *r)
{
    static const struct {
        const char *title;
        page_fn *write;
    } pages[] = {{"Registers", inspect_registers_page}, {"Instructions", inspect_code_page}, {"Segments", inspect_segments_page},
                 {"Control registers and flags", inspect_control_page}, {"GDT", inspect_gdt_page}, {"LDT", inspect_ldt_page},
                 {"IDT", inspect_idt_page}, {"TSS", inspect_tss_page}, {"Stacks", inspect_stacks_page},
                 {"Interrupt controllers", inspect_interrupts_page}};
    put_heading(r->out, "state", "The state at the end");
    for (unsigned n = 0; n < ARRAY_LEN(pages); n++) {
        fprintf(r->out, "<details><summary>%s</summary>\n", pages[n].title);
        put_page(r->out, r->machine, pages[n].write);
        fputs("</details>\n", r->out);
    }
}

static void put_html(const struct report *r, const char *trouble)
{
    put_head(r, trouble);
    put_span_notes(r);
    put_heading(r->out, "numbers", "Numbers");
    put_page(r->out, r->machine, page_stats);
    put_heading(r->out, "timeline", "Timeline");
    put_timeline(r, r->out);
    if (marks_count(r->machine->marks)) {
        put_heading(r->out, "marks", "What the guest said");
        put_page(r->out, r->machine, page_marks);
    }
    put_firsts(r);
    put_list(r);
    put_explained(r);
    put_state(r);
    fputs("</body></html>\n", r->out);
}

static bool write_png(const struct report *r, struct error *err)
{
    struct timeline_range range = range_of(r);
    struct view page;
    view_init(&page, REPORT_COLUMNS);
    timeline_page(&page, r->machine->crossings, &range);
    bool good = r->png(&page, r->spec.path, err);
    view_free(&page);
    return good;
}

static bool write_out(struct report *r, const char *trouble, struct error *err)
{
    r->missing_from = !r->begun;
    r->missing_to = r->spec.to && !is_number(r->spec.to) && !r->ended;
    if (!r->out) {
        return write_png(r, err);
    }
    if (form_of(r->spec.path) == FORM_SVG) {
        put_timeline(r, r->out);
    } else {
        put_html(r, trouble);
    }
    bool good = !ferror(r->out);
    good = !fclose(r->out) && good;
    return good || error_set(err, "report %s: %s", r->spec.path, strerror(errno));
}

/* The whole run is written then; what was asked for is another thing. */
static bool has_marks(const struct report *r, struct error *err)
{
    const char *name = r->missing_from ? r->spec.from : r->missing_to ? r->spec.to : NULL;
    return !name || error_set(err, "report %s: the guest made no mark %.60s; what is written %s", r->spec.path, name,
                              r->missing_from ? "is from the beginning" : "goes on to the end");
}

bool report_close(struct report *r, const char *trouble, struct error *err)
{
    if (!r) {
        return true;
    }
    hypercall_ignore(r->machine, &r->watch);
    if (r->explains) {
        explain_tell(r->machine, NULL, NULL);
    }
    bool good = write_out(r, trouble, err) && has_marks(r, err);
    for (unsigned n = 0; n < r->explained_count; n++) {
        free(r->explained[n].html);
    }
    free(r);
    return good;
}

/* A mark's moment as a number, in place of its name. False: there is no such mark. */
static bool settle(const struct machine *m, const char **name, char text[TIMELINE_NUMBER], struct error *err)
{
    if (!*name || is_number(*name)) {
        return true;
    }
    const struct mark *mark = marks_named(m->marks, *name);
    if (!mark) {
        return error_set(err, "report: the guest made no mark %.60s", *name);
    }
    snprintf(text, TIMELINE_NUMBER, "%" PRIu64, marks_moment(m, mark));
    *name = text;
    return true;
}

bool report_now(struct machine *m, const struct report_spec *spec, struct error *err)
{
    char from[TIMELINE_NUMBER], to[TIMELINE_NUMBER];
    struct report_spec settled = *spec;
    if (!m->crossings) {
        return error_set(err, "report: crossings are not noted: say `crossings on`, or start with -crossings on");
    }
    if (!settle(m, &settled.from, from, err) || !settle(m, &settled.to, to, err)) {
        return false;
    }
    struct report *r = create(m, &settled, NULL, err);
    return r && report_close(r, NULL, err);
}
