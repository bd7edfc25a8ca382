/* SPDX-License-Identifier: Apache-2.0 */
#include "baseline-rows.h"

#include <inttypes.h>
#include <math.h>

#include "clock.h"
#include "db.h"
#include "row-cursor.h"

#define Z_95 1.645

/* --- services --- */

void
baseline_rows_services(const AnalyticsSettings *settings, BaselineServices *services)
{
    GString *networks = g_string_new("{");
    GString *ports = g_string_new("{");
    GString *protocols = g_string_new("{");

    for (size_t i = 0; i < settings->n_service; i++) {
        const ServiceSettings *service = &settings->service[i];

        for (size_t k = 0; k < service->n_peers; k++) {
            g_autofree char *text = network_format(&service->peers[k]);
            const char *comma = networks->len > 1 ? "," : "";

            g_string_append_printf(networks, "%s%s", comma, text);
            g_string_append_printf(ports, "%s%" PRIu32, comma, service->port);
            g_string_append_printf(protocols, "%s%" PRIu32, comma, service->protocol);
        }
    }
    g_string_append_c(networks, '}');
    g_string_append_c(ports, '}');
    g_string_append_c(protocols, '}');
    services->networks = g_string_free(networks, FALSE);
    services->ports = g_string_free(ports, FALSE);
    services->protocols = g_string_free(protocols, FALSE);
}

void
baseline_rows_services_clear(BaselineServices *services)
{
    g_free(services->networks);
    g_free(services->ports);
    g_free(services->protocols);
}

bool
baseline_rows_is_service(const AnalyticsSettings *settings, const ContactKey *key)
{
    for (size_t i = 0; i < settings->n_service; i++) {
        const ServiceSettings *service = &settings->service[i];

        if ((service->port && service->port != key->service_port) ||
            (service->protocol && service->protocol != key->protocol))
            continue;
        for (size_t k = 0; k < service->n_peers; k++) {
            if (network_contains(&service->peers[k], &key->peer))
                return true;
        }
    }
    return false;
}

char *
baseline_rows_network(const IpAddress *network, unsigned bits)
{
    return network_format(&(Network){ *network, bits });
}

char *
baseline_rows_time(int64_t unix_us)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(unix_us / US_PER_SEC);

    /* No calendar has it: neither does the database. */
    if (!time)
        return g_strdup("epoch");

    g_autofree char *second = g_date_time_format(time, "%Y-%m-%d %H:%M:%S");
    return g_strdup_printf("%s.%06" PRId64 "+00", second, unix_us % US_PER_SEC);
}

/* --- baseline --- */

static void
append_octets(GString *list, double x)
{
    g_string_append_printf(list, "%s%" PRIu64, list->len > 1 ? "," : "",
                           isnan(x) ? 0 : exfil_learn_octets(x));
}

/* Medians and 95 % bounds as two array literals. */
static void
format_places(const double *median, const double *spread, size_t n, char **usual,
              char **high)
{
    GString *medians = g_string_new("{");
    GString *bounds = g_string_new("{");

    for (size_t i = 0; i < n; i++) {
        append_octets(medians, median[i]);
        append_octets(bounds, median[i] + Z_95 * spread[i]);
    }
    g_string_append_c(medians, '}');
    g_string_append_c(bounds, '}');
    *usual = g_string_free(medians, FALSE);
    *high = g_string_free(bounds, FALSE);
}

static char *
format_number(double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    return isfinite(value) ? g_strdup(g_ascii_dtostr(text, sizeof(text), value)) : NULL;
}

static char *
format_count(uint64_t value)
{
    return g_strdup_printf("%" PRId64, (int64_t) MIN(value, INT64_MAX));
}

