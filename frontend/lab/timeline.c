/*
 * timeline.c: see timeline.h: the timeline itself and its range.
 */
#include "frontend/lab/timeline.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/base/mem.h"
#include "frontend/lab/marks.h"

/* Columns before the lanes; rows of labels below them. */
enum { MARGIN = 9, LABEL_ROWS = 6, LABELS = 64 };

/* ---- numbers */

const char *timeline_number(u64 number, char text[TIMELINE_NUMBER])
{
    char digits[24];
    unsigned n = (unsigned)snprintf(digits, sizeof digits, "%" PRIu64, number), at = 0;
    for (unsigned k = 0; k < n; k++) {
        if (k && (n - k) % 3 == 0) {
            text[at++] = ',';
        }
        text[at++] = digits[k];
    }
    text[at] = 0;
    return text;
}

const char *timeline_moment(enum crossings_unit unit, u64 moment, char text[TIMELINE_MOMENT])
{
    char number[TIMELINE_NUMBER];
    if (unit == UNIT_INSTRUCTIONS) {
        snprintf(text, TIMELINE_MOMENT, "%s instructions", timeline_number(moment, number));
    } else {
        snprintf(text, TIMELINE_MOMENT, "%" PRIu64 ".%09" PRIu64 " s", moment / 1000000000, moment % 1000000000);
    }
    return text;
}

/* ---- ranges */

struct timeline_range timeline_all(const struct crossings *c)
{
    return (struct timeline_range){.first = crossings_began(c), .last = crossings_latest(c)};
}

struct timeline_range timeline_latest(const struct crossings *c, u64 units)
{
    struct timeline_range r = timeline_all(c);
    u64 end = crossings_now(c);
    r.last = end > r.first && end < r.last ? end : r.last;
    r.first = r.last - r.first > units ? r.last - units : r.first;
    return r;
}

/* Inside of what is known, and at least one long. */
static void fit(struct timeline_range *r, const struct crossings *c, u64 first, u64 length)
{
    struct timeline_range all = timeline_all(c);
    u64 most = all.last - all.first;
    length = length > most ? most : length;
    length = length ? length : 1;
    first = first > all.first ? first : all.first;
    first = first + length > all.last && all.last > length ? all.last - length : first;
    r->first = first > all.first ? first : all.first;
    r->last = r->first + length;
}

static const struct crossing_record *chosen(const struct timeline_range *r, const struct crossings *c)
{
    return r->chosen ? crossings_at(c, r->number) : NULL;
}

static u64 at_of(const struct crossings *c, const struct crossing_record *record)
{
    return record->at[crossings_unit(c)];
}

void timeline_zoom(struct timeline_range *r, const struct crossings *c, bool in)
{
    u64 length = r->last - r->first, middle = r->first + length / 2;
    const struct crossing_record *x = chosen(r, c);
    if (x && at_of(c, x) >= r->first && at_of(c, x) < r->last) {
        middle = at_of(c, x);
    }
    length = in ? length / 2 : length > UINT64_MAX / 4 ? length : length * 2;
    fit(r, c, middle > length / 2 ? middle - length / 2 : 0, length);
}

void timeline_move(struct timeline_range *r, const struct crossings *c, int eighths)
{
    u64 length = r->last - r->first, by = length / 8 * (u64)abs(eighths);
    by = by ? by : 1;
    fit(r, c, eighths > 0 ? r->first + by : r->first > by ? r->first - by : 0, length);
}

void timeline_choose(struct timeline_range *r, const struct crossings *c, int by)
{
    u64 count = crossings_count(c), oldest = crossings_oldest(c);
    if (oldest == count) {
        r->chosen = false;
        return;
    }
    if (!chosen(r, c)) {
        r->number = crossings_find(c, r->first);
        r->number -= r->number == count;
    } else if (by < 0) {
        u64 back = (u64)-(i64)by;
        r->number = r->number - oldest > back ? r->number - back : oldest;
    } else {
        r->number = count - 1 - r->number > (u64)by ? r->number + (u64)by : count - 1;
    }
    r->chosen = true;
    u64 at = at_of(c, crossings_at(c, r->number)), length = r->last - r->first;
    if (at < r->first || at >= r->last) {
        fit(r, c, at > length / 2 ? at - length / 2 : 0, length);
    }
}

/* ---- the page */

