; task-gates.asm: one far call changes every register: a hardware task switch.
;
; Task A is the kernel, in ring 0. Task B is a program in ring 3. Each has a task-state segment (TSS), where the processor
; keeps all of its registers while another one runs. SDM Vol. 3A chapter 7.

%include "flat32.inc"
%include "screen.inc"
%include "traps.inc"

TSS_A  equ TSS                  ; three TSS of 104 bytes each
TSS_B  equ TSS + 0x100
TSS_DF equ TSS + 0x200

gdt:
    dq 0
    DESCRIPTOR 0, 0xfffff, CODE | RING0, FLAT          ; 08
    DESCRIPTOR 0, 0xfffff, DATA | RING0, FLAT          ; 10
    DESCRIPTOR 0, 0xfffff, CODE | RING3, FLAT          ; 18
    DESCRIPTOR 0, 0xfffff, DATA | RING3, FLAT          ; 20
    DESCRIPTOR TSS_A, 103, TSS32 | RING3, SYSTEM       ; 28: ring 3 may call it
    DESCRIPTOR TSS_B, 103, TSS32 | RING0, SYSTEM       ; 30
    DESCRIPTOR TSS_DF, 103, TSS32 | RING0, SYSTEM      ; 38
gate_b:
    dq 0                                            ; 40: a task gate that leads to TSS B; written below
    DESCRIPTOR 0, 0xfff, DATA | RING0, BYTES           ; 48: a stack segment of 4 KiB
gdt_end:
PROGRAM_CODE equ 0x18 | 3
PROGRAM_DATA equ 0x20 | 3
SEL_A     equ 0x28
SEL_B     equ 0x30
SEL_DF    equ 0x38
SEL_GATE  equ 0x40
SEL_SMALL equ 0x48

; offsets in a TSS
T_LINK   equ 0                  ; the task that this one was called from
T_ESP0   equ 4                  ; the stack for ring 0, if this task is interrupted in an outer ring
T_SS0    equ 8
T_CR3    equ 28
T_EIP    equ 32
T_EFLAGS equ 36
T_EAX    equ 40
T_ESP    equ 56
T_ES     equ 72
T_CS     equ 76
T_SS     equ 80
T_DS     equ 84
T_IOMAP  equ 102

; NEW_TASK tss, entry, stack, code selector, data selector: what the task will find in its registers when it first runs
%macro NEW_TASK 5
    mov dword [%1 + T_EIP], %2
    mov dword [%1 + T_EFLAGS], 2
    mov dword [%1 + T_ESP], %3
    mov dword [%1 + T_CS], %4
    mov dword [%1 + T_SS], %5
    mov dword [%1 + T_DS], %5
    mov dword [%1 + T_ES], %5
    mov word [%1 + T_IOMAP], 104        ; behind the end: no port is allowed
%endmacro

main:
    call traps_init
    mov edi, TSS
    mov ecx, 0x300 / 4
    xor eax, eax
    rep stosd
    NEW_TASK TSS_B, task_b, STACK3, PROGRAM_CODE, PROGRAM_DATA
    mov dword [TSS_B + T_EAX], 0xbbbbbbbb
    mov dword [TSS_B + T_SS0], KERNEL_DATA
    mov dword [TSS_B + T_ESP0], STACK_TRAP
    NEW_TASK TSS_DF, task_df, STACK_TRAP - 0x400, KERNEL_CODE, KERNEL_DATA
    SET_GATE gate_b, SEL_B, 0, TASK_GATE | RING0
    SET_GATE IDT + 8 * 8, SEL_DF, 0, TASK_GATE | RING0 ; @df
    mov ax, SEL_A
    ltr ax                      ; what runs now is task A; its TSS is still empty
    AT 0, 0
    TEXT WHITE, "Lesson 8: task gates"
    AT 2, 0
    TEXT CYAN, "A ring 0: EAX = AAAAAAAA, ESP = "
    HEX CYAN, esp, 8
    mov eax, 0xaaaaaaaa
before_call:
    call SEL_GATE:0             ; a call through a task gate: the offset is not used
back_in_a:
    AT 5, 0
    TEXT CYAN, "A ring 0: EAX = "
    HEX CYAN, eax, 8
    TEXT CYAN, ", ESP = "
    HEX CYAN, esp, 8
    TEXT CYAN, ": as if nothing had been"
    AT 6, 0
before_second:
    call SEL_GATE:0
    AT 10, 0
    TEXT CYAN, "A ring 0: again. Now the kernel loses its stack ..."
before_loss:
    mov ax, SEL_SMALL
    mov ss, ax                  ; this segment ends at FFFh
    mov esp, 0x2000
guilty:
    push eax
mended:
    AT 13, 0
    TEXT CYAN, "A ring 0: still alive"
end:
    ret

; ---- task B, ring 3
task_b:
in_b:
    AT 3, 0
    TEXT YELLOW, "B ring "
    mov ecx, cs
    and ecx, 3
    NUMBER YELLOW, ecx
    TEXT YELLOW, ": EAX = "
    HEX YELLOW, eax, 8
    TEXT YELLOW, ", ESP = "
    HEX YELLOW, esp, 8
    TEXT YELLOW, ". I spoil all registers, then IRET"
    mov eax, 0x11111111
    mov ebx, eax
    mov ecx, eax
    mov edx, eax
    mov esi, eax
    mov edi, eax
    mov ebp, eax
return_to_a:
    iretd
b_again:
    AT 7, 0
    TEXT YELLOW, "B ring 3: EAX = "
    HEX YELLOW, eax, 8
    TEXT YELLOW, ": I go on behind my IRET. I call task A ..."
call_a:
    call SEL_A:0                ; A is busy: it waits for B
.behind:
    iretd

; ---- exceptions of task B, in ring 0
on_fault:
    AT 8, 0
    TEXT RED, "  kernel: exception "
    NUMBER RED, dword [ebp + TRAP_VECTOR]
    TEXT RED, ", error code "
    HEX RED, dword [ebp + TRAP_ERROR], 4
    mov dword [ebp + TRAP_EIP], call_a.behind
    ret

; ---- the double fault's own task, ring 0, with a stack of its own
task_df:
in_df:
    AT 11, 0
    TEXT GREEN, "double fault: in a task of its own, ESP = "
    HEX GREEN, esp, 8
    AT 12, 0
    TEXT GREEN, "  TSS of A says: it stopped at EIP = "
    HEX GREEN, dword [TSS_A + T_EIP], 8
    TEXT GREEN, " with ESP = "
    HEX GREEN, dword [TSS_A + T_ESP], 8
    pop eax                     ; the error code, always 0
    mov dword [TSS_A + T_SS], KERNEL_DATA
    mov dword [TSS_A + T_ESP], STACK0 - 4
    mov dword [TSS_A + T_EIP], mended
    iretd
    jmp task_df                 ; the next double fault would go on here
