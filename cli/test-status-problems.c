/* SPDX-License-Identifier: Apache-2.0 */
#include "status-problems.h"

#include <string.h>

#include "clock.h"

#define NOW_US (INT64_C(1700000000) * US_PER_SEC)

/* Facts with nothing wrong: one worker, one exporter, partitions ahead. */
static StatusFacts *
healthy(void)
{
    StatusFacts *facts = status_facts_new();
    const StatusWorker worker = { .collector = g_strdup("main"),
                                  .received_us = NOW_US - US_PER_SEC,
                                  .updated_us = NOW_US - US_PER_SEC };
    const StatusExporter exporter = { .address = g_strdup("192.0.2.1"),
                                      .last_seen_us = NOW_US - US_PER_SEC };

    facts->now_us = NOW_US;
    facts->n_partitions = 3;
    facts->newest_us = NOW_US + 7200 * US_PER_SEC;
    g_array_append_val(facts->workers, worker);
    g_array_append_val(facts->exporters, exporter);
    return facts;
}

static StatusWorker *
worker_of(StatusFacts *facts)
{
    return &g_array_index(facts->workers, StatusWorker, 0);
}

static StatusExporter *
exporter_of(StatusFacts *facts)
{
    return &g_array_index(facts->exporters, StatusExporter, 0);
}

static void
break_nothing(StatusFacts *facts)
{
    (void) facts;
}

static void
break_no_collector(StatusFacts *facts)
{
    g_array_set_size(facts->workers, 0);
}

static void
break_silent_worker(StatusFacts *facts)
{
    worker_of(facts)->updated_us -= 120 * US_PER_SEC;
}

static void
break_stopped_long_ago(StatusFacts *facts)
{
    worker_of(facts)->updated_us -= 30 * 86400 * US_PER_SEC;
}

static void
break_lag(StatusFacts *facts)
{
    worker_of(facts)->received_us -= 300 * US_PER_SEC;
    worker_of(facts)->backlog_bytes = 12 << 20;
}

static void
break_full_of_exporters(StatusFacts *facts)
{
    worker_of(facts)->n_exporters = 950;
    worker_of(facts)->max_exporters = 1000;
}

static void
break_room_for_exporters(StatusFacts *facts)
{
    worker_of(facts)->n_exporters = 850;
    worker_of(facts)->max_exporters = 1000;
}

static void
break_import_lags(StatusFacts *facts)
{
    worker_of(facts)->received_us -= 300 * US_PER_SEC;
    worker_of(facts)->imports = true;
}

static void
break_partitions(StatusFacts *facts)
{
    facts->newest_us = NOW_US + US_PER_SEC;
}

static void
break_default(StatusFacts *facts)
{
    facts->default_used = true;
}

static void
break_loss(StatusFacts *facts)
{
    const StatusLoss loss = { .reason = g_strdup("kernel_drop"),
                              .class = g_strdup(""),
                              .unit = g_strdup("datagrams"),
                              .last_hour = 12345,
                              .last_day = 12345 };

    g_array_append_val(facts->losses, loss);
}

static void
break_several_losses(StatusFacts *facts)
{
    for (uint64_t i = 1; i <= 4; i++) {
        const StatusLoss loss = { .reason = g_strdup("malformed"),
                                  .class = g_strdup_printf("class_%u", (unsigned) i),
                                  .unit = g_strdup(i % 2 ? "sets" : "templates"),
                                  .last_hour = i,
                                  .last_day = i };

        g_array_append_val(facts->losses, loss);
    }
}

static void
break_old_loss(StatusFacts *facts)
{
    break_loss(facts);
    g_array_index(facts->losses, StatusLoss, 0).last_hour = 0;
}

static void
break_silent_exporter(StatusFacts *facts)
{
    exporter_of(facts)->last_seen_us -= 3600 * US_PER_SEC;
}

static void
break_clock(StatusFacts *facts)
{
    exporter_of(facts)->clock_skew_ms = -7200000;
}

/* A job that ran a moment ago. */
static StatusJob *
add_job(StatusFacts *facts, const char *name)
{
    const StatusJob job = { .name = g_strdup(name),
                            .started_us = NOW_US - US_PER_SEC,
                            .ended_us = NOW_US };

    g_array_append_val(facts->analytics->jobs, job);
    return &g_array_index(facts->analytics->jobs, StatusJob,
                          facts->analytics->jobs->len - 1);
}

