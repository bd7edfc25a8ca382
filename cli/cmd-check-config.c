/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "command.h"
#include "db.h"
#include "human.h"
#include "tls-files.h"

static const char *
transport_name(Transport transport)
{
    return transport == TRANSPORT_UDP   ? "udp"
           : transport == TRANSPORT_TCP ? "tcp"
                                        : "tls";
}

static void
print_listeners(const Settings *settings)
{
    for (size_t i = 0; i < settings->n_listen; i++) {
        const ListenSettings *listen = &settings->listen[i];

        printf("  listens      %s port %u on %s%s\n", transport_name(listen->transport),
               listen->port, listen->address,
               listen->trust_exporter_address
                   ? ", trusting the exporter addresses inside"
                   : "");
    }
}

static void
print_summary(const Settings *settings)
{
    g_autofree char *conninfo = db_conninfo_mask(settings->database.conninfo);
    g_autofree char *journal = human_bytes(settings->journal_max_bytes);

    printf("  collector    %s, %u worker%s\n", settings->name, settings->workers,
           settings->workers == 1 ? "" : "s");
    print_listeners(settings);
    if (settings->n_allow > 0)
        printf("  allows       exporters of %zu networks\n", settings->n_allow);
    else
        puts("  allows       any exporter; name them: [exporters] allow");
    printf("  journal      %s, up to %s\n", settings->journal_directory, journal);
    printf("  database     %s\n", *conninfo ? conninfo : "(libpq's defaults)");
    if (settings->retention_days > 0)
        printf("  keeps        flows for %u days, rollups for %u days\n",
               settings->retention_days, settings->rollup_retention_days);
    else
        puts("  keeps        flows for ever");
    for (size_t i = 0; i < settings->n_watch; i++)
        printf("  watches      %s: %zu networks\n", settings->watch[i].name,
               settings->watch[i].n_networks);
}

static void
print_mail(const AnalyticsSettings *settings)
{
    if (settings->n_recipient == 0)
        puts("  mails        nobody; name them: [recipient NAME] address");
    else if (!settings->smtp_server[0])
        puts("  mails        nothing yet; name the mail server: [smtp] server");
    for (size_t i = 0; i < settings->n_recipient; i++)
        printf("  mails        %s, by %s\n", settings->recipient[i].address,
               settings->smtp_server[0] ? settings->smtp_server : "no server");
}

static int
exec(Cli *cli, char ***arguments, GError **error)
{
    if (!command_parse(&cmd_check_config, cli, NULL, arguments, error) ||
        !command_check_words(&cmd_check_config, *arguments, 0, error))
        return CLI_DONE;

    const Settings *settings = cli_settings(cli, error);
    if (!settings || !cli_analytics_settings(cli, error))
        return CLI_USAGE;

    g_autoptr(GPtrArray) tls = tls_files_load(settings, error);
    if (!tls)
        return CLI_USAGE;

    printf("%s: OK\n", cli->config_path ? cli->config_path : SETTINGS_DEFAULT_PATH);
    print_summary(settings);
    print_mail(cli->analytics_settings);
    return CLI_DONE;
}

const Command cmd_check_config = {
    .name = "check-config",
    .usage = "",
    .help = "Read the configuration and say whether it is right",
    .exec = exec,
};
