/* SPDX-License-Identifier: Apache-2.0 */
#include "store/exporter-rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "db.h"
#include "flow/sampling.h"
#include "store/row-stream.h"
#include "store/sql-text.h"

/* Up to this many are written with every commit. */
#define FEW 512

/* Beyond that each is written this often, and so many with one commit. */
#define PERIOD_US    (10 * US_PER_SEC)
#define ROWS_A_WRITE 1000

/* Of one statement: 2000 rows are 200 kB of SQL. */
#define ROWS_A_STATEMENT 2000

typedef struct {
    Exporter *exporter;
    int64_t written_us; /* monotonic time; 0 = never */
    bool is_pending;
} Entry;

struct ExporterRows {
    char *collector;
    uint32_t worker;
    GHashTable *entries;  /* Exporter -> Entry */
    GPtrArray *pending;   /* Entry, lent by entries */
    const Exporter *last; /* that was found pending by exporter_rows_add() */
};

ExporterRows *
exporter_rows_new(const char *collector, uint32_t worker)
{
    ExporterRows *self = g_new0(ExporterRows, 1);

    self->collector = g_strdup(collector);
    self->worker = worker;
    self->entries = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    self->pending = g_ptr_array_new();
    return self;
}

void
exporter_rows_free(ExporterRows *self)
{
    if (!self)
        return;

    g_free(self->collector);
    g_hash_table_unref(self->entries);
    g_ptr_array_unref(self->pending);
    g_free(self);
}

static bool
resolve_some(PGconn *conn, Exporter **exporters, size_t n, GError **error)
{
    g_autoptr(GString) addresses = g_string_new("{");
    g_autoptr(GString) domains = g_string_new("{");

    for (size_t i = 0; i < n; i++) {
        char text[IP_ADDRESS_TEXT_BYTES];

        g_string_append_printf(addresses, "%s%s", i ? "," : "",
                               ip_address_format(&exporters[i]->address, text));
        g_string_append_printf(domains, "%s%" PRIu32, i ? "," : "",
                               exporters[i]->domain);
    }
    g_string_append_c(addresses, '}');
    g_string_append_c(domains, '}');

    const char *const params[] = { addresses->str, domains->str };
    g_autoptr(PGresult) result =
        db_query(conn, "asking for exporter ids",
                 "SELECT flowkeep.exporter_ids($1::inet[], $2::bigint[])", 2, params,
                 error);

    if (!result)
        return false;
    if ((size_t) PQntuples(result) != n) {
        g_set_error(error, DB_ERROR, DB_ERROR_LOST,
                    "asking for exporter ids: %d answers to %zu questions",
                    PQntuples(result), n);
        return false;
    }

    for (size_t i = 0; i < n; i++)
        exporters[i]->id = (int32_t) strtol(PQgetvalue(result, (int) i, 0), NULL, 10);
    return true;
}

bool
exporter_rows_resolve(PGconn *conn, const GPtrArray *exporters, GError **error)
{
    g_autoptr(GPtrArray) unknown = g_ptr_array_new();

    for (guint i = 0; i < exporters->len; i++) {
        Exporter *exporter = g_ptr_array_index(exporters, i);

        if (exporter->id == 0)
            g_ptr_array_add(unknown, exporter);
    }

    for (guint i = 0; i < unknown->len; i += ROWS_A_STATEMENT) {
        const guint n = MIN(unknown->len - i, ROWS_A_STATEMENT);

        if (!resolve_some(conn, (Exporter **) unknown->pdata + i, n, error))
            return false;
    }
    return true;
}

void
exporter_rows_add(ExporterRows *self, Exporter *exporter)
{
    if (exporter == self->last || !exporter->dirty)
        return;

    Entry *entry = g_hash_table_lookup(self->entries, exporter);

    if (!entry) {
        entry = g_new0(Entry, 1);
        entry->exporter = exporter;
        g_hash_table_insert(self->entries, exporter, entry);
    }
    if (!entry->is_pending) {
        entry->is_pending = true;
        g_ptr_array_add(self->pending, entry);
    }
    self->last = exporter;
}

void
exporter_rows_collect(const ExporterRows *self, GPtrArray *exporters)
{
    for (guint i = 0; i < self->pending->len; i++) {
        const Entry *entry = g_ptr_array_index(self->pending, i);

        if (entry->exporter->id == 0)
            g_ptr_array_add(exporters, entry->exporter);
    }
}

