/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* IncidentStore: incidents and their history as stored, for whoever shows them:
 * terminal, mail, report.  Reads only; a call is one or two statements, in the
 * caller's transaction if it has one.
 *
 * Texts are data from everywhere: valid UTF-8, otherwise anything; who shows them
 * makes them harmless for where they go.  Times are microseconds since 1970 UTC,
 * 0 = never.  Errors: DB_ERROR. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    INCIDENT_STORE_MAX_LIST = 10000,  /* incidents of one list */
    INCIDENT_STORE_MAX_EVENTS = 1000, /* of one incident, the newest */
};

typedef struct {
    int64_t id;
    char *kind;         /* "beacon", "exfil" */
    char *rule;         /* of what is shown */
    char *host;         /* address */
    char *host_group;   /* "" = none */
    char *peer;         /* address: the peer, or one of its group */
    char *peer_network; /* "203.0.113.0/24"; a peer alone is "203.0.113.51" */
    int port;           /* 0 = any or none */
    int protocol;       /* 0 = any */
    int initiator;      /* a ContactInitiator */
    char *state;        /* "open", "acknowledged", "muted", "resolved" */
    char *severity;     /* "listed", "digest", "mail" */
    double score;
    double magnitude; /* contacts or octets */
    int64_t first_contact_us;
    int64_t last_contact_us;
    int64_t opened_us;
    int64_t found_us; /* newest */
    int64_t resolved_us;
    int64_t told_us;   /* when people were last told */
    char *title;       /* one line */
    char *explanation; /* sentences */
    char *evidence;    /* JSON for evidence_parse(); NULL in lists */
    int64_t mute_id;   /* 0 = none */
    char *mute_reason; /* NULL = none */
    int64_t mute_until_us;
} Incident;

void incident_store_clear(Incident *incident);

/* One change of an incident. */
typedef struct {
    int64_t id;
    int64_t alert_id;
    int64_t at_us;
    char *what;     /* "opened", "grew", "severity", "resolved", "reopened",
                     * "widened", "acknowledged", "muted", "unmuted" */
    bool tell;      /* people are told by mail */
    char *severity; /* these four of the incident then */
    double score;
    double magnitude;
    char *explanation;
    char *who;     /* NULL = the job */
    char *note;    /* NULL = none */
    bool composed; /* its messages are in the outbox */
} IncidentEvent;

/* What found an incident: a rule, for the incident's peer group or a part of it. */
typedef struct {
    char *rule;
    char *peer_network;
    int port;
    char *severity;
    double score;
    double magnitude;
    int64_t found_us;
    char *explanation;
} IncidentFinding;

typedef enum {
    INCIDENT_STORE_UNRESOLVED,
    INCIDENT_STORE_OPEN,   /* neither acknowledged nor muted */
    INCIDENT_STORE_ACTIVE, /* open or acknowledged */
    INCIDENT_STORE_ALL,
} IncidentStates;

typedef struct {
    IncidentStates states;
    const char *kind;     /* NULL = all */
    const char *severity; /* NULL = all */
    int64_t since_us;     /* found (or, when resolved, resolved) since; 0 = ever */
    int64_t until_us;     /* and opened before; 0 = now */
    unsigned limit;       /* at most INCIDENT_STORE_MAX_LIST; 0 = that */
} IncidentFilter;

/* How many there are now. */
typedef struct {
    unsigned n_open_mail; /* open, by severity */
    unsigned n_open_digest;
    unsigned n_open_listed;
    unsigned n_acknowledged;
    unsigned n_muted;
} IncidentCounts;

bool incident_store_count(PGconn *conn, IncidentCounts *counts, GError **error);

/* GArrays clear their elements. */
GArray *incident_store_list(PGconn *conn, const IncidentFilter *filter,
                            GError **error); /* of Incident; the gravest first */
GArray *incident_store_events(PGconn *conn, int64_t alert_id,
                              GError **error); /* of IncidentEvent, the oldest first */
GArray *incident_store_findings(PGconn *conn, int64_t alert_id,
                                GError **error); /* of IncidentFinding, by score */

/* Events with tell that are not composed yet, the oldest first, at most @limit; their
 * rows are locked (FOR UPDATE SKIP LOCKED) until the end of the transaction. */
GArray *incident_store_to_tell(PGconn *conn, unsigned limit, GError **error);

/* One with its evidence (transfer full).  NULL without an error when there is none of
 * that number. */
Incident *incident_store_get(PGconn *conn, int64_t alert_id, GError **error);
void incident_store_free(Incident *incident);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Incident, incident_store_free)
