/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/segment.h"

#include <string.h>

#include "journal/journal-fixture.h"

#define SEED 0x12345678

static const size_t sizes[] = { 0, 1, 7, 8, 9, 1400, JOURNAL_MAX_DATAGRAM_BYTES };

static uint8_t *
put(uint64_t n, size_t n_bytes)
{
    uint8_t *bytes = g_malloc0(SEGMENT_MAX_RECORD_BYTES);
    JournalRecord record = journal_fixture_record(n, n_bytes);

    record.seq = n;
    segment_put(bytes, SEED, &record);
    return bytes;
}

static void
test_records_come_back(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree uint8_t *bytes = put(i + 1, sizes[i]);
        const size_t n_bytes = segment_record_bytes(sizes[i]);
        JournalRecord record = { 0 };
        size_t need;

        g_assert_cmpint(segment_get(bytes, n_bytes, SEED, &record, &need), ==,
                        SEGMENT_VALID);
        g_assert_cmpuint(need, ==, n_bytes);
        g_assert_cmpuint(record.seq, ==, i + 1);
        g_assert_cmpuint(record.n_bytes, ==, sizes[i]);
        journal_fixture_check(&record);
    }
}

static void
test_every_cut_is_short(void)
{
    g_autofree uint8_t *bytes = put(1, 100);
    JournalRecord record;
    size_t need;

    for (size_t have = 0; have < segment_record_bytes(100); have++) {
        g_autofree uint8_t *cut = g_memdup2(bytes, have ? have : 1);

        g_assert_cmpint(segment_get(cut, have, SEED, &record, &need), ==,
                        SEGMENT_SHORT);
        g_assert_cmpuint(need, >, have);
    }
}

static void
test_every_flipped_bit_is_noticed(void)
{
    const size_t n_bytes = SEGMENT_RECORD_BYTES + 40;
    g_autofree uint8_t *bytes = put(1, 40);
    JournalRecord record;
    size_t need;

    for (size_t bit = 0; bit < n_bytes * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
        g_assert_cmpint(segment_get(bytes, n_bytes, SEED, &record, &need), !=,
                        SEGMENT_VALID);
        bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
    }
}

static void
test_a_record_of_another_segment_is_none(void)
{
    const uint8_t id[SEGMENT_ID_BYTES] = { 1 };
    const uint8_t other_id[SEGMENT_ID_BYTES] = { 2 };
    g_autofree uint8_t *bytes = g_malloc0(SEGMENT_MAX_RECORD_BYTES);
    const JournalRecord record = journal_fixture_record(1, 10);
    JournalRecord got;
    size_t need;

    segment_put(bytes, segment_seed(id, 7), &record);
    g_assert_cmpint(segment_get(bytes, 4096, segment_seed(id, 7), &got, &need), ==,
                    SEGMENT_VALID);
    g_assert_cmpint(segment_get(bytes, 4096, segment_seed(id, 8), &got, &need), ==,
                    SEGMENT_INVALID);
    g_assert_cmpint(segment_get(bytes, 4096, segment_seed(other_id, 7), &got, &need),
                    ==, SEGMENT_INVALID);
}

static void
test_zeros_are_nothing(void)
{
    const uint8_t zeros[4096] = { 0 };
    SegmentHeader header;
    JournalRecord record;
    size_t need;

    memset(&header, 0, sizeof(header));
    g_assert_false(segment_header_is_valid(&header));
    g_assert_cmpint(segment_get(zeros, sizeof(zeros), SEED, &record, &need), ==,
                    SEGMENT_INVALID);
}

static void
test_a_header_is_whole_or_nothing(void)
{
    SegmentHeader header = { .number = 5, .first_seq = 6 };
    uint8_t *bytes = (uint8_t *) &header;

    segment_header_seal(&header);
    g_assert_true(segment_header_is_valid(&header));
    for (size_t bit = 0; bit < sizeof(header) * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
        g_assert_false(segment_header_is_valid(&header));
        bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
    }
}

static void
test_names(void)
{
    static const struct {
        const char *name;
        bool ok;
        uint64_t number;
    } cases[] = {
        { "0000000000000001.journal", true, 1 },
        { "0000018f00abcdef.journal", true, 0x18f00abcdef },
        { "ffffffffffffffff.journal", true, UINT64_MAX },
        { "1.journal", false, 0 },
        { "0000018F00ABCDEF.journal", false, 0 }, /* we write lower case */
        { "0000000000000001.journal.bad", false, 0 },
        { "00000000000000001.journal", false, 0 },
        { "-000000000000001.journal", false, 0 },
        { "worker-0.landing", false, 0 },
        { "", false, 0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint64_t number = 0;

        g_assert_cmpint(segment_parse_name(cases[i].name, &number), ==, cases[i].ok);
        g_assert_cmpuint(number, ==, cases[i].number);
    }
}

int
main(int argc, char **argv)
{
    JournalFixture fixture;

    g_test_init(&argc, &argv, NULL);
    journal_fixture_init(&fixture);
    g_test_add_func("/segment/records-come-back", test_records_come_back);
    g_test_add_func("/segment/every-cut-is-short", test_every_cut_is_short);
    g_test_add_func("/segment/every-flipped-bit-is-noticed",
                    test_every_flipped_bit_is_noticed);
    g_test_add_func("/segment/a-record-of-another-segment-is-none",
                    test_a_record_of_another_segment_is_none);
    g_test_add_func("/segment/zeros-are-nothing", test_zeros_are_nothing);
    g_test_add_func("/segment/a-header-is-whole-or-nothing",
                    test_a_header_is_whole_or_nothing);
    g_test_add_func("/segment/names", test_names);

    const int status = g_test_run();
    journal_fixture_clear(&fixture);
    return status;
}
