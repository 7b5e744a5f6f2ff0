; cet.asm: control-flow enforcement in long mode: shadow stacks, their pages and instructions, far transfers and interrupts with them,
; and the tracker of indirect branches. SDM Vol. 1 chapter 17; Vol. 3A 4.6; Vol. 2 by instruction.

%define CET
%include "isa64.inc"

CP equ 21
MSR_U_CET equ 0x6a0
MSR_S_CET equ 0x6a2
MSR_PL0_SSP equ 0x6a4
MSR_PL3_SSP equ 0x6a7
MSR_SSP_TABLE equ 0x6a8
MSR_XSS equ 0xda0
OSXSAVE equ 0x40000
SHSTK equ 1
WRSHSTK equ 2
ENDBR equ 4
LEG_IW equ 8
NO_TRACK equ 16
SUPPRESS_DIS equ 32
SUPPRESS equ 0x400
TRACKER equ 0x800
NEAR_RET equ 1
FAR_RET equ 2
ENDBRANCH_ equ 3
RSTORSSP_ equ 4
SETSSBSY_ equ 5
; pages from V on: 2, 3: the user's shadow stacks; 4: the supervisor's; 5: that of interrupts; 6: the interrupt SSP table, the bitmap
USER_PAGE equ 0x65
SUPER_PAGE equ 0x61
SS_U equ V + 0x2800
SS_U2 equ V + 0x3800
SS_S equ V + 0x4818             ; token and frame lie in 32 bytes
SS_I equ V + 0x5818
SS_0 equ V + 0x4f18
SSP_TABLE equ V + 0x6000
BITMAP equ V + 0x7000
%define FRAME(linear) ((linear) - V + FREE64)       ; where such an address lies for ring 0

%macro MSR 3
    mov ecx, %1
    mov eax, %2
    mov edx, %3
    wrmsr
%endmacro
; U_CET, S_CET; all pages and tokens; then CR4.CET. Registers are as in the beginning of a case.
%macro CET_ON 2
    push qword %2
    push qword %1
    call cet_on
    push rax
    push rcx
    push rdx
    CR4_SET CR4_CET
%if (%2) & SHSTK
    ; ring 0 gets a shadow stack of its own
    MSR MSR_PL0_SSP, SS_0, 0
    setssbsy
    MSR MSR_PL0_SSP, SS_S, 0
%endif
    pop rdx
    pop rcx
    pop rax
%endmacro
cet_on:
    push rax
    push rcx
    push rdx
    mov edi, FREE64 + 0x2000
    mov ecx, 0x6000 / 8
    xor eax, eax
    rep stosq
    PTE 2, USER_PAGE
    PTE 3, USER_PAGE
    PTE 4, SUPER_PAGE
    PTE 5, SUPER_PAGE
    PTE 6, 7
    PTE 7, 7
    mov qword [FRAME(SS_S)], SS_S
    mov qword [FRAME(SS_0)], SS_0
    mov qword [FRAME(SS_I)], SS_I
    mov qword [FRAME(SSP_TABLE) + 8], SS_I
    MSR MSR_PL3_SSP, SS_U, 0
    MSR MSR_PL0_SSP, SS_S, 0
    MSR MSR_SSP_TABLE, SSP_TABLE, 0
    MSR MSR_U_CET, [rsp + 32], 0
    MSR MSR_S_CET, [rsp + 40], 0
    mov edi, 0x70717273
    pop rdx
    pop rcx
    pop rax
    ret 16
%macro USER_ON 0
    CET_ON SHSTK, 0
%endmacro
; after DONE: RAX = the SSP of ring 3
%macro USER_SSP 0
    mov ecx, MSR_PL3_SSP
    rdmsr
    shl rdx, 32
    or rax, rdx
%endmacro
%macro USER_CET 0
    mov ecx, MSR_U_CET
    rdmsr
%endmacro
%define JMP_RAX_NOTRACK db 0x3e, 0xff, 0xe0

cases:
    call near_transfers
    call pages
    call instructions
    call switching
    call far_transfers
    call interrupts
    call fast_calls
    call tracking
    call tracking_kernel
    call registers
    call areas
    ret

near_transfers:
    POS CP_NEAR_RET, "call, ret"
        USER_ON
    GO 3
        call .near
.near_back:
    DONE
    USER_SSP
    IS "SSP", rax, SS_U
    lea rax, [rel .near_back]
    IS "what was pushed", qword [FRAME(SS_U) - 8], rax
    POS CP_NEAR_RET, "call by register, ret 8; call through memory; a loop"
        USER_ON
        lea rax, [rel .near]
        mov [FREE64], rax
        lea rcx, [rel .near8]
        mov esi, 30
    GO 3
.again:
        push rax
        call rcx
        call [FREE64]
        dec esi
        jnz .again
        mov rbx, rsp
    DONE
    IS "RSP", qword [seen.rbx], STACK3_64
    USER_SSP
    IS "SSP after them", rax, SS_U
    POS CP_NEAR_RET, "a call of the next instruction pushes nothing"
        USER_ON
    GO 3
        call .next
.next:
        pop rax
        rdsspq rbx
    DONE
    IS "RDSSP", qword [seen.rbx], SS_U
    NEG CP_NEAR_RET, "another return address", CP, NEAR_RET
        USER_ON
        MEMORY_CHANGES
        lea rcx, [rel near_transfers]
    GO 3
        call .changed
.changed_back:
        nop
.changed:
        mov [rsp], rcx
    AT
        ret
    DONE
    USER_SSP
    IS "SSP is as before", rax, SS_U - 8
    NEG CP_NEAR_RET, "ret 8", CP, NEAR_RET
        USER_ON
        MEMORY_CHANGES
    GO 3
        call .changed8
.changed8_back:
        nop
.changed8:
        inc qword [rsp]
    AT
        ret 8
    DONE
    NEG CP_NEAR_RET, "ring 0", CP, NEAR_RET
        CET_ON 0, SHSTK | WRSHSTK
        MEMORY_CHANGES
        setssbsy
        lea rcx, [rel near_transfers]
        call .changed0
.changed0:
        push rcx
        mov eax, 5
        mov rbx, SS_S - 8
        wrssq [rbx], rax
        mov ebx, 1
        call .changed1
.changed1_back:
        nop
.changed1:
        mov [rsp], rcx
    AT
        ret
    DONE
    POS CP_NEAR_RET, "ring 0 without"
        USER_ON
        call .near0
        jmp .past0
.near0:
        mov rcx, [rsp]
        push rcx
        pop rcx
        ret
.past0:
    DONE
    POS CP_NEAR_RET, "compatibility mode pushes four bytes"
        USER_ON
    GO_32 3
        call .near32
.near32_back:
        rdsspd ebx
        jmp .past32
