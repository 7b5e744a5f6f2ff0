; paging.asm: page faults in 32-bit and PAE paging: each right, reserved bits, error codes, page boundaries, faults of implicit accesses
; and during delivery. SDM Vol. 3A chapter 4, 6.15.

%include "isa.inc"

PD   equ 0x50000                ; 32-bit: directory and the table of the first 4 MiB
PT   equ 0x51000
PDPT equ 0x52000                ; PAE
PD_P equ 0x53000
PT_P equ 0x54000                ; of the second 2 MiB
V    equ 0x3f0000               ; linear addresses under test: three pages; the first two are FREE's
V2   equ V + 0x1000
V3   equ V + 0x2000             ; never present
P equ 1
W equ 2
U equ 4
A_ equ 0x20
D_ equ 0x40
PS equ 0x80

%macro CR4_SET 1
    mov eax, cr4
    or eax, %1
    mov cr4, eax
%endmacro
; PAGING flags of the low pages, CR4 bits: FREE at V and V2, user and writable unless PTE says otherwise. WP is on.
%macro PAGING 2
    push dword %1
    call build32
    CR4_SET %2
    call paging_on
%endmacro
%macro PTE 2                    ; page (0, 1), flags
    mov dword [PT + (V >> 12) * 4 + 4 * (%1)], FREE + 0x1000 * (%1) + (%2)
    invlpg [V + 0x1000 * (%1)]
%endmacro
%macro PAE 2
    push dword %1
    call build_pae
    CR4_SET CR4_PAE | (%2)
    call paging_on_pae
%endmacro
%macro PTE_P 3                  ; page, flags, upper half
    mov dword [PT_P + ((V >> 12) & 0x1ff) * 8 + 8 * (%1)], FREE + 0x1000 * (%1) + (%2)
    mov dword [PT_P + ((V >> 12) & 0x1ff) * 8 + 8 * (%1) + 4], %3
    invlpg [V + 0x1000 * (%1)]
%endmacro
%macro NXE 1
    push ecx
    push edx
    mov ecx, MSR_EFER
    mov eax, %1
    xor edx, edx
    wrmsr
    pop edx
    pop ecx
%endmacro

build32:
    pushad
    mov edi, PD
    mov ecx, 0x800
    xor eax, eax
    rep stosd
    mov dword [PD], PT | P | W | U
    mov edi, PT
    mov eax, [esp + 36]
    or eax, P | W | A_ | D_
    mov ecx, V >> 12
.page:
    stosd
    add eax, 0x1000
    loop .page
    mov dword [PT + (V >> 12) * 4], FREE | P | W | U
    mov dword [PT + (V >> 12) * 4 + 4], FREE + 0x1000 | P | W | U
    popad
    ret 4
paging_on:
    mov eax, PD
    mov cr3, eax
    mov eax, cr0
    or eax, CR0_PG | CR0_WP
    mov cr0, eax
    ret
build_pae:
    pushad
    mov edi, PDPT
    mov ecx, 0xc00
    xor eax, eax
    rep stosd
    mov dword [PDPT], PD_P | P
    mov eax, [esp + 36]
    or eax, P | W | A_ | D_ | PS
    mov dword [PD_P], eax
    mov dword [PD_P + 8], PT_P | P | W | U
    mov dword [PT_P + ((V >> 12) & 0x1ff) * 8], FREE | P | W | U
    mov dword [PT_P + ((V >> 12) & 0x1ff) * 8 + 8], FREE + 0x1000 | P | W | U
    popad
    ret 4
paging_on_pae:
    mov eax, PDPT
    mov cr3, eax
    mov eax, cr0
    or eax, CR0_PG | CR0_WP
    mov cr0, eax
    ret

; NEG_PF rule, what, error, CR2, ring, instruction: page 0 with the flags of %%: FIRST and SECOND give the two pages
%macro NEG_PF 6+
    NEG %1, %2, PF, %3
        PREPARE
        WANT_CR2 %4
        mov esi, V
        mov edi, V
        mov ebx, V
        xor eax, eax
    GO %5
    AT
        %6
    DONE
%endmacro
%macro POS_PF 4+
    POS %1, %2
        PREPARE
        mov esi, V
        mov edi, V
        mov ebx, V
        xor eax, eax
    GO %3
        %4
    DONE
%endmacro
%macro PREPARE 0
%endmacro

cases:
    call present
    call boundaries
    call fetches
    call rights
    call supervisor
    call reserved
    call implicit
    call delivery
    call pae
    call pae_tables
    call long_entry
    ret

