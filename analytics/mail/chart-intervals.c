/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "clock.h"
#include "mail/axis.h"
#include "mail/chart-private.h"

#define BURST_US        (250 * US_PER_MS) /* contacts closer than this are one */
#define MIN_GAPS        4
#define BARS            96
#define BARS_A_DECADE   24
#define MAX_BARS        192
#define PLOT_HEIGHT     150
#define LOG_FROM_SPREAD 20 /* 98th percentile over 2nd */

/* How gaps map to the x axis. */
typedef struct {
    bool is_log;
    double min_sec; /* of the axis */
    double max_sec;
    unsigned n_bars;
    unsigned n_beyond; /* gaps longer than max_sec */
    unsigned bars[MAX_BARS];
    unsigned highest;
} Histogram;

static int
compare(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}

GArray *
chart_intervals_gaps(const ChartData *data)
{
    GArray *gaps = g_array_new(FALSE, FALSE, sizeof(double));
    int64_t last_us = data->n_starts ? data->starts_us[0] : 0;

    for (size_t i = 1; i < data->n_starts; i++) {
        const double gap_sec = (double) (data->starts_us[i] - last_us) / US_PER_SEC;

        if (data->starts_us[i] - last_us < BURST_US)
            continue;
        g_array_append_val(gaps, gap_sec);
        last_us = data->starts_us[i];
    }
    g_array_sort(gaps, compare);
    return gaps;
}

static double
quantile(const GArray *gaps, double share)
{
    return g_array_index(gaps, double, (unsigned) (share * (gaps->len - 1) + 0.5));
}

/* Where @sec lies along the axis, 0 to 1. */
static double
position(const Histogram *histogram, double sec)
{
    if (histogram->is_log)
        return log(sec / histogram->min_sec) /
               log(histogram->max_sec / histogram->min_sec);
    return (sec - histogram->min_sec) / (histogram->max_sec - histogram->min_sec);
}

static void
choose_axis(Histogram *histogram, const GArray *gaps, double period_sec)
{
    const double low = quantile(gaps, 0.02), high = quantile(gaps, 0.98);

    histogram->is_log = high > low * LOG_FROM_SPREAD;
    if (histogram->is_log) {
        histogram->min_sec = pow(10, floor(log10(quantile(gaps, 0))));
        histogram->max_sec = pow(10, ceil(log10(quantile(gaps, 1) * 1.0001)));
        histogram->n_bars =
            (unsigned) MIN(MAX_BARS, BARS_A_DECADE * lround(log10(histogram->max_sec /
                                                                  histogram->min_sec)));
        return;
    }
    histogram->max_sec = MAX(high * 1.2, period_sec * 1.3);
    histogram->n_bars = BARS;
}

static void
fill(Histogram *histogram, const GArray *gaps)
{
    for (unsigned i = 0; i < gaps->len; i++) {
        const double where = position(histogram, g_array_index(gaps, double, i));
        const unsigned bar = (unsigned) MAX(0, where * histogram->n_bars);

        if (where >= 1) {
            histogram->n_beyond++;
            continue;
        }
        histogram->bars[bar]++;
        histogram->highest = MAX(histogram->highest, histogram->bars[bar]);
    }
}

static void
draw_x_label(Canvas *canvas, CanvasBox plot, double x, double sec)
{
    const double bottom = plot.y + plot.height;
    g_autofree char *text = axis_span(sec);

    canvas_line(canvas, CANVAS_FRAME, x, bottom, x, bottom + 3);
    canvas_text(canvas, CANVAS_SOFT, CHART_LABEL_SIZE, CANVAS_CENTRE, x, bottom + 14,
                text);
}

/* Steps of time people count in, from a second on; below, decimal ones. */
static double
span_step(double max_sec)
{
    return max_sec < 30
               ? axis_step(max_sec, 7)
               : (double) axis_time_step_us((int64_t) (max_sec * US_PER_SEC), 9) /
                     US_PER_SEC;
}

