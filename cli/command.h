/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Command: one word of `flowkeep WORD`, as a row of one table.
 *
 * Each has a file of its own, cmd-NAME.c, that defines its row. */

#include <glib.h>
#include <stdbool.h>

#include "cli.h"

typedef struct {
    const char *name;
    const char *usage; /* what may stand behind the name */
    const char *help;  /* one sentence */

    /* @arguments begin with the command's name; options are removed from them by
     * command_parse().  Returns the exit status; when @error is set, the caller
     * prints it and takes the status from it. */
    int (*exec)(Cli *cli, char ***arguments, GError **error);
} Command;

extern const Command cmd_ack;
extern const Command cmd_alerts;
extern const Command cmd_check_config;
extern const Command cmd_doctor;
extern const Command cmd_dump_config;
extern const Command cmd_explain;
extern const Command cmd_export;
extern const Command cmd_mail_test;
extern const Command cmd_migrate;
extern const Command cmd_mute;
extern const Command cmd_replay;
extern const Command cmd_report;
extern const Command cmd_status;
extern const Command cmd_unmute;

/* NULL when there is none of that name. */
const Command *command_find(const char *name);

/* The one that was probably meant, or NULL. */
const Command *command_nearest(const char *name);

/* All commands, a line each (transfer full). */
char *command_overview(void);

/* Parses and removes options.  False when there is nothing more to do: after --help
 * (printed; no error), or with G_OPTION_ERROR. */
bool command_parse(const Command *self, Cli *cli, const GOptionEntry *options,
                   char ***arguments, GError **error);

/* False, with G_OPTION_ERROR, when more than @n_max words stand behind the name. */
bool command_check_words(const Command *self, char **arguments, unsigned n_max,
                         GError **error);
