; keys.asm: protection keys: RDPKRU, WRPKRU, IA32_PKRS, what they forbid, and that it holds at once for what was accessed before. SDM
; Vol. 3A 4.6.2, 4.7; Vol. 1 13.5.7.

%include "isa64.inc"

CR4_PKE equ 0x400000
CR4_PKS equ 0x1000000
MSR_PKRS equ 0x6e1
OSXSAVE equ 0x40000
V2 equ V + 0x1000
AREA equ FREE64 + 0x1000        ; XSAVE's, also at V2
AD equ 1
WD equ 2

; page of V, flags, key
%macro KEY_PTE 3
    PTE %1, %2
    mov dword [PT_L + 8 * (%1) + 4], (%3) << 27
    invlpg [V + 0x1000 * (%1)]
%endmacro
%macro PKRU 1
    mov eax, %1
    call set_pkru
%endmacro
%macro PKRS 1
    mov eax, %1
    call set_pkrs
%endmacro
%define RIGHTS(key, bits) ((bits) << (2 * (key)))
; keys are on; V has key 1, and what PKRU says of it
%macro USER_KEY 1
    CR4_SET CR4_PKE
    KEY_PTE 0, 7, 1
    PKRU RIGHTS(1, %1)
    mov eax, 0xa0a1a2a3
    mov ebx, V
%endmacro
; V is the supervisor's and has key 2
%macro SUPER_KEY 1
    CR4_SET CR4_PKS
    KEY_PTE 0, 3, 2
    PKRS RIGHTS(2, %1)
    mov eax, 0xa0a1a2a3
    mov ebx, V
%endmacro
%macro WP_OFF 0
    mov rax, cr0
    and eax, ~0x10000
    mov cr0, rax
%endmacro

set_pkru:
    push rcx
    push rdx
    xor ecx, ecx
    xor edx, edx
    wrpkru
    pop rdx
    pop rcx
    ret
set_pkrs:
    push rcx
    push rdx
    mov ecx, MSR_PKRS
    xor edx, edx
    wrmsr
    pop rdx
    pop rcx
    ret

cases:
    call instructions
    call user_keys
    call super_keys
    call both
    call areas
    ret

instructions:
    NEG UD_PKE, "rdpkru", UD, 0
        xor ecx, ecx
    AT
        rdpkru
    DONE
    NEG UD_PKE, "wrpkru, ring 3: before ECX", UD, 0
    GO 3
    AT
        wrpkru
    DONE
    POS UD_PKE, "with CR4.PKE, ring 3"
        CR4_SET CR4_PKE
        PKRU 0
    GO 3
        xor ecx, ecx
        xor edx, edx
        mov eax, 0x55555550
        wrpkru
        mov rax, -1
        mov rdx, -1
        rdpkru
        mov rbx, rax
        mov rsi, rdx
        xor eax, eax
        wrpkru
    DONE
    IS "rdpkru: RAX", qword [seen.rbx], 0x55555550
    IS "rdpkru: RDX", qword [seen.rsi], 0
    NEG UD_LOCK, "wrpkru", UD, 0
        CR4_SET CR4_PKE
    AT
        db 0xf0
        wrpkru
    DONE
    NEG GP_PKRU_ECX, "rdpkru", GP, 0
        CR4_SET CR4_PKE
        mov ecx, 1
    GO 3
    AT
        rdpkru
    DONE
    NEG GP_PKRU_ECX, "wrpkru", GP, 0
        CR4_SET CR4_PKE
        mov ecx, 0x80000000
        xor edx, edx
    AT
        wrpkru
    DONE
    POS GP_PKRU_ECX, "the upper half does not count"
        CR4_SET CR4_PKE
        mov rcx, 0x100000000
        rdpkru
    DONE
    NEG GP_PKRU_EDX, "wrpkru", GP, 0
        CR4_SET CR4_PKE
        xor ecx, ecx
        mov edx, 1
    GO 3
    AT
        wrpkru
    DONE
    POS GP_PKRU_EDX, "the upper half does not count"
        CR4_SET CR4_PKE
        xor ecx, ecx
        mov rdx, 0x100000000
        xor eax, eax
        wrpkru
    DONE
    POS UD_PKE, "CPUID: OSPKE follows CR4.PKE"
        mov eax, 7
        xor ecx, ecx
        cpuid
        mov esi, ecx
        CR4_SET CR4_PKE
        mov eax, 7
        xor ecx, ecx
        cpuid
        xor esi, ecx
        and ecx, 0x80000018
        mov edi, ecx
    DONE
    IS "what has changed", qword [seen.rsi], 0x10
    mov eax, 0x80000018
    IS "PKU, OSPKE, PKS", qword [seen.rdi], rax
    NEG GP_WRMSR, "PKRS: bit 32", GP, 0
        mov ecx, MSR_PKRS
        xor eax, eax
        mov edx, 1
    AT
        wrmsr
    DONE
    NEG GP_PRIVILEGED, "rdmsr of PKRS, ring 3", GP, 0
        mov ecx, MSR_PKRS
    GO 3
    AT
        rdmsr
    DONE
    POS GP_WRMSR, "PKRS, with CR4.PKS clear"
        PKRS 0xfffffffc
        mov ecx, MSR_PKRS
        rdmsr
        mov ebx, eax
        PKRS 0
    DONE
    mov eax, 0xfffffffc
    IS "PKRS", qword [seen.rbx], rax
    ret

