; avx.asm: VEX prefixes (SDM Vol. 2 2.3, 2.4), AVX state, the compacted form of XSAVE's area (SDM Vol. 1 chapter 13).

%include "isa.inc"

cases:
    call prefixes
    call enabling
    call gathers
    call xsave_areas
    ret

%define OSXSAVE 0x40000
; AVX enabled as far as XCR0 says
%macro XCR0_SET 1
    mov eax, cr4
    or eax, OSXSAVE
    mov cr4, eax
    xor ecx, ecx
    xor edx, edx
    mov eax, %1
    xsetbv
%endmacro
%macro NEG_VEX 3+               ; rule, what, bytes
    NEG %1, %2, UD, 0
        XCR0_SET 7
    GO 3
        mov esi, FREE
    AT
        db %3
    DONE
%endmacro
%macro POS_VEX 3+
    POS %1, %2
        XCR0_SET 7
        mov esi, FREE
        mov edi, FREE
        xor ebx, ebx
        db 0xc5, 0xfc, 0x77     ; vzeroall
        db %3
    DONE
%endmacro

prefixes:
    NEG_VEX UD_VEX_PREFIX, "66", 0x66, 0xc5, 0xfc, 0x58, 0xc1
    NEG_VEX UD_VEX_PREFIX, "F3", 0xf3, 0xc5, 0xfc, 0x58, 0xc1
    NEG_VEX UD_VEX_PREFIX, "F2, C4", 0xf2, 0xc4, 0xe1, 0x7c, 0x58, 0xc1
    NEG_VEX UD_VEX_PREFIX, "LOCK", 0xf0, 0xc5, 0xfc, 0x58, 0xc1
    POS_VEX UD_VEX_PREFIX, "none; segment override; address size", 0xc5, 0xfc, 0x58, 0xc1, 0x3e, 0xc5, 0xfc, 0x58, 0x06, \
            0x67, 0x3e, 0xc5, 0xfc, 0x58, 0x07
    NEG_VEX UD_VEX_MAP, "map 0", 0xc4, 0xe0, 0x7c, 0x58, 0xc1
    NEG_VEX UD_VEX_MAP, "map 4", 0xc4, 0xe4, 0x7c, 0x58, 0xc1
    NEG_VEX UD_VEX_MAP, "map 31", 0xc4, 0xff, 0x7c, 0x58, 0xc1
    POS_VEX UD_VEX_MAP, "maps 1, 2, 3", 0xc4, 0xe1, 0x7c, 0x58, 0xc1, 0xc4, 0xe2, 0x7d, 0x36, 0xc1, 0xc4, 0xe3, 0xfd, 0x00, 0xc1, 0
    NEG_VEX UD_VEX_VVVV, "vmovups ymm0, ymm1 with ymm1 in vvvv", 0xc5, 0xf4, 0x10, 0xc1
    NEG_VEX UD_VEX_VVVV, "vmovd", 0xc5, 0xf1, 0x6e, 0xc0
    NEG_VEX UD_VEX_VVVV, "vzeroupper", 0xc5, 0xf0, 0x77
    POS_VEX UD_VEX_VVVV, "1111b; an operand there", 0xc5, 0xfc, 0x10, 0xc1, 0xc5, 0xf4, 0x58, 0xc1
    NEG_VEX UD_VEX_L, "vmovd, 256 bits", 0xc5, 0xfd, 0x6e, 0xc0
    NEG_VEX UD_VEX_L, "vpermd, 128 bits", 0xc4, 0xe2, 0x79, 0x36, 0xc1
    NEG_VEX UD_VEX_L, "vmovhlps, 256 bits", 0xc5, 0xf4, 0x12, 0xc2
    NEG_VEX UD_VEX_L, "andn, 256 bits", 0xc4, 0xe2, 0x7c, 0xf2, 0xc0
    POS_VEX UD_VEX_L, "vmovd, vpermd, vaddss with either", 0xc5, 0xf9, 0x6e, 0xc0, 0xc4, 0xe2, 0x7d, 0x36, 0xc1, 0xc5, 0xf6, 0x58, 0xc1, \
            0xc5, 0xf2, 0x58, 0xc1
    NEG_VEX UD_VEX_W, "vpermq, W0", 0xc4, 0xe3, 0x7d, 0x00, 0xc1, 0
    NEG_VEX UD_VEX_W, "vbroadcastss, W1", 0xc4, 0xe2, 0xf9, 0x18, 0xc1
    NEG_VEX UD_VEX_W, "vcvtph2ps, W1", 0xc4, 0xe2, 0xf9, 0x13, 0xc1
    POS_VEX UD_VEX_W, "vpermq, W1; vmovd and vpaddb with either", 0xc4, 0xe3, 0xfd, 0x00, 0xc1, 0, 0xc4, 0xe1, 0xf9, 0x6e, 0xc0, \
            0xc4, 0xe1, 0x71, 0xfc, 0xc1, 0xc4, 0xe1, 0xf1, 0xfc, 0xc1
    NEG UD_VEX_REAL, "real mode", UD, 0
        XCR0_SET 7
    GO_REAL
    AT16
        db 0xc5, 0xfc, 0x58, 0xc1
    DONE16
    NEG UD_VEX_REAL, "vm86", UD, 0
        XCR0_SET 7
    GO_V86 0x3000
    AT16
        db 0xc4, 0xe1, 0x7c, 0x58, 0xc1
    DONE16
    NEG UD_VEX_REAL, "real mode: andn", UD, 0
    GO_REAL
    AT16
        db 0xc4, 0xe2, 0x78, 0xf2, 0xc0
    DONE16
    POS_VEX UD_VEX_REAL, "protected mode", 0xc5, 0xfc, 0x58, 0xc1, 0xc4, 0xe2, 0x78, 0xf2, 0xc0
    ret

