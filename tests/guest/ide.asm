; ide.asm: the first hard disk by INT 13h, by PIO and by bus-master DMA. ATA/ATAPI-6; 82371SB data sheet 2.7 (bus master).
; scratch.py makes the disk (20 cylinders, 16 heads, 63 sectors) and looks at it afterwards.
;
; What is to be written: run n at LBA 100 (1 sector), 200 (8), 300 (4), 400 (16), 500 (2), byte i of sector k is
; i + 3k + 11h(n + 1).

%include "guest16.inc"

SECTORS equ 20 * 16 * 63
BUFFER_SEG equ 0x2000
DATA equ 0x1f0
ERROR equ 0x1f1
COUNT equ 0x1f2
LBA0 equ 0x1f3
LBA1 equ 0x1f4
LBA2 equ 0x1f5
DEVICE equ 0x1f6
STATUS equ 0x1f7
CONTROL equ 0x3f6

test:
    push word BUFFER_SEG
    pop es
    call bios
    HOOK 0x76, irq14, old_irq
    in al, 0xa1
    and al, 0xbf
    out 0xa1, al
    call identify
    call pio
    call multiple
    call errors
    call find_bus_master
    call dma
    call wide
    call soft_reset
    UNHOOK 0x76, old_irq
    ret

%macro OUTB 2
    mov dx, %1
    mov al, %2
    out dx, al
%endmacro

irq14:
    push ax
    push dx
    inc word [cs:irqs]
    mov dx, STATUS
    in al, dx
    mov [cs:irq_status], al
    mov al, 0x20
    out 0xa0, al
    out 0x20, al
    pop dx
    pop ax
    iret
    [section .data]
    align 4, db 0
old_irq: dd 0
irqs: dw 0
irq_status: db 0
    __SECT__

; until BSY is clear; AL: the status
not_busy:
    push ecx
    mov ecx, 3000000
    mov dx, CONTROL
.wait:
    in al, dx
    test al, 0x80
    jz .done
    a32 loop .wait
.done:
    pop ecx
    ret
; waits for an interrupt; carry: none
wait_irq:
    push ecx
    mov ecx, 3000000
.wait:
    in al, 0x80
    cmp word [irqs], 0
    jne .came
    a32 loop .wait
    stc
    jmp .end
.came:
    mov word [irqs], 0
    clc
.end:
    pop ecx
    ret
; LBA in EAX, sectors in CL, command in CH
command:
    push eax
    call not_busy
    pop eax
    push eax
    mov ebx, eax
    shr eax, 24
    and al, 15
    or al, 0xe0
    mov dx, DEVICE
    out dx, al
    OUTB COUNT, cl
    OUTB LBA0, bl
    OUTB LBA1, bh
    shr ebx, 16
    OUTB LBA2, bl
    mov word [irqs], 0
    OUTB STATUS, ch
    pop eax
    ret
%macro COMMAND 3
    mov eax, %2
    mov cx, (%1) << 8 | (%3)
    call command
%endmacro
; CX sectors, run number DL, to ES:DI
fill:
    pushad
    mov al, dl
    inc al
    mov ah, 0x11
    mul ah
    mov dl, al
.sector:
    push cx
    xor bx, bx
.byte:
    mov al, bl
    add al, dl
    stosb
    inc bx
    cmp bx, 512
    jb .byte
    add dl, 3
    pop cx
    loop .sector
    popad
    ret
; CX bytes at ES:0 and ES:8000: AL = 1 if equal
same:
    push ds
    push es
    pop ds
    xor si, si
    mov di, 0x8000
    repe cmpsb
    pop ds
    sete al
    ret

bios:
    mov ah, 8
    mov dl, 0x80
    push es
    int 0x13
    pop es
    CHECK_CF "int 13h 8", 0
    CHECK_B "int 13h 8: heads", dh, 15
    and cl, 63
    CHECK_B "int 13h 8: sectors", cl, 63
    mov ax, 0x0201
    mov cx, 1 << 8 | 5
    mov dx, 0x0280
    xor bx, bx
    int 0x13
    CHECK_CF "int 13h 2", 0
    CHECK "int 13h 2: bytes", dword [es:0], 0x01010101 * ((1 * 1008 + 2 * 63 + 4) & 0xff)
    mov ah, 0x41
    mov bx, 0x55aa
    mov dl, 0x80
    int 0x13
    CHECK_W "int 13h 41h", bx, 0xaa55
    mov ah, 0x42
    mov dl, 0x80
    mov si, .packet
    int 0x13
    CHECK_CF "int 13h 42h", 0
    CHECK "int 13h 42h: bytes", dword [es:512 + 4], 0x01010101 * (1235 & 0xff)
    ret
    [section .data]
    align 4, db 0
