/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz target: any text as configuration, of the collector and of the analytics: one
 * file, and behind a NUL a second one for conf.d.
 *
 * It is refused with a message that names file and reason, in UTF-8; or it is taken,
 * and then what `flowkeep dump-config` prints is taken again and prints the same. */

#include <string.h>

#include "analytics-settings.h"
#include "budget.h"
#include "scratch.h"
#include "settings.h"

#define MAX_BYTES 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the two programs have alike. */
typedef struct {
    void *(*load)(const char *path, GError **error);
    char *(*dump)(const void *settings);
    void (*free)(void *settings);
} Program;

static void *
load_collector(const char *path, GError **error)
{
    return settings_load(path, error);
}

static char *
dump_collector(const void *settings)
{
    return settings_dump(settings);
}

static void
free_collector(void *settings)
{
    settings_free(settings);
}

static void *
load_analytics(const char *path, GError **error)
{
    return analytics_settings_load(path, error);
}

static char *
dump_analytics(const void *settings)
{
    return analytics_settings_dump(settings);
}

static void
free_analytics(void *settings)
{
    analytics_settings_free(settings);
}

static const Program programs[] = {
    { load_collector, dump_collector, free_collector },
    { load_analytics, dump_analytics, free_analytics },
};

/* The dump of what is at @path (transfer full); NULL when it is refused. */
static char *
load_and_dump(const Program *program, const char *scratch, const char *name)
{
    g_autofree char *path = g_build_filename(scratch, name, NULL);
    g_autoptr(GError) error = NULL;
    void *settings = program->load(path, &error);

    g_assert_true((settings == NULL) == (error != NULL));
    if (!settings) {
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
        g_assert_nonnull(strstr(error->message, scratch));
        return NULL;
    }

    char *dump = program->dump(settings);
    program->free(settings);
    return dump;
}

static void
try_program(const Program *program, const char *scratch)
{
    g_autofree char *dump = load_and_dump(program, scratch, "flowkeep.conf");

    if (!dump)
        return;

    g_assert_true(g_utf8_validate(dump, -1, NULL));
    /* In a folder without a conf.d. */
    scratch_write(scratch, "again/flowkeep.conf", dump, strlen(dump));
    g_autofree char *again = load_and_dump(program, scratch, "again/flowkeep.conf");
    g_assert_cmpstr(dump, ==, again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
    const size_t n_main = nul ? (size_t) (nul - data) : size;

    if (size > MAX_BYTES)
        return -1;

    char *scratch = scratch_make();
    const Budget budget = budget_begin();
    scratch_write(scratch, "flowkeep.conf", data, n_main);
    if (nul)
        scratch_write(scratch, "conf.d/local.conf", nul + 1, size - n_main - 1);
    for (size_t i = 0; i < G_N_ELEMENTS(programs); i++)
        try_program(&programs[i], scratch);
    scratch_remove(scratch);
    budget_check(&budget, size);
    return 0;
}
