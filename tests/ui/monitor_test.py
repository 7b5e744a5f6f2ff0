#!/usr/bin/env python3
"""The monitor's commands, on small guests whose state is known.

monitor_test.py EMULATOR
"""
import re
import struct
import sys
import time
import zlib

from harness import Emulator, check, main, make_echo, make_guest


def expect(e, line, pattern):
    answer = e.command(line)
    check(re.search(pattern, answer), "%s: no %r in\n%s" % (line, pattern, answer))
    return answer


def png_pixels(path):
    """Width, height and RGB rows of a plain 8-bit PNG."""
    with open(path, "rb") as f:
        data = f.read()
    check(data[:8] == b"\x89PNG\r\n\x1a\n", "no PNG")
    at, body = 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        chunk = data[at + 8:at + 8 + size]
        check(struct.unpack(">I", data[at + 8 + size:at + 12 + size])[0] == zlib.crc32(kind + chunk), "bad CRC in the PNG")
        if kind == b"IHDR":
            width, height = struct.unpack(">II", chunk[:8])
        elif kind == b"IDAT":
            body += chunk
        at += 12 + size
    raw = zlib.decompress(body)
    stride = 1 + width * 3
    check(len(raw) == stride * height, "a PNG of another kind")
    rows, above = [], bytes(stride - 1)
    for y in range(height):
        check(raw[y * stride] in (0, 2), "a PNG with another filter")  # none, or the difference from the row above
        row = raw[y * stride + 1:(y + 1) * stride]
        above = bytes((a + b) & 255 for a, b in zip(row, above)) if raw[y * stride] else row
        rows.append(above)
    return width, height, b"".join(rows)


def real_mode(e, folder):
    e.wait_screen("ECHO READY")
    expect(e, "info registers", r"(?s)EAX=.*EIP=0000....* \[.*CPL=0.*CS =0000 00000000 0000ffff .* CS16 \[-RA\].*CR0=")
    expect(e, "info cpus", r"ring 0, \d+ instructions")
    expect(e, "info status", "VM status: running")
    expect(e, "info version", r"Ringside \d+\.\d+")
    expect(e, "info block", r"(?s)ide1-cd0: empty.*floppy0: .*echo.img .*1474560 bytes")
    expect(e, "info pci", r"(?s)8086:1237.*8086:7000.*1234:1111")
    expect(e, "info irq", r"(?m)^ 1: vector 09 edge")
    expect(e, "info pic", "pic0:")
    expect(e, "info lapic", "lapic 0")
    expect(e, "info mtree", r"(?s)fec00000.*ioapic.*ports")
    expect(e, "info mem", "paging is off")
    expect(e, "info idt", r"08: [0-9a-f]{4}:[0-9a-f]{4}")
    # memory in every form
    expect(e, "x /2xb 0x7dfe", r"^00007dfe: 0x55 0xaa\n$")
    expect(e, "xp /xh 0x7dfe", r"^0000000000007dfe: 0xaa55\n$")
    expect(e, "x /dh 0x7dfe", r": -21931\n")
    expect(e, "x /uh 0x7dfe", r": 43605\n")
    expect(e, "x /oh 0x7dfe", r": 0125125\n")
    expect(e, "x /2c 0x7dfe", r": 'U' '\\xaa'\n")
    expect(e, "x /3i 0x7c00", r"(?s)31c0 +xor ax, ax\n.*8ed8 +mov ds, ax\n.*8ec0 +mov es, ax\n")
    expect(e, "x /wi 0x7c00", r"xor eax, eax")
    expect(e, "x /gx 0xfffffff0", r": 0x[0-9a-f]{16}\n")
    expect(e, "x 0xfee00000", "cannot be read")  # device registers are left alone
    expect(e, "print 2+3*4", "^0xe\n$")
    expect(e, "p/d (1-2) & ~0", "^ -1\n$")
    expect(e, "print $cs.base + $ip = 1", "Error")
    expect(e, "p ($sp & 0xff00) / 0", "division by zero")
    expect(e, "p " + "(" * 1000, "nested too deeply")
    expect(e, "p $nothing", "no register")
    expect(e, "i /b 0x64", r"portb\[0x0064\] = 0x[0-9a-f]{2}")
    # keys and mouse
    e.command("sendkey a")
    e.command("sendkey shift-b 50")
    e.command("sendkey minus")
    e.command("sendkey f5")
    e.wait_screen("aB-<3F>")
    expect(e, "sendkey ctrl-alt-delet", "delete")
    expect(e, "sendkey", "usage")
    e.command("mouse_button 1")
    e.wait_screen(r"\{010000\}")
    e.command("mouse_button 0")
    e.command("mouse_move 5 -3")
    e.wait_screen(r"\{000503\}")
    e.command("type Typed by the monitor: {}~")
    e.wait_screen(r"Typed by the monitor: \{\}~")
    # pausing
    e.command("stop")
    expect(e, "info status", "paused")
    count = expect(e, "info cpus", "instructions")
    time.sleep(0.3)
    check(e.command("info cpus") == count, "a paused processor runs")
    # pictures: both formats hold the same
    e.command("screendump %s/a.png" % folder)
    e.command("screendump %s/a.ppm" % folder)
    e.command("screendump %s/b ppm" % folder)
    width, height, pixels = png_pixels(folder + "/a.png")
    check((width, height) == (720, 400) and any(pixels), "the picture")
    for name in ("/a.ppm", "/b"):
        with open(folder + name, "rb") as f:
            ppm = f.read()
        check(ppm.startswith(b"P6") and ppm.endswith(pixels), "PNG and PPM differ")
    expect(e, "screendump /nowhere/a.png", "Error")
    e.command("cont")
    # memory to files
    e.command("pmemsave 0x7c00 512 %s/sector" % folder)
    with open(folder + "/sector", "rb") as f, open(folder + "/echo.img", "rb") as g:
        saved, image = f.read(), g.read(512)
    check(saved[:64] == image[:64] and len(saved) == 512, "pmemsave")
    # media
    with open(folder + "/disc.iso", "wb") as f:
        f.write(bytes(65536))
    e.command("change ide1-cd0 %s/disc.iso" % folder)
    expect(e, "info block", r"ide1-cd0: .*disc.iso \(raw, read-only\), 65536 bytes")
    e.command("eject ide1-cd0")
    expect(e, "info block", r"ide1-cd0: empty")
    e.command("eject floppy0")
    expect(e, "info block", r"floppy0: empty")
    expect(e, "eject ide0-hd0", "no drive")
    expect(e, "change ide1-cd0 /nowhere/x", "nowhere")
    # words that are wrong
    expect(e, "inof status", "did you mean info")
    expect(e, "info registrs", "did you mean registers")
    expect(e, "x /99999999999z 0", "formats are")
    expect(e, "help", r"(?s)sendkey keys.*info tlb")
    check(e.command("") == "", "an empty line")
    e.command("change floppy0 %s/echo.img" % folder)
    e.command("system_reset")
    time.sleep(0.5)
    e.wait_screen("ECHO READY")
    expect(e, "info machine", "16 MiB, 1 resets")


