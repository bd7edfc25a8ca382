/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Html: writes HTML that data cannot break out of.
 *
 * Data goes in by html_text(), html_format(), html_link() and html_image() only, and
 * each makes it printable (printable.h) and escapes it; tags and attributes are
 * literals of the program.  What was begun is ended in the right order.  No scripts,
 * nothing that is loaded from elsewhere. */

#include <glib.h>

typedef struct Html Html;

Html *html_new(void);
void html_free(Html *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Html, html_free)

/* @tag and @attributes are literals, lent for good; @attributes may be NULL. */
void html_begin(Html *self, const char *tag, const char *attributes);
void html_end(Html *self); /* of what was begun last */

/* A literal of the program, as it is. */
void html_literal(Html *self, const char *literal);

void html_text(Html *self, const char *text);
void html_format(Html *self, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Begin, text, end. */
void html_element(Html *self, const char *tag, const char *attributes,
                  const char *text);

/* The text alone where @url is neither http nor https. */
void html_link(Html *self, const char *url, const char *text);

/* @source: "cid:...", "data:..." */
void html_image(Html *self, const char *source, const char *alt, unsigned width);

/* All of it (transfer full); everything that was begun must be ended. */
char *html_steal(Html *self);
