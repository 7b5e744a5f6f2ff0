#!/bin/bash
# Boots every medium that Debian has packages of, as far as it goes, and prints a line for each: what came up, the time on the
# wall and of the processor. The long form of the boot tests; takes about a quarter of an hour.
#
#   media.sh [NAME...]      only these (a pattern: xen*, di-*); without any, all. The exit status tells how many failed.
#   RINGSIDE=FILE           the emulator (default: build/ringside)
#   GUESTS=DIR              where whole disks may be (debian32.img, debian64.img; else make-disk.sh makes them, which needs root
#                           and debootstrap), and boot/vmlinuz-linux64new, boot/initrd-linux64new, a kernel newer than those of
#                           Debian's releases (else left out)
#   LOGS=DIR                keep each medium's output there
# The rest is fetched from Debian (make-media.sh, make-linux.sh) and kept. Disks are not written.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
emulator=${RINGSIDE:-$here/../../build/ringside}
guests=${GUESTS:-${TMPDIR:-/tmp}/guests}
logs=${LOGS:-$(mktemp -d)}
mkdir -p "$logs"
[ -n "${LOGS:-}" ] || trap 'rm -rf "$logs"' EXIT
[ -x "$emulator" ] || { echo "media.sh: there is no $emulator: build it, or set RINGSIDE" >&2; exit 1; }
small=$("$here/../guest/make-media.sh") && large=$("$here/../guest/make-media.sh" large) &&
    linux32=$("$here/../guest/make-linux.sh" i386) && linux64=$("$here/../guest/make-linux.sh" amd64) &&
    linux_new=$("$here/../guest/make-linux.sh" amd64 trixie) || { echo "media.sh: the media could not be fetched" >&2; exit 1; }

wanted=("$@")
failed=0

is_wanted() {
    local pattern
    [ ${#wanted[@]} -gt 0 ] || return 0
    for pattern in "${wanted[@]}"; do
        [[ $1 == $pattern ]] && return 0
    done
    return 1
}

# check NAME SECONDS BOOT-PY-OPTION... -- RINGSIDE-WORD...
check() {
    local name=$1 seconds=$2 status
    shift 2
    is_wanted "$name" || return 0
    local options=()
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    python3 "$here/boot.py" --timeout $((seconds * ${SLOW:-1})) "${options[@]}" -- "$emulator" -display none "$@" > "$logs/$name.log" 2>&1
    status=$?
    echo "$name: $(tail -n 1 "$logs/$name.log")"
    [ $status = 0 ] || [ $status = 77 ] || failed=$((failed + 1))
}

# The screen is read through the monitor, so both are on standard input and output; serial consoles go without a monitor.
screen=(-monitor stdio -serial null)
serial=(-monitor none -serial stdio)

for drive in floppy:-fda:floppy.img cd:-cdrom:cdrom.iso hd:-hda:usb.img; do
    IFS=: read -r name option file <<< "$drive"
    check "grub-$name" 60 --screen "GNU GRUB +version" --send 'sendkey c\n' --screen 'grub>' -- \
        "${screen[@]}" -snapshot "$option" "$small/grub-rescue-$file"
done
check ipxe-cd 60 --screen Ctrl-B --send 'sendkey ctrl-b\n' --screen 'iPXE>' -- "${screen[@]}" -cdrom "$small/ipxe.iso"
# A whole pass of all tests.
check memtest64 1200 --screen 'Pass: +[1-9].*Errors: 0' -- "${screen[@]}" -m 32 -cdrom "$small/memtest86+x64.iso"
check memtest32 1200 --screen 'Pass: +[1-9].*Errors: 0' -- "${screen[@]}" -m 32 -cdrom "$small/memtest86+ia32.iso"
check invaders 60 --screen '-[*]-' -- "${screen[@]}" -kernel "$small/invaders.exec"
check gnumach 60 --expect 'GNU Mach [0-9.]+' --expect 'No bootstrap code' -- \
    "${serial[@]}" -kernel "$small/gnumach.gz" -append console=com0

# A paravirtual Linux as Xen's first domain, which powers off.
check xen 300 --expect 'BOOT-OK [0-9.]+' --status 0 -- \
    "${serial[@]}" -kernel "$small/xen.gz" -append "console=com1 com1=115200" \
    -initrd "$linux64/vmlinuz console=hvc0 ringside.poweroff,$linux64/initrd"
check xen-cd 300 --needs "$guests/media/xen.iso" --expect 'BOOT-OK [0-9.]+' --status 0 -- \
    "${serial[@]}" -cdrom "$guests/media/xen.iso"

linux() { # NAME FOLDER
    check "$1" 200 --expect 'BOOT-OK [0-9.]+' --status 0 -- \
        "${serial[@]}" -kernel "$2/vmlinuz" -initrd "$2/initrd" -append "console=ttyS0 quiet ringside.poweroff"
}
linux linux32 "$linux32"
linux linux64 "$linux64"
linux linux64-6.12 "$linux_new"
check linux64-sid 200 --needs "$guests/boot/vmlinuz-linux64new" --expect 'BOOT-OK [0-9.]+' --status 0 -- \
    "${serial[@]}" -kernel "$guests/boot/vmlinuz-linux64new" -initrd "$guests/boot/initrd-linux64new" \
    -append "console=ttyS0 quiet bench=none"

# The installer's first question, on the text screen and on the frame buffer's (which nobody can read here: the serial console
# gets the same).
for arch in i386 amd64; do
    memory=512
    [ $arch = i386 ] || memory=1024
    di=(-m $memory -kernel "$large/di-$arch/linux" -initrd "$large/di-$arch/initrd.gz")
    check "di-$arch" 400 --screen 'Select a language' -- "${screen[@]}" "${di[@]}" -append "quiet fb=false nomodeset"
    check "di-$arch-serial" 400 --expect 'Select a language' -- "${serial[@]}" "${di[@]}" -append "quiet console=ttyS0"
done

# GRUB, kernel, systemd, a shell that answers, and the way down.
disk() { # NAME IMAGE ARCH
    local image=$2
    is_wanted "$1" || return 0
    [ -e "$image" ] || image=$("$here/../guest/make-disk.sh" "$3") || { echo "$1: skipped"; return 0; }
    check "$1" 400 --expect 'root@debian.*# ' --send 'echo 6*7=$((6*7))\r' --expect '6.7=42' --send 'poweroff\r' --status 0 -- \
        "${serial[@]}" -snapshot -hda "$image"
}
disk debian32 "$guests/debian32.img" i386
disk debian64 "$guests/debian64.img" amd64

# Other firmware. U-Boot runs the display's BIOS with segments of 64 KiB, and SeaVGABIOS then reads the monitor's EDID at an
# address of 32 bits: a general protection fault on a processor. So it goes without a display.
check ovmf 120 --expect 'UEFI Interactive Shell' --expect 'Shell>' -- "${serial[@]}" -bios "$large/OVMF.fd"
check u-boot-x86 60 --expect 'U-Boot 20[0-9.]+' --expect '=> ' -- "${serial[@]}" -vga none -bios "$large/u-boot-x86.rom"
check u-boot-x86_64 60 --expect 'U-Boot 20[0-9.]+' --expect '=> ' -- "${serial[@]}" -vga none -bios "$large/u-boot-x86_64.rom"

exit $failed
