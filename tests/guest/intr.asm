; intr.asm: interrupts as DOS programs use them: hooked and chained BIOS vectors, nested handlers, and the two 8259s with masks,
; priorities, rotation, special mask, poll and automatic end. The serial ports are the source of interrupts at will: a port
; whose transmitter is empty requests as soon as that is enabled (COM2: IRQ 3, COM1: IRQ 4). 8259A data sheet.

%include "guest16.inc"

COM1 equ 0x3f8
COM2 equ 0x2f8

test:
    call timer_chain
    call keyboard_chain
    call dos_chain
    call prepare_ports
    call requests
    call order
    call nesting
    call special_mask
    call rotation
    call polling
    call cascade
    call automatic_end
    ret

; ---- INT 8 and 1Ch: hooked, passed on to the BIOS
timer_chain:
    HOOK 8, .int8, .old8
    HOOK 0x1c, .int1c, .old1c
    xor ax, ax
    mov es, ax
    mov ebx, [es:0x46c]
    mov [.first], ebx
    mov word [.count8], 0
    mov word [.count1c], 0
.wait:
    sti
    hlt
    cmp word [.count8], 4
    jb .wait
    cli
    mov eax, [es:0x46c]
    sub eax, [.first]
    CHECK "int 8: the BIOS behind it counts", eax, 4
    CHECK_W "int 8: ours", word [.count8], 4
    CHECK_W "int 1Ch from the BIOS", word [.count1c], 4
    CHECK_W "int 8: not reentered", word [.deep], 1
    sti
    UNHOOK 0x1c, .old1c
    UNHOOK 8, .old8
    ; unhooked: the BIOS goes on alone
    mov ebx, [es:0x46c]
.alone:
    sti
    hlt
    cmp [es:0x46c], ebx
    je .alone
    CHECK_W "int 8: unhooked", word [.count8], 4
    ret
.int8:
    inc word [cs:.level]
    push ax
    mov ax, [cs:.level]
    cmp ax, [cs:.deep]
    jbe .known
    mov [cs:.deep], ax
.known:
    pop ax
    inc word [cs:.count8]
    pushf
    call far [cs:.old8]         ; it sends the EOI
    dec word [cs:.level]
    iret
.int1c:
    inc word [cs:.count1c]
    jmp far [cs:.old1c]
    [section .data]
    align 4, db 0
.old8: dd 0
.old1c: dd 0
.first: dd 0
.count8: dw 0
.count1c: dw 0
.level: dw 0
.deep: dw 0
    __SECT__

; ---- INT 9, with a byte that the keyboard controller is told to pretend
keyboard_chain:
    HOOK 9, .int9, .old9
    mov word [.count], 0
    mov al, 0x1e                ; a
    call .pretend
    mov al, 0x9e
    call .pretend
    mov ah, 1
    int 0x16
    setnz al
    CHECK_B "int 16h: a key is there", al, 1
    mov ah, 0
    int 0x16
    CHECK_W "int 16h: a", ax, 0x1e61
    mov al, 0x2a                ; shift, a
    call .pretend
    mov ah, 2
    int 0x16
    CHECK_B "int 16h: shift state", al, 2
    mov al, 0x1e
    call .pretend
    mov al, 0x9e
    call .pretend
    mov al, 0xaa
    call .pretend
    mov ah, 0
    int 0x16
    CHECK_W "int 16h: A", ax, 0x1e41
    mov al, 0xe0                ; an extended key
    call .pretend
    mov al, 0x48
    call .pretend
    mov al, 0xe0
    call .pretend
    mov al, 0xc8
    call .pretend
    mov ah, 0x10
    int 0x16
    CHECK_W "int 16h: up", ax, 0x48e0
    mov ah, 1
    int 0x16
    setz al
    CHECK_B "int 16h: empty again", al, 1
    CHECK_W "int 9: as often as bytes came", word [.count], 10
    ; INT 15h 4Fh: the BIOS asks before it takes a key; this one swallows it
    HOOK 0x15, .int15, .old15
    mov al, 0x1f
    call .pretend
    mov al, 0x9f
    call .pretend
    UNHOOK 0x15, .old15
    mov ah, 1
    int 0x16
    setz al
    CHECK_B "int 15h 4Fh swallows the key", al, 1
    CHECK_W "int 15h 4Fh: calls", word [.asked], 2
    UNHOOK 9, .old9
    ret
.pretend:
    push ax
    cli
