/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Phase coherence: do events fall at one phase of a period?
 *
 *     R(T) = |sum exp(2 pi i t / T)| / n
 *
 * Survives missing beats, sampling and other contacts mixed in, but not a clock that
 * wanders: a wait that is jittered anew each time loses its phase.  The period is
 * looked for in the spectrum; its power is compared with the median around it, so that
 * slow changes of rate do not count. */

#include <stddef.h>

typedef struct {
    double period;    /* 0 = none */
    double coherence; /* R at the period */
    double score;     /* nominal -log10 p, the number of periods tried charged for */
} PhaseCoherence;

/* Times rise.  Needs memory for at most 2 * 65536 doubles; NULL memory is a score
 * of 0. */
PhaseCoherence phase_coherence_find(const double *times, size_t n_times);

/* R at @period. */
double phase_coherence(const double *times, size_t n_times, double period);
