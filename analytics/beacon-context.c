/* SPDX-License-Identifier: Apache-2.0 */
#include "beacon-context.h"

#include <math.h>

#include "clock.h"
#include "db.h"

#define US_PER_DAY (24 * 3600 * US_PER_SEC)

/* How far back rarity, age and role look. */
#define RARITY_DAYS 14
#define AGE_DAYS    90

/* A lost message of NetFlow v9 counts as so many flows: nobody knows what was in it,
 * and so many fit one datagram. */
#define FLOWS_OF_MESSAGE "20"

struct BeaconContext {
    const AnalyticsSettings *settings;
    int64_t from_us;
    int64_t to_us;
    uint32_t n_hosts;
    int64_t history_from_us;
    GArray *contexts; /* of Context, one a candidate */
    GArray *losses;   /* of Loss */
};

typedef struct {
    int32_t exporter_id; /* 0 = all */
    double share;
} Loss;

BeaconContext *
beacon_context_new(const AnalyticsSettings *settings, int64_t from_us, int64_t to_us,
                   uint32_t n_hosts)
{
    BeaconContext *self = g_new0(BeaconContext, 1);

    self->settings = settings;
    self->from_us = from_us;
    self->to_us = to_us;
    self->n_hosts = n_hosts;
    self->contexts = g_array_new(FALSE, TRUE, sizeof(Context));
    self->losses = g_array_new(FALSE, FALSE, sizeof(Loss));
    return self;
}

void
beacon_context_free(BeaconContext *self)
{
    if (!self)
        return;
    g_array_unref(self->contexts);
    g_array_unref(self->losses);
    g_free(self);
}

/* The last address of the network of @bits. */
static IpAddress
last_of(const IpAddress *addr, unsigned bits)
{
    IpAddress last = *addr;

    for (unsigned bit = bits; bit < 128; bit++)
        last.bytes[bit / 8] |= (uint8_t) (0x80 >> bit % 8);
    return last;
}

static void
append_address(GString *list, const IpAddress *addr)
{
    char text[IP_ADDRESS_TEXT_BYTES];

    g_string_append_printf(list, "%s%s", list->len > 1 ? "," : "",
                           ip_address_format(addr, text));
}

static void
append_number(GString *list, unsigned number)
{
    g_string_append_printf(list, "%s%u", list->len > 1 ? "," : "", number);
}

/* Columns of the temporary table, in the order of fill_lists(). */
enum { HOST, PEER_FROM, PEER_TO, NET_FROM, NET_TO, PORT, PROTOCOL, INITIATOR, N_LISTS };

static void
fill_lists(GString **lists, const GArray *candidates)
{
    for (guint i = 0; i < candidates->len; i++) {
        const BeaconCandidate *one = &g_array_index(candidates, BeaconCandidate, i);
        const IpAddress peer_last = last_of(&one->key.peer, one->group_bits);
        const IpAddress net = beacon_scan_net_of(&one->key.peer);
        const IpAddress net_last = last_of(&net, beacon_scan_net_bits(&net));

        append_address(lists[HOST], &one->key.host);
        append_address(lists[PEER_FROM], &one->key.peer);
        append_address(lists[PEER_TO], &peer_last);
        append_address(lists[NET_FROM], &net);
        append_address(lists[NET_TO], &net_last);
        append_number(lists[PORT], one->key.service_port);
        append_number(lists[PROTOCOL], one->key.protocol);
        append_number(lists[INITIATOR], one->key.initiator);
    }
}

