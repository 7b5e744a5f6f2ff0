/*
 * disas.c: see disas.h. capstone is asked for every instruction anew: what is printed is read by
 * people.
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

unsigned disas_bytes(const u8 *bytes, unsigned available, u64 address, unsigned code_bytes,
                     char text[DISAS_TEXT])
{
    csh handle;
    cs_insn *insn;
    cs_mode mode = code_bytes == 8 ? CS_MODE_64 : code_bytes == 4 ? CS_MODE_32 : CS_MODE_16;
    if (cs_open(CS_ARCH_X86, mode, &handle) != CS_ERR_OK) {
        return bad(bytes, text);
    }
    unsigned length;
    if (cs_disasm(handle, bytes, available, address, 1, &insn) == 1) {
        length = insn->size;
        snprintf(text, DISAS_TEXT, "%s%s%s", insn->mnemonic, insn->op_str[0] ? " " : "",
                 insn->op_str);
        cs_free(insn, 1);
    } else {
        length = bad(bytes, text);
    }
    cs_close(&handle);
    return length;
}

unsigned disas_linear(struct cpu *cpu, vaddr la, u64 address, char text[DISAS_TEXT])
{
    u8 bytes[INSN_BYTES_MAX];
    unsigned available = 0;
    while (available < sizeof bytes && mem_peek(cpu, la + available, &bytes[available], 1)) {
        available++;
    }
    return available ? disas_bytes(bytes, available, address, cpu->code_bytes, text) : 0;
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
