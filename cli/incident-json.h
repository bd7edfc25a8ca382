/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* IncidentJson: an incident as the members of a JSON object, for --json. */

#include "alert/incident-store.h"
#include "json-writer.h"

/* Into the object that is open; without evidence. */
void incident_json_write(JsonWriter *json, const Incident *incident);
