/*
 * decode_fuzz.c: lengths, validity and memory operands of random instructions, as we and as Zydis decode them.
 * decode_fuzz [SEED [SECONDS]]
 *
 * Zydis knows every extension of every processor, so what it decodes and we refuse is compared by instruction set: what the
 * model "max" has must be taken. Known differences are in the table below, with the reason. Prints one example of each kind of
 * difference; any makes the test fail.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <Zydis/Zydis.h>

#include "cpu/base/bits.h"
#include "cpu/base/clock.h"
#include "cpu/decode.h"

enum { BYTES = 15, KINDS = 512 };

struct seen {
    char text[64];
    u64  count;
};

struct fuzz {
    u64                  seed, compared, valid;
    struct cpu_features  features;
    struct decoder      *ours;
    ZydisDecoder         theirs[3];
    struct seen          seen[KINDS];
    unsigned             seen_count;
    u64                  failures;
};

static u64 any64(struct fuzz *f)
{
    f->seed += 0x9e3779b97f4a7c15; /* SplitMix64 */
    u64 z = f->seed;
    z     = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z     = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static u32 below(struct fuzz *f, u32 n)
{
    return (u32)((any64(f) >> 32) * n >> 32);
}

/* ---- what is not a difference */

/* Instruction sets of Zydis that the model lacks altogether. */
static bool lacking(const struct fuzz *f, const ZydisDecodedInstruction *z)
{
    static const char *const sets[] = {"AVX", "FMA4", "XOP", "TBM", "LWP", "SHA", "SGX", "VTX", "SVM", "MPX", "CET", "KNC", "AMX",
                                       "AMD", "PADLOCK", "GFNI", "VAES", "VPCLMULQDQ", "F16C", "SSE4A", "SMX", "VMFUNC", "PT", "RTM",
                                       "PKU", "WAITPKG", "MOVDIR", "ENQCMD", "SERIALIZE", "TSX_LDTRK", "UINTR", "HRESET",
                                       "KEYLOCKER", "INVLPGB", "SNP", "MCOMMIT", "CLZERO", "MONITORX", "PREFETCHWT1", "PCONFIG",
                                       "RDPRU", "WBNOINVD", "CLDEMOTE", "XSAVEC", "XSAVES", "TDX", "MSRLIST", "RAO_INT", "KL",
                                       "CLWB", "CLFLUSHOPT", "RDSEED", "PREFETCHI", "PBNDKB", "SMAP", "RDPID"};
    static const struct {
        const char  *set;
        enum feature feature;
    } optional[] = {{"CLWB", FEATURE_CLWB},   {"CLFLUSHOPT", FEATURE_CLFLUSHOPT}, {"RDSEED", FEATURE_RDSEED},
                    {"SMAP", FEATURE_SMAP},   {"RDPID", FEATURE_RDPID},           {"SHA", FEATURE_SHA},
                    {"AVX", FEATURE_AVX},     {"SSE4A", FEATURE_SSE4A},           {"AVX2", FEATURE_AVX2},
                    {"AVX2GATHER", FEATURE_AVX2}, {"AVXAES", FEATURE_AVX},         {"AVX_AES", FEATURE_AVX},
                    {"FMA", FEATURE_FMA},     {"F16C", FEATURE_F16C},             {"VAES", FEATURE_VAES},
                    {"VPCLMULQDQ", FEATURE_VPCLMULQDQ}, {"XSAVEC", FEATURE_XSAVEC}, {"XSAVES", FEATURE_XSAVES}};
    const char *set = ZydisISASetGetString(z->meta.isa_set);
    for (unsigned i = 0; i < ARRAY_LEN(optional); i++) {
        if (!strcmp(set, optional[i].set) && feature_on(&f->features, optional[i].feature)) {
            return false;
        }
    }
    for (unsigned i = 0; i < ARRAY_LEN(sets); i++) {
        if (!strncmp(set, sets[i], strlen(sets[i]))) {
            return true;
        }
    }
    return z->encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX || z->encoding == ZYDIS_INSTRUCTION_ENCODING_XOP ||
           z->encoding == ZYDIS_INSTRUCTION_ENCODING_MVEX;
}

/* The last byte of a prefix C4: W, vvvv, L, pp. */
static u8 vex_byte(const u8 *bytes)
{
    while (*bytes != 0xc4 && *bytes != 0xc5) {
        bytes++;
    }
    return *bytes == 0xc4 ? bytes[2] : 0xff;
}

