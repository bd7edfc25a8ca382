/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/beacon.h"

#include <glib.h>
#include <locale.h>
#include <math.h>

#include "stats/xoshiro.h"

#define FROM_US INT64_C(1767571200000000) /* a Monday, 00:00 UTC */
#define DAY_SEC 86400.0
#define DAY_US  INT64_C(86400000000)

static GArray *
channel_events(double period_sec, double jitter, double to_sec, uint64_t octets)
{
    GArray *events = g_array_new(FALSE, FALSE, sizeof(ContactEvent));
    Xoshiro dice;

    xoshiro_seed(&dice, 1);
    for (double at = period_sec / 2; at < to_sec;
         at += period_sec * (1 - jitter * xoshiro_uniform(&dice))) {
        const ContactEvent event = { FROM_US + (int64_t) (at * 1e6), octets };

        g_array_append_val(events, event);
    }
    return events;
}

static ContactSeries
series_of(const GArray *events)
{
    static const uint8_t host[4] = { 10, 2, 0, 14 };
    static const uint8_t peer[4] = { 203, 0, 113, 51 };
    ContactSeries series = {
        .key = { .service_port = 443, .protocol = 6, .initiator = CONTACT_BY_HOST },
        .from_us = FROM_US,
        .to_us = FROM_US + DAY_US,
        .events = (const ContactEvent *) (const void *) events->data,
        .n_events = events->len,
        .n_sessions = events->len,
        .out_packets = 6 * events->len,
        .in_packets = 6 * events->len,
        .longest_us = 300000,
    };

    series.key.host = ip_address_from_v4(host);
    series.key.peer = ip_address_from_v4(peer);
    for (guint i = 0; i < events->len; i++)
        series.out_octets += series.events[i].out_octets;
    return series;
}

/* Of a server with a month of history that talks to a new peer of its own. */
static Context
suspicious(void)
{
    return (Context){
        .n_hosts = 214,
        .n_hosts_of_peer = 1,
        .n_hosts_of_peer_net = 1,
        .history_from_us = FROM_US - 30 * DAY_US,
        .peer_first_us = FROM_US - DAY_US / 12,
        .peer_net_first_us = FROM_US - DAY_US / 12,
        .pair_first_us = FROM_US - DAY_US / 12,
        .host_initiated_share = 0.01,
        .host_new_nets_a_day = 0.2,
    };
}

static double
points_of(const Finding *finding, const char *name)
{
    for (size_t i = 0; i < finding->n_terms; i++)
        if (g_str_equal(finding->terms[i].name, name))
            return finding->terms[i].points;
    return NAN;
}

static Finding *
judge(const ContactSeries *series, const Context *context)
{
    return beacon_judge(series, context, &BEACON_POLICY_DEFAULT);
}

static void
test_a_command_channel_is_mailed(void)
{
    g_autoptr(GArray) events = channel_events(30, 0.2, DAY_SEC, 349);
    const ContactSeries series = series_of(events);
    const Context context = suspicious();
    g_autoptr(Finding) finding = judge(&series, &context);

    g_assert_nonnull(finding);
    g_assert_cmpint(finding->severity, ==, FINDING_MAIL);
    g_assert_cmpint(finding->kind, ==, FINDING_BEACON);
    g_assert_cmpfloat(finding->score, >, 95);
    g_assert_cmpfloat(points_of(finding, "regularity"), >, 43);
    g_assert_cmpfloat(points_of(finding, "regularity"), <=, 45);
    g_assert_cmpfloat(points_of(finding, "size"), ==, 10);
    g_assert_cmpfloat(points_of(finding, "persistence"), ==, 10);
    g_assert_cmpfloat(points_of(finding, "rarity"), ==, 20);
    g_assert_cmpfloat(points_of(finding, "new"), ==, 10);
    g_assert_cmpfloat(points_of(finding, "role"), ==, 15);
    g_assert_cmpfloat(finding->magnitude, ==, (double) events->len);
    g_assert_cmpuint(finding->peer_group_bits, ==, 128);
}

