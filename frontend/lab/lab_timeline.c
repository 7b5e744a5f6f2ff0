/*
 * lab_timeline.c: the lab's page of the timeline, with the chosen crossing in full below it. It shows the latest moments until
 * somebody chooses a crossing or moves; then it stays where it is.
 */
#include "frontend/lab/lab_state.h"

enum { LIVE_NS = 1000000000, LIVE_INSTRUCTIONS = 10000000, LIVE_LEAST = 64 };

static u64 live_units(struct lab *lab, const struct crossings *c)
{
    if (!lab->live_units) {
        lab->live_units = crossings_unit(c) == UNIT_NS ? LIVE_NS : LIVE_INSTRUCTIONS;
    }
    return lab->live_units;
}

/* What is shown now. */
static struct timeline_range range_of(struct lab *lab, const struct crossings *c)
{
    return lab->range_stays ? lab->range : timeline_latest(c, live_units(lab, c));
}

void lab_timeline_page(struct lab *lab, struct view *page)
{
    const struct crossings *c = lab->machine->crossings;
    if (!c) {
        view_wrap(page, STYLE_DIM, 0, "Crossings are not noted: type :crossings on\n");
        return;
    }
    struct timeline_range range = range_of(lab, c);
    timeline_page(page, c, &range);
    const struct crossing_record *r = range.chosen ? crossings_at(c, range.number) : NULL;
    if (r) {
        view_put(page, STYLE_TEXT, "\n");
        crossing_page(page, r, lab->machine->symbols);
    }
}

static void act_live(struct lab *lab, unsigned argument)
{
    (void)argument;
    lab->range_stays = false;
}

static void act_choose(struct lab *lab, unsigned forward)
{
    const struct crossings *c = lab->machine->crossings;
    if (c) {
        lab->range = range_of(lab, c);
        lab->range_stays = true;
        timeline_choose(&lab->range, c, forward ? 1 : -1);
    }
}

static void act_move(struct lab *lab, unsigned forward)
{
    const struct crossings *c = lab->machine->crossings;
    if (c) {
        lab->range = range_of(lab, c);
        lab->range_stays = true;
        timeline_move(&lab->range, c, forward ? 2 : -2);
    }
}

static void act_zoom(struct lab *lab, unsigned in)
{
    const struct crossings *c = lab->machine->crossings;
    if (c && lab->range_stays) {
        timeline_zoom(&lab->range, c, in);
    } else if (c) {
        u64 units = live_units(lab, c);
        lab->live_units = !in ? units << (units < (u64)1 << 62) : units > LIVE_LEAST ? units / 2 : units;
    }
}

const struct lab_action lab_timeline_actions[] = {
    {',', NULL, "crossing before", act_choose, 0, NULL},
    {'.', NULL, "after", act_choose, 1, NULL},
    {'+', NULL, "zoom in", act_zoom, 1, NULL},
    {'=', NULL, NULL, act_zoom, 1, NULL},
    {'-', NULL, "out", act_zoom, 0, NULL},
    {'[', NULL, "earlier", act_move, 0, NULL},
    {']', NULL, "later", act_move, 1, NULL},
    {'l', NULL, "latest", act_live, 0, NULL},
    {0},
};
