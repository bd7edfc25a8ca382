/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/alert-letter.h"

#include <string.h>

#include "clock.h"
#include "mail/axis.h"
#include "mail/letter-style.h"

typedef struct {
    const char *what;                           /* alert_event.what */
    const char *subject;                        /* before the title */
    const char *style;                          /* of the line about it */
    char *(*change)(const AlertLetter *letter); /* NULL = nothing to say about it */
} Change;

static char *
describe_reopened(const AlertLetter *letter)
{
    (void) letter;
    return g_strdup("It was resolved, and is found again.");
}

static char *
describe_grew(const AlertLetter *letter)
{
    const char *kind = letter->view->incident->kind;
    g_autofree char *now = incident_view_magnitude(kind, letter->event->magnitude);
    g_autofree char *before =
        letter->previous ? incident_view_magnitude(kind, letter->previous->magnitude)
                         : NULL;

    if (!before)
        return g_strdup_printf("It grew: %s now.", now);
    return g_strdup_printf("It grew: %s now, %s when you were last told.", now, before);
}

static char *
describe_severity(const AlertLetter *letter)
{
    const IncidentEvent *previous = letter->previous;

    if (!previous)
        return g_strdup_printf("It got more severe: score %d now.",
                               incident_view_score(letter->event->score));
    return g_strdup_printf(
        "It got more severe: score %d now, %d when you were last told.",
        incident_view_score(letter->event->score),
        incident_view_score(previous->score));
}

static char *
describe_resolved(const AlertLetter *letter)
{
    const Incident *incident = letter->view->incident;
    g_autofree char *last = axis_moment(incident->found_us);
    g_autofree char *open_for =
        axis_span((double) (letter->event->at_us - incident->opened_us) / US_PER_SEC);

    return g_strdup_printf("It is over: last found %s UTC, and it was open for %s.  "
                           "What follows is how it was.",
                           last, open_for);
}

static char *
describe_unmuted(const AlertLetter *letter)
{
    (void) letter;
    return g_strdup("Its mute is over, and it goes on.");
}

static const Change changes[] = {
    { "opened", "", LETTER_CHANGE, NULL },
    { "reopened", "again: ", LETTER_CHANGE, describe_reopened },
    { "grew", "grew: ", LETTER_CHANGE, describe_grew },
    { "severity", "more severe: ", LETTER_CHANGE, describe_severity },
    { "resolved", "resolved: ", LETTER_OVER, describe_resolved },
    { "unmuted", "", LETTER_CHANGE, describe_unmuted },
};

static const Change *
find_change(const char *what)
{
    for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
        if (g_str_equal(changes[i].what, what))
            return &changes[i];
    }
    return &changes[0];
}

char *
alert_letter_link(const char *link, int64_t alert_id)
{
    g_auto(GStrv) parts = g_strsplit(link, "{alert}", -1);
    g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, alert_id);

    return link[0] ? g_strjoinv(number, parts) : NULL;
}

static char *
held_text(const AlertLetter *letter)
{
    if (letter->n_held == 0)
        return NULL;
    return g_strdup_printf("%" G_GUINT64_FORMAT
                           " more %s held back before this one, over the limit of %u "
                           "an hour: `flowkeep alerts` lists all.",
                           letter->n_held,
                           letter->n_held == 1 ? "mail was" : "mails were",
                           letter->cap_per_hour);
}

/* What both forms say. */
typedef struct {
    char *pair;
    char *change; /* NULL = none, likewise below */
    char *points;
    char *link;
    char *mute;
    char *held;
    char *opened;
} Sentences;

static void
sentences_clear(Sentences *self)
{
    g_free(self->pair);
    g_free(self->change);
    g_free(self->points);
    g_free(self->link);
    g_free(self->mute);
    g_free(self->held);
    g_free(self->opened);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Sentences, sentences_clear)

static void
sentences_init(Sentences *self, const AlertLetter *letter, const Change *change)
{
    const Incident *incident = letter->view->incident;

    *self = (Sentences){
        .pair = incident_view_pair(incident),
        .change = change->change ? change->change(letter) : NULL,
        .points = incident_view_points(letter->view, letter->event->score),
        .link = alert_letter_link(letter->link, incident->id),
        .mute = incident_view_mute_command(incident),
        .held = held_text(letter),
        .opened = axis_moment(incident->opened_us),
    };
}

