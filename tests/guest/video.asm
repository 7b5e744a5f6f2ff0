; video.asm: the VGA by INT 10h and by its registers: all BIOS modes, text and fonts, planar write modes, mode X, palette,
; retrace, VBE with window and linear framebuffer. What is written is read back another way.

%include "guest16.inc"

test:
    call modes
    call text
    call fonts
    call planar
    call mode_13h
    call mode_x
    call retrace
    call vbe
    call dispi
    mov ax, 3
    int 0x10
    ret

%macro GC 2
    mov dx, 0x3ce
    mov ax, (%2) << 8 | (%1)
    out dx, ax
%endmacro
%macro SEQ 2
    mov dx, 0x3c4
    mov ax, (%2) << 8 | (%1)
    out dx, ax
%endmacro
%macro CRTC 2
    mov dx, 0x3d4
    mov ax, (%2) << 8 | (%1)
    out dx, ax
%endmacro

; ---- every mode of the BIOS: set, asked, a pixel or a character there and back, then cleared by setting it again
    [section .data]
; mode, columns, 1 for graphics, last colour
mode_list:
    db 0, 40, 0, 0
    db 1, 40, 0, 0
    db 2, 80, 0, 0
    db 3, 80, 0, 0
    db 4, 40, 1, 3
    db 5, 40, 1, 3
    db 6, 80, 1, 1
    db 7, 80, 0, 0
    db 0x0d, 40, 1, 15
    db 0x0e, 80, 1, 15
    db 0x0f, 80, 1, 1
    db 0x10, 80, 1, 15
    db 0x11, 80, 1, 1
    db 0x12, 80, 1, 15
    db 0x13, 40, 1, 255
mode_end:
mode_now: dw 0
    __SECT__

modes:
    mov si, mode_list
.next:
    mov [mode_now], si
    mov ah, 0
    mov al, [si]
    int 0x10
    mov ah, 0x0f
    int 0x10
    mov si, [mode_now]
    movzx ecx, byte [si]
    CHECK_B "mode: number", al, ecx
    movzx ecx, byte [si + 1]
    CHECK_B "mode: columns", ah, ecx
    cmp byte [si + 2], 0
    je .characters
    call pixels
    jmp .done
.characters:
    call characters
.done:
    mov si, [mode_now]
    add si, 4
    cmp si, mode_end
    jb .next
    ret

pixels:
    mov ah, 0x0c
    mov al, [si + 3]
    mov bh, 0
    mov cx, 77
    mov dx, 99
    int 0x10
    mov ah, 0x0d
    mov bh, 0
    mov cx, 77
    mov dx, 99
    int 0x10
    mov si, [mode_now]
    movzx ecx, byte [si + 3]
    CHECK_B "pixel: read back", al, ecx
    mov ah, 0x0d
    mov bh, 0
    mov cx, 78
    mov dx, 99
    int 0x10
    CHECK_B "pixel: the neighbour is black", al, 0
    ; XOR with itself
    mov si, [mode_now]
    cmp byte [si], 0x13
    je .again                   ; (256 colours: bit 7 is colour)
    mov ah, 0x0c
    mov al, [si + 3]
    or al, 0x80
    mov bh, 0
    mov cx, 77
    mov dx, 99
    int 0x10
    mov ah, 0x0d
    mov bh, 0
    mov cx, 77
    mov dx, 99
    int 0x10
    CHECK_B "pixel: xor", al, 0
.again:
    mov si, [mode_now]
    mov ah, 0x0c
    mov al, [si + 3]
    mov bh, 0
    mov cx, 10
    mov dx, 11
    int 0x10
    mov si, [mode_now]
    mov ah, 0
    mov al, [si]
    int 0x10
    mov ah, 0x0d
    mov bh, 0
    mov cx, 10
    mov dx, 11
    int 0x10
    CHECK_B "pixel: gone when the mode is set again", al, 0
    ; with bit 7 of the mode the memory stays
    mov si, [mode_now]
    mov ah, 0x0c
    mov al, [si + 3]
    mov bh, 0
    mov cx, 10
    mov dx, 11
    int 0x10
    mov si, [mode_now]
    mov ah, 0
    mov al, [si]
    or al, 0x80
    int 0x10
    mov ah, 0x0d
    mov bh, 0
    mov cx, 10
    mov dx, 11
    int 0x10
    mov si, [mode_now]
    movzx ecx, byte [si + 3]
    CHECK_B "pixel: kept by mode | 80h", al, ecx
    ret

