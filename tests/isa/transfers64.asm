; transfers64.asm: far transfers, gates and returns in long mode. SDM Vol. 2 CALL, JMP, RET, IRET; Vol. 3A 5.8.3.1.

%include "isa64.inc"

; jmp and call far through FREE64: m16:64 and m16:32
%define JMP64  db 0x48, 0xff, 0x2c, 0x25, FREE64 & 0xff, FREE64 >> 8 & 0xff, FREE64 >> 16 & 0xff, 0
%define CALL64 db 0x48, 0xff, 0x1c, 0x25, FREE64 & 0xff, FREE64 >> 8 & 0xff, FREE64 >> 16 & 0xff, 0
%define JMP32  db 0xff, 0x2c, 0x25, FREE64 & 0xff, FREE64 >> 8 & 0xff, FREE64 >> 16 & 0xff, 0
%define CALL32 db 0xff, 0x1c, 0x25, FREE64 & 0xff, FREE64 >> 8 & 0xff, FREE64 >> 16 & 0xff, 0

; FAR rule, what, vector, error, ring, selector: all four
%macro FAR_ONE 7
    NEG %1, {%2}, %3, %4
        PREPARE
        POINTER target, %6
    GO %5
    AT
        %7
    DONE
%endmacro
%macro FAR_ONE32 7
    NEG %1, {%2}, %3, %4
        PREPARE
        POINTER32 target, %6
    GO %5
    AT
        %7
    DONE
%endmacro
%macro FAR 6
    FAR_ONE %1, {"jmp m16:64: ", %2}, %3, %4, %5, %6, {JMP64}
    FAR_ONE %1, {"call m16:64: ", %2}, %3, %4, %5, %6, {CALL64}
    FAR_ONE32 %1, {"jmp m16:32: ", %2}, %3, %4, %5, %6, {JMP32}
    FAR_ONE32 %1, {"call m16:32: ", %2}, %3, %4, %5, %6, {CALL32}
%endmacro
%macro FAR_POS 4
    POS %1, %2
        PREPARE
        POINTER target, %4
    GO %3
        CALL64
    DONE
%endmacro
%define PREPARE nop

cases:
    call direct
    call gates
    call returns
    ret

target:
    retfq
direct:
    %define PREPARE nop
    FAR GP_FAR_NULL, "0", GP, 0, 0, 0
    FAR GP_FAR_LIMIT, "beyond the GDT", GP, BEYOND, 3, BEYOND | 3
    FAR GP_FAR_TYPE, "data", GP, SEL_DATA64, 0, SEL_DATA64
    FAR_POS GP_FAR_TYPE, "code", 3, SEL_CODE64_3
    FAR GP_FAR_DPL, "ring 3, DPL 0", GP, SEL_CODE64, 3, SEL_CODE64
    FAR_POS GP_FAR_DPL, "ring 0", 0, SEL_CODE64
    %define PREPARE SYS T0, TSS64, 0, 103, D_TSS32 | 3 << 5, 0
    FAR GP_FAR_TYPE_LONG, "an available TSS", GP, T0, 0, T0
    %define PREPARE nop
    FAR GP_FAR_TYPE_LONG, "the busy TSS", GP, SEL_TSS64, 0, SEL_TSS64
    %define PREPARE SYS T0, SEL_TSS64 << 16, 0, 0, D_TASK | 3 << 5, 0
    FAR GP_FAR_TYPE_LONG, "a task gate, before its rights", GP, T0, 3, T0
    %define PREPARE SYS T0, SEL_CODE64 << 16, 0, 0, D_CALL16 | 3 << 5, 0
    FAR GP_FAR_TYPE_LONG, "a 16-bit call gate", GP, T0, 3, T0
    %define PREPARE SYS T0, TSS64, 0, 43, D_TSS16 | 3 << 5, 0
    FAR GP_FAR_TYPE_LONG, "a 16-bit TSS", GP, T0, 0, T0
    %define PREPARE CALL_GATE T0, SEL_CODE64, target, D_CALL32 | 3 << 5, 0, 0
    FAR_POS GP_FAR_TYPE_LONG, "a 64-bit call gate", 0, T0
    %define PREPARE SEG T0, 0, 0xfffff, D_CODE, G_LONG | G_32 | G_PAGES
    FAR GP_FAR_L_AND_D, "ring 0", GP, T0, 0, T0
    %define PREPARE SEG T0, 0, 0xfffff, D_CODE, G_LONG | G_PAGES
    FAR_POS GP_FAR_L_AND_D, "L alone", 0, T0
    %define PREPARE SEG T0, 0, 0xfffff, (D_CODE & 0x7f), G_LONG | G_PAGES
    FAR NP_FAR, "code", NP, T0, 0, T0
    %define PREPARE nop
    NEG GP_TARGET_CANONICAL, "jmp m16:64", GP, 0
        mov rax, NONCANONICAL
        mov [FREE64], rax
        mov word [FREE64 + 8], SEL_CODE64
    AT
        JMP64
    DONE
    NEG GP_TARGET_CANONICAL, "call m16:64, ring 3", GP, 0
        mov rax, 0xffff7fffffffffff
        mov [FREE64], rax
        mov word [FREE64 + 8], SEL_CODE64_3
    GO 3
    AT
        CALL64
    DONE
    POS GP_TARGET_CANONICAL, "canonical"
        POINTER target, SEL_CODE64
        CALL64
    DONE
    NEG GP_TARGET_LIMIT, "m16:64 to compatibility mode: 33 bits", GP, 0
        mov rax, 0x100000000
        mov [FREE64], rax
        mov word [FREE64 + 8], SEL_CODE0
    AT
        JMP64
    DONE
    NEG GP_TARGET_LIMIT, "compatibility mode has its limits", GP, 0
        SEG T0, 0, 0xfff, D_CODE, G_32
        POINTER32 0x1000, T0
    AT
        JMP32
    DONE
    ret

