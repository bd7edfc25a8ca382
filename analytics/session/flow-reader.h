/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowReader: watched rows of table flow by the time they were received, as many at a
 * time as memory allows.
 *
 * The rows of a range come in no order, and a partition that is still written to has
 * no index: each reading of it reads all of it.  So a reading asks for as much as there
 * may be, and takes as many whole slices as there is room for. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "session/flow-row.h"

typedef struct {
    GArray *rows;    /* of FlowRow; all that were received in [from, to) */
    int64_t from_us; /* whole slices */
    int64_t to_us;
    uint64_t n_read; /* also those that are of no use */
} FlowBatch;

void flow_reader_init(FlowBatch *batch);
void flow_reader_clear(FlowBatch *batch);

/* Rows of [from, to), of [from, batch->to) in fact: up to about @max_rows, and at least
 * one slice of @slice_us.  Errors: DB_ERROR. */
bool flow_reader_run(PGconn *conn, int64_t from_us, int64_t to_us, int64_t slice_us,
                     size_t max_rows, FlowBatch *batch, GError **error);

/* How long a range to ask for next: what was in this one, and twice as long while it
 * had less than half of @max_rows; a day at most. */
int64_t flow_reader_next_step(const FlowBatch *batch, size_t max_rows);
