/* SPDX-License-Identifier: Apache-2.0 */
#include "status-facts.h"

#include "db.h"
#include "pg-cell.h"

/* Since the minute that began $1 minutes before the one that is being filled. */
#define RECENT_SQL "(date_trunc('minute', now()) - $1::integer * interval '1 min')"

#define EXPORTERS_SQL                                                                  \
    "WITH recent AS ("                                                                 \
    "  SELECT exporter_id, sum(flows) AS flows, sum(octets) AS octets,"                \
    "         extract(epoch FROM now() - " RECENT_SQL ") AS seconds"                   \
    "    FROM flowkeep.traffic_1m"                                                     \
    "   WHERE minute >= " RECENT_SQL "   GROUP BY exporter_id"                         \
    "), lost AS ("                                                                     \
    "  SELECT exporter_id,"                                                            \
    "         sum(count) FILTER (WHERE reason = 'sequence_gap') AS gap,"               \
    "         min(unit) FILTER (WHERE reason = 'sequence_gap') AS gap_unit,"           \
    "         sum(count) FILTER (WHERE reason = 'no_template') AS no_template,"        \
    "         sum(count) FILTER (WHERE reason = 'malformed') AS malformed,"            \
    "         sum(count) FILTER (WHERE reason = 'refused') AS refused,"                \
    "         sum(count) FILTER (WHERE reason = 'rejected') AS rejected"               \
    "    FROM flowkeep.loss"                                                           \
    "   WHERE minute > now() - interval '1 hour'"                                      \
    "     AND exporter_id IS NOT NULL"                                                 \
    "   GROUP BY exporter_id"                                                          \
    ")"                                                                                \
    "SELECT e.id, host(e.address), e.name, e.domain,"                                  \
    "       e.version, extract(epoch FROM e.first_seen_at) * 1000000,"                 \
    "       extract(epoch FROM e.last_seen_at) * 1000000,"                             \
    "       coalesce(r.flows * 60 / r.seconds, 0),"                                    \
    "       coalesce(r.octets * 8 / r.seconds, 0),"                                    \
    "       e.sampling, e.sampling_source, e.clock_skew_ms,"                           \
    "       l.gap, l.gap_unit, l.no_template, l.malformed, l.refused, l.rejected"      \
    "  FROM flowkeep.exporter AS e"                                                    \
    "  LEFT JOIN recent AS r ON r.exporter_id = e.id"                                  \
    "  LEFT JOIN lost AS l ON l.exporter_id = e.id"                                    \
    " ORDER BY e.address, e.domain"

#define WORKERS_SQL                                                                    \
    "SELECT collector, worker, extract(epoch FROM received_at) * 1000000,"             \
    "       extract(epoch FROM updated_at) * 1000000,"                                 \
    "       extract(epoch FROM started_at) * 1000000,"                                 \
    "       backlog_bytes, rows_stored, imports, exporters, max_exporters,"            \
    "       held_bytes"                                                                \
    "  FROM flowkeep.ingest_position"                                                  \
    " ORDER BY collector, worker"

#define LOSSES_SQL                                                                     \
    "SELECT reason, class, unit,"                                                      \
    "       coalesce(sum(count)"                                                       \
    "                FILTER (WHERE minute > now() - interval '1 hour'), 0),"           \
    "       sum(count)"                                                                \
    "  FROM flowkeep.loss"                                                             \
    " WHERE minute > now() - interval '1 day'"                                         \
    " GROUP BY reason, class, unit"                                                    \
    " ORDER BY sum(count) DESC, reason, class, unit"

#define PARTITIONS_SQL                                                                 \
    "SELECT count(*), count(*) FILTER (WHERE imported), count(sealed_at),"             \
    "       extract(epoch FROM min(from_at)) * 1000000,"                               \
    "       extract(epoch FROM max(to_at) FILTER (WHERE NOT imported)) * 1000000,"     \
    "       (SELECT sum(pg_total_relation_size(t.relid))"                              \
    "          FROM pg_partition_tree('flowkeep.flow') AS t"                           \
    "         WHERE t.isleaf),"                                                        \
    "       EXISTS (SELECT FROM flowkeep.flow_default),"                               \
    "       (SELECT count(*) FROM flowkeep.backfill"                                   \
    "         WHERE state <> 'done'),"                                                 \
    "       extract(epoch FROM now()) * 1000000"                                       \
    "  FROM flowkeep.time_partition"                                                   \
    " WHERE parent = 'flow'"

static void
clear_exporter(void *data)
{
    StatusExporter *exporter = data;

    g_free(exporter->address);
    g_free(exporter->name);
    g_free(exporter->sampling_source);
    g_free(exporter->gap_unit);
}

static void
clear_worker(void *data)
{
    g_free(((StatusWorker *) data)->collector);
}

static void
clear_loss(void *data)
{
    StatusLoss *loss = data;

    g_free(loss->reason);
    g_free(loss->class);
    g_free(loss->unit);
}

StatusFacts *
status_facts_new(void)
{
    StatusFacts *self = g_new0(StatusFacts, 1);

    self->exporters = g_array_new(FALSE, TRUE, sizeof(StatusExporter));
    self->workers = g_array_new(FALSE, TRUE, sizeof(StatusWorker));
    self->losses = g_array_new(FALSE, TRUE, sizeof(StatusLoss));
    self->analytics = status_analytics_new();
    g_array_set_clear_func(self->exporters, clear_exporter);
    g_array_set_clear_func(self->workers, clear_worker);
    g_array_set_clear_func(self->losses, clear_loss);
    return self;
}

