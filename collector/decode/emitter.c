/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/emitter.h"

#include <string.h>

#include "clock.h"

/* Connections of all firewalls together; 96 bytes each. */
#define MAX_CONNECTIONS 65536

/* A boot that flows suggest is given up for one this much later: a reboot. */
#define REBOOT_US (3600 * US_PER_SEC)

/* What one set's records share besides their common flow. */
typedef struct {
    Emitter *emitter;
    const DataSet *set;
    const Plan *plan;
    Options *options;
    Options *device; /* of the whole device, or NULL */
    Uptime uptime;
    Flow common;
} Run;

/* The receive time by the clock that the message has its times from: before the
 * shift of a replay. */
static int64_t
own_time_us(const DataSet *set)
{
    return set->received_us - set->shift_us;
}

static void
note_rate(Exporter *exporter, uint32_t rate, SamplingSource source)
{
    if (exporter->sampling == rate && exporter->sampling_source == source)
        return;
    exporter->sampling = rate;
    exporter->sampling_source = source;
    exporter->dirty = true;
}

static void
apply_rates(Flow *flow, const uint32_t rates[SAMPLING_N_SOURCES])
{
    SamplingSource source;

    flow->sampling = sampling_choose(rates, &source);
    flow->marks &= ~FLOW_MARK_SAMPLING_ASSUMED;
    if (source == SAMPLING_CONFIGURED)
        flow->marks |= FLOW_MARK_SAMPLING_ASSUMED;
    note_rate(flow->exporter, flow->sampling, source);
}

static uint32_t
exporter_rate(const Options *options, const Options *device)
{
    if (options->exporter_rate == 0 && device)
        return device->exporter_rate;
    return options->exporter_rate;
}

Flow
emitter_common(const Emitter *self, const Options *options, uint32_t header_rate,
               int64_t received_us)
{
    const Options *device = stream_table_device(self->streams, options);
    const uint32_t rates[SAMPLING_N_SOURCES] = {
        [SAMPLING_HEADER] = header_rate,
        [SAMPLING_EXPORTER] = exporter_rate(options, device),
        [SAMPLING_CONFIGURED] = options->override_rate,
    };
    Flow flow = { .exporter = options->exporter, .received_us = received_us };

    apply_rates(&flow, rates);
    return flow;
}

/* Options may be told for one domain of a device and meant for all. */
static uint32_t
sampler_rate(const Run *run, uint64_t id)
{
    OptionsBudget *budget = run->emitter->options;
    const uint32_t rate = options_sampler_rate(run->options, budget, id);

    return rate == 0 && run->device ? options_sampler_rate(run->device, budget, id)
                                    : rate;
}

static void
settle_sampling(const Run *run, Record *record)
{
    uint32_t rates[SAMPLING_N_SOURCES] = {
        [SAMPLING_EXPORTER] = exporter_rate(run->options, run->device),
        [SAMPLING_CONFIGURED] = run->options->override_rate,
    };

    if (run->plan->needs & NEEDS_SAMPLER)
        rates[SAMPLING_SELECTOR] = sampler_rate(run, record->sampler);
    if (run->plan->needs & NEEDS_REPORT)
        rates[SAMPLING_RECORD] = record_rate(record, run->plan->needs);
    apply_rates(&record->flow, rates);
}

static Options *
named_options(Emitter *self, const DataSet *set, const IpAddress *address)
{
    Options *options;

    if (ip_address_is_unspecified(address))
        return NULL;
    if (ip_address_equal(address, &set->stream->options->exporter->address))
        return set->stream->options;

    options = stream_table_options(self->streams, address, set->stream->key.domain);
    if (!options)
        tally_status(self->tally, DECODE_MAX_EXPORTERS, set->stream->exporter,
                     LOSS_UNIT_FIELDS, 1, set->received_us);
    return options;
}

static void
note_named(Exporter *exporter, const Stream *stream, int64_t received_us)
{
    exporter->version = stream->key.version;
    if (exporter->first_seen_us == 0)
        exporter->first_seen_us = received_us;
    exporter->last_seen_us = received_us;
    exporter->dirty = true;
}

