/*
 * state_test.c: the saved state of whole machines. Every device saves what it then loads, whatever was done to it; a machine
 * that took over another one's state goes on as the other does; damaged states do no harm; and a reset equals a new machine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "devices/core/device_test.h"
#include "tests/fuzz/bench.h"

static void create(struct fuzz *f, u64 seed, i64 now)
{
    if (!bench_create(f, seed, true, now)) {
        fail_msg("no machine");
    }
}

static void copy_file(struct fuzz *from, struct fuzz *to, const char *name)
{
    char command[256];
    snprintf(command, sizeof command, "cp %s/%s %s/%s", from->folder, name, to->folder, name);
    assert_int_equal(system(command), 0);
}

/* All of `from` but host sides: time, RAM, disks, devices. */
static void transplant(struct fuzz *from, struct fuzz *to)
{
    struct blob  blob = {0};
    struct error err;
    copy_file(from, to, "disk");
    copy_file(from, to, "a");
    clock_advance(to->m->clock, clock_now(from->m->clock) - clock_now(to->m->clock));
    memcpy(to->m->ram.host, from->m->ram.host, from->m->ram.size);
    for (unsigned i = 0; i < from->m->device_count; i++) {
        device_save(from->m->devices[i], &blob);
    }
    for (unsigned i = 0; i < to->m->device_count; i++) {
        if (!device_load(to->m->devices[i], &blob, &err)) {
            fail_msg("%s", err.text);
        }
    }
    assert_int_equal(blob.pos, blob.size);
    blob_free(&blob);
    to->m->requests = 0;
}

static void expect_same(struct fuzz *a, struct fuzz *b)
{
    for (unsigned i = 0; i < a->m->device_count; i++) {
        char path[128];
        if (a->m->devices[i]->class->fields &&
            fields_differ(a->m->devices[i]->class->fields, a->m->devices[i], b->m->devices[i], path, sizeof path)) {
            fail_msg("seed %llu, step %llu, actor '%s': device %u (%s): %s differs", (unsigned long long)a->seed,
                     (unsigned long long)a->steps, a->actor, i, a->m->devices[i]->class->name, path);
        }
    }
}

static void each_device_saves_what_it_loads(void **state)
{
    (void)state;
    struct fuzz a, b;
    create(&a, 1, 0);
    create(&b, 1, 0);
    for (unsigned round = 0; round < 40; round++) {
        for (unsigned n = 0; n < 250; n++) {
            act(&a, false);
        }
        clock_advance(b.m->clock, clock_now(a.m->clock) - clock_now(b.m->clock));
        for (unsigned i = 0; i < a.m->device_count; i++) {
            assert_ptr_equal(a.m->devices[i]->class, b.m->devices[i]->class);
            expect_save_load_save(a.m->devices[i], b.m->devices[i]);
        }
    }
    bench_destroy(&a);
    bench_destroy(&b);
}

/* What is in no table, and cannot be derived from what is, shows when both machines go on. */
static void a_twin_goes_on_alike(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 6; seed++) {
        struct fuzz a, b;
        create(&a, seed, 0);
        create(&b, seed, 0);
        for (unsigned n = 0; n < 1500; n++) {
            act(&a, true);
        }
        transplant(&a, &b);
        expect_same(&a, &b);
        b.seed = a.seed;
        for (unsigned n = 0; n < 1500; n++) {
            act(&a, true);
            act(&b, true);
            if (n < 50 || n % 50 == 0) {
                expect_same(&a, &b);
            }
        }
        bench_destroy(&a);
        bench_destroy(&b);
    }
}

static void damaged_states_do_no_harm(void **state)
{
    (void)state;
    struct fuzz f;
    create(&f, 3, 0);
    for (unsigned round = 0; round < 2000; round++) {
        struct device *dev  = f.m->devices[below(&f, f.m->device_count)];
        struct blob    blob = {0};
        struct error   err;
        device_save(dev, &blob);
        for (unsigned n = 0; n < 4; n++) {
            blob.data[below(&f, (u32)blob.size)] ^= (u8)BIT(below(&f, 8));
        }
        if (one_in(&f, 4)) {
            blob.size = below(&f, (u32)blob.size);
        }
        device_load(dev, &blob, &err);
        blob_free(&blob);
        for (unsigned i = 0; i < 10; i++) {
            act(&f, false);
        }
    }
    bench_destroy(&f);
}

/* ---- reset */

/* What a reset leaves alone: memory that has a battery or needs none. */
static const struct {
    const char *device, *field;
} kept[] = {
    {"PIIX4_PM", "smbus.eeprom"}, /* 24C02s */
    {"mc146818rtc", ""},          /* all but the enables, which are looked at below (data sheet, RESET pin) */
};

static bool is_kept(const char *device, const char *line)
{
    for (unsigned i = 0; i < ARRAY_LEN(kept); i++) {
        if (!strcmp(kept[i].device, device) && !strncmp(kept[i].field, line, strlen(kept[i].field))) {
            return true;
        }
    }
    return false;
}

static char *printed(const struct device *dev)
{
    char  *text = NULL;
    size_t size;
    FILE  *out = open_memstream(&text, &size);
    fields_print(dev->class->fields, dev, out);
    fclose(out);
    return text;
}

/* The number of lines that differ, which are shown. */
static unsigned compare_printed(const struct device *used, const struct device *new)
{
    char    *a = printed(used), *b = printed(new), *rest_a, *rest_b;
    unsigned differences = 0;
    char    *x = strtok_r(a, "\n", &rest_a), *y = strtok_r(b, "\n", &rest_b);
    for (; x && y; x = strtok_r(NULL, "\n", &rest_a), y = strtok_r(NULL, "\n", &rest_b)) {
        if (strcmp(x, y) != 0 && !is_kept(used->class->name, x)) {
            print_error("%s after a reset: %.100s; new: %.100s\n", used->class->name, x, y);
            differences++;
        }
    }
    free(a);
    free(b);
    return differences;
}

static void expect_rtc_reset(struct fuzz *f)
{
    out(f, 0x70, 0x0b, 1);
    assert_int_equal(in(f, 0x71, 1) & 0x78, 0); /* PIE, AIE, UIE, SQWE */
    out(f, 0x70, 0x0c, 1);
    assert_int_equal(in(f, 0x71, 1) & 0xf0, 0); /* IRQF, PF, AF, UF */
}

static void reset_all(struct fuzz *f)
{
    for (unsigned i = 0; i < f->m->device_count; i++) {
        device_reset(f->m->devices[i]);
    }
    pc_reset(f->m);
    f->m->requests = 0;
}

static void reset_equals_new(void **state)
{
    (void)state;
    unsigned differences = 0;
    for (unsigned seed = 1; seed <= 5; seed++) {
        struct fuzz used, new;
        create(&used, seed, 0);
        for (unsigned n = 0; n < 2000; n++) {
            act(&used, true);
        }
        create(&new, seed, clock_now(used.m->clock));
        reset_all(&used);
        reset_all(&new); /* takes back what bench_configure() did */
        for (unsigned i = 0; i < used.m->device_count; i++) {
            if (used.m->devices[i]->class->fields) {
                differences += compare_printed(used.m->devices[i], new.m->devices[i]);
            }
        }
        expect_rtc_reset(&used);
        bench_destroy(&used);
        bench_destroy(&new);
    }
    assert_int_equal(differences, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_device_saves_what_it_loads),
        cmocka_unit_test(a_twin_goes_on_alike),
        cmocka_unit_test(damaged_states_do_no_harm),
        cmocka_unit_test(reset_equals_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
