/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <signal.h>
#include <stdio.h>

#include "clock.h"
#include "command.h"
#include "human.h"
#include "printable.h"
#include "progress.h"
#include "replay-report.h"

static volatile sig_atomic_t interrupted;

static void
on_signal(int number)
{
    (void) number;
    interrupted = 1; /* the next one ends us */
}

static void
catch_signals(void)
{
    const struct sigaction action = { .sa_handler = on_signal,
                                      .sa_flags = (int) SA_RESETHAND };

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

typedef struct {
    GArray *files;   /* of ReplayFile */
    GPtrArray *runs; /* of ReplayRun */
    GPtrArray *outcomes;
    Progress progress;
    uint64_t n_datagrams;   /* of all files */
    uint64_t n_read_before; /* by runs that ended */
    uint64_t n_flows_before;
} Job;

static void
clear_file(void *data)
{
    g_free(((ReplayFile *) data)->path);
    g_free(((ReplayFile *) data)->note);
}

static void
job_clear(Job *self)
{
    progress_end(&self->progress);
    g_clear_pointer(&self->outcomes, g_ptr_array_unref);
    g_clear_pointer(&self->runs, g_ptr_array_unref);
    g_clear_pointer(&self->files, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Job, job_clear)

static void
free_outcome(void *data)
{
    replay_outcome_free(data);
}

static void
job_init(Job *self)
{
    *self = (Job){ .progress = progress_begin() };
    self->files = g_array_new(FALSE, TRUE, sizeof(ReplayFile));
    g_array_set_clear_func(self->files, clear_file);
    self->outcomes = g_ptr_array_new_with_free_func(free_outcome);
}

/* --- options --- */

typedef struct {
    double speed;
    gboolean keep_times;
    gboolean json;
    char *exporter;
    char *listen_as;
} Words;

static void
words_clear(Words *self)
{
    g_free(self->exporter);
    g_free(self->listen_as);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Words, words_clear)

static bool refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool
refuse(GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, message);
    return false;
}

static bool
find_listener(const Settings *settings, const char *name, uint16_t *index,
              GError **error)
{
    *index = REPLAY_NO_LISTENER;
    if (!name)
        return true;

    for (size_t i = 0; i < settings->n_listen; i++) {
        if (g_str_equal(settings->listen[i].name, name)) {
            *index = (uint16_t) i;
            return true;
        }
    }
    return refuse(error, "--listen-as %s: the configuration has no section [listen %s]",
                  name, name);
}

static bool
check_words(const Words *words, const Settings *settings, ReplayOptions *options,
            GError **error)
{
    const char *exporter = words->exporter ? words->exporter : "127.0.0.1";

    if (!isfinite(words->speed) || words->speed < 0 || words->speed > 1e6)
        return refuse(error, "--speed: a number above 0; 1 is the pace of the capture");
    if (words->keep_times && words->speed > 0)
        return refuse(error, "--keep-times and --speed: one of them; a pace has a "
                             "meaning for the present only");
    if (!ip_address_parse(exporter, &options->exporter))
        return refuse(error, "--exporter %s: not an address", exporter);

    options->settings = settings;
    options->speed = words->speed;
    options->keep_times = words->keep_times;
    options->interrupted = &interrupted;
    return find_listener(settings, words->listen_as, &options->listener, error);
}

/* --- the work --- */

static bool
scan(Job *job, char **paths, GError **error)
{
    for (char **path = paths; *path; path++) {
        ReplayFile file = { .path = g_strdup(*path) };

        progress_say(&job->progress, "looking at %s", file.path);
        const bool ok = replay_scan(&file, error);
        g_array_append_val(job->files, file);
        if (!ok)
            return false;
        job->n_datagrams += file.n_datagrams;
    }
    job->runs = replay_plan(job->files);
    return true;
}

static void
on_progress(const ReplayFile *file, uint64_t n_read, uint64_t n_flows, void *user_data)
{
    Job *job = user_data;

    if (!progress_is_due(&job->progress))
        return;

    const double done = (double) (job->n_read_before + n_read);
    g_autofree char *flows = human_count((double) (job->n_flows_before + n_flows));
    g_autofree char *name = g_path_get_basename(file->path);
    progress_say(&job->progress, "%3.0f %%  %s flows stored  %s",
                 job->n_datagrams ? 100 * done / (double) job->n_datagrams : 100, flows,
                 name);
}

static bool
replay_all(Job *job, const ReplayOptions *options, GError **error)
{
    for (unsigned i = 0; i < job->runs->len && !interrupted; i++) {
        const ReplayRun *run = job->runs->pdata[i];
        ReplayOutcome *outcome = replay_run(options, run, i, on_progress, job, error);

        if (!outcome)
            return false;
        g_ptr_array_add(job->outcomes, outcome);
        job->n_read_before += run->n_datagrams;
        for (unsigned j = 0; j < outcome->results->len; j++)
            job->n_flows_before +=
                g_array_index(outcome->results, ReplayResult, j).store.rows;
    }
    return true;
}

/* What was stored is told even when it did not end well. */
static void
print_report(Job *job, bool as_json)
{
    g_autoptr(ReplayReport) report = replay_report_new(job->files);

    progress_end(&job->progress);
    for (unsigned i = 0; i < job->outcomes->len; i++)
        replay_report_add(report, job->outcomes->pdata[i]);

    g_autofree char *text =
        as_json ? replay_report_json(report) : replay_report_text(report);
    fputs(text, stdout);
    for (unsigned i = 0; i < job->files->len; i++) {
        const char *note = g_array_index(job->files, ReplayFile, i).note;
        g_autofree char *shown = printable(note);

        if (note)
            fprintf(stderr, "flowkeep replay: %s; all before it was replayed\n", shown);
    }
}

static int
run(Cli *cli, const Words *words, char **paths, GError **error)
{
    const Settings *settings = cli_settings(cli, error);
    g_auto(Job) job = { 0 };
    ReplayOptions options;

    job_init(&job);
    if (!settings || !check_words(words, settings, &options, error))
        return CLI_USAGE;

    /* Better now than after an hour of reading. */
    g_autoptr(PGconn) conn = cli_connect(cli, "flowkeep replay", error);
    if (!conn)
        return CLI_FAILED;
    g_clear_pointer(&conn, PQfinish);

    catch_signals();
    if (!scan(&job, paths, error))
        return CLI_FAILED;

    const bool ok = replay_all(&job, &options, error);
    if (ok || job.outcomes->len > 0)
        print_report(&job, words->json);
    if (ok && interrupted)
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INTR,
                    "interrupted; what was read by then is stored");
    return ok && !interrupted ? CLI_DONE : CLI_FAILED;
}

