; ignored.asm: with -cpu NAME,ignore-msrs=on registers that the processor lacks read 0 and take writes; those that it has keep their rules.

%include "isa.inc"

cases:
    POS GP_RDMSR, "a register that does not exist, ignored"
        mov ecx, 0x12345
        mov eax, -1
        mov edx, -1
        rdmsr
    DONE
    IS "reads 0: low", dword [seen.eax], 0
    IS "reads 0: high", dword [seen.edx], 0
    POS GP_WRMSR, "a register that does not exist, ignored"
        mov ecx, 0xc0010015
        wrmsr
    DONE
    NEG GP_WRMSR, "a reserved bit of a register that exists", GP, 0
        mov ecx, MSR_EFER
        mov eax, 2
        xor edx, edx
    AT
        wrmsr
    DONE
    NEG GP_WRMSR, "a read-only register", GP, 0
        mov ecx, 0x179
    AT
        wrmsr
    DONE
    NEG GP_RDMSR, "x2APIC's registers without its mode", GP, 0
        mov ecx, 0x802
    AT
        rdmsr
    DONE
    NEG GP_PRIVILEGED, "rdmsr of one that does not exist, ring 3", GP, 0
    GO 3
        mov ecx, 0x12345
    AT
        rdmsr
    DONE
    ret

END_OF_CASES
