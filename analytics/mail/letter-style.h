/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* LetterStyle: how letters look.  Attributes only, for mail clients that drop style
 * sheets; dark text on white in one column that is as wide as the pictures. */

enum { LETTER_WIDTH = 640 };

#define LETTER_HEAD                                                                    \
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"                \
    "<meta name=\"viewport\" content=\"width=device-width\">"                          \
    "<meta name=\"color-scheme\" content=\"light\">"
#define LETTER_BODY                                                                    \
    "</head>\n<body style=\"margin:0;padding:16px;background:#ffffff;color:#1f2933;"   \
    "font:15px/1.5 -apple-system,'Segoe UI',Roboto,'DejaVu Sans',Arial,sans-serif\">"  \
    "\n<div style=\"max-width:640px;overflow-wrap:break-word\">\n"
#define LETTER_END "</div></body></html>\n"

#define LETTER_KICKER  "style=\"margin:0;font-size:13px;color:#616e7c\""
#define LETTER_TITLE   "style=\"margin:2px 0 12px;font-size:20px;line-height:1.3\""
#define LETTER_HEADING "style=\"margin:24px 0 6px;font-size:16px\""
#define LETTER_TEXT    "style=\"margin:0 0 12px\""
#define LETTER_SOFT    "style=\"margin:16px 0 0;font-size:14px\""
#define LETTER_DETAIL  "style=\"font-size:14px;color:#616e7c\""
#define LETTER_FOOT                                                                    \
    "style=\"margin:20px 0 0;padding-top:10px;border-top:1px solid #e4e7eb;"           \
    "font-size:12px;color:#616e7c\""
#define LETTER_PICTURE "style=\"margin:16px 0\""
/* What is new about something that was told before. */
#define LETTER_CHANGE                                                                  \
    "style=\"margin:0 0 12px;padding:8px 12px;background:#fff4ed;"                     \
    "border-left:4px solid #c2410c\""
#define LETTER_OVER                                                                    \
    "style=\"margin:0 0 12px;padding:8px 12px;background:#f0f7f2;"                     \
    "border-left:4px solid #2f855a\""
