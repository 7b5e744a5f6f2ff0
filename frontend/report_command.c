/*
 * report_command.c: see report_command.h.
 */
#include "frontend/report_command.h"

#include <string.h>

#include "frontend/lab/theme.h"
#include "frontend/ui/letters.h"

enum { WORDS_MOST = 64, VALUE_MAX = 4096, EDGE = 8 };

static const char usage[] =
    "ringside report FILE [-o OUT] [-from M] [-to M] [-rows N] [OPTION...]\n\n"
    "Replays the recording FILE and writes what crossed the rings into OUT: a page for a browser (FILE.html unless it is said\n"
    "otherwise), or, when its name ends in .svg or .png, the timeline alone. M is a mark that the guest made, or a number of\n"
    "instructions; N crossings are listed at most (300). OPTIONs are those that may stand behind -replay: -accel, -symbols ...\n"
    "Without a recording: ringside -report OUT ... writes one when the run ends.";

/* What is put together for options_parse(). */
struct words {
    char *word[WORDS_MOST];
    int count;
    char report[VALUE_MAX];
};

static bool put(struct words *w, const char *word, struct error *err)
{
    if (w->count == WORDS_MOST) {
        return error_set(err, "report: there are too many words");
    }
    w->word[w->count++] = (char *)(uintptr_t)word;
    return true;
}

/* Appends a value to the one of -report, with its commas doubled, as all options have them. */
static bool put_value(struct words *w, const char *key, const char *value, struct error *err)
{
    size_t n = strlen(w->report);
    n += (size_t)snprintf(w->report + n, sizeof w->report - n, "%s%s=", n ? "," : "", key);
    for (; *value && n + 3 < sizeof w->report; value++) {
        if (*value == ',') {
            w->report[n++] = ',';
        }
        w->report[n++] = *value;
    }
    w->report[n] = 0;
    return !*value || error_set(err, "report: a word is too long");
}

/* One of our own options. False without an error: it is none of them. */
static const char *own_key(const char *word)
{
    static const struct {
        const char *word, *key;
    } own[] = {{"-o", "file"}, {"-from", "from"}, {"-to", "to"}, {"-rows", "rows"}};
    for (unsigned n = 0; n < ARRAY_LEN(own); n++) {
        if (!strcmp(word, own[n].word)) {
            return own[n].key;
        }
    }
    return NULL;
}

static bool gather(struct words *w, int argc, char **argv, struct error *err)
{
    bool has_file = false;
    for (int at = 1; at < argc; at++) {
        const char *key = own_key(argv[at]);
        if (key && at + 1 == argc) {
            return error_set(err, "report: %s needs an argument", argv[at]);
        }
        has_file |= key && !strcmp(key, "file");
        if (key ? !put_value(w, key, argv[++at], err) : !put(w, argv[at], err)) {
            return false;
        }
    }
    if (!has_file) {
        char path[VALUE_MAX / 2];
        snprintf(path, sizeof path, "%s.html", argv[0]);
        return put_value(w, "file", path, err);
    }
    return true;
}

enum options_result report_command_parse(struct options *options, int argc, char **argv, struct error *err)
{
    static const char *const silent[] = {"-display", "none", "-serial", "null", "-monitor", "none"};
    struct words w = {.count = 0};
    *options = (struct options){0};
    if (!argc || !strcmp(argv[0], "-help") || !strcmp(argv[0], "-h") || !strcmp(argv[0], "--help")) {
        puts(usage);
        return OPTIONS_DONE;
    }
    if (argv[0][0] == '-') {
        error_set(err, "report: name the recording first: ringside report FILE %s ...", argv[0]);
        return OPTIONS_BAD;
    }
    bool good = put(&w, "ringside", err) && put(&w, "-replay", err) && put(&w, argv[0], err);
    for (unsigned n = 0; good && n < ARRAY_LEN(silent); n++) {
        good = put(&w, silent[n], err);
    }
    good = good && gather(&w, argc, argv, err) && put(&w, "-report", err) && put(&w, w.report, err);
    return good ? options_parse(options, w.count, w.word, err) : OPTIONS_BAD;
}

bool picture_png(const struct view *page, const char *path, struct error *err)
{
    struct font font;
    struct surface surface = {0};
    font_plain(&font);
    struct letters *letters = letters_create(&font);
    letters_set_size(letters, 100);
    surface_resize(&surface, page->columns * letters_width(letters) + 2 * EDGE, page->rows * letters_height(letters) + 2 * EDGE);
    for (u32 n = 0; n < surface.height * surface.stride; n++) {
        surface.pixels[n] = THEME_PAPER;
    }
    letters_draw(letters, &surface, (struct rect){EDGE, EDGE, surface.width - 2 * EDGE, surface.height - 2 * EDGE}, page);
    bool good = surface_write(&surface, path, err);
    surface_free(&surface);
    letters_destroy(letters);
    return good;
}
