/*
 * theme.c: see theme.h.
 */
#include "frontend/lab/theme.h"

enum { RING0 = 0xff6b5e, RING1 = 0xffa94d, RING2 = 0xe5d352, RING3 = 0x5fd38d, SMM = 0xd48bf0, GUEST = 0x6cc5ff, IDLE = 0x93a0af };

static const struct theme_style styles[STYLE_COUNT] = {
    [STYLE_TEXT] = {"text", 0xd5dae0, false, 0x07},
    [STYLE_DIM] = {"dim", 0x93a0af, false, 0x03},
    [STYLE_STRONG] = {"strong", 0xffffff, true, 0x0f},
    [STYLE_TITLE] = {"title", 0x8fd0ff, true, 0x0b},
    [STYLE_KEY] = {"key", 0xffd166, true, 0x0e},
    [STYLE_GOOD] = {"good", 0x5fd38d, false, 0x0a},
    [STYLE_BAD] = {"bad", 0xff7b70, true, 0x0c},
    [STYLE_NOTE] = {"note", 0xffd166, false, 0x0e},
    [STYLE_FRAME] = {"frame", 0x8b9cae, false, 0x03},
    [STYLE_RING0] = {"ring0", RING0, true, 0x0c},
    [STYLE_RING1] = {"ring1", RING1, true, 0x06},
    [STYLE_RING2] = {"ring2", RING2, true, 0x0e},
    [STYLE_RING3] = {"ring3", RING3, true, 0x0a},
    [STYLE_SMM] = {"smm", SMM, true, 0x0d},
    [STYLE_GUEST] = {"guest", GUEST, true, 0x0b},
};

static const struct theme_pattern patterns[RUNE_END - RUNE_RING0] = {
    {RING0, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
    {RING1, {0x11, 0x22, 0x44, 0x88, 0x11, 0x22, 0x44, 0x88}},
    {RING2, {0x55, 0x00, 0xaa, 0x00, 0x55, 0x00, 0xaa, 0x00}},
    {RING3, {0xff, 0x00, 0xff, 0x00, 0xff, 0x00, 0xff, 0x00}},
    {SMM, {0xcc, 0xcc, 0x33, 0x33, 0xcc, 0xcc, 0x33, 0x33}},
    {GUEST, {0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88}},
    {IDLE, {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xaa}},
};

const struct theme_style *theme_style(unsigned style)
{
    style &= (unsigned)~STYLE_SELECTED;
    return &styles[style < STYLE_COUNT ? style : STYLE_TEXT];
}

const struct theme_pattern *theme_pattern(u32 rune)
{
    return rune >= RUNE_RING0 && rune < RUNE_END ? &patterns[rune - RUNE_RING0] : NULL;
}
