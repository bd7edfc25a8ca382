/* SPDX-License-Identifier: Apache-2.0 */

/* Properties over made-up traffic: the result depends on the rows of each slice only,
 * not on their order there, nor on how many slices come at a time, nor on being stopped
 * and restored between any two. */

#include "session/session-engine.h"

#include <string.h>

#include "session/session-fixture.h"
#include "session/session-state.h"

#define SEC      SESSION_FIXTURE_SEC
#define T0_US    SESSION_FIXTURE_T0_US
#define N_ROWS   6000
#define SPAN_SEC 9000
#define N_SEEDS  8

/* Few ends, so that ports are used again, routers disagree, and pieces come late. */
static FlowRow
random_row(GRand *dice)
{
    static const double durations[] = { 0, 0.01, 1, 5, 20, 59.8, 60, 60, 299 };
    FlowRow row = session_fixture_row(
        g_rand_double_range(dice, 0, SPAN_SEC - 600),
        durations[g_rand_int_range(dice, 0, G_N_ELEMENTS(durations))],
        (uint64_t) g_rand_int_range(dice, 0, 100000));

    row.received_us = row.end_us + g_rand_int_range(dice, 0, 30) * SEC;
    row.exporter_id = g_rand_int_range(dice, 1, 4);
    row.start_us += (row.exporter_id - 2) * 3 * SEC;
    row.end_us += (row.exporter_id - 2) * 3 * SEC;
    row.src_port = (uint16_t) g_rand_int_range(dice, 30000, 30012);
    row.dst_port = (uint16_t) g_rand_int_range(dice, 9997, 10002);
    row.tcp_flags = (uint16_t) g_rand_int_range(dice, 0, 32);
    row.end_reason = (uint8_t) g_rand_int_range(dice, 0, 5);
    row.output_if = (uint32_t) g_rand_int_range(dice, 1, 3);
    row.has_flags = g_rand_int_range(dice, 0, 4) > 0;
    row.is_biflow = g_rand_int_range(dice, 0, 6) == 0;
    row.reverse_octets = row.is_biflow ? 17 : 0;
    row.sampling = (uint32_t) g_rand_int_range(dice, 0, 3);
    row.watched = (uint8_t) g_rand_int_range(dice, 1, 4);
    row.protocol = g_rand_int_range(dice, 0, 3) == 0 ? 17 : 6;
    return g_rand_boolean(dice) ? session_fixture_back(row) : row;
}

/* Some long ones among them, so that much is told before it is over. */
static GArray *
random_rows(guint32 seed)
{
    g_autoptr(GRand) dice = g_rand_new_with_seed(seed);
    GArray *rows = session_fixture_rows();
    FlowRow like = session_fixture_row(0, 0, 0);

    for (int i = 0; i < N_ROWS; i++) {
        const FlowRow row = random_row(dice);

        g_array_append_val(rows, row);
    }
    for (int exporter = 1; exporter < 4; exporter++) {
        like.exporter_id = exporter;
        like.src_port = 50000;
        session_fixture_cut(rows, like, 100, SPAN_SEC - 1000, exporter * 60, exporter,
                            (uint64_t) (1000 + exporter));
    }
    return rows;
}

static void
shuffle(GArray *rows, GRand *dice)
{
    for (guint i = rows->len - 1; i > 0; i--) {
        const guint j = (guint) g_rand_int_range(dice, 0, (gint32) i + 1);
        const FlowRow row = g_array_index(rows, FlowRow, i);

        g_array_index(rows, FlowRow, i) = g_array_index(rows, FlowRow, j);
        g_array_index(rows, FlowRow, j) = row;
    }
}

static char *
all_at_once(const GArray *rows, size_t max_open)
{
    g_auto(SessionFixture) f = { 0 };

    session_fixture_init(&f);
    session_engine_free(f.engine);
    f.options.max_open = max_open;
    f.engine = session_engine_new(&f.options);
    session_fixture_take(&f, rows);
    session_fixture_finish(&f);
    return session_fixture_text(&f, true);
}

