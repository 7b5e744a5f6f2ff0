; debug.asm: breakpoints on instructions, data and ports, single steps, general detect, RF, and what stands behind MOV SS.
; SDM Vol. 3B chapter 17, Vol. 3A 6.8.3, 6.9.

%include "isa.inc"

DR6_NONE equ 0xffff0ff0
B0 equ 1
B1 equ 2
BD equ 0x2000
BS equ 0x4000
; DR7: enabling breakpoint 0 globally, its condition and length
ON    equ 2
EXEC  equ 0 << 16
WRITE equ 1 << 16
IO    equ 2 << 16
ACCESS equ 3 << 16
LEN1  equ 0 << 18
LEN2  equ 1 << 18
LEN8  equ 2 << 18
LEN4  equ 3 << 18

%macro CR4_SET 1
    mov eax, cr4
    or eax, %1
    mov cr4, eax
%endmacro
%macro WATCH 2                  ; address, DR7; EAX is lost
    mov eax, %1
    mov dr0, eax
    mov eax, %2
    mov dr7, eax
%endmacro
%macro STEP 0                   ; TF: the trap comes behind the next instruction but one (POPF itself is not stepped)
    pushfd
    or dword [esp], FL_TF
    popfd
%endmacro

cases:
    call instructions
    call resume
    call data
    call ports
    call steps
    call detect
    call stack_switches
    call branches
    ret

instructions:
    NEG DB_INSTRUCTION, "nop", DB_, 0
        WANT_DR6 DR6_NONE | B0
        WANT_RF 0
        WATCH %$at, ON | EXEC
    AT
        nop
    DONE
    NEG DB_INSTRUCTION, "local enable, DR3", DB_, 0
        WANT_DR6 DR6_NONE | 8
        WANT_RF 0
        mov eax, %$at
        mov dr3, eax
        mov eax, 1 << 6
        mov dr7, eax
    AT
        mov eax, [FREE]
    DONE
    NEG DB_INSTRUCTION, "two at once", DB_, 0
        WANT_DR6 DR6_NONE | B0 | B1
        WANT_RF 0
        mov eax, %$at
        mov dr1, eax
        WATCH %$at, ON | ON << 2
    AT
        nop
    DONE
    NEG DB_INSTRUCTION, "ring 3", DB_, 0
        WANT_DR6 DR6_NONE | B0
        WANT_RF 0
        WATCH %$at, ON
    GO 3
    AT
        nop
    DONE
    NEG DB_INSTRUCTION, "the linear address counts", DB_, 0
        WANT_DR6 DR6_NONE | B0
        WANT_RF 0
        WANT_EIP %$at - 0x1000
        SEG T0, 0x1000, 0xfffff, D_CODE, G_32 | G_PAGES
        WATCH %$at, ON
        jmp T0:.based - 0x1000
.based:
    AT
        nop
    DONE
    NEG DB_INSTRUCTION, "before the instruction's own faults", DB_, 0
        WANT_DR6 DR6_NONE | B0
        WANT_RF 0
        WATCH %$at, ON
    AT
        ud2
    DONE
    NEG DB_INSTRUCTION, "with a prefix: at its first byte", DB_, 0
        WANT_DR6 DR6_NONE | B0
        WANT_RF 0
        WATCH %$at, ON
    AT
        lock inc dword [FREE]
    DONE
    NEG DB_INSTRUCTION, "rep: before the first iteration", DB_, 0
        WANT_DR6 DR6_NONE | B0
        WANT_RF 0
        WATCH %$at, ON
        mov ecx, 5
        mov edi, FREE
    AT
        rep stosd
    DONE
    NEG DB_INSTRUCTION, "vm86", DB_, 0
        WANT_DR6 DR6_NONE | B0
        WATCH %$at, ON
    GO_V86 0x3000
    AT16
        nop
    DONE16
    NEG DB_INSTRUCTION, "real", DB_, 0
        WANT_DR6 DR6_NONE | B0
        WATCH %$at, ON
    GO_REAL
    AT16
        nop
    DONE16
    POS DB_INSTRUCTION, "not at an instruction's first byte"
        WATCH .operand + 1, ON
