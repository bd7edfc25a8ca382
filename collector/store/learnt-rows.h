/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* LearntRows: templates and options that exporters announced, on their way to the
 * tables exporter_template, exporter_option and interface, and back at start.
 *
 * Within a batch the newest of each wins, so what a peer repeats costs nothing; how
 * many different ones there can be the decoder bounds. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "flow/learnt.h"

typedef struct LearntRows LearntRows;

/* @collector is copied. */
LearntRows *learnt_rows_new(const char *collector, uint32_t worker);
void learnt_rows_free(LearntRows *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LearntRows, learnt_rows_free)

/* Both copy what is lent. */
void learnt_rows_add_template(LearntRows *self, const LearntTemplate *learnt);
void learnt_rows_add_option(LearntRows *self, const LearntOption *learnt);

/* Appends the exporters of it that have no id yet to @exporters. */
void learnt_rows_collect(const LearntRows *self, GPtrArray *exporters);

/* Writes all, and forgets it. */
bool learnt_rows_write(LearntRows *self, PGconn *conn, GError **error);

typedef struct {
    void (*template)(const LearntTemplate *learnt, void *user_data);
    void (*option)(const LearntOption *learnt, void *user_data);
} LearntRowsRestore;

/* Calls back for every row of this worker; its exporter is added to @table.  Either
 * callback may be NULL. */
bool learnt_rows_restore(LearntRows *self, PGconn *conn, ExporterTable *table,
                         const LearntRowsRestore *restore, void *user_data,
                         GError **error);
