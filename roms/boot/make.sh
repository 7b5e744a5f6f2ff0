#!/bin/sh
# Assembles the boot ROMs into the bytes that frontend/machine/boot_kernel.c carries. Needs nasm.
set -e
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What must be added to `length` bytes of `file` from `start` on for their sum to be 0, in octal.
checksum() {
    od -An -v -tu1 -w1 -j "$2" -N "$3" "$1" | awk '{ s += $1 } END { printf "%o", (256 - s % 256) % 256 }'
}

pnp_start=32 pnp_length=32 pnp_checksum=41
for rom in linuxboot multiboot pvh; do
    bin=$work/$rom.bin
    nasm -f bin -Wall -o "$bin" $rom.asm
    printf "\\$(checksum "$bin" $pnp_start $pnp_length)" |
        dd of="$bin" bs=1 seek=$pnp_checksum conv=notrunc status=none
    printf "\\$(checksum "$bin" 0 65536)" >> "$bin"
    {
        echo "/* $rom.h: $rom.asm, assembled; made by make.sh. */"
        echo "static const unsigned char ${rom}_rom[] = {"
        od -An -v -tx1 -w16 "$bin" | sed 's/ \(..\)/ 0x\1,/g; s/^/   /'
        echo "};"
    } > $rom.h
    if [ -n "$1" ]; then
        cp "$bin" "$1/"
    fi
done