/* The record names its exporter: the peer is a mediator or a translated address. */
static void
settle_exporter(Run *run, Record *record)
{
    const DataSet *set = run->set;
    Options *options = named_options(run->emitter, set, &record->exporter_address);

    if (!options || options == run->options)
        return;

    note_named(options->exporter, set->stream, set->received_us);
    run->options = options;
    run->device = stream_table_device(run->emitter->streams, options);
    record->flow.exporter = options->exporter;

    const Flow common = emitter_common(run->emitter, options, 0, set->received_us);
    record->flow.sampling = common.sampling;
    record->flow.marks = common.marks;
    run->common = common;
}

static void
settle_record(Run *run, Record *record)
{
    const unsigned needs = run->plan->needs;

    if (needs & NEEDS_TWINS)
        record_settle_twins(record, run->plan->twins);
    if (needs & NEEDS_BOOT && record->boot_ms > 0 &&
        run->set->stream->key.version == 10) {
        const Uptime own = uptime_from_boot(record->boot_ms, run->uptime.export_us);

        record_settle_times(record, needs, &own);
    } else {
        record_settle_times(record, needs, &run->uptime);
    }
    if (needs & NEEDS_EXPORTER && run->set->trust_exporter_address)
        settle_exporter(run, record);
    if (needs & (NEEDS_SAMPLER | NEEDS_REPORT))
        settle_sampling(run, record);
    if (needs & NEEDS_INITIATOR && flow_has(&record->flow, FLOW_EVENT)) {
        if (!run->emitter->nsel)
            run->emitter->nsel = nsel_new(MAX_CONNECTIONS);
        nsel_apply(run->emitter->nsel, &record->flow);
    }
}

/* MikroTik sends uptimes in IPFIX and never says when it booted.  Flows are exported
 * soon after they end, so the newest end of a set is about its export time, and the
 * boot can only be earlier than the earliest such guess. */
static void
guess_boot(const DataSet *set, int64_t export_us)
{
    Stream *stream = set->stream;
    const size_t step = set->template->plan.min_octets;
    size_t at, n_octets;
    uint64_t newest_ms = 0;

    if (!plan_find_fixed(&set->template->plan, offsetof(Record, end_stamp), &at,
                         &n_octets))
        return;

    for (uint32_t i = 0; i < set->n_records; i++) {
        Reader r = reader_over(set->content + i * step + at, n_octets);
        const uint64_t stamp_ms = reader_uint(&r, n_octets);

        if (stamp_ms <= UINT32_MAX)
            newest_ms = MAX(newest_ms, stamp_ms);
    }
    if (newest_ms == 0)
        return;

    const int64_t boot_us = export_us - (int64_t) newest_ms * US_PER_MS;
    if (!stream->has_boot || boot_us < stream->boot_us ||
        boot_us - stream->boot_us > REBOOT_US) {
        stream->boot_us = boot_us;
        stream->has_boot = true;
    }
}

static Uptime
uptime_of(const Run *run)
{
    const DataSet *set = run->set;
    Uptime uptime =
        uptime_from_header(set->uptime_ms, set->export_sec, 0, own_time_us(set));

    if (set->stream->key.version != 10 || !(run->plan->needs & NEEDS_STAMPS))
        return uptime;

    uint64_t boot_ms = run->options->boot_ms;
    if (boot_ms == 0 && run->device)
        boot_ms = run->device->boot_ms;
    if (boot_ms > 0)
        return uptime_from_boot(boot_ms, uptime.export_us);

    if (!(run->plan->needs & NEEDS_BOOT))
        guess_boot(set, uptime.export_us);
    uptime.uptime_ms = (uint64_t) (uptime.export_us - set->stream->boot_us) / US_PER_MS;
    return uptime;
}

