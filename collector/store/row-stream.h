/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* RowStream: the rows of a query one at a time, so that a large answer is never in
 * memory as a whole. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>

/* @result holds exactly one row, lent for the call. */
typedef void (*RowStreamRow)(const PGresult *result, void *user_data);

/* Runs @sql with text parameters and calls @row for each row.  @doing as in
 * db_query().  Errors: DB_ERROR. */
bool row_stream_each(PGconn *conn, const char *doing, const char *sql, int n_params,
                     const char *const *params, RowStreamRow row, void *user_data,
                     GError **error);
