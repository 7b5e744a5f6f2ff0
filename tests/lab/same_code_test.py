#!/usr/bin/env python3
"""Translated code is the same, byte for byte and at the same addresses, whether crossings are noted or not, and with and without
hypercalls.

same_code_test.py EMULATOR IMAGE: a guest of 64-bit code in rings 0 and 3. Skipped (77) where addresses cannot be fixed, or on a host
for which code is not made.
"""
import os
import subprocess
import sys
import tempfile

WORDS = (["-crossings", "off"], ["-crossings", "on"], ["-crossings", "on", "-hypercalls", "off"], ["-hypercalls", "on"])


def main(emulator, image):
    with tempfile.TemporaryDirectory(prefix="ringside-code.") as folder:
        codes = []
        for n, words in enumerate(WORDS):
            path = os.path.join(folder, "%d" % n)
            done = subprocess.run(["setarch", "-R", emulator, "-cpu", "max,-la57", "-display", "none", "-serial", "null", "-monitor", "none",
                                   "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-debugcon", "null", "-bios", image,
                                   "-clock", "counted", "-accel", "tcg,threshold=1", "-d", "out_asm", "-D", path] + words,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=100)
            if b"setarch" in done.stdout:
                print("skipped: %s" % done.stdout.decode().strip())
                return 77
            if done.returncode != 33:
                print("%s: status %d: %s" % (words, done.returncode, done.stdout[-500:]))
                return 1
            with open(path, "rb") as f:
                codes.append(f.read())
        if codes[0].count(b"\n") < 1000:
            print("skipped: no code was made")
            return 77
        differ = [w for w, c in zip(WORDS, codes) if c != codes[0]]
        print("%d lines of code, the same each time" % codes[0].count(b"\n") if not differ else "it differs with %s" % differ)
        return len(differ) != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
