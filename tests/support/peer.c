/* SPDX-License-Identifier: Apache-2.0 */
/* peer.c - one thread, poll(), blocking writes of small answers. */
#include "support/peer.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_CONNS = 256, MAX_REQUESTS = 4096, REQUEST_CAP = 4 * 1024 * 1024 };

struct peer_conn {
    int fd;
    struct buf in;
    const struct peer_step *step; /* of the request being read; NULL: none began */
    size_t record;
};

struct peer {
    const struct peer_step *steps;
    size_t step_count;
    int listener, stop_pipe[2], port;
    pthread_t thread;
    struct peer_conn conns[MAX_CONNS];
    size_t open;
    pthread_mutex_t lock; /* of what follows */
    char *requests[MAX_REQUESTS];
    size_t request_count, connections, most_open;
    char url[512];
};

static void conn_end(struct peer *p, struct peer_conn *c, enum peer_fate fate)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};

    if (fate == PEER_RESET)
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    (void)close(c->fd);
    buf_fini(&c->in);
    c->fd = -1;
    p->open--;
}

static void on_head(struct peer *p, struct peer_conn *c)
{
    pthread_mutex_lock(&p->lock);
    assert(p->request_count < MAX_REQUESTS);
    c->record = p->request_count++;
    pthread_mutex_unlock(&p->lock);
    c->step = &p->steps[c->record < p->step_count ? c->record : p->step_count - 1];
    if (c->step->first)
        (void)peer_say(c->fd, c->step->first, strlen(c->step->first));
}

static void record(struct peer *p, struct peer_conn *c, size_t len)
{
    char *copy = strndup(c->in.data, len);

    pthread_mutex_lock(&p->lock);
    p->requests[c->record] = copy;
    pthread_mutex_unlock(&p->lock);
}

/* False when the connection has ended. */
static bool conn_serve(struct peer *p, struct peer_conn *c)
{
    const char *end, *field;
    size_t len, body = 0;

    while ((end = c->in.len ? strstr(c->in.data, "\r\n\r\n") : NULL) != NULL) {
        field = strcasestr(c->in.data, "\r\nContent-Length:");
        if (field && field < end)
            body = strtoul(field + 17, NULL, 10);
        if (!c->step)
            on_head(p, c);
        len = (size_t)(end - c->in.data) + 4 + (c->step->head_only ? 0 : body);
        if (c->in.len < len)
            return true;
        record(p, c, len);
        if (c->step->answer)
            (void)peer_say(c->fd, c->step->answer, strlen(c->step->answer));
        if (c->step->fate != PEER_KEEP) {
            conn_end(p, c, c->step->fate);
            return false;
        }
        buf_consume(&c->in, len);
        c->step = NULL;
        body = 0;
    }
    return true;
}

static void conn_readable(struct peer *p, struct peer_conn *c)
{
    char chunk[65536];
    ssize_t n = recv(c->fd, chunk, sizeof(chunk), 0);

    if (n <= 0) {
        conn_end(p, c, PEER_CLOSE);
        return;
    }
    (void)buf_add(&c->in, chunk, (size_t)n);
    (void)conn_serve(p, c);
}

static void accept_one(struct peer *p)
{
    int fd = accept(p->listener, NULL, NULL);

    for (size_t i = 0; fd >= 0 && i < MAX_CONNS; i++) {
        struct peer_conn *c = &p->conns[i];

        if (c->fd >= 0)
            continue;
        *c = (struct peer_conn){.fd = fd};
        buf_init(&c->in, REQUEST_CAP);
        p->open++;
        pthread_mutex_lock(&p->lock);
        p->connections++;
        if (p->open > p->most_open)
            p->most_open = p->open;
        pthread_mutex_unlock(&p->lock);
        return;
    }
    if (fd >= 0)
        (void)close(fd);
}

static void *serve(void *arg)
{
    struct peer *p = arg;

    for (;;) {
        struct pollfd fds[MAX_CONNS + 2];
        struct peer_conn *owner[MAX_CONNS];
        nfds_t n = 2;

        fds[0] = (struct pollfd){p->stop_pipe[0], POLLIN, 0};
        fds[1] = (struct pollfd){p->listener, POLLIN, 0};
        for (size_t i = 0; i < MAX_CONNS; i++) {
            if (p->conns[i].fd < 0)
                continue;
            owner[n - 2] = &p->conns[i];
            fds[n++] = (struct pollfd){p->conns[i].fd, POLLIN, 0};
        }
        if (poll(fds, n, -1) < 0)
            continue;
        if (fds[0].revents)
            return NULL;
        for (nfds_t i = 2; i < n; i++)
            if (fds[i].revents)
                conn_readable(p, owner[i - 2]);
        if (fds[1].revents)
            accept_one(p);
    }
}

