; tsx.asm: restricted transactional memory, whose transactions all abort where they begin. SDM Vol. 1 chapter 16, Vol. 2 by instruction.

%include "isa.inc"

cases:
    NEG GP_XEND, "no transaction", GP, 0
    AT
        db 0x0f, 0x01, 0xd5
    DONE
    NEG GP_XEND, "ring 3", GP, 0
    GO 3
    AT
        db 0x0f, 0x01, 0xd5
    DONE
    POS GP_XEND, "a transaction that aborts never comes to its XEND"
        xor edx, edx
        db 0xc7, 0xf8
        dd .fallback - ($ + 4)
        inc edx
        db 0x0f, 0x01, 0xd5
.fallback:
    DONE
    IS "abort status: no reason, no retry", dword [seen.eax], 0
    IS "nothing of it was executed", dword [seen.edx], 0
    POS GP_XEND, "XTEST, XABORT and HLE prefixes outside a transaction"
        xor ecx, ecx
        stc
        db 0x0f, 0x01, 0xd6
        setz cl
        setc ch
        mov eax, 1
        db 0xc6, 0xf8, 0x55
        db 0xf2
        lock inc dword [FREE]
        db 0xf3
        lock dec dword [FREE]
    DONE
    IS "XTEST: ZF alone", dword [seen.ecx], 1
    IS "XABORT does nothing", dword [seen.eax], 1
    NEG GP_TARGET_LIMIT, "the fallback lies outside CS", GP, 0
        SEG T0, 0, 0x2ffff, D_CODE, G_32
        REGS_CHANGE
        WANT_EIP .far
        jmp T0:.limited
.limited:
    AT
.far:
        db 0xc7, 0xf8
        dd 0x30000 - ($ + 4)
    DONE
    ret

END_OF_CASES
