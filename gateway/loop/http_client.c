/* SPDX-License-Identifier: Apache-2.0 */
/* http_client.c - who is served when, and the end of every transfer.
 *
 *     http_start -> waiting (at its host) --place free--> at work --curl is done--> done()
 *                      | deadline: not sent     | http_cancel -> canceled --deferred--> done()
 *
 * The queue is ours and not curl's: curl does not watch the deadline of a transfer that waits for a place.
 * A free place goes to the waiting hosts in turn, so a slow host with a long queue does not starve others.
 */
#include "loop/http_client.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "loop/http_private.h"

enum { SWEEP_MS = 50, MAX_HOSTS = 4096 };

static void on_report(struct loop_deferred *d);
static void on_feed(struct loop_deferred *d);
static void on_sweep(struct timer *t);

static void conf_complete(struct http_client_conf *conf)
{
    if (conf->max_total == 0)
        conf->max_total = 256;
    if (conf->max_per_host == 0)
        conf->max_per_host = 64;
    if (conf->max_waiting == 0)
        conf->max_waiting = 4096;
    if (conf->max_idle_ms <= 0)
        conf->max_idle_ms = 20000;
}

int http_client_new(struct loop *loop, const struct http_client_conf *conf, struct http_client **ret)
{
    struct http_client *h = mem_calloc(1, sizeof(*h));
    int r;

    if (!h)
        return -ENOMEM;
    h->loop = loop;
    if (conf)
        h->conf = *conf;
    conf_complete(&h->conf);
    list_init(&h->idle_easy);
    list_init(&h->hungry);
    list_init(&h->canceled);
    map_str_init(&h->hosts, MAX_HOSTS);
    loop_deferred_init(&h->report, on_report);
    loop_deferred_init(&h->feed, on_feed);
    timer_init(loop, &h->curl_timer);
    timer_init(loop, &h->sweep);
    h->open_handles = 2;
    h->agent = mem_strdup(h->conf.agent ? h->conf.agent : "siyu");
    h->ca_file = h->conf.ca_file ? mem_strdup(h->conf.ca_file) : NULL;
    r = http_multi_open(h);
    if (r < 0 || !h->agent || (h->conf.ca_file && !h->ca_file)) {
        http_client_free(h);
        return r < 0 ? r : -ENOMEM;
    }
    *ret = h;
    return 0;
}

void http_client_release(struct http_client *h)
{
    if (--h->open_handles > 0 || !h->freed)
        return;
    mem_free(h->agent);
    mem_free(h->ca_file);
    mem_free(h);
}

static void on_curl_timer_closed(struct timer *t)
{
    http_client_release(container_of(t, struct http_client, curl_timer));
}

static void on_sweep_closed(struct timer *t)
{
    http_client_release(container_of(t, struct http_client, sweep));
}

/* What done() may have asked for while http_drain() still held the client. */
static void http_client_tear_down(struct http_client *h)
{
    struct str key;
    union map_val host;
    struct list *node;
    size_t at = 0;

    while ((node = list_pop(&h->idle_easy)) != NULL)
        http_easy_free(container_of(node, struct http_easy, node));
    http_multi_close(h);
    while (map_str_next(&h->hosts, &at, &key, &host))
        mem_free(host.p);
    map_str_fini(&h->hosts);
    loop_deferred_cancel(&h->report);
    loop_deferred_cancel(&h->feed);
    timer_close(&h->curl_timer, on_curl_timer_closed);
    timer_close(&h->sweep, on_sweep_closed);
}

void http_client_free(struct http_client *h)
{
    if (!h)
        return;
    assert(h->load == 0 && !h->freed);
    h->freed = true;
    if (!h->draining)
        http_client_tear_down(h);
}

/* Forgets the hosts that nobody uses, so that many addresses do not pile up. */
static void hosts_purge(struct http_client *h)
{
    struct str key;
    union map_val val;
    size_t at = 0;

    while (map_str_next(&h->hosts, &at, &key, &val)) {
        struct http_host *host = val.p;

        if (host->active > 0 || !list_empty(&host->waiting))
            continue;
        map_str_del(&h->hosts, (struct str){host->key, host->key_len});
        mem_free(host);
    }
}