.near32:
        rdsspd ecx
        ret
.past32:
    DONE32
    IS "RDSSPD", qword [seen.rcx], SS_U - 4
    IS "RDSSPD after", qword [seen.rbx], SS_U
    NEG CP_NEAR_RET, "compatibility mode", CP, NEAR_RET
        USER_ON
        MEMORY_CHANGES
    GO_32 3
        call .changed32
.changed32_back:
        nop
.changed32:
        inc dword [esp]
    AT32
        ret
    DONE32
    ret
.near:
    nop
    ret
.near8:
    ret 8

; a shadow-stack access, by a call at ring 3; SSP is V + 1000h * %4 - 8 ...
%macro NEG_PAGE 5               ; rule, what, error code, page, its flags
    NEG %1, %2, PF, %3
        USER_ON
        PTE %4, %5
        MSR MSR_PL3_SSP, V + 0x1000 * (%4) + 0x800, 0
        WANT_CR2 V + 0x1000 * (%4) + 0x7f8
    GO 3
    AT
        call near_transfers.near
    DONE
%endmacro
pages:
    NEG_PAGE PF_SHADOW_PAGE, "a writable page", E_P | E_W | E_U | E_SS, 1, 0x67
    NEG_PAGE PF_SHADOW_PAGE, "a page that is not dirty", E_P | E_W | E_U | E_SS, 1, 0x25
    NEG_PAGE PF_NOT_PRESENT, "a shadow stack's page", E_W | E_U | E_SS, 1, 0x64
    NEG_PAGE PF_USER, "the supervisor's shadow stack, by a call", E_P | E_W | E_U | E_SS, 1, 0x61
    NEG PF_SHADOW_PAGE, "a table above is read-only", PF, E_P | E_W | E_U | E_SS
        USER_ON
        mov dword [PD_L + 16], PT_L | 0x65
        mov rax, cr3
        mov cr3, rax
        mov ebx, SS_U + 0x200000
        MSR MSR_PL3_SSP, ebx, 0
        sub rbx, 8
        WANT_CR2 rbx
    GO 3
    AT
        call near_transfers.near
    DONE
    NEG PF_SHADOW_PAGE, "ret: a read", PF, E_P | E_U | E_SS
        USER_ON
        PTE 1, 0x67
        WANT_CR2 V + 0x1800
        MSR MSR_PL3_SSP, V + 0x1800, 0
        lea rax, [rel near_transfers]
    GO 3
        push rax
    AT
        ret
    DONE
    NEG PF_WRITE, "a plain write to a shadow stack", PF, E_P | E_W | E_U
        USER_ON
        WANT_CR2 SS_U
        mov ebx, SS_U
    GO 3
    AT
        mov [rbx], eax
    DONE
    NEG PF_WRITE, "the supervisor's write", PF, E_P | E_W
        USER_ON
        WANT_CR2 SS_U
        mov ebx, SS_U
    AT
        mov [rbx], eax
    DONE
    NEG PF_SHADOW_USER, "setssbsy: the user's page", PF, E_P | E_W | E_SS
        CET_ON 0, SHSTK
        MSR MSR_PL0_SSP, SS_U, 0
        mov qword [FRAME(SS_U)], SS_U
        WANT_CR2 SS_U
    AT
        setssbsy
    DONE
    NEG PF_PKRU_WRITE, "a protection key holds for shadow stacks too", PF, E_P | E_W | E_U | E_PK | E_SS
        USER_ON
        CR4_SET 0x400000
        mov dword [PT_L + 16 + 4], 1 << 27
        invlpg [SS_U]
        xor ecx, ecx
        xor edx, edx
        mov eax, 8
        wrpkru
        WANT_CR2 SS_U - 8
    GO 3
    AT
        call near_transfers.near
    DONE
    CR4_SET 0x400000
    xor eax, eax
    xor ecx, ecx
    xor edx, edx
    wrpkru
    POS PF_SHADOW_PAGE, "plain reads of a shadow stack; its accessed bit"
        USER_ON
        PTE 2, 0x45
        mov ebx, SS_U
    GO 3
        call near_transfers.near
        mov rcx, [rbx - 8]
    DONE
    mov eax, [PT_L + 16]
    and eax, 0xff
    IS "the page's entry", rax, USER_PAGE
    POS PF_SHADOW_USER, "setssbsy: the supervisor's page"
        CET_ON 0, SHSTK
        setssbsy
        rdsspq rbx
    DONE
    IS "SSP", qword [seen.rbx], SS_S
    IS "token", qword [FRAME(SS_S)], SS_S | 1
    ret

%macro NEG_OFF 2+
    NEG UD_SHADOW_OFF, %1, UD, 0
        CET_ON 0, 0
        mov ebx, SS_U
    GO 3
    AT
        %2
    DONE
