/* SPDX-License-Identifier: Apache-2.0 */
/* front_door.c - listener, routes, deadlines and the graceful end; connections live in front_conn.c.
 *
 *     new -> listen -> stop: listener closed, idle peers closed -> last connection closed or grace over
 *         -> on_stopped (deferred) -> free: timers closed -> storage
 *
 * One sweep timer looks at all deadlines: a request then costs no timer operation.
 */
#include "loop/front_door.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "loop/front_conn.h"
#include "loop/ws_private.h"

enum { MAX_ROUTES = 256, BACKLOG = 1024 };

struct str http_request_field(const struct http_request *r, const char *name)
{
    return http_parse_field(r->parser, r->data, name);
}

static void default_ms(int64_t *value, int64_t ms, int64_t *least)
{
    if (*value <= 0)
        *value = ms;
    if (*value < *least)
        *least = *value;
}

static void conf_complete(struct front_door_conf *conf, int64_t *ret_sweep_ms)
{
    int64_t least = 4000;

    if (conf->max_connections == 0)
        conf->max_connections = 4096;
    if (conf->max_connections > UINT16_MAX)
        conf->max_connections = UINT16_MAX;
    default_ms(&conf->head_ms, 10000, &least);
    default_ms(&conf->body_ms, 30000, &least);
    default_ms(&conf->handler_ms, 30000, &least);
    default_ms(&conf->write_ms, 30000, &least);
    default_ms(&conf->idle_ms, 60000, &least);
    *ret_sweep_ms = least < 20 ? 5 : least / 4;
}

static void on_sweep(struct timer *t)
{
    struct front_door *door = container_of(t, struct front_door, sweep);
    int64_t now = (int64_t)uv_now(&door->loop->uv);

    /* A closed connection leaves the list only from its close callback, so the walk is safe. */
    for (struct list *n = door->conns.next; n != &door->conns; n = n->next) {
        struct conn *c = container_of(n, struct conn, node);

        if (c->state != CONN_CLOSED && now >= c->deadline_ms)
            conn_expire(c);
    }
    if (door->waiting)
        door->waiting = conn_accept(door) < 0;
    if (!list_empty(&door->conns) || door->waiting)
        timer_start(t, door->sweep_ms, on_sweep);
}

static void on_run_ready(struct loop_deferred *d)
{
    struct front_door *door = container_of(d, struct front_door, run_ready);
    struct list ready, *n;

    list_init(&ready);
    list_move_all(&ready, &door->ready);
    while ((n = list_pop(&ready)) != NULL)
        conn_drive(container_of(n, struct conn, ready));
}

static void on_stopped(struct loop_deferred *d)
{
    struct front_door *door = container_of(d, struct front_door, stopped);

    door->on_stopped(door->stopped_ctx);
}

int front_door_new(struct loop *loop, const struct front_door_conf *conf, struct front_door **ret)
{
    struct front_door *door = mem_calloc(1, sizeof(*door));

    if (!door)
        return -ENOMEM;
    door->loop = loop;
    if (conf)
        door->conf = *conf;
    conf_complete(&door->conf, &door->sweep_ms);
    list_init(&door->conns);
    list_init(&door->ready);
    loop_deferred_init(&door->stopped, on_stopped);
    loop_deferred_init(&door->run_ready, on_run_ready);
    timer_init(loop, &door->sweep);
    timer_init(loop, &door->grace);
    door->open_handles = 2;
    door->slots = mem_calloc(door->conf.max_connections, sizeof(door->slots[0]));
    door->free_slots = mem_calloc(door->conf.max_connections, sizeof(door->free_slots[0]));
    if (!door->slots || !door->free_slots) {
        front_door_free(door);
        return -ENOMEM;
    }
    for (size_t i = door->conf.max_connections; i > 0; i--)
        door->free_slots[door->free_count++] = (uint16_t)(i - 1);
    *ret = door;
    return 0;
}

