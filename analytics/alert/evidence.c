/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/evidence.h"

#include <json-glib/json-glib.h>
#include <math.h>

#include "clock.h"

/* --- times --- */

static char *
time_text(int64_t us)
{
    g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(us / US_PER_SEC);
    g_autofree char *whole = at ? g_date_time_format(at, "%Y-%m-%dT%H:%M:%S") : NULL;

    return whole ? g_strdup_printf("%s.%06dZ", whole, (int) (us % US_PER_SEC)) : NULL;
}

static int64_t
time_parse(const char *text)
{
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autoptr(GDateTime) at = text ? g_date_time_new_from_iso8601(text, utc) : NULL;

    return at ? g_date_time_to_unix(at) * US_PER_SEC + g_date_time_get_microsecond(at)
              : 0;
}

/* --- writing --- */

static void
add_text(JsonBuilder *json, const char *name, const char *text)
{
    g_autofree char *valid = text ? g_utf8_make_valid(text, -1) : NULL;

    json_builder_set_member_name(json, name);
    if (valid)
        json_builder_add_string_value(json, valid);
    else
        json_builder_add_null_value(json);
}

static void
add_time(JsonBuilder *json, const char *name, int64_t us)
{
    g_autofree char *text = us > 0 ? time_text(us) : NULL;

    add_text(json, name, text);
}

static void
add_double(JsonBuilder *json, const char *name, double value)
{
    json_builder_set_member_name(json, name);
    if (isfinite(value))
        json_builder_add_double_value(json, value);
    else
        json_builder_add_null_value(json);
}

/* What does not fit into bigint is more than there is. */
static void
add_octets(JsonBuilder *json, uint64_t octets)
{
    json_builder_add_int_value(json, (gint64) MIN(octets, (uint64_t) G_MAXINT64));
}

