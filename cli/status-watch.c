/* SPDX-License-Identifier: Apache-2.0 */
#include "status-watch.h"

#include <stdio.h>

#include "human.h"
#include "printable.h"
#include "text-table.h"

/* --- for people --- */

static char *
result_text(const StatusJob *job)
{
    if (job->ended_us == 0)
        return g_strdup("runs, or was killed");
    if (job->error)
        return g_strdup_printf("failed: %s", job->error);
    return g_strdup("done");
}

static void
print_jobs(const StatusAnalytics *analytics, int64_t now_us)
{
    static const TextColumn columns[] = {
        { "JOB", TEXT_COLUMN_LEFT },        { "LAST RUN", TEXT_COLUMN_RIGHT },
        { "READ UP TO", TEXT_COLUMN_LEFT }, { "ROWS", TEXT_COLUMN_RIGHT },
        { "FINDINGS", TEXT_COLUMN_RIGHT },  { "RESULT", TEXT_COLUMN_LEFT },
    };
    g_autoptr(TextTable) table = text_table_new(columns, G_N_ELEMENTS(columns));

    for (unsigned i = 0; i < analytics->jobs->len; i++) {
        const StatusJob *job = &g_array_index(analytics->jobs, StatusJob, i);

        text_table_add(table, job->name);
        text_table_add_take(table, human_ago(job->started_us, now_us));
        text_table_add_take(table, job->until_us ? human_time(job->until_us) : NULL);
        text_table_add_take(table, human_count((double) job->rows_read));
        text_table_add_take(table, human_count((double) job->findings));
        text_table_add_take(table, result_text(job));
    }
    if (analytics->jobs->len == 0) {
        puts("\nJobs: none has run yet; flowkeep-analytics runs them.");
        return;
    }
    g_autofree char *text = text_table_format(table, 0);
    printf("\n%s", text);
}

static void
print_alerts(const IncidentCounts *counts)
{
    const unsigned n_open =
        counts->n_open_mail + counts->n_open_digest + counts->n_open_listed;

    printf("\nAlerts: %u open (%u by mail, %u in the digest, %u listed), "
           "%u acknowledged, %u muted.\n",
           n_open, counts->n_open_mail, counts->n_open_digest, counts->n_open_listed,
           counts->n_acknowledged, counts->n_muted);
}

static void
print_mail(const StatusMail *mail, int64_t now_us)
{
    printf("Mail: %" G_GUINT64_FORMAT " sent and %" G_GUINT64_FORMAT
           " refused in the last day, %" G_GUINT64_FORMAT " waiting",
           mail->n_sent, mail->n_refused, mail->n_waiting);
    if (mail->n_waiting > 0) {
        g_autofree char *oldest = human_ago(mail->oldest_us, now_us);

        printf(" (the oldest was written %s)", oldest);
    }
    if (mail->n_held > 0)
        printf(", %" G_GUINT64_FORMAT " held back by a cap", mail->n_held);
    if (mail->n_to_compose > 0)
        printf(", %" G_GUINT64_FORMAT " to be written", mail->n_to_compose);
    puts(".");
    if (mail->wait_error) {
        g_autofree char *error = printable(mail->wait_error);
        g_autofree char *address = printable(mail->wait_address);

        printf("  the last answer for %s: %s\n", address, error);
    }
}

void
status_watch_print(const StatusAnalytics *analytics, int64_t now_us)
{
    print_jobs(analytics, now_us);
    print_alerts(&analytics->incidents);
    print_mail(&analytics->mail, now_us);
}

/* --- for programs --- */

static void
write_jobs(JsonWriter *json, const StatusAnalytics *analytics)
{
    json_writer_begin_array(json, "jobs");
    for (unsigned i = 0; i < analytics->jobs->len; i++) {
        const StatusJob *job = &g_array_index(analytics->jobs, StatusJob, i);

        json_writer_begin_object(json, NULL);
        json_writer_string(json, "job", job->name);
        json_writer_time(json, "started_at", job->started_us);
        json_writer_time(json, "ended_at", job->ended_us);
        json_writer_time(json, "until_at", job->until_us);
        json_writer_uint(json, "rows_read", job->rows_read);
        json_writer_uint(json, "findings", job->findings);
        json_writer_string(json, "error", job->error);
        json_writer_uint(json, "failed", job->n_failed);
        json_writer_end_object(json);
    }
    json_writer_end_array(json);
}

static void
write_alerts(JsonWriter *json, const IncidentCounts *counts)
{
    json_writer_begin_object(json, "alerts");
    json_writer_begin_object(json, "open");
    json_writer_uint(json, "mail", counts->n_open_mail);
    json_writer_uint(json, "digest", counts->n_open_digest);
    json_writer_uint(json, "listed", counts->n_open_listed);
    json_writer_end_object(json);
    json_writer_uint(json, "acknowledged", counts->n_acknowledged);
    json_writer_uint(json, "muted", counts->n_muted);
    json_writer_end_object(json);
}

static void
write_mail(JsonWriter *json, const StatusMail *mail)
{
    json_writer_begin_object(json, "mail");
    json_writer_uint(json, "waiting", mail->n_waiting);
    json_writer_time(json, "oldest_at", mail->oldest_us);
    json_writer_string(json, "waiting_error", mail->wait_error);
    json_writer_string(json, "waiting_address", mail->wait_address);
    json_writer_uint(json, "held", mail->n_held);
    json_writer_uint(json, "sent_last_day", mail->n_sent);
    json_writer_uint(json, "refused_last_day", mail->n_refused);
    json_writer_string(json, "refused_error", mail->refuse_error);
    json_writer_string(json, "refused_address", mail->refuse_address);
    json_writer_uint(json, "to_compose", mail->n_to_compose);
    json_writer_end_object(json);
}

void
status_watch_write(JsonWriter *json, const StatusAnalytics *analytics)
{
    write_jobs(json, analytics);
    write_alerts(json, &analytics->incidents);
    write_mail(json, &analytics->mail);
}
