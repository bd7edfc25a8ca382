/* SPDX-License-Identifier: Apache-2.0 */
#include "status-audit.h"

#include <stdio.h>

#include "cli.h"
#include "db.h"
#include "json-writer.h"
#include "pg-cell.h"
#include "printable.h"
#include "text-table.h"

/* Minutes whose rollup may be gone, or whose flow partition is, are left out. */
#define ROWS_SQL                                                                       \
    "WITH kept AS ("                                                                   \
    "  SELECT greatest("                                                               \
    "           (SELECT min(from_at) FROM flowkeep.time_partition"                     \
    "             WHERE parent = 'flow'),"                                             \
    "           (SELECT done_until FROM flowkeep.housekeeping"                         \
    "             WHERE task = 'traffic_1m_dropped')) AS from_at"                      \
    ")"                                                                                \
    "SELECT a.minute, host(e.address), e.domain, a.stored, a.rejected, a.counted"      \
    "  FROM kept AS k"                                                                 \
    " CROSS JOIN LATERAL flowkeep.audit_rows(k.from_at, 'infinity') AS a"              \
    "  LEFT JOIN flowkeep.exporter AS e ON e.id = a.exporter_id"                       \
    " ORDER BY a.minute, e.address, e.domain LIMIT 1000"

#define TOTALS_SQL                                                                     \
    "SELECT (SELECT count(*) FROM flowkeep.flow),"                                     \
    "       (SELECT count(*) FROM flowkeep.rejected_flow),"                            \
    "       (SELECT coalesce(sum(count), 0) FROM flowkeep.loss"                        \
    "         WHERE reason <> 'rejected')"

/* Where no collector has ever run nobody makes partitions ahead of need. */
#define POSITIONS_SQL                                                                  \
    "SELECT coalesce(collector, ''), coalesce(worker::text, ''), problem"              \
    "  FROM flowkeep.audit_positions()"                                                \
    " WHERE collector IS NOT NULL"                                                     \
    "    OR EXISTS (SELECT FROM flowkeep.ingest_position)"                             \
    "    OR EXISTS (SELECT FROM flowkeep.flow_default)"

static char *
rows_as_text(const PGresult *rows)
{
    static const TextColumn columns[] = {
        { "MINUTE", TEXT_COLUMN_LEFT },    { "EXPORTER", TEXT_COLUMN_LEFT },
        { "DOMAIN", TEXT_COLUMN_RIGHT },   { "STORED", TEXT_COLUMN_RIGHT },
        { "REJECTED", TEXT_COLUMN_RIGHT }, { "COUNTED", TEXT_COLUMN_RIGHT },
    };
    g_autoptr(TextTable) table = text_table_new(columns, G_N_ELEMENTS(columns));

    for (int row = 0; row < PQntuples(rows); row++) {
        for (int i = 0; i < (int) G_N_ELEMENTS(columns); i++)
            text_table_add(table, pg_cell_text(rows, row, i));
    }
    return text_table_format(table, 2);
}

static void
print_text(const PGresult *totals, const PGresult *rows, const PGresult *positions)
{
    g_autofree char *differing = rows_as_text(rows);

    for (int i = 0; i < PQntuples(positions); i++) {
        g_autofree char *who = printable(pg_cell_text(positions, i, 0));
        g_autofree char *what = printable(pg_cell_text(positions, i, 2));

        if (*who)
            printf("! collector %s, worker %s: %s\n", who,
                   pg_cell_text(positions, i, 1), what);
        else
            printf("! %s\n", what);
    }
    if (PQntuples(rows) > 0)
        printf("! rows and rollup differ:\n%s", differing);
    printf("%s: %s rows stored, %s rejected, %s otherwise lost and counted\n",
           PQntuples(rows) + PQntuples(positions) == 0 ? "audit OK" : "audit FAILED",
           pg_cell_text(totals, 0, 0), pg_cell_text(totals, 0, 1),
           pg_cell_text(totals, 0, 2));
}

static void
write_rows(JsonWriter *json, const PGresult *rows)
{
    json_writer_begin_array(json, "differences");
    for (int i = 0; i < PQntuples(rows); i++) {
        json_writer_begin_object(json, NULL);
        json_writer_string(json, "minute", pg_cell_text(rows, i, 0));
        json_writer_string(json, "exporter", pg_cell_text(rows, i, 1));
        json_writer_int(json, "domain", pg_cell_int(rows, i, 2));
        json_writer_int(json, "stored", pg_cell_int(rows, i, 3));
        json_writer_int(json, "rejected", pg_cell_int(rows, i, 4));
        json_writer_int(json, "counted", pg_cell_int(rows, i, 5));
        json_writer_end_object(json);
    }
    json_writer_end_array(json);
}

static void
print_json(const PGresult *totals, const PGresult *rows, const PGresult *positions)
{
    g_autoptr(JsonWriter) json = json_writer_new();

    json_writer_begin_object(json, NULL);
    json_writer_bool(json, "ok", PQntuples(rows) + PQntuples(positions) == 0);
    json_writer_int(json, "stored", pg_cell_int(totals, 0, 0));
    json_writer_int(json, "rejected", pg_cell_int(totals, 0, 1));
    json_writer_int(json, "lost", pg_cell_int(totals, 0, 2));
    json_writer_begin_array(json, "positions");
    for (int i = 0; i < PQntuples(positions); i++) {
        json_writer_begin_object(json, NULL);
        json_writer_string(json, "collector", pg_cell_text(positions, i, 0));
        json_writer_string(json, "worker", pg_cell_text(positions, i, 1));
        json_writer_string(json, "problem", pg_cell_text(positions, i, 2));
        json_writer_end_object(json);
    }
    json_writer_end_array(json);
    write_rows(json, rows);
    json_writer_end_object(json);
    fputs(json_writer_text(json), stdout);
}

int
status_audit(PGconn *conn, bool as_json, GError **error)
{
    if (!db_exec(conn, "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
                 error))
        return CLI_FAILED;

    g_autoptr(PGresult) totals =
        db_query(conn, "counting rows", TOTALS_SQL, 0, NULL, error);
    g_autoptr(PGresult) rows =
        totals ? db_query(conn, "comparing rows and rollup", ROWS_SQL, 0, NULL, error)
               : NULL;
    g_autoptr(PGresult) positions =
        rows ? db_query(conn, "checking positions", POSITIONS_SQL, 0, NULL, error)
             : NULL;

    if (!positions)
        return CLI_FAILED;
    if (as_json)
        print_json(totals, rows, positions);
    else
        print_text(totals, rows, positions);
    return PQntuples(rows) + PQntuples(positions) == 0 ? CLI_DONE : CLI_FAILED;
}
