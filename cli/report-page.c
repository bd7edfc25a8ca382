/* SPDX-License-Identifier: Apache-2.0 */
#include "report-page.h"

#include <stdbool.h>

#include "alert/incident-store.h"
#include "clock.h"
#include "db.h"
#include "mail/axis.h"
#include "mail/html.h"
#include "mail/incident-view.h"
#include "mail/sql-time.h"
#include "pg-cell.h"
#include "report-tables.h"

static const char style[] =
    "<style>\n"
    ":root{--ink:#1f2933;--soft:#616e7c;--line:#e4e7eb;--mark:#c2410c;--data:#2b6cb0}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:#f5f7fa;color:var(--ink);font:15px/1.5 "
    "-apple-system,'Segoe UI',Roboto,'DejaVu Sans',Arial,sans-serif}\n"
    "main{max-width:960px;margin:0 auto;padding:32px 20px 64px}\n"
    "h1{font-size:26px;margin:0}h2{font-size:19px;margin:40px 0 10px}\n"
    "h3{font-size:17px;margin:2px 0 8px;overflow-wrap:anywhere}\n"
    "p{margin:0 0 10px}.soft{color:var(--soft);font-size:14px}\n"
    ".tiles{display:flex;flex-wrap:wrap;gap:12px;margin:24px 0 0}\n"
    ".tile{flex:1 1 150px;background:#fff;border:1px solid var(--line);"
    "border-radius:8px;padding:14px 16px}\n"
    ".tile b{display:block;font-size:26px;line-height:1.2}\n"
    ".card{background:#fff;border:1px solid var(--line);border-radius:8px;"
    "padding:18px 20px;margin:0 0 16px;overflow-wrap:break-word}\n"
    ".mail{border-left:4px solid var(--mark)}.digest{border-left:4px solid #d9a441}\n"
    ".card img{margin:14px 0 0}\n"
    ".scroll{overflow-x:auto;background:#fff;border:1px solid var(--line);"
    "border-radius:8px}\n"
    "table{border-collapse:collapse;font-size:14px}.scroll table{width:100%}\n"
    ".scroll th,.scroll td{padding:7px 12px;text-align:left;vertical-align:top;"
    "border-top:1px solid var(--line)}\n"
    ".scroll tr:first-child th{border-top:0;color:var(--soft);font-weight:600;"
    "white-space:nowrap}\n"
    ".scroll .n{text-align:right;white-space:nowrap;"
    "font-variant-numeric:tabular-nums}\n"
    "code{background:#f5f7fa;padding:1px 5px;border-radius:4px;font-size:13px}\n"
    "details{margin:12px 0 0;font-size:14px}summary{cursor:pointer;color:var(--soft)}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;"
    "margin:8px 0 0}dd{margin:0}\n"
    "@media print{body{background:#fff}.card{break-inside:avoid}}\n"
    "</style>\n";

/* --- incidents --- */

static void
write_history(Html *html, const GArray *events)
{
    html_begin(html, "dl", NULL);
    for (unsigned i = 0; i < events->len; i++) {
        const IncidentEvent *event = &g_array_index(events, IncidentEvent, i);
        g_autofree char *at = axis_moment(event->at_us);

        html_element(html, "dt", NULL, at);
        html_begin(html, "dd", NULL);
        html_format(html, "%s, score %d", event->what,
                    incident_view_score(event->score));
        if (event->who)
            html_format(html, ", by %s", event->who);
        if (event->note)
            html_format(html, ": %s", event->note);
        html_end(html);
    }
    html_end(html);
}

static void
write_numbers(Html *html, const Evidence *evidence)
{
    html_begin(html, "dl", NULL);
    for (size_t i = 0; evidence && i < evidence->n_numbers; i++) {
        const EvidenceNumber *number = &evidence->numbers[i];

        html_element(html, "dt", NULL, number->name);
        html_begin(html, "dd", NULL);
        if (number->text)
            html_text(html, number->text);
        else
            html_format(html, "%.6g", number->value);
        html_end(html);
    }
    html_end(html);
}

static void
write_pictures(Html *html, const IncidentView *view)
{
    MessagePicture pictures[CHART_N_KINDS];
    const size_t n = incident_view_draw(view, pictures);

    for (size_t i = 0; i < n; i++) {
        size_t n_bytes;
        const void *bytes = g_bytes_get_data(pictures[i].png, &n_bytes);
        g_autofree char *base64 = g_base64_encode(bytes, n_bytes);
        g_autofree char *source = g_strconcat("data:image/png;base64,", base64, NULL);

        html_image(html, source, pictures[i].alt, 640);
        g_bytes_unref(pictures[i].png);
        g_free(pictures[i].alt);
    }
}

