/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SessionRole: who called whom, and where.  Pure.
 *
 * The first of these that says something decides: (a) a record of both directions; (b)
 * the side whose first flags are a SYN without ACK; (c) the side that began more than
 * 5 ms before the other on the same exporter; (d) the side whose peer's port is known
 * as a service; (e) the higher port is the client's. */

#include "session/service-memory.h"
#include "session/session-pool.h"

/* The part with the most octets of a direction, by whose numbers the session goes;
 * NULL when nothing was seen that way. */
const SessionPart *session_role_best(const SessionPool *pool, const Session *session,
                                     bool forward);

SessionRole session_role_of(const SessionPool *pool, const Session *session,
                            const ServiceMemory *services);

/* By (a), (b) or (c) alone: SESSION_END_UNKNOWN where these say nothing. */
SessionEnd session_role_witnessed(const SessionPool *pool, const Session *session);

/* What a session shows about services: the end that was called is one of the caller's
 * where the session showed who that was, else both ends may be one. */
void session_role_teach(const SessionPool *pool, const Session *session,
                        ServiceMemory *services);
