; segments.asm: protected mode, 16 and 32 bits: limits in all forms, types, loads of segment, LDT and task registers.

%include "isa.inc"

; LIMIT good|bad..., one access through ES: T0 as given. NEG_ES, POS_ES "what", base, limit, access, flags, instruction
%macro NEG_ES 6+
    NEG GP_DATA_LIMIT, %1, GP, 0
        SEG T0, %2, %3, %4, %5
        LOAD es, T0
    AT
        %6
    DONE
%endmacro
%macro POS_ES 6+
    POS GP_DATA_LIMIT, %1
        SEG T0, %2, %3, %4, %5
        LOAD es, T0
        %6
    DONE
%endmacro
; the same for the stack: ring 3 runs on T0. SS cases begin with ESP as given; code addresses SS:
; NEG_SS "what", limit, access, flags, ESP, instruction
%macro NEG_SS 6+
    NEG SS_LIMIT, %1, SS_, 0
        SEG T0, FREE, %2, (%3) | 3 << 5, %4
    GO 3
        mov eax, T0 | 3
        mov ss, ax
        mov esp, %5
        mov ebp, esp
    AT
        %6
    DONE
%endmacro
%macro POS_SS 6+
    POS SS_LIMIT, %1
        SEG T0, FREE, %2, (%3) | 3 << 5, %4
    GO 3
        mov eax, T0 | 3
        mov ss, ax
        mov esp, %5
        mov ebp, esp
        %6
    DONE
%endmacro

cases:
    call limits
    call stack_limits
    call types
    call loads
    call stack_loads
    call code_limits
    call system_loads
    call alignment
    ret

