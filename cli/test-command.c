/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

static void
test_nearest(void)
{
    static const struct {
        const char *typed;
        const char *meant; /* NULL = no idea */
    } cases[] = {
        { "stauts", "status" },
        { "statu", "status" },
        { "migrat", "migrate" },
        { "reply", "replay" },
        { "docter", "doctor" },
        { "exprot", "export" },
        { "dumpconfig", "dump-config" },
        { "check-conf", "check-config" },
        { "xyzzy", NULL },
        { "", NULL },
        { "s", NULL },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Command *nearest = command_nearest(cases[i].typed);

        g_test_message("\"%s\"", cases[i].typed);
        g_assert_null(command_find(cases[i].typed));
        g_assert_cmpstr(nearest ? nearest->name : NULL, ==, cases[i].meant);
    }
    g_assert_true(command_find("status") == &cmd_status);
}

static void
check_usage(const Command *command, const char *words)
{
    g_autofree char *line = g_strconcat(command->name, " ", words, NULL);
    g_auto(GStrv) arguments = g_strsplit(line, " ", -1);
    g_autoptr(GError) error = NULL;
    Cli cli = { 0 };

    g_test_message("%s", line);
    command->exec(&cli, &arguments, &error);
    g_assert_nonnull(error);
    g_assert_cmpint(cli_status_of_error(error), ==, CLI_USAGE);
    cli_clear(&cli);
}

static void
test_wrong_arguments(void)
{
    static const struct {
        const Command *command;
        const char *words;
    } cases[] = {
        { &cmd_status, "--nonsense" },
        { &cmd_status, "too much" },
        { &cmd_migrate, "now" },
        { &cmd_doctor, "one two" },
        { &cmd_export, "-o x" },
        { &cmd_export, "--since -1h" },
        { &cmd_export, "--since -1h -o x --to y:1" },
        { &cmd_export, "--since whenever -o x" },
        { &cmd_export, "--since -1h --until -2h -o x" },
        { &cmd_export, "--since -1h -o x --where-host nobody" },
        { &cmd_replay, "--speed 1" },
        { &cmd_replay, "--speed fast x" },
        { &cmd_check_config, "--config /nonexistent/flowkeep.conf" },
        { &cmd_replay, "--config /nonexistent/flowkeep.conf x" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        check_usage(cases[i].command, cases[i].words);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/command/what-was-meant-is-suggested", test_nearest);
    g_test_add_func("/command/wrong-arguments-are-usage", test_wrong_arguments);
    return g_test_run();
}
