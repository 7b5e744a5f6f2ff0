#!/usr/bin/env python3
"""SDL's last message to the window reaches X when the window has gone: that is nobody's concern. gdb gives the message a window
that is not there, and keeps it back until something else is sent. A program that is traced cannot look for leaks.

window_close_test.py EMULATOR
"""
import os
import platform
import shutil
import subprocess
import sys
import time

from harness import check, main, wait_for
from window import Screen, find_window, xdo

SCRIPT = """
set breakpoint pending on
set confirm off
set debuginfod enabled off
set environment LSAN_OPTIONS detect_leaks=0
break XSendEvent if $_thread == 1
commands
silent
set $rsi = 0x7ffffff
disable 1
enable 3
continue
end
disable 1
break sdl_destroy
commands
silent
enable 1
continue
end
break XFlush if $_thread == 1
commands
silent
return
disable 3
continue
end
disable 3
run
"""


def run(program, folder):
    script = os.path.join(folder, "script.gdb")
    with open(script, "w") as f:
        f.write(SCRIPT)
    screen = Screen(folder)
    os.environ["DISPLAY"] = screen.name
    os.environ["SDL_VIDEODRIVER"] = "x11"
    p = subprocess.Popen(["gdb", "-q", "-batch", "-nx", "-x", script, "--args", program, "-display", "sdl", "-monitor", "none"],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        xdo("windowfocus", "--sync", wait_for("the window", find_window))
        time.sleep(0.5)
        xdo("key", "ctrl+alt+q")
        said = p.communicate(timeout=60)[0]
        check("exited normally" in said, said)
    finally:
        if p.poll() is None:
            p.terminate()
        screen.end()


def gdb_may():
    """Containers may forbid tracing."""
    return "exited normally" in subprocess.run(["gdb", "-q", "-batch", "-nx", "-ex", "run", "true"], stdin=subprocess.DEVNULL,
                                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


if platform.machine() != "x86_64" or (shutil.which("gdb") and not gdb_may()):
    print("needs an x86-64 host, and gdb that may trace: skipped")
    sys.exit(77)
sys.exit(main(run, "Xvfb", "xdotool", "gdb"))