; ---- SDM Vol. 3A 5.3
limits:
    POS_ES "last byte", FREE, 0xfff, D_DATA, G_32, mov al, [es:0xfff]
    NEG_ES "byte behind", FREE, 0xfff, D_DATA, G_32, mov al, [es:0x1000]
    NEG_ES "byte behind, write", FREE, 0xfff, D_DATA, G_32, mov [es:0x1000], al
    POS_ES "last word", FREE, 0xfff, D_DATA, G_32, mov ax, [es:0xffe]
    NEG_ES "word across", FREE, 0xfff, D_DATA, G_32, mov ax, [es:0xfff]
    NEG_ES "word across, write", FREE, 0xfff, D_DATA, G_32, mov [es:0xfff], ax
    POS_ES "last dword", FREE, 0xfff, D_DATA, G_32, mov eax, [es:0xffc]
    NEG_ES "dword across by 1", FREE, 0xfff, D_DATA, G_32, mov eax, [es:0xffd]
    NEG_ES "dword across by 3", FREE, 0xfff, D_DATA, G_32, mov eax, [es:0xfff]
    NEG_ES "read-modify-write", FREE, 0xfff, D_DATA, G_32, inc dword [es:0xffe]
    NEG_ES "adc, flags stay", FREE, 0xfff, D_DATA, G_32, adc [es:0xffe], eax
    NEG_ES "xchg", FREE, 0xfff, D_DATA, G_32, xchg [es:0xffe], eax
    NEG_ES "lock xadd", FREE, 0xfff, D_DATA, G_32, lock xadd [es:0xffe], eax
    NEG_ES "cmpxchg that does not store", FREE, 0xfff, D_DATA, G_32, cmpxchg [es:0xffe], ecx
    POS_ES "qword", FREE, 0xfff, D_DATA, G_32, fld qword [es:0xff8]
    NEG_ES "qword across", FREE, 0xfff, D_DATA, G_32, fld qword [es:0xff9]
    POS_ES "tword", FREE, 0xfff, D_DATA, G_32, fld tword [es:0xff6]
    NEG_ES "tword across", FREE, 0xfff, D_DATA, G_32, fld tword [es:0xff7]
    NEG_ES "cmpxchg8b", FREE, 0xfff, D_DATA, G_32, cmpxchg8b [es:0xff9]
    POS_ES "xmm", FREE, 0xfff, D_DATA, G_32, movaps xmm0, [es:0xff0]
    NEG_ES "xmm across", FREE, 0xfff, D_DATA, G_32, movups xmm0, [es:0xff1]
    NEG_ES "xmm across, store", FREE, 0xfff, D_DATA, G_32, movups [es:0xff1], xmm0
    NEG_ES "fnsave: 108 bytes", FREE, 0xfff, D_DATA, G_32, fnsave [es:0x1000 - 107]
    POS_ES "fnsave: 108 bytes", FREE, 0xfff, D_DATA, G_32, fnsave [es:0x1000 - 108]
    NEG_ES "fxsave", FREE, 0xfff, D_DATA, G_32, fxsave [es:0xf00]
    NEG_ES "sgdt", FREE, 0xfff, D_DATA, G_32, sgdt [es:0xffb]
    POS_ES "sgdt", FREE, 0xfff, D_DATA, G_32, sgdt [es:0xffa]
    NEG_ES "bound reads both", FREE, 0xfff, D_DATA, G_32, bound eax, [es:0xffc]
    NEG_ES "les reads six bytes", FREE, 0xfff, D_DATA, G_32, lfs eax, [es:0xffb]
    NEG_ES "far jump through memory", FREE, 0xfff, D_DATA, G_32, jmp far [es:0xffb]
    NEG_ES "bit string above", FREE, 0xfff, D_DATA, G_32, bts [es:0xffe], eax
    ; wrap-around: the last byte of 4 GiB and the first ones
    NEG_ES "word wraps around", FREE, 0xfff, D_DATA, G_32, mov ax, [es:-1]
    NEG_ES "word wraps around in 4 GiB", 0, 0xfffff, D_DATA, G_32 | G_PAGES, mov ax, [es:-1]
    NEG_ES "dword wraps around in 4 GiB, write", 0, 0xfffff, D_DATA, G_32 | G_PAGES, mov [es:-2], eax
    POS_ES "base wraps around, the offset does not", FREE + 0x10, 0xfffff, D_DATA, G_32 | G_PAGES, mov eax, [es:-12]
    ; granularity
    POS_ES "limit 0 is one byte", FREE, 0, D_DATA, G_32, mov al, [es:0]
    NEG_ES "limit 0 is one byte", FREE, 0, D_DATA, G_32, mov al, [es:1]
    POS_ES "limit 0 in pages", FREE, 0, D_DATA, G_32 | G_PAGES, mov al, [es:0xfff]
    NEG_ES "limit 0 in pages", FREE, 0, D_DATA, G_32 | G_PAGES, mov al, [es:0x1000]
    ; expand-down: valid are offsets above the limit, to 64K or 4G
    NEG_ES "down: at the limit", FREE, 0xfff, D_DOWN, G_32, mov al, [es:0xfff]
    POS_ES "down: above it", FREE, 0xfff, D_DOWN, G_32, mov al, [es:0x1000]
    NEG_ES "down: 0", FREE, 0xfff, D_DOWN, G_32, mov al, [es:0]
    NEG_ES "down: across the limit", FREE, 0xfff, D_DOWN, G_32, mov ax, [es:0xfff]
    NEG_ES "down: word wraps around", FREE, 0xfff, D_DOWN, G_32, mov ax, [es:-1]
    POS_ES "down: last byte of 4G", FREE + 1, 0xfff, D_DOWN, G_32, mov al, [es:-1]
    POS_ES "down, 16 bits: last byte", FREE - 0xf000, 0xfff, D_DOWN, 0, mov al, [es:0xffff]
    NEG_ES "down, 16 bits: word across 64K", FREE - 0xf000, 0xfff, D_DOWN, 0, mov ax, [es:0xffff]
    NEG_ES "down, 16 bits: above 64K", FREE - 0xf000, 0xfff, D_DOWN, 0, mov al, [es:0x10000]
    NEG_ES "down, 16 bits: at the limit", FREE - 0xf000, 0xfff, D_DOWN, 0, mov [es:0xfff], al
    NEG_ES "down, limit 64K - 1, 16 bits: empty", FREE, 0xffff, D_DOWN, 0, mov al, [es:0xffff]
    NEG_ES "down, limit 4G - 1: empty", FREE, 0xfffff, D_DOWN, G_32 | G_PAGES, mov al, [es:-1]
    POS_ES "down, in pages", FREE - 0x2000, 1, D_DOWN, G_32 | G_PAGES, mov al, [es:0x2000]
    NEG_ES "down, in pages", FREE - 0x2000, 1, D_DOWN, G_32 | G_PAGES, mov al, [es:0x1fff]
    ; code segments have no direction: conforming is no expand-down
    POS_ES "conforming code", FREE, 0xfff, D_CONF, G_32, mov al, [es:0xfff]
    NEG_ES "conforming code", FREE, 0xfff, D_CONF, G_32, mov al, [es:0x1000]
    ; 16-bit addresses in a segment of less than 64K
    NEG_ES "16-bit address", FREE, 0xfff, D_DATA, 0, mov al, [es:word 0x1000]
    POS_ES "16-bit address", FREE, 0xfff, D_DATA, 0, mov al, [es:word 0xfff]
    ; the same rule through DS: no snapshot
    NEG GP_DATA_LIMIT, "ds", GP, 0
        REGS_CHANGE
        SEG T0, FREE, 0xfff, D_DATA, G_32
    GO 0
        LOAD ds, T0
    AT_BARE
        mov eax, [0xffd]
    DONE
    NEG GP_DATA_LIMIT, "fs, ring 3", GP, 0
        SEG T0, FREE, 0xfff, D_DATA | 3 << 5, G_32
    GO 3
        LOAD fs, T0 | 3
    AT
        or [fs:0xffd], eax
    DONE
    NEG GP_DATA_LIMIT, "movs, destination", GP, 0
        SEG T0, FREE, 0xfff, D_DATA, G_32
        LOAD es, T0
        mov edi, 0xffd
        mov esi, FREE
    AT
        movsd
    DONE
    NEG GP_DATA_LIMIT, "movs, source, downwards", GP, 0
        SEG T0, FREE, 0xfff, D_DATA, G_32
        LOAD fs, T0
        mov esi, 0xffd
        mov edi, FREE
        std
    AT
        fs movsd
    DONE
    NEG GP_DATA_LIMIT, "cmps", GP, 0
        SEG T0, FREE, 0xfff, D_DATA, G_32
        LOAD es, T0
        mov edi, 0xffe
        mov esi, FREE
    AT
        cmpsd
    DONE
    ; REP: the iterations before the fault have happened (SDM Vol. 2 REP)
    NEG GP_DATA_LIMIT, "rep stos stops in the middle", GP, 0
        REGS_CHANGE
        MEMORY_CHANGES
        SEG T0, FREE, 0xfff, D_DATA, G_32
        LOAD es, T0
        mov edi, 0xff0
        mov ecx, 8
    AT
        rep stosd
    DONE
    IS "rep stos: EDI", dword [seen.edi], 0x1000
    IS "rep stos: ECX", dword [seen.ecx], 4
    IS "rep stos: last", dword [FREE + 0xffc], 0xa0a1a2a3
    IS "rep stos: no more", dword [FREE + 0x1000], 0x5a5a5a5a
    NEG GP_DATA_LIMIT, "rep stos, misfit", GP, 0
        REGS_CHANGE
        MEMORY_CHANGES
        SEG T0, FREE, 0xfff, D_DATA, G_32
        LOAD es, T0
        mov edi, 0xff2
        mov ecx, 8
    AT
        rep stosd
    DONE
    IS "rep stos, misfit: EDI", dword [seen.edi], 0xffe
    IS "rep stos, misfit: ECX", dword [seen.ecx], 5
    IS "rep stos, misfit: nothing of the last", dword [FREE + 0xffe], 0x5a5a5a5a
    NEG GP_DATA_LIMIT, "rep movs downwards to below 0", GP, 0
        REGS_CHANGE
        MEMORY_CHANGES
        SEG T0, FREE, 0xfff, D_DATA, G_32
        LOAD es, T0
        mov edi, 8
        mov esi, FREE + 0x100
        mov ecx, 100
        std
    AT
        rep movsd
    DONE
    IS "rep movs: EDI", dword [seen.edi], -4
    IS "rep movs: ESI", dword [seen.esi], FREE + 0xf4
    IS "rep movs: ECX", dword [seen.ecx], 97
    POS GP_DATA_LIMIT, "rep stos with ECX 0 touches nothing"
        SEG T0, FREE, 0xfff, D_DATA, G_32
        LOAD es, T0
        mov edi, 0x5000
        xor ecx, ecx
        rep stosd
    DONE
    NEG GP_DATA_LIMIT, "rep scas stops in the middle", GP, 0
        REGS_CHANGE
        SEG T0, FREE, 0xfff, D_DATA, G_32
        LOAD es, T0
        mov edi, 0xffc
        mov ecx, 100
        mov al, 0
    AT
        repne scasb
    DONE
    IS "rep scas: EDI", dword [seen.edi], 0x1000
    IS "rep scas: ECX", dword [seen.ecx], 96
    ret