.full:
    in al, 0x64
    test al, 3
    jnz .full
    mov al, 0xd2
    out 0x64, al
.full2:
    in al, 0x64
    test al, 2
    jnz .full2
    pop ax
    mov bx, [.count]
    out 0x60, al
    sti
    mov ecx, 2000000
.wait:
    in al, 0x80
    cmp [.count], bx
    jne .done
    a32 loop .wait
.done:
    ret
.int9:
    pushf
    call far [cs:.old9]
    inc word [cs:.count]
    iret
.int15:
    cmp ah, 0x4f
    jne .pass
    inc word [cs:.asked]
    push bp
    mov bp, sp
    and word [bp + 6], ~FL_CF
    pop bp
    iret
.pass:
    jmp far [cs:.old15]
    [section .data]
    align 4, db 0
.old9: dd 0
.old15: dd 0
.count: dw 0
.asked: dw 0
    __SECT__

; ---- INT 21h: a "DOS" and two residents in front of it
dos_chain:
    HOOK 0x21, .dos, .old
    HOOK 0x21, .first, .old_first
    HOOK 0x21, .second, .old_second
    mov ah, 1
    int 0x21
    CHECK_W "int 21h: served by DOS", ax, 0x0111
    mov ah, 2
    int 0x21
    CHECK_W "int 21h: served by the first resident", ax, 0x0222
    mov ah, 3
    int 0x21
    CHECK_W "int 21h: served by the second", ax, 0x0333
    mov ah, 4
    clc
    int 0x21
    CHECK_CF "int 21h: carry comes back by retf 2", 1
    mov ah, 5
    stc
    int 0x21
    CHECK_CF "int 21h: carry changed on the stack", 0
    UNHOOK 0x21, .old_second
    UNHOOK 0x21, .old_first
    mov ah, 3
    int 0x21
    CHECK_W "int 21h: residents gone", ax, 0x0311
    UNHOOK 0x21, .old
    ret
.dos:
    mov al, 0x11
    iret
.first:
    cmp ah, 2
    je .mine1
    cmp ah, 5
    je .mine5
    jmp far [cs:.old_first]
.mine1:
    mov al, 0x22
    iret
.mine5:
    push bp
    mov bp, sp
    and byte [bp + 6], ~FL_CF
    pop bp
    iret
.second:
    cmp ah, 3
    je .mine2
    cmp ah, 4
    je .mine4
    pushf
    call far [cs:.old_second]
    push bp                     ; flags of the callee go to the caller
    mov bp, sp
    push ax
    lahf
    mov [bp + 6], ah
    pop ax
    pop bp
    iret
.mine2:
    mov al, 0x33
    iret
.mine4:
    stc
    sti
    retf 2
    [section .data]
    align 4, db 0
.old: dd 0
.old_first: dd 0
.old_second: dd 0
    __SECT__

; ---- the 8259s
; RAISE port: its interrupt is requested. DROP port: no longer
%macro RAISE 1
    push ax
    push dx
    mov dx, %1 + 1
    mov al, 2
    out dx, al
    pop dx
    pop ax
%endmacro
%macro DROP 1
    push ax
    push dx
    mov dx, %1 + 1
    mov al, 0
    out dx, al
    pop dx
    pop ax
%endmacro
%macro OUTB 2
    mov al, %2
    out %1, al
%endmacro
; lets interrupts in for a moment
%macro WINDOW 0
    sti
    nop
    nop
    nop
    nop
    cli
%endmacro
%macro IRR 0
    OUTB 0x20, 0x0a
    in al, 0x20
%endmacro
%macro ISR 0
    OUTB 0x20, 0x0b
    in al, 0x20
%endmacro
%macro TRAIL 1
    shl dword [cs:trail], 4
    or byte [cs:trail], %1
%endmacro
    [section .data]
    align 4, db 0
trail: dd 0
old3: dd 0
old4: dd 0
old70: dd 0
action3: dw nothing
action4: dw nothing
    __SECT__

prepare_ports:
    cli
    OUTB 0x21, 0xe7             ; only IRQ 3 and 4
    mov dx, COM1 + 4
    mov al, 8                   ; OUT2: the interrupt line is connected
    out dx, al
    mov dx, COM2 + 4
    out dx, al
    DROP COM1
    DROP COM2
    mov dx, COM1 + 3
    mov al, 3
    out dx, al
    mov dx, COM2 + 3
    out dx, al
    HOOK 0x0b, int_3, old3
    HOOK 0x0c, int_4, old4
    cli
    ret

