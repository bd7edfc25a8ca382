/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "command.h"

static int
exec(Cli *cli, char ***arguments, GError **error)
{
    gboolean man = FALSE;
    const GOptionEntry options[] = {
        { "man", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &man,
          "Write the table of keys for the manual page", NULL },
        { NULL },
    };
    g_autofree char *text = NULL;
    g_autofree char *analytics = NULL;

    if (!command_parse(&cmd_dump_config, cli, options, arguments, error) ||
        !command_check_words(&cmd_dump_config, *arguments, 0, error))
        return CLI_DONE;

    if (man) {
        text = settings_man();
        analytics = analytics_settings_man();
    } else {
        const Settings *settings = cli_settings(cli, error);
        const AnalyticsSettings *watching =
            settings ? cli_analytics_settings(cli, error) : NULL;

        if (!watching)
            return CLI_USAGE;
        text = settings_dump(settings);
        analytics = analytics_settings_dump(watching);
    }
    printf("%s%s%s", text, man ? "" : "\n", analytics);
    return CLI_DONE;
}

const Command cmd_dump_config = {
    .name = "dump-config",
    .usage = "",
    .help = "Write all settings as they are now in force, defaults included",
    .exec = exec,
};
