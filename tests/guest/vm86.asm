; vm86.asm: a monitor at ring 0 and its virtual-8086 task: IOPL 0 and 3, reflection of sensitive instructions, the I/O map,
; VME. SDM Vol. 3B chapter 20.

%include "guest32.inc"

; the task's code is this image itself: segment 1000h, stack at 4000:1000
V86_CS equ 0x1000
V86_SS equ 0x4000
V86_DS equ 0x5000
%define IP_OF(label) ((label) - start)

; frame of the monitor, from ESP up
F_ERROR equ 0
F_EIP equ 4
F_CS equ 8
F_EFLAGS equ 12
F_ESP equ 16
F_SS equ 20
F_ES equ 24
F_DS equ 28
F_FS equ 32
F_GS equ 36

test:
    GATE IDT_ENTRY(GP), SEL_CODE0, monitor, D_INT32, 0
    ; vector 21h of the task: its own handler
    mov dword [0x21 * 4], V86_CS << 16 | IP_OF(v86_int21)
    mov dword [0x22 * 4], V86_CS << 16 | IP_OF(v86_int22)
    call iopl0
    call iopl3
    call faults
    call io_map
    call extensions
    call extensions_iopl3
    ret

; enters the task at EBX (IP) with the flags EAX; comes back when the task halts
run_task:
    mov [run.esp], esp
    mov dword [trail_end], trail
    push dword 0x5444           ; GS
    push dword 0x5333           ; FS
    push dword V86_DS
    push dword 0x5111           ; ES
    push dword V86_SS
    push dword 0x1000
    or eax, FL_VM | 2
    push eax
    push dword V86_CS
    push ebx
    xor eax, eax
    xor ebx, ebx
    xor ecx, ecx
    xor edx, edx
    iretd
task_ends:
    mov esp, [run.esp]
    ret

%macro TASK 2
    mov ebx, IP_OF(%1)
    mov eax, %2
    call run_task
%endmacro

; TRAIL_IS "name", bytes...: what the monitor was called for
%macro TRAIL_IS 2+
    [section .data]
%%want: db %2
%%end:
    __SECT__
    mov esi, trail
    mov edi, %%want
    mov ecx, %%end - %%want
    mov eax, [trail_end]
    sub eax, trail
    CHECK %1, eax, %%end - %%want
    repe cmpsb
    setz al
    movzx eax, al
    CHECK %1, eax, 1
%endmacro

    [section .data]
    align 4, db 0
run:
.esp: dd 0
.flags: dd 0
.frame: times 10 dd 0
virtual_if: dd 0
trail_end: dd trail
trail: times 64 db 0
    __SECT__

monitor:
    test dword [esp + F_EFLAGS], FL_VM
    jz trap_13
    cmp dword [cs:trap_all], 0  ; the test wants the fault itself
    jne trap_13
    pushad
    mov ebp, esp
    add ebp, 32
    mov bx, ds                  ; entry from VM86 makes them null
    mov eax, SEL_DATA0
    mov ds, ax
    mov es, ax
    or [segments_seen], bx
    mov esi, [ebp + F_CS]
    shl esi, 4
    add esi, [ebp + F_EIP]
    mov al, [esi]
    mov edi, [trail_end]
    mov [edi], al
    inc dword [trail_end]
    inc dword [ebp + F_EIP]
    cmp al, 0xf4
    je .halt
    cmp al, 0xfa
    je .cli
    cmp al, 0xfb
    je .sti
    cmp al, 0x9c
    je .pushf
    cmp al, 0x9d
    je .popf
    cmp al, 0xcd
    je .int
    cmp al, 0xcf
    je .iret
    cmp al, 0xe4
    je .in
    mov dword [trap.resume], 0
    popad
    dec dword [esp + F_EIP]
    jmp trap_13
.halt:
    mov edi, run.frame
    mov esi, ebp
    mov ecx, 10
    rep movsd
    mov eax, [ebp - 4]          ; EAX of the task
    mov [run.flags], eax
    jmp task_ends
