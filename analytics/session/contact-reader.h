/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ContactReader: rows of contact_hour out of the database, group by group.
 *
 * Rows of one key come together, by hour, in constant memory whatever the volume.
 * Reading only; who writes them is contact-rows.c. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>

#include "session/contact.h"

/* One row. */
typedef struct {
    ContactKey key;
    int64_t hour_us;
    uint64_t n_sessions;
    uint64_t out_octets;
    uint64_t in_octets;
    uint64_t out_packets;
    uint64_t in_packets;
    int64_t longest_us;
    uint32_t sampling;   /* 0 = none */
    int32_t exporter_id; /* 0 = unknown */
    bool dense;
    const ContactEvent *events; /* in no order; lent for the call */
    size_t n_events;
} ContactHour;

/* False, with @error set, ends the reading. */
typedef bool (*ContactHourFunc)(const ContactHour *hour, void *user_data,
                                GError **error);

/* Hands out the rows that "FROM @from" gives, where c stands for contact_hour:
 * "flowkeep.contact_hour AS c WHERE c.hour >= '...'".  Of hours with more than
 * @max_events contacts (0 = no limit) the counts come only, without events.
 * @order: "c.host, c.peer, ..." or "" for any.  Errors: DB_ERROR, those of @func. */
bool contact_reader_run(PGconn *conn, const char *from, const char *order,
                        uint32_t max_events, ContactHourFunc func, void *user_data,
                        GError **error);

/* The order in which the rows of a group come together, and the peers of a network
 * one after the other. */
#define CONTACT_READER_BY_GROUP                                                        \
    "c.host, c.peer, c.service_port, c.protocol, c.initiator, c.hour"

/* Whether two rows are of the same group. */
bool contact_reader_same_group(const ContactKey *a, const ContactKey *b);

/* Microseconds since 1970 as a timestamptz literal of SQL, with quotes (transfer
 * full). */
char *contact_reader_time_literal(int64_t at_us);
