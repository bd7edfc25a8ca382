/* SPDX-License-Identifier: Apache-2.0 */

/* The ways to say when a flow began and ended, and what each means in UTC. */

#include "clock.h"
#include "decode/decoder-fixture.h"

#define NOW_MS (PACKET_FIXTURE_SEC * UINT64_C(1000))

/* Uptimes in IPFIX: by element 160 of options (softflowd), of the record (Huawei), or
 * guessed, when nobody says (MikroTik). */
static void
test_uptime_in_ipfix(void)
{
    static const PacketField with_boot[] = {
        { 160, 8 }, { 22, 4 }, { 21, 4 }, { 0, 0 }
    };
    static const PacketField without[] = { { 22, 4 }, { 21, 4 }, { 0, 0 } };
    static const PacketField init[] = { { 149, 4 }, { 160, 8 }, { 0, 0 } };
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);

    decoder_fixture_record(f, 10, 256, without,
                           (const FixtureValue[]){ { 5000, NULL }, { 9000, NULL } });
    g_assert_cmpint(decoder_fixture_last(f)->end_us, ==,
                    FIXTURE_US); /* the newest end is now */
    g_assert_cmpint(decoder_fixture_last(f)->start_us, ==, FIXTURE_US - 4 * US_PER_SEC);
    decoder_fixture_record(f, 10, 256, without,
                           (const FixtureValue[]){ { 5000, NULL }, { 8000, NULL } });
    g_assert_cmpint(decoder_fixture_last(f)->end_us, ==, FIXTURE_US - US_PER_SEC);

    decoder_fixture_record(f, 10, 257, with_boot,
                           (const FixtureValue[]){ { NOW_MS - 100000, NULL },
                                                   { 70000, NULL },
                                                   { 90000, NULL } });
    g_assert_cmpint(decoder_fixture_last(f)->start_us, ==,
                    FIXTURE_US - 30 * US_PER_SEC);

    decoder_fixture_options(f, 10, 1, 258, init,
                            (const FixtureValue[]){ { 1, NULL },
                                                    { NOW_MS - 60000, NULL } });
    decoder_fixture_record(f, 10, 256, without,
                           (const FixtureValue[]){ { 5000, NULL }, { 9000, NULL } });
    g_assert_cmpint(decoder_fixture_last(f)->end_us, ==, FIXTURE_US - 51 * US_PER_SEC);
}

/* v9: header time is the uptime again (softflowd); a stamp from before the wrap;
 * uptimes in seconds (SonicWall); no times at all. */
