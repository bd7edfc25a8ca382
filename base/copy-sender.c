/* SPDX-License-Identifier: Apache-2.0 */
#include "copy-sender.h"

#include <string.h>

#include "copy-field.h"
#include "db.h"

/* Sent when it is fuller than this; a row may be longer. */
#define BUFFER_BYTES 65536

static void
put(CopySender *self, const void *bytes, size_t n_bytes)
{
    g_byte_array_append(self->buffer, bytes, (guint) n_bytes);
}

/* What a function of copy-field.h wrote up to @end. */
#define PUT_FIELD(call)                                                                \
    do {                                                                               \
        uint8_t field[COPY_FIELD_NUMERIC_BYTES];                                       \
        const uint8_t *end = call;                                                     \
                                                                                       \
        put(self, field, (size_t) (end - field));                                      \
    } while (0)

static void
send_buffer(CopySender *self)
{
    if (!self->failed && PQputCopyData(self->conn, (const char *) self->buffer->data,
                                       (int) self->buffer->len) != 1)
        self->failed = true;
    g_byte_array_set_size(self->buffer, 0);
}

bool
copy_sender_begin(CopySender *self, PGconn *conn, const char *doing, const char *sql,
                  GError **error)
{
    g_autoptr(PGresult) begun = PQexec(conn, sql);

    if (PQresultStatus(begun) != PGRES_COPY_IN)
        return db_error_set(error, conn, begun, doing);

    *self = (CopySender){ .conn = conn, .doing = doing, .buffer = g_byte_array_new() };
    put(self, COPY_FIELD_HEADER, COPY_FIELD_HEADER_BYTES);
    return true;
}

bool
copy_sender_finish(CopySender *self, GError **error)
{
    bool ok = true;

    put(self, COPY_FIELD_TRAILER, COPY_FIELD_TRAILER_BYTES);
    send_buffer(self);
    g_clear_pointer(&self->buffer, g_byte_array_unref);
    if (self->failed || PQputCopyEnd(self->conn, NULL) != 1)
        return db_error_set(error, self->conn, NULL, self->doing);

    for (;;) {
        g_autoptr(PGresult) result = PQgetResult(self->conn);

        if (!result)
            return ok;
        if (ok && PQresultStatus(result) != PGRES_COMMAND_OK)
            ok = db_error_set(error, self->conn, result, self->doing);
    }
}

void
copy_sender_row(CopySender *self, uint16_t n_fields)
{
    if (self->buffer->len > BUFFER_BYTES)
        send_buffer(self);
    PUT_FIELD(copy_field_row(field, n_fields));
}

void
copy_sender_null(CopySender *self)
{
    PUT_FIELD(copy_field_null(field));
}

void
copy_sender_bool(CopySender *self, bool value)
{
    const uint8_t byte = value;

    copy_sender_bytes(self, &byte, 1);
}

void
copy_sender_int2(CopySender *self, int16_t value)
{
    PUT_FIELD(copy_field_int2(field, value));
}

void
copy_sender_int4(CopySender *self, int32_t value)
{
    PUT_FIELD(copy_field_int4(field, value));
}

void
copy_sender_int8(CopySender *self, int64_t value)
{
    PUT_FIELD(copy_field_int8(field, value));
}

void
copy_sender_double(CopySender *self, double value)
{
    int64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    copy_sender_int8(self, bits);
}

void
copy_sender_time(CopySender *self, int64_t unix_us)
{
    PUT_FIELD(copy_field_timestamptz(field, unix_us));
}

void
copy_sender_inet(CopySender *self, const IpAddress *value)
{
    PUT_FIELD(copy_field_inet(field, *value));
}

void
copy_sender_text(CopySender *self, const char *value)
{
    copy_sender_bytes(self, (const uint8_t *) value, strlen(value));
}

void
copy_sender_bytes(CopySender *self, const uint8_t *bytes, size_t n_bytes)
{
    PUT_FIELD(copy_field_put32(field, (uint32_t) n_bytes));
    put(self, bytes, n_bytes);
}

void
copy_sender_array(CopySender *self, CopySenderType type, uint32_t n_elements)
{
    const size_t element = type == COPY_SENDER_INT8 ? 12 : 8;
    const size_t head = n_elements > 0 ? 20 : 12;
    uint8_t bytes[24], *at = bytes;

    at = copy_field_put32(at, (uint32_t) (head + n_elements * element));
    at = copy_field_put32(at, n_elements > 0); /* dimensions */
    at = copy_field_put32(at, 0);              /* no nulls */
    at = copy_field_put32(at, type);
    if (n_elements > 0) {
        at = copy_field_put32(at, n_elements);
        at = copy_field_put32(at, 1); /* the lowest index */
    }
    put(self, bytes, (size_t) (at - bytes));
}
