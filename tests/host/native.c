/*
 * native.c: the host processor as the judge: each case is entered and left through a signal frame.
 *
 * Returning from a signal handler loads every user-visible register, code segment included; the next exception (at the latest the
 * INT3 behind the instruction) delivers a signal whose frame holds every register again, with vector, error code and CR2. So no
 * assembly stub stands between the case and the processor, and 32-bit code runs from a 64-bit process. Linux on x86-64 only.
 */
#include "tests/host/native.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/base/bits.h"
#include "tests/host/segments.h"

void host_memory_background(u8 *data, u8 *fixed)
{
    u32 v = 12345;
    for (unsigned k = 0; k < DATA_END - DATA_AT; k++) {
        v       = v * 1664525 + 1013904223;
        data[k] = v >> 28 ? (u8)(v >> 20) : 0;
    }
    memcpy(fixed, data + 0x777, FIXED_END - FIXED_AT);
}

void host_memory_prepare(const struct host_case *c, const u8 *background, u8 *data)
{
    memcpy(data, background, DATA_END - DATA_AT);
    memcpy(data + c->window_at, c->window, sizeof c->window);
}

/* The address sanitizer fills the address space with memory of its own, which cases would meet. */
#if defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <cpuid.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

/* Shared with the child. */
struct board {
    volatile u32       done, count;
    struct host_case   cases[NATIVE_BATCH];
    struct host_result results[NATIVE_BATCH];
};

struct native {
    struct board *board;
    u8           *code_alias; /* writable view of CODE */
    u8            background[DATA_END - DATA_AT];
    u8            fixed[FIXED_END - FIXED_AT];
    bool          has_ymm;
    int           code_fd;
    pid_t         child;
    int           to_child, from_child;
};

/* Signal handlers have no argument of ours. Only the child uses it. */
static struct {
    struct native *native;
    sigjmp_buf     batch_over;
    bool           entered; /* the first signal carries no result */
} child;

#define XSTATE_BV 64 /* index of the XSAVE header's first quadword in an image taken as u64 */
#define YMM_UPPER 72 /* of the upper halves of YMM registers, in the standard form that Linux has in signal frames */

static void load_registers(ucontext_t *context, const struct host_case *c)
{
    static const int order[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                   REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };
    greg_t          *g         = context->uc_mcontext.gregs;
    u64             *fx        = (u64 *)context->uc_mcontext.fpregs;
    for (unsigned k = 0; k < 16; k++) {
        g[order[k]] = (greg_t)c->in.gpr[k];
    }
    g[REG_RIP]    = (greg_t)c->in.ip;
    g[REG_EFL]    = (greg_t)c->in.flags;
    g[REG_CSGSFS] = (greg_t)(c->in.seg[SEG_CS] | (u64)c->in.seg[SEG_SS] << 48);
    memcpy(fx, c->in.fx, FX_BYTES);
    fx[XSTATE_BV] |= 3;
    if (child.native->has_ymm) {
        fx[XSTATE_BV] |= 4;
        memcpy(fx + YMM_UPPER, c->in.upper, sizeof c->in.upper);
    }
}

static void save_registers(const ucontext_t *context, struct host_result *r)
{
    static const int order[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                   REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };
    const greg_t    *g         = context->uc_mcontext.gregs;
    for (unsigned k = 0; k < 16; k++) {
        r->out.gpr[k] = (u64)g[order[k]];
    }
    r->out.ip    = (u64)g[REG_RIP];
    r->out.flags = (u64)g[REG_EFL];
    r->vector    = (u8)g[REG_TRAPNO];
    r->error     = (u32)g[REG_ERR];
    r->cr2       = (u64)g[REG_CR2];
    memcpy(r->out.fx, context->uc_mcontext.fpregs, FX_BYTES);
    if (child.native->has_ymm) {
        memcpy(r->out.upper, (const u64 *)context->uc_mcontext.fpregs + YMM_UPPER, sizeof r->out.upper);
    }
}

/* DS, ES and GS are not part of a signal frame, and nothing in 64-bit code looks at them: GS is the child's own, FS is libc's. */
static void load_segments(const struct host_case *c)
{
    __asm__ volatile("mov %0, %%ds; mov %1, %%es; mov %2, %%gs" ::"r"((u32)c->in.seg[SEG_DS]), "r"((u32)c->in.seg[SEG_ES]),
                     "r"((u32)c->in.seg[SEG_GS]));
    if (c->code_bytes == 8) {
        syscall(SYS_arch_prctl, ARCH_SET_GS, (unsigned long)GS_BASE);
    }
}

