/* SPDX-License-Identifier: Apache-2.0 */
#include "session/contact-reader.h"

#include "clock.h"
#include "copy-reader.h"

#define DOING "reading contacts"

/* Twins: the order is that of take_row(). */
#define COLUMNS                                                                        \
    "c.host, c.peer, c.service_port, c.protocol, c.initiator, c.hour, c.sessions,"     \
    " c.out_octets, c.in_octets, c.out_packets, c.in_packets, c.longest_ms,"           \
    " c.sampling, c.exporter_id, c.dense"
#define N_COLUMNS (15 + 2)

typedef struct {
    ContactHourFunc func;
    void *user_data;
    int64_t starts_ms[CONTACT_MAX_STARTS_AN_HOUR];
    int64_t octets[CONTACT_MAX_STARTS_AN_HOUR];
    ContactEvent events[CONTACT_MAX_STARTS_AN_HOUR];
} Reading;

/* What the row counts; NULL, which the table does not have, stays 0. */
static void
take_counts(Reader *row, ContactHour *hour)
{
    uint64_t number;

    if (copy_reader_uint(row, &number))
        hour->n_sessions = number;
    if (copy_reader_uint(row, &number))
        hour->out_octets = number;
    if (copy_reader_uint(row, &number))
        hour->in_octets = number;
    if (copy_reader_uint(row, &number))
        hour->out_packets = number;
    if (copy_reader_uint(row, &number))
        hour->in_packets = number;
    if (copy_reader_uint(row, &number))
        hour->longest_us = (int64_t) MIN(number, INT64_MAX / 1000) * US_PER_MS;
    if (copy_reader_uint(row, &number))
        hour->sampling = (uint32_t) number;
    if (copy_reader_uint(row, &number))
        hour->exporter_id = (int32_t) number;
    copy_reader_bool(row, &hour->dense);
}

static void
take_events(Reader *row, Reading *reading, ContactHour *hour)
{
    size_t n_starts = 0, n_octets = 0;

    copy_reader_ints(row, reading->starts_ms, CONTACT_MAX_STARTS_AN_HOUR, &n_starts);
    copy_reader_ints(row, reading->octets, CONTACT_MAX_STARTS_AN_HOUR, &n_octets);
    n_starts = MIN(n_starts, CONTACT_MAX_STARTS_AN_HOUR);

    for (size_t i = 0; i < n_starts; i++) {
        const int64_t octets = i < n_octets ? reading->octets[i] : 0;

        reading->events[i] = (ContactEvent){
            hour->hour_us + reading->starts_ms[i] * US_PER_MS,
            (uint64_t) MAX(octets, 0),
        };
    }
    hour->events = reading->events;
    hour->n_events = n_starts;
}

static bool
take_row(Reader *row, void *user_data, GError **error)
{
    Reading *reading = user_data;
    ContactHour hour = { 0 };
    uint64_t port = 0, protocol = 0, initiator = 0;

    if (!copy_reader_inet(row, &hour.key.host) ||
        !copy_reader_inet(row, &hour.key.peer) || !copy_reader_uint(row, &port) ||
        !copy_reader_uint(row, &protocol) || !copy_reader_uint(row, &initiator) ||
        !copy_reader_time(row, &hour.hour_us))
        return copy_reader_refuse(DOING, error);

    hour.key.service_port = (uint16_t) port;
    hour.key.protocol = (uint8_t) protocol;
    hour.key.initiator = (uint8_t) initiator;
    take_counts(row, &hour);
    take_events(row, reading, &hour);
    if (!reader_ok(row) || row->left > 0)
        return copy_reader_refuse(DOING, error);
    return reading->func(&hour, reading->user_data, error);
}

static char *
statement(const char *from, const char *order, uint32_t max_events)
{
    g_autofree char *only =
        max_events > 0 ? g_strdup_printf("CASE WHEN c.sessions <= %u THEN ", max_events)
                       : g_strdup("");
    const char *end = max_events > 0 ? " END" : "";

    return g_strdup_printf("COPY (SELECT " COLUMNS ", %sc.starts%s, %sc.start_octets%s"
                           " FROM %s%s%s) TO STDOUT (FORMAT binary)",
                           only, end, only, end, from, order[0] ? " ORDER BY " : "",
                           order);
}

bool
contact_reader_run(PGconn *conn, const char *from, const char *order,
                   uint32_t max_events, ContactHourFunc func, void *user_data,
                   GError **error)
{
    g_autofree char *copy = statement(from, order, max_events);
    g_autofree Reading *reading = g_new(Reading, 1);

    reading->func = func;
    reading->user_data = user_data;
    return copy_reader_run(conn, copy, DOING, N_COLUMNS, take_row, reading, error);
}

bool
contact_reader_same_group(const ContactKey *a, const ContactKey *b)
{
    return ip_address_equal(&a->host, &b->host) &&
           ip_address_equal(&a->peer, &b->peer) && a->service_port == b->service_port &&
           a->protocol == b->protocol && a->initiator == b->initiator;
}

char *
contact_reader_time_literal(int64_t at_us)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(at_us / US_PER_SEC);
    g_autofree char *text = time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : NULL;

    return text ? g_strdup_printf("'%s.%06d+00'", text, (int) (at_us % US_PER_SEC))
                : g_strdup("'-infinity'");
}
