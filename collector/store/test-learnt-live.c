/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "clock.h"
#include "db.h"
#include "flow/sampling.h"
#include "store/test-store-options.h"

#define N_EXPORTERS 600 /* more than are written with every commit */

/* What was given back. */
typedef struct {
    GString *text;
    ExporterTable *exporters;
} Restored;

static void
on_template(const LearntTemplate *learnt, void *user_data)
{
    GString *text = ((Restored *) user_data)->text;

    g_string_append_printf(text, "template %u/%u %u %u %d ", learnt->exporter->domain,
                           learnt->version, learnt->id, learnt->peer_port,
                           learnt->is_options);
    for (size_t i = 0; i < learnt->n_body; i++)
        g_string_append_printf(text, "%02x", learnt->body[i]);
    g_string_append_printf(text, " %d\n", (int) (learnt->learnt_us / US_PER_SEC));
}

static void
on_option(const LearntOption *learnt, void *user_data)
{
    g_string_append_printf(((Restored *) user_data)->text,
                           "option %u %s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
                           " [%s] [%s]\n",
                           learnt->exporter->domain, learnt_kind_name(learnt->kind),
                           learnt->key, learnt->number, learnt->name,
                           learnt->description);
}

static void
on_waiting(const uint8_t *bytes, size_t n_bytes, void *user_data)
{
    g_string_append_printf(((Restored *) user_data)->text, "waiting %.*s\n",
                           (int) n_bytes, (const char *) bytes);
}

static const StoreRestore callbacks = { on_template, on_option, on_waiting };

/* All that a new store gives back (transfer full). */
static char *
restore(const StoreOptions *options, ExporterTable *exporters)
{
    Restored restored = { g_string_new(NULL), exporters };
    StorePosition position;
    g_autoptr(GError) error = NULL;
    g_autoptr(Store) store = store_open(options, &position, &error);

    g_assert_no_error(error);
    store_restore(store, exporters, &callbacks, &restored, &error);
    g_assert_no_error(error);
    return g_string_free(restored.text, FALSE);
}

static Exporter *
get_exporter(ExporterTable *table, uint32_t domain)
{
    const uint8_t address[4] = { 192, 0, 2, 9 };
    const IpAddress addr = ip_address_from_v4(address);

    return exporter_table_get(table, &addr, domain);
}

static void
add_template(Store *store, Exporter *exporter, uint16_t id, const char *body)
{
    store_add_template(store,
                       &(LearntTemplate){ .exporter = exporter,
                                          .version = 10,
                                          .id = id,
                                          .peer_port = 5000,
                                          .is_options = id > 256,
                                          .body = (const uint8_t *) body,
                                          .n_body = body ? strlen(body) : 0,
                                          .learnt_us = 1000 * US_PER_SEC + id +
                                                       exporter->domain * 1000 });
}

static void
add_option(Store *store, Exporter *exporter, LearntKind kind, uint64_t key,
           const char *name)
{
    LearntOption learnt = { .exporter = exporter,
                            .kind = kind,
                            .key = key,
                            .number = key == 1 ? UINT64_MAX : 0,
                            .learnt_us = 1000 * US_PER_SEC + (int64_t) (key % 1000) };

    g_strlcpy(learnt.name, name, sizeof(learnt.name));
    store_add_option(store, &learnt);
}

static void
commit(Store *store, StorePosition *position)
{
    g_autoptr(GError) error = NULL;

    position->offset++;
    store_commit(store, position, &error);
    g_assert_no_error(error);
}

static void
test_restart_restores(void)
{
    g_auto(LiveDb) db = { 0 };
    g_autoptr(ExporterTable) before = exporter_table_new(10);
    g_autoptr(ExporterTable) after = exporter_table_new(10);
    g_autoptr(GError) error = NULL;
    StorePosition position;

    if (!live_db_init(&db))
        return;

    const StoreOptions options = live_db_options(&db);
    g_autoptr(Store) store = store_open(&options, &position, &error);
    g_assert_no_error(error);

    /* An exporter that never sent a flow, and so has no id before the commit. */
    add_template(store, get_exporter(before, 1), 256, "first");
    add_template(store, get_exporter(before, 1), 257, "\x01'\\");
    add_template(store, get_exporter(before, 2), 256, "gone");
    add_template(store, get_exporter(before, 2), 257, "");
    commit(store, &position);
    add_template(store, get_exporter(before, 1), 256, "second");
    add_template(store, get_exporter(before, 1), 256, "third");
    add_template(store, get_exporter(before, 2), 256, NULL);
    add_option(store, get_exporter(before, 1), LEARNT_INTERFACE, 1, "Gi0/1 \303\274'");
    add_option(store, get_exporter(before, 1), LEARNT_APP, UINT64_MAX,
               "\377 not UTF-8");
    store_set_waiting(store, (const uint8_t *) "refs", 4);
    commit(store, &position);
    commit(store, &position); /* leaves what waits as it is */
    g_clear_pointer(&store, store_free);

    g_autofree char *text = restore(&options, after);

    g_assert_cmpstr(text, ==,
                    "template 1/10 256 5000 0 7468697264 1000\n"
                    "template 1/10 257 5000 1 01275c 1000\n"
                    "template 2/10 257 5000 1  1000\n"
                    "option 1 interface 1 18446744073709551615 [Gi0/1 \303\274'] []\n"
                    "option 1 app 18446744073709551615 0 [\357\277\275 not UTF-8] []\n"
                    "waiting refs\n");
    g_assert_cmpuint(exporter_table_len(after), ==, 2);
    g_assert_cmpint(get_exporter(after, 1)->id, ==, get_exporter(before, 1)->id);
    live_db_assert(
        &db,
        "SELECT concat_ws(' ', if_index, name, description IS NULL, speed_bps)"
        " FROM flowkeep.interface",
        "1 Gi0/1 \303\274' t 18446744073709551615");

    /* Another worker has nothing of it. */
    StoreOptions other = options;
    g_autoptr(ExporterTable) none = exporter_table_new(10);

    other.worker = 1;
    g_autofree char *nothing = restore(&other, none);
    g_assert_cmpstr(nothing, ==, "");
    g_assert_cmpuint(exporter_table_len(none), ==, 0);
}

