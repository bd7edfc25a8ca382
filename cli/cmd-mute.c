/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "alert-words.h"
#include "alert/incident-store.h"
#include "alert/mute.h"
#include "clock.h"
#include "command.h"
#include "human.h"
#include "mute-list.h"
#include "time-text.h"

typedef struct {
    char *kind;
    char *host;
    char *peer;
    int port; /* -1 = not given */
    char *span;
    char *until;
    gboolean forever;
    char *reason;
    gboolean list;
    gboolean all;
    gboolean as_json;
} Options;

static void
options_clear(Options *self)
{
    g_free(self->kind);
    g_free(self->host);
    g_free(self->peer);
    g_free(self->span);
    g_free(self->until);
    g_free(self->reason);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

/* What a request points to. */
typedef struct {
    MuteRequest request;
    Network hosts;
    Network peers;
    char *who;
} Wanted;

static void
wanted_clear(Wanted *self)
{
    g_free(self->who);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Wanted, wanted_clear)

static bool refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool
refuse(GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (error)
        *error =
            g_error_new_valist(G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, format, args);
    va_end(args);
    return false;
}

static bool
read_network(const char *option, const char *text, Network *network,
             const Network **set, GError **error)
{
    g_autoptr(GError) why = NULL;

    if (!text)
        return true;
    if (!network_parse(text, network, &why))
        return refuse(error, "%s: %s", option, why->message);
    *set = network;
    return true;
}

static bool
read_duration(const Options *options, int64_t now_us, int64_t *until_us, GError **error)
{
    int64_t span_us;

    if (!!options->span + !!options->until + !!options->forever != 1)
        return refuse(error, "for how long? give one of --for 30d, --until TIME, "
                             "--forever");
    *until_us = 0;
    if (options->span) {
        if (!time_text_parse_span(options->span, &span_us, error))
            return false;
        *until_us = now_us + span_us;
    }
    if (options->until) {
        if (!time_text_parse(options->until, now_us, until_us, error))
            return false;
        if (*until_us <= now_us)
            return refuse(error, "--until %s is over already", options->until);
    }
    return true;
}

static bool
read_reason(const Options *options, GError **error)
{
    g_autofree char *reason = g_strdup(options->reason ? options->reason : "");

    if (*g_strstrip(reason))
        return true;
    return refuse(error, "why? a mute needs --reason \"...\", for whoever wonders "
                         "later why nothing was said");
}

/* What the options say; from an incident comes what they leave open. */
static bool
read_options(const Options *options, int64_t now_us, Wanted *wanted, GError **error)
{
    MuteRequest *request = &wanted->request;

    if (options->port < -1 || options->port > 65535)
        return refuse(error, "--port is from 1 to 65535");
    if (!alert_words_check_kind(options->kind, error) ||
        !read_network("--host", options->host, &wanted->hosts, &request->host_network,
                      error) ||
        !read_network("--peer", options->peer, &wanted->peers, &request->peer_network,
                      error) ||
        !read_reason(options, error) ||
        !read_duration(options, now_us, &request->until_us, error))
        return false;

    request->kind = options->kind;
    request->port = MAX(options->port, 0);
    request->reason = options->reason;
    wanted->who = alert_words_who();
    request->who = wanted->who;
    return true;
}

static bool
fill_from_alert(const Incident *incident, const Options *options, Wanted *wanted,
                GError **error)
{
    MuteRequest *request = &wanted->request;

    request->alert_id = incident->id;
    if (!request->kind)
        request->kind = incident->kind;
    if (options->port < 0)
        request->port = incident->port;
    return (request->host_network ||
            read_network("its host", incident->host, &wanted->hosts,
                         &request->host_network, error)) &&
           (request->peer_network ||
            read_network("its peers", incident->peer_network, &wanted->peers,
                         &request->peer_network, error));
}

static bool
add(PGconn *conn, const MuteRequest *request, int64_t now_us, GError **error)
{
    unsigned n_muted = 0;
    int64_t id = 0;

    if (!mute_add(conn, request, now_us, &id, &n_muted, error) ||
        !db_exec(conn, "COMMIT", error)) {
        alert_words_explain_error(error, conn);
        return false;
    }

    g_autofree char *until =
        request->until_us == 0 ? g_strdup("for ever") : human_time(request->until_us);
    printf("Mute m%" G_GINT64_FORMAT " is in force%s%s; %u incident%s silent by it.\n"
           "`flowkeep unmute m%" G_GINT64_FORMAT "` lifts it.\n",
           id, request->until_us ? " until " : " ", until, n_muted,
           n_muted == 1 ? " is" : "s are", id);
    return true;
}

static int
run(Cli *cli, const char *alert, const Options *options, GError **error)
{
    const int64_t now_us = clock_wall_us();
    g_auto(Wanted) wanted = { 0 };
    int64_t alert_id = 0;

    if (!read_options(options, now_us, &wanted, error) ||
        (alert && !alert_words_parse_alert(alert, &alert_id, error)))
        return CLI_USAGE;
    if (!alert && !options->kind && !options->host && !options->peer &&
        options->port <= 0) {
        refuse(error, "that would be everything; say which: the number of an alert, "
                      "--kind, --host, --peer or --port");
        return CLI_USAGE;
    }

    g_autoptr(PGconn) conn = cli_connect(cli, "flowkeep mute", error);
    if (!conn || !alert_words_begin(conn, error))
        return CLI_FAILED;

    g_autoptr(GError) lost = NULL;
    g_autoptr(Incident) incident =
        alert ? incident_store_get(conn, alert_id, &lost) : NULL;
    if (lost) {
        g_propagate_error(error, g_steal_pointer(&lost));
        return CLI_FAILED;
    }
    if (alert && !incident) {
        g_set_error(error, DB_ERROR, DB_ERROR_REJECTED,
                    "there is no alert %" G_GINT64_FORMAT
                    "; `flowkeep alerts --all` lists them",
                    alert_id);
        return CLI_FAILED;
    }
    if (incident && !fill_from_alert(incident, options, &wanted, error))
        return CLI_FAILED;
    return add(conn, &wanted.request, now_us, error) ? CLI_DONE : CLI_FAILED;
}

static int
list(Cli *cli, const Options *options, GError **error)
{
    const int64_t now_us = clock_wall_us();
    g_autoptr(PGconn) conn = cli_connect(cli, "flowkeep mute", error);
    g_autoptr(GArray) mutes =
        conn ? mute_list(conn, options->all, now_us, error) : NULL;

    if (!mutes)
        return CLI_FAILED;
    if (options->as_json)
        mute_list_print_json(mutes);
    else
        mute_list_print(mutes, now_us);
    return CLI_DONE;
}

static int
exec(Cli *cli, char ***arguments, GError **error)
{
    g_auto(Options) wanted = { .port = -1 };
    const GOptionEntry options[] = {
        { "kind", 0, 0, G_OPTION_ARG_STRING, &wanted.kind, "beacon or exfil", "KIND" },
        { "host", 0, 0, G_OPTION_ARG_STRING, &wanted.host,
          "Watched host, or network of them", "NETWORK" },
        { "peer", 0, 0, G_OPTION_ARG_STRING, &wanted.peer, "Peer, or network of them",
          "NETWORK" },
        { "port", 0, 0, G_OPTION_ARG_INT, &wanted.port, "Service port; 0 = any", "N" },
        { "for", 0, 0, G_OPTION_ARG_STRING, &wanted.span, "For so long, like 30d",
          "SPAN" },
        { "until", 0, 0, G_OPTION_ARG_STRING, &wanted.until, "Until then", "TIME" },
        { "forever", 0, 0, G_OPTION_ARG_NONE, &wanted.forever, "Until it is lifted",
          NULL },
        { "reason", 0, 0, G_OPTION_ARG_STRING, &wanted.reason, "Why", "TEXT" },
        { "list", 0, 0, G_OPTION_ARG_NONE, &wanted.list,
          "List the mutes that are in force", NULL },
        { "all", 0, 0, G_OPTION_ARG_NONE, &wanted.all,
          "With --list: also those that are over", NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &wanted.as_json, "With --list: write JSON",
          NULL },
        { NULL },
    };

    if (!command_parse(&cmd_mute, cli, options, arguments, error) ||
        !command_check_words(&cmd_mute, *arguments, wanted.list ? 0 : 1, error))
        return CLI_DONE;
    return wanted.list ? list(cli, &wanted, error)
                       : run(cli, (*arguments)[1], &wanted, error);
}

const Command cmd_mute = {
    .name = "mute",
    .usage = "[ALERT] [--kind|--host|--peer|--port ...] --for SPAN --reason TEXT",
    .help = "Be told no more of an incident, or of all of a kind; --list shows mutes",
    .exec = exec,
};
