/* SPDX-License-Identifier: Apache-2.0 */
#include "drawing.h"

#include <math.h>
#include <stdlib.h>

#include "clock.h"
#include "human.h"

enum {
    MAX_ROWS = 32,      /* of contacts: 24 h by the hour, 30 days by the day */
    N_CLASSES = 12,     /* of intervals */
    BAR_ROWS = 8,       /* of volume */
    MAX_WIDTH = 3,      /* of a column, where there is room */
    TIME_COLUMNS = 11,  /* "11-23 18:00" */
    NUMBER_COLUMNS = 6, /* "12.3 k" */
};

/* From nothing to all of it. */
static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█" };
static const char *const ascii[] = { " ", ".", ":", "-", "=", "+", "*", "%", "#" };

static unsigned
columns_of(const DrawingStyle *style)
{
    return CLAMP(style->columns, DRAWING_MIN_COLUMNS, DRAWING_MAX_COLUMNS);
}

static char *
time_label(int64_t at_us, const char *format)
{
    g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(at_us / US_PER_SEC);

    return at ? g_date_time_format(at, format) : g_strdup("-");
}

/* A mark for @count of at most @max: any contact is to be seen. */
static const char *
mark(unsigned count, unsigned max, const DrawingStyle *style)
{
    const unsigned level =
        count == 0 ? 0 : 1 + (unsigned) (7.0 * (count - 1) / MAX(max - 1, 1u) + 0.5);

    return (style->is_utf8 ? blocks : ascii)[max == 1 && count ? 8 : level];
}

/* --- contacts --- */

/* The shortest row with which all fits. */
static int64_t
row_span(int64_t from_us, int64_t to_us)
{
    static const int64_t spans_sec[] = { 60,   300,   600,   1800,  3600,
                                         7200, 14400, 21600, 43200, 86400 };
    int64_t span_us = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(spans_sec); i++) {
        span_us = spans_sec[i] * US_PER_SEC;
        if (to_us / span_us - from_us / span_us < MAX_ROWS)
            return span_us;
    }
    while (to_us / span_us - from_us / span_us >= MAX_ROWS)
        span_us *= 2;
    return span_us;
}

static void
append_contact_row(GString *to, const unsigned *cells, unsigned n_cells, unsigned max,
                   int64_t row_us, int64_t span_us, const DrawingStyle *style)
{
    g_autofree char *label =
        time_label(row_us, span_us < 86400 * US_PER_SEC ? "%m-%d %H:%M" : "%Y-%m-%d ");
    unsigned sum = 0;

    g_string_append_printf(to, "%s %s", label, style->is_utf8 ? "│" : "|");
    for (unsigned i = 0; i < n_cells; i++) {
        g_string_append(to, mark(cells[i], max, style));
        sum += cells[i];
    }
    g_autofree char *count = human_count(sum);
    g_string_append_printf(to, "%s %*s\n", style->is_utf8 ? "│" : "|", NUMBER_COLUMNS,
                           count);
}

char *
drawing_contacts(const ContactEvent *events, size_t n_events, int64_t from_us,
                 int64_t to_us, const DrawingStyle *style)
{
    GString *to = g_string_new(NULL);

    if (n_events == 0 || from_us < 0)
        return g_string_free(to, FALSE);

    /* The window may be unknown, or an event lie beside it. */
    from_us = from_us == 0 ? events[0].start_us : MIN(from_us, events[0].start_us);
    to_us = MAX(to_us, events[n_events - 1].start_us);
    const int64_t span_us = row_span(MAX(from_us, 0), to_us);
    const int64_t begin_us = MAX(from_us, 0) / span_us * span_us;
    const unsigned n_rows = (unsigned) ((to_us - begin_us) / span_us) + 1;
    const unsigned n_cells = columns_of(style) - TIME_COLUMNS - NUMBER_COLUMNS - 4;
    g_autofree unsigned *cells = g_new0(unsigned, (size_t) n_rows *n_cells);
    unsigned max = 0;

    for (size_t i = 0; i < n_events; i++) {
        const double at = (double) (events[i].start_us - begin_us) / (double) span_us;
        const size_t cell =
            (size_t) CLAMP(at * n_cells, 0, (double) n_rows * n_cells - 1);

        cells[cell]++;
        max = MAX(max, cells[cell]);
    }
    for (unsigned row = 0; row < n_rows; row++) {
        const int64_t row_us = begin_us + row * span_us;

        /* The end of the window on the hour: nothing can be in that row. */
        if (row_us < to_us || row_us == events[n_events - 1].start_us)
            append_contact_row(to, cells + (size_t) row * n_cells, n_cells, max, row_us,
                               span_us, style);
    }
    return g_string_free(to, FALSE);
}