.operand:
        mov ecx, 0x12345678
    DONE
    POS DB_INSTRUCTION, "not enabled"
        WATCH .disabled, 0x700
.disabled:
        nop
    DONE
    POS DB_INSTRUCTION, "jumped over"
        WATCH .over, ON
        jmp .behind
.over:
        nop
.behind:
        nop
    DONE
    POS DB_INSTRUCTION, "reading it is no execution"
        WATCH .read, ON
        mov al, [.read]
        mov [.read], al
        jmp .read_end
.read:
        nop
.read_end:
    DONE
    ret

; RF: one instruction runs without its breakpoint
resume:
    POS DB_INSTRUCTION, "IRET with RF"
        WATCH .rf, ON
        pushfd
        or dword [esp], FL_RF
        push dword SEL_CODE0
        push dword .rf
        iretd
.rf:
        nop
        pushfd
        pop eax
    DONE
    mov eax, [seen.eax]
    and eax, FL_RF
    IS "the instruction has cleared RF", eax, 0
    POS DB_INSTRUCTION, "rep: RF lasts for all its iterations"
        mov ecx, 5
        mov edi, FREE
        WATCH .rep, ON
        pushfd
        or dword [esp], FL_RF
        push dword SEL_CODE0
        push dword .rep
        iretd
.rep:
        rep stosd
    DONE
    IS "rep: ECX", dword [seen.ecx], 0
    NEGT DB_TRAP, "rep: a single step in the middle saves RF", DB_, 0
        WANT_RF 1
        WANT_DR6 DR6_NONE | BS
        WANT_EIP .stepped
        mov edi, FREE
        mov ecx, 10
        STEP
.stepped:
        rep stosd
    DONE
    NEG DB_INSTRUCTION, "RF lasts for one instruction", DB_, 0
        REGS_CHANGE
        WANT_DR6 DR6_NONE | B0
        WANT_RF 0
        WANT_EIP .once
        WATCH .once, ON
        pushfd
        or dword [esp], FL_RF
        push dword SEL_CODE0
        push dword .once
    AT
        iretd
.once:
        nop
        jmp .once
    DONE
    NEG DB_INSTRUCTION, "POPF does not set RF", DB_, 0
        WANT_DR6 DR6_NONE | B0
        WANT_RF 0
        WATCH %$at, ON
        REGS_CHANGE
        MEMORY_CHANGES
        pushfd
        or dword [esp], FL_RF
        popfd
    AT_BARE
        nop
    DONE
    NEG DB_INSTRUCTION, "a 16-bit IRET clears RF", DB_, 0
        WANT_DR6 DR6_NONE | B0
        WANT_RF 0
        SEG T0, IMAGE, 0xffff, D_CODE, G_32
        WANT_EIP IP_OF(.iret16)
        REGS_CHANGE
        WATCH .iret16, ON
        pushfw
        push word T0
        push word IP_OF(.iret16)
    AT
        o16 iret
.iret16:
        nop
    DONE
    POS DB_INSTRUCTION, "RF in a task's EFLAGS; a fault saves it"
        nop
    DONE
    NEG UD_UD, "faults save RF", UD, 0
        WANT_RF 1
        WATCH FREE, ON
    AT
        ud2
    DONE
    ret

%macro DATA_HIT 4+              ; what, address, DR7, instruction; EBX = FREE
    NEGT DB_TRAP, %1, DB_, 0
        WANT_DR6 DR6_NONE | B0
        mov ebx, FREE
        mov esi, FREE
        mov edi, FREE + 0x100
    GO 0
        WATCH %2, %3
        %4
    DONE
%endmacro
%macro DATA_MISS 4+
    POS DB_TRAP, %1
        mov ebx, FREE
        mov esi, FREE
        mov edi, FREE + 0x100
    GO 0
        WATCH %2, %3
        %4
    DONE
