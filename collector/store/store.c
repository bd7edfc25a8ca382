/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "db.h"
#include "schema.h"
#include "store/backfill.h"
#include "store/copy-row.h"
#include "store/copy-writer.h"
#include "store/exporter-rows.h"
#include "store/learnt-rows.h"
#include "store/loss-rows.h"
#include "store/partition.h"
#include "store/position.h"
#include "store/rollup.h"
#include "store/talker.h"

#define HOUR_US (3600 * US_PER_SEC)

/* Hours that ended so long ago may have been compacted: sql/functions/compact.sql. */
#define COMPACT_AFTER_US (2 * HOUR_US)

/* Commits that are remembered until their WAL is flushed: minutes of them. */
#define MAX_UNFLUSHED 4096

/* A commit, and where its WAL ends. */
typedef struct {
    uint64_t lsn;
    StorePosition position;
} Commit;

struct Store {
    PGconn *conn;    /* in a transaction while a batch is open */
    PGconn *control; /* never in one: ids, partitions, the lock, questions */
    char *collector;
    uint32_t worker;
    StoreExtraPolicy extra;
    uint32_t partition_minutes;
    bool import;

    Position *position;
    bool sequences_complete; /* as read at start */
    CopyWriter *writer;
    Partition partition; /* of the COPY in progress; empty range = none */
    Rollup *rollup;
    Talker *talker;
    LossRows *losses;
    LearntRows *learnt;
    ExporterRows *exporters;
    Backfill backfill;
    GByteArray *waiting; /* to be written; NULL = unchanged */
    GByteArray *rows;    /* of the small tables; kept for its memory */
    bool is_ending;      /* store_flush_talkers() was called */

    GQueue unflushed; /* Commit, oldest first */
    StorePosition flushed;
    StoreCounters counters;
};

/* --- life --- */

static bool
connect_both(Store *self, const StoreOptions *options, GError **error)
{
    g_autofree char *program = g_strdup_printf("flowkeep-collector %s/%" PRIu32,
                                               options->collector, options->worker);
    /* Nothing waits for a lock for ever, and a batch may stay open for as long as it
     * takes to fill. */
    static const char *const settings =
        "SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = 0;"
        "SET client_min_messages = warning";

    self->control = db_connect(options->conninfo, program, true,
                               options->connect_timeout_sec, error);
    if (!self->control || !db_exec(self->control, settings, error) ||
        !schema_check(self->control, error))
        return false;

    self->conn = db_connect(options->conninfo, program, true,
                            options->connect_timeout_sec, error);
    return self->conn && db_exec(self->conn, settings, error);
}

static bool
parse_lsn(const char *text, uint64_t *lsn)
{
    char *end;
    const uint64_t high = g_ascii_strtoull(text, &end, 16);

    if (end == text || *end != '/')
        return false;

    *lsn = high << 32 | g_ascii_strtoull(end + 1, NULL, 16);
    return true;
}

static void
remember_commit(Store *self, const StorePosition *position, uint64_t lsn)
{
    Commit *entry = g_new(Commit, 1);

    /* Nobody asks: the newest stands for the one before, which is only later. */
    if (g_queue_get_length(&self->unflushed) >= MAX_UNFLUSHED)
        g_free(g_queue_pop_tail(&self->unflushed));
    *entry = (Commit){ lsn, *position };
    g_queue_push_tail(&self->unflushed, entry);
}

static bool
remember_position(Store *self, const StorePosition *position, GError **error)
{
    g_autoptr(PGresult) result =
        db_query(self->control, "asking for the end of the WAL",
                 "SELECT pg_current_wal_insert_lsn()", 0, NULL, error);
    uint64_t lsn;

    if (!result)
        return false;
    if (!parse_lsn(PQgetvalue(result, 0, 0), &lsn))
        return db_error_set(error, self->control, NULL,
                            "asking for the end of the WAL");

    remember_commit(self, position, lsn);
    return true;
}

Store *
store_open(const StoreOptions *options, StorePosition *position, GError **error)
{
    g_autoptr(Store) self = g_new0(Store, 1);
    StorePosition now;

    self->collector = g_strdup(options->collector);
    self->worker = options->worker;
    self->extra = options->extra;
    self->partition_minutes = options->partition_minutes;
    self->import = options->import;
    if (!connect_both(self, options, error))
        return NULL;

    self->position = position_open(self->control, options, &now, error);
    if (!self->position)
        return NULL;

    self->writer = copy_writer_new(self->conn);
    self->rollup = rollup_new();
    self->talker = talker_new(options->talkers);
    self->losses = loss_rows_new(options->collector);
    self->learnt = learnt_rows_new(options->collector, options->worker);
    self->exporters = exporter_rows_new(options->collector, options->worker);
    self->backfill = backfill_until(
        options->import ? INT64_MAX : position_late_until_us(self->position));
    self->rows = g_byte_array_new();
    self->sequences_complete = now.sequences_complete;
    /* What we have just read may not be on disk yet. */
    if (!remember_position(self, &now, error))
        return NULL;
    *position = now;
    return g_steal_pointer(&self);
}

