/*
 * inspect_stacks.c: the stack of the ring that runs, those of the rings that were left for it, and those that the TSS has ready.
 * What a word on a stack is cannot be known; what looks like a return address or like the frame of an interrupt or a far call is
 * said with a question mark. SDM Vol. 3A 6.12.1, 6.14.2 (frames of interrupts), 5.8.5 (call gates), 20.2 (virtual-8086 mode).
 */
#include <string.h>

#include "cpu/mem.h"
#include "frontend/lab/inspect_parts.h"

enum { WORDS_CURRENT = 24, WORDS_OUTER = 8, SEARCH_BYTES = 16 << 10, PARAMETERS_MAX = 4, ZEROS = 3, FLAGS_RESERVED = 0x8028 };

/* One stack: where its top is, and how wide its words are. */
struct stack {
    unsigned ring;
    u16 ss;
    u64 sp, base, mask;
    unsigned width;
    bool vm86;
};

enum frame_kind { FRAME_NONE, FRAME_INTERRUPT, FRAME_FAR, FRAME_VM86 };

/* What some words look like. */
struct frame_seen {
    enum frame_kind kind;
    unsigned ring, words, stack_at; /* of where it returns to; stack_at: SP's word, 0: it has none */
    u16 cs;
    u64 ip, code; /* code: linear */
};

static bool word_at(struct cpu *cpu, const struct stack *s, unsigned n, u64 *value)
{
    u64 offset = (s->sp + (u64)n * s->width) & s->mask;
    return inspect_peek(cpu, s->base + offset, s->width, value);
}

/* ---- what looks like a call */

/* Bytes of CALL r/m (FF /2, /3) with this ModRM and SIB. */
static unsigned call_length(u8 modrm, u8 sib, unsigned code_bytes)
{
    unsigned mod = modrm >> 6, rm = modrm & 7;
    if (mod == 3) {
        return 2;
    }
    if (code_bytes == 2) {
        return mod == 1 ? 3 : mod == 2 || rm == 6 ? 4 : 2;
    }
    unsigned length = rm == 4 ? 3 : 2;
    if (mod == 0) {
        return length + (rm == 5 || (rm == 4 && (sib & 7) == 5) ? 4 : 0);
    }
    return length + (mod == 1 ? 1 : 4);
}

/* Does a call end at this linear address? */
static bool after_call(struct cpu *cpu, u64 linear, unsigned code_bytes, bool far)
{
    u8 before[8] = {0};
    unsigned have = 0;
    while (have < 7 && linear > have && mem_peek(cpu, system_linear(cpu, linear - have - 1), &before[7 - have], 1)) {
        have++;
    }
    unsigned immediate = (code_bytes == 2 ? 3 : 5) + (far ? 2 : 0);
    if (have >= immediate && before[8 - immediate] == (far ? 0x9a : 0xe8)) {
        return true;
    }
    for (unsigned length = 2; length <= have; length++) {
        u8 modrm = before[9 - length];
        if (before[8 - length] == 0xff && (modrm >> 3 & 7) == (far ? 3 : 2) &&
            call_length(modrm, length > 2 ? before[10 - length] : 0, code_bytes) == length) {
            return true;
        }
    }
    return false;
}

static bool after_int(struct cpu *cpu, u64 linear)
{
    u64 bytes;
    return linear >= 2 && inspect_peek(cpu, linear - 2, 2, &bytes) && ((bytes & 0xff) == 0xcd || bytes >> 8 == 0xcc);
}

/* ---- frames */

static bool plausible_flags(u64 flags)
{
    return flags & FLAG_1 && !(flags & FLAGS_RESERVED) && flags >> 22 == 0;
}

/* A selector of code that runs in the ring that its RPL says. */
static bool code_selector(struct cpu *cpu, u64 selector, struct descriptor *d)
{
    return selector >> 16 == 0 && inspect_descriptor(cpu, (u16)selector, d) == WHY_FOUND && desc_is_code(d) && desc_present(d) &&
           (desc_conforming(d) || desc_dpl(d) == (selector & 3));
}

