#!/usr/bin/env python3
"""Looks at the terminal display through a terminal of its own, and types.

terminal_test.py EMULATOR
"""
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import sys
import tempfile
import termios
import time

from harness import Failed, check, make_echo

COLUMNS, ROWS = 90, 28


class Terminal:
    """As much of ECMA-48 as the display uses."""

    def __init__(self, command):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(command[0], command)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.clear()
        self.cursor, self.visible, self.pending, self.status = (0, 0), True, "", None

    def clear(self):
        self.cells = [[" "] * COLUMNS for _ in range(ROWS)]

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.cells)

    def control(self, private, numbers, final):
        numbers = [int(n) if n else 0 for n in numbers.split(";")] if numbers else []
        if final == "H":
            y, x = (numbers + [1, 1])[:2] if numbers else (1, 1)
            self.cursor = (x - 1, y - 1)
        elif final == "J":
            self.clear()
        elif final in "hl" and private:
            if numbers == [25]:
                self.visible = final == "h"
            elif numbers == [1049]:
                self.clear()
        elif final != "m":
            raise Failed("an unknown sequence ends in %r" % final)

    def letter(self, c):
        x, y = self.cursor
        if c == "\r":
            self.cursor = (0, y)
        elif c == "\n":
            if y == ROWS - 1:
                self.cells = self.cells[1:] + [[" "] * COLUMNS]
            self.cursor = (x, min(y + 1, ROWS - 1))
        elif c == "\b":
            self.cursor = (max(x - 1, 0), y)
        else:
            check(c >= " ", "an unknown control character %r" % c)
            self.cells[y][min(x, COLUMNS - 1)] = c
            self.cursor = (x + 1, y)

    def feed(self, text):
        text = self.pending + text
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self.letter(text[at])
                at += 1
                continue
            found = re.compile(r"\x1b\[(\??)([0-9;]*)([@-~])").match(text, at)
            if not found:
                break
            self.control(*found.groups())
            at = found.end()
        self.pending = text[at:]
        check(len(self.pending) < 32, "a sequence without end: %r" % self.pending)

    def pump(self, seconds):
        end = time.monotonic() + seconds
        while True:
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            if not ready:
                return True
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return False
            if not data:
                return False
            self.bytes = getattr(self, "bytes", b"") + data
            try:
                self.feed(self.bytes.decode())
                self.bytes = b""
            except UnicodeDecodeError as e:
                check(len(self.bytes) - e.start < 4, "no UTF-8: %r" % self.bytes)
                self.feed(self.bytes[:e.start].decode())
                self.bytes = self.bytes[e.start:]

    def wait(self, pattern, seconds=20):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.text()):
            if time.monotonic() > end:
                raise Failed("waited in vain for %r; the terminal:\n%s" % (pattern, self.text()))
            self.pump(0.2)

    def send(self, text):
        os.write(self.fd, text.encode())

    def finish(self):
        end = time.monotonic() + 10
        while self.pump(0.1):
            check(time.monotonic() < end, "the emulator does not end")
        _, status = os.waitpid(self.pid, 0)
        self.pid = None
        check(os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0, "exit status %x" % status)

    def end(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


def steps(t):
    t.wait("ECHO READY")
    t.wait("Ctrl-A x: quit  c: monitor  h: keys")
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


def main():
    if not shutil.which("nasm"):
        print("needs nasm: skipped")
        return 77
    with tempfile.TemporaryDirectory(prefix="ringside-terminal.") as folder:
        t = Terminal([sys.argv[1], "-m", "16", "-fda", make_echo(folder), "-snapshot", "-display", "curses"])
        try:
            steps(t)
        except Failed as failure:
            print("FAILED: %s" % failure)
            return 1
        finally:
            t.end()
    return 0


sys.exit(main())
