; call-gates.asm: a program in ring 3 calls a service of the kernel: directly, and through a call gate.

SEL_GATE equ 0x50 | 3           ; SEL_FREE: behind the TSS
%define ON_13 on_gp
%macro EXTRA_DESCRIPTORS 0
gate: dq 0                      ; the kernel will fill it in
%endmacro
%include "lesson32.inc"

main:
    mov esi, door
    mov edi, gate
    movsd
    movsd
    SAY "kernel:  the door is there. Starting the program."
    GO_TO_RING 3, program

door: ; selector, offset, type | DPL, parameters
    GATE SEL_CODE0, ADDR(service), G_CALL | 3 << 5, 1 ; @gate

program:
    SAY "program: calling the service directly"
direct:
    call SEL_CODE0:service
after_direct:
    SAY "program: calling it through the gate"
    push dword 1234             ; a parameter
through:
    call SEL_GATE:0xdeadbeef
after:
    SAY "program: back in ring 3"
done:
    jmp done

service:                        ; in ring 0
    SAY "service: at work in ring 0"
leave_service:
    retf 4                      ; 4: the parameter

on_gp:
    SAY "kernel:  #GP"
    add esp, 4                  ; the error code
    mov dword [esp], after_direct
    iretd
