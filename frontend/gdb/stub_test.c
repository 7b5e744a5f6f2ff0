/*
 * stub_test.c: a peer that speaks as gdb does, and one that does not, with a machine in real mode.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/gdb/packet.h"
#include "frontend/gdb/stub.h"
#include "frontend/machine/counted.h"

struct peer {
    struct machine *m;
    struct gdb *gdb;
    struct blob heard; /* with a 0 behind */
    bool until_stop;   /* the machine is left when a stop is told */
};

static void hear(void *opaque, const void *data, size_t size)
{
    struct peer *p = opaque;
    blob_put(&p->heard, data, size);
    if (p->until_stop && size && *(const char *)data == '$') {
        machine_quit(p->m, 0);
    }
}

static bool never(void *opaque)
{
    (void)opaque;
    return false;
}

static struct peer *create(const char *cpu, const struct gdb_look *look)
{
    struct machine_config config = {.ram_bytes = 16 << 20, .cpu = cpu, .boot_order = "c", .counted = true, .epoch = 1700000000};
    struct peer *p = calloc(1, sizeof *p);
    struct error err;
    p->m = machine_create();
    if (!pc_build(p->m, &config, &err)) {
        fail_msg("%s", err.text);
    }
    p->gdb = gdb_create(p->m, look, &(struct gdb_link){.send = hear, .busy = never, .interrupted = never, .opaque = p});
    gdb_opened(p->gdb);
    return p;
}

static void destroy(struct peer *p)
{
    gdb_destroy(p->gdb, 0);
    machine_dismantle(p->m);
    machine_destroy(p->m);
    blob_free(&p->heard);
    free(p);
}

static void say(struct peer *p, const char *packet)
{
    struct blob frame = {0};
    p->heard.size = 0;
    gdb_frame(&frame, packet, strlen(packet));
    gdb_input(p->gdb, frame.data, frame.size);
    blob_free(&frame);
}

/* What the last packet says that was heard. */
static const char *heard(struct peer *p)
{
    static struct gdb_reader r;
    const char *last = "(nothing)";
    memset(&r, 0, sizeof r);
    for (size_t k = 0; k < p->heard.size; k++) {
        if (gdb_reader_byte(&r, p->heard.data[k]) == GDB_PACKET) {
            last = (const char *)r.data;
        }
    }
    return last;
}

static const char *ask(struct peer *p, const char *packet)
{
    say(p, packet);
    return heard(p);
}

/* As ask(), of something that makes the machine run. */
static const char *run(struct peer *p, const char *packet)
{
    p->until_stop = true;
    p->m->requests = 0;
    say(p, packet);
    machine_run(p->m);
    p->until_stop = false;
    p->m->requests = 0;
    return heard(p);
}

/* The number of a register in the description. */
static unsigned number_of(struct peer *p, const char *name)
{
    static char wanted[64];
    struct blob all = {0};
    unsigned number = 0;
    char ask_for[64];
    do {
        snprintf(ask_for, sizeof ask_for, "qXfer:features:read:target.xml:%zx,ffb", all.size);
        const char *part = ask(p, ask_for);
        assert_true(*part == 'm' || *part == 'l');
        blob_put(&all, part + 1, strlen(part + 1));
        if (*part == 'l') {
            break;
        }
    } while (all.size < 1 << 20);
    blob_put(&all, "", 1);
    snprintf(wanted, sizeof wanted, "<reg name=\"%s\"", name);
    const char *at = (const char *)all.data, *found = strstr(at, wanted);
    if (!found) {
        fail_msg("there is no register %s", name);
    }
    for (; (at = strstr(at, "<reg ")) && at < found; at++) {
        number++;
    }
    blob_free(&all);
    return number;
}

static const char *read_register(struct peer *p, const char *name)
{
    char packet[32];
    snprintf(packet, sizeof packet, "p%x", number_of(p, name));
    return ask(p, packet);
}

static const char *write_register(struct peer *p, const char *name, const char *value)
{
    char packet[96];
    snprintf(packet, sizeof packet, "P%x=%s", number_of(p, name), value);
    return ask(p, packet);
}

/* mov ax,1234; inc ax; mov [600],ax; here: inc bx; jmp here */
static const char code[] = "b83412" "40" "a30006" "43" "ebfd";

static void load(struct peer *p, bool wide)
{
    char packet[64];
    snprintf(packet, sizeof packet, "M7c00,%zx:%s", strlen(code) / 2, code);
    assert_string_equal(ask(p, packet), "OK");
    assert_string_equal(write_register(p, "cs", "00000000"), "OK");
    assert_string_equal(write_register(p, wide ? "rip" : "eip", wide ? "007c000000000000" : "007c0000"), "OK");
    assert_string_equal(write_register(p, wide ? "rax" : "eax", wide ? "0000000000000000" : "00000000"), "OK");
}

static const struct gdb_look by_model = {GDB_BY_MODEL, false};

