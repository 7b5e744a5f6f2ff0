; gdb_boot.asm: a boot sector for gdb_test.py. Real mode with CS 0; with CS 7C0h; then 32-bit code. Places are fixed, for the test to name.
bits 16
org 0x7c00
    xor ax, ax
    mov ds, ax
    mov ss, ax
    mov sp, 0x7c00
    mov cx, 5
sum:                    ; 7c0c
    add ax, cx
    call store
    loop sum
    jmp 0x07c0:0x80

    times 0x40 - ($ - $$) nop
store:                  ; 7c40
    mov [0x600], ax     ; 5, 9, 12, 14, 15
    ret

    times 0x80 - ($ - $$) nop
elsewhere:              ; 7c80, by 07c0:0080
    inc bx
    cli
    lgdt [gdtr]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp dword 8:flat

    times 0xc0 - ($ - $$) nop
bits 32
flat:                   ; 7cc0
    mov ax, 16
    mov ds, ax
    mov dword [0x604], 0x12345678
    inc dword [0x604]
here:
    inc ecx
    jmp here

    align 8
gdt:
    dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdtr:
    dw gdtr - gdt - 1
    dd gdt

    times 510 - ($ - $$) db 0
    dw 0xaa55