int front_door_route(struct front_door *door, unsigned verbs, const char *path, size_t body_cap,
                     front_door_handler handler, void *ctx)
{
    size_t len = strlen(path);
    struct route *routes;
    char *copy;

    assert(!door->listening && len > 0);
    if (door->route_count == MAX_ROUTES)
        return ERR_FULL;
    routes = mem_resize(door->routes, door->route_count + 1, sizeof(routes[0]));
    if (!routes)
        return -ENOMEM;
    door->routes = routes;
    copy = mem_strdup(path);
    if (!copy)
        return -ENOMEM;
    routes[door->route_count++] = (struct route){
        .path = copy,
        .path_len = len,
        .prefix = len > 1 && path[len - 1] == '/',
        .verbs = verbs,
        .body_cap = body_cap,
        .handler = handler,
        .ctx = ctx,
    };
    return 0;
}

static bool route_matches(const struct route *r, struct str path)
{
    return (r->prefix ? path.n >= r->path_len : path.n == r->path_len) &&
           memcmp(r->path, path.p, r->path_len) == 0;
}

const struct route *route_find(const struct front_door *door, enum http_verb verb, struct str path,
                               unsigned *ret_verbs)
{
    const struct route *best = NULL;
    size_t longest = 0;
    unsigned wanted = verb == VERB_HEAD ? VERB_HEAD | VERB_GET : verb;

    for (size_t i = 0; i < door->route_count; i++) {
        const struct route *r = &door->routes[i];

        if (r->path_len < longest || !route_matches(r, path))
            continue;
        if (r->path_len > longest) { /* a longer path hides a shorter one, whatever their verbs */
            longest = r->path_len;
            *ret_verbs = 0;
            best = NULL;
        }
        *ret_verbs |= r->verbs;
        if (r->verbs & wanted)
            best = r;
    }
    return best;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct front_door *door = listener->data;

    if (!timer_is_running(&door->sweep))
        timer_start(&door->sweep, door->sweep_ms, on_sweep);
    if (status == 0)
        door->waiting = conn_accept(door) < 0;
}

/* "host:port", "[v6]:port" */
static int parse_address(const char *address, struct sockaddr_storage *ret)
{
    const char *colon = strrchr(address, ':');
    char host[INET6_ADDRSTRLEN];
    size_t len;
    int64_t port;

    if (!colon || str_to_i64(str_of(colon + 1), &port) < 0 || port < 0 || port > 65535)
        return ERR_INVALID;
    len = (size_t)(colon - address);
    if (len >= 2 && address[0] == '[' && colon[-1] == ']') {
        address++;
        len -= 2;
    }
    if (len >= sizeof(host))
        return ERR_INVALID;
    memcpy(host, address, len);
    host[len] = '\0';
    if (uv_ip4_addr(host, (int)port, (struct sockaddr_in *)ret) == 0)
        return 0;
    return uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)ret) == 0 ? 0 : ERR_INVALID;
}

static void door_release(struct front_door *door)
{
    if (--door->open_handles > 0)
        return;
    mem_free(door->slots);
    mem_free(door->free_slots);
    for (size_t i = 0; i < door->route_count; i++)
        mem_free(door->routes[i].path);
    mem_free(door->routes);
    mem_free(door);
}

static void on_listener_closed(uv_handle_t *handle)
{
    door_release(handle->data);
}

static void listener_close(struct front_door *door)
{
    door->listening = door->waiting = false;
    uv_close((uv_handle_t *)&door->listener, on_listener_closed);
}

int front_door_listen(struct front_door *door, const char *address)
{
    struct sockaddr_storage addr;
    int r = parse_address(address, &addr);

    assert(!door->listening && !door->stopping);
    if (r < 0)
        return r;
    r = uv_tcp_init(&door->loop->uv, &door->listener);
    if (r < 0)
        return r;
    door->listener.data = door;
    door->listening = true;
    door->open_handles++;
    r = uv_tcp_bind(&door->listener, (struct sockaddr *)&addr, 0);
    if (r == 0)
        r = uv_listen((uv_stream_t *)&door->listener, BACKLOG, on_connection);
    if (r < 0)
        listener_close(door);
    return r;
}

