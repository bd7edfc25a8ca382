/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* TlsFiles: the certificates that the [listen] sections name. */

#include <glib.h>

#include "settings.h"
#include "wire/tls-context.h"

/* Of each section the TlsContext, or NULL where there is no TLS (transfer full).
 * Errors: as tls_context_new(), naming the section. */
GPtrArray *tls_files_load(const Settings *settings, GError **error);
