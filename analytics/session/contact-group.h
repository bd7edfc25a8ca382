/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ContactGroup: the hours of one group put together to a series.
 *
 * Bounded: of more contacts than it may hold it keeps the newest.  Used again for one
 * group after the other. */

#include "session/contact-reader.h"

typedef struct ContactGroup ContactGroup;

ContactGroup *contact_group_new(size_t max_events);
void contact_group_free(ContactGroup *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ContactGroup, contact_group_free)

/* Empties it, for the group of @key. */
void contact_group_begin(ContactGroup *self, const ContactKey *key);

/* Adds an hour; hours come in any order, but the oldest of too many contacts are
 * dropped rightly only when they rise. */
void contact_group_add(ContactGroup *self, const ContactHour *hour);

/* What was added, of [@from_us, @to_us), by start; lent until the next begin or add.
 * Octets and packets are of whole hours, and so is the number of sessions when there
 * were more than starts were kept of. */
ContactSeries contact_group_series(ContactGroup *self, int64_t from_us, int64_t to_us);

size_t contact_group_n_events(const ContactGroup *self);

/* Sessions of its busiest hour. */
uint64_t contact_group_busiest(const ContactGroup *self);

/* Of the newest hour; 0 = unknown. */
int32_t contact_group_exporter_id(const ContactGroup *self);
