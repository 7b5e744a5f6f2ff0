#!/usr/bin/env bash
# Folders may include only what is below them: cpu/base <- mmu <- cpu <- tcg; mmu <- devices; frontend sees all.
cd "$(dirname "$0")/../.." || exit 2
status=0
forbid() { # FOLDER REGEX-OF-INCLUDES: fails for each match
    local found
    found=$(grep -rnE "^#include \"$2" "$1" --include='*.c' --include='*.h' 2>/dev/null)
    if [ -n "$found" ]; then
        echo "against the direction of layers:"
        echo "$found"
        status=1
    fi
}
forbid cpu/base '(cpu/[^br]|mmu/|devices/|frontend/|tcg/)'
forbid mmu '(cpu/[^b]|devices/|frontend/|tcg/)'
forbid cpu '(devices/|frontend/|tcg/)'
forbid devices '(cpu/[^b]|frontend/|tcg/)'
forbid tcg '(devices/|frontend/)'
exit $status