.packet: dw 16, 2, 0, BUFFER_SEG
    dq 1234
    __SECT__

identify:
    mov word [irqs], 0
    OUTB CONTROL, 0
    COMMAND 0xec, 0, 0
    call wait_irq
    CHECK_CF "identify: interrupt", 0
    mov al, [irq_status]
    and al, 0x89
    CHECK_B "identify: DRQ", al, 8
    xor di, di
    mov cx, 256
    mov dx, DATA
    rep insw
    CHECK_W "identify: cylinders", word [es:2], 20
    CHECK_W "identify: heads", word [es:6], 16
    CHECK_W "identify: sectors per track", word [es:12], 63
    CHECK "identify: LBA sectors", dword [es:120], SECTORS
    mov ax, [es:98]
    and ax, 0x300
    CHECK_W "identify: LBA and DMA", ax, 0x300
    call not_busy
    and al, 8
    CHECK_B "identify: DRQ gone", al, 0
    ret

pio:
    ; one sector
    mov cx, 1
    mov dl, 0
    xor di, di
    call fill
    COMMAND 0x30, 100, 1
    call not_busy
    and al, 8
    CHECK_B "write: DRQ, no interrupt for the first", al, 8
    CHECK_W "write: irqs", word [irqs], 0
    xor si, si
    mov cx, 256
    mov dx, DATA
    es rep outsw
    call wait_irq
    CHECK_CF "write: interrupt at the end", 0
    mov al, [irq_status]
    and al, 0x89
    CHECK_B "write: status", al, 0
    ; eight: an interrupt for each
    mov cx, 8
    mov dl, 1
    xor di, di
    call fill
    COMMAND 0x30, 200, 8
    xor si, si
    mov bp, 8
.write:
    call not_busy
    mov cx, 256
    mov dx, DATA
    es rep outsw
    call wait_irq
    jc .end
    dec bp
    jnz .write
.end:
    CHECK_W "write 8: eight interrupts", bp, 0
    COMMAND 0x20, 200, 8
    mov di, 0x8000
    mov bp, 8
.read:
    call wait_irq
    jc .end2
    mov cx, 128
    mov dx, DATA
    rep insd
    dec bp
    jnz .read
.end2:
    CHECK_W "read 8: eight interrupts", bp, 0
    mov cx, 8 * 512
    call same
    CHECK_B "read 8: as written", al, 1
    mov dx, LBA0
    in al, dx
    CHECK_B "read 8: last LBA", al, 207
    mov dx, COUNT
    in al, dx
    CHECK_B "read 8: count is 0", al, 0
    ; by cylinder, head, sector
    call not_busy
    OUTB DEVICE, 0xa3
    OUTB COUNT, 1
    OUTB LBA0, 7
    OUTB LBA1, 2
    OUTB LBA2, 0
    mov word [irqs], 0
    OUTB STATUS, 0x20
    call wait_irq
    CHECK_CF "chs read: interrupt", 0
    xor di, di
    mov cx, 256
    mov dx, DATA
    rep insw
    CHECK "chs read", dword [es:0], 0x01010101 * ((2 * 1008 + 3 * 63 + 6) & 0xff)
    ; with interrupts off
    OUTB CONTROL, 2
    COMMAND 0x20, 1000, 1
    call not_busy
    and al, 0x89
    CHECK_B "nIEN: DRQ", al, 8
    xor di, di
    mov cx, 256
    mov dx, DATA
    rep insw
    CHECK "nIEN: data", dword [es:0], 0x01010101 * (1000 & 0xff)
    CHECK_W "nIEN: no interrupt", word [irqs], 0
    OUTB CONTROL, 0
    ; 256 sectors are count 0
    COMMAND 0x20, 2000, 0
    mov bp, 256
