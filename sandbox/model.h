/* SPDX-License-Identifier: Apache-2.0 */
/* model.h - the other side: all emulated platforms, as pure state on an injected clock.
 *
 *     sb_model_new -> (sb_model_call | sb_event_* | sb_model_run)* -> sb_model_free
 *
 * No I/O and no timer: the model is told the time, says when it next has something to do, and hands ledger
 * lines and pushes to a sink. HTTP faces drive it in the sandbox process, a simulator drives it in virtual
 * time. Equal calls at equal times from an equal seed give equal answers, tokens and codes included.
 *
 * Units    ms since 1970 on the injected clock.
 * Errors   a platform's refusal is an answer, not an error. Functions that take configuration give ERR_CONFIG
 *          with complaints in the diag.
 * Memory   as must.h. Connections keep pointers into the configuration, which the model holds on to.
 * Threads  one at a time.
 */
#ifndef SIYU_SANDBOX_MODEL_H
#define SIYU_SANDBOX_MODEL_H

#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "base/str.h"
#include "sandbox/data.h"
#include "sandbox/sbcrypto.h"
#include "sandbox/window.h"

#include <jansson.h>
#include <stdbool.h>

enum sb_kind { SB_KIND_WECOM, SB_KIND_KF, SB_KIND_WEBHOOK, SB_KIND_OFFICIAL, SB_KIND_ALIYUN };
enum sb_mode { SB_MODE_PLAIN, SB_MODE_COMPATIBLE, SB_MODE_SAFE };

struct sb_corp;
struct sb_kf;
struct sb_official;
struct sb_sms;

struct sb_connection {
    struct list node;
    const char *name;
    enum sb_kind kind;
    const char *owner;  /* corp_id, appid or access_key_id */
    const char *secret; /* "" where the kind has none */
    const char *token, *open_kfid, *key, *path_key, *gh_id;
    const json_t *conf;
    unsigned char aes_key[SB_AES_KEY];
    bool has_aes_key, json, subscription; /* subscription: 订阅号, else 服务号 */
    enum sb_mode mode;
    struct sb_corp *corp; /* the connection's platform state; the others are NULL */
    struct sb_kf *kf;
    struct sb_official *official;
    struct sb_sms *sms;
    struct sb_slide webhook;
};

/* One line of the ledger. Strings may be NULL: not known. */
struct sb_entry {
    int64_t t_ms;
    const char *connection, *account, *op;
    const json_t *to; /* array, or NULL: none */
    int64_t cost;
    const char *key;
    int errcode;
    bool replied;
    const char *body_sha256;
    const json_t *more; /* further members of the line, or NULL */
};

/* Something the platform tells the gateway, as the gateway shall find it after decrypting. */
struct sb_push {
    struct list node;
    struct sb_connection *connection;
    const char *path; /* behind /hooks/<connection>: "", "/report", "/up" */
    const char *kind; /* static: "contact.added" */
    char *inner;
    bool json;
    bool verify; /* the platform checks the callback's address: a GET whose answer must be `inner` */
    char *from;  /* openid or external_userid or phone */
    char *key;   /* MsgId, or what else names it for good */
    int attempts;
    int64_t due_ms; /* the carrier's: not before; SMS repeats wait minutes */
};
void sb_push_free(struct sb_push *p);

struct sb_sink {
    void *ctx;
    void (*entry)(void *ctx, const struct sb_entry *e);
    void (*push)(void *ctx, struct sb_push *p); /* takes `p` */
};

struct sb_model;
typedef void (*sb_later_fn)(struct sb_model *m, void *ctx, int64_t now_ms);

struct sb_later {
    struct list node;
    int64_t at_ms;
    sb_later_fn run;
    void *ctx;
    void (*drop)(void *ctx); /* frees ctx when the model ends first; NULL: nothing to free */
};

