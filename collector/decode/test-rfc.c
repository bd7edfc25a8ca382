/* SPDX-License-Identifier: Apache-2.0 */

/* Rows of docs/rfc.md that no other test shows.  Each name begins with its row. */

#include <string.h>

#include "clock.h"
#include "decode/decoder-fixture.h"

#define V4_1                                                                           \
    {                                                                                  \
        0x0a000001, NULL                                                               \
    }

static void
assert_plain(const Flow *flow)
{
    const IpAddress src = decoder_fixture_v4(10, 0, 0, 1);

    g_assert_true(ip_address_equal(&flow->src, &src));
    g_assert_cmpuint(flow->src_port, ==, 1024);
    g_assert_cmpuint(flow->dst_port, ==, 443);
}

/* Elements of three enterprises, one known, between those of IANA. */
static void
test_enterprises(void)
{
    static const PacketField fields[] = {
        { 8, 4 }, { 9 << 16 | 1234, 4 },   { 7, 2 }, { 11, 2 }, { 6871u << 16 | 21, 4 },
        { 2, 4 }, { 29305u << 16 | 2, 4 }, { 1, 8 }, { 0, 0 },
    };
    static const FixtureValue values[] = { V4_1,          { 1, NULL },  { 1024, NULL },
                                           { 443, NULL }, { 2, NULL },  { 3, NULL },
                                           { 5, NULL },   { 700, NULL } };
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);

    decoder_fixture_record(f, 10, 256, fields, values);
    assert_plain(decoder_fixture_last(f));
    g_assert_cmpuint(decoder_fixture_last(f)->octets, ==, 700);
    g_assert_cmpuint(decoder_fixture_last(f)->packets, ==, 3);
    g_assert_cmpuint(decoder_fixture_last(f)->reverse_packets, ==, 5);
    g_assert_cmpuint(decoder_fixture_n_bad(f), ==, 0);
}

/* Template, data, options, options data and data again, padded by 0 to 3. */
static void
test_sets(void)
{
    static const PacketField scoped[] = { { 149, 4 }, { 305, 4 }, { 0, 0 } };

    for (size_t n_padding = 0; n_padding < 4; n_padding++) {
        g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
        g_autoptr(PacketFixture) packet = packet_fixture_new();

        packet_fixture_begin(packet, 10, 1, 0);
        packet_fixture_template(packet, 256, decoder_fixture_plain);
        for (unsigned i = 0; i < 2; i++) {
            packet_fixture_begin_set(packet, 256);
            decoder_fixture_put_plain(packet, 1 + i);
            packet_fixture_fill(packet, 0, n_padding);
            packet_fixture_end_set(packet);
            if (i == 1)
                break;
            packet_fixture_options(packet, 257, 1, scoped);
            packet_fixture_begin_set(packet, 257);
            packet_fixture_uint(packet, 1, 4);
            packet_fixture_uint(packet, 10, 4);
            packet_fixture_fill(packet, 0, n_padding);
            packet_fixture_end_set(packet);
        }
        packet_fixture_end(packet);
        decoder_fixture_send(f, packet);
        g_assert_cmpuint(f->flows->len, ==, 2);
        g_assert_cmpuint(decoder_fixture_last(f)->packets, ==, 2);
        g_assert_cmpuint(decoder_counters(f->decoder)->options_records, ==, 1);
        g_assert_cmpuint(decoder_fixture_n_bad(f), ==, 0);
    }
}

/* Padding that is not zero is padding. */
static void
test_padding(void)
{
    for (size_t n = 0; n < 8; n++) {
        g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
        g_autoptr(PacketFixture) packet = packet_fixture_new();

        decoder_fixture_send_template(f, packet, 10, 0, 256, decoder_fixture_plain);
        packet_fixture_begin(packet, 10, 1, 0);
        packet_fixture_begin_set(packet, 256);
        decoder_fixture_put_plain(packet, 1);
        packet_fixture_fill(packet, 0xa5, n);
        packet_fixture_end_set(packet);
        decoder_fixture_put_data(packet, 256, 2);
        packet_fixture_end(packet);
        decoder_fixture_send(f, packet);
        g_assert_cmpuint(f->flows->len, ==, 2);
        g_assert_cmpuint(decoder_fixture_n_bad(f), ==, 0);
    }
}

