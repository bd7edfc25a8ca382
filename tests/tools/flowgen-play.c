/* SPDX-License-Identifier: Apache-2.0 */
#include "flowgen-play.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "flowgen-router.h"
#include "flowgen-sender.h"
#include "flowgen-sessions.h"
#include "flowgen-units.h"

#define EXIT_USAGE  2
#define MAX_ROUTERS 64

/* From a router to the collector; what was sent at a time is received so much later. */
#define DELAY_US 1000

/* A router had been up for so long when the first session starts: v5 and v9 say
 * times by it. */
#define UPTIME_US (INT64_C(12) * 86400 * US_PER_SEC)

/* What is waited for at once, so that a signal is heard. */
#define NAP_US 100000

/* The command line. */
static struct {
    char *target, *first_source, *out, *start_time, *skews;
    gint version, exporters, sampling, packet_bytes, source_port, domain, gap_every;
    gint64 seed;
    gdouble active, inactive, template_period, speed, before_days;
    gboolean biflow, uniflow, egress_too, with_as, mirror, end_now, list, json;
    char **files;
} arg = {
    .version = 10,
    .exporters = 1,
    .domain = 1,
    .sampling = 1,
    .packet_bytes = 1420,
    .seed = 1,
    .active = 60,
    .inactive = 15,
    .template_period = 60,
    .speed = 1,
};

/* clang-format off */
static const GOptionEntry entries[] = {
    { "version", 'V', 0, G_OPTION_ARG_INT, &arg.version, "5, 9 or 10 (IPFIX; default)", "N" },
    { "uniflow", 0, 0, G_OPTION_ARG_NONE, &arg.uniflow, "a record for each direction (default)", NULL },
    { "biflow", 0, 0, G_OPTION_ARG_NONE, &arg.biflow, "one record for both directions (RFC 5103; IPFIX)", NULL },
    { "active-timeout", 'a', 0, G_OPTION_ARG_DOUBLE, &arg.active, "cut sessions that are longer (default 60)", "SEC" },
    { "inactive-timeout", 'i', 0, G_OPTION_ARG_DOUBLE, &arg.inactive, "export what was silent for so long (default 15)", "SEC" },
    { "exporters", 'e', 0, G_OPTION_ARG_INT, &arg.exporters, "routers, all of which see all sessions (default 1)", "N" },
    { "skew-ms", 0, 0, G_OPTION_ARG_STRING, &arg.skews, "how wrong their clocks are, one after the other (default 0)", "A,B..." },
    { "egress-too", 0, 0, G_OPTION_ARG_NONE, &arg.egress_too, "routers count at both interfaces: each record twice, element 61 says where", NULL },
    { "with-as", 0, 0, G_OPTION_ARG_NONE, &arg.with_as, "records name autonomous systems, made up of the addresses", NULL },
    { "gap-every", 0, 0, G_OPTION_ARG_INT, &arg.gap_every, "one datagram in N is lost on the way (default: none)", "N" },
    { "sampling", 0, 0, G_OPTION_ARG_INT, &arg.sampling, "look at one packet in N, at random (default 1)", "N" },
    { "domain", 0, 0, G_OPTION_ARG_INT, &arg.domain, "observation domain, source id, engine (default 1)", "N" },
    { "mirror-missing", 0, 0, G_OPTION_ARG_NONE, &arg.mirror, "make up small requests where a list has only the answers, out_packets 0 (default: export only what was seen)", NULL },
    { "before-days", 'b', 0, G_OPTION_ARG_DOUBLE, &arg.before_days, "of scenarios: ordinary traffic of so many days before their start", "N" },
    { "seed", 'S', 0, G_OPTION_ARG_INT64, &arg.seed, "of what is drawn: samples, scenarios (default 1)", "N" },
    { "target", 't', 0, G_OPTION_ARG_STRING, &arg.target, "where to, on loopback (default 127.0.0.1:2055)", "HOST:PORT" },
    { "first-source", 0, 0, G_OPTION_ARG_STRING, &arg.first_source, "address of the first router (default 127.1.0.1)", "IP" },
    { "source-port", 0, 0, G_OPTION_ARG_INT, &arg.source_port, "UDP source port (default any)", "PORT" },
    { "template-period", 0, 0, G_OPTION_ARG_DOUBLE, &arg.template_period, "repeat templates every so many seconds, 0 = never (default 60)", "S" },
    { "packet-bytes", 0, 0, G_OPTION_ARG_INT, &arg.packet_bytes, "largest packet (default 1420)", "N" },
    { "speed", 'x', 0, G_OPTION_ARG_DOUBLE, &arg.speed, "times as fast as it happened, 0 = at once; the last session ends when playing ends (default 1)", "X" },
    { "out", 'o', 0, G_OPTION_ARG_FILENAME, &arg.out, "write a capture whose times are those of the list; *.ipfix: bare messages", "FILE" },
    { "start-time", 0, 0, G_OPTION_ARG_STRING, &arg.start_time, "the first session starts then (default: as the list says; sent: see --speed)", "ISO8601" },
    { "end-now", 0, 0, G_OPTION_ARG_NONE, &arg.end_now, "into a capture: all is over now", NULL },
    { "list", 'l', 0, G_OPTION_ARG_NONE, &arg.list, "print the sessions as a list instead of exporting them", NULL },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &arg.json, "report as JSON", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arg.files, NULL, NULL },
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