struct sb_model {
    json_t *conf;
    struct sb_limit limits[SB_LIMIT_COUNT]; /* data.h's, with the configuration's changes */
    struct sb_sink sink;
    uint64_t random; /* state of the generator */
    int64_t sequence;
    struct list connections;
    struct map_str corps, officials, smses; /* owner -> state */
    struct map_str tokens, newest;          /* struct sb_token by text (owned), by app: see token.h */
    struct map_str bad_logins;              /* corp_id -> struct sb_block */
    struct list later;                      /* by at_ms */
    json_t *people;                         /* name or id -> [{connection, id}] */
    json_t *kept;                           /* seeds that came later: state borrows their strings */
    int64_t push_times; /* each push goes out so often: 1, but for an event that repeats */
};

/* `conf` as sandbox.yaml holds it; only connections of kinds the sandbox plays are taken. */
int sb_model_new(const json_t *conf, uint64_t seed, const struct sb_sink *sink, int64_t now_ms,
                 struct sb_model **ret, struct diag *diag);
void sb_model_free(struct sb_model *m);

/* When sb_model_run() next has work; INT64_MAX: never. */
int64_t sb_model_due_ms(const struct sb_model *m);
void sb_model_run(struct sb_model *m, int64_t now_ms);

/* One HTTP call to a platform. The face fills the upper half, sb_model_call() the lower one. */
enum sb_base { SB_BASE_WECOM, SB_BASE_OFFICIAL, SB_BASE_ALIYUN };
struct sb_call {
    int64_t now_ms;
    enum sb_base base;
    bool post;
    const char *path;    /* below the base, without a leading '/' */
    const json_t *query; /* string members */
    struct str raw_query;
    const json_t *headers; /* lower-case names */
    const json_t *body;    /* NULL: none, or not JSON */
    struct str raw;

    struct sb_connection *connection; /* NULL: not known */
    int status;
    json_t *answer;
    const char *op, *account, *key; /* borrowed from the request or the model */
    json_t *to;
    int64_t cost;
    int errcode;
    const char *code; /* Aliyun's word */
    json_t *more;
};
/* Who calls: sets c->connection as far as the request tells. Changes nothing. */
void sb_model_identify(struct sb_model *m, struct sb_call *c);
/* Judges, does and answers the call, and emits its ledger line with `replied`. */
void sb_model_call(struct sb_model *m, struct sb_call *c, bool replied);
/* The same without doing it: answers the errcode (or Aliyun's `code`) as a fault wants it. */
void sb_model_refuse(struct sb_model *m, struct sb_call *c, int errcode, const char *code);
void sb_call_fini(struct sb_call *c);

/* For the platforms' files. */
const struct sb_limit *sb_model_limit(const struct sb_model *m, enum sb_limit_id id);
struct sb_connection *sb_model_connection(const struct sb_model *m, const char *name);
void sb_model_later(struct sb_model *m, int64_t at_ms, sb_later_fn run, void *ctx, void (*drop)(void *ctx));
uint64_t sb_model_random(struct sb_model *m);
int64_t sb_model_next(struct sb_model *m); /* 1, 2, 3, ... */
void sb_model_emit(struct sb_model *m, const struct sb_entry *e);
/* Takes `inner`; copies the other strings. `kind` is static. */
void sb_model_push(struct sb_model *m, struct sb_connection *conn, const char *path, const char *kind,
                   char *inner, bool json, const char *from, const char *key, int64_t now_ms);
/* The check of a callback's address, as the platform's console makes it. */
void sb_model_verify(struct sb_model *m, struct sb_connection *conn, int64_t now_ms);
/* Remembers that `name` and `id` mean this person on that connection. */
void sb_model_name(struct sb_model *m, const struct sb_connection *conn, const char *name, const char *id);
/* The person's id on a connection; NULL when the name is not known there. */
const char *sb_model_id_of(const struct sb_model *m, const struct sb_connection *conn, const char *name);

/* Answers of a call. `extra` (or NULL) is taken; errcode and errmsg are added. */
void sb_accept(struct sb_call *c, json_t *extra);
void sb_refuse(struct sb_call *c, int errcode);

#endif
