/* SPDX-License-Identifier: Apache-2.0 */
#include "session/flow-reader.h"

#include <stdlib.h>

#include "clock.h"
#include "copy-reader.h"
#include "session/contact-reader.h"

#define DOING       "reading flows"
#define MAX_STEP_US (86400 * US_PER_SEC)

typedef struct {
    FlowBatch *batch;
    int64_t slice_us;
    size_t max_rows;
} Reading;

void
flow_reader_init(FlowBatch *batch)
{
    *batch = (FlowBatch){ .rows = g_array_new(FALSE, FALSE, sizeof(FlowRow)) };
}

void
flow_reader_clear(FlowBatch *batch)
{
    g_clear_pointer(&batch->rows, g_array_unref);
}

static int
compare_times(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;

    return (x > y) - (x < y);
}

/* The slice behind the first half of the rows; at least one slice is kept. */
static int64_t
half_of(const Reading *reading)
{
    const GArray *rows = reading->batch->rows;
    g_autofree int64_t *times = g_new(int64_t, rows->len);

    for (guint i = 0; i < rows->len; i++)
        times[i] = g_array_index(rows, FlowRow, i).received_us;
    qsort(times, rows->len, sizeof(*times), compare_times);

    const int64_t half_us =
        times[rows->len / 2] / reading->slice_us * reading->slice_us;
    return MAX(half_us, reading->batch->from_us + reading->slice_us);
}

static void
keep_before(GArray *rows, int64_t to_us)
{
    guint n_kept = 0;

    for (guint i = 0; i < rows->len; i++) {
        const FlowRow *row = &g_array_index(rows, FlowRow, i);

        if (row->received_us < to_us)
            g_array_index(rows, FlowRow, n_kept++) = *row;
    }
    g_array_set_size(rows, n_kept);
}

static bool
take_row(Reader *r, void *user_data, GError **error)
{
    const Reading *reading = user_data;
    FlowBatch *batch = reading->batch;
    FlowRow row;
    const bool usable = flow_row_take(r, &row);

    if (!reader_ok(r) || r->left > 0)
        return copy_reader_refuse(DOING, error);
    if (row.received_us >= batch->to_us)
        return true;

    batch->n_read++;
    if (usable)
        g_array_append_val(batch->rows, row);
    if (batch->rows->len < reading->max_rows ||
        batch->to_us - batch->from_us <= reading->slice_us)
        return true;

    /* One slice may hold more than there should be room for: it is taken whole. */
    batch->to_us = half_of(reading);
    keep_before(batch->rows, batch->to_us);
    batch->n_read = batch->rows->len;
    return true;
}

bool
flow_reader_run(PGconn *conn, int64_t from_us, int64_t to_us, int64_t slice_us,
                size_t max_rows, FlowBatch *batch, GError **error)
{
    Reading reading = { batch, slice_us, max_rows };
    g_autofree char *from = contact_reader_time_literal(from_us);
    g_autofree char *to = contact_reader_time_literal(to_us);
    g_autofree char *sql =
        g_strdup_printf("COPY (SELECT " FLOW_ROW_COLUMNS " FROM flowkeep.flow AS f"
                        " WHERE f.watched <> 0 AND f.received_at >= %s"
                        " AND f.received_at < %s) TO STDOUT (FORMAT binary)",
                        from, to);

    g_array_set_size(batch->rows, 0);
    batch->from_us = from_us;
    batch->to_us = to_us;
    batch->n_read = 0;
    return copy_reader_run(conn, sql, DOING, FLOW_ROW_N_COLUMNS, take_row, &reading,
                           error);
}

int64_t
flow_reader_next_step(const FlowBatch *batch, size_t max_rows)
{
    const int64_t step_us = batch->to_us - batch->from_us;

    return batch->n_read < max_rows / 2 ? MIN(2 * step_us, MAX_STEP_US) : step_us;
}
