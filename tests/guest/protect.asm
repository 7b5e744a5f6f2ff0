; protect.asm: protected mode: segments and their limits, the four rings, gates, far returns, I/O permission, SYSENTER.

%include "guest32.inc"

T0 equ SEL_T
T1 equ SEL_T + 8
T2 equ SEL_T + 16
T3 equ SEL_T + 24
T4 equ SEL_T + 32
T5 equ SEL_T + 40
T6 equ SEL_T + 48
T7 equ SEL_T + 56
BEYOND equ GDT_COUNT * 8

test:
%ifndef QEMU ; that one checks neither limits nor types of data segments
    call data_limits
    call segment_types
%endif
    call segment_loads
    call stack_loads
    call local_table
    call far_jumps
    call looks
    call privileged
    call iopl
    call io_bitmap
    call call_gates
    call gate_errors
    call four_rings
    call returns
    call interrupt_gates
    call delivery_errors
    call fast_calls
    call arithmetic_traps
    call alignment
    ret

%macro LOAD_DS 1
    mov ax, %1
    mov ds, ax
%endmacro
%macro FLAT 0
    push dword SEL_DATA0
    pop ds
    push dword SEL_DATA0
    pop es
%endmacro

; the variables are in flat DS: FAULT with ES as the segment under test
%macro LOAD_ES 1
    push dword %1
    pop es
%endmacro

; a stack pointer, looked at from the flat stack (kept in EBX) while T2 is the stack
%macro CHECK_SP 3
    mov edx, %1
    push dword SEL_DATA0
    pop ss
    mov esp, ebx
    CHECK %2, edx, %3
    push dword T2
    pop ss
    mov esp, edx
%endmacro

; FAULT_FROM selector, offset, EIP of the fault, "name", vector, error
%macro FAULT_FROM 6
    mov [trap.resume], dword %%caught
    mov [trap.esp], esp
    mov [trap.vector], dword -1
    jmp %1:%2
%%caught:
    FAULT_CHECK %4, %5, %6, %3
%endmacro

; ---- SDM Vol. 3A 5.3: limits
data_limits:
    DESCRIPTOR T0, FREE, 0xfff, D_DATA, G_32
    DESCRIPTOR T1, FREE, 0xfff, D_DOWN, G_32
    DESCRIPTOR T2, FREE, 0xfff, D_DOWN, 0
    DESCRIPTOR T3, FREE, 0, D_DATA, G_32 | G_PAGES
    DESCRIPTOR T4, FREE, 0, D_DATA, G_32
    DESCRIPTOR T5, FREE, 0xfffff, D_DOWN, G_32 | G_PAGES

    LOAD_ES T0
    FINE "limit: last dword", mov eax, [es:0xffc]
    FAULT "limit: dword across", GP, 0, mov eax, [es:0xffd]
    LOAD_ES T0
    FAULT "limit: byte behind", GP, 0, mov al, [es:0x1000]
    LOAD_ES T0
    FAULT "limit: word across, write", GP, 0, mov [es:0xfff], ax
    LOAD_ES T0
    FAULT "limit: rmw", GP, 0, inc dword [es:0xffe]
    LOAD_ES T0
    FAULT "limit: -1", GP, 0, mov al, [es:-1]
    LOAD_ES T0
    FAULT "limit: word wraps around", GP, 0, mov ax, [es:-1]
    LOAD_ES T0
    mov edi, 0xffe
    FAULT "limit: stosd", GP, 0, stosd
    CHECK "limit: stosd leaves EDI", edi, 0xffe
    LOAD_ES T0
    mov edi, 0xff0
    mov ecx, 8
    FAULT "limit: rep stosd", GP, 0, rep stosd
    CHECK "limit: rep stosd EDI", edi, 0x1000
    CHECK "limit: rep stosd ECX", ecx, 4
    LOAD_ES T0
    FAULT "limit: fld tbyte", GP, 0, fld tword [es:0xff8]

    LOAD_ES T1
    FAULT "down: at limit", GP, 0, mov al, [es:0xfff]
    LOAD_ES T1
    FINE "down: above limit", mov al, [es:0x1000]
    FAULT "down: across limit", GP, 0, mov ax, [es:0xfff]
    LOAD_ES T1
    FAULT "down: word at the top", GP, 0, mov ax, [es:-1]
    LOAD_ES T2
    FINE "down, 16-bit: top byte", mov al, [es:0xffff]
    FAULT "down, 16-bit: word at the top", GP, 0, mov ax, [es:0xffff]
    LOAD_ES T2
    FAULT "down, 16-bit: above 64K", GP, 0, mov al, [es:0x10000]
    LOAD_ES T5
    FAULT "down, 4G limit: empty", GP, 0, mov al, [es:0x1000]
    LOAD_ES T3
    FINE "page limit 0: last byte", mov al, [es:0xfff]
    FAULT "page limit 0: behind", GP, 0, mov al, [es:0x1000]
    LOAD_ES T4
    FINE "limit 0: byte", mov al, [es:0]
    FAULT "limit 0: word", GP, 0, mov ax, [es:0]

    ; the same limits on the stack are #SS
    DESCRIPTOR T6, 0, 0x2ffff, D_DATA, G_32
    push dword T6
    pop ss
    push dword 0x2ffff
    pop eax
    FAULT "stack limit: ss:", SS_, 0, mov ax, [ss:0x2ffff]
    ; a push that does not fit: at ring 3, for the exception has to find a stack
    DESCRIPTOR T0, FREE, 0xfff, D_DATA | 3 << 5, G_32
    DESCRIPTOR T1, FREE, 0xfff, D_DOWN | 3 << 5, G_32
    FAULT_RING_IN 3, "stack limit: [ebp]", SS_, 0, .frame
    FAULT_RING_IN 3, "stack limit: push", SS_, 0, .push
    CHECK "stack limit: push leaves ESP", dword [trap.old_esp], 0x1002
    FAULT_RING_IN 3, "stack limit: expand-down push", SS_, 0, .push_down
    FAULT_RING_IN 3, "stack limit: pusha", SS_, 0, .pusha
    CHECK "stack limit: pusha leaves ESP", dword [trap.old_esp], 24
    FAULT_RING_IN 3, "stack limit: enter", SS_, 0, .enter
    FLAT
    ret
.frame:
    push dword T0 | 3
    pop ss
    mov ebp, 0xffd
    mov eax, [ebp]
.push:
    push dword T0 | 3
    pop ss
    mov esp, 0x1002
    push eax
.push_down:
    push dword T1 | 3
    pop ss
    mov esp, 0x1003
    push eax
.pusha:
    push dword T0 | 3
    pop ss
    mov esp, 24
    pushad
.enter:
    push dword T0 | 3
    pop ss
    mov esp, 0x20
    mov ebp, 0x20
    enter 0x20, 0

