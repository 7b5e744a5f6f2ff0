; la57.asm: five-level paging: the fifth table, canonical addresses of 57 bits wherever they are looked at, CR4.LA57. SDM Vol. 1 3.3.7.1,
; Vol. 3A 2.5, 4.5.

%define LA57
%include "isa64.inc"

HIGH48 equ 0x800000000000       ; what these two add to an address changes nothing, after MAP_HIGH
HIGH57 equ 0xff00000000000000

%macro MAP_HIGH 0
    mov dword [PML4 + 256 * 8], PDPT_L | 7
    mov dword [PML5 + 256 * 8], PML4 | 7
    mov rax, cr3
    mov cr3, rax
%endmacro
%macro MSR 3
    mov ecx, %1
    mov eax, %2
    mov edx, %3
    wrmsr
%endmacro

cases:
    call canonical
    call transfers
    call bases
    call walks
    call control
    ret

%macro NEG_A 3+
    NEG GP_CANONICAL, %1, GP, 0
        mov rax, NONCANONICAL
        mov rsi, rax
        mov rdi, rax
    GO %2
    AT
        %3
    DONE
%endmacro
%macro NEG_S 2+
    NEG SS_CANONICAL, %1, SS_, 0
    GO 0
        mov rsp, NONCANONICAL + 0x100
        mov rbp, rsp
    AT
        %2
    DONE
%endmacro
%macro NEG_C 2+                 ; RAX is not canonical
    NEG GP_CODE_CANONICAL, %1, GP, 0
        mov rax, NONCANONICAL
    GO 3
    AT
        %2
    DONE
%endmacro

; FREE64's second page at the top of the lower half
map_top:
    mov dword [PML5 + 255 * 8], PML4 | 7
    mov dword [PML4 + 511 * 8], PDPT_L | 7
    mov dword [PDPT_L + 511 * 8], PD_L | 7
    mov dword [PD_L + 511 * 8], PT_L | 7
    mov dword [PT_L + 511 * 8], FREE64 + 0x1000 | 7
    mov rax, cr3
    mov cr3, rax
    ret

