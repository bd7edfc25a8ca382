/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/beacon-score.h"

#include <math.h>

#define HOUR_US INT64_C(3600000000)
#define DAY_US  (24 * HOUR_US)

/* What each term can reach. */
#define REGULARITY_POINTS  45.0
#define SIZE_POINTS        10.0
#define PERSISTENCE_POINTS 10.0
#define RARITY_POINTS      20.0
#define NEW_POINTS         10.0
#define ROLE_POINTS        15.0
#define THREAT_POINTS      20.0
#define PORT_POINTS        10.0
#define LEARNED_POINTS     (-40.0)
#define ORDINARY_POINTS    (-30.0)

enum {
    PORT_DNS = 53,
    PORT_NTP = 123,
    LEARNED_DAYS = 3,
    RESOLVER_HOSTS = 3, /* so many watched hosts ask it: a resolver */
    UDP = 17,
};

/* IP and UDP headers and the 48 octets of a time packet, with room for an
 * authenticator of 20 and for IPv6. */
#define NTP_MAX_OCTETS 120.0
#define DNS_MAX_OCTETS 120.0

static double
share_of(double value, double from, double to)
{
    return CLAMP((value - from) / (to - from), 0, 1);
}

/* 9 sqrt(evidence) up to 27 points; from there it takes ever more for the rest.  With
 * the root alone, a service that looks for updates 90 times a day would have all the 45
 * points that a channel of 3 000 contacts has. */
static double
regularity(double evidence)
{
    static const double knee = 9;
    static const double reach = 60;

    if (evidence <= knee)
        return 9 * sqrt(fmax(0, evidence));
    return REGULARITY_POINTS -
           (REGULARITY_POINTS - 9 * sqrt(knee)) * exp(-(evidence - knee) / reach);
}

static void
add_regularity(Finding *finding, const BeaconMeasure *measure)
{
    const double points = regularity(measure->evidence);

    if (measure->beats_all)
        finding_add_term(finding, "regularity", points, REGULARITY_POINTS,
                         "more regular than all %u comparison pairs of this size",
                         measure->n_compared);
    else
        finding_add_term(finding, "regularity", points, REGULARITY_POINTS,
                         "more regular than most of %u comparison pairs of this size",
                         measure->n_compared);
}

static void
add_size(Finding *finding, const BeaconMeasure *measure)
{
    if (!(measure->size_median_octets > 0)) {
        finding_add_term(finding, "size", 0, SIZE_POINTS, "uploads were not seen");
        return;
    }
    finding_add_term(finding, "size",
                     SIZE_POINTS * share_of(measure->size_mode_share, 0.2, 0.9),
                     SIZE_POINTS, "%.0f %% of the uploads have one size",
                     100 * measure->size_mode_share);
}

static void
add_persistence(Finding *finding, const BeaconMeasure *measure)
{
    const double hours = (double) (measure->last_us - measure->first_us) / HOUR_US;
    const double active = hours * measure->presence_share;

    finding_add_term(finding, "persistence",
                     PERSISTENCE_POINTS * share_of(active, 0, 20), PERSISTENCE_POINTS,
                     "active in %.0f %% of %.1f h", 100 * measure->presence_share,
                     hours);
}

/* 1 for a peer of its own, 0 where eight hosts and more go. */
static double
rareness(uint32_t n_others)
{
    return 1 - fmin(1, log2(1.0 + n_others) / 3);
}

