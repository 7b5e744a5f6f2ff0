; transfers.asm: far JMP, CALL and RET, call gates, IRET: every check of SDM Vol. 2 CALL, JMP, RET, IRET and Vol. 3A 5.8.

%include "isa.inc"

; FAR rule, what, vector, error, ring, selector: JMP and CALL. Before it, PREPARE is run at ring 0.
%macro FAR 6
    NEG %1, {"jmp: ", %2}, %3, %4
        PREPARE
    GO %5
    AT
        jmp %6:target
    DONE
    NEG %1, {"call: ", %2}, %3, %4
        PREPARE
    GO %5
    AT
        call %6:target
    DONE
%endmacro
; FAR_POS rule, what, ring, selector: CALL only; the target comes back with RETF
%macro FAR_POS 4
    POS %1, %2
        PREPARE
    GO %3
        call %4:target
    DONE
%endmacro
%macro FAR_JMP_POS 4            ; the target ends the case itself
    POS %1, %2
        PREPARE
    GO %3
        jmp %4:target_jmp
    CAUGHT
%endmacro
%macro PREPARE 0
%endmacro

cases:
    call direct
    call gates
    call inner_stacks
    call returns
    call interrupt_returns
    call real_returns
    ret

target:
    retf
target_jmp:
    int 0x40

direct:
    FAR GP_FAR_NULL, "0", GP, 0, 0, 0
    FAR GP_FAR_NULL, "3 at ring 3", GP, 0, 3, 3
    FAR_POS GP_FAR_NULL, "not null", 0, SEL_CODE0
    FAR GP_FAR_LIMIT, "beyond the GDT", GP, BEYOND, 0, BEYOND + 3
    FAR GP_FAR_LIMIT, "no LDT", GP, 0xc, 3, 0xf
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG BEYOND - 8, 0, 0xfffff, D_CODE, G_32 | G_PAGES
    %endmacro
    FAR_POS GP_FAR_LIMIT, "last of the GDT", 0, BEYOND - 8
    %unmacro PREPARE 0
    %macro PREPARE 0
        LDT_ON
        LSEG 7, 0, 0xfffff, D_CODE, G_32 | G_PAGES
    %endmacro
    FAR_POS GP_FAR_LIMIT, "last of the LDT", 0, 0x3c
    FAR GP_FAR_LIMIT, "beyond the LDT", GP, 0x44, 0, 0x44
    %unmacro PREPARE 0
    %macro PREPARE 0
    %endmacro
    FAR GP_FAR_TYPE, "data", GP, SEL_DATA0, 0, SEL_DATA0
    FAR GP_FAR_TYPE, "nothing", GP, T0, 0, T0
    FAR GP_FAR_TYPE, "type before presence and privilege", GP, SEL_DATA0, 3, SEL_DATA0 + 3
    %unmacro PREPARE 0
    %macro PREPARE 0
        GATE GDT_ENTRY(T0), SEL_CODE0, target, D_INT32 | 3 << 5, 0
    %endmacro
    FAR GP_FAR_TYPE, "an interrupt gate", GP, T0, 0, T0
    %unmacro PREPARE 0
    %macro PREPARE 0
        DESCRIPTOR T0, LDT_AT, 63, D_LDT, 0
    %endmacro
    FAR GP_FAR_TYPE, "an LDT", GP, T0, 0, T0
    %unmacro PREPARE 0
    %macro PREPARE 0
    %endmacro
    FAR_JMP_POS GP_FAR_TYPE, "code", 0, SEL_CODE0
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T0, 0, 0xfffff, D_CONF | 3 << 5, G_32 | G_PAGES
        SEG T1, 0, 0xfffff, D_CONF | 1 << 5, G_32 | G_PAGES
        SEG T2, 0, 0xfffff, (D_CONF | 3 << 5) & 0x7f, G_32 | G_PAGES
    %endmacro
    FAR GP_FAR_CONFORMING_DPL, "ring 0, DPL 3", GP, T0, 0, T0
    FAR GP_FAR_CONFORMING_DPL, "ring 0, DPL 1", GP, T1, 0, T1 + 3
    FAR GP_FAR_CONFORMING_DPL, "before presence", GP, T2, 0, T2
    FAR_POS GP_FAR_CONFORMING_DPL, "ring 1, DPL 1, any RPL", 1, T1 + 3
    FAR_POS GP_FAR_CONFORMING_DPL, "ring 3, DPL 1", 3, T1
    POS GP_FAR_CONFORMING_DPL, "ring 3, DPL 1: CPL stays"
        PREPARE
    GO 3
        jmp T1:.conforming
