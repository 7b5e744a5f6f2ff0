/*
 * player.c: see player.h. What an answer changes (@do, @edit) is tried in the program from its beginning, and undone: every step
 * begins with the program as the lesson has it.
 */
#include "frontend/lesson/player.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "frontend/lesson/pages.h"

enum { ANSWER_MAX = 400, VALUE_TEXT = 200, PAGE_ROWS = 20 };

const struct step *player_step(const struct player *p)
{
    return &p->lesson->step[p->step];
}

static void say(struct player *p, bool right, const char *format, ...) PRINTF_LIKE(3, 4);

static void say(struct player *p, bool right, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(p->feedback, sizeof p->feedback, format, args);
    va_end(args);
    p->right = right;
}

static bool korean(const struct player *p)
{
    return !strcmp(p->lesson->language, "ko");
}

/* ---- coming to a step */

static bool run_all(struct player *p, const struct condition *list, unsigned count, struct error *err)
{
    for (unsigned n = 0; n < count; n++) {
        struct error why;
        if (!guest_run(&p->guest, &list[n], &why)) {
            return error_set(err, "%s:%u: %.400s", p->lesson->base ? p->lesson->base->path : p->lesson->path, list[n].line,
                             why.text);
        }
    }
    return true;
}

/* From the beginning, with `program`, to where this step begins. */
static bool come(struct player *p, const struct program *program, struct error *err)
{
    if (!guest_restart(&p->guest, program, err)) {
        return false;
    }
    for (unsigned n = 0; n <= p->step; n++) {
        const struct step *s = &p->lesson->step[n];
        if (!run_all(p, s->run, s->run_count, err)) {
            return false;
        }
    }
    return true;
}

static void begin(struct player *p, unsigned step)
{
    p->step = step;
    p->answered = player_step(p)->question == QUESTION_NONE;
    p->tries = 0;
    p->feedback[0] = p->why[0] = 0;
}

bool player_go(struct player *p, unsigned step, struct error *err)
{
    begin(p, step);
    p->finished = false;
    return come(p, p->program, err);
}

bool player_again(struct player *p, struct error *err)
{
    return come(p, p->program, err);
}

bool player_next(struct player *p, struct error *err)
{
    if (!p->answered) {
        return error_set(err, "%s", korean(p) ? "먼저 이 질문에 답하세요." : "answer the question first");
    }
    if (p->step + 1 == p->lesson->steps) {
        p->finished = true;
        return true;
    }
    begin(p, p->step + 1);
    return come(p, p->program, err);
}

bool player_expectations(struct player *p, struct error *err)
{
    const struct texts *t = &player_step(p)->expect;
    for (unsigned n = 0; n < t->count; n++) {
        u64 value = 0;
        struct error why = {""};
        if (!guest_eval(&p->guest, t->text[n], &value, &why) || !value) {
            return error_set(err, "%s:%u: @expect %.200s: %.200s", p->lesson->base ? p->lesson->base->path : p->lesson->path,
                             t->line[n],
                             t->text[n], *why.text ? why.text : "does not hold");
        }
    }
    return true;
}

/* ---- answers */

/* Letters and figures that count: without blanks at the ends, doubled blanks, capitals, and what stands around a word. */
static void normalise(const char *text, char *to)
{
    size_t used = 0;
    bool blank = false;
    for (; *text && used < ANSWER_MAX - 2; text++) {
        if (isspace((u8)*text) || strchr("`'\".,;:!?()", *text)) {
            blank = true;
            continue;
        }
        if (blank && used) {
            to[used++] = ' ';
        }
        blank = false;
        to[used++] = (char)tolower((u8)*text);
    }
    to[used] = 0;
}

static bool same_words(const char *a, const char *b)
{
    char x[ANSWER_MAX], y[ANSWER_MAX];
    normalise(a, x);
    normalise(b, y);
    return !strcmp(x, y);
}

/* Changes are the same when they read the same but for blanks. */
static bool same_change(const char *a, const char *b)
{
    for (;; a++, b++) {
        a += strspn(a, " \t");
        b += strspn(b, " \t");
        if (tolower((u8)*a) != tolower((u8)*b)) {
            return false;
        }
        if (!*a) {
            return true;
        }
    }
}

