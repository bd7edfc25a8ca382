/* SPDX-License-Identifier: Apache-2.0 */
#include "decode-limits.h"

DecoderLimits
decode_limits_from_settings(const Settings *settings)
{
    return (DecoderLimits){
        .max_exporters = settings->max_exporters,
        .max_templates = settings->max_templates,
        .max_fields = settings->max_fields,
        .max_template_bytes = settings->max_template_bytes,
        .max_options = settings->max_options,
        .max_waiting = settings->max_waiting,
        .max_waiting_per_exporter = settings->max_waiting_per_exporter,
        .template_lifetime_sec = settings->template_lifetime_sec,
        .wait_sec = settings->wait_sec,
        .template_hold_sec = settings->template_hold_sec,
        .quarantine_messages = settings->quarantine_messages,
        .quarantine_sec = settings->quarantine_sec,
    };
}
