/*
 * command.c: see command.h.
 *
 *   ringside lesson                     lists the lessons
 *   ringside lesson NAME|N|FOLDER       takes one: in the window, else in the terminal, else as plain lines; -lang en|ko,
 *                                       -display KIND, -lines
 *   ringside lesson check FOLDER...     whether lessons are right; -json
 *   ringside lesson grade NAME FILE     whether a program of somebody's own does what the lesson's @edit steps ask for; -json
 *
 * Exit status: 0 all is well, 1 something is wrong with the words, the lesson or the program.
 */
#include "frontend/lesson/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/backends.h"
#include "frontend/display.h"
#include "frontend/lab/crossings.h"
#include "frontend/lab/explain.h"
#include "frontend/lab/history.h"
#include "frontend/lab/lab.h"
#include "frontend/lab/marks.h"
#include "frontend/lab/symbols.h"
#include "frontend/lesson/learner.h"
#include "frontend/lesson/lines.h"
#include "frontend/lesson/panel.h"
#include "frontend/lesson/shelf.h"
#include "frontend/options.h"

enum { WORDS_MAX = 64, HISTORY_MIB = 64, VALUE_MAX = 2048 };

struct request {
    const char *language;
    const char *display; /* as -display takes it; NULL: what there is */
    bool json, lines;
    const char *word[WORDS_MAX];
    unsigned words;
};

static int complain(const struct error *err)
{
    fflush(stdout);
    fprintf(stderr, "ringside lesson: %s\n", err->text);
    return 1;
}

static bool read_words(struct request *r, int count, char **words, struct error *err)
{
    *r = (struct request){.language = shelf_language()};
    for (int n = 0; n < count; n++) {
        const char *w = words[n] + (words[n][0] == '-' && words[n][1] == '-');
        if (!strcmp(w, "-json")) {
            r->json = true;
        } else if (!strcmp(w, "-lines")) {
            r->lines = true;
        } else if (!strcmp(w, "-lang")) {
            if (++n == count || (strcmp(words[n], "en") && strcmp(words[n], "ko"))) {
                return error_set(err, "-lang: en or ko");
            }
            r->language = words[n];
        } else if (!strcmp(w, "-display")) {
            if (++n == count) {
                return error_set(err, "-display: sdl, curses, or none for plain lines");
            }
            r->display = words[n];
            r->lines |= !strcmp(words[n], "none");
        } else if (w[0] == '-') {
            return error_set(err, "%s: there is -lang en|ko, -display sdl|curses, -lines and -json", words[n]);
        } else if (r->words == WORDS_MAX) {
            return error_set(err, "too many words");
        } else {
            r->word[r->words++] = w;
        }
    }
    return true;
}

/* ---- a machine for a lesson */

struct bench {
    struct options options;
    struct machine *machine;
    struct backends *backends;
    struct player player;
    char title[VALUE_MAX], disk[VALUE_MAX];
};

/* Adds to the value of an option, in which a comma is written twice. False: it is too long. */
static bool add_value(char *value, const char *text)
{
    size_t used = strlen(value);
    for (; *text && used + 3 <= VALUE_MAX; text++) {
        value[used++] = *text;
        if (*text == ',') {
            value[used++] = ',';
        }
    }
    value[used] = 0;
    return !*text;
}

/* `display` NULL: whatever a person can see here. */
static bool set_up(struct bench *b, const struct lesson *l, const char *display, struct error *err)
{
    char memory[16];
    const char *words[WORDS_MAX] = {"ringside", "-m", memory, "-clock", "counted", "-serial", "null", "-parallel", "none",
                                    "-monitor", "none", "-lab",
                                    "-name", b->title};
    int count = 14;
    snprintf(memory, sizeof memory, "%u", l->memory_mib);
    *b = (struct bench){0};
    add_value(b->title, l->title);
    if (l->cpu) {
        words[count++] = "-cpu";
        words[count++] = l->cpu;
    }
    if (l->disk) {
        words[count++] = "-drive";
        words[count++] = b->disk;
        snprintf(b->disk, sizeof b->disk, "if=ide,index=0,format=raw,snapshot=on,file=");
        if (!add_value(b->disk, l->folder) || !add_value(b->disk, "/") || !add_value(b->disk, l->disk)) {
            return error_set(err, "the path of the lesson's disk is too long");
        }
    }
    if (display) {
        words[count++] = "-display";
        words[count++] = display;
    }
    if (options_parse(&b->options, count, (char **)(uintptr_t)words, err) != OPTIONS_RUN) {
        return false;
    }
    struct machine_config config = b->options.machine;
    config.hypercalls = true;
    b->machine = machine_create();
    b->backends = backends_open(b->machine, &b->options, &config, err);
    if (!b->backends || !pc_build(b->machine, &config, err)) {
        return false;
    }
    marks_create(b->machine);
    return player_create(&b->player, l, b->machine, (u64)HISTORY_MIB << 20, err);
}

static void take_down(struct bench *b)
{
    player_destroy(&b->player);
    if (b->machine) {
        struct history *history = b->machine->history;
        struct symbols *symbols = b->machine->symbols;
        lab_destroy(b->machine->lab);
        crossings_destroy(b->machine);
        marks_destroy(b->machine);
        explain_stop(b->machine);
        machine_dismantle(b->machine);
        backends_close(b->backends);
        machine_destroy(b->machine);
        history_destroy(history);
        symbols_free(symbols);
    }
    options_free(&b->options);
}

/* ---- the commands */

