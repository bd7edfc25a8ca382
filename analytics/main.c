/* SPDX-License-Identifier: Apache-2.0 */

/* flowkeep-analytics: signals, main loop and the service manager around a Schedule;
 * or one job, run once. */

#include <glib-unix.h>
#include <locale.h>
#include <stdlib.h>

#include "clock.h"
#include "job-table.h"
#include "log.h"
#include "schedule.h"

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#define EXIT_USAGE   2
#define DEFAULT_PATH "/etc/flowkeep/flowkeep.conf"

typedef struct {
    GMainLoop *loop;
    const char *config_path;
    Schedule *schedule;
} Program;

static void
notify(const char *state)
{
#ifdef HAVE_SYSTEMD
    sd_notify(false, state);
#else
    (void) state;
#endif
}

/* Settings, with what libpq takes from the environment. */
static AnalyticsSettings *
load(const char *path, GError **error)
{
    AnalyticsSettings *settings = analytics_settings_load(path, error);

    if (settings && settings->database.password_file[0])
        g_setenv("PGPASSFILE", settings->database.password_file, TRUE);
    return settings;
}

static gboolean
on_terminate(gpointer user_data)
{
    Program *program = user_data;

    notify("STOPPING=1");
    g_main_loop_quit(program->loop);
    return G_SOURCE_REMOVE;
}

/* The jobs begin anew: they take up what the database says. */
static gboolean
on_reload(gpointer user_data)
{
    Program *program = user_data;
    g_autoptr(GError) error = NULL;
    g_autofree char *state =
        g_strdup_printf("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT,
                        g_get_monotonic_time());

    notify(state);
    AnalyticsSettings *settings = analytics_settings_load(program->config_path, &error);
    if (settings) {
        schedule_stop(program->schedule);
        if (settings->database.password_file[0])
            g_setenv("PGPASSFILE", settings->database.password_file, TRUE);
        program->schedule = schedule_start(settings);
        log_notice("configuration: read again");
    } else {
        log_error("configuration: %s; what was in force stays", error->message);
    }
    notify("READY=1");
    return G_SOURCE_CONTINUE;
}

static gboolean
on_second(gpointer user_data)
{
    (void) user_data;
    notify("WATCHDOG=1");
    return G_SOURCE_CONTINUE;
}

static int
run_daemon(const char *config_path)
{
    Program program = { .config_path = config_path };
    g_autoptr(GError) error = NULL;
    AnalyticsSettings *settings = load(config_path, &error);

    if (!settings) {
        log_error("%s", error->message);
        return EXIT_USAGE;
    }
    program.schedule = schedule_start(settings);
    program.loop = g_main_loop_new(NULL, FALSE);
    g_unix_signal_add(SIGTERM, on_terminate, &program);
    g_unix_signal_add(SIGINT, on_terminate, &program);
    g_unix_signal_add(SIGHUP, on_reload, &program);
    g_timeout_add_seconds(1, on_second, &program);
    notify("READY=1");
    log_notice("analytics: ready");
    g_main_loop_run(program.loop);

    schedule_stop(program.schedule);
    g_main_loop_unref(program.loop);
    return EXIT_SUCCESS;
}

static int
run_once(const char *config_path, const char *job, const char *now)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autoptr(GDateTime) time = now ? g_date_time_new_from_iso8601(now, utc) : NULL;

    if (now && !time) {
        g_printerr("flowkeep-analytics: --now \"%s\" is no time such as "
                   "2024-02-29T13:05:00Z\n",
                   now);
        return EXIT_USAGE;
    }

    g_autoptr(AnalyticsSettings) settings = load(config_path, &error);
    if (!settings) {
        log_error("%s", error->message);
        return EXIT_USAGE;
    }
    const int64_t now_us = time ? g_date_time_to_unix(time) * US_PER_SEC +
                                      g_date_time_get_microsecond(time)
                                : 0;
    if (schedule_once(settings, job, now_us, &error))
        return EXIT_SUCCESS;

    log_error("%s", error->message);
    return error->domain == G_OPTION_ERROR ? EXIT_USAGE : EXIT_FAILURE;
}

static int
list_jobs(const char *config_path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(AnalyticsSettings) settings = load(config_path, &error);

    if (!settings) {
        log_error("%s", error->message);
        return EXIT_USAGE;
    }
    g_autofree char *text = job_table_overview(settings);
    g_print("%s", text);
    return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
    g_autofree char *config_path = NULL;
    g_autofree char *job = NULL;
    g_autofree char *now = NULL;
    gboolean verbose = FALSE, version = FALSE, jobs = FALSE;
    const GOptionEntry entries[] = {
        { "config", 'c', 0, G_OPTION_ARG_FILENAME, &config_path,
          "Configuration file (" DEFAULT_PATH ")", "FILE" },
        { "once", 0, 0, G_OPTION_ARG_STRING, &job, "Run this job once, and end",
          "JOB" },
        { "now", 0, 0, G_OPTION_ARG_STRING, &now,
          "With --once: as if it were this time (ISO 8601, UTC)", "TIME" },
        { "jobs", 0, 0, G_OPTION_ARG_NONE, &jobs, "List the jobs and their periods",
          NULL },
        { "verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose, "Log more", NULL },
        { "version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version", NULL },
        { 0 },
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;

    setlocale(LC_CTYPE, "");
    g_option_context_set_summary(
        context, "Looks for exfiltration and beaconing in stored flows, raises alerts "
                 "and sends mail.\nRuns in the foreground; SIGTERM ends it, SIGHUP "
                 "reads the configuration again.");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || argc > 1 ||
        (now && !job)) {
        g_printerr("flowkeep-analytics: %s; see --help\n",
                   error      ? error->message
                   : argc > 1 ? "takes no arguments"
                              : "--now goes with --once");
        return EXIT_USAGE;
    }
    if (version) {
        g_print("flowkeep-analytics %s\n", FLOWKEEP_VERSION);
        return EXIT_SUCCESS;
    }

    const char *path = config_path ? config_path : DEFAULT_PATH;
    log_init("flowkeep-analytics", verbose);
    if (jobs)
        return list_jobs(path);
    return job ? run_once(path, job, now) : run_daemon(path);
}
