/*
 * inspect_parts.h: what the inspectors share. Private to them.
 */
#ifndef FRONTEND_LAB_INSPECT_PARTS_H
#define FRONTEND_LAB_INSPECT_PARTS_H

#include "cpu/op/op.h"
#include "frontend/lab/inspect.h"
#include "frontend/lab/symbols.h"
#include "frontend/monitor/registers.h"

typedef unsigned long long ull;

/* "real mode", "32-bit protected mode", ... */
const char *inspect_mode(const struct cpu *cpu);
/* The style of a ring, of system-management mode, of real mode. */
enum style inspect_ring_style(const struct cpu *cpu);
/* Hexadecimal digits of a linear address. */
int inspect_digits(const struct cpu *cpu);
/* Memory as the processor's tables see it: size 1, 2, 4 or 8. False: not mapped, or no memory. */
bool inspect_peek(struct cpu *cpu, u64 linear, unsigned size, u64 *value);
/* " <start_kernel+0x12>", or nothing. */
void inspect_put_symbol(struct view *page, const struct machine *machine, u64 linear);
void inspect_title(struct view *page, const char *format, ...) PRINTF_LIKE(2, 3);
/* Words that go on in the next line, `indent` cells from the left. */
void inspect_wrap(struct view *page, enum style style, unsigned indent, const char *format, ...) PRINTF_LIKE(4, 5);

/* ---- descriptors */

/* The descriptor of a selector as its table holds it now, whatever the rights; WHY_: none. */
enum inspect_why { WHY_FOUND, WHY_NULL, WHY_NO_LDT, WHY_LIMIT, WHY_UNMAPPED };
enum inspect_why inspect_descriptor(struct cpu *cpu, u16 selector, struct descriptor *d);
const char *inspect_why_text(enum inspect_why why);
/* "code 32-bit, DPL 0, readable, accessed": registers_kind() in words. */
void inspect_kind_words(const struct cpu *cpu, unsigned attr, char *text, size_t size);
/* "0008:00101234 DPL=0 int gate 32"; and where it leads, or why it leads nowhere, `indent` from
 * the left if there is no room on this line. */
void inspect_put_gate(struct view *page, struct machine *machine, const struct descriptor *d);
void inspect_put_gate_target(struct view *page, struct machine *machine, const struct descriptor *d, unsigned indent);

#endif
