/* SPDX-License-Identifier: Apache-2.0 */
#include "session/session-state.h"

#include <stdlib.h>

#define VERSION   1
#define MAX_PARTS 64
#define MAX_HOURS 1024

static void
put(GByteArray *bytes, uint64_t value, unsigned n_bytes)
{
    uint8_t big_endian[8];

    for (unsigned i = 0; i < n_bytes; i++)
        big_endian[i] = (uint8_t) (value >> 8 * (n_bytes - 1 - i));
    g_byte_array_append(bytes, big_endian, n_bytes);
}

static void
put_role(GByteArray *bytes, const SessionRole *role)
{
    put(bytes, role->service_port, 2);
    put(bytes, role->caller, 1);
    put(bytes, role->watched, 1);
}

static void
put_part(GByteArray *bytes, const SessionPart *part)
{
    put(bytes, part->point, 8);
    put(bytes, (uint64_t) part->start_us, 8);
    put(bytes, (uint64_t) part->end_us, 8);
    put(bytes, part->octets, 8);
    put(bytes, part->packets, 8);
    put(bytes, part->n_records, 4);
    put(bytes, (uint32_t) part->exporter_id, 4);
    put(bytes, part->sampling, 4);
    put(bytes, part->last_ms, 4);
    put(bytes, part->first_flags, 2);
    put(bytes, part->last_flags, 2);
    put(bytes, part->last_reason, 1);
    put(bytes, part->has_flags, 1);
    put(bytes, part->forward, 1);
    put(bytes, part->hours.n, 4);
    for (uint32_t i = 0; i < part->hours.n; i++) {
        const SessionHour *hour = session_hours_at(&part->hours, i);

        put(bytes, hour->hour, 4);
        put(bytes, hour->n_records, 4);
        put(bytes, hour->octets, 8);
        put(bytes, hour->packets, 8);
    }
}

static void
put_account(GByteArray *bytes, const SessionAccount *account)
{
    put(bytes, account ? account->n + 1 : 0, 4);
    if (!account)
        return;

    put_role(bytes, &account->role);
    for (uint32_t i = 0; i < account->n; i++) {
        const SessionTold *told = &account->hours[i];

        put(bytes, told->hour, 4);
        put(bytes, (uint32_t) told->n_records, 4);
        for (unsigned way = 0; way < 2; way++) {
            put(bytes, (uint64_t) told->octets[way], 8);
            put(bytes, (uint64_t) told->packets[way], 8);
        }
    }
}

static int
compare_parts(gconstpointer a, gconstpointer b)
{
    const SessionPart *x = *(const SessionPart *const *) a;
    const SessionPart *y = *(const SessionPart *const *) b;

    if (x->forward != y->forward)
        return x->forward - y->forward;
    if (x->exporter_id != y->exporter_id)
        return x->exporter_id < y->exporter_id ? -1 : 1;
    return (x->point > y->point) - (x->point < y->point);
}

void
session_state_encode(const SessionPool *pool, uint32_t index, GByteArray *bytes)
{
    const Session *session = session_pool_at(pool, index);
    const SessionPart *parts[MAX_PARTS];
    size_t n_parts = 0;

    for (uint32_t i = session->parts; i != SESSION_NONE && n_parts < MAX_PARTS;
         i = session_pool_part(pool, i)->next)
        parts[n_parts++] = session_pool_part(pool, i);
    qsort(parts, n_parts, sizeof(*parts), compare_parts);

    put(bytes, VERSION, 1);
    g_byte_array_append(bytes, session->key.low.bytes, 16);
    g_byte_array_append(bytes, session->key.high.bytes, 16);
    put(bytes, session->key.low_port, 2);
    put(bytes, session->key.high_port, 2);
    put(bytes, session->key.protocol, 1);
    put(bytes, session->state, 1);
    put(bytes, session->watched, 1);
    put(bytes, session->biflow, 1);
    put_role(bytes, &session->role);
    put(bytes, (uint64_t) session->start_us, 8);
    put(bytes, (uint64_t) session->end_us, 8);
    put(bytes, (uint64_t) session->received_us, 8);
    put(bytes, session->longest_ms, 4);
    put(bytes, n_parts, 1);
    for (size_t i = 0; i < n_parts; i++)
        put_part(bytes, parts[i]);
    put_account(bytes, session->account);
}

/* --- and back --- */

