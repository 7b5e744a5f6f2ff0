#!/usr/bin/env python3
"""programs.py [OPTION...] WORD... -- EMULATOR [ARGUMENT...]
Boots Linux in the emulator, runs test programs in it (programs-run; WORD: a group or GROUP/PATTERN), and judges them: each must
pass, but for those that also fail on real processors or under this kernel (programs-known.txt).

  --arch amd64|i386    which kernel (make-linux.sh makes it; default amd64)
  --disk IMAGE         the programs are there (make-programs.sh makes it); without it, those of make-selftests.sh in the initramfs
  --timeout SECONDS    for all of it (default 300); --each SECONDS for each program (300); --factor F: of GMP's repetitions (1)
  --save FILE          write the results there, one a line
  --native PATH        no emulator: run them under chroot (as root) in this folder, or this image mounted read-only, to see what
                       fails anyway
  --compare DIR        run them in the emulator and then from IMAGE here: each must end in the same way and, but for stress-ng's,
                       which tell of times, print the same lines (programs-known.txt: text), those of libm each result of each
                       function in every rounding mode; what they print is put into DIR
Exit status: 0 as expected, 1 not, 77 there are no programs.
"""
import argparse
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
RUN = os.path.join(HERE, "programs-run") # always this one, whatever the disk has
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "ringside")
MISSING = 77
PASSED, NOTHING_TO_TEST = 0, 4


def known(*where):
    """What may fail or differ, as patterns of names: programs-known.txt has `WHERE NAME why`."""
    patterns = []
    with open(os.path.join(HERE, "programs-known.txt")) as lines:
        for line in lines:
            words = line.split(None, 2)
            if len(words) == 3 and not line.startswith("#") and words[0] in where:
                patterns.append(re.compile(re.escape(words[1]).replace(r"\*", ".*") + "$"))
    return patterns


def archive(folder, name, path):
    """A cpio archive (newc) with one program in a folder, to be appended to the initramfs."""
    with open(path, "rb") as data:
        content = data.read()
    text = b""
    for entry, mode, body in ((folder, 0o040755, b""), (folder + "/" + name, 0o100755, content), ("TRAILER!!!", 0, b"")):
        fields = [0, mode, 0, 0, 1, 0, len(body), 0, 0, 0, 0, len(entry) + 1, 0]
        text += ("070701" + "".join("%08X" % field for field in fields) + entry + "\0").encode()
        text += bytes(-len(text) % 4) + body
        text += bytes(-len(text) % 4)
    return text


def run_command(options, texts):
    return "env TIMEOUT=%d FACTOR=%s TEXTS=%s /judges/run %s" % (options.each, options.factor, "/mnt" if texts else "",
                                                                " ".join(options.words))


def emulated(options, emulator, texts):
    """What the guest's console says; what the programs say is put into the folder, by way of a second disk."""
    linux = os.path.join(CACHE, "linux-" + options.arch)
    selftests = os.path.join(CACHE, "selftests", "selftests")
    needed = [os.path.join(linux, "vmlinuz"), options.disk or selftests]
    for path in needed:
        if not os.path.exists(path):
            print("there is no %s" % path)
            sys.exit(MISSING)
    run = run_command(options, texts)
    if options.disk:
        disk = "/dev/$(ls /sys/bus/scsi/devices/0:0:%d:0/block)" # of two disks either may be sda
        run = ("modprobe ext4; mount -o noload,ro " + disk % 0 + " /mnt && mount -t proc none /mnt/proc && "
               "mount -t sysfs none /mnt/sys && mount --bind /dev /mnt/dev && mount -t tmpfs none /mnt/tmp && "
               "mount -t tmpfs none /mnt/run && mount --bind /judges/run /mnt/judges/run && " +
               ("mount " + disk % 1 + " /mnt/mnt && " if texts else "") + "chroot /mnt " + run + ' || echo "PROGRAMS-"DONE')
    command = emulator + ["-m", "512", "-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot",
                          "-kernel", os.path.join(linux, "vmlinuz"), "-append", "console=ttyS0 quiet"]
    if options.disk:
        command += ["-drive", "file=%s,format=raw,index=0,if=ide,snapshot=on" % options.disk]
    if texts:
        second = tempfile.NamedTemporaryFile(prefix="texts")
        second.truncate(8 << 30)
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal,^metadata_csum", second.name], check=True)
        command += ["-drive", "file=%s,format=raw,index=1,if=ide" % second.name]
    with tempfile.NamedTemporaryFile(prefix="initrd") as initrd:
        for part in [os.path.join(linux, "initrd")] + ([] if options.disk else [selftests]):
            with open(part, "rb") as data:
                content = data.read()
                initrd.write(content + bytes(-len(content) % 4))
        initrd.write(archive("judges", "run", RUN))
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
    if texts:
        subprocess.run(["debugfs", "-R", "rdump / %s" % texts, second.name], stderr=subprocess.DEVNULL, check=True)
    return text.decode("latin-1").replace("\r", "")


