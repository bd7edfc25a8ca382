/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowgenPlay: the command `flowgen play`: plays session lists and scenarios as
 * routers would export them, now or into a capture. */

/* @argv[0] is the command.  Returns the exit status. */
int flowgen_play(int argc, char **argv);