; NEG_U rule, what, error code, PKRU's bits, ring, instruction: at V, by RBX
%macro NEG_U 6+
    NEG %1, %2, PF, %3
        USER_KEY %4
        WANT_CR2 V
    GO %5
    AT
        %6
    DONE
%endmacro
%macro POS_U 4+
    POS PF_PKRU_ACCESS, %1
        USER_KEY %2
    GO %3
        %4
    DONE
%endmacro
user_keys:
    NEG_U PF_PKRU_ACCESS, "read", E_P | E_U | E_PK, AD, 3, mov ecx, [rbx]
    NEG_U PF_PKRU_ACCESS, "write", E_P | E_U | E_W | E_PK, AD, 3, mov [rbx], ecx
    NEG_U PF_PKRU_ACCESS, "ring 0", E_P | E_PK, AD, 0, mov ecx, [rbx]
    NEG_U PF_PKRU_ACCESS, "ring 0, write", E_P | E_W | E_PK, AD, 0, mov [rbx], ecx
    NEG_U PF_PKRU_ACCESS, "read-modify-write", E_P | E_U | E_W | E_PK, AD, 3, lock inc dword [rbx]
    NEG_U PF_PKRU_ACCESS, "movups", E_P | E_U | E_PK, AD, 3, movups xmm0, [rbx]
    NEG_U PF_PKRU_ACCESS, "across pages", E_P | E_U | E_PK, AD, 3, mov rcx, [rbx - 4]
    NEG_U PF_PKRU_WRITE, "write", E_P | E_U | E_W | E_PK, WD, 3, mov [rbx], ecx
    NEG_U PF_PKRU_WRITE, "ring 0", E_P | E_W | E_PK, WD, 0, mov [rbx], ecx
    NEG_U PF_PKRU_WRITE, "xadd", E_P | E_U | E_W | E_PK, WD, 3, xadd [rbx], ecx
    POS_U "read, WD", WD, 3, mov ecx, [rbx]
    POS_U "neither", 0, 3, add [rbx], ecx
    POS PF_PKRU_WRITE, "ring 0 without WP"
        USER_KEY WD
        WP_OFF
        mov dword [rbx], 0x11223344
        mov esi, [FREE64]
    DONE
    IS "written", qword [seen.rsi], 0x11223344
    NEG PF_PKRU_WRITE, "ring 3 without WP", PF, E_P | E_U | E_W | E_PK
        USER_KEY WD
        WP_OFF
        WANT_CR2 V
    GO 3
    AT
        mov [rbx], ecx
    DONE
    NEG PF_PKRU_ACCESS, "ring 0 without WP, write", PF, E_P | E_W | E_PK
        USER_KEY AD
        WP_OFF
        WANT_CR2 V
    AT
        mov [rbx], ecx
    DONE
    POS PF_PKRU_ACCESS, "instructions are fetched all the same"
        mov word [FREE64], 0xe1ff       ; jmp rcx
        USER_KEY AD | WD
        lea rcx, [rel .fetched]
    GO 3
        jmp rbx
