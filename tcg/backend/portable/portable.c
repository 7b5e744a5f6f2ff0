/*
 * portable.c: runs IR in plain C, op by op: the reference for native backends and for the
 * optimiser, and the translator of hosts that have no native one.
 *
 * A flag write that only faults can see is kept aside as a recipe, as a native backend would, and
 * becomes the guest's flags at the ops that may fault or leave. So a pass that calls a live flag
 * dead shows as a wrong flag.
 */
#include <string.h>

#include "cpu/interp/interp.h"
#include "cpu/isa/arith.h"
#include "cpu/mem.h"
#include "cpu/operand.h"
#include "cpu/raise.h"
#include "tcg/backend/backend.h"
#include "tcg/ir_compute.h"

/* A block ready to run: its ops, then its constants. */
struct code {
    const struct block *block;
    u32 ops, constants;
    struct ir_op op[];
};

static size_t code_bytes(unsigned ops, unsigned constants)
{
    return sizeof(struct code) + ops * sizeof(struct ir_op) + constants * sizeof(u64);
}

static size_t emit(const struct ir *ir, const struct block *block, void *room, size_t bytes)
{
    size_t need = code_bytes(ir->count, ir->constants);
    struct code *code = room;
    if (need > bytes) {
        return 0;
    }
    *code = (struct code){.block = block, .ops = ir->count, .constants = ir->constants};
    memcpy(code->op, ir->op, ir->count * sizeof *ir->op);
    memcpy(code->op + ir->count, ir->constant, ir->constants * sizeof *ir->constant);
    return need;
}

/* One run of a block. */
struct frame {
    struct cpu *cpu;
    const struct code *code;
    const u64 *constant;
    struct lazy_flags recipe; /* what the flags are to a fault */
    bool has_recipe;
    u64 value[IR_OPS_MAX];
};

enum next { NEXT_OP, NEXT_LEAVE, NEXT_SKIP /* to after the endif */ };

static u64 get(const struct frame *f, ir_ref r)
{
    return r & IR_CONST ? f->constant[r & ~IR_CONST] : f->value[r];
}

static const struct insn *insn_of(const struct frame *f, const struct ir_op *op)
{
    return &f->code->block->insn[op->insn];
}

static void write_flags(struct frame *f, const struct ir_op *op)
{
    struct lazy_flags *now = &f->cpu->cc, next;
    if (op->code == IR_set_cc) {
        u64 source = get(f, op->arg[1]);
        bool bits = op->aux == CC_BITS || op->aux == CC_INC || op->aux == CC_DEC;
        next = (struct lazy_flags){.op = CC_OP(op->aux, (unsigned)__builtin_ctz(op->width)),
                                   .result = get(f, op->arg[0]) & arith_mask(op->width),
                                   .source = bits ? source : source & arith_mask(op->width)};
    } else {
        u32 mask = ir_flags_mask(op), old = arith_all_flags(f->has_recipe ? &f->recipe : now);
        next =
            (struct lazy_flags){.op = CC_OP(CC_EFLAGS, 0),
                                .source = merge_bits(old, mask, get(f, op->arg[0])) & FLAG_ARITH};
    }
    f->has_recipe = !ir_flags_live(op);
    *(f->has_recipe ? &f->recipe : now) = next;
}

static u64 access_memory(struct frame *f, const struct ir_op *op)
{
    struct cpu *cpu = f->cpu;
    const struct ir_op *load;
    u64 at = get(f, op->arg[0]);
    switch (op->code) {
    case IR_load_w:
        mem_probe_write(cpu, op->aux, at, op->width);
        return mem_read(cpu, op->aux, at, op->width);
    case IR_store:
        mem_write(cpu, op->aux, at, get(f, op->arg[1]) & arith_mask(op->width), op->width);
        return 0;
    case IR_store_w:
        load = &f->code->op[op->arg[0]];
        mem_write(cpu, load->aux, get(f, load->arg[0]), get(f, op->arg[1]) & arith_mask(op->width),
                  op->width);
        return 0;
    default:
        return mem_read(cpu, op->aux, at, op->width);
    }
}

static enum next leave(struct frame *f, const struct ir_op *op, u64 ip)
{
    f->cpu->icount += insn_of(f, op)->number;
    f->cpu->ip = ip;
    return NEXT_LEAVE;
}

/* The page walk of a read has set an accessed bit in the block's own code: the instruction is executed anew. */
static enum next leave_before(struct frame *f, const struct ir_op *op)
{
    f->cpu->icount += insn_of(f, op)->number - 1u;
    f->cpu->ip = insn_ip(f->cpu, insn_of(f, op)) & f->cpu->ip_mask;
    return NEXT_LEAVE;
}