gates:
    %define PREPARE CALL_GATE T0, SEL_CODE64, target, D_CALL32, 0, 0
    FAR GP_GATE_CPL, "ring 3, DPL 0", GP, T0, 3, T0
    FAR GP_GATE_RPL, "RPL 3, DPL 0", GP, T0, 0, T0 | 3
    %define PREPARE CALL_GATE T0, SEL_CODE64, target, (D_CALL32 | 3 << 5) & 0x7f, 0, 0x1f00
    FAR NP_GATE, "before the upper half", NP, T0, 3, T0
    %define PREPARE CALL_GATE T0, SEL_CODE64, target, D_CALL32 | 3 << 5, 0, 0x100
    FAR GP_GATE_UPPER, "a type in the upper half", GP, T0, 3, T0
    %define PREPARE CALL_GATE T0, SEL_CODE64, target, D_CALL32 | 3 << 5, 0, 0x1f00
    FAR GP_GATE_UPPER, "all type bits", GP, T0, 0, T0
    %define PREPARE GATE_AT_END
    %macro GATE_AT_END 0
        mov dword [GDT_ENTRY(BEYOND - 8)], SEL_CODE64 << 16
        mov dword [GDT_ENTRY(BEYOND - 8) + 4], (D_CALL32 | 3 << 5) << 8
    %endmacro
    FAR GP_GATE_UPPER, "beyond the GDT", GP, BEYOND - 8, 3, BEYOND - 8
    %define PREPARE CALL_GATE T0, SEL_CODE64, target, D_CALL32 | 3 << 5, 0, 0xffffe0ff
    FAR_POS GP_GATE_UPPER, "other bits are ignored", 0, T0
    %define PREPARE CALL_GATE T0, SEL_CODE64, target, D_CALL32 | 3 << 5, 0, 0
    FAR_POS NP_GATE, "inner ring", 3, T0
    %define PREPARE CALL_GATE T0, 0, target, D_CALL32 | 3 << 5, 0, 0
    FAR GP_GATE_NULL, "0", GP, 0, 3, T0
    %define PREPARE CALL_GATE T0, BEYOND, target, D_CALL32 | 3 << 5, 0, 0
    FAR GP_GATE_TARGET_LIMIT, "beyond", GP, BEYOND, 3, T0
    %define PREPARE CALL_GATE T0, SEL_DATA64, target, D_CALL32 | 3 << 5, 0, 0
    FAR GP_GATE_TARGET_TYPE, "data", GP, SEL_DATA64, 0, T0
    %define PREPARE CALL_GATE T0, SEL_CODE0, target, D_CALL32 | 3 << 5, 0, 0
    FAR GP_GATE_TARGET_NOT_64, "32-bit code", GP, SEL_CODE0, 0, T0
    NEG GP_GATE_TARGET_NOT_64, "32-bit code, inner ring", GP, SEL_CODE0
        PREPARE
        POINTER 0, T0
    GO 3
    AT
        CALL64
    DONE
    %define PREPARE SEG T1, 0, 0xfffff, D_CODE, G_LONG | G_32 | G_PAGES
    NEG GP_GATE_TARGET_NOT_64, "L and D", GP, T1
        PREPARE
        CALL_GATE T0, T1, target, D_CALL32 | 3 << 5, 0, 0
        POINTER 0, T0
    GO 3
    AT
        CALL64
    DONE
    %define PREPARE CALL_GATE T0, SEL_CODE64_3, target, D_CALL32 | 3 << 5, 0, 0
    FAR_POS GP_GATE_TARGET_NOT_64, "64-bit code, same ring", 3, T0
    FAR GP_GATE_TARGET_DPL, "ring 0, DPL 3", GP, SEL_CODE64_3 & ~3, 0, T0
    %define PREPARE CALL_GATE T0, SEL_CODE64, target, D_CALL32 | 3 << 5, 0x8000, 0
    NEG GP_TARGET_CANONICAL, "gate, same ring", GP, 0
        PREPARE
        POINTER 0, T0
    AT
        CALL64
    DONE
    NEG GP_TARGET_CANONICAL, "gate, inner ring", GP, 0
        PREPARE
        POINTER 0, T0
    GO 3
    AT
        CALL64
    DONE
    %define PREPARE CALL_GATE T0, SEL_CODE64, target, D_CALL32 | 3 << 5, 0, 0
    NEG GP_JMP_GATE_DPL, "jmp to an inner ring", GP, SEL_CODE64
        PREPARE
        POINTER 0, T0
    GO 3
    AT
        JMP64
    DONE
    POS SS_NEW_CANONICAL, "frame of a gate to ring 0"
        CALL_GATE T0, SEL_CODE64, .in0, D_CALL32 | 3 << 5, 0, 0
        POINTER 0, T0
    GO 3
        CALL64
