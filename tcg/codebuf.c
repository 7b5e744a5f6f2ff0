/*
 * codebuf.c: a memfd mapped twice, so that no address is ever writable and executable.
 */
#include "tcg/codebuf.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool codebuf_create(struct codebuf *c, size_t bytes, struct error *error)
{
    int fd   = memfd_create("translated code", MFD_CLOEXEC);
    *c       = (struct codebuf){.bytes = bytes};
    bool ok  = fd >= 0 && !ftruncate(fd, (off_t)bytes);
    void *rw = ok ? mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    void *rx = ok ? mmap(NULL, bytes, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (fd >= 0) {
        close(fd);
    }
    c->write = rw == MAP_FAILED ? NULL : rw;
    c->run   = rx == MAP_FAILED ? NULL : rx;
    if (!c->write || !c->run) {
        error_set(error, "no memory for translated code (%s): try -accel interp", strerror(errno));
        codebuf_destroy(c);
        return false;
    }
    return true;
}

void codebuf_destroy(struct codebuf *c)
{
    if (c->write) {
        munmap(c->write, c->bytes);
    }
    if (c->run) {
        munmap((void *)(uintptr_t)c->run, c->bytes);
    }
    *c = (struct codebuf){0};
}
