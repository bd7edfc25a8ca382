/* SPDX-License-Identifier: Apache-2.0 */
#include "report-tables.h"

#include <glib.h>

const ReportTable report_tables[] = {
    {
        .heading = "Watched hosts that sent most",
        .empty = "No watched host talked to anybody.",
        .sql = "SELECT host(c.host), sum(c.out_octets), sum(c.in_octets),"
               "       count(DISTINCT c.peer), sum(c.sessions),"
               "       host((array_agg(c.peer ORDER BY c.out_octets DESC))[1])"
               "  FROM flowkeep.contact_hour AS c"
               " WHERE c.hour >= to_timestamp($1) AND c.hour < to_timestamp($2)"
               " GROUP BY c.host ORDER BY 2 DESC LIMIT 15",
        .columns = { { "Host", REPORT_TEXT },
                     { "Sent", REPORT_OCTETS },
                     { "Received", REPORT_OCTETS },
                     { "Peers", REPORT_COUNT },
                     { "Sessions", REPORT_COUNT },
                     { "Most in an hour to", REPORT_TEXT } },
    },
    {
        .heading = "Pairs that carried most",
        .note = "Of all traffic; counts are upper bounds where hosts are many.",
        .empty = "No traffic was counted.",
        .sql = "SELECT t.key, sum(t.octets), sum(t.packets), sum(t.flows)"
               "  FROM flowkeep.talker_5m AS t"
               " WHERE t.kind = 'pair' AND t.key <> 'other'"
               "   AND t.start_at >= to_timestamp($1)"
               "   AND t.start_at < to_timestamp($2)"
               " GROUP BY t.key ORDER BY 2 DESC LIMIT 15",
        .columns = { { "Pair", REPORT_TEXT },
                     { "Octets", REPORT_OCTETS },
                     { "Packets", REPORT_COUNT },
                     { "Flows", REPORT_COUNT } },
    },
    {
        .heading = "What was lost",
        .empty = "Nothing.",
        .sql = "SELECT l.reason, l.class, sum(l.count), l.unit,"
               "       extract(epoch FROM max(l.minute))"
               "  FROM flowkeep.loss AS l"
               " WHERE l.minute >= to_timestamp($1) AND l.minute < to_timestamp($2)"
               " GROUP BY l.reason, l.class, l.unit ORDER BY 3 DESC LIMIT 30",
        .columns = { { "Reason", REPORT_TEXT },
                     { "Class", REPORT_TEXT },
                     { "Count", REPORT_COUNT },
                     { "Of", REPORT_TEXT },
                     { "Last", REPORT_TIME } },
    },
    {
        .heading = "What cannot be seen",
        .empty = "No blind spot is known.",
        .sql = "SELECT b.subject, b.reason, extract(epoch FROM b.since_at),"
               "       extract(epoch FROM b.seen_at)"
               "  FROM flowkeep.blind_spot AS b"
               " WHERE b.seen_at >= to_timestamp($1)"
               "   AND b.since_at < to_timestamp($2)"
               " ORDER BY b.since_at LIMIT 50",
        .columns = { { "What", REPORT_TEXT },
                     { "Why", REPORT_TEXT },
                     { "Since", REPORT_TIME },
                     { "Until", REPORT_TIME } },
    },
    {
        .heading = "Exporters",
        .empty = "None was heard of.",
        .sql = "SELECT coalesce(e.name, host(e.address)), e.domain, e.version,"
               "       e.sampling, extract(epoch FROM e.last_seen_at),"
               "       x.active_timeout_sec"
               "  FROM flowkeep.exporter AS e"
               "  LEFT JOIN flowkeep.exporter_timeout AS x ON x.exporter_id = e.id"
               " WHERE e.last_seen_at >= to_timestamp($1)"
               "   AND coalesce(e.first_seen_at, 'epoch') < to_timestamp($2)"
               " ORDER BY e.last_seen_at DESC LIMIT 50",
        .columns = { { "Exporter", REPORT_TEXT },
                     { "Domain", REPORT_TEXT },
                     { "Version", REPORT_TEXT },
                     { "Sampling, 1 of", REPORT_COUNT },
                     { "Last heard", REPORT_TIME },
                     { "Active timeout", REPORT_SPAN } },
    },
    {
        .heading = "Jobs",
        .note = "The newest run of each, and how many failed in the period.",
        .empty = "None has run.",
        .sql = "SELECT DISTINCT ON (r.job) r.job, extract(epoch FROM r.started_at),"
               "       extract(epoch FROM r.ended_at - r.started_at), r.rows_read,"
               "       r.findings,"
               "       (SELECT count(*) FROM flowkeep.job_run AS f"
               "         WHERE f.job = r.job AND f.error IS NOT NULL"
               "           AND f.started_at >= to_timestamp($1)"
               "           AND f.started_at < to_timestamp($2)),"
               "       r.error"
               "  FROM flowkeep.job_run AS r ORDER BY r.job, r.id DESC",
        .columns = { { "Job", REPORT_TEXT },
                     { "Began", REPORT_TIME },
                     { "Took", REPORT_SPAN },
                     { "Rows", REPORT_COUNT },
                     { "Findings", REPORT_COUNT },
                     { "Failed", REPORT_COUNT },
                     { "Error", REPORT_TEXT } },
    },
    {
        .heading = "Mail",
        .empty = "None was written.",
        .sql = "SELECT o.recipient, o.kind, o.state, count(*),"
               "       extract(epoch FROM max(o.created_at)),"
               "       (array_agg(o.last_error ORDER BY o.id DESC)"
               "        FILTER (WHERE o.state <> 'sent'))[1]"
               "  FROM flowkeep.outbox AS o"
               " WHERE o.created_at >= to_timestamp($1)"
               "   AND o.created_at < to_timestamp($2)"
               " GROUP BY o.recipient, o.kind, o.state ORDER BY 1, 2, 3 LIMIT 50",
        .columns = { { "Recipient", REPORT_TEXT },
                     { "Kind", REPORT_TEXT },
                     { "State", REPORT_TEXT },
                     { "Mails", REPORT_COUNT },
                     { "Last", REPORT_TIME },
                     { "The server's last words", REPORT_TEXT } },
    },
};
const size_t report_tables_len = G_N_ELEMENTS(report_tables);