/* @restarts: one in so many steps; 0 = never. */
static char *
in_pieces(GArray *rows, GRand *dice, int restarts, size_t max_open)
{
    g_auto(SessionFixture) f = { 0 };

    session_fixture_init(&f);
    session_engine_free(f.engine);
    f.options.max_open = max_open;
    f.engine = session_engine_new(&f.options);
    shuffle(rows, dice);
    while (f.at_us < T0_US + (SPAN_SEC + 100) * SEC) {
        const int64_t step_us = g_rand_int_range(dice, 1, 700) * SEC;

        session_fixture_take_until(&f, rows, f.at_us + step_us);
        if (restarts && g_rand_int_range(dice, 0, restarts) == 0)
            session_fixture_restart(&f);
    }
    session_fixture_finish(&f);
    return session_fixture_text(&f, true);
}

static void
test_pieces(void)
{
    for (guint32 seed = 1; seed <= N_SEEDS; seed++) {
        g_autoptr(GRand) dice = g_rand_new_with_seed(seed + 1000);
        g_autoptr(GArray) rows = random_rows(seed);
        g_autofree char *want = all_at_once(rows, 100000);
        g_autofree char *got = in_pieces(rows, dice, 0, 100000);

        g_assert_cmpuint(strlen(want), >, 10000);
        g_assert_cmpstr(got, ==, want);
    }
}

static void
test_restarts(void)
{
    for (guint32 seed = 1; seed <= N_SEEDS; seed++) {
        g_autoptr(GRand) dice = g_rand_new_with_seed(seed + 1000);
        g_autoptr(GArray) rows = random_rows(seed);
        g_autofree char *want = all_at_once(rows, 100000);
        g_autofree char *got = in_pieces(rows, dice, seed % 2 ? 1 : 3, 100000);

        g_assert_cmpstr(got, ==, want);
    }
}

/* Also where there is not room enough for all. */
static void
test_too_many(void)
{
    for (guint32 seed = 1; seed <= N_SEEDS; seed++) {
        g_autoptr(GRand) dice = g_rand_new_with_seed(seed + 1000);
        g_autoptr(GArray) rows = random_rows(seed);
        g_autofree char *want = all_at_once(rows, 40);
        g_autofree char *got = in_pieces(rows, dice, 2, 40);
        g_autofree char *roomy = all_at_once(rows, 100000);

        g_assert_cmpstr(got, ==, want);
        g_assert_cmpstr(roomy, !=, want);
    }
}

/* Bytes that are not of a checkpoint are refused, whatever they are. */
static void
test_damaged(void)
{
    g_auto(SessionFixture) f = { 0 };
    g_autoptr(GArray) rows = random_rows(3);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GRand) dice = g_rand_new_with_seed(5);

    session_fixture_init(&f);
    session_fixture_take_until(&f, rows, T0_US + 5000 * SEC);
    SessionPool *pool = session_engine_pool(f.engine);
    uint32_t index = 0;
    while (session_pool_at(pool, index)->state == SESSION_FREE)
        index++;
    session_state_encode(pool, index, bytes);

    for (guint cut = 0; cut < bytes->len; cut++) {
        SessionPool *other = session_pool_new();
        Reader r = reader_over(bytes->data, cut);

        g_assert_false(session_state_decode(other, 1, &r));
        session_pool_free(other);
    }
    for (int i = 0; i < 2000; i++) {
        SessionPool *other = session_pool_new();
        g_autofree uint8_t *copy = g_memdup2(bytes->data, bytes->len);

        copy[g_rand_int_range(dice, 0, (gint32) bytes->len)] ^=
            (uint8_t) (1 << g_rand_int_range(dice, 0, 8));
        Reader r = reader_over(copy, bytes->len);
        session_state_decode(other, 1, &r);
        session_pool_free(other);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/session/restart/pieces-and-their-order-do-not-matter",
                    test_pieces);
    g_test_add_func("/session/restart/goes-on-as-if-nothing-had-been", test_restarts);
    g_test_add_func("/session/restart/also-when-there-is-no-room", test_too_many);
    g_test_add_func("/session/restart/damaged-bytes-are-harmless", test_damaged);
    return g_test_run();
}