; ---- the same on the stack: #SS
stack_limits:
    POS_SS "last push", 0xfff, D_DATA, G_32, 0x1000, push eax
    NEG_SS "push across", 0xfff, D_DATA, G_32, 0x1001, push eax
    NEG_SS "push behind", 0xfff, D_DATA, G_32, 0x2000, push eax
    NEG_SS "push below 0", 0xfff, D_DATA, G_32, 2, push eax
    NEG_SS "push word at 0 wraps", 0xfff, D_DATA, G_32, 0, push ax
    NEG_SS "pop across", 0xfff, D_DATA, G_32, 0xffd, pop eax
    POS_SS "pop", 0xfff, D_DATA, G_32, 0xffc, pop eax
    NEG_SS "[ebp]", 0xfff, D_DATA, G_32, 0xffd, mov eax, [ebp]
    NEG_SS "[esp]", 0xfff, D_DATA, G_32, 0xffd, mov [esp], eax
    NEG_SS "ss: prefix", 0xfff, D_DATA, G_32, 0x100, mov eax, [ss:0x1000]
    POS_SS "ss: prefix", 0xfff, D_DATA, G_32, 0x100, mov eax, [ss:0xffc]
    NEG_SS "call pushes", 0xfff, D_DATA, G_32, 2, call stack_limits
    NEG_SS "call through a register", 0xfff, D_DATA, G_32, 2, call eax
    NEG_SS "ret pops", 0xfff, D_DATA, G_32, 0xffe, ret
    NEG_SS "ret n pops", 0xfff, D_DATA, G_32, 0xffe, ret 8
    NEG_SS "retf pops", 0xfff, D_DATA, G_32, 0xffc, retf
    NEG_SS "iret pops", 0xfff, D_DATA, G_32, 0xff8, iretd
    NEG_SS "pusha, last one", 0xfff, D_DATA, G_32, 28, pushad
    POS_SS "pusha", 0xfff, D_DATA, G_32, 32, pushad
    NEG_SS "popa, last one", 0xfff, D_DATA, G_32, 0xfe4, popad
    NEG_SS "enter", 0xfff, D_DATA, G_32, 2, enter 0, 0
    NEG_SS "enter, room for locals", 0xfff, D_DATA, G_32, 0x20, enter 0x40, 0
    NEG_SS "enter, frame pointers", 0xfff, D_DATA, G_32, 0x8, enter 0, 3
    NEG_SS "leave", 0xfff, D_DATA, G_32, 0xffe, leave
    NEG_SS "pushf", 0xfff, D_DATA, G_32, 0x1002, pushfd
    NEG_SS "popf", 0xfff, D_DATA, G_32, 0xffe, popfd
    NEG_SS "push memory", 0xfff, D_DATA, G_32, 2, push dword [FREE]
    NEG_SS "push segment", 0xfff, D_DATA, G_32, 2, push es
    NEG_SS "pop segment", 0xfff, D_DATA, G_32, 0xffe, pop es
    NEG_SS "pop memory", 0xfff, D_DATA, G_32, 0xffe, pop dword [FREE]
    NEG_SS "call far", 0xfff, D_DATA, G_32, 6, call SEL_CODE3:stack_limits
    ; expand-down, 32 bits
    POS_SS "down: first push", 0xfff, D_DOWN, G_32, 0x1004, push eax
    NEG_SS "down: push to the limit", 0xfff, D_DOWN, G_32, 0x1003, push eax
    ; 16-bit stacks: SP wraps in 64K, ESP's upper half stays
    POS_SS "16 bits: push at SP 0 wraps to FFFEh", 0xffff, D_DATA, 0, 0, push ax
    NEG_SS "16 bits: dword at SP 2 crosses 64K", 0xffff, D_DATA, 0, 2, push eax
    NEG_SS "16 bits: word at SP 1 crosses 64K", 0xffff, D_DATA, 0, 1, push ax
    NEG_SS "16 bits: push at SP 0, small limit", 0xfff, D_DATA, 0, 0, push ax
    POS_SS "16 bits: only SP counts", 0xfff, D_DATA, 0, 0x12340100, push eax
    IS "16 bits: upper ESP", dword [seen.esp], 0x123400fc
    NEG_SS "16 bits: pop at FFFFh", 0xffff, D_DATA, 0, 0xffff, pop ax
    NEG_SS "16 bits: pusha across 64K", 0xffff, D_DATA, 0, 30, pushad
    POS_SS "16 bits, down: push", 0xfff, D_DOWN, 0, 0x1004, push eax
    NEG_SS "16 bits, down: push to the limit", 0xfff, D_DOWN, 0, 0x1003, push eax
    POS_SS "16 bits, down: wraps to the top", 0xfff, D_DOWN, 0, 0, push ax
    NEG_SS "16 bits, down: dword across 64K", 0xfff, D_DOWN, 0, 3, push eax
    NEG_SS "16 bits: ret", 0xfff, D_DATA, 0, 0xfff, ret
    ret

