/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/xoshiro.h"

#include <math.h>

static uint64_t
rotate_left(uint64_t x, int n_bits)
{
    return x << n_bits | x >> (64 - n_bits);
}

void
xoshiro_seed(Xoshiro *self, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        self->state[i] = z ^ (z >> 31);
    }
}

uint64_t
xoshiro_next(Xoshiro *self)
{
    uint64_t *s = self->state;
    const uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    const uint64_t shifted = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double
xoshiro_uniform(Xoshiro *self)
{
    return (double) (xoshiro_next(self) >> 11) * 0x1p-53;
}

double
xoshiro_exponential(Xoshiro *self)
{
    return -log1p(-xoshiro_uniform(self));
}

double
xoshiro_normal(Xoshiro *self)
{
    /* Box and Muller; the second number is thrown away, which keeps it stateless. */
    const double radius = sqrt(2 * xoshiro_exponential(self));

    return radius * cos(2 * M_PI * xoshiro_uniform(self));
}
