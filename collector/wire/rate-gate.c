/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/rate-gate.h"

#include "clock.h"

#define N_BUCKETS 1024

/* Tokens are millionths, so that a microsecond brings per_sec of them. */
#define TOKEN US_PER_SEC

typedef struct {
    int64_t tokens;
    int64_t at_us; /* when that was so */
} Bucket;

struct RateGate {
    uint32_t per_sec;
    uint32_t per_sec_and_address;
    uint64_t seed;
    Bucket all;
    Bucket buckets[N_BUCKETS];
};

RateGate *
rate_gate_new(uint32_t per_sec, uint32_t per_sec_and_address)
{
    RateGate *self = g_new0(RateGate, 1);

    self->per_sec = per_sec;
    self->per_sec_and_address = per_sec_and_address;
    self->seed = (uint64_t) g_random_int() << 32 | g_random_int();
    self->all.at_us = INT64_MIN;
    for (size_t i = 0; i < N_BUCKETS; i++)
        self->buckets[i].at_us = INT64_MIN;
    return self;
}

void
rate_gate_free(RateGate *self)
{
    g_free(self);
}

static void
fill(Bucket *bucket, uint32_t per_sec, int64_t mono_us)
{
    const int64_t full = per_sec * TOKEN;

    if (bucket->at_us == INT64_MIN || mono_us - bucket->at_us >= US_PER_SEC)
        bucket->tokens = full;
    else
        bucket->tokens =
            MIN(full, bucket->tokens + (mono_us - bucket->at_us) * per_sec);
    bucket->at_us = mono_us;
}

bool
rate_gate_pass(RateGate *self, const IpAddress *peer, int64_t mono_us)
{
    const uint64_t mixed = (ip_address_hash(peer) ^ self->seed) * 0x9e3779b97f4a7c15u;
    Bucket *bucket = &self->buckets[(mixed >> 32) % N_BUCKETS];

    fill(&self->all, self->per_sec, mono_us);
    fill(bucket, self->per_sec_and_address, mono_us);
    if (self->all.tokens < TOKEN || bucket->tokens < TOKEN)
        return false;

    self->all.tokens -= TOKEN;
    bucket->tokens -= TOKEN;
    return true;
}
