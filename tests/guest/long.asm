; long.asm: long mode: canonical addresses, IST, SYSCALL, SWAPGS, SYSENTER, compatibility mode, 64-bit call gates, IRETQ, what is
; gone, NX, SMEP and SMAP on four levels. SDM Vol. 3A chapters 4 to 6, APM Vol. 2.

%include "guest64.inc"

    bits 64
NONCANONICAL equ 0x0000800000000000
V equ 0x3f0000
V_ENTRY equ PT_L + ((V >> 12) & 511) * 8

%macro GATE64_IST 2
    mov byte [IDT64 + (%1) * 16 + 4], %2
%endmacro

; GATE64_AT vector, offset, access, IST: at run time, from 64-bit code
%macro GATE64_AT 4
    mov eax, %2
    mov [IDT64 + (%1) * 16], ax
    shr eax, 16
    mov [IDT64 + (%1) * 16 + 6], ax
    mov word [IDT64 + (%1) * 16 + 2], SEL_CODE64
    mov word [IDT64 + (%1) * 16 + 4], ((%3) << 8) | (%4)
    mov dword [IDT64 + (%1) * 16 + 8], 0
%endmacro

test64:
    GATE64_AT 0x41, system_calls.compat_home, D_INT32 | 3 << 5, 0
    call state
    call canonical
    call gone
    call stacks
    call returns
    call system_calls
    call swap
    call compatibility
    call call_gates
    call segments
    call pages
    call controls
    ret

%macro RDMSR64 1
    mov ecx, %1
    rdmsr
    shl rdx, 32
    or rax, rdx
%endmacro
%macro WRMSR64 2
    mov ecx, %1
    mov rax, %2
    mov rdx, rax
    shr rdx, 32
    wrmsr
%endmacro

state:
    RDMSR64 MSR_EFER
    and eax, EFER_LMA | EFER_LME
    CHECK64 "efer: LMA", rax, EFER_LMA | EFER_LME
    mov rax, -1
    mov eax, eax
    mov rbx, 0xffffffff
    CHECK64 "32-bit results are zero-extended", rax, rbx
    mov rax, -1
    mov ax, 0
    CHECK64 "16-bit results are not", rax, -65536
    mov r15, 0x123456789abcdef0
    push r15
    pop r8
    CHECK64 "r8, r15", r8, r15
    lea rax, [rel state]
    CHECK64 "rip-relative", rax, state
    ret

canonical:
    mov rbx, NONCANONICAL
    FAULT64 "canonical: read", GP, 0, mov eax, [rbx]
    FAULT64 "canonical: write", GP, 0, mov [rbx], eax
    mov rbp, NONCANONICAL
    FAULT64 "canonical: by rbp", SS_, 0, mov eax, [rbp]
    FAULT64_3 "canonical: at ring 3", GP, 0, mov eax, [rbx]
    mov rbx, NONCANONICAL - 2
    FAULT64 "canonical: across the end", GP, 0, mov eax, [rbx]
    mov rbx, 0xffff7fffffffffff
    FAULT64 "canonical: below the upper half", GP, 0, mov al, [rbx]
    mov rbx, 0xffff800000000000
    FAULT64 "canonical: the upper half begins", PF, 0, mov al, [rbx]
    CHECK64 "canonical: CR2", qword [trap64.cr2], rbx
    mov rbx, NONCANONICAL
    FAULT64 "canonical: jmp", GP, 0, jmp rbx
    FAULT64 "canonical: call", GP, 0, call rbx
    FAULT64_IN "canonical: ret", GP, 0, .ret
    FINE64 "canonical: invlpg does nothing", invlpg [rbx]
    mov eax, ebx
    mov rdx, rbx
    shr rdx, 32
    mov ecx, MSR_LSTAR
    FAULT64 "canonical: lstar", GP, 0, wrmsr
    mov ecx, MSR_FS_BASE
    FAULT64 "canonical: fs base", GP, 0, wrmsr
    mov ecx, MSR_KERNEL_GS
    FAULT64 "canonical: kernel gs base", GP, 0, wrmsr
    mov ecx, MSR_SYSENTER_EIP
    FAULT64 "canonical: sysenter eip", GP, 0, wrmsr
    FAULT64_IN "canonical: push", SS_, 0, .push
    ret
