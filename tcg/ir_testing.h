/*
 * ir_testing.h: what the tests of tcg/ share: IR of guest bytes, IR as text.
 */
#ifndef TCG_IR_TESTING_H
#define TCG_IR_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcg/ir.h"
#include "tcg/translate/translate.h"

/* The IR of 64-bit code at the beginning of a page. */
static inline void ir_of_bytes(struct ir *ir, const char *bytes, unsigned size)
{
    struct cpu_features features;
    struct error err;
    assert_non_null(cpu_model_find("max", &features, &err));
    struct decoder *d = decoder_create(&features);
    struct block *b = calloc(1, sizeof *b);
    b->insn = calloc(65, sizeof *b->insn);
    b->mode = 8;
    for (unsigned at = 0; at < size;) {
        struct insn *i = &b->insn[b->count];
        enum rule rule;
        assert_int_equal(decode(d, (const u8 *)bytes + at, size - at, 8, at, i, &rule), DECODE_OK);
        i->number = ++b->count;
        at += i->length;
    }
    translate(ir, b, (struct translate_mode){.stack_bytes = 8});
    free(b->insn);
    free(b);
    decoder_destroy(d);
}

static inline void assert_valid(const struct ir *ir)
{
    char why[200];
    if (!ir_verify(ir, why, sizeof why)) {
        ir_print(ir, stderr);
        fail_msg("%s", why);
    }
}

static inline void assert_text(const struct ir *ir, const char *expected)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    ir_print(ir, out);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

#endif
