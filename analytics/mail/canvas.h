/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Canvas: a white sheet that charts are drawn on, and becomes a PNG.
 *
 * Measured in CSS pixels, drawn at twice their number, so that it is sharp on dense
 * screens when shown at canvas_width().  Opaque white, since mail clients put their
 * own background behind transparency.  One font, DejaVu Sans; where it is not
 * installed fontconfig finds another. */

#include <cairo.h>
#include <glib.h>

typedef struct Canvas Canvas;

enum { CANVAS_WIDTH = 640 };

/* What the pictures are coloured with; 0xRRGGBB. */
enum {
    CANVAS_INK = 0x1f2933,
    CANVAS_SOFT = 0x616e7c,  /* labels of axes */
    CANVAS_FRAME = 0xcbd2d9, /* axes */
    CANVAS_GRID = 0xe9edf1,
    CANVAS_PAPER = 0xf5f7fa, /* lanes */
    CANVAS_DATA = 0x2b6cb0,  /* what was measured */
    CANVAS_USUAL = 0xb8dfc6, /* what is usual */
    CANVAS_USUAL_EDGE = 0x5fae7f,
    CANVAS_MARK = 0xc2410c, /* what to look at */
};

typedef enum { CANVAS_LEFT, CANVAS_CENTRE, CANVAS_RIGHT } CanvasAlign;

typedef struct {
    double x, y, width, height;
} CanvasBox;

Canvas *canvas_new(double height);
void canvas_free(Canvas *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Canvas, canvas_free)

/* Lent; its unit is the CSS pixel. */
cairo_t *canvas_cairo(Canvas *self);

void canvas_colour(Canvas *self, unsigned rgb);
void canvas_fill(Canvas *self, unsigned rgb, CanvasBox box);

/* A hairline, which falls on pixels. */
void canvas_line(Canvas *self, unsigned rgb, double x1, double y1, double x2,
                 double y2);

/* @y is the baseline.  Sizes: 11 for axes, 13 for titles. */
void canvas_text(Canvas *self, unsigned rgb, double size, CanvasAlign align, double x,
                 double y, const char *text);
void canvas_bold(Canvas *self, unsigned rgb, double size, CanvasAlign align, double x,
                 double y, const char *text);
double canvas_text_width(Canvas *self, double size, const char *text);

/* The PNG (transfer full); NULL when numbers that are none were drawn. */
GBytes *canvas_png(Canvas *self);
