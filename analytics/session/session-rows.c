/* SPDX-License-Identifier: Apache-2.0 */
#include "session/session-rows.h"

#include <inttypes.h>

#include "clock.h"
#include "copy-reader.h"
#include "copy-sender.h"
#include "db.h"
#include "session/session-ledger.h"
#include "session/session-state.h"

#define STREAM  "live"
#define READING "reading open sessions"
#define WRITING "writing open sessions"

#define SESSION_COLUMNS                                                                \
    "id, stream, host, peer, service_port, protocol, initiator, start_at, end_at,"     \
    " out_octets, in_octets, records, exporters, is_over, state"
#define N_SESSION_COLUMNS 15

static bool
broken(const char *what, GError **error)
{
    g_set_error(error, DB_ERROR, DB_ERROR_REJECTED,
                READING ": %s is of another version or damaged", what);
    return false;
}

/* --- sessions --- */

static void
send_exporters(CopySender *sender, const SessionPool *pool, const Session *session)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int32_t));

    for (uint32_t i = session->parts; i != SESSION_NONE;
         i = session_pool_part(pool, i)->next) {
        const int32_t id = session_pool_part(pool, i)->exporter_id;
        guint at = 0;

        while (at < ids->len && g_array_index(ids, int32_t, at) < id)
            at++;
        if (at == ids->len || g_array_index(ids, int32_t, at) != id)
            g_array_insert_val(ids, at, id);
    }
    copy_sender_array(sender, COPY_SENDER_INT4, ids->len);
    for (guint i = 0; i < ids->len; i++)
        copy_sender_int4(sender, g_array_index(ids, int32_t, i));
}

static void
send_session(CopySender *sender, SessionEngine *engine, uint32_t index,
             GByteArray *bytes)
{
    const SessionPool *pool = session_engine_pool(engine);
    const Session *session = session_pool_at(pool, index);
    const SessionRole role =
        session->state == SESSION_CLOSED
            ? session->role
            : session_role_of(pool, session, session_engine_services(engine));
    const SessionTotals totals = session_ledger_totals(pool, session, role.caller);
    const bool is_low = session->watched & SESSION_WATCHED_LOW;
    const SessionEnd host = is_low ? SESSION_END_LOW : SESSION_END_HIGH;

    copy_sender_row(sender, N_SESSION_COLUMNS);
    copy_sender_int8(sender, (int64_t) session->id);
    copy_sender_text(sender, STREAM);
    copy_sender_inet(sender, is_low ? &session->key.low : &session->key.high);
    copy_sender_inet(sender, is_low ? &session->key.high : &session->key.low);
    copy_sender_int4(sender, role.service_port);
    copy_sender_int2(sender, session->key.protocol);
    copy_sender_int2(sender, role.caller == SESSION_END_UNKNOWN ? CONTACT_UNKNOWN
                             : role.caller == host              ? CONTACT_BY_HOST
                                                                : CONTACT_BY_PEER);
    copy_sender_time(sender, totals.start_us);
    copy_sender_time(sender, totals.end_us);
    copy_sender_int8(sender, (int64_t) totals.octets[is_low]);
    copy_sender_int8(sender, (int64_t) totals.octets[!is_low]);
    copy_sender_int4(sender, (int32_t) MIN(totals.n_records, INT32_MAX));
    send_exporters(sender, pool, session);
    copy_sender_bool(sender, session->state == SESSION_CLOSED);

    g_byte_array_set_size(bytes, 0);
    session_state_encode(pool, index, bytes);
    copy_sender_bytes(sender, bytes->data, bytes->len);
}

static bool
delete_gone(PGconn *conn, const GArray *gone, GError **error)
{
    CopySender sender;

    if (gone->len == 0)
        return true;
    if (!db_exec(conn,
                 "CREATE TEMPORARY TABLE IF NOT EXISTS session_gone (id bigint)"
                 " ON COMMIT DELETE ROWS",
                 error) ||
        !copy_sender_begin(&sender, conn, WRITING,
                           "COPY pg_temp.session_gone FROM STDIN (FORMAT binary)",
                           error))
        return false;

    for (guint i = 0; i < gone->len; i++) {
        copy_sender_row(&sender, 1);
        copy_sender_int8(&sender, (int64_t) g_array_index(gone, uint64_t, i));
    }
    return copy_sender_finish(&sender, error) &&
           db_exec(
               conn,
               "DELETE FROM flowkeep.session_open AS s USING pg_temp.session_gone AS g"
               " WHERE s.id = g.id",
               error);
}

