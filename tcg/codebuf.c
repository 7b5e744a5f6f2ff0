/*
 * codebuf.c: shared memory mapped twice, so that no address is ever writable and executable.
 *
 * It is anonymous and not a memfd, since perf takes the latter for a file and does not look into its map of translated code.
 */
#include "tcg/codebuf.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

bool codebuf_create(struct codebuf *c, size_t bytes, size_t data_bytes, struct error *error)
{
    *c       = (struct codebuf){.bytes = bytes, .data_bytes = data_bytes};
    void *rx = mmap(NULL, bytes + data_bytes, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    void *rw = rx == MAP_FAILED ? MAP_FAILED : mremap(rx, 0, bytes, MREMAP_MAYMOVE); /* old size 0: a second mapping */
    c->run   = rx == MAP_FAILED ? NULL : rx;
    c->write = rw == MAP_FAILED ? NULL : rw;
    c->data  = rx == MAP_FAILED ? NULL : (u8 *)rx + bytes;
    if (!c->write || mprotect(c->write, bytes, PROT_READ | PROT_WRITE) || mprotect(c->data, data_bytes, PROT_READ | PROT_WRITE)) {
        error_set(error, "no memory for translated code (%s): try -accel interp", strerror(errno));
        codebuf_destroy(c);
        return false;
    }
    return true;
}

void codebuf_rest(const struct codebuf *c)
{
    madvise(c->write, c->bytes, MADV_DONTNEED); /* of shared memory it drops only the mapping */
}

void codebuf_destroy(struct codebuf *c)
{
    if (c->write) {
        munmap(c->write, c->bytes);
    }
    if (c->run) {
        munmap((void *)(uintptr_t)c->run, c->bytes + c->data_bytes);
    }
    *c = (struct codebuf){0};
}