static void
test_any_id(void)
{
    static const uint16_t ids[] = { 65535, 256, 40000, 1024, 257, 65534 };
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
        decoder_fixture_send_template(f, packet, 9 + i % 2, i, ids[i],
                                      decoder_fixture_plain);
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
        decoder_fixture_send_data(f, packet, 9 + i % 2, 100 + i, ids[i], 1);
        g_assert_cmpuint(f->flows->len, ==, i + 1);
        assert_plain(decoder_fixture_last(f));
    }
}

/* observationDomainId, exportingProcessId, meteringProcessId, templateId, lineCardId,
 * exporterIPv4Address, exporterIPv6Address, ingressInterface; each with a rate. */
static void
test_scopes(void)
{
    static const PacketField scopes[] = { { 149, 4 },  { 144, 4 }, { 143, 4 },
                                          { 145, 2 },  { 141, 4 }, { 130, 4 },
                                          { 131, 16 }, { 10, 4 } };

    for (size_t i = 0; i < G_N_ELEMENTS(scopes); i++) {
        const PacketField fields[] = { scopes[i], { 34, 4 }, { 0, 0 } };
        const FixtureValue values[] = { { 1, NULL }, { 10, NULL } };
        g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
        g_autoptr(PacketFixture) packet = packet_fixture_new();

        decoder_fixture_options(f, 10, 1, 256, fields, values);
        g_assert_cmpuint(decoder_counters(f->decoder)->options_records, ==, 1);
        g_assert_cmpuint(decoder_fixture_n_bad(f), ==, 0);
        decoder_fixture_send_template(f, packet, 10, 1, 257, decoder_fixture_plain);
        decoder_fixture_send_data(f, packet, 10, 1, 257, 1);
        g_assert_cmpuint(f->flows->len, ==, 1);
    }
}

/* The options of RFC 7011 4: statistics of the metering and the exporting process and
 * flow keys; the checksum and the session of RFC 5655; the types of RFC 5610. They
 * say nothing that is stored, and spoil nothing. */
static void
test_other_options(void)
{
    static const PacketField options[][6] = {
        { { 149, 4 }, { 40, 8 }, { 41, 8 }, { 42, 8 }, { 0, 0 } },
        { { 149, 4 }, { 164, 8 }, { 165, 8 }, { 166, 8 }, { 0, 0 } },
        { { 144, 4 }, { 166, 8 }, { 167, 8 }, { 168, 8 }, { 0, 0 } },
        { { 145, 2 }, { 173, 8 }, { 0, 0 } },
        { { 263, 1 }, { 262, 16 }, { 0, 0 } },
        { { 267, 1 }, { 130, 4 }, { 217, 2 }, { 268, 4 }, { 0, 0 } },
        { { 303, 2 }, { 339, 1 }, { 344, 1 }, { 345, 2 }, { 0, 0 } },
    };
    static const FixtureValue values[6] = {
        { 1, NULL }, { 1, NULL }, { 1, NULL }, { 1, NULL }
    };
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    for (uint16_t i = 0; i < G_N_ELEMENTS(options); i++)
        decoder_fixture_options(f, 10, 1, 300 + i, options[i], values);
    g_assert_cmpuint(decoder_counters(f->decoder)->options_records, ==,
                     G_N_ELEMENTS(options));
    decoder_fixture_send_template(f, packet, 10, 50, 256, decoder_fixture_plain);
    decoder_fixture_send_data(f, packet, 10, 50, 256, 7);
    assert_plain(decoder_fixture_last(f));
    g_assert_cmpuint(decoder_fixture_last(f)->packets, ==, 7);
    g_assert_cmpuint(decoder_fixture_last(f)->sampling, ==, 0);
    g_assert_cmpuint(decoder_fixture_n_bad(f), ==, 0);
}

/* RFC 5610: somebody says element 1 is a string of another enterprise. */
static void
test_types_cannot_be_redefined(void)
{
    static const PacketField types[] = {
        { 346, 4 }, { 303, 2 }, { 339, 1 }, { 341, 8 }, { 0, 0 }
    };
    static const FixtureValue string[] = {
        { 0, NULL }, { 1, NULL }, { 13, NULL }, { 0, "attacker" }
    };
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    decoder_fixture_options(f, 10, 1, 300, types, string);
    decoder_fixture_send_template(f, packet, 10, 1, 256, decoder_fixture_plain);
    decoder_fixture_send_data(f, packet, 10, 1, 256, 7);
    g_assert_cmpuint(decoder_fixture_last(f)->octets, ==, 700);
}

