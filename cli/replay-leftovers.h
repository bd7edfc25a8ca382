/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ReplayLeftovers: the names that replays go by, and what one leaves behind when it
 * is killed: a folder in the journal's directory and a collector in the database. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>

/* A name unlike any other, for the @nth run of this process (transfer full). */
char *replay_leftovers_name(unsigned nth);

/* The folder of a replay with the files in it. */
void replay_leftovers_remove_directory(const char *path);

/* Removes the position and state of @collector; hands the range it imported, if it
 * did, over to the jobs. */
bool replay_leftovers_forget(PGconn *conn, const char *collector, GError **error);

/* Does both for replays that are dead. */
bool replay_leftovers_sweep(PGconn *conn, const char *journal_directory,
                            GError **error);