.fetched:
    DONE
    POS PF_PKRU_ACCESS, "CR4.PKE clear: the bits mean nothing"
        KEY_PTE 0, 7, 15
        mov eax, [V]
        mov [V], eax
    DONE
    POS PF_PKRU_WRITE, "another key"
        USER_KEY 0
        PKRU RIGHTS(2, WD) | RIGHTS(3, AD)
        mov [rbx], ecx
    DONE
    ; what was accessed before, in the same code
    NEG PF_PKRU_ACCESS, "at once, after accesses", PF, E_P | E_U | E_PK
        USER_KEY 0
        WANT_CR2 V + 4
        xor ecx, ecx
        xor edx, edx
    GO 3
        mov esi, 40
.before:
        mov edi, [rbx]
        mov [rbx], edi
        dec esi
        jnz .before
        mov eax, RIGHTS(1, AD)
        mov edi, [rbx]
        wrpkru
    AT
        mov edi, [rbx + 4]
    DONE
    NEG PF_PKRU_WRITE, "at once, after accesses", PF, E_P | E_U | E_W | E_PK
        USER_KEY 0
        WANT_CR2 V + 4
        xor ecx, ecx
        xor edx, edx
    GO 3
        mov esi, 40
.before2:
        mov edi, [rbx]
        mov [rbx], edi
        dec esi
        jnz .before2
        mov eax, RIGHTS(1, WD)
        mov [rbx], edi
        wrpkru
        mov edi, [rbx]
    AT
        mov [rbx + 4], edi
    DONE
    POS PF_PKRU_ACCESS, "closed and opened a hundred times"
        USER_KEY AD
        mov dword [FREE64], 0
        xor ecx, ecx
        xor edx, edx
    GO 3
        mov esi, 100
.open:
        xor eax, eax
        wrpkru
        inc dword [rbx]
        mov eax, RIGHTS(1, WD)
        wrpkru
        mov edi, [rbx]
        mov eax, RIGHTS(1, AD)
        wrpkru
        dec esi
        jnz .open
    DONE
    IS "what was counted", qword [seen.rdi], 100
    ; what else is wrong
    NEG PF_WRITE, "a read-only page: PK is set too", PF, E_P | E_U | E_W | E_PK
        USER_KEY WD
        KEY_PTE 0, 5, 1
        WANT_CR2 V
    GO 3
    AT
        mov [rbx], ecx
    DONE
    NEG PF_WRITE, "a read-only page, the key allows it: no PK", PF, E_P | E_U | E_W
        USER_KEY 0
        KEY_PTE 0, 5, 1
        WANT_CR2 V
    GO 3
    AT
        mov [rbx], ecx
    DONE
    NEG PF_NX, "a fetch has no PK", PF, E_P | E_U | E_I
        USER_KEY AD
        or byte [PT_L + 7], 0x80
        invlpg [rbx]
        WANT_CR2 V
        WANT_RIP V
    GO 3
    AT
        jmp rbx
    DONE
    NEG PF_USER, "PKRU is not for the supervisor's pages", PF, E_P | E_U
        USER_KEY AD
        KEY_PTE 0, 3, 1
        WANT_CR2 V
    GO 3
    AT
        mov ecx, [rbx]
    DONE
    NEG PF_NOT_PRESENT, "no page, no key", PF, E_U
        USER_KEY AD
        KEY_PTE 0, 6, 1
        WANT_CR2 V
    GO 3
    AT
        mov ecx, [rbx]
    DONE
    NEG PF_PKRU_ACCESS, "a large page", PF, E_P | E_U | E_PK
        USER_KEY AD
        mov dword [PD_L + 16], 0x87
        mov dword [PD_L + 20], 1 << 27
        mov rax, cr3
        mov cr3, rax
        mov ebx, 0x400000 + FREE64
        WANT_CR2 rbx
    GO 3
    AT
        mov ecx, [rbx]
    DONE
    NEG PF_PKRU_ACCESS, "a descriptor: the supervisor's access", PF, E_P | E_PK
        USER_KEY AD
        mov esi, gdt
        mov edi, FREE64 + 0x1000 - T0
        mov ecx, GDT_COUNT * 8
        rep movsb
        KEY_PTE 0, 7, 0
        KEY_PTE 1, 7, 1
        sgdt [FREE64 + 0x800]
        mov dword [FREE64 + 0x802], V2 - T0
        lgdt [FREE64 + 0x800]
        WANT_CR2 V2
        mov eax, T0 | 3
    GO 3
    AT
        mov es, eax
    DONE
    NEG PF_PKRU_ACCESS, "key 0", PF, E_P | E_PK
        USER_KEY 0
        KEY_PTE 0, 7, 0
        and byte [PD_L], ~4     ; all else is the supervisor's
        mov rax, cr3
        mov cr3, rax
        mov ecx, [rbx]
        PKRU RIGHTS(0, AD)
        WANT_CR2 V
    AT
        mov ecx, [rbx]
    DONE
    PKRU 0
    ret

