/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "detect/beacon.h"
#include "recall.h"
#include "recording.h"
#include "scores.h"
#include "sections.h"
#include "table.h"

#define HOUR_US   INT64_C(3600000000)
#define MINUTE_US INT64_C(60000000)

static const struct {
    const char *name;
    const char *watched;
} files[] = {
    { "lab-c2-30s-jitter20.csv", "192.168.99.0/24" },
    { "remcos-rat.csv", "192.168.1.0/24" },
    { "desktop-benign-17h.csv", "192.168.1.0/24" },
    { "internet-server-24h.csv", "64.225.56.201/32" },
};
enum { N_FILES = G_N_ELEMENTS(files), LAB = 0 };

/* Parts of a day in which a channel is alive: so many starts for each length. */
static const double day_hours[] = { 0.5, 1, 2, 4 };
static const double short_hours[] = { 0.5, 1, 2, 3, 4 };
#define HISTORY_US (14 * 24 * HOUR_US)

/* Judging is not followed further after a first contact. */
enum { MOST_MINUTES = 180 };

enum { N_DAY_STARTS = 53, N_SHORT_STARTS = 54 };
#define ALERT_BUDGET 0.05

/* Rank of a pair among others: 1 + how many have its score or more. */
static unsigned
rank_of(const GPtrArray *pairs, const TrafficPair *wanted, ScoresKind kind)
{
    double own[SCORES_N], scores[SCORES_N];
    unsigned rank = 1;

    scores_of(&wanted->series, own);
    for (guint i = 0; i < pairs->len; i++) {
        const TrafficPair *pair = g_ptr_array_index(pairs, i);

        if (pair == wanted)
            continue;
        scores_of(&pair->series, scores);
        rank += scores[kind] >= own[kind];
    }
    return rank;
}

typedef struct {
    unsigned n[FINDING_MAIL + 1]; /* findings, by severity */
    unsigned n_benign_mails;      /* on pairs that are not hostile */
    double host_days;             /* of watched hosts */
    unsigned n_rita;              /* pairs with the 0.75 that RITA calls low */
} Alerts;

static Alerts
judge_all(const Recording *recording)
{
    double days = (double) (recording->to_us - recording->from_us) / (24.0 * HOUR_US);
    Alerts alerts = { 0 };

    for (guint i = 0; i < recording->outbound->len; i++) {
        const TrafficPair *pair = g_ptr_array_index(recording->outbound, i);
        Context context = recording_context(recording, pair);
        g_autoptr(Finding) finding =
            beacon_judge(&pair->series, &context, &BEACON_POLICY_DEFAULT);
        double scores[SCORES_N];

        scores_of(&pair->series, scores);
        alerts.n_rita += scores[SCORES_RITA] >= 0.75;
        alerts.host_days = context.n_hosts * days;
        if (finding) {
            alerts.n[finding->severity]++;
            alerts.n_benign_mails +=
                finding->severity == FINDING_MAIL && !pair->is_hostile;
        }
    }
    return alerts;
}

/* Adds what it counts to @sum. */
static void
add_file(const Recording *recording, Table *table, Alerts *sum)
{
    const TrafficPair *hostile = recording_hostile(recording->outbound);
    g_autoptr(GString) ranks = g_string_new(NULL);
    Alerts alerts = judge_all(recording);

    sum->n_benign_mails += alerts.n_benign_mails;
    sum->host_days += alerts.host_days;
    for (ScoresKind kind = 0; kind < SCORES_N; kind++)
        if (hostile)
            g_string_append_printf(ranks, "|%u",
                                   rank_of(recording->outbound, hostile, kind));
        else
            g_string_append(ranks, "|-");
    table_row(table, "%s|%.1f|%u%s|%u|%u|%u|%u", recording->name,
              (double) (recording->to_us - recording->from_us) / HOUR_US,
              recording->outbound->len, ranks->str, alerts.n_rita,
              alerts.n[FINDING_MAIL], alerts.n[FINDING_DIGEST],
              alerts.n[FINDING_LISTED]);
    sections_progress("%s", recording->name);
}

/* How long after its first contact a channel is mailed, when judged every minute from
 * then on with a day's window, and the HISTORY_US before are known not to have had it;
 * -1 = not within @most_minutes. */
static int
minutes_to_mail(const Recording *recording, const TrafficPair *hostile,
                int most_minutes)
{
    const ContactEvent *events = hostile->series.events;
    Context context = recording_context(recording, hostile);

    context.history_from_us = events[0].start_us - HISTORY_US;
    for (int minutes = 1; minutes <= most_minutes; minutes++) {
        int64_t to_us = events[0].start_us + minutes * MINUTE_US;
        ContactSeries seen = hostile->series;
        g_autoptr(Finding) finding = NULL;

        seen.n_events = 0;
        while (seen.n_events < hostile->series.n_events &&
               events[seen.n_events].start_us < to_us)
            seen.n_events++;
        seen.n_sessions = seen.n_events;
        seen.from_us = to_us - 24 * HOUR_US;
        seen.to_us = to_us;
        finding = beacon_judge(&seen, &context, &BEACON_POLICY_DEFAULT);
        if (finding && finding->severity == FINDING_MAIL)
            return minutes;
    }
    return -1;
}