; ---- SDM Vol. 3A 5.5: types
segment_types:
    DESCRIPTOR T0, FREE, 0xfff, D_DATARO, G_32
    DESCRIPTOR T1, FREE, 0xfff, D_CODE, G_32
    DESCRIPTOR T2, 0, 0xfffff, D_CODEXO, G_32 | G_PAGES
    LOAD_ES T0
    FINE "read-only: read", mov eax, [es:0]
    FAULT "read-only: write", GP, 0, mov [es:0], eax
    LOAD_ES T0
    FAULT "read-only: rmw", GP, 0, or dword [es:0], 0
    LOAD_ES T1
    FINE "code in ES: read", mov eax, [es:0]
    FAULT "code in ES: write", GP, 0, mov [es:0], eax
    FAULT "write through CS", GP, 0, mov [cs:FREE], eax
    LOAD_ES 0
    FAULT "null: read", GP, 0, mov eax, [es:0]
    LOAD_ES 3
    FAULT "null with RPL: write", GP, 0, mov [es:0], al
    ; execute-only code runs but may not be read
    push dword T2
    push dword .xo
    retf
.xo:
    FAULT "execute-only: read", GP, 0, mov eax, [cs:.xo]
    ; the trap handler came back with its own CS
    mov ax, cs
    movzx eax, ax
    CHECK "CS after the trap", eax, SEL_CODE0
    ; the accessed bit
    DESCRIPTOR T3, 0, 0xfff, D_DATA, G_32
    LOAD_ES T3
    FLAT
    movzx eax, byte [GDT_ENTRY(T3) + 5]
    CHECK "accessed bit", eax, D_DATA | 1
    ret

; ---- SDM Vol. 2 MOV: loading data segment registers
segment_loads:
    DESCRIPTOR T0, 0, 0xfff, D_DATA & 0x7f, G_32
    DESCRIPTOR T1, 0, 0xfff, D_CODEXO, G_32
    DESCRIPTOR T2, 0, 0xfff, D_CONF, G_32
    DESCRIPTOR T3, 0, 0xfff, D_DATA | 1 << 5, G_32
    DESCRIPTOR T4, 0, 0xfff, D_CODE | 1 << 5, G_32
    mov ax, T0
    FAULT "load: not present", NP, T0, mov es, ax
    mov ax, T1
    FAULT "load: execute-only", GP, T1, mov es, ax
    mov ax, SEL_TSS
    FAULT "load: TSS", GP, SEL_TSS, mov es, ax
    mov ax, BEYOND
    FAULT "load: behind the table", GP, BEYOND, mov es, ax
    mov ax, BEYOND | 3
    FAULT "load: error code without RPL", GP, BEYOND, mov es, ax
    mov ax, T0 | 4
    FAULT "load: no LDT", GP, T0 | 4, mov es, ax
    mov ax, T2
    FINE "load: conforming", mov es, ax
    FAULT_IN "load: by pop", GP, T1, .pop
    mov [FREE], dword 0
    mov [FREE + 4], word T0
    FAULT "load: by les", NP, T0, les eax, [FREE]
    mov ax, SEL_DATA0
    FAULT_RING 3, "load: DPL 0 at ring 3", GP, SEL_DATA0, mov es, ax
    mov ax, SEL_DATA0 | 3
    FAULT_RING 1, "load: DPL 0 at ring 1", GP, SEL_DATA0, mov fs, ax
    mov ax, T3 | 3
    FAULT_RING 1, "load: RPL 3, DPL 1 at ring 1", GP, T3, mov fs, ax
    mov ax, T3 | 1
    FINE_RING 1, "load: RPL 1, DPL 1 at ring 1", mov fs, ax
    mov ax, T4
    FAULT_RING 2, "load: code of DPL 1 at ring 2", GP, T4, mov gs, ax
    mov ax, T2 | 3
    FINE_RING 3, "load: conforming at ring 3", mov gs, ax
    mov ax, SEL_DATA3
    FINE "load: DPL 3 at ring 0", mov es, ax
    FAULT "mov cs", UD, 0, {db 0x8e, 0xc8}
    FLAT
    ret
.pop:
    push dword T1
    pop es
    ret

stack_loads:
    DESCRIPTOR T0, 0, 0xfffff, D_DATA & 0x7f, G_32 | G_PAGES
    DESCRIPTOR T1, 0, 0xfffff, D_DATARO, G_32 | G_PAGES
    xor ax, ax
    FAULT "ss: null", GP, 0, mov ss, ax
    mov ax, 3
    FAULT "ss: null, RPL 3", GP, 0, mov ss, ax
    mov ax, SEL_DATA0 | 1
    FAULT "ss: RPL 1", GP, SEL_DATA0, mov ss, ax
    mov ax, SEL_DATA3
    FAULT "ss: DPL 3", GP, SEL_DATA3 & ~7, mov ss, ax
    mov ax, SEL_DATA3 & ~3
    FAULT "ss: DPL 3, RPL 0", GP, SEL_DATA3 & ~7, mov ss, ax
    mov ax, T0
    FAULT "ss: not present", SS_, T0, mov ss, ax
    mov ax, T1
    FAULT "ss: read-only", GP, T1, mov ss, ax
    mov ax, SEL_CODE0
    FAULT "ss: code", GP, SEL_CODE0, mov ss, ax
    mov ax, BEYOND
    FAULT "ss: behind the table", GP, BEYOND, mov ss, ax
    mov ax, SEL_DATA0
    FAULT_RING 3, "ss: DPL 0 at ring 3", GP, SEL_DATA0, mov ss, ax
    mov [FREE], esp
    mov [FREE + 4], word T0
    FAULT "lss: not present", SS_, T0, lss esp, [FREE]
    ; a 16-bit stack keeps the upper half of ESP
    DESCRIPTOR T2, 0x50000, 0xffff, D_DATA, 0
    mov ebx, esp
    mov [trap.esp], esp
    push dword T2
    pop ss
    mov esp, 0xabcd0000
    push eax
    CHECK_SP esp, "16-bit stack: push wraps", 0xabcdfffc
    pop eax
    CHECK_SP esp, "16-bit stack: pop wraps", 0xabcd0000
    push dword SEL_DATA0
    pop ss
    mov esp, ebx
    ret

; ---- LDT
local_table:
    DESCRIPTOR T0, FREE, 15, D_LDT, 0
    DESCRIPTOR T1, FREE, 15, D_LDT & 0x7f, 0
    mov eax, [GDT_ENTRY(SEL_DATA0)]
    mov [FREE + 8], eax
    mov eax, [GDT_ENTRY(SEL_DATA0) + 4]
    mov [FREE + 12], eax
    mov ax, T1
    FAULT "lldt: not present", NP, T1, lldt ax
    mov ax, SEL_DATA0
    FAULT "lldt: data segment", GP, SEL_DATA0, lldt ax
    mov ax, T0 | 4
    FAULT "lldt: selector of an LDT", GP, T0 | 4, lldt ax
    mov ax, BEYOND
    FAULT "lldt: behind the table", GP, BEYOND, lldt ax
    mov ax, T0
    FINE "lldt", lldt ax
    xor eax, eax
    sldt ax
    CHECK "sldt", eax, T0
    mov ax, 12
    FINE "ldt: load", mov es, ax
    FLAT
    mov ax, 20
    FAULT "ldt: behind", GP, 20, mov es, ax
    mov ax, 4
    FAULT "ldt: entry 0 is no null selector", GP, 4, mov es, ax
    xor eax, eax
    FINE "lldt: null", lldt ax
    mov ax, 12
    FAULT "ldt: gone", GP, 12, mov es, ax
    mov ax, SEL_TSS
    FAULT "ltr: busy", GP, SEL_TSS, ltr ax
    mov ax, T0
    FAULT "ltr: LDT", GP, T0, ltr ax
