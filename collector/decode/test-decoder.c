/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/decoder-fixture.h"

#include <string.h>

#include "clock.h"
#include "flow/sampling.h"

/* The same elements otherwise; 25 octets too. */
static const PacketField other[] = {
    { 12, 4 }, { 8, 4 }, { 11, 2 }, { 7, 2 }, { 4, 1 }, { 2, 4 }, { 1, 8 }, { 0, 0 },
};

static void
test_v5(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    packet_fixture_v5(packet, 2, 0, 0x4000 | 10);
    decoder_fixture_send(f, packet);

    g_assert_cmpuint(f->flows->len, ==, 2);
    const Flow *flow = decoder_fixture_flow(f, 1);
    const IpAddress src = decoder_fixture_v4(10, 0, 0, 2);
    g_assert_true(ip_address_equal(&flow->src, &src));
    g_assert_cmpuint(flow->packets, ==, 2); /* raw: normalise() multiplies */
    g_assert_cmpuint(flow->octets, ==, 200);
    g_assert_cmpuint(flow->sampling, ==, 10);
    g_assert_cmpuint(flow->src_port, ==, 40001);
    g_assert_cmpuint(flow->tcp_flags, ==, 0x1b);
    g_assert_cmpuint(flow->protocol, ==, 6);
    g_assert_cmpuint(flow->src_as, ==, 64500);
    g_assert_cmpint(flow->start_us, ==, FIXTURE_US - 2 * US_PER_SEC);
    g_assert_cmpint(flow->end_us, ==, FIXTURE_US - US_PER_SEC);
    g_assert_cmpuint(flow->exporter->version, ==, 5);
    g_assert_cmpuint(flow->exporter->sampling, ==, 10);
    g_assert_cmpuint(flow->exporter->sampling_source, ==, SAMPLING_HEADER);
    g_assert_cmpuint(decoder_fixture_n_bad(f), ==, 0);
}

/* Template and data in one packet, in both versions. */
static void
test_template_and_data(gconstpointer user_data)
{
    const uint16_t version = GPOINTER_TO_UINT(user_data);
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    packet_fixture_begin(packet, version, 5, 0);
    packet_fixture_template(packet, 256, decoder_fixture_plain);
    packet_fixture_begin_set(packet, 256);
    decoder_fixture_put_plain(packet, 1);
    decoder_fixture_put_plain(packet, 2);
    packet_fixture_fill(packet, 0xee, 3); /* padding, not even zero */
    packet_fixture_end_set(packet);
    packet_fixture_end(packet);
    decoder_fixture_send(f, packet);

    g_assert_cmpuint(f->flows->len, ==, 2);
    const Flow *flow = decoder_fixture_flow(f, 1);
    g_assert_cmpuint(flow->octets, ==, 200);
    g_assert_cmpuint(flow->dst_port, ==, 443);
    g_assert_cmpuint(flow->exporter->domain, ==, 5);
    g_assert_cmpuint(flow->present, ==,
                     FLOW_SRC | FLOW_DST | FLOW_SRC_PORT | FLOW_DST_PORT |
                         FLOW_PROTOCOL | FLOW_PACKETS | FLOW_OCTETS);
    g_assert_cmpuint(f->templates->len, ==, 1);
    g_assert_cmpuint(decoder_counters(f->decoder)->template_records, ==, 1);
    g_assert_cmpuint(decoder_fixture_n_bad(f), ==, 0);
}

/* T1 D1 T1' D1' in one message: each record by what held at its place. */
static void
test_redefined_in_message(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    decoder_fixture_send_template(f, packet, 10, 0, 256, decoder_fixture_plain);
    packet_fixture_begin(packet, 10, 1, 0);
    decoder_fixture_put_data(packet, 256, 1);
    packet_fixture_template(packet, 256, other);
    decoder_fixture_put_data(packet, 256, 2);
    packet_fixture_template(packet, 256, decoder_fixture_plain);
    decoder_fixture_put_data(packet, 256, 3);
    packet_fixture_end(packet);
    decoder_fixture_send(f, packet);

    g_assert_cmpuint(f->flows->len, ==, 3);
    g_assert_cmpuint(decoder_fixture_flow(f, 0)->dst_port, ==, 443);
    g_assert_cmpuint(decoder_fixture_flow(f, 1)->dst_port, ==, 1024);
    g_assert_cmpuint(decoder_fixture_flow(f, 2)->dst_port, ==, 443);
    g_assert_cmpuint(decoder_counters(f->decoder)->template_changes, ==, 2);
}