; ---- SDM Vol. 3A 5.4.1, 5.5
types:
    NEG GP_DATA_NULL, "read", GP, 0
        LOAD es, 0
    AT
        mov al, [es:0]
    DONE
    NEG GP_DATA_NULL, "write through selector 3, ring 3", GP, 0
    GO 3
        LOAD gs, 3
    AT
        mov [gs:0], al
    DONE
    NEG GP_DATA_NULL, "string destination", GP, 0
        LOAD es, 1
        mov edi, FREE
    AT
        stosb
    DONE
    NEG GP_DATA_NULL, "dropped by the way to an outer ring", GP, 0
        LOAD fs, SEL_DATA0
    GO 3
    AT
        mov al, [fs:FREE]
    DONE
    POS GP_DATA_NULL, "loading one is no access"
        LOAD es, 0
        LOAD fs, 3
        xor ecx, ecx
        rep stosb
        lea eax, [es:eax]
    DONE
    POS GP_DATA_NULL, "a nonnull selector"
        LOAD es, SEL_DATA0
        mov al, [es:FREE]
    DONE
    NEG GP_DATA_NOT_WRITABLE, "read-only data", GP, 0
        SEG T0, FREE, 0xfff, D_DATARO, G_32
        LOAD es, T0
    AT
        mov [es:0], al
    DONE
    NEG GP_DATA_NOT_WRITABLE, "read-only data, read-modify-write", GP, 0
        SEG T0, FREE, 0xfff, D_DATARO, G_32
        LOAD es, T0
    AT
        add [es:0], eax
    DONE
    NEG GP_DATA_NOT_WRITABLE, "code", GP, 0
        SEG T0, FREE, 0xfff, D_CODE, G_32
        LOAD es, T0
    AT
        mov [es:0], al
    DONE
    NEG GP_DATA_NOT_WRITABLE, "cs", GP, 0
    AT
        mov [cs:FREE], al
    DONE
    NEG GP_DATA_NOT_WRITABLE, "type comes before limit", GP, 0
        SEG T0, FREE, 0xfff, D_DATARO, G_32
        LOAD es, T0
    AT
        mov [es:0x2000], al
    DONE
    NEG GP_DATA_NOT_WRITABLE, "read-only, expand-down", GP, 0
        SEG T0, FREE, 0xfff, D_DOWN & ~2, G_32
        LOAD es, T0
    AT
        mov [es:0x1000], al
    DONE
    POS GP_DATA_NOT_WRITABLE, "reading is fine"
        SEG T0, FREE, 0xfff, D_DATARO, G_32
        LOAD es, T0
        mov al, [es:0]
        cmp [es:0], al
        test [es:4], eax
    DONE
    NEG GP_CODE_NOT_READABLE, "execute-only cs", GP, 0
        SEG T0, 0, 0xfffff, D_CODEXO, G_32 | G_PAGES
        jmp T0:.xo
.xo:
    AT
        mov al, [cs:FREE]
    DONE
    POS GP_CODE_NOT_READABLE, "readable cs"
        mov al, [cs:FREE]
    DONE
    POS GP_CODE_NOT_READABLE, "execute-only cs executes"
        SEG T0, 0, 0xfffff, D_CODEXO, G_32 | G_PAGES
        jmp T0:.xo2
.xo2:
        mov al, [FREE]
    DONE
    ret

; ---- SDM Vol. 2 MOV, POP, LDS; Vol. 3A 5.6
%macro NEG_LOAD 5               ; rule, what, vector, error, selector to ES (T0 has been made before by LOAD_SEG)
    NEG %1, %2, %3, %4
        LOAD_SEG
        mov eax, %5
    GO CASE_RING
    AT
        mov es, ax
    DONE
%endmacro
%macro POS_LOAD 3
    POS %1, %2
        LOAD_SEG
        mov eax, %3
    GO CASE_RING
        mov es, ax
    DONE
    IS %2, dword [seen.es], %3
%endmacro
%define CASE_RING 0
%macro LOAD_SEG 0
%endmacro