/* Seconds of 32 bits in 2106 and after: the time nearest to that of receipt. */
static void
test_eras(void)
{
    static const PacketField fields[] = { { 8, 4 }, { 150, 4 }, { 151, 4 }, { 0, 0 } };
    const int64_t wrap_us = (INT64_C(1) << 32) * US_PER_SEC;

    for (int64_t ago_sec = -5; ago_sec <= 5; ago_sec++) {
        g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
        const uint32_t end_sec = (uint32_t) (ago_sec - 1);
        const FixtureValue values[] = { V4_1,
                                        { end_sec - 2, NULL },
                                        { end_sec, NULL } };

        f->now_us = wrap_us + ago_sec * US_PER_SEC;
        decoder_fixture_record(f, 10, 256, fields, values);
        g_assert_cmpint(decoder_fixture_last(f)->end_us, ==, f->now_us - US_PER_SEC);
        g_assert_cmpint(decoder_fixture_last(f)->start_us, ==,
                        f->now_us - 3 * US_PER_SEC);
    }
}

/* Those of a session never age. */
static void
test_session_keeps_templates(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    f->session = 1;
    decoder_fixture_send_template(f, packet, 10, 0, 256, decoder_fixture_plain);
    for (uint32_t hour = 0; hour < 48; hour++) {
        f->now_us += 3600 * US_PER_SEC;
        decoder_tick(f->decoder, f->now_us);
        decoder_fixture_send_data(f, packet, 10, hour, 256, 1);
        g_assert_cmpuint(f->flows->len, ==, hour + 1);
    }
}

/* A second session, and UDP, beside one that has the template; domains of one. */
static void
test_sessions_are_apart(void)
{
    static const PacketField turned[] = { { 12, 4 }, { 8, 4 }, { 7, 2 }, { 11, 2 },
                                          { 4, 1 },  { 2, 4 }, { 1, 8 }, { 0, 0 } };
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    f->session = 1;
    decoder_fixture_send_template(f, packet, 10, 0, 256, decoder_fixture_plain);
    f->session = 2;
    decoder_fixture_send_data(f, packet, 10, 0, 256, 1);
    f->session = 0;
    decoder_fixture_send_data(f, packet, 10, 0, 256, 2);
    g_assert_cmpuint(f->flows->len, ==, 0);
    g_assert_cmpuint(decoder_counters(f->decoder)->sets_waited, ==, 2);

    decoder_fixture_send_template(f, packet, 10, 1, 256, decoder_fixture_plain);
    g_assert_cmpuint(f->flows->len, ==, 1); /* UDP's own */
    f->session = 2;
    decoder_fixture_send_data(f, packet, 10, 1, 256, 3);
    g_assert_cmpuint(f->flows->len, ==, 1);

    f->session = 1;
    packet_fixture_begin(packet, 10, 2, 0);
    packet_fixture_template(packet, 256, turned);
    decoder_fixture_put_data(packet, 256, 1);
    packet_fixture_end(packet);
    decoder_fixture_send(f, packet);
    decoder_fixture_send_data(f, packet, 10, 0, 256, 4);
    g_assert_cmpuint(f->flows->len, ==, 3);
    assert_plain(decoder_fixture_last(f));
    g_assert_cmpuint(decoder_fixture_flow(f, 1)->src.bytes[15], ==, 2);
}

/* RFC 7011 8.1 wants these logged: they are counted, and the daemon logs the counts. */
static void
test_odd_template_actions(void)
{
    static const PacketField other[] = { { 8, 4 }, { 0, 0 } };
    const DecoderCounters *counters;

    for (unsigned is_session = 0; is_session < 2; is_session++) {
        g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
        g_autoptr(PacketFixture) packet = packet_fixture_new();

        f->session = is_session;
        for (unsigned i = 0; i < 1000; i++)
            decoder_fixture_send_template(f, packet, 10, i, 256, decoder_fixture_plain);
        decoder_fixture_send_template(f, packet, 10, 1000, 256, other);
        packet_fixture_begin(packet, 10, 1, 0);
        packet_fixture_begin_set(packet, 2);
        packet_fixture_uint(packet, 300 << 16, 4);
        packet_fixture_end_set(packet);
        packet_fixture_end(packet);
        decoder_fixture_send(f, packet);

        counters = decoder_counters(f->decoder);
        g_assert_cmpuint(counters->templates_repeated, ==, is_session ? 999 : 0);
        g_assert_cmpuint(counters->template_changes, ==, 1);
        g_assert_cmpuint(counters->withdrawals_unknown, ==, is_session);
        g_assert_cmpuint(decoder_fixture_n_bad(f), ==, 0);
    }
}

