; cet32.asm: shadow stacks outside long mode: near calls, interrupts and call gates of 32-bit code, task switches, virtual-8086 mode. SDM
; Vol. 1 chapter 17, Vol. 3A 7.3, Vol. 2 IRET.

%define CET
%include "tasks.inc"

CP equ 21
MSR_U_CET equ 0x6a0
MSR_S_CET equ 0x6a2
MSR_PL0_SSP equ 0x6a4
MSR_PL3_SSP equ 0x6a7
SHSTK equ 1
WRSHSTK equ 2
ENDBR equ 4
NEAR_RET equ 1
FAR_RET equ 2
T_SSP equ 104
PD equ 0x50000
PT equ 0x51000
V equ 0x3f0000                  ; pages: the user's shadow stacks (two), the supervisor's
SS_U equ V + 0x818
SS_U2 equ V + 0x1818
SS_S equ V + 0x2818
SS_0 equ V + 0x2f18
%define FRAME(linear) ((linear) - V + FREE + 0x4000)
P equ 1
W equ 2
U equ 4

%macro MSR 2
    mov ecx, %1
    mov eax, %2
    xor edx, edx
    wrmsr
%endmacro
; paging, U_CET, S_CET, CR4.CET; SSP of ring 3 is SS_U
%macro CET_ON 2
    push dword %2
    push dword %1
    call cet_on
    push eax
    push ecx
    push edx
    mov eax, cr4
    or eax, CR4_CET
    mov cr4, eax
%if (%2) & SHSTK
    MSR MSR_PL0_SSP, SS_0
    setssbsy
    MSR MSR_PL0_SSP, SS_S
%endif
    pop edx
    pop ecx
    pop eax
%endmacro
cet_on:
    pushad
    mov edi, FRAME(V)
    mov ecx, 0x3000 / 4
    xor eax, eax
    rep stosd
    mov edi, PD
    mov ecx, 0x400
    rep stosd
    mov dword [PD], PT | P | W | U
    mov eax, P | W | U | 0x60
    mov ecx, 0x400
.page:
    stosd
    add eax, 0x1000
    loop .page
    mov dword [PT + (V >> 12) * 4], FRAME(V) | 0x65
    mov dword [PT + (V >> 12) * 4 + 4], FRAME(V + 0x1000) | 0x65
    mov dword [PT + (V >> 12) * 4 + 8], FRAME(V + 0x2000) | 0x61
    mov dword [FRAME(SS_U2)], SS_U2
    mov dword [FRAME(SS_S)], SS_S
    mov dword [FRAME(SS_0)], SS_0
    mov dword [tss + T_CR3], PD
    MSR MSR_U_CET, [esp + 36]
    MSR MSR_S_CET, [esp + 40]
    MSR MSR_PL3_SSP, SS_U
    MSR MSR_PL0_SSP, SS_S
    mov eax, PD
    mov cr3, eax
    mov eax, cr0
    or eax, CR0_PG | CR0_WP
    mov cr0, eax
    popad
    ret 8
; T0 with an SSP
%macro SHADOW_TASK 1
    NEW_TASK
    DESCRIPTOR T0, NEW_TSS, 107, D_TSS32 | 3 << 5, 0
    mov dword [NEW_TSS + T_CR3], PD
    mov word [NEW_TSS + T_MAP], 108
    mov dword [NEW_TSS + T_SSP], %1
%endmacro
%macro USER_SSP 0
    mov ecx, MSR_PL3_SSP
    rdmsr
%endmacro

cases:
    call near_calls
    call inner
    call virtual
    call switches
    ret

near_calls:
    POS CP_NEAR_RET, "32-bit code, ring 3"
        CET_ON SHSTK, 0
    GO 3
        call .near
.back:
        rdsspd ebx
    DONE
    IS "SSP", dword [seen.ebx], SS_U
    IS "what was pushed", dword [FRAME(SS_U) - 4], .back
    POS CP_NEAR_RET, "a call of 16 bits pushes four bytes"
        CET_ON SHSTK, 0
        SEG T5, IMAGE, 0xffff, D_CODE | 3 << 5, G_32
    GO 3
        jmp (T5 | 3):IP_OF(.in16)