%ifndef QEMU
    xor eax, eax
    FAULT "ltr: null", GP, 0, ltr ax
%endif
    xor eax, eax
    str ax
    CHECK "str", eax, SEL_TSS
    movzx eax, byte [GDT_ENTRY(SEL_TSS) + 5]
    CHECK "tss busy", eax, D_TSS32 | D_BUSY
    ret

; ---- far jumps and calls without a gate
far_jumps:
    DESCRIPTOR T0, 0, 0xfffff, D_CONF, G_32 | G_PAGES
    DESCRIPTOR T1, 0, 0xfffff, D_CODE & 0x7f, G_32 | G_PAGES
    DESCRIPTOR T2, 0x10000, 0xfff, D_CODE, G_32
    DESCRIPTOR T3, 0, 0xfffff, D_CONF | 3 << 5, G_32 | G_PAGES
    FAULT "jmp far: null", GP, 0, jmp 0:0
    FAULT "jmp far: data", GP, SEL_DATA0, jmp SEL_DATA0:0
    FAULT "jmp far: behind the table", GP, BEYOND, jmp BEYOND:0
    FAULT "jmp far: not present", NP, T1, jmp T1:0
    FAULT "jmp far: offset behind the limit", GP, 0, jmp T2:0x1000
    FAULT "jmp far: ring 3 code", GP, SEL_CODE3 & ~7, jmp SEL_CODE3:0
    FAULT "jmp far: RPL above CPL", GP, SEL_CODE0, jmp (SEL_CODE0 | 3):0
    FAULT "jmp far: conforming of an outer ring", GP, T3, jmp T3:0
    FAULT_RING 3, "jmp far: ring 0 code at ring 3", GP, SEL_CODE0, jmp SEL_CODE0:.nowhere
    FAULT_RING 1, "call far: ring 2 code at ring 1", GP, SEL_CODE2 & ~7, call SEL_CODE2:.nowhere
    FINE_RING 3, "call far: conforming of ring 0 at ring 3", call T0:.conforming
    CHECK "CS in conforming code", dword [.cs], T0 | 3
    FINE_RING 1, "call far: same ring", call SEL_CODE1:.conforming
    CHECK "CS in ring 1 code", dword [.cs], SEL_CODE1
    call SEL_CODE0:.conforming
    CHECK "call far at ring 0", dword [.cs], SEL_CODE0
    ; a near jump and a running-on over the limit
    DESCRIPTOR T4, 0, 0x47fff, D_CODE, G_32
    mov dword [0x47ffc], 0x90909090
    FAULT_FROM T4, 0x47ffc, 0x48000, "code limit: running over", GP, 0
    mov dword [0x47ffc], 0xb8909090     ; mov eax, imm32 over the end
    FAULT_FROM T4, 0x47ffc, 0x47fff, "code limit: instruction across", GP, 0
    mov dword [0x47ff8], 0x000003e9     ; jmp +3: to 48000h
    mov dword [0x47ffc], 0x90909000
    FAULT_FROM T4, 0x47ff8, 0x47ff8, "code limit: near jump", GP, 0
    ret
.conforming:
    push eax
    mov eax, cs
    mov [.cs], eax
    pop eax
.nowhere:
    retf
    [section .data]
.cs: dd 0
    __SECT__

; ---- LAR, LSL, VERR, VERW, ARPL
%macro ZF_IS 2
    setz al
    movzx eax, al
    CHECK %1, eax, %2
%endmacro
looks:
    DESCRIPTOR T0, 0x123456, 0x54321, D_DATARO | 1, G_32 | G_PAGES
    DESCRIPTOR T1, 0, 0xfff, D_CODEXO | 3 << 5, G_32
    GATE GDT_ENTRY(T2), SEL_CODE0, 0, D_CALL32 | 3 << 5, 5
    GATE GDT_ENTRY(T3), SEL_CODE0, 0, D_INT32 | 3 << 5, 0
    DESCRIPTOR T4, 0, 0xfff, D_DATA & 0x7f, 0
    DESCRIPTOR T5, 0, 0xfff, D_CONF | 0 << 5, G_32
    mov ecx, T0
    mov eax, -1
    lar eax, ecx
    and eax, 0x00f0ff00
    CHECK "lar", eax, 0x00c09100
    mov eax, -1
    lar ax, cx
    CHECK "lar, 16 bits", eax, 0xffff9100
    lsl eax, ecx
    CHECK "lsl, pages", eax, 0x54321fff
    mov ecx, SEL_TSS
    lsl eax, ecx
    CHECK "lsl of a TSS", eax, tss_end - tss - 1
    lar eax, ecx
    CHECK "lar of a TSS", eax, (D_TSS32 | D_BUSY) << 8
    mov ecx, T2
    lar eax, ecx
    setz bl
    and eax, 0xff00
    CHECK "lar of a call gate", eax, (D_CALL32 | 3 << 5) << 8
    movzx eax, bl
    CHECK "lar of a call gate: ZF", eax, 1
    mov eax, 0x1234
    lsl eax, ecx
    setz bl
    CHECK "lsl of a call gate: destination stays", eax, 0x1234
    movzx eax, bl
    CHECK "lsl of a call gate: ZF", eax, 0
    mov ecx, T3
    lar eax, ecx
    ZF_IS "lar of an interrupt gate", 0
    xor ecx, ecx
    lar eax, ecx
    ZF_IS "lar of null", 0
    mov ecx, BEYOND
    lar eax, ecx
    ZF_IS "lar behind the table", 0
    mov ecx, T4
    lar eax, ecx
    ZF_IS "lar of a segment that is not present", 1
    mov ecx, SEL_DATA0 | 3
    lar eax, ecx
    ZF_IS "lar: RPL above DPL", 0
    mov ecx, T0
    verr cx
    ZF_IS "verr read-only", 1
    verw cx
    ZF_IS "verw read-only", 0
    mov ecx, SEL_DATA0
    verw cx
    ZF_IS "verw data", 1
    mov ecx, T1
    verr cx
    ZF_IS "verr execute-only", 0
    mov ecx, SEL_CODE0
    verr cx
    ZF_IS "verr code", 1
    verw cx
    ZF_IS "verw code", 0
    mov ecx, SEL_TSS
    verr cx
    ZF_IS "verr of a TSS", 0
    mov ecx, T5 | 3
    FINE_RING 3, "verr conforming at ring 3", verr cx
    push dword [ring_flags]
    popfd
    ZF_IS "verr conforming at ring 3: ZF", 1
    mov ecx, SEL_DATA0
    FINE_RING 3, "verr of ring 0 data at ring 3", verr cx
    push dword [ring_flags]
    popfd
    ZF_IS "verr of ring 0 data at ring 3: ZF", 0
    mov eax, 0x50
    mov ecx, 3
    arpl ax, cx
    setz bl
    CHECK "arpl raises", eax, 0x53
    movzx eax, bl
    CHECK "arpl raises: ZF", eax, 1
    mov eax, 0x52
    mov ecx, 1
    arpl ax, cx
    setz bl
    CHECK "arpl keeps", eax, 0x52
    movzx eax, bl
    CHECK "arpl keeps: ZF", eax, 0
    ret

