; float.asm: x87, MMX, SSE and AVX: when they are not there, unmasked exceptions. SDM Vol. 1 chapters 8 to 14, Vol. 3A 2.5. VEX and
; XSAVE: avx.asm.

%include "isa.inc"

%macro CR0_SET 1
    mov eax, cr0
    or eax, %1
    mov cr0, eax
%endmacro
%macro CR0_CLEAR 1
    mov eax, cr0
    and eax, ~(%1)
    mov cr0, eax
%endmacro
%macro CR4_SET 1
    mov eax, cr4
    or eax, %1
    mov cr4, eax
%endmacro
%macro CR4_CLEAR 1
    mov eax, cr4
    and eax, ~(%1)
    mov cr4, eax
%endmacro
OSFXSR equ 0x200
OSXMMEXCPT equ 0x400
OSXSAVE equ 0x40000

; NEG_WITH rule, what, vector, preparation (one macro call), ring, instruction
%macro NEG_WITH 6+
    NEG %1, %2, %3, 0
        %4
    GO %5
    AT
        %6
    DONE
%endmacro

cases:
    call switched
    call emulated
    call off
    call x87_errors
    call sse_errors
    call vectors
    ret

; ---- CR0.TS: each class of instruction once
switched:
    %define TS CR0_SET CR0_TS
    NEG_WITH NM_TASK_SWITCHED, "fld", NM, TS, 0, fldz
    NEG_WITH NM_TASK_SWITCHED, "fnclex does not wait, but", NM, TS, 0, fnclex
    NEG_WITH NM_TASK_SWITCHED, "fninit", NM, TS, 0, fninit
    NEG_WITH NM_TASK_SWITCHED, "fnstsw", NM, TS, 0, fnstsw ax
    NEG_WITH NM_TASK_SWITCHED, "fxsave", NM, TS, 0, fxsave [FREE]
    NEG_WITH NM_TASK_SWITCHED, "fxsave: before its alignment", NM, TS, 0, fxsave [FREE + 1]
    NEG_WITH NM_TASK_SWITCHED, "mmx", NM, TS, 3, paddb mm0, mm1
    NEG_WITH NM_TASK_SWITCHED, "emms", NM, TS, 0, emms
    NEG_WITH NM_TASK_SWITCHED, "sse", NM, TS, 0, addps xmm0, xmm1
    NEG_WITH NM_TASK_SWITCHED, "sse: before its alignment", NM, TS, 0, movaps xmm0, [FREE + 1]
    NEG_WITH NM_TASK_SWITCHED, "ldmxcsr", NM, TS, 0, ldmxcsr [FREE]
    NEG_WITH NM_TASK_SWITCHED, "aes", NM, TS, 0, aesenc xmm0, xmm1
    NEG_WITH NM_TASK_SWITCHED, "before the segment is looked at", NM, TS, 0, fld dword [es:FREE]
    NEG NM_TASK_SWITCHED, "xsave", NM, 0
        CR4_SET OSXSAVE
        TS
    AT
        xsave [FREE]
    DONE
    NEG NM_TASK_SWITCHED, "real mode", NM, 0
        TS
    GO_REAL
    AT16
        fldz
    DONE16
    POS NM_TASK_SWITCHED, "what needs no registers"
        TS
        movnti [FREE], eax
        sfence
        lfence
        mfence
        prefetchnta [FREE]
        popcnt eax, ecx
        crc32 eax, cl
        clflush [FREE]
        clts
        fldz
    DONE
    NEG NM_WAIT, "MP and TS", NM, 0
        CR0_SET CR0_MP | CR0_TS
    AT
        wait
    DONE
    POS NM_WAIT, "MP without TS"
        CR0_SET CR0_MP
        wait
    DONE
    POS NM_WAIT, "TS without MP"
        CR0_CLEAR CR0_MP
        CR0_SET CR0_TS
        wait
    DONE
    ret

