/* SPDX-License-Identifier: Apache-2.0 */
#include "flowgen-scenario.h"

#include <string.h>

#include "clock.h"
#include "flowgen-background.h"
#include "flowgen-random.h"
#include "flowgen-source.h"
#include "flowgen-units.h"

#define US_PER_DAY    (86400 * US_PER_SEC)
#define MAX_DAYS      3660
#define MAX_SOURCES   100000
#define DEFAULT_START "2026-03-02T00:00:00Z" /* a Monday */

struct FlowgenScenario {
    GPtrArray *patterns;
    FlowgenHeap *sources;  /* by when they act */
    FlowgenHeap *sessions; /* that are made, by their starts */
    FlowgenSpan span;
    uint64_t seed;
};

static bool
refuse(GError **error, const char *text)
{
    g_set_error_literal(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE, text);
    return false;
}

/* The value of [scenario] @key, or @fallback. */
static char *
value_or(GKeyFile *file, const char *key, const char *fallback)
{
    char *value = g_key_file_get_string(file, "scenario", key, NULL);

    return value ? value : g_strdup(fallback);
}

static bool
read_days(GKeyFile *file, const char *key, const char *fallback, double *days)
{
    g_autofree char *text = value_or(file, key, fallback);
    char *end;

    *days = g_ascii_strtod(text, &end);
    return end != text && !*end && *days >= 0 && *days <= MAX_DAYS;
}

static bool
check_keys(GKeyFile *file, GError **error)
{
    static const char *const known[] = { "start", "days", "before_days", "seed", NULL };
    g_auto(GStrv) keys = g_key_file_get_keys(file, "scenario", NULL, NULL);

    for (char **key = keys; key && *key; key++) {
        if (!g_strv_contains(known, *key)) {
            g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_KEY_NOT_FOUND,
                        "%s: no such key; there are start, days, before_days and seed",
                        *key);
            return false;
        }
    }
    return true;
}

static bool
read_span(FlowgenScenario *self, GKeyFile *file, double before_days, GError **error)
{
    g_autofree char *start = value_or(file, "start", DEFAULT_START);
    g_autofree char *seed = value_or(file, "seed", "0");
    double days, before;
    guint64 own;

    if (!check_keys(file, error))
        return false;
    if (!flowgen_units_time(start, &self->span.start_us))
        return refuse(error, "start: not an ISO 8601 time");
    if (!read_days(file, "days", "1", &days))
        return refuse(error, "days: not a number from 0 to 3660");
    if (!read_days(file, "before_days", "0", &before))
        return refuse(error, "before_days: not a number from 0 to 3660");
    if (!g_ascii_string_to_unsigned(seed, 10, 0, UINT32_MAX, &own, NULL))
        return refuse(error, "seed: not a number from 0 to 4294967295");
    self->span.before_us =
        self->span.start_us - (int64_t) (MAX(before, before_days) * US_PER_DAY);
    self->span.end_us = self->span.start_us + (int64_t) (days * US_PER_DAY);
    if (self->span.before_us < 0)
        return refuse(error, "start: before_days earlier it was not 1970 yet");
    self->seed = flowgen_random_seed(self->seed, own);
    return true;
}

static bool
add_pattern(FlowgenScenario *self, GKeyFile *file, const char *group,
            FlowgenPatternKind kind, GError **error)
{
    g_autoptr(FlowgenPattern) pattern = flowgen_pattern_new(kind, group);
    g_auto(GStrv) keys = g_key_file_get_keys(file, group, NULL, error);

    for (char **key = keys; key && *key; key++) {
        g_autofree char *value = g_key_file_get_string(file, group, *key, error);
        if (!value || !flowgen_pattern_set(pattern, *key, g_strstrip(value), error))
            return false;
    }
    if (!keys || !flowgen_pattern_check(pattern, error))
        return false;
    g_ptr_array_add(self->patterns, g_steal_pointer(&pattern));
    return true;
}

/* "beacon c2" */
static bool
read_group(FlowgenScenario *self, GKeyFile *file, const char *group, GError **error)
{
    g_autofree char *kind_name = g_strndup(group, strcspn(group, " "));
    FlowgenPatternKind kind;

    if (strchr(group, ','))
        return refuse(error, "a name without commas, please: it becomes a label");
    if (g_str_equal(kind_name, "background"))
        return flowgen_background_add(file, group, self->patterns, error);
    if (flowgen_pattern_kind(kind_name, &kind))
        return add_pattern(self, file, group, kind, error);
    return refuse(error, "sections are scenario, background, visits, beacon, upload, "
                         "drip and session");
}

static bool
add_sources(FlowgenScenario *self, GError **error)
{
    for (unsigned i = 0; i < self->patterns->len; i++) {
        const FlowgenPattern *pattern = self->patterns->pdata[i];
        const uint32_t n = pattern->kind == FLOWGEN_PATTERN_VISITS
                               ? 1
                               : flowgen_hosts_count(pattern->hosts);
        if (n > MAX_SOURCES - flowgen_heap_length(self->sources))
            return refuse(error, "more than 100000 hosts that do not only visit");
        for (uint32_t host = 0; host < n; host++) {
            FlowgenSource *source =
                flowgen_source_new(pattern, host, &self->span, self->seed);
            flowgen_heap_push(self->sources, flowgen_source_due_us(source), source);
        }
    }
    return true;
}

static bool
read_groups(FlowgenScenario *self, GKeyFile *file, GError **error)
{
    g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);

    for (char **group = groups; *group; group++) {
        if (g_str_equal(*group, "scenario"))
            continue;
        if (!read_group(self, file, *group, error)) {
            g_prefix_error(error, "[%s]: ", *group);
            return false;
        }
    }
    return true;
}

FlowgenScenario *
flowgen_scenario_open(const char *path, uint64_t seed, double before_days,
                      GError **error)
{
    g_autoptr(FlowgenScenario) self = g_new0(FlowgenScenario, 1);
    g_autoptr(GKeyFile) file = g_key_file_new();

    self->seed = seed;
    self->patterns =
        g_ptr_array_new_with_free_func((GDestroyNotify) flowgen_pattern_free);
    self->sources = flowgen_heap_new();
    self->sessions = flowgen_heap_new();
    if (g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, error) &&
        read_span(self, file, before_days, error) && read_groups(self, file, error) &&
        add_sources(self, error))
        return g_steal_pointer(&self);

    g_prefix_error(error, "%s: ", path);
    return NULL;
}

void
flowgen_scenario_free(FlowgenScenario *self)
{
    if (!self)
        return;

    flowgen_heap_free_all(self->sessions);
    flowgen_heap_free_all(self->sources);
    g_ptr_array_unref(self->patterns);
    g_free(self);
}

bool
flowgen_scenario_next(FlowgenScenario *self, FlowgenSession *session)
{
    /* Whatever a source makes starts no earlier than when it acts. */
    while (flowgen_heap_due_us(self->sources) != INT64_MAX &&
           flowgen_heap_due_us(self->sources) <= flowgen_heap_due_us(self->sessions)) {
        FlowgenSource *source = flowgen_heap_first(self->sources);
        flowgen_source_act(source, self->sessions);
        flowgen_heap_defer(self->sources, flowgen_source_due_us(source));
    }
    if (flowgen_heap_length(self->sessions) == 0)
        return false;

    g_autofree FlowgenSession *first = flowgen_heap_pop(self->sessions);
    *session = *first;
    return true;
}