.ret:
    push rbx
    ret
.push:
    GATE64_IST GP, 1
    GATE64_IST SS_, 1
    lea rsp, [rbx + 16]
    push rax
    ret


; opcodes that 64-bit mode has not
gone:
    GATE64_IST GP, 0
    GATE64_IST SS_, 0
    FAULT64 "push es", UD, 0, {db 0x06}
    FAULT64 "pop ds", UD, 0, {db 0x1f}
    FAULT64 "daa", UD, 0, {db 0x27}
    FAULT64 "aas", UD, 0, {db 0x3f}
    FAULT64 "pusha", UD, 0, {db 0x60}
    FAULT64 "popa", UD, 0, {db 0x61}
    FAULT64 "bound", UD, 0, {db 0x62, 0x00}
    FAULT64 "call far direct", UD, 0, {db 0x9a, 0, 0, 0, 0, 0, 0}
    FAULT64 "jmp far direct", UD, 0, {db 0xea, 0, 0, 0, 0, 0, 0}
    FAULT64 "into", UD, 0, {db 0xce}
    FAULT64 "aam", UD, 0, {db 0xd4, 0x0a}
    FAULT64 "salc", UD, 0, {db 0xd6}
    FAULT64 "group 82h", UD, 0, {db 0x82, 0xc0, 0}
    FAULT64 "lock nop", UD, 0, {db 0xf0, 0x90}
    FAULT64 "jmp to a TSS", GP, SEL_TSS64, jmp dword far [.tss]
    FAULT64 "int n without a gate", GP, 0x80 * 8 + 2, int 0x80
    ret
    [section .data]
    align 8, db 0
.tss: dd 0
    dw SEL_TSS64
    __SECT__

; ---- interrupt stacks
stacks:
    GATE64_AT 0x50, .handler, D_INT32 | 3 << 5, 0
    mov r8, rsp
    or r8, 8
    sub r8, 16                  ; a stack that is not aligned to 16
    xchg rsp, r8
    mov rdi, rsp
    int 0x50
    xchg rsp, r8
    mov rax, rdi
    and rax, -16
    sub rax, 40
    CHECK64 "same ring: aligned, five words", qword [.rsp], rax
    CHECK64 "same ring: RSP on the stack", qword [.frame + 24], rdi
    CHECK64 "same ring: SS on the stack", qword [.frame + 32], SEL_DATA64
    FINE64_3 "from ring 3", int 0x50
    CHECK64 "from ring 3: RSP0", qword [.rsp], RSP0 - 40
    CHECK64 "from ring 3: CS", qword [.frame + 8], SEL_CODE64_3
    CHECK64 "from ring 3: SS on the stack", qword [.frame + 32], SEL_DATA64_3
    CHECK64 "from ring 3: SS becomes null", qword [.ss], 0
    GATE64_IST 0x50, 2
    int 0x50
    CHECK64 "ist: its top", qword [.rsp], IST2 - 40
    FINE64_3 "ist from ring 3", int 0x50
    CHECK64 "ist from ring 3: its top", qword [.rsp], IST2 - 40
    ; an error code too
    GATE64_IST GP, 1
    FAULT64 "ist: #GP", GP, SEL_TSS64, jmp dword far [gone.tss]
    CHECK64 "ist: #GP: frame of six words", qword [trap64.frame], IST1 - 48 - 8
    GATE64_IST GP, 0
    ; a double fault from a lost stack, saved by its IST
    GATE64_IST DF, 2
    FAULT64_IN "ist: #DF on a lost stack", DF, 0, .lost
    GATE64_IST DF, 0
    ret
.lost:
    mov rsp, 0x700000           ; not mapped
    push rax
    ret