canonical:
    NEG_A "57 bits: read", 0, mov rcx, [rax]
    NEG_A "57 bits: write, ring 3", 3, mov [rax], cl
    NEG_A "57 bits: read-modify-write", 0, lock inc dword [rax]
    NEG_A "57 bits: last byte of an operand", 0, mov rcx, [rax - 7]
    NEG_A "57 bits: movs", 0, movsb
    NEG_A "57 bits: movups", 0, movups xmm0, [rax - 8]
    NEG_A "57 bits: fxsave", 0, fxsave [rax]
    NEG_A "57 bits: jmp through memory", 0, jmp [rax]
    NEG GP_CANONICAL, "57 bits: the lowest one above", GP, 0
        mov rax, 0xfeffffffffffffff
    AT
        mov cl, [rax]
    DONE
    NEG GP_CANONICAL, "57 bits: bit 63 alone", GP, 0
        mov rax, 0x8000000000000000
    AT
        mov cl, [rax]
    DONE
    NEG GP_CANONICAL, "57 bits: FS base plus offset", GP, 0
        MSR MSR_FS_BASE, 0, 0xffffff
        mov rax, 0x100000000
    AT
        mov rcx, [fs:rax]
    DONE
    POS GP_CANONICAL, "57 bits: the last byte of the lower half"
        call map_top
        mov rax, NONCANONICAL - 1
        mov cl, [rax]
        mov [rax], cl
    DONE
    POS GP_CANONICAL, "57 bits: what 48 bits do not reach"
        MAP_HIGH
        mov rax, HIGH48 + FREE64
        mov dword [rax], 0x12345678
        mov rax, HIGH57 + FREE64
        mov ebx, [rax]
        mov byte [rax + 3], 0x99
        mov esi, [FREE64]
    DONE
    IS "through the upper half", qword [seen.rbx], 0x12345678
    mov eax, 0x99345678
    IS "written there", qword [seen.rsi], rax
    NEG_S "57 bits: push", push rax
    NEG_S "57 bits: pop", pop rax
    NEG_S "57 bits: [rbp]", mov [rbp], rax
    NEG_S "57 bits: call", call canonical
    NEG_S "57 bits: ret", ret
    NEG_S "57 bits: iret", iretq
    NEG SS_CANONICAL, "57 bits: below the upper half, ring 3", SS_, 0
    GO 3
        mov rsp, HIGH57 + 4
    AT
        push rax
    DONE
    NEG SS_NEW_CANONICAL, "57 bits: RSP0", SS_, 0
        INT_GATE 0x41, SEL_CODE64, .on_rsp0, D_INT32 | 3 << 5, 0, 0
        mov rax, NONCANONICAL + 0x1000
        mov [TSS64 + 4], rax
    GO 3
    AT
        int 0x41
    DONE
    POS SS_CANONICAL, "57 bits: a stack that 48 bits do not reach"
        MAP_HIGH
        mov rcx, HIGH48
    GO 3
        add rsp, rcx
        push rax
        call .near
        pop rbx
        sub rsp, rcx
    DONE
    POS SS_NEW_CANONICAL, "57 bits: RSP0 that 48 bits do not reach"
        MAP_HIGH
        mov rax, HIGH57 + RSP0
        mov [TSS64 + 4], rax
        INT_GATE 0x41, SEL_CODE64, .on_rsp0, D_INT32 | 3 << 5, 0, 0
    GO 3
        int 0x41
        nop
    DONE
    mov rax, HIGH57 + RSP0 - 40
    IS "the handler's RSP", qword [seen.rbx], rax
    NEG_C "57 bits: jmp", jmp rax
    NEG_C "57 bits: call pushes nothing", call rax
    NEG GP_CODE_CANONICAL, "57 bits: ret", GP, 0
        mov rax, NONCANONICAL
        push rax
    AT
        ret
    DONE
    NEG GP_CODE_CANONICAL, "57 bits: running over the end of the lower half", GP, 0
        REGS_CHANGE
        WANT_RIP NONCANONICAL
        mov byte [FREE64 + 0x1fff], 0x90
        call map_top
        mov rax, NONCANONICAL - 1
    AT
        jmp rax
    DONE
    NEG GP_CODE_CANONICAL, "57 bits: an instruction across it", GP, 0
        REGS_CHANGE
        WANT_RIP NONCANONICAL - 2
        mov word [FREE64 + 0x1ffe], 0x00b8
        call map_top
        mov rax, NONCANONICAL - 2
    AT
        jmp rax
    DONE
    NEG GP_CODE_CANONICAL, "57 bits: a relative jump over it", GP, 0
        REGS_CHANGE
        WANT_RIP NONCANONICAL - 2
        mov word [FREE64 + 0x1ffe], 0x10eb
        call map_top
        mov rax, NONCANONICAL - 2
    AT
        jmp rax
    DONE
    POS GP_CODE_CANONICAL, "57 bits: the last bytes of the lower half"
        mov word [FREE64 + 0x1ffe], 0xe1ff
        call map_top
        lea rcx, [rel .top_back]
        mov rax, NONCANONICAL - 2
        jmp rax
.top_back:
    DONE
    POS GP_CODE_CANONICAL, "57 bits: code that 48 bits do not reach"
        MAP_HIGH
        lea rax, [rel .in_high48]
        mov rcx, HIGH48
        add rax, rcx
    GO 3
        jmp rax
.in_high48:
        lea rbx, [rel $]
        xor ecx, ecx
.loop:
        inc ecx
        cmp ecx, 10
        jb .loop
        call .near
        lea rsi, [rel .from_high48]
        mov esi, esi
        jmp rsi
.from_high48:
    DONE
    mov rax, HIGH48
    lea rcx, [rel .in_high48]
    add rax, rcx
    IS "RIP there", qword [seen.rbx], rax
    ret
.near:
    nop
    ret
.on_rsp0:
    mov rbx, rsp
    iretq
.never:
    ud2

transfers:
    NEG GP_SYSRET_CANONICAL, "57 bits: RCX", GP, 0
        MSR MSR_STAR, 0, (SEL_CODE32_3 << 16) | SEL_CODE64
        mov rcx, NONCANONICAL
    AT
        o64 sysret
    DONE
    POS GP_SYSRET_CANONICAL, "57 bits: RCX that 48 bits do not reach"
        MSR MSR_STAR, 0, (SEL_CODE32_3 << 16) | SEL_CODE64
        MAP_HIGH
        mov rcx, HIGH57
        lea rax, [rel .sysret]
        add rcx, rax
        mov r11d, 2
        o64 sysret