static void
emit_flows(Run *run)
{
    const DataSet *set = run->set;
    const Plan *plan = run->plan;
    Tally *tally = run->emitter->tally;
    const uint8_t *at = set->content;
    const uint8_t *const end = at + set->n_octets;
    PlanContext context = { .received_us = own_time_us(set),
                            .export_us = run->uptime.export_us };
    Record record;

    for (uint32_t i = 0; i < set->n_records; i++) {
        const size_t n =
            plan->n_variable > 0 ? plan_measure(plan, at, end - at) : plan->min_octets;

        /* What is fixed is there in every record, and written over. */
        if (plan->needs != 0 && (i == 0 || plan->n_variable > 0))
            memset(&record, 0, sizeof(record));
        record.flow = run->common;
        plan_run(plan, at, n, &record, &context);
        if (plan->needs != 0)
            settle_record(run, &record);
        tally->sink.flow(&record.flow, set->shift_us, tally->user_data);
        at += n;
    }

    tally->counters.flow_records += set->n_records;
    tally_status(tally, DECODE_FIELD_LENGTH, run->options->exporter, LOSS_UNIT_FIELDS,
                 context.n_odd, set->received_us);
}

static void
learn(const Run *run, Options *options, const LearntOption *row)
{
    Tally *tally = run->emitter->tally;

    switch (options_put(options, run->emitter->options, row)) {
    case OPTION_NEW:
        tally->sink.option(row, tally->user_data);
        break;
    case OPTION_NO_ROOM:
        tally_status(tally, DECODE_MAX_OPTIONS, row->exporter, LOSS_UNIT_FIELDS, 1,
                     row->learnt_us);
        break;
    case OPTION_SAME:
        break;
    }
}

static void
take_options(Run *run)
{
    const DataSet *set = run->set;
    const Plan *plan = run->plan;
    Tally *tally = run->emitter->tally;
    const uint8_t *at = set->content;
    const uint8_t *const end = at + set->n_octets;
    PlanContext context = { .received_us = own_time_us(set),
                            .export_us = run->uptime.export_us };
    size_t n_odd_texts = 0;
    LearntOption rows[OPTIONS_MAX_ROWS];
    Record record;

    for (uint32_t i = 0; i < set->n_records; i++) {
        const size_t n = plan_measure(plan, at, end - at);

        memset(&record, 0, sizeof(record));
        plan_run(plan, at, n, &record, &context);
        record_settle_twins(&record, plan->twins);
        at += n;

        if (plan->needs & NEEDS_EXPORTER && set->trust_exporter_address) {
            Options *named = named_options(run->emitter, set, &record.exporter_address);

            if (named) {
                note_named(named->exporter, set->stream, set->received_us);
                stream_name(set->stream, set->peer_port, named);
                run->options = named;
            }
        }

        const size_t n_rows = options_rows(&record, plan, run->options->exporter,
                                           set->received_us, rows, &n_odd_texts);
        for (size_t row = 0; row < n_rows; row++)
            learn(run, run->options, &rows[row]);
    }

    tally->counters.options_records += set->n_records;
    tally_status(tally, DECODE_FIELD_LENGTH, run->options->exporter, LOSS_UNIT_FIELDS,
                 context.n_odd, set->received_us);
    tally_status(tally, DECODE_FIELD_STRING, run->options->exporter, LOSS_UNIT_FIELDS,
                 n_odd_texts, set->received_us);
}

void
emitter_data(Emitter *self, const DataSet *set)
{
    Run run = { .emitter = self, .set = set, .plan = &set->template->plan };

    run.options = set->trust_exporter_address
                      ? stream_options(set->stream, set->peer_port)
                      : set->stream->options;
    run.device = stream_table_device(self->streams, run.options);
    run.uptime = uptime_of(&run);

    if (set->template->is_options) {
        take_options(&run);
        return;
    }

    if (run.plan->needs & (NEEDS_SAMPLER | NEEDS_REPORT))
        run.common = (Flow){ .exporter = run.options->exporter,
                             .received_us = set->received_us };
    else
        run.common = emitter_common(self, run.options, 0, set->received_us);
    emit_flows(&run);
}
