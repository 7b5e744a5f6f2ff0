; long.asm: 64-bit mode: canonical addresses, alignment, system registers and tables, fast system calls. SDM Vol. 1 3.3.7.1, Vol. 2 by
; instruction, Vol. 3A.

%include "isa64.inc"

%macro NEG_A 3+                 ; what, vector macro's name, instruction; RAX is not canonical
    NEG GP_CANONICAL, %1, GP, 0
        mov rax, NONCANONICAL
        mov rsi, rax
        mov rdi, rax
    GO %2
    AT
        %3
    DONE
%endmacro
%macro NEG_S 2+                 ; RSP and RBP are not canonical: the handler has its own stack
    NEG SS_CANONICAL, %1, SS_, 0
    GO 0
        mov rsp, NONCANONICAL + 0x100
        mov rbp, rsp
    AT
        %2
    DONE
%endmacro

cases:
    call canonical
    call near_pages
    call alignment
    call registers
    call bases
    call tables
    call opcodes
    call arithmetic
    call fast_calls
    ret

canonical:
    NEG_A "read", 0, mov rcx, [rax]
    NEG_A "write", 0, mov [rax], cl
    NEG_A "ring 3", 3, mov rcx, [rax]
    NEG_A "read-modify-write", 0, inc dword [rax]
    NEG_A "locked", 0, lock xadd [rax], ecx
    NEG_A "last byte of an operand", 0, mov rcx, [rax - 7]
    NEG_A "one byte of a word", 0, mov [rax - 1], cx
    NEG_A "movs, source", 0, movsb
    NEG_A "stos", 0, stosq
    NEG_A "scas", 0, scasb
    NEG_A "cmpxchg16b, after its alignment", 0, cmpxchg16b [rax]
    NEG_A "movups", 0, movups xmm0, [rax - 8]
    NEG_A "fxsave", 0, fxsave [rax]
    NEG_A "fld tword", 0, fld tword [rax - 4]
    NEG_A "jmp through memory", 0, jmp [rax]
    NEG_A "call through memory", 0, call [rax]
    NEG_A "push memory", 0, push qword [rax]
    NEG_A "lgdt's operand", 0, lgdt [rax]
    NEG_A "fxrstor", 0, fxrstor [rax]
    NEG GP_CANONICAL, "the lowest one above", GP, 0
        mov rax, 0xffff7fffffffffff
    AT
        mov cl, [rax]
    DONE
    NEG GP_CANONICAL, "a word into the upper half", GP, 0
        mov rax, 0xffff7fffffffffff
    AT
        mov cx, [rax]
    DONE
    NEG GP_CANONICAL, "FS and RBP: no stack reference", GP, 0
        mov rbp, NONCANONICAL
    AT
        mov rcx, [fs:rbp]
    DONE
    NEG GP_CANONICAL, "FS base plus offset", GP, 0
        mov ecx, MSR_FS_BASE
        xor eax, eax
        mov edx, 0x7fff
        wrmsr
        mov rax, 0x100000000
    AT
        mov rcx, [fs:rax]
    DONE
    NEG GP_CANONICAL, "xlat", GP, 0
        mov rbx, NONCANONICAL
    AT
        xlatb
    DONE
    NEG GP_CANONICAL, "rep movs in the middle", GP, 0
        REGS_CHANGE
        call map_top
        mov rsi, 0x7ffffffffffe
        mov edi, FREE64
        mov ecx, 10
        MEMORY_CHANGES
    AT
        rep movsb
    DONE
    IS "rep movs: RCX", qword [seen.rcx], 8
    POS GP_CANONICAL, "the last byte of the lower half"
        call map_top
        mov rax, 0x7fffffffffff
        mov cl, [rax]
    DONE
    POS GP_CANONICAL, "lea, prefetch, nop look at nothing"
        mov rax, NONCANONICAL
        lea rcx, [rax]
        prefetcht0 [rax]
        nop qword [rax]
        invlpg [rax]
    DONE
    POS GP_CANONICAL, "32-bit addresses are cut"
        mov rax, 0x800000000000 + FREE64
        mov cl, [eax]
    DONE
    NEG_S "push", push rax
    NEG_S "pop", pop rax
    NEG_S "[rsp]", mov rax, [rsp]
    NEG_S "[rbp]", mov [rbp], rax
    NEG_S "[rbp + rax * 1]", inc byte [rbp + 8]
    NEG_S "call", call canonical
    NEG_S "ret", ret
    NEG_S "retf", retfq
    NEG_S "iret", iretq
    NEG_S "pushf", pushfq
    NEG_S "popf", popfq
    NEG_S "leave", leave
    NEG_S "enter", enter 0, 0
    NEG_S "push memory", push qword [FREE64]
    NEG_S "a DS prefix changes nothing", {db 0x3e, 0x48, 0x8b, 0x45, 0}
    NEG SS_CANONICAL, "ring 3", SS_, 0
    GO 3
        mov rsp, NONCANONICAL + 8
    AT
        push rax
    DONE
    NEG SS_CANONICAL, "below the upper half", SS_, 0
    GO 0
        mov rsp, 0xffff800000000004
    AT
        push rax
    DONE
    POS SS_CANONICAL, "canonical"
    GO 3
        push rax
        pop rax
    DONE
    ; instructions
    NEG GP_CODE_CANONICAL, "jmp", GP, 0
        mov rax, NONCANONICAL
    AT
        jmp rax
    DONE
    NEG GP_CODE_CANONICAL, "call pushes nothing", GP, 0
        mov rax, NONCANONICAL
    GO 3
    AT
        call rax
    DONE
    NEG GP_CODE_CANONICAL, "ret", GP, 0
        mov rax, NONCANONICAL
        push rax
    AT
        ret
    DONE
    NEG GP_CODE_CANONICAL, "running over the end of the lower half", GP, 0
        REGS_CHANGE
        WANT_RIP NONCANONICAL
        mov byte [FREE64 + 0x1fff], 0x90
        call map_top
        mov rax, 0x7fffffffffff
    AT
        jmp rax
    DONE
    NEG GP_CODE_CANONICAL, "an instruction across it", GP, 0
        REGS_CHANGE
        WANT_RIP 0x7ffffffffffe
        mov word [FREE64 + 0x1ffe], 0x00b8
        call map_top
        mov rax, 0x7ffffffffffe
    AT
        jmp rax
    DONE
    POS GP_CODE_CANONICAL, "the last bytes of the lower half"
        mov word [FREE64 + 0x1ffe], 0xe0ff
        call map_top
        mov rcx, 0x7ffffffffffe
        lea rax, [rel .top_back]
        jmp rcx
