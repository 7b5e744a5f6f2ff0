/*
 * program.c: see program.h. nasm is run in a folder of its own, without a shell; its map file (labels) and listing (lines) are
 * read.
 *
 * Program texts come from users, image, map and listing from files: all are bounded.
 */
#include "frontend/lesson/program.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpu/base/mem.h"

enum { TEXT_MAX = 4 << 20, LINES_MAX = 20000, SYMBOLS_MAX = 8000, OFFSET_COLUMN = 7, NESTING_COLUMN = 34, SOURCE_COLUMN = 40,
      NEAR = 0x1000 };

extern char **environ;

static char *path_of(const char *folder, const char *name, const char *ending)
{
    size_t size = strlen(folder) + strlen(name) + strlen(ending) + 2;
    char *path = mem_check(malloc(size));
    snprintf(path, size, "%s/%s%s", folder, name, ending);
    return path;
}

/* With a 0 behind. NULL: it cannot be read, or has more than `max` bytes. */
static char *read_whole(const char *path, size_t max, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        return NULL;
    }
    char *bytes = mem_check(malloc(max + 1));
    *size = fread(bytes, 1, max + 1, f);
    fclose(f);
    if (*size > max) {
        free(bytes);
        return NULL;
    }
    bytes[*size] = 0;
    return mem_resize(bytes, *size + 1);
}

/* ---- what nasm wrote */

static bool add_symbol(struct program *p, const char *name, u64 value)
{
    if (p->symbols == SYMBOLS_MAX) {
        return false;
    }
    if (!(p->symbols & (p->symbols + 1))) {
        p->symbol = mem_resize(p->symbol, (2 * p->symbols + 1) * sizeof *p->symbol);
    }
    p->symbol[p->symbols++] = (struct program_symbol){.name = name, .value = value};
    return true;
}

/* Lines of "value name" (constants) and "real virtual name" (labels). */
static void read_map(struct program *p)
{
    for (char *line = p->map_text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next) {
            *next++ = 0;
        }
        char *words[4];
        unsigned count = 0;
        for (char *word = strtok(line, " \t\r"); word && count < 4; word = strtok(NULL, " \t\r")) {
            words[count++] = word;
        }
        char *end = NULL;
        u64 value = count == 2 || count == 3 ? strtoull(words[count - 2], &end, 16) : 0;
        if (end && !*end && end != words[count - 2] && !add_symbol(p, words[count - 1], value)) {
            break;
        }
    }
}

static void add_line(struct program *p, u32 address, u32 line)
{
    if (p->map_count >= LINES_MAX || (p->map_count && p->map[p->map_count - 1].address == address)) {
        return;
    }
    if (!(p->map_count & (p->map_count + 1))) {
        p->map = mem_resize(p->map, (2 * p->map_count + 1) * sizeof *p->map);
    }
    p->map[p->map_count++] = (struct program_line){.address = address, .line = line};
}

static bool begins_with_word(const char *text, const char *word)
{
    text += strspn(text, " \t[");
    size_t n = strlen(word);
    return !strncasecmp(text, word, n) && !isalnum((u8)text[n]);
}

/* A line of the listing: number, offset, bytes, depth of macros and includes in <>, source. Offsets are from the start of the
 * section, of which only the first one is of interest: a macro may go to another one and come back (__SECT__), else that ends what
 * is known. What was included is no line of this program. */
static void read_listing(struct program *p, char *text)
{
    u32 line = 0;
    bool included = false, away = false;
    for (char *next; text; text = next) {
        next = strchr(text, '\n');
        if (next) {
            *next++ = 0;
        }
        size_t size = strlen(text);
        bool nested = size >= SOURCE_COLUMN - 1 && memchr(text + NESTING_COLUMN, '<', SOURCE_COLUMN - NESTING_COLUMN - 1);
        const char *source = size > SOURCE_COLUMN ? text + SOURCE_COLUMN : "";
        bool section = begins_with_word(source, "section") || begins_with_word(source, "segment");
        if (!nested && size >= OFFSET_COLUMN - 1 && strtoul(text, NULL, 10)) {
            line = (u32)strtoul(text, NULL, 10);
            included = begins_with_word(source, "%include");
            if (section) {
                return;
            }
        }
        away = section ? !strstr(source, ".text") : away && !begins_with_word(source, "__SECT__");
        if (size > OFFSET_COLUMN + 8 && isxdigit((u8)text[OFFSET_COLUMN]) && !included && !away) {
            char offset[9] = "";
            memcpy(offset, text + OFFSET_COLUMN, 8);
            add_line(p, PROGRAM_ADDRESS + (u32)strtoul(offset, NULL, 16), line);
        }
    }
}

