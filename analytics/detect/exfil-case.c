/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/exfil-case.h"

#include <math.h>
#include <string.h>

#include "detect/exfil-text.h"

#define PROTOCOL_TCP 6

/* So many networks must have taken something of a port today for it to be published;
 * fewer may be a thief with a few addresses. */
#define MIN_NETWORKS 5

#define Z_95 1.645

#define VOLUME_FULL_OCTAVES 2.0 /* four times the limit: all points ... */
#define VOLUME_MORE_POINTS  10.0
#define VOLUME_MORE_TIMES   40.0 /* ... but the last ten, which take forty times */
#define PCR_MIDDLE          0.75
#define PCR_WIDTH           0.15
#define DIRECTION_POINTS    15.0
#define TWO_WAY_POINTS      20.0
#define NEW_POINTS          10.0
#define SEASON_POINTS       5.0
#define RARITY_POINTS       10.0
#define COMMON_POINTS       15.0
#define COMMON_HOSTS        3
#define COMMON_PARTS        4 /* a quarter of the watched hosts */
#define INSIDE_POINTS       15.0
#define ROLE_POINTS         10.0
#define THREAT_POINTS       20.0

/* --- what is published --- */

static bool
is_published(const ExfilWindow *window, const ExfilBaseline *baseline,
             const ExfilPort *port)
{
    const uint32_t service = exfil_window_service(port->port, port->protocol);

    if (port->initiator == CONTACT_BY_HOST)
        return false;
    for (size_t i = 0; i < baseline->n_published; i++) {
        if (baseline->published[i] == service)
            return true;
    }
    for (size_t i = 0; i < window->n_services; i++) {
        if (window->services[i].service == service)
            return window->services[i].n_networks >= MIN_NETWORKS;
    }
    return false;
}

static bool
publishes_anything(const ExfilWindow *window, const ExfilBaseline *baseline)
{
    for (size_t i = 0; i < window->n_services; i++) {
        if (window->services[i].n_networks >= MIN_NETWORKS)
            return true;
    }
    return baseline->n_published > 0;
}

/* --- the case --- */

static ExfilSum
sum_of_side(const ExfilCase *self, const ExfilSide *side)
{
    ExfilSum sum = { 0 };

    for (size_t i = 0; i < side->n_ports; i++) {
        if (!is_published(self->window, self->baseline, &side->ports[i]))
            exfil_window_sum(&sum, side->ports[i].sum.out_octets,
                             side->ports[i].sum.in_octets);
    }
    return sum;
}

static void
sum_up(ExfilCase *self)
{
    const ExfilSide *side = &self->group->all;
    const ExfilPort *largest = NULL;

    for (size_t i = 0; i < side->n_ports; i++) {
        const ExfilPort *port = &side->ports[i];

        if (is_published(self->window, self->baseline, port)) {
            exfil_window_sum(&self->served, port->sum.out_octets, port->sum.in_octets);
            continue;
        }
        exfil_window_sum(&self->sum, port->sum.out_octets, port->sum.in_octets);
        for (size_t h = 0; h < EXFIL_HOURS; h++)
            exfil_window_sum(&self->hours[h], port->hours[h].out_octets,
                             port->hours[h].in_octets);
        if (!largest || port->sum.out_octets > largest->sum.out_octets)
            largest = port;
    }
    if (largest &&
        (double) largest->sum.out_octets >= 0.9 * (double) self->sum.out_octets) {
        self->port = largest->port;
        self->protocol = largest->protocol;
        self->initiator = largest->initiator;
    }
    for (size_t h = 0; h < EXFIL_HOURS; h++)
        self->n_hours += self->hours[h].out_octets > 0 &&
                         self->hours[h].out_octets >= self->sum.out_octets / 100;
}

/* A TCP sender hears something back: when nothing is reported, half is missing. */
static double
known_pcr(const ExfilCase *self, const ExfilSum *sum)
{
    if (sum->in_octets == 0 && (self->protocol == PROTOCOL_TCP || self->protocol == 0))
        return NAN;
    return exfil_window_pcr(sum);
}

static void
compare_with_season(ExfilCase *self)
{
    const ExfilBaseline *usual = self->baseline;
    ExfilSum day = { 0 };

    self->hour_z = self->day_z = NAN;
    for (size_t h = 0; h < EXFIL_HOURS; h++) {
        const uint64_t octets = self->window->hours[h].out_octets;
        const size_t place =
            exfil_learn_week_hour(self->window->from_us + (int64_t) h * EXFIL_HOUR_US);
        const double z = (exfil_learn_x(octets) - usual->hour_median[place]) /
                         usual->hour_spread[place];

        exfil_window_sum(&day, octets, 0);
        if (!isnan(z) && self->hours[h].out_octets > 0 && !(self->hour_z >= z)) {
            self->hour_z = z;
            self->hour = h;
        }
    }

    /* The 24 hours lie in two days of the week: the busier one counts. */
    const size_t one = exfil_learn_week_day(self->window->from_us);
    const size_t two = exfil_learn_week_day(self->window->now_us);
    const size_t busier = usual->day_median[two] >= usual->day_median[one] ? two : one;
    self->day_z = (exfil_learn_x(day.out_octets) - usual->day_median[busier]) /
                  usual->day_spread[busier];
}

