#!/usr/bin/env python3
"""Starts the emulator, talks to it over its standard input and output, and says whether it went as expected.

boot.py [OPTION...] -- EMULATOR [ARGUMENT...]

Steps are carried out in the order given:
  --expect REGEX      wait until the output (after the last match) has this
  --screen REGEX      ask the monitor (which must be on standard input and output) until the screen's text has this
  --send TEXT         type this (\\r, \\n and \\x01 as in C)
  --idle SECONDS:PERCENT   let it run for so long: it must use no more than this share of a processor
and at the end:
  --status N          the emulator must end by itself with this status; without it, it is ended by SIGTERM and must give 0
  --absent REGEX      the output must not have this anywhere
  --timeout SECONDS   for all of it (default 120)
The last line then tells how long it took, the processor time of it, and what was found last.
Exit status: 0 as expected, 1 not, 77 skipped (a file that is needed is not there: --needs FILE).
"""
import os
import re
import resource
import select
import signal
import subprocess
import sys
import time


class Failed(Exception):
    pass


class Guest:
    def __init__(self, command, timeout):
        self.deadline = time.monotonic() + timeout
        self.output = b""
        self.seen = 0
        self.found = ""
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def left(self):
        return self.deadline - time.monotonic()

    def read(self, wait):
        """Takes what there is; False at the end of the output."""
        ready, _, _ = select.select([self.process.stdout], [], [], max(0, wait))
        if ready:
            data = os.read(self.process.stdout.fileno(), 65536)
            self.output += data
            return bool(data)
        return True

    def expect(self, pattern):
        while True:
            found = re.search(pattern.encode(), self.output[self.seen:])
            if found:
                self.seen += found.end()
                self.found = found.group().decode("utf-8", "replace")
                return
            if self.left() <= 0:
                raise Failed("waited in vain for %r" % pattern)
            if not self.read(min(1, self.left())):
                raise Failed("the emulator ended before %r" % pattern)

    def screen(self, pattern):
        while True:
            before = len(self.output)
            self.send("info screen\\n")
            pause = time.monotonic() + 0.5
            while time.monotonic() < pause:
                if not self.read(pause - time.monotonic()):
                    raise Failed("the emulator ended before its screen had %r" % pattern)
            text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.output[before:].decode("utf-8", "replace"))
            found = re.search(pattern, text)
            if found:
                self.seen = len(self.output)
                self.found = found.group()
                return
            if self.left() <= 0:
                raise Failed("waited in vain for %r on the screen" % pattern)

    def send(self, text):
        self.process.stdin.write(text.encode().decode("unicode_escape").encode("latin-1"))

    def idle(self, spec):
        seconds, percent = map(float, spec.split(":"))
        settle = time.monotonic() + 2
        while time.monotonic() < settle:
            self.read(0.2)
        before, start = self.cpu_seconds(), time.monotonic()
        while time.monotonic() < start + seconds:
            self.read(0.2)
        used = 100 * (self.cpu_seconds() - before) / (time.monotonic() - start)
        print("idle: %.2f %% of a processor" % used)
        if used > percent:
            raise Failed("an idle guest uses %.2f %% of a processor, allowed are %g" % (used, percent))

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.process.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def finish(self, status):
        if status is None:
            self.process.send_signal(signal.SIGTERM)
            status = 0
        while self.left() > 0 and self.read(min(1, self.left())):
            pass
        try:
            ended = self.process.wait(timeout=max(1, self.left()))
        except subprocess.TimeoutExpired:
            raise Failed("the emulator does not end")
        if ended != status:
            raise Failed("exit status %d, not %d" % (ended, status))


def main(arguments):
    at = arguments.index("--")
    words, command = arguments[:at], arguments[at + 1:]
    steps, absent, status, timeout = [], [], None, 120
    for option, value in zip(words[::2], words[1::2]):
        if option == "--needs":
            if not os.path.exists(value):
                print("skipped: there is no %s" % value)
                return 77
        elif option == "--status":
            status = int(value)
        elif option == "--timeout":
            timeout = float(value)
        elif option == "--absent":
            absent.append(value)
        else:
            steps.append((option[2:], value))
    guest = Guest(command, timeout)
    try:
        for step, value in steps:
            getattr(guest, step)(value)
        guest.finish(status)
        for pattern in absent:
            if re.search(pattern.encode(), guest.output):
                raise Failed("the output has %r" % pattern)
    except (Failed, BrokenPipeError, AttributeError) as reason:
        guest.process.kill()
        sys.stdout.write(guest.output.decode("utf-8", "replace")[-4000:])
        print("\nFAILED: %s" % reason)
        return 1
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print("as expected, in %.1f s (%.1f s of a processor): %s"
          % (timeout - guest.left(), used.ru_utime + used.ru_stime, " ".join(guest.found.split())))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
