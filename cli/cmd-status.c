/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "clock.h"
#include "command.h"
#include "human.h"
#include "json-writer.h"
#include "printable.h"
#include "status-audit.h"
#include "status-facts.h"
#include "status-problems.h"
#include "status-watch.h"
#include "text-table.h"

/* --- for people --- */

static char *
sampling_text(const StatusExporter *exporter)
{
    if (exporter->sampling == 0)
        return NULL;
    if (!exporter->sampling_source)
        return g_strdup_printf("1:%" G_GINT64_FORMAT, exporter->sampling);
    return g_strdup_printf("1:%" G_GINT64_FORMAT " %s", exporter->sampling,
                           exporter->sampling_source);
}

/* What it lost in the last hour, by reason. */
static char *
losses_text(const StatusExporter *exporter)
{
    const struct {
        const char *what;
        uint64_t count;
    } kinds[] = {
        { exporter->gap_unit ? exporter->gap_unit : "gaps", exporter->lost_gap },
        { "without template", exporter->no_template },
        { "malformed", exporter->malformed },
        { "refused", exporter->refused },
        { "rejected", exporter->rejected },
    };
    GString *text = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *count = human_count((double) kinds[i].count);

        if (kinds[i].count > 0)
            g_string_append_printf(text, "%s%s %s", text->len ? ", " : "", count,
                                   kinds[i].what);
    }
    return g_string_free(text, FALSE);
}

static void
print_exporters(const StatusFacts *facts)
{
    static const TextColumn columns[] = {
        { "EXPORTER", TEXT_COLUMN_LEFT },   { "NAME", TEXT_COLUMN_LEFT },
        { "DOMAIN", TEXT_COLUMN_RIGHT },    { "SPEAKS", TEXT_COLUMN_LEFT },
        { "FIRST SEEN", TEXT_COLUMN_LEFT }, { "LAST SEEN", TEXT_COLUMN_RIGHT },
        { "FLOWS/MIN", TEXT_COLUMN_RIGHT }, { "BIT/S", TEXT_COLUMN_RIGHT },
        { "SAMPLING", TEXT_COLUMN_LEFT },   { "LOST, LAST HOUR", TEXT_COLUMN_LEFT },
    };
    g_autoptr(TextTable) table = text_table_new(columns, G_N_ELEMENTS(columns));

    for (unsigned i = 0; i < facts->exporters->len; i++) {
        const StatusExporter *exporter =
            &g_array_index(facts->exporters, StatusExporter, i);

        text_table_add(table, exporter->address);
        text_table_add(table, exporter->name);
        text_table_add_take(table,
                            g_strdup_printf("%" G_GINT64_FORMAT, exporter->domain));
        text_table_add_take(table, human_version(exporter->version));
        text_table_add_take(table, human_time(exporter->first_seen_us));
        text_table_add_take(table, human_ago(exporter->last_seen_us, facts->now_us));
        text_table_add_take(table, human_count(exporter->flows_per_min));
        text_table_add_take(table, human_count(exporter->bits_per_sec));
        text_table_add_take(table, sampling_text(exporter));
        text_table_add_take(table, losses_text(exporter));
    }
    if (facts->exporters->len == 0) {
        puts("Exporters: none has been heard of yet.");
        return;
    }
    g_autofree char *text = text_table_format(table, 0);
    fputs(text, stdout);
}

static void
print_workers(const StatusFacts *facts)
{
    static const TextColumn columns[] = {
        { "COLLECTOR", TEXT_COLUMN_LEFT },    { "WORKER", TEXT_COLUMN_RIGHT },
        { "STORED UP TO", TEXT_COLUMN_LEFT }, { "BEHIND", TEXT_COLUMN_RIGHT },
        { "BACKLOG", TEXT_COLUMN_RIGHT },     { "LAST COMMIT", TEXT_COLUMN_RIGHT },
        { "ROWS STORED", TEXT_COLUMN_RIGHT }, { "EXPORTERS", TEXT_COLUMN_RIGHT },
        { "HOLDS", TEXT_COLUMN_RIGHT },
    };
    g_autoptr(TextTable) table = text_table_new(columns, G_N_ELEMENTS(columns));

    for (unsigned i = 0; i < facts->workers->len; i++) {
        const StatusWorker *worker = &g_array_index(facts->workers, StatusWorker, i);
        const bool live = worker->received_us > 0 && !worker->imports;

        text_table_add(table, worker->collector);
        text_table_add_take(table,
                            g_strdup_printf("%" G_GINT64_FORMAT, worker->worker));
        text_table_add_take(table, human_time(worker->received_us));
        text_table_add_take(table,
                            !live ? g_strdup("-")
                                  : human_duration(
                                        MAX(facts->now_us - worker->received_us, 0)));
        text_table_add_take(table, human_bytes(worker->backlog_bytes));
        text_table_add_take(table, human_ago(worker->updated_us, facts->now_us));
        text_table_add_take(table, human_count((double) worker->rows_stored));
        text_table_add_take(table, human_count((double) worker->n_exporters));
        text_table_add_take(table, human_bytes(worker->held_bytes));
    }
    if (facts->workers->len == 0)
        return;

    g_autofree char *text = text_table_format(table, 0);
    printf("\n%s", text);
}