.top_back:
    DONE
    ; a TLB may look at the entry of a table's page, here an empty one, before it knows the element
    NEG PF_NOT_PRESENT, "an element 4 GiB from its table", PF, 0
        mov rbx, 0x5a5000
        mov ecx, (0x1005a4000 - 0x5a5000) / 8
        WANT_CR2 0x1005a4000
    AT
        mov rdx, [rbx + rcx * 8]
    DONE
    NEG PF_NOT_PRESENT, "an element 4 GiB from its table: written", PF, E_W
        mov rbx, 0x5a5000
        mov ecx, (0x1005a4010 - 0x5a5000) / 8
        WANT_CR2 0x1005a4010
    AT
        mov [rbx + rcx * 8], rdx
    DONE
    ret

; FREE64's second page at 7FFFFFFFF000h
map_top:
    mov dword [PML4 + 255 * 8], PDPT_L | 7
    mov dword [PDPT_L + 511 * 8], PD_L | 7
    mov dword [PD_L + 511 * 8], PT_L | 7
    mov dword [PT_L + 511 * 8], FREE64 + 0x1000 | 7
    mov rax, cr3
    mov cr3, rax
    ret

; ---- what a RIP-relative read reads when its page moves
CR4_PGE equ 0x80
PTE_GLOBAL equ 0x100

near_read:
    mov eax, [rel start + V - IMAGE]
    ret
%macro NEAR_IS 2                ; frame, flags
    mov dword [PT_L], FREE64 + 0x1000 * (%1) + (%2)
%endmacro
%macro NEW_CR3 0
    mov rax, cr3
    mov cr3, rax
%endmacro

near_pages:
    POS PF_NOT_PRESENT, "a rip-relative read follows its page"
        mov dword [FREE64], 0x11
        mov dword [FREE64 + 0x1000], 0x22
        PTE 0, 7
        mov ecx, 4
.warm:
        call near_read
        loop .warm
        NEAR_IS 1, 7
        invlpg [V]
        call near_read
        mov ebx, eax
        NEAR_IS 0, 7
        NEW_CR3
        call near_read
        mov ecx, eax
        CR4_SET CR4_PGE
        NEAR_IS 1, 7 | PTE_GLOBAL
        invlpg [V]
        call near_read
        NEAR_IS 0, 7 | PTE_GLOBAL
        NEW_CR3
        call near_read
        mov edx, eax            ; still the global page
        mov rax, cr4
        and eax, ~CR4_PGE
        mov cr4, rax
        call near_read
        mov esi, eax
    DONE
    IS "after INVLPG", qword [seen.rbx], 0x22
    IS "after a load of CR3", qword [seen.rcx], 0x11
    IS "global, after a load of CR3", qword [seen.rdx], 0x22
    IS "after CR4.PGE", qword [seen.rsi], 0x11
    NEG PF_NOT_PRESENT, "a rip-relative read whose page has gone", PF, 0
        PTE 0, 7
        mov eax, [rel start + V - IMAGE]
        mov qword [PT_L], 0
        invlpg [V]
        WANT_CR2 V
    AT
        mov eax, [rel start + V - IMAGE]
    DONE
    ret

