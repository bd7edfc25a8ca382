/* SPDX-License-Identifier: Apache-2.0 */
#include "flowgen-background.h"

#include "suggestion.h"

/* Who is who. */
typedef enum {
    SERVERS,  /* all that are watched */
    PUBLIC,   /* those that the world visits */
    MAIL,     /* those that send and receive mail */
    CLIENTS,  /* in the house */
    INTERNET, /* everybody else */
    PARTNERS, /* services that the servers call */
    RESOLVERS,
    TIME,
    MIRRORS,
    BACKUP,
    MONITOR,
    N_ROLES
} Role;

static const char *const roles[N_ROLES] = {
    [SERVERS] = "servers",     [PUBLIC] = "public",     [MAIL] = "mail",
    [CLIENTS] = "clients",     [INTERNET] = "internet", [PARTNERS] = "partners",
    [RESOLVERS] = "resolvers", [TIME] = "time",         [MIRRORS] = "mirrors",
    [BACKUP] = "backup",       [MONITOR] = "monitor",
};

/* @per_hour: sessions of each host of role @of; 0 where the keys say when. */
typedef struct {
    FlowgenPatternKind kind;
    const char *name;
    Role hosts;
    Role peers;
    Role of;
    double per_hour;
    const char *keys;
} Part;

static const Part mix[] = {
    { FLOWGEN_PATTERN_VISITS, "visitors", INTERNET, PUBLIC, PUBLIC, 100,
      "burst=3;out_octets=1800;in_octets=22k;size_sigma=1.2;duration=2s;"
      "duration_sigma=1;diurnal=yes" },
    { FLOWGEN_PATTERN_VISITS, "scanners", INTERNET, SERVERS, SERVERS, 4,
      "port=22,23,80,445,3389,8080;answered=10%;out_octets=200;in_octets=120;"
      "duration=0.2s" },
    { FLOWGEN_PATTERN_VISITS, "mail-in", INTERNET, MAIL, MAIL, 40,
      "port=25;out_octets=30k;in_octets=900;size_sigma=1.5;duration=3s;"
      "duration_sigma=0.8;diurnal=yes" },
    { FLOWGEN_PATTERN_VISITS, "mail-out", MAIL, INTERNET, MAIL, 25,
      "port=25;out_octets=20k;in_octets=900;size_sigma=1.5;duration=3s;"
      "duration_sigma=0.8;diurnal=yes;popular=yes" },
    { FLOWGEN_PATTERN_VISITS, "office", CLIENTS, SERVERS, SERVERS, 20,
      "port=443,445,5432,389,993;burst=2;out_octets=2500;in_octets=14k;"
      "size_sigma=1.4;duration=4s;duration_sigma=1.2;diurnal=yes" },
    { FLOWGEN_PATTERN_VISITS, "surfing", CLIENTS, INTERNET, CLIENTS, 0.6,
      "burst=4;out_octets=2200;in_octets=30k;size_sigma=1.4;duration=5s;"
      "duration_sigma=1.2;diurnal=yes;popular=yes" },
    { FLOWGEN_PATTERN_VISITS, "calls", SERVERS, PARTNERS, SERVERS, 4,
      "out_octets=4k;in_octets=9k;size_sigma=1;duration=1s;duration_sigma=0.7;"
      "popular=yes" },
    { FLOWGEN_PATTERN_VISITS, "names", SERVERS, RESOLVERS, SERVERS, 12,
      "protocol=udp;port=53;burst=2;out_octets=72;in_octets=180;size_sigma=0.2;"
      "duration=0.02s;duration_sigma=0.5" },
    { FLOWGEN_PATTERN_BEACON, "time", SERVERS, TIME, SERVERS, 0,
      "protocol=udp;port=123;period=1024s;jitter=1%;two_sided=yes;sticky=yes;"
      "out_octets=76;in_octets=76;duration=0.03s" },
    { FLOWGEN_PATTERN_BEACON, "polls", MONITOR, SERVERS, SERVERS, 0,
      "protocol=udp;port=161;out_octets=220;in_octets=480;duration=0.02s" },
    { FLOWGEN_PATTERN_SESSION, "updates", SERVERS, MIRRORS, SERVERS, 0,
      "port=80;at=4h;at_jitter=1h;every=1d;in_octets=12M;size_sigma=1;duration=40s;"
      "duration_sigma=0.5;sticky=yes" },
    { FLOWGEN_PATTERN_UPLOAD, "backup", SERVERS, BACKUP, SERVERS, 0,
      "port=873;at=1h;at_jitter=2h;every=1d;octets=900M;size_sigma=0.3;duration=15m;"
      "duration_sigma=0.3;sticky=yes" },
};

