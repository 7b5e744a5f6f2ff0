#!/usr/bin/env python3
"""screen.py EMULATOR IMAGE: runs screen.asm; at each "look NAME" takes the picture by the monitor, compares it pixel by pixel,
and presses the key that the guest waits for."""
import os
import subprocess
import sys
import tempfile
import time

EGA = [(0, 0, 0), (0, 0, 170), (0, 170, 0), (0, 170, 170), (170, 0, 0), (170, 0, 170), (170, 85, 0), (170, 170, 170),
       (85, 85, 85), (85, 85, 255), (85, 255, 85), (85, 255, 255), (255, 85, 85), (255, 85, 255), (255, 255, 85),
       (255, 255, 255)]


def six(value):
    return value << 2 | value >> 4


def text(x, y):
    cell = (x // 9 + y // 16 * 80) & 0xFF
    # a full block shows its foreground (its last column is repeated as the ninth); a space, from 80h on, its background
    return EGA[cell >> 4] if cell & 0x80 else EGA[cell & 15]


def ramp(x, y):
    index = (x ^ y) & 0xFF
    return six(index >> 2), six(63 - (index >> 2)), six(5)


# name: width and height of the picture (a multiple is fine too), key, pixel
LOOKS = {
    "text": (720, 400, "a", text),
    "cga": (320, 200, "ret", lambda x, y: (EGA[0], EGA[11], EGA[13], EGA[15])[x & 3]),
    "planar": (640, 480, "f1", lambda x, y: EGA[x // 40]),
    "13h": (320, 200, "shift-b", ramp),
    "mode x": (320, 240, "ctrl-c", ramp),
    "true colour": (640, 480, "alt-x", lambda x, y: ((x + y) & 255, y & 255, x & 255)),
}


def read_ppm(path):
    with open(path, "rb") as file:
        data = file.read()
    words, at = [], 0
    while len(words) < 4:
        end = at
        while not data[end:end + 1].isspace():
            end += 1
        words.append(data[at:end])
        at = end + 1
    return int(words[1]), int(words[2]), data[at:]


def same(data, got, want):
    """Neighbouring grey levels are alike: 6 bits become 8 in more than one way."""
    return all(abs(a - b) <= 4 for a, b in zip(data[got:got + 3], want))


def compare(name, path):
    width, height, _, pixel = LOOKS[name]
    w, h, data = read_ppm(path)
    if w % width or h % height or len(data) != w * h * 3:
        return "%s: the picture has %d by %d pixels" % (name, w, h)
    for y in range(0, h, 3):
        for x in range(0, w, 1 if y % 9 == 0 else 7):
            want = pixel(x * width // w, y * height // h)
            if not same(data, (y * w + x) * 3, want):
                at = (y * w + x) * 3
                return "%s: pixel %d,%d is %s, not %s" % (name, x, y, tuple(data[at:at + 3]), want)
    return None


def wait(condition, deadline):
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def main(emulator, image):
    complaints = []
    with tempfile.TemporaryDirectory() as folder:
        log, picture = os.path.join(folder, "log"), os.path.join(folder, "picture.ppm")
        process = subprocess.Popen(
            [emulator, "-display", "none", "-m", "32", "-serial", "null", "-monitor", "stdio", "-no-reboot", "-boot", "a",
             "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-debugcon", "file:" + log,
             "-drive", "if=floppy,index=0,format=raw,snapshot=on,file=" + image],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)

        def output():
            with open(log, errors="replace") as file:
                return file.read()

        def tell(line):
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()

        deadline = time.monotonic() + 50
        for name, (_, _, key, _) in LOOKS.items():
            if not wait(lambda: os.path.exists(log) and "look %s\n" % name in output(), deadline):
                complaints.append("the guest never came to %s" % name)
                break
            # the picture is drawn from memory when it is asked for, but the guest may have changed modes just now
            tell("screendump " + picture)
            if not wait(lambda: os.path.exists(picture) and os.path.getsize(picture) > 100, deadline):
                complaints.append("no picture of %s" % name)
                break
            time.sleep(0.1)
            complaint = compare(name, picture)
            os.remove(picture)
            if complaint:
                complaints.append(complaint)
            tell("sendkey " + key)
        try:
            status = process.wait(timeout=max(1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            status = None
        if status != 33:
            complaints.append("status %s" % status)
        complaints += [line for line in output().splitlines() if line.startswith("FAIL")]
    for complaint in complaints:
        print(complaint)
    return bool(complaints)


sys.exit(main(*sys.argv[1:3]))
