/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Exporter: an exporting device and one of its observation domains, and the table
 * of all of them that one worker has met.
 *
 * Exporters are never moved or removed while the table lives, so pointers to them
 * may be kept.  The table is bounded: anybody can put any address into a UDP
 * packet.  One thread. */

#include <glib.h>
#include <stddef.h>

#include "ip-address.h"

typedef struct {
    IpAddress address; /* of the device */
    uint32_t domain;   /* IPFIX observation domain, v9 source id, v5 engine */
    int32_t id;        /* exporter.id in the database; 0 = not asked for yet */
    uint8_t version;   /* 5, 9 or 10: of its newest message */

    int64_t first_seen_us; /* receive times */
    int64_t last_seen_us;
    int64_t clock_skew_us;    /* its export time minus our receive time, newest */
    uint32_t sampling;        /* newest rate that was applied; 0 = none */
    uint32_t sampling_source; /* a SamplingSource, flow/sampling.h */

    /* Sequence accounting that must survive a restart; see decode/sequence.h. */
    uint32_t next_sequence;
    bool has_sequence;
    GBytes *undecided; /* what else its sequence must remember, as sequence_keep() has
                        * it; NULL = nothing.  The table's */
    uint32_t n_template_changes;  /* ids that were given another definition */
    uint32_t n_restarts;          /* noticed by its uptime and numbers, v9 */
    int64_t quarantined_until_us; /* the newest; 0 = never */
    bool dirty; /* something above changed since the store last wrote it */
} Exporter;

typedef struct ExporterTable ExporterTable;

/* @max_exporters: further ones are refused. */
ExporterTable *exporter_table_new(size_t max_exporters);
void exporter_table_free(ExporterTable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExporterTable, exporter_table_free)

/* The exporter of (@address, @domain), added when new: then its id is 0 and its
 * times are zero.  NULL when it is new and the table is full. */
Exporter *exporter_table_get(ExporterTable *self, const IpAddress *address,
                             uint32_t domain);

/* @undecided: transfer full.  Makes the exporter dirty if that changes anything. */
void exporter_set_undecided(Exporter *self, GBytes *undecided);

size_t exporter_table_len(const ExporterTable *self);
Exporter *exporter_table_at(ExporterTable *self,
                            size_t index); /* in order of arrival */
