/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SessionLedger: turns sessions into what contact_hour is told of them.
 *
 * A short session is told when it is closed.  A long one is told as it goes on, hour by
 * hour: its account has what was told, so that only differences are told, also when
 * another observation point turns out to have seen more, or another end to have called.
 * A closed session has its start told, once; what comes late is added to its hours. */

#include "session/contact-sum.h"
#include "session/session-role.h"

typedef struct SessionLedger SessionLedger;

/* All are lent for its life. */
SessionLedger *session_ledger_new(SessionPool *pool, ServiceMemory *services,
                                  ContactSum *sum);
void session_ledger_free(SessionLedger *self);

/* Tells what is new of an open session. */
void session_ledger_tell(SessionLedger *self, Session *session);

/* Around adding to a session that is closed. */
void session_ledger_reopen(SessionLedger *self, Session *session);
void session_ledger_reclose(SessionLedger *self, Session *session);

/* Takes back all that was told of an open session. */
void session_ledger_take_back(SessionLedger *self, Session *session);

/* Closes a session that has its role already: see session_role_of().  @with_start:
 * count it, and keep its start. */
void session_ledger_close(SessionLedger *self, Session *session, bool with_start);

/* First and last packet on the clock of the exporter by whose numbers it goes, and its
 * octets, forward and back. */
typedef struct {
    int64_t start_us;
    int64_t end_us;
    uint64_t octets[2]; /* [0] back, [1] forward */
    uint32_t n_records;
    int32_t exporter_id;
    uint32_t sampling;
} SessionTotals;

SessionTotals session_ledger_totals(const SessionPool *pool, const Session *session,
                                    SessionEnd caller);
