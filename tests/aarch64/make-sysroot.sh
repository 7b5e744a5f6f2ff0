#!/bin/bash
# Unpacks what cross-building for 64-bit Arm needs (C library, SDL2, capstone, zlib, cmocka, Zydis) into a folder of its own: neither
# root nor `dpkg --add-architecture arm64` is needed, and the system stays as it is. Prints the folder; toolchain.cmake finds it.
# Everything is kept in ${XDG_CACHE_HOME:-~/.cache}/ringside and made only once; remove that folder to make it anew.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/../guest/apt.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../guest/once.sh"

once_made sysroot-arm64 1 # the number: raise it to have it made again
once_begin

echo "fetching Debian's libraries for arm64 ..." >&2
private_apt "$work/apt" arm64
# All that the libraries depend on, but of libsdl2-dev only itself: a program needs none of the 140 packages behind it.
apt-get install -qq -y --download-only --no-install-recommends -o Debug::NoLocking=1 \
    libc6-dev libcmocka-dev libcapstone-dev zlib1g-dev libzydis-dev libsdl2-2.0-0 >&2
(cd "$work/apt/cache/archives" && apt-get download -qq libsdl2-dev >&2)

mkdir -p "$work/out/usr/lib" "$work/out/usr/bin" "$work/out/usr/sbin"
ln -s usr/lib usr/bin usr/sbin "$work/out/" # as on an installed Debian, which relative links rely on
for package in "$work"/apt/cache/archives/*.deb; do
    dpkg-deb -x "$package" "$work/out"
done
# Absolute links would lead out of the folder.
find "$work/out" -type l -lname '/*' | while read -r link; do
    ln -sfnr "$work/out$(readlink "$link")" "$link"
done
rm -rf "$work/out/usr/share"/{doc,man,locale,lintian}
once_keep
