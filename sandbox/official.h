/* SPDX-License-Identifier: Apache-2.0 */
/* official.h - one official account: followers, tags, reply windows, mass sends, template messages.
 *
 * official.c   the table of calls, tokens, followers and tags
 * custom.c     customer-service and template messages: the windows that a customer's action opens
 * mass.c       mass sends: one job a call, four a month and follower, clientmsgid
 *
 * Units, errors, memory, threads: as model.h.
 */
#ifndef SIYU_SANDBOX_OFFICIAL_H
#define SIYU_SANDBOX_OFFICIAL_H

#include "sandbox/model.h"

/* In the order in which a message is charged: the window that ends soonest first. */
enum sb_opener { SB_BY_FOLLOW, SB_BY_SCAN, SB_BY_MENU, SB_BY_MESSAGE, SB_OPENER_COUNT };

struct sb_follower {
    char *openid, *name;
    bool subscribed;
    int64_t since_ms;
    char *scene;
    json_t *tags; /* array of ids */
    struct sb_opened windows[SB_OPENER_COUNT];
    struct sb_tally month;
};

struct sb_official {
    const char *appid;
    struct map_str followers;
    struct sb_follower **order;
    size_t order_count;
    json_t *tags;                 /* [{id, name}] */
    struct map_str days;          /* path -> struct sb_tally: calls a day */
    struct map_str jobs;          /* msg_id -> struct sb_mass_job */
    struct map_str mass_keys;     /* clientmsgid -> struct sb_mass_job */
    struct map_str template_keys; /* openid/client_msg_id -> time */
    struct sb_tally mass_day, mass_all_day, mass_all_month, mass_subscription_day, forced_day;
    struct sb_block mass_minute, stable_minute;
    int64_t forced_ms;
};

struct sb_official *sb_official_of(struct sb_model *m, const char *appid);
void sb_official_free(struct sb_official *o);

void sb_official_identify(struct sb_model *m, struct sb_call *c);
void sb_official_call(struct sb_model *m, struct sb_call *c);
typedef void (*sb_official_fn)(struct sb_model *m, struct sb_official *o, struct sb_call *c);

struct sb_follower *sb_official_follower(struct sb_model *m, struct sb_connection *conn,
                                         const char *name_or_id,
                                         int64_t now_ms); /* made, subscribed, when absent */
struct sb_follower *sb_official_find(const struct sb_official *o, const char *openid);
int64_t sb_official_tag_id(struct sb_official *o, const char *name,
                           int64_t id); /* id 0: any; made when absent */
bool sb_follower_has_tag(const struct sb_follower *f, int64_t tag_id);
void sb_follower_tag(struct sb_follower *f, int64_t tag_id);
/* The calls of one path a day; false: used up. */
bool sb_official_take_day(struct sb_model *m, struct sb_official *o, struct sb_call *c,
                          enum sb_limit_id limit);

/* custom.c */
void sb_custom_send(struct sb_model *m, struct sb_official *o, struct sb_call *c);
void sb_custom_typing(struct sb_model *m, struct sb_official *o, struct sb_call *c);
void sb_template_send(struct sb_model *m, struct sb_official *o, struct sb_call *c);

/* mass.c */
struct sb_mass_job;
void sb_mass_send(struct sb_model *m, struct sb_official *o, struct sb_call *c);
void sb_mass_sendall(struct sb_model *m, struct sb_official *o, struct sb_call *c);
void sb_mass_get(struct sb_model *m, struct sb_official *o, struct sb_call *c);
void sb_mass_free_all(struct sb_official *o);

/* The XML or JSON of a push, from `head` members to `extra` (taken; may be NULL). */
char *sb_official_inner(const struct sb_connection *conn, const char *openid, int64_t now_ms,
                        const char *msg_type, json_t *extra);

#endif