; ---- SDM Vol. 2 2.4, Vol. 1 14.1
enabling:
    NEG UD_AVX_OFF, "CR4.OSXSAVE clear, XCR0 7", UD, 0
        XCR0_SET 7
        mov eax, cr4
        and eax, ~OSXSAVE
        mov cr4, eax
    AT
        db 0xc5, 0xfc, 0x58, 0xc1
    DONE
    NEG UD_AVX_OFF, "XCR0 3, 128 bits, ring 3", UD, 0
        XCR0_SET 3
    GO 3
    AT
        db 0xc5, 0xf8, 0x58, 0xc1
    DONE
    NEG UD_AVX_OFF, "XCR0 1, vzeroupper", UD, 0
        XCR0_SET 1
    AT
        db 0xc5, 0xf8, 0x77
    DONE
    NEG UD_AVX_OFF, "before CR0.TS", UD, 0
        XCR0_SET 3
        mov eax, cr0
        or eax, CR0_TS
        mov cr0, eax
    AT
        db 0xc5, 0xf8, 0x58, 0xc1
    DONE
    POS UD_AVX_OFF, "XCR0 7; CR0.EM and CR4.OSFXSR do not matter"
        XCR0_SET 7
        mov eax, cr0
        or eax, CR0_EM
        mov cr0, eax
        mov eax, cr4
        and eax, ~0x200
        mov cr4, eax
    GO 3
        db 0xc5, 0xfc, 0x77, 0xc5, 0xfc, 0x57, 0xc1
    DONE
    POS UD_AVX_OFF, "BMI needs no state"
        XCR0_SET 1
        db 0xc4, 0xe2, 0x78, 0xf2, 0xc0
    DONE
    NEG NM_TASK_SWITCHED, "vaddps", NM, 0
        XCR0_SET 7
        mov eax, cr0
        or eax, CR0_TS
        mov cr0, eax
    GO 3
    AT
        db 0xc5, 0xfc, 0x58, 0xc1
    DONE
    NEG NM_TASK_SWITCHED, "vpermd", NM, 0
        XCR0_SET 7
        mov eax, cr0
        or eax, CR0_TS
        mov cr0, eax
    AT
        db 0xc4, 0xe2, 0x7d, 0x36, 0xc1
    DONE
    NEG GP_SSE_UNALIGNED, "vmovaps ymm at 16", GP, 0
        XCR0_SET 7
    GO 3
        mov esi, FREE + 16
    AT
        db 0xc5, 0xfc, 0x28, 0x06
    DONE
    POS GP_SSE_UNALIGNED, "vmovups ymm at 1, vmovaps xmm at 16, vaddps ymm at 16"
        XCR0_SET 7
    GO 3
        mov esi, FREE + 16
        db 0xc5, 0xfc, 0x77, 0xc5, 0xfc, 0x10, 0x46, 0x01, 0xc5, 0xf8, 0x28, 0x06, 0xc5, 0xfc, 0x58, 0x06
    DONE
    ret