emulated:
    %define EMULATE CR0_SET CR0_EM
    NEG_WITH NM_EMULATE, "fld", NM, EMULATE, 0, fldz
    NEG_WITH NM_EMULATE, "fninit, ring 3", NM, EMULATE, 3, fninit
    NEG_WITH NM_EMULATE, "fxsave", NM, EMULATE, 0, fxsave [FREE]
    NEG_WITH UD_MMX_EM, "paddb", UD, EMULATE, 0, paddb mm0, mm1
    NEG_WITH UD_MMX_EM, "emms", UD, EMULATE, 3, emms
    NEG_WITH UD_MMX_EM, "EM before TS", UD, {CR0_SET CR0_EM | CR0_TS}, 0, movq mm0, [FREE]
    NEG_WITH UD_SSE_OFF, "EM", UD, EMULATE, 0, addps xmm0, xmm1
    NEG_WITH UD_SSE_OFF, "EM before TS", UD, {CR0_SET CR0_EM | CR0_TS}, 0, addps xmm0, xmm1
    POS NM_EMULATE, "wait is no x87 instruction to EM"
        CR0_CLEAR CR0_MP
        EMULATE
        wait
    DONE
    POS NM_EMULATE, "without EM"
        fldz
    DONE
    POS UD_MMX_EM, "without EM"
        paddb mm0, mm1
        emms
    DONE
    ret

off:
    NEG_WITH UD_SSE_OFF, "OSFXSR clear", UD, {CR4_CLEAR OSFXSR}, 0, addps xmm0, xmm1
    NEG_WITH UD_SSE_OFF, "sse2", UD, {CR4_CLEAR OSFXSR}, 3, movdqa xmm0, xmm1
    NEG_WITH UD_SSE_OFF, "ldmxcsr", UD, {CR4_CLEAR OSFXSR}, 0, ldmxcsr [FREE]
    NEG_WITH UD_SSE_OFF, "ssse3 of xmm", UD, {CR4_CLEAR OSFXSR}, 0, pabsb xmm0, xmm1
    NEG_WITH UD_SSE_OFF, "cvtpi2ps", UD, {CR4_CLEAR OSFXSR}, 0, cvtpi2ps xmm0, mm0
    POS UD_SSE_OFF, "mmx, fxsave and integer instructions go on"
        CR4_CLEAR OSFXSR
        paddq mm0, mm1
        pshufw mm0, mm1, 1
        fxsave [FREE]
        fxrstor [FREE]
        popcnt eax, ecx
        sfence
        movnti [FREE], eax
        emms
    DONE
    POS UD_SSE_OFF, "on"
        addps xmm0, xmm1
    DONE
    ; a model without a feature: see old.asm
    ret

; ---- unmasked x87 exceptions: #MF at the next instruction that waits (CR0.NE is set)
%macro ZERO_DIVIDE 0
    fldcw [unmasked]
    fld1
    fldz
    fdivp st1, st0
%endmacro
%macro NEG_MF 2+
    NEG MF_PENDING, %1, MF, 0
        ZERO_DIVIDE
    AT
        %2
    DONE
%endmacro
    [section .data]
    align 4, db 0
unmasked: dw 0x37b
masked: dw 0x37f
    __SECT__
x87_errors:
    NEG_MF "fld", fldz
    NEG_MF "wait", wait
    NEG_MF "fldcw", fldcw [masked]
    NEG_MF "fstp: before its operand", fstp dword [es:0x7ffffff]
    NEG_MF "mmx", paddb mm0, mm1
    NEG_MF "emms", emms
    NEG_MF "fclex waits, fnclex does not", fclex
    NEG MF_PENDING, "ring 3", MF, 0
        ZERO_DIVIDE
    GO 3
    AT
        fldz
    DONE
    NEG MF_PENDING, "unmasking one that is there", MF, 0
        fld1
        fldz
        fdivp st1, st0
        fldcw [unmasked]
    AT
        fldz
    DONE
    NEG MF_PENDING, "fldenv brings one", MF, 0
        fnstenv [FREE]
        mov word [FREE], 0x37b
        mov word [FREE + 4], 4
        fldenv [FREE]
    AT
        fldz
    DONE
    NEG MF_PENDING, "fxrstor brings one", MF, 0
        fxsave [FREE]
        mov word [FREE], 0x37b
        mov word [FREE + 2], 4
        fxrstor [FREE]
    AT
        fldz
    DONE
    POS MF_PENDING, "what does not wait"
        ZERO_DIVIDE
        fnstsw ax
        fnstcw [FREE]
        fnstenv [FREE]
        ; FNSTENV masks all
        fldz
        fninit
        ZERO_DIVIDE
        fxsave [FREE]
        fnclex
        fldz
    DONE
    POS MF_PENDING, "an SSE instruction"
        ZERO_DIVIDE
        addps xmm0, xmm1
        fninit
    DONE
    POS MF_PENDING, "masked"
        fld1
        fldz
        fdivp st1, st0
        fldz
    DONE
    POS MF_PENDING, "CR0.NE clear: IRQ 13 instead"
        CR0_CLEAR 0x20
        ZERO_DIVIDE
        fldz
        fninit
    DONE
    ret

