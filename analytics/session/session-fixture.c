/* SPDX-License-Identifier: Apache-2.0 */
#include "session/session-fixture.h"

#include <string.h>

#include "session/session-state.h"

#define T0_US SESSION_FIXTURE_T0_US
#define SEC   SESSION_FIXTURE_SEC

/* A row of contact_hour. */
typedef struct {
    ContactSumRow row;
    GString *starts;
} Contact;

static void
free_contact(gpointer data)
{
    Contact *contact = data;

    g_string_free(contact->starts, TRUE);
    g_free(contact);
}

void
session_fixture_init(SessionFixture *self)
{
    *self = (SessionFixture){ .options = { .late_us = 120 * SEC, .max_open = 100000 },
                              .at_us = T0_US };
    self->engine = session_engine_new(&self->options);
    self->contacts = g_ptr_array_new_with_free_func(free_contact);
}

void
session_fixture_clear(SessionFixture *self)
{
    session_engine_free(self->engine);
    g_ptr_array_unref(self->contacts);
}

/* --- rows --- */

GArray *
session_fixture_rows(void)
{
    return g_array_new(FALSE, FALSE, sizeof(FlowRow));
}

FlowRow
session_fixture_row(double start_sec, double duration_sec, uint64_t octets)
{
    static const uint8_t host[4] = { 10, 0, 0, 1 }, peer[4] = { 192, 0, 2, 1 };
    const int64_t start_us = T0_US + (int64_t) (start_sec * 1e6);
    const int64_t end_us = start_us + (int64_t) (duration_sec * 1e6);

    return (FlowRow){ .received_us = end_us + 2 * SEC,
                      .start_us = start_us,
                      .end_us = end_us,
                      .octets = octets,
                      .packets = 1 + octets / 1000,
                      .src = ip_address_from_v4(host),
                      .dst = ip_address_from_v4(peer),
                      .exporter_id = 1,
                      .input_if = 1,
                      .output_if = 2,
                      .src_port = 40000,
                      .dst_port = 443,
                      .protocol = 6,
                      .tcp_flags = FLOW_ROW_ACK,
                      .has_flags = true,
                      .watched = FLOW_ROW_WATCHED_SRC };
}

FlowRow
session_fixture_back(FlowRow row)
{
    const FlowRow was = row;

    row.src = was.dst;
    row.dst = was.src;
    row.src_port = was.dst_port;
    row.dst_port = was.src_port;
    row.input_if = was.output_if;
    row.output_if = was.input_if;
    row.watched = (uint8_t) ((was.watched & 1) << 1 | was.watched >> 1);
    return row;
}

void
session_fixture_cut(GArray *rows, FlowRow like, double start_sec, double duration_sec,
                    double timeout_sec, double skew_sec, uint64_t octets_per_sec)
{
    for (double at = 0; at < duration_sec; at += timeout_sec) {
        const double length = MIN(timeout_sec, duration_sec - at);
        const FlowRow times =
            session_fixture_row(start_sec + at, MAX(length - 0.2, 0), 0);
        const int64_t skew_us = (int64_t) (skew_sec * 1e6);
        FlowRow row = like;

        row.start_us = times.start_us + skew_us;
        row.end_us = times.end_us + skew_us;
        row.received_us = times.received_us;
        row.octets = (uint64_t) (length * (double) octets_per_sec);
        row.packets = row.octets / 1000;
        row.tcp_flags = FLOW_ROW_ACK;
        if (at == 0)
            row.tcp_flags |= FLOW_ROW_SYN;
        if (at + timeout_sec >= duration_sec)
            row.tcp_flags |= FLOW_ROW_FIN;
        g_array_append_val(rows, row);
    }
}

/* --- what contact_hour would be --- */

static Contact *
contact_of(SessionFixture *self, const ContactSumRow *row)
{
    for (guint i = 0; i < self->contacts->len; i++) {
        Contact *contact = g_ptr_array_index(self->contacts, i);

        if (contact->row.hour == row->hour &&
            memcmp(&contact->row.key, &row->key, sizeof(row->key)) == 0)
            return contact;
    }

    Contact *contact = g_new0(Contact, 1);
    contact->row.key = row->key;
    contact->row.hour = row->hour;
    contact->starts = g_string_new(NULL);
    g_ptr_array_add(self->contacts, contact);
    return contact;
}

static void
add_contact(SessionFixture *self, const ContactSum *sum, const ContactSumRow *more)
{
    Contact *contact = contact_of(self, more);
    ContactSumRow *row = &contact->row;

    row->n_sessions += more->n_sessions;
    row->amounts.n_records += more->amounts.n_records;
    row->amounts.out_octets += more->amounts.out_octets;
    row->amounts.in_octets += more->amounts.in_octets;
    row->amounts.out_packets += more->amounts.out_packets;
    row->amounts.in_packets += more->amounts.in_packets;
    row->longest_ms = MAX(row->longest_ms, more->longest_ms);
    row->sampling = MAX(row->sampling, more->sampling);
    row->n_gaps += more->n_gaps;
    row->lv_sum += more->lv_sum;
    if (more->exporter_id)
        row->exporter_id = more->exporter_id;
    for (uint32_t i = more->first_start; i != UINT32_MAX;
         i = contact_sum_start(sum, i)->next)
        g_string_append_printf(contact->starts, " %d:%" G_GINT64_FORMAT,
                               contact_sum_start(sum, i)->start_ms,
                               contact_sum_start(sum, i)->octets);
}

static void
move_contacts(SessionFixture *self)
{
    ContactSum *sum = session_engine_sum(self->engine);

    session_engine_tell_open(self->engine);
    for (size_t i = 0; i < contact_sum_len(sum); i++) {
        if (!contact_sum_is_nothing(contact_sum_at(sum, i)))
            add_contact(self, sum, contact_sum_at(sum, i));
    }
    contact_sum_clear(sum);
}

