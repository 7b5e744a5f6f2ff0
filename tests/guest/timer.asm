; timer.asm: the 8254's modes on channel 2 with its gate, measured against the ACPI timer and the TSC; the clock's periodic,
; alarm and update interrupts; the BIOS's services for both. 8254 and MC146818 data sheets.

%include "guest16.inc"

PM_HZ equ 3579545

test:
    call find_pm_timer
    call one_shot
    call gate
    call modes
    call read_back
    call decimal
    call tick
    call bios_wait
    call clock_registers
    call clock_interrupts
    call clock_update
    ret

; ---- the ACPI timer: PIIX4 function 3, configuration register 40h
find_pm_timer:
    mov eax, 0x80000b40
    mov dx, 0xcf8
    out dx, eax
    mov dx, 0xcfc
    in eax, dx
    and ax, 0xffc0
    add ax, 8
    mov [pm_port], ax
    call pm_now
    mov ebx, eax
    mov cx, 1000
.wait:
    in al, 0x80
    loop .wait
    call pm_now
    sub eax, ebx
    and eax, 0xffffff
    setnz al
    CHECK_B "acpi timer runs", al, 1
    ret
pm_now:
    push dx
    mov dx, [pm_port]
    in eax, dx
    and eax, 0xffffff
    pop dx
    ret
; a few periods of the 8254: what is written takes effect with its next clock
settle:
    pushad
    call pm_now
    mov ebx, eax
.wait:
    call pm_now
    sub eax, ebx
    and eax, 0xffffff
    cmp eax, 20
    jb .wait
    popad
    ret
    [section .data]
pm_port: dw 0
    __SECT__

; channel 2: control byte AL, count BX; the gate stays as it is
program_2:
    out 0x43, al
    mov al, bl
    out 0x42, al
    mov al, bh
    out 0x42, al
    ret
%macro GATE_IS 1
    in al, 0x61
    and al, 0xfc
    or al, %1
    out 0x61, al
%endmacro
; AL = output of channel 2
out_2:
    in al, 0x61
    shr al, 5
    and al, 1
    ret
; AX = count of channel 2
count_2:
    mov al, 0x80
    out 0x43, al
    in al, 0x42
    mov ah, al
    in al, 0x42
    xchg al, ah
    ret

; 10 ms by channel 2 in mode 0, by the other clocks: the shortest of five, for the host may be busy
one_shot:
    mov dword [.pm], -1
    mov dword [.tsc], -1
    mov cx, 5
.again:
    GATE_IS 1
    mov bx, 11932
    mov al, 0xb0
    call program_2
    call out_2
    mov [.low], al
    call pm_now
    mov esi, eax
    rdtsc
    mov edi, eax
.wait:
    call out_2
    test al, al
    jz .wait
    rdtsc
    sub eax, edi
    cmp eax, [.tsc]
    ja .pm_too
    mov [.tsc], eax
.pm_too:
    call pm_now
    sub eax, esi
    and eax, 0xffffff
    cmp eax, [.pm]
    ja .next
    mov [.pm], eax
.next:
    loop .again
    CHECK_B "mode 0: output low at the start", byte [.low], 0
    CHECK_RANGE "10 ms of the 8254 by the acpi timer", dword [.pm], 35000, 38500
    ; TSC per PM tick is the same over a longer time
    call pm_now
    mov esi, eax
    rdtsc
    mov edi, eax
.longer:
    call pm_now
    sub eax, esi
    and eax, 0xffffff
    cmp eax, 3 * 35795
    jb .longer
    mov ebx, eax
    rdtsc
    sub eax, edi
    xor edx, edx
    div ebx
    mov ebx, eax                ; TSC ticks per PM tick
    mov eax, [.tsc]
    xor edx, edx
    div ebx
    CHECK_RANGE "10 ms of the 8254 by the tsc", eax, 34000, 39500
    ; the CPU's own word: leaf 15h
    xor eax, eax
    cpuid
    cmp eax, 0x15
    jb .no_leaf
    mov eax, 0x15
    cpuid
    test ecx, ecx
    jz .no_leaf
    test eax, eax
    jz .no_leaf
    mov esi, eax
    mov eax, ecx
    mul ebx
    div esi                     ; TSC frequency
    xor edx, edx
    mov ecx, PM_HZ
    div ecx
    mov ecx, eax
    rdtsc
    mov eax, [.tsc]
    xor edx, edx
    div ecx
    CHECK_RANGE "cpuid 15h agrees", eax, 34000, 39500
