/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "command.h"
#include "db.h"
#include "schema.h"

static void
on_migration(const char *migration, void *user_data)
{
    unsigned *n = user_data;

    printf("%s\n", migration);
    fflush(stdout);
    (*n)++;
}

static void
summarise(unsigned n, bool dry_run)
{
    if (n == 0)
        printf("schema flowkeep is up to date (%s)\n", schema_version());
    else if (dry_run)
        printf("%u to apply; nothing was changed\n", n);
    else
        printf("%u applied; schema flowkeep is at %s\n", n, schema_version());
}

static int
exec(Cli *cli, char ***arguments, GError **error)
{
    gboolean dry_run = FALSE;
    const GOptionEntry options[] = {
        { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &dry_run,
          "Say which migrations would be applied, and change nothing", NULL },
        { NULL },
    };
    unsigned n = 0;

    if (!command_parse(&cmd_migrate, cli, options, arguments, error) ||
        !command_check_words(&cmd_migrate, *arguments, 0, error))
        return CLI_DONE;

    g_autoptr(PGconn) conn = cli_connect_admin(cli, "flowkeep migrate", error);
    if (!conn || !schema_migrate(conn, dry_run, on_migration, &n, error))
        return CLI_FAILED;

    summarise(n, dry_run);
    return CLI_DONE;
}

const Command cmd_migrate = {
    .name = "migrate",
    .usage = "[--dry-run]",
    .help = "Make or upgrade the schema in the database",
    .exec = exec,
};
