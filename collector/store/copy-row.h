/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* CopyRow: Flow -> one row of binary COPY into table flow.  Pure: knows bytes, not
 * connections.
 *
 * Columns, their order and where they come from stand in one table in copy-row.c;
 * the statement, the rows and their text are all made from it. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/flow.h"
#include "store/copy-extra.h"

/* Room that copy_row_put() needs. */
#define COPY_ROW_MAX_BYTES (256 + COPY_EXTRA_MAX_BYTES)

typedef enum {
    COPY_ROW_EXTRA_NONE,   /* extra is NULL */
    COPY_ROW_EXTRA_FORCED, /* only what would be missed: see copy_extra_put() */
    COPY_ROW_EXTRA_ALL,
} CopyRowExtra;

/* "COPY flowkeep.@table (...) FROM STDIN (FORMAT binary)" (transfer full). */
char *copy_row_statement(const char *table);

/* Writes the row at @at and returns where the next one goes.  @flow's exporter must
 * have its id. */
uint8_t *copy_row_put(uint8_t *at, const Flow *flow, const CopyExtraNames *names,
                      CopyRowExtra extra);

/* Length of the encoded row that begins at @row, of @n_bytes; 0 = it is cut short. */
size_t copy_row_len(const uint8_t *row, size_t n_bytes);

/* "column=value ..." of all columns that are not NULL (transfer full). */
char *copy_row_text(const uint8_t *row, size_t n_bytes);

/* Receive time and exporter of an encoded row. */
void copy_row_identify(const uint8_t *row, int64_t *received_us, int32_t *exporter_id);
