/*
 * pages.h: what a lesson can show (@show): the screen of its program, its source, and the lab's views of the machine.
 */
#ifndef FRONTEND_LESSON_PAGES_H
#define FRONTEND_LESSON_PAGES_H

#include "frontend/lab/view.h"
#include "frontend/lesson/guest.h"

/* "walk 0x1000": a page's name, and for some an argument. */
bool page_known(const char *name);
/* "screen, source, ..." */
const char *page_names(void);
/* Writes its title and the page below it. */
void page_show(struct view *view, struct guest *guest, const char *name);

#endif
