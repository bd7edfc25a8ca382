/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Prng: numbers that look random and are the same on every machine.
 *
 * xoshiro256** (Blackman and Vigna, 2018), seeded through splitmix64, so that near
 * seeds give unrelated streams.  A plain value: a trial has its own, made from the
 * seed of the run and the trial's number, and so does not depend on which process or
 * in which order it runs.  Not for secrets. */

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t state[4];
} Prng;

/* Every pair of @seed and @stream gives numbers of its own. */
void prng_seed(Prng *self, uint64_t seed, uint64_t stream);

uint64_t prng_next(Prng *self);
double prng_uniform(Prng *self);                          /* in [0, 1) */
double prng_between(Prng *self, double low, double high); /* in [low, high) */
size_t prng_below(Prng *self, size_t n);                  /* 0 .. n - 1; @n > 0 */
double prng_exponential(Prng *self, double mean);
double prng_normal(Prng *self);

/* exp(ln median + sigma * normal) */
double prng_lognormal(Prng *self, double median, double sigma);

/* Pareto of the second kind (Lomax): from 0, the tail falls as x^-alpha. */
double prng_pareto(Prng *self, double scale, double alpha);
