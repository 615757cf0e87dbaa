/* SPDX-License-Identifier: Apache-2.0 */
/* auth.h - API tokens in memory: hashes only, each with a role.
 *
 * The store keeps them; api/ loads them at start and adds what `siyu token create` makes.
 *
 * Errors   ERR_FULL too many tokens. Memory: copies. Threads: the loop thread.
 */
#ifndef SIYU_API_AUTH_H
#define SIYU_API_AUTH_H

#include "loop/front_door.h"

struct auth;
struct clock;

enum auth_role { ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN }; /* each may do what the one before may */

struct auth_token {
    unsigned char hash[32]; /* sha256 of the token */
    enum auth_role role;
    int64_t expires_ms; /* 0: never */
};

int auth_new(const struct clock *clock, struct auth **ret);
void auth_free(struct auth *a);
int auth_add(struct auth *a, const struct auth_token *token);
int auth_role_of(struct str text, enum auth_role *ret); /* ERR_NOT_FOUND */

/* Authorization: Bearer, or ?token= where a browser cannot set headers. */
bool auth_allows(const struct auth *a, const struct http_request *r, enum auth_role role);

#endif
