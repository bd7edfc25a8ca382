/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ChartFrame: what the three pictures have alike: a title with a remark, a plot, axes.
 *
 * Of chart-*.c only. */

#include "mail/canvas.h"
#include "mail/chart.h"

enum {
    CHART_LABEL_SIZE = 10,
    CHART_TITLE_SIZE = 13,
    CHART_TOP = 38,    /* title above it */
    CHART_BOTTOM = 26, /* labels below it */
    CHART_RIGHT = 14,
};

/* A box of @plot_height with @left pixels for labels. */
CanvasBox chart_frame_box(double left, double plot_height);
double chart_frame_height(double plot_height);

void chart_frame_title(Canvas *canvas, const char *title, const char *remark);

/* Horizontal lines and labels at multiples of @step up to @max, made by @label. */
void chart_frame_y_axis(Canvas *canvas, CanvasBox plot, double max, double step,
                        char *(*label)(double) );

/* Ticks of time below @plot, dates below the clock. */
void chart_frame_time_axis(Canvas *canvas, CanvasBox plot, int64_t from_us,
                           int64_t to_us);

/* A dashed vertical line. */
void chart_frame_mark(Canvas *canvas, CanvasBox plot, double x, double opacity);

GBytes *chart_contacts_draw(const ChartData *data);
GBytes *chart_intervals_draw(const ChartData *data);
GBytes *chart_volumes_draw(const ChartData *data);

/* Gaps between the contacts in seconds, bursts taken as one contact (transfer full),
 * rising. */
GArray *chart_intervals_gaps(const ChartData *data);
