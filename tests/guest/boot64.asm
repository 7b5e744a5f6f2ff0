; boot64.asm: a boot sector that enters long mode, takes one #UD there, writes "LONG" to the screen and halts.
;
; Tables: PML4 at 1000h, PDPT at 2000h, page directory at 3000h: linear 0-4 MiB identity, of which the second 2 MiB are
; read-only; IDT at 4000h; TSS at 5000h.
;
; nasm -f bin -o boot64.img boot64.asm

        bits 16
        org 0x7c00

        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, 0x7c00
        cld
        mov     ax, 0x0003
        int     0x10
        cli
        xor     ax, ax
        mov     di, 0x1000              ; tables: all zero
        mov     cx, 0x5000
        rep stosb
        mov     dword [0x1000], 0x2003
        mov     dword [0x2000], 0x3003
        mov     dword [0x3000], 0x00000083
        mov     dword [0x3008], 0x00200081
        mov     word [0x4060], handler  ; vector 6
        mov     dword [0x4062], 0x8e000008
        mov     eax, cr4
        or      eax, 0x20
        mov     cr4, eax
        mov     eax, 0x1000
        mov     cr3, eax
        mov     ecx, 0xc0000080
        rdmsr
        or      eax, 0x100
        wrmsr
        lgdt    [gdtr]
        lidt    [idtr]
        mov     eax, cr0
        or      eax, 0x80000001
        mov     cr0, eax
        jmp     8:entry

        bits 64
entry:   mov     ax, 0x10
        mov     ss, ax
        mov     ax, 0x18
        ltr     ax
        mov     rax, 0x1122334455667788
        mov     r15, 0xfedcba9876543210
fault:  ud2
back:   mov     edi, 0xb8000
        mov     rax, 0x0747074e074f074c      ; "LONG"
        mov     [rdi], rax
stop:   hlt
        jmp     stop

handler: mov    qword [rsp], back
        iretq

        align 8
gdt:    dq      0
        dq      0x00209a0000000000      ; 08 64-bit code
        dq      0x0000920000000000      ; 10 data
        dq      0x0000890050000067, 0   ; 18 TSS
gdtr:   dw      $ - gdt - 1
        dd      gdt
idtr:   dw      0xfff
        dd      0x4000

        times 510 - ($ - $$) db 0
        dw      0xaa55
