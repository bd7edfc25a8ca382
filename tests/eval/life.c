/* SPDX-License-Identifier: Apache-2.0 */
#include "life.h"

#include <math.h>
#include <string.h>

#include "detect/exfil.h"

#define MB 1e6

enum { MAX_NETWORKS = 4096 };

typedef struct {
    unsigned hour;
    LifeTransfer transfer;
    uint8_t initiator;
    uint32_t n_sessions;
} Hour;

typedef struct {
    ExfilSum days[LIFE_MAX_DAYS];
    ExfilSum served[LIFE_MAX_DAYS];
    unsigned first_hour;
    bool is_met;
    bool is_common; /* other hosts talk to it, too */
} Network20;

struct Life {
    LifeKind kind;
    unsigned n_days;
    GArray *hours; /* of Hour */
    Network20 networks[MAX_NETWORKS];
    unsigned n_networks;
    unsigned n_known;
    ExfilHostDay days[LIFE_MAX_DAYS];
};

static const IpAddress host = { { [10] = 0xff, 0xff, 10, 0, 0, 5 } };

static IpAddress
address_of(unsigned network, unsigned address)
{
    const uint32_t value = 0x14000000 + network * 4096 + 1 + address * 37 % 4000;

    return ip_address_from_v4(
        (const uint8_t[]){ (uint8_t) (value >> 24), (uint8_t) (value >> 16),
                           (uint8_t) (value >> 8), (uint8_t) value });
}

static void
add_hour(Life *self, const Hour *hour)
{
    Network20 *network = &self->networks[hour->transfer.network];
    const unsigned day = hour->hour / 24;
    const uint64_t out = (uint64_t) hour->transfer.out_octets;
    const uint64_t in = (uint64_t) hour->transfer.in_octets;
    ExfilHostDay *host_day = &self->days[day];

    g_array_append_val(self->hours, *hour);
    exfil_window_sum(hour->initiator == CONTACT_BY_PEER ? &network->served[day]
                                                        : &network->days[day],
                     out, in);
    if (!network->is_met || hour->hour < network->first_hour)
        network->first_hour = hour->hour;
    network->is_met = true;
    exfil_window_sum(&host_day->sum, out, in);
    host_day->hour_octets[hour->hour % 24] += out;
    host_day->n_sessions += hour->n_sessions;
    host_day->n_called += hour->initiator == CONTACT_BY_HOST ? hour->n_sessions : 0;
    host_day->n_networks += hour->initiator == CONTACT_BY_HOST;
}

void
life_add(Life *self, unsigned hour, const LifeTransfer *transfer)
{
    const Hour row = { hour, *transfer, CONTACT_BY_HOST, 1 };

    if (hour < self->n_days * 24)
        add_hour(self, &row);
}

unsigned
life_new_network(Life *self)
{
    g_assert(self->n_networks < MAX_NETWORKS);
    return self->n_networks++;
}

unsigned
life_known_network(Life *self)
{
    g_assert(self->n_known > 0);
    return 0;
}

/* --- ordinary days --- */

static bool
is_weekend(unsigned day) /* day 0 is a Monday */
{
    return day % 7 >= 5;
}

/* How busy a desktop is in an hour, 0..1. */
static double
busy(unsigned hour, double evening)
{
    const unsigned of_day = hour % 24;

    if (is_weekend(hour / 24))
        return of_day >= 10 && of_day < 23 ? evening : 0.02;
    return of_day >= 8 && of_day < 18    ? 1
           : of_day >= 18 && of_day < 23 ? evening
                                         : 0.03;
}

static void
browse(Life *self, unsigned hour, double share, double in_median, Dice *dice)
{
    const double in = dice_lognormal(dice, in_median * share, 1.2);
    const LifeTransfer transfer = {
        .network = (unsigned) (self->n_known * pow(dice_uniform(dice), 2)),
        .address = (unsigned) dice_below(dice, 4),
        .port = 443,
        .protocol = 6,
        .out_octets = in * dice_lognormal(dice, 0.05, 0.7),
        .in_octets = in,
    };

    life_add(self, hour, &transfer);
}

