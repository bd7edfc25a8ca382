/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Journal: what was received, on disk, in order, until it is safely stored.
 *
 * One writer thread appends, one reader thread reads, both in this process; the
 * journal is their only hand-off.  It knows neither sockets nor what is inside a
 * datagram.  A directory of segments, each a preallocated, memory-mapped file; the
 * format stands in journal/segment.h.  There is no position file: where to read on
 * from is the database's knowledge.
 *
 * kill -9: everything appended is still there (it is in the page cache).  The writer
 * does not wait for the disk; two threads of the journal's own do (journal/upkeep.h).
 * Power cut: at most sync_ms of appended records are lost; a torn tail is cut.
 * A disk that takes no more segments: a few follow in memory, so that records go on to
 * a reader that keeps up; journal_error() says so.  They go with the process, and then
 * count as corrupt.
 * A corrupt record is skipped to the next valid one and counted; a segment whose
 * header is bad is renamed *.bad and never deleted.
 *
 * Each opening begins a new segment, and segment numbers never repeat: a position
 * once given out never means another record, whatever was cut or removed. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ip-address.h"

#define JOURNAL_MAX_DATAGRAM_BYTES 65535

/* Where a record begins.  Positions of one journal are ordered by (segment,
 * offset).  {0, 0} is before everything. */
typedef struct {
    uint64_t segment;
    uint64_t offset; /* bytes */
} JournalPosition;

static inline int
journal_position_compare(const JournalPosition *a, const JournalPosition *b)
{
    if (a->segment != b->segment)
        return a->segment < b->segment ? -1 : 1;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

typedef enum {
    JOURNAL_DATAGRAM = 1,        /* UDP payload, or one IPFIX message of a session */
    JOURNAL_SESSION_END = 2,     /* the TCP or TLS session is over; no bytes */
    JOURNAL_COUNTS = 3,          /* bytes are a JournalCounts */
    JOURNAL_SESSION_REFUSED = 4, /* a TLS handshake came to nothing: bytes are the class
                                  * of the loss, as text */
} JournalKind;

/* Running totals since the journal was created, of what never got into it. */
typedef struct {
    uint64_t kernel_drops;  /* datagrams */
    uint64_t refused;       /* datagrams and connections not on the allow list */
    uint64_t journal_full;  /* datagrams */
    uint64_t tcp_malformed; /* sessions reset because of their framing */
} JournalCounts;

typedef struct {
    JournalKind kind;
    uint64_t seq;        /* 1, 2, 3 ... over the whole journal */
    int64_t received_us; /* never less than that of the record before */
    int64_t shift_us;    /* see decode/datagram.h */
    uint64_t session;
    IpAddress peer;
    uint16_t peer_port;
    uint16_t listener; /* index of the [listen] section; journal does not care */
    const uint8_t *bytes;
    size_t n_bytes;
    JournalPosition at;   /* set by the reader: this record */
    JournalPosition next; /* set by the reader: the record after it */
} JournalRecord;

typedef struct {
    const char *directory;  /* made if missing, mode 0700; one journal each */
    uint64_t segment_bytes; /* at least 128 KiB and at most a quarter of max_bytes;
                             * raised or lowered to that */
    uint64_t max_bytes;     /* of all segments, preallocated ones included */
    uint32_t sync_ms;       /* 0 = sync only when asked */
} JournalOptions;

typedef struct Journal Journal;

/* Opens or creates; takes an exclusive lock on the directory, so that a second
 * process is refused with a clear error.  Finds the end of the last segment, and
 * starts the sync thread.  Errors: G_FILE_ERROR. */
Journal *journal_open(const JournalOptions *options, GError **error);
void journal_free(Journal *self); /* syncs, unlocks; reader must be gone */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Journal, journal_free)

/* A random 16-byte identity given at creation, as 32 hex digits and NUL. */
const char *journal_id(const Journal *self);

/* --- writer thread --- */

typedef enum {
    JOURNAL_OK,
    JOURNAL_FULL,  /* max_bytes reached: nothing was written */
    JOURNAL_ERROR, /* the disk: nothing was written; journal_error() says why */
} JournalStatus;

/* Appends a copy of @record (seq, at, next are ignored; received_us is raised to
 * that of the record before if it is less).  Visible to the reader on return. */
JournalStatus journal_append(Journal *self, const JournalRecord *record);

/* The seq of the newest record; 0 = none yet. */
uint64_t journal_last_seq(const Journal *self);

/* For a writer that knows of records the journal does not have (any more): the next
 * one gets a seq above @seq, and the reader counts those between as corrupt.  Before
 * a reader is there. */
void journal_skip_seq(Journal *self, uint64_t seq);

/* The newest JournalCounts appended, for the writer to go on from. */
JournalCounts journal_last_counts(const Journal *self);

/* Text of the last disk error, "" = none.  Any thread. */
const char *journal_error(const Journal *self);

/* Syncs all that was appended.  Blocks.  Any thread. */
bool journal_sync(Journal *self, GError **error);

/* --- reader thread --- */

typedef enum {
    JOURNAL_READ_RECORD,
    JOURNAL_READ_EMPTY, /* caught up with the writer */
} JournalRead;

typedef struct JournalReader JournalReader;

/* Reads from @from on, where the record with @seq was or is to be (0 = not known).  A
 * position in or before a segment that is gone is moved to the next there is, and so
 * is one behind the end of a segment whose tail was cut (what was there has been read
 * once); @seq tells how many records that skips, which are counted as corrupt.  One
 * beyond the end of the journal is another journal's: an error, G_FILE_ERROR_INVAL.
 * One reader at a time. */
JournalReader *journal_reader_new(Journal *journal, const JournalPosition *from,
                                  uint64_t seq, GError **error);
void journal_reader_free(JournalReader *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JournalReader, journal_reader_free)

/* @record's bytes are lent until the next call on @self. */
JournalRead journal_reader_next(JournalReader *self, JournalRecord *record);

/* Where journal_reader_next() will go on. */
JournalPosition journal_reader_position(const JournalReader *self);

/* The seq of the record it expects there; 0 = not known. */
uint64_t journal_reader_seq(const JournalReader *self);

/* Sleeps until something was appended, @timeout_ms passed or journal_wake(). */
void journal_reader_wait(JournalReader *self, unsigned timeout_ms);
void journal_wake(Journal *self); /* any thread */

/* Reads the record at @position again, without moving; false when it is gone.  Its
 * bytes are lent until the next journal_reader_fetch(). */
bool journal_reader_fetch(JournalReader *self, const JournalPosition *position,
                          JournalRecord *record);

/* Records that a checksum refused and seqs that are missing, since opened. */
uint64_t journal_reader_corrupt(const JournalReader *self);

/* Position of the end, as now visible.  Any thread. */
JournalPosition journal_end(const Journal *self);
JournalPosition journal_begin(Journal *self); /* of the oldest record kept */

/* Bytes between @position and the end: the backlog.  Reader thread. */
uint64_t journal_bytes_after(Journal *self, const JournalPosition *position);

/* Deletes the segments wholly before @position; when @keep_sec is not 0 only those
 * closed that long ago, as long as there is room for another segment.  The newest
 * segment stays.  Reader thread. */
void journal_release(Journal *self, const JournalPosition *position, uint32_t keep_sec);