; ---- SDM Vol. 3A 5.9
privileged:
%assign ring 1
%rep 3
    FAULT_RING ring, "hlt outside ring 0", GP, 0, hlt
    FAULT_RING ring, "clts outside ring 0", GP, 0, clts
    FAULT_RING ring, "lgdt outside ring 0", GP, 0, lgdt [gdtr]
    FAULT_RING ring, "lidt outside ring 0", GP, 0, lidt [idtr]
    FAULT_RING ring, "lldt outside ring 0", GP, 0, lldt cx
    FAULT_RING ring, "ltr outside ring 0", GP, 0, ltr cx
    FAULT_RING ring, "lmsw outside ring 0", GP, 0, lmsw cx
    FAULT_RING ring, "mov from cr0 outside ring 0", GP, 0, mov eax, cr0
    FAULT_RING ring, "mov to cr3 outside ring 0", GP, 0, mov cr3, eax
    FAULT_RING ring, "mov from dr7 outside ring 0", GP, 0, mov eax, dr7
    FAULT_RING ring, "invlpg outside ring 0", GP, 0, invlpg [eax]
    FAULT_RING ring, "invd outside ring 0", GP, 0, invd
    FAULT_RING ring, "wbinvd outside ring 0", GP, 0, wbinvd
    FAULT_RING ring, "rdmsr outside ring 0", GP, 0, rdmsr
    FAULT_RING ring, "wrmsr outside ring 0", GP, 0, wrmsr
%assign ring ring + 1
%endrep
    FINE_RING 3, "sgdt at ring 3", sgdt [FREE]
    FINE_RING 3, "smsw at ring 3", smsw ax
    FINE_RING 3, "str at ring 3", str ax
    mov eax, cr4
    or eax, CR4_UMIP
    mov cr4, eax
    FAULT_RING 3, "umip: sgdt", GP, 0, sgdt [FREE]
    FAULT_RING 3, "umip: sidt", GP, 0, sidt [FREE]
    FAULT_RING 3, "umip: sldt", GP, 0, sldt ax
    FAULT_RING 3, "umip: smsw", GP, 0, smsw ax
    FAULT_RING 3, "umip: str", GP, 0, str ax
    FINE "umip: sgdt at ring 0", sgdt [FREE]
    mov eax, cr4
    and eax, ~CR4_UMIP
    or eax, CR4_TSD
    mov cr4, eax
    FAULT_RING 3, "tsd: rdtsc at ring 3", GP, 0, rdtsc
    FINE "tsd: rdtsc at ring 0", rdtsc
    mov eax, cr4
    and eax, ~CR4_TSD
    mov cr4, eax
    FINE_RING 3, "rdtsc at ring 3", rdtsc
    FAULT "mov cr1", UD, 0, {db 0x0f, 0x20, 0xc8}
    mov ecx, 0x12345678
    FAULT "rdmsr: no such register", GP, 0, rdmsr
    FAULT "wrmsr: no such register", GP, 0, wrmsr
    mov eax, cr0
    or eax, 1 << 29
    and eax, ~(1 << 30)
    FAULT "cr0: NW without CD", GP, 0, mov cr0, eax
    mov eax, cr0
    or eax, CR0_PG
    and eax, ~CR0_PE
    FAULT "cr0: paging without protection", GP, 0, mov cr0, eax
    mov eax, cr4
    or eax, 1 << 31
    FAULT "cr4: reserved bit", GP, 0, mov cr4, eax
    ret

; ---- IOPL, CLI, STI, POPF
SET_IOPL_BITS equ 0x3000
%macro IOPL 1
    pushfd
    and dword [esp], ~SET_IOPL_BITS
    or dword [esp], (%1) << 12
    popfd
%endmacro
iopl:
%assign level 0
%rep 4
%assign ring 1
%rep 3
    IOPL level
%if ring > level
    FAULT_RING ring, "cli above IOPL", GP, 0, cli
    IOPL level
    FAULT_RING ring, "sti above IOPL", GP, 0, sti
    IOPL level
    FAULT_RING ring, "in above IOPL", GP, 0, in al, 0x60
%else
    FINE_RING ring, "cli within IOPL", cli
    IOPL level
    FINE_RING ring, "in within IOPL", in al, 0x80
%endif
%assign ring ring + 1
%endrep
%assign level level + 1
%endrep
    ; POPF leaves IF and IOPL alone, silently
    IOPL 0
    FINE_RING 3, "popf at ring 3", call .popf
    mov eax, [ring_flags]
    and eax, 0x3000 | FL_IF | FL_CF
    CHECK "popf at ring 3 changes CF only", eax, FL_CF
    IOPL 3
    FINE_RING 3, "popf at ring 3, IOPL 3", call .popf
    mov eax, [ring_flags]
    and eax, 0x3000 | FL_IF | FL_CF
    CHECK "popf at ring 3, IOPL 3: IF, not IOPL", eax, FL_CF | FL_IF | 0x3000
    cli
    IOPL 0
    FINE_RING 3, "iret at ring 3", call .iret
    mov eax, [ring_flags]
    and eax, 0x3000 | FL_IF | FL_CF
    CHECK "iret at ring 3 changes CF only", eax, FL_CF
    ; PVI: CLI and STI work on VIF
    mov eax, cr4
    or eax, CR4_PVI
    mov cr4, eax
    FINE_RING 3, "pvi: sti", sti
    mov eax, [ring_flags]
    and eax, FL_IF | FL_VIF
    CHECK "pvi: sti sets VIF", eax, FL_VIF
    mov dword [ring_extra], FL_VIP
    FAULT_RING 3, "pvi: sti with VIP", GP, 0, sti
    mov dword [ring_extra], FL_VIF
    FINE_RING 3, "pvi: cli", cli
    mov eax, [ring_flags]
    and eax, FL_VIF
    CHECK "pvi: cli clears VIF", eax, 0
    mov dword [ring_extra], 0
    mov eax, cr4
    and eax, ~CR4_PVI
    mov cr4, eax
    ret
.popf:
    pushfd
    or dword [esp], 0x3000 | FL_IF | FL_CF
    popfd
    ret
.iret:
    pop eax
    pushfd
    or dword [esp], 0x3000 | FL_IF | FL_CF
    push cs
    push eax
    iretd

