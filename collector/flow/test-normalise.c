/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/normalise.h"

#define SEC INT64_C(1000000)
#define DAY (86400 * SEC)
#define NOW (INT64_C(1700000000) * SEC)

static const Normaliser plain = { .max_future_us = 3600 * SEC,
                                  .max_past_us = 60 * DAY,
                                  .max_sampling = 1000000 };

static void
test_times(void)
{
    static const struct {
        const char *why;
        uint32_t present;
        int64_t start_us, end_us, shift_us;
        int64_t out_start_us, out_end_us;
        unsigned marks;
    } cases[] = {
#define BOTH (FLOW_START | FLOW_END)
        { "as it should be", BOTH, NOW - SEC, NOW, 0, NOW - SEC, NOW, 0 },
        { "a flow of fifty days", BOTH, NOW - 50 * DAY, NOW, 0, NOW - 50 * DAY, NOW,
          0 },
        { "a clock half an hour ahead", BOTH, NOW, NOW + 1800 * SEC, 0, NOW,
          NOW + 1800 * SEC, 0 },
        { "a replay", BOTH, 5 * SEC, 6 * SEC, NOW - 6 * SEC, NOW - SEC, NOW, 0 },
        { "no time at all", 0, 0, 0, 0, NOW, NOW, FLOW_MARK_TIME_MISSING },
        { "a start only", FLOW_START, NOW - SEC, 0, 0, NOW - SEC, NOW,
          FLOW_MARK_TIME_MISSING },
        { "an end only", FLOW_END, 0, NOW - SEC, 0, NOW - SEC, NOW - SEC,
          FLOW_MARK_TIME_MISSING },
        { "a missing start is not shifted", FLOW_END, 0, 6 * SEC, NOW - 6 * SEC, NOW,
          NOW, FLOW_MARK_TIME_MISSING },
        { "ended before it started", BOTH, NOW, NOW - SEC, 0, NOW - SEC, NOW,
          FLOW_MARK_TIME_SWAPPED },
        { "started in 1970", BOTH, 0, NOW - SEC, 0, NOW - SEC, NOW - SEC,
          FLOW_MARK_TIME_CLAMPED },
        { "both in 1970", BOTH, 0, SEC, 0, NOW, NOW, FLOW_MARK_TIME_CLAMPED },
        { "ends in 2106", BOTH, NOW - SEC, INT64_C(4294967295) * SEC, 0, NOW - SEC, NOW,
          FLOW_MARK_TIME_CLAMPED },
        { "ends in 2106, starts in a minute", BOTH, NOW + 60 * SEC,
          INT64_C(4294967295) * SEC, 0, NOW + 60 * SEC, NOW + 60 * SEC,
          FLOW_MARK_TIME_CLAMPED },
        { "both ends of the range", BOTH, INT64_MAX, INT64_MIN, 0, NOW, NOW,
          FLOW_MARK_TIME_CLAMPED | FLOW_MARK_TIME_SWAPPED },
        { "a shift beyond the range", BOTH, NOW, NOW, INT64_MAX, NOW, NOW,
          FLOW_MARK_TIME_CLAMPED },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Flow flow = { .received_us = NOW,
                      .present = cases[i].present,
                      .start_us = cases[i].start_us,
                      .end_us = cases[i].end_us };

        g_test_message("%s", cases[i].why);
        normalise(&plain, &flow, cases[i].shift_us);
        g_assert_cmpint(flow.start_us, ==, cases[i].out_start_us);
        g_assert_cmpint(flow.end_us, ==, cases[i].out_end_us);
        g_assert_cmphex(flow.marks, ==, cases[i].marks);
        g_assert_cmphex(flow.present, ==, cases[i].present);
    }
}

