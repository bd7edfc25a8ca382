/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "command.h"
#include "doctor-facts.h"
#include "doctor-problems.h"
#include "human.h"
#include "json-writer.h"
#include "printable.h"
#include "template-fields.h"
#include "text-table.h"

#define LINE_COLUMNS    88
#define OPTIONS_OF_KIND 20 /* shown of each kind; --json has all */

/* --- for people --- */

/* @text, broken at its commas. */
static void
print_wrapped(const char *text, unsigned indent)
{
    g_auto(GStrv) words = g_strsplit(text, ", ", -1);
    size_t column = 0;

    for (size_t i = 0; words[i]; i++) {
        g_autofree char *shown = printable(words[i]);
        const size_t n = strlen(shown) + 2;

        if (column > 0 && column + n > LINE_COLUMNS) {
            putchar('\n');
            column = 0;
        }
        if (column == 0)
            column = (size_t) printf("%*s", (int) indent, "");
        else
            column += (size_t) printf(" ");
        printf("%s%s", shown, words[i + 1] ? "," : "");
        column += n - 1;
    }
    putchar('\n');
}

static void
print_head(const DoctorFacts *facts)
{
    g_autofree char *name = printable(facts->name);
    g_autofree char *version = human_version(facts->version);
    g_autofree char *first = human_time(facts->first_seen_us);
    g_autofree char *last = human_ago(facts->last_seen_us, facts->now_us);
    g_autofree char *skew =
        human_duration(llabs((long long) facts->clock_skew_ms) * US_PER_MS);
    g_autofree char *flows = human_count((double) facts->flows);

    printf("Exporter %s%s%s%s, domain %" G_GINT64_FORMAT ": %s\n", facts->address,
           *name ? " (" : "", name, *name ? ")" : "", facts->domain,
           *version ? version : "nothing heard yet");
    printf("  first seen %s, last seen %s; clock %s %s ours\n", first, last, skew,
           facts->clock_skew_ms < 0 ? "behind" : "ahead of");
    if (facts->sampling > 0)
        printf("  sampling 1:%" G_GINT64_FORMAT ", from %s\n", facts->sampling,
               facts->sampling_source ? facts->sampling_source : "an unknown place");
    else
        puts("  sampling: none known");
    printf("  %s flows stored in the last day\n", flows);
    if (facts->template_changes > 0)
        printf("  template ids that were given another definition: %" G_GUINT64_FORMAT
               "\n",
               facts->template_changes);
    if (facts->restarts > 0)
        printf("  restarts noticed: %" G_GUINT64_FORMAT "\n", facts->restarts);
}

static void
print_problems(const GPtrArray *problems)
{
    for (unsigned i = 0; i < problems->len; i++) {
        g_autofree char *shown = printable(problems->pdata[i]);

        printf("  ! %s\n", shown);
    }
    if (problems->len == 0)
        puts("  no problem found");
}

static void
print_templates(const DoctorFacts *facts, ElementNames *names)
{
    for (unsigned i = 0; i < facts->templates->len; i++) {
        const DoctorTemplate *template =
            &g_array_index(facts->templates, DoctorTemplate, i);
        g_autofree char *age = human_ago(template->learnt_us, facts->now_us);
        g_autofree char *collector = printable(template->collector);
        g_autofree char *version = human_version(template->version);
        g_autofree char *fields = template_fields_text(names, template->fields);

        g_autofree char *place =
            template->local_address
                ? g_strdup_printf(" at %s port %u", template->local_address,
                                  template->local_port)
                : g_strdup("");

        printf("  %s template %u (%s), from port %u, last received %s by %s%s:\n",
               template->is_options ? "options" : "flow", template->id, version,
               template->peer_port, age, collector, place);
        print_wrapped(fields, 6);
    }
}