.handler:
    mov [.rsp], rsp
    push rax
    mov eax, ss
    mov [.ss], rax
%assign n 0
%rep 5
    mov rax, [rsp + 8 + 8 * n]
    mov [.frame + 8 * n], rax
%assign n n + 1
%endrep
    pop rax
    iretq
    [section .data]
    align 8, db 0
.rsp: dq 0
.ss: dq 0
.frame: times 5 dq 0
    __SECT__


; ---- IRETQ, RETFQ
%macro FRAME64 5
    push qword %1
    push qword %2
    push qword %3
    push qword %4
    push %5
%endmacro
returns:
    mov rbx, NONCANONICAL
    mov r12, rsp
    FAULT64_IN "iretq: RIP not canonical", GP, 0, .noncanonical
    FAULT64_IN "iretq: CS null", GP, 0, .null
    FAULT64_IN "iretq: CS data", GP, SEL_DATA64, .data
    FAULT64_IN "iretq: SS of another ring", GP, SEL_DATA64, .ss
    FAULT64_IN "iretq: NT", GP, 0, .nt
    FAULT64_IN "iretq: SS null to ring 3", GP, 0, .ss_null
    FINE64 "iretq: SS null to ring 0", call .ss_null0
    mov eax, SEL_DATA64
    mov ss, ax
    mov rax, rsp
    CHECK64 "returns: stack", rax, r12
    ; RETF with 32-bit operands to compatibility mode and back is in `compatibility`
    ret
.noncanonical:
    FRAME64 SEL_DATA64, STACK_64, 2, SEL_CODE64, rbx
    iretq
.null:
    FRAME64 SEL_DATA64, STACK_64, 2, 0, rbx
    iretq
.data:
    FRAME64 SEL_DATA64, STACK_64, 2, SEL_DATA64, rbx
    iretq
.ss:
    FRAME64 SEL_DATA64, STACK_64, 2, SEL_CODE64_3, rax
    iretq
.nt:
    pushfq
    or dword [rsp], FL_NT
    popfq
    iretq
.ss_null:
    FRAME64 0, STACK_64, 2, SEL_CODE64_3, rax
    iretq
.ss_null0:
    pop rdx
    mov rsi, rsp
    lea rax, [rel .back]
    push qword 0
    push rsi
    push qword 2
    push qword SEL_CODE64
    push rax
    iretq
.back:
    jmp rdx

; ---- SYSCALL, SYSRET
system_calls:
    mov rax, ((SEL_T + 16) << 16 | SEL_CODE64) << 32
    mov rbx, rax
    WRMSR64 MSR_STAR, rbx
    mov ebx, .entry
    WRMSR64 MSR_LSTAR, rbx
    mov ebx, FL_IF | FL_DF | FL_CF
    WRMSR64 MSR_FMASK, rbx
    std
    stc
    FINE64_3 "syscall, sysret", call .user
    cld
    CHECK64 "syscall: CS", qword [.cs], SEL_CODE64
    CHECK64 "syscall: SS", qword [.ss], SEL_DATA64
    CHECK64 "syscall: RCX", qword [.rcx], .after
    mov rax, [.r11]
    and eax, FL_CF | FL_DF
    CHECK64 "syscall: R11", rax, FL_CF | FL_DF
    mov rax, [.flags]
    and eax, FL_CF | FL_DF | FL_IF
    CHECK64 "syscall: flags masked", rax, 0
    CHECK64 "syscall: RSP untouched", qword [.rsp], STACK3_64 - 8
    CHECK64 "sysret: CS", qword [.cs3], SEL_CODE64_3
    CHECK64 "sysret: SS", qword [.ss3], SEL_DATA64_3
    mov rax, [.flags3]
    and eax, FL_CF | FL_DF
    CHECK64 "sysret: flags from R11", rax, FL_CF | FL_DF
    FAULT64_3 "sysret at ring 3", GP, 0, o64 sysret
    RDMSR64 MSR_EFER
    and eax, ~EFER_SCE
    wrmsr
    FAULT64 "syscall without SCE", UD, 0, syscall
    FAULT64 "sysret without SCE", UD, 0, o64 sysret
    RDMSR64 MSR_EFER
    or eax, EFER_SCE
    wrmsr
    ; to 32-bit code
    mov [.r12], rsp
    mov ecx, .compat
    mov r11d, 0x3002
    mov [ring0_rsp], rsp
    mov eax, SEL_DATA64_3       ; 32-bit code looks at the limit
    mov ds, ax
    sysret
