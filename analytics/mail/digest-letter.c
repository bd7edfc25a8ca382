/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/digest-letter.h"

#include "mail/alert-letter.h"
#include "mail/html.h"
#include "mail/letter-style.h"

static void
clear_line(gpointer data)
{
    DigestLine *line = data;

    g_free(line->text);
    g_free(line->detail);
}

void
digest_letter_begin(DigestSection *self, const char *heading, const char *noun,
                    bool is_news)
{
    *self = (DigestSection){ .heading = heading,
                             .noun = noun,
                             .is_news = is_news,
                             .lines = g_array_new(FALSE, FALSE, sizeof(DigestLine)) };
    g_array_set_clear_func(self->lines, clear_line);
}

void
digest_letter_end(DigestSection *self)
{
    g_clear_pointer(&self->lines, g_array_unref);
}

void
digest_letter_add(DigestSection *self, int64_t alert_id, char *text, char *detail)
{
    DigestLine line = { alert_id, text, detail };

    if (self->lines->len < DIGEST_LETTER_MAX_LINES) {
        g_array_append_val(self->lines, line);
        return;
    }
    self->n_left_out++;
    clear_line(&line);
}

bool
digest_letter_is_worth(const DigestSection *sections, size_t n_sections)
{
    for (size_t i = 0; i < n_sections; i++) {
        if (sections[i].is_news && sections[i].lines->len > 0)
            return true;
    }
    return false;
}

/* "daily digest 2026-11-24: 3 new, 1 resolved" */
static char *
make_subject(const DigestSection *sections, size_t n_sections, const char *day)
{
    GString *subject = g_string_new(NULL);
    const char *between = ": ";

    g_string_append_printf(subject, "[Flowkeep] daily digest %s", day);
    for (size_t i = 0; i < n_sections; i++) {
        const uint64_t n = sections[i].lines->len + sections[i].n_left_out;

        if (n == 0 || !sections[i].noun)
            continue;
        g_string_append_printf(subject, "%s%" G_GUINT64_FORMAT " %s", between, n,
                               sections[i].noun);
        between = ", ";
    }
    return g_string_free(subject, FALSE);
}

static char *
make_text(const DigestSection *sections, size_t n_sections, const char *instance)
{
    GString *text = g_string_new(NULL);

    for (size_t i = 0; i < n_sections; i++) {
        if (sections[i].lines->len == 0)
            continue;
        g_string_append_printf(text, "%s\n\n", sections[i].heading);
        for (unsigned k = 0; k < sections[i].lines->len; k++) {
            const DigestLine *line = &g_array_index(sections[i].lines, DigestLine, k);

            g_string_append_printf(text, "* %s", line->text);
            g_string_append_printf(text, line->detail ? " (%s)\n" : "%s\n",
                                   line->detail ? line->detail : "");
        }
        if (sections[i].n_left_out > 0)
            g_string_append_printf(text, "* and %" G_GUINT64_FORMAT " more\n",
                                   sections[i].n_left_out);
        g_string_append_c(text, '\n');
    }
    g_string_append_printf(text,
                           "`flowkeep alerts` lists incidents, `flowkeep explain "
                           "NUMBER` says why.\n\n-- \nFlowkeep at %s\n",
                           instance);
    return g_string_free(text, FALSE);
}

static void
write_section(Html *html, const DigestSection *section, const char *link)
{
    html_element(html, "h2", LETTER_HEADING, section->heading);
    html_begin(html, "ul", "style=\"margin:0;padding-left:20px\"");
    for (unsigned i = 0; i < section->lines->len; i++) {
        const DigestLine *line = &g_array_index(section->lines, DigestLine, i);
        g_autofree char *url =
            line->alert_id ? alert_letter_link(link, line->alert_id) : NULL;

        html_begin(html, "li", "style=\"margin:0 0 4px\"");
        if (url)
            html_link(html, url, line->text);
        else
            html_text(html, line->text);
        if (line->detail) {
            html_literal(html, "<br>");
            html_element(html, "span", LETTER_DETAIL, line->detail);
        }
        html_end(html);
    }
    if (section->n_left_out > 0) {
        html_begin(html, "li", NULL);
        html_format(html, "and %" G_GUINT64_FORMAT " more", section->n_left_out);
        html_end(html);
    }
    html_end(html);
}

void
digest_letter_write(const DigestSection *sections, size_t n_sections, const char *day,
                    const char *instance, const char *link, MessageBody *body)
{
    g_autoptr(Html) html = html_new();

    body->subject = make_subject(sections, n_sections, day);
    body->text = make_text(sections, n_sections, instance);

    html_literal(html, LETTER_HEAD);
    html_element(html, "title", NULL, body->subject);
    html_literal(html, LETTER_BODY);
    html_begin(html, "h1", LETTER_TITLE);
    html_format(html, "Daily digest %s", day);
    html_end(html);
    for (size_t i = 0; i < n_sections; i++) {
        if (sections[i].lines->len > 0)
            write_section(html, &sections[i], link);
    }
    html_begin(html, "p", LETTER_FOOT);
    html_format(html, "Flowkeep at %s", instance);
    html_end(html);
    html_literal(html, LETTER_END);
    body->html = html_steal(html);
}
