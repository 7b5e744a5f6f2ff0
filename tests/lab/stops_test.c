/*
 * stops_test.c: a machine pauses where it should, at the same counts whatever executes, and nothing that the guest can see depends
 * on it. The guest is stops.asm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cpu/base/bits.h"
#include "frontend/lab/history.h"
#include "frontend/lab/state.h"
#include "frontend/lab/stops.h"
#include "frontend/lab/whatif.h"
#include "frontend/machine/counted.h"
#include "tcg/tcg.h"

enum executes { INTERPRETED, NATIVE, PORTABLE, EXECUTORS };

/* As `places` in stops.asm has them. */
enum place {
    CALLEE, EIGHTH, BEHIND_SS, REP, AFTER_REP, NO_REP, CHANGED, TWO_PAGES, ALIAS_AT, LATE, BEHIND_LATE, DATA, DATA2, AT_RING3,
    PLACES
};

struct guest {
    struct machine *m;
    struct tcg *tcg;
};

static const char *image;

static struct guest create(enum executes how, u64 history)
{
    struct machine_config config = {.ram_bytes = 16 << 20, .cpu = "max", .bios = image, .boot_order = "c", .counted = true,
                                    .debug_exit = true, .debug_exit_port = 0xf4, .debug_exit_size = 4, .epoch = 1700000000};
    struct error err;
    struct guest g = {.m = machine_create()};
    config.accel = (struct accel_config){.accel = how == NATIVE ? ACCEL_TCG : ACCEL_INTERP, .threshold = 1};
    if (!pc_build(g.m, &config, &err)) {
        fail_msg("%s", err.text);
    }
    if (how == PORTABLE) {
        g.tcg = tcg_create(&backend_portable, true);
        g.m->cpu->executor = &g.tcg->executor;
    }
    if (history) {
        history_create(g.m, history);
    }
    counted_open(g.m);
    g.m->paused = true;
    return g;
}

static void destroy(struct guest g)
{
    struct history *h = g.m->history;
    if (g.tcg) {
        g.m->cpu->executor = NULL;
        tcg_destroy(g.tcg);
    }
    machine_dismantle(g.m);
    machine_destroy(g.m);
    history_destroy(h);
}

static u32 places[PLACES];

static void find_places(void)
{
    FILE *f = fopen(image, "rb");
    if (!f) {
        perror(image);
        exit(1);
    }
    u8 data[1 << 16];
    size_t size = fread(data, 1, sizeof data, f);
    fclose(f);
    for (size_t at = 0; at + 8 + 4 * PLACES <= size; at++) {
        if (load32(data + at) == 0x53504f54 && load32(data + at + 4) == 4 * PLACES) {
            memcpy(places, data + at + 8, sizeof places);
        }
    }
    assert_true(places[DATA] != 0);
}

/* Runs until it pauses. False: it has come to its end. */
static bool go_on(struct machine *m)
{
    if (m->paused) {
        machine_continue(m);
    }
    while (!m->paused && !(m->requests & REQUEST_QUIT)) {
        machine_take_requests(m);
        if (!m->paused) {
            machine_slice(m);
        }
    }
    return m->paused;
}

static int add(struct machine *m, struct stop stop)
{
    struct error err;
    int number = stops_add(m, &stop, &err);
    if (!number) {
        fail_msg("%s", err.text);
    }
    return number;
}

static struct stop at(enum place place)
{
    struct stop s = STOP_OF(STOP_EXEC);
    s.address = places[place];
    return s;
}

static struct stop memory(enum stop_kind kind, enum place place, u64 bytes)
{
    struct stop s = STOP_OF(kind);
    s.address = places[place];
    s.bytes = bytes;
    return s;
}

static u64 end_without_stops(u64 *hash)
{
    struct guest g = create(INTERPRETED, 0);
    assert_false(go_on(g.m));
    *hash = state_hash(g.m);
    assert_int_equal(g.m->exit_status, 33);
    u64 count = cpu_icount(g.m->cpu);
    destroy(g);
    return count;
}

/* ---- each kind, by how often it happens */