present:
    %unmacro PREPARE 0
    %macro PREPARE 0
        PAGING U, 0
        PTE 0, W | U
    %endmacro
    NEG_PF PF_NOT_PRESENT, "read", 0, V, 0, mov eax, [V]
    NEG_PF PF_NOT_PRESENT, "read, last byte", 0, V + 0xfff, 0, mov al, [V + 0xfff]
    NEG_PF PF_NOT_PRESENT, "write", E_W, V + 4, 0, mov [V + 4], eax
    NEG_PF PF_NOT_PRESENT, "read, ring 3", E_U, V, 3, mov eax, [V]
    NEG_PF PF_NOT_PRESENT, "write, ring 3", E_U | E_W, V, 3, mov [V], al
    NEG_PF PF_NOT_PRESENT, "write, ring 2 is supervisor", E_W, V, 2, mov [V], al
    NEG_PF PF_NOT_PRESENT, "read-modify-write", E_W, V, 0, add [V], eax
    NEG_PF PF_NOT_PRESENT, "xchg", E_W, V, 0, xchg [V], eax
    NEG_PF PF_NOT_PRESENT, "lock cmpxchg", E_W, V, 0, lock cmpxchg [V], ecx
    NEG_PF PF_NOT_PRESENT, "cmpxchg8b", E_W, V, 0, cmpxchg8b [V]
    NEG_PF PF_NOT_PRESENT, "bts", E_W, V, 0, bts [V], eax
    NEG_PF PF_NOT_PRESENT, "shl", E_W, V, 0, shl dword [V], 1
    NEG_PF PF_NOT_PRESENT, "cmp only reads", 0, V, 0, cmp [V], eax
    NEG_PF PF_NOT_PRESENT, "bt only reads", 0, V, 0, bt [V], eax
    NEG_PF PF_NOT_PRESENT, "movs, source", 0, V, 0, movsd
    NEG_PF PF_NOT_PRESENT, "stos", E_W, V, 0, stosd
    NEG_PF PF_NOT_PRESENT, "scas", 0, V, 0, scasb
    NEG_PF PF_NOT_PRESENT, "push memory", 0, V, 0, push dword [V]
    NEG_PF PF_NOT_PRESENT, "pop memory", E_W, V, 0, pop dword [V]
    NEG_PF PF_NOT_PRESENT, "fld", 0, V, 0, fld tword [V]
    NEG_PF PF_NOT_PRESENT, "fstp: the stack stays", E_W, V, 0, fst qword [V]
    NEG_PF PF_NOT_PRESENT, "movaps, store", E_W, V, 0, movaps [V], xmm0
    NEG_PF PF_NOT_PRESENT, "fxsave", E_W, V, 0, fxsave [V]
    NEG_PF PF_NOT_PRESENT, "lgdt", 0, V, 0, lgdt [V]
    NEG_PF PF_NOT_PRESENT, "sgdt", E_W, V, 0, sgdt [V]
    NEG_PF PF_NOT_PRESENT, "mov from a segment register", E_W, V, 0, mov [V], ds
    NEG_PF PF_NOT_PRESENT, "bound", 0, V, 0, bound eax, [V]
    NEG_PF PF_NOT_PRESENT, "xlat", 0, V, 0, xlatb
    NEG_PF PF_NOT_PRESENT, "jmp through memory", 0, V, 0, jmp [V]
    NEG_PF PF_NOT_PRESENT, "call through memory pushes nothing", 0, V, 0, call [V]
    POS_PF PF_NOT_PRESENT, "prefetch, lea, invlpg never fault", 0, {prefetcht0 [V]}
    POS_PF PF_NOT_PRESENT, "rep with ECX 0", 0, call .rep_zero
    %unmacro PREPARE 0
    %macro PREPARE 0
        PAGING U, 0
        mov dword [PD], PT | W | U | P
        mov dword [PD + 4], 0
    %endmacro
    NEG_PF PF_NOT_PRESENT, "directory entry", 0, 0x400000, 0, mov eax, [0x400000]
    NEG_PF PF_NOT_PRESENT, "top of the address space, ring 3", E_U | E_W, 0xfffffffc, 3, mov [0xfffffffc], eax
    POS_PF PF_NOT_PRESENT, "present", 3, mov eax, [V]
    POS_PF PF_NOT_PRESENT, "write", 0, mov [V], eax
    IS "accessed and dirty", dword [PT + (V >> 12) * 4], FREE | P | W | U | A_ | D_
    POS_PF PF_NOT_PRESENT, "read only", 0, mov eax, [V2]
    IS "accessed, not dirty", dword [PT + (V2 >> 12) * 4], FREE + 0x1000 | P | W | U | A_
    ret
.rep_zero:
    xor ecx, ecx
    rep movsd
    ret

