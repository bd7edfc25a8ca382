/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/sequence.h"

#include <glib.h>
#include <string.h>

#define SEC INT64_C(1000000)

/* One message a step: IPFIX with ten records each, unless said otherwise. */
typedef struct {
    int64_t at_us;
    uint32_t number;
    uint32_t n_units;
    bool is_vague;
    int64_t boot_us; /* 0 = unknown */
    uint32_t n_options;
    SequenceVerdict verdict;
} Step;

static void
see(Sequence *s, const Step *step)
{
    const SequenceSeen seen = {
        .number = step->number,
        .n_units = step->n_units,
        .n_options = step->n_options,
        .is_vague = step->is_vague,
        .received_us = step->at_us,
        .boot_us = step->boot_us ? step->boot_us : SEQUENCE_UNKNOWN_BOOT,
    };

    g_assert_cmpint(sequence_see(s, &seen), ==, step->verdict);
}

typedef struct {
    const char *why;
    Step steps[10];  /* until one without units */
    uint64_t n_lost; /* after all is settled */
} Case;

static const Case cases[] = {
    { "in order",
      { { 0, 0, 10, .verdict = SEQUENCE_FIRST },
        { 1, 10, 10, .verdict = SEQUENCE_NEXT },
        { 2, 20, 10, .verdict = SEQUENCE_NEXT } },
      0 },
    { "numbers that count their own message (softflowd)",
      { { 0, 17, 17, .verdict = SEQUENCE_FIRST },
        { 1, 39, 22, .verdict = SEQUENCE_NEXT },
        { 2, 44, 5, .verdict = SEQUENCE_NEXT },
        { 3, 61, 17, .verdict = SEQUENCE_NEXT },
        { 4, 90, 9, .verdict = SEQUENCE_GAP }, /* 20 of them are missing */
        { 5, 93, 3, .verdict = SEQUENCE_NEXT } },
      20 },
    { "one lost step that looks like it, and what follows shows that it is not",
      { { 0, 0, 10, .verdict = SEQUENCE_FIRST },
        { 1, 10, 4, .verdict = SEQUENCE_NEXT },
        { 2, 14, 8, .verdict = SEQUENCE_NEXT },
        { 3, 27, 13, .verdict = SEQUENCE_GAP }, /* 5 lost: the step is 13 */
        { 4, 40, 2, .verdict = SEQUENCE_NEXT } },
      5 },
    { "a step that both ways of counting explain proves neither",
      { { 0, 0, 2, .verdict = SEQUENCE_FIRST },
        { 1, 2, 3, .n_options = 1, .verdict = SEQUENCE_NEXT },
        { 2, 5, 1, .is_vague = true, .verdict = SEQUENCE_NEXT },
        { 3, 6, 1, .verdict = SEQUENCE_NEXT } },
      0 },
    { "one lost",
      { { 0, 0, 10, .verdict = SEQUENCE_FIRST },
        { 1, 20, 10, .verdict = SEQUENCE_GAP },
        { 2, 30, 10, .verdict = SEQUENCE_NEXT } },
      10 },
    { "overtaken: nothing lost",
      { { 0, 0, 10, .verdict = SEQUENCE_FIRST },
        { 1, 20, 10, .verdict = SEQUENCE_GAP },
        { 2, 10, 10, .verdict = SEQUENCE_LATE },
        { 3, 30, 10, .verdict = SEQUENCE_NEXT } },
      0 },
    { "three missing, the middle one late",
      { { 0, 0, 10, .verdict = SEQUENCE_FIRST },
        { 1, 40, 10, .verdict = SEQUENCE_GAP },
        { 2, 20, 10, .verdict = SEQUENCE_LATE },
        { 3, 50, 10, .verdict = SEQUENCE_NEXT } },
      20 },
    { "all three late, in any order",
      { { 0, 0, 10, .verdict = SEQUENCE_FIRST },
        { 1, 40, 10, .verdict = SEQUENCE_GAP },
        { 2, 20, 10, .verdict = SEQUENCE_LATE },
        { 3, 30, 10, .verdict = SEQUENCE_LATE },
        { 4, 10, 10, .verdict = SEQUENCE_LATE } },
      0 },
    { "repeated",
      { { 0, 0, 10, .verdict = SEQUENCE_FIRST },
        { 1, 0, 10, .verdict = SEQUENCE_ASTRAY },
        { 2, 10, 10, .verdict = SEQUENCE_NEXT },
        { 3, 10, 10, .verdict = SEQUENCE_NEXT },
        { 4, 20, 10, .verdict = SEQUENCE_NEXT } },
      0 },
    { "wraps",
      { { 0, 0xfffffff6, 10, .verdict = SEQUENCE_FIRST },
        { 1, 0, 10, .verdict = SEQUENCE_NEXT },
        { 2, 20, 10, .verdict = SEQUENCE_GAP } },
      10 },
    { "loss over the wrap",
      { { 0, 0xffffffec, 10, .verdict = SEQUENCE_FIRST },
        { 1, 10, 10, .verdict = SEQUENCE_GAP } },
      20 },
    { "started anew: nothing lost",
      { { 0, 5000, 10, .verdict = SEQUENCE_FIRST },
        { SEC, 5010, 10, .verdict = SEQUENCE_NEXT },
        { 2 * SEC, 0, 10, .verdict = SEQUENCE_ASTRAY },
        { 3 * SEC, 10, 10, .verdict = SEQUENCE_NEXT },
        { 9 * SEC, 20, 10, .verdict = SEQUENCE_NEXT },
        { 10 * SEC, 40, 10, .verdict = SEQUENCE_GAP } },
      10 },
    { "rebooted, as its uptime says",
      { { 0, 10, 1, .boot_us = 1 * SEC, .verdict = SEQUENCE_FIRST },
        { SEC, 30, 1, .boot_us = 100 * SEC, .verdict = SEQUENCE_ASTRAY },
        { 2 * SEC, 31, 1, .boot_us = 100 * SEC, .verdict = SEQUENCE_NEXT },
        { 9 * SEC, 32, 1, .boot_us = 100 * SEC, .verdict = SEQUENCE_NEXT } },
      0 },
    { "a million lost, and going on from there",
      { { 0, 0, 10, .verdict = SEQUENCE_FIRST },
        { SEC, 1000010, 10, .verdict = SEQUENCE_ASTRAY },
        { 2 * SEC, 1000020, 10, .verdict = SEQUENCE_NEXT },
        { 9 * SEC, 1000030, 10, .verdict = SEQUENCE_NEXT } },
      1000000 },
    { "a number that was guessed hides no loss",
      { { 0, 0, 10, .verdict = SEQUENCE_FIRST },
        { 1, 1000000000, 10, .verdict = SEQUENCE_ASTRAY },
        { 2, 10, 10, .verdict = SEQUENCE_NEXT },
        { 3, 1000000010, 10, .verdict = SEQUENCE_NEXT },
        { 4, 30, 10, .verdict = SEQUENCE_GAP },
        { 5, 1000000020, 10, .verdict = SEQUENCE_NEXT },
        { 6, 40, 10, .verdict = SEQUENCE_NEXT } },
      10 },
    { "two devices behind one address",
      { { 0, 0, 10, .verdict = SEQUENCE_FIRST },
        { 1, 700000, 10, .verdict = SEQUENCE_ASTRAY },
        { 2, 10, 10, .verdict = SEQUENCE_NEXT },
        { 3, 700010, 10, .verdict = SEQUENCE_NEXT },
        { 4, 700020, 10, .verdict = SEQUENCE_NEXT },
        { 5, 20, 10, .verdict = SEQUENCE_NEXT },
        { 6, 700040, 10, .verdict = SEQUENCE_GAP },
        { 7, 40, 10, .verdict = SEQUENCE_GAP } },
      20 },
    { "uncounted records: no guess",
      { { 0, 0, 10, .verdict = SEQUENCE_FIRST },
        { 1, 10, 5, true, .verdict = SEQUENCE_NEXT },
        { 2, 27, 10, .verdict = SEQUENCE_GAP },
        { 3, 47, 10, .verdict = SEQUENCE_GAP } },
      10 },
    { "softflowd counts a message's own records too, and loses one",
      { { 0, 17, 18, .n_options = 1, .verdict = SEQUENCE_FIRST },
        { 5 * SEC, 39, 22, .verdict = SEQUENCE_NEXT },
        { 10 * SEC, 61, 22, .verdict = SEQUENCE_NEXT },
        { 15 * SEC, 84, 24, .n_options = 1, .verdict = SEQUENCE_NEXT },
        { 20 * SEC, 108, 24, .verdict = SEQUENCE_NEXT },
        { 25 * SEC, 152, 21, .verdict = SEQUENCE_GAP }, /* 23 are missing */
        { 30 * SEC, 174, 22, .verdict = SEQUENCE_NEXT } },
      23 },
    { "options that are not counted",
      { { 0, 0, 12, .n_options = 2, .verdict = SEQUENCE_FIRST },
        { SEC, 10, 11, .n_options = 1, .verdict = SEQUENCE_NEXT },
        { 2 * SEC, 20, 10, .verdict = SEQUENCE_NEXT },
        { 3 * SEC, 45, 10, .verdict = SEQUENCE_GAP } },
      15 },
    { "options that are",
      { { 0, 0, 12, .n_options = 2, .verdict = SEQUENCE_FIRST },
        { SEC, 12, 11, .n_options = 1, .verdict = SEQUENCE_NEXT },
        { 2 * SEC, 23, 10, .verdict = SEQUENCE_NEXT } },
      0 },
    { "a loss that looks like it, once, proves nothing",
      { { 0, 0, 10, .verdict = SEQUENCE_FIRST },
        { SEC, 10, 12, .verdict = SEQUENCE_NEXT },
        { 2 * SEC, 22, 14, .verdict = SEQUENCE_NEXT },
        { 3 * SEC, 52, 30, .verdict = SEQUENCE_GAP },
        { 4 * SEC, 82, 10, .verdict = SEQUENCE_NEXT } },
      16 },
    { "always 0",
      { { 0, 0, 10, .verdict = SEQUENCE_FIRST },
        { SEC, 0, 10, .verdict = SEQUENCE_ASTRAY },
        { 5 * SEC, 0, 10, .verdict = SEQUENCE_ASTRAY },
        { 9 * SEC, 0, 10, .verdict = SEQUENCE_ASTRAY },
        { 14 * SEC, 0, 10, .verdict = SEQUENCE_ASTRAY } },
      0 },
};