.no_leaf:
    ret
    [section .data]
    align 4, db 0
.pm: dd 0
.tsc: dd 0
.low: db 0
    __SECT__

gate:
    GATE_IS 0
    mov bx, 0xf000
    mov al, 0xb0
    call program_2
    call settle
    call count_2
    mov si, ax
    mov cx, 200
.wait:
    in al, 0x80
    loop .wait
    call count_2
    CHECK_W "gate low: the count stands", ax, 0xf000
    GATE_IS 1
    mov cx, 200
.wait2:
    in al, 0x80
    loop .wait2
    call count_2
    cmp ax, 0xf000
    setne al
    CHECK_B "gate high: it counts", al, 1
    GATE_IS 0
    call count_2
    mov si, ax
    mov cx, 200
.wait3:
    in al, 0x80
    loop .wait3
    call count_2
    movzx ecx, si
    CHECK_W "gate low again: it stands", ax, ecx
    GATE_IS 3
    in al, 0x61
    and al, 3
    CHECK_B "port 61h: gate and speaker read back", al, 3
    GATE_IS 0
    ; the refresh bit toggles
    in al, 0x61
    mov bl, al
    mov ecx, 100000
.toggle:
    in al, 0x61
    xor al, bl
    test al, 0x10
    jnz .toggled
    a32 loop .toggle
.toggled:
    and al, 0x10
    CHECK_B "port 61h: refresh toggles", al, 0x10
    ret

; What is sampled over a time is checked loosely: a busy host runs us in pieces.
; counts how often the output of channel 2 changes in some 20 ms, and how long it was high: ESI, EDI (per cent)
watch:
    xor esi, esi
    xor edi, edi
    xor ebp, ebp
    call pm_now
    mov ebx, eax
    call out_2
    mov cl, al
.next:
    call out_2
    cmp al, cl
    je .same
    inc esi
    mov cl, al
.same:
    movzx eax, al
    add edi, eax
    inc ebp
    call pm_now
    sub eax, ebx
    and eax, 0xffffff
    cmp eax, 71590
    jb .next
    mov eax, edi
    mov edx, 100
    mul edx
    div ebp
    mov edi, eax
    ret

modes:
    ; 3: square wave, 2 ms: 20 changes in 20 ms, half of the time high
    GATE_IS 1
    mov bx, 2386
    mov al, 0xb6
    call program_2
    call watch
    CHECK_RANGE "mode 3: changes", esi, 4, 22
    CHECK_RANGE "mode 3: half of the time high", edi, 20, 80
    ; 2: low for one clock only
    mov bx, 2386
    mov al, 0xb4
    call program_2
    call watch
    CHECK_RANGE "mode 2: nearly always high", edi, 80, 100
    GATE_IS 0
    call out_2
    CHECK_B "mode 2: gate low makes the output high", al, 1
    ; 1: one-shot, by the gate's rise
    mov bx, 2386
    mov al, 0xb2
    call program_2
    call watch
    CHECK "mode 1: waits for the gate", edi, 100
    GATE_IS 1
    call settle
    call out_2
    mov [.low], al
    call watch
    CHECK_B "mode 1: low after the gate's rise", byte [.low], 0
    CHECK "mode 1: one pulse", esi, 1
    call out_2
    CHECK_B "mode 1: high at the end", al, 1
    GATE_IS 0
    call settle
    GATE_IS 1
    call settle
    call out_2
    CHECK_B "mode 1: again", al, 0
    ; 4: software strobe: high all the time but for one clock
    mov bx, 2386
    mov al, 0xb8
    call program_2
    call watch
    CHECK_RANGE "mode 4: high", edi, 80, 100
    ; 5: waits for the gate as well
    GATE_IS 0
    mov bx, 2386
    mov al, 0xba
    call program_2
    GATE_IS 1
    call watch
    CHECK_RANGE "mode 5: high", edi, 80, 100
    GATE_IS 0
    ; 0: the output stays high at the end, and a new count makes it low
    GATE_IS 1
    mov bx, 100
    mov al, 0xb0
    call program_2
    call watch
    call out_2
    CHECK_B "mode 0: high at the end", al, 1
    mov al, 0xff
    out 0x42, al
    out 0x42, al
    call settle
    call out_2
    CHECK_B "mode 0: a new count makes it low", al, 0
    GATE_IS 0
    ret
    [section .data]
