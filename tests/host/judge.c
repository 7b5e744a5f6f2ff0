/*
 * judge.c: equality of results, with a table of what is undefined (SDM Vol. 2, "Flags Affected" of each page).
 *
 * Undefined flags, approximations and transcendentals have one result of ours in every executor; here they are masked, because the
 * host's is another.
 */
#include "tests/host/judge.h"

#include <capstone/capstone.h>
#include <cpuid.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/base/bits.h"
#include "tests/host/segments.h"

#define ZSAP (FLAG_ZF | FLAG_SF | FLAG_AF | FLAG_PF)

struct mask_row {
    const char *name;
    u32         always;   /* undefined */
    u32         count_above_1; /* undefined when a shift count is not 0 or 1 */
};

static const struct mask_row mask_table[] = {
    { "AND", FLAG_AF, 0 },
    { "OR", FLAG_AF, 0 },
    { "XOR", FLAG_AF, 0 },
    { "TEST", FLAG_AF, 0 },
    { "SHL", FLAG_AF, FLAG_OF },
    { "SAL", FLAG_AF, FLAG_OF },
    { "SHR", FLAG_AF, FLAG_OF },
    { "SAR", FLAG_AF, FLAG_OF },
    { "ROL", 0, FLAG_OF },
    { "ROR", 0, FLAG_OF },
    { "RCL", 0, FLAG_OF },
    { "RCR", 0, FLAG_OF },
    { "SHLD", FLAG_AF, FLAG_OF },
    { "SHRD", FLAG_AF, FLAG_OF },
    { "MUL", ZSAP, 0 },
    { "IMUL", ZSAP, 0 },
    { "DIV", FLAG_ARITH, 0 },
    { "IDIV", FLAG_ARITH, 0 },
    { "BSF", FLAG_ARITH & ~FLAG_ZF, 0 },
    { "BSR", FLAG_ARITH & ~FLAG_ZF, 0 },
    { "TZCNT", FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF, 0 },
    { "LZCNT", FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF, 0 },
    { "BT", FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF, 0 },
    { "BTS", FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF, 0 },
    { "BTR", FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF, 0 },
    { "BTC", FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF, 0 },
    { "AAA", FLAG_OF | FLAG_SF | FLAG_ZF | FLAG_PF, 0 },
    { "AAS", FLAG_OF | FLAG_SF | FLAG_ZF | FLAG_PF, 0 },
    { "AAM", FLAG_OF | FLAG_AF | FLAG_CF, 0 },
    { "AAD", FLAG_OF | FLAG_AF | FLAG_CF, 0 },
    { "DAA", FLAG_OF, 0 },
    { "DAS", FLAG_OF, 0 },
    { "ANDN", FLAG_AF | FLAG_PF, 0 },
    { "BLSR", FLAG_AF | FLAG_PF, 0 },
    { "BLSI", FLAG_AF | FLAG_PF, 0 },
    { "BLSMSK", FLAG_AF | FLAG_PF, 0 },
    { "BZHI", FLAG_AF | FLAG_PF, 0 },
    { "BEXTR", FLAG_AF | FLAG_SF | FLAG_PF, 0 },
};

/* The transcendental instructions of the x87 and the approximations of SSE. */
static const char *const x87_inexact[] = { "F2XM1", "FYL2X", "FYL2XP1", "FPTAN", "FPATAN", "FSIN", "FCOS", "FSINCOS" };
static const char *const sse_inexact[] = { "RCPPS", "RCPSS", "RSQRTPS", "RSQRTSS", "VRCPPS", "VRCPSS", "VRSQRTPS", "VRSQRTSS" };
/* They store instruction and data pointers, which the host's kernel has used meanwhile. */
static const char *const stores_pointers[] = { "FNSTENV", "FNSAVE" };
/* Their many bytes are checked in an order of the processor's own. */
static const char *const long_operands[] = { "FNSTENV", "FNSAVE", "FLDENV", "FRSTOR", "MASKMOVQ", "MASKMOVDQU", "VMASKMOVDQU", "PUSHA", "POPA",
                                              "ENTER", "CALL" };
