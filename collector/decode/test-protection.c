/* SPDX-License-Identifier: Apache-2.0 */

/* What the decoder does about exporters that start anew and templates that are
 * forged; and that nobody can use that against others. */

#include "clock.h"
#include "decode/decoder-fixture.h"

#define ID 256

/* Like the plain one, with the two addresses changed about. */
static const PacketField turned[] = {
    { 12, 4 }, { 8, 4 }, { 7, 2 }, { 11, 2 }, { 4, 1 }, { 2, 4 }, { 1, 8 }, { 0, 0 },
};

/* Like it, with the two ports changed about. */
static const PacketField third[] = {
    { 8, 4 }, { 12, 4 }, { 11, 2 }, { 7, 2 }, { 4, 1 }, { 2, 4 }, { 1, 8 }, { 0, 0 },
};

/* --- a v9 exporter starts anew (RFC 3954 9) --- */

/* One that booted @boot_sec after the epoch of the fixture's packets, less an hour. */
typedef struct {
    DecoderFixture *f;
    PacketFixture *packet;
    uint32_t domain;
    int64_t boot_sec;
    uint32_t sequence;
} Router;

static Router
router_new(DecoderFixture *f, PacketFixture *packet)
{
    return (Router){ f, packet, .domain = 1, .sequence = 500000 };
}

static void
router_reboot(Router *router)
{
    router->f->now_us += 60 * US_PER_SEC;
    router->boot_sec = (router->f->now_us - FIXTURE_US) / US_PER_SEC + 3600;
    router->sequence = 0;
}

/* Sends it, with a header @late_sec old. */
static void
router_end(Router *router, int64_t late_sec)
{
    const int64_t now_sec =
        (router->f->now_us - FIXTURE_US) / US_PER_SEC + 3600 - late_sec;

    packet_fixture_set(router->packet, 4,
                       (uint64_t) (now_sec - router->boot_sec) * 1000, 4);
    packet_fixture_set(router->packet, 8, PACKET_FIXTURE_SEC - 3600 + now_sec, 4);
    packet_fixture_end(router->packet);
    decoder_fixture_send(router->f, router->packet);
    router->f->now_us += US_PER_SEC;
}

static void
router_send(Router *router, const PacketField *fields, unsigned n_data)
{
    packet_fixture_begin(router->packet, 9, router->domain, router->sequence++);
    if (fields)
        packet_fixture_template(router->packet, ID, fields);
    for (unsigned i = 0; i < n_data; i++)
        decoder_fixture_put_data(router->packet, ID, 1);
    router_end(router, 0);
}

static void
assert_turned(const Flow *flow, bool is_turned)
{
    const IpAddress src = decoder_fixture_v4(10, 0, 0, is_turned ? 2 : 1);

    g_assert_true(ip_address_equal(&flow->src, &src));
}

static void
test_restart(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();
    Router router = router_new(f, packet);

    router_send(&router, decoder_fixture_plain, 1);
    router_send(&router, NULL, 1);
    g_assert_cmpuint(f->flows->len, ==, 2);

    /* Data of the new life waits, already in the first message ... */
    router_reboot(&router);
    for (unsigned i = 0; i < 3; i++)
        router_send(&router, NULL, 1);
    g_assert_cmpuint(f->flows->len, ==, 2);
    g_assert_cmpuint(decoder_counters(f->decoder)->restarts, ==, 1);
    g_assert_cmpuint(decoder_counters(f->decoder)->sets_waited, ==, 3);

    /* ... and is decoded by its templates, nothing lost. */
    router_send(&router, turned, 1);
    g_assert_cmpuint(f->flows->len, ==, 6);
    for (guint i = 2; i < 6; i++)
        assert_turned(decoder_fixture_flow(f, i), true);
    g_assert_cmpuint(exporter_table_at(f->exporters, 0)->n_restarts, ==, 1);

    /* What was forgotten is told, or it would be back after our own restart. */
    const LearntTemplate *gone = &g_array_index(f->templates, LearntTemplate, 1);
    g_assert_null(gone->body);
    g_assert_cmpuint(gone->id, ==, ID);
    g_assert_cmpuint(decoder_fixture_lost(f, LOSS_NO_TEMPLATE, NULL), ==, 0);
    g_assert_cmpuint(decoder_fixture_n_bad(f), ==, 0);
}

