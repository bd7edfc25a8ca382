/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "clock.h"
#include "db.h"
#include "schema.h"
#include "store/test-store-options.h"

#define HOUR_US (3600 * US_PER_SEC)

/* A store, and the exporters it knows. */
typedef struct {
    Store *store;
    ExporterTable *exporters;
    Exporter *exporter;
    StorePosition position;
} Worker;

static void
worker_clear(Worker *self)
{
    store_free(self->store);
    exporter_table_free(self->exporters);
    *self = (Worker){ 0 };
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Worker, worker_clear)

static void
open_worker(Worker *self, const StoreOptions *options)
{
    const uint8_t address[4] = { 192, 0, 2, 9 };
    const IpAddress addr = ip_address_from_v4(address);
    g_autoptr(GError) error = NULL;

    self->store = store_open(options, &self->position, &error);
    g_assert_no_error(error);
    self->exporters = exporter_table_new(100);
    store_restore(self->store, self->exporters, &(StoreRestore){ 0 }, NULL, &error);
    g_assert_no_error(error);
    self->exporter = exporter_table_get(self->exporters, &addr, 7);
}

static Flow
make_flow(const Worker *self, int64_t received_us, uint64_t octets)
{
    const uint8_t src[4] = { 10, 0, 0, 1 };
    const uint8_t dst[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 };

    return (Flow){ .exporter = self->exporter,
                   .received_us = received_us,
                   .start_us = received_us - 5 * US_PER_SEC,
                   .end_us = received_us - US_PER_SEC,
                   .octets = octets,
                   .packets = 2,
                   .src = ip_address_from_v4(src),
                   .dst = ip_address_from_v6(dst),
                   .src_port = 40000,
                   .dst_port = 443,
                   .protocol = 6,
                   .tcp_flags = 0x12,
                   .input_if = 1,
                   .output_if = UINT32_MAX,
                   .app = 80,
                   .watched = FLOW_WATCHED_SRC,
                   .present = FLOW_SRC | FLOW_DST | FLOW_SRC_PORT | FLOW_DST_PORT |
                              FLOW_PROTOCOL | FLOW_TCP_FLAGS | FLOW_INPUT_IF |
                              FLOW_OUTPUT_IF | FLOW_OCTETS | FLOW_PACKETS | FLOW_APP };
}

static bool
add(Worker *self, int64_t received_us, uint64_t octets, GError **error)
{
    const Flow flow = make_flow(self, received_us, octets);

    return store_add_flow(self->store, &flow, "a \"quoted\" \\ name\n", NULL, NULL,
                          error);
}

/* Commits at the position after @n_rows more rows: its offset counts rows. */
static bool
commit(Worker *self, uint64_t n_rows, GError **error)
{
    self->position.segment = 1;
    self->position.offset += n_rows;
    self->position.received_us = clock_wall_us();
    return store_commit(self->store, &self->position, error);
}

static void
add_and_commit(Worker *self, unsigned n_rows)
{
    const int64_t now_us = clock_wall_us();
    g_autoptr(GError) error = NULL;

    for (unsigned i = 0; i < n_rows; i++) {
        add(self, now_us, 1000 + i, &error);
        g_assert_no_error(error);
    }
    commit(self, n_rows, &error);
    g_assert_no_error(error);
}

/* --- what is stored --- */

