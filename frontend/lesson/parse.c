/*
 * parse.c: see lesson.h. Lines of the file are cut in place; the texts of a lesson point into it.
 */
#include "frontend/lesson/lesson.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cpu/base/bits.h"
#include "cpu/base/mem.h"
#include "frontend/lesson/pages.h"
#include "frontend/words.h"

struct parser {
    struct lesson *lesson;
    struct step *step;     /* NULL: still in the header */
    unsigned line;
    const char **hint;     /* what indented lines are added to, or NULL */
    char *end;             /* where the text being gathered ends */
    struct error *err;
};

static bool wrong(struct parser *p, const char *format, ...) PRINTF_LIKE(2, 3);

static bool wrong(struct parser *p, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return error_set(p->err, "%s:%u: %s", p->lesson->path, p->line, text);
}

/* ---- texts */

/* Adds a line to a text that grows in the place where the file lies: what is gathered is never longer than what was read. */
static void gather(struct parser *p, const char **text, const char *line)
{
    size_t size = strlen(line);
    if (!**text) {
        *text = p->end;
    } else {
        *p->end++ = '\n';
    }
    memmove(p->end, line, size);
    p->end += size;
}

/* The text that was gathered is complete: the next one begins behind it. */
static void close_text(struct parser *p)
{
    while (p->end > p->lesson->bytes && isspace((u8)p->end[-1])) {
        p->end--;
    }
    *p->end++ = 0;
}

static char *trim(char *text)
{
    while (isspace((u8)*text)) {
        text++;
    }
    for (size_t n = strlen(text); n && isspace((u8)text[n - 1]); n--) {
        text[n - 1] = 0;
    }
    return text;
}

/* Cuts the first word off; returns what follows it. */
static char *after_word(char *text)
{
    while (*text && !isspace((u8)*text)) {
        text++;
    }
    if (*text) {
        *text++ = 0;
    }
    return trim(text);
}

/* ---- directives */

typedef bool directive_fn(struct parser *p, char *rest);

static bool set_text(struct parser *p, const char **where, const char *rest, const char *what)
{
    if (!*rest) {
        return wrong(p, "@%s needs a text behind it", what);
    }
    *where = rest;
    return true;
}

static bool read_number(struct parser *p, const char *rest, unsigned max, unsigned *value, const char *what)
{
    u64 number;
    struct error err;
    if (!parse_number(rest, max, &number, &err) || !number) {
        return wrong(p, "@%s: a number from 1 to %u is expected", what, max);
    }
    *value = (unsigned)number;
    return true;
}

static bool on_lesson(struct parser *p, char *rest)
{
    return set_text(p, &p->lesson->title, rest, "lesson");
}

static bool on_see(struct parser *p, char *rest)
{
    return set_text(p, &p->lesson->see, rest, "see");
}

static bool on_program(struct parser *p, char *rest)
{
    if (strchr(rest, '/')) {
        return wrong(p, "@program: a file of the lesson's own folder is expected");
    }
    return set_text(p, &p->lesson->program, rest, "program");
}

static bool on_disk(struct parser *p, char *rest)
{
    if (strchr(rest, '/')) {
        return wrong(p, "@disk: a file of the lesson's own folder is expected");
    }
    return set_text(p, &p->lesson->disk, rest, "disk");
}

static bool on_cpu(struct parser *p, char *rest)
{
    return set_text(p, &p->lesson->cpu, rest, "cpu");
}

static bool on_order(struct parser *p, char *rest)
{
    return read_number(p, rest, 999, &p->lesson->number, "order");
}

static bool on_minutes(struct parser *p, char *rest)
{
    return read_number(p, rest, 600, &p->lesson->minutes, "minutes");
}

static bool on_memory(struct parser *p, char *rest)
{
    return read_number(p, rest, 256, &p->lesson->memory_mib, "memory");
}

static const struct {
    const char *word;
    bool takes; /* an argument */
} conditions[RUN_KINDS] = {
    [RUN_AT] = {"at", true},
    [RUN_RING] = {"ring", true},
    [RUN_CROSSING] = {"crossing", false},
    [RUN_EXCEPTION] = {"exception", false},
    [RUN_INTERRUPT] = {"interrupt", false},
    [RUN_HALT] = {"halt", false},
    [RUN_SHUTDOWN] = {"shutdown", false},
    [RUN_STEPS] = {"steps", true},
    [RUN_WHEN] = {"when", true},
};