; ---- #AC and the alignments that are always checked
%macro AC_ON 0
    mov rax, cr0
    or eax, CR0_AM
    mov cr0, rax
    mov qword [ring_flags_at], FL_AC
%endmacro
%macro NEG_AC 2+
    NEG AC_UNALIGNED, %1, AC, 0
        AC_ON
        mov ebx, FREE64
    GO 3
    AT
        %2
    DONE
%endmacro
%macro POS_AC 2+
    POS AC_UNALIGNED, %1
        AC_ON
        mov ebx, FREE64
    GO 3
        %2
    DONE
%endmacro
alignment:
    NEG_AC "qword", mov rax, [rbx + 4]
    NEG_AC "qword, write", mov [rbx + 1], rax
    NEG_AC "dword", mov eax, [rbx + 2]
    NEG_AC "RIP-relative", mov eax, [rel case_mxcsr + 1]
    NEG_AC "xadd", lock xadd [rbx + 4], rax
    POS_AC "qword", mov rax, [rbx + 8]
    POS_AC "byte", mov al, [rbx + 1]
    NEG AC_UNALIGNED, "push", AC, 0
        AC_ON
    GO 3
        sub rsp, 4
    AT
        push rax
    DONE
    NEG AC_UNALIGNED, "call", AC, 0
        AC_ON
    GO 3
        sub rsp, 4
    AT
        call alignment
    DONE
    NEG AC_UNALIGNED, "compatibility mode", AC, 0
        AC_ON
    GO_32 3
    AT32
        mov eax, [FREE64 + 1]
    DONE32
    POS AC_UNALIGNED, "ring 0"
        AC_ON
        pushfq
        or dword [rsp], FL_AC
        popfq
        mov rax, [FREE64 + 1]
    DONE
    NEG GP_CMPXCHG16B_UNALIGNED, "at 8", GP, 0
    AT
        cmpxchg16b [FREE64 + 8]
    DONE
    NEG GP_CMPXCHG16B_UNALIGNED, "locked, ring 3", GP, 0
    GO 3
    AT
        lock cmpxchg16b [FREE64 + 1]
    DONE
    NEG GP_CMPXCHG16B_UNALIGNED, "FS base counts", GP, 0
        mov ecx, MSR_FS_BASE
        mov eax, 8
        xor edx, edx
        wrmsr
    AT
        cmpxchg16b [fs:FREE64]
    DONE
    POS GP_CMPXCHG16B_UNALIGNED, "at 16"
        lock cmpxchg16b [FREE64 + 16]
    DONE
    NEG GP_SSE_UNALIGNED, "movaps, xmm8", GP, 0
    AT
        movaps xmm8, [FREE64 + 8]
    DONE
    POS GP_SSE_UNALIGNED, "aligned"
        movaps xmm8, [FREE64 + 16]
    DONE
    ret

; ---- control and debug registers
%macro NEG_CR 4+                ; rule, what, RAX, instruction
    NEG %1, %2, GP, 0
        mov rax, %3
    AT
        %4
    DONE