.sysret:
        lea rbx, [rel $]
    DONE
    mov rax, HIGH57
    lea rcx, [rel .sysret]
    add rax, rcx
    IS "sysret: RIP", qword [seen.rbx], rax
    NEG GP_SYSEXIT_CANONICAL, "57 bits: RDX", GP, 0
        MSR MSR_SYSENTER_CS, SEL_CODE64, 0
        mov rdx, NONCANONICAL
        xor ecx, ecx
    AT
        o64 sysexit
    DONE
    NEG GP_SYSEXIT_CANONICAL, "57 bits: RCX", GP, 0
        MSR MSR_SYSENTER_CS, SEL_CODE64, 0
        mov rcx, NONCANONICAL
        xor edx, edx
    AT
        o64 sysexit
    DONE
    POS GP_SYSEXIT_CANONICAL, "57 bits: RCX that 48 bits do not reach"
        MSR MSR_SYSENTER_CS, SEL_CODE0, 0
        mov rcx, HIGH48
        lea rdx, [rel .sysexit]
        o64 sysexit
.sysexit:
        mov rbx, rsp
    DONE
    mov rax, HIGH48
    IS "sysexit: RSP", qword [seen.rbx], rax
    NEG GP_TARGET_CANONICAL, "57 bits: iretq", GP, 0
        mov rax, NONCANONICAL
        mov rbx, rsp
        push qword SEL_DATA64
        push rbx
        push qword 2
        push qword SEL_CODE64
        push rax
    AT
        iretq
    DONE
    NEG GP_TARGET_CANONICAL, "57 bits: retf", GP, 0
        mov rax, NONCANONICAL
        push qword SEL_CODE64
        push rax
    AT
        retfq
    DONE
    POS GP_TARGET_CANONICAL, "57 bits: retf and iretq to where 48 bits do not reach"
        MAP_HIGH
        mov rax, HIGH48
        lea rbx, [rel .retf]
        add rax, rbx
        push qword SEL_CODE64
        push rax
        retfq
.retf:
        lea rsi, [rel $]
        mov rbx, rsp
        lea rax, [rel .iretq]
        mov eax, eax
        push qword SEL_DATA64
        push rbx
        push qword 2
        push qword SEL_CODE64
        push rax
        iretq
.iretq:
    DONE
    mov rax, HIGH48
    lea rcx, [rel .retf]
    add rax, rcx
    IS "retf: RIP", qword [seen.rsi], rax
    POS GP_WRMSR, "57 bits: syscall to where 48 bits do not reach"
        MAP_HIGH
        MSR MSR_STAR, 0, (SEL_CODE32_3 << 16) | SEL_CODE64
        MSR MSR_FMASK, 0, 0
        MSR MSR_LSTAR, .syscalled, 0xff000000
    GO 3
        syscall
.syscalled:
        lea rbx, [rel $]
        mov eax, .back
        jmp rax
.back:
    DONE
    mov rax, HIGH57
    lea rcx, [rel .syscalled]
    add rax, rcx
    IS "syscall: RIP", qword [seen.rbx], rax
    ret

; what holds an address takes all 57 bits
%macro NEG_MSR 2
    NEG GP_WRMSR, %1, GP, 0
        mov ecx, %2
        xor eax, eax
        mov edx, 0x1000000
    AT
        wrmsr
    DONE
