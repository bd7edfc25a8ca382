/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/message.h"

#include <gmime/gmime.h>
#include <stdbool.h>
#include <string.h>

#include "clock.h"
#include "mail/unit-word.h"
#include "printable.h"

#define WRAP_COLUMNS 72
#define HASH_CHARS   16  /* of a recipient in an id */
#define MAX_SUBJECT  250 /* characters; more, no client shows */

typedef GMimeObject MimeObject;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MimeObject, g_object_unref)

/* Once a process; any thread, any number of times. */
static void
prepare(void)
{
    static gsize done;

    if (g_once_init_enter(&done)) {
        g_mime_init();
        g_once_init_leave(&done, 1);
    }
}

void
message_body_clear(MessageBody *self)
{
    g_clear_pointer(&self->subject, g_free);
    g_clear_pointer(&self->text, g_free);
    g_clear_pointer(&self->html, g_free);
    for (size_t i = 0; i < self->n_pictures; i++) {
        g_bytes_unref(self->pictures[i].png);
        g_free(self->pictures[i].alt);
    }
    self->n_pictures = 0;
}

/* --- ids --- */

/* Letters, digits, "-" and "." of dot-atoms (RFC 5322 3.2.3); all else becomes "-". */
static char *
id_word(const char *text)
{
    GString *word = g_string_new(NULL);

    for (const char *at = text; *at && word->len < 100; at++) {
        const bool is_inner_dot =
            *at == '.' && word->len > 0 && at[1] && word->str[word->len - 1] != '.';

        g_string_append_c(word, g_ascii_isalnum(*at) || is_inner_dot ? *at : '-');
    }
    if (word->len == 0)
        g_string_append_c(word, '-');
    return g_string_free(word, FALSE);
}

char *
message_id(const char *what, const char *number, const char *recipient,
           const char *instance, const char *from)
{
    const char *at = strrchr(from, '@');
    g_autofree char *domain = id_word(at ? at + 1 : from);
    g_autofree char *where = id_word(instance);
    g_autofree char *which = id_word(number);
    g_autofree char *hash =
        g_compute_checksum_for_string(G_CHECKSUM_SHA256, recipient, -1);

    return g_strdup_printf("%s-%s.%.*s.%s@%s", what, which, HASH_CHARS, hash, where,
                           domain);
}

char *
message_picture_source(const char *picture, const char *id)
{
    return g_strdup_printf("cid:%s.%s", picture, id);
}

/* --- text --- */

/* How many of @words no line may break between: one, or a number and its unit. */
static size_t
count_together(char **words)
{
    const size_t n = strlen(words[0]);
    const bool is_number = n > 0 && g_ascii_isdigit(words[0][n - 1]);

    return is_number && words[1] && unit_word_begins(words[1]) ? 2 : 1;
}

/* Wraps at blanks; a word that is longer stays whole, and lines that begin with a
 * blank stay as they are.  Items of a list ("* ") hang. */
static void
append_wrapped(GString *to, const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    const char *indent = g_str_has_prefix(line, "* ") ? "  " : "";
    size_t column = 0;

    if (line[0] == ' ' || g_utf8_strlen(line, -1) <= WRAP_COLUMNS) {
        g_string_append_printf(to, "%s\n", line);
        return;
    }
    for (size_t i = 0, n_words; words[i]; i += n_words) {
        n_words = count_together(&words[i]);
        g_autofree char *whole = n_words == 1
                                     ? g_strdup(words[i])
                                     : g_strconcat(words[i], " ", words[i + 1], NULL);
        const size_t n = (size_t) g_utf8_strlen(whole, -1);

        if (column > 0 && column + 1 + n > WRAP_COLUMNS) {
            while (to->str[to->len - 1] == ' ')
                g_string_truncate(to, to->len - 1);
            g_string_append_printf(to, "\n%s", indent);
            column = strlen(indent);
        } else if (column > 0) {
            g_string_append_c(to, ' ');
            column++;
        }
        g_string_append(to, whole);
        column += n;
    }
    g_string_append_c(to, '\n');
}

static char *
wrap(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_auto(GStrv) lines = g_strsplit(valid, "\n", -1);
    GString *to = g_string_new(NULL);

    for (size_t i = 0; lines[i] && (lines[i][0] || lines[i + 1]); i++) {
        g_autofree char *shown = printable(lines[i]);

        append_wrapped(to, shown);
    }
    return g_string_free(to, FALSE);
}

/* --- MIME --- */

static GMimePart *
make_part(const char *type, const char *subtype, const char *bytes, size_t n_bytes,
          GMimeContentEncoding encoding)
{
    GMimePart *part = g_mime_part_new_with_type(type, subtype);
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(bytes, n_bytes);
    GMimeDataWrapper *content =
        g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);

    g_mime_part_set_content(part, content);
    g_mime_part_set_content_encoding(part, encoding);
    g_object_unref(content);
    g_object_unref(stream);
    return part;
}

/* Not a GMimeTextPart, which would choose another charset than UTF-8 for texts that
 * do not need it. */
