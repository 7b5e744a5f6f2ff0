; bare.asm: a processor without features: its instructions, control bits and registers are not there. Runs on
; `max,-xsavec,-xsaves,-movbe,-popcnt,-aes,-pclmulqdq,-bmi1,-bmi2,-adx,-fma,-avx2,-sse42,-rdrand,-rdtscp,-fsgsbase,-smep,-smap,-umip,-pcid,
; -invpcid,-monitor,-cx8,-nx,-sep,-apic`.

%include "isa.inc"

%macro LACKS 2+                 ; what, instruction
    NEG UD_FEATURE, %1, UD, 0
    AT
        %2
    DONE
%endmacro
%macro CR4_SET 1
    mov eax, cr4
    or eax, %1
    mov cr4, eax
%endmacro

cases:
    call instructions
    call control
    ret

instructions:
    LACKS "movbe", movbe eax, [FREE]
    LACKS "popcnt", popcnt eax, ecx
    LACKS "aesenc", aesenc xmm0, xmm1
    LACKS "pclmulqdq", pclmulqdq xmm0, xmm1, 0
    LACKS "andn", andn eax, ecx, edx
    LACKS "pdep", pdep eax, ecx, edx
    LACKS "adcx", adcx eax, ecx
    LACKS "crc32", crc32 eax, cl
    LACKS "pcmpistri", pcmpistri xmm0, xmm1, 0
    LACKS "rdrand", rdrand eax
    LACKS "rdtscp", rdtscp
    LACKS "clac", clac
    LACKS "invpcid", invpcid eax, [FREE]
    LACKS "monitor", monitor
    LACKS "mwait", mwait
    LACKS "cmpxchg8b", cmpxchg8b [FREE]
    LACKS "sysenter", sysenter
    LACKS "sysexit", sysexit
    LACKS "xsavec", {db 0x0f, 0xc7, 0x23}
    LACKS "xsaves", {db 0x0f, 0xc7, 0x2b}
    NEG UD_FEATURE, "ring 3, before privilege", UD, 0
    GO 3
    AT
        invpcid eax, [FREE]
    DONE
    POS UD_FEATURE, "what is there; tzcnt and lzcnt are bsf and bsr"
        mov ecx, 8
        tzcnt eax, ecx
        pabsb xmm0, xmm1
        cmpxchg [FREE], eax
        xadd [FREE], eax
        cmovz eax, ecx
        rdtsc
    DONE
    ret

control:
    %macro NO_CR4 2
    NEG GP_CR4_RESERVED, %1, GP, 0
        mov eax, cr4
        or eax, %2
    AT
        mov cr4, eax
    DONE
    %endmacro
    NO_CR4 "SMEP", CR4_SMEP
    NO_CR4 "SMAP", CR4_SMAP
    NO_CR4 "UMIP", CR4_UMIP
    NO_CR4 "PCIDE", CR4_PCIDE
    NO_CR4 "FSGSBASE", 0x10000
    POS GP_CR4_RESERVED, "OSXSAVE"
        CR4_SET 0x40000
    DONE
    NEG GP_WRMSR, "EFER.NXE", GP, 0
        mov ecx, MSR_EFER
        mov eax, EFER_NXE
        xor edx, edx
    AT
        wrmsr
    DONE
    NEG GP_RDMSR, "SYSENTER_CS", GP, 0
        mov ecx, MSR_SYSENTER_CS
    AT
        rdmsr
    DONE
    NEG GP_RDMSR, "APIC_BASE", GP, 0
        mov ecx, 0x1b
    AT
        rdmsr
    DONE
    ; no XSAVEC, so no compacted form
    NEG GP_XRSTOR_COMPACTED, "XCOMP_BV bit 63", GP, 0
        CR4_SET 0x40000
        mov edi, FREE
        mov ecx, 576 / 4
        xor eax, eax
        rep stosd
        mov dword [FREE + 24], 0x1f80
        mov dword [FREE + 524], 0x80000000
        mov eax, 3
        xor edx, edx
    AT
        xrstor [FREE]
    DONE
    POS GP_XRSTOR_COMPACTED, "standard"
        CR4_SET 0x40000
        mov edi, FREE
        mov ecx, 576 / 4
        xor eax, eax
        rep stosd
        mov dword [FREE + 24], 0x1f80
        mov eax, 3
        xor edx, edx
        xrstor [FREE]
    DONE
    ret

END_OF_CASES