static void
test_cases(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Sequence s = { 0 };

        g_test_message("%s", cases[i].why);
        for (const Step *step = cases[i].steps; step->n_units > 0; step++)
            see(&s, step);
        g_assert_cmpuint(sequence_settle(&s, INT64_MAX), ==, cases[i].n_lost);
        g_assert_cmpuint(sequence_settle(&s, INT64_MAX), ==, 0);
    }
}

/* A hole is open for a while, then it is lost for good. */
static void
test_holes_take_time(void)
{
    Sequence s = { 0 };

    see(&s, &(Step){ SEC, 0, 1, .verdict = SEQUENCE_FIRST });
    see(&s, &(Step){ SEC, 3, 1, .verdict = SEQUENCE_GAP });
    g_assert_true(s.is_open);
    g_assert_cmpuint(sequence_settle(&s, SEC + 1), ==, 0);
    g_assert_cmpuint(sequence_settle(&s, SEC + SEQUENCE_HOLE_US), ==, 2);
    g_assert_false(s.is_open);
    see(&s, &(Step){ 9 * SEC, 1, 1, .verdict = SEQUENCE_ASTRAY }); /* too late */
    see(&s, &(Step){ 9 * SEC, 4, 1, .verdict = SEQUENCE_NEXT });
    g_assert_cmpuint(sequence_settle(&s, INT64_MAX), ==, 0);
}