/* The same id as options template and back (catalogue 44). */
static void
test_redefined_as_options(void)
{
    static const PacketField names[] = { { 10, 4 }, { 82, 8 }, { 0, 0 } };
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    packet_fixture_begin(packet, 10, 1, 0);
    packet_fixture_template(packet, 256, decoder_fixture_plain);
    decoder_fixture_put_data(packet, 256, 1);
    packet_fixture_options(packet, 256, 1, names);
    packet_fixture_begin_set(packet, 256);
    packet_fixture_uint(packet, 7, 4);
    packet_fixture_bytes(packet, "eth0\0\0\0\0", 8);
    packet_fixture_end_set(packet);
    packet_fixture_template(packet, 256, decoder_fixture_plain);
    decoder_fixture_put_data(packet, 256, 2);
    packet_fixture_end(packet);
    decoder_fixture_send(f, packet);

    g_assert_cmpuint(f->flows->len, ==, 2);
    g_assert_cmpuint(f->options->len, ==, 1);
    g_assert_cmpstr(g_array_index(f->options, LearntOption, 0).name, ==, "eth0");
}

/* One domain's templates say nothing about another's, nor one peer's. */
static void
test_streams_are_apart(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    decoder_fixture_send_template(f, packet, 10, 0, 256, decoder_fixture_plain);
    packet_fixture_begin(packet, 10, 2, 0);
    packet_fixture_template(packet, 256, other);
    decoder_fixture_put_data(packet, 256, 1);
    packet_fixture_end(packet);
    decoder_fixture_send(f, packet);
    decoder_fixture_send_data(f, packet, 10, 0, 256, 2);

    f->peer = decoder_fixture_v4(192, 0, 2, 2);
    decoder_fixture_send_data(f, packet, 10, 0, 256, 3);
    f->peer = decoder_fixture_v4(192, 0, 2, 1);
    f->session = 9;
    decoder_fixture_send_data(f, packet, 10, 0, 256, 4);
    f->session = 0;
    decoder_fixture_send_data(f, packet, 9, 0, 256, 5);

    g_assert_cmpuint(f->flows->len, ==, 2);
    g_assert_cmpuint(decoder_fixture_flow(f, 0)->dst_port, ==, 1024);
    g_assert_cmpuint(decoder_fixture_flow(f, 1)->dst_port, ==, 443);
    decoder_give_up(f->decoder, f->now_us);
    g_assert_cmpuint(decoder_counters(f->decoder)->sets_given_up, ==, 3);
}

/* Two devices behind one address announce different bodies for one id; data from a
 * third port takes the newest. */
static void
test_ports(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    f->port = 1;
    decoder_fixture_send_template(f, packet, 10, 0, 256, decoder_fixture_plain);
    f->port = 2;
    decoder_fixture_send_data(f, packet, 10, 0, 256,
                              1); /* one body: whoever sends it */
    decoder_fixture_send_template(f, packet, 10, 1, 256, other);
    decoder_fixture_send_data(f, packet, 10, 1, 256, 2);
    f->port = 1;
    decoder_fixture_send_data(f, packet, 10, 2, 256, 3);
    f->port = 3;
    f->now_us++;
    decoder_fixture_send_data(f, packet, 10, 3, 256, 4);
    f->port = 2; /* agrees again: the conflict is over */
    decoder_fixture_send_template(f, packet, 10, 4, 256, decoder_fixture_plain);
    decoder_fixture_send_data(f, packet, 10, 4, 256, 5);

    const uint16_t ports[] = { 443, 1024, 443, 443, 443 };
    g_assert_cmpuint(f->flows->len, ==, 5);
    g_assert_cmpuint(decoder_fixture_flow(f, 0)->dst_port, ==, ports[0]);
    g_assert_cmpuint(decoder_fixture_flow(f, 1)->dst_port, ==, ports[1]);
    g_assert_cmpuint(decoder_fixture_flow(f, 2)->dst_port, ==, ports[2]);
    g_assert_cmpuint(decoder_fixture_flow(f, 4)->dst_port, ==, ports[4]);
}

