/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/incident.h"

#include <math.h>

#include "alert/alert-sql.h"
#include "alert/evidence.h"
#include "alert/incident-rules.h"
#include "alert/incident-stored.h"
#include "alert/incident-title.h"
#include "alert/surroundings.h"
#include "db.h"
#include "pg-cell.h"

/* Findings kept of one incident: more peers of a group are of no use to anybody. */
#define MAX_FINDINGS "64"

/* About the same score: what is shown can wait to be written again. */
#define REFRESH_POINTS 1

/* A raise under way; texts are parameters of statements. */
typedef struct {
    const Finding *finding;
    IncidentScope scope; /* of the finding; later of the incident */
    char *host;
    char *peers; /* of the finding */
    char *port;
    char *protocol;
    char *now;
    char *explanation;
    char *score;
    char *magnitude;
} Raise;

static char *
double_text(double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    return g_strdup(g_ascii_dtostr(text, sizeof(text), isfinite(value) ? value : 0));
}

static char *
int_text(int64_t value)
{
    return g_strdup_printf("%" G_GINT64_FORMAT, value);
}

static void
raise_init(Raise *self, const Finding *finding, int64_t now_us)
{
    char host[IP_ADDRESS_TEXT_BYTES];

    self->finding = finding;
    self->scope = (IncidentScope){
        .peers = network_of(&finding->peer, finding->peer_group_bits),
        .port = finding->port,
        .protocol = finding->protocol,
    };
    self->host = g_strdup(ip_address_format(&finding->host, host));
    self->peers = network_format(&self->scope.peers);
    self->port = int_text(finding->port);
    self->protocol = int_text(finding->protocol);
    self->now = int_text(now_us);
    self->explanation =
        g_utf8_make_valid(finding->explanation ? finding->explanation : "", -1);
    self->score = double_text(finding->score);
    self->magnitude = double_text(finding->magnitude);
}

static void
raise_clear(Raise *self)
{
    g_free(self->host);
    g_free(self->peers);
    g_free(self->port);
    g_free(self->protocol);
    g_free(self->now);
    g_free(self->explanation);
    g_free(self->score);
    g_free(self->magnitude);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Raise, raise_clear)

/* --- what is there already --- */

static bool
lock_host(PGconn *conn, const Raise *raise, GError **error)
{
    const char *const params[] = { finding_kind_name(raise->finding->kind),
                                   raise->host };
    g_autoptr(PGresult) rows =
        db_query(conn, "locking incidents of a host",
                 "SELECT " ALERT_SQL_LOCK_SHARED ", " ALERT_SQL_LOCK_HOST("$1", "$2"),
                 2, params, error);

    return rows != NULL;
}

/* --- the steps --- */

static bool
add_event(PGconn *conn, const char *alert_id, const Raise *raise,
          const IncidentVerdict *verdict, size_t step, const char *note, GError **error)
{
    const char *const params[] = { alert_id,
                                   raise->now,
                                   verdict->steps[step].what,
                                   verdict->steps[step].tell ? "t" : "f",
                                   finding_severity_name(verdict->severity),
                                   raise->score,
                                   raise->magnitude,
                                   raise->explanation,
                                   note };
    g_autoptr(PGresult) rows =
        db_query(conn, "writing the event of an incident",
                 "INSERT INTO flowkeep.alert_event"
                 " (alert_id, at, what, tell, severity, score, magnitude, explanation,"
                 "  note)"
                 " VALUES ($1, " ALERT_SQL_AT("$2") ", $3, $4, $5, $6, $7, $8, $9)",
                 G_N_ELEMENTS(params), params, error);

    return rows != NULL;
}

static bool
add_events(PGconn *conn, const char *alert_id, const Raise *raise,
           const IncidentVerdict *verdict, const char *mute_reason, GError **error)
{
    for (size_t i = 0; i < verdict->n_steps; i++) {
        g_autofree char *peers = network_format(&raise->scope.peers);
        const char *what = verdict->steps[i].what;
        const char *note = g_str_equal(what, "muted")     ? mute_reason
                           : g_str_equal(what, "widened") ? peers
                                                          : NULL;

        if (!add_event(conn, alert_id, raise, verdict, i, note, error))
            return false;
    }
    return true;
}

