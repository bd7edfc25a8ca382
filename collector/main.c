/* SPDX-License-Identifier: Apache-2.0 */

/* flowkeep-collector: signals, main loop and the service manager around a Daemon. */

#include <glib-unix.h>
#include <locale.h>
#include <stdlib.h>

#include "daemon.h"
#include "log.h"

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#define EXIT_USAGE 2

typedef struct {
    GMainLoop *loop;
    Daemon *daemon;
    char *state; /* as last told to the manager */
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

static gboolean
on_terminate(gpointer user_data)
{
    Program *program = user_data;

    notify("STOPPING=1");
    g_main_loop_quit(program->loop);
    return G_SOURCE_REMOVE;
}

static gboolean
on_reload(gpointer user_data)
{
    Program *program = user_data;
    g_autoptr(GError) error = NULL;
    g_autofree char *note = NULL;
    g_autofree char *state =
        g_strdup_printf("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT,
                        g_get_monotonic_time());

    notify(state);
    if (!daemon_reload(program->daemon, &note, &error))
        log_error("configuration: %s; what was in force stays", error->message);
    else if (note)
        log_warning("configuration: read again; only a restart changes %s", note);
    else
        log_notice("configuration: read again");
    notify("READY=1");
    return G_SOURCE_CONTINUE;
}

static gboolean
on_second(gpointer user_data)
{
    Program *program = user_data;
    bool healthy;
    g_autofree char *state = daemon_tick(program->daemon, &healthy);

    if (healthy)
        notify("WATCHDOG=1");
    if (g_strcmp0(state, program->state) != 0) {
        g_autofree char *status = g_strdup_printf("STATUS=%s", state);

        notify(status);
        g_free(program->state);
        program->state = g_steal_pointer(&state);
    }
    return G_SOURCE_CONTINUE;
}

static int
run(const char *config_path)
{
    Program program = { 0 };
    g_autoptr(GError) error = NULL;

    Settings *settings = settings_load(config_path, &error);
    if (!settings) {
        log_error("%s", error->message);
        return EXIT_USAGE;
    }
    if (*settings->database.password_file)
        g_setenv("PGPASSFILE", settings->database.password_file, TRUE);
    program.daemon = daemon_start(config_path, settings, &error);
    if (!program.daemon) {
        log_error("%s", error->message);
        return EXIT_FAILURE;
    }

    program.loop = g_main_loop_new(NULL, FALSE);
    g_unix_signal_add(SIGTERM, on_terminate, &program);
    g_unix_signal_add(SIGINT, on_terminate, &program);
    g_unix_signal_add(SIGHUP, on_reload, &program);
    g_timeout_add_seconds(1, on_second, &program);
    notify("READY=1");
    log_notice("collector %s: ready", daemon_settings(program.daemon)->name);
    g_main_loop_run(program.loop);

    if (!daemon_stop(program.daemon))
        log_warning("database: does not answer; what is not stored yet stays in the "
                    "journal");
    g_main_loop_unref(program.loop);
    g_free(program.state);
    return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
    g_autofree char *config_path = NULL;
    gboolean verbose = FALSE;
    gboolean version = FALSE;
    const GOptionEntry entries[] = {
        { "config", 'c', 0, G_OPTION_ARG_FILENAME, &config_path,
          "Configuration file (" SETTINGS_DEFAULT_PATH ")", "FILE" },
        { "verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose, "Log more", NULL },
        { "version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version", NULL },
        { 0 },
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;

    setlocale(LC_CTYPE, "");
    g_option_context_set_summary(
        context, "Receives NetFlow v5, v9 and IPFIX, and stores every flow record in "
                 "PostgreSQL exactly once.\nRuns in the foreground; SIGTERM ends it, "
                 "SIGHUP reads the configuration again.");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || argc > 1) {
        g_printerr("flowkeep-collector: %s; see --help\n",
                   error ? error->message : "takes no arguments");
        return EXIT_USAGE;
    }
    if (version) {
        g_print("flowkeep-collector %s\n", FLOWKEEP_VERSION);
        return EXIT_SUCCESS;
    }

    log_init("flowkeep-collector", verbose);
    return run(config_path ? config_path : SETTINGS_DEFAULT_PATH);
}
