/* SPDX-License-Identifier: Apache-2.0 */

/* Field by field against the values another decoder found (golden/NAME.json: one
 * JSON object a message), for the elements we keep. */

#include <json-glib/json-glib.h>
#include <stdlib.h>
#include <string.h>

#include "capture-run.h"
#include "flow-facts.h"

/* Both decoders name a number by a word where IANA has one. */
static const struct {
    const char *name;
    uint8_t number;
} protocols[] = {
    { "ICMP", 1 },     { "IGMP", 2 },  { "TCP", 6 },       { "UDP", 17 },
    { "IPv6", 41 },    { "GRE", 47 },  { "IPv6ICMP", 58 }, { "OSPF", 89 },
    { "OSPFIGP", 89 }, { "PIM", 103 }, { "VRRP", 112 },
};

static const char *const flag_names[] = { "FIN", "SYN", "RST", "PSH",
                                          "ACK", "URG", "ECE", "CWR" };

static uint64_t
number_of(JsonObject *fields, const char *name)
{
    return json_object_has_member(fields, name)
               ? (uint64_t) json_object_get_int_member(fields, name)
               : 0;
}

static uint8_t
protocol_of(JsonObject *fields)
{
    const char *text = json_object_get_string_member(fields, "protocolIdentifier");

    for (size_t i = 0; i < G_N_ELEMENTS(protocols); i++) {
        if (g_str_equal(protocols[i].name, text))
            return protocols[i].number;
    }
    g_error("protocol %s has no number in this test", text);
}

static uint16_t
tcp_flags_of(JsonObject *fields)
{
    JsonObject *flags = json_object_get_object_member(fields, "tcpControlBits");
    uint16_t bits = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(flag_names); i++)
        bits |= (uint16_t) (json_object_get_boolean_member(flags, flag_names[i]) << i);
    return bits;
}

/* A dual-stack template fills the family that does not apply with zeros. */
static IpAddress
address_of(JsonObject *fields, const char *v4, const char *v6)
{
    IpAddress addr = { 0 };

    if (json_object_has_member(fields, v4)) {
        g_assert_true(
            ip_address_parse(json_object_get_string_member(fields, v4), &addr));
        if (!ip_address_is_unspecified(&addr) || !json_object_has_member(fields, v6))
            return addr;
    }
    g_assert_true(ip_address_parse(json_object_get_string_member(fields, v6), &addr));
    return addr;
}

static uint64_t
ms_of(JsonObject *fields, const char *name)
{
    g_autoptr(GDateTime) time = NULL;

    if (!json_object_has_member(fields, name))
        return 0;

    time =
        g_date_time_new_from_iso8601(json_object_get_string_member(fields, name), NULL);
    return (uint64_t) g_date_time_to_unix(time) * 1000 +
           (uint64_t) g_date_time_get_microsecond(time) / 1000;
}

static FlowFacts
facts_of(JsonObject *fields)
{
    FlowFacts facts = {
        .src = address_of(fields, "sourceIPv4Address", "sourceIPv6Address"),
        .dst = address_of(fields, "destinationIPv4Address", "destinationIPv6Address"),
        .octets = number_of(fields, "octetDeltaCount"),
        .packets = number_of(fields, "packetDeltaCount"),
        .start_ms = ms_of(fields, "flowStartMilliseconds"),
        .end_ms = ms_of(fields, "flowEndMilliseconds"),
        .input_if = (uint32_t) number_of(fields, "ingressInterface"),
        .output_if = (uint32_t) number_of(fields, "egressInterface"),
        .src_as = (uint32_t) number_of(fields, "bgpSourceAsNumber"),
        .dst_as = (uint32_t) number_of(fields, "bgpDestinationAsNumber"),
        .vrf_in = (uint32_t) number_of(fields, "ingressVRFID"),
        .vrf_out = (uint32_t) number_of(fields, "egressVRFID"),
        .src_port = (uint16_t) number_of(fields, "sourceTransportPort"),
        .dst_port = (uint16_t) number_of(fields, "destinationTransportPort"),
        .vlan = (uint16_t) (json_object_has_member(fields, "vlanId")
                                ? number_of(fields, "vlanId")
                                : number_of(fields, "dot1qVlanId")),
        .tcp_flags = tcp_flags_of(fields),
        .protocol = protocol_of(fields),
        .tos = (uint8_t) number_of(fields, "ipClassOfService"),
    };

    /* Uptime stamps: the length of the flow can be compared whatever the clock. */
    if (json_object_has_member(fields, "flowEndSysUpTime"))
        facts.end_ms = number_of(fields, "flowEndSysUpTime") -
                       number_of(fields, "flowStartSysUpTime");
    return facts;
}

