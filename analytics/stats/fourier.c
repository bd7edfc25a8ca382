/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/fourier.h"

#include <math.h>

static void
reorder(double *re, double *im, size_t n)
{
    for (size_t i = 1, j = 0; i < n; i++) {
        size_t bit = n >> 1;

        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j) {
            const double kept_re = re[i];
            const double kept_im = im[i];

            re[i] = re[j];
            im[i] = im[j];
            re[j] = kept_re;
            im[j] = kept_im;
        }
    }
}

/* One stage on the block that begins at @re, @im. */
static void
butterflies(double *restrict re, double *restrict im, size_t half,
            const double *restrict turn_re, const double *restrict turn_im)
{
    for (size_t k = 0; k < half; k++) {
        const double x_re = re[k + half] * turn_re[k] - im[k + half] * turn_im[k];
        const double x_im = re[k + half] * turn_im[k] + im[k + half] * turn_re[k];

        re[k + half] = re[k] - x_re;
        im[k + half] = im[k] - x_im;
        re[k] += x_re;
        im[k] += x_im;
    }
}

/* The first two stages at once: their turns are 1 and -i. */
static void
first_stages(double *re, double *im, size_t n)
{
    for (size_t i = 0; i < n; i += 4) {
        double *a = re + i;
        double *b = im + i;
        const double p_re = a[0] + a[1], p_im = b[0] + b[1];
        const double q_re = a[0] - a[1], q_im = b[0] - b[1];
        const double r_re = a[2] + a[3], r_im = b[2] + b[3];
        const double s_re = b[2] - b[3], s_im = a[3] - a[2];

        a[0] = p_re + r_re;
        b[0] = p_im + r_im;
        a[2] = p_re - r_re;
        b[2] = p_im - r_im;
        a[1] = q_re + s_re;
        b[1] = q_im + s_im;
        a[3] = q_re - s_re;
        b[3] = q_im - s_im;
    }
}

void
fourier_transform(double *re, double *im, size_t n, double *turns)
{
    double *turn_re = turns;
    double *turn_im = turns + n / 2;

    reorder(re, im, n);
    first_stages(re, im, n);
    turn_re[0] = 1;
    turn_im[0] = 0;
    turn_re[1] = 0;
    turn_im[1] = -1;
    for (size_t half = 4; half < n; half *= 2) {
        const double step_re = cos(M_PI / (double) half);
        const double step_im = -sin(M_PI / (double) half);

        /* The turns of this stage: every second one is known from the last. */
        for (size_t k = half / 2; k-- > 1;) {
            turn_re[2 * k] = turn_re[k];
            turn_im[2 * k] = turn_im[k];
        }
        for (size_t k = 1; k < half; k += 2) {
            turn_re[k] = turn_re[k - 1] * step_re - turn_im[k - 1] * step_im;
            turn_im[k] = turn_re[k - 1] * step_im + turn_im[k - 1] * step_re;
        }
        for (size_t i = 0; i < n; i += 2 * half)
            butterflies(re + i, im + i, half, turn_re, turn_im);
    }
}

void
fourier_power(double *values, size_t n, double *scratch)
{
    const size_t half = n / 2;
    double *re = scratch;
    double *im = scratch + half;

    /* Even places are the real part, odd ones the imaginary part of a transform of
     * half the length, from which the lines follow by symmetry. */
    for (size_t i = 0; i < half; i++) {
        re[i] = values[2 * i];
        im[i] = values[2 * i + 1];
    }
    fourier_transform(re, im, half, scratch + n);

    const double step_re = cos(2 * M_PI / (double) n);
    const double step_im = -sin(2 * M_PI / (double) n);
    double turn_re = 1;
    double turn_im = 0;

    values[0] = (re[0] + im[0]) * (re[0] + im[0]);
    for (size_t k = 1; k < half; k++) {
        const size_t mirror = half - k;
        const double even_re = (re[k] + re[mirror]) / 2;
        const double even_im = (im[k] - im[mirror]) / 2;
        const double odd_re = (im[k] + im[mirror]) / 2;
        const double odd_im = (re[mirror] - re[k]) / 2;

        /* By recurrence: it is off by some 1e-12 at the end, of a power of no great
         * precision. */
        const double next_re = turn_re * step_re - turn_im * step_im;

        turn_im = turn_re * step_im + turn_im * step_re;
        turn_re = next_re;

        const double line_re = even_re + odd_re * turn_re - odd_im * turn_im;
        const double line_im = even_im + odd_re * turn_im + odd_im * turn_re;

        values[k] = line_re * line_re + line_im * line_im;
    }
}
