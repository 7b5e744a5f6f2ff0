; paging.asm: 32-bit and PAE paging: error codes, WP, NX, SMEP, SMAP, accessed and dirty bits, large and global pages, INVLPG.
; SDM Vol. 3A chapter 4.

%include "guest32.inc"

PD   equ 0x50000               ; 32-bit: directory and the table of the first 4 MiB
PT   equ 0x51000
PDPT equ 0x52000               ; PAE
PD_P equ 0x53000
PT_P equ 0x54000
PAGE_A equ 0x60000             ; pages to play with, mapped at their own addresses unless a test says otherwise
PAGE_B equ 0x61000
PAGE_C equ 0x62000
V equ 0x3f0000                 ; the linear address under test, in the first table
V_INDEX equ V >> 12
V2 equ V + 0x800000            ; another, 8 MiB from it: a TLB that is not associative cannot hold both
PT2 equ 0x63000                ; the table of the third 4 MiB

; entry bits
P equ 1
W equ 2
U equ 4
A_ equ 0x20
D_ equ 0x40
PS equ 0x80
G_ equ 0x100

%macro SET_CR4 1
    mov eax, cr4
    or eax, %1
    mov cr4, eax
%endmacro
%macro CLEAR_CR4 1
    mov eax, cr4
    and eax, ~(%1)
    mov cr4, eax
%endmacro
; PTE flags: maps V to PAGE_A with these (no P: not present)
%macro PTE 1
    mov dword [PT + V_INDEX * 4], PAGE_A | (%1)
    invlpg [V]
%endmacro
; FAULT_PF "name", error, CR2, instruction
%macro PAGE_FAULT 4+
    FAULT %1, PF, %2, %4
    CHECK %1, dword [trap.cr2], %3
%endmacro
%macro PAGE_FAULT_3 4+
    FAULT_RING 3, %1, PF, %2, %4
    CHECK %1, dword [trap.cr2], %3
%endmacro

test:
    mov dword [PAGE_A], 0xaaaaaaaa
    mov dword [PAGE_B], 0xbbbbbbbb
    mov dword [PAGE_C], 0xcccccccc
    mov byte [PAGE_A + 0x100], 0xc3
    call build32
    call rights
    call accessed_dirty
    call translation_cache
    call rivals
    call large
    call smep_smap
    call off
    call pae
    call pae_large
    call off
    ret

; everything of the first 4 MiB present, writable, user; at 4 MiB nothing
build32:
    mov edi, PD
    mov ecx, 1024
    xor eax, eax
    rep stosd
    mov dword [PD], PT | P | W | U
    mov edi, PT
    mov eax, P | W | U
    mov ecx, 1024
.next:
    stosd
    add eax, 0x1000
    loop .next
    mov eax, PD
    mov cr3, eax
    mov eax, cr0
    or eax, CR0_PG
    mov cr0, eax
    jmp .on
.on:
    mov eax, 1
    CHECK "paging on", eax, 1
    ret
off:
    mov eax, cr0
    and eax, ~(CR0_PG | CR0_WP)
    mov cr0, eax
    xor eax, eax
    mov cr4, eax
    ret

