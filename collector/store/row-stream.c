/* SPDX-License-Identifier: Apache-2.0 */
#include "store/row-stream.h"

#include "db.h"

bool
row_stream_each(PGconn *conn, const char *doing, const char *sql, int n_params,
                const char *const *params, RowStreamRow row, void *user_data,
                GError **error)
{
    bool ok = true;

    if (!PQsendQueryParams(conn, sql, n_params, NULL, params, NULL, NULL, 0) ||
        !PQsetSingleRowMode(conn))
        return db_error_set(error, conn, NULL, doing);

    /* libpq keeps a query open until PQgetResult() says NULL: always drain. */
    for (;;) {
        g_autoptr(PGresult) result = PQgetResult(conn);

        if (!result)
            return ok;

        const ExecStatusType status = PQresultStatus(result);

        if (ok && status == PGRES_SINGLE_TUPLE)
            row(result, user_data);
        else if (ok && status != PGRES_TUPLES_OK)
            ok = db_error_set(error, conn, result, doing);
    }
}