static char *
make_text(const AlertLetter *letter, const Sentences *said)
{
    const Incident *incident = letter->view->incident;
    GString *text = g_string_new(NULL);

    if (said->change)
        g_string_append_printf(text, "%s\n\n", said->change);
    g_string_append_printf(text, "%s %s\n", said->pair, letter->event->explanation);
    if (said->points)
        g_string_append_printf(text, "Points: %s.\n", said->points);
    g_string_append(text, "\n");
    if (said->link)
        g_string_append_printf(text, "See the contacts: %s\n", said->link);
    g_string_append_printf(text,
                           "Why, in full:     flowkeep explain %" G_GINT64_FORMAT "\n",
                           incident->id);
    g_string_append_printf(text, "Mute:             %s\n", said->mute);
    if (said->held)
        g_string_append_printf(text, "\n%s\n", said->held);
    g_string_append_printf(text,
                           "\n-- \nFlowkeep at %s, incident %" G_GINT64_FORMAT
                           ", opened %s UTC\n",
                           letter->instance, incident->id, said->opened);
    return g_string_free(text, FALSE);
}

static void
write_commands(Html *html, const AlertLetter *letter, const Sentences *said)
{
    const Incident *incident = letter->view->incident;

    html_begin(html, "p", LETTER_SOFT);
    if (said->link) {
        html_link(html, said->link, "See the contacts");
        html_literal(html, "<br>");
    }
    html_text(html, "Why, in full: ");
    html_begin(html, "code", NULL);
    html_format(html, "flowkeep explain %" G_GINT64_FORMAT, incident->id);
    html_end(html);
    html_literal(html, "<br>");
    html_text(html, "Mute: ");
    html_element(html, "code", NULL, said->mute);
    html_end(html);
    if (said->held)
        html_element(html, "p", LETTER_SOFT, said->held);
    html_begin(html, "p", LETTER_FOOT);
    html_format(html, "Flowkeep at %s, incident %" G_GINT64_FORMAT ", opened %s UTC",
                letter->instance, incident->id, said->opened);
    html_end(html);
}

static char *
make_html(const AlertLetter *letter, const Change *change, const Sentences *said,
          const MessageBody *body)
{
    const Incident *incident = letter->view->incident;
    g_autoptr(Html) html = html_new();

    html_literal(html, LETTER_HEAD);
    html_element(html, "title", NULL, body->subject);
    html_literal(html, LETTER_BODY);
    html_begin(html, "p", LETTER_KICKER);
    html_format(html, "%s \u00b7 score %d", incident->kind,
                incident_view_score(letter->event->score));
    html_end(html);
    html_element(html, "h1", LETTER_TITLE, said->pair);
    if (said->change)
        html_element(html, "p", change->style, said->change);
    html_element(html, "p", LETTER_TEXT, letter->event->explanation);
    incident_view_terms(letter->view, html);
    for (size_t i = 0; i < body->n_pictures; i++) {
        g_autofree char *source =
            message_picture_source(body->pictures[i].name, letter->message_id);

        html_begin(html, "div", LETTER_PICTURE);
        html_image(html, source, body->pictures[i].alt, LETTER_WIDTH);
        html_end(html);
    }
    write_commands(html, letter, said);
    html_literal(html, LETTER_END);
    return html_steal(html);
}

void
alert_letter_write(const AlertLetter *self, MessageBody *body)
{
    const Change *change = find_change(self->event->what);
    g_auto(Sentences) said = { 0 };

    sentences_init(&said, self, change);
    body->subject = g_strdup_printf("[Flowkeep] %s%s (score %d)", change->subject,
                                    self->view->incident->title,
                                    incident_view_score(self->event->score));
    body->text = make_text(self, &said);
    body->n_pictures = incident_view_draw(self->view, body->pictures);
    body->html = make_html(self, change, &said, body);
}
