#!/bin/bash
# Makes a whole Debian on a disk image: MBR with GRUB, one ext4 partition, initramfs, systemd; root is logged in on ttyS0.
#
#   make-disk.sh i386|amd64      Prints the image's path.
#
# Needs root (debootstrap and chroot), and debootstrap and mke2fs, which are not installed by this. Takes some minutes and half
# a gigabyte; kept in ${XDG_CACHE_HOME:-~/.cache}/ringside/debian-ARCH.
set -euo pipefail

arch=${1:?usage: make-disk.sh i386|amd64}
. "$(dirname "${BASH_SOURCE[0]}")/apt.sh"
. "$(dirname "${BASH_SOURCE[0]}")/once.sh"
case $arch in
amd64) kernel=linux-image-amd64 ;;
i386) kernel=linux-image-686-pae ;;
*) echo "make-disk.sh: no such architecture: $arch" >&2; exit 1 ;;
esac

once_made "debian-$arch" 1 disk.img # the number: raise it to have it made again
[ "$(id -u)" = 0 ] || { echo "make-disk.sh: this needs root" >&2; exit 1; }
for tool in debootstrap mke2fs; do
    command -v $tool > /dev/null || { echo "make-disk.sh: there is no $tool" >&2; exit 1; }
done
once_begin

echo "making a disk with Debian for $arch ..." >&2
private_apt "$work/apt" amd64
(cd "$work" && apt-get download -qq grub-pc-bin grub-common >&2)
for deb in "$work"/*.deb; do
    dpkg-deb -x "$deb" "$work/grub"
done
mirror=$(sed -n 's/.*] \([^ ]*\) .*/\1/p' "$work/apt/etc/sources.list")
unset APT_CONFIG

root=$work/root
debootstrap --arch="$arch" --variant=minbase \
    --include="$kernel,systemd,systemd-sysv,udev,dbus,initramfs-tools,iproute2,kmod,login" \
    bookworm "$root" "$mirror" > "$work/log" 2>&1 || { tail -n 5 "$work/log" >&2; exit 1; }
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale,info}/*
echo debian > "$root/etc/hostname"
echo "/dev/sda1 / ext4 defaults,errors=remount-ro 0 1" > "$root/etc/fstab"
echo 0123456789abcdef0123456789abcdef > "$root/etc/machine-id" # so that every boot is like the first one
chroot "$root" passwd -d root > /dev/null
mkdir -p "$root/etc/systemd/system/serial-getty@ttyS0.service.d"
cat > "$root/etc/systemd/system/serial-getty@ttyS0.service.d/autologin.conf" <<'UNIT'
[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin root --keep-baud 115200 %I $TERM
UNIT

modules=$work/grub/usr/lib/grub/i386-pc
mkdir -p "$root/boot/grub"
cp -r "$modules" "$root/boot/grub/"
release=$(basename "$root"/boot/vmlinuz-*)
release=${release#vmlinuz-}
cat > "$root/boot/grub/grub.cfg" <<GRUB
serial --unit=0 --speed=115200
terminal_input serial console
terminal_output serial console
set timeout=0
menuentry "Debian" {
  linux /boot/vmlinuz-$release root=/dev/sda1 ro console=tty0 console=ttyS0,115200
  initrd /boot/initrd.img-$release
}
GRUB
# grub-mkimage runs with the libraries of this system; it needs none that a Debian with these tools lacks.
"$work/grub/usr/bin/grub-mkimage" -d "$modules" -O i386-pc -p '(hd0,msdos1)/boot/grub' -o "$work/core.img" \
    biosdisk part_msdos ext2 normal linux serial terminal configfile

# The partition starts at 1 MiB; boot.img looks for core.img in sector 1, which is in the gap before it.
mkdir "$work/out"
image=$work/out/disk.img
size=$(($(du -sm "$root" | cut -f1) * 108 / 100 + 120))
truncate -s ${size}M "$image"
mke2fs -q -F -t ext4 -O ^metadata_csum,^64bit,^orphan_file -m 0 -E offset=1048576,lazy_itable_init=0,lazy_journal_init=0 \
    -d "$root" "$image" $(((size - 1) * 1024))k
python3 - "$image" "$modules/boot.img" "$work/core.img" "$size" <<'MBR'
import struct
import sys

image, boot, core, size = sys.argv[1:]
sector = bytearray(open(boot, "rb").read(512))
core = open(core, "rb").read()
assert len(core) <= 2047 * 512
entry = struct.pack("<B3sB3sII", 0x80, b"\x20\x21\0", 0x83, b"\xfe\xff\xff", 2048, int(size) * 2048 - 2048)
sector[440:512] = b"ring\0\0" + entry + bytes(48) + b"\x55\xaa"
with open(image, "r+b") as f:
    f.write(sector + core)
MBR
once_keep
