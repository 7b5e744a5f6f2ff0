/*
 * firmware.c: see firmware.h.
 */
#include "frontend/machine/firmware.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const usual_dirs[] = {"/usr/share/seabios",    "/usr/share/qemu",
                                         "/usr/share/vgabios",    "/usr/local/share/seabios",
                                         "/usr/local/share/qemu", NULL};

static bool read_all(FILE *file, const char *path, size_t max_size, struct firmware_image *image,
                     struct error *err)
{
    u8 *bytes = malloc(max_size + 1);
    size_t size = bytes ? fread(bytes, 1, max_size + 1, file) : 0;
    if (!bytes || ferror(file)) {
        free(bytes);
        return error_set(err, "cannot read %s: %s", path, strerror(errno));
    }
    if (size == 0 || size > max_size) {
        free(bytes);
        return error_set(err, "%s is no firmware image: it is %s", path,
                         size ? "too large" : "empty");
    }
    *image = (struct firmware_image){.bytes = bytes, .size = size};
    return true;
}

static bool load_path(const char *path, size_t max_size, struct firmware_image *image, bool *found,
                      struct error *err)
{
    FILE *file = fopen(path, "rbe");
    *found = file || errno != ENOENT;
    if (!file) {
        return error_set(err, "cannot open %s: %s", path, strerror(errno));
    }
    bool ok = read_all(file, path, max_size, image, err);
    fclose(file);
    return ok;
}

/* The i-th directory to search, or NULL past the last. */
static const char *search_dir(const char *const *dirs, unsigned i)
{
    for (; *dirs; dirs++) {
        if (i-- == 0) {
            return *dirs;
        }
    }
    const char *from_env = getenv("RINGSIDE_FIRMWARE");
    if (from_env && *from_env && i-- == 0) {
        return from_env;
    }
    return i < sizeof usual_dirs / sizeof *usual_dirs ? usual_dirs[i] : NULL;
}

static bool not_found(const char *name, const char *const *dirs, struct error *err)
{
    char list[256] = "";
    size_t used = 0;
    const char *dir;
    for (unsigned i = 0; used < sizeof list && (dir = search_dir(dirs, i)); i++) {
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", dir);
    }
    return error_set(err,
                     "no %s in %s: install Debian's package `seabios`, or say -L DIR where it is",
                     name, list);
}

bool firmware_load(const char *name, const char *const *dirs, size_t max_size,
                   struct firmware_image *image, struct error *err)
{
    bool found;
    const char *dir;
    bool ok = load_path(name, max_size, image, &found, err);
    if (found || strchr(name, '/')) {
        return ok;
    }
    for (unsigned i = 0; (dir = search_dir(dirs, i)); i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", dir, name);
        ok = load_path(path, max_size, image, &found, err);
        if (found) {
            return ok;
        }
    }
    return not_found(name, dirs, err);
}
