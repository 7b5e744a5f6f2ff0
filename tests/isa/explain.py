#!/usr/bin/env python3
"""explain.py RULES.DEF SCHEMA EMULATOR "IMAGE MODEL WORD..."...: runs programs of tests/isa with -explain. Every exception must be
explained: executed again it fails by the same rules as `-d int` says, the check that failed is the last one before the delivery, all that
was compared is known, there is a smallest change, and where that was tried it helped. Each rule must occur; the JSON follows the schema. The
guest does not notice: its cases pass, and a recording of it explained is replayed without."""
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

FIRED = re.compile(r"^exception [0-9a-f]+ error .*? cpl \d: (\w+) \(", re.M)
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
# Rules whose change is made and executed in some case at least.
TRIED = 150


def check(value, schema, root, where):
    """What of JSON Schema explain.schema.json uses. Returns what is wrong, or None."""
    if "$ref" in schema:
        schema = root["definitions"][schema["$ref"].rsplit("/", 1)[1]]
    unknown = set(schema) - {"$schema", "title", "description", "definitions", "type", "properties", "required", "additionalProperties",
                             "items", "enum", "pattern", "minimum", "maximum"}
    if unknown:
        return "the schema uses %s" % unknown
    if "type" in schema and (not isinstance(value, TYPES[schema["type"]]) or (schema["type"] == "integer" and isinstance(value, bool))):
        return "%s: %r is no %s" % (where, value, schema["type"])
    if "enum" in schema and value not in schema["enum"]:
        return "%s: %r is none of %s" % (where, value, schema["enum"])
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return "%s: %r does not look like %s" % (where, value, schema["pattern"])
    if not schema.get("minimum", 0) <= (value if isinstance(value, int) else 0) <= schema.get("maximum", 1 << 64):
        return "%s: %r is out of range" % (where, value)
    if isinstance(value, dict):
        for name in schema.get("required", []):
            if name not in value:
                return "%s has no %s" % (where, name)
        for name, part in value.items():
            if name not in schema["properties"]:
                return "%s has %s" % (where, name)
            wrong = check(part, schema["properties"][name], root, where + "." + name)
            if wrong:
                return wrong
    if isinstance(value, list):
        for n, part in enumerate(value):
            wrong = check(part, schema["items"], root, "%s[%d]" % (where, n))
            if wrong:
                return wrong
    return None


def last_checks(e):
    """The rules of checks that stand last before a delivery, or at the end."""
    last, rules = None, []
    for step in e["steps"] + [{"kind": "delivery"}]:
        if step["kind"] == "check":
            if last and not last["ok"]:
                rules.append(last["rule"])
            last = step
        elif step["kind"] == "delivery":
            if last and not last["ok"]:
                rules.append(last["rule"])
            last = None
    return rules


def faults_of(e):
    rules = [f["rule"] for f in e["failures"]]
    if not e["same"] or not rules or rules[0] != e["rule"]:
        yield "failed in another way when it was executed again"
    if last_checks(e) != rules:
        yield "the checks that fail are not those named: %s" % last_checks(e)
    for f in e["failures"]:
        if not f["complete"] or "?" in f["found"]:
            yield "%s: not all is known: %s" % (f["rule"], f["found"])
        if not f["change"] and not f["words"]:
            yield "%s: no smallest change" % f["rule"]
        if f["tried"] and not f["passes"]:
            yield "%s: the change does not help: %s" % (f["rule"], [c["text"] for c in f["change"]])
        if not f["tried"] and f["change"] and all("target" in c for c in f["change"]) and e["begins"] != "debug":
            yield "%s: the change was not tried: %s" % (f["rule"], [c["text"] for c in f["change"]])


def run(emulator, program, place):
    image, model, *words = program.split()
    log, out = os.path.join(place, "log"), os.path.join(place, "out.jsonl")
    words = [emulator, "-cpu", model, "-accel", "tcg,threshold=1", "-bios", image, "-display", "none", "-serial", "null", "-monitor", "none",
             "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-debugcon", "null", "-d", "int", "-D", log, "-explain", out] + words
    status = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, timeout=60).returncode
    return status, FIRED.findall(open(log, errors="replace").read()), [json.loads(line) for line in open(out)]


def replay(emulator, program, place):
    """Recorded while it is explained, replayed without: the states at the end are compared, and registers on the way."""
    image, model, *words = program.split()
    file = os.path.join(place, "recording")
    words = ["-display", "none", "-serial", "null", "-monitor", "none"]
    machine = ["-cpu", model, "-bios", image, "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-debugcon", "null", "-no-reboot"]
    for run in (["-record", file, "-explain", os.path.join(place, "out.html")] + machine, ["-replay", file, "-accel", "interp"]):
        done = subprocess.run([emulator] + run + words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        if done.returncode != 33:
            return "%s: %s: %s" % (os.path.basename(image), run[0], done.stdout.decode("latin-1")[-300:])
    html = open(os.path.join(place, "out.html")).read()
    if html.count("<details>") < 20 or not html.endswith("</body></html>\n"):
        return "the HTML is not whole"
    return None


def main():
    rules_def, schema_file, emulator, programs = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
    rules = [r for r in re.findall(r"^RULE\((\w+),", open(rules_def).read(), re.M) if r != "NONE"]
    schema = json.load(open(schema_file))
    wrong, seen, tried, valid = collections.Counter(), collections.Counter(), set(), set()
    with tempfile.TemporaryDirectory() as place:
        for program in programs:
            name = os.path.basename(program.split()[0])
            status, fired, explained = run(emulator, program, place)
            if status != 33:
                wrong["%s: exit status %s: the guest noticed that it is explained" % (name, status)] += 1
            if fired != [f["rule"] for e in explained for f in e["failures"]]:
                wrong["%s: not the rules that -d int tells" % name] += 1
            for e in explained:
                for fault in faults_of(e):
                    wrong["%s: %s: %s" % (name, e["instruction"]["text"], fault)] += 1
                for f in e["failures"]:
                    seen[f["rule"]] += 1
                    if f["tried"]:
                        tried.add(f["rule"])
                key = (name, tuple(f["rule"] for f in e["failures"]))
                if key not in valid:
                    valid.add(key)
                    fault = check(e, schema, schema, "explanation")
                    if fault:
                        wrong["%s: %s" % (name, fault)] += 1
        for program in programs:
            if re.search(r"/(paging|tasks|interrupts64)\.bin", program):
                fault = replay(emulator, program, place)
                if fault:
                    wrong[fault] += 1
    for rule in rules:
        if not seen[rule]:
            wrong["%s was never explained" % rule] += 1
    if len(tried) < TRIED:
        wrong["only %d rules' changes were tried" % len(tried)] += 1
    for what, times in sorted(wrong.items()):
        print("%s (%d times)" % (what, times))
    print("%d exceptions explained, %d of %d rules, the change tried for %d; %d faults found" % (
        sum(seen.values()), len(seen), len(rules), len(tried), len(wrong)))
    return 1 if wrong else 0


sys.exit(main())
