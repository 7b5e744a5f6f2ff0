; interrupts.asm: the timer interrupts a program in ring 3; which then pretends to be the timer.

%define ON_32 on_timer          ; IRQ 0: INT 20h
%define ON_13 on_gp
%include "lesson32.inc"

TICK equ 20                     ; of the timer's 1,193,182 a second

main:
    SAY "kernel:  the timer will tick"
    mov al, 0x34                ; timer 0: again and again
    out 0x43, al
    mov al, TICK & 0xff
    out 0x40, al
    mov al, TICK >> 8
    out 0x40, al
    mov al, 0x11                ; both PICs: vectors 20h to 2Fh
    out 0x20, al
    out 0xa0, al
    mov al, 0x20
    out 0x21, al
    mov al, 0x28
    out 0xa1, al
    mov al, 4
    out 0x21, al
    mov al, 2
    out 0xa1, al
    mov al, 1
    out 0x21, al
    out 0xa1, al
    mov al, 0xfe                ; only IRQ 0 is let through
    out 0x21, al
    mov al, 0xff
    out 0xa1, al
    GO_TO_RING 3, program, FL_IF | 2

program:
    SAY "program: counting, and calling nobody"
count:
    inc eax
wait_here:
    cmp dword [ticks], 1
    jb count
    SAY "program: somebody was here"
    mov ecx, 10000
more:
    cmp dword [ticks], 2
    jae pretend
    loop more
pretend:
    SAY "program: INT 20h. I am the timer!"
fake:
    int 0x20
after_fake:
    jmp after_fake

ticks: dd 0

on_timer:
    inc dword [ticks]
    push eax
    mov al, 0x20
    nop                         ; @eoi
    pop eax
back:
    iretd

on_gp:
    SAY "kernel:  #GP"
stop:
    cli
    hlt
    jmp stop
