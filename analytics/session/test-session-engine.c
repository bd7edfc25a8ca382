/* SPDX-License-Identifier: Apache-2.0 */
#include "session/session-engine.h"

#include <string.h>

#include "session/session-fixture.h"

#define SEC   SESSION_FIXTURE_SEC
#define T0_US SESSION_FIXTURE_T0_US

#define assert_contacts(fixture, want)                                                 \
    G_STMT_START                                                                       \
    {                                                                                  \
        g_autofree char *contacts_got = session_fixture_text(fixture, false);          \
                                                                                       \
        g_assert_cmpstr(contacts_got, ==, want);                                       \
    }                                                                                  \
    G_STMT_END

static void
add(GArray *rows, FlowRow row)
{
    g_array_append_val(rows, row);
}

/* --- pieces --- */

/* Eight hours through two routers that cut at different times with clocks 6 s apart. */
static void
test_long_session(void)
{
    static const struct {
        const char *why;
        double timeouts_sec[2], skews_sec[2];
        bool is_ingress_and_egress; /* of one router instead of two routers */
    } cases[] = {
        { "60 s", { 60, 60 }, { 3, -3 } },
        { "300 s", { 300, 300 }, { -3, 3 } },
        { "1800 s", { 1800, 1800 }, { 3, -3 } },
        { "60 s and 1800 s", { 60, 1800 }, { -3, 3 } },
        { "twice by one router", { 60, 60 }, { 0, 0 }, true },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(SessionFixture) f = { 0 };
        g_autoptr(GArray) rows = session_fixture_rows();
        FlowRow like = session_fixture_row(0, 0, 0);

        g_test_message("%s", cases[i].why);
        session_fixture_init(&f);
        for (unsigned place = 0; place < 2; place++) {
            like.exporter_id = cases[i].is_ingress_and_egress ? 1 : 1 + (int) place;
            like.direction = (uint8_t) (1 + place);
            session_fixture_cut(rows, like, 900, 8 * 3600, cases[i].timeouts_sec[place],
                                cases[i].skews_sec[place], 1000);
            session_fixture_cut(rows, session_fixture_back(like), 900.05, 8 * 3600,
                                cases[i].timeouts_sec[place], cases[i].skews_sec[place],
                                50);
        }
        session_fixture_take(&f, rows);
        session_fixture_finish(&f);

        g_assert_cmpint(session_fixture_sessions(&f), ==, 1);
        g_assert_cmpint(session_fixture_out_octets(&f), ==, 8 * 3600 * 1000);
        g_assert_cmpint(session_fixture_in_octets(&f), ==, 8 * 3600 * 50);
        g_assert_cmpuint(f.contacts->len, ==, 9); /* hours */
    }
}

/* As an 8 hour upload grows, its hours are told. */
static void
test_told_as_it_goes(void)
{
    g_auto(SessionFixture) f = { 0 };
    g_autoptr(GArray) rows = session_fixture_rows();

    session_fixture_init(&f);
    session_fixture_cut(rows, session_fixture_row(0, 0, 0), 0, 8 * 3600, 60, 0, 1000);
    session_fixture_take_until(&f, rows, T0_US + (3 * 3600 + 5) * SEC);
    assert_contacts(&f, "0 10.0.0.1>192.0.2.1:443/6 1 0 3600000/0 60\n"
                        "1 10.0.0.1>192.0.2.1:443/6 1 0 3600000/0 60\n"
                        "2 10.0.0.1>192.0.2.1:443/6 1 0 3600000/0 60");
    session_fixture_take(&f, rows);
    session_fixture_finish(&f);
    g_assert_cmpint(session_fixture_sessions(&f), ==, 1);
    g_assert_cmpint(session_fixture_out_octets(&f), ==, 8 * 3600 * 1000);
}

