/*
 * loop.c: see loop.h.
 *
 * Two threads may sleep here, both in ppoll(). The machine thread sleeps in loop_dispatch(wait)
 * while the processor is halted. The watching thread sleeps while the processor runs; once it has
 * seen a descriptor it calls on_ready and parks on a condition variable, because what it saw stays
 * there until the machine thread has dispatched it, which arms it again. `event` carries kicks and
 * posted work to both; `reload` only makes the watching thread look again (a new descriptor).
 *
 * Deadlines reach it by `timer`: guests move them more often than they let them pass, and to set a
 * timer of the host wakes nobody.
 *
 * In counted mode guest time does not follow the host: nothing here waits for a timer then. The
 * machine advances the clock to the next deadline itself when the processor is halted.
 */
#include "cpu/base/loop.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "cpu/base/mem.h"

struct watch {
    int fd;
    unsigned events;
    void (*ready)(void *opaque, unsigned events);
    void *opaque;
};

struct work {
    void (*run)(void *opaque);
    void *opaque;
    struct work *next;
};

struct loop {
    struct clock *clock;
    int event, reload, timer;
    pthread_t thread;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t arm;
    bool armed, quit;
    i64 timer_at; /* host time at which `timer` expires; CLOCK_NEVER: it is not set */
    struct watch *watches;
    unsigned watch_count, watch_capacity;
    struct work *work, **work_end;
    void (*on_ready)(void *opaque);
    void *on_ready_opaque;

    _Atomic bool idle;     /* the machine thread sleeps, so nobody needs on_ready */
    struct pollfd *polled; /* the machine thread's copy */
    unsigned polled_capacity;
};

static void wake(int fd)
{
    u64 one = 1;
    ssize_t n;
    do {
        n = write(fd, &one, sizeof one); /* EAGAIN: the counter is full, so it is awake already */
    } while (n < 0 && errno == EINTR);
}

static void drain(int fd)
{
    u64 count;
    ssize_t n;
    do {
        n = read(fd, &count, sizeof count);
    } while (n < 0 && errno == EINTR);
}

/* Fills `fds` (resized) with `first` and every watched descriptor; returns how many. Under the
 * lock. */
static unsigned fill_poll(struct loop *loop, struct pollfd **fds, unsigned *capacity,
                          const int *first, unsigned first_count)
{
    unsigned count = loop->watch_count + first_count;
    if (count > *capacity) {
        *fds = mem_resize(*fds, (count + 8) * sizeof **fds);
        *capacity = count + 8;
    }
    for (unsigned i = 0; i < first_count; i++) {
        (*fds)[i] = (struct pollfd){.fd = first[i], .events = POLLIN};
    }
    for (unsigned i = 0; i < loop->watch_count; i++) {
        const struct watch *w = &loop->watches[i];
        short events =
            (short)((w->events & LOOP_READ ? POLLIN : 0) | (w->events & LOOP_WRITE ? POLLOUT : 0));
        (*fds)[first_count + i] = (struct pollfd){.fd = w->fd, .events = events};
    }
    return count;
}

/* Polls until host time `until` (CLOCK_NEVER: for ever). */
static void poll_until(struct pollfd *fds, unsigned count, i64 until)
{
    struct timespec ts, *timeout = NULL;
    if (until != CLOCK_NEVER) {
        i64 left = until - host_now();
        left = left > 0 ? left : 0;
        ts.tv_sec = left / (i64)NS_PER_SECOND;
        ts.tv_nsec = left % (i64)NS_PER_SECOND;
        timeout = &ts;
    }
    if (ppoll(fds, count, timeout, NULL) < 0) {
        for (unsigned i = 0; i < count; i++) {
            fds[i].revents = 0; /* EINTR: the caller looks again */
        }
    }
}

/* Whether `timer` would expire too late. Too early is noticed when it does. Under the lock. */
static bool claim_timer(struct loop *loop, i64 deadline)
{
    bool late = deadline < loop->timer_at;
    loop->timer_at = late ? deadline : loop->timer_at;
    return late;
}

static void set_timer(const struct loop *loop, i64 deadline)
{
    i64 ns = deadline > 0 ? deadline : 1; /* 0 would unset it */
    struct itimerspec spec = {
        .it_value = {.tv_sec = ns / (i64)NS_PER_SECOND, .tv_nsec = ns % (i64)NS_PER_SECOND}};
    timerfd_settime(loop->timer, TFD_TIMER_ABSTIME, &spec, NULL);
}

