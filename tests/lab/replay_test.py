#!/usr/bin/env python3
"""Records a Linux boot in which somebody types, and replays it: output, and the state at the end (which the emulator compares), are the same.

replay_test.py EMULATOR KERNELS RECORDING-WORDS REPLAYING-WORDS [TIMES]
  KERNELS    a folder with vmlinuz and initrd
  ...-WORDS  for the emulator, separated by commas: "-accel,interp"
  TIMES      replays (default 1); long.sh makes 100
Exit status: 0 the same, 1 not, 77 skipped.
"""
import os
import re
import subprocess
import sys
import tempfile
import time

TIMEOUT = 240


def record(emulator, words, path):
    """What came out of the serial port."""
    process = subprocess.Popen([emulator, "-record", path] + words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    output, seen = b"", 0
    for expected, answer in ((b"ringside:.*# ", b"echo 6*7=$((6*7))\r"), (b"6.7=42", b"cat /proc/interrupts; date; poweroff\r")):
        while not re.search(expected, output[seen:]):
            data = os.read(process.stdout.fileno(), 65536)
            if not data:
                sys.exit("the emulator ended before %r: %r" % (expected, output[-300:]))
            output += data
        seen = len(output)
        process.stdin.write(answer)
    output += process.stdout.read()
    if process.wait(timeout=TIMEOUT):
        sys.exit("recording: exit status %d" % process.returncode)
    return output


def killed(emulator, words, path):
    """An emulator that is killed leaves a recording of all but its last second or so."""
    process = subprocess.Popen([emulator, "-record", path] + words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end and (not os.path.exists(path) or os.path.getsize(path) < 2000):
        time.sleep(0.1)
    process.kill()
    process.wait()
    done = subprocess.run([emulator, "-replay", path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          timeout=TIMEOUT)
    reached = re.search(rb"after (\d+) instructions: the recording was cut off here", done.stderr)
    if not reached or int(reached.group(1)) < 10000000:
        sys.exit("killed while it recorded: %r" % done.stderr)


def main(emulator, kernels, recording, replaying, times="1"):
    if not os.path.exists(os.path.join(kernels, "vmlinuz")):
        print("skipped: there is no kernel in %s" % kernels)
        return 77
    with tempfile.TemporaryDirectory(prefix="ringside-replay.") as folder:
        path = os.path.join(folder, "linux.rec")
        disk = os.path.join(folder, "disk.img")
        with open(disk, "wb") as f:
            f.write(os.urandom(1 << 20))
        machine = ["-kernel", os.path.join(kernels, "vmlinuz"), "-initrd", os.path.join(kernels, "initrd"), "-append",
                   "console=ttyS0", "-m", "128", "-display", "none", "-monitor", "none", "-serial", "stdio", "-hda", disk]
        then = record(emulator, machine + recording.split(","), path)
        print("recorded: %d bytes of output, a file of %d bytes" % (len(then), os.path.getsize(path)))
        for n in range(int(times)):
            done = subprocess.run([emulator, "-replay", path] + replaying.split(","), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=TIMEOUT)
            print(n + 1, done.stderr.decode().strip())
            if done.returncode or done.stdout != then or b"recorded one" not in done.stderr:
                print("exit status %d, output %s" % (done.returncode, "the same" if done.stdout == then else "another"))
                return 1
        # looked at from the monitor: going back comes to where going there comes to
        commands = "goto 900000000\nreverse-step\ngoto 899999999\nreverse-step 20000000\ngoto 900000000\nlast-ring 0\ninfo history\nquit\n"
        done = subprocess.run([emulator, "-replay", path, "-checkpoints", "on", "-serial", "null", "-monitor", "stdio"], input=commands.encode(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT)
        places = re.findall(r"after (\d+) instructions, (ring .*)", done.stdout.decode())
        counts = [int(place[0]) for place in places]
        if counts != [900000000, 899999999, 899999999, 879999999, 900000000, 899999999] or not places[1] == places[2] == places[5]:
            print("the monitor came to %s\n%s" % (places, done.stdout.decode()))
            return 1
        killed(emulator, machine + recording.split(","), os.path.join(folder, "killed.rec"))
        # another disk is another machine
        with open(disk, "r+b") as f:
            f.write(b"changed")
        done = subprocess.run([emulator, "-replay", path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT)
        if done.returncode != 1 or b"IDE drive 0" not in done.stderr:
            print("a changed disk was not noticed: %d %r" % (done.returncode, done.stderr))
            return 1
    return 0


sys.exit(main(*sys.argv[1:]))
