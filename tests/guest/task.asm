; task.asm: hardware task switches: by JMP, CALL, IRET and task gates, with 32-bit and 16-bit TSSs. SDM Vol. 3A chapter 7.

%include "guest32.inc"

; selectors of the tasks
SEL_B    equ SEL_T          ; 32-bit
SEL_C    equ SEL_T + 8      ; 32-bit
SEL_D    equ SEL_T + 16     ; 16-bit
SEL_GB   equ SEL_T + 24     ; task gate to B
SEL_X    equ SEL_T + 32
SEL_Y    equ SEL_T + 40
SEL_LDT  equ SEL_T + 48
SEL_DF   equ SEL_T + 56     ; the task that takes #DF
SEL_16   equ SEL_T + 64     ; 16-bit code
BEYOND   equ GDT_COUNT * 8

TSS_B  equ FREE
TSS_C  equ FREE + 0x100
TSS_D  equ FREE + 0x200
TSS_DF equ FREE + 0x300
TSS_X  equ FREE + 0x400
LDT_   equ FREE + 0x500
STACK_B equ FREE + 0x3000
STACK_C equ FREE + 0x4000
STACK_D equ 0x6000          ; below 64K, for a 16-bit SP
STACK_DF equ FREE + 0x6000

; offsets in the two formats
T_LINK equ 0
T_CR3 equ 28
T_EIP equ 32
T_EFLAGS equ 36
T_EAX equ 40
T_ECX equ 44
T_EDX equ 48
T_EBX equ 52
T_ESP equ 56
T_EBP equ 60
T_ES equ 72
T_CS equ 76
T_SS equ 80
T_DS equ 84
T_FS equ 88
T_GS equ 92
T_LDT equ 96
T_TRAP equ 100
T_MAP equ 102
W_IP equ 14
W_FLAGS equ 16
W_AX equ 18
W_SP equ 26
W_ES equ 34
W_CS equ 36
W_SS equ 38
W_DS equ 40
W_LDT equ 42

%macro ACCESS_IS 3
    movzx eax, byte [GDT_ENTRY(%2) + 5]
    CHECK %1, eax, %3
%endmacro

; NEW_TASK tss, eip, esp: a fresh ring 0 task
%macro NEW_TASK 3
    push dword %3
    push dword %2
    push dword %1
    call new_task
%endmacro
new_task:
    pushad
    mov edi, [esp + 36]
    mov ebx, edi
    mov ecx, 26
    xor eax, eax
    rep stosd
    mov eax, [esp + 40]
    mov [ebx + T_EIP], eax
    mov eax, [esp + 44]
    mov [ebx + T_ESP], eax
    mov dword [ebx + T_EFLAGS], 2
    mov dword [ebx + T_CS], SEL_CODE0
    mov dword [ebx + T_SS], SEL_DATA0
    mov dword [ebx + T_DS], SEL_DATA0
    mov dword [ebx + T_ES], SEL_DATA0
    mov word [ebx + T_MAP], 104
    popad
    ret 12

test:
    call prepare
    call jumps
    call calls
    call gates
    call interrupts
    call narrow
    call other_rings
    call errors
    call errors_after
    call double_fault
    ret

prepare:
    DESCRIPTOR SEL_B, TSS_B, 103, D_TSS32, 0
    DESCRIPTOR SEL_C, TSS_C, 103, D_TSS32, 0
    DESCRIPTOR SEL_D, TSS_D, 43, D_TSS16, 0
    DESCRIPTOR SEL_16, 0x10000, 0xffff, D_CODE, 0
    DESCRIPTOR SEL_LDT, LDT_, 15, D_LDT, 0
    GATE GDT_ENTRY(SEL_GB), SEL_B, 0, D_TASK | 3 << 5, 0
    mov eax, [GDT_ENTRY(SEL_DATA0)]
    mov [LDT_ + 8], eax
    mov eax, [GDT_ENTRY(SEL_DATA0) + 4]
    mov [LDT_ + 12], eax
    ret

