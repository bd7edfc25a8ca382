/* SPDX-License-Identifier: Apache-2.0 */
#include "printable.h"

#include <stdbool.h>
#include <string.h>

/* What a terminal obeys instead of showing it, and what does not show: marks of
 * direction (U+202E and its kind), separators of lines, unassigned characters. */
static bool
is_harmless(gunichar c)
{
    switch (g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_UNASSIGNED:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
        return false;
    default:
        return true;
    }
}

void
printable_append(GString *to, const char *text)
{
    const char *at = text ? text : "";

    while (*at) {
        const gunichar c = g_utf8_get_char_validated(at, -1);

        if (c == (gunichar) -1 || c == (gunichar) -2) {
            g_string_append_printf(to, "\\x%02x", (unsigned char) *at);
            at++;
            continue;
        }
        if (is_harmless(c))
            g_string_append_unichar(to, c);
        else if (c < 0x80)
            g_string_append_printf(to, "\\x%02x", c);
        else
            g_string_append_printf(to, "\\u{%x}", c);
        at = g_utf8_next_char(at);
    }
}

char *
printable(const char *text)
{
    GString *to = g_string_new(NULL);

    printable_append(to, text);
    return g_string_free(to, FALSE);
}
