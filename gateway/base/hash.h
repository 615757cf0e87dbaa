/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - keyed hash for tables in memory, with a key drawn once a process.
 *
 * Peers choose our texts (openids, nonces), so those are hashed with SipHash: with less they could pick collisions.
 * Numbers are ids that we draw ourselves; a mix of a few instructions spreads them. The value differs from run to
 * run: never store it. Digests that last are in crypto.h.
 *
 * Threads  any.
 */
#ifndef SIYU_BASE_HASH_H
#define SIYU_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *p, size_t n);
uint64_t hash_i64(int64_t v);

#endif