%endmacro
instructions:
    NEG_OFF "incssp", incsspq rax
    NEG_OFF "rstorssp", rstorssp [rbx]
    NEG_OFF "saveprevssp", saveprevssp
    NEG_OFF "setssbsy: before its ring", setssbsy
    NEG_OFF "clrssbsy: before its ring", clrssbsy [rbx]
    NEG_OFF "wrss", wrssq [rbx], rax
    NEG_OFF "wrss, CR4.CET clear", wrssd [rbx], eax
    NEG UD_SHADOW_OFF, "CR4.CET clear", UD, 0
        USER_ON
        mov rax, cr4
        and eax, ~CR4_CET
        mov cr4, rax
    GO 3
    AT
        incsspd eax
    DONE
    NEG UD_LOCK, "wrss", UD, 0
        CET_ON SHSTK | WRSHSTK, 0
        mov ebx, SS_U
    GO 3
    AT
        db 0xf0
        wrssq [rbx], rax
    DONE
    POS UD_SHADOW_OFF, "rdssp is a NOP then"
        CET_ON 0, 0
        mov rax, -1
    GO 3
        rdsspd eax
        mov rbx, rax
        rdsspq rbx
    DONE
    mov rax, -1
    IS "RDSSP", qword [seen.rbx], rax
    POS UD_SHADOW_OFF, "incssp, rdssp"
        USER_ON
    GO 3
        mov eax, 0xfff02
        incsspq rax
        rdsspq rbx
        mov eax, 3
        incsspd eax
        mov rcx, -1
        rdsspd ecx
        xor eax, eax
        incsspq rax
    DONE
    IS "+ 16", qword [seen.rbx], SS_U + 16
    IS "+ 12, 32 bits", qword [seen.rcx], SS_U + 28
    NEG PF_NOT_PRESENT, "incssp reads its first and last element", PF, E_U | E_SS
        USER_ON
        PTE 3, 0
        WANT_CR2 V + 0x3000
        MSR MSR_PL3_SSP, V + 0x3000 - 16, 0
        mov eax, 3
    GO 3
    AT
        incsspq rax
    DONE
    NEG UD_WRSS_OFF, "ring 3", UD, 0
        CET_ON SHSTK, WRSHSTK | SHSTK
        mov ebx, SS_U
    GO 3
    AT
        wrssq [rbx], rax
    DONE
    NEG UD_WRSS_OFF, "ring 0", UD, 0
        CET_ON WRSHSTK | SHSTK, SHSTK
        mov ebx, SS_S - 8
    AT
        wrssd [rbx], eax
    DONE
    POS UD_WRSS_OFF, "ring 3"
        CET_ON WRSHSTK | SHSTK, 0
        mov ebx, SS_U
        mov rcx, 0x1122334455667788
    GO 3
        wrssq [rbx], rcx
        wrssd [rbx + 4], ecx
    DONE
    mov rax, 0x5566778855667788
    IS "what was written", qword [FRAME(SS_U)], rax
    NEG GP_SHADOW_UNALIGNED, "wrssq", GP, 0
        CET_ON WRSHSTK | SHSTK, 0
        mov ebx, SS_U
    GO 3
    AT
        wrssq [rbx + 4], rax
    DONE
    NEG GP_SHADOW_UNALIGNED, "wrssd", GP, 0
        CET_ON WRSHSTK | SHSTK, 0
        mov ebx, SS_U
    GO 3
    AT
        wrssd [rbx + 2], eax
    DONE
    NEG GP_SHADOW_UNALIGNED, "wrussq", GP, 0
        USER_ON
        mov ebx, SS_U
    AT
        wrussq [rbx + 4], rax
    DONE
    NEG GP_SHADOW_UNALIGNED, "rstorssp", GP, 0
        USER_ON
        mov ebx, SS_U
    GO 3
    AT
        rstorssp [rbx + 4]
    DONE
    NEG GP_SHADOW_UNALIGNED, "setssbsy", GP, 0
        CET_ON 0, SHSTK
        MSR MSR_PL0_SSP, SS_S + 4, 0
    AT
        setssbsy
    DONE
    NEG GP_SHADOW_UNALIGNED, "clrssbsy", GP, 0
        CET_ON 0, SHSTK
        mov ebx, SS_S
    AT
        clrssbsy [rbx + 4]
    DONE
    POS GP_SHADOW_UNALIGNED, "wrssd at 4"
        CET_ON WRSHSTK | SHSTK, 0
        mov ebx, SS_U
    GO 3
        wrssd [rbx + 4], eax
    DONE
    NEG PF_SHADOW_PAGE, "wrss to a plain page", PF, E_P | E_W | E_U | E_SS
        CET_ON WRSHSTK | SHSTK, 0
        mov ebx, V + 0x1000
        WANT_CR2 V + 0x1000
    GO 3
    AT
        wrssq [rbx], rax
    DONE
    NEG GP_CANONICAL, "wrss", GP, 0
        CET_ON WRSHSTK | SHSTK, 0
        mov rbx, NONCANONICAL
    GO 3
    AT
        wrssq [rbx], rax
    DONE
    NEG UD_WRUSS_OFF, "CR4.CET clear", UD, 0
        USER_ON
        mov rax, cr4
        and eax, ~CR4_CET
        mov cr4, rax
        mov ebx, SS_U
    AT
        wrussq [rbx], rax
    DONE
    NEG GP_PRIVILEGED, "wruss, ring 3", GP, 0
        USER_ON
        mov ebx, SS_U
    GO 3
    AT
        wrussq [rbx], rax
    DONE
    POS UD_WRUSS_OFF, "whatever U_CET and S_CET say"
        CET_ON 0, 0
        mov ebx, SS_U
        mov eax, 0x12345678
        wrussq [rbx], rax
        wrussd [rbx + 8], eax
    DONE
    IS "written", qword [FRAME(SS_U)], 0x12345678
    IS "and four bytes", qword [FRAME(SS_U) + 8], 0x12345678
    NEG PF_USER, "wruss to the supervisor's shadow stack", PF, E_P | E_W | E_U | E_SS
        USER_ON
        mov ebx, SS_S
        WANT_CR2 SS_S
    AT
        wrussq [rbx], rax
    DONE
    NEG GP_PRIVILEGED, "setssbsy, ring 3", GP, 0
        CET_ON 0, SHSTK
    GO 3
    AT
        setssbsy
    DONE
    NEG GP_PRIVILEGED, "clrssbsy, ring 3", GP, 0
        CET_ON 0, SHSTK
        mov ebx, SS_S
    GO 3
    AT
        clrssbsy [rbx]
    DONE
    NEG CP_SETSSBSY, "busy", CP, SETSSBSY_
        CET_ON 0, SHSTK
        or byte [FRAME(SS_S)], 1
    AT
        setssbsy
    DONE
    NEG CP_SETSSBSY, "no token", CP, SETSSBSY_
        CET_ON 0, SHSTK
        MSR MSR_PL0_SSP, SS_S + 8, 0
    AT
        setssbsy
    DONE
    POS CP_SETSSBSY, "and clrssbsy"
        CET_ON 0, SHSTK
        setssbsy
        mov ebx, SS_S
        clrssbsy [rbx]
        setc al
        movzx esi, al
        rdsspq rcx
        setssbsy
        mov ebx, SS_S + 8
        clrssbsy [rbx]
        setc al
        movzx edi, al
        rdsspq rdx
    DONE
    IS "CF", qword [seen.rsi], 0
    IS "SSP", qword [seen.rcx], 0
    IS "CF without a token", qword [seen.rdi], 1
    IS "SSP, too", qword [seen.rdx], 0
    ret

; from SS_U to SS_U2, where a restore token lies
%macro TOKEN2 1
    USER_ON
    mov qword [FRAME(SS_U2)], %1
    mov ebx, SS_U2
