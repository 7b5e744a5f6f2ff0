; interrupts64.asm: interrupts, page faults and debugging in long mode, and what compatibility mode keeps. SDM Vol. 2 INT n; Vol. 3A
; 4.5, 6.14.

%include "isa64.inc"

%define CALL64 db 0x48, 0xff, 0x1c, 0x25, FREE64 & 0xff, FREE64 >> 8 & 0xff, FREE64 >> 16 & 0xff, 0
%define PREPARE nop

cases:
    call interrupts
    call stacks
    call paging
    call compatibility
    ret

target:
    retfq
target_iret:
    iretq

; INT 50h through the gate of PREPARE
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
%define E50 (0x50 * 8 + 2)
interrupts:
    %define PREPARE INT_GATE 0x50, SEL_CODE64, target_iret, D_INT32, 0, 0
    SOFT GP_IDT_DPL, "ring 3, DPL 0", GP, E50, 3
    SOFT_POS GP_IDT_DPL, "ring 0", 0
    %define PREPARE INT_GATE 0x50, SEL_CODE64, target_iret, (D_INT32 | 3 << 5) & 0x7f, 0, 0
    SOFT NP_IDT, "not present", NP, E50, 3
    %define PREPARE INT_GATE 0x50, SEL_CODE64, target_iret, D_INT16 | 3 << 5, 0, 0
    SOFT GP_IDT_TYPE, "a 16-bit interrupt gate", GP, E50, 3
    %define PREPARE INT_GATE 0x50, SEL_CODE64, target_iret, D_TRAP16 | 3 << 5, 0, 0
    SOFT GP_IDT_TYPE, "a 16-bit trap gate", GP, E50, 0
    %define PREPARE INT_GATE 0x50, SEL_TSS64, target_iret, D_TASK | 3 << 5, 0, 0
    SOFT GP_IDT_TYPE, "a task gate", GP, E50, 3
    %define PREPARE INT_GATE 0x50, SEL_CODE64, target_iret, D_CALL32 | 3 << 5, 0, 0
    SOFT GP_IDT_TYPE, "a call gate", GP, E50, 3
    %define PREPARE INT_GATE 0x50, SEL_CODE64, target_iret, D_TRAP32 | 3 << 5, 0, 0
    SOFT_POS GP_IDT_TYPE, "trap gate", 3
    NEG GP_IDT_LIMIT, "the limit cuts 16 bytes", GP, E50
        PREPARE
        mov word [FREE64], 0x50 * 16 + 14
        mov qword [FREE64 + 2], IDT64
        lidt [FREE64]
    AT
        int 0x50
    DONE
    POS GP_IDT_LIMIT, "just inside"
        PREPARE
        mov word [FREE64], 0x50 * 16 + 15
        mov qword [FREE64 + 2], IDT64
        lidt [FREE64]
        int 0x50
        lidt [idtr64]
    DONE
    %define PREPARE INT_GATE 0x50, 0, target_iret, D_INT32 | 3 << 5, 0, 0
    SOFT GP_HANDLER_NULL, "0", GP, 0, 3
    %define PREPARE INT_GATE 0x50, BEYOND, target_iret, D_INT32 | 3 << 5, 0, 0
    SOFT GP_HANDLER_LIMIT, "beyond", GP, BEYOND, 3
    %define PREPARE INT_GATE 0x50, SEL_DATA64, target_iret, D_INT32 | 3 << 5, 0, 0
    SOFT GP_HANDLER_TYPE, "data", GP, SEL_DATA64, 3
    %define PREPARE INT_GATE 0x50, SEL_CODE0, target_iret, D_INT32 | 3 << 5, 0, 0
    SOFT GP_HANDLER_NOT_64, "32-bit code", GP, SEL_CODE0, 3
    SOFT GP_HANDLER_NOT_64, "32-bit code, ring 0", GP, SEL_CODE0, 0
    NEG GP_HANDLER_NOT_64, "L and D", GP, T1
        SEG T1, 0, 0xfffff, D_CODE, G_LONG | G_32 | G_PAGES
        INT_GATE 0x50, T1, target_iret, D_INT32 | 3 << 5, 0, 0
    GO 3
    AT
        int 0x50
    DONE
    NEG UD_UD+GP_HANDLER_NOT_64, "an exception: EXT", GP, SEL_CODE0 | 1
        mov word [IDT64 + UD * 16 + 2], SEL_CODE0
    AT
        ud2
    DONE
    %define PREPARE INT_GATE 0x50, SEL_CODE64_3, target_iret, D_INT32 | 3 << 5, 0, 0
    SOFT_POS GP_HANDLER_NOT_64, "64-bit code, same ring 3", 3
    SOFT GP_HANDLER_DPL, "ring 0, DPL 3", GP, SEL_CODE64_3 & ~3, 0
    %define PREPARE INT_GATE 0x50, SEL_CODE64, target_iret, D_INT32 | 3 << 5, 0, 0x8000
    SOFT GP_TARGET_CANONICAL, "handler", GP, 0, 3
    SOFT GP_TARGET_CANONICAL, "handler, same ring", GP, 0, 0
    NEG DE_ZERO+NP_IDT, "#DF", DF, 0
        and byte [IDT64 + 5], 0x7f
        xor ecx, ecx
    AT
        div ecx
    DONE
    NEG UD_UD+NP_IDT, "#NP, EXT", NP, 6 * 8 + 2 + 1
        and byte [IDT64 + UD * 16 + 5], 0x7f
    GO 3
    AT
        ud2
    DONE
    ret