; the text memory's segment to ES
text_segment:
    push word 0xb800
    mov si, [mode_now]
    cmp byte [si], 7
    jne .colour
    pop ax
    push word 0xb000
.colour:
    pop es
    ret
characters:
    mov ah, 2
    mov bh, 0
    mov dx, 0x0305
    int 0x10
    mov ax, 0x0941
    mov bx, 0x001e
    mov cx, 3
    int 0x10
    mov ah, 8
    mov bh, 0
    int 0x10
    CHECK_W "character: read back", ax, 0x1e41
    call text_segment
    mov si, [mode_now]
    mov al, [si + 1]
    mov ah, 3
    mul ah
    add ax, 5
    shl ax, 1
    mov bx, ax
    CHECK "character: in memory", dword [es:bx], 0x1e411e41
    CHECK_W "character: third", word [es:bx + 4], 0x1e41
    CHECK_W "character: no fourth", word [es:bx + 6], 0x0720
    ret

text:
    mov word [mode_now], mode_list + 12
    mov ax, 3
    int 0x10
    push word 0xb800
    pop es
    mov ax, 0x0e48
    mov bx, 7
    int 0x10
    mov ax, 0x0e69
    int 0x10
    CHECK "teletype", dword [es:0], 0x07690748
    mov ah, 3
    mov bh, 0
    int 0x10
    CHECK_W "cursor position", dx, 2
    ; in the CRTC too
    mov dx, 0x3d4
    mov al, 0x0f
    out dx, al
    inc dx
    in al, dx
    CHECK_B "cursor position in the CRTC", al, 2
    ; scroll up one line
    mov word [es:160], 0x1f5a
    mov ax, 0x0601
    mov bh, 0x2e
    xor cx, cx
    mov dx, 0x184f
    int 0x10
    CHECK_W "scroll: line 1 is line 0", word [es:0], 0x1f5a
    CHECK_W "scroll: new line's attribute", word [es:24 * 160], 0x2e20
    ; a line feed at the bottom scrolls
    mov ah, 2
    mov bh, 0
    mov dx, 0x1800
    int 0x10
    mov word [es:160], 0x1f5b
    mov ax, 0x0e0a
    mov bx, 7
    int 0x10
    CHECK_W "line feed at the bottom scrolls", word [es:0], 0x1f5b
    ; pages
    mov ax, 0x0501
    int 0x10
    mov ah, 2
    mov bh, 1
    xor dx, dx
    int 0x10
    mov ax, 0x0950
    mov bx, 0x0107
    mov cx, 1
    int 0x10
    CHECK_W "page 1 in memory", word [es:0x1000], 0x0750
    mov dx, 0x3d4
    mov al, 0x0c
    out dx, al
    inc dx
    in al, dx
    CHECK_B "page 1: start address", al, 0x08
    mov ax, 0x0500
    int 0x10
    ; a string
    push es
    push word 0
    pop es
    mov ax, 0x1301
    mov bx, 0x004f
    mov cx, 5
    mov dx, 0x0a00
    mov bp, .string
    int 0x10
    pop es
    CHECK "string", dword [es:10 * 160 + 6], 0x4f6f4f6c
    ret
    [section .data]
.string: db "Hello"
    __SECT__

; ---- fonts: plane 2, by the registers
font_in:
    SEQ 2, 4
    SEQ 4, 7
    GC 4, 2
    GC 5, 0
    GC 6, 4
    ret
font_out:
    SEQ 2, 3
    SEQ 4, 3
    GC 4, 0
    GC 5, 0x10
    GC 6, 0x0e
    ret
fonts:
    mov ax, 3
    int 0x10
    mov ax, 0x1130
    mov bh, 6
    push es
    int 0x10
    push es
    pop fs
    pop es
    CHECK_W "font: 16 lines", cx, 16
    push bp
    call font_in
    pop bp
    push word 0xa000
    pop es
    mov si, bp
    add si, 'A' * 16
    mov di, 'A' * 32
    mov cx, 16
    xor bx, bx
.compare:
    mov al, [fs:si]
    cmp [es:di], al
    jne .differs
    inc bx
