#!/usr/bin/env python3
"""The ring lab in the window: where it lies, what its keys do, and that they do not come to the guest.

lab_window_test.py EMULATOR
"""
import os
import sys
import time

from harness import Emulator, check, main, make_echo, wait_for
from window import Screen, find_window, geometry, xdo

# frontend/ui/sdl_lab.c, frontend/lab/theme.h
MARGIN, BAR = 6, 24
PAPER, SELECTED, FRAME, FRAME_KEYS = b"\x12\x16\x1b", b"\x21\x3b\x58", b"\x5b\x66\x73", b"\xff\xd1\x66"
RING0 = b"\xff\x6b\x5e"


class Lab:
    def __init__(self, screen, window):
        self.screen, self.window = screen, window
        self.percent = 100

    def look(self):
        """The window's lines; and the lab's rectangle, by its frame: the first line in one of its colours, and the last."""
        x, y, width, height = geometry(self.window)
        rows = self.screen.pixels(x, y, width, height)
        for color in FRAME, FRAME_KEYS:
            lines = [n for n in range(height) if color * 400 in rows[n]]
            if len(lines) == 2:
                left = rows[lines[0]].index(color * 400) // 3
                return rows, (left, lines[0], lines[1] - lines[0] + 1, color == FRAME_KEYS)
        return rows, None

    def place(self):
        return self.look()[1]

    def cells(self, count, row):
        """The colours of the first cells of a line: a set for each."""
        rows, place = self.look()
        if not place:
            return None
        width, height = self.size()
        top = place[1] + MARGIN + row * height
        left = place[0] + MARGIN
        return [{line[n:n + 3] for line in rows[top:top + height] for n in range(x * 3, (x + width) * 3, 3)}
                for x in range(left, left + count * width, width)]

    def size(self):
        if self.plain:
            return 8 * (self.percent // 100), 16 * (self.percent // 100)
        return 8 * self.percent // 100, 18 * self.percent // 100

    def wait_selected(self, first, end):
        """Exactly these cells of the line of pages are selected."""
        wanted = [first <= n < end for n in range(end + 1)]
        wait_for("cells %d to %d of the line of pages" % (first, end),
                 lambda: [SELECTED in colors for colors in self.cells(end + 1, 1) or []] == wanted)


def test_place(e, lab):
    xdo("key", "ctrl+alt+r")
    left, top, _, keys = wait_for("the lab", lab.place)
    check((left, top) == (0, 400) and keys, "below the picture, with the keys: %r" % ((left, top, keys),))
    width = geometry(lab.window)[2]
    check(width >= 80 * 8 + 2 * MARGIN, "there are 80 columns")
    e.command("stop")
    wait_for("the ring, in its pattern", lambda: lab.cells(3, 0) == [{PAPER, RING0}, {PAPER, RING0}, {PAPER}])


def test_keys(e, lab):
    before = e.screen()
    lab.wait_selected(0, 7)
    xdo("key", "2")
    lab.wait_selected(7, 19)
    xdo("key", "Left")
    lab.wait_selected(0, 7)
    xdo("key", "space")
    wait_for("the machine to run", lambda: "running" in e.command("info status"))
    xdo("type", "--delay", 20, ":stop")
    xdo("key", "Return")
    wait_for("the pause", lambda: "paused" in e.command("info status"))
    e.command("cont")
    check(e.screen() == before, "keys of the lab came to the guest:\n" + e.screen())


def test_keys_to_guest(e, lab):
    xdo("key", "ctrl+alt+k")
    wait_for("another frame", lambda: lab.place() and not lab.place()[3])
    xdo("type", "--delay", 30, "to the guest 2")
    e.wait_screen("to the guest 2")
    lab.wait_selected(0, 7)
    left, top, height, _ = lab.place()
    xdo("mousemove", "--window", lab.window, left + 50, top + height // 2)
    xdo("click", 1)
    wait_for("the keys' frame", lambda: lab.place() and lab.place()[3])
    xdo("key", "2")
    lab.wait_selected(7, 19)
    xdo("key", "1")


def test_sizes(e, lab):
    xdo("key", "ctrl+alt+l")
    wait_for("the lab alone", lambda: lab.place() and lab.place()[1] == 0)
    check(lab.place()[2] == geometry(lab.window)[3] - BAR, "it fills the window")
    for _ in range(4):
        xdo("key", "ctrl+alt+equal")
    lab.percent = 200
    time.sleep(0.5)
    lab.wait_selected(0, 7)
    for _ in range(4):
        xdo("key", "ctrl+alt+minus")
    lab.percent = 100
    xdo("key", "ctrl+alt+r")
    wait_for("no lab", lambda: geometry(lab.window)[2:] == (720, 400 + BAR))
    xdo("type", "--delay", 30, " and again")
    e.wait_screen("and again")


def test_quit(e, lab):
    xdo("key", "ctrl+alt+r")
    wait_for("the lab", lab.place)
    xdo("type", "--delay", 20, ":quit")
    xdo("key", "Return")
    e.wait_end(0)


def run(program, folder):
    screen = Screen(folder)
    os.environ["DISPLAY"] = screen.name
    os.environ["SDL_VIDEODRIVER"] = "x11"
    e = None
    try:
        with open(os.path.join(folder, "errors"), "w+") as errors:
            e = Emulator(program, ["-m", "16", "-fda", make_echo(folder), "-snapshot", "-display", "sdl"], stderr=errors)
            e.wait_screen("ECHO READY")
            lab = Lab(screen, wait_for("the window", find_window))
            xdo("windowfocus", "--sync", lab.window)
            xdo("mousemove", 1279, 959)  # the pointer is part of the X server's picture
            xdo("key", "ctrl+alt+r")
            time.sleep(1)
            xdo("key", "ctrl+alt+r")
            errors.seek(0)
            lab.plain = "no Korean letters" in errors.read()
            time.sleep(4 if lab.plain else 0)  # the window says so too
            for test in (test_place, test_keys, test_keys_to_guest, test_sizes, test_quit):
                print(test.__name__)
                test(e, lab)
    finally:
        if e:
            e.end()
        screen.end()


sys.exit(main(run, "Xvfb", "xdotool", "nasm"))
