#!/usr/bin/env python3
"""Looks at the terminal display through a terminal of its own, and types.

terminal_test.py EMULATOR
"""
import sys

from harness import check, main, make_echo
from terminal import Terminal

def steps(t):
    t.wait("ECHO READY")
    t.wait("Ctrl-A x: quit  r: lab  c: monitor  h: keys")
    t.send("Hello ~{}|")
    t.wait(r"Hello ~\{\}\|")
    for sent, shown in (("\x1b[A", "<48>"), ("\x1b[D", "<4B>"), ("\x1bOP", "<3B>"), ("\x1b[15~", "<3F>"), ("\x1b[5~", "<49>"),
                        ("\x1b[3~", "<53>"), ("\x1b[1;5C", "<74>"), ("\x1bx", "<2D>"), ("\x03", "<2E>"), ("\x01\x01", "<1E>")):
        t.send("\r" + sent)
        t.wait(r"(?m)^" + shown + "$")
        t.send("\x0c")  # Ctrl-L: the next answer is not this one
        t.wait(shown + r"(.*\n)?<26>")
    x, y = t.cursor
    check(t.visible and t.cells[y][x - 1] == ">", "the cursor is not behind the last letter")
    t.send("\x01h")
    t.wait("Keys after Ctrl-A")
    t.send("\x01h")
    t.pump(0.5)
    check("Keys after" not in t.text(), "the help stays")
    before = t.text().splitlines()[:25]
    t.send("\x01c")
    t.wait(r"(?m)^\(ringside\)$")
    t.send("info status\r")
    t.wait("VM status: running")
    t.send("x /i 0x7c00\r")
    t.wait("xor ax, ax")
    t.send("\x01c")
    t.wait("ECHO READY")
    t.pump(0.5)
    check(t.text().splitlines()[:25] == before, "the screen is not as before the monitor:\n" + t.text())
    t.send("\x01p")
    t.wait("PAUSED")
    t.send("\x01p")
    t.wait("MIPS")
    t.send("\x1b")
    t.wait("bye")
    t.send("\x01x")
    t.finish()


def run(emulator, folder):
    t = Terminal([emulator, "-m", "16", "-fda", make_echo(folder), "-snapshot", "-display", "curses"])
    try:
        steps(t)
    finally:
        t.end()


sys.exit(main(run, "nasm"))