static void
test_restart_with_template(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();
    Router router = router_new(f, packet);

    router_send(&router, decoder_fixture_plain, 1);
    router_reboot(&router);
    router_send(&router, turned, 1); /* the very first has its template with it */
    router_send(&router, NULL, 1);
    router_send(&router, NULL, 1);

    g_assert_cmpuint(f->flows->len, ==, 4);
    for (guint i = 1; i < 4; i++)
        assert_turned(decoder_fixture_flow(f, i), true);
    g_assert_cmpuint(decoder_counters(f->decoder)->sets_waited, ==, 0);
    g_assert_cmpuint(decoder_counters(f->decoder)->restarts, ==, 1);
}

/* What waited for a template of the old life must not be read by one of the new. */
static void
test_restart_gives_up(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();
    Router router = router_new(f, packet);

    router_send(&router, NULL, 2);
    router_reboot(&router);
    router_send(&router, NULL, 1);
    router_send(&router, decoder_fixture_plain, 1);
    g_assert_cmpuint(f->flows->len, ==, 2);
    g_assert_cmpuint(decoder_fixture_lost(f, LOSS_NO_TEMPLATE, NULL), ==, 2);
}

static void
test_restart_of_another_domain(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();
    Router one = router_new(f, packet), two = router_new(f, packet);

    two.domain = 2;
    router_send(&one, decoder_fixture_plain, 1);
    router_send(&two, decoder_fixture_plain, 1);
    router_reboot(&one);
    router_send(&one, turned, 1);
    router_send(&one, turned, 1);
    router_send(&two, NULL, 1);
    g_assert_cmpuint(f->flows->len, ==, 5);
    assert_turned(decoder_fixture_last(f), false);
}

/* A datagram that comes late, a clock that is set, an uptime that wraps, one message
 * that somebody forged: no restarts. */
static void
test_no_restart(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();
    Router router = router_new(f, packet);

    router_send(&router, decoder_fixture_plain, 1);
    f->now_us += 30 * US_PER_SEC;

    router.sequence++; /* one is missing, and comes ten seconds late */
    router_send(&router, NULL, 1);
    packet_fixture_begin(packet, 9, 1, router.sequence - 2);
    decoder_fixture_put_data(packet, ID, 1);
    router_end(&router, 10);
    g_assert_cmpuint(f->flows->len, ==, 3);

    router.boot_sec -= 3600; /* its clock is set an hour on, and back again */
    router_send(&router, NULL, 1);
    router.boot_sec += 7200;
    router_send(&router, NULL, 1);
    router_send(&router, NULL, 1);
    g_assert_cmpuint(f->flows->len, ==, 6);

    f->now_us += 4294967 * US_PER_SEC; /* 2^32 ms later the uptime is small again */
    router_send(&router, decoder_fixture_plain, 1);
    router.boot_sec = (f->now_us - FIXTURE_US) / US_PER_SEC + 3600 - 5;
    router_send(&router, NULL, 1);
    router_send(&router, NULL, 1);
    g_assert_cmpuint(f->flows->len, ==, 9);
    g_assert_cmpuint(decoder_counters(f->decoder)->sets_waited, ==, 0);
    g_assert_cmpuint(decoder_counters(f->decoder)->restarts, ==, 0);

    for (unsigned i = 0; i < 3; i++) { /* forged, each undone by a true one */
        Router forger = router;

        router_reboot(&forger);
        router_send(&forger, NULL, 1);
        router_send(&router, NULL, 1);
    }
    g_assert_cmpuint(f->flows->len, ==, 12); /* the true ones' */
    g_assert_cmpuint(decoder_counters(f->decoder)->restarts, ==, 0);
    g_assert_cmpuint(decoder_counters(f->decoder)->sets_waited, ==, 3);
}

/* It booted while we were not there to see. */
static void
test_restart_over_ours(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();
    Router router = router_new(f, packet);

    router_send(&router, decoder_fixture_plain, 1);
    decoder_fixture_restart(f);
    router_send(&router, NULL, 1);
    g_assert_cmpuint(f->flows->len, ==, 2);

    decoder_fixture_restart(f);
    router_reboot(&router);
    router_send(&router, NULL, 1);
    router_send(&router, NULL, 1);
    router_send(&router, turned, 1);
    g_assert_cmpuint(f->flows->len, ==, 5);
    for (guint i = 2; i < 5; i++)
        assert_turned(decoder_fixture_flow(f, i), true);
}

/* --- templates that change --- */

/* Sends a template, and data in a message of its own. */
static void
announce(DecoderFixture *f, PacketFixture *packet, const PacketField *fields)
{
    f->now_us += 10 * US_PER_SEC; /* or it would be the network's repetition */
    decoder_fixture_send_template(f, packet, 10, f->flows->len, ID, fields);
}

