; system.asm: privileged instructions, control registers, MSRs, I/O rights, UMIP, XCR0, monitors, in 32-bit protected mode, real mode
; and VM86. SDM Vol. 3A chapters 2 and 5, Vol. 2 by instruction.

%include "isa.inc"

cases:
    call privileged
    call protected_only
    call control_registers
    call debug_registers
    call msrs
    call time_and_counters
    call io_rights
    call io_in_vm86
    call umip
    call extended_state
    call monitors
    call pcids
    call fast_calls
    call virtual_flags
    ret

%macro CR4_SET 1
    mov eax, cr4
    or eax, %1
    mov cr4, eax
%endmacro
%macro RING 3+                  ; rule, what, ring; the case's code follows
    NEG %1, %2, GP, 0
    GO %3
    AT
%endmacro

; ---- SDM Vol. 3A 5.9
%macro PRIVILEGED 2+            ; what, instruction: rings 1, 3 and VM86
    NEG GP_PRIVILEGED, {%1, ", ring 1"}, GP, 0
    GO 1
    AT
        %2
    DONE
    NEG GP_PRIVILEGED, {%1, ", ring 3"}, GP, 0
    GO 3
    AT
        %2
    DONE
    NEG GP_PRIVILEGED, {%1, ", vm86"}, GP, 0
    GO_V86 0x3000
    AT16
        %2
    DONE16
%endmacro
privileged:
    PRIVILEGED "hlt", hlt
    PRIVILEGED "clts", clts
    PRIVILEGED "mov cr0", mov cr0, eax
    PRIVILEGED "mov from cr0", mov eax, cr0
    PRIVILEGED "mov from cr2", mov eax, cr2
    PRIVILEGED "mov cr3", mov cr3, eax
    PRIVILEGED "mov from cr4", mov eax, cr4
    PRIVILEGED "mov dr7", mov dr7, eax
    PRIVILEGED "mov from dr0", mov eax, dr0
    PRIVILEGED "lmsw", lmsw ax
    PRIVILEGED "invd", invd
    PRIVILEGED "wbinvd", wbinvd
    PRIVILEGED "invlpg", invlpg [0]
    PRIVILEGED "rdmsr", rdmsr
    PRIVILEGED "wrmsr", wrmsr
    PRIVILEGED "lgdt", lgdt [0]
    PRIVILEGED "lidt", lidt [0]
    NEG GP_PRIVILEGED, "lgdt: before its operand is read", GP, 0
    GO 3
        LOAD es, 0
    AT
        lgdt [es:0]
    DONE
    NEG GP_PRIVILEGED, "lldt", GP, 0
    GO 3
        xor eax, eax
    AT
        lldt ax
    DONE
    NEG GP_PRIVILEGED, "ltr", GP, 0
    GO 3
        mov eax, SEL_TSS
    AT
        ltr ax
    DONE
    NEG GP_PRIVILEGED, "xsetbv", GP, 0
        CR4_SET 0x40000
    GO 3
        xor ecx, ecx
    AT
        xsetbv
    DONE
    NEG GP_PRIVILEGED, "invpcid", GP, 0
    GO 3
    AT
        invpcid eax, [FREE]
    DONE
    POS GP_PRIVILEGED, "ring 0"
        clts
        mov eax, cr0
        mov cr0, eax
        mov eax, cr2
        mov eax, cr3
        mov eax, dr7
        mov dr7, eax
        invlpg [0]
        wbinvd
        lgdt [gdtr]
        lidt [idtr]
        mov ecx, 0x1b
        rdmsr
        wrmsr
    DONE
    ret

protected_only:
    %macro REAL_UD 2+
    NEG UD_NOT_PROTECTED, {%1, ", real"}, UD, 0
    GO_REAL
    AT16
        %2
    DONE16
    NEG UD_NOT_PROTECTED, {%1, ", vm86"}, UD, 0
    GO_V86 0x3000
    AT16
        %2
    DONE16
    %endmacro
    REAL_UD "lar", lar ax, cx
    REAL_UD "lsl", lsl ax, cx
    REAL_UD "verr", verr ax
    REAL_UD "verw", verw ax
    REAL_UD "arpl", arpl ax, cx
    REAL_UD "sldt", sldt ax
    REAL_UD "str", str ax
    REAL_UD "lldt", lldt ax
    REAL_UD "ltr", ltr ax
    REAL_UD "the operand is not read", verr [0xffff]
    POS UD_NOT_PROTECTED, "protected mode, ring 3"
    GO 3
        lar eax, ecx
        lsl eax, ecx
        verr ax
        verw ax
        arpl ax, cx
        sldt eax
        str eax
    DONE
    POS UD_NOT_PROTECTED, "smsw and sgdt are for all"
    GO_REAL
        smsw ax
        sgdt [0]
        sidt [8]
    DONE16
    ret

