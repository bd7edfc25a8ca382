/* SPDX-License-Identifier: Apache-2.0 */
#include "settings-value.h"

#include <string.h>

#include "db.h"
#include "network.h"

static const char *const truth[] = { "false", "true", NULL };

/* Our memory counts in 1024s, traffic in 1000s. */
static const struct {
    char letter;
    uint64_t bytes;
    uint64_t octets;
} suffixes[] = {
    { 'G', UINT64_C(1) << 30, UINT64_C(1000000000) },
    { 'M', UINT64_C(1) << 20, UINT64_C(1000000) },
    { 'K', UINT64_C(1) << 10, UINT64_C(1000) },
};

static void *
member(void *item, size_t offset)
{
    return (char *) item + offset;
}

static const void *
const_member(const void *item, size_t offset)
{
    return (const char *) item + offset;
}

/* What suffix @i stands for in this key; 0 = the key takes none. */
static uint64_t
unit_of(const SettingsKey *key, size_t i)
{
    if (g_str_has_suffix(key->name, "_bytes"))
        return suffixes[i].bytes;
    return g_str_has_suffix(key->name, "_octets") ? suffixes[i].octets : 0;
}

static const char *const *
choices_of(const SettingsKey *key)
{
    return key->type == SETTINGS_BOOL && !key->choices ? truth : key->choices;
}

static bool
refuse(const SettingsKey *key, const char *text, GError **error)
{
    g_autofree char *allowed = settings_value_allowed(key);

    g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
                "\"%s\" is not allowed: must be %s", text, allowed);
    return false;
}

/* Numbers as a person writes them: 16777216 is "16M" where that is exact. */
static char *
format_number(const SettingsKey *key, uint64_t number)
{
    for (size_t i = 0; number > 0 && i < G_N_ELEMENTS(suffixes); i++) {
        const uint64_t unit = unit_of(key, i);

        if (unit > 0 && number % unit == 0)
            return g_strdup_printf("%" G_GUINT64_FORMAT "%c", number / unit,
                                   suffixes[i].letter);
    }
    return g_strdup_printf("%" G_GUINT64_FORMAT, number);
}

static bool
parse_number(const SettingsKey *key, const char *text, uint64_t *number)
{
    g_autofree char *digits = g_strdup(text);
    const size_t n = strlen(digits);
    uint64_t unit = 1;
    guint64 parsed;

    for (size_t i = 0; n > 1 && i < G_N_ELEMENTS(suffixes); i++) {
        if (g_ascii_toupper(digits[n - 1]) == suffixes[i].letter && unit_of(key, i) > 0)
            unit = unit_of(key, i);
    }
    if (unit > 1)
        digits[n - 1] = '\0';

    if (!g_ascii_string_to_unsigned(digits, 10, 0, UINT64_MAX / unit, &parsed, NULL))
        return false;

    *number = parsed * unit;
    return *number >= key->min && *number <= key->max;
}

static bool
parse_choice(const SettingsKey *key, const char *text, unsigned *position)
{
    const char *const *choices = choices_of(key);

    for (unsigned i = 0; choices[i]; i++) {
        if (g_str_equal(choices[i], text)) {
            *position = i;
            return true;
        }
    }
    return false;
}

static bool
parse_networks(const char *text, void *item, const SettingsKey *key, GError **error)
{
    g_auto(GStrv) words = g_strsplit_set(text, " \t,;", -1);
    g_autoptr(GArray) networks = g_array_new(false, false, sizeof(Network));

    for (char **word = words; *word; word++) {
        Network network;

        if (!**word)
            continue;
        if (!network_parse(*word, &network, error))
            return false;
        g_array_append_val(networks, network);
    }
    if (networks->len < key->min)
        return refuse(key, text, error);

    settings_value_clear(key, item);
    *(size_t *) member(item, key->companion) = networks->len;
    *(Network **) member(item, key->offset) =
        (void *) g_array_free(g_steal_pointer(&networks), false);
    return true;
}

static bool
check_conninfo(const char *text, GError **error)
{
    g_autoptr(GError) reason = NULL;
    bool has_password;

    if (!db_conninfo_check(text, &has_password, &reason)) {
        /* Not the text itself: who knows what secret the mistake is next to. */
        g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
                    "not a connection string such as \"host=db.example.net "
                    "dbname=flowkeep\" or a postgresql:// URI: %s",
                    reason->message);
        return false;
    }
    if (has_password) {
        g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
                    "a password does not belong here: put it into the file named by "
                    "password_file, into ~/.pgpass, or name a service");
        return false;
    }
    return true;
}

static bool
is_text_allowed(const SettingsKey *key, const char *text)
{
    if (strlen(text) < key->min)
        return false;
    if (key->type == SETTINGS_PATH && text[0])
        return g_path_is_absolute(text);
    return true;
}

static bool
parse_text(const SettingsKey *key, const char *text, void *item, GError **error)
{
    IpAddress addr;

    if (key->type == SETTINGS_CONNINFO && text[0] && !check_conninfo(text, error))
        return false;
    if (!is_text_allowed(key, text) ||
        (key->type == SETTINGS_ADDRESS && !ip_address_parse(text, &addr)))
        return refuse(key, text, error);

    settings_value_clear(key, item);
    *(char **) member(item, key->offset) = g_strdup(text);
    return true;
}

