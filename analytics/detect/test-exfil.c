/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/exfil.h"

#include <math.h>

#define MB UINT64_C(1000000)
#define GB (1000 * MB)

/* Thursday 2026-01-29 20:30 UTC. */
#define NOW_US (INT64_C(1769718600) * 1000000)

/* One watched host, and what it had to do with one network. */
typedef struct {
    uint64_t out, in; /* in the last hours */
    int64_t hours;
    unsigned n_peers;
    uint16_t port;
    uint8_t protocol;
    uint8_t initiator;
    uint64_t n_packets; /* outbound; 0 = full ones */
    unsigned n_slices;  /* sessions of one size, evenly spaced; 0 = one */
    double host_days;   /* known for; 0 = today */
    double pair_days;
    uint64_t day_before; /* surplus on each day before yesterday, up to 14 */
    unsigned n_days_before;
    uint64_t in_before;
    bool is_server;
    unsigned n_hosts; /* that talk to the network; 0 = only this one */
    bool is_inside;
} Scene;

static void
know_host(const Scene *scene, ExfilBaseline *baseline, Context *context)
{
    exfil_learn_nothing(baseline);
    *context = (Context){ .n_hosts = 50,
                          .n_hosts_of_peer_net = MAX(scene->n_hosts, 1),
                          .host_initiated_share = NAN,
                          .host_new_nets_a_day = NAN };
    if (scene->host_days <= 0)
        return;
    baseline->from_us = NOW_US - (int64_t) (scene->host_days * EXFIL_DAY_US);
    for (size_t i = 0; i < EXFIL_WEEK_HOURS; i++) {
        baseline->hour_median[i] = exfil_learn_x(8 * MB);
        baseline->hour_spread[i] = 0.4;
    }
    for (size_t i = 0; i < 7; i++) {
        baseline->day_median[i] = exfil_learn_x(100 * MB);
        baseline->day_spread[i] = 0.35;
    }
    baseline->pcr = -0.8;
    context->host_initiated_share = scene->is_server ? 0.05 : 0.98;
    context->host_new_nets_a_day = scene->is_server ? 0 : 60;
}

static void
fill_window(const Scene *scene, ExfilWindow *window)
{
    const unsigned n_peers = MAX(scene->n_peers, 1);
    const int64_t n_hours = MAX(scene->hours, 1);
    const IpAddress host = ip_address_from_v4((const uint8_t[]){ 10, 0, 0, 5 });

    exfil_window_for(window, NOW_US, &EXFIL_POLICY_DEFAULT);
    exfil_window_begin(window, &host);
    for (unsigned p = 0; p < n_peers; p++) {
        const uint8_t peer[4] = { scene->is_inside ? 10 : 203, 0,
                                  (uint8_t) (112 + p % 16), (uint8_t) (p + 1) };

        for (int64_t h = 0; h < n_hours; h++) {
            const int64_t hour_us =
                NOW_US - NOW_US % EXFIL_HOUR_US - (n_hours - 1 - h) * EXFIL_HOUR_US;
            const uint64_t out = scene->out / n_peers / (uint64_t) n_hours;
            const unsigned n_slices = MAX(scene->n_slices, 1);
            ContactEvent events[64];

            for (unsigned i = 0; i < n_slices; i++)
                events[i] = (ContactEvent){
                    hour_us + i * EXFIL_HOUR_US / n_slices,
                    scene->n_slices || n_hours == 1 ? out / n_slices
                    : h == 0                        ? scene->out / n_peers
                                                    : 0,
                };
            const ExfilRow row = {
                .key = { host, ip_address_from_v4(peer), scene->port, scene->protocol,
                         scene->initiator },
                .hour_us = hour_us,
                .n_sessions = n_slices,
                .out_octets = out,
                .in_octets = scene->in / n_peers / (uint64_t) n_hours,
                .out_packets = scene->n_packets ? scene->n_packets : out / 1400,
                .events = events,
                .n_events = n_slices,
                .may_drip = scene->n_days_before > 0,
            };
            exfil_window_add(window, &row);
        }
    }
    exfil_window_end(window);
}

static Finding *
judge(const Scene *scene)
{
    ExfilBaseline baseline;
    Context context;
    ExfilWindow window;
    Finding *finding = NULL;

    know_host(scene, &baseline, &context);
    fill_window(scene, &window);
    if (window.n_groups > 0) {
        ExfilGroup *group = window.groups[0];

        group->pair_first_us =
            NOW_US - (int64_t) (scene->pair_days * EXFIL_DAY_US) - EXFIL_HOUR_US;
        for (unsigned i = 0; i < scene->n_days_before; i++)
            group->days[i + 1] = (ExfilSum){ scene->day_before, scene->in_before };
        finding =
            exfil_judge(&window, group, &baseline, &context, &EXFIL_POLICY_DEFAULT);
    }
    exfil_window_clear(&window);
    return finding;
}

