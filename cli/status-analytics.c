/* SPDX-License-Identifier: Apache-2.0 */
#include "status-analytics.h"

#include "db.h"
#include "pg-cell.h"

#define JOBS_SQL                                                                       \
    "WITH newest AS ("                                                                 \
    "  SELECT DISTINCT ON (job) job, started_at, ended_at, until_at, rows_read,"       \
    "         findings"                                                                \
    "    FROM flowkeep.job_run ORDER BY job, started_at DESC, id DESC"                 \
    "), ended AS ("                                                                    \
    "  SELECT DISTINCT ON (job) job, error"                                            \
    "    FROM flowkeep.job_run WHERE ended_at IS NOT NULL"                             \
    "   ORDER BY job, started_at DESC, id DESC"                                        \
    "), good AS ("                                                                     \
    "  SELECT job, max(started_at) AS started_at"                                      \
    "    FROM flowkeep.job_run WHERE ended_at IS NOT NULL AND error IS NULL"           \
    "   GROUP BY job"                                                                  \
    "), failed AS ("                                                                   \
    "  SELECT r.job, count(*) AS n"                                                    \
    "    FROM flowkeep.job_run AS r LEFT JOIN good AS g ON g.job = r.job"              \
    "   WHERE r.error IS NOT NULL"                                                     \
    "     AND (g.started_at IS NULL OR r.started_at > g.started_at)"                   \
    "   GROUP BY r.job)"                                                               \
    "SELECT n.job, extract(epoch FROM n.started_at) * 1000000,"                        \
    "       extract(epoch FROM n.ended_at) * 1000000,"                                 \
    "       extract(epoch FROM n.until_at) * 1000000,"                                 \
    "       n.rows_read, n.findings, e.error, f.n"                                     \
    "  FROM newest AS n"                                                               \
    "  LEFT JOIN ended AS e ON e.job = n.job"                                          \
    "  LEFT JOIN failed AS f ON f.job = n.job"                                         \
    " ORDER BY n.job"

#define WAITING "state IN ('pending', 'sending')"
#define MAIL_SQL                                                                       \
    "WITH failing AS ("                                                                \
    "  SELECT last_error, address FROM flowkeep.outbox"                                \
    "   WHERE " WAITING " AND last_error IS NOT NULL"                                  \
    "   ORDER BY created_at, id LIMIT 1"                                               \
    "), refused AS ("                                                                  \
    "  SELECT last_error, address FROM flowkeep.outbox"                                \
    "   WHERE state = 'refused' AND created_at > now() - interval '1 day'"             \
    "   ORDER BY id DESC LIMIT 1)"                                                     \
    "SELECT count(*) FILTER (WHERE " WAITING "),"                                      \
    "       extract(epoch FROM min(created_at) FILTER (WHERE " WAITING ")) * 1000000," \
    "       (SELECT last_error FROM failing), (SELECT address FROM failing),"          \
    "       count(*) FILTER (WHERE state = 'held'),"                                   \
    "       count(*) FILTER (WHERE state = 'sent'"                                     \
    "                          AND sent_at > now() - interval '1 day'),"               \
    "       count(*) FILTER (WHERE state = 'refused'"                                  \
    "                          AND created_at > now() - interval '1 day'),"            \
    "       (SELECT last_error FROM refused), (SELECT address FROM refused),"          \
    "       (SELECT count(*) FROM flowkeep.alert_event WHERE tell AND NOT composed)"   \
    "  FROM flowkeep.outbox"

static void
clear_job(void *data)
{
    StatusJob *job = data;

    g_free(job->name);
    g_free(job->error);
}

StatusAnalytics *
status_analytics_new(void)
{
    StatusAnalytics *self = g_new0(StatusAnalytics, 1);

    self->jobs = g_array_new(FALSE, TRUE, sizeof(StatusJob));
    g_array_set_clear_func(self->jobs, clear_job);
    return self;
}

void
status_analytics_free(StatusAnalytics *self)
{
    if (!self)
        return;

    g_array_unref(self->jobs);
    g_free(self->mail.wait_error);
    g_free(self->mail.wait_address);
    g_free(self->mail.refuse_error);
    g_free(self->mail.refuse_address);
    g_free(self);
}

static bool
read_jobs(StatusAnalytics *self, PGconn *conn, GError **error)
{
    g_autoptr(PGresult) rows = db_query(conn, "reading jobs", JOBS_SQL, 0, NULL, error);

    for (int i = 0; rows && i < PQntuples(rows); i++) {
        const StatusJob job = {
            .name = g_strdup(pg_cell_text(rows, i, 0)),
            .started_us = pg_cell_int(rows, i, 1),
            .ended_us = pg_cell_int(rows, i, 2),
            .until_us = pg_cell_int(rows, i, 3),
            .rows_read = pg_cell_uint(rows, i, 4),
            .findings = pg_cell_uint(rows, i, 5),
            .error = g_strdup(pg_cell_text(rows, i, 6)),
            .n_failed = pg_cell_uint(rows, i, 7),
        };

        g_array_append_val(self->jobs, job);
    }
    return rows != NULL;
}

static bool
read_mail(StatusMail *mail, PGconn *conn, GError **error)
{
    g_autoptr(PGresult) rows =
        db_query(conn, "reading the outbox", MAIL_SQL, 0, NULL, error);

    if (!rows)
        return false;
    mail->n_waiting = pg_cell_uint(rows, 0, 0);
    mail->oldest_us = pg_cell_int(rows, 0, 1);
    mail->wait_error = g_strdup(pg_cell_text(rows, 0, 2));
    mail->wait_address = g_strdup(pg_cell_text(rows, 0, 3));
    mail->n_held = pg_cell_uint(rows, 0, 4);
    mail->n_sent = pg_cell_uint(rows, 0, 5);
    mail->n_refused = pg_cell_uint(rows, 0, 6);
    mail->refuse_error = g_strdup(pg_cell_text(rows, 0, 7));
    mail->refuse_address = g_strdup(pg_cell_text(rows, 0, 8));
    mail->n_to_compose = pg_cell_uint(rows, 0, 9);
    return true;
}

bool
status_analytics_read(StatusAnalytics *self, PGconn *conn, GError **error)
{
    return read_jobs(self, conn, error) && read_mail(&self->mail, conn, error) &&
           incident_store_count(conn, &self->incidents, error);
}
