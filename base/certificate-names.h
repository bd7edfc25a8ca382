/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* CertificateNames: a list of the names by which peers are known that show a
 * certificate (RFC 7011 11.3).
 *
 *   router1.example.net     a DNS name, as a subjectAltName has it
 *   *.routers.example.net   any one label in place of the star
 *   192.0.2.1, 2001:db8::1  an address, likewise
 *   cn:Router 7             the common name of the subject, for certificates that
 *                           have no subjectAltName
 *
 * separated by commas.  A star in a certificate means nothing.  Knows neither TLS nor
 * certificates. */

#include <glib.h>
#include <stdbool.h>

#include "ip-address.h"

typedef struct CertificateNames CertificateNames;

/* Error: G_KEY_FILE_ERROR_INVALID_VALUE, which says what is wrong with @text. */
CertificateNames *certificate_names_parse(const char *text, GError **error);
void certificate_names_free(CertificateNames *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CertificateNames, certificate_names_free)

bool certificate_names_have_dns(const CertificateNames *self, const char *name);
bool certificate_names_have_address(const CertificateNames *self,
                                    const IpAddress *address);
bool certificate_names_have_cn(const CertificateNames *self, const char *name);
