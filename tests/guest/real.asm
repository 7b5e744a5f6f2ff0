; real.asm: real mode, unreal mode, the A20 gate by all its ways, memory services of the BIOS, and SMM surviving.

%include "guest16.inc"

test:
    call exceptions
    call stack
    call flags
    call vector_table
    call unreal
    call gate_a20
    call memory_services
    call system_management
    ret

exceptions:
    xor bx, bx
    EXCEPTION "div by 0", 0, div bx
    EXCEPTION "ud2", 6, ud2
    EXCEPTION "word at FFFFh", 13, mov ax, [0xffff]
    EXCEPTION "dword at FFFDh", 13, mov eax, [0xfffd]
    EXCEPTION "word write at FFFFh", 13, mov [0xffff], ax
    mov ebx, 0x10000
    EXCEPTION "32-bit address above 64K", 13, mov al, [ebx]
    EXCEPTION "word at SS:FFFFh", 12, mov ax, [ss:0xffff]
    mov ebx, -1
    EXCEPTION "32-bit address -1", 13, mov al, [ebx]
    EXCEPTION "lldt", 6, lldt ax
    EXCEPTION "arpl", 6, {db 0x63, 0xc0}
    EXCEPTION "mov cs", 6, {db 0x8e, 0xc8}
    EXCEPTION "lock nop", 6, {db 0xf0, 0x90}
    EXCEPTION_TRAP "int3", 3, int3
    mov al, 0x7f
    inc al
    EXCEPTION_TRAP "into", 4, into
    mov dword [.bounds], 4 << 16 | 1
    mov ax, 5
    EXCEPTION "bound", 5, bound ax, [.bounds]
    EXCEPTION_TRAP "icebp", 1, {db 0xf1}
    ret
    [section .data]
    align 4, db 0
.bounds: dd 0
    __SECT__

stack:
    mov bx, sp
    push sp
    pop ax
    movzx ecx, bx
    CHECK_W "push sp pushes the old value", ax, ecx
    mov bp, sp
    mov word [bp - 2], 0x7777
    mov bx, sp
    mov ax, ss
    mov dx, 0x5000
    mov ss, dx
    mov sp, 0
    push word 0x1234
    mov cx, sp
    pop dx
    mov si, sp
    mov ss, ax
    mov sp, bx
    CHECK_W "push at SP 0 wraps", cx, 0xfffe
    CHECK_W "pop at SP FFFEh wraps", si, 0
    CHECK_W "pop at SP FFFEh: value", dx, 0x1234
    ; PUSHA with SP on the stack
    mov bx, sp
    pusha
    mov bp, sp
    mov cx, [bp + 6]
    popa
    mov bp, sp
    mov cx, [bp - 16 + 6]
    movzx edx, bx
    CHECK_W "pusha: SP", cx, edx
    ; the upper half of ESP is not used, nor changed by 16-bit pushes
    movzx ebx, sp
    mov esp, ebx
    or esp, 0xabcd0000
    push ax
    mov ecx, esp
    pop ax
    mov esp, ebx
    lea edx, [ebx - 2]
    or edx, 0xabcd0000
    CHECK "ESP's upper half", ecx, edx
    enter 8, 0
    mov [bp - 8], ax
    leave
    movzx ecx, sp
    CHECK "enter, leave", ecx, ebx
    ret

flags:
    pushf
    push word 0x7002
    popf
    pushf
    pop ax
    popf
    CHECK_W "popf: NT and IOPL", ax, 0x7002
    push dword 0x00240002
    pushfd
    pop ebx
    popfd
    pushfd
    pop eax
    push ebx
    popfd
    and eax, 0x00240000
    CHECK "popfd: AC and ID", eax, 0x00240000
    ; INT clears IF and TF only
    HOOK 0x60, .handler, exception.old
    sti
    std
    int 0x60
    cld
    UNHOOK 0x60, exception.old
    and ax, 0x0700
    CHECK_W "int: flags in the handler", ax, 0x0400
    and bx, 0x0700
    CHECK_W "int: flags after its iret", bx, 0x0600
    ret
.handler:
    pushf
    pop ax
    push bp
    mov bp, sp
    mov bx, [bp + 6]
    pop bp
    iret

; the table can be elsewhere, and shorter
vector_table:
    pushf
    cli
    mov ax, 0x5000
    mov es, ax
    xor si, si
    xor di, di
    mov cx, 512
    rep movsw
    mov word [es:0x61 * 4], .moved
    mov word [es:0x61 * 4 + 2], 0
    mov word [es:13 * 4], .limit
    mov word [es:13 * 4 + 2], 0
    sidt [.old]
    lidt [.new]
    xor ax, ax
    int 0x61
    CHECK_W "lidt in real mode", ax, 0x6161
    mov [.sp], sp
.at:
    int 0x62
    mov ax, 0
