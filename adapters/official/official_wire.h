/* SPDX-License-Identifier: Apache-2.0 */
/* official_wire.h - what one attempt asks of the platform, as requests and answers: pure, no I/O.
 *
 *     init -> begin (the first request) -> take(answer) -> [take(answer)] -> results -> fini
 *
 * An ask is one request, with tags/get in front where a tag's name must become its id first. What each op
 * takes and gives:
 *
 *     CALL_SEND            message/custom/send to one openid
 *     CALL_MASS            mass/send to 2..10,000 openids; service accounts only. provider_id: msg_id
 *     CALL_MASS_TAG        mass/sendall; params {"tag": name}. provider_id: msg_id
 *     CALL_QUERY           mass/get of `handle`. data {"found", "status"}; provider_id where it was taken
 *     CALL_TAG_MEMBERS     user/tag/get; params {"tag": name, "next": openid or ""}. data {"members":
 * [openid...], "next": openid, or "" behind the last page} CALL_CONTACT_DETAIL  user/info of `handle`, or of
 * the one recipient. data {"subscribed", ...}
 *
 * A tag that the account does not have ends OUTCOME_PERMANENT, with `fault`.
 *
 * Errors   begin: ERR_UNSUPPORTED the op is none of these; ERR_INVALID or ERR_TOO_BIG: it can never be done,
 *          `fault` says why; -ENOMEM. take: ERR_SYNTAX the answer is not what the documentation says;
 * -ENOMEM. Memory   an ask copies what it keeps of the call; borrows the tags; results belong to it until
 * fini. Threads  one at a time.
 */
#ifndef SIYU_ADAPTERS_OFFICIAL_WIRE_H
#define SIYU_ADAPTERS_OFFICIAL_WIRE_H

#include "adapter.h"
#include "adapters/official/official_tags.h"
#include "base/buf.h"
#include "base/mem.h"

enum {
    OFFICIAL_BODY_BYTES = 2 * 1024 * 1024,   /* the longest request: 10,000 openids and a message */
    OFFICIAL_ANSWER_BYTES = 4 * 1024 * 1024, /* the longest answer: a page of openids */
    OFFICIAL_TAG_PAGE = 10000,
};

struct official_request {
    const char *method, *path; /* static; "/cgi-bin/..." */
    struct buf query;          /* "a=1&b=2", encoded, without the token */
    struct buf body;           /* JSON; empty for GET */
    bool once;                 /* changes something: must not be repeated by itself */
};

struct official_op;
enum { OFFICIAL_DONE, OFFICIAL_MORE };

struct official_ask {
    const struct official_op *how;
    enum call_op op;
    struct official_request request;
    bool preparing; /* the request at hand is not yet the op's own: tags/get */
    struct arena memory;
    struct official_tags *tags;
    bool subscription;
    int64_t now_ms;
    struct str tag, next; /* of params */
    struct buf message;   /* CALL_MASS_TAG: all of the body behind the filter */
    char fault[160];

    /* Results, of use after OFFICIAL_DONE. */
    enum outcome outcome;
    struct str provider_id;
    json_t *data;
};

void official_ask_init(struct official_ask *a, struct official_tags *tags, bool subscription, int64_t now_ms);
void official_ask_fini(struct official_ask *a);
int official_ask_begin(struct official_ask *a, const struct call *call, const struct recipient *to, size_t n);
/* `answer`: a whole one, without errcode or with 0; for CALL_MASS and CALL_MASS_TAG also one with 45065. */
int official_ask_take(struct official_ask *a, const json_t *answer);

/* The head that an answer may have. */
struct official_answer {
    json_t *json;
    int errcode;        /* 0 when absent */
    const char *errmsg; /* never NULL */
};
/* ERR_SYNTAX: not an object, or its `errcode` is no integer. */
int official_answer_read(struct str body, struct official_answer *ret);
void official_answer_fini(struct official_answer *a);

/* For the ops. */
struct official_op {
    enum call_op op;
    int (*begin)(struct official_ask *a, const struct call *call, const struct recipient *to, size_t n);
    int (*take)(struct official_ask *a, const json_t *answer); /* OFFICIAL_DONE or OFFICIAL_MORE */
};
const struct official_op *official_op_of(enum call_op op); /* official_op.c; NULL: none */
void official_ask_start(struct official_ask *a, const char *method, const char *path, bool once);
int official_ask_refuse(struct official_ask *a, int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
struct str official_ask_keep(struct official_ask *a, struct str s); /* {NULL, 0}: no memory */

#endif
