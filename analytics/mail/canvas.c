/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/canvas.h"

#define SCALE  2
#define FAMILY "DejaVu Sans"

struct Canvas {
    cairo_surface_t *surface;
    cairo_t *cairo;
};

Canvas *
canvas_new(double height)
{
    Canvas *self = g_new0(Canvas, 1);

    self->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, CANVAS_WIDTH * SCALE,
                                               (int) (height * SCALE));
    self->cairo = cairo_create(self->surface);
    cairo_scale(self->cairo, SCALE, SCALE);
    canvas_fill(self, 0xffffff, (CanvasBox){ 0, 0, CANVAS_WIDTH, height });
    return self;
}

void
canvas_free(Canvas *self)
{
    if (!self)
        return;
    cairo_destroy(self->cairo);
    cairo_surface_destroy(self->surface);
    g_free(self);
}

cairo_t *
canvas_cairo(Canvas *self)
{
    return self->cairo;
}

void
canvas_colour(Canvas *self, unsigned rgb)
{
    cairo_set_source_rgb(self->cairo, (rgb >> 16 & 0xff) / 255.0,
                         (rgb >> 8 & 0xff) / 255.0, (rgb & 0xff) / 255.0);
}

void
canvas_fill(Canvas *self, unsigned rgb, CanvasBox box)
{
    canvas_colour(self, rgb);
    cairo_rectangle(self->cairo, box.x, box.y, box.width, box.height);
    cairo_fill(self->cairo);
}

/* The middle of the nearest device pixel. */
static double
on_pixel(double at)
{
    return ((int) (at * SCALE) + 0.5) / SCALE;
}

void
canvas_line(Canvas *self, unsigned rgb, double x1, double y1, double x2, double y2)
{
    canvas_colour(self, rgb);
    cairo_set_line_width(self->cairo, 1.0 / SCALE);
    cairo_move_to(self->cairo, on_pixel(x1), on_pixel(y1));
    cairo_line_to(self->cairo, on_pixel(x2), on_pixel(y2));
    cairo_stroke(self->cairo);
}

static void
set_font(Canvas *self, cairo_font_weight_t weight, double size)
{
    cairo_select_font_face(self->cairo, FAMILY, CAIRO_FONT_SLANT_NORMAL, weight);
    cairo_set_font_size(self->cairo, size);
}

static void
show(Canvas *self, unsigned rgb, CanvasAlign align, double x, double y,
     const char *text)
{
    cairo_text_extents_t extents;

    cairo_text_extents(self->cairo, text, &extents);
    if (align == CANVAS_CENTRE)
        x -= extents.x_advance / 2;
    else if (align == CANVAS_RIGHT)
        x -= extents.x_advance;
    canvas_colour(self, rgb);
    cairo_move_to(self->cairo, x, y);
    cairo_show_text(self->cairo, text);
}

void
canvas_text(Canvas *self, unsigned rgb, double size, CanvasAlign align, double x,
            double y, const char *text)
{
    set_font(self, CAIRO_FONT_WEIGHT_NORMAL, size);
    show(self, rgb, align, x, y, text);
}

void
canvas_bold(Canvas *self, unsigned rgb, double size, CanvasAlign align, double x,
            double y, const char *text)
{
    set_font(self, CAIRO_FONT_WEIGHT_BOLD, size);
    show(self, rgb, align, x, y, text);
}

double
canvas_text_width(Canvas *self, double size, const char *text)
{
    cairo_text_extents_t extents;

    set_font(self, CAIRO_FONT_WEIGHT_NORMAL, size);
    cairo_text_extents(self->cairo, text, &extents);
    return extents.x_advance;
}

static cairo_status_t
append(void *closure, const unsigned char *data, unsigned length)
{
    g_byte_array_append(closure, data, length);
    return CAIRO_STATUS_SUCCESS;
}

GBytes *
canvas_png(Canvas *self)
{
    g_autoptr(GByteArray) png = g_byte_array_new();

    cairo_surface_flush(self->surface);
    if (cairo_status(self->cairo) != CAIRO_STATUS_SUCCESS ||
        cairo_surface_write_to_png_stream(self->surface, append, png) !=
            CAIRO_STATUS_SUCCESS)
        return NULL;
    return g_byte_array_free_to_bytes(g_steal_pointer(&png));
}
