/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* CopyWriter: streams rows to the server with binary COPY while a batch fills, and
 * keeps them until the batch is committed, so that a batch the server refuses can be
 * sent again without the rows that are at fault.
 *
 * It opens the transaction with the first row (BEGIN travels with the first COPY)
 * and leaves COMMIT to its owner.  Rows come encoded; it knows their length, not
 * their meaning.  Blocks; one thread. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

/* A row that the server would not take: it is not part of the batch. */
typedef struct {
    size_t at; /* of the encoded row: see copy_writer_refusal_row() */
    size_t n_bytes;
    char sqlstate[6];
    char *message;
} CopyWriterRefusal;

typedef struct CopyWriter CopyWriter;

/* @conn is lent, and idle. */
CopyWriter *copy_writer_new(PGconn *conn);
void copy_writer_free(CopyWriter *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CopyWriter, copy_writer_free)

/* Opens the transaction if none is open; without rows there is no other way. */
bool copy_writer_begin(CopyWriter *self, GError **error);

/* From here on rows go into @table; "COPY @table (...) ...", @statement, is what puts
 * them there (copied). */
bool copy_writer_use(CopyWriter *self, const char *statement, GError **error);

/* Room for a row of at most @n_bytes; then copy_writer_row() with its end. */
uint8_t *copy_writer_reserve(CopyWriter *self, size_t n_bytes);

/* A row now ends at @end.  Sends what makes a piece.
 * Errors: DB_ERROR_LOST. */
bool copy_writer_row(CopyWriter *self, const uint8_t *end, GError **error);

/* Ends the COPY in progress.  When the server refused the data, the transaction is
 * begun again and all rows but the refused ones are sent once more, by halves.
 * Errors: DB_ERROR_LOST. */
bool copy_writer_finish(CopyWriter *self, GError **error);

/* After COMMIT: forgets the rows. */
void copy_writer_reset(CopyWriter *self);

size_t
copy_writer_rows(const CopyWriter *self); /* of the batch, refused ones left out */

bool copy_writer_is_copying(const CopyWriter *self); /* rows may be added */

/* The rows that were refused, after copy_writer_finish() and until the next call that
 * changes @self. */
size_t copy_writer_n_refusals(const CopyWriter *self);
const CopyWriterRefusal *copy_writer_refusal(const CopyWriter *self, size_t index);
const uint8_t *copy_writer_refusal_row(const CopyWriter *self,
                                       const CopyWriterRefusal *refusal);

/* One COPY of rows that are all there, with the errors as above: for the small
 * tables of a batch.  @rows without header and trailer. */
bool copy_writer_send_all(PGconn *conn, const char *statement, const uint8_t *rows,
                          size_t n_bytes, GError **error);