static void
append_undecided(GString *sql, GBytes *undecided)
{
    gsize n_bytes;

    if (!undecided) {
        g_string_append(sql, "NULL");
        return;
    }

    const uint8_t *bytes = g_bytes_get_data(undecided, &n_bytes);
    sql_text_bytes(sql, bytes, n_bytes);
}

static void
append_values(GString *sql, PGconn *conn, const Exporter *exporter)
{
    const SamplingSource source = exporter->sampling_source;

    g_string_append_printf(sql, "(%" PRId32 ", ", exporter->id);
    sql_text_number(sql, exporter->version);
    g_string_append(sql, "::smallint, ");
    sql_text_time(sql, exporter->first_seen_us);
    g_string_append(sql, ", ");
    sql_text_time(sql, exporter->last_seen_us);
    g_string_append(sql, ", ");
    sql_text_number(sql, exporter->sampling);
    g_string_append(sql, "::bigint, ");
    sql_text_name(sql, conn,
                  source == SAMPLING_NONE ? NULL : sampling_source_name(source));
    g_string_append_printf(sql, "::text, %" PRId64 "::bigint, ",
                           exporter->clock_skew_us / US_PER_MS);
    if (exporter->has_sequence)
        g_string_append_printf(sql, "%" PRIu32 "::bigint, ", exporter->next_sequence);
    else
        g_string_append(sql, "NULL::bigint, ");
    append_undecided(sql, exporter->undecided);
    g_string_append_printf(sql, "::bytea, %" PRIu32 "::bigint, %" PRIu32 "::bigint, ",
                           exporter->n_template_changes, exporter->n_restarts);
    sql_text_time(sql, exporter->quarantined_until_us);
    g_string_append(sql, "::timestamptz)");
}

static bool
write_some(ExporterRows *self, PGconn *conn, const GPtrArray *due, guint first, guint n,
           GError **error)
{
    g_autoptr(GString) sql = g_string_new(
        "WITH v (id, version, first_at, last_at, sampling, source, skew, sequence,"
        " undecided, changes, restarts, quarantined) AS"
        " (VALUES ");

    for (guint i = first; i < first + n; i++) {
        const Entry *entry = g_ptr_array_index(due, i);

        if (i > first)
            g_string_append(sql, ", ");
        append_values(sql, conn, entry->exporter);
    }
    g_string_append(
        sql, "), written AS (UPDATE flowkeep.exporter AS e SET version = v.version,"
             " first_seen_at = least(e.first_seen_at, v.first_at),"
             " last_seen_at = greatest(e.last_seen_at, v.last_at),"
             " sampling = v.sampling, sampling_source = v.source,"
             " clock_skew_ms = v.skew FROM v WHERE e.id = v.id)"
             " INSERT INTO flowkeep.exporter_state (collector, exporter_id, worker,"
             " next_sequence, undecided, template_changes, restarts,"
             " quarantined_until) SELECT ");
    sql_text_string(sql, conn, self->collector);
    g_string_append_printf(sql,
                           ", v.id, %" PRIu32 ", v.sequence, v.undecided, v.changes,"
                           " v.restarts, v.quarantined FROM v",
                           self->worker);
    g_string_append(sql, " ON CONFLICT (collector, exporter_id) DO UPDATE"
                         " SET worker = excluded.worker,"
                         " next_sequence = excluded.next_sequence,"
                         " undecided = excluded.undecided,"
                         " template_changes = excluded.template_changes,"
                         " restarts = excluded.restarts,"
                         " quarantined_until = excluded.quarantined_until");

    if (db_exec(conn, sql->str, error))
        return true;

    g_prefix_error(error, "writing exporters: ");
    return false;
}

static int
compare_ids(const void *a, const void *b)
{
    const Entry *first = *(Entry *const *) a;
    const Entry *second = *(Entry *const *) b;

    return first->exporter->id < second->exporter->id
               ? -1
               : first->exporter->id > second->exporter->id;
}

/* Moves what is due from pending to the result (transfer full). */
static GPtrArray *
take_due(ExporterRows *self, int64_t mono_us, bool all)
{
    const bool is_few = all || self->pending->len <= FEW;
    GPtrArray *due = g_ptr_array_new();
    guint kept = 0;

    for (guint i = 0; i < self->pending->len; i++) {
        Entry *entry = g_ptr_array_index(self->pending, i);
        const bool is_due =
            entry->written_us == 0 || mono_us - entry->written_us >= PERIOD_US;

        if (is_few || (is_due && due->len < ROWS_A_WRITE)) {
            entry->is_pending = false;
            g_ptr_array_add(due, entry);
        } else {
            g_ptr_array_index(self->pending, kept++) = entry;
        }
    }
    g_ptr_array_set_size(self->pending, (gint) kept);
    self->last = NULL;

    /* One order for all writers: no deadlocks. */
    g_ptr_array_sort(due, compare_ids);
    return due;
}

