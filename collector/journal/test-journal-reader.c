/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "journal/journal-fixture.h"
#include "journal/segment.h"

static const JournalPosition begin = { 0, 0 };

static JournalReader *
reader_at(JournalFixture *f, const JournalPosition *from)
{
    g_autoptr(GError) error = NULL;
    JournalReader *reader = journal_reader_new(f->journal, from, 0, &error);

    g_assert_no_error(error);
    return reader;
}

/* Appends, damages the first segment, opens again. */
static void
fill_and_damage(JournalFixture *f, size_t n, size_t n_bytes, uint64_t offset,
                size_t n_damaged, uint8_t value)
{
    journal_fixture_open(f);
    journal_fixture_append_many(f, n, n_bytes);
    journal_fixture_close(f);
    g_autofree char *path = journal_fixture_path(f, 0);
    journal_fixture_damage(path, offset, n_damaged, value);
    journal_fixture_open(f);
}

static void
test_any_position_is_a_place_to_go_on_from(JournalFixture *f, gconstpointer unused)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(JournalPosition));
    JournalRecord record;

    (void) unused;
    journal_fixture_open(f);
    for (size_t i = 0; i < 400; i++)
        g_assert_cmpint(journal_fixture_append(f, i * 7919 % 3000), ==, JOURNAL_OK);
    JournalReader *reader = reader_at(f, &begin);
    while (journal_reader_next(reader, &record) == JOURNAL_READ_RECORD) {
        const JournalPosition at = journal_reader_position(reader);

        g_assert_cmpint(journal_position_compare(&record.next, &at), ==, 0);
        g_assert_cmpint(journal_position_compare(&record.at, &record.next), <, 0);
        g_array_append_val(all, record.next);
    }
    journal_reader_free(reader);

    for (guint i = 0; i < all->len; i++) {
        g_autoptr(JournalReader) again =
            reader_at(f, &g_array_index(all, JournalPosition, i));

        g_assert_cmpuint(journal_fixture_drain(again), ==, 399 - i);
        g_assert_cmpuint(journal_reader_corrupt(again), ==, 0);
    }
}

static void
test_a_damaged_record_costs_itself(JournalFixture *f, gconstpointer unused)
{
    const uint64_t one = segment_record_bytes(100);

    (void) unused;
    for (uint64_t at = 0; at < SEGMENT_RECORD_BYTES + 100; at += 3) {
        JournalFixture own;

        journal_fixture_init(&own);
        fill_and_damage(&own, 20, 100, SEGMENT_HEADER_BYTES + 7 * one + at, 1, 0x91);
        JournalReader *reader = reader_at(&own, &begin);
        g_assert_cmpuint(journal_fixture_drain(reader), ==, 19);
        g_assert_cmpuint(journal_reader_corrupt(reader), ==, 1);
        journal_reader_free(reader);
        journal_fixture_clear(&own);
    }
    (void) f;
}

static void
test_a_lost_block_costs_what_was_in_it(JournalFixture *f, gconstpointer unused)
{
    const uint64_t one = segment_record_bytes(100);

    (void) unused;
    fill_and_damage(f, 600, 100, 8192, 4096, 0); /* the last of three segments stays */
    g_autoptr(JournalReader) reader = reader_at(f, &begin);
    const uint64_t first = (8192 - SEGMENT_HEADER_BYTES) / one;
    const uint64_t last = (8192 + 4095 - SEGMENT_HEADER_BYTES) / one;
    const uint64_t lost = last - first + 1;

    g_assert_cmpuint(journal_fixture_drain(reader), ==, 600 - lost);
    g_assert_cmpuint(journal_reader_corrupt(reader), ==, lost);
}

