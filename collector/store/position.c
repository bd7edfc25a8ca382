/* SPDX-License-Identifier: Apache-2.0 */
#include "store/position.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "db.h"
#include "store/sql-text.h"

#define LOCK_TRIES    50
#define LOCK_SLEEP_US (100 * US_PER_MS)

/* As flowkeep.ingest_safe_at(): after this silence nobody waits for the worker. */
#define STALE_SEC "600"

struct Position {
    char *collector;
    char *worker;
    char *journal_id;
    const char *imports;
    char *old_journal_id; /* as the row has it */
    uint64_t old_segment;
    uint64_t old_offset;
    int64_t late_until_us;
    GByteArray *waiting;
    bool was_taken;
};

void
position_free(Position *self)
{
    if (!self)
        return;

    g_free(self->collector);
    g_free(self->worker);
    g_free(self->journal_id);
    g_free(self->old_journal_id);
    if (self->waiting)
        g_byte_array_unref(self->waiting);
    g_free(self);
}

/* A session lock, so it ends with the connection however that ends.  The keepalives
 * are the server's: they free the lock of a client whose machine vanished. */
static bool
take_lock(const Position *self, PGconn *conn, GError **error)
{
    const char *const params[] = { self->collector, self->worker };

    if (!db_exec(conn,
                 "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10;"
                 "SET tcp_keepalives_count = 3",
                 error))
        return false;

    for (int i = 0; i < LOCK_TRIES; i++) {
        g_autoptr(PGresult) result =
            db_query(conn, "taking the worker's lock",
                     "SELECT pg_try_advisory_lock(hashtext('flowkeep.ingest'),"
                     " hashtext($1 || '/' || $2))",
                     2, params, error);

        if (!result)
            return false;
        if (PQgetvalue(result, 0, 0)[0] == 't')
            return true;
        g_usleep(LOCK_SLEEP_US);
    }

    g_set_error(error, DB_ERROR, DB_ERROR_REJECTED,
                "collector %s worker %s: another process stores for it; give each "
                "collector a name of its own",
                self->collector, self->worker);
    return false;
}

static PGresult *
read_row(const Position *self, PGconn *conn, GError **error)
{
    const char *const params[] = { self->collector, self->worker, self->journal_id,
                                   self->imports };

    return db_query(
        conn, "reading the position",
        "WITH old AS (SELECT p.updated_at FROM flowkeep.ingest_position AS p"
        "              WHERE p.collector = $1 AND p.worker = $2::integer)"
        " INSERT INTO flowkeep.ingest_position AS p"
        " (collector, worker, journal_id, imports)"
        " VALUES ($1, $2::integer, $3, $4::boolean)"
        " ON CONFLICT (collector, worker) DO UPDATE"
        " SET started_at = clock_timestamp(), imports = excluded.imports"
        " RETURNING journal_id, segment, segment_offset, " SQL_TEXT_US(
            "received_at") ", backlog_bytes, counts, sequences_complete, waiting,"
                           " journal_seq,"
                           " CASE WHEN (SELECT o.updated_at FROM old AS o)"
                           "           < now() - " STALE_SEC " * interval '1 second'"
                           "      THEN " SQL_TEXT_US("now()") " END",
        4, params, error);
}

static uint64_t
number_of(const PGresult *result, int column)
{
    return g_ascii_strtoull(PQgetvalue(result, 0, column), NULL, 10);
}

/* "{1,2,3}"; what is missing stays 0. */
static void
parse_counts(const char *text, uint64_t counts[STORE_N_COUNTS])
{
    const char *at = text + (text[0] == '{');

    for (size_t i = 0; i < STORE_N_COUNTS && *at && *at != '}'; i++) {
        char *end;

        counts[i] = g_ascii_strtoull(at, &end, 10);
        at = end + (*end == ',');
    }
}

static GByteArray *
parse_bytes(const char *text)
{
    size_t n_bytes;
    unsigned char *bytes = PQunescapeBytea((const unsigned char *) text, &n_bytes);
    GByteArray *copy = g_byte_array_new();

    g_assert(bytes); /* there is no memory: GLib ends the process, too */
    g_byte_array_append(copy, bytes, (guint) n_bytes);
    PQfreemem(bytes);
    return copy;
}

