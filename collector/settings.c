/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include "certificate-names.h"
#include "settings-table.h"

#define IN(member)       offsetof(Settings, member)
#define LISTEN(member)   offsetof(ListenSettings, member)
#define WATCH(member)    offsetof(WatchSettings, member)
#define EXPORTER(member) offsetof(ExporterSettings, member)
#define UINT32(member)   SETTINGS_UINT32, IN(member), 0
#define UINT64(member)   SETTINGS_UINT64, IN(member), 0
#define KIB              (UINT64_C(1) << 10)
#define MIB              (UINT64_C(1) << 20)
#define GIB              (UINT64_C(1) << 30)
#define MAX_DAYS         36500
#define MAX_RATE         INT32_MAX /* what the column flow.sampling holds */
#define MINUTES_PER_DAY  1440
#define IPFIX_TLS_PORT   4740

static const char *const transports[] = { "udp", "tcp", "tls", NULL };
static const char *const extras[] = { "watched", "all", "none", NULL };
static const char *const seal_indexes[] = { "none", "hosts", NULL };

/* Sections that the other programs read from the same files.  The one list. */
static const char *const foreign[] = {
    "alert", "analytics", "baseline", "beacon",  "blindspot", "device",
    "exfil", "intel",     "mail",     "mute",    "persist",   "recipient",
    "recon", "report",    "service",  "session", "smtp",      NULL,
};

static const SettingsSection sections[] = {
    { "collector", "The collector itself." },
    { "listen",
      "A socket that receives.  Any number of these; NetFlow v5, v9 and IPFIX are told "
      "apart by their version, so any UDP port takes any of them.  Without one: UDP "
      "2055, UDP 4739 and TCP 4739, for both families.",
      sizeof(ListenSettings), IN(listen), IN(n_listen) },
    { "exporters", "Who may send." },
    { "exporter", "What is known about a device whose address is given.",
      sizeof(ExporterSettings), IN(exporter), IN(n_exporter) },
    { "watch",
      "A group of networks to watch, such as the servers of a site.  Flows to and from "
      "them are marked in the column watched.",
      sizeof(WatchSettings), IN(watch), IN(n_watch) },
    { "journal", "Datagrams on local disk, until they are stored." },
    DATABASE_SETTINGS_SECTION(false),
    { "store", "How they are stored, and for how long." },
    { "decode", "Limits on what exporters can make the collector remember." },
    { "tcp", "Limits on connections of exporters." },
};

