; nx-smep-smap.asm: three attacks, and the bits that stop them: a program's data that is executed (NX), a kernel that executes a
; program's code (SMEP), a kernel that follows a program's pointer (SMAP). SDM Vol. 3A 4.4, 4.6; Vol. 1 3.4.3 (AC).
;
; The tables are those of PAE paging: entries of 8 bytes, so that there is a bit 63: execute-disable, which Intel calls XD and
; everybody else NX.

%include "flat32.inc"
%include "screen.inc"
%include "traps.inc"
%include "try.inc"

POINTERS  equ 0x80000           ; four entries: 1 GiB each
DIRECTORY equ 0x81000           ; of the first GiB: 2 MiB each
TABLE     equ 0x82000           ; of the addresses from 400000h on: 4 KiB each
FRAME     equ 0x90000

P    equ 1
W    equ 2
U    equ 4
LARGE equ 0x80                  ; the entry is a page of 2 MiB, not a table
NX   equ 1 << 31                ; bit 63: in the upper half

USER_DATA equ 0x400000          ; P, W, U: a program's stack, or whatever it keeps there
USER_CODE equ 0x401000          ; P, W, U: the program

MSR_EFER equ 0xc0000080
EFER_NXE equ 1 << 11            ; bit 63 of entries means NX; without it it is reserved
CR4_PAE  equ 1 << 5
CR4_SMEP equ 1 << 20
CR4_SMAP equ 1 << 21

gdt:
    dq 0
    DESCRIPTOR 0, 0xfffff, CODE | RING0, FLAT          ; 08
    DESCRIPTOR 0, 0xfffff, DATA | RING0, FLAT          ; 10
    DESCRIPTOR 0, 0xfffff, CODE | RING3, FLAT          ; 18
    DESCRIPTOR 0, 0xfffff, DATA | RING3, FLAT          ; 20
    DESCRIPTOR TSS, 103, TSS32 | RING0, SYSTEM         ; 28
gdt_end:

main:
    call traps_init
    call try_init
    call make_tables
    mov eax, cr4
    or eax, CR4_PAE
    mov cr4, eax
    mov eax, POINTERS
    mov cr3, eax
    mov eax, cr0
    or eax, 1 << 31             ; CR0.PG
    mov cr0, eax
    mov esi, shellcode          ; the program's data: bytes that happen to be instructions
    mov edi, USER_DATA
    mov ecx, shellcode.end - shellcode
    rep movsb
    mov esi, program
    mov edi, USER_CODE
    mov ecx, program.end - program
    rep movsb

    AT 0, 0
    TEXT WHITE, "Lesson 11: NX, SMEP, SMAP"
    mov dword [try_line], 2
before_data:
    TRY 3, USER_CODE + program.jump - program, "ring 3 executes its own data"
before_reserved:
    or dword [TABLE + 4], NX
    mov eax, cr3                ; loading CR3 empties the TLB, so that the change is seen
    mov cr3, eax
    TRY 3, USER_CODE + program.jump - program, "the same, bit 63 set, EFER.NXE = 0"
    mov ecx, MSR_EFER
    rdmsr
    or eax, EFER_NXE
    wrmsr
before_nx:
    TRY 3, USER_CODE + program.jump - program, "the same, bit 63 set, EFER.NXE = 1"
    TRY 3, USER_CODE + program.read - program, "ring 3 reads that data"
    and dword [TABLE + 4], ~NX
    mov eax, cr3
    mov cr3, eax

    inc dword [try_line]
before_ret2user:
    TRY 0, jump_user, "ring 0 is made to jump to ring 3's page"
    AT 8, 0
    TEXT YELLOW, "  its code ran with CPL "
    mov eax, [try_cs]
    and eax, 3
    NUMBER YELLOW, eax
    TEXT YELLOW, ": the program owns the machine"
    inc dword [try_line]
    mov eax, cr4
    or eax, CR4_SMEP
    mov cr4, eax
before_smep:
    TRY 0, jump_user, "the same with CR4.SMEP = 1"
    TRY 3, USER_CODE + program.jump - program, "ring 3 itself may still do so"

    inc dword [try_line]
before_pointer:
    TRY 0, read_user, "ring 0 reads through ring 3's pointer"
    mov eax, cr4
    or eax, CR4_SMAP            ; @smap
    mov cr4, eax
before_smap:
    TRY 0, read_user, "the same with CR4.SMAP = 1"
before_stac:
    TRY 0, read_user_stac, "the same between STAC and CLAC"
    TRY 0, jump_user_stac, "a jump there between STAC and CLAC"
end:
    ret

make_tables:
    mov edi, POINTERS
    mov ecx, 3 * 1024
    xor eax, eax
    rep stosd
    mov dword [POINTERS], DIRECTORY | P
    mov dword [DIRECTORY], P | W | LARGE        ; the first 2 MiB where they are: the kernel's
    mov dword [DIRECTORY + 2 * 8], TABLE | P | W | U
    mov dword [TABLE], FRAME | P | W | U
    mov dword [TABLE + 8], (FRAME + 0x1000) | P | W | U
    ret

    cpu default                 ; STAC and CLAC are younger than what lesson.inc allows
; ---- what is tried in ring 0
jump_user:
    mov ebx, USER_DATA
    jmp ebx
jump_user_stac:
    stac
    mov ebx, USER_DATA
    jmp ebx
read_user:
    mov al, [USER_DATA]
    DONE
read_user_stac:
    stac                        ; EFLAGS.AC = 1: "I know that this is a program's memory"
    mov al, [USER_DATA]
    clac
    DONE

; ---- in ring 3
program:
.jump:
    mov ebx, USER_DATA
    jmp ebx
.read:
    mov al, [USER_DATA]
    DONE
.end:

; ---- a program's data
shellcode:
    mov edx, 0x600d             ; whatever an attacker likes
    DONE
.end:
