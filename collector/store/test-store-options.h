/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Options of a store that fit a LiveDb (tests/harness/live-db.h), for collector
 * "test". */

#include "live-db.h"
#include "store/store.h"

static inline StoreOptions
live_db_options(const LiveDb *self)
{
    return (StoreOptions){
        .conninfo = self->collector_conninfo,
        .connect_timeout_sec = 10,
        .collector = "test",
        .journal_id = "0123456789abcdef0123456789abcdef",
        .batch_rows = 50000,
        .extra = STORE_EXTRA_ALL,
        .partition_minutes = 60,
        .talkers = 10,
    };
}