void
exfil_case_init(ExfilCase *self, const ExfilWindow *window, const ExfilGroup *group,
                const ExfilBaseline *baseline, const Context *context,
                const ExfilPolicy *policy)
{
    *self = (ExfilCase){ .window = window,
                         .group = group,
                         .baseline = baseline,
                         .context = context,
                         .policy = policy };
    self->pair_first_us = group->pair_first_us ? group->pair_first_us : group->first_us;
    if (self->pair_first_us > 0)
        self->pair_days =
            (double) (window->now_us - self->pair_first_us) / (double) EXFIL_DAY_US;
    if (baseline->from_us > 0)
        self->host_days =
            (double) (window->now_us - baseline->from_us) / (double) EXFIL_DAY_US;
    self->is_warm = self->host_days >= policy->warm_up_days;
    self->is_new =
        self->is_warm && window->now_us - self->pair_first_us < EXFIL_NEW_PEER_US;
    self->publishes_anything = publishes_anything(window, baseline);

    sum_up(self);
    self->peer = group->top_peer;
    self->peer_sum = sum_of_side(self, &group->top);
    self->is_one_peer =
        (double) self->peer_sum.out_octets >= 0.9 * (double) self->sum.out_octets;
    self->pcr = known_pcr(self, &self->sum);
    compare_with_season(self);

    self->new_limit = policy->new_peer_octets;
    if (self->is_warm)
        self->new_limit = MAX(self->new_limit, baseline->new_peer_octets);
    /* The window's own two days do not excuse themselves. */
    for (size_t i = 2; i < EXFIL_DAYS; i++)
        self->pair_day_octets =
            MAX(self->pair_day_octets, exfil_window_surplus(&group->days[i]));
}

double
exfil_case_season_z(const ExfilCase *self)
{
    return self->is_warm ? fmax(0, fmax(self->hour_z, self->day_z)) : 0;
}

/* --- the finding --- */

void
exfil_case_band(const ExfilBaseline *usual, bool is_warm, int64_t from_us,
                FindingHour *hours, size_t n_hours)
{
    for (size_t h = 0; h < n_hours; h++) {
        const int64_t at = from_us + (int64_t) h * EXFIL_HOUR_US;
        const size_t place = exfil_learn_week_hour(at);
        const double median = usual->hour_median[place];
        const double reach = Z_95 * usual->hour_spread[place];

        hours[h] = (FindingHour){ at, 0, 0, NAN, NAN };
        if (isnan(median) || !is_warm)
            continue;
        hours[h].baseline_low_octets = (double) exfil_learn_octets(median - reach);
        hours[h].baseline_high_octets = (double) exfil_learn_octets(median + reach);
    }
}

static void
add_pictures(const ExfilCase *self, Finding *finding)
{
    const ExfilGroup *group = self->group;
    const size_t n_kept = MIN(group->n_uploads, EXFIL_MAX_UPLOADS);
    ContactEvent events[EXFIL_MAX_UPLOADS];

    finding->hours = g_new0(FindingHour, EXFIL_HOURS);
    finding->n_hours = EXFIL_HOURS;
    exfil_case_band(self->baseline, self->is_warm, self->window->from_us,
                    finding->hours, EXFIL_HOURS);
    for (size_t h = 0; h < EXFIL_HOURS; h++) {
        finding->hours[h].out_octets = self->hours[h].out_octets;
        finding->hours[h].in_octets = self->hours[h].in_octets;
    }
    for (size_t i = 0; i < n_kept; i++)
        events[i] =
            group->uploads[(group->n_uploads - n_kept + i) % EXFIL_MAX_UPLOADS].event;
    finding_set_events(finding, events, n_kept);
}

Finding *
exfil_case_finding(const ExfilCase *self, const char *rule)
{
    const ContactKey key = { .host = self->window->host,
                             .peer = self->peer,
                             .service_port = self->port,
                             .protocol = self->protocol,
                             .initiator = self->initiator };
    Finding *finding = finding_new(FINDING_EXFIL, rule, &key);

    if (!self->is_one_peer) {
        finding->peer = self->group->network;
        finding->peer_group_bits = self->group->bits;
    }
    finding->magnitude = (double) self->sum.out_octets;
    finding->from_us = self->window->from_us;
    finding->to_us = self->window->now_us;
    finding->first_us = self->group->first_us;
    finding->last_us =
        MIN(self->group->last_us + EXFIL_HOUR_US - 1, self->window->now_us);
    add_pictures(self, finding);
    return finding;
}

void
exfil_case_add_volume(const ExfilCase *self, Finding *finding, uint64_t octets,
                      uint64_t limit, double max_points, const char *limit_text)
{
    const double times = (double) octets / (double) MAX(limit, 1);
    const double most = max_points - VOLUME_MORE_POINTS;
    g_autofree char *octets_text = exfil_text_octets((double) octets);
    double points = 0;

    (void) self;
    if (times > 1) {
        const double octaves = fmin(log2(times) / VOLUME_FULL_OCTAVES, 1);
        const double more = log(times / exp2(VOLUME_FULL_OCTAVES)) /
                            log(VOLUME_MORE_TIMES / exp2(VOLUME_FULL_OCTAVES));

        points = most * octaves * octaves + VOLUME_MORE_POINTS * CLAMP(more, 0, 1);
    }
    finding_add_term(finding, "volume", points, max_points,
                     "%s more out than in, %.3g times %s", octets_text, times,
                     limit_text);
}

