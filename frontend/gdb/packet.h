/*
 * packet.h: the frames of gdb's remote protocol (Debugging with GDB, appendix E.1): $data#checksum, acknowledged by + or -.
 *
 * Whatever a peer sends, no more than a packet of it is kept.
 */
#ifndef FRONTEND_GDB_PACKET_H
#define FRONTEND_GDB_PACKET_H

#include "cpu/base/fields.h"
#include "cpu/base/types.h"

enum { GDB_PACKET_MAX = 0x4000 }; /* bytes of data, told to gdb as PacketSize */

enum gdb_input {
    GDB_NOTHING, /* yet */
    GDB_PACKET,  /* one is in reader->data */
    GDB_BROKEN,  /* one was damaged, or too long */
    GDB_INTERRUPT,
    GDB_ACK,
    GDB_NAK,
};

struct gdb_reader {
    u8 data[GDB_PACKET_MAX + 1]; /* escapes undone, a 0 behind */
    size_t size;
    u8 state, sum, told; /* told: the checksum's first digit */
    bool escaped, too_long;
};

/* Takes one byte; of what stands between packets, all but interrupts and acknowledgements is ignored. */
enum gdb_input gdb_reader_byte(struct gdb_reader *reader, u8 byte);

/* Appends a packet; bytes that mean something in a frame are escaped. */
void gdb_frame(struct blob *out, const void *data, size_t size);

/* ---- hexadecimal digits */

/* -1: it is none. */
int hex_digit(u8 c);
/* Reads digits, at least one, at most 16, from *at on, which moves behind them. */
bool hex_number(const char **at, u64 *value);
/* Reads pairs of digits; false: there are fewer. */
bool hex_bytes(const char **at, void *bytes, size_t size);
void hex_put(struct blob *out, const void *bytes, size_t size);
void text_put(struct blob *out, const char *text);
void text_printf(struct blob *out, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
