/*
 * explain_json.c: an explanation as JSON: frontend/lab/explain.schema.json says what stands where. Numbers that may need 64
 * bits are texts, "0x...".
 */
#include <stdio.h>

#include "frontend/lab/explain_parts.h"

typedef unsigned long long ull;

static void put_text(FILE *out, const char *name, const char *text)
{
    fprintf(out, "\"%s\":\"", name);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            fprintf(out, "\\%c", *text);
        } else if ((unsigned char)*text < 0x20) {
            fprintf(out, "\\u%04x", *text);
        } else {
            putc(*text, out);
        }
    }
    putc('"', out);
}

static void put_hex(FILE *out, const char *name, u64 value)
{
    fprintf(out, "\"%s\":\"0x%llx\"", name, (ull)value);
}

static void put_rule(FILE *out, enum rule rule)
{
    put_text(out, "rule", rule_table[rule].name);
    putc(',', out);
    put_text(out, "section", rule_table[rule].section);
}

static void put_instruction(FILE *out, const struct explanation *e)
{
    const struct explain_state *b = &e->before;
    struct scene s = {.e = e, .now = &(const struct explain_event){.cpl = b->cpl}};
    struct named_operand operands[EXPLAIN_OPERANDS];
    struct value mode;
    char text[EXPLAIN_TEXT];
    fprintf(out, "\"instruction\":{");
    put_hex(out, "cs", b->seg[SEG_CS].selector);
    putc(',', out);
    put_hex(out, "ip", b->ip);
    putc(',', out);
    put_hex(out, "linear", e->code);
    putc(',', out);
    bytes_text(e->bytes, e->length, text, sizeof text);
    put_text(out, "bytes", text);
    putc(',', out);
    instruction_text(e, text, sizeof text);
    put_text(out, "text", text);
    putc(',', out);
    scene_value(&s, "mode", &mode);
    put_text(out, "mode", mode.text);
    fprintf(out, ",\"cpl\":%u,\"iopl\":%u,\"operands\":[", b->cpl, b->eflags >> 12 & 3);
    unsigned count = operands_of(e, operands);
    for (unsigned n = 0; n < count; n++) {
        fprintf(out, "%s{", n ? "," : "");
        put_text(out, "name", operands[n].name);
        putc(',', out);
        put_hex(out, "value", operands[n].value);
        putc('}', out);
    }
    fprintf(out, "]}");
}

static void put_steps(FILE *out, const struct explanation *e)
{
    struct step s;
    bool first = true;
    fprintf(out, "\"steps\":[");
    for (unsigned n = 0; n < e->count; n++) {
        if (!step_of(e, n, &s)) {
            continue;
        }
        fprintf(out, "%s{", first ? "" : ",");
        first = false;
        put_text(out, "kind", s.what);
        putc(',', out);
        if (s.kind == STEP_CHECK) {
            fprintf(out, "\"ok\":%s,", s.ok ? "true" : "false");
            if (s.rule != RULE_NONE) {
                put_rule(out, s.rule);
                putc(',', out);
            }
        }
        put_text(out, "text", s.text);
        putc(',', out);
        put_text(out, "detail", s.detail);
        putc('}', out);
    }
    putc(']', out);
}

static void put_change(FILE *out, const struct change *c)
{
    putc('{', out);
    put_text(out, "text", c->text);
    if (c->known) {
        putc(',', out);
        put_text(out, "target", c->target);
        putc(',', out);
        put_hex(out, "value", c->value);
    }
    if (c->size) {
        putc(',', out);
        put_hex(out, c->is_physical ? "physical" : "linear", c->is_physical ? c->physical : c->at);
        fprintf(out, ",\"size\":%u,", c->size);
        put_hex(out, "before", c->before);
        putc(',', out);
        put_hex(out, "after", c->after);
    }
    putc('}', out);
}

static void put_failure(FILE *out, const struct explanation *e, unsigned n)
{
    const struct failure *f = &e->failure[n];
    enum rule rule = e->event[f->at].rule;
    struct scene s = scene_at(e, f->at);
    struct change changes[EXPLAIN_CHANGES];
    char text[EXPLAIN_TEXT];
    putc('{', out);
    put_rule(out, rule);
    putc(',', out);
    put_text(out, "sentence", rule_table[rule].sentence);
    putc(',', out);
    scene_expand(&s, explain_rows[rule].needs, text, sizeof text);
    put_text(out, "needs", text);
    bool all = scene_expand(&s, explain_rows[rule].found, text, sizeof text);
    putc(',', out);
    put_text(out, "found", text);
    fprintf(out, ",\"complete\":%s,\"change\":[", all ? "true" : "false");
    unsigned count = changes_of(e, f, changes);
    for (unsigned k = 0; k < count; k++) {
        if (k) {
            putc(',', out);
        }
        put_change(out, &changes[k]);
    }
    fprintf(out, "],");
    scene_expand(&s, explain_rows[rule].words ? explain_rows[rule].words : "", text, sizeof text);
    put_text(out, "words", text);
    fprintf(out, ",\"tried\":%s,\"passes\":%s,", f->tried ? "true" : "false", f->passes ? "true" : "false");
    put_text(out, "then", f->tried && f->next != RULE_NONE ? rule_table[f->next].name : "");
    putc(',', out);
    failure_outcome(e, n, text, sizeof text);
    put_text(out, "outcome", text);
    putc('}', out);
}

void explain_json(FILE *out, const struct explanation *e)
{
    const struct rule_info *r = &rule_table[e->rule];
    static const char *const begins[] = {
        [EXPLAIN_INSTRUCTION] = "instruction", [EXPLAIN_RAISED] = "debug", [EXPLAIN_INTERRUPT] = "interrupt"};
    int end = explanation_end(e);
    fprintf(out, "{\"number\":%llu,\"icount\":%llu,\"vector\":%u,", (ull)e->number, (ull)e->icount, r->vector);
    put_text(out, "name", vector_name(r->vector));
    putc(',', out);
    put_text(out, "title", vector_title(r->vector));
    fprintf(out, ",\"error\":%u,", e->error);
    put_rule(out, e->rule);
    putc(',', out);
    put_text(out, "sentence", r->sentence);
    putc(',', out);
    put_text(out, "begins", begins[e->request.begin]);
    fprintf(out, ",\"same\":%s,\"skipped\":%u,", e->same ? "true" : "false", e->skipped);
    put_instruction(out, e);
    putc(',', out);
    put_steps(out, e);
    fprintf(out, ",\"failures\":[");
    for (unsigned n = 0; n < e->failures; n++) {
        if (n) {
            putc(',', out);
        }
        put_failure(out, e, n);
    }
    fprintf(out, "],");
    put_text(out, "end", end < 0 ? "triple fault" : end == VEC_DF ? "double fault" : "delivered");
    fprintf(out, "}\n");
}