/* Templates, options and what waits outlive the process. */
static void
test_restart(void)
{
    static const PacketField sampler[] = {
        { 302, 4 }, { 305, 4 }, { 306, 4 }, { 0, 0 }
    };
    static const PacketField sampled[] = { { 8, 4 }, { 302, 4 }, { 0, 0 } };
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    packet_fixture_begin(packet, 10, 1, 0);
    packet_fixture_template(packet, 257, sampled);
    packet_fixture_options(packet, 258, 1, sampler);
    packet_fixture_begin_set(packet, 258);
    packet_fixture_uint(packet, 3, 4);
    packet_fixture_uint(packet, 1, 4);
    packet_fixture_uint(packet, 99, 4);
    packet_fixture_end_set(packet);
    packet_fixture_end(packet);
    decoder_fixture_send(f, packet);
    decoder_fixture_send_data(f, packet, 10, 1, 256, 5);

    decoder_fixture_restart(f);
    packet_fixture_begin(packet, 10, 1, 2);
    packet_fixture_begin_set(packet, 257);
    packet_fixture_uint(packet, 0x0a000001, 4);
    packet_fixture_uint(packet, 3, 4);
    packet_fixture_end_set(packet);
    packet_fixture_end(packet);
    decoder_fixture_send(f, packet);
    g_assert_cmpuint(f->flows->len, ==, 1);
    g_assert_cmpuint(decoder_fixture_flow(f, 0)->sampling, ==, 100);

    decoder_fixture_send_template(f, packet, 10, 3, 256, decoder_fixture_plain);
    g_assert_cmpuint(f->flows->len, ==, 2);
    g_assert_cmpuint(decoder_fixture_flow(f, 1)->packets, ==, 5);
    decoder_settle(f->decoder, f->now_us);
    g_assert_cmpuint(decoder_fixture_lost(f, LOSS_SEQUENCE_GAP, NULL), ==, 0);
}

/* RFC 3954 9: not to decode with an expired template. */
static void
test_lifetime(void)
{
    DecoderLimits limits = decoder_fixture_limits;
    limits.template_lifetime_sec = 100;
    g_autoptr(DecoderFixture) f = decoder_fixture_new(&limits);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    decoder_fixture_send_template(f, packet, 9, 0, 256, decoder_fixture_plain);
    g_assert_cmpuint(f->templates->len, ==, 1);
    f->now_us += 40 * US_PER_SEC;
    decoder_fixture_send_template(f, packet, 9, 1, 256, decoder_fixture_plain);
    g_assert_cmpuint(f->templates->len, ==, 1); /* not yet worth telling */
    f->now_us += 60 * US_PER_SEC;
    decoder_fixture_send_template(f, packet, 9, 2, 256, decoder_fixture_plain);
    g_assert_cmpuint(f->templates->len, ==, 2);

    f->now_us += 90 * US_PER_SEC;
    decoder_fixture_send_data(f, packet, 9, 3, 256, 1);
    g_assert_cmpuint(f->flows->len, ==, 1);
    f->now_us += 20 * US_PER_SEC;
    decoder_fixture_send_data(f, packet, 9, 4, 256, 2);
    g_assert_cmpuint(f->flows->len, ==, 1);

    const size_t before = decoder_bytes(f->decoder);
    decoder_tick(f->decoder, f->now_us);
    g_assert_cmpuint(decoder_bytes(f->decoder), <, before);
    g_assert_cmpuint(f->templates->len, ==, 3);
    g_assert_null(g_array_index(f->templates, LearntTemplate, 2).body);

    decoder_fixture_send_template(f, packet, 9, 5, 256, decoder_fixture_plain);
    g_assert_cmpuint(f->flows->len, ==, 2);
}

