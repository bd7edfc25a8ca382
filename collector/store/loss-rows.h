/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* LossRows: what was lost, summed over one batch, for table loss.  Pure. */

#include <glib.h>

#include "flow/loss.h"

typedef struct LossRows LossRows;

/* @collector is copied. */
LossRows *loss_rows_new(const char *collector);
void loss_rows_free(LossRows *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LossRows, loss_rows_free)

/* Losses of one exporter, minute, reason, class and unit become one. */
void loss_rows_add(LossRows *self, const Loss *loss);

/* Of no exporter of the table: of the one with the id @exporter_id; 0 = none. */
void loss_rows_add_by_id(LossRows *self, const Loss *loss, int32_t exporter_id);

/* Appends the exporters of it that have no id yet to @exporters. */
void loss_rows_collect(const LossRows *self, GPtrArray *exporters);

/* "COPY flowkeep.loss (...) ...". */
const char *loss_rows_statement(void);

/* Appends the rows of binary COPY to @rows, and forgets them. */
void loss_rows_take(LossRows *self, GByteArray *rows);
