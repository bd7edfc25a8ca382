/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/incident-store.h"

#include "alert/alert-sql.h"
#include "db.h"
#include "pg-cell.h"

/* --- incidents --- */

/* clang-format off */
#define INCIDENT_COLUMNS                                                               \
    "SELECT a.id, a.kind, a.rule, host(a.host), coalesce(a.host_group, ''),"           \
    "       host(a.peer), abbrev(a.peer_network::inet), a.service_port, a.protocol,"   \
    "       a.initiator, a.state, a.severity, a.score, a.magnitude,"                   \
    " " ALERT_SQL_US("a.first_contact_at") ", " ALERT_SQL_US("a.last_contact_at") ","  \
    " " ALERT_SQL_US("a.opened_at") ", " ALERT_SQL_US("a.found_at") ","                \
    " " ALERT_SQL_US("a.resolved_at") ", " ALERT_SQL_US("a.told_at") ","               \
    "       a.title, a.explanation, a.mute_id, m.reason," ALERT_SQL_US("m.until_at")
/* clang-format on */

#define INCIDENT_FROM                                                                  \
    "  FROM flowkeep.alert AS a LEFT JOIN flowkeep.mute AS m ON m.id = a.mute_id"

static Incident
incident_of(const PGresult *rows, int i)
{
    return (Incident){
        .id = pg_cell_int(rows, i, 0),
        .kind = g_strdup(pg_cell_text(rows, i, 1)),
        .rule = g_strdup(pg_cell_text(rows, i, 2)),
        .host = g_strdup(pg_cell_text(rows, i, 3)),
        .host_group = g_strdup(pg_cell_text(rows, i, 4)),
        .peer = g_strdup(pg_cell_text(rows, i, 5)),
        .peer_network = g_strdup(pg_cell_text(rows, i, 6)),
        .port = (int) pg_cell_int(rows, i, 7),
        .protocol = (int) pg_cell_int(rows, i, 8),
        .initiator = (int) pg_cell_int(rows, i, 9),
        .state = g_strdup(pg_cell_text(rows, i, 10)),
        .severity = g_strdup(pg_cell_text(rows, i, 11)),
        .score = pg_cell_double(rows, i, 12),
        .magnitude = pg_cell_double(rows, i, 13),
        .first_contact_us = pg_cell_int(rows, i, 14),
        .last_contact_us = pg_cell_int(rows, i, 15),
        .opened_us = pg_cell_int(rows, i, 16),
        .found_us = pg_cell_int(rows, i, 17),
        .resolved_us = pg_cell_int(rows, i, 18),
        .told_us = pg_cell_int(rows, i, 19),
        .title = g_strdup(pg_cell_text(rows, i, 20)),
        .explanation = g_strdup(pg_cell_text(rows, i, 21)),
        .mute_id = pg_cell_int(rows, i, 22),
        .mute_reason = g_strdup(pg_cell_text(rows, i, 23)),
        .mute_until_us = pg_cell_int(rows, i, 24),
    };
}

void
incident_store_clear(Incident *incident)
{
    g_free(incident->kind);
    g_free(incident->rule);
    g_free(incident->host);
    g_free(incident->host_group);
    g_free(incident->peer);
    g_free(incident->peer_network);
    g_free(incident->state);
    g_free(incident->severity);
    g_free(incident->title);
    g_free(incident->explanation);
    g_free(incident->evidence);
    g_free(incident->mute_reason);
    *incident = (Incident){ 0 };
}

void
incident_store_free(Incident *incident)
{
    if (!incident)
        return;

    incident_store_clear(incident);
    g_free(incident);
}

static void
clear_incident(void *data)
{
    incident_store_clear(data);
}

/* clang-format off */
#define LIST_SQL                                                                       \
    INCIDENT_COLUMNS INCIDENT_FROM                                                     \
    " WHERE a.state = ANY ($1::text[])"                                                \
    "   AND ($2::text IS NULL OR a.kind = $2)"                                         \
    "   AND ($3::text IS NULL OR a.severity = $3)"                                     \
    "   AND ($4::bigint = 0"                                                           \
    "     OR coalesce(a.resolved_at, a.found_at) >= " ALERT_SQL_AT("$4") ")"           \
    "   AND ($5::bigint = 0 OR a.opened_at < " ALERT_SQL_AT("$5") ")"                  \
    " ORDER BY (a.state = 'resolved'),"                                                \
    "          array_position(ARRAY['mail', 'digest', 'listed'], a.severity),"         \
    "          a.score DESC, a.found_at DESC, a.id DESC"                               \
    " LIMIT $6::bigint"