bool
baseline_rows_write(PGconn *conn, const IpAddress *host, const ExfilBaseline *baseline,
                    int64_t now_us, GError **error)
{
    char host_text[IP_ADDRESS_TEXT_BYTES];
    g_autofree char *from = baseline_rows_time(baseline->from_us);
    g_autofree char *now = baseline_rows_time(now_us);
    g_autofree char *hour_usual = NULL;
    g_autofree char *hour_high = NULL;
    g_autofree char *day_usual = NULL;
    g_autofree char *day_high = NULL;
    g_autofree char *new_peer = format_count(baseline->new_peer_octets);
    g_autofree char *served = format_count(baseline->served_octets);
    g_autofree char *network_day = format_count(baseline->network_day_octets);
    g_autofree char *pcr = format_number(baseline->pcr);
    g_autofree char *initiated = format_number(baseline->initiated_share);
    g_autofree char *networks = format_number(baseline->networks_a_day);
    g_autoptr(GString) published = g_string_new("{");

    format_places(baseline->hour_median, baseline->hour_spread, EXFIL_WEEK_HOURS,
                  &hour_usual, &hour_high);
    format_places(baseline->day_median, baseline->day_spread, 7, &day_usual, &day_high);
    for (size_t i = 0; i < baseline->n_published; i++)
        g_string_append_printf(published, "%s%" PRIu32, i ? "," : "",
                               baseline->published[i]);
    g_string_append_c(published, '}');

    const char *const params[] = {
        ip_address_format(host, host_text),
        from,
        now,
        hour_usual,
        hour_high,
        day_usual,
        day_high,
        new_peer,
        served,
        network_day,
        pcr,
        initiated,
        networks,
        published->str,
    };
    g_autoptr(PGresult) result = db_query(
        conn, "writing a baseline",
        "INSERT INTO flowkeep.baseline (host, from_at, learned_at, hour_usual,"
        " hour_high, day_usual, day_high, new_peer_octets, served_octets,"
        " network_day_octets, pcr, initiated_share, networks_a_day, published)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
        " ON CONFLICT (host) DO UPDATE SET from_at = excluded.from_at,"
        " learned_at = excluded.learned_at, hour_usual = excluded.hour_usual,"
        " hour_high = excluded.hour_high, day_usual = excluded.day_usual,"
        " day_high = excluded.day_high, new_peer_octets = excluded.new_peer_octets,"
        " served_octets = excluded.served_octets,"
        " network_day_octets = excluded.network_day_octets, pcr = excluded.pcr,"
        " initiated_share = excluded.initiated_share,"
        " networks_a_day = excluded.networks_a_day, published = excluded.published",
        G_N_ELEMENTS(params), params, error);

    return result != NULL;
}

static bool
read_places(Reader *row, double *median, double *spread, size_t n)
{
    int64_t usual[EXFIL_WEEK_HOURS];
    int64_t high[EXFIL_WEEK_HOURS];
    size_t n_usual;
    size_t n_high;

    if (!copy_reader_ints(row, usual, n, &n_usual) ||
        !copy_reader_ints(row, high, n, &n_high) || n_usual != n || n_high != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        median[i] = exfil_learn_x((uint64_t) MAX(usual[i], 0));
        spread[i] = (exfil_learn_x((uint64_t) MAX(high[i], 0)) - median[i]) / Z_95;
        if (!(spread[i] > 0))
            median[i] = spread[i] = NAN;
    }
    return true;
}

static bool
read_baseline(Reader *row, ExfilBaseline *baseline)
{
    int64_t published[EXFIL_MAX_PUBLISHED];

    if (!copy_reader_time(row, &baseline->from_us) ||
        !read_places(row, baseline->hour_median, baseline->hour_spread,
                     EXFIL_WEEK_HOURS) ||
        !read_places(row, baseline->day_median, baseline->day_spread, 7) ||
        !copy_reader_uint(row, &baseline->new_peer_octets) ||
        !copy_reader_uint(row, &baseline->served_octets) ||
        !copy_reader_uint(row, &baseline->network_day_octets))
        return false;
    copy_reader_double(row, &baseline->pcr);
    copy_reader_double(row, &baseline->initiated_share);
    copy_reader_double(row, &baseline->networks_a_day);
    if (!copy_reader_ints(row, published, EXFIL_MAX_PUBLISHED, &baseline->n_published))
        return false;
    baseline->n_published = MIN(baseline->n_published, EXFIL_MAX_PUBLISHED);
    for (size_t i = 0; i < baseline->n_published; i++)
        baseline->published[i] = (uint32_t) published[i];
    return true;
}

bool
baseline_rows_read(PGconn *conn, const IpAddress *host, ExfilBaseline *baseline,
                   GError **error)
{
    static const char doing[] = "reading a baseline";
    char text[IP_ADDRESS_TEXT_BYTES];
    const char *const params[] = { ip_address_format(host, text) };
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(PGresult) result = row_cursor_query(
        conn, doing,
        "SELECT b.from_at, b.hour_usual, b.hour_high, b.day_usual, b.day_high,"
        " b.new_peer_octets, b.served_octets, b.network_day_octets, b.pcr,"
        " b.initiated_share, b.networks_a_day, b.published"
        " FROM flowkeep.baseline AS b WHERE b.host = $1::inet",
        1, params, error);

    exfil_learn_nothing(baseline);
    if (!result)
        return false;
    if (PQntuples(result) == 0)
        return true;

    Reader row = row_cursor_row(result, 0, bytes);
    return read_baseline(&row, baseline) || copy_reader_refuse(doing, error);
}
