/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "alert-words.h"
#include "alert/incident-store.h"
#include "clock.h"
#include "command.h"
#include "human.h"
#include "incident-json.h"
#include "json-writer.h"
#include "text-table.h"
#include "time-text.h"

#define DEFAULT_LIMIT 50

typedef struct {
    gboolean only_open;
    gboolean all;
    gboolean as_json;
    char *kind;
    char *since;
    int limit;
} Options;

static void
options_clear(Options *self)
{
    g_free(self->kind);
    g_free(self->since);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static void
print_table(const GArray *list, int64_t now_us)
{
    static const TextColumn columns[] = {
        { "ALERT", TEXT_COLUMN_RIGHT },      { "STATE", TEXT_COLUMN_LEFT },
        { "SEVERITY", TEXT_COLUMN_LEFT },    { "SCORE", TEXT_COLUMN_RIGHT },
        { "RULE", TEXT_COLUMN_LEFT },        { "OPENED", TEXT_COLUMN_LEFT },
        { "LAST FOUND", TEXT_COLUMN_RIGHT }, { "INCIDENT", TEXT_COLUMN_LEFT },
    };
    g_autoptr(TextTable) table = text_table_new(columns, G_N_ELEMENTS(columns));

    for (unsigned i = 0; i < list->len; i++) {
        const Incident *incident = &g_array_index(list, Incident, i);

        text_table_add_take(table, g_strdup_printf("%" G_GINT64_FORMAT, incident->id));
        text_table_add(table, incident->state);
        text_table_add(table, incident->severity);
        text_table_add_take(table, g_strdup_printf("%.0f", incident->score));
        text_table_add(table, incident->rule);
        text_table_add_take(table, human_time(incident->opened_us));
        text_table_add_take(table, human_ago(incident->found_us, now_us));
        text_table_add(table, incident->title);
    }

    if (list->len == 0)
        return;
    g_autofree char *text = text_table_format(table, 0);
    fputs(text, stdout);
}

/* What is not in the list, and how to see more. */
static void
print_rest(const GArray *list, const IncidentCounts *counts, const Options *options)
{
    if (list->len > 0)
        puts("\n`flowkeep explain ALERT` says why, and what to do.");
    else
        printf("No incident%s%s%s.\n", options->kind ? " of kind " : "",
               options->kind ? options->kind : "",
               options->all         ? ""
               : options->only_open ? " is open"
                                    : " is open or acknowledged");
    if (list->len == (unsigned) options->limit)
        puts("There may be more: see --limit.");
    if (options->only_open && counts->n_acknowledged > 0)
        printf("%u acknowledged; without --open they are shown.\n",
               counts->n_acknowledged);
    if (!options->all && counts->n_muted > 0)
        printf("%u muted; `flowkeep alerts --all` shows them, `flowkeep mute --list` "
               "says why.\n",
               counts->n_muted);
}

static void
print_json(const GArray *list, const IncidentCounts *counts)
{
    g_autoptr(JsonWriter) json = json_writer_new();

    json_writer_begin_object(json, NULL);
    json_writer_uint(json, "open",
                     counts->n_open_mail + counts->n_open_digest +
                         counts->n_open_listed);
    json_writer_uint(json, "acknowledged", counts->n_acknowledged);
    json_writer_uint(json, "muted", counts->n_muted);
    json_writer_begin_array(json, "alerts");
    for (unsigned i = 0; i < list->len; i++) {
        json_writer_begin_object(json, NULL);
        incident_json_write(json, &g_array_index(list, Incident, i));
        json_writer_end_object(json);
    }
    json_writer_end_array(json);
    json_writer_end_object(json);
    fputs(json_writer_text(json), stdout);
}

static int
run(Cli *cli, const Options *options, const IncidentFilter *filter, int64_t now_us,
    GError **error)
{
    g_autoptr(PGconn) conn = cli_connect(cli, "flowkeep alerts", error);

    if (!conn ||
        !db_exec(conn, "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
                 error))
        return CLI_FAILED;

    IncidentCounts counts;
    g_autoptr(GArray) list = incident_store_list(conn, filter, error);
    if (!list || !incident_store_count(conn, &counts, error))
        return CLI_FAILED;

    if (options->as_json) {
        print_json(list, &counts);
    } else {
        print_table(list, now_us);
        print_rest(list, &counts, options);
    }
    return CLI_DONE;
}

static bool
check(const Options *options, GError **error)
{
    if (options->only_open && options->all)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "--open and --all contradict each other");
    else if (options->limit < 1 || options->limit > INCIDENT_STORE_MAX_LIST)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--limit is from 1 to %d", INCIDENT_STORE_MAX_LIST);
    else
        return alert_words_check_kind(options->kind, error);
    return false;
}

static int
exec(Cli *cli, char ***arguments, GError **error)
{
    g_auto(Options) wanted = { .limit = DEFAULT_LIMIT };
    const GOptionEntry options[] = {
        { "open", 0, 0, G_OPTION_ARG_NONE, &wanted.only_open,
          "Only those nobody has acknowledged", NULL },
        { "all", 0, 0, G_OPTION_ARG_NONE, &wanted.all,
          "Also those that are muted or resolved", NULL },
        { "kind", 0, 0, G_OPTION_ARG_STRING, &wanted.kind, "Only beacon or exfil",
          "KIND" },
        { "since", 0, 0, G_OPTION_ARG_STRING, &wanted.since,
          "Only what was found since TIME, like -2d", "TIME" },
        { "limit", 0, 0, G_OPTION_ARG_INT, &wanted.limit,
          "At most so many, the gravest (50)", "N" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &wanted.as_json, "Write JSON", NULL },
        { NULL },
    };
    const int64_t now_us = clock_wall_us();

    if (!command_parse(&cmd_alerts, cli, options, arguments, error) ||
        !command_check_words(&cmd_alerts, *arguments, 0, error) ||
        !check(&wanted, error))
        return CLI_DONE;

    IncidentFilter filter = {
        .states = wanted.all         ? INCIDENT_STORE_ALL
                  : wanted.only_open ? INCIDENT_STORE_OPEN
                                     : INCIDENT_STORE_ACTIVE,
        .kind = wanted.kind,
        .limit = (unsigned) wanted.limit,
    };
    if (wanted.since && !time_text_parse(wanted.since, now_us, &filter.since_us, error))
        return CLI_USAGE;
    return run(cli, &wanted, &filter, now_us, error);
}

const Command cmd_alerts = {
    .name = "alerts",
    .usage = "[--open|--all] [--kind KIND] [--since TIME] [--limit N] [--json]",
    .help = "List what was found: incidents that are not over",
    .exec = exec,
};
