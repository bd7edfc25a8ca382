/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tls-context.h"

#include <gio/gio.h>
#include <gnutls/x509.h>

#define PRIORITY                                                                       \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:"      \
    "+DHE-RSA:-CIPHER-ALL:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:-MAC-ALL:"      \
    "+AEAD:-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:%SERVER_PRECEDENCE:%NO_TICKETS:"            \
    "%PROFILE_MEDIUM"

struct TlsContext {
    gatomicrefcount refs;
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priority;
    TlsTrust *trust;
};

static bool
is_ok(int status, const char *doing, const char *file, GError **error)
{
    if (status >= 0)
        return true;

    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: %s: %s", file, doing,
                gnutls_strerror(status));
    return false;
}

static bool
load(TlsContext *self, const TlsFiles *files, GError **error)
{
    self->trust =
        tls_trust_new(files->client_ca, files->client_crl, files->allowed_names, error);
    if (!self->trust ||
        !is_ok(gnutls_priority_init(&self->priority, PRIORITY, NULL),
               "cannot set up TLS", "GnuTLS", error) ||
        !is_ok(gnutls_certificate_allocate_credentials(&self->credentials),
               "cannot set up TLS", "GnuTLS", error))
        return false;

    /* Clients are told which CA; whether theirs is good is the trust's to say. */
    return is_ok(gnutls_certificate_set_x509_trust_file(self->credentials,
                                                        files->client_ca,
                                                        GNUTLS_X509_FMT_PEM),
                 "cannot be read", files->client_ca, error) &&
           is_ok(gnutls_certificate_set_x509_key_file2(self->credentials,
                                                       files->certificate, files->key,
                                                       GNUTLS_X509_FMT_PEM, NULL, 0),
                 "not a certificate and the key of it", files->certificate, error);
}

TlsContext *
tls_context_new(const TlsFiles *files, GError **error)
{
    g_autoptr(TlsContext) self = g_new0(TlsContext, 1);

    g_atomic_ref_count_init(&self->refs);
    return load(self, files, error) ? g_steal_pointer(&self) : NULL;
}

TlsContext *
tls_context_ref(TlsContext *self)
{
    g_atomic_ref_count_inc(&self->refs);
    return self;
}

void
tls_context_unref(TlsContext *self)
{
    if (!self || !g_atomic_ref_count_dec(&self->refs))
        return;

    if (self->credentials)
        gnutls_certificate_free_credentials(self->credentials);
    if (self->priority)
        gnutls_priority_deinit(self->priority);
    tls_trust_free(self->trust);
    g_free(self);
}

const TlsTrust *
tls_context_trust(const TlsContext *self)
{
    return self->trust;
}

bool
tls_context_prepare(const TlsContext *self, gnutls_session_t session)
{
    gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
    return gnutls_priority_set(session, self->priority) == 0 &&
           gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, self->credentials) ==
               0;
}
