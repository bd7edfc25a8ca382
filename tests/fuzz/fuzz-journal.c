/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz target: a journal whose segment files hold anything.
 *
 * The input says what the files are: pieces, each behind an octet that says what it is
 * (see put_piece()), so that headers and records with good checksums, in any order and
 * with any numbers, are as easy to come by as rubbish.  Then the journal is opened,
 * read, fetched from, appended to, closed and opened again, with the promises of
 * journal/journal.h asserted. */

#include <string.h>

#include "budget.h"
#include "journal/journal.h"
#include "journal/segment.h"
#include "reader.h"
#include "scratch.h"

#define MAX_FILE_BYTES (160u * 1024)
#define MAX_FILES      4
#define MAX_RECORDS    4096
#define APPENDED       "appended"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file that is being made. */
typedef struct {
    uint64_t number;
    uint32_t seed;
    uint64_t seq;
    uint8_t *bytes;
    size_t n_bytes;
} File;

static void
put_bytes(File *file, const void *bytes, size_t n_bytes)
{
    const size_t n = MIN(n_bytes, MAX_FILE_BYTES - file->n_bytes);

    if (n > 0)
        memcpy(file->bytes + file->n_bytes, bytes, n);
    file->n_bytes += n;
}

static void
put_header(File *file, Reader *r)
{
    const unsigned flags = (unsigned) reader_uint(r, 1);
    SegmentHeader header = {
        .number = flags & 1 ? file->number + 1 : file->number,
        .first_seq = reader_uint(r, 2),
        .floor_us = (int64_t) reader_uint(r, 2),
        .n_bytes = reader_uint(r, 4),
    };

    header.journal_id[0] = flags & 2 ? 0xff : 1;
    segment_header_seal(&header);
    if (flags & 4)
        header.version = (uint32_t) reader_uint(r, 1);
    if (flags & 8)
        header.crc ^= 1;
    file->seq = header.first_seq;
    file->seed = segment_seed(header.journal_id, file->number);
    put_bytes(file, &header, sizeof(header));
}

static void
put_record(File *file, Reader *r)
{
    const uint64_t seq_more = reader_uint(r, 1);
    const unsigned kind = (unsigned) reader_uint(r, 1);
    const size_t n_said = reader_uint(r, 2);
    const size_t n_bytes = MIN(n_said, r->left);
    const size_t n_all = segment_record_bytes(n_bytes);
    const JournalRecord record = {
        .kind = (JournalKind) (kind & 7),
        .seq = kind & 0x80 ? UINT64_MAX - seq_more : file->seq + (seq_more & 0x0f),
        .received_us = (int64_t) (kind & 0x40 ? UINT64_MAX : file->seq),
        .session = kind,
        .bytes = reader_bytes(r, n_bytes),
        .n_bytes = n_bytes,
    };
    g_autofree uint8_t *bytes = g_malloc0(n_all);

    segment_put(bytes, file->seed, &record);
    put_bytes(file, bytes, n_all);
    file->seq = record.seq + 1;
}

static void
damage(File *file, Reader *r)
{
    const size_t at = reader_uint(r, 3);
    const uint8_t value = (uint8_t) reader_uint(r, 1);

    if (file->n_bytes > 0)
        file->bytes[at % file->n_bytes] ^= value;
}

/* False at the end of this file. */
static bool
put_piece(File *file, Reader *r)
{
    static const uint8_t zeros[4096];
    const unsigned what = (unsigned) reader_uint(r, 1);

    switch (what & 7) {
    case 0:
        return false;
    case 1:
        put_header(file, r);
        break;
    case 2:
    case 3:
        put_record(file, r);
        break;
    case 4:
        put_bytes(file, zeros, reader_uint(r, 2) & 0x0fff);
        break;
    case 5:
        damage(file, r);
        break;
    case 6: {
        const size_t cut_at =
            reader_uint(r, 3); /* not in MIN(), which reads it twice */

        file->n_bytes = MIN(file->n_bytes, cut_at);
        break;
    }
    default: {
        const size_t n_bytes = MIN((size_t) what >> 3, r->left);

        put_bytes(file, reader_bytes(r, n_bytes), n_bytes);
    }
    }
    return reader_ok(r) && r->left > 0;
}

static void
write_files(const char *directory, Reader *r)
{
    g_autofree uint8_t *bytes = g_malloc(MAX_FILE_BYTES);

    for (unsigned i = 0; i < MAX_FILES && r->left > 0; i++) {
        File file = { .number = reader_uint(r, 2), .bytes = bytes };
        char name[SEGMENT_NAME_BYTES];

        segment_format_name(file.number, name);
        while (put_piece(&file, r))
            continue;
        scratch_write(directory, name, bytes, file.n_bytes);
    }
}

