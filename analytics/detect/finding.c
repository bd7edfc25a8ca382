/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/finding.h"

#include <math.h>
#include <string.h>

Finding *
finding_new(FindingKind kind, const char *rule, const ContactKey *key)
{
    Finding *self = g_new0(Finding, 1);

    self->kind = kind;
    self->rule = rule;
    self->host = key->host;
    self->peer = key->peer;
    self->peer_group_bits = 128;
    self->port = key->service_port;
    self->protocol = key->protocol;
    self->initiator = key->initiator;
    return self;
}

void
finding_free(Finding *self)
{
    if (!self)
        return;
    for (size_t i = 0; i < self->n_terms; i++)
        g_free(self->terms[i].why);
    g_free(self->explanation);
    g_free(self->numbers);
    g_free(self->events);
    g_free(self->hours);
    g_free(self);
}

void
finding_add_term(Finding *self, const char *name, double points, double max_points,
                 const char *format, ...)
{
    FindingTerm *term = &self->terms[self->n_terms];
    va_list words;

    g_assert(self->n_terms < FINDING_MAX_TERMS);
    va_start(words, format);
    *term = (FindingTerm){ name, points, max_points, g_strdup_vprintf(format, words) };
    va_end(words);
    self->n_terms++;

    double sum = 0;
    for (size_t i = 0; i < self->n_terms; i++)
        sum += self->terms[i].points;
    self->score = CLAMP(sum, 0, 100);
}

void
finding_set_events(Finding *self, const ContactEvent *events, size_t n_events)
{
    const size_t n = MIN(n_events, FINDING_MAX_EVENTS);

    g_free(self->events);
    self->events = g_memdup2(events + (n_events - n), n * sizeof(*events));
    self->n_events = n;
}

const char *
finding_kind_name(FindingKind kind)
{
    static const char *const names[FINDING_N_KINDS] = { "beacon", "exfil" };

    return names[kind];
}

const char *
finding_severity_name(FindingSeverity severity)
{
    static const char *const names[] = { "listed", "digest", "mail" };

    return names[severity];
}
