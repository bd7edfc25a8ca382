/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* IncidentTitle: an incident in one line.
 *
 *   beacon: servers 10.2.0.14 -> 203.0.113.51:443 every 27.1 s
 *   beacon: servers 10.2.0.14:22 <- 203.0.113.51 every 5 min
 *   exfil: servers 10.2.0.14 -> 203.0.113.0/24 1.2 GB (rotation)
 *
 * The arrow points to who was called; "/udp" behind a port says that it is not TCP.
 * One line whatever the name of the group holds: characters that do not print are
 * left out. */

#include "detect/finding.h"

/* @host_group may be NULL (transfer full). */
char *incident_title(const Finding *finding, const char *host_group);

/* "27.1 s", "5 min", "4 h"; three figures (transfer full). */
char *incident_title_period(double period_sec);

/* Octets of traffic, in thousands: "950 B", "1.23 GB" (transfer full). */
char *incident_title_octets(double octets);