loads:
    NEG_LOAD GP_DATA_SELECTOR_LIMIT, "beyond the GDT", GP, BEYOND, BEYOND
    NEG_LOAD GP_DATA_SELECTOR_LIMIT, "beyond the GDT, RPL is not in the code", GP, BEYOND, BEYOND + 3
    NEG_LOAD GP_DATA_SELECTOR_LIMIT, "no LDT", GP, 0xc, 0xc
    NEG_LOAD GP_DATA_SELECTOR_LIMIT, "FFFFh", GP, 0xfffc, 0xffff
    NEG GP_DATA_SELECTOR_LIMIT, "beyond the LDT", GP, 0x44
        LDT_ON
        mov eax, 0x44
    AT
        mov ds, ax
    DONE
    NEG GP_DATA_SELECTOR_LIMIT, "the limit cuts a descriptor", GP, T0
        SEG T0, 0, 0xfffff, D_DATA, G_32 | G_PAGES
        mov word [.gdtr], T0 + 6
        mov dword [.gdtr + 2], gdt
        lgdt [.gdtr]
        mov eax, T0
    AT
        mov ds, ax
    DONE
    POS GP_DATA_SELECTOR_LIMIT, "the limit holds just this descriptor"
        SEG T0, 0, 0xfffff, D_DATA, G_32 | G_PAGES
        mov word [.gdtr], T0 + 7
        mov dword [.gdtr + 2], gdt
        lgdt [.gdtr]
        mov eax, T0
        mov es, ax
    DONE
    POS GP_DATA_SELECTOR_LIMIT, "last of the LDT"
        LDT_ON
        LSEG 7, 0, 0xfffff, D_DATA, G_32 | G_PAGES
        mov eax, 0x3c
        mov es, ax
    DONE
    POS GP_DATA_SELECTOR_LIMIT, "last of the GDT"
        SEG BEYOND - 8, 0, 0xfffff, D_DATA, G_32 | G_PAGES
        mov eax, BEYOND - 8
        mov es, ax
    DONE
    NEG_LOAD GP_DATA_TYPE, "a TSS", GP, SEL_TSS, SEL_TSS
    NEG_LOAD GP_DATA_TYPE, "descriptor 0s", GP, T0, T0
    NEG GP_DATA_TYPE, "execute-only code", GP, T0
        SEG T0, 0, 0xfffff, D_CODEXO, G_32 | G_PAGES
        mov eax, T0
    AT
        mov es, ax
    DONE
    NEG GP_DATA_TYPE, "type before privilege and presence", GP, T0
        SEG T0, 0, 0xfffff, D_CODEXO & 0x7f, G_32 | G_PAGES
        mov eax, T0 | 3
    AT
        mov fs, ax
    DONE
    POS GP_DATA_TYPE, "readable code"
        LOAD es, SEL_CODE0
        mov al, [es:FREE]
    DONE
    POS GP_DATA_TYPE, "read-only data"
        SEG T0, 0, 0xfffff, D_DATARO, G_32 | G_PAGES
        LOAD gs, T0
    DONE
    NEG_LOAD GP_DATA_RPL, "RPL 3, DPL 0", GP, SEL_DATA0, SEL_DATA0 | 3
    NEG_LOAD GP_DATA_RPL, "RPL 3, DPL 2", GP, SEL_DATA2 & ~3, SEL_DATA2 | 3
    POS_LOAD GP_DATA_RPL, "RPL 2, DPL 2", SEL_DATA2
    POS_LOAD GP_DATA_RPL, "RPL 3, DPL 3", SEL_DATA3
    %define CASE_RING 3
    NEG_LOAD GP_DATA_DPL, "ring 3, DPL 0", GP, SEL_DATA0, SEL_DATA0
    NEG_LOAD GP_DATA_DPL, "ring 3, DPL 2", GP, SEL_DATA2 & ~3, SEL_DATA2 & ~3
    POS_LOAD GP_DATA_DPL, "ring 3, DPL 3", SEL_DATA3 & ~3
    %define CASE_RING 1
    NEG_LOAD GP_DATA_DPL, "ring 1, DPL 0", GP, SEL_DATA0, SEL_DATA0
    POS_LOAD GP_DATA_DPL, "ring 1, DPL 1", SEL_DATA1
    POS_LOAD GP_DATA_DPL, "ring 1, DPL 2", SEL_DATA2
    %define CASE_RING 0
    POS GP_DATA_DPL, "conforming code is for all"
        SEG T0, 0, 0xfffff, D_CONF, G_32 | G_PAGES
    GO 3
        LOAD es, T0 | 3
        mov al, [es:FREE]
    DONE
    NEG NP_DATA, "data", NP, T0
        SEG T0, 0, 0xfffff, D_DATA & 0x7f, G_32 | G_PAGES
        mov eax, T0
    AT
        mov es, ax
    DONE
    NEG NP_DATA, "in the LDT", NP, 0xc
        LDT_ON
        LSEG 1, 0, 0xfffff, D_DATA & 0x7f, G_32 | G_PAGES
        mov eax, 0xc
    AT
        mov gs, ax
    DONE
    NEG NP_DATA, "les changes neither register", NP, T0
        SEG T0, 0, 0xfffff, D_DATA & 0x7f, G_32 | G_PAGES
        mov dword [FREE], 1
        mov dword [FREE + 4], T0
    AT
        les eax, [FREE]
    DONE
    IS "les: ES", dword [seen.es], SEL_DATA0
    NEG NP_DATA, "pop leaves ESP", NP, T0
        SEG T0, 0, 0xfffff, D_DATA & 0x7f, G_32 | G_PAGES
        push dword T0
    AT
        pop es
    DONE
    POS NP_DATA, "present"
        SEG T0, 0, 0xfffff, D_DATA, G_32 | G_PAGES
        push dword T0
        pop es
    DONE
    POS NP_DATA, "accessed bit"
        DESCRIPTOR T0, 0, 0xfffff, D_DATA, G_32 | G_PAGES
        LOAD es, T0
    DONE
    IS "the load sets the accessed bit", dword [GDT_ENTRY(T0) + 4], 0x00cf9300
    ret
    [section .data]
.gdtr: dw 0
    dd 0
    __SECT__

