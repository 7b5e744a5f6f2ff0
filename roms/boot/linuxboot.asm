; linuxboot.asm: boots Linux from fw_cfg, by the Linux/x86 boot protocol's 16-bit entry.
;
; Document: Documentation/arch/x86/boot.rst. The host side (frontend/machine/boot_kernel.c) has parsed the header,
; filled in what a boot loader must, and says where setup, kernel, command line and ramdisk go. What only the running
; firmware knows is done here: the ramdisk must not lie in memory that firmware has reserved.
%include "boot.inc"

RAMDISK_IMAGE equ 0x218

    ROM_START 'Linux'

    LOAD FW_CFG_SETUP_ADDR, FW_CFG_SETUP_SIZE, FW_CFG_SETUP_DATA
    LOAD FW_CFG_CMDLINE_ADDR, FW_CFG_CMDLINE_SIZE, FW_CFG_CMDLINE_DATA
    LOAD FW_CFG_KERNEL_ADDR, FW_CFG_KERNEL_SIZE, FW_CFG_KERNEL_DATA
    lea ebx, [edi + ecx]        ; the kernel's end
    cmp ebx, 0x100000
    jae .high
    mov ebx, 0x100000
.high:
    mov eax, FW_CFG_INITRD_SIZE
    call read_number
    mov ecx, eax
    jecxz .start
    mov eax, FW_CFG_INITRD_ADDR
    call read_number
    call place_below
    mov si, no_room
    jc fail
    mov edi, eax
    push edi
    mov eax, FW_CFG_INITRD_DATA
    call read_item
    mov eax, FW_CFG_SETUP_ADDR
    call read_number
    pop edi
    shr eax, 4
    mov fs, ax
    mov [fs:RAMDISK_IMAGE], edi

; CS = real-mode segment + 20h, all data segments the real-mode segment, SP below the command line.
.start:
    mov eax, FW_CFG_SETUP_ADDR
    call read_number
    mov ebx, eax
    mov eax, FW_CFG_CMDLINE_ADDR
    call read_number
    sub eax, ebx
    sub eax, 16
    shr ebx, 4
    cli
    mov ss, bx
    mov esp, eax
    mov ds, bx
    mov es, bx
    mov fs, bx
    mov gs, bx
    add bx, 0x20
    push bx
    push word 0
    xor eax, eax
    xor ebx, ebx
    xor ecx, ecx
    xor edx, edx
    xor esi, esi
    xor edi, edi
    xor ebp, ebp
    retf

    BOOT_ROUTINES
    PLACEMENT_ROUTINE
    ROM_END
