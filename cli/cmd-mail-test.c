/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "clock.h"
#include "command.h"
#include "mail-settings.h"
#include "mail/smtp.h"
#include "mail/trial-letter.h"

static const char *const results[] = {
    [SMTP_TAKEN] = "taken",
    [SMTP_LATER] = "not taken now; a real message would be tried again",
    [SMTP_REFUSED] = "refused for good",
    [SMTP_BROKEN] = "the connection broke off; a real message would be tried again",
    [SMTP_UNREACHABLE] = "not reached; all mail would wait",
};

static GBytes *
write_message(const MailPolicy *policy, const Recipient *recipient)
{
    const int64_t now_us = clock_wall_us();
    g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, now_us);
    g_autofree char *from_name = g_strdup_printf("Flowkeep at %s", policy->instance);
    g_autofree char *id =
        message_id("test", number, recipient->name, policy->instance, policy->from);
    const MessageEnvelope envelope = { .from_name = from_name,
                                       .from = policy->from,
                                       .to = recipient->address,
                                       .message_id = id,
                                       .date_us = now_us };
    g_auto(MessageBody) body = { 0 };

    trial_letter_write(policy, recipient, id, now_us, &body);
    return message_format(&envelope, &body);
}

/* The dialogue is what helps when something is wrong. */
static void
print_dialogue(const Smtp *smtp)
{
    g_auto(GStrv) lines = g_strsplit(smtp_dialogue(smtp), "\n", -1);

    for (size_t i = 0; lines[i] && lines[i][0]; i++)
        printf("    %s\n", lines[i]);
}

static bool
try_one(Smtp *smtp, const MailPolicy *policy, const Recipient *recipient, bool verbose)
{
    g_autoptr(GBytes) message = write_message(policy, recipient);
    g_autofree char *said = NULL;
    const SmtpResult result =
        smtp_send(smtp, policy->from, recipient->address, message, NULL, NULL, &said);

    printf("%s <%s>: %s\n    %s\n", recipient->name, recipient->address,
           results[result], said);
    if (verbose || result != SMTP_TAKEN)
        print_dialogue(smtp);
    return result == SMTP_TAKEN;
}

/* What must be configured. */
static bool
check_settings(const AnalyticsSettings *settings, const char *which, GError **error)
{
    bool is_known = false;

    for (size_t i = 0; i < settings->n_recipient; i++)
        is_known =
            is_known || !which || g_str_equal(settings->recipient[i].name, which);
    if (!settings->smtp_server[0])
        g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_KEY_NOT_FOUND,
                    "[smtp] server is not set: mail waits in the outbox");
    else if (!is_known && which)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "there is no section [recipient %s]", which);
    else if (!is_known)
        g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_GROUP_NOT_FOUND,
                    "there is no [recipient NAME] section: nobody gets mail");
    return settings->smtp_server[0] && is_known;
}

static int
run(Cli *cli, const char *which, bool verbose, GError **error)
{
    const AnalyticsSettings *settings = cli_analytics_settings(cli, error);

    if (!settings || !check_settings(settings, which, error))
        return CLI_USAGE;

    g_autofree Recipient *recipients = NULL;
    const MailPolicy policy = mail_settings_policy(settings, &recipients);
    const SmtpOptions options = mail_settings_smtp(settings);
    g_autoptr(Smtp) smtp = smtp_new(&options, error);
    int status = CLI_DONE;

    if (!smtp)
        return CLI_FAILED;
    printf("%s:%u, as %s\n", options.server, options.port, policy.from);
    for (size_t i = 0; i < policy.n_recipients; i++) {
        if ((!which || g_str_equal(recipients[i].name, which)) &&
            !try_one(smtp, &policy, &recipients[i], verbose))
            status = CLI_FAILED;
    }
    return status;
}

static int
exec(Cli *cli, char ***arguments, GError **error)
{
    gboolean verbose = FALSE;
    const GOptionEntry options[] = {
        { "verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose,
          "Show what was said to the mail server and by it, also when all is well",
          NULL },
        { NULL },
    };

    if (!command_parse(&cmd_mail_test, cli, options, arguments, error) ||
        !command_check_words(&cmd_mail_test, *arguments, 1, error))
        return CLI_DONE;
    return run(cli, (*arguments)[1], verbose, error);
}

const Command cmd_mail_test = {
    .name = "mail-test",
    .usage = "[-v] [RECIPIENT]",
    .help = "Send a test message now, and say what the mail server answers",
    .exec = exec,
};
