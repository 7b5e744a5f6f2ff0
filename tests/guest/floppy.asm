; floppy.asm: the second floppy drive by INT 13h and by the controller itself with DMA channel 2: read, write, format, errors.
; 82077AA data sheet, 8237A data sheet. scratch.py makes the disk before and looks at it afterwards.
;
; What is to be there then: 5/1/7 to 5/1/9 (cylinder, head, sector): bytes (i * 7 + sector). 20/0/3: i ^ 5Ah. 30/1: formatted with
; E5h. 10/0: formatted by the BIOS (F6h). 40/0/18 and 40/1/1: one multi-track write of i + 3. The rest: as made, byte = sector
; number by LBA.

%include "guest16.inc"

BUFFER_SEG equ 0x2000           ; 20000h: within one page of the DMA controller

test:
    push word BUFFER_SEG
    pop es
    call bios
    call bios_errors
    call controller
    call direct_read
    call direct_write
    call multi_track
    call direct_format
    call errors
    ; hand the drive back to the BIOS, which finds it in order
    xor ax, ax
    mov dl, 1
    int 0x13
    CHECK_CF "bios: reset afterwards", 0
    mov ax, 0x0201
    mov cx, 20 << 8 | 3
    mov dx, 0x0001
    xor bx, bx
    int 0x13
    CHECK_CF "bios: read afterwards", 0
    CHECK_B "bios: what was written directly", byte [es:0x11], 0x11 ^ 0x5a
    ret

bios:
    mov ah, 8
    mov dl, 1
    push es
    int 0x13
    pop es
    CHECK_CF "int 13h 8", 0
    CHECK_W "int 13h 8: cylinders, sectors", cx, 79 << 8 | 18
    CHECK_B "int 13h 8: heads", dh, 1
    CHECK_B "int 13h 8: type", bl, 4
    mov ah, 0x15
    mov dl, 1
    int 0x13
    CHECK_RANGE_W "int 13h 15h", ah, 1, 2
    ; read one sector: made by the host
    mov ax, 0x0201
    mov cx, 2 << 8 | 4
    mov dx, 0x0101
    xor bx, bx
    int 0x13
    CHECK_CF "int 13h 2", 0
    CHECK "int 13h 2: bytes", dword [es:0], 0x01010101 * ((2 * 36 + 18 + 3) & 0xff)
    CHECK "int 13h 2: last bytes", dword [es:508], 0x01010101 * ((2 * 36 + 18 + 3) & 0xff)
    ; write three
    xor di, di
    mov dl, 7
.sector:
    xor cx, cx
.byte:
    mov al, cl
    mov ah, 7
    mul ah
    add al, dl
    stosb
    inc cx
    cmp cx, 512
    jb .byte
    inc dl
    cmp dl, 10
    jb .sector
    mov ax, 0x0303
    mov cx, 5 << 8 | 7
    mov dx, 0x0101
    xor bx, bx
    int 0x13
    CHECK_CF "int 13h 3", 0
    mov ax, 0x0403
    mov cx, 5 << 8 | 7
    mov dx, 0x0101
    int 0x13
    CHECK_CF "int 13h 4", 0
    mov ax, 0x0203
    mov cx, 5 << 8 | 7
    mov dx, 0x0101
    mov bx, 0x1000
    int 0x13
    CHECK_CF "int 13h 2: three sectors", 0
    xor si, si
    mov di, 0x1000
    mov cx, 512 * 3
    push ds
    push es
    pop ds
    repe cmpsb
    pop ds
    setz al
    CHECK_B "int 13h: read what was written", al, 1
    ; format 10/0
    mov di, 0x2000
    mov al, 1
.id:
    mov word [es:di], 10
    mov [es:di + 2], al
    mov byte [es:di + 3], 2
    add di, 4
    inc al
    cmp al, 18
    jbe .id
    mov ax, 0x0512
    mov cx, 10 << 8 | 1
    mov dx, 0x0001
    mov bx, 0x2000
    int 0x13
    CHECK_CF "int 13h 5", 0
    mov ax, 0x0201
    mov cx, 10 << 8 | 18
    mov dx, 0x0001
    xor bx, bx
    int 0x13
    CHECK_CF "int 13h 5: read", 0
    CHECK "int 13h 5: fill", dword [es:100], 0xf6f6f6f6
    ret

bios_errors:
    mov ax, 0x0201
    mov cx, 0 << 8 | 25
    mov dx, 0x0001
    xor bx, bx
    int 0x13
    CHECK_CF "int 13h 2: no such sector", 1
    mov ah, 1
    mov dl, 1
    int 0x13
    CHECK_RANGE_W "int 13h 1: status of the error", ah, 1, 0xff
    xor ax, ax
    mov dl, 1
    int 0x13
    CHECK_CF "int 13h 0", 0
    ret