.compat_back:
    CHECK64 "sysret to 32-bit code: CS", qword [.cs3], SEL_CODE32_3
    CHECK64 "sysret to 32-bit code: it was 32-bit", qword [.flags3], 4
    ; SYSENTER: 64-bit entry
    mov ebx, SEL_CODE64
    WRMSR64 MSR_SYSENTER_CS, rbx
    mov ebx, RSP0 - 0x100
    WRMSR64 MSR_SYSENTER_ESP, rbx
    mov ebx, .sysenter
    WRMSR64 MSR_SYSENTER_EIP, rbx
    FINE64_3 "sysenter", sysenter
    CHECK64 "sysenter: CS", qword [.cs], SEL_CODE64
    CHECK64 "sysenter: RSP", qword [.rsp], RSP0 - 0x100
    ret
.user:
    syscall
.after:
    pushfq
    pop qword [.flags3]
    mov eax, cs
    mov [.cs3], rax
    mov eax, ss
    mov [.ss3], rax
    ret
.entry:
    mov [.rsp], rsp
    mov [.rcx], rcx
    mov [.r11], r11
    mov esp, STACK_64 - 0x800
    pushfq
    pop qword [.flags]
    mov eax, cs
    mov [.cs], rax
    mov eax, ss
    mov [.ss], rax
    mov rsp, [.rsp]
    o64 sysret
.sysenter:
    mov [.rsp], rsp
    mov eax, cs
    mov [.cs], rax
    mov rsp, [trap64.rsp]
    jmp [trap64.resume]
    bits 32
.compat:
    mov eax, cs
    mov [.cs3], eax
    xor eax, eax
    mov ecx, esp
    mov esp, STACK3_64
    push eax
    sub esp, STACK3_64
    neg esp
    mov [.flags3], esp
    mov esp, ecx
    int 0x41
    bits 64
.compat_home:
    mov rsp, [ring0_rsp]
    mov eax, SEL_DATA64
    mov ss, ax
    jmp .compat_back
    [section .data]
    align 8, db 0
.cs: dq 0
.ss: dq 0
.rcx: dq 0
.r11: dq 0
.r12: dq 0
.flags: dq 0
.rsp: dq 0
.cs3: dq 0
.ss3: dq 0
.flags3: dq 0
    __SECT__

swap:
    mov rbx, 0x1111111111
    WRMSR64 MSR_GS_BASE, rbx
    mov rbx, 0x2222222222
    WRMSR64 MSR_KERNEL_GS, rbx
    swapgs
    RDMSR64 MSR_GS_BASE
    mov rbx, 0x2222222222
    CHECK64 "swapgs: gs", rax, rbx
    RDMSR64 MSR_KERNEL_GS
    mov rbx, 0x1111111111
    CHECK64 "swapgs: kernel gs", rax, rbx
    FAULT64_3 "swapgs at ring 3", GP, 0, swapgs
    mov ebx, FREE64
    WRMSR64 MSR_FS_BASE, rbx
    mov dword [FREE64 + 8], 0x12345678
    mov eax, [fs:8]
    CHECK64 "fs base", rax, 0x12345678
    xor eax, eax
    mov fs, ax
    mov gs, ax
    ret

; ---- 32-bit code in long mode
compatibility:
    mov r12, rsp
    mov r13, 0x1122334455667788
    push qword SEL_CODE0
    lea rax, [rel .code32]
    push rax
    retfq
    bits 32