.cli:
    mov dword [virtual_if], 0
    jmp .done
.sti:
    mov dword [virtual_if], FL_IF
    jmp .done
.pushf:
    call .flags
    call .push
    jmp .done
.popf:
    call .pop
    call .set_flags
    jmp .done
.in:
    inc dword [ebp + F_EIP]
    mov byte [ebp - 4], 0x5a
    jmp .done
.int:
    movzx ebx, byte [esi + 1]
    inc dword [ebp + F_EIP]
    call .flags
    call .push
    mov eax, [ebp + F_CS]
    call .push
    mov eax, [ebp + F_EIP]
    call .push
    movzx eax, word [ebx * 4]
    mov [ebp + F_EIP], eax
    movzx eax, word [ebx * 4 + 2]
    mov [ebp + F_CS], eax
    mov dword [virtual_if], 0
    jmp .done
.iret:
    call .pop
    mov [ebp + F_EIP], eax
    call .pop
    mov [ebp + F_CS], eax
    call .pop
    call .set_flags
.done:
    popad
    add esp, 4
    iretd

; AX: the task's flags as it is to see them
.flags:
    mov eax, [ebp + F_EFLAGS]
    and eax, 0xffff & ~FL_IF
    or eax, [virtual_if]
    ret
.set_flags:
    mov ecx, eax
    and ecx, FL_IF
    mov [virtual_if], ecx
    and eax, 0xcd5
    and dword [ebp + F_EFLAGS], ~0xcd5
    or [ebp + F_EFLAGS], eax
    ret
; AX to and from the task's stack
.push:
    sub word [ebp + F_ESP], 2
    mov edx, [ebp + F_SS]
    shl edx, 4
    add edx, [ebp + F_ESP]
    mov [edx], ax
    ret
.pop:
    mov edx, [ebp + F_SS]
    shl edx, 4
    add edx, [ebp + F_ESP]
    movzx eax, word [edx]
    add word [ebp + F_ESP], 2
    ret
    [section .data]
    align 4, db 0
trap_all: dd 0
segments_seen: dd 0
    __SECT__

; FAULT_V86 "name", vector, error, label, flags: the instruction at this label faults
%macro FAULT_V86 5
    mov [trap.resume], dword %%caught
    mov [trap.esp], esp
    mov [trap.vector], dword -1
    mov ebx, IP_OF(%4)
    mov eax, %5
    call run_task
%%caught:
    FAULT_CHECK %1, %2, %3, IP_OF(%4)
%endmacro

; ---- the task's programs: results in AX, BX, CX, DX... of DS (V86_DS)
    bits 16
v86_work:
    cli
    pushf
    pop ax
    mov [0], ax
    sti
    pushf
    pop ax
    mov [2], ax
    mov ax, 0x1100
    int 0x21
    mov [4], ax
    mov [6], sp
    in al, 0x60
    mov [8], al
    push word 0x0cd7
    popf
    pushf
    pop ax
    mov [10], ax
    mov ax, cs
    mov [12], ax
    mov ax, ss
    mov [14], ax
    mov ax, es
    mov [16], ax
    mov ax, fs
    mov [18], ax
    mov ax, gs
    mov [20], ax
    cld
    hlt
v86_int21:
    mov al, 0x21
    iret

; at IOPL 3 only I/O and HLT come to the monitor
v86_free:
    cli
    pushf
    pop ax
    mov [0], ax
    sti
    pushf
    pop ax
    mov [2], ax
    cli
    push word 0x3202
    popf
    pushf
    pop ax
    mov [4], ax
    pushf
    push cs
    push word IP_OF(.back)
    iret
.back:
    mov word [6], 1
    cli
    hlt
v86_int50:
    mov ax, 0x1234
    int 0x50
    mov [0], ax
    hlt
v86_hlt:
    hlt
    bits 32

