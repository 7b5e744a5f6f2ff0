; echo.asm: a boot sector that shows what a person does: letters are echoed, other keys appear as <scan code>, mouse packets as
; {buttons dx dy}. Esc ends a line with "bye" and powers off through isa-debug-exit (port 501h, if there is one).
;
; nasm -f bin -o echo.img echo.asm

        bits 16
        org 0x7c00

start:  xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, 0x7c00
        jmp     0:.here
.here:  sti
        mov     ax, 0x0003              ; 80x25 text, cleared
        int     0x10
        mov     ax, 0xc205              ; pointing device: packets of 3 bytes
        mov     bh, 3
        int     0x15
        mov     ax, 0xc207              ; its handler
        mov     bx, mouse
        int     0x15
        mov     ax, 0xc200              ; on
        mov     bh, 1
        int     0x15
        mov     si, ready
        call    print

loop:   hlt
        cmp     byte [moved], 0
        jne     .mouse
        mov     ah, 0x01
        int     0x16
        jz      loop
        mov     ah, 0x00
        int     0x16
        cmp     al, 0x1b
        je      bye
        cmp     al, 13
        je      .line
        cmp     al, 32
        jb      .other
        call    put
        jmp     loop
.line:  call    put
        mov     al, 10
        call    put
        jmp     loop
.other: mov     bl, ah
        mov     al, '<'
        call    put
        mov     al, bl
        call    hex
        mov     al, '>'
        call    put
        jmp     loop
.mouse: mov     byte [moved], 0
        mov     al, '{'
        call    put
        mov     al, [buttons]
        and     al, 7
        call    hex
        mov     al, [dx_]
        call    hex
        mov     al, [dy_]
        call    hex
        mov     al, '}'
        call    put
        jmp     loop

bye:    mov     si, end
        call    print
        mov     dx, 0x501
        mov     al, 16
        out     dx, al
.stop:  hlt
        jmp     .stop

; The BIOS's far call: status, x, y, z on the stack.
mouse:  push    bp
        mov     bp, sp
        push    ax
        push    ds
        xor     ax, ax
        mov     ds, ax
        mov     al, [bp + 12]
        mov     [buttons], al
        mov     al, [bp + 10]
        mov     [dx_], al
        mov     al, [bp + 8]
        mov     [dy_], al
        mov     byte [moved], 1
        pop     ds
        pop     ax
        pop     bp
        retf

hex:    push    ax
        shr     al, 4
        call    .digit
        pop     ax
        and     al, 15
.digit: cmp     al, 10
        sbb     al, 0x69
        das
put:    pusha
        mov     ah, 0x0e
        mov     bx, 7
        int     0x10
        popa
        ret

print:  lodsb
        test    al, al
        jz      .done
        call    put
        jmp     print
.done:  ret

ready:  db      "ECHO READY", 13, 10, 0
end:    db      13, 10, "bye", 13, 10, 0
moved:  db      0
buttons: db     0
dx_:    db      0
dy_:    db      0

        times 510 - ($ - $$) db 0
        dw      0xaa55
