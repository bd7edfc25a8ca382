/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* TlsContext: what all TLS sessions of one listener share: our certificate and key,
 * whom to trust, and which versions and ciphers there are.  Immutable and counted, so
 * that sessions go on with theirs when the files are read anew.  Any thread.
 *
 * TLS 1.2 and 1.3, ephemeral keys, authenticated encryption: nothing else, and nothing
 * of it can be turned (RFC 7011 11.1, RFC 9325 4.2). */

#include <glib.h>

#include "wire/tls-trust.h"

typedef struct {
    const char *certificate;   /* PEM; ours, then those up to the root */
    const char *key;           /* PEM, not encrypted */
    const char *client_ca;     /* PEM */
    const char *client_crl;    /* PEM; "" = none */
    const char *allowed_names; /* see certificate-names.h */
} TlsFiles;

typedef struct TlsContext TlsContext;

/* Errors: G_IO_ERROR, G_KEY_FILE_ERROR, naming the file. */
TlsContext *tls_context_new(const TlsFiles *files, GError **error);
TlsContext *tls_context_ref(TlsContext *self);
void tls_context_unref(TlsContext *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TlsContext, tls_context_unref)

const TlsTrust *tls_context_trust(const TlsContext *self); /* lent */

/* Makes @session one of this context, which must outlive it. */
bool tls_context_prepare(const TlsContext *self, gnutls_session_t session);
