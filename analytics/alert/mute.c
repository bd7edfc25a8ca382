/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/mute.h"

#include "alert/alert-sql.h"
#include "db.h"
#include "pg-cell.h"

#define MAX_LIST "1000"

#define MUTE_OF_ALERT                                                                  \
    ALERT_SQL_MUTE_OF("a.kind", "a.host", "a.peer_network", "a.service_port",          \
                      ALERT_SQL_AT("$1"))

/* $1 now, $2 who (null = the job), $3 a new mute (0 = none).  An incident that is open
 * again because its mute ran out is told, since it goes on; one whose mute somebody
 * lifted only when nobody was ever told of it. */
#define APPLY_SQL                                                                      \
    "WITH judged AS ("                                                                 \
    "  SELECT a.id, a.state = 'muted' AS was_muted, a.mute_id AS old_id,"              \
    "         " MUTE_OF_ALERT " AS new_id"                                             \
    "    FROM flowkeep.alert AS a WHERE a.state <> 'resolved'"                         \
    "), changing AS ("                                                                 \
    "  SELECT j.id, j.was_muted, j.new_id, new.reason,"                                \
    "         old.ended_at IS NOT NULL AS by_hand"                                     \
    "    FROM judged AS j"                                                             \
    "    LEFT JOIN flowkeep.mute AS old ON old.id = j.old_id"                          \
    "    LEFT JOIN flowkeep.mute AS new ON new.id = j.new_id"                          \
    "   WHERE j.new_id IS DISTINCT FROM j.old_id"                                      \
    "      OR j.was_muted <> (j.new_id IS NOT NULL)"                                   \
    "), told AS ("                                                                     \
    "  SELECT c.id, c.new_id IS NULL AND a.severity = 'mail'"                          \
    "               AND NOT (c.by_hand AND a.told_at IS NOT NULL) AS "                 \
    "tell"                                                                             \
    "    FROM changing AS c JOIN flowkeep.alert AS a ON a.id = c.id"                   \
    "), changed AS ("                                                                  \
    "  UPDATE flowkeep.alert AS a"                                                     \
    "     SET state = CASE WHEN c.new_id IS NULL THEN 'open' ELSE "                    \
    "'muted' END,"                                                                     \
    "         mute_id = c.new_id,"                                                     \
    "         told_at = CASE WHEN t.tell THEN " ALERT_SQL_AT(                          \
        "$1") "                   ELSE a.told_at END"                                  \
              "    FROM changing AS c JOIN told AS t ON t.id = c.id"                   \
              "   WHERE a.id = c.id"                                                   \
              "  RETURNING a.id, a.severity, a.score, a.magnitude, "                   \
              "a.explanation,"                                                         \
              "            c.was_muted, c.new_id, c.reason, t.tell"                    \
              "), written AS ("                                                        \
              "  INSERT INTO flowkeep.alert_event"                                     \
              "  (alert_id, at, what, tell, severity, score, "                         \
              "magnitude, explanation, who, note)"                                     \
              "  SELECT id, " ALERT_SQL_AT(                                            \
                  "$1") ","                                                            \
                        "         CASE WHEN new_id IS NULL THEN "                      \
                        "'unmuted' ELSE 'muted' END,"                                  \
                        "         tell, severity, score, magnitude, "                  \
                        "explanation, $2::text, reason"                                \
                        "    FROM changed"                                             \
                        "   WHERE was_muted <> (new_id IS NOT NULL)"                   \
                        "   ORDER BY id)"                                              \
                        "SELECT count(*), count(*) FILTER (WHERE "                     \
                        "new_id IS NULL),"                                             \
                        "       count(*) FILTER (WHERE new_id = "                      \
                        "$3::bigint)"                                                  \
                        "  FROM changed"

static char *
int_text(int64_t value)
{
    return g_strdup_printf("%" G_GINT64_FORMAT, value);
}