void
store_free(Store *self)
{
    if (!self)
        return;

    copy_writer_free(self->writer);
    rollup_free(self->rollup);
    talker_free(self->talker);
    loss_rows_free(self->losses);
    learnt_rows_free(self->learnt);
    exporter_rows_free(self->exporters);
    position_free(self->position);
    if (self->waiting)
        g_byte_array_unref(self->waiting);
    if (self->rows)
        g_byte_array_unref(self->rows);
    g_queue_clear_full(&self->unflushed, g_free);
    /* The lock is let go last. */
    PQfinish(self->conn);
    PQfinish(self->control);
    g_free(self->collector);
    g_free(self);
}

bool
store_restore(Store *self, ExporterTable *exporters, const StoreRestore *restore,
              void *user_data, GError **error)
{
    const LearntRowsRestore learnt = { restore->template, restore->option };
    const GByteArray *waiting = position_waiting(self->position);

    if (!exporter_rows_restore(self->exporters, self->control, exporters,
                               self->sequences_complete, error) ||
        !learnt_rows_restore(self->learnt, self->control, exporters, &learnt, user_data,
                             error))
        return false;

    if (waiting && restore->waiting)
        restore->waiting(waiting->data, waiting->len, user_data);
    return true;
}

/* --- filling a batch --- */

static bool
resolve_one(Store *self, Exporter *exporter, GError **error)
{
    g_autoptr(GPtrArray) one = g_ptr_array_new();

    g_ptr_array_add(one, exporter);
    return exporter_rows_resolve(self->control, one, error);
}

/* Rows of @received_us are to be copied from here on. */
static bool
begin_copy(Store *self, int64_t received_us, GError **error)
{
    if (!partition_has(&self->partition, received_us) &&
        !partition_find(self->control, received_us, self->partition_minutes,
                        self->import, &self->partition, error))
        return false;

    g_autofree char *statement = copy_row_statement(self->partition.name);
    return copy_writer_use(self->writer, statement, error);
}

static CopyRowExtra
extra_for(const Store *self, const Flow *flow)
{
    switch (self->extra) {
    case STORE_EXTRA_ALL:
        return COPY_ROW_EXTRA_ALL;
    case STORE_EXTRA_WATCHED:
        return flow->watched ? COPY_ROW_EXTRA_ALL : COPY_ROW_EXTRA_FORCED;
    default:
        return COPY_ROW_EXTRA_NONE;
    }
}

static bool
add_flow(Store *self, const Flow *flow, const CopyExtraNames *names, GError **error)
{
    if (flow->exporter->id == 0 && !resolve_one(self, flow->exporter, error))
        return false;
    if ((!copy_writer_is_copying(self->writer) ||
         !partition_has(&self->partition, flow->received_us)) &&
        !begin_copy(self, flow->received_us, error))
        return false;

    uint8_t *at = copy_writer_reserve(self->writer, COPY_ROW_MAX_BYTES);

    rollup_add(self->rollup, flow);
    talker_add(self->talker, flow);
    backfill_add(&self->backfill, flow->received_us);
    return copy_writer_row(self->writer,
                           copy_row_put(at, flow, names, extra_for(self, flow)), error);
}

bool
store_add_flow(Store *self, const Flow *flow, const char *app_name,
               const char *vrf_in_name, const char *vrf_out_name, GError **error)
{
    const CopyExtraNames names = { app_name, vrf_in_name, vrf_out_name };

    if (add_flow(self, flow, &names, error))
        return true;
    if (error && *error)
        (*error)->code = DB_ERROR_LOST; /* REJECTED is store_commit()'s to say */
    return false;
}

void
store_add_loss(Store *self, const Loss *loss)
{
    loss_rows_add(self->losses, loss);
}

void
store_add_template(Store *self, const LearntTemplate *learnt)
{
    learnt_rows_add_template(self->learnt, learnt);
}