; each notes itself on the way in and out, and does what the test wants in between; then EOI
int_3:
    push ax
    TRAIL 3
    DROP COM2
    call [cs:action3]
    OUTB 0x20, 0x20
    TRAIL 0xb
    pop ax
    iret
int_4:
    push ax
    TRAIL 4
    DROP COM1
    call [cs:action4]
    OUTB 0x20, 0x20
    TRAIL 0xc
    pop ax
    iret
nothing:
    ret

requests:
    ; level-triggered (ELCR): the request goes when the line does
    mov dx, 0x4d0
    in al, dx
    mov bl, al
    or al, 0x10
    out dx, al
    mov dword [trail], 0
    RAISE COM1
    IRR
    and al, 0x10
    CHECK_B "irr: IRQ 4", al, 0x10
    ISR
    CHECK_B "isr: none", al, 0
    DROP COM1
    IRR
    and al, 0x10
    CHECK_B "irr: gone with the line", al, 0
    WINDOW
    CHECK "no interrupt", dword [trail], 0
    ; it comes again after EOI as long as the line is high
    RAISE COM1
    mov word [action4], .again
    WINDOW
    WINDOW
    CHECK "level: a second time", dword [trail], 0x4c4c
    mov word [action4], nothing
    mov dx, 0x4d0
    mov al, bl
    out dx, al
    mov dword [trail], 0
    RAISE COM1
    OUTB 0x21, 0xff
    WINDOW
    CHECK "masked", dword [trail], 0
    in al, 0x21
    CHECK_B "mask reads back", al, 0xff
    IRR
    and al, 0x18
    CHECK_B "irr: shows masked requests too", al, 0x10
    OUTB 0x21, 0xe7
    mov word [action4], .look
    WINDOW
    CHECK "unmasked", dword [trail], 0x4c
    CHECK_B "isr in the handler", byte [.isr], 0x10
    ISR
    CHECK_B "isr after EOI", al, 0
    mov word [action4], nothing
    ret
.again:
    RAISE COM1
    mov word [cs:action4], nothing
    ret
.look:
    ISR
    mov [cs:.isr], al
    ret
    [section .data]
.isr: db 0
    __SECT__

order:
    mov dword [trail], 0
    RAISE COM1
    RAISE COM2
    WINDOW
    CHECK "both at once: IRQ 3 first", dword [trail], 0x3b4c
    ret

nesting:
    ; in IRQ 4's handler IRQ 3 comes through
    mov dword [trail], 0
    mov word [action4], .raise3
    RAISE COM1
    WINDOW
    CHECK "nested: IRQ 3 within IRQ 4", dword [trail], 0x43bc
    mov word [action4], nothing
    ; not the other way round
    mov dword [trail], 0
    mov word [action3], .raise4
    RAISE COM2
    WINDOW
    CHECK "nested: IRQ 4 waits for IRQ 3's end", dword [trail], 0x3b4c
    ; the end is given early, by a specific EOI: then it comes at once
    mov dword [trail], 0
    mov word [action3], .early
    RAISE COM2
    WINDOW
    CHECK "specific EOI: IRQ 4 within IRQ 3", dword [trail], 0x34cb
    mov word [action3], nothing
    ret
.raise3:
    RAISE COM2
    WINDOW
    ret
.raise4:
    RAISE COM1
    WINDOW
    ret
.early:
    RAISE COM1
    OUTB 0x20, 0x63
    WINDOW
    ret

special_mask:
    mov dword [trail], 0
    mov word [action3], .action
    RAISE COM2
    WINDOW
    CHECK "special mask: IRQ 4 within IRQ 3", dword [trail], 0x34cb
    ISR
    CHECK_B "special mask: isr empty after", al, 0
    mov word [action3], nothing
    ret
