; apic.asm: the local APIC's registers as MSRs: x2APIC mode, the ways between the modes, the TSC deadline, and what CPUID says of it.
; SDM Vol. 3A 10.4.3, 10.5.4.1, 10.12.

%include "isa.inc"

BASE   equ 0xfee00100           ; of the bootstrap processor
EXTD   equ 0x400
EN     equ 0x800

%macro SET_MSR 2-3 0
    mov ecx, %1
    mov eax, %2
    mov edx, %3
    wrmsr
%endmacro
%macro TO_X2APIC 0              ; from whatever mode
    SET_MSR 0x1b, BASE
    SET_MSR 0x1b, BASE | EN
    SET_MSR 0x1b, BASE | EN | EXTD
%endmacro
%macro TO_XAPIC 0
    SET_MSR 0x1b, BASE
    SET_MSR 0x1b, BASE | EN
%endmacro
%macro NO_READ 2
    NEG GP_RDMSR, %1, GP, 0
        TO_X2APIC
        mov ecx, %2
    AT
        rdmsr
    DONE
%endmacro
%macro NO_WRITE 4
    NEG GP_WRMSR, %1, GP, 0
        TO_X2APIC
        mov ecx, %2
        mov eax, %3
        mov edx, %4
    AT
        wrmsr
    DONE
%endmacro

cases:
    call registers
    call modes
    call deadline
    TO_XAPIC
    ret

registers:
    NO_READ "EOI is write-only", 0x80b
    NO_READ "SELF IPI is write-only", 0x83f
    NO_READ "there is no APR", 0x809
    NO_READ "there is no DFR", 0x80e
    NO_READ "there is no upper half of ICR", 0x831
    NO_READ "there is no CMCI entry", 0x82f
    NO_READ "the rest of the range", 0x840
    NO_READ "its end", 0x8ff
    NO_WRITE "ID is read-only", 0x802, 0, 0
    NO_WRITE "version is read-only", 0x803, 0, 0
    NO_WRITE "PPR is read-only", 0x80a, 0, 0
    NO_WRITE "LDR is read-only", 0x80d, 0, 0
    NO_WRITE "ISR is read-only", 0x810, 0, 0
    NO_WRITE "IRR is read-only", 0x827, 0, 0
    NO_WRITE "current count is read-only", 0x839, 0, 0
    NO_WRITE "TPR has eight bits", 0x808, 0x100, 0
    NO_WRITE "TPR: upper half", 0x808, 0, 1
    NO_WRITE "EOI takes 0", 0x80b, 1, 0
    NO_WRITE "ESR takes 0", 0x828, 1, 0
    NO_WRITE "SVR: reserved bit", 0x80f, 0x11ff, 0
    NO_WRITE "ICR: reserved bit", 0x830, 0x100000, 0
    NO_WRITE "timer entry: reserved bit", 0x832, 0x80000, 0
    NO_WRITE "LINT0: reserved bit", 0x835, 0x800, 0
    NO_WRITE "error entry has no delivery mode", 0x837, 0x100, 0
    NO_WRITE "divide configuration: bit 2", 0x83e, 4, 0
    NO_WRITE "SELF IPI: nine bits", 0x83f, 0x100, 0
    NO_WRITE "initial count: upper half", 0x838, 0, 1
    POS GP_RDMSR, "what x2APIC mode has"
        TO_X2APIC
        mov ecx, 0x802
        rdmsr
        mov esi, eax
        mov ecx, 0x803
        rdmsr
        mov ecx, 0x80d
        rdmsr
        mov edi, eax
        mov ecx, 0x830
        rdmsr
        mov ecx, 0x832
        rdmsr
        mov ebx, eax
    DONE
    IS "ID", dword [seen.esi], 0
    IS "LDR: cluster 0, bit 0", dword [seen.edi], 1
    IS "entries are masked after a reset", dword [seen.ebx], 0x10000
    POS GP_WRMSR, "a request waits for IF"
        TO_X2APIC
        SET_MSR 0x80f, 0x1ff
        SET_MSR 0x83f, 0x77
        mov ecx, 0x823
        rdmsr
        mov esi, eax
        TO_X2APIC
        mov ecx, 0x823
        rdmsr
        mov edi, eax
    DONE
    IS "IRR", dword [seen.esi], 1 << 0x17
    IS "disabling forgets it", dword [seen.edi], 0
    POS GP_WRMSR, "software disable masks every entry, and they stay so"
        TO_X2APIC
        SET_MSR 0x80f, 0x1ff
        SET_MSR 0x837, 0x44
        SET_MSR 0x80f, 0xff
        mov ecx, 0x837
        rdmsr
        mov esi, eax
        SET_MSR 0x837, 0x45
        mov ecx, 0x837
        rdmsr
        mov edi, eax
        SET_MSR 0x80f, 0x1ff
        mov ecx, 0x837
        rdmsr
        mov ebx, eax
    DONE
    IS "masked", dword [seen.esi], 0x10044
    IS "a write does not unmask it", dword [seen.edi], 0x10045
    IS "nor does enabling", dword [seen.ebx], 0x10045
    POS GP_WRMSR, "an illegal vector is an error"
        TO_X2APIC
        SET_MSR 0x80f, 0x1ff
        SET_MSR 0x83f, 0x0f
        SET_MSR 0x828, 0
        mov ecx, 0x828
        rdmsr
        mov esi, eax
        SET_MSR 0x828, 0
        mov ecx, 0x828
        rdmsr
        mov edi, eax
    DONE
    IS "ESR: send illegal vector", dword [seen.esi], 0x20
    IS "the next write clears it", dword [seen.edi], 0
    ret