static void
test_sampling(void)
{
    static const struct {
        const char *why;
        uint64_t octets;
        uint32_t sampling;
        uint64_t out_octets;
        uint32_t out_sampling;
        unsigned marks;
    } cases[] = {
        { "none", 1500, 0, 1500, 0, 0 },
        { "every packet", 1500, 1, 1500, 1, 0 },
        { "one in a thousand", 1500, 1000, 1500000, 1000, 0 },
        { "the largest rate", 1, 1000000, 1000000, 1000000, 0 },
        { "above the largest", 1500, 1000001, 1500, 0, FLOW_MARK_SAMPLING_SUSPECT },
        { "absurd", 1500, UINT32_MAX, 1500, 0, FLOW_MARK_SAMPLING_SUSPECT },
        { "the largest counter", INT64_MAX, 0, INT64_MAX, 0, 0 },
        { "one more", (uint64_t) INT64_MAX + 1, 0, INT64_MAX, 0,
          FLOW_MARK_COUNTER_CLAMPED },
        { "all ones", UINT64_MAX, 1, INT64_MAX, 1, FLOW_MARK_COUNTER_CLAMPED },
        { "too large by sampling", (uint64_t) INT64_MAX / 2 + 1, 2, INT64_MAX, 2,
          FLOW_MARK_COUNTER_CLAMPED },
        { "too large for 64 bits", UINT64_MAX / 2, 1000, INT64_MAX, 1000,
          FLOW_MARK_COUNTER_CLAMPED },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Flow flow = { .received_us = NOW,
                      .start_us = NOW,
                      .end_us = NOW,
                      .present = FLOW_START | FLOW_END | FLOW_OCTETS,
                      .octets = cases[i].octets,
                      .sampling = cases[i].sampling,
                      .packets = 1,
                      .reverse_octets = 2,
                      .reverse_packets = 3 };
        const uint64_t rate = MAX(cases[i].out_sampling, 1);

        g_test_message("%s", cases[i].why);
        normalise(&plain, &flow, 0);
        g_assert_cmpuint(flow.octets, ==, cases[i].out_octets);
        g_assert_cmpuint(flow.sampling, ==, cases[i].out_sampling);
        g_assert_cmphex(flow.marks, ==, cases[i].marks);
        g_assert_cmpuint(flow.packets, ==, rate);
        g_assert_cmpuint(flow.reverse_octets, ==, 2 * rate);
        g_assert_cmpuint(flow.reverse_packets, ==, 3 * rate);
    }
}

static void
test_ports(void)
{
#define PORTS (FLOW_SRC_PORT | FLOW_DST_PORT)
    static const struct {
        const char *why;
        uint8_t protocol;
        uint32_t present;
        uint16_t icmp;
        uint32_t out_present;
        uint16_t out_src, out_dst;
    } cases[] = {
        { "TCP", 6, PORTS, 0, PORTS, 1024, 443 },
        { "UDP with an ICMP element", 17, PORTS | FLOW_ICMP, 0, PORTS, 1024, 443 },
        { "SCTP", 132, PORTS, 0, PORTS, 1024, 443 },
        { "GRE has none", 47, PORTS, 0, 0, 0, 0 },
        { "ICMP in the port", 1, PORTS, 0, FLOW_DST_PORT, 0, 443 },
        { "ICMP in its element", 1, PORTS | FLOW_ICMP, 0x0303, FLOW_DST_PORT, 0,
          0x0303 },
        { "ICMPv6 without ports", 58, FLOW_ICMP, 0x8000, FLOW_DST_PORT, 0, 0x8000 },
        { "the element is always 0", 1, PORTS | FLOW_ICMP, 0, FLOW_DST_PORT, 0, 443 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Flow flow = { .received_us = NOW,
                      .present = cases[i].present | FLOW_PROTOCOL,
                      .protocol = cases[i].protocol,
                      .src_port = cases[i].present & FLOW_SRC_PORT ? 1024 : 0,
                      .dst_port = cases[i].present & FLOW_DST_PORT ? 443 : 0,
                      .icmp = cases[i].icmp };

        g_test_message("%s", cases[i].why);
        normalise(&plain, &flow, 0);
        g_assert_cmphex(flow.present & PORTS, ==, cases[i].out_present);
        g_assert_cmpuint(flow.src_port, ==, cases[i].out_src);
        g_assert_cmpuint(flow.dst_port, ==, cases[i].out_dst);
    }

    Flow unknown = { .received_us = NOW, .present = PORTS, .dst_port = 443 };
    normalise(&plain, &unknown, 0);
    g_assert_cmphex(unknown.present, ==, PORTS);
    g_assert_cmpuint(unknown.dst_port, ==, 443);
}

static void
test_watched(void)
{
    static const struct {
        const char *src, *dst;
        FlowWatched watched;
    } cases[] = {
        { "192.0.2.1", "198.51.100.1", FLOW_WATCHED_SRC },
        { "198.51.100.1", "192.0.2.1", FLOW_WATCHED_DST },
        { "192.0.2.1", "2001:db8::1", FLOW_WATCHED_BOTH },
        { "198.51.100.1", "::", FLOW_WATCHED_NEITHER },
        { "198.51.100.1", NULL, FLOW_WATCHED_NEITHER },
    };
    g_autoptr(PrefixTable) table = prefix_table_new();
    Network network;

    g_assert_true(network_parse("192.0.2.0/24", &network, NULL));
    prefix_table_add(table, &network, 0);
    g_assert_true(network_parse("2001:db8::/32", &network, NULL));
    prefix_table_add(table, &network, 1);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Normaliser normaliser = { .watched = table };
        Flow flow = { .received_us = NOW, .present = FLOW_SRC };

        g_assert_true(ip_address_parse(cases[i].src, &flow.src));
        if (cases[i].dst && ip_address_parse(cases[i].dst, &flow.dst))
            flow.present |= FLOW_DST;
        normalise(&normaliser, &flow, 0);
        g_assert_cmpuint(flow.watched, ==, cases[i].watched);
    }
}

