/* SPDX-License-Identifier: Apache-2.0 */

/* bench-beacon: what the beacon job's own work costs, from contacts in memory to
 * candidates: stage 1 alone, stage 2 of one group, and whole scans of more and more
 * groups, whose exponent says how cost grows.
 *
 * Groups have 20 contacts on average, most of them few and some thousands, at random
 * times of one day; one in a hundred is a beacon.  Prints what, measured and wanted,
 * divided by tabs. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "beacon-scan.h"
#include "clock.h"

#define HOURS        24
#define US_PER_HOUR  (3600 * US_PER_SEC)
#define MEAN         20
#define MAX_CONTACTS 20000

static uint64_t state = 1;

/* xorshift64*; enough to make times. */
static double
draw(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (double) (state * UINT64_C(0x2545f4914f6cdd1d) >> 11) * 0x1.0p-53;
}

static double
cpu_sec(void)
{
    return (double) clock_read_us(CLOCK_PROCESS_CPUTIME_ID) / US_PER_SEC;
}

static int
compare_starts(const void *a, const void *b)
{
    const ContactEvent *x = a, *y = b;

    return (x->start_us > y->start_us) - (x->start_us < y->start_us);
}

/* Pareto with a mean of 20, as traffic has it. */
static size_t
draw_size(void)
{
    const double shape = 1.25, least = MEAN * (shape - 1) / shape;

    const double size = ceil(least / pow(1 - draw(), 1 / shape));

    return (size_t) MIN(MAX_CONTACTS, size);
}

/* The contacts of one group, by start. */
static size_t
draw_group(ContactEvent *events, bool beacon)
{
    const size_t n = draw_size();
    const double period_us = (double) HOURS * US_PER_HOUR / (double) n;

    for (size_t i = 0; i < n; i++) {
        const double at = beacon ? ((double) i + 0.8 + 0.2 * draw()) * period_us
                                 : draw() * HOURS * US_PER_HOUR;

        events[i] = (ContactEvent){ MIN((int64_t) at, HOURS * US_PER_HOUR - 1),
                                    (uint64_t) (200 + 800 * draw()) };
    }
    qsort(events, n, sizeof(*events), compare_starts);
    return n;
}

static ContactKey
key_of(unsigned group)
{
    const uint8_t host[4] = { 10, 20, (uint8_t) (group >> 14), (uint8_t) (group >> 6) };
    const uint8_t peer[4] = { 198, 18, (uint8_t) (group & 63), 1 };

    return (ContactKey){ .host = ip_address_from_v4(host),
                         .peer = ip_address_from_v4(peer),
                         .service_port = 443,
                         .protocol = 6,
                         .initiator = CONTACT_BY_HOST };
}

/* Hands the group to the scan hour by hour, as rows of contact_hour come. */
static void
scan_group(BeaconScan *scan, const ContactKey *key, const ContactEvent *events,
           size_t n_events)
{
    size_t begin = 0;

    while (begin < n_events) {
        const int64_t hour = events[begin].start_us / US_PER_HOUR;
        size_t end = begin;

        while (end < n_events && events[end].start_us / US_PER_HOUR == hour)
            end++;
        const ContactHour row = { .key = *key,
                                  .hour_us = hour * US_PER_HOUR,
                                  .n_sessions = end - begin,
                                  .out_packets = 10 * (end - begin),
                                  .events = events + begin,
                                  .n_events = end - begin };
        beacon_scan_add(scan, &row);
        begin = end;
    }
}

static double
time_scan(unsigned n_groups, uint64_t *n_contacts, guint *n_candidates)
{
    const BeaconScanOptions options = { .to_us = HOURS * US_PER_HOUR,
                                        .max_events = 100000,
                                        .max_candidates = 5000,
                                        .policy = BEACON_POLICY_DEFAULT };
    g_autoptr(BeaconScan) scan = beacon_scan_new(&options);
    g_autofree ContactEvent *events = g_new(ContactEvent, MAX_CONTACTS);
    double making = 0;
    const double begin = cpu_sec();

    for (unsigned i = 0; i < n_groups; i++) {
        const double before = cpu_sec();
        const size_t n = draw_group(events, i % 100 == 0);
        const ContactKey key = key_of(i);

        making += cpu_sec() - before;
        scan_group(scan, &key, events, n);
    }
    *n_candidates = beacon_scan_finish(scan)->len;
    *n_contacts = beacon_scan_n_contacts(scan);
    return cpu_sec() - begin - making;
}

static void
measure_stage1(void)
{
    enum { N_EVENTS = 1000, ROUNDS = 10000 };
    static ContactEvent events[N_EVENTS];
    unsigned n_may_pay = 0;

    for (size_t i = 0; i < N_EVENTS; i++)
        events[i] = (ContactEvent){ (int64_t) (draw() * HOURS * US_PER_HOUR),
                                    (uint64_t) (200 + 800 * draw()) };
    qsort(events, N_EVENTS, sizeof(*events), compare_starts);

    const double begin = cpu_sec();
    for (unsigned round = 0; round < ROUNDS; round++) {
        BeaconSketch sketch;

        beacon_sketch_init(&sketch);
        for (size_t i = 0; i < N_EVENTS; i++)
            beacon_sketch_add(&sketch, events[i].start_us, events[i].out_octets);
        n_may_pay += beacon_sketch_may_pay(&sketch);
    }
    printf("stage 1, contacts a CPU-second\t%.1f M\t5 M\n",
           (double) N_EVENTS * ROUNDS / (cpu_sec() - begin) / 1e6);
    (void) n_may_pay;
}

static void
measure_stage2(void)
{
    enum { N_EVENTS = 1000, ROUNDS = 300 };
    static ContactEvent events[N_EVENTS];

    for (size_t i = 0; i < N_EVENTS; i++)
        events[i] =
            (ContactEvent){ (int64_t) ((double) i * 86.4e6 + draw() * 40e6), 349 };

    const ContactSeries series = { .to_us = HOURS * US_PER_HOUR,
                                   .events = events,
                                   .n_events = N_EVENTS,
                                   .n_sessions = N_EVENTS };
    const double begin = cpu_sec();
    for (unsigned round = 0; round < ROUNDS; round++) {
        BeaconMeasure measure;

        beacon_measure(&series, &measure);
    }
    printf("stage 2, a group of 1 000 contacts\t%.2f ms\t2 ms\n",
           1000 * (cpu_sec() - begin) / ROUNDS);
}

int
main(int argc, char **argv)
{
    static const unsigned sizes[] = { 10000, 100000, 1000000 };
    const size_t n_sizes = argc > 1 && g_str_equal(argv[1], "--quick") ? 2 : 3;
    double first = 0, last = 0;
    struct rusage usage;

    measure_stage1();
    measure_stage2();
    for (size_t i = 0; i < n_sizes; i++) {
        uint64_t n_contacts;
        guint n_candidates;

        last = time_scan(sizes[i], &n_contacts, &n_candidates);
        first = i == 0 ? last : first;
        printf("%u groups, %.1f M contacts, %u candidates\t%.1f s\t%s\n", sizes[i],
               (double) n_contacts / 1e6, n_candidates, last,
               sizes[i] == 1000000 ? "60 s" : "");
    }
    printf("exponent from %u to %u groups\t%.2f\tnear 1\n", sizes[0],
           sizes[n_sizes - 1],
           log(last / first) / log((double) sizes[n_sizes - 1] / sizes[0]));
    getrusage(RUSAGE_SELF, &usage);
    printf("memory at most\t%ld MB\t512 MB\n", usage.ru_maxrss / 1024);
    return 0;
}