/* --- running --- */

void
session_fixture_take_until(SessionFixture *self, const GArray *rows, int64_t to_us)
{
    g_autoptr(GArray) some = session_fixture_rows();

    to_us -= to_us % SESSION_ENGINE_SLICE_US;
    for (guint i = 0; i < rows->len; i++) {
        const FlowRow row = g_array_index(rows, FlowRow, i);

        if (row.received_us >= self->at_us && row.received_us < to_us)
            g_array_append_val(some, row);
    }
    session_engine_take(self->engine, (const FlowRow *) (void *) some->data, some->len,
                        self->at_us, to_us);
    self->at_us = to_us;
    move_contacts(self);
}

void
session_fixture_take(SessionFixture *self, const GArray *rows)
{
    int64_t newest_us = self->at_us;

    for (guint i = 0; i < rows->len; i++)
        newest_us = MAX(newest_us, g_array_index(rows, FlowRow, i).received_us);
    session_fixture_take_until(self, rows, newest_us + SESSION_ENGINE_SLICE_US);
}

void
session_fixture_finish(SessionFixture *self)
{
    g_autoptr(GArray) none = session_fixture_rows();

    session_fixture_take_until(self, none, self->at_us + 6 * 3600 * SEC);
}

static void
copy_clocks(ExporterClocks *from, ExporterClocks *to)
{
    for (size_t i = 0; i < exporter_clock_list_len(from); i++) {
        const ExporterClock *old = exporter_clock_list_at(from, i);
        ExporterClock *new = exporter_clock_list_get(to, old->exporter_id);

        for (unsigned bin = 0; old->counts && bin < EXPORTER_CLOCK_BINS; bin++) {
            if (old->counts[bin] > 0)
                exporter_clock_restore(new, bin + EXPORTER_CLOCK_MIN_SEC,
                                       old->counts[bin]);
        }
        new->active_timeout_sec = old->active_timeout_sec;
        new->evidence = old->evidence;
        new->event_us = old->event_us;
    }
}

void
session_fixture_restart(SessionFixture *self)
{
    SessionEngine *fresh = session_engine_new(&self->options);
    SessionPool *pool = session_engine_pool(self->engine);
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    /* From the back, so that nothing stands where it stood. */
    for (uint32_t i = session_pool_limit(pool); i-- > 0;) {
        if (session_pool_at(pool, i)->state == SESSION_FREE)
            continue;
        g_byte_array_set_size(bytes, 0);
        session_state_encode(pool, i, bytes);

        Reader r = reader_over(bytes->data, bytes->len);
        g_assert_true(session_state_decode(session_engine_pool(fresh),
                                           session_pool_at(pool, i)->id, &r));
    }

    g_byte_array_set_size(bytes, 0);
    service_memory_encode(session_engine_services(self->engine), bytes);
    Reader r = reader_over(bytes->data, bytes->len);
    g_assert_true(service_memory_decode(session_engine_services(fresh), &r));
    copy_clocks(session_engine_clocks(self->engine), session_engine_clocks(fresh));
    session_engine_set_early(fresh, session_engine_n_early(self->engine));

    session_engine_free(self->engine);
    self->engine = fresh;
}

/* --- looking --- */

static char *
line_of(const Contact *contact, bool all)
{
    const ContactSumRow *row = &contact->row;
    char host[IP_ADDRESS_TEXT_BYTES], peer[IP_ADDRESS_TEXT_BYTES];
    GString *line = g_string_new(NULL);

    g_string_append_printf(line,
                           "%d %s>%s:%u/%u %u %" G_GINT64_FORMAT " %" G_GINT64_FORMAT
                           "/%" G_GINT64_FORMAT " %" G_GINT64_FORMAT,
                           (int) (row->hour - T0_US / SESSION_HOUR_US),
                           ip_address_format(&row->key.host, host),
                           ip_address_format(&row->key.peer, peer),
                           row->key.service_port, row->key.protocol, row->key.initiator,
                           row->n_sessions, row->amounts.out_octets,
                           row->amounts.in_octets, row->amounts.n_records);
    if (all)
        g_string_append_printf(line,
                               " %" G_GINT64_FORMAT "ms 1:%u x%d %" G_GINT64_FORMAT
                               " %.17g;%s",
                               row->longest_ms, row->sampling, row->exporter_id,
                               row->n_gaps, row->lv_sum, contact->starts->str);
    return g_string_free(line, FALSE);
}

static int
compare_lines(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

char *
session_fixture_text(const SessionFixture *self, bool all)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < self->contacts->len; i++) {
        const Contact *contact = g_ptr_array_index(self->contacts, i);
        const ContactAmounts *sums = &contact->row.amounts;

        if (contact->row.n_sessions || sums->n_records || sums->out_octets ||
            sums->in_octets)
            g_ptr_array_add(lines, line_of(contact, all));
    }
    g_ptr_array_sort(lines, compare_lines);
    g_ptr_array_add(lines, NULL);
    return g_strjoinv("\n", (char **) lines->pdata);
}

#define SUM_OF(member)                                                                 \
    int64_t sum = 0;                                                                   \
                                                                                       \
    for (guint i = 0; i < self->contacts->len; i++)                                    \
        sum += ((const Contact *) g_ptr_array_index(self->contacts, i))->row.member;   \
    return sum

int64_t
session_fixture_sessions(const SessionFixture *self)
{
    SUM_OF(n_sessions);
}

int64_t
session_fixture_out_octets(const SessionFixture *self)
{
    SUM_OF(amounts.out_octets);
}

int64_t
session_fixture_in_octets(const SessionFixture *self)
{
    SUM_OF(amounts.in_octets);
}
