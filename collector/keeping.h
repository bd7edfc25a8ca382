/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Keeping: the thread that runs the keeper: makes partitions ahead of need, seals,
 * compacts and drops old ones, and tells the database what the configuration says
 * about watch groups and exporter names.  A database that is away is tried again;
 * the workers do not depend on this thread. */

#include "settings.h"

typedef struct Keeping Keeping;

/* @settings is lent until keeping_join() or the next keeping_reload(). */
Keeping *keeping_start(const Settings *settings);
void keeping_reload(Keeping *self, const Settings *settings);

/* Asks it to end after the statement it is running. */
void keeping_stop(Keeping *self);
bool keeping_ended(const Keeping *self);

/* Waits for its end and frees it. */
void keeping_join(Keeping *self);