/* "b", "B)", "2", or the whole of the choice. */
static const struct answer *chosen(const struct step *s, const char *text)
{
    char plain[ANSWER_MAX];
    normalise(text, plain);
    for (unsigned n = 0; n < s->answer_count; n++) {
        bool letter = plain[0] == 'a' + (char)n && !plain[1], number = plain[0] == '1' + (char)n && !plain[1];
        if (letter || number || same_words(text, s->answer[n].text)) {
            return &s->answer[n];
        }
    }
    return NULL;
}

/* A number as people write it: 0x10, 10h, 1_0000b is none. */
static bool read_value(struct player *p, const char *text, u64 *value)
{
    char plain[ANSWER_MAX];
    snprintf(plain, sizeof plain, "%s", text + strspn(text, " "));
    size_t n = strlen(plain);
    while (n && isspace((u8)plain[n - 1])) {
        plain[--n] = 0;
    }
    if (n > 1 && (plain[n - 1] == 'h' || plain[n - 1] == 'H') && strspn(plain, "0123456789abcdefABCDEF") == n - 1) {
        *value = strtoull(plain, NULL, 16);
        return true;
    }
    return guest_eval(&p->guest, plain, value, NULL);
}

static const struct answer *same_number(struct player *p, const struct step *s, const char *text)
{
    u64 given, value;
    if (!read_value(p, text, &given)) {
        return NULL;
    }
    for (unsigned n = 0; n < s->answer_count; n++) {
        if (guest_eval(&p->guest, s->answer[n].text, &value, NULL) && value == given) {
            return &s->answer[n];
        }
    }
    return NULL;
}

static const struct answer *same_text(const struct step *s, const char *text)
{
    for (unsigned n = 0; n < s->answer_count; n++) {
        bool change = s->question >= QUESTION_DO;
        if (change ? same_change(text, s->answer[n].text) : same_words(text, s->answer[n].text)) {
            return &s->answer[n];
        }
    }
    return NULL;
}

/* Whether what was done is right; else the hint of the check that fails goes to *hint. */
static bool all_checks(struct player *p, const char **hint, struct error *err)
{
    const struct step *s = player_step(p);
    for (unsigned n = 0; n < s->check_count; n++) {
        u64 value = 0;
        if (!guest_eval(&p->guest, s->check[n].text, &value, err) || !value) {
            *hint = s->check[n].hint;
            return false;
        }
    }
    return true;
}

/* Makes the change, lets the program go on (an edited one from its beginning), checks, and puts everything back. */
static bool try_change(struct player *p, const char *text, const char **hint, struct error *err)
{
    const struct step *s = player_step(p);
    struct program *edited = NULL;
    struct error why = {""};
    bool ok;
    if (s->question == QUESTION_EDIT) {
        edited = program_edit(p->program, p->lesson->folder, s->mark, text, err);
        ok = edited && guest_restart(&p->guest, edited, err);
    } else {
        ok = come(p, p->program, err) && guest_assign(&p->guest, text, err);
    }
    for (unsigned n = 0; ok && n < s->then_count; n++) {
        ok = guest_run(&p->guest, &s->then[n], err);
    }
    ok = ok && all_checks(p, hint, err);
    if (!come(p, p->program, &why)) {
        ok = error_set(err, "%.500s", why.text);
    }
    program_free(edited);
    return ok;
}

/* What the program did instead; in Korean with a word before it. */
static void tell_why(struct player *p, const char *why)
{
    snprintf(p->why, sizeof p->why, "%s%s", *why && korean(p) ? "(결과) " : "", why);
}

static void answer_wrong(struct player *p, const struct answer *a, const char *check_hint, const char *why)
{
    const struct step *s = player_step(p);
    const char *hint = a && *a->hint ? a->hint : check_hint && *check_hint ? check_hint : s->otherwise;
    p->wrong++;
    tell_why(p, why);
    say(p, false, "%s", *hint ? hint : korean(p) ? "보기 가운데 하나를 고르세요." : "choose one of the letters");
}

static const struct answer *find_answer(struct player *p, const struct step *s, const char *text)
{
    switch (s->question) {
    case QUESTION_CHOICE:
        return chosen(s, text);
    case QUESTION_NUMBER:
        return same_number(p, s, text);
    default:
        return same_text(s, text);
    }
}

