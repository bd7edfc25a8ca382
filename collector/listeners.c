/* SPDX-License-Identifier: Apache-2.0 */
#include "listeners.h"

#include <string.h>
#include <unistd.h>

#include "wire/tcp.h"
#include "wire/udp.h"

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#define SYSTEMD_FIRST_FD 3

/* Sockets that the service manager handed over, by name; taken ones leave. */
static GHashTable *
inherited_sockets(void)
{
    GHashTable *by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
#ifdef HAVE_SYSTEMD
    char **names = NULL;
    const int n = sd_listen_fds_with_names(true, &names);

    for (int i = 0; i < n; i++) {
        g_hash_table_insert(by_name, g_strdup(names[i]),
                            GINT_TO_POINTER(SYSTEMD_FIRST_FD + i));
        free(names[i]);
    }
    free(names);
#endif
    return by_name;
}

static char *
socket_name(const ListenSettings *listen, unsigned worker)
{
    /* TLS is TCP here: one that becomes the other is still the same socket. */
    return g_strdup_printf("%s-%s-%u",
                           listen->transport == TRANSPORT_UDP ? "udp" : "tcp",
                           listen->name, worker);
}

static int
take_inherited(GHashTable *inherited, const char *name)
{
    const int fd = GPOINTER_TO_INT(g_hash_table_lookup(inherited, name));

    g_hash_table_remove(inherited, name);
    return fd > 0 ? fd : -1;
}

/* Asks the manager to keep @fd for the next start. */
static void
keep_for_restart(int fd, const char *name)
{
#ifdef HAVE_SYSTEMD
    g_autofree char *state = g_strdup_printf("FDSTORE=1\nFDNAME=%s", name);

    sd_pid_notify_with_fds(0, false, state, &fd, 1);
#else
    (void) fd;
    (void) name;
#endif
}

static void
warn_of_small_buffer(Listeners *self, const ListenSettings *listen,
                     uint32_t granted_bytes)
{
    if (granted_bytes >= listen->receive_buffer_bytes)
        return;

    g_ptr_array_add(
        self->warnings,
        g_strdup_printf("listener %s: the kernel grants %u KiB of receive buffer "
                        "instead of %u KiB; bursts may be dropped; run: "
                        "sysctl -w net.core.rmem_max=%u",
                        listen->name, granted_bytes / 1024,
                        listen->receive_buffer_bytes / 1024,
                        listen->receive_buffer_bytes));
}

static bool
open_udp(Listeners *self, const ListenSettings *listen, unsigned n_workers, int *fds,
         bool inherited, GError **error)
{
    const UdpOptions options = { .address = listen->address,
                                 .port = (uint16_t) listen->port,
                                 .receive_buffer_bytes = listen->receive_buffer_bytes,
                                 .n_workers = n_workers };
    uint32_t granted_bytes = 0;

    if (!inherited) {
        if (!udp_open(&options, fds, &granted_bytes, error))
            return false;
    }
    for (unsigned i = 0; inherited && i < n_workers; i++) {
        if (!udp_adopt(&options, fds[i], &granted_bytes, error))
            return false;
    }
    warn_of_small_buffer(self, listen, granted_bytes);
    return true;
}

static bool
open_tcp(const ListenSettings *listen, unsigned n_workers, int *fds, bool inherited,
         GError **error)
{
    for (unsigned i = 0; !inherited && i < n_workers; i++) {
        fds[i] = tcp_listen_socket(listen->address, (uint16_t) listen->port,
                                   n_workers > 1, error);
        if (fds[i] < 0) {
            while (i > 0)
                close(fds[--i]);
            return false;
        }
    }
    return true;
}

/* All sockets of one section, or none.  They are taken from the manager only when it
 * has one for every worker: a group must not be half old and half new. */
static bool
open_section(Listeners *self, const Settings *settings, size_t index,
             GHashTable *inherited, GError **error)
{
    const ListenSettings *listen = &settings->listen[index];
    const unsigned n = settings->workers;
    g_autofree int *fds = g_new(int, n);
    bool have_all = true;

    for (unsigned i = 0; i < n; i++) {
        g_autofree char *name = socket_name(listen, i);

        fds[i] = take_inherited(inherited, name);
        have_all = have_all && fds[i] >= 0;
    }
    for (unsigned i = 0; !have_all && i < n; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }

    if (!(listen->transport == TRANSPORT_UDP
              ? open_udp(self, listen, n, fds, have_all, error)
              : open_tcp(listen, n, fds, have_all, error))) {
        g_prefix_error(error, "[listen %s]: ", listen->name);
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        g_autofree char *name = socket_name(listen, i);

        keep_for_restart(fds[i], name);
        self->sockets[self->n++] = (ListenSocket){ fds[i], (uint16_t) index, i,
                                                   listen->transport != TRANSPORT_UDP };
    }
    return true;
}

/* A listener that is no longer configured must not fill up unread. */
static void
close_leftovers(GHashTable *inherited)
{
    GHashTableIter iter;
    gpointer name;
    gpointer fd;

    g_hash_table_iter_init(&iter, inherited);
    while (g_hash_table_iter_next(&iter, &name, &fd)) {
#ifdef HAVE_SYSTEMD
        sd_notifyf(false, "FDSTOREREMOVE=1\nFDNAME=%s", (const char *) name);
#endif
        close(GPOINTER_TO_INT(fd));
    }
}

Listeners *
listeners_open(const Settings *settings, GError **error)
{
    g_autoptr(Listeners) self = g_new0(Listeners, 1);
    g_autoptr(GHashTable) inherited = inherited_sockets();

    self->warnings = g_ptr_array_new_with_free_func(g_free);
    self->sockets = g_new0(ListenSocket, settings->n_listen * settings->workers);
    for (size_t i = 0; i < settings->n_listen; i++) {
        if (!open_section(self, settings, i, inherited, error))
            return NULL;
    }
    close_leftovers(inherited);
    return g_steal_pointer(&self);
}

void
listeners_free(Listeners *self)
{
    if (!self)
        return;

    for (size_t i = 0; i < self->n; i++) {
        if (self->sockets[i].fd >= 0)
            close(self->sockets[i].fd);
    }
    g_free(self->sockets);
    g_ptr_array_unref(self->warnings);
    g_free(self);
}