%endmacro
switching:
    POS CP_RSTORSSP_ADDRESS, "there, saveprevssp, and back"
        TOKEN2 SS_U2 + 8 + 1
    GO 3
        stc
        rstorssp [rbx]
        setc al
        movzx esi, al
        rdsspq rcx
        saveprevssp
        rdsspq rdx
        mov ebx, SS_U - 8
        rstorssp [rbx]
        rdsspq rdi
        mov eax, 1
        incsspq rax
    DONE
    IS "CF", qword [seen.rsi], 0
    IS "rstorssp", qword [seen.rcx], SS_U2
    IS "saveprevssp", qword [seen.rdx], SS_U2 + 8
    IS "back", qword [seen.rdi], SS_U - 8
    USER_SSP
    IS "SSP at last", rax, SS_U
    IS "previous-SSP token", qword [FRAME(SS_U) - 8], SS_U2 + 8 + 3
    POS CP_RSTORSSP_MODE, "compatibility mode, SSP at 4: a hole"
        TOKEN2 SS_U2 + 12
        MSR MSR_PL3_SSP, SS_U + 4, 0
    GO_32 3
        mov ebx, SS_U2
        rstorssp [ebx]
        setc al
        movzx esi, al
        rdsspd ecx
        saveprevssp
        rdsspd edx
    DONE32
    IS "CF: a hole", qword [seen.rsi], 1
    IS "SSP there", qword [seen.rcx], SS_U2
    IS "SSP behind the hole", qword [seen.rdx], SS_U2 + 12
    IS "the token left", qword [FRAME(SS_U) - 8], SS_U + 4
    NEG CP_RSTORSSP_MODE, "a token of 32 bits", CP, RSTORSSP_
        TOKEN2 SS_U2 + 8
    GO 3
    AT
        rstorssp [rbx]
    DONE
    NEG CP_RSTORSSP_MODE, "bit 1", CP, RSTORSSP_
        TOKEN2 SS_U2 + 8 + 3
    GO 3
    AT
        rstorssp [rbx]
    DONE
    NEG CP_RSTORSSP_MODE, "compatibility mode, a token of 64 bits", CP, RSTORSSP_
        TOKEN2 SS_U2 + 8 + 1
    GO_32 3
        mov ebx, SS_U2
    AT32
        rstorssp [ebx]
    DONE32
    NEG CP_RSTORSSP_4G, "compatibility mode", CP, RSTORSSP_
        TOKEN2 SS_U2 + 8
        mov dword [FRAME(SS_U2) + 4], 1
    GO_32 3
        mov ebx, SS_U2
    AT32
        rstorssp [ebx]
    DONE32
    POS CP_RSTORSSP_4G, "compatibility mode, below"
        TOKEN2 SS_U2 + 8
    GO_32 3
        mov ebx, SS_U2
        rstorssp [ebx]
    DONE32
    NEG CP_RSTORSSP_ADDRESS, "another address", CP, RSTORSSP_
        TOKEN2 SS_U2 + 16 + 1
    GO 3
    AT
        rstorssp [rbx]
    DONE
    IS "the token stays", qword [FRAME(SS_U2)], SS_U2 + 17
    NEG GP_SAVEPREVSSP_UNALIGNED, "at 4", GP, 0
        USER_ON
        MSR MSR_PL3_SSP, SS_U + 4, 0
    GO 3
    AT
        saveprevssp
    DONE
    NEG GP_SAVEPREVSSP_TOKEN, "bit 1 clear", GP, 0
        USER_ON
        mov qword [FRAME(SS_U)], SS_U2 | 1
    GO 3
        clc
    AT
        saveprevssp
    DONE
    NEG GP_SAVEPREVSSP_CARRY, "64-bit mode", GP, 0
        USER_ON
        mov qword [FRAME(SS_U)], SS_U2 | 3
    GO 3
        stc
    AT
        saveprevssp
    DONE
    NEG GP_SAVEPREVSSP_HOLE, "compatibility mode", GP, 0
        USER_ON
        mov qword [FRAME(SS_U)], SS_U2 | 2
        mov dword [FRAME(SS_U) + 8], 1
    GO_32 3
        stc
    AT32
        saveprevssp
    DONE32
    NEG GP_SSP_4G, "saveprevssp, compatibility mode", GP, 0
        USER_ON
        mov rax, 0x100000002 + SS_U2
        mov [FRAME(SS_U)], rax
    GO_32 3
        clc
    AT32
        saveprevssp
    DONE32
    %macro POS_SAVE 1
    POS %1, "saveprevssp"
        USER_ON
        mov qword [FRAME(SS_U)], SS_U2 | 3
    GO 3
        clc
        saveprevssp
    DONE
    IS "restore token", qword [FRAME(SS_U2) - 8], SS_U2 | 1
    %endmacro
    POS_SAVE GP_SAVEPREVSSP_UNALIGNED
    POS_SAVE GP_SAVEPREVSSP_TOKEN
    POS_SAVE GP_SAVEPREVSSP_CARRY
    POS GP_SAVEPREVSSP_HOLE, "compatibility mode"
        USER_ON
        mov qword [FRAME(SS_U)], SS_U2 | 2
    GO_32 3
        stc
        saveprevssp
    DONE32
    USER_SSP
    IS "SSP + 12", rax, SS_U + 12
    ret

%macro CALL64 0
    db 0x48, 0xff, 0x1c, 0x25
    dd FREE64
%endmacro
%macro JMP64 0
    db 0x48, 0xff, 0x2c, 0x25
    dd FREE64
%endmacro
; FREE64: the far pointer; FRAME(SS_U) - 24: what a far call leaves
%macro NEG_RETF 4               ; rule, what, error code, what to do to the shadow stack by RBX = SSP
    NEG %1, %2, CP, %3
        CET_ON SHSTK | WRSHSTK, 0
        MEMORY_CHANGES
        POINTER %%callee, SEL_CODE64_3
    GO 3
        CALL64
        nop
%%callee:
        rdsspq rbx
        %4
    AT
        retfq
    DONE
%endmacro
far_transfers:
    POS CP_FAR_RET_CS, "call far, retf"
        USER_ON
        POINTER .far, SEL_CODE64_3
    GO 3
        CALL64
.far_back:
    DONE
    USER_SSP
    IS "SSP after", rax, SS_U
    IS "CS", qword [FRAME(SS_U) - 8], SEL_CODE64_3
    lea rax, [rel .far_back]
    IS "linear address", qword [FRAME(SS_U) - 16], rax
    IS "SSP pushed", qword [FRAME(SS_U) - 24], SS_U
    POS CP_FAR_RET_UNALIGNED, "a call from SSP at 4 aligns it"
        USER_ON
        mov dword [FRAME(SS_U)], -1
        POINTER .far, SEL_CODE64_3
        MSR MSR_PL3_SSP, SS_U + 4, 0
    GO 3
        CALL64
    DONE
    USER_SSP
    IS "SSP at 4", rax, SS_U + 4
    IS "the hole is 0", qword [FRAME(SS_U)], 0
    NEG_RETF CP_FAR_RET_CS, "another CS", FAR_RET, {wrssd [rbx + 16], eax}
    NEG_RETF CP_FAR_RET_CS, "bit 32 counts", FAR_RET, {wrssd [rbx + 20], eax}
    NEG_RETF CP_FAR_RET_LIP, "another address", FAR_RET, {wrssd [rbx + 8], eax}
    NEG CP_FAR_RET_PREVIOUS, "SSP at 2", CP, FAR_RET
        CET_ON SHSTK | WRSHSTK, 0
        MEMORY_CHANGES
        POINTER .callee, SEL_CODE64_3
    GO 3
        CALL64
        nop
