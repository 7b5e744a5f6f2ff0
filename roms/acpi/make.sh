#!/bin/sh
# Compiles dsdt.asl into the bytes that devices/chipset/acpi_tables.c carries. Needs iasl (acpica-tools).
set -e
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Warning 3168 asks for Device () in place of Processor (), which ACPI 1.0 systems do not know.
iasl -vw 3168 -p "$work/dsdt" dsdt.asl > "$work/log" || { cat "$work/log"; exit 1; }
grep -E "Warning|Error" "$work/log" || true
{
    echo "/* dsdt.h: dsdt.asl, compiled; made by make.sh. */"
    echo "static const unsigned char dsdt_aml[] = {"
    od -An -v -tx1 -w16 "$work/dsdt.aml" | sed 's/ \(..\)/ 0x\1,/g; s/^/   /'
    echo "};"
} > dsdt.h