static void
take_row(Position *self, const PGresult *result, StorePosition *now)
{
    self->old_journal_id = g_strdup(PQgetvalue(result, 0, 0));
    self->old_segment = number_of(result, 1);
    self->old_offset = number_of(result, 2);
    self->late_until_us = (int64_t) number_of(result, 9);

    *now = (StorePosition){ 0 };
    if (strcmp(self->old_journal_id, self->journal_id) != 0)
        return;

    now->segment = self->old_segment;
    now->offset = self->old_offset;
    now->received_us = (int64_t) number_of(result, 3);
    now->backlog_bytes = number_of(result, 4);
    parse_counts(PQgetvalue(result, 0, 5), now->counts);
    now->sequences_complete = PQgetvalue(result, 0, 6)[0] == 't';
    if (!PQgetisnull(result, 0, 7))
        self->waiting = parse_bytes(PQgetvalue(result, 0, 7));
    now->seq = number_of(result, 8);
}

static bool
is_new_journal(const Position *self)
{
    return strcmp(self->old_journal_id, self->journal_id) != 0;
}

/* Where this journal was left when another took its place, if it ever was. */
static bool
take_left(Position *self, PGconn *conn, StorePosition *now, GError **error)
{
    const char *const params[] = { self->collector, self->worker, self->journal_id };
    g_autoptr(PGresult) result =
        db_query(conn, "looking for an old journal",
                 "SELECT segment, segment_offset, journal_seq, counts, waiting"
                 "  FROM flowkeep.ingest_journal WHERE collector = $1"
                 "   AND worker = $2::integer AND journal_id = $3",
                 3, params, error);

    if (!result || PQntuples(result) == 0)
        return result != NULL;

    now->segment = number_of(result, 0);
    now->offset = number_of(result, 1);
    now->seq = number_of(result, 2);
    parse_counts(PQgetvalue(result, 0, 3), now->counts);
    if (!PQgetisnull(result, 0, 4))
        self->waiting = parse_bytes(PQgetvalue(result, 0, 4));
    return true;
}

/* Remembers where the journal before was left: it may come back. */
static bool
leave_old(const Position *self, PGconn *conn, GError **error)
{
    const char *const params[] = { self->collector, self->worker,
                                   self->old_journal_id };
    g_autoptr(PGresult) result = db_query(
        conn, "leaving an old journal",
        "INSERT INTO flowkeep.ingest_journal (collector, worker, journal_id, segment,"
        " segment_offset, journal_seq, counts, waiting)"
        " SELECT p.collector, p.worker, p.journal_id, p.segment, p.segment_offset,"
        " p.journal_seq, p.counts, p.waiting FROM flowkeep.ingest_position AS p"
        " WHERE p.collector = $1 AND p.worker = $2::integer AND p.journal_id = $3"
        " ON CONFLICT (collector, worker, journal_id) DO UPDATE"
        " SET segment = excluded.segment, segment_offset = excluded.segment_offset,"
        " journal_seq = excluded.journal_seq, counts = excluded.counts,"
        " waiting = excluded.waiting, left_at = excluded.left_at",
        3, params, error);

    return result != NULL;
}

Position *
position_open(PGconn *conn, const StoreOptions *options, StorePosition *now,
              GError **error)
{
    g_autoptr(Position) self = g_new0(Position, 1);

    self->collector = g_strdup(options->collector);
    self->worker = g_strdup_printf("%" PRIu32, options->worker);
    self->journal_id = g_strdup(options->journal_id);
    self->imports = options->import ? "true" : "false";

    if (!take_lock(self, conn, error))
        return NULL;

    g_autoptr(PGresult) result = read_row(self, conn, error);

    if (!result)
        return NULL;
    take_row(self, result, now);
    if (is_new_journal(self) && !take_left(self, conn, now, error))
        return NULL;
    return g_steal_pointer(&self);
}

int64_t
position_late_until_us(const Position *self)
{
    return self->late_until_us;
}

const GByteArray *
position_waiting(const Position *self)
{
    return self->waiting;
}

