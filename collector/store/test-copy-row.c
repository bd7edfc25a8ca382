/* SPDX-License-Identifier: Apache-2.0 */
#include "store/copy-row.h"

#include <string.h>

#include "copy-field.h"

static Exporter exporter = { .id = 7 };

static Flow
full_flow(void)
{
    const uint8_t src[4] = { 192, 0, 2, 1 };
    const uint8_t dst[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };

    return (Flow){
        .exporter = &exporter,
        .received_us = INT64_C(1700000000000001),
        .start_us = INT64_C(1699999999000000),
        .end_us = INT64_C(1700000000000000),
        .octets = 1500,
        .packets = 3,
        .src = ip_address_from_v4(src),
        .dst = ip_address_from_v6(dst),
        .src_port = 50000,
        .dst_port = 443,
        .protocol = 6,
        .tcp_flags = 0x1b,
        .input_if = 2,
        .output_if = 3,
        .sampling = 100,
        .watched = FLOW_WATCHED_DST,
        .present = FLOW_SRC | FLOW_DST | FLOW_SRC_PORT | FLOW_DST_PORT | FLOW_PROTOCOL |
                   FLOW_TCP_FLAGS | FLOW_INPUT_IF | FLOW_OUTPUT_IF | FLOW_OCTETS |
                   FLOW_PACKETS,
    };
}

static char *
text_of(const Flow *flow, const CopyExtraNames *names, CopyRowExtra extra)
{
    g_autofree uint8_t *row = g_malloc(COPY_ROW_MAX_BYTES);
    const size_t n_bytes = (size_t) (copy_row_put(row, flow, names, extra) - row);

    g_assert_cmpuint(n_bytes, <=, COPY_ROW_MAX_BYTES);
    g_assert_cmpuint(copy_row_len(row, n_bytes), ==, n_bytes);
    return copy_row_text(row, n_bytes);
}

static void
test_every_column(void)
{
    const Flow flow = full_flow();
    g_autofree char *text = text_of(&flow, &(CopyExtraNames){ 0 }, COPY_ROW_EXTRA_ALL);

    g_assert_cmpstr(text, ==,
                    "received_at=2023-11-14T22:13:20.000001Z "
                    "start_at=2023-11-14T22:13:19.000000Z "
                    "end_at=2023-11-14T22:13:20.000000Z exporter_id=7 input_if=2 "
                    "output_if=3 src=192.0.2.1 dst=2001:db8::1 src_port=50000 "
                    "dst_port=443 protocol=6 tcp_flags=27 octets=1500 packets=3 "
                    "sampling=100 watched=2");
}

static void
test_not_reported_is_null(void)
{
    const Flow flow = { .exporter = &exporter };
    g_autofree char *text = text_of(&flow, &(CopyExtraNames){ 0 }, COPY_ROW_EXTRA_ALL);

    g_assert_cmpstr(text, ==,
                    "received_at=1970-01-01T00:00:00.000000Z "
                    "start_at=1970-01-01T00:00:00.000000Z "
                    "end_at=1970-01-01T00:00:00.000000Z exporter_id=7 watched=0");
}

static void
test_bytes_of_a_row(void)
{
    static const uint8_t begin[] = { 0,    17,   0,    0,    0,    8,    0xff,
                                     0xfc, 0xa2, 0xfe, 0xc4, 0xc8, 0x20, 0 };
    const Flow flow = { .exporter = &exporter };
    g_autofree uint8_t *row = g_malloc(COPY_ROW_MAX_BYTES);

    copy_row_put(row, &flow, &(CopyExtraNames){ 0 }, COPY_ROW_EXTRA_ALL);
    g_assert_cmpmem(row, sizeof(begin), begin, sizeof(begin)); /* 1970 is before 2000 */
}

static void
test_statement_names_the_columns(void)
{
    g_autofree char *sql = copy_row_statement("flow_20260101_0000");

    g_assert_cmpstr(
        sql, ==,
        "COPY flowkeep.flow_20260101_0000 (received_at, start_at, end_at, exporter_id,"
        " input_if, output_if, src, dst, src_port, dst_port, protocol, tcp_flags,"
        " octets, packets, sampling, watched, extra) FROM STDIN (FORMAT binary)");
}