static bool
write_sessions(PGconn *conn, SessionEngine *engine, GError **error)
{
    g_autoptr(GArray) changed = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    g_autoptr(GArray) gone = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    CopySender sender;

    session_engine_take_changes(engine, changed, gone);
    if (!delete_gone(conn, gone, error))
        return false;
    if (changed->len == 0)
        return true;
    if (!copy_sender_begin(&sender, conn, WRITING,
                           "COPY flowkeep.session_open (" SESSION_COLUMNS
                           ") FROM STDIN (FORMAT binary)",
                           error))
        return false;

    for (guint i = 0; i < changed->len; i++)
        send_session(&sender, engine, g_array_index(changed, uint32_t, i), bytes);
    return copy_sender_finish(&sender, error);
}

static bool
take_session(Reader *row, void *user_data, GError **error)
{
    SessionEngine *engine = user_data;
    uint64_t id;
    Reader state;

    if (!copy_reader_uint(row, &id) || !copy_reader_bytes(row, &state) ||
        !session_state_decode(session_engine_pool(engine), id, &state))
        return broken("session_open.state", error);
    return true;
}

/* --- exporters --- */

static bool
clock_changed(const ExporterClock *clock)
{
    return clock->is_dirty && clock->event_us != INT64_MIN;
}

/* second, count, second, count ... */
static void
send_clock(CopySender *sender, const ExporterClock *clock)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    for (unsigned i = 0; clock->counts && i < EXPORTER_CLOCK_BINS; i++) {
        const uint16_t pair[2] = { g_htons((uint16_t) (i + EXPORTER_CLOCK_MIN_SEC)),
                                   g_htons(clock->counts[i]) };

        if (clock->counts[i] > 0)
            g_byte_array_append(bytes, (const guint8 *) pair, sizeof(pair));
    }

    copy_sender_row(sender, 5);
    copy_sender_int4(sender, clock->exporter_id);
    if (clock->active_timeout_sec > 0)
        copy_sender_int4(sender, (int32_t) clock->active_timeout_sec);
    else
        copy_sender_null(sender);
    copy_sender_int8(sender, clock->evidence);
    copy_sender_bytes(sender, bytes->data, bytes->len);
    copy_sender_time(sender, clock->event_us);
}

/* An exporter that is no longer in its table is forgotten.  @if_known: what to do with
 * the row there is. */
static bool
write_clocks(PGconn *conn, ExporterClocks *clocks, const char *if_known, GError **error)
{
    g_autofree char *insert =
        g_strconcat("INSERT INTO flowkeep.exporter_timeout AS t (exporter_id,"
                    " active_timeout_sec, evidence, state, event_at)"
                    " SELECT c.exporter_id, c.active_timeout_sec, c.evidence, c.state,"
                    " c.event_at FROM pg_temp.exporter_clock AS c"
                    " JOIN flowkeep.exporter AS e ON e.id = c.exporter_id"
                    " ON CONFLICT (exporter_id) DO UPDATE"
                    " SET active_timeout_sec = excluded.active_timeout_sec,"
                    " evidence = excluded.evidence, state = excluded.state,"
                    " updated_at = clock_timestamp()",
                    if_known, NULL);
    CopySender sender;

    if (!db_exec(conn,
                 "CREATE TEMPORARY TABLE IF NOT EXISTS exporter_clock (exporter_id"
                 " integer, active_timeout_sec integer, evidence bigint, state bytea,"
                 " event_at timestamptz) ON COMMIT DELETE ROWS",
                 error) ||
        !copy_sender_begin(&sender, conn, "writing exporter_timeout",
                           "COPY pg_temp.exporter_clock FROM STDIN (FORMAT binary)",
                           error))
        return false;

    for (size_t i = 0; i < exporter_clock_list_len(clocks); i++) {
        ExporterClock *clock = exporter_clock_list_at(clocks, i);

        if (clock_changed(clock))
            send_clock(&sender, clock);
        clock->is_dirty = false;
    }
    return copy_sender_finish(&sender, error) && db_exec(conn, insert, error);
}