%endmacro
registers:
    NEG_CR GP_CR0_RESERVED, "bit 32", 0x180010033, mov cr0, rax
    NEG_CR GP_CR0_RESERVED, "bit 63", 0x8000000080010033, mov cr0, rax
    POS GP_CR0_RESERVED, "clear"
        mov rax, cr0
        mov cr0, rax
    DONE
    NEG_CR GP_CR0_PG_IN_64, "PG := 0", 0x10033, mov cr0, rax
    NEG_CR GP_CR0_PG_WITHOUT_PE, "PE := 0", 0x80010032, mov cr0, rax
    POS GP_CR0_PG_IN_64, "in compatibility mode"
    GO_32 0
        mov eax, cr0
        and eax, ~CR0_PG
        mov cr0, eax
        or eax, CR0_PG
        mov cr0, eax
    DONE32
    POS GP_CR0_PG_WITHOUT_PE, "PE stays"
        mov rax, cr0
        xor eax, CR0_WP
        mov cr0, rax
    DONE
    NEG GP_CR0_PG_WITH_PCIDE, "compatibility mode", GP, 0
        CR4_SET CR4_PCIDE
    GO_32 0
        mov eax, cr0
        and eax, ~CR0_PG
    AT32
        mov cr0, eax
    DONE32
    POS GP_CR0_PG_WITH_PCIDE, "other bits"
        CR4_SET CR4_PCIDE
    GO_32 0
        mov eax, cr0
        xor eax, CR0_WP
        mov cr0, eax
    DONE32
    NEG_CR GP_CR3_RESERVED, "bit 40, width 40", 0x10000050000, mov cr3, rax
    NEG_CR GP_CR3_RESERVED, "bit 51", 0x8000000050000, mov cr3, rax
    NEG_CR GP_CR3_RESERVED, "bit 63 without PCIDE", 0x8000000000050000, mov cr3, rax
    POS GP_CR3_RESERVED, "the low bits are ignored"
        mov rax, PML4 | 0xfff
        mov cr3, rax
    DONE
    POS GP_CR3_RESERVED, "bit 63 with PCIDE"
        CR4_SET CR4_PCIDE
        mov rax, 0x8000000000000000 | PML4
        mov cr3, rax
        mov rcx, cr3
    DONE
    IS "bit 63 is not kept", qword [seen.rcx], PML4
    NEG GP_CR4_PAE_IN_LONG, "64-bit mode", GP, 0
        mov rax, cr4
        and eax, ~CR4_PAE
    AT
        mov cr4, rax
    DONE
    NEG GP_CR4_PAE_IN_LONG, "compatibility mode", GP, 0
    GO_32 0
        mov eax, cr4
        and eax, ~CR4_PAE
    AT32
        mov cr4, eax
    DONE32
    POS GP_CR4_PAE_IN_LONG, "set"
        mov rax, cr4
        mov cr4, rax
    DONE
    NEG GP_CR4_RESERVED, "bit 32", GP, 0
        mov rax, cr4
        bts rax, 32
    AT
        mov cr4, rax
    DONE
    NEG GP_CR4_PCIDE_CR3, "CR3 bit 3", GP, 0
        mov rax, PML4 | 8
        mov cr3, rax
        mov rax, cr4
        or eax, CR4_PCIDE
    AT
        mov cr4, rax
    DONE
    POS GP_CR4_PCIDE_CR3, "clear"
        CR4_SET CR4_PCIDE
        mov rax, PML4 | 8
        mov cr3, rax
        mov rax, PML4
        mov cr3, rax
    DONE
    POS GP_CR4_PCIDE_NOT_LONG, "in long mode"
        CR4_SET CR4_PCIDE
    DONE
    NEG_CR GP_CR8_RESERVED, "16", 0x10, mov cr8, rax
    NEG_CR GP_CR8_RESERVED, "bit 63", 0x8000000000000000, mov cr8, rax
    POS GP_CR8_RESERVED, "15"
        mov eax, 15
        mov cr8, rax
        mov rcx, cr8
        xor eax, eax
        mov cr8, rax
    DONE
    IS "cr8", qword [seen.rcx], 15
    NEG UD_CONTROL_REGISTER, "cr9", UD, 0
    AT
        db 0x44, 0x0f, 0x20, 0xc8
    DONE
    NEG UD_CONTROL_REGISTER, "cr15", UD, 0
    AT
        db 0x44, 0x0f, 0x22, 0xf8
    DONE
    NEG UD_DEBUG_REGISTER, "dr8", UD, 0
    AT
        db 0x44, 0x0f, 0x21, 0xc0
    DONE
    NEG UD_DEBUG_REGISTER, "dr15", UD, 0
    AT
        db 0x44, 0x0f, 0x23, 0xf8
    DONE
    POS UD_DEBUG_REGISTER, "dr0, with REX.B"
        mov r8, dr0
    DONE
    NEG_CR GP_DR_UPPER, "dr6", 0x1ffff0ff0, mov dr6, rax
    NEG_CR GP_DR_UPPER, "dr7", 0x8000000000000400, mov dr7, rax
    POS GP_DR_UPPER, "dr0 takes all, canonical or not"
        mov rax, NONCANONICAL
        mov dr0, rax
        mov rcx, dr0
        mov eax, 0x400
        mov dr7, rax
    DONE
    mov rax, NONCANONICAL
    IS "dr0", qword [seen.rcx], rax
    NEG GP_PRIVILEGED, "swapgs, ring 3", GP, 0
    GO 3
    AT
        swapgs
    DONE
    NEG GP_PRIVILEGED, "mov cr8, ring 3", GP, 0
    GO 3
    AT
        mov cr8, rax
    DONE
    POS GP_PRIVILEGED, "swapgs"
        swapgs
        swapgs
    DONE
    NEG GP_IO_BITMAP, "ring 3", GP, 0
    GO 3
    AT
        in al, 0x80
    DONE
    POS GP_IO_BITMAP, "ring 3, IOPL 3"
        mov qword [ring_flags_at], 0x3000
    GO 3
        in al, 0x80
    DONE
    NEG GP_WRMSR, "EFER.LME while paging", GP, 0
        mov ecx, MSR_EFER
        rdmsr
        and eax, ~EFER_LME
    AT
        wrmsr
    DONE
    NEG GP_WRMSR, "FS base", GP, 0
        mov ecx, MSR_FS_BASE
        xor eax, eax
        mov edx, 0x8000
    AT
        wrmsr
    DONE
    POS GP_WRMSR, "EFER.LMA cannot be written, and does not matter"
        mov ecx, MSR_EFER
        rdmsr
        and eax, ~EFER_LMA
        wrmsr
        rdmsr
    DONE
    mov rax, [seen.rax]
    and eax, EFER_LMA
    IS "EFER.LMA", rax, EFER_LMA
    NEG GP_INVPCID_CANONICAL, "type 0", GP, 0
        mov qword [FREE64], 0
        mov rax, NONCANONICAL
        mov [FREE64 + 8], rax
        xor eax, eax
    AT
        invpcid rax, [FREE64]
    DONE
    NEG GP_INVPCID_TYPE, "2^32", GP, 0
        mov qword [FREE64], 0
        mov qword [FREE64 + 8], 0
        mov rax, 0x100000000
    AT
        invpcid rax, [FREE64]
    DONE
    POS GP_INVPCID_NO_PCIDE, "with PCIDE"
        CR4_SET CR4_PCIDE
        mov qword [FREE64], 5
        mov qword [FREE64 + 8], 0
        mov eax, 1
        invpcid rax, [FREE64]
    DONE
    ret