/* `timer` has expired: whether a deadline is past. Under the lock, so that the machine thread,
 * which alone moves deadlines, cannot set it in between. */
static bool deadline_past(struct loop *loop)
{
    i64 deadline = clock_host_deadline(loop->clock);
    loop->timer_at = CLOCK_NEVER;
    if (deadline != CLOCK_NEVER && deadline <= host_now()) {
        return true;
    }
    if (claim_timer(loop, deadline)) {
        set_timer(loop, deadline);
    }
    return false;
}

/* One sleep of the watching thread, and what it does about what it sees. */
static void watch_once(struct loop *loop, struct pollfd **fds, unsigned *capacity)
{
    int own[] = {loop->event, loop->reload, loop->timer};
    unsigned count = fill_poll(loop, fds, capacity, own, ARRAY_LEN(own));
    pthread_mutex_unlock(&loop->lock);
    poll_until(*fds, count, CLOCK_NEVER);
    bool expired = (*fds)[2].revents, found = (*fds)[0].revents;
    if ((*fds)[1].revents) {
        drain(loop->reload);
    }
    if (expired) {
        drain(loop->timer);
    }
    for (unsigned i = ARRAY_LEN(own); i < count; i++) {
        found |= (*fds)[i].revents != 0;
    }
    pthread_mutex_lock(&loop->lock);
    bool past = expired && deadline_past(loop);
    found &= loop->armed; /* else it has been dispatched meanwhile */
    if (found) {
        loop->armed = false;
    }
    if ((found || past) && loop->on_ready && !atomic_load(&loop->idle)) {
        loop->on_ready(loop->on_ready_opaque);
    }
}

static void *watch_thread(void *opaque)
{
    struct loop *loop = opaque;
    struct pollfd *fds = NULL;
    unsigned capacity = 0;
    pthread_mutex_lock(&loop->lock);
    while (!loop->quit) {
        if (!loop->armed) {
            pthread_cond_wait(&loop->arm, &loop->lock);
        } else {
            watch_once(loop, &fds, &capacity);
        }
    }
    pthread_mutex_unlock(&loop->lock);
    free(fds);
    return NULL;
}

static void deadline_moved(void *opaque)
{
    struct loop *loop = opaque;
    i64 deadline = clock_host_deadline(loop->clock);
    pthread_mutex_lock(&loop->lock);
    bool late = claim_timer(loop, deadline);
    pthread_mutex_unlock(&loop->lock);
    if (late) { /* without the lock: the watching thread may wake at once */
        set_timer(loop, deadline);
    }
}

/* Signals belong to the machine thread: the new thread is born with all of them blocked. */
static bool start_thread(struct loop *loop)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int failed = pthread_create(&loop->thread, NULL, watch_thread, loop);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return !failed;
}

struct loop *loop_create(struct clock *clock)
{
    struct loop *loop = mem_zeroed(1, sizeof *loop);
    loop->clock = clock;
    loop->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    loop->reload = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    loop->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    loop->timer_at = CLOCK_NEVER;
    loop->work_end = &loop->work;
    pthread_mutex_init(&loop->lock, NULL);
    pthread_cond_init(&loop->arm, NULL);
    prctl(PR_SET_TIMERSLACK, 1ul); /* the default of 50 us would make an idle guest's timers late */
    if (loop->event < 0 || loop->reload < 0 || loop->timer < 0 || !start_thread(loop)) {
        fputs("ringside: the host has no descriptor or thread left for the main loop\n", stderr);
        abort();
    }
    clock_on_deadline(clock, deadline_moved, loop);
    return loop;
}

void loop_destroy(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    loop->quit = true;
    pthread_cond_signal(&loop->arm);
    pthread_mutex_unlock(&loop->lock);
    wake(loop->reload);
    pthread_join(loop->thread, NULL);
    clock_forget_deadline(loop->clock, loop);
    while (loop->work) {
        struct work *next = loop->work->next;
        free(loop->work);
        loop->work = next;
    }
    close(loop->event);
    close(loop->reload);
    close(loop->timer);
    pthread_cond_destroy(&loop->arm);
    pthread_mutex_destroy(&loop->lock);
    free(loop->watches);
    free(loop->polled);
    free(loop);
}

static struct watch *find_watch(struct loop *loop, int fd)
{
    for (unsigned i = 0; i < loop->watch_count; i++) {
        if (loop->watches[i].fd == fd) {
            return &loop->watches[i];
        }
    }
    return NULL;
}