.callee:
        rdsspq rbx
        mov eax, SS_U + 2
        wrssd [rbx], eax
    AT
        retfq
    DONE
    NEG CP_FAR_RET_UNALIGNED, "SSP at 4", CP, FAR_RET
        USER_ON
        MSR MSR_PL3_SSP, SS_U + 4, 0
    GO 3
        push qword SEL_CODE64_3
        push qword .far
    AT
        retfq
    DONE
    NEG CP_FAR_RET_UNALIGNED, "iretq to ring 3, SSP at 4", CP, FAR_RET
        CET_ON 0, SHSTK
        setssbsy
        mov eax, 1
        incsspd eax
        push qword SEL_DATA64_3
        push qword STACK3_64
        push qword 2
        push qword SEL_CODE64_3
        push qword .far
    AT
        iretq
    DONE
    POS CP_FAR_RET_LIP, "iretq, the same ring"
        CET_ON 0, SHSTK | WRSHSTK
        setssbsy
        lea rax, [rel .same]
        mov ebx, SS_S - 24
        mov ecx, SS_S
        wrssq [rbx], rcx
        wrssq [rbx + 8], rax
        mov ecx, SEL_CODE64
        wrssq [rbx + 16], rcx
        call .down
.down:
        mov ebx, SS_S - 32
        mov edi, 1
        ; SSP := SS_S - 24, by a restore token
        mov ecx, SS_S - 24 + 1
        wrssq [rbx], rcx
        rstorssp [rbx]
        incsspq rdi
        mov rdx, rsp
        push qword SEL_DATA64
        push rdx
        push qword 2
        push qword SEL_CODE64
        push rax
        iretq
.same:
        rdsspq rbx
    DONE
    IS "SSP as pushed", qword [seen.rbx], SS_S
    POS CP_FAR_RET_PREVIOUS, "SSP at 4"
        CET_ON SHSTK | WRSHSTK, 0
        POINTER .callee4, SEL_CODE64_3
    GO 3
        CALL64
        jmp .past4
.callee4:
        rdsspq rbx
        mov eax, SS_U + 4
        wrssd [rbx], eax
        retfq
.past4:
    DONE
    USER_SSP
    IS "SSP from the stack", rax, SS_U + 4
    NEG PF_SHADOW_PAGE, "call far: nothing has changed", PF, E_P | E_W | E_U | E_SS
        USER_ON
        PTE 1, 0x67
        MSR MSR_PL3_SSP, V + 0x1800, 0
        POINTER .far, SEL_CODE64_3
        WANT_CR2 V + 0x17fc
    GO 3
    AT
        CALL64
    DONE
    NEG GP_SSP_4G, "jmp to compatibility mode", GP, 0
        USER_ON
        MSR MSR_PL3_SSP, SS_U, 1
        POINTER .far, SEL_CODE32_3
    GO 3
    AT
        JMP64
    DONE
    NEG GP_SSP_4G, "call of compatibility mode", GP, 0
        USER_ON
        MSR MSR_PL3_SSP, SS_U, 1
        POINTER .far, SEL_CODE32_3
    GO 3
    AT
        CALL64
    DONE
    NEG GP_SSP_4G, "iretq to compatibility mode", GP, 0
        USER_ON
        MSR MSR_PL3_SSP, SS_U, 1
        push qword SEL_DATA64_3
        push qword STACK3_64
        push qword 2
        push qword SEL_CODE32_3
        push qword .far
    AT
        iretq
    DONE
    POS GP_SSP_4G, "jmp to compatibility mode, below"
        USER_ON
        POINTER .compatible, SEL_CODE32_3
    GO 3
        JMP64
        bits 32
.compatible:
        nop
    DONE32
    NEG GP_SSP_CANONICAL, "iretq", GP, 0
        USER_ON
        MSR MSR_PL3_SSP, 0, 0x8000
        push qword SEL_DATA64_3
        push qword STACK3_64
        push qword 2
        push qword SEL_CODE64_3
        push qword .far
    AT
        iretq
    DONE
    POS GP_SSP_CANONICAL, "iretq: the upper half"
        USER_ON
        MSR MSR_PL3_SSP, 0, 0xffff8000
    GO 3
        rdsspq rbx
    DONE
    mov rax, 0xffff800000000000
    IS "SSP up there", qword [seen.rbx], rax
    ret
.far:
    retfq

; ---- interrupts and gates to ring 0, whose shadow stack is on
%macro INT_TO 1                 ; handler; interrupt 41h, no IST
    INT_GATE 0x41, SEL_CODE64, %1, D_INT32 | 3 << 5, 0, 0
%endmacro
interrupts:
    POS GP_TOKEN, "int n from ring 3, iretq"
        CET_ON SHSTK, SHSTK
        INT_TO .handler
    GO 3
        call .called
        rdsspq rdi
        nop
    DONE
    IS "SSP in the handler", qword [seen.rbx], SS_S
    IS "its token", qword [seen.rcx], SS_S | 1
    IS "PL3_SSP meanwhile", qword [seen.rsi], SS_U - 8
    IS "SSP afterwards", qword [seen.rdi], SS_U
    IS "the token is free again", qword [FRAME(SS_S)], SS_S
    NEG GP_TOKEN, "busy", GP, 0
        CET_ON SHSTK, SHSTK
        INT_TO .handler
        or byte [FRAME(SS_S)], 1
    GO 3
    AT
        int 0x41
    DONE
    NEG GP_TOKEN, "none", GP, 0
        CET_ON 0, SHSTK
        INT_TO .handler
        mov qword [FRAME(SS_S)], 0
    GO 3
    AT
        int 0x41
    DONE
    NEG GP_TOKEN, "call gate", GP, 0
        CET_ON SHSTK, SHSTK
        CALL_GATE T0, SEL_CODE64, .handler, D_CALL32 | 3 << 5, 0, 0
        POINTER 0, T0
        or byte [FRAME(SS_S)], 1
    GO 3
    AT
        CALL64
    DONE
    NEG UD_UD+GP_TOKEN, "an exception: EXT", GP, 1
        CET_ON 0, SHSTK
        INT_GATE UD, SEL_CODE64, .handler, D_INT32, 0, 0
        or byte [FRAME(SS_S)], 1
    GO 3
    AT
        ud2
    DONE
    NEG GP_TOKEN_UNALIGNED, "PL0_SSP at 4", GP, 0
        CET_ON 0, SHSTK
        INT_TO .handler
        MSR MSR_PL0_SSP, SS_S + 4, 0
    GO 3
    AT
        int 0x41
    DONE
    NEG GP_TOKEN_UNALIGNED, "in the interrupt SSP table", GP, 0
        CET_ON 0, SHSTK
        INT_GATE 0x41, SEL_CODE64, .handler, D_INT32 | 3 << 5, 2, 0
        mov qword [FRAME(SSP_TABLE) + 16], SS_S + 4
    GO 3
    AT
        int 0x41
    DONE
    NEG GP_TOKEN_REGION, "PL0_SSP at 8", GP, 0
        CET_ON 0, SHSTK
        INT_TO .handler
        MSR MSR_PL0_SSP, SS_S + 8, 0
        mov qword [FRAME(SS_S) + 8], SS_S + 8
    GO 3
    AT
        int 0x41
    DONE
    POS GP_TOKEN_REGION, "at 18h"
        CET_ON 0, SHSTK
        INT_TO .handler
        MSR MSR_PL0_SSP, SS_S + 0x20, 0
        mov qword [FRAME(SS_S) + 0x20], SS_S + 0x20
    GO 3
        int 0x41
    DONE
    IS "at 18h: SSP", qword [seen.rbx], SS_S + 0x20
    POS GP_TOKEN_UNALIGNED, "call gate, retf"
        CET_ON SHSTK, SHSTK
        CALL_GATE T0, SEL_CODE64, .gate, D_CALL32 | 3 << 5, 0, 0
        POINTER 0, T0
    GO 3
        CALL64
        rdsspq rdi
    DONE
    IS "gate: SSP", qword [seen.rbx], SS_S
    IS "gate: SSP afterwards", qword [seen.rdi], SS_U
    IS "gate: the token", qword [FRAME(SS_S)], SS_S
    POS GP_TOKEN, "IST: from ring 0, and iretq frees the token"
        CET_ON 0, SHSTK
        INT_GATE 0x41, SEL_CODE64, .handler_ist, D_INT32 | 3 << 5, 2, 0
        mov qword [FRAME(SSP_TABLE) + 16], SS_I + 0x100
        mov qword [FRAME(SS_I) + 0x100], SS_I + 0x100
        setssbsy
        int 0x41
