; protected-mode.asm: from real mode to 32-bit protected mode, with a letter on the screen at each stage.

%include "lesson.inc"

SEL_CODE   equ 0x08
SEL_DATA   equ 0x10
SEL_SCREEN equ 0x18

main:
    mov ax, 0xb800              ; real mode: the segment of the text screen
    mov ds, ax
real:
    mov word [0], 0x0700 + 'R'
    lgdt [cs:gdtr]              ; where the table of segments lies
loaded:
    mov eax, cr0
    or al, CR0_PE
switch:
    mov cr0, eax                ; protection enabled
switched:
    mov word [2], 0x0700 + 'P'
written:
    jmp dword SEL_CODE:begin32

    bits 32
begin32:
    mov ax, SEL_DATA
    mov ds, ax
flat:
    mov word [0xb8004], 0x0700 + '3'
    mov ax, SEL_SCREEN
    mov es, ax
window:
    mov word [es:6], 0x0700 + 'S'
done:
    cli
    hlt

    align 8
gdt:
    dq 0                        ; selector 0 is never a segment
    DESCRIPTOR 0, 0xfffff, D_CODE, F_PAGES | F_32
    DESCRIPTOR 0, 0xfffff, D_DATA, F_PAGES | F_32
    DESCRIPTOR 0, 0x7fff, D_DATA, F_32 ; @screen
gdt_end:
gdtr:
    dw gdt_end - gdt - 1
    dd gdt
