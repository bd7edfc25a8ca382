/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "alert-words.h"
#include "alert/incident-store.h"
#include "alert/mute.h"
#include "clock.h"
#include "command.h"

static bool
is_in_force(const GArray *mutes, int64_t id)
{
    for (unsigned i = 0; i < mutes->len; i++) {
        if (g_array_index(mutes, Mute, i).id == id)
            return true;
    }
    return false;
}

/* The mute that is meant by a bare number: the one of that number, or the one that
 * silences the incident of that number. */
static bool
resolve(PGconn *conn, AlertWordsKind kind, int64_t id, int64_t *mute_id, GError **error)
{
    g_autoptr(GError) lost = NULL;
    g_autoptr(GArray) mutes = mute_list(conn, false, clock_wall_us(), error);
    g_autoptr(Incident) incident = NULL;

    if (!mutes)
        return false;
    if (kind != ALERT_WORDS_MUTE) {
        incident = incident_store_get(conn, id, &lost);
        if (lost) {
            g_propagate_error(error, g_steal_pointer(&lost));
            return false;
        }
    }

    const int64_t of_alert =
        incident && g_str_equal(incident->state, "muted") ? incident->mute_id : 0;
    const int64_t itself = kind != ALERT_WORDS_ALERT && is_in_force(mutes, id) ? id : 0;
    *mute_id = of_alert ? of_alert : itself;
    if (of_alert && itself && of_alert != itself) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "there is a mute of this number, and a muted alert: say "
                    "m%" G_GINT64_FORMAT " or a%" G_GINT64_FORMAT,
                    id, id);
        return false;
    }
    if (*mute_id == 0)
        g_set_error(error, DB_ERROR, DB_ERROR_REJECTED,
                    "nothing of this number is muted; `flowkeep mute --list` shows "
                    "what is");
    return *mute_id != 0;
}

static bool
lift(PGconn *conn, AlertWordsKind kind, int64_t id, GError **error)
{
    g_autofree char *who = alert_words_who();
    unsigned n_opened = 0;
    int64_t mute_id = 0;

    if (!alert_words_begin(conn, error) || !resolve(conn, kind, id, &mute_id, error) ||
        !mute_lift(conn, mute_id, who, clock_wall_us(), &n_opened, error) ||
        !db_exec(conn, "COMMIT", error))
        return false;
    printf("Mute m%" G_GINT64_FORMAT " is lifted; %u incident%s open again.\n", mute_id,
           n_opened, n_opened == 1 ? " is" : "s are");
    return true;
}

static int
exec(Cli *cli, char ***arguments, GError **error)
{
    AlertWordsKind kind;
    int64_t id;

    if (!command_parse(&cmd_unmute, cli, NULL, arguments, error) ||
        !command_check_words(&cmd_unmute, *arguments, 1, error))
        return CLI_DONE;
    if (!(*arguments)[1]) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "which one? usage: flowkeep %s %s", cmd_unmute.name,
                    cmd_unmute.usage);
        return CLI_USAGE;
    }
    if (!alert_words_parse((*arguments)[1], &kind, &id, error))
        return CLI_USAGE;

    g_autoptr(PGconn) conn = cli_connect(cli, "flowkeep unmute", error);
    if (!conn)
        return CLI_FAILED;
    if (lift(conn, kind, id, error))
        return CLI_DONE;
    alert_words_explain_error(error, conn);
    return CLI_FAILED;
}

const Command cmd_unmute = {
    .name = "unmute",
    .usage = "MUTE|ALERT",
    .help = "Lift a mute: its incidents are open again",
    .exec = exec,
};
