/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz target: one datagram of NetFlow v5, v9 or IPFIX, as it comes, to a decoder that
 * knows some templates (message-play.h).  Whatever the decoder makes of it must be
 * encodable, and a message that breaks the rules anywhere must leave nothing behind
 * (stream-play.h has the assertions). */

#include "budget.h"
#include "flow-check.h"
#include "message-play.h"
#include "stream-play.h"

#define MAX_BYTES 65535

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    FlowCheck *check;
    unsigned n_templates;
} Told;

static void
on_flow(Flow *flow, int64_t shift_us, const CopyExtraNames *names, void *user_data)
{
    flow_check_add(((const Told *) user_data)->check, flow, shift_us, names);
}

static void
on_template(const LearntTemplate *learnt, void *user_data)
{
    g_assert_nonnull(learnt);
    ((Told *) user_data)->n_templates++;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const StreamPlaySink sink = { .flow = on_flow, .template = on_template };
    static FlowCheck *check; /* kept, for speed */
    g_autoptr(ExporterTable) exporters = exporter_table_new(STREAM_PLAY_MAX_EXPORTERS);

    if (size > MAX_BYTES)
        return -1;
    if (!check)
        check = flow_check_new();

    g_autoptr(GByteArray) stream = message_play_stream(data, size);
    Told told = { .check = check };
    const Budget budget = budget_begin();
    stream_play(stream->data, stream->len, STREAM_PLAY_START_US, exporters, &sink,
                &told);
    g_assert_cmpuint(told.n_templates, >=, MESSAGE_PLAY_N_TEMPLATES);
    flow_check_finish(check);
    budget_check(&budget, stream->len);
    return 0;
}
