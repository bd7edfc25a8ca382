/* SPDX-License-Identifier: Apache-2.0 */

/* Writes the messages about what happened to incidents, and the daily digest, into the
 * outbox; forgets what is old; and starts the job send when some are due. */

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alert/mute.h"
#include "clock.h"
#include "db.h"
#include "job-table.h"
#include "mail-settings.h"
#include "mail/compose.h"
#include "mail/digest.h"
#include "mail/outbox.h"
#include "retention.h"

/* The lane is not kept waiting for a slow mail server for longer. */
#define WAIT_US  (5 * US_PER_SEC)
#define PAUSE_US (20 * US_PER_MS)

/* The process of the job send; 0 = none.  It may outlive a run of this job, and a
 * reload of the settings. */
static GPid sender;

/* In the child, before the program begins.  Signals that are ignored stay so. */
static void
prepare_sender(gpointer user_data)
{
    (void) user_data;
    setsid();
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

static bool
start_sender(const JobRun *run, GError **error)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(run->now_us / US_PER_SEC);
    g_autofree char *seconds =
        time ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%S") : g_strdup("");
    g_autofree char *now =
        g_strdup_printf("%s.%06dZ", seconds, (int) (run->now_us % US_PER_SEC));
    const char *const arguments[] = {
        "/proc/self/exe",
        "flowkeep-analytics",
        "--config",
        run->settings->path,
        "--once",
        "send",
        "--now",
        now,
        NULL,
    };

    return g_spawn_async(NULL, (char **) arguments, NULL,
                         G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_FILE_AND_ARGV_ZERO,
                         prepare_sender, NULL, &sender, error);
}

/* What it did stands in the outbox and in job_run. */
static bool
sender_ended(void)
{
    if (sender == 0 || waitpid(sender, NULL, WNOHANG) == 0)
        return sender == 0;
    sender = 0;
    return true;
}

/* A run with --once, which has nobody to stop it, waits to the end. */
static void
await_sender(const JobRun *run)
{
    const int64_t until_us = clock_mono_us() + WAIT_US;

    while (!sender_ended() && !job_should_stop(run) &&
           (!run->stopping || clock_mono_us() < until_us))
        g_usleep(PAUSE_US);
}

static bool
send_due(const JobRun *run, GError **error)
{
    bool has_due = false;

    if (!run->settings->smtp_server[0] || !sender_ended())
        return true;
    if (!outbox_has_due(run->conn, run->now_us, &has_due, error))
        return false;
    if (!has_due)
        return true;
    if (!start_sender(run, error))
        return false;
    await_sender(run);
    return true;
}

/* What goes on when its mute has run out is to be told. */
static bool
end_mutes(const JobRun *run, GError **error)
{
    return db_exec(run->conn, "BEGIN", error) &&
           mute_apply(run->conn, run->now_us, NULL, error) &&
           db_exec(run->conn, "COMMIT", error);
}

static bool
run_mail(JobRun *run, GError **error)
{
    g_autofree Recipient *recipients = NULL;
    const MailPolicy policy = mail_settings_policy(run->settings, &recipients);
    ComposeCounts counts = { 0 };

    if (!end_mutes(run, error) ||
        !compose_alerts(run->conn, &policy, run->now_us, &counts, error) ||
        !digest_compose(run->conn, &policy, run->now_us, &counts, error) ||
        !retention_apply(run->conn, run->settings->mail_retry_hours, run->now_us,
                         error))
        return false;
    run->n_rows_read = counts.n_read;
    run->n_findings = counts.n_composed;
    return send_due(run, error);
}

const Job job_mail = {
    .name = "mail",
    .help = "Write mail about incidents and the daily digest, and have it sent",
    .period_sec = 10,
    .run = run_mail,
};
