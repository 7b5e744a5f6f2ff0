/*
 * explain_file.c: see explain_file.h.
 */
#include "frontend/lab/explain_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/base/mem.h"
#include "frontend/lab/view_svg.h"

enum { TEXT_COLUMNS = 80, HTML_COLUMNS = 100 };

struct explain_file {
    struct machine *machine;
    FILE *out;
    const char *path;
    void (*write)(FILE *out, const struct explanation *e);
    bool html;
};

static void write_text(FILE *out, const struct explanation *e)
{
    struct view page;
    view_init(&page, TEXT_COLUMNS);
    explain_page(&page, e);
    view_print(&page, out);
    view_free(&page);
    fputc('\n', out);
}

static void write_html(FILE *out, const struct explanation *e)
{
    struct view page;
    char line[400];
    explanation_line(e, line, sizeof line);
    fputs("<details><summary>", out);
    view_escape(line, out);
    fputs("</summary>\n", out);
    view_init(&page, HTML_COLUMNS);
    explain_page(&page, e);
    view_html(&page, out);
    view_free(&page);
    fputs("</details>\n", out);
}

static void told(void *opaque, const struct explanation *e)
{
    struct explain_file *f = opaque;
    f->write(f->out, e);
}

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), k = strlen(end);
    return n >= k && !strcmp(text + n - k, end);
}

struct explain_file *explain_file_open(struct machine *machine, const char *path, struct error *err)
{
    FILE *out = strcmp(path, "-") ? fopen(path, "w") : stdout;
    if (!out) {
        error_set(err, "-explain %s: %s", path, strerror(errno));
        return NULL;
    }
    struct explain_file *f = mem_zeroed(1, sizeof *f);
    f->machine = machine;
    f->out = out;
    f->path = path;
    f->html = ends_in(path, ".html") || ends_in(path, ".htm");
    f->write = f->html ? write_html : ends_in(path, ".json") || ends_in(path, ".jsonl") ? explain_json : write_text;
    if (f->html) {
        fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Exceptions, explained</title>\n"
              "<style>\n",
              out);
        view_html_style(out);
        fputs("summary { font-family: sans-serif; margin: 0.4em 0; cursor: pointer }\n"
              "</style></head><body>\n<h1>Exceptions, explained</h1>\n",
              out);
    }
    explain_start(machine);
    explain_tell(machine, told, f);
    return f;
}

bool explain_file_close(struct explain_file *f, struct error *err)
{
    if (!f) {
        return true;
    }
    explain_tell(f->machine, NULL, NULL);
    if (f->html) {
        fputs("</body></html>\n", f->out);
    }
    bool good = !ferror(f->out);
    good = !(f->out == stdout ? fflush(f->out) : fclose(f->out)) && good;
    if (!good) {
        error_set(err, "-explain %s: %s", f->path, strerror(errno));
    }
    free(f);
    return good;
}