%macro NEG_S 5+
    NEG %1, %2, PF, %3
        SUPER_KEY %4
        WANT_CR2 V
    AT
        %5
    DONE
%endmacro
super_keys:
    NEG_S PF_PKRS_ACCESS, "read", E_P | E_PK, AD, mov ecx, [rbx]
    NEG_S PF_PKRS_ACCESS, "write", E_P | E_W | E_PK, AD, mov [rbx], ecx
    NEG_S PF_PKRS_WRITE, "write", E_P | E_W | E_PK, WD, mov [rbx], ecx
    NEG_S PF_PKRS_WRITE, "xchg", E_P | E_W | E_PK, WD, xchg [rbx], ecx
    POS PF_PKRS_ACCESS, "read, WD"
        SUPER_KEY WD
        mov ecx, [rbx]
    DONE
    POS PF_PKRS_WRITE, "without WP"
        SUPER_KEY WD
        WP_OFF
        mov [rbx], ecx
    DONE
    POS PF_PKRS_WRITE, "CR4.PKS clear"
        KEY_PTE 0, 3, 2
        PKRS -4
        mov [V], ecx
        PKRS 0
    DONE
    NEG PF_PKRS_ACCESS, "at once, after accesses", PF, E_P | E_PK
        SUPER_KEY 0
        mov esi, 40
.before:
        mov edi, [rbx]
        mov [rbx], edi
        dec esi
        jnz .before
        PKRS RIGHTS(2, AD)
        WANT_CR2 V
    AT
        mov edi, [rbx]
    DONE
    NEG PF_PKRS_ACCESS, "CR4.PKS set afterwards", PF, E_P | E_PK
        KEY_PTE 0, 3, 2
        PKRS RIGHTS(2, AD)
        mov ebx, V
        mov eax, [rbx]
        CR4_SET CR4_PKS
        WANT_CR2 V
    AT
        mov eax, [rbx]
    DONE
    NEG PF_USER, "ring 3: no PK", PF, E_P | E_U
        SUPER_KEY AD
        WANT_CR2 V
    GO 3
    AT
        mov ecx, [rbx]
    DONE
    POS PF_PKRS_ACCESS, "PKRS is not for the user's pages"
        SUPER_KEY AD
        KEY_PTE 0, 7, 2
        mov ecx, [rbx]
    DONE
    ret

