/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* RowChecker: whether PostgreSQL would take a row of binary COPY, asked without a
 * server, so that a fuzzer can ask a thousand times a second.
 *
 * Knows the columns from the migrations and what the types' receive functions refuse
 * (timestamptz_recv, network_recv, numeric_recv, jsonb_recv, text_recv), and nothing of
 * the code that makes the rows.  That it agrees with a server is what the live tests
 * of this folder show. */

#include <stddef.h>
#include <stdint.h>

/* Columns in the order of one COPY statement. */
#define ROW_CHECKER_MAX_COLUMNS 32

typedef struct {
    unsigned n_columns;
    const struct RowColumn *columns[ROW_CHECKER_MAX_COLUMNS];
} RowChecker;

/* For "COPY flowkeep.TABLE (COLUMN, ...) ..."; aborts when it names a table or a column
 * that is not in the schema. */
void row_checker_init(RowChecker *self, const char *statement);

/* NULL when a server would take the row at @row, and @n_used is then its length; else
 * what is wrong with it. */
const char *row_checker_fault(const RowChecker *self, const uint8_t *row,
                              size_t n_bytes, size_t *n_used);

/* Aborts, saying why, unless @rows are acceptable rows to the last byte; returns how
 * many there are. */
size_t row_checker_demand(const RowChecker *self, const uint8_t *rows, size_t n_bytes);
