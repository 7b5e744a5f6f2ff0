; debug.asm: single step, breakpoints, RF, the shadows of STI and MOV SS, and code that changes itself.
; SDM Vol. 3B chapter 17 (debug), Vol. 3A 6.8 (masking), Vol. 3A 8.1.3 and 11.6 (self-modifying code).

%include "guest32.inc"

LAPIC equ 0xfee00000

test:
    GATE IDT_ENTRY(DB_), SEL_CODE0, on_debug, D_INT32, 0
    call single_step
    call step_others
    call execution
    call data
    call ports
    call general_detect
    call shadows
    call self_modifying
    call crossing
    ret

; ---- #DB: written down, then on with the program
on_debug:
    push eax
    push ebx
    mov ebx, [log_end]
    mov eax, [esp + 8]
    mov [ebx], eax
    mov eax, dr6
    mov [ebx + 4], eax
    mov eax, [esp + 16]
    mov [ebx + 8], eax
    add dword [log_end], 12
    mov eax, 0xffff0ff0
    mov dr6, eax
    mov eax, [or_flags]
    or [esp + 16], eax
    pop ebx
    pop eax
    iretd

    [section .data]
    align 4, db 0
or_flags: dd 0
log_end: dd log
log: times 3 * 32 dd 0
    __SECT__

%macro FRESH_LOG 0
    mov dword [log_end], log
    push eax
    mov eax, 0xffff0ff0
    mov dr6, eax
    pop eax
%endmacro

; LOG_IS "name", DR6 bits, EIP...: these traps, in this order
%macro LOG_IS 2-*
    push eax
    mov eax, [log_end]
    sub eax, log
    CHECK %1, eax, 12 * (%0 - 2)
%push
    %xdefine %$name %1
    %xdefine %$bits %2
%assign %$n 0
%rotate 2
%rep %0 - 2
    CHECK %$name, dword [log + 12 * %$n], %1
    mov eax, [log + 12 * %$n + 4]
    and eax, 0xe00f
    CHECK %$name, eax, %$bits
%assign %$n %$n + 1
%rotate 1
%endrep
%pop
    pop eax
%endmacro

; LOG_IS4 "name", EIP, DR6 bits, ...
%macro LOG_IS4 1-*
    push eax
    mov eax, [log_end]
    sub eax, log
    CHECK %1, eax, 12 * ((%0 - 1) / 2)
%push
    %xdefine %$name %1
%assign %$n 0
%rotate 1
%rep (%0 - 1) / 2
    CHECK %$name, dword [log + 12 * %$n], %1
    mov eax, [log + 12 * %$n + 4]
    and eax, 0xe00f
    CHECK %$name, eax, %2
%assign %$n %$n + 1
%rotate 2
%endrep
%pop
    pop eax
%endmacro

%macro TF_ON 0
    pushfd
    or dword [esp], FL_TF
    popfd
%endmacro

BS equ 0x4000

single_step:
    FRESH_LOG
    TF_ON
.a: nop
.b: inc eax
.c: pushfd
.d: and dword [esp], ~FL_TF
.e: popfd
.f: nop
    LOG_IS "tf", BS, .b, .c, .d, .e, .f
    mov eax, [log + 8]
    and eax, FL_TF
    CHECK "tf: set in the frame", eax, FL_TF
    mov eax, [log + 4 * 12 + 8]
    and eax, FL_TF
    CHECK "tf: clear in the last frame", eax, 0
    ; MOV SS and POP SS hold the trap back
    FRESH_LOG
    mov ecx, SEL_DATA0
    TF_ON
.g: mov ss, cx
.h: nop
.i: push ss
.j: pop ss
.k: nop
.l: pushfd
.m: and dword [esp], ~FL_TF
.n: popfd
.o: nop
    LOG_IS "tf: mov ss, pop ss", BS, .i, .j, .l, .m, .n, .o
    ; STI does not
    FRESH_LOG
    TF_ON
    sti
.p: cli
.q: pushfd
.r: and dword [esp], ~FL_TF
.s: popfd
.t: nop
    LOG_IS "tf: sti", BS, .p, .q, .r, .s, .t
    ret

step_others:
    ; each round of a repeated instruction is a step
    FRESH_LOG
    mov edi, FREE
    mov ecx, 3
    TF_ON
.rep:
    rep stosb
