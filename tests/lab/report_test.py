#!/usr/bin/env python3
"""Reports: of a recording, of a part between two marks, of a live run, from the monitor; pictures. Mistakes are told in a line.

report_test.py EMULATOR IMAGE: the guest of hypercall32.asm
"""
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree
from html.parser import HTMLParser

VOID = ("meta", "br", "path", "rect", "link", "img")
failed = 0


def check(what, good, more=""):
    global failed
    failed += not good
    print("%s %s%s" % ("ok  " if good else "FAIL", what, "" if good else ": %s" % (more,)))


def run(words, **more):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100, text=True, **more)


class Page(HTMLParser):
    """Every element ends, and in order; nothing is fetched from anywhere."""

    def __init__(self, text):
        super().__init__()
        self.open, self.headings, self.notes, self.details, self.fetched = [], [], [], 0, []
        self.text = ""
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.fetched += [attrs[k] for k in ("src", "href", "xlink:href") if k in attrs and not attrs[k].startswith("#")]
        self.fetched += re.findall(r"url\((?!#)[^)]*\)", attrs.get("style") or "")
        self.details += tag == "details"
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag, tag

    def handle_data(self, data):
        self.text += data
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def page_of(path):
    with open(path, encoding="utf-8") as f:
        return Page(f.read())


def pages(emulator, tape, path):
    done = run([emulator, "report", tape])
    check("a report beside the recording", done.returncode == 33 and os.path.exists(tape + ".html"), done.stderr)
    page = page_of(tape + ".html")
    parts = ["Numbers", "Timeline", "What the guest said", "The first of each sort", "Crossings", "Exceptions, explained",
             "The state at the end"]
    check("its parts", page.headings == parts, page.headings)
    check("nothing is fetched", not page.fetched, page.fetched)
    check("what the guest said", "by VMCALL" in page.text and "expects ring 3: wrong" in page.text)
    check("crossings in full", "entry 40 of the IDT" in page.text and "SS:ESP0 in the TSS" in page.text)
    check("exceptions explained", "GP_PORT" in page.text or "I/O" in page.text and "UD_FEATURE" in page.text)
    check("the state", "EFLAGS" in page.text)
    run([emulator, "report", tape, "-o", path, "-rows", "3"])
    few = page_of(path)
    check("a list that is cut says so", "the list is cut" in few.text and few.details < page.details)
    run([emulator, "report", tape, "-o", path, "-from", "by VMMCALL", "-to", "ready", "-accel", "interp"])
    part = page_of(path)
    check("between two marks", "0 crossings" in part.text.split("Timeline")[0], part.text[:900])
    done = run([emulator, "report", tape, "-o", path, "-from", "nowhere"])
    check("a mark that was not made", "made no mark" in page_of(path).text and done.returncode == 1 and
          "made no mark nowhere; what is written is from the beginning" in done.stderr, done.stderr)
    cut = os.path.join(os.path.dirname(path), "cut")
    with open(tape, "rb") as f, open(cut, "wb") as out:
        out.write(f.read()[:-20])
    done = run([emulator, "report", cut, "-o", path])
    check("a recording that was cut off", done.returncode == 1 and "what it did until then is in " + path in done.stderr and
          "did not end well" in page_of(path).text, done.stderr)


def pictures(emulator, tape, folder):
    svg, png = (os.path.join(folder, "picture" + end) for end in (".svg", ".png"))
    done = run([emulator, "report", tape, "-o", svg])
    root = xml.etree.ElementTree.parse(svg).getroot()
    check("a timeline as SVG", done.returncode == 33 and root.tag.endswith("svg"), done.stderr)
    done = run([emulator, "report", tape, "-o", png])
    with open(png, "rb") as f:
        check("and as PNG", done.returncode == 33 and f.read(8) == b"\x89PNG\r\n\x1a\n", done.stderr)


def live(emulator, machine, folder):
    path = os.path.join(folder, "a,b.html")
    done = run([emulator, "-report", path.replace(",", ",,")] + machine + ["-monitor", "none"])
    check("of a live run, in host time", done.returncode == 33 and "Crossings" in page_of(path).headings, done.stderr)
    path = os.path.join(folder, "monitor.html")
    run([emulator] + machine[:-4] + ["-checkpoints", "on", "-crossings", "on", "-monitor", "stdio"],
        input="stop\ngoto 1000000\nreport %s begin ready\nquit\n" % path)
    check("by the monitor", "Crossings" in page_of(path).headings)


def one_line(what, done, words):
    lines = done.stderr.splitlines()
    check(what, done.returncode == 1 and len(lines) == 1 and words in lines[0], (done.returncode, done.stderr))


def mistakes(emulator, tape, folder):
    other = os.path.join(folder, "damaged")
    with open(tape, "rb") as f:
        data = f.read()
    for what, bytes_, words in (("no recording", b"hello", "recording"), ("an empty file", b"", "recording"),
                                ("a damaged head", data[:20] + b"?" + data[21:], "")):
        with open(other, "wb") as f:
            f.write(bytes_)
        one_line(what, run([emulator, "report", other]), words)
    for cut in range(60, len(data), 97):
        with open(other, "wb") as f:
            f.write(data[:cut])
        done = run([emulator, "report", other])
        if done.returncode != 1 or len(done.stderr.splitlines()) != 1:
            check("cut off after %d bytes" % cut, False, (done.returncode, done.stderr))
    one_line("no file", run([emulator, "report", other + "x"]), "No such file")
    one_line("no place for it", run([emulator, "report", tape, "-o", "/nowhere/x.html"]), "No such file")
    one_line("an option without its word", run([emulator, "report", tape, "-o"]), "needs an argument")
    one_line("rows of words", run([emulator, "report", tape, "-rows", "many"]), "-report")
    one_line("the recording is named first", run([emulator, "report", "-o", "x"]), "recording first")
    check("usage", "-from M" in run([emulator, "report"]).stdout)


def main(emulator, image):
    with tempfile.TemporaryDirectory(prefix="ringside-report.") as folder:
        tape = os.path.join(folder, "tape")
        machine = ["-cpu", "max,-la57", "-display", "none", "-serial", "null", "-no-reboot", "-bios", image, "-device",
                   "isa-debug-exit,iobase=0xf4,iosize=4", "-debugcon", "null"]
        done = run([emulator, "-record", tape, "-monitor", "none"] + machine)
        check("recorded", done.returncode == 33, done.stderr)
        pages(emulator, tape, os.path.join(folder, "page.html"))
        pictures(emulator, tape, folder)
        live(emulator, machine, folder)
        mistakes(emulator, tape, folder)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
