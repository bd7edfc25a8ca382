/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Schema: the SQL of the product, embedded in its programs, and the version of it
 * that a database has.  The rules stand in sql/README.md.
 *
 * The record in flowkeep.migration decides: a database is fit for this program when
 * it has exactly the migrations the program carries, with the same checksums.
 * Blocks; no state between calls. */

#include <glib.h>
#include <libpq-fe.h>

/* Called once for each migration that is applied (or would be, at a dry run), before
 * it is, with its name: "0001-flow". */
typedef void (*SchemaProgress)(const char *migration, void *user_data);

/* Brings the database to the version of this program: roles, missing migrations in
 * order, functions, grants; all under an advisory lock, each migration in its own
 * transaction.  Idempotent.  With @dry_run nothing is changed.  @progress may be
 * NULL.
 *
 * Errors: DB_ERROR_LOST      connection gone, or another migrate is running
 *         DB_ERROR_REJECTED  the schema is newer, or a recorded checksum differs, or
 *                            the role may not do it; the message says what to do */
gboolean schema_migrate(PGconn *conn, gboolean dry_run, SchemaProgress progress,
                        void *user_data, GError **error);

/* Returns FALSE with DB_ERROR_REJECTED, and the command to type, when the database
 * has another version than this program. */
gboolean schema_check(PGconn *conn, GError **error);

/* Name of the newest migration of this program (static): "0009-beacon". */
const char *schema_version(void);