static void
test_extremes_fit(void)
{
    Flow flow = full_flow();

    flow.octets = UINT64_MAX;
    flow.sampling = UINT32_MAX;
    flow.tcp_flags = UINT16_MAX;
    flow.input_if = UINT32_MAX;
    flow.output_if = (uint32_t) INT32_MAX + 1;

    g_autofree char *text =
        text_of(&flow, &(CopyExtraNames){ 0 }, COPY_ROW_EXTRA_FORCED);

    g_assert_nonnull(strstr(text, " octets=9223372036854775807 "));
    g_assert_nonnull(strstr(text, " sampling=2147483647 "));
    g_assert_nonnull(strstr(text, " tcp_flags=32767 "));
    g_assert_null(strstr(text, " input_if="));
    g_assert_nonnull(
        strstr(text, " extra={\"input_if\":4294967295,\"output_if\":2147483648}"));
}

static void
test_cut_row_has_no_length(void)
{
    const Flow flow = full_flow();
    g_autofree uint8_t *row = g_malloc(COPY_ROW_MAX_BYTES);
    const uint8_t *end =
        copy_row_put(row, &flow, &(CopyExtraNames){ 0 }, COPY_ROW_EXTRA_NONE);

    for (size_t n = 0; n < (size_t) (end - row); n++) {
        g_autofree uint8_t *cut = g_memdup2(row, n);

        g_assert_cmpuint(copy_row_len(cut, n), ==, 0);
    }
}

static void
test_identify(void)
{
    const Flow flow = full_flow();
    g_autofree uint8_t *row = g_malloc(COPY_ROW_MAX_BYTES);
    int64_t received_us;
    int32_t exporter_id;

    copy_row_put(row, &flow, &(CopyExtraNames){ 0 }, COPY_ROW_EXTRA_NONE);
    copy_row_identify(row, &received_us, &exporter_id);
    g_assert_cmpint(received_us, ==, flow.received_us);
    g_assert_cmpint(exporter_id, ==, 7);
}

/* --- extra --- */

static void
test_extra(void)
{
    const uint8_t hop[4] = { 192, 0, 2, 254 };
    Flow flow = full_flow();
    const struct {
        const char *why;
        uint32_t present;
        uint8_t marks;
        CopyExtraNames names;
        const char *want; /* NULL = no extra at all */
        bool always;      /* also where extra is for others */
    } cases[] = {
        { "nothing to say", 0, 0, { 0 }, NULL },
        { "one number", FLOW_TOS, 0, { 0 }, "{\"tos\":184}" },
        { "zero was reported", FLOW_VLAN, 0, { 0 }, "{\"vlan\":0}" },
        { "several",
          FLOW_TOS | FLOW_SRC_AS | FLOW_NEXT_HOP,
          0,
          { 0 },
          "{\"tos\":184,\"src_as\":64500,\"next_hop\":\"192.0.2.254\"}" },
        { "translation",
          FLOW_NAT_SRC | FLOW_NAT_SRC_PORT,
          0,
          { 0 },
          "{\"nat\":{\"src\":\"192.0.2.254\",\"src_port\":1024}}",
          true },
        { "application without a name", FLOW_APP, 0, { 0 }, "{\"app\":\"13:453\"}" },
        { "application with one", FLOW_APP, 0, { .app = "ssl" }, "{\"app\":\"ssl\"}" },
        { "VRF, one named",
          FLOW_VRF_IN | FLOW_VRF_OUT,
          0,
          { .vrf_out = "red" },
          "{\"vrf\":{\"in\":5,\"out\":\"red\"}}" },
        { "marks",
          0,
          FLOW_MARK_TIME_CLAMPED | FLOW_MARK_DUAL_STACK,
          { 0 },
          "{\"marks\":[\"time_clamped\",\"dual_stack\"]}",
          true },
        { "an event", FLOW_EVENT, 0, { 0 }, "{\"event\":5}", true },
        { "the way back",
          FLOW_REVERSE_PACKETS,
          0,
          { 0 },
          "{\"reverse_packets\":8}",
          true },
        { "quotes and control characters",
          FLOW_APP,
          0,
          { .app = "a\"b\\c\n\x7f" },
          "{\"app\":\"a\\\"b\\\\c\\u000a\\u007f\"}" },
        { "UTF-8 stays", FLOW_APP, 0, { .app = "\303\274" }, "{\"app\":\"\303\274\"}" },
        { "what is none is Latin-1",
          FLOW_APP,
          0,
          { .app = "\374" },
          "{\"app\":\"\\u00fc\"}" },
    };

    flow.tos = 184;
    flow.src_as = 64500;
    flow.next_hop = flow.nat_src = ip_address_from_v4(hop);
    flow.nat_src_port = 1024;
    flow.app = UINT64_C(13) << 56 | 453;
    flow.vrf_in = 5;
    flow.vrf_out = 6;
    flow.event = 5;
    flow.reverse_packets = 8;

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint8_t json[COPY_EXTRA_MAX_BYTES] = { 0 };

        flow.present = cases[i].present;
        flow.marks = cases[i].marks;
        g_test_message("%s", cases[i].why);
        json[copy_extra_put(json, &flow, &cases[i].names, true)] = '\0';
        g_assert_cmpstr((char *) json, ==, cases[i].want ?: "");
        json[copy_extra_put(json, &flow, &cases[i].names, false)] = '\0';
        g_assert_cmpstr((char *) json, ==, cases[i].always ? cases[i].want : "");
    }
}

