/* SPDX-License-Identifier: Apache-2.0 */
#include "row-checker.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "json-checker.h"
#include "reader.h"

typedef enum { INT2, INT4, INT8, NUMERIC, TIME, INET, TEXT, JSONB } RowType;

struct RowColumn {
    const char *table;
    const char *name;
    RowType type;
    bool not_null;
};

/* sql/migrations/. */
static const struct RowColumn schema[] = {
    { "flow", "received_at", TIME, true },
    { "flow", "start_at", TIME, false },
    { "flow", "end_at", TIME, false },
    { "flow", "exporter_id", INT4, true },
    { "flow", "input_if", INT4, false },
    { "flow", "output_if", INT4, false },
    { "flow", "src", INET, false },
    { "flow", "dst", INET, false },
    { "flow", "src_port", INT4, false },
    { "flow", "dst_port", INT4, false },
    { "flow", "protocol", INT2, false },
    { "flow", "tcp_flags", INT2, false },
    { "flow", "octets", INT8, false },
    { "flow", "packets", INT8, false },
    { "flow", "sampling", INT4, false },
    { "flow", "watched", INT2, true },
    { "flow", "extra", JSONB, false },
    { "traffic_1m", "minute", TIME, true },
    { "traffic_1m", "exporter_id", INT4, true },
    { "traffic_1m", "input_if", INT4, false },
    { "traffic_1m", "output_if", INT4, false },
    { "traffic_1m", "protocol", INT2, false },
    { "traffic_1m", "service_port", INT4, true },
    { "traffic_1m", "watched", INT2, true },
    { "traffic_1m", "octets", NUMERIC, true },
    { "traffic_1m", "packets", NUMERIC, true },
    { "traffic_1m", "flows", INT8, true },
    { "talker_5m", "start_at", TIME, true },
    { "talker_5m", "kind", TEXT, true },
    { "talker_5m", "key", TEXT, true },
    { "talker_5m", "octets", NUMERIC, true },
    { "talker_5m", "packets", NUMERIC, true },
    { "talker_5m", "flows", INT8, true },
    { "talker_5m", "error_octets", NUMERIC, true },
    { "loss", "minute", TIME, true },
    { "loss", "collector", TEXT, true },
    { "loss", "exporter_id", INT4, false },
    { "loss", "reason", TEXT, true },
    { "loss", "class", TEXT, true },
    { "loss", "unit", TEXT, true },
    { "loss", "count", INT8, true },
};

/* src/include/datatype/timestamp.h: 4714-11-24 BC up to 294277-01-01, in microseconds
 * since 2000-01-01. */
#define TIME_FIRST (-INT64_C(211813488000000000))
#define TIME_END   INT64_C(9223371331200000000)

/* src/include/utils/inet.h and numeric.c */
enum { PG_AF_INET = 2, PG_AF_INET6 = 3 };
enum { NUMERIC_MAX_SCALE = 0x3fff, NUMERIC_NBASE = 10000, NUMERIC_MAX_DIGITS = 32768 };

static const struct RowColumn *
find_column(const char *table, const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(schema); i++) {
        if (g_str_equal(schema[i].table, table) && g_str_equal(schema[i].name, name))
            return &schema[i];
    }
    g_error("no column %s in table %s", name, table);
}

/* A partition has the columns of its table: "flow_20260101_0000". */
static char *
table_of(const char *statement)
{
    const char *from = strchr(statement, '.') + 1;
    char *table = g_strndup(from, strcspn(from, " "));

    if (g_str_has_prefix(table, "flow_"))
        table[strlen("flow")] = '\0';
    return table;
}

void
row_checker_init(RowChecker *self, const char *statement)
{
    g_autofree char *table = table_of(statement);
    const char *open = strchr(statement, '(') + 1;
    g_autofree char *list = g_strndup(open, strcspn(open, ")"));
    g_auto(GStrv) names = g_strsplit(list, ",", -1);

    self->n_columns = 0;
    for (char **name = names; *name; name++) {
        g_assert_cmpuint(self->n_columns, <, ROW_CHECKER_MAX_COLUMNS);
        self->columns[self->n_columns++] = find_column(table, g_strstrip(*name));
    }
}

static const char *
time_fault(Reader *field)
{
    const int64_t value = (int64_t) reader_uint(field, 8);

    if (!reader_ok(field))
        return "timestamptz: not 8 bytes";
    return value < TIME_FIRST || value >= TIME_END ? "timestamptz: out of range" : NULL;
}