static const SettingsKey keys[] = {
    { "collector", "name", SETTINGS_STRING, IN(name), 0, "", 0, 0, NULL,
      "Name of this collector in the database, where each needs its own.  Empty: the "
      "name of the host." },
    { "collector", "workers", UINT32(workers), "1", 1, 64, NULL,
      "Journals, decoders and database connections to run side by side.  An exporter "
      "always stays with one of them." },

    { "listen", "transport", SETTINGS_CHOICE, LISTEN(transport), 0, "udp", 0, 0,
      transports, "Tcp and tls take IPFIX only." },
    { "listen", "address", SETTINGS_ADDRESS, LISTEN(address), 0, "::", 0, 0, NULL,
      "Local address; :: takes IPv6 and IPv4." },
    { "listen", "port", SETTINGS_UINT32, LISTEN(port), 0, NULL, 1, 65535, NULL,
      "Local port.  Only with transport = tls it need not be given: then it is 4740." },
    { "listen", "receive_buffer_bytes", SETTINGS_UINT32, LISTEN(receive_buffer_bytes),
      0, "64M", 64 * KIB, GIB, NULL,
      "Buffer to ask the kernel for; it grants at most sysctl net.core.rmem_max." },
    { "listen", "trust_exporter_address", SETTINGS_BOOL, LISTEN(trust_exporter_address),
      0, "false", 0, 0, NULL,
      "Believe elements 130 and 131 about which device a flow is from; for exporters "
      "behind address translation or a load balancer.  Anybody who may send here can "
      "then speak for any device." },
    { "listen", "tls_certificate", SETTINGS_PATH, LISTEN(tls_certificate), 0, "", 0, 0,
      NULL,
      "With transport = tls, and likewise those below: file with the certificate of "
      "the "
      "collector in PEM, and behind it those up to its CA.  Read again by a reload, "
      "for "
      "sessions that begin then, like the other files." },
    { "listen", "tls_key", SETTINGS_PATH, LISTEN(tls_key), 0, "", 0, 0, NULL,
      "File with its key, in PEM, readable by its owner only." },
    { "listen", "tls_client_ca", SETTINGS_PATH, LISTEN(tls_client_ca), 0, "", 0, 0,
      NULL,
      "File with the certificates of the CAs that sign those of exporters.  An "
      "exporter "
      "without such a certificate is refused." },
    { "listen", "tls_client_crl", SETTINGS_PATH, LISTEN(tls_client_crl), 0, "", 0, 0,
      NULL,
      "File with the revocation lists of these CAs.  Once a list is past its next "
      "update, nobody is let in.  Empty: nothing is revoked." },
    { "listen", "tls_allowed_names", SETTINGS_STRING, LISTEN(tls_allowed_names), 0, "",
      0, 0, NULL,
      "Who may send, separated by commas, by a name in the certificate: a DNS name or "
      "an "
      "address among its subjectAltNames; *.DOMAIN for any one label before a domain; "
      "cn:NAME for the common name of its subject." },

    { "exporters", "allow", SETTINGS_NETWORKS, IN(allow), IN(n_allow), "", 0, 0, NULL,
      "Networks that exporters may send from.  Others are refused and counted.  Empty: "
      "everybody may." },

    { "exporter", "address", SETTINGS_ADDRESS, EXPORTER(address), 0, NULL, 0, 0, NULL,
      "Its address, as its datagrams arrive." },
    { "exporter", "sampling", SETTINGS_UINT32, EXPORTER(sampling), 0, "0", 0, MAX_RATE,
      NULL,
      "It samples one in this many packets, whatever it says itself.  0: believe what "
      "it says." },
    { "exporter", "pin_templates", SETTINGS_BOOL, EXPORTER(pin_templates), 0, "false",
      0, 0, NULL,
      "Templates it announces over UDP stay what they are: another definition of an id "
      "that is known is refused and counted, as whoever can forge its address could "
      "send one.  To take a new definition set this to false and reload until it has "
      "come." },

    { "watch", "networks", SETTINGS_NETWORKS, WATCH(networks), WATCH(n_networks), NULL,
      1, 0, NULL, "Its networks." },
    { "watch", "description", SETTINGS_STRING, WATCH(description), 0, "", 0, 0, NULL,
      "For people." },

    { "journal", "directory", SETTINGS_PATH, IN(journal_directory), 0,
      "/var/lib/flowkeep/journal", 1, 0, NULL, "Each worker has a folder in it." },
    { "journal", "segment_bytes", UINT64(journal_segment_bytes), "16M", MIB, GIB, NULL,
      "Size of one file." },
    { "journal", "max_bytes", UINT64(journal_max_bytes), "10G", 2 * MIB,
      16 * 1024 * GIB, NULL,
      "Size of all files of all workers together.  When it is reached, new datagrams "
      "are refused and counted." },
    { "journal", "sync_ms", UINT32(journal_sync_ms), "100", 1, 60000, NULL,
      "A power cut loses at most what arrived in this time." },
    { "journal", "keep_hours", UINT32(journal_keep_hours), "0", 0, MAX_DAYS * 24, NULL,
      "How long to keep files whose datagrams are stored." },

    DATABASE_SETTINGS_KEYS(IN(database)),

    { "store", "batch_rows", UINT32(batch_rows), "50000", 1, 10000000, NULL,
      "A transaction ends when it has this many rows ..." },
    { "store", "batch_ms", UINT32(batch_ms), "1000", 10, 60000, NULL,
      "... or is this old." },
    { "store", "extra", SETTINGS_CHOICE, IN(extra), 0, "watched", 0, 0, extras,
      "Which flows get all of the column extra, with what few routers report." },
    { "store", "seal_index", SETTINGS_BOOL, IN(seal_hosts), 0, "hosts", 0, 0,
      seal_indexes,
      "Indexes that closed partitions get besides the one on time: hosts adds one on "
      "src and one on dst." },
    { "store", "partition_minutes", UINT32(partition_minutes), "60", 1, MINUTES_PER_DAY,
      NULL, "Length of a partition of flow; a day must be a multiple of it." },
    { "store", "retention_days", UINT32(retention_days), "90", 0, MAX_DAYS, NULL,
      "How long to keep flows.  0: for ever." },
    { "store", "rollup_retention_days", UINT32(rollup_retention_days), "730", 0,
      MAX_DAYS, NULL,
      "How long to keep traffic_1m, talker_5m and loss.  0: for ever." },
    { "store", "talkers", UINT32(talkers), "500", 10, 10000, NULL,
      "How many of the heaviest of each kind talker_5m keeps." },

    { "decode", "max_exporters", UINT32(max_exporters), "100000", 1, 10000000, NULL,
      "Devices and observation domains per worker.  The sender of a UDP packet can "
      "claim any address." },
    { "decode", "max_templates", UINT32(max_templates), "1024", 1, 65280, NULL,
      "Templates per exporter." },
    { "decode", "max_fields", UINT32(max_fields), "1024", 1, 16384, NULL,
      "Fields per template." },
    { "decode", "max_template_bytes", UINT64(max_template_bytes), "64M", MIB, 64 * GIB,
      NULL, "Memory for all templates of a worker." },
    { "decode", "max_options", UINT32(max_options), "20000", 1, 1000000, NULL,
      "Rows of options per exporter and kind: interfaces, applications, samplers, "
      "VRFs." },
    { "decode", "max_waiting", UINT32(max_waiting), "10000", 0, 1000000, NULL,
      "Data sets of a worker that may wait for their template." },
    { "decode", "max_waiting_per_exporter", UINT32(max_waiting_per_exporter), "1000", 0,
      1000000, NULL, "Likewise, of one exporter." },
    { "decode", "template_lifetime_sec", UINT32(template_lifetime_sec), "86400", 0,
      30 * 86400, NULL,
      "A template that came over UDP and was not repeated for this time is forgotten.  "
      "A day, since some routers repeat them every half hour and others after so many "
      "packets, however long these take; a device that changes its templates announces "
      "them anew anyway.  0: never." },
    { "decode", "wait_sec", UINT32(wait_sec), "1800", 0, 86400, NULL,
      "How long a data set waits for its template: the longest usual time between two "
      "announcements." },
    { "decode", "template_hold_sec", UINT32(template_hold_sec), "300", 0, 86400, NULL,
      "When a template over UDP has gone back to an earlier definition four times, "
      "each "
      "within an hour of the last, the elder definition is held for this time and "
      "others "
      "are refused and counted.  0: each definition takes the place of the last." },
    { "decode", "quarantine_messages", UINT32(quarantine_messages), "100", 0, 1000000,
      NULL,
      "After so many malformed messages in a row from one address and port, and none "
      "well-formed from that address for ten seconds, its datagrams are refused and "
      "counted for a while, but for one in 16, since a well-formed one ends it.  0: "
      "never." },
    { "decode", "quarantine_sec", UINT32(quarantine_sec), "60", 1, 3600, NULL,
      "How long that is at first; each time in a row it is twice as long, up to an "
      "hour." },
    { "decode", "max_sampling", UINT32(max_sampling), "1000000", 1, MAX_RATE, NULL,
      "A larger sampling rate is not believed: the flow is stored as it came, with a "
      "mark." },
    { "decode", "max_future_sec", UINT32(max_future_sec), "3600", 0, MAX_DAYS * 86400u,
      NULL,
      "A flow that ends later than this after it was received gets the time of receipt "
      "instead, and a mark." },
    { "decode", "max_past_days", UINT32(max_past_days), "60", 1, MAX_DAYS, NULL,
      "Likewise one that started earlier.  More than the 49.7 days after which uptime "
      "clocks wrap, for there are flows that long." },

    { "tcp", "max_connections", UINT32(tcp_max_connections), "1000", 1, 65535, NULL,
      "Connections per worker." },
    { "tcp", "max_connections_per_address", UINT32(tcp_max_connections_per_address),
      "16", 1, 65535, NULL, "Likewise, from one address." },
    { "tcp", "message_timeout_sec", UINT32(tcp_message_timeout_sec), "30", 1, 3600,
      NULL, "A message must arrive within this time once it began." },
    { "tcp", "idle_timeout_sec", UINT32(tcp_idle_timeout_sec), "600", 0, 86400, NULL,
      "A connection without a message for this time is closed.  0: never." },
    { "tcp", "tls_handshake_timeout_sec", UINT32(tls_handshake_timeout_sec), "5", 1, 60,
      NULL, "A TLS session must have begun within this time." },
    { "tcp", "tls_max_handshakes", UINT32(tls_max_handshakes), "256", 1, 65535, NULL,
      "TLS handshakes at a time, per worker." },
    { "tcp", "tls_handshakes_per_sec", UINT32(tls_handshakes_per_sec), "100", 1, 100000,
      NULL, "TLS handshakes per second and worker; more are refused." },
    { "tcp", "tls_handshakes_per_sec_and_address",
      UINT32(tls_handshakes_per_sec_and_address), "10", 1, 100000, NULL,
      "Likewise, from one address." },
};

