/* SPDX-License-Identifier: Apache-2.0 */
#include "prng.h"

#include <math.h>

static uint64_t
rotate_left(uint64_t value, unsigned n_bits)
{
    return value << n_bits | value >> (64 - n_bits);
}

static uint64_t
splitmix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void
prng_seed(Prng *self, uint64_t seed, uint64_t stream)
{
    uint64_t state = seed;

    state = splitmix(&state) ^ (stream * UINT64_C(0xd1342543de82ef95) + 1);
    for (unsigned i = 0; i < 4; i++)
        self->state[i] = splitmix(&state);
}

uint64_t
prng_next(Prng *self)
{
    uint64_t *s = self->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double
prng_uniform(Prng *self)
{
    return (double) (prng_next(self) >> 11) * 0x1p-53;
}

double
prng_between(Prng *self, double low, double high)
{
    return low + (high - low) * prng_uniform(self);
}

size_t
prng_below(Prng *self, size_t n)
{
    return (size_t) (prng_uniform(self) * (double) n);
}

double
prng_exponential(Prng *self, double mean)
{
    return -mean * log1p(-prng_uniform(self));
}

double
prng_normal(Prng *self)
{
    /* Box and Muller; the second value is not kept, so that a stream is a function
     * of how often it was asked. */
    double radius = sqrt(-2.0 * log1p(-prng_uniform(self)));

    return radius * cos(2.0 * M_PI * prng_uniform(self));
}

double
prng_lognormal(Prng *self, double median, double sigma)
{
    return median * exp(sigma * prng_normal(self));
}

double
prng_pareto(Prng *self, double scale, double alpha)
{
    return scale * (pow(1.0 - prng_uniform(self), -1.0 / alpha) - 1.0);
}