rights:
    PTE 0
    PAGE_FAULT "not present: read", 0, V + 8, mov eax, [V + 8]
    PAGE_FAULT "not present: write", E_W, V + 12, mov [V + 12], eax
    PAGE_FAULT "not present: rmw is a write", E_W, V + 16, inc dword [V + 16]
    PAGE_FAULT_3 "not present: read at ring 3", E_U, V, mov eax, [V]
    PAGE_FAULT_3 "not present: write at ring 3", E_U | E_W, V, mov [V], eax
    PAGE_FAULT "not present: crossing into it", 0, V, mov eax, [V - 2]
    FAULT_IN "not present: jump", PF, 0, .jump
    CHECK "not present: jump: EIP", dword [trap.eip], V
    PAGE_FAULT "no table: read", 0, 0x400000, mov eax, [0x400000]
    PTE P
    FINE "supervisor, read-only: read", mov eax, [V]
    FINE "supervisor, read-only: write without WP", mov [V], eax
    PAGE_FAULT_3 "supervisor page at ring 3: read", E_P | E_U, V, mov eax, [V]
    PAGE_FAULT_3 "supervisor page at ring 3: write", E_P | E_U | E_W, V, mov [V], eax
    FINE_RING 2, "supervisor page at ring 2", mov eax, [V]
    mov eax, cr0
    or eax, CR0_WP
    mov cr0, eax
    PAGE_FAULT "WP: supervisor write", E_P | E_W, V, mov [V], eax
    PTE P | U
    PAGE_FAULT "WP: write to a user page", E_P | E_W, V, mov [V], eax
    PAGE_FAULT "WP: zero shift is a write", E_P | E_W, V, shl dword [V], 0
    PAGE_FAULT "WP: cmpxchg that fails is a write", E_P | E_W, V, cmpxchg [V], ecx
    FINE_RING 3, "user, read-only: read at ring 3", mov eax, [V]
    PAGE_FAULT_3 "user, read-only: write at ring 3", E_P | E_U | E_W, V, mov [V], eax
    PTE P | W | U
    FINE_RING 3, "user, writable: write at ring 3", mov dword [V], 0xaaaaaaaa
    ; both levels count
    mov eax, cr0
    and eax, ~CR0_WP
    mov cr0, eax
    and dword [PD], ~W
    mov eax, cr3
    mov cr3, eax
    PAGE_FAULT_3 "directory read-only", E_P | E_U | E_W, V, mov dword [V], 0
    or dword [PD], W
    mov eax, cr3
    mov cr3, eax
    ; a string operation stops where it is
    PTE 0
    mov edi, V - 8
    mov ecx, 4
    mov eax, 0x55555555
    PAGE_FAULT "rep stosd into it", E_W, V, rep stosd
    CHECK "rep stosd: ECX", ecx, 2
    CHECK "rep stosd: EDI", edi, V
    mov edi, V
    mov esi, V - 4
    PAGE_FAULT "movsd: destination", E_W, V, movsd
    CHECK "movsd: ESI stays", esi, V - 4
    mov edx, 0x1234
    PAGE_FAULT "push [not present]", 0, V, push dword [V]
    ; implicit supervisor accesses from ring 3: descriptor loads
    PTE P | W
    DESCRIPTOR SEL_T, 0, 0xfffff, D_DATA | 3 << 5, G_32 | G_PAGES
    mov eax, SEL_T | 3
    FINE_RING 3, "descriptor tables may be supervisor pages", mov es, ax
    push dword SEL_DATA0
    pop es
    ret
.jump:
    mov eax, V
    jmp eax

%macro ENTRY_BITS 2
    mov eax, [PT + V_INDEX * 4]
    and eax, A_ | D_
    CHECK %1, eax, %2
%endmacro
accessed_dirty:
    PTE P | W | U
    ENTRY_BITS "a/d: none", 0
    mov eax, [V]
    ENTRY_BITS "a/d: read", A_
    mov [V], eax
    ENTRY_BITS "a/d: write after a read", A_ | D_
    PTE P | W | U
    mov [V], eax
    ENTRY_BITS "a/d: write", A_ | D_
    PTE P | W | U
    mov eax, V
    call .code
    ENTRY_BITS "a/d: fetch", A_
    mov eax, [PD]
    and eax, A_ | D_
    CHECK "a/d: directory: accessed only", eax, A_
    PTE P
    FAULT_RING 3, "a/d: refused", PF, E_P | E_U, mov eax, [V]
    ENTRY_BITS "a/d: refused: not set", 0
    ; a write that faults in its second page writes nothing in the first
    PTE 0
    mov word [V - 2], 0x1234
    mov eax, 0x55555555
    FAULT "crossing: write", PF, E_W, mov [V - 2], eax
    movzx eax, word [V - 2]
    CHECK "crossing: nothing written", eax, 0x1234
    ; code that is executed often reads, and may write nearby: only a write makes the page dirty, and needs the right to
    PTE P | W | U
    xor edx, edx
    call .read_write
    ENTRY_BITS "often: no write comes", A_
    inc edx
    call .read_write
    ENTRY_BITS "often: a write", A_ | D_
    CHECK "often: written", dword [V + 4], 300
    PTE P | U | D_
    xor edx, edx
    call .read_write
    ENTRY_BITS "often: only to be read", A_ | D_
    PTE P | W | U
    inc edx
    call .read_write
    ENTRY_BITS "often: a write again", A_ | D_
    ret
