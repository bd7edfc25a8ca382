/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* TlsVerdict: why a peer got no TLS session. */

#include <stddef.h>

typedef enum {
    TLS_VERDICT_OK,
    TLS_VERDICT_HANDSHAKE, /* not TLS, no version or cipher in common, broken off */
    TLS_VERDICT_TIMEOUT,
    TLS_VERDICT_NO_CERTIFICATE,
    TLS_VERDICT_UNTRUSTED, /* nobody of the client CA signed it */
    TLS_VERDICT_REVOKED,
    TLS_VERDICT_STALE_CRL, /* nobody knows whether it is revoked */
    TLS_VERDICT_WEAK,
    TLS_VERDICT_NOT_YET_VALID,
    TLS_VERDICT_EXPIRED,
    TLS_VERDICT_PURPOSE, /* a certificate for something else than a client */
    TLS_VERDICT_NAME,    /* none of its names is on the list */
} TlsVerdict;

/* The class of the loss, such as "tls_expired". */
const char *tls_verdict_class(TlsVerdict verdict);

/* The other way round; TLS_VERDICT_OK when it is none. */
TlsVerdict tls_verdict_from_class(const char *class, size_t n_bytes);

/* For a person: "its certificate has expired". */
const char *tls_verdict_text(TlsVerdict verdict);
