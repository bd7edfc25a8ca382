/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/surroundings.h"

#include "alert/alert-sql.h"
#include "db.h"
#include "pg-cell.h"

/* A host in two groups belongs to that of the longer prefix, then of the first name. */
#define SURROUNDINGS_SQL                                                               \
    "SELECT (SELECT w.group_name FROM flowkeep.watch_network AS w"                     \
    "         WHERE w.network >>= $2::inet"                                            \
    "         ORDER BY masklen(w.network) DESC, w.group_name LIMIT 1),"                \
    "       m.id, m.reason"                                                            \
    "  FROM (SELECT " ALERT_SQL_MUTE_OF(                                               \
        "$1", "$2::inet", "$3::cidr", "$4::integer",                                   \
        ALERT_SQL_AT("$5")) " AS id) AS covering"                                      \
                            "  LEFT JOIN flowkeep.mute AS m ON m.id = covering.id"

bool
surroundings_read(PGconn *conn, const SurroundingsOf *of, Surroundings *to,
                  GError **error)
{
    g_autofree char *peers = network_format(&of->scope->peers);
    g_autofree char *port = g_strdup_printf("%d", of->scope->port);
    const char *const params[] = { of->kind, of->host, peers, port, of->now };
    g_autoptr(PGresult) rows =
        db_query(conn, "reading groups and mutes", SURROUNDINGS_SQL,
                 G_N_ELEMENTS(params), params, error);

    if (!rows)
        return false;
    to->host_group = g_strdup(pg_cell_text(rows, 0, 0));
    to->mute_id = g_strdup(pg_cell_text(rows, 0, 1));
    to->mute_reason = g_strdup(pg_cell_text(rows, 0, 2));
    return true;
}

void
surroundings_clear(Surroundings *self)
{
    g_free(self->host_group);
    g_free(self->mute_id);
    g_free(self->mute_reason);
    *self = (Surroundings){ 0 };
}
