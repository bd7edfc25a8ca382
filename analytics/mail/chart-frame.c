/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>

#include "clock.h"
#include "mail/axis.h"
#include "mail/chart-private.h"

#define DAY_US (86400 * US_PER_SEC)

double
chart_frame_height(double plot_height)
{
    return CHART_TOP + plot_height + CHART_BOTTOM;
}

CanvasBox
chart_frame_box(double left, double plot_height)
{
    return (CanvasBox){ left, CHART_TOP, CANVAS_WIDTH - left - CHART_RIGHT,
                        plot_height };
}

void
chart_frame_title(Canvas *canvas, const char *title, const char *remark)
{
    canvas_bold(canvas, CANVAS_INK, CHART_TITLE_SIZE, CANVAS_LEFT, 0, 18, title);
    canvas_text(canvas, CANVAS_SOFT, CHART_LABEL_SIZE + 1, CANVAS_RIGHT,
                CANVAS_WIDTH - CHART_RIGHT, 18, remark);
}

void
chart_frame_y_axis(Canvas *canvas, CanvasBox plot, double max, double step,
                   char *(*label)(double) )
{
    const double bottom = plot.y + plot.height;

    for (unsigned i = 0; i * step <= max * 1.0001 && i < 20; i++) {
        const double y = bottom - plot.height * (i * step) / max;
        g_autofree char *text = label(i * step);

        canvas_line(canvas, i == 0 ? CANVAS_FRAME : CANVAS_GRID, plot.x, y,
                    plot.x + plot.width, y);
        canvas_text(canvas, CANVAS_SOFT, CHART_LABEL_SIZE, CANVAS_RIGHT, plot.x - 7,
                    y + 3.5, text);
    }
}

void
chart_frame_time_axis(Canvas *canvas, CanvasBox plot, int64_t from_us, int64_t to_us)
{
    const int64_t step_us = axis_time_step_us(to_us - from_us, 9);
    const double bottom = plot.y + plot.height;
    double free_from_x = 0; /* of the line of dates */

    for (int64_t us = axis_time_first_us(from_us, step_us); us <= to_us;
         us += step_us) {
        const double x =
            plot.x + plot.width * (double) (us - from_us) / (double) (to_us - from_us);
        const bool whole_days = step_us >= DAY_US;
        g_autofree char *clock = whole_days ? axis_date(us) : axis_clock(us);

        canvas_line(canvas, CANVAS_FRAME, x, bottom, x, bottom + 3);
        canvas_text(canvas, CANVAS_SOFT, CHART_LABEL_SIZE, CANVAS_CENTRE, x,
                    bottom + 13, clock);
        if (whole_days || us % DAY_US != 0 || x < free_from_x)
            continue;

        g_autofree char *date = axis_date(us);
        canvas_text(canvas, CANVAS_INK, CHART_LABEL_SIZE, CANVAS_CENTRE, x, bottom + 25,
                    date);
        free_from_x = x + canvas_text_width(canvas, CHART_LABEL_SIZE, date) + 8;
    }
}

void
chart_frame_mark(Canvas *canvas, CanvasBox plot, double x, double opacity)
{
    static const double dashes[] = { 4, 3 };
    cairo_t *cairo = canvas_cairo(canvas);

    cairo_save(cairo);
    cairo_set_source_rgba(cairo, (CANVAS_MARK >> 16 & 0xff) / 255.0,
                          (CANVAS_MARK >> 8 & 0xff) / 255.0,
                          (CANVAS_MARK & 0xff) / 255.0, opacity);
    cairo_set_dash(cairo, dashes, G_N_ELEMENTS(dashes), 0);
    cairo_set_line_width(cairo, 1.2);
    cairo_move_to(cairo, x, plot.y);
    cairo_line_to(cairo, x, plot.y + plot.height);
    cairo_stroke(cairo);
    cairo_restore(cairo);
}
