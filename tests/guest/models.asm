; models.asm: which instructions, flags and control-register bits each historical processor has, told by what EDX holds after reset.
; Intel 386 DX and i486 programmer's reference manuals, SDM Vol. 3A 9.1 and chapter 22. Only instructions of the 386 outside the checks.

%include "guest32.inc"

I486   equ 1 << 0
HASID  equ 1 << 1               ; CPUID, EFLAGS.ID, CR4
I586   equ 1 << 2               ; TSC, MSRs, CMPXCHG8B
MMX    equ 1 << 3
PMC    equ 1 << 4
I686   equ 1 << 5               ; CMOV, NOP with operands
FXSR   equ 1 << 6
MMX2   equ 1 << 7
SSE    equ 1 << 8
SSE2   equ 1 << 9
NOW    equ 1 << 10
SSSE3  equ 1 << 11
SSE42  equ 1 << 12
AVX    equ 1 << 13
RTM    equ 1 << 14
VME    equ 1 << 15
SYSC   equ 1 << 16              ; SYSCALL outside 64-bit mode
LM     equ 1 << 17
P5   equ I486 | HASID | I586 | VME
P2   equ P5 | MMX | PMC | I686 | FXSR
CORE equ P2 | MMX2 | SSE | SSE2 | SSSE3 | LM

    [section .data]
    align 4, db 0
models:
    dd 0x308, 0
    dd 0x404, I486
    dd 0x480, I486 | HASID | VME
    dd 0x52c, P5
    dd 0x543, P5 | MMX | PMC
    dd 0x652, P2
    dd 0x683, P2 | MMX2 | SSE
    dd 0x642, P2 | MMX2 | NOW | SYSC
    dd 0x6fb, CORE
    dd 0x106a3, CORE | SSE42
    dd 0x306c1, CORE | SSE42 | AVX
    dd 0x306c4, CORE | SSE42 | AVX | RTM
    dd 0
has: dd 0
first_cr0: dd 0
    __SECT__

; IF_HAS bits, "name", instruction: it is executed, or undefined
%macro IF_HAS 3+
    %strcat %%undefined %2, " is undefined"
    test dword [has], %1
    jz %%lacks
    FINE %2, %3
    jmp %%end
%%lacks:
    FAULT %%undefined, UD, 0, %3
%%end:
%endmacro
; the same of a routine
%macro IF_HAS_ALL 3
    %strcat %%undefined %2, " is undefined"
    test dword [has], %1
    jz %%lacks
    FINE %2, call %3
    jmp %%end
%%lacks:
    FAULT_IN %%undefined, UD, 0, %3
%%end:
%endmacro
; SETTABLE bits, "name", mask: of EFLAGS
%macro SETTABLE 3
    pushfd
    pushfd
    xor dword [esp], %3
    popfd
    pushfd
    pop eax
    popfd
    pushfd
    pop ecx
    xor eax, ecx
    and eax, %3
    mov edx, %3
    test dword [has], %1
    jnz %%wanted
    xor edx, edx
%%wanted:
    CHECK %2, eax, edx
%endmacro
%macro CR0_SETTABLE 3
    mov ecx, cr0
    mov eax, ecx
    or eax, %3
    mov cr0, eax
    mov eax, cr0
    mov cr0, ecx
    and eax, %3
    mov edx, %3
    test dword [has], %1
    jnz %%wanted
    xor edx, edx
%%wanted:
    CHECK %2, eax, edx
%endmacro

test:
    mov eax, cr0
    mov [first_cr0], eax
    mov esi, models
.find:
    cmp dword [esi], 0
    je .unknown
    cmp [esi], edx
    je .found
    add esi, 8
    jmp .find
.unknown:
    CHECK "EDX after reset names a model", edx, 0
    ret
.found:
    mov eax, [esi + 4]
    mov [has], eax
    call reset_state
    call flags
    call of_386
    call newer
    call write_protect
    ret

reset_state:
    mov edx, 0x60000011         ; with PE
    test dword [has], I486
    jnz .wanted
    mov edx, 0x11
.wanted:
    CHECK "CR0 after reset", dword [first_cr0], edx
    mov eax, cr0                ; caches on
    and eax, ~0x60000000
    mov cr0, eax
    ret

flags:
    SETTABLE I486, "EFLAGS.AC", FL_AC
    SETTABLE HASID, "EFLAGS.ID", FL_ID
    CR0_SETTABLE I486, "CR0.NE", 0x20
    CR0_SETTABLE I486, "CR0.WP", 0x10000
    CR0_SETTABLE I486, "CR0.AM", 0x40000
    CR0_SETTABLE I486, "CR0.CD", 0x40000000
    ret

; what the 386 and its 387 have
of_386:
    FINE "movzx, bt, shld, imul, bsf, setc, lss", call .all
    CHECK "their result", eax, 0x1234
    ret
.all:
    mov cx, 0x1234
    movzx eax, cx
    bt eax, 2
    setc dl
    shld edx, eax, 4
    imul edx, eax
    bsf edx, eax
    fninit
    fldpi
    fsin
    fstp st0
    db 0x0f, 0x01, 0xe3         ; smsw ebx
    ret

