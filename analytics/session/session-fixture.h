/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SessionFixture: for tests: rows as routers would export them, an engine that takes
 * them, and the contacts that come out as text. */

#include "session/session-engine.h"

/* A day that begins at midnight. */
#define SESSION_FIXTURE_T0_US INT64_C(1700006400000000)

#define SESSION_FIXTURE_SEC INT64_C(1000000)

typedef struct {
    SessionEngine *engine;
    SessionEngineOptions options;
    GPtrArray *contacts; /* of SessionFixtureContact, as contact_hour would be */
    int64_t at_us;       /* up to where rows were taken */
} SessionFixture;

void session_fixture_init(SessionFixture *self);
void session_fixture_clear(SessionFixture *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SessionFixture, session_fixture_clear)

/* An empty array of FlowRow (transfer full). */
GArray *session_fixture_rows(void);

/* TCP from 10.0.0.1:40000, which is watched, to 192.0.2.1:443, seen by exporter 1 and
 * received two seconds after its end. */
FlowRow session_fixture_row(double start_sec, double duration_sec, uint64_t octets);

/* The same the other way round. */
FlowRow session_fixture_back(FlowRow row);

/* One direction of a long flow, @octets a second, cut at @timeout_sec by an exporter
 * whose clock is @skew_sec wrong; as @like otherwise.  Appends to @rows. */
void session_fixture_cut(GArray *rows, FlowRow like, double start_sec,
                         double duration_sec, double timeout_sec, double skew_sec,
                         uint64_t octets_per_sec);

/* Takes all rows, in one go with what lies between, up to after the newest; then all
 * that is told goes to contacts. */
void session_fixture_take(SessionFixture *self, const GArray *rows);

/* Takes those received in [at_us, to_us). */
void session_fixture_take_until(SessionFixture *self, const GArray *rows,
                                int64_t to_us);

/* Lets six hours pass, so that all is over and forgotten. */
void session_fixture_finish(SessionFixture *self);

/* Stops the engine and goes on with another that knows the checkpoint. */
void session_fixture_restart(SessionFixture *self);

/* Contacts of all hours, a line each, sorted: "hour host>peer:port/protocol initiator
 * sessions out/in octets records", and the starts when @all (transfer full). */
char *session_fixture_text(const SessionFixture *self, bool all);

/* Sums over all contacts. */
int64_t session_fixture_sessions(const SessionFixture *self);
int64_t session_fixture_out_octets(const SessionFixture *self);
int64_t session_fixture_in_octets(const SessionFixture *self);
