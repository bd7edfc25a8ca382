/* SPDX-License-Identifier: Apache-2.0 */

/* Job exfil: the last 24 hours of contact_hour, network by network, against what is
 * usual for each watched host (tables baseline, peer_known, peer_day).
 *
 * A step is one transaction: it reads, judges, raises incidents, and moves the
 * watermark (housekeeping, task exfil).  A job that was away takes steps of twelve
 * hours until it is at the present, so that no hour goes unseen; it looks back at most
 * 31 days.  Days that the job baseline has not settled yet are read from contact_hour,
 * so that sums do not depend on when that job ran. */

#include "job-exfil.h"

#include <inttypes.h>
#include <math.h>

#include "alert/incident.h"
#include "baseline-rows.h"
#include "clock.h"
#include "db.h"
#include "detect/exfil-case.h"
#include "detect/exfil.h"
#include "row-cursor.h"

#define STEP_US       (12 * EXFIL_HOUR_US)
#define MAX_BACK_DAYS 31
#define MAX_FINDINGS  10000 /* of a step; more would be no news to anybody */
#define MAX_STARTS    CONTACT_MAX_STARTS_AN_HOUR

/* Rows smaller than this hold no upload to speak of. */
#define STARTS_OCTETS  "262144"
#define STARTS_LONG_MS "600000"

typedef struct {
    JobRun *run;
    int64_t now_us;
    int64_t from_us; /* rows are read from here: the start of a day */
    ExfilPolicy policy;
    ExfilWindow *window;
    uint32_t n_hosts; /* watched ones with traffic */
    bool is_open;     /* window has a host */
    GPtrArray *findings;
    int64_t starts[MAX_STARTS];
    int64_t octets[MAX_STARTS];
    ContactEvent events[MAX_STARTS];
} Step;

static ExfilPolicy
policy_of(const AnalyticsSettings *settings)
{
    ExfilPolicy policy = EXFIL_POLICY_DEFAULT;

    policy.mail_points = settings->exfil_mail_score;
    policy.digest_points = settings->exfil_digest_score;
    policy.new_peer_octets = settings->exfil_new_peer_octets;
    policy.any_peer_octets = settings->exfil_any_peer_octets;
    policy.drip_octets = settings->exfil_drip_octets;
    policy.session_octets = settings->exfil_session_octets;
    policy.role_flip_octets = settings->exfil_role_flip_octets;
    policy.warm_up_days = settings->exfil_warm_up_days;
    return policy;
}

/* --- what is known of a network besides the window --- */

static bool
read_days(Step *self, ExfilGroup *group, const char *host, const char *network,
          GError **error)
{
    static const char doing[] = "reading peer_day";
    const int64_t today = self->now_us / EXFIL_DAY_US;
    g_autofree char *from = baseline_rows_time(self->from_us);
    const char *const params[] = { host, network, from };
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(PGresult) result = row_cursor_query(
        self->run->conn, doing,
        "SELECT d.day::timestamp AT TIME ZONE 'UTC', d.first_hour, d.out_octets,"
        " d.in_octets, d.served_out_octets, d.served_in_octets"
        " FROM flowkeep.peer_day AS d"
        " WHERE d.host = $1::inet AND d.network = $2::cidr"
        " AND d.day < ($3::timestamptz AT TIME ZONE 'UTC')::date",
        3, params, error);

    if (!result)
        return false;
    for (int i = 0; i < PQntuples(result); i++) {
        Reader row = row_cursor_row(result, i, bytes);
        int64_t day_us;
        int64_t first_us;
        ExfilSum sum;
        ExfilSum served;

        if (!copy_reader_time(&row, &day_us) || !copy_reader_time(&row, &first_us) ||
            !copy_reader_uint(&row, &sum.out_octets) ||
            !copy_reader_uint(&row, &sum.in_octets) ||
            !copy_reader_uint(&row, &served.out_octets) ||
            !copy_reader_uint(&row, &served.in_octets))
            return copy_reader_refuse(doing, error);

        const int64_t back = today - day_us / EXFIL_DAY_US;
        group->pair_first_us = MIN(group->pair_first_us, first_us);
        if (back > 0 && back < EXFIL_DAYS) {
            group->days[back] = sum;
            group->served[back] = served;
        }
    }
    return true;
}

/* Enough to tell rare from common. */
#define RARITY_LIMIT "1000"