control_registers:
    %macro NEG_CR 3             ; number's byte, what; 0F 20 and 0F 22
    NEG UD_CONTROL_REGISTER, {"mov from ", %1}, UD, 0
    AT
        db 0x0f, 0x20, %2
    DONE
    NEG UD_CONTROL_REGISTER, {"mov to ", %1}, UD, 0
    AT
        db 0x0f, 0x22, %2
    DONE
    %endmacro
    NEG_CR "cr1", 0xc8, 0
    NEG_CR "cr5", 0xe8, 0
    NEG_CR "cr6", 0xf0, 0
    NEG_CR "cr7", 0xf8, 0
    NEG UD_CONTROL_REGISTER, "cr1, ring 3: before privilege", UD, 0
    GO 3
    AT
        db 0x0f, 0x20, 0xc8
    DONE
    POS UD_CONTROL_REGISTER, "cr0, cr2, cr3, cr4"
        mov eax, cr0
        mov eax, cr2
        mov eax, cr3
        mov eax, cr4
    DONE
    POS UD_CONTROL_REGISTER, "mod does not count"
        db 0x0f, 0x20, 0x00
    DONE
    IS "mov eax, cr0 with mod 0", dword [seen.eax], CR0_PE | CR0_MP | 0x30
    NEG GP_CR0_PG_WITHOUT_PE, "protected mode", GP, 0
        mov eax, CR0_PG | 0x10
    AT
        mov cr0, eax
    DONE
    NEG GP_CR0_PG_WITHOUT_PE, "real", GP, 0
    GO_REAL
        mov eax, cr0
        or eax, CR0_PG
    AT16
        mov cr0, eax
    DONE16
    NEG GP_CR0_NW_WITHOUT_CD, "NW alone", GP, 0
        mov eax, cr0
        or eax, 0x20000000
    AT
        mov cr0, eax
    DONE
    POS GP_CR0_NW_WITHOUT_CD, "NW and CD"
        mov eax, cr0
        or eax, 0x60000000
        mov cr0, eax
    DONE
    POS GP_CR0_NW_WITHOUT_CD, "CD alone; undefined bits are ignored"
        mov eax, cr0
        or eax, 0x4000ff80
        mov cr0, eax
        mov eax, cr0
    DONE
    IS "undefined bits read 0", dword [seen.eax], CR0_PE | CR0_MP | 0x40000030
    %macro NEG_CR4 2
    NEG GP_CR4_RESERVED, %1, GP, 0
        mov eax, cr4
        or eax, %2
    AT
        mov cr4, eax
    DONE
    %endmacro
    NEG_CR4 "bit 15", 0x8000
    NEG_CR4 "bit 19", 0x80000
    NEG_CR4 "bit 31", 0x80000000
    NEG_CR4 "VMXE: no VMX", 0x2000
    NEG_CR4 "SMXE: no SMX", 0x4000
    POS GP_CR4_RESERVED, "what the processor has"
        CR4_SET CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_PGE | CR4_UMIP | 0x140 | 0x50000
    DONE
    NEG GP_CR4_PCIDE_NOT_LONG, "32 bits", GP, 0
        mov eax, cr4
        or eax, CR4_PCIDE
    AT
        mov cr4, eax
    DONE
    ret

debug_registers:
    NEG UD_DR4, "mov from dr4", UD, 0
        CR4_SET CR4_DE
    AT
        db 0x0f, 0x21, 0xe0
    DONE
    NEG UD_DR4, "mov to dr5", UD, 0
        CR4_SET CR4_DE
    AT
        db 0x0f, 0x23, 0xe8
    DONE
    POS UD_DR4, "they are DR6 and DR7 without CR4.DE"
        mov eax, 0x700
        db 0x0f, 0x23, 0xe8
        mov ecx, dr7
        db 0x0f, 0x21, 0xe2
    DONE
    IS "dr5 is dr7", dword [seen.ecx], 0x700
    IS "dr4 is dr6", dword [seen.edx], 0xffff0ff0
    POS UD_DEBUG_REGISTER, "dr0 to dr3, dr6, dr7"
        mov eax, dr0
        mov eax, dr3
        mov eax, dr6
        mov eax, dr7
    DONE
    ret

; ---- MSRs
%macro NEG_RD 2
    NEG GP_RDMSR, %1, GP, 0
        mov ecx, %2
    AT
        rdmsr
    DONE
%endmacro
%macro NEG_WR 4                 ; what, number, EAX, EDX
    NEG GP_WRMSR, %1, GP, 0
        mov ecx, %2
        mov eax, %3
        mov edx, %4
    AT
        wrmsr
    DONE
%endmacro
%macro POS_WR 4
    POS GP_WRMSR, %1
        mov ecx, %2
        rdmsr
        mov esi, eax
        mov edi, edx
        mov eax, %3
        mov edx, %4
        wrmsr
        rdmsr
        xchg eax, esi
        xchg edx, edi
        wrmsr
    DONE
    IS {%1, ": low"}, dword [seen.esi], %3
    IS {%1, ": high"}, dword [seen.edi], %4
%endmacro
msrs:
    NEG_RD "unknown", 0x12345
    NEG_RD "FFFFFFFFh", -1
    NEG_RD "no VMX", 0x480
    NEG_RD "SMBASE outside SMM", 0x9e
    NEG_RD "x2APIC without its mode", 0x802
    NEG_RD "one of AMD's", 0xc0010015
    NEG GP_RDMSR, "real", GP, 0
    GO_REAL
        mov ecx, 0x12345
    AT16
        rdmsr
    DONE16
    POS GP_RDMSR, "some that are there"
        mov ecx, 0x10
        rdmsr
        mov ecx, 0x1b
        rdmsr
        mov ecx, 0xfe
        rdmsr
        mov ecx, 0x277
        rdmsr
        mov ecx, 0x17
        rdmsr
        mov ecx, MSR_EFER
        rdmsr
    DONE
    NEG_WR "unknown", 0x12345, 0, 0
    NEG_WR "read-only: MTRRCAP", 0xfe, 0x508, 0
    NEG_WR "read-only: MCG_CAP", 0x179, 0, 0
    NEG_WR "EFER: bit 1", MSR_EFER, 2, 0
    NEG_WR "EFER: bit 63", MSR_EFER, 0, 0x80000000
    NEG_WR "EFER: SVME", MSR_EFER, 0x1000, 0
    NEG_WR "PAT: type 2", 0x277, 0x00070402, 0x00070406
    NEG_WR "PAT: type 8", 0x277, 0x00070408, 0x00070406
    NEG_WR "MTRR: type 2", 0x200, 2, 0
    NEG_WR "MTRR: base above the physical width", 0x200, 6, 0x80000000
    NEG_WR "MTRR: reserved bit of the mask", 0x201, 0x400, 0
    NEG_WR "MTRR: fixed, type 3", 0x250, 0x03030303, 0x03030303
    NEG_WR "MTRR: default type, reserved bit", 0x2ff, 0x1000, 0
    NEG_WR "MTRR: default type 2", 0x2ff, 2, 0
    NEG_WR "MC0_STATUS takes 0 only", 0x401, 1, 0
    NEG_WR "LSTAR: canonical", MSR_LSTAR, 0, 0x1000000
    NEG_WR "CSTAR: canonical", MSR_CSTAR, 0, 0x1000000
    NEG_WR "SYSENTER_EIP: canonical", MSR_SYSENTER_EIP, 0, 0x1000000
    NEG_WR "SYSENTER_ESP: canonical", MSR_SYSENTER_ESP, 0, 0xfeffffff
    NEG_WR "FS base: canonical", MSR_FS_BASE, 0, 0x1000000
    NEG_WR "GS base: canonical", MSR_GS_BASE, -1, 0x7fffffff
    NEG_WR "KERNEL_GS base: canonical", MSR_KERNEL_GS, 0, 0x1000000
    NEG_WR "FMASK: upper half", MSR_FMASK, 0, 1
    NEG_WR "TSC_AUX: upper half", 0xc0000103, 0, 1
    NEG_WR "APIC_BASE: reserved bit", 0x1b, 0xfee00901, 0
    NEG_WR "APIC_BASE: x2APIC while disabled", 0x1b, 0xfee00500, 0
    NEG_WR "APIC_BASE: above the physical width", 0x1b, 0xfee00900, 0x80000000
    NEG_WR "x2APIC without its mode", 0x808, 0, 0
    NEG_WR "DEBUGCTL: upper half", 0x1d9, 0, 1
    POS_WR "PAT: UC-", 0x277, 0x00070406, 0x00070407
    POS_WR "LSTAR", MSR_LSTAR, -1, 0x7fff
    POS_WR "LSTAR, upper half", MSR_LSTAR, 0, 0xffff8000
    POS_WR "FS base", MSR_FS_BASE, 0, 0xffff8000
    POS_WR "SYSENTER_EIP", MSR_SYSENTER_EIP, 0x1234, 0x7fff
    POS_WR "FMASK", MSR_FMASK, -1, 0
    POS_WR "MTRR: write-back", 0x200, 0x10000006, 1
    POS_WR "STAR takes all", MSR_STAR, -1, -1
    POS_WR "EFER: SCE, NXE", MSR_EFER, EFER_SCE | EFER_NXE, 0
    ret

