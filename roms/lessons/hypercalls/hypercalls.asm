; hypercalls.asm: a kernel in ring 1 reads the same sectors of the same disk in three ways: word by word through the controller's
; ports, by DMA, and by asking the hypervisor. Each time the hypervisor counts how often it was entered.

%define HYPERVISOR
%include "flat32.inc"
%include "kernel_screen.inc"

BUFFER equ 0x1000               ; 8 sectors
PRD    equ 0x2000               ; what the DMA engine reads: address and size of the buffer

; the disk controller's ports (ATA/ATAPI-6; PIIX3 data sheet 2.7: bus master)
WORDS   equ 0x1f0
COUNT   equ 0x1f2
LBA0    equ 0x1f3
LBA1    equ 0x1f4
LBA2    equ 0x1f5
DEVICE  equ 0x1f6
COMMAND equ 0x1f7               ; read: the status
CONTROL equ 0x3f6
BUS_MASTER equ 0xc000
READ_PIO equ 0x20
READ_DMA equ 0xc8

CALL_READ  equ 0x40             ; hypercalls: EAX the first sector, ECX how many, EDI where to
CALL_TAKE  equ 0x41             ; EAX: how often the hypervisor was entered since the last time
CALL_END   equ 0x42

%macro OUT_PORT 2
    mov al, %2
    mov dx, %1
    out dx, al
%endmacro

; COUNTED where: the entries of all that is done between START and here
%macro START 0
    int CALL_TAKE
%endmacro
%macro COUNTED 1
    int CALL_TAKE
    mov [%1], eax
%endmacro

; ECX times four bytes from port DX to EDI
%macro FETCH 0
%%next:
    in eax, dx
    stosd
    loop %%next
%endmacro

kernel:
    KAT 0, 0
    KTEXT 0x0f, "Lesson 14: three ways to a disk"
    lidt [kernel_idtr]
    mov al, 0xfb                ; the disk's interrupt is line 6 of the second controller, which is line 2 of the first
    out 0x21, al
    mov al, 0xbf
    out 0xa1, al
    cli

by_ports:
    mov ecx, 1
    START
    call read_ports
    COUNTED counts.ports1
    KAT 2, 0
    KTEXT 0x0e, "ports"
    call show_buffer
by_ports8:
    mov ecx, 8
    START
    call read_ports
    COUNTED counts.ports8

by_dma:
    mov ecx, 1
    START
    call read_dma
    COUNTED counts.dma1
    KAT 3, 0
    KTEXT 0x0e, "DMA"
    call show_buffer
by_dma8:
    mov ecx, 8
    START
    call read_dma
    COUNTED counts.dma8

by_call:
    mov ecx, 1
    START
    xor eax, eax
    mov edi, BUFFER
ask:
    int CALL_READ
    COUNTED counts.call1
    KAT 4, 0
    KTEXT 0x0e, "hypercall"
    call show_buffer
by_call8:
    mov ecx, 8
    START
    xor eax, eax
    mov edi, BUFFER
    int CALL_READ
    COUNTED counts.call8
counted:
    int CALL_END

; ---- the disk, as any kernel drives it. ECX: sectors, from the first on
read_ports:
    mov ah, READ_PIO
    call command
.sector:
    call wait_disk
    push ecx
    mov edi, BUFFER
    mov ecx, 512 / 4
    mov dx, WORDS
    FETCH                       ; @fetch
    pop ecx
    loop .sector
    ret

read_dma:
    mov dword [PRD], BUFFER
    mov eax, ecx
    shl eax, 9
    or eax, 1 << 31             ; the table's last entry
    mov [PRD + 4], eax
    mov eax, PRD
    mov dx, BUS_MASTER + 4
    out dx, eax
    OUT_PORT BUS_MASTER + 2, 6  ; forget earlier errors and interrupts
    OUT_PORT BUS_MASTER, 8      ; to memory
    mov ah, READ_DMA
    call command
    OUT_PORT BUS_MASTER, 9      ; and go
    call wait_disk
    OUT_PORT BUS_MASTER, 0
    ret

; AH: what the disk is to do
command:
    OUT_PORT DEVICE, 0xe0
    OUT_PORT COUNT, cl
    OUT_PORT LBA0, 0
    OUT_PORT LBA1, 0
    OUT_PORT LBA2, 0
    OUT_PORT COMMAND, ah
    ret

