/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Log: sentences for the operator, the noun first.
 *
 * Goes to the systemd journal with fields when stderr is connected to it, else to
 * stderr with a UTC time.  Only main files, worker.c and receiver.c call these;
 * everything below them returns its errors.  Text from the wire is made printable
 * (control characters become \xNN) before it is written.  Any thread may call. */

#include <glib.h>

/* @program names the lines; debug lines are written only when @verbose. */
void log_init(const char *program, gboolean verbose);

void log_error(const char *format, ...) G_GNUC_PRINTF(1, 2);
void log_warning(const char *format, ...) G_GNUC_PRINTF(1, 2);
void log_notice(const char *format, ...) G_GNUC_PRINTF(1, 2);
void log_debug(const char *format, ...) G_GNUC_PRINTF(1, 2);