; DX: whether to write
.read_write:
    mov dword [PAGE_A], 0
    mov ecx, 300
    mov ebx, V
.next:
    mov eax, [ebx]
    inc eax
    test edx, edx
    jz .unwritten
    mov [ebx + 4], eax
    mov [ebx], eax
.unwritten:
    loop .next
    ret
.code:
    lea eax, [V + 0x100]        ; a RET
    jmp eax

; two pages that are accessed in turn, often: what becomes of either is seen
%macro RIVAL 1
    mov dword [PT2 + V_INDEX * 4], %1
    invlpg [V2]
%endmacro
%macro SUM 2
    call rivals.sum
    CHECK %1, eax, %2
%endmacro
rivals:
    PTE P | W | U
    mov dword [PD + 8], PT2 | P | W | U
    RIVAL PAGE_B | P | W | U
    mov dword [PAGE_A], 1
    mov dword [PAGE_B], 0x10000
    mov dword [PAGE_C], 0x100
    SUM "rivals: both", 200 * 0x10001
    mov eax, [PAGE_A + 8]
    shl eax, 16
    add eax, [PAGE_B + 8]
    CHECK "rivals: written", eax, 0x10001
    RIVAL PAGE_C | P | W | U
    SUM "rivals: another page", 200 * 0x101
    mov dword [PT2 + V_INDEX * 4], PAGE_B | P | W | U
    mov eax, cr3
    mov cr3, eax
    SUM "rivals: CR3 loaded", 200 * 0x10001
    mov eax, [PT2 + V_INDEX * 4]
    and eax, A_ | D_
    CHECK "rivals: accessed and dirty", eax, A_ | D_
    RIVAL PAGE_B | P | W
    SUM "rivals: for the supervisor only", 200 * 0x10001
    PAGE_FAULT_3 "rivals: user", E_P | E_U, V2, mov eax, [V2]
    mov eax, cr0
    or eax, CR0_WP
    mov cr0, eax
    RIVAL PAGE_B | P | U
    call .sum_only
    CHECK "rivals: only to be read", eax, 200 * 0x10001
    mov edi, 8                  ; not every miss takes the same way
.attempt:
    mov ecx, edi
    xor eax, eax
    call .next_read
    mov [trap.resume], dword .caught
    mov [trap.esp], esp
    mov [trap.vector], dword -1
    mov ecx, 200
    call .next
.caught:
    FAULT_CHECK "rivals: not to be written", PF, E_P | E_W, .store
    CHECK "rivals: not to be written", dword [trap.cr2], V2 + 8
    CHECK "rivals: not written", dword [PAGE_B + 8], 1
    dec edi
    jnz .attempt
    mov eax, cr0
    and eax, ~CR0_WP
    mov cr0, eax
    mov dword [PD + 8], 0
    invlpg [V2]
    mov dword [PAGE_A], 0xaaaaaaaa
    mov dword [PAGE_B], 0xbbbbbbbb
    mov dword [PAGE_C], 0xcccccccc
    ret
.sum:
    mov ecx, 200
    xor eax, eax
.next:
    add eax, [V]
    add eax, [V2]
    mov [V + 8], ecx
.store:
    mov [V2 + 8], ecx
    loop .next
    ret
.sum_only:
    mov ecx, 200
    xor eax, eax
.next_read:
    add eax, [V]
    add eax, [V2]
    loop .next_read
    ret

