/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/plan.h"

#include <fixbuf/public.h>
#include <string.h>

static const PlanContext at_noon = { .received_us = INT64_C(1700000000000000),
                                     .export_us = INT64_C(1700000000000000) };

static void
test_table_is_sorted(void)
{
    size_t n;
    const Element *rows = element_table_rows(&n);

    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            g_assert_true(
                rows[i - 1].pen < rows[i].pen ||
                (rows[i - 1].pen == rows[i].pen && rows[i - 1].id < rows[i].id));
        g_assert_true(element_table_find(rows[i].pen, rows[i].id) == &rows[i]);
        g_assert_cmpuint(rows[i].use, !=, 0);
        g_assert_cmpuint(rows[i].to + rows[i].width, <=, sizeof(Record));
    }
    g_assert_null(element_table_find(0, 9));
    g_assert_null(element_table_find(1, 1));
}

static bool
kind_fits(const Element *row, const fbInfoElement_t *element)
{
    switch (element->type) {
    case FB_UINT_8:
    case FB_UINT_16:
    case FB_UINT_32:
    case FB_UINT_64:
        return row->kind == KIND_UINT || row->kind == KIND_BEFORE_US ||
               row->kind == KIND_ICMP || row->kind == KIND_ICMP_TYPE ||
               row->kind == KIND_ICMP_CODE;
    case FB_IP4_ADDR:
        return row->kind == KIND_IPV4;
    case FB_IP6_ADDR:
        return row->kind == KIND_IPV6;
    case FB_DT_SEC:
        return row->kind == KIND_SEC;
    case FB_DT_MILSEC:
        return row->kind == KIND_MS || row->id == 160; /* kept as a number */
    case FB_DT_MICROSEC:
        return row->kind == KIND_NTP_US;
    case FB_DT_NANOSEC:
        return row->kind == KIND_NTP_NS;
    case FB_FLOAT_64:
        return row->kind == KIND_FLOAT;
    case FB_STRING:
        return row->kind == KIND_TEXT;
    case FB_OCTET_ARRAY:
        return row->kind == KIND_APP;
    default:
        return false;
    }
}

/* Our table against the registry as libfixbuf has it. */
static void
test_table_agrees_with_registry(void)
{
    fbInfoModel_t *model = fbInfoModelAlloc();
    size_t n;
    const Element *rows = element_table_rows(&n);

    for (size_t i = 0; i < n; i++) {
        const Element *row = &rows[i];

        if (row->pen != ELEMENT_IANA && row->pen != ELEMENT_REVERSE)
            continue;
        const fbInfoElement_t *element =
            fbInfoModelGetElementByID(model, row->id, row->pen);

        g_test_message("%u/%u", row->pen, row->id);
        g_assert_nonnull(element);
        g_assert_true(kind_fits(row, element));
        if (element->len != FB_IE_VARLEN && row->native > 0)
            g_assert_cmpuint(row->native, ==, element->len);
    }
    fbInfoModelFree(model);
}

/* The member as a number, for kinds that are one. */
static uint64_t
member_of(const Record *record, const Element *row)
{
    const uint8_t *at = (const uint8_t *) record + row->to;
    uint16_t v16;
    uint32_t v32;
    uint64_t v64;

    switch (row->width) {
    case 1:
        return *at;
    case 2:
        memcpy(&v16, at, sizeof(v16));
        return v16;
    case 4:
        memcpy(&v32, at, sizeof(v32));
        return v32;
    default:
        memcpy(&v64, at, sizeof(v64));
        return v64;
    }
}

static PlanField
field_of(const Element *row, uint16_t n_octets)
{
    return (PlanField){ .pen = row->pen, .id = row->id, .n_octets = n_octets };
}

/* Encoded and decoded, every number in every length it may have, fixed and variable,
 * behind another field, in memory of the very size. */
