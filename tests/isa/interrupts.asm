; interrupts.asm: the IDT, handlers, faults during delivery and the double-fault table, decoding, arithmetic traps.
; SDM Vol. 3A chapter 6, Vol. 2 INT n.

%include "isa.inc"

target_iret:
    iretd

cases:
    call gates
    call handlers
    call delivery
    call double_faults
    call decoding
    call arithmetic
    ret

; IDT entry 50h: SOFT rule, what, vector, error, ring: INT 50h
%macro IDT_GATE 3               ; selector, access, offset
    GATE IDT_ENTRY(0x50), %1, %3, %2, 0
%endmacro
%macro SOFT 5
    NEG %1, %2, %3, %4
        PREPARE
    GO %5
    AT
        int 0x50
    DONE
%endmacro
%macro SOFT_POS 3
    POS %1, %2
        PREPARE
    GO %3
        int 0x50
    DONE
%endmacro
%macro PREPARE 0
%endmacro
%define E50 (0x50 * 8 + 2)

gates:
    NEG GP_IDT_LIMIT, "int n", GP, 0x60 * 8 + 2
        mov word [.idtr], 0x60 * 8 - 1
        mov dword [.idtr + 2], idt
        lidt [.idtr]
    AT
        int 0x60
    DONE
    NEG GP_IDT_LIMIT, "the limit cuts the entry", GP, E50
        IDT_GATE SEL_CODE0, D_INT32, target_iret
        mov word [.idtr], 0x50 * 8 + 6
        mov dword [.idtr + 2], idt
        lidt [.idtr]
    AT
        int 0x50
    DONE
    POS GP_IDT_LIMIT, "the limit holds the entry"
        IDT_GATE SEL_CODE0, D_INT32, target_iret
        mov word [.idtr], 0x50 * 8 + 7
        mov dword [.idtr + 2], idt
        lidt [.idtr]
        int 0x50
        lidt [idtr]
    DONE
    SOFT GP_IDT_TYPE, "empty entry", GP, E50, 0
    %unmacro PREPARE 0
    %macro PREPARE 0
        IDT_GATE SEL_CODE0, D_CALL32 | 3 << 5, target_iret
    %endmacro
    SOFT GP_IDT_TYPE, "a call gate", GP, E50, 3
    %unmacro PREPARE 0
    %macro PREPARE 0
        IDT_GATE SEL_CODE0, D_TSS32, target_iret
    %endmacro
    SOFT GP_IDT_TYPE, "a TSS, before privilege", GP, E50, 3
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T0, 0, 0xfffff, D_CODE, G_32
        IDT_GATE SEL_CODE0, D_CODE, target_iret
    %endmacro
    SOFT GP_IDT_TYPE, "code", GP, E50, 0
    %unmacro PREPARE 0
    %macro PREPARE 0
        IDT_GATE SEL_CODE0, D_TRAP32 | 3 << 5, target_iret
    %endmacro
    SOFT_POS GP_IDT_TYPE, "trap gate", 3
    %unmacro PREPARE 0
    %macro PREPARE 0
        IDT_GATE SEL_CODE0, D_INT32, target_iret
    %endmacro
    SOFT GP_IDT_DPL, "ring 3, DPL 0", GP, E50, 3
    SOFT GP_IDT_DPL, "ring 1, DPL 0", GP, E50, 1
    SOFT_POS GP_IDT_DPL, "ring 0, DPL 0", 0
    NEG GP_IDT_DPL, "int3", GP, 3 * 8 + 2
        GATE IDT_ENTRY(BP_), SEL_CODE0, case_trap_3, D_INT32, 0
    GO 3
    AT
        int3
    DONE
    NEG OF_INTO+GP_IDT_DPL, "into", GP, 4 * 8 + 2
    GO 3
        mov eax, 0x7fffffff
        inc eax
    AT
        into
    DONE
    %unmacro PREPARE 0
    %macro PREPARE 0
        IDT_GATE SEL_CODE0, (D_INT32 & 0x7f), target_iret
    %endmacro
    SOFT GP_IDT_DPL, "before presence", GP, E50, 3
    %unmacro PREPARE 0
    %macro PREPARE 0
        IDT_GATE SEL_CODE0, D_INT32 | 2 << 5, target_iret
    %endmacro
    SOFT_POS GP_IDT_DPL, "ring 2, DPL 2", 2
    NEGT NONE, "icebp at ring 3 looks at no DPL", DB_, 0
    GO 3
        db 0xf1
    DONE
    POS GP_IDT_DPL, "into without overflow"
    GO 3
        xor eax, eax
        into
    DONE
    NEGT OF_INTO, "overflow", OF, 0
        mov eax, 0x7fffffff
        inc eax
        into
    DONE
    NEGT OF_INTO, "overflow, ring 3", OF, 0
        or byte [IDT_ENTRY(OF) + 5], 3 << 5
    GO 3
        mov eax, 0x7fffffff
        inc eax
        into
    DONE
    POS OF_INTO, "no overflow"
        xor eax, eax
        into
    DONE
    %unmacro PREPARE 0
    %macro PREPARE 0
        IDT_GATE SEL_CODE0, (D_INT32 | 3 << 5) & 0x7f, target_iret
    %endmacro
    SOFT NP_IDT, "interrupt gate", NP, E50, 3
    %unmacro PREPARE 0
    %macro PREPARE 0
        IDT_GATE SEL_TSS, (D_TASK | 3 << 5) & 0x7f, 0
    %endmacro
    SOFT NP_IDT, "task gate", NP, E50, 3
    %unmacro PREPARE 0
    %macro PREPARE 0
        IDT_GATE SEL_CODE0, D_INT32 | 3 << 5, target_iret
    %endmacro
    SOFT_POS NP_IDT, "present", 3
    ret
    [section .data]
