/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ExporterRows: the ids of exporters, and the rows that say what is known of them.
 *
 * Rows of exporters that changed are written with a commit: all of them when they are
 * few, else each at most every ten seconds.  Then some sequence numbers in the
 * database are older than the position beside them, and the position must say so. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "flow/exporter.h"

typedef struct ExporterRows ExporterRows;

/* @collector is copied. */
ExporterRows *exporter_rows_new(const char *collector, uint32_t worker);
void exporter_rows_free(ExporterRows *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExporterRows, exporter_rows_free)

/* Gives an id to each of @exporters (Exporter) that has none; in one round trip. */
bool exporter_rows_resolve(PGconn *conn, const GPtrArray *exporters, GError **error);

/* Remembers @exporter if it is dirty.  Cheap: may be called for every message. */
void exporter_rows_add(ExporterRows *self, Exporter *exporter);

/* Appends those remembered that have no id yet to @exporters. */
void exporter_rows_collect(const ExporterRows *self, GPtrArray *exporters);

/* Writes what is due at @mono_us (all of it: when @all).  @complete: nothing is left
 * to be written. */
bool exporter_rows_write(ExporterRows *self, PGconn *conn, int64_t mono_us, bool all,
                         bool *complete, GError **error);

/* Adds this worker's exporters to @table, each with its id and row; their sequence
 * numbers only with @sequences. */
bool exporter_rows_restore(ExporterRows *self, PGconn *conn, ExporterTable *table,
                           bool sequences, GError **error);

/* The exporter that columns @first (address), @first + 1 (domain) and @first + 2 (id)
 * of a row name, added to @table; NULL when that is full. */
Exporter *exporter_rows_find(ExporterTable *table, const PGresult *result, int first);
