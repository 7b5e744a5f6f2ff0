/*
 * memory.c: guest addresses, and what stands between them and the host's memory.
 *
 * A hit in the TLB is one subtraction and one comparison, which also finds accesses that cross a page. Everything else goes
 * through a C function that fills the TLB, or says that the interpreter must do it: device registers, page crossings, code pages,
 * watchpoints, faults.
 */
#include "tcg/backend/x86_64/emit.h"

bool insn_has_memory(const struct insn *i)
{
    const struct row *row = &row_table[i->row];
    return i->mem || OPERAND_CLASS(row->operand[0]) == OPERAND_MOFFS || OPERAND_CLASS(row->operand[1]) == OPERAND_MOFFS;
}

/* A guest register of an address in a host register. */
static unsigned address_register(struct emit *e, unsigned guest, unsigned temp)
{
    unsigned host = guest == R_IPBASE ? (unsigned)NO_REG : host_of(guest);
    if (host != NO_REG || (host = held_find(e, HELD_GUEST + guest)) != NO_REG) {
        return host;
    }
    temp = temp_lasting(e, temp);
    put_load(&e->hot, 8, temp, rm_cpu(guest * 8u));
    held_set(e, temp, HELD_GUEST + guest);
    return temp;
}

struct rm memory_offset(struct emit *e, const struct insn *i)
{
    struct rm rm = {.memory = true, .base = NO_REG, .index = NO_REG, .scale = i->scale};
    if (i->base != R_ZERO) {
        rm.base = (u8)address_register(e, i->base, T0);
    }
    if (i->index != R_ZERO) {
        rm.index = (u8)address_register(e, i->index, rm.base == T1 ? T0 : T1);
    }
    if (i->asize == 8 && (i64)(i32)i->disp != i->disp) { /* moffs, or a RIP-relative operand at the edge */
        unsigned to = temp_free(e, busy_in(&rm));
        put_const(&e->hot, to, (u64)i->disp);
        if (rm.base == NO_REG) {
            rm.base = (u8)to;
        } else if (rm.index == NO_REG) {
            rm.index = (u8)to;
            rm.scale = 0;
        } else {
            put_lea(&e->hot, 8, T0, rm);
            return rm_index(T0, to, 0, 0);
        }
    } else {
        rm.disp = (i32)i->disp;
    }
    return rm;
}

bool memory_is_flat(const struct emit *e, unsigned seg)
{
    if (e->code_bytes == 8) {
        return seg >= SEG_FLAT;
    }
    return e->mode & MODE_FLAT && (seg == SEG_DS || seg == SEG_SS || seg == SEG_ES);
}

void memory_segment(struct emit *e, unsigned seg, unsigned size, bool write)
{
    struct out *o    = &e->hot;
    size_t      base = offsetof(struct cpu, seg) + seg * sizeof(struct segment);
    if (memory_is_flat(e, seg)) {
        return;
    }
    if (e->code_bytes == 8) {
        put_alu(o, ALU_ADD, 8, T0, rm_cpu(base + offsetof(struct segment, base)));
        return;
    }
    put_lea(o, 8, T1, rm_mem(T0, (i32)size));
    put_alu(o, ALU_CMP, 8, T1, rm_cpu(base + (write ? offsetof(struct segment, write_bytes) : offsetof(struct segment, read_bytes))));
    put_jcc(o, CC_A, leave_to_interpreter(e, e->insn));
    put_alu(o, ALU_ADD, 4, T0, rm_cpu(base + offsetof(struct segment, base)));
}

/* T0 = an offset of so many bytes in the segment: the linear address, of an access of `size` bytes. */
static void put_linear(struct emit *e, unsigned bytes, unsigned seg, unsigned size, bool write)
{
    if (bytes == 2) {
        put_zext(&e->hot, 2, T0, rm_reg(T0));
    }
    memory_segment(e, seg, size, write);
}

unsigned memory_address(struct emit *e, const struct insn *i, unsigned size, bool write)
{
    flags_clobber(e);
    struct rm rm    = memory_offset(e, i);
    bool      plain = rm.index == NO_REG && !rm.disp && rm.base != NO_REG;
    if (plain && memory_is_flat(e, i->seg) && i->asize == 8) {
        return rm.base;
    }
    put_lea(&e->hot, i->asize == 8 ? 8 : 4, T0, rm);
    put_linear(e, i->asize, i->seg, size, write);
    return T0;
}

