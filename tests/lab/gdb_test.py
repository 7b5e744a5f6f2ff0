#!/usr/bin/env python3
"""Debian's gdb debugs a boot sector, a recording of it, and Linux.

gdb_test.py EMULATOR KERNELS
  KERNELS  a folder with vmlinuz and initrd of linux-amd64; without them that part is left out
Exit status: 0 good, 1 not, 77 there is no gdb.
"""
import os
import random
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time

TIMEOUT = 120
GDB = ["gdb", "-q", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-iex", "set pagination off"]


class Failed(Exception):
    pass


def need(command, answer, expected, everything):
    """In this order; * in what is expected stands for anything on the line."""
    at = 0
    for wanted in expected:
        found = re.compile(".*?".join(re.escape(piece) for piece in wanted.split("*"))).search(answer, at)
        if not found:
            raise Failed("%s: %r is not in gdb's answer, the last of these:\n%s" % (command, wanted, everything))
        at = found.end()


class Emulator:
    """Waits for gdb at a socket; standard input and output are the guest's first serial port."""

    def __init__(self, program, folder, words, look=""):
        self.socket = os.path.join(folder, "gdb.socket")
        words = [*words, "-gdb", "unix:" + self.socket + look, "-display", "none", "-monitor", "none", "-serial", "stdio"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([program, *words], stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0)
        end = time.monotonic() + 60
        while not os.path.exists(self.socket):
            if self.process.poll() is not None or time.monotonic() > end:
                raise Failed("the emulator did not come up: %s" % self.process.stderr.read())
            time.sleep(0.02)

    def talk(self, talk, before=(), types=None):
        """gdb's commands, each with what is to be in its answer. `types` is typed in the guest once the first breakpoint is set."""
        words = [*before, "target remote " + self.socket]
        for number, (command, *_) in enumerate(talk):
            words += ["echo <%d>\\n" % number, command]
        words = GDB + [word for each in words for word in ("-ex", each)]
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
        text = output.decode(errors="replace")
        for number, (command, *expected) in enumerate(talk):
            answer = text.partition("<%d>\n" % number)[2].partition("<%d>\n" % (number + 1))[0]
            need(command, answer, expected, text)

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
        emulator.talk([
            ("x/i $linear_pc", "0xfffffff0:*ljmp*$0xf000,$0xe05b"),
            ("break *0x7c00", ""),
            ("continue", "Breakpoint 1, 0x00007c00"),
            ("x/2i $pc", "=> 0x7c00:*xor*%ax,%ax", "0x7c02:*mov*%ds"),
            ("stepi 2", "0x00007c04"),
            ("info registers eip cs cr0", "eip*0x7c04", "cs*0x0", "[ ET ]"),
            ("break *0x7c40", ""),
            ("continue", "Breakpoint 2, 0x00007c40"),
            ("info registers ax sp", "ax*0x5*5", "sp*0x7bfe"),
            ("reverse-stepi", "0x00007c0e"),
            ("x/i $pc", "=> 0x7c0e:*call*0x7c40"),
            ("continue", "Breakpoint 2, 0x00007c40"),
            ("continue", "Breakpoint 2, 0x00007c40"),
            ("reverse-continue", "Breakpoint 2, 0x00007c40"),
            ("reverse-continue", "Breakpoint 1, 0x00007c00"),
            ("delete", ""),
            ("watch *(unsigned short *)0x600", "Hardware watchpoint 3"),
            ("continue", "New value = 5", "0x00007c43"),
            ("continue", "New value = 9", "0x00007c43"),
            ("reverse-continue", "Old value = 9", "New value = 5", "0x00007c40"),
            ("delete", ""),
            ("hbreak *0x7c80", "Hardware assisted breakpoint 4"),
            ("continue", "SIGTRAP", "0x00000080"),
            ("x/i $linear_pc", "0x7c80:*inc*%bx"),
            ("info registers eip cs", "eip*0x80", "cs*0x7c0"),
            ("stepi", "0x00000081"),
            ("reverse-stepi", "0x00000080"),
            ("break *0x7cc0", ""),
            ("continue", "Breakpoint 5, 0x00007cc0"),
            ("set architecture i386", ""),
            ("stepi", "0x00007cc4"),
            ("x/2i $pc", "=> 0x7cc4:*mov*%eax,%ds", "movl*$0x12345678,0x604"),
            ("info registers cr0", "[ PE ET ]"),
            ("monitor info history", "now*after*instructions"),
            ("reverse-continue", "Breakpoint 5, 0x00007cc0"),
            ("reverse-continue", "SIGTRAP", "0x00000080"),
            ("reverse-continue", "No more reverse-execution history"),
            ("info registers linear_pc", "linear_pc*0xfffffff0"),
            ("kill", "killed")], before=["set architecture i8086"])
        check_end(emulator)


def linear_pc(program, folder, image):
    """With pc=linear gdb finds its breakpoints, whatever CS is. The 64-bit description, as it is without arch=i386."""
    with Emulator(program, folder, ["-m", "64", "-S", "-fda", image, "-boot", "a"], ",pc=linear") as emulator:
        emulator.talk([
            ("break *0x7c80", ""),
            ("continue", "Breakpoint 1, 0x0000000000007c80"),
            ("info registers rip cs efer", "rip*0x7c80", "cs*0x7c0", "efer*[ ]"),
            ("stepi", "0x0000000000007c81"),
            ("monitor x/i $pc", "7c81:*cli"),
            ("reverse-stepi", "does not support this command"),
            ("delete", ""),
            ("monitor gdb", "gdb pc linear"),
            ("p $xmm0.v2_int64", "{0, 0}"),
            ("p/x $rax = 0x12345678", "= 0x12345678"),
            ("p/x $ax", "= 0x5678"),
            ("p $cr4 = 1", "[ VME ]"),
            ("p $cr0 = 0x80000000", "refuses this value: paging needs protected mode"),
            ("set var *(int *)0x600 = 77", ""),
            ("p *(int *)0x600", "= 77"),
            ("maint packet Qqemu.PhyMemMode:1", "OK"),
            ("x/dw 0x600", "77"),
            ("detach", "detached")])
        emulator.talk([  # it has gone on meanwhile
            ("info registers rip", "rip*0x7c"),
            ("monitor info status", "paused"),
            ("kill", "killed")])
        check_end(emulator)


def check_end(emulator):
    if emulator.end():
        raise Failed("exit status %d after kill" % emulator.end())


def connect(emulator):
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(emulator.socket)
    peer.settimeout(20)
    return peer


def strange_peers(program, folder, image):
    """Those who say half of something, noise, ask and do not listen, or come while somebody is there; then comes gdb."""
    with Emulator(program, folder, ["-m", "64", "-S", "-fda", image, "-boot", "a"]) as emulator:
        with connect(emulator) as peer:
            peer.send(b"$qSupp")
        with connect(emulator) as peer:
            peer.sendall(random.Random(1).randbytes(200000))
        with connect(emulator) as peer:
            peer.setblocking(False)
            try:
                while True:
                    peer.send(b"$m0,1fff#2d-" * 300)
            except BlockingIOError:
                pass
            with connect(emulator) as second:
                if second.recv(1):
                    raise Failed("two are served")
        emulator.talk([("break *0x7c00", ""), ("continue", "Breakpoint 1"), ("kill", "killed")])
        check_end(emulator)


def recording(program, folder, image):
    """The same again from a recording: nothing can be changed there, and it has two ends."""
    path = os.path.join(folder, "boot.rec")
    with Emulator(program, folder, ["-m", "64", "-S", "-fda", image, "-boot", "a", "-record", path]) as emulator:
        emulator.talk([("break *0x7cd7", ""), ("continue", "Breakpoint 1,"), ("p $ax = 1", "recorded"), ("kill", "killed")])
        check_end(emulator)
    with Emulator(program, folder, ["-S", "-replay", path, "-checkpoints", "on"], ",arch=i386") as emulator:
        emulator.talk([
            ("break *0x7cd6", ""),
            ("continue", "Breakpoint 1,"),
            ("p $eax = 1", "recorded or replayed"),
            ("set var *(int *)0x600 = 1", "Cannot access memory"),
            ("watch *(int *)0x604", "Hardware watchpoint 2"),
            ("delete 1", ""),
            ("reverse-continue", "Old value = 305419897", "New value = 305419896", "0x00007cd0"),
            ("reverse-stepi", "0x00007cc6"),
            ("continue", "watchpoint 2", "0x00007cd6"),
            ("delete", ""),
            ("continue", "No more reverse-execution history", "0x00007cd7"),
            ("reverse-stepi", "0x00007cd6"),
            ("reverse-continue", "No more reverse-execution history"),
            ("info registers linear_pc", "linear_pc*0xfffffff0"),
            ("kill", "killed")])
        check_end(emulator)


def linux(program, folder, kernels):
    """A kernel's function, found by its name, stops a process; back to the time before; and on."""
    words = ["-kernel", os.path.join(kernels, "vmlinuz"), "-initrd", os.path.join(kernels, "initrd")]
    words += ["-append", "console=ttyS0 nokaslr quiet", "-m", "128", "-checkpoints", "on"]
    with Emulator(program, folder, words) as emulator:
        emulator.expect(rb"ringside:.*# ")
        emulator.type("grep __x64_sys_newuname$ /proc/kallsyms\r")
        name = "%#x" % int(emulator.expect(rb"\n(\w{16}) T __x64").group(1), 16)
        emulator.expect(rb"# ")
        emulator.talk([
            ("hbreak *" + name, "breakpoint 1 at"),
            ("continue", "Breakpoint 1, " + name),
            ("info registers rip cpl cs efer", "rip*" + name, "cpl*0x0", "cs*0x10", "efer*SCE LME LMA NXE"),
            ("x/i $pc", "=> " + name),
            ("stepi", "0xffffffff8"),
            ("reverse-stepi", name),
            ("p $gs_base != 0", "= 1"),
            ("p $cr0", "[ PE*PG ]"),
            ("p/x *(long *)$rsp", "= 0xffffffff8"),
            ("stepi", ""),
            ("reverse-continue", "Breakpoint 1, " + name),
            ("delete", ""),
            ("reverse-stepi", ""),
            ("stepi", name),
            ("detach", "detached")], types="uname -r\r")
        emulator.expect(rb"\n\d\S+-amd64\r")
        emulator.type("poweroff\r")
        check_end(emulator)


def other_ways(program, image):
    """gdb starts the emulator itself, or comes by a pseudoterminal."""
    words = [program, "-S", "-display", "none", "-serial", "null", "-monitor", "none", "-fda", image, "-snapshot", "-gdb"]
    talk = ["-ex", "stepi", "-ex", "info registers rip", "-ex", "monitor info status", "-ex", "kill"]

    def look(target, way):
        done = subprocess.run(GDB + ["-ex", "target remote " + target] + talk, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=TIMEOUT, text=True)
        need(way, done.stdout, ["rip            0xe05b", "VM status: paused"], done.stdout)

    look("| exec " + " ".join(words + ["stdio"]), "-gdb stdio")
    with subprocess.Popen(words + ["pty"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            look(process.stderr.readline().split()[-1], "-gdb pty")
        finally:
            process.kill()


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
        strange_peers(program, folder, image)
        recording(program, folder, image)
        other_ways(program, image)
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
