/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/digest.h"

#include <string.h>

#include "alert/incident-store.h"
#include "clock.h"
#include "db.h"
#include "mail/axis.h"
#include "mail/digest-letter.h"
#include "mail/incident-view.h"
#include "mail/outbox.h"
#include "mail/sql-time.h"
#include "pg-cell.h"

#define HOUR_US       (3600 * US_PER_SEC)
#define DAY_US        (24 * HOUR_US)
#define MAX_WINDOW_US (7 * DAY_US) /* after a longer silence, the last week */

enum {
    SECTION_NEW,
    SECTION_OVER,
    SECTION_MAIL,
    SECTION_ONGOING,
    SECTION_BLIND,
    N_SECTIONS
};

static const struct {
    const char *heading;
    const char *noun;
    bool is_news;
} sections[N_SECTIONS] = {
    [SECTION_NEW] = { "New", "new", true },
    [SECTION_OVER] = { "Resolved", "resolved", true },
    [SECTION_MAIL] = { "Mail that did not reach you", NULL, true },
    [SECTION_ONGOING] = { "Going on", "going on", false },
    [SECTION_BLIND] = { "What cannot be seen", NULL, false },
};

/* One digest: what it is about. */
typedef struct {
    PGconn *conn;
    const MailPolicy *policy;
    int64_t now_us;
    int64_t from_us; /* the window */
    int64_t to_us;
    const GArray *incidents; /* of Incident */
} Digest;

/* $1 and $2, as to_timestamp() takes them. */
typedef struct {
    char *from;
    char *to;
} Window;

static void
window_clear(Window *self)
{
    g_free(self->from);
    g_free(self->to);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Window, window_clear)

static Window
window_of(const Digest *digest)
{
    return (Window){ sql_time(digest->from_us), sql_time(digest->to_us) };
}

/* --- incidents --- */

static char *
incident_detail(const Incident *incident)
{
    return g_strdup_printf("score %d, %s%s, incident %" G_GINT64_FORMAT,
                           incident_view_score(incident->score),
                           g_str_equal(incident->severity, "mail") ? "mailed"
                                                                   : "not mailed",
                           g_str_equal(incident->state, "open") ||
                                   g_str_equal(incident->state, "resolved")
                               ? ""
                           : g_str_equal(incident->state, "muted") ? ", muted"
                                                                   : ", acknowledged",
                           incident->id);
}

static void
add_incidents(const Digest *digest, const Recipient *recipient, DigestSection *to)
{
    for (unsigned i = 0; i < digest->incidents->len; i++) {
        const Incident *incident = &g_array_index(digest->incidents, Incident, i);
        const bool is_over =
            incident->resolved_us > 0 && incident->resolved_us <= digest->to_us;
        const bool is_new = incident->opened_us > digest->from_us;

        if (incident->opened_us > digest->to_us ||
            g_str_equal(incident->severity, "listed") ||
            (is_over && incident->resolved_us <= digest->from_us) ||
            !routing_concerns(recipient, incident->host_group))
            continue;
        digest_letter_add(&to[is_over  ? SECTION_OVER
                              : is_new ? SECTION_NEW
                                       : SECTION_ONGOING],
                          incident->id, g_strdup(incident->title),
                          incident_detail(incident));
    }
}

/* --- mail --- */

static bool
add_mail(const Digest *digest, const Recipient *recipient, DigestSection *to,
         GError **error)
{
    g_auto(Window) window = window_of(digest);
    const char *const values[] = { window.from, window.to, recipient->name };
    g_autoptr(PGresult) rows =
        db_query(digest->conn, "looking for mail that did not arrive",
                 "SELECT o.state, count(*), max(o.last_error)"
                 "  FROM flowkeep.outbox AS o"
                 " WHERE o.recipient = $3 AND o.kind <> 'test'"
                 "   AND o.created_at <= to_timestamp($2)"
                 "   AND ((o.state IN ('held', 'refused')"
                 "         AND o.created_at > to_timestamp($1))"
                 "     OR (o.state IN ('pending', 'sending') AND o.attempts > 0))"
                 " GROUP BY o.state ORDER BY o.state",
                 G_N_ELEMENTS(values), values, error);

    for (int i = 0; rows && i < PQntuples(rows); i++) {
        const char *state = PQgetvalue(rows, i, 0);
        const char *count = PQgetvalue(rows, i, 1);
        const char *said = pg_cell_text(rows, i, 2);

        digest_letter_add(
            to, 0,
            g_str_equal(state, "held")
                ? g_strdup_printf("%s held back, over the limit of %u an hour", count,
                                  digest->policy->cap_per_hour)
                : g_strdup_printf("%s %s; the mail server's last words: %s", count,
                                  g_str_equal(state, "refused") ? "refused"
                                                                : "still waiting",
                                  said ? said : "none"),
            NULL);
    }
    return rows != NULL;
}

/* --- what cannot be seen --- */

