/* SPDX-License-Identifier: Apache-2.0 */

/* How many flow rows a CPU-second makes into sessions: from memory, as the server
 * sends them, through decoding and engine; and, with a connection, out of a real table
 * by COPY.
 *
 * The traffic: uniflows in both directions; --rows of them over --seconds of receive
 * time; sessions of a second between --hosts watched hosts and --peers peers, one in
 * twenty of a minute that is cut at 60 s. */

#include <glib.h>
#include <locale.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "clock.h"
#include "copy-field.h"
#include "copy-reader.h"
#include "db.h"
#include "session/flow-reader.h"
#include "session/session-engine.h"

#define T0_US         INT64_C(1700006400000000)
#define CHUNK_ROWS    500000
#define TUPLE_BYTES   320 /* at most */
#define MAX_OPEN      1000000
#define LATE_US       (120 * US_PER_SEC)
#define N_LONG_PIECES 20

static int n_rows = 4000000;
static int n_seconds = 1200;
static int n_hosts = 500;
static int n_peers = 50000;
static char *conninfo;
static gboolean as_json;

static const GOptionEntry options[] = {
    { "rows", 0, 0, G_OPTION_ARG_INT, &n_rows, "Flow rows (4 000 000)", "N" },
    { "seconds", 0, 0, G_OPTION_ARG_INT, &n_seconds, "Receive time they span", "N" },
    { "hosts", 0, 0, G_OPTION_ARG_INT, &n_hosts, "Watched hosts", "N" },
    { "peers", 0, 0, G_OPTION_ARG_INT, &n_peers, "Peers", "N" },
    { "database", 0, 0, G_OPTION_ARG_STRING, &conninfo,
      "Also read flow of this migrated database", "CONNINFO" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "A line of JSON each", NULL },
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
report(const char *what, uint64_t rows, double decode_sec, double engine_sec,
       const SessionEngine *engine)
{
    const double total_sec = decode_sec + engine_sec;
    const double rate = total_sec > 0 ? (double) rows / total_sec : 0;

    if (as_json)
        printf("{\"bench\": \"session\", \"from\": \"%s\", \"rows\": %" G_GUINT64_FORMAT
               ", \"decode_sec\": %.3f, \"engine_sec\": %.3f, \"rows_per_cpu_sec\": "
               "%.0f, \"engine_mib\": %zu, \"process_mib\": %ld}\n",
               what, rows, decode_sec, engine_sec, rate,
               session_engine_bytes(engine) >> 20, memory_mib());
    else
        printf("%-8s %12" G_GUINT64_FORMAT " %10.2f %10.2f %14.0f %10zu %10ld\n", what,
               rows, decode_sec, engine_sec, rate, session_engine_bytes(engine) >> 20,
               memory_mib());
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
    report("memory", n, decode_sec, engine_sec, engine);
}

/* What the reader of the job does, libpq included. */
static bool
from_table(GError **error)
{
    g_autoptr(SessionEngine) engine = new_engine();
    g_autoptr(PGconn) conn = db_connect(conninfo, "bench-session", false, 10, error);
    g_autoptr(PGresult) range =
        conn ? db_query(conn, "looking for flows",
                        "SELECT floor(extract(epoch FROM min(received_at)))::bigint,"
                        " floor(extract(epoch FROM max(received_at)))::bigint + 1"
                        " FROM flowkeep.flow",
                        0, NULL, error)
             : NULL;
    double read_sec = 0, engine_sec = 0;
    uint64_t n = 0;
    FlowBatch batch;

    if (!range)
        return false;

    int64_t at_us = g_ascii_strtoll(PQgetvalue(range, 0, 0), NULL, 10) * US_PER_SEC;
    const int64_t to_us =
        g_ascii_strtoll(PQgetvalue(range, 0, 1), NULL, 10) * US_PER_SEC;
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
    report("table", n, read_sec, engine_sec, engine);
    return true;
}

int
main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;

    setlocale(LC_ALL, "C");
    g_option_context_set_summary(context, "Flow rows to sessions, per CPU-second.");
    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || n_rows < 2 ||
        n_seconds < 1 || n_hosts < 1 || n_peers < 1) {
        g_printerr("%s\n", error ? error->message : "numbers must be positive");
        return 2;
    }
    if (!as_json)
        printf("%-8s %12s %10s %10s %14s %10s %10s\n", "from", "rows", "decode s",
               "engine s", "rows/CPU-s", "engine MiB", "peak MiB");
    from_memory();
    if (conninfo && !from_table(&error)) {
        g_printerr("%s\n", error->message);
        return 1;
    }
    return 0;
}