modes:
    NEG GP_WRMSR, "from x2APIC to xAPIC", GP, 0
        TO_X2APIC
        mov ecx, 0x1b
        mov eax, BASE | EN
        xor edx, edx
    AT
        wrmsr
    DONE
    NEG GP_WRMSR, "from x2APIC to EXTD without EN", GP, 0
        TO_X2APIC
        mov ecx, 0x1b
        mov eax, BASE | EXTD
        xor edx, edx
    AT
        wrmsr
    DONE
    NEG GP_WRMSR, "from disabled to x2APIC", GP, 0
        SET_MSR 0x1b, BASE
        mov ecx, 0x1b
        mov eax, BASE | EN | EXTD
        xor edx, edx
    AT
        wrmsr
    DONE
    NEG GP_WRMSR, "from disabled to EXTD without EN", GP, 0
        SET_MSR 0x1b, BASE
        mov ecx, 0x1b
        mov eax, BASE | EXTD
        xor edx, edx
    AT
        wrmsr
    DONE
    NEG GP_RDMSR, "disabled, there are no registers", GP, 0
        SET_MSR 0x1b, BASE
        mov ecx, 0x802
    AT
        rdmsr
    DONE
    POS GP_WRMSR, "round by disabled; CPUID.APIC follows"
        TO_XAPIC
        mov eax, 1
        cpuid
        mov esi, edx
        SET_MSR 0x1b, BASE
        mov eax, 1
        cpuid
        mov edi, edx
        TO_X2APIC
        SET_MSR 0x1b, BASE | EN | EXTD
        mov eax, 1
        cpuid
        and edx, 0x200
        and esi, 0x200
        and edi, 0x200
    DONE
    IS "xAPIC", dword [seen.esi], 0x200
    IS "disabled", dword [seen.edi], 0
    IS "x2APIC", dword [seen.edx], 0x200
    POS GP_WRMSR, "xAPIC: an access to a reserved register is an error"
        TO_XAPIC
        mov dword [0xfee000f0], 0x1ff
        mov dword [0xfee00010], 0
        mov dword [0xfee00280], 0
        mov esi, [0xfee00280]
        mov eax, 0x8
        mov dword [0xfee00080], 0x35
        mov edi, [0xfee000a0]
        TO_XAPIC
    DONE
    IS "ESR: illegal register", dword [seen.esi], 0x80
    IS "PPR is TPR", dword [seen.edi], 0x35
    ret

deadline:
    POS GP_WRMSR, "the deadline is 0 in other modes, and when it has passed"
        TO_X2APIC
        SET_MSR 0x80f, 0x1ff
        SET_MSR 0x832, 0x10055
        SET_MSR 0x6e0, 1000, 1000
        mov ecx, 0x6e0
        rdmsr
        mov esi, eax
        SET_MSR 0x832, 0x50055
        SET_MSR 0x6e0, 1000, 0x7fffffff
        mov ecx, 0x6e0
        rdmsr
        mov edi, eax
        SET_MSR 0x838, 5        ; ignored in this mode
        mov ecx, 0x838
        rdmsr
        mov ebx, eax
        SET_MSR 0x832, 0x10055
        mov ecx, 0x6e0
        rdmsr
    DONE
    IS "one-shot: ignored", dword [seen.esi], 0
    IS "armed", dword [seen.edi], 1000
    IS "initial count", dword [seen.ebx], 0
    IS "leaving the mode disarms", dword [seen.eax], 0
    ret

END_OF_CASES
