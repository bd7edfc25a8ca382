/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Contrast of a histogram of gaps on a logarithmic scale: its highest cell against the
 * mean of the cells around it, which is a little above 1 for anything smooth.  0 for an
 * empty histogram.  Cells with fewer than 4 hits are no peak. */

#include <stddef.h>
#include <stdint.h>

double gap_contrast(const uint16_t *cells, size_t n_cells);