; ---- across two pages: the second is not there
boundaries:
    %unmacro PREPARE 0
    %macro PREPARE 0
        PAGING U, 0
        PTE 1, W | U
    %endmacro
    NEG_PF PF_NOT_PRESENT, "read across", 0, V2, 0, mov eax, [V + 0xffe]
    NEG_PF PF_NOT_PRESENT, "write across leaves the first page", E_W, V2, 0, mov [V + 0xfff], eax
    NEG_PF PF_NOT_PRESENT, "word", E_U | E_W, V2, 3, mov [V + 0xfff], ax
    NEG_PF PF_NOT_PRESENT, "read-modify-write", E_W, V2, 0, inc dword [V + 0xffd]
    NEG_PF PF_NOT_PRESENT, "qword store", E_W, V2, 0, fstp qword [V + 0xffc]
    NEG_PF PF_NOT_PRESENT, "tword store", E_W, V2, 0, fstp tword [V + 0xff8]
    NEG_PF PF_NOT_PRESENT, "xmm store", E_W, V2, 0, movups [V + 0xff8], xmm0
    NEG_PF PF_NOT_PRESENT, "xmm load", 0, V2, 0, movups xmm0, [V + 0xff1]
    NEG_PF PF_NOT_PRESENT, "fnsave", E_W, V2, 0, fnsave [V + 0xfa0]
    NEG_PF PF_NOT_PRESENT, "fxsave", E_W, V2, 0, fxsave [V + 0xf00]
    NEG_PF PF_NOT_PRESENT, "sgdt", E_W, V2, 0, sgdt [V + 0xffb]
    NEG_PF PF_NOT_PRESENT, "cmpxchg8b", E_W, V2, 0, cmpxchg8b [V + 0xffc]
    NEG_PF PF_NOT_PRESENT, "far pointer", 0, V2, 0, lfs eax, [V + 0xffc]
    NEG_PF PF_NOT_PRESENT, "bound", 0, V2, 0, bound eax, [V + 0xffc]
    %macro ON_STACK 4+          ; what, CR2, ESP, instruction: ring 3
    NEG PF_NOT_PRESENT, %1, PF, E_U | E_W
        PREPARE
        WANT_CR2 %2
    GO 3
        mov esp, %3
        mov ebp, esp
    AT
        %4
    DONE
    %endmacro
    ; stacks grow down: the upper page is written first
    ON_STACK "push across", V2, V2 + 2, push eax
    ON_STACK "pusha across: nothing is written", V2 + 0xc, V2 + 16, pushad
    ON_STACK "pushf across", V2, V2 + 3, pushfd
    ON_STACK "call", V2, V2 + 1, call boundaries
    ON_STACK "enter", V2 + 0x00, V2 + 4, enter 0, 0
    ON_STACK "call far", V2, V2 + 4, call SEL_CODE3:boundaries
    ; REP: what came before the boundary has happened
    NEG PF_NOT_PRESENT, "rep stos stops at the boundary", PF, E_W
        REGS_CHANGE
        MEMORY_CHANGES
        PREPARE
        WANT_CR2 V2
        mov edi, V + 0xff0
        mov eax, 0xa0a1a2a3
        mov ecx, 100
    AT
        rep stosd
    DONE
    IS "rep stos: ECX", dword [seen.ecx], 96
    IS "rep stos: EDI", dword [seen.edi], V2
    IS "rep stos: last dword", dword [FREE + 0xffc], 0xa0a1a2a3
    NEG PF_NOT_PRESENT, "rep stos, a dword across", PF, E_W
        REGS_CHANGE
        MEMORY_CHANGES
        PREPARE
        WANT_CR2 V2
        mov edi, V + 0xff2
        mov eax, 0xa0a1a2a3
        mov ecx, 100
    AT
        rep stosd
    DONE
    IS "rep stos across: ECX", dword [seen.ecx], 97
    IS "rep stos across: EDI", dword [seen.edi], V + 0xffe
    IS "rep stos across: nothing of it", dword [FREE + 0xffc], 0x5a5aa0a1
    NEG PF_NOT_PRESENT, "rep movs, source", PF, 0
        REGS_CHANGE
        MEMORY_CHANGES
        PREPARE
        WANT_CR2 V2
        mov esi, V + 0xffd
        mov edi, V
        mov ecx, 100
    AT
        rep movsb
    DONE
    IS "rep movs: ECX", dword [seen.ecx], 97
    IS "rep movs: EDI", dword [seen.edi], V + 3
    NEG PF_NOT_PRESENT, "rep movs downwards", PF, 0
        REGS_CHANGE
        MEMORY_CHANGES
        PREPARE
        PTE 0, W | U
        PTE 1, P | W | U
        WANT_CR2 V + 0xfff
        mov esi, V2 + 2
        mov edi, V2 + 0x100
        mov ecx, 100
        std
    AT
        rep movsb
    DONE
    IS "rep movs downwards: ECX", dword [seen.ecx], 97
    NEG PF_NOT_PRESENT, "repe cmps", PF, 0
        REGS_CHANGE
        PREPARE
        WANT_CR2 V2
        mov esi, V + 0xffc
        mov edi, V
        mov ecx, 100
    AT
        repe cmpsb
    DONE
    IS "repe cmps: ECX", dword [seen.ecx], 96
    NEG PF_NOT_PRESENT, "rep ins writes before it reads the port", PF, E_W
        REGS_CHANGE
        PREPARE
        WANT_CR2 V2
        mov edi, V2
        mov ecx, 4
        mov dx, 0x80
    AT
        rep insb
    DONE
    IS "rep ins: ECX", dword [seen.ecx], 4
    POS PF_NOT_PRESENT, "across two pages that are there"
        PAGING U, 0
        mov dword [V + 0xffe], 0x12345678
        mov eax, [V + 0xffe]
    DONE
    IS "value across", dword [seen.eax], 0x12345678
    ; the linear address wraps around at 4 GiB: segment base FFFFF000h
    NEG PF_NOT_PRESENT, "base and offset wrap around", PF, 0
        PREPARE
        WANT_CR2 0xfffffffe
        SEG T0, 0xfffff000, 0xfffff, D_DATA, G_32 | G_PAGES
        LOAD es, T0
    AT
        mov eax, [es:0xffe]
    DONE
    ret