static void fill(void *settings);
static bool complete(void *settings, const SettingsOrigins *origins, GError **error);

static const SettingsTable table = {
    .n_bytes = sizeof(Settings),
    .sections = sections,
    .n_sections = G_N_ELEMENTS(sections),
    .keys = keys,
    .n_keys = G_N_ELEMENTS(keys),
    .foreign = foreign,
    .fill = fill,
    .complete = complete,
};

static void
add_default_listeners(Settings *self)
{
    static const struct {
        const char *name;
        Transport transport;
        uint32_t port;
    } defaults[] = {
        { "netflow", TRANSPORT_UDP, 2055 },
        { "ipfix", TRANSPORT_UDP, 4739 },
        { "ipfix-tcp", TRANSPORT_TCP, 4739 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(defaults); i++) {
        ListenSettings *listen =
            settings_table_item(&table, self, "listen", defaults[i].name);

        listen->transport = defaults[i].transport;
        listen->port = defaults[i].port;
    }
}

/* One spelling, as the database and the messages have it. */
static IpAddress
respell(char **address)
{
    char text[IP_ADDRESS_TEXT_BYTES];
    IpAddress parsed = { 0 };

    ip_address_parse(*address, &parsed);
    ip_address_format(&parsed, text);
    g_free(*address);
    *address = g_strdup(text);
    return parsed;
}

static void
fill(void *settings)
{
    Settings *self = settings;

    for (size_t i = 0; i < self->n_listen; i++) {
        ListenSettings *one = &self->listen[i];

        if (one->transport == TRANSPORT_TLS && one->port == 0)
            one->port = IPFIX_TLS_PORT;
    }
}

/* All that TLS needs is there; nothing of it where there is no TLS, lest somebody
 * believe that there were. */
static bool
check_tls(const ListenSettings *one, const SettingsOrigins *origins, GError **error)
{
    const struct {
        const char *key;
        const char *value;
        bool is_needed;
    } keys_of_tls[] = {
        { "tls_certificate", one->tls_certificate, true },
        { "tls_key", one->tls_key, true },
        { "tls_client_ca", one->tls_client_ca, true },
        { "tls_client_crl", one->tls_client_crl, false },
        { "tls_allowed_names", one->tls_allowed_names, true },
    };
    const bool is_tls = one->transport == TRANSPORT_TLS;
    g_autoptr(GError) why = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(keys_of_tls); i++) {
        const bool given = keys_of_tls[i].value[0] != '\0';

        if (given && !is_tls)
            return settings_table_refuse(origins, error, "listen", one->name,
                                         keys_of_tls[i].key,
                                         "only with transport = tls");
        if (!given && is_tls && keys_of_tls[i].is_needed)
            return settings_table_refuse(origins, error, "listen", one->name,
                                         keys_of_tls[i].key,
                                         "missing: transport = tls needs it");
    }
    if (!is_tls)
        return true;

    g_autoptr(CertificateNames) names =
        certificate_names_parse(one->tls_allowed_names, &why);
    if (!names)
        return settings_table_refuse(origins, error, "listen", one->name,
                                     "tls_allowed_names", "%s", why->message);
    return database_settings_check_private(origins, error, "listen", one->name,
                                           "tls_key", one->tls_key);
}