/* --- what must be found --- */

typedef struct {
    const char *why;
    Scene scene;
    const char *rule; /* NULL = nothing */
    FindingSeverity severity;
    const char *words; /* that the explanation must hold; NULL = any */
} Case;

static void
check(const Case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autoptr(Finding) finding = judge(&cases[i].scene);

        g_test_message("%s: %s %.0f %s", cases[i].why, finding ? finding->rule : "-",
                       finding ? finding->score : 0,
                       finding ? finding->explanation : "");
        for (size_t k = 0; finding && k < finding->n_terms; k++)
            g_test_message("    %s %.1f: %s", finding->terms[k].name,
                           finding->terms[k].points, finding->terms[k].why);
        g_assert_cmpstr(finding ? finding->rule : NULL, ==, cases[i].rule);
        if (!finding)
            continue;
        g_assert_cmpint(finding->severity, ==, cases[i].severity);
        g_assert_nonnull(strstr(finding->explanation, cases[i].words ?: ""));
        g_assert_cmpuint(finding->n_hours, ==, EXFIL_HOURS);
        g_assert_true(finding->numbers[0] == '{');
        g_assert_true(g_str_has_suffix(finding->numbers, "}"));
    }
}

#define TO(port_) .port = port_, .protocol = 6, .initiator = CONTACT_BY_HOST

static const Case secrets[] = {
    { "the smallest burst that is mailed",
      { 200 * MB, 4 * MB, TO(443), .host_days = 30 },
      "burst",
      FINDING_MAIL,
      "sent 200 MB within 1 hour" },
    { "a large one, spread over two hours",
      { 6200 * MB, 61 * MB, .hours = 2, TO(443), .host_days = 30 },
      "burst",
      FINDING_MAIL,
      "Usual for this host at this hour of the week" },
    { "a large one while nothing is learned yet",
      { 6200 * MB, 61 * MB, TO(443) },
      "burst",
      FINDING_MAIL,
      "only the limits that are set decide" },
    { "the other direction is not reported",
      { 6200 * MB, 0, TO(443), .host_days = 30 },
      "burst",
      FINDING_MAIL,
      "got 0 B back" },
    { "over twenty addresses of one network",
      { 1 * GB, 20 * MB, .n_peers = 20, TO(443), .host_days = 30 },
      "rotation",
      FINDING_MAIL,
      "spread over 20 addresses" },
    { "a known network that used to get little, from a host that sends little",
      { 6 * GB, 60 * MB, TO(443), .host_days = 30, .pair_days = 29,
        .day_before = 5 * MB, .n_days_before = 14, .in_before = 1 * MB },
      "burst",
      FINDING_MAIL,
      NULL },
    { "one session to a known network, within what the host sends",
      { 800 * MB, 8 * MB, .hours = 24, TO(22), .host_days = 30, .pair_days = 29,
        .day_before = 5 * MB, .n_days_before = 14, .in_before = 1 * MB },
      "single-session",
      FINDING_MAIL,
      "in one session" },
    { "24 MB a day for a week",
      { 24 * MB, 1 * MB, .hours = 24, TO(443), .host_days = 30, .pair_days = 7,
        .day_before = 24 * MB, .n_days_before = 7, .in_before = 1 * MB },
      "drip",
      FINDING_DIGEST,
      "of the last 30 days" },
    { "120 MB a day for ten days",
      { 120 * MB, 3 * MB, .hours = 24, TO(443), .host_days = 30, .pair_days = 10,
        .day_before = 120 * MB, .n_days_before = 10, .in_before = 3 * MB },
      "drip",
      FINDING_MAIL,
      "a day" },
    { "a known network that only sent, and now gets",
      { 190 * MB, 3 * MB, TO(443), .host_days = 30, .pair_days = 29, .day_before = 0,
        .n_days_before = 14, .in_before = 40 * MB },
      "role-flip",
      FINDING_MAIL,
      "used to receive" },
    { "slices at an even pace",
      { 90 * MB, 2 * MB, .n_slices = 12, TO(443), .host_days = 30 },
      "chunking",
      FINDING_MAIL,
      "12 slices" },
    { "a tunnel in DNS",
      { 6 * MB, 6 * MB, .port = 53, .protocol = 17, .initiator = CONTACT_BY_HOST,
        .n_packets = 20000, .host_days = 30 },
      "channel",
      FINDING_MAIL,
      "as DNS" },
    { "a tunnel in ICMP",
      { 9 * MB, 9 * MB, .port = 2048, .protocol = 1, .initiator = CONTACT_BY_HOST,
        .n_packets = 9000, .host_days = 30 },
      "channel",
      FINDING_MAIL,
      "as ICMP" },
    { "fetched by a caller, from a host that publishes nothing",
      { 3 * GB, 30 * MB, .port = 22, .protocol = 6, .initiator = CONTACT_BY_PEER,
        .host_days = 30, .is_server = true },
      "burst",
      FINDING_MAIL,
      NULL },
};