static void
test_what_was_read_is_not_lost_again(JournalFixture *f, gconstpointer unused)
{
    const uint64_t one = segment_record_bytes(100);

    (void) unused;
    fill_and_damage(f, 20, 100, SEGMENT_HEADER_BYTES + 7 * one + 80, 1, 0x91);
    g_autofree char *path = journal_fixture_path(f, 0);
    uint64_t number;
    g_autofree char *name = g_path_get_basename(path);
    g_assert_true(segment_parse_name(name, &number));

    /* Record 8 is damaged; the reader has had 8, 12, 7 of them before. */
    static const struct {
        uint64_t had;
        uint64_t reads;
        uint64_t corrupt;
    } cases[] = { { 8, 12, 0 }, { 12, 8, 0 }, { 7, 12, 1 }, { 0, 19, 1 } };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const JournalPosition from = { number,
                                       SEGMENT_HEADER_BYTES + cases[i].had * one };
        g_autoptr(JournalReader) reader = reader_at(f, &from);

        g_assert_cmpuint(journal_fixture_drain(reader), ==, cases[i].reads);
        g_assert_cmpuint(journal_reader_corrupt(reader), ==, cases[i].corrupt);
    }
}

static void
test_a_missing_segment_is_counted(JournalFixture *f, gconstpointer unused)
{
    (void) unused;
    journal_fixture_open(f);
    journal_fixture_append_many(f, 400, 1400);
    journal_fixture_close(f);
    g_autofree char *second = journal_fixture_path(f, 1);
    g_assert_cmpint(g_unlink(second), ==, 0);

    const uint64_t lost =
        (128 * 1024 - SEGMENT_HEADER_BYTES) / segment_record_bytes(1400);
    journal_fixture_open(f);
    g_autoptr(JournalReader) reader = reader_at(f, &begin);
    g_assert_cmpuint(journal_fixture_drain(reader), ==, 400 - lost);
    g_assert_cmpuint(journal_reader_corrupt(reader), ==, lost);
}

static void
test_a_cut_tail_that_was_read_is_not_missed(JournalFixture *f, gconstpointer unused)
{
    (void) unused;
    journal_fixture_open(f);
    journal_fixture_append_many(f, 20, 100);
    const JournalPosition read_to = journal_end(f->journal);
    journal_fixture_close(f);
    const JournalPosition earlier = { read_to.segment, SEGMENT_HEADER_BYTES };
    g_autofree char *path = journal_fixture_path(f, 0);
    const uint64_t cut = read_to.offset - 5 * segment_record_bytes(100);
    g_assert_cmpint(truncate(path, (off_t) cut), ==, 0);

    journal_fixture_open(f);
    journal_skip_seq(f->journal, 20); /* as the landing knows */
    journal_fixture_append_many(f, 3, 100);
    JournalReader *reader = reader_at(f, &read_to);
    g_assert_cmpuint(journal_fixture_drain(reader), ==, 3);
    g_assert_cmpuint(journal_reader_corrupt(reader), ==, 0);
    journal_reader_free(reader);
    reader = reader_at(f, &earlier);
    g_assert_cmpuint(journal_fixture_drain(reader), ==, 15 + 3);
    g_assert_cmpuint(journal_reader_corrupt(reader), ==, 5);
    journal_reader_free(reader);
}

static void
test_positions_beyond_the_end_are_refused(JournalFixture *f, gconstpointer unused)
{
    (void) unused;
    journal_fixture_open(f);
    journal_fixture_append_many(f, 5, 100);
    const JournalPosition end = journal_end(f->journal);
    const JournalPosition cases[] = {
        { end.segment, end.offset + 8 },
        { end.segment + 1, SEGMENT_HEADER_BYTES },
        { UINT64_MAX, 0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(journal_reader_new(f->journal, &cases[i], 0, &error));
        g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL);
    }
    g_autoptr(JournalReader) reader = reader_at(f, &end);
    g_assert_cmpuint(journal_fixture_drain(reader), ==, 0);
}

/* A sender who knows the format puts whole records into a datagram, and the header of
 * the record that holds it gets damaged. */