static void
add_minutes(const Recording *recording, const TrafficPair *hostile, GString *out)
{
    int minutes = minutes_to_mail(recording, hostile, MOST_MINUTES);

    if (minutes < 0)
        g_string_append_printf(out,
                               "\nNot mailed within %d minutes of its first contact, "
                               "judged every minute after 14 days without it.\n",
                               MOST_MINUTES);
    else
        g_string_append_printf(out,
                               "\nMailed %d minutes after its first contact, when "
                               "judged every minute after 14 days without it.\n",
                               minutes);
}

/* What is said of the true pair: the sentence and its terms. */
static void
add_terms(const Recording *recording, GString *out)
{
    const TrafficPair *hostile = recording_hostile(recording->outbound);
    g_autoptr(Finding) finding = NULL;
    Context context;

    if (hostile == NULL)
        return;
    context = recording_context(recording, hostile);
    finding = beacon_judge(&hostile->series, &context, &BEACON_POLICY_DEFAULT);
    if (finding == NULL) {
        g_string_append_printf(out, "\n%s: no finding.\n", recording->name);
        return;
    }
    g_string_append_printf(out, "\n%s: %.0f points, %s. %s\n\n", recording->name,
                           finding->score, finding_severity_name(finding->severity),
                           finding->explanation);
    for (size_t i = 0; i < finding->n_terms; i++)
        g_string_append_printf(out, "- %s %.1f: %s\n", finding->terms[i].name,
                               finding->terms[i].points, finding->terms[i].why);
    add_minutes(recording, hostile, out);
}

/* The contacts of @whole in a part of its window, which stays the window. */
static TrafficPair *
alive_in(const TrafficPair *whole, int64_t from_us, int64_t to_us)
{
    TrafficPair *part = g_new0(TrafficPair, 1);

    part->series = whole->series;
    part->events = g_array_new(FALSE, FALSE, sizeof(ContactEvent));
    part->series.out_octets = 0;
    for (size_t i = 0; i < whole->series.n_events; i++) {
        ContactEvent event = whole->series.events[i];

        if (event.start_us < from_us || event.start_us >= to_us)
            continue;
        g_array_append_val(part->events, event);
        part->series.out_octets += event.out_octets;
    }
    part->series.events = (const ContactEvent *) (const void *) part->events->data;
    part->series.n_events = part->series.n_sessions = part->events->len;
    return part;
}

/* The cuts that a budget of alerts on benign pairs gives. */
static size_t
budget_cuts(const Recording *recordings, double cuts[SCORES_N])
{
    g_autoptr(GArray) scores = g_array_new(FALSE, FALSE, SCORES_N * sizeof(double));
    g_autofree double *values = NULL;

    for (size_t i = 0; i < N_FILES; i++) {
        const GPtrArray *pairs = recordings[i].outbound;

        for (guint k = 0; pairs && k < pairs->len; k++) {
            const TrafficPair *pair = g_ptr_array_index(pairs, k);
            double own[SCORES_N];

            if (pair->is_hostile)
                continue;
            scores_of(&pair->series, own);
            g_array_append_vals(scores, own, 1);
        }
    }
    values = g_new(double, scores->len + 1);
    for (ScoresKind kind = 0; kind < SCORES_N; kind++) {
        const double *all = (const double *) (const void *) scores->data;

        for (guint i = 0; i < scores->len; i++)
            values[i] = all[i * SCORES_N + kind];
        cuts[kind] = recall_cut(values, scores->len, ALERT_BUDGET);
    }
    return scores->len;
}

static int64_t
start_us(const Recording *recording, size_t i, size_t n, double hours)
{
    double free_us =
        (double) (recording->to_us - recording->from_us) - hours * (double) HOUR_US;

    return recording->from_us + (int64_t) (free_us * (double) i / (double) (n - 1));
}

static void
add_counts(Table *table, const char *name, const size_t n_found[SCORES_N], size_t n,
           const char *wanted)
{
    char text[SCORES_N][TABLE_RECALL_BYTES];

    for (ScoresKind kind = 0; kind < SCORES_N; kind++)
        table_recall(recall_of(n_found[kind], n), text[kind]);
    table_row(table, "%s|%zu|%zu = %s|%zu = %s|%zu = %s|%zu = %s|%s", name, n,
              n_found[SCORES_RITA], text[SCORES_RITA], n_found[SCORES_RITA_TIMING],
              text[SCORES_RITA_TIMING], n_found[SCORES_FLOWKEEP_TIMING],
              text[SCORES_FLOWKEEP_TIMING], n_found[SCORES_FLOWKEEP],
              text[SCORES_FLOWKEEP], wanted);
    sections_progress("%s: %s, RITA %s", name, text[SCORES_FLOWKEEP],
                      text[SCORES_RITA]);
}

