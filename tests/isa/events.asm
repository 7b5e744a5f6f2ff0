; events.asm: system-management mode and NMIs, which the local APIC sends. SDM Vol. 3A 6.7, Vol. 3C chapter 31; the state map of processors
; with long mode: AMD APM Vol. 2 10.2.3.

%include "isa.inc"

ICR  equ 0xfee00300
SMBASE equ 0x30000
SMI_AT equ 0x8000               ; of the handler, from SMBASE on
MAP    equ 0xfe00               ; of the state map
M_SS     equ MAP + 0x20
M_CS     equ MAP + 0x10
M_SMBASE equ MAP + 0x100
M_RAX    equ MAP + 0x1f8
M_RIP    equ MAP + 0x178
M_RFLAGS equ MAP + 0x170
M_REVISION equ MAP + 0xfc
BASE2  equ 0x48000              ; another SMBASE

; a jump backwards follows: there at the latest the event is taken
%macro SEND 1
    mov dword [ICR], %1
    jmp %%there
%%back:
    jmp %%on
%%there:
    jmp %%back
%%on:
%endmacro
%define SEND_SMI SEND 0x4200
%define SEND_NMI SEND 0x4400
; SMI_DOES routine: what the next SMIs run, in real mode with CS = 1000h; it ends with RSM
%macro SMI_DOES 1
    mov dword [smi.action], IP_OF(%1)
    mov dword [smi.count], 0
    mov byte [SMBASE + SMI_AT], 0xea
    mov dword [SMBASE + SMI_AT + 1], (IMAGE >> 4) << 16 | IP_OF(smi_entry)
%endmacro

    [absolute case_end_of_vars]
smi:
.action: resd 1
.count: resd 1
.seen: resd 16
nmi:
.entries: resd 1
.depth: resd 1
.most: resd 1
    __SECT__

    bits 16
smi_entry:
    inc dword [cs:smi.count - IMAGE]
    jmp [cs:smi.action - IMAGE]
smi_nothing:
    rsm
; what the processor begins with
smi_look:
    mov [cs:smi.seen - IMAGE], eax
    mov eax, cr0
    mov [cs:smi.seen + 4 - IMAGE], eax
    mov eax, cr4
    mov [cs:smi.seen + 8 - IMAGE], eax
    mov eax, dr7
    mov [cs:smi.seen + 12 - IMAGE], eax
    mov eax, ds
    mov [cs:smi.seen + 16 - IMAGE], eax
    mov eax, ss
    mov [cs:smi.seen + 20 - IMAGE], eax
    mov esp, FREE + 0x1000
    pushfd
    pop eax
    mov [cs:smi.seen + 24 - IMAGE], eax
    mov ecx, MSR_EFER
    rdmsr
    mov [cs:smi.seen + 28 - IMAGE], eax
    mov ecx, 0x9e
    rdmsr
    mov [cs:smi.seen + 32 - IMAGE], eax
    mov eax, [dword SMBASE + M_REVISION]
    mov [cs:smi.seen + 36 - IMAGE], eax
    mov eax, 0x11111111
    mov ebx, eax
    mov esi, eax
    mov edi, eax
    rsm
; the stack segment becomes read-only
smi_read_only:
    mov word [dword SMBASE + M_SS + 2], 0xcf1
    rsm
smi_eax:
    mov dword [dword SMBASE + M_RAX], 0x12345678
    or dword [dword SMBASE + M_RFLAGS], FL_CF
    rsm
smi_ip:
    mov dword [dword SMBASE + M_RIP], smi_elsewhere
    rsm
smi_again:
    cmp dword [cs:smi.count - IMAGE], 1
    jne .enough
    mov dword [dword ICR], 0x4200
    nop
    cmp dword [cs:smi.count - IMAGE], 1
    je .enough
    mov dword [cs:smi.count - IMAGE], 100
.enough:
    rsm
smi_nmi:
    mov dword [dword ICR], 0x4400
    nop
    rsm
smi_move:
    mov dword [dword SMBASE + M_SMBASE], BASE2
    rsm
smi_move_back:
    mov dword [dword BASE2 + M_SMBASE], SMBASE
    rsm
    bits 32

cases:
    call management
    call nmis
    ret

management:
    POS UD_RSM, "ring 0: everything comes back"
        SMI_DOES smi_look
        mov eax, 0xa0a1a2a3
        stc
        SEND_SMI
        nop
    DONE
    IS "one SMI", dword [smi.count], 1
    IS "EAX comes back", dword [seen.eax], 0xa0a1a2a3
    IS "EBX comes back", dword [seen.ebx], 0xb0b1b2b3
    IS "ESI comes back", dword [seen.esi], 0x60616263
    mov eax, [seen.eflags]
    and eax, 1
    IS "CF comes back", eax, 1
    IS "SMM: EAX is that of the program", dword [smi.seen], 0xa0a1a2a3
    IS "SMM: CR0", dword [smi.seen + 4], CR0_MP | 0x30
    IS "SMM: CR4", dword [smi.seen + 8], 0
    IS "SMM: DR7", dword [smi.seen + 12], 0x400
    IS "SMM: DS", dword [smi.seen + 16], 0
    IS "SMM: SS", dword [smi.seen + 20], 0
    IS "SMM: EFLAGS", dword [smi.seen + 24], 2
    IS "SMM: EFER", dword [smi.seen + 28], 0
    IS "SMM: MSR SMBASE", dword [smi.seen + 32], SMBASE
    IS "SMM: revision", dword [smi.seen + 36], 0x20064
    POS UD_RSM, "ring 3"
        SMI_DOES smi_nothing
    GO 3
        SEND_SMI
        mov eax, cs
        mov ecx, ss
    DONE
    IS "CS", dword [seen.eax], SEL_CODE3
    IS "SS", dword [seen.ecx], SEL_DATA3
    POS UD_RSM, "changed registers in the map"
        SMI_DOES smi_eax
        clc
        SEND_SMI
        nop
    DONE
    IS "EAX from the map", dword [seen.eax], 0x12345678
    mov eax, [seen.eflags]
    and eax, 1
    IS "CF from the map", eax, 1
    POS UD_RSM, "changed RIP in the map"
        SMI_DOES smi_ip
        SEND_SMI
        ud2
