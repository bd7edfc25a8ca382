/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "clock.h"
#include "command.h"
#include "report-page.h"
#include "time-text.h"

#define DEFAULT_SINCE  "-7d"
#define DEFAULT_OUTPUT "report.html"

static bool
put(const char *page, const char *path, GError **error)
{
    if (!g_str_equal(path, "-"))
        return g_file_set_contents(path, page, -1, error);
    if (fputs(page, stdout) < 0 || fflush(stdout) != 0) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "standard output: %s",
                    g_strerror(errno));
        return false;
    }
    return true;
}

static int
run(Cli *cli, const char *since, const char *path, GError **error)
{
    const AnalyticsSettings *settings = cli_analytics_settings(cli, error);
    ReportPage page = { .to_us = clock_wall_us() };

    if (!settings || !time_text_parse(since, page.to_us, &page.from_us, error))
        return CLI_USAGE;
    if (page.from_us >= page.to_us) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--since %s is not in the past", since);
        return CLI_USAGE;
    }

    g_autoptr(PGconn) conn = cli_connect(cli, "flowkeep report", error);
    if (!conn)
        return CLI_FAILED;

    page.instance = settings->name;
    g_autofree char *html = report_page_write(conn, &page, error);
    if (!html || !put(html, path, error))
        return CLI_FAILED;
    fprintf(g_str_equal(path, "-") ? stderr : stdout, "%u incidents, written to %s\n",
            page.n_incidents, path);
    return CLI_DONE;
}

static int
exec(Cli *cli, char ***arguments, GError **error)
{
    g_autofree char *since = NULL;
    g_autofree char *path = NULL;
    const GOptionEntry options[] = {
        { "since", 0, 0, G_OPTION_ARG_STRING, &since,
          "From this time until now: -2h, 2024-02-29 (default: " DEFAULT_SINCE ")",
          "T" },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &path,
          "The file (default: " DEFAULT_OUTPUT "); - is standard output", "FILE" },
        { NULL },
    };

    if (!command_parse(&cmd_report, cli, options, arguments, error) ||
        !command_check_words(&cmd_report, *arguments, 0, error))
        return CLI_DONE;
    return run(cli, since ? since : DEFAULT_SINCE, path ? path : DEFAULT_OUTPUT, error);
}

const Command cmd_report = {
    .name = "report",
    .usage = "[--since T] [-o FILE]",
    .help = "Write incidents, their pictures and the state of things as one HTML file",
    .exec = exec,
};
