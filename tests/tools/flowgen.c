/* SPDX-License-Identifier: Apache-2.0 */

/* flowgen: sends made-up NetFlow v5, v9 or IPFIX load, and says what it sent; or, as
 * `flowgen play`, what routers would export of given sessions. */

#include <arpa/inet.h>
#include <glib.h>
#include <glib/gprintf.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "flowgen-packets.h"
#include "flowgen-play.h"
#include "flowgen-sender.h"
#include "flowgen-units.h"

#define EXIT_USAGE           2
#define MS_PER_SEC           INT64_C(1000)
#define DEFAULT_RATE         10000
#define DEFAULT_SECONDS      10
#define DEFAULT_PACKET_BYTES 1420
#define DEFAULT_UPTIME_MS    3600000

/* What was sent; one of these for each exporter and one for all. */
typedef struct {
    uint64_t datagrams; /* all that were sent */
    uint64_t template_datagrams;
    uint64_t twin_datagrams;
    uint64_t withheld_datagrams;
    uint64_t flows; /* sent, a twin's not counted again */
    uint64_t octets;
    uint64_t packets;
    uint64_t withheld_flows;
    uint64_t twin_flows;
    uint64_t bytes;
} Totals;

/* The command line. */
static struct {
    char *target;
    char *first_source;
    char *out;
    char *start_time;
    gint version, exporters, domains, first_domain, templates, template_every;
    gint records, packet_bytes, sampling, gap_every, twin_every, source_port;
    gint64 total, seed, first_number, first_sequence, uptime_ms;
    gdouble rate, seconds, template_period, ipv6_share, watched_share;
    gboolean tcp, numbered, shuffle, json, per_exporter;
    gboolean first_templates_only, no_templates, templates_only;
} arg = {
    .version = 10,
    .exporters = 1,
    .domains = 1,
    .first_domain = 1,
    .templates = 1,
    .packet_bytes = DEFAULT_PACKET_BYTES,
    .seed = 1,
    .first_number = 1,
    .uptime_ms = DEFAULT_UPTIME_MS,
    .rate = DEFAULT_RATE,
    .template_period = 60,
    .watched_share = 0.5,
};

