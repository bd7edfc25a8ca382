/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* AlertSql: pieces of SQL that several statements of this folder share. */

/* A moment, from a parameter that holds microseconds since 1970; and back.  0 is SQL
 * NULL both ways. */
#define ALERT_SQL_AT(parameter)                                                        \
    "('epoch'::timestamptz"                                                            \
    " + nullif(" parameter "::bigint, 0) * interval '1 microsecond')"
#define ALERT_SQL_US(column)                                                           \
    "coalesce((extract(epoch FROM " column ") * 1000000)::bigint, 0)"

/* Whoever raises holds the first while the second keeps others from the same host;
 * whoever changes mutes holds the third, so that no incident is raised meanwhile that
 * the mute would miss.  All end with the transaction. */
#define ALERT_SQL_LOCK_SHARED                                                          \
    "pg_advisory_xact_lock_shared(hashtextextended('flowkeep alert', 0))"
#define ALERT_SQL_LOCK_HOST(kind, host)                                                \
    "pg_advisory_xact_lock(hashtextextended("                                          \
    "'flowkeep alert ' || " kind " || ' ' || " host ", 0))"
#define ALERT_SQL_LOCK_ALL                                                             \
    "pg_advisory_xact_lock(hashtextextended('flowkeep alert', 0))"

/* The one mute that silences an incident at @now: of those that cover its host and its
 * whole peer group, the one that lasts longest. */
#define ALERT_SQL_MUTE_OF(kind_, host_, peers_, port_, now_)                           \
    "(SELECT m.id FROM flowkeep.mute AS m"                                             \
    "  WHERE m.ended_at IS NULL"                                                       \
    "    AND (m.until_at IS NULL OR m.until_at > " now_ ")"                            \
    "    AND (m.kind IS NULL OR m.kind = " kind_ ")"                                   \
    "    AND (m.host_network IS NULL OR m.host_network >>= " host_ ")"                 \
    "    AND (m.peer_network IS NULL OR m.peer_network >>= " peers_ ")"                \
    "    AND (m.service_port IS NULL OR m.service_port = " port_ ")"                   \
    "  ORDER BY m.until_at DESC NULLS FIRST, m.id LIMIT 1)"