stack_loads:
    NEG GP_SS_NULL, "ring 0", GP, 0
        xor eax, eax
    AT
        mov ss, ax
    DONE
    NEG GP_SS_NULL, "ring 3, selector 3", GP, 0
        mov eax, 3
    GO 3
    AT
        mov ss, ax
    DONE
    NEG GP_SS_NULL, "lss", GP, 0
        mov dword [FREE + 4], 0
    AT
        lss esp, [FREE]
    DONE
    POS GP_SS_NULL, "not null"
        LOAD ss, SEL_DATA0
    DONE
    NEG GP_SS_LIMIT, "beyond the GDT", GP, BEYOND
        mov eax, BEYOND
    AT
        mov ss, ax
    DONE
    NEG GP_SS_LIMIT, "no LDT, pop", GP, 0xc
        push dword 0xc
    AT
        pop ss
    DONE
    POS GP_SS_LIMIT, "from the LDT"
        LDT_ON
        LSEG 1, 0, 0xfffff, D_DATA, G_32 | G_PAGES
        mov eax, 0xc
        mov ss, ax
        nop
    DONE
    NEG GP_SS_RPL, "ring 0, RPL 3", GP, SEL_DATA0
        mov eax, SEL_DATA0 | 3
    AT
        mov ss, ax
    DONE
    NEG GP_SS_RPL, "ring 3, RPL 0", GP, SEL_DATA3 & ~3
        mov eax, SEL_DATA3 & ~3
    GO 3
    AT
        mov ss, ax
    DONE
    NEG GP_SS_RPL, "RPL before type and DPL", GP, SEL_CODE3 & ~3
        mov eax, SEL_CODE3 & ~3 | 2
    GO 3
    AT
        mov ss, ax
    DONE
    POS GP_SS_RPL, "ring 3, RPL 3"
    GO 3
        LOAD ss, SEL_DATA3
    DONE
    POS GP_SS_RPL, "ring 1, RPL 1"
    GO 1
        LOAD ss, SEL_DATA1
    DONE
    NEG GP_SS_TYPE, "code", GP, SEL_CODE0
        mov eax, SEL_CODE0
    AT
        mov ss, ax
    DONE
    NEG GP_SS_TYPE, "read-only data", GP, T0
        SEG T0, 0, 0xfffff, D_DATARO, G_32 | G_PAGES
        mov eax, T0
    AT
        mov ss, ax
    DONE
    NEG GP_SS_TYPE, "a TSS", GP, SEL_TSS
        mov eax, SEL_TSS
    AT
        mov ss, ax
    DONE
    POS GP_SS_TYPE, "expand-down data"
        SEG T0, 0, 0, D_DOWN, G_32
        LOAD ss, T0
    DONE
    NEG GP_SS_DPL, "ring 0, DPL 3", GP, SEL_DATA3 & ~3
        mov eax, SEL_DATA3 & ~3
    AT
        mov ss, ax
    DONE
    NEG GP_SS_DPL, "ring 3, DPL 0", GP, SEL_DATA0
        mov eax, SEL_DATA0 | 3
    GO 3
    AT
        mov ss, ax
    DONE
    NEG GP_SS_DPL, "DPL before presence", GP, T0
        SEG T0, 0, 0xfffff, (D_DATA | 3 << 5) & 0x7f, G_32 | G_PAGES
        mov eax, T0
    AT
        mov ss, ax
    DONE
    POS GP_SS_DPL, "ring 2, DPL 2"
    GO 2
        LOAD ss, SEL_DATA2
    DONE
    NEG SS_LOAD_NOT_PRESENT, "mov", SS_, T0
        SEG T0, 0, 0xfffff, D_DATA & 0x7f, G_32 | G_PAGES
        mov eax, T0
    AT
        mov ss, ax
    DONE
    NEG SS_LOAD_NOT_PRESENT, "lss leaves ESP", SS_, T0
        SEG T0, 0, 0xfffff, D_DATA & 0x7f, G_32 | G_PAGES
        mov dword [FREE + 4], T0
    AT
        lss esp, [FREE]
    DONE
    POS SS_LOAD_NOT_PRESENT, "present"
        SEG T0, 0, 0xfffff, D_DATA, G_32 | G_PAGES
        mov eax, T0
        mov ss, ax
        nop
    DONE
    NEG UD_SEGMENT_REGISTER, "mov cs, ax", UD, 0
    AT
        db 0x8e, 0xc8
    DONE
    NEG UD_SEGMENT_REGISTER, "mov 6, ax", UD, 0
    AT
        db 0x8e, 0xf0
    DONE
    NEG UD_SEGMENT_REGISTER, "mov 7, ax", UD, 0
    AT
        db 0x8e, 0xf8
    DONE
    NEG UD_SEGMENT_REGISTER, "mov ax, 6", UD, 0
    AT
        db 0x8c, 0xf0
    DONE
    POS UD_SEGMENT_REGISTER, "cs is read"
        mov eax, cs
    DONE
    IS "cs is read", dword [seen.eax], SEL_CODE0
    ret

; ---- the end of the code segment. T0 is a code segment that ends behind .end
%macro CODE_CASE 3              ; distance of the limit from the label .there, ring's DPL, type
    SEG T0, 0, 0, (%3) | (%2) << 5, G_32
%endmacro
code_limits:
    ; the limit is set with the granularity of bytes: 1 MiB is enough for the image
    NEG GP_CODE_LIMIT, "an instruction that crosses it", GP, 0
        SEG T0, 0, .cross + 1, D_CODE, G_32
        jmp T0:.cross_from
.cross_from:
    AT
.cross:
        mov ecx, 0x12345678
    DONE
    NEG GP_CODE_LIMIT, "one that begins behind it", GP, 0
        SEG T0, 0, .behind - 1, D_CODE, G_32
        jmp T0:.behind_from
.behind_from:
    AT
.behind:
        nop
    DONE
    POS GP_CODE_LIMIT, "last byte of an instruction at it"
        SEG T0, 0, .at_end - 1, D_CODE, G_32
        jmp T0:.at_from
.at_from:
        mov ecx, 0x12345678
        jmp dword SEL_CODE0:.at_end
.at_end:
    DONE
    NEG GP_CODE_LIMIT, "jump behind it", GP, 0
        SEG T0, 0, .jump_end - 1, D_CODE, G_32
        jmp T0:.jump_from
.jump_from:
    AT
        jmp near .jump_far
.jump_end:
        times 16 nop
.jump_far:
    DONE
    NEG GP_CODE_LIMIT, "jump through a register", GP, 0
        SEG T0, 0, 0x1ffff, D_CODE, G_32
        mov eax, 0x20000
        jmp T0:.register_from
.register_from:
    AT
        jmp eax
    DONE
    NEG GP_CODE_LIMIT, "call behind it pushes nothing", GP, 0
        SEG T0, 0, 0x1ffff, D_CODE, G_32
        mov eax, 0x20000
        mov dword [STACK0 - 0x100], 0x55aa
        jmp T0:.call_from
.call_from:
    AT
        call eax
    DONE
    NEG GP_CODE_LIMIT, "ret behind it", GP, 0
        SEG T0, 0, 0x1ffff, D_CODE, G_32
        push dword 0x20000
        jmp T0:.ret_from
.ret_from:
    AT
        ret
    DONE
    NEG GP_CODE_LIMIT, "conditional jump that is taken", GP, 0
        SEG T0, 0, .jcc_end - 1, D_CODE, G_32
        jmp T0:.jcc_from
.jcc_from:
        stc
    AT
        jc near .jcc_far
.jcc_end:
        times 16 nop
