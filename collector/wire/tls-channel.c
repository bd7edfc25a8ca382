/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tls-channel.h"

#define MAX_HANDSHAKE_BYTES 32768 /* a hello, or a chain of certificates */
#define MAX_TRIES           16 /* warnings and the like that are passed over in a call */

struct TlsChannel {
    TlsContext *context;
    gnutls_session_t session;
    TlsVerdict verdict;
    char *name;
    const char *detail; /* static */
};

/* Within the handshake, so that the peer gets an alert instead of a session. */
static int
on_certificate(gnutls_session_t session)
{
    TlsChannel *self = gnutls_session_get_ptr(session);
    unsigned n = 0;
    const gnutls_datum_t *ders = gnutls_certificate_get_peers(session, &n);

    g_free(self->name);
    self->verdict =
        ders ? tls_trust_check(tls_context_trust(self->context), ders, n, &self->name)
             : TLS_VERDICT_NO_CERTIFICATE;
    if (!ders)
        self->name = g_strdup("");
    return self->verdict == TLS_VERDICT_OK ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

TlsChannel *
tls_channel_new(TlsContext *context, int fd)
{
    TlsChannel *self = g_new0(TlsChannel, 1);

    self->context = tls_context_ref(context);
    self->name = g_strdup("");
    self->detail = "";
    if (gnutls_init(&self->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL |
                                        GNUTLS_NO_TICKETS) != 0) {
        self->session = NULL;
        tls_channel_free(self);
        return NULL;
    }
    gnutls_session_set_ptr(self->session, self);
    gnutls_session_set_verify_function(self->session, on_certificate);
    gnutls_handshake_set_max_packet_length(self->session, MAX_HANDSHAKE_BYTES);
    gnutls_transport_set_int(self->session, fd);
    if (!tls_context_prepare(context, self->session)) {
        tls_channel_free(self);
        return NULL;
    }
    return self;
}

void
tls_channel_free(TlsChannel *self)
{
    if (!self)
        return;

    if (self->session)
        gnutls_deinit(self->session);
    tls_context_unref(self->context);
    g_free(self->name);
    g_free(self);
}

/* --- the handshake --- */

static bool
is_waiting(ssize_t status)
{
    return status == GNUTLS_E_AGAIN || status == GNUTLS_E_INTERRUPTED;
}

static gnutls_alert_description_t
alert_of(TlsVerdict verdict)
{
    switch (verdict) {
    case TLS_VERDICT_UNTRUSTED:
        return GNUTLS_A_UNKNOWN_CA;
    case TLS_VERDICT_REVOKED:
        return GNUTLS_A_CERTIFICATE_REVOKED;
    case TLS_VERDICT_EXPIRED:
        return GNUTLS_A_CERTIFICATE_EXPIRED;
    case TLS_VERDICT_NAME:
        return GNUTLS_A_ACCESS_DENIED;
    default:
        return GNUTLS_A_BAD_CERTIFICATE;
    }
}

static void
note_failure(TlsChannel *self, int status)
{
    if (self->verdict != TLS_VERDICT_OK) {
        gnutls_alert_send(self->session, GNUTLS_AL_FATAL, alert_of(self->verdict));
        return;
    }

    gnutls_alert_send_appropriate(self->session, status);
    if (status == GNUTLS_E_CERTIFICATE_REQUIRED ||
        status == GNUTLS_E_NO_CERTIFICATE_FOUND) {
        self->verdict = TLS_VERDICT_NO_CERTIFICATE;
        return;
    }
    self->verdict = TLS_VERDICT_HANDSHAKE;
    self->detail = status == GNUTLS_E_FATAL_ALERT_RECEIVED
                       ? gnutls_alert_get_name(gnutls_alert_get(self->session))
                       : gnutls_strerror(status);
}

TlsShake
tls_channel_shake_hands(TlsChannel *self)
{
    for (unsigned i = 0;; i++) {
        const int status = gnutls_handshake(self->session);

        if (status == GNUTLS_E_SUCCESS)
            return TLS_SHAKE_DONE;
        if (is_waiting(status))
            return gnutls_record_get_direction(self->session) ? TLS_SHAKE_WANTS_WRITE
                                                              : TLS_SHAKE_WANTS_READ;
        if (gnutls_error_is_fatal(status) || i == MAX_TRIES) {
            note_failure(self, status);
            return TLS_SHAKE_FAILED;
        }
    }
}

TlsVerdict
tls_channel_verdict(const TlsChannel *self)
{
    return self->verdict;
}

const char *
tls_channel_name(const TlsChannel *self)
{
    return self->name;
}

const char *
tls_channel_detail(const TlsChannel *self)
{
    return self->detail ? self->detail : "";
}

/* --- the session --- */

ssize_t
tls_channel_read(TlsChannel *self, uint8_t *to, size_t room)
{
    for (unsigned i = 0; i < MAX_TRIES; i++) {
        const ssize_t n = gnutls_record_recv(self->session, to, room);

        if (n >= 0)
            return n;
        if (is_waiting(n))
            return TLS_CHANNEL_AGAIN;
        if (n == GNUTLS_E_PREMATURE_TERMINATION) /* no close_notify: as over TCP */
            return 0;
        if (n == GNUTLS_E_REHANDSHAKE || gnutls_error_is_fatal((int) n))
            return TLS_CHANNEL_FAILED;
    }
    return TLS_CHANNEL_FAILED; /* a flood of warnings */
}

void
tls_channel_bye(TlsChannel *self)
{
    gnutls_bye(self->session, GNUTLS_SHUT_WR);
}