static int list(const char *language)
{
    struct shelf s;
    bool ko = !strcmp(language, "ko");
    shelf_open(&s, language);
    for (unsigned n = 0; n < s.count; n++) {
        const struct lesson *l = s.lesson[n];
        printf(ko ? "%2u  %-20s %s (%u분)\n    %s\n" : "%2u  %-20s %s (%u min)\n    %s\n", l->number, l->name, l->title, l->minutes,
               l->see);
    }
    printf(ko ? "%s\n시작: ringside lesson 이름  (또는 번호)\n" : "%s\nTo begin: ringside lesson NAME  (or its number)\n",
           s.count ? "" : ko ? "과정이 없습니다." : "There are no lessons beside this program.");
    shelf_close(&s);
    return 0;
}

/* What stays in the terminal when the display is gone. */
static void tell_result(const struct player *p)
{
    bool ko = !strcmp(p->lesson->language, "ko");
    if (p->finished) {
        printf(ko ? "%s: 끝냈습니다. 맞힌 질문 %u개, 틀린 답 %u개.\n" : "%s: done, %u questions answered, %u wrong answers on the way.\n",
               p->lesson->name, p->questions_right, p->wrong);
    } else {
        printf(ko ? "%s: %u단계 가운데 %u단계에서 멈췄습니다.\n" : "%s: left at step %u of %u.\n", p->lesson->name,
               ko ? p->lesson->steps : p->step + 1, ko ? p->step + 1 : p->lesson->steps);
    }
}

/* In a window or a terminal; *shown false: there is neither. */
static bool take_on_display(struct bench *b, bool *shown, struct error *err)
{
    struct machine *m = b->machine;
    struct lesson_panel panel;
    struct display *display;
    *shown = false;
    m->paused = true;
    panel_open(&panel, &b->player);
    bool ok = display_open(m, &b->options, &display, err) || b->options.display == DISPLAY_AUTO;
    if (ok && display) {
        *shown = true;
        machine_run(m);
        display_close(display);
        tell_result(&b->player);
    }
    panel_close(&panel);
    return ok;
}

static int take(const struct request *r)
{
    struct error err = {""};
    struct bench b;
    bool shown = false;
    struct lesson *l = shelf_find(r->word[0], r->language, &err);
    if (!l) {
        return complain(&err);
    }
    bool ok = set_up(&b, l, r->lines ? "none" : r->display, &err);
    ok = ok && (r->lines || take_on_display(&b, &shown, &err)) && (shown || lines_run(&b.player, stdin, stdout, &err));
    take_down(&b);
    lesson_free(l);
    return ok ? 0 : complain(&err);
}

static void print_result(const struct learner *learner, const struct lesson *l, bool json, const char *what)
{
    if (json) {
        learner_json(learner, l, stdout);
        puts("");
        return;
    }
    for (unsigned n = 0; n < learner->problems; n++) {
        puts(learner->problem[n]);
    }
    printf("%s (%s): %u steps, %u questions, %u %s, %u problems\n", l->name, l->language, learner->steps, learner->questions,
           learner->answers, what,
           learner->problems);
}

/* One lesson in one language. */
static bool check_one(const char *folder, const char *language, bool json)
{
    struct learner *learner = calloc(1, sizeof *learner);
    struct error err = {""};
    struct bench b = {0};
    struct lesson *l = shelf_find(folder, language, &err);
    struct lesson nothing = {.name = (char *)(uintptr_t)folder, .language = language};
    if (l && set_up(&b, l, "none", &err)) {
        learner_go(learner, &b.player);
    } else {
        snprintf(learner->problem[learner->problems++], sizeof learner->problem[0], "%.500s", err.text);
    }
    take_down(&b);
    print_result(learner, l ? l : &nothing, json, "answers");
    bool ok = !learner->problems;
    bool more = l && !strcmp(language, "en") && lesson_has(l->folder, "ko");
    lesson_free(l);
    free(learner);
    return (!more || check_one(folder, "ko", json)) && ok;
}

static int check(const struct request *r)
{
    bool ok = true;
    if (r->words < 2) {
        struct shelf s;
        shelf_open(&s, "en");
        for (unsigned n = 0; n < s.count; n++) {
            ok &= check_one(s.lesson[n]->folder, "en", r->json);
        }
        shelf_close(&s);
    }
    for (unsigned n = 1; n < r->words; n++) {
        ok &= check_one(r->word[n], "en", r->json);
    }
    return !ok;
}

static int grade(const struct request *r)
{
    struct error err;
    struct bench b = {0};
    if (r->words != 3) {
        error_set(&err, "grade LESSON FILE.asm");
        return complain(&err);
    }
    struct lesson *l = shelf_find(r->word[1], r->language, &err);
    if (!l) {
        return complain(&err);
    }
    struct learner *learner = calloc(1, sizeof *learner);
    struct program *own = program_assemble(r->word[2], l->folder, &err), *old;
    if (own && set_up(&b, l, "none", &err)) {
        old = b.player.program;
        b.player.program = own;
        learner_grade(learner, &b.player);
        b.player.program = old;
    } else {
        snprintf(learner->problem[learner->problems++], sizeof learner->problem[0], "%.500s", err.text);
    }
    take_down(&b);
    print_result(learner, l, r->json, "checks");
    int status = learner->problems != 0;
    program_free(own);
    free(learner);
    lesson_free(l);
    return status;
}

int lesson_command(int count, char **words)
{
    struct request r;
    struct error err;
    if (!read_words(&r, count, words, &err)) {
        return complain(&err);
    }
    if (!r.words) {
        return list(r.language);
    }
    if (!strcmp(r.word[0], "check")) {
        return check(&r);
    }
    if (!strcmp(r.word[0], "grade")) {
        return grade(&r);
    }
    if (r.words > 1) {
        error_set(&err, "%s: one lesson at a time; -lang en|ko chooses the language", r.word[1]);
        return complain(&err);
    }
    return take(&r);
}
