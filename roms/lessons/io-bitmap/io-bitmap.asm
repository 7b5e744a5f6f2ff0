; io-bitmap.asm: a program in ring 3 with IOPL 0 uses ports that the TSS's bitmap gives it.

%define ON_13 on_gp
%define TSS_BYTES 104 + 32 + 1  ; ports 0 to FFh, and a byte of ones
%include "lesson32.inc"

main:
    and byte [tss.bitmap + 0x80 / 8], ~1 ; port 80h is allowed
    nop                         ; room for your idea ; @allow
    SAY "kernel:  starting the program; IOPL is 0"
    GO_TO_RING 3, program, 2

program:
    SAY "program: writing a byte to port 80h"
out80:
    out 0x80, al
    SAY "program: reading a byte from port 60h, the keyboard"
    mov dword [resume], in60_done
in60:
    in al, 0x60
in60_done:
    SAY "program: writing a word to port 80h"
    mov dword [resume], word80_done
word80:
    out 0x80, ax
word80_done:
    SAY "program: done"
done:
    jmp done

resume: dd 0

on_gp:                          ; goes on behind what was refused
    SAY "kernel:  #GP"
    add esp, 4
    push eax
    mov eax, [resume]
    mov [esp + 4], eax
    pop eax
    iretd