static void
test_its_words_say_what_was_seen(void)
{
    g_autoptr(GArray) events = channel_events(30, 0.2, DAY_SEC, 349);
    const ContactSeries series = series_of(events);
    const Context context = suspicious();
    g_autoptr(Finding) finding = judge(&series, &context);
    static const char *const wanted[] = {
        "every 27.",
        " s (jitter about 20 %), 3 200",
        " contacts in 24.0 h since Mon 00:00 UTC.",
        "More regular than all ",
        " comparison pairs of this size and than 200 shuffles of itself.",
        "Uploads 349 B +-0 %.",
        "No other of 214 watched hosts talks to it.",
        "First seen 26.0 h ago.",
        "This host hardly ever initiates sessions.",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++) {
        g_test_message("%s", finding->explanation);
        g_assert_nonnull(strstr(finding->explanation, wanted[i]));
    }
    g_assert_null(strstr(finding->explanation, "history"));
}

static void
test_short_history_is_admitted(void)
{
    g_autoptr(GArray) events = channel_events(30, 0.2, DAY_SEC, 349);
    const ContactSeries series = series_of(events);
    const Context context = {
        .n_hosts = 6,
        .n_hosts_of_peer = 1,
        .n_hosts_of_peer_net = 1,
        .history_from_us = FROM_US,
        .peer_first_us = FROM_US + 1000,
        .pair_first_us = FROM_US + 1000,
        .host_initiated_share = NAN,
        .host_new_nets_a_day = NAN,
    };
    g_autoptr(Finding) finding = judge(&series, &context);

    g_assert_nonnull(
        strstr(finding->explanation, "Stored history is only 24.0 h long"));
    g_assert_cmpfloat(points_of(finding, "new"), ==, 0);
    g_assert_cmpfloat(points_of(finding, "role"), ==, 0);
}

/* Braces, strings and numbers, no more; what is in it is tested by its reader. */
static void
check_json(const char *json)
{
    int depth = 0;
    bool in_string = false;

    g_assert_true(json[0] == '{' && json[strlen(json) - 1] == '}');
    for (const char *p = json; *p; p++) {
        in_string ^= *p == '"';
        if (!in_string)
            depth += (*p == '{') - (*p == '}');
        g_assert_false(!in_string && strchr("\\\n'N", *p));
    }
    g_assert_false(in_string);
    g_assert_cmpint(depth, ==, 0);
    g_assert_null(strstr(json, ",,"));
    g_assert_null(strstr(json, ": ,"));
    g_assert_null(strstr(json, "nan"));
    g_assert_null(strstr(json, "inf"));
}

static void
test_numbers_are_json_in_every_locale(void)
{
    g_autoptr(GArray) events = channel_events(30, 0.2, DAY_SEC, 349);
    const ContactSeries series = series_of(events);
    Context context = suspicious();

    context.host_initiated_share = NAN;

    g_autoptr(Finding) before = judge(&series, &context);
    const char *set = setlocale(LC_ALL, "de_DE.UTF-8");
    g_autoptr(Finding) after = judge(&series, &context);

    setlocale(LC_ALL, "C");
    if (!set)
        g_test_message("no German locale here: only half of this was tested");
    check_json(before->numbers);
    g_assert_cmpstr(before->numbers, ==, after->numbers);
    g_assert_cmpstr(before->explanation, ==, after->explanation);
    g_assert_nonnull(strstr(before->numbers, "\"host_initiated_share\": null"));
    g_assert_nonnull(strstr(before->numbers, "{\"period_sec\": 2"));
    g_assert_nonnull(strstr(before->numbers, "\"window\": \"24 h\""));
}

static void
test_a_verdict_can_be_replayed(void)
{
    g_autoptr(GArray) events = channel_events(300, 0.9, DAY_SEC, 349);
    const ContactSeries series = series_of(events);
    const Context context = suspicious();
    g_autoptr(Finding) one = judge(&series, &context);
    g_autoptr(Finding) two = judge(&series, &context);

    g_assert_cmpstr(one->numbers, ==, two->numbers);
    g_assert_cmpfloat(one->score, ==, two->score);
}

typedef struct {
    const char *why;
    void (*change)(ContactSeries *series, Context *context);
} Excuse;

static void
make_infrastructure(ContactSeries *series, Context *context)
{
    (void) series;
    context->is_infrastructure = true;
}

static void
make_learned(ContactSeries *series, Context *context)
{
    (void) series;
    context->n_periodic_days = 10;
    context->learned_period_sec = 27.5;
}

static void
make_common(ContactSeries *series, Context *context)
{
    (void) series;
    *context = (Context){ .n_hosts = 200,
                          .n_hosts_of_peer = 150,
                          .n_hosts_of_peer_net = 180,
                          .history_from_us = FROM_US - 90 * DAY_US,
                          .peer_first_us = FROM_US - 80 * DAY_US,
                          .pair_first_us = FROM_US - 80 * DAY_US,
                          .host_initiated_share = 0.9,
                          .host_new_nets_a_day = 50 };
}

