/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tls-trust.h"

#include <gio/gio.h>
#include <gnutls/x509.h>
#include <string.h>
#include <time.h>

#include "certificate-names.h"

#define MAX_CHAIN      8 /* longer ones are refused */
#define MAX_NAMES      256
#define MAX_NAME_BYTES 512

struct TlsTrust {
    gnutls_x509_trust_list_t list;
    CertificateNames *names;
    time_t crl_until; /* when the first revocation list is out of date; 0 = never */
};

/* --- life --- */

static bool
read_datum(const char *path, gnutls_datum_t *datum, char **text)
{
    size_t n_bytes = 0;
    const bool ok = g_file_get_contents(path, text, &n_bytes, NULL);

    *datum = (gnutls_datum_t){ (unsigned char *) *text, (unsigned) n_bytes };
    return ok;
}

/* GnuTLS looks neither at the signature of a list nor at its age when it looks for a
 * certificate in it.  False when one in @crl is not signed by a CA in @ca. */
static bool
check_lists(TlsTrust *self, const char *ca, const char *crl)
{
    g_autofree char *ca_text = NULL;
    g_autofree char *crl_text = NULL;
    gnutls_datum_t datum;
    gnutls_x509_crt_t *cas = NULL;
    gnutls_x509_crl_t *lists = NULL;
    unsigned n_cas = 0;
    unsigned n_lists = 0;

    bool ok =
        read_datum(ca, &datum, &ca_text) &&
        gnutls_x509_crt_list_import2(&cas, &n_cas, &datum, GNUTLS_X509_FMT_PEM, 0) >= 0;
    ok = ok && read_datum(crl, &datum, &crl_text) &&
         gnutls_x509_crl_list_import2(&lists, &n_lists, &datum, GNUTLS_X509_FMT_PEM,
                                      0) >= 0;
    for (unsigned i = 0; i < n_lists; i++) {
        const time_t until = gnutls_x509_crl_get_next_update(lists[i]);
        unsigned status = 0;

        if (until > 0 && (self->crl_until == 0 || until < self->crl_until))
            self->crl_until = until;
        ok = ok && gnutls_x509_crl_verify(lists[i], cas, n_cas, 0, &status) >= 0 &&
             (status &
              (GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNER_NOT_CA |
               GNUTLS_CERT_SIGNATURE_FAILURE | GNUTLS_CERT_INSECURE_ALGORITHM)) == 0;
        gnutls_x509_crl_deinit(lists[i]);
    }
    for (unsigned i = 0; i < n_cas; i++)
        gnutls_x509_crt_deinit(cas[i]);
    gnutls_free(lists);
    gnutls_free(cas);
    return ok;
}

static bool
add_files(TlsTrust *self, const char *ca, const char *crl, GError **error)
{
    int n = gnutls_x509_trust_list_add_trust_file(self->list, ca, NULL,
                                                  GNUTLS_X509_FMT_PEM, 0, 0);

    if (n <= 0) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "%s: no certificate of a CA in it (%s)", ca, gnutls_strerror(n));
        return false;
    }
    if (!crl[0])
        return true;

    /* A list that is out of date is taken, and refuses everybody until there is
     * another; one that no CA of ours signed would be good for nothing. */
    n = gnutls_x509_trust_list_add_trust_file(self->list, NULL, crl,
                                              GNUTLS_X509_FMT_PEM, 0, 0);
    if (n <= 0 || !check_lists(self, ca, crl)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "%s: no revocation list of the client CA in it (%s)", crl,
                    n <= 0 ? gnutls_strerror(n) : "of another CA");
        return false;
    }
    return true;
}

TlsTrust *
tls_trust_new(const char *ca, const char *crl, const char *allowed, GError **error)
{
    g_autoptr(TlsTrust) self = g_new0(TlsTrust, 1);

    self->names = certificate_names_parse(allowed, error);
    if (!self->names)
        return NULL;
    gnutls_x509_trust_list_init(&self->list, 0);
    return add_files(self, ca, crl, error) ? g_steal_pointer(&self) : NULL;
}

void
tls_trust_free(TlsTrust *self)
{
    if (!self)
        return;

    if (self->list)
        gnutls_x509_trust_list_deinit(self->list, 1);
    certificate_names_free(self->names);
    g_free(self);
}

/* --- names --- */

/* A name of the certificate: is it allowed, and how is it written? */
static bool
judge_dns(const TlsTrust *self, const char *bytes, size_t n_bytes, char **name)
{
    g_autofree char *text = g_strndup(bytes, n_bytes);

    if (strlen(text) != n_bytes) /* "good.example.net\0.evil.net" */
        return false;

    const bool ok = certificate_names_have_dns(self->names, text);
    *name = g_steal_pointer(&text);
    return ok;
}

static bool
judge_address(const TlsTrust *self, const char *bytes, size_t n_bytes, char **name)
{
    char text[IP_ADDRESS_TEXT_BYTES];
    IpAddress address;

    if (n_bytes == 4)
        address = ip_address_from_v4((const uint8_t *) bytes);
    else if (n_bytes == 16)
        address = ip_address_from_v6((const uint8_t *) bytes);
    else
        return false;

    *name = g_strdup(ip_address_format(&address, text));
    return certificate_names_have_address(self->names, &address);
}

