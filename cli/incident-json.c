/* SPDX-License-Identifier: Apache-2.0 */
#include "incident-json.h"

void
incident_json_write(JsonWriter *json, const Incident *incident)
{
    json_writer_int(json, "id", incident->id);
    json_writer_string(json, "state", incident->state);
    json_writer_string(json, "severity", incident->severity);
    json_writer_double(json, "score", incident->score);
    json_writer_string(json, "kind", incident->kind);
    json_writer_string(json, "rule", incident->rule);
    json_writer_string(json, "host", incident->host);
    json_writer_string(json, "host_group",
                       *incident->host_group ? incident->host_group : NULL);
    json_writer_string(json, "peer", incident->peer);
    json_writer_string(json, "peer_network", incident->peer_network);
    json_writer_int(json, "port", incident->port);
    json_writer_int(json, "protocol", incident->protocol);
    json_writer_int(json, "initiator", incident->initiator);
    json_writer_double(json, "magnitude", incident->magnitude);
    json_writer_time(json, "first_contact_at", incident->first_contact_us);
    json_writer_time(json, "last_contact_at", incident->last_contact_us);
    json_writer_time(json, "opened_at", incident->opened_us);
    json_writer_time(json, "found_at", incident->found_us);
    json_writer_time(json, "told_at", incident->told_us);
    json_writer_time(json, "resolved_at", incident->resolved_us);
    json_writer_string(json, "title", incident->title);
    json_writer_string(json, "explanation", incident->explanation);
    if (incident->mute_id == 0) {
        json_writer_null(json, "mute");
        return;
    }
    json_writer_begin_object(json, "mute");
    json_writer_int(json, "id", incident->mute_id);
    json_writer_string(json, "reason", incident->mute_reason);
    json_writer_time(json, "until_at", incident->mute_until_us);
    json_writer_end_object(json);
}