static void
add_budget(const Recording *recordings, Table *table)
{
    const Recording *lab = &recordings[LAB];
    const TrafficPair *hostile = recording_hostile(lab->outbound);
    size_t n_found[SCORES_N] = { 0 }, n = 0, n_benign;
    double cuts[SCORES_N], scores[SCORES_N];
    g_autofree char *name = NULL;

    n_benign = budget_cuts(recordings, cuts);
    for (size_t i = 0; i < N_DAY_STARTS * G_N_ELEMENTS(day_hours); i++) {
        double hours = day_hours[i / N_DAY_STARTS];
        int64_t from_us = start_us(lab, i % N_DAY_STARTS, N_DAY_STARTS, hours);
        TrafficPair *part =
            alive_in(hostile, from_us, from_us + (int64_t) (hours * HOUR_US));

        scores_of(&part->series, scores);
        for (ScoresKind kind = 0; kind < SCORES_N; kind++)
            n_found[kind] += scores[kind] > cuts[kind];
        n++;
        g_array_unref(part->events);
        g_free(part);
    }
    name =
        g_strdup_printf("alive 0.5-4 h within the day, above 95 %% of %zu benign pairs",
                        n_benign);
    add_counts(table, name, n_found, n, ">= 85 %");
}

/* Both are given a short window only: is the true pair the first of its host's? */
static void
add_short(const Recording *lab, Table *table)
{
    const IpAddress host = recording_hostile(lab->outbound)->series.key.host;
    size_t n_first[SCORES_N] = { 0 }, n = 0;

    for (size_t i = 0; i < N_SHORT_STARTS * G_N_ELEMENTS(short_hours); i++) {
        double hours = short_hours[i / N_SHORT_STARTS];
        int64_t from_us = start_us(lab, i % N_SHORT_STARTS, N_SHORT_STARTS, hours);
        g_autoptr(GPtrArray) pairs =
            recording_outbound(lab, from_us, from_us + (int64_t) (hours * HOUR_US));
        const TrafficPair *hostile = recording_hostile(pairs);

        for (guint k = pairs->len; k-- > 0;)
            if (!ip_address_equal(
                    &((TrafficPair *) g_ptr_array_index(pairs, k))->series.key.host,
                    &host))
                g_ptr_array_remove_index_fast(pairs, k);
        for (ScoresKind kind = 0; kind < SCORES_N; kind++)
            n_first[kind] += hostile && rank_of(pairs, hostile, kind) == 1;
        n++;
    }
    add_counts(table, "given only 0.5-4 h: first of its host's pairs", n_first, n,
               ">= 250 of 270");
}

static void
write_files(const Recording *recordings, GString *out)
{
    g_autoptr(Table) table =
        table_new("file|>hours|>pairs|>rank by RITA total|>RITA timing|>Flowkeep|"
                  ">Flowkeep timing|>RITA >= 0.75|>mail|>digest|>listed");
    Alerts sum = { 0 };

    for (size_t i = 0; i < N_FILES; i++)
        if (recordings[i].sessions)
            add_file(&recordings[i], table, &sum);
        else
            g_string_append_printf(out, "%s is not there: skipped.\n\n", files[i].name);
    table_write(table, out);
    if (sum.host_days > 0)
        g_string_append_printf(out,
                               "\nMails on benign pairs: %u in %.1f days of watched "
                               "hosts, %.2f a host and day (wanted: at most 1).\n",
                               sum.n_benign_mails, sum.host_days,
                               sum.n_benign_mails / sum.host_days);
    for (size_t i = 0; i < N_FILES; i++)
        if (recordings[i].sessions)
            add_terms(&recordings[i], out);
}

static void
write_windows(const Recording *recordings, GString *out)
{
    g_autoptr(Table) table =
        table_new("the lab's channel|>windows|>RITA total|"
                  ">RITA timing|>Flowkeep timing|>Flowkeep|wanted");

    add_budget(recordings, table);
    add_short(&recordings[LAB], table);
    g_string_append(out, "\nThe true pair of the lab, in parts of its day:\n\n");
    table_write(table, out);
}

bool
section_traffic_run(const Plan *plan, GString *out, GError **error)
{
    Recording recordings[N_FILES] = { 0 };
    bool good = true;

    for (size_t i = 0; i < N_FILES && good; i++)
        good = recording_load(&recordings[i], plan->traffic_folder, files[i].name,
                              files[i].watched, error);
    if (good) {
        g_string_append(
            out,
            "Development data. Outbound pairs with four contacts and more, in the "
            "last 24 h of each file. Context is what the file itself tells: who "
            "else talks to the peer; no history, nothing configured. Mail, digest "
            "and listed are findings by severity. Equal scores rank before the true "
            "pair.\n\n");
        write_files(recordings, out);
        if (recordings[LAB].sessions && recording_hostile(recordings[LAB].outbound))
            write_windows(recordings, out);
    }
    for (size_t i = 0; i < N_FILES; i++)
        recording_clear(&recordings[i]);
    return good;
}
