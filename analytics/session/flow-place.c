/* SPDX-License-Identifier: Apache-2.0 */
#include "session/flow-place.h"

#include <stdlib.h>

static int
compare_places(const void *a, const void *b)
{
    const FlowPlace *x = a, *y = b;

    if (x->slice != y->slice)
        return x->slice < y->slice ? -1 : 1;
    if (x->start_us != y->start_us)
        return x->start_us < y->start_us ? -1 : 1;
    return flow_row_compare(x->row, y->row);
}

void
flow_place_sort(GArray *places, const FlowRow *rows, size_t n_rows, int64_t slice_us)
{
    g_array_set_size(places, (guint) n_rows);
    for (size_t i = 0; i < n_rows; i++)
        g_array_index(places, FlowPlace, i) =
            (FlowPlace){ rows[i].received_us / slice_us, rows[i].start_us, &rows[i] };
    if (n_rows > 0)
        qsort(places->data, places->len, sizeof(FlowPlace), compare_places);
}
