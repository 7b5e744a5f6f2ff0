#!/usr/bin/env python3
"""Command lines that must be refused: each gives exactly one line on standard error, with these words in it, and status 1.

cli_test.py EMULATOR
"""
import os
import subprocess
import sys
import tempfile

emulator = sys.argv[1]
folder = tempfile.mkdtemp(prefix="ringside-cli.")


def made(name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as f:
        f.write(data)
    return path


empty = made("empty.img", b"")
text = made("text.txt", b"this is no disk\n" * 10)
short_elf = made("short.elf", b"\x7fELF\x01\x01\x01" + bytes(20))
short_linux = made("short.linux", bytes(0x1f1) + b"\x04" + bytes(12) + b"\x55\xaaHdrS\x0f\x02")
qcow2 = made("disk.qcow2", b"QFI\xfb\0\0\0\3" + bytes(4096))
disk = made("disk.img", bytes(510) + b"\x55\xaa" + bytes(1 << 20))
large = made("large.img", bytes(8 << 20))
secret = made("secret.img", bytes(1 << 20))
os.chmod(secret, 0)

refused = [
    # words of the command line, what the message must have
    (["-hda"], "-hda"),
    (["-kernal", "x"], "-kernel"),
    (["-displai", "none"], "-display"),
    (["--cdrm", "x"], "-cdrom"),
    (["-m", "0"], "-m"),
    (["-m", "99999999999999999G"], "size"),
    (["-m", "lots"], "-m lots: `lots`"),
    (["-m", "4T"], "GiB"),
    (["-m", "-5"], "-5"),
    (["-smp", "2"], "one processor"),
    (["-smp", "cpus=1,cores=4"], "one processor"),
    (["-cpu", "pentum3"], "pentium3"),
    (["-cpu", "qemu64,+sse99"], "sse99"),
    (["-M", "q35"], "pc"),
    (["-machine", "pc,acel=interp"], "accel"),
    (["-accel", "tcg,tb-size=0"], "tb-size"),
    (["-accel", "tcg,thread=multi"], "thread"),
    (["-accel", "tcg,profile=maybe"], "-accel tcg,profile=maybe: `maybe`"),
    (["-perfmapp"], "-perfmap"),
    (["-accel", "tcg,tb_size=4"], "tb-size"),
    (["-accel", "kvm"], "software"),
    (["-enable-kvm"], "software"),
    (["-clock", "counted,shift=11"], "10"),
    (["-clock", "wall"], "counted"),
    (["-clock", "counted,shft=1"], "shift"),
    (["-icount", "auto"], "repeat"),
    (["-icount", "shift=3,align=on"], "align"),
    (["-record", "/nowhere/at/all"], "/nowhere"),
    (["-record", "x", "-clock", "host"], "counted"),
    (["-record", "x", "-replay", text], "no recording"),
    (["-replay", text], "no recording"),
    (["-checkpoints", "maybe"], "maybe"),
    (["-checkpoints", "0"], "MiB"),
    (["-symbols", "/nowhere"], "-symbols /nowhere: No such file"),
    (["-symbols", __file__], "neither an ELF file nor a System.map"),
    (["-symbols", "x,offset=y"], "offset"),
    (["-symbols", "x,ofset=1"], "did you mean `offset`"),
    (["-checkpoints", "on", "-clock", "host"], "counted"),
    (["-replay", "/nowhere/at/all"], "/nowhere"),
    (["-vga", "cirrus"], "std"),
    (["-gdb", "1234"], "tcp"),
    (["-gdb", "tcp:1234"], "tcp::PORT"),
    (["-gdb", "tcp::1234x"], "tcp::1234x"),
    (["-gdb", "tcp::0,arch=arm"], "i386"),
    (["-gdb", "tcp::0,ach=i386"], "arch"),
    (["-gdb", "unix:/no/such/folder/gdb"], "folder"),
    (["-gdb", "chardev:c"], "c"),
    (["-gdb", "stdio", "-serial", "stdio"], "two devices"),
    (["-display", "gtk"], "sdl"),
    (["-display", "cursses"], "curses"),
    (["-net", "user"], "network"),
    (["-nic", "user,model=e1000"], "network"),
    (["-netdev", "user,id=n"], "version"),
    (["-device", "isa-debug-exitt"], "isa-debug-exit"),
    (["-device", "e1000"], "e1000"),
    (["-device", "isa-debug-exit,iobse=1"], "iobase"),
    (["-device", "isa-debugcon,chardev=nothing"], "nothing"),
    (["-device", "ide-hd,drive=nothing"], "nothing"),
    (["-global", "isa-debugcon.iobas=1"], "isa-debugcon.iobase"),
    (["-drive", "file=%s,inex=1" % disk], "index"),
    (["-drive", "file=%s,if=virtio" % disk], "virtio"),
    (["-drive", "file=%s,index=7" % disk], "7"),
    (["-drive", "if=ide"], "file="),
    (["-hda", disk, "-drive", "file=%s,index=0" % disk], "-hda"),
    (["-hda", disk, "-hdb", disk], "disk.img"),
    (["-hda", folder + "/missing.img"], "missing.img"),
    (["-hda", empty], "empty.img"),
    (["-hda", folder], folder),
    (["-cdrom", folder + "/missing.iso"], "missing.iso"),
    (["-fda", large], "large.img"),
    (["-hda", qcow2], "disk.qcow2"),
    (["-drive", "file=%s,format=qcow2" % qcow2], "qcow2"),
    ([qcow2], "raw"),
    ([text], "text.txt"),
    ([empty], "empty.img"),
    ([folder + "/missing.iso"], "missing.iso"),
    (["-kernel", folder + "/missing"], "missing"),
    (["-kernel", empty], "empty.img"),
    (["-kernel", text], "text.txt"),
    (["-kernel", short_elf], "short.elf"),
    (["-kernel", short_linux], "short.linux"),
    (["-append", "quiet"], "-kernel"),
    (["-initrd", text], "-kernel"),
    (["-bios", folder + "/missing.bin"], "missing.bin"),
    (["-bios", text], "64 KiB"),
    (["-bios", "no-such-bios.bin"], "seabios"),
    (["-boot", "xyz"], "xyz"),
    (["-boot", "ordr=c"], "order"),
    (["-rtc", "base=yesterday"], "yesterday"),
    (["-rtc", "base=2024-02-31"], "2024-02-31"),
    (["-d", "guest_error"], "guest_errors"),
    (["-d", "op-opt"], "op_opt"),
    (["-d", "exec"], "in_asm"),
    (["-D", folder + "/no/such/folder", "-d", "int"], "no/such/folder"),
    (["-serial", "stdoi"], "stdio"),
    (["-serial", "stdio", "-monitor", "stdio"], "mon:stdio"),
    (["-serial", "chardev:c"], "c"),
    (["-serial", "file:" + folder + "/no/such/folder"], "folder"),
    (["-chardev", "socket,id=c"], "socket"),
    (["-chardev", "stdio"], "id="),
    (["-chardev", "null,id=a", "-chardev", "null,id=a"], "id=a"),
    (["-k", "xx-yy"], "en-us"),
    (["-uuid", "12345"], "12345"),
] + ([] if os.geteuid() == 0 else [(["-hda", secret], "secret.img")])

accepted = [
    (["-help"], "-kernel"),
    (["--help"], "-kernel"),
    (["-version"], "Ringside"),
    (["-cpu", "help"], "qemu64"),
    (["-M", "help"], "pc"),
    (["-device", "help"], "isa-debug-exit"),
    (["-d", "help"], "guest_errors"),
    (["-d", "help"], "out_asm"),
    (["-help"], "-perfmap"),
    (["-accel", "help"], "tcg"),
    (["-display", "help"], "curses"),
]


def run(words, **environment):
    return subprocess.run([emulator] + words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20,
                          env=dict(os.environ, **environment))


failures = 0
for words, wanted in refused:
    try:
        ended = run(["-display", "none"] + words)
        lines = ended.stderr.splitlines()
        good = ended.returncode == 1 and len(lines) == 1 and lines[0].startswith("ringside: ") and wanted in lines[0]
        what = "status %d, %r" % (ended.returncode, ended.stderr[:400])
    except subprocess.TimeoutExpired:
        good, what = False, "was taken"
    if not good:
        failures += 1
        print("%s: expected one line with %r: %s" % (" ".join(words), wanted, what))
for words, wanted in accepted:
    ended = run(words)
    if ended.returncode or wanted not in ended.stdout or ended.stderr:
        failures += 1
        print("%s: status %d, %r" % (" ".join(words), ended.returncode, ended.stderr[:400]))
# A library of SDL that cannot be loaded is missed by nobody but a window.
made("libSDL2-2.0.so.0", b"")
ended = run(["-version"], LD_LIBRARY_PATH=folder)
if ended.returncode:
    failures += 1
    print("-version without SDL: status %d, %r" % (ended.returncode, ended.stderr[:400]))
ended = run(["-display", "sdl"], LD_LIBRARY_PATH=folder)
lines = ended.stderr.splitlines()
if ended.returncode != 1 or len(lines) != 1 or not ("libsdl2-2.0-0" in lines[0] or "no such display" in lines[0]):
    failures += 1
    print("-display sdl without SDL: status %d, %r" % (ended.returncode, ended.stderr[:400]))
print("%d command lines, %d failures" % (len(refused) + len(accepted) + 2, failures))
sys.exit(failures > 0)