static bool
take_clock(Reader *row, void *user_data, GError **error)
{
    SessionEngine *engine = user_data;
    uint64_t id, timeout_sec = 0, evidence = 0;
    int64_t event_us = INT64_MIN;
    Reader state;

    if (!copy_reader_uint(row, &id))
        return broken("exporter_timeout", error);

    ExporterClock *clock =
        exporter_clock_list_get(session_engine_clocks(engine), (int32_t) id);
    copy_reader_uint(row, &timeout_sec);
    copy_reader_uint(row, &evidence);
    if (!copy_reader_bytes(row, &state))
        return broken("exporter_timeout.state", error);
    copy_reader_time(row, &event_us);

    clock->active_timeout_sec = (uint32_t) timeout_sec;
    clock->evidence = (uint32_t) evidence;
    clock->event_us = event_us;
    while (state.left > 0) {
        const uint32_t seconds = (uint32_t) reader_uint(&state, 2);

        exporter_clock_restore(clock, seconds, (uint16_t) reader_uint(&state, 2));
    }
    return reader_ok(&state) || broken("exporter_timeout.state", error);
}

/* --- the stream --- */

static char *
hex(const GByteArray *bytes)
{
    GString *text = g_string_sized_new(2 * bytes->len + 3);

    g_string_append(text, "\\x");
    for (guint i = 0; i < bytes->len; i++)
        g_string_append_printf(text, "%02x", bytes->data[i]);
    return g_string_free(text, FALSE);
}

static bool
write_stream(PGconn *conn, SessionEngine *engine, int64_t until_us, GError **error)
{
    g_autofree char *until = g_strdup_printf("%" PRId64, until_us);
    ServiceMemory *services = session_engine_services(engine);
    g_autofree char *n_open = g_strdup_printf("%zu", session_engine_n_open(engine));
    g_autofree char *early =
        g_strdup_printf("%" PRIu64, session_engine_n_early(engine));
    g_autofree char *known = NULL;

    if (service_memory_take_changed(services)) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();

        service_memory_encode(services, bytes);
        known = hex(bytes);
    }

    const char *const params[] = { known, n_open, early, until };
    g_autoptr(PGresult) result = db_query(
        conn, "writing session_stream",
        "INSERT INTO flowkeep.session_stream AS s"
        " (stream, services, sessions_open, closed_early, began_at)"
        " VALUES ('" STREAM "', coalesce($1::bytea, ''), $2::bigint, $3::bigint,"
        " timestamptz 'epoch' + $4::bigint * interval '1 microsecond')"
        " ON CONFLICT (stream) DO UPDATE SET services = coalesce($1::bytea, "
        "s.services),"
        " sessions_open = excluded.sessions_open,"
        " closed_early = excluded.closed_early, updated_at = clock_timestamp()",
        4, params, error);

    return result != NULL;
}

static bool
take_stream(Reader *row, void *user_data, GError **error)
{
    SessionEngine *engine = user_data;
    uint64_t early;
    Reader services;

    if (!copy_reader_uint(row, &early) || !copy_reader_bytes(row, &services) ||
        !service_memory_decode(session_engine_services(engine), &services))
        return broken("session_stream.services", error);
    session_engine_set_early(engine, early);
    return true;
}

/* --- all of it --- */

bool
session_rows_write(PGconn *conn, SessionEngine *engine, int64_t until_us,
                   GError **error)
{
    return write_sessions(conn, engine, error) &&
           write_clocks(conn, session_engine_clocks(engine),
                        ", event_at = excluded.event_at", error) &&
           write_stream(conn, engine, until_us, error);
}

bool
session_rows_write_learnt(PGconn *conn, SessionEngine *engine, GError **error)
{
    return write_clocks(conn, session_engine_clocks(engine),
                        " WHERE t.active_timeout_sec IS NULL", error);
}

bool
session_rows_read_learnt(PGconn *conn, SessionEngine *engine, GError **error)
{
    return copy_reader_run(conn,
                           "COPY (SELECT t.exporter_id, t.active_timeout_sec,"
                           " t.evidence, t.state, t.event_at"
                           " FROM flowkeep.exporter_timeout AS t)"
                           " TO STDOUT (FORMAT binary)",
                           "reading exporter_timeout", 5, take_clock, engine, error) &&
           copy_reader_run(conn,
                           "COPY (SELECT s.closed_early, s.services"
                           " FROM flowkeep.session_stream AS s"
                           " WHERE s.stream = '" STREAM "') TO STDOUT (FORMAT binary)",
                           "reading session_stream", 2, take_stream, engine, error);
}

bool
session_rows_read(PGconn *conn, SessionEngine *engine, GError **error)
{
    return session_rows_read_learnt(conn, engine, error) &&
           copy_reader_run(conn,
                           "COPY (SELECT s.id, s.state FROM flowkeep.session_open AS s"
                           " WHERE s.stream = '" STREAM "') TO STDOUT (FORMAT binary)",
                           READING, 2, take_session, engine, error);
}
