#!/usr/bin/env python3
"""What the emulator says of its translation: info jit, -d in_asm,op,op_opt,out_asm and -perfmap, for a boot ROM that loops and halts.

jit_test.py EMULATOR
"""
import os
import re
import subprocess
import sys
import tempfile
import time

emulator = sys.argv[1]
folder = tempfile.mkdtemp(prefix="ringside-jit.")
LOOPS = 20000
PROMPT = b"\n(ringside) "
failures = 0


def check(what, good, more=""):
    global failures
    if not good:
        failures += 1
        print("wrong: %s %s" % (what, str(more)[-1500:]))


# In real mode, at FFFF0000h:
#       lgdt [cs:pointer]; mov eax, cr0; or al, 1; mov cr0, eax; jmp dword 8:FFFF0020h
# In 32-bit mode, at FFFF0020h:
#       mov eax, 10h; mov ds, ss, es, fs, gs, ax; mov esp, 8000h; mov ecx, LOOPS; mov esi, 0ffch
# again: add eax, ecx; push eax; pop ebx
#       mov [esi], eax; mov [esi+4], eax; xor esi, 2ffch              both in one page, or not
#       test al, 1; jz even; nop
# even: sldt edx; nop; dec ecx; jnz again; cli; hlt
# The other ROM has in place of the loop:
#       mov ebx, 5000h; mov dword [ebx], 0c301b0h                     mov al, 1; ret
# again: call ebx; cmp ecx, LOOPS / 2; jne same; mov byte [ebx + 1], 2
# same: dec ecx; jnz again; cli; hlt
# The third one has:
# again: push eax; push ebx; pop ebx; pop eax                         in one page, or not
#       xor esp, 1004h; dec ecx; jnz again; cli; hlt
# At FFFFFFF0h:
#       jmp FFFF0000h
def make_rom(name, loop):
    image = bytearray(b"\xf4" * 0x10000)

    def put(at, text):
        data = bytes.fromhex(text)
        image[at:at + len(data)] = data

    put(0x00, "2e660f01168000 0f20c0 0c01 0f22c0 66ea2000ffff0800")
    put(0x20, "b810000000 8ed8 8ed0 8ec0 8ee0 8ee8 bc00800000 b9" + LOOPS.to_bytes(4, "little").hex() + "befc0f0000")
    put(0x3e, loop)
    put(0x60, "0000000000000000 ffff0000009acf00 ffff00000092cf00")
    put(0x80, "1700 6000ffff")
    put(0xFFF0, "e90d00")
    path = os.path.join(folder, name)
    with open(path, "wb") as f:
        f.write(image)
    return path