/* Others that the incident has come to hold are resolved into it. */
static bool
join_others(PGconn *conn, const GArray *found, const Raise *raise, GError **error)
{
    for (unsigned i = 1; i < found->len; i++) {
        const char *const params[] = { g_array_index(found, IncidentStored, i).id,
                                       raise->now,
                                       g_array_index(found, IncidentStored, 0).id };
        g_autoptr(PGresult) rows = db_query(
            conn, "joining incidents",
            "WITH joined AS ("
            "  UPDATE flowkeep.alert"
            "     SET state = 'resolved', mute_id = NULL,"
            "         resolved_at = " ALERT_SQL_AT(
                "$2") "   WHERE id = $1::bigint"
                      "  RETURNING id, severity, score, magnitude, explanation)"
                      "INSERT INTO flowkeep.alert_event"
                      " (alert_id, at, what, tell, severity, score, magnitude, "
                      "explanation, note)"
                      "SELECT id, " ALERT_SQL_AT(
                          "$2") ", 'resolved', false, severity, score, magnitude, "
                                "explanation,"
                                "       'part of incident ' || $3::text"
                                "  FROM joined",
            3, params, error);

        if (!rows)
            return false;
    }
    return true;
}

/* --- writing it --- */

/* Both statements have the same parameters. */
#define FIRST ALERT_SQL_AT("$18")
#define LAST  ALERT_SQL_AT("$19")
#define NOW   ALERT_SQL_AT("$20")

#define INSERT_SQL                                                                     \
    "INSERT INTO flowkeep.alert"                                                       \
    " (kind, host, peer_network, service_port, protocol, state, severity, mute_id,"    \
    "  host_group, rule, peer, initiator, score, magnitude, title, explanation,"       \
    "  evidence, first_contact_at, last_contact_at, opened_at, found_at, shown_at,"    \
    "  told_at)"                                                                       \
    "SELECT $1, $2::inet, $3::cidr, $4::integer, $5::smallint, $6, $7, $8::bigint,"    \
    "       $9, $10, $11::inet, $12::smallint, $13::real, $14::float8, $15, $16,"      \
    "       $17::jsonb, " FIRST ", " LAST ", " NOW ", " NOW ", " NOW ","               \
    "       CASE WHEN $21::boolean THEN " NOW " END"                                   \
    " WHERE $22::boolean AND $23::bigint = 0"                                          \
    " RETURNING id"

#define IF_SHOWN(column, value)                                                        \
    column " = CASE WHEN $22::boolean THEN " value " ELSE " column " END"

/* Found again after it was resolved: it opens now, and nobody was told of that yet. */
#define UPDATE_SQL                                                                                                                                                \
    "UPDATE flowkeep.alert"                                                                                                                                       \
    "   SET peer_network = $3::cidr, service_port = $4::integer,"                                                                                                 \
    "       protocol = $5::smallint, state = $6, severity = $7,"                                                                                                  \
    "       mute_id = $8::bigint, host_group = $9,"                                                                                                               \
    "       " IF_SHOWN("rule", "$10") ", " IF_SHOWN(                                                                                                              \
        "peer",                                                                                                                                                   \
        "$11::inet") ","                                                                                                                                          \
                     "       " IF_SHOWN(                                                                                                                          \
                         "initiator",                                                                                                                             \
                         "$12::smallint") ","                                                                                                                     \
                                          "       " IF_SHOWN(                                                                                                     \
                                              "score",                                                                                                            \
                                              "$13::real") ","                                                                                                    \
                                                           "       " IF_SHOWN(                                                                                    \
                                                               "magnitude",                                                                                       \
                                                               "$14::float8") ","                                                                                 \
                                                                              "      "                                                                            \
                                                                              " " IF_SHOWN("title", "$15") ", " IF_SHOWN(                                         \
                                                                                  "ex"                                                                            \
                                                                                  "pl"                                                                            \
                                                                                  "an"                                                                            \
                                                                                  "at"                                                                            \
                                                                                  "io"                                                                            \
                                                                                  "n",                                                                            \
                                                                                  "$1"                                                                            \
                                                                                  "6") ","                                                                        \
                                                                                       "       " IF_SHOWN("evidence", "$17::jsonb") ", " IF_SHOWN(                \
                                                                                           "shown_at",                                                            \
                                                                                           NOW) ","                                                               \
                                                                                                "       first_contact_at = least(first_contact_at, " FIRST        \
                                                                                                "),"                                                              \
                                                                                                "       last_contact_at = greatest(last_contact_at, " LAST        \
                                                                                                "),"                                                              \
                                                                                                "       opened_at = CASE WHEN resolved_at IS NULL THEN opened_at" \
                                                                                                "                   ELSE " NOW                                    \
                                                                                                " END,"                                                           \
                                                                                                "       found_at = greatest(found_at, " NOW                       \
                                                                                                "),"                                                              \
                                                                                                "       told_at = CASE WHEN $21::boolean THEN " NOW               \
                                                                                                "                 WHEN resolved_at IS NULL THEN told_at END,"     \
                                                                                                "       resolved_at = NULL"                                       \
                                                                                                " WHERE id = $23::bigint AND kind = $1 AND host = $2::inet"       \
                                                                                                " RETURNING id"