.jcc_far:
    DONE
    POS GP_CODE_LIMIT, "conditional jump that is not"
        SEG T0, 0, .jnc_end - 1, D_CODE, G_32
        jmp T0:.jnc_from
.jnc_from:
        stc
        jnc near .jnc_far
        jmp dword SEL_CODE0:.jnc_end
.jnc_end:
        times 16 nop
.jnc_far:
    DONE
    NEG GP_CODE_LIMIT, "loop", GP, 0
        SEG T0, 0, .loop_end - 1, D_CODE, G_32
        jmp T0:.loop_from
.loop_from:
        mov ecx, 2
    AT
        loop .loop_far
.loop_end:
        times 16 nop
.loop_far:
    DONE
    ret

; ---- LLDT, LTR
%macro SYSTEM_NEG 6             ; rule, what, vector, error, instruction's register form, selector
    NEG %1, %2, %3, %4
        mov eax, %6
    AT
        %5 ax
    DONE
%endmacro
system_loads:
    SYSTEM_NEG GP_LDT_NOT_GDT, "in the LDT", GP, 0xc, lldt, 0xc
    POS GP_LDT_NOT_GDT, "in the GDT"
        LDT_ON
    DONE
    POS GP_LDT_NOT_GDT, "null"
        xor eax, eax
        lldt ax
        mov eax, 3
        lldt ax
    DONE
    SYSTEM_NEG GP_LDT_LIMIT, "beyond", GP, BEYOND, lldt, BEYOND
    POS GP_LDT_LIMIT, "last of the GDT"
        DESCRIPTOR BEYOND - 8, LDT_AT, 63, D_LDT, 0
        mov eax, BEYOND - 8
        lldt ax
    DONE
    SYSTEM_NEG GP_LDT_TYPE, "data", GP, SEL_DATA0, lldt, SEL_DATA0
    SYSTEM_NEG GP_LDT_TYPE, "a TSS", GP, SEL_TSS, lldt, SEL_TSS
    POS GP_LDT_TYPE, "an LDT, any RPL"
        DESCRIPTOR T0, LDT_AT, 63, D_LDT, 0
        mov eax, T0 | 3
        lldt ax
        sldt ecx
    DONE
    IS "sldt", dword [seen.ecx], T0 | 3
    NEG NP_LDT, "not present", NP, T0
        DESCRIPTOR T0, LDT_AT, 63, D_LDT & 0x7f, 0
        mov eax, T0
    AT
        lldt ax
    DONE
    POS NP_LDT, "present"
        DESCRIPTOR T0, LDT_AT, 63, D_LDT, 0
        mov eax, T0
        lldt ax
    DONE
    SYSTEM_NEG GP_TR_NULL, "0", GP, 0, ltr, 0
    SYSTEM_NEG GP_TR_NULL, "3", GP, 0, ltr, 3
    POS GP_TR_NULL, "not null"
        DESCRIPTOR T0, tss, 103, D_TSS32, 0
        mov eax, T0
        ltr ax
    DONE
    IS "ltr sets the busy bit", dword [GDT_ENTRY(T0) + 4], 0x00008b02
    SYSTEM_NEG GP_TR_NOT_GDT, "LDT", GP, 0xc, ltr, 0xc
    POS GP_TR_NOT_GDT, "16-bit TSS in the GDT"
        DESCRIPTOR T0, tss, 43, D_TSS16, 0
        mov eax, T0
        ltr ax
        str ecx
        mov eax, SEL_TSS
        and byte [GDT_ENTRY(SEL_TSS) + 5], ~D_BUSY
        ltr ax
    DONE
    IS "str", dword [seen.ecx], T0
    SYSTEM_NEG GP_TR_LIMIT, "beyond", GP, BEYOND, ltr, BEYOND
    POS GP_TR_LIMIT, "last of the GDT"
        DESCRIPTOR BEYOND - 8, tss, 103, D_TSS32, 0
        mov eax, BEYOND - 8
        ltr ax
    DONE
    SYSTEM_NEG GP_TR_TYPE, "busy", GP, SEL_TSS, ltr, SEL_TSS
    SYSTEM_NEG GP_TR_TYPE, "data", GP, SEL_DATA0, ltr, SEL_DATA0
    POS GP_TR_TYPE, "available"
        DESCRIPTOR T0, tss, 103, D_TSS32, 0
        mov eax, T0
        ltr ax
    DONE
    NEG NP_TR, "not present", NP, T0
        DESCRIPTOR T0, tss, 103, D_TSS32 & 0x7f, 0
        mov eax, T0
    AT
        ltr ax
    DONE
    POS NP_TR, "present"
        DESCRIPTOR T0, tss, 103, D_TSS32, 0
        mov eax, T0
        ltr ax
    DONE
    ret

; ---- #AC: SDM Vol. 3A 6.15
%macro AC_ON 0
    or dword [case.cr0], CR0_AM
    mov eax, [case.cr0]
    mov cr0, eax
    and dword [case.cr0], ~CR0_AM
    mov dword [ring_extra], FL_AC
%endmacro
; FREE's beginning in EBX, 0 in EAX; NEG_AC "what", instruction
%macro NEG_AC 2+
    NEG AC_UNALIGNED, %1, AC, 0
        AC_ON
        xor eax, eax
        mov ebx, FREE
        mov esi, FREE + 1
        mov edi, FREE + 0x102
    GO 3
    AT
        %2
    DONE
%endmacro
%macro POS_AC 2+
    POS AC_UNALIGNED, %1
        AC_ON
        xor eax, eax
        mov ebx, FREE
        mov esi, FREE + 1
        mov edi, FREE + 0x102
    GO 3
        %2
    DONE
