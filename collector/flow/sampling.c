/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sampling.h"

#include <glib.h>

/* No sampler goes further; a 32-bit interval above it whose bytes make sense in the
 * other order was sent in the device's own (MikroTik, some versions). */
#define LARGEST_PLAUSIBLE 10000000
#define LARGEST_SWAPPED   65535

static uint32_t
whole(double rate)
{
    return rate >= 1 && rate < SAMPLING_ABSURD ? (uint32_t) (rate + 0.5)
                                               : SAMPLING_ABSURD;
}

static uint32_t
from_interval(uint64_t interval)
{
    if (interval >= SAMPLING_ABSURD)
        return SAMPLING_ABSURD;

    const uint32_t swapped = GUINT32_SWAP_LE_BE((uint32_t) interval);
    return interval > LARGEST_PLAUSIBLE && swapped <= LARGEST_SWAPPED ? swapped
                                                                      : interval;
}

/* RFC 5477 8.2.2 and 8.2.3: @in_a_row are taken, then @left_out are not. */
static uint32_t
from_run(double in_a_row, double left_out, bool has_left_out)
{
    /* Alone it can only be meant as "one in". */
    if (!has_left_out)
        return whole(in_a_row);

    /* Nobody takes 999 packets to leave out one: the meanings are swapped (Nokia). */
    if (left_out > 0 && in_a_row > left_out)
        return whole((in_a_row + left_out) / left_out);

    return whole((in_a_row + left_out) / in_a_row);
}

uint32_t
sampling_rate(const SamplingReport *report)
{
    if (report->interval > 0)
        return from_interval(report->interval);
    /* IOS-XR adds 305 = 1 without 306 to "1 out of 256": that says nothing. */
    if (report->packet_interval > 0 &&
        (report->has_packet_space || report->population == 0))
        return from_run(report->packet_interval, report->packet_space,
                        report->has_packet_space);
    if (report->population > 0)
        return report->size > 0 ? whole((double) report->population / report->size)
                                : SAMPLING_ABSURD;
    if (report->has_probability)
        return report->probability > 0 ? whole(1 / report->probability)
                                       : SAMPLING_ABSURD;
    return 0;
}

uint32_t
sampling_from_v5(uint16_t field)
{
    return field & 0x3fff;
}

uint32_t
sampling_choose(const uint32_t rates[SAMPLING_N_SOURCES], SamplingSource *source)
{
    int strongest = SAMPLING_N_SOURCES - 1;

    while (strongest > SAMPLING_NONE && rates[strongest] == 0)
        strongest--;

    *source = strongest;
    return strongest > SAMPLING_NONE ? rates[strongest] : 0;
}

const char *
sampling_source_name(SamplingSource source)
{
    static const char *const names[SAMPLING_N_SOURCES] = {
        [SAMPLING_NONE] = "none",         [SAMPLING_HEADER] = "header",
        [SAMPLING_EXPORTER] = "exporter", [SAMPLING_SELECTOR] = "selector",
        [SAMPLING_RECORD] = "record",     [SAMPLING_CONFIGURED] = "configured",
    };

    g_assert(source < SAMPLING_N_SOURCES);
    return names[source];
}