; ---- JMP there and back
jumps:
    NEW_TASK TSS_B, .b, STACK_B
    mov dword [TSS_B + T_EAX], 0xb0b0b0b0
    mov dword [TSS_B + T_LDT], SEL_LDT
    mov dword [TSS_B + T_FS], 12            ; from that LDT
    mov dword [TSS_B + T_EFLAGS], 2 | FL_CF | FL_DF
    mov eax, 0xaaaa0001
    mov ebx, 0xaaaa0002
    mov ebp, 0xaaaa0003
    stc
    pushfd
    pop dword [.flags]
    mov [.esp], esp
    jmp SEL_B:0xdeadbeef
.back:
    cld
    CHECK "jmp: EAX comes back", eax, 0xaaaa0001
    CHECK "jmp: EBX comes back", ebx, 0xaaaa0002
    CHECK "jmp: EBP comes back", ebp, 0xaaaa0003
    mov eax, esp
    CHECK "jmp: ESP comes back", eax, dword [.esp]
    CHECK "jmp: the new task's EAX", dword [.b_eax], 0xb0b0b0b0
    CHECK "jmp: the new task's ESP", dword [.b_esp], STACK_B
    mov eax, [.b_flags]
    and eax, FL_CF | FL_DF | FL_NT
    CHECK "jmp: the new task's flags", eax, FL_CF | FL_DF
    CHECK "jmp: LDTR", dword [.b_ldt], SEL_LDT
    CHECK "jmp: FS from the LDT", dword [.b_fs], 12
    CHECK "jmp: TR", dword [.b_tr], SEL_B
    CHECK "jmp: new task busy", dword [.b_busy], D_TSS32 | D_BUSY
    CHECK "jmp: old task no longer busy", dword [.a_busy], D_TSS32
    CHECK "jmp: saved EIP", dword [tss.eip], .back
    CHECK "jmp: saved EAX", dword [tss.gpr], 0xaaaa0001
    CHECK "jmp: saved CS", dword [tss.seg + 4], SEL_CODE0
    CHECK "jmp: saved flags", dword [tss.eflags], dword [.flags]
    CHECK "jmp: link untouched", dword [TSS_B], 0
    ACCESS_IS "jmp back: B available", SEL_B, D_TSS32
    ACCESS_IS "jmp back: A busy", SEL_TSS, D_TSS32 | D_BUSY
    mov eax, cr0
    and eax, CR0_TS
    CHECK "task switch sets CR0.TS", eax, CR0_TS
    clts
    xor eax, eax
    sldt ax
    CHECK "jmp back: LDTR", eax, 0
    CHECK "B's saved EIP", dword [TSS_B + T_EIP], .b_again
    FAULT "jmp to the own (busy) task", GP, SEL_TSS, jmp SEL_TSS:0
    ; a second time B goes on behind its JMP, with its registers
    jmp SEL_B:0
    CHECK "B goes on where it was", dword [.count], 2
    ret
.b:
    mov [.b_eax], eax
    mov [.b_esp], esp
    pushfd
    pop dword [.b_flags]
    cld
    xor eax, eax
    sldt ax
    mov [.b_ldt], eax
    mov ax, fs
    mov [.b_fs], eax
    str ax
    mov [.b_tr], eax
    movzx eax, byte [GDT_ENTRY(SEL_B) + 5]
    mov [.b_busy], eax
    movzx eax, byte [GDT_ENTRY(SEL_TSS) + 5]
    mov [.a_busy], eax
    inc dword [.count]
    jmp SEL_TSS:0
.b_again:
    inc dword [.count]
    jmp SEL_TSS:0
    [section .data]
    align 4, db 0
.flags: dd 0
.esp: dd 0
.b_eax: dd 0
.b_esp: dd 0
.b_flags: dd 0
.b_ldt: dd 0
.b_fs: dd 0
.b_tr: dd 0
.b_busy: dd 0
.a_busy: dd 0
.count: dd 0
    __SECT__

