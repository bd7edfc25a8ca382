/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/compose.h"

#include "clock.h"
#include "db.h"
#include "mail/alert-letter.h"
#include "mail/outbox.h"
#include "mail/sql-time.h"
#include "pg-cell.h"

#define EVENTS_A_TRANSACTION 20
#define HOUR_US              (3600 * US_PER_SEC)

/* One change and what is known around it. */
typedef struct {
    const MailPolicy *policy;
    int64_t now_us;
    const IncidentEvent *event;
    const IncidentEvent *previous; /* that was told; NULL = none */
    const IncidentView *view;
} Telling;

/* What went to one recipient about one kind before. */
typedef struct {
    uint64_t n_last_hour;
    uint64_t n_held; /* since the last that was not held */
    char *thread_id; /* NULL = this is the incident's first */
} Traffic;

static void
traffic_clear(Traffic *self)
{
    g_free(self->thread_id);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Traffic, traffic_clear)

static bool
read_traffic(PGconn *conn, const Telling *telling, const Recipient *recipient,
             Traffic *traffic, GError **error)
{
    const Incident *incident = telling->view->incident;
    g_autofree char *id = g_strdup_printf("%" G_GINT64_FORMAT, incident->id);
    g_autofree char *hour_ago = sql_time(telling->now_us - HOUR_US);
    const char *const values[] = { recipient->name, incident->kind, id, hour_ago };
    g_autoptr(PGresult) rows = db_query(
        conn, "looking for what was mailed before",
        "WITH mailed AS (SELECT o.id, o.state, o.created_at"
        "  FROM flowkeep.outbox AS o JOIN flowkeep.alert AS a ON a.id = o.alert_id"
        " WHERE o.kind = 'alert' AND o.recipient = $1 AND a.kind = $2"
        "   AND o.created_at > to_timestamp($4) - interval '7 days')"
        "SELECT count(*) FILTER (WHERE state <> 'held'"
        "           AND created_at > to_timestamp($4)),"
        "       count(*) FILTER (WHERE state = 'held' AND id > coalesce("
        "           (SELECT max(m.id) FROM mailed AS m WHERE m.state <> 'held'), 0)),"
        "       (SELECT o.message_id FROM flowkeep.outbox AS o"
        "         WHERE o.alert_id = $3::bigint AND o.recipient = $1"
        "           AND o.state <> 'held' ORDER BY o.id LIMIT 1)"
        "  FROM mailed",
        G_N_ELEMENTS(values), values, error);

    if (!rows)
        return false;
    traffic->n_last_hour = pg_cell_uint(rows, 0, 0);
    traffic->n_held = pg_cell_uint(rows, 0, 1);
    traffic->thread_id = g_strdup(pg_cell_text(rows, 0, 2));
    return true;
}

static GBytes *
write_message(const Telling *telling, const Recipient *recipient,
              const Traffic *traffic, const char *id, MessageBody *body)
{
    const MailPolicy *policy = telling->policy;
    g_autofree char *from_name = g_strdup_printf("Flowkeep at %s", policy->instance);
    const AlertLetter letter = { .view = telling->view,
                                 .event = telling->event,
                                 .previous = telling->previous,
                                 .instance = policy->instance,
                                 .link = policy->link,
                                 .message_id = id,
                                 .n_held = traffic->n_held,
                                 .cap_per_hour = policy->cap_per_hour };
    const MessageEnvelope envelope = { .from_name = from_name,
                                       .from = policy->from,
                                       .to = recipient->address,
                                       .message_id = id,
                                       .thread_id = traffic->thread_id,
                                       .date_us = telling->event->at_us };

    alert_letter_write(&letter, body);
    return message_format(&envelope, body);
}

