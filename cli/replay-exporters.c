/* SPDX-License-Identifier: Apache-2.0 */
#include "replay-exporters.h"

#include "clock.h"
#include "db.h"
#include "human.h"
#include "pg-cell.h"

/* The rollup has every stored flow and is small beside flow. */
#define TRAFFIC_SQL                                                                    \
    "SELECT exporter_id, sum(flows), sum(octets), sum(packets)"                        \
    "  FROM flowkeep.traffic_1m"                                                       \
    " WHERE minute >= date_trunc('minute', $1::timestamptz)"                           \
    "   AND minute <= $2::timestamptz"                                                 \
    " GROUP BY exporter_id"

#define EXPORTERS_SQL                                                                  \
    "SELECT e.id, host(e.address), e.name, e.domain, e.version, e.sampling,"           \
    "       sum(l.count) FILTER (WHERE l.reason = 'sequence_gap'),"                    \
    "       sum(l.count) FILTER (WHERE l.reason = 'no_template'),"                     \
    "       sum(l.count) FILTER (WHERE l.reason = 'malformed')"                        \
    "  FROM flowkeep.exporter AS e"                                                    \
    "  LEFT JOIN flowkeep.loss AS l ON l.exporter_id = e.id AND l.collector = $1"      \
    " WHERE e.id IN (SELECT exporter_id FROM flowkeep.exporter_state"                  \
    "                 WHERE collector = $1)"                                           \
    " GROUP BY e.id"                                                                   \
    " ORDER BY e.address, e.domain"

typedef struct {
    uint64_t flows;
    uint64_t octets;
    uint64_t packets;
} Traffic;

struct ReplayExporters {
    char *from; /* ISO 8601 */
    char *to;
    GHashTable *before; /* exporter id -> Traffic */
    GArray *exporters;  /* of ReplayExporter */
};

static void
clear_exporter(void *data)
{
    ReplayExporter *exporter = data;

    g_free(exporter->address);
    g_free(exporter->name);
}

ReplayExporters *
replay_exporters_new(void)
{
    ReplayExporters *self = g_new0(ReplayExporters, 1);

    self->exporters = g_array_new(FALSE, TRUE, sizeof(ReplayExporter));
    g_array_set_clear_func(self->exporters, clear_exporter);
    return self;
}

void
replay_exporters_free(ReplayExporters *self)
{
    if (!self)
        return;

    g_clear_pointer(&self->before, g_hash_table_unref);
    g_array_unref(self->exporters);
    g_free(self->from);
    g_free(self->to);
    g_free(self);
}

/* exporter id -> Traffic (transfer full) */
static GHashTable *
read_traffic(const ReplayExporters *self, PGconn *conn, GError **error)
{
    const char *const params[] = { self->from, self->to };
    g_autoptr(PGresult) rows =
        db_query(conn, "reading traffic", TRAFFIC_SQL, 2, params, error);

    if (!rows)
        return NULL;

    GHashTable *traffic =
        g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    for (int i = 0; i < PQntuples(rows); i++) {
        const int64_t id = pg_cell_int(rows, i, 0);
        const Traffic sums = { pg_cell_uint(rows, i, 1), pg_cell_uint(rows, i, 2),
                               pg_cell_uint(rows, i, 3) };

        g_hash_table_insert(traffic, g_memdup2(&id, sizeof(id)),
                            g_memdup2(&sums, sizeof(sums)));
    }
    return traffic;
}

bool
replay_exporters_begin(ReplayExporters *self, PGconn *conn, int64_t from_us,
                       int64_t to_us, GError **error)
{
    self->from = human_time_iso(from_us);
    self->to = human_time_iso(to_us);
    self->before = read_traffic(self, conn, error);
    return self->before != NULL;
}

static void
add_traffic(ReplayExporter *exporter, GHashTable *before, GHashTable *after)
{
    const Traffic *was = g_hash_table_lookup(before, &exporter->id);
    const Traffic *is = g_hash_table_lookup(after, &exporter->id);
    const Traffic none = { 0 };

    was = was ? was : &none;
    is = is ? is : &none;
    exporter->flows = is->flows - MIN(was->flows, is->flows);
    exporter->octets = is->octets - MIN(was->octets, is->octets);
    exporter->packets = is->packets - MIN(was->packets, is->packets);
}

bool
replay_exporters_finish(ReplayExporters *self, PGconn *conn, const char *collector,
                        GError **error)
{
    g_autoptr(GHashTable) after = read_traffic(self, conn, error);
    g_autoptr(PGresult) rows =
        after ? db_query(conn, "reading exporters", EXPORTERS_SQL, 1, &collector, error)
              : NULL;

    for (int i = 0; rows && i < PQntuples(rows); i++) {
        ReplayExporter exporter = {
            .id = pg_cell_int(rows, i, 0),
            .address = g_strdup(pg_cell_text(rows, i, 1)),
            .name = g_strdup(pg_cell_text(rows, i, 2)),
            .domain = pg_cell_int(rows, i, 3),
            .version = (int) pg_cell_int(rows, i, 4),
            .sampling = pg_cell_int(rows, i, 5),
            .lost_gap = pg_cell_uint(rows, i, 6),
            .no_template = pg_cell_uint(rows, i, 7),
            .malformed = pg_cell_uint(rows, i, 8),
        };

        add_traffic(&exporter, self->before, after);
        g_array_append_val(self->exporters, exporter);
    }
    return rows != NULL;
}

size_t
replay_exporters_len(const ReplayExporters *self)
{
    return self->exporters->len;
}

const ReplayExporter *
replay_exporters_at(const ReplayExporters *self, size_t index)
{
    return &g_array_index(self->exporters, ReplayExporter, index);
}