static void
make_called(ContactSeries *series, Context *context)
{
    series->key.initiator = CONTACT_BY_PEER;
    context->host_initiated_share = 0.9;
}

static void
make_multicast(ContactSeries *series, Context *context)
{
    static const uint8_t group[4] = { 239, 255, 255, 250 };

    (void) context;
    series->key.peer = ip_address_from_v4(group);
}

static void
make_time_requests(ContactSeries *series, Context *context)
{
    series->key.protocol = 17;
    series->key.service_port = 123;
    series->out_packets = series->out_octets / 76;
    context->host_initiated_share = 0.9;
    context->peer_first_us = FROM_US - 29 * DAY_US;
}

static void
make_cut(ContactSeries *series, Context *context)
{
    (void) context;
    series->longest_us = INT64_C(60000000);
}

static void
test_what_is_harmless_is_not_mailed(void)
{
    static const Excuse excuses[] = {
        { "configured", make_infrastructure },
        { "learned", make_learned },
        { "common", make_common },
        { "called", make_called },
        { "multicast", make_multicast },
        { "time requests", make_time_requests },
    };
    g_autoptr(GArray) events = channel_events(30, 0.2, DAY_SEC, 76);

    for (size_t i = 0; i < G_N_ELEMENTS(excuses); i++) {
        ContactSeries series = series_of(events);
        Context context = suspicious();

        excuses[i].change(&series, &context);

        g_autoptr(Finding) finding = judge(&series, &context);

        g_test_message("%s: %.1f", excuses[i].why, finding ? finding->score : 0);
        g_assert_true(!finding || finding->severity != FINDING_MAIL);
        g_assert_true(!finding || finding->score < BEACON_POLICY_DEFAULT.mail_points);
    }
}

static void
test_a_cut_session_is_no_beacon(void)
{
    static const double timeouts_sec[] = { 60, 300, 1800 };

    for (size_t i = 0; i < G_N_ELEMENTS(timeouts_sec); i++) {
        g_autoptr(GArray) events = channel_events(timeouts_sec[i], 0.001, DAY_SEC, 900);
        ContactSeries series = series_of(events);
        Context context = suspicious();

        make_cut(&series, &context);
        series.longest_us = (int64_t) (timeouts_sec[i] * 1e6);

        g_autoptr(Finding) finding = judge(&series, &context);

        g_assert_true(!finding || finding->severity == FINDING_LISTED);
    }
}

static void
test_learned_automation_that_changes_is_told(void)
{
    g_autoptr(GArray) events = channel_events(30, 0.2, DAY_SEC, 349);
    const ContactSeries series = series_of(events);
    Context context = suspicious();

    context.n_periodic_days = 10;
    context.learned_period_sec = 3600;

    g_autoptr(Finding) finding = judge(&series, &context);

    g_assert_cmpint(finding->severity, ==, FINDING_MAIL);
    g_assert_true(isnan(points_of(finding, "automation")));
}

static void
test_no_mail_without_beating_shuffles(void)
{
    g_autoptr(GArray) events = g_array_new(FALSE, FALSE, sizeof(ContactEvent));
    BeaconPolicy policy = BEACON_POLICY_DEFAULT;
    Context context = suspicious();
    Xoshiro dice;

    /* Whatever the score: chance does not beat its own redrawings. */
    xoshiro_seed(&dice, 4);
    for (int i = 0; i < 400; i++) {
        const ContactEvent event = {
            FROM_US + (int64_t) (DAY_SEC * 1e6 * (i + xoshiro_uniform(&dice)) / 400),
            100
        };

        if (i % 40 != 7)
            g_array_append_val(events, event);
    }
    for (guint i = 0; i + 3 < events->len; i += 3) /* a little of a random walk */
        g_array_index(events, ContactEvent, i).start_us += 1000;
    policy.min_evidence = 0;
    policy.mail_points = 50;
    context.on_threat_list = true;

    const ContactSeries series = series_of(events);
    BeaconMeasure measure;

    beacon_measure(&series, &measure);

    const bool beats = beacon_beats_surrogates(&series, &measure, policy.n_surrogates);
    g_autoptr(Finding) finding = beacon_judge(&series, &context, &policy);

    g_assert_nonnull(finding);
    g_assert_cmpint(finding->severity == FINDING_MAIL, ==, beats);
}

