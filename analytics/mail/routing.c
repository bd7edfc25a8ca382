/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/routing.h"

#include <glib.h>

#include "clock.h"

#define HOUR_US (3600 * US_PER_SEC)
#define DAY_US  (24 * HOUR_US)

bool
routing_concerns(const Recipient *recipient, const char *group)
{
    g_auto(GStrv) names = g_strsplit(recipient->groups, ";", -1);
    bool is_any = true; /* nothing but separators is as good as empty */

    for (size_t i = 0; names[i]; i++) {
        g_strstrip(names[i]);
        if (names[i][0] && g_str_equal(names[i], group))
            return true;
        is_any = is_any && !names[i][0];
    }
    return is_any;
}

bool
routing_is_told(const Recipient *recipient, const char *group, const char *severity)
{
    return recipient->alerts && g_str_equal(severity, "mail") &&
           routing_concerns(recipient, group);
}

int64_t
routing_digest_us(const MailPolicy *policy, int64_t now_us)
{
    const int64_t hour_us = policy->digest_hour * HOUR_US;

    return (now_us - hour_us) / DAY_US * DAY_US + hour_us;
}