static bool
fill_table(PGconn *conn, const GArray *candidates, GError **error)
{
    GString *lists[N_LISTS];
    const char *words[N_LISTS];

    for (size_t i = 0; i < N_LISTS; i++)
        lists[i] = g_string_new("{");
    fill_lists(lists, candidates);
    for (size_t i = 0; i < N_LISTS; i++)
        words[i] = g_string_append_c(lists[i], '}')->str;

    g_autoptr(PGresult) filled =
        !db_exec(conn,
                 "CREATE TEMPORARY TABLE beacon_candidate (host inet, peer_from inet,"
                 " peer_to inet, net_from inet, net_to inet, service_port integer,"
                 " protocol smallint, initiator smallint, nr bigint)"
                 " ON COMMIT DROP",
                 error)
            ? NULL
            : db_query(conn, "noting candidates",
                       "INSERT INTO beacon_candidate"
                       " SELECT * FROM unnest($1::inet[], $2::inet[], $3::inet[],"
                       " $4::inet[], $5::inet[], $6::integer[], $7::smallint[],"
                       " $8::smallint[]) WITH ORDINALITY",
                       N_LISTS, words, error);
    for (size_t i = 0; i < N_LISTS; i++)
        g_string_free(lists[i], TRUE);
    return filled && db_exec(conn, "ANALYZE beacon_candidate", error);
}

/* Columns as take_context() reads them.  $1 window's end, $2 and $3 the beginnings of
 * rarity and of age, as seconds. */
static const char context_sql[] =
    "SELECT"
    " (SELECT count(DISTINCT c.host) FROM flowkeep.contact_hour AS c"
    "   WHERE c.peer BETWEEN b.peer_from AND b.peer_to"
    "     AND c.hour >= to_timestamp($2) AND c.hour < to_timestamp($1)),"
    " (SELECT count(DISTINCT c.host) FROM flowkeep.contact_hour AS c"
    "   WHERE c.peer BETWEEN b.net_from AND b.net_to"
    "     AND c.hour >= to_timestamp($2) AND c.hour < to_timestamp($1)),"
    " (SELECT extract(epoch FROM min(c.hour)) FROM flowkeep.contact_hour AS c"
    "   WHERE c.peer BETWEEN b.peer_from AND b.peer_to AND c.hour >= to_timestamp($3)),"
    " (SELECT extract(epoch FROM min(c.hour)) FROM flowkeep.contact_hour AS c"
    "   WHERE c.peer BETWEEN b.net_from AND b.net_to AND c.hour >= to_timestamp($3)),"
    " (SELECT extract(epoch FROM min(c.hour)) FROM flowkeep.contact_hour AS c"
    "   WHERE c.host = b.host AND c.peer BETWEEN b.peer_from AND b.peer_to"
    "     AND c.hour >= to_timestamp($3)),"
    " p.n_days, p.period_sec,"
    " EXISTS (SELECT FROM flowkeep.watch_network AS w WHERE b.peer_from <<= w.network)"
    "  FROM beacon_candidate AS b"
    " CROSS JOIN LATERAL ("
    "    SELECT count(*) AS n_days,"
    "           percentile_cont(0.5) WITHIN GROUP (ORDER BY d.period_sec)"
    "             AS period_sec"
    "      FROM flowkeep.periodic_day AS d"
    "     WHERE d.host = b.host AND d.peer = b.peer_from"
    "       AND d.service_port = b.service_port AND d.protocol = b.protocol"
    "       AND d.initiator = b.initiator"
    "       AND d.day >= (to_timestamp($2) AT TIME ZONE 'UTC')::date"
    "       AND d.day < (to_timestamp($1) AT TIME ZONE 'UTC')::date) AS p"
    " ORDER BY b.nr";

static double
number_at(const PGresult *rows, int row, int column)
{
    return PQgetisnull(rows, row, column)
               ? NAN
               : g_ascii_strtod(PQgetvalue(rows, row, column), NULL);
}

/* Microseconds; null is 0. */
static int64_t
time_at(const PGresult *rows, int row, int column)
{
    const double seconds = number_at(rows, row, column);

    return isnan(seconds) ? 0 : (int64_t) (seconds * US_PER_SEC);
}

static Context
take_context(const BeaconContext *self, const PGresult *rows, int row)
{
    const double period_sec = number_at(rows, row, 6);

    return (Context){
        .n_hosts = self->n_hosts,
        .n_hosts_of_peer = (uint32_t) number_at(rows, row, 0),
        .n_hosts_of_peer_net = (uint32_t) number_at(rows, row, 1),
        .history_from_us = self->history_from_us,
        .peer_first_us = time_at(rows, row, 2),
        .peer_net_first_us = time_at(rows, row, 3),
        .pair_first_us = time_at(rows, row, 4),
        .host_initiated_share = NAN,
        .host_new_nets_a_day = NAN,
        .n_periodic_days = (uint32_t) number_at(rows, row, 5),
        .learned_period_sec = isnan(period_sec) ? 0 : period_sec,
        .peer_is_watched = PQgetvalue(rows, row, 7)[0] == 't',
    };
}