static void
print_options(const DoctorFacts *facts)
{
    static const TextColumn columns[] = {
        { "OPTION", TEXT_COLUMN_LEFT },      { "KEY", TEXT_COLUMN_RIGHT },
        { "NUMBER", TEXT_COLUMN_RIGHT },     { "NAME", TEXT_COLUMN_LEFT },
        { "DESCRIPTION", TEXT_COLUMN_LEFT }, { "LEARNT", TEXT_COLUMN_RIGHT },
    };
    g_autoptr(TextTable) table = text_table_new(columns, G_N_ELEMENTS(columns));
    const char *kind = "";
    unsigned n_of_kind = 0, n_left_out = 0;

    for (unsigned i = 0; i < facts->options->len; i++) {
        const DoctorOption *option = &g_array_index(facts->options, DoctorOption, i);

        n_of_kind = g_str_equal(kind, option->kind) ? n_of_kind + 1 : 1;
        kind = option->kind;
        if (n_of_kind > OPTIONS_OF_KIND) {
            n_left_out++;
            continue;
        }
        text_table_add(table, option->kind);
        text_table_add(table, option->key);
        text_table_add(table, option->number);
        text_table_add(table, option->name);
        text_table_add(table, option->description);
        text_table_add_take(table, human_ago(option->learnt_us, facts->now_us));
    }
    if (text_table_n_rows(table) == 0)
        return;

    g_autofree char *text = text_table_format(table, 2);
    fputs(text, stdout);
    if (n_left_out > 0)
        printf("  and %u more; --json has them\n", n_left_out);
}

/* --- for programs --- */

static void
write_template(JsonWriter *json, const DoctorTemplate *template)
{
    json_writer_begin_object(json, NULL);
    json_writer_string(json, "collector", template->collector);
    json_writer_int(json, "version", template->version);
    json_writer_int(json, "template_id", template->id);
    json_writer_bool(json, "options", template->is_options);
    json_writer_int(json, "peer_port", template->peer_port);
    json_writer_string(json, "local_address", template->local_address);
    if (template->local_address)
        json_writer_int(json, "local_port", template->local_port);
    else
        json_writer_null(json, "local_port");
    json_writer_time(json, "last_received_at", template->learnt_us);
    json_writer_begin_array(json, "definition");
    for (unsigned i = 0; i < template->fields->len; i++) {
        const TemplateField *field = &g_array_index(template->fields, TemplateField, i);

        json_writer_begin_object(json, NULL);
        json_writer_string(json, "name", field->name);
        json_writer_int(json, "id", field->id);
        json_writer_int(json, "enterprise", field->pen);
        if (field->octets == TEMPLATE_FIELD_VARIABLE)
            json_writer_null(json, "octets");
        else
            json_writer_int(json, "octets", field->octets);
        json_writer_bool(json, "scope", field->is_scope);
        json_writer_bool(json, "known", field->is_known);
        json_writer_end_object(json);
    }
    json_writer_end_array(json);
    json_writer_end_object(json);
}

static void
write_options(JsonWriter *json, const DoctorFacts *facts)
{
    json_writer_begin_array(json, "options");
    for (unsigned i = 0; i < facts->options->len; i++) {
        const DoctorOption *option = &g_array_index(facts->options, DoctorOption, i);

        json_writer_begin_object(json, NULL);
        json_writer_string(json, "kind", option->kind);
        json_writer_string(json, "key", option->key);
        json_writer_string(json, "number", option->number);
        json_writer_string(json, "name", option->name);
        json_writer_string(json, "description", option->description);
        json_writer_time(json, "learnt_at", option->learnt_us);
        json_writer_end_object(json);
    }
    json_writer_end_array(json);
}

static void
write_losses(JsonWriter *json, const DoctorFacts *facts)
{
    json_writer_begin_array(json, "lost_last_day");
    for (unsigned i = 0; i < facts->losses->len; i++) {
        const DoctorLoss *loss = &g_array_index(facts->losses, DoctorLoss, i);

        json_writer_begin_object(json, NULL);
        json_writer_string(json, "reason", loss->reason);
        json_writer_string(json, "class", loss->class);
        json_writer_string(json, "unit", loss->unit);
        json_writer_uint(json, "count", loss->count);
        json_writer_end_object(json);
    }
    json_writer_end_array(json);
}

