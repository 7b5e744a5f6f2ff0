; vm86.asm: a real-mode program inside protected mode. It runs in ring 3 and does not know it; a monitor in ring 0 does for it
; what it may not do itself. Three runs of the same program: with IOPL 0, with IOPL 3, and with the virtual-8086 mode extensions
; (VME). SDM Vol. 3B chapter 20.

%include "flat32.inc"
%include "screen.inc"
%include "traps.inc"

REDIRECTION equ TSS + 104       ; 256 bits: INT n of the program goes to (0) its own table, (1) the monitor. VME only
IO_MAP      equ REDIRECTION + 32
IO_MAP_SIZE equ 0x400 / 8 + 1   ; ports 0 to 3FFh, a bit each; 1: the program may not

gdt:
    dq 0
    DESCRIPTOR 0, 0xfffff, CODE | RING0, FLAT          ; 08
    DESCRIPTOR 0, 0xfffff, DATA | RING0, FLAT          ; 10
    DESCRIPTOR TSS, 104 + 32 + IO_MAP_SIZE - 1, TSS32 | RING0, SYSTEM  ; 18
gdt_end:

PROGRAM_SEGMENT equ (program - $$ + 0x7c00) / 16
PROGRAM_STACK   equ 0x0700      ; segment: 7000h to 7800h
%define IP(label) ((label) - program)

main:
    call traps_init
    mov edi, TSS
    mov ecx, (104 + 32) / 4
    xor eax, eax
    rep stosd
    mov dword [TSS + 4], STACK_TRAP     ; SS0:ESP0, the monitor's stack when the program traps
    mov dword [TSS + 8], KERNEL_DATA
    mov word [TSS + 102], IO_MAP - TSS
    mov ecx, IO_MAP_SIZE
    mov al, 0xff                        ; no port is allowed
    rep stosb
    mov byte [REDIRECTION + 0x21 / 8], 0    ; @redirect
    mov ax, 0x18
    ltr ax
    mov word [0x21 * 4], IP(program.int21)      ; real mode's interrupt table at 0: INT 21h is the program's own
    mov word [0x21 * 4 + 2], PROGRAM_SEGMENT
    AT 0, 0
    TEXT WHITE, "Lesson 9: virtual-8086 mode"
    AT 0, 79
    TEXT YELLOW, "0"
    mov dword [line], 2
    mov ecx, 0 << 12
before_iopl0:
    mov esi, text_iopl0
    call run
    mov ecx, 3 << 12
before_iopl3:
    mov esi, text_iopl3
    call run
    mov eax, cr4
    or eax, 1                           ; CR4.VME
    mov cr4, eax
    mov ecx, 0 << 12
before_vme:
    mov esi, text_vme
    call run
end:
    ret

; runs the program with the IOPL in ECX (bits 12 and 13) until its HLT; ESI: what to call this run
run:
    push ecx
    push esi
    call new_line
    add esp, 4
    push esi
    push dword WHITE
    call put_text
    pop ecx
    mov dword [traps], 0
    mov dword [virtual_if], FL_IF
    mov [run_esp], esp
    push dword 0                        ; GS, FS: an IRET that sets VM pops all segment registers
    push dword 0
    push dword PROGRAM_SEGMENT          ; DS
    push dword 0xb800                   ; ES: the screen, at 16 * B800h
    push dword PROGRAM_STACK            ; SS
    push dword 0x800                    ; ESP
    or ecx, FL_VM | FL_IF | 2
    push ecx                            ; EFLAGS
    push dword PROGRAM_SEGMENT          ; CS
    push dword 0                        ; EIP
enter_program:
    iretd
program_ends:
    mov esp, [run_esp]
    call new_line
    TEXT GREEN, "  traps: "
    NUMBER GREEN, dword [traps]
    TEXT GREEN, ", and between its CLI and STI the real IF was "
    NUMBER GREEN, dword [real_if]
    inc dword [line]
    ret

new_line:
    push eax
    imul eax, [line], 160
    add eax, SCREEN
    mov [cursor], eax
    inc dword [line]
    pop eax
    ret

