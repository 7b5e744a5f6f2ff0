; taskfaults.asm: faults in the middle of a task switch, which the new task takes; what a switch does besides. SDM Vol. 3A 7.3.

%include "tasks.inc"

cases:
    call middle_ldt
    call middle_code
    call middle_stack
    call middle_data
    call other
    ret

; ---- in the middle
%macro SET 2
    mov dword [NEW_TSS + %1], %2
%endmacro
%macro SET_SEG 6                ; field, base, limit, access, flags, RPL: the descriptor T2
    SEG T2, %2, %3, %4, %5
    mov dword [NEW_TSS + %1], T2 | %6
%endmacro
middle_ldt:
    MIDDLE TS_TASK_LDT_LIMIT, "beyond the GDT", TS, BEYOND, SET T_LDT, BEYOND
    MIDDLE TS_TASK_LDT_LIMIT, "in an LDT", TS, 0xc, SET T_LDT, 0xc
    MIDDLE TS_TASK_LDT_TYPE, "data", TS, SEL_DATA0, SET T_LDT, SEL_DATA0
    %macro LDT_OF 1
        DESCRIPTOR T2, LDT_AT, 63, %1, 0
        mov dword [NEW_TSS + T_LDT], T2
    %endmacro
    MIDDLE TS_TASK_LDT_NOT_PRESENT, "not present", TS, T2, LDT_OF D_LDT & 0x7f
    WORKS TS_TASK_LDT_NOT_PRESENT, "an LDT", LDT_OF D_LDT
    WORKS TS_TASK_LDT_TYPE, "null", SET T_LDT, 3
    WORKS TS_TASK_LDT_LIMIT, "an LDT", LDT_OF D_LDT
    ret

middle_code:
    MIDDLE TS_TASK_CS_LIMIT, "beyond the GDT", TS, BEYOND, SET T_CS, BEYOND | 3
    MIDDLE TS_TASK_CS_LIMIT, "null", TS, 0, SET T_CS, 3
    MIDDLE TS_TASK_CS_LIMIT, "no LDT", TS, 0xc, SET T_CS, 0xf
    MIDDLE TS_TASK_CS_TYPE, "data", TS, SEL_DATA3 & ~3, SET T_CS, SEL_DATA3
    MIDDLE TS_TASK_CS_DPL, "nonconforming, DPL 2, RPL 3", TS, SEL_CODE2 & ~3, SET T_CS, SEL_CODE2 | 3
    MIDDLE NP_TASK_CS, "not present", NP, T2, SET_SEG T_CS, 0, 0xfffff, (D_CODE | 3 << 5) & 0x7f, G_32 | G_PAGES, 3
    WORKS TS_TASK_CS_LIMIT, "in the GDT", nop
    WORKS TS_TASK_CS_TYPE, "execute-only", SET_SEG T_CS, 0, 0xfffff, D_CODEXO | 3 << 5, G_32 | G_PAGES, 3
    WORKS TS_TASK_CS_DPL, "conforming, DPL 1, RPL 3", SET_SEG T_CS, 0, 0xfffff, D_CONF | 1 << 5, G_32 | G_PAGES, 3
    WORKS NP_TASK_CS, "present", SET_SEG T_CS, 0, 0xfffff, D_CODE | 3 << 5, G_32 | G_PAGES, 3
    ret

middle_stack:
    MIDDLE TS_TASK_SS_NULL, "3", TS, 0, SET T_SS, 3
    MIDDLE TS_TASK_SS_LIMIT, "beyond the GDT", TS, BEYOND, SET T_SS, BEYOND | 3
    MIDDLE TS_TASK_SS_RPL, "RPL 2", TS, SEL_DATA3 & ~3, SET T_SS, SEL_DATA3 & ~1
    MIDDLE TS_TASK_SS_TYPE, "code", TS, SEL_CODE3 & ~3, SET T_SS, SEL_CODE3
    MIDDLE TS_TASK_SS_TYPE, "read-only", TS, T2, SET_SEG T_SS, 0, 0xfffff, D_DATARO | 3 << 5, G_32 | G_PAGES, 3
    MIDDLE TS_TASK_SS_DPL, "DPL 0, RPL 3", TS, SEL_DATA0, SET T_SS, SEL_DATA0 | 3
    MIDDLE SS_TASK_NOT_PRESENT, "not present", SS_, T2, SET_SEG T_SS, 0, 0xfffff, (D_DATA | 3 << 5) & 0x7f, G_32 | G_PAGES, 3
    WORKS TS_TASK_SS_NULL, "not null", nop
    WORKS TS_TASK_SS_LIMIT, "in the GDT", nop
    WORKS TS_TASK_SS_RPL, "RPL 3", nop
    WORKS TS_TASK_SS_TYPE, "expand-down", SET_SEG T_SS, 0, 0, D_DOWN | 3 << 5, G_32, 3
    WORKS TS_TASK_SS_DPL, "DPL 3", nop
    WORKS SS_TASK_NOT_PRESENT, "present", SET_SEG T_SS, 0, 0xfffff, D_DATA | 3 << 5, G_32 | G_PAGES, 3
    ret

