/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* JournalFixture: a journal in a folder of its own, for tests. */

#include "journal/journal.h"

typedef struct {
    char *directory;
    JournalOptions options;
    Journal *journal;
} JournalFixture;

/* Small segments, no syncing unless asked. */
void journal_fixture_init(JournalFixture *self);
void journal_fixture_clear(JournalFixture *self); /* removes the folder */

typedef struct {
    const char *name;
    void (*run)(JournalFixture *f, gconstpointer unused);
} JournalFixtureTest;

/* Adds tests whose paths are @prefix and their names, each with a fixture of its own.
 */
void journal_fixture_add_tests(const char *prefix, const JournalFixtureTest *tests,
                               size_t n_tests);

void journal_fixture_open(JournalFixture *self); /* must succeed */
void journal_fixture_close(JournalFixture *self);

/* What record number @n is made of: any n, any size up to the largest. */
JournalRecord journal_fixture_record(uint64_t n, size_t n_bytes);

/* Appends one with the number it is going to have as its n. */
JournalStatus journal_fixture_append(JournalFixture *self, size_t n_bytes);
void journal_fixture_append_many(JournalFixture *self, size_t n, size_t n_bytes);

/* Fails the test unless @record is what journal_fixture_record() made. */
void journal_fixture_check(const JournalRecord *record);

/* Reads to the end, checks each, and returns how many there were. */
uint64_t journal_fixture_drain(JournalReader *reader);

/* Path of the @i-th segment there is (transfer full); NULL = there are fewer. */
char *journal_fixture_path(const JournalFixture *self, size_t i);

/* Sum of the sizes of all files of the journal. */
uint64_t journal_fixture_disk_bytes(const JournalFixture *self);

/* Changes a file behind the journal's back: @n_bytes at @offset become @value. */
void journal_fixture_damage(const char *path, uint64_t offset, size_t n_bytes,
                            uint8_t value);
