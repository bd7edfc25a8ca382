/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/loss.h"

#include <glib.h>

const char *
loss_reason_name(LossReason reason)
{
    static const char *const names[LOSS_N_REASONS] = {
        [LOSS_SEQUENCE_GAP] = "sequence_gap", [LOSS_KERNEL_DROP] = "kernel_drop",
        [LOSS_JOURNAL_FULL] = "journal_full", [LOSS_NO_TEMPLATE] = "no_template",
        [LOSS_MALFORMED] = "malformed",       [LOSS_REFUSED] = "refused",
        [LOSS_REJECTED] = "rejected",
    };

    g_assert(reason < LOSS_N_REASONS);
    return names[reason];
}

const char *
loss_unit_name(LossUnit unit)
{
    static const char *const names[LOSS_N_UNITS] = {
        [LOSS_UNIT_FLOWS] = "flows",         [LOSS_UNIT_DATAGRAMS] = "datagrams",
        [LOSS_UNIT_MESSAGES] = "messages",   [LOSS_UNIT_SETS] = "sets",
        [LOSS_UNIT_TEMPLATES] = "templates", [LOSS_UNIT_FIELDS] = "fields",
        [LOSS_UNIT_BYTES] = "bytes",
    };

    g_assert(unit < LOSS_N_UNITS);
    return names[unit];
}
