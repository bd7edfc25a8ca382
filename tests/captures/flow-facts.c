/* SPDX-License-Identifier: Apache-2.0 */
#include "flow-facts.h"

#include <string.h>

FlowFacts
flow_facts_from_flow(const Flow *flow)
{
    return (FlowFacts){
        .src = flow->src,
        .dst = flow->dst,
        .octets = flow->octets,
        .packets = flow->packets,
        .start_ms = (uint64_t) flow->start_us / 1000,
        .end_ms = (uint64_t) flow->end_us / 1000,
        .input_if = flow->input_if,
        .output_if = flow->output_if,
        .src_as = flow->src_as,
        .dst_as = flow->dst_as,
        .vrf_in = flow->vrf_in,
        .vrf_out = flow->vrf_out,
        .src_port = flow->src_port,
        .dst_port = flow->dst_port,
        .vlan = flow->vlan,
        .tcp_flags = flow->tcp_flags,
        .protocol = flow->protocol,
        .tos = flow->tos,
        .end_reason = flow->end_reason,
    };
}

char *
flow_facts_text(const FlowFacts *facts)
{
    char src[IP_ADDRESS_TEXT_BYTES];
    char dst[IP_ADDRESS_TEXT_BYTES];

    return g_strdup_printf(
        "%s:%u > %s:%u proto %u flags %#x tos %u octets %" G_GUINT64_FORMAT
        " packets %" G_GUINT64_FORMAT " if %u > %u as %u > %u vrf %u > %u vlan %u"
        " start %" G_GUINT64_FORMAT " end %" G_GUINT64_FORMAT " reason %u",
        ip_address_format(&facts->src, src), facts->src_port,
        ip_address_format(&facts->dst, dst), facts->dst_port, facts->protocol,
        facts->tcp_flags, facts->tos, facts->octets, facts->packets, facts->input_if,
        facts->output_if, facts->src_as, facts->dst_as, facts->vrf_in, facts->vrf_out,
        facts->vlan, facts->start_ms, facts->end_ms, facts->end_reason);
}

static gint
compare_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

void
flow_facts_assert_same(GPtrArray *ours, GPtrArray *theirs, const char *whose)
{
    g_ptr_array_sort(ours, compare_texts);
    g_ptr_array_sort(theirs, compare_texts);

    for (guint i = 0; i < MIN(ours->len, theirs->len); i++) {
        const char *our = g_ptr_array_index(ours, i);
        const char *their = g_ptr_array_index(theirs, i);

        if (strcmp(our, their) == 0)
            continue;
        g_test_message("a record differs: ours: %s", our);
        g_test_message("%s: %s", whose, their);
        g_test_fail();
        return;
    }
    g_assert_cmpuint(ours->len, ==, theirs->len);
}
