/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon.h"

#include <string.h>

#include "clock.h"
#include "journal/journal.h"
#include "keeping.h"
#include "listeners.h"
#include "log.h"
#include "receiver.h"
#include "tls-files.h"
#include "worker.h"

/* From SIGTERM to the end of the process is promised to take at most 5 s. */
#define DRAIN_SOCKETS_MS 1000
#define DRAIN_JOURNAL_MS 2000
#define LAST_COMMIT_MS   1500

#define STILL_ALIVE_US (30 * US_PER_SEC)

typedef struct {
    Journal *journal;
    Receiver *receiver;
    Worker *worker;
    DecoderCounters logged_decoder;
    ReceiverStatus logged; /* as last looked at by daemon_tick() */
    char *journal_error;
} Lane;

struct Daemon {
    char *config_path;
    GPtrArray *all_settings; /* newest last; older ones may still be in use */
    Lane *lanes;             /* settings->workers of them */
    unsigned n_lanes;
    GPtrArray *tls; /* of TlsContext or NULL: of each listener, as sockets know it */
    Keeping *keeping;
};

static const Settings *
newest(const Daemon *self)
{
    return g_ptr_array_index(self->all_settings, self->all_settings->len - 1);
}

static void
free_settings(gpointer settings)
{
    settings_free(settings);
}

static PrefixTable *
allow_table(const Settings *settings)
{
    PrefixTable *table = prefix_table_new();

    for (size_t i = 0; i < settings->n_allow; i++)
        prefix_table_add(table, &settings->allow[i], 0);
    if (settings->n_allow == 0)
        prefix_table_add(table, &(Network){ .bits = 0 }, 0);
    return table;
}

static bool
open_journal(Lane *lane, const Settings *settings, unsigned index, GError **error)
{
    g_autofree char *name = g_strdup_printf("worker-%u", index);
    g_autofree char *directory =
        g_build_filename(settings->journal_directory, name, NULL);
    const JournalOptions options = {
        .directory = directory,
        .segment_bytes = settings->journal_segment_bytes,
        .max_bytes = settings->journal_max_bytes / settings->workers,
        .sync_ms = settings->journal_sync_ms,
    };

    lane->journal = journal_open(&options, error);
    return lane->journal != NULL;
}

/* The sockets of @index move from @listeners to the receiver. */
static bool
start_receiver(Lane *lane, const Settings *settings, unsigned index,
               Listeners *listeners, const GPtrArray *tls, GError **error)
{
    g_autofree char *name = g_strdup_printf("worker-%u.landing", index);
    g_autofree char *landing =
        g_build_filename(settings->journal_directory, name, NULL);
    g_autofree ReceiverSocket *sockets = g_new0(ReceiverSocket, listeners->n);
    size_t n_sockets = 0;

    for (size_t i = 0; i < listeners->n; i++) {
        ListenSocket *socket = &listeners->sockets[i];

        if (socket->worker != index)
            continue;
        sockets[n_sockets++] =
            (ReceiverSocket){ socket->fd, socket->listener, socket->is_tcp,
                              g_ptr_array_index(tls, socket->listener) };
        socket->fd = -1;
    }

    const ReceiverOptions options = {
        .journal = lane->journal,
        .landing_path = landing,
        .sockets = sockets,
        .n_sockets = n_sockets,
        .allow = allow_table(settings),
        .tcp = { .max_connections = settings->tcp_max_connections,
                 .max_connections_per_address =
                     settings->tcp_max_connections_per_address,
                 .message_timeout_sec = settings->tcp_message_timeout_sec,
                 .idle_timeout_sec = settings->tcp_idle_timeout_sec,
                 .handshake_timeout_sec = settings->tls_handshake_timeout_sec,
                 .max_handshakes = settings->tls_max_handshakes,
                 .handshakes_per_sec = settings->tls_handshakes_per_sec,
                 .handshakes_per_sec_and_address =
                     settings->tls_handshakes_per_sec_and_address },
    };
    lane->receiver = receiver_start(&options, error);
    return lane->receiver != NULL;
}

static void
start_worker(Lane *lane, const Settings *settings, unsigned index)
{
    lane->worker = worker_start(&(WorkerOptions){ .settings = settings,
                                                  .collector = settings->name,
                                                  .index = index,
                                                  .journal = lane->journal });
}

static void
log_listeners(const Settings *settings, const Listeners *listeners)
{
    static const char *const transports[] = { "UDP", "TCP", "TLS" };

    for (guint i = 0; i < listeners->warnings->len; i++)
        log_warning("%s", (char *) g_ptr_array_index(listeners->warnings, i));

    for (size_t i = 0; i < settings->n_listen; i++)
        log_notice("listener %s: %s port %u of %s", settings->listen[i].name,
                   transports[settings->listen[i].transport], settings->listen[i].port,
                   settings->listen[i].address);
    if (settings->n_allow == 0)
        log_notice("exporters: every address is accepted; [exporters] allow restricts "
                   "them");
}

