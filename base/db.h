/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Db: the little of libpq that all programs need: connecting, errors, cleanup.
 *
 * Blocks; used by threads that may wait for the server.  Messages carry the
 * server's primary message only, since DETAIL can hold row contents. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>

/* A caller can do two different things, so there are two codes. */
typedef enum {
    DB_ERROR_LOST,     /* connection gone or never made: connect, then try again */
    DB_ERROR_REJECTED, /* the server refused: trying the same again cannot help */
} DbError;

#define DB_ERROR (db_error_quark())
GQuark db_error_quark(void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PGresult, PQclear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PGconn, PQfinish)

/* Connects with a libpq connection string, as @program (application_name), with
 * times in UTC, search_path flowkeep and synchronous_commit off when @async.
 * Gives up after @timeout_sec.  Returns NULL with DB_ERROR_LOST. */
PGconn *db_connect(const char *conninfo, const char *program, bool async,
                   unsigned timeout_sec, GError **error);

/* Runs @sql (one or more statements, no parameters, rows thrown away). */
bool db_exec(PGconn *conn, const char *sql, GError **error);

/* Runs one statement with text parameters (NULL = SQL NULL) and returns its rows
 * (transfer full), or NULL.  @doing says what for, to stand before the message. */
PGresult *db_query(PGconn *conn, const char *doing, const char *sql, int n_params,
                   const char *const *params, GError **error);

/* Sets @error from the state of @conn and @result (may be NULL), prefixed by what
 * we were @doing.  Always returns false, so that callers can return it. */
bool db_error_set(GError **error, PGconn *conn, const PGresult *result,
                  const char *doing);

/* Whether @conninfo is a connection string or URI of libpq, and whether a password
 * stands in it.  Error: DB_ERROR_REJECTED; no part of a password is in it. */
bool db_conninfo_check(const char *conninfo, bool *has_password, GError **error);

/* @conninfo with what is secret in it replaced by stars (transfer full); as it was
 * when nothing is. */
char *db_conninfo_mask(const char *conninfo);