/* RFC 7011 8.1 and 8.4. */
static void
test_withdrawal(void)
{
    static const PacketField names[] = { { 10, 4 }, { 82, 8 }, { 0, 0 } };
    static const struct {
        const char *why;
        uint64_t session;
        uint16_t set_id;
        uint16_t id;
        size_t n_flows; /* with templates 256 and 257, both used afterwards */
    } cases[] = {
        { "one of them", 1, 2, 256, 1 },
        { "all of them", 1, 2, 2, 0 },
        { "all options, which they are not", 1, 3, 3, 2 },
        { "one nobody knows", 1, 2, 300, 2 },
        { "ignored over UDP", 0, 2, 256, 2 },
        { "all of them, ignored over UDP", 0, 2, 2, 2 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
        g_autoptr(PacketFixture) packet = packet_fixture_new();

        g_test_message("%s", cases[i].why);
        f->session = cases[i].session;
        decoder_fixture_send_template(f, packet, 10, 0, 256, decoder_fixture_plain);
        packet_fixture_begin(packet, 10, 1, 0);
        packet_fixture_template(packet, 257, decoder_fixture_plain);
        packet_fixture_options(packet, 258, 1, names);
        packet_fixture_begin_set(packet, cases[i].set_id);
        packet_fixture_uint(packet, cases[i].id, 2);
        packet_fixture_uint(packet, 0, 2);
        packet_fixture_end_set(packet);
        decoder_fixture_put_data(packet, 256, 1);
        packet_fixture_end(packet);
        decoder_fixture_send(f, packet);
        decoder_fixture_send_data(f, packet, 10, 1, 257, 2);

        g_assert_cmpuint(f->flows->len, ==, cases[i].n_flows);
        g_assert_cmpuint(decoder_fixture_n_bad(f), ==, 0);
        if (cases[i].session != 0)
            g_assert_cmpuint(f->templates->len, ==, 0); /* none outlives it */
    }
}

/* A17, A18: a later session starts from nothing. */
static void
test_session_ends(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    f->session = 4;
    decoder_fixture_send_template(f, packet, 10, 0, 256, decoder_fixture_plain);
    decoder_fixture_send_data(f, packet, 10, 0, 256, 1);
    decoder_fixture_send_data(f, packet, 10, 1, 300, 1);
    g_assert_cmpuint(f->flows->len, ==, 1);
    const size_t before = decoder_bytes(f->decoder);
    decoder_end_session(f->decoder, 4, f->now_us);
    g_assert_cmpuint(decoder_bytes(f->decoder), <, before);
    g_assert_cmpuint(decoder_counters(f->decoder)->sets_given_up, ==, 1);

    decoder_fixture_send_data(f, packet, 10, 2, 256, 2);
    g_assert_cmpuint(f->flows->len, ==, 1);
    g_assert_cmpuint(decoder_fixture_lost(f, LOSS_SEQUENCE_GAP, NULL), ==, 0);
}

/* Several messages in one datagram: all of them; a repeated datagram: once. */
static void
test_glued_and_repeated(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    for (unsigned i = 0; i < 3; i++) {
        packet_fixture_begin(packet, 10, 1, i);
        packet_fixture_template(packet, 256, decoder_fixture_plain);
        decoder_fixture_put_data(packet, 256, i);
        packet_fixture_end(packet);
    }
    packet_fixture_v5(packet, 1, 0, 0);
    packet_fixture_begin(packet, 9, 1, 0);
    packet_fixture_template(packet, 256, decoder_fixture_plain);
    decoder_fixture_put_data(packet, 256, 7);
    packet_fixture_begin(packet, 9, 1, 1);
    decoder_fixture_put_data(packet, 256, 8);

    decoder_fixture_feed(f, packet->bytes->data, packet->bytes->len);
    g_assert_cmpuint(decoder_counters(f->decoder)->messages, ==, 6);
    g_assert_cmpuint(f->flows->len, ==, 6);

    f->now_us += 1000;
    decoder_fixture_feed(f, packet->bytes->data, packet->bytes->len);
    g_assert_cmpuint(f->flows->len, ==, 6);
    g_assert_cmpuint(decoder_fixture_status(f, DECODE_DUPLICATE), ==, 6);

    f->port++; /* another socket's is another message */
    decoder_fixture_feed(f, packet->bytes->data, packet->bytes->len);
    g_assert_cmpuint(f->flows->len, ==, 12);
    f->now_us += 60 * US_PER_SEC; /* not the network's doing any more */
    decoder_fixture_feed(f, packet->bytes->data, packet->bytes->len);
    g_assert_cmpuint(f->flows->len, ==, 18);
}

static size_t
make_everything(PacketFixture *packet, uint16_t version)
{
    static const PacketField rich[] = {
        { 8, 4 },   { 27, 16 }, { 22, 4 },     { 21, 4 }, { 48, 2 },
        { 130, 4 }, { 95, 4 },  { 82, 65535 }, { 1, 3 },  { 0, 0 },
    };
    static const PacketField names[] = { { 10, 4 }, { 34, 4 }, { 82, 6 }, { 0, 0 } };

    packet_fixture_begin(packet, version, 1, 0);
    packet_fixture_template(packet, 256, decoder_fixture_plain);
    packet_fixture_template(packet, 257, rich);
    packet_fixture_options(packet, 258, 1, names);
    decoder_fixture_put_data(packet, 256, 1);
    packet_fixture_begin_set(packet, 257);
    packet_fixture_fill(packet, 1, 4 + 16 + 8 + 2 + 4 + 4);
    packet_fixture_uint(packet, 5, 1);
    packet_fixture_bytes(packet, "hello", 5);
    packet_fixture_fill(packet, 2, 3);
    packet_fixture_end_set(packet);
    packet_fixture_begin_set(packet, 258);
    packet_fixture_fill(packet, 'x', 14);
    packet_fixture_end_set(packet);
    packet_fixture_end(packet);
    return packet->bytes->len;
}

/* Property: whatever the network cuts off, nothing comes of it, nothing is learnt
 * and nothing is read beyond it.  v9 has no length, so a cut between two sets is a
 * shorter message. */
static void
test_every_cut(gconstpointer user_data)
{
    const uint16_t version = GPOINTER_TO_UINT(user_data);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    if (version == 5)
        packet_fixture_v5(packet, 3, 0, 100);
    else
        make_everything(packet, version);

    for (size_t n = 0; n < packet->bytes->len; n++) {
        g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);

        f->trust_exporter_address = true;
        decoder_fixture_feed(f, packet->bytes->data, n);
        if (version == 9 && decoder_fixture_n_bad(f) == 0)
            continue;
        g_assert_cmpuint(decoder_fixture_n_bad(f), ==, 1);
        g_assert_cmpuint(f->flows->len + f->options->len + f->templates->len, ==, 0);
        g_assert_cmpuint(exporter_table_len(f->exporters), ==, 0);
        g_assert_cmpuint(decoder_bytes(f->decoder), ==, 0);
    }

    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    decoder_fixture_send(f, packet);
    g_assert_cmpuint(f->flows->len, ==, version == 5 ? 3 : 2);
    g_assert_cmpuint(decoder_fixture_n_bad(f), ==, 0);
}