bool
settings_value_parse(const SettingsKey *key, const char *text, void *item,
                     GError **error)
{
    uint64_t number = 0;
    unsigned position = 0;

    switch (key->type) {
    case SETTINGS_STRING:
    case SETTINGS_PATH:
    case SETTINGS_ADDRESS:
    case SETTINGS_CONNINFO:
        return parse_text(key, text, item, error);
    case SETTINGS_NETWORKS:
        return parse_networks(text, item, key, error);
    case SETTINGS_UINT32:
    case SETTINGS_UINT64:
        if (!parse_number(key, text, &number))
            return refuse(key, text, error);
        break;
    case SETTINGS_BOOL:
    case SETTINGS_CHOICE:
        if (!parse_choice(key, text, &position))
            return refuse(key, text, error);
        break;
    }

    if (key->type == SETTINGS_UINT32)
        *(uint32_t *) member(item, key->offset) = number;
    else if (key->type == SETTINGS_UINT64)
        *(uint64_t *) member(item, key->offset) = number;
    else if (key->type == SETTINGS_BOOL)
        *(bool *) member(item, key->offset) = position;
    else
        *(unsigned *) member(item, key->offset) = position;
    return true;
}

static uint64_t
number_of(const SettingsKey *key, const void *item)
{
    const void *at = const_member(item, key->offset);

    return key->type == SETTINGS_UINT32 ? *(const uint32_t *) at
                                        : *(const uint64_t *) at;
}

static char *
format_networks(const SettingsKey *key, const void *item)
{
    const Network *networks = *(Network *const *) const_member(item, key->offset);
    const size_t n = *(const size_t *) const_member(item, key->companion);
    g_autoptr(GString) text = g_string_new(NULL);

    for (size_t i = 0; i < n; i++) {
        g_autofree char *network = network_format(&networks[i]);

        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", network);
    }
    return g_string_free(g_steal_pointer(&text), false);
}

char *
settings_value_format(const SettingsKey *key, const void *item)
{
    const void *at = const_member(item, key->offset);

    switch (key->type) {
    case SETTINGS_UINT32:
    case SETTINGS_UINT64:
        return format_number(key, number_of(key, item));
    case SETTINGS_BOOL:
        return g_strdup(choices_of(key)[*(const bool *) at]);
    case SETTINGS_CHOICE:
        return g_strdup(choices_of(key)[*(const unsigned *) at]);
    case SETTINGS_NETWORKS:
        return format_networks(key, item);
    case SETTINGS_CONNINFO:
        return db_conninfo_mask(*(char *const *) at);
    case SETTINGS_STRING:
    case SETTINGS_PATH:
    case SETTINGS_ADDRESS:
        break;
    }
    return g_strdup(*(char *const *) at);
}

bool
settings_value_is_missing(const SettingsKey *key, const void *item)
{
    if (key->fallback)
        return false;

    switch (key->type) {
    case SETTINGS_UINT32:
    case SETTINGS_UINT64:
        return number_of(key, item) == 0;
    case SETTINGS_BOOL:
    case SETTINGS_CHOICE:
        return false;
    case SETTINGS_STRING:
    case SETTINGS_PATH:
    case SETTINGS_ADDRESS:
    case SETTINGS_CONNINFO:
    case SETTINGS_NETWORKS:
        break;
    }
    return *(void *const *) const_member(item, key->offset) == NULL;
}

static char *
allowed_choices(const SettingsKey *key)
{
    const char *const *choices = choices_of(key);
    g_autoptr(GString) text = g_string_new(choices[0]);

    for (unsigned i = 1; choices[i]; i++)
        g_string_append_printf(text, "%s%s", choices[i + 1] ? ", " : " or ",
                               choices[i]);
    return g_string_free(g_steal_pointer(&text), false);
}

static char *
allowed_numbers(const SettingsKey *key)
{
    g_autofree char *min = format_number(key, key->min);
    g_autofree char *max = format_number(key, key->max);

    return g_strdup_printf("a %s from %s to %s",
                           unit_of(key, 0) > 0 ? "size" : "number", min, max);
}

char *
settings_value_allowed(const SettingsKey *key)
{
    switch (key->type) {
    case SETTINGS_STRING:
        return g_strdup(key->min > 0 ? "text that is not empty" : "any text");
    case SETTINGS_PATH:
        return g_strdup(key->min > 0 ? "an absolute path"
                                     : "an absolute path or empty");
    case SETTINGS_ADDRESS:
        return g_strdup("an IPv4 or IPv6 address in numbers");
    case SETTINGS_CONNINFO:
        return g_strdup("a libpq connection string without a password");
    case SETTINGS_NETWORKS:
        return g_strdup(key->min > 0 ? "one or more networks such as 192.0.2.0/24"
                                     : "networks such as 192.0.2.0/24, or empty");
    case SETTINGS_UINT32:
    case SETTINGS_UINT64:
        return allowed_numbers(key);
    case SETTINGS_BOOL:
    case SETTINGS_CHOICE:
        break;
    }
    return allowed_choices(key);
}

void
settings_value_clear(const SettingsKey *key, void *item)
{
    switch (key->type) {
    case SETTINGS_STRING:
    case SETTINGS_PATH:
    case SETTINGS_ADDRESS:
    case SETTINGS_CONNINFO:
    case SETTINGS_NETWORKS:
        g_clear_pointer((void **) member(item, key->offset), g_free);
        break;
    case SETTINGS_UINT32:
    case SETTINGS_UINT64:
    case SETTINGS_BOOL:
    case SETTINGS_CHOICE:
        break;
    }
}