.code32:
    mov eax, SEL_DATA0
    mov ds, ax
    mov ss, ax
    mov ecx, 7
    db 0x48                     ; dec eax here, REX.W in 64-bit mode
    mov ecx, 9
    mov [.ecx], ecx
    push dword SEL_DATA0
    pop ebx
    mov [.ebx], ebx
    jmp SEL_CODE64:.code64
    bits 64
.code64:
    mov eax, SEL_DATA64
    mov ss, ax
    mov ds, ax
    CHECK64 "compat: code ran", qword [.ecx], 9
    CHECK64 "compat: push", qword [.ebx], SEL_DATA0
    mov rax, 0x1122334455667788
    CHECK64 "compat: r13 survives", r13, rax
    mov rax, rsp
    CHECK64 "compat: rsp", rax, r12
    ; a fault there comes to 64-bit code, with CS of 32
    mov qword [trap64.resume], .caught
    mov [trap64.rsp], rsp
    mov qword [trap64.vector], -1
    push qword SEL_CODE0
    push qword .fault32
    retfq
.caught:
    FAULT_CHECK64 "compat: #UD", UD, 0, .fault32
    CHECK64 "compat: #UD: CS", qword [trap64.cs], SEL_CODE0
    ; ring 3
    mov qword [trap64.resume], .caught3
    mov [trap64.rsp], rsp
    mov qword [trap64.vector], -1
    push qword SEL_DATA64_3
    push qword STACK3_64
    push qword 2
    push qword SEL_CODE32_3
    push qword .hlt32
    iretq
.caught3:
    FAULT_CHECK64 "compat: hlt at ring 3", GP, 0, .hlt32
    CHECK64 "compat: hlt: CS", qword [trap64.cs], SEL_CODE32_3
    CHECK64 "compat: hlt: RSP", qword [trap64.old_rsp], STACK3_64
    ret
    bits 32
.fault32:
    ud2
.hlt32:
    hlt
    bits 64
    [section .data]
    align 8, db 0
.ecx: dq 0
.ebx: dq 0
    __SECT__

; ---- call gates of 16 bytes
SEL_GATE equ SEL_T64
%macro CALL_GATE64 3
    mov eax, %1
    mov [gdt + SEL_GATE], ax
    shr eax, 16
    mov [gdt + SEL_GATE + 6], ax
    mov word [gdt + SEL_GATE + 2], %2
    mov word [gdt + SEL_GATE + 4], (%3) << 8
    mov qword [gdt + SEL_GATE + 8], 0
%endmacro
call_gates:
    CALL_GATE64 .target, SEL_CODE64, D_CALL32 | 3 << 5
    FINE64_3 "call gate", call dword far [.pointer]
    CHECK64 "call gate: RSP", qword [.rsp], RSP0 - 32
    CHECK64 "call gate: CS on the stack", qword [.frame + 8], SEL_CODE64_3
    CHECK64 "call gate: RSP on the stack", qword [.frame + 16], STACK3_64
    CHECK64 "call gate: SS on the stack", qword [.frame + 24], SEL_DATA64_3
    CHECK64 "call gate: SS null", qword [.ss], 0
    CALL_GATE64 .target, SEL_CODE64, D_CALL32
    FAULT64_3 "call gate: DPL", GP, SEL_GATE, call dword far [.pointer]
    CALL_GATE64 .target, SEL_CODE0, D_CALL32 | 3 << 5
    FAULT64_3 "call gate: target is not 64-bit", GP, SEL_CODE0, call dword far [.pointer]
    CALL_GATE64 .target, SEL_CODE64, D_CALL32 | 3 << 5
    mov byte [gdt + SEL_GATE + 13], 0x0f
    FAULT64_3 "call gate: type in the upper half", GP, SEL_GATE, call dword far [.pointer]
    CALL_GATE64 .target, SEL_CODE64, (D_CALL32 | 3 << 5) & 0x7f
    FAULT64_3 "call gate: not present", NP, SEL_GATE, call dword far [.pointer]
    CALL_GATE64 .target, SEL_CODE64, D_CALL32 | 3 << 5
    mov dword [gdt + SEL_GATE + 8], 0x00008000
    FAULT64_3 "call gate: offset not canonical", GP, 0, call dword far [.pointer]
    CALL_GATE64 .target, SEL_CODE64, D_CALL16 | 3 << 5
    FAULT64_3 "call gate: 16-bit ones are gone", GP, SEL_GATE, call dword far [.pointer]
    ret
