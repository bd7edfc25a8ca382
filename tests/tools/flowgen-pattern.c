/* SPDX-License-Identifier: Apache-2.0 */
#include "flowgen-pattern.h"

#include <math.h>
#include <string.h>

#include "clock.h"
#include "flowgen-session.h"
#include "flowgen-units.h"
#include "suggestion.h"

#define MINUTES(n) ((n) *60 * US_PER_SEC)
#define MAX_CHUNKS 100000

static const char *const kind_names[FLOWGEN_N_PATTERNS] = {
    [FLOWGEN_PATTERN_VISITS] = "visits",   [FLOWGEN_PATTERN_BEACON] = "beacon",
    [FLOWGEN_PATTERN_UPLOAD] = "upload",   [FLOWGEN_PATTERN_DRIP] = "drip",
    [FLOWGEN_PATTERN_SESSION] = "session",
};

/* Bits of the kinds that have a key, and of those that need it. */
enum {
    V = 1 << FLOWGEN_PATTERN_VISITS,
    B = 1 << FLOWGEN_PATTERN_BEACON,
    U = 1 << FLOWGEN_PATTERN_UPLOAD,
    D = 1 << FLOWGEN_PATTERN_DRIP,
    S = 1 << FLOWGEN_PATTERN_SESSION,
    ALL = V | B | U | D | S,
};

typedef enum {
    HOSTS,
    PORTS,
    PROTOCOL,
    DURATION,
    OCTETS,
    SHARE,
    NUMBER,
    YES_NO,
} Type;

typedef struct {
    const char *name;
    Type type;
    unsigned kinds;
    unsigned needed;
    size_t offset;
} Key;

#define AT(member) offsetof(FlowgenPattern, member)

static const Key keys[] = {
    { "hosts", HOSTS, ALL, ALL, AT(hosts) },
    { "peers", HOSTS, ALL, ALL, AT(peers) },
    { "port", PORTS, ALL, 0, AT(ports) },
    { "protocol", PROTOCOL, ALL, 0, AT(protocol) },
    { "out_octets", OCTETS, V | B | S, 0, AT(octets[0]) },
    { "octets", OCTETS, U, U, AT(octets[0]) },
    { "octets_per_hour", OCTETS, D, D, AT(octets[0]) },
    { "in_octets", OCTETS, ALL, 0, AT(octets[1]) },
    { "size_jitter", SHARE, ALL, 0, AT(size_jitter) },
    { "size_sigma", NUMBER, ALL, 0, AT(size_sigma) },
    { "duration", DURATION, ALL, 0, AT(duration_us) },
    { "duration_sigma", NUMBER, ALL, 0, AT(duration_sigma) },
    { "answered", SHARE, V | B, 0, AT(answered) },
    { "from", DURATION, V | B | D, 0, AT(from_us) },
    { "until", DURATION, V | B | D, 0, AT(until_us) },
    { "before", YES_NO, ALL, 0, AT(before) },
    { "sticky", YES_NO, ALL, 0, AT(sticky) },
    { "at", DURATION, U | S, 0, AT(at_us) },
    { "at_jitter", DURATION, U | S, 0, AT(at_jitter_us) },
    { "every", DURATION, U | S, 0, AT(every_us) },
    { "chunks", NUMBER, U | S, 0, AT(chunks) },
    { "period", DURATION, B, B, AT(period_us) },
    { "jitter", SHARE, B, 0, AT(jitter) },
    { "two_sided", YES_NO, B, 0, AT(two_sided) },
    { "missing", SHARE, B, 0, AT(missing) },
    { "noise", NUMBER, B, 0, AT(noise) },
    { "per_hour", NUMBER, V | D, V, AT(per_hour) },
    { "burst", NUMBER, V, 0, AT(burst) },
    { "diurnal", YES_NO, V, 0, AT(diurnal) },
    { "popular", YES_NO, V, 0, AT(popular) },
};