static unsigned pauses(enum executes how, struct stop stop)
{
    struct guest g = create(how, 0);
    unsigned n = 0;
    add(g.m, stop);
    while (go_on(g.m)) {
        const struct stop_reason *r = stops_reason(g.m);
        assert_int_equal(r->why, WHY_STOP);
        assert_int_equal(r->count, cpu_icount(g.m->cpu));
        if (stop.kind == STOP_EXEC) {
            assert_int_equal(g.m->cpu->code_base + g.m->cpu->ip, stop.address);
        }
        n++;
    }
    destroy(g);
    return n;
}

static struct stop with(struct stop s, const char *condition)
{
    snprintf(s.condition, sizeof s.condition, "%s", condition);
    return s;
}

static void each_is_counted(void **state)
{
    struct stop ud = STOP_OF(STOP_EXCEPTION), ring3 = STOP_OF(STOP_RING), ring1 = ring3, int40 = STOP_OF(STOP_SYSCALL), rule = ud;
    struct stop ignored = at(CALLEE), once = at(CALLEE);
    (void)state;
    ud.vector = 6;
    rule.rule = RULE_GP_DATA_TYPE;
    ring3.ring = 3;
    ring1.ring = 1;
    int40.vector = 0x40;
    ignored.ignore = 290;
    once.once = true;
    const struct {
        struct stop stop;
        unsigned pauses;
    } cases[] = {
        {at(CALLEE), 300},
        {at(EIGHTH), 37},
        {with(at(CALLEE), "$ecx & 31 ^ 31"), 291},
        {with(at(CALLEE), "$ecx > 290 && d[$esp] != 0 || $ecx == 5"), 11},
        {ignored, 10},
        {once, 1},
        {at(BEHIND_SS), 1},
        {at(REP), 1},
        {at(AFTER_REP), 3},
        {at(NO_REP), 1},
        {at(CHANGED), 4},
        {at(TWO_PAGES), 6},
        {at(ALIAS_AT), 5},
        {at(LATE), 2},
        {at(BEHIND_LATE), 2},
        {at(AT_RING3), 1},
        {ud, 1},
        {rule, 1},
        {STOP_OF(STOP_EXCEPTION), 4},
        {ring3, 2},
        {ring1, 1},
        {STOP_OF(STOP_TO_RING3), 2},
        {STOP_OF(STOP_RING), 6},
        {int40, 2},
        {STOP_OF(STOP_SYSCALL), 3},
        {STOP_OF(STOP_INTERRUPT), 0},
    };
    for (unsigned how = 0; how < EXECUTORS; how++) {
        for (unsigned k = 0; k < ARRAY_LEN(cases); k++) {
            unsigned n = pauses(how, cases[k].stop);
            if (n != cases[k].pauses) {
                char words[256];
                stop_words(&cases[k].stop, words, sizeof words);
                fail_msg("%s: %u pauses, not %u (executor %u)", words, n, cases[k].pauses, how);
            }
        }
    }
}

/* What an access that faulted saw is not told of the one that comes in its place. */
static void what_faults_has_not_happened(void **state)
{
    (void)state;
    for (unsigned how = 0; how < EXECUTORS; how++) {
        struct guest g = create(how, 0);
        struct stop late = memory(STOP_WRITE, LATE, 4);
        late.address += 0x800;
        add(g.m, late);
        assert_true(go_on(g.m));
        const struct stop_reason *r = stops_reason(g.m);
        assert_int_equal(r->address, late.address);
        assert_int_equal(r->before, 7);
        assert_int_equal(r->after, 5);
        assert_false(go_on(g.m));
        destroy(g);
    }
}

/* ---- all at once */

struct pause {
    u64 count, before, after;
    vaddr at;
    int number;
};

enum { PAUSES_MAX = 2000 };

static struct pause this_pause(struct machine *m)
{
    const struct stop_reason *r = stops_reason(m);
    return (struct pause){
        .count = cpu_icount(m->cpu), .before = r->before, .after = r->after, .at = m->cpu->ip, .number = r->stop.number};
}

static unsigned all_pauses(enum executes how, struct pause *list, u64 *hash)
{
    struct guest g = create(how, 0);
    unsigned n = 0;
    for (enum place p = CALLEE; p <= AT_RING3; p++) {
        if (p != DATA && p != DATA2) {
            add(g.m, at(p));
        }
    }
    add(g.m, memory(STOP_WRITE, DATA, 4));
    add(g.m, memory(STOP_READ, DATA, 4));
    add(g.m, memory(STOP_ACCESS, DATA2, 8));
    for (enum stop_kind kind = STOP_RING; kind <= STOP_TO_RING3; kind++) {
        add(g.m, STOP_OF(kind));
    }
    while (go_on(g.m) && n < PAUSES_MAX) {
        list[n++] = this_pause(g.m);
    }
    *hash = state_hash(g.m);
    destroy(g);
    return n;
}