.conforming:
        mov eax, cs
    DONE
    IS "cs", dword [seen.eax], T1 | 3
    %unmacro PREPARE 0
    %macro PREPARE 0
    %endmacro
    FAR GP_FAR_RPL, "ring 0, RPL 3", GP, SEL_CODE0, 0, SEL_CODE0 | 3
    FAR GP_FAR_RPL, "ring 1, RPL 2", GP, SEL_CODE1 & ~3, 1, SEL_CODE1 | 2
    FAR GP_FAR_RPL, "RPL before DPL", GP, SEL_CODE3 & ~3, 0, SEL_CODE3
    FAR_POS GP_FAR_RPL, "ring 3, RPL 0", 3, SEL_CODE3 & ~3
    FAR_POS GP_FAR_RPL, "ring 1, RPL 1", 1, SEL_CODE1
    FAR GP_FAR_DPL, "ring 3, DPL 0", GP, SEL_CODE0, 3, SEL_CODE0
    FAR GP_FAR_DPL, "ring 3, DPL 2", GP, SEL_CODE2 & ~3, 3, SEL_CODE2
    FAR GP_FAR_DPL, "ring 0, DPL 3", GP, SEL_CODE3 & ~3, 0, SEL_CODE3 & ~3
    FAR_POS GP_FAR_DPL, "ring 2, DPL 2", 2, SEL_CODE2
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T0, 0, 0xfffff, D_CODE & 0x7f, G_32 | G_PAGES
    %endmacro
    FAR NP_FAR, "code", NP, T0, 0, T0
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T0, 0, 0xfffff, D_CODE, G_32 | G_PAGES
    %endmacro
    FAR_POS NP_FAR, "present", 0, T0
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T0, 0, 0xfff, D_CODE, G_32
    %endmacro
    FAR GP_TARGET_LIMIT, "far behind", GP, 0, 0, T0
    NEG GP_TARGET_LIMIT, "offset = limit + 1", GP, 0
        PREPARE
    AT
        jmp T0:0x1000
    DONE
    NEG GP_TARGET_LIMIT, "call pushes nothing", GP, 0
        PREPARE
        mov dword [STACK0 - 0x200], 0
    AT
        call T0:0x1000
    DONE
    POS GP_TARGET_LIMIT, "offset = limit"
        pushfd
        push dword SEL_CODE0
        push dword .behind
        SEG T0, 0, .last, D_CODE, G_32
        jmp T0:.last
.last:
        db 0xcf
.behind:
    DONE
    ; 16-bit operand size: the offset is cut to 16 bits
    POS GP_TARGET_LIMIT, "16 bits cut the offset"
        SEG T0, IMAGE, 0xffff, D_CODE, G_32
        mov word [FREE], IP_OF(.home16)
        mov word [FREE + 2], T0
        o16 jmp far [FREE]
.home16:
        jmp dword SEL_CODE0:.home
.home:
    DONE
    NEG SS_LIMIT, "call: no room, before the offset is looked at", SS_, 0
        SEG T0, FREE, 0xfff, D_DATA | 3 << 5, G_32
        SEG T1, 0, 0xfff, D_CODE | 3 << 5, G_32
    GO 3
        LOAD ss, T0 | 3
        mov esp, 4
    AT
        call T1:0x1000
    DONE
    ret

%macro GATE_T 4                 ; code selector, offset, DPL, parameters: gate T0
    GATE GDT_ENTRY(T0), %1, %2, D_CALL32 | (%3) << 5, %4
