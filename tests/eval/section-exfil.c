/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "crew.h"
#include "life.h"
#include "sections.h"
#include "table.h"
#include "volumes.h"

#define MB 1e6
#define GB 1e9

#define SEED       UINT64_C(0x6578666c)
#define WARM_UP    8 /* days before anything is put in */
#define BURST_DAYS 14
#define QUIET_DAYS 38

/* What is put into a life. */
typedef struct {
    const char *name;
    LifeKind kind;
    double out_low, out_high;           /* octets, log-uniform; an hour for drips */
    double in_share_low, in_share_high; /* of out; uniform */
    unsigned n_hours_low, n_hours_high; /* it takes so many hours, evenly */
    unsigned n_addresses;               /* of one network, one after the other */
    uint16_t port;
    uint8_t protocol;
    bool is_known; /* goes to a network the host meets every day */
    bool is_drip;  /* lasts for days: out is by hour */
} Deed;

typedef struct {
    const Deed *deed;
    GeneratorsSet set;
    uint64_t stream;
} Trial;

typedef struct {
    unsigned verdict; /* a LifeVerdict */
    unsigned n_mails; /* of a quiet life: days with one */
    unsigned n_digests;
    double days; /* until the first */
} Outcome;

static void
put_in(Life *life, const Deed *deed, unsigned network, unsigned from, unsigned n_hours,
       Dice *dice)
{
    const double share = dice_between(dice, deed->in_share_low, deed->in_share_high);
    const double out =
        deed->out_low * pow(deed->out_high / deed->out_low, dice_uniform(dice));

    for (unsigned i = 0; i < n_hours; i++) {
        /* A drip changes its address from hour to hour, a burst within the hour. */
        const unsigned n = deed->is_drip ? 1 : deed->n_addresses;
        const double part =
            deed->is_drip ? out * dice_between(dice, 0.7, 1.3) : out / n_hours / n;

        for (unsigned k = 0; k < n; k++)
            life_add(life, from + i,
                     &(LifeTransfer){
                         .network = network,
                         .address = deed->is_drip ? i % deed->n_addresses : k,
                         .port = deed->port,
                         .protocol = deed->protocol,
                         .out_octets = part,
                         .in_octets = part * share,
                         .session_octets = deed->is_drip ? 0
                                           : i > 0       ? -1
                                                         : out / n,
                     });
    }
}

static void
try_deed(size_t item, void *result, const void *data)
{
    const Trial *trial = data;
    const Deed *deed = trial->deed;
    Outcome *outcome = result;
    Dice dice;

    dice_seed(&dice, SEED + trial->set, trial->stream + item);

    const unsigned n_hours =
        deed->n_hours_low +
        (unsigned) dice_below(&dice, deed->n_hours_high - deed->n_hours_low + 1);
    const unsigned n_days = deed->is_drip ? WARM_UP + n_hours / 24 + 2 : BURST_DAYS;
    g_autoptr(Life) life = life_new(deed->kind, trial->set, n_days, &dice);
    const unsigned network =
        deed->is_known ? life_known_network(life) : life_new_network(life);
    const unsigned from =
        WARM_UP * 24 + (unsigned) dice_below(&dice, deed->is_drip ? 24 : 4 * 24);
    const unsigned last = MIN(from + n_hours + 23, n_days * 24 - 1);

    put_in(life, deed, network, from, n_hours, &dice);
    for (unsigned hour = from; hour <= last; hour += deed->is_drip ? 24 : 6) {
        const LifeVerdict verdict = life_judge(life, hour, network);

        if (verdict > LIFE_NOTHING && outcome->verdict == LIFE_NOTHING)
            outcome->days = (hour - from) / 24.0;
        outcome->verdict = MAX(outcome->verdict, (unsigned) verdict);
        if (verdict == LIFE_MAIL)
            break;
    }
}

