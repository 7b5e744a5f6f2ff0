/*
 * parse_test.c: what a lesson's files may say, and how each mistake is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cpu/base/bits.h"
#include "frontend/lesson/lesson.h"

#define HEAD "@lesson T\n@see S\n@minutes 1\n"
#define KOREAN "@lesson T\n@see S\n"

struct place {
    char folder[32];
};

static void put(const struct place *p, const char *name, const char *text)
{
    char path[80];
    snprintf(path, sizeof path, "%s/%s", p->folder, name);
    unlink(path);
    if (text) {
        FILE *f = fopen(path, "w");
        fputs(text, f);
        fclose(f);
    }
}

static struct place place_create(void)
{
    struct place p = {"/tmp/ringside-lesson.XXXXXX"};
    assert_non_null(mkdtemp(p.folder));
    return p;
}

static void place_remove(const struct place *p)
{
    put(p, "lesson.txt", NULL);
    put(p, "lesson.ko.txt", NULL);
    rmdir(p->folder);
}

static void reads_everything(void **state)
{
    struct place p = place_create();
    (void)state;
    put(&p, "lesson.txt",
        "; a comment\n" HEAD "@order 7\n@cpu 386\n\n== one The first\n@run at main\n@run exception GP\n@show source, walk 0x1000\n"
        "Line one\nline two.\n\n  kept\n@number How many?\n+ 3\n  yes\n- 4\n  no,\n  not four\n? count\n  again\n"
        "== two The second\nText\n@edit here Change it.\n@then at there\n@check $ring == 3\n  ring\n+ nop\n? other\n");
    struct lesson *l = lesson_load(p.folder, "en", NULL);
    assert_non_null(l);
    assert_int_equal(l->steps, 2);
    assert_int_equal(l->number, 7);
    const struct step *s = &l->step[0];
    assert_string_equal(s->text, "Line one\nline two.\n\n  kept");
    assert_int_equal(s->run_count, 2);
    assert_string_equal(s->run[1].argument, "GP");
    assert_int_equal(s->show.count, 2);
    assert_string_equal(s->show.text[1], "walk 0x1000");
    assert_int_equal(s->question, QUESTION_NUMBER);
    assert_int_equal(s->answer_count, 2);
    assert_string_equal(s->answer[0].hint, "yes");
    assert_string_equal(s->answer[1].hint, "no,\nnot four");
    assert_string_equal(s->otherwise, "count\nagain");
    assert_string_equal(l->step[1].mark, "here");
    assert_string_equal(l->step[1].check[0].hint, "ring");
    assert_string_equal(l->step[1].otherwise, "other");
    lesson_free(l);
    place_remove(&p);
}

static void tells_mistakes(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "header needs"},
        {"text\n", "1: text belongs to a step"},
        {HEAD, "no steps"},
        {HEAD "== one\n", "4: a step has a name and a title"},
        {HEAD "== one T\n", "says nothing"},
        {HEAD "== one T\ntext\n== one T\n", "two steps 'one'"},
        {HEAD "@run at x\n", "4: @run belongs to a step"},
        {HEAD "== one T\n@minutes 3\n", "stands before the first step"},
        {HEAD "== one T\n@nonsense\n", "there is no @nonsense"},
        {HEAD "== one T\n@run away\n", "run until what?"},
        {HEAD "== one T\n@run at\n", "needs something"},
        {HEAD "== one T\n@show nothing\n", "no page 'nothing'"},
        {HEAD "== one T\n@show memory\n", "no page 'memory'"},
        {HEAD "== one T\nt\n@choice C\n+ a\n", "one right answer (+) and wrong ones"},
        {HEAD "== one T\nt\n@choice C\n+ a\n- b\n", "8: a wrong answer has a hint"},
        {HEAD "== one T\nt\n@choice C\n+ a\n- b\n  h\n+ c\n", "one right answer"},
        {HEAD "== one T\nt\n@number C\n+ 1\n", "a '? HINT' line"},
        {HEAD "== one T\nt\n@number C\n- 1\n  h\n? x\n", "right answer (+) is missing"},
        {HEAD "== one T\nt\n@edit m C\n+ nop\n? x\n", "@check is missing"},
        {HEAD "== one T\nt\n@edit m\n+ nop\n? x\n", "@edit MARK needs a text"},
        {HEAD "== one T\nt\n@choice C\nmore text\n", "7: behind a question"},
        {HEAD "== one T\nt\n@choice C\n@short D\n", "one question"},
        {HEAD "== one T\nt\n@check 1\n", "@check belongs behind"},
        {"@minutes x\n", "1: @minutes: a number"},
        {"@program ../x.asm\n", "own folder"},
    };
    struct place p = place_create();
    (void)state;
    for (unsigned n = 0; n < ARRAY_LEN(cases); n++) {
        struct error err = {""};
        put(&p, "lesson.txt", cases[n].text);
        assert_null(lesson_load(p.folder, "en", &err));
        if (!strstr(err.text, cases[n].says) || !strstr(err.text, "lesson.txt:")) {
            fail_msg("no '%s' in '%s'", cases[n].says, err.text);
        }
    }
    place_remove(&p);
}

static void translations_are_step_by_step(void **state)
{
    static const char original[] = HEAD "== one T\n@run at main\n@show source\nt\n@choice C\n- a\n  h\n+ b\n"
                                        "== two T\nt\n@short C\n+ word\n? h\n";
    static const struct {
        const char *text, *says;
    } cases[] = {
        {KOREAN "== one T\nt\n@choice C\n- a\n  h\n+ b\n== two T\nt\n@short C\n+ word\n+ other word\n? h\n", NULL},
        {KOREAN "== one T\nt\n@choice C\n- a\n  h\n+ b\n", "step 2 is 'nothing', and 'two' in lesson.txt"},
        {KOREAN "== two T\nt\n== one T\nt\n", "step 1 is 'two', and 'one'"},
        {KOREAN "== one T\nt\n@choice C\n+ b\n- a\n  h\n== two T\nt\n@short C\n+ word\n? h\n", "6: the answers of this step"},
        {KOREAN "== one T\nt\n== two T\nt\n", "another kind"},
        {KOREAN "== one T\n@run at main\n", "@run stands in lesson.txt only"},
    };
    struct place p = place_create();
    (void)state;
    put(&p, "lesson.txt", original);
    for (unsigned n = 0; n < ARRAY_LEN(cases); n++) {
        struct error err = {""};
        put(&p, "lesson.ko.txt", cases[n].text);
        struct lesson *l = lesson_load(p.folder, "ko", &err);
        if (!cases[n].says) {
            assert_non_null(l);
            assert_string_equal(l->language, "ko");
            assert_string_equal(l->step[0].run[0].argument, "main");
            lesson_free(l);
        } else if (l || !strstr(err.text, cases[n].says)) {
            fail_msg("no '%s' in '%s'", cases[n].says, err.text);
        }
    }
    place_remove(&p);
}

/* Any damage is an error or another lesson, never more. */
static void damaged_files_are_harmless(void **state)
{
    char text[] = HEAD "== one T\n@run at main\n@show source\nt {$eax}\n@choice C\n- a\n  h\n+ b\n"
                       "== two T\nt\n@edit m C\n@check 1\n  h\n+ nop\n? h\n";
    struct place p = place_create();
    u32 random = 1;
    (void)state;
    for (unsigned n = 0; n < 3000; n++) {
        char copy[sizeof text];
        memcpy(copy, text, sizeof text);
        for (unsigned k = 0; k < 3; k++) {
            random = random * 1664525 + 1013904223;
            copy[(random >> 8) % (sizeof text - 1)] = "@=+-? \n;{"[random >> 28 & 7];
        }
        put(&p, "lesson.txt", copy);
        lesson_free(lesson_load(p.folder, "en", NULL));
    }
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_everything),
        cmocka_unit_test(tells_mistakes),
        cmocka_unit_test(translations_are_step_by_step),
        cmocka_unit_test(damaged_files_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
