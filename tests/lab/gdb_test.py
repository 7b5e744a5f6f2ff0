#!/usr/bin/env python3
"""Debian's gdb debugs a boot sector, a recording of it, and Linux.

gdb_test.py EMULATOR KERNELS
  KERNELS  a folder with vmlinuz and initrd of linux-amd64; without them that part is left out
Exit status: 0 good, 1 not, 77 there is no gdb.
"""
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

TIMEOUT = 60
GDB = ["gdb", "-q", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-ex", "set pagination off", "-ex", "set remotetimeout 60"]


class Failed(Exception):
    pass


def need(text, *expected):
    """In this order; * in them stands for anything on the line."""
    at = 0
    for wanted in expected:
        pattern = ".*?".join(re.escape(piece) for piece in wanted.split("*"))
        found = re.compile(pattern).search(text, at)
        if not found:
            raise Failed("%r is not in gdb's output:\n%s" % (wanted, text))
        at = found.end()
    return text


class Emulator:
    """Waits for gdb at a socket; standard input and output are the guest's first serial port."""

    def __init__(self, program, folder, words, look=""):
        self.socket = os.path.join(folder, "gdb.socket")
        self.process = subprocess.Popen([program, *words, "-gdb", "unix:" + self.socket + look, "-display", "none", "-monitor", "none", "-serial",
                                         "stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        end = time.monotonic() + 60
        while not os.path.exists(self.socket):
            if self.process.poll() is not None or time.monotonic() > end:
                raise Failed("the emulator did not come up: %s" % self.process.stderr.read())
            time.sleep(0.02)

    def gdb(self, *commands, before=(), types=None):
        """What gdb says. `types` is typed in the guest once the first breakpoint is set."""
        words = GDB + [word for command in (*before, "target remote " + self.socket, *commands) for word in ("-ex", command)]
        gdb = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
        output, end = b"", time.monotonic() + TIMEOUT
        try:
            while data := self.read(gdb.stdout, end, lambda: output):
                output += data
                if types and b"breakpoint 1" in output:
                    self.type(types)
                    types = None
        finally:
            gdb.kill()
            gdb.wait()
        return output.decode(errors="replace")

    def read(self, stream, end, so_far):
        while not select.select([stream], [], [], 1)[0]:
            if time.monotonic() > end:
                raise Failed("waited in vain; so far: %s" % so_far()[-3000:].decode(errors="replace"))
        return os.read(stream.fileno(), 65536)

    def expect(self, pattern):
        """Reads the serial port up to there."""
        output, end = b"", time.monotonic() + TIMEOUT
        while not re.search(pattern, output):
            data = self.read(self.process.stdout, end, lambda: output)
            output += data
            if not data:
                raise Failed("%r did not come: %r" % (pattern, output[-500:]))
        return re.search(pattern, output)

    def type(self, text):
        self.process.stdin.write(text.encode())

    def end(self):
        """Exit status."""
        return self.process.wait(timeout=20)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.wait()


def boot_sector(program, folder, image):
    """In 16-bit code, forwards and back, and on into 32-bit code."""
    with Emulator(program, folder, ["-m", "64", "-S", "-fda", image, "-boot", "a", "-checkpoints", "on"], ",arch=i386") as emulator:
        output = emulator.gdb(
            "x/i $linear_pc", "break *0x7c00", "continue", "x/2i $pc", "stepi 2", "info registers eip cs cr0", "break *0x7c40", "continue",
            "info registers ax sp", "reverse-stepi", "x/i $pc", "delete", "watch *(unsigned short *)0x600", "continue", "continue", "info registers eip",
            "delete", "hbreak *0x7c80", "continue", "x/i $linear_pc", "info registers eip cs", "stepi", "reverse-stepi", "info registers eip",
            "break *0x7cc0", "continue", "set architecture i386", "stepi", "x/2i $pc", "info registers cr0", "monitor info history",
            "reverse-continue", "reverse-continue", "info registers linear_pc", "reverse-continue", "info registers linear_pc", "kill",
            before=["set architecture i8086"])
        need(output, "0xfffffff0:*ljmp*$0xf000,$0xe05b", "Breakpoint 1, 0x00007c00", "=> 0x7c00:*xor*%ax,%ax", "0x7c02:*mov*%ds", "0x00007c04", "eip*0x7c04", "cs*0x0", "[ ET ]",
             "Breakpoint 2, 0x00007c40", "ax*0x5*5", "sp*0x7bfe", "0x00007c0e", "=> 0x7c0e:*call*0x7c40", "Hardware watchpoint 3", "New value = 5",
             "New value = 9", "eip*0x7c43", "Hardware assisted breakpoint 4", "SIGTRAP", "0x00000080", "0x7c80:*inc*%bx", "eip*0x80", "cs*0x7c0",
             "0x00000081", "0x00000080", "eip*0x80", "Breakpoint 5, 0x00007cc0", "0x00007cc4", "=> 0x7cc4:*mov*%eax,%ds", "movl*$0x12345678,0x604",
             "[ PE ET ]", "now*after*instructions", "Breakpoint 5, 0x00007cc0", "linear_pc*0x7c80", "No more reverse-execution history", "linear_pc*0xfffffff0", "killed")
        check_end(emulator)


def linear_pc(program, folder, image):
    """With pc=linear gdb finds its breakpoints, whatever CS is. The 64-bit description, as it is without arch=i386."""
    with Emulator(program, folder, ["-m", "64", "-S", "-fda", image, "-boot", "a"], ",pc=linear") as emulator:
        output = emulator.gdb("break *0x7c80", "continue", "info registers rip cs k_gs_base efer", "stepi", "monitor x/i $pc", "reverse-stepi",
                              "delete", "monitor gdb", "p $xmm0.v2_int64", "p/x $rax = 0x12345678", "p/x $ax", "p $cr4 = 1", "p $cr0 = 0x80000000", "set var *(int *)0x600 = 77",
                              "p *(int *)0x600", "maint packet Qqemu.PhyMemMode:1", "x/dw 0x600", "detach")
        need(output, "0x00000000fffffff0", "Breakpoint 1, 0x0000000000007c80", "rip*0x7c80", "cs*0x7c0", "efer*[ ]", "0x0000000000007c81", "7c81:*cli",
             "does not support this command", "gdb pc linear", "{0, 0}", "0x12345678", "0x5678", "[ VME ]", "refuses this value", "= 77", "OK", "77", "detached")
        output = emulator.gdb("info registers rip", "monitor info status", "kill")  # it has gone on meanwhile
        need(output, "rip*0x7c", "paused", "killed")
        check_end(emulator)


def check_end(emulator):
    if emulator.end():
        raise Failed("exit status %d after kill" % emulator.end())


def recording(program, folder, image):
    """The same again from a recording: nothing can be changed there, and it has two ends."""
    path = os.path.join(folder, "boot.rec")
    with Emulator(program, folder, ["-m", "64", "-S", "-fda", image, "-boot", "a", "-record", path]) as emulator:
        need(emulator.gdb("break *0x7cd7", "continue", "p $ax = 1", "kill"), "Breakpoint 1,", "recorded", "killed")
        check_end(emulator)
    with Emulator(program, folder, ["-S", "-replay", path, "-checkpoints", "on"], ",arch=i386") as emulator:
        output = emulator.gdb("break *0x7cd6", "continue", "p $eax = 1", "set var *(int *)0x600 = 1", "watch *(int *)0x604", "delete 1", "reverse-stepi",
                              "reverse-stepi", "info registers eip", "continue", "delete", "continue", "info registers eip", "reverse-stepi",
                              "reverse-continue", "info registers linear_pc", "kill")
        need(output, "Breakpoint 1,", "recorded or replayed", "Cannot access memory", "Hardware watchpoint 2", "0x00007cd0", "0x00007cc6", "eip*0x7cc6",
             "watchpoint 2", "No more reverse-execution history", "0x00007cd7", "0x00007cd6", "No more reverse-execution history", "linear_pc*0xfffffff0", "killed")
        check_end(emulator)


def linux(program, folder, kernels):
    """A kernel's function, found by its name, stops a process; back to the time before; and on."""
    words = ["-kernel", os.path.join(kernels, "vmlinuz"), "-initrd", os.path.join(kernels, "initrd"), "-append", "console=ttyS0 nokaslr quiet",
             "-m", "128", "-checkpoints", "on"]
    with Emulator(program, folder, words) as emulator:
        emulator.expect(rb"ringside:.*# ")
        emulator.type("grep __x64_sys_newuname$ /proc/kallsyms\r")
        address = int(emulator.expect(rb"\n(\w{16}) T __x64").group(1), 16)
        emulator.expect(rb"# ")
        output = emulator.gdb("hbreak *%#x" % address, "continue", "info registers rip cpl cs efer", "x/i $pc", "stepi", "x/i $pc", "reverse-stepi", "x/i $pc",
                              "p $gs_base != 0", "p $cr0", "p/x *(long *)$rsp", "delete", "reverse-stepi", "stepi", "info registers rip", "detach",
                              types="uname -r\r")
        name = "%#x" % address
        need(output, "Breakpoint 1, " + name, "rip*" + name, "cpl*0x0", "cs*0x10", "efer*SCE LME LMA NXE", "=> " + name, "=> 0x", "=> " + name, "= 1", "[ PE*PG ]",
             "= 0xffffffff8", "rip*" + name, "detached")
        emulator.expect(rb"\n\d\S+-amd64\r")
        emulator.type("poweroff\r")
        check_end(emulator)


def main(program, kernels):
    if not shutil.which("gdb") or not shutil.which("nasm"):
        print("skipped: there is no gdb, or no nasm")
        return 77
    here = os.path.dirname(os.path.abspath(__file__))
    with tempfile.TemporaryDirectory(prefix="ringside-gdb.") as folder:
        image = os.path.join(folder, "boot.img")
        subprocess.run(["nasm", "-f", "bin", "-o", image, os.path.join(here, "gdb_boot.asm")], check=True)
        os.truncate(image, 1440 * 1024)
        boot_sector(program, folder, image)
        linear_pc(program, folder, image)
        recording(program, folder, image)
        if os.path.exists(os.path.join(kernels, "vmlinuz")):
            linux(program, folder, kernels)
        else:
            print("there is no kernel in %s" % kernels)
    return 0


try:
    sys.exit(main(*sys.argv[1:]))
except Failed as failure:
    print(failure)
    sys.exit(1)
