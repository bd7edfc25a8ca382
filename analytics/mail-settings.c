/* SPDX-License-Identifier: Apache-2.0 */
#include "mail-settings.h"

SmtpOptions
mail_settings_smtp(const AnalyticsSettings *settings)
{
    return (SmtpOptions){ .server = settings->smtp_server,
                          .port = settings->smtp_port,
                          .security = (SmtpSecurity) settings->smtp_security,
                          .user = settings->smtp_user,
                          .password_file = settings->smtp_password_file,
                          .ca_file = settings->smtp_ca_file,
                          .timeout_sec = settings->smtp_timeout_sec };
}

MailPolicy
mail_settings_policy(const AnalyticsSettings *settings, Recipient **recipients)
{
    *recipients = g_new0(Recipient, settings->n_recipient + 1);
    for (size_t i = 0; i < settings->n_recipient; i++) {
        const RecipientSettings *from = &settings->recipient[i];

        (*recipients)[i] = (Recipient){ .name = from->name,
                                        .address = from->address,
                                        .groups = from->groups,
                                        .alerts = from->alerts,
                                        .digest = from->digest };
    }
    return (MailPolicy){ .instance = settings->name,
                         .from = settings->mail_from,
                         .link = settings->mail_link,
                         .digest_hour = settings->mail_digest_hour,
                         .cap_per_hour = settings->mail_cap_per_hour,
                         .retry_hours = settings->mail_retry_hours,
                         .recipients = *recipients,
                         .n_recipients = settings->n_recipient };
}
