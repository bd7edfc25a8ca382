/* SPDX-License-Identifier: Apache-2.0 */

/* What one message may cost, and what a flood of them: the catalogue's classes that
 * are about time and memory. */

#include <string.h>

#include "clock.h"
#include "decode/decoder-fixture.h"

static void
send_templates(DecoderFixture *f)
{
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    f->now_us += 10 * US_PER_SEC; /* else it would be the network's repetition */
    for (uint16_t version = 9; version <= 10; version++)
        decoder_fixture_send_template(f, packet, version, 0, 256,
                                      decoder_fixture_plain);
}

static void
assert_still_decodes(DecoderFixture *f, uint8_t peer)
{
    g_autoptr(PacketFixture) packet = packet_fixture_new();
    const guint before = f->flows->len;

    f->peer = decoder_fixture_v4(192, 0, 2, peer);
    for (uint16_t version = 9; version <= 10; version++)
        decoder_fixture_send_data(f, packet, version, 1000, 256, 1);
    g_assert_cmpuint(f->flows->len, ==, before + 2);
}

/* What a message may cost: 50 ms without a sanitizer. */
static int64_t
cost_us(DecoderFixture *f, const PacketFixture *packet)
{
    const int64_t start_us = clock_read_us(CLOCK_THREAD_CPUTIME_ID);

    decoder_fixture_feed(f, packet->bytes->data, packet->bytes->len);
    return clock_read_us(CLOCK_THREAD_CPUTIME_ID) - start_us;
}

#define MAX_COST_US (50 * US_PER_MS)

static void
make_empty_sets(PacketFixture *packet)
{
    for (unsigned i = 0; i < 16000; i++)
        packet_fixture_uint(packet, i % 3 ? 0x01000004 : 0x00020004, 4);
}

static void
make_templates(PacketFixture *packet)
{
    for (unsigned i = 0; i < 5400; i++) {
        packet_fixture_template(packet, 300 + i,
                                (const PacketField[]){ { 8, 4 }, { 0, 0 } });
    }
}

static void
make_redefinitions(PacketFixture *packet)
{
    for (unsigned i = 0; i < 5400; i++) {
        packet_fixture_template(packet, 300,
                                (const PacketField[]){ { 1 + i % 7, 4 }, { 0, 0 } });
    }
}

static void
make_withdrawals(PacketFixture *packet)
{
    packet_fixture_begin_set(packet, 2);
    for (unsigned i = 0; i < 16000; i++) {
        packet_fixture_uint(packet, 256 + i, 2);
        packet_fixture_uint(packet, 0, 2);
    }
    packet_fixture_end_set(packet);
}

static void
make_unknown_data(PacketFixture *packet)
{
    for (unsigned i = 0; i < 13000; i++) {
        packet_fixture_begin_set(packet, 300 + i);
        packet_fixture_uint(packet, 1, 1);
        packet_fixture_end_set(packet);
    }
}

static void
make_wide_template(PacketFixture *packet)
{
    PacketField fields[4001] = { 0 };

    for (unsigned i = 0; i < 4000; i++)
        fields[i] = (PacketField){ 1 + i % 400, 1 };
    packet_fixture_template(packet, 300, fields);
}

/* Fields of length 0 make records of one octet look costly: they must not be. */
static void
make_hollow_records(PacketFixture *packet)
{
    PacketField fields[1001] = { 0 };

    for (unsigned i = 0; i < 1000; i++)
        fields[i] = (PacketField){ 1 + i, i == 999 };
    packet_fixture_template(packet, 300, fields);
    packet_fixture_begin_set(packet, 300);
    packet_fixture_fill(packet, 6, 61000);
    packet_fixture_end_set(packet);
}

static void
make_repeated_elements(PacketFixture *packet)
{
    PacketField fields[1001] = { 0 };

    for (unsigned i = 0; i < 1000; i++)
        fields[i] = (PacketField){ 1, 65535 };
    for (unsigned n = 0; n < 15; n++)
        packet_fixture_template(packet, 300 + n, fields);
}

static void
make_tiny_options(PacketFixture *packet)
{
    packet_fixture_options(packet, 300, 1,
                           (const PacketField[]){ { 10, 2 }, { 82, 2 }, { 0, 0 } });
    packet_fixture_begin_set(packet, 300);
    for (unsigned i = 0; i < 16000; i++) {
        packet_fixture_uint(packet, i, 2);
        packet_fixture_bytes(packet, "if", 2);
    }
    packet_fixture_end_set(packet);
}

static void
make_glued(PacketFixture *packet)
{
    for (unsigned i = 0; i < 3000; i++) {
        packet_fixture_begin(packet, 9, 1, i);
        packet_fixture_end(packet);
    }
}

static const struct {
    unsigned class;
    const char *why;
    uint16_t version;
    void (*make)(PacketFixture *packet);
} heavy[] = {
    { 13, "16 000 empty sets", 10, make_empty_sets },
    { 13, "16 000 empty sets", 9, make_empty_sets },
    { 24, "16 000 withdrawals", 10, make_withdrawals },
    { 31, "4000 fields", 10, make_wide_template },
    { 33, "records of nothing but one octet", 10, make_hollow_records },
    { 36, "one element 1000 times", 10, make_repeated_elements },
    { 43, "one template 5400 times over", 10, make_redefinitions },
    { 46, "5400 templates", 10, make_templates },
    { 46, "5400 templates", 9, make_templates },
    { 55, "13 000 unknown templates", 10, make_unknown_data },
    { 64, "16 000 interfaces", 10, make_tiny_options },
    { 6, "3000 messages in one datagram", 9, make_glued },
};

