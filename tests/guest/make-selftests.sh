#!/bin/bash
# Builds Linux's own tests of x86 (tools/testing/selftests/x86 of Debian's linux-source-6.1), 32- and 64-bit, linked statically, and
# packs them as a cpio archive that can be appended to the initramfs of make-linux.sh. Prints the folder that holds `selftests`.
#
# Needs no root. Kept in ${XDG_CACHE_HOME:-~/.cache}/ringside/selftests and made only once (downloads 140 MB); remove that folder to
# make it anew. Needs: an x86-64 gcc, apt-get, dpkg-deb, cpio, gzip, xz.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/apt.sh"
. "$here/once.sh"

once_made selftests 2 # the number: raise it to have it made again
once_begin

echo "fetching and building Linux's tests of x86 ..." >&2
private_apt "$work/apt" i386
(cd "$work" && apt-get download -qq linux-source-6.1 libc6-dev linux-libc-dev libgcc-12-dev >&2)
unset APT_CONFIG
mkdir -p "$work/i386" "$work/source"
for package in "$work"/lib*.deb "$work"/linux-libc-dev_*.deb; do
    dpkg-deb -x "$package" "$work/i386"
done
dpkg-deb --fsys-tarfile "$work"/linux-source-6.1_*.deb | tar -xO ./usr/src/linux-source-6.1.tar.xz |
    tar -xJ -C "$work/source" --strip-components=1 linux-source-6.1/tools/testing/selftests linux-source-6.1/arch/x86/include
x86=$work/source/tools/testing/selftests/x86
bin=$work/root/judges/x86
mkdir -p "$bin"

# The lists are those of its Makefile.
list() {
    sed -n ":a; /\\\\\$/ { N; s/\\\\\n//; ba }; s/^$1 *:= *//p" "$x86/Makefile" | sed 's/\$([^)]*)//g'
}
both=$(list TARGETS_C_BOTHBITS) only32=$(list TARGETS_C_32BIT_ONLY) only64=$(list TARGETS_C_64BIT_ONLY) with32=$(list TARGETS_C_32BIT_NEEDED)
i386=$work/i386/usr/lib
m32=(-m32 -nostdinc -isystem "$(gcc -print-file-name=include)" -isystem "$work/i386/usr/include/i386-linux-gnu"
    -isystem "$work/i386/usr/include" -B"$i386/i386-linux-gnu/" -B"$i386/gcc/i686-linux-gnu/12/" -L"$i386/i386-linux-gnu"
    -L"$i386/gcc/i686-linux-gnu/12")
build() { # BITS NAME SOURCE...
    local bits=$1 name=$2 options=(-m64)
    shift 2
    [ "$bits" = 64 ] || options=("${m32[@]}")
    [ "$name" != check_initial_reg_state ] || options+=(-Wl,-ereal_start)
    (cd "$x86" && gcc -O2 -g -std=gnu99 -pthread -no-pie -static -w -DCAN_BUILD_32 -DCAN_BUILD_64 "${options[@]}" \
        -o "$bin/${name}_$bits" "$@" -lrt -ldl -lm 2>> "$work/log") || { tail -n 5 "$work/log" >&2; exit 1; }
}
extra() { # BITS NAME: what the Makefile adds
    case $2_$1 in
    sysret_ss_attrs_64) echo thunks.S ;;
    ptrace_syscall_32) echo raw_syscall_helper_32.S ;;
    test_syscall_vdso_32) echo thunks_32.S ;;
    esac
}
for name in $both $only32 $with32; do
    build 32 "$name" "$name.c" $(extra 32 "$name")
done
for name in $both $only64 $with32; do
    build 64 "$name" "$name.c" $(extra 64 "$name")
done
strip "$bin"/*
mkdir "$work/out"
(cd "$work/root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) | gzip -9n > "$work/out/selftests"
once_keep