bool player_answer(struct player *p, const char *text)
{
    const struct step *s = player_step(p);
    const char *hint = NULL;
    struct error why = {""};
    bool change = s->question >= QUESTION_DO;
    bool here = change || come(p, p->program, &why); /* wherever they have looked meanwhile */
    const struct answer *a = here ? find_answer(p, s, text) : NULL;
    p->tries++;
    if (!(change ? try_change(p, text, &hint, &why) : a && a->right)) {
        answer_wrong(p, a, hint, why.text);
        return false;
    }
    p->questions_right++;
    p->answered = true;
    p->why[0] = 0;
    for (unsigned n = 0; !(a && a->right) && n < s->answer_count; n++) { /* done in another way: what is said of the first one */
        a = s->answer[n].right ? &s->answer[n] : a;
    }
    say(p, true, "%s", a->hint);
    return true;
}

/* ---- showing */

/* "{$cs}" becomes its value: small numbers as they are, others in hexadecimal; ":d": in decimal. False: there is none, and why. */
static bool value_text(struct player *p, const char *text, size_t size, char to[VALUE_TEXT])
{
    char expression[200];
    u64 value;
    struct error err;
    bool decimal = size > 2 && !strncmp(text + size - 2, ":d", 2);
    snprintf(expression, sizeof expression, "%.*s", (int)(size - (decimal ? 2 : 0)), text);
    if (!guest_eval(&p->guest, expression, &value, &err)) {
        snprintf(to, VALUE_TEXT, "{%.150s}", err.text);
        return false;
    }
    snprintf(to, VALUE_TEXT, decimal || value < 10 ? "%llu" : "0x%llx", (unsigned long long)value);
    return true;
}

/* Where the {value} that begins at `text` ends; NULL: none begins there. */
static const char *value_end(const char *text, const char *end)
{
    return *text == '{' ? memchr(text, '}', (size_t)(end - text)) : NULL;
}

/* Of what stands up to the next blank, whatever its styles: a value and the full stop behind it are one word. */
static unsigned word_cells(struct player *p, const char *text, const char *end)
{
    unsigned cells = 0;
    while (text < end && *text != ' ') {
        const char *brace = value_end(text, end);
        char value[VALUE_TEXT];
        if (brace) {
            value_text(p, text + 1, (size_t)(brace - text - 1), value);
            cells += (unsigned)strlen(value);
            text = brace + 1;
        } else {
            u32 rune = rune_next(&text);
            cells += rune == '`' ? 0 : rune_cells(rune);
        }
    }
    return cells;
}

/* Copies plain text up to a blank and with it, to a style's sign or to a value; returns what follows. */
static const char *plain_part(const char *text, const char *end, char part[ANSWER_MAX])
{
    size_t n = 0;
    while (text < end && n < ANSWER_MAX - 5 && *text != '`' && !value_end(text, end)) {
        part[n++] = *text++;
        if (part[n - 1] == ' ') {
            break;
        }
    }
    part[n] = 0;
    return text;
}

/* The part of a line up to `end`, in which `code` and {values} stand; words are kept together. */
static void put_rich(struct player *p, struct view *v, enum style style, unsigned indent, const char *text, const char *end)
{
    bool code = false, begins = true;
    while (text < end) {
        const char *brace = value_end(text, end);
        char part[ANSWER_MAX];
        unsigned cells = begins ? word_cells(p, text, end) : 0;
        if (v->x > indent && v->x + cells > v->columns && cells + indent <= v->columns) {
            view_put(v, style, "\n");
        }
        begins = false;
        if (*text == '`') {
            code = !code;
            text++;
        } else if (brace) {
            bool good = value_text(p, text + 1, (size_t)(brace - text - 1), part);
            view_wrap(v, good ? STYLE_STRONG : STYLE_BAD, indent, part);
            text = brace + 1;
        } else {
            text = plain_part(text, end, part);
            begins = text[-1] == ' ';
            view_wrap(v, code ? STYLE_STRONG : style, indent, part);
        }
    }
}

static bool is_formatted(const char *line)
{
    return line[0] == ' ' && line[1] == ' ';
}

/* A line that stays as it is; where there is no room for it, it goes on below its beginning. */
static void put_formatted(struct view *v, const char *text, size_t size)
{
    char line[ANSWER_MAX];
    unsigned lead = (unsigned)strspn(text, " ");
    snprintf(line, sizeof line, "%.*s", (int)(size - lead), text + lead);
    view_wrap(v, STYLE_STRONG, lead, line);
    view_put(v, STYLE_STRONG, "\n");
}

