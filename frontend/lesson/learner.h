/*
 * learner.h: whether a lesson is right: a learner made of the lesson's own answers goes through it, gives every wrong answer
 * first, and sees that each has its hint and each right one is taken. And whether a program of somebody's own does what a lesson
 * asks for.
 */
#ifndef FRONTEND_LESSON_LEARNER_H
#define FRONTEND_LESSON_LEARNER_H

#include <stdio.h>

#include "frontend/lesson/player.h"

enum { LEARNER_PROBLEMS = 64 };

struct learner {
    unsigned steps, questions, answers, hints; /* looked at */
    char problem[LEARNER_PROBLEMS][512];
    unsigned problems;
};

/* `player` stands at the first step. */
void learner_go(struct learner *learner, struct player *player);
/* The checks of every @edit step, on the player's program as it is. */
void learner_grade(struct learner *learner, struct player *player);
/* One object. */
void learner_json(const struct learner *learner, const struct lesson *lesson, FILE *out);

#endif
