/* SPDX-License-Identifier: Apache-2.0 */

/* How many flow rows a CPU-second makes into sessions: from memory, as the server
 * sends them, through decoding and engine; and, on the server that TEST_CONNINFO
 * names, out of a table by COPY, as the job reads them.  Prints what, measured and
 * wanted, divided by tabs.
 *
 * The traffic: uniflows in both directions, over --seconds of receive time; sessions
 * of a second between --hosts watched hosts and --peers peers; from memory, one in ten
 * is of a minute and cut at 60 s. */

#include <glib.h>
#include <locale.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "clock.h"
#include "copy-field.h"
#include "copy-reader.h"
#include "live-db.h"
#include "session/flow-reader.h"
#include "session/session-engine.h"

#define T0_US         INT64_C(1700006400000000)
#define TABLE_T0_US   INT64_C(1709596800000000) /* 2024-03-05 */
#define CHUNK_ROWS    500000
#define TUPLE_BYTES   320 /* at most */
#define MAX_OPEN      1000000
#define LATE_US       (120 * US_PER_SEC)
#define N_LONG_PIECES 20

static int n_rows = 4000000;
static int n_seconds = 1200;
static int n_hosts = 500;
static int n_peers = 50000;

static const GOptionEntry options[] = {
    { "rows", 0, 0, G_OPTION_ARG_INT, &n_rows, "Flow rows (4 000 000)", "N" },
    { "seconds", 0, 0, G_OPTION_ARG_INT, &n_seconds, "Receive time they span", "N" },
    { "hosts", 0, 0, G_OPTION_ARG_INT, &n_hosts, "Watched hosts", "N" },
    { "peers", 0, 0, G_OPTION_ARG_INT, &n_peers, "Peers", "N" },
    { NULL },
};

static double
cpu_sec(void)
{
    return (double) clock_read_us(CLOCK_PROCESS_CPUTIME_ID) / US_PER_SEC;
}