/* Property: no octet of a good packet may be replaced by any other so that we crash;
 * the sanitizers look on. */
static void
test_every_octet(gconstpointer user_data)
{
    const uint16_t version = GPOINTER_TO_UINT(user_data);
    static const uint8_t octets[] = { 0, 1, 2, 3, 4, 9, 0x7f, 0x80, 0xfe, 0xff };
    g_autoptr(PacketFixture) packet = packet_fixture_new();
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);

    if (version == 5)
        packet_fixture_v5(packet, 3, 0, 100);
    else
        make_everything(packet, version);
    f->trust_exporter_address = true;

    for (size_t at = 0; at < packet->bytes->len; at++) {
        const uint8_t before = packet->bytes->data[at];

        for (size_t i = 0; i < sizeof(octets); i++) {
            packet->bytes->data[at] = octets[i];
            f->session = f->session ? 0 : 1; /* as a session, nothing is a repeat */
            decoder_fixture_feed(f, packet->bytes->data, packet->bytes->len);
            f->now_us += US_PER_SEC;
        }
        packet->bytes->data[at] = before;
        decoder_tick(f->decoder, f->now_us);
    }
    decoder_give_up(f->decoder, f->now_us);
}

int
main(int argc, char **argv)
{
    static const uint16_t versions[] = { 5, 9, 10 };

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/decoder/v5", test_v5);
    g_test_add_data_func("/decoder/template-and-data-in-one-v9-packet",
                         GUINT_TO_POINTER(9), test_template_and_data);
    g_test_add_data_func("/decoder/template-and-data-in-one-ipfix-message",
                         GUINT_TO_POINTER(10), test_template_and_data);
    g_test_add_func("/decoder/definitions-count-from-their-place-on",
                    test_redefined_in_message);
    g_test_add_func("/decoder/an-id-may-become-options-and-back",
                    test_redefined_as_options);
    g_test_add_func("/decoder/streams-are-apart", test_streams_are_apart);
    g_test_add_func("/decoder/ports-matter-only-in-a-conflict", test_ports);
    g_test_add_func("/decoder/a-restart-forgets-nothing", test_restart);
    g_test_add_func("/decoder/templates-expire", test_lifetime);
    g_test_add_func("/decoder/withdrawals", test_withdrawal);
    g_test_add_func("/decoder/a-session-takes-its-templates-along", test_session_ends);
    g_test_add_func("/decoder/glued-messages-count-repeated-ones-do-not",
                    test_glued_and_repeated);
    for (size_t i = 0; i < G_N_ELEMENTS(versions); i++) {
        g_autofree char *cut =
            g_strdup_printf("/decoder/every-cut-of-v%u-leaves-no-trace", versions[i]);
        g_autofree char *octet =
            g_strdup_printf("/decoder/every-octet-of-v%u-may-be-wrong", versions[i]);

        g_test_add_data_func(cut, GUINT_TO_POINTER((guint) versions[i]),
                             test_every_cut);
        g_test_add_data_func(octet, GUINT_TO_POINTER((guint) versions[i]),
                             test_every_octet);
    }
    return g_test_run();
}
