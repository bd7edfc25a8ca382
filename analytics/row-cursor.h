/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* RowCursor: rows of a query, a few thousand at a time, in constant memory, with the
 * connection free for other statements between them (a COPY would keep it).
 *
 * Lives in the caller's transaction, and sees what its first row saw.  A row is a
 * Reader as copy-reader.h has it; its functions take the fields. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>

#include "copy-reader.h"

typedef struct RowCursor RowCursor;

/* @name: of the cursor, unique in the transaction.  @params as in db_query().
 * @doing stands before messages.  NULL with DB_ERROR. */
RowCursor *row_cursor_open(PGconn *conn, const char *name, const char *doing,
                           const char *select, int n_params, const char *const *params,
                           GError **error);
void row_cursor_free(RowCursor *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RowCursor, row_cursor_free)

/* The next row, lent until the next call.  False at the end, and with @error set when
 * there was one. */
bool row_cursor_next(RowCursor *self, Reader *row, GError **error);

/* All rows of a small query at once: NULL with DB_ERROR (transfer full). */
PGresult *row_cursor_query(PGconn *conn, const char *doing, const char *select,
                           int n_params, const char *const *params, GError **error);

/* Row @number of a result in binary, put together in @bytes. */
Reader row_cursor_row(const PGresult *result, int number, GByteArray *bytes);
