/* SPDX-License-Identifier: Apache-2.0 */
/* sms_phone.h - mainland mobile numbers: 1[3-9] and nine more digits, behind +86, 0086, 86 or nothing.
 *
 * Errors   ERR_INVALID: not the number of a person in mainland China.
 * Memory   the result is a view into `text`.
 * Threads  any.
 */
#ifndef SIYU_ADAPTERS_SMS_PHONE_H
#define SIYU_ADAPTERS_SMS_PHONE_H

#include "base/err.h"
#include "base/str.h"

enum { SMS_PHONE_DIGITS = 11 };

/* Its 11 digits. */
int sms_phone_read(struct str text, struct str *ret);

#endif
