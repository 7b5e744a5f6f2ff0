/*
 * statusbar.c: see statusbar.h.
 */
#include "frontend/ui/statusbar.h"

#include <stdio.h>
#include <string.h>

#define COLOR_BACK   0x1d2229
#define COLOR_LINE   0x3a424d
#define COLOR_DIM    0x7d8794
#define COLOR_TEXT   0xd5dae0
#define COLOR_BRIGHT 0xffffff
#define COLOR_NOTE   0xffd166

enum {
    GAP = 8,
    BOX_WIDTH = 15,
    BOX_TOP = 3,
    BOX_HEIGHT = 18,
    TEXT_TOP = 4,
    CHART_TOP = 4,
    CHART_STEP = 2
};

static const struct {
    char name;
    u32 color;
    u8 pattern[8];
} places[] = {
    [PLACE_RING0] = {'0', 0xff6b5e, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
    [PLACE_RING1] = {'1', 0xffa94d, {0x11, 0x22, 0x44, 0x88, 0x11, 0x22, 0x44, 0x88}},
    [PLACE_RING2] = {'2', 0xe5d352, {0x55, 0x00, 0xaa, 0x00, 0x55, 0x00, 0xaa, 0x00}},
    [PLACE_RING3] = {'3', 0x5fd38d, {0xff, 0x00, 0xff, 0x00, 0xff, 0x00, 0xff, 0x00}},
    [PLACE_SMM] = {'S', 0xd48bf0, {0xcc, 0xcc, 0x33, 0x33, 0xcc, 0xcc, 0x33, 0x33}},
};

struct pen {
    struct surface *bar;
    const struct font *font;
    u32 x, end;
};

static bool room_for(const struct pen *p, u32 width)
{
    return p->x + width + GAP <= p->end;
}

/* Text in a field of `width` letters, so that what follows does not move. */
static void field(struct pen *p, u32 width, u32 color, const char *text)
{
    if (room_for(p, width * FONT_WIDTH)) {
        canvas_text(p->bar, p->font, p->x, TEXT_TOP, 1, color, text);
        p->x += width * FONT_WIDTH + GAP;
    }
}

static void ring_boxes(struct pen *p, enum place now)
{
    u32 width = ARRAY_LEN(places) * (BOX_WIDTH + 1);
    if (!room_for(p, width)) {
        return;
    }
    for (unsigned i = 0; i < ARRAY_LEN(places); i++) {
        struct rect box = {p->x + i * (BOX_WIDTH + 1), BOX_TOP, BOX_WIDTH, BOX_HEIGHT};
        bool lit = i == now;
        char s[2] = {places[i].name};
        if (lit) {
            canvas_fill(p->bar, box, COLOR_BRIGHT);
            struct rect band = {box.x + 1, box.y + BOX_HEIGHT - 5, BOX_WIDTH - 2, 4};
            canvas_fill(p->bar, band, COLOR_BACK);
            canvas_pattern(p->bar, band, places[i].pattern, places[i].color);
        }
        canvas_frame(p->bar, box, lit ? places[i].color : COLOR_LINE);
        canvas_text(p->bar, p->font, box.x + 4, BOX_TOP - (lit ? 1 : 0), 1,
                    lit ? COLOR_BACK : COLOR_DIM, s);
    }
    p->x += width + GAP;
}

static void lamps(struct pen *p, const struct status *status)
{
    static const char *const names[LAMP_COUNT] = {"HD", "CD", "FD"};
    for (unsigned i = 0; i < LAMP_COUNT; i++) {
        enum lamp_state state = status->lamp[i];
        u32 width = 3 * FONT_WIDTH + 4;
        if (state == LAMP_NONE || !room_for(p, width)) {
            continue;
        }
        bool lit = state == LAMP_READ || state == LAMP_WRITE;
        char s[4] = {names[i][0], names[i][1],
                     state == LAMP_READ    ? 'r'
                     : state == LAMP_WRITE ? 'w'
                                           : ' '};
        struct rect box = {p->x, BOX_TOP, width, BOX_HEIGHT};
        if (lit) {
            canvas_fill(p->bar, box, state == LAMP_WRITE ? 0xffa94d : 0x5fd38d);
        } else {
            canvas_frame(p->bar, box, COLOR_LINE);
        }
        canvas_text(p->bar, p->font, p->x + 2 + (lit ? 0 : FONT_WIDTH / 2), TEXT_TOP, 1,
                    lit ? COLOR_BACK : COLOR_DIM, s);
        p->x += width + 3;
    }
    p->x += GAP - 3;
}

/* The last seconds: a mark for each sample, the outer ring the higher; idle draws the ground line.
 */
static void chart(struct pen *p, const struct status *status)
{
    enum { WIDTH = STATUS_HISTORY * CHART_STEP + 2, ROW = 3 };
    if (!room_for(p, WIDTH)) {
        return;
    }
    canvas_frame(p->bar, (struct rect){p->x, CHART_TOP - 1, WIDTH, 18}, COLOR_LINE);
    for (unsigned i = 0; i < STATUS_HISTORY; i++) {
        enum place place = status->history[i];
        u32 x = p->x + 1 + i * CHART_STEP;
        u32 low = CHART_TOP + 15;
        if (place == PLACE_IDLE) {
            canvas_fill(p->bar, (struct rect){x, low, CHART_STEP, 1}, COLOR_DIM);
        } else {
            u32 row = place == PLACE_SMM ? 0 : place + 1;
            canvas_fill(p->bar, (struct rect){x, low - ROW * (row + 1) + 1, CHART_STEP, ROW},
                        places[place].color);
        }
    }
    p->x += WIDTH + GAP;
}

static void describe_speed(const struct status *status, char text[16])
{
    if (status->paused) {
        snprintf(text, 16, "PAUSED");
    } else if (status->uncounted) {
        snprintf(text, 16, "   - MIPS");
    } else {
        snprintf(text, 16, "%4u MIPS", status->mips > 9999 ? 9999 : status->mips);
    }
}

void statusbar_draw(struct surface *bar, const struct font *font, const struct status *status,
                    const char *note)
{
    char speed[16];
    u32 note_width = (u32)strlen(note) * FONT_WIDTH;
    struct pen pen = {bar, font, GAP, bar->width};
    canvas_fill(bar, (struct rect){0, 0, bar->width, bar->height}, COLOR_BACK);
    canvas_fill(bar, (struct rect){0, 0, bar->width, 1}, COLOR_LINE);
    if (note_width + 2 * GAP <= bar->width) {
        pen.end = bar->width - note_width - 2 * GAP;
        canvas_text(bar, font, pen.end + GAP, TEXT_TOP, 1, COLOR_NOTE, note);
    }
    describe_speed(status, speed);
    ring_boxes(&pen, status->place);
    field(&pen, 13, COLOR_TEXT, place_name(status->place));
    field(&pen, 9, COLOR_DIM, status->mode);
    field(&pen, 9, status->paused ? COLOR_NOTE : COLOR_TEXT, speed);
    lamps(&pen, status);
    chart(&pen, status);
}
