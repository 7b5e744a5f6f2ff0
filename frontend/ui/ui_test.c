/*
 * ui_test.c: what the displays are made of: scaling, letters, the terminal's keys, code page 437.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/text.h"
#include "frontend/ui/canvas.h"
#include "frontend/ui/statusbar.h"
#include "frontend/ui/term_keys.h"

/* ---- canvas */

static u32 at(const struct surface *s, u32 x, u32 y)
{
    return s->pixels[(size_t)y * s->stride + x];
}

static void fill_with_numbers(struct surface *s)
{
    for (u32 y = 0; y < s->height; y++) {
        for (u32 x = 0; x < s->width; x++) {
            s->pixels[(size_t)y * s->stride + x] = (y * 1000 + x) * 2654435761u & 0xffffff;
        }
    }
}

static void test_whole_multiples_are_exact(void **state)
{
    struct surface from = {0}, to = {0};
    (void)state;
    surface_resize(&from, 13, 7);
    fill_with_numbers(&from);
    for (u32 k = 1; k <= 4; k++) {
        surface_resize(&to, 13 * k + 10, 7 * k + 10);
        struct rect area = canvas_fit((struct rect){0, 0, to.width, to.height}, 13, 7, true);
        assert_int_equal(area.width, 13 * k);
        /* In two parts, as damage comes. */
        canvas_scaled(&to, area, &from, (struct rect){0, 0, 13, 4});
        struct rect drawn = canvas_scaled(&to, area, &from, (struct rect){2, 4, 11, 3});
        assert_int_equal(drawn.x, area.x + 2 * k);
        assert_int_equal(drawn.height, 3 * k);
        for (u32 y = 0; y < 4 * k; y++) {
            for (u32 x = 0; x < 13 * k; x++) {
                assert_int_equal(at(&to, area.x + x, area.y + y), at(&from, x / k, y / k));
            }
        }
    }
    surface_free(&from);
    surface_free(&to);
}

/* Whatever was damaged, drawing only that gives the same as drawing all. */
static void test_parts_make_the_whole(void **state)
{
    struct surface from = {0}, all = {0}, parts = {0};
    u32 seed = 7;
    (void)state;
    surface_resize(&from, 40, 30);
    for (unsigned round = 0; round < 50; round++) {
        u32 width = 20 + round * 3, height = 15 + round * 2;
        surface_resize(&all, width + 5, height + 5);
        surface_resize(&parts, width + 5, height + 5);
        fill_with_numbers(&from);
        struct rect area = {3, 2, width, height};
        canvas_scaled(&parts, area, &from, (struct rect){0, 0, 40, 30});
        for (unsigned i = 0; i < 20; i++) {
            seed = seed * 1664525 + 1013904223;
            struct rect r = {seed >> 27, seed >> 22 & 15, 1 + (seed >> 18 & 15),
                             1 + (seed >> 14 & 15)};
            r.width = r.x + r.width > 40 ? 40 - r.x : r.width;
            r.height = r.y + r.height > 30 ? 30 - r.y : r.height;
            canvas_fill(&from, r, seed & 0xffffff);
            canvas_scaled(&parts, area, &from, r);
        }
        canvas_scaled(&all, area, &from, (struct rect){0, 0, 40, 30});
        assert_memory_equal(all.pixels, parts.pixels, (size_t)all.stride * all.height * 4);
    }
    surface_free(&from);
    surface_free(&all);
    surface_free(&parts);
}

static void test_flat_colours_stay(void **state)
{
    struct surface from = {0}, to = {0};
    (void)state;
    surface_resize(&from, 5, 5);
    canvas_fill(&from, (struct rect){0, 0, 9, 9}, 0xfedcba);
    surface_resize(&to, 17, 13);
    canvas_scaled(&to, (struct rect){0, 0, 17, 13}, &from, (struct rect){0, 0, 5, 5});
    for (u32 i = 0; i < 17 * 13; i++) {
        assert_int_equal(to.pixels[i], 0xfedcba);
    }
    surface_free(&from);
    surface_free(&to);
}

static void test_fit(void **state)
{
    struct rect room = {10, 20, 1000, 700}, r;
    (void)state;
    r = canvas_fit(room, 720, 400, true);
    assert_int_equal(r.width, 720);
    assert_int_equal(r.x, 10 + 140);
    r = canvas_fit(room, 720, 400, false);
    assert_int_equal(r.width, 1000);
    assert_int_equal(r.height, 555);
    r = canvas_fit(room, 1600, 1200, true); /* larger than the room */
    assert_int_equal(r.height, 700);
    assert_int_equal(r.width, 933);
    r = canvas_fit(room, 0, 0, true);
    assert_int_equal(r.width, 0);
}

