/* SPDX-License-Identifier: Apache-2.0 */
#include "settings-table.h"

#include <string.h>

#include "suggestion.h"

struct SettingsOrigins {
    GHashTable *files; /* "section key" -> path; "section" -> path */
    const char *main;  /* where a key that was never given is missed */
};

/* "listen  lan" is section "listen", name "lan"; a plain one has no name. */
typedef struct {
    char *word;
    char *name; /* NULL = none */
} Heading;

static void
heading_clear(Heading *heading)
{
    g_free(heading->word);
    g_free(heading->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Heading, heading_clear)

static Heading
split_heading(const char *group)
{
    const size_t n_word = strcspn(group, " \t");
    g_autofree char *rest = g_strstrip(g_strdup(group + n_word));

    return (Heading){ .word = g_strndup(group, n_word),
                      .name = rest[0] ? g_steal_pointer(&rest) : NULL };
}

static char *
join_heading(const char *section, const char *name)
{
    return name ? g_strdup_printf("%s %s", section, name) : g_strdup(section);
}

static bool
refuse(GError **error, int code, const char *path, const char *heading, const char *key,
       const char *why)
{
    g_set_error(error, G_KEY_FILE_ERROR, code, "%s: [%s]%s%s: %s", path, heading,
                key ? " " : "", key ?: "", why);
    return false;
}

static const char *
origin_of(const SettingsOrigins *origins, const char *heading, const char *key)
{
    g_autofree char *id = g_strdup_printf("%s\n%s", heading, key);
    const char *path = g_hash_table_lookup(origins->files, id);

    if (!path)
        path = g_hash_table_lookup(origins->files, heading);
    return path ? path : origins->main;
}

bool
settings_table_refuse(const SettingsOrigins *origins, GError **error,
                      const char *section, const char *name, const char *key,
                      const char *format, ...)
{
    g_autofree char *heading = join_heading(section, name);
    va_list args;

    va_start(args, format);
    g_autofree char *why = g_strdup_vprintf(format, args);
    va_end(args);
    return refuse(error, G_KEY_FILE_ERROR_INVALID_VALUE,
                  origin_of(origins, heading, key), heading, key, why);
}

static const SettingsSection *
find_section(const SettingsTable *self, const char *word)
{
    for (size_t i = 0; i < self->n_sections; i++) {
        if (g_str_equal(self->sections[i].name, word))
            return &self->sections[i];
    }
    return NULL;
}

static const SettingsKey *
find_key(const SettingsTable *self, const char *section, const char *name)
{
    for (size_t i = 0; i < self->n_keys; i++) {
        if (g_str_equal(self->keys[i].section, section) &&
            g_str_equal(self->keys[i].name, name))
            return &self->keys[i];
    }
    return NULL;
}

static bool
refuse_section(const SettingsTable *self, const char *path, const char *group,
               const Heading *heading, GError **error)
{
    const char *best = NULL;

    for (size_t i = 0; i < self->n_sections; i++)
        suggestion_consider(heading->word, self->sections[i].name, &best);
    for (size_t i = 0; self->foreign && self->foreign[i]; i++)
        suggestion_consider(heading->word, self->foreign[i], &best);

    g_autofree char *why =
        best ? g_strdup_printf("no such section; is [%s%s%s] meant?", best,
                               heading->name ? " " : "", heading->name ?: "")
             : g_strdup("no such section");
    return refuse(error, G_KEY_FILE_ERROR_GROUP_NOT_FOUND, path, group, NULL, why);
}

static bool
refuse_key(const SettingsTable *self, const char *path, const char *group,
           const char *section, const char *name, GError **error)
{
    const char *best = NULL;
    g_autofree char *why = NULL;

    for (size_t i = 0; i < self->n_keys; i++) {
        if (g_str_equal(self->keys[i].section, section))
            suggestion_consider(name, self->keys[i].name, &best);
        else if (!why && g_str_equal(self->keys[i].name, name))
            why = g_strdup_printf("no such key here; it belongs to [%s]",
                                  self->keys[i].section);
    }
    if (best) {
        g_free(why);
        why = g_strdup_printf("no such key; is %s meant?", best);
    }
    return refuse(error, G_KEY_FILE_ERROR_KEY_NOT_FOUND, path, group, name,
                  why ? why : "no such key");
}

static void
set_default(const SettingsKey *key, void *item)
{
    g_autoptr(GError) error = NULL;

    /* A table whose own defaults it refuses is a mistake in the program. */
    if (key->fallback && !settings_value_parse(key, key->fallback, item, &error))
        g_error("[%s] %s: %s", key->section, key->name, error->message);
}

static void
set_defaults(const SettingsTable *self, const char *section, void *item)
{
    for (size_t i = 0; i < self->n_keys; i++) {
        if (g_str_equal(self->keys[i].section, section))
            set_default(&self->keys[i], item);
    }
}

static char **
items_of(const SettingsSection *section, const void *settings)
{
    return (char **) ((char *) settings + section->items);
}

static size_t *
n_items_of(const SettingsSection *section, const void *settings)
{
    return (size_t *) ((char *) settings + section->n_items);
}

static void *
item_at(const SettingsSection *section, const void *settings, size_t index)
{
    return *items_of(section, settings) + index * section->item_bytes;
}

void *
settings_table_item(const SettingsTable *self, void *settings, const char *section_name,
                    const char *name)
{
    const SettingsSection *section = find_section(self, section_name);
    char **items = items_of(section, settings);
    size_t *n_items = n_items_of(section, settings);

    for (size_t i = 0; i < *n_items; i++) {
        void *item = item_at(section, settings, i);

        if (g_str_equal(*(char **) item, name))
            return item;
    }

    *items = g_realloc_n(*items, *n_items + 1, section->item_bytes);
    void *item = item_at(section, settings, (*n_items)++);

    memset(item, 0, section->item_bytes);
    *(char **) item = g_strdup(name);
    set_defaults(self, section_name, item);
    return item;
}

/* GKeyFile lets the last of two equal lines win in silence. */
static bool
refuse_repetitions(const char *path, const char *text, GError **error)
{
    g_autoptr(GHashTable) seen =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autofree char *group = g_strdup("");

    for (unsigned i = 0; lines[i]; i++) {
        const char *line = g_strstrip(lines[i]);
        g_autofree char *id = NULL;

        if (line[0] == '[') {
            g_auto(Heading) heading = { 0 };

            g_free(group);
            group = g_strndup(line + 1, strcspn(line + 1, "]"));
            heading = split_heading(group);
            id = join_heading(heading.word, heading.name);
        } else if (line[0] != '#' && strchr(line, '=')) {
            g_autofree char *key = g_strndup(line, strcspn(line, "="));

            id = g_strdup_printf("%s\n%s", group, g_strchomp(key));
        }
        if (id && !g_hash_table_add(seen, g_strdup(id))) {
            const char *key = strchr(id, '\n');
            g_autofree char *why =
                g_strdup_printf("stands here for the second time (line %u)", i + 1);

            return refuse(error, G_KEY_FILE_ERROR_PARSE, path, group,
                          key ? key + 1 : NULL, why);
        }
    }
    return true;
}

/* One file while it is read. */
typedef struct {
    const SettingsTable *table;
    const char *path;
    GKeyFile *file;
    void *settings;
    SettingsOrigins *origins;
} Reading;

static void
remember(const Reading *reading, const char *heading, const char *key)
{
    char *id = key ? g_strdup_printf("%s\n%s", heading, key) : g_strdup(heading);

    g_hash_table_insert(reading->origins->files, id, g_strdup(reading->path));
}

static bool
read_key(const Reading *reading, const char *group, const Heading *heading,
         const char *name, void *item, GError **error)
{
    const SettingsKey *key = find_key(reading->table, heading->word, name);

    if (!key)
        return refuse_key(reading->table, reading->path, group, heading->word, name,
                          error);

    g_autoptr(GError) wrong = NULL;
    g_autofree char *text = g_key_file_get_string(reading->file, group, name, &wrong);

    if (wrong)
        return refuse(error, G_KEY_FILE_ERROR_UNKNOWN_ENCODING, reading->path, group,
                      name, "a backslash must be followed by s, n, t, r or another");
    if (!settings_value_parse(key, g_strstrip(text), item, &wrong))
        return refuse(error, wrong->code, reading->path, group, name, wrong->message);

    g_autofree char *plain = join_heading(heading->word, heading->name);
    remember(reading, plain, name);
    return true;
}

static bool
read_section(const Reading *reading, const char *group, GError **error)
{
    g_auto(Heading) heading = split_heading(group);
    const SettingsTable *table = reading->table;
    const SettingsSection *section = find_section(table, heading.word);
    void *item = reading->settings;

    if (!section && table->foreign && g_strv_contains(table->foreign, heading.word))
        return true;
    if (!section)
        return refuse_section(table, reading->path, group, &heading, error);
    if (section->item_bytes > 0 && !heading.name)
        return refuse(error, G_KEY_FILE_ERROR_INVALID_VALUE, reading->path, group, NULL,
                      "needs a name after the word");
    if (section->item_bytes == 0 && heading.name)
        return refuse(error, G_KEY_FILE_ERROR_INVALID_VALUE, reading->path, group, NULL,
                      "takes no name after the word");

    if (heading.name) {
        g_autofree char *plain = join_heading(heading.word, heading.name);

        item =
            settings_table_item(table, reading->settings, heading.word, heading.name);
        remember(reading, plain, NULL);
    }

    g_auto(GStrv) names = g_key_file_get_keys(reading->file, group, NULL, NULL);

    for (char **name = names; name && *name; name++) {
        if (!read_key(reading, group, &heading, *name, item, error))
            return false;
    }
    return true;
}

static bool
read_file(const SettingsTable *self, const char *path, void *settings,
          SettingsOrigins *origins, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *text = NULL;
    g_autoptr(GError) wrong = NULL;
    gsize n_bytes;

    if (!g_file_get_contents(path, &text, &n_bytes, error))
        return false;
    if (!g_utf8_validate(text, n_bytes, NULL)) {
        g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_UNKNOWN_ENCODING,
                    "%s: not a text file in UTF-8", path);
        return false;
    }
    if (!g_key_file_load_from_data(file, text, n_bytes, G_KEY_FILE_KEEP_TRANSLATIONS,
                                   &wrong)) {
        g_set_error(error, G_KEY_FILE_ERROR, wrong->code, "%s: %s", path,
                    wrong->message);
        return false;
    }
    if (!refuse_repetitions(path, text, error))
        return false;

    const Reading reading = { .table = self,
                              .path = path,
                              .file = file,
                              .settings = settings,
                              .origins = origins };
    g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);

    for (char **group = groups; *group; group++) {
        if (!read_section(&reading, *group, error))
            return false;
    }
    return true;
}

