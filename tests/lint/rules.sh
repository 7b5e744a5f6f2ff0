#!/usr/bin/env bash
# Every site that raises an exception names a rule of cpu/rules.def, and every rule is raised somewhere.
cd "$(dirname "$0")/../.." || exit 2
status=0
sources=$(find cpu mmu -name '*.c' -o -name '*.h' | grep -v _test.c)
rules=$(sed -n 's/^RULE(\([A-Z0-9_]*\),.*/\1/p' cpu/rules.def | grep -v '^NONE$')

# a raise takes a RULE_ or a variable that holds one (a rule of a table, or a choice made before)
sites=$(grep -nE '\bcpu_raise(_page_fault)?\(cpu, |\bcpu_raise(_page_fault)?\(c->cpu, ' $sources | grep -v 'cpu_raise.*struct cpu \*cpu')
bad=$(echo "$sites" | grep -vE 'RULE_|rule')
if [ -n "$bad" ]; then
    echo "raised without a rule:"
    echo "$bad"
    status=1
fi
for rule in $rules; do
    if ! grep -qE "\bRULE_$rule\b" $sources; then
        echo "rule $rule is never raised"
        status=1
    fi
done
# no way around the raising function
if grep -nE 'siglongjmp' $sources | grep -v '^cpu/raise.c:'; then
    echo "only cpu/raise.c may leave an instruction"
    status=1
fi
# sections and sentences are there, ids are unique
if sed -n 's/^RULE(\(.*\))$/\1/p' cpu/rules.def | grep -v '^NONE' | grep -E ', "", |, ""\)'; then
    echo "a rule without section or sentence"
    status=1
fi
dup=$(echo "$rules" | sort | uniq -d)
[ -z "$dup" ] || { echo "named twice: $dup"; status=1; }
echo "$(echo "$rules" | wc -l) rules, $(echo "$sites" | wc -l) raising sites, $(grep -cE 'cpu_check\(' $sources | awk -F: '{n += $2} END {print n}') checks"
exit $status