.in16:
        db 0x66, 0xe8
        dw .near16 - $ - 2
.back16:
        nop
        jmp SEL_CODE3:.out16
.near16:
        rdsspd ecx
        db 0x66, 0xc3
.out16:
        rdsspd ebx
    DONE
    IS "16 bits: SSP", dword [seen.ebx], SS_U
    IS "16 bits: SSP within", dword [seen.ecx], SS_U - 4
    IS "16 bits: pushed", dword [FRAME(SS_U) - 4], IP_OF(.back16)
    NEG CP_NEAR_RET, "32-bit code, ring 3", CP, NEAR_RET
        CET_ON SHSTK, 0
        MEMORY_CHANGES
    GO 3
        call .changed
.changed_back:
        nop
.changed:
        inc dword [esp]
    AT
        ret
    DONE
    NEG PF_SHADOW_PAGE, "32-bit paging", PF, E_P | E_W | E_U | E_SS
        CET_ON SHSTK, 0
        MSR MSR_PL3_SSP, FREE + 0x3000
        WANT_CR2 FREE + 0x2ffc
    GO 3
    AT
        call near_calls.near
    DONE
    NEG PF_SHADOW_PAGE, "no paging: no page is a shadow stack's", PF, E_P | E_W | E_U | E_SS
        MEMORY_CHANGES
        CET_ON SHSTK, 0
        MSR MSR_PL3_SSP, FREE + 0x3000
        mov eax, cr0
        and eax, ~CR0_PG
        mov cr0, eax
        WANT_CR2 FREE + 0x2ffc
    GO 3
    AT
        call near_calls.near
    DONE
    ret
.near:
    ret

inner:
    POS GP_TOKEN, "int n from ring 3, iretd"
        CET_ON SHSTK, SHSTK
        GATE IDT_ENTRY(0x41), SEL_CODE0, .handler, D_INT32 | 3 << 5, 0
    GO 3
        int 0x41
        rdsspd esi
        mov edi, [FRAME(SS_S)]
    DONE
    IS "SSP in the handler", dword [seen.ebx], SS_S
    IS "its token", dword [seen.ecx], SS_S | 1
    IS "SSP afterwards", dword [seen.esi], SS_U
    IS "the token is free", dword [seen.edi], SS_S
    POS CP_FAR_RET_CS, "an interrupt of ring 0; far call and return"
        CET_ON 0, SHSTK
        GATE IDT_ENTRY(0x41), SEL_CODE0, .handler, D_INT32, 0
        int 0x41
        mov esi, ebx
        call SEL_CODE0:.far
        rdsspd edi
        MSR MSR_S_CET, 0
    DONE
    IS "interrupt: SSP", dword [seen.esi], SS_0 - 24
    IS "call far: SSP", dword [seen.ebx], SS_0 - 24
    IS "afterwards", dword [seen.edi], SS_0
    ret
.handler:
    rdsspd ebx
    mov ecx, [ebx]
    iretd
.far:
    rdsspd ebx
    retf

virtual:
    NEG GP_IRET_VM86_CET, "shadow stacks", GP, 0
        CET_ON SHSTK, 0
        mov dword [ring_extra], 0
        push dword 0
        push dword 0
        push dword 0
        push dword 0
        push dword V86_SS
        push dword 0x1000
        push dword FL_VM | 2
        push dword IMAGE >> 4
        push dword 0
    AT
        iretd
    DONE
    NEG GP_IRET_VM86_CET, "indirect-branch tracking", GP, 0
        CET_ON ENDBR, 0
        push dword 0
        push dword 0
        push dword 0
        push dword 0
        push dword V86_SS
        push dword 0x1000
        push dword FL_VM | 2
        push dword IMAGE >> 4
        push dword 0
    AT
        iretd
    DONE
    POS GP_IRET_VM86_CET, "neither at CPL 3; an interrupt back to a shadow stack"
        CET_ON 0, SHSTK
        GATE IDT_ENTRY(BP_), SEL_CODE0, .out, D_INT32 | 3 << 5, 0
    GO_V86 0x3000
        call .near16
        jmp .there16
.near16:
        ret
.there16:
    %$done:
        int3
        bits 32
