/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* HtmlChecker: whether HTML of ours holds what the program writes and nothing that data
 * brought along: known tags, properly nested, with known attributes in quotes; links to
 * http and https, pictures of the mail itself; nothing else with an angle bracket, and
 * no control characters. */

/* NULL when it does; else what is wrong. */
const char *html_checker_fault(const char *html);