static bool add_condition(struct parser *p, char *rest, struct condition *list, unsigned *count)
{
    char *argument = after_word(rest);
    enum condition_kind kind = 0;
    while (kind < RUN_KINDS && strcmp(rest, conditions[kind].word)) {
        kind++;
    }
    if (kind == RUN_KINDS) {
        return wrong(p, "run until what? at, ring, crossing, exception, interrupt, halt, shutdown, steps or when; not '%s'", rest);
    }
    if (conditions[kind].takes && !*argument) {
        return wrong(p, "'%s' needs something behind it", rest);
    }
    if (*count == LESSON_ITEMS) {
        return wrong(p, "at most %d of these in a step", LESSON_ITEMS);
    }
    list[(*count)++] = (struct condition){.kind = kind, .argument = argument, .line = p->line};
    return true;
}

static bool on_run(struct parser *p, char *rest)
{
    return add_condition(p, rest, p->step->run, &p->step->run_count);
}

static bool on_then(struct parser *p, char *rest)
{
    return add_condition(p, rest, p->step->then, &p->step->then_count);
}

static bool add_text(struct parser *p, struct texts *list, const char *text)
{
    if (list->count == LESSON_ITEMS) {
        return wrong(p, "at most %d of these in a step", LESSON_ITEMS);
    }
    list->line[list->count] = p->line;
    list->text[list->count++] = text;
    return true;
}

/* Pages, separated by commas: "source, walk buffer". */
static bool on_show(struct parser *p, char *rest)
{
    for (char *next; rest; rest = next) {
        next = strchr(rest, ',');
        if (next) {
            *next++ = 0;
        }
        rest = trim(rest);
        if (!page_known(rest)) {
            return wrong(p, "there is no page '%.40s' to show; there are %s", rest, page_names());
        }
        if (!add_text(p, &p->step->show, rest)) {
            return false;
        }
    }
    return true;
}

static bool on_expect(struct parser *p, char *rest)
{
    return (*rest || wrong(p, "@expect needs a comparison")) && add_text(p, &p->step->expect, rest);
}

static bool ask(struct parser *p, enum question_kind kind, char *rest, const char *what)
{
    if (p->step->question) {
        return wrong(p, "a step has one question: begin another step");
    }
    p->step->question = kind;
    return set_text(p, &p->step->prompt, rest, what);
}

static bool on_choice(struct parser *p, char *rest)
{
    return ask(p, QUESTION_CHOICE, rest, "choice");
}

static bool on_number(struct parser *p, char *rest)
{
    return ask(p, QUESTION_NUMBER, rest, "number");
}

static bool on_short(struct parser *p, char *rest)
{
    return ask(p, QUESTION_SHORT, rest, "short");
}

static bool on_do(struct parser *p, char *rest)
{
    return ask(p, QUESTION_DO, rest, "do");
}

static bool on_edit(struct parser *p, char *rest)
{
    p->step->mark = rest;
    return ask(p, QUESTION_EDIT, after_word(rest), "edit MARK");
}

static bool on_check(struct parser *p, char *rest)
{
    struct step *s = p->step;
    if (s->question != QUESTION_DO && s->question != QUESTION_EDIT) {
        return wrong(p, "@check belongs behind @do or @edit");
    }
    if (s->check_count == LESSON_ITEMS || !*rest) {
        return wrong(p, *rest ? "too many checks" : "@check needs a comparison");
    }
    s->check[s->check_count] = (struct check){.text = rest, .hint = "", .line = p->line};
    p->hint = &s->check[s->check_count++].hint;
    return true;
}