static void
live_quietly(size_t item, void *result, const void *data)
{
    const Trial *trial = data;
    Outcome *outcome = result;
    Dice dice;

    dice_seed(&dice, SEED + trial->set, trial->stream + item);
    g_autoptr(Life) life = life_new(trial->deed->kind, trial->set, QUIET_DAYS, &dice);

    for (unsigned day = WARM_UP; day < QUIET_DAYS; day++) {
        const LifeVerdict verdict = life_judge(life, day * 24 + 23, LIFE_ANY);

        outcome->n_mails += verdict == LIFE_MAIL;
        outcome->n_digests += verdict == LIFE_DIGEST;
    }
}

#define TLS     .port = 443, .protocol = 6
#define ONE_WAY .in_share_low = 0.01, .in_share_high = 0.05
#define BURST(kind_, low, high, n)                                                     \
    .kind = kind_, .out_low = low, .out_high = high, ONE_WAY, .n_hours_low = 1,        \
    .n_hours_high = 4, .n_addresses = n, TLS
#define DRIP(kind_, mb, days, n)                                                       \
    .kind = kind_, .out_low = mb * MB, .out_high = mb * MB, ONE_WAY,                   \
    .n_hours_low = days * 24, .n_hours_high = days * 24, .n_addresses = n, TLS,        \
    .is_drip = true

static const Deed bursts[] = {
    { "0.2 GB, desktop", BURST(LIFE_DESKTOP, 0.2 * GB, 0.2 * GB, 1) },
    { "0.5 GB, desktop", BURST(LIFE_DESKTOP, 0.5 * GB, 0.5 * GB, 1) },
    { "2-20 GB, desktop", BURST(LIFE_DESKTOP, 2 * GB, 20 * GB, 1) },
    { "0.2 GB over 20 addresses, desktop",
      BURST(LIFE_DESKTOP, 0.2 * GB, 0.2 * GB, 20) },
    { "0.5-20 GB over 20 addresses, desktop",
      BURST(LIFE_DESKTOP, 0.5 * GB, 20 * GB, 20) },
    { "0.2 GB, a desktop that often sends files",
      BURST(LIFE_SENDER, 0.2 * GB, 0.2 * GB, 1) },
    { "2-20 GB, a desktop that often sends files",
      BURST(LIFE_SENDER, 2 * GB, 20 * GB, 1) },
    { "0.2 GB, server", BURST(LIFE_SERVER, 0.2 * GB, 0.2 * GB, 1) },
    { "0.5-20 GB, server", BURST(LIFE_SERVER, 0.5 * GB, 20 * GB, 1) },
    { "0.2-20 GB over 20 addresses, server",
      BURST(LIFE_SERVER, 0.2 * GB, 20 * GB, 20) },
    { "0.2-20 GB, web server", BURST(LIFE_WEB, 0.2 * GB, 20 * GB, 1) },
    { "2-20 GB to a network known for 8 days, desktop",
      BURST(LIFE_DESKTOP, 2 * GB, 20 * GB, 1), .is_known = true },
};

static const Deed drips[] = {
    { "1 MB/h, 7 days", DRIP(LIFE_DESKTOP, 1, 7, 1) },
    { "1 MB/h, 30 days", DRIP(LIFE_DESKTOP, 1, 30, 1) },
    { "2 MB/h, 7 days", DRIP(LIFE_DESKTOP, 2, 7, 1) },
    { "5 MB/h, 7 days", DRIP(LIFE_DESKTOP, 5, 7, 1) },
    { "20 MB/h, 7 days", DRIP(LIFE_DESKTOP, 20, 7, 1) },
    { "50 MB/h, 14 days", DRIP(LIFE_DESKTOP, 50, 14, 1) },
    { "1 MB/h, 7 days, over 20 addresses", DRIP(LIFE_DESKTOP, 1, 7, 20) },
    { "5 MB/h, 14 days, over 20 addresses", DRIP(LIFE_DESKTOP, 5, 14, 20) },
    { "1 MB/h, 7 days, server", DRIP(LIFE_SERVER, 1, 7, 1) },
    { "5 MB/h, 7 days, server", DRIP(LIFE_SERVER, 5, 7, 1) },
    { "50 MB/h, 30 days, server, over 20 addresses", DRIP(LIFE_SERVER, 50, 30, 20) },
};

