#!/bin/bash
# Fetches boot media that Debian has packages of: the GRUB rescue disks, memtest86+, iPXE; as multiboot kernels Xen, GNU Mach
# (packed by gzip, as they come) and GRUB invaders.
#
#   make-media.sh         Prints the folder that holds them.
#   make-media.sh large   The same for those of some size: Debian's installers (di-i386, di-amd64) and other firmware (OVMF.fd,
#                         u-boot-x86.rom, u-boot-x86_64.rom).
#
# Needs no root. Kept in ${XDG_CACHE_HOME:-~/.cache}/ringside/media and media-large, and fetched only once.
set -euo pipefail

size=${1:-small}
. "$(dirname "${BASH_SOURCE[0]}")/apt.sh"
. "$(dirname "${BASH_SOURCE[0]}")/once.sh"
case $size in
small)
    name=media version=3 # version: raise it to have it made again
    packages="grub-rescue-pc memtest86+ ipxe xen-hypervisor-4.17-amd64 gnumach-image-1.8-486 grub-invaders"
    ;;
large)
    name=media-large version=1
    packages="debian-installer-12-netboot-i386 debian-installer-12-netboot-amd64 ovmf u-boot-qemu"
    ;;
*) echo "make-media.sh: no such media: $size" >&2; exit 1 ;;
esac

once_made "$name" "$version"
once_begin

echo "fetching boot media ..." >&2
private_apt "$work/apt" amd64
(cd "$work" && apt-get download -qq $packages >&2)
for deb in "$work"/*.deb; do
    dpkg-deb -x "$deb" "$work/files"
done
mkdir "$work/out"
cd "$work/files"
if [ "$size" = small ]; then
    cp usr/lib/grub-rescue/grub-rescue-{cdrom.iso,floppy.img,usb.img} "$work/out"
    cp usr/lib/ipxe/ipxe.iso "$work/out"
    cp usr/lib/memtest86+/memtest86+{x64,ia32}.iso "$work/out"
    cp boot/xen-4.17-amd64.gz "$work/out/xen.gz"
    cp boot/gnumach-*.gz "$work/out/gnumach.gz"
    cp boot/invaders.exec "$work/out"
else
    for arch in i386 amd64; do
        mkdir "$work/out/di-$arch"
        cp usr/lib/debian-installer/images/12/$arch/text/debian-installer/$arch/{linux,initrd.gz} "$work/out/di-$arch"
    done
    # One image, as -bios takes it: the variables come first.
    cat usr/share/OVMF/OVMF_VARS.fd usr/share/OVMF/OVMF_CODE.fd > "$work/out/OVMF.fd"
    cp usr/lib/u-boot/qemu-x86/u-boot.rom "$work/out/u-boot-x86.rom"
    cp usr/lib/u-boot/qemu-x86_64/u-boot.rom "$work/out/u-boot-x86_64.rom"
fi
once_keep