static bool
read_rarity(Step *self, Context *context, const char *host, const char *network,
            GError **error)
{
    g_autofree char *from = baseline_rows_time(self->from_us);
    g_autofree char *until = baseline_rows_time(self->now_us);
    const char *const params[] = { host, network, from, until };
    g_autoptr(PGresult) result = db_query(
        self->run->conn, "counting the hosts of a network",
        "SELECT count(*) FROM ("
        " (SELECT k.host FROM flowkeep.peer_known AS k"
        "   WHERE k.network = $2::cidr AND k.host <> $1::inet LIMIT " RARITY_LIMIT ")"
        " UNION"
        " (SELECT c.host FROM flowkeep.contact_hour AS c"
        "   WHERE c.peer <<= $2::cidr AND c.host <> $1::inet"
        "     AND c.hour >= $3::timestamptz AND c.hour <= $4::timestamptz"
        "   LIMIT " RARITY_LIMIT ")) AS other (host)",
        4, params, error);

    if (!result)
        return false;
    context->n_hosts_of_peer_net =
        1 + (uint32_t) g_ascii_strtoull(PQgetvalue(result, 0, 0), NULL, 10);
    context->n_hosts = MAX(self->n_hosts, context->n_hosts_of_peer_net);
    return true;
}

/* A slow transfer is seen in its weeks, not in its last day. */
static bool
read_month(Step *self, const ExfilBaseline *baseline, const char *host,
           const char *network, Finding *finding, GError **error)
{
    static const char doing[] = "reading the hours of a network";
    const int64_t from_us = finding->from_us - finding->from_us % EXFIL_HOUR_US;
    const size_t n_hours = (size_t) CLAMP((self->now_us - from_us) / EXFIL_HOUR_US + 1,
                                          1, FINDING_MAX_HOURS);
    g_autofree char *from = baseline_rows_time(from_us);
    g_autofree char *until = baseline_rows_time(self->now_us);
    const char *const params[] = { host, network, from, until };
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(PGresult) result = row_cursor_query(
        self->run->conn, doing,
        "SELECT c.hour,"
        " least(greatest(sum(c.out_octets), 0), 9223372036854775807)::bigint,"
        " least(greatest(sum(c.in_octets), 0), 9223372036854775807)::bigint"
        " FROM flowkeep.contact_hour AS c"
        " WHERE c.host = $1::inet AND c.peer <<= $2::cidr"
        " AND c.hour >= $3::timestamptz AND c.hour <= $4::timestamptz GROUP BY c.hour",
        4, params, error);

    if (!result)
        return false;
    g_free(finding->hours);
    finding->hours = g_new0(FindingHour, n_hours);
    finding->n_hours = n_hours;
    exfil_case_band(baseline, true, from_us, finding->hours, n_hours);
    for (int i = 0; i < PQntuples(result); i++) {
        Reader row = row_cursor_row(result, i, bytes);
        int64_t hour_us;
        ExfilSum sum;

        if (!copy_reader_time(&row, &hour_us) ||
            !copy_reader_uint(&row, &sum.out_octets) ||
            !copy_reader_uint(&row, &sum.in_octets))
            return copy_reader_refuse(doing, error);

        const int64_t at = (hour_us - from_us) / EXFIL_HOUR_US;
        if (at >= 0 && at < (int64_t) n_hours) {
            finding->hours[at].out_octets = sum.out_octets;
            finding->hours[at].in_octets = sum.in_octets;
        }
    }
    return true;
}

static bool
judge_group(Step *self, ExfilGroup *group, const ExfilBaseline *baseline,
            GError **error)
{
    Context context = { .host_initiated_share = baseline->initiated_share,
                        .host_new_nets_a_day = baseline->networks_a_day };
    char host[IP_ADDRESS_TEXT_BYTES];
    g_autofree char *network = baseline_rows_network(&group->network, group->bits);

    ip_address_format(&self->window->host, host);
    if (!read_days(self, group, host, network, error) ||
        !read_rarity(self, &context, host, network, error))
        return false;

    g_autoptr(Finding) finding =
        exfil_judge(self->window, group, baseline, &context, &self->policy);
    if (!finding || self->findings->len == MAX_FINDINGS)
        return true;
    if (g_str_equal(finding->rule, "drip") &&
        !read_month(self, baseline, host, network, finding, error))
        return false;
    g_ptr_array_add(self->findings, g_steal_pointer(&finding));
    return true;
}

static bool
end_host(Step *self, GError **error)
{
    ExfilBaseline baseline;

    if (!self->is_open)
        return true;
    exfil_window_end(self->window);
    self->is_open = false;
    if (self->window->n_groups == 0)
        return true;
    if (!baseline_rows_read(self->run->conn, &self->window->host, &baseline, error))
        return false;
    for (size_t i = 0; i < self->window->n_groups; i++) {
        if (!judge_group(self, self->window->groups[i], &baseline, error))
            return false;
    }
    return true;
}

/* --- rows --- */