static bool
judge_cn(const TlsTrust *self, const char *bytes, size_t n_bytes, char **name)
{
    g_autofree char *text = g_strndup(bytes, n_bytes);

    if (strlen(text) != n_bytes)
        return false;

    *name = g_strconcat("cn:", text, NULL);
    return certificate_names_have_cn(self->names, text);
}

/* The first name is kept until one comes that is allowed. */
static bool
settle(bool ok, char *candidate, char **name)
{
    if (candidate && (ok || !*name)) {
        g_free(*name);
        *name = candidate;
    } else {
        g_free(candidate);
    }
    return ok;
}

static bool
find_name(const TlsTrust *self, gnutls_x509_crt_t certificate, char **name)
{
    char bytes[MAX_NAME_BYTES];

    for (unsigned i = 0; i < MAX_NAMES; i++) {
        size_t n_bytes = sizeof(bytes);
        unsigned type = 0;
        char *candidate = NULL;
        bool ok = false;
        const int status = gnutls_x509_crt_get_subject_alt_name2(certificate, i, bytes,
                                                                 &n_bytes, &type, NULL);

        if (status == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            break;
        if (status < 0)
            continue;
        if (type == GNUTLS_SAN_DNSNAME)
            ok = judge_dns(self, bytes, n_bytes, &candidate);
        else if (type == GNUTLS_SAN_IPADDRESS)
            ok = judge_address(self, bytes, n_bytes, &candidate);
        if (settle(ok, candidate, name))
            return true;
    }
    for (unsigned i = 0; i < MAX_NAMES; i++) {
        size_t n_bytes = sizeof(bytes);
        char *candidate = NULL;
        const int status =
            gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, i,
                                          0, bytes, &n_bytes);

        if (status == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            break;
        if (status < 0)
            continue;
        const bool ok = judge_cn(self, bytes, n_bytes, &candidate);
        if (settle(ok, candidate, name))
            return true;
    }
    return false;
}

/* --- the chain --- */

/* In this order: what is said of a certificate that nobody vouches for means nothing.
 */
static TlsVerdict
verdict_from_status(unsigned status)
{
    static const struct {
        unsigned flags;
        TlsVerdict verdict;
    } rows[] = {
        { GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNER_NOT_CA |
              GNUTLS_CERT_SIGNATURE_FAILURE,
          TLS_VERDICT_UNTRUSTED },
        { GNUTLS_CERT_REVOKED, TLS_VERDICT_REVOKED },
        { GNUTLS_CERT_INSECURE_ALGORITHM, TLS_VERDICT_WEAK },
        { GNUTLS_CERT_NOT_ACTIVATED, TLS_VERDICT_NOT_YET_VALID },
        { GNUTLS_CERT_EXPIRED, TLS_VERDICT_EXPIRED },
        { GNUTLS_CERT_PURPOSE_MISMATCH, TLS_VERDICT_PURPOSE },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (status & rows[i].flags)
            return rows[i].verdict;
    }
    return status == 0 ? TLS_VERDICT_OK : TLS_VERDICT_UNTRUSTED;
}

static TlsVerdict
check_chain(const TlsTrust *self, gnutls_x509_crt_t *chain, unsigned n)
{
    const char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
    gnutls_typed_vdata_st wanted = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *) purpose };
    unsigned status = 0;

    if (gnutls_x509_trust_list_verify_crt2(self->list, chain, n, &wanted, 1,
                                           GNUTLS_PROFILE_TO_VFLAGS(
                                               GNUTLS_PROFILE_MEDIUM),
                                           &status, NULL) < 0)
        return TLS_VERDICT_UNTRUSTED;
    if (status == 0 && self->crl_until != 0 && time(NULL) >= self->crl_until)
        return TLS_VERDICT_STALE_CRL;
    return verdict_from_status(status);
}

TlsVerdict
tls_trust_check(const TlsTrust *self, const gnutls_datum_t *ders, unsigned n,
                char **name)
{
    gnutls_x509_crt_t chain[MAX_CHAIN];
    unsigned n_made = 0;
    bool ok = n > 0 && n <= MAX_CHAIN;
    TlsVerdict verdict = TLS_VERDICT_UNTRUSTED;
    char *found = NULL;

    while (ok && n_made < n) {
        gnutls_x509_crt_init(&chain[n_made]);
        ok = gnutls_x509_crt_import(chain[n_made], &ders[n_made],
                                    GNUTLS_X509_FMT_DER) == 0;
        n_made++;
    }
    if (ok) {
        const bool is_allowed = find_name(self, chain[0], &found);

        verdict = check_chain(self, chain, n);
        if (verdict == TLS_VERDICT_OK && !is_allowed)
            verdict = TLS_VERDICT_NAME;
    }

    for (unsigned i = 0; i < n_made; i++)
        gnutls_x509_crt_deinit(chain[i]);
    *name = found ? found : g_strdup("");
    return verdict;
}