%endmacro
data:
    DATA_HIT "write of a byte", FREE, ON | WRITE | LEN1, mov [ebx], al
    DATA_HIT "write of a dword over the byte", FREE + 3, ON | WRITE | LEN1, mov [ebx], eax
    DATA_HIT "write of a byte into the dword", FREE, ON | WRITE | LEN4, mov [ebx + 3], al
    DATA_HIT "the address is aligned to the length", FREE + 3, ON | WRITE | LEN4, mov [ebx], al
    DATA_HIT "word", FREE + 2, ON | WRITE | LEN2, mov [ebx + 3], al
    DATA_HIT "across the boundary", FREE + 4, ON | WRITE | LEN4, mov [ebx + 1], eax
    DATA_HIT "read", FREE, ON | ACCESS | LEN4, mov eax, [ebx]
    DATA_HIT "write with read-write", FREE, ON | ACCESS | LEN4, mov [ebx], eax
    DATA_HIT "read-modify-write", FREE, ON | WRITE | LEN4, inc dword [ebx]
    DATA_HIT "compare reads", FREE, ON | ACCESS | LEN4, cmp [ebx], eax
    DATA_HIT "xchg", FREE, ON | WRITE | LEN4, xchg [ebx], eax
    DATA_HIT "movs, source", FREE, ON | ACCESS | LEN4, movsd
    DATA_HIT "movs, destination", FREE + 0x100, ON | WRITE | LEN4, movsd
    DATA_HIT "fst", FREE + 4, ON | WRITE | LEN4, fst qword [ebx]
    DATA_HIT "tword", FREE + 8, ON | WRITE | LEN2, fstp tword [ebx]
    DATA_HIT "movups", FREE + 12, ON | WRITE | LEN4, movups [ebx], xmm0
    DATA_HIT "fxsave", FREE + 0x100, ON | WRITE | LEN1, fxsave [ebx]
    DATA_HIT "sgdt", FREE + 5, ON | WRITE | LEN1, sgdt [ebx]
    ; pushes of every kind, and what the processor reads and writes by itself
    %macro STACK_HIT 3+         ; what, SP behind the push that meets it, instruction
    NEGT DB_TRAP, %1, DB_, 0
        WANT_DR6 DR6_NONE | B0
        WANT_EIP .pushed
        GATE IDT_ENTRY(0x50), SEL_CODE0, .pushed, D_INT32, 0
        mov esp, STACK0 - 0x100
        WATCH STACK0 - 0x100 - (%2), ON | WRITE | LEN4
        %3
    DONE
    %endmacro
    STACK_HIT "push", 4, call .pushed
    STACK_HIT "call far", 8, call SEL_CODE0:.pushed
    STACK_HIT "call far, CS", 4, call SEL_CODE0:.pushed
    STACK_HIT "int n: before its handler's first instruction", 12, int 0x50
    NEGT DB_TRAP, "pusha", DB_, 0
        WANT_DR6 DR6_NONE | B0
        mov esp, STACK0 - 0x100
        WATCH STACK0 - 0x110, ON | WRITE | LEN4
        pushad
    DONE
    NEGT DB_TRAP, "enter", DB_, 0
        WANT_DR6 DR6_NONE | B0
        mov esp, STACK0 - 0x100
        WATCH STACK0 - 0x104, ON | WRITE | LEN4
        enter 8, 0
    DONE
    NEGT DB_TRAP, "a descriptor", DB_, 0
        WANT_DR6 DR6_NONE | B0
        SEG T0, 0, 0xfffff, D_DATA, G_32 | G_PAGES
        WATCH GDT_ENTRY(T0), ON | ACCESS | LEN4
        mov eax, T0
        mov es, ax
    DONE
    NEGT DB_TRAP, "its accessed bit", DB_, 0
        WANT_DR6 DR6_NONE | B0
        DESCRIPTOR T0, 0, 0xfffff, D_DATA, G_32 | G_PAGES
        WATCH GDT_ENTRY(T0) + 5, ON | WRITE | LEN1
        mov eax, T0
        mov es, ax
    DONE
    DATA_HIT "local enable", FREE, 1 | WRITE | LEN4, mov [ebx], eax
    DATA_MISS "byte before", FREE + 1, ON | WRITE | LEN1, mov [ebx], al
    DATA_MISS "byte behind", FREE, ON | WRITE | LEN1, mov [ebx + 1], al
    DATA_MISS "dword behind the word", FREE, ON | WRITE | LEN2, mov [ebx + 2], eax
    DATA_MISS "reading does not meet a write breakpoint", FREE, ON | WRITE | LEN4, mov eax, [ebx]
    DATA_MISS "lea, prefetch", FREE, ON | ACCESS | LEN4, prefetcht0 [ebx]
    DATA_MISS "disabled", FREE, WRITE | LEN4 | 0x700, mov [ebx], eax
    DATA_MISS "fetching code", .code, ON | ACCESS | LEN1, call .code
    NEGT DB_TRAP, "ring 3", DB_, 0
        WANT_DR6 DR6_NONE | B0
        WATCH FREE, ON | WRITE | LEN4
    GO 3
        mov [FREE], eax
    DONE
    NEGT DB_TRAP, "vm86", DB_, 0
        WANT_DR6 DR6_NONE | B0
        WATCH FREE, ON | WRITE | LEN4
    GO_V86 0x3000
        mov [0], ax
    DONE16
    NEGT DB_TRAP, "two at once", DB_, 0
        WANT_DR6 DR6_NONE | B0 | B1
    GO 0
        mov eax, FREE + 2
        mov dr1, eax
        WATCH FREE, ON | WRITE | LEN1 | ON << 2 | WRITE << 4
        mov [FREE], eax
    DONE
    NEGT DB_TRAP, "rep stos: behind the iteration", DB_, 0
        WANT_RF 1
        WANT_DR6 DR6_NONE | B0
        WANT_EIP .rep
        mov edi, FREE
        mov ecx, 10
    GO 0
        WATCH FREE + 8, ON | WRITE | LEN4
