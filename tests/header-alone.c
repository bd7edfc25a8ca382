/* SPDX-License-Identifier: Apache-2.0 */
#include HEADER
typedef int translation_unit_is_not_empty;