.ist_back:
        rdsspq rdi
        mov esi, [FRAME(SS_I) + 0x100]
    DONE
    IS "IST: SSP", qword [seen.rbx], SS_I + 0x100 - 24
    IS "IST: SSP afterwards", qword [seen.rdi], SS_S
    IS "IST: the token", qword [seen.rsi], SS_I + 0x100
    IS "IST: CS", qword [FRAME(SS_I) + 0x100 - 8], SEL_CODE64
    lea rax, [rel .ist_back]
    IS "IST: address", qword [FRAME(SS_I) + 0x100 - 16], rax
    POS CP_FAR_RET_CS, "an interrupt of ring 0, on the same stack"
        CET_ON 0, SHSTK
        INT_TO .handler_ist
        setssbsy
        int 0x41
        rdsspq rdi
    DONE
    IS "same: SSP", qword [seen.rbx], SS_S - 24
    IS "same: SSP afterwards", qword [seen.rdi], SS_S
    IS "same: the token stays busy", qword [FRAME(SS_S)], SS_S | 1
    NEG CP_FAR_RET_LIP, "iretq from such a handler", CP, FAR_RET
        CET_ON 0, SHSTK
        INT_TO .handler_changes
        MEMORY_CHANGES
        setssbsy
        int 0x41
        nop
        nop
        jmp .not_here
.handler_changes:
        inc qword [rsp]
    AT
        iretq
.not_here:
    DONE
    ret
.called:
    int 0x41
    ret
.handler:
    rdsspq rbx
    mov rcx, [rbx]
    push rcx
    mov ecx, MSR_PL3_SSP
    rdmsr
    mov esi, eax
    pop rcx
    iretq
.gate:
    rdsspq rbx
    retfq
.handler_ist:
    rdsspq rbx
    iretq

fast_calls:
    POS CP_NEAR_RET, "syscall, sysret"
        CET_ON SHSTK, SHSTK
        MSR MSR_STAR, 0, (SEL_CODE32_3 << 16) | SEL_CODE64
        MSR MSR_LSTAR, .syscalled, 0
        MSR MSR_FMASK, 0, 0
    GO 3
        call .calls
        rdsspq rdi
    DONE
    IS "syscall: SSP", qword [seen.rbx], 0
    IS "syscall: PL3_SSP", qword [seen.rsi], SS_U - 8
    IS "sysret: SSP", qword [seen.rdi], SS_U
    POS CP_NEAR_RET, "sysenter, sysexit"
        CET_ON SHSTK, SHSTK
        MSR MSR_SYSENTER_CS, SEL_CODE64, 0
        MSR 0x176, .sysentered, 0
        MSR 0x175, STACK_64 - 0x400, 0
        lea r8, [rel .exited]
    GO 3
        mov r9, rsp
        sysenter
.exited:
        rdsspq rdi
    DONE
    IS "sysenter: SSP", qword [seen.rbx], 0
    IS "sysenter: PL3_SSP", qword [seen.rsi], SS_U
    IS "sysexit: SSP", qword [seen.rdi], SS_U
    ret
.calls:
    syscall
    ret
.syscalled:
    rdsspq rbx
    mov r8, rcx
    mov ecx, MSR_PL3_SSP
    rdmsr
    mov esi, eax
    mov rcx, r8
    o64 sysret
.sysentered:
    rdsspq rbx
    mov ecx, MSR_PL3_SSP
    rdmsr
    mov esi, eax
    mov rdx, r8
    mov rcx, r9
    ; its selectors are SEL_CODE64's + 32 and + 40
    o64 sysexit

; ---- the tracker
%macro DIRECT 0
    call tracking.plain_call
    jmp tracking.plain
%endmacro
%macro NEG_TRACK 3+             ; what, U_CET, instruction: to [RAX] = .plain
    NEG CP_ENDBRANCH, %1, CP, ENDBRANCH_
        CET_ON ENDBR | (%2), 0
        REGS_CHANGE
        MEMORY_CHANGES
        lea rax, [rel tracking.plain]
        WANT_RIP rax
    GO 3
    AT
        %3
    DONE
%endmacro
%macro POS_TRACK 3+             ; to [RAX] = .marked or .plain by %%; R8: the way out
    POS CP_ENDBRANCH, %1
        CET_ON ENDBR | (%2), 0
        lea rax, [rel TARGET]
        mov [FREE64], rax
        lea r8, [rel %%out]
    GO 3
        %3
%%out:
        endbr64
    DONE
    USER_CET
    IS {"tracker: ", %1}, rax, ENDBR | (%2)
