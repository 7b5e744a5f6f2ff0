#!/usr/bin/env bash
# The long form of the tests of recordings and of going back: each kernel recorded and replayed each way, and 1,000 random moments of a
# boot visited again. About 75 minutes on one core. The exit status tells how many failed.
#
#   long.sh [TIMES [POINTS]]   replays of each recording (default 100), points (default 1000)
#   BUILD=DIR                  where it was built (default: build)
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=${BUILD:-$here/../../build}
times=${1:-100} points=${2:-1000}
failed=0
check() { "$@" || { failed=$((failed + 1)); echo "FAILED: $*"; }; }
for arch in i386 amd64; do
    kernels=$("$here/../guest/make-linux.sh" "$arch") || exit 1
    check "$here/replay_test.py" "$build/ringside" "$kernels" -accel,interp -accel,tcg "$times"
    check "$here/replay_test.py" "$build/ringside" "$kernels" -accel,tcg -accel,interp "$times"
done
check "$build/tests/lab/history_test" "$kernels" 6200000000 "$points"
echo "$failed failed"
exit "$failed"