.idtr: dw 0
    dd 0
    __SECT__

handlers:
    %unmacro PREPARE 0
    %macro PREPARE 0
        IDT_GATE 0, D_INT32 | 3 << 5, target_iret
    %endmacro
    SOFT GP_HANDLER_NULL, "0", GP, 0, 3
    %unmacro PREPARE 0
    %macro PREPARE 0
        IDT_GATE 3, D_INT32 | 3 << 5, target_iret
    %endmacro
    SOFT GP_HANDLER_NULL, "3", GP, 0, 0
    %unmacro PREPARE 0
    %macro PREPARE 0
        IDT_GATE SEL_CODE0 | 3, D_INT32 | 3 << 5, target_iret
    %endmacro
    SOFT_POS GP_HANDLER_NULL, "not null, any RPL", 0
    %unmacro PREPARE 0
    %macro PREPARE 0
        IDT_GATE BEYOND, D_INT32 | 3 << 5, target_iret
    %endmacro
    SOFT GP_HANDLER_LIMIT, "beyond the GDT", GP, BEYOND, 0
    %unmacro PREPARE 0
    %macro PREPARE 0
        IDT_GATE 0xc, D_INT32 | 3 << 5, target_iret
    %endmacro
    SOFT GP_HANDLER_LIMIT, "no LDT", GP, 0xc, 3
    %unmacro PREPARE 0
    %macro PREPARE 0
        LDT_ON
        LSEG 7, 0, 0xfffff, D_CODE, G_32 | G_PAGES
        IDT_GATE 0x3c, D_INT32 | 3 << 5, target_iret
    %endmacro
    SOFT_POS GP_HANDLER_LIMIT, "last of the LDT", 3
    %unmacro PREPARE 0
    %macro PREPARE 0
        IDT_GATE SEL_DATA0, D_INT32 | 3 << 5, target_iret
    %endmacro
    SOFT GP_HANDLER_TYPE, "data", GP, SEL_DATA0, 0
    %unmacro PREPARE 0
    %macro PREPARE 0
        IDT_GATE SEL_TSS, D_INT32 | 3 << 5, target_iret
    %endmacro
    SOFT GP_HANDLER_TYPE, "a TSS", GP, SEL_TSS, 3
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T0, 0, 0xfffff, D_CODEXO, G_32 | G_PAGES
        IDT_GATE T0, D_INT32 | 3 << 5, target_iret
    %endmacro
    SOFT_POS GP_HANDLER_TYPE, "execute-only code", 3
    %unmacro PREPARE 0
    %macro PREPARE 0
        IDT_GATE SEL_CODE3, D_INT32 | 3 << 5, target_iret
    %endmacro
    SOFT GP_HANDLER_DPL, "ring 0, DPL 3", GP, SEL_CODE3 & ~3, 0
    SOFT_POS GP_HANDLER_DPL, "ring 3, DPL 3", 3
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T0, 0, 0xfffff, D_CONF | 2 << 5, G_32 | G_PAGES
        IDT_GATE T0, D_INT32 | 3 << 5, target_iret
    %endmacro
    SOFT GP_HANDLER_DPL, "ring 1, conforming, DPL 2", GP, T0, 1
    SOFT_POS GP_HANDLER_DPL, "ring 3, conforming, DPL 2", 3
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T0, 0, 0xfffff, D_CODE & 0x7f, G_32 | G_PAGES
        IDT_GATE T0, D_INT32 | 3 << 5, target_iret
    %endmacro
    SOFT NP_HANDLER, "inner ring", NP, T0, 3
    SOFT NP_HANDLER, "same ring", NP, T0, 0
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T0, 0, 0xfffff, D_CODE, G_32 | G_PAGES
        IDT_GATE T0, D_INT32 | 3 << 5, target_iret
    %endmacro
    SOFT_POS NP_HANDLER, "present", 3
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T0, 0, 0xfff, D_CODE, G_32
        IDT_GATE T0, D_INT32 | 3 << 5, 0x1000
    %endmacro
    SOFT GP_TARGET_LIMIT, "inner handler", GP, 0, 3
    SOFT GP_TARGET_LIMIT, "handler of the same ring", GP, 0, 0
    ; VM86: only nonconforming code of ring 0 will do (SDM Vol. 3B 20.3.1)
    NEG GP_HANDLER_VM86, "ring 1", GP, SEL_CODE1 & ~3
        IDT_GATE SEL_CODE1, D_INT32 | 3 << 5, target_iret
    GO_V86 0x3000
    AT16
        int 0x50
    DONE16
    NEG GP_HANDLER_VM86, "ring 3", GP, SEL_CODE3 & ~3
        IDT_GATE SEL_CODE3, D_INT32 | 3 << 5, target_iret
    GO_V86 0x3000
    AT16
        int 0x50
    DONE16
    NEG GP_HANDLER_VM86, "conforming, DPL 0", GP, T0
        SEG T0, 0, 0xfffff, D_CONF, G_32 | G_PAGES
        IDT_GATE T0, D_INT32 | 3 << 5, target_iret
    GO_V86 0x3000
    AT16
        int 0x50
    DONE16
    NEG UD_UD+GP_HANDLER_VM86, "an exception: EXT", GP, SEL_CODE1 & ~3 | 1
        GATE IDT_ENTRY(UD), SEL_CODE1, target_iret, D_INT32, 0
    GO_V86 0x3000
    AT16
        ud2
    DONE16
    POS GP_HANDLER_VM86, "ring 0"
        IDT_GATE SEL_CODE0, D_INT32 | 3 << 5, target_iret
    GO_V86 0x3000
        int 0x50
    DONE16
    ; real mode: SDM Vol. 3A 20.1.4
    NEG GP_IVT_LIMIT, "int 50h, limit 13Fh + 3", GP, 0
        mov word [real_idtr], 0x50 * 4 + 2
    GO_REAL
    AT16
        int 0x50
    DONE16
    POS GP_IVT_LIMIT, "just inside"
        mov word [real_idtr], 0x50 * 4 + 3
        mov dword [0x50 * 4], (IMAGE >> 4) << 16 | IP_OF(target_iret16)
    GO_REAL
        int 0x50
    DONE16
    mov word [real_idtr], 0x3ff
    ret
    bits 16