; ---- SSE
%macro SSE_CASE 6+              ; rule, what, vector, MXCSR, CR4 bits to clear, instruction; XMM0 = 1.0, XMM1 = 0.0
    NEG %1, %2, %3, 0
        mov dword [FREE], 0x3f800000
        mov dword [FREE + 4], 0
        mov dword [FREE + 8], %4
        mov dword [FREE + 12], 0x7f800001
        movss xmm0, [FREE]
        xorps xmm1, xmm1
        CR4_CLEAR %5
        ldmxcsr [FREE + 8]
    AT
        %6
    DONE
%endmacro
sse_errors:
    SSE_CASE XM_UNMASKED, "divide by zero", 19, 0x1d80, 0, divss xmm0, xmm1
    SSE_CASE XM_UNMASKED, "invalid: 0 / 0", 19, 0x1f00, 0, divss xmm1, xmm1
    SSE_CASE XM_UNMASKED, "invalid: signalling NaN in memory", 19, 0x1f00, 0, addss xmm0, [FREE + 12]
    SSE_CASE XM_UNMASKED, "invalid: conversion", 19, 0x1f00, 0, cvtss2si eax, [FREE + 12]
    SSE_CASE XM_UNMASKED, "invalid: comparison", 19, 0x1f00, 0, comiss xmm0, [FREE + 12]
    SSE_CASE XM_UNMASKED, "packed: one element will do", 19, 0x1d80, 0, divps xmm0, xmm1
    SSE_CASE UD_XM_OFF, "divide by zero", UD, 0x1d80, OSXMMEXCPT, divss xmm0, xmm1
    SSE_CASE UD_XM_OFF, "invalid", UD, 0x1f00, OSXMMEXCPT, sqrtss xmm0, [FREE + 12]
    NEG XM_UNMASKED, "inexact", 19, 0
        mov dword [FREE], 0x3f800000
        mov dword [FREE + 4], 0x40400000
        mov dword [FREE + 8], 0x0f80
        movss xmm0, [FREE]
        ldmxcsr [FREE + 8]
    AT
        divss xmm0, [FREE + 4]
    DONE
    POS XM_UNMASKED, "the destination stays, the flag is set"
        xorps xmm1, xmm1
        divss xmm1, xmm1
        stmxcsr [FREE]
        mov eax, [FREE]
    DONE
    IS "MXCSR: invalid", dword [seen.eax], 0x1f81
    POS XM_UNMASKED, "a flag that is set already raises nothing"
        mov dword [FREE], 0x1d04
        ldmxcsr [FREE]
        addss xmm0, xmm0
        movaps xmm1, xmm0
    DONE
    POS UD_XM_OFF, "masked"
        CR4_CLEAR OSXMMEXCPT
        xorps xmm1, xmm1
        divss xmm1, xmm1
    DONE
    ret

; ---- AVX: SDM Vol. 2 2.4
%macro AVX_ON 0
    CR4_SET OSXSAVE
    push ecx
    push edx
    xor ecx, ecx
    xor edx, edx
    mov eax, 7
    xsetbv
    pop edx
    pop ecx
%endmacro
%macro XCR0_IS 1
    CR4_SET OSXSAVE
    xor ecx, ecx
    xor edx, edx
    mov eax, %1
    xsetbv
%endmacro
%macro NEG_AVX 3+
    NEG %1, %2, UD, 0
        AVX_ON
    AT
        %3
    DONE
