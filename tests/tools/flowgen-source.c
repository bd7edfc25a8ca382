/* SPDX-License-Identifier: Apache-2.0 */
#include "flowgen-source.h"

#include <math.h>

#include "clock.h"
#include "flowgen-random.h"

#define US_PER_HOUR (3600 * US_PER_SEC)
#define US_PER_DAY  (24 * US_PER_HOUR)

#define WEEKEND_SHARE   0.35
#define LONGEST_US      (30 * US_PER_DAY) /* of a session that is drawn */
#define SMALLEST_OCTETS 28.0

/* What people do in the hours of a working day, UTC; the largest is 1. */
static const double hours[24] = { .12, .10, .08, .08, .10, .18, .35, .62,
                                  .90, 1.0, .97, .90, .72, .88, .95, .92,
                                  .85, .66, .48, .40, .34, .28, .21, .16 };

struct FlowgenSource {
    const FlowgenPattern *pattern;
    uint32_t host;
    int64_t from_us;
    int64_t until_us;
    int64_t due_us;   /* the regular ones; INT64_MAX: no more */
    int64_t noise_us; /* of beacons: the next contact at random */
    uint64_t n_sessions;
    FlowgenRandom random;
};

static double
mean_of_hours(void)
{
    double sum = 0;

    for (int i = 0; i < 24; i++)
        sum += hours[i];
    return sum / 24;
}

/* How much is going on then, 0 to 1. */
static double
activity(int64_t at_us)
{
    const int64_t day = at_us / US_PER_DAY;
    const int weekday = (day + 4) % 7; /* 1970-01-01 was a Thursday; 0 = Sunday */
    const bool weekend = weekday == 0 || weekday == 6;

    return hours[at_us % US_PER_DAY / US_PER_HOUR] * (weekend ? WEEKEND_SHARE : 1);
}

/* To the next group of visits. */
static int64_t
visit_gap_us(FlowgenSource *self)
{
    const FlowgenPattern *p = self->pattern;
    const double per_hour = p->per_hour / p->burst / (p->diurnal ? mean_of_hours() : 1);

    return flowgen_random_exponential(&self->random, US_PER_HOUR / per_hour);
}

static int64_t
beat_gap_us(FlowgenSource *self)
{
    const FlowgenPattern *p = self->pattern;
    const double u = flowgen_random_share(&self->random);
    const double factor = 1 - p->jitter * (p->two_sided ? 2 * u - 1 : u);

    return MAX(p->period_us * factor, 1000);
}

static int64_t
noise_gap_us(FlowgenSource *self)
{
    const FlowgenPattern *p = self->pattern;

    return flowgen_random_exponential(&self->random, p->period_us / p->noise);
}

/* The first time, not before from_us, that is a whole number of every_us from at. */
static int64_t
first_time_us(const FlowgenSource *self, int64_t start_us)
{
    const FlowgenPattern *p = self->pattern;
    const int64_t at_us = start_us + p->at_us;

    if (p->every_us == 0)
        return at_us;
    if (at_us >= self->from_us)
        return at_us - (at_us - self->from_us) / p->every_us * p->every_us;
    return at_us +
           (self->from_us - at_us + p->every_us - 1) / p->every_us * p->every_us;
}

static void
set_due(FlowgenSource *self, int64_t due_us)
{
    self->due_us = due_us < self->until_us ? due_us : INT64_MAX;
}

