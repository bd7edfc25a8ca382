/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/restart.h"

/* Export times are whole seconds, so the boots of two messages differ a little. */
static bool
is_same_boot(int64_t a_us, int64_t b_us)
{
    int64_t off_us;

    return !__builtin_sub_overflow(a_us, b_us, &off_us) &&
           off_us <= SEQUENCE_REBOOT_US && off_us >= -SEQUENCE_REBOOT_US;
}

RestartVerdict
restart_see(Restart *self, const Sequence *sequence, const SequenceSeen *seen,
            uint32_t uptime_ms)
{
    if (!sequence_went_back(sequence, seen)) {
        self->is_claimed = false;
        self->uptime_ms = uptime_ms;
        self->has_uptime = true;
        return RESTART_NONE;
    }
    if (self->is_certain && is_same_boot(seen->boot_us, self->boot_us))
        return RESTART_NONE;
    if (self->has_uptime && uptime_ms >= self->uptime_ms)
        return RESTART_NONE;

    if (self->is_claimed && is_same_boot(seen->boot_us, self->boot_us)) {
        self->is_claimed = false;
        self->is_certain = true;
        return RESTART_CERTAIN;
    }
    *self = (Restart){ .boot_us = seen->boot_us,
                       .since_us = seen->received_us,
                       .uptime_ms = self->uptime_ms,
                       .has_uptime = self->has_uptime,
                       .is_claimed = true };
    return RESTART_CLAIMED;
}
