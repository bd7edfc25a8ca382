/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>

#include "alert-words.h"
#include "clock.h"
#include "command.h"
#include "explain-text.h"
#include "incident-json.h"
#include "json-writer.h"
#include "terminal.h"

#define DEFAULT_CONTACTS 10

/* --- for programs --- */

static void
write_evidence(JsonWriter *json, const Evidence *evidence)
{
    json_writer_time(json, "from", evidence->from_us);
    json_writer_time(json, "to", evidence->to_us);
    json_writer_begin_array(json, "terms");
    for (size_t i = 0; i < evidence->n_terms; i++) {
        json_writer_begin_object(json, NULL);
        json_writer_string(json, "name", evidence->terms[i].name);
        json_writer_double(json, "points", evidence->terms[i].points);
        json_writer_double(json, "max", evidence->terms[i].max_points);
        json_writer_string(json, "why", evidence->terms[i].why);
        json_writer_end_object(json);
    }
    json_writer_end_array(json);
    json_writer_begin_object(json, "numbers");
    for (size_t i = 0; i < evidence->n_numbers; i++) {
        const EvidenceNumber *number = &evidence->numbers[i];

        if (number->text)
            json_writer_string(json, number->name, number->text);
        else
            json_writer_double(json, number->name, number->value);
    }
    json_writer_end_object(json);
    json_writer_begin_array(json, "contacts");
    for (size_t i = 0; i < evidence->n_events; i++) {
        json_writer_begin_object(json, NULL);
        json_writer_time(json, "at", evidence->events[i].start_us);
        json_writer_uint(json, "octets", evidence->events[i].out_octets);
        json_writer_end_object(json);
    }
    json_writer_end_array(json);
    json_writer_begin_array(json, "hours");
    for (size_t i = 0; i < evidence->n_hours; i++) {
        json_writer_begin_object(json, NULL);
        json_writer_time(json, "hour", evidence->hours[i].hour_us);
        json_writer_uint(json, "out", evidence->hours[i].out_octets);
        json_writer_uint(json, "in", evidence->hours[i].in_octets);
        json_writer_double(json, "low", evidence->hours[i].baseline_low_octets);
        json_writer_double(json, "high", evidence->hours[i].baseline_high_octets);
        json_writer_end_object(json);
    }
    json_writer_end_array(json);
}

static void
write_findings(JsonWriter *json, const GArray *findings)
{
    json_writer_begin_array(json, "findings");
    for (unsigned i = 0; i < findings->len; i++) {
        const IncidentFinding *finding = &g_array_index(findings, IncidentFinding, i);

        json_writer_begin_object(json, NULL);
        json_writer_string(json, "rule", finding->rule);
        json_writer_string(json, "peer_network", finding->peer_network);
        json_writer_int(json, "port", finding->port);
        json_writer_string(json, "severity", finding->severity);
        json_writer_double(json, "score", finding->score);
        json_writer_double(json, "magnitude", finding->magnitude);
        json_writer_time(json, "found_at", finding->found_us);
        json_writer_string(json, "explanation", finding->explanation);
        json_writer_end_object(json);
    }
    json_writer_end_array(json);
}

static void
write_events(JsonWriter *json, const GArray *events)
{
    json_writer_begin_array(json, "history");
    for (unsigned i = 0; i < events->len; i++) {
        const IncidentEvent *event = &g_array_index(events, IncidentEvent, i);

        json_writer_begin_object(json, NULL);
        json_writer_time(json, "at", event->at_us);
        json_writer_string(json, "what", event->what);
        json_writer_bool(json, "tell", event->tell);
        json_writer_string(json, "severity", event->severity);
        json_writer_double(json, "score", event->score);
        json_writer_double(json, "magnitude", event->magnitude);
        json_writer_string(json, "explanation", event->explanation);
        json_writer_string(json, "who", event->who);
        json_writer_string(json, "note", event->note);
        json_writer_bool(json, "composed", event->composed);
        json_writer_end_object(json);
    }
    json_writer_end_array(json);
}

static void
print_json(const ExplainFacts *facts)
{
    g_autoptr(JsonWriter) json = json_writer_new();

    json_writer_begin_object(json, NULL);
    incident_json_write(json, facts->incident);
    if (facts->evidence)
        write_evidence(json, facts->evidence);
    write_findings(json, facts->findings);
    write_events(json, facts->events);
    json_writer_end_object(json);
    fputs(json_writer_text(json), stdout);
}

/* --- the command --- */

static int
run(Cli *cli, int64_t id, unsigned n_contacts, bool as_json, GError **error)
{
    g_autoptr(PGconn) conn = cli_connect(cli, "flowkeep explain", error);

    if (!conn ||
        !db_exec(conn, "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
                 error))
        return CLI_FAILED;

    g_autoptr(Incident) incident = incident_store_get(conn, id, error);
    if (!incident) {
        if (!*error)
            g_set_error(error, DB_ERROR, DB_ERROR_REJECTED,
                        "there is no alert %" G_GINT64_FORMAT
                        "; `flowkeep alerts --all` lists them",
                        id);
        return CLI_FAILED;
    }

    g_autoptr(GArray) events = incident_store_events(conn, id, error);
    g_autoptr(GArray) findings =
        events ? incident_store_findings(conn, id, error) : NULL;
    g_autoptr(Evidence) evidence = evidence_parse(incident->evidence, NULL);
    if (!findings)
        return CLI_FAILED;

    const ExplainFacts facts = {
        .incident = incident,
        .evidence = evidence,
        .events = events,
        .findings = findings,
        .now_us = clock_wall_us(),
        .n_contacts = n_contacts,
        .style = { .columns = CLAMP(terminal_columns(), DRAWING_MIN_COLUMNS,
                                    DRAWING_MAX_COLUMNS),
                   .is_utf8 = terminal_is_utf8() },
    };
    if (as_json) {
        print_json(&facts);
    } else {
        g_autofree char *text = explain_text(&facts);

        fputs(text, stdout);
    }
    return CLI_DONE;
}

static int
exec(Cli *cli, char ***arguments, GError **error)
{
    gboolean as_json = FALSE;
    int n_contacts = DEFAULT_CONTACTS;
    int64_t id;
    const GOptionEntry options[] = {
        { "contacts", 0, 0, G_OPTION_ARG_INT, &n_contacts,
          "So many of the newest contacts and hours (10)", "N" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "Write JSON", NULL },
        { NULL },
    };

    if (!command_parse(&cmd_explain, cli, options, arguments, error) ||
        !command_check_words(&cmd_explain, *arguments, 1, error))
        return CLI_DONE;
    if (!(*arguments)[1]) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "which one? usage: flowkeep %s %s", cmd_explain.name,
                    cmd_explain.usage);
        return CLI_USAGE;
    }
    if (!alert_words_parse_alert((*arguments)[1], &id, error))
        return CLI_USAGE;
    return run(cli, id, (unsigned) CLAMP(n_contacts, 0, FINDING_MAX_EVENTS), as_json,
               error);
}

const Command cmd_explain = {
    .name = "explain",
    .usage = "ALERT [--contacts N] [--json]",
    .help = "Say why an incident was raised, with pictures, and what to do",
    .exec = exec,
};
