/*
 * state.c: see state.h.
 */
#include "frontend/lab/state.h"

#include <string.h>

#include "cpu/base/bits.h"
#include "cpu/flags.h"
#include "cpu/mem.h"
#include "cpu/op/op.h"
#include "frontend/machine/counted.h"
#include "frontend/machine/input.h"

/* ---- the hash: four sums of products, 32 bytes a step */

static u64 mix(u64 h, u64 v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15;
    return h ^ h >> 29;
}

u64 hash_bytes(u64 hash, const void *data, size_t size)
{
    const u8 *p = data;
    u64 lane[4] = {hash, hash + 1, hash + 2, hash + 3};
    size_t k = 0;
    for (; k + 32 <= size; k += 32) {
        for (unsigned n = 0; n < 4; n++) {
            lane[n] = mix(lane[n], load64(p + k + 8 * n));
        }
    }
    u64 h = mix(mix(mix(mix(size, lane[0]), lane[1]), lane[2]), lane[3]);
    for (; k < size; k++) {
        h = mix(h, p[k]);
    }
    return mix(h, h >> 32);
}

/* ---- the state */

/* Lazy flags are made plain, and what only asks the run loop to look up is dropped. */
static void settle(struct cpu *cpu)
{
    flags_set_arith(cpu, flags_arith(cpu));
    cpu->cc.result = 0;
    cpu->pending &= ~(u32)(PENDING_EXIT | PENDING_STEP | PENDING_ASK | PENDING_BLOCK | PENDING_AFTER);
}

static void save_registers(struct machine *m, struct blob *blob)
{
    u32 pending = m->cpu->pending;
    settle(m->cpu);
    fields_save(cpu_fields, m->cpu, blob);
    m->cpu->pending = pending;
}

void state_save(struct machine *m, struct blob *blob)
{
    i64 now = clock_now(m->clock);
    for (unsigned i = 0; i < m->device_count; i++) {
        device_save(m->devices[i], blob);
    }
    save_registers(m, blob);
    blob_put(blob, &now, sizeof now);
    u32 requests = m->requests & ~(u32)(REQUEST_QUIT | REQUEST_PAUSE);
    blob_put(blob, &requests, sizeof requests);
    input_save(m->input, blob);
}

bool state_load(struct machine *m, struct blob *blob, struct error *err)
{
    i64 now;
    u32 requests;
    for (unsigned i = 0; i < m->device_count; i++) {
        if (!device_load(m->devices[i], blob, err)) {
            return false;
        }
    }
    if (!fields_load(cpu_fields, m->cpu, blob, err)) {
        return false;
    }
    if (!blob_get(blob, &now, sizeof now) || !blob_get(blob, &requests, sizeof requests) || !input_load(m->input, blob)) {
        return error_set(err, "saved state ends too early");
    }
    m->requests = requests | (m->requests & REQUEST_QUIT);
    m->cpu->alone = false;
    m->cpu->current = NULL;
    cpu_update_mode(m->cpu);
    tlb_flush(&m->cpu->tlb);
    counted_set_time(m, now);
    pmu_loaded(m->cpu);
    cpu_kick(m->cpu); /* somebody may have asked for attention */
    return true;
}

u64 state_hash_registers(struct machine *m)
{
    struct blob blob = {0};
    save_registers(m, &blob);
    u64 hash = hash_bytes(0, blob.data, blob.size);
    blob_free(&blob);
    return hash;
}

u64 state_hash(struct machine *m)
{
    struct blob blob = {0};
    unsigned requests = m->requests;
    m->requests = 0;
    state_save(m, &blob);
    m->requests = requests;
    u64 hash = hash_bytes(0, blob.data, blob.size);
    blob_free(&blob);
    return hash_bytes(hash, m->ram.host, m->ram.size);
}