static const struct directive {
    const char *word;
    bool header, step, machine; /* where it may stand; machine: not repeated in translations */
    directive_fn *run;
} directives[] = {
    {"lesson", true, false, false, on_lesson},   {"see", true, false, false, on_see},
    {"order", true, false, true, on_order},      {"minutes", true, false, true, on_minutes},
    {"program", true, false, true, on_program},  {"cpu", true, false, true, on_cpu},
    {"memory", true, false, true, on_memory},    {"disk", true, false, true, on_disk},
    {"run", false, true, true, on_run},
    {"then", false, true, true, on_then},        {"show", false, true, true, on_show},
    {"expect", false, true, true, on_expect},    {"choice", false, true, false, on_choice},
    {"number", false, true, false, on_number},   {"short", false, true, false, on_short},
    {"do", false, true, false, on_do},           {"edit", false, true, false, on_edit},
    {"check", false, true, false, on_check},
};

static bool on_directive(struct parser *p, char *word)
{
    char *rest = after_word(word);
    const struct directive *d = NULL;
    for (unsigned n = 0; n < ARRAY_LEN(directives); n++) {
        d = strcmp(word, directives[n].word) ? d : &directives[n];
    }
    if (!d) {
        return wrong(p, "there is no @%s (FORMAT.md lists what there is)", word);
    }
    if (!(p->step ? d->step : d->header)) {
        return wrong(p, p->step ? "@%s stands before the first step" : "@%s belongs to a step, which '== NAME TITLE' begins", word);
    }
    if (d->machine && p->lesson->base) {
        return wrong(p, "@%s stands in lesson.txt only: a translation has texts, questions and hints", word);
    }
    return d->run(p, rest);
}

/* ---- lines */

static bool begin_step(struct parser *p, char *rest)
{
    struct lesson *l = p->lesson;
    char *title = after_word(rest);
    if (l->steps == LESSON_STEPS) {
        return wrong(p, "a lesson has at most %d steps", LESSON_STEPS);
    }
    if (!*rest || !*title) {
        return wrong(p, "a step has a name and a title: == NAME TITLE");
    }
    for (unsigned n = 0; n < l->steps; n++) {
        if (!strcmp(l->step[n].name, rest)) {
            return wrong(p, "there are two steps '%s'", rest);
        }
    }
    l->step = mem_resize(l->step, (l->steps + 1) * sizeof *l->step);
    p->step = &l->step[l->steps++];
    *p->step = (struct step){.name = rest, .title = title, .text = "", .prompt = "", .mark = "", .otherwise = "", .line = p->line};
    return true;
}

static bool on_answer(struct parser *p, char sign, char *rest)
{
    struct step *s = p->step;
    if (sign == '?') {
        if (*s->otherwise) {
            return wrong(p, "one '?' line is enough: it is for all other answers");
        }
        p->hint = &s->otherwise;
        gather(p, p->hint, rest);
        return true;
    }
    if (s->answer_count == LESSON_ITEMS || !*rest) {
        return wrong(p, *rest ? "too many answers" : "an answer is missing behind the sign");
    }
    s->answer[s->answer_count] = (struct answer){.right = sign == '+', .text = rest, .hint = "", .line = p->line};
    p->hint = &s->answer[s->answer_count++].hint;
    return true;
}

static bool on_text(struct parser *p, char *line)
{
    bool blank = !line[strspn(line, " \t")];
    if (!p->step) {
        return blank || wrong(p, "text belongs to a step, which '== NAME TITLE' begins");
    }
    if (!p->step->question) {
        if (!blank || *p->step->text) {
            p->hint = &p->step->text;
            gather(p, p->hint, line);
        }
        return true;
    }
    if (blank) {
        return true;
    }
    if (line[0] != ' ' && line[0] != '\t') {
        return wrong(p, "behind a question: answers (+ right, - wrong, ? any other), checks, and indented hints");
    }
    if (!p->hint) {
        return wrong(p, "a hint belongs below an answer or a check");
    }
    gather(p, p->hint, trim(line));
    return true;
}

static bool on_line(struct parser *p, char *line)
{
    bool question = p->step && p->step->question;
    bool begins = line[0] == '@' || (line[0] == '=' && line[1] == '=') ||
                  (question && line[0] && strchr("+-?", line[0]) && (line[1] == ' ' || !line[1]));
    if (line[0] == ';') {
        return true;
    }
    if (!begins) {
        return on_text(p, line);
    }
    if (p->hint) {
        close_text(p);
        p->hint = NULL;
    }
    if (line[0] == '@') {
        return on_directive(p, trim(line + 1));
    }
    return line[0] == '=' ? begin_step(p, trim(line + 2)) : on_answer(p, line[0], trim(line + 1));
}