static Journal *
open_journal(const char *directory)
{
    const JournalOptions options = { .directory = directory,
                                     .segment_bytes = 128 * 1024,
                                     .max_bytes = 4 * 1024 * 1024 };
    g_autoptr(GError) error = NULL;
    Journal *journal = journal_open(&options, &error);

    g_assert_true((journal == NULL) == (error != NULL));
    return journal;
}

/* What a record was, to know it again. */
typedef struct {
    JournalPosition at;
    size_t n_bytes;
    guint hash;
} Seen;

static guint
hash_of(const JournalRecord *record)
{
    guint hash = (guint) record->seq ^ (guint) record->kind;

    for (size_t i = 0; i < record->n_bytes; i++)
        hash = hash * 31 + record->bytes[i];
    return hash;
}

/* Reads all records, in order; returns those of before this opening. */
static GArray *
read_all(Journal *journal, uint64_t below_segment)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JournalReader) reader =
        journal_reader_new(journal, &(JournalPosition){ 0, 0 }, 0, &error);
    GArray *all = g_array_new(FALSE, FALSE, sizeof(Seen));
    JournalPosition last = { 0, 0 };
    JournalRecord record;

    g_assert_no_error(error);
    while (journal_reader_next(reader, &record) == JOURNAL_READ_RECORD) {
        const Seen seen = { record.at, record.n_bytes, hash_of(&record) };

        g_assert_cmpint(journal_position_compare(&last, &record.at), <, 0);
        g_assert_cmpint(journal_position_compare(&record.at, &record.next), <, 0);
        g_assert_cmpuint(record.n_bytes, <=, JOURNAL_MAX_DATAGRAM_BYTES);
        last = record.at;
        if (record.at.segment < below_segment)
            g_array_append_val(all, seen);
        g_assert_cmpuint(all->len, <=, MAX_FILES * MAX_FILE_BYTES);
    }
    return all;
}

static void
fetch_all(Journal *journal, const GArray *all)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JournalReader) reader =
        journal_reader_new(journal, &(JournalPosition){ 0, 0 }, 0, &error);

    for (guint i = 0; i < MIN(all->len, 64); i++) {
        const Seen *seen = &g_array_index(all, Seen, i);
        JournalPosition beside = seen->at;
        JournalRecord record;

        g_assert_true(journal_reader_fetch(reader, &seen->at, &record));
        g_assert_cmpuint(hash_of(&record), ==, seen->hash);
        beside.offset += 8;
        journal_reader_fetch(reader, &beside, &record);
    }
}

/* What is appended now comes back, as the last. */
static void
append_one(Journal *journal)
{
    const JournalRecord record = { .kind = JOURNAL_DATAGRAM,
                                   .bytes = (const uint8_t *) APPENDED,
                                   .n_bytes = strlen(APPENDED) };

    g_assert_cmpint(journal_append(journal, &record), ==, JOURNAL_OK);
}

static void
check_same(const GArray *before, const GArray *after)
{
    g_assert_cmpuint(before->len, ==, after->len);
    for (guint i = 0; i < before->len; i++) {
        const Seen *a = &g_array_index(before, Seen, i);
        const Seen *b = &g_array_index(after, Seen, i);

        g_assert_cmpint(journal_position_compare(&a->at, &b->at), ==, 0);
        g_assert_cmpuint(a->hash, ==, b->hash);
    }
}

static void
use_journal(const char *directory)
{
    g_autoptr(Journal) journal = open_journal(directory);

    if (!journal)
        return;

    const uint64_t first_new = journal_end(journal).segment;
    g_autoptr(GArray) before = read_all(journal, first_new);
    fetch_all(journal, before);
    append_one(journal);
    g_clear_pointer(&journal, journal_free);

    journal = open_journal(directory);
    g_assert_nonnull(journal);
    g_autoptr(GArray) after = read_all(journal, first_new);
    check_same(before, after);
    g_autoptr(GArray) all = read_all(journal, UINT64_MAX);
    g_assert_cmpuint(all->len, ==, before->len + 1);
    g_assert_cmpuint(g_array_index(all, Seen, before->len).n_bytes, ==,
                     strlen(APPENDED));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *directory = scratch_make();
    Reader r = reader_over(data, size);
    const Budget budget = budget_begin();

    write_files(directory, &r);
    use_journal(directory);
    scratch_remove(directory);
    budget_check(&budget, size);
    return 0;
}
