; code.asm: code in awkward places: in very many pages, in the page table that its own accesses change, across the end of linear
; memory, across pages in a long loop. Wants 192 MiB of RAM. code64.asm has the places of long mode.
; SDM Vol. 3A 3.3 (linear addresses), 4.8 (accessed and dirty bits), 5.3 (limits), 8.1.3 and 11.6 (self-modifying code).

%include "guest32.inc"

PD     equ 0x50000              ; 32-bit paging: directory, the tables of the first and of the last 4 MiB
PT     equ 0x51000
PT_TOP equ 0x52000
PAGE_LAST  equ 0x60000          ; mapped below 4 GiB and at V
PAGE_FIRST equ 0x64000          ; mapped at 0 and behind V
V      equ 0x300000
LAST   equ 0xfffff000
FRAME  equ 0x200000             ; the page that HELD_R and HELD_W map
HELD_R equ 0x310000
HELD_W equ 0x318000
OTHER  equ 0x320000
MANY   equ 0x100000             ; the many pages of code
COUNT  equ 40000

; entry bits
P equ 1
W equ 2
A_ equ 0x20
D_ equ 0x40

test:
    in al, 0x92                 ; A20
    or al, 2
    out 0x92, al
    call many_pages
    call paging_on
    call code_in_the_table
    call end_of_memory
    mov eax, cr0
    and eax, ~CR0_PG
    mov cr0, eax
    call spanning_loops
    ret

; Code that is changed is executed as changed (11.6), also when more than 32,768 pages have had code.
many_pages:
    mov ebx, MANY
    mov ecx, COUNT
    xor esi, esi                ; first calls that went wrong, second ones
    xor edi, edi
.page:
    mov dword [ebx], 0x000001b8 ; mov eax, 1; ret
    mov word [ebx + 4], 0xc300
    call ebx
    dec eax
    jz .first
    inc esi
.first:
    mov byte [ebx + 1], 2
    call ebx
    cmp eax, 2
    je .second
    inc edi
.second:
    add ebx, 0x1000
    loop .page
    CHECK "many pages: first calls gone wrong", esi, 0
    CHECK "many pages: changes not seen", edi, 0
    ; and all of them once more
    mov ebx, MANY
    mov ecx, COUNT
    xor edi, edi
.again:
    mov byte [ebx + 1], 3
    call ebx
    cmp eax, 3
    je .seen
    inc edi
.seen:
    add ebx, 0x1000
    loop .again
    CHECK "many pages: second changes not seen", edi, 0
    ret

; The first 4 MiB one to one, but PAGE_FIRST at 0; of the last 4 MiB the last page.
paging_on:
    mov edi, PD
    mov ecx, 3 * 1024
    xor eax, eax
    rep stosd
    mov dword [PD], PT | P | W
    mov dword [PD + 1023 * 4], PT_TOP | P | W
    mov edi, PT
    mov eax, P | W
    mov ecx, 1024
.next:
    stosd
    add eax, 0x1000
    loop .next
    mov dword [PT], PAGE_FIRST | P | W
    mov dword [PT + (V >> 12) * 4], PAGE_LAST | P | W
    mov dword [PT + (V >> 12) * 4 + 4], PAGE_FIRST | P | W
    mov dword [PT_TOP + 1023 * 4], PAGE_LAST | P | W
    mov eax, PD
    mov cr3, eax
    mov eax, cr0
    or eax, CR0_PG
    mov cr0, eax
    jmp .on
.on:
    ret

; IN_TABLE template, page: copies a template so that its immediate, before the RET, is the page's entry. EAX: where it begins.
%macro IN_TABLE 2
    mov esi, %1
    mov edi, PT + ((%2) >> 12) * 4 - (template_end - template_read - 5)
    mov eax, edi
    mov ecx, template_end - template_read
    rep movsb
    invlpg [%2]
%endmacro
; OFTEN "name", page: calls EAX 59 times for another page, checks EDX, and once for this one
%macro OFTEN 2
    mov ebx, OTHER
    mov ecx, 59