%endmacro
gates:
    %unmacro PREPARE 0
    %macro PREPARE 0
        GATE_T SEL_CODE0, target, 0, 0
    %endmacro
    FAR GP_GATE_CPL, "ring 3, DPL 0", GP, T0, 3, T0
    FAR GP_GATE_CPL, "ring 1, DPL 0", GP, T0, 1, T0
    FAR GP_GATE_RPL, "ring 0, RPL 3, DPL 0", GP, T0, 0, T0 | 3
    %unmacro PREPARE 0
    %macro PREPARE 0
        GATE_T SEL_CODE0, target, 2, 0
    %endmacro
    FAR GP_GATE_RPL, "ring 1, RPL 3, DPL 2", GP, T0, 1, T0 | 3
    FAR GP_GATE_CPL, "ring 3, DPL 2", GP, T0, 3, T0
    FAR_POS GP_GATE_CPL, "ring 2, DPL 2", 2, T0
    FAR_POS GP_GATE_RPL, "ring 0, RPL 2, DPL 2", 0, T0 | 2
    %unmacro PREPARE 0
    %macro PREPARE 0
        GATE GDT_ENTRY(T0), SEL_CODE0, target, (D_CALL32 | 3 << 5) & 0x7f, 0
    %endmacro
    FAR NP_GATE, "32 bits", NP, T0, 3, T0
    FAR NP_GATE, "32 bits, ring 0", NP, T0, 0, T0
    %unmacro PREPARE 0
    %macro PREPARE 0
        GATE GDT_ENTRY(T0), SEL_CODE0, 0, (D_CALL16 | 3 << 5) & 0x7f, 0
    %endmacro
    FAR NP_GATE, "16 bits", NP, T0, 0, T0
    %unmacro PREPARE 0
    %macro PREPARE 0
        GATE_T SEL_CODE0, target, 3, 0
    %endmacro
    FAR_POS NP_GATE, "present", 3, T0
    %unmacro PREPARE 0
    %macro PREPARE 0
        GATE_T 0, target, 3, 0
    %endmacro
    FAR GP_GATE_NULL, "0", GP, 0, 3, T0
    %unmacro PREPARE 0
    %macro PREPARE 0
        GATE_T 3, target, 3, 0
    %endmacro
    FAR GP_GATE_NULL, "3", GP, 0, 0, T0
    %unmacro PREPARE 0
    %macro PREPARE 0
        GATE_T SEL_CODE0 | 3, target, 3, 0
    %endmacro
    FAR_POS GP_GATE_NULL, "not null; its RPL does not count", 3, T0
    %unmacro PREPARE 0
    %macro PREPARE 0
        GATE_T BEYOND, target, 3, 0
    %endmacro
    FAR GP_GATE_TARGET_LIMIT, "beyond the GDT", GP, BEYOND, 3, T0
    %unmacro PREPARE 0
    %macro PREPARE 0
        GATE_T 0xc, target, 3, 0
    %endmacro
    FAR GP_GATE_TARGET_LIMIT, "no LDT", GP, 0xc, 0, T0
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG BEYOND - 8, 0, 0xfffff, D_CODE, G_32 | G_PAGES
        GATE_T BEYOND - 8, target, 3, 0
    %endmacro
    FAR_POS GP_GATE_TARGET_LIMIT, "last of the GDT", 3, T0
    %unmacro PREPARE 0
    %macro PREPARE 0
        GATE_T SEL_DATA0, target, 3, 0
    %endmacro
    FAR GP_GATE_TARGET_TYPE, "data", GP, SEL_DATA0, 3, T0
    %unmacro PREPARE 0
    %macro PREPARE 0
        GATE_T SEL_TSS, target, 3, 0
    %endmacro
    FAR GP_GATE_TARGET_TYPE, "a TSS", GP, SEL_TSS, 0, T0
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T1, 0, 0xfffff, D_CODEXO, G_32 | G_PAGES
        GATE_T T1, target, 3, 0
    %endmacro
    FAR_POS GP_GATE_TARGET_TYPE, "execute-only code", 3, T0
    %unmacro PREPARE 0
    %macro PREPARE 0
        GATE_T SEL_CODE3, target, 3, 0
    %endmacro
    FAR GP_GATE_TARGET_DPL, "ring 0, DPL 3", GP, SEL_CODE3 & ~3, 0, T0
    FAR_POS GP_GATE_TARGET_DPL, "ring 3, DPL 3", 3, T0
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T1, 0, 0xfffff, D_CONF | 2 << 5, G_32 | G_PAGES
        GATE_T T1, target, 3, 0
    %endmacro
    FAR GP_GATE_TARGET_DPL, "ring 1, conforming, DPL 2", GP, T1, 1, T0
    FAR_POS GP_GATE_TARGET_DPL, "ring 2, conforming, DPL 2", 2, T0
    POS GP_JMP_GATE_DPL, "conforming code of an inner ring"
        SEG T1, 0, 0xfffff, D_CONF | 2 << 5, G_32 | G_PAGES
        GATE_T T1, target_jmp, 3, 0
    GO 3
        jmp T0:0
    CAUGHT
    %unmacro PREPARE 0
    %macro PREPARE 0
        GATE_T SEL_CODE0, target, 3, 0
    %endmacro
    NEG GP_JMP_GATE_DPL, "ring 3 to 0", GP, SEL_CODE0
        PREPARE
    GO 3
    AT
        jmp T0:0
    DONE
    NEG GP_JMP_GATE_DPL, "ring 1 to 0", GP, SEL_CODE0
        PREPARE
    GO 1
    AT
        jmp T0:0
    DONE
    POS GP_JMP_GATE_DPL, "same ring"
        GATE_T SEL_CODE3, target_jmp, 3, 0
    GO 3
        jmp T0:0
    CAUGHT
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T1, 0, 0xfffff, D_CODE & 0x7f, G_32 | G_PAGES
        GATE_T T1, target, 3, 0
    %endmacro
    NEG NP_GATE_TARGET, "call to an inner ring", NP, T1
        PREPARE
    GO 3
    AT
        call T0:0
    DONE
    FAR NP_GATE_TARGET, "same ring", NP, T1, 0, T0
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T1, 0, 0xfffff, D_CODE, G_32 | G_PAGES
        GATE_T T1, target, 3, 0
    %endmacro
    FAR_POS NP_GATE_TARGET, "present", 3, T0
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T1, 0, 0xfff, D_CODE, G_32
        GATE_T T1, 0x1000, 3, 0
    %endmacro
    NEG GP_TARGET_LIMIT, "through a gate, inner ring", GP, 0
        PREPARE
    GO 3
    AT
        call T0:0
    DONE
    FAR GP_TARGET_LIMIT, "through a gate, same ring", GP, 0, 0, T0
    ; parameters are read from the old stack
    NEG SS_LIMIT, "gate: parameters beyond the old stack", SS_, 0
        GATE_T SEL_CODE0, target, 3, 4
        SEG T1, FREE, 0xfff, D_DATA | 3 << 5, G_32
    GO 3
        LOAD ss, T1 | 3
        mov esp, 0x1000 - 12
    AT
        call T0:0
    DONE
    POS SS_LIMIT, "gate: parameters at the end of the old stack"
        GATE_T SEL_CODE0, .parameters, 3, 3
        SEG T1, FREE, 0xfff, D_DATA | 3 << 5, G_32
        mov dword [FREE + 0xff4], 1
        mov dword [FREE + 0xff8], 2
        mov dword [FREE + 0xffc], 3
    GO 3
        LOAD ss, T1 | 3
        mov esp, 0x1000 - 12
        call T0:0
