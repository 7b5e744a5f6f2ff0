/*
 * edid.c: see edid.h.
 */
#include "devices/display/edid.h"

#include <string.h>

#include "cpu/base/bits.h"

/* Pixels of 0.2646 mm: 96 to the inch. */
static u32 millimetres(u32 pixels)
{
    return pixels * 2646 / 10000;
}

/* Standard Timings, section 3.9: width / 8 - 31, aspect ratio, refresh - 60. */
static void standard_timings(u8 *out)
{
    enum { ASPECT_16_10 = 0 << 6, ASPECT_4_3 = 1 << 6, ASPECT_5_4 = 2 << 6, ASPECT_16_9 = 3 << 6 };
    static const struct {
        u16 width;
        u8 aspect;
    } modes[8] = {
        {640, ASPECT_4_3},   {800, ASPECT_4_3},    {1024, ASPECT_4_3}, {1280, ASPECT_5_4},
        {1280, ASPECT_16_9}, {1440, ASPECT_16_10}, {1600, ASPECT_4_3}, {1920, ASPECT_16_9},
    };
    for (unsigned i = 0; i < ARRAY_LEN(modes); i++) {
        out[i * 2] = (u8)(modes[i].width / 8 - 31);
        out[i * 2 + 1] = modes[i].aspect;
    }
}

/* Detailed Timing, section 3.10.2: reduced blanking, 60 Hz. */
static void detailed_timing(u8 *out, u32 width, u32 height)
{
    u32 hblank = 160, vblank = 30, hfront = 48, hsync = 32, vfront = 3, vsync = 6;
    u32 clock_10khz = (width + hblank) * (height + vblank) * 60 / 10000;
    u32 hmm = millimetres(width), vmm = millimetres(height);
    store16(out, (u16)(clock_10khz > 0xffff ? 0xffff : clock_10khz));
    out[2] = (u8)width;
    out[3] = (u8)hblank;
    out[4] = (u8)((width >> 8) << 4 | hblank >> 8);
    out[5] = (u8)height;
    out[6] = (u8)vblank;
    out[7] = (u8)((height >> 8) << 4 | vblank >> 8);
    out[8] = (u8)hfront;
    out[9] = (u8)hsync;
    out[10] = (u8)(vfront << 4 | vsync);
    out[11] = 0;
    out[12] = (u8)hmm;
    out[13] = (u8)vmm;
    out[14] = (u8)((hmm >> 8) << 4 | vmm >> 8);
    out[17] = 0x1a; /* digital separate sync, vertical negative, horizontal positive */
}

static void text_descriptor(u8 *out, u8 tag, const char *text)
{
    size_t length = strlen(text);
    out[3] = tag;
    memset(out + 5, ' ', 13);
    memcpy(out + 5, text, length);
    if (length < 13) {
        out[5 + length] = '\n';
    }
}

/* Display Range Limits, section 3.10.3.3. */
static void range_limits(u8 *out)
{
    static const u8 limits[] = {0, 0, 0, 0xfd, 0, 50, 125, 30, 160, 255, 1};
    memcpy(out, limits, sizeof limits);
    out[11] = '\n';
    memset(out + 12, ' ', 6);
}

void edid_build(u8 edid[EDID_SIZE], u32 width, u32 height)
{
    static const u8 head[] = {
        0,    0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0,    0x4a, 0x64,          /* manufacturer: three letters of 5 bits, "RSD" */
        0x01, 0x00, 1,    0,    0,    0, /* product, serial number */
        1,    34,   1,    4,             /* week 1 of 2024; EDID 1.4 */
        0xa5,                            /* digital, 8 bits a colour, DisplayPort */
    };
    /* sRGB primaries, section 3.7 */
    static const u8 colours[] = {0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54};
    u8 sum = 0;
    memset(edid, 0, EDID_SIZE);
    memcpy(edid, head, sizeof head);
    edid[21] = (u8)(millimetres(width) / 10);
    edid[22] = (u8)(millimetres(height) / 10);
    edid[23] = 120;  /* gamma 2.2 */
    edid[24] = 0x06; /* sRGB, the first detailed timing is preferred */
    memcpy(edid + 25, colours, sizeof colours);
    edid[35] = 0x21; /* 640x480 and 800x600 at 60 Hz */
    edid[36] = 0x08; /* 1024x768 at 60 Hz */
    standard_timings(edid + 38);
    detailed_timing(edid + 54, width, height);
    range_limits(edid + 72);
    text_descriptor(edid + 90, 0xfc, "Ringside");
    text_descriptor(edid + 108, 0xff, "1");
    for (unsigned i = 0; i < EDID_SIZE - 1; i++) {
        sum += edid[i];
    }
    edid[EDID_SIZE - 1] = (u8)-sum;
}
