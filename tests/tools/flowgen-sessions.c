/* SPDX-License-Identifier: Apache-2.0 */
#include "flowgen-sessions.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "flowgen-scenario.h"

/* One file, and its session that comes next. */
typedef struct {
    const char *path; /* lent */
    FILE *list;       /* or */
    FlowgenScenario *scenario;
    uint64_t n_lines;
    bool has_next;
    FlowgenSession next;
} Source;

struct FlowgenSessions {
    FlowgenSessionsOptions options;
    Source *sources;
    size_t n_sources;
};

static bool
fail(GError **error, const Source *source, const char *what)
{
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s:%" G_GUINT64_FORMAT ": %s",
                source->path, source->n_lines, what);
    return false;
}

/* Returns false at the end, or with @error. */
static bool
read_line(Source *self, char line[FLOWGEN_SESSION_LINE_BYTES], GError **error)
{
    if (!fgets(line, FLOWGEN_SESSION_LINE_BYTES, self->list)) {
        if (ferror(self->list))
            fail(error, self, g_strerror(errno));
        return false;
    }
    self->n_lines++;

    const size_t n_bytes = strcspn(line, "\r\n");
    if (line[n_bytes] == '\0' && n_bytes + 1 == FLOWGEN_SESSION_LINE_BYTES)
        return fail(error, self, "the line is too long");
    line[n_bytes] = '\0';
    return true;
}

/* Reads the next session of the file; without an error at its end. */
static bool
advance(Source *self, GError **error)
{
    char line[FLOWGEN_SESSION_LINE_BYTES];
    const int64_t before_us = self->has_next ? self->next.start_us : 0;
    GError *local = NULL;

    if (self->scenario) {
        self->has_next = flowgen_scenario_next(self->scenario, &self->next);
        return true;
    }
    self->has_next = false;
    if (!read_line(self, line, &local)) {
        if (!local)
            return true;
        g_propagate_error(error, local);
        return false;
    }
    if (!flowgen_session_parse(&self->next, line, error)) {
        g_prefix_error(error, "%s:%" G_GUINT64_FORMAT ": ", self->path, self->n_lines);
        return false;
    }
    if (self->next.start_us < before_us)
        return fail(error, self, "starts before the session above it");
    self->has_next = true;
    return true;
}

static bool
source_open(Source *self, const char *path, const FlowgenSessionsOptions *options,
            GError **error)
{
    char line[FLOWGEN_SESSION_LINE_BYTES];
    GError *local = NULL;

    self->path = path;
    self->list = fopen(path, "re");
    if (!self->list) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno), "%s: %s", path,
                    g_strerror(errno));
        return false;
    }
    if (read_line(self, line, &local) && g_str_equal(line, FLOWGEN_SESSION_HEADER))
        return advance(self, error);

    g_clear_error(&local);
    g_clear_pointer(&self->list, fclose);
    self->scenario =
        flowgen_scenario_open(path, options->seed, options->before_days, error);
    return self->scenario && advance(self, error);
}

FlowgenSessions *
flowgen_sessions_open(char *const *paths, const FlowgenSessionsOptions *options,
                      GError **error)
{
    g_autoptr(FlowgenSessions) self = g_new0(FlowgenSessions, 1);

    self->options = *options;
    self->n_sources = g_strv_length((char **) paths);
    self->sources = g_new0(Source, self->n_sources);
    for (size_t i = 0; i < self->n_sources; i++) {
        if (!source_open(&self->sources[i], paths[i], options, error))
            return NULL;
    }
    return g_steal_pointer(&self);
}

void
flowgen_sessions_free(FlowgenSessions *self)
{
    if (!self)
        return;

    for (size_t i = 0; i < self->n_sources; i++) {
        if (self->sources[i].list)
            fclose(self->sources[i].list);
        flowgen_scenario_free(self->sources[i].scenario);
    }
    g_free(self->sources);
    g_free(self);
}

bool
flowgen_sessions_next(FlowgenSessions *self, FlowgenSession *session, GError **error)
{
    Source *first = NULL;

    for (size_t i = 0; i < self->n_sources; i++) {
        Source *source = &self->sources[i];
        if (source->has_next &&
            (!first || source->next.start_us < first->next.start_us))
            first = source;
    }
    if (!first)
        return false;

    *session = first->next;
    if (self->options.mirror)
        flowgen_session_mirror(session);
    return advance(first, error);
}