static int
exec(Cli *cli, char ***arguments, GError **error)
{
    g_auto(Words) words = { 0 };
    const GOptionEntry options[] = {
        { "speed", 0, 0, G_OPTION_ARG_DOUBLE, &words.speed,
          "Play at X times the pace of the capture (default: as fast as possible)",
          "X" },
        { "keep-times", 0, 0, G_OPTION_ARG_NONE, &words.keep_times,
          "Store at the times of the capture (default: its last packet is now)", NULL },
        { "exporter", 0, 0, G_OPTION_ARG_STRING, &words.exporter,
          "Who sent a file of IPFIX messages (default: 127.0.0.1)", "ADDRESS" },
        { "listen-as", 0, 0, G_OPTION_ARG_STRING, &words.listen_as,
          "Treat datagrams as if they came in by [listen NAME]", "NAME" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &words.json, "Write JSON", NULL },
        { NULL },
    };

    if (!command_parse(&cmd_replay, cli, options, arguments, error))
        return CLI_DONE;
    if (!(*arguments)[1]) {
        refuse(error, "which file? usage: flowkeep replay %s", cmd_replay.usage);
        return CLI_USAGE;
    }
    return run(cli, &words, *arguments + 1, error);
}

const Command cmd_replay = {
    .name = "replay",
    .usage = "[--speed X | --keep-times] [--json] FILE...",
    .help = "Store the exports in captures (pcap, pcapng, IPFIX files)",
    .exec = exec,
};
