/*
 * server.c: see server.h. Nothing here waits for a peer: what he does not take is queued, and while there is a queue nothing is
 * read.
 */
#include "frontend/gdb/server.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cpu/base/mem.h"

enum { INPUT_MAX = 4096, NAME_MAX_BYTES = 256 };

struct gdb_server {
    struct loop *loop;
    struct gdb *gdb;
    struct chardev *chardev; /* NULL: sockets */
    int listener, peer;      /* -1: none */
    char *path;              /* of a Unix socket, to be removed */
    u8 in[INPUT_MAX];        /* what has come and is not taken yet */
    size_t in_size;
    struct blob out; /* pos: what has gone */
    bool speaking; /* by a chardev: somebody is there */
};

/* ---- a connection */

static void update_watch(struct gdb_server *s);

static void hang_up(struct gdb_server *s)
{
    loop_watch(s->loop, s->peer, 0, NULL, NULL);
    close(s->peer);
    s->peer = -1;
    s->in_size = s->out.size = s->out.pos = 0;
    gdb_closed(s->gdb);
}

/* Writes what the host takes now. False: the peer has gone. */
static bool flush_socket(struct gdb_server *s)
{
    while (s->out.pos < s->out.size) {
        ssize_t n = send(s->peer, s->out.data + s->out.pos, s->out.size - s->out.pos, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno == EAGAIN || errno == EWOULDBLOCK;
        }
        s->out.pos += (size_t)n;
    }
    s->out.pos = s->out.size = 0;
    return true;
}

static void flush_chardev(struct gdb_server *s)
{
    while (s->out.pos < s->out.size && chardev_writable(s->chardev)) {
        size_t taken = chardev_write(s->chardev, s->out.data + s->out.pos, s->out.size - s->out.pos);
        if (!taken) {
            return;
        }
        s->out.pos += taken;
    }
    if (s->out.pos == s->out.size) {
        s->out.pos = s->out.size = 0;
    }
}

/* A peer that is found gone is hung up when the loop tells that his descriptor is at its end. */
static void send_out(void *opaque, const void *data, size_t size)
{
    struct gdb_server *s = opaque;
    if (s->chardev) {
        blob_put(&s->out, data, size);
        flush_chardev(s);
    } else if (s->peer >= 0) {
        blob_put(&s->out, data, size);
        flush_socket(s);
        update_watch(s);
    }
}

static bool is_busy(void *opaque)
{
    return ((struct gdb_server *)opaque)->out.size != 0;
}

/* While a search goes on nothing is read, but looked at. */
static bool is_interrupted(void *opaque)
{
    struct gdb_server *s = opaque;
    u8 next = 0;
    return s->peer >= 0 && recv(s->peer, &next, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && next == 3;
}

/* The stub takes what it can of what has come. */
static void pass_on(struct gdb_server *s)
{
    size_t taken = gdb_input(s->gdb, s->in, s->in_size);
    memmove(s->in, s->in + taken, s->in_size - taken);
    s->in_size -= taken;
}

/* ---- sockets */

static void on_peer(void *opaque, unsigned events)
{
    struct gdb_server *s = opaque;
    bool there = flush_socket(s);
    if (there && events & LOOP_READ && s->in_size < INPUT_MAX && !is_busy(s)) {
        ssize_t n = recv(s->peer, s->in + s->in_size, INPUT_MAX - s->in_size, MSG_DONTWAIT);
        there = n > 0 || (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR));
        s->in_size += n > 0 ? (size_t)n : 0;
    }
    if (!there) {
        hang_up(s);
        return;
    }
    pass_on(s);
    update_watch(s);
}

static void update_watch(struct gdb_server *s)
{
    if (s->peer >= 0) {
        loop_watch(s->loop, s->peer, is_busy(s) ? LOOP_WRITE : LOOP_READ, on_peer, s);
    }
}

