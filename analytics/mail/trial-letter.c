/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/trial-letter.h"

#include "clock.h"
#include "mail/chart.h"
#include "mail/html.h"
#include "mail/letter-style.h"

#define N_CONTACTS 36
#define PERIOD_SEC 300

static char *
describe(const Recipient *recipient)
{
    return g_strdup_printf("You are recipient \"%s\": you get %s and %s, of %s%s.",
                           recipient->name,
                           recipient->alerts
                               ? "a mail about each incident that is worth one"
                               : "no mail about single incidents",
                           recipient->digest ? "the daily digest" : "no digest",
                           recipient->groups[0] ? "groups " : "all groups",
                           recipient->groups);
}

/* An example that is plainly one. */
static void
draw(int64_t now_us, MessageBody *body)
{
    int64_t starts_us[N_CONTACTS];

    for (int i = 0; i < N_CONTACTS; i++)
        starts_us[i] = now_us + (i - N_CONTACTS) * PERIOD_SEC * US_PER_SEC;

    const ChartData data = { .from_us = starts_us[0],
                             .to_us = now_us,
                             .starts_us = starts_us,
                             .n_starts = N_CONTACTS,
                             .period_sec = PERIOD_SEC };
    GBytes *png = chart_draw(CHART_CONTACTS, &data);

    if (png)
        body->pictures[body->n_pictures++] =
            (MessagePicture){ .name = chart_name(CHART_CONTACTS),
                              .png = png,
                              .alt = chart_alt(CHART_CONTACTS, &data) };
}

void
trial_letter_write(const MailPolicy *policy, const Recipient *recipient,
                   const char *message_id, int64_t now_us, MessageBody *body)
{
    static const char example[] = "The picture is an example: made-up contacts, five "
                                  "minutes apart.";
    g_autofree char *who = describe(recipient);
    g_autoptr(Html) html = html_new();

    draw(now_us, body);
    body->subject =
        g_strdup_printf("[Flowkeep] test: mail from %s arrives", policy->instance);
    body->text = g_strdup_printf("This is a test: mail from Flowkeep at %s reaches "
                                 "you.\n%s\n",
                                 policy->instance, who);

    html_literal(html, LETTER_HEAD);
    html_element(html, "title", NULL, body->subject);
    html_literal(html, LETTER_BODY);
    html_element(html, "h1", LETTER_TITLE, "This is a test");
    html_begin(html, "p", LETTER_TEXT);
    html_format(html, "Mail from Flowkeep at %s reaches you.", policy->instance);
    html_end(html);
    html_element(html, "p", LETTER_TEXT, who);
    for (size_t i = 0; i < body->n_pictures; i++) {
        g_autofree char *source =
            message_picture_source(body->pictures[i].name, message_id);

        html_element(html, "p", LETTER_SOFT, example);
        html_begin(html, "div", LETTER_PICTURE);
        html_image(html, source, body->pictures[i].alt, LETTER_WIDTH);
        html_end(html);
    }
    html_literal(html, LETTER_END);
    body->html = html_steal(html);
}
