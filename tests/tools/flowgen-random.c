/* SPDX-License-Identifier: Apache-2.0 */
#include "flowgen-random.h"

#include <math.h>

#define EXACT_BELOW 50

/* splitmix64, to spread a seed */
static uint64_t
spread(uint64_t *x)
{
    uint64_t z = (*x += 0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

FlowgenRandom
flowgen_random_new(uint64_t seed)
{
    FlowgenRandom self;

    self.state[0] = spread(&seed);
    self.state[1] = spread(&seed);
    return self;
}

uint64_t
flowgen_random_seed(uint64_t seed, uint64_t number)
{
    uint64_t mixed = spread(&seed) ^ number;

    return spread(&mixed);
}

uint64_t
flowgen_random_seed_of(uint64_t seed, const char *name)
{
    for (; *name; name++)
        seed = flowgen_random_seed(seed, (uint8_t) *name);
    return seed;
}

double
flowgen_random_exponential(FlowgenRandom *self, double mean)
{
    return -mean * log(1 - flowgen_random_share(self));
}

/* Box and Muller */
double
flowgen_random_normal(FlowgenRandom *self)
{
    const double u = 1 - flowgen_random_share(self);
    const double v = flowgen_random_share(self);

    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

double
flowgen_random_lognormal(FlowgenRandom *self, double median, double sigma)
{
    return median * exp(sigma * flowgen_random_normal(self));
}

/* By the distances from one that happens to the next, which are geometric. */
static uint64_t
count_few(FlowgenRandom *self, uint64_t n, double p)
{
    uint64_t count = 0;
    double at = 0;

    for (;;) {
        at += floor(log(1 - flowgen_random_share(self)) / log1p(-p)) + 1;
        if (!(at <= n))
            return count;
        count++;
    }
}

uint64_t
flowgen_random_binomial(FlowgenRandom *self, uint64_t n, double p)
{
    if (p <= 0 || n == 0)
        return 0;
    if (p >= 1)
        return n;
    if (p > 0.5)
        return n - flowgen_random_binomial(self, n, 1 - p);
    if (n * p < EXACT_BELOW)
        return count_few(self, n, p);

    const double drawn = n * p + sqrt(n * p * (1 - p)) * flowgen_random_normal(self);
    return drawn < 0 ? 0 : MIN((uint64_t) (drawn + 0.5), n);
}