; ---- CALL and IRET, nested
calls:
    NEW_TASK TSS_B, .b, STACK_B
    NEW_TASK TSS_C, .c, STACK_C
    mov dword [.trail], 0
    pushfd
    and dword [esp], ~FL_NT
    popfd
    call SEL_B:0
    CHECK "call: A-B-C-B-A", dword [.trail], 0x1234
    CHECK "call: link of B", dword [TSS_B], SEL_TSS
    CHECK "call: link of C", dword [TSS_C], SEL_B
    CHECK "call: NT in B", dword [.nt_b], FL_NT
    CHECK "call: B busy while C runs", dword [.busy_b], D_TSS32 | D_BUSY
    CHECK "call: A busy while C runs", dword [.busy_a], D_TSS32 | D_BUSY
    ACCESS_IS "iret: B available", SEL_B, D_TSS32
    ACCESS_IS "iret: C available", SEL_C, D_TSS32
    ACCESS_IS "iret: A busy", SEL_TSS, D_TSS32 | D_BUSY
    mov eax, [TSS_B + T_EFLAGS]
    and eax, FL_NT
    CHECK "iret: NT is cleared in the image of the task that is left", eax, 0
    pushfd
    pop eax
    and eax, FL_NT
    CHECK "iret: NT clear in A", eax, 0
    clts
    ret
.b:
    shl dword [.trail], 4
    or dword [.trail], 1
    pushfd
    pop eax
    and eax, FL_NT
    mov [.nt_b], eax
    call SEL_C:0
    shl dword [.trail], 4
    or dword [.trail], 3
    shl dword [.trail], 4
    or dword [.trail], 4
    iretd
.c:
    shl dword [.trail], 4
    or dword [.trail], 2
    movzx eax, byte [GDT_ENTRY(SEL_B) + 5]
    mov [.busy_b], eax
    movzx eax, byte [GDT_ENTRY(SEL_TSS) + 5]
    mov [.busy_a], eax
    FAULT "call: a busy task (recursion)", GP, SEL_B, call SEL_B:0
    pushfd                      ; the exception has cleared NT
    or dword [esp], FL_NT
    popfd
    iretd
    [section .data]
.trail: dd 0
.nt_b: dd 0
.busy_b: dd 0
.busy_a: dd 0
    __SECT__

; ---- task gates, from ring 3 too
gates:
    NEW_TASK TSS_B, .b, STACK_B
    mov dword [.cs], 0
    call SEL_GB:0
    CHECK "task gate: call", dword [.cs], SEL_CODE0
    ACCESS_IS "task gate: B available again", SEL_B, D_TSS32
    NEW_TASK TSS_B, .b, STACK_B
    FINE_RING 3, "task gate: call at ring 3", call (SEL_GB | 3):0
    CHECK "task gate: saved CS of ring 3", dword [tss.seg + 4], SEL_CODE3
    CHECK "task gate: saved SS of ring 3", dword [tss.seg + 8], SEL_DATA3
    NEW_TASK TSS_B, .b, STACK_B
    FAULT_RING 3, "TSS at ring 3: DPL 0", GP, SEL_B, call SEL_B:0
    GATE GDT_ENTRY(SEL_X), SEL_B, 0, D_TASK, 0
    FAULT_RING 3, "task gate at ring 3: DPL 0", GP, SEL_X, call SEL_X:0
    GATE GDT_ENTRY(SEL_X), SEL_B, 0, (D_TASK | 3 << 5) & 0x7f, 0
    FAULT "task gate: not present", NP, SEL_X, call SEL_X:0
    GATE GDT_ENTRY(SEL_X), SEL_DATA0, 0, D_TASK | 3 << 5, 0
    FAULT "task gate: no TSS", GP, SEL_DATA0, call SEL_X:0
    GATE GDT_ENTRY(SEL_X), SEL_B | 4, 0, D_TASK | 3 << 5, 0
    FAULT "task gate: TSS in the LDT", GP, SEL_B | 4, call SEL_X:0
    GATE GDT_ENTRY(SEL_X), BEYOND, 0, D_TASK | 3 << 5, 0
    FAULT "task gate: behind the table", GP, BEYOND, call SEL_X:0
    clts
    ret
.b:
    mov eax, cs
    mov [.cs], eax
    iretd
    [section .data]
.cs: dd 0
    __SECT__