/* Whoever comes right after somebody has gone may be seen first. */
static bool has_gone(int peer)
{
    struct pollfd p = {.fd = peer, .events = POLLRDHUP};
    return poll(&p, 1, 0) > 0 && p.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

static void on_listener(void *opaque, unsigned events)
{
    struct gdb_server *s = opaque;
    int on = 1, fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    (void)events;
    if (fd < 0) {
        return;
    }
    if (s->peer >= 0 && has_gone(s->peer)) {
        hang_up(s);
    }
    if (s->peer >= 0) { /* one at a time */
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* packets are small, and each is waited for */
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    s->peer = fd;
    update_watch(s);
    gdb_opened(s->gdb);
}

static int listen_at(const struct addrinfo *a)
{
    int on = 1, fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, 1) < 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static void tell_port(int fd)
{
    struct sockaddr_storage a;
    socklen_t size = sizeof a;
    char port[16];
    if (!getsockname(fd, (struct sockaddr *)&a, &size) &&
        !getnameinfo((struct sockaddr *)&a, size, NULL, 0, port, sizeof port, NI_NUMERICSERV)) {
        fprintf(stderr, "ringside: gdb: port %s\n", port);
    }
}

/* "HOST:PORT", of which HOST may be empty or in brackets. */
static bool listen_tcp(struct gdb_server *s, const char *where, struct error *err)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list;
    char host[NAME_MAX_BYTES];
    const char *colon = strrchr(where, ':');
    size_t length = colon ? (size_t)(colon - where) : 0;
    if (!colon || !colon[1] || length >= sizeof host) {
        return error_set(err, "-gdb tcp:%s: say tcp::PORT or tcp:HOST:PORT", where);
    }
    bool brackets = length > 1 && where[0] == '[' && where[length - 1] == ']';
    snprintf(host, sizeof host, "%.*s", (int)(length - 2 * brackets), where + brackets);
    int failed = getaddrinfo(*host ? host : "127.0.0.1", colon + 1, &hints, &list);
    if (failed) {
        return error_set(err, "-gdb tcp:%s: %s", where, gai_strerror(failed));
    }
    for (const struct addrinfo *a = list; a && s->listener < 0; a = a->ai_next) {
        s->listener = listen_at(a);
    }
    int saved = errno;
    freeaddrinfo(list);
    if (s->listener >= 0 && !strcmp(colon, ":0")) {
        tell_port(s->listener);
    }
    return s->listener >= 0 || error_set(err, "-gdb tcp:%s: %s", where, strerror(saved));
}

static bool listen_unix(struct gdb_server *s, const char *path, struct error *err)
{
    struct stat old;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct addrinfo info = {
        .ai_family = AF_UNIX, .ai_socktype = SOCK_STREAM, .ai_addr = (struct sockaddr *)&a, .ai_addrlen = sizeof a};
    if (!*path || strlen(path) >= sizeof a.sun_path) {
        return error_set(err, "-gdb unix:%s: the path must have 1 to %zu bytes", path, sizeof a.sun_path - 1);
    }
    strcpy(a.sun_path, path);
    if (!lstat(path, &old) && S_ISSOCK(old.st_mode)) {
        unlink(path); /* of somebody who has ended otherwise than by our gdb_server_destroy() */
    }
    s->listener = listen_at(&info);
    if (s->listener < 0) {
        return error_set(err, "-gdb unix:%s: %s", path, strerror(errno));
    }
    s->path = mem_check(strdup(path));
    return true;
}

/* ---- character devices */

static size_t can_take(void *opaque)
{
    struct gdb_server *s = opaque;
    return is_busy(s) ? 0 : INPUT_MAX - s->in_size;
}

/* Who speaks is there; who does not is not missed. */
static void take_input(void *opaque, const u8 *data, size_t size)
{
    struct gdb_server *s = opaque;
    if (!s->speaking) {
        s->speaking = true;
        gdb_opened(s->gdb);
    }
    memcpy(s->in + s->in_size, data, size);
    s->in_size += size;
    pass_on(s);
}

static void writable(void *opaque)
{
    struct gdb_server *s = opaque;
    flush_chardev(s);
    if (!is_busy(s)) {
        pass_on(s);
        chardev_accept(s->chardev);
    }
}

static void attach(struct gdb_server *s, struct chardev *chardev)
{
    s->chardev = chardev;
    chardev_attach(chardev, &(struct char_front){.can_take = can_take, .input = take_input, .writable = writable, .opaque = s});
}

/* ---- life */

bool gdb_server_is_socket(const char *where)
{
    return !strncmp(where, "tcp:", 4) || !strncmp(where, "unix:", 5);
}

struct gdb_server *gdb_server_create(struct machine *m, const char *where, struct chardev *chardev,
                                     const struct gdb_look *look, struct error *err)
{
    struct gdb_server *s = mem_zeroed(1, sizeof *s);
    s->loop = m->loop;
    s->listener = s->peer = -1;
    s->gdb = gdb_create(
        m, look, &(struct gdb_link){.send = send_out, .busy = is_busy, .interrupted = is_interrupted, .opaque = s});
    if (!gdb_server_is_socket(where)) {
        attach(s, chardev);
    } else if (where[0] == 't' ? listen_tcp(s, where + 4, err) : listen_unix(s, where + 5, err)) {
        loop_watch(s->loop, s->listener, LOOP_READ, on_listener, s);
    } else {
        gdb_server_destroy(s, 0);
        return NULL;
    }
    return s;
}

void gdb_server_destroy(struct gdb_server *s, int status)
{
    if (!s) {
        return;
    }
    gdb_destroy(s->gdb, status);
    chardev_attach(s->chardev, NULL);
    if (s->peer >= 0) {
        loop_watch(s->loop, s->peer, 0, NULL, NULL);
        close(s->peer);
    }
    if (s->listener >= 0) {
        loop_watch(s->loop, s->listener, 0, NULL, NULL);
        close(s->listener);
    }
    if (s->path) {
        unlink(s->path);
        free(s->path);
    }
    blob_free(&s->out);
    free(s);
}
