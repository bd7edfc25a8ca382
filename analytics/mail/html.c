/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/html.h"

#include "mail/unit-word.h"
#include "printable.h"

struct Html {
    GString *text;
    GPtrArray *open; /* of const char *: tags */
};

Html *
html_new(void)
{
    Html *self = g_new0(Html, 1);

    self->text = g_string_new(NULL);
    self->open = g_ptr_array_new();
    return self;
}

void
html_free(Html *self)
{
    if (!self)
        return;
    if (self->text)
        g_string_free(self->text, TRUE);
    g_ptr_array_unref(self->open);
    g_free(self);
}

void
html_begin(Html *self, const char *tag, const char *attributes)
{
    g_string_append_printf(self->text, attributes ? "<%s %s>" : "<%s%s>", tag,
                           attributes ? attributes : "");
    g_ptr_array_add(self->open, (gpointer) tag);
}

void
html_end(Html *self)
{
    g_assert(self->open->len > 0);
    /* Behind a tag, not before it: a line break is a blank to a browser. */
    g_string_append_printf(self->text, "</%s>\n",
                           (const char *) g_ptr_array_index(self->open,
                                                            self->open->len - 1));
    g_ptr_array_set_size(self->open, (int) self->open->len - 1);
}

void
html_literal(Html *self, const char *literal)
{
    g_string_append(self->text, literal);
}

/* The one place where data enters; right in text and in quoted attributes.  A number
 * and its unit are not torn apart. */
static void
append_escaped(GString *to, const char *data)
{
    g_autofree char *shown = printable(data);

    for (const char *at = shown; *at; at++) {
        switch (*at) {
        case '&':
            g_string_append(to, "&amp;");
            break;
        case '<':
            g_string_append(to, "&lt;");
            break;
        case '>':
            g_string_append(to, "&gt;");
            break;
        case '"':
            g_string_append(to, "&quot;");
            break;
        case '\'':
            g_string_append(to, "&#39;");
            break;
        case ' ':
            g_string_append(to, at > shown && g_ascii_isdigit(at[-1]) &&
                                        unit_word_begins(at + 1)
                                    ? "&nbsp;"
                                    : " ");
            break;
        default:
            g_string_append_c(to, *at);
        }
    }
}

void
html_text(Html *self, const char *text)
{
    append_escaped(self->text, text);
}

void
html_format(Html *self, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    html_text(self, text);
}

void
html_element(Html *self, const char *tag, const char *attributes, const char *text)
{
    html_begin(self, tag, attributes);
    html_text(self, text);
    html_end(self);
}

void
html_link(Html *self, const char *url, const char *text)
{
    if (!g_str_has_prefix(url, "https://") && !g_str_has_prefix(url, "http://")) {
        html_text(self, text);
        return;
    }
    g_string_append(self->text, "<a style=\"color:#2b6cb0\" href=\"");
    append_escaped(self->text, url);
    g_string_append(self->text, "\">");
    append_escaped(self->text, text);
    g_string_append(self->text, "</a>");
}

void
html_image(Html *self, const char *source, const char *alt, unsigned width)
{
    g_string_append(self->text, "<img src=\"");
    append_escaped(self->text, source);
    g_string_append(self->text, "\" alt=\"");
    append_escaped(self->text, alt);
    g_string_append_printf(self->text,
                           "\" width=\"%u\" style=\"width:100%%;max-width:%upx;"
                           "height:auto;display:block\">\n",
                           width, width);
}

char *
html_steal(Html *self)
{
    g_assert(self->open->len == 0);
    return g_string_free(g_steal_pointer(&self->text), FALSE);
}