.action:
    RAISE COM1
    OUTB 0x20, 0x68             ; special mask mode
    OUTB 0x21, 0xef             ; and IRQ 3 masked: its ISR bit no longer holds others back
    WINDOW
    OUTB 0x20, 0x48
    OUTB 0x21, 0xe7
    OUTB 0x20, 0x63             ; (the handler's own EOI is then for nothing)
    ret

rotation:
    ; rotate on non-specific EOI: IRQ 3 becomes the lowest
    mov dword [trail], 0
    mov word [action3], .rotate
    RAISE COM2
    WINDOW
    mov word [action3], nothing
    RAISE COM1
    RAISE COM2
    WINDOW
    CHECK "rotate: IRQ 4 before IRQ 3", dword [trail], 0x3b4c3b
    ; set priority: 7 lowest again
    OUTB 0x20, 0xc7
    mov dword [trail], 0
    RAISE COM1
    RAISE COM2
    WINDOW
    CHECK "set priority: as at the start", dword [trail], 0x3b4c
    OUTB 0x20, 0xc3
    mov dword [trail], 0
    RAISE COM1
    RAISE COM2
    WINDOW
    CHECK "set priority: IRQ 3 lowest", dword [trail], 0x4c3b
    OUTB 0x20, 0xc7
    ret
.rotate:
    OUTB 0x20, 0xa0
    ret

polling:
    OUTB 0x20, 0x0c
    in al, 0x20
    and al, 0x80
    CHECK_B "poll: nothing", al, 0
    RAISE COM1
    OUTB 0x20, 0x0c
    in al, 0x20
    CHECK_B "poll: IRQ 4", al, 0x84
    ISR
    CHECK_B "poll: acknowledged", al, 0x10
    DROP COM1
    OUTB 0x20, 0x20
    ret

; ---- the slave: the clock's update interrupt, IRQ 8
cascade:
    HOOK 0x70, .int70, old70
    cli
    OUTB 0x21, 0xe3             ; and the cascade
    OUTB 0xa1, 0xfe
    mov dword [trail], 0
    OUTB 0x70, 0x0a
    OUTB 0x71, 0x26             ; 1024 a second
    OUTB 0x70, 0x0b
    in al, 0x71
    or al, 0x40                 ; periodic
    mov bl, al
    OUTB 0x70, 0x0b
    OUTB 0x71, bl
    mov ecx, 1000000
.wait:
    WINDOW
    in al, 0x80
    cmp dword [trail], 0
    loope .wait
    jne .came
    a32 loop .wait
.came:
    OUTB 0xa1, 0xff
    OUTB 0x70, 0x0b
    in al, 0x71
    and al, 0xbf
    mov bl, al
    OUTB 0x70, 0x0b
    OUTB 0x71, bl
    mov eax, [trail]
    and eax, 0xff
    CHECK "irq 8: came", eax, 0x8f
    CHECK_B "irq 8: master's isr", byte [.master], 4
    CHECK_B "irq 8: slave's isr", byte [.slave], 1
    OUTB 0x21, 0xe7
    UNHOOK 0x70, old70
    ret
.int70:
    push ax
    TRAIL 8
    ISR
    mov [cs:.master], al
    OUTB 0xa0, 0x0b
    in al, 0xa0
    mov [cs:.slave], al
    OUTB 0x70, 0x0c
    in al, 0x71
    OUTB 0xa0, 0x20
    OUTB 0x20, 0x20
    TRAIL 0xf
    pop ax
    iret
    [section .data]
.master: db 0
.slave: db 0
    __SECT__

; ---- initialised anew: other vectors, automatic EOI
automatic_end:
    HOOK 0x53, int_3, old3
    HOOK 0x54, int_4, old4
    cli
    OUTB 0x20, 0x11
    OUTB 0x21, 0x50
    OUTB 0x21, 4
    OUTB 0x21, 3                ; 8086, automatic EOI
    in al, 0x21
    CHECK_B "icw1 clears the mask", al, 0
    OUTB 0x21, 0xe7
    mov dword [trail], 0
    mov word [action3], .look
    RAISE COM2
    RAISE COM1
    WINDOW
    CHECK "automatic eoi: other vectors, IRQ 4 within IRQ 3", dword [trail], 0x34cb
    CHECK_B "automatic eoi: isr empty in the handler", byte [.isr], 0
    ; and back to what the BIOS had
    OUTB 0x20, 0x11
    OUTB 0x21, 8
    OUTB 0x21, 4
    OUTB 0x21, 1
    OUTB 0x21, 0xb8
    OUTB 0xa1, 0x8f
    DROP COM1
    DROP COM2
    sti
    push word 0
    pop es
    mov ebx, [es:0x46c]
.tick:
    hlt
    cmp [es:0x46c], ebx
    je .tick
    mov eax, 1
    CHECK "and back: the BIOS's clock goes on", eax, 1
    ret
.look:
    ISR
    mov [cs:.isr], al
    WINDOW
    ret
    [section .data]
.isr: db 0
    __SECT__

END_OF_TEST