static void
add_rarity(Finding *finding, const Context *context)
{
    const uint32_t to_peer = MAX(context->n_hosts_of_peer, 1) - 1;
    const uint32_t to_net = MAX(context->n_hosts_of_peer_net, to_peer + 1) - 1;

    if (context->n_hosts == 0) {
        finding_add_term(finding, "rarity", 0, RARITY_POINTS,
                         "not known who else talks to it");
        return;
    }

    /* Where few are watched, that nobody else goes there says little. */
    const double told = fmin(1, 0.4 + 0.15 * (context->n_hosts - 1));
    const double rare = 0.7 * rareness(to_peer) + 0.3 * rareness(to_net);

    if (to_peer == 0)
        finding_add_term(finding, "rarity", RARITY_POINTS * told * rare, RARITY_POINTS,
                         "no other of %u watched hosts talks to it, %u to its network",
                         context->n_hosts, to_net);
    else
        finding_add_term(finding, "rarity", RARITY_POINTS * told * rare, RARITY_POINTS,
                         "%u of %u watched hosts talk to it", to_peer + 1,
                         context->n_hosts);
}

static void
add_new(Finding *finding, const ContactSeries *series, const Context *context)
{
    const int64_t first_us =
        context->peer_first_us ? context->peer_first_us : context->pair_first_us;
    const double age = (double) (series->to_us - first_us) / DAY_US;
    const double history = (double) (series->to_us - context->history_from_us) / DAY_US;

    if (first_us == 0 || context->history_from_us == 0) {
        finding_add_term(finding, "new", 0, NEW_POINTS,
                         "not known when it was first seen");
        return;
    }
    /* Seen from the very beginning: it may be as old as the hills. */
    if (first_us - context->history_from_us <
        MAX(HOUR_US, (series->to_us - context->history_from_us) / 10)) {
        finding_add_term(finding, "new", 0, NEW_POINTS,
                         "history is only %.1f days long: it may be older", history);
        return;
    }
    finding_add_term(finding, "new", NEW_POINTS * (1 - share_of(age, 2, 14)),
                     NEW_POINTS, "first seen %.1f days ago", age);
}

static void
add_role(Finding *finding, const ContactSeries *series, const Context *context)
{
    const double share = context->host_initiated_share;

    if (series->key.initiator == CONTACT_BY_PEER) {
        finding_add_term(finding, "role", ORDINARY_POINTS, ORDINARY_POINTS,
                         "the peer calls and the host answers");
        return;
    }
    if (isnan(share)) {
        finding_add_term(finding, "role", 0, ROLE_POINTS,
                         "no history of what this host does");
        return;
    }

    const double answers = 1 - share_of(share, 0.02, 0.3);
    const double settled = isnan(context->host_new_nets_a_day)
                               ? 0
                               : 1 - share_of(context->host_new_nets_a_day, 1, 10);

    finding_add_term(finding, "role",
                     ROLE_POINTS * (0.6 * answers + 0.4 * answers * settled),
                     ROLE_POINTS, "this host itself initiates %.0f %% of its sessions",
                     100 * share);
}

/* Octets of an average outbound packet; 0 = not seen. */
static double
packet_octets(const ContactSeries *series)
{
    return series->out_packets
               ? (double) series->out_octets / (double) series->out_packets
               : 0;
}

static bool
is_group_address(const IpAddress *addr)
{
    if (!ip_address_is_v4(addr))
        return addr->bytes[0] == 0xff;
    return addr->bytes[12] >= 224; /* multicast, reserved, broadcast */
}

/* RFC 1918, RFC 3927, RFC 4193, RFC 4291 2.5.6. */
static bool
is_local_address(const IpAddress *addr)
{
    const uint8_t *v6 = addr->bytes;
    const uint8_t *v4 = addr->bytes + 12;

    if (is_group_address(addr))
        return true;
    if (!ip_address_is_v4(addr))
        return (v6[0] & 0xfe) == 0xfc || (v6[0] == 0xfe && (v6[1] & 0xc0) == 0x80);
    return v4[0] == 10 || (v4[0] == 172 && (v4[1] & 0xf0) == 16) ||
           (v4[0] == 192 && v4[1] == 168) || (v4[0] == 169 && v4[1] == 254);
}

