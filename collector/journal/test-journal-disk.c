/* SPDX-License-Identifier: Apache-2.0 */

/* A journal on a disk that is full. */

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "journal/journal-fixture.h"
#include "journal/segment.h"

/* This stands in for libc's. */
static atomic_bool disk_is_full;

int posix_fallocate(int fd, off_t offset, off_t n_bytes);

int
posix_fallocate(int fd, off_t offset, off_t n_bytes)
{
    if (disk_is_full)
        return ENOSPC;
    return syscall(SYS_fallocate, fd, 0, offset, n_bytes) == 0 ? 0 : errno;
}

static JournalReader *
read_all_from_begin(JournalFixture *f)
{
    const JournalPosition begin = { 0, 0 };
    JournalReader *reader = journal_reader_new(f->journal, &begin, 0, NULL);

    g_assert_nonnull(reader);
    return reader;
}

static void
check_content(JournalFixture *f, uint64_t n)
{
    g_autoptr(JournalReader) reader = read_all_from_begin(f);

    g_assert_cmpuint(journal_fixture_drain(reader), ==, n);
    g_assert_cmpuint(journal_reader_corrupt(reader), ==, 0);
}

static void
test_a_full_disk_is_met_at_allocation(JournalFixture *f, gconstpointer unused)
{
    JournalStatus status;
    uint64_t n = 0;

    (void) unused;
    journal_fixture_open(f);
    disk_is_full = true;
    while ((status = journal_fixture_append(f, 1400)) == JOURNAL_OK)
        n++;
    g_assert_cmpint(status, ==, JOURNAL_ERROR);
    g_assert_nonnull(strstr(journal_error(f->journal), "No space left"));
    g_assert_cmpuint(journal_last_seq(f->journal), ==, n);
    check_content(f, n); /* of the disk and of memory */

    disk_is_full = false;
    for (unsigned i = 0; i < 100 && journal_fixture_append(f, 1400) != JOURNAL_OK; i++)
        g_usleep(10000);
    g_assert_cmpuint(journal_last_seq(f->journal), ==, n + 1);
    check_content(f, n + 1);
}

/* A reader that keeps up never notices; a process that ends takes along what was in
 * memory, and exactly so many are missing. */
static void
test_a_full_disk_is_gone_around_in_memory(JournalFixture *f, gconstpointer unused)
{
    const JournalPosition start = { 0, 0 };
    g_autoptr(GError) error = NULL;
    JournalRecord record;

    (void) unused;
    journal_fixture_open(f);
    JournalReader *reader = journal_reader_new(f->journal, &start, 0, NULL);
    disk_is_full = true;
    for (uint64_t n = 1; n <= 4000; n++) {
        g_assert_cmpint(journal_fixture_append(f, 1400), ==, JOURNAL_OK);
        g_assert_cmpint(journal_reader_next(reader, &record), ==, JOURNAL_READ_RECORD);
        g_assert_cmpuint(record.seq, ==, n);
        journal_fixture_check(&record);
        journal_release(f->journal, &record.at, 0);
    }
    g_assert_cmpuint(journal_reader_corrupt(reader), ==, 0);
    const JournalPosition at = journal_reader_position(reader);
    journal_reader_free(reader);
    journal_fixture_append_many(f, 5, 1400);
    journal_fixture_close(f);

    disk_is_full = false;
    g_usleep(100000); /* numbers of segments are times; these were made very quickly */
    journal_fixture_open(f);
    journal_skip_seq(f->journal, 4005); /* as the landing knows */
    journal_fixture_append_many(f, 3, 100);
    reader = journal_reader_new(f->journal, &at, 4001, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(journal_fixture_drain(reader), ==, 3);
    g_assert_cmpuint(journal_reader_corrupt(reader), ==, 5);
    journal_reader_free(reader);
}

static void
test_a_journal_is_opened_on_a_full_disk(JournalFixture *f, gconstpointer unused)
{
    (void) unused;
    journal_fixture_open(f);
    journal_fixture_append_many(f, 10, 1400);
    journal_fixture_close(f);

    disk_is_full = true; /* what is there can still be read */
    journal_fixture_open(f);
    check_content(f, 10);
    g_assert_cmpint(journal_fixture_append(f, 1400), ==, JOURNAL_OK);
    check_content(f, 11);
    disk_is_full = false;
}

static void
test_a_new_journal_on_a_full_disk_is_an_error(JournalFixture *f, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;

    (void) unused;
    disk_is_full = true;
    g_assert_null(journal_open(&f->options, &error));
    disk_is_full = false;
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
}

int
main(int argc, char **argv)
{
    static const JournalFixtureTest tests[] = {
        { "a-full-disk-is-met-at-allocation", test_a_full_disk_is_met_at_allocation },
        { "a-full-disk-is-gone-around-in-memory",
          test_a_full_disk_is_gone_around_in_memory },
        { "a-journal-is-opened-on-a-full-disk",
          test_a_journal_is_opened_on_a_full_disk },
        { "a-new-journal-on-a-full-disk-is-an-error",
          test_a_new_journal_on_a_full_disk_is_an_error },
    };

    g_test_init(&argc, &argv, NULL);
    journal_fixture_add_tests("/journal-disk/", tests, G_N_ELEMENTS(tests));
    return g_test_run();
}
