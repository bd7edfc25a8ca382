/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include "schema.h"

void
cli_clear(Cli *self)
{
    g_clear_pointer(&self->settings, settings_free);
    g_clear_pointer(&self->analytics_settings, analytics_settings_free);
    g_clear_pointer(&self->config_path, g_free);
}

static const char *
path_of(const Cli *self)
{
    return self->config_path ? self->config_path : SETTINGS_DEFAULT_PATH;
}

/* Whatever was wrong with the files, it is the configuration that was wrong. */
static void
blame_configuration(GError **error)
{
    if (error && (*error)->domain != G_KEY_FILE_ERROR) {
        (*error)->domain = G_KEY_FILE_ERROR;
        (*error)->code = G_KEY_FILE_ERROR_NOT_FOUND;
    }
}

const Settings *
cli_settings(Cli *self, GError **error)
{
    if (!self->settings)
        self->settings = settings_load(path_of(self), error);
    if (!self->settings)
        blame_configuration(error);
    /* libpq reads it; whatever connects from now on does with it. */
    else if (self->settings->database.password_file[0])
        g_setenv("PGPASSFILE", self->settings->database.password_file, TRUE);
    return self->settings;
}

const AnalyticsSettings *
cli_analytics_settings(Cli *self, GError **error)
{
    if (!self->analytics_settings)
        self->analytics_settings = analytics_settings_load(path_of(self), error);
    if (!self->analytics_settings)
        blame_configuration(error);
    return self->analytics_settings;
}

/* "the database" in terms the operator can check. */
static void
explain_lost(GError **error, const char *conninfo)
{
    g_autofree char *masked = db_conninfo_mask(conninfo);

    if (error && g_error_matches(*error, DB_ERROR, DB_ERROR_LOST)) {
        g_autofree char *message = g_strdup((*error)->message);

        g_clear_error(error);
        g_set_error(error, DB_ERROR, DB_ERROR_LOST,
                    "the database is away: %s\nis the server running? conninfo: %s",
                    message, *masked ? masked : "(libpq's defaults)");
    }
}

static PGconn *
connect_as(Cli *self, bool admin, const char *program, GError **error)
{
    const Settings *settings = cli_settings(self, error);

    if (!settings)
        return NULL;

    const char *conninfo = admin && settings->database.admin_conninfo[0]
                               ? settings->database.admin_conninfo
                               : settings->database.conninfo;
    PGconn *conn = db_connect(conninfo, program, false,
                              settings->database.connect_timeout_sec, error);
    if (!conn)
        explain_lost(error, conninfo);
    return conn;
}

PGconn *
cli_connect(Cli *self, const char *program, GError **error)
{
    g_autoptr(PGconn) conn = connect_as(self, false, program, error);

    if (!conn || !schema_check(conn, error))
        return NULL;
    return g_steal_pointer(&conn);
}

PGconn *
cli_connect_admin(Cli *self, const char *program, GError **error)
{
    return connect_as(self, true, program, error);
}

int
cli_status_of_error(const GError *error)
{
    return error->domain == G_OPTION_ERROR || error->domain == G_KEY_FILE_ERROR
               ? CLI_USAGE
               : CLI_FAILED;
}
