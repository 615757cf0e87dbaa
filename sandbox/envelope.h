/* SPDX-License-Identifier: Apache-2.0 */
/* envelope.h - a push as it goes over the wire: where to, with which signatures, sealed how.
 *
 * Each attempt has its own timestamp, nonce and random bytes around the same inner text.
 *
 * Units    ms on the injected clock.
 * Memory   as must.h; sb_envelope_fini() frees.
 * Threads  one at a time.
 */
#ifndef SIYU_SANDBOX_ENVELOPE_H
#define SIYU_SANDBOX_ENVELOPE_H

#include "sandbox/model.h"

struct sb_envelope {
    char *url, *body; /* body NULL: a GET */
    const char *content_type;
};

void sb_envelope_make(struct sb_model *m, const struct sb_push *p, const char *gateway, int64_t now_ms,
                      struct sb_envelope *ret);
void sb_envelope_fini(struct sb_envelope *e);

#endif
