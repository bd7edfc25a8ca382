/* SPDX-License-Identifier: Apache-2.0 */

/* PostgreSQL as judge: every row that the corpora of fuzz-stream, fuzz-message and
 * fuzz-copy lead to goes through the collector's own store into a real server, with
 * names, templates, losses and exporters as they come.  A row that the server refuses,
 * or one that is missing afterwards, fails.
 *
 * The folders are those of the repository; run-fuzz judge adds what fuzzing found
 * since, by FLOWKEEP_FUZZ_CORPUS (a folder with folders of the targets' names). */

#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "flow-check.h"
#include "flow-play.h"
#include "message-play.h"
#include "store/test-store-options.h"
#include "stream-play.h"

#define HOUR_US (3600 * US_PER_SEC)

static const char *corpus; /* the folder beside this file */

typedef struct {
    LiveDb db;
    FlowCheck *check;  /* whose normaliser it is */
    GPtrArray *tables; /* ExporterTable: the store may remember exporters for long */
    Store *store;
    StorePosition position;
    ExporterTable *exporters;
    uint64_t n_flows;
    uint64_t n_files;
} Judge;

static void
judge_clear(Judge *self)
{
    store_free(self->store);
    g_ptr_array_unref(self->tables);
    flow_check_free(self->check);
    live_db_clear(&self->db);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Judge, judge_clear)

static void
free_table(gpointer table)
{
    exporter_table_free(table);
}

static bool
judge_init(Judge *self)
{
    g_autoptr(GError) error = NULL;

    *self = (Judge){ .check = flow_check_new(),
                     .tables = g_ptr_array_new_with_free_func(free_table) };
    if (!live_db_init(&self->db))
        return false;

    /* Rows of any time there is: partitions for all of them would take the longest
     * part of it, so they go where rows go for which none can be made. */
    live_db_exec(
        &self->db,
        "DROP FUNCTION flowkeep.partition_ensure(text, timestamptz, timestamptz,"
        " interval, boolean)");

    const StoreOptions options = live_db_options(&self->db);
    self->store = store_open(&options, &self->position, &error);
    g_assert_no_error(error);
    return true;
}

/* --- what the decoder tells --- */

static void
on_flow(Flow *flow, int64_t shift_us, const CopyExtraNames *names, void *user_data)
{
    Judge *self = user_data;
    g_autoptr(GError) error = NULL;

    normalise(flow_check_normaliser(self->check), flow, shift_us);
    store_add_exporter(self->store, flow->exporter);
    store_add_flow(self->store, flow, names->app, names->vrf_in, names->vrf_out,
                   &error);
    g_assert_no_error(error);
    self->n_flows++;
}

static void
on_template(const LearntTemplate *learnt, void *user_data)
{
    store_add_template(((const Judge *) user_data)->store, learnt);
}

static void
on_option(const LearntOption *learnt, void *user_data)
{
    store_add_option(((const Judge *) user_data)->store, learnt);
}

static void
on_loss(const Loss *loss, void *user_data)
{
    store_add_loss(((const Judge *) user_data)->store, loss);
}

/* --- files --- */

static void
commit(Judge *self)
{
    g_autoptr(GError) error = NULL;

    self->position.segment = 1;
    self->position.offset++;
    self->position.received_us = clock_wall_us();
    store_flush_talkers(self->store);
    store_commit(self->store, &self->position, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(store_counters(self->store)->rejected, ==, 0);
}

static void
play_stream(Judge *self, const uint8_t *bytes, size_t n_bytes)
{
    static const StreamPlaySink sink = { on_flow, on_template, on_option, on_loss };

    stream_play(bytes, n_bytes, clock_wall_us() - HOUR_US, self->exporters, &sink,
                self);
}

static void
play_message(Judge *self, const uint8_t *bytes, size_t n_bytes)
{
    g_autoptr(GByteArray) stream = message_play_stream(bytes, n_bytes);

    play_stream(self, stream->data, stream->len);
}

static void
play_copy(Judge *self, const uint8_t *bytes, size_t n_bytes)
{
    const IpAddress address = { .bytes = { 0x20, 0x01, 0x0d, 0xb8 } };
    Exporter *exporter = exporter_table_get(self->exporters, &address, UINT32_MAX);

    flow_play(bytes, n_bytes, clock_wall_us() - HOUR_US, exporter, on_flow, self);
}

typedef void (*Play)(Judge *self, const uint8_t *bytes, size_t n_bytes);

static void
judge_folder(Judge *self, const char *folder, Play play)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autofree char *bytes = NULL;
        gsize n_bytes;

        if (!g_file_get_contents(path, &bytes, &n_bytes, NULL))
            continue;
        g_test_message("%s", path);
        self->exporters = exporter_table_new(16);
        g_ptr_array_add(self->tables, self->exporters);
        play(self, (const uint8_t *) bytes, n_bytes);
        commit(self);
        self->n_files++;
    }
}

static void
judge_target(const char *target, Play play)
{
    g_auto(Judge) judge = { 0 };
    const char *found = g_getenv("FLOWKEEP_FUZZ_CORPUS");
    g_autofree char *committed = g_build_filename(corpus, target, NULL);

    if (!judge_init(&judge))
        return;

    judge_folder(&judge, committed, play);
    g_assert_cmpuint(judge.n_files, >, 0);
    if (found) {
        g_autofree char *grown = g_build_filename(found, target, NULL);

        judge_folder(&judge, grown, play);
    }
    g_print("# %s: %" PRIu64 " files, %" PRIu64 " rows\n", target, judge.n_files,
            judge.n_flows);

    const int64_t n_flows = (int64_t) judge.n_flows;
    g_assert_cmpint(n_flows, >, 0);
    g_assert_cmpint(live_db_number(&judge.db, "SELECT count(*) FROM flowkeep.flow"), ==,
                    n_flows);
    g_assert_cmpint(live_db_number(&judge.db,
                                   "SELECT sum(flows) FROM flowkeep.traffic_1m"),
                    ==, n_flows);
    live_db_assert(&judge.db, "SELECT count(*) FROM flowkeep.rejected_flow", "0");
}

static void
test_stream(void)
{
    judge_target("stream", play_stream);
}

static void
test_message(void)
{
    judge_target("message", play_message);
}

static void
test_copy(void)
{
    judge_target("copy", play_copy);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 2);
    corpus = argv[1];
    g_test_add_func("/judge/server-takes-all-that-streams-lead-to", test_stream);
    g_test_add_func("/judge/server-takes-all-that-messages-lead-to", test_message);
    g_test_add_func("/judge/server-takes-flows-of-any-values", test_copy);
    return g_test_run();
}
