/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowgenBackground: what goes on in any headquarters, as patterns: visitors and
 * scanners, names and times, mail, updates, backups, monitoring.
 *
 * Hosts have roles; a part of the mix is played when all of its roles are given. */

#include "flowgen-pattern.h"

/* Adds to @patterns those that the section [background NAME] of @file means.
 * Errors: G_KEY_FILE_ERROR; the message begins with the key. */
bool flowgen_background_add(GKeyFile *file, const char *group, GPtrArray *patterns,
                            GError **error);
