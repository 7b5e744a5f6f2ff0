; code64.asm: a few loops of 64-bit code whose translation is compared with golden64.txt, case by case.
;
; A case begins with `mov eax, 901d00NNh` and is run some times, the way through its end included. No check is made here but by golden.py.

%include "guest64.inc"

    bits 64
; CASE number: the name of what follows in the golden text
%macro CASE 1
    mov r8d, 50
    jmp case%1
    align 16, nop
case%1:
    mov eax, 0x901d0000 + %1
%endmacro
%macro AGAIN 1
    dec r8d
    jnz case%1
%endmacro

    [section .data]
    align 16, db 0
numbers: times 64 dq 3
    __SECT__

test64:
    fninit
    mov rbx, numbers
    mov rsi, numbers
    mov rdi, numbers + 64
    CASE 1                      ; a destination in memory, its flags read behind another access
    add [rbx + 8], eax
    mov ecx, [rbx + 16]
    adc ecx, 0
    mov [rbx + 24], ecx
    AGAIN 1
    CASE 2                      ; several accesses near the stack pointer share a check
    push rax
    push rcx
    mov edx, [rsp + 8]
    pop rcx
    pop rdx
    AGAIN 2
    CASE 3                      ; registers that live in struct cpu
    lea r9, [rbx + rax * 2]
    mov r10, [rbx + 32]
    xor r11d, r11d
    add r15, r10
    AGAIN 3
    CASE 4                      ; SSE and x87 as they are
    movups xmm1, [rbx]
    paddq xmm1, [rbx + 16]
    movups [rbx + 32], xmm1
    fild qword [rbx]
    fadd st0, st0
    fistp qword [rbx + 48]
    AGAIN 4
    CASE 5                      ; a call and its return, in a page
    call leaf
    AGAIN 5
    CASE 6                      ; string instructions, shifts by CL
    mov ecx, 8
    shl rdx, cl
    mov rsi, numbers
    mov rdi, numbers + 64
    rep movsb
    AGAIN 6
    CASE 7                      ; conditions that use flags in the host's, SETcc, CMOVcc
    cmp eax, r8d
    setl cl
    cmovb rdx, rax
    test cl, cl
    jz .other
    inc edx
.other:
    AGAIN 7
    CASE 8                      ; a loop with two ways back: its second copy knows what is known of [rbx]
    mov ecx, [rdi + rdx]
    add [rbx + 8], ecx
    jz case8
    add rdi, 4
    mov edx, [rbx + 16]
    sub r8d, 1
    jnz case8
    CASE 9                      ; a loop that need not save the flags of its end
    mov ecx, [rdi + rdx]
    add rdi, 4
    sub r8d, 1
    jnz case9
    CASE 10                     ; one check for an index that changes by a constant, and for a copy of the base
    mov rdi, rbx
    mov rcx, [rbx + rdx*8]
    add rdx, 1
    add rcx, [rdi + rdx*8]
    sub rdx, 1
    AGAIN 10
    ret

    align 16, nop
leaf:
    inc edx
    ret

END_OF_TEST
