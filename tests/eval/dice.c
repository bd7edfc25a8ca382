/* SPDX-License-Identifier: Apache-2.0 */
#include "dice.h"

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
dice_seed(Dice *self, uint64_t seed, uint64_t stream)
{
    uint64_t state = seed;

    state = splitmix(&state) ^ (stream * UINT64_C(0xd1342543de82ef95) + 1);
    for (unsigned i = 0; i < 4; i++)
        self->state[i] = splitmix(&state);
}

uint64_t
dice_next(Dice *self)
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
dice_uniform(Dice *self)
{
    return (double) (dice_next(self) >> 11) * 0x1p-53;
}

double
dice_between(Dice *self, double low, double high)
{
    return low + (high - low) * dice_uniform(self);
}

size_t
dice_below(Dice *self, size_t n)
{
    return (size_t) (dice_uniform(self) * (double) n);
}

double
dice_exponential(Dice *self, double mean)
{
    return -mean * log1p(-dice_uniform(self));
}

double
dice_normal(Dice *self)
{
    /* Box and Muller; the second value is not kept, so that a stream is a function
     * of how often it was asked. */
    double radius = sqrt(-2.0 * log1p(-dice_uniform(self)));

    return radius * cos(2.0 * M_PI * dice_uniform(self));
}

double
dice_lognormal(Dice *self, double median, double sigma)
{
    return median * exp(sigma * dice_normal(self));
}

double
dice_pareto(Dice *self, double scale, double alpha)
{
    return scale * (pow(1.0 - dice_uniform(self), -1.0 / alpha) - 1.0);
}
