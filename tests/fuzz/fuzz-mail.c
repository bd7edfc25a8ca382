/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz target: mail about an incident whose every text is hostile.
 *
 * The input is texts with a NUL between them (see Texts), evidence in JSON among them.
 * They go through the letter and the message to the bytes for the mail server, which
 * are then read back by GMime as a mail client would: one recipient, the headers there
 * should be and each once, two alternatives, nothing in text or HTML that is not ours
 * to say; all ASCII in lines of legal length. */

#include <gmime/gmime.h>
#include <stdbool.h>
#include <string.h>

#include "budget.h"
#include "html-checker.h"
#include "mail/alert-letter.h"

#define MAX_BYTES   16384
#define AT_US       (INT64_C(1795200000) * 1000000)
#define LINE_OCTETS 998 /* RFC 5322 2.1.1 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In the order of the input; what is missing is "".  The first octet of the input
 * stands before them: bits 0-2 what happened, 3-4 who called, 5 there was mail before.
 */
enum {
    EVIDENCE,
    GROUP,
    EXPLANATION,
    TITLE,
    INSTANCE,
    PEERS,
    HOST,
    KIND,
    RULE,
    FROM_NAME,
    RECIPIENT,
    LINK,
    WHAT,
    N_TEXTS
};

typedef struct {
    char *text[N_TEXTS];
    unsigned flags;
} Texts;

static void
read_texts(Texts *texts, const uint8_t *data, size_t size)
{
    const char *at = (const char *) data;
    const char *end = at + size;

    texts->flags = size > 0 ? (uint8_t) *at++ : 0;
    for (size_t i = 0; i < N_TEXTS; i++) {
        const size_t n = at < end ? strnlen(at, (size_t) (end - at)) : 0;

        texts->text[i] = n > 0 ? g_utf8_make_valid(at, (gssize) n) : g_strdup("");
        at = at < end ? MIN(at + n + 1, end) : end;
    }
}

static void
clear_texts(Texts *texts)
{
    for (size_t i = 0; i < N_TEXTS; i++)
        g_free(texts->text[i]);
}

static void
write_letter(const Texts *texts, const char *message_id, MessageBody *body)
{
    static const char *const whats[] = { "opened",   "grew",    "severity", "resolved",
                                         "reopened", "widened", "unmuted",  NULL };
    char *const *text = texts->text;
    const char *what = whats[texts->flags & 7];
    const Incident incident = {
        .id = 4711,
        .kind = text[KIND][0] ? text[KIND] : (char *) "beacon",
        .rule = text[RULE],
        .host = text[HOST],
        .host_group = text[GROUP],
        .peer = text[PEERS],
        .peer_network = text[PEERS],
        .port = texts->flags & 8 ? 443 : 0,
        .protocol = 6,
        .initiator = (int) (texts->flags >> 3 & 3),
        .state = (char *) "open",
        .severity = (char *) "mail",
        .score = 99.4,
        .magnitude = 3188,
        .opened_us = AT_US,
        .found_us = AT_US,
        .title = text[TITLE],
        .explanation = text[EXPLANATION],
        .evidence = text[EVIDENCE],
    };
    const IncidentEvent event = { .id = 1,
                                  .at_us = AT_US,
                                  .what = what ? (char *) what : text[WHAT],
                                  .score = 99.4,
                                  .magnitude = 3188,
                                  .explanation = text[EXPLANATION] };
    g_autoptr(Evidence) evidence = evidence_parse(text[EVIDENCE], NULL);
    g_auto(IncidentView) view = { 0 };

    incident_view_init(&view, &incident, evidence);
    const AlertLetter letter = { .view = &view,
                                 .event = &event,
                                 .previous = texts->flags & 0x20 ? &event : NULL,
                                 .instance = text[INSTANCE],
                                 .link = text[LINK],
                                 .message_id = message_id,
                                 .n_held = texts->flags >> 6,
                                 .cap_per_hour = 20 };
    alert_letter_write(&letter, body);
}

/* --- reading back --- */

static void
check_wire(GBytes *bytes)
{
    size_t n_bytes, column = 0;
    const uint8_t *data = g_bytes_get_data(bytes, &n_bytes);

    for (size_t i = 0; i < n_bytes; i++) {
        g_assert_true(data[i] > 0 && data[i] < 0x80);
        g_assert_true((data[i] == '\n') == (i > 0 && data[i - 1] == '\r'));
        column = data[i] == '\n' || data[i] == '\r' ? 0 : column + 1;
        g_assert_cmpuint(column, <=, LINE_OCTETS);
    }
    g_assert_cmpuint(column, ==, 0);
}

