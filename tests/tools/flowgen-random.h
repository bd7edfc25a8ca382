/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowgenRandom: random numbers that are the same everywhere for the same seed.
 * Plain data, copied by assignment: a copy goes on as the original does. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t state[2];
} FlowgenRandom;

FlowgenRandom flowgen_random_new(uint64_t seed);

/* The seed of a sequence that has nothing to do with that of @seed, by a number or a
 * name. */
uint64_t flowgen_random_seed(uint64_t seed, uint64_t number);
uint64_t flowgen_random_seed_of(uint64_t seed, const char *name);

/* 64 random bits: xoroshiro128+ */
static inline uint64_t
flowgen_random_next(FlowgenRandom *self)
{
    const uint64_t a = self->state[0];
    uint64_t b = self->state[1];
    const uint64_t result = a + b;

    b ^= a;
    self->state[0] = ((a << 24) | (a >> 40)) ^ b ^ (b << 16);
    self->state[1] = (b << 37) | (b >> 27);
    return result;
}

/* 0 .. @n - 1 */
static inline uint32_t
flowgen_random_below(FlowgenRandom *self, uint32_t n)
{
    return (flowgen_random_next(self) >> 32) * n >> 32;
}

/* 0 <= x < 1 */
static inline double
flowgen_random_share(FlowgenRandom *self)
{
    return (double) (flowgen_random_next(self) >> 11) / (UINT64_C(1) << 53);
}

static inline bool
flowgen_random_chance(FlowgenRandom *self, double share)
{
    return flowgen_random_share(self) < share;
}

/* The time to the next of events that come on average @mean apart. */
double flowgen_random_exponential(FlowgenRandom *self, double mean);

/* Mean 0, deviation 1. */
double flowgen_random_normal(FlowgenRandom *self);

/* @median times or divided by a factor, log-normal; @sigma is the deviation of the
 * natural logarithm. */
double flowgen_random_lognormal(FlowgenRandom *self, double median, double sigma);

/* How many of @n happen, of which each has the probability @p.  Exact where fewer
 * than about 50 are expected (or do not happen), else by the normal distribution. */
uint64_t flowgen_random_binomial(FlowgenRandom *self, uint64_t n, double p);