.parameters:
        mov eax, [ss:esp + 8]
        mov ecx, [ss:esp + 16]
        mov edx, [ss:esp + 20]
        mov ebx, [ss:esp + 24]
    DONE
    IS "gate: first parameter", dword [seen.eax], 1
    IS "gate: last parameter", dword [seen.ecx], 3
    IS "gate: ESP", dword [seen.edx], 0xff4
    IS "gate: SS", dword [seen.ebx], T1 | 3
    ret

; ring 3 calls ring 1 through T0; what the TSS says about ring 1 is at fault
%macro INNER 4                  ; rule, what, vector, error
    NEG %1, {"call: ", %2}, %3, %4
        GATE_T SEL_CODE1, target, 3, 0
        PREPARE
    GO 3
    AT
        call T0:0
    DONE
    NEG %1, {"int n: ", %2}, %3, %4
        GATE IDT_ENTRY(0x50), SEL_CODE1, target_iret, D_INT32 | 3 << 5, 0
        PREPARE
    GO 3
    AT
        int 0x50
    DONE
%endmacro
%macro INNER_POS 2
    POS %1, {"call: ", %2}
        GATE_T SEL_CODE1, target, 3, 0
        PREPARE
    GO 3
        call T0:0
    DONE
    POS %1, {"int n: ", %2}
        GATE IDT_ENTRY(0x50), SEL_CODE1, target_iret, D_INT32 | 3 << 5, 0
        PREPARE
    GO 3
        int 0x50
    DONE
%endmacro
target_iret:
    iretd
