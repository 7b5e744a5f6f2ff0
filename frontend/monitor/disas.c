/*
 * disas.c: see disas.h.
 */
#include "frontend/monitor/disas.h"

#include <capstone/capstone.h>
#include <stdio.h>

#include "cpu/base/log.h"
#include "cpu/mem.h"
#include "frontend/monitor/registers.h"

enum { INSN_BYTES_MAX = 15 };

static unsigned bad(const u8 *bytes, char text[DISAS_TEXT])
{
    snprintf(text, DISAS_TEXT, "(bad) %02x", bytes[0]);
    return 1;
}

static bool open_capstone(unsigned code_bytes, csh *handle)
{
    cs_mode mode = code_bytes == 8 ? CS_MODE_64 : code_bytes == 4 ? CS_MODE_32 : CS_MODE_16;
    return cs_open(CS_ARCH_X86, mode, handle) == CS_ERR_OK;
}

static unsigned one_insn(csh handle, const u8 *bytes, size_t available, u64 address,
                         char text[DISAS_TEXT])
{
    cs_insn *insn;
    if (cs_disasm(handle, bytes, available, address, 1, &insn) != 1) {
        return bad(bytes, text);
    }
    unsigned length = insn->size;
    snprintf(text, DISAS_TEXT, "%s%s%s", insn->mnemonic, insn->op_str[0] ? " " : "", insn->op_str);
    cs_free(insn, 1);
    return length;
}

unsigned disas_bytes(const u8 *bytes, unsigned available, u64 address, unsigned code_bytes,
                     char text[DISAS_TEXT])
{
    csh handle;
    if (!open_capstone(code_bytes, &handle)) {
        return bad(bytes, text);
    }
    unsigned length = one_insn(handle, bytes, available, address, text);
    cs_close(&handle);
    return length;
}

void disas_print(FILE *out, const u8 *bytes, size_t size, u64 shown, u64 address,
                 unsigned code_bytes)
{
    csh handle;
    if (!open_capstone(code_bytes, &handle)) {
        return;
    }
    for (size_t at = 0; at < size;) {
        char text[DISAS_TEXT], hex[2 * INSN_BYTES_MAX + 1];
        unsigned length = one_insn(handle, bytes + at, size - at, address + at, text);
        for (unsigned k = 0; k < length && k < INSN_BYTES_MAX; k++) {
            snprintf(hex + 2 * k, 3, "%02x", bytes[at + k]);
        }
        fprintf(out, "0x%08llx:  %-20s  %s\n", (unsigned long long)(shown + at), hex, text);
        at += length;
    }
    cs_close(&handle);
}

unsigned disas_linear(struct cpu *cpu, vaddr la, u64 address, char text[DISAS_TEXT])
{
    u8 bytes[INSN_BYTES_MAX];
    unsigned available = 0;
    while (available < sizeof bytes && mem_peek(cpu, la + available, &bytes[available], 1)) {
        available++;
    }
    if (!available) {
        snprintf(text, DISAS_TEXT, "(not mapped)");
        return 0;
    }
    return disas_bytes(bytes, available, address, cpu->code_bytes, text);
}

void disas_log_exception(struct cpu *cpu)
{
    char text[DISAS_TEXT];
    char *registers;
    size_t size;
    FILE *out = open_memstream(&registers, &size);
    if (!out) {
        return;
    }
    registers_print_short(cpu, out);
    if (!disas_linear(cpu, cpu->code_base + cpu->ip, cpu->ip, text)) {
        snprintf(text, sizeof text, "(not mapped)");
    }
    fprintf(out, "  %04x:%llx  %s", cpu->seg[SEG_CS].selector, (unsigned long long)cpu->ip, text);
    fclose(out);
    log_write("%s", registers);
    free(registers);
}