static SessionRole
take_role(Reader *r)
{
    SessionRole role;

    role.service_port = (uint16_t) reader_uint(r, 2);
    role.caller = (uint8_t) reader_uint(r, 1);
    role.watched = (uint8_t) reader_uint(r, 1);
    return role;
}

static bool
take_hours(Reader *r, SessionHours *hours)
{
    const uint64_t n = reader_uint(r, 4);

    if (n > MAX_HOURS)
        return false;
    for (uint64_t i = 0; i < n && reader_ok(r); i++) {
        SessionHour hour;

        hour.hour = (uint32_t) reader_uint(r, 4);
        hour.n_records = (uint32_t) reader_uint(r, 4);
        hour.octets = reader_uint(r, 8);
        hour.packets = reader_uint(r, 8);
        session_hours_add(hours, &hour);
    }
    return reader_ok(r);
}

static bool
take_part(Reader *r, SessionPart *part)
{
    part->point = reader_uint(r, 8);
    part->start_us = (int64_t) reader_uint(r, 8);
    part->end_us = (int64_t) reader_uint(r, 8);
    part->octets = reader_uint(r, 8);
    part->packets = reader_uint(r, 8);
    part->n_records = (uint32_t) reader_uint(r, 4);
    part->exporter_id = (int32_t) reader_uint(r, 4);
    part->sampling = (uint32_t) reader_uint(r, 4);
    part->last_ms = (uint32_t) reader_uint(r, 4);
    part->first_flags = (uint16_t) reader_uint(r, 2);
    part->last_flags = (uint16_t) reader_uint(r, 2);
    part->last_reason = (uint8_t) reader_uint(r, 1);
    part->has_flags = (uint8_t) reader_uint(r, 1);
    part->forward = (uint8_t) reader_uint(r, 1);
    return take_hours(r, &part->hours) && part->forward <= 1;
}

static bool
take_account(Reader *r, Session *session)
{
    const uint64_t n = reader_uint(r, 4);

    if (n == 0 || n > 2 * MAX_HOURS)
        return reader_ok(r) && n == 0;

    SessionAccount *account =
        g_malloc0(sizeof(SessionAccount) + n * sizeof(SessionTold));
    session->account = account;
    account->role = take_role(r);
    account->n = (uint32_t) n - 1;
    for (uint32_t i = 0; i < account->n && reader_ok(r); i++) {
        SessionTold *told = &account->hours[i];

        told->hour = (uint32_t) reader_uint(r, 4);
        told->n_records = (int32_t) reader_uint(r, 4);
        for (unsigned way = 0; way < 2; way++) {
            told->octets[way] = (int64_t) reader_uint(r, 8);
            told->packets[way] = (int64_t) reader_uint(r, 8);
        }
    }
    return reader_ok(r);
}

static bool
take_key(Reader *r, SessionKey *key)
{
    const uint8_t *low = reader_bytes(r, 16);
    const uint8_t *high = reader_bytes(r, 16);

    *key = (SessionKey){ 0 };
    if (!low || !high)
        return false;
    key->low = ip_address_from_v6(low);
    key->high = ip_address_from_v6(high);
    key->low_port = (uint16_t) reader_uint(r, 2);
    key->high_port = (uint16_t) reader_uint(r, 2);
    key->protocol = (uint8_t) reader_uint(r, 1);
    return reader_ok(r);
}

bool
session_state_decode(SessionPool *pool, uint64_t id, Reader *r)
{
    SessionKey key;

    if (reader_uint(r, 1) != VERSION || !take_key(r, &key))
        return false;

    const uint32_t index = session_pool_add(pool, &key, session_pool_hash(&key));
    Session *session = session_pool_at(pool, index);
    const uint64_t state = reader_uint(r, 1);

    session->state = state == SESSION_CLOSED ? SESSION_CLOSED : SESSION_OPEN;
    session->id = id;
    session->is_stored = 1;
    session->watched = (uint8_t) reader_uint(r, 1);
    session->biflow = (uint8_t) reader_uint(r, 1);
    session->role = take_role(r);
    session->start_us = (int64_t) reader_uint(r, 8);
    session->end_us = (int64_t) reader_uint(r, 8);
    session->received_us = (int64_t) reader_uint(r, 8);
    session->longest_ms = (uint32_t) reader_uint(r, 4);

    const uint64_t n_parts = reader_uint(r, 1);
    for (uint64_t i = 0; i < n_parts; i++) {
        if (!take_part(r, session_pool_add_part(pool, index)))
            return false;
    }
    return take_account(r, session) && reader_ok(r) && r->left == 0;
}
