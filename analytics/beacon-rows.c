/* SPDX-License-Identifier: Apache-2.0 */
#include "beacon-rows.h"

#include "alert/evidence.h"
#include "clock.h"
#include "db.h"

/* The job looks back 14 days. */
#define LEARN_DAYS "15 days"

bool
beacon_rows_begin(PGconn *conn, bool sparse, GError **error)
{
    return db_exec(conn,
                   sparse ? "DELETE FROM flowkeep.beacon_group WHERE sparse"
                          : "DELETE FROM flowkeep.beacon_group WHERE NOT sparse",
                   error);
}

static char *
seconds(int64_t at_us)
{
    return at_us ? g_strdup_printf("%.6f", (double) at_us / US_PER_SEC) : NULL;
}

static char *
number(double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    return g_strdup(g_ascii_dtostr(text, sizeof(text), value));
}

static char *
address(const IpAddress *addr)
{
    char text[IP_ADDRESS_TEXT_BYTES];

    return g_strdup(ip_address_format(addr, text));
}

static char *
network(const Finding *finding)
{
    const bool is_v4 = ip_address_is_v4(&finding->peer);
    g_autofree char *peer = address(&finding->peer);

    return g_strdup_printf("%s/%u", peer, finding->peer_group_bits - (is_v4 ? 96 : 0));
}

/* Its identity, as the first parameters of a statement. */
enum { HOST, PEER, NETWORK, PORT, PROTOCOL, INITIATOR, N_IDENTITY };
enum {
    CONTACTS = N_IDENTITY,
    FROM,
    TO,
    FIRST,
    LAST,
    EVIDENCE,
    SCORE,
    SEVERITY,
    SPARSE,
    EXPLANATION,
    AT,
    N_WORDS
};

static void
put_identity(char **words, const Finding *finding)
{
    words[HOST] = address(&finding->host);
    words[PEER] = address(&finding->peer);
    words[NETWORK] = network(finding);
    words[PORT] = g_strdup_printf("%u", finding->port);
    words[PROTOCOL] = g_strdup_printf("%u", finding->protocol);
    words[INITIATOR] = g_strdup_printf("%u", finding->initiator);
}

static void
clear_words(char **words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        g_clear_pointer(&words[i], g_free);
}

/* $12 is as in alert.evidence; docs/detection.md has the keys of its numbers. */
static const char add_sql[] =
    "INSERT INTO flowkeep.beacon_group AS g"
    " (host, peer, peer_network, service_port, protocol, initiator, contacts, from_at,"
    "  to_at, first_at, last_at, period_sec, jitter_pct, lv, regularity,"
    "  octets_median, octets_spread_pct, hosts_of_peer, pair_first_at, score, severity,"
    "  terms, explanation, scored_at, sparse)"
    " SELECT $1::inet, $2::inet, $3::cidr, $4::integer, $5::smallint, $6::smallint,"
    "        $7::float8::bigint, to_timestamp($8), to_timestamp($9),"
    "        to_timestamp($10), to_timestamp($11), (n ->> 'period_sec')::float8,"
    "        (n ->> 'jitter_pct')::real, (n ->> 'lv')::real,"
    "        coalesce((n ->> 'rank')::real, 0),"
    "        (n ->> 'size_median_octets')::float8::bigint,"
    "        (n ->> 'size_spread_pct')::real,"
    "        coalesce((n ->> 'n_hosts_of_peer')::integer, 0),"
    "        to_timestamp(nullif((n ->> 'pair_first_us')::float8, 0) / 1e6),"
    "        $13::real, $14,"
    "        e -> 'terms', $16, to_timestamp($17), $15::boolean"
    "   FROM (SELECT $12::jsonb AS e, $12::jsonb -> 'numbers' AS n) AS j"
    " ON CONFLICT (host, peer_network, service_port, protocol, initiator) DO UPDATE"
    "    SET contacts = excluded.contacts, from_at = excluded.from_at,"
    "        to_at = excluded.to_at, first_at = excluded.first_at,"
    "        last_at = excluded.last_at, period_sec = excluded.period_sec,"
    "        jitter_pct = excluded.jitter_pct, lv = excluded.lv,"
    "        regularity = excluded.regularity,"
    "        octets_median = excluded.octets_median,"
    "        octets_spread_pct = excluded.octets_spread_pct,"
    "        score = excluded.score, severity = excluded.severity,"
    "        terms = excluded.terms, explanation = excluded.explanation,"
    "        sparse = excluded.sparse"
    "  WHERE excluded.score > g.score";