.rep:
        rep stosd
    DONE
    IS "rep stos: ECX", dword [seen.ecx], 7
    IS "rep stos: EDI", dword [seen.edi], FREE + 12
    NEGT DB_TRAP, "rep stos: the last iteration", DB_, 0
        WANT_RF 0
        WANT_DR6 DR6_NONE | B0
        mov edi, FREE
        mov ecx, 3
    GO 0
        WATCH FREE + 8, ON | WRITE | LEN4
        rep stosd
    DONE
    ; a fault drops what the instruction has met
    NEG GP_DATA_LIMIT, "a fault comes before the trap", GP, 0
        WANT_DR6 DR6_NONE
        SEG T0, FREE, 0xfff, D_DATA, G_32
        LOAD es, T0
        mov esi, FREE
        mov edi, 0x1000
    GO 0
        WATCH FREE, ON | ACCESS | LEN4
    AT
        movsd
    DONE
    ret
.code:
    ret
.pushed:
    nop
    ret

ports:
    %macro PORT_HIT 3+          ; what, DR0, instruction
    NEGT DB_TRAP, %1, DB_, 0
        WANT_DR6 DR6_NONE | B0
        CR4_SET CR4_DE
        mov edi, FREE
        mov dx, 0x80
    GO 0
        WATCH %2, ON | IO | LEN1
        mov al, 0
        %3
    DONE
    %endmacro
    PORT_HIT "in", 0x80, in al, dx
    PORT_HIT "out", 0x80, out 0x80, al
    PORT_HIT "word over the port", 0x81, in ax, dx
    PORT_HIT "ins", 0x80, insb
    PORT_HIT "outs", 0x80, outsb
    POS DB_TRAP, "another port"
        CR4_SET CR4_DE
        WATCH 0x80, ON | IO | LEN1
        in al, 0x81
    DONE
    POS DB_TRAP, "memory at the same address"
        CR4_SET CR4_DE
        WATCH 0x80, ON | IO | LEN1
        mov al, [0x80]
    DONE
    NEG GP_IO_BITMAP, "a port that is not allowed: no trap", GP, 0
        WANT_DR6 DR6_NONE
        CR4_SET CR4_DE
        WATCH 0x80, ON | IO | LEN1
    GO 3
    AT
        in al, 0x80
    DONE
    NEGT DB_TRAP, "rep outs: behind the iteration", DB_, 0
        WANT_DR6 DR6_NONE | B0
        WANT_EIP .rep
        CR4_SET CR4_DE
        mov esi, FREE
        mov ecx, 3
        mov dx, 0x80
    GO 0
        WATCH 0x80, ON | IO | LEN1
