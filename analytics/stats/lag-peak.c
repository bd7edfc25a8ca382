/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/lag-peak.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "stats/tail.h"

enum {
    N_CELLS = 400,
    MAX_AHEAD = 16, /* k */
    MIN_TIMES = 8,
    PAUSE_PARTS = 8, /* of a lag */
};

#define SHORTEST    4.0   /* lag, in times without an event */
#define CELL_LOG    0.015 /* natural logarithm of a cell's width */
#define LONGEST_GAP 8.0   /* mean gaps that the last cell ends at */

/* Given hits inside and on both sides, a third of them are inside by chance; a little
 * more where the curve bends. */
#define INSIDE 0.345

/* Below this share of the upper side the lower one is no neighbour but a wall. */
#define WALL 0.5

static const int widths[] = { 1, 3, 7, 16 };
enum { N_WIDTHS = sizeof(widths) / sizeof(*widths) };

/* Whether event @i comes first after a pause, seen at the scale of @lag.  Of two bursts
 * of ten, a hundred differences are alike, and yet they are only one. */
static bool
is_first(const double *times, size_t i, double lag, double dead)
{
    return i == 0 || (times[i] - times[i - 1] - dead) * PAUSE_PARTS > lag;
}

/* Running totals: totals[i] differences lie below cell i. */
static void
fill(const double *times, size_t n_times, double dead, double longest, unsigned *totals)
{
    memset(totals, 0, (N_CELLS + 1) * sizeof(*totals));
    for (size_t i = 0; i < n_times; i++)
        for (size_t k = 1; k <= MAX_AHEAD && i + k < n_times; k++) {
            const double lag = times[i + k] - times[i];
            double cells;

            if (lag >= longest)
                break;
            if (lag < SHORTEST * dead || !is_first(times, i, lag, dead) ||
                !is_first(times, i + k, lag, dead))
                continue;
            cells = log(longest / lag) / CELL_LOG; /* back from the end */
            if (cells < N_CELLS)
                totals[N_CELLS - (size_t) cells]++;
        }
    for (size_t i = 1; i <= N_CELLS; i++)
        totals[i] += totals[i - 1];
}

/* Mean of the differences from @low to @high. */
static double
mean_within(const double *times, size_t n_times, double low, double high)
{
    double sum = 0;
    size_t n = 0;

    for (size_t i = 0; i < n_times; i++)
        for (size_t k = 1; k <= MAX_AHEAD && i + k < n_times; k++) {
            const double lag = times[i + k] - times[i];

            if (lag >= high)
                break;
            if (lag >= low) {
                sum += lag;
                n++;
            }
        }
    return n ? sum / (double) n : 0;
}

typedef struct {
    int cell;
    int width;
    double excess;
    double score;
} Band;

/* How sure it is that a band of @hits stands out from its neighbours.
 *
 * Where a source has a shortest gap, the curve rises there like a wall and then falls:
 * that is no peak.  So behind a wall the band must be half as high again as the higher
 * side. */
static double
score_of(double hits, double below, double above)
{
    if (hits <= fmax(below, above))
        return 0;
    if (below < WALL * above)
        return tail_binomial_high(hits + above, hits, 0.6);
    return tail_binomial_high(hits + below + above, hits, INSIDE);
}

static Band
find_band(const unsigned *totals, int first)
{
    Band best = { 0 };

    for (int w = 0; w < N_WIDTHS; w++) {
        const int width = widths[w];

        for (int i = first + width; i + 2 * width <= N_CELLS; i++) {
            const double hits = totals[i + width] - totals[i];
            const double below = totals[i] - totals[i - width];
            const double above = totals[i + 2 * width] - totals[i + width];
            const double score = score_of(hits, below, above);

            if (score > best.score)
                best = (Band){ i, width, hits - (below + above) / 2, score };
        }
    }
    return best;
}

LagPeak
lag_peak_find(const double *times, size_t n_times, double dead)
{
    LagPeak peak = { 0 };
    unsigned totals[N_CELLS + 1];

    if (n_times < MIN_TIMES || !(times[n_times - 1] > times[0]))
        return peak;

    const double mean_gap = (times[n_times - 1] - times[0]) / (double) (n_times - 1);
    const double longest = mean_gap * LONGEST_GAP;

    fill(times, n_times, dead, longest, totals);

    /* Nothing is counted below the shortest, so no band may have it for a neighbour. */
    const double reach =
        ceil(N_CELLS - log(longest / (SHORTEST * dead)) / CELL_LOG) + 1;
    const Band band = find_band(totals, reach > 0 ? (int) fmin(reach, N_CELLS) : 0);

    if (!(band.score > 0))
        return peak;

    const double low = longest * exp(-CELL_LOG * (N_CELLS - band.cell));
    const double high = low * exp(CELL_LOG * band.width);

    peak.lag = mean_within(times, n_times, low, high);
    peak.width = high / low - 1;
    peak.share = band.excess / (double) n_times;
    peak.score = fmax(0, band.score - log10(N_CELLS));
    return peak;
}