middle_data:
    MIDDLE TS_TASK_DATA_LIMIT, "ds beyond the GDT", TS, BEYOND, SET T_DS, BEYOND
    MIDDLE TS_TASK_DATA_LIMIT, "gs in no LDT", TS, 0xc, SET T_GS, 0xc
    MIDDLE TS_TASK_DATA_TYPE, "es: a TSS", TS, SEL_TSS, SET T_ES, SEL_TSS
    MIDDLE TS_TASK_DATA_TYPE, "fs: execute-only", TS, T2, SET_SEG T_FS, 0, 0xfffff, D_CODEXO | 3 << 5, G_32 | G_PAGES, 3
    MIDDLE TS_TASK_DATA_DPL, "ds: DPL 0", TS, SEL_DATA0, SET T_DS, SEL_DATA0
    MIDDLE TS_TASK_DATA_DPL, "fs: DPL 2", TS, SEL_DATA2 & ~3, SET T_FS, SEL_DATA2
    MIDDLE NP_TASK_DATA, "es not present", NP, T2, SET_SEG T_ES, 0, 0xfffff, (D_DATA | 3 << 5) & 0x7f, G_32 | G_PAGES, 3
    WORKS TS_TASK_DATA_LIMIT, "null", SET T_DS, 0
    WORKS TS_TASK_DATA_TYPE, "readable code", SET T_GS, SEL_CODE3
    WORKS TS_TASK_DATA_DPL, "conforming code of DPL 0", SET_SEG T_FS, 0, 0xfffff, D_CONF, G_32 | G_PAGES, 3
    WORKS NP_TASK_DATA, "present", SET_SEG T_ES, 0, 0xfffff, D_DATA | 3 << 5, G_32 | G_PAGES, 3
    ret

other:
    ; EIP is looked at last
    %macro NEG_EIP 2+
    NEG GP_TASK_IP, %1, GP, 0
        REGS_CHANGE
        MEMORY_CHANGES
        NEW_TASK
        SET_SEG T_CS, 0, 0xfff, D_CODE | 3 << 5, G_32, 3
        mov dword [NEW_TSS + T_EIP], 0x1000
        WANT_EIP 0x1000
        NESTED_IF %2
    AT
        %2
    DONE
    %endmacro
    %macro NESTED_IF 1+
        %ifidn %1,iretd
        NESTED
        SET_NT
        %endif
    %endmacro
    NEG_EIP "jmp", jmp T0:0
    NEG_EIP "call", call T0:0
    NEG_EIP "int n", int 0x50
    NEG_EIP "iret", iretd
    WORKS GP_TASK_IP, "inside", nop
    ; the error code of an exception goes to the new task's stack
    NEG NP_DATA+SS_LIMIT, "no room for the error code on the new stack", DF, 0
        REGS_CHANGE
        MEMORY_CHANGES
        NEW_TASK
        WANT_EIP task_begins
        SET_SEG T_SS, FREE, 0xfff, D_DATA | 3 << 5, G_32, 3
        mov dword [NEW_TSS + T_ESP], 2
        GATE IDT_ENTRY(NP), T0, 0, D_TASK, 0
        SEG T4, 0, 0, D_DATA & 0x7f, 0
        mov eax, T4
    AT
        mov es, ax
    DONE
    NEGT NP_DATA, "the error code is on the new task's stack", -1, 0
        NEW_TASK
        GATE IDT_ENTRY(NP), T0, 0, D_TASK, 0
        SEG T4, 0, 0, D_DATA & 0x7f, 0
        mov eax, T4
        mov dword [NEW_TSS + T_EIP], .with_error
        mov es, ax
.with_error:
        pop ecx
    DONE
    IS "error code in a task", dword [seen.ecx], T4
    mov eax, [tss + T_EFLAGS]
    and eax, FL_RF
    IS "the fault's RF is in the old TSS", eax, FL_RF
    ; the T bit: a debug trap before the task's first instruction
    NEG DB_TRAP, "T bit", DB_, 0
        REGS_CHANGE
        MEMORY_CHANGES
        NEW_TASK
        mov word [NEW_TSS + T_TRAP], 1
        WANT_EIP task_begins
        WANT_DR6 0xffff8ff0
    AT
        jmp T0:0
    DONE
    POS DB_TRAP, "no T bit"
        NEW_TASK
        mov word [NEW_TSS + T_TRAP], 0xfffe
        jmp T0:0
    CAUGHT
    ; a switch sets TS, clears local breakpoints
    NEG NM_TASK_SWITCHED, "fld after a switch", NM, 0
        REGS_CHANGE
        MEMORY_CHANGES
        NEW_TASK
        mov dword [NEW_TSS + T_EIP], .fld
        jmp T0:0
.fld:
    AT
        fldz
    DONE
    POS NM_TASK_SWITCHED, "clts"
        clts
        fldz
    DONE
    ret

END_OF_CASES
