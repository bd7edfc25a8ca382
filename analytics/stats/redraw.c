/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/redraw.h"

#include <math.h>

double
redraw_window(double median_gap, Xoshiro *random)
{
    return median_gap * (5 + 15 * xoshiro_uniform(random));
}

/* Draws @n even times in rising order on [from, from + length): the sums of n + 1
 * exponential gaps, stretched to fit. */
static void
fill(double *times, size_t n, double from, double length, Xoshiro *random)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum += xoshiro_exponential(random);
        times[i] = sum;
    }
    sum += xoshiro_exponential(random);
    for (size_t i = 0; i < n; i++)
        times[i] = from + length * (sum > 0 ? times[i] / sum : 0);
}

void
redraw(const double *times, size_t n_times, double window, Xoshiro *random,
       double *redrawn)
{
    if (n_times == 0)
        return;

    const double origin = times[0] - window * xoshiro_uniform(random);

    for (size_t i = 0; i < n_times;) {
        const double number = floor((times[i] - origin) / window);
        size_t n = 1;

        while (i + n < n_times && floor((times[i + n] - origin) / window) == number)
            n++;
        fill(redrawn + i, n, origin + number * window, window, random);
        i += n;
    }
}
