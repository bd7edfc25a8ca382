/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/smtp.h"

#include <curl/curl.h>
#include <string.h>

#include "clock.h"
#include "printable.h"

#define MAX_DIALOGUE_BYTES 16384
#define MAX_LINE_BYTES     500

/* How far the conversation is. */
typedef enum { STAGE_GREETING, STAGE_MAIL, STAGE_RCPT, STAGE_DATA, N_STAGES } Stage;

static const char *const commands[N_STAGES] = { "hello", "MAIL FROM", "RCPT TO",
                                                "DATA" };

/* What we say that is no secret. */
static const char *const public_words[] = { "EHLO",       "HELO",     "STARTTLS",
                                            "MAIL FROM:", "RCPT TO:", "DATA",
                                            "RSET",       "NOOP",     "QUIT" };

struct Smtp {
    SmtpOptions options;
    CURL *curl;
    char *url;
    char *password;
    GString *dialogue;

    /* Of the message under way. */
    Stage stage;
    int code;       /* of the server's last answer; 0 = none in this stage */
    char *line;     /* the last answer itself */
    const char *at; /* what is left of the message */
    size_t n_left;
    bool is_ending; /* the last of it is given away */
    bool is_over;   /* we said QUIT: what is answered to that is of no interest */
    int64_t deadline_us;
    bool is_late;
    SmtpBeforeEnd before_end;
    void *user_data;
};

/* --- what curl asks and tells --- */

static size_t
on_read(char *to, size_t size, size_t n, void *user_data)
{
    Smtp *self = user_data;
    const size_t n_bytes = MIN(size * n, self->n_left);

    if (n_bytes == self->n_left && !self->is_ending) {
        if (self->before_end && !self->before_end(self->user_data))
            return CURL_READFUNC_ABORT;
        self->is_ending = true;
        self->deadline_us = clock_mono_us() + SMTP_LAST_ANSWER_SEC * US_PER_SEC;
    }
    memcpy(to, self->at, n_bytes);
    self->at += n_bytes;
    self->n_left -= n_bytes;
    return n_bytes;
}

/* Every second or so.  Curl's own limit on the whole would also cut off the wait for
 * the last answer. */
static int
on_progress(void *user_data, curl_off_t down_total, curl_off_t down,
            curl_off_t up_total, curl_off_t up)
{
    Smtp *self = user_data;

    (void) down_total, (void) down, (void) up_total, (void) up;
    self->is_late = clock_mono_us() > self->deadline_us;
    return self->is_late;
}

static void
add_to_dialogue(Smtp *self, const char *arrow, const char *line)
{
    g_autofree char *shown = printable(line);

    if (self->dialogue->len < MAX_DIALOGUE_BYTES)
        g_string_append_printf(self->dialogue, "%s %s\n", arrow, shown);
}

/* A line of ours: how far are we? */
static void
note_command(Smtp *self, const char *line)
{
    if (g_str_has_prefix(line, "MAIL FROM:"))
        self->stage = STAGE_MAIL;
    else if (g_str_has_prefix(line, "RCPT TO:"))
        self->stage = STAGE_RCPT;
    else if (g_str_equal(line, "DATA"))
        self->stage = STAGE_DATA;
    else if (g_str_equal(line, "QUIT"))
        self->is_over = true;
    if (!self->is_over)
        self->code = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(public_words); i++) {
        if (g_str_has_prefix(line, public_words[i])) {
            add_to_dialogue(self, ">", line);
            return;
        }
    }
    add_to_dialogue(self, ">", "(login)");
}

static void
note_answer(Smtp *self, const char *line)
{
    add_to_dialogue(self, "<", line);
    if (self->is_over)
        return;
    g_free(self->line);
    self->line = g_strdup(line);
    self->code = (int) g_ascii_strtoll(line, NULL, 10);
}

static int
on_debug(CURL *curl, curl_infotype type, char *data, size_t n_bytes, void *user_data)
{
    Smtp *self = user_data;

    (void) curl;
    if (type != CURLINFO_HEADER_OUT && type != CURLINFO_HEADER_IN)
        return 0;

    g_autofree char *text = g_strndup(data, n_bytes);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (size_t i = 0; lines[i]; i++) {
        g_strchomp(lines[i]);
        if (strlen(lines[i]) > MAX_LINE_BYTES)
            lines[i][MAX_LINE_BYTES] = '\0';
        if (!lines[i][0])
            continue;
        if (type == CURLINFO_HEADER_OUT)
            note_command(self, lines[i]);
        else
            note_answer(self, lines[i]);
    }
    memset(text, 0, n_bytes); /* it may be the password */
    return 0;
}

/* --- life --- */

static char *
read_password(const char *path, GError **error)
{
    char *password = NULL;

    if (!g_file_get_contents(path, &password, NULL, error))
        return NULL;
    g_strchomp(password);
    return password;
}

static char *
make_url(const SmtpOptions *options)
{
    const char *scheme = options->security == SMTP_TLS ? "smtps" : "smtp";
    const bool is_v6 = strchr(options->server, ':') != NULL;

    return g_strdup_printf(is_v6 ? "%s://[%s]:%u" : "%s://%s:%u", scheme,
                           options->server, options->port);
}

