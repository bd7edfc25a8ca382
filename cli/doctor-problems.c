/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor-problems.h"

#include <stdlib.h>

#include "clock.h"
#include "human.h"
#include "template-fields.h"

#define SILENT_US (600 * US_PER_SEC)
#define SKEW_MS   60000

static void say(GPtrArray *problems, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
say(GPtrArray *problems, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_ptr_array_add(problems, g_strdup_vprintf(format, args));
    va_end(args);
}

static bool
is_silent(const DoctorFacts *facts)
{
    return facts->now_us - facts->last_seen_us > SILENT_US;
}

static void
judge_presence(GPtrArray *problems, const DoctorFacts *facts)
{
    g_autofree char *silent = human_duration(facts->now_us - facts->last_seen_us);
    g_autofree char *skew =
        human_duration(llabs((long long) facts->clock_skew_ms) * US_PER_MS);

    if (facts->last_seen_us != 0 && is_silent(facts))
        say(problems,
            "it has sent nothing for %s: is its export still configured, and "
            "does it reach this machine?",
            silent);
    if (llabs((long long) facts->clock_skew_ms) > SKEW_MS)
        say(problems,
            "its clock is %s %s ours: give it NTP; times of its flows that cannot be "
            "are replaced by the time of receipt",
            skew, facts->clock_skew_ms > 0 ? "ahead of" : "behind");
}

/* --- templates --- */

static bool
has_element(const DoctorTemplate *template, uint32_t pen, uint16_t id)
{
    for (unsigned i = 0; i < template->fields->len; i++) {
        const TemplateField *field = &g_array_index(template->fields, TemplateField, i);

        if (field->pen == pen && field->id == id && !field->is_scope)
            return true;
    }
    return false;
}

static bool
has_any(const DoctorTemplate *template, const uint16_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (has_element(template, 0, ids[i]))
            return true;
    }
    return false;
}

static void
judge_missing(GPtrArray *problems, const DoctorTemplate *template)
{
    static const uint16_t addresses[] = { 8, 27, 12, 28 };
    static const uint16_t octets[] = { 1, 23, 85, 86, 231, 232 };
    static const uint16_t times[] = { 21,  22,  150, 151, 152, 153, 154, 155, 156,
                                      157, 158, 159, 258, 322, 323, 324, 325 };

    if (!has_any(template, addresses, G_N_ELEMENTS(addresses))) {
        say(problems, "template %u has no address: its flows say little", template->id);
        return;
    }
    if (!has_any(template, octets, G_N_ELEMENTS(octets)))
        say(problems,
            "template %u has no octet counter: its flows carry no volume; add "
            "octetDeltaCount to the exporter's record",
            template->id);
    if (!has_any(template, times, G_N_ELEMENTS(times)))
        say(problems,
            "template %u has no time: the time of receipt stands in; add "
            "flowStart and flowEnd",
            template->id);
}

static void
judge_unknown(GPtrArray *problems, const DoctorTemplate *template)
{
    g_autoptr(GString) list = g_string_new(NULL);

    for (unsigned i = 0; i < template->fields->len; i++) {
        const TemplateField *field = &g_array_index(template->fields, TemplateField, i);

        if (!field->is_known)
            g_string_append_printf(list, "%s%s", list->len ? ", " : "", field->name);
    }
    if (list->len > 0)
        say(problems,
            "template %u has elements nobody here knows, which are stepped "
            "over: %s",
            template->id, list->str);
}

static void
judge_age(GPtrArray *problems, const DoctorFacts *facts, const DoctorTemplate *template,
          uint32_t lifetime_sec)
{
    const int64_t age_us = facts->now_us - template->learnt_us;
    g_autofree char *age = human_duration(age_us);

    if (lifetime_sec > 0 && age_us > lifetime_sec * US_PER_SEC && !is_silent(facts))
        say(problems,
            "template %u was last announced %s ago, longer than [decode] "
            "template_lifetime_sec: its data is no longer decoded; make the exporter "
            "repeat templates every few minutes",
            template->id, age);
}

