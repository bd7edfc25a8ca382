/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/incident-rules.h"

#include <math.h>

static const char *const state_names[] = { "open", "acknowledged", "muted",
                                           "resolved" };

/* @tell is said once a raise. */
static void
step(IncidentVerdict *verdict, const char *what, bool tell)
{
    g_assert(verdict->n_steps < INCIDENT_RULES_MAX_STEPS);
    for (size_t i = 0; i < verdict->n_steps; i++)
        tell &= !verdict->steps[i].tell;
    verdict->steps[verdict->n_steps++] = (IncidentStep){ what, tell };
}

static IncidentVerdict
begin(const char *what, FindingSeverity severity, bool is_covered)
{
    IncidentVerdict verdict = { .state = is_covered ? INCIDENT_MUTED : INCIDENT_OPEN,
                                .severity = severity,
                                .notes_magnitude = true };

    step(&verdict, what, severity == FINDING_MAIL && !is_covered);
    if (is_covered)
        step(&verdict, "muted", false);
    return verdict;
}

IncidentVerdict
incident_rules_found(const IncidentKnown *known, FindingSeverity severity,
                     double magnitude, bool is_covered, bool is_wider)
{
    if (!known->exists)
        return begin("opened", severity, is_covered);
    if (known->state == INCIDENT_RESOLVED)
        return begin("reopened", severity, is_covered);

    const bool is_new_to_it = isnan(known->noted_magnitude);
    const bool rises = severity > known->severity;
    const bool grows =
        !is_new_to_it &&
        magnitude >= INCIDENT_RULES_GROWTH * fmax(known->noted_magnitude, 1);
    const bool was_muted = known->state == INCIDENT_MUTED;
    const bool tells = severity == FINDING_MAIL && !is_covered;
    IncidentVerdict verdict = { .state = known->state,
                                .severity = MAX(severity, known->severity),
                                .notes_magnitude = is_new_to_it || rises || grows };

    if (is_covered)
        verdict.state = INCIDENT_MUTED;
    else if (was_muted || rises || grows)
        verdict.state = INCIDENT_OPEN;

    if (is_wider)
        step(&verdict, "widened", false);
    if (was_muted != is_covered)
        step(&verdict, is_covered ? "muted" : "unmuted",
             !is_covered && verdict.severity == FINDING_MAIL);
    if (rises)
        step(&verdict, "severity", tells);
    else if (grows)
        step(&verdict, "grew", tells);
    return verdict;
}

IncidentScope
incident_rules_join(const IncidentScope *a, const IncidentScope *b)
{
    const bool a_is_any = a->port == 0 && a->protocol == 0;
    IncidentScope both = a_is_any ? *a : *b;

    both.peers = a->peers.bits <= b->peers.bits ? a->peers : b->peers;
    if (a->port == b->port && a->port != 0 && a->protocol != b->protocol)
        both.protocol = 0;
    return both;
}

bool
incident_rules_same_scope(const IncidentScope *a, const IncidentScope *b)
{
    return a->peers.bits == b->peers.bits &&
           ip_address_equal(&a->peers.address, &b->peers.address) && a->port == b->port;
}

const char *
incident_rules_state_name(IncidentState state)
{
    return state_names[state];
}

IncidentState
incident_rules_state(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(state_names); i++) {
        if (g_str_equal(name, state_names[i]))
            return (IncidentState) i;
    }
    return INCIDENT_OPEN;
}

FindingSeverity
incident_rules_severity(const char *name)
{
    for (FindingSeverity i = FINDING_LISTED; i < FINDING_MAIL; i++) {
        if (g_str_equal(name, finding_severity_name(i)))
            return i;
    }
    return FINDING_MAIL;
}