%endmacro
bases:
    NEG_MSR "57 bits: LSTAR", MSR_LSTAR
    NEG_MSR "57 bits: CSTAR", 0xc0000083
    NEG_MSR "57 bits: KERNEL_GS_BASE", 0xc0000102
    NEG_MSR "57 bits: FS_BASE", MSR_FS_BASE
    NEG_MSR "57 bits: GS_BASE", MSR_GS_BASE
    NEG_MSR "57 bits: SYSENTER_EIP", 0x176
    NEG_MSR "57 bits: SYSENTER_ESP", 0x175
    POS GP_WRMSR, "57 bits: 0080000000000000h and FF00000000000000h"
        MSR MSR_LSTAR, 0, 0x800000
        MSR 0xc0000102, 0, 0xff000000
        MSR MSR_FS_BASE, 0, 0xff000000
        MSR 0x176, -1, 0xffffff
        MSR 0x176, 0, 0
        MSR 0xc0000102, 0, 0
    DONE
    NEG GP_BASE_CANONICAL, "57 bits: wrfsbase", GP, 0
        CR4_SET 0x10000
        mov rax, NONCANONICAL
    GO 3
    AT
        wrfsbase rax
    DONE
    POS GP_BASE_CANONICAL, "57 bits: wrfsbase, and an access"
        CR4_SET 0x10000
        MAP_HIGH
        mov rax, HIGH57
        wrfsbase rax
        mov ebx, [fs:FREE64]
    DONE
    IS "through FS", qword [seen.rbx], 0x5a5a5a5a
    NEG GP_TABLE_CANONICAL, "57 bits: lgdt", GP, 0
        mov word [FREE64], 0xff
        mov rax, NONCANONICAL
        mov [FREE64 + 2], rax
    AT
        lgdt [FREE64]
    DONE
    POS GP_TABLE_CANONICAL, "57 bits: a GDT and an IDT that 48 bits do not reach"
        MAP_HIGH
        sgdt [FREE64]
        sidt [FREE64 + 16]
        mov rax, HIGH48
        add [FREE64 + 2], rax
        add [FREE64 + 18], rax
        lgdt [FREE64]
        lidt [FREE64 + 16]
        mov eax, SEL_DATA64
        mov ds, eax
    GO 3
        mov eax, SEL_DATA64_3
        mov es, eax
    DONE
    NEG GP_LDT_CANONICAL, "57 bits", GP, T0
        SYS T0, 0, 0x1000000, 63, D_LDT, 0
        mov eax, T0
    AT
        lldt ax
    DONE
    POS GP_LDT_CANONICAL, "57 bits"
        SYS T0, 0, 0x800000, 63, D_LDT, 0
        mov eax, T0
        lldt ax
    DONE
    NEG GP_TR_CANONICAL, "57 bits", GP, T0
        SYS T0, TSS64, 0x1000000, 103, D_TSS32, 0
        mov eax, T0
    AT
        ltr ax
    DONE
    POS GP_TR_CANONICAL, "57 bits: and its stack is used"
        MAP_HIGH
        SYS T0, TSS64, 0x8000, 103, D_TSS32, 0
        mov eax, T0
        ltr ax
    GO 3
        nop
    DONE
    NEG GP_INVPCID_CANONICAL, "57 bits", GP, 0
        mov qword [FREE64], 0
        mov rax, NONCANONICAL
        mov [FREE64 + 8], rax
        xor eax, eax
    AT
        invpcid rax, [FREE64]
    DONE
    POS GP_INVPCID_CANONICAL, "57 bits: it drops the page"
        MAP_HIGH
        mov rbx, HIGH57 + V
        mov al, [rbx]
        mov qword [PT_L], FREE64 + 0x1000 | 7
        mov byte [FREE64 + 0x1000], 0x77
        mov qword [FREE64 + 16], 0
        mov [FREE64 + 24], rbx
        xor eax, eax
        invpcid rax, [FREE64 + 16]
        movzx ebx, byte [rbx]
        mov qword [PT_L], FREE64 | 7
    DONE
    IS "the new page", qword [seen.rbx], 0x77
    ret