static void
test_impossible_values(void)
{
    Flow flow = { .received_us = NOW,
                  .present = FLOW_TCP_FLAGS | FLOW_DIRECTION,
                  .tcp_flags = 0xffff,
                  .direction = 255 };

    normalise(&plain, &flow, 0);
    g_assert_cmphex(flow.tcp_flags, ==, 0x0fff);
    g_assert_false(flow_has(&flow, FLOW_DIRECTION));
}

/* Half of the time a value from where things break. */
static uint64_t
random_value(void)
{
    static const uint64_t edges[] = {
        0,         1,          NOW,        NOW + 3600 * SEC,         UINT32_MAX,
        INT32_MAX, INT64_MAX,  UINT64_MAX, (uint64_t) INT64_MAX + 1, UINT64_MAX / 1000,
        1000000,   (1u << 31),
    };
    const uint64_t random =
        (uint64_t) g_test_rand_int() << 32 | (uint32_t) g_test_rand_int();

    if (g_test_rand_bit())
        return random >> g_test_rand_int_range(0, 64);
    return edges[g_test_rand_int_range(0, G_N_ELEMENTS(edges))] +
           g_test_rand_int_range(-2, 3);
}

static void
fill_randomly(void *bytes, size_t n_bytes)
{
    for (size_t at = 0; at + 8 <= n_bytes; at += 8) {
        const uint64_t value = random_value();

        memcpy((char *) bytes + at, &value, 8);
    }
}

/* What PostgreSQL asks of the columns of flow, see docs/schema.md. */
static void
assert_storable(const Normaliser *normaliser, const Flow *flow)
{
    g_assert_cmpint(flow->received_us, >=, 0);
    g_assert_cmpint(flow->received_us, <=, INT64_C(253402300799999999));
    g_assert_cmpint(flow->start_us, <=, flow->end_us);
    g_assert_cmpint(flow->start_us, >=, flow->received_us - INT64_C(36525) * DAY);
    g_assert_cmpint(flow->end_us, <=, flow->received_us + INT64_C(36525) * DAY);
    g_assert_cmpuint(flow->octets, <=, INT64_MAX);
    g_assert_cmpuint(flow->packets, <=, INT64_MAX);
    g_assert_cmpuint(flow->reverse_octets, <=, INT64_MAX);
    g_assert_cmpuint(flow->reverse_packets, <=, INT64_MAX);
    g_assert_cmpuint(flow->sampling, <=, INT32_MAX);
    g_assert_cmpuint(flow->sampling, <=, normaliser->max_sampling);
    g_assert_cmpuint(flow->tcp_flags, <=, INT16_MAX);
    g_assert_cmpuint(flow->watched, <=, FLOW_WATCHED_BOTH);
}

static void
test_any_flow_can_be_stored(void)
{
    for (int i = 0; i < 200000; i++) {
        Normaliser normaliser = plain;
        Flow flow, again;

        fill_randomly(&flow, sizeof(flow));
        if (i % 2) {
            normaliser.max_future_us = random_value();
            normaliser.max_past_us = random_value();
            normaliser.max_sampling = random_value();
        }
        normalise(&normaliser, &flow, random_value());
        assert_storable(&normaliser, &flow);

        /* What is clean stays as it is. */
        again = flow;
        again.sampling = 0;
        again.present |= FLOW_START | FLOW_END;
        normalise(&normaliser, &again, 0);
        g_assert_cmpint(again.start_us, ==, flow.start_us);
        g_assert_cmpint(again.end_us, ==, flow.end_us);
        g_assert_cmpuint(again.octets, ==, flow.octets);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/normalise/times", test_times);
    g_test_add_func("/normalise/sampling", test_sampling);
    g_test_add_func("/normalise/ports", test_ports);
    g_test_add_func("/normalise/watched", test_watched);
    g_test_add_func("/normalise/impossible-values", test_impossible_values);
    g_test_add_func("/normalise/any-flow-can-be-stored", test_any_flow_can_be_stored);
    return g_test_run();
}
