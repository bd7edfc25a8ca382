/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/even-counts.h"

#include <math.h>

#include "stats/tail.h"

/* Events a cell that are tried. */
static const double per_cell[] = { 3, 8, 24 };
enum { N_TRIES = sizeof(per_cell) / sizeof(*per_cell), MIN_CELLS = 4 };

/* Sources that are not regular at all, lognormal gaps of sigma 0.8 among them, have a
 * variance of the counts down to this share of the mean. */
#define HELD_APART 0.8

/* Sum of squares of the counts in @n_cells cells. */
static double
sum_squares(const double *times, size_t n_times, double n_cells)
{
    const double span = times[n_times - 1] - times[0];
    double sum = 0;
    double cell = -1;
    double count = 0;

    for (size_t i = 0; i < n_times; i++) {
        const double here =
            fmin(floor((times[i] - times[0]) / span * n_cells), n_cells - 1);

        if (here > cell) {
            sum += count * count;
            count = 0;
            cell = here;
        }
        count++;
    }
    return sum + count * count;
}

/* -log10 of the chance that @n events fall on @n_cells cells equally: the multinomial
 * n! / ((n/k)!^k k^n). */
static double
all_equal(double n, double n_cells)
{
    return (n * log(n_cells) + n_cells * lgamma(n / n_cells + 1) - lgamma(n + 1)) /
           M_LN10;
}

EvenCounts
even_counts(const double *times, size_t n_times)
{
    EvenCounts result = { NAN, 0 };

    if (n_times < 2 || !(times[n_times - 1] > times[0]))
        return result;
    for (int i = 0; i < N_TRIES; i++) {
        const double n = (double) n_times;
        const double n_cells = floor(n / per_cell[i]);

        if (n_cells < MIN_CELLS)
            break;

        const double mean = n / n_cells;
        const double chi_square = sum_squares(times, n_times, n_cells) / mean - n;
        /* Near 0 the chi-square is an approximation of something discrete: it is never
         * less likely than all counts being equal. */
        const double score =
            fmin(tail_chi_square_low(chi_square / HELD_APART, n_cells - 1),
                 all_equal(n, n_cells));

        if (isnan(result.fano))
            result.fano = chi_square / (n_cells - 1);
        result.score = fmax(result.score, score - log10(N_TRIES));
    }
    return result;
}

double
even_counts_presence(const double *times, size_t n_times, size_t n_cells)
{
    double n_seen = 0;
    double cell = -1;

    if (n_times < 2 || !(times[n_times - 1] > times[0]))
        return 0;
    for (size_t i = 0; i < n_times; i++) {
        const double share = (times[i] - times[0]) / (times[n_times - 1] - times[0]);
        const double here = fmin(floor(share * (double) n_cells), (double) n_cells - 1);

        if (here > cell) {
            n_seen++;
            cell = here;
        }
    }
    return n_seen / (double) n_cells;
}
