; stops.asm: what stops_test.c pauses at: code run often, behind MOV SS, repeated, changed by itself, in two pages, at another
; linear address, in a page that is not there yet; memory written to in many ways; rings, faults, system calls.
;
; `places` tells the test where.

%include "guest32.inc"

PD     equ 0x50000
PT     equ 0x51000
PAGE_A equ 0x60000             ; code is copied to here and to the next page
ALIAS  equ 0x3f0000            ; the same page again
LATE   equ 0x3f4000            ; a page that comes when it is asked for: PAGE_C
PAGE_C equ 0x64000
DATA   equ 0x68000             ; what is watched, at its beginning and around DATA + 1000h
ALIAS_DATA equ 0x3f6000

test:
    call paging
    call often
    call shadow
    call repeated
    call changed
    call two_pages
    call alias
    call late
    call memory
    call rings
    call faulting
    ret

; ---- identity-mapped, but for what is named above
paging:
    mov edi, PD
    mov ecx, 1024
    xor eax, eax
    rep stosd
    mov dword [PD], PT | 7
    mov edi, PT
    mov ecx, 1024
    mov eax, 7
.next:
    stosd
    add eax, 0x1000
    loop .next
    mov dword [PT + (ALIAS >> 12) * 4], PAGE_A | 7
    mov dword [PT + (ALIAS_DATA >> 12) * 4], DATA | 7
    mov dword [PT + (LATE >> 12) * 4], 0
    mov eax, PD
    mov cr3, eax
    mov eax, cr0
    or eax, CR0_PG | CR0_WP
    mov cr0, eax
    GATE IDT_ENTRY(PF), SEL_CODE0, page_fault, D_INT32, 0
    ret

; the late page comes
page_fault:
    mov dword [PT + (LATE >> 12) * 4], PAGE_C | 7
    add esp, 4
    iretd

; ---- in a loop, called, and jumped over
often:
    mov ecx, 300
.next:
    call .callee
    loop .next
    ret
.callee:
    mov eax, ecx
    and eax, 7
    jz .eighth
    inc edx
    ret
.eighth:
    dec edx
    ret

; ---- no interrupt and no trap comes between these two
shadow:
    mov ax, ss
    mov ss, ax
.behind:
    nop
    ret

repeated:
    mov esi, PAGE_A
    mov edi, PAGE_A + 0x800
    mov ecx, 40
.at:
    rep movsb
    mov ecx, 3
.again:
    nop
    loop .again
    mov ecx, 0
.none:
    rep stosb
    ret

; ---- an instruction whose bytes change each time
changed:
    mov ecx, 4
    mov esi, PAGE_A
    mov dword [esi], 0xc300b0 ; mov al, n; ret
.next:
    mov [esi + 1], cl
    call esi
    loop .next
    ret

; ---- mov eax, 12345678h with two bytes in the one page and three in the next
two_pages:
    mov ecx, 6
    mov esi, PAGE_A + 0xffe
    mov dword [esi], 0x345678b8
    mov word [esi + 4], 0xc312
.next:
    call esi
    loop .next
    ret

; ---- the same memory at two linear addresses
alias:
    mov ecx, 5
    mov byte [PAGE_A + 0x100], 0x90
    mov byte [PAGE_A + 0x101], 0xc3
.next:
    mov esi, PAGE_A + 0x100
    call esi
    mov esi, ALIAS + 0x100
    call esi
    loop .next
    ret

late:
    mov dword [PAGE_C], 0xc39090
    mov ecx, 2
.next:
    mov eax, LATE
    call eax
    loop .next
    ret

; ---- writes and reads
memory:
    mov dword [DATA], 1        ; write
    mov dword [DATA + 8], 2    ; beside it
    inc dword [DATA]           ; read and written
    mov eax, [DATA]            ; read
    mov byte [DATA + 3], 5     ; its last byte
    mov dword [DATA - 3], 0x01020304 ; overlaps it
    mov edi, DATA + 0xff0
    mov ecx, 32
    mov al, 7
    rep stosb                  ; crosses a page, with the watched double word in the middle
    mov dword [DATA + 0xffe], 9 ; crosses the page
    mov [DATA], edi
    mov eax, esp
    mov esp, DATA + 0x1008
    push dword 0x11            ; by the stack
    push dword 0x12
    pop ecx
    mov esp, eax
    cmp byte [DATA + 0x1004], 0x12
    xchg eax, [DATA]
    mov dword [ALIAS_DATA], 3  ; not at that linear address
    fld1
    fstp qword [DATA + 0xffc]
    mov ecx, 200
.next:
    mov [DATA + 0x10], ecx     ; the same page, often
    loop .next
    ret

; ---- rings, faults, system calls
%macro WRMSR32 2
    mov ecx, %1
    mov eax, %2
    xor edx, edx
    wrmsr
%endmacro

rings:
    WRMSR32 MSR_SYSENTER_CS, SEL_CODE0
    WRMSR32 MSR_SYSENTER_ESP, STACK_INT
    WRMSR32 MSR_SYSENTER_EIP, .kernel
    TO_RING 3
.at_ring3:
    nop
    sysenter
.kernel:
    push dword SEL_DATA0
    pop ds
    push dword SEL_DATA0
    pop es
    mov esp, [ring0_esp]
    TO_RING 3
    TO_RING0
    TO_RING 1
    TO_RING0
    FAULT "an undefined instruction", UD, 0, ud2
    mov eax, SEL_T
    FAULT "an empty descriptor", GP, SEL_T, {mov fs, ax}
    ret

; ---- a write whose page comes when it is asked for: it faults, and is executed again
faulting:
    mov dword [PAGE_C + 0x800], 7
    mov dword [PT + (LATE >> 12) * 4], 0
    invlpg [LATE]
    mov dword [LATE + 0x800], 5
    ret

    [section .data]
    align 4
places:
    dd 0x53504f54, .end - .first
.first:
    dd often.callee, often.eighth, shadow.behind, repeated.at, repeated.again, repeated.none
    dd PAGE_A, PAGE_A + 0xffe, ALIAS + 0x100, LATE, LATE + 1, DATA, DATA + 0x1000, rings.at_ring3
.end:
    __SECT__

    END_OF_TEST
