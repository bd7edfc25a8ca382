/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz target: a whole stream of datagrams through the real path, state kept, from
 * the wire to the bytes of rows that PostgreSQL takes.  What an input looks like, and
 * what is asserted of the decoder, stands in stream-play.h; what is asserted of its
 * flows, in flow-check.h.  test-judge-live.c has a server judge the same rows. */

#include "budget.h"
#include "flow-check.h"
#include "stream-play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
on_flow(Flow *flow, int64_t shift_us, const CopyExtraNames *names, void *user_data)
{
    flow_check_add(user_data, flow, shift_us, names);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const StreamPlaySink sink = { .flow = on_flow };
    static FlowCheck *check; /* kept, for speed */
    g_autoptr(ExporterTable) exporters = exporter_table_new(STREAM_PLAY_MAX_EXPORTERS);

    if (!check)
        check = flow_check_new();

    const Budget budget = budget_begin();

    stream_play(data, size, STREAM_PLAY_START_US, exporters, &sink, check);
    flow_check_finish(check);
    budget_check(&budget, size);
    return 0;
}