; until the disk's interrupt has come
wait_disk:
    cmp dword [disk_done], 0
    jne .done
    sti
    hlt
    cli
    jmp wait_disk
.done:
    mov dword [disk_done], 0
    ret

on_disk:
    push eax
    push edx
    mov dx, COMMAND
    in al, dx                   ; reading the status takes the interrupt back
    OUT_PORT 0xa0, 0x20         ; both controllers: it has been dealt with
    OUT_PORT 0x20, 0x20
    inc dword [disk_done]
    pop edx
    pop eax
    iretd

; the first letters of what was read
show_buffer:
    mov dword [kernel_cursor], 0
    mov esi, BUFFER
    mov ecx, 48
    mov eax, [.line]
    mov [kernel_cursor], eax
    add dword [.line], 160
    mov ah, 0x07
.next:
    lodsb
    call kernel_letter
    loop .next
    xor eax, eax                ; so that the next one cannot show what was here
    mov edi, BUFFER
    mov ecx, 512 / 4
    rep stosd
    ret
.line: dd (2 * 80 + 12) * 2

disk_done: dd 0
counts:
.ports1: dd 0
.ports8: dd 0
.dma1:  dd 0
.dma8:  dd 0
.call1: dd 0
.call8: dd 0
kernel_idtr:
    dw 0x2f * 8 - 1
    dd kernel_idt
    align 8, db 0
kernel_idt:
    times 0x2e dq 0
    dw ADDR(on_disk) & 0xffff, 8, INTERRUPT_GATE << 8, ADDR(on_disk) >> 16

; ---- the hypervisor, ring 0
%include "hypervisor.inc"

hypervisor_ready:
    call init_controllers
    mov eax, 0x80000920         ; PCI bus 0, device 1, function 1, register 20h: where the bus master's ports are
    mov ebx, BUS_MASTER | 1
    call write_pci
    mov eax, 0x80000904         ; register 04h: answers at ports, masters the bus
    mov ebx, 5
    call write_pci
    mov eax, 0x80000940         ; register 40h: both channels on (PIIX3 data sheet, IDETIM)
    mov ebx, 0x80008000
    call write_pci
    ENTRY_GATE 0x2e, RING0
    ENTRY_GATE CALL_READ, RING1
    ENTRY_GATE CALL_TAKE, RING1
    ENTRY_GATE CALL_END, RING1
    ret

write_pci:
    mov dx, 0xcf8
    out dx, eax
    mov dx, 0xcfc
    mov eax, ebx
    out dx, eax
    ret

on_hypercall:
    mov eax, [ebp + TRAP_VECTOR]
    cmp eax, CALL_TAKE
    je take_count
    cmp eax, CALL_END
    je show_counts

; the disk for the kernel, without it: all of this is ring 0, nothing is crossed
    mov ecx, [ebp + TRAP_ECX]
    mov edi, [ebp + TRAP_EDI]
    cmp ecx, 8                  ; never trust a kernel
    ja stop_kernel
    cmp edi, hypervisor_memory - 8 * 512
    ja stop_kernel
    OUT_PORT CONTROL, 2         ; no interrupt: we look at the status
    mov ah, READ_PIO
    call command
.sector:
    mov dx, COMMAND
.busy:
    in al, dx
    and al, 0x88
    cmp al, 8                   ; not busy, and has data
    jne .busy
    push ecx
    mov ecx, 512 / 4
    mov dx, WORDS
    rep insd
    pop ecx
    loop .sector
    OUT_PORT CONTROL, 0
    ret

take_count:
    mov eax, [entries]
    dec eax                     ; without this one
    mov [ebp + TRAP_EAX], eax
    mov dword [entries], 0
    ret

; ROW line, "name", counts of 1 and 8 sectors
%macro ROW 4
    AT %1, 0
    TEXT YELLOW, %2
    AT %1, 24
    NUMBER WHITE, dword [%3]
    AT %1, 40
    NUMBER WHITE, dword [%4]
%endmacro
show_counts:
    AT 7, 0
    TEXT GREY, "entries of ring 0"
    AT 7, 24
    TEXT GREY, "1 sector"
    AT 7, 40
    TEXT GREY, "8 sectors"
    ROW 8, "ports", counts.ports1, counts.ports8
    ROW 9, "DMA", counts.dma1, counts.dma8
    ROW 10, "hypercall", counts.call1, counts.call8
    jmp machine_ends