/* clang-format off */
static const GOptionEntry entries[] = {
    { "version", 'V', 0, G_OPTION_ARG_INT, &arg.version, "5, 9 or 10 (IPFIX; default)", "N" },
    { "target", 't', 0, G_OPTION_ARG_STRING, &arg.target, "where to, on loopback (default 127.0.0.1:2055)", "HOST:PORT" },
    { "tcp", 0, 0, G_OPTION_ARG_NONE, &arg.tcp, "IPFIX over TCP, a connection for each exporter", NULL },
    { "rate", 'r', 0, G_OPTION_ARG_DOUBLE, &arg.rate, "flows a second, 0 = as fast as possible (default 10000)", "N" },
    { "total", 'n', 0, G_OPTION_ARG_INT64, &arg.total, "stop after so many flows", "N" },
    { "seconds", 's', 0, G_OPTION_ARG_DOUBLE, &arg.seconds, "stop after so long (default 10, without --total)", "S" },
    { "exporters", 'e', 0, G_OPTION_ARG_INT, &arg.exporters, "how many, each with its own source address", "N" },
    { "first-source", 0, 0, G_OPTION_ARG_STRING, &arg.first_source, "address of the first exporter (default 127.1.0.1)", "IP" },
    { "source-port", 0, 0, G_OPTION_ARG_INT, &arg.source_port, "UDP source port (default any)", "PORT" },
    { "domains", 'd', 0, G_OPTION_ARG_INT, &arg.domains, "observation domains (source ids, engines) of each exporter", "N" },
    { "first-domain", 0, 0, G_OPTION_ARG_INT, &arg.first_domain, "number of the first domain (default 1)", "N" },
    { "templates", 'T', 0, G_OPTION_ARG_INT, &arg.templates, "templates of each domain, of several layouts (default 1)", "N" },
    { "template-period", 0, 0, G_OPTION_ARG_DOUBLE, &arg.template_period, "repeat them every so many seconds, 0 = never (default 60)", "S" },
    { "template-every", 0, 0, G_OPTION_ARG_INT, &arg.template_every, "repeat them every N data packets of a domain", "N" },
    { "first-templates-only", 0, 0, G_OPTION_ARG_NONE, &arg.first_templates_only, "send them before the first data and never again", NULL },
    { "no-templates", 0, 0, G_OPTION_ARG_NONE, &arg.no_templates, "send data only", NULL },
    { "templates-only", 0, 0, G_OPTION_ARG_NONE, &arg.templates_only, "send templates only", NULL },
    { "records-per-datagram", 'R', 0, G_OPTION_ARG_INT, &arg.records, "flows in each packet (default: what fits)", "N" },
    { "packet-bytes", 0, 0, G_OPTION_ARG_INT, &arg.packet_bytes, "largest packet (default 1420)", "N" },
    { "seed", 'S', 0, G_OPTION_ARG_INT64, &arg.seed, "same seed, same flows (default 1)", "N" },
    { "ipv6-share", 0, 0, G_OPTION_ARG_DOUBLE, &arg.ipv6_share, "share of packets with IPv6 flows, 0..1; adds a twin to each template", "X" },
    { "watched-share", 0, 0, G_OPTION_ARG_DOUBLE, &arg.watched_share, "share of flows with an end in 10.20.0.0/16 or 2001:db8:20::/48 (default 0.5)", "X" },
    { "numbered", 0, 0, G_OPTION_ARG_NONE, &arg.numbered, "octets = number of the flow, packets = number % 997 + 1, source port = number % 65536", NULL },
    { "first-number", 0, 0, G_OPTION_ARG_INT64, &arg.first_number, "number of the first flow (default 1)", "N" },
    { "first-sequence", 0, 0, G_OPTION_ARG_INT64, &arg.first_sequence, "sequence number of each domain's first packet (default 0)", "N" },
    { "uptime-ms", 0, 0, G_OPTION_ARG_INT64, &arg.uptime_ms, "uptime of the exporters at the start (default one hour)", "N" },
    { "sampling", 0, 0, G_OPTION_ARG_INT, &arg.sampling, "sampling rate in the v5 header", "N" },
    { "shuffle", 0, 0, G_OPTION_ARG_NONE, &arg.shuffle, "exporters send in random order, not in turn", NULL },
    { "gap-every", 0, 0, G_OPTION_ARG_INT, &arg.gap_every, "withhold every N-th data packet, as a lossy network would", "N" },
    { "twin-every", 0, 0, G_OPTION_ARG_INT, &arg.twin_every, "send every N-th data packet twice", "N" },
    { "out", 'o', 0, G_OPTION_ARG_FILENAME, &arg.out, "write a capture instead of sending; *.ipfix: bare messages", "FILE" },
    { "start-time", 0, 0, G_OPTION_ARG_STRING, &arg.start_time, "first time in the capture (default 2024-01-01T00:00:00Z)", "ISO8601" },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &arg.json, "report as JSON", NULL },
    { "per-exporter", 0, 0, G_OPTION_ARG_NONE, &arg.per_exporter, "report each exporter too", NULL },
    { NULL },
};
/* clang-format on */

static volatile sig_atomic_t stopped;

static void
on_signal(int number G_GNUC_UNUSED)
{
    stopped = 1;
}

static bool
usage_error(GError **error, const char *text)
{
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, text);
    return false;
}