static void questions(void **state)
{
    struct peer *p = create("x86-64-v3", &by_model);
    (void)state;
    assert_non_null(strstr(ask(p, "qSupported:swbreak+;hwbreak+;xmlRegisters=i386"), "PacketSize=4000;"));
    assert_null(strstr(heard(p), "Reverse")); /* no past is kept */
    assert_string_equal(ask(p, "vCont?"), "vCont;c;C;s;S");
    assert_string_equal(ask(p, "vMustReplyEmpty"), "");
    assert_string_equal(ask(p, ""), "");
    assert_string_equal(ask(p, "qAttached"), "1");
    assert_string_equal(ask(p, "?"), "T02thread:1;");
    assert_string_equal(ask(p, "Hg0"), "OK");
    assert_string_equal(ask(p, "Hc-1"), "OK");
    assert_string_equal(ask(p, "T1"), "OK");
    assert_string_equal(ask(p, "T2"), "E16");
    assert_string_equal(ask(p, "qfThreadInfo"), "m1");
    assert_string_equal(ask(p, "qsThreadInfo"), "l");
    assert_string_equal(ask(p, "bs"), "E.no past is kept: start with -checkpoints on (with -replay, -record or -clock counted)");
    assert_string_equal(ask(p, "bx"), "");
    assert_int_equal(p->heard.data[0], '+');
    assert_string_equal(ask(p, "QStartNoAckMode"), "OK");
    ask(p, "qC");
    assert_int_equal(p->heard.data[0], '$');
    destroy(p);
}

static void registers(void **state)
{
    struct peer *p = create("x86-64-v3", &by_model);
    (void)state;
    assert_string_equal(read_register(p, "rip"), "f0ff000000000000");
    assert_string_equal(read_register(p, "cs_base"), "0000ffff00000000");
    assert_string_equal(read_register(p, "linear_pc"), "f0ffffff00000000");
    assert_string_equal(write_register(p, "r15", "8877665544332211"), "OK");
    assert_true(p->m->cpu->regs[R_15] == 0x55667788); /* upper halves are there in long mode only */
    assert_string_equal(write_register(p, "st0", "00000000000000c0ff3f"), "OK");
    assert_string_equal(read_register(p, "st0"), "00000000000000c0ff3f");
    assert_string_equal(write_register(p, "ymm3h", "000102030405060708090a0b0c0d0e0f"), "OK");
    assert_int_equal(p->m->cpu->xmm[3].b[31], 15);
    assert_string_equal(write_register(p, "ds", "34120000"), "OK");
    assert_string_equal(read_register(p, "ds_base"), "4023010000000000");
    /* what the processor refuses, it refuses here too */
    assert_non_null(strstr(write_register(p, "cr0", "00000080"), "E.the processor refuses"));
    assert_string_equal(read_register(p, "cr0"), "10000060");
    assert_non_null(strstr(write_register(p, "cpl", "03000000"), "E."));
    assert_non_null(strstr(write_register(p, "rip", "00"), "E."));
    assert_string_equal(ask(p, "pfff"), "E16");
    /* all of them, unchanged */
    char *all = strdup(ask(p, "g")), *packet = calloc(1, strlen(all) + 2);
    *packet = 'G';
    strcpy(packet + 1, all);
    assert_string_equal(ask(p, packet), "OK");
    assert_string_equal(ask(p, "g"), all);
    free(all);
    free(packet);
    destroy(p);
}

static void architectures(void **state)
{
    (void)state;
    struct peer *p = create("pentium3", &by_model);
    read_register(p, "eip");
    destroy(p);
    p = create("x86-64-v2", &(struct gdb_look){GDB_I386, true});
    assert_string_equal(read_register(p, "eip"), "f0ffffff"); /* linear */
    load(p, false);
    destroy(p);
}

static void memory(void **state)
{
    struct peer *p = create("x86-64-v2", &by_model);
    static const u8 binary[] = {'X', '1', '0', '0', '0', ',', '4', ':', '$', '#', '}', '*'};
    struct blob frame = {0};
    (void)state;
    assert_string_equal(ask(p, "M1000,3:00ff10"), "OK");
    assert_string_equal(ask(p, "m1000,4"), "00ff1000");
    gdb_frame(&frame, binary, sizeof binary);
    gdb_input(p->gdb, frame.data, frame.size);
    blob_free(&frame);
    assert_string_equal(ask(p, "m1000,4"), "24237d2a");
    assert_string_equal(ask(p, "x1000,4"), "b$#}*");
    assert_string_equal(ask(p, "m40000000,4"), "E0e"); /* nothing is there */
    assert_string_equal(ask(p, "mfffff0,20"), "00000000000000000000000000000000"); /* as far as there is memory */
    assert_string_equal(ask(p, "M40000000,1:00"), "E0e");
    assert_string_equal(ask(p, "M1fff,2:0000"), "OK");
    assert_string_equal(ask(p, "M1000,3:00ff"), "E16");
    assert_string_equal(ask(p, "M1000"), "E16");
    assert_string_equal(ask(p, "Mffff0,1:00"), "E0e"); /* ROM */
    assert_int_equal(strlen(ask(p, "mffff0,10")), 32);
    assert_int_equal(strlen(ask(p, "m0,ffffffffffffffff")), 2 * (GDB_PACKET_MAX / 2 - 16));
    assert_string_equal(ask(p, "qqemu.PhyMemMode"), "0");
    assert_string_equal(ask(p, "Qqemu.PhyMemMode:1"), "OK");
    assert_string_equal(ask(p, "qqemu.PhyMemMode"), "1");
    destroy(p);
}