static JsonObject *
flatten(JsonArray *fields)
{
    JsonObject *flat = json_object_new();

    for (guint i = 0; i < json_array_get_length(fields); i++) {
        JsonObject *field = json_array_get_object_element(fields, i);
        g_autoptr(GList) names = json_object_get_members(field);

        json_object_set_member(flat, names->data,
                               json_node_copy(
                                   json_object_get_member(field, names->data)));
    }
    return flat;
}

static void
add_records(JsonObject *data, GPtrArray *texts, bool *uptime)
{
    JsonArray *records = json_object_get_array_member(data, "records");

    for (guint i = 0; i < json_array_get_length(records); i++) {
        JsonObject *record = json_array_get_object_element(records, i);
        JsonArray *scope = json_object_has_member(record, "scope_fields")
                               ? json_object_get_array_member(record, "scope_fields")
                               : NULL;

        if (scope && json_array_get_length(scope) > 0)
            continue;

        g_autoptr(JsonObject) fields =
            flatten(json_object_get_array_member(record, "fields"));
        const FlowFacts facts = facts_of(fields);
        *uptime = *uptime || json_object_has_member(fields, "flowEndSysUpTime");
        g_ptr_array_add(texts, flow_facts_text(&facts));
    }
}

static void
add_message(const char *line, GPtrArray *texts, bool *uptime)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonNode) root = json_from_string(line, &error);

    g_assert_no_error(error);
    if (!root)
        return;

    g_autoptr(GList) versions = json_object_get_members(json_node_get_object(root));
    JsonObject *message =
        json_object_get_object_member(json_node_get_object(root), versions->data);
    JsonArray *sets = json_object_get_array_member(message, "sets");

    for (guint i = 0; i < json_array_get_length(sets); i++) {
        JsonObject *set = json_array_get_object_element(sets, i);

        if (json_object_has_member(set, "Data"))
            add_records(json_object_get_object_member(set, "Data"), texts, uptime);
    }
}

static void
test_golden(gconstpointer user_data)
{
    const char *json_path = user_data;
    g_autofree char *folder = g_path_get_dirname(json_path);
    g_autofree char *name = g_path_get_basename(json_path);
    g_autofree char *stem = g_strndup(name, strlen(name) - strlen(".json"));
    g_autofree char *pcap = g_strdup_printf("%s/../%s.pcap", folder, stem);
    g_autofree char *json = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) ours = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) theirs = g_ptr_array_new_with_free_func(g_free);
    bool uptime = false;

    g_assert_true(g_file_get_contents(json_path, &json, NULL, &error));
    g_auto(GStrv) lines = g_strsplit(json, "\n", -1);
    for (char **line = lines; *line; line++) {
        if (**line)
            add_message(*line, theirs, &uptime);
    }

    g_autoptr(CaptureRun) run = capture_run_new(pcap, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < run->flows->len; i++) {
        FlowFacts facts = flow_facts_from_flow(&g_array_index(run->flows, Flow, i));

        facts.end_reason = 0; /* by name in the golden file, always the same */
        if (uptime) {
            facts.end_ms -= facts.start_ms;
            facts.start_ms = 0;
        }
        g_ptr_array_add(ours, flow_facts_text(&facts));
    }
    flow_facts_assert_same(ours, theirs, "golden");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_autofree char *folder = g_build_filename(capture_run_folder(), "golden", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *test = g_strdup_printf("/golden/%s", name);

        g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
        g_test_add_data_func(test, g_ptr_array_index(paths, paths->len - 1),
                             test_golden);
    }
    if (!dir)
        capture_run_add_skip("/golden/none-here");
    return g_test_run();
}
