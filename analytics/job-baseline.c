/* SPDX-License-Identifier: Apache-2.0 */

/* Job baseline: days of contact_hour become host_day and peer_day, and 60 of these
 * what is usual (baseline, peer_known).
 *
 * A day is settled some hours after it ended, and again with each of the next two, for
 * what came late; days that an import touched are settled again, too.  Each day is a
 * transaction of its own that moves the watermark (housekeeping, task baseline); what
 * is learned is another (task baseline_learned).  Most runs find nothing to do. */

#include "job-baseline.h"

#include <inttypes.h>

#include "baseline-rows.h"
#include "clock.h"
#include "db.h"
#include "row-cursor.h"

#define SETTLE_AFTER_US (6 * EXFIL_HOUR_US)
#define AGAIN_DAYS      2
#define BATCH_ROWS      1000

/* What a run works with. */
typedef struct {
    JobRun *run;
    int64_t today_us; /* days before it are settled */
    ExfilLearn *learn;
    RowCursor *networks; /* rows of peer_day ... */
    Reader network_row;  /* ... of which this is the next */
    bool has_network;
    IpAddress network_host;
    GString *known; /* rows for peer_known */
    unsigned n_known;
} Learning;

/* Microseconds of a query that gives one timestamp; 0 = null or no row. */
static bool
read_time(PGconn *conn, const char *doing, const char *sql, int n_params,
          const char *const *params, int64_t *unix_us, GError **error)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(PGresult) result =
        row_cursor_query(conn, doing, sql, n_params, params, error);

    if (!result)
        return false;
    *unix_us = 0;
    if (PQntuples(result) > 0) {
        Reader row = row_cursor_row(result, 0, bytes);
        copy_reader_time(&row, unix_us);
    }
    return true;
}

static bool
read_watermark(PGconn *conn, const char *task, int64_t *unix_us, GError **error)
{
    const char *const params[] = { task };

    return read_time(conn, "reading a watermark",
                     "SELECT h.done_until FROM flowkeep.housekeeping AS h"
                     " WHERE h.task = $1",
                     1, params, unix_us, error);
}

static bool
write_watermark(PGconn *conn, const char *task, int64_t unix_us, GError **error)
{
    g_autofree char *until = baseline_rows_time(unix_us);
    const char *const params[] = { task, until };
    g_autoptr(PGresult) result =
        db_query(conn, "moving a watermark",
                 "INSERT INTO flowkeep.housekeeping AS h (task, done_until)"
                 " VALUES ($1, $2) ON CONFLICT (task) DO UPDATE"
                 " SET done_until = excluded.done_until,"
                 " updated_at = clock_timestamp()",
                 2, params, error);

    return result != NULL;
}

/* --- days --- */

static bool
settle(JobRun *run, int64_t day_us, const BaselineServices *services, GError **error)
{
    g_autofree char *day = baseline_rows_time(day_us);
    const char *const params[] = { day, services->networks, services->ports,
                                   services->protocols };

    if (!db_exec(run->conn, "BEGIN", error))
        return false;

    g_autoptr(PGresult) result = db_query(
        run->conn, "summing up a day",
        "SELECT flowkeep.baseline_settle(($1::timestamptz AT TIME ZONE 'UTC')::date,"
        " $2::cidr[], $3::integer[], $4::integer[])",
        4, params, error);
    if (!result)
        return false;
    run->n_rows_read += g_ascii_strtoull(PQgetvalue(result, 0, 0), NULL, 10);
    return write_watermark(run->conn, "baseline", day_us + EXFIL_DAY_US, error) &&
           db_exec(run->conn, "COMMIT", error);
}

