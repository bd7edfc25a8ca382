/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SessionRows: what a SessionEngine knows, in session_open, exporter_timeout and
 * session_stream.
 *
 * Writing is within the caller's transaction and writes what has changed since the
 * last time only. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>

#include "session/session-engine.h"

/* Begins a transaction of the job, without a word about tables that are there already.
 */
#define SESSION_ROWS_BEGIN "BEGIN; SET LOCAL client_min_messages = warning"

/* @until_us: up to where the stream was read; the first time, where it begins. */
bool session_rows_write(PGconn *conn, SessionEngine *engine, int64_t until_us,
                        GError **error);

/* Into an empty engine. */
bool session_rows_read(PGconn *conn, SessionEngine *engine, GError **error);

/* What exporters and services are known of, without the sessions. */
bool session_rows_read_learnt(PGconn *conn, SessionEngine *engine, GError **error);

/* The active timeouts of exporters of which none is known yet. */
bool session_rows_write_learnt(PGconn *conn, SessionEngine *engine, GError **error);
