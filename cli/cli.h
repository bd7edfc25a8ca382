/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Cli: what every command of `flowkeep` may ask for: the settings and a connection,
 * each made when first wanted, with errors that say what to do about them. */

#include <glib.h>
#include <stdbool.h>

#include "analytics-settings.h"
#include "db.h"
#include "settings.h"

/* Exit status of the program. */
enum {
    CLI_DONE = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2, /* wrong arguments or a wrong configuration */
};

typedef struct {
    char *config_path;                     /* NULL = SETTINGS_DEFAULT_PATH */
    Settings *settings;                    /* of the collector; NULL until asked for */
    AnalyticsSettings *analytics_settings; /* likewise */
} Cli;

void cli_clear(Cli *self);

/* The settings, lent until cli_clear().  NULL with G_KEY_FILE_ERROR, whatever was
 * wrong with the files: so it ends in CLI_USAGE. */
const Settings *cli_settings(Cli *self, GError **error);

/* Likewise those of the watching. */
const AnalyticsSettings *cli_analytics_settings(Cli *self, GError **error);

/* A connection to a database whose schema is ours (transfer full).  @program is its
 * application_name.  Errors: DB_ERROR, with the connection string (no password) and
 * what to do; those of cli_settings(). */
PGconn *cli_connect(Cli *self, const char *program, GError **error);

/* The same as the role that owns the schema, and whatever the schema is. */
PGconn *cli_connect_admin(Cli *self, const char *program, GError **error);

/* The exit status for @error. */
int cli_status_of_error(const GError *error);
