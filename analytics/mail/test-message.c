/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/message.h"

#include <gmime/gmime.h>
#include <stdbool.h>
#include <string.h>

#include "clock.h"
#include "mail/html.h"

#define AT_US (INT64_C(1795200000) * US_PER_SEC)

/* Everything that ever broke out of something. */
static const char *const evil[] = {
    "a\r\nBcc: victim@example.net",
    "a\nBcc: victim@example.net\n\nbody",
    "a\rBcc: victim@example.net",
    "=?utf-8?q?a=0D=0ABcc:_victim@example.net?=",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'; DROP TABLE flowkeep.alert; --",
    "\u202egnp.exe\u2066",
    "\x1b[2J\x07\x7f",
    "\xff\xfe not UTF-8 \xc3",
    "x@example.net>, <victim@example.net",
    "Zo\u00eb \u65e5\u672c \U0001f98a",
};

static MessageBody
body_of(const char *subject, const char *text)
{
    static const char png[] = "\x89PNG\r\n\x1a\n.\r\n..\0picture";
    MessageBody body = { .subject = g_strdup(subject),
                         .text = g_strdup(text),
                         .n_pictures = 1 };
    g_autoptr(Html) html = html_new();

    html_begin(html, "p", NULL);
    html_text(html, text);
    html_end(html);
    body.html = html_steal(html);
    body.pictures[0] = (MessagePicture){ .name = "contacts",
                                         .png = g_bytes_new_static(png, sizeof(png)),
                                         .alt = g_strdup("times") };
    return body;
}

static const MessageEnvelope envelope = {
    .from_name = "Flowkeep at hq",
    .from = "flowkeep@example.net",
    .to = "ops@example.net",
    .message_id = "alert-12.0123456789abcdef.hq@example.net",
    .thread_id = "alert-7.0123456789abcdef.hq@example.net",
    .date_us = AT_US,
};

static GMimeMessage *
parse(GBytes *bytes)
{
    size_t n_bytes;
    const char *data = g_bytes_get_data(bytes, &n_bytes);
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(data, n_bytes);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);

    g_object_unref(parser);
    g_object_unref(stream);
    g_assert_nonnull(message);
    return message;
}

static char *
content_of(GMimeObject *part)
{
    return g_mime_text_part_get_text(GMIME_TEXT_PART(part));
}

static void
test_structure(void)
{
    g_auto(MessageBody) body = body_of("[Flowkeep] a beacon", "In words.\n.\nEnd.");
    g_autoptr(GBytes) bytes = message_format(&envelope, &body);
    GMimeMessage *message = parse(bytes);
    GMimeObject *top = g_mime_message_get_mime_part(message);
    GMimeMultipart *alternative = GMIME_MULTIPART(top);
    GMimeObject *related = g_mime_multipart_get_part(alternative, 1);
    GMimeObject *picture = g_mime_multipart_get_part(GMIME_MULTIPART(related), 1);
    g_autofree char *plain = content_of(g_mime_multipart_get_part(alternative, 0));

    g_assert_true(g_mime_content_type_is_type(g_mime_object_get_content_type(top),
                                              "multipart", "alternative"));
    g_assert_cmpint(g_mime_multipart_get_count(alternative), ==, 2);
    g_assert_cmpstr(plain, ==, "In words.\r\n.\r\nEnd.\r\n");
    g_assert_true(g_mime_content_type_is_type(g_mime_object_get_content_type(related),
                                              "multipart", "related"));
    g_assert_cmpstr(g_mime_object_get_content_id(picture), ==,
                    "contacts.alert-12.0123456789abcdef.hq@example.net");

    /* The picture is what it was, bare CR, LF and dots included. */
    GMimeStream *stream = g_mime_stream_mem_new();
    g_mime_data_wrapper_write_to_stream(g_mime_part_get_content(GMIME_PART(picture)),
                                        stream);
    GByteArray *got = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    size_t n_bytes;
    const void *want = g_bytes_get_data(body.pictures[0].png, &n_bytes);
    g_assert_cmpmem(got->data, got->len, want, n_bytes);
    g_object_unref(stream);
    g_object_unref(message);
}