.differs:
    inc si
    inc di
    loop .compare
    CHECK_W "font: A in plane 2 as in the ROM", bx, 16
    call font_out
    push word 0xb800
    pop es
    mov word [es:0], 0x0741
    CHECK_W "font: text memory is back", word [es:0], 0x0741
    ; one of our own
    push word 0
    pop es
    mov ax, 0x1100
    mov bx, 0x1000
    mov cx, 1
    mov dx, 'B'
    mov bp, .glyph
    int 0x10
    call font_in
    push word 0xa000
    pop es
    CHECK "font: our B", dword [es:'B' * 32], 0x99a5c3ff
    call font_out
    mov ax, 0x1112              ; 8 by 8: 50 lines
    mov bl, 0
    int 0x10
    push word 0
    pop es
    CHECK_B "font 8x8: rows", byte [es:0x484], 49
    mov dx, 0x3d4
    mov al, 9
    out dx, al
    inc dx
    in al, dx
    and al, 0x1f
    CHECK_B "font 8x8: lines of a character in the CRTC", al, 7
    ret
    [section .data]
.glyph: db 0xff, 0xc3, 0xa5, 0x99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    __SECT__

; ---- write modes. PLANES "name", offset, p3 p2 p1 p0 as one number
%macro PLANES 3
    mov di, %2
    call planes
    CHECK %1, eax, %3
%endmacro
planes:
    push dx
    GC 5, 0
    xor ebx, ebx
    mov cl, 3
.next:
    mov dx, 0x3ce
    mov al, 4
    mov ah, cl
    out dx, ax
    shl ebx, 8
    mov bl, [es:di]
    dec cl
    jns .next
    mov eax, ebx
    pop dx
    ret
planar:
    mov ax, 0x12
    int 0x10
    push word 0xa000
    pop es
    ; mode 0
    SEQ 2, 5
    mov byte [es:0], 0xa5
    SEQ 2, 15
    PLANES "map mask", 0, 0x00a500a5
    GC 8, 0x0f
    mov al, [es:0]
    mov byte [es:0], 0xff
    GC 8, 0xff
    PLANES "bit mask", 0, 0x0faf0faf
    GC 0, 6
    GC 1, 7
    mov byte [es:1], 0x33
    GC 1, 0
    PLANES "set/reset on planes 0 to 2", 1, 0x33ffff00
    mov byte [es:2], 0x0f
    GC 3, 0x08                  ; AND
    mov al, [es:2]
    mov byte [es:2], 0x3c
    GC 3, 0x10                  ; OR
    PLANES "and", 2, 0x0c0c0c0c
    mov al, [es:2]
    mov byte [es:2], 0xf0
    GC 3, 0x18                  ; XOR
    PLANES "or", 2, 0xfcfcfcfc
    mov al, [es:2]
    mov byte [es:2], 0xff
    GC 3, 3                     ; rotate by 3
    PLANES "xor", 2, 0x03030303
    mov byte [es:3], 0x81
    GC 3, 0
    PLANES "rotate", 3, 0x30303030
    ; mode 1: the latches
    SEQ 2, 9
    mov byte [es:4], 0x5a
    SEQ 2, 15
    GC 5, 1
    mov al, [es:4]
    mov byte [es:5], 0
    PLANES "write mode 1", 5, 0x5a00005a
    GC 5, 1
    push ds
    push es
    pop ds
    mov si, 0
    mov di, 0x100
    mov cx, 6
    rep movsb
    pop ds
    PLANES "write mode 1: rep movsb", 0x101, 0x33ffff00
    ; mode 2: colour
    GC 5, 2
    GC 8, 0xf0
    mov al, [es:6]
    mov byte [es:6], 10
    GC 8, 0xff
    PLANES "write mode 2", 6, 0xf000f000
    ; mode 3: the datum is the bit mask, set/reset the colour
    GC 5, 3
    GC 0, 9
    mov al, [es:7]
    mov byte [es:7], 0x3c
    GC 0, 0
    PLANES "write mode 3", 7, 0x3c00003c
    ; read mode 1: colour compare
    GC 5, 8
    GC 2, 9
    GC 7, 15
    mov al, [es:7]
    CHECK_B "read mode 1", al, 0x3c
    GC 7, 8
    mov al, [es:1]
    CHECK_B "read mode 1: only plane 3 matters", al, 0x33
    GC 7, 15
    GC 2, 0
    GC 5, 0
    ret

mode_13h:
    mov ax, 0x13
    int 0x10
    push word 0xa000
    pop es
    xor di, di
    mov cx, 64000