/* A better point corrects what a worse one has told. */
static void
test_better_point(void)
{
    g_auto(SessionFixture) f = { 0 };
    g_autoptr(GArray) rows = session_fixture_rows();
    FlowRow other = session_fixture_row(0, 0, 0);

    session_fixture_init(&f);
    session_fixture_cut(rows, session_fixture_row(0, 0, 0), 0, 3600, 60, 0, 900);
    other.exporter_id = 2;
    session_fixture_cut(rows, other, 0, 3600, 1800, 2, 1000);
    session_fixture_take_until(&f, rows, T0_US + 1700 * SEC);
    g_assert_cmpint(session_fixture_out_octets(&f), ==, 28 * 60 * 900);
    session_fixture_take(&f, rows);
    session_fixture_finish(&f);
    g_assert_cmpint(session_fixture_sessions(&f), ==, 1);
    g_assert_cmpint(session_fixture_out_octets(&f), ==, 3600 * 1000);
}

static const struct {
    const char *why;
    struct {
        double start_sec, duration_sec;
        uint16_t flags;
        uint8_t end_reason;
        int8_t exporter; /* 0 = 1 */
        bool back;
    } rows[6];
    unsigned n_rows, n_sessions;
    bool is_udp;
} cases[] = {
    { "pieces that follow at once", { { 0, 10, 0x10 }, { 10, 10, 0x10 } }, 2, 1 },
    { "a pause of 2 s is none", { { 0, 10, 0x10 }, { 12, 10, 0x10 } }, 2, 1 },
    { "a pause of 3 s is one", { { 0, 10, 0x10 }, { 13, 10, 0x10 } }, 2, 2 },
    { "of UDP too", { { 0, 10 }, { 16, 10 } }, 2, 2, true },
    { "few packets: the exporter says that its active timeout cut",
      { { 0, 50, 0x10, 2 }, { 64, 10, 0x10 } },
      2,
      1 },
    { "but not after longer than any inactive timeout",
      { { 0, 50, 0x10, 2 }, { 66, 10, 0x10 } },
      2,
      2 },
    { "closer than any inactive timeout, and old enough to be cut",
      { { 0, 25, 0x10 }, { 34, 10, 0x10 } },
      2,
      1 },
    { "too young to be cut", { { 0, 20, 0x10 }, { 29, 10, 0x10 } }, 2, 2 },
    { "the exporter says that it was idle",
      { { 0, 50, 0x10, 1 }, { 56, 10, 0x10 } },
      2,
      2 },
    { "FIN, then SYN: new on old ports", { { 0, 1, 0x13 }, { 1.5, 1, 0x13 } }, 2, 2 },
    { "RST, then SYN", { { 0, 1, 0x16 }, { 1.5, 1, 0x12 } }, 2, 2 },
    { "FIN, then a last ACK: the same", { { 0, 1, 0x13 }, { 1.1, 0, 0x10 } }, 2, 1 },
    { "SYN again without an end: the same",
      { { 0, 0, 0x02 }, { 1, 0, 0x02 }, { 3, 0, 0x02 } },
      3,
      1 },
    { "both directions", { { 0, 1, 0x1b }, { 0.1, 1, 0x1b, 0, 0, true } }, 2, 1 },
    { "an answer that takes 4 s", { { 0, 0 }, { 4, 0, 0, 0, 0, true } }, 2, 1, true },
    { "two routers, 6 s apart", { { 0, 1, 0x1b }, { 6, 1, 0x1b, 0, 2 } }, 2, 1 },
    { "two routers, old ports",
      { { 0, 1, 0x1b }, { -3, 1, 0x1b, 0, 2 }, { 3, 1, 0x1b }, { 0, 1, 0x1b, 0, 2 } },
      4,
      2 },
    { "out of order: the middle comes last",
      { { 0, 10, 0x10 }, { 20, 10, 0x10 }, { 10, 10, 0x10 } },
      3,
      1 },
};

