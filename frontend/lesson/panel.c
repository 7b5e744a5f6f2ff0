/*
 * panel.c: see panel.h. Letters answer where an answer is asked for; else they are the lab's.
 */
#include "frontend/lesson/panel.h"

#include <stdio.h>
#include <string.h>

/* A narrower panel stands beside the lab's page. */
enum { KEY_PREVIOUS = LAB_F1 + 1, KEY_AGAIN = LAB_F1 + 2, PAGE_COLUMNS = 76 };

static bool korean(const struct lesson_panel *l)
{
    return !strcmp(l->player->lesson->language, "ko");
}

/* An answer of letters is asked for. */
static bool types(const struct lesson_panel *l)
{
    return !l->player->answered && player_step(l->player)->question != QUESTION_CHOICE;
}

/* ---- what is seen */

static unsigned cells(const char *text)
{
    unsigned n = 0;
    for (u32 rune; (rune = rune_next(&text));) {
        n += rune_cells(rune);
    }
    return n;
}

/* In the next line if there is no room. */
static void put_key(struct view *v, const char *key, const char *does)
{
    if (v->x && v->x + cells(key) + 1 + cells(does) > v->columns) {
        view_put(v, STYLE_TEXT, "\n");
    }
    view_put(v, STYLE_KEY, key);
    view_printf(v, STYLE_TEXT, " %s   ", does);
}

static void put_keys(struct lesson_panel *l, struct view *v)
{
    const struct player *p = l->player;
    bool ko = korean(l);
    view_put(v, STYLE_TEXT, "\n");
    if (p->finished) {
        put_key(v, "q", ko ? "끝내기" : "leave");
    } else if (p->answered) {
        put_key(v, "Enter", ko ? "다음" : "go on");
    } else if (types(l)) {
        put_key(v, "Enter", ko ? "답하기" : "answer");
    } else {
        char keys[8];
        snprintf(keys, sizeof keys, "a-%c", 'a' + player_step(p)->answer_count - 1);
        put_key(v, keys, ko ? "답하기" : "answer");
    }
    if (p->step) {
        put_key(v, "F2", ko ? "이전 단계" : "step before");
    }
    put_key(v, "F3", ko ? "이 단계의 처음으로" : "this step again");
    put_key(v, "Tab", ko ? "실험실로" : "to the lab");
    view_put(v, STYLE_TEXT, "\n");
}

static void put_field(struct lesson_panel *l, struct view *v)
{
    view_put(v, STYLE_KEY, "  > ");
    view_printf(v, STYLE_STRONG, "%.*s", (int)l->editor.length, l->editor.line);
    view_rune(v, (enum style)(STYLE_TEXT | STYLE_SELECTED), ' ');
    view_put(v, STYLE_TEXT, "\n");
}

static void put_end(struct lesson_panel *l, struct view *v)
{
    const struct player *p = l->player;
    view_printf(v, STYLE_TITLE, "%s\n\n", p->lesson->title);
    view_printf(v, STYLE_GOOD,
                korean(l) ? "끝났습니다: 맞힌 질문 %u개, 틀린 답 %u개.\n"
                          : "Done: %u questions answered, %u wrong answers on the way.\n",
                p->questions_right, p->wrong);
}

/* Title and text; question, answer and what it brought; keys; and behind them what there is to look at. */
static void draw(void *opaque, struct view *v)
{
    struct lesson_panel *l = opaque;
    struct player *p = l->player;
    l->columns = v->columns;
    if (p->finished) {
        put_end(l, v);
    } else {
        player_title(p, v);
        player_text(p, v);
        if (player_step(p)->question) {
            view_put(v, STYLE_TEXT, "\n");
            player_question(p, v);
        }
        if (types(l)) {
            put_field(l, v);
        }
        player_feedback(p, v);
    }
    if (*l->error.text) {
        view_wrap(v, STYLE_BAD, 0, l->error.text);
        view_put(v, STYLE_TEXT, "\n");
    }
    put_keys(l, v);
    l->keys_row = v->y;
    if (!p->finished) {
        player_pages(p, v, v->columns < PAGE_COLUMNS ? l->beside : LESSON_ITEMS);
    }
}

/* The keys, above which question and answer are, if they are to be seen; else the beginning. */
static void follow(struct lesson_panel *l, bool keys)
{
    struct view v;
    view_init(&v, l->columns ? l->columns : 60);
    draw(l, &v);
    lab_panel_follow(l->lab, keys && l->keys_row ? l->keys_row - 1 : 0, 1);
    view_free(&v);
}

