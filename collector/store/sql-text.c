/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sql-text.h"

#include <inttypes.h>
#include <string.h>

void
sql_text_string(GString *sql, PGconn *conn, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    char *literal = PQescapeLiteral(conn, valid, strlen(valid));

    g_assert(literal); /* valid UTF-8: only memory could be missing */
    g_string_append(sql, literal);
    PQfreemem(literal);
}

void
sql_text_name(GString *sql, PGconn *conn, const char *text)
{
    if (text && text[0])
        sql_text_string(sql, conn, text);
    else
        g_string_append(sql, "NULL");
}

void
sql_text_bytes(GString *sql, const uint8_t *bytes, size_t n_bytes)
{
    static const char hex[] = "0123456789abcdef";

    g_string_append(sql, "'\\x");
    for (size_t i = 0; i < n_bytes; i++) {
        g_string_append_c(sql, hex[bytes[i] >> 4]);
        g_string_append_c(sql, hex[bytes[i] & 15]);
    }
    g_string_append(sql, "'");
}

void
sql_text_time(GString *sql, int64_t unix_us)
{
    /* Exact below 2^53 microseconds: the year 2255. */
    if (unix_us == 0)
        g_string_append(sql, "NULL::timestamptz");
    else
        g_string_append_printf(sql,
                               "(timestamptz 'epoch' + %" PRId64
                               " * interval '1 microsecond')",
                               unix_us);
}

void
sql_text_number(GString *sql, uint64_t value)
{
    if (value == 0)
        g_string_append(sql, "NULL");
    else
        g_string_append_printf(sql, "%" PRIu64, value);
}

void
sql_text_address(GString *sql, const IpAddress *address)
{
    char text[IP_ADDRESS_TEXT_BYTES];

    g_string_append_printf(sql, "'%s'", ip_address_format(address, text));
}