; ---- SDM Vol. 1 19.5.2
io_bitmap:
    and byte [tss.bitmap + 0x80 / 8], 0xfe
    FINE_RING 3, "io: allowed byte", out 0x80, al
    FAULT_RING 3, "io: forbidden neighbour", GP, 0, in al, 0x81
    FAULT_RING 3, "io: word over one allowed byte", GP, 0, out 0x80, ax
    and byte [tss.bitmap + 0x80 / 8], 0xf0
    FINE_RING 3, "io: dword, all four allowed", out 0x80, eax
    FAULT_RING 3, "io: dword, the last is not", GP, 0, out 0x81, eax
    and byte [tss.bitmap + 0x88 / 8], 0xfe
    or byte [tss.bitmap + 0x80 / 8], 0xff
    and byte [tss.bitmap + 0x80 / 8], 0x7f
    FINE_RING 3, "io: word over two bytes of the map", out 0x87, ax
    mov edx, 0x3ff
    and byte [tss.bitmap + 0x7f], 0x7f
    FINE_RING 3, "io: last port", in al, dx
    mov edx, 0x420
    FAULT_RING 3, "io: behind the TSS", GP, 0, in al, dx
    mov edx, 0xffff
    FAULT_RING 3, "io: port FFFFh", GP, 0, in al, dx
    mov edx, 0x80
    mov esi, FREE
    FAULT_RING 3, "io: outsb", GP, 0, outsb
    mov edi, FREE
    FAULT_RING 3, "io: insd", GP, 0, insd
    mov word [tss.iomap], 0xffff
    mov edx, 0
    FAULT_RING 3, "io: no map", GP, 0, in al, 0x87
    mov word [tss.iomap], tss.bitmap - tss
    FINE_RING 3, "io: at once again", in al, 0x87
    ret

; ---- call gates
call_gates:
    GATE GDT_ENTRY(T0), SEL_CODE0, .target, D_CALL32 | 3 << 5, 3
    FINE_RING 3, "gate 32: call with parameters", call .caller32
    CHECK "gate 32: CS", dword [.cs], SEL_CODE0
    CHECK "gate 32: SS", dword [.ss], SEL_DATA0
    CHECK "gate 32: ESP", dword [.esp], STACK_INT - 7 * 4
    CHECK "gate 32: first", dword [.frame + 8], 0x11111111
    CHECK "gate 32: second", dword [.frame + 12], 0x22222222
    CHECK "gate 32: third", dword [.frame + 16], 0x33333333
    CHECK "gate 32: saved CS", dword [.frame + 4], SEL_CODE3
    CHECK "gate 32: saved SS", dword [.frame + 24], SEL_DATA3
    CHECK "gate 32: saved ESP", dword [.frame + 20], STACK3 - 16
    CHECK "gate 32: ESP after the return", dword [.esp_back], STACK3 - 4
    ; the same gate without a change of ring copies nothing
    mov ebp, esp
    push dword 0x33333333
    push dword 0x22222222
    push dword 0x11111111
    lea edx, [esp - 8]
    call T0:0xdead
    mov eax, esp
    CHECK "gate 32: same ring: parameters are removed by the target", eax, ebp
    CHECK "gate 32: same ring: ESP", dword [.esp], edx
    ; 16-bit gate: words, and a 16-bit offset; the target lies in a 16-bit-reachable place through a segment of its own
    DESCRIPTOR T1, 0x10000, 0xffff, D_CODE, G_32
    GATE GDT_ENTRY(T2), T1, .target16 - $$, D_CALL16 | 3 << 5, 2
    FINE_RING 3, "gate 16: call with parameters", call .caller16
    CHECK "gate 16: CS", dword [.cs], T1
    CHECK "gate 16: ESP", dword [.esp], STACK_INT - 6 * 2
    CHECK "gate 16: parameters", dword [.frame + 4], 0x22221111
    mov eax, [.frame + 8]
    CHECK "gate 16: saved SS:SP", eax, SEL_DATA3 << 16 | ((STACK3 - 8) & 0xffff)
    ; jmp through a gate: conforming target from ring 3
    DESCRIPTOR T3, 0, 0xfffff, D_CONF, G_32 | G_PAGES
    GATE GDT_ENTRY(T4), T3, .jumped, D_CALL32 | 3 << 5, 0
    FINE_RING 3, "gate: jmp to conforming code", jmp T4:0
    CHECK "gate: jmp keeps the ring", dword [.cs], T3 | 3
    GATE GDT_ENTRY(T5), SEL_CODE0, .jumped, D_CALL32 | 3 << 5, 0
    FAULT_RING 3, "gate: jmp may not change the ring", GP, SEL_CODE0, jmp T5:0
    ret
.caller32:
    push dword 0x33333333
    push dword 0x22222222
    push dword 0x11111111
    call T0:0xdead0000
    mov [.esp_back], esp
    ret
.target:
    mov [.cs], cs
    mov [.ss], ss
    mov [.esp], esp
    push ecx
    push esi
    push edi
    lea esi, [esp + 12]
    mov edi, .frame
    mov ecx, 7
    rep movsd
    pop edi
    pop esi
    pop ecx
    retf 12
.caller16:
    push dword 0x22221111
    call T2:0
    mov [.esp_back], esp
    ret
.target16:
    mov [.cs], cs
    mov [.esp], esp
    push ecx
    push esi
    push edi
    lea esi, [esp + 12]
    mov edi, .frame
    mov ecx, 3
    rep movsd
    ; a 16-bit far return would load 16 bits of the return address: it lies above 64K, so mend it
    pop edi
    pop esi
    pop ecx
    pop dword [.frame + 12]
    add esp, 4
    pop dword [.frame + 16]
    movzx eax, word [.frame + 16 + 2]
    push eax                    ; SS
    push dword STACK3 - 4
    movzx eax, word [.frame + 2]
    push eax                    ; CS
    mov ax, [.frame]
    movzx eax, ax
    add eax, 0x10000
    push eax
    retf
.jumped:
    mov eax, cs
    mov [.cs], eax
    int 0x40
    [section .data]
    align 4, db 0
.cs: dd 0
.ss: dd 0
.esp: dd 0
.esp_back: dd 0
.frame: times 8 dd 0
    __SECT__