stacks:
    %define PREPARE INT_GATE 0x50, SEL_CODE64, target_iret, D_INT32 | 3 << 5, 0, 0
    NEG SS_NEW_CANONICAL, "int n, RSP0", SS_, 0
        PREPARE
        mov rax, 0x800000001000
        mov [TSS64 + 4], rax
    GO 3
    AT
        int 0x50
    DONE
    NEG SS_NEW_CANONICAL, "int n, IST", SS_, 0
        INT_GATE 0x50, SEL_CODE64, target_iret, D_INT32 | 3 << 5, 3, 0
        mov rax, 0x800000001000
        mov [TSS64 + 52], rax
    AT
        int 0x50
    DONE
    NEG SS_NEW_CANONICAL, "int n, same stack", SS_, 0
        INT_GATE 0x50, SEL_CODE64, target_iret, D_INT32 | 3 << 5, 0, 0
    GO 0
        mov rsp, 0x800000001000
    AT
        int 0x50
    DONE
    NEG SS_NEW_CANONICAL, "call gate", SS_, 0
        CALL_GATE T0, SEL_CODE64, target, D_CALL32 | 3 << 5, 0, 0
        POINTER 0, T0
        mov rax, 0x800000001000
        mov [TSS64 + 4], rax
    GO 3
    AT
        CALL64
    DONE
    NEG UD_UD+SS_NEW_CANONICAL, "an exception: EXT", SS_, 1
        INT_GATE UD, SEL_CODE64, case_trap_6, D_INT32, 0, 0
        mov rax, 0x800000001000
        mov [TSS64 + 4], rax
    GO 3
    AT
        ud2
    DONE
    NEG DE_ZERO+SS_NEW_CANONICAL, "contributory twice: #DF", DF, 0
        INT_GATE DE, SEL_CODE64, case_trap_0, D_INT32, 0, 0
        mov rax, 0x800000001000
        mov [TSS64 + 4], rax
        xor ecx, ecx
    GO 3
    AT
        div ecx
    DONE
    POS SS_NEW_CANONICAL, "the frame is aligned to 16"
        INT_GATE 0x50, SEL_CODE64, .aligned, D_INT32 | 3 << 5, 0, 0
        sub rsp, 4
        mov rbx, rsp
        int 0x50