/* Where Zydis says something else than the processor that we are. `i`: NULL when we refuse; `z`: NULL when Zydis does. */
static bool known(unsigned code_bytes, const u8 *bytes, const struct insn *i, const ZydisDecodedInstruction *z)
{
    if (!i) {
        /* VPINSRQ and VPEXTRQ are invalid outside 64-bit mode (SDM Vol. 2, their pages), and not taken for their 32-bit forms */
        bool quad = (z->mnemonic == ZYDIS_MNEMONIC_VPINSRD || z->mnemonic == ZYDIS_MNEMONIC_VPEXTRD) && code_bytes != 8 && z->raw.vex.W;
        return quad || z->meta.isa_set == ZYDIS_ISA_SET_PREFETCH_NOP; /* 0F 0D with a register: AMD's #UD, for Intel a NOP */
    }
    unsigned map = i->opcode >> 8, opcode = i->opcode & 0xff;
    if (map == M0F && opcode >= 0x20 && opcode <= 0x23) {
        return true; /* numbers of control registers are checked when the instruction runs */
    }
    if (map == M0F && (opcode | 1) == 0x1b) {
        return true; /* NOPs: bound instructions only where there is MPX */
    }
    if (map == M1 && opcode == 0xff && code_bytes != 8) {
        return true; /* 3E is a segment: NOTRACK only where there is CET */
    }
    if (map == M1 && (opcode == 0x8c || opcode == 0x8e) && ((opcode == 0x8e && (i->modrm >> 3 & 7) == SEG_CS) || (i->modrm >> 3 & 7) > SEG_GS)) {
        return true; /* MOV to CS or with no segment: #UD when the instruction runs */
    }
    if (row_table[i->row].attr & VEX && code_bytes != 8 && !(vex_byte(bytes) & 0x40)) {
        return true; /* the top bit of VEX.vvvv counts in 64-bit mode only */
    }
    if (i->opcode == (M0F << 8 | 0x0f) && !z) {
        return true; /* the last byte names no instruction of 3DNow!: #UD when it runs */
    }
    if (row_table[i->row].attr & VSIB && !z) {
        return true; /* the same register twice: #UD when the instruction runs */
    }
    /* No base, but Zydis 4.0 adds R13D: SDM Vol. 2 table 2-3, note 1 */
    return z && i->asize == 4 && z->raw.modrm.mod == 0 && z->raw.modrm.rm == 4 && z->raw.sib.base == 5 && z->raw.rex.B;
}

/* One example of each kind. */
static void differ(struct fuzz *f, unsigned code_bytes, const u8 *bytes, const char *kind, const char *detail)
{
    char text[64];
    snprintf(text, sizeof text, "%s %.40s", kind, detail);
    f->failures++;
    for (unsigned i = 0; i < f->seen_count; i++) {
        if (!strcmp(f->seen[i].text, text)) {
            f->seen[i].count++;
            return;
        }
    }
    if (f->seen_count == KINDS) {
        return;
    }
    f->seen[f->seen_count] = (struct seen){.count = 1};
    strcpy(f->seen[f->seen_count++].text, text);
    printf("%-2u bits: %s:", code_bytes * 8, text);
    for (unsigned i = 0; i < BYTES; i++) {
        printf(" %02x", bytes[i]);
    }
    printf("\n");
}

/* ---- memory operands */

static unsigned number_of(ZydisRegister r)
{
    if (r == ZYDIS_REGISTER_NONE) {
        return R_ZERO;
    }
    if (r == ZYDIS_REGISTER_RIP || r == ZYDIS_REGISTER_EIP) {
        return R_IPBASE;
    }
    return (unsigned)ZydisRegisterGetId(r);
}

static const ZydisDecodedOperand *explicit_memory(const ZydisDecodedInstruction *z, const ZydisDecodedOperand *operands)
{
    for (unsigned i = 0; i < z->operand_count_visible; i++) {
        if (operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY && z->attributes & ZYDIS_ATTRIB_HAS_MODRM) {
            return &operands[i];
        }
    }
    return NULL;
}

static const char *memory_differs(const struct insn *i, const ZydisDecodedInstruction *z, const ZydisDecodedOperand *operands)
{
    const ZydisDecodedOperand *m = explicit_memory(z, operands);
    if (!m) {
        return NULL;
    }
    if (!i->mem) {
        return "no memory operand";
    }
    unsigned base = number_of(m->mem.base), index = number_of(m->mem.index);
    unsigned ours = row_table[i->row].attr & VSIB ? i->rm : i->index;
    bool     same = base == i->base && index == ours && (index == R_ZERO || 1u << i->scale == m->mem.scale);
    bool     swapped = base == i->index && index == i->base && m->mem.scale <= 1 && !i->scale; /* [BX+SI] */
    if (!same && !swapped && !(i->index == base && index == R_ZERO && !i->scale)) {
        return "other registers";
    }
    if (base != R_IPBASE && (u64)(m->mem.disp.value ^ i->disp) & ~(u64)0 >> i->ea_shift) {
        return "other displacement";
    }
    if (i->asize * 8 != z->address_width) {
        return "other address size";
    }
    static const ZydisRegister segments[] = {ZYDIS_REGISTER_ES, ZYDIS_REGISTER_CS, ZYDIS_REGISTER_SS,
                                             ZYDIS_REGISTER_DS, ZYDIS_REGISTER_FS, ZYDIS_REGISTER_GS};
    if (m->mem.type == ZYDIS_MEMOP_TYPE_MEM && i->seg < ARRAY_LEN(segments) && m->mem.segment != segments[i->seg]) {
        return "other segment";
    }
    return NULL;
}