.fill:
    mov ax, di
    stosb
    loop .fill
    CHECK "13h: memory", dword [es:1000], 0xebeae9e8
    mov ah, 0x0d
    mov bh, 0
    mov cx, 5
    mov dx, 3
    int 0x10
    CHECK_B "13h: pixel", al, (3 * 320 + 5) & 0xff
    ; palette: index, three writes; read back
    mov dx, 0x3c8
    mov al, 100
    out dx, al
    inc dx
    mov al, 63
    out dx, al
    mov al, 42
    out dx, al
    mov al, 21
    out dx, al
    mov al, 1
    out dx, al
    mov al, 2
    out dx, al
    mov al, 3
    out dx, al
    mov dx, 0x3c7
    mov al, 100
    out dx, al
    in al, dx
    and al, 3
    CHECK_B "dac: state: reading", al, 3
    mov dx, 0x3c9
    in al, dx
    CHECK_B "dac: red", al, 63
    in al, dx
    CHECK_B "dac: green", al, 42
    in al, dx
    CHECK_B "dac: blue", al, 21
    in al, dx
    CHECK_B "dac: the next one", al, 1
    mov ax, 0x1015
    mov bx, 100
    int 0x10
    CHECK_W "int 10h 1015h", cx, 42 << 8 | 21
    ; chain 4: the plane is the address's low bits
    SEQ 4, 6
    GC 4, 2
    GC 5, 0
    CHECK_B "13h: pixel 6 in plane 2", byte [es:4], 6
    ret

; ---- mode X: 320 by 240, 256 colours, planes
mode_x:
    mov ax, 0x13
    int 0x10
    push word 0xa000
    pop es
    SEQ 4, 6                    ; no chain
    SEQ 2, 15
    xor di, di
    xor eax, eax
    mov cx, 0x4000
    rep stosd
    SEQ 0, 1
    mov dx, 0x3c2
    mov al, 0xe3
    out dx, al
    SEQ 0, 3
    mov dx, 0x3d4
    mov al, 0x11
    out dx, al
    inc dx
    in al, dx
    and al, 0x7f
    out dx, al
    CRTC 0x06, 0x0d
    CRTC 0x07, 0x3e
    CRTC 0x09, 0x41
    CRTC 0x10, 0xea
    CRTC 0x11, 0xac
    CRTC 0x12, 0xdf
    CRTC 0x14, 0x00
    CRTC 0x15, 0xe7
    CRTC 0x16, 0x06
    CRTC 0x17, 0xe3
    SEQ 2, 1
    mov byte [es:80 * 239], 0x11
    SEQ 2, 2
    mov byte [es:80 * 239], 0x22
    SEQ 2, 4
    mov byte [es:80 * 239], 0x33
    SEQ 2, 8
    mov byte [es:80 * 239], 0x44
    GC 5, 0
    PLANES "mode x: four planes", 80 * 239, 0x44332211
    ; a copy in video memory by the latches, four pixels at once
    SEQ 2, 15
    GC 5, 0x41
    mov al, [es:80 * 239]
    mov [es:0x8000], al
    PLANES "mode x: latched copy", 0x8000, 0x44332211
    ; the second page
    CRTC 0x0c, 0x80
    mov dx, 0x3d4
    mov al, 0x0c
    out dx, al
    inc dx
    in al, dx
    CHECK_B "mode x: page flip", al, 0x80
    ret

; vertical retrace comes and goes, some 60 times a second
retrace:
    mov bp, 6
    mov dx, 0x3da
    mov ebx, [0x46c]
.next:
    mov ecx, 5000000
.on:
    in al, dx
    test al, 8
    jnz .off
    a32 loop .on
.off:
    in al, dx
    test al, 8
    jz .done
    a32 loop .off
.done:
    jecxz .never
    dec bp
    jnz .next
.never:
    CHECK_W "retrace: six frames", bp, 0
    mov eax, [0x46c]
    sub eax, ebx
    CHECK_RANGE "retrace: in 1 to 6 ticks", eax, 0, 6
    in al, dx
    mov dx, 0x3c0               ; the flip-flop is reset: an index comes first
    mov al, 0x20
    out dx, al
    inc dx
    in al, dx
    ret

; ---- VBE
    [section .data]
    align 8, db 0
gdt: dq 0
    dq 0x00cf92000000ffff
gdtr: dw 15
    dd gdt
    __SECT__