time_and_counters:
    NEG GP_TSC_DISABLED, "rdtsc, ring 3", GP, 0
        CR4_SET CR4_TSD
    GO 3
    AT
        rdtsc
    DONE
    NEG GP_TSC_DISABLED, "rdtscp, ring 1", GP, 0
        CR4_SET CR4_TSD
    GO 1
    AT
        rdtscp
    DONE
    NEG GP_TSC_DISABLED, "vm86", GP, 0
        CR4_SET CR4_TSD
    GO_V86 0x3000
    AT16
        rdtsc
    DONE16
    POS GP_TSC_DISABLED, "ring 0 may"
        CR4_SET CR4_TSD
        rdtsc
        rdtscp
    DONE
    POS GP_TSC_DISABLED, "ring 3 without TSD"
    GO 3
        rdtsc
        rdtscp
    DONE
    POS GP_TSC_DISABLED, "real mode may"
        CR4_SET CR4_TSD
    GO_REAL
        rdtsc
    DONE16
    NEG GP_RDPMC_PCE, "ring 3", GP, 0
        xor ecx, ecx
    GO 3
    AT
        rdpmc
    DONE
    NEG GP_RDPMC_PCE, "vm86", GP, 0
        xor ecx, ecx
    GO_V86 0x3000
    AT16
        rdpmc
    DONE16
    POS GP_RDPMC_PCE, "ring 3 with PCE"
        CR4_SET 0x100
        xor ecx, ecx
    GO 3
        rdpmc
    DONE
    NEG GP_RDPMC_INDEX, "none of that number", GP, 0
        mov ecx, 0x20000000
    AT
        rdpmc
    DONE
    NEG GP_RDPMC_INDEX, "a fifth general one", GP, 0
        mov ecx, 4
    AT
        rdpmc
    DONE
    NEG GP_RDPMC_INDEX, "a fourth fixed one", GP, 0
        mov ecx, 0x40000003
    AT
        rdpmc
    DONE
    POS GP_RDPMC_INDEX, "general 3, fixed 2"
        mov ecx, 3
        rdpmc
        mov ecx, 0x40000002
        rdpmc
    DONE
    NEG_WR "PERFEVTSEL: upper half", 0x186, 0, 1
    NEG_WR "PERFEVTSEL: AnyThread is of version 3", 0x186, 0x200000, 0
    NEG_WR "FIXED_CTR: 48 bits", 0x309, 0, 0x10000
    NEG_WR "FIXED_CTR_CTRL: reserved bit", 0x38d, 4, 0
    NEG_WR "PERF_GLOBAL_STATUS is read-only", 0x38e, 0, 0
    NEG_WR "PERF_GLOBAL_CTRL: no such counter", 0x38f, 0x10, 0
    NEG_WR "PERF_GLOBAL_OVF_CTRL: reserved bit", 0x390, 0x10, 0
    NEG_RD "no fifth PERFEVTSEL", 0x18a
    POS_WR "PERF_GLOBAL_CTRL", 0x38f, 0xf, 7
    POS_WR "PMC is sign-extended from 32 bits", 0xc1, 0x80000000, 0xffff
    POS GP_WRMSR, "instructions are counted, at every ring"
        mov ecx, 0x38d          ; fixed counter 0, OS and USR
        mov eax, 3
        xor edx, edx
        wrmsr
        mov ecx, 0x309
        xor eax, eax
        wrmsr
        mov ecx, 0x38f
        inc edx
        wrmsr
        mov ecx, 100            ; 1 + 100 here, and RDMSR comes before its own count: 103 in all
.loop:
        loop .loop
        mov ecx, 0x309
        nop
        rdmsr
        mov esi, eax
        mov ecx, 0x38f
        xor eax, eax
        xor edx, edx
        wrmsr
    DONE
    IS "how many", dword [seen.esi], 103
    ret

; ---- SDM Vol. 1 19.5
%macro NEG_IO 4+                ; what, limit of the TSS, bitmap's offset, instruction: ring 3
    NEG GP_IO_BITMAP, %1, GP, 0
        DESCRIPTOR T0, tss, %2, D_TSS32, 0
        mov word [tss.iomap], %3
        mov ax, T0
        ltr ax
        mov dx, 0x80
    GO 3
    AT
        %4
    DONE