FlowgenSource *
flowgen_source_new(const FlowgenPattern *pattern, uint32_t host,
                   const FlowgenSpan *span, uint64_t seed)
{
    FlowgenSource *self = g_new0(FlowgenSource, 1);
    const bool always = pattern->before && pattern->from_us == 0;

    self->pattern = pattern;
    self->host = host;
    self->random = flowgen_random_new(
        flowgen_random_seed(flowgen_random_seed_of(seed, pattern->name), host));
    self->from_us = always ? span->before_us : span->start_us + pattern->from_us;
    self->until_us = pattern->until_us > span->end_us - span->start_us
                         ? span->end_us
                         : span->start_us + pattern->until_us;
    self->noise_us = INT64_MAX;
    switch (pattern->kind) {
    case FLOWGEN_PATTERN_VISITS:
    case FLOWGEN_PATTERN_DRIP:
        set_due(self,
                pattern->per_hour > 0 ? self->from_us + visit_gap_us(self) : INT64_MAX);
        break;
    case FLOWGEN_PATTERN_BEACON:
        set_due(self, self->from_us + (int64_t) (flowgen_random_share(&self->random) *
                                                 pattern->period_us));
        if (pattern->noise > 0)
            self->noise_us = self->from_us + noise_gap_us(self);
        break;
    default:
        set_due(self, first_time_us(self, span->start_us));
    }
    return self;
}

int64_t
flowgen_source_due_us(const FlowgenSource *self)
{
    return MIN(self->due_us,
               self->noise_us < self->until_us ? self->noise_us : INT64_MAX);
}

/* Packets that carry @octets, and acknowledge @other. */
static uint64_t
packets_of(const FlowgenSession *session, double octets, double other)
{
    const int header = ip_address_is_v4(&session->initiator) ? 40 : 60;

    if (octets < 1)
        return 0;
    if (session->protocol != FLOWGEN_TCP)
        return MAX(1, ceil(octets / 1300));

    const double packets = MAX(ceil(octets / 1460), ceil(other / 2900)) + 2;
    return CLAMP(packets, 1, MAX(1, octets / header));
}

/* Octets of a TCP way that only acknowledges @other. */
static double
acknowledgements(double other)
{
    return 52 * (ceil(other / 2900) + 3);
}

static double
sized(FlowgenSource *self, double octets)
{
    const FlowgenPattern *p = self->pattern;

    if (octets == 0)
        return 0;
    if (p->size_sigma > 0)
        octets = flowgen_random_lognormal(&self->random, octets, p->size_sigma);
    if (p->size_jitter > 0)
        octets *= 1 + p->size_jitter * (2 * flowgen_random_share(&self->random) - 1);
    return MAX(round(octets), SMALLEST_OCTETS);
}

static void
set_counters(FlowgenSource *self, FlowgenSession *session, double out, double in)
{
    const bool tcp = session->protocol == FLOWGEN_TCP;
    const bool answered = flowgen_random_chance(&self->random, self->pattern->answered);

    if (!answered) {
        out = tcp ? 44 : out;
        in = 0;
    } else if (tcp) {
        out = out > 0 ? out : acknowledgements(in);
        in = in > 0 ? in : acknowledgements(out);
    }
    session->octets[FLOWGEN_OUT] = out;
    session->octets[FLOWGEN_IN] = in;
    session->packets[FLOWGEN_OUT] = packets_of(session, out, in);
    session->packets[FLOWGEN_IN] = packets_of(session, in, out);
    if (session->packets[FLOWGEN_OUT] + session->packets[FLOWGEN_IN] <= 1)
        session->duration_us = 0;
}

static uint32_t
draw_peer(FlowgenSource *self, uint32_t host)
{
    const FlowgenPattern *p = self->pattern;
    const uint32_t n = flowgen_hosts_count(p->peers);
    const double u = flowgen_random_share(&self->random);

    if (p->sticky)
        return flowgen_random_seed(host, n) % n;
    if (p->kind != FLOWGEN_PATTERN_VISITS)
        return self->n_sessions % n;
    return n * (p->popular ? u * u : u);
}