; ---- SDM Vol. 2 2.3.12, VGATHERDPS
gathers:
    NEG_VEX UD_VSIB, "no SIB byte", 0xc4, 0xe2, 0x71, 0x92, 0x06
    NEG_VEX UD_VSIB, "16-bit address", 0x67, 0xc4, 0xe2, 0x71, 0x92, 0x04, 0x0e
    NEG_VEX UD_GATHER_REGISTERS, "mask and destination", 0xc4, 0xe2, 0x79, 0x92, 0x04, 0x0e
    NEG_VEX UD_GATHER_REGISTERS, "index and destination", 0xc4, 0xe2, 0x71, 0x92, 0x04, 0x06
    NEG_VEX UD_GATHER_REGISTERS, "mask and index", 0xc4, 0xe2, 0x71, 0x92, 0x04, 0x0e
    NEG_VEX UD_3DNOW, "0F 0F, last byte 0", 0x0f, 0x0f, 0xc1, 0x00
    NEG_VEX UD_3DNOW, "memory, last byte FF", 0x0f, 0x0f, 0x06, 0xff
    POS_VEX UD_3DNOW, "pfadd, pswapd, femms", 0x0f, 0x0f, 0xc1, 0x9e, 0x0f, 0x0f, 0x06, 0xbb, 0x0f, 0x0e
    POS_VEX UD_VSIB, "vgatherdps xmm0, [esi + xmm1], xmm2", 0xc4, 0xe2, 0x69, 0x92, 0x04, 0x0e
    POS_VEX UD_GATHER_REGISTERS, "three registers", 0xc4, 0xe2, 0x69, 0x92, 0x04, 0x0e
    POS_VEX UD_GATHER_REGISTERS, "three registers, 64-bit indices", 0xc4, 0xe2, 0x6d, 0x93, 0x04, 0x0e
    ret

; ---- SDM Vol. 1 13.3, 13.8 to 13.12
; XCR0 as given; a good area at FREE, with an empty header; EDX:EAX = 7
%macro AREA 1
        XCR0_SET %1
        mov edi, FREE
        mov ecx, 832 / 4
        xor eax, eax
        rep stosd
        mov dword [FREE + 24], 0x1f80
        mov eax, 7
        xor edx, edx
%endmacro
%macro COMPACTED 1
        AREA %1
        mov byte [FREE + 527], 0x80
%endmacro
xsave_areas:
    NEG GP_XCR0_AVX_WITHOUT_SSE, "5", GP, 0
        XCR0_SET 7
        xor ecx, ecx
        mov eax, 5
    AT
        xsetbv
    DONE
    POS GP_XCR0_AVX_WITHOUT_SSE, "7, 3"
        XCR0_SET 7
        mov eax, 3
        xsetbv
    DONE
    NEG GP_XRSTOR_LAYOUT, "XCOMP_BV names AVX, XCR0 is 3", GP, 0
        COMPACTED 3
        mov byte [FREE + 520], 4
    AT
        xrstor [FREE]
    DONE
    NEG GP_XRSTOR_LAYOUT, "XSTATE_BV has more than XCOMP_BV, ring 3", GP, 0
        COMPACTED 7
        mov byte [FREE + 520], 3
        mov byte [FREE + 512], 4
    GO 3
        mov eax, 7
        xor edx, edx
    AT
        xrstor [FREE]
    DONE
    POS GP_XRSTOR_LAYOUT, "XCOMP_BV as XSAVEC leaves it"
        AREA 7
        db 0x0f, 0xc7, 0x25     ; xsavec [FREE]
        dd FREE
        xrstor [FREE]
    DONE
    NEG GP_XRSTOR_HEADER, "compacted: byte 63", GP, 0
        COMPACTED 7
        mov byte [FREE + 520], 7
        mov byte [FREE + 512 + 63], 1
    AT
        xrstor [FREE]
    DONE
    NEG GP_XRSTORS_STANDARD, "XSAVE's area", GP, 0
        AREA 7
        xsave [FREE]
    AT
        db 0x0f, 0xc7, 0x1d     ; xrstors [FREE]
        dd FREE
    DONE
    POS GP_XRSTORS_STANDARD, "XSAVES's area"
        AREA 7
        db 0x0f, 0xc7, 0x2d     ; xsaves [FREE]
        dd FREE
        db 0x0f, 0xc7, 0x1d
        dd FREE
    DONE
    NEG GP_XSAVES_CPL, "xsaves, ring 3", GP, 0
        AREA 7
    GO 3
    AT
        db 0x0f, 0xc7, 0x2d
        dd FREE
    DONE
    NEG GP_XSAVES_CPL, "xrstors, ring 1", GP, 0
        COMPACTED 7
    GO 1
    AT
        db 0x0f, 0xc7, 0x1d
        dd FREE
    DONE
    POS GP_XSAVES_CPL, "ring 0; XSAVEC and XRSTOR at ring 3"
        AREA 7
        db 0x0f, 0xc7, 0x2d
        dd FREE
        db 0x0f, 0xc7, 0x1d
        dd FREE
    GO 3
        mov eax, 7
        xor edx, edx
        db 0x0f, 0xc7, 0x25
        dd FREE
        xrstor [FREE]
    DONE
    ret

END_OF_CASES
