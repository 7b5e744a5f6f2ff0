#!/usr/bin/env python3
"""Symbols in a Linux guest: a list as System.map has it names what the monitor and the inspectors show.

symbols_linux_test.py EMULATOR KERNELS
  KERNELS  a folder with vmlinuz and initrd (amd64)
Exit status: 0 right, 1 not, 77 skipped.

Debian's System.map is in a package of a gigabyte, so the guest is asked: /proc/kallsyms has the same lines.
"""
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../ui"))
from harness import Emulator, Failed, check, wait_for  # noqa: E402

NAMES = "_text __x64_sys_sync ksys_sync do_syscall_64 entry_SYSCALL_64 asm_exc_page_fault asm_exc_general_protection _etext".split()


def serial(path):
    with open(path, "rb") as f:
        return f.read().decode(errors="replace").replace("\r", "")


def type_line(e, text):
    e.command("type " + text)
    e.command("sendkey ret")


def ask_for_symbols(e, path):
    """Lines of a System.map."""
    wait_for("the shell", lambda: "ringside:" in serial(path), 120)
    type_line(e, "grep -wE '%s' /proc/kallsyms > /dev/ttyS0; echo -e 'THE\\tEND' > /dev/ttyS0" % "|".join(NAMES))
    wait_for("the guest's symbols", lambda: "THE\tEND" in serial(path), 60)
    lines = re.findall(r"^[0-9a-f]{16} \w \w+$", serial(path), re.M)
    check(len(lines) >= len(NAMES) - 1, "only %r" % lines)
    return "\n".join(lines) + "\n"


def wait_for_breakpoint(e):
    """The monitor says unasked that it has been met, and prompts again: then all prompts are read that there are."""
    wait_for("the breakpoint", lambda: "paused" in e.command("info status"), 30)
    answer = e.command("p 4711")
    while not answer.endswith("0x1267\n"):
        answer = e.read_prompt()


def expect(e, line, pattern):
    answer = e.command(line)
    check(re.search(pattern, answer, re.M), "%s: no %r in\n%s" % (line, pattern, answer))


def look(e, folder, serial_path):
    expect(e, "p __x64_sys_sync", "no symbols are loaded")
    path = os.path.join(folder, "System.map")
    with open(path, "w") as f:
        f.write(ask_for_symbols(e, serial_path))
    expect(e, "symbols " + path, r"^\d+ symbols$")
    expect(e, "p __x64_sys_sync", r"^0xffffffff8[0-9a-f]+$")
    expect(e, "p no_such_symbol", "there is no symbol no_such_symbol")
    expect(e, "p __x64_sys_s", "did you mean __x64_sys_sync")
    expect(e, "x /2i __x64_sys_sync", r"\A__x64_sys_sync:\nffffffff8")
    expect(e, "break __x64_sys_sync", "breakpoint")
    type_line(e, "sync")
    wait_for_breakpoint(e)
    expect(e, "inspect registers", r"^CS:RIP 0010:ffffffff8[0-9a-f]+ <__x64_sys_sync>$")
    expect(e, "inspect code", r"^__x64_sys_sync:\n> ffffffff8")
    expect(e, "inspect stacks", r"return address\? <do_syscall_64\+0x[0-9a-f]+>$")
    expect(e, "inspect stacks",
           r"interrupt frame\? returns to this IP\n.*CS: ring 3\n.*flags: IF=1.*\n.*SP of ring 3\n.*SS of ring 3")
    expect(e, "inspect idt", r"^0e: 0010:ffffffff8[0-9a-f]+ DPL=0 int gate 64 +#PF page fault(\n +)? *<asm_exc_page_fault>$")
    expect(e, "inspect gdt", r"SYSCALL CS")
    expect(e, "inspect walk __x64_sys_sync", r"^Linear ffffffff8[0-9a-f]+ <__x64_sys_sync>: 4-level paging")
    expect(e, "inspect walk __x64_sys_sync",
           r"ring 3 +NO: #PF\(05\) b +NO: #PF\(07\) b +NO: #PF\(15\) b\n.*\n  b: a user-mode access to a supervisor-mode address")


def main(emulator, kernels):
    if not os.path.exists(os.path.join(kernels, "vmlinuz")):
        print("skipped: there is no kernel in %s" % kernels)
        return 77
    with tempfile.TemporaryDirectory(prefix="ringside-symbols.") as folder:
        path = os.path.join(folder, "serial")
        e = Emulator(emulator, ["-kernel", os.path.join(kernels, "vmlinuz"), "-initrd", os.path.join(kernels, "initrd"), "-append",
                                "console=ttyS0 quiet nokaslr", "-m", "128", "-display", "none", "-serial", "file:" + path])
        try:
            look(e, folder, path)
        except Failed as failed:
            print(failed)
            return 1
        finally:
            e.end()
    return 0


sys.exit(main(*sys.argv[1:]))
