/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* CopySender: rows into a table by COPY ... FROM STDIN (FORMAT binary), in constant
 * memory.
 *
 * begin, then for each row copy_sender_row() and its fields in order, then finish.
 * Errors are noticed when a buffer is sent, and told by finish() at the latest, so the
 * fields need no check of their own.  Twin: copy-reader.h. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ip-address.h"

typedef struct {
    PGconn *conn;
    const char *doing; /* stands before messages; lent */
    GByteArray *buffer;
    bool failed; /* libpq says why */
} CopySender;

/* @sql: "COPY table (columns) FROM STDIN (FORMAT binary)".  On failure nothing is to
 * be finished.  Errors: DB_ERROR. */
bool copy_sender_begin(CopySender *self, PGconn *conn, const char *doing,
                       const char *sql, GError **error);
bool copy_sender_finish(CopySender *self, GError **error);

void copy_sender_row(CopySender *self, uint16_t n_fields);

void copy_sender_null(CopySender *self);
void copy_sender_bool(CopySender *self, bool value);
void copy_sender_int2(CopySender *self, int16_t value);
void copy_sender_int4(CopySender *self, int32_t value);
void copy_sender_int8(CopySender *self, int64_t value);
void copy_sender_double(CopySender *self, double value);
void copy_sender_time(CopySender *self, int64_t unix_us);
void copy_sender_inet(CopySender *self, const IpAddress *value);
void copy_sender_text(CopySender *self, const char *value);
void copy_sender_bytes(CopySender *self, const uint8_t *bytes, size_t n_bytes);

/* An array of one dimension; its elements follow by the same functions. */
typedef enum { COPY_SENDER_INT4 = 23, COPY_SENDER_INT8 = 20 } CopySenderType;
void copy_sender_array(CopySender *self, CopySenderType type, uint32_t n_elements);