static void
write_card(Html *html, const IncidentView *view, const GArray *events)
{
    const Incident *incident = view->incident;
    g_autofree char *pair = incident_view_pair(incident);
    g_autofree char *opened = axis_moment(incident->opened_us);
    g_autofree char *found = axis_moment(incident->found_us);
    g_autofree char *mute = incident_view_mute_command(incident);

    html_begin(html, "section",
               g_str_equal(incident->severity, "mail") ? "class=\"card mail\""
                                                       : "class=\"card digest\"");
    html_begin(html, "div", "class=\"soft\"");
    html_format(html,
                "%s (%s) \u00b7 score %d \u00b7 %s \u00b7 incident %" G_GINT64_FORMAT,
                incident->kind, incident->rule, incident_view_score(incident->score),
                incident->state, incident->id);
    html_end(html);
    html_element(html, "h3", NULL, pair);
    html_element(html, "p", NULL, incident->explanation);
    html_begin(html, "p", "class=\"soft\"");
    html_format(html, "Opened %s UTC, last found %s UTC.  ", opened, found);
    html_element(html, "code", NULL, mute);
    html_end(html);
    incident_view_terms(view, html);
    write_pictures(html, view);
    html_begin(html, "details", NULL);
    html_element(html, "summary", NULL, "History");
    write_history(html, events);
    html_end(html);
    html_begin(html, "details", NULL);
    html_element(html, "summary", NULL, "Numbers");
    write_numbers(html, view->evidence);
    html_end(html);
    html_end(html);
}

static bool
write_incident(PGconn *conn, Html *html, int64_t id, GError **error)
{
    g_autoptr(Incident) incident = incident_store_get(conn, id, error);
    g_autoptr(GArray) events = incident ? incident_store_events(conn, id, error) : NULL;

    if (!events)
        return false;

    g_autoptr(Evidence) evidence = evidence_parse(incident->evidence, NULL);
    g_auto(IncidentView) view = { 0 };
    incident_view_init(&view, incident, evidence);
    write_card(html, &view, events);
    return true;
}

static void
write_row(Html *html, const Incident *incident)
{
    g_autofree char *score =
        g_strdup_printf("%d", incident_view_score(incident->score));
    g_autofree char *opened = axis_moment(incident->opened_us);

    html_begin(html, "tr", NULL);
    html_element(html, "td", "class=\"n\"", score);
    html_element(html, "td", NULL, incident->title);
    html_element(html, "td", NULL, incident->state);
    html_element(html, "td", "class=\"n\"", opened);
    html_end(html);
}

/* Those that are listed only, and what has no room as a card. */
static void
write_rest(Html *html, const GArray *incidents, unsigned n_cards)
{
    unsigned n_rows = 0;

    html_element(html, "h2", NULL, "Listed only");
    if (incidents->len == n_cards) {
        html_element(html, "p", "class=\"soft\"", "None.");
        return;
    }
    html_begin(html, "div", "class=\"scroll\"");
    html_begin(html, "table", NULL);
    html_literal(html, "<tr><th class=\"n\">Score</th><th>Incident</th><th>State</th>"
                       "<th class=\"n\">Opened</th></tr>\n");
    for (unsigned i = n_cards; i < incidents->len && n_rows < REPORT_PAGE_MAX_ROWS; i++)
        write_row(html, &g_array_index(incidents, Incident, n_cards + n_rows++));
    html_end(html);
    html_end(html);
    if (n_cards + n_rows < incidents->len)
        html_format(html, "and %u more", incidents->len - n_cards - n_rows);
}

static bool
write_incidents(PGconn *conn, Html *html, const GArray *incidents, GError **error)
{
    unsigned n_cards = 0;

    html_element(html, "h2", NULL, "Incidents");
    while (n_cards < MIN(incidents->len, REPORT_PAGE_MAX_CARDS)) {
        const Incident *incident = &g_array_index(incidents, Incident, n_cards);

        if (g_str_equal(incident->severity, "listed"))
            break; /* the gravest come first */
        if (!write_incident(conn, html, incident->id, error))
            return false;
        n_cards++;
    }
    if (n_cards == 0)
        html_element(html, "p", "class=\"soft\"",
                     "None that is worth a mail or a line in the digest.");
    write_rest(html, incidents, n_cards);
    return true;
}

/* --- tables --- */

static char *
cell_text(const PGresult *rows, int row, int column, ReportCell cell)
{
    if (pg_cell_is_null(rows, row, column))
        return g_strdup("");
    switch (cell) {
    case REPORT_TEXT:
        return g_strdup(pg_cell_text(rows, row, column));
    case REPORT_OCTETS:
        return axis_octets(pg_cell_double(rows, row, column));
    case REPORT_COUNT:
        return axis_count(pg_cell_double(rows, row, column));
    case REPORT_TIME:
        return axis_moment(pg_cell_int(rows, row, column) * US_PER_SEC);
    case REPORT_SPAN:
        return axis_span(pg_cell_double(rows, row, column));
    }
    g_assert_not_reached();
}

