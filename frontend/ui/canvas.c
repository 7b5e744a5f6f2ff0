/*
 * canvas.c: see canvas.h.
 */
#include "frontend/ui/canvas.h"

#include <string.h>

/* The part of `area` that lies on the surface; false: none. */
static bool clip(const struct surface *s, struct rect *area)
{
    if (area->x >= s->width || area->y >= s->height) {
        return false;
    }
    area->width = area->width < s->width - area->x ? area->width : s->width - area->x;
    area->height = area->height < s->height - area->y ? area->height : s->height - area->y;
    return area->width && area->height;
}

static u32 *dot(const struct surface *s, u32 x, u32 y)
{
    return s->pixels + (size_t)y * s->stride + x;
}

void canvas_fill(struct surface *to, struct rect area, u32 color)
{
    if (!clip(to, &area)) {
        return;
    }
    for (u32 y = area.y; y < area.y + area.height; y++) {
        u32 *row = dot(to, area.x, y);
        for (u32 x = 0; x < area.width; x++) {
            row[x] = color;
        }
    }
}

void canvas_frame(struct surface *to, struct rect a, u32 color)
{
    if (a.width && a.height) {
        canvas_fill(to, (struct rect){a.x, a.y, a.width, 1}, color);
        canvas_fill(to, (struct rect){a.x, a.y + a.height - 1, a.width, 1}, color);
        canvas_fill(to, (struct rect){a.x, a.y, 1, a.height}, color);
        canvas_fill(to, (struct rect){a.x + a.width - 1, a.y, 1, a.height}, color);
    }
}

void canvas_pattern(struct surface *to, struct rect area, const u8 pattern[8], u32 color)
{
    if (!clip(to, &area)) {
        return;
    }
    for (u32 y = area.y; y < area.y + area.height; y++) {
        u32 *row = dot(to, 0, y);
        for (u32 x = area.x; x < area.x + area.width; x++) {
            if (pattern[y & 7] >> (7 - (x & 7)) & 1) {
                row[x] = color;
            }
        }
    }
}

u32 canvas_text(struct surface *to, const struct font *font, u32 x, u32 y, u32 scale, u32 color,
                const char *text)
{
    for (; *text; text++, x += FONT_WIDTH * scale) {
        const u8 *rows = font->rows[(u8)*text];
        for (u32 gy = 0; gy < FONT_HEIGHT; gy++) {
            for (u32 gx = 0; gx < FONT_WIDTH; gx++) {
                if (rows[gy] >> (7 - gx) & 1) {
                    canvas_fill(to, (struct rect){x + gx * scale, y + gy * scale, scale, scale},
                                color);
                }
            }
        }
    }
    return x;
}

static struct rect scale_whole(struct surface *to, struct rect area, const struct surface *from,
                               struct rect part, u32 k)
{
    struct rect out = {area.x + part.x * k, area.y + part.y * k, part.width * k, part.height * k};
    if (!clip(to, &out)) {
        return (struct rect){0};
    }
    for (u32 y = 0; y < out.height; y++) {
        u32 *row = dot(to, out.x, out.y + y);
        if (y % k) {
            memcpy(row, row - to->stride, out.width * sizeof *row);
            continue;
        }
        const u32 *source = dot(from, part.x, part.y + y / k);
        for (u32 x = 0; x < out.width; source++) {
            for (u32 i = 0; i < k && x < out.width; i++) {
                row[x++] = *source;
            }
        }
    }
    return out;
}

/* Between two colours, `weight` 0..256 of the second: red and blue at once, then green. */
static u32 mix(u32 a, u32 b, u32 weight)
{
    u32 rb = ((a & 0xff00ff) * (256 - weight) + (b & 0xff00ff) * weight) >> 8 & 0xff00ff;
    u32 g = ((a & 0x00ff00) * (256 - weight) + (b & 0x00ff00) * weight) >> 8 & 0x00ff00;
    return rb | g;
}

/* Where the middle of dot `i` of `out_size` lies in `in_size`, in 1/256 dots, counted from the
 * middle of the first. */
static u32 source_place(u32 i, u32 out_size, u32 in_size)
{
    i64 place = ((2 * (i64)i + 1) * in_size * 128) / out_size - 128;
    i64 last = ((i64)in_size - 1) * 256;
    return (u32)(place < 0 ? 0 : place > last ? last : place);
}

static void interpolate_row(struct surface *to, struct rect area, const struct surface *from,
                            struct rect out, u32 y)
{
    u32 sy = source_place(y - area.y, area.height, from->height), wy = sy & 0xff;
    const u32 *upper = dot(from, 0, sy >> 8);
    const u32 *lower = wy ? upper + from->stride : upper;
    u32 *row = dot(to, 0, y);
    for (u32 x = out.x; x < out.x + out.width; x++) {
        u32 sx = source_place(x - area.x, area.width, from->width), wx = sx & 0xff;
        u32 left = sx >> 8, right = wx ? left + 1 : left;
        row[x] = mix(mix(upper[left], upper[right], wx), mix(lower[left], lower[right], wx), wy);
    }
}

/* A source dot shows in all that lies between the middles of its neighbours. */
static void span(u32 first, u32 count, u32 in_size, u32 out_size, u32 *out_first, u32 *out_count)
{
    u64 from = first ? (u64)(first - 1) * out_size / in_size : 0;
    u64 to = ((u64)first + count + 1) * out_size / in_size + 1;
    *out_first = (u32)from;
    *out_count = (u32)((to < out_size ? to : out_size) - from);
}

static struct rect interpolate(struct surface *to, struct rect area, const struct surface *from,
                               struct rect part)
{
    struct rect out;
    span(part.x, part.width, from->width, area.width, &out.x, &out.width);
    span(part.y, part.height, from->height, area.height, &out.y, &out.height);
    out.x += area.x;
    out.y += area.y;
    if (!clip(to, &out)) {
        return (struct rect){0};
    }
    for (u32 y = out.y; y < out.y + out.height; y++) {
        interpolate_row(to, area, from, out, y);
    }
    return out;
}

struct rect canvas_scaled(struct surface *to, struct rect area, const struct surface *from,
                          struct rect part)
{
    if (!clip(from, &part) || !area.width || !area.height) {
        return (struct rect){0};
    }
    u32 k = area.width / from->width;
    if (k && area.width == k * from->width && area.height == k * from->height) {
        return scale_whole(to, area, from, part, k);
    }
    return interpolate(to, area, from, part);
}

struct rect canvas_fit(struct rect room, u32 width, u32 height, bool integer)
{
    struct rect r = {room.x, room.y, 0, 0};
    if (!width || !height) {
        return r;
    }
    u32 kx = room.width / width, ky = room.height / height, k = kx < ky ? kx : ky;
    if (integer && k) {
        r.width = width * k;
        r.height = height * k;
    } else if ((u64)room.width * height <= (u64)room.height * width) {
        r.width = room.width;
        r.height = (u32)((u64)room.width * height / width);
    } else {
        r.height = room.height;
        r.width = (u32)((u64)room.height * width / height);
    }
    r.x += (room.width - r.width) / 2;
    r.y += (room.height - r.height) / 2;
    return r;
}