static void
test_coverage_is_told(void)
{
    static const struct {
        uint32_t sampling;
        double packets; /* of a session, both ways, as it was */
        double loss;
        bool is_enough;
        const char *text;
    } cases[] = {
        { 0, 12, 0, true, "" },
        { 10, 12, 0, true, "" },
        { 1000, 12, 0, false, "no beacon detection on this exporter: sampled 1:1000" },
        { 100, 500, 0, true, "" },
        { 0, 12, 0.04, true, "" },
        { 0, 12, 0.08, false, "no beacon detection on this exporter: 8 % lost" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GArray) events = channel_events(300, 0, DAY_SEC, 100);
        ContactSeries series = series_of(events);
        Context context = suspicious();
        const double n = cases[i].sampling;
        const double chance = n > 1 ? 1 - pow(1 - 1 / n, cases[i].packets) : 1;

        series.sampling = cases[i].sampling;
        series.out_packets =
            (uint64_t) (cases[i].packets / chance / 2 * (double) series.n_sessions);
        series.in_packets = series.out_packets;
        context.loss_share = cases[i].loss;

        const BeaconCoverage coverage =
            beacon_coverage(&series, &context, &BEACON_POLICY_DEFAULT);

        g_assert_cmpint(coverage.is_enough, ==, cases[i].is_enough);
        g_assert_cmpstr(coverage.text, ==, cases[i].text);
        g_assert_cmpfloat_with_epsilon(coverage.chance, chance, 0.02);
        if (!coverage.is_enough)
            g_assert_null(judge(&series, &context));
    }
}

static void
test_too_little_is_nothing(void)
{
    const Context context = suspicious();

    for (unsigned n = 0; n <= 4; n++) {
        g_autoptr(GArray) events = channel_events(300, 0, 300 * n, 100);
        const ContactSeries series = series_of(events);

        g_assert_null(judge(&series, &context));
    }
}

static void
test_dense_groups_are_judged_by_what_was_kept(void)
{
    g_autoptr(GArray) events = channel_events(1, 0, 3600, 60);
    ContactSeries series = series_of(events);
    const Context context = suspicious();

    series.n_sessions = 50 * events->len;

    g_autoptr(Finding) finding = judge(&series, &context);

    g_assert_nonnull(finding);
    g_assert_nonnull(
        strstr(finding->explanation, "only the starts of 3 600 were kept"));
}

static void
test_rotation_names_its_group(void)
{
    g_autoptr(GArray) events = channel_events(300, 0.2, DAY_SEC, 349);
    const ContactSeries series = series_of(events);
    const Context context = suspicious();
    BeaconPolicy policy = BEACON_POLICY_DEFAULT;

    policy.group_bits = 120;

    g_autoptr(Finding) finding = beacon_judge(&series, &context, &policy);

    g_assert_cmpuint(finding->peer_group_bits, ==, 120);
    g_assert_cmpstr(finding->rule, ==, "rotation");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/beacon/a-command-channel-is-mailed",
                    test_a_command_channel_is_mailed);
    g_test_add_func("/beacon/its-words-say-what-was-seen",
                    test_its_words_say_what_was_seen);
    g_test_add_func("/beacon/short-history-is-admitted",
                    test_short_history_is_admitted);
    g_test_add_func("/beacon/numbers-are-json-in-every-locale",
                    test_numbers_are_json_in_every_locale);
    g_test_add_func("/beacon/a-verdict-can-be-replayed",
                    test_a_verdict_can_be_replayed);
    g_test_add_func("/beacon/what-is-harmless-is-not-mailed",
                    test_what_is_harmless_is_not_mailed);
    g_test_add_func("/beacon/a-cut-session-is-no-beacon",
                    test_a_cut_session_is_no_beacon);
    g_test_add_func("/beacon/learned-automation-that-changes-is-told",
                    test_learned_automation_that_changes_is_told);
    g_test_add_func("/beacon/no-mail-without-beating-shuffles",
                    test_no_mail_without_beating_shuffles);
    g_test_add_func("/beacon/coverage-is-told", test_coverage_is_told);
    g_test_add_func("/beacon/too-little-is-nothing", test_too_little_is_nothing);
    g_test_add_func("/beacon/dense-groups-are-judged-by-what-was-kept",
                    test_dense_groups_are_judged_by_what_was_kept);
    g_test_add_func("/beacon/rotation-names-its-group", test_rotation_names_its_group);
    return g_test_run();
}