%macro WORD_IS 3
    movzx eax, word [V86_DS * 16 + %2]
    CHECK %1, eax, %3
%endmacro

iopl0:
    mov dword [virtual_if], FL_IF
    TASK v86_work, FL_IF
    TRAIL_IS "iopl 0: what comes to the monitor", 0xfa, 0x9c, 0xfb, 0x9c, 0xcd, 0xcf, 0xe4, 0x9d, 0x9c, 0xf4
    WORD_IS "iopl 0: virtual IF after cli", 0, 2
    WORD_IS "iopl 0: virtual IF after sti", 2, FL_IF | 2
    WORD_IS "iopl 0: int 21h reflected", 4, 0x1121
    WORD_IS "iopl 0: SP after it", 6, 0x1000
    WORD_IS "iopl 0: in emulated", 8, 0x5a
    WORD_IS "iopl 0: popf", 10, 0x0cd7 & ~0x200
    WORD_IS "iopl 0: CS", 12, V86_CS
    WORD_IS "iopl 0: SS", 14, V86_SS
    WORD_IS "iopl 0: ES", 16, 0x5111
    WORD_IS "iopl 0: FS", 18, 0x5333
    WORD_IS "iopl 0: GS", 20, 0x5444
    CHECK "frame: ES", dword [run.frame + F_ES], 0x5111
    CHECK "frame: DS", dword [run.frame + F_DS], V86_DS
    CHECK "frame: FS", dword [run.frame + F_FS], 0x5333
    CHECK "frame: GS", dword [run.frame + F_GS], 0x5444
    CHECK "frame: SS", dword [run.frame + F_SS], V86_SS
    mov eax, [run.frame + F_EFLAGS]
    and eax, FL_VM | FL_IF
    CHECK "frame: VM and the real IF", eax, FL_VM | FL_IF
    CHECK "frame: error code", dword [run.frame + F_ERROR], 0
    movzx eax, word [segments_seen]
    CHECK "the monitor starts with DS null", eax, 0
    ret

iopl3:
    TASK v86_free, 0x3000
    TRAIL_IS "iopl 3: what comes to the monitor", 0xf4
    WORD_IS "iopl 3: cli", 0, 0x3002
    WORD_IS "iopl 3: sti", 2, 0x3202
    WORD_IS "iopl 3: popf sets IF", 4, 0x3202
    WORD_IS "iopl 3: iret", 6, 1
    ; INT n goes through the IDT
    GATE IDT_ENTRY(0x50), SEL_CODE0, .int50, D_INT32 | 3 << 5, 0
    TASK v86_int50, 0x3000
    WORD_IS "iopl 3: int 50h through the IDT", 0, 0x4321
    CHECK "iopl 3: int 50h: frame of 9", dword [.esp], STACK_INT - 36
    GATE IDT_ENTRY(0x50), SEL_CODE0, .int50, D_INT32, 0
    mov dword [trap_all], 1
    FAULT_V86 "iopl 3: int 50h, DPL 0", GP, 0x50 * 8 + 2, v86_int50 + 3, 0x3000
    GATE IDT_ENTRY(0x50), SEL_CODE1 & ~3, .int50, D_INT32 | 3 << 5, 0
    FAULT_V86 "iopl 3: int 50h to ring 1", GP, SEL_CODE1 & ~7, v86_int50 + 3, 0x3000
    DESCRIPTOR SEL_T, 0, 0xfffff, D_CONF, G_32 | G_PAGES
    GATE IDT_ENTRY(0x50), SEL_T, .int50, D_INT32 | 3 << 5, 0
    FAULT_V86 "iopl 3: int 50h to conforming code", GP, SEL_T, v86_int50 + 3, 0x3000
    FAULT_V86 "iopl 0: int 50h", GP, 0, v86_int50 + 3, 0
    mov dword [trap_all], 0
    ret
.int50:
    mov [ss:.esp], esp
    mov ax, 0x4321
    iretd
    [section .data]
    align 4, db 0