static void
live_as_desktop(Life *self, GeneratorsSet set, Dice *dice)
{
    const bool held_out = set == GENERATORS_HELD_OUT;
    const double evening = dice_between(dice, 0.05, held_out ? 0.9 : 0.5);
    const double in_median = dice_lognormal(dice, held_out ? 5 * MB : 4 * MB, 0.5);
    const double new_a_day = dice_between(dice, 3, held_out ? 20 : 12);
    const double sync = dice_lognormal(dice, 2 * MB, held_out ? 0.9 : 0.6);

    for (unsigned hour = 0; hour < self->n_days * 24; hour++) {
        const double share = busy(hour, evening);

        for (unsigned i = 0; i < 6; i++) {
            if (dice_uniform(dice) < share)
                browse(self, hour, share, in_median, dice);
        }
        if (dice_uniform(dice) < share * new_a_day / 10) {
            const double in = dice_lognormal(dice, 0.5 * MB, 1.5);
            life_add(self, hour,
                     &(LifeTransfer){ life_new_network(self), 0, 443, 6,
                                      in * dice_lognormal(dice, 0.06, 0.8), in });
        }
        if (dice_uniform(dice) < share) {
            const double out = dice_lognormal(dice, sync, 1.0);
            life_add(self, hour,
                     &(LifeTransfer){ 0, 0, 443, 6, out,
                                      out * dice_between(dice, 0.03, 0.3) });
        }
    }
}

/* Files of 50 to 300 MB, one on half of the working days. */
static void
send_files(Life *self, GeneratorsSet set, Dice *dice)
{
    const double median = set == GENERATORS_HELD_OUT ? 100 * MB : 120 * MB;

    for (unsigned day = 0; day < self->n_days; day++) {
        const unsigned hour = day * 24 + 9 + (unsigned) dice_below(dice, 8);
        const double out = CLAMP(dice_lognormal(dice, median, 0.5), 50 * MB, 300 * MB);

        if (!is_weekend(day) && dice_uniform(dice) < 0.5)
            life_add(self, hour,
                     &(LifeTransfer){ life_new_network(self), 0, 443, 6, out,
                                      out * dice_between(dice, 0.01, 0.05) });
    }
}

static void
live_as_server(Life *self, GeneratorsSet set, Dice *dice)
{
    const bool held_out = set == GENERATORS_HELD_OUT;
    const double backup = dice_lognormal(dice, 8000 * MB, held_out ? 1.0 : 0.5);
    const unsigned at = (unsigned) dice_below(dice, 6);
    const double chatter = dice_lognormal(dice, 0.3 * MB, 0.8);

    for (unsigned hour = 0; hour < self->n_days * 24; hour++) {
        const unsigned network = 1 + (unsigned) dice_below(dice, self->n_known - 1);

        life_add(self, hour,
                 &(LifeTransfer){ network, 0, 443, 6,
                                  dice_lognormal(dice, chatter, 0.5),
                                  dice_lognormal(dice, 3 * chatter, 1) });
        if (hour % 24 == at) {
            const double out = backup * dice_lognormal(dice, 1, held_out ? 0.3 : 0.15) *
                               (hour / 24 % 7 == 6 ? 2 : 1);
            life_add(self, hour, &(LifeTransfer){ 0, 0, 22, 6, out, out * 0.01 });
        }
        if (dice_uniform(dice) < 0.02)
            life_add(self, hour,
                     &(LifeTransfer){ life_new_network(self), 0, 443, 6,
                                      dice_lognormal(dice, 0.02 * MB, 1),
                                      dice_lognormal(dice, 1 * MB, 1.5) });
    }
}

/* Callers take pages, and now and then something large; one network in a thousand is
 * a mirror that takes it all. */
