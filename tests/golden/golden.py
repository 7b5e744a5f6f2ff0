#!/usr/bin/env python3
"""What a few loops are translated to is as it was: code64.asm's against golden64.txt, so that a change of the emitted code is seen, and wanted.

golden.py EMULATOR NASM          compares; a difference is shown as one
golden.py EMULATOR NASM update   writes golden64.txt anew

Compared is what usually runs, without places: offsets in struct cpu and addresses of code are left out. Status 77: this host's code is another one.
"""
import difflib
import os
import re
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
emulator, nasm = sys.argv[1:3]
golden = os.path.join(here, "golden64.txt")


def host_fits():
    with open("/proc/cpuinfo") as f:
        flags = f.read()
    return " bmi2" in flags and " avx2" in flags


def listing(folder):
    image, log = os.path.join(folder, "code64.bin"), os.path.join(folder, "log")
    subprocess.run([nasm, "-w+error", "-I" + os.path.join(here, "../guest/"), "-f", "bin", "-o", image,
                    os.path.join(here, "code64.asm")], check=True)
    subprocess.run([emulator, "-cpu", "x86-64-v2", "-display", "none", "-serial", "none", "-monitor", "none", "-no-reboot", "-device",
                    "isa-debug-exit,iobase=0xf4,iosize=4", "-bios", image, "-accel", "tcg,threshold=1", "-d", "in_asm,out_asm", "-D", log],
                   stdin=subprocess.DEVNULL, timeout=60)
    with open(log) as f:
        return f.read()


def without_places(line, host):
    text = line.split(None, 2)[2] if line.startswith("0x") else line
    if host:
        text = re.sub(r"(\[rsp(?: \+ r\d+(?:\*\d)?)?)(?: [+-] (?:0x)?[0-9a-f]+)?\]", r"\1 + *]", text)
    text = re.sub(r"^(j\w+|call) 0x[0-9a-f]+", r"\1 ->", text)
    return re.sub(r"^OUT: .*", "OUT:", text)


def cases(text):
    found = {}
    for block in text.split("-" * 16 + "\n"):
        lines = block.split("  -- what seldom runs:")[0].strip().split("\n")
        case = re.search(r"mov eax, 0x901d([0-9a-f]+)", lines[1]) if len(lines) > 1 else None
        if case:
            code = next(k for k, line in enumerate(lines) if line.startswith("OUT:"))
            found[int(case.group(1), 16)] = [without_places(line, k > code) for k, line in enumerate(lines)]
    return ["\n".join(["case %d" % n] + found[n]) for n in sorted(found)]


if not host_fits():
    print("this host lacks BMI2 or AVX2: its code is another one")
    sys.exit(77)
with tempfile.TemporaryDirectory(prefix="ringside-golden.") as folder:
    now = "\n\n".join(cases(listing(folder))) + "\n"
if sys.argv[3:] == ["update"]:
    with open(golden, "w") as f:
        f.write(now)
    sys.exit(0)
with open(golden) as f:
    was = f.read()
print("\n".join(difflib.unified_diff(was.split("\n"), now.split("\n"), "golden64.txt", "now", lineterm="")) or "as it was")
sys.exit(was != now)