%endmacro
%macro POS_IO 4+
    POS GP_IO_BITMAP, %1
        DESCRIPTOR T0, tss, %2, D_TSS32, 0
        mov word [tss.iomap], %3
        mov ax, T0
        ltr ax
        mov dx, 0x80
    GO 3
        %4
    DONE
%endmacro
%define MAP (tss.bitmap - tss)
%define MAP_LAST (MAP + 127 + 1)
io_rights:
    NEG_IO "in, denied port", MAP_LAST, MAP, in al, dx
    NEG_IO "out, immediate port", MAP_LAST, MAP, out 0x80, al
    NEG_IO "ins", MAP_LAST, MAP, insb
    NEG_IO "outs", MAP_LAST, MAP, outsb
    NEG_IO "rep outs", MAP_LAST, MAP, rep outsb
    NEG_IO "a word needs both bits", MAP_LAST, MAP, in ax, PORT_LOG
    NEG_IO "a dword needs all bits", MAP_LAST, MAP, in eax, PORT_LOG
    POS_IO "the port that is allowed", MAP_LAST, MAP, in al, PORT_LOG
    ; the byte behind the one looked at must lie inside too
    NEG_IO "only one byte inside", MAP + PORT_LOG / 8, MAP, in al, PORT_LOG
    POS_IO "two bytes inside", MAP + PORT_LOG / 8 + 1, MAP, in al, PORT_LOG
    NEG_IO "no bitmap", MAP_LAST, MAP_LAST + 1, in al, PORT_LOG
    NEG_IO "bitmap's offset FFFFh", MAP_LAST, 0xffff, in al, PORT_LOG
    NEG_IO "TSS of 102 bytes", 101, MAP, in al, PORT_LOG
    NEG GP_IO_BITMAP, "port 400h is behind the map", GP, 0
        mov edx, 0x410
    GO 3
    AT
        in al, dx
    DONE
    NEG GP_IO_BITMAP, "a word across two bytes of the map", GP, 0
        and byte [tss.bitmap + 0x80 / 8], 0x7f
        mov edx, 0x87
    GO 3
    AT
        in ax, dx
    DONE
    POS GP_IO_BITMAP, "a word across two bytes, both clear"
        and byte [tss.bitmap + 0x80 / 8], 0x7f
        and byte [tss.bitmap + 0x88 / 8], 0xfe
        mov edx, 0x87
    GO 3
        in ax, dx
    DONE
    NEG GP_IO_BITMAP, "a dword across, last bit set", GP, 0
        and byte [tss.bitmap + 0x80 / 8], 0x1f
        mov edx, 0x85
    GO 3
    AT
        in eax, dx
    DONE
    NEG GP_IO_BITMAP, "a 16-bit TSS has none", GP, 0
        mov dword [FREE + 102], 104
        mov edi, FREE + 104
        mov ecx, 0x80
        xor eax, eax
        rep stosb
        DESCRIPTOR T0, FREE, 0x200, D_TSS16, 0
        mov word [FREE + 2], STACK_INT & 0xffff
        SEG T1, STACK_INT & ~0xffff, 0xffff, D_DATA, G_32
        mov word [FREE + 4], T1
        mov ax, T0
        ltr ax
    GO 3
    AT
        in al, PORT_LOG
    DONE
    NEG GP_IO_BITMAP, "IOPL 2, ring 3", GP, 0
        mov dword [ring_extra], 0x2000
        mov dx, 0x80
    GO 3
    AT
        in al, dx
    DONE
    POS GP_IO_BITMAP, "IOPL 3, ring 3"
        mov dword [ring_extra], 0x3000
        mov dx, 0x80
    GO 3
        in al, dx
        out dx, al
    DONE
    POS GP_IO_BITMAP, "IOPL 2, ring 2"
        mov dword [ring_extra], 0x2000
        mov dx, 0x80
    GO 2
        in al, dx
    DONE
    POS GP_IO_BITMAP, "rep outs with ECX 0 is looked at all the same"
        mov dword [ring_extra], 0x3000
        xor ecx, ecx
        mov edx, 0x80
    GO 3
        rep outsb
    DONE
    NEG GP_CLI_IOPL, "cli, ring 3, IOPL 0", GP, 0
    GO 3
    AT
        cli
    DONE
    NEG GP_CLI_IOPL, "sti, ring 1, IOPL 0", GP, 0
    GO 1
    AT
        sti
    DONE
    NEG GP_CLI_IOPL, "cli, ring 3, IOPL 2", GP, 0
        mov dword [ring_extra], 0x2000
    GO 3
    AT
        cli
    DONE
    POS GP_CLI_IOPL, "ring 3, IOPL 3"
        mov dword [ring_extra], 0x3000
    GO 3
        cli
    DONE
    POS GP_CLI_IOPL, "popf changes IF only with IOPL, and never traps"
    GO 3
        pushfd
        or dword [esp], FL_IF | 0x3000
        popfd
        pushfd
        pop eax
        and eax, ~FL_SF
    DONE
    IS "popf at ring 3: IF and IOPL", dword [seen.eax], 2
    ret

