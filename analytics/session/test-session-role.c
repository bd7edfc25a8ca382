/* SPDX-License-Identifier: Apache-2.0 */
#include "session/session-role.h"

#include "session/session-fixture.h"

#define SEC   SESSION_FIXTURE_SEC
#define T0_US SESSION_FIXTURE_T0_US

/* The host is 10.0.0.1, the peer 192.0.2.1; initiator 1 = the host. */
static void
test_who_called(void)
{
    static const struct {
        const char *why;
        uint16_t host_port, peer_port;
        int there_flags, back_flags; /* -1: not seen that way */
        double back_after_sec;
        bool is_biflow, is_udp;
        uint16_t service_port;
        uint8_t initiator;
    } cases[] = {
        { "(a) a biflow goes from who called", 443, 50000, 0x1b, -1, 0, true, false,
          50000, 1 },
        { "(b) a SYN without ACK", 443, 50000, 0x02, 0x12, 0, false, false, 50000, 1 },
        { "(b) of the peer", 40000, 443, 0x12, 0x02, 0, false, false, 40000, 2 },
        { "(c) began 20 ms before the answer", 443, 50000, 0x1b, 0x1b, 0.02, false,
          false, 50000, 1 },
        { "(c) the peer did", 50000, 443, 0x1b, 0x1b, -0.02, false, false, 50000, 2 },
        { "(c) 4 ms are not enough: (d)", 443, 50000, 0x1b, 0x1b, 0.004, false, false,
          443, 2 },
        { "(c) not where the beginning was not seen: (d)", 443, 50000, 0x10, 0x10, 0.02,
          false, false, 443, 2 },
        { "(d) a known port, one way only", 50000, 443, 0x1b, -1, 0, false, false, 443,
          1 },
        { "(d) likewise the other way", 443, 50000, 0x1b, -1, 0, false, false, 443, 2 },
        { "(d) of UDP", 50000, 53, 0, -1, 0, false, true, 53, 1 },
        { "(e) the higher port called", 60000, 50000, 0x1b, -1, 0, false, false, 50000,
          1 },
        { "(e) two known ports", 8080, 443, 0x1b, -1, 0, false, false, 443, 1 },
        { "nobody knows", 123, 123, 0, 0, 0.001, false, true, 123, 0 },
        { "(c) of equal ports", 123, 123, 0, 0, 0.04, false, true, 123, 1 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(SessionFixture) f = { 0 };
        g_autoptr(GArray) rows = session_fixture_rows();
        FlowRow row = session_fixture_row(5, 1, 10);

        session_fixture_init(&f);
        row.src_port = cases[i].host_port;
        row.dst_port = cases[i].peer_port;
        row.protocol = cases[i].is_udp ? 17 : 6;
        row.has_flags = !cases[i].is_udp;
        row.tcp_flags = (uint16_t) cases[i].there_flags;
        row.is_biflow = cases[i].is_biflow;
        g_array_append_val(rows, row);
        if (cases[i].back_flags >= 0) {
            row = session_fixture_back(row);
            row.tcp_flags = (uint16_t) cases[i].back_flags;
            row.start_us += (int64_t) (cases[i].back_after_sec * 1e6);
            g_array_append_val(rows, row);
        }
        session_fixture_take(&f, rows);
        session_fixture_finish(&f);

        const int back_octets = cases[i].back_flags >= 0 ? 10 : 0;
        g_autofree char *got = session_fixture_text(&f, false);
        g_autofree char *want =
            g_strdup_printf("0 10.0.0.1>192.0.2.1:%u/%u %u 1 10/%d %d",
                            cases[i].service_port, row.protocol, cases[i].initiator,
                            back_octets, back_octets ? 2 : 1);
        g_test_message("%s", cases[i].why);
        g_assert_cmpstr(got, ==, want);
    }
}

/* One way only, ports that nobody knows: the host's 45000 is what three called. */
static void
test_learnt_service(void)
{
    g_auto(SessionFixture) f = { 0 };
    g_autoptr(GArray) rows = session_fixture_rows();

    session_fixture_init(&f);
    for (int i = 0; i < 5; i++) {
        FlowRow row = session_fixture_row(600 * i, 1, 10);

        row.src_port = 45000; /* higher than that of who calls: (e) is wrong */
        row.dst_port = (uint16_t) (41000 + i);
        row.dst.bytes[15] = (uint8_t) (10 + i);
        g_array_append_val(rows, row);
    }
    session_fixture_take(&f, rows);
    session_fixture_finish(&f);

    g_autofree char *got = session_fixture_text(&f, false);
    g_assert_cmpstr(got, ==,
                    "0 10.0.0.1>192.0.2.10:41000/6 1 1 10/0 1\n"
                    "0 10.0.0.1>192.0.2.11:41001/6 1 1 10/0 1\n"
                    "0 10.0.0.1>192.0.2.12:41002/6 1 1 10/0 1\n"
                    "0 10.0.0.1>192.0.2.13:45000/6 2 1 10/0 1\n"
                    "0 10.0.0.1>192.0.2.14:45000/6 2 1 10/0 1");
}

static void
test_service_memory(void)
{
    const int64_t day_us = 86400 * SEC;
    ServiceMemory *memory = service_memory_new();
    const uint8_t octets[4] = { 10, 0, 0, 1 };
    const IpAddress end = ip_address_from_v4(octets);
    IpAddress peer = end;

    for (uint8_t i = 1; i <= 3; i++) {
        g_assert_false(service_memory_knows(memory, &end, 4000, 6, T0_US));
        peer.bytes[15] = (uint8_t) (100 + i);
        service_memory_see(memory, &end, 4000, 6, &peer, T0_US);
        service_memory_see(memory, &end, 4000, 6, &peer, T0_US);
    }
    g_assert_true(service_memory_knows(memory, &end, 4000, 6, T0_US + day_us / 2));
    g_assert_false(service_memory_knows(memory, &end, 4000, 17, T0_US));
    g_assert_false(service_memory_knows(memory, &end, 4001, 6, T0_US));
    g_assert_false(
        service_memory_knows(memory, &end, 4000, 6, T0_US + day_us + 3600 * SEC));

    /* However many others come, what is known stays. */
    for (uint32_t i = 0; i < 200000; i++) {
        IpAddress other = end;

        other.bytes[12] = 11;
        memcpy(other.bytes + 13, &i, 3);
        service_memory_see(memory, &other, (uint16_t) i, 6, &peer, T0_US + 60 * SEC);
    }
    g_assert_true(service_memory_knows(memory, &end, 4000, 6, T0_US + 120 * SEC));
    service_memory_free(memory);
}

static void
test_active_timeout(void)
{
    static const struct {
        const char *why;
        double seconds[8];
        unsigned n;
        uint32_t want;
    } cases[] = {
        { "two are chance", { 60, 60 }, 2, 0 },
        { "the last packet comes before the cut", { 59.2, 59.9, 58.8, 60 }, 4, 60 },
        { "five minutes", { 299, 297.6, 299.8, 45, 120 }, 5, 300 },
        { "half an hour", { 1799.4, 1800, 1798.9, 60, 61 }, 5, 1800 },
        { "short ones say nothing", { 10, 10, 10, 10 }, 4, 0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        ExporterClocks *clocks = exporter_clock_list_new();
        ExporterClock *clock = exporter_clock_list_get(clocks, 5);

        for (unsigned j = 0; j < cases[i].n; j++)
            exporter_clock_learn(clock, (uint32_t) (cases[i].seconds[j] * 1000));
        g_test_message("%s", cases[i].why);
        g_assert_cmpuint(clock->active_timeout_sec, ==, cases[i].want);
        exporter_clock_list_free(clocks);
    }
}

/* A router whose configuration is changed is believed after a while. */
static void
test_changed_timeout(void)
{
    ExporterClocks *clocks = exporter_clock_list_new();
    ExporterClock *clock = exporter_clock_list_get(clocks, 5);

    for (int i = 0; i < 50000; i++)
        exporter_clock_learn(clock, 1799800);
    g_assert_cmpuint(clock->active_timeout_sec, ==, 1800);
    for (int i = 0; i < 20000; i++)
        exporter_clock_learn(clock, 59700);
    g_assert_cmpuint(clock->active_timeout_sec, ==, 60);
    exporter_clock_list_free(clocks);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/session/role/who-called", test_who_called);
    g_test_add_func("/session/role/services-are-learnt", test_learnt_service);
    g_test_add_func("/session/role/what-is-learnt-is-bounded", test_service_memory);
    g_test_add_func("/session/timeout/is-the-mode-of-what-is-cut", test_active_timeout);
    g_test_add_func("/session/timeout/follows-a-change", test_changed_timeout);
    return g_test_run();
}