/* Leaves events empty where the row has none. */
static void
read_events(Step *self, Reader *row, ExfilRow *contact)
{
    size_t n_starts = 0;
    size_t n_octets = 0;
    const bool has_starts = copy_reader_ints(row, self->starts, MAX_STARTS, &n_starts);
    const bool has_octets = copy_reader_ints(row, self->octets, MAX_STARTS, &n_octets);

    if (!has_starts || !has_octets)
        return;
    contact->n_events = MIN(MIN(n_starts, n_octets), MAX_STARTS);
    for (size_t i = 0; i < contact->n_events; i++)
        self->events[i] =
            (ContactEvent){ contact->hour_us + self->starts[i] * US_PER_MS,
                            (uint64_t) MAX(self->octets[i], 0) };
    contact->events = self->events;
}

static bool
read_row(Step *self, Reader *row, ExfilRow *contact)
{
    uint64_t port;
    uint64_t protocol;
    uint64_t initiator;

    *contact = (ExfilRow){ 0 };
    if (!copy_reader_time(row, &contact->hour_us) ||
        !copy_reader_inet(row, &contact->key.host) ||
        !copy_reader_inet(row, &contact->key.peer) || !copy_reader_uint(row, &port) ||
        !copy_reader_uint(row, &protocol) || !copy_reader_uint(row, &initiator) ||
        !copy_reader_uint(row, &contact->n_sessions) ||
        !copy_reader_uint(row, &contact->out_octets) ||
        !copy_reader_uint(row, &contact->in_octets) ||
        !copy_reader_uint(row, &contact->out_packets))
        return false;
    contact->key.service_port = (uint16_t) port;
    contact->key.protocol = (uint8_t) protocol;
    contact->key.initiator = (uint8_t) initiator;
    read_events(self, row, contact);
    copy_reader_uint(row, &contact->usual_octets);
    copy_reader_bool(row, &contact->may_drip);
    contact->is_infrastructure =
        baseline_rows_is_service(self->run->settings, &contact->key);
    return true;
}

static bool
judge_rows(Step *self, RowCursor *rows, GError **error)
{
    g_autoptr(GError) local = NULL;
    ExfilRow contact;
    Reader row;

    while (row_cursor_next(rows, &row, &local)) {
        self->run->n_rows_read++;
        if (!read_row(self, &row, &contact))
            return copy_reader_refuse("reading contacts", error);
        if (self->is_open &&
            !ip_address_equal(&self->window->host, &contact.key.host) &&
            !end_host(self, error))
            return false;
        if (!self->is_open)
            exfil_window_begin(self->window, &contact.key.host);
        self->is_open = true;
        exfil_window_add(self->window, &contact);
    }
    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    return end_host(self, error);
}

/* Observed values cannot be negative; should one be, it is no reason to stop. */
static const char rows_sql[] =
    "SELECT c.hour, c.host, c.peer, greatest(c.service_port, 0),"
    " greatest(c.protocol, 0), greatest(c.initiator, 0), greatest(c.sessions, 0),"
    " greatest(c.out_octets, 0), greatest(c.in_octets, 0),"
    " greatest(c.out_packets, 0),"
    " CASE WHEN c.out_octets >= " STARTS_OCTETS " OR c.longest_ms >= " STARTS_LONG_MS
    " THEN c.starts END,"
    " CASE WHEN c.out_octets >= " STARTS_OCTETS " OR c.longest_ms >= " STARTS_LONG_MS
    " THEN c.start_octets END,"
    " k.usual_octets, k.may_drip"
    " FROM flowkeep.contact_hour AS c"
    " LEFT JOIN flowkeep.peer_known AS k ON k.host = c.host AND k.network ="
    " network(set_masklen(c.peer, CASE family(c.peer) WHEN 4 THEN 20 ELSE 48 END))"
    " WHERE c.hour >= $1::timestamptz AND c.hour <= $2::timestamptz"
    " AND NOT EXISTS (SELECT FROM flowkeep.watch_network AS w"
    " WHERE c.peer <<= w.network)"
    " ORDER BY c.host, c.peer";

static bool
judge_all(Step *self, GError **error)
{
    g_autofree char *from = baseline_rows_time(self->from_us);
    g_autofree char *until = baseline_rows_time(self->now_us);
    const char *const params[] = { from, until };
    g_autoptr(RowCursor) rows =
        row_cursor_open(self->run->conn, "contacts", "reading contacts", rows_sql, 2,
                        params, error);

    return rows && judge_rows(self, rows, error);
}

/* --- a step --- */

static bool
raise_all(Step *self, GError **error)
{
    const int64_t stale_us =
        self->now_us - self->run->settings->exfil_resolve_hours * EXFIL_HOUR_US;
    PGconn *conn = self->run->conn;

    for (guint i = 0; i < self->findings->len; i++) {
        if (!incident_raise(conn, self->findings->pdata[i], self->now_us, NULL, error))
            return false;
        self->run->n_findings++;
    }
    return incident_resolve_stale(conn, FINDING_EXFIL, stale_us, self->now_us, NULL,
                                  error);
}

