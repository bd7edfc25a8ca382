/* SPDX-License-Identifier: Apache-2.0 */
#include "text-table.h"

#include "printable.h"

#define GAP "  "

struct TextTable {
    const TextColumn *columns;
    size_t n_columns;
    GPtrArray *cells; /* row after row */
};

TextTable *
text_table_new(const TextColumn *columns, size_t n_columns)
{
    TextTable *self = g_new0(TextTable, 1);

    self->columns = columns;
    self->n_columns = n_columns;
    self->cells = g_ptr_array_new_with_free_func(g_free);
    return self;
}

void
text_table_free(TextTable *self)
{
    if (!self)
        return;

    g_ptr_array_unref(self->cells);
    g_free(self);
}

void
text_table_add(TextTable *self, const char *text)
{
    g_ptr_array_add(self->cells, printable(text));
}

void
text_table_add_take(TextTable *self, char *text)
{
    text_table_add(self, text);
    g_free(text);
}

size_t
text_table_n_rows(const TextTable *self)
{
    return (self->cells->len + self->n_columns - 1) / self->n_columns;
}

static const char *
cell(const TextTable *self, size_t row, size_t column)
{
    const size_t index = row * self->n_columns + column;

    return index < self->cells->len ? self->cells->pdata[index] : "";
}

/* Columns a terminal needs for @text, which is printable. */
static size_t
display_width(const char *text)
{
    size_t width = 0;

    for (const char *at = text; *at; at = g_utf8_next_char(at)) {
        const gunichar c = g_utf8_get_char(at);

        width += g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
    }
    return width;
}

/* 0 = the column is empty and left out. */
static size_t
column_width(const TextTable *self, size_t column)
{
    const size_t n_rows = text_table_n_rows(self);
    size_t width = 0;

    for (size_t row = 0; row < n_rows; row++)
        width = MAX(width, display_width(cell(self, row, column)));
    return width == 0 ? 0 : MAX(width, display_width(self->columns[column].title));
}

static void
append_line(const TextTable *self, GString *to, const size_t *widths, int row,
            unsigned indent)
{
    const size_t begin = to->len;

    g_string_append_printf(to, "%*s", (int) indent, "");
    const size_t margin = to->len;

    for (size_t i = 0; i < self->n_columns; i++) {
        const char *text =
            row < 0 ? self->columns[i].title : cell(self, (size_t) row, i);
        const int pad = (int) (widths[i] - MIN(widths[i], display_width(text)));
        const bool right = self->columns[i].align == TEXT_COLUMN_RIGHT;

        if (widths[i] == 0)
            continue;
        if (to->len > margin)
            g_string_append(to, GAP);
        g_string_append_printf(to, "%*s%s%*s", right ? pad : 0, "", text,
                               right ? 0 : pad, "");
    }
    while (to->len > begin && to->str[to->len - 1] == ' ')
        g_string_truncate(to, to->len - 1);
    g_string_append_c(to, '\n');
}

char *
text_table_format(const TextTable *self, unsigned indent)
{
    g_autofree size_t *widths = g_new(size_t, self->n_columns);
    const size_t n_rows = text_table_n_rows(self);
    GString *to = g_string_new(NULL);

    for (size_t i = 0; i < self->n_columns; i++)
        widths[i] = column_width(self, i);
    for (int row = -1; row < (int) n_rows; row++)
        append_line(self, to, widths, row, indent);
    return g_string_free(to, FALSE);
}
