/* SPDX-License-Identifier: Apache-2.0 */
/* token.h - access tokens of WeCom apps and official accounts.
 *
 * WeCom: one token per (corp, secret); asking again while it lives gives the same one. Official account:
 * cgi-bin/token makes a new one each time and the one before lives five minutes more; stable_token gives the
 * same one, renews it in its last five minutes, and the two kinds do not touch each other.
 *
 * Units    ms on the injected clock.
 * Memory   a token lives as long as the model; expired ones are kept, to tell 42001 from 40014.
 * Threads  one at a time.
 */
#ifndef SIYU_SANDBOX_TOKEN_H
#define SIYU_SANDBOX_TOKEN_H

#include "sandbox/model.h"

struct sb_token {
    char *text;
    const char *owner, *secret; /* of the app; borrowed from its connection */
    enum sb_kind kind;
    bool stable;
    int64_t expires_ms;
};

enum sb_token_state { SB_TOKEN_GOOD, SB_TOKEN_EXPIRED, SB_TOKEN_UNKNOWN };

/* The newest living token of the app, or NULL. */
struct sb_token *sb_token_newest(struct sb_model *m, const struct sb_connection *app, bool stable,
                                 int64_t now_ms);
struct sb_token *sb_token_mint(struct sb_model *m, const struct sb_connection *app, bool stable,
                               int64_t life_ms, int64_t now_ms);
/* Tokens of `app` (NULL: of all) end at `at_ms`, if they would live longer. */
enum sb_token_set { SB_TOKENS_ALL, SB_TOKENS_STABLE, SB_TOKENS_MINTED };
void sb_token_end(struct sb_model *m, const struct sb_connection *app, enum sb_token_set set, int64_t at_ms);
enum sb_token_state sb_token_find(struct sb_model *m, const char *text, int64_t now_ms,
                                  struct sb_token **ret);
void sb_token_free(struct sb_token *t);

#endif
