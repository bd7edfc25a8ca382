/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "alert-words.h"
#include "alert/incident.h"
#include "clock.h"
#include "command.h"

#define MAX_ALERTS 1000

/* Each in a transaction of its own, so that no two are waited for at once. */
static bool
acknowledge(PGconn *conn, int64_t id, const char *who, const char *note, GError **error)
{
    if (!alert_words_begin(conn, error))
        return false;
    if (!incident_acknowledge(conn, id, who, note, clock_wall_us(), error)) {
        db_exec(conn, "ROLLBACK", NULL);
        return false;
    }
    return db_exec(conn, "COMMIT", error);
}

static int
run(Cli *cli, char **words, const char *note, GError **error)
{
    g_autofree char *who = alert_words_who();
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int64_t));

    for (unsigned i = 0; words[i]; i++) {
        int64_t id;

        if (!alert_words_parse_alert(words[i], &id, error))
            return CLI_USAGE;
        g_array_append_val(ids, id);
    }

    g_autoptr(PGconn) conn = cli_connect(cli, "flowkeep ack", error);
    if (!conn)
        return CLI_FAILED;

    for (unsigned i = 0; i < ids->len; i++) {
        const int64_t id = g_array_index(ids, int64_t, i);

        if (!acknowledge(conn, id, who, note, error)) {
            alert_words_explain_error(error, conn);
            return CLI_FAILED;
        }
        printf("Alert %" G_GINT64_FORMAT " is acknowledged: you are told again only "
               "when it grows or when it is over.\n",
               id);
    }
    return CLI_DONE;
}

static int
exec(Cli *cli, char ***arguments, GError **error)
{
    g_autofree char *note = NULL;
    const GOptionEntry options[] = {
        { "note", 0, 0, G_OPTION_ARG_STRING, &note, "What you know about it", "TEXT" },
        { NULL },
    };

    if (!command_parse(&cmd_ack, cli, options, arguments, error) ||
        !command_check_words(&cmd_ack, *arguments, MAX_ALERTS, error))
        return CLI_DONE;
    if (!(*arguments)[1]) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "which one? usage: flowkeep %s %s", cmd_ack.name, cmd_ack.usage);
        return CLI_USAGE;
    }
    return run(cli, *arguments + 1, note, error);
}

const Command cmd_ack = {
    .name = "ack",
    .usage = "ALERT... [--note TEXT]",
    .help = "Say that an incident is known and looked after",
    .exec = exec,
};