void
store_add_option(Store *self, const LearntOption *learnt)
{
    learnt_rows_add_option(self->learnt, learnt);
}

void
store_add_exporter(Store *self, Exporter *exporter)
{
    exporter_rows_add(self->exporters, exporter);
}

void
store_set_waiting(Store *self, const uint8_t *bytes, size_t n_bytes)
{
    if (!self->waiting)
        self->waiting = g_byte_array_new();
    g_byte_array_set_size(self->waiting, 0);
    g_byte_array_append(self->waiting, bytes, (guint) n_bytes);
}

void
store_flush_talkers(Store *self)
{
    self->is_ending = true;
    talker_flush(self->talker);
}

size_t
store_batch_rows(const Store *self)
{
    return copy_writer_rows(self->writer);
}

/* --- ending it --- */

/* Ids for all that the rows below need, in one question. */
static bool
resolve_all(Store *self, GError **error)
{
    g_autoptr(GPtrArray) unknown = g_ptr_array_new();
    g_autoptr(GPtrArray) distinct = g_ptr_array_new();
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    exporter_rows_collect(self->exporters, unknown);
    learnt_rows_collect(self->learnt, unknown);
    loss_rows_collect(self->losses, unknown);
    for (guint i = 0; i < unknown->len; i++) {
        if (g_hash_table_add(seen, g_ptr_array_index(unknown, i)))
            g_ptr_array_add(distinct, g_ptr_array_index(unknown, i));
    }
    return exporter_rows_resolve(self->control, distinct, error);
}

static bool
write_refusal(Store *self, const CopyWriterRefusal *refusal, GError **error)
{
    const uint8_t *row = copy_writer_refusal_row(self->writer, refusal);
    g_autofree char *text = copy_row_text(row, refusal->n_bytes);
    int64_t received_us;
    int32_t exporter_id;

    copy_row_identify(row, &received_us, &exporter_id);
    loss_rows_add_by_id(self->losses,
                        &(Loss){ .reason = LOSS_REJECTED,
                                 .unit = LOSS_UNIT_FLOWS,
                                 .class = "",
                                 .count = 1,
                                 .received_us = received_us },
                        exporter_id);

    g_autofree char *received = g_strdup_printf("%" PRId64, received_us);
    g_autofree char *id = g_strdup_printf("%" PRId32, exporter_id);
    const char *const params[] = { received,         id,
                                   self->collector,  refusal->sqlstate,
                                   refusal->message, text };
    g_autoptr(PGresult) result =
        db_query(self->conn, "writing rejected flows",
                 "INSERT INTO flowkeep.rejected_flow"
                 " (received_at, exporter_id, collector, sqlstate, reason, flow)"
                 " VALUES (timestamptz 'epoch' + $1::bigint * interval '1 microsecond',"
                 " $2::integer, $3, $4, $5, $6)",
                 6, params, error);

    return result != NULL;
}

static bool
write_refusals(Store *self, GError **error)
{
    for (size_t i = 0; i < copy_writer_n_refusals(self->writer); i++) {
        if (!write_refusal(self, copy_writer_refusal(self->writer, i), error))
            return false;
    }
    return true;
}

/* Hours that may have been compacted already are to be compacted again. */
static bool
write_late_hours(Store *self, GError **error)
{
    const int64_t late_us = clock_wall_us() - COMPACT_AFTER_US;

    if (rollup_oldest_us(self->rollup) >= late_us)
        return true;

    g_autoptr(GArray) hours = rollup_hours(self->rollup);
    g_autoptr(GString) sql =
        g_string_new("INSERT INTO flowkeep.traffic_late (hour) VALUES ");
    bool is_first = true;

    for (guint i = 0; i < hours->len; i++) {
        const int64_t hour_us = g_array_index(hours, int64_t, i);

        if (hour_us + HOUR_US > late_us)
            continue;
        g_string_append_printf(sql,
                               "%s(timestamptz 'epoch' + %" PRId64
                               " * interval '1 second')",
                               is_first ? "" : ", ", hour_us / US_PER_SEC);
        is_first = false;
    }
    return is_first || db_exec(self->conn, sql->str, error);
}

static bool
write_rollup(Store *self, GError **error)
{
    if (!write_late_hours(self, error))
        return false;

    g_byte_array_set_size(self->rows, 0);
    rollup_take(self->rollup, self->rows);
    return copy_writer_send_all(self->conn, rollup_statement(), self->rows->data,
                                self->rows->len, error);
}