; what the TLB may keep, and what makes it forget
translation_cache:
    PTE P | W | U
    mov dword [V], 0xaaaaaaaa
    CHECK "tlb: A", dword [V], 0xaaaaaaaa
    mov dword [PT + V_INDEX * 4], PAGE_B | P | W | U
    invlpg [V + 77]
    CHECK "tlb: invlpg: B", dword [V], 0xbbbbbbbb
    mov dword [PT + V_INDEX * 4], PAGE_C | P | W | U
    mov eax, cr3
    mov cr3, eax
    CHECK "tlb: mov cr3: C", dword [V], 0xcccccccc
    ; not present to present needs nothing
    PTE 0
    FAULT "tlb: not present", PF, 0, mov eax, [V]
    mov dword [PT + V_INDEX * 4], PAGE_A | P | W | U
    CHECK "tlb: absence is not cached", dword [V], 0xaaaaaaaa
    ; more rights: the fault drops the entry
    PTE P | U
    mov eax, [V]
    mov eax, cr0
    or eax, CR0_WP
    mov cr0, eax
    FAULT "tlb: read-only", PF, E_P | E_W, mov [V], eax
    or dword [PT + V_INDEX * 4], W
    FINE "tlb: more rights need no invlpg after a fault", mov dword [V], 0xaaaaaaaa
    mov eax, cr0
    and eax, ~CR0_WP
    mov cr0, eax
    ; global
    SET_CR4 CR4_PGE
    PTE P | W | U | G_
    mov eax, [V]
    mov dword [PT + V_INDEX * 4], PAGE_B | P | W | U | G_
    invlpg [V]
    CHECK "global: invlpg", dword [V], 0xbbbbbbbb
    mov dword [PT + V_INDEX * 4], PAGE_C | P | W | U | G_
    CLEAR_CR4 CR4_PGE
    CHECK "global: cr4.pge cleared", dword [V], 0xcccccccc
    ; CR0.PG off and on
    PTE P | W | U
    ret

large:
    ; without PSE the bit means nothing: 32-bit paging reads the frame as a table
    SET_CR4 CR4_PSE
    mov dword [PD + 4], 0 | P | W | U | PS     ; 4 MiB at 4 MiB: physical 0
    mov eax, cr3
    mov cr3, eax
    CHECK "4 MiB page", dword [0x400000 + PAGE_B], 0xbbbbbbbb
    mov eax, [PD + 4]
    and eax, A_ | D_
    CHECK "4 MiB page: accessed", eax, A_
    mov dword [0x400000 + PAGE_B], 0xb0b0b0b0
    mov eax, [PD + 4]
    and eax, A_ | D_
    CHECK "4 MiB page: dirty", eax, A_ | D_
    CHECK "4 MiB page: alias", dword [PAGE_B], 0xb0b0b0b0
    mov dword [PAGE_B], 0xbbbbbbbb
    mov dword [PD + 4], 0 | P | W | U | PS | 1 << 21
    mov eax, cr3
    mov cr3, eax
    FAULT "4 MiB page: reserved bit", PF, E_P | E_R, mov eax, [0x400000]
    mov dword [PD + 4], 0
    mov eax, cr3
    mov cr3, eax
    CLEAR_CR4 CR4_PSE
    ret

; SMEP and SMAP: with user pages everywhere they would stop ourselves, so our own become supervisor pages
smep_smap:
    mov ecx, 0x3f0
    mov esi, PT
.own:
    and dword [esi], ~U
    add esi, 4
    loop .own
    PTE P | W | U
    mov eax, cr3
    mov cr3, eax
    FINE "user code at ring 0 without SMEP", call V + 0x100
    SET_CR4 CR4_SMEP
    mov [trap.resume], dword .smep
    mov [trap.esp], esp
    mov [trap.vector], dword -1
    call V + 0x100
.smep:
    FAULT_CHECK "smep: fetch", PF, E_P | E_I, V + 0x100
    FINE "smep: read", mov eax, [V]
    CLEAR_CR4 CR4_SMEP
    SET_CR4 CR4_SMAP
    PAGE_FAULT "smap: read", E_P, V, mov eax, [V]
    PAGE_FAULT "smap: write", E_P | E_W, V, mov [V], eax
    stac
    FINE "smap: stac", mov eax, [V]
    FINE "smap: stac: write", mov [V], eax
    clac
    PAGE_FAULT "smap: clac", E_P, V, mov eax, [V]
    FINE "smap: fetch is SMEP's business", call V + 0x100
    CLEAR_CR4 CR4_SMAP
    ret

; ---- PAE
NX_HIGH equ 0x80000000
%macro PTE_P 2
    mov dword [PT_P + (V_INDEX & 511) * 8], PAGE_A | (%1)
    mov dword [PT_P + (V_INDEX & 511) * 8 + 4], %2
    invlpg [V]
%endmacro
pae:
    mov edi, PDPT
    mov ecx, 3 * 1024
    xor eax, eax
    rep stosd
    mov dword [PDPT], PD_P | P
    mov dword [PD_P], 0 | P | W | U | PS        ; the first 2 MiB at once
    mov dword [PD_P + 8], PT_P | P | W | U
    mov edi, PT_P
    mov eax, 0x200000 | P | W | U
    mov ecx, 512