/* Over a restart of ours: what came meanwhile is lost, a reboot meanwhile is not. */
static void
test_resume(void)
{
    static const struct {
        uint32_t number;
        int64_t boot_us;
        uint64_t n_lost;
    } after[] = {
        { 100, 0, 0 },         { 120, 0, 20 },
        { 120, 50 * SEC, 20 }, /* it ran before we stopped */
        { 120, 300 * SEC, 0 }, { 3, 0, 0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(after); i++) {
        Sequence s;
        uint32_t next;

        sequence_resume(&s, 100, 200 * SEC);
        for (unsigned k = 0; k < 5; k++) {
            const SequenceSeen seen = {
                .number = after[i].number + k,
                .n_units = 1,
                .received_us = (400 + 10 * (int64_t) k) * SEC,
                .boot_us = after[i].boot_us ? after[i].boot_us : SEQUENCE_UNKNOWN_BOOT,
            };
            sequence_see(&s, &seen);
        }
        g_assert_cmpuint(sequence_settle(&s, INT64_MAX), ==, after[i].n_lost);
        g_assert_true(sequence_next(&s, &next));
        g_assert_cmpuint(next, ==, after[i].number + 5);
    }
}

/* What a restart leaves of it: what is open, or else the next number. */
static void
restart(Sequence *s, int64_t last_seen_us)
{
    g_autoptr(GBytes) kept = sequence_keep(s);
    Sequence after;
    uint32_t next;

    memset(&after, 0xaa, sizeof(after));
    if (kept)
        g_assert_true(sequence_restore(&after, kept));
    else if (sequence_next(s, &next))
        sequence_resume(&after, next, last_seen_us);
    else
        return;
    *s = after;
}

static void
test_foreign_bytes(void)
{
    Sequence s = { 0 };
    g_autoptr(GBytes) nothing = sequence_keep(&s);

    g_assert_null(nothing);
    s.is_open = true;

    g_autoptr(GBytes) kept = sequence_keep(&s);
    const gsize n = g_bytes_get_size(kept);
    g_autofree uint8_t *bytes = g_memdup2(g_bytes_get_data(kept, NULL), n);
    g_autoptr(GBytes) cut = g_bytes_new(bytes, n - 1);

    bytes[0]++;
    g_autoptr(GBytes) of_another_layout = g_bytes_new(bytes, n);

    s.is_open = false;
    g_assert_false(sequence_restore(&s, cut));
    g_assert_false(sequence_restore(&s, of_another_layout));
    g_assert_false(s.is_open);
    g_assert_true(sequence_restore(&s, kept));
    g_assert_true(s.is_open);
}

/* Property: drop, delay and repeat at random, and begin anew in between; exactly what
 * was dropped is lost. */
static void
lose_at_random(bool restarts)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(7011);

    for (unsigned round = 0; round < 200; round++) {
        Sequence s = { 0 };
        uint64_t n_dropped = 0, n_lost = 0;
        uint32_t number = g_rand_int(random);
        SequenceSeen late = { 0 };
        const bool repeats = round % 2;

        for (unsigned i = 0; i < 500; i++) {
            const SequenceSeen seen = { .number = number,
                                        .n_units = g_rand_int_range(random, 0, 40),
                                        .received_us = i * SEC / 100,
                                        .boot_us = SEQUENCE_UNKNOWN_BOOT };
            const unsigned dice =
                i > 0 && i < 499 ? (unsigned) g_rand_int_range(random, 0, 100) : 99;

            number += seen.n_units;
            if (dice < 5) {
                n_dropped += seen.n_units;
                continue;
            }
            if (dice < 10 && late.n_units == 0) {
                late = seen;
                continue;
            }
            sequence_see(&s, &seen);
            if (dice < 15 && repeats)
                sequence_see(&s, &seen);
            if (late.n_units > 0 && dice > 50) {
                sequence_see(&s, &late);
                late.n_units = 0;
            }
            n_lost += sequence_settle(&s, seen.received_us);
            if (restarts && dice % 7 == 0)
                restart(&s, seen.received_us);
        }
        if (late.n_units > 0)
            n_dropped += late.n_units;
        n_lost += sequence_settle(&s, INT64_MAX);
        g_assert_cmpuint(n_lost, ==, n_dropped);
    }
}

static void
test_random(void)
{
    lose_at_random(false);
}

static void
test_random_restarts(void)
{
    lose_at_random(true);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sequence/what-is-lost-and-what-is-not", test_cases);
    g_test_add_func("/sequence/a-hole-may-still-be-closed", test_holes_take_time);
    g_test_add_func("/sequence/over-a-restart", test_resume);
    g_test_add_func("/sequence/exactly-what-was-dropped", test_random);
    g_test_add_func("/sequence/also-when-restarted-while-a-hole-is-open",
                    test_random_restarts);
    g_test_add_func("/sequence/bytes-of-another-program-are-refused",
                    test_foreign_bytes);
    return g_test_run();
}
