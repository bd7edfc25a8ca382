/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/crc32c.h"
#include "journal/journal-fixture.h"
#include "journal/segment.h"

/* The disk's bad days.  These stand in for libc's. */
static atomic_int failing_syncs;

int
msync(void *start, size_t n_bytes, int flags)
{
    if (failing_syncs > 0) {
        failing_syncs--;
        errno = EIO;
        return -1;
    }
    return (int) syscall(SYS_msync, start, n_bytes, flags);
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
test_records_of_all_sizes_come_back(JournalFixture *f, gconstpointer unused)
{
    (void) unused;
    journal_fixture_open(f);
    for (size_t i = 0; i < 300; i++)
        g_assert_cmpint(journal_fixture_append(f, i * 7919 % 65536), ==, JOURNAL_OK);
    check_content(f, 300);
    g_assert_cmpuint(journal_last_seq(f->journal), ==, 300);
}

static void
test_reopening_goes_on(JournalFixture *f, gconstpointer unused)
{
    g_autofree char *id = NULL;
    JournalPosition end = { 0, 0 };

    (void) unused;
    for (unsigned i = 0; i < 5; i++) {
        journal_fixture_open(f);
        g_assert_cmpuint(journal_last_seq(f->journal), ==, i * 200);
        if (id)
            g_assert_cmpstr(journal_id(f->journal), ==, id);
        g_free(id);
        id = g_strdup(journal_id(f->journal));
        const JournalPosition begun = journal_end(f->journal);
        g_assert_cmpint(journal_position_compare(&begun, &end), >, 0);
        journal_fixture_append_many(f, 200, 1400);
        end = journal_end(f->journal);
        journal_fixture_close(f);
    }
    journal_fixture_open(f);
    check_content(f, 1000);
}

static void
test_idle_restarts_leave_no_files(JournalFixture *f, gconstpointer unused)
{
    (void) unused;
    for (unsigned i = 0; i < 5; i++) {
        journal_fixture_open(f);
        journal_fixture_close(f);
    }
    g_autofree char *second = journal_fixture_path(f, 1);
    g_assert_null(second);
    g_assert_cmpuint(journal_fixture_disk_bytes(f), ==, SEGMENT_HEADER_BYTES);
}

static void
test_received_times_never_fall(JournalFixture *f, gconstpointer unused)
{
    static const int64_t times[] = { 5000, 4000, 6000, 1 };
    static const int64_t want[] = { 5000, 5000, 6000, 6000 };
    JournalRecord record;

    (void) unused;
    for (size_t i = 0; i < G_N_ELEMENTS(times); i++) {
        journal_fixture_open(f); /* it must be known over a restart too */
        record = journal_fixture_record(1, 3);
        record.received_us = times[i];
        g_assert_cmpint(journal_append(f->journal, &record), ==, JOURNAL_OK);
        journal_fixture_close(f);
    }
    journal_fixture_open(f);
    g_autoptr(JournalReader) reader = read_all_from_begin(f);
    for (size_t i = 0; i < G_N_ELEMENTS(want); i++) {
        g_assert_cmpint(journal_reader_next(reader, &record), ==, JOURNAL_READ_RECORD);
        g_assert_cmpint(record.received_us, ==, want[i]);
    }
}

static void
test_counts_are_known_after_a_restart(JournalFixture *f, gconstpointer unused)
{
    const JournalCounts counts = { .kernel_drops = 7, .refused = 8 };
    const JournalRecord record = { .kind = JOURNAL_COUNTS,
                                   .bytes = (const uint8_t *) &counts,
                                   .n_bytes = sizeof(counts) };

    (void) unused;
    journal_fixture_open(f);
    g_assert_cmpint(journal_append(f->journal, &record), ==, JOURNAL_OK);
    journal_fixture_close(f);
    for (unsigned i = 0; i < 3; i++) { /* the segment with the record may go */
        journal_fixture_open(f);
        const JournalCounts known = journal_last_counts(f->journal);
        const JournalPosition end = journal_end(f->journal);

        g_assert_cmpmem(&known, sizeof(known), &counts, sizeof(counts));
        journal_release(f->journal, &end, 0);
        journal_fixture_close(f);
    }
}

static void
test_a_second_opener_is_refused(JournalFixture *f, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;

    (void) unused;
    journal_fixture_open(f);
    g_assert_null(journal_open(&f->options, &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN);
    g_assert_nonnull(strstr(error->message, f->directory));
}

static void
test_a_full_journal_refuses_until_released(JournalFixture *f, gconstpointer unused)
{
    uint64_t n = 0;

    (void) unused;
    f->options.max_bytes = 1024 * 1024;
    journal_fixture_open(f);
    for (unsigned round = 0; round < 3; round++) {
        while (journal_fixture_append(f, 1400) == JOURNAL_OK)
            n++;
        g_assert_cmpint(journal_fixture_append(f, 1400), ==, JOURNAL_FULL);
        g_assert_cmpuint(journal_fixture_disk_bytes(f), <=, f->options.max_bytes);
        g_assert_cmpuint(journal_last_seq(f->journal), ==, n);

        const JournalPosition end = journal_end(f->journal);
        journal_release(f->journal, &end, 0);
        g_assert_cmpint(journal_fixture_append(f, 1400), ==, JOURNAL_OK);
        n++;
    }
    g_assert_cmpuint(n, >, 1400); /* twice what fits */
    g_assert_cmpstr(journal_error(f->journal), ==, "");
}

static void
test_released_segments_are_kept_while_there_is_room(JournalFixture *f,
                                                    gconstpointer unused)
{
    (void) unused;
    f->options.max_bytes = 1024 * 1024;
    journal_fixture_open(f);
    journal_fixture_append_many(f, 200, 1400);

    const JournalPosition begin = journal_begin(f->journal);
    JournalPosition end = journal_end(f->journal);
    journal_release(f->journal, &end, 3600);
    JournalPosition now = journal_begin(f->journal);
    g_assert_cmpint(journal_position_compare(&now, &begin), ==, 0);

    for (unsigned i = 0; i < 2000; i++) { /* twice what there is room for */
        g_assert_cmpint(journal_fixture_append(f, 1400), ==, JOURNAL_OK);
        end = journal_end(f->journal);
        journal_release(f->journal, &end, 3600);
    }
    now = journal_begin(f->journal);
    g_assert_cmpint(journal_position_compare(&now, &begin), >, 0);
    journal_release(f->journal, &end, 0);
    now = journal_begin(f->journal);
    g_assert_cmpuint(now.segment, ==, end.segment);
}

static void
test_bytes_after_a_position(JournalFixture *f, gconstpointer unused)
{
    const JournalPosition begin = { 0, 0 };
    const uint64_t one = segment_record_bytes(1400);

    (void) unused;
    journal_fixture_open(f);
    g_assert_cmpuint(journal_bytes_after(f->journal, &begin), ==, 0);
    journal_fixture_append_many(f, 500, 1400);
    g_assert_cmpuint(journal_bytes_after(f->journal, &begin), ==, 500 * one);

    g_autoptr(JournalReader) reader = read_all_from_begin(f);
    JournalRecord record;
    for (uint64_t left = 499; left < 500; left--) {
        g_assert_cmpint(journal_reader_next(reader, &record), ==, JOURNAL_READ_RECORD);
        g_assert_cmpuint(journal_bytes_after(f->journal, &record.next), ==, left * one);
    }
}

/* --- damage --- */

static void
test_every_cut_of_the_tail_leaves_what_was_whole(JournalFixture *f,
                                                 gconstpointer unused)
{
    const uint64_t one = segment_record_bytes(20);

    (void) unused;
    for (uint64_t cut = 0; cut < 2 * one; cut += 5) {
        journal_fixture_open(f);
        const uint64_t before = journal_last_seq(f->journal);
        journal_fixture_append_many(f, 5, 20);
        journal_fixture_close(f);

        size_t n = 0;
        g_autofree char *path = journal_fixture_path(f, 0);
        for (char *next; (next = journal_fixture_path(f, n)); n++) {
            g_free(path);
            path = next;
        }
        GStatBuf st;
        g_assert_cmpint(g_stat(path, &st), ==, 0);
        g_assert_cmpint(truncate(path, st.st_size - (off_t) cut), ==, 0);
        journal_fixture_open(f);
        const uint64_t lost = (cut + one - 1) / one;
        g_assert_cmpuint(journal_last_seq(f->journal), ==, before + 5 - lost);
        check_content(f, before + 5 - lost);
        journal_fixture_close(f);
    }
}

static void
test_a_torn_tail_never_comes_back(JournalFixture *f, gconstpointer unused)
{
    (void) unused;
    journal_fixture_open(f);
    journal_fixture_append_many(f, 10, 1000);
    journal_fixture_close(f);
    g_autofree char *path = journal_fixture_path(f, 0);
    journal_fixture_damage(path, SEGMENT_HEADER_BYTES + 9 * segment_record_bytes(1000),
                           1, 0);
    for (unsigned i = 0; i < 3; i++) {
        journal_fixture_open(f);
        g_assert_cmpuint(journal_last_seq(f->journal), ==, 9 + i);
        journal_fixture_append_many(f, 1, 1000);
        journal_fixture_close(f);
    }
    journal_fixture_open(f);
    check_content(f, 12);
}

static void
test_bad_segments_are_put_aside(JournalFixture *f, gconstpointer unused)
{
    (void) unused;
    journal_fixture_open(f);
    journal_fixture_append_many(f, 300, 1400);
    const JournalPosition end = journal_end(f->journal);
    journal_fixture_close(f);

    g_autofree char *first = journal_fixture_path(f, 0);
    g_autofree char *bad = g_strconcat(first, ".bad", NULL);
    g_autofree char *note = g_build_filename(f->directory, "README", NULL);
    journal_fixture_damage(first, 50, 1, 0x55);
    g_assert_true(g_file_set_contents(note, "not ours", -1, NULL));

    journal_fixture_open(f);
    g_assert_true(g_file_test(bad, G_FILE_TEST_EXISTS));
    g_assert_true(g_file_test(note, G_FILE_TEST_EXISTS));
    g_assert_cmpuint(journal_last_seq(f->journal), ==, 300);
    const JournalPosition begin = journal_begin(f->journal);
    journal_release(f->journal, &end, 0);
    g_assert_true(g_file_test(bad, G_FILE_TEST_EXISTS));
    g_assert_cmpuint(begin.segment, >, 0);
}

static void
test_numbers_do_not_repeat_when_files_were_removed(JournalFixture *f,
                                                   gconstpointer unused)
{
    JournalPosition end = { 0, 0 };

    (void) unused;
    for (unsigned i = 0; i < 4; i++) {
        journal_fixture_open(f);
        const JournalPosition begun = journal_end(f->journal);
        g_assert_cmpint(journal_position_compare(&begun, &end), >, 0);
        journal_fixture_append_many(f, 3, 100);
        end = journal_end(f->journal);
        journal_fixture_close(f);
        g_autofree char *path = journal_fixture_path(f, 0);
        g_assert_cmpint(g_unlink(path), ==, 0);
        g_usleep(2000);
    }
}

static void
test_a_newer_format_is_refused(JournalFixture *f, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *content = NULL;
    gsize n_bytes;
    SegmentHeader header;

    (void) unused;
    journal_fixture_open(f);
    journal_fixture_append_many(f, 1, 1);
    journal_fixture_close(f);
    g_autofree char *path = journal_fixture_path(f, 0);
    g_assert_true(g_file_get_contents(path, &content, &n_bytes, NULL));
    memcpy(&header, content, sizeof(header));
    header.version++;
    header.crc = crc32c(0, &header, offsetof(SegmentHeader, crc));
    memcpy(content, &header, sizeof(header));
    g_assert_true(g_file_set_contents(path, content, (gssize) n_bytes, NULL));
    g_assert_null(journal_open(&f->options, &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL);
}

/* --- the disk --- */

static void
test_a_failed_sync_is_never_believed(JournalFixture *f, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;

    (void) unused;
    journal_fixture_open(f);
    journal_fixture_append_many(f, 3, 100);
    const JournalPosition before = journal_end(f->journal);
    failing_syncs = 1;
    g_assert_false(journal_sync(f->journal, &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_IO);
    g_assert_cmpstr(journal_error(f->journal), !=, "");

    journal_fixture_append_many(f, 3, 100);
    const JournalPosition after = journal_end(f->journal);
    g_assert_cmpuint(after.segment, >, before.segment);
    g_assert_true(journal_sync(f->journal, NULL));
    g_assert_cmpstr(journal_error(f->journal), !=, ""); /* the doubt stays */
    check_content(f, 6);
}

static void
test_syncing_thread_syncs(JournalFixture *f, gconstpointer unused)
{
    (void) unused;
    f->options.sync_ms = 5;
    journal_fixture_open(f);
    failing_syncs = 1;
    journal_fixture_append_many(f, 1, 100);
    for (unsigned i = 0; i < 400 && failing_syncs > 0; i++)
        g_usleep(5000);
    g_assert_cmpint(failing_syncs, ==, 0);
}

/* --- processes --- */

static uint64_t
resident_file_bytes(void)
{
    g_autofree char *status = NULL;
    const char *line;
    unsigned long kib;

    g_assert_true(g_file_get_contents("/proc/self/status", &status, NULL, NULL));
    line = strstr(status, "RssFile:");
    g_assert_nonnull(line);
    g_assert_cmpint(sscanf(line, "RssFile: %lu", &kib), ==, 1);
    return kib * 1024;
}

/* A handful of segments is mapped, however much goes through them: the reader's, the
 * writer's, the next one, and those whose last sync is under way. */
static void
test_memory_stays_small(JournalFixture *f, gconstpointer unused)
{
    const uint64_t segment_bytes = 4 * 1024 * 1024;
    const uint64_t most_bytes = 6 * segment_bytes + 4 * 1024 * 1024;

    (void) unused;
    f->options.segment_bytes = segment_bytes;
    f->options.max_bytes = 256 * 1024 * 1024;
    const uint64_t before = resident_file_bytes();
    journal_fixture_open(f);
    g_assert_cmpuint(resident_file_bytes(), <, before + 1024 * 1024);
    for (unsigned i = 0; i < 80; i++) {
        journal_fixture_append_many(f, 1000, 1400);
        g_assert_cmpuint(resident_file_bytes(), <, before + most_bytes);
    }
    check_content(f, 80000);
    g_assert_cmpuint(resident_file_bytes(), <, before + most_bytes);
}

static void
append_until_killed(JournalFixture *f, _Atomic(uint64_t) *appended)
{
    journal_fixture_open(f);
    for (;;) {
        const uint64_t n = journal_last_seq(f->journal);

        if (journal_fixture_append(f, n * 7919 % 4000) == JOURNAL_OK)
            *appended = n + 1;
    }
}

static void
test_kill_loses_nothing(JournalFixture *f, gconstpointer unused)
{
    _Atomic(uint64_t) *appended =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    (void) unused;
    f->options.max_bytes = 1024 * 1024 * 1024;
    for (unsigned i = 0; i < 10; i++) {
        const uint64_t before = *appended;
        const pid_t child = fork();

        if (child == 0)
            append_until_killed(f, appended);
        while (*appended < before + 1000)
            g_usleep(500);
        g_usleep(i * 300);
        kill(child, SIGKILL);
        g_assert_cmpint(waitpid(child, NULL, 0), ==, child);

        journal_fixture_open(f);
        g_assert_cmpuint(journal_last_seq(f->journal), >=, *appended);
        g_assert_cmpuint(journal_last_seq(f->journal), <=, *appended + 1);
        check_content(f, journal_last_seq(f->journal));
        journal_fixture_close(f);
    }
    munmap(appended, 4096);
}

int
main(int argc, char **argv)
{
    static const JournalFixtureTest tests[] = {
        { "records-of-all-sizes-come-back", test_records_of_all_sizes_come_back },
        { "reopening-goes-on", test_reopening_goes_on },
        { "idle-restarts-leave-no-files", test_idle_restarts_leave_no_files },
        { "received-times-never-fall", test_received_times_never_fall },
        { "counts-are-known-after-a-restart", test_counts_are_known_after_a_restart },
        { "a-second-opener-is-refused", test_a_second_opener_is_refused },
        { "a-full-journal-refuses-until-released",
          test_a_full_journal_refuses_until_released },
        { "released-segments-are-kept-while-there-is-room",
          test_released_segments_are_kept_while_there_is_room },
        { "bytes-after-a-position", test_bytes_after_a_position },
        { "every-cut-of-the-tail-leaves-what-was-whole",
          test_every_cut_of_the_tail_leaves_what_was_whole },
        { "a-torn-tail-never-comes-back", test_a_torn_tail_never_comes_back },
        { "bad-segments-are-put-aside", test_bad_segments_are_put_aside },
        { "numbers-do-not-repeat-when-files-were-removed",
          test_numbers_do_not_repeat_when_files_were_removed },
        { "a-newer-format-is-refused", test_a_newer_format_is_refused },
        { "a-failed-sync-is-never-believed", test_a_failed_sync_is_never_believed },
        { "syncing-thread-syncs", test_syncing_thread_syncs },
        { "memory-stays-small", test_memory_stays_small },
        { "kill-loses-nothing", test_kill_loses_nothing },
    };

    g_test_init(&argc, &argv, NULL);
    journal_fixture_add_tests("/journal/", tests, G_N_ELEMENTS(tests));
    return g_test_run();
}