G_STATIC_ASSERT(G_N_ELEMENTS(keys) <= 32); /* bits of .given */

bool
flowgen_pattern_kind(const char *name, FlowgenPatternKind *kind)
{
    for (int i = 0; i < FLOWGEN_N_PATTERNS; i++) {
        if (g_str_equal(name, kind_names[i])) {
            *kind = i;
            return true;
        }
    }
    return false;
}

FlowgenPattern *
flowgen_pattern_new(FlowgenPatternKind kind, const char *name)
{
    static const int64_t durations_us[FLOWGEN_N_PATTERNS] = {
        [FLOWGEN_PATTERN_VISITS] = 2 * US_PER_SEC,
        [FLOWGEN_PATTERN_BEACON] = US_PER_SEC / 5,
        [FLOWGEN_PATTERN_UPLOAD] = MINUTES(10),
        [FLOWGEN_PATTERN_DRIP] = US_PER_SEC,
        [FLOWGEN_PATTERN_SESSION] = MINUTES(1),
    };
    FlowgenPattern *self = g_new(FlowgenPattern, 1);

    *self = (FlowgenPattern){
        .kind = kind,
        .name = g_strdup(name),
        .ports = { 443 },
        .n_ports = 1,
        .protocol = FLOWGEN_TCP,
        .octets = { kind == FLOWGEN_PATTERN_SESSION ? 0 : 500, 0 },
        .duration_us = durations_us[kind],
        .answered = 1,
        .until_us = INT64_MAX,
        .chunks = 1,
        .per_hour = 4,
        .burst = 1,
    };
    return self;
}

void
flowgen_pattern_free(FlowgenPattern *self)
{
    if (!self)
        return;

    flowgen_hosts_unref(self->hosts);
    flowgen_hosts_unref(self->peers);
    g_free(self->name);
    g_free(self);
}

static bool refuse(GError **error, int code, const char *key, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

static bool
refuse(GError **error, int code, const char *key, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *why = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, G_KEY_FILE_ERROR, code, "%s: %s", key, why);
    return false;
}

static bool
set_hosts(FlowgenHosts **hosts, const Key *key, const char *value, GError **error)
{
    FlowgenHosts *parsed = flowgen_hosts_parse(value, error);

    if (!parsed) {
        g_prefix_error(error, "%s: ", key->name);
        return false;
    }
    flowgen_hosts_unref(*hosts);
    *hosts = parsed;
    return true;
}

static bool
parse_ports(FlowgenPattern *self, const char *value)
{
    g_auto(GStrv) words = g_strsplit_set(value, ", ", -1);
    unsigned n = 0;

    for (char **word = words; *word; word++) {
        guint64 port;
        if (!**word)
            continue;
        if (n == FLOWGEN_PATTERN_MAX_PORTS ||
            !g_ascii_string_to_unsigned(*word, 10, 0, 65535, &port, NULL))
            return false;
        self->ports[n++] = port;
    }
    self->n_ports = MAX(n, 1);
    return n > 0;
}

static bool
parse_protocol(const char *value, uint8_t *protocol)
{
    static const struct {
        const char *name;
        uint8_t number;
    } names[] = { { "tcp", FLOWGEN_TCP },
                  { "udp", FLOWGEN_UDP },
                  { "icmp", FLOWGEN_ICMP } };
    guint64 number;

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (g_str_equal(value, names[i].name)) {
            *protocol = names[i].number;
            return true;
        }
    }
    if (!g_ascii_string_to_unsigned(value, 10, 0, 255, &number, NULL))
        return false;
    *protocol = number;
    return true;
}

static bool
parse_number(const char *value, double *number)
{
    char *end;
    const double parsed = g_ascii_strtod(value, &end);

    if (end == value || *end || !isfinite(parsed) || parsed < 0 || parsed > 1e9)
        return false;
    *number = parsed;
    return true;
}

