/* SPDX-License-Identifier: Apache-2.0 */
#include "analytics-settings.h"

#include <string.h>

#include "settings-table.h"

#define IN(member)        offsetof(AnalyticsSettings, member)
#define SERVICE(member)   offsetof(ServiceSettings, member)
#define RECIPIENT(member) offsetof(RecipientSettings, member)
#define UINT32(member)    SETTINGS_UINT32, IN(member), 0
#define UINT64(member)    SETTINGS_UINT64, IN(member), 0
#define MAX_PERIOD_SEC    86400
#define MAX_HOURS         (24 * 3660)
#define MAX_OCTETS        (UINT64_C(1000000000000000))

static const char *const securities[] = { "starttls", "tls", "none", NULL };

/* Sections that the collector reads from the same files. */
static const char *const foreign[] = {
    "collector", "listen", "exporters", "exporter", "watch",
    "journal",   "store",  "decode",    "tcp",      NULL,
};

static const SettingsSection sections[] = {
    DATABASE_SETTINGS_SECTION(true),
    { "analytics", "The watching daemon itself." },
    { "session", "How flow records become sessions." },
    { "beacon", "When steady calls of a watched host become an alert." },
    { "exfil", "When volumes sent by a watched host become an alert." },
    { "service",
      "Traffic that is there for a reason, such as NTP, DNS, backup, monitoring: it is "
      "listed, never mailed.  Both peer and port must match.",
      sizeof(ServiceSettings), IN(service), IN(n_service) },
    { "smtp", "The mail server that takes our mail." },
    { "mail", "What mail looks like, and how much of it there may be." },
    { "recipient", "Somebody who gets mail.", sizeof(RecipientSettings), IN(recipient),
      IN(n_recipient) },
};

#define PERIOD(job, member)                                                            \
    {                                                                                  \
        "analytics", job "_period_sec", UINT32(member), "0", 0, MAX_PERIOD_SEC, NULL,  \
            "How often the job " job                                                   \
            " runs.  0: its own default, which flowkeep-analytics "                    \
            "--jobs shows."                                                            \
    }

