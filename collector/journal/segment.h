/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Segment: the format of one file of a journal, as bytes in memory.
 *
 * A segment is a file named NUMBER.journal (16 hex digits) of fixed size, allocated
 * and zero when made:
 *
 *   offset 0     SegmentHeader, 128 bytes
 *   offset 128   records, one behind the other, each a RecordHeader of 72 bytes and
 *                its n_bytes, filled up with zeros to a multiple of 8
 *   the rest     zeros, until the file is cut to its length when the next is begun
 *
 * Integers are in the byte order of the machine: a journal does not travel, and the
 * version of one that did would not be understood.  Numbers rise within a journal,
 * with gaps, and never repeat, not even when files were removed: a number is at
 * least the time the file was made, in milliseconds since 1970.
 *
 * Each record's checksum (CRC32C) begins with the journal's random id and the
 * segment's number.  So nothing that a sender puts into a datagram can pass for a
 * record when the end of a damaged one is searched, and neither can a block of
 * another file.  A record's magic 0 means that nothing was written there.
 *
 * A header says which seq its first record has and what the journal knew when it
 * was begun, so that every segment can be read when those before are gone, and so
 * that missing records are counted exactly. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/journal.h"

#define SEGMENT_VERSION      1
#define SEGMENT_HEADER_BYTES 128
#define SEGMENT_RECORD_BYTES 72 /* of a record without its bytes */
#define SEGMENT_ID_BYTES     16
#define SEGMENT_SUFFIX       ".journal"

/* A record of the largest datagram. */
#define SEGMENT_MAX_RECORD_BYTES 65608

typedef struct {
    uint8_t magic[8];
    uint32_t version;
    uint32_t header_bytes; /* where the first record is */
    uint8_t journal_id[SEGMENT_ID_BYTES];
    uint64_t number;      /* as in the file's name */
    uint64_t first_seq;   /* of the first record */
    int64_t created_us;   /* wall clock */
    int64_t floor_us;     /* no record is received before this */
    JournalCounts counts; /* the newest before this segment */
    uint64_t n_bytes;     /* of the file as allocated */
    uint8_t reserved[20]; /* zero */
    uint32_t crc;         /* CRC32C of all before it */
} SegmentHeader;

typedef struct {
    uint32_t magic;
    uint32_t crc; /* CRC32C of id, number, the rest of this header, and the bytes */
    uint32_t n_bytes;
    uint16_t kind; /* JournalKind */
    uint16_t listener;
    uint64_t seq;
    int64_t received_us;
    int64_t shift_us;
    uint64_t session;
    uint8_t peer[16];
    uint16_t peer_port;
    uint8_t reserved[6]; /* zero */
} RecordHeader;

typedef enum {
    SEGMENT_VALID,
    SEGMENT_INVALID,
    SEGMENT_SHORT, /* @have does not reach; more bytes are needed to tell */
} SegmentVerdict;

/* What a record's checksum begins with. */
uint32_t segment_seed(const uint8_t id[SEGMENT_ID_BYTES], uint64_t number);

/* Sets magic, version and checksum; the other members are the caller's. */
void segment_header_seal(SegmentHeader *header);

/* False for anything but a whole header, of any version. */
bool segment_header_is_valid(const SegmentHeader *header);

/* What a record of @n_bytes takes in the file. */
static inline size_t
segment_record_bytes(size_t n_bytes)
{
    return (SEGMENT_RECORD_BYTES + n_bytes + 7) & ~(size_t) 7;
}

/* Writes @record to @to, which must be zero and have room for it. */
void segment_put(uint8_t *to, uint32_t seed, const JournalRecord *record);

/* The record at @from, of which @have bytes are there.  SEGMENT_VALID sets @record
 * (its bytes lie in @from; at and next are left alone); SEGMENT_SHORT sets @need. */
SegmentVerdict segment_get(const uint8_t *from, size_t have, uint32_t seed,
                           JournalRecord *record, size_t *need);

/* Writes a file name (no folder) into @name. */
#define SEGMENT_NAME_BYTES 32
void segment_format_name(uint64_t number, char name[SEGMENT_NAME_BYTES]);
bool segment_parse_name(const char *name, uint64_t *number);