void memory_aligned(struct emit *e, unsigned la, unsigned size)
{
    put_insn(&e->hot, (struct opcode){.byte = 0xf6, .rex = true}, 0, rm_reg(la));
    put8(&e->hot, size - 1);
    put_jcc(&e->hot, CC_NE, leave_to_interpreter(e, e->insn));
}

/* Offset in struct cpu of the TLB for this kind of access. */
size_t memory_tlb(unsigned view, bool write)
{
    return offsetof(struct cpu, tlb.data) + (view * TLB_KINDS + (write ? TLB_WRITE : TLB_READ)) * TLB_ENTRIES * sizeof(struct tlb_entry);
}

static size_t tlb_table(const struct emit *e, bool write)
{
    return memory_tlb(e->mode >> MODE_VIEW_SHIFT & 3, write);
}

/* T1 = what leads to the entry for the linear address in `la`. */
static void put_index(struct emit *e, unsigned la)
{
    struct out *o = &e->hot;
    if (e->native->has_rorx) {
        put_insn(o, (struct opcode){.map = MAP_3A, .byte = 0xf0, .mandatory = 0xf2, .wide = true, .vex = true}, T1, rm_reg(la));
        put8(o, PAGE_SHIFT - 4);
    } else {
        put_mov(o, 8, T1, la);
        put_shift_imm(o, SHIFT_SHR, 8, T1, PAGE_SHIFT - 4);
    }
    put_alu_imm(o, ALU_AND, 4, rm_reg(T1), (TLB_ENTRIES - 1) << 4);
}

/* T0 = a linear address; T1 = what leads to an entry at `table`. T0 = the offset in its page, if it is that. */
static void put_offset_in_page(struct emit *e, size_t table)
{
    put_alu(&e->hot, ALU_SUB, 8, T0, rm_cpu_at(T1, table + offsetof(struct tlb_entry, tag)));
}

/* The rest of looking up `bytes` bytes at that offset, T1 leading to the entry: T1 = the host's page. Returns the displacement
 * of the jump that is taken if they are not there, before T1 has changed. */
static u8 *put_lookup_at(struct emit *e, size_t table, unsigned bytes)
{
    struct out *o = &e->hot;
    put_alu_imm(o, ALU_CMP, 8, rm_reg(T0), (i32)(PAGE_SIZE - bytes));
    u8 *miss = put_jcc_ahead(o, CC_A);
    put_load(o, 8, T1, rm_cpu_at(T1, table + offsetof(struct tlb_entry, host)));
    return miss;
}

static u8 *put_lookup(struct emit *e, size_t table, unsigned bytes)
{
    put_index(e, T0);
    put_offset_in_page(e, table);
    return put_lookup_at(e, table, bytes);
}

u8 *memory_lookup(struct emit *e, bool write, unsigned bound)
{
    struct out *o     = &e->hot;
    size_t      table = tlb_table(e, write);
    put_index(e, T0);
    put_offset_in_page(e, table);
    put_alu(o, ALU_CMP, 8, T0, rm_reg(bound));
    u8 *miss = put_jcc_ahead(o, CC_A);
    put_load(o, 8, T1, rm_cpu_at(T1, table + offsetof(struct tlb_entry, host)));
    return miss;
}

/* Cold code for that jump begins. */
static void begin_miss(struct emit *e, u8 *miss)
{
    if (!e->hot.full && !e->cold.full) {
        patch_jump(miss, e->cold.p);
    }
    x87_note_cold(e);
    flags_recover(e);
}

/* What a miss does: T0, T1 as after put_lookup(). Hot code goes on with the offset in the page and the host's page in them. */
static void put_miss(struct emit *e, unsigned size, bool write, unsigned notes)
{
    put_call(&e->cold, e->native->stub.miss[e->mode >> MODE_VIEW_SHIFT & 3][write ? TLB_WRITE : TLB_READ]);
    struct native_access a = {.mov_rax = {0x48, 0xb8}, .back = (u32)(e->hot.p - e->native->code.write),
                              .at = native_insn(e->native, e->insn), .mov_al = 0xb0, .how = (u8)(size << 1 | write | notes)};
    put_bytes(&e->cold, &a, sizeof a);
}