io_in_vm86:
    NEG GP_IO_BITMAP, "vm86: the bitmap counts, IOPL does not", GP, 0
    GO_V86 0x3000
        mov dx, 0x80
    AT16
        in al, dx
    DONE16
    POS GP_IO_BITMAP, "vm86, allowed, IOPL 0"
    GO_V86 0
        in al, PORT_LOG
    DONE16
    %macro V86_IOPL 2+
    NEG GP_VM86_IOPL, %1, GP, 0
    GO_V86 0x2000
    AT16
        %2
    DONE16
    POS GP_VM86_IOPL, %1
        and byte [tss.redirect + 0x40 / 8], 0xfe
        mov dword [0x50 * 4], (IMAGE >> 4) << 16 | IP_OF(.iret16)
        GATE IDT_ENTRY(0x50), SEL_CODE0, .iret32, D_INT32 | 3 << 5, 0
    GO_V86 0x3000
        push word 0x3000
        %2
    DONE16
    %endmacro
    V86_IOPL "pushf", pushf
    V86_IOPL "pushfd", o32 pushf
    V86_IOPL "popf", popf
    V86_IOPL "int n", int 0x50
    NEG GP_VM86_IOPL, "popfd", GP, 0
    GO_V86 0x2000
        push dword 0x3000
    AT16
        popfd
    DONE16
    NEG GP_VM86_IOPL, "iret", GP, 0
    GO_V86 0x2000
        pushad
    AT16
        iret
    DONE16
    NEG GP_CLI_IOPL, "cli, vm86", GP, 0
    GO_V86 0x2000
    AT16
        cli
    DONE16
    NEG GP_CLI_IOPL, "sti, vm86", GP, 0
    GO_V86 0x2000
    AT16
        sti
    DONE16
    POS GP_CLI_IOPL, "vm86, IOPL 3"
    GO_V86 0x3000
        cli
    DONE16
    POS GP_VM86_IOPL, "int3 needs none"
    GO_V86 0
        nop
    DONE16
    ret
.iret32:
    iretd
    bits 16
.iret16:
    iret
    bits 32

umip:
    %macro UMIP_CASE 2+
    NEG GP_UMIP, {%1, ", ring 3"}, GP, 0
        CR4_SET CR4_UMIP
    GO 3
    AT
        %2
    DONE
    %endmacro
    UMIP_CASE "sgdt", sgdt [FREE]
    UMIP_CASE "sidt", sidt [FREE]
    UMIP_CASE "sldt", sldt eax
    UMIP_CASE "str", str [FREE]
    UMIP_CASE "smsw", smsw eax
    NEG GP_UMIP, "vm86", GP, 0
        CR4_SET CR4_UMIP
    GO_V86 0x3000
    AT16
        smsw ax
    DONE16
    NEG GP_UMIP, "ring 1", GP, 0
        CR4_SET CR4_UMIP
    GO 1
    AT
        sgdt [FREE]
    DONE
    POS GP_UMIP, "ring 0"
        CR4_SET CR4_UMIP
        sgdt [FREE]
        sldt eax
        smsw eax
    DONE
    POS GP_UMIP, "ring 3 without it"
    GO 3
        sgdt [FREE]
        sidt [FREE]
        smsw eax
    DONE
    POS GP_UMIP, "real mode"
        CR4_SET CR4_UMIP
    GO_REAL
        sgdt [0]
    DONE16
    ret

; ---- XSETBV, XSAVE: SDM Vol. 1 chapter 13
%define OSXSAVE 0x40000
%macro NEG_XCR 5                ; rule, what, ECX, EAX, EDX
    NEG %1, %2, GP, 0
        CR4_SET OSXSAVE
        mov ecx, %3
        mov eax, %4
        mov edx, %5
    AT
        xsetbv
    DONE
%endmacro
extended_state:
    NEG UD_OSXSAVE, "xgetbv", UD, 0
        xor ecx, ecx
    AT
        xgetbv
    DONE
    NEG UD_OSXSAVE, "xsetbv, ring 3: before privilege", UD, 0
    GO 3
    AT
        xsetbv
    DONE
    POS UD_OSXSAVE, "with CR4.OSXSAVE"
        CR4_SET OSXSAVE
    GO 3
        xor ecx, ecx
        xgetbv
    DONE
    NEG GP_XCR_INDEX, "xgetbv 2", GP, 0
        CR4_SET OSXSAVE
        mov ecx, 2
    AT
        xgetbv
    DONE
    NEG_XCR GP_XCR_INDEX, "xsetbv 1", 1, 1, 0
    NEG_XCR GP_XCR_INDEX, "xsetbv -1", -1, 1, 0
    NEG_XCR GP_XCR0_RESERVED, "bit 63", 0, 3, 0x80000000
    NEG_XCR GP_XCR0_RESERVED, "bit 62", 0, 3, 0x40000000
    NEG_XCR GP_XCR0_RESERVED, "bit 10", 0, 0x403, 0
    NEG_XCR GP_XCR0_X87, "0", 0, 0, 0
    NEG_XCR GP_XCR0_X87, "SSE alone", 0, 2, 0
    POS GP_XCR_INDEX, "0"
        CR4_SET OSXSAVE
        xor ecx, ecx
        xgetbv
        xsetbv
    DONE
    POS GP_XCR0_X87, "1"
        CR4_SET OSXSAVE
        xor ecx, ecx
        xgetbv
        mov esi, eax
        mov eax, 1
        xsetbv
        mov eax, esi
        xsetbv
    DONE
    POS GP_XCR0_RESERVED, "3"
        CR4_SET OSXSAVE
        xor ecx, ecx
        xor edx, edx
        mov eax, 3
        xsetbv
    DONE
    NEG UD_XSAVE_OFF, "xsave", UD, 0
    AT
        xsave [FREE]
    DONE
    NEG UD_XSAVE_OFF, "xrstor, ring 3", UD, 0
    GO 3
    AT
        xrstor [FREE]
    DONE
    NEG UD_XSAVE_OFF, "xsaveopt", UD, 0
    AT
        xsaveopt [FREE]
    DONE
    NEG GP_XSAVE_UNALIGNED, "xsave at 16", GP, 0
        CR4_SET OSXSAVE
    AT
        xsave [FREE + 16]
    DONE
    NEG GP_XSAVE_UNALIGNED, "xrstor at 32", GP, 0
        CR4_SET OSXSAVE
    AT
        xrstor [FREE + 32]
    DONE
    POS GP_XSAVE_UNALIGNED, "at 64"
        CR4_SET OSXSAVE
        mov eax, 3
        xor edx, edx
        xor ecx, ecx
        mov dword [FREE + 512], ecx
        mov dword [FREE + 516], ecx
        xsave [FREE]
    DONE
    POS UD_XSAVE_OFF, "with CR4.OSXSAVE, ring 3"
        CR4_SET OSXSAVE
        xor eax, eax
        xor edx, edx
    GO 3
        xsave [FREE]
    DONE
    ; XRSTOR's header
    %macro HEADER 0             ; a good area at FREE
        CR4_SET OSXSAVE
        mov edi, FREE
        mov ecx, 576 / 4
        xor eax, eax
        rep stosd
        mov dword [FREE + 24], 0x1f80
        mov eax, 3
        xor edx, edx
    %endmacro
    NEG GP_XRSTOR_HEADER, "byte 8", GP, 0
        HEADER
        mov byte [FREE + 520], 1
    AT
        xrstor [FREE]
    DONE
    NEG GP_XRSTOR_HEADER, "byte 23", GP, 0
        HEADER
        mov byte [FREE + 535], 0x80
    AT
        xrstor [FREE]
    DONE
    POS GP_XRSTOR_HEADER, "zeros; bytes 24 on do not count"
        HEADER
        mov byte [FREE + 536], 1
        xrstor [FREE]
    DONE
    NEG GP_XRSTOR_BV, "bit 63", GP, 0
        HEADER
        mov byte [FREE + 519], 0x80
    AT
        xrstor [FREE]
    DONE
    NEG GP_XRSTOR_BV, "bit 9", GP, 0
        HEADER
        mov byte [FREE + 513], 2
    AT
        xrstor [FREE]
    DONE
    POS GP_XRSTOR_BV, "x87 and SSE"
        HEADER
        mov byte [FREE + 512], 3
        xrstor [FREE]
    DONE
    NEG GP_MXCSR, "xrstor", GP, 0
        HEADER
        mov byte [FREE + 512], 2
        mov dword [FREE + 24], 0x10000
    AT
        xrstor [FREE]
    DONE
    NEG GP_MXCSR, "ldmxcsr, bit 16", GP, 0
        mov dword [FREE], 0x11f80
    AT
        ldmxcsr [FREE]
    DONE
    NEG GP_MXCSR, "ldmxcsr, bit 31", GP, 0
        mov dword [FREE], 0x80001f80
    AT
        ldmxcsr [FREE]
    DONE
    NEG GP_MXCSR, "fxrstor", GP, 0
        fxsave [FREE]
        mov byte [FREE + 26], 1
    AT
        fxrstor [FREE]
    DONE
    POS GP_MXCSR, "all defined bits"
        mov dword [FREE], 0xffff
        ldmxcsr [FREE]
    DONE
    POS GP_MXCSR, "xrstor without SSE does not look"
        HEADER
        mov dword [FREE + 24], 0x10000
        mov eax, 1
        xrstor [FREE]
    DONE
    NEG GP_FXSAVE_UNALIGNED, "fxsave at 8", GP, 0
    AT
        fxsave [FREE + 8]
    DONE
    NEG GP_FXSAVE_UNALIGNED, "fxrstor at 1", GP, 0
    AT
        fxrstor [FREE + 1]
    DONE
    POS GP_FXSAVE_UNALIGNED, "at 16"
        fxsave [FREE + 16]
        fxrstor [FREE + 16]
    DONE
    ret

