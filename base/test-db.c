/* SPDX-License-Identifier: Apache-2.0 */
#include "db.h"

#include <string.h>

static void
test_no_server_is_a_lost_connection(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(PGconn) conn =
        db_connect("host=/nonexistent dbname=flowkeep", "test", true, 2, &error);

    g_assert_null(conn);
    g_assert_error(error, DB_ERROR, DB_ERROR_LOST);
    g_assert_true(g_str_has_prefix(error->message, "connecting: "));
    g_assert_null(strchr(error->message, '\n'));
}

static void
test_passwords_are_seen_and_masked(void)
{
    static const struct {
        const char *conninfo;
        bool is_valid, has_password;
        const char *masked; /* NULL = as it is */
    } cases[] = {
        { "dbname=flowkeep", true, false, NULL },
        { "", true, false, NULL },
        { "postgresql://db.example.net/flowkeep?sslmode=verify-full", true, false,
          NULL },
        { "service=flows", true, false, NULL },
        { "host=db password=geheim user", false, false, "****" },
        { "host=db password=geheim user='o\\'neil'", true, true,
          "user='o\\'neil' password='****' host='db'" },
        { "postgresql://me:geheim@db/flowkeep", true, true,
          "user='me' password='****' dbname='flowkeep' host='db'" },
        { "postgresql://db/flowkeep?password=geheim", true, true, NULL },
        { "sslpassword=geheim", true, true, "sslpassword='****'" },
        { "password=", true, false, "password='****'" },
        { "nonsense", false, false, NULL },
        { "postgresql://me:geheim@[::1", false, false, "****" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *masked = db_conninfo_mask(cases[i].conninfo);
        g_autoptr(GError) error = NULL;
        bool has_password = false;

        g_test_message("%s -> %s", cases[i].conninfo, masked);
        g_assert_true(db_conninfo_check(cases[i].conninfo, &has_password, &error) ==
                      cases[i].is_valid);
        g_assert_true(has_password == cases[i].has_password);
        g_assert_null(strstr(masked, "geheim"));
        g_assert_true(!error || !strstr(error->message, "geheim"));
        if (cases[i].masked || !cases[i].has_password)
            g_assert_cmpstr(masked, ==, cases[i].masked ?: cases[i].conninfo);
    }
}

/* Skips itself where there is no server to ask. */
static void
test_the_server_decides_what_kind_of_error_it_is(void)
{
    static const struct {
        const char *sql;
        DbError code;
        const char *message;
    } cases[] = {
        { "SELECT 1/0", DB_ERROR_REJECTED,
          "SELECT 1/0: division by zero (SQLSTATE 22012)" },
        { "SELECT * FROM missing\nWHERE true", DB_ERROR_REJECTED,
          "SELECT * FROM missing: relation \"missing\" does not exist (SQLSTATE "
          "42P01)" },
        { "SET statement_timeout = 10; SELECT pg_sleep(5)", DB_ERROR_LOST,
          "SET statement_timeout = 10; SELECT pg_sleep(5): canceling statement due to "
          "statement timeout (SQLSTATE 57014)" },
        { "SELECT pg_terminate_backend(pg_backend_pid())", DB_ERROR_LOST, NULL },
    };
    const char *conninfo = g_getenv("TEST_CONNINFO");

    if (!conninfo) {
        g_test_skip("TEST_CONNINFO is not set");
        return;
    }

    g_autoptr(GError) error = NULL;
    g_autoptr(PGconn) conn = db_connect(conninfo, "test-db", true, 10, &error);
    g_assert_no_error(error);

    const char *params[] = { "7", NULL };
    g_autoptr(PGresult) rows = db_query(
        conn, "asking",
        "SELECT $1::int + 1, $2::text IS NULL, current_setting('timezone'), "
        "current_setting('synchronous_commit'), current_setting('search_path'), "
        "current_setting('application_name')",
        2, params, &error);
    static const char *const expected[] = { "8",   "t",        "UTC",
                                            "off", "flowkeep", "test-db" };

    g_assert_no_error(error);
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++)
        g_assert_cmpstr(PQgetvalue(rows, 0, i), ==, expected[i]);

    g_assert_null(db_query(conn, "asking", "SELECT 1/$1::int", 1,
                           (const char *[]){ "0" }, &error));
    g_assert_cmpstr(error->message, ==, "asking: division by zero (SQLSTATE 22012)");

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_clear_error(&error);
        g_assert_false(db_exec(conn, cases[i].sql, &error));
        g_assert_error(error, DB_ERROR, (int) cases[i].code);
        if (cases[i].message)
            g_assert_cmpstr(error->message, ==, cases[i].message);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/db/no-server-is-a-lost-connection",
                    test_no_server_is_a_lost_connection);
    g_test_add_func("/db/passwords-are-seen-and-masked",
                    test_passwords_are_seen_and_masked);
    g_test_add_func("/db/the-server-decides-what-kind-of-error-it-is",
                    test_the_server_decides_what_kind_of_error_it_is);
    return g_test_run();
}