static void
test_uptime_in_v9(void)
{
    static const PacketField fields[] = { { 22, 4 }, { 21, 4 }, { 0, 0 } };
    static const struct {
        const char *why;
        uint32_t uptime;
        uint32_t export_sec;
        uint32_t start;
        uint32_t end;
        int64_t before_start_ms; /* before the receive time; -1 = not reported */
    } cases[] = {
        { "header time is the uptime", 3600000, 3600, 3598000, 3599000, 2000 },
        { "header time was never set", 3600000, 0, 3598000, 3599000, 2000 },
        { "wrapped since", 1000, PACKET_FIXTURE_SEC, UINT32_MAX - 999, 500, 2000 },
        { "in seconds", 86400, PACKET_FIXTURE_SEC, 86390000, 86395000, 10000 },
        { "no times", 3600000, PACKET_FIXTURE_SEC, 0, 0, -1 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
        g_autoptr(PacketFixture) packet = packet_fixture_new();

        g_test_message("%s", cases[i].why);
        packet_fixture_begin(packet, 9, 1, 0);
        packet_fixture_set(packet, 4, cases[i].uptime, 4);
        packet_fixture_set(packet, 8, cases[i].export_sec, 4);
        packet_fixture_template(packet, 256, fields);
        decoder_fixture_put_set(packet, 256, fields,
                                (const FixtureValue[]){ { cases[i].start, NULL },
                                                        { cases[i].end, NULL } });
        decoder_fixture_send(f, packet);

        if (cases[i].before_start_ms < 0)
            g_assert_false(flow_has(decoder_fixture_last(f), FLOW_START));
        else
            g_assert_cmpint(decoder_fixture_last(f)->start_us, ==,
                            FIXTURE_US - cases[i].before_start_ms * US_PER_MS);
    }
}

/* Every kind of time, and which one counts where a record has several. */
static void
test_times(void)
{
    const uint64_t ntp =
        (UINT64_C(2208988800) + PACKET_FIXTURE_SEC - 10) << 32 | UINT64_C(0x80000000);
    const struct {
        const char *why;
        PacketField fields[4];
        FixtureValue values[3];
        int64_t start_us; /* less the export time; 1 = not reported */
        int64_t end_us;
    } cases[] = {
        { "seconds",
          { { 150, 4 }, { 151, 4 } },
          { { PACKET_FIXTURE_SEC - 9, NULL }, { PACKET_FIXTURE_SEC - 8, NULL } },
          -9 * US_PER_SEC,
          -8 * US_PER_SEC },
        { "milliseconds",
          { { 152, 8 }, { 153, 8 } },
          { { NOW_MS - 9, NULL }, { NOW_MS - 8, NULL } },
          -9000,
          -8000 },
        { "NTP microseconds, their lowest 11 bits are nothing",
          { { 154, 8 }, { 155, 8 } },
          { { ntp, NULL }, { ntp | 0x7ff, NULL } },
          -9500000,
          -9500000 },
        { "NTP nanoseconds",
          { { 156, 8 }, { 157, 8 } },
          { { ntp, NULL }, { ntp, NULL } },
          -9500000,
          -9500000 },
        { "microseconds before the export",
          { { 158, 4 }, { 159, 4 } },
          { { 7000, NULL }, { 5000, NULL } },
          -7000,
          -5000 },
        { "a start and a length",
          { { 152, 8 }, { 161, 4 } },
          { { NOW_MS - 900, NULL }, { 300, NULL } },
          -900000,
          -600000 },
        { "an end and a length",
          { { 153, 8 }, { 161, 4 } },
          { { NOW_MS - 900, NULL }, { 300, NULL } },
          -1200000,
          -900000 },
        { "an event that was observed",
          { { 323, 8 } },
          { { NOW_MS - 3, NULL } },
          -3000,
          -3000 },
        { "only a start", { { 152, 8 } }, { { NOW_MS - 3, NULL } }, -3000, 1 },
        { "the finer one, whichever comes first",
          { { 150, 4 }, { 152, 8 } },
          { { PACKET_FIXTURE_SEC - 9, NULL }, { NOW_MS - 8500, NULL } },
          -8500000,
          1 },
        { "the finer one, whichever comes first",
          { { 152, 8 }, { 150, 4 } },
          { { NOW_MS - 8500, NULL }, { PACKET_FIXTURE_SEC - 9, NULL } },
          -8500000,
          1 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);

        g_test_message("%s", cases[i].why);
        decoder_fixture_record(f, 10, 256, cases[i].fields, cases[i].values);
        const Flow *flow = decoder_fixture_last(f);

        g_assert_cmpint(flow_has(flow, FLOW_START), ==, cases[i].start_us != 1);
        g_assert_cmpint(flow_has(flow, FLOW_END), ==, cases[i].end_us != 1);
        if (cases[i].start_us != 1)
            g_assert_cmpint(flow->start_us, ==, FIXTURE_US + cases[i].start_us);
        if (cases[i].end_us != 1)
            g_assert_cmpint(flow->end_us, ==, FIXTURE_US + cases[i].end_us);
    }
}

/* A replay eleven years later: times stay those of the message, the shift is for
 * normalise(); the receive time it must agree with is the one of then. */
static void
test_replay(void)
{
    static const PacketField fields[] = { { 22, 4 }, { 21, 4 }, { 154, 8 }, { 0, 0 } };
    const FixtureValue values[] = { { 3590000, NULL }, { 3599000, NULL }, { 0, NULL } };
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    f->shift_us = INT64_C(11) * 366 * 86400 * US_PER_SEC;
    f->now_us += f->shift_us;
    decoder_fixture_record(f, 9, 256, fields, values);
    g_assert_cmpint(decoder_fixture_last(f)->end_us, ==, FIXTURE_US - US_PER_SEC);
    packet_fixture_v5(packet, 1, 0, 0);
    decoder_fixture_send(f, packet);
    g_assert_cmpint(decoder_fixture_last(f)->end_us, ==, FIXTURE_US - US_PER_SEC);
    g_assert_cmpint(decoder_fixture_last(f)->exporter->clock_skew_us, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/times/uptime-in-ipfix", test_uptime_in_ipfix);
    g_test_add_func("/times/uptime-in-v9", test_uptime_in_v9);
    g_test_add_func("/times/every-kind", test_times);
    g_test_add_func("/times/of-a-replay", test_replay);
    return g_test_run();
}
