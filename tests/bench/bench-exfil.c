/* SPDX-License-Identifier: Apache-2.0 */

/* Fills contact_hour with made-up contacts of many watched hosts, lets the jobs
 * baseline and exfil run over them, and prints how long that took.
 *
 * Of every host each day: a contact with a network it always calls (one host in ten
 * uploads 30 MB to it), one with a network among a thousand that all share, one with a
 * network of its own that changes every day (one host in a hundred uploads 30 MB to
 * it, one in a thousand 300 MB).  Needs TEST_CONNINFO: run it by
 * tests/harness/cluster.py. */

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "clock.h"
#include "db.h"
#include "job-baseline.h"
#include "job-exfil.h"
#include "live-db.h"

/* Tuesday 2026-02-10 12:20 UTC. */
#define NOW_US (INT64_C(1770726000) * US_PER_SEC)
#define HOUR   INT64_C(3600)

static double
seconds_since(int64_t from_us)
{
    return (double) (clock_mono_us() - from_us) / US_PER_SEC;
}

static double
peak_mb(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double) usage.ru_maxrss / 1024;
}

static void
fill_day(LiveDb *db, int day, long n_hosts)
{
    const int64_t start_sec = NOW_US / US_PER_SEC / 86400 * 86400 - day * 24 * HOUR;
    g_autofree char *partition =
        g_strdup_printf("SELECT flowkeep.partition_ensure('contact_hour', "
                        "to_timestamp(%" G_GINT64_FORMAT
                        "), to_timestamp(%" G_GINT64_FORMAT "), '1 day')",
                        start_sec, start_sec + 24 * HOUR);
    g_autofree char *insert = g_strdup_printf(
        "INSERT INTO flowkeep.contact_hour (hour, host, peer, service_port, protocol,"
        " initiator, sessions, out_octets, in_octets, out_packets, in_packets, starts,"
        " start_octets)"
        " SELECT to_timestamp(%" G_GINT64_FORMAT " + 3600 * ((h + k) %% 12)), host,"
        " peer, 443, 6, 1, 3, out_, 2000000, out_ / 1000, 2000, '{1,2,3}',"
        " ARRAY[out_ / 3, out_ / 3, out_ / 3]"
        " FROM generate_series(0, %ld) AS h, generate_series(0, 2) AS k,"
        " LATERAL (SELECT inet '10.0.0.0' + h,"
        "  inet '20.0.0.0' + CASE k WHEN 0 THEN 4096 * (h %% 50000)"
        "   WHEN 1 THEN 210000000 + 4096 * (h * 7919 %% 1000)"
        "   ELSE 300000000 + 4096 * ((h * 31 + %d * 104729) %% 300000) END,"
        "  CASE WHEN k = 0 AND h %% 10 = 1 THEN 30000000"
        "   WHEN k = 2 AND h %% 1000 = %d THEN 300000000"
        "   WHEN k = 2 AND h %% 100 = %d THEN 30000000 ELSE 50000 END)"
        "  AS c (host, peer, out_) ORDER BY h, peer",
        start_sec, n_hosts - 1, day, day % 1000, day % 100);

    live_db_exec(db, partition);
    live_db_exec(db, insert);
}

static JobRun
measure(PGconn *conn, const AnalyticsSettings *settings, const Job *job,
        const char *what, const char *wanted)
{
    g_autoptr(GError) error = NULL;
    JobRun run = { .conn = conn, .settings = settings, .now_us = NOW_US };
    const int64_t from_us = clock_mono_us();

    job->run(&run, &error);
    g_assert_no_error(error);
    printf("%s\t%.1f s\t%s\n", what, seconds_since(from_us), wanted);
    fflush(stdout);
    return run;
}

int
main(int argc, char **argv)
{
    const long n_hosts = argc > 1 ? strtol(argv[1], NULL, 10) : 100000;
    const int n_days = argc > 2 ? (int) strtol(argv[2], NULL, 10) : 30;
    g_auto(LiveDb) db = { 0 };
    g_autoptr(GError) error = NULL;

    if (!live_db_init(&db))
        return 1;

    const int64_t from_us = clock_mono_us();
    live_db_exec(&db,
                 "SET synchronous_commit = off;"
                 "INSERT INTO flowkeep.watch_group VALUES ('all', '');"
                 "INSERT INTO flowkeep.watch_network VALUES ('all', '10.0.0.0/8')");
    for (int day = n_days; day >= 0; day--)
        fill_day(&db, day, n_hosts);
    live_db_exec(&db, "ANALYZE flowkeep.contact_hour");
    g_autofree char *n_rows =
        live_db_value(&db, "SELECT count(*) FROM flowkeep.contact_hour");
    printf("rows of contact_hour, filled in %.0f s\t%s\t\n", seconds_since(from_us),
           n_rows);
    fflush(stdout);

    g_autoptr(PGconn) conn = live_db_connect(db.analytics_conninfo);
    g_autofree char *path = g_strdup("/tmp/flowkeep-bench-XXXXXX");
    g_assert_cmpint(g_mkstemp(path), >=, 0);
    AnalyticsSettings *settings = analytics_settings_load(path, &error);
    remove(path);
    g_assert_no_error(error);

    /* The job has been here yesterday, as it is every five minutes. */
    live_db_exec(&db, "INSERT INTO flowkeep.housekeeping (task, done_until) VALUES"
                      " ('exfil', to_timestamp(1770725700))");
    measure(conn, settings, &job_baseline, "baseline: all days, learned", "");
    live_db_exec(&db, "VACUUM ANALYZE");
    measure(conn, settings, &job_baseline, "baseline: nothing new", "");
    measure(conn, settings, &job_exfil, "exfil: first run", "30 s");
    const JobRun run = measure(conn, settings, &job_exfil, "exfil: again", "30 s");
    printf("exfil: rows read\t%" G_GUINT64_FORMAT "\t\n", run.n_rows_read);
    printf("exfil: findings\t%" G_GUINT64_FORMAT "\t%ld\n", run.n_findings,
           n_hosts / 1000);
    printf("memory of the process at most\t%.0f MB\t\n", peak_mb());
    analytics_settings_free(settings);
    return 0;
}
