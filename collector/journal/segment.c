/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/segment.h"

#include <stdio.h>
#include <string.h>

#include "journal/crc32c.h"

#define RECORD_MAGIC UINT32_C(0x4a52464b) /* "KFRJ" in memory */
#define NAME_DIGITS  16

static const uint8_t segment_magic[8] = "FKJOURN\n";

G_STATIC_ASSERT(sizeof(SegmentHeader) == SEGMENT_HEADER_BYTES);
G_STATIC_ASSERT(sizeof(RecordHeader) == SEGMENT_RECORD_BYTES);
G_STATIC_ASSERT(SEGMENT_MAX_RECORD_BYTES ==
                ((SEGMENT_RECORD_BYTES + JOURNAL_MAX_DATAGRAM_BYTES + 7) & ~7));

uint32_t
segment_seed(const uint8_t id[SEGMENT_ID_BYTES], uint64_t number)
{
    return crc32c(crc32c(0, id, SEGMENT_ID_BYTES), &number, sizeof(number));
}

static uint32_t
header_crc(const SegmentHeader *header)
{
    return crc32c(0, header, offsetof(SegmentHeader, crc));
}

void
segment_header_seal(SegmentHeader *header)
{
    memcpy(header->magic, segment_magic, sizeof(segment_magic));
    header->version = SEGMENT_VERSION;
    header->header_bytes = SEGMENT_HEADER_BYTES;
    header->crc = header_crc(header);
}

bool
segment_header_is_valid(const SegmentHeader *header)
{
    return memcmp(header->magic, segment_magic, sizeof(segment_magic)) == 0 &&
           header->crc == header_crc(header);
}

static uint32_t
record_crc(uint32_t seed, const RecordHeader *header, const uint8_t *bytes)
{
    const size_t covered = offsetof(RecordHeader, n_bytes);
    const uint32_t crc =
        crc32c(seed, (const uint8_t *) header + covered, sizeof(*header) - covered);

    return crc32c(crc, bytes, header->n_bytes);
}

void
segment_put(uint8_t *to, uint32_t seed, const JournalRecord *record)
{
    RecordHeader header = {
        .magic = RECORD_MAGIC,
        .n_bytes = (uint32_t) record->n_bytes,
        .kind = (uint16_t) record->kind,
        .listener = record->listener,
        .seq = record->seq,
        .received_us = record->received_us,
        .shift_us = record->shift_us,
        .session = record->session,
        .peer_port = record->peer_port,
    };

    memcpy(header.peer, record->peer.bytes, sizeof(header.peer));
    header.crc = record_crc(seed, &header, record->bytes);
    memcpy(to, &header, sizeof(header));
    if (record->n_bytes > 0)
        memcpy(to + sizeof(header), record->bytes, record->n_bytes);
}

static bool
is_plausible(const RecordHeader *header)
{
    return header->magic == RECORD_MAGIC &&
           header->n_bytes <= JOURNAL_MAX_DATAGRAM_BYTES &&
           header->kind >= JOURNAL_DATAGRAM && header->kind <= JOURNAL_SESSION_REFUSED;
}

SegmentVerdict
segment_get(const uint8_t *from, size_t have, uint32_t seed, JournalRecord *record,
            size_t *need)
{
    RecordHeader header;

    *need = sizeof(header);
    if (have < sizeof(header))
        return SEGMENT_SHORT;

    memcpy(&header, from, sizeof(header));
    if (!is_plausible(&header))
        return SEGMENT_INVALID;

    *need = segment_record_bytes(header.n_bytes);
    if (have < *need)
        return SEGMENT_SHORT;
    if (record_crc(seed, &header, from + sizeof(header)) != header.crc)
        return SEGMENT_INVALID;

    record->kind = (JournalKind) header.kind;
    record->seq = header.seq;
    record->received_us = header.received_us;
    record->shift_us = header.shift_us;
    record->session = header.session;
    record->peer = ip_address_from_v6(header.peer);
    record->peer_port = header.peer_port;
    record->listener = header.listener;
    record->bytes = from + sizeof(header);
    record->n_bytes = header.n_bytes;
    return SEGMENT_VALID;
}

void
segment_format_name(uint64_t number, char name[SEGMENT_NAME_BYTES])
{
    snprintf(name, SEGMENT_NAME_BYTES, "%016" G_GINT64_MODIFIER "x" SEGMENT_SUFFIX,
             number);
}

bool
segment_parse_name(const char *name, uint64_t *number)
{
    char again[SEGMENT_NAME_BYTES];
    char *end;

    if (!g_ascii_isxdigit(name[0]))
        return false;

    const uint64_t value = g_ascii_strtoull(name, &end, 16);
    segment_format_name(value, again);
    if (end != name + NAME_DIGITS || strcmp(name, again) != 0)
        return false;

    *number = value;
    return true;
}