.esp: dd 0
    __SECT__

    bits 16
v86_faults:
.ud: ud2
.sldt: sldt ax
.arpl: arpl ax, ax
.lar: lar ax, ax
.lgdt: lgdt [0]
.cr0: mov eax, cr0
.crw: mov cr0, eax
.clts: clts
.rdmsr: rdmsr
.invlpg: invlpg [0]
.wbinvd: wbinvd
.div: div bx
.word: mov ax, [dword 0xffff]
.byte: mov al, [dword 0x10000]
.push: push dword [dword 0x10000]
.stack: mov ax, [ss:dword 0xffff]
.cli: cli
.sti: sti
.pushf: pushf
.popf: popf
.iret: iret
.int: int 0x21
.iretd: iretd
.int3: int3
    hlt
.in: in al, 0x71
.insw: insw
.fine: in al, 0x81
    hlt
.ins: in ax, 0x81
    bits 32

faults:
    mov dword [trap_all], 1
    mov word [0x55000], 0
    FAULT_V86 "ud2", UD, 0, v86_faults.ud, 0
    FAULT_V86 "sldt", UD, 0, v86_faults.sldt, 0x3000
    FAULT_V86 "arpl", UD, 0, v86_faults.arpl, 0x3000
    FAULT_V86 "lar", UD, 0, v86_faults.lar, 0x3000
    FAULT_V86 "lgdt", GP, 0, v86_faults.lgdt, 0x3000
    FAULT_V86 "mov from cr0", GP, 0, v86_faults.cr0, 0x3000
    FAULT_V86 "mov to cr0", GP, 0, v86_faults.crw, 0x3000
    FAULT_V86 "clts", GP, 0, v86_faults.clts, 0x3000
    FAULT_V86 "rdmsr", GP, 0, v86_faults.rdmsr, 0x3000
    FAULT_V86 "invlpg", GP, 0, v86_faults.invlpg, 0x3000
    FAULT_V86 "wbinvd", GP, 0, v86_faults.wbinvd, 0x3000
    FAULT_V86 "hlt", GP, 0, v86_hlt, 0x3000
    FAULT_V86 "div by 0", DE, 0, v86_faults.div, 0x3000
%ifndef QEMU
    FAULT_V86 "word at FFFFh", GP, 0, v86_faults.word, 0x3000
    FAULT_V86 "byte at 10000h", GP, 0, v86_faults.byte, 0x3000
    FAULT_V86 "word at SS:FFFFh", SS_, 0, v86_faults.stack, 0x3000
%endif
    FAULT_V86 "iopl 2: cli", GP, 0, v86_faults.cli, 0x2000
    FAULT_V86 "iopl 2: sti", GP, 0, v86_faults.sti, 0x2000
    FAULT_V86 "iopl 2: pushf", GP, 0, v86_faults.pushf, 0x2000
    FAULT_V86 "iopl 2: popf", GP, 0, v86_faults.popf, 0x2000
    FAULT_V86 "iopl 2: iret", GP, 0, v86_faults.iret, 0x2000
    FAULT_V86 "iopl 2: iretd", GP, 0, v86_faults.iretd, 0x2000
    FAULT_V86 "iopl 2: int n", GP, 0, v86_faults.int, 0x2000
    FAULT_V86 "iopl 0: int3 with DPL 0", GP, 3 * 8 + 2, v86_faults.int3, 0
    mov dword [trap_all], 0
    ret

io_map:
    mov dword [trap_all], 1
    FAULT_V86 "io: iopl 3 does not help", GP, 0, v86_faults.in, 0x3000
    FAULT_V86 "io: insw", GP, 0, v86_faults.insw, 0x3000
    mov dword [trap_all], 0
    and byte [tss.bitmap + 0x80 / 8], ~2
    TASK v86_faults.fine, 0
    TRAIL_IS "io: an allowed port at iopl 0", 0xf4
    mov dword [trap_all], 1
    FAULT_V86 "io: word, one port is not allowed", GP, 0, v86_faults.ins, 0
    mov dword [trap_all], 0
    ret

