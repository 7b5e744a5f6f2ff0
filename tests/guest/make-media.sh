#!/bin/bash
# Fetches boot media that Debian has packages of: the GRUB rescue disks, memtest86+, iPXE, and Xen as a
# plain multiboot kernel.
#
#   make-media.sh      Prints the folder that holds them.
#
# Needs no root. Kept in ${XDG_CACHE_HOME:-~/.cache}/ringside/media and fetched only once.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/apt.sh"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ringside
out=$cache/media
version=2 # of what this script makes: raise it to have it made again

finished() {
    if [ "$(cat "$out/version" 2>/dev/null || true)" = "$version" ]; then
        echo "$out"
        exit 0
    fi
}
finished
mkdir -p "$cache"
exec 9> "$cache/lock"
flock 9
finished # another run may have made it while this one waited
work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT

echo "fetching boot media ..." >&2
private_apt "$work/apt" amd64
(cd "$work" && apt-get download -qq grub-rescue-pc memtest86+ ipxe xen-hypervisor-4.17-amd64 >&2)
for deb in "$work"/*.deb; do
    dpkg-deb -x "$deb" "$work/files"
done
mkdir "$work/out"
cp "$work"/files/usr/lib/grub-rescue/grub-rescue-{cdrom.iso,floppy.img,usb.img} "$work/out"
cp "$work"/files/usr/lib/ipxe/ipxe.iso "$work/out"
cp "$work"/files/usr/lib/memtest86+/memtest86+x64.iso "$work"/files/usr/lib/memtest86+/memtest86+ia32.iso "$work/out"
gzip -dc "$work"/files/boot/xen-4.17-amd64.gz > "$work/out/xen"
echo "$version" > "$work/out/version"
rm -rf "$out"
mv "$work/out" "$out"
echo "$out"
