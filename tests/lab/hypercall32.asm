; hypercall32.asm: hypercalls of 32-bit and 16-bit code, in rings 0 and 3: heard where somebody listens; otherwise undefined, or a NOP.
; hypercall_test.py looks at what was heard.

%include "guest32.inc"
%include "ringside.inc"

STRING name_begin, "begin"
STRING name_ready, "ready"
STRING name_ring3, "in ring 3"
STRING name_port, "by a port"
STRING name_vmcall, "by VMCALL"
STRING name_vmmcall, "by VMMCALL"
STRING name_here, "back"
STRING text_control, "two", 10, "lines"

LISTENED equ FREE ; 1: somebody listens

; all registers keep their values, and the flags: those before the call are in FREE + 16
%macro KEEPS 2+
    mov eax, 0x11111111
    mov edx, 0x22222222
    mov ebp, 0x33333333
    mov esi, 0x44444444
    mov edi, 0x55555555
    stc
    pushfd
    pop dword [FREE + 16]
    %2
    pushfd
    pop dword [FREE + 20]
    mov [FREE + 24], ebp
    mov ebp, [FREE + 16]
    CHECK %1, dword [FREE + 20], ebp
    CHECK %1, eax, 0x11111111
    CHECK %1, edx, 0x22222222
    CHECK %1, dword [FREE + 24], 0x33333333
    CHECK %1, esi, 0x44444444
    CHECK %1, edi, 0x55555555
%endmacro

test:
    mov dx, RINGSIDE_PORT
    in eax, dx
    cmp eax, RINGSIDE_MAGIC
    sete [LISTENED]
    KEEPS "the NOP changes nothing", RINGSIDE_MARK name_begin
    RINGSIDE_LOG text_control
    RINGSIDE_ASSERT_RING 0
    RINGSIDE_ASSERT_RING 3      ; wrong
    RINGSIDE_MARK 0xfffff000    ; ROM, or nothing: harmless
    RINGSIDE_CALL 99, 0         ; no such function
    FINE_RING 3, "the NOP at ring 3", RINGSIDE_MARK name_ring3
    mov ebx, 3
    mov ecx, 3
    FINE_RING 3, "the assertion at ring 3", RINGSIDE_NOP
    ; the port needs IOPL
    mov ebx, 1
    mov ecx, name_port
    mov dx, RINGSIDE_PORT
    FINE "the port", out dx, al
    FAULT_RING 3, "the port at ring 3", GP, 0, out dx, al
    mov ecx, name_vmcall
    mov eax, 0x12345678
    FAULT "VMCALL of somebody else", UD, 0, db 0x0f, 0x01, 0xc1
    mov eax, RINGSIDE_MAGIC
    cmp byte [LISTENED], 0
    je .undefined
    FINE "VMCALL", db 0x0f, 0x01, 0xc1
    FINE_RING 3, "VMCALL at ring 3", db 0x0f, 0x01, 0xc1
    mov ecx, name_vmmcall
    FINE "VMMCALL", db 0x0f, 0x01, 0xd9
    jmp .end
.undefined:
    FAULT "VMCALL", UD, 0, db 0x0f, 0x01, 0xc1
    FAULT_RING 3, "VMCALL at ring 3", UD, 0, db 0x0f, 0x01, 0xc1
    FAULT "VMMCALL", UD, 0, db 0x0f, 0x01, 0xd9
.end:
    ; 16-bit code: with an address of 32 bits it is the call; without, an instruction of 5 bytes and what follows
    DESCRIPTOR SEL_T, 0x10000, 0xffff, D_CODE, 0
    jmp SEL_T:(code16 - 0x10000)
    bits 16
code16:
    RINGSIDE_TRACE_START
    RINGSIDE_TRACE_STOP
    db 0x0f, 0x1f, 0x84, 0x00, 0x52
    jmp dword SEL_CODE0:back
    bits 32
back:
    ; the same many times: translated
    mov edi, 1000
.again:
    mov ebx, 1
    mov ecx, name_here
    RINGSIDE_NOP
    dec edi
    jnz .again
    ; others' NOPs of the same length
    db 0x0f, 0x1f, 0x84, 0x00, 0, 0, 0, 0
    db 0x0f, 0x1f, 0x84, 0x01, "RING"
    RINGSIDE_SNAPSHOT name_ready
    ret

END_OF_TEST