static bool
is_infrastructure(const AnalyticsSettings *settings, const BeaconCandidate *one)
{
    for (size_t i = 0; i < settings->n_service; i++) {
        const ServiceSettings *service = &settings->service[i];
        const bool port_fits =
            (service->port == 0 || service->port == one->key.service_port) &&
            (service->protocol == 0 || service->protocol == one->key.protocol);

        for (size_t j = 0; port_fits && j < service->n_peers; j++) {
            if (service->peers[j].bits <= one->group_bits &&
                network_contains(&service->peers[j], &one->key.peer))
                return true;
        }
    }
    return false;
}

static bool
load_contexts(BeaconContext *self, PGconn *conn, const GArray *candidates,
              GError **error)
{
    g_autofree char *to = g_strdup_printf("%.6f", (double) self->to_us / US_PER_SEC);
    g_autofree char *rarity =
        g_strdup_printf("%.6f",
                        (double) (self->to_us - RARITY_DAYS * US_PER_DAY) / US_PER_SEC);
    g_autofree char *age =
        g_strdup_printf("%.6f",
                        (double) (self->to_us - AGE_DAYS * US_PER_DAY) / US_PER_SEC);
    const char *const words[] = { to, rarity, age };
    g_autoptr(PGresult) rows =
        db_query(conn, "looking candidates up", context_sql, 3, words, error);

    if (!rows)
        return false;
    g_array_set_size(self->contexts, (guint) PQntuples(rows));
    for (int i = 0; i < PQntuples(rows); i++) {
        Context *context = &g_array_index(self->contexts, Context, i);

        *context = take_context(self, rows, i);
        context->is_infrastructure =
            is_infrastructure(self->settings,
                              &g_array_index(candidates, BeaconCandidate, i));
    }
    return true;
}

/* By the oldest partition that is not an import: the others are younger. */
static bool
load_history(BeaconContext *self, PGconn *conn, GError **error)
{
    g_autoptr(PGresult) rows = db_query(
        conn, "looking for the oldest contact",
        "SELECT extract(epoch FROM min(c.hour))"
        "  FROM flowkeep.contact_hour AS c"
        " WHERE c.hour < (SELECT min(p.to_at) FROM flowkeep.time_partition AS p"
        "                  WHERE p.parent = 'contact_hour')",
        0, NULL, error);

    if (!rows)
        return false;
    self->history_from_us = time_at(rows, 0, 0);
    return true;
}

/* $1, $2: the 14 days before the window. */
static const char role_sql[] =
    "SELECT b.nr, r.share, r.nets FROM (SELECT DISTINCT host FROM beacon_candidate) AS "
    "h"
    " CROSS JOIN LATERAL ("
    "    SELECT sum(d.called)::float8 / nullif(sum(d.sessions), 0)::float8 AS share,"
    "           percentile_cont(0.5) WITHIN GROUP (ORDER BY d.nets) AS nets"
    "      FROM (SELECT date_trunc('day', c.hour) AS day, sum(c.sessions) AS sessions,"
    "                   coalesce(sum(c.sessions) FILTER (WHERE c.initiator = 1), 0)"
    "                     AS called,"
    "                   count(DISTINCT set_masklen(c.peer,"
    "                           CASE family(c.peer) WHEN 4 THEN 24 ELSE 48 END))"
    "                     FILTER (WHERE c.initiator = 1) AS nets"
    "              FROM flowkeep.contact_hour AS c"
    "             WHERE c.host = h.host AND c.hour >= to_timestamp($1)"
    "               AND c.hour < to_timestamp($2)"
    "             GROUP BY 1) AS d) AS r"
    " JOIN beacon_candidate AS b ON b.host = h.host";

