/* SPDX-License-Identifier: Apache-2.0 */
#include "replay-report.h"

#include "human.h"
#include "json-writer.h"
#include "text-table.h"

struct ReplayReport {
    const GArray *files;
    GArray *results;   /* of ReplayResult, in the order of files */
    GArray *exporters; /* of ReplayExporter; texts are lent by the outcomes */
};

ReplayReport *
replay_report_new(const GArray *files)
{
    ReplayReport *self = g_new0(ReplayReport, 1);

    self->files = files;
    self->exporters = g_array_new(FALSE, TRUE, sizeof(ReplayExporter));
    self->results = g_array_new(FALSE, TRUE, sizeof(ReplayResult));
    g_array_set_size(self->results, files->len);
    return self;
}

void
replay_report_free(ReplayReport *self)
{
    if (!self)
        return;

    g_array_unref(self->results);
    g_array_unref(self->exporters);
    g_free(self);
}

static void
add_counters(ReplayResult *sum, const ReplayResult *more)
{
    uint64_t *to = (uint64_t *) &sum->decoder;
    const uint64_t *from = (const uint64_t *) &more->decoder;

    for (size_t i = 0; i < sizeof(sum->decoder) / sizeof(*to); i++)
        to[i] += from[i];
    sum->store.rows += more->store.rows;
    sum->store.rejected += more->store.rejected;
}

static void
add_exporter(ReplayReport *self, const ReplayExporter *exporter)
{
    for (unsigned i = 0; i < self->exporters->len; i++) {
        ReplayExporter *known = &g_array_index(self->exporters, ReplayExporter, i);

        if (known->id != exporter->id)
            continue;
        known->flows += exporter->flows;
        known->octets += exporter->octets;
        known->packets += exporter->packets;
        known->lost_gap += exporter->lost_gap;
        known->no_template += exporter->no_template;
        known->malformed += exporter->malformed;
        return;
    }
    g_array_append_val(self->exporters, *exporter);
}

void
replay_report_add(ReplayReport *self, const ReplayOutcome *outcome)
{
    for (unsigned i = 0; i < outcome->results->len; i++) {
        const ReplayResult *result = &g_array_index(outcome->results, ReplayResult, i);
        const size_t index =
            (size_t) (result->file -
                      (const ReplayFile *) (const void *) self->files->data);

        g_assert(index < self->results->len);
        g_array_index(self->results, ReplayResult, index) = *result;
    }
    for (size_t i = 0; i < replay_exporters_len(outcome->exporters); i++)
        add_exporter(self, replay_exporters_at(outcome->exporters, i));
}

static ReplayResult
total(const ReplayReport *self)
{
    ReplayResult sum = { 0 };

    for (unsigned i = 0; i < self->results->len; i++)
        add_counters(&sum, &g_array_index(self->results, ReplayResult, i));
    return sum;
}

/* --- for people --- */

/* "3 set_length, 1 version" */
static char *
malformed_text(const DecoderCounters *counters)
{
    GString *text = g_string_new(NULL);

    for (int i = DECODE_OK + 1; i < DECODE_N_STATUS; i++) {
        if (counters->status[i] > 0)
            g_string_append_printf(text, "%s%" G_GUINT64_FORMAT " %s",
                                   text->len ? ", " : "", counters->status[i],
                                   decode_status_class((DecodeStatus) i));
    }
    return g_string_free(text, FALSE);
}

static void
add_number(TextTable *table, uint64_t number)
{
    text_table_add_take(table, g_strdup_printf("%" G_GUINT64_FORMAT, number));
}

static void
add_number_if_any(TextTable *table, uint64_t number)
{
    if (number > 0)
        add_number(table, number);
    else
        text_table_add(table, NULL);
}

static void
add_result(TextTable *table, const char *name, const ReplayResult *result,
           const char *note)
{
    text_table_add(table, name);
    add_number(table, result->decoder.datagrams);
    add_number(table, result->decoder.messages);
    add_number(table, result->store.rows);
    add_number(table, result->decoder.options_records);
    add_number_if_any(table, result->store.rejected);
    add_number_if_any(table, result->decoder.sets_given_up);
    text_table_add_take(table, malformed_text(&result->decoder));
    text_table_add(table, note);
}

static char *
results_text(const ReplayReport *self)
{
    static const TextColumn columns[] = {
        { "FILE", TEXT_COLUMN_LEFT },         { "DATAGRAMS", TEXT_COLUMN_RIGHT },
        { "MESSAGES", TEXT_COLUMN_RIGHT },    { "FLOWS STORED", TEXT_COLUMN_RIGHT },
        { "OPTIONS", TEXT_COLUMN_RIGHT },     { "REJECTED", TEXT_COLUMN_RIGHT },
        { "NO TEMPLATE", TEXT_COLUMN_RIGHT }, { "MALFORMED", TEXT_COLUMN_LEFT },
        { "NOTE", TEXT_COLUMN_LEFT },
    };
    g_autoptr(TextTable) table = text_table_new(columns, G_N_ELEMENTS(columns));
    const ReplayResult sum = total(self);

    for (unsigned i = 0; i < self->files->len; i++) {
        const ReplayFile *file = &g_array_index(self->files, ReplayFile, i);
        g_autofree char *name = g_path_get_basename(file->path);

        add_result(table, name, &g_array_index(self->results, ReplayResult, i),
                   file->note               ? "cut"
                   : file->n_datagrams == 0 ? "no datagrams"
                                            : NULL);
    }
    if (self->files->len > 1)
        add_result(table, "total", &sum, NULL);
    return text_table_format(table, 0);
}