static int listen_local(int *ret_port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 1024) < 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &len) < 0) {
        int r = -errno;

        (void)close(fd);
        return r;
    }
    *ret_port = ntohs(addr.sin_port);
    return fd;
}

int peer_start(const struct peer_step *steps, size_t n, struct peer **ret)
{
    struct peer *p = calloc(1, sizeof(*p));

    if (!p)
        return -ENOMEM;
    p->steps = steps;
    p->step_count = n;
    for (size_t i = 0; i < MAX_CONNS; i++)
        p->conns[i].fd = -1;
    p->listener = listen_local(&p->port);
    if (p->listener < 0 || pipe(p->stop_pipe) < 0 || pthread_mutex_init(&p->lock, NULL) != 0 ||
        pthread_create(&p->thread, NULL, serve, p) != 0)
        abort();
    *ret = p;
    return 0;
}

void peer_stop(struct peer *p)
{
    if (!p)
        return;
    (void)!write(p->stop_pipe[1], "", 1);
    (void)pthread_join(p->thread, NULL);
    for (size_t i = 0; i < MAX_CONNS; i++)
        if (p->conns[i].fd >= 0)
            conn_end(p, &p->conns[i], PEER_CLOSE);
    for (size_t i = 0; i < p->request_count; i++)
        free(p->requests[i]);
    (void)close(p->listener);
    (void)close(p->stop_pipe[0]);
    (void)close(p->stop_pipe[1]);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

int peer_port(const struct peer *p)
{
    return p->port;
}

const char *peer_url(struct peer *p, const char *path)
{
    (void)snprintf(p->url, sizeof(p->url), "http://127.0.0.1:%d%s", p->port, path);
    return p->url;
}

static size_t locked(struct peer *p, const size_t *value)
{
    size_t n;

    pthread_mutex_lock(&p->lock);
    n = *value;
    pthread_mutex_unlock(&p->lock);
    return n;
}

size_t peer_connections(struct peer *p)
{
    return locked(p, &p->connections);
}

size_t peer_most_open(struct peer *p)
{
    return locked(p, &p->most_open);
}

size_t peer_requests(struct peer *p)
{
    return locked(p, &p->request_count);
}

const char *peer_request(struct peer *p, size_t i)
{
    const char *text;

    pthread_mutex_lock(&p->lock);
    text = i < p->request_count ? p->requests[i] : NULL;
    pthread_mutex_unlock(&p->lock);
    return text;
}

int peer_dial(int port)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = PEER_PATIENCE_MS / 1000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        int r = -errno;

        (void)close(fd);
        return r;
    }
    return fd;
}

int peer_say(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

        if (n < 0)
            return -errno;
        text += n;
        len -= (size_t)n;
    }
    return 0;
}

int peer_hear_bytes(int fd, size_t n, struct buf *out)
{
    char chunk[4096];

    while (n > 0) {
        ssize_t got = recv(fd, chunk, n < sizeof(chunk) ? n : sizeof(chunk), 0);

        if (got < 0)
            return -errno;
        if (got == 0)
            return -EPIPE;
        (void)buf_add(out, chunk, (size_t)got);
        n -= (size_t)got;
    }
    return 0;
}

int peer_hear_answer(int fd, struct buf *out)
{
    size_t from = out->len;
    const char *field;
    int r;

    do {
        r = peer_hear_bytes(fd, 1, out);
        if (r < 0)
            return r;
    } while (out->len - from < 4 || memcmp(out->data + out->len - 4, "\r\n\r\n", 4) != 0);
    field = strcasestr(out->data + from, "\r\nContent-Length:");
    return field ? peer_hear_bytes(fd, strtoul(field + 17, NULL, 10), out) : 0;
}

int peer_hear_end(int fd, struct buf *out)
{
    int r;

    do
        r = peer_hear_bytes(fd, 4096, out); /* what comes before the end is kept */
    while (r == 0);
    return r == -EPIPE ? 0 : r;
}