smi_elsewhere:
        nop
    DONE
    POS UD_RSM, "an SMI in SMM waits for RSM"
        SMI_DOES smi_again
        SEND_SMI
        nop
    DONE
    IS "two SMIs", dword [smi.count], 2
    NEGT NONE, "an NMI in SMM waits for RSM", NMI, 0
        WANT_EIP 0
        SMI_DOES smi_nmi
        SEND_SMI
    DONE
    IS "one SMI before it", dword [smi.count], 1
    POS UD_RSM, "SMBASE moves"
        SMI_DOES smi_move
        SEND_SMI
        nop
        mov dword [smi.action], IP_OF(smi_move_back)
        mov byte [BASE2 + SMI_AT], 0xea
        mov dword [BASE2 + SMI_AT + 1], (IMAGE >> 4) << 16 | IP_OF(smi_entry)
        mov byte [SMBASE + SMI_AT], 0x0f
        mov byte [SMBASE + SMI_AT + 1], 0x0b
        SEND_SMI
        nop
        SMI_DOES smi_nothing
        SEND_SMI
        nop
    DONE
    IS "the last one at the old place", dword [smi.count], 1
    NEG SS_NOT_WRITABLE, "push", SS_, 0
        SMI_DOES smi_read_only
    GO 3
        SEND_SMI
    AT
        push eax
    DONE
    NEG SS_NOT_WRITABLE, "[ebp]", SS_, 0
        SMI_DOES smi_read_only
    GO 3
        mov ebp, esp
        SEND_SMI
    AT
        mov [ebp - 4], eax
    DONE
    NEG SS_NOT_WRITABLE, "call", SS_, 0
        SMI_DOES smi_read_only
    GO 3
        SEND_SMI
    AT
        call management
    DONE
    POS SS_NOT_WRITABLE, "reading"
        SMI_DOES smi_read_only
        mov dword [STACK3 - 4], 77
    GO 3
        push eax
        SEND_SMI
        pop ecx
    DONE
    ret

nmis:
    NEGT NONE, "NMI, with IF clear", NMI, 0
        WANT_EIP 0
        SEND_NMI
    DONE
    NEGT NONE, "NMI, ring 3", NMI, 0
        WANT_EIP 0
    GO 3
        SEND_NMI
    DONE
    ; SDM Vol. 3B 17.3.1.1
    NEGT NONE, "an NMI between two iterations saves RF", NMI, 0
        WANT_EIP .rep
        WANT_RF 1
        mov eax, 0x4400
        mov edi, ICR
        mov ecx, 4
.rep:
        rep stosd
    DONE
    NEGT NONE, "an NMI behind the last iteration does not", NMI, 0
        WANT_RF 0
        mov eax, 0x4400
        mov edi, ICR
        mov ecx, 1
        rep stosd
    DONE
    POS NONE, "an NMI in an NMI waits for IRET"
        mov dword [nmi.entries], 0
        mov dword [nmi.depth], 0
        mov dword [nmi.most], 0
        GATE IDT_ENTRY(NMI), SEL_CODE0, .nested, D_INT32, 0
        SEND_NMI
        nop
    DONE
    IS "two NMIs", dword [nmi.entries], 2
    IS "never two at once", dword [nmi.most], 1
    ; SDM Vol. 3A 6.7.1: an IRET that faults unblocks them too; so the #GP's handler is interrupted before its first instruction
    NEG GP_RETURN_NULL, "an IRET that faults lets the next NMI in", NMI, 0
        REGS_CHANGE
        MEMORY_CHANGES
        WANT_RF -1
        WANT_EIP case_trap_13
        GATE IDT_ENTRY(NMI), SEL_CODE0, .faulty, D_INT32, 0
        SEND_NMI
        nop
    AT
    DONE
    ; an exception in the handler and its IRET let the next one in before the handler has ended
    NEGT UD_UD, "any IRET unblocks", NMI, 0
        WANT_EIP .after_ud
        GATE IDT_ENTRY(NMI), SEL_CODE0, .with_ud, D_INT32, 0
        GATE IDT_ENTRY(UD), SEL_CODE0, .skip_ud, D_INT32, 0
        SEND_NMI
        nop
    DONE
    ret
.nested:
    inc dword [nmi.entries]
    inc dword [nmi.depth]
    mov eax, [nmi.depth]
    cmp eax, [nmi.most]
    jbe .not_deeper
    mov [nmi.most], eax
.not_deeper:
    cmp dword [nmi.entries], 1
    jne .no_more
    SEND_NMI
    nop
.no_more:
    dec dword [nmi.depth]
    iretd
.faulty:
    GATE IDT_ENTRY(NMI), SEL_CODE0, case_trap_2, D_INT32, 0
    SEND_NMI
    nop
    push dword 2
    push dword 0
    push dword 0
    iretd
.with_ud:
    GATE IDT_ENTRY(NMI), SEL_CODE0, case_trap_2, D_INT32, 0
    SEND_NMI
    nop
    ud2
.after_ud:
    nop
.skip_ud:
    add dword [esp], 2
    iretd

END_OF_CASES
