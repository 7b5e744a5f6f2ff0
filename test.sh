#!/bin/bash
# Installs what is missing, builds Ringside (Release) and runs every test; on x86-64 builds it for 64-bit Arm too and runs all
# but the long tests under qemu-aarch64. The last line is "N passed, N failed"; the exit status is 0 only if none failed.
# Words are handed to ctest: ./test.sh -R boot. BUILD=DIR builds elsewhere than in build/.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=${BUILD:-$here/build}
. "$here/tests/packages.sh"

give_up() {
    echo "test.sh: $1" >&2
    echo "0 passed, 1 failed"
    exit 1
}
need_packages $packages_build $packages_run $packages_test || give_up "packages are missing"
for arch in amd64 i386; do
    "$here/tests/guest/make-linux.sh" "$arch" > /dev/null || give_up "no Linux guest for $arch could be made"
done
if [ "$(uname -m)" = x86_64 ]; then
    "$here/tests/guest/make-selftests.sh" > /dev/null || give_up "Linux's tests of x86 could not be built"
fi
"$here/tests/guest/make-media.sh" > /dev/null || give_up "no boot media could be fetched"
cmake -S "$here" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DRINGSIDE_TESTS=ON > /dev/null ||
    give_up "cmake does not like this system"
ninja -C "$build" || give_up "the build failed"

arm=
if [ "$(uname -m)" = x86_64 ]; then
    arm=$build/aarch64
    need_packages $packages_aarch64 || give_up "packages are missing"
    "$here/tests/aarch64/make-sysroot.sh" > /dev/null || give_up "no libraries for aarch64 could be fetched"
    cmake --toolchain "$here/tests/aarch64/toolchain.cmake" -S "$here" -B "$arm" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DRINGSIDE_TESTS=ON -DCMAKE_COMPILE_WARNING_AS_ERROR=ON > /dev/null || give_up "cmake cannot cross-build for aarch64"
    ninja -C "$arm" || give_up "the build for aarch64 failed"
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
ctest --test-dir "$build" --output-on-failure -j "$(nproc)" "$@" | tee "$log"
[ -z "$arm" ] || ctest --test-dir "$arm" -LE long --output-on-failure -j "$(nproc)" "$@" | tee -a "$log"
awk '
    /^ *[0-9]+\/[0-9]+ Test +#/ {
        if (/ Passed /) passed++
        else if (/\*\*\*Skipped/) skipped++
        else failed++
    }
    END {
        if (skipped) printf "%d skipped\n", skipped
        if (!passed && !failed) failed = 1
        printf "%d passed, %d failed\n", passed, failed
        exit failed > 0
    }' "$log"
