/* SPDX-License-Identifier: Apache-2.0 */
/* http_multi.c - curl's multi_socket interface on uv: a poll handle a socket, one timer.
 *
 * curl wants sockets watched for the length of a transfer only; the watcher closes with it and frees itself.
 */
#include <assert.h>
#include <errno.h>

#include "base/mem.h"
#include "loop/http_private.h"

struct watcher {
    uv_poll_t poll;
    struct http_client *client;
    curl_socket_t fd;
};

static void on_curl_timer(struct timer *t);

static void act(struct http_client *h, curl_socket_t fd, int events)
{
    int running;
    CURLMcode code = curl_multi_socket_action(h->multi, fd, events, &running);

    assert(code == CURLM_OK);
    (void)code;
    http_drain(h);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watcher *w = poll->data;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;

    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    act(w->client, w->fd, flags);
}

static void on_curl_timer(struct timer *t)
{
    struct http_client *h = container_of(t, struct http_client, curl_timer);
    long ms = -1;

    act(h, CURL_SOCKET_TIMEOUT, 0);
    /* curl does not tell a time again that it has told: after a timer that was early by a fraction, nobody
     * would come back. */
    if (!h->freed && !timer_is_running(t) && curl_multi_timeout(h->multi, &ms) == CURLM_OK && ms >= 0)
        timer_start(t, ms > 0 ? ms : 1, on_curl_timer);
}

static int on_want_timer(CURLM *multi, long ms, void *ctx)
{
    struct http_client *h = ctx;

    (void)multi;
    if (ms < 0)
        timer_stop(&h->curl_timer);
    else
        timer_start(&h->curl_timer, ms, on_curl_timer);
    return 0;
}

static void on_watcher_closed(uv_handle_t *handle)
{
    struct watcher *w = handle->data;

    http_client_release(w->client);
    mem_free(w);
}

static void watcher_close(struct http_client *h, struct watcher *w)
{
    if (!w)
        return;
    (void)curl_multi_assign(h->multi, w->fd, NULL);
    uv_close((uv_handle_t *)&w->poll, on_watcher_closed);
}

static struct watcher *watcher_open(struct http_client *h, curl_socket_t fd)
{
    struct watcher *w = mem_calloc(1, sizeof(*w));

    if (!w)
        return NULL;
    w->client = h;
    w->fd = fd;
    if (uv_poll_init_socket(&h->loop->uv, &w->poll, fd) < 0) {
        mem_free(w);
        return NULL;
    }
    w->poll.data = w;
    h->open_handles++;
    if (curl_multi_assign(h->multi, fd, w) != CURLM_OK) {
        uv_close((uv_handle_t *)&w->poll, on_watcher_closed);
        return NULL;
    }
    return w;
}

static int on_want_socket(CURL *curl, curl_socket_t fd, int what, void *ctx, void *socket)
{
    struct http_client *h = ctx;
    struct watcher *w = socket;
    int events = 0;

    (void)curl;
    if (what == CURL_POLL_REMOVE) {
        watcher_close(h, w);
        return 0;
    }
    if (!w)
        w = watcher_open(h, fd);
    if (!w)
        return -1;
    if (what & CURL_POLL_IN)
        events |= UV_READABLE;
    if (what & CURL_POLL_OUT)
        events |= UV_WRITABLE;
    return uv_poll_start(&w->poll, events, on_poll) < 0 ? -1 : 0;
}

int http_multi_open(struct http_client *h)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) /* counted by curl */
        return -ENOMEM;
    h->multi = curl_multi_init();
    if (!h->multi)
        return -ENOMEM;
    if (curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_want_socket) != CURLM_OK ||
        curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h) != CURLM_OK ||
        curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_want_timer) != CURLM_OK ||
        curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h) != CURLM_OK ||
        curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING) != CURLM_OK ||
        curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)h->conf.max_total) != CURLM_OK)
        return -ENOMEM;
    return 0;
}

void http_multi_close(struct http_client *h)
{
    if (h->multi)
        (void)curl_multi_cleanup(h->multi); /* watchers of idle connections are told to go */
    h->multi = NULL;
    curl_global_cleanup();
}
