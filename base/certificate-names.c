/* SPDX-License-Identifier: Apache-2.0 */
#include "certificate-names.h"

#include <string.h>

#define MAX_LABEL_BYTES 63 /* RFC 1035 2.3.4 */
#define MAX_NAME_BYTES  253

struct CertificateNames {
    GHashTable *dns;       /* lower case, without a dot at the end */
    GHashTable *domains;   /* of "*.DOMAIN", likewise */
    GHashTable *addresses; /* as text in its canonical form */
    GHashTable *cns;
};

static bool
is_label(const char *label)
{
    const size_t n = strlen(label);

    if (n == 0 || n > MAX_LABEL_BYTES)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!g_ascii_isalnum(label[i]) && label[i] != '-' && label[i] != '_')
            return false;
    }
    return true;
}

/* In the one form that is compared; NULL when it is no name. */
static char *
plain_name(const char *text)
{
    g_autofree char *name = g_ascii_strdown(text, -1);
    const size_t n = strlen(name);

    if (n > 1 && name[n - 1] == '.')
        name[n - 1] = '\0';
    if (strlen(name) > MAX_NAME_BYTES)
        return NULL;

    g_auto(GStrv) labels = g_strsplit(name, ".", -1);
    for (char **label = labels; *label; label++) {
        if (!is_label(*label))
            return NULL;
    }
    return labels[0] ? g_steal_pointer(&name) : NULL;
}

static bool
add(CertificateNames *self, const char *word)
{
    char text[IP_ADDRESS_TEXT_BYTES];
    IpAddress address;

    if (g_str_has_prefix(word, "cn:")) {
        g_autofree char *cn = g_strstrip(g_strdup(word + 3));

        return *cn && (g_hash_table_add(self->cns, g_steal_pointer(&cn)), true);
    }
    if (ip_address_parse(word, &address)) {
        g_hash_table_add(self->addresses, g_strdup(ip_address_format(&address, text)));
        return true;
    }

    const bool is_domain = g_str_has_prefix(word, "*.");
    char *name = plain_name(is_domain ? word + 2 : word);
    if (name)
        g_hash_table_add(is_domain ? self->domains : self->dns, name);
    return name != NULL;
}

static GHashTable *
new_set(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

CertificateNames *
certificate_names_parse(const char *text, GError **error)
{
    g_autoptr(CertificateNames) self = g_new0(CertificateNames, 1);
    g_auto(GStrv) words = g_strsplit_set(text, ",;\n", -1);
    bool any = false;

    self->dns = new_set();
    self->domains = new_set();
    self->addresses = new_set();
    self->cns = new_set();
    for (char **word = words; *word; word++) {
        if (!*g_strstrip(*word))
            continue;
        any = true;
        if (!add(self, *word)) {
            g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
                        "\"%s\" is not allowed: must be a DNS name, *.DOMAIN, an "
                        "address or cn:NAME",
                        *word);
            return NULL;
        }
    }
    if (!any) {
        g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
                    "missing: must be DNS names, *.DOMAIN, addresses or cn:NAME");
        return NULL;
    }
    return g_steal_pointer(&self);
}

void
certificate_names_free(CertificateNames *self)
{
    if (!self)
        return;

    g_hash_table_unref(self->dns);
    g_hash_table_unref(self->domains);
    g_hash_table_unref(self->addresses);
    g_hash_table_unref(self->cns);
    g_free(self);
}

bool
certificate_names_have_dns(const CertificateNames *self, const char *name)
{
    g_autofree char *plain = plain_name(name);

    if (!plain)
        return false;
    if (g_hash_table_contains(self->dns, plain))
        return true;

    const char *domain = strchr(plain, '.');
    return domain && g_hash_table_contains(self->domains, domain + 1);
}

bool
certificate_names_have_address(const CertificateNames *self, const IpAddress *address)
{
    char text[IP_ADDRESS_TEXT_BYTES];

    return g_hash_table_contains(self->addresses, ip_address_format(address, text));
}

bool
certificate_names_have_cn(const CertificateNames *self, const char *name)
{
    return g_hash_table_contains(self->cns, name);
}
