; multiboot.asm: boots a Multiboot kernel from fw_cfg.
;
; Document: Multiboot Specification 0.6.96, chapters 3.2 (machine state) and 3.3 (information structure). The host side
; gives one image with the modules behind it (KERNEL), its entry, and the information structure with its strings
; (INITRD); here the memory map is added, right behind that structure.
%include "boot.inc"

BOOTLOADER_MAGIC equ 0x2badb002

INFO_MEMORY   equ 1 << 0
INFO_MMAP     equ 1 << 6
MBI_FLAGS     equ 0
MBI_MEM_LOWER equ 4
MBI_MEM_UPPER equ 8
MBI_MMAP_LEN  equ 44
MBI_MMAP_ADDR equ 48

    ROM_START 'Multiboot kernel'

    LOAD FW_CFG_INITRD_ADDR, FW_CFG_INITRD_SIZE, FW_CFG_INITRD_DATA
    mov ebx, edi                ; the information structure
    add edi, ecx
    add edi, 3
    and edi, ~3
    or dword [ebx + MBI_FLAGS], INFO_MEMORY | INFO_MMAP
    mov [ebx + MBI_MMAP_ADDR], edi
    call put_map
    call measure_memory

    push ebx
    LOAD FW_CFG_KERNEL_ADDR, FW_CFG_KERNEL_SIZE, FW_CFG_KERNEL_DATA
    mov eax, FW_CFG_KERNEL_ENTRY
    call read_number
    mov edi, eax
    pop ebx
    mov eax, BOOTLOADER_MAGIC
    jmp enter_protected

; Each entry: its size without this field, then as E820h gives it.
put_map:
    mov si, E820_MAP
    mov dx, [E820_COUNT]
.next:
    test dx, dx
    jz .done
    mov dword [edi], E820_SIZE
    add edi, 4
    mov cx, E820_SIZE / 4
    rep movsd
    dec dx
    jmp .next
.done:
    sub edi, [ebx + MBI_MMAP_ADDR]
    mov [ebx + MBI_MMAP_LEN], edi
    ret

; KiB below 1 MiB, and from there on up to the first hole.
measure_memory:
    xor eax, eax
    int 0x12
    movzx eax, ax
    mov [ebx + MBI_MEM_LOWER], eax
    mov si, E820_MAP
    mov dx, [E820_COUNT]
.next:
    test dx, dx
    jz .done
    cmp dword [si + 16], E820_RAM
    jne .skip
    cmp dword [si + 4], 0
    jne .skip
    cmp dword [si], 0x100000
    ja .skip
    mov eax, [si]
    add eax, [si + 8]
    jc .beyond
    cmp dword [si + 12], 0
    je .known
.beyond:
    mov eax, 0xfffff000
.known:
    sub eax, 0x100000
    jbe .skip
    shr eax, 10
    mov [ebx + MBI_MEM_UPPER], eax
.skip:
    add si, E820_SIZE
    dec dx
    jmp .next
.done:
    ret

    BOOT_ROUTINES
    PROTECTED_MODE_ROUTINE
    ROM_END