/* ---- the whole */

static bool check_step(struct parser *p, const struct step *s)
{
    unsigned right = 0;
    p->line = s->line;
    for (unsigned n = 0; n < s->answer_count; n++) {
        right += s->answer[n].right;
        if (!s->answer[n].right && !*s->answer[n].hint) {
            p->line = s->answer[n].line;
            return wrong(p, "a wrong answer has a hint: indented lines below it");
        }
    }
    if (!*s->text) {
        return wrong(p, "step '%s' says nothing", s->name);
    }
    if (!s->question) {
        return true;
    }
    if (!right || (s->question == QUESTION_CHOICE && (right > 1 || right == s->answer_count))) {
        return wrong(p, "step '%s': %s", s->name,
                     s->question == QUESTION_CHOICE ? "a choice has one right answer (+) and wrong ones (-)"
                                                    : "the right answer (+) is missing");
    }
    if (s->question != QUESTION_CHOICE && !*s->otherwise) {
        return wrong(p, "step '%s': a '? HINT' line for all other answers is missing", s->name);
    }
    if (s->question >= QUESTION_DO && !s->check_count && !p->lesson->base) {
        return wrong(p, "step '%s': @check is missing: what is true when it is done right", s->name);
    }
    return true;
}

static bool check_lesson(struct parser *p)
{
    struct lesson *l = p->lesson;
    p->line = 1;
    if (!l->title || !l->see || (!l->base && !l->minutes)) {
        return wrong(p, "the header needs @lesson, @see%s", l->base ? "" : " and @minutes");
    }
    if (!l->steps) {
        return wrong(p, "there are no steps: '== NAME TITLE' begins one");
    }
    for (unsigned n = 0; n < l->steps; n++) {
        if (!check_step(p, &l->step[n])) {
            return false;
        }
    }
    return true;
}

static bool read_file(struct lesson *l, struct error *err)
{
    FILE *f = fopen(l->path, "r");
    if (!f) {
        return error_set(err, "%s: there is no such file", l->path);
    }
    l->bytes = mem_zeroed(1, 2 * LESSON_FILE_MAX);
    size_t size = fread(l->bytes + LESSON_FILE_MAX, 1, LESSON_FILE_MAX, f);
    fclose(f);
    if (size == LESSON_FILE_MAX) {
        return error_set(err, "%s: a lesson's text has at most %d KiB", l->path, LESSON_FILE_MAX >> 10);
    }
    return strlen(l->bytes + LESSON_FILE_MAX) == size || error_set(err, "%s: this is no text", l->path);
}

/* The file lies in the upper half, where its lines are cut; texts of several lines are gathered in the lower half. */
static bool parse(struct lesson *l, struct error *err)
{
    struct parser p = {.lesson = l, .err = err};
    if (!read_file(l, err)) {
        return false;
    }
    p.end = l->bytes;
    for (char *line = l->bytes + LESSON_FILE_MAX, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next) {
            *next++ = 0;
        }
        p.line++;
        line[strcspn(line, "\r")] = 0;
        if (!on_line(&p, line)) {
            return false;
        }
    }
    if (p.hint) {
        close_text(&p);
    }
    return check_lesson(&p);
}

static char *join(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = mem_check(malloc(size));
    snprintf(path, size, "%s/%s", folder, name);
    return path;
}

static char *text_path(const char *folder, const char *language)
{
    char name[32] = "lesson.txt";
    if (strcmp(language, "en")) {
        snprintf(name, sizeof name, "lesson.%.8s.txt", language);
    }
    return join(folder, name);
}

bool lesson_has(const char *folder, const char *language)
{
    struct stat st;
    char *path = text_path(folder, language);
    bool has = !stat(path, &st) && S_ISREG(st.st_mode);
    free(path);
    return has;
}

static char *last_part(const char *folder)
{
    size_t end = strlen(folder);
    while (end > 1 && folder[end - 1] == '/') {
        end--;
    }
    size_t begin = end;
    while (begin && folder[begin - 1] != '/') {
        begin--;
    }
    return mem_check(strndup(folder + begin, end - begin));
}