%endmacro
alignment:
    NEG_AC "word", mov ax, [ebx + 1]
    POS_AC "word", mov ax, [ebx + 2]
    NEG_AC "word, write", mov [ebx + 3], ax
    NEG_AC "dword at 2", mov eax, [ebx + 2]
    NEG_AC "dword at 1, write", mov [ebx + 1], eax
    POS_AC "dword", mov eax, [ebx + 4]
    POS_AC "byte", mov al, [ebx + 3]
    NEG_AC "read-modify-write", add [ebx + 2], eax
    NEG_AC "xchg", xchg [ebx + 2], eax
    NEG_AC "locked", lock xadd [ebx + 2], eax
    NEG_AC "movs, source", movsd
    NEG_AC "stos", stosd
    POS_AC "stosw", stosw
    NEG_AC "double", fld qword [ebx + 4]
    POS_AC "double", fld qword [ebx + 8]
    NEG_AC "single", fld dword [ebx + 2]
    NEG_AC "extended: at 8", fld tword [ebx + 4]
    POS_AC "extended: at 8", fld tword [ebx + 8]
    NEG_AC "bcd", fbld [ebx + 4]
    NEG_AC "cmpxchg8b", cmpxchg8b [ebx + 4]
    NEG_AC "far pointer", lfs eax, [ebx + 2]
    NEG_AC "bound: dword", bound eax, [ebx + 2]
    NEG_AC "fnstenv: 4", fnstenv [ebx + 2]
    NEG_AC "fnsave: 4", fnsave [ebx + 2]
    POS_AC "fnstenv: 4", fnstenv [ebx + 4]
    NEG_AC "pop to memory", pop dword [ebx + 2]
    NEG_AC "bit string", bt [ebx + 2], eax
    NEG_AC "sgdt at 0: its dword is at 2", sgdt [ebx]
    NEG_AC "sgdt at 1", sidt [ebx + 1]
    POS_AC "sgdt at 2: a word, then an aligned dword", sgdt [ebx + 2]
    NEG_AC "movq xmm", movq xmm0, [ebx + 4]
    NEG_AC "movsd xmm", movsd xmm0, [ebx + 4]
    NEG_AC "movss xmm", movss xmm0, [ebx + 2]
    NEG_AC "movups", movups xmm0, [ebx + 8]
    POS_AC "movups", movups xmm0, [ebx + 16]
    POS_AC "lea", lea eax, [ebx + 1]
    NEG AC_UNALIGNED, "push", AC, 0
        AC_ON
    GO 3
        sub esp, 2
    AT
        push eax
    DONE
    NEG AC_UNALIGNED, "ret", AC, 0
        AC_ON
    GO 3
        sub esp, 2
    AT
        ret
    DONE
    NEG AC_UNALIGNED, "pusha", AC, 0
        AC_ON
    GO 3
        sub esp, 2
    AT
        pushad
    DONE
    NEG AC_UNALIGNED, "call", AC, 0
        AC_ON
    GO 3
        sub esp, 2
    AT
        call alignment
    DONE
    NEG AC_UNALIGNED, "enter", AC, 0
        AC_ON
    GO 3
        sub esp, 2
    AT
        enter 8, 0
    DONE
    NEG AC_UNALIGNED, "call far", AC, 0
        AC_ON
    GO 3
        sub esp, 2
    AT
        call SEL_CODE3:alignment
    DONE
    NEG AC_UNALIGNED, "vm86", AC, 0
        AC_ON
    GO_V86 0x3000 | FL_AC
    AT16
        mov ax, [1]
    DONE16
    POS AC_UNALIGNED, "ring 2"
        AC_ON
    GO 2
        mov eax, [FREE + 1]
    DONE
    POS AC_UNALIGNED, "CR0.AM clear"
        mov dword [ring_extra], FL_AC
    GO 3
        mov eax, [FREE + 1]
    DONE
    POS AC_UNALIGNED, "EFLAGS.AC clear"
        AC_ON
        mov dword [ring_extra], 0
    GO 3
        mov eax, [FREE + 1]
    DONE
    POS AC_UNALIGNED, "descriptor tables are read by the supervisor"
        AC_ON
        LDT_ON
        mov word [.gdtr], GDT_COUNT * 8 - 1
        mov dword [.gdtr + 2], FREE + 0x801
        mov esi, gdt
        mov edi, FREE + 0x801
        mov ecx, GDT_COUNT * 8
        rep movsb
        lgdt [.gdtr]
    GO 3
        LOAD es, SEL_DATA3
    DONE
    NEG GP_DATA_LIMIT, "the limit comes before alignment", GP, 0
        AC_ON
        SEG T0, FREE, 0xfff, D_DATA | 3 << 5, G_32
    GO 3
        LOAD es, T0
    AT
        mov eax, [es:0xffd]
    DONE
    NEG GP_SSE_UNALIGNED, "movaps, ring 0", GP, 0
    AT
        movaps xmm0, [FREE + 8]
    DONE
    NEG GP_SSE_UNALIGNED, "movaps, store", GP, 0
    AT
        movaps [FREE + 1], xmm0
    DONE
    NEG GP_SSE_UNALIGNED, "arithmetic operand", GP, 0
    AT
        addps xmm0, [FREE + 4]
    DONE
    NEG GP_SSE_UNALIGNED, "before #AC at ring 3", GP, 0
        AC_ON
    GO 3
    AT
        movaps xmm0, [FREE + 8]
    DONE
    NEG GP_SSE_UNALIGNED, "movntdq", GP, 0
    AT
        movntdq [FREE + 8], xmm0
    DONE
    POS GP_SSE_UNALIGNED, "movups needs none"
        movups xmm0, [FREE + 1]
        lddqu xmm0, [FREE + 1]
    DONE
    POS GP_SSE_UNALIGNED, "aligned, segment base counts"
        SEG T0, FREE + 8, 0xfff, D_DATA, G_32
        LOAD es, T0
        movaps xmm0, [es:8]
    DONE
    NEG GP_SSE_UNALIGNED, "segment base counts", GP, 0
        SEG T0, FREE + 8, 0xfff, D_DATA, G_32
        LOAD es, T0
    AT
        movaps xmm0, [es:16]
    DONE
    ret
    [section .data]
.gdtr: dw 0
    dd 0
    __SECT__

END_OF_CASES