static void
assert_decodes(DecoderFixture *f, PacketFixture *packet, bool is_turned)
{
    const guint before = f->flows->len;

    f->now_us += 10 * US_PER_SEC;
    decoder_fixture_send_data(f, packet, 10, before, ID, 1);
    g_assert_cmpuint(f->flows->len, ==, before + 1);
    assert_turned(decoder_fixture_last(f), is_turned);
}

static uint32_t
n_changes(const DecoderFixture *f)
{
    return exporter_table_at(f->exporters, 0)->n_template_changes;
}

/* Each forged definition is in force until the next true one; this is counted. */
static void
test_change_counted(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    announce(f, packet, decoder_fixture_plain);
    for (unsigned i = 0; i < 1000; i++)
        announce(f, packet, decoder_fixture_plain);
    g_assert_cmpuint(n_changes(f), ==, 0);

    announce(f, packet, turned);
    assert_decodes(f, packet, true);
    announce(f, packet, decoder_fixture_plain);
    assert_decodes(f, packet, false);
    g_assert_cmpuint(n_changes(f), ==, 2);
    g_assert_cmpuint(decoder_counters(f->decoder)->template_changes, ==, 2);
    g_assert_true(exporter_table_at(f->exporters, 0)->dirty);
}

static void
test_flapping(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    /* Forged ones need not be alike. */
    announce(f, packet, decoder_fixture_plain);
    for (unsigned i = 0; i < 4; i++) {
        announce(f, packet, i % 2 ? third : turned);
        announce(f, packet, decoder_fixture_plain);
        assert_decodes(f, packet, false);
    }
    g_assert_cmpuint(decoder_fixture_n_bad(f), ==, 0);

    /* From now on the elder one is held, also within one message. */
    announce(f, packet, turned);
    assert_decodes(f, packet, false);
    packet_fixture_begin(packet, 10, 1, f->flows->len);
    packet_fixture_template(packet, ID, turned);
    decoder_fixture_put_data(packet, ID, 1);
    packet_fixture_end(packet);
    decoder_fixture_send(f, packet);
    assert_turned(decoder_fixture_last(f), false);
    g_assert_cmpuint(decoder_fixture_lost(f, LOSS_REFUSED, "template_flapping"), ==, 2);

    /* Other ids are free, and so is this one after a while. */
    decoder_fixture_send_template(f, packet, 10, f->flows->len, ID + 1, turned);
    f->now_us += 301 * US_PER_SEC;
    announce(f, packet, turned);
    assert_decodes(f, packet, true);

    /* If it flaps on it is held at once. */
    announce(f, packet, decoder_fixture_plain);
    announce(f, packet, turned);
    assert_decodes(f, packet, false);
    g_assert_cmpuint(decoder_fixture_lost(f, LOSS_REFUSED, "template_flapping"), ==, 3);

    /* After an hour of peace all is forgotten. */
    f->now_us += 3601 * US_PER_SEC;
    announce(f, packet, turned);
    announce(f, packet, decoder_fixture_plain);
    announce(f, packet, turned);
    assert_decodes(f, packet, true);
}

/* An exporter that is being configured is no forger: each definition is a new one. */
static void
test_redefinitions(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    for (unsigned i = 0; i < 50; i++) {
        const PacketField fields[] = { { 8, 4 }, { 12, 4 }, { 7000 + i, 1 }, { 0, 0 } };

        announce(f, packet, fields);
    }
    announce(f, packet, turned);
    assert_decodes(f, packet, true);
    g_assert_cmpuint(decoder_fixture_n_bad(f), ==, 0);
    g_assert_cmpuint(n_changes(f), ==, 50);
}

/* No limit: RFC 7011 8.4 to the letter; nor is there one in a session. */
static void
test_flapping_unlimited(void)
{
    DecoderLimits limits = decoder_fixture_limits;

    for (unsigned is_session = 0; is_session < 2; is_session++) {
        limits.template_hold_sec = is_session ? 300 : 0;
        g_autoptr(DecoderFixture) f = decoder_fixture_new(&limits);
        g_autoptr(PacketFixture) packet = packet_fixture_new();

        f->session = is_session;
        for (unsigned i = 0; i < 20; i++)
            announce(f, packet, i % 2 ? turned : decoder_fixture_plain);
        assert_decodes(f, packet, true);
        g_assert_cmpuint(decoder_fixture_n_bad(f), ==, 0);
        g_assert_cmpuint(n_changes(f), ==, 19);
    }
}

