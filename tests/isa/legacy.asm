; legacy.asm: 16-bit code: real mode and VM86 at the ends of their segments, 16-bit addresses and stacks in protected mode, IRET's ways.
; SDM Vol. 3B chapter 20, Vol. 1 3.3.4, 6.2.

%include "isa.inc"

; the same in real mode and in VM86 (IOPL 3): DS = ES = FREE's, SS = 4800h
%macro NEG_16 5+                ; rule, what, vector, preparation (one instruction), instruction
    NEG %1, {"real: ", %2}, %3, 0
    GO_REAL
        %4
    AT16
        %5
    DONE16
    NEG %1, {"vm86: ", %2}, %3, 0
    GO_V86 0x3000
        %4
    AT16
        %5
    DONE16
%endmacro
%macro POS_16 4+
    POS %1, {"real: ", %2}
    GO_REAL
        %3
        %4
    DONE16
    POS %1, {"vm86: ", %2}
    GO_V86 0x3000
        %3
        %4
    DONE16
%endmacro

cases:
    call ends
    call stacks
    call strings
    call running
    call addresses
    call returns
    ret

ends:
    NEG_16 GP_DATA_LIMIT, "word at FFFFh", GP, nop, mov ax, [0xffff]
    NEG_16 GP_DATA_LIMIT, "dword at FFFDh, write", GP, nop, mov [0xfffd], eax
    NEG_16 GP_DATA_LIMIT, "read-modify-write", GP, nop, inc word [0xffff]
    NEG_16 GP_DATA_LIMIT, "fs", GP, nop, mov ax, [fs:0xffff]
    NEG_16 GP_DATA_LIMIT, "32-bit address", GP, {mov ebx, 0x10000}, mov al, [ebx]
    NEG_16 GP_DATA_LIMIT, "32-bit address, 4 GiB - 1", GP, {mov ebx, -1}, mov al, [ebx]
    NEG_16 GP_DATA_LIMIT, "les", GP, nop, les ax, [0xfffd]
    NEG_16 GP_DATA_LIMIT, "bound", GP, nop, bound ax, [0xfffd]
    NEG_16 GP_DATA_LIMIT, "fnstenv, 14 bytes", GP, nop, fnstenv [0xfff3]
    NEG_16 GP_DATA_LIMIT, "movups", GP, nop, movups xmm0, [0xfff1]
    NEG_16 GP_DATA_LIMIT, "jmp through memory", GP, nop, jmp [0xffff]
    NEG_16 SS_LIMIT, "[bp]", SS_, {mov bp, 0xffff}, mov ax, [bp]
    NEG_16 SS_LIMIT, "[ebp]", SS_, {mov ebp, 0x10000}, mov al, [ebp]
    NEG_16 SS_LIMIT, "ss:", SS_, nop, mov ax, [ss:0xffff]
    NEG_16 GP_DATA_LIMIT, "[ds:bp]", GP, {mov bp, 0xffff}, mov ax, [ds:bp]
    POS_16 GP_DATA_LIMIT, "byte at FFFFh", nop, mov al, [0xffff]
    POS_16 GP_DATA_LIMIT, "16-bit addresses wrap around", {mov bx, 0xffff}, mov ax, [bx + 3]
    POS_16 SS_LIMIT, "[bp + 2] wraps around", {mov bp, 0xffff}, mov ax, [bp + 1]
    ret

; the stack pointer is a handler's business too: only what leaves room for its frame
stacks:
    NEG SS_LIMIT, "vm86: pop at FFFFh", SS_, 0
    GO_V86 0x3000
        mov sp, 0xffff
    AT16
        pop ax
    DONE16
    NEG SS_LIMIT, "vm86: push at 1", SS_, 0
    GO_V86 0x3000
        mov sp, 1
    AT16
        push ax
    DONE16
    NEG SS_LIMIT, "vm86: push dword at 2", SS_, 0
    GO_V86 0x3000
        mov sp, 2
    AT16
        push eax
    DONE16
    NEG SS_LIMIT, "vm86: call at 1", SS_, 0
    GO_V86 0x3000
        mov sp, 1
    AT16
        call 0x1000
    DONE16
    NEG SS_LIMIT, "vm86: far call at 3: one push would fit", SS_, 0
    GO_V86 0x3000
        mov sp, 3
    AT16
        call 0x1000:0
    DONE16
    NEG SS_LIMIT, "vm86: pusha at 7: the fourth push fails", SS_, 0
    GO_V86 0x3000
        mov sp, 7
    AT16
        pusha
    DONE16
    NEG SS_LIMIT, "vm86: retf at FFFDh", SS_, 0
    GO_V86 0x3000
        mov sp, 0xfffd
    AT16
        retf
    DONE16
    POS SS_LIMIT, "vm86: pusha at 16 and at 0"
    GO_V86 0x3000
        mov sp, 16
        pusha
        pusha
        popa
        popa
    DONE16
    mov eax, [seen.esp]
    and eax, 0xffff
    IS "SP", eax, 16
    POS SS_LIMIT, "vm86: push at 0 goes to FFFEh"
    GO_V86 0x3000
        mov sp, 0
        push ax
    DONE16
    mov eax, [seen.esp]
    and eax, 0xffff
    IS "SP", eax, 0xfffe
    ret

