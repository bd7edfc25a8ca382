/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Routing: who is told what.  Pure; MailPolicy is what the configuration says. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *name;
    const char *address;
    const char *groups; /* names of watch groups, separated by ";"; "" = all */
    bool alerts;
    bool digest;
} Recipient;

/* All lent. */
typedef struct {
    const char *instance; /* who is speaking */
    const char *from;     /* a bare address */
    const char *link;     /* "" = none; see alert-letter.h */
    unsigned digest_hour; /* UTC */
    unsigned cap_per_hour;
    unsigned retry_hours;
    const Recipient *recipients;
    size_t n_recipients;
} MailPolicy;

/* Whether incidents of watch group @group ("" = none any more) concern them. */
bool routing_concerns(const Recipient *recipient, const char *group);

/* Whether a change of an incident of @severity is worth a mail of its own to them. */
bool routing_is_told(const Recipient *recipient, const char *group,
                     const char *severity);

/* The newest moment not after @now_us at which a digest is due. */
int64_t routing_digest_us(const MailPolicy *policy, int64_t now_us);
