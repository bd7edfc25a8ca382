/* SPDX-License-Identifier: Apache-2.0 */
#include "database-settings.h"

#include <sys/stat.h>

bool
database_settings_check_private(const SettingsOrigins *origins, GError **error,
                                const char *section, const char *name, const char *key,
                                const char *path)
{
    struct stat file;

    if (path[0] && stat(path, &file) == 0 && (file.st_mode & (S_IRWXG | S_IRWXO)))
        return settings_table_refuse(
            origins, error, section, name, key,
            "\"%s\" can be used by others than its owner: mode must be 0600 or less",
            path);
    return true;
}