/* Returns the host's operand, wherever it was found. */
static struct rm checked(struct emit *e, u8 *miss, unsigned size, bool write, unsigned notes)
{
    begin_miss(e, miss);
    put_miss(e, size, write, notes);
    return rm_index(T0, T1, 0, 0);
}

struct rm memory_check(struct emit *e, unsigned la, unsigned size, bool write)
{
    flags_clobber(e);
    if (la != T0) {
        put_mov(&e->hot, 8, T0, la);
    }
    return checked(e, put_lookup(e, tlb_table(e, write), size), size, write, 0);
}

/* [table + index * scale], where the table may lie in one page: the TLB's entry is that of its beginning, which is known early. An entry
 * that is empty is missed by any address of 32 bits, but not by any other. */
static bool is_table(const struct emit *e, const struct insn *i)
{
    bool near = i->base == R_ZERO ? i->asize == 4 : i->disp >= -128 && i->disp < PAGE_SIZE / 2;
    return i->scale && i->index != R_ZERO && near && i->asize == e->code_bytes && i->asize >= 4 && memory_is_flat(e, i->seg) &&
           !block_is_spread(e->block, (unsigned)(i - e->block->insn));
}

static struct rm table_operand(struct emit *e, const struct insn *i, unsigned size, bool write)
{
    struct out *o     = &e->hot;
    size_t      table = tlb_table(e, write);
    flags_clobber(e);
    struct rm rm = memory_offset(e, i);
    if (rm.base == T0) {
        if (rm.index == T1) {
            put_mov(o, 8, T2, T1);
            rm.index = T2;
        }
        put_index(e, T0);
    }
    put_lea(o, i->asize, T0, rm);
    if (rm.base == NO_REG) {
        put_const(o, T1, tlb_index((u32)rm.disp) << 4);
    } else if (rm.base != T0) {
        put_index(e, rm.base);
    }
    u8 *empty = NULL;
    put_offset_in_page(e, table);
    if (i->asize == 8) { /* cold code expects the offset in both cases */
        put_alu_imm(o, ALU_CMP, 8, rm_cpu_at(T1, table + offsetof(struct tlb_entry, host)), 0);
        empty = put_jcc_ahead(o, CC_E);
    }
    u8 *miss = put_lookup_at(e, table, size);
    if (empty && !e->hot.full && !e->cold.full) {
        patch_jump(empty, e->cold.p);
    }
    return checked(e, miss, size, write, NATIVE_TABLE);
}

/* [constant]: which entry of the TLB to look at is known now. */
static bool is_absolute(const struct emit *e, const struct insn *i, unsigned size)
{
    return i->base == R_ZERO && i->index == R_ZERO && i->asize == e->code_bytes && i->asize >= 4 && memory_is_flat(e, i->seg) &&
           (i->disp & (PAGE_SIZE - 1)) + size <= PAGE_SIZE;
}

static struct rm absolute_operand(struct emit *e, const struct insn *i, unsigned size, bool write)
{
    struct out *o      = &e->hot, *c = &e->cold;
    u64         la     = i->asize == 8 ? (u64)i->disp : (u32)i->disp;
    i32         offset = (i32)(la & (PAGE_SIZE - 1));
    unsigned    index  = tlb_index(la) << 4;
    size_t      entry  = tlb_table(e, write) + index;
    struct rm   tag    = rm_cpu(entry + offsetof(struct tlb_entry, tag));
    flags_clobber(e);
    put_const(o, T0, la & PAGE_MASK);
    put_alu(o, ALU_CMP, 8, T0, tag);
    u8 *miss = put_jcc_ahead(o, CC_NE);
    put_load(o, 8, T1, rm_cpu(entry + offsetof(struct tlb_entry, host)));
    begin_miss(e, miss);
    put_const(c, T0, la);
    put_alu(c, ALU_SUB, 8, T0, tag);
    put_const(c, T1, index);
    put_miss(e, size, write, 0);
    return rm_mem(T1, offset);
}

