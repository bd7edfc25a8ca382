/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* JsonWriter: writes one JSON document (RFC 8259), for --json.
 *
 * Commas and escaping are its business; that begin and end match is the caller's.
 * Text that is not UTF-8 has its bad bytes replaced by U+FFFD; control characters
 * and those that turn the direction of writing are escaped as \uNNNN, so that a
 * terminal is safe with it too. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct JsonWriter JsonWriter;

JsonWriter *json_writer_new(void);
void json_writer_free(JsonWriter *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JsonWriter, json_writer_free)

/* @key is NULL for an element of an array and for the document itself. */
void json_writer_begin_object(JsonWriter *self, const char *key);
void json_writer_end_object(JsonWriter *self);
void json_writer_begin_array(JsonWriter *self, const char *key);
void json_writer_end_array(JsonWriter *self);

void json_writer_string(JsonWriter *self, const char *key,
                        const char *text); /* or null */
void json_writer_int(JsonWriter *self, const char *key, int64_t number);
void json_writer_uint(JsonWriter *self, const char *key, uint64_t number);
/* Six figures, whole numbers in full; null when it is no number. */
void json_writer_double(JsonWriter *self, const char *key, double number);
void json_writer_bool(JsonWriter *self, const char *key, bool value);
void json_writer_null(JsonWriter *self, const char *key);

/* Microseconds since 1970 as ISO 8601 text; 0 is null. */
void json_writer_time(JsonWriter *self, const char *key, int64_t at_us);

/* The document so far, ending in a newline; lent. */
const char *json_writer_text(JsonWriter *self);