%%next:
    push ecx
    call eax
    pop ecx
    loop %%next
    CHECK %1, edx, FRAME | P | W
    mov ebx, %2
    call eax
%endmacro
; An access sets bits in its page's entry (4.8), which is an immediate of the very code that makes the access. 11.6 promises that at once
; only of writes by the code's own linear address; here it is so of every change, as if each were a write.
code_in_the_table:
    IN_TABLE template_read, HELD_R
    OFTEN "in the table: before the read", HELD_R
    CHECK "in the table: accessed", edx, FRAME | P | W | A_
    call eax
    CHECK "in the table: accessed, next call", edx, FRAME | P | W | A_
    IN_TABLE template_write, HELD_W
    OFTEN "in the table: before the write", HELD_W
    CHECK "in the table: dirty", edx, FRAME | P | W | A_ | D_
    call eax
    CHECK "in the table: dirty, next call", edx, FRAME | P | W | A_ | D_
    ret
    ; two accesses near each other; both templates have the same lengths
template_read:
    mov ebp, [ebx]
    mov ecx, [ebx + 4]
    mov edx, FRAME | P | W
    ret
template_end:
template_write:
    mov [ebx], ebp
    mov [ebx + 4], ecx
    mov edx, FRAME | P | W
    ret

; An instruction across FFFFFFFFh is beyond any limit. 5.3 lets a processor with the limit FFFFFFFFh choose; this one faults, and has to
; do so too when the same bytes of the same two pages have been executed often where they are harmless.
end_of_memory:
    mov dword [PAGE_LAST + 0xffc], 0x34b89090   ; mov eax, 1234h, its last three bytes in the other page; ret
    mov dword [PAGE_FIRST], 0xc3000012
    mov ebx, LAST + 0xffe
    mov dword [trap.eip], 0
    FAULT_IN "end of memory: first", GP, 0, ebx
    CHECK "end of memory: first: EIP", dword [trap.eip], ebx
    mov ecx, 30
    xor esi, esi
.next:
    mov edx, V + 0xffe
    call edx
    add esi, eax
    mov edx, 3                  ; the RET in page 0
    call edx
    loop .next
    CHECK "end of memory: elsewhere", esi, 30 * 0x1234
    mov dword [trap.eip], 0
    FAULT_IN "end of memory: often executed elsewhere", GP, 0, ebx
    CHECK "end of memory: often: EIP", dword [trap.eip], ebx
    ; a segment in which these linear addresses are not the end: they wrap (3.3), and still fault in the flat one afterwards
    DESCRIPTOR SEL_T, 0x1000, 0xfffff, D_CODE, G_32 | G_PAGES
    FINE "end of memory: wraps in another segment", call .wrap
    CHECK "end of memory: wrapped", esi, 30 * 0x1234
    mov dword [trap.eip], 0
    FAULT_IN "end of memory: often executed in another segment", GP, 0, ebx
    CHECK "end of memory: often in another: EIP", dword [trap.eip], ebx
    ret
.wrap:
    mov ecx, 30
    xor esi, esi
.next_wrap:
    push dword .back - 0x1000
    jmp SEL_T:LAST + 0xffe - 0x1000
.back:
    jmp SEL_CODE0:.home
.home:
    add esi, eax
    loop .next_wrap
    ret

; An instruction that spans two pages ends every round: millions of them need no more stack than one. Vol. 2, Jcc and LOOP.
spanning_loops:
    mov dword [FREE + 0xffe], 0xc3fd7549        ; dec ecx; jnz -3, its displacement in the second page; ret
    mov ecx, 3000000
    mov eax, FREE + 0xffe
    call eax
    CHECK "spanning: 3,000,000 rounds of jnz", ecx, 0
    ; the same of one instruction only, which goes to itself
    mov byte [FREE + 0x2fff], 0xe2              ; loop -2; ret
    mov word [FREE + 0x3000], 0xc3fe
    mov ecx, 3000000
    mov eax, FREE + 0x2fff
    call eax
    CHECK "spanning: 3,000,000 rounds of loop", ecx, 0
    ret

END_OF_TEST