static void
print_partitions(const StatusFacts *facts)
{
    g_autofree char *oldest = human_time(facts->oldest_us);
    g_autofree char *newest = human_time(facts->newest_us);
    g_autofree char *bytes = human_bytes(facts->n_bytes);

    if (facts->n_partitions == 0) {
        puts("\nPartitions of flow: none yet.");
        return;
    }
    printf("\nPartitions of flow: %" G_GUINT64_FORMAT ", from %s to %s, %s; "
           "%" G_GUINT64_FORMAT " sealed",
           facts->n_partitions, oldest, newest, bytes, facts->n_sealed);
    if (facts->n_imported > 0)
        printf(", %" G_GUINT64_FORMAT " imported", facts->n_imported);
    puts(".");
}

static void
print_losses(const StatusFacts *facts)
{
    static const TextColumn columns[] = {
        { "LOST", TEXT_COLUMN_LEFT },       { "CLASS", TEXT_COLUMN_LEFT },
        { "LAST HOUR", TEXT_COLUMN_RIGHT }, { "LAST DAY", TEXT_COLUMN_RIGHT },
        { "", TEXT_COLUMN_LEFT },
    };
    g_autoptr(TextTable) table = text_table_new(columns, G_N_ELEMENTS(columns));

    for (unsigned i = 0; i < facts->losses->len; i++) {
        const StatusLoss *loss = &g_array_index(facts->losses, StatusLoss, i);

        text_table_add(table, loss->reason);
        text_table_add(table, loss->class);
        text_table_add_take(table, human_count((double) loss->last_hour));
        text_table_add_take(table, human_count((double) loss->last_day));
        text_table_add(table, loss->unit);
    }
    if (facts->losses->len == 0) {
        puts("\nLost in the last day: nothing.");
        return;
    }
    g_autofree char *text = text_table_format(table, 0);
    printf("\n%s", text);
}

static void
print_problems(const GPtrArray *problems)
{
    if (problems->len == 0)
        puts("All is well.\n");
    for (unsigned i = 0; i < problems->len; i++) {
        g_autofree char *shown = printable(problems->pdata[i]);

        printf("! %s\n%s", shown, i + 1 == problems->len ? "\n" : "");
    }
}

/* --- for programs --- */

static void
write_exporters(JsonWriter *json, const StatusFacts *facts)
{
    json_writer_begin_array(json, "exporters");
    for (unsigned i = 0; i < facts->exporters->len; i++) {
        const StatusExporter *exporter =
            &g_array_index(facts->exporters, StatusExporter, i);

        json_writer_begin_object(json, NULL);
        json_writer_int(json, "id", exporter->id);
        json_writer_string(json, "address", exporter->address);
        json_writer_string(json, "name", exporter->name);
        json_writer_int(json, "domain", exporter->domain);
        json_writer_int(json, "version", exporter->version);
        json_writer_time(json, "first_seen_at", exporter->first_seen_us);
        json_writer_time(json, "last_seen_at", exporter->last_seen_us);
        json_writer_double(json, "flows_per_min", exporter->flows_per_min);
        json_writer_double(json, "bits_per_sec", exporter->bits_per_sec);
        if (exporter->sampling > 0)
            json_writer_int(json, "sampling", exporter->sampling);
        else
            json_writer_null(json, "sampling");
        json_writer_string(json, "sampling_source", exporter->sampling_source);
        json_writer_int(json, "clock_skew_ms", exporter->clock_skew_ms);
        json_writer_begin_object(json, "lost_last_hour");
        json_writer_uint(json, "sequence_gap", exporter->lost_gap);
        json_writer_string(json, "sequence_gap_unit", exporter->gap_unit);
        json_writer_uint(json, "no_template", exporter->no_template);
        json_writer_uint(json, "malformed", exporter->malformed);
        json_writer_uint(json, "refused", exporter->refused);
        json_writer_uint(json, "rejected", exporter->rejected);
        json_writer_end_object(json);
        json_writer_end_object(json);
    }
    json_writer_end_array(json);
}