/* Returns the incident's number (transfer full).  @id is NULL for a new one. */
static char *
write_alert(PGconn *conn, const char *id, const Raise *raise,
            const IncidentVerdict *verdict, const Surroundings *around, bool is_shown,
            bool is_told, GError **error)
{
    const Finding *finding = raise->finding;
    char peer[IP_ADDRESS_TEXT_BYTES];
    g_autofree char *peers = network_format(&raise->scope.peers);
    g_autofree char *port = int_text(raise->scope.port);
    g_autofree char *protocol = int_text(raise->scope.protocol);
    g_autofree char *initiator = int_text(finding->initiator);
    g_autofree char *title =
        is_shown ? incident_title(finding, around->host_group) : NULL;
    g_autofree char *evidence = is_shown ? evidence_format(finding) : NULL;
    g_autofree char *first = int_text(MAX(finding->first_us, 0));
    g_autofree char *last = int_text(MAX(finding->last_us, 0));
    const char *const params[] = {
        finding_kind_name(finding->kind),
        raise->host,
        peers,
        port,
        protocol,
        incident_rules_state_name(verdict->state),
        finding_severity_name(verdict->severity),
        around->mute_id,
        around->host_group,
        finding->rule,
        ip_address_format(&finding->peer, peer),
        initiator,
        raise->score,
        raise->magnitude,
        title,
        raise->explanation,
        evidence,
        first,
        last,
        raise->now,
        is_told ? "t" : "f",
        is_shown ? "t" : "f",
        id ? id : "0",
    };
    g_autoptr(PGresult) rows =
        db_query(conn, "writing an incident", id ? UPDATE_SQL : INSERT_SQL,
                 G_N_ELEMENTS(params), params, error);

    if (!rows)
        return NULL;
    g_assert(PQntuples(rows) == 1);
    return g_strdup(pg_cell_text(rows, 0, 0));
}

static bool
write_finding(PGconn *conn, const char *alert_id, const Raise *raise,
              const IncidentVerdict *verdict, GError **error)
{
    const char *const params[] = { alert_id,
                                   raise->finding->rule,
                                   raise->peers,
                                   raise->port,
                                   finding_severity_name(raise->finding->severity),
                                   raise->score,
                                   raise->magnitude,
                                   raise->now,
                                   raise->explanation,
                                   verdict->notes_magnitude ? "t" : "f" };
    g_autoptr(PGresult) rows = db_query(
        conn, "writing a finding",
        "INSERT INTO flowkeep.alert_finding AS f"
        " (alert_id, rule, peer_network, service_port, severity, score, magnitude,"
        "  noted_magnitude, found_at, explanation)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7::float8, $7::float8, " ALERT_SQL_AT(
            "$8") ", $9)"
                  " ON CONFLICT (alert_id, rule, peer_network, service_port) DO UPDATE"
                  "   SET severity = excluded.severity, score = excluded.score,"
                  "       magnitude = excluded.magnitude, explanation = "
                  "excluded.explanation,"
                  "       found_at = greatest(f.found_at, excluded.found_at),"
                  "       noted_magnitude = CASE WHEN $10::boolean THEN "
                  "excluded.magnitude"
                  "                              ELSE f.noted_magnitude END",
        G_N_ELEMENTS(params), params, error);

    return rows != NULL;
}