.rep:
        rep outsb
    DONE
    IS "rep outs: ECX", dword [seen.ecx], 2
    ret

steps:
    NEGT DB_TRAP, "single step", DB_, 0
        WANT_DR6 DR6_NONE | BS
        STEP
        mov eax, 1
    DONE
    NEGT DB_TRAP, "a jump", DB_, 0
        WANT_DR6 DR6_NONE | BS
        WANT_EIP .target
        STEP
        jmp .target
        nop
.target:
        nop
    DONE
    NEGT DB_TRAP, "ring 3", DB_, 0
        WANT_DR6 DR6_NONE | BS
    GO 3
        STEP
        mov eax, 1
    DONE
    NEGT DB_TRAP, "IRET with TF: behind the first instruction", DB_, 0
        WANT_DR6 DR6_NONE | BS
        WANT_EIP .behind
        pushfd
        or dword [esp], FL_TF
        push dword SEL_CODE0
        push dword .first
        iretd
.first:
        nop
.behind:
        nop
    DONE
    NEGT DB_TRAP, "rep: behind each iteration", DB_, 0
        WANT_DR6 DR6_NONE | BS
        WANT_EIP .rep
        mov ecx, 3
        mov edi, FREE
        STEP
.rep:
        rep stosd
    DONE
    IS "rep: ECX", dword [seen.ecx], 2
    NEGT DB_TRAP, "rep: the last iteration", DB_, 0
        WANT_DR6 DR6_NONE | BS
        mov ecx, 1
        mov edi, FREE
        STEP
        rep stosd
    DONE
    NEGT DB_TRAP, "rep with ECX 0", DB_, 0
        WANT_DR6 DR6_NONE | BS
        xor ecx, ecx
        STEP
        rep stosd
    DONE
    NEGT DB_TRAP, "with a data breakpoint: one trap", DB_, 0
        WANT_DR6 DR6_NONE | BS | B0
    GO 0
        WATCH FREE, ON | WRITE | LEN4
        STEP
        mov [FREE], eax
    DONE
    NEGT DB_TRAP, "POPF that clears TF is still stepped", DB_, 0
        WANT_DR6 DR6_NONE | BS
        pushfd
        STEP
        popfd
    DONE
    NEGT DB_TRAP, "sti's shadow does not hold it back", DB_, 0
        WANT_DR6 DR6_NONE | BS
        STEP
        sti
    DONE
    NEG UD_UD, "a fault: no step", UD, 0
        WANT_DR6 DR6_NONE
        REGS_CHANGE
        STEP
    AT_BARE
        ud2
    DONE
    mov eax, [seen.eflags]
    and eax, FL_TF
    IS "a fault saves TF", eax, FL_TF
    POS DB_TRAP, "INT n clears TF: its handler is not stepped"
        GATE IDT_ENTRY(0x50), SEL_CODE0, .handler, D_INT32, 0
        STEP
        int 0x50
.handler:
        pushfd
        pop eax
    DONE
    mov eax, [seen.eax]
    and eax, FL_TF
    IS "TF in the handler", eax, 0
    POS DB_TRAP, "no TF"
        pushfd
        popfd
        nop
    DONE
    ; INT1: a trap that looks at nothing and sets nothing
    NEGT NONE, "icebp", DB_, 0
        WANT_DR6 DR6_NONE
        db 0xf1
    DONE
    NEGT NONE, "icebp, vm86, IOPL 0", DB_, 0
        WANT_DR6 DR6_NONE
    GO_V86 0
        db 0xf1
    DONE16
    NEGT NONE, "icebp clears GD", DB_, 0
        WANT_DR6 DR6_NONE
        mov eax, 0x2000
        mov dr7, eax
        db 0xf1
    DONE
    ret

