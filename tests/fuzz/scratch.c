/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <unistd.h>

#define MEMORY "/dev/shm"

char *
scratch_make(void)
{
    const char *where = g_access(MEMORY, W_OK) == 0 ? MEMORY : g_get_tmp_dir();
    char *scratch = g_build_filename(where, "flowkeep-fuzz-XXXXXX", NULL);

    g_assert_nonnull(g_mkdtemp(scratch));
    return scratch;
}

static void
remove_in(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);

        if (g_unlink(path) != 0) {
            remove_in(path);
            g_rmdir(path);
        }
    }
}

void
scratch_remove(char *scratch)
{
    remove_in(scratch);
    g_assert_cmpint(g_rmdir(scratch), ==, 0);
    g_free(scratch);
}

void
scratch_write(const char *scratch, const char *name, const void *bytes, size_t n_bytes)
{
    g_autofree char *path = g_build_filename(scratch, name, NULL);
    g_autofree char *folder = g_path_get_dirname(path);

    g_mkdir_with_parents(folder, 0700);
    FILE *file = fopen(path, "wb"); /* not g_file_set_contents(), which syncs */
    g_assert_nonnull(file);
    g_assert_cmpuint(fwrite(bytes, 1, n_bytes, file), ==, n_bytes);
    g_assert_cmpint(fclose(file), ==, 0);
}
