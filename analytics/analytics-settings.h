/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* AnalyticsSettings: everything an operator may turn about the watching and the mail.
 *
 * analytics-settings.c holds one table of keys, of the same files that the collector
 * reads. Read at start and again at SIGHUP, never written; immutable, any thread may
 * read it. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "database-settings.h"
#include "mail/smtp.h"
#include "network.h"

/* Traffic that is there for a reason: NTP, DNS, backup, monitoring. */
typedef struct {
    char *name; /* [service NAME] */
    Network *peers;
    size_t n_peers;
    uint32_t port;     /* 0 = any */
    uint32_t protocol; /* 0 = any */
} ServiceSettings;

/* Who gets which mail. */
typedef struct {
    char *name; /* [recipient NAME] */
    char *address;
    char *groups; /* watch groups, separated by ";"; "" = all */
    bool alerts;  /* gets a mail for each incident of severity mail */
    bool digest;  /* gets the daily digest */
} RecipientSettings;

typedef struct {
    char *path; /* the file these were read from */

    DatabaseSettings database;

    /* [analytics] */
    char *name; /* of this instance, in job_run and mail; "" = host name */
    uint32_t stale_worker_sec;
    uint32_t session_period_sec; /* 0 = the job's own default, likewise below */
    uint32_t beacon_period_sec;
    uint32_t exfil_period_sec;
    uint32_t baseline_period_sec;
    uint32_t mail_period_sec;

    /* [session] */
    uint32_t session_max_open;
    uint32_t session_late_sec;

    /* [beacon] */
    uint32_t beacon_mail_score;
    uint32_t beacon_digest_score;
    uint32_t beacon_surrogates;
    uint64_t beacon_max_events;    /* of one group */
    uint32_t beacon_resolve_hours; /* not found for so long: resolved */

    /* [exfil] */
    uint32_t exfil_mail_score;
    uint32_t exfil_digest_score;
    uint64_t exfil_new_peer_octets;  /* burst to a new peer */
    uint64_t exfil_any_peer_octets;  /* burst to any */
    uint64_t exfil_drip_octets;      /* in 30 days to a new peer */
    uint64_t exfil_session_octets;   /* one session */
    uint64_t exfil_role_flip_octets; /* in 24 h */
    uint32_t exfil_warm_up_days;
    uint32_t exfil_resolve_hours;

    /* [smtp] */
    char *smtp_server; /* "" = no mail is sent */
    uint32_t smtp_port;
    uint32_t smtp_security; /* a SmtpSecurity */
    char *smtp_user;        /* "" = no AUTH */
    char *smtp_password_file;
    char *smtp_ca_file; /* "" = the system's */
    uint32_t smtp_timeout_sec;

    /* [mail] */
    char *mail_from;
    char *mail_link;            /* URL of the dashboards; "" = none */
    uint32_t mail_digest_hour;  /* UTC */
    uint32_t mail_cap_per_hour; /* per recipient and kind */
    uint32_t mail_retry_hours;  /* give up after this */

    ServiceSettings *service;
    size_t n_service;
    RecipientSettings *recipient;
    size_t n_recipient;
} AnalyticsSettings;

/* As settings_load() of the collector: files, errors, ownership. */
AnalyticsSettings *analytics_settings_load(const char *path, GError **error);
void analytics_settings_free(AnalyticsSettings *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AnalyticsSettings, analytics_settings_free)

/* All keys as a key file (transfer full); the secrets stand in files of their own. */
char *analytics_settings_dump(const AnalyticsSettings *self);

/* The table of keys in mdoc, for the manual page (transfer full). */
char *analytics_settings_man(void);
