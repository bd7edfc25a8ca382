/* SPDX-License-Identifier: Apache-2.0 */
#include "store/copy-row.h"

#include <inttypes.h>

#include "clock.h"
#include "copy-field.h"
#include "reader.h"

/* The columns of table flow, in COPY order (sql/migrations/0001-flow.sql): name,
 * type, when there is a value, the value.  The column extra, whose length varies,
 * comes after them.  A macro instead of an array, so that a row is one straight line
 * of stores. */
#define COLUMNS(column)                                                                \
    column(received_at, timestamptz, true,                                             \
           flow->received_us) column(start_at, timestamptz, true, flow->start_us)      \
        column(end_at, timestamptz, true,                                              \
               flow->end_us) column(exporter_id, int4, true, flow->exporter->id)       \
            column(input_if, int4, has_if(flow, FLOW_INPUT_IF, flow->input_if),        \
                   (int32_t) flow->input_if)                                           \
                column(output_if, int4, has_if(flow, FLOW_OUTPUT_IF, flow->output_if), \
                       (int32_t) flow->output_if) column(src, inet,                    \
                                                         flow_has(flow, FLOW_SRC),     \
                                                         flow->src)                    \
                    column(dst, inet, flow_has(flow, FLOW_DST),                        \
                           flow->dst) column(src_port, int4,                           \
                                             flow_has(flow, FLOW_SRC_PORT),            \
                                             flow->src_port)                           \
                        column(dst_port, int4, flow_has(flow, FLOW_DST_PORT),          \
                               flow->dst_port) column(protocol, int2,                  \
                                                      flow_has(flow, FLOW_PROTOCOL),   \
                                                      flow->protocol)                  \
                            column(tcp_flags, int2, flow_has(flow, FLOW_TCP_FLAGS),    \
                                   (int16_t) (flow->tcp_flags & INT16_MAX))            \
                                column(octets, int8, flow_has(flow, FLOW_OCTETS),      \
                                       clamp64(flow->octets))                          \
                                    column(packets, int8,                              \
                                           flow_has(flow, FLOW_PACKETS),               \
                                           clamp64(flow->packets))                     \
                                        column(sampling, int4, flow->sampling != 0,    \
                                               clamp32(flow->sampling))                \
                                            column(watched, int2, true, flow->watched)

typedef enum {
    TYPE_timestamptz,
    TYPE_int2,
    TYPE_int4,
    TYPE_int8,
    TYPE_inet,
    TYPE_jsonb
} Type;

#define COLUMN_ENTRY(name, type, present, value) { #name, TYPE_##type },

static const struct {
    const char *name;
    Type type;
} columns[] = { COLUMNS(COLUMN_ENTRY){ "extra", TYPE_jsonb } };

#define JSONB_VERSION 1

static inline bool
has_if(const Flow *flow, uint32_t bit, uint32_t if_index)
{
    return flow_has(flow, bit) && if_index <= INT32_MAX;
}

static inline int64_t
clamp64(uint64_t value)
{
    return (int64_t) MIN(value, (uint64_t) INT64_MAX);
}

static inline int32_t
clamp32(uint32_t value)
{
    return (int32_t) MIN(value, (uint32_t) INT32_MAX);
}

char *
copy_row_statement(const char *table)
{
    GString *sql = g_string_new(NULL);

    g_string_printf(sql, "COPY flowkeep.%s (", table);
    for (size_t i = 0; i < G_N_ELEMENTS(columns); i++)
        g_string_append_printf(sql, "%s%s", i ? ", " : "", columns[i].name);
    g_string_append(sql, ") FROM STDIN (FORMAT binary)");

    return g_string_free(sql, FALSE);
}

static uint8_t *
put_extra(uint8_t *at, const Flow *flow, const CopyExtraNames *names,
          CopyRowExtra extra)
{
    size_t n_bytes = 0;

    if (extra != COPY_ROW_EXTRA_NONE)
        n_bytes = copy_extra_put(at + 5, flow, names, extra == COPY_ROW_EXTRA_ALL);
    if (n_bytes == 0)
        return copy_field_null(at);

    copy_field_put32(at, 1 + n_bytes);
    at[4] = JSONB_VERSION;
    return at + 5 + n_bytes;
}