static void
write_workers(JsonWriter *json, const StatusFacts *facts)
{
    json_writer_begin_array(json, "workers");
    for (unsigned i = 0; i < facts->workers->len; i++) {
        const StatusWorker *worker = &g_array_index(facts->workers, StatusWorker, i);

        json_writer_begin_object(json, NULL);
        json_writer_string(json, "collector", worker->collector);
        json_writer_int(json, "worker", worker->worker);
        json_writer_time(json, "received_at", worker->received_us);
        json_writer_double(json, "behind_sec",
                           worker->received_us == 0
                               ? 0
                               : (double) (facts->now_us - worker->received_us) /
                                     US_PER_SEC);
        json_writer_uint(json, "backlog_bytes", worker->backlog_bytes);
        json_writer_time(json, "updated_at", worker->updated_us);
        json_writer_time(json, "started_at", worker->started_us);
        json_writer_uint(json, "rows_stored", worker->rows_stored);
        json_writer_uint(json, "exporters", worker->n_exporters);
        json_writer_uint(json, "max_exporters", worker->max_exporters);
        json_writer_uint(json, "held_bytes", worker->held_bytes);
        json_writer_bool(json, "imports", worker->imports);
        json_writer_end_object(json);
    }
    json_writer_end_array(json);
}

static void
write_losses(JsonWriter *json, const StatusFacts *facts)
{
    json_writer_begin_array(json, "losses");
    for (unsigned i = 0; i < facts->losses->len; i++) {
        const StatusLoss *loss = &g_array_index(facts->losses, StatusLoss, i);

        json_writer_begin_object(json, NULL);
        json_writer_string(json, "reason", loss->reason);
        json_writer_string(json, "class", loss->class);
        json_writer_string(json, "unit", loss->unit);
        json_writer_uint(json, "last_hour", loss->last_hour);
        json_writer_uint(json, "last_day", loss->last_day);
        json_writer_end_object(json);
    }
    json_writer_end_array(json);
}

static void
print_json(const StatusFacts *facts, const GPtrArray *problems)
{
    g_autoptr(JsonWriter) json = json_writer_new();

    json_writer_begin_object(json, NULL);
    json_writer_time(json, "at", facts->now_us);
    json_writer_begin_array(json, "problems");
    for (unsigned i = 0; i < problems->len; i++)
        json_writer_string(json, NULL, problems->pdata[i]);
    json_writer_end_array(json);
    write_exporters(json, facts);
    write_workers(json, facts);
    json_writer_begin_object(json, "partitions");
    json_writer_uint(json, "count", facts->n_partitions);
    json_writer_uint(json, "sealed", facts->n_sealed);
    json_writer_uint(json, "imported", facts->n_imported);
    json_writer_time(json, "oldest", facts->oldest_us);
    json_writer_time(json, "newest", facts->newest_us);
    json_writer_uint(json, "bytes", facts->n_bytes);
    json_writer_bool(json, "default_used", facts->default_used);
    json_writer_end_object(json);
    json_writer_uint(json, "backfill_waiting", facts->n_backfill);
    write_losses(json, facts);
    status_watch_write(json, facts->analytics);
    json_writer_end_object(json);
    fputs(json_writer_text(json), stdout);
}

static void
print_text(const StatusFacts *facts, const GPtrArray *problems)
{
    print_problems(problems);
    print_exporters(facts);
    print_workers(facts);
    print_partitions(facts);
    print_losses(facts);
    status_watch_print(facts->analytics, facts->now_us);
}

static int
exec(Cli *cli, char ***arguments, GError **error)
{
    gboolean as_json = FALSE, audit = FALSE;
    const GOptionEntry options[] = {
        { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "Write JSON", NULL },
        { "audit", 0, 0, G_OPTION_ARG_NONE, &audit,
          "Check that all was stored once, or counted; exit status 1 if not", NULL },
        { NULL },
    };

    if (!command_parse(&cmd_status, cli, options, arguments, error) ||
        !command_check_words(&cmd_status, *arguments, 0, error))
        return CLI_DONE;

    g_autoptr(PGconn) conn = cli_connect(cli, "flowkeep status", error);
    if (!conn)
        return CLI_FAILED;
    if (audit)
        return status_audit(conn, as_json, error);

    g_autoptr(StatusFacts) facts = status_facts_read(conn, error);
    if (!facts)
        return CLI_FAILED;

    g_autoptr(GPtrArray) problems = status_problems(facts);
    if (as_json)
        print_json(facts, problems);
    else
        print_text(facts, problems);
    return CLI_DONE;
}

const Command cmd_status = {
    .name = "status",
    .usage = "[--json] [--audit]",
    .help = "Show exporters, collectors, what was lost, jobs, alerts and mail",
    .exec = exec,
};