static struct watch *add_watch(struct loop *loop)
{
    if (loop->watch_count == loop->watch_capacity) {
        loop->watch_capacity += 8;
        loop->watches = mem_resize(loop->watches, loop->watch_capacity * sizeof *loop->watches);
    }
    return &loop->watches[loop->watch_count++];
}

void loop_watch(struct loop *loop, int fd, unsigned events,
                void (*ready)(void *opaque, unsigned events), void *opaque)
{
    pthread_mutex_lock(&loop->lock);
    struct watch *w = find_watch(loop, fd);
    if (!events) {
        if (w) {
            *w = loop->watches[--loop->watch_count];
        }
    } else {
        w = w ? w : add_watch(loop);
        *w = (struct watch){.fd = fd, .events = events, .ready = ready, .opaque = opaque};
    }
    if (loop->armed) {
        wake(loop->reload);
    }
    pthread_mutex_unlock(&loop->lock);
}

void loop_post(struct loop *loop, void (*run)(void *opaque), void *opaque)
{
    struct work *work = mem_zeroed(1, sizeof *work);
    work->run = run;
    work->opaque = opaque;
    pthread_mutex_lock(&loop->lock);
    *loop->work_end = work;
    loop->work_end = &work->next;
    pthread_mutex_unlock(&loop->lock);
    wake(loop->event);
}

void loop_kick(struct loop *loop)
{
    wake(loop->event);
}

void loop_on_ready(struct loop *loop, void (*on_ready)(void *opaque), void *opaque)
{
    pthread_mutex_lock(&loop->lock);
    loop->on_ready = on_ready;
    loop->on_ready_opaque = opaque;
    pthread_mutex_unlock(&loop->lock);
}

/* Runs what was posted before the call; what that posts in turn waits for the next dispatch. */
static void run_work(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    struct work *work = loop->work;
    loop->work = NULL;
    loop->work_end = &loop->work;
    pthread_mutex_unlock(&loop->lock);
    while (work) {
        struct work *next = work->next;
        work->run(work->opaque);
        free(work);
        work = next;
    }
}

static void run_ready(struct loop *loop, const struct pollfd *fd)
{
    unsigned events = (fd->revents & (POLLIN | POLLHUP | POLLERR | POLLNVAL) ? LOOP_READ : 0) |
                      (fd->revents & POLLOUT ? LOOP_WRITE : 0);
    pthread_mutex_lock(&loop->lock);
    struct watch *found = find_watch(loop, fd->fd); /* an earlier callback may have removed it */
    struct watch w = found ? *found : (struct watch){0};
    pthread_mutex_unlock(&loop->lock);
    bool hung_up = fd->revents & (POLLHUP | POLLERR | POLLNVAL);
    events &= w.events | (hung_up ? LOOP_READ : 0);
    if (found && events) {
        w.ready(w.opaque, events);
    }
}

static i64 wait_until(struct loop *loop, bool wait, i64 timeout_ns)
{
    if (!wait || timeout_ns == 0) {
        return 0;
    }
    i64 until = clock_host_deadline(loop->clock);
    i64 limit;
    if (timeout_ns > 0 && !__builtin_add_overflow(host_now(), timeout_ns, &limit) &&
        limit < until) {
        until = limit;
    }
    return until;
}

void loop_dispatch(struct loop *loop, bool wait, i64 timeout_ns)
{
    pthread_mutex_lock(&loop->lock);
    unsigned count = fill_poll(loop, &loop->polled, &loop->polled_capacity, &loop->event, 1);
    pthread_mutex_unlock(&loop->lock);
    i64 until = wait_until(loop, wait, timeout_ns);
    atomic_store(&loop->idle, wait);
    poll_until(loop->polled, count, until);
    atomic_store(&loop->idle, false);
    if (loop->polled[0].revents) {
        drain(loop->event);
    }
    run_work(loop);
    for (unsigned i = 1; i < count; i++) {
        if (loop->polled[i].revents) {
            run_ready(loop, &loop->polled[i]);
        }
    }
    if (clock_running(loop->clock) && !clock_has_counter(loop->clock)) {
        clock_run_timers(loop->clock);
    }
    deadline_moved(loop);
    pthread_mutex_lock(&loop->lock);
    if (!loop->armed) {
        loop->armed = true;
        pthread_cond_signal(&loop->arm);
    }
    pthread_mutex_unlock(&loop->lock);
}