/* What was played, before any router. */
typedef struct {
    uint64_t n;
    uint64_t octets[FLOWGEN_N_WAYS];
    uint64_t packets[FLOWGEN_N_WAYS];
    int64_t first_us; /* after the shift */
    int64_t last_us;
} Played;

typedef struct {
    FlowgenSessions *sessions;
    FlowgenSender *sender;
    FlowgenRouter *routers[MAX_ROUTERS];
    int64_t shift_us;
    int64_t begin_us; /* wall clock, when sending began */
    Played played;
    uint64_t n_datagrams;
    uint64_t n_template_datagrams;
    uint64_t n_withheld_datagrams; /* --gap-every */
    uint64_t n_bytes;
    uint8_t bytes[FLOWGEN_MAX_PACKET_BYTES + FLOWGEN_LAYOUT_SLACK_BYTES];
} Play;

static void
play_free(Play *self)
{
    for (int i = 0; i < MAX_ROUTERS; i++)
        flowgen_router_free(self->routers[i]);
    flowgen_sessions_free(self->sessions);
    flowgen_sender_free(self->sender);
    g_free(self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Play, play_free)

static bool
check_arguments(GError **error)
{
    if (!arg.files)
        return usage_error(error, "which session list or scenario?");
    if (arg.version != 5 && arg.version != 9 && arg.version != 10)
        return usage_error(error, "--version is 5, 9 or 10");
    if (arg.biflow && (arg.uniflow || arg.version != 10))
        return usage_error(error, "--biflow excludes --uniflow, and is for IPFIX");
    if (!(arg.active >= 1 && arg.active <= 86400) ||
        !(arg.inactive >= 1 && arg.inactive <= 86400))
        return usage_error(error, "a timeout is 1 to 86400 seconds");
    if (arg.exporters < 1 || arg.exporters > MAX_ROUTERS)
        return usage_error(error, "--exporters is 1 to 64");
    if (arg.sampling < 1 || arg.sampling > (arg.version == 5 ? 16383 : 10000000))
        return usage_error(error, "--sampling is 1 to 16383 in v5, else to 10000000");
    if (arg.packet_bytes < 512 || arg.packet_bytes > FLOWGEN_MAX_PACKET_BYTES)
        return usage_error(error, "--packet-bytes is 512 to 65507");
    if (arg.source_port < 0 || arg.source_port > 65535)
        return usage_error(error, "--source-port is 0 to 65535");
    if (!(arg.template_period >= 0 && arg.template_period <= 1e6) ||
        !(arg.before_days >= 0 && arg.before_days <= 3660) ||
        !(arg.speed >= 0 && arg.speed <= 1e9) || arg.domain < 0 || arg.gap_every < 0)
        return usage_error(error, "a number is negative or absurd");
    if (arg.start_time && arg.end_now)
        return usage_error(error, "--start-time and --end-now exclude each other");
    return true;
}

static FlowgenSessions *
open_sessions(GError **error)
{
    const FlowgenSessionsOptions options = { .seed = arg.seed,
                                             .before_days = arg.before_days,
                                             .mirror = arg.mirror };

    return flowgen_sessions_open(arg.files, &options, error);
}

/* The sessions' own times: when the first starts and the last ends. */
static bool
find_span(Played *span, GError **error)
{
    g_autoptr(FlowgenSessions) sessions = open_sessions(error);
    FlowgenSession session;
    GError *local = NULL;

    if (!sessions)
        return false;
    *span = (Played){ 0 };
    while (flowgen_sessions_next(sessions, &session, &local)) {
        if (span->n++ == 0)
            span->first_us = session.start_us;
        span->last_us = MAX(span->last_us, session.start_us + session.duration_us);
    }
    if (local)
        g_propagate_error(error, local);
    return !local;
}

/* By how much everything is moved, so that it starts or ends when it should. */
static bool
find_shift(int64_t *shift_us, GError **error)
{
    Played span;
    int64_t start_us;

    *shift_us = 0;
    if (!arg.start_time && !arg.end_now && (arg.out || arg.list))
        return true;
    if (!find_span(&span, error))
        return false;

    const int64_t inactive_us = arg.inactive * US_PER_SEC;
    const int64_t last_us = span.last_us + inactive_us + US_PER_SEC;
    const int64_t now_us = clock_wall_us();
    if (arg.start_time) {
        if (!flowgen_units_time(arg.start_time, &start_us))
            return usage_error(error, "--start-time is not an ISO 8601 time");
        *shift_us = start_us - span.first_us;
    } else if (arg.out || arg.list || arg.speed == 0) {
        *shift_us = now_us - last_us;
    } else {
        const double takes_us = (last_us - span.first_us) / arg.speed;
        *shift_us = now_us + (int64_t) takes_us - last_us;
    }
    return true;
}

/* The clock of router @index, from "A,B"; those without a number are right. */
static bool
skew_of(int index, int64_t *skew_ms, GError **error)
{
    *skew_ms = 0;
    if (!arg.skews)
        return true;

    g_auto(GStrv) words = g_strsplit(arg.skews, ",", -1);
    if ((int) g_strv_length(words) > arg.exporters)
        return usage_error(error,
                           "--skew-ms has more numbers than there are exporters");
    if (index >= (int) g_strv_length(words))
        return true;
    return g_ascii_string_to_signed(words[index], 10, -86400000, 86400000, skew_ms,
                                    NULL) ||
           usage_error(error, "--skew-ms is a list of milliseconds, a day at most");
}

static bool
make_routers(Play *self, int64_t first_us, GError **error)
{
    for (int i = 0; i < arg.exporters; i++) {
        FlowgenRouterOptions options = {
            .version = arg.version,
            .biflow = arg.biflow,
            .egress_too = arg.egress_too,
            .with_as = arg.with_as,
            .cache = { .active_us = arg.active * US_PER_SEC,
                       .inactive_us = arg.inactive * US_PER_SEC,
                       .sampling = arg.sampling },
            .boot_us = first_us - UPTIME_US - i * 3600 * US_PER_SEC,
            .domain = arg.domain,
            .inside_if = 10 * (i + 1) + 2,
            .outside_if = 10 * (i + 1) + 1,
            .template_period_us = arg.template_period * US_PER_SEC,
            .packet_bytes =
                arg.version == 5 ? MAX(arg.packet_bytes, 1464) : arg.packet_bytes,
            .seed = flowgen_random_seed(arg.seed, i),
        };
        if (!skew_of(i, &options.skew_ms, error))
            return false;
        self->routers[i] = flowgen_router_new(&options);
    }
    return true;
}

static bool
make_sender(Play *self, GError **error)
{
    FlowgenSenderOptions options = { .source_port = arg.source_port,
                                     .n_exporters = arg.exporters,
                                     .file = arg.out };

    if (!flowgen_sender_set_target(&options, arg.target, error) ||
        !flowgen_sender_set_source(&options, arg.first_source, error))
        return false;
    self->sender = flowgen_sender_new(&options, error);
    return self->sender != NULL;
}

/* The next session, shifted. */
static bool
next_session(Play *self, FlowgenSession *session, GError **error)
{
    if (!flowgen_sessions_next(self->sessions, session, error))
        return false;

    session->start_us += self->shift_us;
    Played *played = &self->played;
    if (played->n++ == 0)
        played->first_us = session->start_us;
    played->last_us = MAX(played->last_us, session->start_us + session->duration_us);
    for (int way = 0; way < FLOWGEN_N_WAYS; way++) {
        played->octets[way] += session->octets[way];
        played->packets[way] += session->packets[way];
    }
    return true;
}

static bool
show(Play *self, const FlowgenSession *session, GError **error)
{
    for (int i = 0; i < arg.exporters; i++) {
        if (!flowgen_router_see(self->routers[i], session)) {
            g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC,
                        "more than %d flows are open at a time",
                        FLOWGEN_ROUTER_MAX_FLOWS);
            return false;
        }
    }
    return true;
}