static void running(void **state)
{
    struct peer *p = create("x86-64-v2", &by_model);
    (void)state;
    ask(p, "qSupported:swbreak+;hwbreak+");
    load(p, true);
    assert_string_equal(run(p, "vCont;s:1;c"), "T05thread:1;");
    assert_string_equal(read_register(p, "rip"), "037c000000000000");
    assert_string_equal(ask(p, "Z0,7c07,1"), "OK");
    assert_string_equal(ask(p, "Z0,7c07,1"), "OK");
    assert_string_equal(ask(p, "Z1,7c03,1"), "OK");
    assert_string_equal(ask(p, "Z9,7c03,1"), "");
    assert_string_equal(ask(p, "Z0,7c03"), "E16");
    assert_string_equal(run(p, "c"), "T05thread:1;swbreak:;"); /* not where it is already */
    assert_string_equal(read_register(p, "rax"), "3512000000000000");
    assert_string_equal(run(p, "c"), "T05thread:1;swbreak:;"); /* once around */
    assert_string_equal(ask(p, "z0,7c07,1"), "OK");
    assert_string_equal(run(p, "c7c00"), "T05thread:1;hwbreak:;");
    assert_string_equal(ask(p, "Z2,600,2"), "OK");
    assert_string_equal(ask(p, "m600,2"), "3512");
    assert_string_equal(run(p, "vCont;c:1"), "T05thread:1;watch:600;");
    assert_string_equal(read_register(p, "rip"), "077c000000000000");
    destroy(p);
}

static void kick_it(void *opaque)
{
    struct peer *p = opaque;
    gdb_input(p->gdb, (const u8 *)"\003", 1);
}

static void interrupts(void **state)
{
    struct peer *p = create("x86-64-v2", &by_model);
    (void)state;
    load(p, true);
    loop_post(p->m->loop, kick_it, p);
    p->until_stop = true;
    assert_string_equal(run(p, "c"), "T02thread:1;");
    assert_true(p->m->paused);
    assert_string_equal(ask(p, "D"), "OK");
    assert_false(p->m->paused);
    destroy(p);
}

static void monitor(void **state)
{
    struct peer *p = create("x86-64-v2", &by_model);
    (void)state;
    say(p, "qRcmd,7020312b31"); /* p 1+1 */
    assert_non_null(memmem(p->heard.data, p->heard.size, "$O3078320a#", 11));
    assert_string_equal(heard(p), "OK");
    say(p, "qRcmd,67646220706320" "6c696e656172"); /* gdb pc linear */
    assert_string_equal(heard(p), "OK");
    assert_string_equal(read_register(p, "rip"), "f0ffffff00000000");
    assert_string_equal(ask(p, "qRcmd,7"), "E16");
    assert_string_equal(ask(p, "qRcmd,zz"), "E16");
    destroy(p);
}

/* Packets that are not quite gdb's, and bytes that are none. */
static void hostile(void **state)
{
    static const char *const seeds[] = {
        "g",          "p4",      "P4=00000000", "m1000,10", "M1000,2:0000", "X1000,2:ab", "Z0,7c00,1",
        "z0,7c00,1",  "Z2,10,4", "vCont;s:1;c", "s",        "bs",           "qXfer:features:read:target.xml:0,fff",
        "qSupported", "Hg0",     "T1",          "?",        "qThreadExtraInfo,1"};
    struct peer *p = create("x86-64-v3", &by_model);
    (void)state;
    srand(2);
    for (unsigned n = 0; n < 20000; n++) {
        char packet[128];
        snprintf(packet, sizeof packet, "%s", seeds[(unsigned)rand() % ARRAY_LEN(seeds)]);
        size_t length = strlen(packet);
        for (unsigned k = (unsigned)rand() % 4; k; k--) {
            packet[1 + (unsigned)rand() % length] = "0f,:;=-1\001~"[rand() % 10]; /* the letter stays: k and D would end it */
        }
        packet[length + 1] = 0;
        say(p, packet);
        gdb_input(p->gdb, (const u8 *)"\003-+$", 1 + (size_t)rand() % 4);
        gdb_input(p->gdb, (const u8 *)"#00", 3);
    }
    gdb_closed(p->gdb);
    gdb_opened(p->gdb);
    assert_string_equal(ask(p, "qC"), "QC1");
    destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions), cmocka_unit_test(registers),  cmocka_unit_test(architectures), cmocka_unit_test(memory),
        cmocka_unit_test(running),   cmocka_unit_test(interrupts), cmocka_unit_test(monitor),       cmocka_unit_test(hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
