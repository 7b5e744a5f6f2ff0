/*
 * lines.c: see lines.h.
 */
#include "frontend/lesson/lines.h"

#include <stdlib.h>
#include <string.h>

#include "frontend/lesson/pages.h"

enum { COLUMNS = 80, LINE_MAX_BYTES = 400 };

static bool korean(const struct player *p)
{
    return !strcmp(p->lesson->language, "ko");
}

static void print_page(struct player *p, FILE *out)
{
    struct view page;
    view_init(&page, COLUMNS);
    fprintf(out, "\n%s\n", p->lesson->title);
    player_title(p, &page);
    view_put(&page, STYLE_TEXT, "\n");
    player_text(p, &page);
    player_pages(p, &page, LESSON_ITEMS);
    view_put(&page, STYLE_TEXT, "\n");
    player_question(p, &page);
    view_print(&page, out);
    view_free(&page);
}

static void print_feedback(struct player *p, FILE *out)
{
    struct view page;
    view_init(&page, COLUMNS);
    player_feedback(p, &page);
    view_print(&page, out);
    view_free(&page);
}

static void print_named(struct player *p, const char *name, FILE *out)
{
    struct view page;
    if (!page_known(name)) {
        fprintf(out, "%s\n", page_names());
        return;
    }
    view_init(&page, COLUMNS);
    page_show(&page, &p->guest, name);
    view_print(&page, out);
    view_free(&page);
}

static void print_help(const struct player *p, FILE *out)
{
    fputs(korean(p) ? "Enter 다음   :back 이전 단계   :again 이 단계의 처음 상태로   :step 명령 하나 실행   :show 화면이름   :quit 끝내기\n"
                    : "Enter next   :back the step before   :again this step's state   :step one instruction   :show PAGE"
                      "   :quit\n",
          out);
}

/* False: that is the end. */
static bool command(struct player *p, const char *line, FILE *out, struct error *err)
{
    if (!strncmp(line, ":q", 2)) {
        return false;
    }
    if (!strncmp(line, ":b", 2)) {
        if (player_go(p, p->step ? p->step - 1 : 0, err)) {
            print_page(p, out);
        }
    } else if (!strncmp(line, ":a", 2)) {
        if (player_again(p, err)) {
            print_page(p, out);
        }
    } else if (!strncmp(line, ":step", 5)) {
        guest_step(&p->guest);
        print_named(p, "source", out);
    } else if (!strncmp(line, ":show", 5)) {
        print_named(p, line + 5 + strspn(line + 5, " "), out);
    } else {
        print_help(p, out);
    }
    return true;
}

static void prompt(const struct player *p, FILE *out)
{
    bool ko = korean(p);
    fputs(p->answered ? (ko ? "\n[Enter 다음, :help 도움말] " : "\n[Enter: next, :help] ")
                      : (ko ? "\n답 (:help 도움말)> " : "\nanswer (:help)> "),
          out);
    fflush(out);
}

static bool take(struct player *p, const char *line, FILE *out, struct error *err)
{
    if (!p->answered) {
        if (*line) {
            player_answer(p, line);
            print_feedback(p, out);
        }
        return true;
    }
    if (!player_next(p, err)) {
        return false;
    }
    if (!p->finished) {
        print_page(p, out);
    }
    return true;
}

bool lines_run(struct player *p, FILE *in, FILE *out, struct error *err)
{
    char line[LINE_MAX_BYTES];
    *err = (struct error){""};
    print_page(p, out);
    for (prompt(p, out); fgets(line, sizeof line, in); prompt(p, out)) {
        line[strcspn(line, "\r\n")] = 0;
        if (line[0] == ':' ? !command(p, line, out, err) : !take(p, line, out, err)) {
            break;
        }
        if (p->finished) {
            fprintf(out,
                    korean(p) ? "\n끝났습니다: 맞힌 질문 %u개, 틀린 답 %u개.\n"
                              : "\nDone: %u questions answered, %u wrong answers on the way.\n",
                    p->questions_right, p->wrong);
            break;
        }
    }
    return !*err->text;
}
