/*
 * lab_test.c: the lab without a display: keys go in, screens come out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/base/bits.h"
#include "frontend/lab/explain.h"
#include "frontend/lab/lab_state.h"

enum { COLUMNS = 80, ROWS = 30 };

static struct machine *machine_at_reset(void)
{
    struct machine_config config = {.ram_bytes = 16 << 20, .cpu = "qemu64", .vga = true, .boot_order = "c", .counted = true};
    struct error err;
    struct machine *m = machine_create();
    if (!pc_build(m, &config, &err)) {
        fail_msg("%s", err.text);
    }
    m->paused = true;
    return m;
}

static int set_up(void **state)
{
    *state = lab_open(machine_at_reset());
    return 0;
}

static struct machine *machine_of(struct lab *lab)
{
    return lab->machine;
}

static int tear_down(void **state)
{
    struct machine *m = machine_of(*state);
    lab_destroy(*state);
    crossings_destroy(m);
    explain_stop(m);
    machine_dismantle(m);
    machine_destroy(m);
    return 0;
}

/* The screen as text, as large as that. */
static char *screen_of(struct lab *lab, unsigned columns, unsigned rows)
{
    static char *text;
    size_t size;
    bool changed;
    const struct view *screen = lab_screen(lab, columns, rows, &changed);
    assert_int_equal(screen->columns, columns);
    assert_int_equal(screen->rows, rows);
    free(text);
    FILE *out = open_memstream(&text, &size);
    view_print(screen, out);
    fclose(out);
    return text;
}

static void assert_shows(struct lab *lab, const char *part)
{
    char *text = screen_of(lab, COLUMNS, ROWS);
    if (!strstr(text, part)) {
        fail_msg("%s is not on the screen:\n%s", part, text);
    }
}

static void assert_hides(struct lab *lab, const char *part)
{
    char *text = screen_of(lab, COLUMNS, ROWS);
    if (strstr(text, part)) {
        fail_msg("%s is on the screen:\n%s", part, text);
    }
}

static void type(struct lab *lab, const char *text)
{
    for (; *text; text++) {
        lab_key(lab, (u8)*text);
    }
}

/* ---- the lab alone */

static void first_screen(void **state)
{
    assert_shows(*state, " ring 0  real mode  f000:0000fff0  PAUSED");
    assert_shows(*state, "[1 Now]");
    assert_shows(*state, "Space run/pause");
    bool changed;
    lab_touch(*state);
    lab_screen(*state, COLUMNS, ROWS, &changed);
    assert_false(changed);
    lab_key(*state, ':');
    lab_screen(*state, COLUMNS, ROWS, &changed);
    assert_true(changed);
}

static void every_page_at_every_size(void **state)
{
    static const unsigned sizes[][2] = {{40, 10}, {80, 24}, {100, 40}, {200, 60}, {VIEW_COLUMNS_MAX, 10}};
    for (unsigned n = 0; n < lab_page_count(); n++) {
        assert_true(lab_show(*state, lab_pages[n].name));
        for (unsigned k = 0; k < ARRAY_LEN(sizes); k++) {
            screen_of(*state, sizes[k][0], sizes[k][1]);
        }
    }
    assert_false(lab_show(*state, "no such page"));
}

static void keys_turn_pages(void **state)
{
    lab_key(*state, '2');
    assert_shows(*state, "[2 Segments]");
    lab_key(*state, LAB_LEFT);
    assert_hides(*state, "[2 Segments]");
    lab_key(*state, LAB_RIGHT);
    assert_shows(*state, "[2 Segments]");
    for (unsigned n = 0; n < lab_page_count(); n++) {
        lab_key(*state, LAB_RIGHT);
    }
    assert_shows(*state, "[2 Segments]");
}

static void scrolling(void **state)
{
    type(*state, ":help\r");
    assert_shows(*state, "[o Output]");
    assert_shows(*state, "> help");
    assert_shows(*state, "lines 1 to");
    lab_key(*state, LAB_DOWN);
    assert_hides(*state, "> help");
    assert_shows(*state, "lines 2 to");
    lab_key(*state, LAB_END);
    assert_shows(*state, "info version");
    lab_key(*state, LAB_DOWN);
    assert_shows(*state, "info version");
    lab_key(*state, LAB_PGUP);
    assert_hides(*state, "info version");
    lab_key(*state, LAB_HOME);
    lab_key(*state, LAB_UP);
    assert_shows(*state, "lines 1 to");
}