def long_mode(e, folder):
    e.wait_screen("LONG")
    expect(e, "info registers", r"(?s)RAX=0747074e074f074c.*R15=fedcba9876543210.*CS64 \[-RA\].*CR0=80000011.*EFER=0000000000000500")
    expect(e, "info mem", r"^0000000000000000-0000000000200000 0000000000200000 -rw\n"
                          r"0000000000200000-0000000000400000 0000000000200000 -r-\n$")
    expect(e, "info tlb", r"(?m)^0000000000200000: 0000000000200000 --P------$")
    expect(e, "info gdt", r"0018: base=00005000 limit=00000067 DPL=0 TSS64-busy")
    expect(e, "info idt", r"06: 0008:[0-9a-f]+ DPL=0 int gate 64")
    expect(e, "info tss", r"(?s)TR=0018 base=5000.*IST7=")
    expect(e, "gva2gpa 0x201234", "gpa: 0x201234")
    expect(e, "gva2gpa 0x400000", "Unmapped")
    expect(e, "x 0x400000", "cannot be read")
    expect(e, "x /2i $pc", r"jmp 0x")
    expect(e, "p $r15", "0xfedcba9876543210")
    with open(folder + "/log") as f:
        log = f.read()
    check(re.search(r"(?s)exception 06 .*UD_UD.*RAX=1122334455667788.*CS64.*0008:[0-9a-f]+  ud2\n", log), "the log:\n" + log)


def run(program, folder):
    e = Emulator(program, ["-m", "16", "-fda", make_echo(folder), "-snapshot", "-display", "none"])
    try:
        real_mode(e, folder)
        e.process.stdin.write(b"quit\n")
        e.wait_end(0)
    finally:
        e.end()
    e = Emulator(program, ["-m", "16", "-fda", make_guest(folder, "boot64"), "-snapshot", "-display", "none", "-d", "int", "-D",
                           folder + "/log"])
    try:
        long_mode(e, folder)
    finally:
        e.end()


sys.exit(main(run, "nasm"))
