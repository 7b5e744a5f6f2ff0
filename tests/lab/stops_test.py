#!/usr/bin/env python3
"""The monitor's commands that pause the machine, step, go back, and ask what if: what they print.

stops_test.py EMULATOR IMAGE    IMAGE: stops.asm
Exit status: 0 as it should be, 1 not.
"""
import os
import re
import struct
import subprocess
import sys
import tempfile
import time

TIMEOUT = 60


class Monitor:
    def __init__(self, words):
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
        self.seen = b""
        self.read(rb"\(ringside\) ")

    def read(self, pattern):
        """What comes up to the pattern."""
        deadline = time.monotonic() + TIMEOUT
        while not re.search(pattern, self.seen, re.S):
            data = self.process.stdout.read(4096)
            if not data or time.monotonic() > deadline:
                raise SystemExit("no %r in %r" % (pattern, self.seen))
            self.seen += data
        end = re.search(pattern, self.seen, re.S).end()
        text, self.seen = self.seen[:end], self.seen[end:]
        return text.decode()

    def say(self, command, *expected):
        """The answer must have all of it."""
        self.process.stdin.write(command.encode() + b"\n")
        text = self.read(rb"\n\(ringside\) ")
        for pattern in expected:
            if not re.search(pattern, text):
                raise SystemExit("%s: no %s in %s" % (command, pattern, text))

    def go(self, command, pattern):
        """It pauses some time later, with a line like that."""
        self.process.stdin.write(command.encode() + b"\n")
        self.read(pattern.encode() + rb"[^\n]*\n\(ringside\) ")


def running(emulator, folder):
    """A guest that loops and has no timers, and is not paused first: a step is one from where it is."""
    image = os.path.join(folder, "loop.bin")
    with open(image, "wb") as f:
        f.write(bytes(0xfff0) + b"\xeb\xfe" + bytes(14))
    m = Monitor([emulator, "-display", "none", "-monitor", "stdio", "-serial", "null", "-bios", image])
    m.say("step", r"ring 0, f000:0000fff0: jmp")
    for command in "next", "finish":
        m.say("cont")
        m.say(command)
        m.say("stop")
    m.process.stdin.write(b"quit\n")
    m.process.wait(timeout=TIMEOUT)


def main(emulator, image):
    with tempfile.TemporaryDirectory(prefix="ringside-stops.") as folder:
        running(emulator, folder)
    data = open(image, "rb").read()
    at = data.index(struct.pack("<I", 0x53504F54))
    place = struct.unpack_from("<14I", data, at + 8)
    for accel in "interp", "tcg":
        m = Monitor([emulator, "-display", "none", "-monitor", "stdio", "-serial", "null", "-S", "-cpu", "max", "-bios", image,
                     "-accel", accel, "-checkpoints", "on", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"])
        m.say("step", r"after 1 instructions, ring 0, f000:")
        m.say("break %#x if $ecx & 0" % place[0], "breakpoint 1: the instruction at .* if \\$ecx & 0")
        m.say("delete 1")
        m.say("break *%#x" % place[0], "breakpoint 2: the instruction at")
        m.say("info breakpoints", "2 the instruction at .* happened 0 times")
        m.go("cont", r"breakpoint 2: the instruction at %08x; after \d+ instructions, ring 0, 0008:%08x: mov" % (place[0], place[0]))
        m.say("step 2", r"ring 0, 0008:")
        m.say("finish", r"returned from|breakpoint 2")
        m.say("delete", r"delete")
        m.say("watch %#x 4" % place[11], "breakpoint 3: a write of 4 bytes at 00068000")
        m.go("cont", r"breakpoint 3: 0008:\w+ wrote 00068000, 0 became 1; after")
        m.say("delete 3")
        m.say("until %#x" % place[13], r"ring 3, 003b:")
        m.say("whatif pte[$eip]&=~4", r"#PF PF_USER error 5", "the first difference")
        m.say("whatif $eax", "Error:")
        m.say("next", r"ring 3, 003b:.*sysenter")
        m.go("until exception 6", r"an exception: #UD by UD_UD, at 0008:\w+ in ring 0; after \d+ instructions, ring 0")
        m.say("why", "#UD", "UD_UD")
        m.say("why off")
        m.say("why", "#PF")  # nobody explains: the past that is kept is executed again, up to the moment before this delivery
        m.say("why 99", "Error: so many exceptions are not kept")
        m.say("catch ring 3", "breakpoint 4: a change of the ring to 3")
        m.say("reverse-continue", r"breakpoint 4: ring 0 became ring 3 at 0008:")
        m.say("reverse-continue", r"breakpoint 4: ring 0 became ring 3 at 0008:")
        m.say("reverse-continue", r"no breakpoint before.*after 0 instructions")
        m.say("catch ring 4", "Error: 4: from 0 to 3")
        m.say("catch nothing", "Error: nothing: one of")
        m.say("catch exception NO_RULE", "Error: NO_RULE is neither")
        m.say("break", "Error: usage: break")
        m.say("break 0x10zz", "Error: 0x10zz is not a number")
        m.say("break 1 if", "Error: if: what may follow is if EXPRESSION")
        m.say("break 1 when 2", "Error: when 2: what may follow is if")
        m.say("delete 99", "Error: there is no breakpoint 99")
        m.say("watch 0 1000000", "Error: at most 65536 bytes")
        m.process.stdin.write(b"quit\n")
        m.process.wait(timeout=TIMEOUT)
    return 0


sys.exit(main(*sys.argv[1:]))
