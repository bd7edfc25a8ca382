/* SPDX-License-Identifier: Apache-2.0 */
#include "session/contact-group.h"

struct ContactGroup {
    size_t max_events;
    GArray *events; /* of ContactEvent */
    ContactSeries sums;
    uint64_t busiest;
    bool dense; /* of some hour counts came without events */
    int32_t exporter_id;
    int64_t newest_hour_us;
};

ContactGroup *
contact_group_new(size_t max_events)
{
    ContactGroup *self = g_new0(ContactGroup, 1);

    self->max_events = max_events;
    self->events = g_array_new(FALSE, FALSE, sizeof(ContactEvent));
    return self;
}

void
contact_group_free(ContactGroup *self)
{
    if (!self)
        return;
    g_array_unref(self->events);
    g_free(self);
}

void
contact_group_begin(ContactGroup *self, const ContactKey *key)
{
    g_array_set_size(self->events, 0);
    self->sums = (ContactSeries){ .key = *key };
    self->busiest = 0;
    self->dense = false;
    self->exporter_id = 0;
    self->newest_hour_us = INT64_MIN;
}

static uint64_t
add_bounded(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

void
contact_group_add(ContactGroup *self, const ContactHour *hour)
{
    ContactSeries *sums = &self->sums;

    /* Twice as much as is kept, so that dropping is rare. */
    if (self->events->len > self->max_events &&
        self->events->len + hour->n_events > 2 * self->max_events)
        g_array_remove_range(self->events, 0, self->events->len - self->max_events);
    if (hour->n_events > 0)
        g_array_append_vals(self->events, hour->events, (guint) hour->n_events);

    sums->n_sessions = add_bounded(sums->n_sessions, hour->n_sessions);
    sums->out_octets = add_bounded(sums->out_octets, hour->out_octets);
    sums->in_octets = add_bounded(sums->in_octets, hour->in_octets);
    sums->out_packets = add_bounded(sums->out_packets, hour->out_packets);
    sums->in_packets = add_bounded(sums->in_packets, hour->in_packets);
    sums->longest_us = MAX(sums->longest_us, hour->longest_us);
    sums->sampling = MAX(sums->sampling, hour->sampling);
    self->busiest = MAX(self->busiest, hour->n_sessions);
    self->dense |= hour->dense || hour->n_events < hour->n_sessions;
    if (hour->hour_us >= self->newest_hour_us && hour->exporter_id != 0) {
        self->newest_hour_us = hour->hour_us;
        self->exporter_id = hour->exporter_id;
    }
}

static int
compare_starts(gconstpointer a, gconstpointer b)
{
    const int64_t x = ((const ContactEvent *) a)->start_us;
    const int64_t y = ((const ContactEvent *) b)->start_us;

    return (x > y) - (x < y);
}

ContactSeries
contact_group_series(ContactGroup *self, int64_t from_us, int64_t to_us)
{
    ContactSeries series = self->sums;

    g_array_sort(self->events, compare_starts);
    const ContactEvent *events = (const ContactEvent *) (void *) self->events->data;
    size_t begin = 0, end = self->events->len;

    while (begin < end && events[begin].start_us < from_us)
        begin++;
    while (end > begin && events[end - 1].start_us >= to_us)
        end--;
    if (end - begin > self->max_events)
        begin = end - self->max_events;

    series.from_us = from_us;
    series.to_us = to_us;
    series.events = end > begin ? events + begin : NULL;
    series.n_events = end - begin;
    /* The first hour may have begun before the window. */
    if (!self->dense)
        series.n_sessions = series.n_events;
    return series;
}

size_t
contact_group_n_events(const ContactGroup *self)
{
    return self->events->len;
}

uint64_t
contact_group_busiest(const ContactGroup *self)
{
    return self->busiest;
}

int32_t
contact_group_exporter_id(const ContactGroup *self)
{
    return self->exporter_id;
}
