"""A virtual X server with the emulator's window on it."""
import os
import struct
import subprocess

from harness import check


class Screen:
    """An X server whose pixels lie in a file, without auto-repeat: on a busy host keys are held for long."""

    def __init__(self, folder):
        read, write = os.pipe()
        words = ["Xvfb", "-r", "-noreset", "-displayfd", str(write), "-screen", "0", "1280x960x24", "-fbdir", folder]
        self.process = subprocess.Popen(words, pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as number:
            self.name = ":" + number.readline().strip()
        self.file = os.path.join(folder, "Xvfb_screen0")

    def pixels(self, x, y, width, height):
        """Rows of RGB bytes, from the server's picture in XWD format."""
        with open(self.file, "rb") as f:
            data = f.read()
        head = struct.unpack(">25I", data[:100])
        size, stride, colors = head[0], head[12], head[19]
        little = head[7] == 0
        base = size + colors * 12
        rows = []
        for row in range(y, y + height):
            at = base + row * stride + x * 4
            raw = data[at:at + width * 4]
            rows.append(b"".join(raw[i + 2:i - 1 if i else None:-1] if little else raw[i + 1:i + 4]
                                 for i in range(0, len(raw), 4)))
        return rows

    def end(self):
        self.process.terminate()
        self.process.wait()


def xdo(*words):
    return subprocess.run(["xdotool", *map(str, words)], check=True, stdout=subprocess.PIPE).stdout.decode().strip()


def find_window():
    found = subprocess.run(["xdotool", "search", "--name", "Ringside"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return found.stdout.decode().split()[-1] if found.stdout.strip() else None


def geometry(window):
    lines = xdo("getwindowgeometry", "--shell", window).splitlines()
    values = dict(line.split("=") for line in lines)
    return tuple(int(values[k]) for k in ("X", "Y", "WIDTH", "HEIGHT"))


def read_ppm(path):
    with open(path, "rb") as f:
        data = f.read()
    magic, width, height, most, pixels = data.split(None, 4)
    check(magic == b"P6" and most == b"255", "not a PPM: " + path)
    width, height = int(width), int(height)
    pixels = data[len(data) - width * height * 3:]
    return width, height, [pixels[i * width * 3:(i + 1) * width * 3] for i in range(height)]
