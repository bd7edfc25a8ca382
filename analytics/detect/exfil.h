/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Exfil: a watched host that sends out what it should keep.
 *
 * What the host exchanged with one network (exfil-window.h), what is usual for it
 * (exfil-learn.h) and what else is known of the pair (context.h) go in; a finding or
 * nothing comes out.  The rules are one table, in exfil-rules.c; docs/detection.md
 * says what each looks at.  Use:
 *
 *     for each host: exfil_window_begin(), exfil_window_add() for each row, _end()
 *         for each of its groups: fill in days, pair_first_us, context
 *             finding = exfil_judge(&window, group, &baseline, &context, &policy)
 *
 * Pure: no clock, no SQL, no state.  A finding says digest or mail, or, for configured
 * infrastructure, listed; what has fewer points than a digest is no finding: uploads
 * are everywhere. */

#include "detect/context.h"
#include "detect/exfil-learn.h"
#include "detect/exfil-window.h"
#include "detect/finding.h"

typedef struct {
    double mail_points;   /* 70 */
    double digest_points; /* 50 */
    uint64_t new_peer_octets;
    uint64_t any_peer_octets;
    uint64_t drip_octets;
    uint64_t session_octets;
    uint64_t role_flip_octets;
    uint64_t chunk_octets;
    uint64_t channel_octets; /* an hour */
    uint32_t warm_up_days;
} ExfilPolicy;

extern const ExfilPolicy EXFIL_POLICY_DEFAULT;

/* What a window must hold for a verdict to be possible. */
void exfil_window_for(ExfilWindow *window, int64_t now_us, const ExfilPolicy *policy);

/* The verdict on @group of @window; NULL when there is nothing to say (transfer full).
 * Of several rules the gravest speaks, of these the first in the table, and names the
 * others. */
Finding *exfil_judge(const ExfilWindow *window, const ExfilGroup *group,
                     const ExfilBaseline *baseline, const Context *context,
                     const ExfilPolicy *policy);
