/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/exfil.h"

#include <math.h>

#include "detect/exfil-case.h"
#include "detect/exfil-rules.h"
#include "detect/exfil-text.h"

const ExfilPolicy EXFIL_POLICY_DEFAULT = {
    .mail_points = 70,
    .digest_points = 50,
    .new_peer_octets = 50000000,
    .any_peer_octets = 1000000000,
    .drip_octets = 200000000,
    .session_octets = 100000000,
    .role_flip_octets = 20000000,
    .chunk_octets = 20000000,
    .channel_octets = 1000000,
    .warm_up_days = 7,
};

void
exfil_window_for(ExfilWindow *window, int64_t now_us, const ExfilPolicy *policy)
{
    const uint64_t limits[] = { policy->new_peer_octets, policy->any_peer_octets,
                                policy->session_octets, policy->role_flip_octets,
                                policy->chunk_octets };
    uint64_t smallest = UINT64_MAX;

    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++)
        smallest = MIN(smallest, limits[i]);
    exfil_window_init(window, now_us, MAX(smallest, 1), MAX(policy->channel_octets, 1));
}

/* Everything the verdict rests on. */
static char *
numbers_of(const ExfilCase *exfil, const Finding *finding)
{
    GString *json = g_string_new(NULL);
    g_autoptr(GString) days = g_string_new(NULL);

    exfil_text_word(json, "rule", finding->rule);
    exfil_text_count(json, "out_octets", exfil->sum.out_octets);
    exfil_text_count(json, "in_octets", exfil->sum.in_octets);
    exfil_text_count(json, "served_out_octets", exfil->served.out_octets);
    exfil_text_number(json, "pcr", exfil->pcr);
    exfil_text_count(json, "active_hours", exfil->n_hours);
    exfil_text_count(json, "peers", exfil->group->n_peers);
    exfil_text_count(json, "top_peer_out_octets", exfil->peer_sum.out_octets);
    exfil_text_number(json, "host_days", exfil->host_days);
    exfil_text_number(json, "pair_days", exfil->pair_days);
    exfil_text_count(json, "new_limit_octets", exfil->new_limit);
    exfil_text_count(json, "learned_new_peer_octets", exfil->baseline->new_peer_octets);
    exfil_text_count(json, "learned_served_octets", exfil->baseline->served_octets);
    exfil_text_count(json, "learned_network_day_octets",
                     exfil->baseline->network_day_octets);
    exfil_text_count(json, "pair_largest_day_octets", exfil->pair_day_octets);
    exfil_text_number(json, "hour_z", exfil->hour_z);
    exfil_text_number(json, "day_z", exfil->day_z);
    exfil_text_number(json, "usual_pcr", exfil->baseline->pcr);
    exfil_text_number(json, "initiated_share", exfil->context->host_initiated_share);
    exfil_text_number(json, "networks_a_day", exfil->context->host_new_nets_a_day);
    exfil_text_count(json, "hosts", exfil->context->n_hosts);
    exfil_text_count(json, "hosts_of_network", exfil->context->n_hosts_of_peer_net);
    exfil_text_count(json, "largest_session_octets",
                     exfil->group->largest.event.out_octets);
    exfil_text_count(json, "channel_octets", exfil->group->channel.out_octets);
    exfil_text_count(json, "channel_packets", exfil->group->channel.out_packets);
    exfil_text_count(json, "networks_left_out", exfil->window->n_left_out);
    for (size_t i = EXFIL_MONTH; i-- > 0;)
        g_string_append_printf(days, "%s%" G_GUINT64_FORMAT, days->len ? ", " : "",
                               exfil_window_surplus(&exfil->group->days[i]));
    g_string_append_printf(json, ", \"day_surplus_octets\": [%s]", days->str);
    if (finding->numbers)
        g_string_append_printf(json, ", %s", finding->numbers);
    g_string_prepend_c(json, '{');
    g_string_append_c(json, '}');
    return g_string_free(json, FALSE);
}

/* False when nobody needs to know. */
static bool
grade(Finding *finding, const ExfilGroup *group, const ExfilPolicy *policy)
{
    if (group->channel.is_infrastructure && g_str_equal(finding->rule, "channel")) {
        finding->severity = FINDING_LISTED;
        return true;
    }
    finding->severity =
        finding->score >= policy->mail_points ? FINDING_MAIL : FINDING_DIGEST;
    return finding->score >= policy->digest_points;
}

Finding *
exfil_judge(const ExfilWindow *window, const ExfilGroup *group,
            const ExfilBaseline *baseline, const Context *context,
            const ExfilPolicy *policy)
{
    g_autoptr(GString) others = g_string_new(NULL);
    g_autoptr(Finding) best = NULL;
    const char *best_words = NULL;
    ExfilCase exfil;

    exfil_case_init(&exfil, window, group, baseline, context, policy);
    for (size_t i = 0; i < exfil_rules_len; i++) {
        g_autoptr(Finding) finding = exfil_rules[i].look(&exfil);
        const char *words = exfil_rules[i].words;

        if (!finding || !grade(finding, group, policy))
            continue;
        if (!best || finding->severity > best->severity) {
            g_clear_pointer(&best, finding_free);
            best = g_steal_pointer(&finding);
            const char *before = best_words;
            best_words = words;
            words = before;
        }
        if (words)
            g_string_append_printf(others, "%s%s", others->len ? ", " : "", words);
    }
    if (!best)
        return NULL;

    if (others->len > 0) {
        char *text = g_strdup_printf("%s Also: %s.", best->explanation, others->str);
        g_free(best->explanation);
        best->explanation = text;
    }
    char *numbers = numbers_of(&exfil, best);
    g_free(best->numbers);
    best->numbers = numbers;
    return g_steal_pointer(&best);
}