strings:
    NEG_16 GP_DATA_LIMIT, "lodsw at FFFFh", GP, {mov si, 0xffff}, lodsw
    NEG_16 GP_DATA_LIMIT, "stosd at FFFEh", GP, {mov di, 0xfffe}, stosd
    %macro REP_CASE 2           ; the way there, its name
    NEG GP_DATA_LIMIT, {%2, ": rep lodsw stops at FFFFh"}, GP, 0
        REGS_CHANGE
    %1
        mov si, 0xfffb
        mov ecx, 0x12340010
    AT16
        rep lodsw
    DONE16
    mov eax, [seen.esi]
    and eax, 0xffff
    IS "SI", eax, 0xffff
    IS "CX, and the upper half", dword [seen.ecx], 0x1234000e
    POS GP_DATA_LIMIT, {%2, ": rep stosw wraps from FFFEh to 0"}
    %1
        mov di, 0xfffc
        mov cx, 4
        mov ax, 0x1122
        rep stosw
    DONE16
    mov eax, [seen.edi]
    and eax, 0xffff
    IS "DI", eax, 4
    IS "written at 0", dword [FREE], 0x11221122
    POS GP_DATA_LIMIT, {%2, ": rep movsb downwards wraps from 0 to FFFFh"}
    %1
        std
        mov si, 1
        mov di, 0x101
        mov cx, 4
        rep movsb
        cld
    DONE16
    mov eax, [seen.esi]
    and eax, 0xffff
    IS "SI", eax, 0xfffd
    %endmacro
    REP_CASE GO_REAL, "real"
    REP_CASE {GO_V86 0x3000}, "vm86"
    ret

; execution at the end of a 64 KiB segment
running:
    NEG GP_CODE_LIMIT, "real: over FFFFh", GP, 0
        MEMORY_CHANGES
        REGS_CHANGE
        WANT_EIP IMAGE
        mov byte [IMAGE + 0xffff], 0x90
    GO_REAL
        mov ax, 0xffff
    AT16
        jmp ax
    DONE16
    NEG GP_CODE_LIMIT, "vm86: over FFFFh", GP, 0
        MEMORY_CHANGES
        REGS_CHANGE
        WANT_EIP IMAGE + 0x10000
        mov byte [IMAGE + 0xffff], 0x90
    GO_V86 0x3000
        mov ax, 0xffff
    AT16
        jmp ax
    DONE16
    NEG GP_CODE_LIMIT, "vm86: an instruction across FFFFh", GP, 0
        MEMORY_CHANGES
        REGS_CHANGE
        WANT_EIP IMAGE + 0xfffe
        mov word [IMAGE + 0xfffe], 0x00b8
    GO_V86 0x3000
        mov ax, 0xfffe
    AT16
        jmp ax
    DONE16
    NEG GP_CODE_LIMIT, "vm86: jmp with a 32-bit target", GP, 0
    GO_V86 0x3000
        mov eax, 0x10000
    AT16
        jmp eax
    DONE16
    NEG GP_CODE_LIMIT, "vm86: a 32-bit RET", GP, 0
    GO_V86 0x3000
        push dword 0x12345
    AT16
        o32 ret
    DONE16
    POS GP_CODE_LIMIT, "vm86: a 16-bit displacement wraps around"
        mov byte [IMAGE + 0xfffd], 0xe9
        mov word [IMAGE + 0xfffe], IP_OF(.wrapped)
    GO_V86 0x3000
        mov ax, 0xfffd
        jmp ax
.wrapped:
    DONE16
    POS GP_CODE_LIMIT, "real: the same"
        mov byte [IMAGE + 0xfffd], 0xe9
        mov word [IMAGE + 0xfffe], IP_OF(.wrapped2)
    GO_REAL
        mov ax, 0xfffd
        jmp ax
.wrapped2:
    DONE16
    ret

; 16-bit addresses and counts in 32-bit code
addresses:
    POS GP_DATA_LIMIT, "16-bit REP counts CX, moves SI and DI"
        SEG T0, FREE - 0x1000, 0xffff, D_DATA, G_32
        LOAD es, T0
        mov esi, 0x11111000
        mov edi, 0x22221100
        mov ecx, 0x33330004
        es a16 rep movsb
    DONE
    IS "ESI", dword [seen.esi], 0x11111004
    IS "EDI", dword [seen.edi], 0x22221104
    IS "ECX", dword [seen.ecx], 0x33330000
    NEG GP_DATA_LIMIT, "16-bit REP stops at the limit", GP, 0
        REGS_CHANGE
        MEMORY_CHANGES
        SEG T0, FREE, 0x1fff, D_DATA, G_32
        LOAD es, T0
        mov edi, 0x22221ffe
        mov ecx, 0x33330010
    AT
        a16 rep stosb
    DONE
    IS "EDI", dword [seen.edi], 0x22222000
    IS "ECX", dword [seen.ecx], 0x3333000e
    POS GP_DATA_LIMIT, "JCXZ and LOOP count CX with 16-bit addresses"
        mov ecx, 0x10000
        a16 jecxz .zero
        ud2