static void split_source(struct program *p)
{
    p->line = mem_zeroed(LINES_MAX, sizeof *p->line);
    for (char *text = p->source, *next; text && p->lines < LINES_MAX; text = next) {
        next = strchr(text, '\n');
        if (next) {
            *next++ = 0;
        }
        text[strcspn(text, "\r")] = 0;
        p->line[p->lines++] = text;
    }
}

/* `folder` has NAME.bin, .map and .lst; the source is `path`. */
static struct program *read_built(const char *folder, const char *name, const char *path, struct error *err)
{
    struct program *p = mem_zeroed(1, sizeof *p);
    char *bin = path_of(folder, name, ".bin"), *map = path_of(folder, name, ".map"), *lst = path_of(folder, name, ".lst");
    size_t size;
    p->image = (u8 *)read_whole(bin, PROGRAM_BYTES_MAX, &p->size);
    p->map_text = read_whole(map, TEXT_MAX, &size);
    p->source = read_whole(path, TEXT_MAX, &size);
    char *listing = read_whole(lst, TEXT_MAX, &size);
    bool ok = p->image && p->map_text && p->source;
    if (ok) {
        read_map(p);
        split_source(p);
        read_listing(p, listing);
    } else {
        error_set(err, !p->source   ? "%s cannot be read"
                       : !p->image ? "%s: the program has more than 576 KiB"
                                   : "%s: it needs %%include \"lesson.inc\" (or \"lesson32.inc\") at its beginning",
                  path);
    }
    free(listing);
    free(bin);
    free(map);
    free(lst);
    if (!ok) {
        program_free(p);
        return NULL;
    }
    return p;
}

/* ---- nasm */

/* What nasm said, without the name of a file that was made for it: "line 12: error: ...". */
static void report(const char *said, const char *path, struct error *err)
{
    size_t skip = strlen(path);
    const char *line = strstr(said, "error: ") ? said : "nasm failed";
    while (!strstr(line, "error: ") || (strchr(line, '\n') && strchr(line, '\n') < strstr(line, "error: "))) {
        const char *next = strchr(line, '\n');
        if (!next) {
            break;
        }
        line = next + 1;
    }
    bool named = !strncmp(line, path, skip) && line[skip] == ':';
    error_set(err, "%s%.*s", named ? "line " : "", (int)strcspn(named ? line + skip + 1 : line, "\n"),
              named ? line + skip + 1 : line);
}

static bool run_nasm(char *const *words, const char *where, const char *path, struct error *err)
{
    posix_spawn_file_actions_t actions;
    char *said_path = path_of(where, "said", "");
    pid_t pid;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, where);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "said", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    int failed = posix_spawnp(&pid, "nasm", &actions, NULL, words, environ), status = -1;
    posix_spawn_file_actions_destroy(&actions);
    if (failed) {
        free(said_path);
        return error_set(err, "nasm, which assembles the program, cannot be run (%s): apt-get install nasm", strerror(failed));
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (status) {
        size_t size;
        char *said = read_whole(said_path, TEXT_MAX, &size);
        report(said ? said : "", path, err);
        free(said);
    }
    free(said_path);
    return !status;
}

static void remove_folder(const char *where)
{
    static const char *const names[] = {"program.asm", "program.bin", "lesson.map", "program.map", "program.lst", "said"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        char *path = path_of(where, names[n], "");
        unlink(path);
        free(path);
    }
    rmdir(where);
}

/* The folder `common` that stands beside the lessons of this build. */
static void common_folder(char *path, size_t size)
{
    char program[1024] = "";
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    char *slash = n > 0 ? strrchr(program, '/') : NULL;
    if (slash) {
        *slash = 0;
    }
    snprintf(path, size, "%s/lessons/common/", program);
    if (access(path, R_OK)) {
        snprintf(path, size, "%s/../share/ringside/lessons/common/", program);
    }
}

static struct program *assemble_in(const char *where, const char *path, const char *folder, struct error *err)
{
    char common[1200], own[1100], beside[1200];
    common_folder(common, sizeof common);
    snprintf(own, sizeof own, "%s/", folder ? folder : ".");
    snprintf(beside, sizeof beside, "%s/../common/", folder ? folder : ".");
    /* a mistyped instruction alone on its line would be a label */
    char *const words[] = {"nasm", "-f", "bin", "-w-all", "-w+orphan-labels", "-w+error=orphan-labels",
                           "-I", own, "-I", beside, "-I", common, "-l", "program.lst", "-o", "program.bin",
                           (char *)(uintptr_t)path, NULL};
    if (!run_nasm(words, where, path, err)) {
        return NULL;
    }
    char *map = path_of(where, "lesson.map", ""), *moved = path_of(where, "program.map", "");
    rename(map, moved);
    free(map);
    free(moved);
    return read_built(where, "program", path, err);
}