static void commands(void **state)
{
    lab_key(*state, ':');
    type(*state, "info statuz");
    assert_shows(*state, ": info statuz");
    assert_shows(*state, "Enter do it");
    lab_key(*state, LAB_BACKSPACE);
    type(*state, "s\r");
    assert_shows(*state, "VM status: paused");
    lab_key(*state, 'x');
    assert_hides(*state, "VM status: paused");
    type(*state, ":nonsense\r");
    assert_shows(*state, "Error: there is no command nonsense");
    lab_say(*state, "%s", "a message that is longer than a line of the screen, so that its end stands in the next line, whole");
    assert_shows(*state, "next line, whole");
    lab_key(*state, ':');
    lab_key(*state, LAB_UP);
    assert_shows(*state, ": nonsense");
    lab_key(*state, LAB_ESCAPE);
    assert_hides(*state, ": nonsense");
    for (unsigned n = 0; n < 3000; n++) {
        type(*state, n ? "long " : ":");
    }
    screen_of(*state, COLUMNS, ROWS);
    lab_key(*state, LAB_ENTER);
    for (unsigned n = 0; n < 200; n++) {
        type(*state, ":help\r");
    }
    assert_true(((struct lab *)*state)->output.size <= LAB_OUTPUT_MAX);
}

static void addresses(void **state)
{
    assert_int_equal(lab_address(*state), 0xfffffff0);
    type(*state, "a$esp+4*2\r");
    assert_int_equal(lab_address(*state), 8);
    type(*state, "anonsense\r");
    assert_shows(*state, "nonsense");
    type(*state, "a\r");
    assert_int_equal(lab_address(*state), 0xfffffff0);
}

static void run_and_pause(void **state)
{
    struct machine *m = machine_of(*state);
    lab_key(*state, ' ');
    assert_false(m->paused);
    assert_shows(*state, "running");
    lab_key(*state, ' ');
    assert_true(m->paused);
    assert_shows(*state, "PAUSED");
}

static void steps(void **state)
{
    struct machine *m = machine_of(*state);
    lab_key(*state, 's');
    assert_shows(*state, "f000:0000e05b  PAUSED");
    assert_shows(*state, "step \xe2\x94\x80");
    lab_key(*state, 'n');
    assert_int_equal(cpu_icount(m->cpu), 2);
    type(*state, ":catch ring\r");
    lab_key(*state, 'k');
    assert_shows(*state, "a change of the ring");
}

/* ---- the timeline */

static void timeline(void **state)
{
    lab_key(*state, 't');
    assert_shows(*state, "[t Timeline]");
    assert_shows(*state, ", crossing before");
    type(*state, "+++--,.[]l=");
    screen_of(*state, COLUMNS, ROWS);
    for (unsigned n = 0; n < 200; n++) {
        type(*state, "-");
    }
    screen_of(*state, COLUMNS, ROWS);
    for (unsigned n = 0; n < 200; n++) {
        type(*state, "+");
    }
    screen_of(*state, COLUMNS, ROWS);
}

static void why(void **state)
{
    type(*state, "w,,..");
    assert_shows(*state, "[w Why]");
    assert_shows(*state, ", exception before");
}

/* ---- the panel */

struct note {
    unsigned draws, rows;
    u32 key;
};

static void note_draw(void *opaque, struct view *page)
{
    struct note *note = opaque;
    note->draws++;
    for (unsigned n = 0; n < note->rows; n++) {
        view_printf(page, STYLE_TEXT, "note %u of %u columns\n", n, page->columns);
    }
}

static bool note_key(void *opaque, u32 key)
{
    struct note *note = opaque;
    note->key = key;
    return key == 's';
}

static void panels(void **state)
{
    struct note note = {.rows = 60};
    const struct lab_panel panel = {"Notes", note_draw, note_key, &note};
    lab_set_panel(*state, &panel);
    assert_shows(*state, "note 0 of 80 columns");
    assert_shows(*state, "Notes");
    assert_shows(*state, "Tab panel/page");
    assert_shows(*state, "> f000:");
    lab_key(*state, 's');
    assert_int_equal(note.key, 's');
    lab_key(*state, '2');
    assert_int_equal(note.key, '2');
    assert_shows(*state, "[2 Segments]");
    lab_key(*state, LAB_END);
    assert_shows(*state, "note 59");
    lab_panel_follow(*state, 20, 3);
    assert_shows(*state, "note 20");
    lab_key(*state, LAB_TAB);
    lab_key(*state, '1');
    assert_int_equal(note.key, LAB_END);
    assert_non_null(strstr(screen_of(*state, 80, 20), "> f000:"));
    assert_null(strstr(screen_of(*state, 80, 20), "note 20"));
    lab_key(*state, LAB_TAB);
    assert_non_null(strstr(screen_of(*state, 80, 20), "note 20"));
    assert_non_null(strstr(screen_of(*state, 150, 30), "note 20 of 68 columns"));
    for (unsigned columns = 40; columns < 200; columns += 13) {
        for (unsigned rows = 10; rows < 60; rows += 7) {
            screen_of(*state, columns, rows);
        }
    }
    lab_set_panel(*state, NULL);
    assert_hides(*state, "note");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(first_screen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_page_at_every_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_turn_pages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(scrolling, set_up, tear_down),
        cmocka_unit_test_setup_teardown(commands, set_up, tear_down),
        cmocka_unit_test_setup_teardown(addresses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(run_and_pause, set_up, tear_down),
        cmocka_unit_test_setup_teardown(steps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(timeline, set_up, tear_down),
        cmocka_unit_test_setup_teardown(why, set_up, tear_down),
        cmocka_unit_test_setup_teardown(panels, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
