/* SPDX-License-Identifier: Apache-2.0 */
#include "export-reader.h"

#include <string.h>

#include "clock.h"
#include "db.h"
#include "human.h"
#include "reader.h"

#define COLUMNS_SQL                                                                    \
    "f.received_at, f.start_at, f.end_at, e.address, e.domain, f.src, f.dst,"          \
    " f.input_if, f.output_if, f.src_port, f.dst_port, f.protocol, f.tcp_flags,"       \
    " f.octets, f.packets"

/* PostgreSQL counts from 2000-01-01. */
#define PG_EPOCH_US (INT64_C(946684800) * US_PER_SEC)

#define SIGNATURE       "PGCOPY\n\377\r\n" /* and its NUL */
#define SIGNATURE_BYTES 11
#define PG_AF_INET      2
#define PG_AF_INET6     3
#define IPPROTO_ICMPV4  1
#define IPPROTO_ICMP_V6 58

/* --- one field --- */

/* False for null; else @field is over the value's bytes. */
static bool
next_field(Reader *r, Reader *field)
{
    const uint32_t n_bytes = (uint32_t) reader_uint(r, 4);

    if (!reader_ok(r) || n_bytes == UINT32_MAX)
        return false;

    const uint8_t *bytes = reader_bytes(r, n_bytes);
    if (!bytes)
        return false;

    *field = reader_over(bytes, n_bytes);
    return true;
}

/* An integer of 2, 4 or 8 octets.  The negative ones mean nothing here. */
static bool
next_uint(Reader *r, uint64_t *value)
{
    Reader field;

    if (!next_field(r, &field) || field.left == 0 || field.left > 8 ||
        (field.at[0] & 0x80))
        return false;

    *value = reader_uint(&field, field.left);
    return true;
}

static bool
next_time(Reader *r, uint64_t *ms)
{
    Reader field;

    if (!next_field(r, &field) || field.left != 8)
        return false;

    const int64_t us = (int64_t) (reader_uint(&field, 8) + (uint64_t) PG_EPOCH_US);
    *ms = us > 0 ? (uint64_t) (us / US_PER_MS) : 0;
    return true;
}

static bool
next_inet(Reader *r, IpAddress *addr)
{
    Reader field;

    if (!next_field(r, &field))
        return false;

    const uint64_t family = reader_uint(&field, 1);
    reader_bytes(&field, 2); /* prefix length; whether it is a cidr */
    const uint64_t n_bytes = reader_uint(&field, 1);
    const uint8_t *bytes = reader_bytes(&field, n_bytes);

    if (bytes && family == PG_AF_INET && n_bytes == 4)
        *addr = ip_address_from_v4(bytes);
    else if (bytes && family == PG_AF_INET6 && n_bytes == 16)
        *addr = ip_address_from_v6(bytes);
    else
        return false;
    return true;
}

/* A text that is wanted as a number of at most @max. */
static bool
next_text_uint(Reader *r, uint64_t max, uint64_t *value)
{
    char text[24];
    Reader field;

    if (!next_field(r, &field) || field.left == 0 || field.left >= sizeof(text))
        return false;

    memcpy(text, field.at, field.left);
    text[field.left] = '\0';

    char *end;
    const uint64_t number = g_ascii_strtoull(text, &end, 10);
    if (*end || !g_ascii_isdigit(text[0]) || number > max)
        return false;

    *value = number;
    return true;
}

static bool
next_text_address(Reader *r, IpAddress *addr)
{
    char text[IP_ADDRESS_TEXT_BYTES];
    Reader field;

    if (!next_field(r, &field) || field.left >= sizeof(text))
        return false;

    memcpy(text, field.at, field.left);
    text[field.left] = '\0';
    return ip_address_parse(text, addr);
}

/* --- one row --- */

static void
put_address(ExportRow *row, ExportField v4, ExportField v6, const IpAddress *addr)
{
    if (ip_address_is_v4(addr)) {
        uint32_t octets;

        memcpy(&octets, addr->bytes + 12, sizeof(octets));
        row->v4[v4 - EXPORT_SRC_V4] = g_ntohl(octets);
        row->shape |= EXPORT_BIT(v4);
    } else {
        memcpy(row->v6[v6 - EXPORT_SRC_V6], addr->bytes, sizeof(addr->bytes));
        row->shape |= EXPORT_BIT(v6);
    }
}

/* Reads the next field into @row->member, and says so. */
#define TAKE(next, field, member)                                                      \
    do {                                                                               \
        if (next) {                                                                    \
            row->member = (__typeof__(row->member)) value;                             \
            row->shape |= EXPORT_BIT(field);                                           \
        }                                                                              \
    } while (0)

