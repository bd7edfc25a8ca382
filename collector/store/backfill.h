/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Backfill: the range of receive times that arrives later than other readers could
 * wait for, so that jobs know what to process again: an import with kept times, or
 * what a worker brings after a long silence.  A plain value. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t late_until_us; /* rows received before this are late; INT64_MAX = all */
    int64_t from_us;       /* of the late rows of this batch; from > to = none */
    int64_t to_us;
    bool is_open; /* there may be an open row of this worker in the table */
} Backfill;

#define BACKFILL_NO_ROWS_FROM INT64_MAX
#define BACKFILL_NO_ROWS_TO   INT64_MIN

static inline Backfill
backfill_until(int64_t late_until_us)
{
    return (Backfill){ late_until_us, BACKFILL_NO_ROWS_FROM, BACKFILL_NO_ROWS_TO,
                       late_until_us != 0 };
}

static inline void
backfill_add(Backfill *self, int64_t received_us)
{
    if (received_us >= self->late_until_us)
        return;
    if (received_us < self->from_us)
        self->from_us = received_us;
    if (received_us > self->to_us)
        self->to_us = received_us;
}

/* In the transaction of a batch: extends the open row by what came, and makes it
 * ready for the jobs when it is @finished. */
bool backfill_write(Backfill *self, PGconn *conn, const char *collector,
                    uint32_t worker, bool finished, GError **error);