static void
test_stores_what_it_is_given(void)
{
    g_auto(LiveDb) db = { 0 };
    g_auto(Worker) worker = { 0 };

    if (!live_db_init(&db))
        return;

    const StoreOptions options = live_db_options(&db);
    open_worker(&worker, &options);
    store_add_loss(worker.store, &(Loss){ .exporter = worker.exporter,
                                          .reason = LOSS_SEQUENCE_GAP,
                                          .unit = LOSS_UNIT_FLOWS,
                                          .class = "",
                                          .count = 5,
                                          .received_us = clock_wall_us() });
    store_flush_talkers(worker.store);
    add_and_commit(&worker, 3);
    store_flush_talkers(worker.store);
    add_and_commit(&worker, 0);

    live_db_assert(&db, "SELECT count(*) FROM flowkeep.flow", "3");
    live_db_assert(&db, "SELECT count(*) FROM flowkeep.flow_default", "0");
    live_db_assert(&db,
                   "SELECT concat_ws(' ', end_at - start_at, received_at - end_at,"
                   " input_if, output_if, host(src), host(dst), src_port, dst_port,"
                   " protocol, tcp_flags, octets, packets, sampling, watched, extra)"
                   " FROM flowkeep.flow ORDER BY octets DESC",
                   "00:00:04 00:00:01 1 10.0.0.1 2001:db8::2 40000 443 6 18 1002 2 1 "
                   "{\"app\": \"a \\\"quoted\\\" \\\\ name\\n\", "
                   "\"output_if\": 4294967295}");
    live_db_assert(&db,
                   "SELECT concat_ws(' ', input_if, output_if, protocol, service_port,"
                   " watched, octets, packets, flows) FROM flowkeep.traffic_1m",
                   "1 6 443 1 3003 6 3");
    live_db_assert(&db,
                   "SELECT string_agg(concat_ws(' ', kind, key, octets, flows), ', '"
                   " ORDER BY kind, key) FROM flowkeep.talker_5m",
                   "host 10.0.0.1 3003 3, host 2001:db8::2 3003 3, "
                   "pair 10.0.0.1 2001:db8::2 3003 3, port tcp/443 3003 3");
    live_db_assert(&db,
                   "SELECT concat_ws(' ', e.address, e.domain, l.collector, l.reason,"
                   " l.unit, l.count) FROM flowkeep.loss AS l"
                   " JOIN flowkeep.exporter AS e ON e.id = l.exporter_id",
                   "192.0.2.9 7 test sequence_gap flows 5");
    live_db_assert(
        &db,
        "SELECT concat_ws(' ', segment, segment_offset, rows_stored, batches)"
        " FROM flowkeep.ingest_position",
        "1 3 3 2");
    live_db_assert(&db,
                   "SELECT count(*) FROM flowkeep.audit_rows('-infinity', 'infinity')",
                   "0");
}