static char *
exporters_text(const ReplayReport *self)
{
    static const TextColumn columns[] = {
        { "EXPORTER", TEXT_COLUMN_LEFT },   { "NAME", TEXT_COLUMN_LEFT },
        { "DOMAIN", TEXT_COLUMN_RIGHT },    { "SPEAKS", TEXT_COLUMN_LEFT },
        { "FLOWS", TEXT_COLUMN_RIGHT },     { "OCTETS", TEXT_COLUMN_RIGHT },
        { "PACKETS", TEXT_COLUMN_RIGHT },   { "SAMPLING", TEXT_COLUMN_LEFT },
        { "GAPS", TEXT_COLUMN_RIGHT },      { "NO TEMPLATE", TEXT_COLUMN_RIGHT },
        { "MALFORMED", TEXT_COLUMN_RIGHT },
    };
    g_autoptr(TextTable) table = text_table_new(columns, G_N_ELEMENTS(columns));

    for (unsigned i = 0; i < self->exporters->len; i++) {
        const ReplayExporter *exporter =
            &g_array_index(self->exporters, ReplayExporter, i);

        text_table_add(table, exporter->address);
        text_table_add(table, exporter->name);
        add_number(table, (uint64_t) exporter->domain);
        text_table_add_take(table, human_version(exporter->version));
        add_number(table, exporter->flows);
        text_table_add_take(table, human_count((double) exporter->octets));
        text_table_add_take(table, human_count((double) exporter->packets));
        text_table_add_take(table, exporter->sampling > 0
                                       ? g_strdup_printf("1:%" G_GINT64_FORMAT,
                                                         exporter->sampling)
                                       : NULL);
        add_number_if_any(table, exporter->lost_gap);
        add_number_if_any(table, exporter->no_template);
        add_number_if_any(table, exporter->malformed);
    }
    return text_table_n_rows(table) > 0 ? text_table_format(table, 0) : g_strdup("");
}

char *
replay_report_text(const ReplayReport *self)
{
    g_autofree char *results = results_text(self);
    g_autofree char *exporters = exporters_text(self);

    return g_strconcat(results, *exporters ? "\n" : "", exporters, NULL);
}

/* --- for programs --- */

static void
write_result(JsonWriter *json, const ReplayResult *result)
{
    const DecoderCounters *decoder = &result->decoder;

    json_writer_uint(json, "datagrams", decoder->datagrams);
    json_writer_uint(json, "messages", decoder->messages);
    json_writer_uint(json, "flow_records", decoder->flow_records);
    json_writer_uint(json, "flows_stored", result->store.rows);
    json_writer_uint(json, "flows_rejected", result->store.rejected);
    json_writer_uint(json, "options_records", decoder->options_records);
    json_writer_uint(json, "template_records", decoder->template_records);
    json_writer_uint(json, "sets_waited", decoder->sets_waited);
    json_writer_uint(json, "sets_without_template", decoder->sets_given_up);
    json_writer_begin_object(json, "malformed");
    for (int i = DECODE_OK + 1; i < DECODE_N_STATUS; i++) {
        if (decoder->status[i] > 0)
            json_writer_uint(json, decode_status_class((DecodeStatus) i),
                             decoder->status[i]);
    }
    json_writer_end_object(json);
}

static void
write_exporter(JsonWriter *json, const ReplayExporter *exporter)
{
    json_writer_begin_object(json, NULL);
    json_writer_int(json, "id", exporter->id);
    json_writer_string(json, "address", exporter->address);
    json_writer_string(json, "name", exporter->name);
    json_writer_int(json, "domain", exporter->domain);
    json_writer_int(json, "version", exporter->version);
    json_writer_uint(json, "flows", exporter->flows);
    json_writer_uint(json, "octets", exporter->octets);
    json_writer_uint(json, "packets", exporter->packets);
    json_writer_int(json, "sampling", exporter->sampling);
    json_writer_uint(json, "sequence_gap", exporter->lost_gap);
    json_writer_uint(json, "no_template", exporter->no_template);
    json_writer_uint(json, "malformed", exporter->malformed);
    json_writer_end_object(json);
}

char *
replay_report_json(const ReplayReport *self)
{
    g_autoptr(JsonWriter) json = json_writer_new();
    const ReplayResult sum = total(self);

    json_writer_begin_object(json, NULL);
    json_writer_begin_array(json, "files");
    for (unsigned i = 0; i < self->files->len; i++) {
        const ReplayFile *file = &g_array_index(self->files, ReplayFile, i);

        json_writer_begin_object(json, NULL);
        json_writer_string(json, "file", file->path);
        json_writer_time(json, "first", file->first_us);
        json_writer_time(json, "last", file->last_us);
        json_writer_uint(json, "skipped", file->n_skipped);
        json_writer_string(json, "note", file->note);
        write_result(json, &g_array_index(self->results, ReplayResult, i));
        json_writer_end_object(json);
    }
    json_writer_end_array(json);
    json_writer_begin_object(json, "total");
    write_result(json, &sum);
    json_writer_end_object(json);
    json_writer_begin_array(json, "exporters");
    for (unsigned i = 0; i < self->exporters->len; i++)
        write_exporter(json, &g_array_index(self->exporters, ReplayExporter, i));
    json_writer_end_array(json);
    json_writer_end_object(json);
    return g_strdup(json_writer_text(json));
}