target_iret16:
    iret
    bits 32

; ---- faults of the delivery: EXT in the error code of what is no INT n
delivery:
    NEG UD_UD+NP_IDT, "#UD without gate: #NP, EXT", NP, 6 * 8 + 2 + 1
        and byte [IDT_ENTRY(UD) + 5], 0x7f
    AT
        ud2
    DONE
    NEG UD_UD+GP_IDT_TYPE, "empty gate: #GP, EXT", GP, 6 * 8 + 2 + 1
        mov byte [IDT_ENTRY(UD) + 5], 0x80
    GO 3
    AT
        ud2
    DONE
    NEG UD_UD+GP_HANDLER_LIMIT, "selector error with EXT", GP, BEYOND | 1
        mov word [IDT_ENTRY(UD) + 2], BEYOND
    AT
        ud2
    DONE
    NEG UD_UD+GP_HANDLER_NULL, "null selector: EXT only", GP, 1
        mov word [IDT_ENTRY(UD) + 2], 0
    AT
        ud2
    DONE
    NEG UD_UD+GP_TARGET_LIMIT, "offset outside: EXT only", GP, 1
        SEG T0, 0, 0xfff, D_CODE, G_32
        mov word [IDT_ENTRY(UD) + 2], T0
    AT
        ud2
    DONE
    NEG UD_UD+TS_SS_NULL, "inner stack null: EXT only", TS, 1
        GATE IDT_ENTRY(UD), SEL_CODE1, target_iret, D_INT32, 0
        mov dword [tss.ss1], 0
    GO 3
    AT
        ud2
    DONE
    NEG UD_UD+TS_SS_DPL, "inner stack of a wrong DPL", TS, SEL_DATA0 | 1
        GATE IDT_ENTRY(UD), SEL_CODE1, target_iret, D_INT32, 0
        mov dword [tss.ss1], SEL_DATA0 | 1
    GO 3
    AT
        ud2
    DONE
    NEG UD_UD+SS_NEW_LIMIT, "no room on the inner stack", SS_, T0 | 1
        GATE IDT_ENTRY(UD), SEL_CODE1, target_iret, D_INT32, 0
        SEG T0, FREE, 0xfff, D_DATA | 1 << 5, G_32
        mov dword [tss.ss1], T0 | 1
        mov dword [tss.esp1], 4
    GO 3
    AT
        ud2
    DONE
    NEG UD_UD+SS_LIMIT, "no room on the stack of the same ring", SS_, 1
        GATE IDT_ENTRY(UD), SEL_CODE3, target_iret, D_INT32, 0
        SEG T0, FREE, 0xfff, D_DATA | 3 << 5, G_32
    GO 3
        LOAD ss, T0 | 3
        mov esp, 8
    AT
        ud2
    DONE
    NEG UD_UD+AC_UNALIGNED, "pushes at ring 3 are aligned too; EXT", AC, 1
        GATE IDT_ENTRY(UD), SEL_CODE3, target_iret, D_INT32, 0
        or dword [case.cr0], CR0_AM
        mov eax, [case.cr0]
        mov cr0, eax
        and dword [case.cr0], ~CR0_AM
        mov dword [ring_extra], FL_AC
    GO 3
        sub esp, 2
    AT
        ud2
    DONE
    NEG UD_UD+GP_HANDLER_DPL, "handler outside", GP, SEL_CODE3 & ~3 | 1
        mov word [IDT_ENTRY(UD) + 2], SEL_CODE3
    AT
        ud2
    DONE
    ret