static bool
add_blind(const Digest *digest, DigestSection *to, GError **error)
{
    g_auto(Window) window = window_of(digest);
    const char *const values[] = { window.from, window.to };
    g_autoptr(PGresult) rows = db_query(
        digest->conn, "looking for what cannot be seen",
        "SELECT b.subject || ': ' || b.reason FROM flowkeep.blind_spot AS b"
        " WHERE b.seen_at > to_timestamp($1) AND b.since_at <= to_timestamp($2)"
        " UNION ALL "
        "SELECT 'exporter ' || coalesce(e.name, host(e.address)) || ': silent since '"
        "       || to_char(e.last_seen_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')"
        "       || ' UTC'"
        "  FROM flowkeep.exporter AS e"
        " WHERE e.last_seen_at > to_timestamp($1)"
        "   AND e.last_seen_at < to_timestamp($2) - interval '1 hour'"
        " UNION ALL "
        "SELECT 'lost: ' || sum(l.count) || ' ' || l.unit || ' (' || l.reason || ')'"
        "  FROM flowkeep.loss AS l"
        " WHERE l.minute > to_timestamp($1) AND l.minute <= to_timestamp($2)"
        " GROUP BY l.reason, l.unit"
        " UNION ALL "
        "SELECT 'job ' || r.job || ': failed ' || count(*) || ' times, last: '"
        "       || (array_agg(r.error ORDER BY r.id DESC))[1]"
        "  FROM flowkeep.job_run AS r"
        " WHERE r.error IS NOT NULL"
        "   AND r.started_at > to_timestamp($1) AND r.started_at <= to_timestamp($2)"
        " GROUP BY r.job",
        G_N_ELEMENTS(values), values, error);

    for (int i = 0; rows && i < PQntuples(rows); i++)
        digest_letter_add(to, 0, g_strdup(PQgetvalue(rows, i, 0)), NULL);
    return rows != NULL;
}

/* --- the message --- */

static bool
put(const Digest *digest, const Recipient *recipient, const DigestSection *said,
    ComposeCounts *counts, GError **error)
{
    const MailPolicy *policy = digest->policy;
    g_autoptr(GDateTime) time =
        g_date_time_new_from_unix_utc(digest->to_us / US_PER_SEC);
    g_autofree char *day = g_date_time_format(time, "%Y-%m-%d");
    g_autofree char *id =
        message_id("digest", day, recipient->name, policy->instance, policy->from);
    g_autofree char *from_name = g_strdup_printf("Flowkeep at %s", policy->instance);
    g_auto(MessageBody) body = { 0 };
    const MessageEnvelope envelope = { .from_name = from_name,
                                       .from = policy->from,
                                       .to = recipient->address,
                                       .message_id = id,
                                       .date_us = digest->to_us };

    digest_letter_write(said, N_SECTIONS, day, policy->instance, policy->link, &body);

    g_autoptr(GBytes) message = message_format(&envelope, &body);
    const OutboxMessage row = { .message_id = id,
                                .kind = "digest",
                                .recipient = recipient->name,
                                .address = recipient->address,
                                .subject = body.subject,
                                .message = message };
    counts->n_composed++;
    return outbox_add(digest->conn, &row, digest->now_us, error);
}

static bool
tell_one(const Digest *digest, const Recipient *recipient, ComposeCounts *counts,
         GError **error)
{
    DigestSection said[N_SECTIONS];

    for (size_t i = 0; i < N_SECTIONS; i++)
        digest_letter_begin(&said[i], sections[i].heading, sections[i].noun,
                            sections[i].is_news);
    add_incidents(digest, recipient, said);

    bool good = add_mail(digest, recipient, &said[SECTION_MAIL], error) &&
                add_blind(digest, &said[SECTION_BLIND], error);
    if (good && digest_letter_is_worth(said, N_SECTIONS))
        good = put(digest, recipient, said, counts, error);
    for (size_t i = 0; i < N_SECTIONS; i++)
        digest_letter_end(&said[i]);
    return good;
}

/* @done_us is 0 when there never was one. */
static bool
read_done(PGconn *conn, int64_t *done_us, GError **error)
{
    g_autoptr(PGresult) rows =
        db_query(conn, "looking for the last digest",
                 "SELECT (extract(epoch FROM done_until) * 1000000)::bigint"
                 "  FROM flowkeep.housekeeping WHERE task = 'digest'",
                 0, NULL, error);

    if (!rows)
        return false;
    *done_us = PQntuples(rows) > 0 ? pg_cell_int(rows, 0, 0) : 0;
    return true;
}

static bool
write_done(const Digest *digest, GError **error)
{
    g_auto(Window) window = window_of(digest);
    const char *const values[] = { window.to };
    g_autoptr(PGresult) result =
        db_query(digest->conn, "noting the digest",
                 "INSERT INTO flowkeep.housekeeping AS h (task, done_until)"
                 " VALUES ('digest', to_timestamp($1))"
                 " ON CONFLICT (task) DO UPDATE SET done_until = excluded.done_until,"
                 " updated_at = clock_timestamp()",
                 G_N_ELEMENTS(values), values, error);

    return result != NULL;
}

static bool
tell_all(Digest *digest, ComposeCounts *counts, GError **error)
{
    const IncidentFilter filter = { .states = INCIDENT_STORE_ALL,
                                    .since_us = digest->from_us };
    g_autoptr(GArray) incidents = incident_store_list(digest->conn, &filter, error);

    if (!incidents)
        return false;
    digest->incidents = incidents;
    for (size_t i = 0; i < digest->policy->n_recipients; i++) {
        const Recipient *recipient = &digest->policy->recipients[i];

        if (recipient->digest && !tell_one(digest, recipient, counts, error))
            return false;
    }
    return write_done(digest, error);
}

bool
digest_compose(PGconn *conn, const MailPolicy *policy, int64_t now_us,
               ComposeCounts *counts, GError **error)
{
    const int64_t due_us = routing_digest_us(policy, now_us);
    int64_t done_us;

    if (!read_done(conn, &done_us, error))
        return false;
    if (done_us >= due_us)
        return true;

    Digest digest = { .conn = conn,
                      .policy = policy,
                      .now_us = now_us,
                      .from_us = done_us == 0 ? due_us - DAY_US
                                              : MAX(done_us, due_us - MAX_WINDOW_US),
                      .to_us = due_us };
    if (db_exec(conn, "BEGIN", error) && tell_all(&digest, counts, error) &&
        db_exec(conn, "COMMIT", error))
        return true;
    db_exec(conn, "ROLLBACK", NULL);
    return false;
}