def native(options, where, texts):
    """What the same programs say here: in a mount and process namespace, of which nothing remains."""
    script = """set -e
        $1 "$2" "$3"; mount --bind "$4" "$3/judges/run"; mount -t proc none "$3/proc"; mount -t sysfs none "$3/sys"
        for folder in tmp run dev/shm; do mount -t tmpfs none "$3/$folder"; done
        [ -z "$5" ] || mount --bind "$5" "$3/mnt"
        exec setarch $6 chroot "$3" $7"""
    with tempfile.TemporaryDirectory(prefix="native") as root:
        mount = "mount --bind" if os.path.isdir(where) else "mount -o loop,ro,noload"
        personality = {"amd64": "x86_64", "i386": "i686"}[options.arch]
        command = ["unshare", "-m", "-p", "--fork", "--kill-child", "--propagation", "private", "sh", "-c", script,
                   "sh", mount, os.path.abspath(where), root, RUN, texts or "", personality, run_command(options, texts)]
        try:
            said = subprocess.run(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=options.timeout).stdout
        except subprocess.TimeoutExpired as late:
            said = late.stdout or b""
    return said.decode("latin-1")


def judge(text, may_fail):
    """The programs' statuses by name, and how many failed that may not; those are printed, and how many did what."""
    results, why, passed, nothing, failed_known, failed = {}, [], 0, 0, 0, 0
    for line in text.splitlines():
        found = re.match(r"RESULT (\S+) (\d+)$", line)
        if line.startswith("| "):
            why.append(line)
        if not found:
            continue
        name, status = found[1], int(found[2])
        results[name] = status
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
    if "PROGRAMS-DONE" not in text or not results:
        print(text[-2000:] + "\nnever came to the end")
        failed += 1
    print("%d passed, %d with nothing to test here, %d failed as known, %d failed" % (passed, nothing, failed_known, failed))
    return results, failed


def differing(guest, host):
    """Two files' lines that differ, in pairs, and how many lines there are."""
    pairs, lines = [], 0
    with open(guest, encoding="latin-1") as one, open(host, encoding="latin-1") as other:
        for pair in itertools.zip_longest(one, other, fillvalue=""):
            lines += 1
            if pair[0] != pair[1]:
                pairs.append(pair)
    return pairs, lines


def nearer(pairs):
    """Of how many results of libm that differ the guest's is nearer to what it should be, and of how many the host's."""
    errors = [[re.match(r" ulp +: +([\d.]+)", line) for line in pair] for pair in pairs]
    errors = [[float(error[1]) for error in pair] for pair in errors if all(pair)]
    return errors and ", the guest's result nearer in %d, the host's in %d" % (
        sum(guest < host for guest, host in errors), sum(host < guest for guest, host in errors)) or ""


def compare(guest, host, guest_texts, host_texts, may_differ):
    """How many programs ended otherwise in the guest than here, or said something else, without a reason known."""
    may_fail = known("native")
    same, lines, differ_known, differ = 0, 0, 0, 0
    for name in sorted(set(guest) | set(host)):
        if guest.get(name) != host.get(name):
            may, how = may_fail, "status %s in the guest, %s here" % (guest.get(name), host.get(name))
        elif name.startswith("stress/"):
            continue
        else:
            pairs, count = differing(os.path.join(guest_texts, name), os.path.join(host_texts, name))
            lines += count
            if not pairs:
                same += 1
                continue
            may, how = may_differ, "%d of %d lines%s; first:\n< %s> %s" % (len(pairs), count, nearer(pairs), *pairs[0])
        is_known = any(pattern.match(name) for pattern in may)
        print(("differs as known" if is_known else "DIFFERS"), "%s: %s" % (name, how.rstrip()))
        differ_known += is_known
        differ += not is_known
    print("%d programs say the same (%d lines looked at), %d differ as known, %d differ" % (same, lines, differ_known, differ))
    return differ


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
    parser.add_argument("--compare")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("words", nargs="+")
    options = parser.parse_args(words)
    if options.compare and (not options.disk or options.native):
        parser.error("--compare wants --disk, and no --native")
    missing = [tool for tool in ("mke2fs", "debugfs", "unshare", "setarch") if not shutil.which(tool)]
    if (options.compare or options.native) and (missing or os.geteuid()):
        parser.error("--compare and --native want " + ("the program " + missing[0] if missing else "to be root"))
    texts = [None, None]
    if options.compare:
        texts = [os.path.abspath(os.path.join(options.compare, where)) for where in ("guest", "host")]
        for folder in texts:
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)
    if options.native:
        results, failed = judge(native(options, options.native, None), known("all", "native"))
    else:
        results, failed = judge(emulated(options, emulator, texts[0]), known("all", options.arch))
    if options.compare:
        here, failed_here = judge(native(options, options.disk, texts[1]), known("all", "native"))
        failed += failed_here + compare(results, here, *texts, known("text", "text-" + options.arch))
    if options.save:
        with open(options.save, "w") as out:
            out.writelines("%s %d\n" % result for result in results.items())
    return 1 if failed else 0


sys.exit(main())
