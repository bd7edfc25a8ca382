/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SqlText: values as SQL literals, for statements of many rows.
 *
 * Each function appends one literal to @sql.  Whatever bytes come in, the literal is
 * complete and the server accepts it: text is made valid UTF-8 and ends at a NUL. */

#include <glib.h>
#include <libpq-fe.h>
#include <stddef.h>
#include <stdint.h>

#include "ip-address.h"

/* NULL when @text is NULL or empty: an unknown value is NULL, never ''. */
void sql_text_name(GString *sql, PGconn *conn, const char *text);

void sql_text_string(GString *sql, PGconn *conn, const char *text);

void sql_text_bytes(GString *sql, const uint8_t *bytes, size_t n_bytes);

/* A timestamptz; NULL when @unix_us is 0. */
void sql_text_time(GString *sql, int64_t unix_us);

/* NULL when @value is 0. */
void sql_text_number(GString *sql, uint64_t value);

void sql_text_address(GString *sql, const IpAddress *address);

/* The other way: microseconds since 1970 from a number in text, 0 for NULL. */
#define SQL_TEXT_US(column) "(extract(epoch FROM " column ") * 1000000)::bigint"