%endmacro
vectors:
    NEG UD_AVX_OFF, "OSXSAVE clear", UD, 0
    AT
        vaddps xmm0, xmm1, xmm2
    DONE
    NEG UD_AVX_OFF, "XCR0.AVX clear", UD, 0
        XCR0_IS 3
    AT
        vaddps ymm0, ymm1, ymm2
    DONE
    NEG UD_AVX_OFF, "XCR0.SSE clear, ring 3", UD, 0
        XCR0_IS 1
    GO 3
    AT
        vzeroupper
    DONE
    NEG UD_AVX_OFF, "before TS", UD, 0
        XCR0_IS 3
        CR0_SET CR0_TS
    AT
        vaddps xmm0, xmm1, xmm2
    DONE
    NEG GP_XCR0_AVX_WITHOUT_SSE, "5", GP, 0
        CR4_SET OSXSAVE
        xor ecx, ecx
        xor edx, edx
        mov eax, 5
    AT
        xsetbv
    DONE
    POS GP_XCR0_AVX_WITHOUT_SSE, "7"
        AVX_ON
    DONE
    POS UD_AVX_OFF, "on; CR0.EM and CR4.OSFXSR do not count"
        AVX_ON
        CR4_CLEAR OSFXSR
        CR0_SET CR0_EM
        vaddps ymm0, ymm1, ymm2
    DONE
    NEG NM_TASK_SWITCHED, "vaddps", NM, 0
        AVX_ON
        CR0_SET CR0_TS
    AT
        vaddps xmm0, xmm1, xmm2
    DONE
    POS UD_AVX_OFF, "andn and its like need no state"
        andn eax, ecx, edx
        shlx eax, ecx, edx
    DONE
    NEG UD_VEX_REAL, "real mode", UD, 0
    GO_REAL
    AT16
        db 0xc5, 0xf0, 0x58, 0xc2
    DONE16
    NEG UD_VEX_REAL, "vm86", UD, 0
    GO_V86 0x3000
    AT16
        db 0xc4, 0xe1, 0x70, 0x58, 0xc2
    DONE16
    POS UD_VEX_REAL, "les and lds are there"
    GO_REAL
        les ax, [0]
        lds ax, [es:0]
    DONE16
    NEG_AVX UD_REGISTER_FORM, "vmovntps", {db 0xc5, 0xf8, 0x2b, 0xc0}
    NEG GP_SSE_UNALIGNED, "vmovaps ymm", GP, 0
        AVX_ON
    AT
        vmovaps ymm0, [FREE + 16]
    DONE
    NEG GP_SSE_UNALIGNED, "vmovntdqa", GP, 0
        AVX_ON
    AT
        vmovntdqa xmm0, [FREE + 8]
    DONE
    POS GP_SSE_UNALIGNED, "VEX operands need no alignment"
        AVX_ON
        vaddps ymm0, ymm1, [FREE + 1]
        vmovaps ymm0, [FREE + 32]
        vmovups ymm0, [FREE + 1]
    DONE
    NEG GP_DATA_LIMIT, "ymm across the limit", GP, 0
        AVX_ON
        SEG T0, FREE, 0xfff, D_DATA, G_32
        LOAD es, T0
    AT
        vmovups [es:0xfe1], ymm0
    DONE
    NEG AC_UNALIGNED, "vmovups ymm", AC, 0
        AVX_ON
        CR0_SET CR0_AM
        mov dword [ring_extra], FL_AC
    GO 3
    AT
        vmovups ymm0, [FREE + 8]
    DONE
    ; F16C is of exceptions type 11 (SDM Vol. 2 table 2-28): operands of 8 bytes are checked as others of that size are
    NEG AC_UNALIGNED, "vcvtph2ps xmm", AC, 0
        AVX_ON
        CR0_SET CR0_AM
        mov dword [ring_extra], FL_AC
    GO 3
    AT
        vcvtph2ps xmm0, [FREE + 4]
    DONE
    NEG AC_UNALIGNED, "vcvtps2ph xmm", AC, 0
        AVX_ON
        CR0_SET CR0_AM
        mov dword [ring_extra], FL_AC
    GO 3
    AT
        vcvtps2ph [FREE + 12], xmm0, 4
    DONE
    NEG AC_UNALIGNED, "vcvtph2ps ymm", AC, 0
        AVX_ON
        CR0_SET CR0_AM
        mov dword [ring_extra], FL_AC
    GO 3
    AT
        vcvtph2ps ymm0, [FREE + 8]
    DONE
    POS AC_UNALIGNED, "f16c, aligned to its operand"
        AVX_ON
        CR0_SET CR0_AM
        mov dword [ring_extra], FL_AC
    GO 3
        vcvtph2ps xmm0, [FREE + 8]
        vcvtph2ps ymm0, [FREE + 16]
        vcvtps2ph [FREE + 24], xmm0, 4
        vcvtps2ph [FREE + 32], ymm0, 4
    DONE
    POS AC_UNALIGNED, "f16c at ring 0"
        AVX_ON
        CR0_SET CR0_AM
        vcvtph2ps xmm0, [FREE + 1]
        vcvtph2ps ymm0, [FREE + 1]
        vcvtps2ph [FREE + 1], xmm0, 4
    DONE
    POS UD_OPCODE, "fma, f16c, avx2"
        AVX_ON
        vfmadd132ps ymm0, ymm1, ymm2
        vcvtph2ps ymm0, xmm1
        vpaddb ymm0, ymm1, ymm2
    DONE
    ret

END_OF_CASES