static void
take_times(Reader *r, ExportRow *row)
{
    uint64_t value;

    TAKE(next_time(r, &value), EXPORT_RECEIVED, received_ms);
    TAKE(next_time(r, &value), EXPORT_START, start_ms);
    TAKE(next_time(r, &value), EXPORT_END, end_ms);
}

static void
take_addresses(Reader *r, ExportRow *row)
{
    IpAddress addr;
    uint64_t value;

    if (next_inet(r, &addr))
        put_address(row, EXPORT_EXPORTER_V4, EXPORT_EXPORTER_V6, &addr);
    TAKE(next_uint(r, &value), EXPORT_DOMAIN, domain);
    if (next_inet(r, &addr))
        put_address(row, EXPORT_SRC_V4, EXPORT_SRC_V6, &addr);
    if (next_inet(r, &addr))
        put_address(row, EXPORT_DST_V4, EXPORT_DST_V6, &addr);
}

/* For ICMP the destination port is type and code, which have elements of their own. */
static void
move_icmp(ExportRow *row)
{
    const uint64_t port = EXPORT_BIT(EXPORT_DST_PORT);

    if (!(row->shape & port) || !(row->shape & EXPORT_BIT(EXPORT_PROTOCOL)))
        return;

    if (row->protocol == IPPROTO_ICMPV4) {
        row->icmp_v4 = row->dst_port;
        row->shape = (row->shape & ~port) | EXPORT_BIT(EXPORT_ICMP_V4);
    } else if (row->protocol == IPPROTO_ICMP_V6) {
        row->icmp_v6 = row->dst_port;
        row->shape = (row->shape & ~port) | EXPORT_BIT(EXPORT_ICMP_V6);
    }
}

static void
take_columns(Reader *r, ExportRow *row)
{
    uint64_t value;

    TAKE(next_uint(r, &value), EXPORT_INPUT_IF, input_if);
    TAKE(next_uint(r, &value), EXPORT_OUTPUT_IF, output_if);
    TAKE(next_uint(r, &value), EXPORT_SRC_PORT, src_port);
    TAKE(next_uint(r, &value), EXPORT_DST_PORT, dst_port);
    TAKE(next_uint(r, &value), EXPORT_PROTOCOL, protocol);
    TAKE(next_uint(r, &value), EXPORT_TCP_FLAGS, tcp_flags);
    TAKE(next_uint(r, &value), EXPORT_OCTETS, octets);
    TAKE(next_uint(r, &value), EXPORT_PACKETS, packets);
    move_icmp(row);
}

/* Twins: the order is that of take_extra(). */
#define EXTRA_SQL                                                                      \
    "f.extra->>'input_if', f.extra->>'output_if', f.extra->>'tos',"                    \
    " f.extra->>'src_as', f.extra->>'dst_as', f.extra->>'vlan', f.extra->>'event',"    \
    " f.extra->>'end_reason', f.extra->>'direction', f.extra->>'reverse_octets',"      \
    " f.extra->>'reverse_packets', f.extra->>'flow_id', f.extra->>'next_hop',"         \
    " f.extra#>>'{nat,src}', f.extra#>>'{nat,dst}', f.extra#>>'{nat,src_port}',"       \
    " f.extra#>>'{nat,dst_port}'"
#define N_COLUMNS (15 + 17)

static void
take_extra(Reader *r, ExportRow *row)
{
    IpAddress addr;
    uint64_t value;

    TAKE(next_text_uint(r, UINT32_MAX, &value), EXPORT_INPUT_IF, input_if);
    TAKE(next_text_uint(r, UINT32_MAX, &value), EXPORT_OUTPUT_IF, output_if);
    TAKE(next_text_uint(r, UINT8_MAX, &value), EXPORT_TOS, tos);
    TAKE(next_text_uint(r, UINT32_MAX, &value), EXPORT_SRC_AS, src_as);
    TAKE(next_text_uint(r, UINT32_MAX, &value), EXPORT_DST_AS, dst_as);
    TAKE(next_text_uint(r, UINT16_MAX, &value), EXPORT_VLAN, vlan);
    TAKE(next_text_uint(r, UINT8_MAX, &value), EXPORT_EVENT, event);
    TAKE(next_text_uint(r, UINT8_MAX, &value), EXPORT_END_REASON, end_reason);
    TAKE(next_text_uint(r, UINT8_MAX, &value), EXPORT_DIRECTION, direction);
    TAKE(next_text_uint(r, UINT64_MAX, &value), EXPORT_REVERSE_OCTETS, reverse_octets);
    TAKE(next_text_uint(r, UINT64_MAX, &value), EXPORT_REVERSE_PACKETS,
         reverse_packets);
    TAKE(next_text_uint(r, UINT64_MAX, &value), EXPORT_FLOW_ID, flow_id);
    if (next_text_address(r, &addr))
        put_address(row, EXPORT_NEXT_HOP_V4, EXPORT_NEXT_HOP_V6, &addr);
    if (next_text_address(r, &addr))
        put_address(row, EXPORT_NAT_SRC_V4, EXPORT_NAT_SRC_V6, &addr);
    if (next_text_address(r, &addr))
        put_address(row, EXPORT_NAT_DST_V4, EXPORT_NAT_DST_V6, &addr);
    TAKE(next_text_uint(r, UINT16_MAX, &value), EXPORT_NAT_SRC_PORT, nat_src_port);
    TAKE(next_text_uint(r, UINT16_MAX, &value), EXPORT_NAT_DST_PORT, nat_dst_port);
}