/* ---- keys */

/* The lab's page that shows the same. NULL: there is none. */
static const char *lab_name(const char *page)
{
    static const char *const own[][2] = {{"explain", "Why"}, {"code", "Now"}, {"registers", "Now"}, {"crossings", "Timeline"},
                                         {"screen", NULL},   {"source", NULL}, {"memory", NULL},    {"stack", NULL}};
    size_t size = strcspn(page, " ");
    for (size_t n = 0; n < sizeof own / sizeof *own; n++) {
        if (strlen(own[n][0]) == size && !strncmp(page, own[n][0], size)) {
            return own[n][1];
        }
    }
    return page;
}

/* The first of the step's pages that the lab has is turned to there. */
static void turn_page(struct lesson_panel *l)
{
    const struct texts *t = &player_step(l->player)->show;
    l->beside = LESSON_ITEMS;
    for (unsigned n = 0; n < t->count && l->beside == LESSON_ITEMS; n++) {
        const char *name = lab_name(t->text[n]);
        if (name && lab_show(l->lab, name)) {
            l->beside = n;
        }
    }
    if (l->beside == LESSON_ITEMS) {
        lab_show(l->lab, "Now");
    }
}

static void show_step(struct lesson_panel *l)
{
    turn_page(l);
    l->editor.length = 0;
    l->editor.line[0] = 0;
    l->given = false;
    follow(l, false);
    lab_touch(l->lab);
}

static void answer(struct lesson_panel *l, const char *text)
{
    player_answer(l->player, text);
    if (l->player->right) {
        l->editor.length = 0;
    }
    follow(l, true);
}

static void go_on(struct lesson_panel *l)
{
    if (!player_next(l->player, &l->error)) {
        return;
    }
    if (!l->player->finished) {
        show_step(l);
    } else {
        follow(l, false);
    }
}

static bool type(struct lesson_panel *l, u32 key)
{
    struct blob echo = {0};
    char bytes[8] = "";
    bool whole = false;
    if (key >= LAB_UP && key != LAB_DELETE) {
        return false;
    }
    rune_write(key == LAB_DELETE ? LAB_BACKSPACE : key, bytes);
    /* another answer takes the place of the one that was given; Backspace mends that */
    if (l->given && key >= ' ' && key < LAB_UP) {
        l->editor.length = 0;
    }
    l->given = false;
    for (const char *b = bytes; *b && !whole; b++) {
        whole = line_editor_byte(&l->editor, (u8)*b, &echo);
    }
    blob_free(&echo);
    if (whole && l->editor.length) {
        char text[EDITOR_LINE];
        snprintf(text, sizeof text, "%.*s", (int)l->editor.length, l->editor.line);
        l->given = true;
        answer(l, text);
    } else {
        follow(l, true);
    }
    return true;
}

static bool on_key(void *opaque, u32 key)
{
    struct lesson_panel *l = opaque;
    struct player *p = l->player;
    l->error.text[0] = 0;
    if (key == KEY_PREVIOUS || key == KEY_AGAIN) {
        unsigned step = key == KEY_PREVIOUS && p->step && !p->finished ? p->step - 1 : p->step;
        if (player_go(p, step, &l->error)) {
            show_step(l);
        }
        return true;
    }
    if (p->finished) {
        if (key == 'q') {
            machine_quit(p->guest.machine, 0);
        }
        return key == 'q' || key == LAB_ENTER;
    }
    if (types(l)) {
        return type(l, key);
    }
    if (!p->answered && key >= 'a' && key < 'a' + player_step(p)->answer_count) {
        answer(l, (char[]){(char)key, 0});
        return true;
    }
    if (key == LAB_ENTER && p->answered) {
        go_on(l);
    }
    return key == LAB_ENTER;
}

/* ---- life */

void panel_open(struct lesson_panel *l, struct player *p)
{
    *l = (struct lesson_panel){.player = p, .lab = lab_open(p->guest.machine)};
    snprintf(l->title, sizeof l->title, "%u %s", p->lesson->number, p->lesson->title);
    lab_set_panel(l->lab, &(struct lab_panel){.title = l->title, .draw = draw, .key = on_key, .opaque = l});
    show_step(l);
}

void panel_close(struct lesson_panel *l)
{
    lab_set_panel(l->lab, NULL);
    line_editor_free(&l->editor);
}