/* clang-format on */

GArray *
incident_store_list(PGconn *conn, const IncidentFilter *filter, GError **error)
{
    static const char *const states[] = {
        [INCIDENT_STORE_UNRESOLVED] = "{open,acknowledged,muted}",
        [INCIDENT_STORE_OPEN] = "{open}",
        [INCIDENT_STORE_ACTIVE] = "{open,acknowledged}",
        [INCIDENT_STORE_ALL] = "{open,acknowledged,muted,resolved}",
    };
    const unsigned limit = filter->limit == 0
                               ? INCIDENT_STORE_MAX_LIST
                               : MIN(filter->limit, INCIDENT_STORE_MAX_LIST);
    g_autofree char *since = g_strdup_printf("%" G_GINT64_FORMAT, filter->since_us);
    g_autofree char *until = g_strdup_printf("%" G_GINT64_FORMAT, filter->until_us);
    g_autofree char *most = g_strdup_printf("%u", limit);
    const char *const params[] = {
        states[filter->states], filter->kind, filter->severity, since, until, most
    };
    g_autoptr(PGresult) rows = db_query(conn, "reading incidents", LIST_SQL,
                                        G_N_ELEMENTS(params), params, error);

    if (!rows)
        return NULL;

    GArray *list = g_array_new(FALSE, TRUE, sizeof(Incident));

    g_array_set_clear_func(list, clear_incident);
    for (int i = 0; i < PQntuples(rows); i++) {
        const Incident incident = incident_of(rows, i);

        g_array_append_val(list, incident);
    }
    return list;
}

Incident *
incident_store_get(PGconn *conn, int64_t alert_id, GError **error)
{
    g_autofree char *id = g_strdup_printf("%" G_GINT64_FORMAT, alert_id);
    const char *const params[] = { id };
    g_autoptr(PGresult) rows = db_query(conn, "reading an incident",
                                        INCIDENT_COLUMNS ", a.evidence" INCIDENT_FROM
                                                         " WHERE a.id = $1::bigint",
                                        1, params, error);

    if (!rows || PQntuples(rows) == 0)
        return NULL;

    Incident *incident = g_new(Incident, 1);

    *incident = incident_of(rows, 0);
    incident->evidence = g_strdup(pg_cell_text(rows, 0, 25));
    return incident;
}

bool
incident_store_count(PGconn *conn, IncidentCounts *counts, GError **error)
{
    g_autoptr(PGresult) rows = db_query(
        conn, "counting incidents",
        "SELECT count(*) FILTER (WHERE state = 'open' AND severity = 'mail'),"
        "       count(*) FILTER (WHERE state = 'open' AND severity = 'digest'),"
        "       count(*) FILTER (WHERE state = 'open' AND severity = 'listed'),"
        "       count(*) FILTER (WHERE state = 'acknowledged'),"
        "       count(*) FILTER (WHERE state = 'muted')"
        "  FROM flowkeep.alert WHERE state <> 'resolved'",
        0, NULL, error);

    if (!rows)
        return false;
    *counts = (IncidentCounts){
        .n_open_mail = (unsigned) pg_cell_uint(rows, 0, 0),
        .n_open_digest = (unsigned) pg_cell_uint(rows, 0, 1),
        .n_open_listed = (unsigned) pg_cell_uint(rows, 0, 2),
        .n_acknowledged = (unsigned) pg_cell_uint(rows, 0, 3),
        .n_muted = (unsigned) pg_cell_uint(rows, 0, 4),
    };
    return true;
}

/* --- their history --- */

static void
clear_event(void *data)
{
    IncidentEvent *event = data;

    g_free(event->what);
    g_free(event->severity);
    g_free(event->explanation);
    g_free(event->who);
    g_free(event->note);
}

