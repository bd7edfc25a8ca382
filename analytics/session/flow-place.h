/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowPlace: a row and where it comes: by slice of receive time, and there by its own
 * time.  The order is the same in whatever order the rows were. */

#include <glib.h>

#include "session/flow-row.h"

typedef struct {
    int64_t slice; /* number since 1970 */
    int64_t start_us;
    const FlowRow *row; /* lent */
} FlowPlace;

/* Replaces what is in @places, an array of FlowPlace. */
void flow_place_sort(GArray *places, const FlowRow *rows, size_t n_rows,
                     int64_t slice_us);
