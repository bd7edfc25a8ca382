/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/loss.h"

#include "flow/learnt.h"

static void
test_everything_has_a_name(void)
{
    for (int i = 0; i < LOSS_N_REASONS; i++)
        g_assert_nonnull(loss_reason_name(i));
    for (int i = 0; i < LOSS_N_UNITS; i++)
        g_assert_nonnull(loss_unit_name(i));
    for (int i = 0; i < LEARNT_N_KINDS; i++)
        g_assert_nonnull(learnt_kind_name(i));

    g_assert_cmpstr(loss_reason_name(LOSS_KERNEL_DROP), ==, "kernel_drop");
    g_assert_cmpstr(loss_unit_name(LOSS_UNIT_FLOWS), ==, "flows");
    g_assert_cmpstr(learnt_kind_name(LEARNT_APP), ==, "app");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/loss/everything-has-a-name", test_everything_has_a_name);
    return g_test_run();
}