gate_errors:
    GATE GDT_ENTRY(T0), SEL_CODE0, 0, D_CALL32, 0
    GATE GDT_ENTRY(T1), SEL_CODE0, 0, (D_CALL32 | 3 << 5) & 0x7f, 0
    GATE GDT_ENTRY(T2), 0, 0, D_CALL32 | 3 << 5, 0
    GATE GDT_ENTRY(T3), SEL_DATA0, 0, D_CALL32 | 3 << 5, 0
    GATE GDT_ENTRY(T4), BEYOND, 0, D_CALL32 | 3 << 5, 0
    GATE GDT_ENTRY(T5), SEL_CODE0, 0, D_CALL32 | 3 << 5, 4
    GATE GDT_ENTRY(T6), SEL_CODE3, 0, D_CALL32 | 3 << 5, 0
    FAULT_RING 3, "gate: DPL below CPL", GP, T0, call T0:0
    FAULT_RING 3, "gate: not present", NP, T1, call T1:0
    FAULT_RING 3, "gate: null target", GP, 0, call T2:0
    FAULT_RING 3, "gate: data target", GP, SEL_DATA0, call T3:0
    FAULT_RING 3, "gate: target behind the table", GP, BEYOND, call T4:0
    FAULT "gate: RPL above DPL", GP, T0, call (T0 | 3):0
    FAULT "gate: target in an outer ring", GP, SEL_CODE3 & ~7, call T6:0
    DESCRIPTOR T7, 0, 0xfffff, D_CODE & 0x7f, G_32 | G_PAGES
    GATE GDT_ENTRY(T6), T7, 0, D_CALL32 | 3 << 5, 0
    FAULT_RING 3, "gate: target not present", NP, T7, call T6:0
    ; the new stack: through a gate to ring 1, for an exception needs ring 0's
    GATE GDT_ENTRY(T6), SEL_CODE1, 0, D_CALL32 | 3 << 5, 4
    mov dword [tss.ss1], 0
    FAULT_RING 3, "new stack: null", TS, 0, call T6:0
    mov dword [tss.ss1], SEL_DATA0
    FAULT_RING 3, "new stack: RPL", TS, SEL_DATA0, call T6:0
    mov dword [tss.ss1], SEL_DATA0 | 1
    FAULT_RING 3, "new stack: DPL", TS, SEL_DATA0, call T6:0
    mov dword [tss.ss1], SEL_CODE1
    FAULT_RING 3, "new stack: code", TS, SEL_CODE1 & ~7, call T6:0
    mov dword [tss.ss1], BEYOND | 1
    FAULT_RING 3, "new stack: behind the table", TS, BEYOND, call T6:0
    DESCRIPTOR T7, 0, 0xfffff, (D_DATA | 1 << 5) & 0x7f, G_32 | G_PAGES
    mov dword [tss.ss1], T7 | 1
    FAULT_RING 3, "new stack: not present", SS_, T7, call T6:0
    DESCRIPTOR T7, 0, 0x33fff, D_DATA | 1 << 5, G_32
    mov dword [tss.esp1], 0x34010
    FAULT_RING 3, "new stack: no room", SS_, T7, call T6:0
    mov dword [tss.ss1], SEL_DATA1
    mov dword [tss.esp1], STACK1 - 0x800
    ; SDM Vol. 2 CALL: the TSS itself too short for the stack pointer
    DESCRIPTOR T7, tss, 15, D_TSS32, 0
    mov ax, T7
    ltr ax
    mov ax, SEL_TSS
    and byte [GDT_ENTRY(SEL_TSS) + 5], ~D_BUSY
    ; ring 3 is reached without the TSS; coming back needs SS0:ESP0, which a limit of 15 has
    FAULT_RING 3, "TSS too short for SS1", TS, T7, call T6:0
    ltr ax
    mov eax, SEL_TSS
    and byte [GDT_ENTRY(SEL_TSS) + 5], ~D_BUSY
    ltr ax
    ret

; ---- down through all rings by call gates, and up again by RETF
four_rings:
    GATE GDT_ENTRY(T0), SEL_CODE2 & ~3, .in2, D_CALL32 | 3 << 5, 0
    GATE GDT_ENTRY(T1), SEL_CODE1 & ~3, .in1, D_CALL32 | 2 << 5, 0
    GATE GDT_ENTRY(T2), SEL_CODE0, .in0, D_CALL32 | 1 << 5, 0
    mov dword [.trail], 0
    FINE_RING 3, "rings: 3-2-1-0-1-2-3", call .in3
    CHECK "rings: trail of CPLs", dword [.trail], 0x3210123
    CHECK "rings: trail of SS", dword [.stacks], 0x3210123
    ret
.in3:
    call .note
    call T0:0
    call .note
    ret
.in2:
    call .note
    call T1:0
    call .note
    retf
.in1:
    call .note
    call T2:0
    call .note
    retf
.in0:
    call .note
    retf
.note:
    push eax
    push ds
    push dword SEL_DATA3
    pop ds
    mov eax, cs
    and eax, 3
    shl dword [.trail], 4
    or [.trail], eax
    mov eax, ss
    and eax, 3
    shl dword [.stacks], 4
    or [.stacks], eax
    pop ds
    pop eax
    ret
    [section .data]
.trail: dd 0
.stacks: dd 0
    __SECT__

; ---- far returns and IRET
returns:
    ; data segments that the outer ring may not see become null
    DESCRIPTOR T0, 0, 0xfffff, D_CONF, G_32 | G_PAGES
    push dword SEL_DATA3
    pop ds
    push dword SEL_DATA0
    pop es
    push dword SEL_DATA2
    pop fs
    push dword T0
    pop gs
    mov [trap.resume], dword .bad
    mov [ring0_esp], esp
    mov [.esp], esp
    push dword SEL_DATA3
    push dword STACK3
    push dword 0x12345678
    push dword SEL_CODE3
    push dword .out
    retf 4
.out:
    mov [.esp3], esp
    mov eax, es
    mov ecx, fs
    mov edx, gs
    mov ebx, ds
    int 0x40
    mov [trap.resume], dword 0
    and eax, 0xffff
    CHECK "retf out: DPL 0 data becomes null", eax, 0
    CHECK "retf out: DPL 2 data becomes null", ecx, 0
    CHECK "retf out: conforming code stays", edx, T0
    CHECK "retf out: DPL 3 data stays", ebx, SEL_DATA3
    CHECK "retf n out: released on the outer stack too", dword [.esp3], STACK3 + 4
.bad:
    FLAT
    mov ebp, esp
    FAULT_RING_IN 3, "retf: inwards", GP, SEL_CODE0, .inwards
    push dword 0
    push dword 0
    FAULT "retf: null CS", GP, 0, retf
    mov esp, ebp
    push dword SEL_DATA0
    push dword 0
    FAULT "retf: data", GP, SEL_DATA0, retf
    mov esp, ebp
    push dword SEL_DATA3
    push dword STACK3
    push dword SEL_CODE2
    push dword 0
    FAULT "retf: SS of another ring", GP, SEL_DATA3 & ~7, retf
    mov esp, ebp
    push dword 0
    push dword STACK3
    push dword SEL_CODE3
    push dword 0
    FAULT "retf: outer SS null", GP, 0, retf
    mov esp, ebp
    DESCRIPTOR T1, 0, 0xfffff, (D_DATA | 3 << 5) & 0x7f, G_32 | G_PAGES
    push dword T1 | 3
    push dword STACK3
    push dword SEL_CODE3
    push dword 0
    FAULT "retf: outer SS not present", SS_, T1, retf
    mov esp, ebp
    DESCRIPTOR T1, 0, 0xfff, D_CODE | 3 << 5, G_32
    push dword SEL_DATA3
    push dword STACK3
    push dword T1 | 3
    push dword 0x1000
    FAULT "retf: offset behind the limit", GP, 0, retf
    mov esp, ebp
    DESCRIPTOR T1, 0, 0xfff, (D_CODE | 3 << 5) & 0x7f, G_32
    push dword T1 | 3
    push dword 0x1000
    FAULT "retf: CS not present", NP, T1, retf
    mov esp, ebp
    pushfd
    push dword SEL_DATA0
    push dword 0
    FAULT "iret: data", GP, SEL_DATA0, iretd
    mov esp, ebp
    pushfd
    push dword (SEL_CODE1 & ~3) | 2
    push dword 0
    FAULT "iret: RPL is not DPL", GP, SEL_CODE1 & ~7, iretd
    mov esp, ebp
    ; 16-bit IRET and RETF load IP zero-extended
    DESCRIPTOR T2, 0x10000, 0xffff, D_CODE, G_32
    pushfw
    push word T2
    push word .here16 - $$
    o16 iret