static int host_of(struct http_client *h, struct str key, struct http_host **ret)
{
    struct http_host *host = map_str_get(&h->hosts, key);
    int r;

    if (host) {
        *ret = host;
        return 0;
    }
    if (map_str_count(&h->hosts) == MAX_HOSTS)
        hosts_purge(h);
    host = mem_calloc(1, sizeof(*host) + key.n);
    if (!host)
        return -ENOMEM;
    list_init(&host->waiting);
    list_init(&host->node);
    host->key_len = key.n;
    memcpy(host->key, key.p, key.n);
    r = map_str_put(&h->hosts, key, host);
    if (r < 0) {
        mem_free(host);
        return r;
    }
    *ret = host;
    return 0;
}

static void xfer_reset_answer(struct http_xfer *x)
{
    buf_fini(&x->answer);
    buf_init(&x->answer, x->max_bytes);
    x->status = x->err = 0;
    x->why = "";
    x->content_type[0] = '\0';
    x->date_ms = x->bytes_out = x->total_ms = 0;
    x->retry_after_ms = -1;
    x->reused = false;
}

static void xfer_complete(struct http_xfer *x)
{
    if (!x->method)
        x->method = "GET";
    if (x->deadline_ms <= 0)
        x->deadline_ms = 30000;
    if (x->connect_ms <= 0)
        x->connect_ms = 5000;
    if (x->max_bytes == 0)
        x->max_bytes = 1024 * 1024;
    xfer_reset_answer(x);
}

/* Takes the transfer off the client and calls back; the last thing that touches `x`. */
static void xfer_end(struct http_client *h, struct http_xfer *x, enum http_end end)
{
    struct http_slot *slot = x->slot;

    x->total_ms = loop_now_ms(h->loop) - slot->start_ms;
    x->slot = NULL;
    x->client = NULL;
    h->load--;
    mem_free(slot);
    x->done(x, end);
}

/* Gives the place of a transfer at work back. */
static void slot_vacate(struct http_client *h, struct http_slot *slot)
{
    (void)curl_multi_remove_handle(h->multi, slot->easy->curl);
    http_easy_put(h, slot->easy);
    slot->easy = NULL;
    slot->host->active--;
    h->active--;
    slot->host = NULL;
    if (h->waiting > 0)
        loop_defer(h->loop, &h->feed);
}

static void host_forget_waiting(struct http_client *h, struct http_slot *slot)
{
    list_del(&slot->x->node);
    h->waiting--;
    if (list_empty(&slot->host->waiting))
        list_del(&slot->host->node);
    slot->host = NULL;
}

void http_drain(struct http_client *h)
{
    CURLMsg *m;
    int left;

    assert(!h->draining);
    h->draining = true;
    while (!h->freed && (m = curl_multi_info_read(h->multi, &left)) != NULL) {
        struct http_xfer *x = NULL;
        struct http_slot *slot;
        enum http_end end;

        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x);
        slot = x->slot;
        end = http_easy_judge(slot->easy, x, m->data.result);
        slot_vacate(h, slot); /* `m` dies with it */
        xfer_end(h, x, end);  /* last: it may start, cancel or free transfers */
    }
    h->draining = false;
    if (h->freed)
        http_client_tear_down(h);
}

/* Puts a transfer to work. On failure the place is free again. */
static int slot_begin(struct http_client *h, struct http_slot *slot)
{
    int64_t left_ms = slot->x->deadline_ms - (loop_now_ms(h->loop) - slot->start_ms);
    struct http_easy *e = http_easy_get(h);
    int r;

    if (!e)
        return -ENOMEM;
    slot->easy = e;
    r = http_easy_setup(h, e, slot->x, left_ms > 0 ? left_ms : 1);
    if (r == 0 && curl_multi_add_handle(h->multi, e->curl) != CURLM_OK)
        r = -ENOMEM;
    if (r < 0) {
        http_easy_put(h, e);
        slot->easy = NULL;
        return r;
    }
    slot->host->active++;
    h->active++;
    return 0;
}

static bool has_place(const struct http_client *h, const struct http_host *host)
{
    return h->active < h->conf.max_total && host->active < h->conf.max_per_host;
}

/* The next waiting transfer that may begin; hosts take turns. NULL: none. */
static struct http_xfer *next_waiting(struct http_client *h)
{
    for (struct list *n = h->hungry.next; n != &h->hungry; n = n->next) {
        struct http_host *host = container_of(n, struct http_host, node);

        if (!has_place(h, host))
            continue;
        list_del(&host->node);
        list_add_tail(&h->hungry, &host->node);
        return container_of(list_first(&host->waiting), struct http_xfer, node);
    }
    return NULL;
}