static void
write_cells(Html *html, const ReportTable *table, const PGresult *rows)
{
    html_begin(html, "div", "class=\"scroll\"");
    html_begin(html, "table", NULL);
    for (int i = -1; i < PQntuples(rows); i++) { /* -1 = the titles */
        html_begin(html, "tr", NULL);
        for (int k = 0; k < REPORT_MAX_COLUMNS && table->columns[k].title; k++) {
            const ReportColumn *column = &table->columns[k];
            g_autofree char *text =
                i < 0 ? g_strdup(column->title) : cell_text(rows, i, k, column->cell);

            html_element(html, i < 0 ? "th" : "td",
                         column->cell == REPORT_TEXT ? NULL : "class=\"n\"", text);
        }
        html_end(html);
    }
    html_end(html);
    html_end(html);
}

static bool
write_table(PGconn *conn, Html *html, const ReportTable *table, const ReportPage *page,
            GError **error)
{
    g_autofree char *from = sql_time(page->from_us);
    g_autofree char *to = sql_time(page->to_us);
    const char *const values[] = { from, to };
    g_autoptr(PGresult) rows =
        db_query(conn, table->heading, table->sql, G_N_ELEMENTS(values), values, error);

    if (!rows)
        return false;
    html_element(html, "h2", NULL, table->heading);
    if (PQntuples(rows) == 0) {
        html_element(html, "p", "class=\"soft\"", table->empty);
        return true;
    }
    if (table->note)
        html_element(html, "p", "class=\"soft\"", table->note);
    write_cells(html, table, rows);
    return true;
}

/* --- the page --- */

static void
write_tile(Html *html, unsigned n, const char *what)
{
    g_autofree char *number = axis_count(n);

    html_begin(html, "div", "class=\"tile\"");
    html_element(html, "b", NULL, number);
    html_element(html, "span", "class=\"soft\"", what);
    html_end(html);
}

static void
write_head(Html *html, const ReportPage *page, const GArray *incidents)
{
    g_autofree char *from = axis_moment(page->from_us);
    g_autofree char *to = axis_moment(page->to_us);
    unsigned n_open = 0, n_new = 0, n_resolved = 0, n_grave = 0;

    for (unsigned i = 0; i < incidents->len; i++) {
        const Incident *incident = &g_array_index(incidents, Incident, i);

        n_open += g_str_equal(incident->state, "open");
        n_new += incident->opened_us >= page->from_us;
        n_resolved += g_str_equal(incident->state, "resolved");
        n_grave += g_str_equal(incident->severity, "mail");
    }
    html_begin(html, "h1", NULL);
    html_format(html, "Flowkeep at %s", page->instance);
    html_end(html);
    html_begin(html, "p", "class=\"soft\"");
    html_format(html, "%s to %s UTC.  All times are UTC.", from, to);
    html_end(html);
    html_begin(html, "div", "class=\"tiles\"");
    write_tile(html, n_grave, "worth a mail");
    write_tile(html, n_open, "open now");
    write_tile(html, n_new, "new in this time");
    write_tile(html, n_resolved, "resolved in this time");
    html_end(html);
}

static bool
write_body(PGconn *conn, ReportPage *page, Html *html, GError **error)
{
    const IncidentFilter filter = { .states = INCIDENT_STORE_ALL,
                                    .since_us = page->from_us,
                                    .until_us = page->to_us };
    g_autoptr(GArray) incidents = incident_store_list(conn, &filter, error);

    if (!incidents)
        return false;
    page->n_incidents = incidents->len;
    write_head(html, page, incidents);
    if (!write_incidents(conn, html, incidents, error))
        return false;
    for (size_t i = 0; i < report_tables_len; i++) {
        if (!write_table(conn, html, &report_tables[i], page, error))
            return false;
    }
    return true;
}

char *
report_page_write(PGconn *conn, ReportPage *self, GError **error)
{
    g_autoptr(Html) html = html_new();

    html_literal(html,
                 "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
                 "'none'; img-src data:; style-src 'unsafe-inline'\">\n"
                 "<meta name=\"viewport\" content=\"width=device-width\">\n");
    html_begin(html, "title", NULL);
    html_format(html, "Flowkeep at %s", self->instance);
    html_end(html);
    html_literal(html, style);
    html_literal(html, "</head><body><main>\n");
    if (!db_exec(conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", error) ||
        !write_body(conn, self, html, error) || !db_exec(conn, "COMMIT", error))
        return NULL;
    html_literal(html, "</main></body></html>\n");
    return html_steal(html);
}
