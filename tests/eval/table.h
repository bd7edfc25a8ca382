/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Table: rows of text, written as an aligned Markdown table, which is read as well on
 * a terminal as in a document.  Widths are counted in characters of UTF-8. */

#include <glib.h>
#include <stddef.h>

#include "recall.h"

typedef struct Table Table;

/* @head: the columns' names, divided by '|'; those that begin with '>' are aligned to
 * the right. */
Table *table_new(const char *head);
void table_free(Table *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, table_free)

/* One row, its cells divided by '|'. */
void table_row(Table *self, const char *format, ...) G_GNUC_PRINTF(2, 3);

void table_write(const Table *self, GString *out);

/* "98.7 (97.8-99.3)", in per cent.  Writes to @text and returns it. */
enum { TABLE_RECALL_BYTES = 40 };
const char *table_recall(Recall recall, char text[TABLE_RECALL_BYTES]);
