/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Session: what belongs together on one 5-tuple, and what was seen of it where.
 *
 * Each observation point (exporter, interfaces, metering direction) that reports one
 * direction of the session has a part of its own, since points report the same packets
 * again: parts are never added up, the one with the most octets is taken.  Plain
 * values in the arrays of a SessionPool, linked by index.  Times are microseconds
 * since 1970-01-01 UTC, as the exporters have them, unless said. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/session-key.h"

#define SESSION_NONE UINT32_MAX /* no index */

#define SESSION_HOUR_US INT64_C(3600000000)

/* What of a part lies in one hour. */
typedef struct {
    uint32_t hour; /* since 1970 */
    uint32_t n_records;
    uint64_t octets;
    uint64_t packets;
} SessionHour;

/* Hours, rising.  The first is at hand, for most sessions have no other. */
typedef struct {
    uint32_t n;
    uint32_t n_room; /* of more */
    SessionHour first;
    SessionHour *more;
} SessionHours;

static inline SessionHour *
session_hours_at(const SessionHours *self, uint32_t i)
{
    return i == 0 ? (SessionHour *) &self->first : &self->more[i - 1];
}

/* Spreads what is in [start, end] over its hours by time; of what is longer than two
 * days, over the last two. */
void session_hours_spread(SessionHours *self, int64_t start_us, int64_t end_us,
                          uint64_t octets, uint64_t packets, uint32_t n_records);
void session_hours_add(SessionHours *self, const SessionHour *more);
void session_hours_clear(SessionHours *self);

/* One direction of a session as one observation point sees it. */
typedef struct {
    uint64_t point;
    int64_t start_us;
    int64_t end_us;
    uint64_t octets;
    uint64_t packets;
    uint32_t n_records;
    uint32_t next; /* part of the session, or SESSION_NONE */
    int32_t exporter_id;
    uint32_t sampling; /* largest; 0 = none */
    uint32_t last_ms;  /* duration of the record that ends last */
    uint16_t first_flags;
    uint16_t last_flags;
    uint8_t last_reason;
    uint8_t has_flags;
    uint8_t forward; /* from the low end to the high one */
    uint8_t zero;
    SessionHours hours;
} SessionPart;

typedef enum { SESSION_FREE, SESSION_OPEN, SESSION_CLOSED } SessionState;

/* Which end: of Session.caller and of what was told. */
typedef enum { SESSION_END_UNKNOWN, SESSION_END_LOW, SESSION_END_HIGH } SessionEnd;

enum { SESSION_WATCHED_LOW = 1, SESSION_WATCHED_HIGH = 2 };

/* Who called whom, and where. */
typedef struct {
    uint16_t service_port;
    uint8_t caller; /* a SessionEnd */
    uint8_t watched;
} SessionRole;

/* One hour of a session in both directions; differences of it may be below zero. */
typedef struct {
    uint32_t hour;
    int32_t n_records;
    int64_t octets[2]; /* [0] back, [1] forward */
    int64_t packets[2];
} SessionTold;

/* What contact_hour has been told of a session that is not over yet. */
typedef struct {
    SessionRole role;
    uint32_t n;
    SessionTold hours[];
} SessionAccount;

typedef struct {
    SessionKey key;
    uint8_t state;     /* a SessionState */
    uint8_t watched;   /* SESSION_WATCHED_... */
    uint8_t biflow;    /* a SessionEnd: who called, by a record of both directions */
    uint8_t is_dirty;  /* in the list of changes since the last checkpoint */
    uint8_t is_stored; /* in session_open */
    uint8_t zero;
    SessionRole role; /* of a closed one, as it was told */
    int64_t start_us; /* over all points */
    int64_t end_us;
    int64_t received_us; /* of its newest record */
    uint64_t id;
    uint32_t longest_ms; /* record */
    uint32_t next;       /* session of the same key, or SESSION_NONE */
    uint32_t parts;      /* the first */
    uint32_t hash;
    SessionAccount *account; /* NULL: nothing was told; or, of a closed one, all */
} Session;