static void
test_each_rule_finds_what_it_is_for(void)
{
    check(secrets, G_N_ELEMENTS(secrets));
}

/* --- what must not --- */

static void
test_harmless_uploads_raise_nothing(void)
{
    static const Case cases[] = {
        { "a video call: 457 MB out, more in",
          { 457 * MB, 868 * MB, TO(443), .host_days = 8 },
          NULL },
        { "the same over UDP",
          { 457 * MB, 868 * MB, .port = 3478, .protocol = 17,
            .initiator = CONTACT_BY_HOST, .host_days = 8 },
          NULL },
        { "a speed test: 137 MB out, 27 in",
          { 137 * MB, 27 * MB, TO(8080), .host_days = 8 },
          NULL },
        { "the same from a quiet server",
          { 137 * MB, 27 * MB, TO(8080), .host_days = 8, .is_server = true },
          NULL },
        { "a tunnel: 90 MB out, 60 in",
          { 90 * MB, 60 * MB, .port = 1194, .protocol = 17,
            .initiator = CONTACT_BY_HOST, .hours = 8, .host_days = 8 },
          NULL },
        { "the same, one-sided, from a desktop",
          { 90 * MB, 4 * MB, .port = 1194, .protocol = 17, .initiator = CONTACT_BY_HOST,
            .hours = 8, .host_days = 8 },
          NULL },
        { "the nightly backup",
          { 10 * GB, 100 * MB, TO(22), .host_days = 8, .pair_days = 7.9,
            .day_before = 10 * GB, .n_days_before = 7, .in_before = 100 * MB },
          NULL },
        { "a backup that grew by half",
          { 15 * GB, 100 * MB, TO(22), .host_days = 30, .pair_days = 29.9,
            .day_before = 10 * GB, .n_days_before = 29, .in_before = 100 * MB },
          NULL },
        { "twice the usual upload to a known network",
          { 40 * MB, 1 * MB, TO(443), .host_days = 30, .pair_days = 29.9,
            .day_before = 20 * MB, .n_days_before = 29, .in_before = 1 * MB },
          NULL },
        { "many questions of a resolver",
          { 9 * MB, 30 * MB, .port = 53, .protocol = 17, .initiator = CONTACT_BY_HOST,
            .n_packets = 130000, .host_days = 30 },
          NULL },
        { "long answers of a name server",
          { 9 * MB, 1 * MB, .port = 53, .protocol = 17, .initiator = CONTACT_BY_PEER,
            .n_packets = 9000, .host_days = 30 },
          NULL },
        { "nothing", { 0, 0, TO(443), .host_days = 30 }, NULL },
    };

    check(cases, G_N_ELEMENTS(cases));
}

static void
test_a_first_night_of_backups_of_all_is_ordinary(void)
{
    static const Case cases[] = {
        { "of one host, to outside",
          { 8 * GB, 80 * MB, TO(873) },
          "burst",
          FINDING_MAIL,
          "only the limits" },
        { "of one host, to a private address",
          { 8 * GB, 80 * MB, TO(873), .is_inside = true },
          "burst",
          FINDING_DIGEST,
          NULL },
        { "of all, to outside",
          { 8 * GB, 80 * MB, TO(873), .n_hosts = 50 },
          "burst",
          FINDING_DIGEST,
          NULL },
        { "of all, to a private address",
          { 8 * GB, 80 * MB, TO(873), .n_hosts = 50, .is_inside = true },
          NULL },
        { "of all, when it would not be the first night",
          { 8 * GB, 80 * MB, TO(873), .n_hosts = 50, .host_days = 30 },
          "burst",
          FINDING_MAIL,
          NULL },
    };

    check(cases, G_N_ELEMENTS(cases));
}

