/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* DoctorProblems: what is wrong with one exporter, and what to do about it.  Pure. */

#include <glib.h>

#include "doctor-facts.h"

/* @template_lifetime_sec: as configured, 0 = for ever.  Sentences (transfer full;
 * char *); empty when all is well. */
GPtrArray *doctor_problems(const DoctorFacts *facts, uint32_t template_lifetime_sec);

/* What is wrong with a machine whose sysctl net.ipv4.tcp_syncookies is @syncookies
 * (RFC 7011 11.4), NULL = it has none; static text or NULL. */
const char *doctor_problems_of_machine(bool listens_to_tcp, const char *syncookies);