; ---- the monitor: comes here with #GP whenever the program does what it may not
T_IP    equ TRAP_EIP            ; the frame of VM86: as always, and behind it the segment registers
T_FLAGS equ TRAP_EFLAGS
T_SP    equ TRAP_ESP
on_fault:
    inc dword [traps]
    mov eax, [ebp + T_FLAGS]
    shr eax, 9                  ; bit 9 is IF: may interrupts come?
    and eax, 1
    mov [real_if_now], eax
    movzx esi, word [ebp + TRAP_CS]
    shl esi, 4
    add esi, [ebp + T_IP]       ; where the instruction is: 16 * CS + IP
    movzx edx, byte [esi]       ; its first byte says which it is
    call new_line
    TEXT GREY, "  #GP("
    HEX GREY, dword [ebp + TRAP_ERROR], 4
    TEXT GREY, ") from ring 3 at "
    HEX GREY, dword [ebp + TRAP_CS], 4
    TEXT GREY, ":"
    HEX GREY, dword [ebp + T_IP], 4
    TEXT GREY, "  "
    mov edi, emulated
.find:
    cmp [edi], dl
    je .found
    add edi, 12
    cmp dword [edi], 0
    jne .find
    TEXT RED, "what is this?"
    jmp program_ends
.found:
    push dword [edi + 8]
    push dword CYAN
    call put_text
    inc dword [ebp + T_IP]      ; go on behind its first byte
    jmp [edi + 4]

    align 4, db 0
emulated:                       ; opcode, what to do, its name
    dd 0xfa, do_cli, name_cli
    dd 0xfb, do_sti, name_sti
    dd 0x9c, do_pushf, name_pushf
    dd 0xcd, do_int, name_int
    dd 0xcf, do_iret, name_iret
    dd 0xe4, do_in, name_in
    dd 0xf4, do_hlt, name_hlt
    dd 0
name_cli:   db "CLI: remembered, not done", 0
name_sti:   db "STI: remembered, not done", 0
name_pushf: db "PUSHF: gets the IF that it expects", 0
name_int:   db "INT: sent to the program's own handler", 0
name_iret:  db "IRET: back from it", 0
name_in:    db "IN: answered by the monitor", 0
name_hlt:   db "HLT: the program ends", 0
text_iopl0: db "IOPL 0", 0
text_iopl3: db "IOPL 3", 0
text_vme:   db "IOPL 0 and CR4.VME", 0
    align 4, db 0
line: dd 0
traps: dd 0
real_if: dd 0                   ; what the program's EFLAGS really held between its CLI and STI
real_if_now: dd 0
virtual_if: dd 0                ; what the program believes
run_esp: dd 0

do_cli:
    mov dword [virtual_if], 0
    ret
do_sti:
    mov dword [virtual_if], FL_IF
    ret
do_pushf:
    mov eax, [ebp + T_FLAGS]
    and eax, ~FL_IF
    or eax, [virtual_if]
    jmp push_word
do_int:
    movzx ebx, byte [esi + 1]
    inc dword [ebp + T_IP]
    call do_pushf
    mov eax, [ebp + TRAP_CS]
    call push_word
    mov eax, [ebp + T_IP]
    call push_word
    movzx eax, word [ebx * 4]
    mov [ebp + T_IP], eax
    movzx eax, word [ebx * 4 + 2]
    mov [ebp + TRAP_CS], eax
    mov dword [virtual_if], 0   ; as INT does
    ret
do_iret:
    call pop_word
    mov [ebp + T_IP], eax
    call pop_word
    mov [ebp + TRAP_CS], eax
    call pop_word
    and eax, FL_IF
    mov [virtual_if], eax
    ret
do_in:
    inc dword [ebp + T_IP]      ; the port's number
    mov byte [ebp + TRAP_EAX], 0x1c
    mov eax, [real_if_now]      ; the program reads the port between its CLI and its STI
    mov [real_if], eax
    ret
do_hlt:
    jmp program_ends

; AX to and from the program's stack, SS:SP
push_word:
    sub word [ebp + T_SP], 2
    movzx ecx, word [ebp + TRAP_SS]
    shl ecx, 4
    add ecx, [ebp + T_SP]
    mov [ecx], ax
    ret
pop_word:
    movzx ecx, word [ebp + TRAP_SS]
    shl ecx, 4
    add ecx, [ebp + T_SP]
    movzx eax, word [ecx]
    add word [ebp + T_SP], 2
    ret

; ---- the program: 16-bit code as for DOS
    align 16, db 0
    bits 16
program:
    inc byte [es:158]           ; the last letter of the first line counts the runs
    cli
    in al, 0x60                 ; the keyboard's port
    pushf
    pop bx
    sti
    mov ah, 2
    int 0x21
    hlt
.int21:
    mov byte [es:159], YELLOW
    iret
    bits 32
