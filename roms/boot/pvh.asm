; pvh.asm: boots an ELF kernel through its PVH entry point from fw_cfg.
;
; Document: Xen's docs/misc/pvh.pandoc and public/arch-x86/hvm/start_info.h (x86/HVM direct boot ABI). The host side
; gives the loaded image (KERNEL), its entry, the ramdisk (INITRD) and start_info with command line and module list
; (SETUP); here the ramdisk is placed, and the memory map and the address of the RSDP are added.
%include "boot.inc"

INFO_MODLIST_PADDR  equ 16
INFO_RSDP_PADDR     equ 32
INFO_MEMMAP_PADDR   equ 40
INFO_MEMMAP_ENTRIES equ 48

RSDP_FROM equ 0xe0000

    ROM_START 'PVH kernel'

    LOAD FW_CFG_SETUP_ADDR, FW_CFG_SETUP_SIZE, FW_CFG_SETUP_DATA
    mov ebx, edi                ; start_info
    add edi, ecx
    add edi, 7
    and edi, ~7
    mov [ebx + INFO_MEMMAP_PADDR], edi
    call put_map
    call find_rsdp

    push ebx
    LOAD FW_CFG_KERNEL_ADDR, FW_CFG_KERNEL_SIZE, FW_CFG_KERNEL_DATA
    mov edx, edi
    add edx, ecx                ; the image's end
    pop ebx
    mov eax, FW_CFG_INITRD_SIZE
    call read_number
    mov ecx, eax
    jecxz .start
    mov eax, FW_CFG_INITRD_ADDR
    call read_number
    push ebx
    mov ebx, edx
    call place_below
    pop ebx
    mov si, no_room
    jc fail
    mov edi, eax
    mov eax, [ebx + INFO_MODLIST_PADDR]
    mov [eax], edi
    mov eax, FW_CFG_INITRD_DATA
    call read_item
.start:
    mov eax, FW_CFG_KERNEL_ENTRY
    call read_number
    mov edi, eax
    xor eax, eax
    jmp enter_protected

; Each entry: as E820h gives it, then four reserved bytes.
put_map:
    mov si, E820_MAP
    movzx edx, word [E820_COUNT]
    mov [ebx + INFO_MEMMAP_ENTRIES], edx
    xor eax, eax
.next:
    test dx, dx
    jz .done
    mov cx, E820_SIZE / 4
.word:
    mov ebp, [si]
    mov [edi], ebp
    add si, 4
    add edi, 4
    dec cx
    jnz .word
    mov [edi], eax
    add edi, 4
    dec dx
    jmp .next
.done:
    ret

; ACPI: the RSDP lies on a 16-byte boundary between E0000h and FFFFFh.
find_rsdp:
    mov ax, RSDP_FROM >> 4
.next:
    mov fs, ax
    cmp dword [fs:0], 'RSD '
    jne .skip
    cmp dword [fs:4], 'PTR '
    jne .skip
    movzx eax, ax
    shl eax, 4
    mov [ebx + INFO_RSDP_PADDR], eax
    ret
.skip:
    inc ax
    jnz .next                   ; wraps past FFFFh
    ret

    BOOT_ROUTINES
    PLACEMENT_ROUTINE
    PROTECTED_MODE_ROUTINE
    ROM_END
