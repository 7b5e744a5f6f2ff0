/*
 * rows.h: how a ROW of opcodes.def is taken apart: ROW calls ROW_SEM, ROW_OP or ROW_VEC, whichever its meaning is, with the
 * bare name first. Define these three before including opcodes.def.
 */
#ifndef CPU_ISA_ROWS_H
#define CPU_ISA_ROWS_H

#define META_SEM(name)        SEM, name
#define META_OP(name)         OP, name
#define META_VEC(name)        VEC, name
#define RM(byte)              (0x100 | (byte))
#define ROW_SPLIT(...)        ROW_CALL(__VA_ARGS__)
#define ROW_CALL(kind, ...)   ROW_##kind(__VA_ARGS__)
#define ROW(map, opcode, slash, prefix, name, meaning, ...)                                        \
    ROW_SPLIT(META_##meaning, map, opcode, slash, prefix, name, __VA_ARGS__)

#endif