static void
make_session(FlowgenSource *self, FlowgenHeap *sessions, uint32_t host, int64_t at_us,
             double out, double in, double duration_us)
{
    const FlowgenPattern *p = self->pattern;
    FlowgenSession *session = g_new0(FlowgenSession, 1);

    session->start_us = at_us;
    session->duration_us =
        MIN(p->duration_sigma > 0 ? flowgen_random_lognormal(&self->random, duration_us,
                                                             p->duration_sigma)
                                  : duration_us,
            LONGEST_US);
    session->initiator = flowgen_hosts_at(p->hosts, host);
    session->responder = flowgen_hosts_at(p->peers, draw_peer(self, host));
    session->protocol = p->protocol;
    session->initiator_port = 32768 + flowgen_random_below(&self->random, 28232);
    session->responder_port = p->ports[flowgen_random_below(&self->random, p->n_ports)];
    if (p->protocol == FLOWGEN_ICMP) { /* echo */
        session->initiator_port = flowgen_hosts_is_v4(p->hosts) ? 8 : 128;
        session->responder_port = 0;
    }
    set_counters(self, session, out, in);
    g_strlcpy(session->label, p->name, sizeof(session->label));
    self->n_sessions++;
    flowgen_heap_push(sessions, at_us, session);
}

/* A few sessions of one host, a moment apart, as a page with its pictures. */
static void
act_visits(FlowgenSource *self, FlowgenHeap *sessions)
{
    const FlowgenPattern *p = self->pattern;
    int64_t at_us = self->due_us;

    set_due(self, at_us + visit_gap_us(self));
    if (p->diurnal && !flowgen_random_chance(&self->random, activity(at_us)))
        return;

    const uint32_t host =
        flowgen_random_share(&self->random) * flowgen_hosts_count(p->hosts);
    do {
        make_session(self, sessions, host, at_us, sized(self, p->octets[0]),
                     sized(self, p->octets[1]), p->duration_us);
        at_us += flowgen_random_exponential(&self->random, 0.4 * US_PER_SEC);
    } while (flowgen_random_chance(&self->random, 1 - 1 / p->burst));
}

static void
act_beacon(FlowgenSource *self, FlowgenHeap *sessions)
{
    const FlowgenPattern *p = self->pattern;
    const int64_t at_us = flowgen_source_due_us(self);
    const bool noise = at_us < self->due_us;

    if (noise)
        self->noise_us += noise_gap_us(self);
    else
        set_due(self, at_us + beat_gap_us(self));
    if (!noise && flowgen_random_chance(&self->random, p->missing))
        return;
    make_session(self, sessions, self->host, at_us, sized(self, p->octets[0]),
                 sized(self, p->octets[1]), p->duration_us);
}

static void
act_drip(FlowgenSource *self, FlowgenHeap *sessions)
{
    const FlowgenPattern *p = self->pattern;
    const int64_t at_us = self->due_us;

    set_due(self, at_us + visit_gap_us(self));
    make_session(self, sessions, self->host, at_us,
                 sized(self, p->octets[0] / p->per_hour), sized(self, p->octets[1]),
                 p->duration_us);
}

/* Whole, or in equal chunks one after the other. */
static void
act_upload(FlowgenSource *self, FlowgenHeap *sessions)
{
    const FlowgenPattern *p = self->pattern;
    const int64_t late_us = flowgen_random_share(&self->random) * p->at_jitter_us;
    const int64_t at_us = self->due_us + late_us;
    const uint32_t n = p->chunks;
    const double whole[2] = { sized(self, p->octets[0]), sized(self, p->octets[1]) };
    const double duration_us = n > 1 ? 0.8 * p->duration_us / n : p->duration_us;

    set_due(self, p->every_us > 0 ? self->due_us + p->every_us : INT64_MAX);
    for (uint32_t i = 0; i < n; i++) {
        double part[2];
        for (int way = 0; way < 2; way++)
            part[way] = floor(whole[way] * (i + 1) / n) - floor(whole[way] * i / n);
        make_session(self, sessions, self->host,
                     at_us + (int64_t) ((double) p->duration_us * i / n), part[0],
                     part[1], duration_us);
    }
}

void
flowgen_source_act(FlowgenSource *self, FlowgenHeap *sessions)
{
    switch (self->pattern->kind) {
    case FLOWGEN_PATTERN_VISITS:
        act_visits(self, sessions);
        break;
    case FLOWGEN_PATTERN_BEACON:
        act_beacon(self, sessions);
        break;
    case FLOWGEN_PATTERN_DRIP:
        act_drip(self, sessions);
        break;
    default:
        act_upload(self, sessions);
    }
}