.aligned:
        mov rax, rsp
        mov rcx, [rsp + 24]
    DONE
    mov rax, [seen.rbx]
    and rax, ~15
    sub rax, 40
    IS "RSP in the handler", qword [seen.rax], rax
    mov rax, [seen.rbx]
    IS "RSP in the frame", qword [seen.rcx], rax
    NEG TS_LIMIT, "IST outside the TSS", TS, T0
        SYS T0, TSS64, 0, 58, D_TSS32, 0
        INT_GATE 0x50, SEL_CODE64, target_iret, D_INT32 | 3 << 5, 4, 0
        mov ax, T0
        ltr ax
    AT
        int 0x50
    DONE
    POS TS_LIMIT, "IST just inside"
        SYS T0, TSS64, 0, 67, D_TSS32, 0
        INT_GATE 0x50, SEL_CODE64, target_iret, D_INT32 | 3 << 5, 4, 0
        mov qword [TSS64 + 60], STACK_64 - 0x400
        mov ax, T0
        ltr ax
        int 0x50
    DONE
    ret

; ---- 4-level paging
P equ 1
W equ 2
U equ 4
%macro NEG_PF 6+                ; rule, what, error, address, ring, instruction
    NEG %1, %2, PF, %3
        PREPARE
        WANT_CR2 %4
        mov rbx, %4
    GO %5
    AT
        %6
    DONE