/* Nothing is drawn outside, whatever the size. */
static void test_status_bar_at_any_width(void **state)
{
    struct font font;
    struct status status = {.place = PLACE_RING3,
                            .mode = "real mode",
                            .mips = 99999,
                            .lamp = {LAMP_READ, LAMP_WRITE, LAMP_OFF}};
    (void)state;
    font_plain(&font);
    for (u32 width = 1; width < 900; width += 7) {
        struct surface bar = {0};
        surface_resize(&bar, width, STATUSBAR_HEIGHT);
        status.place = width % PLACE_COUNT;
        memset(status.history, (int)status.place, sizeof status.history);
        statusbar_draw(&bar, &font, &status, "Ctrl-Alt-G frees mouse");
        surface_free(&bar);
    }
}

/* ---- letters */

static void test_font_is_found_in_a_bios(void **state)
{
    static u8 image[20000];
    struct font font;
    (void)state;
    assert_false(font_from_vga_bios(&font, image, sizeof image));
    u8 *f = image + 5003;
    memcpy(f + 16, (const u8[]){0, 0, 0x7e, 0x81, 0xa5}, 5);
    memset(f + 0xdb * 16, 0xff, 16);
    f[0xdd * 16 - 1] = 0xff;
    f['A' * 16 + 3] = 0x18;
    assert_true(font_from_vga_bios(&font, image, sizeof image));
    assert_int_equal(font.rows['A'][3], 0x18);
    assert_false(font_from_vga_bios(&font, image, 5003 + 4095));
}

static void test_code_page(void **state)
{
    char utf8[5];
    (void)state;
    assert_int_equal(text_unicode('A'), 'A');
    assert_int_equal(text_unicode(0xdb), 0x2588);
    assert_int_equal(text_unicode(0xe1), 0xdf);
    assert_int_equal(text_unicode(0), ' ');
    assert_int_equal(text_utf8(0x2588, utf8), 3);
    assert_string_equal(utf8, "█");
    assert_int_equal(text_utf8(0xe9, utf8), 2);
    assert_string_equal(utf8, "é");
    assert_int_equal(text_utf8(0x1f600, utf8), 4);
    assert_string_equal(utf8, "😀");
}

/* ---- keys */

static void test_terminal_keys(void **state)
{
    static const struct {
        const char *bytes, *name;
    } cases[] = {
        {"a", "a"},
        {"A", "shift-a"},
        {"\r", "ret"},
        {"\t", "tab"},
        {"\177", "backspace"},
        {"\x03", "ctrl-c"},
        {"\x1c", "ctrl-backslash"},
        {"\033[A", "up"},
        {"\033OD", "left"},
        {"\033OP", "f1"},
        {"\033[15~", "f5"},
        {"\033[24~", "f12"},
        {"\033[[B", "f2"},
        {"\033[1;5C", "ctrl-right"},
        {"\033[3;4~", "alt-shift-delete"},
        {"\033[Z", "shift-tab"},
        {"\033x", "alt-x"},
        {"\033X", "alt-shift-x"},
        {"~", "shift-grave_accent"},
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct term_keys keys = {0};
        struct keystroke stroke;
        char name[64] = "";
        for (const char *p = cases[i].bytes; *p; p++) {
            bool whole = term_keys_byte(&keys, (u8)*p, &stroke);
            assert_int_equal(whole, !p[1]);
        }
        keystroke_name(&stroke, name);
        assert_string_equal(name, cases[i].name);
        assert_false(term_keys_pending(&keys));
    }
}

static void test_escape_alone(void **state)
{
    struct term_keys keys = {0};
    struct keystroke stroke;
    (void)state;
    assert_false(term_keys_byte(&keys, 0x1b, &stroke));
    assert_true(term_keys_pending(&keys));
    assert_true(term_keys_flush(&keys, &stroke));
    assert_true(stroke.key == KEY_ESC && !stroke.alt);
    term_keys_byte(&keys, 0x1b, &stroke);
    term_keys_byte(&keys, '[', &stroke);
    assert_true(term_keys_flush(&keys, &stroke));
    assert_true(stroke.key == KEY_BRACKET_LEFT && stroke.alt);
    assert_false(term_keys_flush(&keys, &stroke));
}

static void test_random_bytes(void **state)
{
    struct term_keys keys = {0};
    struct keystroke stroke;
    u32 seed = 3;
    (void)state;
    for (unsigned i = 0; i < 300000; i++) {
        seed = seed * 1664525 + 1013904223;
        u8 byte = seed >> 31 ? (u8) "\033[O;1~A"[seed >> 24 & 7 ? (seed >> 24 & 7) - 1 : 0]
                             : (u8)(seed >> 16);
        if (term_keys_byte(&keys, byte, &stroke)) {
            assert_true(stroke.key > KEY_NONE && stroke.key < KEY_COUNT);
        }
        assert_true(keys.count <= sizeof keys.pending);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_multiples_are_exact),
        cmocka_unit_test(test_parts_make_the_whole),
        cmocka_unit_test(test_flat_colours_stay),
        cmocka_unit_test(test_fit),
        cmocka_unit_test(test_status_bar_at_any_width),
        cmocka_unit_test(test_font_is_found_in_a_bios),
        cmocka_unit_test(test_code_page),
        cmocka_unit_test(test_terminal_keys),
        cmocka_unit_test(test_escape_alone),
        cmocka_unit_test(test_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
