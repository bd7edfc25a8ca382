/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

static void
test_a_line_has_time_program_and_level(void)
{
    if (g_test_subprocess()) {
        log_init("flowkeep-collector", FALSE);
        log_warning("exporter %s: %d sets skipped so far", "192.0.2.1", 3);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("20*-*-*T*:*:*Z flowkeep-collector: warning: "
                              "exporter 192.0.2.1: 3 sets skipped so far\n");
}

static void
test_debug_only_when_asked_for(void)
{
    if (g_test_subprocess()) {
        log_init("flowkeep", FALSE);
        log_debug("hidden");
        log_init("flowkeep", TRUE);
        log_debug("shown");
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("*Z flowkeep: debug: shown\n");
    g_test_trap_assert_stderr_unmatched("*hidden*");
}

static void
test_wire_text_is_made_printable(void)
{
    if (g_test_subprocess()) {
        log_init("flowkeep", FALSE);
        log_notice("a\nb\x1b[2Jc\xff %s", "Zürich \xe2\x80\xae"
                                          "d");
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("*notice: a\\x0ab\\x1b[2Jc\\xff Z\xc3\xbcrich "
                              "\\xe2\\x80\\xaed\n");
}

static void
test_libraries_speak_through_it(void)
{
    if (g_test_subprocess()) {
        log_init("flowkeep", FALSE);
        g_info("unimportant");
        g_message("from a library");
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("*Z flowkeep: notice: from a library\n");
    g_test_trap_assert_stderr_unmatched("*unimportant*");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log/a-line-has-time-program-and-level",
                    test_a_line_has_time_program_and_level);
    g_test_add_func("/log/debug-only-when-asked-for", test_debug_only_when_asked_for);
    g_test_add_func("/log/wire-text-is-made-printable",
                    test_wire_text_is_made_printable);
    g_test_add_func("/log/libraries-speak-through-it", test_libraries_speak_through_it);
    return g_test_run();
}
