/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/growing-gaps.h"

#include <math.h>

#include "stats/tail.h"

enum { MIN_GAPS = 5, N_RULES = 2 };

static const double tolerances[] = { 0.02, 0.1, 0.25 };
enum { N_TOLERANCES = sizeof(tolerances) / sizeof(*tolerances) };

/* For gaps of a Poisson source, the density at 0 of ln(g2 / (g0 + g1)) is 2/9 at
 * equality of the sums, and that of ln g2 - 2 ln g1 + ln g0 about 0.13 (three
 * logarithms of exponential variables, weights 1, -2, 1); both by simulation at the
 * widest tolerance, rounded up. */
static const double densities[N_RULES] = { 0.25, 0.15 };

/* Below this mean growth per gap it is a clock. */
#define MIN_GROWTH_LOG 0.12

/* How far gap @i is from its rule, as a logarithm; NaN where it does not grow. */
static double
distance(const double *gaps, size_t i, int rule)
{
    const double a = gaps[i - 2];
    const double b = gaps[i - 1];
    const double c = gaps[i];

    if (!(a > 0 && b > 0 && c > b))
        return NAN;
    return rule == 0 ? log(c / (a + b)) : log(c / b) - log(b / a);
}

static double
growth_of(const double *gaps, size_t n_gaps)
{
    double sum = 0;
    size_t n = 0;

    for (size_t i = 1; i < n_gaps; i++)
        if (gaps[i - 1] > 0 && gaps[i] > gaps[i - 1]) {
            sum += log(gaps[i] / gaps[i - 1]);
            n++;
        }
    return n ? sum / (double) n : 0;
}

GrowingGaps
growing_gaps(const double *gaps, size_t n_gaps)
{
    GrowingGaps result = { 0 };
    const double growth = growth_of(gaps, n_gaps);

    if (n_gaps < MIN_GAPS || growth < MIN_GROWTH_LOG)
        return result;
    for (int rule = 0; rule < N_RULES; rule++)
        for (int t = 0; t < N_TOLERANCES; t++) {
            const double n = (double) n_gaps - 2;
            double hits = 0;

            for (size_t i = 2; i < n_gaps; i++)
                hits += fabs(distance(gaps, i, rule)) <= tolerances[t];

            const double chance = 2 * tolerances[t] * densities[rule];
            const double score = tail_binomial_high(n, hits, chance);

            if (score - log10(N_RULES * N_TOLERANCES) > result.score)
                result = (GrowingGaps){ exp(growth), hits / n,
                                        score - log10(N_RULES * N_TOLERANCES) };
        }
    return result;
}
