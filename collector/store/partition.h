/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Partition: the table of flow that takes rows of a time.
 *
 * Rows go straight into it: through the parent the server stores a fifth fewer rows
 * a second (it has to find the same partition again for each).  Plain value. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#define PARTITION_NAME_BYTES 64 /* NAMEDATALEN of PostgreSQL */

typedef struct {
    char name[PARTITION_NAME_BYTES];
    int64_t from_us; /* first receive time in it */
    int64_t to_us;   /* first receive time after it */
} Partition;

static inline bool
partition_has(const Partition *self, int64_t received_us)
{
    return received_us >= self->from_us && received_us < self->to_us;
}

/* Finds the partition for @received_us, making it, @minutes wide, where there is
 * none.  When the server will not have that now, it is the default partition, for the
 * minute of @received_us.  @conn must not be in a transaction.
 * Errors: DB_ERROR_LOST. */
bool partition_find(PGconn *conn, int64_t received_us, uint32_t minutes, bool imported,
                    Partition *partition, GError **error);
