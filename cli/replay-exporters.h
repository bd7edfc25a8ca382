/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ReplayExporters: what each exporter of a replay brought, from the database: what
 * was stored for it in the range of the replay, less what was there before.  (What
 * the same device sent to a collector in the meantime is counted with it.) */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t id;
    char *address; /* NULL: not of this replay, kept for the counts before */
    char *name;    /* NULL = none */
    int64_t domain;
    int version;
    int64_t sampling; /* 0 = none */
    uint64_t flows;
    uint64_t octets;
    uint64_t packets;
    uint64_t lost_gap; /* by its sequence numbers */
    uint64_t no_template;
    uint64_t malformed;
} ReplayExporter;

typedef struct ReplayExporters ReplayExporters;

ReplayExporters *replay_exporters_new(void);
void replay_exporters_free(ReplayExporters *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReplayExporters, replay_exporters_free)

/* Remembers what is there before, from the minute of @from_us to that of @to_us. */
bool replay_exporters_begin(ReplayExporters *self, PGconn *conn, int64_t from_us,
                            int64_t to_us, GError **error);

/* Reads what has come of @collector.  Once. */
bool replay_exporters_finish(ReplayExporters *self, PGconn *conn, const char *collector,
                             GError **error);

size_t replay_exporters_len(const ReplayExporters *self);
const ReplayExporter *replay_exporters_at(const ReplayExporters *self, size_t index);
