/* SPDX-License-Identifier: Apache-2.0 */
#include "session/contact-rows.h"

#include <inttypes.h>

#include "clock.h"
#include "copy-sender.h"
#include "db.h"
#include "session/contact-reader.h"

#define HOUR_US   INT64_C(3600000000)
#define DAY_HOURS 24
#define DOING     "writing contacts"

#define COLUMNS                                                                        \
    "hour, host, peer, service_port, protocol, initiator, sessions, records,"          \
    " out_octets, in_octets, out_packets, in_packets, longest_ms, sampling,"           \
    " exporter_id, starts, start_octets, dense, gaps, lv_sum"
#define N_COLUMNS 20

#define STRING(x)  #x
#define LITERAL(x) STRING(x)
#define MAX_STARTS LITERAL(CONTACT_MAX_STARTS_AN_HOUR)

static const char make_table[] = "CREATE TEMPORARY TABLE IF NOT EXISTS contact_more"
                                 " (LIKE flowkeep.contact_hour) ON COMMIT DELETE ROWS";

/* A sum that is not below zero; bigint's largest where it does not fit. */
#define SUM(column)                                                                    \
    column " = CASE WHEN c." column " > 4611686018427387903"                           \
           " OR excluded." column " > 4611686018427387903 THEN 9223372036854775807"    \
           " ELSE greatest(c." column " + excluded." column ", 0) END"

static const char add_rows[] =
    "INSERT INTO flowkeep.contact_hour AS c (" COLUMNS ")"
    " SELECT " COLUMNS " FROM pg_temp.contact_more"
    " ON CONFLICT (host, peer, service_port, protocol, initiator, hour) DO UPDATE SET"
    " sessions = c.sessions + excluded.sessions,"
    " " SUM("records") ", " SUM("out_octets") ", " SUM(
        "in_octets") ","
                     " " SUM("out_packets") ", " SUM(
                         "in_packets") ","
                                       " longest_ms = greatest(c.longest_ms, "
                                       "excluded.longest_ms),"
                                       " sampling = greatest(c.sampling, "
                                       "excluded.sampling),"
                                       " exporter_id = coalesce(excluded.exporter_id, "
                                       "c.exporter_id),"
                                       " starts = (c.starts || "
                                       "excluded.starts)[:" MAX_STARTS "],"
                                       " start_octets = (c.start_octets || "
                                       "excluded.start_octets)[:" MAX_STARTS "],"
                                       " dense = c.dense OR excluded.dense"
                                       " OR cardinality(c.starts) + "
                                       "cardinality(excluded.starts) > " MAX_STARTS ","
                                       " gaps = c.gaps + excluded.gaps, lv_sum = "
                                       "c.lv_sum + excluded.lv_sum";

/* A session turned out to be of another group, and nothing else was in the row. */
static const char drop_empty[] =
    "DELETE FROM flowkeep.contact_hour AS c USING pg_temp.contact_more AS n"
    " WHERE n.sessions = 0 AND n.records <= 0 AND n.out_octets <= 0"
    " AND n.in_octets <= 0"
    " AND c.host = n.host AND c.peer = n.peer AND c.service_port = n.service_port"
    " AND c.protocol = n.protocol AND c.initiator = n.initiator AND c.hour = n.hour"
    " AND c.sessions = 0 AND c.records <= 0 AND c.out_octets <= 0"
    " AND c.in_octets <= 0 AND c.out_packets <= 0 AND c.in_packets <= 0";

/* --- partitions --- */

static bool
make_day(PGconn *conn, uint32_t day, bool imported, GError **error)
{
    const int64_t at_us = (int64_t) day * DAY_HOURS * HOUR_US;
    g_autofree char *from = contact_reader_time_literal(at_us);
    g_autofree char *to = contact_reader_time_literal(at_us + DAY_HOURS * HOUR_US);
    g_autofree char *sql =
        g_strdup_printf("SELECT flowkeep.partition_ensure('contact_hour', %s, %s,"
                        " interval '1 day', %s)",
                        from, to, imported ? "true" : "false");

    return db_exec(conn, sql, error);
}

bool
contact_rows_prepare(PGconn *conn, const ContactSum *sum, bool imported, GError **error)
{
    g_autoptr(GHashTable) days = g_hash_table_new(NULL, NULL);

    for (size_t i = 0; i < contact_sum_len(sum); i++) {
        const uint32_t day = contact_sum_at(sum, i)->hour / DAY_HOURS;

        if (g_hash_table_add(days, GUINT_TO_POINTER(day)) &&
            !make_day(conn, day, imported, error))
            return false;
    }
    return true;
}

