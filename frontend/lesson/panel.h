/*
 * panel.h: a lesson beside the lab's pages, in the window and in the terminal.
 */
#ifndef FRONTEND_LESSON_PANEL_H
#define FRONTEND_LESSON_PANEL_H

#include "frontend/lab/lab.h"
#include "frontend/lesson/player.h"
#include "frontend/monitor/line_editor.h"

struct lesson_panel {
    struct player *player;
    struct lab *lab;
    struct line_editor editor; /* the answer that is typed */
    unsigned beside;           /* of the step's pages, the one that the lab shows; LESSON_ITEMS: none */
    bool given;                /* and was wrong */
    char title[160];
    unsigned columns, keys_row; /* as it was drawn last */
    struct error error; /* the lesson is wrong; "" if it is not */
};

/* The machine's lab has it from now on. */
void panel_open(struct lesson_panel *panel, struct player *player);
/* Before the lab goes. */
void panel_close(struct lesson_panel *panel);

#endif
