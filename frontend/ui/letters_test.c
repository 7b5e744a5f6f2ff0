/*
 * letters_test.c: pages as dots, with the letters of a font file where there is one, and with those of the firmware.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "frontend/lab/theme.h"
#include "frontend/ui/letters.h"

enum { PLACE = 3 /* of the page on the surface, either way */ };

struct drawn {
    struct letters *letters;
    struct surface surface;
};

static u32 dot(const struct drawn *d, u32 x, u32 y)
{
    return d->surface.pixels[(size_t)y * d->surface.stride + x];
}

/* Dots of a cell that are not `paper`. */
static unsigned ink(const struct drawn *d, unsigned column, unsigned row, u32 paper)
{
    unsigned count = 0;
    u32 width = letters_width(d->letters), height = letters_height(d->letters);
    for (u32 y = 0; y < height; y++) {
        for (u32 x = 0; x < width; x++) {
            count += dot(d, PLACE + column * width + x, PLACE + row * height + y) != paper;
        }
    }
    return count;
}

static struct drawn draw(const struct view *page, unsigned percent)
{
    static struct font font;
    struct drawn d = {0};
    font_plain(&font);
    d.letters = letters_create(&font);
    letters_set_size(d.letters, percent);
    u32 width = page->columns * letters_width(d.letters), height = page->rows * letters_height(d.letters);
    surface_resize(&d.surface, width + 2 * PLACE, height + 2 * PLACE);
    letters_draw(d.letters, &d.surface, (struct rect){PLACE, PLACE, width, height}, page);
    return d;
}

static void done(struct drawn *d)
{
    letters_destroy(d->letters);
    surface_free(&d->surface);
}

static void cells(void **state)
{
    struct view page;
    (void)state;
    view_init(&page, 12);
    view_put(&page, STYLE_TEXT, "A \xea\xb0\x80" "B\n");
    view_rune(&page, STYLE_RING0, RUNE_RING0);
    view_rune(&page, STYLE_RING3, RUNE_RING0 + 3);
    view_put(&page, STYLE_FRAME, "\xe2\x94\x80\xe2\x94\x82\n");
    view_put(&page, STYLE_TEXT, " X");
    view_select(&page, 2);
    for (unsigned percent = 100; percent <= 200; percent += 25) {
        struct drawn d = draw(&page, percent);
        u32 width = letters_width(d.letters), height = letters_height(d.letters);
        unsigned all = width * height;
        assert_true(ink(&d, 0, 0, THEME_PAPER) > all / 16 && ink(&d, 0, 0, THEME_PAPER) < all / 2);
        assert_int_equal(ink(&d, 1, 0, THEME_PAPER), 0);
        assert_true(ink(&d, 2, 0, THEME_PAPER) > 0);
        if (!letters_obstacle(d.letters)) {
            assert_true(ink(&d, 3, 0, THEME_PAPER) > 0); /* its right half */
        }
        assert_true(ink(&d, 4, 0, THEME_PAPER) > 0);
        assert_true(ink(&d, 0, 1, THEME_PAPER) > all * 3 / 4);                                       /* filled */
        assert_in_range(ink(&d, 1, 1, THEME_PAPER), all / 3, all * 2 / 3);                           /* every other line */
        assert_int_equal(dot(&d, PLACE + 2 * width, PLACE + height + (height - 1) / 2), theme_style(STYLE_FRAME)->color);
        assert_int_equal(ink(&d, 0, 2, THEME_SELECTED), 0);
        assert_true(ink(&d, 1, 2, THEME_SELECTED) > 0);
        assert_int_equal(dot(&d, PLACE - 1, PLACE), 0); /* outside */
        done(&d);
    }
    view_free(&page);
}

/* Whatever the page and the area, nothing is drawn outside. */
static void bounds(void **state)
{
    static const u32 runes[] = {'A', 0xac00, 0xfffd, 0x1f600, 0x2500, 0x253c, RUNE_RING0, RUNE_IDLE, 0x10ffff, 0xe9, 0xe000 + 200};
    struct view page;
    u32 seed = 5;
    (void)state;
    view_init(&page, 40);
    for (unsigned n = 0; n < 800; n++) {
        seed = seed * 1664525 + 1013904223;
        view_at(&page, seed >> 24 & 63, seed >> 20 & 15);
        view_rune(&page, seed >> 16 & 15, runes[(seed >> 8 & 0xff) % ARRAY_LEN(runes)]);
    }
    struct drawn d = draw(&page, 100);
    for (unsigned n = 0; n < 60; n++) {
        seed = seed * 1664525 + 1013904223;
        letters_set_size(d.letters, 40 + (seed >> 22));
        letters_draw(d.letters, &d.surface, (struct rect){seed >> 24, seed >> 16 & 0xff, seed >> 20, seed >> 21}, &page);
    }
    letters_draw(d.letters, &d.surface, (struct rect){~0u, ~0u, ~0u, ~0u}, &page);
    done(&d);
    view_free(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells),
        cmocka_unit_test(bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
