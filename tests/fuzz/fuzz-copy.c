/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz target: flows of any values whatever become rows that PostgreSQL takes, with
 * names of any bytes.  What an input looks like stands in flow-play.h, what is asserted
 * in flow-check.h; test-judge-live.c has a server judge the same rows. */

#include "budget.h"
#include "flow-check.h"
#include "flow-play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
on_flow(Flow *flow, int64_t shift_us, const CopyExtraNames *names, void *user_data)
{
    flow_check_add(user_data, flow, shift_us, names);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FlowCheck *check; /* kept, for speed */
    Exporter exporter = { .id = 7 };

    if (!check)
        check = flow_check_new();

    const Budget budget = budget_begin();

    flow_play(data, size, INT64_C(1700000000) * 1000000, &exporter, on_flow, check);
    flow_check_finish(check);
    budget_check(&budget, size);
    return 0;
}
