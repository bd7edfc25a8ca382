/* SPDX-License-Identifier: Apache-2.0 */

/* Sends what is due in the outbox, and ends.
 *
 * The job mail starts it as a process of its own, `flowkeep-analytics --once send`, so
 * that a daemon that is killed takes no message with it whose fate only the mail
 * server knows: this process finishes the message it is at, and records what became
 * of it, whatever happens to its parent.  The job's lock keeps a second one waiting. */

#include <unistd.h>

#include "job-table.h"
#include "mail-settings.h"
#include "mail/dispatch.h"

static pid_t parent;

/* Whoever started it is gone, and somebody may want the service stopped. */
static bool
is_orphan(void)
{
    return getppid() != parent;
}

static bool
run_send(JobRun *run, GError **error)
{
    const AnalyticsSettings *settings = run->settings;
    const SmtpOptions smtp = mail_settings_smtp(settings);
    const DispatchOptions options = {
        .smtp = &smtp,
        .from = settings->mail_from,
        .retry_hours = settings->mail_retry_hours,
        .conninfo = settings->database.conninfo,
        .connect_timeout_sec = settings->database.connect_timeout_sec,
        .should_stop = is_orphan,
    };
    DispatchCounts counts = { 0 };

    if (!smtp.server[0])
        return true; /* mail waits in the outbox */

    parent = getppid();
    const bool done = dispatch_run(run->conn, &options, run->now_us, &counts, error);

    run->n_rows_read = counts.n_sent + counts.n_refused + counts.n_later;
    run->n_findings = counts.n_sent;
    return done;
}

const Job job_send = {
    .name = "send",
    .help = "Send what is due in the outbox; started by the job mail",
    .run = run_send,
};
