; first-gp.asm: a kernel in ring 0 starts a program in ring 3, which wants to mask interrupts.

%define ON_13 on_gp
%include "lesson32.inc"

main:
    SAY "kernel:  I am in ring 0. Now to the program, in ring 3."
    push dword SEL_DATA3        ; what IRET pops: the stack of the program,
    push dword STACK3
    push dword FL_IF            ; its flags ; @flags
    push dword SEL_CODE3        ; its code: the 3 in this selector is the ring
    push dword program
    iretd

program:
    push dword SEL_DATA3        ; a data segment for this ring
    pop ds
    SAY "program: I am in ring 3. No more interrupts!"
mask:
    cli
masked:
    SAY "program: Nobody can stop me now."
done:
    jmp done

on_gp:
    push dword SEL_DATA0
    pop ds
    SAY "kernel:  #GP. The processor has called me; the program is stopped."
stop:
    cli
    hlt
    jmp stop