struct drawing {
    struct view *page;
    const struct crossings *c;
    u64 first, last;
    unsigned columns; /* of the lanes */
    struct crossings_span *span;
};

static u64 column_start(const struct drawing *d, unsigned column)
{
    return d->first + (u64)((double)(d->last - d->first) * column / d->columns);
}

/* Outside: d->columns. */
static unsigned column_of(const struct drawing *d, u64 at)
{
    if (at < d->first || at >= d->last) {
        return d->columns;
    }
    unsigned column = (unsigned)((double)(at - d->first) * d->columns / (double)(d->last - d->first));
    return column < d->columns ? column : d->columns - 1;
}

static u64 total(const struct crossings_span *s)
{
    u64 sum = 0;
    for (unsigned l = 0; l < LANES; l++) {
        sum += s->spent[l];
    }
    return sum;
}

static const u32 lane_rune[LANES] = {RUNE_RING0, RUNE_RING0 + 1, RUNE_RING0 + 2, RUNE_RING0 + 3, RUNE_SMM, RUNE_IDLE};
static const u8 lane_style[LANES] = {STYLE_RING0, STYLE_RING1, STYLE_RING2, STYLE_RING3, STYLE_SMM, STYLE_DIM};

static void margin(struct view *page, enum style style, const char *text)
{
    view_put(page, style, text);
    view_tab(page, MARGIN);
}

/* In each column, where most of it was spent. */
static void put_lane(const struct drawing *d)
{
    margin(d->page, STYLE_STRONG, "CPU 0");
    for (unsigned k = 0; k < d->columns; k++) {
        unsigned best = 0;
        for (unsigned l = 1; l < LANES; l++) {
            best = d->span[k].spent[l] > d->span[k].spent[best] ? l : best;
        }
        bool any = total(&d->span[k]);
        view_rune(d->page, any ? (enum style)lane_style[best] : STYLE_DIM, any ? lane_rune[best] : ' ');
    }
    view_put(d->page, STYLE_TEXT, "\n");
}

/* How much of each column was spent in one of the lanes, as columns of eight heights; nothing if none was. */
static void put_share(const struct drawing *d, unsigned lane)
{
    bool any = false;
    for (unsigned k = 0; k < d->columns; k++) {
        any |= d->span[k].spent[lane] != 0;
    }
    if (!any) {
        return;
    }
    margin(d->page, (enum style)lane_style[lane], crossings_lane_name(lane));
    for (unsigned k = 0; k < d->columns; k++) {
        u64 part = d->span[k].spent[lane], whole = total(&d->span[k]);
        unsigned eighths = part ? (unsigned)((double)part * 8 / (double)whole + 0.5) : 0;
        u32 rune = !part ? ' ' : 0x2580u + (eighths ? eighths : 1);
        view_rune(d->page, (enum style)lane_style[lane], rune);
    }
    view_put(d->page, STYLE_TEXT, "\n");
}

/* Crossings in each column: 1 to 9, then + for tens, * for hundreds, # for thousands and more. */
static void put_counts(const struct drawing *d)
{
    margin(d->page, STYLE_STRONG, "crossed");
    for (unsigned k = 0; k < d->columns; k++) {
        u64 n = d->span[k].crossings;
        view_rune(d->page, STYLE_TEXT, !n ? ' ' : n < 10 ? (u32)('0' + n) : n < 100 ? '+' : n < 1000 ? '*' : '#');
    }
    view_put(d->page, STYLE_TEXT, "\n");
}

/* ---- labels: a line down from a column, and the name at its end */

struct label {
    unsigned column, more; /* more: others in the same column */
    enum style style;
    char text[CROSSING_NAME + 16];
};

struct labels {
    struct label label[LABELS];
    unsigned count;
    bool first_only; /* of several sorts, each one's first */
};

static void add_label(const struct drawing *d, struct labels *l, const struct crossing_record *r)
{
    char name[CROSSING_NAME];
    unsigned column = column_of(d, at_of(d->c, r));
    if (column == d->columns) {
        return;
    }
    if (l->count && l->label[l->count - 1].column == column) {
        l->label[l->count - 1].more++;
        return;
    }
    if (l->count == LABELS) {
        return;
    }
    struct label *to = &l->label[l->count++];
    *to = (struct label){.column = column, .style = (enum style)lane_style[crossings_lane_of(&r->crossing.to)]};
    snprintf(to->text, sizeof to->text, "%s", crossing_name(&r->crossing, name));
}