/* A forger with another port gets a variant of its own, which is nobody else's. */
static void
test_forger_of_another_port(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    announce(f, packet, decoder_fixture_plain);
    f->port = 4711;
    announce(f, packet, turned);
    f->port = 2055;
    assert_decodes(f, packet, false);
}

static void
test_pinned(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    decoder_pin_templates(f->decoder, &f->peer, true);
    announce(f, packet, decoder_fixture_plain);
    for (unsigned port = 0; port < 2; port++) { /* the exporter's own, and another */
        f->port = port ? 4711 : 2055;
        announce(f, packet, turned);
    }
    f->port = 2055;
    assert_decodes(f, packet, false);
    g_assert_cmpuint(decoder_fixture_lost(f, LOSS_REFUSED, "template_pinned"), ==, 2);
    g_assert_cmpuint(n_changes(f), ==, 0);

    /* New ids are welcome, and other exporters are not concerned. */
    decoder_fixture_send_template(f, packet, 10, 0, ID + 1, turned);
    f->peer = decoder_fixture_v4(192, 0, 2, 9);
    announce(f, packet, decoder_fixture_plain);
    announce(f, packet, turned);
    assert_decodes(f, packet, true);

    /* What is pinned survives a restart of ours, and ends by being unpinned. */
    f->peer = decoder_fixture_v4(192, 0, 2, 1);
    decoder_fixture_restart(f);
    decoder_pin_templates(f->decoder, &f->peer, true);
    announce(f, packet, turned);
    assert_decodes(f, packet, false);
    decoder_pin_templates(f->decoder, &f->peer, false);
    announce(f, packet, turned);
    assert_decodes(f, packet, true);
}

/* A flood of templates cannot push a pinned one out, to put another in its place. */
static void
test_pinned_flood(void)
{
    DecoderLimits limits = decoder_fixture_limits;
    limits.max_templates = 10;
    g_autoptr(DecoderFixture) f = decoder_fixture_new(&limits);
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    decoder_pin_templates(f->decoder, &f->peer, true);
    announce(f, packet, decoder_fixture_plain);
    packet_fixture_begin(packet, 10, 1, 0);
    for (uint16_t id = 300; id < 400; id++)
        packet_fixture_template(packet, id, turned);
    packet_fixture_template(packet, ID, turned);
    packet_fixture_end(packet);
    decoder_fixture_send(f, packet);
    assert_decodes(f, packet, false);
    g_assert_cmpuint(decoder_fixture_lost(f, LOSS_REFUSED, "max_templates"), ==, 91);
    g_assert_cmpuint(decoder_fixture_lost(f, LOSS_REFUSED, "template_pinned"), ==, 1);
}

/* Two messages that claim a restart do not unpin anything. */
static void
test_pinned_restart(void)
{
    g_autoptr(DecoderFixture) f = decoder_fixture_new(NULL);
    g_autoptr(PacketFixture) packet = packet_fixture_new();
    Router router = router_new(f, packet);

    decoder_pin_templates(f->decoder, &f->peer, true);
    router_send(&router, decoder_fixture_plain, 1);
    router_reboot(&router);
    for (unsigned i = 0; i < 3; i++)
        router_send(&router, turned, 1);
    g_assert_cmpuint(f->flows->len, ==, 4);
    assert_turned(decoder_fixture_last(f), false);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/protection/v9-restart-voids-templates", test_restart);
    g_test_add_func("/protection/v9-restart-with-its-templates",
                    test_restart_with_template);
    g_test_add_func("/protection/v9-restart-gives-up-what-waited",
                    test_restart_gives_up);
    g_test_add_func("/protection/v9-restart-concerns-one-domain",
                    test_restart_of_another_domain);
    g_test_add_func("/protection/late-set-wrapped-or-forged-is-no-restart",
                    test_no_restart);
    g_test_add_func("/protection/v9-restart-while-we-were-away",
                    test_restart_over_ours);
    g_test_add_func("/protection/template-changes-are-counted", test_change_counted);
    g_test_add_func("/protection/flapping-template-is-held", test_flapping);
    g_test_add_func("/protection/redefinitions-are-no-flapping", test_redefinitions);
    g_test_add_func("/protection/flapping-unlimited-if-told-and-in-sessions",
                    test_flapping_unlimited);
    g_test_add_func("/protection/forger-of-another-port-harms-nobody",
                    test_forger_of_another_port);
    g_test_add_func("/protection/pinned-template-stays", test_pinned);
    g_test_add_func("/protection/pinned-template-survives-a-flood", test_pinned_flood);
    g_test_add_func("/protection/pinned-template-survives-a-restart",
                    test_pinned_restart);
    return g_test_run();
}