/* Which router acts next, and when. */
static int
next_router(const Play *self, int64_t *due_us)
{
    int first = 0;

    *due_us = INT64_MAX;
    for (int i = 0; i < arg.exporters; i++) {
        const int64_t us = flowgen_router_due_us(self->routers[i]);
        if (us < *due_us) {
            *due_us = us;
            first = i;
        }
    }
    return first;
}

/* Until what happens at @at_us is due on the wall clock, or a signal comes. */
static void
wait_until(const Play *self, int64_t at_us)
{
    if (arg.out || arg.speed == 0)
        return;

    const int64_t due_us =
        self->begin_us + (int64_t) ((at_us - self->played.first_us) / arg.speed);
    for (int64_t now_us; !stopped && (now_us = clock_wall_us()) < due_us;)
        g_usleep(MIN(due_us - now_us, NAP_US));
}

static bool
act(Play *self, int router, int64_t due_us, GError **error)
{
    FlowgenPacket packet = { .bytes = self->bytes };

    wait_until(self, due_us);
    if (!flowgen_router_act(self->routers[router], &packet))
        return true;

    packet.exporter = router;
    self->n_datagrams++;
    if (arg.gap_every > 0 && self->n_datagrams % (uint64_t) arg.gap_every == 0) {
        self->n_withheld_datagrams++;
        return true;
    }
    self->n_template_datagrams += packet.n_flows == 0;
    self->n_bytes += packet.n_bytes;
    return flowgen_sender_send(self->sender, &packet, 1, due_us + DELAY_US, error);
}