; ---- FS and GS bases
bases:
    %macro NO_BASE 2+
    NEG UD_FSGSBASE, %1, UD, 0
    GO 3
    AT
        %2
    DONE
    %endmacro
    NO_BASE "rdfsbase", rdfsbase rax
    NO_BASE "rdgsbase", rdgsbase eax
    NO_BASE "wrfsbase", wrfsbase rax
    NO_BASE "wrgsbase: before the value", wrgsbase rax
    POS UD_FSGSBASE, "with CR4.FSGSBASE, ring 3"
        CR4_SET 0x10000
    GO 3
        mov rax, 0x123456789000
        shr rax, 4
        wrfsbase rax
        rdfsbase rcx
        wrgsbase eax
        rdgsbase rdx
        xor eax, eax
        wrfsbase rax
    DONE
    mov rax, 0x12345678900
    IS "fs base", qword [seen.rcx], rax
    mov eax, 0x45678900
    IS "gs base, 32 bits", qword [seen.rdx], rax
    NEG GP_BASE_CANONICAL, "wrfsbase", GP, 0
        CR4_SET 0x10000
        mov rax, NONCANONICAL
    GO 3
    AT
        wrfsbase rax
    DONE
    NEG GP_BASE_CANONICAL, "wrgsbase", GP, 0
        CR4_SET 0x10000
        mov rax, 0xffff7fffffffffff
    AT
        wrgsbase rax
    DONE
    POS GP_BASE_CANONICAL, "upper half"
        CR4_SET 0x10000
        mov rax, 0xffff800000000000
        wrgsbase rax
        mov eax, -1
        wrgsbase eax
    DONE
    NEG UD_OPCODE, "rdfsbase in compatibility mode", UD, 0
        CR4_SET 0x10000
    GO_32 3
    AT32
        db 0xf3, 0x0f, 0xae, 0xc0
    DONE32
    ret

