/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ExportReader: stored flows of a range of receive times, row by row.
 *
 * One COPY in binary out of one snapshot; a row at a time is held in memory.  What
 * goes along: the columns of flow and those keys of extra that have an element of
 * IPFIX.  Counters are as stored, sampling multiplied out; the rate is not given
 * away, for a collector would multiply again. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "export-row.h"
#include "ip-address.h"

typedef struct {
    int64_t since_us; /* received_at >= since */
    int64_t until_us; /* and < until */
    bool has_host;
    IpAddress host; /* either end */
} ExportRange;

/* Returns false, with @error set, to stop. */
typedef bool (*ExportRowFunc)(const ExportRow *row, void *user_data, GError **error);

/* Errors: DB_ERROR and those of @func. */
bool export_reader_run(PGconn *conn, const ExportRange *range, ExportRowFunc func,
                       void *user_data, GError **error);

/* One tuple of the COPY, without the signature that stands before the first one;
 * false when it is none of ours.  For tests. */
bool export_reader_decode(const uint8_t *bytes, size_t n_bytes, ExportRow *row);