/* All of them, if they are few and kept; otherwise the first ones of their sorts. */
static void gather(const struct drawing *d, struct labels *l)
{
    u64 from = crossings_find(d->c, d->first), to = crossings_find(d->c, d->last);
    bool kept = !crossings_oldest(d->c) || from > crossings_oldest(d->c);
    if (kept && to - from <= LABELS) {
        for (u64 n = from; n < to; n++) {
            add_label(d, l, crossings_at(d->c, n));
        }
        return;
    }
    const struct crossing_record *r;
    l->first_only = true;
    for (unsigned n = 0; (r = crossings_first(d->c, n)); n++) {
        add_label(d, l, r);
    }
}

/* The highest row with room for a line at `column` and `length` letters behind it. free_to: where each row's first letter is. */
static bool find_row(unsigned column, unsigned length, const unsigned free_to[LABEL_ROWS], unsigned *row)
{
    for (*row = 0; *row < LABEL_ROWS && column < free_to[*row]; ++*row) { /* else the line would cross a name */
        if (column + 1 + length < free_to[*row]) {
            return true;
        }
    }
    return false;
}

/* What the guest has called moments. */
static void gather_marks(const struct drawing *d, struct labels *l)
{
    const struct machine *m = crossings_machine(d->c);
    const struct mark *mark;
    for (unsigned n = 0; (mark = marks_at(m->marks, n)) && l->count < LABELS; n++) {
        unsigned column = column_of(d, marks_moment(m, mark));
        bool named = mark->call.function == HYPERCALL_MARK_MOMENT || mark->call.function == HYPERCALL_SNAPSHOT;
        if (column < d->columns && named) {
            struct label *to = &l->label[l->count++];
            *to = (struct label){.column = column, .style = STYLE_NOTE};
            snprintf(to->text, sizeof to->text, "%.24s", mark->call.text[0] ? mark->call.text : "mark");
        }
    }
}

/* From the right to the left, each in the highest row where it has room. Returns those for which there is none. */
static unsigned put_labels(const struct drawing *d, const struct labels *l)
{
    unsigned free_to[LABEL_ROWS], top = d->page->y, used = 0, hidden = 0;
    for (unsigned r = 0; r < LABEL_ROWS; r++) {
        free_to[r] = d->columns + 1;
    }
    for (unsigned n = l->count; n-- > 0;) {
        const struct label *label = &l->label[n];
        char text[64];
        snprintf(text, sizeof text, label->more ? "%s+%u" : "%s", label->text, label->more);
        unsigned length = (unsigned)strlen(text), row;
        bool left = label->column + 1 + length > d->columns; /* the name stands on the left of the line */
        if (!find_row(label->column, left ? 0 : length, free_to, &row) || (left && label->column < length)) {
            hidden++;
            continue;
        }
        for (unsigned r = 0; r < row; r++) {
            view_at(d->page, MARGIN + label->column, top + r);
            view_rune(d->page, STYLE_FRAME, 0x2502);
        }
        view_at(d->page, MARGIN + label->column - (left ? length : 0), top + row);
        if (left) {
            view_put(d->page, label->style, text);
            view_rune(d->page, STYLE_FRAME, 0x2518);
        } else {
            view_rune(d->page, STYLE_FRAME, 0x2514);
            view_put(d->page, label->style, text);
        }
        free_to[row] = label->column - (left ? length : 0);
        used = row + 1 > used ? row + 1 : used;
    }
    view_at(d->page, 0, top + used);
    return hidden;
}

/* Where the machine is, when that is in the past; which crossing is chosen. */
static void put_pointers(const struct drawing *d, const struct timeline_range *range)
{
    const struct crossing_record *x = chosen(range, d->c);
    unsigned present = column_of(d, crossings_now(d->c)), at = x ? column_of(d, at_of(d->c, x)) : d->columns;
    char name[CROSSING_NAME];
    if (present < d->columns && crossings_now(d->c) < crossings_latest(d->c)) {
        margin(d->page, STYLE_NOTE, "now");
        view_at(d->page, MARGIN + present, d->page->y);
        view_put(d->page, STYLE_NOTE, "^\n");
    }
    if (at < d->columns) {
        margin(d->page, STYLE_NOTE, "chosen");
        view_at(d->page, MARGIN + at, d->page->y);
        view_put(d->page, STYLE_NOTE, "^");
        char text[64];
        snprintf(text, sizeof text, "%" PRIu64 " %s", range->number, crossing_name(&x->crossing, name));
        unsigned length = (unsigned)strlen(text);
        if (MARGIN + at + 2 + length > d->page->columns && MARGIN + at > length) {
            view_at(d->page, MARGIN + at - 1 - length, d->page->y);
        } else {
            view_put(d->page, STYLE_TEXT, " ");
        }
        view_put(d->page, STYLE_NOTE, text);
        view_put(d->page, STYLE_TEXT, "\n");
    }
}