; each has its own kind of address
both:
    NEG PF_PKRU_ACCESS, "with PKS", PF, E_P | E_PK
        CR4_SET CR4_PKE | CR4_PKS
        PKRU RIGHTS(1, AD)
        PKRS RIGHTS(2, AD)
        KEY_PTE 0, 7, 1
        KEY_PTE 1, 3, 1
        mov eax, [V2]
        WANT_CR2 V
    AT
        mov eax, [V]
    DONE
    NEG PF_PKRS_ACCESS, "with PKU", PF, E_P | E_PK
        CR4_SET CR4_PKE | CR4_PKS
        PKRU RIGHTS(1, AD)
        PKRS RIGHTS(2, AD)
        KEY_PTE 0, 7, 2
        KEY_PTE 1, 3, 2
        mov eax, [V]
        WANT_CR2 V2
    AT
        mov eax, [V2]
    DONE
    PKRS 0
    ret

; PKRU is component 9 of the XSAVE area
%macro XCR0_ALL 0
    CR4_SET OSXSAVE | CR4_PKE
    xor ecx, ecx
    xor edx, edx
    mov eax, 0x207
    xsetbv
%endmacro
areas:
    NEG GP_XCR0_RESERVED, "bit 8", GP, 0
        CR4_SET OSXSAVE
        xor ecx, ecx
        xor edx, edx
        mov eax, 0x103
    AT
        xsetbv
    DONE
    POS GP_XCR0_RESERVED, "PKRU: CPUID's leaf 0Dh knows it"
        XCR0_ALL
        mov eax, 0xd
        xor ecx, ecx
        cpuid
        mov esi, eax
        mov edi, ebx
        mov eax, 0xd
        mov ecx, 9
        cpuid
        mov r8d, eax
        mov r9d, ebx
        mov eax, 0xd
        mov ecx, 1
        cpuid
        mov r10d, ebx
    DONE
    IS "XCR0's bits", qword [seen.rsi], 0x207
    IS "bytes", qword [seen.rdi], 2696
    IS "of PKRU", qword [seen.r8], 8
    IS "at", qword [seen.r8 + 8], 2688
    IS "compacted", qword [seen.r8 + 16], 840
    POS GP_XRSTOR_BV, "PKRU is saved and loaded"
        XCR0_ALL
        PKRU 0x5550
        mov edi, AREA
        mov ecx, 0x1000 / 8
        xor eax, eax
        rep stosq
        xor edx, edx
        mov eax, 0x200
        xsave64 [AREA]
        mov esi, [AREA + 512]
        mov edi, [AREA + 2688]
        PKRU 0
        mov eax, 0x200
        xor edx, edx
        xrstor64 [AREA]
        xor ecx, ecx
        rdpkru
        mov ebx, eax
        mov eax, 0x200
        xor edx, edx
        xsavec64 [AREA]
        mov r8d, [AREA + 576]
        PKRU 0
        mov eax, 0x200
        xor edx, edx
        xsaveopt64 [AREA]
        mov r9d, [AREA + 512]
    DONE
    IS "XSTATE_BV", qword [seen.rsi], 0x200
    IS "saved", qword [seen.rdi], 0x5550
    IS "loaded", qword [seen.rbx], 0x5550
    IS "compacted", qword [seen.r8], 0x5550
    IS "not in use", qword [seen.r8 + 8], 0
    NEG PF_PKRU_ACCESS, "PKRU loaded by XRSTOR", PF, E_P | E_U | E_PK
        XCR0_ALL
        USER_KEY AD
        mov edi, AREA
        mov ecx, 0x1000 / 8
        xor eax, eax
        rep stosq
        mov eax, 0x200
        xor edx, edx
        xsave64 [AREA]
        PKRU 0
        WANT_CR2 V
        mov eax, 0x200
        xor edx, edx
    GO 3
        mov ecx, [rbx]
        xrstor64 [AREA]
    AT
        mov ecx, [rbx]
    DONE
    POS PF_PKRU_ACCESS, "PKRU is 0 when XRSTOR makes it the initial one"
        XCR0_ALL
        USER_KEY AD
        mov edi, AREA
        mov ecx, 0x1000 / 8
        xor eax, eax
        rep stosq
        mov eax, 0x200
        xor edx, edx
    GO 3
        xrstor64 [AREA]
        mov ecx, [rbx]
    DONE
    ret

END_OF_CASES