; ---- instructions
fetches:
    %unmacro PREPARE 0
    %macro PREPARE 0
        PAGING U, 0
        PTE 1, W | U
    %endmacro
    NEG PF_NOT_PRESENT, "jump to it", PF, 0
        PREPARE
        WANT_CR2 V2
        WANT_EIP V2
        mov eax, V2
    AT
        jmp eax
    DONE
    NEG PF_NOT_PRESENT, "jump to it, ring 3", PF, E_U
        PREPARE
        WANT_CR2 V2 + 0x123
        WANT_EIP V2 + 0x123
        mov eax, V2 + 0x123
    GO 3
    AT
        jmp eax
    DONE
    NEG PF_NOT_PRESENT, "jump to it, the fetch bit with SMEP", PF, E_I
        PAGING 0, CR4_SMEP
        WANT_CR2 V3
        WANT_EIP V3
        mov eax, V3
    AT
        jmp eax
    DONE
    NEG PF_NOT_PRESENT, "an instruction across", PF, 0
        mov word [FREE + 0xffe], 0x00b8
        PREPARE
        WANT_CR2 V2
        WANT_EIP V + 0xffe
        mov eax, V + 0xffe
    AT
        jmp eax
    DONE
    NEG PF_NOT_PRESENT, "one prefix before the boundary", PF, 0
        mov byte [FREE + 0xfff], 0x66
        PREPARE
        WANT_CR2 V2
        WANT_EIP V + 0xfff
        mov eax, V + 0xfff
    AT
        jmp eax
    DONE
    NEG PF_NOT_PRESENT, "falling into it", PF, 0
        mov byte [FREE + 0xfff], 0x90
        PREPARE
        WANT_CR2 V2
        WANT_EIP V2
        mov eax, V + 0xfff
    AT
        jmp eax
    DONE
    NEG GP_LENGTH, "15 prefixes before the boundary: the next page is not looked at", GP, 0
        mov edi, FREE + 0xff1
        mov ecx, 15
        mov al, 0x66
        rep stosb
        PREPARE
        WANT_EIP V + 0xff1
        mov eax, V + 0xff1
    AT
        jmp eax
    DONE
    NEG PF_NOT_PRESENT, "14 prefixes, then the boundary", PF, 0
        mov edi, FREE + 0xff2
        mov ecx, 14
        mov al, 0x66
        rep stosb
        PREPARE
        WANT_CR2 V2
        WANT_EIP V + 0xff2
        mov eax, V + 0xff2
    AT
        jmp eax
    DONE
    NEG UD_UD, "complete before the boundary", UD, 0
        mov word [FREE + 0xffe], 0x0b0f
        PREPARE
        WANT_EIP V + 0xffe
        mov eax, V + 0xffe
    AT
        jmp eax
    DONE
    NEG PF_NOT_PRESENT, "a return to it", PF, 0
        REGS_CHANGE
        PREPARE
        WANT_CR2 V2
        WANT_EIP V2
        push dword V2
    AT
        ret
    DONE
    NEG PF_NOT_PRESENT, "call: the return address has been pushed", PF, 0
        REGS_CHANGE
        PREPARE
        WANT_CR2 V2
        WANT_EIP V2
        mov eax, V2
    AT
        call eax
    DONE
    mov eax, [was.esp]
    sub eax, 4
    IS "call: ESP", dword [seen.esp], eax
    POS PF_NOT_PRESENT, "an instruction across two pages that are there"
        mov byte [FREE + 0xffe], 0xb8
        mov dword [FREE + 0xfff], 0x12345678
        mov byte [FREE + 0x1003], 0xc3
        PAGING U, 0
        mov ecx, V + 0xffe
        call ecx
    DONE
    IS "immediate across", dword [seen.eax], 0x12345678
    ret

; a breakpoint comes before the fetch: SDM Vol. 3A 6.9
    %macro BREAKPOINT_FIRST 0
    NEG DB_INSTRUCTION, "on a page that is not present", DB_, 0
        PAGING U, 0
        PTE 0, W | U
        WANT_DR6 0xffff0ff1
        WANT_EIP V
        mov eax, V
        mov dr0, eax
        mov ecx, 2
        mov dr7, ecx
    AT
        jmp eax
    DONE
    %endmacro

; ---- user and supervisor, write: SDM Vol. 3A 4.6.1
rights:
    BREAKPOINT_FIRST
    %unmacro PREPARE 0
    %macro PREPARE 0
        PAGING U, 0
        PTE 0, P | W
    %endmacro
    NEG_PF PF_USER, "read", E_P | E_U, V, 3, mov eax, [V]
    NEG_PF PF_USER, "write", E_P | E_U | E_W, V, 3, mov [V], eax
    NEG_PF PF_USER, "across, from a user page", E_P | E_U, V2 - 0x1000, 3, mov eax, [V]
    POS_PF PF_USER, "ring 2", 2, mov eax, [V]
    POS_PF PF_USER, "ring 0", 0, mov [V], eax
    NEG PF_USER, "fetch", PF, E_P | E_U
        PREPARE
        WANT_CR2 V
        WANT_EIP V
        mov eax, V
    GO 3
    AT
        jmp eax
    DONE
    NEG PF_USER, "vm86", PF, E_P | E_U
        PAGING U, 0
        mov dword [PT + (FREE >> 12) * 4], FREE | P | W
        invlpg [FREE]
        WANT_CR2 FREE
    GO_V86 0x3000
    AT16
        mov ax, [0]
    DONE16
    NEG PF_USER, "directory entry", PF, E_P | E_U
        PAGING U, 0
        mov dword [PD + 4], PT | P | W
        WANT_CR2 V + 0x400000
    GO 3
    AT
        mov eax, [V + 0x400000]
    DONE
    %unmacro PREPARE 0
    %macro PREPARE 0
        PAGING U, 0
        PTE 0, P | U
    %endmacro
    NEG_PF PF_WRITE, "ring 3", E_P | E_U | E_W, V, 3, mov [V], eax
    NEG_PF PF_WRITE, "ring 0 with WP", E_P | E_W, V, 0, mov [V], eax
    NEG_PF PF_WRITE, "read-modify-write", E_P | E_W, V + 8, 0, inc dword [V + 8]
    NEG_PF PF_WRITE, "a locked one that does not store", E_P | E_W, V, 0, lock cmpxchg [V], ecx
    NEG_PF PF_WRITE, "into it, from the page before", E_P | E_W, V, 0, mov [V - 2], eax
    NEG_PF PF_WRITE, "out of it, into the next page", E_P | E_W, V + 0xffe, 0, mov [V + 0xffe], eax
    POS_PF PF_WRITE, "read", 3, mov eax, [V]
    POS PF_WRITE, "ring 0 without WP"
        PREPARE
        mov eax, cr0
        and eax, ~CR0_WP
        mov cr0, eax
        mov [V], eax
    DONE
    NEG PF_WRITE, "ring 3 without WP", PF, E_P | E_U | E_W
        PREPARE
        mov eax, cr0
        and eax, ~CR0_WP
        mov cr0, eax
        WANT_CR2 V
    GO 3
    AT
        mov [V], eax
    DONE
    NEG PF_WRITE, "directory entry", PF, E_P | E_W
        PAGING U, 0
        mov dword [PD + 4], PT | P | U
        WANT_CR2 V + 0x400000
    AT
        mov [V + 0x400000], eax
    DONE
    NEG PF_USER, "rights before write protection", PF, E_P | E_U | E_W
        PAGING U, 0
        PTE 0, P
        WANT_CR2 V
    GO 3
    AT
        mov [V], eax
    DONE
    ret