static char *
format_waiting(const GByteArray *waiting)
{
    static const char hex[] = "0123456789abcdef";
    GString *text = g_string_sized_new(2 * waiting->len + 3);

    g_string_append(text, "\\x");
    for (guint i = 0; i < waiting->len; i++) {
        g_string_append_c(text, hex[waiting->data[i] >> 4]);
        g_string_append_c(text, hex[waiting->data[i] & 15]);
    }
    return g_string_free(text, FALSE);
}

static PGresult *
update_row(const Position *self, PGconn *conn, const StorePosition *next, uint64_t rows,
           const GByteArray *waiting, GError **error)
{
    g_autofree char *segment = g_strdup_printf("%" PRIu64, next->segment);
    g_autofree char *offset = g_strdup_printf("%" PRIu64, next->offset);
    g_autofree char *seq = g_strdup_printf("%" PRIu64, next->seq);
    g_autofree char *received = g_strdup_printf("%" PRId64, next->received_us);
    g_autofree char *backlog =
        g_strdup_printf("%" PRIu64, MIN(next->backlog_bytes, (uint64_t) INT64_MAX));
    g_autofree char *counts =
        g_strdup_printf("{%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "}",
                        next->counts[0], next->counts[1], next->counts[2],
                        next->counts[3]);
    g_autofree char *n_rows = g_strdup_printf("%" PRIu64, rows);
    g_autofree char *exporters = g_strdup_printf("%" PRIu64, next->n_exporters);
    g_autofree char *max = g_strdup_printf("%" PRIu64, next->max_exporters);
    g_autofree char *held = g_strdup_printf("%" PRIu64, next->held_bytes);
    g_autofree char *bytes =
        waiting && waiting->len > 0 ? format_waiting(waiting) : NULL;
    g_autofree char *old_segment = g_strdup_printf("%" PRIu64, self->old_segment);
    g_autofree char *old_offset = g_strdup_printf("%" PRIu64, self->old_offset);
    const char *const params[] = {
        self->collector,
        self->worker,
        self->old_journal_id,
        old_segment,
        old_offset,
        self->journal_id,
        segment,
        offset,
        next->received_us != 0 ? received : NULL,
        backlog,
        counts,
        next->sequences_complete ? "true" : "false",
        waiting || is_new_journal(self) ? "true" : "false",
        bytes,
        n_rows,
        exporters,
        max,
        held,
        seq,
    };

    G_STATIC_ASSERT(STORE_N_COUNTS == 4);
    return db_query(
        conn, "moving the position",
        "UPDATE flowkeep.ingest_position SET journal_id = $6, segment = $7::bigint,"
        " segment_offset = $8::bigint, received_at ="
        " timestamptz 'epoch' + $9::bigint * interval '1 microsecond',"
        " backlog_bytes = $10::bigint, counts = $11::bigint[],"
        " sequences_complete = $12::boolean,"
        " waiting = CASE WHEN $13::boolean THEN $14::bytea ELSE waiting END,"
        " rows_stored = rows_stored + $15::numeric, batches = batches + 1,"
        " exporters = $16::bigint, max_exporters = $17::bigint,"
        " held_bytes = $18::bigint,"
        " journal_seq = $19::bigint,"
        " updated_at = clock_timestamp()"
        " WHERE collector = $1 AND worker = $2::integer AND journal_id = $3"
        " AND segment = $4::bigint AND segment_offset = $5::bigint",
        G_N_ELEMENTS(params), params, error);
}

bool
position_move(Position *self, PGconn *conn, const StorePosition *next, uint64_t rows,
              const GByteArray *waiting, GError **error)
{
    if (is_new_journal(self) && !leave_old(self, conn, error))
        return false;

    /* Another journal's references mean nothing in ours. */
    g_autoptr(PGresult) result =
        update_row(self, conn, next, rows,
                   waiting || !is_new_journal(self) ? waiting : self->waiting, error);

    if (!result)
        return false;
    if (strcmp(PQcmdTuples(result), "1") != 0) {
        self->was_taken = true;
        g_set_error(error, DB_ERROR, DB_ERROR_REJECTED,
                    "collector %s worker %s: its position was moved by another process",
                    self->collector, self->worker);
        return false;
    }

    g_free(self->old_journal_id);
    self->old_journal_id = g_strdup(self->journal_id);
    self->old_segment = next->segment;
    self->old_offset = next->offset;
    return true;
}

bool
position_was_taken(const Position *self)
{
    return self->was_taken;
}