/* Takes @rows (transfer full, may be NULL). */
static GArray *
events_of(PGresult *taken)
{
    g_autoptr(PGresult) rows = taken;

    if (!rows)
        return NULL;

    GArray *list = g_array_new(FALSE, TRUE, sizeof(IncidentEvent));

    g_array_set_clear_func(list, clear_event);
    for (int i = 0; i < PQntuples(rows); i++) {
        const IncidentEvent event = {
            .id = pg_cell_int(rows, i, 0),
            .alert_id = pg_cell_int(rows, i, 1),
            .at_us = pg_cell_int(rows, i, 2),
            .what = g_strdup(pg_cell_text(rows, i, 3)),
            .tell = pg_cell_bool(rows, i, 4),
            .severity = g_strdup(pg_cell_text(rows, i, 5)),
            .score = pg_cell_double(rows, i, 6),
            .magnitude = pg_cell_double(rows, i, 7),
            .explanation = g_strdup(pg_cell_text(rows, i, 8)),
            .who = g_strdup(pg_cell_text(rows, i, 9)),
            .note = g_strdup(pg_cell_text(rows, i, 10)),
            .composed = pg_cell_bool(rows, i, 11),
        };

        g_array_append_val(list, event);
    }
    return list;
}

#define EVENT_COLUMNS                                                                  \
    "e.id, e.alert_id, " ALERT_SQL_US(                                                 \
        "e.at") ", e.what, e.tell, e.severity,"                                        \
                " e.score, e.magnitude, e.explanation, e.who, e.note, e.composed"

GArray *
incident_store_events(PGconn *conn, int64_t alert_id, GError **error)
{
    g_autofree char *id = g_strdup_printf("%" G_GINT64_FORMAT, alert_id);
    g_autofree char *most = g_strdup_printf("%d", INCIDENT_STORE_MAX_EVENTS);
    const char *const params[] = { id, most };

    return events_of(
        db_query(conn, "reading the events of an incident",
                 "SELECT " EVENT_COLUMNS "  FROM flowkeep.alert_event AS e"
                 " WHERE e.id IN (SELECT n.id FROM flowkeep.alert_event AS n"
                 "                 WHERE n.alert_id = $1::bigint"
                 "                 ORDER BY n.id DESC LIMIT $2::bigint)"
                 " ORDER BY e.id",
                 2, params, error));
}

GArray *
incident_store_to_tell(PGconn *conn, unsigned limit, GError **error)
{
    g_autofree char *most = g_strdup_printf("%u", limit);
    const char *const params[] = { most };

    return events_of(db_query(conn, "reading events to tell",
                              "SELECT " EVENT_COLUMNS "  FROM flowkeep.alert_event AS e"
                              " WHERE e.tell AND NOT e.composed"
                              " ORDER BY e.id LIMIT $1::bigint"
                              "   FOR UPDATE SKIP LOCKED",
                              1, params, error));
}

/* --- what found them --- */

static void
clear_finding(void *data)
{
    IncidentFinding *finding = data;

    g_free(finding->rule);
    g_free(finding->peer_network);
    g_free(finding->severity);
    g_free(finding->explanation);
}

GArray *
incident_store_findings(PGconn *conn, int64_t alert_id, GError **error)
{
    g_autofree char *id = g_strdup_printf("%" G_GINT64_FORMAT, alert_id);
    const char *const params[] = { id };
    g_autoptr(PGresult) rows = db_query(
        conn, "reading the findings of an incident",
        "SELECT rule, abbrev(peer_network::inet), service_port, severity,"
        "       score, magnitude, " ALERT_SQL_US(
            "found_at") ", explanation"
                        "  FROM flowkeep.alert_finding WHERE alert_id = $1::bigint"
                        " ORDER BY score DESC, found_at DESC, rule, peer_network, "
                        "service_port",
        1, params, error);

    if (!rows)
        return NULL;

    GArray *list = g_array_new(FALSE, TRUE, sizeof(IncidentFinding));

    g_array_set_clear_func(list, clear_finding);
    for (int i = 0; i < PQntuples(rows); i++) {
        const IncidentFinding finding = {
            .rule = g_strdup(pg_cell_text(rows, i, 0)),
            .peer_network = g_strdup(pg_cell_text(rows, i, 1)),
            .port = (int) pg_cell_int(rows, i, 2),
            .severity = g_strdup(pg_cell_text(rows, i, 3)),
            .score = pg_cell_double(rows, i, 4),
            .magnitude = pg_cell_double(rows, i, 5),
            .found_us = pg_cell_int(rows, i, 6),
            .explanation = g_strdup(pg_cell_text(rows, i, 7)),
        };

        g_array_append_val(list, finding);
    }
    return list;
}