static bool
tell_one(PGconn *conn, const Telling *telling, const Recipient *recipient,
         ComposeCounts *counts, GError **error)
{
    const MailPolicy *policy = telling->policy;
    g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, telling->event->id);
    g_autofree char *id =
        message_id("alert", number, recipient->name, policy->instance, policy->from);
    g_auto(Traffic) traffic = { 0 };
    g_auto(MessageBody) body = { 0 };

    if (!read_traffic(conn, telling, recipient, &traffic, error))
        return false;

    const bool is_held = traffic.n_last_hour >= policy->cap_per_hour;
    g_autoptr(GBytes) message =
        is_held ? NULL : write_message(telling, recipient, &traffic, id, &body);
    const OutboxMessage row = { .message_id = id,
                                .kind = "alert",
                                .alert_id = telling->event->alert_id,
                                .alert_event_id = telling->event->id,
                                .recipient = recipient->name,
                                .address = recipient->address,
                                .subject = is_held ? telling->view->incident->title
                                                   : body.subject,
                                .message = message,
                                .is_held = is_held };

    counts->n_composed += !is_held;
    counts->n_held += is_held;
    return outbox_add(conn, &row, telling->now_us, error);
}

/* The last one before @event that people were told of; NULL = none. */
static const IncidentEvent *
find_previous(const GArray *events, const IncidentEvent *event)
{
    const IncidentEvent *found = NULL;

    for (unsigned i = 0; i < events->len; i++) {
        const IncidentEvent *one = &g_array_index(events, IncidentEvent, i);

        if (one->tell && one->id < event->id)
            found = one;
    }
    return found;
}

static bool
tell_all(PGconn *conn, const MailPolicy *policy, const IncidentEvent *event,
         int64_t now_us, ComposeCounts *counts, GError **error)
{
    GError *failure = NULL;
    g_autoptr(Incident) incident = incident_store_get(conn, event->alert_id, &failure);

    if (!incident) {
        if (!failure)
            return true; /* gone meanwhile */
        g_propagate_error(error, failure);
        return false;
    }
    if (g_str_equal(incident->state, "muted") ||
        now_us - event->at_us > policy->retry_hours * HOUR_US)
        return true;

    g_autoptr(GArray) events = incident_store_events(conn, incident->id, error);
    if (!events)
        return false;

    /* Evidence that cannot be read costs the pictures, not the mail. */
    g_autoptr(Evidence) evidence = evidence_parse(incident->evidence, NULL);
    g_auto(IncidentView) view = { 0 };
    incident_view_init(&view, incident, evidence);
    const Telling telling = { .policy = policy,
                              .now_us = now_us,
                              .event = event,
                              .previous = find_previous(events, event),
                              .view = &view };

    for (size_t i = 0; i < policy->n_recipients; i++) {
        const Recipient *recipient = &policy->recipients[i];

        if (routing_is_told(recipient, incident->host_group, event->severity) &&
            !tell_one(conn, &telling, recipient, counts, error))
            return false;
    }
    return true;
}

static bool
mark_composed(PGconn *conn, int64_t event_id, GError **error)
{
    g_autofree char *id = g_strdup_printf("%" G_GINT64_FORMAT, event_id);
    const char *const values[] = { id };
    g_autoptr(PGresult) result = db_query(
        conn, "marking what is composed",
        "UPDATE flowkeep.alert_event SET composed = true WHERE id = $1::bigint",
        G_N_ELEMENTS(values), values, error);

    return result != NULL;
}

/* One transaction; *@n is how many there were. */
static bool
tell_some(PGconn *conn, const MailPolicy *policy, int64_t now_us, unsigned *n,
          ComposeCounts *counts, GError **error)
{
    if (!db_exec(conn, "BEGIN", error))
        return false;

    g_autoptr(GArray) events =
        incident_store_to_tell(conn, EVENTS_A_TRANSACTION, error);
    if (!events)
        return false;

    *n = events->len;
    for (unsigned i = 0; i < events->len; i++) {
        const IncidentEvent *event = &g_array_index(events, IncidentEvent, i);

        counts->n_read++;
        if (!tell_all(conn, policy, event, now_us, counts, error) ||
            !mark_composed(conn, event->id, error))
            return false;
    }
    return db_exec(conn, "COMMIT", error);
}

bool
compose_alerts(PGconn *conn, const MailPolicy *policy, int64_t now_us,
               ComposeCounts *counts, GError **error)
{
    unsigned n = policy->n_recipients > 0 ? EVENTS_A_TRANSACTION : 0;

    while (n == EVENTS_A_TRANSACTION) {
        if (!tell_some(conn, policy, now_us, &n, counts, error)) {
            db_exec(conn, "ROLLBACK", NULL);
            return false;
        }
    }
    return true;
}