inner_stacks:
    %unmacro PREPARE 0
    %macro PREPARE 0
        mov dword [tss.ss1], 0
    %endmacro
    INNER TS_SS_NULL, "0", TS, 0
    %unmacro PREPARE 0
    %macro PREPARE 0
        mov dword [tss.ss1], 1
    %endmacro
    INNER TS_SS_NULL, "1", TS, 0
    %unmacro PREPARE 0
    %macro PREPARE 0
    %endmacro
    INNER_POS TS_SS_NULL, "not null"
    %unmacro PREPARE 0
    %macro PREPARE 0
        mov dword [tss.ss1], BEYOND | 1
    %endmacro
    INNER TS_SS_LIMIT, "beyond the GDT", TS, BEYOND
    %unmacro PREPARE 0
    %macro PREPARE 0
        mov dword [tss.ss1], 0xd
    %endmacro
    INNER TS_SS_LIMIT, "no LDT", TS, 0xc
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG BEYOND - 8, 0, 0xfffff, D_DATA | 1 << 5, G_32 | G_PAGES
        mov dword [tss.ss1], BEYOND - 8 + 1
    %endmacro
    INNER_POS TS_SS_LIMIT, "last of the GDT"
    %unmacro PREPARE 0
    %macro PREPARE 0
        mov dword [tss.ss1], SEL_DATA1 & ~3
    %endmacro
    INNER TS_SS_RPL, "RPL 0 for ring 1", TS, SEL_DATA1 & ~3
    %unmacro PREPARE 0
    %macro PREPARE 0
        mov dword [tss.ss1], SEL_DATA1 & ~3 | 2
    %endmacro
    INNER TS_SS_RPL, "RPL 2 for ring 1", TS, SEL_DATA1 & ~3
    %unmacro PREPARE 0
    %macro PREPARE 0
    %endmacro
    INNER_POS TS_SS_RPL, "RPL 1 for ring 1"
    %unmacro PREPARE 0
    %macro PREPARE 0
        mov dword [tss.ss1], SEL_CODE1
    %endmacro
    INNER TS_SS_TYPE, "code", TS, SEL_CODE1 & ~3
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T1, 0, 0xfffff, D_DATARO | 1 << 5, G_32 | G_PAGES
        mov dword [tss.ss1], T1 | 1
    %endmacro
    INNER TS_SS_TYPE, "read-only data", TS, T1
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T1, 0, 0, D_DOWN | 1 << 5, G_32
        mov dword [tss.ss1], T1 | 1
    %endmacro
    INNER_POS TS_SS_TYPE, "expand-down data"
    %unmacro PREPARE 0
    %macro PREPARE 0
        mov dword [tss.ss1], SEL_DATA0 | 1
    %endmacro
    INNER TS_SS_DPL, "DPL 0 for ring 1", TS, SEL_DATA0
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T1, 0, 0xfffff, (D_DATA | 2 << 5) & 0x7f, G_32 | G_PAGES
        mov dword [tss.ss1], T1 | 1
    %endmacro
    INNER TS_SS_DPL, "DPL 2 for ring 1, before presence", TS, T1
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T1, 0, 0xfffff, D_DATA | 1 << 5, G_32 | G_PAGES
        mov dword [tss.ss1], T1 | 1
    %endmacro
    INNER_POS TS_SS_DPL, "DPL 1 for ring 1"
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T1, 0, 0xfffff, (D_DATA | 1 << 5) & 0x7f, G_32 | G_PAGES
        mov dword [tss.ss1], T1 | 1
    %endmacro
    INNER SS_TSS_NOT_PRESENT, "ring 1", SS_, T1
    %unmacro PREPARE 0
    %macro PREPARE 0
    %endmacro
    INNER_POS SS_TSS_NOT_PRESENT, "present"
    ; the pointer for ring 1 is bytes 12 to 17 of a 32-bit TSS
    %unmacro PREPARE 0
    %macro PREPARE 0
        DESCRIPTOR T2, tss, 16, D_TSS32, 0
        mov ax, T2
        ltr ax
    %endmacro
    INNER TS_LIMIT, "SS1 outside", TS, T2
    %unmacro PREPARE 0
    %macro PREPARE 0
        DESCRIPTOR T2, tss, 17, D_TSS32, 0
        mov ax, T2
        ltr ax
    %endmacro
    INNER_POS TS_LIMIT, "SS1 just inside"
    ; of a 16-bit TSS: bytes 6 to 9
    %unmacro PREPARE 0
    %macro PREPARE 0
        DESCRIPTOR T2, FREE, 8, D_TSS16, 0
        mov word [FREE + 2], STACK_INT & 0xffff
        mov word [FREE + 4], SEL_DATA0
        SEG T3, FREE + 0x1000, 0xfff, D_DATA | 1 << 5, 0
        mov word [FREE + 6], 0x1000
        mov word [FREE + 8], T3 | 1
        mov ax, T2
        ltr ax
    %endmacro
    INNER TS_LIMIT, "SS1 outside a 16-bit TSS", TS, T2
    ; no room for what is pushed: SS's selector in the error code
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T1, FREE, 0xfff, D_DATA | 1 << 5, G_32
        mov dword [tss.ss1], T1 | 1
        mov dword [tss.esp1], 8
    %endmacro
    INNER SS_NEW_LIMIT, "no room", SS_, T1
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T1, FREE, 0xfff, D_DATA | 1 << 5, G_32
        mov dword [tss.ss1], T1 | 1
        mov dword [tss.esp1], 0x1004
    %endmacro
    INNER SS_NEW_LIMIT, "ESP behind the limit", SS_, T1
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T1, FREE, 0xfff, D_DOWN | 1 << 5, G_32
        mov dword [tss.ss1], T1 | 1
        mov dword [tss.esp1], 0x1008
    %endmacro
    INNER SS_NEW_LIMIT, "expand-down", SS_, T1
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T1, FREE, 0xfff, D_DATA | 1 << 5, G_32
        mov dword [tss.ss1], T1 | 1
        mov dword [tss.esp1], 0x14
    %endmacro
    INNER_POS SS_NEW_LIMIT, "just room"
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T1, FREE, 0xffff, D_DATA | 1 << 5, 0
        mov dword [tss.ss1], T1 | 1
        mov dword [tss.esp1], 0
    %endmacro
    INNER_POS SS_NEW_LIMIT, "16-bit stack wraps around"
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T1, FREE, 0xffff, D_DATA | 1 << 5, 0
        mov dword [tss.ss1], T1 | 1
        mov dword [tss.esp1], 2
    %endmacro
    INNER SS_NEW_LIMIT, "16-bit stack, dword across 64K", SS_, T1
    ret