.in0:
        mov rax, rsp
        mov rcx, [rsp + 8]
        mov rdx, [rsp + 16]
        mov rbx, [rsp + 24]
        mov esi, ss
    DONE
    IS "gate: RSP", qword [seen.rax], RSP0 - 32
    IS "gate: CS", qword [seen.rcx], SEL_CODE64_3
    IS "gate: old RSP", qword [seen.rdx], STACK3_64
    IS "gate: old SS", qword [seen.rbx], SEL_DATA64_3
    IS "gate: SS is null", qword [seen.rsi], 0
    ret

; RETFQ and IRETQ
%macro BACK 6                   ; rule, what, vector, error, ring, CS; PUSHES: SS and RSP
    NEG %1, {"iretq: ", %2}, %3, %4
        PREPARE
    GO %5
        PUSHES
        pushfq
        push qword %6
        push qword 0
    AT
        iretq
    DONE
%endmacro
%macro BACK_RETF 6
    NEG %1, {"retfq: ", %2}, %3, %4
        PREPARE
    GO %5
        PUSHES
        push qword %6
        push qword 0
    AT
        retfq
    DONE
    BACK %1, %2, %3, %4, %5, %6
%endmacro
%macro PUSH_ARE 2
    %xdefine BACK_SS %1
    %xdefine BACK_SP %2
%endmacro
%macro PUSHES 0
    push qword BACK_SS
    push qword BACK_SP
%endmacro
%macro BACK_POS 5               ; rule, what, ring, CS, SS: IRETQ
    POS %1, %2
        PREPARE
    GO %3
        push qword %5
        push qword STACK3_64 - 0x80
        pushfq
        push qword %4
        push qword %%there
        iretq
%%there:
    DONE
