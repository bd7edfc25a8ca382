/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <stdio.h>

#include "suggestion.h"

static const Command *const commands[] = {
    &cmd_migrate, &cmd_check_config, &cmd_dump_config, &cmd_status, &cmd_doctor,
    &cmd_alerts,  &cmd_explain,      &cmd_ack,         &cmd_mute,   &cmd_unmute,
    &cmd_report,  &cmd_mail_test,    &cmd_replay,      &cmd_export,
};

const Command *
command_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (g_str_equal(commands[i]->name, name))
            return commands[i];
    }
    return NULL;
}

const Command *
command_nearest(const char *name)
{
    const char *nearest = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        suggestion_consider(name, commands[i]->name, &nearest);
    return nearest ? command_find(nearest) : NULL;
}

char *
command_overview(void)
{
    GString *text = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        g_string_append_printf(text, "  %-13s %s\n", commands[i]->name,
                               commands[i]->help);
    return g_string_free(text, FALSE);
}

static void
print_help(GOptionContext *context)
{
    g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);

    fputs(help, stdout);
}

bool
command_parse(const Command *self, Cli *cli, const GOptionEntry *options,
              char ***arguments, GError **error)
{
    gboolean wants_help = FALSE;
    g_autofree char *config_path = NULL;
    const GOptionEntry common[] = {
        { "config", 'c', 0, G_OPTION_ARG_FILENAME, &config_path,
          "Read FILE instead of " SETTINGS_DEFAULT_PATH, "FILE" },
        { "help", 'h', 0, G_OPTION_ARG_NONE, &wants_help, "Show this help", NULL },
        { NULL },
    };
    g_autoptr(GOptionContext) context = g_option_context_new(self->usage);
    g_autofree char *name = g_strconcat("flowkeep ", self->name, NULL);

    g_set_prgname(name);
    g_option_context_set_summary(context, self->help);
    g_option_context_set_help_enabled(context, FALSE);
    if (options)
        g_option_context_add_main_entries(context, options, NULL);
    g_option_context_add_main_entries(context, common, NULL);

    if (!g_option_context_parse_strv(context, arguments, error))
        return false;
    if (config_path) { /* it may have been given before the command, too */
        g_free(cli->config_path);
        cli->config_path = g_steal_pointer(&config_path);
    }
    if (wants_help)
        print_help(context);
    return !wants_help;
}

bool
command_check_words(const Command *self, char **arguments, unsigned n_max,
                    GError **error)
{
    if (g_strv_length(arguments) <= n_max + 1)
        return true;

    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                "\"%s\" is too much; usage: flowkeep %s %s", arguments[n_max + 1],
                self->name, self->usage);
    return false;
}
