/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Daemon: the collector put together: listeners, journals, receivers, workers and
 * the keeper, from one configuration file.  Knows no signals and no main loop. */

#include <glib.h>
#include <stdbool.h>

#include "settings.h"

typedef struct Daemon Daemon;

/* Takes @settings (transfer full, also on failure); @config_path is where they came
 * from and daemon_reload() will look.  Errors name the file or socket that failed. */
Daemon *daemon_start(const char *config_path, Settings *settings, GError **error);

/* Reads the configuration again: watch groups, allow list, exporter names and
 * sampling overrides change at once, without losing a datagram; what needs a
 * restart is named in @note (transfer full, NULL = nothing).  On failure everything
 * stays as it was. */
bool daemon_reload(Daemon *self, char **note, GError **error);

/* Call once a second: logs what changed for the worse, keeps systemd's watchdog
 * content while receivers and workers show signs of life, and describes the state
 * in one line (transfer full). */
char *daemon_tick(Daemon *self, bool *healthy);

/* Receives what the kernel still holds, stores what the journal holds, and ends all
 * threads, within about four seconds.  Returns false when the database kept one
 * waiting for longer: the process should then simply end; the journal has the
 * rest. */
bool daemon_stop(Daemon *self);

const Settings *daemon_settings(const Daemon *self);
