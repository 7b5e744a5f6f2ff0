/*
 * machine.c: see machine.h. The run loop, and requests to reset, power off and quit.
 */
#include "frontend/machine/machine.h"

#include <assert.h>

#include "cpu/base/log.h"
#include "cpu/base/mem.h"
#include "cpu/op/op.h"
#include "frontend/machine/counted.h"

enum { MEMORY_BITS = 52, PORT_BITS = 16 };

static void kick(void *opaque)
{
    struct machine *m = opaque;
    if (m->cpu) {
        cpu_kick(m->cpu);
    }
}

struct machine *machine_create(void)
{
    struct machine *m = mem_zeroed(1, sizeof *m);
    m->clock = clock_create();
    m->loop = loop_create(m->clock);
    m->memory = space_create("memory", MEMORY_BITS);
    m->ports = space_create("ports", PORT_BITS);
    return m;
}

static void tell_gone(struct machine *m)
{
    while (m->listeners) {
        struct machine_listener *l = m->listeners;
        m->listeners = l->next;
        if (l->gone) {
            l->gone(l->opaque);
        }
    }
}

void machine_dismantle(struct machine *m)
{
    tell_gone(m);
    loop_on_ready(m->loop, NULL, NULL);
    for (unsigned i = m->device_count; i-- > 0;) {
        device_destroy(m->devices[i]);
    }
    pc_destroy(m);
    m->device_count = 0;
    accel_detach(m->cpu);
    if (m->cpu) {
        timer_cancel(&m->perf_timer);
    }
    cpu_destroy(m->cpu);
    m->cpu = NULL;
}

void machine_destroy(struct machine *m)
{
    space_destroy(m->ports);
    space_destroy(m->memory);
    if (m->ram.host) {
        region_destroy(&m->ram);
    }
    loop_destroy(m->loop);
    clock_destroy(m->clock);
    free(m);
}

struct device *machine_add(struct machine *m, struct device *device)
{
    assert(m->device_count < MACHINE_DEVICES);
    m->devices[m->device_count++] = device;
    return device;
}

/* ---- requests: taken between two calls of cpu_run() */

static void request(struct machine *m, enum machine_request what)
{
    m->requests |= what;
    kick(m);
    loop_kick(m->loop);
}

void machine_request_reset(struct machine *m)
{
    request(m, REQUEST_RESET);
}

void machine_quit(struct machine *m, int status)
{
    if (!(m->requests & REQUEST_QUIT)) {
        m->exit_status = status;
    }
    request(m, REQUEST_QUIT);
}

void machine_request_pause(struct machine *m)
{
    request(m, REQUEST_PAUSE);
}

void machine_listen(struct machine *m, struct machine_listener *listener)
{
    struct machine_listener **link = &m->listeners;
    while (*link) {
        link = &(*link)->next;
    }
    listener->next = NULL;
    *link = listener;
}

void machine_forget(struct machine *m, const struct machine_listener *listener)
{
    struct machine_listener **link = &m->listeners;
    while (*link && *link != listener) {
        link = &(*link)->next;
    }
    if (*link) {
        *link = listener->next;
    }
}

static void tell_changed(struct machine *m)
{
    for (struct machine_listener *l = m->listeners, *next; l; l = next) {
        next = l->next;
        if (l->changed) {
            l->changed(l->opaque);
        }
    }
}

void machine_pause(struct machine *m)
{
    if (!m->paused) {
        m->paused = true;
        clock_stop(m->clock);
        kick(m);
        tell_changed(m);
    }
}

void machine_continue(struct machine *m)
{
    if (m->paused) {
        m->paused = false;
        clock_start(m->clock);
        loop_kick(m->loop);
        tell_changed(m);
    }
}

static void reset(struct machine *m)
{
    m->resets++;
    for (unsigned i = 0; i < m->device_count; i++) {
        device_reset(m->devices[i]);
    }
    cpu_reset(m->cpu, false);
    pc_reset(m);
    m->cpu_idle = false;
    tell_changed(m);
}

void machine_take_requests(struct machine *m)
{
    unsigned requests = m->requests & ~(unsigned)REQUEST_QUIT;
    m->requests &= REQUEST_QUIT;
    if (requests & REQUEST_PAUSE) {
        machine_pause(m);
    }
    if (requests & REQUEST_RESET) {
        if (m->config.no_reboot) {
            machine_quit(m, 0);
        } else {
            reset(m);
        }
    }
    if (requests & REQUEST_POWER_OFF) {
        if (m->config.no_shutdown) {
            machine_pause(m);
        } else {
            machine_quit(m, 0);
        }
    }
}

/* Lets the processor run. Returns how long to wait for something to happen, as loop_dispatch() takes it; 0: not at all. */
static i64 run(struct machine *m)
{
    if (m->config.counted) {
        return counted_run(m);
    }
    m->cpu_idle = !cpu_run(m->cpu);
    return m->cpu_idle ? -1 : cpu_rest(m->cpu);
}

i64 machine_slice(struct machine *m)
{
    i64 wait = run(m);
    if (!m->config.counted) {
        clock_run_timers(m->clock);
    }
    return wait;
}

int machine_run(struct machine *m)
{
    loop_on_ready(m->loop, kick, m);
    if (m->config.counted) {
        counted_open(m);
    }
    if (!m->paused) {
        clock_start(m->clock);
    }
    loop_dispatch(m->loop, false, 0);
    for (;;) {
        machine_take_requests(m);
        if (m->requests & REQUEST_QUIT) {
            break;
        }
        i64 wait = m->paused ? -1 : run(m);
        loop_dispatch(m->loop, wait && !m->requests, wait);
    }
    clock_stop(m->clock);
    return m->exit_status;
}