static void on_feed(struct loop_deferred *d)
{
    struct http_client *h = container_of(d, struct http_client, feed);
    struct http_xfer *x;

    while (!h->freed && (x = next_waiting(h)) != NULL) {
        struct http_slot *slot = x->slot;
        struct http_host *host = slot->host;
        int r;

        host_forget_waiting(h, slot);
        slot->host = host;
        r = slot_begin(h, slot);
        if (r < 0) {
            x->err = r;
            x->why = err_text(r);
            xfer_end(h, x, HTTP_NOT_SENT);
        }
    }
}

static void wait_for_place(struct http_client *h, struct http_slot *slot)
{
    list_add_tail(&slot->host->waiting, &slot->x->node);
    if (!list_linked(&slot->host->node))
        list_add_tail(&h->hungry, &slot->host->node);
    h->waiting++;
    if (!timer_is_running(&h->sweep))
        timer_start(&h->sweep, SWEEP_MS, on_sweep);
}

int http_start(struct http_client *h, struct http_xfer *x)
{
    struct http_slot *slot;
    struct str origin;
    int r = http_url_origin(x->url, &origin);

    assert(!x->slot && x->done && !h->freed);
    if (r < 0)
        return r;
    xfer_complete(x);
    slot = mem_calloc(1, sizeof(*slot));
    if (!slot)
        return -ENOMEM;
    slot->x = x;
    slot->start_ms = loop_now_ms(h->loop);
    x->slot = slot;
    x->client = h;
    list_init(&x->node);
    r = host_of(h, origin, &slot->host);
    if (r == 0 && has_place(h, slot->host) && list_empty(&slot->host->waiting))
        r = slot_begin(h, slot);
    else if (r == 0 && h->waiting >= h->conf.max_waiting)
        r = ERR_FULL;
    else if (r == 0)
        wait_for_place(h, slot);
    if (r < 0) {
        x->slot = NULL;
        x->client = NULL;
        mem_free(slot);
        return r;
    }
    h->load++;
    return 0;
}

/* Waiting transfers whose time is over. */
static void on_sweep(struct timer *t)
{
    struct http_client *h = container_of(t, struct http_client, sweep);
    int64_t now = loop_now_ms(h->loop);
    struct list late, *n;

    list_init(&late);
    for (struct list *hn = h->hungry.next, *next; hn != &h->hungry; hn = next) {
        struct http_host *host = container_of(hn, struct http_host, node);

        next = hn->next;
        for (struct list *xn = host->waiting.next, *xnext; xn != &host->waiting; xn = xnext) {
            struct http_xfer *x = container_of(xn, struct http_xfer, node);
            struct http_slot *slot = x->slot;

            xnext = xn->next;
            if (now - slot->start_ms < x->deadline_ms)
                continue;
            host_forget_waiting(h, slot);
            list_add_tail(&late, &x->node);
        }
    }
    if (h->waiting > 0)
        timer_start(t, SWEEP_MS, on_sweep);
    while ((n = list_pop(&late)) != NULL) {
        struct http_xfer *x = container_of(n, struct http_xfer, node);

        x->err = ERR_TIMEOUT;
        x->why = "no free connection in time";
        xfer_end(h, x, HTTP_NOT_SENT);
    }
}

void http_cancel(struct http_client *h, struct http_xfer *x)
{
    struct http_slot *slot = x->slot;

    if (!slot || (!slot->easy && !slot->host))
        return; /* ended, or already ending */
    assert(x->client == h);
    if (slot->easy) {
        x->bytes_out = http_easy_bytes_out(slot->easy);
        slot_vacate(h, slot);
    } else {
        host_forget_waiting(h, slot);
    }
    x->err = ERR_CANCELED;
    x->why = err_text(ERR_CANCELED);
    list_add_tail(&h->canceled, &x->node);
    loop_defer(h->loop, &h->report);
}

static void on_report(struct loop_deferred *d)
{
    struct http_client *h = container_of(d, struct http_client, report);
    struct list *node;

    while (!h->freed && (node = list_pop(&h->canceled)) != NULL)
        xfer_end(h, container_of(node, struct http_xfer, node), HTTP_CANCELED);
}

bool http_is_running(const struct http_xfer *x)
{
    return x->slot != NULL;
}

void http_xfer_fini(struct http_xfer *x)
{
    if (!x)
        return;
    assert(!x->slot);
    buf_fini(&x->answer);
}

size_t http_client_load(const struct http_client *h)
{
    return h->load;
}
