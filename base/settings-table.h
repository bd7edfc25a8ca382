/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SettingsTable: the table of keys of one program, and what follows from it:
 * reading configuration files, defaults, refusal of what is unknown, wrong or
 * missing, the dump and the manual page.
 *
 * A section is plain, [journal], and its keys are members of the settings struct;
 * or it is named, [listen NAME], may stand any number of times, and each is an item
 * of an array in that struct.  An item begins with its name (char *). */

#include "settings-value.h"

typedef struct {
    const char *name;  /* the first word in the brackets */
    const char *help;  /* sentences for the manual page */
    size_t item_bytes; /* 0 = a plain section */
    size_t items;      /* offset in the settings of the array (a pointer) */
    size_t n_items;    /* and of its length (size_t) */
    bool is_shared;    /* stands in another program's table too, which dumps and
                        * describes it */
} SettingsSection;

/* Which file gave a key its value; for messages. */
typedef struct SettingsOrigins SettingsOrigins;

typedef struct {
    size_t n_bytes;                  /* of the settings struct */
    const SettingsSection *sections; /* in the order of dump and manual page */
    size_t n_sections;
    const SettingsKey *keys; /* likewise */
    size_t n_keys;
    const char *const *foreign; /* first words of other programs' sections;
                                 * NULL-terminated; accepted as they are */
    /* After all files, before keys are missed: gives a value to those that have one by
     * what others say.  May be NULL. */
    void (*fill)(void *settings);
    /* Then: fills in what depends on other things and checks one key against another.
     * May be NULL. */
    bool (*complete)(void *settings, const SettingsOrigins *origins, GError **error);
} SettingsTable;

/* Reads @path, then the *.conf files in conf.d beside it in the order of their
 * names; a later file wins, key by key.  Returns the settings (transfer full).
 * Errors: G_FILE_ERROR, G_KEY_FILE_ERROR; the message names file, section and key. */
void *settings_table_load(const SettingsTable *self, const char *path, GError **error);
void settings_table_free(const SettingsTable *self, void *settings);

/* The item of [@section @name] with all defaults, added when there is none; lent
 * until the next is added.  For `complete`. */
void *settings_table_item(const SettingsTable *self, void *settings,
                          const char *section, const char *name);

/* Sets @error for a key that `complete` found wrong; @name is NULL in a plain
 * section.  Always returns false. */
bool settings_table_refuse(const SettingsOrigins *origins, GError **error,
                           const char *section, const char *name, const char *key,
                           const char *format, ...) G_GNUC_PRINTF(6, 7);

/* A file that settings_table_load() would read back to the same, but for passwords
 * (transfer full). */
char *settings_table_dump(const SettingsTable *self, const void *settings);

/* The sections and keys for the manual page, in mdoc (transfer full). */
char *settings_table_man(const SettingsTable *self);