%endmacro
returns:
    %define PREPARE nop
    PUSH_ARE SEL_DATA64, STACK_64 - 0x100
    BACK_RETF GP_RETURN_NULL, "0", GP, 0, 0, 0
    BACK_RETF GP_RETURN_LIMIT, "beyond", GP, BEYOND, 0, BEYOND
    BACK_RETF GP_RETURN_TYPE, "data", GP, SEL_DATA64, 0, SEL_DATA64
    BACK_RETF GP_RETURN_RPL, "inwards", GP, SEL_CODE64, 3, SEL_CODE64
    %define PREPARE SEG T0, 0, 0xfffff, D_CODE, G_LONG | G_32 | G_PAGES
    BACK_RETF GP_RETURN_L_AND_D, "ring 0", GP, T0, 0, T0
    %define PREPARE SEG T0, 0, 0xfffff, D_CODE | 3 << 5, G_LONG | G_32 | G_PAGES
    PUSH_ARE SEL_DATA64_3, STACK3_64
    BACK_RETF GP_RETURN_L_AND_D, "ring 3", GP, T0, 0, T0 | 3
    %define PREPARE SEG T0, 0, 0xfffff, D_CODE, G_LONG
    BACK_POS GP_RETURN_L_AND_D, "L alone", 0, T0, SEL_DATA64
    %define PREPARE nop
    PUSH_ARE 3, STACK3_64
    BACK_RETF GP_RETURN_SS_NULL, "ring 3, 64 bits", GP, 0, 0, SEL_CODE64_3
    PUSH_ARE 0, STACK_64
    BACK GP_RETURN_SS_NULL, "ring 0, compatibility mode", GP, 0, 0, SEL_CODE0
    BACK_POS GP_RETURN_SS_NULL, "ring 0, 64 bits", 0, SEL_CODE64, 0
    PUSH_ARE 3, STACK_64
    BACK GP_RETURN_SS_RPL, "null with RPL 3 for ring 0", GP, 0, 0, SEL_CODE64
    PUSH_ARE SEL_DATA64, STACK3_64
    BACK_RETF GP_RETURN_SS_RPL, "RPL 0 for ring 3", GP, SEL_DATA64, 0, SEL_CODE64_3
    BACK_POS GP_RETURN_SS_RPL, "RPL 3 for ring 3", 0, SEL_CODE64_3, SEL_DATA64_3
    PUSH_ARE SEL_CODE64_3, STACK3_64
    BACK_RETF GP_RETURN_SS_TYPE, "code", GP, SEL_CODE64_3 & ~3, 0, SEL_CODE64_3
    NEG GP_TARGET_CANONICAL, "iretq", GP, 0
        mov rax, NONCANONICAL
        push qword SEL_DATA64
        push qword STACK_64 - 0x100
        pushfq
        push qword SEL_CODE64
        push rax
    AT
        iretq
    DONE
    NEG GP_TARGET_CANONICAL, "iretq to ring 3", GP, 0
        mov rax, NONCANONICAL
        push qword SEL_DATA64_3
        push qword STACK3_64
        pushfq
        push qword SEL_CODE64_3
        push rax
    AT
        iretq
    DONE
    NEG GP_TARGET_CANONICAL, "retfq", GP, 0
        mov rax, NONCANONICAL
        push qword SEL_CODE64
        push rax
    AT
        retfq
    DONE
    POS GP_TARGET_CANONICAL, "iretq: RSP need not be canonical"
        mov rax, NONCANONICAL
        push qword SEL_DATA64
        push rax
        pushfq
        push qword SEL_CODE64
        push qword .odd_rsp
        iretq
.odd_rsp:
        mov rcx, rsp
    DONE
    mov rax, NONCANONICAL
    IS "RSP", qword [seen.rcx], rax
    ; a processor with five-level paging takes such bases, with CR4.LA57 clear too; using them is another matter
    NEG GP_CODE_CANONICAL, "syscall: LSTAR has 57 bits, paging 48", GP, 0
        REGS_CHANGE
        mov ecx, MSR_LSTAR
        xor eax, eax
        mov edx, 0x8000
        wrmsr
        mov ecx, MSR_STAR
        mov edx, (SEL_CODE32_3 << 16) | SEL_CODE64
        wrmsr
        WANT_RIP NONCANONICAL
    GO 3
    AT
        syscall
    DONE
    NEG GP_CANONICAL, "FS base of 57 bits, paging with 48", GP, 0
        mov ecx, MSR_FS_BASE
        xor eax, eax
        mov edx, 0x8000
        wrmsr
        mov eax, FREE64
    AT
        mov ecx, [fs:rax]
    DONE
    NEG GP_IRET_NT_LONG, "64-bit mode", GP, 0
        pushfq
        or dword [rsp], FL_NT
        popfq
    AT
        iretq
    DONE
    NEG GP_IRET_NT_LONG, "ring 3", GP, 0
        mov qword [ring_flags_at], FL_NT
    GO 3
    AT
        iretq
    DONE
    NEG GP_IRET_NT_LONG, "compatibility mode", GP, 0
        mov qword [ring_flags_at], FL_NT
    GO_32 3
    AT32
        iretd
    DONE32
    POS GP_IRET_NT_LONG, "NT in the image is taken"
        push qword SEL_DATA64
        push qword STACK_64 - 0x100
        push qword FL_NT | 2
        push qword SEL_CODE64
        push qword .nt_there
        iretq
.nt_there:
        pushfq
        pop rax
    DONE
    IS "NT", qword [seen.rax], FL_NT | 2
    ret

END_OF_CASES