#define COLUMN_PUT(name, type, present, value)                                         \
    at = (present) ? copy_field_##type(at, value) : copy_field_null(at);

uint8_t *
copy_row_put(uint8_t *at, const Flow *flow, const CopyExtraNames *names,
             CopyRowExtra extra)
{
    at = copy_field_row(at, G_N_ELEMENTS(columns));
    COLUMNS(COLUMN_PUT)
    return put_extra(at, flow, names, extra);
}

/* Steps over one field.  @n_bytes is -1 for NULL. */
static const uint8_t *
read_field(Reader *reader, int32_t *n_bytes)
{
    *n_bytes = (int32_t) reader_uint(reader, 4);
    return reader_bytes(reader, *n_bytes < 0 ? 0 : (size_t) *n_bytes);
}

size_t
copy_row_len(const uint8_t *row, size_t n_bytes)
{
    Reader reader = reader_over(row, n_bytes);
    int32_t n_field;

    reader_uint(&reader, 2);
    for (size_t i = 0; i < G_N_ELEMENTS(columns); i++)
        read_field(&reader, &n_field);

    return reader_ok(&reader) ? n_bytes - reader.left : 0;
}

static int64_t
read_int(const uint8_t *bytes, size_t n_bytes)
{
    Reader reader = reader_over(bytes, n_bytes);
    const uint64_t value = reader_uint(&reader, n_bytes);
    const unsigned spare_bits = 64 - 8 * (unsigned) n_bytes;

    return (int64_t) (value << spare_bits) >> spare_bits; /* sign extended */
}

static void
append_time(GString *text, int64_t unix_us)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(unix_us / US_PER_SEC);

    if (!time || unix_us < 0) {
        g_string_append_printf(text, "%" PRId64 "us", unix_us);
        return;
    }

    g_autofree char *date = g_date_time_format(time, "%Y-%m-%dT%H:%M:%S");
    g_string_append_printf(text, "%s.%06dZ", date, (int) (unix_us % US_PER_SEC));
}

static void
append_value(GString *text, Type type, const uint8_t *bytes, size_t n_bytes)
{
    char address[IP_ADDRESS_TEXT_BYTES];
    IpAddress addr;

    switch (type) {
    case TYPE_timestamptz:
        append_time(text, (int64_t) ((uint64_t) read_int(bytes, n_bytes) +
                                     (uint64_t) COPY_FIELD_EPOCH_US));
        break;
    case TYPE_inet:
        addr = n_bytes == 8 ? ip_address_from_v4(bytes + 4)
                            : ip_address_from_v6(bytes + 4);
        g_string_append(text, ip_address_format(&addr, address));
        break;
    case TYPE_jsonb:
        g_string_append_len(text, (const char *) bytes + 1, (gssize) n_bytes - 1);
        break;
    default:
        g_string_append_printf(text, "%" PRId64, read_int(bytes, n_bytes));
    }
}

char *
copy_row_text(const uint8_t *row, size_t n_bytes)
{
    GString *text = g_string_new(NULL);
    Reader reader = reader_over(row, n_bytes);

    reader_uint(&reader, 2);
    for (size_t i = 0; i < G_N_ELEMENTS(columns); i++) {
        int32_t n_field;
        const uint8_t *field = read_field(&reader, &n_field);

        if (!reader_ok(&reader) || n_field <= 0)
            continue;
        g_string_append_printf(text, "%s%s=", text->len ? " " : "", columns[i].name);
        append_value(text, columns[i].type, field, (size_t) n_field);
    }
    return g_string_free(text, FALSE);
}

void
copy_row_identify(const uint8_t *row, int64_t *received_us, int32_t *exporter_id)
{
    /* Count of fields, then received_at, start_at, end_at and exporter_id, none of
     * which is ever NULL. */
    *received_us = (int64_t) ((uint64_t) read_int(row + 2 + 4, 8) +
                              (uint64_t) COPY_FIELD_EPOCH_US);
    *exporter_id = (int32_t) read_int(row + 2 + 3 * 12 + 4, 4);
}