static void
free_lane(Lane *lane)
{
    if (lane->receiver)
        receiver_stop(lane->receiver, 0);
    g_clear_pointer(&lane->journal, journal_free);
    g_free(lane->journal_error);
}

static void
free_daemon(Daemon *self)
{
    for (unsigned i = 0; i < self->n_lanes; i++)
        free_lane(&self->lanes[i]);
    g_free(self->lanes);
    g_ptr_array_unref(self->all_settings);
    g_clear_pointer(&self->tls, g_ptr_array_unref);
    g_free(self->config_path);
    g_free(self);
}

Daemon *
daemon_start(const char *config_path, Settings *settings, GError **error)
{
    Daemon *self = g_new0(Daemon, 1);

    self->config_path = g_strdup(config_path);
    self->all_settings = g_ptr_array_new_with_free_func(free_settings);
    g_ptr_array_add(self->all_settings, settings);
    self->n_lanes = settings->workers;
    self->lanes = g_new0(Lane, self->n_lanes);

    self->tls = tls_files_load(settings, error);
    g_autoptr(Listeners) listeners = self->tls ? listeners_open(settings, error) : NULL;
    bool ok = listeners != NULL;

    for (unsigned i = 0; ok && i < self->n_lanes; i++)
        ok = open_journal(&self->lanes[i], settings, i, error);
    for (unsigned i = 0; ok && i < self->n_lanes; i++)
        ok = start_receiver(&self->lanes[i], settings, i, listeners, self->tls, error);
    if (!ok) {
        free_daemon(self);
        return NULL;
    }

    for (unsigned i = 0; i < self->n_lanes; i++)
        start_worker(&self->lanes[i], settings, i);
    self->keeping = keeping_start(settings);
    log_listeners(settings, listeners);
    return self;
}

/* --- reload --- */

static bool
same_listeners(const Settings *a, const Settings *b)
{
    if (a->n_listen != b->n_listen)
        return false;

    for (size_t i = 0; i < a->n_listen; i++) {
        const ListenSettings *x = &a->listen[i];
        const ListenSettings *y = &b->listen[i];

        if (!g_str_equal(x->name, y->name) || x->transport != y->transport ||
            !g_str_equal(x->address, y->address) || x->port != y->port)
            return false;
    }
    return true;
}

/* What differs between the two and is only looked at when starting. */
static char *
needs_restart(const Settings *old, const Settings *new)
{
    const struct {
        const char *what;
        bool changed;
    } parts[] = {
        { "[collector]",
          !g_str_equal(old->name, new->name) || old->workers != new->workers },
        { "[listen]", !same_listeners(old, new) },
        { "[journal]", !g_str_equal(old->journal_directory, new->journal_directory) ||
                           old->journal_max_bytes != new->journal_max_bytes ||
                           old->journal_segment_bytes != new->journal_segment_bytes ||
                           old->journal_sync_ms != new->journal_sync_ms },
        { "[database]", !g_str_equal(old->database.conninfo, new->database.conninfo) },
        { "[store]", old->batch_rows != new->batch_rows ||
                         old->batch_ms != new->batch_ms || old->extra != new->extra ||
                         old->partition_minutes != new->partition_minutes },
    };
    g_autoptr(GString) text = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (parts[i].changed)
            g_string_append_printf(text, "%s%s", text->len ? ", " : "", parts[i].what);
    }
    return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

/* Takes @tls.  Sessions that have begun keep what they began with. */
static void
reload_tls(Daemon *self, GPtrArray *tls)
{
    for (unsigned i = 0; i < self->n_lanes; i++) {
        for (guint j = 0; j < tls->len; j++) {
            TlsContext *one = g_ptr_array_index(tls, j);

            if (one)
                receiver_reload_tls(self->lanes[i].receiver, (uint16_t) j,
                                    tls_context_ref(one));
        }
    }
    g_ptr_array_unref(self->tls);
    self->tls = tls;
}

bool
daemon_reload(Daemon *self, char **note, GError **error)
{
    const Settings *old = newest(self);
    Settings *settings = settings_load(self->config_path, error);

    if (!settings)
        return false;

    GPtrArray *tls = tls_files_load(settings, error);
    if (!tls) {
        settings_free(settings);
        return false;
    }

    *note = needs_restart(old, settings);
    g_ptr_array_add(self->all_settings, settings);
    if (same_listeners(g_ptr_array_index(self->all_settings, 0), settings))
        reload_tls(self, tls);
    else
        g_ptr_array_unref(tls);
    for (unsigned i = 0; i < self->n_lanes; i++) {
        receiver_reload_allow(self->lanes[i].receiver, allow_table(settings));
        worker_reload(self->lanes[i].worker, settings);
    }
    keeping_reload(self->keeping, settings);
    return true;
}

/* --- every second --- */

/* The first of something bad is logged at once, then at each doubling: the counters
 * have the truth.  @logged is what it was when there was a line. */
