#!/usr/bin/env python3
"""run.py RECORD EMULATOR WORD...: runs a program of tests/isa; each case must pass in the guest, and exactly the rules that it
names must have fired, as `-d int` tells. The cases go to the file RECORD, one a line, for report.py."""
import os
import re
import subprocess
import sys
import tempfile

FIRED = re.compile(r"^exception [0-9a-f]+ error .*? cpl \d: (\w+) \(")
CASE = re.compile(r"^(neg|pos) (\S+) (.*)$")


def main():
    record, words = sys.argv[1], sys.argv[2:]
    words += ["-display", "none", "-serial", "null", "-monitor", "none", "-device",
              "isa-debug-exit,iobase=0xf4,iosize=4", "-debugcon", "stdio", "-d", "int"]
    with tempfile.TemporaryFile() as output:
        try:
            status = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=60).returncode
        except subprocess.TimeoutExpired:
            status = "timeout"
        output.seek(0)
        text = output.read().decode("latin-1")
    cases, wrong, current = [], [], None
    for line in text.splitlines():
        case = CASE.match(line)
        if case:
            current = {"line": line, "kind": case[1], "rules": case[2].split("+"), "fired": [], "end": None, "fails": []}
            cases.append(current)
            continue
        fired = FIRED.match(line)
        if fired and current and current["end"] is None:
            current["fired"].append(fired[1])
        elif line == "ok" and current:
            current["end"] = "ok"
        elif line.startswith("FAIL"):
            (current["fails"] if current else wrong).append(line)
    for case in cases:
        want = [rule for rule in case["rules"] if rule != "NONE"] if case["kind"] == "neg" else []
        if case["fails"] or case["end"] != "ok":
            wrong.append("%s\n    %s" % (case["line"], "\n    ".join(case["fails"]) or "never came to its end"))
        if case["fired"] != want:
            wrong.append("%s\n    fired: %s" % (case["line"], " ".join(case["fired"]) or "no rule"))
    if os.environ.get("VERBOSE"):
        print(text)
    for what in sorted(set(wrong)):
        print(what)
    if status not in (33, 35):
        print(text[-1500:])
    print("%d cases, %d wrong, status %s (33 is success)" % (len(cases), len(wrong), status))
    with open(record, "w") as out:
        out.writelines(case["line"] + "\n" for case in cases)
    return 1 if wrong or status != 33 or not cases else 0


sys.exit(main())
