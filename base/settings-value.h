/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SettingsValue: one key of the configuration: how its text becomes a member of a
 * struct, and back.
 *
 * Knows types and ranges, neither files nor sections.  What a key allows is said
 * once, here, for the parser, the messages and the manual page alike. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    SETTINGS_STRING,   /* char *; min 1: must not be empty */
    SETTINGS_PATH,     /* char *; absolute, or empty when min is 0 */
    SETTINGS_ADDRESS,  /* char *; an IPv4 or IPv6 address */
    SETTINGS_CONNINFO, /* char *; a libpq connection string without a password */
    SETTINGS_UINT32,   /* uint32_t from min to max; see below */
    SETTINGS_UINT64,   /* uint64_t likewise */
    SETTINGS_BOOL,     /* bool: false, true; or the two words of .choices */
    SETTINGS_CHOICE,   /* an enum: the position in .choices */
    SETTINGS_NETWORKS, /* Network *, and a size_t, their number, at .companion */
} SettingsType;

/* Numbers whose key ends in "_bytes" take and get a suffix K, M or G (of 1024); in
 * "_octets" likewise (of 1000). */
typedef struct {
    const char *section; /* its first word */
    const char *name;
    SettingsType type;
    size_t offset;        /* of the member in its struct */
    size_t companion;     /* of the second one, where the type has one */
    const char *fallback; /* as in a file; NULL = the key must be given */
    uint64_t min;         /* inclusive; for networks and text see above */
    uint64_t max;
    const char *const *choices; /* NULL-terminated */
    const char *help;           /* sentences for the manual page */
} SettingsKey;

/* Replaces the member of @item by what @text says.  The error says what is wrong
 * with @text and what is allowed, not which key it was for; then @item is unchanged.
 * Error: G_KEY_FILE_ERROR_INVALID_VALUE. */
bool settings_value_parse(const SettingsKey *key, const char *text, void *item,
                          GError **error);

/* The text that would be parsed to the member of @item, with any password in it
 * replaced by stars (transfer full). */
char *settings_value_format(const SettingsKey *key, const void *item);

/* True for a key without a fallback that was never given (or is empty). */
bool settings_value_is_missing(const SettingsKey *key, const void *item);

/* "a number from 1 to 64" (transfer full). */
char *settings_value_allowed(const SettingsKey *key);

/* Frees what the member of @item holds. */
void settings_value_clear(const SettingsKey *key, void *item);
