"""What the tests of window, terminal and monitor share: an emulator with a monitor on its standard input and output."""
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time


class Failed(Exception):
    pass


def check(condition, message):
    if not condition:
        raise Failed(message)


def wait_for(what, probe, seconds=20):
    """Polls until `probe` gives something true, and returns it."""
    end = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed("waited in vain for " + what)
        time.sleep(0.1)


def make_guest(folder, name):
    """tests/guest/NAME.asm as the image of a floppy disk."""
    here = os.path.dirname(os.path.abspath(__file__))
    image = os.path.join(folder, name + ".img")
    guests = os.path.join(here, "../guest/")
    subprocess.run(["nasm", "-f", "bin", "-I", guests, "-o", image, guests + name + ".asm"], check=True)
    os.truncate(image, 1440 * 1024)
    return image


def make_echo(folder):
    return make_guest(folder, "echo")


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Emulator:
    PROMPT = b"(ringside) "

    def __init__(self, program, arguments, **more):
        self.process = subprocess.Popen([program, "-monitor", "stdio", *arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, bufsize=0, **more)
        self.read_prompt()

    def read_prompt(self, seconds=20):
        data, end = b"", time.monotonic() + seconds
        while not data.endswith(self.PROMPT):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            part = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not part:
                raise Failed("the monitor says no more: %r" % data[-200:])
            data += part
        return data[:-len(self.PROMPT)].decode().replace("\r\n", "\n")

    def command(self, line):
        """What the monitor answers."""
        self.process.stdin.write(line.encode() + b"\n")
        return self.read_prompt().split("\n", 1)[1]

    def screen(self):
        return self.command("info screen").rstrip("\n")

    def wait_screen(self, pattern, seconds=20):
        try:
            return wait_for(repr(pattern), lambda: re.search(pattern, self.screen()), seconds)
        except Failed:
            raise Failed("waited in vain for %r; the screen:\n%s" % (pattern, self.screen()))

    def wait_end(self, status=0, seconds=10):
        self.process.stdin.close()
        check(self.process.wait(seconds) == status, "exit status %d" % self.process.returncode)

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()


def main(run, *programs):
    """Calls run(EMULATOR, FOLDER), with a folder that is gone then, where the programs are installed. The exit status; 77: skipped."""
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        print("needs %s: skipped" % ", ".join(missing))
        return 77
    with tempfile.TemporaryDirectory(prefix="ringside-test.") as folder:
        try:
            run(sys.argv[1], folder)
        except Failed as failure:
            print("FAILED: %s" % failure)
            return 1
    return 0
