/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SessionLog: lines about TLS sessions, for an operator who wants to know who came and
 * why somebody could not.  Anybody can knock, so there are at most ten lines in ten
 * seconds; the counters have the truth.  One receiver's own; starts as zeros. */

#include <stdint.h>

#include "ip-address.h"
#include "wire/tls-verdict.h"

typedef struct {
    int64_t since_us; /* monotonic */
    unsigned n_lines;
    uint64_t n_silent; /* lines that were not written */
} SessionLog;

void session_log_begin(SessionLog *self, const IpAddress *peer, uint16_t port,
                       const char *name, int64_t mono_us);

/* @name and @detail may be "". */
void session_log_refuse(SessionLog *self, const IpAddress *peer, uint16_t port,
                        TlsVerdict why, const char *name, const char *detail,
                        int64_t mono_us);

/* The @n-th connection was reset (RFC 7011 11.6): the first and each doubling are worth
 * a line. */
void session_log_reset(const IpAddress *peer, uint16_t port, uint64_t n);