.back:
    lidt [.old]
    push word 0
    pop es
    popf
    CHECK_W "int beyond the limit: #GP", ax, 0x6262
    CHECK_W "int beyond the limit: IP", word [.ip], .at
    CHECK_W "sidt: limit", word [.old], 0x3ff
    CHECK "sidt: base", dword [.old + 2], 0
    ret
.moved:
    mov ax, 0x6161
    iret
.limit:
    pop word [.ip]
    mov sp, [.sp]
    mov ax, 0x6262
    jmp .back
    [section .data]
    align 4, db 0
.old: times 3 dw 0
.new: dw 0x62 * 4 - 1
    dd 0x50000
.sp: dw 0
.ip: dw 0
    __SECT__

; ---- unreal mode: a 4 GiB limit survives the return to real mode, and loads of the segment register too
    [section .data]
    align 8, db 0
gdt: dq 0
    dq 0x00cf92000000ffff       ; flat data
    dq 0x00009a000000ffff       ; 16-bit code
    dq 0x000092000000ffff       ; 16-bit data
gdtr: dw 31
    dd gdt
    __SECT__

; loads FS with selector AX and comes back
set_fs:
    pushf
    cli
    lgdt [gdtr]
    mov ecx, cr0
    or cl, 1
    mov cr0, ecx
    jmp .flush
.flush:
    mov fs, ax
    and cl, 0xfe
    mov cr0, ecx
    popf
    ret

unreal:
    mov ax, 8
    call set_fs
    mov ebx, 0x200000
    mov dword [fs:ebx], 0x12345678
    EXCEPTION_NONE "unreal: 2 MiB", mov eax, [fs:ebx]
    CHECK "unreal: read back", eax, 0x12345678
    mov ax, 0x1000
    mov fs, ax
    mov eax, [fs:0x200000 - 0x10000 + ebx - 0x200000]
    CHECK "unreal: a real mode load changes the base only", eax, 0x12345678
    mov edi, 0x300000
    mov ax, 8
    push es
    call set_es
    mov ecx, 16
    mov eax, 0xabababab
    a32 rep stosd
    pop es
    xor ax, ax
    mov fs, ax
    CHECK "unreal: a32 rep stosd", dword [fs:dword 0x30003c], 0xabababab
    CHECK "unreal: EDI", edi, 0x300040
    mov ax, 24
    call set_fs
    xor ax, ax
    mov fs, ax
    EXCEPTION "after a 64K descriptor the limit is back", 13, mov eax, [fs:ebx]
    xor ax, ax
    mov es, ax
    ret
set_es:
    pushf
    cli
    lgdt [gdtr]
    push ecx
    mov ecx, cr0
    or cl, 1
    mov cr0, ecx
    mov es, ax
    and cl, 0xfe
    mov cr0, ecx
    pop ecx
    popf
    ret
; ---- A20
; AL = 1: the line is open
probe_a20:
    push ds
    push es
    push ebx
    push word 0
    pop ds
    push word 0xffff
    pop es
    mov ebx, [0x500]
    mov dword [0x500], 0x12345678
    mov dword [es:0x510], 0x9abcdef0
    cmp dword [0x500], 0x12345678
    mov [0x500], ebx
    sete al
    pop ebx
    pop es
    pop ds
    ret
%macro A20_IS 2
    call probe_a20
    CHECK_B %1, al, %2
%endmacro
gate_a20:
    A20_IS "a20: open at the start", 1
    mov ax, 0x2403
    int 0x15
    CHECK_CF "a20: int 15h 2403", 0
    mov ax, 0x2400
    int 0x15
    CHECK_CF "a20: int 15h 2400", 0
    A20_IS "a20: closed by int 15h", 0
    mov ax, 0x2402
    int 0x15
    CHECK_B "a20: int 15h 2402 says closed", al, 0
    mov ax, 0x2401
    int 0x15
    A20_IS "a20: opened by int 15h", 1
    mov ax, 0x2402
    int 0x15
    CHECK_B "a20: int 15h 2402 says open", al, 1
    ; port 92h
    in al, 0x92
    and al, 0xfc
    out 0x92, al
    A20_IS "a20: closed by port 92h", 0
    in al, 0x92
    and al, 2
    CHECK_B "a20: port 92h reads back", al, 0
    in al, 0x92
    and al, 0xfe
    or al, 2
    out 0x92, al
    A20_IS "a20: opened by port 92h", 1
    ; keyboard controller, by its output port
    cli
    call .output_port
    mov bl, al
    and al, 2
    CHECK_B "a20: keyboard controller's output port says open", al, 2
    mov al, bl
    and al, 0xfd
    or al, 1
    call .set_output_port
    A20_IS "a20: closed by the keyboard controller", 0
    mov al, bl
    or al, 3
    call .set_output_port
    A20_IS "a20: opened by the keyboard controller", 1
    mov al, 0xdd
    call .command
    A20_IS "a20: closed by command DDh", 0
    mov al, 0xdf
    call .command
    A20_IS "a20: opened by command DFh", 1
    sti
    ; closed, addresses wrap in every megabyte: 32-bit ones too
    mov ax, 8
    call set_fs
    mov ebx, 0x200000
    mov dword [fs:ebx], 0x11111111
    mov dword [fs:ebx + 0x100000], 0x22222222
    mov ax, 0x2400
    int 0x15
    mov eax, [fs:ebx + 0x100000]
    push eax
    mov ax, 0x2401
    int 0x15
    pop eax
    CHECK "a20 closed: 3 MiB is 2 MiB", eax, 0x11111111
    CHECK "a20 open: 3 MiB", dword [fs:ebx + 0x100000], 0x22222222
    ; code runs on behind the wrap
    mov ax, 24
    call set_fs
    xor ax, ax
    mov fs, ax
    ret