.low: db 0
    __SECT__

read_back:
    GATE_IS 0
    mov bx, 0x1234
    mov al, 0xb6
    call program_2
    call settle
    mov al, 0xe8                ; status of channel 2
    out 0x43, al
    in al, 0x42
    and al, 0x3f
    CHECK_B "read-back: status", al, 0x36
    mov al, 0xc8                ; status and count
    out 0x43, al
    in al, 0x42
    and al, 0x3f
    CHECK_B "read-back: status first", al, 0x36
    in al, 0x42
    mov bl, al
    in al, 0x42
    mov bh, al
    CHECK_RANGE_W "read-back: then the count", bx, 0x1230, 0x1234
    mov al, 0xa0                ; channel 2, most significant byte only, mode 0
    out 0x43, al
    mov al, 0xe8
    out 0x43, al
    in al, 0x42
    CHECK_B "read-back: null count", al, 0x60
    mov al, 0x56
    out 0x42, al
    call .msb
    CHECK_B "most significant byte only", al, 0x56
    ret
.msb:
    mov al, 0x80
    out 0x43, al
    in al, 0x42
    ret

decimal:
    GATE_IS 1
    mov bx, 0x0000              ; 10000
    mov al, 0xb1
    call program_2
    mov cx, 500
.next:
    call count_2
    mov dx, ax
    and dx, 0x0f
    cmp dl, 9
    ja .bad
    mov dx, ax
    and dx, 0xf0
    cmp dl, 0x90
    ja .bad
    loop .next
.bad:
    CHECK_W "bcd: digits only", cx, 0
    GATE_IS 0
    ret

; ---- channel 0: 18.2 ticks a second
tick:
    push word 0
    pop es
    call .one
    mov dword [.least], -1
    mov cx, 3
.next:
    call pm_now
    mov esi, eax
    call .one
    call pm_now
    sub eax, esi
    and eax, 0xffffff
    cmp eax, [.least]
    ja .more
    mov [.least], eax
.more:
    loop .next
    CHECK_RANGE "a tick by the acpi timer", dword [.least], 150000, 200000
    mov ah, 0
    int 0x1a
    mov ax, dx
    sub ax, [es:0x46c]
    neg ax
    CHECK_RANGE_W "int 1Ah 0", ax, 0, 1
    ret
.one:
    mov ebx, [es:0x46c]
.hlt:
    hlt
    cmp [es:0x46c], ebx
    je .hlt
    ret
    [section .data]
    align 4, db 0
.least: dd 0
    __SECT__

bios_wait:
    call pm_now
    mov esi, eax
    mov ah, 0x86
    mov cx, 0
    mov dx, 20000
    int 0x15
    CHECK_CF "int 15h 86h", 0
    call pm_now
    sub eax, esi
    and eax, 0xffffff
    CHECK_RANGE "int 15h 86h: 20 ms", eax, 66000, 400000 ; a tick of the clock may be pending already
    ret

; ---- the clock
cmos:
    out 0x70, al
    in al, 0x71
    ret
; AL to register AH
set_cmos:
    xchg al, ah
    out 0x70, al
    mov al, ah
    out 0x71, al
    ret