static void
set_options(Smtp *self)
{
    const SmtpOptions *options = &self->options;
    CURL *curl = self->curl;

    curl_easy_setopt(curl, CURLOPT_URL, self->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever the environment says */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USE_SSL,
                     options->security == SMTP_PLAIN ? (long) CURLUSESSL_NONE
                                                     : (long) CURLUSESSL_ALL);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    if (options->ca_file[0]) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, options->ca_file);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    if (options->user[0]) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, options->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, self->password ? self->password : "");
    }
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long) options->timeout_sec);
    curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT,
                     (long) SMTP_LAST_ANSWER_SEC);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, self);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, self);
    curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, on_debug);
    curl_easy_setopt(curl, CURLOPT_DEBUGDATA, self);
}

Smtp *
smtp_new(const SmtpOptions *options, GError **error)
{
    static gsize prepared;
    g_autoptr(Smtp) self = g_new0(Smtp, 1);

    if (g_once_init_enter(&prepared)) {
        curl_global_init(CURL_GLOBAL_DEFAULT);
        g_once_init_leave(&prepared, 1);
    }
    self->options = *options;
    if (options->password_file[0]) {
        self->password = read_password(options->password_file, error);
        if (!self->password)
            return NULL;
    }
    self->dialogue = g_string_new(NULL);
    self->url = make_url(options);
    self->curl = curl_easy_init();
    g_assert(self->curl);
    set_options(self);
    return g_steal_pointer(&self);
}

void
smtp_free(Smtp *self)
{
    if (!self)
        return;
    if (self->curl)
        curl_easy_cleanup(self->curl);
    if (self->dialogue)
        g_string_free(self->dialogue, TRUE);
    if (self->password)
        explicit_bzero(self->password, strlen(self->password));
    g_free(self->password);
    g_free(self->url);
    g_free(self->line);
    g_free(self);
}

const char *
smtp_dialogue(const Smtp *self)
{
    return self->dialogue->str;
}

/* --- sending --- */

static SmtpResult
judge(const Smtp *self, CURLcode status)
{
    const int class = self->code / 100;
    const bool is_closing = self->code == 421; /* RFC 5321 3.8 */

    if (status == CURLE_OK)
        return SMTP_TAKEN;
    if (self->stage == STAGE_GREETING)
        return SMTP_UNREACHABLE;
    if (class == 4 && !is_closing)
        return SMTP_LATER;
    if (class == 5 && self->stage >= STAGE_RCPT)
        return SMTP_REFUSED;
    /* Refused is who we say we are, which concerns every message; but for its size. */
    if (class == 5 && self->stage == STAGE_MAIL)
        return self->code == 552 ? SMTP_REFUSED : SMTP_UNREACHABLE;
    return is_closing && self->stage == STAGE_MAIL ? SMTP_UNREACHABLE : SMTP_BROKEN;
}

static char *
explain(const Smtp *self, CURLcode status, const char *curl_says)
{
    GString *text = g_string_new(NULL);

    if (status != CURLE_OK && self->code < 400) {
        g_string_append_printf(text, "%s:%u: ", self->options.server,
                               self->options.port);
        if (self->is_late)
            g_string_append_printf(text, "no answer in time to %s",
                                   self->is_ending ? "the end of the message"
                                                   : commands[self->stage]);
        else
            printable_append(text,
                             curl_says[0] ? curl_says : curl_easy_strerror(status));
        if (self->is_ending && !self->is_late)
            g_string_append(text, " (when the whole message had been sent)");
        return g_string_free(text, FALSE);
    }
    if (status != CURLE_OK)
        g_string_append_printf(text, "answer to %s: ",
                               self->is_ending ? "the message" : commands[self->stage]);
    printable_append(text, self->line);
    return g_string_free(text, FALSE);
}

SmtpResult
smtp_send(Smtp *self, const char *from, const char *to, GBytes *message,
          SmtpBeforeEnd before_end, void *user_data, char **said)
{
    char curl_says[CURL_ERROR_SIZE] = "";
    g_autofree char *sender = g_strdup_printf("<%s>", from);
    g_autofree char *recipient = g_strdup_printf("<%s>", to);
    struct curl_slist *recipients = curl_slist_append(NULL, recipient);

    g_string_truncate(self->dialogue, 0);
    g_clear_pointer(&self->line, g_free);
    self->stage = STAGE_GREETING;
    self->code = 0;
    self->is_ending = self->is_over = self->is_late = false;
    self->at = g_bytes_get_data(message, &self->n_left);
    self->before_end = before_end;
    self->user_data = user_data;
    self->deadline_us = clock_mono_us() + self->options.timeout_sec * US_PER_SEC;

    curl_easy_setopt(self->curl, CURLOPT_MAIL_FROM, sender);
    curl_easy_setopt(self->curl, CURLOPT_MAIL_RCPT, recipients);
    curl_easy_setopt(self->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t) self->n_left);
    curl_easy_setopt(self->curl, CURLOPT_ERRORBUFFER, curl_says);

    const CURLcode status = curl_easy_perform(self->curl);

    curl_easy_setopt(self->curl, CURLOPT_ERRORBUFFER, NULL);
    curl_easy_setopt(self->curl, CURLOPT_MAIL_RCPT, NULL);
    curl_slist_free_all(recipients);
    *said = explain(self, status, curl_says);
    return judge(self, status);
}