/* Before a new one is written: of an incident that is opened again none is left, of
 * others the newest and gravest. */
static bool
forget_findings(PGconn *conn, const IncidentStored *stored, GError **error)
{
    const char *const params[] = { stored->id, stored->known.state == INCIDENT_RESOLVED
                                                   ? "0"
                                                   : MAX_FINDINGS };
    g_autoptr(PGresult) rows =
        db_query(conn, "forgetting findings",
                 "DELETE FROM flowkeep.alert_finding AS f"
                 " USING (SELECT rule, peer_network, service_port"
                 "          FROM flowkeep.alert_finding"
                 "         WHERE alert_id = $1::bigint"
                 "         ORDER BY found_at DESC, score DESC, rule, peer_network"
                 "        OFFSET $2::bigint) AS old"
                 " WHERE f.alert_id = $1::bigint AND f.rule = old.rule"
                 "   AND f.peer_network = old.peer_network"
                 "   AND f.service_port = old.service_port",
                 2, params, error);

    return rows != NULL;
}

static bool
is_told(const IncidentVerdict *verdict)
{
    for (size_t i = 0; i < verdict->n_steps; i++) {
        if (verdict->steps[i].tell)
            return true;
    }
    return false;
}

/* The incident grows to what it is joined with. */
static bool
widen(Raise *raise, const GArray *found)
{
    const IncidentScope *old =
        found->len > 0 ? &g_array_index(found, IncidentStored, 0).scope : NULL;

    for (unsigned i = 0; i < found->len; i++)
        raise->scope =
            incident_rules_join(&g_array_index(found, IncidentStored, i).scope,
                                &raise->scope);
    return old && !incident_rules_same_scope(old, &raise->scope);
}

bool
incident_raise(PGconn *conn, const Finding *finding, int64_t now_us,
               IncidentRaised *raised, GError **error)
{
    g_auto(Raise) raise = { 0 };
    g_auto(Surroundings) around = { 0 };

    raise_init(&raise, finding, now_us);
    const char *kind = finding_kind_name(finding->kind);
    const IncidentStoredOf stored_of = { kind,       raise.host,     raise.peers,
                                         raise.port, raise.protocol, finding->rule,
                                         raise.now };
    g_autoptr(GArray) found = lock_host(conn, &raise, error)
                                  ? incident_stored_find(conn, &stored_of, error)
                                  : NULL;
    if (!found)
        return false;

    const IncidentStored *stored =
        found->len > 0 ? &g_array_index(found, IncidentStored, 0) : NULL;
    const IncidentKnown known = stored ? stored->known : (IncidentKnown){ 0 };
    const bool is_new = !stored || known.state == INCIDENT_RESOLVED;
    const bool is_wider = widen(&raise, found);
    const SurroundingsOf of = { kind, raise.host, &raise.scope, raise.now };
    if (!join_others(conn, found, &raise, error) ||
        !surroundings_read(conn, &of, &around, error))
        return false;

    const IncidentVerdict verdict =
        incident_rules_found(&known, finding->severity, finding->magnitude,
                             around.mute_id != NULL, is_wider);
    const bool is_shown =
        is_new || (!(finding->score < stored->others_score) &&
                   (!stored->is_fresh || verdict.n_steps > 0 ||
                    fabs(finding->score - stored->shown_score) >= REFRESH_POINTS));
    if (stored && (is_new || isnan(known.noted_magnitude)) &&
        !forget_findings(conn, stored, error))
        return false;

    g_autofree char *id =
        write_alert(conn, stored ? stored->id : NULL, &raise, &verdict, &around,
                    is_shown, is_told(&verdict), error);
    if (!id || !write_finding(conn, id, &raise, &verdict, error) ||
        !add_events(conn, id, &raise, &verdict, around.mute_reason, error))
        return false;

    if (raised)
        *raised = (IncidentRaised){ g_ascii_strtoll(id, NULL, 10), is_new,
                                    is_told(&verdict) };
    return true;
}

