/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/incident-title.h"

#include <math.h>

#include "alert/evidence.h"
#include "network.h"

#define TCP 6

static const struct {
    uint8_t number;
    const char *name;
} protocols[] = {
    { 1, "icmp" }, { 4, "ipip" }, { 17, "udp" },   { 41, "ipv6" },
    { 47, "gre" }, { 50, "esp" }, { 58, "icmp6" }, { 132, "sctp" },
};

/* What only turns or hides text, or ends a line, stays out. */
static void
append_name(GString *to, const char *name)
{
    g_autofree char *valid = g_utf8_make_valid(name ? name : "", -1);
    const size_t before = to->len;

    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        const gunichar c = g_utf8_get_char(at);

        if (g_unichar_isprint(c) && g_unichar_type(c) != G_UNICODE_FORMAT)
            g_string_append_unichar(to, c);
    }
    if (to->len > before)
        g_string_append_c(to, ' ');
}

static void
append_protocol(GString *to, const Finding *finding)
{
    const char *name = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(protocols); i++) {
        if (protocols[i].number == finding->protocol)
            name = protocols[i].name;
    }
    if (finding->protocol == 0 || finding->protocol == TCP)
        return;
    if (name)
        g_string_append_printf(to, "/%s", name);
    else
        g_string_append_printf(to, "/protocol %u", finding->protocol);
}

/* Address or network, with the port when this end was called. */
static void
append_end(GString *to, const Finding *finding, const Network *network, bool is_called)
{
    const bool is_v4 = ip_address_is_v4(&network->address);
    const bool has_port = is_called && finding->port > 0;
    char text[IP_ADDRESS_TEXT_BYTES];

    ip_address_format(&network->address, text);
    g_string_append_printf(to, has_port && !is_v4 ? "[%s" : "%s", text);
    if (network->bits < 128)
        g_string_append_printf(to, "/%u", network->bits - (is_v4 ? 96 : 0));
    if (has_port)
        g_string_append_printf(to, "%s:%u", is_v4 ? "" : "]", finding->port);
    if (is_called)
        append_protocol(to, finding);
}

static void
append_what(GString *to, const Finding *finding)
{
    g_autofree char *json = g_strdup_printf("{\"numbers\": %s}",
                                            finding->numbers ? finding->numbers : "{}");
    g_autoptr(Evidence) evidence = evidence_parse(json, NULL);
    const double period_sec = evidence ? evidence_number(evidence, "period_sec") : 0;

    if (finding->kind == FINDING_EXFIL) {
        g_autofree char *octets = incident_title_octets(finding->magnitude);

        g_string_append_printf(to, " %s", octets);
    } else if (period_sec > 0) {
        g_autofree char *period = incident_title_period(period_sec);

        g_string_append_printf(to, " every %s", period);
    }
    if (!g_str_equal(finding->rule, finding_kind_name(finding->kind)))
        g_string_append_printf(to, " (%s)", finding->rule);
}

char *
incident_title(const Finding *finding, const char *host_group)
{
    GString *to = g_string_new(finding_kind_name(finding->kind));
    const bool by_peer = finding->initiator == CONTACT_BY_PEER;
    const Network host = { finding->host, 128 };
    const Network peers = network_of(&finding->peer, finding->peer_group_bits);

    g_string_append(to, ": ");
    append_name(to, host_group);
    append_end(to, finding, &host, by_peer);
    g_string_append(to, by_peer ? " <- " : " -> ");
    append_end(to, finding, &peers, !by_peer);
    append_what(to, finding);
    return g_string_free(to, FALSE);
}

char *
incident_title_period(double period_sec)
{
    static const struct {
        double sec;
        const char *name;
    } units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
    size_t i = 0;

    while (i + 1 < G_N_ELEMENTS(units) && period_sec < 2 * units[i].sec)
        i++;
    return g_strdup_printf("%.3g %s", period_sec / units[i].sec, units[i].name);
}

char *
incident_title_octets(double octets)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
    size_t i = 0;

    while (i + 1 < G_N_ELEMENTS(units) && octets >= 999.5) {
        octets /= 1000;
        i++;
    }
    return g_strdup_printf("%.3g %s", octets, units[i]);
}