/* [RIP + constant], read: a page at a fixed distance. */
static bool is_near(const struct emit *e, const struct insn *i, unsigned size, bool write, bool aligned)
{
    unsigned offset = i->disp & (PAGE_SIZE - 1);
    return i->base == R_IPBASE && i->index == R_ZERO && i->asize == 8 && !write && memory_is_flat(e, i->seg) && offset + size <= PAGE_SIZE &&
           !(aligned && offset & (size - 1));
}

u8 *put_remembered(struct emit *e, const void *data, size_t bytes)
{
    u8 *at      = native_remember(e->native, data, bytes);
    e->hot.full = e->hot.full || !at;
    return at ? at : e->native->code.data;
}

struct rm rm_remembered(const struct emit *e, const u8 *data)
{
    return rm_data(codebuf_write(&e->native->code, data)); /* as code is written */
}

/* What is remembered of the page, valid from here on. */
static const u8 *find_near(struct emit *e, i64 page, unsigned offset, unsigned size)
{
    struct out *o = &e->hot, *c = &e->cold;
    for (unsigned k = 0; k < e->nears; k++) {
        if (e->near[k].page == page) {
            return e->near[k].data;
        }
    }
    struct native_near near = {.base = NATIVE_NOWHERE, .page = (u64)page, .offset = offset,
                               .range = native_range(native_insn(e->native, e->insn), size, DIRECT_READ)};
    unsigned  view = e->mode >> MODE_VIEW_SHIFT & 3;
    u8       *data = put_remembered(e, &near, sizeof near);
    flags_clobber(e);
    put_load(o, 8, T0, CPU(regs[R_IPBASE]));
    put_alu(o, ALU_CMP, 8, T0, rm_remembered(e, data + offsetof(struct native_near, base)));
    put_jcc(o, CC_NE, c->p);
    put_load(o, 8, T1, CPU(tlb.near.stamp[view == TLB_USER ? TLB_USER : TLB_SUPERVISOR]));
    put_alu(o, ALU_CMP, 8, T1, rm_remembered(e, data + offsetof(struct native_near, stamp)));
    begin_miss(e, put_jcc_ahead(o, CC_NE));
    put_const(c, T1, (u64)(uintptr_t)data);
    put_call(c, e->native->stub.near[view]);
    put_op(c, 0x85, 8, T1, rm_reg(T1));
    put_jcc(c, CC_NE, o->p);
    put_leave(e, e->insn);
    if (e->nears < ARRAY_LEN(e->near)) {
        e->near[e->nears].page   = page;
        e->near[e->nears++].data = data;
    }
    return data;
}

static struct rm near_operand(struct emit *e, const struct insn *i, unsigned size)
{
    unsigned  offset = i->disp & (PAGE_SIZE - 1);
    const u8 *data   = find_near(e, (i64)(i->disp - offset), offset, size);
    put_load(&e->hot, 8, T1, rm_remembered(e, data + offsetof(struct native_near, host)));
    return rm_mem(T1, (i32)offset);
}

/* ---- accesses of an instruction */

static struct rm shared_slot(unsigned slot)
{
    return rm_cpu(offsetof(struct cpu, host.shared) + slot * sizeof(u64));
}

/* Checks what the first access of a run checks for all of them. */
static void open_shared(struct emit *e, const struct shared *s, unsigned base)
{
    struct out *o     = &e->hot, *c = &e->cold;
    unsigned    bytes = (unsigned)(s->high - s->low);
    size_t      table = tlb_table(e, s->write);
    flags_clobber(e);
    struct rm rm = s->indexed ? memory_offset(e, e->insn) : rm_mem(address_register(e, base, T0), 0);
    rm.disp      = s->low;
    put_lea(o, e->code_bytes == 8 ? 8 : 4, T0, rm);
    u8 *miss = put_lookup(e, table, bytes);
    begin_miss(e, miss);
    put_alu(c, ALU_ADD, 8, T0, rm_cpu_at(T1, table + offsetof(struct tlb_entry, tag))); /* the linear address again */
    u32 insn = native_insn(e->native, e->insn);
    if (s->table) {
        put_const(c, T1, native_range(insn, bytes, DIRECT_READ_SOME));
        put_call(c, e->native->stub.miss_table[e->mode >> MODE_VIEW_SHIFT & 3][e->code_bytes == 8]);
    } else {
        put_const(c, T1, native_range(insn, bytes, s->write_later ? DIRECT_WRITE_LATER : s->write));
        put_call(c, e->native->stub.miss_range);
    }
    put_op(c, 0x85, 8, T1, rm_reg(T1));
    put_jcc(c, CC_NE, o->p);
    profile_take_back(e);
    counted_give_back(e, c, e->insn->number - 1u);
    put_link(e, put_jmp_ahead(c), e->insn->offset, true);
    put_alu(o, ALU_ADD, 8, T1, rm_reg(T0));
    put_store(o, 8, shared_slot(s->slot), T1);
    held_set(e, T1, HELD_SLOT + s->slot);
}