.a: pushfd
.b: and dword [esp], ~FL_TF
.c: popfd
.d: LOG_IS "tf: rep", BS, .rep, .rep, .a, .b, .c, .d
    CHECK "tf: rep did its work", edi, FREE + 3
    ; INT n clears TF; its IRET gives it back, effective one instruction later
    GATE IDT_ENTRY(0x50), SEL_CODE0, .int, D_TRAP32, 0
    FRESH_LOG
    TF_ON
    int 0x50
    nop
.e: pushfd
.f: and dword [esp], ~FL_TF
.g: popfd
.h: LOG_IS "tf: int n", BS, .e, .f, .g, .h
    ; a fault comes first, and the step is lost
    FRESH_LOG
    mov [trap.resume], dword .faulted
    mov [trap.esp], esp
    TF_ON
    ud2
.faulted:
    LOG_IS "tf: fault", BS
    CHECK "tf: fault: vector", dword [trap.vector], UD
    mov eax, [trap.eflags]
    and eax, FL_TF | FL_RF
    CHECK "tf: fault: TF and RF in the frame", eax, FL_TF | FL_RF
    mov [trap.resume], dword 0
    pushfd
    pop eax
    and eax, FL_TF
    CHECK "tf: fault: clear in the handler", eax, 0
    ; IRET that sets TF
    FRESH_LOG
    pushfd
    or dword [esp], FL_TF
    push cs
    push dword .i
    iretd
.i: nop
.j: pushfd
.k: and dword [esp], ~FL_TF
.l: popfd
.m: LOG_IS "tf: iret", BS, .j, .k, .l, .m
    ret
.int:
    nop
    nop
    iretd

%macro DR7 1
    mov eax, %1
    mov dr7, eax
%endmacro

execution:
    mov eax, .b
    mov dr0, eax
    mov eax, .d
    mov dr3, eax
    FRESH_LOG
    mov dword [or_flags], FL_RF
    DR7 0x402 | 0x80            ; global 0 and 3: execution
.a: mov ecx, 3
.b: nop
    loop .b
.c: nop
.d: nop
    DR7 0x400
    push dword [log + 8]
    LOG_IS4 "exec", .b, 1, .b, 1, .b, 1, .d, 8
    pop eax
    and eax, FL_RF
    CHECK "exec: RF clear in the frame", eax, 0
    ; IRET with RF passes over it once; POPF cannot
    mov dword [or_flags], FL_RF
    FRESH_LOG
    DR7 0x402
    pushfd
    or dword [esp], FL_RF
    push cs
    push dword .b2
    mov eax, .b2
    mov dr0, eax
    iretd
.b2:
    nop
    LOG_IS "exec: iret with RF", 1
    FRESH_LOG
    mov ecx, 2
    mov eax, .b3
    mov dr0, eax
    pushfd
    or dword [esp], FL_RF
    popfd
.b3:
    nop
    LOG_IS "exec: popf cannot set RF", 1, .b3
    ; a breakpoint and a step meet
    FRESH_LOG
    mov eax, .e
    mov dr0, eax
    TF_ON
    nop
.e: pushfd
.f: and dword [esp], ~FL_TF
.g: popfd
.h: DR7 0x400
    CHECK "exec and tf: first", dword [log], .e
    mov eax, [log + 4]
    and eax, 0xe00f
    CHECK "exec and tf: the step comes first (SDM Vol. 3A 6.9)", eax, BS
    ; disabled, and an address that is data only
    FRESH_LOG
    mov eax, .i
    mov dr0, eax
.i: nop
    LOG_IS "exec: disabled", 0
    mov dword [or_flags], 0
    ret

W equ FREE + 0x100
data:
    mov eax, W
    mov dr0, eax
    mov eax, W + 8
    mov dr1, eax
    mov eax, W + 0x12
    mov dr2, eax
    FRESH_LOG
    ; 0: write, 4 bytes. 1: read and write, 4 bytes. 2: write, 2 bytes
    DR7 0x402 | 0x8 | 0x20 | 0xd << 16 | 0xf << 20 | 0x5 << 24
    mov eax, [W]
    mov [W], eax
.a: mov byte [W + 3], 1
.b: mov byte [W + 4], 1
    mov [W - 2], eax
.c: mov eax, [W + 8]
.d: inc dword [W + 8]
.e: mov al, [W + 11]
.f: mov al, [W + 12]
    mov [W + 0x10], ax
    mov [W + 0x10], eax
.g: mov [W + 0x14], eax
    push dword [W + 8]
.h: pop eax
    mov esi, W - 4
    mov edi, W + 0x100
    mov ecx, 4
.r: rep movsd
.s: mov edi, W - 1
    mov ecx, 2