static void
test_what_is_one_session(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(SessionFixture) f = { 0 };
        g_autoptr(GArray) rows = session_fixture_rows();
        int64_t octets = 0;

        g_test_message("%s", cases[i].why);
        session_fixture_init(&f);
        for (unsigned j = 0; j < cases[i].n_rows; j++) {
            FlowRow row = session_fixture_row(10 + cases[i].rows[j].start_sec,
                                              cases[i].rows[j].duration_sec, 100);

            row.received_us = T0_US + (60 + j) * SEC; /* in the order of the table */
            row.tcp_flags = cases[i].rows[j].flags;
            row.end_reason = cases[i].rows[j].end_reason;
            row.protocol = cases[i].is_udp ? 17 : 6;
            row.has_flags = !cases[i].is_udp;
            if (cases[i].rows[j].exporter)
                row.exporter_id = cases[i].rows[j].exporter;
            if (row.exporter_id == 1 && !cases[i].rows[j].back)
                octets += 100;
            add(rows, cases[i].rows[j].back ? session_fixture_back(row) : row);
        }
        session_fixture_take(&f, rows);
        session_fixture_finish(&f);
        g_assert_cmpint(session_fixture_sessions(&f), ==, cases[i].n_sessions);
        g_assert_cmpint(session_fixture_out_octets(&f), ==, octets);
    }
}

/* Every 16 s from one port, which a router with an inactive timeout of 15 s reports as
 * records of a moment each. */
static void
test_slow_beacon(void)
{
    g_auto(SessionFixture) f = { 0 };
    g_autoptr(GArray) rows = session_fixture_rows();

    session_fixture_init(&f);
    /* Something long, so that the active timeout is known. */
    FlowRow like = session_fixture_row(0, 0, 0);
    like.src_port = 50000;
    session_fixture_cut(rows, like, 0, 600, 60, 0, 1000);
    for (int i = 0; i < 200; i++) {
        for (int exporter = 1; exporter <= 2; exporter++) {
            FlowRow row =
                session_fixture_row(16 * i + (exporter == 2 ? 3 : -3), 0.1, 300);

            row.protocol = 17;
            row.has_flags = false;
            row.exporter_id = exporter;
            row.received_us += 15 * SEC;
            add(rows, row);
        }
    }
    session_fixture_take(&f, rows);
    session_fixture_finish(&f);
    g_assert_cmpint(session_fixture_sessions(&f), ==, 201);
    g_assert_cmpint(session_fixture_out_octets(&f), ==, 600 * 1000 + 200 * 300);
    g_assert_cmpuint(
        exporter_clock_list_get(session_engine_clocks(f.engine), 1)->active_timeout_sec,
        ==, 60);
}

/* --- kinds of records --- */

static void
test_biflow(void)
{
    g_auto(SessionFixture) f = { 0 };
    g_autoptr(GArray) rows = session_fixture_rows();
    FlowRow row = session_fixture_row(5, 60, 1000);

    session_fixture_init(&f);
    row.is_biflow = true;
    row.reverse_octets = 70;
    add(rows, row);
    row = session_fixture_row(65, 10, 30);
    row.is_biflow = true;
    row.reverse_octets = 7;
    row = session_fixture_back(row); /* turned round, as some do */
    add(rows, row);
    session_fixture_take(&f, rows);
    session_fixture_finish(&f);
    assert_contacts(&f, "0 10.0.0.1>192.0.2.1:443/6 1 1 1007/100 2");
}

static void
test_watched_both(void)
{
    g_auto(SessionFixture) f = { 0 };
    g_autoptr(GArray) rows = session_fixture_rows();
    FlowRow row = session_fixture_row(5, 1, 1000);

    session_fixture_init(&f);
    row.watched = 3;
    add(rows, row);
    session_fixture_take(&f, rows);
    session_fixture_finish(&f);
    assert_contacts(&f, "0 10.0.0.1>192.0.2.1:443/6 1 1 1000/0 1\n"
                        "0 192.0.2.1>10.0.0.1:443/6 2 1 0/1000 1");
}

static void
test_icmp(void)
{
    g_auto(SessionFixture) f = { 0 };
    g_autoptr(GArray) rows = session_fixture_rows();
    FlowRow row = session_fixture_row(5, 1, 100);

    session_fixture_init(&f);
    row.protocol = 1;
    row.src_port = 0;
    row.dst_port = 8 << 8;
    add(rows, row);
    row = session_fixture_back(row);
    row.start_us += 20000;
    row.dst_port = 0;
    add(rows, row);
    session_fixture_take(&f, rows);
    session_fixture_finish(&f);
    assert_contacts(&f, "0 10.0.0.1>192.0.2.1:2048/1 1 1 100/100 2");
}

