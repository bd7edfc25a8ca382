/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"
#include "decode/decoder-fixture.h"

static void
test_waiting(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();
    const int64_t first_us = f->now_us;
    size_t n;
    uint64_t before, after;

    decoder_fixture_send_data(f, packet, 10, 0, 256, 1);
    f->now_us += US_PER_SEC;
    decoder_fixture_send_data(f, packet, 10, 1, 256, 2);
    decoder_waiting(f->decoder, &n, &before);
    g_assert_cmpuint(n, ==, 2);
    g_assert_cmpuint(f->flows->len, ==, 0);

    /* Data before its template, in the same packet too. */
    packet_fixture_begin(packet, 10, 1, 2);
    decoder_fixture_put_data(packet, 256, 3);
    packet_fixture_template(packet, 256, decoder_fixture_plain);
    decoder_fixture_put_data(packet, 256, 4);
    packet_fixture_end(packet);
    f->now_us += US_PER_SEC;
    decoder_fixture_send(f, packet);

    g_assert_cmpuint(f->flows->len, ==, 4);
    for (unsigned i = 0; i < 4; i++)
        g_assert_cmpuint(decoder_fixture_flow(f, i)->packets, ==, i + 1);
    g_assert_cmpint(decoder_fixture_flow(f, 0)->received_us, ==, first_us);
    g_assert_cmpint(decoder_fixture_flow(f, 1)->received_us, ==, first_us + US_PER_SEC);
    decoder_waiting(f->decoder, &n, &after);
    g_assert_cmpuint(n, ==, 0);
    g_assert_cmpuint(before, !=, after);
    g_assert_cmpuint(decoder_counters(f->decoder)->sets_waited, ==, 3);
    g_assert_cmpuint(decoder_counters(f->decoder)->sets_given_up, ==, 0);
}

static void
test_waiting_is_bounded(void)
{
    DecoderLimits limits = decoder_fixture_limits;
    limits.max_waiting = 10;
    limits.max_waiting_per_exporter = 4;
    g_autoptr(DecoderFixture) f = decoder_fixture_new(&limits);
    g_autoptr(PacketFixture) packet = packet_fixture_new();
    size_t n;

    for (unsigned peer = 1; peer <= 4; peer++) {
        f->peer = decoder_fixture_v4(192, 0, 2, peer);
        for (unsigned i = 0; i < 6; i++)
            decoder_fixture_send_data(f, packet, 10, i, 256, i);
    }
    decoder_waiting(f->decoder, &n, NULL);
    g_assert_cmpuint(n, ==, 10);
    g_assert_cmpuint(decoder_counters(f->decoder)->sets_given_up, ==, 14);
    g_assert_cmpuint(decoder_fixture_lost(f, LOSS_NO_TEMPLATE, "max_waiting"), ==, 14);

    /* The oldest of the same exporter had to go, never another's. */
    f->peer = decoder_fixture_v4(192, 0, 2, 1);
    decoder_fixture_send_template(f, packet, 10, 6, 256, decoder_fixture_plain);
    g_assert_cmpuint(f->flows->len, ==, 4);
    g_assert_cmpuint(decoder_fixture_flow(f, 0)->packets, ==, 2);

    f->now_us += (limits.wait_sec + 1) * US_PER_SEC;
    decoder_tick(f->decoder, f->now_us);
    decoder_waiting(f->decoder, &n, NULL);
    g_assert_cmpuint(n, ==, 0);
    g_assert_cmpuint(decoder_counters(f->decoder)->sets_given_up, ==, 20);
}

static void
test_waiting_that_is_gone(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    decoder_fixture_send_data(f, packet, 10, 0, 256, 1);
    f->cannot_fetch = true;
    decoder_fixture_send_template(f, packet, 10, 1, 256, decoder_fixture_plain);
    g_assert_cmpuint(f->flows->len, ==, 0);
    g_assert_cmpuint(decoder_counters(f->decoder)->sets_given_up, ==, 1);
}

/* One template sets very much free: it is decoded bit by bit, in order, and a later
 * definition does not take what waited for an earlier one. */
static void
test_released_bit_by_bit(void)
{
    enum { N_SETS = 10, N_RECORDS = 30000 };
    static const PacketField protocol[] = { { 4, 1 }, { 0, 0 } };
    static const PacketField tos[] = { { 5, 1 }, { 0, 0 } };
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();
    size_t n;

    for (unsigned i = 0; i < N_SETS; i++) {
        packet_fixture_begin(packet, 10, 1, i);
        packet_fixture_begin_set(packet, 256);
        packet_fixture_fill(packet, 1 + i, N_RECORDS);
        packet_fixture_end_set(packet);
        packet_fixture_end(packet);
        decoder_fixture_send(f, packet);
    }

    decoder_fixture_send_template(f, packet, 10, 0, 256, protocol);
    g_assert_cmpuint(f->flows->len, >, 0);
    g_assert_cmpuint(f->flows->len, <, N_SETS * N_RECORDS / 2);
    decoder_waiting(f->decoder, &n, NULL);
    g_assert_cmpuint(n, ==, N_SETS - f->flows->len / N_RECORDS);

    decoder_fixture_send_template(f, packet, 10, 0, 256, tos);
    while (n > 0) {
        f->now_us += US_PER_SEC;
        decoder_tick(f->decoder, f->now_us);
        decoder_waiting(f->decoder, &n, NULL);
    }
    g_assert_cmpuint(f->flows->len, ==, N_SETS * N_RECORDS);
    for (unsigned i = 0; i < N_SETS; i++) {
        const Flow *flow = decoder_fixture_flow(f, (size_t) i * N_RECORDS);

        g_assert_true(flow_has(flow, FLOW_PROTOCOL));
        g_assert_cmpuint(flow->protocol, ==, 1 + i);
    }
    g_assert_cmpuint(decoder_counters(f->decoder)->sets_given_up, ==, 0);
}

/* What is in line when the file ends, or the session, is not forgotten. */
static void
test_end_of_file(void)
{
    static const PacketField protocol[] = { { 4, 1 }, { 0, 0 } };
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    for (unsigned session = 0; session <= 1; session++) {
        f->session = session;
        for (unsigned i = 0; i < 5; i++) {
            packet_fixture_begin(packet, 10, 1, i);
            packet_fixture_begin_set(packet, 256);
            packet_fixture_fill(packet, 1, 30000);
            packet_fixture_end_set(packet);
            packet_fixture_end(packet);
            decoder_fixture_send(f, packet);
        }
        decoder_fixture_send_template(f, packet, 10, 0, 256, protocol);
    }
    decoder_end_session(f->decoder, 1, f->now_us);
    const uint64_t n_given_up = decoder_counters(f->decoder)->sets_given_up;
    g_assert_cmpuint(n_given_up, >, 0);
    g_assert_cmpuint(n_given_up, <=, 5);

    decoder_give_up(f->decoder, f->now_us);
    g_assert_cmpuint(decoder_counters(f->decoder)->sets_given_up, ==, n_given_up);
    g_assert_cmpuint(f->flows->len, ==, (10 - n_given_up) * 30000);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/backlog/data-waits-for-its-template", test_waiting);
    g_test_add_func("/backlog/is-bounded", test_waiting_is_bounded);
    g_test_add_func("/backlog/what-cannot-be-fetched-is-given-up",
                    test_waiting_that_is_gone);
    g_test_add_func("/backlog/is-released-bit-by-bit", test_released_bit_by_bit);
    g_test_add_func("/backlog/at-the-end", test_end_of_file);
    return g_test_run();
}