static bool
lock_all(PGconn *conn, GError **error)
{
    g_autoptr(PGresult) rows =
        db_query(conn, "locking mutes", "SELECT " ALERT_SQL_LOCK_ALL, 0, NULL, error);

    return rows != NULL;
}

/* What APPLY_SQL counts. */
typedef struct {
    unsigned n_changed;
    unsigned n_opened;
    unsigned n_muted; /* by the new mute */
} Applied;

static bool
apply(PGconn *conn, const char *who, const char *now, const char *new_id,
      Applied *applied, GError **error)
{
    const char *const params[] = { now, who, new_id };
    g_autoptr(PGresult) rows = db_query(conn, "applying mutes", APPLY_SQL,
                                        G_N_ELEMENTS(params), params, error);

    if (!rows)
        return false;
    applied->n_changed = (unsigned) pg_cell_uint(rows, 0, 0);
    applied->n_opened = (unsigned) pg_cell_uint(rows, 0, 1);
    applied->n_muted = (unsigned) pg_cell_uint(rows, 0, 2);
    return true;
}

/* Whether there is anything to apply, without waiting for anybody. */
static bool
is_due(PGconn *conn, const char *now, bool *is, GError **error)
{
    g_autoptr(PGresult) rows =
        db_query(conn, "looking at mutes",
                 "SELECT EXISTS (SELECT FROM flowkeep.alert AS a"
                 "                WHERE a.state <> 'resolved'"
                 "                  AND CASE WHEN a.state = 'muted' THEN a.mute_id END"
                 "                      IS DISTINCT FROM " MUTE_OF_ALERT ")",
                 1, &now, error);

    if (!rows)
        return false;
    *is = pg_cell_bool(rows, 0, 0);
    return true;
}

bool
mute_apply(PGconn *conn, int64_t now_us, unsigned *n_changed, GError **error)
{
    g_autofree char *now = int_text(now_us);
    Applied applied = { 0 };
    bool due = false;

    if (!is_due(conn, now, &due, error) ||
        (due &&
         (!lock_all(conn, error) || !apply(conn, NULL, now, "0", &applied, error))))
        return false;
    if (n_changed)
        *n_changed = applied.n_changed;
    return true;
}

bool
mute_add(PGconn *conn, const MuteRequest *request, int64_t now_us, int64_t *mute_id,
         unsigned *n_muted, GError **error)
{
    g_autofree char *now = int_text(now_us);
    g_autofree char *hosts =
        request->host_network ? network_format(request->host_network) : NULL;
    g_autofree char *peers =
        request->peer_network ? network_format(request->peer_network) : NULL;
    g_autofree char *port = int_text(request->port);
    g_autofree char *until = int_text(request->until_us);
    g_autofree char *reason = g_utf8_make_valid(request->reason, -1);
    g_autofree char *who = g_utf8_make_valid(request->who, -1);
    g_autofree char *alert_id = int_text(request->alert_id);
    const char *const params[] = { request->kind, hosts, peers,    port, until,
                                   reason,        who,   alert_id, now };

    if (!lock_all(conn, error))
        return false;

    g_autoptr(PGresult) rows = db_query(
        conn, "writing a mute",
        "INSERT INTO flowkeep.mute"
        " (kind, host_network, peer_network, service_port, until_at, reason, who,"
        "  alert_id, created_at)"
        " VALUES ($1, $2, $3, nullif($4::integer, 0), " ALERT_SQL_AT(
            "$5") ", $6, $7, nullif($8::bigint, 0), " ALERT_SQL_AT("$9") ") RETURNING "
                                                                         "id",
        G_N_ELEMENTS(params), params, error);

    Applied applied;
    if (!rows || !apply(conn, who, now, pg_cell_text(rows, 0, 0), &applied, error))
        return false;
    if (mute_id)
        *mute_id = pg_cell_int(rows, 0, 0);
    if (n_muted)
        *n_muted = applied.n_muted;
    return true;
}

