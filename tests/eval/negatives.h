/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Negatives: start times of sources without a period, in seconds from the window's
 * begin.  The six kinds of generators.h, each in a shape for the development set and
 * another for the held-out set. */

#include "generators.h"

/* Replaces @times_sec (of double) by @n times in [0, window_sec), in order; they may be
 * closer to each other than CONTACT_BURST_US. */
void negatives_times(const GeneratorsNegative *what, size_t n, Dice *dice,
                     GArray *times_sec);
