"""A terminal of our own, with the emulator in it."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
import unicodedata

from harness import Failed, check

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
            wide = unicodedata.east_asian_width(c) in "WF"
            self.cells[y][min(x, COLUMNS - 1)] = c
            if wide:
                check(x + 1 < COLUMNS, "half a letter has room")
                self.cells[y][x + 1] = ""
            self.cursor = (x + 1 + wide, y)

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
