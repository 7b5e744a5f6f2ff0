/*
 * shelf.h: where lessons are found: in a folder that is named, beside the program as the build puts them (build/lessons), or as it
 * is installed (share/ringside/lessons).
 */
#ifndef FRONTEND_LESSON_SHELF_H
#define FRONTEND_LESSON_SHELF_H

#include "frontend/lesson/lesson.h"

enum { SHELF_LESSONS = 64 };

struct shelf {
    struct lesson *lesson[SHELF_LESSONS]; /* by their numbers */
    unsigned count;
};

/* All lessons that came along, those that cannot be read left out. */
void shelf_open(struct shelf *shelf, const char *language);
void shelf_close(struct shelf *shelf);

/* "first-gp", "3", or the path of a folder. NULL: there is none, or it is wrong. */
struct lesson *shelf_find(const char *name, const char *language, struct error *err);
/* "ko" or "en": $LC_ALL, $LC_MESSAGES, $LANG. */
const char *shelf_language(void);

#endif
