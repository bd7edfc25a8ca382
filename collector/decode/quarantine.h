/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Quarantine: keeps off a sender that only sends rubbish (RFC 7011 9.1).
 *
 * A sender is an address and a port.  So many malformed messages without a
 * well-formed one in between, and its datagrams are refused for a while, each time
 * for twice as long.
 *
 * Whoever can forge a sender must not silence the true one by this, hence:
 *
 *  - an address that anything well-formed came from in the last seconds is never
 *    quarantined, whatever its ports;
 *  - a well-formed message ends the run, the quarantine and the doubling;
 *  - in quarantine one datagram in QUARANTINE_PROBE is read all the same, by chance, so
 *    that a true exporter among the rubbish is soon found.
 *
 * Bounded: the sender that was bad longest ago is forgotten.  Nothing is kept of
 * good ones, and nothing is looked up while there is no bad one. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ip-address.h"

#define QUARANTINE_MAX_SENDERS 4096
#define QUARANTINE_PROBE       16
#define QUARANTINE_QUIET_US    INT64_C(10000000)   /* nothing well-formed for so long */
#define QUARANTINE_MAX_US      INT64_C(3600000000) /* where the doubling ends */

typedef struct {
    IpAddress address;
    uint16_t port;
} QuarantineSender;

typedef struct Quarantine Quarantine;

/* Begins after @n_malformed (0 = never) and lasts @first_us at first. */
Quarantine *quarantine_new(uint32_t n_malformed, int64_t first_us);
void quarantine_free(Quarantine *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Quarantine, quarantine_free)

/* True when a datagram of @sender is to be refused unread. */
bool quarantine_refuses(Quarantine *self, const QuarantineSender *sender,
                        int64_t now_us);

/* Something well-formed came. */
void quarantine_note_good(Quarantine *self, const QuarantineSender *sender);

/* Something malformed came; @heard_us is when its address last sent something
 * well-formed, INT64_MIN = never.  Returns when a quarantine that begins with it will
 * end, else 0. */
int64_t quarantine_note_malformed(Quarantine *self, const QuarantineSender *sender,
                                  int64_t heard_us, int64_t now_us);

size_t quarantine_n_senders(const Quarantine *self);