%endmacro
paging:
    %define PREPARE PTE 0, W | U
    NEG_PF PF_NOT_PRESENT, "page, write, ring 3", E_W | E_U, V, 3, mov [rbx], rax
    NEG PF_NOT_PRESENT, "fetch: with NXE the bit is set", PF, E_I
        PREPARE
        WANT_CR2 V
        WANT_RIP V
        mov eax, V
    AT
        jmp rax
    DONE
    %define PREPARE nop
    NEG_PF PF_NOT_PRESENT, "directory", 0, 0x400000, 0, mov rax, [rbx]
    NEG_PF PF_NOT_PRESENT, "directory pointer", E_U, 0x40000000, 3, mov rax, [rbx]
    NEG_PF PF_NOT_PRESENT, "PML4", E_W, 0xffff800000000000, 0, mov [rbx], al
    NEG_PF PF_NOT_PRESENT, "last byte of the address space", 0, 0xffffffffffffffff, 0, mov al, [rbx]
    POS PF_NOT_PRESENT, "present"
        mov rax, [V]
    DONE
    NEG PF_NOT_PRESENT, "a qword wraps around to 0", PF, 0
        WANT_CR2 0xfffffffffffffffc
        mov rbx, -4
    AT
        mov rax, [rbx]
    DONE
    %define PREPARE PTE 0, P | W
    NEG_PF PF_USER, "page", E_P | E_U, V, 3, mov rax, [rbx]
    %define PREPARE PTE 0, P | U
    NEG_PF PF_WRITE, "page, ring 0 with WP", E_P | E_W, V, 0, mov [rbx], rax
    %macro UPPER 2              ; address of an entry, upper half
        mov dword [(%1) + 4], %2
        mov rax, cr3
        mov cr3, rax
    %endmacro
    %define PREPARE UPPER PT_L, 0x100
    NEG_PF PF_RESERVED, "page, bit 40, width 40", E_P | E_R, V, 0, mov rax, [rbx]
    %define PREPARE UPPER PT_L, 0x80000
    NEG_PF PF_RESERVED, "page, bit 51, write at ring 3", E_P | E_R | E_U | E_W, V, 3, mov [rbx], rax
    %define PREPARE UPPER PT_L, 0x7ff00000
    POS PF_RESERVED, "bits 52 to 62 are free"
        PREPARE
        mov rax, [V]
    DONE
    %macro ENTRY 2              ; address, low half
        mov dword [%1], %2
        mov rax, cr3
        mov cr3, rax
    %endmacro
    %define PREPARE ENTRY PD_L + 16, 0x2087
    NEG_PF PF_RESERVED, "2 MiB page, bit 13", E_P | E_R, 0x400000, 0, mov rax, [rbx]
    %define PREPARE ENTRY PD_L + 16, 0x100087
    NEG_PF PF_RESERVED, "2 MiB page, bit 20", E_P | E_R, 0x400000, 0, mov rax, [rbx]
    %define PREPARE ENTRY PD_L + 16, 0x1087
    POS PF_RESERVED, "2 MiB page, bit 12 is PAT"
        PREPARE
        mov rax, [0x400000]
    DONE
    %define PREPARE ENTRY PDPT_L + 8, 0x20000087
    NEG_PF PF_RESERVED, "1 GiB page, bit 29", E_P | E_R, 0x40000000, 0, mov rax, [rbx]
    %define PREPARE ENTRY PDPT_L + 8, 0x87
    POS PF_RESERVED, "1 GiB page"
        PREPARE
        mov rax, [0x40000000 + FREE64]
    DONE
    %define PREPARE ENTRY PML4 + 8, PDPT_L | 0x87
    NEG_PF PF_RESERVED, "PML4, bit 7", E_P | E_R, 0x8000000000, 0, mov rax, [rbx]
    %macro NO_NXE 0
        mov ecx, MSR_EFER
        mov eax, EFER_LME | EFER_SCE
        xor edx, edx
        wrmsr
        UPPER PT_L, 0x80000000
    %endmacro
    %define PREPARE NO_NXE
    NEG_PF PF_RESERVED, "bit 63 without NXE", E_P | E_R, V, 0, mov rax, [rbx]
    %define PREPARE UPPER PT_L, 0x80000000
    NEG PF_NX, "page", PF, E_P | E_I
        PREPARE
        WANT_CR2 V
        WANT_RIP V
        mov eax, V
    AT
        jmp rax
    DONE
    %define PREPARE UPPER PD_L + 8, 0x80000000
    NEG PF_NX, "directory, ring 3", PF, E_P | E_I | E_U
        PREPARE
        WANT_CR2 V
        WANT_RIP V
        mov eax, V
    GO 3
    AT
        jmp rax
    DONE
    POS PF_NX, "reading"
        PREPARE
        mov rax, [V]
    DONE
    ; SMEP and SMAP: the kernel's own pages become supervisor's
    %macro SUPERVISOR 1
        and dword [PD_L], ~4
        CR4_SET %1
    %endmacro
    NEG PF_SMEP, "4 levels", PF, E_P | E_I
        SUPERVISOR CR4_SMEP
        WANT_CR2 V
        WANT_RIP V
        mov eax, V
    AT
        jmp rax
    DONE
    NEG PF_SMAP, "4 levels", PF, E_P | E_W
        SUPERVISOR CR4_SMAP
        WANT_CR2 V + 8
    AT
        mov [V + 8], rax
    DONE
    POS PF_SMAP, "4 levels, with AC"
        SUPERVISOR CR4_SMAP
        stac
        mov [V + 8], rax
    DONE
    POS PF_SMEP, "4 levels, reading"
        SUPERVISOR CR4_SMEP
        mov rax, [V]
    DONE
    %define PREPARE PTE 1, W | U
    NEG PF_NOT_PRESENT, "qword across", PF, E_W
        PREPARE
        WANT_CR2 V + 0x1000
    AT
        mov [V + 0xffc], rax
    DONE
    NEG PF_NOT_PRESENT, "cmpxchg16b", PF, E_W
        PTE 0, W | U
        WANT_CR2 V + 16
    AT
        lock cmpxchg16b [V + 16]
    DONE
    NEG PF_NOT_PRESENT+PF_NOT_PRESENT, "page fault, IST not present: #DF", DF, 0
        PREPARE
        INT_GATE PF, SEL_CODE64, case_trap_14, D_INT32, 4, 0
        mov rax, V + 0x1010
        mov [TSS64 + 60], rax
        WANT_CR2 V + 0x1008
    AT
        mov rax, [V + 0x1000]
    DONE
    ret

