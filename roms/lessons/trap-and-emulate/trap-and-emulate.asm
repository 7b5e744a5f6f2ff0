; trap-and-emulate.asm: a kernel that was written for ring 0 runs in ring 1, above a hypervisor. Most of what it may not do traps,
; and is emulated. The rest is why the x86 could not be virtualised in this way.

%define HYPERVISOR
%include "flat32.inc"
%include "kernel_screen.inc"

; ---- the kernel. It believes that it is alone, in ring 0
kernel:
    KAT 0, 0
    KTEXT 0x0f, "Lesson 13: a kernel in ring 1"
first:
    cli
read_cr0:
    mov eax, cr0
    or eax, 8                   ; CR0.TS: the next x87 instruction is to raise #NM
    mov cr0, eax
tables:
    lgdt [kernel_gdtr]
    lidt [kernel_idtr]
port:
    mov al, 0xff
    out 0x21, al                ; all interrupts masked, at the controller
    in al, 0x21
enable:
    sti
traps_done:
    KAT 2, 40
    KTEXT 0x0e, "What does the kernel see?"

; instructions that tell of the processor and do not trap
    KAT 4, 40
look_ring:
    mov eax, cs
    KTEXT 0x07, "MOV EAX, CS: "
    KHEX 0x0c, eax, 4
    KTEXT 0x07, " ring 1!"
    KAT 5, 40
look_gdt:
    sgdt [seen]
    KTEXT 0x07, "SGDT: base   "
    KHEX 0x0c, dword [seen + 2], 8
    KTEXT 0x07, ", mine: "
    KHEX 0x0a, dword [kernel_gdtr + 2], 8
    KAT 6, 40
look_cr0:
    mov eax, cr0                ; traps
    KTEXT 0x07, "MOV EAX, CR0 "
    KHEX 0x0a, eax, 8
    KAT 7, 40
    smsw eax                    ; the same register, but does not trap
    KTEXT 0x07, "SMSW EAX:    "
    KHEX 0x0c, eax, 8
    KAT 8, 40
look_task:
    str eax
    KTEXT 0x07, "STR EAX:     "
    KHEX 0x0c, eax, 8
    KAT 9, 40
look_flags:
    cli                         ; traps
    pushfd                      ; does not
    pop eax
    KTEXT 0x07, "CLI, PUSHFD: IF = "
    shr eax, 9
    and eax, 1
    KHEX 0x0c, eax, 1
looked:

; two halves of an update that must not be torn apart by an interrupt
    mov al, 0xfe                ; the timer's interrupt is wanted
    out 0x21, al
    KAT 12, 40
    KTEXT 0x0e, "Interrupts within an update:"
update_cli:
    mov dword [torn], 0
    cli
    call update
    sti
    KAT 14, 40
    KTEXT 0x07, "CLI ... STI:        "
    KHEX 0x0a, dword [torn], 1
update_popf:
    mov dword [torn], 0
    pushfd                      ; the flags as they are, to put them back later
    pushfd
    and dword [esp], ~FL_IF
switch_off:
    popfd                       ; the same with IF = 0
switched_off:
    call update
    popfd
    KAT 15, 40
    KTEXT 0x07, "POPFD ... POPFD:    "
    KHEX 0x0c, dword [torn], 1
    mov al, 0xff
    out 0x21, al
updated:

; a newer processor: CR4.UMIP. The hypervisor switches it on
    int 0x40
again:
    KAT 18, 40
    KTEXT 0x0e, "The same with CR4.UMIP:"
    KAT 20, 40
again_gdt:
    sgdt [seen]
    KTEXT 0x07, "SGDT: base   "
    KHEX 0x0a, dword [seen + 2], 8
    KAT 21, 40
again_cr0:
    smsw eax
    KTEXT 0x07, "SMSW EAX:    "
    KHEX 0x0a, eax, 8
    KAT 22, 40
again_task:
    str eax
    KTEXT 0x07, "STR EAX:     "
    KHEX 0x0a, eax, 8
    KAT 23, 40
again_flags:
    cli
    pushfd
    pop eax
    KTEXT 0x07, "CLI, PUSHFD: IF = "
    shr eax, 9
    and eax, 1
    KHEX 0x0c, eax, 1
over:
    int 0x41

; long enough for an interrupt to come
update:
    mov dword [inside], 1
    mov ecx, 100000
.wait:
    loop .wait
    mov dword [inside], 0
    ret

; the kernel's handler of the timer
on_timer:
    push eax
    mov eax, [inside]
    or [torn], eax
    pop eax
    iretd

seen: dw 0
    dd 0
inside: dd 0
torn: dd 0
    align 8, db 0
kernel_gdt:
    dq 0
    DESCRIPTOR 0, 0xfffff, CODE | RING0, FLAT
    DESCRIPTOR 0, 0xfffff, DATA | RING0, FLAT
kernel_gdtr:
    dw 3 * 8 - 1
    dd kernel_gdt
kernel_idtr:
    dw 0x21 * 8 - 1
    dd kernel_idt
kernel_idt:
    times 0x20 dq 0
    dw ADDR(on_timer) & 0xffff, 8, INTERRUPT_GATE << 8, ADDR(on_timer) >> 16

; ---- the hypervisor, ring 0
%include "hypervisor.inc"

hypervisor_ready:
    mov dword [trace], 1
    call init_controllers
    mov al, 0x34                ; the timer, 20,000 times a second (8254 data sheet: counter 0, mode 2)
    out 0x43, al
    mov al, 60
    out 0x40, al
    mov al, 0
    out 0x40, al
    ENTRY_GATE 0x20, RING0
    ENTRY_GATE 0x40, RING1
    ENTRY_GATE 0x41, RING1
    ret

on_hypercall:
    cmp dword [ebp + TRAP_VECTOR], 0x41
    je machine_ends
    mov eax, cr4
    or eax, 1 << 11             ; CR4.UMIP: SGDT, SIDT, SLDT, STR, SMSW raise #GP outside ring 0
    mov cr4, eax
    ret
