/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz target: what the programs read back out of the database, with any bytes in it,
 * for templates and names come from the wire and rows may be of another version: rows
 * of COPY, flows to export, state of sessions and of services, templates to show.
 *
 * The first octet says which reader gets the rest. */

#include <math.h>
#include <string.h>

#include "budget.h"
#include "copy-reader.h"
#include "export-reader.h"
#include "session/service-memory.h"
#include "session/session-state.h"
#include "template-fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each field by the function that its octet in @bytes says, until the row is spent. */
static void
read_fields(Reader *row)
{
    for (unsigned i = 0; i < 64 && reader_ok(row); i++) {
        int64_t ints[8], number;
        uint64_t natural;
        size_t n_ints;
        double real;
        IpAddress addr;
        Reader value;
        bool truth;

        switch (reader_uint(row, 1) & 7) {
        case 0:
            copy_reader_bytes(row, &value);
            break;
        case 1:
            copy_reader_int(row, &number);
            break;
        case 2:
            if (copy_reader_uint(row, &natural))
                g_assert_cmpuint(natural, <=, INT64_MAX);
            break;
        case 3:
            copy_reader_double(row, &real);
            break;
        case 4:
            copy_reader_bool(row, &truth);
            copy_reader_time(row, &number);
            break;
        case 5:
            copy_reader_inet(row, &addr);
            break;
        case 6:
            if (copy_reader_text_uint(row, UINT32_MAX, &natural))
                g_assert_cmpuint(natural, <=, UINT32_MAX);
            break;
        default:
            copy_reader_ints(row, ints, G_N_ELEMENTS(ints), &n_ints);
        }
    }
}

static void
read_export(const uint8_t *bytes, size_t n_bytes)
{
    ExportRow row;

    if (export_reader_decode(bytes, n_bytes, &row))
        g_assert_cmpuint(row.shape >> EXPORT_N_FIELDS, ==, 0);
}

/* What is taken has one form only. */
static void
read_session(const uint8_t *bytes, size_t n_bytes)
{
    SessionPool *pool = session_pool_new();
    Reader r = reader_over(bytes, n_bytes);

    if (session_state_decode(pool, 1, &r)) {
        SessionPool *again = session_pool_new();
        g_autoptr(GByteArray) first = g_byte_array_new();
        g_autoptr(GByteArray) second = g_byte_array_new();

        session_state_encode(pool, 0, first);
        r = reader_over(first->data, first->len);
        g_assert_true(session_state_decode(again, 1, &r));
        session_state_encode(again, 0, second);
        g_assert_cmpmem(first->data, first->len, second->data, second->len);
        session_pool_free(again);
    }
    session_pool_free(pool);
}

static void
read_services(const uint8_t *bytes, size_t n_bytes)
{
    ServiceMemory *memory = service_memory_new();
    const IpAddress nobody = { 0 };
    Reader r = reader_over(bytes, n_bytes);

    if (service_memory_decode(memory, &r)) {
        g_autoptr(GByteArray) again = g_byte_array_new();

        service_memory_see(memory, &nobody, 1, 6, &nobody, INT64_C(1700000000000000));
        service_memory_encode(memory, again);
    }
    service_memory_free(memory);
}

static void
read_template(unsigned what, const uint8_t *bytes, size_t n_bytes)
{
    static ElementNames *names; /* kept, for speed */

    if (!names)
        names = element_names_new();
    g_autoptr(GArray) fields =
        template_fields_parse(names, bytes, n_bytes, what & 8 ? 9 : 10,
                              (what & 16) != 0);
    g_autofree char *text = template_fields_text(names, fields);
    g_assert_true(g_utf8_validate(text, -1, NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const unsigned what = size > 0 ? data[0] : 0;
    const uint8_t *bytes = size > 0 ? data + 1 : data;
    const size_t n_bytes = size > 0 ? size - 1 : 0;
    Reader row = reader_over(bytes, n_bytes);
    const Budget budget = budget_begin();

    switch (what & 7) {
    case 0:
        read_fields(&row);
        break;
    case 1:
        read_export(bytes, n_bytes);
        break;
    case 2:
        read_session(bytes, n_bytes);
        break;
    case 3:
        read_services(bytes, n_bytes);
        break;
    default:
        read_template(what, bytes, n_bytes);
    }
    budget_check(&budget, size);
    return 0;
}