; ---- the controller itself
; AL to the controller's data register / from it
fdc_ready:
    push ecx
    push ax
    push dx
    mov dx, 0x3f4
    mov ecx, 1000000
.wait:
    in al, dx
    and al, 0xc0
    cmp al, [cs:.want]
    je .done
    a32 loop .wait
.done:
    pop dx
    pop ax
    pop ecx
    ret
    [section .data]
.want: db 0x80
    __SECT__
put:
    mov byte [cs:fdc_ready.want], 0x80
    call fdc_ready
    push dx
    mov dx, 0x3f5
    out dx, al
    pop dx
    ret
get:
    mov byte [cs:fdc_ready.want], 0xc0
    call fdc_ready
    push dx
    mov dx, 0x3f5
    in al, dx
    pop dx
    ret
; SEND byte...
%macro SEND 1-*
%rep %0
    mov al, %1
    call put
%rotate 1
%endrep
%endmacro
; seven result bytes to `result`
results:
    pusha
    mov cx, 7
    mov si, result
.next:
    call get
    mov [cs:si], al
    inc si
    loop .next
    popa
    ret
    [section .data]
result: times 8 db 0
old_irq6: dd 0
irqs: dw 0
    __SECT__
irq6:
    push ax
    inc word [cs:irqs]
    mov al, 0x20
    out 0x20, al
    pop ax
    iret
; waits for the next interrupt; carry: it did not come
wait_irq:
    mov ecx, 3000000
.wait:
    in al, 0x80
    cmp word [irqs], 0
    jne .came
    a32 loop .wait
    stc
    ret
.came:
    mov word [irqs], 0
    clc
    ret
; DMA channel 2: AL = mode, BX = offset in the buffer, CX = bytes - 1
dma:
    push ax
    mov al, 6
    out 0x0a, al                ; mask
    out 0x0c, al
    pop ax
    out 0x0b, al
    mov al, bl
    out 0x04, al
    mov al, bh
    out 0x04, al
    mov al, 2
    out 0x81, al                ; page 20000h
    out 0x0c, al
    mov al, cl
    out 0x05, al
    mov al, ch
    out 0x05, al
    mov al, 2
    out 0x0a, al
    ret
DMA_TO_MEMORY equ 0x46
DMA_TO_DISK equ 0x4a
%macro DMA 3
    mov al, %1
    mov bx, %2
    mov cx, (%3) - 1
    call dma
%endmacro
; DMA_LEFT: AX = the channel's count
dma_left:
    out 0x0c, al
    in al, 0x05
    mov ah, al
    in al, 0x05
    xchg al, ah
    ret

controller:
    HOOK 0x0e, irq6, old_irq6
    mov dx, 0x3f2
    mov al, 0
    out dx, al                  ; reset
    mov word [irqs], 0
    mov al, 0x2d                ; motor 1, DMA, drive 1
    out dx, al
    call wait_irq
    CHECK_CF "reset: interrupt", 0
    SEND 8
    call get
    CHECK_B "reset: sense interrupt, drive 0", al, 0xc0
    call get
    SEND 8
    call get
    CHECK_B "reset: sense interrupt, drive 1", al, 0xc1
    call get
    SEND 8
    call get
    call get
    SEND 8
    call get
    call get
    SEND 8
    call get
    CHECK_B "sense interrupt with nothing", al, 0x80
    SEND 0x10
    call get
    CHECK_B "version", al, 0x90
    SEND 3, 0xdf, 2             ; specify: with DMA
    mov dx, 0x3f7
    mov al, 0
    out dx, al                  ; 500 kbit/s
    mov word [irqs], 0
    SEND 7, 1                   ; recalibrate
    call wait_irq
    CHECK_CF "recalibrate: interrupt", 0
    SEND 8
    call get
    CHECK_B "recalibrate: st0", al, 0x21
    call get
    CHECK_B "recalibrate: cylinder", al, 0
    SEND 4, 1                   ; sense drive
    call get
    and al, 0x13
    CHECK_B "sense drive: track 0", al, 0x11
    ret

; seek to AL, head 0
seek:
    push ax
    mov word [irqs], 0
    SEND 0x0f, 1
    pop ax
    push ax
    call put
    call wait_irq
    SEND 8
    call get
    CHECK_B "seek: st0", al, 0x21
    call get
    mov ah, al
    pop bx
    movzx ecx, bl
    CHECK_B "seek: cylinder", ah, ecx
    ret