static void
test_headers(void)
{
    g_auto(MessageBody) body = body_of("[Flowkeep] a beacon", "text");
    g_autoptr(GBytes) bytes = message_format(&envelope, &body);
    GMimeMessage *message = parse(bytes);
    GMimeObject *object = GMIME_OBJECT(message);
    const struct {
        const char *name, *value;
    } headers[] = {
        { "Subject", "[Flowkeep] a beacon" },
        { "Message-Id", "<alert-12.0123456789abcdef.hq@example.net>" },
        { "In-Reply-To", "<alert-7.0123456789abcdef.hq@example.net>" },
        { "References", "<alert-7.0123456789abcdef.hq@example.net>" },
        { "Auto-Submitted", "auto-generated" },
        { "To", "ops@example.net" },
        { "MIME-Version", "1.0" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(headers); i++)
        g_assert_cmpstr(g_mime_object_get_header(object, headers[i].name), ==,
                        headers[i].value);
    g_assert_cmpint(g_date_time_to_unix(g_mime_message_get_date(message)), ==,
                    AT_US / US_PER_SEC);
    g_object_unref(message);
}

/* Every line ends in CRLF, none is longer than RFC 5321 allows, and all is ASCII. */
static void
assert_fits_the_wire(GBytes *bytes)
{
    size_t n_bytes, column = 0;
    const unsigned char *data = g_bytes_get_data(bytes, &n_bytes);

    for (size_t i = 0; i < n_bytes; i++) {
        g_assert_cmpuint(data[i], <, 0x80);
        g_assert_cmpuint(data[i], !=, 0);
        if (data[i] == '\r')
            g_assert_true(i + 1 < n_bytes && data[i + 1] == '\n');
        if (data[i] == '\n')
            g_assert_true(i > 0 && data[i - 1] == '\r');
        column = data[i] == '\n' ? 0 : column + 1;
        g_assert_cmpuint(column, <=, 998);
    }
    g_assert_cmpuint(column, ==, 0);
}

static void
test_nothing_breaks_out(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(evil); i++) {
        g_auto(MessageBody) body = body_of(evil[i], evil[i]);
        MessageEnvelope named = envelope;

        named.from_name = evil[i];
        g_autoptr(GBytes) bytes = message_format(&named, &body);
        GMimeMessage *message = parse(bytes);
        InternetAddressList *to = g_mime_message_get_all_recipients(message);
        InternetAddressList *from = g_mime_message_get_from(message);
        const char *subject = g_mime_message_get_subject(message);

        g_test_message("%" G_GSIZE_FORMAT ": %s", i, subject);
        assert_fits_the_wire(bytes);
        g_assert_null(g_mime_object_get_header(GMIME_OBJECT(message), "Bcc"));
        g_assert_cmpint(internet_address_list_length(to), ==, 1);
        g_assert_cmpint(internet_address_list_length(from), ==, 1);
        g_assert_cmpstr(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(
                            internet_address_list_get_address(from, 0))),
                        ==, "flowkeep@example.net");
        g_assert_null(strpbrk(subject, "\r\n\x1b\x07"));
        g_assert_null(strstr(subject, "\u202e"));
        g_assert_null(strstr(body.html, "<script"));
        g_assert_null(strstr(body.html, "<img"));
        g_object_unref(to);
        g_object_unref(message);
    }
    /* The last one is no attack and arrives as it is. */
    g_auto(MessageBody) body = body_of(evil[G_N_ELEMENTS(evil) - 1], "");
    g_autoptr(GBytes) bytes = message_format(&envelope, &body);
    GMimeMessage *message = parse(bytes);
    g_assert_cmpstr(g_mime_message_get_subject(message), ==,
                    evil[G_N_ELEMENTS(evil) - 1]);
    g_object_unref(message);
}

static void
test_long_texts(void)
{
    g_autofree char *long_word = g_strnfill(5000, 'x');
    g_autofree char *long_text = g_strdup_printf(
        "%s\nwords that are many words that are many words that are many words that "
        "are many words\n  $ %s",
        long_word, long_word);
    g_auto(MessageBody) body = body_of(long_text, long_text);
    g_autoptr(GBytes) bytes = message_format(&envelope, &body);
    GMimeMessage *message = parse(bytes);
    GMimeObject *top = g_mime_message_get_mime_part(message);
    g_autofree char *plain =
        content_of(g_mime_multipart_get_part(GMIME_MULTIPART(top), 0));

    assert_fits_the_wire(bytes);
    g_assert_nonnull(strstr(plain, "that are many words that\r\nare many words\r\n"));
    g_assert_cmpint(g_utf8_strlen(g_mime_message_get_subject(message), -1), ==, 250);
    g_object_unref(message);
}