.here16:
    mov ax, cs
    jmp SEL_CODE0:.home
.home:
    movzx eax, ax
    CHECK "iret, 16 bits", eax, T2
    mov eax, esp
    CHECK "iret, 16 bits: ESP", eax, ebp
    ret
.inwards:
    push dword SEL_CODE0
    push dword 0
    retf
    [section .data]
.esp: dd 0
.esp3: dd 0
    __SECT__

; ---- interrupt and trap gates
interrupt_gates:
    GATE IDT_ENTRY(0x50), SEL_CODE0, .int_gate, D_INT32 | 3 << 5, 0
    GATE IDT_ENTRY(0x51), SEL_CODE0, .int_gate, D_TRAP32 | 3 << 5, 0
    GATE IDT_ENTRY(0x52), SEL_CODE1 & ~3, .to_ring1, D_INT32 | 3 << 5, 0
    DESCRIPTOR T1, 0x10000, 0xffff, D_CODE, G_32
    GATE IDT_ENTRY(0x53), T1, .int16 - $$, D_INT16 | 3 << 5, 0
    DESCRIPTOR T2, 0, 0xfffff, D_CONF, G_32 | G_PAGES
    GATE IDT_ENTRY(0x54), T2, .to_ring1, D_INT32 | 3 << 5, 0
    sti
    int 0x50
    mov eax, [.flags]
    and eax, FL_IF | FL_TF
    CHECK "interrupt gate clears IF", eax, 0
    pushfd
    pop eax
    and eax, FL_IF
    CHECK "iret gives IF back", eax, FL_IF
    int 0x51
    mov eax, [.flags]
    and eax, FL_IF
    CHECK "trap gate leaves IF", eax, FL_IF
    cli
    pushfd
    or dword [esp], FL_NT
    popfd
    int 0x50
    mov eax, [.flags]
    and eax, FL_NT
    CHECK "interrupt clears NT", eax, 0
    pushfd
    pop eax
    and eax, FL_NT
    CHECK "iret gives NT back", eax, FL_NT
    pushfd
    and dword [esp], ~FL_NT
    popfd
    FINE_RING 3, "int from ring 3 to ring 1", int 0x52
    CHECK "int to ring 1: CS", dword [.cs], SEL_CODE1
    CHECK "int to ring 1: ESP", dword [.esp], STACK1 - 0x800 - 20
    FINE_RING 2, "int from ring 2 to conforming code", int 0x54
    CHECK "int to conforming code: CS", dword [.cs], T2 | 2
    call .do16
    CHECK "int 16: frame of words", dword [.esp], ebx
    FAULT_RING 3, "int n: DPL below CPL", GP, 0x20 * 8 + 2, int 0x20
    FAULT "int n: no descriptor", GP, 0x80 * 8 + 2, int 0x80
    GATE IDT_ENTRY(0x55), SEL_CODE0, 0, D_INT32 & 0x7f, 0
    FAULT "int n: not present", NP, 0x55 * 8 + 2, int 0x55
    GATE IDT_ENTRY(0x55), 0, 0, D_INT32, 0
    FAULT "int n: null target", GP, 0, int 0x55
    GATE IDT_ENTRY(0x55), SEL_DATA0, 0, D_INT32, 0
    FAULT "int n: data target", GP, SEL_DATA0, int 0x55
    GATE IDT_ENTRY(0x55), SEL_CODE3, 0, D_INT32, 0
    FAULT "int n: target in an outer ring", GP, SEL_CODE3 & ~7, int 0x55
    GATE IDT_ENTRY(0x55), SEL_CODE0, 0, D_CALL32, 0
    FAULT "int n: call gate in the IDT", GP, 0x55 * 8 + 2, int 0x55
    mov word [idtr], 0x60 * 8 - 1
    lidt [idtr]
    FAULT "int n: behind the IDT", GP, 0x60 * 8 + 2, int 0x60
    mov word [idtr], 256 * 8 - 1
    lidt [idtr]
    TRAP "int3", BP_, 0, int3
    TRAP "int 3, two bytes", BP_, 0, {db 0xcd, 3}
    FAULT_RING 3, "int3: DPL 0 at ring 3", GP, 3 * 8 + 2, int3
    GATE IDT_ENTRY(BP_), SEL_CODE0, trap_3, D_INT32 | 3 << 5, 0
    FAULT_RING_IN 3, "icebp at ring 3 needs no DPL", DB_, 0, .icebp
    TRAP "icebp", DB_, 0, {db 0xf1}
    ret
.icebp:
    db 0xf1
    ret
.int_gate:
    pushfd
    pop dword [.flags]
    iretd
.to_ring1:
    mov [.esp], esp
    push eax
    mov eax, cs
    mov [.cs], eax
    pop eax
    iretd
.do16:
    mov ebx, esp
    sub ebx, 6
    int 0x53
    ret
.int16:
    mov [.esp], esp
    ; back to 32-bit code: the pushed IP has lost its upper half
    add esp, 6
    jmp SEL_CODE0:.home16
.home16:
    ret
    [section .data]
    align 4, db 0
.flags: dd 0
.cs: dd 0
.esp: dd 0
    __SECT__