direct_read:
    mov al, 20
    call seek
    DMA DMA_TO_MEMORY, 0, 512
    mov word [irqs], 0
    SEND 0xe6, 1, 20, 0, 3, 2, 18, 0x1b, 0xff
    call wait_irq
    CHECK_CF "read: interrupt", 0
    call results
    CHECK_B "read: st0", byte [result], 1
    CHECK_B "read: st1", byte [result + 1], 0
    CHECK_B "read: next sector", byte [result + 5], 4
    CHECK "read: bytes", dword [es:256], 0x01010101 * ((20 * 36 + 2) & 0xff)
    call dma_left
    CHECK_W "read: the DMA counter ran out", ax, 0xffff
    ; READ ID
    mov word [irqs], 0
    SEND 0x4a, 1
    call wait_irq
    call results
    CHECK_B "read id: st0", byte [result], 1
    CHECK_B "read id: cylinder", byte [result + 3], 20
    CHECK_B "read id: size", byte [result + 6], 2
    ret

direct_write:
    xor di, di
.byte:
    mov ax, di
    xor al, 0x5a
    stosb
    cmp di, 512
    jb .byte
    DMA DMA_TO_DISK, 0, 512
    mov word [irqs], 0
    SEND 0xc5, 1, 20, 0, 3, 2, 18, 0x1b, 0xff
    call wait_irq
    CHECK_CF "write: interrupt", 0
    call results
    CHECK_B "write: st0", byte [result], 1
    DMA DMA_TO_MEMORY, 0x800, 512
    mov word [irqs], 0
    SEND 0xe6, 1, 20, 0, 3, 2, 18, 0x1b, 0xff
    call wait_irq
    call results
    xor si, si
    mov di, 0x800
    mov cx, 256
    push ds
    push es
    pop ds
    repe cmpsw
    pop ds
    setz al
    CHECK_B "write: read back", al, 1
    ret

; head 0's last sector and head 1's first in one command
multi_track:
    mov al, 40
    call seek
    xor di, di
.byte:
    mov ax, di
    add al, 3
    stosb
    cmp di, 1024
    jb .byte
    DMA DMA_TO_DISK, 0, 1024
    mov word [irqs], 0
    SEND 0xc5, 1, 40, 0, 18, 2, 18, 0x1b, 0xff
    call wait_irq
    CHECK_CF "multi-track: interrupt", 0
    call results
    CHECK_B "multi-track: st0", byte [result], 5
    CHECK_B "multi-track: head", byte [result + 4], 1
    CHECK_B "multi-track: sector", byte [result + 5], 2
    ret

direct_format:
    mov al, 30
    call seek
    mov di, 0
    mov al, 1
.id:
    mov byte [es:di], 30
    mov byte [es:di + 1], 1
    mov [es:di + 2], al
    mov byte [es:di + 3], 2
    add di, 4
    inc al
    cmp al, 18
    jbe .id
    DMA DMA_TO_DISK, 0, 72
    mov word [irqs], 0
    SEND 0x4d, 5, 2, 18, 0x6c, 0xe5
    call wait_irq
    CHECK_CF "format: interrupt", 0
    call results
    CHECK_B "format: st0", byte [result], 5
    DMA DMA_TO_MEMORY, 0, 512
    mov word [irqs], 0
    SEND 0xe6, 5, 30, 1, 9, 2, 18, 0x1b, 0xff
    call wait_irq
    call results
    CHECK_B "format: read: st0", byte [result], 5
    CHECK "format: fill", dword [es:0], 0xe5e5e5e5
    ret

errors:
    ; no such sector
    DMA DMA_TO_MEMORY, 0, 512
    mov word [irqs], 0
    SEND 0xe6, 1, 30, 0, 40, 2, 50, 0x1b, 0xff
    call wait_irq
    CHECK_CF "no sector: interrupt", 0
    call results
    mov al, [result]
    and al, 0xc0
    CHECK_B "no sector: abnormal end", al, 0x40
    mov al, [result + 1]
    and al, 0x04
    CHECK_B "no sector: no data", al, 4
    ; an undefined command
    SEND 0x1f
    call get
    CHECK_B "invalid command", al, 0x80
    ; terminal count before the sector's end cuts the transfer, not the sector
    mov dword [es:0x100], 0x77777777
    DMA DMA_TO_MEMORY, 0, 256
    mov word [irqs], 0
    SEND 0xe6, 1, 30, 0, 1, 2, 18, 0x1b, 0xff
    call wait_irq
    call results
    CHECK_B "half a sector: st0", byte [result], 1
    CHECK "half a sector: the first part", dword [es:0xfc], 0x01010101 * ((30 * 36) & 0xff)
    CHECK "half a sector: no more", dword [es:0x100], 0x77777777
    UNHOOK 0x0e, old_irq6
    ret

END_OF_TEST
