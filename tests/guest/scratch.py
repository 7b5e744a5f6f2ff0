#!/usr/bin/env python3
"""scratch.py make|check floppy|disk FILE: images that test programs write to, and what must be on them afterwards."""
import sys

SECTOR = 512


def made(sectors):
    return [bytes([n & 0xFF]) * SECTOR for n in range(sectors)]


def floppy(sectors):
    """See floppy.asm."""
    def put(cylinder, head, sector, data):
        sectors[(cylinder * 2 + head) * 18 + sector - 1] = bytes(data)

    for sector in (7, 8, 9):
        put(5, 1, sector, [(i * 7 + sector) & 0xFF for i in range(SECTOR)])
    put(20, 0, 3, [(i ^ 0x5A) & 0xFF for i in range(SECTOR)])
    for sector in range(1, 19):
        put(10, 0, sector, [0xF6] * SECTOR)
        put(30, 1, sector, [0xE5] * SECTOR)
    put(40, 0, 18, [(i + 3) & 0xFF for i in range(SECTOR)])
    put(40, 1, 1, [(i + 3) & 0xFF for i in range(SECTOR)])


def disk(sectors):
    """See ide.asm."""
    for n, (first, count) in enumerate(((100, 1), (200, 8), (300, 4), (400, 16), (500, 2))):
        for k in range(count):
            sectors[first + k] = bytes((i + k * 3 + 0x11 * (n + 1)) & 0xFF for i in range(SECTOR))


def main(verb, kind, path):
    size = {"floppy": 2880, "disk": 20 * 16 * 63}[kind]
    sectors = made(size)
    if verb == "make":
        with open(path, "wb") as image:
            image.write(b"".join(sectors))
        return 0
    {"floppy": floppy, "disk": disk}[kind](sectors)
    with open(path, "rb") as image:
        found = image.read()
    bad = [n for n in range(size) if found[n * SECTOR:(n + 1) * SECTOR] != sectors[n]]
    if len(found) != size * SECTOR or bad:
        print("%s: %d bytes; sectors not as they should be: %s" % (path, len(found), bad[:20]))
        return 1
    return 0


sys.exit(main(*sys.argv[1:4]))
