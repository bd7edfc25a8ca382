/* SPDX-License-Identifier: Apache-2.0 */

/* What the decoder does about senders of nothing but rubbish (RFC 7011 9.1), and that
 * nobody can use that against others. */

#include "clock.h"
#include "decode/decoder-fixture.h"

#define ID 256

static const DecoderLimits *
quarantine_limits(void)
{
    static DecoderLimits limits;

    limits = decoder_fixture_limits;
    limits.quarantine_messages = 100;
    return &limits;
}

static void
send_rubbish(DecoderFixture *f, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        decoder_fixture_feed(f, "\0\12\0\1rubbish", 11);
}

static uint64_t
n_refused(const DecoderFixture *f)
{
    return decoder_fixture_lost(f, LOSS_REFUSED, "quarantined");
}

static void
test_quarantine(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(quarantine_limits());
    int64_t lasts_sec = 60;

    send_rubbish(f, 99);
    g_assert_cmpuint(f->n_quarantines, ==, 0);

    for (unsigned i = 1; i <= 9; i++) {
        send_rubbish(f, i == 1 ? 1 : 100);
        g_assert_cmpuint(f->n_quarantines, ==, i); /* told once */
        g_assert_cmpint(f->quarantine.until_us - f->now_us, ==, lasts_sec * US_PER_SEC);
        g_assert_cmpuint(f->quarantine.peer_port, ==, 2055);

        /* Every datagram is counted, as one or the other. */
        const uint64_t before = n_refused(f);
        f->now_us = f->quarantine.until_us - 1;
        send_rubbish(f, 1600);
        g_assert_cmpuint(n_refused(f) - before, >, 1400);
        g_assert_cmpuint(n_refused(f) - before, <, 1600);
        g_assert_cmpuint(decoder_fixture_n_bad(f), ==, f->datagrams->len);
        f->now_us++; /* it ends with time */
        lasts_sec = MIN(lasts_sec * 2, 3600);
    }
}

static void
test_no_quarantine(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(quarantine_limits());
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    /* A good one in between, even an empty one, and the row is broken. */
    for (unsigned i = 0; i < 20; i++) {
        send_rubbish(f, 99);
        packet_fixture_begin(packet, 10, 1, 0);
        packet_fixture_end(packet);
        decoder_fixture_send(f, packet);
    }
    g_assert_cmpuint(f->n_quarantines, ==, 0);

    /* Others at the same address are others. */
    send_rubbish(f, 100);
    g_assert_cmpuint(f->n_quarantines, ==, 1);
    f->port = 2056;
    decoder_fixture_send_template(f, packet, 10, 0, ID, decoder_fixture_plain);
    decoder_fixture_send_data(f, packet, 10, 0, ID, 1);
    g_assert_cmpuint(f->flows->len, ==, 1);

    f->limits.quarantine_messages = 0; /* switched off */
    decoder_fixture_restart(f);
    send_rubbish(f, 10000);
    g_assert_cmpuint(n_refused(f), ==, 0);
}

/* Somebody sends 100 times as much rubbish in the name of an honest exporter. */
static void
test_forger_silences_nobody(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(quarantine_limits());
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    decoder_fixture_send_template(f, packet, 10, 0, ID, decoder_fixture_plain);
    for (unsigned i = 0; i < 100; i++) {
        f->now_us += 5 * US_PER_SEC;
        send_rubbish(f, 500);
        decoder_fixture_send_data(f, packet, 10, i, ID, 1);
        g_assert_cmpuint(f->flows->len, ==, i + 1);
    }
    g_assert_cmpuint(f->n_quarantines, ==, 0);
    g_assert_cmpuint(n_refused(f), ==, 0);
}

/* One that was silent for long is found among the rubbish, and protected again. */
static void
test_honest_one_comes_back(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(quarantine_limits());
    g_autoptr(PacketFixture) packet = packet_fixture_new();
    unsigned n_sent = 0;

    decoder_fixture_send_template(f, packet, 10, 0, ID, decoder_fixture_plain);
    f->now_us += 60 * US_PER_SEC;
    send_rubbish(f, 100);
    g_assert_cmpuint(f->n_quarantines, ==, 1);
    g_assert_cmpint(exporter_table_at(f->exporters, 0)->quarantined_until_us, ==,
                    f->quarantine.until_us);

    while (f->flows->len == 0) {
        send_rubbish(f, 100);
        decoder_fixture_send_data(f, packet, 10, n_sent, ID, n_sent + 1);
        g_assert_cmpuint(++n_sent, <, 500); /* 16 by rights; 1 in 10^14 by chance */
    }
    send_rubbish(f, 1000);
    decoder_fixture_send_data(f, packet, 10, n_sent, ID, n_sent + 1);
    g_assert_cmpuint(f->flows->len, ==, 2);
    g_assert_cmpuint(f->n_quarantines, ==, 1);
}

/* A flood of made-up senders fills the memory for bad ones and no more. */
static void
test_flood_of_bad_senders(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(quarantine_limits());
    const int64_t start_us = clock_read_us(CLOCK_THREAD_CPUTIME_ID);

    for (unsigned i = 0; i < 50000; i++) {
        f->peer = decoder_fixture_v4(198, 18, i >> 8 & 0xff, i & 0xff);
        f->port = 1 + i;
        send_rubbish(f, 1);
    }
    g_assert_cmpint(clock_read_us(CLOCK_THREAD_CPUTIME_ID) - start_us, <,
                    20 * US_PER_SEC); /* 50 ms without a sanitizer */
    g_assert_cmpuint(exporter_table_len(f->exporters), ==, 0);
    g_assert_cmpuint(f->n_quarantines, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/quarantine/rubbish-is-quarantined", test_quarantine);
    g_test_add_func("/quarantine/good-messages-prevent-quarantine", test_no_quarantine);
    g_test_add_func("/quarantine/forger-silences-nobody", test_forger_silences_nobody);
    g_test_add_func("/quarantine/honest-exporter-comes-back",
                    test_honest_one_comes_back);
    g_test_add_func("/quarantine/flood-of-bad-senders", test_flood_of_bad_senders);
    return g_test_run();
}
