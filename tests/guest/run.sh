#!/bin/bash
# run.sh EMULATOR SECONDS WORD...: runs a test program and judges what it reports (see guest.inc).
#   BEFORE=COMMAND is run first and AFTER=COMMAND last (it must succeed): to make a scratch image and to look at it.
set -uo pipefail
emulator=$1 seconds=$2
shift 2

[ -z "${BEFORE:-}" ] || bash -c "$BEFORE" || { echo "run.sh: $BEFORE failed"; exit 1; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
timeout "$seconds" "$emulator" -cpu max -display none -serial null -monitor none -no-reboot \
    -device isa-debug-exit,iobase=0xf4,iosize=4 -debugcon stdio "$@" > "$log" 2>&1
status=$?
good=$(grep -ac '^ok ' "$log")
if [ $status -ne 33 ] || grep -aq '^FAIL' "$log" || [ "$good" = 0 ]; then
    tail -c 20000 "$log"
    echo "run.sh: status $status (33 is success), $good checks passed"
    exit 1
fi
echo "$good checks passed"
[ -z "${AFTER:-}" ] || bash -c "$AFTER" || { echo "run.sh: $AFTER failed"; exit 1; }
