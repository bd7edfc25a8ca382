/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Document: a Markdown file of which some parts are written by a program.
 *
 * A part stands between two lines, "<!-- begin: NAME, written by run-eval -->" and
 * "<!-- end: NAME -->"; everything else is left as it is.  A part that is not there yet
 * is added at the end. */

#include <glib.h>
#include <stdbool.h>

/* Replaces part @name of the file @path by @text; the file may be missing. */
bool document_replace(const char *path, const char *name, const char *text,
                      GError **error);