static void all_executors_pause_alike(void **state)
{
    static struct pause first[PAUSES_MAX], list[PAUSES_MAX];
    u64 hash, expected;
    (void)state;
    end_without_stops(&expected);
    unsigned count = all_pauses(INTERPRETED, first, &hash);
    assert_true(hash == expected);
    for (unsigned how = NATIVE; how < EXECUTORS; how++) {
        unsigned n = all_pauses(how, list, &hash);
        for (unsigned k = 0; k < n && k < count; k++) {
            if (memcmp(&list[k], &first[k], sizeof list[k])) {
                fail_msg("executor %u, pause %u: after %llu, at %llx, by %d; interpreted: after %llu, at %llx, by %d", how, k,
                         (unsigned long long)list[k].count, (unsigned long long)list[k].at, list[k].number,
                         (unsigned long long)first[k].count, (unsigned long long)first[k].at, first[k].number);
            }
        }
        assert_int_equal(n, count);
        assert_true(hash == expected);
    }
}

/* ---- back */

/* Every pause is found again, from the last one to the first. */
static void they_are_found_backwards(void **state)
{
    static struct pause list[PAUSES_MAX];
    struct guest g = create(NATIVE, HISTORY_BYTES);
    struct error err;
    unsigned n = 0;
    bool found = true;
    (void)state;
    add(g.m, at(EIGHTH));
    add(g.m, at(REP));
    add(g.m, memory(STOP_ACCESS, DATA, 4));
    add(g.m, STOP_OF(STOP_RING));
    add(g.m, STOP_OF(STOP_EXCEPTION));
    while (n < 54 && go_on(g.m)) {
        list[n++] = this_pause(g.m);
    }
    assert_int_equal(n, 54); /* the last one: at present */
    for (unsigned k = n - 1; k-- > 0;) {
        if (!history_last_stop(g.m->history, false, &found, NULL, NULL, &err)) {
            fail_msg("pause %u: %s", k, err.text);
        }
        struct pause p = this_pause(g.m);
        assert_true(found);
        if (memcmp(&p, &list[k], sizeof p)) {
            fail_msg("pause %u: after %llu, at %llx, by %d; it was after %llu, at %llx, by %d", k, (unsigned long long)p.count,
                     (unsigned long long)p.at, p.number, (unsigned long long)list[k].count, (unsigned long long)list[k].at,
                     list[k].number);
        }
    }
    assert_true(history_last_stop(g.m->history, false, &found, NULL, NULL, &err));
    assert_false(found);
    assert_int_equal(cpu_icount(g.m->cpu), 0);
    destroy(g);
}

/* ---- what if */

static void changes_are_tried(void **state)
{
    static const struct {
        const char *changes, *expected;
    } cases[] = {
        {"$edx=$edx", "nothing is different"},
        {"pte[$eip]&=~4", "#PF PF_USER error 5"},
        {"pde[$eip]&=~4", "#PF PF_USER error 5"},
        {"$eip=0x400000", "#PF PF_NOT_PRESENT error 4 at 400000"},
        {"d[$esp]|=1, b[0x68000]=5, w[0x68010] = 3", "nothing is different"},
        {"$esp=0,$cs.limit=0", "#GP GP_CODE_LIMIT"},
        {"idt[6]=0 , gdt[8]=0", "nothing is different"},
        {"$cpl=0", "> "},
    };
    static const char *const bad[] = {"", "$eax", "$foo=1", "$eax=", "$eax=1,", "$eax=1 2", "x[1]=1", "d[1=1", "gdt[0xfff8]=1", "$cr0=0",
                                      "$cr3=1", "d[0x7f000000]=1", "b[0xffffffff]=1", "pte[0]", "pml4e[$eip]=0", "$cpl=4", "[", "$",
                                      "$aaaaaaaaaaaaaaaaaaaaaaaa=1"};
    struct guest g = create(NATIVE, HISTORY_BYTES);
    struct error err;
    struct view page;
    (void)state;
    add(g.m, at(AT_RING3));
    assert_true(go_on(g.m));
    u64 before = state_hash(g.m), count = cpu_icount(g.m->cpu);
    view_init(&page, 100);
    for (unsigned k = 0; k < ARRAY_LEN(cases); k++) {
        char *text = NULL;
        size_t size;
        view_clear(&page, 100);
        if (!whatif_page(&page, g.m, cases[k].changes, 20, &err)) {
            fail_msg("%s: %s", cases[k].changes, err.text);
        }
        FILE *f = open_memstream(&text, &size);
        view_print(&page, f);
        fclose(f);
        if (!strstr(text, cases[k].expected)) {
            fail_msg("%s: there is no %s in\n%s", cases[k].changes, cases[k].expected, text);
        }
        free(text);
        assert_int_equal(cpu_icount(g.m->cpu), count);
        assert_true(state_hash(g.m) == before);
    }
    for (unsigned k = 0; k < ARRAY_LEN(bad); k++) {
        if (whatif_page(&page, g.m, bad[k], 20, &err)) {
            fail_msg("%s is no change", bad[k]);
        }
        assert_true(state_hash(g.m) == before);
    }
    view_free(&page);
    destroy(g);
}