; ---- exceptions and interrupts through task gates; the error code goes to the new task's stack
interrupts:
    NEW_TASK TSS_B, .b, STACK_B
    GATE IDT_ENTRY(0x50), SEL_B, 0, D_TASK, 0
    mov dword [.seen], 0
    int 0x50
    CHECK "int n through a task gate", dword [.seen], STACK_B
    CHECK "int n: link", dword [TSS_B], SEL_TSS
    ; the task is left behind its IRET: the next interrupt goes on there
    int 0x50
    CHECK "int n again", dword [.seen], 0x55
    NEW_TASK TSS_C, .c, STACK_C
    GATE IDT_ENTRY(GP), SEL_C, 0, D_TASK, 0
    mov ax, SEL_TSS
    mov es, ax                  ; #GP(SEL_TSS): the task mends it by stepping over
.after:
    CHECK "#GP through a task gate: error code", dword [.error], SEL_TSS
    CHECK "#GP through a task gate: saved EIP is the fault's", dword [.eip], .after - 2
    CHECK "#GP through a task gate: ESP", dword [.esp], STACK_C - 4
    GATE IDT_ENTRY(GP), SEL_CODE0, trap_13, D_INT32, 0
    mov eax, SEL_DATA0
    mov es, ax
    clts
    ret
.b:
    mov [.seen], esp
    iretd
    mov dword [.seen], 0x55
    iretd
.c:
    mov [.esp], esp
    pop dword [.error]
    mov eax, [tss.eip]
    mov [.eip], eax
    add dword [tss.eip], 2
    iretd
    [section .data]
.seen: dd 0
.error: dd 0
.eip: dd 0
.esp: dd 0
    __SECT__

; ---- a 16-bit TSS
narrow:
    mov edi, TSS_D
    mov ecx, 11
    xor eax, eax
    rep stosd
    mov word [TSS_D + W_IP], .d - $$
    mov word [TSS_D + W_FLAGS], 2
    mov word [TSS_D + W_AX], 0x1234
    mov word [TSS_D + W_SP], STACK_D
    mov word [TSS_D + W_CS], SEL_16
    mov word [TSS_D + W_SS], SEL_DATA0
    mov word [TSS_D + W_DS], SEL_DATA0
    mov word [TSS_D + W_ES], SEL_DATA0
    mov eax, 0x99990001
    mov esi, 0x99990002
    mov dword [TSS_D + 44], 0x77777777
    call SEL_D:0
    CHECK "286 task: EAX of the 386 task comes back whole", eax, 0x99990001
    CHECK "286 task: ESI too", esi, 0x99990002
    movzx eax, word [.ax]
    CHECK "286 task: AX", eax, 0x1234
    movzx eax, word [.sp]
    CHECK "286 task: SP", eax, STACK_D
    movzx eax, word [TSS_D]
    CHECK "286 task: link", eax, SEL_TSS
    movzx eax, word [TSS_D + W_IP]
    CHECK "286 task: saved IP", eax, .d_end - $$
    movzx eax, word [TSS_D + W_AX + 6]
    CHECK "286 task: saved BX", eax, 0x4321
    CHECK "286 task: nothing is written behind its 44 bytes", dword [TSS_D + 44], 0x77777777
    ACCESS_IS "286 task: available again", SEL_D, D_TSS16
    clts
    ret
    bits 16
.d:
    mov [dword .ax], ax
    mov [dword .sp], sp
    mov bx, 0x4321
    iret
.d_end:
    bits 32
    [section .data]
.ax: dw 0
.sp: dw 0
    __SECT__

; ---- a task that starts at ring 3, and the T bit
other_rings:
    NEW_TASK TSS_B, .b, STACK3
    mov dword [TSS_B + T_CS], SEL_CODE3
    mov dword [TSS_B + T_SS], SEL_DATA3
    mov dword [TSS_B + T_DS], SEL_DATA3
    mov dword [TSS_B + T_ES], SEL_DATA3
    mov dword [TSS_B + 4], STACK_INT
    mov dword [TSS_B + 8], SEL_DATA0
    mov dword [.cpl], -1
    call SEL_B:0
    CHECK "task at ring 3", dword [.cpl], 3
    ; with a 1 in the T bit: #DB before the task's first instruction, with DR6.BT
    NEW_TASK TSS_B, .t, STACK_B
    mov word [TSS_B + T_TRAP], 1
    xor eax, eax
    mov dr6, eax
    mov dword [trap.resume], .trapped
    mov dword [trap.esp], STACK_B
    mov dword [trap.vector], -1
    call SEL_B:0
    mov [trap.resume], dword 0
    mov eax, dr6
    and eax, 0xe00f
    CHECK "T bit: DR6.BT", eax, 0x8000
    CHECK "T bit: #DB", dword [.vector], DB_
    CHECK "T bit: at the first instruction", dword [.eip], .t
    xor eax, eax
    mov dr6, eax
    clts
    ret