.ready:
    in al, 0x64
    test al, 2
    jnz .ready
    ret
.command:
    push ax
    call .ready
    pop ax
    out 0x64, al
    jmp .ready
.output_port:
    mov al, 0xd0
    call .command
.full:
    in al, 0x64
    test al, 1
    jz .full
    in al, 0x60
    ret
.set_output_port:
    push ax
    mov al, 0xd1
    call .command
    pop ax
    out 0x60, al
    jmp .ready

memory_services:
    int 0x12
    CHECK_RANGE_W "int 12h", ax, 600, 640
    mov ah, 0x88
    int 0x15
    CHECK_RANGE_W "int 15h 88h: 32 MiB", ax, 0x7800, 0x7c00
    mov ax, 0xe801
    int 0x15
    CHECK_W "int 15h E801h: 1 to 16 MiB", ax, 15 * 1024
    ; E820: the sum of usable memory
    xor ebx, ebx
    xor esi, esi
    mov edi, .entry
.next:
    mov eax, 0xe820
    mov edx, 0x534d4150
    mov ecx, 20
    int 0x15
    jc .end
    cmp dword [.entry + 16], 1
    jne .other
    add esi, [.entry + 8]
.other:
    test ebx, ebx
    jnz .next
.end:
    CHECK_RANGE "int 15h E820h: usable", esi, 0x1f00000, 0x2000000
    ; block move above 1 MiB and back
    mov word [.gdt + 0x10], 0xffff
    mov word [.gdt + 0x12], .source
    mov word [.gdt + 0x12 + 2], 0x9300
    mov word [.gdt + 0x18], 0xffff
    mov dword [.gdt + 0x1a], 0x93180000
    mov si, .gdt
    mov cx, 8
    mov ah, 0x87
    int 0x15
    CHECK_CF "int 15h 87h: up", 0
    mov dword [.gdt + 0x12], 0x93180000
    mov word [.gdt + 0x1a], .target
    mov word [.gdt + 0x1a + 2], 0x9300
    mov si, .gdt
    mov cx, 8
    mov ah, 0x87
    int 0x15
    CHECK_CF "int 15h 87h: down", 0
    CHECK "int 15h 87h: bytes", dword [.target + 12], dword [.source + 12]
    A20_IS "int 15h 87h leaves A20", 1
    ret
    [section .data]
    align 8, db 0
.entry: times 6 dd 0
.gdt: times 6 dq 0
.source: db "sixteen bytes do"
.target: times 16 db 0
    __SECT__

; ---- SMI through port B2h: the firmware's handler, then as if nothing had been
system_management:
    mov esi, 0x13572468
    mov edi, 0x24681357
    mov ebp, 0xfedcba98
    mov ebx, 0x01234567
    mov ecx, 200
    fninit
    fldpi
.next:
    mov al, 0xf5                ; no command that SeaBIOS knows
    out 0xb2, al
    stc
    jnc .bad
    loop .next
.bad:
    CHECK "smi: ECX", ecx, 0
    CHECK "smi: ESI", esi, 0x13572468
    CHECK "smi: EDI", edi, 0x24681357
    CHECK "smi: EBP", ebp, 0xfedcba98
    CHECK "smi: EBX", ebx, 0x01234567
    CHECK_W "smi: AL", al, 0xf5
    in al, 0xb2
    CHECK_B "smi: port B2h reads back", al, 0xf5
    ; SMRAM is closed: A000:0 is the screen's
    mov ax, 0xa000
    mov es, ax
    in al, 0xb3
    mov cl, al
    not cl
    mov al, cl
    out 0xb3, al
    in al, 0xb3
    CHECK_B "port B3h", al, ecx
    push word 0
    pop es
    mov ax, 8
    call set_fs
    EXCEPTION_NONE "unreal mode after SMIs", mov eax, [fs:dword 0x100000]
    out 0xb2, al
    EXCEPTION_NONE "unreal mode through an SMI", mov eax, [fs:dword 0x100000]
    ret

END_OF_TEST