%endmacro
tracking:
    NEG_TRACK "jmp", 0, jmp rax
    USER_CET
    IS "the tracker still waits", rax, ENDBR | TRACKER
    NEG_TRACK "call", 0, call rax
    NEG_TRACK "jmp, 3E without NO_TRACK_EN", 0, JMP_RAX_NOTRACK
    NEG_TRACK "with a shadow stack", SHSTK, call rax
    %define TARGET tracking.marked
    POS_TRACK "jmp", 0, jmp rax
    POS_TRACK "jmp through memory", 0, jmp [FREE64]
    POS_TRACK "call", 0, call rax
    POS_TRACK "SUPPRESS ends there", LEG_IW, jmp rax
    %define TARGET tracking.plain
    POS_TRACK "jmp, 3E with NO_TRACK_EN", NO_TRACK, JMP_RAX_NOTRACK
    POS_TRACK "direct jumps and ret", 0, DIRECT
    NEG CP_ENDBRANCH, "ENDBR32 in 64-bit mode", CP, ENDBRANCH_
        CET_ON ENDBR, 0
        REGS_CHANGE
        lea rax, [rel tracking.marked32]
        WANT_RIP rax
    GO 3
    AT
        jmp rax
    DONE
    NEG CP_ENDBRANCH, "ENDBR64 in compatibility mode", CP, ENDBRANCH_
        CET_ON ENDBR, 0
        REGS_CHANGE
        lea rax, [rel tracking.marked]
        WANT_RIP rax
    GO_32 3
        mov eax, tracking.marked
    AT32
        jmp eax
    DONE32
    POS CP_ENDBRANCH, "ENDBR32 in compatibility mode"
        CET_ON ENDBR, 0
    GO_32 3
        mov ebx, .out32
        mov eax, tracking.marked32
        jmp eax
.out32:
        endbr32
    DONE32
    NEG CP_ENDBRANCH, "an undefined opcode: #CP comes first", CP, ENDBRANCH_
        CET_ON ENDBR, 0
        REGS_CHANGE
        lea rax, [rel tracking.undefined]
        WANT_RIP rax
    GO 3
    AT
        jmp rax
    DONE
    NEG CP_ENDBRANCH, "jmp far", CP, ENDBRANCH_
        CET_ON ENDBR, 0
        REGS_CHANGE
        POINTER tracking.plain, SEL_CODE64_3
        lea rax, [rel tracking.plain]
        WANT_RIP rax
    GO 3
    AT
        JMP64
    DONE
    POS CP_ENDBRANCH, "jmp far"
        CET_ON ENDBR, 0
        POINTER tracking.marked, SEL_CODE64_3
        lea r8, [rel .far_out]
    GO 3
        JMP64
.far_out:
        endbr64
    DONE
    NEGT NONE, "INT3 in place of ENDBR64", BP_, 0
        CET_ON ENDBR, 0
        WANT_RIP tracking.int3 + 1
        INT_GATE BP_, SEL_CODE64, case_trap_3, D_INT32 | 3 << 5, 1, 0
        lea rax, [rel tracking.int3]
    GO 3
        jmp rax
    DONE
    USER_CET
    IS "int3: the tracker waits on", rax, ENDBR | TRACKER
    NEG CP_ENDBRANCH, "an interrupt between: the tracker is the user's", CP, ENDBRANCH_
        CET_ON ENDBR | TRACKER, 0
        REGS_CHANGE
    GO 3
        AT_BARE
.waiting:
        nop
    DONE
    ; the legacy bitmap: bit per page
    NEG CP_ENDBRANCH, "legacy bitmap: bit clear", CP, ENDBRANCH_
        CET_ON ENDBR | LEG_IW | BITMAP, 0
        REGS_CHANGE
        lea rax, [rel tracking.plain]
        WANT_RIP rax
    GO 3
    AT
        jmp rax
    DONE
    POS CP_ENDBRANCH, "legacy bitmap"
        CET_ON ENDBR | LEG_IW | BITMAP, 0
        lea rax, [rel tracking.plain]
        mov edx, eax
        shr edx, 12
        bts [FRAME(BITMAP)], edx
        lea r8, [rel .legacy]
        xor esi, esi
    GO 3
        jmp rax
        nop
.legacy:
        mov eax, .legacy2
        jmp rax                 ; suppressed: no ENDBR64 is asked for
.legacy2:
        nop
    DONE
    USER_CET
    IS "suppressed", rax, ENDBR | LEG_IW | SUPPRESS | BITMAP
    NEG CP_ENDBRANCH, "legacy bitmap, SUPPRESS_DIS: the next branch", CP, ENDBRANCH_
        CET_ON ENDBR | LEG_IW | SUPPRESS_DIS | BITMAP, 0
        REGS_CHANGE
        lea rax, [rel tracking.plain]
        mov edx, eax
        shr edx, 12
        bts [FRAME(BITMAP)], edx
        mov r8d, FREE64
        WANT_RIP r8
    GO 3
    AT
        jmp rax
    DONE
    ret
.marked:
    endbr64
    jmp r8
.marked32:
    endbr32
    bits 32
    jmp ebx
    bits 64
.plain:
    nop
    jmp r8
.plain_call:
    ret
.undefined:
    ud2
.int3:
    int3
    nop

tracking_kernel:
    NEG CP_ENDBRANCH, "syscall", CP, ENDBRANCH_
        CET_ON 0, ENDBR
        REGS_CHANGE
        MSR MSR_STAR, 0, (SEL_CODE32_3 << 16) | SEL_CODE64
        MSR MSR_LSTAR, tracking.plain, 0
        lea rax, [rel tracking.plain]
        WANT_RIP rax
    GO 3
    AT
        syscall
    DONE
    POS CP_ENDBRANCH, "syscall"
        CET_ON 0, ENDBR
        MSR MSR_STAR, 0, (SEL_CODE32_3 << 16) | SEL_CODE64
        MSR MSR_LSTAR, .marked, 0
    GO 3
        syscall
.marked:
        endbr64
    DONE
    NEG CP_ENDBRANCH, "an interrupt handler", CP, ENDBRANCH_
        CET_ON 0, ENDBR
        REGS_CHANGE
        MEMORY_CHANGES
        INT_TO tracking.plain
        lea rax, [rel tracking.plain]
        WANT_RIP rax
        WANT_RF -1
    GO 3
    AT
        int 0x41
    DONE
    NEG CP_ENDBRANCH, "a call gate's target", CP, ENDBRANCH_
        CET_ON 0, ENDBR
        REGS_CHANGE
        MEMORY_CHANGES
        CALL_GATE T0, SEL_CODE64, tracking.plain, D_CALL32 | 3 << 5, 0, 0
        POINTER 0, T0
        lea rax, [rel tracking.plain]
        WANT_RIP rax
    GO 3
    AT
        CALL64
    DONE
    NEG CP_ENDBRANCH, "ring 0", CP, ENDBRANCH_
        CET_ON 0, ENDBR
        REGS_CHANGE
        lea rax, [rel tracking.plain]
        WANT_RIP rax
    AT
        jmp rax
    DONE
    ret