; ---- faults while delivering: EXT, double fault
delivery_errors:
    ; #DE and #NP are both contributory: SDM Vol. 3A table 6-5
    GATE IDT_ENTRY(DE), SEL_CODE0, trap_0, D_INT32 & 0x7f, 0
    xor ecx, ecx
    FAULT "#DE without gate: #DF", DF, 0, div ecx
    GATE IDT_ENTRY(DE), SEL_CODE0, trap_0, D_INT32, 0
    ; #UD is benign, so #NP is delivered; but when that fails too it is #DF
    GATE IDT_ENTRY(NP), SEL_CODE0, trap_11, D_INT32 & 0x7f, 0
    GATE IDT_ENTRY(UD), SEL_CODE0, trap_6, D_INT32 & 0x7f, 0
    FAULT "#UD, #NP without gates: #DF", DF, 0, ud2
    GATE IDT_ENTRY(NP), SEL_CODE0, trap_11, D_INT32, 0
    FAULT "#UD without gate: #NP, EXT", NP, 6 * 8 + 2 + 1, ud2
    GATE IDT_ENTRY(UD), SEL_CODE0, trap_6, D_INT32, 0
    ; #GP whose gate points to a bad segment
    GATE IDT_ENTRY(GP), SEL_DATA0, trap_13, D_INT32, 0
    FAULT "#GP, #GP: #DF", DF, 0, jmp 0:0
    GATE IDT_ENTRY(GP), SEL_CODE0, trap_13, D_INT32, 0
    ; an exception from ring 3 with a bad ring 0 stack: here a gate to ring 1
    GATE IDT_ENTRY(UD), SEL_CODE1, trap_6, D_INT32, 0
    mov dword [tss.ss1], 0
    FAULT_RING 3, "#UD, new stack null: #TS, EXT", TS, 1, ud2
    mov dword [tss.ss1], SEL_DATA0
    FAULT_RING 3, "#UD, new stack of ring 0: #TS, EXT", TS, SEL_DATA0 | 1, ud2
    FAULT_RING 3, "int n, new stack of ring 0: GP first", GP, 6 * 8 + 2, int 6
    GATE IDT_ENTRY(UD), SEL_CODE1, trap_6, D_INT32 | 3 << 5, 0
    FAULT_RING 3, "int n, new stack of ring 0: #TS without EXT", TS, SEL_DATA0, int 6
    mov dword [tss.ss1], SEL_DATA1
    GATE IDT_ENTRY(UD), SEL_CODE0, trap_6, D_INT32, 0
    ret

; ---- SYSENTER, SYSEXIT
fast_calls:
    mov ecx, MSR_SYSENTER_CS
    xor eax, eax
    xor edx, edx
    wrmsr
    FAULT_RING 3, "sysenter: no CS", GP, 0, sysenter
    FAULT "sysexit: no CS", GP, 0, sysexit
    mov ecx, MSR_SYSENTER_CS
    mov eax, SEL_CODE0
    xor edx, edx
    wrmsr
    mov ecx, MSR_SYSENTER_ESP
    mov eax, STACK_INT - 0x100
    wrmsr
    mov ecx, MSR_SYSENTER_EIP
    mov eax, .entered
    wrmsr
    FAULT_RING 3, "sysexit outside ring 0", GP, 0, sysexit
    pushfd
    or dword [esp], FL_IF
    popfd
    FINE_RING 3, "sysenter", sysenter
    cli
    CHECK "sysenter: CS", dword [.cs], SEL_CODE0
    CHECK "sysenter: SS", dword [.ss], SEL_DATA0
    CHECK "sysenter: ESP", dword [.esp], STACK_INT - 0x100
    mov eax, [.flags]
    and eax, FL_IF
    CHECK "sysenter clears IF", eax, 0
    CHECK "sysexit: CS", dword [.cs3], 0x1b
    CHECK "sysexit: SS", dword [.ss3], 0x23
    CHECK "sysexit: ESP", dword [.esp3], STACK3 - 0x40
    ret
.entered:
    mov [.esp], esp
    pushfd
    pop dword [.flags]
    mov eax, cs
    mov [.cs], eax
    mov eax, ss
    mov [.ss], eax
    mov edx, .back
    mov ecx, STACK3 - 0x40
    sysexit
.back:
    mov [.esp3], esp
    mov eax, cs
    mov [.cs3], eax
    mov eax, ss
    mov [.ss3], eax
    int 0x40
    [section .data]
    align 4, db 0
.cs: dd 0
.ss: dd 0
.esp: dd 0
.flags: dd 0
.cs3: dd 0
.ss3: dd 0
.esp3: dd 0
    __SECT__

; ---- the other exceptions
arithmetic_traps:
    xor ecx, ecx
    mov eax, 7
    FAULT "div by 0", DE, 0, div ecx
    mov eax, 0x80000000
    mov edx, -1
    mov ecx, -1
    FAULT "idiv: overflow", DE, 0, idiv ecx
    FAULT "aam 0", DE, 0, {db 0xd4, 0}
    mov dword [FREE], 1
    mov dword [FREE + 4], 5
    mov eax, 6
    FAULT "bound: above", BR, 0, bound eax, [FREE]
    mov eax, 5
    FINE "bound: at the top", bound eax, [FREE]
    mov al, 0x7f
    add al, 1
    TRAP "into", OF, 0, into
    xor al, al
    FINE "into: no overflow", into
    FAULT "lock nop", UD, 0, {db 0xf0, 0x90}
    FAULT "lock mov", UD, 0, {db 0xf0, 0x89, 0x00}
    FAULT "ud2", UD, 0, ud2
    FAULT "16 bytes", GP, 0, {db 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90}
    mov eax, cr0
    mov ebx, eax
    or eax, CR0_EM
    mov cr0, eax
    FAULT "em: x87", NM, 0, fldz
    FAULT "em: sse", UD, 0, xorps xmm0, xmm0
    mov eax, ebx
    and eax, ~CR0_EM
    or eax, CR0_TS | CR0_MP
    mov cr0, eax
    FAULT "ts: x87", NM, 0, fldz
    FAULT "ts, mp: wait", NM, 0, wait
    mov eax, cr4
    or eax, 0x200
    mov cr4, eax
    FAULT "ts: sse", NM, 0, xorps xmm0, xmm0
    FINE "clts", clts
    FINE "clts: x87", fninit
    ; an x87 exception waits for the next instruction that asks
    mov eax, cr0
    and eax, ~(CR0_EM | CR0_TS)
    or eax, 0x20 | CR0_MP       ; NE
    mov cr0, eax
    fninit
    push word 0x37b             ; zero divide unmasked
    fldcw [esp]
    add esp, 2
    fld1
    fldz
    fdivp st1, st0
    FAULT "x87: pending exception", MF, 0, fldz
    fnclex
    fninit
    mov cr0, ebx
    ret

; ---- #AC: at ring 3 only
alignment:
    mov eax, cr0
    or eax, CR0_AM
    mov cr0, eax
    pushfd
    or dword [esp], FL_AC
    popfd
    FINE "ac: ring 0", mov eax, [FREE + 1]
    FINE_RING 2, "ac: ring 2", mov eax, [FREE + 1]
    FINE_RING 3, "ac: aligned at ring 3", mov eax, [FREE + 4]
    FAULT_RING 3, "ac: dword at ring 3", AC, 0, mov eax, [FREE + 2]
    pushfd
    or dword [esp], FL_AC
    popfd
    FAULT_RING 3, "ac: word write at ring 3", AC, 0, mov [FREE + 1], ax
    pushfd
    or dword [esp], FL_AC
    popfd
    FINE_RING 3, "ac: byte at ring 3", mov al, [FREE + 1]
    FAULT_RING 3, "ac: qword at ring 3", AC, 0, fld qword [FREE + 4]
    pushfd
    and dword [esp], ~FL_AC
    popfd
    FINE_RING 3, "ac: flag clear", mov eax, [FREE + 2]
    mov eax, cr0
    and eax, ~CR0_AM
    mov cr0, eax
    ret

END_OF_TEST