.t: rep stosb
.u: mov ecx, SEL_DATA0
    mov [W + 0x30], ecx
    nop
    DR7 0x400
    LOG_IS4 "data", .a, 1, .b, 1, .c, 1, .d, 2, .e, 2, .f, 2, .g, 4, .h, 2, .s, 2, .u, 1
    ; MOV SS from a watched place: the trap waits for the next instruction
    FRESH_LOG
    mov dword [W + 8], SEL_DATA0
    DR7 0x402 | 0x8 | 0xf << 20
    mov ss, [W + 8]
.v: nop
.w: DR7 0x400
    LOG_IS "data: mov ss", 2, .w
    ; a fault in the same instruction: no breakpoint
    FRESH_LOG
    DR7 0x402 | 0xd << 16
    FAULT "data: #DE before the write", DE, 0, div byte [W + 0x1000]
    LOG_IS "data: nothing written", 0
    DR7 0x400
    ret

ports:
    mov eax, cr4
    or eax, CR4_DE
    mov cr4, eax
    mov eax, 0x80
    mov dr0, eax
    FRESH_LOG
    DR7 0x402 | 0x2 << 16       ; I/O, 1 byte
    out 0x80, al
.a: in al, 0x80
.b: in al, 0x81
    in ax, 0x7f
.c: mov [0x40080], al
    DR7 0x400
    LOG_IS "io", 1, .a, .b, .c
    FAULT "de: dr4", UD, 0, mov eax, dr4
    mov eax, cr4
    and eax, ~CR4_DE
    mov cr4, eax
    mov eax, 0x12345
    mov dr0, eax
    mov eax, dr6
    mov ebx, eax
    FINE "no de: dr4 is dr6", mov eax, dr4
    CHECK "no de: dr4", eax, ebx
    ret

general_detect:
    FRESH_LOG
    mov eax, 0x2400
    mov dr7, eax
.a: mov eax, dr0
    LOG_IS "gd", 0x2000, .a
    mov eax, dr7
    and eax, 0x2000
    CHECK "gd: cleared by the exception", eax, 0
    ret

; ---- a pending interrupt (an IPI to ourselves), and when it comes
shadows:
    mov ecx, 0x1b
    rdmsr
    or eax, 0x800
    wrmsr
    mov dword [LAPIC + 0xf0], 0x1ff
    mov dword [LAPIC + 0x80], 0
    GATE IDT_ENTRY(0x60), SEL_CODE0, .irq, D_INT32, 0
    cli
    call .ipi
    sti
    nop
.a: cli
    CHECK "sti: one instruction more", dword [.at], .a
    call .ipi
    sti
    cli
    CHECK "sti, cli: nothing", dword [.at], 0
    pushfd
    or dword [esp], FL_IF
    popfd
.b: cli
    CHECK "popf: at once", dword [.at], .b
    call .ipi
    sti
    hlt
.c: cli
    CHECK "sti, hlt: behind hlt", dword [.at], .c
    call .ipi
    pushfd
    or dword [esp], FL_IF
    push cs
    push dword .d
    iretd
.d: cli
    CHECK "iret: at once", dword [.at], .d
    ; with IF set, the request of the interrupt itself stands before MOV SS
    mov ecx, SEL_DATA0
    mov dword [.at], 0
    call .ipi
    sti
    mov ss, cx
    nop
.e: nop
    cli
    mov eax, [.at]
    sub eax, .e
    cmp eax, 1
    setbe al
    movzx eax, al
    CHECK "sti, mov ss: later", eax, 1
    ; HLT with IF clear is woken by nothing of this; here only: a pending interrupt does not stop CLI code
    call .ipi
    mov ecx, 1000
.wait:
    loop .wait
    CHECK "cli: pending", dword [.at], 0
    sti
    nop
    cli
    ; priority: 60h is served, 50h waits for EOI, 70h comes through
    ret
.ipi:
    mov dword [.at], 0
    mov dword [LAPIC + 0x300], 0x44060
    ret
.irq:
    push eax
    mov eax, [esp + 4]
    mov [.at], eax
    mov dword [LAPIC + 0xb0], 0
    pop eax
    iretd
    [section .data]
    align 4, db 0
.at: dd 0
    __SECT__

; ---- code that changes itself
self_modifying:
    ; the very next instruction
    mov byte [.a + 1], 5
.a: mov al, 1
    movzx eax, al
    CHECK "smc: next instruction", eax, 5
    ; in a loop, each round
    xor ebx, ebx
    mov ecx, 10