bool
beacon_rows_add(PGconn *conn, const Finding *finding, bool sparse, int64_t now_us,
                GError **error)
{
    char *words[N_WORDS] = { 0 };

    put_identity(words, finding);
    words[CONTACTS] = number(finding->magnitude);
    words[FROM] = seconds(finding->from_us);
    words[TO] = seconds(finding->to_us);
    words[FIRST] = seconds(finding->first_us);
    words[LAST] = seconds(finding->last_us);
    words[EVIDENCE] = evidence_format(finding);
    words[SCORE] = number(finding->score);
    words[SEVERITY] = g_strdup(finding_severity_name(finding->severity));
    words[SPARSE] = g_strdup(sparse ? "true" : "false");
    words[EXPLANATION] = g_strdup(finding->explanation);
    words[AT] = seconds(now_us);

    g_autoptr(PGresult) added = db_query(conn, "writing a scored group", add_sql,
                                         N_WORDS, (const char *const *) words, error);
    clear_words(words, N_WORDS);
    return added != NULL;
}

bool
beacon_rows_learn(PGconn *conn, const Finding *finding, double min_rank, int64_t now_us,
                  GError **error)
{
    char *words[N_IDENTITY + 3] = { 0 };

    put_identity(words, finding);
    words[N_IDENTITY] = seconds(now_us);
    words[N_IDENTITY + 1] = g_strdup(finding->numbers);
    words[N_IDENTITY + 2] = number(min_rank);
    g_autoptr(PGresult) learnt =
        db_query(conn, "writing what is regular",
                 "INSERT INTO flowkeep.periodic_day"
                 " (day, host, peer, service_port, protocol, initiator, period_sec)"
                 " SELECT (to_timestamp($7) AT TIME ZONE 'UTC')::date, $1::inet,"
                 "        $2::inet, $4::integer, $5::smallint, $6::smallint,"
                 "        (n ->> 'period_sec')::float8"
                 "   FROM (SELECT $8::jsonb AS n) AS j"
                 "  WHERE n ->> 'period_sec' IS NOT NULL AND $3::cidr IS NOT NULL"
                 "    AND (n ->> 'rank')::float8 >= $9::float8"
                 " ON CONFLICT (host, peer, service_port, protocol, initiator, day)"
                 " DO UPDATE SET period_sec = excluded.period_sec",
                 N_IDENTITY + 3, (const char *const *) words, error);
    clear_words(words, N_IDENTITY + 3);
    return learnt != NULL;
}

bool
beacon_rows_tidy(PGconn *conn, unsigned n_max, int64_t now_us, GError **error)
{
    g_autofree char *max = g_strdup_printf("%u", n_max);
    g_autofree char *now = seconds(now_us);
    const char *const one[] = { max };
    const char *const other[] = { now };
    g_autoptr(PGresult) scores =
        db_query(conn, "dropping the lowest scores",
                 "DELETE FROM flowkeep.beacon_group AS g"
                 " WHERE g.ctid IN (SELECT o.ctid FROM flowkeep.beacon_group AS o"
                 "                   ORDER BY o.score DESC, o.host, o.peer_network,"
                 "                            o.service_port, o.protocol, o.initiator"
                 "                  OFFSET $1::bigint)",
                 1, one, error);
    g_autoptr(PGresult) days =
        scores ? db_query(conn, "dropping old days",
                          "DELETE FROM flowkeep.periodic_day AS d"
                          " WHERE d.day < (to_timestamp($1) AT TIME ZONE 'UTC')::date"
                          "                 - interval '" LEARN_DAYS "'",
                          1, other, error)
               : NULL;

    return days != NULL;
}

bool
beacon_rows_blind(PGconn *conn, int32_t exporter_id, const char *reason, int64_t now_us,
                  GError **error)
{
    g_autofree char *id = exporter_id != 0 ? g_strdup_printf("%d", exporter_id) : NULL;
    g_autofree char *at = seconds(now_us);
    const char *const words[] = { id, reason, at };
    g_autoptr(PGresult) written = db_query(
        conn, "writing what is not seen",
        "INSERT INTO flowkeep.blind_spot AS b"
        " (job, subject, exporter_id, reason, since_at, seen_at)"
        " SELECT 'beacon', coalesce('exporter ' || $1, 'all exporters'), $1::integer,"
        "        $2, to_timestamp($3), to_timestamp($3)"
        " ON CONFLICT (job, subject) DO UPDATE"
        "    SET reason = excluded.reason, seen_at = excluded.seen_at",
        3, words, error);

    return written != NULL;
}

bool
beacon_rows_blind_end(PGconn *conn, int64_t now_us, GError **error)
{
    g_autofree char *at = seconds(now_us);
    const char *const words[] = { at };
    g_autoptr(PGresult) ended =
        db_query(conn, "forgetting what is seen again",
                 "DELETE FROM flowkeep.blind_spot AS b"
                 " WHERE b.job = 'beacon' AND b.seen_at < to_timestamp($1)",
                 1, words, error);

    return ended != NULL;
}