rom = make_rom("rom.bin", "01c8 50 5b 8906 894604 81f6fc2f0000 a801 7401 90 0f00c2 90 49 75e5 fa f4 ebfd")
calling_rom = make_rom("calls.bin", "bb00500000 c703b001c300 ffd3 81f9%s 7504 c6430102 49 75ef fa f4 ebfd" % (LOOPS // 2).to_bytes(4, "little").hex())

crossing_rom = make_rom("crosses.bin", "50 53 5b 58 81f404100000 49 75f3 fa f4 ebfd")


def instructions():
    total, eax = 17, 0x10  # those outside the loop
    for ecx in range(LOOPS, 0, -1):
        eax = eax + ecx & 0xFFFFFFFF
        total += 12 + (eax & 1)
    return total


class Emulator:
    def __init__(self, *words, rom=rom):
        self.process = subprocess.Popen([emulator, "-display", "none", "-monitor", "stdio", "-m", "16", "-bios", rom, *words],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.answer()

    def answer(self):
        text = b""
        while not text.replace(b"\r", b"").endswith(PROMPT):
            byte = self.process.stdout.read(1)
            if not byte:
                break
            text += byte
        return text.replace(b"\r", b"").decode()

    def ask(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        return self.answer()

    def wait_halted(self):
        end = time.time() + 40
        while "HLT=1" not in self.ask("info registers") and time.time() < end:
            time.sleep(0.1)

    def quit(self):
        self.process.stdin.write(b"quit\n")
        self.process.stdin.close()
        self.process.stdout.read()
        return self.process.wait(timeout=20)


def number(pattern, text):
    found = re.search(pattern, text)
    check("info jit has %s" % pattern, found, text)
    return float(found.group(1)) if found else -1


def profiled():
    e = Emulator("-accel", "tcg,profile=on")
    e.wait_halted()
    text = e.ask("info jit")
    check("quit", e.quit() == 0)
    native = "host x86-64" in text
    check("info jit: blocks", number(r"translated +(\d+) blocks", text) > 0)
    check("info jit: time", number(r"time in translation (\S+) s", text) >= 0)
    if native:
        got = number(r"guest instructions  (\d+),", text)
        check("guest instructions: %d, not %d" % (got, instructions()), got == instructions(), text)
        calls = number(r"SLDT +0f00/0 +(\d+)", text)
        check("calls of SLDT", LOOPS - 100 < calls <= LOOPS, text)
        check("OP calls", 60 < number(r"(\S+) OP calls", text) < 130, text)
    return native


def called():
    """A function that is written over and translated again is soon called directly again."""
    e = Emulator("-accel", "tcg", rom=calling_rom)
    e.wait_halted()
    check("what it returned", "EAX=00000002" in e.ask("info registers"))
    text = e.ask("info jit")
    check("quit", e.quit() == 0)
    if "host x86-64" in text:
        check("calls that leave translated code", number(r"entered +(\d+) times", text) < LOOPS / 10, text)


def crossing():
    """A block whose shared check fails at its beginning is not lost for when it succeeds."""
    e = Emulator("-accel", "tcg", rom=crossing_rom)
    e.wait_halted()
    text = e.ask("info jit")
    check("quit", e.quit() == 0)
    if "host x86-64" in text:
        check("blocks lost where a check fails", number(r"invalidated +(\d+) blocks", text) == 0, text)
        check("failed checks that leave translated code", number(r"entered +(\d+) times", text) < LOOPS / 10, text)


def interpreted():
    e = Emulator("-accel", "interp")
    e.wait_halted()
    text = e.ask("info jit")
    check("quit", e.quit() == 0)
    got = number(r"guest instructions  (\d+)", text)
    check("interpreted instructions: %d, not %d" % (got, instructions()), got == instructions())


def logged(accel, native):
    log = os.path.join(folder, "log")
    e = Emulator("-accel", accel, "-perfmap", "-D", log, "-d", "in_asm,op,op_opt,out_asm")
    e.wait_halted()
    perf_map = "/tmp/perf-%d.map" % e.process.pid
    check("quit", e.quit() == 0)
    with open(log) as f:
        text = f.read()
    with open(perf_map) as f:
        lines = f.read().splitlines()
    os.unlink(perf_map)
    blocks = text.split("----------------\n")
    loop = [b for b in blocks if re.match(r"IN: 32-bit.*\n0xffff003e:  01c8", b)]
    check("%s: the loop is logged" % accel, len(loop) == 1, text)
    if len(loop) != 1:
        return
    check("in_asm", re.search(r"^0xffff003e:  01c8 +add eax, ecx$", loop[0], re.M), loop[0])
    check("op, op_opt", "\nOP:\n" in loop[0] and "\nOP after the passes:\n" in loop[0], loop[0])
    check("the map's format", all(re.fullmatch(r"[0-9a-f]+ [0-9a-f]+ \S+", line) for line in lines), lines)
    if not native:
        return
    out = re.search(r"^OUT: (\d+) \+ (\d+) bytes\n0x([0-9a-f]+):  [0-9a-f]+ +\S+", loop[0], re.M)
    check("out_asm", out, loop[0])
    entry = [line.split() for line in lines if line.endswith("guest32_ring0_0xffff003e")]
    check("the loop is in the map", len(entry) == 1, lines)
    check("the same in both", out and entry and (int(entry[0][0], 16), int(entry[0][1], 16)) == (int(out.group(3), 16), int(out.group(1))))
    check("stubs are in the map", any(line.endswith("stub_enter") for line in lines), lines)


native = profiled()
called()
crossing()
interpreted()
logged("tcg,threshold=1", native)
logged("interp", False)
print("%d failures" % failures)
sys.exit(failures > 0)
