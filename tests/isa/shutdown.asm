; shutdown.asm: triple faults and an RSM that must fail: the board resets the processor, and the program begins again with the next one,
; whose number is in the CMOS RAM. SDM Vol. 3A 6.15 #DF, Vol. 3C 31.4. Runs without -no-reboot.

%include "guest32.inc"

CMOS_STEP equ 0x60
STATE_MAP equ 0x30000 + 0xfe00

; STEP "neg RULES what": the next reset shows that it went well
%macro STEP 1
    STRING %%name, %1, 10
    mov ebx, %%name
    call puts
%endmacro
STRING text_reset, "ok", 10

test:
    mov al, CMOS_STEP
    out 0x70, al
    in al, 0x71
    movzx eax, al
    mov ecx, eax
    jecxz .first
    cmp ecx, (table_end - table) / 4
    ja .first
    mov ebx, text_reset
    call puts
    jmp .next
.first:
    xor ecx, ecx
.next:
    cmp ecx, (table_end - table) / 4
    je .end
    mov al, CMOS_STEP
    out 0x70, al
    lea eax, [ecx + 1]
    out 0x71, al
    jmp [table + 4 * ecx]
.end:
    mov al, CMOS_STEP
    out 0x70, al
    xor eax, eax
    out 0x71, al
    ret

    [section .data]
    align 4, db 0
table: dd no_idt, contributory, page_faults, task, real, rsm_nw, rsm_long, rsm_cr4, on_debug
table_end:
none: dw 0
    dd 0
    __SECT__

no_idt:
    STEP "neg UD_UD+GP_IDT_LIMIT+GP_IDT_LIMIT+GP_IDT_LIMIT triple fault: no IDT"
    lidt [none]
    ud2
contributory:
    STEP "neg DE_ZERO+NP_IDT+NP_IDT triple fault: #DE, #NP, #NP"
    and byte [IDT_ENTRY(DE) + 5], 0x7f
    and byte [IDT_ENTRY(DF) + 5], 0x7f
    xor ecx, ecx
    div ecx
page_faults:
    STEP "neg PF_NOT_PRESENT+PF_NOT_PRESENT+PF_NOT_PRESENT triple fault: nothing is mapped"
    mov edi, FREE
    mov ecx, 0x800
    xor eax, eax
    rep stosd
    mov eax, FREE
    mov cr3, eax
    mov eax, cr0
    or eax, CR0_PG
    mov cr0, eax
    nop
task:
    STEP "neg UD_UD+NP_IDT+SS_NEW_LIMIT+GP_IDT_TYPE triple fault: #UD, #NP, #SS, #DF"
    and byte [IDT_ENTRY(UD) + 5], 0x7f
    GATE IDT_ENTRY(NP), SEL_CODE1, 0, D_INT32, 0
    DESCRIPTOR SEL_T, FREE, 0xfff, D_DATA | 1 << 5, G_32
    mov dword [tss.ss1], SEL_T | 1
    mov dword [tss.esp1], 4
    mov byte [IDT_ENTRY(DF) + 5], 0x80
    TO_RING 3
    ud2
real:
    STEP "neg UD_UD+GP_IVT_LIMIT+GP_IVT_LIMIT+GP_IVT_LIMIT triple fault: real mode"
    DESCRIPTOR SEL_T, 0x10000, 0xffff, D_CODE, 0
    lidt [none]
    jmp SEL_T:.sixteen - start
    bits 16
.sixteen:
    mov eax, cr0
    and al, ~CR0_PE
    mov cr0, eax
    jmp 0x1000:.real - start
.real:
    ud2
    bits 32

; RSM with a state map that no processor can be in
%macro BAD_RSM 2+
    STEP %1
    mov esi, %%code
    mov edi, 0x38000
    mov ecx, %%end - %%code
    rep movsb
    mov dword [0xfee00300], 0x4200
    jmp $
    [section .data]
    bits 16
%%code:
    %2
    rsm
%%end:
    bits 32
    __SECT__
%endmacro
rsm_nw:
    BAD_RSM "neg NONE RSM: CR0.NW without CD", mov dword [dword STATE_MAP + 0x158], 0x20000011
rsm_long:
    BAD_RSM "neg NONE RSM: CR0.PG without PE", mov dword [dword STATE_MAP + 0x158], 0x80000010
rsm_cr4:
    BAD_RSM "neg NONE RSM: a reserved bit of CR4", or dword [dword STATE_MAP + 0x148], 0x80000000
on_debug:
    STEP "neg DB_INSTRUCTION+GP_IDT_LIMIT+GP_IDT_LIMIT+GP_IDT_LIMIT triple fault: a breakpoint"
    lidt [none]
    mov eax, .here
    mov dr0, eax
    mov eax, 2
    mov dr7, eax
.here:
    nop
    jmp $

END_OF_TEST