/* The first day to settle: where we stopped, a little earlier for what came late. */
static bool
find_first_day(JobRun *run, int64_t until_us, int64_t *day_us, GError **error)
{
    const int64_t oldest_us = until_us - (EXFIL_DAYS - 1) * EXFIL_DAY_US;
    g_autofree char *oldest = baseline_rows_time(MAX(oldest_us, 0));
    const char *const params[] = { oldest };
    int64_t done_us;
    int64_t imported_us;

    if (!read_watermark(run->conn, "baseline", &done_us, error) ||
        !read_time(run->conn, "looking for imports",
                   "SELECT min(b.from_at) FROM flowkeep.backfill AS b"
                   " WHERE b.state = 'done' AND b.updated_at > coalesce("
                   "(SELECT h.updated_at FROM flowkeep.housekeeping AS h"
                   " WHERE h.task = 'baseline_learned'), '-infinity')",
                   0, NULL, &imported_us, error))
        return false;
    if (done_us == 0)
        return read_time(run->conn, "looking for the first contact",
                         "SELECT date_trunc('day', min(c.hour), 'UTC')"
                         " FROM flowkeep.contact_hour AS c"
                         " WHERE c.hour >= $1::timestamptz",
                         1, params, day_us, error);

    *day_us = done_us;
    if (done_us < until_us)
        *day_us -= AGAIN_DAYS * EXFIL_DAY_US;
    /* A session that is received may have begun the day before. */
    if (imported_us > 0)
        *day_us = MIN(*day_us, imported_us - EXFIL_DAY_US);
    *day_us = MAX(*day_us, MAX(oldest_us, 0));
    *day_us -= *day_us % EXFIL_DAY_US;
    return true;
}

static bool
settle_days(JobRun *run, int64_t until_us, bool *is_done, GError **error)
{
    g_auto(BaselineServices) services = { 0 };
    int64_t day_us;

    *is_done = false;
    baseline_rows_services(run->settings, &services);
    if (!find_first_day(run, until_us, &day_us, error))
        return false;
    if (day_us == 0)
        return true;
    for (; day_us < until_us; day_us += EXFIL_DAY_US) {
        if (job_should_stop(run))
            return true;
        if (!settle(run, day_us, &services, error))
            return false;
    }
    *is_done = true;
    return true;
}

/* --- what is learned --- */