; FS: flat
flat_fs:
    cli
    lgdt [gdtr]
    mov ecx, cr0
    or cl, 1
    mov cr0, ecx
    mov ax, 8
    mov fs, ax
    and cl, 0xfe
    mov cr0, ecx
    xor ax, ax
    mov fs, ax
    sti
    ret
INFO equ 0x1000                 ; free memory: 0:1000h
vbe:
    push word 0
    pop es
    mov di, INFO
    mov dword [di], "VBE2"
    mov ax, 0x4f00
    int 0x10
    CHECK_W "4F00h", ax, 0x4f
    CHECK "4F00h: signature", dword [INFO], "VESA"
    CHECK_RANGE_W "4F00h: version", word [INFO + 4], 0x200, 0x300
    ; 101h: 640 by 480, 256 colours
    mov ax, 0x4f01
    mov cx, 0x101
    mov di, INFO
    int 0x10
    CHECK_W "4F01h", ax, 0x4f
    CHECK_W "101h: width", word [INFO + 18], 640
    CHECK_W "101h: height", word [INFO + 20], 480
    CHECK_B "101h: bits", byte [INFO + 25], 8
    mov eax, [INFO + 40]
    mov [.frame], eax
    mov ax, 0x4f02
    mov bx, 0x101
    int 0x10
    CHECK_W "4F02h", ax, 0x4f
    mov ax, 0x4f03
    int 0x10
    and bx, 0x3fff
    CHECK_W "4F03h", bx, 0x101
    ; the window: bank 3 begins at 196608
    mov ax, 0x4f05
    xor bx, bx
    mov dx, 3
    int 0x10
    CHECK_W "4F05h", ax, 0x4f
    push word 0xa000
    pop es
    mov dword [es:0x1234], 0xdeadbeef
    mov ax, 0x4f05
    xor bx, bx
    mov dx, 0
    int 0x10
    CHECK "bank 0 is another place", dword [es:0x1234], 0
    call flat_fs
    mov ebx, [.frame]
    CHECK "the linear framebuffer shows it", dword [fs:ebx + 0x31234], 0xdeadbeef
    mov dword [fs:ebx + 0x20010], 0x12345678
    mov ax, 0x4f05
    push bx
    xor bx, bx
    mov dx, 2
    int 0x10
    pop bx
    CHECK "and the window what the framebuffer got", dword [es:0x10], 0x12345678
    ; 32 bits, linear
    push word 0
    pop es
    mov ax, 0x4f02
    mov bx, 0x4144
    int 0x10
    CHECK_W "4F02h: 1024 by 768, 32 bits, linear", ax, 0x4f
    mov ebx, [.frame]
    CHECK "cleared", dword [fs:ebx + 0x31234], 0
    mov eax, 0xff8040
    mov edi, [.frame]
    mov dword [fs:edi + 1024 * 4 * 767], eax
    CHECK "last line", dword [fs:edi + 1024 * 4 * 767], 0xff8040
    mov ax, 0x4f06
    mov bl, 1
    int 0x10
    CHECK_W "4F06h: bytes of a line", bx, 4096
    mov ax, 0x4f07
    xor bx, bx
    xor cx, cx
    mov dx, 100
    int 0x10
    CHECK_W "4F07h", ax, 0x4f
    mov ax, 0x4f07
    mov bx, 1
    int 0x10
    CHECK_W "4F07h: asked", dx, 100
    ; EDID
    push word 0
    pop es
    mov ax, 0x4f15
    mov bl, 1
    xor cx, cx
    xor dx, dx
    mov di, INFO
    int 0x10
    CHECK_W "4F15h", ax, 0x4f
    CHECK "4F15h: header", dword [INFO], 0xffffff00
    xor al, al
    mov cx, 128
    mov si, INFO
.sum:
    add al, [si]
    inc si
    loop .sum
    CHECK_B "4F15h: checksum", al, 0
    ret
    [section .data]
    align 4, db 0
.frame: dd 0
    __SECT__

; the Bochs interface itself
dispi:
    mov ax, 3
    int 0x10
    mov dx, 0x1ce
    xor ax, ax
    out dx, ax
    inc dx
    in ax, dx
    CHECK_RANGE_W "dispi: id", ax, 0xb0c0, 0xb0c5
    mov dx, 0x1ce
    mov ax, 4
    out dx, ax
    inc dx
    in ax, dx
    and ax, 1
    CHECK_W "dispi: off in text mode", ax, 0
    ret

END_OF_TEST
