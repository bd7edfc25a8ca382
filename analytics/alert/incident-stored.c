/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/incident-stored.h"

#include <math.h>

#include "alert/alert-sql.h"
#include "db.h"
#include "pg-cell.h"

/* What is found again within so many days after it was resolved is the same. */
#define REOPEN_DAYS "7"

/* About the same again is written so often: evidence is up to 100 kB, and a run comes
 * every few minutes. */
#define REFRESH "1 hour"

/* Another finding of an incident is shown only while it is so fresh. */
#define FRESH_DAYS "1"

/* Incidents that one finding can join. */
#define MAX_JOINED "1000"

#define RAISED_AT ALERT_SQL_AT("$7")

#define CANDIDATES_SQL                                                                 \
    "SELECT a.id, a.peer_network, a.service_port, a.protocol, a.state, a.severity,"    \
    "       (SELECT f.noted_magnitude FROM flowkeep.alert_finding AS f"                \
    "         WHERE f.alert_id = a.id AND f.rule = $6 AND f.peer_network = $3::cidr"   \
    "           AND f.service_port = $4::integer),"                                    \
    "       (SELECT max(f.score) FROM flowkeep.alert_finding AS f"                     \
    "         WHERE f.alert_id = a.id"                                                 \
    "           AND (f.rule, f.peer_network, f.service_port)"                          \
    "               <> ($6, $3::cidr, $4::integer)"                                    \
    "           AND f.found_at > " RAISED_AT " - interval '" FRESH_DAYS " days'),"     \
    "       a.score,"                                                                  \
    "       a.rule = $6 AND a.shown_at > " RAISED_AT " - interval '" REFRESH "'"       \
    "  FROM flowkeep.alert AS a"                                                       \
    " WHERE a.kind = $1 AND a.host = $2::inet AND a.peer_network && $3::cidr"          \
    "   AND (a.service_port = $4::integer"                                             \
    "     OR (a.service_port = 0 AND a.protocol = 0)"                                  \
    "     OR ($4::integer = 0 AND $5::smallint = 0))"

/* The first of them takes the others in: one whose people know it, else the oldest. */
#define UNRESOLVED_SQL                                                                 \
    CANDIDATES_SQL " AND a.state <> 'resolved'"                                        \
                   " ORDER BY (a.told_at IS NULL), a.id LIMIT $8::integer"             \
                   "   FOR UPDATE OF a"
#define RESOLVED_SQL                                                                   \
    CANDIDATES_SQL                                                                     \
    "   AND a.state = 'resolved'"                                                      \
    "   AND a.resolved_at > " RAISED_AT " - interval '" REOPEN_DAYS " days'"           \
    " ORDER BY a.resolved_at DESC, a.id DESC LIMIT least(1, $8::integer)"              \
    "   FOR UPDATE OF a"

static IncidentStored
stored_of(const PGresult *rows, int row)
{
    IncidentStored stored = {
        .scope = { .port = (int) pg_cell_int(rows, row, 2),
                   .protocol = (int) pg_cell_int(rows, row, 3) },
        .known = { .exists = true,
                   .state = incident_rules_state(pg_cell_text(rows, row, 4)),
                   .severity = incident_rules_severity(pg_cell_text(rows, row, 5)),
                   .noted_magnitude = pg_cell_is_null(rows, row, 6)
                                          ? NAN
                                          : pg_cell_double(rows, row, 6) },
        .others_score =
            pg_cell_is_null(rows, row, 7) ? NAN : pg_cell_double(rows, row, 7),
        .shown_score = pg_cell_double(rows, row, 8),
        .is_fresh = pg_cell_bool(rows, row, 9),
    };

    g_strlcpy(stored.id, pg_cell_text(rows, row, 0), sizeof(stored.id));
    network_parse(pg_cell_text(rows, row, 1), &stored.scope.peers, NULL);
    return stored;
}

GArray *
incident_stored_find(PGconn *conn, const IncidentStoredOf *of, GError **error)
{
    const char *const params[] = { of->kind,     of->host, of->peers, of->port,
                                   of->protocol, of->rule, of->now,   MAX_JOINED };
    static const char *const statements[] = { UNRESOLVED_SQL, RESOLVED_SQL };
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(IncidentStored));

    for (size_t i = 0; i < G_N_ELEMENTS(statements) && found->len == 0; i++) {
        g_autoptr(PGresult) rows =
            db_query(conn, "looking for the incident", statements[i],
                     G_N_ELEMENTS(params), params, error);

        if (!rows)
            return NULL;
        for (int row = 0; row < PQntuples(rows); row++) {
            const IncidentStored stored = stored_of(rows, row);

            g_array_append_val(found, stored);
        }
    }
    return g_steal_pointer(&found);
}