/* As the server sorts inet. */
static int
compare_hosts(const IpAddress *a, const IpAddress *b)
{
    const bool a_is_v4 = ip_address_is_v4(a);

    if (a_is_v4 != ip_address_is_v4(b))
        return a_is_v4 ? -1 : 1;
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static bool
read_host_day(Reader *row, IpAddress *host, ExfilHostDay *day)
{
    int64_t octets[24] = { 0 };
    int64_t published[EXFIL_MAX_PUBLISHED];
    uint64_t n_networks;
    size_t n;

    if (!copy_reader_inet(row, host) || !copy_reader_time(row, &day->day_us) ||
        !copy_reader_uint(row, &day->sum.out_octets) ||
        !copy_reader_uint(row, &day->sum.in_octets) ||
        !copy_reader_ints(row, octets, 24, &n) ||
        !copy_reader_uint(row, &day->n_sessions) ||
        !copy_reader_uint(row, &day->n_called) || !copy_reader_uint(row, &n_networks) ||
        !copy_reader_ints(row, published, EXFIL_MAX_PUBLISHED, &day->n_published))
        return false;
    for (size_t i = 0; i < 24; i++)
        day->hour_octets[i] = (uint64_t) MAX(octets[i], 0);
    day->n_networks = (uint32_t) n_networks;
    day->n_published = MIN(day->n_published, EXFIL_MAX_PUBLISHED);
    for (size_t i = 0; i < day->n_published; i++)
        day->published[i] = (uint32_t) published[i];
    return true;
}

/* The next row of peer_day, as far as its host. */
static bool
next_network(Learning *self, GError **error)
{
    g_autoptr(GError) local = NULL;

    self->has_network = row_cursor_next(self->networks, &self->network_row, &local);
    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    if (self->has_network && !copy_reader_inet(&self->network_row, &self->network_host))
        return copy_reader_refuse("reading peer_day", error);
    self->run->n_rows_read += self->has_network;
    return true;
}

static bool
flush_known(Learning *self, GError **error)
{
    if (self->n_known == 0)
        return true;
    g_string_prepend(self->known,
                     "INSERT INTO flowkeep.peer_known (host, network, first_at,"
                     " last_day, usual_octets, may_drip, learned_at) VALUES ");
    g_string_append(self->known, " ON CONFLICT (host, network) DO UPDATE SET"
                                 " first_at = excluded.first_at,"
                                 " last_day = excluded.last_day,"
                                 " usual_octets = excluded.usual_octets,"
                                 " may_drip = excluded.may_drip,"
                                 " learned_at = excluded.learned_at");
    const bool ok = db_exec(self->run->conn, self->known->str, error);
    g_string_truncate(self->known, 0);
    self->n_known = 0;
    return ok;
}

/* One network of a host, from its rows of peer_day. */
typedef struct {
    IpAddress network;
    unsigned bits;
    int64_t first_us;
    int64_t last_day_us;
    ExfilSum days[EXFIL_DAYS];
    ExfilSum served[EXFIL_DAYS];
} NetworkDays;

static bool
add_network_day(Learning *self, NetworkDays *network, GError **error)
{
    Reader *row = &self->network_row;
    int64_t day_us;
    int64_t first_us;
    ExfilSum sum;
    ExfilSum served;

    if (!copy_reader_time(row, &day_us) || !copy_reader_time(row, &first_us) ||
        !copy_reader_uint(row, &sum.out_octets) ||
        !copy_reader_uint(row, &sum.in_octets) ||
        !copy_reader_uint(row, &served.out_octets) ||
        !copy_reader_uint(row, &served.in_octets))
        return copy_reader_refuse("reading peer_day", error);

    const int64_t back = (self->today_us - day_us) / EXFIL_DAY_US;
    if (network->first_us == 0 || first_us < network->first_us)
        network->first_us = first_us;
    network->last_day_us = MAX(network->last_day_us, day_us);
    if (back >= 0 && back < EXFIL_DAYS) {
        network->days[back] = sum;
        network->served[back] = served;
    }
    return true;
}

static bool
end_network(Learning *self, const IpAddress *host, const NetworkDays *network,
            GError **error)
{
    const ExfilPair pair =
        exfil_learn_network(self->learn, network->days, network->served);
    char host_text[IP_ADDRESS_TEXT_BYTES];
    g_autofree char *cidr = baseline_rows_network(&network->network, network->bits);
    g_autofree char *first = baseline_rows_time(network->first_us);
    g_autofree char *last = baseline_rows_time(network->last_day_us);
    g_autofree char *now = baseline_rows_time(self->run->now_us);

    g_string_append_printf(self->known,
                           "%s('%s', '%s', '%s',"
                           " ('%s'::timestamptz AT TIME ZONE 'UTC')::date, %" PRId64
                           ", %s, '%s')",
                           self->n_known ? "," : "", ip_address_format(host, host_text),
                           cidr, first, last,
                           (int64_t) MIN(pair.usual_octets, INT64_MAX),
                           pair.may_drip ? "true" : "false", now);
    self->n_known++;
    return self->n_known < BATCH_ROWS || flush_known(self, error);
}

/* All networks of @host; rows of hosts without days are passed over. */
static bool
learn_networks(Learning *self, const IpAddress *host, GError **error)
{
    NetworkDays network = { 0 };
    bool is_open = false;

    while (self->has_network && compare_hosts(&self->network_host, host) <= 0) {
        IpAddress address;

        if (compare_hosts(&self->network_host, host) == 0) {
            if (!copy_reader_inet(&self->network_row, &address))
                return copy_reader_refuse("reading peer_day", error);
            if (is_open && !ip_address_equal(&address, &network.network)) {
                if (!end_network(self, host, &network, error))
                    return false;
                is_open = false;
            }
            if (!is_open) {
                network = (NetworkDays){ 0 };
                network.bits = exfil_window_network(&address, &network.network);
                is_open = true;
            }
            if (!add_network_day(self, &network, error))
                return false;
        }
        if (!next_network(self, error))
            return false;
    }
    return !is_open || end_network(self, host, &network, error);
}

static bool
end_host(Learning *self, const IpAddress *host, GError **error)
{
    return learn_networks(self, host, error) &&
           baseline_rows_write(self->run->conn, host, exfil_learn_end(self->learn),
                               self->run->now_us, error);
}

static bool
learn_hosts(Learning *self, RowCursor *hosts, GError **error)
{
    g_autoptr(GError) local = NULL;
    IpAddress host = { { 0 } };
    bool is_open = false;
    Reader row;

    while (row_cursor_next(hosts, &row, &local)) {
        ExfilHostDay day = { 0 };
        IpAddress next;

        self->run->n_rows_read++;
        if (!read_host_day(&row, &next, &day))
            return copy_reader_refuse("reading host_day", error);
        if (is_open && !ip_address_equal(&host, &next) && !end_host(self, &host, error))
            return false;
        if (!is_open || !ip_address_equal(&host, &next))
            exfil_learn_begin(self->learn, self->today_us);
        is_open = true;
        host = next;
        exfil_learn_day(self->learn, &day);
    }
    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    return !is_open || end_host(self, &host, error);
}

/* What nobody wrote in this run is of hosts and networks that are no more. */
static bool
forget_others(JobRun *run, int64_t until_us, GError **error)
{
    g_autofree char *now = baseline_rows_time(run->now_us);
    g_autofree char *oldest =
        baseline_rows_time(MAX(until_us - EXFIL_DAYS * EXFIL_DAY_US, 0));
    g_autofree char *sql = g_strdup_printf(
        "DELETE FROM flowkeep.baseline AS b WHERE b.learned_at <> '%s';"
        "DELETE FROM flowkeep.peer_known AS k WHERE k.learned_at <> '%s';"
        "DELETE FROM flowkeep.host_day AS d"
        " WHERE d.day < ('%s'::timestamptz AT TIME ZONE 'UTC')::date;"
        "DELETE FROM flowkeep.peer_day AS d"
        " WHERE d.day < ('%s'::timestamptz AT TIME ZONE 'UTC')::date",
        now, now, oldest, oldest);

    return db_exec(run->conn, sql, error);
}

static bool
learn_all(JobRun *run, int64_t until_us, GError **error)
{
    Learning self = { .run = run, .today_us = until_us };
    g_autofree ExfilLearn *learn = g_new(ExfilLearn, 1);
    g_autoptr(GString) known = g_string_new(NULL);
    g_autofree char *until = baseline_rows_time(until_us);
    const char *const params[] = { until };

    self.learn = learn;
    self.known = known;
    g_autoptr(RowCursor) hosts = row_cursor_open(
        run->conn, "host_days", "reading host_day",
        "SELECT d.host, d.day::timestamp AT TIME ZONE 'UTC', d.out_octets,"
        " d.in_octets, d.hour_octets, d.sessions, d.called, d.networks, d.published"
        " FROM flowkeep.host_day AS d"
        " WHERE d.day < ($1::timestamptz AT TIME ZONE 'UTC')::date"
        " ORDER BY d.host, d.day",
        1, params, error);
    if (!hosts)
        return false;
    g_autoptr(RowCursor) networks = row_cursor_open(
        run->conn, "peer_days", "reading peer_day",
        "SELECT d.host, d.network::inet, d.day::timestamp AT TIME ZONE 'UTC',"
        " d.first_hour, d.out_octets, d.in_octets, d.served_out_octets,"
        " d.served_in_octets FROM flowkeep.peer_day AS d"
        " WHERE d.day < ($1::timestamptz AT TIME ZONE 'UTC')::date"
        " ORDER BY d.host, d.network, d.day",
        1, params, error);
    if (!networks)
        return false;
    self.networks = networks;
    return next_network(&self, error) && learn_hosts(&self, hosts, error) &&
           flush_known(&self, error);
}

static bool
run_baseline(JobRun *run, GError **error)
{
    const int64_t settled_us = MAX(run->now_us - SETTLE_AFTER_US, 0);
    const int64_t until_us = settled_us - settled_us % EXFIL_DAY_US;
    int64_t learned_us;
    bool is_done;

    if (!settle_days(run, until_us, &is_done, error) ||
        !read_watermark(run->conn, "baseline_learned", &learned_us, error))
        return false;
    run->until_us = until_us;
    if (!is_done || (learned_us >= until_us && run->n_rows_read == 0))
        return true;
    return db_exec(run->conn, "BEGIN; SET LOCAL work_mem = '64MB'; SET LOCAL jit = off",
                   error) &&
           learn_all(run, until_us, error) && forget_others(run, until_us, error) &&
           write_watermark(run->conn, "baseline_learned", until_us, error) &&
           db_exec(run->conn, "COMMIT", error);
}

const Job job_baseline = {
    .name = "baseline",
    .help = "Sums up the days and learns what is usual for each watched host.",
    .period_sec = 3600,
    .run = run_baseline,
};
