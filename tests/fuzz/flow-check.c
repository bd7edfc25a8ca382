/* SPDX-License-Identifier: Apache-2.0 */
#include "flow-check.h"

#include <string.h>

#include "clock.h"
#include "row-checker.h"
#include "store/copy-row.h"
#include "store/rollup.h"
#include "store/talker.h"

#define MAX_TALKERS 4

struct FlowCheck {
    PrefixTable *watched;
    Normaliser normaliser;
    RowChecker flow_rows, traffic_rows, talker_rows;
    uint8_t *row;
    Rollup *rollup;
    Talker *talker;
    uint64_t n_flows;
};

static void
watch(FlowCheck *self, const char *text)
{
    Network network;

    g_assert_true(network_parse(text, &network, NULL));
    prefix_table_add(self->watched, &network, 0);
}

FlowCheck *
flow_check_new(void)
{
    FlowCheck *self = g_new0(FlowCheck, 1);
    g_autofree char *statement = copy_row_statement("flow");

    self->watched = prefix_table_new();
    watch(self, "10.0.0.0/8");
    watch(self, "2001:db8::/32");
    self->normaliser = (Normaliser){ .watched = self->watched,
                                     .max_future_us = 3600 * US_PER_SEC,
                                     .max_past_us = 86400 * US_PER_SEC,
                                     .max_sampling = 1000000 };
    row_checker_init(&self->flow_rows, statement);
    row_checker_init(&self->traffic_rows, rollup_statement());
    row_checker_init(&self->talker_rows, talker_statement());
    self->row = g_malloc(COPY_ROW_MAX_BYTES);
    self->rollup = rollup_new();
    self->talker = talker_new(MAX_TALKERS);
    return self;
}

void
flow_check_free(FlowCheck *self)
{
    if (!self)
        return;

    prefix_table_free(self->watched);
    rollup_free(self->rollup);
    talker_free(self->talker);
    g_free(self->row);
    g_free(self);
}

const Normaliser *
flow_check_normaliser(const FlowCheck *self)
{
    return &self->normaliser;
}

/* flow/normalise.h */
static void
check_normalised(const Flow *flow)
{
    const uint64_t counters[] = { flow->octets, flow->packets, flow->reverse_octets,
                                  flow->reverse_packets };

    g_assert_cmpint(flow->start_us, <=, flow->end_us);
    g_assert_cmpint(flow->received_us, >=, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(counters); i++)
        g_assert_cmpuint(counters[i], <=, INT64_MAX);
    g_assert_cmpuint(flow->sampling, <=, INT32_MAX);
    g_assert_cmpuint(flow->watched, <=, FLOW_WATCHED_BOTH);
}

/* What rejected_flow would show of the row. */
static void
check_text(const FlowCheck *self, size_t n_bytes)
{
    g_autofree char *text = copy_row_text(self->row, n_bytes);

    g_assert_true(g_utf8_validate(text, -1, NULL));
}

static size_t
check_row(FlowCheck *self, const Flow *flow, const CopyExtraNames *names,
          CopyRowExtra extra)
{
    const uint8_t *end = copy_row_put(self->row, flow, names, extra);
    const size_t n_bytes = (size_t) (end - self->row);
    int64_t received_us;
    int32_t exporter_id;

    g_assert_cmpuint(n_bytes, <=, COPY_ROW_MAX_BYTES);
    g_assert_cmpuint(row_checker_demand(&self->flow_rows, self->row, n_bytes), ==, 1);
    g_assert_cmpuint(copy_row_len(self->row, n_bytes), ==, n_bytes);
    g_assert_cmpuint(copy_row_len(self->row, n_bytes - 1), ==, 0);
    copy_row_identify(self->row, &received_us, &exporter_id);
    g_assert_cmpint(received_us, ==, flow->received_us);
    g_assert_cmpint(exporter_id, ==, flow->exporter->id);
    return n_bytes;
}

void
flow_check_add(FlowCheck *self, Flow *flow, int64_t shift_us,
               const CopyExtraNames *names)
{
    if (flow->exporter->id == 0)
        flow->exporter->id = 1;
    normalise(&self->normaliser, flow, shift_us);
    check_normalised(flow);
    if (self->n_flows % 16 == 0) { /* seldom, for speed */
        check_row(self, flow, names, COPY_ROW_EXTRA_FORCED);
        check_row(self, flow, names, COPY_ROW_EXTRA_NONE);
    }
    const size_t n_bytes = check_row(self, flow, names, COPY_ROW_EXTRA_ALL);
    if (self->n_flows % 16 == 0)
        check_text(self, n_bytes);
    rollup_add(self->rollup, flow);
    talker_add(self->talker, flow);
    self->n_flows++;
}

/* The count of flows is an int8: the last field of traffic_1m, one before the last of
 * talker_5m. */
static uint64_t
sum_of_flows(const GByteArray *rows, const RowChecker *checker)
{
    uint64_t sum = 0;

    for (size_t at = 0, n_used; at < rows->len; at += n_used) {
        const uint8_t *row = rows->data + at;
        uint64_t n_flows;

        if (row_checker_fault(checker, row, rows->len - at, &n_used))
            g_assert_not_reached();
        memcpy(&n_flows, row + n_used - sizeof(n_flows), sizeof(n_flows));
        sum += GUINT64_FROM_BE(n_flows);
    }
    return sum;
}

void
flow_check_finish(FlowCheck *self)
{
    g_autoptr(GByteArray) rows = g_byte_array_new();

    g_assert_cmpuint(rollup_len(self->rollup), <=, self->n_flows);
    rollup_take(self->rollup, rows);
    row_checker_demand(&self->traffic_rows, rows->data, rows->len);
    g_assert_cmpuint(sum_of_flows(rows, &self->traffic_rows), ==, self->n_flows);

    talker_flush(self->talker);
    g_autoptr(GByteArray) talkers = talker_steal(self->talker);
    if (talkers)
        row_checker_demand(&self->talker_rows, talkers->data, talkers->len);
    self->n_flows = 0;
}