static void
test_a_published_service_may_answer(void)
{
    const IpAddress host = ip_address_from_v4((const uint8_t[]){ 10, 0, 0, 80 });
    const Context context = { .n_hosts = 50,
                              .n_hosts_of_peer_net = 1,
                              .host_initiated_share = NAN,
                              .host_new_nets_a_day = NAN };
    ExfilBaseline baseline;
    ExfilWindow window;

    exfil_learn_nothing(&baseline);
    exfil_window_for(&window, NOW_US, &EXFIL_POLICY_DEFAULT);
    exfil_window_begin(&window, &host);
    for (uint8_t i = 0; i < 200; i++) {
        const ExfilRow row = {
            .key = { host, ip_address_from_v4((const uint8_t[]){ 198, i, 0, 1 }), 443,
                     6, CONTACT_BY_PEER },
            .hour_us = NOW_US - EXFIL_HOUR_US,
            .n_sessions = 2,
            .out_octets = i == 77 ? 2 * GB : 300000,
            .in_octets = 20000,
        };
        exfil_window_add(&window, &row);
    }
    exfil_window_end(&window);
    g_assert_cmpuint(window.n_services, ==, 1);
    g_assert_cmpuint(window.services[0].n_networks, ==, 200);
    g_assert_cmpuint(window.n_groups, ==, 1);
    g_assert_null(exfil_judge(&window, window.groups[0], &baseline, &context,
                              &EXFIL_POLICY_DEFAULT));

    /* Once it is known what callers take, forty times as much is told. */
    baseline.from_us = NOW_US - 30 * EXFIL_DAY_US;
    baseline.served_octets = 20 * MB;
    for (size_t i = 0; i < EXFIL_WEEK_HOURS; i++) {
        baseline.hour_median[i] = exfil_learn_x(60 * MB);
        baseline.hour_spread[i] = 0.35;
    }
    for (size_t i = 0; i < 7; i++) {
        baseline.day_median[i] = exfil_learn_x(60 * MB);
        baseline.day_spread[i] = 0.35;
    }
    window.groups[0]->all.ports[0].sum.out_octets = 60 * GB;
    window.hours[EXFIL_HOURS - 2].out_octets = 60 * GB;
    g_autoptr(Finding) finding = exfil_judge(&window, window.groups[0], &baseline,
                                             &context, &EXFIL_POLICY_DEFAULT);
    g_assert_nonnull(finding);
    g_assert_nonnull(strstr(finding->explanation, "callers of a service"));
    exfil_window_clear(&window);
}

static void
test_configured_services_and_watched_peers_are_left_alone(void)
{
    const IpAddress host = ip_address_from_v4((const uint8_t[]){ 10, 0, 0, 5 });
    ExfilRow row = {
        .key = { host, ip_address_from_v4((const uint8_t[]){ 192, 0, 2, 1 }), 22, 6,
                 CONTACT_BY_HOST },
        .hour_us = NOW_US - EXFIL_HOUR_US,
        .n_sessions = 1,
        .out_octets = 90 * GB,
        .in_octets = 1,
        .out_packets = 1000,
        .is_infrastructure = true,
    };
    ExfilWindow window;

    exfil_window_for(&window, NOW_US, &EXFIL_POLICY_DEFAULT);
    exfil_window_begin(&window, &host);
    exfil_window_add(&window, &row);
    row.is_infrastructure = false;
    row.peer_is_watched = true;
    row.key.peer.bytes[15] = 9;
    exfil_window_add(&window, &row);
    exfil_window_end(&window);
    g_assert_cmpuint(window.n_groups, ==, 0);
    exfil_window_clear(&window);
}

static void
test_a_channel_over_a_configured_resolver_is_listed(void)
{
    const IpAddress host = ip_address_from_v4((const uint8_t[]){ 10, 0, 0, 5 });
    const ExfilRow row = {
        .key = { host, ip_address_from_v4((const uint8_t[]){ 192, 0, 2, 53 }), 53, 17,
                 CONTACT_BY_HOST },
        .hour_us = NOW_US - EXFIL_HOUR_US,
        .n_sessions = 5000,
        .out_octets = 9 * MB,
        .in_octets = 9 * MB,
        .out_packets = 30000,
        .is_infrastructure = true,
    };
    const Scene scene = { .host_days = 30 };
    ExfilBaseline baseline;
    Context context;
    ExfilWindow window;

    know_host(&scene, &baseline, &context);
    exfil_window_for(&window, NOW_US, &EXFIL_POLICY_DEFAULT);
    exfil_window_begin(&window, &host);
    exfil_window_add(&window, &row);
    exfil_window_end(&window);
    g_assert_cmpuint(window.n_groups, ==, 1);
    g_autoptr(Finding) finding = exfil_judge(&window, window.groups[0], &baseline,
                                             &context, &EXFIL_POLICY_DEFAULT);
    g_assert_cmpint(finding->severity, ==, FINDING_LISTED);
    exfil_window_clear(&window);
}