static bool stack_selector(struct cpu *cpu, u64 selector, unsigned ring)
{
    struct descriptor d;
    if (selector >> 16 || (selector & 3) != ring) {
        return false;
    }
    if (selector_null((u16)selector)) {
        return cpu->long_mode && ring < 3;
    }
    return inspect_descriptor(cpu, (u16)selector, &d) == WHY_FOUND && desc_writable_data(&d) && desc_dpl(&d) == ring;
}

static unsigned code_width(const struct cpu *cpu, const struct descriptor *code)
{
    return cpu->long_mode && desc_long(code) ? 8 : desc_default32(code) ? 4 : 2;
}

/* IP, CS, flags and, from an outer ring and in 64-bit code, SP and SS. */
static bool see_interrupt(struct cpu *cpu, const struct stack *s, const u64 *w, unsigned have, struct frame_seen *f)
{
    struct descriptor code;
    if (have < 3 || !plausible_flags(w[2])) {
        return false;
    }
    if (w[2] & FLAG_VM && !cpu->long_mode && have >= 9 && w[0] < 65536 && w[1] < 65536 && w[4] < 65536) {
        *f = (struct frame_seen){FRAME_VM86, 3, 9, 3, (u16)w[1], w[0], ((u32)w[1] << 4) + w[0]};
        return s->ring == 0;
    }
    if (!code_selector(cpu, w[1], &code)) {
        return false;
    }
    unsigned ring = w[1] & 3;
    bool stack = ring > s->ring || s->width == 8;
    if (ring < s->ring || (stack && (have < 5 || !stack_selector(cpu, w[4], ring)))) {
        return false;
    }
    u64 linear = system_linear(cpu, (desc_long(&code) && cpu->long_mode ? 0 : desc_base(&code)) + w[0]);
    if (!cpu_canonical(cpu, linear)) {
        return false;
    }
    *f = (struct frame_seen){FRAME_INTERRUPT, ring, stack ? 5 : 3, stack ? 3 : 0, (u16)w[1], w[0], linear};
    return true;
}

/* IP, CS and, from an outer ring, parameters, SP and SS. */
static bool see_far(struct cpu *cpu, const struct stack *s, const u64 *w, unsigned have, struct frame_seen *f)
{
    struct descriptor code;
    if (have < 2 || !code_selector(cpu, w[1], &code)) {
        return false;
    }
    unsigned ring = w[1] & 3;
    u64 linear = system_linear(cpu, (desc_long(&code) && cpu->long_mode ? 0 : desc_base(&code)) + w[0]);
    if (ring < s->ring || !after_call(cpu, linear, code_width(cpu, &code), true)) {
        return false;
    }
    *f = (struct frame_seen){FRAME_FAR, ring, 2, 0, (u16)w[1], w[0], linear};
    for (unsigned n = 0; ring > s->ring && n < PARAMETERS_MAX && 4 + n <= have; n++) {
        if (stack_selector(cpu, w[3 + n], ring)) {
            f->stack_at = 2 + n;
            f->words = 4 + n;
            break;
        }
    }
    return ring == s->ring || f->stack_at;
}

static bool see_real(struct cpu *cpu, const u64 *w, unsigned have, struct frame_seen *f)
{
    if (have < 3 || (w[2] & (FLAGS_RESERVED | FLAG_1)) != FLAG_1 || !after_int(cpu, (w[1] << 4) + w[0])) {
        return false;
    }
    *f = (struct frame_seen){FRAME_INTERRUPT, 0, 3, 0, (u16)w[1], w[0], (w[1] << 4) + w[0]};
    return true;
}

/* What the words from the nth on look like. */
static bool see_frame(struct cpu *cpu, const struct stack *s, unsigned nth, struct frame_seen *f)
{
    u64 w[9];
    unsigned have = 0;
    while (have < ARRAY_LEN(w) && word_at(cpu, s, nth + have, &w[have])) {
        have++;
    }
    *f = (struct frame_seen){0};
    if (!cpu->protected_mode || s->vm86) {
        return see_real(cpu, w, have, f);
    }
    return see_interrupt(cpu, s, w, have, f) || see_far(cpu, s, w, have, f);
}

