#!/usr/bin/env python3
"""The ring lab in the terminal: pages, keys, commands; with the guest's screen behind it, and without a display adapter.

lab_terminal_test.py EMULATOR
"""
import os
import sys

from harness import check, main, make_echo
from terminal import Terminal


def with_guest(t):
    t.wait("ECHO READY")
    t.send("\x01r")
    t.wait(r"\[1 Now\]")
    t.wait(r"ring 0")
    t.wait("Space run/pause")
    t.send(" ")
    t.wait("PAUSED")
    t.send("2")
    t.wait(r"\[2 Segments\]")
    t.send("\x1b[D")
    t.wait(r"\[1 Now\]")
    t.send("\x1bOC")
    t.wait(r"\[2 Segments\]")
    t.send(":info statuz\x7fs\r")
    t.wait("VM status: paused")
    t.send(":print \xe9")  # two bytes
    t.wait(": print \xe9")
    t.send("\x1b")
    t.wait("Space run/pause")
    t.send(":help\r")
    t.wait(r"\[o Output\]")
    t.wait("lines [0-9]+ to")
    t.send("\x1b[F")
    t.wait("info version")
    t.send(" ")
    t.wait("running|idle")
    check("> help" not in t.text(), "the page does not stay where it is")
    t.send("\x01r")
    t.wait("ECHO READY")
    t.send("typed")  # to the guest again, and nothing came to it meanwhile
    t.wait("(?m)^typed$")
    t.send("\x01r")
    t.wait(r"\[o Output\]")
    t.send("\x01c")
    t.wait(r"(?m)^\(ringside\)$")
    t.send("\x01c")
    t.wait(r"\[o Output\]")
    t.send("\x01h")
    t.wait("the ring lab, and back")
    t.send("\x01x")
    t.finish()


def without_adapter(t):
    t.wait(r"\[1 Now\]")
    t.send("\x01r")  # there is no other screen
    t.pump(0.5)
    t.wait(r"\[1 Now\]")
    t.send(":quit\r")
    t.finish()


def spinning(t):
    """The guest does nothing that anybody waits for: it can be paused all the same."""
    t.wait("0000:0+7c01")
    for key in "r", "u", "f":
        t.send(key)
        t.wait("running")
        t.send(" ")
        t.wait("PAUSED")
    t.send("s")
    t.wait(r"(?m)^step")
    t.send("\x01x")
    t.finish()


def make_spinning(folder):
    image = os.path.join(folder, "spin.img")
    with open(image, "wb") as f:
        f.write(b"\xfa\xeb\xfe".ljust(510, b"\0") + b"\x55\xaa")  # cli; jmp $
    os.truncate(image, 1440 * 1024)
    return image


def run(emulator, folder):
    echo = ["-fda", make_echo(folder)]
    for steps, words in ((with_guest, echo + ["-display", "curses"]), (without_adapter, echo + ["-vga", "none", "-lab", "-S"]),
                         (spinning, ["-fda", make_spinning(folder), "-display", "curses", "-lab"])):
        print(steps.__name__)
        t = Terminal([emulator, "-m", "16", "-snapshot"] + words)
        try:
            steps(t)
        finally:
            t.end()


sys.exit(main(run, "nasm"))
