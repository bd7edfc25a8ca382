/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* CopyReader: rows out of PostgreSQL as COPY ... (FORMAT binary) sends them, one after
 * the other, in constant memory; and the values in them.
 *
 * A row is a Reader that stands before its first field.  The functions take one field
 * each; they return false, and leave their result alone, when it is null, or no such
 * value.  (libpq's documentation: "COPY", binary format; the types' send functions.) */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>

#include "ip-address.h"
#include "reader.h"

/* @row is lent for the call.  False ends the reading with @error set. */
typedef bool (*CopyRowFunc)(Reader *row, void *user_data, GError **error);

/* Runs @copy, "COPY (SELECT ...) TO STDOUT (FORMAT binary)", and hands out its rows.
 * @doing stands before messages: "reading flows".  After an error of @func the
 * connection is of no more use: nobody wants to read the rest to keep it.
 * Errors: DB_ERROR, those of @func. */
bool copy_reader_run(PGconn *conn, const char *copy, const char *doing,
                     unsigned n_columns, CopyRowFunc func, void *user_data,
                     GError **error);

/* What a @func returns when a row is not what was asked for: DB_ERROR_REJECTED. */
bool copy_reader_refuse(const char *doing, GError **error);

/* The bytes of any value.  This and the next two are for every column of every flow. */
static inline bool
copy_reader_bytes(Reader *row, Reader *value)
{
    const uint32_t n_bytes = (uint32_t) reader_uint(row, 4);

    if (!reader_ok(row) || n_bytes == UINT32_MAX)
        return false;

    const uint8_t *bytes = reader_bytes(row, n_bytes);
    if (!bytes)
        return false;

    *value = reader_over(bytes, n_bytes);
    return true;
}

/* smallint, integer, bigint */
static inline bool
copy_reader_int(Reader *row, int64_t *value)
{
    Reader field;

    if (!copy_reader_bytes(row, &field) || field.left == 0 || field.left > 8)
        return false;

    const unsigned spare_bits = 64 - 8 * (unsigned) field.left;
    *value = (int64_t) (reader_uint(&field, field.left) << spare_bits) >> spare_bits;
    return true;
}

/* Likewise; not below 0. */
static inline bool
copy_reader_uint(Reader *row, uint64_t *value)
{
    int64_t number;

    if (!copy_reader_int(row, &number) || number < 0)
        return false;

    *value = (uint64_t) number;
    return true;
}

bool copy_reader_double(Reader *row, double *value);  /* double precision */
bool copy_reader_bool(Reader *row, bool *value);      /* boolean */
bool copy_reader_time(Reader *row, int64_t *unix_us); /* timestamptz */
bool copy_reader_inet(Reader *row, IpAddress *value); /* inet, without its prefix */

/* A text that is a whole number of at most @max. */
bool copy_reader_text_uint(Reader *row, uint64_t max, uint64_t *value);

/* integer[] or bigint[] of one dimension: @values (at most @max of them), and how many
 * there are, also beyond @max.  Null elements become 0. */
bool copy_reader_ints(Reader *row, int64_t *values, size_t max, size_t *n_values);