/* ---- lines */

static void put_flags_word(struct view *page, u64 flags)
{
    view_printf(page, STYLE_TEXT, "flags: IF=%u TF=%u NT=%u IOPL=%u%s", (unsigned)(flags >> 9 & 1), (unsigned)(flags >> 8 & 1),
                (unsigned)(flags >> 14 & 1), (unsigned)(flags >> 12 & 3), flags & FLAG_VM ? ", virtual-8086 mode" : "");
}

/* What the nth word of a frame is. */
static void put_part(struct view *page, struct machine *m, const struct frame_seen *f, unsigned n, u64 value)
{
    static const char *const segments[] = {"ES", "DS", "FS", "GS"};
    static const char *const kinds[] = {
        [FRAME_INTERRUPT] = "interrupt frame?", [FRAME_FAR] = "far call?", [FRAME_VM86] = "frame of virtual-8086 mode?"};
    enum style ring = (enum style)(STYLE_RING0 + f->ring);
    if (n == 0) {
        view_printf(page, STYLE_NOTE, "%s ", kinds[f->kind]);
        view_put(page, STYLE_TEXT, "returns to this IP");
        inspect_put_symbol(page, m, f->code);
    } else if (n == 1) {
        view_put(page, STYLE_TEXT, "  CS: ");
        view_printf(page, ring, "ring %u", f->ring);
    } else if (n == 2 && f->kind != FRAME_FAR) {
        view_put(page, STYLE_TEXT, "  ");
        put_flags_word(page, value);
    } else if (f->stack_at && n == f->stack_at) {
        view_printf(page, STYLE_TEXT, "  SP of ring %u", f->ring);
    } else if (f->stack_at && n == f->stack_at + 1) {
        view_printf(page, STYLE_TEXT, "  SS of ring %u", f->ring);
    } else if (f->kind == FRAME_VM86 && n >= 5) {
        view_printf(page, STYLE_TEXT, "  %s", segments[n - 5]);
    } else {
        view_put(page, STYLE_TEXT, "  a parameter");
    }
}

static void put_guess(struct view *page, struct machine *m, const struct stack *s, u64 value)
{
    struct cpu *cpu = m->cpu;
    u64 linear = s->vm86 || s->ring != cpu->cpl ? value : system_linear(cpu, cpu->code_base + value);
    char text[SYMBOL_TEXT];
    if (value && after_call(cpu, linear, s->width, false)) {
        view_put(page, STYLE_NOTE, "return address?");
        inspect_put_symbol(page, m, linear);
    } else if (symbols_text(m->symbols, value, text)) {
        view_printf(page, STYLE_DIM, "<%s>", text);
    }
}

static void put_address(struct view *page, const struct cpu *cpu, const struct stack *s, u64 offset)
{
    if (s->base || s->width == 2) {
        view_printf(page, STYLE_DIM, "  %04x:%0*llx  ", s->ss, s->width == 2 ? 4 : 8, (ull)offset);
    } else {
        view_printf(page, STYLE_DIM, "  %0*llx  ", inspect_digits(cpu), (ull)offset);
    }
}

/* How many words from the nth on are zero, up to `count`. */
static unsigned zero_words(struct cpu *cpu, const struct stack *s, unsigned nth, unsigned count)
{
    unsigned n = nth;
    u64 value;
    while (n < count && word_at(cpu, s, n, &value) && !value) {
        n++;
    }
    return n - nth;
}