static void
check_lost(JournalFixture *f, const JournalPosition *from, uint64_t seq, uint64_t left,
           uint64_t lost)
{
    g_autoptr(JournalReader) reader = journal_reader_new(f->journal, from, seq, NULL);

    g_assert_nonnull(reader);
    g_assert_cmpuint(journal_fixture_drain(reader), ==, left);
    g_assert_cmpuint(journal_reader_corrupt(reader), ==, lost);
    g_assert_cmpuint(journal_reader_seq(reader), ==, 301);
}

/* The segment that was being read is cut before what was read, then removed: who knows
 * the seq of the next record knows how many are missing. */
static void
test_what_went_with_the_position_is_counted(JournalFixture *f, gconstpointer unused)
{
    const uint64_t per_segment =
        (128 * 1024 - SEGMENT_HEADER_BYTES) / segment_record_bytes(1400);
    JournalRecord record;

    (void) unused;
    journal_fixture_open(f);
    journal_fixture_append_many(f, 300, 1400);
    JournalReader *reader = reader_at(f, &begin);
    for (unsigned i = 0; i < 40; i++)
        g_assert_cmpint(journal_reader_next(reader, &record), ==, JOURNAL_READ_RECORD);
    const JournalPosition at = journal_reader_position(reader);
    g_assert_cmpuint(journal_reader_seq(reader), ==, 41);
    journal_reader_free(reader);
    journal_fixture_close(f);

    g_autofree char *path = journal_fixture_path(f, 0);
    g_assert_cmpint(truncate(path, 20 * (off_t) segment_record_bytes(1400)), ==, 0);
    journal_fixture_open(f);
    check_lost(f, &at, 41, 300 - per_segment, per_segment - 40);
    journal_fixture_close(f);

    g_assert_cmpint(g_unlink(path), ==, 0);
    journal_fixture_open(f);
    check_lost(f, &at, 41, 300 - per_segment, per_segment - 40);
    check_lost(f, &at, 0, 300 - per_segment, 0); /* nobody knows */
}

static void
test_forged_records_are_not_believed(JournalFixture *f, gconstpointer unused)
{
    g_autofree uint8_t *forged = g_malloc0(8192);
    JournalRecord inner = journal_fixture_record(1, 40);
    JournalRecord outer = journal_fixture_record(1, 8192);

    (void) unused;
    inner.seq = 1;
    for (size_t at = 0; at + 256 <= 8192; at += 256)
        segment_put(forged + at, 0, &inner);
    outer.bytes = forged;
    journal_fixture_open(f);
    g_assert_cmpint(journal_append(f->journal, &outer), ==, JOURNAL_OK);
    journal_fixture_append_many(f, 2, 100);
    journal_fixture_close(f);
    g_autofree char *path = journal_fixture_path(f, 0);
    journal_fixture_damage(path, SEGMENT_HEADER_BYTES, 1, 0);

    journal_fixture_open(f);
    g_autoptr(JournalReader) reader = reader_at(f, &begin);
    g_assert_cmpuint(journal_fixture_drain(reader), ==, 2);
    g_assert_cmpuint(journal_reader_corrupt(reader), ==, 1);
}

static void
test_fetching_does_not_move(JournalFixture *f, gconstpointer unused)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(JournalPosition));
    JournalRecord record;

    (void) unused;
    journal_fixture_open(f);
    journal_fixture_append_many(f, 300, 1400);
    g_autoptr(JournalReader) reader = reader_at(f, &begin);
    for (unsigned i = 0; i < 200; i++) {
        g_assert_cmpint(journal_reader_next(reader, &record), ==, JOURNAL_READ_RECORD);
        g_array_append_val(all, record.at);
        for (guint j = 0; j < all->len; j += 50) {
            JournalRecord again;

            g_assert_true(journal_reader_fetch(reader,
                                               &g_array_index(all, JournalPosition, j),
                                               &again));
            g_assert_cmpuint(again.seq, ==, j + 1);
            journal_fixture_check(&again);
        }
        journal_fixture_check(&record); /* its bytes are still lent */
    }

    journal_release(f->journal, &record.at, 0);
    g_assert_false(
        journal_reader_fetch(reader, &g_array_index(all, JournalPosition, 0), &record));
    g_assert_false(journal_reader_fetch(reader, &(JournalPosition){ 1, 2 }, &record));
    const JournalPosition end = journal_end(f->journal);
    g_assert_false(journal_reader_fetch(reader, &end, &record));
    g_assert_cmpuint(journal_fixture_drain(reader), ==, 100);
}

