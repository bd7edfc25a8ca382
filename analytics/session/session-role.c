/* SPDX-License-Identifier: Apache-2.0 */
#include "session/session-role.h"

#include <glib.h>

#include "clock.h"
#include "service-port.h"

enum { TCP = 6 };

/* One direction has to begin so much earlier to have been first. */
#define EARLIER_US (5 * US_PER_MS)

const SessionPart *
session_role_best(const SessionPool *pool, const Session *session, bool forward)
{
    const SessionPart *best = NULL;

    for (uint32_t i = session->parts; i != SESSION_NONE;
         i = session_pool_part(pool, i)->next) {
        const SessionPart *part = session_pool_part(pool, i);

        if (part->forward != forward)
            continue;
        /* Of equal ones always the same, whatever came first. */
        if (!best || part->octets > best->octets ||
            (part->octets == best->octets &&
             (part->exporter_id < best->exporter_id ||
              (part->exporter_id == best->exporter_id && part->point < best->point))))
            best = part;
    }
    return best;
}

static bool
is_bare_syn(const SessionPart *part)
{
    return part && part->has_flags && (part->first_flags & FLOW_ROW_SYN) &&
           !(part->first_flags & FLOW_ROW_ACK);
}

static SessionEnd
by_flags(const Session *session, const SessionPart *forward, const SessionPart *back)
{
    const bool low = is_bare_syn(forward), high = is_bare_syn(back);

    if (session->key.protocol != TCP || low == high)
        return SESSION_END_UNKNOWN;
    return low ? SESSION_END_LOW : SESSION_END_HIGH;
}

/* When an exporter saw the first of a direction; INT64_MAX: never.  @flags: of that. */
static int64_t
began_us(const SessionPool *pool, const Session *session, int32_t exporter_id,
         bool forward, const SessionPart **first)
{
    int64_t start_us = INT64_MAX;

    *first = NULL;
    for (uint32_t i = session->parts; i != SESSION_NONE;
         i = session_pool_part(pool, i)->next) {
        const SessionPart *part = session_pool_part(pool, i);

        if (part->exporter_id != exporter_id || part->forward != forward ||
            part->start_us >= start_us)
            continue;
        start_us = part->start_us;
        *first = part;
    }
    return start_us;
}

/* A TCP session whose first packet we did not see began before any of this. */
static SessionEnd
by_start(const SessionPool *pool, const Session *session, const SessionPart *best)
{
    const SessionPart *forward = NULL, *back = NULL;

    if (!best)
        return SESSION_END_UNKNOWN;

    const int64_t forward_us =
        began_us(pool, session, best->exporter_id, true, &forward);
    const int64_t back_us = began_us(pool, session, best->exporter_id, false, &back);
    if (!forward || !back || ABS(forward_us - back_us) <= EARLIER_US)
        return SESSION_END_UNKNOWN;

    const SessionPart *first = forward_us < back_us ? forward : back;
    if (session->key.protocol == TCP && first->has_flags &&
        !(first->first_flags & FLOW_ROW_SYN))
        return SESSION_END_UNKNOWN;
    return first == forward ? SESSION_END_LOW : SESSION_END_HIGH;
}

SessionEnd
session_role_witnessed(const SessionPool *pool, const Session *session)
{
    const SessionPart *forward = session_role_best(pool, session, true);
    const SessionPart *back = session_role_best(pool, session, false);

    if (session->biflow != SESSION_END_UNKNOWN)
        return session->biflow;

    SessionEnd end = by_flags(session, forward, back);
    if (end == SESSION_END_UNKNOWN)
        end = by_start(pool, session, forward);
    if (end == SESSION_END_UNKNOWN && back && forward &&
        back->exporter_id != forward->exporter_id)
        end = by_start(pool, session, back);
    return end;
}

/* The end that is called because @low or @high is a service, when one of them is. */
static SessionEnd
other_than_service(bool low, bool high)
{
    if (low == high)
        return SESSION_END_UNKNOWN;
    return low ? SESSION_END_HIGH : SESSION_END_LOW;
}

static SessionEnd
by_ports(const Session *session, const ServiceMemory *services)
{
    const SessionKey *key = &session->key;

    if (!service_port_has_ports(key->protocol))
        return SESSION_END_UNKNOWN;

    SessionEnd end = other_than_service(service_port_is_known(key->low_port),
                                        service_port_is_known(key->high_port));
    if (end == SESSION_END_UNKNOWN && services)
        end =
            other_than_service(service_memory_knows(services, &key->low, key->low_port,
                                                    key->protocol, session->start_us),
                               service_memory_knows(services, &key->high,
                                                    key->high_port, key->protocol,
                                                    session->start_us));
    if (end == SESSION_END_UNKNOWN && key->low_port != key->high_port)
        end = key->low_port > key->high_port ? SESSION_END_LOW : SESSION_END_HIGH;
    return end;
}

/* Who asks has port 0 (session-key.h). */
static SessionEnd
by_icmp(const SessionKey *key)
{
    return other_than_service(key->low_port != 0, key->high_port != 0);
}

static uint16_t
port_of(const SessionKey *key, SessionEnd caller)
{
    if (caller == SESSION_END_LOW)
        return key->high_port;
    if (caller == SESSION_END_HIGH)
        return key->low_port;

    const uint16_t known =
        service_port_pick(key->protocol, key->low_port, key->high_port);
    return known ? known : MIN(key->low_port, key->high_port);
}

SessionRole
session_role_of(const SessionPool *pool, const Session *session,
                const ServiceMemory *services)
{
    SessionEnd caller = session_key_is_icmp(&session->key)
                            ? by_icmp(&session->key)
                            : session_role_witnessed(pool, session);

    if (caller == SESSION_END_UNKNOWN)
        caller = by_ports(session, services);

    return (SessionRole){ port_of(&session->key, caller), (uint8_t) caller,
                          session->watched };
}

void
session_role_teach(const SessionPool *pool, const Session *session,
                   ServiceMemory *services)
{
    const SessionKey *key = &session->key;

    /* Ports that say enough, or nothing at all. */
    if (!service_port_has_ports(key->protocol) ||
        service_port_is_known(key->low_port) != service_port_is_known(key->high_port))
        return;

    const SessionEnd witnessed = session_role_witnessed(pool, session);
    if (witnessed != SESSION_END_LOW)
        service_memory_see(services, &key->low, key->low_port, key->protocol,
                           &key->high, session->start_us);
    if (witnessed != SESSION_END_HIGH)
        service_memory_see(services, &key->high, key->high_port, key->protocol,
                           &key->low, session->start_us);
}
