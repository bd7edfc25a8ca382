/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tls-verdict.h"

#include <glib.h>
#include <string.h>

static const struct {
    const char *class;
    const char *text;
} verdicts[] = {
    [TLS_VERDICT_OK] = { "", "nothing" },
    [TLS_VERDICT_HANDSHAKE] = { "tls_handshake", "the handshake failed" },
    [TLS_VERDICT_TIMEOUT] = { "tls_timeout", "the handshake took too long" },
    [TLS_VERDICT_NO_CERTIFICATE] = { "tls_no_certificate", "it shows no certificate" },
    [TLS_VERDICT_UNTRUSTED] = { "tls_untrusted",
                                "its certificate is not signed by the client CA" },
    [TLS_VERDICT_REVOKED] = { "tls_revoked", "its certificate is revoked" },
    [TLS_VERDICT_STALE_CRL] = { "tls_stale_crl", "the revocation list is out of date" },
    [TLS_VERDICT_WEAK] = { "tls_weak", "its certificate has a weak key or signature" },
    [TLS_VERDICT_NOT_YET_VALID] = { "tls_not_yet_valid",
                                    "its certificate is not valid yet" },
    [TLS_VERDICT_EXPIRED] = { "tls_expired", "its certificate has expired" },
    [TLS_VERDICT_PURPOSE] = { "tls_purpose", "its certificate is not for clients" },
    [TLS_VERDICT_NAME] = { "tls_name",
                           "no name in its certificate is in tls_allowed_names" },
};

const char *
tls_verdict_class(TlsVerdict verdict)
{
    g_assert(verdict < G_N_ELEMENTS(verdicts));
    return verdicts[verdict].class;
}

TlsVerdict
tls_verdict_from_class(const char *class, size_t n_bytes)
{
    for (size_t i = 0; i < G_N_ELEMENTS(verdicts); i++) {
        if (strlen(verdicts[i].class) == n_bytes &&
            memcmp(verdicts[i].class, class, n_bytes) == 0)
            return i;
    }
    return TLS_VERDICT_OK;
}

const char *
tls_verdict_text(TlsVerdict verdict)
{
    g_assert(verdict < G_N_ELEMENTS(verdicts));
    return verdicts[verdict].text;
}