static void save_segments(const ucontext_t *context, struct host_result *r)
{
    u32 ds, es, gs;
    __asm__ volatile("mov %%ds, %0; mov %%es, %1; mov %%gs, %2" : "=r"(ds), "=r"(es), "=r"(gs));
    r->out.seg[SEG_DS] = (u16)ds;
    r->out.seg[SEG_ES] = (u16)es;
    r->out.seg[SEG_GS] = (u16)gs;
    r->out.seg[SEG_FS] = 0;
    r->out.seg[SEG_CS] = (u16)context->uc_mcontext.gregs[REG_CSGSFS];
    r->out.seg[SEG_SS] = (u16)((u64)context->uc_mcontext.gregs[REG_CSGSFS] >> 48);
}

/* A case may have left AC set, which C code does not stand, and NT and ID, which no signal frame restores. */
static void clear_flags(void)
{
    __asm__ volatile("pushfq; andl $~0x244000, (%%rsp); popfq" ::: "cc", "memory");
}

static void prepare(struct native *n, const struct host_case *c)
{
    host_memory_prepare(c, n->background, (u8 *)(uintptr_t)DATA_AT);
    memset(n->code_alias, 0xcc, CODE_END - CODE_AT);
    u64    at   = c->code_at - CODE_AT;
    size_t room = CODE_END - CODE_AT - at;
    memcpy(n->code_alias + at, c->code, room < CODE_ROOM ? room : CODE_ROOM);
}

static void on_signal(int signal, siginfo_t *info, void *frame)
{
    struct board *b       = child.native->board;
    ucontext_t   *context = frame;
    clear_flags();
    (void)signal;
    (void)info;
    if (child.entered) {
        save_registers(context, &b->results[b->done]);
        save_segments(context, &b->results[b->done]);
        memcpy(b->results[b->done].data, (const void *)(uintptr_t)DATA_AT, DATA_END - DATA_AT);
        b->done++;
    }
    child.entered = true;
    if (b->done == b->count) {
        siglongjmp(child.batch_over, 1);
    }
    prepare(child.native, &b->cases[b->done]);
    load_registers(context, &b->cases[b->done]);
    load_segments(&b->cases[b->done]);
}

/* Pages at a fixed address; the child fails without them. */
static void *map_at(u64 at, u64 size, int protection, int flags, int fd)
{
    void *p = mmap((void *)(uintptr_t)at, size, protection, flags | MAP_FIXED, fd, 0);
    if (p == MAP_FAILED) {
        _exit(1);
    }
    return p;
}