static const SettingsKey keys[] = {
    DATABASE_SETTINGS_KEYS(IN(database)),

    { "analytics", "name", SETTINGS_STRING, IN(name), 0, "", 0, 0, NULL,
      "Name of this installation, in mail.  Empty: the name of the host." },
    { "analytics", "stale_worker_sec", UINT32(stale_worker_sec), "600", 10, 86400, NULL,
      "A collector that said nothing for so long is no longer waited for; what it "
      "brings later is processed then." },
    PERIOD("session", session_period_sec),
    PERIOD("beacon", beacon_period_sec),
    PERIOD("exfil", exfil_period_sec),
    PERIOD("baseline", baseline_period_sec),
    PERIOD("mail", mail_period_sec),

    { "session", "max_open", UINT32(session_max_open), "1000000", 1000, 100000000, NULL,
      "Sessions that may be open at a time, about 300 bytes each.  Beyond it the "
      "oldest "
      "are closed, and counted." },
    { "session", "late_sec", UINT32(session_late_sec), "120", 10, 3600, NULL,
      "How long after its end a session waits for records that come late, from another "
      "router for example." },

    { "beacon", "mail_score", UINT32(beacon_mail_score), "70", 1, 100, NULL,
      "From this score on there is a mail ..." },
    { "beacon", "digest_score", UINT32(beacon_digest_score), "50", 1, 100, NULL,
      "... and from this one on a line in the daily digest." },
    { "beacon", "surrogates", UINT32(beacon_surrogates), "200", 20, 10000, NULL,
      "With how many shuffles of itself a group is compared before anything is mailed; "
      "it must beat all." },
    { "beacon", "max_events", UINT64(beacon_max_events), "100000", 4096, 10000000, NULL,
      "Contacts of one group that are looked at; of more, the newest." },
    { "beacon", "resolve_hours", UINT32(beacon_resolve_hours), "48", 1, MAX_HOURS, NULL,
      "An incident that was not found again for so long is resolved." },

    { "exfil", "mail_score", UINT32(exfil_mail_score), "70", 1, 100, NULL,
      "From this score on there is a mail ..." },
    { "exfil", "digest_score", UINT32(exfil_digest_score), "50", 1, 100, NULL,
      "... and from this one on a line in the daily digest; less is not stored." },
    { "exfil", "new_peer_octets", UINT64(exfil_new_peer_octets), "50M", 1, MAX_OCTETS,
      NULL, "Sent to a peer seen for less than 7 days, in an hour or a day." },
    { "exfil", "any_peer_octets", UINT64(exfil_any_peer_octets), "1G", 1, MAX_OCTETS,
      NULL, "Likewise, to any peer." },
    { "exfil", "drip_octets", UINT64(exfil_drip_octets), "200M", 1, MAX_OCTETS, NULL,
      "Sent to a new peer in 30 days, however slowly." },
    { "exfil", "session_octets", UINT64(exfil_session_octets), "100M", 1, MAX_OCTETS,
      NULL, "Sent in one session, by a host that publishes nothing." },
    { "exfil", "role_flip_octets", UINT64(exfil_role_flip_octets), "20M", 1, MAX_OCTETS,
      NULL, "Sent in 24 hours by a host that used to receive and now sends." },
    { "exfil", "warm_up_days", UINT32(exfil_warm_up_days), "7", 1, 60, NULL,
      "While a host is known for less, only the limits above decide, and the alert "
      "says "
      "so." },
    { "exfil", "resolve_hours", UINT32(exfil_resolve_hours), "48", 1, MAX_HOURS, NULL,
      "An incident that was not found again for so long is resolved." },

    { "service", "peers", SETTINGS_NETWORKS, SERVICE(peers), SERVICE(n_peers), NULL, 1,
      0, NULL, "Networks of the peers." },
    { "service", "port", SETTINGS_UINT32, SERVICE(port), 0, "0", 0, 65535, NULL,
      "Port of the service.  0: any." },
    { "service", "protocol", SETTINGS_UINT32, SERVICE(protocol), 0, "0", 0, 255, NULL,
      "IANA protocol number.  0: any." },

    { "smtp", "server", SETTINGS_STRING, IN(smtp_server), 0, "", 0, 0, NULL,
      "Host name of the mail server.  Empty: mail waits in the outbox." },
    { "smtp", "port", UINT32(smtp_port), "587", 1, 65535, NULL, "Its port." },
    { "smtp", "security", SETTINGS_CHOICE, IN(smtp_security), 0, "starttls", 0, 0,
      securities,
      "Starttls and tls verify the server's certificate; none sends in the clear, for "
      "a "
      "server on this host." },
    { "smtp", "user", SETTINGS_STRING, IN(smtp_user), 0, "", 0, 0, NULL,
      "User to log in as.  Empty: without." },
    { "smtp", "password_file", SETTINGS_PATH, IN(smtp_password_file), 0, "", 0, 0, NULL,
      "File that holds the password and nothing else, readable by its owner only." },
    { "smtp", "ca_file", SETTINGS_PATH, IN(smtp_ca_file), 0, "", 0, 0, NULL,
      "Certificates to trust.  Empty: those of the system." },
    { "smtp", "timeout_sec", UINT32(smtp_timeout_sec), "60", 1, 600, NULL,
      "How long a message may take up to its last byte.  One that took longer is tried "
      "again later.  The answer to the last byte may take ten minutes, whatever this "
      "says: who gives up earlier sends twice." },

    { "mail", "from", SETTINGS_STRING, IN(mail_from), 0, "", 0, 0, NULL,
      "Address that mail comes from.  Empty: flowkeep@ and the name of the host." },
    { "mail", "link", SETTINGS_STRING, IN(mail_link), 0, "", 0, 0, NULL,
      "Where people see an incident, such as "
      "https://grafana.example.net/d/flowkeep-incident?var-alert={alert}, in which "
      "{alert} becomes its number.  Empty: no links in mail." },
    { "mail", "digest_hour", UINT32(mail_digest_hour), "6", 0, 23, NULL,
      "When the daily digest is sent, hour of the day, UTC." },
    { "mail", "cap_per_hour", UINT32(mail_cap_per_hour), "20", 1, 10000, NULL,
      "Mails an hour to one recipient about one kind of incident; what is beyond it is "
      "told as a number in the next one." },
    { "mail", "retry_hours", UINT32(mail_retry_hours), "120", 1, MAX_HOURS, NULL,
      "How long to go on trying to send a message." },

    { "recipient", "address", SETTINGS_STRING, RECIPIENT(address), 0, NULL, 1, 0, NULL,
      "Mail address." },
    { "recipient", "groups", SETTINGS_STRING, RECIPIENT(groups), 0, "", 0, 0, NULL,
      "Names of [watch] groups whose incidents concern this recipient, separated by "
      "semicolons.  Empty: all." },
    { "recipient", "alerts", SETTINGS_BOOL, RECIPIENT(alerts), 0, "true", 0, 0, NULL,
      "Gets a mail for each incident that is worth one." },
    { "recipient", "digest", SETTINGS_BOOL, RECIPIENT(digest), 0, "true", 0, 0, NULL,
      "Gets the daily digest." },
};

