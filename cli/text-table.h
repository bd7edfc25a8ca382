/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* TextTable: rows and columns for a terminal, each column as wide as it must be.
 *
 * Cells may hold text from the wire: it is made printable here.  A column that is
 * empty in every row is left out, so that a table says no more than there is. */

#include <glib.h>
#include <stdbool.h>

typedef enum {
    TEXT_COLUMN_LEFT,
    TEXT_COLUMN_RIGHT, /* numbers */
} TextColumnAlign;

typedef struct {
    const char *title;
    TextColumnAlign align;
} TextColumn;

typedef struct TextTable TextTable;

/* @columns is lent and must outlive the table. */
TextTable *text_table_new(const TextColumn *columns, size_t n_columns);
void text_table_free(TextTable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TextTable, text_table_free)

/* The next cell, from the left and row after row.  NULL is empty. */
void text_table_add(TextTable *self, const char *text);
void text_table_add_take(TextTable *self, char *text); /* @text (transfer full) */

size_t text_table_n_rows(const TextTable *self);

/* The whole table with its titles, each line behind @indent spaces (transfer full). */
char *text_table_format(const TextTable *self, unsigned indent);