bool
mute_lift(PGconn *conn, int64_t mute_id, const char *who, int64_t now_us,
          unsigned *n_opened, GError **error)
{
    g_autofree char *id = int_text(mute_id);
    g_autofree char *now = int_text(now_us);
    g_autofree char *valid = g_utf8_make_valid(who, -1);
    const char *const params[] = { id, now };

    if (!lock_all(conn, error))
        return false;

    g_autoptr(PGresult) rows =
        db_query(conn, "lifting a mute",
                 "UPDATE flowkeep.mute SET ended_at = " ALERT_SQL_AT(
                     "$2") " WHERE id = $1::bigint AND ended_at IS NULL"
                           "   AND (until_at IS NULL OR until_at > " ALERT_SQL_AT(
                               "$2") ")",
                 2, params, error);

    if (rows && g_str_equal(PQcmdTuples(rows), "0")) {
        g_set_error(error, DB_ERROR, DB_ERROR_REJECTED, "there is no mute %s in force",
                    id);
        return false;
    }
    Applied applied;
    if (!rows || !apply(conn, valid, now, "0", &applied, error))
        return false;
    if (n_opened)
        *n_opened = applied.n_opened;
    return true;
}

/* --- reading --- */

static void
clear_mute(void *data)
{
    Mute *mute = data;

    g_free(mute->kind);
    g_free(mute->host_network);
    g_free(mute->peer_network);
    g_free(mute->reason);
    g_free(mute->who);
}

GArray *
mute_list(PGconn *conn, bool all, int64_t now_us, GError **error)
{
    g_autofree char *now = int_text(now_us);
    const char *const params[] = { all ? "t" : "f", now };
    g_autoptr(PGresult) rows = db_query(
        conn, "reading mutes",
        "SELECT m.id, m.kind, abbrev(m.host_network::inet),"
        "       abbrev(m.peer_network::inet), m.service_port,"
        "       " ALERT_SQL_US(
            "m.until_at") ", m.reason, m.who, m.alert_id,"
                          "       " ALERT_SQL_US("m.created_at") ", " ALERT_SQL_US(
                              "m.ended_at") ","
                                            "       (SELECT count(*) FROM "
                                            "flowkeep.alert AS a"
                                            "         WHERE a.mute_id = m.id AND "
                                            "a.state = 'muted')"
                                            "  FROM flowkeep.mute AS m"
                                            " WHERE $1::boolean OR (m.ended_at IS NULL"
                                            "       AND (m.until_at IS NULL OR "
                                            "m.until_at > " ALERT_SQL_AT(
                                                "$2") "))"
                                                      " ORDER BY m.id DESC "
                                                      "LIMIT " MAX_LIST,
        2, params, error);

    if (!rows)
        return NULL;

    GArray *list = g_array_new(FALSE, TRUE, sizeof(Mute));

    g_array_set_clear_func(list, clear_mute);
    for (int i = 0; i < PQntuples(rows); i++) {
        const Mute mute = {
            .id = pg_cell_int(rows, i, 0),
            .kind = g_strdup(pg_cell_text(rows, i, 1)),
            .host_network = g_strdup(pg_cell_text(rows, i, 2)),
            .peer_network = g_strdup(pg_cell_text(rows, i, 3)),
            .port = (int) pg_cell_int(rows, i, 4),
            .until_us = pg_cell_int(rows, i, 5),
            .reason = g_strdup(pg_cell_text(rows, i, 6)),
            .who = g_strdup(pg_cell_text(rows, i, 7)),
            .alert_id = pg_cell_int(rows, i, 8),
            .created_us = pg_cell_int(rows, i, 9),
            .ended_us = pg_cell_int(rows, i, 10),
            .n_silenced = pg_cell_int(rows, i, 11),
        };

        g_array_append_val(list, mute);
    }
    return list;
}
