/* SPDX-License-Identifier: Apache-2.0 */
#include "store/copy-extra.h"

#include <glib.h>
#include <string.h>

/* What would be missed is written whatever store.extra says. */
#define ALWAYS_BITS (FLOW_EVENT | FLOW_REVERSE_OCTETS | FLOW_REVERSE_PACKETS)

/* Bits whose absence means that put_numbers() has nothing to do. */
#define NUMBER_BITS                                                                    \
    (ALWAYS_BITS | FLOW_TOS | FLOW_SRC_AS | FLOW_DST_AS | FLOW_VLAN |                  \
     FLOW_END_REASON | FLOW_DIRECTION)

/* As in flow.extra -> 'marks'. */
static const char *const mark_names[FLOW_N_MARKS] = {
    "time_clamped",     "time_swapped",     "time_missing", "counter_clamped",
    "sampling_assumed", "sampling_suspect", "dual_stack",
};

/* @comma: what to write before the next member: nothing, or a comma. */
typedef struct {
    char *at;
    bool comma;
} Json;

static void
put_raw(Json *json, const char *text, size_t n_bytes)
{
    memcpy(json->at, text, n_bytes);
    json->at += n_bytes;
}

static void
put_key(Json *json, const char *key)
{
    if (json->comma)
        *json->at++ = ',';
    json->comma = true;
    *json->at++ = '"';
    put_raw(json, key, strlen(key));
    *json->at++ = '"';
    *json->at++ = ':';
}

static void
open_bracket(Json *json, char bracket)
{
    *json->at++ = bracket;
    json->comma = false;
}

static void
close_bracket(Json *json, char bracket)
{
    *json->at++ = bracket;
    json->comma = true;
}

static void
put_decimal(Json *json, uint64_t value)
{
    char digits[20];
    size_t n = 0;

    do {
        digits[n++] = (char) ('0' + value % 10);
        value /= 10;
    } while (value != 0);

    while (n > 0)
        *json->at++ = digits[--n];
}

static void
put_number(Json *json, const char *key, uint64_t value)
{
    put_key(json, key);
    put_decimal(json, value);
}

static void
put_escape(Json *json, uint8_t byte)
{
    static const char hex[] = "0123456789abcdef";

    put_raw(json, "\\u00", 4);
    *json->at++ = hex[byte >> 4];
    *json->at++ = hex[byte & 15];
}

/* What is not UTF-8 is taken for Latin-1, byte by byte. */
static void
put_string(Json *json, const char *text)
{
    const size_t n_bytes = strnlen(text, COPY_EXTRA_NAME_BYTES);
    const bool is_utf8 = g_utf8_validate(text, (gssize) n_bytes, NULL);

    *json->at++ = '"';
    for (size_t i = 0; i < n_bytes; i++) {
        const uint8_t byte = (uint8_t) text[i];

        if (byte == '"' || byte == '\\')
            *json->at++ = '\\';
        if (byte < 0x20 || byte == 0x7f || (byte > 0x7f && !is_utf8))
            put_escape(json, byte);
        else
            *json->at++ = text[i];
    }
    *json->at++ = '"';
}

static void
put_address(Json *json, const char *key, const IpAddress *addr)
{
    char text[IP_ADDRESS_TEXT_BYTES];

    put_key(json, key);
    put_string(json, ip_address_format(addr, text));
}

/* Many routers report the same again where they translated nothing. */
static bool
is_translated(const Flow *flow)
{
    return (flow_has(flow, FLOW_NAT_SRC) &&
            !ip_address_equal(&flow->nat_src, &flow->src)) ||
           (flow_has(flow, FLOW_NAT_DST) &&
            !ip_address_equal(&flow->nat_dst, &flow->dst)) ||
           (flow_has(flow, FLOW_NAT_SRC_PORT) &&
            flow->nat_src_port != flow->src_port) ||
           (flow_has(flow, FLOW_NAT_DST_PORT) && flow->nat_dst_port != flow->dst_port);
}

static void
put_nat(Json *json, const Flow *flow)
{
    if (!flow_has(flow,
                  FLOW_NAT_SRC | FLOW_NAT_DST | FLOW_NAT_SRC_PORT | FLOW_NAT_DST_PORT))
        return;

    put_key(json, "nat");
    open_bracket(json, '{');
    if (flow_has(flow, FLOW_NAT_SRC))
        put_address(json, "src", &flow->nat_src);
    if (flow_has(flow, FLOW_NAT_DST))
        put_address(json, "dst", &flow->nat_dst);
    if (flow_has(flow, FLOW_NAT_SRC_PORT))
        put_number(json, "src_port", flow->nat_src_port);
    if (flow_has(flow, FLOW_NAT_DST_PORT))
        put_number(json, "dst_port", flow->nat_dst_port);
    close_bracket(json, '}');
}