.out:
        mov eax, SEL_DATA0
        mov ds, eax
        mov es, eax
        rdsspd ebx
        MSR MSR_S_CET, 0
        mov esp, [case.esp]
        int 0x40
    %$caught:
        call case_end
    %pop
    IS "SSP in the handler", dword [seen.ebx], SS_S
    ret

; faults of a switch belong to the new task
%macro NEG_SWITCH 6+            ; rule, what, SSP, U_CET, error, more
    NEG %1, %2, TS, %5
        CET_ON %4, 0
        SHADOW_TASK %3
        %6
        REGS_CHANGE
        MEMORY_CHANGES
        WANT_EIP task_begins
        WANT_RF -1
    GO 0
    AT
        jmp T0:0
    DONE
%endmacro
switches:
    NEG_SWITCH TS_TASK_SSP_LIMIT, "limit 106", SS_U2, SHSTK, T0, DESCRIPTOR T0, NEW_TSS, 106, D_TSS32 | 3 << 5, 0
    NEG_SWITCH TS_TASK_SSP_UNALIGNED, "at 4", SS_U2 + 4, SHSTK, T0, nop
    NEG_SWITCH TS_TASK_TOKEN, "busy", SS_U2, SHSTK, T0, or byte [FRAME(SS_U2)], 1
    NEG_SWITCH TS_TASK_TOKEN, "none", SS_U2 + 8, SHSTK, T0, nop
    NEG TS_TASK_VM86_CET, "tracking at CPL 3", TS, T0
        CET_ON ENDBR, 0
        SHADOW_TASK 0
        mov dword [NEW_TSS + T_EFLAGS], FL_VM | 2
        mov dword [NEW_TSS + T_CS], IMAGE >> 4
        mov dword [NEW_TSS + T_EIP], IP_OF(task_begins)
        REGS_CHANGE
        MEMORY_CHANGES
        WANT_EIP task_begins
        WANT_RF -1
    GO 0
    AT
        jmp T0:0
    DONE
    %macro POS_SWITCH 2
    POS %1, %2
        CET_ON SHSTK, 0
        SHADOW_TASK SS_U2
        jmp T0:0
    CAUGHT
    USER_SSP
    IS "the new task's SSP", eax, SS_U2
    IS "its token", dword [FRAME(SS_U2)], SS_U2 | 1
    %endmacro
    POS_SWITCH TS_TASK_SSP_LIMIT, "limit 107"
    POS_SWITCH TS_TASK_SSP_UNALIGNED, "aligned"
    POS_SWITCH TS_TASK_TOKEN, "free"
    POS TS_TASK_VM86_CET, "CET is off at CPL 3"
        CET_ON 0, 0
        SHADOW_TASK 0
        mov dword [NEW_TSS + T_EFLAGS], FL_VM | 0x3002
        mov dword [NEW_TSS + T_CS], IMAGE >> 4
        mov dword [NEW_TSS + T_EIP], IP_OF(task_begins)
        jmp T0:0
    CAUGHT
    POS TS_TASK_TOKEN, "call from ring 3 to ring 3, and iretd"
        CET_ON SHSTK, 0
        SHADOW_TASK SS_U2
        mov dword [NEW_TSS + T_EIP], .returns
    GO 3
        call T0:0
.called:
        rdsspd esi
    DONE
    IS "SSP again", dword [seen.esi], SS_U
    IS "old CS", dword [FRAME(SS_U2) - 8], SEL_CODE3
    IS "old address", dword [FRAME(SS_U2) - 16], .called
    IS "old SSP", dword [FRAME(SS_U2) - 24], SS_U
    IS "the token is free again", dword [FRAME(SS_U2)], SS_U2
    NEG CP_FAR_RET_LIP, "iretd to a task", CP, FAR_RET
        CET_ON SHSTK | WRSHSTK, 0
        SHADOW_TASK SS_U2
        mov dword [NEW_TSS + T_EIP], .changes
        REGS_CHANGE
        MEMORY_CHANGES
        WANT_EIP .called2
        WANT_RF -1
    GO 3
    AT
        call T0:0
.called2:
        nop
    DONE
    ret
.returns:
    iretd
.changes:
    mov eax, SS_U2 - 16
    wrssd [eax], eax
    iretd

END_OF_CASES