/* TLS and TCP share the ports. */
static bool
same_socket(const ListenSettings *a, const ListenSettings *b)
{
    return (a->transport == TRANSPORT_UDP) == (b->transport == TRANSPORT_UDP) &&
           a->port == b->port && g_str_equal(a->address, b->address);
}

static bool
check_listen(const Settings *self, const SettingsOrigins *origins, GError **error)
{
    for (size_t i = 0; i < self->n_listen; i++) {
        ListenSettings *one = &self->listen[i];

        respell(&one->address);
        if (!check_tls(one, origins, error))
            return false;
        for (size_t j = 0; j < i; j++) {
            const ListenSettings *other = &self->listen[j];

            if (same_socket(other, one))
                return settings_table_refuse(
                    origins, error, "listen", one->name, "port",
                    "\"%u\" at this address is already that of [listen %s]", one->port,
                    other->name);
        }
    }
    return true;
}

static bool
check_exporters(const Settings *self, const SettingsOrigins *origins, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (size_t i = 0; i < self->n_exporter; i++) {
        ExporterSettings *exporter = &self->exporter[i];
        const char *other;

        exporter->parsed = respell(&exporter->address);
        other = g_hash_table_lookup(seen, exporter->address);
        if (other)
            return settings_table_refuse(origins, error, "exporter", exporter->name,
                                         "address",
                                         "\"%s\" is already that of [exporter %s]",
                                         exporter->address, other);
        if (exporter->sampling > self->max_sampling)
            return settings_table_refuse(
                origins, error, "exporter", exporter->name, "sampling",
                "\"%u\" is above [decode] max_sampling, which is "
                "%u",
                exporter->sampling, self->max_sampling);
        g_hash_table_insert(seen, exporter->address, exporter->name);
    }
    return true;
}

