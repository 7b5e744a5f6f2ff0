#!/usr/bin/env python3
"""How the emulator ends, and what it leaves on disk: boot sectors of a few bytes each.

status_test.py EMULATOR
"""
import os
import signal
import subprocess
import sys
import tempfile
import time

emulator = sys.argv[1]
folder = tempfile.mkdtemp(prefix="ringside-status.")
SECTORS = 2880
failures = 0


def image(name, code):
    """A floppy-sized disk with this code in its boot sector."""
    path = os.path.join(folder, name)
    with open(path, "wb") as f:
        f.write(code.ljust(510, b"\xf4") + b"\x55\xaa" + bytes(512 * (SECTORS - 1)))
    return path


def check(what, good):
    global failures
    if not good:
        failures += 1
        print("wrong: " + what)


def run(*words):
    started = subprocess.Popen([emulator, "-display", "none", "-monitor", "none", "-m", "16", *words],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        started.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        started.kill()
        started.communicate()
        return None
    return started.returncode


def contents(path, sector):
    with open(path, "rb") as f:
        f.seek(512 * sector)
        return f.read(512)


# mov dx, 501h; mov al, 10h; out dx, al
leave = image("leave.img", bytes.fromhex("ba0105b010ee"))
check("isa-debug-exit: the guest's status", run("-device", "isa-debug-exit", "-fda", leave) == 0x21)
check("isa-debug-exit elsewhere",
      run("-device", "isa-debug-exit,iobase=0x501,iosize=4", "-drive", "if=floppy,file=" + leave) == 0x21)

# mov al, 0feh; out 64h, al: the keyboard controller's reset
check("-no-reboot: a reset ends", run("-no-reboot", "-fda", image("kbc.img", bytes.fromhex("b0fee664"))) == 0)
# mov al, 1; out 92h, al
check("-no-reboot: port 92h", run("-no-reboot", "-fda", image("p92.img", bytes.fromhex("b001e692"))) == 0)
# mov dx, 0cf9h; mov al, 6; out dx, al
check("-no-reboot: port CF9h", run("-no-reboot", "-fda", image("cf9.img", bytes.fromhex("baf90cb006ee"))) == 0)
# lidt [cs:an empty table]; int3, with the table's limit 0: real mode shuts down
triple = bytes.fromhex("2e0f011e087ccc90") + bytes(6)
check("-no-reboot: a triple fault", run("-no-reboot", "-fda", image("triple.img", triple)) == 0)

# Counts its starts in CMOS byte 50h: the second start leaves with status 3. Resets in between by port CF9h.
#   mov al, 50h; out 70h, al; in al, 71h; cmp al, 42h; je done; mov al, 42h; out 71h, al; mov dx, 0cf9h; mov al, 6; out dx, al; hlt
#   done: mov dx, 501h; mov al, 1; out dx, al
again = bytes.fromhex("b050e670e4713c42740bb042e671baf90cb006eef4ba0105b001ee")
check("a reset starts the machine again", run("-device", "isa-debug-exit", "-fda", image("again.img", again)) == 3)

# Writes its own boot sector to sector 1 by INT 13h, then leaves.
#   xor ax, ax; mov es, ax; mov bx, 7c00h; mov ax, 0301h; mov cx, 2; mov dx, 80h; int 13h; (leave)
write = bytes.fromhex("31c08ec0bb007cb80103b90200ba8000cd13") + bytes.fromhex("ba0105b010ee")
disk = image("write.img", write)
check("-snapshot: runs", run("-device", "isa-debug-exit", "-snapshot", "-hda", disk) == 0x21)
check("-snapshot: the base is unchanged", contents(disk, 1) == bytes(512))
check("snapshot=on: runs", run("-device", "isa-debug-exit", "-drive", "snapshot=on,file=" + disk) == 0x21)
check("snapshot=on: the base is unchanged", contents(disk, 1) == bytes(512))
os.chmod(disk, 0o444)
check("readonly: runs", run("-device", "isa-debug-exit", "-drive", "readonly=on,file=" + disk) == 0x21)
check("readonly: unchanged", contents(disk, 1) == bytes(512))
os.chmod(disk, 0o644)
check("a file by itself", run("-device", "isa-debug-exit", leave) == 0x21)
check("a disk: runs", run("-device", "isa-debug-exit", "-hda", disk) == 0x21)
check("a disk is written", contents(disk, 1) == contents(disk, 0))

# Signals end it in order.
for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
    started = subprocess.Popen([emulator, "-display", "none"], stdin=subprocess.DEVNULL)
    time.sleep(1)
    started.send_signal(number)
    try:
        check("signal %d" % number, started.wait(timeout=10) == 0)
    except subprocess.TimeoutExpired:
        check("signal %d is ignored" % number, False)
        started.kill()

print("%d failures" % failures)
sys.exit(failures > 0)
