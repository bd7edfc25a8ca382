/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/phase-coherence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/fourier.h"
#include "stats/quantile.h"

enum {
    MIN_CELLS = 2048,
    MAX_CELLS = 32768,
    CELLS_PER_EVENT = 16,
    MIN_CYCLES = 8, /* fewer in the span are drift, not a period */
    BLOCK = 40,     /* lines of the spectrum that make a local level */
    MIN_TIMES = 6,
    PAUSE_PARTS = 8, /* of a period */
};

static size_t
count_cells(size_t n_times)
{
    size_t n = MIN_CELLS;

    while (n < MAX_CELLS && n < CELLS_PER_EVENT * n_times)
        n *= 2;
    return n;
}

double
phase_coherence(const double *times, size_t n_times, double period)
{
    double re = 0;
    double im = 0;

    for (size_t i = 0; i < n_times; i++) {
        const double angle = 2 * M_PI * (times[i] - times[0]) / period;

        re += cos(angle);
        im += sin(angle);
    }
    return n_times ? hypot(re, im) / (double) n_times : 0;
}

/* The spectrum of the counts in @n_cells, padded to twice the length so that no period
 * falls between two lines.  Leaves the power of line k in power[k], k < n_cells.
 * @power: 2 @n_cells values, @scratch twice as many. */
static void
make_spectrum(const double *times, size_t n_times, size_t n_cells, double *power,
              double *scratch)
{
    const double span = times[n_times - 1] - times[0];
    const double mean = (double) n_times / (double) n_cells;

    memset(power, 0, 2 * n_cells * sizeof(*power));
    for (size_t i = 0; i < n_times; i++) {
        const double place = (times[i] - times[0]) / span * (double) n_cells;
        const size_t cell = (size_t) place;

        power[cell < n_cells ? cell : n_cells - 1] += 1;
    }
    for (size_t i = 0; i < n_cells; i++)
        power[i] -= mean;
    fourier_power(power, 2 * n_cells, scratch);
}

/* Median power of a block's lines, as a mean (of an exponential variable the median is
 * ln 2 of it).  0 = too few lines there. */
static double
local_level(const double *power, size_t n_lines, size_t block)
{
    double around[BLOCK];
    size_t n = 0;

    for (size_t k = block * BLOCK; k < (block + 1) * BLOCK && k < n_lines; k++)
        if (k >= MIN_CYCLES)
            around[n++] = power[k];
    return n < BLOCK / 4 ? 0 : quantile_median(around, n) / M_LN2;
}

/* Sharpens @period, found to a line's width. */
static PhaseCoherence
refine(const double *times, size_t n_times, double line, double width)
{
    const double span = times[n_times - 1] - times[0];
    PhaseCoherence best = { 0 };

    for (int i = -2; i <= 2; i++) {
        const double period = span / (line + width * i / 4);
        const double coherence = phase_coherence(times, n_times, period);

        if (coherence > best.coherence)
            best = (PhaseCoherence){ period, coherence, 0 };
    }
    return best;
}

/* -log10 of the chance that as many events as come first after a pause share a phase
 * so well (Rayleigh).  The others of a burst are no evidence of their own. */
static double
rayleigh(const double *times, size_t n_times, double period)
{
    double re = 0;
    double im = 0;
    double n = 0;

    for (size_t i = 0; i < n_times; i++) {
        const double angle = 2 * M_PI * (times[i] - times[0]) / period;

        if (i > 0 && (times[i] - times[i - 1]) * PAUSE_PARTS <= period)
            continue;
        re += cos(angle);
        im += sin(angle);
        n++;
    }
    return (re * re + im * im) / n / M_LN10;
}

/* The line that stands out most from the levels on both sides of its block, and by how
 * much. */
static size_t
find_line(const double *power, size_t n_lines, double *excess)
{
    double below = local_level(power, n_lines, 0);
    double here = local_level(power, n_lines, 0);
    size_t best = 0;

    *excess = 0;
    for (size_t block = 0; block * BLOCK < n_lines; block++) {
        const double above = local_level(power, n_lines, block + 1);
        const double level = fmax(fmax(below, above), 1e-9);

        for (size_t k = block * BLOCK; k < (block + 1) * BLOCK && k < n_lines; k++)
            if (k >= 2 * MIN_CYCLES && power[k] / level > *excess) {
                *excess = power[k] / level;
                best = k;
            }
        below = here;
        here = above;
    }
    return best;
}

PhaseCoherence
phase_coherence_find(const double *times, size_t n_times)
{
    PhaseCoherence best = { 0 };
    const size_t n_cells = count_cells(n_times);
    double *power = NULL;
    double excess = 0;

    if (n_times < MIN_TIMES || !(times[n_times - 1] > times[0]))
        return best;
    power = malloc(6 * n_cells * sizeof(*power));
    if (!power)
        return best;
    make_spectrum(times, n_times, n_cells, power, power + 2 * n_cells);

    const size_t line = find_line(power, n_cells, &excess);

    free(power);
    if (line == 0)
        return best;
    best = refine(times, n_times, (double) line / 2, 0.5);

    const double score = fmin(excess / M_LN10, rayleigh(times, n_times, best.period));

    best.score = fmax(0, score - log10((double) n_cells));
    return best;
}