/* Where rows are read from, and how many hosts there are. */
static bool
prepare(Step *self, GError **error)
{
    const int64_t day_us = exfil_window_from_us(self->now_us) / EXFIL_DAY_US;
    const int64_t oldest_us =
        MAX((self->now_us / EXFIL_DAY_US - MAX_BACK_DAYS) * EXFIL_DAY_US, 0);
    g_autofree char *from = baseline_rows_time(exfil_window_from_us(self->now_us));
    g_autofree char *until = baseline_rows_time(self->now_us);
    const char *const params[] = { from, until };
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(PGresult) result = row_cursor_query(
        self->run->conn, "preparing",
        "SELECT (SELECT h.done_until FROM flowkeep.housekeeping AS h"
        " WHERE h.task = 'baseline'),"
        " greatest((SELECT count(*) FROM flowkeep.baseline AS b),"
        " (SELECT count(DISTINCT c.host) FROM flowkeep.contact_hour AS c"
        " WHERE c.hour >= $1::timestamptz AND c.hour <= $2::timestamptz))",
        2, params, error);
    int64_t settled_us = 0;
    uint64_t n_hosts = 0;

    if (!result)
        return false;
    Reader row = row_cursor_row(result, 0, bytes);
    copy_reader_time(&row, &settled_us);
    copy_reader_uint(&row, &n_hosts);
    self->n_hosts = (uint32_t) MIN(n_hosts, UINT32_MAX);
    self->from_us = CLAMP(settled_us, oldest_us, MAX(day_us * EXFIL_DAY_US, oldest_us));
    return true;
}

static bool
take_step(JobRun *run, int64_t now_us, GError **error)
{
    g_autoptr(GPtrArray) findings =
        g_ptr_array_new_with_free_func((GDestroyNotify) finding_free);
    g_autofree Step *self = g_new0(Step, 1);
    g_autofree ExfilWindow *window = g_new0(ExfilWindow, 1);
    g_autofree char *until = baseline_rows_time(now_us);
    const char *const params[] = { until };

    self->run = run;
    self->now_us = now_us;
    self->policy = policy_of(run->settings);
    self->findings = findings;
    self->window = window;
    exfil_window_for(window, now_us, &self->policy);

    /* Sorting two days of contacts; the server gives it back at the end. */
    bool ok =
        db_exec(run->conn, "BEGIN; SET LOCAL work_mem = '64MB'; SET LOCAL jit = off",
                error) &&
        prepare(self, error) && judge_all(self, error) && raise_all(self, error);
    exfil_window_clear(window);
    if (!ok)
        return false;

    g_autoptr(PGresult) result =
        db_query(run->conn, "moving the watermark",
                 "INSERT INTO flowkeep.housekeeping AS h (task, done_until)"
                 " VALUES ('exfil', $1) ON CONFLICT (task) DO UPDATE"
                 " SET done_until = greatest(h.done_until, excluded.done_until),"
                 " updated_at = clock_timestamp()",
                 1, params, error);
    run->until_us = now_us;
    return result && db_exec(run->conn, "COMMIT", error);
}

/* Where the job has been.  A first run looks at the present only: of what was before,
 * nobody can say what was usual then. */
static bool
find_start(JobRun *run, int64_t *done_us, GError **error)
{
    g_autofree char *oldest =
        baseline_rows_time(MAX(run->now_us - MAX_BACK_DAYS * EXFIL_DAY_US, 0));
    const char *const params[] = { oldest };
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(PGresult) result =
        row_cursor_query(run->conn, "reading the watermark",
                         "SELECT greatest(h.done_until, $1::timestamptz)"
                         " FROM flowkeep.housekeeping AS h WHERE h.task = 'exfil'",
                         1, params, error);

    if (!result)
        return false;
    *done_us = run->now_us;
    if (PQntuples(result) > 0) {
        Reader row = row_cursor_row(result, 0, bytes);
        copy_reader_time(&row, done_us);
    }
    return true;
}

static bool
run_exfil(JobRun *run, GError **error)
{
    int64_t at_us;

    if (!find_start(run, &at_us, error))
        return false;
    do {
        at_us = at_us >= run->now_us - STEP_US ? run->now_us : at_us + STEP_US;
        if (!take_step(run, at_us, error))
            return false;
    } while (at_us < run->now_us && !job_should_stop(run));
    return true;
}

const Job job_exfil = {
    .name = "exfil",
    .help = "Looks for volumes that watched hosts should not send.",
    .period_sec = 300,
    .run = run_exfil,
};