detect:
    %macro GD 2+
    NEG DB_GENERAL_DETECT, %1, DB_, 0
        WANT_DR6 DR6_NONE | BD
        mov eax, 0x2000
        mov dr7, eax
    AT
        %2
    DONE
    %endmacro
    GD "mov from dr0", mov eax, dr0
    GD "mov to dr0", mov dr0, eax
    GD "mov from dr6", mov eax, dr6
    GD "mov to dr7", mov dr7, eax
    GD "dr4", {db 0x0f, 0x21, 0xe0}
    ; the handler reads DR6 itself, and is detected then
    NEG GP_PRIVILEGED+DB_GENERAL_DETECT, "the ring comes first", DB_, 0
        WANT_DR6 DR6_NONE | BD
        WANT_EIP 0
        REGS_CHANGE
        mov eax, 0x2000
        mov dr7, eax
        mov eax, cr0
        mov cr0, eax
    GO 3
    AT
        mov eax, dr0
    DONE
    POS DB_GENERAL_DETECT, "without GD"
        mov eax, dr0
        mov dr0, eax
    DONE
    NEG DB_GENERAL_DETECT, "real", DB_, 0
        WANT_DR6 DR6_NONE | BD
    GO_REAL
        mov eax, 0x2000
        mov dr7, eax
    AT16
        mov eax, dr0
    DONE16
    ; DR6 and DR7 have fixed bits
    POS UD_DEBUG_REGISTER, "fixed bits"
        xor eax, eax
        mov dr6, eax
        mov ecx, dr6
        dec eax
        mov dr6, eax
        mov edx, dr6
        xor eax, eax
        mov dr7, eax
        mov ebx, dr7
    DONE
    IS "DR6 := 0", dword [seen.ecx], 0xffff0ff0
    IS "DR6 := FFFFFFFFh", dword [seen.edx], 0xffffefff
    IS "DR7 := 0", dword [seen.ebx], 0x400
    ret

; ---- SDM Vol. 3A 6.8.3: MOV SS and POP SS hold debug exceptions back for one instruction
stack_switches:
    POS DB_INSTRUCTION, "a breakpoint behind MOV SS is suppressed"
        mov ecx, ss
        WATCH .behind_mov, ON
        mov ss, ecx
.behind_mov:
        nop
    DONE
    POS DB_INSTRUCTION, "behind POP SS"
        WATCH .behind_pop, ON
        push ss
        pop ss
.behind_pop:
        nop
    DONE
    NEG DB_INSTRUCTION, "the second instruction behind MOV SS", DB_, 0
        WANT_DR6 DR6_NONE | B0
        WANT_RF 0
        REGS_CHANGE
        MEMORY_CHANGES
        mov ecx, ss
        WATCH %$at, ON
        mov ss, ecx
        nop
    AT_BARE
        nop
    DONE
    NEG DB_INSTRUCTION, "behind MOV DS", DB_, 0
        WANT_DR6 DR6_NONE | B0
        WANT_RF 0
        REGS_CHANGE
        MEMORY_CHANGES
        mov ecx, ds
        WATCH %$at, ON
        mov ds, ecx
    AT_BARE
        nop
    DONE
    NEG DB_INSTRUCTION, "behind STI", DB_, 0
        WANT_DR6 DR6_NONE | B0
        WANT_RF 0
        REGS_CHANGE
        MEMORY_CHANGES
        WATCH %$at, ON
        sti
    AT_BARE
        nop
    DONE
    NEGT DB_TRAP, "MOV SS is not stepped", DB_, 0
        WANT_DR6 DR6_NONE | BS
        WANT_EIP .stepped
        mov ecx, ss
        STEP
        mov ss, ecx
        nop
.stepped:
        nop
    DONE
    NEGT DB_TRAP, "MOV SS that reads watched data: behind the next instruction", DB_, 0
        WANT_DR6 DR6_NONE | B0
        WANT_EIP .held
        mov [FREE], ss
    GO 0
        WATCH FREE, ON | ACCESS | LEN2
        mov ss, [FREE]
        nop
