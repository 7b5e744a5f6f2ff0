#!/usr/bin/env python3
"""Types, clicks and looks at the window of the emulator, under a virtual X server.

window_test.py EMULATOR
"""
import os
import shutil
import struct
import subprocess
import sys
import time

from harness import Emulator, check, cpu_seconds, main, make_echo, wait_for
from window import Screen, find_window, geometry, read_ppm, xdo


def test_typing(e, _):
    xdo("type", "--delay", 30, "Hello, World! [x] 42")
    e.wait_screen(r"Hello, World! \[x\] 42")
    xdo("key", "Return", "F5", "Left", "Home")
    e.wait_screen(r"<3F><4B><47>")


def test_title(e, window):
    check(xdo("getwindowname", window) == "Echo - Ringside", "title: " + xdo("getwindowname", window))


def test_mouse(e, window):
    xdo("mousemove", "--window", window, 300, 200)
    xdo("mousemove_relative", 10, 10)
    check("{" not in e.screen(), "a mouse that is not grabbed moves the guest's")
    xdo("click", 1)
    wait_for("the grab in the title", lambda: "Ctrl-Alt-G frees the mouse" in xdo("getwindowname", window))
    check("{" not in e.screen(), "the click that grabs reaches the guest")
    xdo("mousemove_relative", 5, 0)
    e.wait_screen(r"\{00[0-9A-F]{2}00\}")
    xdo("mousedown", 1)
    e.wait_screen(r"\{010000\}")
    xdo("mouseup", 1)
    xdo("key", "ctrl+alt+g")
    wait_for("the end of the grab", lambda: "frees" not in xdo("getwindowname", window))


def test_paste(e, _):
    if not shutil.which("xclip"):
        print("no xclip: pasting is not tested")
        return
    text  = b"echo \"$PATH\" | wc -c  # ~{}\\"
    xclip = ["xclip", "-selection", "clipboard"]
    owner = subprocess.Popen([*xclip, "-quiet"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    owner.stdin.write(text)
    owner.stdin.close()
    wait_for("the clipboard", lambda: subprocess.run([*xclip, "-o"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout == text)
    xdo("key", "Return", "ctrl+alt+v")
    e.wait_screen(r'echo "\$PATH" \| wc -c  # ~\{\}\\')
    owner.terminate()
    owner.wait()


def test_screenshot(e, _):
    xdo("key", "ctrl+alt+s")
    path = wait_for("the screenshot", lambda: os.path.exists("ringside-1.png") and "ringside-1.png")
    with open(path, "rb") as f:
        head = f.read(24)
    check(head[:8] == b"\x89PNG\r\n\x1a\n", "no PNG")
    check(struct.unpack(">II", head[16:]) == (720, 400), "a screenshot is the guest's picture, dot for dot")


def test_exact_picture(e, window, screen):
    """The window shows what screendump writes."""
    xdo("key", "ctrl+alt+p")
    wait_for("the pause", lambda: "paused" in e.command("info status"))
    xdo("mousemove", 1279, 959)  # the pointer is part of the X server's picture
    time.sleep(5)  # the screenshot's message goes away
    e.command("screendump shot.ppm")
    width, height, rows = read_ppm("shot.ppm")
    x, y, w, h = geometry(window)
    check((w, h) == (width, height + 24), "the window is %dx%d, the picture %dx%d" % (w, h, width, height))
    seen = screen.pixels(x, y, width, height)
    wrong = [i for i in range(height) if seen[i] != rows[i]]
    check(not wrong, "%d lines differ, first %s" % (len(wrong), wrong[:1]))
    check(any(any(row) for row in rows), "the picture is black")
    bar = screen.pixels(x, y + height, width, 24)
    check(len(set(b"".join(bar))) > 8, "the status bar is empty")
    xdo("key", "ctrl+alt+p")
    wait_for("the end of the pause", lambda: "running" in e.command("info status"))


def test_scaling(e, window, screen):
    """A larger window, but not twice as wide: the picture is in the middle, dot for dot."""
    xdo("windowsize", "--sync", window, 1280, 824)
    wait_for("the size", lambda: geometry(window)[2:] == (1280, 824))
    time.sleep(0.5)
    e.command("stop")
    time.sleep(0.3)
    e.command("screendump shot.ppm")
    width, height, rows = read_ppm("shot.ppm")
    x, y, w, h = geometry(window)
    seen = screen.pixels(x + (1280 - 720) // 2, y + 200, 720, 400)
    check(seen == rows, "the picture is not in the middle")
    e.command("cont")


def test_full_screen(e, _):
    """Without a window manager there is none, but the window must survive the wish."""
    xdo("key", "ctrl+alt+f")
    time.sleep(0.5)
    xdo("key", "ctrl+alt+f")
    time.sleep(0.5)
    xdo("key", "Return")
    xdo("type", "--delay", 30, "back again")
    e.wait_screen("back again")


def test_idle(e, _):
    time.sleep(2)
    before = cpu_seconds(e.process.pid)
    time.sleep(4)
    used = 100 * (cpu_seconds(e.process.pid) - before) / 4
    print("idle, with a window: %.2f %% of a processor" % used)
    check(used <= 3, "an idle guest in a window uses %.1f %% of a processor" % used)


def test_quit(e, _):
    xdo("key", "ctrl+alt+q")
    e.wait_end(0)


def run(program, folder):
    screen = Screen(folder)
    os.environ["DISPLAY"] = screen.name
    os.environ["SDL_VIDEODRIVER"] = "x11"
    e = None
    try:
        e = Emulator(program, ["-name", "Echo", "-m", "16", "-fda", make_echo(folder), "-snapshot", "-display", "sdl"],
                     cwd=folder)
        os.chdir(folder)
        e.wait_screen("ECHO READY")
        window = wait_for("the window", find_window)
        xdo("windowfocus", "--sync", window)
        for test in (test_title, test_typing, test_mouse, test_paste, test_screenshot):
            test(e, window)
        test_exact_picture(e, window, screen)
        test_scaling(e, window, screen)
        test_full_screen(e, window)
        test_idle(e, window)
        test_quit(e, window)
    finally:
        if e:
            e.end()
        screen.end()


sys.exit(main(run, "Xvfb", "xdotool", "nasm"))
