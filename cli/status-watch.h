/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* StatusWatch: jobs, incidents and mail, as `flowkeep status` shows them. */

#include "json-writer.h"
#include "status-analytics.h"

void status_watch_print(const StatusAnalytics *analytics, int64_t now_us);

/* Members of the object that is open. */
void status_watch_write(JsonWriter *json, const StatusAnalytics *analytics);
