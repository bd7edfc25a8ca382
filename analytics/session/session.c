/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>

#include "session/session.h"

#define MAX_SPREAD_US (48 * SESSION_HOUR_US)
#define FIRST_ROOM    4

/* Makes room at @at, which may be the end. */
static SessionHour *
insert(SessionHours *self, uint32_t at)
{
    if (self->n > 0 && self->n - 1 == self->n_room) {
        self->n_room = self->n_room ? 2 * self->n_room : FIRST_ROOM;
        self->more = g_renew(SessionHour, self->more, self->n_room);
    }
    for (uint32_t i = self->n; i > at; i--)
        *session_hours_at(self, i) = *session_hours_at(self, i - 1);
    self->n++;

    SessionHour *hour = session_hours_at(self, at);
    *hour = (SessionHour){ 0 };
    return hour;
}

static SessionHour *
find(SessionHours *self, uint32_t number)
{
    uint32_t at = self->n;

    while (at > 0 && session_hours_at(self, at - 1)->hour > number)
        at--;
    if (at > 0 && session_hours_at(self, at - 1)->hour == number)
        return session_hours_at(self, at - 1);

    SessionHour *hour = insert(self, at);
    hour->hour = number;
    return hour;
}

static uint64_t
add_saturating(uint64_t a, uint64_t b)
{
    return a > INT64_MAX - MIN(b, (uint64_t) INT64_MAX) ? INT64_MAX : a + b;
}

void
session_hours_add(SessionHours *self, const SessionHour *more)
{
    SessionHour *hour = find(self, more->hour);

    hour->octets = add_saturating(hour->octets, more->octets);
    hour->packets = add_saturating(hour->packets, more->packets);
    hour->n_records += more->n_records;
}

static uint32_t
hour_of(int64_t at_us)
{
    return (uint32_t) (MAX(at_us, 0) / SESSION_HOUR_US);
}

/* What has passed of @total at @part of @whole. */
static uint64_t
share(uint64_t total, int64_t part, int64_t whole)
{
    return (uint64_t) ((unsigned __int128) total * (uint64_t) part / (uint64_t) whole);
}

void
session_hours_spread(SessionHours *self, int64_t start_us, int64_t end_us,
                     uint64_t octets, uint64_t packets, uint32_t n_records)
{
    const int64_t from_us = MAX(MAX(start_us, end_us - MAX_SPREAD_US), 0);
    const uint32_t first = hour_of(from_us), last = hour_of(end_us);
    uint64_t octets_told = 0, packets_told = 0;

    for (uint32_t number = first; number <= last; number++) {
        const int64_t until_us = MIN(end_us, (number + 1) * SESSION_HOUR_US);
        const bool is_last = number == last;
        const uint64_t octets_so_far =
            is_last ? octets : share(octets, until_us - from_us, end_us - from_us);
        const uint64_t packets_so_far =
            is_last ? packets : share(packets, until_us - from_us, end_us - from_us);

        session_hours_add(self, &(SessionHour){
                                    .hour = number,
                                    .n_records = number == first ? n_records : 0,
                                    .octets = octets_so_far - octets_told,
                                    .packets = packets_so_far - packets_told,
                                });
        octets_told = octets_so_far;
        packets_told = packets_so_far;
    }
}

void
session_hours_clear(SessionHours *self)
{
    g_free(self->more);
    *self = (SessionHours){ 0 };
}