.next:
    mov [edi], eax
    mov dword [edi + 4], 0
    add edi, 8
    add eax, 0x1000
    loop .next
    mov eax, CR4_PAE
    mov cr4, eax
    mov eax, PDPT
    mov cr3, eax
    mov eax, cr0
    or eax, CR0_PG
    mov cr0, eax
    PTE_P P | W | U, 0
    CHECK "pae: read", dword [V], 0xaaaaaaaa
    PTE_P 0, 0
    PAGE_FAULT "pae: not present", 0, V, mov eax, [V]
    PTE_P P | W | U, 0x40000000
    PAGE_FAULT "pae: reserved bit 62", E_P | E_R, V, mov eax, [V]
    PTE_P P | W | U, NX_HIGH
    PAGE_FAULT "pae: NX is reserved without EFER.NXE", E_P | E_R, V, mov eax, [V]
    mov ecx, MSR_EFER
    rdmsr
    or eax, EFER_NXE
    wrmsr
    PTE_P P | W | U, NX_HIGH
    FINE "pae: NX: data", mov eax, [V]
    mov [trap.resume], dword .nx
    mov [trap.esp], esp
    mov [trap.vector], dword -1
    call V + 0x100
.nx:
    FAULT_CHECK "pae: NX: fetch", PF, E_P | E_I, V + 0x100
    PTE_P P | W | U, 0
    FINE "pae: fetch without NX", call V + 0x100
    PTE_P 0, 0
    mov [trap.resume], dword .absent
    mov [trap.esp], esp
    mov [trap.vector], dword -1
    call V + 0x100
.absent:
    FAULT_CHECK "pae: fetch, not present: I bit with NXE", PF, E_I, V + 0x100
    ; NX in the directory counts
    PTE_P P | W | U, 0
    mov dword [PD_P + 12], NX_HIGH
    mov eax, cr3
    mov cr3, eax
    mov [trap.resume], dword .nx2
    mov [trap.esp], esp
    mov [trap.vector], dword -1
    call V + 0x100
.nx2:
    FAULT_CHECK "pae: NX in the directory", PF, E_P | E_I, V + 0x100
    mov dword [PD_P + 12], 0
    mov eax, cr3
    mov cr3, eax
    ; the four PDPTEs are loaded with CR3, not looked at again
    mov dword [PDPT + 8], PD_P | P
    FAULT "pae: pdpte not yet loaded", PF, 0, mov eax, [0x40000000]
    mov eax, cr3
    mov cr3, eax
    mov eax, [0x40000000 + PAGE_B]
    CHECK "pae: pdpte loaded", eax, 0xbbbbbbbb
    mov dword [PDPT + 8], PD_P | P | W
    mov eax, cr3
    FAULT "pae: pdpte with a reserved bit", GP, 0, mov cr3, eax
    mov dword [PDPT + 8], 0
    mov eax, cr3
    mov cr3, eax
    ; rights: accessed and dirty
    PTE_P P | W | U, 0
    mov [V], dword 0xaaaaaaaa
    mov eax, [PT_P + (V_INDEX & 511) * 8]
    and eax, A_ | D_
    CHECK "pae: a/d", eax, A_ | D_
    ret

pae_large:
    mov dword [PD_P + 16], 0 | P | W | U | PS
    CHECK "pae: 2 MiB page", dword [0x400000 + PAGE_C], 0xcccccccc
    mov dword [PD_P + 16], 0x2000 | P | W | U | PS
    invlpg [0x400000]
    FAULT "pae: 2 MiB page, reserved bit", PF, E_P | E_R, mov eax, [0x400000]
    ; four CR3-independent ways: INVLPG drops a large page whole
    mov dword [PD_P + 16], 0 | P | W | U | PS
    mov eax, [0x400000 + PAGE_B]
    mov eax, [0x400000 + PAGE_C]
    mov dword [PD_P + 16], 0x200000 | P | W | U | PS
    invlpg [0x500000]
    mov dword [0x400000 + PAGE_B], 0x77777777
    CHECK "pae: invlpg drops all of a large page", dword [PAGE_B], 0xbbbbbbbb
    ret

END_OF_TEST