static bool
check_arguments(GError **error)
{
    const int modes = arg.first_templates_only + arg.no_templates + arg.templates_only;
    const bool negative = arg.exporters < 1 || arg.domains < 1 || arg.templates < 1 ||
                          arg.records < 0 || arg.template_every < 0 || arg.total < 0 ||
                          arg.gap_every < 0 || arg.twin_every < 0 || arg.sampling < 0 ||
                          arg.packet_bytes < 0 || arg.first_domain < 0 ||
                          arg.rate < 0 || arg.seconds < 0 || arg.template_period < 0;
    const bool not_a_share = arg.ipv6_share < 0 || arg.ipv6_share > 1 ||
                             arg.watched_share < 0 || arg.watched_share > 1;

    if (negative)
        return usage_error(error,
                           "a number is negative, or 0 where it counts something");
    if (not_a_share)
        return usage_error(error, "a share is between 0 and 1");
    if (modes > 1)
        return usage_error(error, "--first-templates-only, --no-templates and "
                                  "--templates-only exclude each other");
    if (arg.tcp && arg.version != 10)
        return usage_error(error, "--tcp is for IPFIX: --version 10");
    if (arg.source_port < 0 || arg.source_port > 65535)
        return usage_error(error, "--source-port is 0 to 65535");
    if (arg.out && !arg.total && !arg.seconds && !arg.templates_only)
        return usage_error(error, "--out needs --total or --seconds");
    return true;
}

static bool
make_packets(int64_t start_us, FlowgenPackets **packets, GError **error)
{
    const int64_t start_ms = start_us / US_PER_MS;
    const FlowgenPacketsOptions options = {
        .values = { .seed = arg.seed,
                    .watched_share = arg.watched_share,
                    .numbered = arg.numbered },
        .version = arg.version,
        .n_exporters = arg.exporters,
        .n_domains = arg.domains,
        .first_domain = arg.first_domain,
        .n_templates = arg.templates,
        .templates = arg.first_templates_only ? FLOWGEN_TEMPLATES_FIRST
                     : arg.no_templates       ? FLOWGEN_TEMPLATES_NONE
                     : arg.templates_only     ? FLOWGEN_TEMPLATES_ONLY
                                              : FLOWGEN_TEMPLATES_REPEATED,
        .template_period_ms = arg.template_period * MS_PER_SEC,
        .template_every = arg.template_every,
        .records = arg.records,
        .packet_bytes =
            arg.version == 5 ? MAX(arg.packet_bytes, 1464) : arg.packet_bytes,
        .total_flows = arg.total,
        .first_number = arg.first_number,
        .first_sequence = arg.first_sequence,
        .sampling = arg.sampling,
        .ipv6_share = arg.ipv6_share,
        .shuffle = arg.shuffle,
        .gap_every = arg.gap_every,
        .twin_every = arg.twin_every,
        .boot_ms = start_ms - arg.uptime_ms,
    };

    *packets = flowgen_packets_new(&options, error);
    return *packets != NULL;
}

static bool
make_sender(FlowgenSender **sender, GError **error)
{
    FlowgenSenderOptions options = { .tcp = arg.tcp,
                                     .source_port = arg.source_port,
                                     .n_exporters = arg.exporters,
                                     .file = arg.out };

    if (!flowgen_sender_set_target(&options, arg.target, error) ||
        !flowgen_sender_set_source(&options, arg.first_source, error))
        return false;
    *sender = flowgen_sender_new(&options, error);
    return *sender != NULL;
}

static void
count(Totals *totals, const FlowgenPacket *packet)
{
    if (packet->withheld) {
        totals->withheld_datagrams++;
        totals->withheld_flows += packet->n_flows;
        return;
    }
    totals->datagrams++;
    totals->bytes += packet->n_bytes;
    if (packet->twin) {
        totals->twin_datagrams++;
        totals->twin_flows += packet->n_flows;
        return;
    }
    totals->template_datagrams += packet->n_flows == 0;
    totals->flows += packet->n_flows;
    totals->octets += packet->octets;
    totals->packets += packet->packets;
}

/* What a run has and knows. */
typedef struct {
    FlowgenPackets *packets;
    FlowgenSender *sender;
    Totals all;
    Totals *of;    /* of each exporter */
    uint64_t made; /* flows, withheld ones too: what the pace counts */
    int64_t start_us;
    int64_t elapsed_us;
} Run;

/* Fills and sends one batch, at most @max_flows (but always one packet).  Returns
 * false at the end, or with @error. */
