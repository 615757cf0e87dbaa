/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_wire.h - what one attempt asks of the platform, as requests and answers: pure, no I/O.
 *
 *     init -> begin (the first request) -> take(answer) -> [take(answer) ...] -> results -> fini
 *
 * Most asks are one request. Polls read page after page; each take() that wants another page rewrites the
 * request. Which requests an op means is data: a table of struct wecom_op, one per kind of connection.
 *
 * Units    bytes of UTF-8, as WeCom counts.
 * Errors   begin: ERR_UNSUPPORTED the op is not in the table; ERR_INVALID or ERR_TOO_BIG: the message can
 *          never be sent, `fault` says why; -ENOMEM. take: ERR_SYNTAX the answer is not what the
 *          documentation says; -ENOMEM.
 * Memory   an ask copies what it keeps of the call; results belong to it until fini.
 * Threads  one at a time.
 */
#ifndef SIYU_ADAPTERS_WECOM_WIRE_H
#define SIYU_ADAPTERS_WECOM_WIRE_H

#include "adapter.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/vec.h"

enum {
    WECOM_BODY_BYTES = 2 * 1024 * 1024,   /* the longest request: 10,000 recipients and a message */
    WECOM_ANSWER_BYTES = 8 * 1024 * 1024, /* the longest page of an answer */
};

struct wecom_request {
    const char *method; /* static */
    const char *path;   /* static: "/cgi-bin/..." */
    struct buf query;   /* "a=1&b=2", encoded, without the token */
    struct buf body;    /* JSON; empty for GET */
    bool once;          /* changes something: must not be repeated by itself */
};

struct wecom_ask;
enum { WECOM_DONE, WECOM_MORE };

struct wecom_op {
    enum call_op op;
    int (*begin)(struct wecom_ask *a, const struct call *call);
    int (*take)(struct wecom_ask *a, const json_t *answer); /* WECOM_DONE, WECOM_MORE; NULL: all is said */
};

struct wecom_ask {
    const struct wecom_op *how;
    enum call_op op;
    struct wecom_request request;
    struct arena memory;
    int64_t agent_id; /* the app, for messages to employees; set after init */
    struct str account;
    struct recipient *to; /* copies, sorted by `to` */
    size_t to_count;
    void *state; /* a poll's own, in `memory` */
    char fault[160];

    /* Results, of use after WECOM_DONE. */
    enum outcome outcome;
    struct str provider_id;
    struct vec items; /* struct item_result */
    json_t *data;
};

void wecom_ask_init(struct wecom_ask *a);
void wecom_ask_fini(struct wecom_ask *a);
int wecom_ask_begin(struct wecom_ask *a, const struct wecom_op *ops, size_t op_count, const struct call *call,
                    const struct recipient *to, size_t n);
/* `answer`: a whole one, with errcode 0. */
int wecom_ask_take(struct wecom_ask *a, const json_t *answer);

/* For the tables. */
int wecom_ask_start(struct wecom_ask *a, const char *method, const char *path, bool once);
int wecom_ask_refuse(struct wecom_ask *a, int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
struct str wecom_ask_keep(struct wecom_ask *a, struct str s); /* {NULL, 0}: no memory */
/* One result for each recipient called `to`, or one without id when there is none. */
int wecom_ask_result(struct wecom_ask *a, struct str to, enum outcome outcome, int errcode);
/* Asks for a text of 1..`max` bytes; an empty one passes where `may_be_empty`. */
int wecom_ask_check_text(struct wecom_ask *a, struct str text, size_t max, bool may_be_empty);

/* Append `"name":"value"`, with a comma in front unless it is an object's first. */
int wecom_add_string(struct buf *out, const char *name, struct str value);
int wecom_add_int(struct buf *out, const char *name, int64_t value);

/* The head that every answer has. */
struct wecom_answer {
    json_t *json;
    int errcode;
    const char *errmsg; /* never NULL */
};
/* ERR_SYNTAX: not an object with an integer `errcode`. */
int wecom_answer_read(struct str body, struct wecom_answer *ret);
void wecom_answer_fini(struct wecom_answer *a);

#endif
