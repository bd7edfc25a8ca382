/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/learnt.h"

const char *
learnt_kind_name(LearntKind kind)
{
    static const char *const names[LEARNT_N_KINDS] = {
        [LEARNT_SAMPLING] = "sampling", [LEARNT_INTERFACE] = "interface",
        [LEARNT_VRF] = "vrf",           [LEARNT_APP] = "app",
        [LEARNT_SYSTEM] = "system",
    };

    g_assert(kind < LEARNT_N_KINDS);
    return names[kind];
}