monitors:
    NEG UD_MONITOR_CPL, "monitor, ring 3", UD, 0
    GO 3
    AT
        monitor
    DONE
    NEG UD_MONITOR_CPL, "mwait, ring 1", UD, 0
    GO 1
    AT
        mwait
    DONE
    NEG UD_MONITOR_CPL, "monitor, vm86", UD, 0
    GO_V86 0x3000
    AT16
        monitor
    DONE16
    POS UD_MONITOR_CPL, "ring 0"
        mov eax, FREE
        xor ecx, ecx
        xor edx, edx
        monitor
        mwait
    DONE
    NEG GP_MONITOR_EXTENSIONS, "monitor, ECX 1", GP, 0
        mov eax, FREE
        mov ecx, 1
    AT
        monitor
    DONE
    NEG GP_MONITOR_EXTENSIONS, "mwait, ECX 2", GP, 0
        mov ecx, 2
    AT
        mwait
    DONE
    POS GP_MONITOR_EXTENSIONS, "monitor, ECX 0"
        mov eax, FREE
        xor ecx, ecx
        monitor
    DONE
    NEG GP_DATA_LIMIT, "monitor looks at its operand", GP, 0
        SEG T0, FREE, 0xfff, D_DATA, G_32
        LOAD es, T0
        mov eax, 0x1000
        xor ecx, ecx
    AT
        es monitor
    DONE
    ret

pcids:
    %macro DESCRIPTOR_AT_FREE 4 ; PCID's dwords, address's dwords
        mov dword [FREE], %1
        mov dword [FREE + 4], %2
        mov dword [FREE + 8], %3
        mov dword [FREE + 12], %4
    %endmacro
    NEG GP_INVPCID_TYPE, "4", GP, 0
        DESCRIPTOR_AT_FREE 0, 0, 0, 0
        mov eax, 4
    AT
        invpcid eax, [FREE]
    DONE
    NEG GP_INVPCID_TYPE, "-1", GP, 0
        DESCRIPTOR_AT_FREE 0, 0, 0, 0
        mov eax, -1
    AT
        invpcid eax, [FREE]
    DONE
    POS GP_INVPCID_TYPE, "3"
        DESCRIPTOR_AT_FREE 0, 0, 0, 0
        mov eax, 3
        invpcid eax, [FREE]
    DONE
    NEG GP_INVPCID_RESERVED, "bit 12", GP, 0
        DESCRIPTOR_AT_FREE 0x1000, 0, 0, 0
        mov eax, 2
    AT
        invpcid eax, [FREE]
    DONE
    NEG GP_INVPCID_RESERVED, "bit 63", GP, 0
        DESCRIPTOR_AT_FREE 0, 0x80000000, 0, 0
        mov eax, 0
    AT
        invpcid eax, [FREE]
    DONE
    POS GP_INVPCID_RESERVED, "clear"
        DESCRIPTOR_AT_FREE 0, 0, 0x1234, 0
        mov eax, 0
        invpcid eax, [FREE]
    DONE
    NEG GP_INVPCID_NO_PCIDE, "type 0", GP, 0
        DESCRIPTOR_AT_FREE 1, 0, 0, 0
        mov eax, 0
    AT
        invpcid eax, [FREE]
    DONE
    NEG GP_INVPCID_NO_PCIDE, "type 1", GP, 0
        DESCRIPTOR_AT_FREE 0xfff, 0, 0, 0
        mov eax, 1
    AT
        invpcid eax, [FREE]
    DONE
    POS GP_INVPCID_NO_PCIDE, "type 2 takes any"
        DESCRIPTOR_AT_FREE 1, 0, 0, 0
        mov eax, 2
        invpcid eax, [FREE]
    DONE
    NEG GP_INVPCID_CANONICAL, "type 0", GP, 0
        DESCRIPTOR_AT_FREE 0, 0, 0, 0x1000000
        mov eax, 0
    AT
        invpcid eax, [FREE]
    DONE
    POS GP_INVPCID_CANONICAL, "type 1 does not look"
        DESCRIPTOR_AT_FREE 0, 0, 0, 0x1000000
        mov eax, 1
        invpcid eax, [FREE]
    DONE
    NEG GP_DATA_LIMIT, "invpcid reads 16 bytes", GP, 0
        SEG T0, FREE, 0xfff, D_DATA, G_32
        LOAD es, T0
        mov eax, 2
    AT
        invpcid eax, [es:0xff1]
    DONE
    ret

