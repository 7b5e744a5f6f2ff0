#!/usr/bin/env python3
"""`ringside lesson`: lists, checks lessons of one's own, grades programs; exit status and JSON.

command_test.py EMULATOR LESSONS
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile


def run(emulator, *words, status=0):
    done = subprocess.run([emulator, "lesson", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=100)
    if done.returncode != status:
        sys.exit("FAILED: lesson %s: exit status %d\n%s" % (" ".join(words), done.returncode, done.stdout))
    return done.stdout


def expect(text, *parts):
    for part in parts:
        if part not in text:
            sys.exit("FAILED: no %r in\n%s" % (part, text))


def replace(path, *pairs):
    with open(path) as f:
        text = f.read()
    for old, new in pairs:
        if old not in text:
            sys.exit("FAILED: %s has no %r" % (path, old))
        text = text.replace(old, new)
    with open(path, "w") as f:
        f.write(text)


def own_lesson(emulator, lessons, folder):
    """A copy of a lesson, in which one thing after the other is wrong."""
    own = os.path.join(folder, "mine")
    shutil.copytree(os.path.join(lessons, "first-gp"), own)
    shutil.copytree(os.path.join(lessons, "common"), os.path.join(folder, "common"))
    for ending in ("bin", "map", "lst"):
        os.unlink(os.path.join(own, "first-gp." + ending))
    os.rename(os.path.join(own, "first-gp.asm"), os.path.join(own, "mine.asm"))
    expect(run(emulator, "check", own), "mine (en)", "mine (ko)", "0 problems")
    result = [json.loads(line) for line in run(emulator, "check", own, "-json").splitlines()]
    if [(r["lesson"], r["language"], r["ok"], r["problems"]) for r in result] != [("mine", "en", True, []), ("mine", "ko", True, [])]:
        sys.exit("FAILED: %r" % result)
    text, korean, program = (os.path.join(own, name) for name in ("lesson.txt", "lesson.ko.txt", "mine.asm"))
    for path, pair, says in (
            (text, ("and $if == 1 and", "and $if == 0 and"), "@expect"),
            (text, ("+ push dword 0x3200", "+ push dword 0x1200"), "declared right, and is not"),
            (text, ("- push dword 0\n", "- push dword 0x3000\n"), "declared wrong, and is taken as right"),
            (text, ("@run exception GP", "@run exception PF"), "does not come to 'exception PF'"),
            (text, ("@run at mask", "@run at nowhere"), "no label 'nowhere'"),
            (korean, ("== predict", "== another"), "step 2 is 'another', and 'predict' in lesson.txt"),
            (program, ("    cli\nmasked", "    clo\nmasked"), "error:")):
        replace(path, pair)
        expect(run(emulator, "check", own, status=1), says)
        failed = [json.loads(line)["ok"] for line in run(emulator, "check", own, "-json", status=1).splitlines()]
        if False not in failed:
            sys.exit("FAILED: JSON says that all is well: %r" % failed)
        replace(path, pair[::-1])


def grades(emulator, lessons, folder):
    mine = os.path.join(folder, "answer.asm")
    shutil.copy(os.path.join(lessons, "first-gp", "first-gp.asm"), mine)
    expect(run(emulator, "grade", "first-gp", mine, "-lang", "en", status=1), "repair", "does not come to 'at masked'", "1 problems")
    replace(mine, ("push dword FL_IF ", "push dword FL_IF | 0x3000 "))
    result = json.loads(run(emulator, "grade", "first-gp", mine, "-json"))
    if not result["ok"] or result["problems"]:
        sys.exit("FAILED: %r" % result)
    replace(mine, ("iretd", "irret"))
    expect(run(emulator, "grade", "first-gp", mine, status=1), "line ", "error")
    expect(run(emulator, "grade", "first-gp", "/nowhere.asm", status=1), "no such file")


def main(emulator, lessons):
    if not shutil.which("nasm"):
        print("needs nasm: skipped")
        return 77
    expect(run(emulator, "-lang", "en"), "first-gp", "four-rings", "To begin")
    expect(run(emulator, "-lang", "ko"), "첫 번째 #GP", "시작")
    expect(run(emulator, "firts-gp", status=1), "did you mean first-gp?")
    expect(run(emulator, "first-gp", "-lang", "xx", status=1), "-lang: en or ko")
    expect(run(emulator, "./nowhere", status=1), "no lesson.txt")
    expect(run(emulator, "first-gp", "-wrong", status=1), "-wrong")
    expect(run(emulator, "first-gp", "ko", status=1), "ko: one lesson at a time; -lang")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        os.environ.pop(name, None)
    expect(run(emulator, "first-gp", "-lang", "en"), "step 1 of 6", "[Enter: next, :help]")     # neither a display nor a terminal
    with tempfile.TemporaryDirectory(prefix="ringside-lesson.") as folder:
        own_lesson(emulator, lessons, folder)
        grades(emulator, lessons, folder)
    return 0


sys.exit(main(*sys.argv[1:]))
