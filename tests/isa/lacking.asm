; lacking.asm: what a processor without some features makes of their instructions (model: CMakeLists.txt).

%include "isa.inc"

cases:
    call instructions
    call areas
    ret

%macro NEG_FEATURE 2+           ; what, bytes
    NEG UD_FEATURE, %1, UD, 0
        mov eax, cr4
        or eax, 0x40000
        mov cr4, eax
    GO 3
        mov esi, FREE
    AT
        db %2
    DONE
%endmacro
instructions:
    NEG_FEATURE "vaddps", 0xc5, 0xfc, 0x58, 0xc1
    NEG_FEATURE "andn", 0xc4, 0xe2, 0x78, 0xf2, 0xc0
    NEG_FEATURE "sha256rnds2", 0x0f, 0x38, 0xcb, 0xc1
    NEG_FEATURE "adcx", 0x66, 0x0f, 0x38, 0xf6, 0xc1
    POS UD_FEATURE, "popcnt, crc32, movbe, aesenc"
        mov esi, FREE
        popcnt eax, ecx
        crc32 eax, cl
        movbe eax, [esi]
        aesenc xmm0, xmm1
    DONE
    ret

areas:
    NEG GP_XRSTOR_COMPACTED, "an area in the compacted form", GP, 0
        mov eax, cr4
        or eax, 0x40000
        mov cr4, eax
        mov edi, FREE
        mov ecx, 576 / 4
        xor eax, eax
        rep stosd
        mov dword [FREE + 24], 0x1f80
        mov byte [FREE + 527], 0x80
        mov eax, 3
        xor edx, edx
    AT
        xrstor [FREE]
    DONE
    POS GP_XRSTOR_COMPACTED, "the standard form"
        mov eax, cr4
        or eax, 0x40000
        mov cr4, eax
        xor edx, edx
        mov edi, FREE + 512
        mov ecx, 16
        xor eax, eax
        rep stosd
        mov eax, 3
        xsave [FREE]
        xrstor [FREE]
    DONE
    ret

END_OF_CASES