static bool
load_roles(BeaconContext *self, PGconn *conn, GError **error)
{
    g_autofree char *from =
        g_strdup_printf("%.6f", (double) (self->from_us - RARITY_DAYS * US_PER_DAY) /
                                    US_PER_SEC);
    g_autofree char *to = g_strdup_printf("%.6f", (double) self->from_us / US_PER_SEC);
    const char *const words[] = { from, to };
    g_autoptr(PGresult) rows =
        db_query(conn, "looking up what hosts usually do", role_sql, 2, words, error);

    if (!rows)
        return false;
    for (int i = 0; i < PQntuples(rows); i++) {
        const guint nr = (guint) number_at(rows, i, 0);
        Context *context = &g_array_index(self->contexts, Context, nr - 1);

        context->host_initiated_share = number_at(rows, i, 1);
        context->host_new_nets_a_day = number_at(rows, i, 2);
    }
    return true;
}

/* $1, $2: the window.  Exporter 0 stands for what was lost of all. */
static const char loss_sql[] =
    "WITH lost AS ("
    "    SELECT coalesce(l.exporter_id, 0) AS exporter_id,"
    "           sum(l.count * CASE l.unit WHEN 'flows' THEN 1"
    "                         ELSE " FLOWS_OF_MESSAGE " END) AS flows"
    "      FROM flowkeep.loss AS l"
    "     WHERE l.minute >= to_timestamp($1) AND l.minute < to_timestamp($2)"
    "       AND l.reason IN ('sequence_gap', 'kernel_drop', 'journal_full',"
    "                        'no_template')"
    "       AND l.unit IN ('flows', 'messages', 'datagrams', 'sets')"
    "     GROUP BY 1)"
    " SELECT lost.exporter_id, lost.flows / (lost.flows + coalesce("
    "          (SELECT sum(t.flows) FROM flowkeep.traffic_1m AS t"
    "            WHERE t.minute >= to_timestamp($1) AND t.minute < to_timestamp($2)"
    "              AND (t.exporter_id = lost.exporter_id OR lost.exporter_id = 0)),"
    "          0))"
    "   FROM lost WHERE lost.flows > 0 ORDER BY 1";

static bool
load_losses(BeaconContext *self, PGconn *conn, GError **error)
{
    g_autofree char *from =
        g_strdup_printf("%.6f", (double) self->from_us / US_PER_SEC);
    g_autofree char *to = g_strdup_printf("%.6f", (double) self->to_us / US_PER_SEC);
    const char *const words[] = { from, to };
    g_autoptr(PGresult) rows =
        db_query(conn, "adding up losses", loss_sql, 2, words, error);

    if (!rows)
        return false;
    for (int i = 0; i < PQntuples(rows); i++) {
        const Loss loss = { (int32_t) number_at(rows, i, 0), number_at(rows, i, 1) };

        g_array_append_val(self->losses, loss);
    }
    return true;
}

bool
beacon_context_load(BeaconContext *self, PGconn *conn, const GArray *candidates,
                    GError **error)
{
    return load_losses(self, conn, error) && load_history(self, conn, error) &&
           fill_table(conn, candidates, error) &&
           load_contexts(self, conn, candidates, error) &&
           load_roles(self, conn, error);
}

Context
beacon_context_of(const BeaconContext *self, guint index, int32_t exporter_id)
{
    Context context = g_array_index(self->contexts, Context, index);

    for (guint i = 0; i < self->losses->len; i++) {
        const Loss *loss = &g_array_index(self->losses, Loss, i);

        if (loss->exporter_id == 0 || loss->exporter_id == exporter_id)
            context.loss_share = MAX(context.loss_share, loss->share);
    }
    return context;
}

void
beacon_context_each_loss(const BeaconContext *self, double share,
                         void (*func)(int32_t exporter_id, double share,
                                      void *user_data),
                         void *user_data)
{
    for (guint i = 0; i < self->losses->len; i++) {
        const Loss *loss = &g_array_index(self->losses, Loss, i);

        if (loss->share > share)
            func(loss->exporter_id, loss->share, user_data);
    }
}