; ---- LGDT, LIDT, LLDT, LTR
tables:
    NEG GP_TABLE_CANONICAL, "lgdt", GP, 0
        mov word [FREE64], 0xff
        mov rax, NONCANONICAL
        mov [FREE64 + 2], rax
    AT
        lgdt [FREE64]
    DONE
    NEG GP_TABLE_CANONICAL, "lidt", GP, 0
        mov word [FREE64], 0xff
        mov rax, 0xffff000000000000
        mov [FREE64 + 2], rax
    AT
        lidt [FREE64]
    DONE
    POS GP_TABLE_CANONICAL, "upper half"
        mov word [FREE64], 0xff
        mov rax, 0xffff800000000000
        mov [FREE64 + 2], rax
        sgdt [FREE64 + 16]
        lgdt [FREE64]
        lgdt [FREE64 + 16]
    DONE
    NEG GP_LDT_UPPER, "type bits in the upper half", GP, T0
        SYS T0, LDT_AT, 0, 63, D_LDT, 0x100
        mov eax, T0
    AT
        lldt ax
    DONE
    NEG GP_LDT_UPPER, "upper half beyond the GDT", GP, BEYOND - 8
        SEG BEYOND - 8, LDT_AT, 63, D_LDT, 0
        mov eax, BEYOND - 8
    AT
        lldt ax
    DONE
    NEG GP_LDT_CANONICAL, "base", GP, T0
        SYS T0, 0, 0x8000, 63, D_LDT, 0
        mov eax, T0
    AT
        lldt ax
    DONE
    POS GP_LDT_UPPER, "bits outside the type are ignored"
        SYS T0, LDT_AT, 0, 63, D_LDT, 0xffffe0ff
        mov eax, T0
        lldt ax
    DONE
    POS GP_LDT_CANONICAL, "upper half of the address space"
        SYS T0, 0, 0xffff8000, 63, D_LDT, 0
        mov eax, T0
        lldt ax
    DONE
    NEG GP_LDT_TYPE, "data", GP, SEL_DATA64
        mov eax, SEL_DATA64
    AT
        lldt ax
    DONE
    NEG NP_LDT, "before the upper half", NP, T0
        SYS T0, LDT_AT, 0, 63, D_LDT & 0x7f, 0x100
        mov eax, T0
    AT
        lldt ax
    DONE
    NEG GP_TR_UPPER, "type bits in the upper half", GP, T0
        SYS T0, TSS64, 0, 103, D_TSS32, 0x1f00
        mov eax, T0
    AT
        ltr ax
    DONE
    NEG GP_TR_UPPER, "upper half beyond the GDT", GP, BEYOND - 8
        SEG BEYOND - 8, TSS64, 103, D_TSS32, 0
        mov eax, BEYOND - 8
    AT
        ltr ax
    DONE
    NEG GP_TR_CANONICAL, "base", GP, T0
        SYS T0, TSS64, 0x8000, 103, D_TSS32, 0
        mov eax, T0
    AT
        ltr ax
    DONE
    NEG GP_TR_TYPE, "a 16-bit TSS", GP, T0
        SYS T0, TSS64, 0, 103, D_TSS16, 0
        mov eax, T0
    AT
        ltr ax
    DONE
    NEG GP_TR_TYPE, "busy", GP, SEL_TSS64
        mov eax, SEL_TSS64
    AT
        ltr ax
    DONE
    POS GP_TR_UPPER, "a 64-bit TSS"
        SYS T0, TSS64, 0, 103, D_TSS32, 0
        mov eax, T0
        ltr ax
    DONE
    POS GP_TR_CANONICAL, "base in the upper half"
        SYS T0, 0, 0xffff8000, 103, D_TSS32, 0
        mov eax, T0
        ltr ax
        mov eax, SEL_TSS64
        and byte [GDT_ENTRY(SEL_TSS64) + 5], ~D_BUSY
        ltr ax
    DONE
    POS GP_SS_NULL, "ring 0 of 64-bit mode"
        xor eax, eax
        mov ss, eax
        nop
    DONE
    NEG GP_SS_NULL, "ring 0, RPL 3", GP, 0
        mov eax, 3
    AT
        mov ss, eax
    DONE
    NEG GP_SS_NULL, "ring 3", GP, 0
        mov eax, 3
    GO 3
    AT
        mov ss, eax
    DONE
    NEG GP_SS_NULL, "compatibility mode, ring 0", GP, 0
        xor eax, eax
    GO_32 0
    AT32
        mov ss, eax
    DONE32
    POS GP_DATA_NULL, "64-bit mode does not look at ES and DS"
        xor eax, eax
        mov ds, eax
        mov es, eax
        mov al, [FREE64]
        mov edi, FREE64
        stosb
    DONE
    NEG GP_DATA_NULL, "compatibility mode does", GP, 0
    GO_32 3
        push dword 0
        pop es
    AT32
        mov al, [es:FREE64]
    DONE32
    POS GP_DATA_LIMIT, "64-bit mode has no limits"
        SEG T0, 0, 0, D_DATA, G_32
        mov eax, T0
        mov ds, eax
        mov gs, eax
        mov rax, [FREE64]
        mov rax, [gs:FREE64]
    DONE
    POS GP_DATA_NOT_WRITABLE, "nor types"
        SEG T0, 0, 0xfffff, D_DATARO, G_32 | G_PAGES
        mov eax, T0
        mov ds, eax
        mov [FREE64], al
        db 0x2e, 0x88, 0x04, 0x25 ; mov [cs:FREE64], al
        dd FREE64
    DONE
    ret