/* Paragraphs: lines are joined; indented ones and blank ones stay. */
static void put_text(struct player *p, struct view *v, enum style style, unsigned indent, const char *text)
{
    bool open = false;
    while (*text) {
        size_t size = strcspn(text, "\n");
        bool apart = is_formatted(text) || !size;
        if (open) {
            view_put(v, style, apart ? "\n" : " ");
        }
        if (v->x < indent) {
            view_tab(v, indent);
        }
        if (is_formatted(text)) {
            put_formatted(v, text, size);
        } else if (!size) {
            view_put(v, style, "\n");
        } else {
            put_rich(p, v, style, indent, text, text + size);
        }
        open = !apart;
        text += size + (text[size] == '\n');
    }
    if (open) {
        view_put(v, style, "\n");
    }
}

void player_question(struct player *p, struct view *v)
{
    const struct step *s = player_step(p);
    if (!s->question) {
        return;
    }
    view_put(v, STYLE_NOTE, "? ");
    put_text(p, v, STYLE_STRONG, 2, s->prompt);
    for (unsigned n = 0; s->question == QUESTION_CHOICE && n < s->answer_count; n++) {
        view_printf(v, STYLE_KEY, "  %c) ", 'a' + n);
        put_text(p, v, STYLE_TEXT, 5, s->answer[n].text);
    }
    if (s->question == QUESTION_EDIT) {
        char line[256];
        unsigned number = program_marked(p->program, s->mark, line);
        view_printf(v, STYLE_STRONG, "  %4u  %s\n", number, number ? line : "(no such line)");
    }
}

void player_feedback(struct player *p, struct view *v)
{
    bool ko = korean(p);
    if (!p->tries) {
        return;
    }
    view_put(v, p->right ? STYLE_GOOD : STYLE_BAD,
             p->right ? (ko ? "\u2713 맞았습니다. " : "\u2713 Right. ") : (ko ? "\u2717 아닙니다. " : "\u2717 No. "));
    if (*p->why) {
        put_text(p, v, STYLE_DIM, 0, p->why);
    }
    put_text(p, v, STYLE_TEXT, 0, p->feedback);
    if (v->x) {
        view_put(v, STYLE_TEXT, "\n");
    }
}

void player_title(const struct player *p, struct view *v)
{
    for (unsigned n = 0; n < p->lesson->steps; n++) {
        view_rune(v, n <= p->step ? STYLE_STRONG : STYLE_DIM, n <= p->step ? 0x25a0 : 0x25a1);
    }
    view_printf(v, STYLE_DIM, korean(p) ? " %u단계 / %u  " : " step %u of %u  ", p->step + 1, p->lesson->steps);
    view_wrap(v, STYLE_TITLE, 0, player_step(p)->title);
    view_put(v, STYLE_TEXT, "\n");
}

void player_text(struct player *p, struct view *v)
{
    put_text(p, v, STYLE_TEXT, 0, player_step(p)->text);
}

/* Of a long one the beginning: the whole is a page of the lab. */
static void put_page(struct player *p, struct view *v, const char *name)
{
    struct view page;
    view_init(&page, v->columns);
    page_show(&page, &p->guest, name);
    bool cut = page.rows > PAGE_ROWS + 2;
    view_copy(v, 0, v->y, &page, 0, cut ? PAGE_ROWS : page.rows, page.columns);
    view_at(v, 0, v->rows);
    if (cut) {
        view_printf(v, STYLE_DIM, korean(p) ? "... %u줄 더 있음 (:show %s)\n" : "... %u more lines (:show %s)\n", page.rows - PAGE_ROWS,
                    name);
    }
    view_free(&page);
}

void player_pages(struct player *p, struct view *v, unsigned but)
{
    const struct texts *show = &player_step(p)->show;
    for (unsigned n = 0; n < show->count; n++) {
        if (n != but) {
            view_put(v, STYLE_TEXT, "\n");
            put_page(p, v, show->text[n]);
        }
    }
}

/* ---- life */

bool player_create(struct player *p, const struct lesson *lesson, struct machine *m, u64 history_bytes, struct error *err)
{
    *p = (struct player){.lesson = lesson, .program = program_load(lesson->folder, lesson->program, err)};
    if (!p->program || !guest_create(&p->guest, m, p->program, history_bytes, err)) {
        return false;
    }
    begin(p, 0);
    return run_all(p, player_step(p)->run, player_step(p)->run_count, err);
}

void player_destroy(struct player *p)
{
    program_free(p->program);
}
