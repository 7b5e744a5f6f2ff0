; tasks.asm: hardware task switches: what is checked before the old task is left. SDM Vol. 3A 7.3, Vol. 2 CALL, JMP, IRET, INT n.

%include "tasks.inc"

cases:
    call rights
    call descriptors
    call sizes
    call links
    ret

rights:
    BEFORE GP_TSS_CPL, "ring 3, DPL 0", GP, T0, 3, DESCRIPTOR T0, NEW_TSS, 103, D_TSS32, 0
    BEFORE GP_TSS_CPL, "ring 1, DPL 0", GP, T0, 1, DESCRIPTOR T0, NEW_TSS, 103, D_TSS32, 0
    BEFORE GP_TSS_CPL, "before presence", GP, T0, 3, DESCRIPTOR T0, NEW_TSS, 103, D_TSS32 & 0x7f, 0
    WORKS GP_TSS_CPL, "ring 0, DPL 0", DESCRIPTOR T0, NEW_TSS, 103, D_TSS32 | 3 << 5, 0
    POS GP_TSS_CPL, "ring 3, DPL 3"
        NEW_TASK
    GO 3
        jmp T0:0
    CAUGHT
    NEG GP_TSS_RPL, "jmp: RPL 3, DPL 2", GP, T0
        NEW_TASK
        DESCRIPTOR T0, NEW_TSS, 103, D_TSS32 | 2 << 5, 0
    AT
        jmp T0 | 3:0
    DONE
    NEG GP_TSS_RPL, "call: RPL 1, DPL 0", GP, T0
        NEW_TASK
        DESCRIPTOR T0, NEW_TSS, 103, D_TSS32, 0
    AT
        call T0 | 1:0
    DONE
    POS GP_TSS_RPL, "RPL 3, DPL 3"
        NEW_TASK
        jmp T0 | 3:0
    CAUGHT
    GATED GP_TASK_GATE_CPL, "ring 3, DPL 0", GP, T1, 3, GATE GDT_ENTRY(T1), T0, 0, D_TASK, 0
    GATED GP_TASK_GATE_CPL, "ring 1, DPL 0", GP, T1, 1, GATE GDT_ENTRY(T1), T0, 0, D_TASK, 0
    VECTORED GP_IDT_DPL, "ring 3, DPL 0", GP, 0x50 * 8 + 2, 3, GATE IDT_ENTRY(0x50), T0, 0, D_TASK, 0
    POS GP_TASK_GATE_CPL, "ring 3, DPL 3; that of the TSS does not count"
        NEW_TASK
        DESCRIPTOR T0, NEW_TSS, 103, D_TSS32, 0
    GO 3
        jmp T1:0
    CAUGHT
    NEG GP_TASK_GATE_RPL, "jmp: RPL 3, DPL 0", GP, T1
        NEW_TASK
        GATE GDT_ENTRY(T1), T0, 0, D_TASK, 0
    AT
        jmp T1 | 3:0
    DONE
    NEG GP_TASK_GATE_RPL, "call: RPL 2, DPL 1", GP, T1
        NEW_TASK
        GATE GDT_ENTRY(T1), T0, 0, D_TASK | 1 << 5, 0
    AT
        call T1 | 2:0
    DONE
    POS GP_TASK_GATE_RPL, "RPL 1, DPL 1"
        NEW_TASK
        GATE GDT_ENTRY(T1), T0, 0, D_TASK | 1 << 5, 0
        call T1 | 1:0
    CAUGHT
    GATED NP_TASK_GATE, "ring 3", NP, T1, 3, GATE GDT_ENTRY(T1), T0, 0, (D_TASK | 3 << 5) & 0x7f, 0
    POS NP_TASK_GATE, "present"
        NEW_TASK
        call T1:0
    CAUGHT
    ret

