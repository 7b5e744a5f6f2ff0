#!/bin/bash
# Builds Ringside and starts it.
#
#   ./run.sh              a Debian kernel with a busybox shell: in a window where there is a display, else in this terminal
#   ./run.sh lesson NAME  a lesson about rings (first-gp is a good one); without a name: which there are
#   ./run.sh ANYTHING...  these words for the emulator instead: ./run.sh disk.iso, ./run.sh -hda disk.img -m 512
#
# What is missing is installed by apt-get (as root, or by sudo). BUILD=DIR builds elsewhere than in build/.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=${BUILD:-$here/build}
. "$here/tests/packages.sh"

need_packages $packages_build $packages_run
if [ ! -e "$build/build.ninja" ]; then
    cmake -S "$here" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DRINGSIDE_TESTS=OFF > /dev/null
fi
log=$(mktemp)
[ -e "$build/ringside" ] || echo "building Ringside, once: a minute or two ..." >&2
ninja -C "$build" ringside > "$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; exit 1; }
rm -f "$log"

[ $# -eq 0 ] || exec "$build/ringside" "$@"

case $(uname -m) in
i?86) arch=i386 ;;
*) arch=amd64 ;;
esac
linux=$("$here/tests/guest/make-linux.sh" "$arch")
console="console=ttyS0 console=tty0"
screen=()
if [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    echo "There is no display: the guest's serial console comes to this terminal. Ctrl-A X ends it."
    console="console=tty0 console=ttyS0"
    screen=(-nographic)
fi
exec "$build/ringside" -name Linux "${screen[@]}" -kernel "$linux/vmlinuz" -initrd "$linux/initrd" -append "$console quiet"
