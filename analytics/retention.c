/* SPDX-License-Identifier: Apache-2.0 */
#include "retention.h"

#include "clock.h"
#include "db.h"
#include "mail/sql-time.h"

#define DAY_US (24 * 3600 * US_PER_SEC)

/* Each with the time of the run as $1 and the retry hours as $2, in this order. */
static const struct {
    const char *what;
    const char *sql;
} rules[] = {
    /* Findings and events go with them.  As long as rollups stay by default. */
    { "forgetting old incidents",
      "DELETE FROM flowkeep.alert"
      " WHERE state = 'resolved'"
      "   AND resolved_at < to_timestamp($1) - interval '730 days'"
      "   AND $2::integer IS NOT NULL" },
    /* Those of an incident that goes on hold its thread together. */
    { "forgetting old messages",
      "DELETE FROM flowkeep.outbox AS o"
      " WHERE o.created_at < to_timestamp($1) - interval '90 days'"
      "   AND (o.state IN ('sent', 'refused', 'held')"
      "     OR o.created_at < to_timestamp($1) - $2::integer * interval '1 hour')"
      "   AND NOT EXISTS (SELECT FROM flowkeep.alert AS a"
      "                    WHERE a.id = o.alert_id AND a.state <> 'resolved')" },
    { "emptying old messages",
      "UPDATE flowkeep.outbox SET message = ''"
      " WHERE created_at < to_timestamp($1) - interval '30 days'"
      "   AND state IN ('sent', 'refused') AND message <> ''"
      "   AND $2::integer IS NOT NULL" },
};

/* Notes the day; *@is_due is whether it was not done yet. */
static bool
begin_day(PGconn *conn, int64_t now_us, bool *is_due, GError **error)
{
    g_autofree char *day = sql_time(now_us / DAY_US * DAY_US);
    const char *const values[] = { day };
    g_autoptr(PGresult) rows =
        db_query(conn, "noting what is forgotten",
                 "INSERT INTO flowkeep.housekeeping AS h (task, done_until)"
                 " VALUES ('retention', to_timestamp($1))"
                 " ON CONFLICT (task) DO UPDATE SET done_until = excluded.done_until,"
                 " updated_at = clock_timestamp()"
                 " WHERE h.done_until < excluded.done_until RETURNING task",
                 G_N_ELEMENTS(values), values, error);

    if (rows)
        *is_due = PQntuples(rows) > 0;
    return rows != NULL;
}

static bool
apply_rules(PGconn *conn, unsigned retry_hours, int64_t now_us, GError **error)
{
    g_autofree char *now = sql_time(now_us);
    g_autofree char *hours = g_strdup_printf("%u", retry_hours);
    const char *const values[] = { now, hours };

    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
        g_autoptr(PGresult) result = db_query(conn, rules[i].what, rules[i].sql,
                                              G_N_ELEMENTS(values), values, error);

        if (!result)
            return false;
    }
    return true;
}

bool
retention_apply(PGconn *conn, unsigned retry_hours, int64_t now_us, GError **error)
{
    bool is_due = false;

    if (db_exec(conn, "BEGIN", error) && begin_day(conn, now_us, &is_due, error) &&
        (!is_due || apply_rules(conn, retry_hours, now_us, error)) &&
        db_exec(conn, "COMMIT", error))
        return true;
    db_exec(conn, "ROLLBACK", NULL);
    return false;
}
