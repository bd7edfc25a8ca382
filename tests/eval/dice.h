/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Dice: numbers that look random and are the same on every machine, for what is made
 * up.
 *
 * xoshiro256** (Blackman and Vigna, 2018), seeded through splitmix64, so that near
 * seeds give unrelated streams.  A plain value: a trial has its own, made from the
 * seed of the run and the trial's number, and so does not depend on which process or
 * in which order it runs.  Not for secrets. */

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t state[4];
} Dice;

/* Every pair of @seed and @stream gives numbers of its own. */
void dice_seed(Dice *self, uint64_t seed, uint64_t stream);

uint64_t dice_next(Dice *self);
double dice_uniform(Dice *self);                          /* in [0, 1) */
double dice_between(Dice *self, double low, double high); /* in [low, high) */
size_t dice_below(Dice *self, size_t n);                  /* 0 .. n - 1; @n > 0 */
double dice_exponential(Dice *self, double mean);
double dice_normal(Dice *self);

/* exp(ln median + sigma * normal) */
double dice_lognormal(Dice *self, double median, double sigma);

/* Pareto of the second kind (Lomax): from 0, the tail falls as x^-alpha. */
double dice_pareto(Dice *self, double scale, double alpha);
