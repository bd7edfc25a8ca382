/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "clock.h"
#include "mail/axis.h"
#include "mail/chart-private.h"

#define MIN_US    (60 * US_PER_SEC)
#define HOUR_US   (60 * MIN_US)
#define DAY_US    (24 * HOUR_US)
#define MAX_LANES 32
#define GUTTER    112

/* How the window is cut into lanes. */
typedef struct {
    int64_t lane_us;
    int64_t tick_us;   /* of the axis below */
    const char *title; /* what a lane is */
} Cut;

static const Cut cuts[] = {
    { 10 * MIN_US, MIN_US, "each line is ten minutes" },
    { HOUR_US, 10 * MIN_US, "each line is an hour" },
    { DAY_US, 3 * HOUR_US, "each line is a day" },
    { 7 * DAY_US, DAY_US, "each line is a week" },
};

typedef struct {
    const ChartData *data;
    const Cut *cut;
    int64_t first_us; /* start of the first lane */
    unsigned n_lanes;
    CanvasBox plot;
    double lane_height;
} Strip;

static unsigned
count_lanes(const ChartData *data, int64_t lane_us)
{
    return (unsigned) ((data->to_us - 1) / lane_us - data->from_us / lane_us + 1);
}

static const Cut *
choose_cut(const ChartData *data)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cuts); i++) {
        if (count_lanes(data, cuts[i].lane_us) <= MAX_LANES)
            return &cuts[i];
    }
    return NULL;
}

static double
x_of(const Strip *strip, int64_t within_us)
{
    return strip->plot.x +
           strip->plot.width * (double) within_us / (double) strip->cut->lane_us;
}

static double
y_of(const Strip *strip, unsigned lane)
{
    return strip->plot.y + lane * strip->lane_height;
}

/* The part of each lane that lies in the window. */
static void
draw_lanes(Canvas *canvas, const Strip *strip)
{
    const int64_t lane_us = strip->cut->lane_us;
    int64_t last_day = -1;

    for (unsigned i = 0; i < strip->n_lanes; i++) {
        const int64_t start_us = strip->first_us + i * lane_us;
        const int64_t from_us = MAX(strip->data->from_us - start_us, 0);
        const int64_t to_us = MIN(strip->data->to_us - start_us, lane_us);
        const double y = y_of(strip, i);
        const double text_y = y + strip->lane_height / 2 + 3.5;
        /* A line of text needs eleven pixels. */
        const unsigned every = strip->lane_height >= 11 ? 1 : 2;

        canvas_fill(canvas, CANVAS_PAPER,
                    (CanvasBox){ x_of(strip, from_us), y + 0.5,
                                 x_of(strip, to_us) - x_of(strip, from_us),
                                 strip->lane_height - 1 });
        if (start_us / DAY_US != last_day && (i % every == 0 || lane_us < DAY_US)) {
            g_autofree char *date = axis_date(start_us);

            canvas_text(canvas, CANVAS_INK, CHART_LABEL_SIZE,
                        lane_us >= DAY_US ? CANVAS_RIGHT : CANVAS_LEFT,
                        lane_us >= DAY_US ? strip->plot.x - 8 : 0, text_y, date);
            last_day = start_us / DAY_US;
        }
        if (lane_us < DAY_US && i % every == 0) {
            g_autofree char *clock = axis_clock(start_us);

            canvas_text(canvas, CANVAS_SOFT, CHART_LABEL_SIZE, CANVAS_RIGHT,
                        strip->plot.x - 8, text_y, clock);
        }
    }
}

static void
draw_ticks(Canvas *canvas, const Strip *strip)
{
    const ChartData *data = strip->data;
    cairo_t *cairo = canvas_cairo(canvas);
    const double width = 1.5;

    canvas_colour(canvas, CANVAS_DATA);
    for (size_t i = 0; i < data->n_starts; i++) {
        const int64_t us = data->starts_us[i] - strip->first_us;
        /* On whole pixels: sharp, and the PNG is half as large. */
        const double x = floor(2 * x_of(strip, us % strip->cut->lane_us)) / 2;

        if (data->starts_us[i] < data->from_us || data->starts_us[i] >= data->to_us)
            continue;
        cairo_rectangle(cairo, x - 0.5,
                        y_of(strip, (unsigned) (us / strip->cut->lane_us)) + 1.5, width,
                        strip->lane_height - 3);
        cairo_fill(cairo); /* one by one: a path of all would be slow to fill */
    }
}

static void
draw_axis(Canvas *canvas, const Strip *strip)
{
    const Cut *cut = strip->cut;
    const double bottom = strip->plot.y + strip->plot.height;

    for (int64_t us = 0; us <= cut->lane_us; us += cut->tick_us) {
        const double x = x_of(strip, us);
        g_autofree char *text =
            cut->lane_us >= 7 * DAY_US
                ? g_strdup_printf("day %" G_GINT64_FORMAT, us / DAY_US + 1)
            : cut->lane_us == DAY_US ? g_strdup_printf("%02d:00", (int) (us / HOUR_US))
                                     : g_strdup_printf("%d min", (int) (us / MIN_US));

        canvas_line(canvas, CANVAS_FRAME, x, bottom + 1, x, bottom + 4);
        canvas_text(canvas, CANVAS_SOFT, CHART_LABEL_SIZE,
                    us == cut->lane_us ? CANVAS_RIGHT : CANVAS_CENTRE,
                    us == cut->lane_us ? x + 12 : x, bottom + 15, text);
    }
}

GBytes *
chart_contacts_draw(const ChartData *data)
{
    if (data->n_starts < 2 || data->to_us <= data->from_us || data->from_us < 0)
        return NULL;

    Strip strip = { .data = data, .cut = choose_cut(data) };
    if (!strip.cut)
        return NULL;

    strip.first_us = data->from_us / strip.cut->lane_us * strip.cut->lane_us;
    strip.n_lanes = count_lanes(data, strip.cut->lane_us);
    strip.lane_height = strip.n_lanes <= 4 ? 26 : strip.n_lanes <= 12 ? 16 : 12;
    strip.plot = chart_frame_box(GUTTER, strip.n_lanes * strip.lane_height);

    g_autoptr(Canvas) canvas = canvas_new(chart_frame_height(strip.plot.height));
    g_autofree char *count = axis_count((double) data->n_starts);
    g_autofree char *remark = g_strdup_printf("%s; %s, UTC", count, strip.cut->title);

    chart_frame_title(canvas, "Contacts", remark);
    draw_lanes(canvas, &strip);
    draw_ticks(canvas, &strip);
    draw_axis(canvas, &strip);
    return canvas_png(canvas);
}