struct program *program_assemble(const char *path, const char *folder, struct error *err)
{
    char where[] = "/tmp/ringside-lesson.XXXXXX";
    char *full = realpath(path, NULL), *home = folder ? realpath(folder, NULL) : NULL;
    struct program *p = NULL;
    if (!full) {
        error_set(err, "%s: there is no such file", path);
    } else if (!mkdtemp(where)) {
        error_set(err, "no folder can be made in /tmp: %s", strerror(errno));
    } else {
        p = assemble_in(where, full, home, err);
        remove_folder(where);
    }
    free(full);
    free(home);
    return p;
}

struct program *program_load(const char *folder, const char *file, struct error *err)
{
    size_t base = strlen(file) > 4 && !strcmp(file + strlen(file) - 4, ".asm") ? strlen(file) - 4 : strlen(file);
    char *name = mem_check(strndup(file, base)), *path = path_of(folder, file, ""), *bin = path_of(folder, name, ".bin");
    struct program *p = NULL;
    struct error why;
    if (!access(bin, R_OK)) {
        p = read_built(folder, name, path, err);
    } else if (!(p = program_assemble(path, folder, &why))) {
        error_set(err, "%s: %s", file, why.text);
    }
    free(name);
    free(path);
    free(bin);
    return p;
}

/* ---- the line that may be changed */

unsigned program_marked(const struct program *p, const char *mark, char *text)
{
    char tail[80];
    snprintf(tail, sizeof tail, "; @%.60s", mark);
    for (unsigned n = 0; n < p->lines; n++) {
        const char *at = strstr(p->line[n], tail);
        if (at && !at[strlen(tail)]) {
            const char *from = p->line[n] + strspn(p->line[n], " \t");
            size_t size = (size_t)(at - from);
            while (size && isspace((u8)from[size - 1])) {
                size--;
            }
            snprintf(text, 256, "%.*s", (int)size, from);
            return n + 1;
        }
    }
    return 0;
}

struct program *program_edit(const struct program *p, const char *folder, const char *mark, const char *text, struct error *err)
{
    char where[] = "/tmp/ringside-lesson.XXXXXX", old[256];
    unsigned marked = program_marked(p, mark, old);
    if (!marked) {
        error_set(err, "the program has no line that ends with '; @%s'", mark);
        return NULL;
    }
    if (strchr(text, '\n') || strlen(text) > 200 || begins_with_word(text, "%include") || begins_with_word(text, "incbin")) {
        error_set(err, "one instruction of at most 200 letters");
        return NULL;
    }
    if (!mkdtemp(where)) {
        error_set(err, "no folder can be made in /tmp: %s", strerror(errno));
        return NULL;
    }
    char *path = path_of(where, "program.asm", ""), *home = realpath(folder, NULL);
    FILE *f = fopen(path, "w");
    for (unsigned n = 0; f && n < p->lines; n++) {
        fprintf(f, n + 1 == marked ? "    %s ; @%s\n" : "%s\n", n + 1 == marked ? text : p->line[n], mark);
    }
    struct program *edited = f && !fclose(f) ? assemble_in(where, path, home, err) : NULL;
    free(path);
    free(home);
    remove_folder(where);
    return edited;
}

/* ---- asking */

bool program_symbol(const struct program *p, const char *name, u64 *value)
{
    for (size_t n = 0; n < p->symbols; n++) {
        if (!strcmp(p->symbol[n].name, name)) {
            *value = p->symbol[n].value;
            return true;
        }
    }
    return false;
}

const char *program_label(const struct program *p, u64 address, u64 *distance)
{
    const char *name = NULL;
    for (size_t n = 0; n < p->symbols; n++) {
        u64 value = p->symbol[n].value;
        bool inside = value >= PROGRAM_ADDRESS && value < PROGRAM_ADDRESS + p->size && strncmp(p->symbol[n].name, "..@", 3);
        if (inside && value <= address && address - value < (name ? *distance : NEAR)) {
            name = p->symbol[n].name;
            *distance = address - value;
        }
    }
    return name;
}

bool program_write_symbols(const struct program *p, const char *path)
{
    FILE *f = fopen(path, "w");
    for (size_t n = 0; f && n < p->symbols; n++) {
        const struct program_symbol *s = &p->symbol[n];
        if (s->value >= PROGRAM_ADDRESS && s->value < PROGRAM_ADDRESS + p->size && strncmp(s->name, "..@", 3)) {
            fprintf(f, "%016llx T %s\n", (unsigned long long)s->value, s->name);
        }
    }
    return f && !fclose(f);
}

unsigned program_line_at(const struct program *p, u64 address)
{
    for (size_t n = 0; n < p->map_count; n++) {
        if (p->map[n].address == address) {
            return p->map[n].line;
        }
    }
    return 0;
}

void program_free(struct program *p)
{
    if (p) {
        free(p->image);
        free(p->symbol);
        free(p->map);
        free(p->source);
        free(p->line);
        free(p->map_text);
        free(p);
    }
}
