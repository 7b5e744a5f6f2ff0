/*
 * learner.c: see learner.h.
 */
#include "frontend/lesson/learner.h"

#include <stdarg.h>
#include <string.h>

static void problem(struct learner *l, const char *format, ...) PRINTF_LIKE(2, 3);

static void problem(struct learner *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (l->problems < LEARNER_PROBLEMS) {
        vsnprintf(l->problem[l->problems++], sizeof l->problem[0], format, args);
    }
    va_end(args);
}

static const char *where(const struct player *p)
{
    return p->lesson->path;
}

static void give_wrong(struct learner *l, struct player *p, const struct answer *a)
{
    l->answers++;
    if (player_answer(p, a->text)) {
        problem(l, "%s:%u: the answer '%.100s' is declared wrong, and is taken as right", where(p), a->line, a->text);
        p->answered = false;
    } else if (!strstr(p->feedback, a->hint)) {
        problem(l, "%s:%u: the answer '%.100s' does not get its hint", where(p), a->line, a->text);
    } else {
        l->hints++;
    }
}

static void give_right(struct learner *l, struct player *p, const struct answer *a)
{
    l->answers++;
    p->answered = false;
    if (!player_answer(p, a->text)) {
        problem(l, "%s:%u: the answer '%.100s' is declared right, and is not: %.250s", where(p), a->line, a->text, p->feedback);
    }
}

static void give_other(struct learner *l, struct player *p)
{
    const struct step *s = player_step(p);
    if (s->question == QUESTION_CHOICE) {
        return;
    }
    if (player_answer(p, s->question == QUESTION_EDIT ? "nop" : "$eax = $eax") && s->question < QUESTION_EDIT) {
        problem(l, "%s:%u: '%s': any answer is taken as right", where(p), s->line, s->name);
    }
    p->answered = false;
    l->hints++;
}

static void at_step(struct learner *l, struct player *p)
{
    const struct step *s = player_step(p);
    struct error err;
    struct view page;
    l->steps++;
    if (!player_expectations(p, &err)) {
        problem(l, "%.500s", err.text);
    }
    view_init(&page, 80);
    player_text(p, &page);
    player_pages(p, &page, LESSON_ITEMS);
    view_free(&page);
    if (!s->question) {
        return;
    }
    l->questions++;
    if (player_next(p, &err)) {
        problem(l, "%s:%u: '%s' can be left without an answer", where(p), s->line, s->name);
    }
    give_other(l, p);
    for (unsigned n = 0; n < s->answer_count; n++) {
        if (!s->answer[n].right) {
            give_wrong(l, p, &s->answer[n]);
        }
    }
    for (unsigned n = 0; n < s->answer_count; n++) {
        if (s->answer[n].right) {
            give_right(l, p, &s->answer[n]);
        }
    }
}

void learner_go(struct learner *l, struct player *p)
{
    struct error err;
    *l = (struct learner){0};
    while (!p->finished) {
        unsigned before = l->problems;
        at_step(l, p);
        if (!player_next(p, &err)) {
            if (l->problems == before) {
                problem(l, "%.500s", err.text);
            }
            return;
        }
    }
}

void learner_grade(struct learner *l, struct player *p)
{
    struct error err;
    *l = (struct learner){0};
    for (unsigned n = 0; n < p->lesson->steps; n++) {
        const struct step *s = &p->lesson->step[n];
        bool ok = s->question == QUESTION_EDIT;
        if (!ok) {
            continue;
        }
        l->steps++;
        ok = guest_restart(&p->guest, p->program, &err);
        for (unsigned k = 0; ok && k < s->then_count; k++) {
            ok = guest_run(&p->guest, &s->then[k], &err);
        }
        if (!ok) {
            problem(l, "%s: %.400s", s->name, err.text);
        }
        for (unsigned k = 0; ok && k < s->check_count; k++) {
            u64 value = 0;
            l->answers++;
            if (!guest_eval(&p->guest, s->check[k].text, &value, &err) || !value) {
                problem(l, "%s: %.100s does not hold. %.250s", s->name, s->check[k].text,
                        *s->check[k].hint ? s->check[k].hint : s->otherwise);
            }
        }
    }
}

static void json_text(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            fprintf(out, "\\%c", *text);
        } else if ((u8)*text < 0x20) {
            fprintf(out, "\\u%04x", (u8)*text);
        } else {
            fputc(*text, out);
        }
    }
    fputc('"', out);
}

void learner_json(const struct learner *l, const struct lesson *lesson, FILE *out)
{
    fputs("{\"lesson\": ", out);
    json_text(lesson->name, out);
    fprintf(out,
            ", \"language\": \"%s\", \"ok\": %s, \"steps\": %u, \"questions\": %u, \"answers\": %u, \"hints\": %u, \"problems\": [",
            lesson->language, l->problems ? "false" : "true", l->steps, l->questions, l->answers, l->hints);
    for (unsigned n = 0; n < l->problems; n++) {
        fputs(n ? ", " : "", out);
        json_text(l->problem[n], out);
    }
    fputs("]}", out);
}