.target:
    mov [.rsp], rsp
    mov eax, ss
    mov [.ss], rax
%assign n 0
%rep 4
    mov rax, [rsp + 8 * n]
    mov [.frame + 8 * n], rax
%assign n n + 1
%endrep
    retfq
    [section .data]
    align 8, db 0
.pointer: dd 0
    dw SEL_GATE
    align 8, db 0
.rsp: dq 0
.ss: dq 0
.frame: times 4 dq 0
    __SECT__

segments:
    xor eax, eax
    mov ds, ax
    mov es, ax
    FINE64 "null DS", mov eax, [FREE64]
    mov eax, 0
    FINE64 "null SS at ring 0", mov ss, ax
    mov eax, SEL_DATA64
    mov ss, ax
    mov eax, 0
    FAULT64_3 "null SS at ring 3", GP, 0, mov ss, ax
    mov eax, 3
    FAULT64_3 "null SS, RPL 3, at ring 3", GP, 0, mov ss, ax
    mov eax, GDT_COUNT * 8
    FAULT64 "selector behind the table", GP, GDT_COUNT * 8, mov ds, ax
    mov eax, SEL_DATA64
    mov ds, ax
    mov es, ax
    FINE64 "no limit", mov eax, [0x3ffff0]
    mov ebx, FREE64
    FINE64 "write through CS", {db 0x2e, 0x89, 0x03} ; mov [rbx], eax
    ret

; ---- four levels
%macro ENTRY64 2
    mov dword [V_ENTRY], FREE64 | (%1)
    mov dword [V_ENTRY + 4], %2
    invlpg [V]
%endmacro
pages:
    mov byte [FREE64], 0xc3
    ENTRY64 7, 0
    FINE64 "page: execute", call V
    ENTRY64 7, 0x80000000
    mov qword [trap64.resume], .nx
    mov [trap64.rsp], rsp
    mov qword [trap64.vector], -1
    call V
.nx:
    FAULT_CHECK64 "page: NX", PF, 0x11, V
    FINE64 "page: NX: read", mov al, [V]
    ENTRY64 3, 0
    FAULT64_3 "page: supervisor's, at ring 3", PF, 5, mov al, [V]
    FAULT64_3 "page: supervisor's, write at ring 3", PF, 7, mov [V], al
    ENTRY64 5, 0
    FAULT64 "page: read-only with WP", PF, 3, mov [V], al
    ENTRY64 7, 0x00080000
    FAULT64 "page: reserved bit 51", PF, 9, mov al, [V]
    ENTRY64 7, 0
    mov rbx, 0x8000000000
    FAULT64 "page: no PML4 entry", PF, 2, mov [rbx], al
    CHECK64 "page: CR2", qword [trap64.cr2], rbx
    ; the same tables at 512 GiB
    mov rax, [PML4]
    mov [PML4 + 8], rax
    mov rbx, 0x8000000000 + FREE64
    mov al, [rbx]
    movzx eax, al
    CHECK64 "page: above 512 GiB", rax, 0xc3
    mov rax, [PML4]
    and eax, 0x60
    CHECK64 "page: PML4 entry accessed, not dirty", rax, 0x20
    ; in the upper half, by the last entry
    mov rax, [PML4]
    mov [PML4 + 511 * 8], rax
    mov rbx, 0xffffff8000000000 + FREE64
    movzx eax, byte [rbx]
    CHECK64 "page: upper half", rax, 0xc3
    lea rax, [rbx]
    call rax
    ; 1 GiB page
    mov eax, 0x80000001
    cpuid
    test edx, 1 << 26
    jz .no_giant
    mov dword [PDPT_L + 8], 0x87
    mov ebx, 0x40000000 + FREE64
    movzx eax, byte [rbx]
    CHECK64 "page: 1 GiB", rax, 0xc3
    mov dword [PDPT_L + 8], 0
    invlpg [rbx]
