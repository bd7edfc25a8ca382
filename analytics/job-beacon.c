/* SPDX-License-Identifier: Apache-2.0 */
#include "job-beacon.h"

#include "alert/incident.h"
#include "beacon-context.h"
#include "beacon-rows.h"
#include "beacon-scan.h"
#include "clock.h"
#include "db.h"

#define US_PER_HOUR (3600 * US_PER_SEC)
#define US_PER_DAY  (24 * US_PER_HOUR)

/* The windows.  A sparse group has no hour with more contacts than that. */
#define SHORT_WINDOW_US US_PER_DAY
#define LONG_WINDOW_US  (30 * US_PER_DAY)
#define LONG_EVERY_US   (6 * US_PER_HOUR)
#define SPARSE_AN_HOUR  6

/* Groups that get a verdict in a run; of more, those of the highest rank. */
#define MAX_CANDIDATES 5000

/* Rows of beacon_group. */
#define MAX_GROUPS 10000

/* Findings that wait to be raised: raising takes locks that people who mute wait for,
 * so it comes last, but not all findings of a bad day need fit into memory. */
#define MAX_TO_RAISE 500

/* From this much evidence on a day counts as a regular one of the pair. */
#define LEARN_EVIDENCE 3.0

/* An exporter is called blind when that share of its groups got no verdict. */
#define BLIND_SHARE 0.5

typedef struct {
    JobRun *run;
    BeaconPolicy policy;
    GArray *candidates; /* of BeaconCandidate, of all windows */
    uint32_t n_hosts;   /* watched hosts seen in the short window */
    uint64_t n_dropped;
    GPtrArray *to_raise; /* of Finding */
} Search;

static BeaconPolicy
policy_of(const AnalyticsSettings *settings)
{
    BeaconPolicy policy = BEACON_POLICY_DEFAULT;

    policy.mail_points = settings->beacon_mail_score;
    policy.digest_points = settings->beacon_digest_score;
    policy.n_surrogates = settings->beacon_surrogates;
    return policy;
}

/* A run is all or nothing: who wants it to stop gets it back as if it had not begun. */
static bool
go_on(const JobRun *run, GError **error)
{
    if (!job_should_stop(run))
        return true;
    g_set_error(error, DB_ERROR, DB_ERROR_LOST, "stopped in the middle");
    return false;
}

typedef struct {
    const JobRun *run;
    BeaconScan *beacons;
} Scanning;

static bool
on_scan_hour(const ContactHour *hour, void *user_data, GError **error)
{
    const Scanning *scanning = user_data;

    beacon_scan_add(scanning->beacons, hour);
    return go_on(scanning->run, error);
}

/* The hours that a window touches, as a FROM. */
static char *
hours_of(int64_t from_us, int64_t to_us)
{
    g_autofree char *from =
        contact_reader_time_literal(from_us - from_us % US_PER_HOUR);
    g_autofree char *to = contact_reader_time_literal(to_us);

    return g_strdup_printf("flowkeep.contact_hour AS c"
                           " WHERE c.hour >= %s AND c.hour < %s",
                           from, to);
}

/* An exporter that shows hardly any beat is worth a sentence. */
static bool
tell_blind_eyes(Search *search, const GArray *eyes, GError **error)
{
    for (guint i = 0; i < eyes->len; i++) {
        const BeaconEye *eye = &g_array_index(eyes, BeaconEye, i);

        if ((double) eye->n_blind > BLIND_SHARE * (double) eye->n_groups &&
            !beacon_rows_blind(search->run->conn, eye->exporter_id, eye->text,
                               search->run->now_us, error))
            return false;
    }
    return true;
}