.b:
    mov eax, cs
    and eax, 3
    mov [.cpl], eax
    iretd
.t:
    hlt
.trapped:
    mov eax, [trap.vector]
    mov [.vector], eax
    mov eax, [trap.eip]
    mov [.eip], eax
    pushfd                      ; as above
    or dword [esp], FL_NT
    popfd
    iretd
    [section .data]
.cpl: dd 0
.vector: dd 0
.eip: dd 0
    __SECT__

; ---- before the commit point: faults of the old task
errors:
    NEW_TASK TSS_B, 0, STACK_B
    DESCRIPTOR SEL_X, TSS_B, 102, D_TSS32, 0
    FAULT "TSS limit 102", TS, SEL_X, jmp SEL_X:0
    ACCESS_IS "TSS limit 102: stays available", SEL_X, D_TSS32
    DESCRIPTOR SEL_X, TSS_D, 42, D_TSS16, 0
    FAULT "286 TSS limit 42", TS, SEL_X, jmp SEL_X:0
    DESCRIPTOR SEL_X, TSS_B, 103, D_TSS32 & 0x7f, 0
    FAULT "TSS not present", NP, SEL_X, jmp SEL_X:0
    ; IRET with NT and a bad link
    mov word [tss], 0
    pushfd
    or dword [esp], FL_NT
    popfd
    FAULT "iret: null link", TS, 0, iretd
    mov word [tss], SEL_DATA0
    pushfd
    or dword [esp], FL_NT
    popfd
    FAULT "iret: link to no TSS", TS, SEL_DATA0, iretd
    mov word [tss], SEL_C
    pushfd
    or dword [esp], FL_NT
    popfd
    FAULT "iret: link to a task that is not busy", TS, SEL_C, iretd
    mov word [tss], SEL_C | 4
    pushfd
    or dword [esp], FL_NT
    popfd
    FAULT "iret: link into the LDT", TS, SEL_C | 4, iretd
    mov word [tss], BEYOND
    pushfd
    or dword [esp], FL_NT
    popfd
    FAULT "iret: link behind the table", TS, BEYOND, iretd
    pushfd
    and dword [esp], ~FL_NT
    popfd
    mov word [tss], 0
    xor eax, eax
    str ax
    CHECK "errors before the switch leave TR", eax, SEL_TSS
    ret

; ---- after it: the fault is the new task's. What it has loaded by then is open (7.3), so a task of its own takes the
; exception, as the manual advises. BAD_TASK "name", vector, error, field, value
%define TRAP_OF(vector) (trap_10 + (trap_11 - trap_10) * ((vector) - 10))
%macro BAD_TASK 5
    NEW_TASK TSS_B, bad_start, STACK_B
    NEW_TASK TSS_C, bad_caught, STACK_C
    mov word [TSS_B + %4], %5
    mov byte [GDT_ENTRY(SEL_B) + 5], D_TSS32
    mov byte [GDT_ENTRY(SEL_C) + 5], D_TSS32
    GATE IDT_ENTRY(%2), SEL_C, 0, D_TASK, 0
    mov [trap.resume], dword %%caught
    mov [trap.esp], esp
    mov [trap.vector], dword -1
    jmp SEL_B:0
%%caught:
    GATE IDT_ENTRY(%2), SEL_CODE0, TRAP_OF(%2), D_INT32, 0
    cmp dword [trap.vector], -3
    jne %%wrong
    mov dword [trap.vector], %2
%%wrong:
    FAULT_CHECK %1, %2, %3, bad_start
    call home
%endmacro
bad_start:
    mov dword [trap.vector], -2
    jmp [trap.resume]