/* --- intervals --- */

static int
compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}

static char *
span_text(double sec)
{
    if (sec < 100)
        return g_strdup_printf("%.3g s", sec);
    return human_duration((int64_t) (sec * (double) US_PER_SEC));
}

static void
append_bar(GString *to, double share, unsigned n_cells, const DrawingStyle *style)
{
    const double length = share * n_cells;
    const unsigned whole = (unsigned) length;

    for (unsigned i = 0; i < whole; i++)
        g_string_append(to, style->is_utf8 ? "█" : "#");
    if (style->is_utf8)
        g_string_append(to, eighths[(unsigned) ((length - whole) * 8)]);
}

/* Classes lie between the second and the 98th percentile, at least a tenth apart: what
 * is beside them counts in the first and the last. */
static void
classes_of(const double *gaps, size_t n_gaps, double *low, double *factor)
{
    const double least = MAX(gaps[n_gaps / 50], 1e-3);
    const double most = MAX(gaps[n_gaps - 1 - n_gaps / 50], least);
    const double middle = sqrt(least * most);
    const double reach = MAX(sqrt(most / least) * 1.0001, 1.05);

    *low = middle / reach;
    *factor = pow(reach * reach, 1.0 / N_CLASSES);
}

char *
drawing_intervals(const ContactEvent *events, size_t n_events,
                  const DrawingStyle *style)
{
    GString *to = g_string_new(NULL);

    if (n_events < 3)
        return g_string_free(to, FALSE);

    const size_t n_gaps = n_events - 1;
    g_autofree double *gaps = g_new(double, n_gaps);
    unsigned counts[N_CLASSES] = { 0 }, max = 0;
    double low, factor;

    for (size_t i = 0; i < n_gaps; i++)
        gaps[i] = (double) (events[i + 1].start_us - events[i].start_us) / US_PER_SEC;
    qsort(gaps, n_gaps, sizeof(*gaps), compare_doubles);
    classes_of(gaps, n_gaps, &low, &factor);

    for (size_t i = 0; i < n_gaps; i++) {
        const double class = log(MAX(gaps[i], 1e-6) / low) / log(factor);
        const unsigned at = (unsigned) CLAMP(class, 0, N_CLASSES - 1);

        counts[at]++;
        max = MAX(max, counts[at]);
    }

    const unsigned label = 29;
    const unsigned n_cells = columns_of(style) - label - NUMBER_COLUMNS - 2;
    for (unsigned i = 0; i < N_CLASSES; i++) {
        g_autofree char *begin = span_text(low * pow(factor, i));
        g_autofree char *end = span_text(low * pow(factor, i + 1));
        g_autofree char *count = human_count(counts[i]);

        g_string_append_printf(to, "%13s .. %-12s%*s%s", begin, end, NUMBER_COLUMNS,
                               count, counts[i] ? " " : "");
        append_bar(to, (double) counts[i] / max, n_cells, style);
        g_string_append_c(to, '\n');
    }
    return g_string_free(to, FALSE);
}

/* --- volume --- */

typedef struct {
    double out, low, high; /* low, high: NaN = no band */
} Column;

