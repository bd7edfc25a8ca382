/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Sequence: what the sequence numbers of one stream say about what never arrived.
 *
 * v5 counts flows, v9 packets, IPFIX data records (RFC 7011 3.1); here all are
 * "units", and a message is the number of its first unit and how many it has.
 *
 *  - A small step forward is a hole.  It is lost only when it is still open some
 *    seconds later: datagrams that overtook each other close it.
 *  - A number far off, or behind, opens a second track and changes nothing else.  If
 *    that track goes on while the first falls silent, it takes over: the exporter
 *    restarted (nothing lost), or everything in between is lost.  If the first goes
 *    on as well, there are two senders, or somebody guesses numbers to hide a loss
 *    (RFC 7011 11.6): each is then accounted for by itself.
 *  - After data that could not be counted, any small step is taken for granted.
 *  - Some exporters (softflowd's IPFIX) count a message's own units in its number.
 *    Messages of changing size show which way of counting fits.
 *  - Some exporters (softflowd, IPFIX) send the number of the next message, their own
 *    units included.  That shows where two messages differ in size: steps that have
 *    the size of the new one, not of the one before.
 *
 * Plain memory of fixed size; knows no clock but the times it is given. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A step up to this is a hole; a larger one must be confirmed. */
#define SEQUENCE_WINDOW 32768

#define SEQUENCE_HOLE_US      INT64_C(2000000) /* how long a hole may be closed */
#define SEQUENCE_N_TRACKS     4
#define SEQUENCE_N_HOLES      12
#define SEQUENCE_CONFIRMING   3                 /* messages that make a track */
#define SEQUENCE_REBOOT_US    INT64_C(10000000) /* clocks are set by less than this */
#define SEQUENCE_UNKNOWN_BOOT INT64_MIN

typedef enum {
    SEQUENCE_FIRST,  /* nothing to compare with */
    SEQUENCE_NEXT,   /* as it should be */
    SEQUENCE_GAP,    /* something is missing before it */
    SEQUENCE_LATE,   /* was missing until now */
    SEQUENCE_ASTRAY, /* repeated, far off, or restarted: a track of its own */
} SequenceVerdict;

typedef struct {
    uint32_t number;
    uint32_t n_units;
    uint32_t n_options; /* of these: options, which some exporters do not count */
    bool is_vague;      /* has more units, nobody knows how many */
    int64_t received_us;
    int64_t boot_us; /* of the device, or SEQUENCE_UNKNOWN_BOOT */
} SequenceSeen;

typedef struct {
    uint32_t next;
    uint32_t jump;  /* units between the first track and its own first message */
    uint32_t slack; /* @next may be this much less: options that were not counted */
    uint32_t n_messages;
    int64_t first_us;
    int64_t last_us;
    int64_t boot_us;
    bool is_used;
    bool is_vague; /* @next is the least it can be */
} SequenceTrack;

typedef struct {
    uint32_t first;
    uint32_t n_units; /* 0 = free */
    int64_t since_us;
    uint8_t track;
} SequenceHole;

typedef struct {
    SequenceTrack tracks[SEQUENCE_N_TRACKS]; /* the first is the stream's own */
    SequenceHole holes[SEQUENCE_N_HOLES];
    uint64_t n_lost;      /* units known to be lost, not yet taken */
    uint32_t last_number; /* as it was sent */
    uint32_t last_units;
    bool has_last;
    int8_t votes; /* below 0: numbers include the message's own units */
    bool is_open; /* a hole or another track is there: sequence_settle() matters */
} Sequence;

/* Goes on from a number that was kept over a restart, of a sequence that was plain;
 * @last_seen_us is when the exporter was last heard of. */
void sequence_resume(Sequence *self, uint32_t next, int64_t last_seen_us);

/* True when the next number is all that must be known to go on. */
bool sequence_is_plain(const Sequence *self);

/* What must not be forgotten at a restart: all of it, as bytes (transfer full) that
 * only the same program on the same kind of machine reads back; NULL when it is
 * plain. */
GBytes *sequence_keep(const Sequence *self);

/* Goes on from there; false, and nothing done, when they are another's bytes. */
bool sequence_restore(Sequence *self, GBytes *kept);

SequenceVerdict sequence_see(Sequence *self, const SequenceSeen *seen);

/* Closes what has had its time at @now_us (INT64_MAX: everything) and returns the
 * units that are lost for good, once. */
uint64_t sequence_settle(Sequence *self, int64_t now_us);

/* True when @seen is of a device that booted later than that of the stream's own track
 * and starts its numbers anew. */
bool sequence_went_back(const Sequence *self, const SequenceSeen *seen);

/* The number expected next; false when it is not known. */
bool sequence_next(const Sequence *self, uint32_t *next);
