/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal.h"

#include <glib.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MAX_COLUMNS 1000

unsigned
terminal_columns(void)
{
    const char *wanted = g_getenv("COLUMNS");
    struct winsize size;
    guint64 columns;

    if (wanted &&
        g_ascii_string_to_unsigned(wanted, 10, 1, MAX_COLUMNS, &columns, NULL))
        return (unsigned) columns;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

bool
terminal_is_utf8(void)
{
    return g_str_equal(nl_langinfo(CODESET), "UTF-8");
}
