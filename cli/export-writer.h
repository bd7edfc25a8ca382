/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ExportWriter: rows -> IPFIX messages, in a file or over TCP, by libfixbuf.
 *
 * Each row goes out under the observation domain it came in with (message header and
 * element 405), with the exporter's address in element 130 or 131, as RFC 7119 asks
 * of a mediator.  Rows are gathered by domain before they are written, so that
 * exporters that take turns do not cost a message each; what is gathered is bounded.
 * Within a domain the order is kept.  Reverse counters are RFC 5103 elements. */

#include <glib.h>
#include <stdbool.h>

#include "export-row.h"

typedef struct ExportWriter ExportWriter;

/* "-" is standard output. */
ExportWriter *export_writer_new_file(const char *path, GError **error);

/* @port is a number or the name of a service. */
ExportWriter *export_writer_new_tcp(const char *host, const char *port, GError **error);

/* What was not flushed is thrown away. */
void export_writer_free(ExportWriter *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExportWriter, export_writer_free)

bool export_writer_add(ExportWriter *self, const ExportRow *row, GError **error);

/* Writes all that is gathered, to the last octet. */
bool export_writer_flush(ExportWriter *self, GError **error);