/* ---- one instruction */

static void compare(struct fuzz *f, unsigned code_bytes, const u8 *bytes)
{
    ZydisDecodedInstruction z;
    ZydisDecodedOperand     operands[ZYDIS_MAX_OPERAND_COUNT];
    struct insn             insn;
    enum rule               rule;
    const ZydisDecoder     *decoder = &f->theirs[code_bytes == 2 ? 0 : code_bytes == 4 ? 1 : 2];
    bool                    theirs  = ZYAN_SUCCESS(ZydisDecoderDecodeFull(decoder, bytes, BYTES, &z, operands));
    enum decode_status      status  = decode(f->ours, bytes, BYTES, code_bytes, 0x100, &insn, &rule);
    const char             *name    = status == DECODE_OK ? row_table[insn.row].name : "";
    f->compared++;
    if ((status == DECODE_OK || theirs) && known(code_bytes, bytes, status == DECODE_OK ? &insn : NULL, theirs ? &z : NULL)) {
        return;
    }
    if (status == DECODE_OK && !theirs) {
        differ(f, code_bytes, bytes, "only we take", name);
    } else if (status != DECODE_OK && theirs) {
        if (!lacking(f, &z)) {
            char detail[64];
            snprintf(detail, sizeof detail, "%s (%s)", ZydisMnemonicGetString(z.mnemonic), ZydisISASetGetString(z.meta.isa_set));
            differ(f, code_bytes, bytes, "only Zydis takes", detail);
        }
    } else if (status == DECODE_OK) {
        const char *how;
        f->valid++;
        if (insn.length != z.length) {
            differ(f, code_bytes, bytes, "length of", name);
        } else if ((how = memory_differs(&insn, &z, operands)) != NULL) {
            char detail[64];
            snprintf(detail, sizeof detail, "%s: %s", name, how);
            differ(f, code_bytes, bytes, "memory of", detail);
        }
    }
}

/* Prefixes, an opcode from any map, and anything. */
static void make(struct fuzz *f, u8 *bytes)
{
    static const u8 prefixes[] = {0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0x40, 0x48, 0x4f, 0x41};
    unsigned        n          = 0;
    store64(bytes, any64(f));
    store64(bytes + 7, any64(f));
    while (n < 4 && below(f, 3) == 0) {
        bytes[n++] = prefixes[below(f, ARRAY_LEN(prefixes))];
    }
    switch (below(f, 8)) {
    case 0:
    case 1:
    case 2:
        bytes[n] = 0x0f;
        break;
    case 3:
        bytes[n++] = 0x0f;
        bytes[n]   = below(f, 2) ? 0x38 : 0x3a;
        break;
    case 4:
        if (below(f, 2)) {
            n            = below(f, 8) ? 0 : n; /* prefixes before it are not allowed */
            bytes[n]     = 0xc4;
            bytes[n + 1] = (u8)((bytes[n + 1] & 0xe0) | (1 + below(f, 3)));
            bytes[n + 2] &= 0x83 | (below(f, 2) ? 0x7c : 0);
            bytes[n + 2] |= below(f, 2) ? 0x78 : 0;
        }
        break;
    case 5:
        bytes[0] = 0xc5;
        bytes[1] |= below(f, 2) ? 0x78 : 0;
        break;
    default:
        break;
    }
}

int main(int argc, char **argv)
{
    static struct fuzz f;
    struct error       err;
    f.seed        = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    double seconds = argc > 2 ? atof(argv[2]) : 5;
    i64    end     = host_now() + (i64)(seconds * (double)NS_PER_SECOND);
    if (!cpu_model_find("max", &f.features, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    f.ours = decoder_create(&f.features);
    ZydisDecoderInit(&f.theirs[0], ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
    ZydisDecoderInit(&f.theirs[1], ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    ZydisDecoderInit(&f.theirs[2], ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    while (host_now() < end) {
        for (unsigned n = 0; n < 10000; n++) {
            u8 bytes[16];
            make(&f, bytes);
            compare(&f, 2u << below(&f, 3), bytes);
        }
    }
    decoder_destroy(f.ours);
    for (unsigned i = 0; i < f.seen_count; i++) {
        printf("%8" PRIu64 " times: %s\n", f.seen[i].count, f.seen[i].text);
    }
    printf("%" PRIu64 " compared, %" PRIu64 " of them instructions, %" PRIu64 " differences\n", f.compared, f.valid, f.failures);
    return f.failures != 0;
}