static long
memory_mib(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

/* --- rows as the server sends them --- */

typedef struct {
    GByteArray *bytes;
    GArray *ends; /* of size_t: of each tuple */
} Tuples;

static uint8_t *
put_text_or_null(uint8_t *at, const char *text)
{
    return text ? copy_field_text(at, text, strlen(text)) : copy_field_null(at);
}

static void
put_tuple(Tuples *tuples, const FlowRow *row, const char *end_reason)
{
    uint8_t tuple[TUPLE_BYTES], *at = tuple;

    at = copy_field_row(at, FLOW_ROW_N_COLUMNS);
    at = copy_field_timestamptz(at, row->received_us);
    at = copy_field_timestamptz(at, row->start_us);
    at = copy_field_timestamptz(at, row->end_us);
    at = copy_field_int4(at, row->exporter_id);
    at = copy_field_int4(at, (int32_t) row->input_if);
    at = copy_field_int4(at, (int32_t) row->output_if);
    at = copy_field_inet(at, row->src);
    at = copy_field_inet(at, row->dst);
    at = copy_field_int4(at, row->src_port);
    at = copy_field_int4(at, row->dst_port);
    at = copy_field_int2(at, row->protocol);
    at = copy_field_int2(at, (int16_t) row->tcp_flags);
    at = copy_field_int8(at, (int64_t) row->octets);
    at = copy_field_int8(at, (int64_t) row->packets);
    at = copy_field_null(at);
    at = copy_field_int2(at, row->watched);
    at = put_text_or_null(at, end_reason);
    at = put_text_or_null(at, "0");
    at = copy_field_null(at);
    at = copy_field_null(at);

    g_byte_array_append(tuples->bytes, tuple, (guint) (at - tuple));
    const size_t end = tuples->bytes->len;
    g_array_append_val(tuples->ends, end);
}

static IpAddress
address(uint8_t first, uint32_t number)
{
    const uint8_t bytes[4] = { first, (uint8_t) (number >> 16), (uint8_t) (number >> 8),
                               (uint8_t) number };

    return ip_address_from_v4(bytes);
}

/* Both directions of one session, or of one piece of a long one. */
static void
put_session(Tuples *tuples, uint32_t host, uint32_t peer, uint16_t port,
            int64_t received_us, int64_t duration_us, const char *end_reason)
{
    FlowRow row = {
        .received_us = received_us,
        .start_us = received_us - 2 * US_PER_SEC - duration_us,
        .end_us = received_us - 2 * US_PER_SEC,
        .octets = 1500 + port,
        .packets = 10,
        .src = address(10, host),
        .dst = address(198, peer),
        .exporter_id = 1 + (int32_t) (host % 7),
        .input_if = 1,
        .output_if = 2,
        .src_port = port,
        .dst_port = 443,
        .protocol = 6,
        .tcp_flags = 0x1b,
        .watched = FLOW_ROW_WATCHED_SRC,
    };
    put_tuple(tuples, &row, end_reason);

    const FlowRow there = row;
    row.src = there.dst;
    row.dst = there.src;
    row.src_port = there.dst_port;
    row.dst_port = there.src_port;
    row.start_us += 20000;
    row.watched = FLOW_ROW_WATCHED_DST;
    put_tuple(tuples, &row, end_reason);
}

static void
make_tuples(Tuples *tuples, GRand *dice, int64_t from_us, int64_t to_us, int n)
{
    g_byte_array_set_size(tuples->bytes, 0);
    g_array_set_size(tuples->ends, 0);
    for (int i = 0; i < n; i += 2) {
        const int64_t at_us = from_us + (to_us - from_us) * i / n;
        const uint32_t host = g_rand_int(dice) % (uint32_t) n_hosts;

        if (i % N_LONG_PIECES == 0) /* the same at each minute */
            put_session(tuples, host, host, 50000, at_us, 59 * US_PER_SEC, "2");
        else
            put_session(tuples, host, g_rand_int(dice) % (uint32_t) n_peers,
                        (uint16_t) (1024 + g_rand_int(dice) % 60000), at_us, US_PER_SEC,
                        "3");
    }
}

/* --- measuring --- */

static void
report(const char *from, const char *reading, uint64_t rows, double read_sec,
       double engine_sec, SessionEngine *engine, const char *wanted)
{
    const double per_sec = (double) rows / (read_sec + engine_sec) / 1e6;

    printf("%s: rows per CPU-second\t%.2f M\t%s\n", from, per_sec, wanted);
    printf("%s: %s\t%.2f us a row\t\n", from, reading, read_sec / (double) rows * 1e6);
    printf("%s: sessions\t%.2f us a row\t\n", from, engine_sec / (double) rows * 1e6);
    printf("%s: open or remembered\t%zu sessions, %zu MiB\t\n", from,
           session_pool_len(session_engine_pool(engine)),
           session_pool_bytes(session_engine_pool(engine)) >> 20);
    printf("%s: peak memory of the process\t%ld MiB\t\n", from, memory_mib());
}

static void
decode(const Tuples *tuples, GArray *rows)
{
    size_t at = 0;

    g_array_set_size(rows, 0);
    for (guint i = 0; i < tuples->ends->len; i++) {
        const size_t end = g_array_index(tuples->ends, size_t, i);
        Reader r = reader_over(tuples->bytes->data + at, end - at);
        FlowRow row;

        reader_uint(&r, 2);
        if (flow_row_take(&r, &row) && reader_ok(&r))
            g_array_append_val(rows, row);
        at = end;
    }
}

static SessionEngine *
new_engine(void)
{
    return session_engine_new(&(SessionEngineOptions){ LATE_US, MAX_OPEN });
}

static void
from_memory(void)
{
    g_autoptr(SessionEngine) engine = new_engine();
    g_autoptr(GRand) dice = g_rand_new_with_seed(1);
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(FlowRow));
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GArray) ends = g_array_new(FALSE, FALSE, sizeof(size_t));
    Tuples tuples = { bytes, ends };
    const int n_chunks = MAX(1, n_rows / CHUNK_ROWS);
    double decode_sec = 0, engine_sec = 0;
    uint64_t n = 0;

    for (int i = 0; i < n_chunks; i++) {
        const int64_t from_us = T0_US + (int64_t) n_seconds * i / n_chunks * US_PER_SEC;
        const int64_t to_us =
            T0_US + (int64_t) n_seconds * (i + 1) / n_chunks * US_PER_SEC;

        make_tuples(&tuples, dice, from_us, to_us, n_rows / n_chunks);
        const double begin = cpu_sec();
        decode(&tuples, rows);
        const double decoded = cpu_sec();
        session_engine_take(engine, (const FlowRow *) (void *) rows->data, rows->len,
                            from_us, to_us);
        session_engine_tell_open(engine);
        contact_sum_clear(session_engine_sum(engine));
        engine_sec += cpu_sec() - decoded;
        decode_sec += decoded - begin;
        n += rows->len;
    }
    report("from memory", "decoding", n, decode_sec, engine_sec, engine, "1 M");
}