bad_caught:
    pop dword [trap.error]
    mov eax, [TSS_B + T_EIP]
    mov [trap.eip], eax
    mov dword [trap.vector], -3
    mov esp, [trap.esp]
    jmp [trap.resume]

; takes TR back to our own TSS
home:
    mov dword [bad_tr], 0
    str [bad_tr]
    and byte [GDT_ENTRY(SEL_TSS) + 5], ~D_BUSY
    push eax
    mov ax, SEL_TSS
    ltr ax
    xor eax, eax
    lldt ax
    pop eax
    clts
    cmp word [bad_tr], SEL_C
    jne .wrong
    cmp word [TSS_C], SEL_B
    je .end
.wrong:
    CHECK "the fault is the new task's", dword [bad_tr], SEL_C
.end:
    ret
    [section .data]
bad_tr: dd 0
    __SECT__

errors_after:
    DESCRIPTOR SEL_Y, 0, 0xfffff, D_CODE & 0x7f, G_32 | G_PAGES
    DESCRIPTOR SEL_X, 0, 0xfffff, D_DATA & 0x7f, G_32 | G_PAGES
    BAD_TASK "new task: CS null", TS, 0, T_CS, 0
    BAD_TASK "new task: CS data", TS, SEL_DATA0, T_CS, SEL_DATA0
    BAD_TASK "new task: CS behind the table", TS, BEYOND, T_CS, BEYOND
    BAD_TASK "new task: CS with an RPL that is not its DPL", TS, SEL_CODE0, T_CS, SEL_CODE0 | 3
    BAD_TASK "new task: CS not present", NP, SEL_Y, T_CS, SEL_Y
    BAD_TASK "new task: SS null", TS, 0, T_SS, 0
    BAD_TASK "new task: SS code", TS, SEL_CODE0, T_SS, SEL_CODE0
    BAD_TASK "new task: SS of another ring", TS, SEL_DATA3 & ~7, T_SS, SEL_DATA3
    BAD_TASK "new task: SS not present", SS_, SEL_X, T_SS, SEL_X
    BAD_TASK "new task: DS system segment", TS, SEL_TSS, T_DS, SEL_TSS
    BAD_TASK "new task: ES behind the table", TS, BEYOND, T_ES, BEYOND
    BAD_TASK "new task: FS not present", NP, SEL_X, T_FS, SEL_X
    BAD_TASK "new task: LDT is none", TS, SEL_DATA0, T_LDT, SEL_DATA0
    BAD_TASK "new task: LDT behind the table", TS, BEYOND, T_LDT, BEYOND
    ret

; ---- #DF through a task gate: it works although the stack is gone
double_fault:
    NEW_TASK TSS_DF, .df, STACK_DF
    DESCRIPTOR SEL_DF, TSS_DF, 103, D_TSS32, 0
    GATE IDT_ENTRY(DF), SEL_DF, 0, D_TASK, 0
    DESCRIPTOR SEL_X, FREE, 0xfff, D_DATA, G_32
    mov [.esp], esp
    push dword SEL_X
    pop ss
    mov esp, 0x2000             ; outside: the exception cannot be pushed
.push:
    push eax
.never:
    hlt
.df:
    mov [.df_esp], esp
    pop eax
    CHECK "#DF task: error code", eax, 0
    CHECK "#DF task: ESP", dword [.df_esp], STACK_DF - 4
    CHECK "#DF task: EIP of the old task", dword [tss.eip], .push
    CHECK "#DF task: ESP of the old task", dword [tss.gpr + 16], 0x2000
    CHECK "#DF task: SS of the old task", dword [tss.seg + 8], SEL_X
    ; mend the old task and go back
    mov dword [tss.eip], .mended
    mov dword [tss.seg + 8], SEL_DATA0
    mov eax, [.esp]
    mov [tss.gpr + 16], eax
    iretd
.mended:
    ACCESS_IS "#DF task: available again", SEL_DF, D_TSS32
    GATE IDT_ENTRY(DF), SEL_CODE0, trap_8, D_INT32, 0
    clts
    ret
    [section .data]
.esp: dd 0
.df_esp: dd 0
    __SECT__

END_OF_TEST
