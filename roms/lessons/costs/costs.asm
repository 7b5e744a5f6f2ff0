; costs.asm: one program, one kernel, five ways to run them; the crossings between rings are counted. The kernel and the program
; are the same bytes each time: the kernel in ring 0, as always; again, with the program in a container; then in ring 1 above a
; hypervisor.

%define HYPERVISOR
%include "flat32.inc"
%include "kernel_screen.inc"

SYSTEM_CALL equ 0x80            ; INT 80h: EAX 1 which process am I, 2 write the letter BL, 3 the program ends
CALL_CURSOR equ 0x40            ; hypercalls: move the cursor to EBX
CALL_END    equ 0x41            ; the program has ended

; ---- the program, ring 3
program:
    mov ecx, 10
.next:
    mov eax, 1
    int SYSTEM_CALL
    mov ebx, eax
    add ebx, '0'
    mov eax, 2
    int SYSTEM_CALL
    loop .next
    mov eax, 3
    int SYSTEM_CALL

; ---- the kernel, ring 0 or ring 1: it does not care

; from program to here, whichever way. Under the hypervisor the frame is made by it, not by the processor
system_call:
    push ds
    push dword [cs:kernel_data]
    pop ds
    inc dword [calls]
    push eax
    mov eax, [enters]           ; 1: this was one crossing. 0: the hypervisor has counted already
    add [crossings], eax
    pop eax
    cmp eax, 2
    je .write
    ja program_exits
    mov eax, [process]          ; the process has a namespace, and that has the number by which it knows itself
    mov eax, [eax]
    jmp .back
.write:
    call write_letter
.back:
    inc dword [crossings]       ; on the way out
    pop ds
kernel_leaves:
    iretd
program_exits:
    jmp [when_over]

; all that a container is, for this call: another table to look things up in
host_namespace: dd 7
box_namespace:  dd 1

write_letter:
    push eax
    push edx
    push ebx
    cmp dword [ask_hypervisor], 0
    jne .ask
    cli                         ; nobody may come between
    call .letter
    mov dx, 0x3d4               ; the blinking cursor moves on: registers 0Eh and 0Fh of the display
    mov al, 0x0e
    out dx, al
    inc edx
    mov al, bh
    out dx, al
    dec edx
    mov al, 0x0f
    out dx, al
    inc edx
    mov al, bl
    out dx, al
    sti
    jmp .end
.ask:                           ; the same for a kernel that knows where it is
    mov byte [interrupts_off], 1        ; a byte that both know, in place of CLI and STI
    call .letter
    int CALL_CURSOR             ; one call in place of four OUTs
    mov byte [interrupts_off], 0
.end:
    pop ebx
    pop edx
    pop eax
    ret
.letter:                        ; in memory: no crossing
    mov al, bl
    mov ah, 0x0a
    call kernel_letter
    mov ebx, [kernel_cursor]
    shr ebx, 1
    ret

; ESI: the row of the screen. Starts the program; when it has ended, the kernel goes on at [when_over]
start_program:
    imul eax, esi, 160
    add eax, 26 * 2
    mov [kernel_cursor], eax
    mov dword [calls], 0
    mov dword [crossings], 1    ; the one below
    push dword PROGRAM_DATA
    push dword PROGRAM_STACK
    push dword 2
    push dword PROGRAM_CODE
    push dword program
    mov ax, PROGRAM_DATA
    mov ds, ax
    mov es, ax
    iretd

; in ring 1 the kernel begins here
kernel:
    mov dword [kernel_data], KERNEL1_DATA
    mov dword [when_over], .over
    mov esi, [row]
    jmp start_program
.over:
    int CALL_END
kernel_again:
    jmp kernel

kernel_data: dd KERNEL_DATA
process:   dd 0
enters:    dd 1
ask_hypervisor: dd 0
interrupts_off: dd 0
when_over: dd 0
row:       dd 0
calls:     dd 0
crossings: dd 0                 ; that the kernel knows of

; ---- ring 0: first the kernel itself is there, then the hypervisor
%include "hypervisor.inc"

; RESULT "name": a row of the table
%macro RESULT 1
    push dword %%text
    call show_result
    jmp %%over
