/*
 * view_svg_test.c: pages as SVG and HTML are well-formed (python3's parser says so) and hold each letter at its place; the theme
 * can be read by people who see less.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/lab/theme.h"
#include "frontend/lab/view_svg.h"

static char *text_of(const struct view *page, void (*write)(const struct view *page, FILE *out))
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    write(page, out);
    fclose(out);
    return text;
}

static void as_svg(const struct view *page, FILE *out)
{
    view_svg(page, "a <title> & more", out);
}

static void as_html(const struct view *page, FILE *out)
{
    view_html(page, out);
}

static void assert_holds(const char *text, const char *part)
{
    if (!strstr(text, part)) {
        fail_msg("%s is not in:\n%s", part, text);
    }
}

/* Every style, every pattern, wide letters, and letters that markup does not like. */
static void fill(struct view *page)
{
    view_init(page, 60);
    view_put(page, STYLE_TEXT, "\n");
    for (unsigned style = 0; style < STYLE_COUNT; style++) {
        view_printf(page, style, "style %u <&> \"'\n", style);
    }
    for (u32 rune = RUNE_RING0; rune < RUNE_END; rune++) {
        view_rune(page, STYLE_TEXT, rune);
        view_rune(page, STYLE_TEXT, rune);
    }
    view_put(page, STYLE_TEXT, " \xeb\xa7\x81 0 \xe2\x94\x80\n\x01\x1b\xc2\x9b \xef\xbf\xbf\xf0\x9f\x98\x80\n");
    view_select(page, 3);
}

static bool well_formed(const char *text)
{
    FILE *python = popen("python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parseString(sys.stdin.buffer.read())'", "w");
    fputs(text, python);
    return !pclose(python);
}

static void svg(void **state)
{
    (void)state;
    struct view page;
    fill(&page);
    char *text = text_of(&page, as_svg);
    assert_true(well_formed(text));
    assert_holds(text, "<title>a &lt;title&gt; &amp; more</title>");
    assert_holds(text, "&lt;&amp;&gt;");
    assert_holds(text, "fill=\"url(#lab-p6)\"");
    assert_null(strstr(text, "href"));
    /* The word after the 14 cells of patterns and a blank begins at cell 15, and is as wide as two. */
    assert_holds(text, "<text x=\"128\" y=\"276\" textLength=\"16\" fill=\"#d5dae0\">\xeb\xa7\x81</text>");
    free(text);
    view_free(&page);
}

static void html(void **state)
{
    (void)state;
    struct view page;
    fill(&page);
    char *text = text_of(&page, as_html);
    assert_true(well_formed(text));
    assert_holds(text, "<pre class=\"lab\">\n\nstyle 0 &lt;&amp;&gt; &quot;&#39;\n");
    assert_holds(text, "<span class=\"bad\">style 6");
    assert_holds(text, "<span class=\"strong selected\">style 2");
    free(text);
    view_free(&page);
}

static void empty(void **state)
{
    (void)state;
    struct view page;
    view_init(&page, 0);
    char *text = text_of(&page, as_svg);
    assert_true(well_formed(text));
    free(text);
    view_free(&page);
}

/* WCAG 2.1, relative luminance. */
static double luminance(u32 color)
{
    double sum = 0;
    for (unsigned n = 0; n < 3; n++) {
        double c = (color >> (16 - 8 * n) & 0xff) / 255.0;
        sum += (const double[]){0.2126, 0.7152, 0.0722}[n] * (c <= 0.03928 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4));
    }
    return sum;
}

static void contrast(void **state)
{
    (void)state;
    for (unsigned n = 0; n < STYLE_COUNT; n++) {
        double on_paper = (luminance(theme_style(n)->color) + 0.05) / (luminance(THEME_PAPER) + 0.05);
        double selected = (luminance(theme_style(n)->color) + 0.05) / (luminance(THEME_SELECTED) + 0.05);
        if (on_paper < 4.5 || selected < 3.5) {
            fail_msg("%s: %.2f, selected %.2f", theme_style(n)->name, on_paper, selected);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(svg),
        cmocka_unit_test(html),
        cmocka_unit_test(empty),
        cmocka_unit_test(contrast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