static void
write_exporter(JsonWriter *json, const DoctorFacts *facts, const GPtrArray *problems)
{
    json_writer_begin_object(json, NULL);
    json_writer_int(json, "id", facts->id);
    json_writer_string(json, "address", facts->address);
    json_writer_string(json, "name", facts->name);
    json_writer_int(json, "domain", facts->domain);
    json_writer_int(json, "version", facts->version);
    json_writer_time(json, "first_seen_at", facts->first_seen_us);
    json_writer_time(json, "last_seen_at", facts->last_seen_us);
    json_writer_int(json, "sampling", facts->sampling);
    json_writer_string(json, "sampling_source", facts->sampling_source);
    json_writer_int(json, "clock_skew_ms", facts->clock_skew_ms);
    json_writer_uint(json, "flows_last_day", facts->flows);
    json_writer_uint(json, "template_changes", facts->template_changes);
    json_writer_uint(json, "restarts", facts->restarts);
    json_writer_time(json, "quarantined_until", facts->quarantined_until_us);
    json_writer_begin_array(json, "problems");
    for (unsigned i = 0; i < problems->len; i++)
        json_writer_string(json, NULL, problems->pdata[i]);
    json_writer_end_array(json);
    json_writer_begin_array(json, "templates");
    for (unsigned i = 0; i < facts->templates->len; i++)
        write_template(json, &g_array_index(facts->templates, DoctorTemplate, i));
    json_writer_end_array(json);
    write_options(json, facts);
    write_losses(json, facts);
    json_writer_end_object(json);
}

/* --- the command --- */

/* Of the machine this runs on, which is the collector's as a rule. */
static void
print_machine(const Settings *settings)
{
    g_autofree char *syncookies = NULL;
    bool listens_to_tcp = false;

    for (size_t i = 0; i < settings->n_listen; i++)
        listens_to_tcp |= settings->listen[i].transport != TRANSPORT_UDP;
    g_file_get_contents("/proc/sys/net/ipv4/tcp_syncookies", &syncookies, NULL, NULL);

    const char *problem = doctor_problems_of_machine(listens_to_tcp, syncookies);
    if (problem)
        printf("! %s\n", problem);
}

/* @json is NULL for text. */
static bool
examine(PGconn *conn, const Settings *settings, const GArray *ids, JsonWriter *json,
        GError **error)
{
    g_autoptr(ElementNames) names = element_names_new();

    for (unsigned i = 0; i < ids->len; i++) {
        g_autoptr(DoctorFacts) facts =
            doctor_facts_read(conn, names, g_array_index(ids, int64_t, i), error);
        if (!facts)
            return false;

        g_autoptr(GPtrArray) problems =
            doctor_problems(facts, settings->template_lifetime_sec);
        if (json) {
            write_exporter(json, facts, problems);
            continue;
        }
        fputs(i > 0 ? "\n" : "", stdout);
        print_head(facts);
        print_problems(problems);
        print_templates(facts, names);
        print_options(facts);
    }
    return true;
}

static int
run(Cli *cli, const char *which, bool as_json, GError **error)
{
    g_autoptr(PGconn) conn = cli_connect(cli, "flowkeep doctor", error);
    g_autoptr(GArray) ids = conn ? doctor_facts_find(conn, which, error) : NULL;
    g_autoptr(JsonWriter) json = as_json ? json_writer_new() : NULL;

    if (!ids)
        return CLI_FAILED;
    if (which && ids->len == 0) {
        g_set_error(
            error, DB_ERROR, DB_ERROR_REJECTED,
            "no exporter has the name or address \"%s\"; `flowkeep status` lists "
            "them",
            which);
        return CLI_FAILED;
    }

    if (json)
        json_writer_begin_array(json, NULL);
    else
        print_machine(cli_settings(cli, NULL));
    if (!examine(conn, cli_settings(cli, NULL), ids, json, error))
        return CLI_FAILED;
    if (json) {
        json_writer_end_array(json);
        fputs(json_writer_text(json), stdout);
    } else if (ids->len == 0) {
        puts("No exporter has been heard of yet: point one at this machine, or see "
             "`flowkeep replay`.");
    }
    return CLI_DONE;
}

static int
exec(Cli *cli, char ***arguments, GError **error)
{
    gboolean as_json = FALSE;
    const GOptionEntry options[] = {
        { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "Write JSON", NULL },
        { NULL },
    };

    if (!command_parse(&cmd_doctor, cli, options, arguments, error) ||
        !command_check_words(&cmd_doctor, *arguments, 1, error))
        return CLI_DONE;
    return run(cli, (*arguments)[1], as_json, error);
}

const Command cmd_doctor = {
    .name = "doctor",
    .usage = "[--json] [EXPORTER]",
    .help = "Show what exporters told about themselves, and what is wrong with them",
    .exec = exec,
};