newer:
    mov edi, FREE
    IF_HAS I486, "bswap", bswap eax
    IF_HAS I486, "xadd", xadd [edi], eax
    IF_HAS I486, "cmpxchg", cmpxchg [edi], eax
    IF_HAS I486, "invlpg", invlpg [edi]
    IF_HAS I486, "wbinvd", wbinvd
    IF_HAS HASID, "mov eax, cr4", mov eax, cr4
    IF_HAS_ALL HASID, "cpuid", .cpuid
    IF_HAS I586, "rdtsc", rdtsc
    mov ecx, 0x10
    IF_HAS I586, "rdmsr", rdmsr
    IF_HAS I586, "cmpxchg8b", cmpxchg8b [edi]
    IF_HAS MMX, "paddb", paddb mm0, mm1
    IF_HAS MMX, "emms", emms
    xor ecx, ecx
    IF_HAS PMC, "rdpmc", rdpmc
    IF_HAS I686, "cmovc", cmovc eax, ecx
    IF_HAS I686, "fcmovb", fcmovb st0, st1
    IF_HAS I686, "nop [edi]", db 0x0f, 0x1f, 0x07
    IF_HAS I686, "prefetcht0", prefetcht0 [edi]
    IF_HAS FXSR, "fxsave", fxsave [edi]
    IF_HAS MMX2, "pshufw", pshufw mm0, mm1, 0
    IF_HAS MMX2, "movntq", movntq [edi], mm0
    IF_HAS MMX2, "pextrw", pextrw eax, mm0, 0
    IF_HAS MMX2, "sfence", sfence
    IF_HAS NOW, "pfadd", pfadd mm0, mm1
    IF_HAS NOW | LM, "prefetchw", prefetchw [edi]
    IF_HAS NOW, "pswapd", db 0x0f, 0x0f, 0xc1, 0xbb
    test dword [has], FXSR
    jz .no_fxsr
    mov eax, cr4
    or eax, 0x200
    mov cr4, eax
.no_fxsr:
    IF_HAS SSE, "xorps", xorps xmm0, xmm0
    IF_HAS SSE, "stmxcsr", stmxcsr [edi]
    IF_HAS SSE2, "paddq", paddq xmm0, xmm1
    IF_HAS SSE2, "paddq mm", paddq mm0, mm1
    IF_HAS SSE2, "lfence", lfence
    IF_HAS SSE2, "clflush", clflush [edi]
    IF_HAS SSSE3, "movddup", movddup xmm0, xmm1
    IF_HAS SSSE3, "fisttp", fisttp dword [edi]
    IF_HAS SSSE3, "pshufb", pshufb xmm0, xmm1
    IF_HAS SSE42, "ptest", ptest xmm0, xmm1
    IF_HAS SSE42, "crc32", crc32 eax, cl
    IF_HAS SSE42, "popcnt", popcnt eax, ecx
    IF_HAS AVX, "movbe", movbe eax, [edi]
    IF_HAS AVX, "andn", andn eax, ecx, edx
    IF_HAS AVX, "rdrand", rdrand eax
    IF_HAS_ALL AVX, "xgetbv, with CR4.OSXSAVE", .xgetbv
    IF_HAS RTM, "xtest", db 0x0f, 0x01, 0xd6
    IF_HAS_ALL SYSC, "EFER.SCE, and SYSCALL outside 64-bit mode", .syscall
    ret
.cpuid:
    xor eax, eax
    cpuid
    ret
; returns, or leaves what it called by way of the exception
.xgetbv:
    test dword [has], AVX
    jz .undefined
    mov eax, cr4
    or eax, 0x40000
    mov cr4, eax
    xor ecx, ecx
    xgetbv
    ret
.undefined:
    add esp, 4
    ud2
; only AMD's: EFER is a register of the processor without long mode
.syscall:
    test dword [has], SYSC
    jz .undefined
    mov ecx, 0xc0000080
    rdmsr
    or eax, 1
    wrmsr
    mov ecx, 0xc0000081
    mov eax, .there
    mov edx, SEL_CODE0
    wrmsr
    syscall
.back:
    ud2
.there:
    mov ax, SEL_DATA0
    mov ss, ax
    cmp ecx, .back
    jne .back
    ret

; the supervisor's writes to read-only pages: the 386 allows them, and so do others without CR0.WP
PAGES equ 0x60000
write_protect:
    mov edi, PAGES
    mov ecx, 1024
    xor eax, eax
    rep stosd
    mov eax, 0x83               ; a directory, one table: 4 KiB pages mapped to themselves
    mov dword [PAGES], PAGES + 0x1000 + 7
    mov edi, PAGES + 0x1000
    mov ecx, 1024
    mov eax, 7
.page:
    stosd
    add eax, 0x1000
    loop .page
    and byte [PAGES + 0x1000 + (FREE >> 10)], ~2
    mov eax, PAGES
    mov cr3, eax
    mov eax, cr0
    or eax, CR0_PG
    mov cr0, eax
    jmp short .on
.on:
    FINE "write to a read-only page at ring 0", mov [FREE], eax
    mov eax, cr0
    or eax, 0x10000
    mov cr0, eax
    test dword [has], I486
    jz .always
    FAULT "with CR0.WP", PF, 3, mov [FREE], eax
    jmp .off
.always:
    FINE "there is no CR0.WP", mov [FREE], eax
.off:
    mov eax, cr0
    and eax, ~(CR0_PG | 0x10000)
    mov cr0, eax
    ret

END_OF_TEST