/* Each poll of the monitor is one of the servers in turn. */
#define POLL_PERIOD_SEC 300

static bool
find_role(const char *name, Role *role, GError **error)
{
    const char *best = NULL;

    for (int i = 0; i < N_ROLES; i++) {
        suggestion_consider(name, roles[i], &best);
        if (g_str_equal(name, roles[i])) {
            *role = i;
            return true;
        }
    }
    g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_KEY_NOT_FOUND,
                "%s: background sections have no such key%s%s", name,
                best ? "; is it " : "", best ? best : "");
    return false;
}

static bool
read_roles(GKeyFile *file, const char *group, FlowgenHosts *of[N_ROLES],
           double *intensity, GError **error)
{
    g_auto(GStrv) keys = g_key_file_get_keys(file, group, NULL, error);

    for (char **key = keys; key && *key; key++) {
        Role role;
        if (g_str_equal(*key, "intensity")) {
            GError *local = NULL;
            *intensity = g_key_file_get_double(file, group, *key, &local);
            if (local || !(*intensity >= 0 && *intensity <= 1000)) {
                g_clear_error(&local);
                g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
                            "intensity: not a number from 0 to 1000");
                return false;
            }
            continue;
        }
        if (!find_role(*key, &role, error))
            return false;
        g_autofree char *value = g_key_file_get_string(file, group, *key, error);
        of[role] = value ? flowgen_hosts_parse(value, error) : NULL;
        if (!of[role]) {
            g_prefix_error(error, "%s: ", *key);
            return false;
        }
    }
    return keys != NULL;
}

/* The table above is right: what it says is never refused. */
static void
set(FlowgenPattern *pattern, const char *key, const char *value)
{
    g_autoptr(GError) error = NULL;

    if (!flowgen_pattern_set(pattern, key, value, &error))
        g_error("background %s: %s", pattern->name, error->message);
}

static void
set_number(FlowgenPattern *pattern, const char *key, double number)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    set(pattern, key, g_ascii_dtostr(text, sizeof(text), number));
}

static FlowgenPattern *
make_pattern(const Part *part, const char *name, FlowgenHosts *of[N_ROLES],
             double intensity)
{
    FlowgenPattern *pattern = flowgen_pattern_new(part->kind, name);
    g_auto(GStrv) pairs = g_strsplit(part->keys, ";", -1);
    const uint32_t n_of = flowgen_hosts_count(of[part->of]);

    set(pattern, "before", "yes");
    for (char **pair = pairs; *pair; pair++) {
        g_auto(GStrv) words = g_strsplit(*pair, "=", 2);
        set(pattern, words[0], words[1]);
    }
    if (part->per_hour > 0)
        set_number(pattern, "per_hour", MIN(part->per_hour * n_of * intensity, 1e7));
    else if (part->hosts == MONITOR)
        set_number(pattern, "period", MAX((double) POLL_PERIOD_SEC / n_of, 0.01));
    /* As if the two keys had been given. */
    pattern->hosts = flowgen_hosts_ref(of[part->hosts]);
    pattern->peers = flowgen_hosts_ref(of[part->peers]);
    return pattern;
}

bool
flowgen_background_add(GKeyFile *file, const char *group, GPtrArray *patterns,
                       GError **error)
{
    FlowgenHosts *of[N_ROLES] = { NULL };
    double intensity = 1;
    bool ok = read_roles(file, group, of, &intensity, error);

    for (size_t i = 0; ok && i < G_N_ELEMENTS(mix); i++) {
        const Part *part = &mix[i];
        if (!of[part->hosts] || !of[part->peers])
            continue;
        if (flowgen_hosts_is_v4(of[part->hosts]) !=
            flowgen_hosts_is_v4(of[part->peers])) {
            g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
                        "%s: another family than %s", roles[part->peers],
                        roles[part->hosts]);
            ok = false;
            break;
        }
        g_autofree char *name = g_strdup_printf("%s %s", group, part->name);
        g_ptr_array_add(patterns, make_pattern(part, name, of, intensity));
    }
    for (int i = 0; i < N_ROLES; i++)
        flowgen_hosts_unref(of[i]);
    return ok;
}
