/*
 * packet.c: see packet.h.
 */
#include "frontend/gdb/packet.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum state { BETWEEN, INSIDE, SUM_FIRST, SUM_SECOND };
enum { ESCAPE = '}', ESCAPE_BIT = 0x20, INTERRUPT = 3 };

static void begin(struct gdb_reader *r)
{
    r->size = 0;
    r->sum = 0;
    r->escaped = r->too_long = false;
    r->state = INSIDE;
}

static enum gdb_input between(struct gdb_reader *r, u8 byte)
{
    switch (byte) {
    case '$':
        begin(r);
        return GDB_NOTHING;
    case '+':
        return GDB_ACK;
    case '-':
        return GDB_NAK;
    case INTERRUPT:
        return GDB_INTERRUPT;
    default:
        return GDB_NOTHING;
    }
}

static void inside(struct gdb_reader *r, u8 byte)
{
    if (byte == '$') { /* never part of one: the one before lost its end */
        begin(r);
        return;
    }
    if (byte == '#') {
        r->state = SUM_FIRST;
        return;
    }
    r->sum = (u8)(r->sum + byte);
    if (byte == ESCAPE && !r->escaped) {
        r->escaped = true;
        return;
    }
    if (r->size == GDB_PACKET_MAX) {
        r->too_long = true;
        return;
    }
    r->data[r->size++] = r->escaped ? byte ^ ESCAPE_BIT : byte;
    r->escaped = false;
}

static enum gdb_input end(struct gdb_reader *r, u8 byte)
{
    int first = hex_digit(r->told), second = hex_digit(byte);
    r->state = BETWEEN;
    r->data[r->size] = 0;
    bool good = first >= 0 && second >= 0 && r->sum == first * 16 + second;
    return good && !r->too_long && !r->escaped ? GDB_PACKET : GDB_BROKEN;
}

enum gdb_input gdb_reader_byte(struct gdb_reader *r, u8 byte)
{
    switch (r->state) {
    case BETWEEN:
        return between(r, byte);
    case INSIDE:
        inside(r, byte);
        return GDB_NOTHING;
    case SUM_FIRST:
        r->told = byte;
        r->state = SUM_SECOND;
        return GDB_NOTHING;
    default:
        return end(r, byte);
    }
}

void gdb_frame(struct blob *out, const void *data, size_t size)
{
    const u8 *from = data;
    u8 sum = 0;
    char tail[8];
    text_put(out, "$");
    for (size_t i = 0; i < size; i++) {
        u8 pair[2] = {ESCAPE, from[i] ^ ESCAPE_BIT};
        bool escape = from[i] == '$' || from[i] == '#' || from[i] == ESCAPE || from[i] == '*';
        blob_put(out, escape ? pair : &from[i], escape ? 2 : 1);
        sum = (u8)(sum + (escape ? pair[0] + pair[1] : from[i]));
    }
    snprintf(tail, sizeof tail, "#%02x", sum);
    text_put(out, tail);
}

/* ---- hexadecimal digits */

int hex_digit(u8 c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_number(const char **at, u64 *value)
{
    const char *from = *at;
    *value = 0;
    while (hex_digit((u8)**at) >= 0 && *at - from < 16) {
        *value = *value << 4 | (unsigned)hex_digit((u8)*(*at)++);
    }
    return *at > from && hex_digit((u8)**at) < 0;
}

bool hex_bytes(const char **at, void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit((u8)(*at)[0]), low = high < 0 ? -1 : hex_digit((u8)(*at)[1]);
        if (low < 0) {
            return false;
        }
        ((u8 *)bytes)[i] = (u8)(high << 4 | low);
        *at += 2;
    }
    return true;
}

void hex_put(struct blob *out, const void *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        u8 byte = ((const u8 *)bytes)[i];
        char pair[2] = {digits[byte >> 4], digits[byte & 15]};
        blob_put(out, pair, 2);
    }
}

void text_put(struct blob *out, const char *text)
{
    blob_put(out, text, strlen(text));
}

void text_printf(struct blob *out, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_put(out, text);
}