/* Stage 1 and 2 over a window: adds to the candidates. */
static bool
scan(Search *search, int64_t window_us, uint32_t max_an_hour, GError **error)
{
    JobRun *run = search->run;
    const BeaconScanOptions options = {
        .from_us = run->now_us - window_us,
        .to_us = run->now_us,
        .max_events = run->settings->beacon_max_events,
        .max_candidates = MAX_CANDIDATES,
        .max_hour_sessions = max_an_hour,
        .policy = search->policy,
    };
    g_autoptr(BeaconScan) beacons = beacon_scan_new(&options);
    g_autofree char *from = hours_of(options.from_us, options.to_us);
    Scanning scanning = { run, beacons };

    if (!contact_reader_run(run->conn, from, CONTACT_READER_BY_GROUP, max_an_hour,
                            on_scan_hour, &scanning, error))
        return false;

    const GArray *found = beacon_scan_finish(beacons);
    if (found->len > 0)
        g_array_append_vals(search->candidates, found->data, found->len);
    search->n_hosts = MAX(search->n_hosts, beacon_scan_n_hosts(beacons));
    search->n_dropped += beacon_scan_n_dropped(beacons);
    run->n_rows_read += beacon_scan_n_contacts(beacons);
    return tell_blind_eyes(search, beacon_scan_eyes(beacons), error);
}

/* Whether the long window is due, which is then noted. */
static bool
long_is_due(JobRun *run, bool *due, GError **error)
{
    g_autofree char *until =
        g_strdup_printf("%.6f", (double) (run->now_us - run->now_us % LONG_EVERY_US) /
                                    US_PER_SEC);
    const char *const words[] = { until };
    g_autoptr(PGresult) noted =
        db_query(run->conn, "noting the long window",
                 "INSERT INTO flowkeep.housekeeping AS h (task, done_until)"
                 " VALUES ('beacon_long', to_timestamp($1))"
                 " ON CONFLICT (task) DO UPDATE SET done_until = excluded.done_until,"
                 " updated_at = clock_timestamp()"
                 " WHERE h.done_until <> excluded.done_until RETURNING 1",
                 1, words, error);

    if (!noted)
        return false;
    *due = PQntuples(noted) > 0;
    return true;
}

static bool
on_group_hour(const ContactHour *hour, void *user_data, GError **error)
{
    (void) error;
    contact_group_add(user_data, hour);
    return true;
}

/* The contacts of one candidate. */
static bool
read_group(Search *search, const BeaconCandidate *one, ContactGroup *group,
           GError **error)
{
    char host[IP_ADDRESS_TEXT_BYTES], peer[IP_ADDRESS_TEXT_BYTES];
    g_autofree char *hours = hours_of(one->from_us, search->run->now_us);
    g_autofree char *from = g_strdup_printf(
        "%s AND c.host = '%s' AND c.peer <<= set_masklen('%s'::inet, %u)"
        " AND c.service_port = %u AND c.protocol = %u AND c.initiator = %u",
        hours, ip_address_format(&one->key.host, host),
        ip_address_format(&one->key.peer, peer),
        one->group_bits - (ip_address_is_v4(&one->key.peer) ? 96 : 0),
        one->key.service_port, one->key.protocol, one->key.initiator);

    contact_group_begin(group, &one->key);
    return contact_reader_run(search->run->conn, from, "c.hour", 0, on_group_hour,
                              group, error);
}

/* A verdict on one peer and one day, which can teach what is usual. */
static bool
is_lesson(const BeaconCandidate *one, int64_t now_us)
{
    return one->group_bits == 128 && now_us - one->from_us == SHORT_WINDOW_US;
}

static bool
raise_all(Search *search, GError **error)
{
    for (guint i = 0; i < search->to_raise->len; i++) {
        if (!incident_raise(search->run->conn, search->to_raise->pdata[i],
                            search->run->now_us, NULL, error))
            return false;
    }
    search->run->n_findings += search->to_raise->len;
    g_ptr_array_set_size(search->to_raise, 0);
    return true;
}

/* Takes @finding. */
static bool
record(Search *search, const BeaconCandidate *one, Finding *finding, GError **error)
{
    JobRun *run = search->run;
    g_autoptr(Finding) taken = finding;
    const bool sparse = run->now_us - one->from_us > SHORT_WINDOW_US;

    if (!beacon_rows_add(run->conn, finding, sparse, run->now_us, error))
        return false;
    if (is_lesson(one, run->now_us) &&
        !beacon_rows_learn(run->conn, finding, LEARN_EVIDENCE, run->now_us, error))
        return false;
    if (finding->severity == FINDING_LISTED)
        return true;
    g_ptr_array_add(search->to_raise, g_steal_pointer(&taken));
    return search->to_raise->len < MAX_TO_RAISE || raise_all(search, error);
}

