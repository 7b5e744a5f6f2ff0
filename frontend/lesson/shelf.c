/*
 * shelf.c: see shelf.h.
 */
#include "frontend/lesson/shelf.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpu/base/mem.h"
#include "frontend/words.h"

enum { PATH_BYTES = 1200 };

/* The folder of all lessons. False: there is none. */
static bool lessons_folder(char path[PATH_BYTES])
{
    static const char *const places[] = {"lessons", "../share/ringside/lessons"};
    char program[1024] = "";
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    char *slash = n > 0 ? strrchr(program, '/') : NULL;
    for (unsigned k = 0; slash && k < sizeof places / sizeof *places; k++) {
        snprintf(path, PATH_BYTES, "%.*s/%s", (int)(slash - program), program, places[k]);
        if (!access(path, R_OK)) {
            return true;
        }
    }
    return false;
}

static void add(struct shelf *s, struct lesson *lesson)
{
    unsigned at = s->count++;
    while (at && (s->lesson[at - 1]->number > lesson->number ||
                  (s->lesson[at - 1]->number == lesson->number && strcmp(s->lesson[at - 1]->name, lesson->name) > 0))) {
        s->lesson[at] = s->lesson[at - 1];
        at--;
    }
    s->lesson[at] = lesson;
}

void shelf_open(struct shelf *s, const char *language)
{
    char folder[PATH_BYTES];
    *s = (struct shelf){0};
    DIR *dir = lessons_folder(folder) ? opendir(folder) : NULL;
    for (struct dirent *e; dir && s->count < SHELF_LESSONS && (e = readdir(dir));) {
        char path[PATH_BYTES + 300];
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        struct lesson *lesson = e->d_name[0] != '.' && lesson_has(path, "en") ? lesson_load(path, language, NULL) : NULL;
        if (lesson) {
            add(s, lesson);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

void shelf_close(struct shelf *s)
{
    while (s->count) {
        lesson_free(s->lesson[--s->count]);
    }
}

static struct lesson *unknown(const struct shelf *s, const char *name, struct error *err)
{
    const char *words[SHELF_LESSONS + 1] = {NULL};
    for (unsigned n = 0; n < s->count; n++) {
        words[n] = s->lesson[n]->name;
    }
    const char *near = nearest_word(name, words);
    error_set(err, "there is no lesson '%.100s'%s%s%s", name, near ? "; did you mean " : " (ringside lesson lists them)",
              near ? near : "", near ? "?" : "");
    return NULL;
}

struct lesson *shelf_find(const char *name, const char *language, struct error *err)
{
    struct shelf s;
    char *end;
    if (strchr(name, '/') || lesson_has(name, "en")) {
        return lesson_has(name, "en") ? lesson_load(name, language, err)
                                      : (error_set(err, "%.300s: there is no lesson.txt in this folder", name), NULL);
    }
    unsigned long number = strtoul(name, &end, 10);
    shelf_open(&s, "en");
    struct lesson *found = NULL;
    bool known = false;
    for (unsigned n = 0; n < s.count && !known; n++) {
        const struct lesson *l = s.lesson[n];
        known = !strcmp(l->name, name) || (*name && !*end && l->number == number);
        found = known ? lesson_load(l->folder, language, err) : NULL;
    }
    if (!known) {
        found = unknown(&s, name, err);
    }
    shelf_close(&s);
    return found;
}

const char *shelf_language(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (unsigned n = 0; n < sizeof names / sizeof *names; n++) {
        const char *value = getenv(names[n]);
        if (value && *value) {
            return !strncmp(value, "ko", 2) ? "ko" : "en";
        }
    }
    return "en";
}
