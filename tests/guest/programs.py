#!/usr/bin/env python3
"""programs.py [OPTION...] WORD... -- EMULATOR [ARGUMENT...]
Boots Linux in the emulator, runs test programs in it (programs-run; WORD: a group or GROUP/PATTERN), and judges them: each must pass,
but for those that also fail on real processors or under this kernel (programs-known.txt).

  --arch amd64|i386    which kernel (make-linux.sh makes it; default amd64)
  --disk IMAGE         the programs are there (make-programs.sh makes it); without it, those of make-selftests.sh in the initramfs
  --timeout SECONDS    for all of it (default 300); --each SECONDS for each program (300); --factor F: of GMP's repetitions (1)
  --save FILE          write the results there, one a line
  --native DIR         no emulator: run them under chroot in this folder (as root), to see what fails anyway
Exit status: 0 as expected, 1 not, 77 there are no programs.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "ringside")
MISSING = 77
PASSED, NOTHING_TO_TEST = 0, 4


def known(where):
    """What may fail: programs-known.txt has `WHERE NAME why`; WHERE: a kernel's architecture, native, or all; NAME: a pattern."""
    patterns = []
    with open(os.path.join(HERE, "programs-known.txt")) as lines:
        for line in lines:
            words = line.split(None, 2)
            if len(words) == 3 and not line.startswith("#") and words[0] in ("all", where):
                patterns.append(re.compile(re.escape(words[1]).replace(r"\*", ".*") + "$"))
    return patterns


def archive(name, path):
    """A cpio archive (newc) with one program, to be appended to the initramfs."""
    with open(path, "rb") as data:
        content = data.read()
    text = b""
    for entry, mode, body in ((name, 0o100755, content), ("TRAILER!!!", 0, b"")):
        fields = [0, mode, 0, 0, 1, 0, len(body), 0, 0, 0, 0, len(entry) + 1, 0]
        text += ("070701" + "".join("%08X" % field for field in fields) + entry + "\0").encode()
        text += bytes(-len(text) % 4) + body
        text += bytes(-len(text) % 4)
    return text


def emulated(options, words, emulator):
    linux = os.path.join(CACHE, "linux-" + options.arch)
    selftests = os.path.join(CACHE, "selftests", "selftests")
    needed = [os.path.join(linux, "vmlinuz"), options.disk or selftests]
    for path in needed:
        if not os.path.exists(path):
            print("there is no %s" % path)
            sys.exit(MISSING)
    run = "TIMEOUT=%d FACTOR=%s /judges/run %s" % (options.each, options.factor, " ".join(words))
    if options.disk:
        run = ("modprobe ext4; mount -o noload,ro /dev/sda /mnt && mount -t proc none /mnt/proc && mount -t sysfs none /mnt/sys && "
               "mount --bind /dev /mnt/dev && mount -t tmpfs none /mnt/tmp && mount -t tmpfs none /mnt/run && chroot /mnt " + "env " + run)
    command = emulator + ["-m", "512", "-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot",
                          "-kernel", os.path.join(linux, "vmlinuz"), "-append", "console=ttyS0 quiet"]
    if options.disk:
        command += ["-drive", "file=%s,format=raw,index=0,if=ide,snapshot=on" % options.disk]
    with tempfile.NamedTemporaryFile(prefix="initrd") as initrd:
        for part in [os.path.join(linux, "initrd")] + ([] if options.disk else [selftests]):
            with open(part, "rb") as data:
                content = data.read()
                initrd.write(content + bytes(-len(content) % 4))
        if not options.disk:
            initrd.write(archive("judges/run", os.path.join(HERE, "programs-run")))
        initrd.flush()
        guest = subprocess.Popen(command + ["-initrd", initrd.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        timer = threading.Timer(options.timeout, guest.kill)
        timer.start()
        try:
            text, sent = b"", False
            while b"PROGRAMS-DONE\r" not in text:
                data = os.read(guest.stdout.fileno(), 65536)
                if not data:
                    print("the emulator ended: status %d" % guest.wait())
                    break
                text += data
                if options.verbose:
                    sys.stdout.write(data.decode("latin-1"))
                    sys.stdout.flush()
                if not sent and re.search(rb"BOOT-OK(.|\n)*# ", text):
                    guest.stdin.write(run.encode() + b"\r")
                    sent = True
        finally:
            timer.cancel()
            guest.kill()
            guest.wait()
    return text.decode("latin-1").replace("\r", "")


def main():
    words = sys.argv[1:]
    emulator = []
    if "--" in words:
        emulator = words[words.index("--") + 1:]
        words = words[:words.index("--")]
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--arch", default="amd64")
    parser.add_argument("--disk")
    parser.add_argument("--timeout", type=int, default=300)
    parser.add_argument("--each", type=int, default=300)
    parser.add_argument("--factor", default="1")
    parser.add_argument("--save")
    parser.add_argument("--native")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("words", nargs="+")
    options = parser.parse_args(words)
    if options.native:
        script = ("mount -t proc proc \"$1/proc\"; mount -t tmpfs tmp \"$1/tmp\"; chroot \"$1\" env TIMEOUT=%d FACTOR=%s /judges/run %s"
                  % (options.each, options.factor, " ".join(options.words)))
        text = subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", options.native],
                              stdout=subprocess.PIPE, stdin=subprocess.DEVNULL).stdout.decode("latin-1")
    else:
        text = emulated(options, options.words, emulator)
    may_fail = known("native" if options.native else options.arch)
    results, why, passed, nothing, failed_known, failed = [], [], 0, 0, 0, 0
    for line in text.splitlines():
        found = re.match(r"RESULT (\S+) (\d+)$", line)
        if line.startswith("| "):
            why.append(line)
        if not found:
            continue
        name, status = found[1], int(found[2])
        results.append("%s %d" % (name, status))
        if status == PASSED:
            passed += 1
        elif status == NOTHING_TO_TEST:
            nothing += 1
        elif any(pattern.match(name) for pattern in may_fail):
            failed_known += 1
        else:
            failed += 1
            print("\n".join(["FAILED %s: status %d" % (name, status)] + why))
        why = []
    if options.save:
        with open(options.save, "w") as out:
            out.write("\n".join(results) + "\n")
    done = "PROGRAMS-DONE" in text and results
    if not done:
        print(text[-2000:] + "\nnever came to the end")
    print("%d passed, %d with nothing to test here, %d failed as known, %d failed" % (passed, nothing, failed_known, failed))
    return 0 if done and not failed else 1


sys.exit(main())