/* The same asked by the peer: the answer of ours may be seen first. */
static void
test_icmp_asked_by_the_peer(void)
{
    g_auto(SessionFixture) f = { 0 };
    g_autoptr(GArray) rows = session_fixture_rows();
    FlowRow row = session_fixture_row(5, 1, 100);

    session_fixture_init(&f);
    row.protocol = 1;
    row.src_port = 0;
    row.dst_port = 0; /* the answer */
    add(rows, row);
    row = session_fixture_back(row);
    row.start_us += 20000;
    row.dst_port = 8 << 8;
    add(rows, row);
    session_fixture_take(&f, rows);
    session_fixture_finish(&f);
    assert_contacts(&f, "0 10.0.0.1>192.0.2.1:2048/1 2 1 100/100 2");
}

/* A packet every nine seconds: a record ends with the last one before the cut at 60 s,
 * and the next begins with the first one after it. */
static void
test_a_sparse_session_is_one(void)
{
    g_auto(SessionFixture) f = { 0 };
    g_autoptr(GArray) rows = session_fixture_rows();

    session_fixture_init(&f);
    for (int i = 0; i < 100; i++)
        add(rows, session_fixture_row(5 + i * 63, 54, 1000));
    session_fixture_take(&f, rows);
    session_fixture_finish(&f);
    g_assert_cmpint(session_fixture_sessions(&f), ==, 1);
    g_assert_cmpuint(exporter_clock_list_find(session_engine_clocks(f.engine),
                                              rows->len ? 1 : 0)
                         ->active_timeout_sec,
                     ==, 60);
}

/* What no router should send is no session too many and no crash. */
static void
test_absurd_rows(void)
{
    g_auto(SessionFixture) f = { 0 };
    g_autoptr(GArray) rows = session_fixture_rows();

    session_fixture_init(&f);
    FlowRow row = session_fixture_row(5, 0, 0); /* no octets, no packets */
    row.packets = 0;
    add(rows, row);
    row = session_fixture_row(3600, 0, 10); /* its clock is years behind */
    row.start_us = row.end_us = 1000;
    add(rows, row);
    row = session_fixture_row(7200, 0, 10); /* and ahead */
    row.start_us = row.end_us = T0_US + INT64_C(315360000) * SEC;
    add(rows, row);
    row = session_fixture_row(7300, 0, 1000000); /* a flow of forty years */
    row.start_us = T0_US - INT64_C(1261440000) * SEC;
    row.src_port++;
    add(rows, row);
    row = session_fixture_row(7400, 1, 77); /* to itself */
    row.dst = row.src;
    row.dst_port = row.src_port;
    row.watched = 3;
    add(rows, row);
    row = session_fixture_row(7500, 1, INT64_MAX);
    row.dst_port = 22;
    add(rows, row);
    row.octets = INT64_MAX;
    row.start_us = row.end_us;
    add(rows, row);
    session_fixture_take(&f, rows);
    session_fixture_finish(&f);
    g_assert_cmpuint(session_pool_len(session_engine_pool(f.engine)), ==, 0);
    g_assert_cmpint(session_fixture_sessions(&f), ==, 7);
}

/* --- late --- */

static void
test_late_is_no_new_start(void)
{
    g_auto(SessionFixture) f = { 0 };
    g_autoptr(GArray) rows = session_fixture_rows();

    session_fixture_init(&f);
    add(rows, session_fixture_row(5, 1, 100));
    FlowRow tick = session_fixture_row(200, 1, 1); /* the exporter's time goes on */
    tick.src_port++;
    add(rows, tick);
    FlowRow late = session_fixture_row(5, 1.5, 400); /* seen by another, told late */
    late.exporter_id = 2;
    late.received_us = T0_US + 215 * SEC;
    add(rows, late);
    session_fixture_take_until(&f, rows, T0_US + 214 * SEC);
    assert_contacts(&f, "0 10.0.0.1>192.0.2.1:443/6 1 1 100/0 1");
    session_fixture_take(&f, rows);
    assert_contacts(&f, "0 10.0.0.1>192.0.2.1:443/6 1 1 400/0 1");
    session_fixture_finish(&f);
    g_assert_cmpint(session_fixture_sessions(&f), ==, 2);
}

