/* SPDX-License-Identifier: Apache-2.0 */
#include "status-problems.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "human.h"

#define SILENT_WORKER_US   (10 * US_PER_SEC)    /* it commits every second */
#define GONE_WORKER_US     (86400 * US_PER_SEC) /* stopped on purpose, surely */
#define LAG_US             (30 * US_PER_SEC)
#define SILENT_EXPORTER_US (600 * US_PER_SEC)
#define GONE_EXPORTER_US   (7 * 86400 * US_PER_SEC)
#define AHEAD_US           (600 * US_PER_SEC)
#define SILENT_JOBS_US     (900 * US_PER_SEC)   /* some run every few seconds */
#define GONE_JOBS_US       (86400 * US_PER_SEC) /* stopped on purpose, surely */
#define SLOW_MAIL_US       (900 * US_PER_SEC)
#define SKEW_MS            60000
#define MAX_OF_A_KIND      5 /* exporters named one by one */

static void say(GPtrArray *problems, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
say(GPtrArray *problems, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_ptr_array_add(problems, g_strdup_vprintf(format, args));
    va_end(args);
}

static void
judge_worker(GPtrArray *problems, const StatusWorker *worker, int64_t now_us)
{
    const int64_t silent_us = now_us - worker->updated_us;
    const int64_t lag_us = now_us - worker->received_us;
    g_autofree char *silent = human_duration(silent_us);
    g_autofree char *lag = human_duration(lag_us);
    g_autofree char *backlog = human_bytes(worker->backlog_bytes);

    if (worker->imports || g_str_has_prefix(worker->collector, "replay-"))
        return;
    if (silent_us > SILENT_WORKER_US && silent_us < GONE_WORKER_US)
        say(problems,
            "collector %s, worker %d: nothing heard for %s; is flowkeep-collector "
            "running, and can it reach the database? see its log",
            worker->collector, (int) worker->worker, silent);
    else if (silent_us <= SILENT_WORKER_US && lag_us > LAG_US)
        say(problems,
            "collector %s, worker %d: %s behind, %s in its journal; the database is "
            "slower than what arrives, or was away",
            worker->collector, (int) worker->worker, lag, backlog);
    if (silent_us <= SILENT_WORKER_US && worker->max_exporters > 0 &&
        worker->n_exporters >= worker->max_exporters / 10 * 9)
        say(problems,
            "collector %s, worker %d: knows %" G_GUINT64_FORMAT
            " of the %" G_GUINT64_FORMAT
            " exporters that [decode] max_exporters allows, and will refuse more; are "
            "they all yours? [exporters] allow keeps others out",
            worker->collector, (int) worker->worker, worker->n_exporters,
            worker->max_exporters);
}

static void
judge_collectors(GPtrArray *problems, const StatusFacts *facts)
{
    if (facts->workers->len == 0)
        say(problems, "no collector has stored anything yet; is flowkeep-collector "
                      "running with this database?");
    for (unsigned i = 0; i < facts->workers->len; i++)
        judge_worker(problems, &g_array_index(facts->workers, StatusWorker, i),
                     facts->now_us);
}

static void
judge_partitions(GPtrArray *problems, const StatusFacts *facts)
{
    if (facts->default_used)
        say(problems, "flow_default has rows: they had no partition; the collector's "
                      "log says why none was made");
    if (facts->workers->len > 0 && facts->newest_us - facts->now_us < AHEAD_US)
        say(problems, "partitions of flow end in less than 10 min; the collector makes "
                      "them ahead of need, its log says why it did not");
}

/* What to do about a loss, by its reason, the worst first. */
static const struct {
    const char *reason;
    const char *advice;
} advices[] = {
    { "journal_full", "the database was away or too slow for longer than [journal] "
                      "max_bytes lasts" },
    { "kernel_drop", "the socket buffer was full; raise receive_buffer_bytes and "
                     "net.core.rmem_max, or [collector] workers" },
    { "rejected", "rows the database refused; the table rejected_flow has them and the "
                  "reasons" },
    { "sequence_gap", "sent by the exporters and never seen here: lost on the way; see "
                      "the exporters below" },
    { "no_template", "data whose template never came; make the exporters repeat "
                     "templates more often" },
    { "malformed", "what breaks the rules; `flowkeep doctor` says whose" },
    { "refused",
      "senders that are not on the allow list, or over a limit of [decode]" },
};

/* "17 sets, 3 templates": all of one reason in the last hour, by unit. */
static char *
sum_of_reason(const StatusFacts *facts, const char *reason)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < facts->losses->len; i++) {
        const StatusLoss *first = &g_array_index(facts->losses, StatusLoss, i);
        uint64_t sum = 0;
        bool seen = false; /* of this unit, before */

        for (unsigned j = 0; j < facts->losses->len; j++) {
            const StatusLoss *loss = &g_array_index(facts->losses, StatusLoss, j);
            const bool same = g_str_equal(loss->reason, reason) &&
                              g_str_equal(loss->unit, first->unit);

            seen |= same && j < i;
            sum += same ? loss->last_hour : 0;
        }
        if (!g_str_equal(first->reason, reason) || seen || sum == 0)
            continue;

        g_autofree char *count = human_count((double) sum);
        g_string_append_printf(text, "%s%s %s", text->len ? ", " : "", count,
                               first->unit);
    }
    return g_string_free(text, FALSE);
}