walks:
    NEG PF_NOT_PRESENT, "the fifth table's entry", PF, 0
        mov rbx, 0x0001000000000000 + FREE64
        WANT_CR2 rbx
    AT
        mov eax, [rbx]
    DONE
    NEG PF_NOT_PRESENT, "the fifth table's entry: gone after CR3", PF, E_W
        MAP_HIGH
        mov rbx, HIGH57 + FREE64
        mov eax, [rbx]
        mov [rbx], eax
        mov qword [PML5 + 256 * 8], 0
        mov rax, cr3
        mov cr3, rax
        WANT_CR2 rbx
    AT
        mov [rbx], eax
    DONE
    NEG PF_NOT_PRESENT, "the fifth table's entry: gone after INVLPG", PF, 0
        MAP_HIGH
        mov rbx, HIGH57 + FREE64
        mov eax, [rbx]
        mov qword [PML5 + 256 * 8], 0
        invlpg [rbx]
        WANT_CR2 rbx
    AT
        mov eax, [rbx]
    DONE
    NEG PF_RESERVED, "bit 7 in the fifth table", PF, E_P | E_R
        MAP_HIGH
        or byte [PML5 + 256 * 8], 0x80
        mov rbx, HIGH57 + FREE64
        WANT_CR2 rbx
    AT
        mov eax, [rbx]
    DONE
    NEG PF_RESERVED, "bit 7 in the fourth table", PF, E_P | E_R | E_W
        MAP_HIGH
        or byte [PML4 + 256 * 8], 0x80
        mov rbx, HIGH48 + FREE64
        WANT_CR2 rbx
    AT
        mov [rbx], eax
    DONE
    NEG PF_RESERVED, "bit 40 in the fifth table, width 40", PF, E_P | E_R | E_U
        MAP_HIGH
        or byte [PML5 + 256 * 8 + 5], 1
        mov rbx, HIGH57 + FREE64
        WANT_CR2 rbx
    GO 3
    AT
        mov eax, [rbx]
    DONE
    NEG PF_USER, "the fifth table's entry", PF, E_P | E_U
        MAP_HIGH
        and byte [PML5 + 256 * 8], ~4
        mov rbx, HIGH57 + FREE64
        WANT_CR2 rbx
    GO 3
    AT
        mov eax, [rbx]
    DONE
    NEG PF_WRITE, "the fifth table's entry", PF, E_P | E_U | E_W
        MAP_HIGH
        and byte [PML5 + 256 * 8], ~2
        mov rbx, HIGH57 + FREE64
        WANT_CR2 rbx
    GO 3
    AT
        mov [rbx], eax
    DONE
    NEG PF_NX, "the fifth table's entry", PF, E_P | E_U | E_I
        MAP_HIGH
        or byte [PML5 + 256 * 8 + 7], 0x80
        lea rbx, [rel .at]
        mov rax, HIGH57
        add rbx, rax
        WANT_CR2 rbx
        WANT_RIP rbx
    GO 3
    AT
.at:
        jmp rbx
    DONE
    POS PF_RESERVED, "accessed and ignored bits of the fifth table"
        MAP_HIGH
        or word [PML5 + 256 * 8], 0xf00
        mov rbx, HIGH57 + FREE64
        mov eax, [rbx]
        mov ecx, [PML5 + 256 * 8]
    DONE
    IS "the entry", qword [seen.rcx], PML4 | 0xf27
    POS PF_NOT_PRESENT, "five levels"
        MAP_HIGH
        mov rbx, HIGH57 + V
        mov eax, [rbx]
    DONE
    IS "what is there", qword [seen.rax], 0x5a5a5a5a
    ret

control:
    NEG GP_CR4_LA57_IN_LONG, "cleared in 64-bit mode", GP, 0
        mov rax, cr4
        and eax, ~CR4_LA57
    AT
        mov cr4, rax
    DONE
    NEG GP_CR4_LA57_IN_LONG, "cleared in compatibility mode", GP, 0
    GO_32 0
        mov eax, cr4
        and eax, ~CR4_LA57
    AT32
        mov cr4, eax
    DONE32
    POS GP_CR4_LA57_IN_LONG, "other bits"
        mov rax, cr4
        xor eax, 4
        mov cr4, rax
        xor eax, 4
        mov cr4, rax
    DONE
    POS GP_CR4_LA57_IN_LONG, "outside long mode: to four levels and back"
        MAP_HIGH
    GO_32 0
        mov eax, cr0
        and eax, ~CR0_PG
        mov cr0, eax
        mov ecx, cr4
        and ecx, ~CR4_LA57
        mov cr4, ecx
        mov edx, PML4
        mov cr3, edx
        or eax, CR0_PG
        mov cr0, eax
        mov ebx, [FREE64]
        and eax, ~CR0_PG
        mov cr0, eax
        or ecx, CR4_LA57
        mov cr4, ecx
        mov edx, PML5
        mov cr3, edx
        or eax, CR0_PG
        mov cr0, eax
    DONE32
    IS "four levels", qword [seen.rbx], 0x5a5a5a5a
    POS GP_CR4_RESERVED, "CPUID: 57 bits"
        mov eax, 0x80000008
        cpuid
        movzx esi, ah
        mov eax, 7
        xor ecx, ecx
        cpuid
        bt ecx, 16
        sbb edi, edi
    DONE
    IS "bits of an address", qword [seen.rsi], 57
    mov eax, -1
    IS "CPUID has LA57", qword [seen.rdi], rax
    ret

END_OF_CASES
