/* SPDX-License-Identifier: Apache-2.0 */

/* Real exports, and what must come out of them: the counts of expected.tsv. */

#include <stdlib.h>

#include "capture-run.h"

/* Columns of expected.tsv. */
enum {
    COLUMN_FILE,
    COLUMN_MESSAGES = 3,
    COLUMN_FLOWS,
    COLUMN_OPTIONS,
    COLUMN_UNDECODED
};

#define MALFORMED "MALFORMED"

typedef struct {
    char *path;
    bool
        malformed; /* on purpose: how many of its messages count is a matter of taste */
    uint64_t messages;
    uint64_t flows;
    uint64_t options;
    uint64_t undecoded;
} Case;

static void
test_counts(gconstpointer user_data)
{
    const Case *expected = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(CaptureRun) run = capture_run_new(expected->path, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(run->counters.flow_records, ==, expected->flows);
    g_assert_cmpuint(run->flows->len, ==, expected->flows);
    g_assert_cmpuint(run->counters.options_records, ==, expected->options);
    g_assert_cmpuint(run->counters.sets_given_up, ==, expected->undecoded);
    if (!expected->malformed)
        g_assert_cmpuint(run->counters.messages, ==, expected->messages);
}

static void
add_case(const char *folder, const char *line)
{
    g_auto(GStrv) columns = g_strsplit(line, "\t", -1);

    if (g_strv_length(columns) <= COLUMN_UNDECODED)
        return;

    g_autofree char *name = g_strdup_printf("/captures/%s", columns[COLUMN_FILE]);
    Case *expected = g_new0(Case, 1);
    expected->path = g_build_filename(folder, columns[COLUMN_FILE], NULL);
    expected->malformed = strstr(line, MALFORMED) != NULL;
    expected->messages = strtoull(columns[COLUMN_MESSAGES], NULL, 10);
    expected->flows = strtoull(columns[COLUMN_FLOWS], NULL, 10);
    expected->options = strtoull(columns[COLUMN_OPTIONS], NULL, 10);
    expected->undecoded = strtoull(columns[COLUMN_UNDECODED], NULL, 10);
    g_test_add_data_func(name, expected, test_counts);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    capture_run_add_tests(add_case, "/captures/none-here");
    return g_test_run();
}
