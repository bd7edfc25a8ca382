/* SPDX-License-Identifier: Apache-2.0 */
#include "export-reader.h"

#include <string.h>

#include "clock.h"
#include "copy-reader.h"
#include "human.h"

#define COLUMNS_SQL                                                                    \
    "f.received_at, f.start_at, f.end_at, e.address, e.domain, f.src, f.dst,"          \
    " f.input_if, f.output_if, f.src_port, f.dst_port, f.protocol, f.tcp_flags,"       \
    " f.octets, f.packets"

#define IPPROTO_ICMPV4  1
#define IPPROTO_ICMP_V6 58

/* Before 1970 there is nothing to export. */
static bool
next_time(Reader *r, uint64_t *ms)
{
    int64_t us;

    if (!copy_reader_time(r, &us))
        return false;
    *ms = us > 0 ? (uint64_t) (us / US_PER_MS) : 0;
    return true;
}

static bool
next_text_address(Reader *r, IpAddress *addr)
{
    char text[IP_ADDRESS_TEXT_BYTES];
    Reader field;

    if (!copy_reader_bytes(r, &field) || field.left >= sizeof(text))
        return false;

    memcpy(text, field.at, field.left);
    text[field.left] = '\0';
    return ip_address_parse(text, addr);
}

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

    if (copy_reader_inet(r, &addr))
        put_address(row, EXPORT_EXPORTER_V4, EXPORT_EXPORTER_V6, &addr);
    TAKE(copy_reader_uint(r, &value), EXPORT_DOMAIN, domain);
    if (copy_reader_inet(r, &addr))
        put_address(row, EXPORT_SRC_V4, EXPORT_SRC_V6, &addr);
    if (copy_reader_inet(r, &addr))
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

    TAKE(copy_reader_uint(r, &value), EXPORT_INPUT_IF, input_if);
    TAKE(copy_reader_uint(r, &value), EXPORT_OUTPUT_IF, output_if);
    TAKE(copy_reader_uint(r, &value), EXPORT_SRC_PORT, src_port);
    TAKE(copy_reader_uint(r, &value), EXPORT_DST_PORT, dst_port);
    TAKE(copy_reader_uint(r, &value), EXPORT_PROTOCOL, protocol);
    TAKE(copy_reader_uint(r, &value), EXPORT_TCP_FLAGS, tcp_flags);
    TAKE(copy_reader_uint(r, &value), EXPORT_OCTETS, octets);
    TAKE(copy_reader_uint(r, &value), EXPORT_PACKETS, packets);
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

    TAKE(copy_reader_text_uint(r, UINT32_MAX, &value), EXPORT_INPUT_IF, input_if);
    TAKE(copy_reader_text_uint(r, UINT32_MAX, &value), EXPORT_OUTPUT_IF, output_if);
    TAKE(copy_reader_text_uint(r, UINT8_MAX, &value), EXPORT_TOS, tos);
    TAKE(copy_reader_text_uint(r, UINT32_MAX, &value), EXPORT_SRC_AS, src_as);
    TAKE(copy_reader_text_uint(r, UINT32_MAX, &value), EXPORT_DST_AS, dst_as);
    TAKE(copy_reader_text_uint(r, UINT16_MAX, &value), EXPORT_VLAN, vlan);
    TAKE(copy_reader_text_uint(r, UINT8_MAX, &value), EXPORT_EVENT, event);
    TAKE(copy_reader_text_uint(r, UINT8_MAX, &value), EXPORT_END_REASON, end_reason);
    TAKE(copy_reader_text_uint(r, UINT8_MAX, &value), EXPORT_DIRECTION, direction);
    TAKE(copy_reader_text_uint(r, UINT64_MAX, &value), EXPORT_REVERSE_OCTETS,
         reverse_octets);
    TAKE(copy_reader_text_uint(r, UINT64_MAX, &value), EXPORT_REVERSE_PACKETS,
         reverse_packets);
    TAKE(copy_reader_text_uint(r, UINT64_MAX, &value), EXPORT_FLOW_ID, flow_id);
    if (next_text_address(r, &addr))
        put_address(row, EXPORT_NEXT_HOP_V4, EXPORT_NEXT_HOP_V6, &addr);
    if (next_text_address(r, &addr))
        put_address(row, EXPORT_NAT_SRC_V4, EXPORT_NAT_SRC_V6, &addr);
    if (next_text_address(r, &addr))
        put_address(row, EXPORT_NAT_DST_V4, EXPORT_NAT_DST_V6, &addr);
    TAKE(copy_reader_text_uint(r, UINT16_MAX, &value), EXPORT_NAT_SRC_PORT,
         nat_src_port);
    TAKE(copy_reader_text_uint(r, UINT16_MAX, &value), EXPORT_NAT_DST_PORT,
         nat_dst_port);
}

static bool
decode_row(Reader *r, ExportRow *row)
{
    *row = (ExportRow){ 0 };
    take_times(r, row);
    take_addresses(r, row);
    take_columns(r, row);
    take_extra(r, row);
    return reader_ok(r) && r->left == 0;
}

bool
export_reader_decode(const uint8_t *bytes, size_t n_bytes, ExportRow *row)
{
    Reader r = reader_over(bytes, n_bytes);

    return reader_uint(&r, 2) == N_COLUMNS && decode_row(&r, row);
}

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

/* Whom to hand the rows to. */
typedef struct {
    ExportRowFunc func;
    void *user_data;
} Taker;

static bool
on_row(Reader *r, void *user_data, GError **error)
{
    const Taker *taker = user_data;
    ExportRow row;

    return decode_row(r, &row) ? taker->func(&row, taker->user_data, error)
                               : copy_reader_refuse("reading flows", error);
}

bool
export_reader_run(PGconn *conn, const ExportRange *range, ExportRowFunc func,
                  void *user_data, GError **error)
{
    g_autofree char *statement = copy_statement(range);
    Taker taker = { func, user_data };

    return copy_reader_run(conn, statement, "reading flows", N_COLUMNS, on_row, &taker,
                           error);
}