static void
test_numbers(void)
{
    size_t n_rows;
    const Element *rows = element_table_rows(&n_rows);

    for (size_t i = 0; i < n_rows; i++) {
        for (uint16_t n = 1; n <= 8; n++) {
            for (int is_variable = 0; is_variable <= 1; is_variable++) {
                if (rows[i].kind != KIND_UINT)
                    continue;

                const PlanField fields[] = {
                    { 0, 9999, 3 },
                    field_of(&rows[i], is_variable ? VARIABLE_LENGTH : n),
                };
                const size_t n_record = 3 + n + is_variable;
                const uint64_t value = UINT64_C(0x0102030405060708) >> 8 * (8 - n);
                g_autofree uint8_t *bytes = g_malloc0(n_record);
                PlanContext context = at_noon;
                Record record = { 0 };
                Plan plan;

                if (is_variable)
                    bytes[3] = n;
                for (uint16_t k = 0; k < n; k++)
                    bytes[n_record - 1 - k] = value >> 8 * k;

                g_assert_cmpint(plan_compile(&plan, fields, 2, rows[i].use), ==,
                                PLAN_OK);
                g_assert_cmpuint(plan_measure(&plan, bytes, n_record), ==, n_record);
                g_assert_cmpuint(plan_measure(&plan, bytes, n_record - 1), ==, 0);
                plan_run(&plan, bytes, n_record, &record, &context);

                const bool fits = rows[i].width == 8 || value >> 8 * rows[i].width == 0;
                if (fits)
                    g_assert_cmpuint(member_of(&record, &rows[i]), ==, value);
                if (rows[i].bit)
                    g_assert_cmpuint(record.flow.present, ==, fits ? rows[i].bit : 0);
                plan_clear(&plan);
            }
        }
    }
}

/* Any length for anything: compiled or refused, never read beyond. */
static void
test_any_length(void)
{
    size_t n_rows;
    const Element *rows = element_table_rows(&n_rows);

    for (size_t i = 0; i < n_rows; i++) {
        for (uint16_t n = 1; n <= 40; n++) {
            const PlanField fields[] = { field_of(&rows[i], n) };
            const PlanField variable[] = { field_of(&rows[i], VARIABLE_LENGTH) };
            const ElementLength legal = element_table_length(&rows[i], n);
            g_autofree uint8_t *bytes = g_malloc(n + 1);
            g_autofree uint8_t *exact = NULL;
            PlanContext context = at_noon;
            Record record = { 0 };
            Plan plan;

            memset(bytes, 0xff, n + 1);
            exact = g_memdup2(bytes, n);
            g_assert_cmpint(plan_compile(&plan, fields, 1, rows[i].use), ==,
                            legal == LENGTH_REFUSED ? PLAN_FIELD : PLAN_OK);
            if (legal != LENGTH_REFUSED) {
                g_assert_cmpuint(plan.n_odd, ==, legal == LENGTH_ODD);
                plan_run(&plan, exact, n, &record, &context);
            }
            plan_clear(&plan);

            bytes[0] = n;
            g_assert_cmpint(plan_compile(&plan, variable, 1, rows[i].use), ==, PLAN_OK);
            g_assert_cmpuint(plan_measure(&plan, bytes, n + 1), ==, n + 1);
            plan_run(&plan, bytes, n + 1, &record, &context);
            g_assert_cmpuint(context.n_odd, ==, legal != LENGTH_LEGAL);
            plan_clear(&plan);
        }
    }
}

static void
test_variable_lengths(void)
{
    static const PlanField fields[] = { { 0, 82, VARIABLE_LENGTH }, { 0, 10, 4 } };
    static const uint32_t lengths[] = { 0, 1, 254, 255, 256, 65000, 65535 };
    Plan plan;

    g_assert_cmpint(plan_compile(&plan, fields, 2, ELEMENT_IN_OPTIONS), ==, PLAN_OK);
    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        for (int is_long = 0; is_long <= 1; is_long++) {
            const size_t n = lengths[i];
            const size_t n_prefix = is_long || n >= 255 ? 3 : 1;
            const size_t n_record = n_prefix + n + 4;
            g_autofree uint8_t *bytes = g_malloc0(n_record);
            PlanContext context = at_noon;
            Record record = { 0 };

            bytes[0] = n_prefix == 3 ? 255 : n;
            if (n_prefix == 3) {
                bytes[1] = n >> 8;
                bytes[2] = n;
            }
            bytes[n_record - 1] = 7;
            for (size_t left = 0; left < MIN(n_record, 300); left++)
                g_assert_cmpuint(plan_measure(&plan, bytes, left), ==, 0);
            g_assert_cmpuint(plan_measure(&plan, bytes, n_record), ==, n_record);
            plan_run(&plan, bytes, n_record, &record, &context);
            g_assert_cmpuint(record.if_name.n_bytes, ==, n);
            g_assert_cmpuint(record.flow.input_if, ==, 7);
        }
    }
    plan_clear(&plan);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/element-table/is-sorted", test_table_is_sorted);
    g_test_add_func("/element-table/agrees-with-the-registry",
                    test_table_agrees_with_registry);
    g_test_add_func("/plan/numbers-of-any-length", test_numbers);
    g_test_add_func("/plan/any-length-of-anything", test_any_length);
    g_test_add_func("/plan/variable-lengths", test_variable_lengths);
    return g_test_run();
}