static bool
is_worth_a_line(uint64_t *logged, uint64_t now)
{
    if (now == 0 || (*logged > 0 && now / *logged < 2))
        return false;

    *logged = now;
    return true;
}

static void
log_losses(Lane *lane, unsigned index, const ReceiverStatus *now)
{
    ReceiverStatus *before = &lane->logged;
    const char *disk = journal_error(lane->journal);

    if (is_worth_a_line(&before->kernel_drops, now->kernel_drops))
        log_warning("receiver %u: the kernel dropped %" G_GUINT64_FORMAT
                    " datagrams so far; raise receive_buffer_bytes",
                    index, now->kernel_drops);
    if (is_worth_a_line(&before->journal_full, now->journal_full))
        log_error("journal %u: full, %" G_GUINT64_FORMAT
                  " datagrams refused so far; see journal.max_bytes and the database",
                  index, now->journal_full);
    if (is_worth_a_line(&before->refused, now->refused))
        log_notice("receiver %u: %" G_GUINT64_FORMAT
                   " datagrams refused so far from senders that are not allowed",
                   index, now->refused);
    if (*disk && g_strcmp0(disk, lane->journal_error) != 0) {
        log_error("journal %u: %s", index, disk);
        g_free(lane->journal_error);
        lane->journal_error = g_strdup(disk);
    }
}

/* What exporters do with templates that RFC 7011 8.1 wants to be logged. */
static void
log_templates(Lane *lane, unsigned index, const DecoderCounters *now)
{
    DecoderCounters *before = &lane->logged_decoder;

    if (is_worth_a_line(&before->template_changes, now->template_changes))
        log_notice("worker %u: template ids were given another definition without a "
                   "withdrawal, %" G_GUINT64_FORMAT
                   " times so far; see flowkeep doctor",
                   index, now->template_changes);
    if (is_worth_a_line(&before->withdrawals_unknown, now->withdrawals_unknown))
        log_notice("worker %u: %" G_GUINT64_FORMAT
                   " withdrawals of unknown templates so far, ignored",
                   index, now->withdrawals_unknown);
    if (is_worth_a_line(&before->templates_repeated, now->templates_repeated))
        log_debug("worker %u: %" G_GUINT64_FORMAT
                  " templates were repeated in sessions so far",
                  index, now->templates_repeated);
}

char *
daemon_tick(Daemon *self, bool *healthy)
{
    const int64_t now_us = clock_mono_us();
    uint64_t datagrams = 0;
    uint64_t rows = 0;
    uint64_t backlog_bytes = 0;
    unsigned n_connected = 0;

    *healthy = true;
    for (unsigned i = 0; i < self->n_lanes; i++) {
        Lane *lane = &self->lanes[i];
        const ReceiverStatus received = receiver_status(lane->receiver);
        const WorkerStatus stored = worker_status(lane->worker);

        log_losses(lane, i, &received);
        log_templates(lane, i, &stored.decoder);
        if (now_us - received.beat_us > STILL_ALIVE_US)
            *healthy = false;
        datagrams += received.datagrams;
        rows += stored.store.rows;
        backlog_bytes += stored.backlog_bytes;
        n_connected += stored.connected;
    }
    return g_strdup_printf("%" G_GUINT64_FORMAT
                           " datagrams received, %" G_GUINT64_FORMAT
                           " flows stored, %" G_GUINT64_FORMAT
                           " KiB waiting, database %s",
                           datagrams, rows, backlog_bytes / 1024,
                           n_connected == self->n_lanes ? "connected" : "away");
}

/* --- the end --- */

static bool
all_ended(const Daemon *self)
{
    for (unsigned i = 0; i < self->n_lanes; i++) {
        if (!worker_ended(self->lanes[i].worker))
            return false;
    }
    return keeping_ended(self->keeping);
}

bool
daemon_stop(Daemon *self)
{
    keeping_stop(self->keeping);
    for (unsigned i = 0; i < self->n_lanes; i++)
        receiver_stop(g_steal_pointer(&self->lanes[i].receiver),
                      DRAIN_SOCKETS_MS / self->n_lanes);
    for (unsigned i = 0; i < self->n_lanes; i++)
        worker_stop(self->lanes[i].worker, DRAIN_JOURNAL_MS);

    const int64_t deadline_us =
        clock_mono_us() + (DRAIN_JOURNAL_MS + LAST_COMMIT_MS) * US_PER_MS;
    while (!all_ended(self) && clock_mono_us() < deadline_us)
        g_usleep(5 * US_PER_MS);
    if (!all_ended(self))
        return false;

    for (unsigned i = 0; i < self->n_lanes; i++)
        worker_join(self->lanes[i].worker, NULL, NULL);
    keeping_join(self->keeping);
    free_daemon(self);
    return true;
}

const Settings *
daemon_settings(const Daemon *self)
{
    return newest(self);
}
