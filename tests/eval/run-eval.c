/* SPDX-License-Identifier: Apache-2.0 */

/* Measures the detectors; ./run-eval --help says how to use it. */

#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "document.h"
#include "sections.h"

/* Negatives: multiples of 18, six kinds times three sizes. */
enum { QUICK_TRIALS = 200, QUICK_NEGATIVES = 630, TRIALS = 1000, NEGATIVES = 2520 };

#define DOCUMENT "docs/detection-results.md"

typedef struct {
    gboolean is_quick;
    gboolean write;
    int n_trials;
    int n_negatives;
    int n_jobs;
    char **only;
    char *set;
    char *words;
    char *traffic;
    char *document;
    char *version;
} Options;

static void
options_clear(Options *self)
{
    g_strfreev(self->only);
    g_free(self->set);
    g_free(self->words);
    g_free(self->traffic);
    g_free(self->document);
    g_free(self->version);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static char *
list_sections(void)
{
    g_autoptr(GString) text = g_string_new("Sections:");
    const Section *sections;
    size_t n = sections_all(&sections);

    for (size_t i = 0; i < n; i++)
        g_string_append_printf(text, "\n  %-12s %s", sections[i].name,
                               sections[i].title);
    g_string_append(text,
                    "\n\nPrints Markdown tables; progress goes to standard error.");
    return g_strdup(text->str);
}

static bool
parse(Options *options, int *argc, char ***argv, GError **error)
{
    const GOptionEntry entries[] = {
        { "quick", 0, 0, G_OPTION_ARG_NONE, &options->is_quick,
          "200 trials a cell, development set only, without what takes long", NULL },
        { "only", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->only,
          "Only this section (can be repeated)", "SECTION" },
        { "case", 0, 0, G_OPTION_ARG_STRING, &options->words,
          "Of section beacon, only cases whose names hold this", "TEXT" },
        { "set", 0, 0, G_OPTION_ARG_STRING, &options->set,
          "development, held-out or both (default; --quick: development)", "SET" },
        { "trials", 0, 0, G_OPTION_ARG_INT, &options->n_trials, "Trials a cell (1000)",
          "N" },
        { "negatives", 0, 0, G_OPTION_ARG_INT, &options->n_negatives,
          "Negatives that give a cell its cuts (2520)", "N" },
        { "jobs", 0, 0, G_OPTION_ARG_INT, &options->n_jobs, "Processes (2)", "N" },
        { "traffic", 0, 0, G_OPTION_ARG_FILENAME, &options->traffic,
          "Folder of recorded sessions (../shared/traffic)", "FOLDER" },
        { "write", 0, 0, G_OPTION_ARG_NONE, &options->write,
          "Also put each section into " DOCUMENT, NULL },
        { "document", 0, 0, G_OPTION_ARG_FILENAME, &options->document,
          "Write into this file instead", "FILE" },
        { "version", 0, 0, G_OPTION_ARG_STRING, &options->version,
          "What is measured, for the record", "TEXT" },
        { 0 },
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autofree char *sections = list_sections();

    g_option_context_set_summary(
        context, "Measures the detectors on made-up contacts and on recorded traffic, "
                 "beside\nRITA's beacon score.  A full run takes about 25 minutes.");
    g_option_context_set_description(context, sections);
    g_option_context_add_main_entries(context, entries, NULL);
    return g_option_context_parse(context, argc, argv, error);
}

static bool
make_plan(const Options *options, Plan *plan, GError **error)
{
    const char *set =
        options->set ? options->set : (options->is_quick ? "development" : "both");

    *plan = (Plan){
        .n_trials = options->is_quick ? QUICK_TRIALS : TRIALS,
        .n_negatives = options->is_quick ? QUICK_NEGATIVES : NEGATIVES,
        .n_jobs = options->n_jobs > 0 ? (unsigned) options->n_jobs : 2,
        .is_quick = options->is_quick,
        .words = options->words,
        .traffic_folder = options->traffic ? options->traffic : TRAFFIC_FOLDER,
    };
    if (options->n_trials > 0)
        plan->n_trials = (size_t) options->n_trials;
    if (options->n_negatives > 0)
        plan->n_negatives = (size_t) options->n_negatives;
    for (GeneratorsSet each = 0; each <= GENERATORS_HELD_OUT; each++)
        plan->sets[each] =
            strcmp(set, "both") == 0 || strcmp(set, generators_set_name(each)) == 0;
    if (plan->sets[0] || plan->sets[1])
        return true;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "there is no set \"%s\": development, held-out or both", set);
    return false;
}

static bool
check_names(char **names, GError **error)
{
    const Section *sections;
    size_t n = sections_all(&sections);

    for (; names && *names; names++) {
        bool is_known = false;

        for (size_t i = 0; i < n; i++)
            is_known = is_known || strcmp(*names, sections[i].name) == 0;
        if (!is_known) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "there is no section \"%s\"; --help lists them", *names);
            return false;
        }
    }
    return true;
}

/* "model name : X" of the first processor. */
static char *
processor_name(void)
{
    g_autofree char *text = NULL;
    const char *from, *to;

    if (!g_file_get_contents("/proc/cpuinfo", &text, NULL, NULL) ||
        (from = strstr(text, "model name")) == NULL ||
        (from = strchr(from, ':')) == NULL)
        return g_strdup("unknown processor");
    from += 2;
    to = strchr(from, '\n');
    return g_strndup(from, to ? (size_t) (to - from) : strlen(from));
}

/* When, on what, how long, from which seeds: the last lines of a section. */
static void
add_record(GString *text, const Options *options, const Plan *plan, double sec)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *day = g_date_time_format(now, "%Y-%m-%d %H:%M UTC");
    g_autofree char *processor = processor_name();

    g_string_append_printf(
        text,
        "\n*Measured %s%s%s on %s, %u processes, in %.0f s: %zu trials "
        "and %zu negatives a cell%s.*\n",
        day, options->version ? " of " : "", options->version ? options->version : "",
        processor, plan->n_jobs, sec, plan->n_trials, plan->n_negatives,
        plan->is_quick ? ", quick" : "");
}

static bool
run_section(const Section *section, const Options *options, const Plan *plan,
            GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    int64_t from_us = g_get_monotonic_time();

    fprintf(stderr, "%s\n", section->title);
    g_string_append_printf(text, "## %s\n\n", section->title);
    if (!section->run(plan, text, error))
        return false;
    add_record(text, options, plan,
               (double) (g_get_monotonic_time() - from_us) / G_USEC_PER_SEC);
    printf("%s\n", text->str);
    fflush(stdout);
    return !options->write ||
           document_replace(options->document ? options->document : DOCUMENT,
                            section->name, text->str, error);
}

static bool
run(const Options *options, GError **error)
{
    const Section *sections;
    size_t n = sections_all(&sections);
    Plan plan;

    if (!check_names(options->only, error) || !make_plan(options, &plan, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        const char *const *only = (const char *const *) options->only;

        if (only && !g_strv_contains(only, sections[i].name))
            continue;
        if (!run_section(&sections[i], options, &plan, error))
            return false;
    }
    return true;
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_auto(Options) options = { 0 };
    int status = EXIT_SUCCESS;

    if (!parse(&options, &argc, &argv, &error) || argc > 1) {
        fprintf(stderr, "run-eval: %s\n",
                error ? error->message : "it takes options only; see --help");
        return 2;
    }
    if (!run(&options, &error)) {
        fprintf(stderr, "run-eval: %s\n", error->message);
        status = error->domain == G_OPTION_ERROR ? 2 : EXIT_FAILURE;
    }
    return status;
}