static void call(struct frame *f, const struct ir_op *op)
{
    const struct insn *i = insn_of(f, op);
    if (op->code == IR_call_vec) {
        interp_vec(f->cpu, i);
    } else {
        i->op(f->cpu, i);
    }
}

static enum next control(struct frame *f, const struct ir_op *op)
{
    struct cpu *cpu = f->cpu;
    const struct insn *i = insn_of(f, op);
    switch (op->code) {
    case IR_if:
        return get(f, op->arg[0]) ? NEXT_OP : NEXT_SKIP;
    case IR_check_target:
        if (get(f, op->arg[0]) - cpu->code_low > cpu->code_span) {
            cpu_raise(cpu, cpu->code_bytes == 8 ? RULE_GP_CODE_CANONICAL : RULE_GP_CODE_LIMIT, 0);
        }
        return NEXT_OP;
    case IR_boundary:
        return f->code->block->stale ? leave(f, op, insn_next_ip(cpu, i)) : NEXT_OP;
    case IR_jump_rel:
        return leave(f, op, (cpu->regs[R_IPBASE] + get(f, op->arg[0])) & arith_mask(op->width));
    case IR_jump:
        return leave(f, op, get(f, op->arg[0]));
    case IR_call_end:
        cpu->ip = insn_next_ip(cpu, i);
        call(f, op);
        cpu->icount += i->number;
        return NEXT_LEAVE;
    case IR_raise:
        cpu_raise(cpu, (enum rule)op->imm, 0);
    default:
        return NEXT_OP;
    }
}

/* State is exact wherever C code may look at it or a fault may show it. */
static void make_exact(struct frame *f, const struct ir_op *op)
{
    f->cpu->current = insn_of(f, op);
    if (f->has_recipe) {
        f->cpu->cc = f->recipe;
        f->has_recipe = false;
    }
}

static enum next step(struct frame *f, const struct ir_op *op, u64 *value)
{
    struct cpu *cpu = f->cpu;
    if (ir_has(op, IR_FAULTS | IR_LEAVES)) {
        make_exact(f, op);
    }
    switch (op->code) {
    case IR_get_reg:
        *value = gpr_read(cpu, op->imm, op->width);
        return NEXT_OP;
    case IR_set_reg:
        gpr_write(cpu, op->imm, op->width, get(f, op->arg[0]));
        return NEXT_OP;
    case IR_set_cc:
    case IR_set_flags:
        write_flags(f, op);
        return NEXT_OP;
    case IR_cond:
        *value = arith_condition(&cpu->cc, op->aux, arith_all_flags);
        return NEXT_OP;
    case IR_flags:
        *value = arith_all_flags(&cpu->cc);
        return NEXT_OP;
    case IR_df:
        *value = cpu->eflags >> 10 & 1;
        return NEXT_OP;
    case IR_set_df:
        cpu->eflags = (u32)merge_bits(cpu->eflags, FLAG_DF, op->aux ? FLAG_DF : 0);
        return NEXT_OP;
    case IR_load:
    case IR_load_w:
        *value = access_memory(f, op);
        return f->code->block->stale ? leave_before(f, op) : NEXT_OP;
    case IR_store:
    case IR_store_w:
        *value = access_memory(f, op);
        return NEXT_OP;
    case IR_call_op:
    case IR_call_vec:
        call(f, op);
        return NEXT_OP;
    default:
        return control(f, op);
    }
}

/* The endif of the if at `n`. */
static unsigned matching_endif(const struct code *code, unsigned n)
{
    unsigned depth = 0;
    do {
        depth += code->op[n].code == IR_if;
        depth -= code->op[n].code == IR_endif;
        n++;
    } while (depth);
    return n - 1;
}

static void run(struct cpu *cpu, const void *translated)
{
    const struct code *code = translated;
    struct frame f;
    f.cpu = cpu;
    f.code = code;
    f.constant = (const u64 *)(const void *)(code->op + code->ops);
    f.has_recipe = false;
    for (unsigned n = 0; n < code->ops; n++) {
        const struct ir_op *op = &code->op[n];
        if (ir_has(op, IR_PURE)) {
            unsigned args = ir_args(op);
            u64 b = args > 1 ? get(&f, op->arg[1]) : 0;
            f.value[n] = ir_compute(op, get(&f, op->arg[0]), b, args > 2 ? get(&f, op->arg[2]) : 0);
            continue;
        }
        enum next next = step(&f, op, &f.value[n]);
        if (next == NEXT_LEAVE) {
            return;
        }
        if (next == NEXT_SKIP) {
            n = matching_endif(code, n);
        }
    }
}

const struct backend backend_portable = {.name = "portable", .emit = emit, .run = run};