; RETF and IRET that go to CS:target with what is on the stack: PUSHES pushes above CS, from SS down
%macro BACK 6                   ; rule, what, vector, error, ring, CS
    NEG %1, {"retf: ", %2}, %3, %4
        PREPARE
    GO %5
        PUSHES
        push dword %6
        push dword 0
    AT
        retf
    DONE
    NEG %1, {"iret: ", %2}, %3, %4
        PREPARE
    GO %5
        PUSHES
        pushfd
        push dword %6
        push dword 0
    AT
        iretd
    DONE
%endmacro
%macro BACK_POS 4               ; rule, what, ring, CS
    POS %1, {"retf: ", %2}
        PREPARE
    GO %3
        PUSHES
        push dword %4
        push dword %%there
        retf
%%there:
    DONE
    POS %1, {"iret: ", %2}
        PREPARE
    GO %3
        PUSHES
        pushfd
        push dword %4
        push dword %%there2
        iretd
%%there2:
    DONE
%endmacro
%macro PUSHES 0
%endmacro
returns:
    %unmacro PREPARE 0
    %macro PREPARE 0
    %endmacro
    BACK GP_RETURN_NULL, "0", GP, 0, 0, 0
    BACK GP_RETURN_NULL, "3", GP, 0, 3, 3
    BACK_POS GP_RETURN_NULL, "not null", 0, SEL_CODE0
    BACK GP_RETURN_LIMIT, "beyond the GDT", GP, BEYOND, 0, BEYOND
    BACK GP_RETURN_LIMIT, "no LDT, ring 3", GP, 0xc, 3, 0xf
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG BEYOND - 8, 0, 0xfffff, D_CODE, G_32 | G_PAGES
    %endmacro
    BACK_POS GP_RETURN_LIMIT, "last of the GDT", 0, BEYOND - 8
    %unmacro PREPARE 0
    %macro PREPARE 0
        GATE_T SEL_CODE0, target, 3, 0
    %endmacro
    BACK GP_RETURN_TYPE, "data", GP, SEL_DATA0, 0, SEL_DATA0
    BACK GP_RETURN_TYPE, "a call gate", GP, T0, 0, T0
    BACK GP_RETURN_TYPE, "type before privilege", GP, SEL_DATA0, 3, SEL_DATA0
    BACK_POS GP_RETURN_TYPE, "code, ring 2", 2, SEL_CODE2
    BACK GP_RETURN_RPL, "inwards", GP, SEL_CODE0, 3, SEL_CODE0
    BACK GP_RETURN_RPL, "ring 3, RPL 2, DPL 3", GP, SEL_CODE3 & ~3, 3, SEL_CODE3 & ~3 | 2
    BACK_POS GP_RETURN_RPL, "ring 3, RPL 3", 3, SEL_CODE3
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T0, 0, 0xfffff, D_CONF | 3 << 5, G_32 | G_PAGES
    %endmacro
    %unmacro PUSHES 0
    %macro PUSHES 0
        push dword SEL_DATA1
        push dword STACK1
    %endmacro
    BACK GP_RETURN_CONFORMING_DPL, "RPL 0, DPL 3", GP, T0, 0, T0
    BACK GP_RETURN_CONFORMING_DPL, "RPL 1, DPL 3", GP, T0, 0, T0 | 1
    %unmacro PUSHES 0
    %macro PUSHES 0
    %endmacro
    BACK_POS GP_RETURN_CONFORMING_DPL, "RPL 3, DPL 3", 3, T0 | 3
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T0, 0, 0xfffff, D_CONF, G_32 | G_PAGES
    %endmacro
    BACK_POS GP_RETURN_CONFORMING_DPL, "RPL 3, DPL 0", 3, T0 | 3
    %unmacro PREPARE 0
    %macro PREPARE 0
    %endmacro
    BACK GP_RETURN_DPL, "RPL 0, DPL 3", GP, SEL_CODE3 & ~3, 0, SEL_CODE3 & ~3
    BACK GP_RETURN_DPL, "RPL 3, DPL 0", GP, SEL_CODE0, 3, SEL_CODE0 | 3
    BACK GP_RETURN_DPL, "RPL 2, DPL 1", GP, SEL_CODE1 & ~3, 0, SEL_CODE1 & ~3 | 2
    BACK_POS GP_RETURN_DPL, "RPL 1, DPL 1", 1, SEL_CODE1
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T0, 0, 0xfffff, D_CODE & 0x7f, G_32 | G_PAGES
    %endmacro
    BACK NP_RETURN, "ring 0", NP, T0, 0, T0
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T0, 0, 0xfffff, D_CODE, G_32 | G_PAGES
    %endmacro
    BACK_POS NP_RETURN, "present", 0, T0
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T0, 0, 0xfff, D_CODE, G_32
    %endmacro
    NEG GP_TARGET_LIMIT, "retf", GP, 0
        PREPARE
        push dword T0
        push dword 0x1000
    AT
        retf
    DONE
    NEG GP_TARGET_LIMIT, "iret", GP, 0
        PREPARE
        pushfd
        push dword T0
        push dword 0x1000
    AT
        iretd
    DONE
    ; to an outer ring: SS
    %unmacro PREPARE 0
    %macro PREPARE 0
    %endmacro
    %unmacro PUSHES 0
    %macro PUSHES 0
        push dword 0
        push dword STACK3
    %endmacro
    BACK GP_RETURN_SS_NULL, "0", GP, 0, 0, SEL_CODE3
    %unmacro PUSHES 0
    %macro PUSHES 0
        push dword 3
        push dword STACK3
    %endmacro
    BACK GP_RETURN_SS_NULL, "3", GP, 0, 1, SEL_CODE3
    %unmacro PUSHES 0
    %macro PUSHES 0
        push dword SEL_DATA3
        push dword STACK3
    %endmacro
    BACK_POS GP_RETURN_SS_NULL, "not null", 0, SEL_CODE3
    %unmacro PUSHES 0
    %macro PUSHES 0
        push dword BEYOND | 3
        push dword STACK3
    %endmacro
    BACK GP_RETURN_SS_LIMIT, "beyond the GDT", GP, BEYOND, 0, SEL_CODE3
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG BEYOND - 8, 0, 0xfffff, D_DATA | 3 << 5, G_32 | G_PAGES
    %endmacro
    %unmacro PUSHES 0
    %macro PUSHES 0
        push dword BEYOND - 5
        push dword STACK3
    %endmacro
    BACK_POS GP_RETURN_SS_LIMIT, "last of the GDT", 0, SEL_CODE3
    %unmacro PREPARE 0
    %macro PREPARE 0
    %endmacro
    %unmacro PUSHES 0
    %macro PUSHES 0
        push dword SEL_DATA3 & ~3
        push dword STACK3
    %endmacro
    BACK GP_RETURN_SS_RPL, "RPL 0, CS's is 3", GP, SEL_DATA3 & ~3, 0, SEL_CODE3
    %unmacro PUSHES 0
    %macro PUSHES 0
        push dword SEL_DATA2
        push dword STACK3
    %endmacro
    BACK GP_RETURN_SS_RPL, "RPL 2, CS's is 3", GP, SEL_DATA2 & ~3, 0, SEL_CODE3
    BACK_POS GP_RETURN_SS_RPL, "RPL 2, CS's is 2", 0, SEL_CODE2
    %unmacro PUSHES 0
    %macro PUSHES 0
        push dword SEL_CODE3
        push dword STACK3
    %endmacro
    BACK GP_RETURN_SS_TYPE, "code", GP, SEL_CODE3 & ~3, 0, SEL_CODE3
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T1, 0, 0xfffff, D_DATARO | 3 << 5, G_32 | G_PAGES
    %endmacro
    %unmacro PUSHES 0
    %macro PUSHES 0
        push dword T1 | 3
        push dword STACK3
    %endmacro
    BACK GP_RETURN_SS_TYPE, "read-only data", GP, T1, 0, SEL_CODE3
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T1, 0, 0xfffff, D_DATA | 3 << 5, G_32 | G_PAGES
    %endmacro
    BACK_POS GP_RETURN_SS_TYPE, "writable data", 0, SEL_CODE3
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T1, 0, 0xfffff, (D_DATA | 2 << 5) & 0x7f, G_32 | G_PAGES
    %endmacro
    BACK GP_RETURN_SS_DPL, "DPL 2 for ring 3, before presence", GP, T1, 0, SEL_CODE3
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T1, 0, 0xfffff, (D_DATA | 3 << 5) & 0x7f, G_32 | G_PAGES
    %endmacro
    BACK SS_RETURN_NOT_PRESENT, "ring 3", SS_, T1, 0, SEL_CODE3
    %unmacro PREPARE 0
    %macro PREPARE 0
        SEG T1, 0, 0xfffff, D_DATA | 3 << 5, G_32 | G_PAGES
    %endmacro
    BACK_POS GP_RETURN_SS_DPL, "DPL 3 for ring 3", 0, SEL_CODE3
    BACK_POS SS_RETURN_NOT_PRESENT, "present", 0, SEL_CODE3
    ; data segments that the outer ring may not see become null; the released bytes go from both stacks
    POS GP_RETURN_SS_NULL, "retf n: segments and stack pointers"
        SEG T1, 0, 0xfffff, D_CONF, G_32 | G_PAGES
        LOAD es, SEL_DATA0
        LOAD gs, T1
        push dword SEL_DATA3
        push dword STACK3 - 0x10
        push dword 0
        push dword 0
        push dword SEL_CODE3
        push dword .out3
        LOAD fs, SEL_DATA2
        LOAD ds, SEL_DATA3
        retf 8