void
status_facts_free(StatusFacts *self)
{
    if (!self)
        return;

    g_array_unref(self->exporters);
    g_array_unref(self->workers);
    g_array_unref(self->losses);
    status_analytics_free(self->analytics);
    g_free(self);
}

static bool
read_exporters(StatusFacts *self, PGconn *conn, GError **error)
{
    const char *const minutes = G_STRINGIFY(STATUS_RECENT_MIN);
    g_autoptr(PGresult) rows =
        db_query(conn, "reading exporters", EXPORTERS_SQL, 1, &minutes, error);

    for (int i = 0; rows && i < PQntuples(rows); i++) {
        const StatusExporter exporter = {
            .id = pg_cell_int(rows, i, 0),
            .address = g_strdup(pg_cell_text(rows, i, 1)),
            .name = g_strdup(pg_cell_text(rows, i, 2)),
            .domain = pg_cell_int(rows, i, 3),
            .version = (int) pg_cell_int(rows, i, 4),
            .first_seen_us = pg_cell_int(rows, i, 5),
            .last_seen_us = pg_cell_int(rows, i, 6),
            .flows_per_min = pg_cell_double(rows, i, 7),
            .bits_per_sec = pg_cell_double(rows, i, 8),
            .sampling = pg_cell_int(rows, i, 9),
            .sampling_source = g_strdup(pg_cell_text(rows, i, 10)),
            .clock_skew_ms = pg_cell_int(rows, i, 11),
            .lost_gap = pg_cell_uint(rows, i, 12),
            .gap_unit = g_strdup(pg_cell_text(rows, i, 13)),
            .no_template = pg_cell_uint(rows, i, 14),
            .malformed = pg_cell_uint(rows, i, 15),
            .refused = pg_cell_uint(rows, i, 16),
            .rejected = pg_cell_uint(rows, i, 17),
        };

        g_array_append_val(self->exporters, exporter);
    }
    return rows != NULL;
}

static bool
read_workers(StatusFacts *self, PGconn *conn, GError **error)
{
    g_autoptr(PGresult) rows =
        db_query(conn, "reading positions", WORKERS_SQL, 0, NULL, error);

    for (int i = 0; rows && i < PQntuples(rows); i++) {
        const StatusWorker worker = {
            .collector = g_strdup(pg_cell_text(rows, i, 0)),
            .worker = pg_cell_int(rows, i, 1),
            .received_us = pg_cell_int(rows, i, 2),
            .updated_us = pg_cell_int(rows, i, 3),
            .started_us = pg_cell_int(rows, i, 4),
            .backlog_bytes = pg_cell_uint(rows, i, 5),
            .rows_stored = pg_cell_uint(rows, i, 6),
            .imports = pg_cell_bool(rows, i, 7),
            .n_exporters = pg_cell_uint(rows, i, 8),
            .max_exporters = pg_cell_uint(rows, i, 9),
            .held_bytes = pg_cell_uint(rows, i, 10),
        };

        g_array_append_val(self->workers, worker);
    }
    return rows != NULL;
}

static bool
read_losses(StatusFacts *self, PGconn *conn, GError **error)
{
    g_autoptr(PGresult) rows =
        db_query(conn, "reading losses", LOSSES_SQL, 0, NULL, error);

    for (int i = 0; rows && i < PQntuples(rows); i++) {
        const StatusLoss loss = {
            .reason = g_strdup(pg_cell_text(rows, i, 0)),
            .class = g_strdup(pg_cell_text(rows, i, 1)),
            .unit = g_strdup(pg_cell_text(rows, i, 2)),
            .last_hour = pg_cell_uint(rows, i, 3),
            .last_day = pg_cell_uint(rows, i, 4),
        };

        g_array_append_val(self->losses, loss);
    }
    return rows != NULL;
}

static bool
read_partitions(StatusFacts *self, PGconn *conn, GError **error)
{
    g_autoptr(PGresult) rows =
        db_query(conn, "reading partitions", PARTITIONS_SQL, 0, NULL, error);

    if (!rows)
        return false;

    self->n_partitions = pg_cell_uint(rows, 0, 0);
    self->n_imported = pg_cell_uint(rows, 0, 1);
    self->n_sealed = pg_cell_uint(rows, 0, 2);
    self->oldest_us = pg_cell_int(rows, 0, 3);
    self->newest_us = pg_cell_int(rows, 0, 4);
    self->n_bytes = pg_cell_uint(rows, 0, 5);
    self->default_used = pg_cell_bool(rows, 0, 6);
    self->n_backfill = pg_cell_uint(rows, 0, 7);
    self->now_us = pg_cell_int(rows, 0, 8);
    return true;
}

StatusFacts *
status_facts_read(PGconn *conn, GError **error)
{
    g_autoptr(StatusFacts) self = status_facts_new();

    if (!db_exec(conn, "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
                 error) ||
        !read_partitions(self, conn, error) || !read_workers(self, conn, error) ||
        !read_exporters(self, conn, error) || !read_losses(self, conn, error) ||
        !status_analytics_read(self->analytics, conn, error) ||
        !db_exec(conn, "COMMIT", error))
        return NULL;
    return g_steal_pointer(&self);
}
