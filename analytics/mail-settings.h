/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* MailSettings: the settings as the layer mail takes them, which does not know them.
 * Everything is lent as long as the settings are, but for the recipients. */

#include "analytics-settings.h"
#include "mail/routing.h"
#include "mail/smtp.h"

SmtpOptions mail_settings_smtp(const AnalyticsSettings *settings);

/* @recipients gets an array (transfer full) that the policy lends from. */
MailPolicy mail_settings_policy(const AnalyticsSettings *settings,
                                Recipient **recipients);
