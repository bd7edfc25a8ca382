/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor-problems.h"

#include <string.h>

#include "clock.h"
#include "template-fields.h"

#define NOW_US       (INT64_C(1700000000) * US_PER_SEC)
#define LIFETIME_SEC 1800

static DoctorFacts *
healthy(void)
{
    DoctorFacts *facts = doctor_facts_new();

    facts->now_us = NOW_US;
    facts->version = 10;
    facts->last_seen_us = NOW_US - US_PER_SEC;
    facts->flows = 900;
    return facts;
}

/* Adds a template for flows with these elements of IANA's. */
static void
add_template(DoctorFacts *facts, const uint16_t *ids, size_t n)
{
    DoctorTemplate template = {
        .id = 256,
        .learnt_us = NOW_US - 60 * US_PER_SEC,
        .fields = g_array_new(FALSE, FALSE, sizeof(TemplateField)),
    };

    for (size_t i = 0; i < n; i++) {
        TemplateField field = { .id = ids[i], .octets = 4, .is_known = ids[i] < 32000 };

        g_snprintf(field.name, sizeof(field.name), "element %u", ids[i]);
        g_array_append_val(template.fields, field);
    }
    g_array_append_val(facts->templates, template);
}

#define ADD_TEMPLATE(facts, ...)                                                       \
    add_template(facts, (const uint16_t[]){ __VA_ARGS__ },                             \
                 G_N_ELEMENTS(((const uint16_t[]){ __VA_ARGS__ })))

static void
add_loss(DoctorFacts *facts, const char *reason, const char *unit)
{
    const DoctorLoss loss = { .reason = g_strdup(reason),
                              .class = g_strdup("set_length"),
                              .unit = g_strdup(unit),
                              .count = 100 };

    g_array_append_val(facts->losses, loss);
}

static void
make_healthy(DoctorFacts *facts)
{
    ADD_TEMPLATE(facts, 8, 12, 1, 2, 152, 153);
}

static void
make_v5(DoctorFacts *facts)
{
    facts->version = 5;
}

static void
make_old_template(DoctorFacts *facts)
{
    make_healthy(facts);
    g_array_index(facts->templates, DoctorTemplate, 0).learnt_us -= 3600 * US_PER_SEC;
}

static void
make_no_octets(DoctorFacts *facts)
{
    ADD_TEMPLATE(facts, 8, 12, 2, 152);
}

static void
make_no_time(DoctorFacts *facts)
{
    ADD_TEMPLATE(facts, 8, 12, 1);
}

static void
make_unknown(DoctorFacts *facts)
{
    ADD_TEMPLATE(facts, 8, 12, 1, 152, 32767);
}

static void
make_sampler(DoctorFacts *facts)
{
    ADD_TEMPLATE(facts, 8, 12, 1, 152, 48);
}

static void
make_sampler_known(DoctorFacts *facts)
{
    make_sampler(facts);
    facts->sampling = 1000;
}

static void
make_no_template(DoctorFacts *facts)
{
    facts->flows = 0;
}

static void
make_gap(DoctorFacts *facts)
{
    make_healthy(facts);
    add_loss(facts, "sequence_gap", "flows");
}

static void
make_malformed(DoctorFacts *facts)
{
    make_healthy(facts);
    add_loss(facts, "malformed", "messages");
}

static void
make_flapping(DoctorFacts *facts)
{
    make_healthy(facts);
    add_loss(facts, "refused", "templates");
    DoctorLoss *loss = &g_array_index(facts->losses, DoctorLoss, 0);
    g_free(loss->class);
    loss->class = g_strdup("template_flapping");
}

static void
make_quarantined(DoctorFacts *facts)
{
    make_healthy(facts);
    facts->quarantined_until_us = facts->now_us + 90 * US_PER_SEC;
}

static void
make_once_quarantined(DoctorFacts *facts)
{
    make_healthy(facts);
    facts->quarantined_until_us = facts->now_us - US_PER_SEC;
}

static void
make_skew(DoctorFacts *facts)
{
    make_healthy(facts);
    facts->clock_skew_ms = 3600000;
}

static void
test_problems(void)
{
    static const struct {
        void (*make)(DoctorFacts *facts);
        const char *said; /* "" = nothing at all */
    } cases[] = {
        { make_healthy, "" },
        { make_v5, "" },
        { make_old_template, "template 256 was last announced 1 h 1 min ago" },
        { make_no_octets, "template 256 has no octet counter" },
        { make_no_time, "template 256 has no time" },
        { make_unknown, "nobody here knows, which are stepped over: element 32767" },
        { make_sampler, "name a sampler whose rate never came" },
        { make_sampler_known, "" },
        { make_no_template, "no template for flows has come yet" },
        { make_gap, "100 flows (10 %) of the last day never arrived" },
        { make_malformed, "100 messages of the last day: malformed (set_length)" },
        { make_flapping,
          "100 templates of the last day: refused (template_flapping): its "
          "definitions go back and forth" },
        { make_quarantined, "in quarantine for another 1 min 30 s" },
        { make_once_quarantined, "" },
        { make_skew, "its clock is 1 h 0 min ahead of ours" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(DoctorFacts) facts = healthy();

        cases[i].make(facts);
        g_autoptr(GPtrArray) problems = doctor_problems(facts, LIFETIME_SEC);

        g_test_message("%s", cases[i].said);
        g_assert_cmpuint(problems->len, ==, *cases[i].said ? 1 : 0);
        if (problems->len > 0)
            g_assert_nonnull(strstr(problems->pdata[0], cases[i].said));
    }
}

static void
test_machine(void)
{
    g_assert_nonnull(
        strstr(doctor_problems_of_machine(true, "0\n"), "net.ipv4.tcp_syncookies"));
    g_assert_null(doctor_problems_of_machine(true, "1\n"));
    g_assert_null(doctor_problems_of_machine(true, NULL));
    g_assert_null(doctor_problems_of_machine(false, "0\n"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/doctor-problems/each-is-told", test_problems);
    g_test_add_func("/doctor-problems/a-machine-without-syn-cookies", test_machine);
    return g_test_run();
}