/* Housekeeping of a local network: nobody outside can be reached by it. */
static bool
is_housekeeping(const ContactKey *key)
{
    static const uint16_t ports[] = { 67, 68, 137, 138, 546, 547, 1900, 5353, 5355 };

    if (key->protocol != UDP || !is_local_address(&key->peer))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(ports); i++)
        if (key->service_port == ports[i])
            return true;
    return false;
}

static void
add_port(Finding *finding, const ContactSeries *series, const Context *context)
{
    const double octets = packet_octets(series);
    const bool is_udp = series->key.protocol == UDP;

    if (is_housekeeping(&series->key)) {
        finding_add_term(finding, "port", ORDINARY_POINTS, ORDINARY_POINTS,
                         "housekeeping of the local network");
    } else if (is_udp && series->key.service_port == PORT_NTP) {
        if (octets > NTP_MAX_OCTETS)
            finding_add_term(finding, "port", PORT_POINTS, PORT_POINTS,
                             "%.0f octets a packet are no time requests", octets);
        else
            finding_add_term(finding, "port", ORDINARY_POINTS, ORDINARY_POINTS,
                             "looks like time requests");
    } else if (is_udp && series->key.service_port == PORT_DNS) {
        const bool resolver = context->n_hosts_of_peer >= RESOLVER_HOSTS;

        if (octets <= DNS_MAX_OCTETS)
            finding_add_term(finding, "port", ORDINARY_POINTS, ORDINARY_POINTS,
                             "looks like name lookups");
        else if (!resolver)
            finding_add_term(finding, "port", PORT_POINTS, PORT_POINTS,
                             "%.0f octets a lookup, to a resolver of its own", octets);
    }
}

/* The pair has been periodic for days, and is as it was. */
static bool
is_learned(const BeaconMeasure *measure, const Context *context)
{
    const double ratio = measure->period_sec / context->learned_period_sec;

    return context->n_periodic_days >= LEARNED_DAYS &&
           context->learned_period_sec > 0 && fabs(ratio - 1) <= 0.15;
}

static void
add_automation(Finding *finding, const BeaconMeasure *measure, const Context *context)
{
    if (is_learned(measure, context))
        finding_add_term(finding, "automation", LEARNED_POINTS, LEARNED_POINTS,
                         "periodic on %u of the last 14 days, with this period",
                         context->n_periodic_days);
}

void
beacon_score_add(Finding *finding, const ContactSeries *series,
                 const BeaconMeasure *measure, const Context *context)
{
    add_regularity(finding, measure);
    add_size(finding, measure);
    add_persistence(finding, measure);
    add_rarity(finding, context);
    add_new(finding, series, context);
    add_role(finding, series, context);
    add_port(finding, series, context);
    if (context->on_threat_list)
        finding_add_term(finding, "threat list", THREAT_POINTS, THREAT_POINTS,
                         "on a configured list of bad addresses");
    add_automation(finding, measure, context);
}

/* One long session that an exporter reported in pieces, which were not joined: it
 * lasts all the time from start to start. */
static bool
is_cut_session(const ContactSeries *series, const BeaconMeasure *measure)
{
    static const double timeouts_sec[] = { 60, 120, 300, 600, 900, 1800, 3600 };
    const double longest_sec = (double) series->longest_us / 1e6;

    if (!(longest_sec > 0.8 * measure->period_sec) || !(measure->jitter_pct < 10))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(timeouts_sec); i++)
        if (fabs(measure->period_sec / timeouts_sec[i] - 1) < 0.03)
            return true;
    return false;
}

const char *
beacon_score_excuse(const ContactSeries *series, const BeaconMeasure *measure,
                    const Context *context)
{
    if (context->is_infrastructure)
        return "a configured service";
    if (is_learned(measure, context))
        return "it has been so for days, and nothing changed";
    if (is_group_address(&series->key.peer))
        return "the peer is a group address, nobody can answer from there";
    if (is_cut_session(series, measure))
        return "sessions last from start to start, an active timeout apart: one long "
               "session cut by its exporter";
    return NULL;
}