static void
live_as_web(Life *self, GeneratorsSet set, Dice *dice)
{
    const double sigma = set == GENERATORS_HELD_OUT ? 2.2 : 1.8;
    unsigned served[LIFE_MAX_DAYS] = { 0 };

    for (unsigned hour = 0; hour < self->n_days * 24; hour++) {
        const unsigned n = 4 + (unsigned) (8 * busy(hour, 0.7));

        for (unsigned i = 0; i < n; i++) {
            const Hour row = {
                hour,
                { 100 + (unsigned) dice_below(dice, 2000), 0, 443, 6,
                  dice_lognormal(dice, 1 * MB, sigma), 30000 },
                CONTACT_BY_PEER,
                3,
            };
            add_hour(self, &row);
            served[hour / 24]++;
        }
        life_add(self, hour, &(LifeTransfer){ 0, 0, 443, 6, 20000, 200000 });
    }
    for (unsigned day = 0; day < self->n_days; day++) {
        self->days[day].published[0] = exfil_window_service(443, 6);
        self->days[day].n_published = served[day] >= 5;
    }
}

Life *
life_new(LifeKind kind, GeneratorsSet set, unsigned n_days, Dice *dice)
{
    Life *self = g_new0(Life, 1);

    g_assert(n_days <= LIFE_MAX_DAYS);
    self->kind = kind;
    self->n_days = n_days;
    self->hours = g_array_new(FALSE, FALSE, sizeof(Hour));
    self->n_known = kind <= LIFE_SENDER ? 20 + (unsigned) dice_below(dice, 40) : 6;
    self->n_networks = kind == LIFE_WEB ? 2200 : self->n_known;
    for (unsigned i = 0; i < self->n_known; i++)
        self->networks[i].is_common = kind <= LIFE_SENDER;
    for (unsigned day = 0; day < n_days; day++)
        self->days[day].day_us = GENERATORS_FROM_US + day * EXFIL_DAY_US;

    if (kind <= LIFE_SENDER)
        live_as_desktop(self, set, dice);
    else if (kind == LIFE_SERVER)
        live_as_server(self, set, dice);
    else
        live_as_web(self, set, dice);
    if (kind == LIFE_SENDER)
        send_files(self, set, dice);
    return self;
}

void
life_free(Life *self)
{
    if (!self)
        return;
    g_array_unref(self->hours);
    g_free(self);
}

/* --- the job --- */

/* Of one network, days back from @today. */
static void
look_back(const Network20 *network, unsigned today, ExfilSum *days, ExfilSum *served)
{
    memset(days, 0, EXFIL_DAYS * sizeof(*days));
    memset(served, 0, EXFIL_DAYS * sizeof(*served));
    for (unsigned back = 1; back <= today && back < EXFIL_DAYS; back++) {
        days[back] = network->days[today - back];
        served[back] = network->served[today - back];
    }
}

static void
learn(const Life *self, unsigned today, ExfilLearn *learner, ExfilPair *pairs)
{
    ExfilSum days[EXFIL_DAYS];
    ExfilSum served[EXFIL_DAYS];

    exfil_learn_begin(learner, GENERATORS_FROM_US + today * EXFIL_DAY_US);
    for (unsigned day = 0; day < today; day++)
        exfil_learn_day(learner, &self->days[day]);
    for (unsigned i = 0; i < self->n_networks; i++) {
        if (!self->networks[i].is_met || self->networks[i].first_hour >= today * 24)
            continue;
        look_back(&self->networks[i], today, days, served);
        pairs[i] = exfil_learn_network(learner, days, served);
    }
}

static int
compare_places(const void *a, const void *b)
{
    const Hour *one = *(const Hour *const *) a;
    const Hour *two = *(const Hour *const *) b;
    const uint64_t left =
        (uint64_t) one->transfer.network << 32 | one->transfer.address;
    const uint64_t right =
        (uint64_t) two->transfer.network << 32 | two->transfer.address;

    return (left > right) - (left < right);
}