static void
test_cost(gconstpointer user_data)
{
    const int64_t allowed_us = MAX_COST_US * GPOINTER_TO_INT(user_data);

    for (size_t i = 0; i < G_N_ELEMENTS(heavy); i++) {
        g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
        g_autoptr(PacketFixture) packet = packet_fixture_new();
        const uint64_t sessions[] = { 0, 1 };

        f->peer = decoder_fixture_v4(192, 0, 2, 99); /* the neighbour */
        send_templates(f);
        f->peer = decoder_fixture_v4(192, 0, 2, 1);
        packet_fixture_begin(packet, heavy[i].version, 1, 0);
        heavy[i].make(packet);
        packet_fixture_end(packet);
        g_assert_cmpuint(packet->bytes->len, <=, 65535);
        for (size_t s = 0; s < 2; s++) {
            f->session = sessions[s];
            const int64_t us = cost_us(f, packet);
            g_test_message("%u: %s: %" G_GINT64_FORMAT " us", heavy[i].class,
                           heavy[i].why, us);
            g_assert_cmpint(us, <, allowed_us);
        }
        f->session = 0;
        send_templates(f); /* its own may have had to go */
        assert_still_decodes(f, 1);
        assert_still_decodes(f, 99);
    }
}

/* 46, 47: a flood costs the one that sends it its own templates, and memory is
 * bounded however many senders there are. */
static void
test_template_flood(void)
{
    DecoderLimits limits = decoder_fixture_limits;
    limits.max_templates = 50;
    limits.max_template_bytes = 1 << 20;
    limits.max_exporters = 300;
    g_autoptr(DecoderFixture) f = decoder_fixture_new(&limits);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    f->peer = decoder_fixture_v4(192, 0, 2, 99);
    send_templates(f);
    for (unsigned sender = 0; sender < 1000; sender++) {
        f->peer = decoder_fixture_v4(198, 51, sender >> 8, sender);
        packet_fixture_begin(packet, 10, sender % 7, 0);
        for (unsigned i = 0; i < 100; i++)
            packet_fixture_template(packet, 256 + i, decoder_fixture_plain);
        packet_fixture_end(packet);
        decoder_fixture_send(f, packet);
    }
    g_assert_cmpuint(decoder_bytes(f->decoder), <=, limits.max_template_bytes);
    g_assert_cmpuint(exporter_table_len(f->exporters), ==, 300);
    g_assert_cmpuint(decoder_fixture_status(f, DECODE_MAX_EXPORTERS), ==, 701);
    g_assert_cmpuint(decoder_fixture_status(f, DECODE_MAX_TEMPLATES), >=, 299 * 50);
    assert_still_decodes(f, 99);
}

/* The one in use is not the one that goes. */
static void
test_used_template_stays(void)
{
    DecoderLimits limits = decoder_fixture_limits;
    limits.max_templates = 10;
    g_autoptr(DecoderFixture) f = decoder_fixture_new(&limits);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    send_templates(f);
    for (unsigned i = 1; i < 100; i++) {
        packet_fixture_begin(packet, 10, 1, i - 1);
        packet_fixture_template(packet, 256 + i, decoder_fixture_plain);
        decoder_fixture_put_data(packet, 256, 1);
        packet_fixture_end(packet);
        decoder_fixture_send(f, packet);
    }
    g_assert_cmpuint(f->flows->len, ==, 99);
    g_assert_cmpuint(decoder_fixture_status(f, DECODE_MAX_TEMPLATES), ==, 90);
}

/* 63, 64, 74: names that are none, and more of them than we keep. */
static void
test_options_flood(void)
{
    static const PacketField names[] = { { 10, 4 }, { 82, 8 }, { 0, 0 } };
    static const char *const bad[] = {
        "\xff\xff\xff\xff\xff\xff\xff\xff", /* no NUL either */
        "\xc0\xaf\0\0\0\0\0\0",             /* overlong */
        "\xed\xa0\x80\0\0\0\0\0",           /* a surrogate */
        "abcdefg\xe2",                      /* cut in mid-character */
        "\xf4\x90\x80\x80\0\0\0\0",         /* beyond Unicode */
    };
    DecoderLimits limits = decoder_fixture_limits;
    limits.max_options = 100;
    g_autoptr(DecoderFixture) f = decoder_fixture_new(&limits);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    packet_fixture_begin(packet, 10, 1, 0);
    packet_fixture_options(packet, 300, 1, names);
    packet_fixture_begin_set(packet, 300);
    for (unsigned i = 0; i < 300; i++) {
        packet_fixture_uint(packet, i, 4);
        packet_fixture_bytes(packet, "Gi0/0/1", 8);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        packet_fixture_uint(packet, 1000 + i, 4);
        packet_fixture_bytes(packet, bad[i], 8);
    }
    packet_fixture_end_set(packet);
    packet_fixture_end(packet);
    decoder_fixture_send(f, packet);

    g_assert_cmpuint(decoder_counters(f->decoder)->options_records, ==, 305);
    g_assert_cmpuint(f->options->len, ==, 100);
    g_assert_cmpuint(decoder_fixture_status(f, DECODE_MAX_OPTIONS), ==, 200);
    g_assert_cmpuint(decoder_fixture_status(f, DECODE_FIELD_STRING), ==,
                     G_N_ELEMENTS(bad));
}

int
main(int argc, char **argv)
{
    /* Sanitizers and old machines are slower; the real measure is the benchmark. */
    const int slowness = 4;

    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/limits/no-message-costs-much", GINT_TO_POINTER(slowness),
                         test_cost);
    g_test_add_func("/limits/template-flood-hurts-its-sender-only",
                    test_template_flood);
    g_test_add_func("/limits/a-template-in-use-stays", test_used_template_stays);
    g_test_add_func("/limits/options-flood", test_options_flood);
    return g_test_run();
}
