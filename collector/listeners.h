/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Listeners: the sockets of all [listen] sections, one per worker each.
 *
 * Under systemd they outlive the process: each is given to the manager's descriptor
 * store under its name, and found again at the next start, so that what arrives
 * meanwhile waits in the kernel. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "settings.h"

typedef struct {
    int fd;
    uint16_t listener; /* index of the [listen] section */
    unsigned worker;
    bool is_tcp;
} ListenSocket;

typedef struct {
    ListenSocket *sockets;
    size_t n;
    GPtrArray *warnings; /* of char *: sentences for the operator */
} Listeners;

/* Errors: G_IO_ERROR, naming the section, address and port. */
Listeners *listeners_open(const Settings *settings, GError **error);

/* Closes what was not taken (fd >= 0). */
void listeners_free(Listeners *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Listeners, listeners_free)