static void put_marks(const struct drawing *d, const struct labels *l)
{
    margin(d->page, STYLE_STRONG, "marks");
    for (unsigned n = 0; n < l->count; n++) {
        view_at(d->page, MARGIN + l->label[n].column, d->page->y);
        view_rune(d->page, STYLE_NOTE, 'v');
    }
    view_put(d->page, STYLE_TEXT, "\n");
}

static void put_head(const struct drawing *d)
{
    char a[TIMELINE_MOMENT], b[TIMELINE_MOMENT], number[TIMELINE_NUMBER], line[256];
    enum crossings_unit unit = crossings_unit(d->c);
    struct crossings_span whole;
    crossings_span(d->c, d->first, d->last, &whole);
    if (unit == UNIT_INSTRUCTIONS) {
        snprintf(line, sizeof line, "After %s to %s: ", timeline_number(d->first, a), timeline_moment(unit, d->last, b));
    } else {
        snprintf(line, sizeof line, "%s to %s of guest time: ", timeline_moment(unit, d->first, a),
                 timeline_moment(unit, d->last, b));
    }
    view_wrap(d->page, STYLE_TEXT, 0, line);
    snprintf(line, sizeof line, "%s crossings; a column is ", timeline_number(whole.crossings, number));
    view_wrap(d->page, STYLE_TEXT, 0, line);
    snprintf(line, sizeof line, "%s.", timeline_moment(unit, (d->last - d->first) / d->columns, a));
    view_wrap(d->page, STYLE_TEXT, 0, line);
    view_put(d->page, STYLE_TEXT, "\n\n");
}

static void put_foot(const struct drawing *d, const struct labels *l, unsigned hidden)
{
    char line[160];
    view_put(d->page, STYLE_TEXT, "\n");
    view_wrap(d->page, STYLE_DIM, 0,
              "Crossings in a column: 1 to 9, + tens, * hundreds, # thousands and more. ");
    if (l->first_only && l->count) {
        view_wrap(d->page, STYLE_DIM, 0, "Named: the first of each sort. ");
    }
    if (hidden) {
        snprintf(line, sizeof line, "%u %s no room: zoom in. ", hidden, hidden == 1 ? "name has" : "names have");
        view_wrap(d->page, STYLE_DIM, 0, line);
    }
    view_put(d->page, STYLE_TEXT, "\n");
}

void timeline_page(struct view *page, const struct crossings *c, const struct timeline_range *range)
{
    struct drawing d = {.page = page, .c = c, .first = range->first, .last = range->last};
    if (page->columns < MARGIN + 16) {
        view_wrap(page, STYLE_NOTE, 0, "no room");
        return;
    }
    d.columns = page->columns - MARGIN - 1;
    d.last = d.last > d.first && d.last - d.first > d.columns ? d.last : d.first + d.columns; /* a column is one unit at least */
    d.span = mem_zeroed(d.columns, sizeof *d.span);
    for (unsigned k = 0; k < d.columns; k++) {
        crossings_span(c, column_start(&d, k), column_start(&d, k + 1), &d.span[k]);
    }
    put_head(&d);
    put_lane(&d);
    for (unsigned l = 0; l < LANES; l++) {
        put_share(&d, l);
    }
    put_counts(&d);
    struct labels *labels = mem_zeroed(1, sizeof *labels);
    gather(&d, labels);
    unsigned hidden = put_labels(&d, labels);
    struct labels *marks = mem_zeroed(1, sizeof *marks);
    gather_marks(&d, marks);
    if (marks->count) {
        put_marks(&d, marks);
        hidden += put_labels(&d, marks);
    }
    free(marks);
    put_pointers(&d, range);
    put_foot(&d, labels, hidden);
    free(labels);
    free(d.span);
}
