/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ContactRows: what sessions add, into contact_hour.
 *
 * Within the caller's transaction; partitions for the hours are made before it.  Sums
 * that would not fit a bigint stay at its largest value; a row from which everything
 * was taken back goes away. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>

#include "session/contact-sum.h"

/* Makes the partitions that @sum needs; not in a transaction.  @imported: they are of
 * an import that keeps its times, which retention leaves alone. */
bool contact_rows_prepare(PGconn *conn, const ContactSum *sum, bool imported,
                          GError **error);

bool contact_rows_write(PGconn *conn, const ContactSum *sum, GError **error);

/* Deletes the rows of hours [from, to), but not those whose flows the live stream has
 * read and retention has dropped: they could not be made again. */
bool contact_rows_delete(PGconn *conn, int64_t from_us, int64_t to_us, GError **error);