static void child_map(struct native *n)
{
    map_at(CODE_AT - PAGE_SIZE, CODE_END - CODE_AT + 2 * PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    map_at(DATA_AT - PAGE_SIZE, FIXED_END - DATA_AT + 2 * PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    map_at(CODE_AT, CODE_END - CODE_AT, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_POPULATE, n->code_fd);
    map_at(DATA_AT, DATA_END - DATA_AT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1);
    void *fixed = map_at(FIXED_AT, FIXED_END - FIXED_AT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    memcpy(fixed, n->fixed, FIXED_END - FIXED_AT);
    mprotect(fixed, FIXED_END - FIXED_AT, PROT_READ);
}

static void child_describe(void)
{
    for (unsigned k = LDT_NONE + 1; k < LDT_COUNT; k++) {
        const struct host_descriptor *d = &host_ldt[k];
        struct user_desc              u = { .entry_number    = k,
                                            .base_addr       = d->base,
                                            .limit           = d->limit,
                                            .seg_32bit       = d->big,
                                            .contents        = d->type >> 2,
                                            .read_exec_only  = !(d->type & 2),
                                            .limit_in_pages  = d->pages,
                                            .seg_not_present = !d->present };
        if (syscall(SYS_modify_ldt, 0x11, &u, sizeof u)) {
            _exit(1);
        }
    }
}

static void child_catch(void)
{
    static const int signals[] = { SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGUSR1 };
    stack_t          stack     = { .ss_sp = malloc(1 << 17), .ss_size = 1 << 17 };
    struct sigaction action    = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigaltstack(&stack, NULL);
    for (unsigned k = 0; k < ARRAY_LEN(signals); k++) {
        sigaction(signals[k], &action, NULL);
    }
}

static _Noreturn void child_main(struct native *n, int from_parent, int to_parent)
{
    char byte;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    child.native = n;
    child_map(n);
    child_describe();
    child_catch();
    while (read(from_parent, &byte, 1) == 1) {
        if (!sigsetjmp(child.batch_over, 1)) {
            child.entered = false;
            raise(SIGUSR1);
        }
        if (write(to_parent, &byte, 1) != 1) {
            break;
        }
    }
    _exit(0);
}

static void child_start(struct native *n)
{
    int down[2], up[2];
    if (pipe(down) || pipe(up)) {
        abort();
    }
    n->child = fork();
    if (n->child == 0) {
        close(down[1]);
        close(up[0]);
        child_main(n, down[0], up[1]);
    }
    close(down[0]);
    close(up[1]);
    n->to_child   = down[1];
    n->from_child = up[0];
}

static void child_stop(struct native *n)
{
    kill(n->child, SIGKILL);
    waitpid(n->child, NULL, 0);
    close(n->to_child);
    close(n->from_child);
}

struct native *native_open(void)
{
    struct native *n = calloc(1, sizeof *n);
    n->board         = mmap(NULL, sizeof *n->board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    n->code_fd       = memfd_create("code", 0);
    if (n->board == MAP_FAILED || n->code_fd < 0 || ftruncate(n->code_fd, CODE_END - CODE_AT)) {
        free(n);
        return NULL;
    }
    n->code_alias = mmap(NULL, CODE_END - CODE_AT, PROT_READ | PROT_WRITE, MAP_SHARED, n->code_fd, 0);
    host_memory_background(n->background, n->fixed);
    n->has_ymm = __builtin_cpu_supports("avx");
    signal(SIGPIPE, SIG_IGN); /* a child that died is noticed by its silence */
    child_start(n);
    return n;
}

void native_close(struct native *n)
{
    child_stop(n);
    munmap(n->code_alias, CODE_END - CODE_AT);
    munmap(n->board, sizeof *n->board);
    close(n->code_fd);
    free(n);
}

/* Whether the child finished within its time. */
static bool child_answers(struct native *n)
{
    struct pollfd p = { .fd = n->from_child, .events = POLLIN };
    char          byte;
    return poll(&p, 1, 5000) == 1 && read(n->from_child, &byte, 1) == 1;
}

const struct host_result *native_run(struct native *n, const struct host_case *cases, unsigned count)
{
    struct board *b = n->board;
    memcpy(b->cases, cases, count * sizeof *cases);
    b->count = count;
    b->done  = 0;
    while (b->done < count) {
        if (write(n->to_child, "", 1) == 1 && child_answers(n)) {
            continue;
        }
        child_stop(n);
        b->results[b->done].vector = VECTOR_LOST;
        b->done++;
        child_start(n);
    }
    return b->results;
}

static void cpuid_word(struct cpu_features *f, enum cpuid_word word, u32 leaf, unsigned reg)
{
    u32 r[4] = { 0 };
    __get_cpuid_count(leaf, 0, &r[0], &r[1], &r[2], &r[3]);
    f->word[word] = r[reg];
}

void native_features(struct cpu_features *f)
{
    memset(f, 0, sizeof *f);
    f->family = 6;
    cpuid_word(f, WORD_1D, 1, 3);
    cpuid_word(f, WORD_1C, 1, 2);
    cpuid_word(f, WORD_7B, 7, 1);
    cpuid_word(f, WORD_7C, 7, 2);
    cpuid_word(f, WORD_7D, 7, 3);
    cpuid_word(f, WORD_81D, 0x80000001, 3);
    cpuid_word(f, WORD_81C, 0x80000001, 2);
    if (!__builtin_cpu_supports("avx")) { /* or the system has not enabled it */
        f->word[WORD_1C] &= ~(1u << 28 | 1u << 29 | 1u << 12);
        f->word[WORD_7B] &= ~(1u << 5);
        f->word[WORD_7C] &= ~(3u << 9);
    }
}

#else

void native_features(struct cpu_features *f)
{
    *f = (struct cpu_features){ .family = 6 };
    memset(f->word, 0xff, sizeof f->word);
}

struct native *native_open(void)
{
    return NULL;
}

void native_close(struct native *n)
{
    (void)n;
}

const struct host_result *native_run(struct native *n, const struct host_case *cases, unsigned count)
{
    (void)n;
    (void)cases;
    (void)count;
    return NULL;
}

#endif