/* --- the end of it --- */

bool
incident_resolve_stale(PGconn *conn, FindingKind kind, int64_t found_before_us,
                       int64_t now_us, unsigned *n_resolved, GError **error)
{
    g_autofree char *before = int_text(found_before_us);
    g_autofree char *now = int_text(now_us);
    const char *const params[] = { finding_kind_name(kind), before, now };
    g_autoptr(PGresult) lock =
        db_query(conn, "locking incidents", "SELECT " ALERT_SQL_LOCK_SHARED, 0, NULL,
                 error);
    g_autoptr(PGresult) rows =
        !lock ? NULL
              : db_query(conn, "resolving incidents",
                         "WITH gone AS ("
                         "  SELECT id, state, told_at FROM flowkeep.alert"
                         "   WHERE kind = $1 AND state <> 'resolved'"
                         "     AND found_at < " ALERT_SQL_AT(
                             "$2") "   ORDER BY id FOR UPDATE"
                                   "), resolved AS ("
                                   "  UPDATE flowkeep.alert AS a"
                                   "     SET state = 'resolved', mute_id = NULL,"
                                   "         resolved_at = " ALERT_SQL_AT(
                                       "$3") "    FROM gone WHERE a.id = gone.id"
                                             "  RETURNING a.id, a.severity, a.score, "
                                             "a.magnitude, a.explanation,"
                                             "            gone.state <> 'muted' AND "
                                             "gone.told_at IS NOT NULL"
                                             "              AS tell)"
                                             "INSERT INTO flowkeep.alert_event"
                                             " (alert_id, at, what, tell, severity, "
                                             "score, magnitude,"
                                             "  explanation)"
                                             "SELECT id, " ALERT_SQL_AT(
                                                 "$3") ", 'resolved', tell, severity, "
                                                       "score, magnitude, explanation"
                                                       "  FROM resolved ORDER BY id",
                         3, params, error);

    if (rows && n_resolved)
        *n_resolved = (unsigned) g_ascii_strtoull(PQcmdTuples(rows), NULL, 10);
    return rows != NULL;
}

bool
incident_acknowledge(PGconn *conn, int64_t alert_id, const char *who, const char *note,
                     int64_t now_us, GError **error)
{
    g_autofree char *id = int_text(alert_id);
    g_autofree char *now = int_text(now_us);
    g_autofree char *valid_who = g_utf8_make_valid(who, -1);
    g_autofree char *valid_note = note ? g_utf8_make_valid(note, -1) : NULL;
    const char *const params[] = { id, now, valid_who, valid_note };
    g_autoptr(PGresult) lock =
        db_query(conn, "locking incidents", "SELECT " ALERT_SQL_LOCK_SHARED, 0, NULL,
                 error);
    g_autoptr(PGresult) rows =
        !lock
            ? NULL
            : db_query(conn, "acknowledging an incident",
                       "WITH acknowledged AS ("
                       "  UPDATE flowkeep.alert"
                       "     SET state = CASE WHEN state = 'muted' THEN state"
                       "                 ELSE 'acknowledged' END"
                       "   WHERE id = $1::bigint AND state <> 'resolved'"
                       "  RETURNING id, severity, score, magnitude, explanation)"
                       "INSERT INTO flowkeep.alert_event"
                       " (alert_id, at, what, tell, severity, score, magnitude,"
                       "  explanation, who, note)"
                       "SELECT id, " ALERT_SQL_AT(
                           "$2") ", 'acknowledged', false, severity, score, magnitude,"
                                 "       explanation, $3, $4 FROM acknowledged",
                       4, params, error);

    if (rows && g_str_equal(PQcmdTuples(rows), "0")) {
        g_set_error(error, DB_ERROR, DB_ERROR_REJECTED,
                    "there is no incident %s that is not resolved", id);
        return false;
    }
    return rows != NULL;
}