; ---- SMEP, SMAP: the low pages are the supervisor's
supervisor:
    NEG PF_SMEP, "ring 0", PF, E_P | E_I
        PAGING 0, CR4_SMEP
        WANT_CR2 V
        WANT_EIP V
        mov eax, V
    AT
        jmp eax
    DONE
    POS PF_SMEP, "reading is fine; without SMEP it runs"
        mov byte [FREE], 0xc3
        PAGING 0, CR4_SMEP
        mov al, [V]
        mov eax, cr4
        and eax, ~CR4_SMEP
        mov cr4, eax
        mov ecx, V
        call ecx
    DONE
    POS PF_SMEP, "a supervisor's page"
        mov byte [FREE], 0xc3
        PAGING 0, CR4_SMEP
        PTE 0, P | W
        mov ecx, V
        call ecx
    DONE
    NEG PF_SMAP, "read", PF, E_P
        PAGING 0, CR4_SMAP
        WANT_CR2 V
    AT
        mov eax, [V]
    DONE
    NEG PF_SMAP, "write", PF, E_P | E_W
        PAGING 0, CR4_SMAP
        WANT_CR2 V
    AT
        mov [V], eax
    DONE
    NEG PF_SMAP, "after clac", PF, E_P
        PAGING 0, CR4_SMAP
        stac
        mov al, [V]
        clac
        WANT_CR2 V + 4
    AT
        mov al, [V + 4]
    DONE
    POS PF_SMAP, "with AC"
        PAGING 0, CR4_SMAP
        stac
        mov eax, [V]
        mov [V], eax
    DONE
    ret

reserved:
    NEG PF_RESERVED, "4 MiB page, PSE-36, bit 21", PF, E_P | E_R
        PAGING U, CR4_PSE
        mov dword [PD + 4], P | W | U | PS | 0x200000
        WANT_CR2 0x400000
    AT
        mov eax, [0x400000]
    DONE
    NEG PF_RESERVED, "4 MiB page, write at ring 3", PF, E_P | E_R | E_U | E_W
        PAGING U, CR4_PSE
        mov dword [PD + 4], P | W | U | PS | 0x200000
        WANT_CR2 0x400010
    GO 3
    AT
        mov [0x400010], eax
    DONE
    NEG PF_RESERVED, "before rights", PF, E_P | E_R | E_U
        PAGING U, CR4_PSE
        mov dword [PD + 4], P | PS | 0x200000
        WANT_CR2 0x400000
    GO 3
    AT
        mov eax, [0x400000]
    DONE
    POS PF_RESERVED, "4 MiB page"
        PAGING U, CR4_PSE
        mov dword [PD + 4], P | W | U | PS
        mov eax, [0x400000 + FREE]
    DONE
    IS "through a 4 MiB page", dword [seen.eax], 0x5a5a5a5a
    POS PF_RESERVED, "without PSE the bit means nothing"
        PAGING U, 0
        mov dword [PD + 4], PT | P | W | U | PS
        mov eax, [V + 0x400000]
    DONE
    ret

