/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/chart.h"

#include <cairo.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "clock.h"
#include "mail/axis.h"

#define HOUR_US (3600 * US_PER_SEC)
#define DAY_US  (24 * HOUR_US)
#define FRIDAY  (INT64_C(1795200000) * US_PER_SEC) /* Fri 20 Nov 2026 18:40 UTC */

/* A beat of @period_sec with one-sided jitter, some beats left out. */
static GArray *
make_beats(GRand *random, int64_t from_us, int64_t to_us, double period_sec,
           double jitter, double missing)
{
    GArray *starts = g_array_new(FALSE, FALSE, sizeof(int64_t));

    for (double us = (double) from_us; us < (double) to_us;
         us += period_sec * US_PER_SEC * (1 - jitter * g_rand_double(random))) {
        const int64_t start_us = (int64_t) us;

        if (g_rand_double(random) >= missing)
            g_array_append_val(starts, start_us);
    }
    return starts;
}

static GArray *
make_hours(GRand *random, int64_t from_us, unsigned n_hours, double usual, double burst,
           unsigned burst_at)
{
    GArray *hours = g_array_new(FALSE, FALSE, sizeof(ChartHour));

    for (unsigned i = 0; i < n_hours; i++) {
        const double day = 1 + 0.8 * sin((i % 24) / 24.0 * 2 * G_PI - 1.5);
        const double out = usual * day * (0.6 + 0.8 * g_rand_double(random));
        const ChartHour hour = { .hour_us = from_us + i * HOUR_US,
                                 .out_octets = i == burst_at ? burst : out,
                                 .low_octets = usual > 0 ? usual * day * 0.5 : NAN,
                                 .high_octets = usual > 0 ? usual * day * 1.6 : NAN };

        g_array_append_val(hours, hour);
    }
    return hours;
}

/* Decodes it and counts pixels that are not white. */
typedef struct {
    const unsigned char *at;
    size_t left;
} PngSource;

static cairo_status_t
read_png(void *closure, unsigned char *data, unsigned length)
{
    PngSource *source = closure;

    if (source->left < length)
        return CAIRO_STATUS_READ_ERROR;
    memcpy(data, source->at, length);
    source->at += length;
    source->left -= length;
    return CAIRO_STATUS_SUCCESS;
}

static unsigned
count_of_colour(GBytes *png, unsigned rgb, int *height)
{
    PngSource source = { 0 };
    unsigned n = 0;

    source.at = g_bytes_get_data(png, &source.left);

    cairo_surface_t *surface =
        cairo_image_surface_create_from_png_stream(read_png, &source);
    g_assert_cmpint(cairo_surface_status(surface), ==, CAIRO_STATUS_SUCCESS);
    g_assert_cmpint(cairo_image_surface_get_width(surface), ==, 1280);
    *height = cairo_image_surface_get_height(surface);
    for (int y = 0; y < *height; y++) {
        const uint32_t *row =
            (const uint32_t *) (cairo_image_surface_get_data(surface) +
                                y * cairo_image_surface_get_stride(surface));

        for (int x = 0; x < 1280; x++)
            n += (row[x] & 0xffffff) == rgb;
    }
    cairo_surface_destroy(surface);
    return n;
}

/* For people who want to look: FLOWKEEP_SHOW=DIR keeps the pictures. */
static void
show(const char *name, ChartKind kind, GBytes *png)
{
    const char *folder = g_getenv("FLOWKEEP_SHOW");
    g_autofree char *path = NULL;
    size_t n_bytes;
    const char *bytes = g_bytes_get_data(png, &n_bytes);

    if (!folder)
        return;
    path = g_strdup_printf("%s/%s-%s.png", folder, name, chart_name(kind));
    g_file_set_contents(path, bytes, (gssize) n_bytes, NULL);
}

static const struct {
    const char *name;
    double period_sec, jitter, missing;
    double hours;
    double usual, burst; /* octets an hour */
    bool has[CHART_N_KINDS];
} pictures[] = {
    { "fast-beacon", 30, 0.2, 0, 24, 0, 0, { true, true, true } },
    { "clock", 300, 0, 0, 24, 40e3, 45e3, { true, true, true } },
    { "missing", 300, 0.1, 0.4, 24, 40e3, 45e3, { true, true, true } },
    { "short", 20, 0.3, 0.1, 1.5, 0, 0, { true, true, true } },
    { "week", 14400, 0.5, 0, 168, 4e6, 5e6, { true, true, true } },
    { "month", 86400, 0.3, 0.1, 744, 20e6, 30e6, { true, true, true } },
    { "burst", 4000, 1.98, 0, 72, 8e6, 2.1e9, { true, true, true } },
    { "no-contacts", 0, 0, 0, 72, 8e6, 2.1e9, { false, false, true } },
    { "nothing", 0, 0, 0, 24, 0, 0, { false, false, true } },
};

static void
test_pictures(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(pictures); i++) {
        const int64_t span_us = (int64_t) (pictures[i].hours * (double) HOUR_US);
        GRand *random = g_rand_new_with_seed(7);
        g_autoptr(GArray) starts =
            pictures[i].period_sec > 0
                ? make_beats(random, FRIDAY, FRIDAY + span_us, pictures[i].period_sec,
                             pictures[i].jitter, pictures[i].missing)
                : g_array_new(FALSE, FALSE, sizeof(int64_t));
        const unsigned n_hours = (unsigned) ceil(pictures[i].hours);
        g_autoptr(GArray) hours =
            make_hours(random, FRIDAY / HOUR_US * HOUR_US, n_hours, pictures[i].usual,
                       MAX(pictures[i].burst, 12345), n_hours * 2 / 3);
        const ChartData data = {
            .from_us = FRIDAY,
            .to_us = FRIDAY + span_us,
            .starts_us = (const int64_t *) (const void *) starts->data,
            .n_starts = starts->len,
            .period_sec = pictures[i].burst > 1e9
                              ? 0
                              : pictures[i].period_sec * (1 - pictures[i].jitter / 2),
            .hours = (const ChartHour *) (const void *) hours->data,
            .n_hours = hours->len,
        };

        for (ChartKind kind = 0; kind < CHART_N_KINDS; kind++) {
            g_autoptr(GBytes) png = chart_draw(kind, &data);
            g_autofree char *alt = chart_alt(kind, &data);
            int height;

            g_test_message("%s %s", pictures[i].name, alt);
            g_assert_cmpint(png != NULL, ==, pictures[i].has[kind]);
            if (!png)
                continue;
            show(pictures[i].name, kind, png);
            /* Something was drawn in the colour of data, and it is no poster. */
            g_assert_cmpuint(count_of_colour(png, 0x2b6cb0, &height), >, 100);
            g_assert_cmpint(height, >, 200);
            g_assert_cmpint(height, <, 1200);
            g_assert_cmpuint(g_bytes_get_size(png), <, 100000);
        }
        g_rand_free(random);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/chart/each-picture-decodes-and-shows-its-data", test_pictures);
    return g_test_run();
}