registers:
    %macro NEG_MSR 4
    NEG GP_WRMSR, %1, GP, 0
        mov ecx, %2
        mov eax, %3
        mov edx, %4
    AT
        wrmsr
    DONE
    %endmacro
    NEG_MSR "U_CET: bit 6", MSR_U_CET, 0x40, 0
    NEG_MSR "S_CET: bit 9", MSR_S_CET, 0x200, 0
    NEG_MSR "U_CET: SUPPRESS and TRACKER", MSR_U_CET, 0xc00, 0
    NEG_MSR "U_CET: the bitmap's address", MSR_U_CET, 0, 0x1000000
    NEG_MSR "PL0_SSP: bit 0", MSR_PL0_SSP, 1, 0
    NEG_MSR "PL3_SSP: bit 1", MSR_PL3_SSP, 2, 0
    NEG_MSR "PL1_SSP: canonical", 0x6a5, 0, 0x1000000
    NEG_MSR "SSP table: canonical", MSR_SSP_TABLE, 0, 0x1000000
    NEG_MSR "6A1h", 0x6a1, 0, 0
    NEG_MSR "6A3h", 0x6a3, 0, 0
    NEG_MSR "XSS: bit 10", MSR_XSS, 0x400, 0
    POS GP_WRMSR, "CET's registers"
        MSR MSR_U_CET, 0x43f, 0x7fff
        MSR 0x6a5, 0x123c, 0xffffff
        MSR 0x6a6, 0x1234, 0
        MSR MSR_SSP_TABLE, 0x1235, 0
        mov ecx, 0x6a5
        rdmsr
        mov esi, eax
        mov edi, edx
        MSR MSR_U_CET, 0, 0
    DONE
    IS "PL1_SSP", qword [seen.rsi], 0x123c
    IS "its upper half", qword [seen.rdi], 0xffffff
    NEG GP_CR4_CET_WITHOUT_WP, "64-bit mode", GP, 0
        mov rax, cr0
        and eax, ~0x10000
        mov cr0, rax
        mov rax, cr4
        or eax, CR4_CET
    AT
        mov cr4, rax
    DONE
    POS GP_CR4_CET_WITHOUT_WP, "with WP"
        CR4_SET CR4_CET
    DONE
    NEG GP_CR0_WP_WITH_CET, "64-bit mode", GP, 0
        CR4_SET CR4_CET
        mov rax, cr0
        and eax, ~0x10000
    AT
        mov cr0, rax
    DONE
    POS GP_CR0_WP_WITH_CET, "other bits"
        CR4_SET CR4_CET
        mov rax, cr0
        xor eax, CR0_AM
        mov cr0, rax
        xor eax, CR0_AM
        mov cr0, rax
    DONE
    POS GP_CR4_RESERVED, "CPUID: shadow stacks and IBT"
        mov eax, 7
        xor ecx, ecx
        cpuid
        shr ecx, 7
        and ecx, 1
        shr edx, 20
        and edx, 1
    DONE
    IS "CET_SS", qword [seen.rcx], 1
    IS "CET_IBT", qword [seen.rdx], 1
    ret

; components 11 and 12 of XSAVES
AREA equ FREE64 + 0x1000
%macro AREA_ON 0
    CR4_SET OSXSAVE
    xor ecx, ecx
    xor edx, edx
    mov eax, 7
    xsetbv
    MSR MSR_XSS, 0x1800, 0
    mov edi, AREA
    mov ecx, 0x1000 / 8
    xor eax, eax
    rep stosq
%endmacro
%macro XSAVES_AREA 0
    mov eax, 0x1800
    xor edx, edx
    xsaves64 [AREA]
%endmacro
%macro XRSTORS_AREA 0
    mov eax, 0x1800
    xor edx, edx
    xrstors64 [AREA]
%endmacro
areas:
    POS GP_XRSTORS_CET, "saved, cleared, loaded"
        AREA_ON
        MSR MSR_U_CET, SHSTK, 0
        MSR MSR_PL3_SSP, SS_U, 0
        MSR MSR_PL0_SSP, SS_S, 0
        MSR 0x6a5, 0, 0
        MSR 0x6a6, 0, 0
        XSAVES_AREA
        MSR MSR_U_CET, 0, 0
        MSR MSR_PL3_SSP, 0, 0
        MSR MSR_PL0_SSP, 0, 0
        XRSTORS_AREA
        mov ecx, MSR_U_CET
        rdmsr
        mov esi, eax
        mov ecx, MSR_PL3_SSP
        rdmsr
        mov edi, eax
        mov ecx, MSR_PL0_SSP
        rdmsr
        mov r12d, eax
        mov qword [AREA + 512], 0
        XRSTORS_AREA
        mov ecx, MSR_PL3_SSP
        rdmsr
        mov r8d, eax
        mov eax, 0xd
        mov ecx, 1
        cpuid
        mov r9d, ecx
        mov eax, 0xd
        mov ecx, 11
        cpuid
        mov r10d, eax
        mov r11d, ecx
    DONE
    IS "U_CET", qword [seen.rsi], SHSTK
    IS "PL3_SSP", qword [seen.rdi], SS_U
    IS "PL0_SSP", qword [seen.r8 + 32], SS_S
    IS "initial", qword [seen.r8], 0
    IS "CPUID: XSS", qword [seen.r8 + 8], 0x1800
    IS "CPUID: bytes of component 11", qword [seen.r8 + 16], 16
    IS "CPUID: it is a supervisor's", qword [seen.r8 + 24], 1
    IS "in the area", qword [AREA + 576 + 8], SS_U
    NEG GP_XRSTORS_CET, "U_CET: bit 6", GP, 0
        AREA_ON
        MSR MSR_U_CET, SHSTK, 0
        XSAVES_AREA
        or byte [AREA + 576], 0x40
        mov eax, 0x1800
        xor edx, edx
    AT
        xrstors64 [AREA]
    DONE
    NEG GP_XRSTORS_CET, "PL2_SSP: bit 0", GP, 0
        AREA_ON
        MSR MSR_U_CET, SHSTK, 0
        MSR MSR_PL0_SSP, SS_S, 0
        XSAVES_AREA
        or byte [AREA + 576 + 32], 1
        mov eax, 0x1800
        xor edx, edx
    AT
        xrstors64 [AREA]
    DONE
    NEG GP_XRSTOR_LAYOUT, "xrstor does not load them", GP, 0
        AREA_ON
        MSR MSR_U_CET, SHSTK, 0
        XSAVES_AREA
        mov eax, 0x1800
        xor edx, edx
    AT
        xrstor64 [AREA]
    DONE
    MSR MSR_XSS, 0, 0
    ret

END_OF_CASES