static int
compare_paths(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

/* The files of conf.d beside @path, sorted; none when there is no such folder. */
static GPtrArray *
list_snippets(const char *path, GError **error)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *snippets = g_build_filename(folder, "conf.d", NULL);
    g_autoptr(GError) wrong = NULL;
    g_autoptr(GDir) dir = g_dir_open(snippets, 0, &wrong);
    const char *name;

    if (!dir && !g_error_matches(wrong, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
        g_propagate_error(error, g_steal_pointer(&wrong));
        return NULL;
    }
    while (dir && (name = g_dir_read_name(dir))) {
        if (name[0] != '.' && g_str_has_suffix(name, ".conf"))
            g_ptr_array_add(paths, g_build_filename(snippets, name, NULL));
    }
    g_ptr_array_sort(paths, compare_paths);
    return g_steal_pointer(&paths);
}

static bool
check_item(const SettingsTable *self, const SettingsSection *section, const void *item,
           const SettingsOrigins *origins, GError **error)
{
    const char *name = section->item_bytes > 0 ? *(char *const *) item : NULL;

    for (size_t i = 0; i < self->n_keys; i++) {
        const SettingsKey *key = &self->keys[i];

        if (!g_str_equal(key->section, section->name) ||
            !settings_value_is_missing(key, item))
            continue;

        g_autofree char *allowed = settings_value_allowed(key);
        return settings_table_refuse(origins, error, section->name, name, key->name,
                                     "missing: must be %s", allowed);
    }
    return true;
}

static bool
check_all(const SettingsTable *self, void *settings, const SettingsOrigins *origins,
          GError **error)
{
    if (self->fill)
        self->fill(settings);
    for (size_t i = 0; i < self->n_sections; i++) {
        const SettingsSection *section = &self->sections[i];

        if (section->item_bytes == 0) {
            if (!check_item(self, section, settings, origins, error))
                return false;
            continue;
        }
        for (size_t j = 0; j < *n_items_of(section, settings); j++) {
            if (!check_item(self, section, item_at(section, settings, j), origins,
                            error))
                return false;
        }
    }
    return !self->complete || self->complete(settings, origins, error);
}

void *
settings_table_load(const SettingsTable *self, const char *path, GError **error)
{
    void *settings = g_malloc0(self->n_bytes);
    g_autoptr(GHashTable) files =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    SettingsOrigins origins = { .files = files, .main = path };
    g_autoptr(GPtrArray) snippets = list_snippets(path, error);

    for (size_t i = 0; i < self->n_sections; i++) {
        if (self->sections[i].item_bytes == 0)
            set_defaults(self, self->sections[i].name, settings);
    }

    if (!snippets || !read_file(self, path, settings, &origins, error))
        goto fail;
    for (guint i = 0; i < snippets->len; i++) {
        if (!read_file(self, snippets->pdata[i], settings, &origins, error))
            goto fail;
    }
    if (!check_all(self, settings, &origins, error))
        goto fail;
    return settings;

fail:
    settings_table_free(self, settings);
    return NULL;
}

static void
clear_item(const SettingsTable *self, const SettingsSection *section, void *item)
{
    for (size_t i = 0; i < self->n_keys; i++) {
        if (g_str_equal(self->keys[i].section, section->name))
            settings_value_clear(&self->keys[i], item);
    }
    if (section->item_bytes > 0)
        g_free(*(char **) item);
}

void
settings_table_free(const SettingsTable *self, void *settings)
{
    if (!settings)
        return;

    for (size_t i = 0; i < self->n_sections; i++) {
        const SettingsSection *section = &self->sections[i];

        if (section->item_bytes == 0) {
            clear_item(self, section, settings);
            continue;
        }
        for (size_t j = 0; j < *n_items_of(section, settings); j++)
            clear_item(self, section, item_at(section, settings, j));
        g_free(*items_of(section, settings));
    }
    g_free(settings);
}

static void
dump_item(const SettingsTable *self, const SettingsSection *section, const void *item,
          GKeyFile *file)
{
    const char *name = section->item_bytes > 0 ? *(char *const *) item : NULL;
    g_autofree char *group = join_heading(section->name, name);

    for (size_t i = 0; i < self->n_keys; i++) {
        if (!g_str_equal(self->keys[i].section, section->name))
            continue;

        g_autofree char *text = settings_value_format(&self->keys[i], item);
        g_key_file_set_string(file, group, self->keys[i].name, text);
    }
}

char *
settings_table_dump(const SettingsTable *self, const void *settings)
{
    g_autoptr(GKeyFile) file = g_key_file_new();

    for (size_t i = 0; i < self->n_sections; i++) {
        const SettingsSection *section = &self->sections[i];

        if (section->is_shared)
            continue;
        if (section->item_bytes == 0) {
            dump_item(self, section, settings, file);
            continue;
        }
        for (size_t j = 0; j < *n_items_of(section, settings); j++)
            dump_item(self, section, item_at(section, settings, j), file);
    }
    return g_key_file_to_data(file, NULL, NULL);
}

/* No line of @text may begin as a macro, nor hold an escape. */
static void
append_mdoc(GString *page, const char *text)
{
    if (text[0] == '.' || text[0] == '\'')
        g_string_append(page, "\\&");
    for (; *text; text++) {
        if (*text == '\\')
            g_string_append(page, "\\e");
        else
            g_string_append_c(page, *text);
    }
    g_string_append_c(page, '\n');
}

static void
append_key(GString *page, const SettingsKey *key)
{
    g_autofree char *allowed = settings_value_allowed(key);
    g_autofree char *values = NULL;

    if (!key->fallback)
        values = g_strdup_printf("Must be given: %s.", allowed);
    else
        values = g_strdup_printf("Must be %s; default: %s.", allowed,
                                 key->fallback[0] ? key->fallback : "empty");
    g_string_append_printf(page, ".It Cm %s\n", key->name);
    append_mdoc(page, key->help);
    append_mdoc(page, values);
}

char *
settings_table_man(const SettingsTable *self)
{
    g_autoptr(GString) page = g_string_new(NULL);

    for (size_t i = 0; i < self->n_sections; i++) {
        const SettingsSection *section = &self->sections[i];

        if (section->is_shared)
            continue;
        g_string_append_printf(page, ".Ss [%s%s]\n", section->name,
                               section->item_bytes > 0 ? " NAME" : "");
        append_mdoc(page, section->help);
        g_string_append(page, ".Bl -tag -width Ds\n");
        for (size_t j = 0; j < self->n_keys; j++) {
            if (g_str_equal(self->keys[j].section, section->name))
                append_key(page, &self->keys[j]);
        }
        g_string_append(page, ".El\n");
    }
    return g_string_free(g_steal_pointer(&page), false);
}