.held:
        nop
    DONE
    NEGT DB_TRAP, "and if that is INT n: before its handler's first instruction", DB_, 0
        WANT_DR6 DR6_NONE | B0
        WANT_EIP .entered
        GATE IDT_ENTRY(0x50), SEL_CODE0, .entered, D_INT32 | 3 << 5, 0
        mov [FREE], ss
    GO 0
        WATCH FREE, ON | ACCESS | LEN2
        mov ss, [FREE]
        int 0x50
.entered:
        nop
    DONE
    NEGT NONE, "and if that is INT1: with its own", DB_, 0
        WANT_DR6 DR6_NONE | B0
        WANT_EIP .own
        mov [FREE], ss
    GO 0
        WATCH FREE, ON | ACCESS | LEN2
        mov ss, [FREE]
        db 0xf1
.own:
        nop
    DONE
    NEG UD_UD, "and if that faults: the fault", UD, 0
        WANT_DR6 DR6_NONE
        REGS_CHANGE
        MEMORY_CHANGES
        mov [FREE], ss
    GO 0
        WATCH FREE, ON | ACCESS | LEN2
        mov ss, [FREE]
    AT_BARE
        ud2
    DONE
    NEGT DB_TRAP, "MOV DS that reads watched data", DB_, 0
        WANT_DR6 DR6_NONE | B0
        WANT_EIP .at_once
        mov [FREE], ds
    GO 0
        WATCH FREE, ON | ACCESS | LEN2
        mov ds, [FREE]
.at_once:
        nop
    DONE
    ret

; ---- DEBUGCTL: SDM Vol. 3B 17.4
%macro DEBUGCTL 1
    mov ecx, 0x1d9
    mov eax, %1
    xor edx, edx
    wrmsr
%endmacro
LBR equ 1
BTF equ 2
branches:
    NEGT DB_TRAP, "BTF: a jump", DB_, 0
        WANT_DR6 DR6_NONE | BS
        WANT_EIP .jumped
        DEBUGCTL BTF
        STEP
        nop
        mov eax, 1
        jmp .jumped
        nop
.jumped:
        nop
    DONE
    mov ecx, 0x1d9
    rdmsr
    IS "the trap has cleared BTF", eax, 0
    NEGT DB_TRAP, "BTF: a branch that is taken, behind one that is not", DB_, 0
        WANT_DR6 DR6_NONE | BS
        WANT_EIP .taken
        xor ebx, ebx
        DEBUGCTL BTF
        STEP
        test ebx, ebx
        jnz .not_taken
        jz .taken
.not_taken:
        nop
.taken:
        nop
    DONE
    NEGT DB_TRAP, "BTF: ret", DB_, 0
        WANT_DR6 DR6_NONE | BS
        WANT_EIP .returned
        push dword .returned
        DEBUGCTL BTF
        STEP
        nop
        ret
        nop
.returned:
        nop
    DONE
    POS DB_TRAP, "BTF: rep and straight code are no branches"
        mov edi, FREE
        DEBUGCTL BTF
        mov ecx, 3
        STEP
        rep stosb
        cpuid
        mov eax, cr0
        pushfd
        and dword [esp], ~FL_TF
        popfd
        DEBUGCTL 0
    DONE
    NEGT DB_TRAP, "without BTF again", DB_, 0
        WANT_DR6 DR6_NONE | BS
        STEP
        nop
    DONE
    POS NONE, "LBR: the last branch"
        DEBUGCTL LBR
.from:
        jmp .to
        nop
.to:
        nop
        DEBUGCTL 0
        mov ecx, 0x1db
        rdmsr
        mov ebx, eax
        inc ecx
        rdmsr
    DONE
    IS "from", dword [seen.ebx], .from
    IS "to", dword [seen.eax], .to
    NEG UD_UD, "LBR: an exception", UD, 0
        REGS_CHANGE
    GO 0
        DEBUGCTL LBR
        jmp .lbr
        nop
.lbr:
    AT
        ud2
    DONE
    DEBUGCTL 0
    mov ecx, 0x1de
    rdmsr
    IS "last branch before it", eax, .lbr
    NEG GP_WRMSR, "the records are read-only", GP, 0
        mov ecx, 0x1db
    AT
        wrmsr
    DONE
    ret

END_OF_CASES