static bool
send_batch(Run *run, FlowgenPacket *batch, uint64_t max_flows, int64_t now_us,
           GError **error)
{
    uint64_t flows = 0;
    size_t n = 0;
    bool more = true;

    while (n < FLOWGEN_SENDER_BATCH && (n == 0 || flows < max_flows)) {
        more = flowgen_packets_next(run->packets, now_us / US_PER_MS, &batch[n]);
        if (!more)
            break;
        count(&run->all, &batch[n]);
        count(&run->of[batch[n].exporter], &batch[n]);
        flows += batch[n].twin ? 0 : batch[n].n_flows;
        n++;
    }
    run->made += flows;
    return flowgen_sender_send(run->sender, batch, n, now_us, error) && more;
}

/* Sends at the pace of the clock.  What could not be sent in time is sent later, but
 * never more than a tenth of a second's worth at once. */
static void
run_live(Run *run, FlowgenPacket *batch, GError **error)
{
    const int64_t begin_us = clock_mono_us();
    double base = 0; /* flows given up because we were late */

    while (!stopped) {
        run->elapsed_us = clock_mono_us() - begin_us;
        if (arg.seconds > 0 && run->elapsed_us >= arg.seconds * US_PER_SEC)
            break;
        double due = UINT32_MAX;
        if (arg.rate > 0) {
            due = arg.rate * run->elapsed_us / US_PER_SEC - base - run->made;
            if (due > arg.rate / 10) {
                base += due - arg.rate / 10;
                due = arg.rate / 10;
            }
        }
        /* A packet is sent when its last flow is due. */
        const uint32_t records =
            arg.templates_only ? 0 : flowgen_packets_records(run->packets);
        const double last = arg.total ? (double) arg.total - run->made : records;
        if (due < MIN(records, last)) {
            g_usleep(500);
            continue;
        }
        if (!send_batch(run, batch, due, clock_wall_us(), error))
            break;
    }
    run->elapsed_us = clock_mono_us() - begin_us;
}

/* Writes a capture: time is what the rate makes of the flows. */
static void
run_file(Run *run, FlowgenPacket *batch, GError **error)
{
    const double rate = arg.rate > 0 ? arg.rate : DEFAULT_RATE;

    while (!stopped) {
        run->elapsed_us = run->made / rate * US_PER_SEC;
        if (arg.seconds > 0 && run->elapsed_us >= arg.seconds * US_PER_SEC)
            break;
        if (!send_batch(run, batch, 1, run->start_us + run->elapsed_us, error))
            break;
    }
}

static void
print_totals_json(const Totals *t)
{
    const struct {
        const char *name;
        uint64_t value;
    } members[] = {
        { "datagrams", t->datagrams },
        { "template_datagrams", t->template_datagrams },
        { "twin_datagrams", t->twin_datagrams },
        { "withheld_datagrams", t->withheld_datagrams },
        { "flows", t->flows },
        { "octets", t->octets },
        { "packets", t->packets },
        { "withheld_flows", t->withheld_flows },
        { "twin_flows", t->twin_flows },
        { "bytes", t->bytes },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(members); i++)
        g_print("%s\"%s\": %" G_GUINT64_FORMAT, i ? ", " : "", members[i].name,
                members[i].value);
}

static char *
address_of(uint32_t exporter)
{
    struct in_addr first = { 0 };

    inet_pton(AF_INET, arg.first_source ? arg.first_source : "127.1.0.1", &first);
    const uint32_t address = ntohl(first.s_addr) + exporter;
    return g_strdup_printf("%u.%u.%u.%u", address >> 24, address >> 16 & 255,
                           address >> 8 & 255, address & 255);
}

static void
report_json(const Run *run, double seconds)
{
    g_print("{\"version\": %d, \"exporters\": %d, \"domains\": %d, \"templates\": %u, ",
            arg.version, arg.exporters, arg.domains,
            flowgen_packets_templates(run->packets));
    print_totals_json(&run->all);
    g_print(", \"first_number\": %" G_GINT64_FORMAT
            ", \"last_number\": %" G_GINT64_FORMAT,
            arg.first_number, arg.first_number + (gint64) run->made - 1);
    g_print(", \"seconds\": %.3f, \"flows_per_second\": %.0f", seconds,
            seconds > 0 ? run->all.flows / seconds : 0);
    for (int i = 0; arg.per_exporter && i < arg.exporters; i++) {
        g_autofree char *address = address_of(i);
        g_print("%s{\"address\": \"%s\", ", i ? ",\n " : ", \"exporter\": [\n ",
                address);
        print_totals_json(&run->of[i]);
        g_print("}%s", i == arg.exporters - 1 ? "]" : "");
    }
    g_print("}\n");
}

