/*
 * view_test.c: pages of cells: UTF-8, letters of two cells, wrapping, copying, printing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/lab/view.h"

static char *printed(const struct view *view)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    view_print(view, out);
    fclose(out);
    return text;
}

static void assert_printed(struct view *view, const char *expected)
{
    char *text = printed(view);
    assert_string_equal(text, expected);
    free(text);
    view_free(view);
}

static void letters(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        u32 rune;
    } cases[] = {{"A", 'A'},          {"\xc3\xa9", 0xe9},     {"\xea\xb0\x80", 0xac00}, {"\xf0\x9f\x98\x80", 0x1f600},
                 {"\xff", 0xfffd},    {"\xc0\x80", 0xfffd},   {"\xe0\x80\x80", 0xfffd}, {"\xed\xa0\x80", 0xfffd},
                 {"\xe2\x82", 0xfffd}, {"\xf4\x90\x80\x80", 0xfffd}, {"", 0}};
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        const char *text = cases[n].text;
        assert_int_equal(rune_next(&text), cases[n].rune);
        char back[8];
        if (cases[n].rune != 0xfffd && cases[n].rune) {
            assert_int_equal(rune_write(cases[n].rune, back), strlen(cases[n].text));
            assert_string_equal(back, cases[n].text);
        }
    }
    assert_int_equal(rune_cells(0xac00), 2);
    assert_int_equal(rune_cells('x'), 1);
}

static void lines(void **state)
{
    (void)state;
    struct view v;
    view_init(&v, 10);
    view_put(&v, STYLE_TITLE, "ring");
    view_tab(&v, 6);
    view_printf(&v, STYLE_TEXT, "%d", 3);
    view_put(&v, STYLE_TEXT, "\nlonger than the line\n\nend");
    assert_printed(&v, "ring  3\nlonger tha\n\nend\n");
}

static void wide_letters(void **state)
{
    (void)state;
    struct view v;
    view_init(&v, 5);
    view_put(&v, STYLE_TEXT, "\xeb\xa7\x81\xea\xb3\xa0\xeb\xa6\xac"); /* three letters; two fit */
    assert_int_equal(v.cells[0].rune, 0xb9c1);
    assert_int_equal(v.cells[1].rune, 0);
    assert_printed(&v, "\xeb\xa7\x81\xea\xb3\xa0\n");
}

static void wrapping(void **state)
{
    (void)state;
    struct view v;
    view_init(&v, 12);
    view_put(&v, STYLE_TEXT, "> ");
    view_wrap(&v, STYLE_TEXT, 2, "the gate is not present, and incomprehensibilities stay");
    assert_printed(&v, "> the gate\n  is not\n  present,\n  and incomp\n  rehensibil\n  ities stay\n");
}

static void wrapping_fits(void **state)
{
    (void)state;
    struct view v;
    view_init(&v, 8);
    view_wrap(&v, STYLE_TEXT, 0, "ab cdefg hij\nk");
    assert_printed(&v, "ab cdefg\nhij\nk\n");
}

static void copies(void **state)
{
    (void)state;
    struct view page, screen;
    view_init(&page, 4);
    view_put(&page, STYLE_TEXT, "0000\n1111\n2222\n3333");
    view_select(&page, 2);
    view_init(&screen, 6);
    view_copy(&screen, 3, 1, &page, 1, 2, 4);
    assert_int_equal(screen.cells[2 * 6 + 3].style, STYLE_SELECTED);
    view_free(&page);
    assert_printed(&screen, "\n   111\n   222\n");
}

static void bounds(void **state)
{
    (void)state;
    struct view v;
    view_init(&v, VIEW_COLUMNS_MAX + 1);
    assert_int_equal(v.columns, VIEW_COLUMNS_MAX);
    view_at(&v, 0, VIEW_ROWS_MAX);
    view_put(&v, STYLE_TEXT, "x");
    assert_int_equal(v.rows, 0);
    view_at(&v, ~0u, 0); /* where one letter more would be column 0 again */
    view_put(&v, STYLE_TEXT, "ab");
    assert_int_equal(v.rows, 1);
    assert_int_equal(v.x, v.columns);
    view_clear(&v, 0);
    view_wrap(&v, STYLE_TEXT, 0, "nothing to write on");
    view_free(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters),  cmocka_unit_test(lines),         cmocka_unit_test(wide_letters),
        cmocka_unit_test(wrapping), cmocka_unit_test(wrapping_fits), cmocka_unit_test(copies),
        cmocka_unit_test(bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
