/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* PgCell: one value of a result in text format, as C has it. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

static inline bool
pg_cell_is_null(const PGresult *rows, int row, int column)
{
    return PQgetisnull(rows, row, column) == 1;
}

/* NULL for SQL NULL; lent as long as @rows. */
static inline const char *
pg_cell_text(const PGresult *rows, int row, int column)
{
    return pg_cell_is_null(rows, row, column) ? NULL : PQgetvalue(rows, row, column);
}

/* 0 for SQL NULL; the nearest there is for what does not fit.  Decimals are cut off,
 * so that extract(epoch FROM ...) * 1000000 may be read by it. */
static inline int64_t
pg_cell_int(const PGresult *rows, int row, int column)
{
    return g_ascii_strtoll(PQgetvalue(rows, row, column), NULL, 10);
}

static inline uint64_t
pg_cell_uint(const PGresult *rows, int row, int column)
{
    return g_ascii_strtoull(PQgetvalue(rows, row, column), NULL, 10);
}

static inline double
pg_cell_double(const PGresult *rows, int row, int column)
{
    return g_ascii_strtod(PQgetvalue(rows, row, column), NULL);
}

static inline bool
pg_cell_bool(const PGresult *rows, int row, int column)
{
    return PQgetvalue(rows, row, column)[0] == 't';
}