bool
exporter_rows_write(ExporterRows *self, PGconn *conn, int64_t mono_us, bool all,
                    bool *complete, GError **error)
{
    g_autoptr(GPtrArray) due = take_due(self, mono_us, all);

    for (guint i = 0; i < due->len; i += ROWS_A_STATEMENT) {
        const guint n = MIN(due->len - i, ROWS_A_STATEMENT);

        if (!write_some(self, conn, due, i, n, error))
            return false;
    }

    for (guint i = 0; i < due->len; i++) {
        Entry *entry = g_ptr_array_index(due, i);

        entry->exporter->dirty = false;
        entry->written_us = mono_us;
    }
    *complete = self->pending->len == 0;
    return true;
}

/* --- back --- */

static int64_t
number_of(const PGresult *result, int column)
{
    return g_ascii_strtoll(PQgetvalue(result, 0, column), NULL, 10);
}

Exporter *
exporter_rows_find(ExporterTable *table, const PGresult *result, int first)
{
    IpAddress address;

    if (!ip_address_parse(PQgetvalue(result, 0, first), &address))
        return NULL;

    Exporter *exporter =
        exporter_table_get(table, &address, (uint32_t) number_of(result, first + 1));

    if (exporter)
        exporter->id = (int32_t) number_of(result, first + 2);
    return exporter;
}

static GBytes *
bytes_of(const PGresult *result, int column)
{
    size_t n_bytes;
    const char *text = PQgetvalue(result, 0, column);

    if (PQgetisnull(result, 0, column))
        return NULL;

    unsigned char *unescaped = PQunescapeBytea((const unsigned char *) text, &n_bytes);
    GBytes *copy = g_bytes_new(unescaped, n_bytes);
    PQfreemem(unescaped);
    return copy;
}

typedef struct {
    ExporterTable *table;
    bool sequences;
} Restore;

static void
restore_row(const PGresult *result, void *user_data)
{
    const Restore *restore = user_data;
    Exporter *exporter = exporter_rows_find(restore->table, result, 0);

    if (!exporter)
        return;

    exporter->version = (uint8_t) number_of(result, 3);
    exporter->first_seen_us = number_of(result, 4);
    exporter->last_seen_us = number_of(result, 5);
    exporter->sampling = (uint32_t) number_of(result, 6);
    exporter->sampling_source = SAMPLING_NONE;
    for (SamplingSource source = 0; source < SAMPLING_N_SOURCES; source++) {
        if (strcmp(sampling_source_name(source), PQgetvalue(result, 0, 7)) == 0)
            exporter->sampling_source = source;
    }
    exporter->clock_skew_us = number_of(result, 8) * US_PER_MS;
    exporter->has_sequence = restore->sequences && !PQgetisnull(result, 0, 9);
    exporter->next_sequence =
        exporter->has_sequence ? (uint32_t) number_of(result, 9) : 0;
    if (restore->sequences)
        exporter->undecided = bytes_of(result, 10);
    exporter->n_template_changes = (uint32_t) number_of(result, 11);
    exporter->n_restarts = (uint32_t) number_of(result, 12);
    exporter->quarantined_until_us = number_of(result, 13);
}

bool
exporter_rows_restore(ExporterRows *self, PGconn *conn, ExporterTable *table,
                      bool sequences, GError **error)
{
    g_autofree char *worker = g_strdup_printf("%" PRIu32, self->worker);
    const char *const params[] = { self->collector, worker };
    Restore restore = { .table = table, .sequences = sequences };

    return row_stream_each(
        conn, "restoring exporters",
        "SELECT host(e.address), e.domain, e.id, e.version, "
        /* clang-format off */
        SQL_TEXT_US("e.first_seen_at") ", " SQL_TEXT_US("e.last_seen_at") ","
                              /* clang-format on */
                              " e.sampling, e.sampling_source, e.clock_skew_ms, "
                              "s.next_sequence,"
                              " s.undecided, s.template_changes, "
                              "s.restarts, " SQL_TEXT_US(
                                  "s.quarantined_until") " FROM "
                                                         "flowkeep.exporter_state AS s"
                                                         " JOIN flowkeep.exporter AS e "
                                                         "ON e.id = s.exporter_id"
                                                         " WHERE s.collector = $1 AND "
                                                         "s.worker = $2::integer ORDER "
                                                         "BY e.id",
        2, params, restore_row, &restore, error);
}
