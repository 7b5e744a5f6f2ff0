; screen.asm: draws a picture in each of several modes and waits for a key; screen.py looks at the picture through the monitor
; and presses the key. After "look NAME" on port E9h the picture stands.

%include "guest16.inc"

; LOOK "name", what INT 16h must give
%macro LOOK 2
    STRING %%text, "look ", %1, 10
    mov bx, %%text
    call puts
    mov ah, 0
    int 0x16
    CHECK_W %1, ax, %2
%endmacro

test:
    call text
    call four_colours
    call planar
    call mode_13h
    call mode_x
    call true_colour
    ret

; cell n: a full block in colour n & 15 on n >> 4
text:
    mov ax, 3
    int 0x10
    mov ax, 0x1003              ; background of 16 colours, no blinking
    mov bl, 0
    int 0x10
    mov ah, 1
    mov cx, 0x2000              ; no cursor
    int 0x10
    push word 0xb800
    pop es
    xor di, di
    xor ax, ax
    mov cx, 2000
.next:
    mov byte [es:di], 0xdb
    test ah, 0x80
    jz .block
    mov byte [es:di], ' '
.block:
    mov [es:di + 1], ah
    inc ah
    add di, 2
    loop .next
    LOOK "text", 0x1e61
    ret

; columns of the four colours
four_colours:
    mov ax, 4
    int 0x10
    push word 0xb800
    pop es
    xor di, di
    mov al, 0x1b                ; 0 1 2 3
    mov cx, 0x4000
    rep stosb
    LOOK "cga", 0x1c0d
    ret

; 16 bars of 40 pixels
planar:
    mov ax, 0x12
    int 0x10
    push word 0xa000
    pop es
    mov dx, 0x3ce
    mov ax, 0x0205              ; write mode 2
    out dx, ax
    xor di, di
    mov bp, 480
.line:
    xor al, al
.bar:
    mov cx, 5
    rep stosb
    inc al
    cmp al, 16
    jb .bar
    dec bp
    jnz .line
    LOOK "planar", 0x3b00
    ret

; colour i: red i / 4, green 63 - i / 4, blue 5
palette:
    mov dx, 0x3c8
    xor al, al
    out dx, al
    inc dx
    xor cl, cl
.next:
    mov al, cl
    shr al, 2
    out dx, al
    neg al
    add al, 63
    out dx, al
    mov al, 5
    out dx, al
    inc cl
    jnz .next
    ret
; pixel (x, y) = x ^ y
mode_13h:
    mov ax, 0x13
    int 0x10
    call palette
    push word 0xa000
    pop es
    xor di, di
    xor bx, bx
.line:
    xor cx, cx
.next:
    mov ax, cx
    xor ax, bx
    stosb
    inc cx
    cmp cx, 320
    jb .next
    inc bx
    cmp bx, 200
    jb .line
    LOOK "13h", 0x3042
    ret

; 320 by 240: pixel (x, y) = x ^ y, plane by plane
mode_x:
    mov ax, 0x13
    int 0x10
    call palette
    mov dx, 0x3c4
    mov ax, 0x0604
    out dx, ax
    mov ax, 0x0100
    out dx, ax
    mov dx, 0x3c2
    mov al, 0xe3
    out dx, al
    mov dx, 0x3c4
    mov ax, 0x0300
    out dx, ax
    mov dx, 0x3d4
    mov al, 0x11
    out dx, al
    inc dx
    in al, dx
    and al, 0x7f
    out dx, al
    dec dx
    mov si, .crtc
    mov cx, 10
.register:
    lodsw
    out dx, ax
    loop .register
    push word 0xa000
    pop es
    xor bp, bp                  ; plane
.plane:
    mov cx, bp
    mov ax, 0x0102
    shl ah, cl
    mov dx, 0x3c4
    out dx, ax
    xor di, di
    xor bx, bx
.line:
    mov cx, bp
.next:
    mov ax, cx
    xor ax, bx
    stosb
    add cx, 4
    cmp cx, 320
    jb .next
    inc bx
    cmp bx, 240
    jb .line
    inc bp
    cmp bp, 4
    jb .plane
    LOOK "mode x", 0x2e03
    ret
    [section .data]
    align 2, db 0
.crtc: dw 0x0d06, 0x3e07, 0x4109, 0xea10, 0xac11, 0xdf12, 0x0014, 0xe715, 0x0616, 0xe317
    __SECT__

; 640 by 480, 32 bits, by the window: pixel (x, y) = blue x, green y, red x + y
true_colour:
    mov ax, 0x4f02
    mov bx, 0x142
    int 0x10
    CHECK_W "4F02h", ax, 0x4f
    push word 0xa000
    pop es
    xor di, di
    xor bx, bx
    mov dword [.bank], 0
.line:
    xor cx, cx
.next:
    test di, di
    jnz .inside
    pushad
    mov dx, [.bank]
    inc word [.bank]
    mov ax, 0x4f05
    xor bx, bx
    int 0x10
    popad
.inside:
    mov al, cl
    stosb
    mov al, bl
    stosb
    add al, cl
    stosb
    xor al, al
    stosb
    inc cx
    cmp cx, 640
    jb .next
    inc bx
    cmp bx, 480
    jb .line
    LOOK "true colour", 0x2d00
    ret
    [section .data]
    align 4, db 0
.bank: dd 0
    __SECT__

END_OF_TEST
