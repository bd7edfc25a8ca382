/* SPDX-License-Identifier: Apache-2.0 */
#include "session/session-ledger.h"

#include <glib.h>

struct SessionLedger {
    SessionPool *pool;
    ServiceMemory *services;
    ContactSum *sum;
    GArray *now; /* of SessionTold; scratch */
};

SessionLedger *
session_ledger_new(SessionPool *pool, ServiceMemory *services, ContactSum *sum)
{
    SessionLedger *self = g_new0(SessionLedger, 1);

    self->pool = pool;
    self->services = services;
    self->sum = sum;
    self->now = g_array_new(FALSE, TRUE, sizeof(SessionTold));
    return self;
}

void
session_ledger_free(SessionLedger *self)
{
    if (!self)
        return;
    g_array_unref(self->now);
    g_free(self);
}

/* --- the hours of a session --- */

static SessionTold *
told_at(GArray *hours, guint i)
{
    return &g_array_index(hours, SessionTold, i);
}

/* Adds the hours of a part; both are rising. */
static void
gather(GArray *hours, const SessionPart *part)
{
    const unsigned way = part ? part->forward : 0;
    guint at = 0;

    for (uint32_t i = 0; part && i < part->hours.n; i++) {
        const SessionHour *hour = session_hours_at(&part->hours, i);

        while (at < hours->len && told_at(hours, at)->hour < hour->hour)
            at++;
        if (at == hours->len || told_at(hours, at)->hour != hour->hour) {
            const SessionTold fresh = { .hour = hour->hour };

            g_array_insert_val(hours, at, fresh);
        }

        SessionTold *told = told_at(hours, at);
        told->n_records += (int32_t) hour->n_records;
        told->octets[way] = (int64_t) hour->octets;
        told->packets[way] = (int64_t) hour->packets;
    }
}

static void
gather_now(SessionLedger *self, const Session *session)
{
    g_array_set_size(self->now, 0);
    gather(self->now, session_role_best(self->pool, session, true));
    gather(self->now, session_role_best(self->pool, session, false));
}

/* --- telling --- */

static ContactKey
key_of(const Session *session, const SessionRole *role, SessionEnd host)
{
    const bool is_low = host == SESSION_END_LOW;

    return (ContactKey){
        .host = is_low ? session->key.low : session->key.high,
        .peer = is_low ? session->key.high : session->key.low,
        .service_port = role->service_port,
        .protocol = session->key.protocol,
        .initiator = role->caller == SESSION_END_UNKNOWN ? CONTACT_UNKNOWN
                     : role->caller == host              ? CONTACT_BY_HOST
                                                         : CONTACT_BY_PEER,
    };
}

static void
tell_end(SessionLedger *self, const Session *session, const SessionRole *role,
         SessionEnd host, const SessionTold *told, int sign)
{
    const ContactKey key = key_of(session, role, host);
    const unsigned out = host == SESSION_END_LOW;
    const ContactAmounts amounts = {
        .n_records = sign * told->n_records,
        .out_octets = sign * told->octets[out],
        .in_octets = sign * told->octets[!out],
        .out_packets = sign * told->packets[out],
        .in_packets = sign * told->packets[!out],
    };

    contact_sum_add(self->sum, &key, told->hour, &amounts);
}

static void
tell_hour(SessionLedger *self, const Session *session, const SessionRole *role,
          const SessionTold *told, int sign)
{
    if (!told->n_records && !told->octets[0] && !told->octets[1] && !told->packets[0] &&
        !told->packets[1])
        return;
    if (role->watched & SESSION_WATCHED_LOW)
        tell_end(self, session, role, SESSION_END_LOW, told, sign);
    if (role->watched & SESSION_WATCHED_HIGH)
        tell_end(self, session, role, SESSION_END_HIGH, told, sign);
}

static bool
same_role(const SessionRole *a, const SessionRole *b)
{
    return a->service_port == b->service_port && a->caller == b->caller &&
           a->watched == b->watched;
}

void
session_ledger_take_back(SessionLedger *self, Session *session)
{
    SessionAccount *account = session->account;

    for (uint32_t i = 0; account && i < account->n; i++)
        tell_hour(self, session, &account->role, &account->hours[i], -1);
    g_clear_pointer(&session->account, g_free);
}

