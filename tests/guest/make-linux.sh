#!/bin/bash
# Puts a small Linux together from Debian packages: a stock kernel, and an initramfs of busybox with some of the kernel's
# modules. It gives a shell on tty1 and on ttyS0.
#
#   make-linux.sh ARCH [SUITE]   ARCH: amd64 or i386; SUITE: bookworm, or a later release.
#                                Prints the folder that holds `vmlinuz` and `initrd`.
#
# Needs no root. Everything is kept in ${XDG_CACHE_HOME:-~/.cache}/ringside and made only once; remove that folder to make
# it anew. Needs: apt-get (with its keys), dpkg-deb, cpio, gzip, xz, depmod (kmod).
set -euo pipefail

arch=${1:?usage: make-linux.sh amd64|i386 [SUITE]}
suite=${2:-bookworm}
. "$(dirname "${BASH_SOURCE[0]}")/apt.sh"
. "$(dirname "${BASH_SOURCE[0]}")/once.sh"
name=linux-$arch
[ "$suite" = bookworm ] || name=$name-$suite

once_made "$name" 3 # the number: raise it to have it made again
once_begin

echo "fetching a Debian kernel and busybox for $arch ..." >&2
private_apt "$work/apt" "$arch" "$suite"

case $arch in
amd64) meta=linux-image-amd64 ;;
i386) meta=linux-image-686 ;;
*) echo "make-linux.sh: no such architecture: $arch" >&2; exit 1 ;;
esac
kernel=$(apt-cache depends "$meta" | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
[ -n "$kernel" ] || { echo "make-linux.sh: $suite has no kernel for $arch" >&2; exit 1; }
(cd "$work" && apt-get download -qq "$kernel" busybox-static >&2)
dpkg-deb -x "$work"/linux-image-*.deb "$work/kernel"
dpkg-deb -x "$work"/busybox-static_*.deb "$work/busybox"
# Later releases keep these below usr/.
[ -d "$work/kernel/lib" ] || ln -s usr/lib "$work/kernel/lib"
[ -d "$work/busybox/bin" ] || ln -s usr/bin "$work/busybox/bin"

root=$work/root
mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,etc,proc,sys,dev,tmp,run,mnt,root}
cp "$work/busybox/bin/busybox" "$root/bin/busybox"
ln -s busybox "$root/bin/sh"
ln -s bin/busybox "$root/init"

# Drivers that the machine has a use for, with what they depend on.
release=$(basename "$work"/kernel/lib/modules/*)
depmod -b "$work/kernel" "$release"
for module in ata_piix sd_mod sr_mod ext4 crc32c_generic isofs vfat nls_cp437 nls_ascii floppy psmouse mousedev evdev pcspkr bochs parport_pc lp; do
    modprobe -S "$release" -d "$work/kernel" --show-depends "$module" 2>/dev/null | sed -n 's/^insmod //p'
done | awk '{ print $1 }' | sort -u | while read -r file; do
    to=$root/${file#"$work/kernel/"}
    mkdir -p "$(dirname "$to")"
    case $file in
    *.xz) xz -dc "$file" > "${to%.xz}" ;;
    *) cp "$file" "$to" ;;
    esac
done
cp "$work/kernel/lib/modules/$release"/modules.{order,builtin,builtin.modinfo} "$root/lib/modules/$release/"
depmod -b "$root" "$release"

cat > "$root/etc/inittab" <<'INITTAB'
::sysinit:/etc/rc
tty1::respawn:-/bin/sh
ttyS0::respawn:-/bin/sh
::ctrlaltdel:/sbin/reboot
::shutdown:/bin/umount -a -r
INITTAB
cat > "$root/etc/profile" <<'PROFILE'
export HOME=/root TERM=linux PS1='ringside:\w# '
cat /etc/motd
PROFILE
cat > "$root/etc/motd" <<'MOTD'

  This is Linux on an emulated PC. `poweroff` ends it.

MOTD
cat > "$root/etc/rc" <<'RC'
#!/bin/sh
/bin/busybox --install -s
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mkdir -p /dev/pts && mount -t devpts none /dev/pts
hostname ringside
for module in ata_piix sd_mod sr_mod psmouse mousedev evdev; do
    modprobe -q $module
done
read up rest < /proc/uptime
echo "BOOT-OK $up" > /dev/console
case " $(cat /proc/cmdline) " in *" ringside.poweroff "*) poweroff ;; esac
RC
chmod 755 "$root/etc/rc"

mkdir -p "$work/out"
(cd "$root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) | gzip -9n > "$work/out/initrd"
cp "$work"/kernel/boot/vmlinuz-* "$work/out/vmlinuz"
echo "$kernel" > "$work/out/kernel"
once_keep