/* Shows each session to the routers before they act after its start. */
static bool
play(Play *self, GError **error)
{
    FlowgenSession session;
    GError *local = NULL;
    bool more = next_session(self, &session, &local);

    self->begin_us = clock_wall_us();
    if (more && !make_routers(self, session.start_us, error))
        return false;
    while (!stopped && !local && more) {
        int64_t due_us;
        const int router = next_router(self, &due_us);
        if (session.start_us > due_us) {
            act(self, router, due_us, &local);
        } else if (show(self, &session, &local)) {
            more = next_session(self, &session, &local);
        }
    }
    while (!stopped && !local) {
        int64_t due_us;
        const int router = next_router(self, &due_us);
        if (due_us == INT64_MAX)
            break;
        act(self, router, due_us, &local);
    }
    if (local)
        g_propagate_error(error, local);
    return !local;
}

static bool
print_list(Play *self, GError **error)
{
    char line[FLOWGEN_SESSION_LINE_BYTES];
    FlowgenSession session;
    GError *local = NULL;

    puts(FLOWGEN_SESSION_HEADER);
    while (!stopped && next_session(self, &session, &local)) {
        flowgen_session_format(&session, line);
        puts(line);
    }
    if (local)
        g_propagate_error(error, local);
    return !local;
}

static FlowgenRouterTotals
totals_of(const Play *self)
{
    FlowgenRouterTotals sum = { 0 };

    for (int i = 0; i < arg.exporters && self->routers[i]; i++) {
        const FlowgenRouterTotals *one = flowgen_router_totals(self->routers[i]);
        for (int way = 0; way < FLOWGEN_N_WAYS; way++) {
            sum.ways[way].records += one->ways[way].records;
            sum.ways[way].octets += one->ways[way].octets;
            sum.ways[way].packets += one->ways[way].packets;
        }
        sum.unseen += one->unseen;
        sum.no_room += one->no_room;
    }
    return sum;
}

#define U64 "%" G_GUINT64_FORMAT
#define I64 "%" G_GINT64_FORMAT

