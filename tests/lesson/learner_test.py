#!/usr/bin/env python3
"""A learner goes through lessons as a person does: gives a wrong answer, reads its hint, gives the right one, goes on.

learner_test.py EMULATOR LESSONS lines|terminal|window [NAME...]
  LESSONS  the folder of lessons; without names: all of them
Environment: PICTURES=FOLDER keeps a picture of each lesson's main step (window only). Exit status 77: something is not installed.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../ui"))
from harness import Failed, check  # noqa: E402
from terminal import Terminal      # noqa: E402
from window import Screen, xdo     # noqa: E402

TIMEOUT = 40


class Step:
    def __init__(self, name):
        self.name, self.kind, self.answers, self.exception, self.main = name, None, [], False, False

    def wrong(self):
        return [a for a in self.answers if a[0] == "-"]

    def right(self):
        return next(a[1] for a in self.answers if a[0] == "+")

    def typed(self, answer):
        """What is typed to give it: the letter of a choice."""
        if self.kind == "choice":
            return "abcdefgh"[[a[1] for a in self.answers].index(answer)]
        return answer


def read_lesson(path):
    steps, hint, main = [], None, False
    with open(path) as f:
        for line in f.read().split("\n"):
            step = steps[-1] if steps else None
            if line.startswith("=="):
                steps.append(Step(line.split()[1]))
                steps[-1].main, main, hint = main, False, None
            elif line == "; the main view":
                main = True
            elif step and re.match(r"@(choice|number|short|do|edit)\b", line):
                step.kind = line[1:].split()[0]
            elif step and line.startswith("@run exception"):
                step.exception = True
            elif step and step.kind and re.match(r"[-+] ", line):
                hint = [line[0], line[2:].strip(), ""]
                step.answers.append(hint)
            elif line[:1] in ("@", "?"):
                hint = None
            elif hint and line.startswith(" "):
                hint[2] += line.strip()
    return steps


def squeeze(text):
    """As it is seen, without what wrapping changes: the beginning of a hint is enough."""
    return re.sub(r"[\s`]+", "", text)


def hint_begins(hint):
    return squeeze(hint.split("{")[0])[:24]


# ---- plain lines

def in_lines(emulator, folder, language, steps):
    words, wrong = [], 0
    for step in steps:
        for answer in step.wrong():
            words.append(step.typed(answer[1]))
            wrong += 1
        if step.kind:
            words.append(step.typed(step.right()))
        words.append("")
    done = subprocess.run([emulator, "lesson", folder, "-lang", language, "-lines"], input="\n".join(words) + "\n",
                          stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=TIMEOUT, text=True)
    said = squeeze(done.stdout)
    for step in steps:
        for answer in step.wrong():
            check(hint_begins(answer[2]) in said,
                  "step %s: the hint of '%s' did not come:\n%s" % (step.name, answer[1], done.stdout))
    questions = sum(1 for step in steps if step.kind)
    numbers = re.findall(r"\d+", done.stdout.strip().split("\n")[-1])
    check(done.returncode == 0 and numbers == [str(questions), str(wrong)],
          "exit status %d, the end:\n%s" % (done.returncode, done.stdout[-2000:]))


# ---- the terminal

def wait_squeezed(t, text):
    end = time.monotonic() + TIMEOUT
    while text not in squeeze(t.text()):
        check(time.monotonic() < end, "waited in vain for %r; the terminal:\n%s" % (text, t.text()))
        t.pump(0.1)


def send_answer(t, step, answer):
    t.send(step.typed(answer) if step.kind == "choice" else answer + "\r")


def in_terminal(emulator, folder, language, steps):
    t = Terminal([emulator, "lesson", folder, "-lang", language, "-display", "curses"])
    try:
        for n, step in enumerate(steps):
            wait_squeezed(t, squeeze(("step %d of %d" if language == "en" else "%d단계 / %d") % (n + 1, len(steps))))
            for answer in step.wrong()[:1]:
                send_answer(t, step, answer[1])
                wait_squeezed(t, "\u2717")
                wait_squeezed(t, hint_begins(answer[2]))
            if step.kind:
                send_answer(t, step, step.right())
                wait_squeezed(t, "\u2713")
            t.send("\r")
        wait_squeezed(t, "Done:" if language == "en" else "끝났습니다")
        t.send("q")
        t.finish()
    finally:
        t.end()


# ---- the window

def picture(screen, path):
    subprocess.run(["import", "-display", screen.name, "-window", "root", "-trim", "+repage", "+dither", "-colors", "32",
                    "png8:" + path], check=True)


def in_window(emulator, folder, language, steps, screen):
    pictures, name = os.environ.get("PICTURES"), os.path.basename(folder)
    main = next((s for s in steps if s.main), next((s for s in steps if s.exception), next(s for s in steps if s.kind)))
    p = subprocess.Popen([emulator, "lesson", folder, "-lang", language, "-display", "sdl"], stdout=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 30
        while not subprocess.run(["xdotool", "search", "--pid", str(p.pid)], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL).stdout.strip():
            check(time.monotonic() < end and p.poll() is None, "no window came")
            time.sleep(0.1)
        time.sleep(0.5)
        for step in steps:
            if pictures and step is main:
                time.sleep(1)
                picture(screen, os.path.join(pictures, name + ".png"))
            answers = [a[1] for a in step.wrong()[:1]] + ([step.right()] if step.kind else [])
            for answer in answers:
                if step.kind == "choice":
                    xdo("key", step.typed(answer))
                else:
                    # xdotool maps a letter of no key to one for half of this time: a loaded host has to look it up by then
                    xdo("type", "--delay", "8" if answer.isascii() else "1000", answer)
                    xdo("key", "Return")
                time.sleep(0.1)
            xdo("key", "Return")
        xdo("key", "q")
        said = p.communicate(timeout=TIMEOUT)[0].strip()
        questions, wrong = sum(1 for s in steps if s.kind), sum(1 for s in steps if s.wrong())
        check(p.returncode == 0 and re.findall(r" (\d+)", said)[-2:] == [str(questions), str(wrong)] or
              re.findall(r"(\d+)개", said) == [str(questions), str(wrong)], "exit status %s: %r" % (p.returncode, said))
    finally:
        if p.poll() is None:
            p.terminate()
            p.wait()


def main(emulator, lessons, mode, *names):
    needed = ["nasm"] + (["Xvfb", "xdotool"] if mode == "window" else [])
    for tool in needed:
        if not shutil.which(tool):
            print("needs %s: skipped" % tool)
            return 77
    names = names or sorted(n for n in os.listdir(lessons) if os.path.exists(os.path.join(lessons, n, "lesson.txt")))
    with tempfile.TemporaryDirectory(prefix="ringside-learner.") as folder:
        screen = Screen(folder) if mode == "window" else None
        if screen:
            os.environ["DISPLAY"] = screen.name
            os.environ.pop("WAYLAND_DISPLAY", None)
        try:
            for n, name in enumerate(names):
                place = os.path.join(lessons, name)
                korean = os.path.exists(os.path.join(place, "lesson.ko.txt")) and (n + (mode == "terminal")) % 2
                language = os.environ.get("LEARNER_LANG") or ("ko" if korean else "en")
                steps = read_lesson(os.path.join(place, "lesson.ko.txt" if language == "ko" else "lesson.txt"))
                began = time.monotonic()
                try:
                    if mode == "window":
                        in_window(emulator, place, language, steps, screen)
                    else:
                        (in_lines if mode == "lines" else in_terminal)(emulator, place, language, steps)
                except Failed as failure:
                    print("FAILED: %s (%s): %s" % (name, language, failure))
                    return 1
                print("%s (%s): %d steps, %.1f s" % (name, language, len(steps), time.monotonic() - began))
        finally:
            if screen:
                screen.end()
    return 0


sys.exit(main(*sys.argv[1:]))