static bool
judge(Search *search, const BeaconContext *contexts, guint index, ContactGroup *group,
      GError **error)
{
    const BeaconCandidate *one =
        &g_array_index(search->candidates, BeaconCandidate, index);

    if (!read_group(search, one, group, error))
        return false;

    BeaconPolicy policy = search->policy;
    const Context context =
        beacon_context_of(contexts, index, contact_group_exporter_id(group));
    const ContactSeries series =
        contact_group_series(group, one->from_us, search->run->now_us);

    policy.group_bits = one->group_bits;
    Finding *finding = beacon_judge(&series, &context, &policy);
    return !finding || record(search, one, finding, error);
}

typedef struct {
    Search *search;
    GError **error;
    bool ok;
} LossTelling;

static void
tell_loss(int32_t exporter_id, double share, void *user_data)
{
    LossTelling *telling = user_data;
    g_autofree char *reason = g_strdup_printf(
        "no beacon detection: %.0f %% of the flows of the last 24 hours were lost",
        100 * share);

    telling->ok = telling->ok &&
                  beacon_rows_blind(telling->search->run->conn, exporter_id, reason,
                                    telling->search->run->now_us, telling->error);
}

static bool
judge_all(Search *search, GError **error)
{
    JobRun *run = search->run;
    g_autoptr(BeaconContext) contexts =
        beacon_context_new(run->settings, run->now_us - SHORT_WINDOW_US, run->now_us,
                           search->n_hosts);
    g_autoptr(ContactGroup) group = contact_group_new(run->settings->beacon_max_events);
    LossTelling telling = { search, error, true };

    if (!beacon_context_load(contexts, run->conn, search->candidates, error))
        return false;
    beacon_context_each_loss(contexts, search->policy.max_loss_share, tell_loss,
                             &telling);
    if (!telling.ok)
        return false;
    for (guint i = 0; i < search->candidates->len; i++) {
        if (!go_on(run, error) || !judge(search, contexts, i, group, error))
            return false;
    }
    return true;
}

static bool
tell_dropped(Search *search, GError **error)
{
    if (search->n_dropped == 0)
        return true;

    g_autofree char *reason =
        g_strdup_printf("%" G_GUINT64_FORMAT " of the less regular groups got no "
                        "verdict: there were more than %d",
                        search->n_dropped, MAX_CANDIDATES);
    return beacon_rows_blind(search->run->conn, 0, reason, search->run->now_us, error);
}

static bool
finish(Search *search, GError **error)
{
    JobRun *run = search->run;
    const int64_t stale_us =
        run->now_us - run->settings->beacon_resolve_hours * US_PER_HOUR;

    return tell_dropped(search, error) &&
           beacon_rows_blind_end(run->conn, run->now_us, error) &&
           beacon_rows_tidy(run->conn, MAX_GROUPS, run->now_us, error) &&
           incident_resolve_stale(run->conn, FINDING_BEACON, stale_us, run->now_us,
                                  NULL, error);
}

static bool
search_all(Search *search, GError **error)
{
    JobRun *run = search->run;
    bool due = false;

    if (!beacon_rows_begin(run->conn, false, error) ||
        !scan(search, SHORT_WINDOW_US, 0, error) || !long_is_due(run, &due, error))
        return false;
    if (due && (!beacon_rows_begin(run->conn, true, error) ||
                !scan(search, LONG_WINDOW_US, SPARSE_AN_HOUR, error)))
        return false;
    return judge_all(search, error) && raise_all(search, error) &&
           finish(search, error);
}

static bool
run_beacon(JobRun *run, GError **error)
{
    Search search = { .run = run, .policy = policy_of(run->settings) };
    bool ok;

    if (!db_exec(run->conn, "BEGIN", error))
        return false;
    search.candidates = g_array_new(FALSE, FALSE, sizeof(BeaconCandidate));
    search.to_raise = g_ptr_array_new_with_free_func((GDestroyNotify) finding_free);
    ok = search_all(&search, error);
    g_ptr_array_unref(search.to_raise);
    g_array_unref(search.candidates);
    return ok && db_exec(run->conn, "COMMIT", error);
}

const Job job_beacon = {
    .name = "beacon",
    .help = "Looks for steady calls of watched hosts, and the other way round",
    .period_sec = 600,
    .run = run_beacon,
};