; ---- SYSENTER, SYSEXIT, SYSCALL outside 64-bit mode
%macro SYSENTER_CS 1
    mov ecx, MSR_SYSENTER_CS
    mov eax, %1
    xor edx, edx
    wrmsr
    mov ecx, MSR_SYSENTER_ESP
    mov eax, STACK_INT
    wrmsr
    mov ecx, MSR_SYSENTER_EIP
    mov eax, .entered
    wrmsr
%endmacro
fast_calls:
    NEG GP_SYSENTER_REAL, "real mode", GP, 0
    GO_REAL
    AT16
        sysenter
    DONE16
    NEG GP_SYSENTER_CS, "sysenter, 0", GP, 0
        SYSENTER_CS 0
    GO 3
    AT
        sysenter
    DONE
    NEG GP_SYSENTER_CS, "sysenter, 3", GP, 0
        SYSENTER_CS 3
    GO 3
    AT
        sysenter
    DONE
    NEG GP_SYSENTER_CS, "sysexit, 0", GP, 0
        SYSENTER_CS 0
    AT
        sysexit
    DONE
    POS GP_SYSENTER_CS, "to ring 0"
        SYSENTER_CS SEL_CODE0
    GO 3
        sysenter
.entered:
        mov eax, cs
        mov ecx, ss
        mov edx, esp
        pushfd
        pop ebx
    DONE
    IS "sysenter: CS", dword [seen.eax], SEL_CODE0
    IS "sysenter: SS", dword [seen.ecx], SEL_DATA0
    IS "sysenter: ESP", dword [seen.edx], STACK_INT
    POS GP_SYSENTER_REAL, "from vm86"
        SYSENTER_CS SEL_CODE0
        mov ecx, MSR_SYSENTER_EIP
        mov eax, .from_vm86
        wrmsr
    GO_V86 0x3000
        sysenter
    bits 32
.from_vm86:
        mov eax, SEL_DATA0
        mov ds, ax
        mov es, ax
        pushfd
        pop ebx
    DONE
    IS "sysenter from vm86 clears VM", dword [seen.ebx], 0x3002
    NEG GP_SYSEXIT_CPL, "ring 3", GP, 0
    GO 3
    AT
        sysexit
    DONE
    NEG GP_SYSEXIT_CPL, "ring 1", GP, 0
    GO 1
    AT
        sysexit
    DONE
    NEG GP_SYSEXIT_CPL, "real", GP, 0
    GO_REAL
    AT16
        sysexit
    DONE16
    POS GP_SYSEXIT_CPL, "ring 0"
        SYSENTER_CS SEL_CODE0
        mov edx, .left
        mov ecx, STACK3
        sysexit
.left:
        mov eax, cs
        mov ecx, ss
    DONE
    IS "sysexit: CS", dword [seen.eax], SEL_CODE0 + 16 | 3
    IS "sysexit: SS", dword [seen.ecx], SEL_CODE0 + 24 | 3
    NEG UD_SYSCALL_SCE, "syscall", UD, 0
        mov ecx, MSR_EFER
        xor eax, eax
        xor edx, edx
        wrmsr
    GO 3
    AT
        syscall
    DONE
    NEG UD_SYSCALL_SCE, "sysret", UD, 0
    AT
        sysret
    DONE
    NEG UD_SYSCALL_MODE, "syscall, 32 bits, Intel", UD, 0
        mov ecx, MSR_EFER
        mov eax, EFER_SCE
        xor edx, edx
        wrmsr
    GO 3
    AT
        syscall
    DONE
    NEG UD_SYSCALL_MODE, "sysret, 32 bits, Intel", UD, 0
        mov ecx, MSR_EFER
        mov eax, EFER_SCE
        xor edx, edx
        wrmsr
    AT
        sysret
    DONE
    mov ecx, MSR_EFER
    xor eax, eax
    xor edx, edx
    wrmsr
    NEG UD_RSM, "ring 0", UD, 0
    AT
        rsm
    DONE
    NEG UD_RSM, "ring 3", UD, 0
    GO 3
    AT
        rsm
    DONE
    NEG UD_SMAP_CPL, "clac, ring 3", UD, 0
    GO 3
    AT
        clac
    DONE
    NEG UD_SMAP_CPL, "stac, ring 1", UD, 0
    GO 1
    AT
        stac
    DONE
    NEG UD_SMAP_CPL, "stac, vm86", UD, 0
    GO_V86 0x3000
    AT16
        stac
    DONE16
    POS UD_SMAP_CPL, "ring 0"
        stac
        pushfd
        pop eax
        clac
    DONE
    test dword [seen.eax], FL_AC
    setnz al
    movzx eax, al
    IS "stac sets AC", eax, 1
    ret

