#!/usr/bin/env python3
"""Guests speak to the lab: what they say is heard, in order and once, whatever executes them; a recording says it again; where
nobody listens, the instructions are what they are on other machines. A program in C does so as the first process of a Linux, if
there is one.

hypercall_test.py EMULATOR IMAGE32 IMAGE64 HEADER-FOLDER KERNELS
"""
import os
import shutil
import subprocess
import sys
import tempfile

SAID = {
    32: ["mark, ring 0: begin", "guest, ring 0: two lines", "assertion, ring 0: ",
         "the guest expected to be in ring 3 and is in ring 0", "mark, ring 0: ", "mark, ring 3: in ring 3", "assertion, ring 3: ",
         "mark, ring 0: by a port", "mark, ring 0: by VMCALL", "mark, ring 3: by VMCALL", "mark, ring 0: by VMMCALL",
         "trace start, ring 0: ", "trace stop, ring 0: "] + 1000 * ["mark, ring 0: back"] + ["snapshot, ring 0: ready"],
    64: ["mark, ring 0: 64 bits", "snapshot, ring 3: ring 3, 64 bits", "assertion, ring 3: ",
         "the guest expected to be in ring 0 and is in ring 3", "snapshot, ring 0: ", "mark, ring 3: 64 bits",
         "mark, ring 0: 64 bits"],
}
KINDS = ("mark, ", "guest, ", "assertion, ", "the guest expected", "trace ", "snapshot, ")
INIT = """
#include "ringside.h"
static long call(long n, long a, long b, long c)
{
    long r;
    __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return r;
}
void _start(void)
{
    ringside_mark("Linux is up");
    ringside_assert_ring(3);
    for (int n = 0; n < 3; n++) {
        call(39, 0, 0, 0); /* getpid */
    }
    ringside_log("three system calls later");
    call(169, 0xfee1deadL, 672274793, 0x4321fedcL); /* reboot: power off */
}
"""
failed = 0


def check(what, good, more=""):
    global failed
    failed += not good
    print("%s %s%s" % ("ok  " if good else "FAIL", what, "" if good else ": %s" % (more,)))


def run(emulator, words, **more):
    return subprocess.run([emulator, "-display", "none", "-serial", "null"] + words, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=100, text=True, **more)


def said(text):
    return [line for line in text.splitlines() if line.startswith(KINDS)]


