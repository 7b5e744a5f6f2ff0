/*
 * explain_page.c: an explanation as a page.
 */
#include <stdio.h>
#include <string.h>

#include "frontend/lab/explain_parts.h"

typedef unsigned long long ull;

enum { INDENT = 4, MARK = 9 };

static void put_wrapped(struct view *page, enum style style, unsigned indent, const char *text)
{
    view_tab(page, indent);
    view_wrap(page, style, indent, text);
    view_put(page, STYLE_TEXT, "\n");
}

static void put_title(struct view *page, const struct explanation *e)
{
    const struct rule_info *r = &rule_table[e->rule];
    char line[EXPLAIN_TEXT], error[24] = "";
    int end = explanation_end(e);
    if (e->before.protected_mode && vector_has_error(r->vector)) {
        snprintf(error, sizeof error, "(%04x)", e->error);
    }
    snprintf(line, sizeof line, "%s%s %s%s\n", vector_name(r->vector), error, vector_title(r->vector),
             end < 0                                     ? ", and in the end a triple fault"
             : end == VEC_DF && r->vector != VEC_DF ? ", and then a double fault"
                                                         : "");
    view_put(page, STYLE_TITLE, line);
}

static void put_instruction(struct view *page, const struct explanation *e)
{
    const struct explain_state *b = &e->before;
    struct named_operand operands[EXPLAIN_OPERANDS];
    char text[EXPLAIN_TEXT], bytes[64], line[EXPLAIN_TEXT * 2];
    struct scene s = {.e = e, .now = &(const struct explain_event){.cpl = b->cpl}};
    struct value mode;
    if (e->request.begin == EXPLAIN_INTERRUPT) {
        bool hardware = e->request.kind == DELIVER_INTERRUPT;
        view_printf(page, STYLE_STRONG, "  %sinterrupt 0x%02x, before this instruction:\n", hardware ? "hardware " : "",
                    e->request.vector);
    }
    instruction_text(e, text, sizeof text);
    bytes_text(e->bytes, e->length, bytes, sizeof bytes);
    view_printf(page, STYLE_DIM, "  %04x:%0*llx  ", b->seg[SEG_CS].selector, b->code_bytes == 8 ? 16 : 8, (ull)b->ip);
    view_put(page, STYLE_STRONG, text);
    view_put(page, STYLE_TEXT, "\n");
    scene_value(&s, "mode", &mode);
    snprintf(line, sizeof line, "bytes %s; %s, ring %u, IOPL %u; after %llu instructions", e->length ? bytes : "not mapped",
             mode.text, b->cpl, b->eflags >> 12 & 3, (ull)e->icount);
    put_wrapped(page, STYLE_DIM, INDENT, line);
    unsigned count = operands_of(e, operands);
    size_t at = 0;
    line[0] = 0;
    for (unsigned n = 0; n < count; n++) {
        at += (size_t)snprintf(line + at, sizeof line - at, "%s%s = 0x%llx", n ? ", " : "", operands[n].name,
                               (ull)operands[n].value);
    }
    if (count) {
        put_wrapped(page, STYLE_TEXT, INDENT, line);
    }
}

/* All of it in three lines. */
static void put_short(struct view *page, const struct explanation *e)
{
    const struct failure *f = &e->failure[0];
    struct scene s = scene_at(e, f->at);
    const struct explain_row *row = &explain_rows[s.now->rule];
    struct change changes[EXPLAIN_CHANGES];
    char text[EXPLAIN_TEXT], line[2 * EXPLAIN_TEXT];
    scene_expand(&s, row->found, text, sizeof text);
    snprintf(line, sizeof line, "%s: %s", rule_table[s.now->rule].sentence, text);
    view_put(page, STYLE_STRONG, "  Why");
    put_wrapped(page, STYLE_NOTE, MARK, line);
    view_put(page, STYLE_STRONG, "  Change");
    if (changes_of(e, f, changes)) {
        put_wrapped(page, STYLE_NOTE, MARK, changes[0].text);
    } else {
        scene_expand(&s, row->words ? row->words : "", text, sizeof text);
        put_wrapped(page, STYLE_NOTE, MARK, text);
    }
}