static void
judge_losses(GPtrArray *problems, const StatusFacts *facts)
{
    for (size_t i = 0; i < G_N_ELEMENTS(advices); i++) {
        g_autofree char *sum = sum_of_reason(facts, advices[i].reason);

        if (*sum)
            say(problems, "%s: %s in the last hour; %s", advices[i].reason, sum,
                advices[i].advice);
    }
}

typedef char *(*ExporterJudge)(const StatusExporter *exporter, int64_t now_us);

static char *
judge_silence(const StatusExporter *exporter, int64_t now_us)
{
    const int64_t silent_us = now_us - exporter->last_seen_us;

    if (silent_us <= SILENT_EXPORTER_US || silent_us > GONE_EXPORTER_US)
        return NULL;

    g_autofree char *silent = human_duration(silent_us);
    return g_strdup_printf("has sent nothing for %s", silent);
}

static char *
judge_clock(const StatusExporter *exporter, int64_t now_us)
{
    const int64_t age_us = now_us - exporter->last_seen_us;

    if (llabs((long long) exporter->clock_skew_ms) <= SKEW_MS ||
        age_us > GONE_EXPORTER_US)
        return NULL;

    g_autofree char *skew =
        human_duration(llabs((long long) exporter->clock_skew_ms) * US_PER_MS);
    return g_strdup_printf("its clock is %s %s ours; give it NTP", skew,
                           exporter->clock_skew_ms > 0 ? "ahead of" : "behind");
}

static void
judge_exporters(GPtrArray *problems, const StatusFacts *facts, ExporterJudge judge)
{
    unsigned n = 0;

    for (unsigned i = 0; i < facts->exporters->len; i++) {
        const StatusExporter *exporter =
            &g_array_index(facts->exporters, StatusExporter, i);
        g_autofree char *finding = judge(exporter, facts->now_us);

        if (finding && n++ < MAX_OF_A_KIND)
            say(problems, "exporter %s, domain %" G_GINT64_FORMAT ": %s",
                exporter->name ? exporter->name : exporter->address, exporter->domain,
                finding);
    }
    if (n > MAX_OF_A_KIND)
        say(problems, "%u more exporters: the same", n - MAX_OF_A_KIND);
}

static void
judge_jobs(GPtrArray *problems, const StatusFacts *facts)
{
    int64_t newest_us = 0;

    for (unsigned i = 0; i < facts->analytics->jobs->len; i++) {
        const StatusJob *job = &g_array_index(facts->analytics->jobs, StatusJob, i);
        g_autofree char *times =
            job->n_failed > 1
                ? g_strdup_printf("%" G_GUINT64_FORMAT " times in a row", job->n_failed)
                : g_strdup("at its last run");

        newest_us = MAX(newest_us, MAX(job->started_us, job->ended_us));
        if (job->error)
            say(problems, "job %s: failed %s: %s", job->name, times, job->error);
    }

    const int64_t silent_us = facts->now_us - newest_us;
    if (newest_us > 0 && silent_us > SILENT_JOBS_US && silent_us < GONE_JOBS_US) {
        g_autofree char *silent = human_duration(silent_us);

        say(problems,
            "no job has run for %s; is flowkeep-analytics running, and can it reach "
            "the database? see its log",
            silent);
    }
}

static void
judge_mail(GPtrArray *problems, const StatusFacts *facts)
{
    const StatusMail *mail = &facts->analytics->mail;
    const int64_t waits_us = facts->now_us - mail->oldest_us;

    if (mail->n_waiting > 0 && (mail->wait_error || waits_us > SLOW_MAIL_US)) {
        g_autofree char *waits = human_duration(MAX(waits_us, 0));

        say(problems, "mail: %" G_GUINT64_FORMAT " waiting, the oldest for %s; %s%s%s",
            mail->n_waiting, waits,
            mail->wait_error ? mail->wait_address : "nobody has tried to send it",
            mail->wait_error ? ": " : "; is flowkeep-analytics running?",
            mail->wait_error ? mail->wait_error : "");
    }
    if (mail->n_refused > 0)
        say(problems,
            "mail: %" G_GUINT64_FORMAT
            " refused for good in the last day, the last for %s: %s",
            mail->n_refused, mail->refuse_address ? mail->refuse_address : "nobody",
            mail->refuse_error ? mail->refuse_error : "no reason given");
}

GPtrArray *
status_problems(const StatusFacts *facts)
{
    GPtrArray *problems = g_ptr_array_new_with_free_func(g_free);

    judge_collectors(problems, facts);
    judge_partitions(problems, facts);
    judge_losses(problems, facts);
    judge_exporters(problems, facts, judge_silence);
    judge_exporters(problems, facts, judge_clock);
    judge_jobs(problems, facts);
    judge_mail(problems, facts);
    return problems;
}
