/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/gap-contrast.h"

enum { AROUND = 2, MIN_HITS = 4 };

/* The mean of up to AROUND cells on each side of @peak, which is at least half a hit:
 * beside a lone peak there may be nothing. */
static double
surroundings(const uint16_t *cells, size_t n_cells, size_t peak)
{
    double sum = 0;
    size_t n = 0;

    for (size_t i = peak > AROUND ? peak - AROUND : 0; i <= peak + AROUND; i++)
        if (i < n_cells && i != peak) {
            sum += cells[i];
            n++;
        }
    return n && sum > 0.5 * (double) n ? sum / (double) n : 0.5;
}

double
gap_contrast(const uint16_t *cells, size_t n_cells)
{
    size_t peak = 0;

    for (size_t i = 1; i < n_cells; i++)
        if (cells[i] > cells[peak])
            peak = i;
    if (n_cells == 0 || cells[peak] < MIN_HITS)
        return 0;
    return cells[peak] / surroundings(cells, n_cells, peak);
}