; ---- accesses that no operand names: the supervisor's, whatever CPL is
implicit:
    ; the GDT's page at V, so that its second half is V2's
    %macro GDT_AT_V2 2          ; T0 lies at V2; as PAGING
        SEG T0, 0, 0xfffff, D_DATA | 3 << 5, G_32 | G_PAGES
        mov esi, gdt
        mov edi, FREE + 0x1000 - T0
        mov ecx, GDT_COUNT * 8
        rep movsb
        PAGING %1, %2
        mov word [.table], GDT_COUNT * 8 - 1
        mov dword [.table + 2], V2 - T0
        lgdt [.table]
    %endmacro
    NEG PF_NOT_PRESENT, "a descriptor, ring 3", PF, 0
        GDT_AT_V2 U, 0
        PTE 1, W | U
        WANT_CR2 V2
        mov eax, T0 | 3
    GO 3
    AT
        mov es, ax
    DONE
    NEG PF_WRITE, "an accessed bit", PF, E_P | E_W
        GDT_AT_V2 U, 0
        and byte [V2 + 5], 0xfe
        PTE 1, P | U
        WANT_CR2 V2 + 5
        mov eax, T0 | 3
    GO 3
    AT
        mov es, ax
    DONE
    NEG PF_SMAP, "a descriptor in a user's page: AC does not count", PF, E_P
        GDT_AT_V2 0, CR4_SMAP
        PTE 0, P | W
        stac
        WANT_CR2 V2
        mov eax, T0
    AT
        mov es, ax
    DONE
    POS PF_USER, "a descriptor in a supervisor's page, ring 3"
        GDT_AT_V2 U, 0
        PTE 1, P | W
        mov eax, T0 | 3
    GO 3
        mov es, ax
    DONE
    POS PF_WRITE, "an accessed bit that is set already"
        GDT_AT_V2 U, 0
        PTE 1, P | U
        mov eax, T0 | 3
    GO 3
        mov es, ax
    DONE
    ; the TSS: the I/O bitmap, the inner stack
    %macro TSS_AT_V2 1          ; byte %1 of the TSS lies at V2
        mov esi, tss
        mov edi, FREE + 0x1000 - (%1)
        mov ecx, tss_end - tss
        rep movsb
        DESCRIPTOR T1, V2 - (%1), tss_end - tss - 1, D_TSS32, 0
        mov ax, T1
        ltr ax
        PAGING U, 0
    %endmacro
    NEG PF_NOT_PRESENT, "the I/O bitmap", PF, 0
        TSS_AT_V2 tss.bitmap - tss
        PTE 1, W | U
        WANT_CR2 V2 + 0x80 / 8
        mov dx, 0x80
    GO 3
    AT
        in al, dx
    DONE
    NEG PF_NOT_PRESENT, "the inner stack's pointer", PF, 0
        TSS_AT_V2 12
        GATE GDT_ENTRY(T2), SEL_CODE1, .target, D_CALL32 | 3 << 5, 0
        PTE 1, W | U
        WANT_CR2 V2
    GO 3
    AT
        call T2:0
    DONE
    NEG PF_NOT_PRESENT, "the inner stack: a supervisor's write", PF, E_W
        GATE GDT_ENTRY(T2), SEL_CODE1, .target, D_CALL32 | 3 << 5, 0
        mov dword [tss.esp1], V2 + 8
        PAGING U, 0
        PTE 1, W | U
        WANT_CR2 V2 + 4
    GO 3
    AT
        call T2:0
    DONE
    NEG PF_WRITE, "the inner stack", PF, E_W | E_P
        GATE GDT_ENTRY(T2), SEL_CODE1, .target, D_CALL32 | 3 << 5, 0
        mov dword [tss.esp1], V2 + 8
        PAGING U, 0
        PTE 0, P | U
        WANT_CR2 V + 0xffc
    GO 3
    AT
        call T2:0
    DONE
    NEG PF_NOT_PRESENT, "parameters of a gate are read with the caller's rights", PF, E_U
        GATE GDT_ENTRY(T2), SEL_CODE1, .target, D_CALL32 | 3 << 5, 2
        PAGING U, 0
        PTE 1, W | U
        WANT_CR2 V2
    GO 3
        mov esp, V2 - 4
    AT
        call T2:0
    DONE
    NEG PF_NOT_PRESENT, "a new TSS", PF, 0
        DESCRIPTOR T3, V2 - 28, 103, D_TSS32, 0
        PAGING U, 0
        PTE 1, W | U
        WANT_CR2 V2
    AT
        jmp T3:0
    DONE
    POS PF_NOT_PRESENT, "an inner stack that is there"
        GATE GDT_ENTRY(T2), SEL_CODE1, .target, D_CALL32 | 3 << 5, 0
        mov dword [tss.esp1], V2 + 8
        PAGING U, 0
    GO 3
        call T2:0
    DONE
    ret
.target:
    retf
    [section .data]
.table: dw 0
    dd 0
    __SECT__

