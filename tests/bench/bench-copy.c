/* SPDX-License-Identifier: Apache-2.0 */

/* bench-copy: how fast one connection stores flow rows when it does nothing else.
 *
 * The limit that the collector is compared with: bare COPY BINARY of a batch that was
 * encoded beforehand, again and again, each time in a transaction of its own.  The
 * rows are those of a table (--from flow: what the collector has just stored, byte
 * for byte) or made up.  They go to a scratch table of the same shape, which is
 * dropped, or to --into. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "copy-field.h"
#include "db.h"
#include "store/copy-row.h"
#include "store/store.h"

#define PIECE_BYTES   65536
#define SCRATCH_TABLE "bench_copy"

static char *conninfo = NULL;
static char *from = NULL;
static char *into = NULL;
static int batch_rows = 50000;
static int seconds = 10;
static int only_encode = 0;
static int through_store = 0;

static const GOptionEntry options[] = {
    { "conninfo", 'd', 0, G_OPTION_ARG_STRING, &conninfo, "database", "CONNINFO" },
    { "from", 0, 0, G_OPTION_ARG_STRING, &from, "take the rows of this table",
      "TABLE" },
    { "into", 0, 0, G_OPTION_ARG_STRING, &into, "store here, and keep it", "TABLE" },
    { "batch", 'b', 0, G_OPTION_ARG_INT, &batch_rows, "rows a transaction", "N" },
    { "seconds", 's', 0, G_OPTION_ARG_INT, &seconds, "how long", "N" },
    { "store", 0, 0, G_OPTION_ARG_NONE, &through_store, "through the store", NULL },
    { "encode", 0, 0, G_OPTION_ARG_NONE, &only_encode, "only encode rows", NULL },
    { NULL }
};

static Flow
make_flow(Exporter *exporter, uint32_t n, int64_t now_us)
{
    const uint32_t mixed = n * 2654435761u;
    const uint8_t src[4] = { 10, mixed >> 24, mixed >> 16, mixed >> 8 };
    const uint8_t dst[4] = { 198, 18 + (mixed >> 31), mixed >> 4, mixed };

    return (Flow){
        .exporter = exporter,
        .received_us = now_us + n,
        .start_us = now_us - n % 60000000,
        .end_us = now_us,
        .octets = 40 + mixed % 1000000,
        .packets = 1 + mixed % 1000,
        .src = ip_address_from_v4(src),
        .dst = ip_address_from_v4(dst),
        .input_if = 1 + mixed % 8,
        .output_if = 1 + mixed / 8 % 8,
        .src_port = 1024 + mixed % 60000,
        .dst_port = mixed % 3 ? 443 : 53,
        .protocol = mixed % 3 ? 6 : 17,
        .tcp_flags = 0x1b,
        .tos = 0,
        .present = FLOW_SRC | FLOW_DST | FLOW_SRC_PORT | FLOW_DST_PORT | FLOW_PROTOCOL |
                   FLOW_TCP_FLAGS | FLOW_INPUT_IF | FLOW_OUTPUT_IF | FLOW_OCTETS |
                   FLOW_PACKETS | FLOW_START | FLOW_END | FLOW_TOS,
    };
}

static GByteArray *
make_rows(int64_t now_us)
{
    Exporter exporter = { .id = 1 };
    GByteArray *stream = g_byte_array_new();

    g_byte_array_append(stream, (const guint8 *) COPY_FIELD_HEADER,
                        COPY_FIELD_HEADER_BYTES);
    for (int i = 0; i < batch_rows; i++) {
        static uint8_t row[COPY_ROW_MAX_BYTES];
        const Flow flow = make_flow(&exporter, (uint32_t) i, now_us);
        const uint8_t *end =
            copy_row_put(row, &flow, &(CopyExtraNames){ 0 }, COPY_ROW_EXTRA_FORCED);

        g_byte_array_append(stream, row, (guint) (end - row));
    }
    g_byte_array_append(stream, (const guint8 *) COPY_FIELD_TRAILER,
                        COPY_FIELD_TRAILER_BYTES);
    return stream;
}

/* The rows of a table, as the server encodes them. */
static GByteArray *
fetch_rows(PGconn *conn, int *n_rows)
{
    g_autofree char *sql = g_strdup_printf(
        "COPY (SELECT * FROM flowkeep.%s LIMIT %d) TO STDOUT (FORMAT binary)", from,
        batch_rows);
    g_autoptr(PGresult) begun = PQexec(conn, sql);
    GByteArray *stream = g_byte_array_new();
    char *piece;
    int n_bytes;

    *n_rows = 0;
    if (PQresultStatus(begun) != PGRES_COPY_OUT)
        return stream;
    while ((n_bytes = PQgetCopyData(conn, &piece, 0)) > 0) {
        g_byte_array_append(stream, (const guint8 *) piece, (guint) n_bytes);
        PQfreemem(piece);
    }

    g_autoptr(PGresult) ended = PQgetResult(conn);
    *n_rows = (int) g_ascii_strtoll(PQcmdTuples(ended), NULL, 10);
    while (PQgetResult(conn))
        ;
    return stream;
}

static bool
store(PGconn *conn, const char *statement, const GByteArray *stream, GError **error)
{
    g_autoptr(PGresult) begun = PQexec(conn, statement);
    bool ok = PQresultStatus(begun) == PGRES_COPY_IN;

    for (guint at = 0; ok && at < stream->len; at += PIECE_BYTES)
        ok = PQputCopyData(conn, (const char *) stream->data + at,
                           (int) MIN(PIECE_BYTES, stream->len - at)) == 1;
    ok = ok && PQputCopyEnd(conn, NULL) == 1;

    for (PGresult *result; (result = PQgetResult(conn)) != NULL; PQclear(result))
        ok = ok && PQresultStatus(result) == PGRES_COMMAND_OK;
    return ok || db_error_set(error, conn, begun, "COPY");
}

