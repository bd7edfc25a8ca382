/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "command.h"
#include "export-reader.h"
#include "export-writer.h"
#include "human.h"
#include "progress.h"
#include "time-text.h"

typedef struct {
    char *since;
    char *until;
    char *output;
    char *to;
    char *host;
} Words;

static void
words_clear(Words *self)
{
    g_free(self->since);
    g_free(self->until);
    g_free(self->output);
    g_free(self->to);
    g_free(self->host);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Words, words_clear)

typedef struct {
    ExportWriter *writer;
    Progress progress;
    uint64_t n_rows;
} Job;

static bool
refuse(GError **error, const char *message)
{
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, message);
    return false;
}

static bool
parse_time_option(const char *option, const char *text, int64_t now_us, int64_t *us,
                  GError **error)
{
    if (time_text_parse(text, now_us, us, error))
        return true;

    g_prefix_error(error, "%s: ", option);
    return false;
}

static bool
check_words(const Words *words, ExportRange *range, GError **error)
{
    const int64_t now_us = clock_wall_us();

    if (!words->since)
        return refuse(error, "--since is missing: from when on? for example -1h");
    if (!words->output == !words->to)
        return refuse(error, "say either -o FILE or --to HOST:PORT");
    if (words->host && !ip_address_parse(words->host, &range->host))
        return refuse(error, "--where-host: not an address");

    range->has_host = words->host != NULL;
    if (!parse_time_option("--since", words->since, now_us, &range->since_us, error) ||
        !parse_time_option("--until", words->until ? words->until : "now", now_us,
                           &range->until_us, error))
        return false;
    if (range->since_us >= range->until_us)
        return refuse(error, "--since must be before --until");
    return true;
}

/* "host:port" or "[2001:db8::1]:port". */
static bool
split_peer(const char *text, char **host, char **port, GError **error)
{
    const char *colon = strrchr(text, ':');
    const size_t n = colon ? (size_t) (colon - text) : 0;
    const bool bracketed = n > 2 && text[0] == '[' && text[n - 1] == ']';

    if (n == 0 || !colon[1] || (!bracketed && strchr(text, ':') != colon))
        return refuse(error, "--to: wanted HOST:PORT, or [IPv6 ADDRESS]:PORT");

    *host = bracketed ? g_strndup(text + 1, n - 2) : g_strndup(text, n);
    *port = g_strdup(colon + 1);
    return true;
}

static bool
on_row(const ExportRow *row, void *user_data, GError **error)
{
    Job *job = user_data;

    job->n_rows++;
    if (job->n_rows % 1024 == 0 && progress_is_due(&job->progress)) {
        g_autofree char *rows = human_count((double) job->n_rows);
        g_autofree char *at = human_time((int64_t) row->received_ms * US_PER_MS);

        progress_say(&job->progress, "%s flows exported, at %s", rows, at);
    }
    return export_writer_add(job->writer, row, error);
}

static bool
export_rows(Job *job, PGconn *conn, const ExportRange *range, GError **error)
{
    job->progress = progress_begin();
    const bool ok = export_reader_run(conn, range, on_row, job, error) &&
                    export_writer_flush(job->writer, error);
    progress_end(&job->progress);
    return ok;
}

static bool
rename_file(const char *from, const char *to, GError **error)
{
    if (g_rename(from, to) == 0)
        return true;

    const int why = errno;
    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(why), "%s: %s", to,
                g_strerror(why));
    return false;
}

/* The file gets its name when it is whole. */
static bool
export_to_file(Job *job, PGconn *conn, const ExportRange *range, const char *path,
               GError **error)
{
    const bool to_stdout = g_str_equal(path, "-");
    g_autofree char *part =
        to_stdout ? g_strdup(path) : g_strconcat(path, ".part", NULL);

    job->writer = export_writer_new_file(part, error);
    if (!job->writer)
        return false;

    bool ok = export_rows(job, conn, range, error);
    g_clear_pointer(&job->writer, export_writer_free);
    if (to_stdout)
        return ok;

    ok = ok && rename_file(part, path, error);
    if (!ok) {
        g_prefix_error(error, "%s: ", path);
        g_unlink(part);
    }
    return ok;
}

static bool
export_to_peer(Job *job, PGconn *conn, const ExportRange *range, const char *peer,
               GError **error)
{
    g_autofree char *host = NULL;
    g_autofree char *port = NULL;

    if (!split_peer(peer, &host, &port, error))
        return false;

    job->writer = export_writer_new_tcp(host, port, error);
    const bool ok = job->writer && export_rows(job, conn, range, error);
    g_clear_pointer(&job->writer, export_writer_free);
    if (!ok && error && (*error)->domain != G_OPTION_ERROR)
        g_prefix_error(error, "%s: ", peer);
    return ok;
}

static int
run(Cli *cli, const Words *words, GError **error)
{
    ExportRange range = { 0 };
    Job job = { 0 };

    if (!check_words(words, &range, error))
        return CLI_USAGE;

    g_autoptr(PGconn) conn = cli_connect(cli, "flowkeep export", error);
    if (!conn)
        return CLI_FAILED;

    if (!(words->output ? export_to_file(&job, conn, &range, words->output, error)
                        : export_to_peer(&job, conn, &range, words->to, error)))
        return CLI_FAILED;

    fprintf(g_strcmp0(words->output, "-") == 0 ? stderr : stdout,
            "%" G_GUINT64_FORMAT " flows exported to %s\n", job.n_rows,
            words->output ? words->output : words->to);
    return CLI_DONE;
}

static int
exec(Cli *cli, char ***arguments, GError **error)
{
    g_auto(Words) words = { 0 };
    const GOptionEntry options[] = {
        { "since", 0, 0, G_OPTION_ARG_STRING, &words.since,
          "Flows received at or after T: -2h, 2024-02-29, 2024-02-29T13:00Z", "T" },
        { "until", 0, 0, G_OPTION_ARG_STRING, &words.until,
          "Flows received before T (default: now)", "T" },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &words.output,
          "Write a file of IPFIX messages; - is standard output", "FILE" },
        { "to", 0, 0, G_OPTION_ARG_STRING, &words.to,
          "Send IPFIX over TCP to a collector", "HOST:PORT" },
        { "where-host", 0, 0, G_OPTION_ARG_STRING, &words.host,
          "Only flows from or to this address", "ADDRESS" },
        { NULL },
    };

    if (!command_parse(&cmd_export, cli, options, arguments, error) ||
        !command_check_words(&cmd_export, *arguments, 0, error))
        return CLI_DONE;
    return run(cli, &words, error);
}

const Command cmd_export = {
    .name = "export",
    .usage = "--since T [--until T] {-o FILE | --to HOST:PORT} [--where-host ADDRESS]",
    .help = "Write stored flows as IPFIX",
    .exec = exec,
};