; ---- SDM Vol. 3A table 6-5 with page faults
delivery:
    %macro IDT_AT_V2 1          ; the entry of vector %1 lies at V2
        mov esi, idt
        mov edi, FREE + 0x1000 - 8 * (%1)
        mov ecx, 0x41 * 8
        rep movsb
        PAGING U, 0
        mov word [.table], 0x41 * 8 - 1
        mov dword [.table + 2], V2 - 8 * (%1)
        lidt [.table]
    %endmacro
    NEG UD_UD+PF_NOT_PRESENT, "benign, page fault", PF, E_W
        GATE IDT_ENTRY(UD), SEL_CODE1, implicit.target, D_INT32, 0
        mov dword [tss.esp1], V2 + 8
        PAGING U, 0
        PTE 1, W | U
        WANT_CR2 V2 + 4
    GO 3
    AT
        ud2
    DONE
    NEG DE_ZERO+PF_NOT_PRESENT, "contributory, page fault: the page fault", PF, E_W
        GATE IDT_ENTRY(DE), SEL_CODE1, implicit.target, D_INT32, 0
        mov dword [tss.esp1], V2 + 8
        PAGING U, 0
        PTE 1, W | U
        WANT_CR2 V2 + 4
        xor ecx, ecx
    GO 3
    AT
        div ecx
    DONE
    NEG PF_NOT_PRESENT+NP_IDT, "page fault, contributory: #DF", DF, 0
        PAGING U, 0
        and byte [IDT_ENTRY(PF) + 5], 0x7f
        WANT_CR2 V3
    AT
        mov eax, [V3]
    DONE
    NEG PF_NOT_PRESENT+PF_NOT_PRESENT, "page fault twice: #DF, CR2 is the second's", DF, 0
        GATE IDT_ENTRY(PF), SEL_CODE1, implicit.target, D_INT32, 0
        mov dword [tss.esp1], V2 + 8
        PAGING U, 0
        PTE 1, W | U
        WANT_CR2 V2 + 4
    GO 3
    AT
        mov eax, [V3]
    DONE
    NEG PF_NOT_PRESENT+GP_HANDLER_TYPE, "page fault, #GP: #DF", DF, 0
        PAGING U, 0
        mov word [IDT_ENTRY(PF) + 2], SEL_DATA0
        WANT_CR2 V3
    AT
        mov eax, [V3]
    DONE
    NEG PF_NOT_PRESENT, "int n, page fault", PF, 0
        PAGING U, 0
        mov word [.table], 0x51 * 8 - 1
        mov dword [.table + 2], V3 - 0x50 * 8
        mov esi, idt
        mov edi, FREE + 0x2000 - 0x50 * 8
        mov ecx, 0x50 * 8
        rep movsb
        lidt [.table]
        WANT_CR2 V3
    AT
        int 0x50
    DONE
    NEG PF_NOT_PRESENT+TS_SS_NULL, "page fault, #TS: #DF", DF, 0
        GATE IDT_ENTRY(PF), SEL_CODE1, implicit.target, D_INT32, 0
        mov dword [tss.ss1], 0
        PAGING U, 0
        WANT_CR2 V3
    GO 3
    AT
        mov eax, [V3]
    DONE
    NEG NP_DATA+PF_NOT_PRESENT+NP_IDT, "contributory, page fault, contributory: #DF", DF, 0
        SEG T0, 0, 0, (D_DATA | 3 << 5) & 0x7f, 0
        GATE IDT_ENTRY(NP), SEL_CODE1, implicit.target, D_INT32, 0
        and byte [IDT_ENTRY(PF) + 5], 0x7f
        mov dword [tss.esp1], V2 + 8
        PAGING U, 0
        PTE 1, W | U
        mov eax, T0 | 3
        WANT_CR2 V2 + 4
    GO 3
    AT
        mov es, ax
    DONE
    ret
    [section .data]
.table: dw 0
    dd 0
    __SECT__

; ---- PAE
pae:
    NEG PF_NOT_PRESENT, "PAE: page", PF, E_W
        PAE U, 0
        PTE_P 0, W | U, 0
        WANT_CR2 V
    AT
        mov [V], eax
    DONE
    NEG PF_NOT_PRESENT, "PAE: directory entry", PF, E_U
        PAE U, 0
        WANT_CR2 0x400000
    GO 3
    AT
        mov eax, [0x400000]
    DONE
    NEG PF_NOT_PRESENT, "PAE: directory pointer", PF, 0
        PAE U, 0
        WANT_CR2 0x80000000
    AT
        mov eax, [0x80000000]
    DONE
    NEG PF_WRITE, "PAE", PF, E_P | E_W
        PAE U, 0
        PTE_P 0, P | U, 0
        WANT_CR2 V
    AT
        mov [V], eax
    DONE
    NEG PF_RESERVED, "PAE: bit 40 of the page's entry, width 40", PF, E_P | E_R
        PAE U, 0
        PTE_P 0, P | W | U, 0x100
        WANT_CR2 V
    AT
        mov eax, [V]
    DONE
    NEG PF_RESERVED, "PAE: bit 52", PF, E_P | E_R
        PAE U, 0
        PTE_P 0, P | W | U, 0x100000
        WANT_CR2 V
    AT
        mov eax, [V]
    DONE
    NEG PF_RESERVED, "PAE: bit 62", PF, E_P | E_R
        PAE U, 0
        PTE_P 0, P | W | U, 0x40000000
        WANT_CR2 V
    AT
        mov eax, [V]
    DONE
    NEG PF_RESERVED, "PAE: bit 63 without NXE", PF, E_P | E_R
        NXE 0
        PAE U, 0
        PTE_P 0, P | W | U, 0x80000000
        WANT_CR2 V
    AT
        mov eax, [V]
    DONE
    NEG PF_RESERVED, "PAE: 2 MiB page, bit 13", PF, E_P | E_R | E_W
        PAE U, 0
        mov dword [PD_P + 16], P | W | U | PS | 0x2000
        WANT_CR2 0x400000
    AT
        mov [0x400000], eax
    DONE
    NEG PF_NOT_PRESENT, "PAE: before reserved bits", PF, 0
        PAE U, 0
        PTE_P 0, W, 0x100
        WANT_CR2 V
    AT
        mov eax, [V]
    DONE
    POS PF_RESERVED, "PAE: ignored bits"
        PAE U, 0
        PTE_P 0, P | W | U | 0xe00, 0
        mov eax, [V]
    DONE
    NEG PF_NX, "PAE: fetch", PF, E_P | E_I
        NXE EFER_NXE
        PAE U, 0
        PTE_P 0, P | W | U, 0x80000000
        WANT_CR2 V
        WANT_EIP V
        mov eax, V
    AT
        jmp eax
    DONE
    NEG PF_NX, "PAE: ring 3, directory entry", PF, E_P | E_I | E_U
        NXE EFER_NXE
        PAE U, 0
        mov dword [PD_P + 12], 0x80000000
        WANT_CR2 V
        WANT_EIP V
        mov eax, V
    GO 3
    AT
        jmp eax
    DONE
    NEG PF_NX, "PAE: second half of an instruction", PF, E_P | E_I
        NXE EFER_NXE
        mov word [FREE + 0xffe], 0x00b8
        PAE U, 0
        PTE_P 1, P | W | U, 0x80000000
        WANT_CR2 V2
        WANT_EIP V + 0xffe
        mov eax, V + 0xffe
    AT
        jmp eax
    DONE
    POS PF_NX, "reading and writing"
        NXE EFER_NXE
        PAE U, 0
        PTE_P 0, P | W | U, 0x80000000
        mov eax, [V]
        mov [V], eax
    DONE
    NEG PF_SMEP, "PAE", PF, E_P | E_I
        NXE 0
        PAE 0, CR4_SMEP
        WANT_CR2 V
        WANT_EIP V
        mov eax, V
    AT
        jmp eax
    DONE
    NXE 0
    ret