.zero:
        mov ecx, 0x10001
        a16 loop .again
        jmp .done
.again:
        ud2
.done:
        nop
    DONE
    IS "loop: ECX", dword [seen.ecx], 0x10000
    NEG GP_DATA_LIMIT, "xlat", GP, 0
        SEG T0, FREE, 0xfff, D_DATA, G_32
        LOAD es, T0
        mov ebx, 0xfff
        mov al, 1
    AT
        es xlatb
    DONE
    POS GP_DATA_LIMIT, "xlat with 16-bit addresses wraps around"
        SEG T0, FREE, 0xfff, D_DATA, G_32
        LOAD es, T0
        mov ebx, 0x1ffff
        mov al, 1
        a16 es xlatb
    DONE
    NEG GP_DATA_LIMIT, "bit string, far below", GP, 0
        SEG T0, FREE, 0xfff, D_DATA, G_32
        LOAD es, T0
        mov eax, -1
    AT
        bt [es:0], eax
    DONE
    POS GP_DATA_LIMIT, "bit string, its last unit"
        SEG T0, FREE, 0xfff, D_DATA, G_32
        LOAD es, T0
        mov eax, 0x1000 * 8 - 1
        btc [es:0], eax
    DONE
    NEG GP_DATA_LIMIT, "bit string: the unit is a dword", GP, 0
        SEG T0, FREE, 0xffe, D_DATA, G_32
        LOAD es, T0
        mov eax, 0xffc * 8
    AT
        bts [es:0], eax
    DONE
    NEG GP_DATA_LIMIT, "maskmovq", GP, 0
        SEG T0, FREE, 0xfff, D_DATA, G_32
        LOAD fs, T0
        pcmpeqb mm1, mm1
        mov edi, 0xffc
    AT
        fs maskmovq mm0, mm1
    DONE
    ; POP to memory that ESP addresses: ESP has grown already, but a fault leaves it
    NEG SS_LIMIT, "pop [esp + n]", SS_, 0
        SEG T0, FREE, 0xfff, D_DATA | 3 << 5, G_32
    GO 3
        mov eax, T0 | 3
        mov ss, ax
        mov esp, 0xff8
    AT
        pop dword [esp + 4]
    DONE
    POS SS_LIMIT, "pop [esp]"
        SEG T0, FREE, 0xfff, D_DATA | 3 << 5, G_32
        mov dword [FREE + 0xff8], 1234
    GO 3
        mov eax, T0 | 3
        mov ss, ax
        mov esp, 0xff8
        pop dword [esp]
    DONE
    IS "pop [esp] writes behind itself", dword [FREE + 0xffc], 1234
    NEG SS_LIMIT, "xchg with the stack, flags stay", SS_, 0
        SEG T0, FREE, 0xfff, D_DATA | 3 << 5, G_32
    GO 3
        mov eax, T0 | 3
        mov ss, ax
        mov ebp, 0xffd
    AT
        sbb [ebp], eax
    DONE
    ret

; IRET
returns:
    POS GP_RETURN_NULL, "VM in the image counts at ring 0 only"
    GO 3
        pushfd
        or dword [esp], FL_VM
        push dword SEL_CODE3
        push dword .not_vm
        iretd
.not_vm:
        pushfd
        pop eax
    DONE
    mov eax, [seen.eflags]
    and eax, FL_VM
    IS "VM", eax, 0
    POS GP_RETURN_NULL, "ring 3 changes neither IOPL nor IF"
    GO 3
        push dword 0x3202
        push dword SEL_CODE3
        push dword .flags
        iretd
.flags:
    DONE
    mov eax, [seen.eflags]
    and eax, 0x3200
    IS "IF, IOPL", eax, 0
    POS GP_RETURN_NULL, "IOPL 3: IF, but not IOPL"
        mov dword [ring_extra], 0x3000
    GO 3
        push dword 0x202
        push dword SEL_CODE3
        push dword .flags3
        iretd
.flags3:
        cli
    DONE
    mov eax, [seen.eflags]
    and eax, 0x3200
    IS "IOPL stays, IF has been set", eax, 0x3000
    NEG SS_LIMIT, "vm86: iret at FFFBh", SS_, 0
    GO_V86 0x3000
        mov sp, 0xfffb
    AT16
        iret
    DONE16
    POS GP_RETURN_NULL, "16-bit IRET to an outer ring: SP and SS"
        push word SEL_DATA3
        push word STACK3 & 0xffff
        pushfw
        push word T3 | 3
        push word IP_OF(.out16)
        SEG T3, IMAGE, 0xffff, D_CODE | 3 << 5, G_32
        o16 iret
.out16:
        jmp dword SEL_CODE3:.flat3
.flat3:
        mov ecx, ss
    DONE
    IS "SS", dword [seen.ecx], SEL_DATA3
    ret

END_OF_CASES
