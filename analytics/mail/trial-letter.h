/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* TrialLetter: what `flowkeep mail-test` sends, so that people see that mail comes
 * through, and that its picture is shown.  Pure. */

#include <stdint.h>

#include "mail/message.h"
#include "mail/routing.h"

void trial_letter_write(const MailPolicy *policy, const Recipient *recipient,
                        const char *message_id, int64_t now_us, MessageBody *body);