/* Of several faults at once, each processor takes its own first. */
static const char *const far_transfers[] = { "CALLF", "JMPF", "RETF", "IRET" };
static const char *const masked_moves[] = { "VMASKMOVPS", "VMASKMOVPD", "VPMASKMOVD", "VPMASKMOVQ" };
/* They are W1 in the manual, but AMD takes W0 for it. */
static const char *const ignores_w[] = { "VPERMQ", "VPERMPD" };
/* They compare into EFLAGS, and what C1 is then differs. */
static const char *const compares_flags[] = { "FCOMI", "FCOMIP", "FUCOMI", "FUCOMIP" };

static bool listed(const char *name, const char *const *list, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        if (strcmp(name, list[k]) == 0) {
            return true;
        }
    }
    return false;
}
#define LISTED(c, list) listed(row_table[(c)->row].name, list, ARRAY_LEN(list))

/* The count of a shift, masked as the processor does. */
static unsigned shift_count(const struct host_case *c, const struct insn *i)
{
    const struct row *row   = &row_table[c->row];
    unsigned          count = (unsigned)i->imm;
    if (row->operand[1] == CL || row->operand[2] == CL) {
        count = (unsigned)c->in.gpr[R_CX];
    }
    return count & (i->w == 8 ? 63 : 31);
}

static bool is_shift_double(const char *name)
{
    return strcmp(name, "SHLD") == 0 || strcmp(name, "SHRD") == 0;
}

/* A double shift of 16 bits by more than 16: everything is undefined. */
static bool all_undefined(const struct host_case *c, const struct insn *i)
{
    const char *name = row_table[c->row].name;
    return (is_shift_double(name) && shift_count(c, i) > 8u * i->w) || (strcmp(name, "BSWAP") == 0 && i->opsize == 2);
}

static u32 undefined_flags(const struct host_case *c, const struct insn *i)
{
    const char *name = row_table[c->row].name;
    for (unsigned k = 0; k < ARRAY_LEN(mask_table); k++) {
        const struct mask_row *m = &mask_table[k];
        if (strcmp(m->name, name) != 0) {
            continue;
        }
        if (!m->count_above_1) {
            return m->always;
        }
        unsigned count = shift_count(c, i);
        u32      mask  = count ? m->always : 0;
        if (count > 1) {
            mask |= m->count_above_1;
        }
        /* SHL, SHR by at least the width: CF too */
        if (m->always && count >= 8u * i->w && strcmp(name, "SAR") != 0) {
            mask |= FLAG_CF;
        }
        return mask;
    }
    return 0;
}

/* ---- comparing, with a printer that may be silent */

struct differ {
    FILE *out; /* NULL: only tell whether */
    bool  different;
};

static void differ(struct differ *d, const char *what, u64 before, u64 host, u64 ours)
{
    d->different = true;
    if (d->out) {
        fprintf(d->out, "    %-8s before %016llx  host %016llx  ours %016llx\n", what, (unsigned long long)before,
                (unsigned long long)host, (unsigned long long)ours);
    }
}

static void compare(struct differ *d, const char *what, u64 before, u64 host, u64 ours)
{
    if (host != ours) {
        differ(d, what, before, host, ours);
    }
}

static void compare_gpr(struct differ *d, const struct host_case *c, const struct host_result *host, const struct host_result *ours)
{
    static const char *const names[16] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                           "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15" };
    u64 mask = c->code_bytes == 8 && host->out.seg[SEG_CS] == SELECTOR_CODE64 ? ~(u64)0 : 0xffffffff;
    u64 lar  = strcmp(row_table[c->row].name, "LAR") == 0 ? 0xf0000 : 0; /* bits of the limit are undefined */
    for (unsigned k = 0; k < (c->code_bytes == 8 ? 16 : 8); k++) {
        compare(d, names[k], c->in.gpr[k], host->out.gpr[k] & mask & ~lar, ours->out.gpr[k] & mask & ~lar);
    }
}