static struct lesson *create(const char *folder, const char *language)
{
    struct lesson *l = mem_zeroed(1, sizeof *l);
    l->folder = mem_check(strdup(folder));
    l->name = last_part(folder);
    l->language = strcmp(language, "ko") ? "en" : "ko";
    l->path = text_path(folder, l->language);
    l->own_program = mem_check(malloc(strlen(l->name) + 5));
    sprintf(l->own_program, "%s.asm", l->name);
    l->program = l->own_program;
    l->memory_mib = 4;
    return l;
}

/* ---- translations */

static bool differs(const struct lesson *l, unsigned line, struct error *err, const char *what)
{
    return error_set(err, "%s:%u: %s", l->path, line, what);
}

static bool merge_answers(const struct lesson *l, const struct step *s, const struct step *base, struct error *err)
{
    bool same_text = base->question == QUESTION_NUMBER || base->question == QUESTION_DO || base->question == QUESTION_EDIT;
    for (unsigned n = 0; n < base->answer_count; n++) {
        const struct answer *a = &s->answer[n];
        if (n >= s->answer_count || a->right != base->answer[n].right || (same_text && strcmp(a->text, base->answer[n].text))) {
            return differs(l, n < s->answer_count ? a->line : s->line, err,
                           "the answers of this step are not those of lesson.txt, in the same order");
        }
    }
    bool more = s->answer_count > base->answer_count; /* other words for what is right are welcome */
    return !more || base->question == QUESTION_SHORT || differs(l, s->line, err, "this step has more answers than in lesson.txt");
}

static bool merge_step(const struct lesson *l, struct step *s, const struct step *base, struct error *err)
{
    if (s->question != base->question || strcmp(s->mark, base->mark)) {
        return differs(l, s->line, err, "the question of this step is of another kind than in lesson.txt");
    }
    if (!merge_answers(l, s, base, err)) {
        return false;
    }
    bool same = s->check_count == base->check_count;
    for (unsigned n = 0; same && n < base->check_count; n++) {
        same = !strcmp(s->check[n].text, base->check[n].text);
    }
    if (!same) {
        return differs(l, s->line, err, "the checks of this step are not those of lesson.txt, in the same order");
    }
    memcpy(s->run, base->run, sizeof s->run);
    memcpy(s->then, base->then, sizeof s->then);
    s->run_count = base->run_count;
    s->then_count = base->then_count;
    s->show = base->show;
    s->expect = base->expect;
    return true;
}

/* Step by step the same; what the machine does is taken from the original. */
static bool merge(struct lesson *l, struct error *err)
{
    const struct lesson *base = l->base;
    for (unsigned n = 0; n < l->steps || n < base->steps; n++) {
        const char *name = n < l->steps ? l->step[n].name : "nothing", *other = n < base->steps ? base->step[n].name : "nothing";
        if (strcmp(name, other)) {
            return error_set(err, "%s:%u: step %u is '%s', and '%s' in lesson.txt: translate step by step, by the same names",
                             l->path,
                             n < l->steps ? l->step[n].line : 1, n + 1, name, other);
        }
        if (!merge_step(l, &l->step[n], &base->step[n], err)) {
            return false;
        }
    }
    l->number = base->number;
    l->minutes = base->minutes;
    l->program = base->program;
    l->cpu = base->cpu;
    l->disk = base->disk;
    l->memory_mib = base->memory_mib;
    return true;
}

static struct lesson *load_base(const char *folder, struct error *err)
{
    struct lesson *l = create(folder, "en");
    if (!parse(l, err)) {
        lesson_free(l);
        return NULL;
    }
    return l;
}

struct lesson *lesson_load(const char *folder, const char *language, struct error *err)
{
    struct lesson *base = load_base(folder, err);
    if (!base || !strcmp(language, "en") || !lesson_has(folder, language)) {
        return base;
    }
    struct lesson *l = create(folder, language);
    l->base = base;
    if (!parse(l, err) || !merge(l, err)) {
        lesson_free(l);
        return NULL;
    }
    return l;
}

void lesson_free(struct lesson *l)
{
    if (!l) {
        return;
    }
    lesson_free(l->base);
    free(l->folder);
    free(l->name);
    free(l->own_program);
    free(l->path);
    free(l->step);
    free(l->bytes);
    free(l);
}