; ---- what 64-bit mode does not know
%macro NEG_UD 3+
    NEG %1, %2, UD, 0
    AT
        db %3
    DONE
%endmacro
opcodes:
    NEG_UD UD_OPCODE, "06: push es", 0x06
    NEG_UD UD_OPCODE, "07: pop es", 0x07
    NEG_UD UD_OPCODE, "0E: push cs", 0x0e
    NEG_UD UD_OPCODE, "1F: pop ds", 0x1f
    NEG_UD UD_OPCODE, "27: daa", 0x27
    NEG_UD UD_OPCODE, "37: aaa", 0x37
    NEG_UD UD_OPCODE, "60: pusha", 0x60
    NEG_UD UD_OPCODE, "61: popa", 0x61
    NEG_UD UD_OPCODE, "82", 0x82, 0xc0, 1
    NEG_UD UD_OPCODE, "9A: call far", 0x9a, 0, 0, 0, 0, 8, 0
    NEG_UD UD_OPCODE, "EA: jmp far", 0xea, 0, 0, 0, 0, 8, 0
    NEG_UD UD_OPCODE, "CE: into", 0xce
    NEG_UD UD_OPCODE, "D4: aam", 0xd4, 10
    NEG_UD UD_OPCODE, "D6: salc", 0xd6
    NEG_UD UD_REGISTER_FORM, "0F 01 FF", 0x0f, 0x01, 0xff
    POS UD_OPCODE, "63: movsxd; 40: REX"
        db 0x48, 0x63, 0xc1, 0x40, 0x90
    DONE
    POS UD_OPCODE, "compatibility mode knows them"
    GO_32 3
        pushad
        popad
        push es
        pop es
        daa
        aam
    DONE32
    NEG_UD UD_LOCK, "with REX", 0xf0, 0x48, 0x89, 0x03
    POS UD_LOCK, "cmpxchg16b"
        lock cmpxchg16b [FREE64]
    DONE
    NEG_UD UD_REGISTER_FORM, "cmpxchg16b", 0x48, 0x0f, 0xc7, 0xc8
    NEG_UD UD_UD, "ud2", 0x0f, 0x0b
    NEG_UD UD_VEX_PREFIX, "REX", 0x48, 0xc5, 0xf0, 0x58, 0xc2
    NEG GP_LENGTH, "15 prefixes", GP, 0
    AT
        times 15 db 0x66
        nop
    DONE
    NEG GP_LENGTH, "REX, address, immediate: 16", GP, 0
    AT
        db 0x3e, 0x3e, 0x3e, 0x3e, 0x48, 0x81, 0x04, 0x25
        dd FREE64, 1
    DONE
    POS GP_LENGTH, "15"
        db 0x3e, 0x3e, 0x3e, 0x48, 0x81, 0x04, 0x25
        dd FREE64, 1
    DONE
    ret

arithmetic:
    NEG DE_ZERO, "div qword", DE, 0
        xor ecx, ecx
    AT
        div rcx
    DONE
    NEG DE_OVERFLOW, "div qword", DE, 0
        mov ecx, 5
        mov edx, 5
    AT
        div rcx
    DONE
    NEG DE_OVERFLOW, "idiv qword: least / -1", DE, 0
        mov rax, 0x8000000000000000
        mov rdx, -1
        mov rcx, -1
    AT
        idiv rcx
    DONE
    NEG DE_OVERFLOW, "idiv qword: 2^127 / -1", DE, 0
        xor eax, eax
        mov rdx, 0x8000000000000000
        mov rcx, -1
    AT
        idiv rcx
    DONE
    POS DE_OVERFLOW, "just inside"
        mov ecx, 5
        mov edx, 4
        mov rax, -1
        div rcx
        mov rax, 0x8000000000000000
        mov rdx, -1
        mov rcx, 1
        idiv rcx
    DONE
    ret

; ---- SYSCALL, SYSRET, SYSENTER, SYSEXIT
%macro MSR 3
    mov ecx, %1
    mov eax, %2
    mov edx, %3
    wrmsr
%endmacro
fast_calls:
    POS UD_SYSCALL_MODE, "64-bit mode"
        MSR MSR_STAR, 0, (SEL_CODE32_3 << 16) | SEL_CODE64
        MSR MSR_LSTAR, .syscalled, 0
        MSR MSR_FMASK, FL_DF, 0
    GO 3
        std
        syscall