; ---- VME and PVI: SDM Vol. 3B 20.3, 20.4
virtual_flags:
    NEG GP_STI_VIP, "PVI: sti with VIP", GP, 0
        CR4_SET CR4_PVI
        mov dword [ring_extra], FL_VIP
    GO 3
    AT
        sti
    DONE
    NEG GP_STI_VIP, "VME: sti with VIP", GP, 0
        CR4_SET CR4_VME
    GO_V86 FL_VIP
    AT16
        sti
    DONE16
    POS GP_STI_VIP, "PVI: sti sets VIF"
        CR4_SET CR4_PVI
    GO 3
        sti
        pushfd
        pop eax
    DONE
    IS "PVI: VIF", dword [seen.eax], FL_VIF | 2
    POS GP_STI_VIP, "PVI: cli with VIP clears VIF"
        CR4_SET CR4_PVI
        mov dword [ring_extra], FL_VIP | FL_VIF
    GO 3
        cli
        pushfd
        pop eax
    DONE
    IS "PVI: VIF after cli", dword [seen.eax], FL_VIP | 2
    NEG GP_CLI_IOPL, "PVI does not help ring 1", GP, 0
        CR4_SET CR4_PVI
    GO 1
    AT
        cli
    DONE
    NEG GP_CLI_IOPL, "VME does not help ring 3 outside vm86", GP, 0
        CR4_SET CR4_VME
    GO 3
    AT
        cli
    DONE
    NEG GP_CLI_IOPL, "PVI does not help vm86", GP, 0
        CR4_SET CR4_PVI
    GO_V86 0
    AT16
        cli
    DONE16
    POS GP_STI_VIP, "VME: sti sets VIF, IF stays"
        CR4_SET CR4_VME
    GO_V86 0
        sti
        pushf
        pop ax
    DONE16
    mov eax, [seen.eax]
    and eax, 0xffff
    IS "VME: pushf shows VIF as IF, IOPL 3", eax, 0x3202
    mov eax, [seen.eflags]
    IS "VME: EFLAGS", eax, FL_VM | FL_VIF | 2
    POS GP_STI_VIP, "PVI: pushf and popf know nothing of VIF"
        CR4_SET CR4_PVI
        mov dword [ring_extra], FL_VIF
    GO 3
        pushfd
        and dword [esp], ~FL_VIF
        popfd
        pushfw
        pop ax
    DONE
    mov eax, [seen.eflags]
    and eax, FL_VIF | FL_IF
    IS "PVI: VIF after popf", eax, FL_VIF
    NEG GP_VME_POPF, "popf: TF", GP, 0
        CR4_SET CR4_VME
    GO_V86 0
        push word 0x102
    AT16
        popf
    DONE16
    NEG GP_VME_POPF, "popf: IF with VIP", GP, 0
        CR4_SET CR4_VME
    GO_V86 FL_VIP
        push word 0x202
    AT16
        popf
    DONE16
    NEG GP_VME_POPF, "iret: TF", GP, 0
        CR4_SET CR4_VME
    GO_V86 0
        push word 0x102
        push word 0x1000
        push word 0
    AT16
        iret
    DONE16
    NEG GP_VME_POPF, "iret: IF with VIP", GP, 0
        CR4_SET CR4_VME
    GO_V86 FL_VIP
        push word 0x202
        push word 0x1000
        push word 0
    AT16
        iret
    DONE16
    POS GP_VME_POPF, "popf: IF without VIP goes to VIF"
        CR4_SET CR4_VME
    GO_V86 0
        push word 0x202
        popf
    DONE16
    mov eax, [seen.eflags]
    IS "VME popf: VIF", eax, FL_VM | FL_VIF | 2
    POS GP_VME_POPF, "popf: no IF with VIP"
        CR4_SET CR4_VME
    GO_V86 FL_VIP | FL_VIF
        push word 0x7002
        popf
    DONE16
    mov eax, [seen.eflags]
    IS "VME popf: VIF clear, IOPL stays, NT taken", eax, FL_VM | FL_VIP | FL_NT | 2
    POS GP_VME_POPF, "iret: IF to VIF"
        CR4_SET CR4_VME
    GO_V86 0
        push word 0x203
        push word 0x1000
        push word IP_OF(.vme_iret)
        iret
.vme_iret:
    DONE16
    mov eax, [seen.eflags]
    IS "VME iret: flags", eax, FL_VM | FL_VIF | 3
    NEG GP_VM86_IOPL, "VME: pushfd is as without", GP, 0
        CR4_SET CR4_VME
    GO_V86 0
    AT16
        pushfd
    DONE16
    NEG GP_VM86_IOPL, "VME: popfd", GP, 0
        CR4_SET CR4_VME
    GO_V86 0
    AT16
        popfd
    DONE16
    NEG GP_VM86_IOPL, "VME: iretd", GP, 0
        CR4_SET CR4_VME
    GO_V86 0
    AT16
        o32 iret
    DONE16
    NEG GP_VM86_IOPL, "VME: int n, bit set", GP, 0
        CR4_SET CR4_VME
        or byte [tss.redirect + 0x50 / 8], 1
    GO_V86 0
    AT16
        int 0x50
    DONE16
    POS GP_VME_BITMAP, "bit clear: the program's own handler"
        CR4_SET CR4_VME
        mov dword [0x50 * 4], (IMAGE >> 4) << 16 | IP_OF(.vme_handler)
    GO_V86 FL_VIF
        int 0x50
    DONE16
    mov eax, [seen.ecx]
    and eax, 0xffff
    IS "VME int: IF of the image is VIF, IOPL 3", eax, 0x3202
    mov eax, [seen.edx]
    and eax, 0xffff
    IS "VME int: VIF is clear in the handler", eax, 0x3002
    NEG GP_VME_BITMAP, "bitmap outside the TSS", GP, 0
        CR4_SET CR4_VME
        mov word [tss.iomap], MAP_LAST + 32
    GO_V86 0
    AT16
        int 0x50
    DONE16
    ret
    bits 16
.vme_handler:
    pop ax
    pop bx
    pop cx
    push cx
    push bx
    push ax
    pushf
    pop dx
    iret
    bits 32

END_OF_CASES