.many:
    call wait_irq
    jc .end3
    xor di, di
    mov cx, 256
    mov dx, DATA
    rep insw
    dec bp
    jnz .many
.end3:
    CHECK_W "count 0: 256 sectors", bp, 0
    CHECK "count 0: the last", dword [es:0], 0x01010101 * (2255 & 0xff)
    ret

multiple:
    COMMAND 0xc6, 0, 4
    call wait_irq
    mov al, [irq_status]
    and al, 0x81
    CHECK_B "set multiple 4", al, 0
    mov cx, 4
    mov dl, 2
    xor di, di
    call fill
    COMMAND 0xc5, 300, 4
    call not_busy
    xor si, si
    mov cx, 4 * 256
    mov dx, DATA
    es rep outsw
    call wait_irq
    CHECK_CF "write multiple: one interrupt", 0
    CHECK_W "write multiple: no more", word [irqs], 0
    COMMAND 0xc4, 300, 4
    call wait_irq
    mov di, 0x8000
    mov cx, 4 * 256
    mov dx, DATA
    rep insw
    CHECK_W "read multiple: one interrupt", word [irqs], 0
    mov cx, 4 * 512
    call same
    CHECK_B "read multiple: as written", al, 1
    ret

errors:
    COMMAND 0x20, SECTORS, 1
    call wait_irq
    mov al, [irq_status]
    and al, 0x89
    CHECK_B "beyond the end: ERR, no DRQ", al, 1
    mov dx, ERROR
    in al, dx
    and al, 0x14
    setnz al
    CHECK_B "beyond the end: IDNF or ABRT", al, 1
    COMMAND 0x08 + 0xa0, 0, 0
    call wait_irq
    mov al, [irq_status]
    and al, 1
    CHECK_B "unknown command: ERR", al, 1
    mov dx, ERROR
    in al, dx
    and al, 4
    CHECK_B "unknown command: ABRT", al, 4
    COMMAND 0xe7, 0, 0
    call wait_irq
    mov al, [irq_status]
    and al, 0x89
    CHECK_B "flush", al, 0
    ret

; ---- bus master: PIIX3 function 1, BAR 4
find_bus_master:
    mov eax, 0x80000920
    mov dx, 0xcf8
    out dx, eax
    mov dx, 0xcfc
    in eax, dx
    and ax, 0xfffc
    mov [bm], ax
    mov eax, 0x80000904
    mov dx, 0xcf8
    out dx, eax
    mov dx, 0xcfc
    in ax, dx
    or al, 5
    out dx, ax
    ret
    [section .data]
    align 4, db 0
bm: dw 0
    align 4, db 0
prd: times 8 dd 0
    __SECT__

; starts the transfer of the command in EAX, CX (as COMMAND); BP = 8: to memory, 0: to disk. Waits for its end.
transfer:
    push eax
    push cx
    mov dx, [bm]
    mov ax, bp
    out dx, al
    add dx, 2
    in al, dx
    or al, 6
    out dx, al
    add dx, 2
    mov eax, prd
    out dx, eax
    pop cx
    pop eax
    call command
    mov dx, [bm]
    mov ax, bp
    or al, 1
    out dx, al
    call wait_irq
    mov dx, [bm]
    mov al, 0
    out dx, al
    add dx, 2
    in al, dx
    and al, 7
    ret