static void compare_segments(struct differ *d, const struct host_case *c, const struct host_result *host,
                             const struct host_result *ours)
{
    static const char *const names[6] = { "es", "cs", "ss", "ds", "fs", "gs" };
    for (unsigned k = 0; k < 6; k++) {
        u16 h = host->out.seg[k], o = ours->out.seg[k];
        if (h >> 2 || o >> 2) { /* the host's kernel makes every null selector 0 */
            compare(d, names[k], c->in.seg[k], h, o);
        }
    }
}

static float float_of(u32 bits)
{
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

/* Both within 1.5 * 2^-12 of the truth; what is smaller than any normal number may have been flushed. */
static bool approximately_equal(u32 a, u32 b)
{
    float x = float_of(a), y = float_of(b);
    if (a == b || (fabsf(x) < 0x1p-125f && fabsf(y) < 0x1p-125f)) {
        return true;
    }
    return fabsf(x - y) <= 0x1.8p-11f * fabsf(x);
}

static void compare_xmm(struct differ *d, const struct host_case *c, const struct host_result *host, const struct host_result *ours)
{
    bool approximate = LISTED(c, sse_inexact);
    for (unsigned at = FX_XMM; at < FX_BYTES; at += 8) {
        u64  h = load64(host->out.fx + at), o = load64(ours->out.fx + at);
        char name[32];
        if (h == o || (approximate && approximately_equal((u32)h, (u32)o) && approximately_equal(h >> 32, o >> 32))) {
            continue;
        }
        snprintf(name, sizeof name, "xmm%u.%s", (at - FX_XMM) / 16, at & 8 ? "hi" : "lo");
        differ(d, name, load64(c->in.fx + at), h, o);
    }
    for (unsigned at = 0; at < sizeof host->out.upper; at += 8) {
        u64  h = load64(host->out.upper + at), o = load64(ours->out.upper + at);
        char name[32];
        if (h == o || (approximate && approximately_equal((u32)h, (u32)o) && approximately_equal(h >> 32, o >> 32))) {
            continue;
        }
        snprintf(name, sizeof name, "ymm%u.%s", at / 16, at & 8 ? "hi" : "lo");
        differ(d, name, load64(c->in.upper + at), h, o);
    }
}

/* Distance in units of the last place, as far as it matters. */
static u64 ulps80(const u8 *a, const u8 *b)
{
    if ((load16(a + 8) ^ load16(b + 8)) & 0x8000) {
        return ~(u64)0;
    }
    i128 x = (i128)(load16(a + 8) & 0x7fff) << 63 | (load64(a) & ~BIT(63));
    i128 y = (i128)(load16(b + 8) & 0x7fff) << 63 | (load64(b) & ~BIT(63));
    i128 n = x > y ? x - y : y - x;
    return n >> 64 ? ~(u64)0 : (u64)n;
}

enum { FSW_UNDERFLOW = 0x10, FSW_INEXACT = 0x20, FSW_SUMMARY = 0x8080, FSW_C1 = 0x200 };

static void compare_x87(struct differ *d, const struct host_case *c, const struct host_result *host, const struct host_result *ours)
{
    bool inexact = LISTED(c, x87_inexact);
    u16  mask    = 0xffff;
    if (inexact) {
        mask = (u16)~(FSW_C1 | FSW_UNDERFLOW | FSW_INEXACT | FSW_SUMMARY);
    } else if (LISTED(c, compares_flags)) {
        mask = (u16)~FSW_C1;
    }
    compare(d, "fcw", load16(c->in.fx), load16(host->out.fx), load16(ours->out.fx));
    compare(d, "fsw", load16(c->in.fx + FX_FSW), load16(host->out.fx + FX_FSW) & mask, load16(ours->out.fx + FX_FSW) & mask);
    compare(d, "ftw", c->in.fx[FX_FTW], host->out.fx[FX_FTW], ours->out.fx[FX_FTW]);
    for (unsigned k = 0; k < 8; k++) {
        unsigned  at = FX_ST + 16 * k;
        const u8 *h = host->out.fx + at, *o = ours->out.fx + at;
        char      name[32];
        if (inexact && k < 2 && ulps80(h, o) <= 4) {
            continue;
        }
        snprintf(name, sizeof name, "st%u", k);
        compare(d, name, load64(c->in.fx + at), load64(h), load64(o));
        snprintf(name, sizeof name, "st%u.exp", k);
        compare(d, name, load16(c->in.fx + at + 8), load16(h + 8), load16(o + 8));
    }
}

static void compare_memory(struct differ *d, const struct host_result *host, const struct host_result *ours)
{
    if (memcmp(host->data, ours->data, sizeof host->data) == 0) {
        return;
    }
    for (unsigned at = 0; at < sizeof host->data; at += 8) {
        char name[32];
        snprintf(name, sizeof name, "[%x]", DATA_AT + at);
        compare(d, name, 0, load64(host->data + at), load64(ours->data + at));
    }
}

/* The host's kernel calls every user access above its half a protection violation. */
static u32 masked_error(const struct host_result *r)
{
    return r->vector == VEC_PF && r->cr2 >= 0x7ffffffff000 ? r->error | 1 : r->error;
}

static bool error_code_counts(unsigned vector)
{
    return vector >= VEC_TS && vector <= VEC_PF;
}

/* Whether the instruction itself ran: what came then is the INT3, a trap, or the end of the code. */
static bool completed(const struct host_case *c, const struct host_result *host)
{
    return host->vector == VEC_BP || host->vector == VEC_DB || (c->code_at + c->length == CODE_END && host->out.ip == c->in.ip + c->length);
}

static bool touches_mmx(const struct host_case *c)
{
    for (unsigned k = 0; k < 4; k++) {
        unsigned o = row_table[c->row].operand[k];
        if (o == Pq || o == Qq || o == Qd || o == Nq) {
            return true;
        }
    }
    return false;
}

/* AMD enters MMX mode even if the instruction then faults, and does not for CVTPI2PS from memory; we follow Intel. */
static bool x87_undefined(const struct host_case *c, const struct insn *i, const struct host_result *host)
{
    return (touches_mmx(c) && !completed(c, host)) || (strcmp(row_table[c->row].name, "CVTPI2PS") == 0 && i->mem);
}

/* ENTER that faults has pushed on the host, and not here. */
static bool memory_undefined(const struct host_case *c, const struct host_result *host)
{
    return LISTED(c, stores_pointers) || (strcmp(row_table[c->row].name, "ENTER") == 0 && !completed(c, host));
}

static bool is_memory_fault(unsigned vector)
{
    return vector == VEC_TS || vector == VEC_NP || vector == VEC_SS || vector == VEC_GP || vector == VEC_PF || vector == VEC_AC;
}

/* Whether the instruction itself met a fault of memory. */
static bool faulted(const struct host_case *c, const struct host_result *r)
{
    return is_memory_fault(r->vector) && r->out.ip == c->in.ip;
}

/* Outside the range for which F2XM1 and FYL2XP1 are defined (their pages). */
static bool x87_out_of_range(const struct host_case *c)
{
    unsigned exponent = load16(c->in.fx + FX_ST + 8) & 0x7fff;
    return (strcmp(row_table[c->row].name, "F2XM1") == 0 && exponent >= 0x3fff) ||
           (strcmp(row_table[c->row].name, "FYL2XP1") == 0 && exponent >= 0x3ffd);
}

static bool is_x87(const struct row *row)
{
    return row->map == M1 && row->opcode >> 3 == 0xd8 >> 3;
}

/* By its family, which is also Zen 3's. */
static bool host_is_zen4(void)
{
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (eax >> 8 & 15) + (eax >> 20 & 255) == 0x19;
}

/* Cases in which processors differ as a whole, host and us too. */
static bool excused(const struct host_case *c, const struct insn *i, const struct host_result *host, const struct host_result *ours)
{
    const struct row *row = &row_table[c->row];
    /* what is aligned is not said of their many bytes, nor of the x87's 10 (SDM Vol. 3A table 6-7) */
    if (host->vector == VEC_AC && (LISTED(c, long_operands) || LISTED(c, far_transfers) || is_x87(row))) {
        return true;
    }
    if (LISTED(c, long_operands) && faulted(c, host)) {
        return ours->out.ip == c->in.ip || strstr(row->name, "MASKMOV") != NULL;
    }
    /* the manual has SHA's memory operands aligned (Vol. 2 table 2-21, exceptions type 4), AMD not */
    if (row->feature == FEATURE_SHA && i->mem && ours->vector == VEC_GP) {
        return host->vector != VEC_UD;
    }
    if (LISTED(c, ignores_w) && ours->vector == VEC_UD) {
        return host->vector != VEC_UD;
    }
    /* which of several faults is first; CMPS reads the destination first on Zen 4, the source on Zen 5 */
    if ((LISTED(c, far_transfers) || LISTED(c, masked_moves) || strcmp(row->name, "CMPS") == 0) && faulted(c, host) && faulted(c, ours)) {
        return true;
    }
    /* Zen 4 lets masked lanes pass their segment's limit, and looks at pages of lanes that are not chosen; Zen 5 neither */
    if (host_is_zen4() && LISTED(c, masked_moves) && c->code_bytes != 8 && faulted(c, host) != faulted(c, ours)) {
        return true;
    }
    /* a taken jump that is the last instruction inside the limit of CS faults on AMD */
    if (row->attr & F64 && c->code_bytes != 8 && c->in.seg[SEG_CS] & 4 && c->code_at + c->length == CODE_END) {
        return host->vector == VEC_GP;
    }
    if (strcmp(row->name, "LSL") == 0 && completed(c, host) && (u16)ours->out.gpr[i->reg / 8] == NODE_LIMIT) {
        return ours->vector == host->vector;
    }
    /* a gather may be interrupted between its lanes (SDM Vol. 2 VGATHERDPS), by single-stepping too */
    if (row->attr & VSIB && c->in.flags & FLAG_TF && host->vector == VEC_DB) {
        return true;
    }
    /* the 10 bytes of the x87 across the end of the address space; GS with an offset that is not canonical, but is with the base */
    if ((is_x87(row) || i->seg == SEG_GS) && host->vector != ours->vector && is_memory_fault(host->vector)) {
        return faulted(c, ours);
    }
    /* MXCSR has one more bit on AMD; CVTPI2PS from memory is no MMX instruction there */
    if (strcmp(row->name, "LDMXCSR") == 0 || strcmp(row->name, "VLDMXCSR") == 0 || (strcmp(row->name, "CVTPI2PS") == 0 && i->mem)) {
        return ours->vector == VEC_GP || ours->vector == VEC_MF || host->vector == ours->vector;
    }
    /* FLD of a denormal with #D unmasked: AMD pushes */
    if (strcmp(row->name, "FLD") == 0 && load16(host->out.fx + FX_FSW) & ~load16(host->out.fx) & 2) {
        return host->vector == ours->vector;
    }
    /* an unmasked invalid compare: AMD gives "unordered", Intel leaves the condition codes and flags */
    if (is_x87(row) && load16(host->out.fx + FX_FSW) & ~load16(host->out.fx) & 1) {
        return host->vector == ours->vector;
    }
    return x87_out_of_range(c) && host->vector == ours->vector;
}

static bool compare_all(FILE *out, const struct host_case *c, const struct insn *i, const struct host_result *host,
                        const struct host_result *ours)
{
    struct differ d    = { .out = out };
    u64           mask = 0x10fff | FLAG_AC | FLAG_NT;
    if (excused(c, i, host, ours)) {
        return true;
    }
    compare(&d, "vector", 0, host->vector, ours->vector);
    if (host->vector == VECTOR_LOST || ours->vector == VECTOR_LOST) {
        return !d.different;
    }
    if (d.different) {
        compare(&d, "ip", c->in.ip, host->out.ip, ours->out.ip);
        return false;
    }
    if (error_code_counts(host->vector)) {
        compare(&d, "error", 0, masked_error(host), masked_error(ours));
    }
    if (host->vector == VEC_PF) {
        compare(&d, "cr2", 0, host->cr2, ours->cr2);
    }
    compare(&d, "ip", c->in.ip, host->out.ip, ours->out.ip);
    if (completed(c, host)) {
        if (all_undefined(c, i)) {
            return true;
        }
        mask &= ~(u64)undefined_flags(c, i);
    }
    if (i->rep && host->vector == VEC_DB && host->out.ip == c->in.ip) {
        mask &= ~(u64)FLAG_RF; /* a trap between two iterations: SDM Vol. 3B 17.3.1.1 sets it, AMD does not */
    }
    compare(&d, "flags", c->in.flags, host->out.flags & mask, ours->out.flags & mask);
    compare(&d, "mxcsr", load32(c->in.fx + FX_MXCSR), load32(host->out.fx + FX_MXCSR), load32(ours->out.fx + FX_MXCSR));
    compare_gpr(&d, c, host, ours);
    compare_segments(&d, c, host, ours);
    compare_xmm(&d, c, host, ours);
    if (!x87_undefined(c, i, host)) {
        compare_x87(&d, c, host, ours);
    }
    if (!memory_undefined(c, host)) {
        compare_memory(&d, host, ours);
    }
    return !d.different;
}

bool judge(const struct host_case *c, const struct insn *i, const struct host_result *host, const struct host_result *ours)
{
    return compare_all(NULL, c, i, host, ours);
}

static void print_text(FILE *out, const struct host_case *c)
{
    csh      handle;
    cs_insn *text;
    if (cs_open(CS_ARCH_X86, c->code_bytes == 8 ? CS_MODE_64 : c->code_bytes == 4 ? CS_MODE_32 : CS_MODE_16, &handle) != CS_ERR_OK) {
        return;
    }
    if (cs_disasm(handle, c->code, c->length, c->in.ip, 1, &text)) {
        fprintf(out, "%s %s", text->mnemonic, text->op_str);
        cs_free(text, 1);
    } else {
        fprintf(out, "(capstone does not know it)");
    }
    cs_close(&handle);
}

void judge_explain(FILE *out, const struct host_case *c, const struct insn *i, const struct host_result *host,
                   const struct host_result *ours)
{
    fprintf(out, "%s, %u bits, at %llx: ", row_table[c->row].name, c->code_bytes * 8, (unsigned long long)c->in.ip);
    for (unsigned k = 0; k < c->length; k++) {
        fprintf(out, "%02x ", c->code[k]);
    }
    fprintf(out, ": ");
    print_text(out, c);
    fprintf(out, "\n    flags %llx mxcsr %x fcw %x fsw %x; vector host %u ours %u; window [%x]", (unsigned long long)c->in.flags,
            load32(c->in.fx + FX_MXCSR), load16(c->in.fx), load16(c->in.fx + FX_FSW), host->vector, ours->vector,
            DATA_AT + c->window_at);
    for (unsigned k = 0; k < 16; k++) {
        fprintf(out, " %02x", c->window[k]);
    }
    fprintf(out, "\n    es %x cs %x ss %x ds %x gs %x", c->in.seg[SEG_ES], c->in.seg[SEG_CS], c->in.seg[SEG_SS],
            c->in.seg[SEG_DS], c->in.seg[SEG_GS]);
    fprintf(out, "\n    reg");
    for (unsigned k = 0; k < (c->code_bytes == 8 ? 16u : 8u); k++) {
        fprintf(out, " %llx", (unsigned long long)c->in.gpr[k]);
    }
    if (i->rm < 16 && i->reg < 16) {
        fprintf(out, "\n    xmm reg %016llx%016llx rm %016llx%016llx", (unsigned long long)load64(c->in.fx + FX_XMM + 16 * i->reg + 8),
                (unsigned long long)load64(c->in.fx + FX_XMM + 16 * i->reg),
                (unsigned long long)load64(c->in.fx + FX_XMM + 16 * i->rm + 8),
                (unsigned long long)load64(c->in.fx + FX_XMM + 16 * i->rm));
    }
    fprintf(out, "\n");
    compare_all(out, c, i, host, ours);
}
