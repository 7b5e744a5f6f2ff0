; hypercall64.asm: hypercalls of 64-bit code, in rings 0 and 3.

%include "guest64.inc"
%include "ringside.inc"

STRING name_64, "64 bits"
STRING name_3, "ring 3, 64 bits"

    bits 64
test64:
    mov rdx, RINGSIDE_PORT
    in eax, dx
    mov edi, eax
    RINGSIDE_MARK name_64
    mov rbx, 6                  ; a snapshot, by an upper half that is no part of the number
    mov rcx, name_3
    FINE64_3 "the NOP at ring 3", RINGSIDE_NOP
    FINE64_3 "an assertion at ring 3", RINGSIDE_ASSERT_RING 3
    FINE64_3 "a wrong one", RINGSIDE_ASSERT_RING 0
    mov rcx, 0x800000000000     ; not canonical
    FINE64 "a text nowhere", RINGSIDE_NOP
    mov ebx, 1
    mov ecx, name_64
    mov eax, RINGSIDE_MAGIC
    cmp edi, eax
    jne .undefined
    FINE64_3 "VMCALL at ring 3", db 0x0f, 0x01, 0xc1
    FINE64 "VMMCALL", db 0x0f, 0x01, 0xd9
    ret
.undefined:
    FAULT64_3 "VMCALL at ring 3", UD, 0, db 0x0f, 0x01, 0xc1
    FAULT64 "VMMCALL", UD, 0, db 0x0f, 0x01, 0xd9
    ret

END_OF_TEST
