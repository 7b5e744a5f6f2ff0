#!/usr/bin/env bash
# What comes to a running machine from outside comes by frontend/machine/outside.h: nobody else calls what it stands for.
cd "$(dirname "$0")/../.." || exit 2
status=0
only() { # REGEX FILES-REGEX: fails for each match in another file
    local found
    found=$(grep -rnE "$1" cpu mmu devices tcg frontend --include='*.c' | grep -vE '_test\.c:' | grep -vE "^($2):")
    if [ -n "$found" ]; then
        echo "goes by frontend/machine/outside.h:"
        echo "$found"
        status=1
    fi
}
only '\b(ps2kbd_key|ps2kbd_release_all|ps2mouse_motion)\(' 'devices/input/.*|frontend/machine/input\.c'
only '\bpiix4_pm_power_button\(' 'devices/chipset/piix4_pm\.c|frontend/machine/outside\.c'
only '\bcpu_raise_nmi\(' 'cpu/cpu\.c|frontend/machine/(outside|pc)\.c'
only '\bmachine_request_reset\(' 'frontend/machine/(machine|pc|outside)\.c'
only '\b(getrandom|gettimeofday|time)\((NULL|&|config)' 'frontend/(main|options)\.c'
only '\bhost_now\(' 'cpu/base/(clock|loop)\.c|devices/serial/chardev\.c|frontend/ui/.*|frontend/lab/(lab|journal)\.c|frontend/machine/counted\.c'
only '\bspace_(read|write)\([a-z>-]*ports' 'cpu/op/io\.c|frontend/machine/outside\.c|frontend/lesson/guest\.c' # before the machine has run
exit $status