void
exfil_case_add_direction(const ExfilCase *self, Finding *finding, const ExfilSum *sum)
{
    const double pcr = known_pcr(self, sum);
    const double side = CLAMP((pcr - PCR_MIDDLE) / PCR_WIDTH, -1, 1);

    if (isnan(pcr)) {
        finding_add_term(finding, "direction", 0, DIRECTION_POINTS,
                         "the other direction was not reported");
        return;
    }
    finding_add_term(finding, "direction",
                     side * (side > 0 ? DIRECTION_POINTS : TWO_WAY_POINTS),
                     side > 0 ? DIRECTION_POINTS : -TWO_WAY_POINTS,
                     "(out - in) / (out + in) is %.2f", pcr);
}

void
exfil_case_add_new(const ExfilCase *self, Finding *finding, double new_days)
{
    g_autofree char *since = exfil_text_time(self->pair_first_us);

    if (!self->is_warm)
        finding_add_term(finding, "new", 0, NEW_POINTS,
                         "the host is known for %.1f days: all is new",
                         self->host_days);
    else if (self->pair_days >= self->policy->warm_up_days &&
             self->host_days - self->pair_days < self->policy->warm_up_days)
        finding_add_term(finding, "new", 0, NEW_POINTS,
                         "known nearly as long as the host, since %s", since);
    else if (self->pair_days >= new_days)
        finding_add_term(finding, "new", 0, NEW_POINTS, "known since %s", since);
    else
        finding_add_term(finding, "new",
                         self->pair_days < 1 || new_days > 7 ? NEW_POINTS
                                                             : 0.7 * NEW_POINTS,
                         NEW_POINTS, "first seen %s", since);
}

void
exfil_case_add_season(const ExfilCase *self, Finding *finding)
{
    const double z = exfil_case_season_z(self);

    if (!self->is_warm)
        return;
    finding_add_term(finding, "season", SEASON_POINTS * CLAMP((z - 3) / 3, 0, 1),
                     SEASON_POINTS,
                     "the host's own volume is %.1f spreads above what is usual at "
                     "this time of the week",
                     z);
}

static double
rarity_points(const Context *context, bool is_warm)
{
    const uint32_t n = context->n_hosts_of_peer_net;

    if (n <= 1)
        return context->n_hosts >= 20  ? RARITY_POINTS
               : context->n_hosts >= 3 ? 0.8 * RARITY_POINTS
                                       : RARITY_POINTS / 2;
    if (!is_warm && n >= COMMON_HOSTS && n * COMMON_PARTS >= context->n_hosts)
        return -COMMON_POINTS;
    return context->n_hosts >= 20 && n * 20 <= context->n_hosts ? RARITY_POINTS / 2 : 0;
}

/* RFC 1918, 3927, 4193, 4291: not outside, though it may be a way there. */
static bool
is_private(const IpAddress *address)
{
    const uint8_t *b = address->bytes;

    if (ip_address_is_v4(address))
        return b[12] == 10 || (b[12] == 172 && (b[13] & 0xf0) == 16) ||
               (b[12] == 192 && b[13] == 168) || (b[12] == 169 && b[13] == 254);
    return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
}

void
exfil_case_add_context(const ExfilCase *self, Finding *finding)
{
    const Context *context = self->context;
    const double rarity = rarity_points(context, self->is_warm);

    if (context->n_hosts_of_peer_net > 1)
        finding_add_term(finding, "rarity", rarity,
                         rarity < 0 ? -COMMON_POINTS : RARITY_POINTS,
                         "%u of %u watched hosts talk to that network%s",
                         context->n_hosts_of_peer_net, context->n_hosts,
                         rarity < 0 ? ", which is taken for ordinary while nothing "
                                      "is learned"
                                    : "");
    else
        finding_add_term(finding, "rarity", rarity, RARITY_POINTS,
                         "no other of %u watched hosts talks to that network",
                         context->n_hosts);
    if (is_private(&finding->peer))
        finding_add_term(finding, "inside", -INSIDE_POINTS, -INSIDE_POINTS,
                         "the peer has a private address");

    if (self->is_warm && self->initiator != CONTACT_BY_PEER &&
        (context->host_initiated_share < 0.2 || context->host_new_nets_a_day < 1))
        finding_add_term(finding, "role", ROLE_POINTS, ROLE_POINTS,
                         "the host began %.0f %% of its sessions itself and calls "
                         "%.0f networks a day",
                         100 * context->host_initiated_share,
                         context->host_new_nets_a_day);
    if (context->on_threat_list)
        finding_add_term(finding, "threat list", THREAT_POINTS, THREAT_POINTS,
                         "the peer is on a configured list");
}