static void
report_json(const Play *self)
{
    const FlowgenRouterTotals totals = totals_of(self);
    const FlowgenRouterSums *out = &totals.ways[FLOWGEN_OUT];
    const FlowgenRouterSums *in = &totals.ways[FLOWGEN_IN];
    const Played *played = &self->played;

    g_print("{\"version\": %d, \"exporters\": %d, \"sampling\": %d, ", arg.version,
            arg.exporters, arg.sampling);
    g_print("\"sessions\": {\"count\": " U64 ", \"out_octets\": " U64
            ", \"in_octets\": " U64 ", \"out_packets\": " U64 ", \"in_packets\": " U64
            ", \"first_us\": " I64 ", \"last_us\": " I64 ", \"shift_us\": " I64 "}, ",
            played->n, played->octets[FLOWGEN_OUT], played->octets[FLOWGEN_IN],
            played->packets[FLOWGEN_OUT], played->packets[FLOWGEN_IN], played->first_us,
            played->last_us, self->shift_us);
    g_print("\"records\": " U64 ", \"out_records\": " U64 ", \"in_records\": " U64
            ", \"out_octets\": " U64 ", \"in_octets\": " U64 ", \"out_packets\": " U64
            ", \"in_packets\": " U64 ", ",
            out->records + in->records, out->records, in->records, out->octets,
            in->octets, out->packets, in->packets);
    g_print("\"unseen\": " U64 ", \"no_room\": " U64 ", \"datagrams\": " U64
            ", \"withheld_datagrams\": " U64 ", \"template_datagrams\": " U64
            ", \"bytes\": " U64 "}\n",
            totals.unseen, totals.no_room, self->n_datagrams,
            self->n_withheld_datagrams, self->n_template_datagrams, self->n_bytes);
}

static void
report_text(const Play *self)
{
    const FlowgenRouterTotals totals = totals_of(self);
    const FlowgenRouterSums *out = &totals.ways[FLOWGEN_OUT];
    const FlowgenRouterSums *in = &totals.ways[FLOWGEN_IN];

    g_print("played " U64 " sessions (" U64 " octets out, " U64 " in)\n",
            self->played.n, self->played.octets[FLOWGEN_OUT],
            self->played.octets[FLOWGEN_IN]);
    g_print("exported " U64 " records (" U64 " octets out, " U64 " in) in " U64
            " datagrams\n",
            out->records + in->records, out->octets, in->octets, self->n_datagrams);
    if (self->n_withheld_datagrams)
        g_print(U64 " of these were lost on the way\n", self->n_withheld_datagrams);
    if (totals.unseen)
        g_print("nothing was seen of " U64 " sessions\n", totals.unseen);
    if (totals.no_room)
        g_print(U64 " sessions of IPv6 cannot be exported by v5\n", totals.no_room);
}

static bool
run(Play *self, GError **error)
{
    if (!check_arguments(error) || !find_shift(&self->shift_us, error))
        return false;
    self->sessions = open_sessions(error);
    if (!self->sessions)
        return false;
    if (arg.list)
        return print_list(self, error);
    return make_sender(self, error) && play(self, error);
}

int
flowgen_play(int argc, char **argv)
{
    const struct sigaction on_stop = { .sa_handler = on_signal };
    g_autoptr(GOptionContext) context = g_option_context_new("FILE...");
    g_autoptr(GError) error = NULL;
    g_autoptr(Play) self = g_new0(Play, 1);

    g_set_prgname("flowgen play"); /* for --help */
    g_option_context_set_summary(
        context,
        "Plays session lists (csv) and scenarios as routers would export them: "
        "to a collector\non this machine, or into a capture.");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        g_printerr("flowgen play: %s\n", error->message);
        return EXIT_USAGE;
    }
    sigaction(SIGINT, &on_stop, NULL);
    sigaction(SIGTERM, &on_stop, NULL);

    const bool ok = run(self, &error);
    if (!ok)
        g_printerr("flowgen play: %s\n", error->message);
    else if (!arg.list && arg.json)
        report_json(self);
    else if (!arg.list)
        report_text(self);
    return ok                                ? EXIT_SUCCESS
           : error->domain == G_OPTION_ERROR ? EXIT_USAGE
                                             : EXIT_FAILURE;
}