static void
add_terms(JsonBuilder *json, const Finding *finding)
{
    json_builder_set_member_name(json, "terms");
    json_builder_begin_array(json);
    for (size_t i = 0; i < finding->n_terms; i++) {
        json_builder_begin_object(json);
        add_text(json, "name", finding->terms[i].name);
        add_double(json, "points", finding->terms[i].points);
        add_double(json, "max", finding->terms[i].max_points);
        add_text(json, "why", finding->terms[i].why);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

/* A detector that writes no JSON has made a mistake, which is no reason to lose its
 * finding: what it wrote is kept to be seen. */
static void
add_numbers(JsonBuilder *json, const char *numbers)
{
    g_autofree char *valid = g_utf8_make_valid(numbers ? numbers : "{}", -1);
    g_autoptr(JsonNode) node = json_from_string(valid, NULL);

    json_builder_set_member_name(json, "numbers");
    if (node && JSON_NODE_HOLDS_OBJECT(node)) {
        json_builder_add_value(json, g_steal_pointer(&node));
        return;
    }
    json_builder_begin_object(json);
    add_text(json, "unreadable", valid);
    json_builder_end_object(json);
}

static void
add_events(JsonBuilder *json, const Finding *finding)
{
    json_builder_set_member_name(json, "starts_ms");
    json_builder_begin_array(json);
    for (size_t i = 0; i < finding->n_events; i++)
        json_builder_add_int_value(json,
                                   (finding->events[i].start_us - finding->from_us) /
                                       US_PER_MS);
    json_builder_end_array(json);

    json_builder_set_member_name(json, "octets");
    json_builder_begin_array(json);
    for (size_t i = 0; i < finding->n_events; i++)
        add_octets(json, finding->events[i].out_octets);
    json_builder_end_array(json);
}

static void
add_hours(JsonBuilder *json, const Finding *finding)
{
    json_builder_set_member_name(json, "hours");
    json_builder_begin_array(json);
    for (size_t i = 0; i < finding->n_hours; i++) {
        const FindingHour *hour = &finding->hours[i];

        json_builder_begin_object(json);
        add_time(json, "hour", hour->hour_us);
        json_builder_set_member_name(json, "out");
        add_octets(json, hour->out_octets);
        json_builder_set_member_name(json, "in");
        add_octets(json, hour->in_octets);
        add_double(json, "low", hour->baseline_low_octets);
        add_double(json, "high", hour->baseline_high_octets);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

char *
evidence_format(const Finding *finding)
{
    g_autoptr(JsonBuilder) json = json_builder_new_immutable();

    json_builder_begin_object(json);
    add_time(json, "from", finding->from_us);
    add_time(json, "to", finding->to_us);
    add_text(json, "rule", finding->rule);
    add_terms(json, finding);
    add_numbers(json, finding->numbers);
    add_events(json, finding);
    add_hours(json, finding);
    json_builder_end_object(json);

    g_autoptr(JsonNode) root = json_builder_get_root(json);
    return json_to_string(root, FALSE);
}

/* --- reading: what is missing or of another type is as good as not there --- */

static const char *
get_text(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return node && json_node_get_value_type(node) == G_TYPE_STRING
               ? json_node_get_string(node)
               : NULL;
}

static bool
is_number(JsonNode *node)
{
    const GType type = node ? json_node_get_value_type(node) : G_TYPE_INVALID;

    return type == G_TYPE_INT64 || type == G_TYPE_DOUBLE;
}

static double
get_double(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return is_number(node) ? json_node_get_double(node) : NAN;
}

static int64_t
int_of(JsonNode *node)
{
    const double value = is_number(node) ? json_node_get_double(node) : 0;

    if (!is_number(node) || json_node_get_value_type(node) == G_TYPE_INT64)
        return is_number(node) ? json_node_get_int(node) : 0;
    return (int64_t) CLAMP(value, -9e18, 9e18);
}

static uint64_t
octets_of(JsonNode *node)
{
    return (uint64_t) MAX(int_of(node), 0);
}

static JsonArray *
get_array(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

/* Elements of the array to look at. */
static size_t
length(JsonArray *array, size_t max)
{
    return array ? MIN(json_array_get_length(array), max) : 0;
}

static JsonObject *
object_at(JsonArray *array, size_t i)
{
    JsonNode *node = json_array_get_element(array, (guint) i);

    return JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

static void
read_terms(Evidence *self, JsonArray *array)
{
    const size_t n = length(array, FINDING_MAX_TERMS);

    self->terms = g_new0(EvidenceTerm, n + 1);
    for (size_t i = 0; i < n; i++) {
        JsonObject *object = object_at(array, i);

        if (!object)
            continue;
        self->terms[self->n_terms++] = (EvidenceTerm){
            .name = g_strdup(get_text(object, "name") ?: ""),
            .points = get_double(object, "points"),
            .max_points = get_double(object, "max"),
            .why = g_strdup(get_text(object, "why") ?: ""),
        };
    }
}

static void
read_numbers(Evidence *self, JsonObject *object)
{
    JsonObjectIter iter;
    const char *name;
    JsonNode *node;

    self->numbers = g_new0(EvidenceNumber, EVIDENCE_MAX_NUMBERS);
    if (!object)
        return;

    json_object_iter_init_ordered(&iter, object);
    while (self->n_numbers < EVIDENCE_MAX_NUMBERS &&
           json_object_iter_next_ordered(&iter, &name, &node)) {
        EvidenceNumber *number = &self->numbers[self->n_numbers++];

        number->name = g_strdup(name);
        number->value = is_number(node) ? json_node_get_double(node) : NAN;
        if (!is_number(node) && json_node_get_value_type(node) == G_TYPE_STRING)
            number->text = g_strdup(json_node_get_string(node));
        else if (!is_number(node) && !JSON_NODE_HOLDS_NULL(node))
            number->text = json_to_string(node, FALSE);
    }
}

static void
read_events(Evidence *self, JsonArray *starts, JsonArray *octets)
{
    const size_t n = length(starts, FINDING_MAX_EVENTS);
    const size_t n_octets = length(octets, n);

    self->events = g_new0(ContactEvent, n + 1);
    for (size_t i = 0; i < n; i++) {
        /* Of a window no longer than a century: no overflow. */
        const int64_t ms = CLAMP(int_of(json_array_get_element(starts, (guint) i)),
                                 -INT64_C(3153600000000), INT64_C(3153600000000));

        self->events[i] = (ContactEvent){
            .start_us = self->from_us + ms * US_PER_MS,
            .out_octets =
                i < n_octets ? octets_of(json_array_get_element(octets, (guint) i)) : 0,
        };
    }
    self->n_events = n;
}

static void
read_hours(Evidence *self, JsonArray *array)
{
    const size_t n = length(array, FINDING_MAX_HOURS);

    self->hours = g_new0(FindingHour, n + 1);
    for (size_t i = 0; i < n; i++) {
        JsonObject *object = object_at(array, i);

        if (!object)
            continue;
        self->hours[self->n_hours++] = (FindingHour){
            .hour_us = time_parse(get_text(object, "hour")),
            .out_octets = octets_of(json_object_get_member(object, "out")),
            .in_octets = octets_of(json_object_get_member(object, "in")),
            .baseline_low_octets = get_double(object, "low"),
            .baseline_high_octets = get_double(object, "high"),
        };
    }
}

Evidence *
evidence_parse(const char *json, GError **error)
{
    g_autoptr(JsonNode) root = json_from_string(json, error);

    if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
        g_clear_error(error);
        g_set_error(error, G_MARKUP_ERROR, G_MARKUP_ERROR_PARSE,
                    "evidence is no JSON object");
        return NULL;
    }

    JsonObject *object = json_node_get_object(root);
    JsonNode *numbers = json_object_get_member(object, "numbers");
    Evidence *self = g_new0(Evidence, 1);

    self->from_us = time_parse(get_text(object, "from"));
    self->to_us = time_parse(get_text(object, "to"));
    self->rule = g_strdup(get_text(object, "rule") ?: "");
    read_terms(self, get_array(object, "terms"));
    read_numbers(self, numbers && JSON_NODE_HOLDS_OBJECT(numbers)
                           ? json_node_get_object(numbers)
                           : NULL);
    read_events(self, get_array(object, "starts_ms"), get_array(object, "octets"));
    read_hours(self, get_array(object, "hours"));
    return self;
}

void
evidence_free(Evidence *self)
{
    if (!self)
        return;

    for (size_t i = 0; i < self->n_terms; i++) {
        g_free(self->terms[i].name);
        g_free(self->terms[i].why);
    }
    for (size_t i = 0; i < self->n_numbers; i++) {
        g_free(self->numbers[i].name);
        g_free(self->numbers[i].text);
    }
    g_free(self->rule);
    g_free(self->terms);
    g_free(self->numbers);
    g_free(self->events);
    g_free(self->hours);
    g_free(self);
}

double
evidence_number(const Evidence *self, const char *name)
{
    for (size_t i = 0; i < self->n_numbers; i++) {
        if (g_str_equal(self->numbers[i].name, name))
            return self->numbers[i].value;
    }
    return NAN;
}
