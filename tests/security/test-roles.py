#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each database role may do what its program does, and nothing else: every table and
function of the schema against the tables below, and what an intruder would try next as
statements that must be refused."""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import tap
from daemon import ROOT, Collector, missing

ROLES = ("flowkeep_collector", "flowkeep_analytics", "flowkeep_reader")
LOGIN = "test_roles_"

# I insert, U update, D delete.  Nobody truncates, references or makes triggers.
WRITES = {
    "flowkeep_collector": {
        "I": "flow flow_default traffic_1m traffic_1m_default traffic_late talker_5m"
             " talker_5m_default loss rejected_flow",
        "IU": "exporter exporter_state interface ingest_position ingest_journal backfill",
        "IUD": "exporter_name exporter_template exporter_option watch_group"
               " watch_network"},
    "flowkeep_analytics": {
        "IU": "housekeeping backfill",
        "IUD": "contact_hour contact_hour_default session_open exporter_timeout"
               " session_stream job_run beacon_group periodic_day blind_spot host_day"
               " peer_day peer_known baseline alert alert_finding alert_event mute"
               " outbox"},
    "flowkeep_reader": {},
}

# Functions of schema flowkeep, which do what the caller may not do by itself.
CALLS = {
    "flowkeep_collector": "partition_column partition_of ingest_safe_at audit_positions"
                          " audit_rows partition_ensure partition_seal_next"
                          " partition_drop_next retention_rows compact_next"
                          " exporter_ids collector_forget",
    "flowkeep_analytics": "partition_column partition_of ingest_safe_at audit_positions"
                          " audit_rows partition_ensure baseline_settle",
    "flowkeep_reader": "partition_column partition_of ingest_safe_at audit_positions"
                       " audit_rows",
}

# Refused to all three.
NOBODY = [
    # history
    "UPDATE flowkeep.flow SET octets = 0",
    "DELETE FROM flowkeep.flow",
    "TRUNCATE flowkeep.flow",
    "DROP TABLE flowkeep.flow",
    "ALTER TABLE flowkeep.flow DROP COLUMN dst",
    "ALTER TABLE flowkeep.flow DETACH PARTITION flowkeep.flow_default",
    "UPDATE flowkeep.loss SET count = 0",
    "DELETE FROM flowkeep.loss",
    "DELETE FROM flowkeep.rejected_flow",
    "DELETE FROM flowkeep.ingest_position",
    "UPDATE flowkeep.migration SET checksum = ''",
    "SELECT flowkeep.partition_seal('flow_default', false)",
    # the schema, and code that others would run
    "CREATE TABLE flowkeep.mine (x integer)",
    "CREATE TABLE public.mine (x integer)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION flowkeep.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE VIEW flowkeep_view.mail AS SELECT 1",
    "CREATE TRIGGER mine BEFORE INSERT ON flowkeep.flow EXECUTE FUNCTION"
    " suppress_redundant_updates_trigger()",
    "CREATE EXTENSION dblink",
    "DROP SCHEMA flowkeep CASCADE",
    # rights
    "GRANT flowkeep_analytics TO CURRENT_USER",
    "GRANT pg_read_all_data TO CURRENT_USER",
    "CREATE ROLE mine",
    "ALTER ROLE flowkeep_reader LOGIN",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "SET SESSION AUTHORIZATION postgres",
    "SELECT rolpassword FROM pg_authid",
    # the server
    "COPY flowkeep.loss TO PROGRAM 'true'",
    "COPY flowkeep.loss TO '/tmp/loss'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT pg_reload_conf()",
    "SET session_replication_role = replica",
    "LOAD '/tmp/mine.so'",
]

# And these to some.
SOME = {
    "flowkeep_collector": [
        "INSERT INTO flowkeep.alert (kind) VALUES ('beacon')",
        "UPDATE flowkeep.alert SET state = 'resolved'",
        "DELETE FROM flowkeep.alert_event",
        "INSERT INTO flowkeep.mute DEFAULT VALUES",
        "INSERT INTO flowkeep.outbox (address) VALUES ('x')",
        "DELETE FROM flowkeep.outbox",
        "SELECT message FROM flowkeep.outbox",
        "DELETE FROM flowkeep.exporter",
        "DELETE FROM flowkeep.contact_hour",
        "UPDATE flowkeep.baseline SET host = NULL",
    ],
    "flowkeep_analytics": [
        "INSERT INTO flowkeep.flow (received_at) VALUES (now())",
        "INSERT INTO flowkeep.loss (count) VALUES (1)",
        "UPDATE flowkeep.ingest_position SET segment = 0",
        "UPDATE flowkeep.exporter SET name = 'x'",
        "DELETE FROM flowkeep.exporter_template",
        "DELETE FROM flowkeep.watch_network",
        "SELECT flowkeep.collector_forget('x')",
        "SELECT flowkeep.partition_drop_next(interval '0', interval '0')",
    ],
    "flowkeep_reader": [
        "INSERT INTO flowkeep.flow (received_at) VALUES (now())",
        "INSERT INTO flowkeep.mute DEFAULT VALUES",
        "UPDATE flowkeep.alert SET state = 'acknowledged'",
        "DELETE FROM flowkeep.watch_group",
        "SELECT message FROM flowkeep.outbox",
        "SELECT o FROM flowkeep.outbox AS o",
        "LOCK TABLE flowkeep.flow IN ACCESS EXCLUSIVE MODE",
        "SELECT flowkeep.exporter_ids('{192.0.2.1}', '{0}')",
        "SELECT flowkeep.collector_forget('x')",
        "SELECT flowkeep.partition_ensure('flow', now(), now(), interval '1 hour')",
    ],
}

# insufficient_privilege; 42883 where arguments do not fit would hide a right.
REFUSED = "42501"


class Roles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)
        cls.c = Collector("roles")
        cls.addClassCleanup(cls.c.close)
        cls.c.create_database()
        cls.addClassCleanup(cls.drop_logins)
        cls.drop_logins()
        for role in ROLES:
            cls.c.sql(f"CREATE ROLE {cls.login(role)} LOGIN IN ROLE {role}")

    @classmethod
    def drop_logins(cls):
        for role in ROLES:
            cls.c.sql(f"DROP ROLE IF EXISTS {cls.login(role)}")

    @staticmethod
    def login(role):
        return LOGIN + role.removeprefix("flowkeep_")

    def tables(self):
        return [row[0] for row in self.c.sql(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'p', 'v',"
            " 'm', 'f') AND relnamespace IN ('flowkeep'::regnamespace,"
            " 'flowkeep_view'::regnamespace) ORDER BY 1")]

    def state_of(self, role, statement):
        """SQLSTATE of a statement that is rolled back; '' when it was allowed."""
        try:
            self.c.pg.psql("\\set VERBOSITY sqlstate\nBEGIN;\n" + statement + ";\nROLLBACK;",
                           self.c.database, self.login(role))
        except RuntimeError as error:
            return re.search(r"ERROR:\s+(\w{5})", str(error))[1]
        return ""

    def refuses(self, role, statements):
        wrong = {statement: self.state_of(role, statement) for statement in statements}
        self.assertEqual({statement: state for statement, state in wrong.items()
                          if state != REFUSED}, {}, f"allowed to {role}, or not valid")

    def test_each_role_writes_its_own_tables_and_no_other(self):
        self.assertGreater(len(self.tables()), 40)
        for role in ROLES:
            wanted = {f"flowkeep.{table}": rights
                      for rights, names in WRITES[role].items()
                      for table in names.split()}
            found = {}
            for table, *rights in self.c.sql(
                    "SELECT oid::regclass, " + ", ".join(
                        f"has_table_privilege('{role}', oid, '{right}')"
                        for right in ("INSERT", "UPDATE", "DELETE", "TRUNCATE",
                                      "REFERENCES", "TRIGGER"))
                    + " FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND"
                      " relnamespace IN ('flowkeep'::regnamespace,"
                      " 'flowkeep_view'::regnamespace)"):
                given = "".join(letter for letter, right in zip("IUDTRG", rights)
                                if right == "t")
                if given:
                    found[table] = given
            self.assertEqual(found, wanted, role)

    def test_each_role_calls_its_own_functions_and_no_other(self):
        for role in ROLES:
            found = {row[0] for row in self.c.sql(
                "SELECT proname FROM pg_proc WHERE pronamespace = 'flowkeep'::regnamespace"
                f" AND has_function_privilege('{role}', oid, 'EXECUTE')")}
            self.assertEqual(found, set(CALLS[role].split()), role)

    def test_functions_that_run_as_their_owner_look_for_names_in_fixed_places(self):
        loose = self.c.sql(
            "SELECT oid::regprocedure FROM pg_proc WHERE prosecdef AND pronamespace IN"
            " ('flowkeep'::regnamespace, 'flowkeep_view'::regnamespace) AND NOT"
            " coalesce(array_to_string(proconfig, ' ') LIKE '%search_path=%', false)")
        self.assertEqual(loose, [])

    def test_nobody_but_members_gets_in(self):
        self.c.sql(f"DROP ROLE IF EXISTS {LOGIN}nobody; CREATE ROLE {LOGIN}nobody LOGIN")
        self.addCleanup(self.c.sql, f"DROP ROLE {LOGIN}nobody")
        for schema in ("flowkeep", "flowkeep_view"):
            self.assertEqual(self.c.value(
                f"SELECT has_schema_privilege('{LOGIN}nobody', '{schema}', 'USAGE')"),
                "f")
        self.assertEqual(self.c.sql(
            "SELECT oid::regclass FROM pg_class WHERE relnamespace IN"
            " ('flowkeep'::regnamespace, 'flowkeep_view'::regnamespace) AND relkind IN"
            f" ('r', 'p', 'v') AND has_table_privilege('{LOGIN}nobody', oid,"
            " 'SELECT, INSERT, UPDATE, DELETE')"), [])

    def test_roles_have_no_attributes_and_cannot_log_in(self):
        self.assertEqual(self.c.sql(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'flowkeep\\_%' AND rolname"
            f" IN {ROLES} AND (rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR"
            " rolreplication OR rolbypassrls)"), [])

    def test_the_collector_is_refused_what_is_not_its_own(self):
        self.refuses("flowkeep_collector", NOBODY + SOME["flowkeep_collector"])

    def test_analytics_is_refused_what_is_not_its_own(self):
        self.refuses("flowkeep_analytics", NOBODY + SOME["flowkeep_analytics"])

    def test_a_reader_is_refused_all_but_reading(self):
        self.refuses("flowkeep_reader", NOBODY + SOME["flowkeep_reader"])

    def test_the_refusals_are_no_accident_of_the_statements(self):
        """What each role is for is allowed, in the same way of asking."""
        for role, statement in {
                "flowkeep_collector": "INSERT INTO flowkeep.loss (minute, collector,"
                                      " reason, class, unit, count) VALUES (now(), 'x',"
                                      " 'refused', '', 'flows', 1)",
                "flowkeep_analytics": "DELETE FROM flowkeep.outbox",
                "flowkeep_reader": "SELECT state, count(*) FROM flowkeep.outbox"
                                   " GROUP BY 1"}.items():
            self.assertEqual(self.state_of(role, statement), "", statement)

    def test_a_dashboards_role_as_documented_is_stopped_in_time_and_writes_nothing(self):
        with open(os.path.join(ROOT, "grafana", "README.md"), encoding="utf-8") as readme:
            lines = re.findall(r"^    ((?:CREATE|ALTER) ROLE grafana [^;]*;)",
                               readme.read(), re.MULTILINE)
        login = LOGIN + "grafana"
        self.c.sql(f"DROP ROLE IF EXISTS {login}")
        self.addCleanup(self.c.sql, f"DROP ROLE IF EXISTS {login}")
        for line in lines:
            self.c.sql(line.replace("ROLE grafana", f"ROLE {login}"))
        timeout = self.c.pg.value("SHOW statement_timeout", self.c.database, login)
        self.assertRegex(timeout, r"^([1-9]\d?s|1min)$")
        self.assertEqual(self.c.pg.value("SHOW default_transaction_read_only",
                                         self.c.database, login), "on")


if __name__ == "__main__":
    tap.main()
