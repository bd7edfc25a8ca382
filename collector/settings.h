/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Settings: everything an operator may turn about the collector and the database.
 *
 * settings.c holds one table of keys; from it come the parser, the defaults, the
 * range checks, the refusal of unknown keys, `flowkeep dump-config` and the manual
 * page.  Read at start and again at SIGHUP, never written; a Settings is immutable
 * and may be read by any thread. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "database-settings.h"
#include "network.h"

typedef enum { TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_TLS } Transport;
typedef enum { EXTRA_WATCHED, EXTRA_ALL, EXTRA_NONE } StoreExtra;

typedef struct {
    char *name; /* of the section: [listen NAME] */
    Transport transport;
    char *address;
    uint32_t port;
    uint32_t receive_buffer_bytes;
    bool trust_exporter_address;
    char *tls_certificate; /* these five: "" unless transport = tls */
    char *tls_key;
    char *tls_client_ca;
    char *tls_client_crl; /* "" = none */
    char *tls_allowed_names;
} ListenSettings;

typedef struct {
    char *name; /* [watch NAME] */
    char *description;
    Network *networks;
    size_t n_networks;
} WatchSettings;

typedef struct {
    char *name; /* [exporter NAME]: shown instead of the address */
    char *address;
    IpAddress parsed;
    uint32_t sampling; /* 0 = believe the exporter */
    bool pin_templates;
} ExporterSettings;

typedef struct {
    /* [collector] */
    char *name; /* of this collector; unique in the database */
    uint32_t workers;

    ListenSettings *listen; /* in file order; default udp 2055, udp and tcp 4739 */
    size_t n_listen;

    /* [exporters] */
    Network *allow; /* n_allow 0 = everybody */
    size_t n_allow;
    ExporterSettings *exporter;
    size_t n_exporter;

    WatchSettings *watch;
    size_t n_watch;

    /* [journal] */
    char *journal_directory; /* each worker has a folder in it */
    uint64_t journal_segment_bytes;
    uint64_t journal_max_bytes; /* all workers together */
    uint32_t journal_sync_ms;
    uint32_t journal_keep_hours;

    DatabaseSettings database;

    /* [store] */
    uint32_t batch_rows;
    uint32_t batch_ms;
    StoreExtra extra;
    bool seal_hosts; /* seal_index = hosts|none */
    uint32_t partition_minutes;
    uint32_t retention_days;        /* of flow; 0 = keep */
    uint32_t rollup_retention_days; /* of traffic_1m, talker_5m, loss; 0 = keep */
    uint32_t talkers;               /* K heaviest of each kind kept */

    /* [decode] */
    uint32_t max_exporters;
    uint32_t max_templates; /* per exporter */
    uint32_t max_fields;    /* per template */
    uint64_t max_template_bytes;
    uint32_t max_options; /* per exporter and kind */
    uint32_t max_waiting;
    uint32_t max_waiting_per_exporter;
    uint32_t template_lifetime_sec;
    uint32_t wait_sec;
    uint32_t template_hold_sec;   /* 0 = never */
    uint32_t quarantine_messages; /* 0 = never */
    uint32_t quarantine_sec;
    uint32_t max_sampling;
    uint32_t max_future_sec;
    uint32_t max_past_days;

    /* [tcp] */
    uint32_t tcp_max_connections;
    uint32_t tcp_max_connections_per_address;
    uint32_t tcp_message_timeout_sec;
    uint32_t tcp_idle_timeout_sec;
    uint32_t tls_handshake_timeout_sec;
    uint32_t tls_max_handshakes; /* at a time */
    uint32_t tls_handshakes_per_sec;
    uint32_t tls_handshakes_per_sec_and_address;
} Settings;

#define SETTINGS_DEFAULT_PATH "/etc/flowkeep/flowkeep.conf"

/* Reads @path, then the *.conf files of conf.d beside it in alphabetical order; a later
 * file wins.  Sections that belong to the other programs are accepted as they are.
 * Errors: G_FILE_ERROR, G_KEY_FILE_ERROR; the message names file, section, key,
 * value and what is allowed. */
Settings *settings_load(const char *path, GError **error);
void settings_free(Settings *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Settings, settings_free)

/* All keys as a key file that settings_load() would read back to the same
 * (transfer full).  Passwords inside a conninfo are replaced by stars. */
char *settings_dump(const Settings *self);

/* The table of keys as mdoc list items, for the manual page (transfer full). */
char *settings_man(void);