%%text: db %1, 0
%%over:
%endmacro
show_result:
    mov esi, [row]
    imul eax, esi, 160
    add eax, SCREEN
    mov [cursor], eax
    push dword [esp + 4]
    push dword YELLOW
    call put_text
    imul eax, esi, 160
    add eax, SCREEN + 42 * 2
    mov [cursor], eax
    NUMBER GREY, dword [calls]
    imul eax, esi, 160
    add eax, SCREEN + 52 * 2
    mov [cursor], eax
    mov eax, [entries]          ; each time that the hypervisor is entered, it is left, too
    shl eax, 1
    add eax, [crossings]
    mov [results - 3 * 4 + esi * 4], eax
    NUMBER WHITE, eax
    mov dword [entries], 0
    inc dword [row]
    ret 4

results: times 5 dd 0           ; crossings, one number for each way

hypervisor_ready:
    AT 0, 0
    TEXT WHITE, "Lesson 15: what does a wall cost?"
    AT 2, 26
    TEXT GREY, "it writes       calls     crossings"
    mov dword [row], 3
    mov ax, SCREEN_DATA
    mov gs, ax
    SET_GATE IDT + SYSTEM_CALL * 8, KERNEL_CODE, system_call, INTERRUPT_GATE | RING3
as_process:
    mov dword [process], host_namespace
    mov dword [when_over], process_over
    mov esi, [row]
    jmp start_program
process_over:
    call ring0_again
    RESULT "a process"
as_container:
    mov dword [process], box_namespace
    mov dword [when_over], container_over
    mov esi, [row]
    jmp start_program
container_over:
    call ring0_again
    RESULT "in a container"
    ENTRY_GATE SYSTEM_CALL, RING3
    ENTRY_GATE CALL_CURSOR, RING1
    ENTRY_GATE CALL_END, RING1
    mov dword [process], host_namespace
    mov dword [enters], 0
above_hypervisor:
    ret                         ; to ring 1, to `kernel`

; the program has ended: its segments and the stack that its last call came in on are given up
ring0_again:
    mov ax, KERNEL_DATA
    mov ds, ax
    mov es, ax
    pop eax
    mov esp, STACK0 - 0x100
    push dword start_ring1      ; where hypervisor_ready returns to
    jmp eax

on_hypercall:
    mov eax, [ebp + TRAP_VECTOR]
    cmp eax, SYSTEM_CALL
    je reflect
    cmp eax, CALL_END
    je next_way
    mov ebx, [ebp + TRAP_EBX]   ; the cursor, all at once
    mov dx, 0x3d4
    mov al, 0x0e
    mov ah, bh
    out dx, ax
    mov al, 0x0f
    mov ah, bl
    out dx, ax
    ret

; a system call of the program is the kernel's: what the processor has pushed on our stack is copied to the kernel's
reflect:
    lea esi, [ebp + TRAP_EIP]
    mov edi, KERNEL_STACK - 5 * 4
    mov ecx, 5                  ; EIP, CS, EFLAGS, ESP, SS
    rep movsd
    mov dword [ebp + TRAP_EIP], system_call
    mov dword [ebp + TRAP_CS], KERNEL1_CODE
    mov dword [ebp + TRAP_ESP], KERNEL_STACK - 5 * 4
    mov dword [ebp + TRAP_SS], KERNEL1_DATA
    ret

; a way is done: its row, and the next one
next_way:
    dec dword [entries]         ; CALL_END itself is no part of the work
    cmp dword [row], 6
    je second_result
    ja third_result
    RESULT "above a hypervisor"
    mov dword [ask_hypervisor], 1
with_hypercalls:
    jmp restart
second_result:
    RESULT "  with hypercalls"
    mov dword [enters], 1       ; the processor's own way from ring 3 to ring 1
    mov dword [TSS + 12], KERNEL_STACK  ; SS1:ESP1
    mov dword [TSS + 16], KERNEL1_DATA
    SET_GATE IDT + SYSTEM_CALL * 8, KERNEL1_CODE, system_call, INTERRUPT_GATE | RING3
with_gate:
    jmp restart
third_result:
    RESULT "  and a gate to ring 1"
all_counted:
    jmp machine_ends
restart:
    mov dword [entries], 0
    ret