/* `base`: of a plain access. */
static struct rm shared_operand(struct emit *e, enum access_kind_of kind, unsigned base)
{
    const struct insn   *i = e->insn;
    const struct shared *s = &e->shared[i - e->block->insn][kind];
    if (s->table && s->index == base) {
        base = i->index;
    }
    if (s->opens) {
        open_shared(e, s, base);
    }
    unsigned temp = held_find(e, HELD_SLOT + s->slot);
    if (temp == NO_REG) {
        temp = temp_lasting(e, T1);
        put_load(&e->hot, 8, temp, shared_slot(s->slot));
        held_set(e, temp, HELD_SLOT + s->slot);
    }
    i32 disp = s->disp - e->shared_low[s->slot];
    if (s->table) {
        return rm_index(temp, address_register(e, s->index, T0), i->scale, disp);
    }
    return rm_mem(temp, disp);
}

struct rm memory_operand(struct emit *e, unsigned size, bool write, bool aligned)
{
    if (e->shared[e->insn - e->block->insn][ACCESS_OPERAND].use) {
        if (aligned) { /* before the page is marked as written */
            memory_aligned(e, memory_address(e, e->insn, size, write), size);
        }
        return shared_operand(e, ACCESS_OPERAND, e->insn->base);
    }
    if (is_near(e, e->insn, size, write, aligned)) {
        return near_operand(e, e->insn, size);
    }
    if (!aligned && is_absolute(e, e->insn, size)) {
        return absolute_operand(e, e->insn, size, write);
    }
    if (!aligned && is_table(e, e->insn)) {
        return table_operand(e, e->insn, size, write);
    }
    unsigned la = memory_address(e, e->insn, size, write);
    if (aligned) {
        memory_aligned(e, la, size);
    }
    return memory_check(e, la, size, write);
}

struct rm memory_bits(struct emit *e, unsigned index, unsigned size, bool write)
{
    const struct insn *i    = e->insn;
    struct out        *o    = &e->hot;
    unsigned           host = host_of(index), log2 = (unsigned)__builtin_ctz(size), w = i->asize == 8 ? 8 : 4;
    struct rm          from = host == NO_REG ? rm_cpu(index * 8u) : rm_reg(host);
    flags_clobber(e);
    put_lea(o, w, T0, memory_offset(e, i));
    if (size == 8) {
        put_load(o, 8, T1, from);
    } else { /* MOVSX, MOVSXD */
        put_insn(o, (struct opcode){.map = size == 2 ? MAP_0F : MAP_1, .byte = size == 2 ? 0xbf : 0x63, .wide = true}, T1, from);
    }
    put_shift_imm(o, SHIFT_SAR, 8, T1, log2 + 3);
    put_lea(o, w, T0, rm_index(T0, T1, log2, 0));
    put_linear(e, i->asize, i->seg, size, write);
    put_lea(o, 8, T0, memory_check(e, T0, size, write)); /* the unit and `index` want the other temporaries */
    return rm_mem(T0, 0);
}

struct rm memory_stack(struct emit *e, unsigned base, i32 disp, unsigned size, bool write)
{
    if (e->shared[e->insn - e->block->insn][ACCESS_STACK].use) {
        return shared_operand(e, ACCESS_STACK, base);
    }
    flags_clobber(e);
    put_lea(&e->hot, e->stack_bytes == 8 ? 8 : 4, T0, rm_mem(host_of(base), disp));
    put_linear(e, e->stack_bytes, e->code_bytes == 8 ? SEG_FLAT_STACK : SEG_SS, size, write);
    return memory_check(e, T0, size, write);
}