.out3:
        mov eax, es
        mov ecx, fs
        mov edx, gs
        mov ebx, ds
        mov esi, esp
    DONE
    IS "DPL 0 data", dword [seen.eax], 0
    IS "DPL 2 data", dword [seen.ecx], 0
    IS "conforming code", dword [seen.edx], T1
    IS "DPL 3 data", dword [seen.ebx], SEL_DATA3
    IS "ESP", dword [seen.esi], STACK3 - 8
    POS GP_RETURN_SS_NULL, "retf: null selectors lose their RPL"
        push dword SEL_DATA3
        push dword STACK3 - 0x10
        push dword SEL_CODE3
        push dword .retf_null
        LOAD es, 1
        LOAD fs, 2
        LOAD gs, 3
        LOAD ds, SEL_DATA3
        retf
.retf_null:
        mov eax, es
        mov ecx, fs
        mov edx, gs
    DONE
    IS "ES", dword [seen.eax], 0
    IS "FS", dword [seen.ecx], 0
    IS "GS", dword [seen.edx], 0
    POS GP_RETURN_SS_NULL, "iret: null selectors lose their RPL, but not within a ring"
        LOAD es, 1
        LOAD fs, 2
        LOAD gs, 3
        pushfd
        push dword SEL_CODE0
        push dword .iret_same
        iretd