static void put_words(struct view *page, struct machine *m, const struct stack *s, unsigned first, unsigned count)
{
    struct frame_seen f = {0};
    unsigned frame_from = 0;
    for (unsigned n = first; n < first + count; n++) {
        u64 value;
        unsigned zeros = f.kind && n - frame_from < f.words ? 0 : zero_words(m->cpu, s, n, first + count);
        if (zeros >= ZEROS) {
            view_printf(page, STYLE_DIM, "  ... %u words of 0\n", zeros);
            n += zeros - 1;
            continue;
        }
        put_address(page, m->cpu, s, (s->sp + (u64)n * s->width) & s->mask);
        if (!word_at(m->cpu, s, n, &value)) {
            view_put(page, STYLE_NOTE, "not mapped\n");
            return;
        }
        if (!f.kind || n - frame_from >= f.words) {
            frame_from = n;
            see_frame(m->cpu, s, n, &f);
        }
        view_printf(page, STYLE_TEXT, "%0*llx  ", (int)s->width * 2, (ull)value);
        if (f.kind) {
            put_part(page, m, &f, n - frame_from, value);
        } else {
            put_guess(page, m, s, value);
        }
        view_put(page, STYLE_TEXT, "\n");
    }
}

static void put_title(struct view *page, const struct stack *s, const char *words)
{
    view_printf(page, (enum style)(STYLE_RING0 + s->ring), "Ring %u", s->ring);
    if (s->width == 8) {
        view_printf(page, STYLE_TITLE, "  RSP %016llx", (ull)s->sp);
    } else {
        view_printf(page, STYLE_TITLE, "  SS:%s %04x:%0*llx", s->mask == 0xffff ? "SP" : "ESP", s->ss, s->mask == 0xffff ? 4 : 8,
                    (ull)(s->sp & s->mask));
    }
    view_put(page, STYLE_TEXT, "  ");
    view_wrap(page, STYLE_TEXT, 2, words);
    view_put(page, STYLE_TEXT, "\n");
}

/* ---- which stacks there are */

static struct stack current_stack(const struct cpu *cpu)
{
    const struct segment *ss = &cpu->seg[SEG_SS];
    return (struct stack){.ring = cpu->cpl,
                          .ss = ss->selector,
                          .sp = cpu->regs[R_SP],
                          .base = cpu->code_bytes == 8 ? 0 : ss->base,
                          .mask = cpu->stack_mask,
                          .width = cpu->code_bytes,
                          .vm86 = cpu->vm86};
}

/* A stack of another ring, by its selector. */
static struct stack stack_of(struct cpu *cpu, unsigned ring, u16 ss, u64 sp, unsigned width)
{
    struct stack s = {.ring = ring, .ss = ss, .sp = sp, .mask = width == 8 ? ~(u64)0 : 0xffffffff, .width = width};
    struct descriptor d;
    if (width != 8 && inspect_descriptor(cpu, ss, &d) == WHY_FOUND) {
        s.base = desc_base(&d);
        s.mask = desc_default32(&d) ? 0xffffffff : 0xffff;
    }
    return s;
}

static struct stack outer_stack(struct cpu *cpu, const struct stack *inner, unsigned nth, const struct frame_seen *f)
{
    struct descriptor code;
    u64 sp = 0, ss = 0;
    word_at(cpu, inner, nth + f->stack_at, &sp);
    word_at(cpu, inner, nth + f->stack_at + 1, &ss);
    if (f->kind == FRAME_VM86) {
        return (struct stack){
            .ring = 3, .ss = (u16)ss, .sp = sp, .base = (u64)(u16)ss << 4, .mask = 0xffff, .width = 2, .vm86 = true};
    }
    inspect_descriptor(cpu, f->cs, &code);
    return stack_of(cpu, f->ring, (u16)ss, sp, code_width(cpu, &code));
}

/* The nearest frame by which an outer ring came here: its second word is a selector. */
static bool find_outer(struct cpu *cpu, const struct stack *s, unsigned *nth, struct frame_seen *frame)
{
    for (unsigned n = 0; n < SEARCH_BYTES / s->width; n++) {
        u64 value;
        if (!word_at(cpu, s, n + 1, &value)) {
            return false;
        }
        if (value && value >> 16 == 0 && see_frame(cpu, s, n, frame) && frame->ring > s->ring && frame->stack_at) {
            *nth = n;
            return true;
        }
    }
    return false;
}

