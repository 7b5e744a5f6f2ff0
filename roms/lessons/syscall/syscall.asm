; syscall.asm: three doors into the kernel: INT 80h, SYSCALL, SYSENTER. What each saves, where each gets its stack from, and what
; happens if a kernel trusts the quick one too much. SDM Vol. 3A 5.8.7, 5.8.8, Vol. 2 SYSCALL, SYSRET, SYSENTER, SYSEXIT.

%include "flat32.inc"
%include "screen.inc"
%include "long64.inc"

MSR_SYSENTER_CS  equ 0x174
MSR_SYSENTER_ESP equ 0x175
MSR_SYSENTER_EIP equ 0x176
MSR_STAR         equ 0xc0000081 ; selectors for SYSCALL and SYSRET
MSR_LSTAR        equ 0xc0000082 ; where SYSCALL goes
MSR_SFMASK       equ 0xc0000084 ; flags that it clears

gdt:
    dq 0
    DESCRIPTOR 0, 0xfffff, CODE | RING0, FLAT          ; 08
    DESCRIPTOR 0, 0xfffff, DATA | RING0, FLAT          ; 10
    DESCRIPTOR 0, 0xfffff, CODE | RING0, BITS64        ; 18: the order from here on is what SYSCALL and SYSENTER expect
    DESCRIPTOR 0, 0xfffff, DATA | RING0, FLAT          ; 20
    DESCRIPTOR 0, 0xfffff, CODE | RING3, FLAT          ; 28: 32-bit programs, if there were any
    DESCRIPTOR 0, 0xfffff, DATA | RING3, FLAT          ; 30
    DESCRIPTOR 0, 0xfffff, CODE | RING3, BITS64        ; 38
    DESCRIPTOR 0, 0xfffff, DATA | RING3, FLAT          ; 40
    DESCRIPTOR TSS, 103, TSS32 | RING0, SYSTEM         ; 48: 16 bytes in 64-bit mode
    dq 0
gdt_end:
USER_CODE equ 0x38 | 3
USER_DATA equ 0x40 | 3

STACK_INT      equ STACK_TRAP   ; tops of stacks, one for each door
STACK_SYSCALL  equ 0x6800
STACK_SYSENTER equ 0x7000
STACK_IST1     equ 0x7800

LAST_PAGE equ 0x00007ffffffff000 ; the last page below the hole of addresses that do not exist

    bits 64
main64:
    mov dword [TSS + 4], STACK_INT      ; RSP0: the stack for everything that comes in by the IDT
    mov dword [TSS + 36], STACK_IST1    ; IST1: a stack for gates that name it
    mov word [TSS + 102], 104
    mov ax, 0x48
    ltr ax
    GATE64 0x80, door_int, INTERRUPT_GATE | RING3, 0
    GATE64 14, door_pf, INTERRUPT_GATE, 0
    GATE64 13, door_gp, INTERRUPT_GATE, 0       ; @gate
    WRITE_MSR MSR_STAR, 0, 0x28 << 16 | KERNEL_CODE64
    WRITE_MSR MSR_LSTAR, door_syscall, 0
    WRITE_MSR MSR_SFMASK, FL_IF, 0
    WRITE_MSR MSR_SYSENTER_CS, KERNEL_CODE64, 0
    WRITE_MSR MSR_SYSENTER_ESP, STACK_SYSENTER, 0
    WRITE_MSR MSR_SYSENTER_EIP, door_sysenter, 0
    call map_last_page
    AT 0, 0
    TEXT64 WHITE, "Lesson 12: INT, SYSCALL, SYSENTER"
    push qword USER_DATA                ; to ring 3
    push qword user_page + 0x1000       ; its stack: the end of its page
    push qword 2
    push qword USER_CODE
    push qword user_page
    iretq

; the program's page once more, at the end of the lower half of all addresses
map_last_page:
    mov edi, LAST_TABLES
    mov ecx, 3 * 1024
    xor eax, eax
    rep stosd
    mov dword [PML4 + 255 * 8], LAST_TABLES | 7
    mov dword [LAST_TABLES + 511 * 8], (LAST_TABLES + 0x1000) | 7
    mov dword [LAST_TABLES + 0x1000 + 511 * 8], (LAST_TABLES + 0x2000) | 7
    mov dword [LAST_TABLES + 0x2000 + 511 * 8], user_page + 7
    ret
LAST_TABLES equ 0x84000

