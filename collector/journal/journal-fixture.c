/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal-fixture.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "journal/segment.h"

static uint8_t content[JOURNAL_MAX_DATAGRAM_BYTES + 256];

void
journal_fixture_init(JournalFixture *self)
{
    memset(self, 0, sizeof(*self));
    self->directory = g_dir_make_tmp("flowkeep-journal-XXXXXX", NULL);
    g_assert_nonnull(self->directory);
    self->options = (JournalOptions){ .directory = self->directory,
                                      .segment_bytes = 128 * 1024,
                                      .max_bytes = 64 * 1024 * 1024 };
    for (size_t i = 0; i < sizeof(content); i++)
        content[i] = (uint8_t) i;
}

static int
compare_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static GPtrArray *
list_files(const JournalFixture *self)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(self->directory, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir)))
        g_ptr_array_add(names, g_build_filename(self->directory, name, NULL));
    g_dir_close(dir);
    g_ptr_array_sort(names, compare_texts);
    return names;
}

void
journal_fixture_clear(JournalFixture *self)
{
    journal_fixture_close(self);

    g_autoptr(GPtrArray) names = list_files(self);
    for (guint i = 0; i < names->len; i++)
        g_unlink(g_ptr_array_index(names, i));
    g_assert_cmpint(g_rmdir(self->directory), ==, 0);
    g_free(self->directory);
}

static void
set_up(JournalFixture *f, gconstpointer unused)
{
    (void) unused;
    journal_fixture_init(f);
}

static void
tear_down(JournalFixture *f, gconstpointer unused)
{
    (void) unused;
    journal_fixture_clear(f);
}

void
journal_fixture_add_tests(const char *prefix, const JournalFixtureTest *tests,
                          size_t n_tests)
{
    for (size_t i = 0; i < n_tests; i++) {
        g_autofree char *path = g_strconcat(prefix, tests[i].name, NULL);

        g_test_add(path, JournalFixture, NULL, set_up, tests[i].run, tear_down);
    }
}

void
journal_fixture_open(JournalFixture *self)
{
    g_autoptr(GError) error = NULL;

    self->journal = journal_open(&self->options, &error);
    g_assert_no_error(error);
}

void
journal_fixture_close(JournalFixture *self)
{
    g_clear_pointer(&self->journal, journal_free);
}

JournalRecord
journal_fixture_record(uint64_t n, size_t n_bytes)
{
    const uint8_t peer[16] = { 0x20, 1, 0x0d, 0xb8, [15] = (uint8_t) n };

    return (JournalRecord){ .kind = JOURNAL_DATAGRAM,
                            .received_us = (int64_t) (1000 * n),
                            .shift_us = -(int64_t) n,
                            .session = n << 33,
                            .peer = ip_address_from_v6(peer),
                            .peer_port = (uint16_t) (n * 3),
                            .listener = (uint16_t) (n % 5),
                            .bytes = content + n % 256,
                            .n_bytes = n_bytes };
}

JournalStatus
journal_fixture_append(JournalFixture *self, size_t n_bytes)
{
    const JournalRecord record =
        journal_fixture_record(journal_last_seq(self->journal) + 1, n_bytes);

    return journal_append(self->journal, &record);
}

void
journal_fixture_append_many(JournalFixture *self, size_t n, size_t n_bytes)
{
    for (size_t i = 0; i < n; i++)
        g_assert_cmpint(journal_fixture_append(self, n_bytes), ==, JOURNAL_OK);
}

void
journal_fixture_check(const JournalRecord *record)
{
    const JournalRecord want = journal_fixture_record(record->seq, record->n_bytes);

    g_assert_cmpint(record->kind, ==, want.kind);
    g_assert_cmpint(record->received_us, ==, want.received_us);
    g_assert_cmpint(record->shift_us, ==, want.shift_us);
    g_assert_cmpuint(record->session, ==, want.session);
    g_assert_true(ip_address_equal(&record->peer, &want.peer));
    g_assert_cmpuint(record->peer_port, ==, want.peer_port);
    g_assert_cmpuint(record->listener, ==, want.listener);
    g_assert_cmpmem(record->bytes, record->n_bytes, want.bytes, want.n_bytes);
}

uint64_t
journal_fixture_drain(JournalReader *reader)
{
    JournalRecord record;
    uint64_t n = 0;

    for (; journal_reader_next(reader, &record) == JOURNAL_READ_RECORD; n++)
        journal_fixture_check(&record);
    return n;
}

char *
journal_fixture_path(const JournalFixture *self, size_t i)
{
    g_autoptr(GPtrArray) names = list_files(self);

    for (guint j = 0; j < names->len; j++) {
        const char *path = g_ptr_array_index(names, j);

        if (g_str_has_suffix(path, SEGMENT_SUFFIX) && i-- == 0)
            return g_strdup(path);
    }
    return NULL;
}

uint64_t
journal_fixture_disk_bytes(const JournalFixture *self)
{
    g_autoptr(GPtrArray) names = list_files(self);
    uint64_t sum = 0;

    for (guint i = 0; i < names->len; i++) {
        GStatBuf st;

        if (g_stat(g_ptr_array_index(names, i), &st) == 0)
            sum += (uint64_t) st.st_size;
    }
    return sum;
}

void
journal_fixture_damage(const char *path, uint64_t offset, size_t n_bytes, uint8_t value)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);

    g_assert_cmpint(fd, >=, 0);
    for (size_t i = 0; i < n_bytes; i++)
        g_assert_cmpint(pwrite(fd, &value, 1, (off_t) (offset + i)), ==, 1);
    close(fd);
}