static void
break_no_job(StatusFacts *facts)
{
    add_job(facts, "mail");
}

static void
break_job(StatusFacts *facts)
{
    StatusJob *job = add_job(facts, "beacon");

    job->error = g_strdup("reading contacts: out of memory");
    job->n_failed = 7;
}

static void
break_silent_jobs(StatusFacts *facts)
{
    StatusJob *job = add_job(facts, "mail");

    job->started_us = job->ended_us = NOW_US - 3600 * US_PER_SEC;
}

static void
break_jobs_stopped_long_ago(StatusFacts *facts)
{
    StatusJob *job = add_job(facts, "mail");

    job->started_us = job->ended_us = NOW_US - 30 * 86400 * US_PER_SEC;
}

static void
break_mail_young(StatusFacts *facts)
{
    facts->analytics->mail.n_waiting = 1;
    facts->analytics->mail.oldest_us = NOW_US - 10 * US_PER_SEC;
}

static void
break_mail_untried(StatusFacts *facts)
{
    facts->analytics->mail.n_waiting = 2;
    facts->analytics->mail.oldest_us = NOW_US - 7200 * US_PER_SEC;
}

static void
break_mail(StatusFacts *facts)
{
    break_mail_young(facts);
    facts->analytics->mail.wait_address = g_strdup("noc@example.org");
    facts->analytics->mail.wait_error = g_strdup("certificate has expired");
}

static void
break_mail_refused(StatusFacts *facts)
{
    facts->analytics->mail.n_refused = 3;
    facts->analytics->mail.refuse_address = g_strdup("noc@example.org");
    facts->analytics->mail.refuse_error = g_strdup("550 no such user");
}

static void
test_problems(void)
{
    static const struct {
        void (*break_it)(StatusFacts *facts);
        const char *said; /* "" = nothing at all */
    } cases[] = {
        { break_nothing, "" },
        { break_no_collector, "no collector has stored anything yet" },
        { break_silent_worker,
          "collector main, worker 0: nothing heard for 2 min 1 s" },
        { break_stopped_long_ago, "" },
        { break_full_of_exporters, "collector main, worker 0: knows 950 of the 1000" },
        { break_room_for_exporters, "" },
        { break_lag, "collector main, worker 0: 5 min 1 s behind, 12.0 MiB" },
        { break_import_lags, "" },
        { break_partitions, "partitions of flow end in less than 10 min" },
        { break_default, "flow_default has rows" },
        { break_loss, "kernel_drop: 12.3 k datagrams in the last hour" },
        { break_several_losses, "malformed: 4 sets, 6 templates in the last hour" },
        { break_old_loss, "" },
        { break_silent_exporter, "exporter 192.0.2.1, domain 0: has sent nothing" },
        { break_clock, "its clock is 2 h 0 min behind ours" },
        { break_no_job, "" },
        { break_job, "job beacon: failed 7 times in a row: reading contacts: out of" },
        { break_silent_jobs, "no job has run for 1 h 0 min" },
        { break_jobs_stopped_long_ago, "" },
        { break_mail_young, "" },
        { break_mail_untried, "mail: 2 waiting, the oldest for 2 h 0 min; nobody has" },
        { break_mail, "noc@example.org: certificate has expired" },
        { break_mail_refused, "3 refused for good in the last day, the last for noc@" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(StatusFacts) facts = healthy();

        cases[i].break_it(facts);
        g_autoptr(GPtrArray) problems = status_problems(facts);

        g_test_message("%s", cases[i].said);
        g_assert_cmpuint(problems->len, ==, *cases[i].said ? 1 : 0);
        if (problems->len > 0)
            g_assert_nonnull(strstr(problems->pdata[0], cases[i].said));
    }
}

static void
test_many(void)
{
    g_autoptr(StatusFacts) facts = healthy();

    for (int i = 0; i < 1000; i++) {
        const StatusExporter exporter = { .address = g_strdup("192.0.2.2"),
                                          .last_seen_us = NOW_US - 3600 * US_PER_SEC };

        g_array_append_val(facts->exporters, exporter);
    }

    g_autoptr(GPtrArray) problems = status_problems(facts);
    g_assert_cmpuint(problems->len, <, 10);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/status-problems/each-is-told", test_problems);
    g_test_add_func("/status-problems/a-thousand-are-not-told-one-by-one", test_many);
    return g_test_run();
}
