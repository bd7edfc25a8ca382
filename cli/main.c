/* SPDX-License-Identifier: Apache-2.0 */

/* flowkeep: the operator's command.  Finds the command named, runs it, and prints
 * the one error it may have returned. */

#include <locale.h>
#include <signal.h>
#include <stdio.h>

#include "command.h"
#include "log.h"
#include "printable.h"

static void
print_overview(FILE *to)
{
    g_autofree char *overview = command_overview();

    fprintf(to,
            "Usage: flowkeep [--config FILE] COMMAND [ARGUMENT...]\n\n%s\n"
            "`flowkeep COMMAND --help` says more; so does flowkeep(8).\n",
            overview);
}

static void
print_error(const char *command, const GError *error)
{
    g_auto(GStrv) lines = g_strsplit(error->message, "\n", -1);

    fprintf(stderr, "flowkeep%s%s: ", command ? " " : "", command ? command : "");
    for (size_t i = 0; lines[i]; i++) {
        g_autofree char *shown = printable(lines[i]);

        fprintf(stderr, "%s\n", shown);
    }
}

static const Command *
find_command(const char *name, GError **error)
{
    const Command *command = command_find(name);
    const Command *nearest = command_nearest(name);

    if (!command && nearest)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "there is no command \"%s\"; did you mean \"%s\"?", name,
                    nearest->name);
    else if (!command)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "there is no command \"%s\"; `flowkeep --help` lists them", name);
    return command;
}

/* Options before the command.  Returns false with the exit status when that was
 * all. */
static bool
parse_globals(Cli *cli, char ***arguments, int *status, GError **error)
{
    gboolean wants_help = FALSE, wants_version = FALSE;
    const GOptionEntry globals[] = {
        { "config", 'c', 0, G_OPTION_ARG_FILENAME, &cli->config_path, NULL, NULL },
        { "help", 'h', 0, G_OPTION_ARG_NONE, &wants_help, NULL, NULL },
        { "version", 'V', 0, G_OPTION_ARG_NONE, &wants_version, NULL, NULL },
        { NULL },
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);

    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_strict_posix(context, TRUE);
    g_option_context_add_main_entries(context, globals, NULL);
    if (!g_option_context_parse_strv(context, arguments, error))
        return false;

    *status = CLI_DONE;
    if (wants_help) {
        print_overview(stdout);
        return false;
    }
    if (wants_version) {
        puts("flowkeep " FLOWKEEP_VERSION);
        return false;
    }
    if (!(*arguments)[1]) {
        print_overview(stderr);
        *status = CLI_USAGE;
        return false;
    }
    return true;
}

/* The command's arguments begin with its name. */
static char **
behind_program(char **arguments)
{
    return g_strdupv(arguments + 1);
}

static int
run(Cli *cli, char ***arguments, const char **command_name, GError **error)
{
    int status = CLI_USAGE;

    if (!parse_globals(cli, arguments, &status, error))
        return status;

    const Command *command = find_command((*arguments)[1], error);
    if (!command)
        return CLI_USAGE;

    g_auto(GStrv) own = behind_program(*arguments);
    *command_name = command->name;
    return command->exec(cli, &own, error);
}

int
main(int argc, char **argv)
{
    g_auto(GStrv) arguments = g_strdupv(argv);
    g_autoptr(GError) error = NULL;
    const char *command_name = NULL;
    Cli cli = { 0 };

    if (argc == 0)
        return CLI_USAGE;

    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN); /* a broken pipe is an error of write() */
    log_init("flowkeep", FALSE);

    int status = run(&cli, &arguments, &command_name, &error);
    if (error) {
        print_error(command_name, error);
        status = cli_status_of_error(error);
    }
    cli_clear(&cli);
    if (fflush(stdout) != 0 && status == CLI_DONE)
        status = CLI_FAILED;
    return status;
}
