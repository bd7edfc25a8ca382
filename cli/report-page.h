/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ReportPage: a period in one HTML file, for those without dashboards.
 *
 * Complete in itself: pictures are in it, nothing is loaded, no script runs (and a
 * policy in its head forbids any).  Texts from the network are harmless (html.h). */

#include <glib.h>
#include <libpq-fe.h>
#include <stdint.h>

enum { REPORT_PAGE_MAX_CARDS = 40, REPORT_PAGE_MAX_ROWS = 500 };

typedef struct {
    const char *instance;
    int64_t from_us;
    int64_t to_us;
    unsigned n_incidents; /* out: how many there are */
} ReportPage;

/* Reads in one transaction, so that all of it is of one moment (transfer full). */
char *report_page_write(PGconn *conn, ReportPage *self, GError **error);
