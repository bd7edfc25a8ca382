/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Keeper: what keeps the database tidy, by calling functions of the schema under
 * an advisory lock: partitions ahead of need, sealing of closed ones, retention,
 * compaction of traffic_1m; and synchronises watch groups and configured exporter
 * names.  Everything is idempotent.  One thread; blocks. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "network.h"

typedef struct {
    uint32_t partition_minutes;
    bool seal_hosts;
    uint32_t retention_days;
    uint32_t rollup_retention_days;
} KeeperOptions;

/* Partitions for now and the next hours.  Cheap when they are there. */
bool keeper_prepare(PGconn *conn, const KeeperOptions *options, GError **error);

/* Seals, drops, compacts: one bounded piece of work a call.  @more: call again
 * soon. */
bool keeper_tidy(PGconn *conn, const KeeperOptions *options, bool *more,
                 GError **error);

typedef struct {
    const char *name;
    const char *description;
    const Network *networks;
    size_t n_networks;
} KeeperGroup;

/* Makes watch_group and watch_network say exactly this, in one transaction. */
bool keeper_sync_watch(PGconn *conn, const KeeperGroup *groups, size_t n,
                       GError **error);

/* Names from the configuration for exporter rows of an address. */
bool keeper_name_exporter(PGconn *conn, const IpAddress *address, const char *name,
                          GError **error);