static void
test_longest_extra_fits(void)
{
    char name[600];
    Flow flow = full_flow();
    g_autofree uint8_t *json = g_malloc(COPY_EXTRA_MAX_BYTES);

    memset(name, '\001', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    memset(&flow.octets, 0xff, sizeof(flow) - offsetof(Flow, octets));
    g_assert_cmpuint(copy_extra_put(json, &flow, &(CopyExtraNames){ name, name, name },
                                    true),
                     <, COPY_EXTRA_MAX_BYTES);
}

/* --- fields --- */

static void
test_numeric(void)
{
    static const struct {
        uint64_t high, low;
        size_t n_bytes;
        uint8_t bytes[32];
    } cases[] = {
        { 0, 0, 12, { 0, 0, 0, 8 } },
        { 0, 1, 14, { 0, 0, 0, 10, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1 } },
        { 0, 9999, 14, { 0, 0, 0, 10, 0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x0f } },
        { 0, 10000, 16, { 0, 0, 0, 12, 0, 2, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0 } },
    };
    uint8_t field[COPY_FIELD_NUMERIC_BYTES];

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const unsigned __int128 value =
            (unsigned __int128) cases[i].high << 64 | cases[i].low;
        const uint8_t *end = copy_field_numeric(field, value);

        g_assert_cmpmem(field, (size_t) (end - field), cases[i].bytes,
                        cases[i].n_bytes);
    }
    g_assert_cmpuint((size_t) (copy_field_numeric(field, ~(unsigned __int128) 0) -
                               field),
                     ==, COPY_FIELD_NUMERIC_BYTES);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/copy-row/every-column", test_every_column);
    g_test_add_func("/copy-row/not-reported-is-null", test_not_reported_is_null);
    g_test_add_func("/copy-row/bytes-of-a-row", test_bytes_of_a_row);
    g_test_add_func("/copy-row/statement-names-the-columns",
                    test_statement_names_the_columns);
    g_test_add_func("/copy-row/extremes-fit", test_extremes_fit);
    g_test_add_func("/copy-row/cut-row-has-no-length", test_cut_row_has_no_length);
    g_test_add_func("/copy-row/identify", test_identify);
    g_test_add_func("/copy-extra/keys-and-escapes", test_extra);
    g_test_add_func("/copy-extra/longest-fits", test_longest_extra_fits);
    g_test_add_func("/copy-field/numeric", test_numeric);
    return g_test_run();
}