clock_registers:
    mov al, 0x0d
    call cmos
    CHECK_B "register d: valid", al, 0x80
    mov al, 0x0a
    call cmos
    and al, 0x7f
    CHECK_B "register a", al, 0x26
    mov ah, 2
    int 0x1a
    CHECK_CF "int 1Ah 2", 0
    mov al, 4
    call cmos
    movzx ebx, ch
    CHECK_B "int 1Ah 2: the hour of the clock", al, ebx
    ; SET stops the clock; what is written stays
    mov al, 0x0b
    call cmos
    mov bl, al
    mov ah, 0x0b
    or al, 0x80
    call set_cmos
    mov ax, 0x0059
    call set_cmos
    mov ax, 0x0258
    call set_cmos
    mov al, 0
    call cmos
    CHECK_B "set: seconds", al, 0x59
    mov al, 2
    call cmos
    CHECK_B "set: minutes", al, 0x58
    mov ah, 0x0b
    mov al, bl
    call set_cmos
    ret

clock_interrupts:
    cli
    HOOK 0x70, .int70, .old
    in al, 0xa1
    and al, 0xfe
    out 0xa1, al
    mov word [.periodic], 0
    mov word [.alarm], 0
    mov word [.update], 0
    mov ax, 0x01c0              ; alarm: any second, minute, hour
    call set_cmos
    mov ax, 0x03c0
    call set_cmos
    mov ax, 0x05c0
    call set_cmos
    mov ax, 0x0a26
    call set_cmos
    mov al, 0x0c
    call cmos
    mov al, 0x0b
    call cmos
    mov [.b], al
    or al, 0x40
    mov ah, 0x0b
    call set_cmos
    sti
    ; 1024 a second: count them over 100 ms, again if the host was elsewhere meanwhile
    mov byte [.tries], 20
.again:
    hlt
    call pm_now
    mov esi, eax
    mov word [.periodic], 0
.wait:
    hlt
    call pm_now
    sub eax, esi
    and eax, 0xffffff
    cmp eax, 357954
    jb .wait
    cmp word [.periodic], 80
    jae .counted
    dec byte [.tries]
    jnz .again
.counted:
    CHECK_RANGE_W "periodic: 1024 a second", word [.periodic], 80, 106
    ; alarm and update, each once a second
    mov al, [.b]
    and al, 0x8f
    or al, 0x30
    mov ah, 0x0b
    call set_cmos
.one:
    hlt
    cmp word [.update], 1
    jb .one
    CHECK_W "update interrupt", word [.update], 1
    CHECK_W "alarm interrupt, at the same time", word [.alarm], 1
    CHECK_B "register c: IRQ, alarm, update", byte [.c], 0xb0
    mov al, 0x0c
    call cmos
    and al, 0xbf                ; the periodic flag may be there again: it is set without its interrupt too
    CHECK_B "register c: cleared by reading", al, 0
    cli
    mov al, [.b]
    mov ah, 0x0b
    call set_cmos
    UNHOOK 0x70, .old
    sti
    ret
.int70:
    push ax
    mov al, 0x0c
    call cmos
    test al, 0x40
    jz .no_periodic
    inc word [cs:.periodic]
.no_periodic:
    test al, 0x30
    jz .neither
    and al, 0xb0
    mov [cs:.c], al
.neither:
    test al, 0x20
    jz .no_alarm
    inc word [cs:.alarm]
.no_alarm:
    test al, 0x10
    jz .no_update
    inc word [cs:.update]
.no_update:
    mov al, 0x20
    out 0xa0, al
    out 0x20, al
    pop ax
    iret
    [section .data]
    align 4, db 0
.old: dd 0
.periodic: dw 0
.alarm: dw 0
.update: dw 0
.tries: db 0
.b: db 0
.c: db 0
    __SECT__

; update in progress: seen before the seconds change, for 244 us at least
clock_update:
    mov ecx, 30000000
.wait:
    mov al, 0
    call cmos
    mov bl, al                  ; the seconds, no later than the update
    mov al, 0x0a
    call cmos
    test al, 0x80
    jnz .seen
    a32 loop .wait
.seen:
    and al, 0x80
    CHECK_B "uip", al, 0x80
    call pm_now
    mov esi, eax
.in_progress:
    mov al, 0x0a
    call cmos
    test al, 0x80
    jnz .in_progress
    call pm_now
    sub eax, esi
    and eax, 0xffffff
    CHECK_RANGE "uip ends", eax, 0, 400000
    mov al, 0
    call cmos
    cmp al, bl
    setne al
    CHECK_B "seconds have changed", al, 1
    ret

END_OF_TEST