#define HARMLESS(low, high, in_low, in_high, hours)                                    \
    .kind = LIFE_DESKTOP, .out_low = low * MB, .out_high = high * MB,                  \
    .in_share_low = in_low, .in_share_high = in_high, .n_hours_low = 1,                \
    .n_hours_high = hours, .n_addresses = 1

static const Deed harmless[] = {
    { "video call, 457 MB, PCR -0.31", HARMLESS(457, 457, 1.9, 1.9, 2), .port = 3478,
      .protocol = 17 },
    { "speed test, 137 MB, PCR 0.67", HARMLESS(137, 137, 0.198, 0.198, 1), .port = 8080,
      .protocol = 6 },
    { "tunnel, 90 MB, PCR 0.2", HARMLESS(90, 90, 0.67, 0.67, 8), .port = 1194,
      .protocol = 17 },
    { "tunnel, 90 MB, one-sided", HARMLESS(90, 90, 0.03, 0.03, 8), .port = 1194,
      .protocol = 17 },
    { "video calls, 0.1-2 GB, PCR -0.6 to 0.1", HARMLESS(100, 2000, 0.8, 4, 3),
      .port = 3478, .protocol = 17 },
    { "speed tests, 50-400 MB, PCR 0.3 to 0.7", HARMLESS(50, 400, 0.18, 0.5, 1), TLS },
    { "tunnels, 30-300 MB, PCR -0.3 to 0.5", HARMLESS(30, 300, 0.33, 1.9, 8), TLS },
    { "a file of 20-90 MB to a new network", HARMLESS(20, 90, 0.01, 0.05, 1), TLS },
    { "a file of 100-400 MB to a known network", HARMLESS(100, 400, 0.01, 0.05, 1), TLS,
      .is_known = true },
    { "the first of new nightly backups, 8 GB", HARMLESS(8000, 8000, 0.01, 0.01, 1),
      .port = 22, .protocol = 6 },
};

static const Deed quiet[] = {
    { "desktop", .kind = LIFE_DESKTOP },
    { "desktop that often sends files", .kind = LIFE_SENDER },
    { "server with nightly backups", .kind = LIFE_SERVER },
    { "public web server", .kind = LIFE_WEB },
};

static const char *const set_names[] = { "development", "held out" };

static Recall
count(const Outcome *outcomes, size_t n, LifeVerdict least, double *days)
{
    g_autofree double *delays = g_new(double, n);
    size_t n_found = 0;

    for (size_t i = 0; i < n; i++) {
        if (outcomes[i].verdict >= (unsigned) least)
            delays[n_found++] = outcomes[i].days;
    }
    *days = recall_median(delays, n_found);
    return recall_of(n_found, n);
}

static bool
measure(const Plan *plan, const Deed *deeds, size_t n_deeds, uint64_t first,
        const char *head, GString *out, GError **error)
{
    g_autoptr(Table) table = table_new(head);

    for (size_t i = 0; i < 2 * n_deeds; i++) {
        const Trial trial = { &deeds[i / 2], (GeneratorsSet) (i % 2),
                              (first + i / 2) << 32 };
        char mail[TABLE_RECALL_BYTES], found[TABLE_RECALL_BYTES];
        double days;

        if (!plan->sets[i % 2])
            continue;
        g_autofree Outcome *outcomes =
            crew_run(plan->n_trials, plan->n_jobs, sizeof(Outcome), try_deed, &trial,
                     error);
        if (!outcomes)
            return false;
        table_recall(count(outcomes, plan->n_trials, LIFE_MAIL, &days), mail);
        table_recall(count(outcomes, plan->n_trials, LIFE_DIGEST, &days), found);
        g_autofree char *delay =
            isnan(days) ? g_strdup("-") : g_strdup_printf("%.1f", days);
        table_row(table, "%s|%s|%s|%s|%s", deeds[i / 2].name, set_names[i % 2], found,
                  mail, delay);
        sections_progress("%s", deeds[i / 2].name);
    }
    table_write(table, out);
    return true;
}

