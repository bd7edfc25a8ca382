/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdbool.h>

#include "clock.h"
#include "mail/axis.h"
#include "mail/chart-private.h"

#define HOUR_US     (3600 * US_PER_SEC)
#define PLOT_HEIGHT 150
#define MAX_BAR     40 /* wide */

typedef struct {
    const ChartData *data;
    int64_t from_us; /* of the axis: whole hours */
    int64_t to_us;
    CanvasBox plot;
    double y_max;
    size_t peak; /* hour with the most */
    bool has_usual;
} Volumes;

static double
x_of(const Volumes *volumes, int64_t us)
{
    return volumes->plot.x + volumes->plot.width * (double) (us - volumes->from_us) /
                                 (double) (volumes->to_us - volumes->from_us);
}

static double
y_of(const Volumes *volumes, double octets)
{
    return volumes->plot.y +
           volumes->plot.height * (1 - CLAMP(octets / volumes->y_max, 0, 1));
}

static void
survey(Volumes *volumes)
{
    const ChartData *data = volumes->data;
    double highest = 0;

    for (size_t i = 0; i < data->n_hours; i++) {
        const ChartHour *hour = &data->hours[i];

        if (hour->out_octets > data->hours[volumes->peak].out_octets)
            volumes->peak = i;
        highest = MAX(highest, hour->out_octets);
        if (isfinite(hour->high_octets)) {
            volumes->has_usual = true;
            highest = MAX(highest, hour->high_octets);
        }
    }
    volumes->y_max = MAX(highest, 1) * 1.12; /* room for the label of the peak */
}

/* The band of what is usual, hour by hour; where one is not known there is none. */
static void
draw_usual(Canvas *canvas, const Volumes *volumes)
{
    const ChartData *data = volumes->data;

    for (size_t i = 0; i < data->n_hours; i++) {
        const ChartHour *hour = &data->hours[i];
        const double x = x_of(volumes, hour->hour_us);
        const double width = x_of(volumes, hour->hour_us + HOUR_US) - x;

        if (!isfinite(hour->high_octets))
            continue;

        const double low = isfinite(hour->low_octets) ? hour->low_octets : 0;
        const double top = y_of(volumes, hour->high_octets);
        /* Never so thin that it is not seen. */
        const double height = MAX(y_of(volumes, low) - top, 1);

        canvas_fill(canvas, CANVAS_USUAL, (CanvasBox){ x, top, width + 0.3, height });
        if (width >= 3) /* else it is a fringe */
            canvas_fill(canvas, CANVAS_USUAL_EDGE,
                        (CanvasBox){ x, top - 0.5, width + 0.3, 1 });
    }
}

static void
draw_bars(Canvas *canvas, const Volumes *volumes)
{
    const ChartData *data = volumes->data;
    const double bottom = volumes->plot.y + volumes->plot.height;

    for (size_t i = 0; i < data->n_hours; i++) {
        const ChartHour *hour = &data->hours[i];
        const double x = x_of(volumes, hour->hour_us);
        const double width = x_of(volumes, hour->hour_us + HOUR_US) - x;
        const double gap = width > 2 * MAX_BAR ? width - MAX_BAR
                           : width > 6         ? width * 0.2
                           : width > 2.5       ? 0.5
                                               : 0;
        const double y = y_of(volumes, hour->out_octets);

        if (hour->out_octets > 0)
            canvas_fill(canvas, CANVAS_DATA,
                        (CanvasBox){ x + gap / 2, MIN(y, bottom - 0.5), width - gap,
                                     MAX(bottom - y, 0.5) });
    }
}

static void
label_peak(Canvas *canvas, const Volumes *volumes)
{
    const ChartHour *hour = &volumes->data->hours[volumes->peak];
    const double x = x_of(volumes, hour->hour_us + HOUR_US / 2);
    g_autofree char *octets = axis_octets(hour->out_octets);
    g_autofree char *when = axis_moment(hour->hour_us);
    g_autofree char *text = g_strdup_printf("%s, %s", octets, when);
    if (isfinite(hour->high_octets) && hour->out_octets <= hour->high_octets)
        return; /* nothing stands out */

    const double half = canvas_text_width(canvas, CHART_LABEL_SIZE, text) / 2 + 4;

    canvas_text(canvas, CANVAS_INK, CHART_LABEL_SIZE, CANVAS_CENTRE,
                CLAMP(x, volumes->plot.x + half,
                      volumes->plot.x + volumes->plot.width - half),
                y_of(volumes, hour->out_octets) - 4, text);
}

static void
draw_legend(Canvas *canvas, const Volumes *volumes)
{
    const double right = CANVAS_WIDTH - CHART_RIGHT;
    const ChartHour *peak = &volumes->data->hours[volumes->peak];
    g_autofree char *high = axis_octets(peak->high_octets);
    g_autofree char *usual =
        !volumes->has_usual ? g_strdup("what is usual is not known yet")
        : isfinite(peak->high_octets) && peak->out_octets > peak->high_octets
            ? g_strdup_printf("usual for the hour of the week; at the peak up to %s",
                              high)
            : g_strdup("usual for the hour of the week");
    const double width = canvas_text_width(canvas, CHART_LABEL_SIZE + 1, usual);

    canvas_text(canvas, CANVAS_SOFT, CHART_LABEL_SIZE + 1, CANVAS_RIGHT, right, 18,
                usual);
    if (!volumes->has_usual)
        return;
    canvas_fill(canvas, CANVAS_USUAL, (CanvasBox){ right - width - 20, 9, 14, 9 });
    canvas_fill(canvas, CANVAS_USUAL_EDGE, (CanvasBox){ right - width - 20, 9, 14, 1 });
}

GBytes *
chart_volumes_draw(const ChartData *data)
{
    Volumes volumes = { .data = data };

    if (data->n_hours == 0)
        return NULL;
    survey(&volumes);
    if (data->hours[volumes.peak].out_octets <= 0)
        return NULL;

    volumes.from_us = MIN(data->from_us / HOUR_US * HOUR_US, data->hours[0].hour_us);
    volumes.to_us = MAX(data->to_us, data->hours[data->n_hours - 1].hour_us + HOUR_US);
    volumes.plot = chart_frame_box(60, PLOT_HEIGHT);

    g_autoptr(Canvas) canvas = canvas_new(chart_frame_height(PLOT_HEIGHT) + 6);

    chart_frame_title(canvas, "Sent, per hour", "");
    draw_legend(canvas, &volumes);
    chart_frame_y_axis(canvas, volumes.plot, volumes.y_max, axis_step(volumes.y_max, 4),
                       axis_octets);
    draw_usual(canvas, &volumes);
    draw_bars(canvas, &volumes);
    label_peak(canvas, &volumes);
    chart_frame_time_axis(canvas, volumes.plot, volumes.from_us, volumes.to_us);
    return canvas_png(canvas);
}