/* The template in the first message, its data in the fiftieth. */
static void
test_template_long_before(void)
{
    for (uint16_t version = 9; version <= 10; version++) {
        g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
        g_autoptr(PacketFixture) packet = packet_fixture_new();

        decoder_fixture_send_template(f, packet, version, 0, 256,
                                      decoder_fixture_plain);
        for (uint32_t i = 1; i < 50; i++)
            decoder_fixture_send_template(f, packet, version, i, 300 + i,
                                          decoder_fixture_plain);
        decoder_fixture_send_data(f, packet, version, 50, 256, 1);
        g_assert_cmpuint(f->flows->len, ==, 1);
    }
}

/* Several template sets, of several templates each, none of them that of the data. */
static void
test_many_template_sets(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    decoder_fixture_send_template(f, packet, 9, 0, 256, decoder_fixture_plain);
    packet_fixture_begin(packet, 9, 1, 1);
    for (uint16_t id = 300; id < 310; id++)
        packet_fixture_template(packet, id, decoder_fixture_plain);
    decoder_fixture_put_data(packet, 256, 1);
    packet_fixture_template(packet, 320, decoder_fixture_plain);
    decoder_fixture_put_data(packet, 305, 2);
    packet_fixture_end(packet);
    decoder_fixture_send(f, packet);
    g_assert_cmpuint(f->flows->len, ==, 2);
    g_assert_cmpuint(decoder_counters(f->decoder)->template_records, ==, 12);
}

/* RFC 8038: the elements of MIB objects, nested in options, and in records. */
static void
test_mib_objects(void)
{
    static const PacketField options[] = { { 145, 2 },     { 303, 2 },     { 444, 1 },
                                           { 445, 65535 }, { 447, 65535 }, { 0, 0 } };
    static const PacketField fields[] = { { 434, 4 }, { 435, 65535 }, { 436, 65535 },
                                          { 443, 2 }, { 8, 4 },       { 0, 0 } };
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    packet_fixture_begin(packet, 10, 1, 0);
    packet_fixture_options(packet, 300, 2, options);
    packet_fixture_begin_set(packet, 300);
    packet_fixture_bytes(packet, "\1\0\1\1\1\3\x2b\x06\x01\2if", 12);
    packet_fixture_end_set(packet);
    packet_fixture_template(packet, 256, fields);
    packet_fixture_begin_set(packet, 256);
    packet_fixture_bytes(packet, "\0\0\0\7\3abc\xff\0\2xy\0\1\x0a\0\0\1", 19);
    packet_fixture_end_set(packet);
    packet_fixture_end(packet);
    decoder_fixture_send(f, packet);

    g_assert_cmpuint(decoder_fixture_n_bad(f), ==, 0);
    g_assert_cmpuint(f->flows->len, ==, 1);
    g_assert_cmpuint(decoder_fixture_last(f)->src.bytes[15], ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rfc/A02-elements-of-enterprises", test_enterprises);
    g_test_add_func("/rfc/A03-sets-follow-each-other-by-length", test_sets);
    g_test_add_func("/rfc/A04-padding-of-any-octets", test_padding);
    g_test_add_func("/rfc/A05-template-ids-in-any-order", test_any_id);
    g_test_add_func("/rfc/A06-eight-scopes", test_scopes);
    g_test_add_func("/rfc/A08-options-of-other-purpose", test_other_options);
    g_test_add_func("/rfc/A09-seconds-around-2106", test_eras);
    g_test_add_func("/rfc/A16-a-session-keeps-its-templates",
                    test_session_keeps_templates);
    g_test_add_func("/rfc/A18-sessions-transports-and-domains-are-apart",
                    test_sessions_are_apart);
    g_test_add_func("/rfc/A26-odd-template-actions-are-counted",
                    test_odd_template_actions);
    g_test_add_func("/rfc/A20-template-fifty-messages-before",
                    test_template_long_before);
    g_test_add_func("/rfc/E06-many-template-sets-in-a-packet", test_many_template_sets);
    g_test_add_func("/rfc/H02-mib-objects-are-stepped-over", test_mib_objects);
    g_test_add_func("/rfc/H03-types-cannot-be-redefined",
                    test_types_cannot_be_redefined);
    return g_test_run();
}
