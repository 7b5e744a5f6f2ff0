; paging.asm: who may touch a page, and how. Every page-table entry has a bit U (user) and a bit W (writable); the processor looks
; at them on all levels. SDM Vol. 3A 4.6, 4.7, 4.10.

%include "flat32.inc"
%include "screen.inc"
%include "traps.inc"
%include "try.inc"

DIRECTORY equ 0x80000           ; the page directory: entry n stands for the addresses n * 4 MiB ...
TABLE0    equ 0x81000           ; the page table of the first 4 MiB: what is needed to run at all
TABLE1    equ 0x82000           ; the page table of the addresses from 400000h on: our pages to try
TABLE2    equ 0x83000           ; and of those from 800000h on
FRAME     equ 0x90000           ; physical memory behind them
OTHER     equ 0x91000

P equ 1                         ; present
W equ 2                         ; writable
U equ 4                         ; user: ring 3 may, too

PAGE_NONE equ 0x400000          ; not present
PAGE_SYS  equ 0x401000          ; P, W: the kernel's
PAGE_USER equ 0x402000          ; P, W, U: everybody's
PAGE_READ equ 0x403000          ; P, U: to be read only
PAGE_HALF equ 0x800000          ; P, W, U in the table, but no U in the directory

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
    mov eax, DIRECTORY
    mov cr3, eax
    mov eax, cr0
    or eax, 1 << 31             ; CR0.PG: from here on every address is translated
    mov cr0, eax
    AT 0, 0
    TEXT WHITE, "Lesson 10: paging, U and W"
    mov dword [try_line], 2
    TRY 0, read_sys,   "ring 0 reads  a page P W -"
before_sys:
    TRY 3, read_sys,   "ring 3 reads  a page P W -"
    TRY 3, read_user,  "ring 3 reads  a page P W U"
    TRY 3, write_read, "ring 3 writes a page P - U"
before_none:
    TRY 3, write_none, "ring 3 writes a page that is not present"
before_half:
    TRY 3, read_half,  "ring 3 reads  U in the table, not in the directory"
before_wp:
    TRY 0, write_read, "ring 0 writes a page P - U, CR0.WP = 0"
    mov eax, cr0
    or eax, 1 << 16             ; CR0.WP: W holds for ring 0 too
    mov cr0, eax
before_wp1:
    TRY 0, write_read, "ring 0 writes a page P - U, CR0.WP = 1"
before_stale:
    TRY 3, read_user,  "ring 3 reads  a page P W U, once more"
    and dword [TABLE1 + 2 * 4], ~U      ; the page becomes the kernel's ...
    TRY 3, read_user,  "ring 3 reads  it after U was cleared"
    invlpg [PAGE_USER]                  ; ... and now the processor learns of it
    TRY 3, read_user,  "ring 3 reads  it after INVLPG"
end:
    ret

make_tables:
    mov edi, DIRECTORY          ; nothing is present
    mov ecx, 4 * 1024
    xor eax, eax
    rep stosd
    mov dword [DIRECTORY + 0 * 4], TABLE0 | P | W | U
    mov dword [DIRECTORY + 1 * 4], TABLE1 | P | W | U
    mov dword [DIRECTORY + 2 * 4], TABLE2 | P | W
    mov edi, TABLE0             ; the first 4 MiB: where they are, for both
    mov eax, P | W | U
.next:
    stosd
    add eax, 0x1000
    cmp eax, 0x400000
    jb .next
    mov dword [TABLE1 + 1 * 4], FRAME | P | W ; @sys
    mov dword [TABLE1 + 2 * 4], FRAME | P | W | U
    mov dword [TABLE1 + 3 * 4], FRAME | P | U
    mov dword [TABLE2 + 0 * 4], FRAME | P | W | U
    ret

; ---- what is tried, one instruction each
read_sys:
    mov al, [PAGE_SYS]
    DONE
read_user:
    mov al, [PAGE_USER]
    DONE
read_half:
    mov al, [PAGE_HALF]
    DONE
write_read:
    mov [PAGE_READ], al
    DONE
write_none:
    mov [PAGE_NONE], al
    DONE