/* ---- a kernel boots, and is asked about all the time */

static const char *folder;

static struct machine *boot(void)
{
    struct machine_config config = {.ram_bytes = 128 << 20, .cpu = "qemu64", .vga = true, .boot_order = "c", .counted = true,
                                    .epoch = 1700000000};
    static char kernel[512], initrd[512];
    struct error err;
    snprintf(kernel, sizeof kernel, "%s/vmlinuz", folder);
    snprintf(initrd, sizeof initrd, "%s/initrd", folder);
    config.accel = (struct accel_config){.accel = ACCEL_TCG};
    config.kernel = kernel;
    config.initrd = initrd;
    config.append = "console=ttyS0";
    config.has_serial[0] = true;
    struct machine *m = machine_create();
    if (!pc_build(m, &config, &err)) {
        fail_msg("%s", err.text);
    }
    counted_open(m);
    return m;
}

static void run_to(struct machine *m, u64 count)
{
    while (cpu_icount(m->cpu) < count) {
        m->stop_at = count;
        machine_take_requests(m);
        counted_run(m);
    }
}

/* Stops whose conditions never hold, at what was being executed, and used, at some moment. */
static void ask_everything(struct machine *m)
{
    struct stop exec = STOP_OF(STOP_EXEC), data = STOP_OF(STOP_ACCESS);
    exec.address = m->cpu->code_base + m->cpu->ip;
    data.address = m->cpu->regs[R_SP] & ~(u64)4095;
    data.bytes = 16;
    add(m, with(exec, "0"));
    add(m, with(data, "0"));
}

static void a_kernel_does_not_notice(void **state)
{
    u64 hash[2];
    i64 took[2];
    (void)state;
    for (unsigned asked = 0; asked < 2; asked++) {
        struct machine *m = boot();
        i64 start = host_now();
        for (u64 count = 40000000; count <= 160000000; count += 40000000) {
            run_to(m, count);
            if (asked) {
                ask_everything(m);
            }
        }
        took[asked] = host_now() - start;
        hash[asked] = state_hash(m);
        machine_dismantle(m);
        machine_destroy(m);
    }
    printf("%.2f s, asked %.2f s\n", (double)took[0] / 1e9, (double)took[1] / 1e9);
    assert_true(hash[0] == hash[1]);
}

int main(int argc, char **argv)
{
    if (argc > 2) { /* IMAGE FOLDER: of a kernel and an initrd */
        char kernel[512];
        folder = argv[2];
        snprintf(kernel, sizeof kernel, "%s/vmlinuz", folder);
        if (access(kernel, R_OK)) {
            return 77;
        }
        const struct CMUnitTest tests[] = {cmocka_unit_test(a_kernel_does_not_notice)};
        return cmocka_run_group_tests(tests, NULL, NULL);
    }
    if (argc != 2) {
        return 1;
    }
    image = argv[1];
    find_places();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_counted),
        cmocka_unit_test(what_faults_has_not_happened),
        cmocka_unit_test(all_executors_pause_alike),
        cmocka_unit_test(they_are_found_backwards),
        cmocka_unit_test(changes_are_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