static void put_rule(struct view *page, const struct explanation *e, unsigned n)
{
    const struct failure *f = &e->failure[n];
    enum rule rule = e->event[f->at].rule;
    const struct rule_info *r = &rule_table[rule];
    const struct explain_row *row = &explain_rows[rule];
    struct scene s = scene_at(e, f->at);
    struct change changes[EXPLAIN_CHANGES];
    char text[EXPLAIN_TEXT * 2], words[EXPLAIN_TEXT];
    view_put(page, STYLE_FRAME, "\n");
    view_put(page, STYLE_STRONG, "  The rule");
    snprintf(text, sizeof text, "%s: %s. Intel SDM %s", r->name, r->sentence, r->section);
    view_put(page, STYLE_TEXT, "\n");
    put_wrapped(page, STYLE_TEXT, INDENT, text);
    view_put(page, STYLE_STRONG, "  The smallest change with which it would have passed\n");
    unsigned count = changes_of(e, f, changes);
    for (unsigned k = 0; k < count; k++) {
        put_wrapped(page, STYLE_NOTE, INDENT, changes[k].text);
    }
    if (row->words) {
        scene_expand(&s, row->words, words, sizeof words);
        put_wrapped(page, count ? STYLE_TEXT : STYLE_NOTE, INDENT, words);
    }
    if (f->tried && f->passes) {
        bool more = f->next != RULE_NONE;
        snprintf(text, sizeof text, "Tried: then %s%s.", more ? "this passes, and next fails " : "nothing more fails",
                 more ? rule_table[f->next].name : "");
        put_wrapped(page, STYLE_DIM, INDENT, text);
    }
    view_put(page, STYLE_TEXT, "\n");
}

static void put_step(struct view *page, const struct step *s)
{
    if (s->kind == STEP_CHECK) {
        view_put(page, STYLE_TEXT, "  ");
        view_put(page, s->ok ? STYLE_GOOD : STYLE_BAD, s->ok ? "ok" : "FAILS");
        put_wrapped(page, s->ok ? STYLE_TEXT : STYLE_STRONG, MARK, s->text);
    } else if (s->kind == STEP_LOOK) {
        put_wrapped(page, STYLE_TEXT, INDENT, s->text);
    } else {
        char line[2 * EXPLAIN_TEXT + 4];
        snprintf(line, sizeof line, "%c%s%s%s", s->text[0] & ~0x20, s->text + 1, s->detail[0] ? ", " : "", s->detail);
        put_wrapped(page, STYLE_STRONG, 2, line);
        return;
    }
    if (s->detail[0]) {
        put_wrapped(page, s->kind == STEP_CHECK && !s->ok ? STYLE_NOTE : STYLE_DIM, MARK, s->detail);
    }
}

void explain_page(struct view *page, const struct explanation *e)
{
    struct step step;
    char text[EXPLAIN_TEXT];
    unsigned failure = 0;
    put_title(page, e);
    put_instruction(page, e);
    if (!e->same) {
        put_wrapped(page, STYLE_NOTE, 2,
                    e->failures ? "Executed again it failed in another way, as is shown: it depends on a device, or on a "
                                  "translation that the processor still remembered."
                                : "Executed again it did not fail: it depends on a device, or on a translation that the processor "
                                  "still remembered.");
    }
    if (e->failures) {
        put_short(page, e);
    }
    view_put(page, STYLE_STRONG, "\n  The checks, in the order in which they are made\n");
    for (unsigned n = 0; n < e->count; n++) {
        if (e->skipped && n == EXPLAIN_EVENTS / 2) {
            view_printf(page, STYLE_DIM, "    (%u steps are left out)\n", e->skipped);
        }
        if (step_of(e, n, &step)) {
            put_step(page, &step);
        }
        if (failure < e->failures && e->failure[failure].at == n) {
            put_rule(page, e, failure);
            failure_outcome(e, failure, text, sizeof text);
            if (text[0]) {
                put_wrapped(page, STYLE_BAD, 2, text);
            }
            failure++;
        }
    }
}
