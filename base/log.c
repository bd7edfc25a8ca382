/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Set by log_init() before there are threads; read by all. */
static const char *program_name = "flowkeep";
static bool is_verbose;
static bool to_journald;

static const struct {
    GLogLevelFlags level;
    const char *word;
    const char *priority; /* as syslog(3) */
} levels[] = {
    { G_LOG_LEVEL_ERROR, "error", "3" },     { G_LOG_LEVEL_CRITICAL, "error", "3" },
    { G_LOG_LEVEL_WARNING, "warning", "4" }, { G_LOG_LEVEL_MESSAGE, "notice", "5" },
    { G_LOG_LEVEL_INFO, "info", "6" },       { G_LOG_LEVEL_DEBUG, "debug", "7" },
};

static size_t
find_level(GLogLevelFlags level)
{
    size_t i = 0;

    while (i < G_N_ELEMENTS(levels) - 1 && !(level & levels[i].level))
        i++;
    return i;
}

/* Appends @text with what a terminal would obey, or UTF-8 does not know, as \xNN:
 * names that exporters report end up in these lines. */
static void
append_printable(GString *line, const char *text)
{
    while (*text) {
        const gunichar c = g_utf8_get_char_validated(text, -1);
        const bool is_valid = c != (gunichar) -1 && c != (gunichar) -2;
        const char *next = is_valid ? g_utf8_next_char(text) : text + 1;

        if (is_valid && g_unichar_isprint(c))
            g_string_append_len(line, text, next - text);
        else
            for (const char *at = text; at < next; at++)
                g_string_append_printf(line, "\\x%02x", (guchar) *at);
        text = next;
    }
}

static void
write_journald(size_t level, const char *message)
{
    g_autoptr(GString) printable = g_string_new(NULL);

    append_printable(printable, message);

    const GLogField fields[] = {
        { "MESSAGE", printable->str, -1 },
        { "PRIORITY", levels[level].priority, -1 },
        { "SYSLOG_IDENTIFIER", program_name, -1 },
    };

    g_log_writer_journald(levels[level].level, fields, G_N_ELEMENTS(fields), NULL);
}

/* One write a line, so that lines of several threads do not mix. */
static void
write_stderr(size_t level, const char *message)
{
    g_autoptr(GString) line = g_string_new(NULL);
    const time_t now = time(NULL);
    char when[32];
    struct tm utc;

    gmtime_r(&now, &utc);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc);
    g_string_printf(line, "%s %s: %s: ", when, program_name, levels[level].word);
    append_printable(line, message);
    g_string_append_c(line, '\n');

    if (write(STDERR_FILENO, line->str, line->len) < 0) {
        /* There is nowhere left to say so. */
    }
}

static void
write_message(GLogLevelFlags flags, const char *message)
{
    const size_t level = find_level(flags);

    if (levels[level].level >= G_LOG_LEVEL_INFO && !is_verbose)
        return;

    if (to_journald)
        write_journald(level, message);
    else
        write_stderr(level, message);
}

/* What GLib and the libraries above it have to say. */
static GLogWriterOutput
on_library_message(GLogLevelFlags level, const GLogField *fields, gsize n_fields,
                   gpointer user_data)
{
    (void) user_data;
    for (gsize i = 0; i < n_fields; i++) {
        if (strcmp(fields[i].key, "MESSAGE") == 0 && fields[i].length < 0)
            write_message(level, fields[i].value);
    }
    return G_LOG_WRITER_HANDLED;
}

void
log_init(const char *program, gboolean verbose)
{
    static bool is_writer_set; /* GLib allows it once */

    program_name = program;
    is_verbose = verbose;
    to_journald = g_log_writer_is_journald(fileno(stderr));
    if (!is_writer_set)
        g_log_set_writer_func(on_library_message, NULL, NULL);
    is_writer_set = true;
}

static void write_valist(GLogLevelFlags level, const char *format, va_list args)
    G_GNUC_PRINTF(2, 0);

static void
write_valist(GLogLevelFlags level, const char *format, va_list args)
{
    g_autofree char *message = g_strdup_vprintf(format, args);

    write_message(level, message);
}

void
log_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    write_valist(G_LOG_LEVEL_CRITICAL, format, args);
    va_end(args);
}

void
log_warning(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    write_valist(G_LOG_LEVEL_WARNING, format, args);
    va_end(args);
}

void
log_notice(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    write_valist(G_LOG_LEVEL_MESSAGE, format, args);
    va_end(args);
}

void
log_debug(const char *format, ...)
{
    va_list args;

    if (!is_verbose)
        return;

    va_start(args, format);
    write_valist(G_LOG_LEVEL_DEBUG, format, args);
    va_end(args);
}