static bool tss_stack(struct cpu *cpu, unsigned ring, struct stack *s)
{
    unsigned type = cpu->tr.attr & ATTR_TYPE;
    bool narrow = type == SYS_TSS16 || type == SYS_TSS16_BUSY;
    unsigned at = cpu->long_mode ? 4 + 8 * ring : narrow ? 2 + 4 * ring : 4 + 8 * ring;
    u64 sp, ss = 0;
    if (!cpu->protected_mode || !(cpu->tr.attr & ATTR_P) || selector_null(cpu->tr.selector) ||
        !inspect_peek(cpu, cpu->tr.base + at,
                      cpu->long_mode ? 8
                      : narrow       ? 2
                                     : 4,
                      &sp) ||
        (!cpu->long_mode && !inspect_peek(cpu, cpu->tr.base + at + (narrow ? 2 : 4), 2, &ss))) {
        return false;
    }
    *s = stack_of(cpu, ring, (u16)ss, sp, cpu->long_mode ? 8 : narrow ? 2 : 4);
    return sp || ss;
}

/* The stacks of the rings that were left, one by one; `shown`: words of the inner one that have been shown. */
static void put_outer(struct view *page, struct machine *m, struct stack inner, unsigned shown)
{
    struct frame_seen frame;
    unsigned nth;
    while (inner.ring < 3 && find_outer(m->cpu, &inner, &nth, &frame)) {
        char words[64];
        struct stack outer = outer_stack(m->cpu, &inner, nth, &frame);
        if (nth + frame.words > shown) {
            if (nth > shown) {
                view_printf(page, STYLE_DIM, "  ... %u words, then\n", nth - shown);
            }
            put_words(page, m, &inner, nth, frame.words);
        }
        snprintf(words, sizeof words, "by the frame on ring %u's stack%s", inner.ring, outer.vm86 ? ": virtual-8086 mode" : "");
        view_put(page, STYLE_TEXT, "\n");
        put_title(page, &outer, words);
        put_words(page, m, &outer, 0, WORDS_OUTER);
        shown = WORDS_OUTER;
        inner = outer;
    }
}

static void put_ready(struct view *page, struct machine *m)
{
    struct cpu *cpu = m->cpu;
    bool any = false;
    for (unsigned ring = 0; ring < 3; ring++) {
        struct stack s;
        if (tss_stack(cpu, ring, &s) && (cpu->long_mode || stack_selector(cpu, s.ss, ring))) {
            view_put(page, STYLE_TITLE, any ? "" : "\nReady in the TSS, for transfers from outer rings\n");
            put_title(page, &s, ring < cpu->cpl ? "nothing is on it until then" : "");
            any = true;
        }
    }
    if (!any && cpu->protected_mode) {
        view_put(page, STYLE_DIM, "\nNo TSS with stacks for inner rings is loaded.\n");
    }
}

/* Words between the top of this ring's stack and where the TSS lets it begin, if that is near. */
static unsigned words_in_use(struct cpu *cpu, const struct stack *s, bool *known)
{
    struct stack begin;
    *known = cpu->protected_mode && s->ring < 3 && tss_stack(cpu, s->ring, &begin) && (s->width == 8 || begin.ss == s->ss) &&
             begin.sp >= s->sp && begin.sp - s->sp <= (u64)WORDS_CURRENT * s->width;
    return *known ? (unsigned)((begin.sp - s->sp) / s->width) : WORDS_CURRENT;
}

void inspect_stacks_page(struct view *page, struct machine *m)
{
    struct stack s = current_stack(m->cpu);
    bool known;
    unsigned words = words_in_use(m->cpu, &s, &known);
    inspect_title(page, "Stacks: %s", inspect_mode(m->cpu));
    put_title(page, &s, "in use now; the top first");
    put_words(page, m, &s, 0, words);
    view_put(page, STYLE_DIM, known ? "  here the stack began, as the TSS says\n" : "");
    if (m->cpu->protected_mode) {
        put_outer(page, m, s, words);
        put_ready(page, m);
    }
    view_put(page, STYLE_TEXT, "\n");
    view_wrap(page, STYLE_DIM, 0,
              "Guesses have a question mark: a return address follows a CALL, a frame holds fitting selectors and flags.\n");
}