static bool
write_losses(Store *self, GError **error)
{
    g_byte_array_set_size(self->rows, 0);
    loss_rows_take(self->losses, self->rows);
    return copy_writer_send_all(self->conn, loss_rows_statement(), self->rows->data,
                                self->rows->len, error);
}

static bool
write_talkers(Store *self, int64_t received_us, GError **error)
{
    talker_tick(self->talker, received_us);

    g_autoptr(GByteArray) rows = talker_steal(self->talker);

    return !rows || copy_writer_send_all(self->conn, talker_statement(), rows->data,
                                         rows->len, error);
}

/* All but the rows of flow, which are there. */
static bool
write_rest(Store *self, StorePosition *position, GError **error)
{
    const bool finished = self->import
                              ? self->is_ending
                              : position->received_us >= self->backfill.late_until_us;

    return exporter_rows_write(self->exporters, self->conn, clock_mono_us(),
                               self->is_ending, &position->sequences_complete, error) &&
           learnt_rows_write(self->learnt, self->conn, error) &&
           write_refusals(self, error) && write_rollup(self, error) &&
           write_losses(self, error) &&
           write_talkers(self, position->received_us, error) &&
           backfill_write(&self->backfill, self->conn, self->collector, self->worker,
                          finished, error);
}

/* COMMIT of a transaction that failed answers ROLLBACK, and no error. */
static bool
commit(Store *self, uint64_t *lsn, GError **error)
{
    bool ok =
        PQsendQuery(self->conn, "COMMIT; SELECT pg_current_wal_insert_lsn()") == 1;
    bool committed = false;
    bool has_lsn = false;

    if (!ok)
        db_error_set(error, self->conn, NULL, "committing");
    for (;;) {
        g_autoptr(PGresult) result = PQgetResult(self->conn);

        if (!result)
            break;
        if (PQresultStatus(result) == PGRES_COMMAND_OK)
            committed = strcmp(PQcmdStatus(result), "COMMIT") == 0;
        else if (PQresultStatus(result) == PGRES_TUPLES_OK)
            has_lsn = parse_lsn(PQgetvalue(result, 0, 0), lsn);
        else if (ok)
            ok = db_error_set(error, self->conn, result, "committing");
    }

    if (ok && !(committed && has_lsn)) {
        g_set_error(error, DB_ERROR, DB_ERROR_LOST, "committing: rolled back");
        return false;
    }
    return ok;
}

static bool
try_commit(Store *self, StorePosition *position, GError **error)
{
    uint64_t lsn = 0;

    if (!copy_writer_finish(self->writer, error) ||
        !copy_writer_begin(self->writer, error) || !resolve_all(self, error) ||
        !write_rest(self, position, error))
        return false;

    const uint64_t rows = copy_writer_rows(self->writer);

    if (!position_move(self->position, self->conn, position, rows, self->waiting,
                       error))
        return false;
    if (!commit(self, &lsn, error))
        return false;

    remember_commit(self, position, lsn);
    self->counters.rows += rows;
    self->counters.rejected += copy_writer_n_refusals(self->writer);
    self->counters.batches++;
    return true;
}

bool
store_commit(Store *self, const StorePosition *position, GError **error)
{
    g_autoptr(GError) why = NULL;
    StorePosition next = *position;

    if (!try_commit(self, &next, &why)) {
        /* REJECTED has one meaning here, and one place where it comes from. */
        if (!g_error_matches(why, DB_ERROR, DB_ERROR_REJECTED) ||
            !position_was_taken(self->position))
            why->code = DB_ERROR_LOST;
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }

    copy_writer_reset(self->writer);
    g_clear_pointer(&self->waiting, g_byte_array_unref);
    self->is_ending = false;
    return true;
}

bool
store_flushed(Store *self, StorePosition *position, GError **error)
{
    g_autoptr(PGresult) result =
        db_query(self->control, "asking for the flushed WAL",
                 "SELECT pg_current_wal_flush_lsn()", 0, NULL, error);
    uint64_t lsn;

    if (!result)
        return false;
    if (!parse_lsn(PQgetvalue(result, 0, 0), &lsn)) {
        g_set_error(error, DB_ERROR, DB_ERROR_LOST, "the server has no WAL position");
        return false;
    }

    for (Commit *oldest; (oldest = g_queue_peek_head(&self->unflushed)) != NULL &&
                         oldest->lsn <= lsn;) {
        self->flushed = oldest->position;
        g_free(g_queue_pop_head(&self->unflushed));
    }
    *position = self->flushed;
    return true;
}

const StoreCounters *
store_counters(const Store *self)
{
    return &self->counters;
}