/* Both directions of --rows / 2 sessions, evenly over the time. */
static void
fill_table(LiveDb *db)
{
    g_autofree char *sql = g_strdup_printf(
        "SELECT flowkeep.partition_ensure('flow', '2024-03-05', '2024-03-06', '1 "
        "hour');"
        "INSERT INTO flowkeep.flow (received_at, start_at, end_at, exporter_id,"
        " input_if, output_if, src, dst, src_port, dst_port, protocol, tcp_flags,"
        " octets, packets, watched, extra)"
        " SELECT s.at + interval '3 s', s.at, s.at + interval '1 s', 1, 1 + b, 2 - b,"
        " CASE b WHEN 0 THEN s.host ELSE s.peer END,"
        " CASE b WHEN 0 THEN s.peer ELSE s.host END,"
        " CASE b WHEN 0 THEN s.port ELSE 443 END,"
        " CASE b WHEN 0 THEN 443 ELSE s.port END, 6, 27, 1500, 10, 1 + b,"
        " '{\"tos\": 0, \"end_reason\": 3, \"direction\": 0}'"
        " FROM (SELECT timestamptz '2024-03-05' + i * interval '%f s' AS at,"
        " inet '10.0.0.0' + (random() * %d)::integer AS host,"
        " inet '198.18.0.0' + (random() * %d)::integer AS peer,"
        " 1024 + (random() * 60000)::integer AS port"
        " FROM generate_series(1, %d) AS i) AS s, generate_series(0, 1) AS b",
        2.0 * n_seconds / n_rows, n_hosts, n_peers, n_rows / 2);

    live_db_exec(db, sql);
}

/* What the reader of the job does, libpq included. */
static bool
from_table(PGconn *conn, GError **error)
{
    g_autoptr(SessionEngine) engine = new_engine();
    int64_t at_us = TABLE_T0_US;
    const int64_t to_us = at_us + (n_seconds + 10) * US_PER_SEC;
    double read_sec = 0, engine_sec = 0;
    uint64_t n = 0;
    FlowBatch batch;

    flow_reader_init(&batch);
    while (at_us < to_us) {
        const double begin = cpu_sec();

        if (!flow_reader_run(conn, at_us, to_us, SESSION_ENGINE_SLICE_US, CHUNK_ROWS,
                             &batch, error))
            break;
        const double read = cpu_sec();
        session_engine_take(engine, (const FlowRow *) (void *) batch.rows->data,
                            batch.rows->len, at_us, batch.to_us);
        session_engine_tell_open(engine);
        contact_sum_clear(session_engine_sum(engine));
        engine_sec += cpu_sec() - read;
        read_sec += read - begin;
        n += batch.rows->len;
        at_us = batch.to_us;
    }
    flow_reader_clear(&batch);
    if (at_us < to_us)
        return false;
    report("from a table", "COPY and decoding", n, read_sec, engine_sec, engine, "");
    return true;
}

int
main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;
    g_auto(LiveDb) db = { 0 };

    setlocale(LC_ALL, "C");
    g_option_context_set_summary(context, "Flow rows to sessions, per CPU-second.");
    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || n_rows < 2 ||
        n_seconds < 1 || n_hosts < 1 || n_peers < 1) {
        g_printerr("%s\n", error ? error->message : "numbers must be positive");
        return 2;
    }

    from_memory();
    if (!g_getenv("TEST_CONNINFO") || !live_db_init(&db))
        return 0;
    fill_table(&db);
    if (!from_table(db.admin, &error)) {
        g_printerr("%s\n", error->message);
        return 1;
    }
    return 0;
}