/* Every column a line might break at. */
static void
test_numbers_keep_their_units(void)
{
    static const char *const wholes[] = { "20 %)", "27.1 s", "349 B", "15 min", "3 d" };

    for (size_t i = 0; i < G_N_ELEMENTS(wholes); i++) {
        for (size_t n = 50; n < 80; n++) {
            g_autofree char *begin = g_strnfill(n, 'x');
            g_autofree char *text =
                g_strdup_printf("%s about %s and more words", begin, wholes[i]);
            g_auto(MessageBody) body = body_of("units", text);
            g_autoptr(GBytes) bytes = message_format(&envelope, &body);
            GMimeMessage *message = parse(bytes);
            GMimeObject *top = g_mime_message_get_mime_part(message);
            g_autofree char *plain =
                content_of(g_mime_multipart_get_part(GMIME_MULTIPART(top), 0));
            g_auto(GStrv) number_unit = g_strsplit(wholes[i], " ", 2);
            g_autofree char *nbsp = g_strjoinv("&nbsp;", number_unit);

            g_assert_nonnull(strstr(plain, wholes[i]));
            g_assert_nonnull(strstr(body.html, nbsp));
            g_object_unref(message);
        }
    }
}

static void
test_lists_hang(void)
{
    g_autofree char *item = g_strnfill(60, 'x');
    g_autofree char *text = g_strdup_printf("* %s a.  Bcdefghij k", item);
    g_auto(MessageBody) body = body_of("list", text);
    g_autoptr(GBytes) bytes = message_format(&envelope, &body);
    GMimeMessage *message = parse(bytes);
    GMimeObject *top = g_mime_message_get_mime_part(message);
    g_autofree char *plain =
        content_of(g_mime_multipart_get_part(GMIME_MULTIPART(top), 0));

    g_assert_nonnull(strstr(plain, "x a.\r\n  Bcdefghij k\r\n"));
    g_object_unref(message);
}

static void
test_same_parts_same_id(void)
{
    static const struct {
        const char *what, *number, *recipient, *instance, *from, *id;
    } cases[] = {
        { "alert", "12", "ops", "hq", "flowkeep@example.net",
          "alert-12.a92c36e66a25ee99.hq@example.net" },
        { "digest", "2026-11-24", "ops", "hq", "flowkeep@example.net",
          "digest-2026-11-24.a92c36e66a25ee99.hq@example.net" },
        { "alert", "12", "ops", "h\r\nq> <x", "a@b\u00e9.net>",
          "alert-12.a92c36e66a25ee99.h--q---x@b--.net-" },
        { "alert", "12", "ops", "", "nobody", "alert-12.a92c36e66a25ee99.-@nobody" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *id =
            message_id(cases[i].what, cases[i].number, cases[i].recipient,
                       cases[i].instance, cases[i].from);
        g_autofree char *other = message_id(cases[i].what, cases[i].number, "net",
                                            cases[i].instance, cases[i].from);

        g_assert_cmpstr(id, ==, cases[i].id);
        g_assert_cmpstr(id, !=, other);
    }
}

static void
test_links_go_to_the_web_only(void)
{
    static const struct {
        const char *url;
        bool is_link;
    } cases[] = {
        { "https://grafana.example.net/d/x?var-alert=4711&x=\"y", true },
        { "http://grafana/", true },
        { "javascript:alert(1)", false },
        { " https://x", false },
        { "data:text/html,x", false },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Html) html = html_new();

        html_link(html, cases[i].url, "here");
        g_autofree char *text = html_steal(html);
        g_assert_cmpint(strstr(text, "href") != NULL, ==, cases[i].is_link);
        g_assert_null(strstr(text, "=\"y"));
        g_assert_nonnull(strstr(text, "here"));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/message/has-text-html-and-pictures", test_structure);
    g_test_add_func("/message/headers-are-those-of-a-program", test_headers);
    g_test_add_func("/message/nothing-breaks-out-of-its-place",
                    test_nothing_breaks_out);
    g_test_add_func("/message/long-texts-are-wrapped", test_long_texts);
    g_test_add_func("/message/numbers-keep-their-units", test_numbers_keep_their_units);
    g_test_add_func("/message/lists-hang", test_lists_hang);
    g_test_add_func("/message/same-parts-same-id", test_same_parts_same_id);
    g_test_add_func("/message/links-go-to-the-web-only", test_links_go_to_the_web_only);
    return g_test_run();
}
