#!/usr/bin/env python3
"""report.py RULES.DEF UNREACHABLE REPORT RECORD...: which cases each rule has, from the records of run.py. Fails when a rule of
rules.def has no case that violates it or none that keeps it, and is not in the list of unreachable ones."""
import re
import sys


def main():
    rules_def, unreachable, report, records = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
    rules = [r for r in re.findall(r"^RULE\((\w+),", open(rules_def).read(), re.M) if r != "NONE"]
    excused = {}
    for line in open(unreachable):
        if not line.startswith("#") and line.strip():
            words, why = line.strip().split(": ", 1)
            excused[words.split()[0]] = (words.split()[1:] or ["neg", "pos"], why)
    cases = {rule: {"neg": set(), "pos": set()} for rule in rules}
    wrong = []
    for record in records:
        program = record.rsplit("/", 1)[-1].rsplit("-", 1)[0]
        for line in open(record):
            kind, names, what = line.rstrip("\n").split(" ", 2)
            for name in names.split("+"):
                if name == "NONE":
                    continue
                if name not in cases:
                    wrong.append("%s names %s, which is no rule" % (record, name))
                else:
                    cases[name][kind].add("%s: %s" % (program, what))
    with open(report, "w") as out:
        for rule in rules:
            has = cases[rule]
            print("%-28s %3d negative %3d positive" % (rule, len(has["neg"]), len(has["pos"])))
            out.write("%s\n" % rule)
            for kind in ("neg", "pos"):
                out.writelines("    %s %s\n" % (kind, case) for case in sorted(has[kind]))
                lacks = not has[kind]
                excuse = kind in excused.get(rule, ([], ""))[0]
                if excuse:
                    out.write("    %s none: %s\n" % (kind, excused[rule][1]))
                if lacks and not excuse:
                    wrong.append("%s has no %s case" % (rule, {"neg": "negative", "pos": "positive"}[kind]))
                if excuse and not lacks:
                    wrong.append("%s has a case, but is listed in %s" % (rule, unreachable))
    wrong += ["%s lists %s, which is no rule" % (unreachable, rule) for rule in excused if rule not in cases]
    print("\n".join(wrong))
    print("%d rules, %d negative cases, %d positive cases, %d faults found; see %s" % (
        len(rules), sum(len(c["neg"]) for c in cases.values()), sum(len(c["pos"]) for c in cases.values()), len(wrong), report))
    return 1 if wrong else 0


sys.exit(main())