descriptors:
    %macro LDT_TSS 0            ; a TSS in the LDT, entry 1
        NEW_TASK
        LDT_ON
        mov eax, [GDT_ENTRY(T0)]
        mov [LDT_AT + 8], eax
        mov eax, [GDT_ENTRY(T0) + 4]
        mov [LDT_AT + 12], eax
        GATE GDT_ENTRY(T1), 0xc, 0, D_TASK | 3 << 5, 0
        GATE IDT_ENTRY(0x50), 0xc, 0, D_TASK | 3 << 5, 0
    %endmacro
    NEG GP_TSS_NOT_GDT, "jmp to the LDT", GP, 0xc
        LDT_TSS
    AT
        jmp 0xc:0
    DONE
    NEG GP_TSS_NOT_GDT, "gate to the LDT", GP, 0xc
        LDT_TSS
    AT
        call T1:0
    DONE
    NEG GP_TSS_NOT_GDT, "int n, gate to the LDT", GP, 0xc
        LDT_TSS
    GO 3
    AT
        int 0x50
    DONE
    POS GP_TSS_NOT_GDT, "GDT, through a gate in the LDT"
        LDT_TSS
        GATE LDT_AT + 16, T0, 0, D_TASK, 0
        jmp 0x14:0
    CAUGHT
    %macro GATES_TO 1
        GATE GDT_ENTRY(T1), %1, 0, D_TASK | 3 << 5, 0
        GATE IDT_ENTRY(0x50), %1, 0, D_TASK | 3 << 5, 0
    %endmacro
    ALL_GATED GP_TSS_LIMIT, "beyond the GDT", GP, BEYOND, 3, GATES_TO BEYOND
    POS GP_TSS_LIMIT, "last of the GDT"
        NEW_TASK
        DESCRIPTOR BEYOND - 8, NEW_TSS, 103, D_TSS32, 0
        GATES_TO BEYOND - 8
        int 0x50
    CAUGHT
    ALL_GATED GP_TSS_BUSY, "busy", GP, T0, 3, or byte [GDT_ENTRY(T0) + 5], 2
    ALL_GATED GP_TSS_BUSY, "the current task", GP, SEL_TSS, 0, GATES_TO SEL_TSS
    ALL_GATED GP_TSS_BUSY, "data", GP, SEL_DATA0, 3, GATES_TO SEL_DATA0
    ALL_GATED GP_TSS_BUSY, "null", GP, 0, 0, GATES_TO 0
    BEFORE GP_TSS_BUSY, "busy", GP, T0, 3, or byte [GDT_ENTRY(T0) + 5], 2
    BEFORE GP_TSS_BUSY, "busy before not present", GP, T0, 0, DESCRIPTOR T0, NEW_TSS, 103, (D_TSS32 | 2) & 0x7f, 0
    WORKS GP_TSS_BUSY, "available", nop
    %macro ABSENT 0
        DESCRIPTOR T0, NEW_TSS, 103, (D_TSS32 | 3 << 5) & 0x7f, 0
    %endmacro
    BEFORE NP_TSS, "not present", NP, T0, 3, ABSENT
    ALL_GATED NP_TSS, "not present", NP, T0, 3, ABSENT
    NEG NP_TSS, "iret", NP, T0
        NEW_TASK
        ABSENT
        NESTED
        SET_NT
    AT
        iretd
    DONE
    WORKS NP_TSS, "present", nop
    ret

sizes:
    BEFORE TS_NEW_LIMIT, "102 bytes", TS, T0, 3, DESCRIPTOR T0, NEW_TSS, 102, D_TSS32 | 3 << 5, 0
    ALL_GATED TS_NEW_LIMIT, "0", TS, T0, 3, DESCRIPTOR T0, NEW_TSS, 0, D_TSS32 | 3 << 5, 0
    BEFORE TS_NEW_LIMIT, "16 bits: 42 bytes", TS, T0, 0, DESCRIPTOR T0, NEW_TSS, 42, D_TSS16, 0
    NEG TS_NEW_LIMIT, "iret", TS, T0
        NEW_TASK
        DESCRIPTOR T0, NEW_TSS, 102, D_TSS32, 0
        NESTED
        SET_NT
    AT
        iretd
    DONE
    NEG UD_UD+TS_NEW_LIMIT, "#UD", TS, T0 | 1
        NEW_TASK
        DESCRIPTOR T0, NEW_TSS, 102, D_TSS32, 0
        GATE IDT_ENTRY(UD), T0, 0, D_TASK, 0
    AT
        ud2
    DONE
    WORKS TS_NEW_LIMIT, "103", nop
    %macro SMALL_OLD 1
        DESCRIPTOR T3, tss, %1, D_TSS32, 0
        mov ax, T3
        ltr ax
    %endmacro
    BEFORE TS_OLD_LIMIT, "94", TS, T3, 3, SMALL_OLD 94
    VECTORED TS_OLD_LIMIT, "94", TS, T3, 0, SMALL_OLD 94
    POS TS_OLD_LIMIT, "95"
        NEW_TASK
        SMALL_OLD 95
        jmp T0:0
    CAUGHT
    ret

links:
    %macro LINK 1
        NEW_TASK
        mov dword [tss], %1
        SET_NT
    %endmacro
    NEG TS_LINK_LIMIT, "beyond the GDT", TS, BEYOND
        LINK BEYOND
    AT
        iretd
    DONE
    NEG TS_LINK_LIMIT, "in the LDT", TS, 0xc
        LINK 0xc
    AT
        iretd
    DONE
    NEG TS_LINK_LIMIT, "ring 3", TS, BEYOND
        NEW_TASK
        mov dword [tss], BEYOND
        mov dword [ring_extra], FL_NT
    GO 3
    AT
        iretd
    DONE
    NEG TS_LINK_NOT_BUSY, "available", TS, T0
        LINK T0
    AT
        iretd
    DONE
    NEG TS_LINK_NOT_BUSY, "data", TS, SEL_DATA0
        LINK SEL_DATA0
    AT
        iretd
    DONE
    NEG TS_LINK_NOT_BUSY, "null", TS, 0
        LINK 0
    AT
        iretd
    DONE
    WORKS TS_LINK_NOT_BUSY, "busy", nop
    WORKS TS_LINK_LIMIT, "in the GDT", nop
    POS TS_LINK_NOT_BUSY, "iret from ring 3"
        NEW_TASK
        NESTED
        mov dword [ring_extra], FL_NT
    GO 3
        iretd
    CAUGHT
    IS "the old task is available", dword [GDT_ENTRY(SEL_TSS) + 4], (D_TSS32 << 8) | 2
    ret

END_OF_CASES
