/* SPDX-License-Identifier: Apache-2.0 */
#include "document.h"

#include <string.h>

bool
document_replace(const char *path, const char *name, const char *text, GError **error)
{
    g_autofree char *begin =
        g_strdup_printf("<!-- begin: %s, written by run-eval -->\n", name);
    g_autofree char *end = g_strdup_printf("<!-- end: %s -->\n", name);
    g_autoptr(GString) result = g_string_new(NULL);
    g_autoptr(GError) reading = NULL;
    g_autofree char *old = NULL;
    const char *from, *to;

    if (!g_file_get_contents(path, &old, NULL, &reading)) {
        if (!g_error_matches(reading, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
            g_propagate_error(error, g_steal_pointer(&reading));
            return false;
        }
        old = g_strdup("");
    }
    from = strstr(old, begin);
    to = from ? strstr(from, end) : NULL;
    if (to == NULL) { /* not there: at the end */
        g_string_append_printf(result, "%s%s%s%s%s", old, *old ? "\n" : "", begin, text,
                               end);
    } else {
        g_string_append_len(result, old, from - old);
        g_string_append_printf(result, "%s%s%s", begin, text, to);
    }
    return g_file_set_contents(path, result->str, (gssize) result->len, error);
}
