/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Loss: something was not stored, and this is why.
 *
 * One value for every place where data can be lost; each ends in the table `loss`
 * and so in one panel.  Reasons are few and fixed; the class says more where a
 * reason has kinds (which malformation, which limit). */

#include <stdint.h>

#include "flow/exporter.h"

typedef enum {
    LOSS_SEQUENCE_GAP, /* the exporter sent it, we never saw it */
    LOSS_KERNEL_DROP,  /* the socket buffer was full */
    LOSS_JOURNAL_FULL, /* journal.max_bytes reached */
    LOSS_NO_TEMPLATE,  /* waited, and its template never came */
    LOSS_MALFORMED,    /* a message, template, set or field that breaks the rules */
    LOSS_REFUSED,      /* not on the allow list, or over a limit */
    LOSS_REJECTED,     /* the database refused the row */
    LOSS_N_REASONS
} LossReason;

typedef enum {
    LOSS_UNIT_FLOWS,
    LOSS_UNIT_DATAGRAMS,
    LOSS_UNIT_MESSAGES,
    LOSS_UNIT_SETS,
    LOSS_UNIT_TEMPLATES,
    LOSS_UNIT_FIELDS,
    LOSS_UNIT_BYTES,
    LOSS_N_UNITS
} LossUnit;

typedef struct {
    const Exporter *exporter; /* NULL = none in particular */
    LossReason reason;
    LossUnit unit;
    const char *class; /* static text, "" = none; lower_snake */
    uint64_t count;
    int64_t received_us; /* when it was noticed */
} Loss;

/* As in the columns loss.reason and loss.unit. */
const char *loss_reason_name(LossReason reason);
const char *loss_unit_name(LossUnit unit);
