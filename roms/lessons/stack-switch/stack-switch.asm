; stack-switch.asm: which stack the processor uses when it goes inward.

%define ON_48 service           ; INT 30h
%define DPL_48 3
%define ON_49 nested            ; INT 31h, from ring 0
%define ON_8 on_double
%include "lesson32.inc"

main:
    nop                         ; room for your idea ; @sabotage
    SAY "kernel:  starting the program"
    GO_TO_RING 3, program

program:
    SAY "program: INT 30h"
first:
    int 0x30
first_done:
    SAY "program: now with a stack pointer that points nowhere"
    mov ebx, esp
    mov esp, 0xfffffff0         ; no memory is there
second:
    int 0x30
second_done:
    mov esp, ebx
    SAY "program: it worked"
done:
    jmp done

service:                        ; ring 0
    inc dword [served]
inner:
    int 0x31
    iretd
served: dd 0

nested:                         ; ring 0, called from ring 0
    iretd

on_double:
    SAY "kernel:  double fault"
stop:
    cli
    hlt
    jmp stop
