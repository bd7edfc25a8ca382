/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ReportTable: the tables of a report, as rows of one list: what is asked, and how it
 * is shown. */

#include <stddef.h>

typedef enum {
    REPORT_TEXT,
    REPORT_OCTETS,
    REPORT_COUNT,
    REPORT_TIME, /* seconds since 1970 */
    REPORT_SPAN, /* seconds */
} ReportCell;

typedef struct {
    const char *title;
    ReportCell cell;
} ReportColumn;

enum { REPORT_MAX_COLUMNS = 7 };

typedef struct {
    const char *heading;
    const char *note;  /* below it; NULL = none */
    const char *empty; /* instead of a table without rows */
    const char *sql;   /* $1 and $2: the period, seconds since 1970 */
    ReportColumn columns[REPORT_MAX_COLUMNS]; /* of the rows of it */
} ReportTable;

extern const ReportTable report_tables[];
extern const size_t report_tables_len;