; ---- SDM Vol. 3A table 6-5. Each class of first exception with each class of second one. The second is a gate that is not
; present (#NP, contributory), one that is no gate (#GP), or a page fault (paging.asm has those).
double_faults:
    NEG DE_ZERO+NP_IDT, "contributory, contributory: #DE, #NP", DF, 0
        and byte [IDT_ENTRY(DE) + 5], 0x7f
        xor ecx, ecx
    AT
        div ecx
    DONE
    NEG DE_ZERO+GP_IDT_TYPE, "#DE, #GP", DF, 0
        mov byte [IDT_ENTRY(DE) + 5], 0x80
        xor ecx, ecx
    AT
        div ecx
    DONE
    NEG DE_ZERO+SS_NEW_LIMIT, "#DE, #SS", DF, 0
        GATE IDT_ENTRY(DE), SEL_CODE1, target_iret, D_INT32, 0
        SEG T0, FREE, 0xfff, D_DATA | 1 << 5, G_32
        mov dword [tss.ss1], T0 | 1
        mov dword [tss.esp1], 4
        xor ecx, ecx
    GO 3
    AT
        div ecx
    DONE
    NEG DE_ZERO+TS_SS_NULL, "#DE, #TS", DF, 0
        GATE IDT_ENTRY(DE), SEL_CODE1, target_iret, D_INT32, 0
        mov dword [tss.ss1], 0
        xor ecx, ecx
    GO 3
    AT
        div ecx
    DONE
    NEG GP_FAR_NULL+NP_IDT, "#GP, #NP", DF, 0
        and byte [IDT_ENTRY(GP) + 5], 0x7f
    AT
        jmp 0:0
    DONE
    NEG GP_FAR_NULL+GP_HANDLER_TYPE, "#GP, #GP", DF, 0
        mov word [IDT_ENTRY(GP) + 2], SEL_DATA0
    AT
        jmp 0:0
    DONE
    NEG NP_DATA+NP_IDT, "#NP, #NP", DF, 0
        SEG T0, 0, 0, D_DATA & 0x7f, 0
        and byte [IDT_ENTRY(NP) + 5], 0x7f
        mov eax, T0
    AT
        mov es, ax
    DONE
    NEG SS_LOAD_NOT_PRESENT+NP_IDT, "#SS, #NP", DF, 0
        SEG T0, 0, 0, D_DATA & 0x7f, 0
        and byte [IDT_ENTRY(SS_) + 5], 0x7f
        mov eax, T0
    AT
        mov ss, ax
    DONE
    NEG TS_SS_NULL+NP_IDT, "#TS, #NP", DF, 0
        GATE IDT_ENTRY(0x50), SEL_CODE1, target_iret, D_INT32 | 3 << 5, 0
        and byte [IDT_ENTRY(TS) + 5], 0x7f
        mov dword [tss.ss1], 0
    GO 3
    AT
        int 0x50
    DONE
    ; benign first: the second is delivered, with EXT
    NEG BR_BOUND+NP_IDT, "benign, contributory: #BR, #NP", NP, 5 * 8 + 2 + 1
        and byte [IDT_ENTRY(BR) + 5], 0x7f
        mov dword [FREE], 1
        mov dword [FREE + 4], 5
        mov eax, 6
    AT
        bound eax, [FREE]
    DONE
    NEG NM_TASK_SWITCHED+NP_IDT, "#NM, #NP", NP, 7 * 8 + 2 + 1
        and byte [IDT_ENTRY(NM) + 5], 0x7f
        mov eax, cr0
        or eax, CR0_TS
        mov cr0, eax
    AT
        fldz
    DONE
    NEG UD_UD+NP_IDT+NP_IDT, "benign, then two contributory ones: #DF", DF, 0
        and byte [IDT_ENTRY(UD) + 5], 0x7f
        and byte [IDT_ENTRY(NP) + 5], 0x7f
    AT
        ud2
    DONE
    NEG NP_IDT+NP_IDT, "int n is benign, its #NP is not", DF, 0
        GATE IDT_ENTRY(0x50), SEL_CODE0, target_iret, D_INT32 & 0x7f, 0
        and byte [IDT_ENTRY(NP) + 5], 0x7f
    AT
        int 0x50
    DONE
    NEG NP_IDT, "int n, #NP: no EXT", NP, E50
        GATE IDT_ENTRY(0x50), SEL_CODE0, target_iret, D_INT32 & 0x7f, 0
    AT
        int 0x50
    DONE
    NEG AC_UNALIGNED+NP_IDT, "#AC is benign", NP, 17 * 8 + 2 + 1
        and byte [IDT_ENTRY(AC) + 5], 0x7f
        or dword [case.cr0], CR0_AM
        mov eax, [case.cr0]
        mov cr0, eax
        and dword [case.cr0], ~CR0_AM
        mov dword [ring_extra], FL_AC
    GO 3
    AT
        mov eax, [FREE + 1]
    DONE
    NEG MF_PENDING+NP_IDT, "#MF is benign", NP, 16 * 8 + 2 + 1
        and byte [IDT_ENTRY(MF) + 5], 0x7f
        fldcw [.unmasked]
        fld1
        fldz
        fdivp st1, st0
    AT
        fldz
    DONE
    NEG XM_UNMASKED+NP_IDT, "#XM is benign", NP, 19 * 8 + 2 + 1
        and byte [IDT_ENTRY(19) + 5], 0x7f
        xorps xmm0, xmm0
        xorps xmm1, xmm1
        ldmxcsr [.mxcsr]
    AT
        divss xmm0, xmm1
    DONE
    NEG DE_ZERO+UD_UD, "a fault in the handler is none of the delivery", UD, 0
        GATE IDT_ENTRY(DE), SEL_CODE0, .handler, D_INT32, 0
        REGS_CHANGE
        WANT_EIP .handler
        xor ecx, ecx
    AT
        div ecx
    DONE
    ret
.handler:
    ud2
    [section .data]
    align 4, db 0
.unmasked: dw 0x37b
    dw 0
.mxcsr: dd 0x1f00
    __SECT__

; ---- decoding
%macro NEG_UD 3+                ; rule, what, bytes
    NEG %1, %2, UD, 0
    AT
        db %3
    DONE
%endmacro
%macro POS_CODE 3+
    POS %1, %2
        mov edi, FREE
        mov ebx, FREE
        db %3
    DONE
%endmacro
decoding:
    NEG_UD UD_OPCODE, "0F 04", 0x0f, 0x04
    NEG_UD UD_OPCODE, "0F 0A", 0x0f, 0x0a
    NEG_UD UD_OPCODE, "0F 24 (test registers)", 0x0f, 0x24, 0xc0
    NEG_UD UD_OPCODE, "0F 36", 0x0f, 0x36
    NEG_UD UD_OPCODE, "0F 39", 0x0f, 0x39
    NEG_UD UD_OPCODE, "0F 7B", 0x0f, 0x7b, 0xc0
    NEG_UD UD_OPCODE, "0F A6", 0x0f, 0xa6, 0xc0
    NEG_UD UD_OPCODE, "0F 38 0C without VEX", 0x0f, 0x38, 0x0c, 0xc0
    NEG_UD UD_OPCODE, "0F 3A 00 without VEX", 0x0f, 0x3a, 0x00, 0xc0, 0
    NEG_UD UD_OPCODE, "FE /2", 0xfe, 0xd0
    NEG_UD UD_OPCODE, "FF /7", 0xff, 0xf8
    NEG_UD UD_OPCODE, "C6 /1", 0xc6, 0xc8, 0
    NEG_UD UD_OPCODE, "C7 /3", 0xc7, 0xd8, 0, 0, 0, 0
    NEG_UD UD_OPCODE, "8F /1", 0x8f, 0xc8
    NEG_UD UD_OPCODE, "0F 00 /6", 0x0f, 0x00, 0xf0
    NEG_UD UD_OPCODE, "0F 01 /5, register", 0x0f, 0x01, 0xed
    NEG_UD UD_OPCODE, "0F BA /0", 0x0f, 0xba, 0xc0, 0
    NEG_UD UD_OPCODE, "0F 71 /0", 0x0f, 0x71, 0xc0, 0
    NEG_UD UD_OPCODE, "0F C7 /0", 0x0f, 0xc7, 0xc0
    NEG_UD UD_REGISTER_FORM, "0F 01 C0 (VMCALL's neighbours)", 0x0f, 0x01, 0xc0
    NEG_UD UD_REGISTER_FORM, "D9 D1", 0xd9, 0xd1
    NEG_UD UD_REGISTER_FORM, "D9 E2", 0xd9, 0xe2
    NEG_UD UD_OPCODE, "DB E6", 0xdb, 0xe6
    NEG_UD UD_REGISTER_FORM, "DF E1", 0xdf, 0xe1
    NEG_UD UD_OPCODE, "DD /5, memory", 0xdd, 0x2b
    NEG_UD UD_OPCODE, "DB /4, memory", 0xdb, 0x23
    NEG_UD UD_REGISTER_FORM, "swapgs outside 64-bit mode", 0x0f, 0x01, 0xf8
    NEG_UD UD_OPCODE, "popcnt's opcode without F3", 0x0f, 0xb8, 0xc0
    POS_CODE UD_OPCODE, "FE /0", 0xfe, 0xc0
    POS_CODE UD_OPCODE, "D9 D0", 0xd9, 0xd0
    POS_CODE UD_OPCODE, "0F BA /4", 0x0f, 0xba, 0xe0, 0
    POS_CODE UD_OPCODE, "0F 0D, 0F 18-1F: hints", 0x0f, 0x0d, 0x0b, 0x0f, 0x18, 0x03, 0x0f, 0x1a, 0x03, 0x0f, 0x1e, 0xc0, 0x0f, 0x1f, 0xc0
    POS_CODE UD_OPCODE, "82: 80 again", 0x82, 0xc0, 1
    POS_CODE UD_OPCODE, "D6 (SALC), F6 /1, C0 /6", 0xd6, 0xf6, 0xc8, 1, 0xc0, 0xf0, 1
    NEG_UD UD_UD, "UD2", 0x0f, 0x0b
    NEG_UD UD_UD, "UD1", 0x0f, 0xb9, 0xc0
    NEG_UD UD_UD, "UD0", 0x0f, 0xff, 0xc0
    NEG UD_UD, "UD2, ring 3", UD, 0
    GO 3
    AT
        ud2
    DONE
    NEG UD_UD, "UD2, real", UD, 0
    GO_REAL
    AT16
        ud2
    DONE16
    POS_CODE UD_UD, "0F 08 and 0F 0D, their neighbours", 0x0f, 0x08, 0x0f, 0x0d, 0x03
    NEG_UD UD_REGISTER_FORM, "lea", 0x8d, 0xc0
    NEG_UD UD_VEX_MAP, "C4 with a register is no LES, but VEX", 0xc4, 0xc0, 0, 0xc0
    NEG_UD UD_REGISTER_FORM, "lss", 0x0f, 0xb2, 0xc0
    NEG_UD UD_REGISTER_FORM, "lfs", 0x0f, 0xb4, 0xc0
    NEG_UD UD_REGISTER_FORM, "bound", 0x62, 0xc0
    NEG_UD UD_REGISTER_FORM, "call far", 0xff, 0xd8
    NEG_UD UD_REGISTER_FORM, "jmp far", 0xff, 0xe8
    NEG_UD UD_REGISTER_FORM, "lgdt's place is taken by VMXON's neighbours: invlpg", 0x0f, 0x01, 0xfa
    NEG_UD UD_REGISTER_FORM, "cmpxchg8b", 0x0f, 0xc7, 0xc8
    NEG_UD UD_REGISTER_FORM, "fxsave", 0x0f, 0xae, 0xc0
    NEG_UD UD_REGISTER_FORM, "movntps", 0x0f, 0x2b, 0xc0
    NEG_UD UD_REGISTER_FORM, "movlps to memory", 0x0f, 0x13, 0xc0
    NEG_UD UD_REGISTER_FORM, "lddqu", 0xf2, 0x0f, 0xf0, 0xc0
    NEG_UD UD_REGISTER_FORM, "movnti", 0x0f, 0xc3, 0xc0
    POS_CODE UD_REGISTER_FORM, "lea from memory", 0x8d, 0x03
    POS_CODE UD_REGISTER_FORM, "movntps", 0x0f, 0x2b, 0x03
    ; LOCK: SDM Vol. 2 LOCK
    %macro LOCKS 2+             ; what, modrm instruction with /r in EBX memory: legal
    POS_CODE UD_LOCK, %1, 0xf0, %2
    %endmacro
    LOCKS "add", 0x01, 0x03
    LOCKS "or imm", 0x83, 0x0b, 1
    LOCKS "adc byte", 0x10, 0x03
    LOCKS "xchg", 0x87, 0x03
    LOCKS "inc", 0xff, 0x03
    LOCKS "not", 0xf7, 0x13
    LOCKS "neg byte", 0xf6, 0x1b
    LOCKS "bts", 0x0f, 0xab, 0x03
    LOCKS "btr imm", 0x0f, 0xba, 0x33, 1
    LOCKS "cmpxchg", 0x0f, 0xb1, 0x03
    LOCKS "xadd", 0x0f, 0xc1, 0x03
    LOCKS "cmpxchg8b", 0x0f, 0xc7, 0x0b
    NEG_UD UD_LOCK, "nop", 0xf0, 0x90
    NEG_UD UD_LOCK, "mov", 0xf0, 0x89, 0x03
    NEG_UD UD_LOCK, "add to a register", 0xf0, 0x01, 0xc3
    NEG_UD UD_LOCK, "add from memory", 0xf0, 0x03, 0x03
    NEG_UD UD_LOCK, "adc al, memory", 0xf0, 0x12, 0x03
    NEG_UD UD_LOCK, "cmp", 0xf0, 0x39, 0x03
    NEG_UD UD_LOCK, "cmp imm", 0xf0, 0x83, 0x3b, 1
    NEG_UD UD_LOCK, "test", 0xf0, 0x85, 0x03
    NEG_UD UD_LOCK, "test imm", 0xf0, 0xf7, 0x03, 0, 0, 0, 0
    NEG_UD UD_LOCK, "mul", 0xf0, 0xf7, 0x23
    NEG_UD UD_LOCK, "shl", 0xf0, 0xd1, 0x23
    NEG_UD UD_LOCK, "shld", 0xf0, 0x0f, 0xa4, 0x03, 1
    NEG_UD UD_LOCK, "bt", 0xf0, 0x0f, 0xa3, 0x03
    NEG_UD UD_LOCK, "bt imm", 0xf0, 0x0f, 0xba, 0x23, 1
    NEG_UD UD_LOCK, "xchg registers", 0xf0, 0x87, 0xc3
    NEG_UD UD_LOCK, "inc register", 0xf0, 0x40
    NEG_UD UD_LOCK, "push", 0xf0, 0xff, 0x33
    NEG_UD UD_LOCK, "jmp", 0xf0, 0xeb, 0x00
    NEG_UD UD_LOCK, "movs", 0xf0, 0xa5
    NEG_UD UD_LOCK, "lea", 0xf0, 0x8d, 0x03
    NEG_UD UD_LOCK, "mov cr0", 0xf0, 0x0f, 0x20, 0xc0
    NEG_UD UD_LOCK, "fld1", 0xf0, 0xd9, 0xe8
    NEG_UD UD_LOCK, "movaps", 0xf0, 0x0f, 0x28, 0xc1
    NEG_UD UD_LOCK, "int", 0xf0, 0xcd, 0x40
    NEG_UD UD_LOCK, "hlt", 0xf0, 0xf4
    NEG UD_LOCK, "the operand is not looked at: no #GP", UD, 0
        LOAD es, 0
    AT
        db 0xf0, 0x26, 0x8b, 0x03
    DONE
    NEG UD_LOCK, "real", UD, 0
    GO_REAL
    AT16
        db 0xf0, 0x90
    DONE16
    ; 15 bytes: SDM Vol. 2 2.3.11, Vol. 3A 6.15 #GP
    %macro NEG_LENGTH 2+
    NEG GP_LENGTH, %1, GP, 0
    AT
        db %2
    DONE
    %endmacro
    POS_CODE GP_LENGTH, "14 prefixes and NOP", 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90
    NEG_LENGTH "15 prefixes", 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90
    NEG_LENGTH "16 prefixes", 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x90
    POS_CODE GP_LENGTH, "5 prefixes, opcode, ModRM, displacement, immediate: 15", 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x81, 0x83, 0, 0, 0, 0, 1, 0, 0, 0
    NEG_LENGTH "one more: 16", 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x81, 0x83, 0, 0, 0, 0, 1, 0, 0, 0
    NEG_LENGTH "the opcode would be undefined", 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x0f, 0x0b
    NEG_LENGTH "the immediate is cut", 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0xb8, 0, 0, 0, 0
    POS_CODE GP_LENGTH, "the same with 15", 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0xb8, 0, 0, 0, 0
    NEG GP_LENGTH, "real", GP, 0
    GO_REAL
    AT16
        db 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90
    DONE16
    ret

; ---- arithmetic traps
%macro NEG_DE 5+
    NEG %1, %2, DE, 0
        mov eax, %3
        mov edx, %4
    AT
        %5
    DONE
%endmacro
%macro POS_DE 5+
    POS %1, %2
        mov eax, %3
        mov edx, %4
        %5
    DONE
%endmacro
arithmetic:
    %macro ZERO 1
    NEG DE_ZERO, %1, DE, 0
        xor ecx, ecx
        mov dword [FREE], 0
    AT
    %endmacro
    ZERO "div byte"
        div cl
    DONE
    ZERO "div word"
        div cx
    DONE
    ZERO "div dword"
        div ecx
    DONE
    ZERO "idiv byte"
        idiv cl
    DONE
    ZERO "idiv dword in memory"
        idiv dword [FREE]
    DONE
    POS DE_ZERO, "1"
        xor edx, edx
        mov eax, 7
        mov ecx, 1
        div ecx
    DONE
    IS "7 / 1", dword [seen.eax], 7
    %macro DIVIDE 7             ; neg or pos macro, what, EAX, EDX, ECX, instruction, register
    %1 DE_OVERFLOW, %2, DE, 0
        mov eax, %3
        mov edx, %4
        mov ecx, %5
    AT
        %6 %7
    DONE
    %endmacro
    %macro POS_4 4
    POS %1, %2
    %endmacro
    DIVIDE NEG, "div byte: 100h / 1", 0x100, 0, 1, div, cl
    DIVIDE POS_4, "div byte: FFh / 1", 0xff, 0, 1, div, cl
    DIVIDE NEG, "div word: 10000h / 1", 0, 1, 1, div, cx
    DIVIDE POS_4, "div word: FFFFFh / 10h", 0xffff, 0xf, 0x10, div, cx
    DIVIDE NEG, "div dword: high half = divisor", 0, 5, 5, div, ecx
    DIVIDE POS_4, "div dword: high half = divisor - 1", -1, 4, 5, div, ecx
    DIVIDE NEG, "idiv byte: 80h / 1", 0x80, 0, 1, idiv, cl
    DIVIDE POS_4, "idiv byte: 7Fh / 1", 0x7f, 0, 1, idiv, cl
    DIVIDE POS_4, "idiv byte: -80h / 1", 0xff80, 0, 1, idiv, cl
    DIVIDE NEG, "idiv byte: -80h / -1", 0xff80, 0, -1, idiv, cl
    DIVIDE NEG, "idiv word: -8000h / -1", 0x8000, 0xffff, -1, idiv, cx
    DIVIDE POS_4, "idiv word: -8000h / 1", 0x8000, 0xffff, 1, idiv, cx
    DIVIDE NEG, "idiv dword: -80000000h / -1", 0x80000000, -1, -1, idiv, ecx
    DIVIDE NEG, "idiv dword: least / -1", 0, 0x80000000, -1, idiv, ecx
    DIVIDE POS_4, "idiv dword: -80000000h / 1", 0x80000000, -1, 1, idiv, ecx
    NEG DE_AAM, "aam 0", DE, 0
    AT
        db 0xd4, 0
    DONE
    NEG DE_AAM, "aam 0, real", DE, 0
    GO_REAL
    AT16
        db 0xd4, 0
    DONE16
    POS DE_AAM, "aam 1; aad 0"
        mov eax, 0x55
        db 0xd4, 1
        db 0xd5, 0
    DONE
    %macro BOUNDS 2             ; macro, index
        mov dword [FREE], -2
        mov dword [FREE + 4], 5
        mov eax, %2
    %1
        bound eax, [FREE]
    DONE
    %endmacro
    NEG BR_BOUND, "above", BR, 0
    BOUNDS AT, 6
    NEG BR_BOUND, "below", BR, 0
    BOUNDS AT, -3
    NEG BR_BOUND, "far above: signed", BR, 0
    BOUNDS AT, 0x80000000
    POS BR_BOUND, "upper bound"
    BOUNDS AT, 5
    POS BR_BOUND, "lower bound"
    BOUNDS AT, -2
    NEG BR_BOUND, "16 bits", BR, 0
        mov dword [FREE], 5 << 16 | 1
        mov eax, 6
    AT
        bound ax, [FREE]
    DONE
    POS BR_BOUND, "16 bits"
        mov dword [FREE], 5 << 16 | 1
        mov eax, 0x10005
        bound ax, [FREE]
    DONE
    ret

END_OF_CASES
