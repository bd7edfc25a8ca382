/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* TlsTrust: which client certificates are good (RFC 7011 11.3).
 *
 * Good is a certificate that the client CA signed for a client (if it says for what
 * at all), that is in force now, not on the revocation list, of at least 112 bits of
 * security in each signature and key (RSA of 2048 bits, no SHA-1), and that has a name
 * which is allowed.  Pure, but for the clock.  Immutable: any number of threads may
 * ask. */

#include <glib.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>

#include "wire/tls-verdict.h"

typedef struct TlsTrust TlsTrust;

/* @ca and @crl are PEM files; @crl may be "" for none.  @allowed: see
 * certificate-names.h.  Errors: G_IO_ERROR, G_KEY_FILE_ERROR. */
TlsTrust *tls_trust_new(const char *ca, const char *crl, const char *allowed,
                        GError **error);
void tls_trust_free(TlsTrust *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TlsTrust, tls_trust_free)

/* @ders: @n certificates, the client's own first.  @name (transfer full) is the one
 * that was allowed or, in a certificate that is refused, the first it has; "" when it
 * has none. */
TlsVerdict tls_trust_check(const TlsTrust *self, const gnutls_datum_t *ders, unsigned n,
                           char **name);
