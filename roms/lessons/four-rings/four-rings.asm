; four-rings.asm: a kernel in ring 0 starts a supervisor in ring 1, which starts a driver in ring 2, which starts a program in ring 3.
; The driver may use ports: its ring is not above IOPL.

%define ON_13 on_gp
%include "lesson32.inc"

PORT equ 0x80                   ; a port that does no harm

main:
    SAY "ring 0: the kernel. It may do everything, and sets IOPL."
    push dword SEL_DATA1        ; what IRET pops
    push dword STACK1
    push dword 2 << 12          ; EFLAGS: IOPL = 2 ; @iopl
    push dword SEL_CODE1
    push dword supervisor
    iretd

supervisor:
    mov eax, SEL_DATA1
    mov ds, eax
    SAY "ring 1: the supervisor."
    push dword SEL_DATA2        ; what RETF pops on the way to an outer ring
    push dword STACK2
    push dword SEL_CODE2
    push dword driver
outward:
    retf

driver:
    mov eax, SEL_DATA2
    mov ds, eax
    SAY "ring 2: the driver. It writes to a port."
driver_out:
    out PORT, al
driver_done:
    push dword SEL_DATA3
    push dword STACK3
    push dword SEL_CODE3
    push dword program
    retf

program:
    mov eax, SEL_DATA3
    mov ds, eax
    SAY "ring 3: the program. It writes to the same port."
program_out:
    out PORT, al
program_done:
    SAY "ring 3: it worked."
done:
    jmp done

on_gp:
    push dword SEL_DATA0
    pop ds
    SAY "ring 0: #GP. The kernel has the processor again."
stop:
    cli
    hlt
    jmp stop
