/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/nsel.h"

enum { CREATED = 1, DELETED = 2, UPDATE = 5 };

static Exporter exporters[2];

static uint64_t
apply(Nsel *nsel, unsigned exporter, uint64_t flow_id, uint16_t event, uint64_t octets)
{
    Flow flow = { .exporter = &exporters[exporter],
                  .flow_id = flow_id,
                  .event = event,
                  .octets = octets,
                  .present = FLOW_EVENT | FLOW_OCTETS };

    nsel_apply(nsel, &flow);
    return flow.octets;
}

static void
test_oldest_is_forgotten(void)
{
    g_autoptr(Nsel) nsel = nsel_new(3);

    for (uint64_t id = 1; id <= 3; id++)
        g_assert_cmpuint(apply(nsel, 0, id, UPDATE, 100), ==, 100);
    g_assert_cmpuint(apply(nsel, 0, 1, UPDATE, 110), ==, 10);
    g_assert_cmpuint(apply(nsel, 1, 1, UPDATE, 70), ==, 70); /* another's; 2 goes */
    g_assert_cmpuint(apply(nsel, 0, 1, UPDATE, 111), ==, 1);
    g_assert_cmpuint(apply(nsel, 0, 3, DELETED, 105), ==, 5);
    g_assert_cmpuint(apply(nsel, 0, 2, UPDATE, 200), ==, 200); /* in full again */
    g_assert_cmpuint(apply(nsel, 0, 1, UPDATE, 112), ==, 1);
    g_assert_cmpuint(apply(nsel, 1, 1, DELETED, 75), ==, 5);
}

static void
test_other_flows_are_left_alone(void)
{
    g_autoptr(Nsel) nsel = nsel_new(3);
    Flow flow = { .exporter = &exporters[0], .flow_id = 1, .octets = 9 };

    nsel_apply(nsel, &flow);
    nsel_apply(nsel, &flow);
    g_assert_cmpuint(flow.octets, ==, 9);
    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmpuint(apply(nsel, 0, 1, 3, 9), ==, 9);      /* denied */
        g_assert_cmpuint(apply(nsel, 0, 0, UPDATE, 9), ==, 9); /* of no connection */
    }
}

/* Property: with room for all, the increments of a connection add up to the largest
 * total it had. */
static void
test_random(void)
{
    enum { N_CONNECTIONS = 50 };
    g_autoptr(GRand) random = g_rand_new_with_seed(8158);
    g_autoptr(Nsel) nsel = nsel_new(2 * N_CONNECTIONS);
    uint64_t sums[2][N_CONNECTIONS] = { 0 }, largest[2][N_CONNECTIONS] = { 0 };

    for (unsigned i = 0; i < 100000; i++) {
        const unsigned e = g_rand_int_range(random, 0, 2);
        const unsigned id = g_rand_int_range(random, 0, N_CONNECTIONS);
        const unsigned dice = g_rand_int_range(random, 0, 20);
        const uint16_t event = dice == 0 ? CREATED : dice == 1 ? DELETED : UPDATE;
        const uint64_t octets =
            event == CREATED ? 0 : g_rand_int_range(random, 0, 1000000);

        if (event == CREATED)
            sums[e][id] = largest[e][id] = 0;
        sums[e][id] += apply(nsel, e, id + 1, event, octets);
        largest[e][id] = MAX(largest[e][id], octets);
        g_assert_cmpuint(sums[e][id], ==, largest[e][id]);
        if (event == DELETED)
            sums[e][id] = largest[e][id] = 0;
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nsel/the-oldest-connection-is-forgotten",
                    test_oldest_is_forgotten);
    g_test_add_func("/nsel/other-flows-are-left-alone",
                    test_other_flows_are_left_alone);
    g_test_add_func("/nsel/increments-add-up", test_random);
    return g_test_run();
}