static void
dirty(Store *store, Exporter *exporter, uint32_t next_sequence)
{
    exporter->version = 9;
    exporter->first_seen_us = 1000 * US_PER_SEC;
    exporter->last_seen_us = 2000 * US_PER_SEC + next_sequence;
    exporter->sampling = 100;
    exporter->sampling_source = SAMPLING_RECORD;
    exporter->clock_skew_us = -1500 * US_PER_MS;
    exporter->next_sequence = next_sequence;
    exporter->has_sequence = true;
    exporter->dirty = true;
    store_add_exporter(store, exporter);
}

static void
test_exporter_rows(void)
{
    g_auto(LiveDb) db = { 0 };
    g_autoptr(ExporterTable) before = exporter_table_new(10);
    g_autoptr(ExporterTable) after = exporter_table_new(10);
    g_autoptr(GError) error = NULL;
    StorePosition position;

    if (!live_db_init(&db))
        return;

    const StoreOptions options = live_db_options(&db);
    g_autoptr(Store) store = store_open(&options, &position, &error);
    g_assert_no_error(error);
    dirty(store, get_exporter(before, 1), 41);
    dirty(store, get_exporter(before, 1), 42);
    commit(store, &position);
    g_assert_false(get_exporter(before, 1)->dirty);
    g_clear_pointer(&store, store_free);

    live_db_assert(&db,
                   "SELECT concat_ws(' ', address, domain, version,"
                   " extract(epoch FROM first_seen_at)::int, last_seen_at >"
                   " to_timestamp(2000), sampling, sampling_source, clock_skew_ms)"
                   " FROM flowkeep.exporter",
                   "192.0.2.9 1 9 1000 t 100 record -1500");

    g_autofree char *text = restore(&options, after);
    const Exporter *restored = get_exporter(after, 1);

    g_assert_cmpstr(text, ==, "");
    g_assert_true(restored->has_sequence);
    g_assert_cmpuint(restored->next_sequence, ==, 42);
    g_assert_cmpint(restored->last_seen_us, ==, 2000 * US_PER_SEC + 42);
    g_assert_cmpint(restored->clock_skew_us, ==, -1500 * US_PER_MS);
    g_assert_cmpuint(restored->sampling_source, ==, SAMPLING_RECORD);
    g_assert_false(restored->dirty);
}

static void
test_sequences_only_when_complete(void)
{
    g_auto(LiveDb) db = { 0 };
    g_autoptr(ExporterTable) before = exporter_table_new(N_EXPORTERS);
    g_autoptr(GError) error = NULL;
    StorePosition position;

    if (!live_db_init(&db))
        return;

    const StoreOptions options = live_db_options(&db);

    /* All are new: all are written.  Then all are dirty again too soon.  At the end of
     * a run all are written whatever the time. */
    for (int round = 0; round < 3; round++) {
        g_autoptr(ExporterTable) after = exporter_table_new(N_EXPORTERS);
        g_autoptr(Store) store = store_open(&options, &position, &error);

        g_assert_no_error(error);
        for (uint32_t i = 0; i < N_EXPORTERS; i++)
            dirty(store, get_exporter(before, i), i);
        commit(store, &position);
        if (round > 0) {
            for (uint32_t i = 0; i < N_EXPORTERS; i++)
                dirty(store, get_exporter(before, i), 1000 + i);
            if (round == 2)
                store_flush_talkers(store);
            commit(store, &position);
        }
        g_clear_pointer(&store, store_free);

        g_autofree char *text = restore(&options, after);

        g_assert_cmpstr(text, ==, "");
        g_assert_cmpuint(exporter_table_len(after), ==, N_EXPORTERS);
        for (uint32_t i = 0; i < N_EXPORTERS; i++) {
            const Exporter *restored = get_exporter(after, i);

            g_assert_cmpint(restored->has_sequence, ==, round != 1);
            g_assert_cmpuint(restored->next_sequence, ==,
                             round == 0   ? i
                             : round == 1 ? 0
                                          : 1000 + i);
        }
        live_db_assert(&db, "SELECT sequences_complete FROM flowkeep.ingest_position",
                       round == 1 ? "f" : "t");
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/learnt-rows/restart-restores", test_restart_restores);
    g_test_add_func("/exporter-rows/written-and-restored", test_exporter_rows);
    g_test_add_func("/exporter-rows/sequences-only-when-complete",
                    test_sequences_only_when_complete);
    return g_test_run();
}
