/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* AlertLetter: what one recipient is told of one change of an incident.
 *
 * Pure: values in, the body of a message out.  Answers, in this order: what is it, why
 * do you think so, what do I do now. */

#include <stdint.h>

#include "alert/incident-store.h"
#include "mail/incident-view.h"
#include "mail/message.h"

/* All lent. */
typedef struct {
    const IncidentView *view;
    const IncidentEvent *event;    /* what is told */
    const IncidentEvent *previous; /* what was told before; NULL = nothing */
    const char *instance;          /* who is speaking */
    const char *link; /* with {alert} for the incident's number; "" = none */
    const char *message_id;
    uint64_t n_held; /* mails of this kind held back since the last one */
    unsigned cap_per_hour;
} AlertLetter;

void alert_letter_write(const AlertLetter *self, MessageBody *body);

/* @link with the number in it; NULL when @link is "" (transfer full). */
char *alert_letter_link(const char *link, int64_t alert_id);