static void
draw_x_axis(Canvas *canvas, CanvasBox plot, const Histogram *histogram)
{
    static const double round_spans[] = { 0.1,   0.3,    1,      3,      10,    30,
                                          60,    300,    1800,   3600,   14400, 43200,
                                          86400, 259200, 604800, 2592000 };

    if (!histogram->is_log) {
        const double step = span_step(histogram->max_sec);

        for (unsigned i = 0; i * step <= histogram->max_sec; i++)
            draw_x_label(canvas, plot,
                         plot.x + plot.width * position(histogram, i * step), i * step);
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(round_spans); i++) {
        const double where = position(histogram, round_spans[i]);

        if (where >= -0.001 && where <= 1.001)
            draw_x_label(canvas, plot, plot.x + plot.width * where, round_spans[i]);
    }
}

static void
draw_bars(Canvas *canvas, CanvasBox plot, const Histogram *histogram, double y_max)
{
    const double width = plot.width / histogram->n_bars;

    for (unsigned i = 0; i < histogram->n_bars; i++) {
        const double height = plot.height * histogram->bars[i] / y_max;

        canvas_fill(canvas, CANVAS_DATA,
                    (CanvasBox){ plot.x + i * width + 0.3,
                                 plot.y + plot.height - height, width - 0.6, height });
    }
}

/* The period, and faintly its multiples: where the gaps of missing beats lie. */
static void
draw_period(Canvas *canvas, CanvasBox plot, const Histogram *histogram,
            double period_sec)
{
    for (unsigned i = 1; i <= 4 && period_sec > 0; i++) {
        const double where = position(histogram, i * period_sec);
        const double x = plot.x + plot.width * where;
        g_autofree char *span = axis_span(period_sec);
        g_autofree char *text = i == 1 ? g_strdup_printf("period %s", span)
                                       : g_strdup_printf("\u00d7%u", i);

        if (!(where > 0 && where < 0.99))
            continue;
        chart_frame_mark(canvas, plot, x, i == 1 ? 1 : 0.35);
        if (i == 1)
            canvas_bold(canvas, CANVAS_MARK, CHART_LABEL_SIZE, CANVAS_CENTRE,
                        CLAMP(x, plot.x + 40, plot.x + plot.width - 40), plot.y - 4,
                        text);
        else if (!histogram->is_log)
            canvas_text(canvas, CANVAS_SOFT, CHART_LABEL_SIZE, CANVAS_CENTRE, x,
                        plot.y - 4, text);
    }
}

static char *
make_remark(const GArray *gaps, const Histogram *histogram)
{
    g_autofree char *median = axis_span(quantile(gaps, 0.5));
    g_autofree char *longest = axis_span(quantile(gaps, 1));

    if (histogram->n_beyond == 0)
        return g_strdup_printf("half are below %s", median);
    return g_strdup_printf("half are below %s; %u longer than shown, up to %s", median,
                           histogram->n_beyond, longest);
}

GBytes *
chart_intervals_draw(const ChartData *data)
{
    g_autoptr(GArray) gaps = chart_intervals_gaps(data);

    if (gaps->len < MIN_GAPS)
        return NULL;

    Histogram histogram = { 0 };
    choose_axis(&histogram, gaps, data->period_sec);
    fill(&histogram, gaps);

    const CanvasBox plot = chart_frame_box(48, PLOT_HEIGHT);
    g_autoptr(Canvas) canvas = canvas_new(chart_frame_height(PLOT_HEIGHT));
    g_autofree char *remark = make_remark(gaps, &histogram);
    const double step = MAX(1, axis_step(histogram.highest, 4));
    const double y_max = MAX(1, histogram.highest) * 1.04;

    chart_frame_title(canvas, "Time between contacts", remark);
    chart_frame_y_axis(canvas, plot, y_max, step, axis_count);
    draw_bars(canvas, plot, &histogram, y_max);
    draw_x_axis(canvas, plot, &histogram);
    draw_period(canvas, plot, &histogram, data->period_sec);
    return canvas_png(canvas);
}
