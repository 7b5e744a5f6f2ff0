#!/bin/bash
# Installs what is missing, builds Ringside (Release) and runs every test. The last line is "N passed, N failed"; the exit
# status is 0 only if none failed. Words are handed to ctest: ./test.sh -R boot. BUILD=DIR builds elsewhere than in build/.
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
"$here/tests/guest/make-media.sh" > /dev/null || give_up "no boot media could be fetched"
cmake -S "$here" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DRINGSIDE_TESTS=ON > /dev/null ||
    give_up "cmake does not like this system"
ninja -C "$build" || give_up "the build failed"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
ctest --test-dir "$build" --output-on-failure -j "$(nproc)" "$@" | tee "$log"
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
