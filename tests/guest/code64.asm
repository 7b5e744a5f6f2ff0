; code64.asm: code in awkward places of long mode: across the end of canonical addresses, and in compatibility mode across 4 GiB.
; SDM Vol. 1 3.3.7.1 (canonical addresses), Vol. 3A 3.2.4 (segments in compatibility mode).

%include "guest64.inc"

    bits 64
; tables: of the last 4 KiB of the lower half and the first of the upper one, of the fourth and the fifth GiB
PDPT_END equ 0x60000
PD_END   equ 0x61000
PT_END   equ 0x62000
PDPT_UP  equ 0x63000
PD_UP    equ 0x64000
PT_UP    equ 0x65000
PD_3G    equ 0x66000
PD_4G    equ 0x67000
PAGE_LAST equ 0x68000           ; mapped at the end of the lower half and at V
PAGE_NEXT equ 0x6a000           ; mapped at the beginning of the upper half and behind V
V   equ 0x3f0000
END equ 0x00007ffffffff000
; 2 MiB pages of physical memory
RIGHT equ 0x400000              ; at 10000000h
WRONG equ 0x600000              ; at 110000000h
JUMPS equ 0x800000              ; at F0000000h

SEL_WRAP equ SEL_T64            ; base C0000000h
SEL_NEAR equ SEL_T64 + 8        ; base 08000000h

test64:
    mov edi, PDPT_END
    mov ecx, 0x8000 / 4
    xor eax, eax
    rep stosd
    call canonical_end
    call compatibility_wrap
    ret

; An instruction that begins below the end of the lower half and goes on beyond it faults (3.3.7.1: #GP), also when the same bytes of
; the same two pages have been executed often where they are harmless.
canonical_end:
    mov dword [PML4 + 255 * 8], PDPT_END | 3
    mov dword [PDPT_END + 511 * 8], PD_END | 3
    mov dword [PD_END + 511 * 8], PT_END | 3
    mov dword [PT_END + 511 * 8], PAGE_LAST | 3
    mov dword [PML4 + 256 * 8], PDPT_UP | 3
    mov dword [PDPT_UP], PD_UP | 3
    mov dword [PD_UP], PT_UP | 3
    mov dword [PT_UP], PAGE_NEXT | 3
    mov dword [PT_L + ((V >> 12) & 511) * 8], PAGE_LAST | 3
    mov dword [PT_L + ((V >> 12) & 511) * 8 + 8], PAGE_NEXT | 3
    mov rax, cr3
    mov cr3, rax
    mov dword [PAGE_LAST + 0xffc], 0x34b89090   ; mov eax, 1234h, its last three bytes in the other page; ret
    mov dword [PAGE_NEXT], 0xc3000012
    mov rbx, END + 0xffe
    mov qword [trap64.rip], 0
    FAULT64_IN "canonical end: first", GP, 0, rbx
    CHECK64 "canonical end: first: RIP", qword [trap64.rip], rbx
    mov ecx, 30
    xor esi, esi
.next:
    mov edx, V + 0xffe
    call rdx
    add esi, eax
    mov rdx, 0xffff800000000003 ; the RET in the upper half
    call rdx
    loop .next
    CHECK64 "canonical end: elsewhere", rsi, 30 * 0x1234
    mov qword [trap64.rip], 0
    FAULT64_IN "canonical end: often executed elsewhere", GP, 0, rbx
    CHECK64 "canonical end: often: RIP", qword [trap64.rip], rbx
    ret

; Compatibility mode: base and EIP make 32 bits (3.2.4), so that C0000000h and 50000000h are 10000000h, not 110000000h.
compatibility_wrap:
    mov dword [PD_L + 0x80 * 8], RIGHT | 0x83
    mov dword [PDPT_L + 3 * 8], PD_3G | 3
    mov dword [PD_3G + 0x180 * 8], JUMPS | 0x83
    mov dword [PDPT_L + 4 * 8], PD_4G | 3
    mov dword [PD_4G + 0x80 * 8], WRONG | 0x83
    mov rax, cr3
    mov cr3, rax
    mov eax, 0x10000000
    mov word [rax], 0xcb43      ; inc ebx; retf
    mov rax, 0x110000000
    mov word [rax], 0xcb46      ; inc esi; retf
    mov eax, 0xf0001000
    mov dword [rax], 0x000000b8 ; mov eax, 50000000h; jmp eax
    mov dword [rax + 4], 0x00e0ff50
    mov r12, rsp
    push qword SEL_CODE0
    push qword .code32
    retfq
    bits 32
.code32:
    mov eax, SEL_DATA0
    mov ds, ax
    mov es, ax
    mov ss, ax
    DESCRIPTOR SEL_WRAP, 0xc0000000, 0xfffff, D_CODE, G_32 | G_PAGES
    DESCRIPTOR SEL_NEAR, 0x08000000, 0xfffff, D_CODE, G_32 | G_PAGES
    ; by a near jump, and where the code lies also by a base that needs no wrapping
    mov ecx, 30
    xor ebx, ebx
    xor esi, esi
.jump:
    call SEL_NEAR:0x08000000
    call SEL_WRAP:0x30001000
    loop .jump
    CHECK "compat wrap: near jump", ebx, 60
    CHECK "compat wrap: near jump: gone to 4 GiB", esi, 0
    ; by a far call
    mov ecx, 30
    xor ebx, ebx
    xor esi, esi
.call:
    call SEL_WRAP:0x50000000
    call SEL_NEAR:0x08000000
    loop .call
    CHECK "compat wrap: far call", ebx, 60
    CHECK "compat wrap: far call: gone to 4 GiB", esi, 0
    jmp SEL_CODE64:.code64
    bits 64
.code64:
    mov eax, SEL_DATA64
    mov ss, ax
    mov ds, ax
    mov es, ax
    mov rax, rsp
    CHECK64 "compat wrap: RSP", rax, r12
    ret

END_OF_TEST