static void
judge_templates(GPtrArray *problems, const DoctorFacts *facts, uint32_t lifetime_sec)
{
    bool names_sampler = false, has_data = false, has_rate = facts->sampling > 0;

    for (unsigned i = 0; i < facts->templates->len; i++) {
        const DoctorTemplate *template =
            &g_array_index(facts->templates, DoctorTemplate, i);

        judge_unknown(problems, template);
        judge_age(problems, facts, template, lifetime_sec);
        if (template->is_options)
            continue;
        has_data = true;
        names_sampler |= has_element(template, 0, 48) || has_element(template, 0, 302);
        judge_missing(problems, template);
    }
    for (unsigned i = 0; i < facts->options->len; i++)
        has_rate |= g_str_equal(g_array_index(facts->options, DoctorOption, i).kind,
                                "sampling");

    if (facts->version >= 9 && !has_data && facts->flows == 0 && !is_silent(facts))
        say(problems, "no template for flows has come yet: data waits for it; make the "
                      "exporter send templates every minute or two");
    if (names_sampler && !has_rate)
        say(problems,
            "its flows name a sampler whose rate never came: counters are not "
            "multiplied; export the sampler table (options), or set sampling "
            "in [exporter NAME]");
}

static void
judge_quarantine(GPtrArray *problems, const DoctorFacts *facts)
{
    if (facts->quarantined_until_us <= facts->now_us)
        return;

    g_autofree char *left = human_duration(facts->quarantined_until_us - facts->now_us);

    say(problems,
        "a port of its address is in quarantine for another %s, for it sent nothing "
        "but "
        "malformed messages: look at the exporter, or for whoever sends in its name; "
        "see "
        "[decode] quarantine_messages",
        left);
}

/* --- losses --- */

/* What is known of some classes beyond their name. */
static const struct {
    const char *class;
    const char *advice;
} advices[] = {
    { "quarantined",
      "they came after too many malformed messages in a row; see [decode] "
      "quarantine_messages" },
    { "template_pinned",
      "they differ from what pin_templates in [exporter NAME] keeps: "
      "forged, or the exporter was reconfigured" },
    { "template_flapping",
      "its definitions go back and forth: two exporters with one "
      "address and port, or somebody forges them; see pin_templates "
      "in [exporter NAME]" },
};

static const char *
advice_of(const char *class)
{
    for (size_t i = 0; i < G_N_ELEMENTS(advices); i++) {
        if (g_str_equal(class, advices[i].class))
            return advices[i].advice;
    }
    return NULL;
}

static void
judge_gap(GPtrArray *problems, const DoctorFacts *facts, const DoctorLoss *loss,
          const char *count)
{
    const double share =
        100.0 * (double) loss->count / (double) (loss->count + facts->flows);

    if (g_str_equal(loss->unit, "flows"))
        say(problems,
            "%s flows (%.2g %%) of the last day never arrived, by its sequence "
            "numbers: look at kernel_drop in `flowkeep status`, then at the "
            "network between",
            count, share);
    else
        say(problems,
            "%s %s of the last day never arrived, by its sequence numbers: "
            "look at kernel_drop in `flowkeep status`, then at the network "
            "between",
            count, loss->unit);
}

static void
judge_losses(GPtrArray *problems, const DoctorFacts *facts)
{
    for (unsigned i = 0; i < facts->losses->len; i++) {
        const DoctorLoss *loss = &g_array_index(facts->losses, DoctorLoss, i);
        g_autofree char *count = human_count((double) loss->count);
        const char *class = *loss->class ? loss->class : "no class";
        const char *advice = advice_of(class);

        if (g_str_equal(loss->reason, "sequence_gap"))
            judge_gap(problems, facts, loss, count);
        else if (g_str_equal(loss->reason, "no_template"))
            say(problems,
                "%s %s of the last day were given up for want of a template: "
                "make the exporter repeat templates more often",
                count, loss->unit);
        else
            say(problems, "%s %s of the last day: %s (%s)%s%s", count, loss->unit,
                loss->reason, class, advice ? ": " : "", advice ? advice : "");
    }
}

GPtrArray *
doctor_problems(const DoctorFacts *facts, uint32_t template_lifetime_sec)
{
    GPtrArray *problems = g_ptr_array_new_with_free_func(g_free);

    judge_presence(problems, facts);
    judge_quarantine(problems, facts);
    judge_losses(problems, facts);
    judge_templates(problems, facts, template_lifetime_sec);
    return problems;
}

const char *
doctor_problems_of_machine(bool listens_to_tcp, const char *syncookies)
{
    if (listens_to_tcp && syncookies && syncookies[0] == '0')
        return "this machine answers floods of TCP handshakes by refusing everybody: "
               "set "
               "sysctl net.ipv4.tcp_syncookies to 1";
    return NULL;
}