int front_door_port(const struct front_door *door)
{
    struct sockaddr_storage addr;
    int len = sizeof(addr);

    if (!door->listening || uv_tcp_getsockname(&door->listener, (struct sockaddr *)&addr, &len) < 0)
        return 0;
    return ntohs(addr.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&addr)->sin6_port
                                            : ((struct sockaddr_in *)&addr)->sin_port);
}

static void on_grace(struct timer *t)
{
    struct front_door *door = container_of(t, struct front_door, grace);

    for (struct list *n = door->conns.next; n != &door->conns; n = n->next)
        conn_close(container_of(n, struct conn, node));
}

void front_door_stop(struct front_door *door, int64_t grace_ms, void (*stopped)(void *ctx), void *ctx)
{
    assert(!door->stopping);
    door->stopping = true;
    door->on_stopped = stopped;
    door->stopped_ctx = ctx;
    if (door->listening)
        listener_close(door);
    for (struct list *n = door->conns.next; n != &door->conns; n = n->next)
        conn_drain(container_of(n, struct conn, node));
    if (list_empty(&door->conns))
        loop_defer(door->loop, &door->stopped);
    else
        timer_start(&door->grace, grace_ms, on_grace);
}

void front_door_conn_closed(struct front_door *door, struct conn *c)
{
    list_del(&c->node);
    door->slots[c->slot] = NULL;
    door->free_slots[door->free_count++] = c->slot;
    door->stats.connections--;
    if (door->stopping && list_empty(&door->conns)) {
        timer_stop(&door->grace);
        loop_defer(door->loop, &door->stopped);
    }
}

static void on_sweep_closed(struct timer *t)
{
    door_release(container_of(t, struct front_door, sweep));
}

static void on_grace_closed(struct timer *t)
{
    door_release(container_of(t, struct front_door, grace));
}

void front_door_free(struct front_door *door)
{
    if (!door)
        return;
    assert(!door->listening && list_empty(&door->conns));
    loop_deferred_cancel(&door->stopped);
    loop_deferred_cancel(&door->run_ready);
    timer_close(&door->sweep, on_sweep_closed);
    timer_close(&door->grace, on_grace_closed);
}

void http_reply(struct front_door *door, struct request_id id, const struct http_reply *reply)
{
    struct conn *c = conn_find(door, id);

    if (c)
        conn_reply(c, reply);
}

void http_reply_error(struct front_door *door, struct request_id id, int status, const char *code,
                      const char *message)
{
    struct conn *c = conn_find(door, id);

    if (c)
        conn_reply_error(c, status, code, message);
}

void http_drop(struct front_door *door, struct request_id id)
{
    struct conn *c = conn_find(door, id);

    if (c)
        conn_close(c);
}

int front_door_upgrade(struct front_door *door, struct request_id id, uint64_t tag)
{
    struct conn *c = conn_find(door, id);
    struct str key, rest;
    uv_os_fd_t fd;
    int copy, r;

    if (!c || !c->parser.upgrade || !door->conf.ws || c->eof)
        return ERR_NOT_FOUND;
    r = uv_fileno((uv_handle_t *)&c->tcp, &fd);
    if (r < 0)
        return r;
    copy = dup(fd); /* libuv cannot let go of a socket without closing it */
    if (copy < 0)
        return -errno;
    key = http_parse_field(&c->parser, c->in.data, "Sec-WebSocket-Key");
    rest = str_sub(buf_str(&c->in), c->parser.head_bytes, c->in.len);
    (void)uv_read_stop((uv_stream_t *)&c->tcp);
    c->reading = false;
    r = ws_server_adopt(door->conf.ws, copy, key, rest, tag);
    if (r == 0)
        conn_close(c);
    else
        conn_read(c);
    return r;
}

struct front_door_stats front_door_stats(const struct front_door *door)
{
    return door->stats;
}
