/*
 * boot_gzip.c: kernels that are packed by gzip, as Debian packs Xen's and GNU Mach's and as GRUB unpacks them. RFC 1952;
 * only the first member of a file counts. A kernel that unpacks itself (bzImage) is not touched.
 */
#include "frontend/machine/boot_image.h"

#include <stdlib.h>
#include <zlib.h>

enum { FIRST_ROOM = 4 << 20, WINDOW_BITS_GZIP = 15 + 16 };

static bool is_gzip(const struct image *image)
{
    return image->size >= 18 && image->bytes[0] == 0x1f && image->bytes[1] == 0x8b &&
           image->bytes[2] == Z_DEFLATED;
}

/* Twice the room, but no more than `limit` bytes; false: there is no more. */
static bool more_room(z_stream *z, struct image *to, u64 limit)
{
    size_t room = to->size * 2 < limit ? to->size * 2 : (size_t)limit;
    u8 *bytes = room > to->size ? realloc(to->bytes, room) : NULL;
    if (!bytes) {
        return false;
    }
    z->next_out = bytes + to->size;
    z->avail_out = (uInt)(room - to->size);
    to->bytes = bytes;
    to->size = room;
    return true;
}

static bool unpack(z_stream *z, struct image *to, u64 limit, const char **why)
{
    int status = Z_OK;
    while (status == Z_OK && (z->avail_out || more_room(z, to, limit))) {
        status = inflate(z, Z_NO_FLUSH);
    }
    to->size -= z->avail_out;
    *why = status == Z_OK ? "does not fit into memory when unpacked" : "its gzip data are damaged";
    return status == Z_STREAM_END && to->size;
}

bool image_gunzip(struct image *image, const char *what, u64 limit, struct error *err)
{
    const char *why = "the host has no memory for it";
    struct image to = {.path = image->path, .size = limit < FIRST_ROOM ? (size_t)limit : FIRST_ROOM};
    z_stream z = {.next_in = image->bytes, .avail_in = (uInt)image->size};
    if (!is_gzip(image)) {
        return true;
    }
    to.bytes = malloc(to.size);
    z.next_out = to.bytes;
    z.avail_out = (uInt)to.size;
    if (!to.bytes || inflateInit2(&z, WINDOW_BITS_GZIP) != Z_OK) {
        free(to.bytes);
        return error_set(err, "%s '%s': %s", what, image->path, why);
    }
    bool good = unpack(&z, &to, limit, &why);
    inflateEnd(&z);
    if (!good) {
        image_free(&to);
        return error_set(err, "%s '%s': %s", what, image->path, why);
    }
    image_free(image);
    *image = to;
    return true;
}
