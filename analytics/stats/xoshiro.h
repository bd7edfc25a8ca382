/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Xoshiro: random numbers that can be had again.
 *
 * xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number generators",
 * 2021), its state filled by splitmix64.  The same seed gives the same numbers on every
 * machine: a verdict that rests on them can be replayed.  Not for secrets. */

#include <stdint.h>

typedef struct {
    uint64_t state[4];
} Xoshiro;

void xoshiro_seed(Xoshiro *self, uint64_t seed);
uint64_t xoshiro_next(Xoshiro *self);
double xoshiro_uniform(Xoshiro *self);     /* [0, 1) */
double xoshiro_exponential(Xoshiro *self); /* mean 1 */
double xoshiro_normal(Xoshiro *self);      /* mean 0, variance 1 */
