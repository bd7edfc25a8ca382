/* SPDX-License-Identifier: Apache-2.0 */
#include "recording.h"

#include <glib/gstdio.h>

/* Host 1 calls .9 five times, host 2 calls .9 once and .77 of the same /24 once; host 3
 * is only called.  The first line is more than a day before the last. */
static const char text[] = "start_us,...\n"
                           "1,5,10.0.0.3,4000,203.0.113.5,443,6,1,1,1,1,\n"
                           "90000000000,5,10.0.0.2,4000,198.51.100.77,443,6,1,1,1,1,\n"
                           "91000000000,5,10.0.0.1,4000,198.51.100.9,443,6,1,1,1,1,\n"
                           "92000000000,5,10.0.0.1,4000,198.51.100.9,443,6,1,1,1,1,C2\n"
                           "93000000000,5,10.0.0.1,4000,198.51.100.9,443,6,1,1,1,1,\n"
                           "94000000000,5,10.0.0.1,4000,198.51.100.9,443,6,1,1,1,1,\n"
                           "95000000000,5,10.0.0.2,4000,198.51.100.9,443,6,1,1,1,1,\n"
                           "96000000000,5,203.0.113.5,4000,10.0.0.3,22,6,1,1,1,1,\n";

typedef struct {
    char *folder;
    Recording recording;
} Fixture;

static void
set_up(Fixture *fix, G_GNUC_UNUSED gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;

    fix->folder = g_dir_make_tmp("recording-XXXXXX", &error);
    g_assert_no_error(error);
    path = g_build_filename(fix->folder, "a.csv", NULL);
    g_file_set_contents(path, text, -1, &error);
    g_assert_no_error(error);
    recording_load(&fix->recording, fix->folder, "a.csv", "10.0.0.0/24", &error);
    g_assert_no_error(error);
    g_unlink(path);
}

static void
tear_down(Fixture *fix, G_GNUC_UNUSED gconstpointer data)
{
    recording_clear(&fix->recording);
    g_rmdir(fix->folder);
    g_free(fix->folder);
}

static void
test_context(Fixture *fix, G_GNUC_UNUSED gconstpointer data)
{
    const TrafficPair *pair = recording_hostile(fix->recording.outbound);
    Context context;

    g_assert_nonnull(pair);
    g_assert_cmpuint(fix->recording.outbound->len, ==, 1);
    g_assert_cmpint(fix->recording.from_us, ==, INT64_C(9600000001));
    context = recording_context(&fix->recording, pair);
    g_assert_cmpuint(context.n_hosts, ==, 3);
    g_assert_cmpuint(context.n_hosts_of_peer, ==, 2);
    g_assert_cmpuint(context.n_hosts_of_peer_net, ==, 2);
    g_assert_cmpint(context.pair_first_us, ==, INT64_C(91000000000));
    g_assert_cmpint(context.peer_first_us, ==, INT64_C(91000000000));
    g_assert_cmpint(context.peer_net_first_us, ==, INT64_C(90000000000));
    g_assert_false(context.peer_is_watched);
}

static void
test_part(Fixture *fix, G_GNUC_UNUSED gconstpointer data)
{
    g_autoptr(GPtrArray) all = NULL, few = NULL;

    all = recording_outbound(&fix->recording, 0, INT64_C(100000000000));
    g_assert_cmpuint(all->len, ==, 1);
    few = recording_outbound(&fix->recording, 0, INT64_C(94000000000));
    g_assert_cmpuint(few->len, ==, 0);
}

static void
test_missing(Fixture *fix, G_GNUC_UNUSED gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    Recording missing;

    g_assert_true(
        recording_load(&missing, fix->folder, "b.csv", "10.0.0.0/24", &error));
    g_assert_null(missing.sessions);
    recording_clear(&missing);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/recording/tells-who-else-talks-to-a-peer-and-since-when", test_context);
    ADD("/recording/a-part-has-the-pairs-of-its-time", test_part);
    ADD("/recording/a-file-that-is-not-there-is-empty", test_missing);
    return g_test_run();
}
