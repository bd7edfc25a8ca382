/* SPDX-License-Identifier: Apache-2.0 */
#include "traffic.h"

#include <glib/gstdio.h>
#include <unistd.h>

#define NAMES                                                                          \
    "start_us,duration_us,initiator,initiator_port,responder,responder_port,protocol," \
    "out_octets,in_octets,out_packets,in_packets,label\n"

static GArray *
load(const char *text, GError **error)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("traffic-XXXXXX.csv", &path, NULL);
    GArray *sessions;

    close(fd);
    g_file_set_contents(path, text, -1, NULL);
    sessions = traffic_load(path, error);
    g_unlink(path);
    return sessions;
}

/* Two contacts, one of them of two sessions 0.1 s apart; a peer that calls in; one
 * within the network. */
static const char sessions_text[] =
    NAMES "1000000,5,10.0.0.1,4000,198.51.100.9,443,6,100,200,1,2,\n"
          "1100000,5,10.0.0.1,4001,198.51.100.9,443,6,50,200,1,2,C2\n"
          "9000000,5,10.0.0.1,4002,198.51.100.9,443,6,100,200,1,2,\n"
          "9500000,70,198.51.100.9,5000,10.0.0.1,22,6,10,20,1,2,Benign\n"
          "9600000,5,10.0.0.1,4003,10.0.0.2,53,17,10,20,1,2,\n"
          "9700000,5,10.0.0.1,0,224.0.0.5,0,89,10,20,1,2,\n";

static void
test_pairs(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) sessions = load(sessions_text, &error);
    g_autoptr(GPtrArray) pairs = NULL;
    const TrafficPair *pair;
    Network watched;
    unsigned n_outbound = 0;

    g_assert_no_error(error);
    g_assert_true(network_parse("10.0.0.0/24", &watched, &error));
    pairs = traffic_pairs(sessions, &watched, 0, 10000000, 1);
    g_assert_cmpuint(pairs->len, ==, 4);
    for (guint i = 0; i < pairs->len; i++)
        n_outbound += traffic_is_outbound(g_ptr_array_index(pairs, i), &watched);
    g_assert_cmpuint(n_outbound, ==, 1);

    pair = g_ptr_array_index(pairs, 0);
    g_assert_true(pair->is_hostile);
    g_assert_cmpuint(pair->series.n_events, ==, 2);
    g_assert_cmpuint(pair->series.n_sessions, ==, 3);
    g_assert_cmpuint(pair->series.events[0].out_octets, ==, 150);
    g_assert_cmpuint(pair->series.out_octets, ==, 250);
    g_assert_cmpuint(pair->series.in_octets, ==, 600);
    g_assert_cmpuint(pair->series.key.service_port, ==, 443);

    pair = g_ptr_array_index(pairs, 1);
    g_assert_false(pair->is_hostile);
    g_assert_cmpuint(pair->series.key.initiator, ==, CONTACT_BY_PEER);
    g_assert_cmpuint(pair->series.out_octets, ==, 20);
    g_assert_cmpint(pair->series.longest_us, ==, 70);
}

static void
test_window_and_number(void)
{
    g_autoptr(GArray) sessions = load(sessions_text, NULL);
    g_autoptr(GPtrArray) two = NULL, early = NULL;
    Network watched;

    g_assert_true(network_parse("10.0.0.0/24", &watched, NULL));
    two = traffic_pairs(sessions, &watched, 0, 10000000, 2);
    g_assert_cmpuint(two->len, ==, 1);
    early = traffic_pairs(sessions, &watched, 0, 9000000, 1);
    g_assert_cmpuint(early->len, ==, 1);
}

static void
test_errors(void)
{
    static const char *const bad[] = {
        NAMES "1,5,10.0.0.1,4000,198.51.100.9,443,6,100,200,1\n",
        NAMES "1,5,10.0.0.1,4000,198.51.100.9,70000,6,100,200,1,2,\n",
        NAMES "1,5,10.0.0.300,4000,198.51.100.9,443,6,100,200,1,2,\n",
        NAMES "x,5,10.0.0.1,4000,198.51.100.9,443,6,100,200,1,2,\n",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(load(bad[i], &error));
        g_assert_nonnull(error);
        g_assert_nonnull(g_strstr_len(error->message, -1, ":2: "));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/traffic/pairs-have-their-contacts", test_pairs);
    g_test_add_func("/traffic/only-those-of-the-window", test_window_and_number);
    g_test_add_func("/traffic/an-unreadable-line-is-named", test_errors);
    return g_test_run();
}