/* What is now minus what was told. */
static void
tell_difference(SessionLedger *self, const Session *session, const SessionRole *role)
{
    const SessionAccount *account = session->account;
    uint32_t at = 0;

    for (guint i = 0; i < self->now->len; i++) {
        SessionTold more = *told_at(self->now, i);

        while (account && at < account->n && account->hours[at].hour < more.hour)
            tell_hour(self, session, role, &account->hours[at++], -1);
        if (account && at < account->n && account->hours[at].hour == more.hour) {
            const SessionTold *told = &account->hours[at++];

            more.n_records -= told->n_records;
            for (unsigned way = 0; way < 2; way++) {
                more.octets[way] -= told->octets[way];
                more.packets[way] -= told->packets[way];
            }
        }
        tell_hour(self, session, role, &more, 1);
    }
    for (; account && at < account->n; at++)
        tell_hour(self, session, role, &account->hours[at], -1);
}

static void
open_account(SessionLedger *self, Session *session, const SessionRole *role)
{
    const guint n = self->now->len;

    g_free(session->account);
    session->account = g_malloc(sizeof(SessionAccount) + n * sizeof(SessionTold));
    session->account->role = *role;
    session->account->n = n;
    memcpy(session->account->hours, self->now->data, n * sizeof(SessionTold));
}

static void
tell_as(SessionLedger *self, Session *session, const SessionRole *role)
{
    if (session->account && !same_role(&session->account->role, role))
        session_ledger_take_back(self, session);
    gather_now(self, session);
    tell_difference(self, session, role);
}

void
session_ledger_tell(SessionLedger *self, Session *session)
{
    const SessionRole role = session_role_of(self->pool, session, self->services);

    tell_as(self, session, &role);
    open_account(self, session, &role);
}

void
session_ledger_reopen(SessionLedger *self, Session *session)
{
    gather_now(self, session);
    open_account(self, session, &session->role);
}

void
session_ledger_reclose(SessionLedger *self, Session *session)
{
    tell_as(self, session, &session->role);
    g_clear_pointer(&session->account, g_free);
}

/* --- closing --- */

SessionTotals
session_ledger_totals(const SessionPool *pool, const Session *session,
                      SessionEnd caller)
{
    const SessionPart *forward = session_role_best(pool, session, true);
    const SessionPart *back = session_role_best(pool, session, false);
    const SessionPart *first = caller == SESSION_END_HIGH ? back : forward;
    const SessionPart *best = first ? first : (forward ? forward : back);
    SessionTotals totals = { .start_us = session->start_us, .end_us = session->end_us };

    if (!best)
        return totals;

    totals = (SessionTotals){ .start_us = best->start_us,
                              .end_us = best->end_us,
                              .exporter_id = best->exporter_id };
    totals.octets[0] = back ? back->octets : 0;
    totals.octets[1] = forward ? forward->octets : 0;
    totals.n_records =
        (forward ? forward->n_records : 0) + (back ? back->n_records : 0);
    totals.sampling = MAX(forward ? forward->sampling : 0, back ? back->sampling : 0);
    for (uint32_t i = session->parts; i != SESSION_NONE;
         i = session_pool_part(pool, i)->next) {
        const SessionPart *part = session_pool_part(pool, i);

        if (part->exporter_id != best->exporter_id)
            continue;
        totals.start_us = MIN(totals.start_us, part->start_us);
        totals.end_us = MAX(totals.end_us, part->end_us);
    }
    return totals;
}

static void
close_end(SessionLedger *self, const Session *session, SessionEnd host,
          const SessionTotals *totals, bool with_start)
{
    const ContactKey key = key_of(session, &session->role, host);

    if (with_start)
        contact_sum_add_start(self->sum, &key, totals->start_us,
                              totals->octets[host == SESSION_END_LOW],
                              totals->end_us - totals->start_us);
    for (guint i = 0; i < self->now->len; i++)
        contact_sum_note(self->sum, &key, told_at(self->now, i)->hour,
                         totals->exporter_id, totals->sampling);
}

void
session_ledger_close(SessionLedger *self, Session *session, bool with_start)
{
    const SessionTotals totals =
        session_ledger_totals(self->pool, session, session->role.caller);

    tell_as(self, session, &session->role);
    if (session->role.watched & SESSION_WATCHED_LOW)
        close_end(self, session, SESSION_END_LOW, &totals, with_start);
    if (session->role.watched & SESSION_WATCHED_HIGH)
        close_end(self, session, SESSION_END_HIGH, &totals, with_start);
    g_clear_pointer(&session->account, g_free);
    session->state = SESSION_CLOSED;
}