static void
test_open_batch_is_rolled_back(void)
{
    g_auto(LiveDb) db = { 0 };
    g_auto(Worker) worker = { 0 };
    g_autoptr(GError) error = NULL;

    if (!live_db_init(&db))
        return;

    const StoreOptions options = live_db_options(&db);
    open_worker(&worker, &options);
    add_and_commit(&worker, 10);
    for (int i = 0; i < 5000; i++)
        add(&worker, clock_wall_us(), 1, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(store_batch_rows(worker.store), ==, 5000);
    worker_clear(&worker);

    open_worker(&worker, &options);
    g_assert_cmpuint(worker.position.offset, ==, 10);
    live_db_assert(&db, "SELECT count(*) FROM flowkeep.flow", "10");
}

/* --- exactly once --- */

static void
test_position_is_compare_and_set(void)
{
    g_auto(LiveDb) db = { 0 };
    g_auto(Worker) worker = { 0 };
    g_autoptr(GError) error = NULL;

    if (!live_db_init(&db))
        return;

    const StoreOptions options = live_db_options(&db);
    open_worker(&worker, &options);
    add_and_commit(&worker, 10);
    live_db_exec(&db, "UPDATE flowkeep.ingest_position SET segment_offset = 9");
    add(&worker, clock_wall_us(), 1, &error);
    g_assert_no_error(error);
    g_assert_false(commit(&worker, 1, &error));
    g_assert_error(error, DB_ERROR, DB_ERROR_REJECTED);
    worker_clear(&worker);
    live_db_assert(&db, "SELECT count(*) FROM flowkeep.flow", "10");
}

static void
test_second_of_one_name_is_refused(void)
{
    g_auto(LiveDb) db = { 0 };
    g_auto(Worker) worker = { 0 };
    g_autoptr(GError) error = NULL;
    StorePosition position = { .offset = 77 };

    if (!live_db_init(&db))
        return;

    StoreOptions options = live_db_options(&db);
    open_worker(&worker, &options);
    options.journal_id = "ffffffffffffffffffffffffffffffff";
    g_assert_null(store_open(&options, &position, &error));
    g_assert_error(error, DB_ERROR, DB_ERROR_REJECTED);
    g_assert_cmpuint(position.offset, ==, 77);
    add_and_commit(&worker, 1);

    options.worker = 1;
    g_auto(Worker) other = { 0 };
    open_worker(&other, &options);
    add_and_commit(&other, 1);
    live_db_assert(&db, "SELECT count(*) FROM flowkeep.ingest_position", "2");
}

/* Two machines with one name take turns; or an old disk comes back. */
static void
test_a_journal_that_comes_back_goes_on_where_it_was_left(void)
{
    static const char *const ids[] = { "0123456789abcdef0123456789abcdef",
                                       "ffffffffffffffffffffffffffffffff" };
    const uint8_t waiting[32] = { 1, 2, 3 };
    g_auto(LiveDb) db = { 0 };

    if (!live_db_init(&db))
        return;

    StoreOptions options = live_db_options(&db);
    for (unsigned turn = 0; turn < 6; turn++) {
        g_auto(Worker) worker = { 0 };
        const uint64_t n_before = turn / 2 * 3;

        options.journal_id = ids[turn % 2];
        open_worker(&worker, &options);
        g_assert_cmpuint(worker.position.segment, ==, turn < 2 ? 0 : 1);
        g_assert_cmpuint(worker.position.offset, ==, n_before);
        g_assert_cmpuint(worker.position.seq, ==, turn < 2 ? 0 : 100 + n_before);
        g_assert_cmpuint(worker.position.counts[2], ==, n_before);
        if (turn == 0)
            store_set_waiting(worker.store, waiting, sizeof(waiting));
        worker.position.seq = 100 + n_before + 3;
        worker.position.counts[2] = n_before + 3;
        add_and_commit(&worker, 3);
        live_db_assert(&db,
                       "SELECT coalesce(length(waiting), 0)"
                       "  FROM flowkeep.ingest_position",
                       turn % 2 == 0 ? "32" : "0");
    }
    live_db_assert(&db, "SELECT count(*) FROM flowkeep.flow", "18");
}

static void
test_new_journal_begins_at_zero(void)
{
    g_auto(LiveDb) db = { 0 };
    g_auto(Worker) worker = { 0 };

    if (!live_db_init(&db))
        return;

    StoreOptions options = live_db_options(&db);
    open_worker(&worker, &options);
    store_set_waiting(worker.store, (const uint8_t *) "old", 3);
    add_and_commit(&worker, 10);
    worker_clear(&worker);

    options.journal_id = "ffffffffffffffffffffffffffffffff";
    open_worker(&worker, &options);
    g_assert_cmpuint(worker.position.segment, ==, 0);
    g_assert_cmpuint(worker.position.offset, ==, 0);
    add_and_commit(&worker, 2);
    live_db_assert(&db,
                   "SELECT concat_ws(' ', journal_id, segment_offset, waiting IS NULL)"
                   " FROM flowkeep.ingest_position",
                   "ffffffffffffffffffffffffffffffff 2 t");
}

/* Rows and position in the database agree, whatever was taken back. */
static void
check_rows_are_position(LiveDb *db, const Worker *worker)
{
    g_assert_cmpint(live_db_number(db, "SELECT count(*) FROM flowkeep.flow"), ==,
                    (int64_t) worker->position.offset);
    g_assert_cmpint(live_db_number(db, "SELECT sum(flows) FROM flowkeep.traffic_1m"),
                    ==, (int64_t) worker->position.offset);
}

static void
test_server_killed_in_mid_batch(void)
{
    g_auto(LiveDb) db = { 0 };
    g_auto(Worker) worker = { 0 };

    if (!live_db_init(&db))
        return;

    const StoreOptions options = live_db_options(&db);
    open_worker(&worker, &options);
    for (int round = 0; round < 3; round++) {
        g_autoptr(GError) error = NULL;
        StorePosition flushed;

        for (int i = 0; i < 20; i++)
            add_and_commit(&worker, 100);
        store_flushed(worker.store, &flushed, &error);
        g_assert_no_error(error);
        for (int i = 0; i < 3000; i++)
            add(&worker, clock_wall_us(), 1, &error);
        g_assert_no_error(error);

        live_db_server("kill");
        g_assert_false(commit(&worker, 3000, &error));
        g_assert_error(error, DB_ERROR, DB_ERROR_LOST);
        worker_clear(&worker);

        live_db_server("start");
        live_db_reconnect(&db);
        open_worker(&worker, &options);
        g_assert_cmpuint(worker.position.offset, >=, flushed.offset);
        check_rows_are_position(&db, &worker);
    }
    g_assert_cmpuint(worker.position.offset, <=, 6000);
}

static void
test_backend_ended_in_mid_copy(void)
{
    g_auto(LiveDb) db = { 0 };
    g_auto(Worker) worker = { 0 };
    g_autoptr(GError) error = NULL;
    bool ok = true;

    if (!live_db_init(&db))
        return;

    const StoreOptions options = live_db_options(&db);
    open_worker(&worker, &options);
    add_and_commit(&worker, 10);
    add(&worker, clock_wall_us(), 1, &error);
    g_assert_no_error(error);
    live_db_exec(&db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                      " WHERE usename = 'flowkeep_collector_live' AND state <> 'idle'");
    for (int i = 0; ok && i < 100000; i++)
        ok = add(&worker, clock_wall_us(), 1, &error);
    ok = ok && commit(&worker, 1, &error);
    g_assert_false(ok);
    g_assert_error(error, DB_ERROR, DB_ERROR_LOST);
    worker_clear(&worker);

    open_worker(&worker, &options);
    g_assert_cmpuint(worker.position.offset, ==, 10);
    check_rows_are_position(&db, &worker);
}

static void
test_flushed_catches_up(void)
{
    g_auto(LiveDb) db = { 0 };
    g_auto(Worker) worker = { 0 };
    g_autoptr(GError) error = NULL;
    StorePosition flushed = { 0 };

    if (!live_db_init(&db))
        return;

    const StoreOptions options = live_db_options(&db);
    open_worker(&worker, &options);
    add_and_commit(&worker, 10);
    for (int i = 0; i < 100 && flushed.offset < 10; i++) {
        add_and_commit(&worker, 0);
        g_usleep(50 * US_PER_MS);
        store_flushed(worker.store, &flushed, &error);
        g_assert_no_error(error);
    }
    g_assert_cmpuint(flushed.offset, ==, 10);
}

/* --- refused rows --- */

static void
test_bad_rows_are_rejected_alone(void)
{
    g_auto(LiveDb) db = { 0 };
    g_auto(Worker) worker = { 0 };
    const int64_t now_us = clock_wall_us();
    const int64_t later_us = now_us + HOUR_US;
    g_autoptr(GError) error = NULL;

    if (!live_db_init(&db))
        return;

    const StoreOptions options = live_db_options(&db);
    live_db_exec(&db, "ALTER TABLE flowkeep.flow"
                      " ADD CONSTRAINT test_refusal CHECK (octets <> 666)");
    open_worker(&worker, &options);
    /* Into two partitions, and back: three pieces, bad rows in the first and last. */
    for (int i = 0; i < 3000; i++) {
        const bool is_bad = i == 0 || i == 777 || i == 2999;

        add(&worker, i >= 1000 && i < 2000 ? later_us : now_us, is_bad ? 666 : 1,
            &error);
        g_assert_no_error(error);
    }
    commit(&worker, 3000, &error);
    g_assert_no_error(error);

    g_assert_cmpuint(store_counters(worker.store)->rows, ==, 2997);
    g_assert_cmpuint(store_counters(worker.store)->rejected, ==, 3);
    live_db_assert(&db, "SELECT count(*) FROM flowkeep.flow", "2997");
    live_db_assert(&db, "SELECT sum(rows_stored) FROM flowkeep.ingest_position",
                   "2997");
    live_db_assert(&db,
                   "SELECT concat_ws(' ', count(*), min(sqlstate), bool_and(flow LIKE"
                   " '%octets=666%' AND reason LIKE '%test_refusal%'))"
                   " FROM flowkeep.rejected_flow",
                   "3 23514 t");
    live_db_assert(&db,
                   "SELECT concat_ws(' ', reason, unit, sum(count), min(exporter_id))"
                   " FROM flowkeep.loss GROUP BY reason, unit",
                   "rejected flows 3 1");
    live_db_assert(&db,
                   "SELECT count(*) FROM flowkeep.audit_rows('-infinity', 'infinity')",
                   "0");

    add_and_commit(&worker, 5);
    live_db_assert(&db, "SELECT count(*) FROM flowkeep.flow", "3002");
}

static void
test_lost_right_rejects_nothing(void)
{
    g_auto(LiveDb) db = { 0 };
    g_auto(Worker) worker = { 0 };
    g_autoptr(GError) error = NULL;

    if (!live_db_init(&db))
        return;

    const StoreOptions options = live_db_options(&db);
    open_worker(&worker, &options);
    add_and_commit(&worker, 1);
    live_db_exec(&db, "DO $$ BEGIN EXECUTE format('REVOKE INSERT ON flowkeep.%I FROM"
                      " flowkeep_collector', (SELECT name FROM flowkeep.time_partition"
                      " WHERE parent = 'flow')); END $$");
    g_assert_false(add(&worker, clock_wall_us(), 1, &error));
    g_assert_error(error, DB_ERROR, DB_ERROR_LOST);
    worker_clear(&worker);
    live_db_assert(&db, "SELECT count(*) FROM flowkeep.rejected_flow", "0");
}

/* --- partitions --- */

static void
test_import_makes_old_partitions(void)
{
    g_auto(LiveDb) db = { 0 };
    g_auto(Worker) worker = { 0 };
    const int64_t old_us = INT64_C(1262304000000000); /* 2010-01-01 */
    g_autoptr(GError) error = NULL;

    if (!live_db_init(&db))
        return;

    StoreOptions options = live_db_options(&db);
    options.import = true;
    open_worker(&worker, &options);
    for (int hour = 0; hour < 3; hour++)
        add(&worker, old_us + hour * HOUR_US, 1, &error);
    commit(&worker, 3, &error);
    g_assert_no_error(error);

    live_db_assert(&db,
                   "SELECT string_agg(name, ' ' ORDER BY name) FROM"
                   " flowkeep.time_partition WHERE imported",
                   "flow_20100101_0000 flow_20100101_0100 flow_20100101_0200 "
                   "talker_5m_20100101 traffic_1m_20100101");
    live_db_assert(&db,
                   "SELECT concat_ws(' ', state, from_at AT TIME ZONE 'UTC',"
                   " to_at - from_at) FROM flowkeep.backfill",
                   "open 2010-01-01 00:00:00 02:00:00");
    live_db_assert(&db, "SELECT count(*) FROM flowkeep.traffic_late", "3");

    store_flush_talkers(worker.store);
    commit(&worker, 0, &error);
    g_assert_no_error(error);
    live_db_assert(&db, "SELECT state FROM flowkeep.backfill", "ready");
    live_db_assert(&db, "SELECT flowkeep.ingest_safe_at() > now() - interval '1 min'",
                   "t");
}

static void
test_default_partition_catches_the_rest(void)
{
    g_auto(LiveDb) db = { 0 };
    g_auto(Worker) worker = { 0 };

    if (!live_db_init(&db))
        return;

    const StoreOptions options = live_db_options(&db);
    open_worker(&worker, &options);
    live_db_exec(&db, "BEGIN; LOCK TABLE flowkeep.flow IN SHARE UPDATE EXCLUSIVE MODE");
    add_and_commit(&worker, 4); /* after the lock_timeout of partition_ensure() */
    live_db_exec(&db, "COMMIT");
    live_db_assert(&db, "SELECT count(*) FROM flowkeep.flow_default", "4");

    live_db_exec(&db,
                 "SELECT flowkeep.partition_ensure('flow', now() - interval '1 min',"
                 " now(), '1 hour')");
    live_db_assert(&db, "SELECT count(*) FROM flowkeep.flow_default", "0");
    live_db_assert(&db, "SELECT count(*) FROM flowkeep.flow", "4");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/store/stores-what-it-is-given", test_stores_what_it_is_given);
    g_test_add_func("/store/open-batch-is-rolled-back", test_open_batch_is_rolled_back);
    g_test_add_func("/store/position-is-compare-and-set",
                    test_position_is_compare_and_set);
    g_test_add_func("/store/second-of-one-name-is-refused",
                    test_second_of_one_name_is_refused);
    g_test_add_func("/store/a-journal-that-comes-back-goes-on-where-it-was-left",
                    test_a_journal_that_comes_back_goes_on_where_it_was_left);
    g_test_add_func("/store/new-journal-begins-at-zero",
                    test_new_journal_begins_at_zero);
    g_test_add_func("/store/server-killed-in-mid-batch",
                    test_server_killed_in_mid_batch);
    g_test_add_func("/store/backend-ended-in-mid-copy", test_backend_ended_in_mid_copy);
    g_test_add_func("/store/flushed-catches-up", test_flushed_catches_up);
    g_test_add_func("/store/bad-rows-are-rejected-alone",
                    test_bad_rows_are_rejected_alone);
    g_test_add_func("/store/lost-right-rejects-nothing",
                    test_lost_right_rejects_nothing);
    g_test_add_func("/store/import-makes-old-partitions",
                    test_import_makes_old_partitions);
    g_test_add_func("/store/default-partition-catches-the-rest",
                    test_default_partition_catches_the_rest);
    return g_test_run();
}
