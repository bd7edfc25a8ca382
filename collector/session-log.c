/* SPDX-License-Identifier: Apache-2.0 */
#include "session-log.h"

#include "clock.h"
#include "log.h"

#define MAX_LINES 10
#define SPAN_US   (10 * US_PER_SEC)

static bool
may_speak(SessionLog *self, int64_t mono_us)
{
    if (self->since_us == 0 || mono_us - self->since_us >= SPAN_US) {
        if (self->n_silent > 0)
            log_notice("TLS: %" G_GUINT64_FORMAT
                       " more sessions began or were refused, "
                       "which are not in this log",
                       self->n_silent);
        *self = (SessionLog){ .since_us = mono_us };
    }
    if (self->n_lines < MAX_LINES) {
        self->n_lines++;
        return true;
    }
    self->n_silent++;
    return false;
}

void
session_log_begin(SessionLog *self, const IpAddress *peer, uint16_t port,
                  const char *name, int64_t mono_us)
{
    char address[IP_ADDRESS_TEXT_BYTES];

    if (may_speak(self, mono_us))
        log_notice("TLS: session of %s port %u, certificate of %s",
                   ip_address_format(peer, address), port, name);
}

void
session_log_refuse(SessionLog *self, const IpAddress *peer, uint16_t port,
                   TlsVerdict why, const char *name, const char *detail,
                   int64_t mono_us)
{
    char address[IP_ADDRESS_TEXT_BYTES];

    if (!may_speak(self, mono_us))
        return;

    log_warning("TLS: %s port %u refused: %s%s%s%s%s%s",
                ip_address_format(peer, address), port, tls_verdict_text(why),
                name[0] ? " (" : "", name, name[0] ? ")" : "", detail[0] ? ": " : "",
                detail);
}

void
session_log_reset(const IpAddress *peer, uint16_t port, uint64_t n)
{
    char address[IP_ADDRESS_TEXT_BYTES];

    if ((n & (n - 1)) == 0)
        log_notice(
            "exporter %s, port %u: TCP connection reset, or cut within a message "
            "(%" G_GUINT64_FORMAT " so far)",
            ip_address_format(peer, address), port, n);
}
