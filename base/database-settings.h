/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* DatabaseSettings: the section [database], which every program reads. */

#include "settings-table.h"

typedef struct {
    char *conninfo;       /* libpq connection string or URI; no password in it */
    char *admin_conninfo; /* for `flowkeep migrate`; "" = conninfo */
    char *password_file;  /* "" = none; in the format of pgpass */
    uint32_t connect_timeout_sec;
} DatabaseSettings;

/* The collector's table dumps and describes it; in the others it is shared. */
#define DATABASE_SETTINGS_SECTION(shared)                                              \
    {                                                                                  \
        .name = "database", .help = "Where flows are stored.", .is_shared = (shared)   \
    }

/* The rows of the table of keys; @at is the offset of the struct in the settings. */
#define DATABASE_SETTINGS_KEYS(at)                                                     \
    { "database",                                                                      \
      "conninfo",                                                                      \
      SETTINGS_CONNINFO,                                                               \
      (at) + offsetof(DatabaseSettings, conninfo),                                     \
      0,                                                                               \
      "dbname=flowkeep",                                                               \
      0,                                                                               \
      0,                                                                               \
      NULL,                                                                            \
      "Connection string or URI of libpq.  No password: that belongs into "            \
      "password_file, a pgpass file or a service." },                                  \
        { "database",                                                                  \
          "admin_conninfo",                                                            \
          SETTINGS_CONNINFO,                                                           \
          (at) + offsetof(DatabaseSettings, admin_conninfo),                           \
          0,                                                                           \
          "",                                                                          \
          0,                                                                           \
          0,                                                                           \
          NULL,                                                                        \
          "Likewise, for flowkeep migrate.  Empty: as conninfo." },                    \
        { "database",                                                                  \
          "password_file",                                                             \
          SETTINGS_PATH,                                                               \
          (at) + offsetof(DatabaseSettings, password_file),                            \
          0,                                                                           \
          "",                                                                          \
          0,                                                                           \
          0,                                                                           \
          NULL,                                                                        \
          "File with the password, in the format of pgpass, readable by its owner "    \
          "only." },                                                                   \
    {                                                                                  \
        "database", "connect_timeout_sec", SETTINGS_UINT32,                            \
            (at) + offsetof(DatabaseSettings, connect_timeout_sec), 0, "10", 2, 600,   \
            NULL, "Give up connecting after this time, and try again."                 \
    }

/* For `complete`: false, with @error, when others than its owner may read the file of
 * a secret.  @name: that of the section, NULL in a plain one.  A file that is not there
 * is no error here: who needs it will say so. */
bool database_settings_check_private(const SettingsOrigins *origins, GError **error,
                                     const char *section, const char *name,
                                     const char *key, const char *path);