/* One line each, in the bytes themselves: a parser could be lenient. */
static void
check_headers(GMimeMessage *message)
{
    static const char *const names[] = {
        "From",           "To",
        "Subject",        "Date",
        "Message-Id",     "MIME-Version",
        "In-Reply-To",    "References",
        "Auto-Submitted", "X-Auto-Response-Suppress",
        "Content-Type",
    };
    GMimeHeaderList *list = g_mime_object_get_header_list(GMIME_OBJECT(message));
    unsigned seen = 0;

    for (int i = 0; i < g_mime_header_list_get_count(list); i++) {
        GMimeHeader *header = g_mime_header_list_get_header_at(list, i);
        unsigned which = 0;

        while (g_ascii_strcasecmp(names[which], g_mime_header_get_name(header)) != 0)
            g_assert_cmpuint(++which, <, G_N_ELEMENTS(names));
        g_assert_false(seen & 1u << which);
        seen |= 1u << which;
    }
    g_assert_cmpuint(seen & 0x3f, ==, 0x3f);
}

static bool
has_control(const char *text, const char *allowed)
{
    for (; *text; text++) {
        if ((unsigned char) *text < 0x20 && !strchr(allowed, *text))
            return true;
    }
    return false;
}

static void
check_one_address(InternetAddressList *list, const char *address)
{
    g_assert_cmpint(internet_address_list_length(list), ==, 1);
    InternetAddress *one = internet_address_list_get_address(list, 0);
    g_assert_true(INTERNET_ADDRESS_IS_MAILBOX(one));
    g_assert_cmpstr(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(one)),
                    ==, address);
}

static void
check_parts(GMimeMessage *message, size_t n_pictures)
{
    GMimeObject *top = g_mime_message_get_mime_part(message);

    g_assert_true(GMIME_IS_MULTIPART(top));
    GMimeMultipart *both = GMIME_MULTIPART(top);
    g_assert_cmpint(g_mime_multipart_get_count(both), ==, 2);
    GMimeObject *second = g_mime_multipart_get_part(both, 1);
    if (n_pictures > 0) {
        g_assert_cmpint(g_mime_multipart_get_count(GMIME_MULTIPART(second)), ==,
                        1 + (int) n_pictures);
        second = g_mime_multipart_get_part(GMIME_MULTIPART(second), 0);
    }
    g_autofree char *plain =
        g_mime_text_part_get_text(GMIME_TEXT_PART(g_mime_multipart_get_part(both, 0)));
    g_autofree char *html = g_mime_text_part_get_text(GMIME_TEXT_PART(second));

    g_assert_true(plain && g_utf8_validate(plain, -1, NULL));
    g_assert_false(has_control(plain, "\r\n"));
    g_auto(GStrv) lines = g_strsplit(html, "\r\n", -1);
    g_autofree char *joined = g_strjoinv("\n", lines);
    g_assert_cmpstr(html_checker_fault(joined), ==, NULL);
}

static void
read_back(GBytes *bytes, const MessageEnvelope *envelope, size_t n_pictures)
{
    size_t n_bytes;
    const char *data = g_bytes_get_data(bytes, &n_bytes);
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(data, n_bytes);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    InternetAddressList *to = g_mime_message_get_all_recipients(message);
    const char *subject = g_mime_message_get_subject(message);

    check_wire(bytes);
    check_headers(message);
    check_one_address(to, envelope->to);
    check_one_address(g_mime_message_get_from(message), envelope->from);
    g_assert_true(subject && !has_control(subject, ""));
    check_parts(message, n_pictures);
    g_object_unref(to);
    g_object_unref(message);
    g_object_unref(parser);
    g_object_unref(stream);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Texts texts;
    g_auto(MessageBody) body = { 0 };

    if (size > MAX_BYTES)
        return -1;

    const Budget budget = budget_begin();
    read_texts(&texts, data, size);
    g_autofree char *id = message_id("alert", "4711", texts.text[RECIPIENT],
                                     texts.text[INSTANCE], "flowkeep@example.net");
    write_letter(&texts, id, &body);

    const MessageEnvelope envelope = { .from_name = texts.text[FROM_NAME],
                                       .from = "flowkeep@example.net",
                                       .to = "ops@example.net",
                                       .message_id = id,
                                       .thread_id = texts.flags & 0x20 ? id : NULL,
                                       .date_us = AT_US };
    g_autoptr(GBytes) bytes = message_format(&envelope, &body);
    read_back(bytes, &envelope, body.n_pictures);
    clear_texts(&texts);
    budget_check(&budget, size);
    return 0;
}