/* --- absurd input --- */

static void
test_absurd_numbers_give_an_answer(void)
{
    static const uint64_t values[] = { 0, 1, INT64_MAX, UINT64_MAX };
    static const int64_t times[] = { INT64_MIN / 2, -1, 0, NOW_US, INT64_MAX };
    const IpAddress host = { { 0 } };
    ExfilBaseline baseline;
    const Context context = { .host_initiated_share = NAN, .host_new_nets_a_day = NAN };

    exfil_learn_nothing(&baseline);
    baseline.from_us = 1;
    for (size_t i = 0; i < G_N_ELEMENTS(values) * G_N_ELEMENTS(values); i++) {
        ExfilWindow window;

        exfil_window_for(&window, NOW_US, &EXFIL_POLICY_DEFAULT);
        exfil_window_begin(&window, &host);
        for (size_t t = 0; t < 2 * G_N_ELEMENTS(times); t++) {
            const ContactEvent event = { times[t / 2], values[i % 4] };
            const ExfilRow row = {
                .key = { .host = host,
                         .peer = { { (uint8_t) t } },
                         .initiator = (uint8_t) t },
                .hour_us = times[t / 2],
                .n_sessions = values[i % 4],
                .out_octets = values[i / 4],
                .in_octets = values[i % 4],
                .out_packets = values[i % 4],
                .events = &event,
                .n_events = 1,
                .usual_octets = values[i % 4],
            };
            exfil_window_add(&window, &row);
            exfil_window_add(&window, &row);
        }
        exfil_window_end(&window);
        for (size_t g = 0; g < window.n_groups; g++) {
            g_autoptr(Finding) finding =
                exfil_judge(&window, window.groups[g], &baseline, &context,
                            &EXFIL_POLICY_DEFAULT);

            if (finding) {
                g_assert_false(isnan(finding->score));
                g_assert_null(strstr(finding->numbers, "nan"));
                g_assert_null(strstr(finding->numbers, "inf"));
            }
        }
        exfil_window_clear(&window);
    }
}

static void
test_memory_is_bounded_by_groups(void)
{
    const IpAddress host = { { 1 } };
    ExfilWindow window;

    exfil_window_for(&window, NOW_US, &EXFIL_POLICY_DEFAULT);
    exfil_window_begin(&window, &host);
    for (unsigned i = 0; i < 1000; i++) {
        const ExfilRow row = {
            .key = { host,
                     ip_address_from_v4((const uint8_t[]){ 11, (uint8_t) (i >> 4),
                                                           (uint8_t) (i << 4), 1 }),
                     443, 6, CONTACT_BY_HOST },
            .hour_us = NOW_US,
            .n_sessions = 1,
            .out_octets = 30 * MB + i,
        };
        exfil_window_add(&window, &row);
    }
    exfil_window_end(&window);
    g_assert_cmpuint(window.n_groups, ==, EXFIL_MAX_GROUPS);
    g_assert_cmpuint(window.n_left_out, ==, 1000 - EXFIL_MAX_GROUPS);
    for (size_t i = 0; i < window.n_groups; i++)
        g_assert_cmpuint(window.groups[i]->all.out_octets, >=,
                         30 * MB + 1000 - EXFIL_MAX_GROUPS);
    exfil_window_clear(&window);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/exfil/each-rule-finds-what-it-is-for",
                    test_each_rule_finds_what_it_is_for);
    g_test_add_func("/exfil/harmless-uploads-raise-nothing",
                    test_harmless_uploads_raise_nothing);
    g_test_add_func("/exfil/a-first-night-of-backups-of-all-is-ordinary",
                    test_a_first_night_of_backups_of_all_is_ordinary);
    g_test_add_func("/exfil/a-published-service-may-answer",
                    test_a_published_service_may_answer);
    g_test_add_func("/exfil/configured-services-and-watched-peers-are-left-alone",
                    test_configured_services_and_watched_peers_are_left_alone);
    g_test_add_func("/exfil/a-channel-over-a-configured-resolver-is-listed",
                    test_a_channel_over_a_configured_resolver_is_listed);
    g_test_add_func("/exfil/absurd-numbers-give-an-answer",
                    test_absurd_numbers_give_an_answer);
    g_test_add_func("/exfil/memory-is-bounded-by-groups",
                    test_memory_is_bounded_by_groups);
    return g_test_run();
}