/* By name where it is known, else "engine:selector" as RFC 6759 splits the id. */
static void
put_app(Json *json, const Flow *flow, const char *name)
{
    put_key(json, "app");
    if (name && name[0]) {
        put_string(json, name);
        return;
    }
    *json->at++ = '"';
    put_decimal(json, flow->app >> 56);
    *json->at++ = ':';
    put_decimal(json, flow->app & UINT64_C(0x00ffffffffffffff));
    *json->at++ = '"';
}

static void
put_one_vrf(Json *json, const char *key, uint32_t vrf, const char *name)
{
    put_key(json, key);
    if (name && name[0])
        put_string(json, name);
    else
        put_decimal(json, vrf);
}

static void
put_vrf(Json *json, const Flow *flow, const CopyExtraNames *names)
{
    if (!flow_has(flow, FLOW_VRF_IN | FLOW_VRF_OUT))
        return;

    put_key(json, "vrf");
    open_bracket(json, '{');
    if (flow_has(flow, FLOW_VRF_IN))
        put_one_vrf(json, "in", flow->vrf_in, names->vrf_in);
    if (flow_has(flow, FLOW_VRF_OUT))
        put_one_vrf(json, "out", flow->vrf_out, names->vrf_out);
    close_bracket(json, '}');
}

static void
put_marks(Json *json, uint8_t marks)
{
    if (marks == 0)
        return;

    put_key(json, "marks");
    open_bracket(json, '[');
    for (size_t i = 0; i < FLOW_N_MARKS; i++) {
        if (!(marks & 1u << i))
            continue;
        if (json->comma)
            *json->at++ = ',';
        json->comma = true;
        put_string(json, mark_names[i]);
    }
    close_bracket(json, ']');
}

/* Members that are a number of the flow, by the bit that says it is there. */
static void
put_numbers(Json *json, const Flow *flow, bool all)
{
    const struct {
        const char *key;
        uint32_t bit;
        uint64_t value;
    } numbers[] = {
        { "tos", FLOW_TOS, flow->tos },
        { "src_as", FLOW_SRC_AS, flow->src_as },
        { "dst_as", FLOW_DST_AS, flow->dst_as },
        { "vlan", FLOW_VLAN, flow->vlan },
        { "event", FLOW_EVENT, flow->event },
        { "end_reason", FLOW_END_REASON, flow->end_reason },
        { "reverse_octets", FLOW_REVERSE_OCTETS, flow->reverse_octets },
        { "reverse_packets", FLOW_REVERSE_PACKETS, flow->reverse_packets },
        { "direction", FLOW_DIRECTION, flow->direction },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        if ((all || numbers[i].bit & ALWAYS_BITS) && flow_has(flow, numbers[i].bit))
            put_number(json, numbers[i].key, numbers[i].value);
    }
}

static void
put_rest(Json *json, const Flow *flow, const CopyExtraNames *names)
{
    if (flow->flow_id != 0)
        put_number(json, "flow_id", flow->flow_id);
    if (flow_has(flow, FLOW_NEXT_HOP))
        put_address(json, "next_hop", &flow->next_hop);
    if (flow_has(flow, FLOW_APP))
        put_app(json, flow, names->app);
    put_vrf(json, flow, names);
}

size_t
copy_extra_put(uint8_t *at, const Flow *flow, const CopyExtraNames *names, bool all)
{
    Json json = { .at = (char *) at };

    open_bracket(&json, '{');
    if (flow->input_if > INT32_MAX && flow_has(flow, FLOW_INPUT_IF))
        put_number(&json, "input_if", flow->input_if);
    if (flow->output_if > INT32_MAX && flow_has(flow, FLOW_OUTPUT_IF))
        put_number(&json, "output_if", flow->output_if);
    if (flow_has(flow, all ? NUMBER_BITS : ALWAYS_BITS))
        put_numbers(&json, flow, all);
    if (all || is_translated(flow))
        put_nat(&json, flow);
    if (all)
        put_rest(&json, flow, names);
    put_marks(&json, flow->marks);
    if (!json.comma)
        return 0;

    close_bracket(&json, '}');
    return (size_t) (json.at - (char *) at);
}