; ---- compatibility mode keeps segmentation
compatibility:
    %macro SEG_ES 4
        SEG T0, %1, %2, (%3) | 3 << 5, %4
    %endmacro
    NEG GP_DATA_LIMIT, "compatibility mode", GP, 0
        SEG_ES FREE64, 0xfff, D_DATA, G_32
    GO_32 3
        push dword T0
        pop es
    AT32
        mov [es:0xffd], eax
    DONE32
    POS GP_DATA_LIMIT, "compatibility mode"
        SEG_ES FREE64, 0xfff, D_DATA, G_32
    GO_32 3
        push dword T0
        pop es
        mov [es:0xffc], eax
    DONE32
    NEG GP_DATA_LIMIT, "compatibility mode, expand-down", GP, 0
        SEG_ES FREE64, 0xfff, D_DOWN, G_32
    GO_32 3
        push dword T0
        pop es
    AT32
        mov al, [es:0xfff]
    DONE32
    NEG SS_LIMIT, "compatibility mode", SS_, 0
        SEG_ES FREE64, 0xfff, D_DATA, G_32
    GO_32 3
        push dword T0 | 3
        pop ss
        mov esp, 0x1002
    AT32
        push eax
    DONE32
    NEG GP_DATA_NOT_WRITABLE, "compatibility mode, cs", GP, 0
    GO_32 0
    AT32
        mov [cs:FREE64], al
    DONE32
    NEG GP_CODE_LIMIT, "compatibility mode", GP, 0
        SEG T0, 0, 0x1ffff, D_CODE, G_32
    GO_32 0
        mov eax, 0x20000
        jmp T0:.limited
.limited:
    AT32
        jmp eax
    DONE32
    NEG GP_FAR_L_AND_D, "from compatibility mode", GP, T0
        SEG T0, 0, 0xfffff, D_CODE, G_LONG | G_32 | G_PAGES
    GO_32 0
    AT32
        jmp T0:0
    DONE32
    NEG GP_FAR_TYPE_LONG, "from compatibility mode: a TSS", GP, SEL_TSS64
    GO_32 0
    AT32
        jmp SEL_TSS64:0
    DONE32
    NEG GP_GATE_TARGET_NOT_64, "from compatibility mode", GP, SEL_CODE0
        CALL_GATE T0, SEL_CODE0, target, D_CALL32 | 3 << 5, 0, 0
    GO_32 3
    AT32
        call T0:0
    DONE32
    POS GP_GATE_TARGET_NOT_64, "from compatibility mode to 64-bit ring 0"
        CALL_GATE T0, SEL_CODE64, .in64, D_CALL32 | 3 << 5, 0, 0
    GO_32 3
        call T0:0
        bits 64
.in64:
        mov rax, rsp
    DONE
    IS "RSP", qword [seen.rax], RSP0 - 32
    NEG UD_UD, "an exception of compatibility mode", UD, 0
    GO_32 3
    AT32
        ud2
    DONE32
    NEG DB_INSTRUCTION, "compatibility mode", DB_, 0
        WANT_DR6 0xffff0ff1
        mov rax, %$at
        mov dr0, rax
        mov eax, 2
        mov dr7, rax
    GO_32 3
    AT32
        nop
    DONE32
    NEG DB_INSTRUCTION, "64-bit mode", DB_, 0
        WANT_DR6 0xffff0ff1
        mov rax, %$at
        mov dr0, rax
        mov eax, 2
        mov dr7, rax
    GO 3
    AT
        nop
    DONE
    NEGT DB_TRAP, "64-bit mode, eight bytes", DB_, 0
        WANT_DR6 0xffff0ff1
        mov eax, FREE64
        mov dr0, rax
        mov eax, 2 | 1 << 16 | 2 << 18
        mov dr7, rax
        mov [FREE64 + 7], al
    DONE
    NEG DB_GENERAL_DETECT, "64-bit mode", DB_, 0
        WANT_DR6 0xffff2ff0
        mov eax, 0x2000
        mov dr7, rax
    AT
        mov rax, dr7
    DONE
    NEGT DB_TRAP, "single step, 64-bit mode", DB_, 0
        WANT_DR6 0xffff4ff0
        pushfq
        or dword [rsp], FL_TF
        popfq
        nop
    DONE
    ret

END_OF_CASES
