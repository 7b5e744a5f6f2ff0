/*
 * surface.c: see surface.h. Portable Network Graphics, second edition (ISO/IEC 15948): colour type
 * 2, 8 bits a sample, one IDAT chunk, each line as the difference to the one above it.
 */
#include "devices/display/surface.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "cpu/base/mem.h"

void surface_resize(struct surface *surface, u32 width, u32 height)
{
    surface_free(surface);
    surface->pixels = mem_zeroed((size_t)width * height, sizeof *surface->pixels);
    surface->width = width;
    surface->height = height;
    surface->stride = width;
}

void surface_free(struct surface *surface)
{
    free(surface->pixels);
    *surface = (struct surface){0};
}

static void put_rgb(u8 *out, const u32 *pixels, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        out[i * 3] = (u8)(pixels[i] >> 16);
        out[i * 3 + 1] = (u8)(pixels[i] >> 8);
        out[i * 3 + 2] = (u8)pixels[i];
    }
}

static void store_be32(u8 *p, u32 value)
{
    for (unsigned i = 0; i < 4; i++) {
        p[i] = (u8)(value >> (24 - 8 * i));
    }
}

static void put_chunk(struct blob *file, const char *type, const u8 *data, size_t size)
{
    u8 word[4];
    uLong crc = crc32(0, (const u8 *)type, 4);
    store_be32(word, (u32)size);
    blob_put(file, word, 4);
    blob_put(file, type, 4);
    blob_put(file, data, size);
    crc = size ? crc32(crc, data, (uInt)size) : crc;
    store_be32(word, (u32)crc);
    blob_put(file, word, 4);
}

void surface_to_png(const struct surface *surface, struct blob *file)
{
    static const u8 signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    enum { FILTER_UP = 2 };
    u8 header[13] = {[8] = 8, [9] = 2};
    size_t line = (size_t)surface->width * 3;
    size_t raw_size = (line + 1) * surface->height;
    u8 *raw = mem_zeroed(raw_size + line, 1); /* the line above the first is zero */
    u8 *above = raw + raw_size, *rgb = mem_zeroed(line, 1);
    for (u32 y = 0; y < surface->height; y++) {
        u8 *out = raw + y * (line + 1);
        put_rgb(rgb, surface->pixels + (size_t)y * surface->stride, surface->width);
        *out++ = FILTER_UP;
        for (size_t i = 0; i < line; i++) {
            out[i] = (u8)(rgb[i] - above[i]);
        }
        memcpy(above, rgb, line);
    }
    uLongf packed_size = compressBound(raw_size);
    u8 *packed = mem_zeroed(packed_size, 1);
    if (compress2(packed, &packed_size, raw, raw_size, 6) != Z_OK) {
        packed_size = 0; /* only possible without memory */
    }
    store_be32(header, surface->width);
    store_be32(header + 4, surface->height);
    blob_put(file, signature, sizeof signature);
    put_chunk(file, "IHDR", header, sizeof header);
    put_chunk(file, "IDAT", packed, packed_size);
    put_chunk(file, "IEND", NULL, 0);
    free(packed);
    free(rgb);
    free(raw);
}

void surface_to_ppm(const struct surface *surface, struct blob *file)
{
    char header[48];
    size_t line = (size_t)surface->width * 3;
    u8 *rgb = mem_zeroed(line, 1);
    int length =
        snprintf(header, sizeof header, "P6\n%u %u\n255\n", surface->width, surface->height);
    blob_put(file, header, (size_t)length);
    for (u32 y = 0; y < surface->height; y++) {
        put_rgb(rgb, surface->pixels + (size_t)y * surface->stride, surface->width);
        blob_put(file, rgb, line);
    }
    free(rgb);
}

bool surface_write(const struct surface *surface, const char *path, struct error *err)
{
    size_t length = strlen(path);
    struct blob file = {0};
    if (length >= 4 && !strcmp(path + length - 4, ".png")) {
        surface_to_png(surface, &file);
    } else {
        surface_to_ppm(surface, &file);
    }
    FILE *out = fopen(path, "wb");
    bool ok = out && fwrite(file.data, 1, file.size, out) == file.size;
    ok = (!out || fclose(out) == 0) && ok;
    blob_free(&file);
    return ok || error_set(err, "cannot write the picture '%s': %s", path, strerror(errno));
}
