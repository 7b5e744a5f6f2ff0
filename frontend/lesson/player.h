/*
 * player.h: somebody goes through a lesson: where they are, what they are asked, what their answers do. Says everything as a page
 * (frontend/lab/view.h) and takes everything as a line, so that the window, the terminal, plain lines and tests drive the same
 * thing.
 */
#ifndef FRONTEND_LESSON_PLAYER_H
#define FRONTEND_LESSON_PLAYER_H

#include "frontend/lab/view.h"
#include "frontend/lesson/guest.h"

struct player {
    const struct lesson *lesson;
    struct program *program;
    struct guest guest;
    unsigned step;
    bool answered;   /* its question, rightly; or it has none */
    bool finished;   /* the last step is done */
    bool right;      /* what `feedback` is about */
    unsigned tries, wrong, questions_right; /* in all */
    char feedback[1200], why[512]; /* why: what happened instead, when something was changed */
};

/* The machine: as guest_create() takes it. */
bool player_create(struct player *player, const struct lesson *lesson, struct machine *machine, u64 history_bytes,
                   struct error *err);
void player_destroy(struct player *player);

const struct step *player_step(const struct player *player);
/* What is to be seen now, in parts: how far it is, the step's title; its text; its pages, but one (LESSON_ITEMS: all); its
 * question. */
void player_title(const struct player *player, struct view *view);
void player_text(struct player *player, struct view *view);
void player_pages(struct player *player, struct view *view, unsigned but);
void player_question(struct player *player, struct view *view);
/* Only what the last answer brought. */
void player_feedback(struct player *player, struct view *view);
/* The step before; the same one again. False: the program does not come there (the lesson is wrong). */
bool player_go(struct player *player, unsigned step, struct error *err);
/* To the next one, when this one is answered; behind the last one the lesson is finished. */
bool player_next(struct player *player, struct error *err);
/* An answer. True: it is right. */
bool player_answer(struct player *player, const char *text);
/* The state at which this step begins, whatever was looked at or changed since. */
bool player_again(struct player *player, struct error *err);
/* The expectations (@expect) of this step. False: which one does not hold. */
bool player_expectations(struct player *player, struct error *err);

#endif