; ---- INT 80h: through the IDT, as any interrupt
door_int:
    mov rbx, rsp
    AT 2, 0
    TEXT64 YELLOW, "INT 80h "
    TEXT64 GREY, " RSP="
    HEX64 WHITE, rbx, 8
    TEXT64 GREY, ": the stack of TSS.RSP0. On it:"
    AT 3, 9
    TEXT64 GREY, "RIP="
    HEX64 WHITE, [rbx], 8
    TEXT64 GREY, " CS="
    HEX64 WHITE, [rbx + 8], 4
    TEXT64 GREY, " RFLAGS="
    HEX64 WHITE, [rbx + 16], 4
    TEXT64 GREY, " RSP="
    HEX64 WHITE, [rbx + 24], 8
    TEXT64 GREY, " SS="
    HEX64 WHITE, [rbx + 32], 4
    iretq

; ---- SYSCALL: RCX the way back, R11 the flags; nothing else is saved, no memory is touched
door_syscall:
    mov [user_rsp], rsp                 ; first of all: this is still the program's stack
    mov esp, STACK_SYSCALL
    bts dword [shown], 0                ; the second time, everything is on the screen already
    jc .out
    AT 5, 0
    TEXT64 YELLOW, "SYSCALL "
    TEXT64 GREY, " RSP="
    HEX64 WHITE, [user_rsp], 8
    TEXT64 GREY, ": the program's own! Saved in registers only:"
    AT 6, 9
    TEXT64 GREY, "RCX="
    HEX64 WHITE, rcx, 12
    TEXT64 GREY, " (RIP) R11="
    HEX64 WHITE, r11, 4
    TEXT64 GREY, " (RFLAGS)"
.out:
    mov rsp, [user_rsp]                 ; the program's stack again, and out
leave_syscall:
    o64 sysret

; ---- SYSENTER: saves nothing at all
door_sysenter:
    mov rbx, rsp
    AT 8, 0
    TEXT64 YELLOW, "SYSENTER"
    TEXT64 GREY, " RSP="
    HEX64 WHITE, rbx, 8
    TEXT64 GREY, ": from an MSR. Nothing is saved; by agreement:"
    AT 9, 9
    TEXT64 GREY, "RDX="
    HEX64 WHITE, rdx, 8
    TEXT64 GREY, " (RIP) RCX="
    HEX64 WHITE, rcx, 8
    TEXT64 GREY, " (RSP)"
    o64 sysexit

; ---- the program wrote to the kernel's memory: shown, and on behind it
door_pf:
    mov rbx, rsp
    AT 12, 0
    TEXT64 YELLOW, "program  "
    TEXT64 GREY, "MOV [uid], 0: #PF, error code "
    HEX64 RED, [rbx], 4
    TEXT64 GREY, ". uid = "
    HEX64 WHITE, [uid], 4
    add rsp, 8
    mov qword [rsp], user_page + (program_behind - program)
    iretq

; ---- a #GP in ring 0
door_gp:
    mov [gp_rsp], rsp
    mov rax, [rsp + 8]
    mov rbx, [rsp + 16]
    mov esp, STACK_SYSENTER
    AT 14, 0
    TEXT64 YELLOW, "SYSRET  "
    TEXT64 GREY, " #GP in ring "
    and ebx, 3
    HEX64 RED, rbx, 1
    TEXT64 GREY, " at RIP="
    HEX64 WHITE, rax, 8
    TEXT64 GREY, "; the frame went to RSP="
    HEX64 WHITE, [gp_rsp], 8
    AT 15, 9
    TEXT64 GREY, "uid = "
    HEX64 RED, [uid], 4
    TEXT64 GREY, " (0 would be root)"
end:
    jmp the_end

    align 16, db 0
user_rsp: dq 0
gp_rsp: dq 0
uid: dq 0x1000                  ; whose process this is. 0 would be root
others: times 5 dq 0            ; what else the kernel knows of it
shown: dd 0

; ---- the program, ring 3, in a page of its own
    times (0x1000 - (($ - $$ + 0x7c00) & 0xfff)) & 0xfff db 0
user_page:
program:
before_int:
    int 0x80
before_syscall:
    syscall
    mov rcx, rsp
    lea rdx, [rel sysenter_return]
sysenter_call:
    sysenter
sysenter_return:
    mov qword [uid], 0
program_behind:
before_trick:
    mov rsp, uid + 6 * 8        ; six words below this: uid
    mov rax, LAST_PAGE + 0xffe
    jmp rax                     ; to the SYSCALL at the very end of this page, by its other address
    times 0xffe - ($ - program) db 0x90
    syscall                     ; the instruction behind it would be at 0000800000000000h, and there is no such address