static bool
measure_quiet(const Plan *plan, GString *out, GError **error)
{
    g_autoptr(Table) table =
        table_new("host|set|>host-days|>with a digest|>with a mail");
    const size_t n = MAX(plan->n_trials / 10, 1);

    for (size_t i = 0; i < 2 * G_N_ELEMENTS(quiet); i++) {
        const Trial trial = { &quiet[i / 2], (GeneratorsSet) (i % 2),
                              (uint64_t) (400 + i / 2) << 32 };
        size_t n_mails = 0, n_digests = 0;

        if (!plan->sets[i % 2])
            continue;
        g_autofree Outcome *outcomes =
            crew_run(n, plan->n_jobs, sizeof(Outcome), live_quietly, &trial, error);
        if (!outcomes)
            return false;
        for (size_t k = 0; k < n; k++) {
            n_mails += outcomes[k].n_mails;
            n_digests += outcomes[k].n_digests;
        }
        table_row(table, "%s|%s|%zu|%zu|%zu", quiet[i / 2].name, set_names[i % 2],
                  n * (QUIET_DAYS - WARM_UP), n_digests, n_mails);
        sections_progress("%s", quiet[i / 2].name);
    }
    table_write(table, out);
    return true;
}

static const struct {
    const char *name;
    const char *watched;
} files[] = {
    { "desktop-benign-17h.csv", "192.168.1.0/24" },
    { "internet-server-24h.csv", "64.225.56.201/32" },
    { "remcos-rat.csv", "192.168.1.0/24" },
};

static bool
judge_recordings(const Plan *plan, GString *out, GError **error)
{
    g_autoptr(Table) table =
        table_new("file|>watched hosts|>most to a network, MB|>digests|>mails");

    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path =
            g_build_filename(plan->traffic_folder, files[i].name, NULL);
        Network watched;

        if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
            table_row(table, "%s (not there)|-|-|-|-", files[i].name);
            continue;
        }
        g_autoptr(GArray) sessions = traffic_load(path, error);
        if (!sessions || !network_parse(files[i].watched, &watched, error))
            return false;
        const Volumes volumes = volumes_judge(sessions, &watched);
        table_row(table, "%s|%u|%.1f|%u|%u", files[i].name, volumes.n_hosts,
                  (double) volumes.largest_octets / MB, volumes.n_digests,
                  volumes.n_mails);
    }
    table_write(table, out);
    return true;
}

bool
section_exfil_run(const Plan *plan, GString *out, GError **error)
{
    g_string_append(
        out,
        "Made-up lives of watched hosts, hour by hour, through the same code as the "
        "job: "
        "daily sums, learning, the window, the verdict. Something is put in after "
        "eight "
        "days. *Found* is a digest or a mail, in per cent, with the interval of 95 %; "
        "*days* until then, the median.\n\nBursts, which take one to four hours and "
        "get "
        "1 to 5 % back:\n\n");
    if (!measure(plan, bursts, G_N_ELEMENTS(bursts), 100,
                 "burst|set|>found|>mailed|>days", out, error))
        return false;
    g_string_append(out, "\nDrips, all day and night, from a desktop unless said:\n\n");
    if (!measure(plan, drips, G_N_ELEMENTS(drips), 200, "drip|set|>found|>mailed|>days",
                 out, error))
        return false;
    g_string_append(
        out,
        "\nHarmless transfers of a desktop, to a new network unless said, which "
        "should raise nothing; the last three are what the detector cannot tell from "
        "a theft:\n\n");
    if (!measure(plan, harmless, G_N_ELEMENTS(harmless), 300,
                 "transfer|set|>raised|>mailed|>days", out, error))
        return false;
    g_string_append(out, "\nOrdinary days 8 to 37 of hosts with nothing put in:\n\n");
    if (!measure_quiet(plan, out, error))
        return false;
    g_string_append(out, "\nRecorded traffic (development data), as on the first day, "
                         "when only the limits decide:\n\n");
    return judge_recordings(plan, out, error);
}
