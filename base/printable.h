/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Printable: text from the wire, made harmless for a terminal.
 *
 * Names of exporters, interfaces and applications are whatever somebody put into a
 * packet.  Control characters (C0, DEL, C1), characters that turn the direction of
 * writing or that do not show at all, and bytes that are no UTF-8 become \xNN or
 * \u{NNNN}; everything else stays as it is. */

#include <glib.h>

/* (transfer full); @text may be NULL and need not be UTF-8. */
char *printable(const char *text);

void printable_append(GString *to, const char *text);