static const char *
inet_fault(Reader *field)
{
    const uint64_t family = reader_uint(field, 1);
    const uint64_t bits = reader_uint(field, 1);
    const uint64_t is_cidr = reader_uint(field, 1);
    const uint64_t n_bytes = reader_uint(field, 1);

    if (!reader_ok(field) || (family != PG_AF_INET && family != PG_AF_INET6))
        return "inet: no such family";

    const unsigned whole = family == PG_AF_INET ? 4 : 16;
    if (n_bytes != whole || bits > whole * 8 || is_cidr > 0)
        return "inet: length or prefix do not fit the family";
    return reader_bytes(field, n_bytes) ? NULL : "inet: cut";
}

static const char *
numeric_fault(Reader *field)
{
    const uint64_t n_digits = reader_uint(field, 2);
    reader_uint(field, 2); /* weight: any */
    const uint64_t sign = reader_uint(field, 2);
    const uint64_t scale = reader_uint(field, 2);

    if (!reader_ok(field) || n_digits > NUMERIC_MAX_DIGITS)
        return "numeric: cut";
    if (sign != 0 || scale > NUMERIC_MAX_SCALE)
        return "numeric: sign or scale"; /* nothing of ours is negative */
    for (uint64_t i = 0; i < n_digits; i++) {
        if (reader_uint(field, 2) >= NUMERIC_NBASE)
            return "numeric: no such digit";
    }
    return reader_ok(field) ? NULL : "numeric: cut";
}

static const char *
jsonb_fault(Reader *field)
{
    if (reader_uint(field, 1) != 1)
        return "jsonb: version";

    const size_t n_bytes = field->left;
    const char *text = (const char *) reader_bytes(field, n_bytes);
    return json_checker_fault(text, n_bytes);
}

static const char *
text_fault(Reader *field)
{
    const size_t n_bytes = field->left;
    const char *text = (const char *) reader_bytes(field, n_bytes);

    if (memchr(text, 0, n_bytes))
        return "text: a NUL";
    return g_utf8_validate(text, (gssize) n_bytes, NULL) ? NULL : "text: not UTF-8";
}

static const char *
value_fault(RowType type, Reader *field)
{
    switch (type) {
    case INT2:
        return reader_bytes(field, 2) ? NULL : "int2: cut";
    case INT4:
        return reader_bytes(field, 4) ? NULL : "int4: cut";
    case INT8:
        return reader_bytes(field, 8) ? NULL : "int8: cut";
    case NUMERIC:
        return numeric_fault(field);
    case TIME:
        return time_fault(field);
    case INET:
        return inet_fault(field);
    case TEXT:
        return text_fault(field);
    case JSONB:
        break;
    }
    return jsonb_fault(field);
}

static const char *
field_fault(const struct RowColumn *column, Reader *row)
{
    const uint32_t n_bytes = (uint32_t) reader_uint(row, 4);

    if (!reader_ok(row))
        return "no length of the field";
    if (n_bytes == UINT32_MAX)
        return column->not_null ? "null where none may be" : NULL;

    const uint8_t *bytes = reader_bytes(row, n_bytes);
    if (!bytes)
        return "field longer than the row";

    Reader field = reader_over(bytes, n_bytes);
    const char *fault = value_fault(column->type, &field);
    return fault || field.left == 0 ? fault : "field: bytes left over";
}

const char *
row_checker_fault(const RowChecker *self, const uint8_t *row, size_t n_bytes,
                  size_t *n_used)
{
    Reader reader = reader_over(row, n_bytes);

    if (reader_uint(&reader, 2) != self->n_columns)
        return "number of fields";
    for (unsigned i = 0; i < self->n_columns; i++) {
        const char *fault = field_fault(self->columns[i], &reader);

        if (fault)
            return fault;
    }
    *n_used = n_bytes - reader.left;
    return NULL;
}

size_t
row_checker_demand(const RowChecker *self, const uint8_t *rows, size_t n_bytes)
{
    size_t n_rows = 0;

    for (size_t at = 0, n_used; at < n_bytes; at += n_used, n_rows++) {
        const char *fault = row_checker_fault(self, rows + at, n_bytes - at, &n_used);

        if (fault)
            g_error("row %" G_GSIZE_FORMAT " of %s: %s", n_rows,
                    self->columns[0]->table, fault);
    }
    return n_rows;
}