bool
export_reader_decode(const uint8_t *bytes, size_t n_bytes, ExportRow *row)
{
    Reader r = reader_over(bytes, n_bytes);

    if (reader_uint(&r, 2) != N_COLUMNS)
        return false;

    *row = (ExportRow){ 0 };
    take_times(&r, row);
    take_addresses(&r, row);
    take_columns(&r, row);
    take_extra(&r, row);
    return reader_ok(&r) && r.left == 0;
}

/* --- the COPY --- */

static char *
copy_statement(const ExportRange *range)
{
    g_autofree char *since = human_time_iso(range->since_us);
    g_autofree char *until = human_time_iso(range->until_us);
    char address[IP_ADDRESS_TEXT_BYTES];
    g_autofree char *host =
        range->has_host
            ? g_strdup_printf(" AND (f.src = '%s' OR f.dst = '%s')",
                              ip_address_format(&range->host, address), address)
            : g_strdup("");

    return g_strdup_printf("COPY (SELECT " COLUMNS_SQL ", " EXTRA_SQL
                           " FROM flowkeep.flow AS f"
                           " JOIN flowkeep.exporter AS e ON e.id = f.exporter_id"
                           " WHERE f.received_at >= '%s' AND f.received_at < '%s'%s"
                           ") TO STDOUT (FORMAT binary)",
                           since, until, host);
}

/* The signature stands at the beginning of the first piece. */
static void
skip_signature(Reader *r)
{
    if (r->left < SIGNATURE_BYTES + 8 || memcmp(r->at, SIGNATURE, SIGNATURE_BYTES) != 0)
        return;

    reader_bytes(r, SIGNATURE_BYTES + 4);
    reader_bytes(r, reader_uint(r, 4)); /* extension */
}

/* libpq hands out a row a piece, the last one being the trailer. */
static bool
take_piece(const char *bytes, int n_bytes, bool *first, ExportRowFunc func,
           void *user_data, GError **error)
{
    Reader r = reader_over((const uint8_t *) bytes, (size_t) n_bytes);
    ExportRow row;

    if (*first)
        skip_signature(&r);
    *first = false;
    if (r.left <= 2)
        return true;
    if (export_reader_decode(r.at, r.left, &row))
        return func(&row, user_data, error);

    g_set_error(error, DB_ERROR, DB_ERROR_REJECTED,
                "reading flows: a row is not as it should be");
    return false;
}

static bool
read_rows(PGconn *conn, ExportRowFunc func, void *user_data, GError **error)
{
    bool first = true;

    for (;;) {
        char *piece = NULL;
        const int n_bytes = PQgetCopyData(conn, &piece, 0);

        if (n_bytes < 0)
            return true; /* the result says whether it is well */

        const bool ok = take_piece(piece, n_bytes, &first, func, user_data, error);
        PQfreemem(piece);
        if (!ok)
            return false;
    }
}

static bool
finish_copy(PGconn *conn, GError **error)
{
    bool ok = true;

    for (;;) {
        g_autoptr(PGresult) result = PQgetResult(conn);

        if (!result)
            return ok;
        if (ok && PQresultStatus(result) != PGRES_COMMAND_OK)
            ok = db_error_set(error, conn, result, "reading flows");
    }
}

bool
export_reader_run(PGconn *conn, const ExportRange *range, ExportRowFunc func,
                  void *user_data, GError **error)
{
    g_autofree char *statement = copy_statement(range);
    g_autoptr(PGresult) begun = PQexec(conn, statement);

    if (PQresultStatus(begun) != PGRES_COPY_OUT)
        return db_error_set(error, conn, begun, "reading flows");

    /* After a failure of ours the connection is of no more use: nobody wants to
     * read the rest of a month to keep it. */
    return read_rows(conn, func, user_data, error) && finish_copy(conn, error);
}