static void
report_text(const Run *run, double seconds)
{
    const Totals *t = &run->all;

    g_print("sent %" G_GUINT64_FORMAT " flows (%" G_GUINT64_FORMAT " octets, "
            "%" G_GUINT64_FORMAT " packets) in %" G_GUINT64_FORMAT " datagrams, "
            "%.1f s, %.0f flows/s\n",
            t->flows, t->octets, t->packets, t->datagrams, seconds,
            seconds > 0 ? t->flows / seconds : 0);
    if (t->withheld_datagrams)
        g_print("withheld %" G_GUINT64_FORMAT " flows in %" G_GUINT64_FORMAT
                " datagrams\n",
                t->withheld_flows, t->withheld_datagrams);
    if (t->twin_datagrams)
        g_print("sent %" G_GUINT64_FORMAT " datagrams twice\n", t->twin_datagrams);
    for (int i = 0; arg.per_exporter && i < arg.exporters; i++) {
        g_autofree char *address = address_of(i);
        g_print("%-15s %" G_GUINT64_FORMAT " flows, %" G_GUINT64_FORMAT " octets, "
                "%" G_GUINT64_FORMAT " packets\n",
                address, run->of[i].flows, run->of[i].octets, run->of[i].packets);
    }
}

static bool
start_time(int64_t *start_us, GError **error)
{
    *start_us = clock_wall_us();
    if (!arg.out)
        return true;

    return flowgen_units_time(arg.start_time ? arg.start_time : "2024-01-01T00:00:00Z",
                              start_us) ||
           usage_error(error, "--start-time is not an ISO 8601 time");
}

/* Returns the exit status. */
static int
flowgen(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(FlowgenPackets) packets = NULL;
    g_autoptr(FlowgenSender) sender = NULL;
    g_autofree Totals *of = g_new0(Totals, MAX(arg.exporters, 1));
    FlowgenPacket batch[FLOWGEN_SENDER_BATCH] = { 0 };
    Run run = { .of = of };

    if (!check_arguments(&error) || !start_time(&run.start_us, &error) ||
        !make_packets(run.start_us, &packets, &error) ||
        !make_sender(&sender, &error)) {
        g_printerr("flowgen: %s\n", error->message);
        return error->domain == G_OPTION_ERROR ? EXIT_USAGE : EXIT_FAILURE;
    }
    if (!arg.total && !arg.seconds && !arg.templates_only)
        arg.seconds = DEFAULT_SECONDS;
    run.packets = packets;
    run.sender = sender;

    g_autofree uint8_t *bytes = g_malloc(FLOWGEN_SENDER_BATCH * 65536);
    for (size_t i = 0; i < FLOWGEN_SENDER_BATCH; i++)
        batch[i].bytes = bytes + i * 65536;
    if (arg.out)
        run_file(&run, batch, &error);
    else
        run_live(&run, batch, &error);

    const double seconds = (double) run.elapsed_us / US_PER_SEC;
    if (arg.json)
        report_json(&run, seconds);
    else
        report_text(&run, seconds);
    if (!error)
        return EXIT_SUCCESS;
    g_printerr("flowgen: %s\n", error->message);
    return EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
    const struct sigaction on_stop = { .sa_handler = on_signal };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;

    if (argc > 1 && g_str_equal(argv[1], "play"))
        return flowgen_play(argc - 1, argv + 1);

    g_option_context_set_summary(
        context,
        "Sends made-up NetFlow v5, v9 or IPFIX to a collector on this machine.\n"
        "`flowgen play --help`: how it plays given sessions instead.");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || argc > 1) {
        g_printerr("flowgen: %s\n", error ? error->message : "it takes options only");
        return EXIT_USAGE;
    }
    sigaction(SIGINT, &on_stop, NULL);
    sigaction(SIGTERM, &on_stop, NULL);
    return flowgen();
}