/* As many hours into a column as must be, for all to fit. */
static Column *
columns_of_hours(const FindingHour *hours, size_t n_hours, size_t per_column)
{
    const size_t n_columns = (n_hours + per_column - 1) / per_column;
    Column *columns = g_new0(Column, n_columns);

    for (size_t i = 0; i < n_hours; i++) {
        Column *column = &columns[i / per_column];

        column->out += (double) hours[i].out_octets;
        column->low += hours[i].baseline_low_octets;
        column->high += hours[i].baseline_high_octets;
    }
    return columns;
}

/* Row @row from the bottom, of BAR_ROWS that stand for @top. */
static const char *
volume_cell(const Column *column, unsigned row, double top, const DrawingStyle *style)
{
    const double level = column->out / top * BAR_ROWS - row;
    const double bottom = row * top / BAR_ROWS, end = (row + 1) * top / BAR_ROWS;
    const bool in_band = column->high > bottom && column->low < end;
    const bool any = row == 0 && column->out > 0;

    if (level >= 1 && in_band)
        return style->is_utf8 ? "▓" : "%";
    if (level >= 1)
        return style->is_utf8 ? "█" : "#";
    if (level > 0.0625 || any)
        return style->is_utf8 ? blocks[CLAMP((int) (level * 8 + 0.5), 1, 8)]
               : level >= 0.5 ? "#"
                              : ".";
    return !in_band ? " " : style->is_utf8 ? "░" : ":";
}

static void
append_time_axis(GString *to, const FindingHour *hours, size_t n_hours, size_t n_cells,
                 unsigned margin)
{
    g_autofree char *begin = time_label(hours[0].hour_us, "%m-%d %H:%M");
    g_autofree char *end =
        time_label(hours[n_hours - 1].hour_us + 3600 * US_PER_SEC, "%m-%d %H:%M");
    const int gap = (int) n_cells - 2 * TIME_COLUMNS;

    g_string_append_printf(to, "%*s%s", (int) margin, "", begin);
    if (gap >= 2)
        g_string_append_printf(to, "%*s%s", gap, "", end);
    else
        g_string_append_printf(to, " .. %s", end);
    g_string_append_c(to, '\n');
}

char *
drawing_volume(const FindingHour *hours, size_t n_hours, const DrawingStyle *style)
{
    const unsigned margin = 10;
    const size_t room = columns_of(style) - margin;
    GString *to = g_string_new(NULL);

    if (n_hours == 0)
        return g_string_free(to, FALSE);

    const size_t per_column = (n_hours + room - 1) / room;
    const size_t n_columns = (n_hours + per_column - 1) / per_column;
    const size_t width = CLAMP(room / n_columns, 1, MAX_WIDTH);
    g_autofree Column *columns = columns_of_hours(hours, n_hours, per_column);
    double top = 1;

    for (size_t i = 0; i < n_columns; i++)
        top = fmax(top, fmax(columns[i].out, columns[i].high));

    for (unsigned row = BAR_ROWS; row-- > 0;) {
        g_autofree char *label = row == BAR_ROWS - 1 ? human_count(top)
                                 : row == 0          ? g_strdup("0")
                                                     : g_strdup("");

        g_string_append_printf(to, "%*s %s", (int) margin - 2, label,
                               style->is_utf8 ? "│" : "|");
        for (size_t i = 0; i < n_columns * width; i++)
            g_string_append(to, volume_cell(&columns[i / width], row, top, style));
        while (to->len > 0 && to->str[to->len - 1] == ' ')
            g_string_truncate(to, to->len - 1);
        g_string_append_c(to, '\n');
    }
    append_time_axis(to, hours, n_hours, n_columns * width, margin);
    if (per_column > 1)
        g_string_append_printf(to, "%*s(a column is %u hours)\n", (int) margin, "",
                               (unsigned) per_column);
    return g_string_free(to, FALSE);
}
