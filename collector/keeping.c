/* SPDX-License-Identifier: Apache-2.0 */
#include "keeping.h"

#include <stdatomic.h>

#include "clock.h"
#include "db.h"
#include "log.h"
#include "store/keeper.h"

#define PERIOD_SEC 60
#define RETRY_SEC  5
#define LOG_EVERY  12 /* failures, after the first */

struct Keeping {
    GThread *thread;
    _Atomic(const Settings *) settings;
    _Atomic(bool) stopping;
    _Atomic(bool) ended;
};

static KeeperOptions
options_from_settings(const Settings *settings)
{
    return (KeeperOptions){
        .partition_minutes = settings->partition_minutes,
        .seal_hosts = settings->seal_hosts,
        .retention_days = settings->retention_days,
        .rollup_retention_days = settings->rollup_retention_days,
    };
}

static bool
sync_watch(PGconn *conn, const Settings *settings, GError **error)
{
    g_autofree KeeperGroup *groups = g_new0(KeeperGroup, settings->n_watch + 1);

    for (size_t i = 0; i < settings->n_watch; i++) {
        const WatchSettings *watch = &settings->watch[i];

        groups[i] = (KeeperGroup){ watch->name, watch->description, watch->networks,
                                   watch->n_networks };
    }
    return keeper_sync_watch(conn, groups, settings->n_watch, error);
}

static bool
sync_names(PGconn *conn, const Settings *settings, GError **error)
{
    for (size_t i = 0; i < settings->n_exporter; i++) {
        const ExporterSettings *exporter = &settings->exporter[i];

        if (!keeper_name_exporter(conn, &exporter->parsed, exporter->name, error))
            return false;
    }
    return true;
}

static bool
tidy(Keeping *self, PGconn *conn, const KeeperOptions *options, GError **error)
{
    bool more = true;

    while (more && !self->stopping) {
        if (!keeper_tidy(conn, options, &more, error))
            return false;
    }
    return true;
}

/* One round on a connection of its own.  Names are said again every time, since an
 * exporter's row may have appeared meanwhile. */
static bool
run_once(Keeping *self, const Settings *settings, const Settings **synced,
         GError **error)
{
    const KeeperOptions options = options_from_settings(settings);
    g_autoptr(PGconn) conn =
        db_connect(settings->database.conninfo, "flowkeep-collector keeper", true,
                   settings->database.connect_timeout_sec, error);

    if (!conn || !keeper_prepare(conn, &options, error))
        return false;
    if (settings != *synced && !sync_watch(conn, settings, error))
        return false;

    *synced = settings;
    return sync_names(conn, settings, error) && tidy(self, conn, &options, error);
}

static void
sleep_unless_stopping(Keeping *self, const Settings *settings, unsigned seconds)
{
    const int64_t until_us = clock_mono_us() + seconds * US_PER_SEC;

    while (clock_mono_us() < until_us && !self->stopping && self->settings == settings)
        g_usleep(100 * US_PER_MS);
}

static gpointer
run_keeper(gpointer user_data)
{
    Keeping *self = user_data;
    const Settings *synced = NULL;
    unsigned n_failures = 0;

    while (!self->stopping) {
        g_autoptr(GError) error = NULL;
        const Settings *settings = self->settings;
        const bool ok = run_once(self, settings, &synced, &error);

        if (!ok && n_failures++ % LOG_EVERY == 0)
            log_warning("keeper: %s; trying again", error->message);
        if (ok)
            n_failures = 0;
        sleep_unless_stopping(self, settings, ok ? PERIOD_SEC : RETRY_SEC);
    }
    self->ended = true;
    return NULL;
}

Keeping *
keeping_start(const Settings *settings)
{
    Keeping *self = g_new0(Keeping, 1);

    self->settings = settings;
    self->thread = g_thread_new("keeper", run_keeper, self);
    return self;
}

void
keeping_reload(Keeping *self, const Settings *settings)
{
    self->settings = settings;
}

void
keeping_stop(Keeping *self)
{
    self->stopping = true;
}

bool
keeping_ended(const Keeping *self)
{
    return self->ended;
}

void
keeping_join(Keeping *self)
{
    g_thread_join(self->thread);
    g_free(self);
}
