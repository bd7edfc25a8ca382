/* SPDX-License-Identifier: Apache-2.0 */
#include "json-writer.h"

#include <math.h>

#include "human.h"

#define MAX_WHOLE 9007199254740992.0 /* 2^53: all whole numbers up to it are exact */

struct JsonWriter {
    GString *text;
    bool first; /* nothing stands in the open object or array yet */
    unsigned depth;
};

JsonWriter *
json_writer_new(void)
{
    JsonWriter *self = g_new0(JsonWriter, 1);

    self->text = g_string_new(NULL);
    self->first = true;
    return self;
}

void
json_writer_free(JsonWriter *self)
{
    if (!self)
        return;

    g_string_free(self->text, TRUE);
    g_free(self);
}

static bool
must_escape(gunichar c)
{
    const GUnicodeType type = g_unichar_type(c);

    return c == '"' || c == '\\' || type == G_UNICODE_CONTROL ||
           type == G_UNICODE_FORMAT || type == G_UNICODE_LINE_SEPARATOR ||
           type == G_UNICODE_PARAGRAPH_SEPARATOR;
}

static void
append_escaped(GString *to, gunichar c)
{
    if (c == '"' || c == '\\')
        g_string_append_printf(to, "\\%c", (char) c);
    else if (c < 0x10000)
        g_string_append_printf(to, "\\u%04x", c);
    else
        g_string_append_printf(to, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
                               0xdc00 + ((c - 0x10000) & 0x3ff));
}

static void
append_quoted(GString *to, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);

    g_string_append_c(to, '"');
    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        const gunichar c = g_utf8_get_char(at);

        if (must_escape(c))
            append_escaped(to, c);
        else
            g_string_append_unichar(to, c);
    }
    g_string_append_c(to, '"');
}

/* What stands before a value: a comma, the line's indent, the key. */
static void
lead_in(JsonWriter *self, const char *key)
{
    if (!self->first)
        g_string_append_c(self->text, ',');
    if (self->text->len > 0)
        g_string_append_printf(self->text, "\n%*s", (int) self->depth * 2, "");
    self->first = false;
    if (key) {
        append_quoted(self->text, key);
        g_string_append(self->text, ": ");
    }
}

static void
begin(JsonWriter *self, const char *key, char bracket)
{
    lead_in(self, key);
    g_string_append_c(self->text, bracket);
    self->depth++;
    self->first = true;
}

static void
end(JsonWriter *self, char bracket)
{
    g_assert(self->depth > 0);
    self->depth--;
    if (!self->first)
        g_string_append_printf(self->text, "\n%*s", (int) self->depth * 2, "");
    g_string_append_c(self->text, bracket);
    self->first = false;
}

void
json_writer_begin_object(JsonWriter *self, const char *key)
{
    begin(self, key, '{');
}

void
json_writer_end_object(JsonWriter *self)
{
    end(self, '}');
}

void
json_writer_begin_array(JsonWriter *self, const char *key)
{
    begin(self, key, '[');
}

void
json_writer_end_array(JsonWriter *self)
{
    end(self, ']');
}

void
json_writer_string(JsonWriter *self, const char *key, const char *text)
{
    lead_in(self, key);
    if (text)
        append_quoted(self->text, text);
    else
        g_string_append(self->text, "null");
}

void
json_writer_int(JsonWriter *self, const char *key, int64_t number)
{
    lead_in(self, key);
    g_string_append_printf(self->text, "%" G_GINT64_FORMAT, number);
}

void
json_writer_uint(JsonWriter *self, const char *key, uint64_t number)
{
    lead_in(self, key);
    g_string_append_printf(self->text, "%" G_GUINT64_FORMAT, number);
}

void
json_writer_double(JsonWriter *self, const char *key, double number)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    if (!isfinite(number)) {
        json_writer_null(self, key);
        return;
    }
    const bool is_whole = number == floor(number) && fabs(number) < MAX_WHOLE;
    lead_in(self, key);
    g_string_append(self->text, g_ascii_formatd(text, sizeof(text),
                                                is_whole ? "%.0f" : "%.6g", number));
}

void
json_writer_bool(JsonWriter *self, const char *key, bool value)
{
    lead_in(self, key);
    g_string_append(self->text, value ? "true" : "false");
}

void
json_writer_null(JsonWriter *self, const char *key)
{
    json_writer_string(self, key, NULL);
}

void
json_writer_time(JsonWriter *self, const char *key, int64_t at_us)
{
    g_autofree char *text = at_us == 0 ? NULL : human_time_iso(at_us);

    json_writer_string(self, key, text);
}

const char *
json_writer_text(JsonWriter *self)
{
    if (self->text->len == 0 || self->text->str[self->text->len - 1] != '\n')
        g_string_append_c(self->text, '\n');
    return self->text->str;
}
