/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

enum { MAX_COLUMNS = 16 };

struct Table {
    GPtrArray *rows; /* of char **, the first is the head */
    size_t n_columns;
    glong widths[MAX_COLUMNS];
    bool right[MAX_COLUMNS];
};

static void
add(Table *self, const char *text)
{
    char **cells = g_strsplit(text, "|", MAX_COLUMNS);

    g_assert(self->rows->len == 0 || g_strv_length(cells) == self->n_columns);
    for (size_t i = 0; cells[i]; i++) {
        g_strstrip(cells[i]);
        self->widths[i] = MAX(self->widths[i], g_utf8_strlen(cells[i], -1));
    }
    g_ptr_array_add(self->rows, cells);
}

Table *
table_new(const char *head)
{
    Table *self = g_new0(Table, 1);
    char **names;

    self->rows = g_ptr_array_new_with_free_func((GDestroyNotify) g_strfreev);
    add(self, head);
    names = g_ptr_array_index(self->rows, 0);
    self->n_columns = g_strv_length(names);
    for (size_t i = 0; i < self->n_columns; i++) {
        self->right[i] = names[i][0] == '>';
        if (self->right[i])
            memmove(names[i], names[i] + 1, strlen(names[i]));
        self->widths[i] = MAX(g_utf8_strlen(names[i], -1), 3);
    }
    return self;
}

void
table_free(Table *self)
{
    if (self)
        g_ptr_array_unref(self->rows);
    g_free(self);
}

void
table_row(Table *self, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    add(self, text);
}

static void
pad(GString *out, glong n, char with)
{
    for (glong i = 0; i < n; i++)
        g_string_append_c(out, with);
}

static void
write_row(const Table *self, char **cells, GString *out)
{
    for (size_t i = 0; i < self->n_columns; i++) {
        glong n_blanks = self->widths[i] - g_utf8_strlen(cells[i], -1);

        g_string_append(out, "| ");
        pad(out, self->right[i] ? n_blanks : 0, ' ');
        g_string_append(out, cells[i]);
        pad(out, self->right[i] ? 0 : n_blanks, ' ');
        g_string_append_c(out, ' ');
    }
    g_string_append(out, "|\n");
}

void
table_write(const Table *self, GString *out)
{
    write_row(self, g_ptr_array_index(self->rows, 0), out);
    for (size_t i = 0; i < self->n_columns; i++) {
        g_string_append(out, "| ");
        pad(out, self->widths[i] - self->right[i], '-');
        g_string_append(out, self->right[i] ? ": " : " ");
    }
    g_string_append(out, "|\n");
    for (size_t i = 1; i < self->rows->len; i++)
        write_row(self, g_ptr_array_index(self->rows, i), out);
}

const char *
table_recall(Recall recall, char text[TABLE_RECALL_BYTES])
{
    if (isnan(recall.share))
        g_snprintf(text, TABLE_RECALL_BYTES, "-");
    else
        g_snprintf(text, TABLE_RECALL_BYTES, "%.1f (%.1f-%.1f)", 100.0 * recall.share,
                   100.0 * recall.low, 100.0 * recall.high);
    return text;
}