static bool
complete(void *settings, const SettingsOrigins *origins, GError **error)
{
    AnalyticsSettings *self = settings;

    if (!self->name[0]) {
        g_free(self->name);
        self->name = g_strdup(g_get_host_name());
    }
    if (!self->mail_from[0]) {
        g_free(self->mail_from);
        self->mail_from = g_strconcat("flowkeep@", g_get_host_name(), NULL);
    }
    if (self->beacon_digest_score > self->beacon_mail_score)
        return settings_table_refuse(origins, error, "beacon", NULL, "digest_score",
                                     "\"%u\" is above mail_score, which is %u",
                                     self->beacon_digest_score,
                                     self->beacon_mail_score);
    if (self->exfil_digest_score > self->exfil_mail_score)
        return settings_table_refuse(origins, error, "exfil", NULL, "digest_score",
                                     "\"%u\" is above mail_score, which is %u",
                                     self->exfil_digest_score, self->exfil_mail_score);
    for (size_t i = 0; i < self->n_recipient; i++) {
        const RecipientSettings *one = &self->recipient[i];

        if (strpbrk(one->address, "\r\n<>, ") || !strchr(one->address, '@'))
            return settings_table_refuse(origins, error, "recipient", one->name,
                                         "address", "\"%s\" is no bare mail address",
                                         one->address);
    }
    if (strpbrk(self->mail_from, "\r\n<>, ") || !strchr(self->mail_from, '@'))
        return settings_table_refuse(origins, error, "mail", NULL, "from",
                                     "\"%s\" is no bare mail address", self->mail_from);
    if (self->smtp_security == SMTP_PLAIN && self->smtp_user[0])
        return settings_table_refuse(origins, error, "smtp", NULL, "security",
                                     "\"none\" would send the password of \"%s\" in "
                                     "the clear: must be starttls or tls",
                                     self->smtp_user);
    return database_settings_check_private(origins, error, "database", NULL,
                                           "password_file",
                                           self->database.password_file) &&
           database_settings_check_private(origins, error, "smtp", NULL,
                                           "password_file", self->smtp_password_file);
}

static const SettingsTable table = {
    .n_bytes = sizeof(AnalyticsSettings),
    .sections = sections,
    .n_sections = G_N_ELEMENTS(sections),
    .keys = keys,
    .n_keys = G_N_ELEMENTS(keys),
    .foreign = foreign,
    .complete = complete,
};

AnalyticsSettings *
analytics_settings_load(const char *path, GError **error)
{
    AnalyticsSettings *self = settings_table_load(&table, path, error);

    if (self)
        self->path = g_strdup(path);
    return self;
}

void
analytics_settings_free(AnalyticsSettings *self)
{
    if (self)
        g_free(self->path);
    settings_table_free(&table, self);
}

char *
analytics_settings_dump(const AnalyticsSettings *self)
{
    return settings_table_dump(&table, self);
}

char *
analytics_settings_man(void)
{
    return settings_table_man(&table);
}