static void
test_waiting_ends_for_each_reason(JournalFixture *f, gconstpointer unused)
{
    (void) unused;
    journal_fixture_open(f);
    g_autoptr(JournalReader) reader = reader_at(f, &begin);

    int64_t began_us = clock_mono_us();
    journal_reader_wait(reader, 30);
    g_assert_cmpint(clock_mono_us() - began_us, >=, 29 * US_PER_MS);

    began_us = clock_mono_us();
    journal_wake(f->journal); /* also before it sleeps */
    journal_reader_wait(reader, 10000);
    journal_fixture_append_many(f, 1, 10);
    journal_reader_wait(reader, 10000);
    g_assert_cmpint(clock_mono_us() - began_us, <, 5 * US_PER_SEC);
}

#define N_CONCURRENT 60000

static gpointer
append_concurrently(gpointer user_data)
{
    JournalFixture *f = user_data;

    for (uint64_t n = 0; n < N_CONCURRENT;) {
        if (journal_fixture_append(f, n * 7919 % 2000) == JOURNAL_OK)
            n++;
        else
            g_usleep(100);
        if (n % 5000 == 0)
            g_usleep(1000); /* let the reader fall asleep */
    }
    return NULL;
}

static void
test_a_reader_follows_a_writer(JournalFixture *f, gconstpointer unused)
{
    JournalRecord record;

    (void) unused;
    f->options.max_bytes = 2 * 1024 * 1024; /* a fraction of it: releases matter */
    f->options.sync_ms = 10;
    journal_fixture_open(f);
    g_autoptr(JournalReader) reader = reader_at(f, &begin);
    GThread *writer = g_thread_new("writer", append_concurrently, f);

    for (uint64_t n = 0; n < N_CONCURRENT;) {
        if (journal_reader_next(reader, &record) == JOURNAL_READ_EMPTY) {
            journal_reader_wait(reader, 10000);
            continue;
        }
        n++;
        g_assert_cmpuint(record.seq, ==, n);
        journal_fixture_check(&record);
        if (n % 100 == 0)
            journal_release(f->journal, &record.at, 0);
    }
    g_thread_join(writer);
    g_assert_cmpuint(journal_reader_corrupt(reader), ==, 0);
}

int
main(int argc, char **argv)
{
    static const JournalFixtureTest tests[] = {
        { "any-position-is-a-place-to-go-on-from",
          test_any_position_is_a_place_to_go_on_from },
        { "a-damaged-record-costs-itself", test_a_damaged_record_costs_itself },
        { "a-lost-block-costs-what-was-in-it", test_a_lost_block_costs_what_was_in_it },
        { "what-was-read-is-not-lost-again", test_what_was_read_is_not_lost_again },
        { "a-missing-segment-is-counted", test_a_missing_segment_is_counted },
        { "a-cut-tail-that-was-read-is-not-missed",
          test_a_cut_tail_that_was_read_is_not_missed },
        { "what-went-with-the-position-is-counted",
          test_what_went_with_the_position_is_counted },
        { "positions-beyond-the-end-are-refused",
          test_positions_beyond_the_end_are_refused },
        { "forged-records-are-not-believed", test_forged_records_are_not_believed },
        { "fetching-does-not-move", test_fetching_does_not_move },
        { "waiting-ends-for-each-reason", test_waiting_ends_for_each_reason },
        { "a-reader-follows-a-writer", test_a_reader_follows_a_writer },
    };

    g_test_init(&argc, &argv, NULL);
    journal_fixture_add_tests("/journal-reader/", tests, G_N_ELEMENTS(tests));
    return g_test_run();
}
