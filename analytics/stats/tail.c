/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/tail.h"

#include <math.h>

double
tail_normal(double z)
{
    if (z < 8) {
        const double p = 0.5 * erfc(z * M_SQRT1_2);

        return fmax(0, -log10(p));
    }
    /* Abramowitz and Stegun 26.2.12, one correction. */
    return (z * z / 2 + log(z) + 0.5 * log(2 * M_PI) - log1p(-1 / (z * z))) / M_LN10;
}

/* n times the divergence of a coin of chance @share from one of chance @p, in nats. */
static double
divergence(double n, double share, double p)
{
    double sum = 0;

    if (share > 0)
        sum += share * log(share / p);
    if (share < 1)
        sum += (1 - share) * (log1p(-share) - log1p(-p));
    return n * sum;
}

static double
binomial(double n, double n_hits, double p)
{
    if (n <= 0)
        return 0;
    /* A chance of exactly 0 or 1 is a rounding of something else. */
    p = fmin(fmax(p, 1e-300), 1 - 1e-15);
    return fmax(0, divergence(n, fmin(fmax(n_hits / n, 0), 1), p) / M_LN10);
}

double
tail_binomial_low(double n, double n_hits, double p)
{
    return n_hits >= n * p ? 0 : binomial(n, n_hits, p);
}

double
tail_binomial_high(double n, double n_hits, double p)
{
    return n_hits <= n * p ? 0 : binomial(n, n_hits, p);
}

double
tail_chi_square_low(double x, double freedom)
{
    if (freedom <= 0)
        return 0;

    const double spread = 2 / (9 * freedom);

    return tail_normal(-(cbrt(x / freedom) - (1 - spread)) / sqrt(spread));
}