static void
bench_encode(void)
{
    const int64_t now_us = clock_wall_us();
    const int64_t until_us = clock_mono_us() + seconds * US_PER_SEC;
    const int64_t begin_us = clock_read_us(CLOCK_PROCESS_CPUTIME_ID);
    static uint8_t row[COPY_ROW_MAX_BYTES];
    Exporter exporter = { .id = 1 };
    uint64_t n_rows = 0, n_bytes = 0;

    while (clock_mono_us() < until_us) {
        for (int i = 0; i < 10000; i++, n_rows++) {
            const Flow flow = make_flow(&exporter, (uint32_t) n_rows, now_us);

            n_bytes += (size_t) (copy_row_put(row, &flow, &(CopyExtraNames){ 0 },
                                              COPY_ROW_EXTRA_FORCED) -
                                 row);
        }
    }

    const double cpu_sec =
        (double) (clock_read_us(CLOCK_PROCESS_CPUTIME_ID) - begin_us) / US_PER_SEC;
    printf("%.1f M rows per CPU-second encoded, %.0f bytes a row\n",
           (double) n_rows / cpu_sec / 1e6, (double) n_bytes / (double) n_rows);
}

static bool
bench_store(PGconn *conn, GError **error)
{
    int n_rows = batch_rows;
    g_autoptr(GByteArray) stream =
        from ? fetch_rows(conn, &n_rows) : make_rows(clock_wall_us());
    g_autofree char *statement = copy_row_statement(into ?: SCRATCH_TABLE);
    const int64_t begin_us = clock_mono_us();
    uint64_t stored = 0;

    if (n_rows == 0) {
        g_set_error(error, DB_ERROR, DB_ERROR_REJECTED, "table %s: no rows to copy",
                    from);
        return false;
    }

    while (clock_mono_us() < begin_us + seconds * US_PER_SEC) {
        if (!store(conn, statement, stream, error))
            return false;
        stored += (uint64_t) n_rows;
    }

    const double elapsed_sec = (double) (clock_mono_us() - begin_us) / US_PER_SEC;
    printf("%.0f rows/s stored by bare COPY: %" PRIu64 " rows, %d a transaction, "
           "%.0f bytes a row, %.1f s\n",
           (double) stored / elapsed_sec, stored, n_rows, (double) stream->len / n_rows,
           elapsed_sec);
    return true;
}

/* As a worker would: the position moves with each batch. */
static bool
bench_through_store(GError **error)
{
    const StoreOptions store_options = {
        .conninfo = conninfo,
        .connect_timeout_sec = 10,
        .collector = "bench-copy",
        .journal_id = "00000000000000000000000000000000",
        .batch_rows = (uint32_t) batch_rows,
        .partition_minutes = 60,
        .talkers = 500,
    };
    StorePosition position;
    Exporter exporter = { .dirty = true };
    g_autoptr(Store) self = store_open(&store_options, &position, error);
    const int64_t begin_us = clock_mono_us();
    const int64_t begin_cpu_us = clock_read_us(CLOCK_PROCESS_CPUTIME_ID);
    bool ok = self != NULL;

    while (ok && clock_mono_us() < begin_us + seconds * US_PER_SEC) {
        const int64_t now_us = clock_wall_us();

        exporter.dirty = true;
        exporter.next_sequence += (uint32_t) batch_rows;
        store_add_exporter(self, &exporter);
        for (int i = 0; ok && i < batch_rows; i++) {
            const Flow flow = make_flow(&exporter, (uint32_t) i, now_us);

            ok = store_add_flow(self, &flow, NULL, NULL, NULL, error);
        }
        position.offset++;
        position.received_us = now_us;
        ok = ok && store_commit(self, &position, error);
    }
    if (!ok)
        return false;

    const double elapsed_sec = (double) (clock_mono_us() - begin_us) / US_PER_SEC;
    const double cpu_sec =
        (double) (clock_read_us(CLOCK_PROCESS_CPUTIME_ID) - begin_cpu_us) / US_PER_SEC;
    const double rows = (double) store_counters(self)->rows;

    printf(
        "%.0f rows/s through the store: %.0f rows, %.2f M rows per CPU-second of our "
        "own, %.1f s\n",
        rows / elapsed_sec, rows, rows / cpu_sec / 1e6, elapsed_sec);
    return true;
}

static bool
run(GError **error)
{
    if (through_store)
        return bench_through_store(error);

    g_autoptr(PGconn) conn = db_connect(conninfo, "bench-copy", true, 10, error);

    if (!conn)
        return false;
    if (into)
        return bench_store(conn, error);

    if (!db_exec(conn,
                 "SET client_min_messages = warning;"
                 "DROP TABLE IF EXISTS flowkeep." SCRATCH_TABLE ";"
                 "CREATE TABLE flowkeep." SCRATCH_TABLE
                 " (LIKE flowkeep.flow) WITH (autovacuum_enabled = false)",
                 error))
        return false;

    const bool ok = bench_store(conn, error);
    return db_exec(conn, "DROP TABLE flowkeep." SCRATCH_TABLE, ok ? error : NULL) && ok;
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GOptionContext) context =
        g_option_context_new("- bare COPY of flow rows");

    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) ||
        (!only_encode && !conninfo)) {
        fprintf(stderr, "bench-copy: %s\n",
                error ? error->message : "--conninfo is missing");
        return 2;
    }

    if (only_encode) {
        bench_encode();
        return 0;
    }
    if (!run(&error)) {
        fprintf(stderr, "bench-copy: %s\n", error->message);
        return 1;
    }
    return 0;
}