; the four pointers are read with CR3 and checked then
pae_tables:
    %macro NEG_PDPTE 3          ; what, low, high
    NEG GP_PDPTE, %1, GP, 0
        PAE U, 0
        mov dword [PDPT + 24], (%2)
        mov dword [PDPT + 28], %3
        mov eax, PDPT
    AT
        mov cr3, eax
    DONE
    %endmacro
    NEG_PDPTE "bit 1", P | 2, 0
    NEG_PDPTE "bit 2", P | 4, 0
    NEG_PDPTE "bit 5", P | 0x20, 0
    NEG_PDPTE "bit 8", P | 0x100, 0
    NEG_PDPTE "bit 40, width 40", P, 0x100
    NEG_PDPTE "bit 63", P, 0x80000000
    NEG GP_PDPTE, "setting CR0.PG", GP, 0
        push dword U
        call build_pae
        or dword [PDPT + 8], P | 2
        CR4_SET CR4_PAE
        mov eax, PDPT
        mov cr3, eax
        mov eax, cr0
        or eax, CR0_PG
    AT
        mov cr0, eax
    DONE
    NEG GP_PDPTE, "setting CR4.PAE", GP, 0
        PAGING U, 0
        mov edi, PDPT
        mov ecx, 0x400
        xor eax, eax
        rep stosd
        mov dword [PDPT + 16], P | 4
        mov esi, PD
        mov edi, PDPT + 0x1000
        mov ecx, 0x400
        rep movsd
        ; the directory doubles as four bad pointers
        mov eax, cr4
        or eax, CR4_PAE
    AT
        mov cr4, eax
    DONE
    NEG GP_PDPTE, "changing CR0.CD", GP, 0
        PAE U, 0
        mov dword [PDPT + 16], P | 2
        mov eax, cr0
        or eax, 0x40000000
    AT
        mov cr0, eax
    DONE
    POS GP_PDPTE, "not present: nothing is looked at"
        PAE U, 0
        mov dword [PDPT + 24], 0x1fe
        mov dword [PDPT + 28], -1
        mov eax, PDPT
        mov cr3, eax
    DONE
    POS GP_PDPTE, "PWT, PCD and the ignored bits 9 to 11"
        PAE U, 0
        mov dword [PDPT + 8], PD_P | P | 0xe18
        mov eax, PDPT
        mov cr3, eax
        mov eax, [0x40000000 + FREE]
    DONE
    POS GP_PDPTE, "memory is not read again before CR3 is loaded"
        PAE U, 0
        mov dword [PDPT], P | 2
        invlpg [V]
        mov eax, [V]
    DONE
    ret

; ---- the way into long mode: SDM Vol. 3A 9.8.5
PML4 equ 0x55000
long_entry:
    %macro LONG_TABLES 1        ; CR4 bits; EFER.LME is set
        push dword U
        call build_pae
        or dword [PDPT], W | U
        mov dword [PML4], PDPT | P | W | U
        mov dword [PML4 + 4], 0
        CR4_SET %1
        NXE EFER_LME
        mov eax, PML4
        mov cr3, eax
    %endmacro
    %macro PG_ON 0
        mov eax, cr0
        or eax, CR0_PG
    %endmacro
    NEG GP_LONG_NO_PAE, "CR4.PAE clear", GP, 0
        LONG_TABLES 0
        PG_ON
    AT
        mov cr0, eax
    DONE
    NEG GP_LONG_CS_L, "CS has L", GP, 0
        LONG_TABLES CR4_PAE
        SEG T0, 0, 0xfffff, D_CODE, G_32 | G_LONG | G_PAGES
        jmp T0:.with_l
.with_l:
        PG_ON
    AT
        mov cr0, eax
    DONE
    NEG GP_LONG_TSS16, "16-bit TSS", GP, 0
        LONG_TABLES CR4_PAE
        DESCRIPTOR T0, tss, 43, D_TSS16, 0
        mov ax, T0
        ltr ax
        PG_ON
    AT
        mov cr0, eax
    DONE
    %macro ENTRY_WORKS 2
    POS %1, %2
        LONG_TABLES CR4_PAE
        PG_ON
        mov cr0, eax
        mov ecx, MSR_EFER
        rdmsr
        mov ebx, eax
        mov eax, cr0
        and eax, ~CR0_PG
        mov cr0, eax
    DONE
    mov eax, [seen.ebx]
    and eax, EFER_LMA
    IS {%2, ": LMA"}, eax, EFER_LMA
    %endmacro
    ENTRY_WORKS GP_LONG_NO_PAE, "with PAE"
    ENTRY_WORKS GP_LONG_CS_L, "CS without L"
    ENTRY_WORKS GP_LONG_TSS16, "32-bit TSS"
    NXE 0
    ret

END_OF_CASES
