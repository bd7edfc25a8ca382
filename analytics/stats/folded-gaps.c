/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/folded-gaps.h"

#include <math.h>
#include <string.h>

#include "stats/local-variation.h"
#include "stats/tail.h"

enum {
    MAX_MEDIANS = 8,
    CELLS_A_MEDIAN = 64,
    N_CELLS = MAX_MEDIANS * CELLS_A_MEDIAN, /* of the histogram of gaps */
    PER_OCTAVE = 22,                        /* periods that are tried: steps of 3.2 % */
    N_PERIODS = 98,
    N_SUMS = N_PERIODS + PER_OCTAVE, /* twice the period is needed, too */
    LANES = 8,
    MAX_FOLD = 6,
};

/* The first period that is tried, in medians of the gaps; the last is 2.6. */
#define SHORTEST 0.12

/* Standard deviation of phi(f) - phi(f/2) between sources without a period: lognormal
 * gaps have a hump, too. */
#define BETWEEN_SOURCES 0.03

/* Counts of gaps by length; returns how many are short enough to tell. */
static double
fill(double *cells, const double *gaps, size_t n_gaps, double median)
{
    size_t n = 0;

    memset(cells, 0, N_CELLS * sizeof(*cells));
    for (size_t i = 0; i < n_gaps; i++) {
        const double place = gaps[i] / median * CELLS_A_MEDIAN;

        if (place >= 0 && place < N_CELLS) {
            cells[(size_t) place] += 1;
            n++;
        }
    }
    return (double) n;
}

/* Means of cos(2 pi gap / period) for LANES periods at once, by Chebyshev's recurrence
 * cos((i+1) x) = 2 cos(x) cos(i x) - cos((i-1) x). */
static void
sum_cosines(const double *cells, const double *periods, double *sums)
{
    double twice[LANES];
    double previous[LANES];
    double now[LANES];
    double sum[LANES] = { 0 };

    for (int k = 0; k < LANES; k++) {
        const double step = 2 * M_PI / periods[k];

        twice[k] = 2 * cos(step);
        previous[k] = now[k] = cos(step / 2); /* the middles of cells -1 and 0 */
    }
    for (int i = 0; i < N_CELLS; i++)
        for (int k = 0; k < LANES; k++) {
            const double next = twice[k] * now[k] - previous[k];

            sum[k] += cells[i] * now[k];
            previous[k] = now[k];
            now[k] = next;
        }
    memcpy(sums, sum, sizeof(sum));
}

/* -log10 of the chance that long gaps are so near to multiples of @period; of random
 * ones cos(2 pi gap / period) has the mean 0 and the variance 1/2. */
static double
score_long(const double *cells, double period_cells)
{
    const int first = (int) ceil(1.5 * period_cells);
    double sum = 0;
    double n = 0;

    for (int i = first; i < N_CELLS; i++)
        if (cells[i] > 0) {
            sum += cells[i] * cos(2 * M_PI * (i + 0.5) / period_cells);
            n += cells[i];
        }
    return n > 0 ? tail_normal(sum * sqrt(2 / n)) : 0;
}

FoldedGaps
folded_gaps_find(const double *gaps, size_t n_gaps, double median)
{
    FoldedGaps best = { 0 };
    double cells[N_CELLS];
    double periods[N_SUMS];
    double sums[N_SUMS];

    if (n_gaps < 4 || !(median > 0))
        return best;

    const double n = fill(cells, gaps, n_gaps, median);

    const double spread = sqrt(n + n * n * BETWEEN_SOURCES * BETWEEN_SOURCES + 1e-9);

    for (int i = 0; i < N_SUMS; i++)
        periods[i] = SHORTEST * exp2((double) i / PER_OCTAVE) * CELLS_A_MEDIAN;
    for (int i = 0; i < N_SUMS; i += LANES)
        sum_cosines(cells, periods + i, sums + i);
    for (int i = 0; i < N_PERIODS; i++) {
        const double z = (sums[i] - sums[i + PER_OCTAVE]) / spread;

        if (z > best.z)
            best =
                (FoldedGaps){ .period = periods[i] / CELLS_A_MEDIAN * median, .z = z };
    }
    if (best.z > 0)
        best.long_score = score_long(cells, best.period / median * CELLS_A_MEDIAN);
    best.score = fmax(0, tail_normal(best.z) - log10(N_PERIODS));
    return best;
}

double
folded_gaps_lv(const double *gaps, size_t n_gaps, double period, double *scratch,
               size_t *n_used, size_t *n_beats)
{
    size_t n = 0;
    size_t beats = 0;

    for (size_t i = 0; i < n_gaps; i++) {
        const double fold = round(gaps[i] / period);

        if (fold < 1 || fold > MAX_FOLD ||
            fabs(gaps[i] - fold * period) > 0.15 * period * sqrt(fold))
            continue;
        scratch[n++] = gaps[i] / fold;
        beats += (size_t) fold;
    }
    *n_used = n;
    *n_beats = beats;
    return local_variation(scratch, n);
}