static bool
parse_yes_no(const char *value, bool *is_yes)
{
    *is_yes = g_str_equal(value, "yes");
    return *is_yes || g_str_equal(value, "no");
}

/* All types but the hosts, which have errors of their own. */
static bool
parse(FlowgenPattern *self, const Key *key, const char *value)
{
    void *member = (char *) self + key->offset;

    switch (key->type) {
    case PORTS:
        return parse_ports(self, value);
    case PROTOCOL:
        return parse_protocol(value, member);
    case DURATION:
        return flowgen_units_duration(value, member);
    case OCTETS:
        return flowgen_units_octets(value, member);
    case SHARE:
        return flowgen_units_share(value, member);
    case NUMBER:
        return parse_number(value, member);
    case YES_NO:
        return parse_yes_no(value, member);
    case HOSTS:
        break;
    }
    return false;
}

static const char *
allowed(Type type)
{
    static const char *const texts[] = {
        [HOSTS] = "addresses and networks",
        [PORTS] = "up to 16 port numbers",
        [PROTOCOL] = "tcp, udp, icmp or a number",
        [DURATION] = "a time like 90s, 1h30m or 2d",
        [OCTETS] = "octets like 350, 20k, 1.5M or 6G",
        [SHARE] = "a share like 0.2 or 20%",
        [NUMBER] = "a number",
        [YES_NO] = "yes or no",
    };

    return texts[type];
}

bool
flowgen_pattern_set(FlowgenPattern *self, const char *name, const char *value,
                    GError **error)
{
    const char *best = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        const Key *key = &keys[i];
        if (!(key->kinds & 1u << self->kind))
            continue;
        suggestion_consider(name, key->name, &best);
        if (!g_str_equal(name, key->name))
            continue;
        self->given |= 1u << i;
        if (key->type == HOSTS)
            return set_hosts((FlowgenHosts **) ((char *) self + key->offset), key,
                             value, error);
        return parse(self, key, value) ||
               refuse(error, G_KEY_FILE_ERROR_INVALID_VALUE, name, "\"%s\" is not %s",
                      value, allowed(key->type));
    }
    return refuse(error, G_KEY_FILE_ERROR_KEY_NOT_FOUND, name,
                  "%s sections have no such key%s%s", kind_names[self->kind],
                  best ? "; is it " : "", best ? best : "");
}

bool
flowgen_pattern_check(const FlowgenPattern *self, GError **error)
{
    const int invalid = G_KEY_FILE_ERROR_INVALID_VALUE;

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        if ((keys[i].needed & 1u << self->kind) && !(self->given & 1u << i))
            return refuse(error, G_KEY_FILE_ERROR_KEY_NOT_FOUND, keys[i].name,
                          "is missing");
    }
    if (flowgen_hosts_is_v4(self->hosts) != flowgen_hosts_is_v4(self->peers))
        return refuse(error, invalid, "peers", "another family than the hosts");
    if (self->kind == FLOWGEN_PATTERN_BEACON && self->period_us < US_PER_SEC / 100)
        return refuse(error, invalid, "period", "at least 0.01s");
    if (self->every_us > 0 && self->every_us < US_PER_SEC)
        return refuse(error, invalid, "every", "at least 1s");
    if (self->chunks < 1 || self->chunks > MAX_CHUNKS)
        return refuse(error, invalid, "chunks", "1 to %d", MAX_CHUNKS);
    if (self->burst < 1 || self->burst > 1000)
        return refuse(error, invalid, "burst", "1 to 1000");
    if (self->noise > 1000)
        return refuse(error, invalid, "noise", "1000 at most");
    if (self->size_sigma > 4 || self->duration_sigma > 4)
        return refuse(error, invalid, "size_sigma, duration_sigma", "4 at most");
    if (self->per_hour > 1e7)
        return refuse(error, invalid, "per_hour", "10000000 at most");
    return true;
}