def bare(emulator, bits, image, folder):
    machine = ["-cpu", "max,-la57", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-debugcon", "stdio",
               "-bios", image, "-monitor", "none", "-d", "hypercall"]
    tape = os.path.join(folder, "tape")
    for words in (["-hypercalls", "on"], ["-crossings", "on", "-accel", "tcg,threshold=1"], ["-checkpoints", "on", "-accel", "interp"],
                  ["-record", tape]):
        done = run(emulator, machine + words)
        check("%d bits, %s" % (bits, " ".join(words[:2])), done.returncode == 33 and said(done.stderr) == SAID[bits],
              (done.returncode, done.stdout[-300:], done.stderr[-300:]))
    done = subprocess.run([emulator, "-replay", tape, "-accel", "interp", "-d", "hypercall"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=100, text=True)
    check("%d bits, replayed" % bits, done.returncode == 33 and said(done.stderr) == SAID[bits], (done.returncode, done.stderr[-300:]))
    done = run(emulator, machine)
    check("%d bits, nobody listens" % bits, done.returncode == 33 and not said(done.stderr), (done.returncode, done.stdout[-300:]))


def past(emulator, image):
    """The monitor knows the names of moments; going back says nothing again."""
    done = run(emulator, ["-cpu", "max,-la57", "-bios", image, "-checkpoints", "on", "-crossings", "on", "-monitor", "stdio"],
               input="stop\ngoto 1000000\ngoto ready\ngoto by VMCALL\ngoto begin\ngoto nowhere\ninfo marks\ntimeline begin back\nquit\n")
    places = [line for line in done.stdout.splitlines() if line.startswith("after ")]
    check("a guest that sleeps for ever", "does not come to that moment" in done.stdout, done.stdout[-500:])
    check("goto three marks", len(places) == 3 and "nop" in places[0] and "ring 3" in places[1] and "vmcall" in places[1] and
          "nop" in places[2], places)
    check("goto a mark that nobody made", "nowhere is neither a number nor a mark" in done.stdout, done.stdout[-500:])
    check("what was said, once", done.stdout.count("mark by VMMCALL") == 1 and done.stdout.count("mark back") == 1000)
    check("marks on the timeline", "marks    v" in done.stdout, done.stdout[-1500:])


def catches(emulator, image):
    """The monitor waits for what the guest says."""
    process = subprocess.Popen([emulator, "-display", "none", "-serial", "null", "-cpu", "max,-la57", "-bios", image, "-hypercalls", "on",
                                "-S", "-monitor", "stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    process.stdin.write(b"catch hypercall 1\ncont\n")
    seen, data = b"", b"-"
    while data and b"a hypercall 01; after" not in seen:
        data = process.stdout.read(4096)
        seen += data
    check("catch hypercall", data, seen[-500:])
    process.communicate(b"quit\n", timeout=20)
    done = run(emulator, ["-bios", image, "-S", "-monitor", "stdio"], input="catch hypercall\nquit\n")
    check("catch hypercall, and nobody listens", "-hypercalls on" in done.stdout, done.stdout[-300:])


def cpio(name, data):
    head = "070701" + "".join("%08x" % n for n in (1, 0o100755, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0))
    entry = head.encode() + name.encode() + b"\0"
    entry += b"\0" * (-len(entry) % 4) + data
    return entry + b"\0" * (-len(entry) % 4)


def linux(emulator, headers, kernels, folder):
    kernel = os.path.join(kernels, "vmlinuz")
    if not os.path.exists(kernel) or not shutil.which("gcc"):
        print("skipped: there is no kernel in %s, or no gcc" % kernels)
        return
    source, init, initrd = (os.path.join(folder, n) for n in ("init.c", "init", "initrd"))
    with open(source, "w") as f:
        f.write(INIT)
    words = ["gcc", "-Wall", "-Wextra", "-Werror", "-O2", "-m64", "-ffreestanding", "-nostdlib", "-static", "-fno-stack-protector",
             "-fno-pie", "-no-pie"]
    subprocess.run(words + ["-I", headers, "-o", init, source], check=True)
    with open(init, "rb") as f, open(initrd, "wb") as out:
        out.write(cpio("init", f.read()) + cpio("TRAILER!!!", b""))
    done = run(emulator, ["-m", "128", "-kernel", kernel, "-initrd", initrd, "-append", "quiet", "-monitor", "none", "-hypercalls", "on",
                          "-d", "hypercall"])
    want = ["mark, ring 3: Linux is up", "assertion, ring 3: ", "guest, ring 3: three system calls later"]
    check("a program in C under Linux", said(done.stderr) == want, done.stderr[-300:])


def header(headers, folder):
    """The header as 16- and 32-bit code has the bytes that the processor looks for."""
    source, out = os.path.join(folder, "h.c"), os.path.join(folder, "h.o")
    with open(source, "w") as f:
        f.write('#include "ringside.h"\nvoid f(void) { ringside_mark("x"); ringside_trace_start(); }\n')
    for bits in ("16", "32", "64"):
        subprocess.run(["gcc", "-m" + bits, "-Wall", "-Wextra", "-Werror", "-O2", "-ffreestanding", "-I", headers, "-c", "-o", out, source],
                       check=True)
        with open(out, "rb") as f:
            data = f.read()
        check("the header, %s bits" % bits, (b"\x67\x66" if bits == "16" else b"") + b"\x0f\x1f\x84\x00RING" in data)


def main(emulator, image32, image64, headers, kernels):
    with tempfile.TemporaryDirectory(prefix="ringside-hypercall.") as folder:
        bare(emulator, 32, image32, folder)
        bare(emulator, 64, image64, folder)
        past(emulator, image32)
        catches(emulator, image32)
        if shutil.which("gcc"):
            header(headers, folder)
        linux(emulator, headers, kernels, folder)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
