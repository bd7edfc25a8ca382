/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/growing-gaps.h"

#include <math.h>

#include "stats/tail.h"

enum { MIN_GAPS = 5, N_RULES = 2 };

static const double tolerances[] = { 0.02, 0.1, 0.25 };
enum { N_TOLERANCES = sizeof(tolerances) / sizeof(*tolerances) };

/* Densities at 0 of the distances below for gaps of a Poisson source, whether they grow
 * or not, so rather too high: of ln(g2 / (g0 + g1)) it is 1/4; of ln g2 - 2 ln g1 +
 * ln g0 it was 0.14 in a simulation. */
static const double densities[N_RULES] = { 0.25, 0.15 };

/* Below this mean growth per gap it is a clock. */
#define MIN_GROWTH_LOG 0.12

/* Longest over shortest of the gaps that follow the rule. */
#define MIN_REACH 8.0

/* How far gap @i is from its rule, as a logarithm; NaN where gaps do not grow.  The
 * first two may be equal; of beats, some of which are missing, T, T, 2 T is common. */
static double
distance(const double *gaps, size_t i, int rule)
{
    const double a = gaps[i - 2];
    const double b = gaps[i - 1];
    const double c = gaps[i];

    if (!(a > 0 && c > b && b > a * (i == 2 ? 0.5 : 1.05)))
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

/* Gaps that follow the rule; 0 if they do not grow much on the whole. */
static double
count_hits(const double *gaps, size_t n_gaps, int rule, double tolerance)
{
    double hits = 0;
    double shortest = INFINITY;
    double longest = 0;

    for (size_t i = 2; i < n_gaps; i++)
        if (fabs(distance(gaps, i, rule)) <= tolerance) {
            hits++;
            shortest = fmin(shortest, gaps[i]);
            longest = fmax(longest, gaps[i]);
        }
    return longest >= MIN_REACH * shortest ? hits : 0;
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
            const double hits = count_hits(gaps, n_gaps, rule, tolerances[t]);
            const double chance = 2 * tolerances[t] * densities[rule];
            const double score = tail_binomial_high(n, hits, chance);

            if (score - log10(N_RULES * N_TOLERANCES) > result.score)
                result = (GrowingGaps){ exp(growth), hits / n,
                                        score - log10(N_RULES * N_TOLERANCES) };
        }
    return result;
}