dma:
    ; three pieces of odd sizes to disk
    mov cx, 16
    mov dl, 3
    xor di, di
    call fill
    mov dword [prd], BUFFER_SEG * 16
    mov dword [prd + 4], 1000
    mov dword [prd + 8], BUFFER_SEG * 16 + 1000
    mov dword [prd + 12], 24
    mov dword [prd + 16], BUFFER_SEG * 16 + 1024
    mov dword [prd + 20], 0x80000000 | (16 * 512 - 1024)
    mov bp, 0
    mov eax, 400
    mov cx, 0xca10
    call transfer
    CHECK_B "dma write: status", al, 4
    mov dx, STATUS
    in al, dx
    and al, 0x89
    CHECK_B "dma write: device", al, 0
    ; and back elsewhere
    mov dword [prd], BUFFER_SEG * 16 + 0x8000
    mov dword [prd + 4], 0x80000000 | 16 * 512
    mov bp, 8
    mov eax, 400
    mov cx, 0xc810
    call transfer
    CHECK_B "dma read: status", al, 4
    mov cx, 16 * 512
    call same
    CHECK_B "dma read: as written", al, 1
    ; a table that is longer than the transfer: the engine stays active (data sheet: interrupt 1, active 1)
    mov dword [prd], BUFFER_SEG * 16 + 0x8000
    mov dword [prd + 4], 0x80000000 | 4096
    mov bp, 8
    mov eax, 400
    mov cx, 0xc801
    call transfer_keep
    CHECK_B "dma: table longer than the transfer", al, 5
    mov dx, [bm]
    mov al, 0
    out dx, al
    ; 64 KB in one descriptor of size 0
    mov dword [prd], 0x40000
    mov dword [prd + 4], 0x80000000
    mov bp, 8
    mov eax, 3000
    mov cx, 0xc880
    call transfer
    CHECK_B "dma: size 0 is 64 KB", al, 4
    push word 0x4000
    pop fs
    CHECK "dma: 64 KB: first", dword [fs:0], 0x01010101 * (3000 & 0xff)
    CHECK "dma: 64 KB: last", dword [fs:0xfffc], 0x01010101 * (3127 & 0xff)
    ret
; the same as transfer, but looks before it stops the engine
transfer_keep:
    push eax
    push cx
    mov dx, [bm]
    mov ax, bp
    out dx, al
    add dx, 2
    in al, dx
    or al, 6
    out dx, al
    add dx, 2
    mov eax, prd
    out dx, eax
    pop cx
    pop eax
    call command
    mov dx, [bm]
    mov ax, bp
    or al, 1
    out dx, al
    call wait_irq
    mov dx, [bm]
    add dx, 2
    in al, dx
    and al, 7
    ret

; ---- LBA48
wide:
    mov cx, 2
    mov dl, 4
    xor di, di
    call fill
    call not_busy
    OUTB DEVICE, 0xe0
    OUTB COUNT, 0
    OUTB COUNT, 2
    OUTB LBA0, 0
    OUTB LBA0, 500 & 0xff
    OUTB LBA1, 0
    OUTB LBA1, 500 >> 8
    OUTB LBA2, 0
    OUTB LBA2, 0
    mov word [irqs], 0
    OUTB STATUS, 0x34
    xor si, si
    mov bp, 2
.write:
    call not_busy
    mov cx, 256
    mov dx, DATA
    es rep outsw
    call wait_irq
    dec bp
    jnz .write
    mov al, [irq_status]
    and al, 0x89
    CHECK_B "write ext: status", al, 0
    COMMAND 0x20, 501, 1
    call wait_irq
    xor di, di
    mov cx, 256
    mov dx, DATA
    rep insw
    CHECK_B "write ext: second sector", byte [es:0], 0x58
    OUTB CONTROL, 0x80          ; the high halves
    mov dx, LBA0
    in al, dx
    OUTB CONTROL, 0
    ; NATIVE MAX ADDRESS
    COMMAND 0xf8, 0, 0
    call wait_irq
    mov dx, LBA0
    in al, dx
    CHECK_B "native max address: low byte", al, (SECTORS - 1) & 0xff
    ret

soft_reset:
    OUTB CONTROL, 4
    mov cx, 100
.wait:
    in al, 0x80
    loop .wait
    OUTB CONTROL, 0
    call not_busy
    mov dx, ERROR
    in al, dx
    CHECK_B "soft reset: diagnostic code", al, 1
    mov dx, COUNT
    in al, dx
    CHECK_B "soft reset: signature, count", al, 1
    mov dx, LBA1
    in al, dx
    CHECK_B "soft reset: signature, cylinder", al, 0
    mov ah, 0
    mov dl, 0x80
    int 0x13
    CHECK_CF "int 13h 0 afterwards", 0
    mov ax, 0x0201
    mov cx, 1
    mov dx, 0x0080
    xor bx, bx
    int 0x13
    CHECK_CF "int 13h 2 afterwards", 0
    ret

END_OF_TEST