.loop:
    inc byte [.b + 2]
.b: add ebx, 0
    loop .loop
    CHECK "smc: loop", ebx, 55
    ; behind: the next call sees it
    call .value
    mov byte [.value + 1], 0x22
    mov ebx, eax
    call .value
    CHECK "smc: first", ebx, 0x11
    CHECK "smc: changed", eax, 0x22
    ; an instruction becomes a longer one
    mov dword [.c], 0x90909090
    call .run
    CHECK "smc: nops", eax, 7
    mov byte [.c], 0xb8
    mov dword [.c + 1], 0x12345678
    call .run
    CHECK "smc: mov eax, imm32", eax, 0x12345678
    ; by REP MOVSB, over the code that runs
    mov esi, .patch
    mov edi, .d
    mov ecx, 5
    rep movsb
.d: mov eax, 1
    CHECK "smc: rep movsb", eax, 0x77
    ; through another linear address: an alias by a second segment
    DESCRIPTOR SEL_T, 0x1000, 0xfffff, D_DATA, G_32 | G_PAGES
    push dword SEL_T
    pop es
    mov byte [es:.e + 1 - 0x1000], 0x66
.e: mov al, 0
    movzx eax, al
    CHECK "smc: through another segment", eax, 0x66
    push dword SEL_DATA0
    pop es
    ; XCHG and a locked instruction write code too
    mov ecx, 0x99
    xchg [.f + 1], cl
.f: mov al, 3
    movzx eax, al
    CHECK "smc: xchg", eax, 0x99
    lock inc byte [.g + 1]
.g: mov al, 3
    movzx eax, al
    CHECK "smc: lock inc", eax, 4
    ; a push that lands in code
    mov ebx, esp
    mov [trap.esp], esp
    mov esp, .h + 4
    push dword 0x909044b0       ; mov al, 44h
.h: mov al, 1
    nop
    nop
    mov esp, ebx
    movzx eax, al
    CHECK "smc: push", eax, 0x44
    ; a page full of code, rewritten often (JIT fashion)
    xor edx, edx
    mov ecx, 2000
.jit:
    mov byte [FREE + 0x2000], 0xb8
    mov [FREE + 0x2001], ecx
    mov byte [FREE + 0x2005], 0xc3
    mov eax, FREE + 0x2000
    call eax
    add edx, eax
    loop .jit
    CHECK "smc: 2000 small functions", edx, 2000 * 2001 / 2
    ret
.value:
    mov eax, 0x11
    ret
.run:
    mov eax, 7
.c: nop
    nop
    nop
    nop
    nop
    ret
.patch:
    mov eax, 0x77

; ---- instructions over a page boundary
crossing:
    mov edi, FREE + 0x3ffd
    mov byte [edi], 0xb8        ; mov eax, imm32; ret
    mov dword [edi + 1], 0x11223344
    mov byte [edi + 5], 0xc3
    call edi
    CHECK "crossing: mov eax, imm32", eax, 0x11223344
    mov byte [FREE + 0x4001], 0x55      ; its last byte, in the second page
    call edi
    CHECK "crossing: second page changed", eax, 0x55223344
    mov byte [FREE + 0x3ffe], 0x66      ; first page
    call edi
    CHECK "crossing: first page changed", eax, 0x55223366
    mov ecx, 1000
    xor ebx, ebx
.loop:
    mov [edi + 2], cx
    call edi
    and eax, 0x00ffff00
    shr eax, 8
    add ebx, eax
    loop .loop
    CHECK "crossing: 1000 times", ebx, 1000 * 1001 / 2
    ; at every offset
    mov esi, FREE + 0x3ff8
    xor ebx, ebx
.next:
    mov byte [esi], 0xc7        ; mov dword [disp32], imm32: 10 bytes
    mov byte [esi + 1], 0x05
    mov dword [esi + 2], FREE
    mov [esi + 6], esi
    mov byte [esi + 10], 0xc3
    call esi
    cmp [FREE], esi
    jne .bad
    inc ebx
.bad:
    inc esi
    cmp esi, FREE + 0x4000
    jb .next
    CHECK "crossing: 8 places", ebx, 8
    ; data over a page boundary
    mov dword [FREE + 0x4ffe], 0xa1b2c3d4
    mov eax, [FREE + 0x4ffe]
    CHECK "crossing: data", eax, 0xa1b2c3d4
    movzx eax, word [FREE + 0x5000]
    CHECK "crossing: data, upper half", eax, 0xa1b2
    ret

END_OF_TEST