.iret_same:
        mov esi, es
        mov edi, fs
        mov ebp, gs
        LOAD ds, SEL_DATA3
        push dword SEL_DATA3
        push dword STACK3 - 0x10
        pushfd
        push dword SEL_CODE3
        push dword .iret_null
        iretd
.iret_null:
        mov eax, es
        mov ecx, fs
        mov edx, gs
    DONE
    IS "ES within ring 0", dword [seen.esi], 1
    IS "FS within ring 0", dword [seen.edi], 2
    IS "GS within ring 0", dword [seen.ebp], 3
    IS "ES", dword [seen.eax], 0
    IS "FS", dword [seen.ecx], 0
    IS "GS", dword [seen.edx], 0
    ret

interrupt_returns:
    %macro TO_VM86 1
        push dword 0
        push dword 0
        push dword 0
        push dword 0
        push dword V86_SS
        push dword 0x1000
        push dword FL_VM | 0x3002
        push dword IMAGE >> 4
        push dword %1
    %endmacro
    NEG GP_IRET_VM86_IP, "10000h", GP, 0
        TO_VM86 0x10000
    AT
        iretd
    DONE
    NEG GP_IRET_VM86_IP, "FFFF0000h", GP, 0
        TO_VM86 0xffff0000
    AT
        iretd
    DONE
    POS GP_IRET_VM86_IP, "below 10000h"
    GO_V86 0x3000
        nop
    DONE16
    ret

; real mode and VM86: the only check is that of IP
real_returns:
    NEG GP_TARGET_LIMIT, "real: jmp", GP, 0
    GO_REAL
    AT16
        jmp dword 0x1000:0x10000
    DONE16
    NEG GP_TARGET_LIMIT, "real: call pushes nothing", GP, 0
    GO_REAL
        mov dword [ss:0xff8], 0
    AT16
        call dword 0x1000:0x10000
    DONE16
    NEG GP_TARGET_LIMIT, "real: retf", GP, 0
    GO_REAL
        push dword 0x1000
        push dword 0x10000
    AT16
        o32 retf
    DONE16
    NEG GP_TARGET_LIMIT, "real: iret", GP, 0
    GO_REAL
        pushfd
        push dword 0x1000
        push dword 0x10000
    AT16
        o32 iret
    DONE16
    NEG GP_TARGET_LIMIT, "vm86: jmp", GP, 0
    GO_V86 0x3000
    AT16
        jmp dword 0x1000:0x10000
    DONE16
    NEG GP_TARGET_LIMIT, "vm86: iret, IOPL 3", GP, 0
    GO_V86 0x3000
        pushfd
        push dword 0x1000
        push dword 0x10000
    AT16
        o32 iret
    DONE16
    POS GP_TARGET_LIMIT, "real: FFFFh"
    GO_REAL
        mov byte [cs:0xffff], 0x90
        call 0x1000:.real
        jmp .real_end
.real:
        retf
.real_end:
    DONE16
    ret

END_OF_CASES