.syscall_return:
        nop
.syscalled:
        cld
        mov rbx, rsp
    DONE
    lea rax, [rel .syscall_return]
    IS "syscall: RCX", qword [seen.rcx], rax
    mov rax, [seen.r8 + 24]
    and eax, FL_DF
    IS "syscall: R11", rax, FL_DF
    IS "syscall: RSP stays", qword [seen.rbx], STACK3_64
    NEG UD_SYSCALL_MODE, "syscall in compatibility mode", UD, 0
    GO_32 3
    AT32
        syscall
    DONE32
    NEG UD_SYSCALL_SCE, "syscall", UD, 0
        MSR MSR_EFER, EFER_LME | EFER_NXE, 0
    GO 3
    AT
        syscall
    DONE
    NEG UD_SYSCALL_SCE, "sysret, ring 3: before its ring", UD, 0
        MSR MSR_EFER, EFER_LME | EFER_NXE, 0
    GO 3
    AT
        o64 sysret
    DONE
    NEG GP_SYSRET_CPL, "ring 3", GP, 0
    GO 3
    AT
        o64 sysret
    DONE
    NEG GP_SYSRET_CANONICAL, "RCX", GP, 0
        MSR MSR_STAR, 0, (SEL_CODE32_3 << 16) | SEL_CODE64
        mov rcx, NONCANONICAL
    AT
        o64 sysret
    DONE
    POS GP_SYSRET_CANONICAL, "to 64-bit mode"
        MSR MSR_STAR, 0, (SEL_CODE32_3 << 16) | SEL_CODE64
        lea rcx, [rel .sysret64]
        mov r11d, 2
        o64 sysret
.sysret64:
        mov eax, cs
        mov edx, ss
    DONE
    IS "sysret: CS", qword [seen.rax], SEL_CODE64_3
    IS "sysret: SS", qword [seen.rdx], SEL_DATA64_3
    POS GP_SYSRET_CPL, "to compatibility mode: RCX is cut"
        MSR MSR_STAR, 0, (SEL_CODE32_3 << 16) | SEL_CODE64
        mov rcx, 0x800000000000 + .sysret32
        mov r11d, 2
        sysret
        bits 32
.sysret32:
        nop
    DONE32
    POS UD_SYSCALL_SCE, "on"
        MSR MSR_STAR, 0, (SEL_CODE32_3 << 16) | SEL_CODE64
        MSR MSR_LSTAR, .syscalled2, 0
    GO 3
        syscall
.syscalled2:
    DONE
    NEG GP_SYSENTER_CS, "64-bit mode", GP, 0
        MSR MSR_SYSENTER_CS, 0, 0
    GO 3
    AT
        sysenter
    DONE
    POS GP_SYSENTER_CS, "from compatibility mode"
        MSR MSR_SYSENTER_CS, SEL_CODE64, 0
        MSR MSR_SYSENTER_EIP, .sysentered, 0
        MSR MSR_SYSENTER_ESP, STACK_64 - 0x100, 0
    GO_32 3
        sysenter
        bits 64
.sysentered:
        mov rax, rsp
    DONE
    IS "sysenter: RSP", qword [seen.rax], STACK_64 - 0x100
    NEG GP_SYSEXIT_CPL, "ring 3", GP, 0
    GO 3
    AT
        o64 sysexit
    DONE
    NEG GP_SYSEXIT_CANONICAL, "RDX", GP, 0
        MSR MSR_SYSENTER_CS, SEL_CODE64, 0
        mov rdx, NONCANONICAL
        mov ecx, STACK3_64
    AT
        o64 sysexit
    DONE
    NEG GP_SYSEXIT_CANONICAL, "RCX", GP, 0
        MSR MSR_SYSENTER_CS, SEL_CODE64, 0
        lea rdx, [rel fast_calls]
        mov rcx, 0xffff7fffffffffff
    AT
        o64 sysexit
    DONE
    POS GP_SYSEXIT_CANONICAL, "to 64-bit mode"
        MSR MSR_SYSENTER_CS, SEL_CODE64, 0
        lea rdx, [rel .sysexit64]
        mov ecx, STACK3_64
        o64 sysexit
.sysexit64:
    DONE
    POS GP_SYSEXIT_CANONICAL, "to compatibility mode: both are cut"
        MSR MSR_SYSENTER_CS, SEL_CODE64, 0
        mov rdx, 0x800000000000 + .sysexit32
        mov rcx, 0x800000000000 + STACK3_64
        sysexit
        bits 32
.sysexit32:
        nop
    DONE32
    ret

END_OF_CASES
