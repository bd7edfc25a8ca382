/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <stdint.h>

/* Stands in for libFuzzer: feeds each file of a corpus directory to the target
 * once, so that every compiler runs the corpus in every "meson test". */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
main(int argc, char **argv)
{
    g_autoptr(GDir) corpus = g_dir_open(argc == 2 ? argv[1] : "", 0, NULL);
    const char *name;

    g_assert_nonnull(corpus);
    while ((name = g_dir_read_name(corpus))) {
        g_autofree char *path = g_build_filename(argv[1], name, NULL);
        g_autofree char *bytes = NULL;
        gsize n_bytes;

        g_assert_true(g_file_get_contents(path, &bytes, &n_bytes, NULL));
        LLVMFuzzerTestOneInput((const uint8_t *) bytes, n_bytes);
    }
    return 0;
}
