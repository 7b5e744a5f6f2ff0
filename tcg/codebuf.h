/*
 * codebuf.h: memory for translated code: one piece of memory at two addresses, writable at one, executable at the other.
 */
#ifndef TCG_CODEBUF_H
#define TCG_CODEBUF_H

#include "cpu/base/error.h"
#include "cpu/base/types.h"

struct codebuf {
    u8       *write;
    const u8 *run;
    u8       *data; /* behind `run`, within reach of code, and written there: code itself may write it often */
    size_t    bytes, data_bytes;
};

/* Both sizes are multiples of a page. */
bool codebuf_create(struct codebuf *c, size_t bytes, size_t data_bytes, struct error *error);
void codebuf_destroy(struct codebuf *c);

/* Until the next write: the addresses for writing give their pages back, which does not change what they hold. */
void codebuf_rest(const struct codebuf *c);

/* Where what is written at `p` runs, and back. */
static inline const u8 *codebuf_run(const struct codebuf *c, const u8 *p)
{
    return c->run + (p - c->write);
}

static inline u8 *codebuf_write(const struct codebuf *c, const u8 *p)
{
    return c->write + (p - c->run);
}

#endif
