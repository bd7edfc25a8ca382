/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/bounded-gaps.h"

#include <math.h>
#include <string.h>

#include "stats/quantile.h"
#include "stats/tail.h"

/* Shares of gaps that may be long for other reasons; each try is charged for. */
static const double allowances[] = { 0, 0.01, 0.02 };
enum { N_ALLOWANCES = sizeof(allowances) / sizeof(*allowances) };

static double
light_tail(const double *gaps, size_t n_gaps, double from)
{
    double excess = 0;
    double logs = 0;
    double n = 0;

    for (size_t i = 0; i < n_gaps; i++)
        if (gaps[i] > from) {
            excess += gaps[i] - from;
            logs += log(gaps[i] / from);
            n++;
        }
    if (!(logs > 0))
        return 0;

    /* Per gap, at the best mean excess and the best exponent n / logs. */
    const double exponential = -log(excess / n) - 1;
    const double pareto = log(n / logs) - log(from) - 1 - logs / n;

    return fmax(0, n * (exponential - pareto) / M_LN10);
}

BoundedGaps
bounded_gaps(const double *gaps, size_t n_gaps, double *scratch)
{
    BoundedGaps result = { NAN, NAN, NAN, 0, 0 };

    if (n_gaps < 3)
        return result;
    memcpy(scratch, gaps, n_gaps * sizeof(*gaps));
    result.median = quantile_median(scratch, n_gaps);
    if (!(result.median > 0))
        return result;

    /* The median is an estimate, too: taken for longer by about its own error. */
    const double slack = 1.03 + 1 / sqrt((double) n_gaps);
    result.light_tail = light_tail(gaps, n_gaps, result.median);

    size_t tried = n_gaps; /* so that the same rank is not tried again */

    for (int i = 0; i < N_ALLOWANCES; i++) {
        const size_t n_over = (size_t) (allowances[i] * (double) n_gaps);

        if (n_over == tried)
            continue;
        tried = n_over;

        const double reach =
            quantile_select(scratch, n_gaps, n_gaps - 1 - n_over) / result.median;
        const double score =
            tail_binomial_low((double) n_gaps, (double) n_over, exp2(-reach * slack));

        if (i == 0)
            result.max_over_median = reach;
        result.score = fmax(result.score, score - log10(N_ALLOWANCES));
    }
    result.mad_over_median =
        quantile_mad(scratch, n_gaps, result.median) / result.median;
    return result;
}
