/* SPDX-License-Identifier: Apache-2.0 */
/* http_private.h - the HTTP client's three files: queue and life (http_client.c), one request on an easy
 * handle (http_easy.c), curl's sockets and timer on uv (http_multi.c). Private to this folder. */
#ifndef SIYU_LOOP_HTTP_PRIVATE_H
#define SIYU_LOOP_HTTP_PRIVATE_H

#include <curl/curl.h>

#include "base/map.h"
#include "loop/http_client.h"
#include "loop/loop_private.h"
#include "loop/timer.h"

struct http_host {
    struct list waiting; /* transfers that want a place here */
    size_t active;
    struct list node; /* in client.hungry while something waits */
    size_t key_len;
    char key[]; /* "https://host:port" */
};

/* An easy handle and what it needs during one transfer; reused. */
struct http_easy {
    CURL *curl;
    struct curl_slist *headers;
    size_t body_at, head_bytes;
    int starts; /* times the request began to be written */
    bool over_cap;
    bool final, head_whole; /* the last status line was not 1xx; its head's empty line has come */
    struct list node;
};

/* A transfer's place: in a host's queue, or at work on an easy handle. */
struct http_slot {
    struct http_xfer *x;
    struct http_host *host;
    struct http_easy *easy; /* NULL while waiting */
    int64_t start_ms;
};

struct http_client {
    struct loop *loop;
    struct http_client_conf conf;
    char *ca_file, *agent;
    CURLM *multi;
    struct timer curl_timer, sweep;
    struct list idle_easy;
    size_t easy_count;
    struct map_str hosts;
    struct list hungry; /* hosts with waiting transfers, in turn */
    struct list canceled;
    struct loop_deferred report, feed;
    size_t load, active, waiting;
    int open_handles; /* timers and socket watchers; the storage goes with the last one */
    bool draining, freed;
};

/* http_easy.c: prepares `e` for x; x->deadline_ms counts from start_ms. -ENOMEM, ERR_INVALID. */
int http_easy_setup(struct http_client *h, struct http_easy *e, struct http_xfer *x, int64_t left_ms);
struct http_easy *http_easy_get(struct http_client *h);
void http_easy_put(struct http_client *h, struct http_easy *e);
void http_easy_free(struct http_easy *e);
/* Reads the facts into x and judges them. */
enum http_end http_easy_judge(struct http_easy *e, struct http_xfer *x, CURLcode code);
/* Bytes of the request that left or were about to; 0: surely none. */
int64_t http_easy_bytes_out(const struct http_easy *e);
/* The part of a URL that names the server; ERR_INVALID. */
int http_url_origin(const char *url, struct str *ret);

/* http_multi.c */
int http_multi_open(struct http_client *h);
void http_multi_close(struct http_client *h);

/* http_client.c: hands out what curl has finished; after every curl_multi_socket_action(). */
void http_drain(struct http_client *h);
void http_client_release(struct http_client *h);

#endif