.no_giant:
    ; a physical address of RAM only: SMEP, SMAP need our own pages to be supervisor's
    and dword [PD_L], ~4
    mov rax, cr3
    mov cr3, rax
    mov rax, cr4
    or eax, CR4_SMEP | CR4_SMAP
    mov cr4, rax
    mov qword [trap64.resume], .smep
    mov [trap64.rsp], rsp
    mov qword [trap64.vector], -1
    call V
.smep:
    FAULT_CHECK64 "page: SMEP", PF, 0x11, V
    FAULT64 "page: SMAP", PF, 1, mov al, [V]
    stac
    FINE64 "page: stac", mov al, [V]
    clac
    mov rax, cr4
    and eax, ~(CR4_SMEP | CR4_SMAP)
    mov cr4, rax
    or dword [PD_L], 4
    mov rax, cr3
    mov cr3, rax
    ; global pages survive MOV CR3 only while they may: what must be seen is what INVLPG does
    mov rax, cr4
    or eax, CR4_PGE
    mov cr4, rax
    ENTRY64 0x107, 0
    mov al, [V]
    mov dword [V_ENTRY], (FREE64 + 0x1000) | 0x107
    mov byte [FREE64 + 0x1000], 0x5a
    invlpg [V]
    movzx eax, byte [V]
    CHECK64 "page: global, invlpg", rax, 0x5a
    ; PCID: an entry of another one is not used
    mov eax, 1
    cpuid
    test ecx, 1 << 17
    jz .no_pcid
    ENTRY64 7, 0
    mov rax, cr4
    or eax, CR4_PCIDE
    mov cr4, rax
    movzx ebx, byte [V]
    mov dword [V_ENTRY], (FREE64 + 0x1000) | 7
    mov eax, PML4 | 5
    mov cr3, rax                ; another PCID, flushed
    movzx eax, byte [V]
    CHECK64 "pcid: its own translations", rax, 0x5a
    mov rax, PML4
    mov cr3, rax
    movzx eax, byte [V]
    CHECK64 "pcid: without bit 63 its own entries go", rax, 0x5a
    mov eax, PML4 | 5
    mov cr3, rax
    mov rax, cr0
    mov rbx, rax
    btr rbx, 31
    FAULT64 "pcid: paging may not be turned off", GP, 0, mov cr0, rbx
    mov eax, PML4
    mov cr3, rax
    mov rax, cr4
    and eax, ~CR4_PCIDE
    mov cr4, rax
.no_pcid:
    ENTRY64 7, 0
    ret

controls:
    mov rax, cr0
    btr rax, 31
    FAULT64 "cr0: PG cleared in 64-bit mode", GP, 0, mov cr0, rax
    mov rax, cr4
    and eax, ~CR4_PAE
    FAULT64 "cr4: PAE cleared in long mode", GP, 0, mov cr4, rax
    mov rax, cr0
    bts rax, 32
    FAULT64 "cr0: bit 32", GP, 0, mov cr0, rax
    RDMSR64 MSR_EFER
    and eax, ~EFER_LME
    FAULT64 "efer: LME changed while paging is on", GP, 0, wrmsr
    mov eax, 5
    mov cr8, rax
    mov rax, cr8
    CHECK64 "cr8", rax, 5
    mov eax, 16
    FAULT64 "cr8: 16", GP, 0, mov cr8, rax
    xor eax, eax
    mov cr8, rax
    mov rax, -1
    FAULT64 "dr7: upper half", GP, 0, mov dr7, rax
    FAULT64_3 "cr8 at ring 3", GP, 0, mov rax, cr8
    mov rax, PML4
    bts rax, 60
    FAULT64 "cr3: reserved bit", GP, 0, mov cr3, rax
    ret

END_OF_TEST