static bool
check_watch(const Settings *self, const SettingsOrigins *origins, GError **error)
{
    g_autoptr(GHashTable) seen =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (size_t i = 0; i < self->n_watch; i++) {
        const WatchSettings *watch = &self->watch[i];

        for (size_t j = 0; j < watch->n_networks; j++) {
            g_autofree char *network = network_format(&watch->networks[j]);
            const char *other = g_hash_table_lookup(seen, network);

            if (other)
                return settings_table_refuse(origins, error, "watch", watch->name,
                                             "networks",
                                             "\"%s\" stands already in [watch %s]",
                                             network, other);
            g_hash_table_insert(seen, g_steal_pointer(&network), watch->name);
        }
    }
    return true;
}

static bool
complete(void *settings, const SettingsOrigins *origins, GError **error)
{
    Settings *self = settings;

    if (!self->name[0]) {
        g_free(self->name);
        self->name = g_strdup(g_get_host_name());
    }
    if (self->n_listen == 0)
        add_default_listeners(self);

    if (MINUTES_PER_DAY % self->partition_minutes != 0)
        return settings_table_refuse(origins, error, "store", NULL, "partition_minutes",
                                     "\"%u\" is not allowed: a day (1440) must be a "
                                     "multiple of it",
                                     self->partition_minutes);
    if (self->journal_max_bytes / self->workers < 2 * self->journal_segment_bytes)
        return settings_table_refuse(origins, error, "journal", NULL, "max_bytes",
                                     "too little for two files of segment_bytes for "
                                     "each of %u workers",
                                     self->workers);

    return check_listen(self, origins, error) &&
           check_exporters(self, origins, error) && check_watch(self, origins, error) &&
           database_settings_check_private(origins, error, "database", NULL,
                                           "password_file",
                                           self->database.password_file);
}

Settings *
settings_load(const char *path, GError **error)
{
    return settings_table_load(&table, path, error);
}

void
settings_free(Settings *self)
{
    settings_table_free(&table, self);
}

char *
settings_dump(const Settings *self)
{
    return settings_table_dump(&table, self);
}

char *
settings_man(void)
{
    return settings_table_man(&table);
}