; ---- VME: 20.3
extensions:
    mov eax, cr4
    or eax, CR4_VME
    mov cr4, eax
    ; redirection map of zeros: interrupts of the program go to its own table
    mov edi, tss.redirect
    mov ecx, 8
    xor eax, eax
    rep stosd
    TASK v86_vme, FL_IF
    TRAIL_IS "vme: only in and hlt come", 0xe4, 0xf4
    WORD_IS "vme: flags after cli: IF clear, IOPL 3", 0, 0x3002
    WORD_IS "vme: flags after sti", 2, 0x3202
    WORD_IS "vme: flags in the handler: IF clear", 4, 0x3002
    WORD_IS "vme: handler ran", 6, 0x2121
    WORD_IS "vme: flags on its stack", 8, 0x3202
    WORD_IS "vme: flags after its iret", 10, 0x3202
    WORD_IS "vme: flags after popf without IF", 12, 0x3002
    mov eax, [run.frame + F_EFLAGS]
    and eax, FL_IF | 0x3000
    CHECK "vme: the real IF and IOPL do not change", eax, FL_IF
    ; a virtual interrupt is pending: STI tells the monitor
    mov dword [trap_all], 1
    FAULT_V86 "vme: sti with VIP", GP, 0, v86_faults.sti, FL_VIP
    mov word [V86_SS * 16 + 0x1000], FL_IF
    FAULT_V86 "vme: popf with IF and VIP", GP, 0, v86_vme_popf.popf_if, FL_VIP
    mov word [V86_SS * 16 + 0x1000], FL_TF
    FAULT_V86 "vme: popf with TF", GP, 0, v86_vme_popf.popf_tf, 0
    FAULT_V86 "vme: iretd", GP, 0, v86_faults.iretd, 0
    FAULT_V86 "vme: popfd", GP, 0, v86_vme_popf.popfd, 0
    FAULT_V86 "vme: pushfd", GP, 0, v86_vme_popf.pushfd, 0
    ; a set bit: to the monitor
    or byte [tss.redirect + 0x21 / 8], 1 << (0x21 & 7)
    FAULT_V86 "vme: int 21h, bit set, iopl 0", GP, 0, v86_faults.int, 0
    mov dword [trap_all], 0
    and byte [tss.redirect + 0x21 / 8], ~(1 << (0x21 & 7))
    ret

extensions_iopl3:
    ; IOPL 3: redirected with the real flags
    TASK v86_vme, 0x3000
    WORD_IS "vme, iopl 3: flags after cli", 0, 0x3002
    WORD_IS "vme, iopl 3: handler ran", 6, 0x2121
    WORD_IS "vme, iopl 3: flags on its stack", 8, 0x3202
    WORD_IS "vme, iopl 3: flags after its iret", 10, 0x3202
    mov eax, [run.frame + F_EFLAGS]
    and eax, FL_IF | FL_VIF
    CHECK "vme, iopl 3: the real IF", eax, 0
    mov eax, cr4
    and eax, ~CR4_VME
    mov cr4, eax
    ret

    bits 16
v86_vme:
    mov dword [6], 0
    cli
    pushf
    pop ax
    mov [0], ax
    sti
    pushf
    pop ax
    mov [2], ax
    int 0x22
    pushf
    pop ax
    mov [10], ax
    push word 0x0002
    popf
    pushf
    pop ax
    mov [12], ax
    in al, 0x60
    hlt
v86_int22:
    push bp
    mov bp, sp
    pushf
    pop ax
    mov [4], ax
    mov word [6], 0x2121
    mov ax, [bp + 6]
    mov [8], ax
    pop bp
    iret
v86_vme_popf:
.popf_if: popf                  ; the test puts the flags at SS:1000h
.popf_tf: popf
.popfd: popfd
.pushfd: pushfd
    bits 32

END_OF_TEST