/* --- rows --- */

static void
send_starts(CopySender *sender, const ContactSum *sum, const ContactSumRow *row)
{
    const uint32_t n = MIN(row->n_starts, CONTACT_MAX_STARTS_AN_HOUR);
    uint32_t at = row->first_start;

    copy_sender_array(sender, COPY_SENDER_INT4, n);
    for (uint32_t i = 0; i < n; i++, at = contact_sum_start(sum, at)->next)
        copy_sender_int4(sender, contact_sum_start(sum, at)->start_ms);

    at = row->first_start;
    copy_sender_array(sender, COPY_SENDER_INT8, n);
    for (uint32_t i = 0; i < n; i++, at = contact_sum_start(sum, at)->next)
        copy_sender_int8(sender, contact_sum_start(sum, at)->octets);
}

static void
send_row(CopySender *sender, const ContactSum *sum, const ContactSumRow *row)
{
    copy_sender_row(sender, N_COLUMNS);
    copy_sender_time(sender, row->hour * HOUR_US);
    copy_sender_inet(sender, &row->key.host);
    copy_sender_inet(sender, &row->key.peer);
    copy_sender_int4(sender, row->key.service_port);
    copy_sender_int2(sender, row->key.protocol);
    copy_sender_int2(sender, row->key.initiator);
    copy_sender_int8(sender, row->n_sessions);
    copy_sender_int8(sender, row->amounts.n_records);
    copy_sender_int8(sender, row->amounts.out_octets);
    copy_sender_int8(sender, row->amounts.in_octets);
    copy_sender_int8(sender, row->amounts.out_packets);
    copy_sender_int8(sender, row->amounts.in_packets);
    copy_sender_int8(sender, row->longest_ms);
    if (row->sampling > 0)
        copy_sender_int4(sender, (int32_t) row->sampling);
    else
        copy_sender_null(sender);
    if (row->exporter_id != 0)
        copy_sender_int4(sender, row->exporter_id);
    else
        copy_sender_null(sender);
    send_starts(sender, sum, row);
    copy_sender_bool(sender, row->n_starts > CONTACT_MAX_STARTS_AN_HOUR);
    copy_sender_int8(sender, row->n_gaps);
    copy_sender_double(sender, row->lv_sum);
}

static bool
send_rows(PGconn *conn, const ContactSum *sum, GError **error)
{
    CopySender sender;

    if (!copy_sender_begin(&sender, conn, DOING,
                           "COPY pg_temp.contact_more (" COLUMNS
                           ") FROM STDIN (FORMAT binary)",
                           error))
        return false;

    for (size_t i = 0; i < contact_sum_len(sum); i++) {
        const ContactSumRow *row = contact_sum_at(sum, i);

        if (!contact_sum_is_nothing(row))
            send_row(&sender, sum, row);
    }
    return copy_sender_finish(&sender, error);
}

bool
contact_rows_write(PGconn *conn, const ContactSum *sum, GError **error)
{
    if (contact_sum_len(sum) == 0)
        return true;

    return db_exec(conn, make_table, error) &&
           db_exec(conn, "TRUNCATE pg_temp.contact_more", error) &&
           send_rows(conn, sum, error) && db_exec(conn, add_rows, error) &&
           db_exec(conn, drop_empty, error);
}

/* The live stream was there, and its flows are gone. */
#define CANNOT_BE_MADE_AGAIN                                                           \
    "EXISTS (SELECT FROM flowkeep.session_stream AS s"                                 \
    " WHERE s.stream = 'live' AND c.hour >= date_trunc('hour', s.began_at)"            \
    " AND c.hour < coalesce((SELECT min(p.from_at)"                                    \
    " FROM flowkeep.time_partition AS p"                                               \
    " WHERE p.parent = 'flow' AND NOT p.imported), s.began_at))"

bool
contact_rows_delete(PGconn *conn, int64_t from_us, int64_t to_us, GError **error)
{
    g_autofree char *from = contact_reader_time_literal(from_us);
    g_autofree char *to = contact_reader_time_literal(to_us);
    g_autofree char *sql = g_strdup_printf(
        "DELETE FROM flowkeep.contact_hour AS c"
        " WHERE c.hour >= %s AND c.hour < %s AND NOT " CANNOT_BE_MADE_AGAIN,
        from, to);

    return db_exec(conn, sql, error);
}