static void
fill_window(const Life *self, unsigned hour, const ExfilPair *pairs,
            ExfilWindow *window)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new();

    for (guint i = 0; i < self->hours->len; i++) {
        const Hour *row = &g_array_index(self->hours, Hour, i);

        if (row->hour <= hour && row->hour + EXFIL_HOURS > hour)
            g_ptr_array_add(rows, (gpointer) row);
    }
    if (rows->len > 0)
        qsort(rows->pdata, rows->len, sizeof(gpointer), compare_places);

    exfil_window_begin(window, &host);
    for (guint i = 0; i < rows->len; i++) {
        const Hour *row = rows->pdata[i];
        const int64_t at_us = GENERATORS_FROM_US + row->hour * EXFIL_HOUR_US;
        const double whole = row->transfer.session_octets;
        const ContactEvent event = {
            at_us, (uint64_t) (whole > 0 ? whole : row->transfer.out_octets)
        };
        const ExfilPair *pair = &pairs[row->transfer.network];
        const ExfilRow contact = {
            .key = { host, address_of(row->transfer.network, row->transfer.address),
                     row->transfer.port, row->transfer.protocol, row->initiator },
            .hour_us = at_us,
            .n_sessions = row->n_sessions,
            .out_octets = (uint64_t) row->transfer.out_octets,
            .in_octets = (uint64_t) row->transfer.in_octets,
            .out_packets = (uint64_t) (row->transfer.out_octets / 1000) + 1,
            .events = &event,
            .n_events = whole >= 0,
            .usual_octets = pair->usual_octets,
            .may_drip = pair->may_drip,
        };
        exfil_window_add(window, &contact);
    }
    exfil_window_end(window);
}

static LifeVerdict
judge_group(const Life *self, const ExfilWindow *window, ExfilGroup *group,
            unsigned network, unsigned today, const ExfilBaseline *baseline)
{
    const Network20 *known = &self->networks[network];
    const Context context = {
        .n_hosts = 30,
        .n_hosts_of_peer_net = known->is_common ? 20 : 1,
        .host_initiated_share = baseline->initiated_share,
        .host_new_nets_a_day = baseline->networks_a_day,
    };
    const ExfilSum days[] = { group->days[0], group->served[0] };

    look_back(known, today, group->days, group->served);
    group->days[0] = days[0];
    group->served[0] = days[1];
    group->pair_first_us = GENERATORS_FROM_US + known->first_hour * EXFIL_HOUR_US;

    g_autoptr(Finding) finding =
        exfil_judge(window, group, baseline, &context, &EXFIL_POLICY_DEFAULT);
    if (!finding)
        return LIFE_NOTHING;
    return finding->severity == FINDING_MAIL ? LIFE_MAIL : LIFE_DIGEST;
}

LifeVerdict
life_judge(const Life *self, unsigned hour, unsigned network)
{
    const int64_t now_us = GENERATORS_FROM_US + (hour + 1) * EXFIL_HOUR_US - 1000000;
    g_autofree ExfilLearn *learner = g_new(ExfilLearn, 1);
    g_autofree ExfilPair *pairs = g_new0(ExfilPair, MAX_NETWORKS);
    LifeVerdict verdict = LIFE_NOTHING;
    ExfilWindow window;

    learn(self, hour / 24, learner, pairs);
    const ExfilBaseline *baseline = exfil_learn_end(learner);
    exfil_window_for(&window, now_us, &EXFIL_POLICY_DEFAULT);
    fill_window(self, hour, pairs, &window);
    for (size_t i = 0; i < window.n_groups; i++) {
        const uint8_t *bytes = window.groups[i]->network.bytes + 12;
        const uint32_t value = (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 |
                               (uint32_t) bytes[2] << 8 | bytes[3];
        const unsigned number = (value - 0x14000000) / 4096;

        if (network == LIFE_ANY || network == number)
            verdict = MAX(verdict, judge_group(self, &window, window.groups[i], number,
                                               hour / 24, baseline));
    }
    exfil_window_clear(&window);
    return verdict;
}