static GMimeObject *
make_text(const char *subtype, const char *text)
{
    GMimePart *part = make_part("text", subtype, text, strlen(text),
                                GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);

    g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset", "utf-8");
    return GMIME_OBJECT(part);
}

static GMimeObject *
make_picture(const MessagePicture *picture, const char *id)
{
    size_t n_bytes;
    const char *bytes = g_bytes_get_data(picture->png, &n_bytes);
    GMimePart *part =
        make_part("image", "png", bytes, n_bytes, GMIME_CONTENT_ENCODING_BASE64);
    g_autofree char *source = message_picture_source(picture->name, id);
    g_autofree char *file_name = g_strconcat(picture->name, ".png", NULL);

    g_mime_part_set_content_id(part, source + strlen("cid:"));
    g_mime_object_set_disposition(GMIME_OBJECT(part), GMIME_DISPOSITION_INLINE);
    g_mime_part_set_filename(part, file_name);
    return GMIME_OBJECT(part);
}

/* Takes @part (transfer full). */
static void
add(GMimeMultipart *to, GMimeObject *part)
{
    g_mime_multipart_add(to, part);
    g_object_unref(part);
}

static GMimeObject *
make_parts(const MessageBody *body, const char *id)
{
    GMimeMultipart *alternative = g_mime_multipart_new_with_subtype("alternative");
    g_autofree char *text = wrap(body->text);

    add(alternative, make_text("plain", text));
    if (body->n_pictures == 0) {
        add(alternative, make_text("html", body->html));
        return GMIME_OBJECT(alternative);
    }

    GMimeMultipart *related = g_mime_multipart_new_with_subtype("related");
    add(related, make_text("html", body->html));
    for (size_t i = 0; i < body->n_pictures; i++)
        add(related, make_picture(&body->pictures[i], id));
    g_mime_object_set_content_type_parameter(GMIME_OBJECT(related), "type",
                                             "text/html");
    add(alternative, GMIME_OBJECT(related));
    return GMIME_OBJECT(alternative);
}

/* Text for a header: one line, and nothing in it that a reader would decode: what
 * looks like an encoded word (RFC 2047) is taken apart. */
static char *
header_text(const char *text)
{
    g_autofree char *shown = printable(text);
    g_auto(GStrv) parts = g_strsplit(shown, "=?", -1);

    return g_strjoinv("= ?", parts);
}

static void
set_subject(GMimeMessage *message, const char *subject)
{
    g_autofree char *shown = header_text(subject);

    if (g_utf8_strlen(shown, -1) > MAX_SUBJECT) {
        g_autofree char *begin = g_utf8_substring(shown, 0, MAX_SUBJECT - 1);

        g_free(shown);
        shown = g_strconcat(begin, "\u2026", NULL);
    }
    g_mime_message_set_subject(message, shown, "utf-8");
}

static void
set_headers(GMimeMessage *message, const MessageEnvelope *envelope, const char *subject)
{
    GMimeObject *object = GMIME_OBJECT(message);
    g_autofree char *from_name = header_text(envelope->from_name);
    g_autoptr(GDateTime) date =
        g_date_time_new_from_unix_utc(envelope->date_us / US_PER_SEC);

    g_mime_message_add_mailbox(message, GMIME_ADDRESS_TYPE_FROM, from_name,
                               envelope->from);
    g_mime_message_add_mailbox(message, GMIME_ADDRESS_TYPE_TO, NULL, envelope->to);
    set_subject(message, subject);
    if (date)
        g_mime_message_set_date(message, date);
    g_mime_message_set_message_id(message, envelope->message_id);
    if (envelope->thread_id) {
        g_autofree char *thread = g_strdup_printf("<%s>", envelope->thread_id);

        g_mime_object_set_header(object, "In-Reply-To", thread, NULL);
        g_mime_object_set_header(object, "References", thread, NULL);
    }
    /* RFC 3834: nobody's absence notice shall answer. */
    g_mime_object_set_header(object, "Auto-Submitted", "auto-generated", NULL);
    g_mime_object_set_header(object, "X-Auto-Response-Suppress", "All", NULL);
}

GBytes *
message_format(const MessageEnvelope *envelope, const MessageBody *body)
{
    prepare();

    g_autoptr(MimeObject) message = GMIME_OBJECT(g_mime_message_new(TRUE));
    g_autoptr(MimeObject) parts = make_parts(body, envelope->message_id);
    GMimeFormatOptions *format = g_mime_format_options_new();

    set_headers(GMIME_MESSAGE(message), envelope, body->subject);
    g_mime_message_set_mime_part(GMIME_MESSAGE(message), parts);
    g_mime_format_options_set_newline_format(format, GMIME_NEWLINE_FORMAT_DOS);

    GMimeStream *stream = g_mime_stream_mem_new();
    g_mime_object_write_to_stream(message, format, stream);

    GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    GBytes *result = g_bytes_new(bytes->data, bytes->len);
    g_object_unref(stream);
    g_mime_format_options_free(format);
    return result;
}
