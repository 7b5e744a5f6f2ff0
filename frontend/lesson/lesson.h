/*
 * lesson.h: a lesson as its files say it: FORMAT.md describes them.
 *
 * lesson.txt is the lesson; lesson.ko.txt and the like have its texts in another language, step by step the same. Files may come
 * from anybody: they are bounded, and what is wrong is one line with file, line and remedy.
 */
#ifndef FRONTEND_LESSON_LESSON_H
#define FRONTEND_LESSON_LESSON_H

#include "cpu/base/error.h"

enum { LESSON_STEPS = 64, LESSON_ITEMS = 16, LESSON_FILE_MAX = 1 << 18 };

enum condition_kind {
    RUN_AT, /* the instruction at an address is next */
    RUN_RING,
    RUN_CROSSING,
    RUN_EXCEPTION,
    RUN_INTERRUPT,
    RUN_HALT,
    RUN_SHUTDOWN,
    RUN_STEPS,
    RUN_WHEN,
    RUN_KINDS
};

/* "@run at main" */
struct condition {
    enum condition_kind kind;
    const char *argument; /* "" if there is none */
    unsigned line;
};

enum question_kind {
    QUESTION_NONE,
    QUESTION_CHOICE,
    QUESTION_NUMBER,
    QUESTION_SHORT,
    QUESTION_DO,   /* registers or memory are changed */
    QUESTION_EDIT, /* a line of the program is */
};

struct answer {
    bool right;
    const char *text, *hint; /* "" if there is none */
    unsigned line;
};

struct check {
    const char *text, *hint;
    unsigned line;
};

/* A list of texts: pages to show, expressions. */
struct texts {
    const char *text[LESSON_ITEMS];
    unsigned line[LESSON_ITEMS], count;
};

struct step {
    const char *name, *title, *text;
    unsigned line;
    struct condition run[LESSON_ITEMS], then[LESSON_ITEMS];
    unsigned run_count, then_count;
    struct texts show, expect;
    enum question_kind question;
    const char *prompt, *mark; /* mark: of the line that is edited */
    struct answer answer[LESSON_ITEMS];
    unsigned answer_count;
    struct check check[LESSON_ITEMS];
    unsigned check_count;
    const char *otherwise; /* the hint for any other answer; "" if there is none */
};

struct lesson {
    char *folder, *name; /* name: the folder's */
    char *own_program;   /* NAME.asm, unless @program says otherwise */
    char *path;          /* of the file it was read from, for messages */
    const char *language; /* "en", "ko" */
    const char *title, *see, *program, *cpu, *disk; /* disk: a file of the folder, NULL: none */
    unsigned number, minutes, memory_mib;
    struct step *step;
    unsigned steps;
    struct lesson *base; /* of a translation: the original, whose conditions and pages it uses */
    char *bytes;         /* the file; the texts lie in it */
};

/* The lesson in a folder, in a language; in English when it has not been translated. NULL: something is wrong with it. */
struct lesson *lesson_load(const char *folder, const char *language, struct error *err);
/* Whether the folder has it in that language. */
bool lesson_has(const char *folder, const char *language);
void lesson_free(struct lesson *lesson);

#endif