/* All of a day received within seconds: sessions close by the time of the flows. */
static void
test_replayed_day(void)
{
    g_auto(SessionFixture) f = { 0 };
    g_autoptr(GArray) rows = session_fixture_rows();
    const int64_t now_us = T0_US + 86400 * SEC;

    session_fixture_init(&f);
    for (int i = 0; i < 1440; i++) {
        FlowRow row = session_fixture_row(60 * i, 1, 100);

        row.received_us = now_us + i * 10000; /* 14 s for all of them */
        add(rows, row);
    }
    session_fixture_take(&f, rows);
    g_assert_cmpuint(session_pool_len(session_engine_pool(f.engine)), <, 100);
    session_fixture_finish(&f);
    g_assert_cmpint(session_fixture_sessions(&f), ==, 1440);
    g_assert_cmpuint(f.contacts->len, ==, 24);
}

static void
test_bounded(void)
{
    g_auto(SessionFixture) f = { 0 };
    g_autoptr(GArray) rows = session_fixture_rows();

    session_fixture_init(&f);
    session_engine_free(f.engine);
    f.options.max_open = 1000;
    f.engine = session_engine_new(&f.options);
    for (int i = 0; i < 5000; i++) {
        FlowRow row = session_fixture_row(i / 1000.0, 0, 1);

        row.src_port = (uint16_t) (10000 + i);
        add(rows, row);
    }
    session_fixture_take(&f, rows);
    g_assert_cmpuint(session_pool_len(session_engine_pool(f.engine)), <=, 1000);
    g_assert_cmpuint(session_engine_n_early(f.engine), >=, 4000);
    session_fixture_finish(&f);
    g_assert_cmpint(session_fixture_sessions(&f), ==, 5000);
}

/* Ports used again every 10 ms must not make each row look at all the others. */
static void
test_one_key_is_bounded(void)
{
    g_auto(SessionFixture) f = { 0 };
    g_autoptr(GArray) rows = session_fixture_rows();

    session_fixture_init(&f);
    for (int i = 0; i < 20000; i++) {
        FlowRow row = session_fixture_row(i / 100.0, 0.001, 1);

        row.tcp_flags = FLOW_ROW_SYN | FLOW_ROW_RST;
        add(rows, row);
    }
    session_fixture_take(&f, rows);
    g_assert_cmpuint(session_pool_len(session_engine_pool(f.engine)), <=, 64);
    session_fixture_finish(&f);
    g_assert_cmpint(session_fixture_sessions(&f), ==, 20000);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/session/eight-hours-in-pieces-by-two-routers-are-one",
                    test_long_session);
    g_test_add_func("/session/a-long-one-is-told-hour-by-hour", test_told_as_it_goes);
    g_test_add_func("/session/a-better-point-corrects", test_better_point);
    g_test_add_func("/session/what-is-one-session", test_what_is_one_session);
    g_test_add_func("/session/a-slow-beacon-is-not-joined", test_slow_beacon);
    g_test_add_func("/session/biflows-are-both-directions", test_biflow);
    g_test_add_func("/session/two-watched-ends-have-a-row-each", test_watched_both);
    g_test_add_func("/session/icmp-answers-belong-to-questions", test_icmp);
    g_test_add_func("/session/icmp-is-called-by-who-asks", test_icmp_asked_by_the_peer);
    g_test_add_func("/session/a-sparse-session-cut-by-the-timeout-is-one",
                    test_a_sparse_session_is_one);
    g_test_add_func("/session/absurd-rows-are-harmless", test_absurd_rows);
    g_test_add_func("/session/late-is-no-new-start", test_late_is_no_new_start);
    g_test_add_func("/session/a-replayed-day-closes-by-its-own-time",
                    test_replayed_day);
    g_test_add_func("/session/open-sessions-are-bounded", test_bounded);
    g_test_add_func("/session/sessions-of-one-key-are-bounded",
                    test_one_key_is_bounded);
    return g_test_run();
}
